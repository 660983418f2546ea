//! What `--list-…`, `-D` and `--print-schema` print.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::messages::Failure;
use crate::capture::preset::PRESETS;
use crate::detect::Rule;
use crate::detect::registry::rules;
use crate::flow_filter;

/// Prints to stdout. A reader that goes away is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    check(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// What became of printing to stdout.
pub(super) fn check(printed: io::Result<()>) -> Result<(), Failure> {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Running(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Capture filters that come with the program.
pub(super) fn presets() -> String {
    let mut text = String::new();
    for preset in PRESETS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<12} {}", preset.name, preset.description());
    }
    text
}

/// Interfaces that can be captured on.
#[cfg(feature = "live")]
pub(super) fn interfaces() -> Result<String, Failure> {
    let mut text = String::new();
    for (n, interface) in crate::capture::list_interfaces()?.iter().enumerate() {
        let state = match (interface.running, interface.up) {
            (true, _) => "running",
            (false, true) => "up",
            (false, false) => "down",
        };
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        let description = interface.description.as_deref().unwrap_or_default();
        let line = format!("{:>2}. {:<16} {state:<8} {}  {description}", n + 1, interface.name, addresses.join(" "));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    Ok(text)
}

/// Interfaces that can be captured on: none without libpcap.
#[cfg(not(feature = "live"))]
pub(super) fn interfaces() -> Result<String, Failure> {
    Err(Failure::Usage("-D: this build does not support live capture (feature 'live')".to_owned()))
}

/// Every field of `-Y`, `--fail-on`, `--expect` and the view: its names, what it is compared with, what it means.
pub(super) fn fields() -> String {
    let mut text = String::new();
    for field in flow_filter::list() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<13} {:<10} {}", field.name, field.kind, field.about);
        for (what, words) in [("also", &field.others), ("one of", &field.words)] {
            for line in wrapped(words, 100) {
                let _ = writeln!(text, "    {what} {line}");
            }
        }
    }
    text
}

/// Words, separated by commas, in lines of at most `width` columns.
fn wrapped(words: &[&str], width: usize) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() + 2 <= width => {
                line.push_str(", ");
                line.push_str(word);
            }
            _ => lines.push((*word).to_owned()),
        }
    }
    lines
}

/// Every anomaly, two lines each.
pub(super) fn anomalies() -> String {
    rules().map(headline).collect()
}

/// One anomaly, with what it means.
pub(super) fn anomaly(rule: &Rule) -> String {
    format!("{}\n{}\n", headline(rule), rule.description)
}

fn headline(rule: &Rule) -> String {
    let (severity, scope) = (rule.severity.name(), rule.scope.name());
    format!("{:<34} {severity:<6} {scope:<8} {}\n    {}\n", rule.id, rule.reference, rule.summary)
}
