//! What `--list-…`, `-D` and `--print-schema` print.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::messages::Failure;
use crate::capture::preset::PRESETS;
use crate::detect::{RULES, Rule};

/// Prints to stdout. A reader that goes away is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
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
        let about = preset.text.lines().find_map(|line| line.strip_prefix('#')).unwrap_or_default().trim();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<12} {about}", preset.name);
        for (n, expression) in preset.alternatives().enumerate() {
            let _ = writeln!(text, "{:12} {}{expression}", "", if n == 0 { "" } else { "else " });
        }
    }
    text
}

/// Interfaces that can be captured on.
#[cfg(feature = "live")]
pub(super) fn interfaces() -> Result<String, Failure> {
    super::run::interfaces()
}

/// Interfaces that can be captured on: none without libpcap.
#[cfg(not(feature = "live"))]
pub(super) fn interfaces() -> Result<String, Failure> {
    Err(Failure::Usage("-D: this build has no live capture".to_owned()))
}

/// Every anomaly, a paragraph each.
pub(super) fn anomalies() -> String {
    RULES.iter().map(anomaly).collect::<Vec<_>>().join("")
}

/// One anomaly.
pub(super) fn anomaly(rule: &Rule) -> String {
    format!(
        "{:<34} {:<6} {:<8} {}\n    {}\n",
        rule.id,
        rule.severity.name(),
        rule.scope.name(),
        rule.reference,
        rule.condition
    )
}
