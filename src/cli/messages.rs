//! Messages on stderr.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::capture::{CaptureError, Counts};
use crate::decode::SkipReason;
use crate::decode::link::link_name;
use crate::detect::registry::rule;
use crate::detect::rule::When;
use crate::engine::Totals;
use crate::flow::Opening;
use crate::output::escape::{is_unsafe, lines_for_terminal};

/// Why the program ends with another exit code than 0.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// An option has no effect together with others: its name, and what is wrong with it. No error where it was not
    /// typed.
    #[error("{0} {1}")]
    Ineffective(&'static str, String),
    /// Something failed while running.
    #[error("{0}")]
    Running(String),
    /// Packets cannot be had.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// `--fail-on` matched, or `--expect` did not.
    #[error("{0}")]
    Check(String),
    /// Not one packet could be looked into.
    #[error("{0}")]
    Unreadable(String),
}

impl Failure {
    /// The exit code of the contract.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Ineffective(..) => 2,
            Self::Running(_) => 1,
            Self::Check(_) => 3,
            Self::Unreadable(_) => 4,
            Self::Capture(error) => error.exit_code(),
        }
    }
}

/// A usage error about `option`, with a caret under octet `place` of what was typed.
pub(super) fn usage_at(option: &str, problem: &str, typed: &str, place: usize) -> Failure {
    let column = typed.get(..place).map_or(place, |before| before.chars().count());
    let typed: String = typed.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    Failure::Usage(format!("{option}: {problem}\n  {typed}\n  {:column$}^", ""))
}

/// Says on stderr why the program ends.
pub(super) fn complain(failure: &Failure) {
    say(&format!("synscope: {failure}"));
}

/// Says what is wrong with the options.
pub(super) fn complain_of_usage(error: &clap::Error) {
    let text = error.render().to_string();
    if text.chars().any(|c| c != '\n' && is_unsafe(c)) {
        // Somebody's file name, perhaps: without colours then.
        say(text.trim_end());
    } else {
        // Nobody reads it where that fails.
        let _ = error.print();
    }
}

/// Writes a line to stderr; it does not matter if nobody reads it.
///
/// What it quotes comes from outside: names of files and interfaces, filters, what was typed.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", lines_for_terminal(line));
}

/// The start line, in tcpdump's manner.
pub(super) fn start_line(source: &str, filter: Option<&str>, live: bool) -> String {
    let mut line = source.to_owned();
    if let Some(filter) = filter {
        // Writing to a String cannot fail.
        let _ = write!(line, ", filter \"{filter}\"");
    }
    if live {
        line.push_str("; Ctrl-C to stop");
    }
    line
}

/// The closing counts, in tcpdump's words, then flows and anomalies.
pub(super) fn closing_lines(totals: &Totals, counts: Counts, live: bool) -> String {
    let mut lines = count(totals.packets, "packet", "captured");
    if live {
        let _ = write!(lines, "\n{}", count(counts.received, "packet", "received by filter"));
        let _ = write!(lines, "\n{}", count(counts.kernel_drops, "packet", "dropped by kernel"));
        if counts.interface_drops > 0 {
            let _ = write!(lines, "\n{}", count(counts.interface_drops, "packet", "dropped by interface"));
        }
    }
    if counts.unread > 0 {
        let _ = write!(lines, "\n{}", count(counts.unread, "packet", "received and not read at the end"));
    }
    if counts.late > 0 {
        let _ = write!(lines, "\n{} by an interface, out of order", count(counts.late, "packet", "delivered late"));
    }
    let by_opening = list(Opening::ALL.iter().map(|opening| opening.name()).zip(totals.by_opening));
    let _ = write!(lines, "\n{}{by_opening}", plural(totals.flows, "flow"));
    // Rules that fire on every ordinary connection do not count as anomalies.
    let ordinary = |id: &str| rule(id).is_some_and(|rule| rule.when == When::EveryEnd);
    let odd = || totals.anomalies.iter().copied().filter(|(id, _)| !ordinary(id));
    let anomalies: u64 = odd().map(|(_, n)| n).sum();
    let by_id = list(odd());
    let _ = write!(lines, "\n{}{by_id}", plural_as(anomalies, "anomaly", "anomalies"));
    if totals.evicted > 0 {
        let _ = write!(lines, "\n{} evicted from a full flow table (--max-flows)", plural(totals.evicted, "flow"));
    }
    let others = || totals.tables_full.iter().copied().filter(|(table, _)| *table != "flows");
    if others().next().is_some() {
        let _ = write!(lines, "\nevicted from full tables of hosts (--max-memory){}", list(others()));
    }
    lines
}

/// A warning where packets could not be looked into: those of a link type that is not decoded, or all there are.
pub(super) fn warning(totals: &Totals) -> Option<String> {
    if totals.unfit > 0 {
        let skipped = plural(totals.unfit, "packet");
        return Some(format!("warning: the capture filter does not fit the link type of {skipped}, skipped"));
    }
    if let Some(links) = unknown_links(totals) {
        let skipped = totals.skipped[SkipReason::UnknownLinkType as usize];
        return Some(format!("warning: {links}: {skipped} of {} skipped", plural(totals.packets, "packet")));
    }
    let nothing = totals.packets > 0 && totals.segments + totals.icmp == 0;
    nothing.then(|| format!("warning: no TCP in {}{}", plural(totals.packets, "packet"), reasons(totals)))
}

/// The failure of a run without a single supported link type.
pub(super) fn unreadable(totals: &Totals) -> Option<Failure> {
    let skipped = totals.skipped[SkipReason::UnknownLinkType as usize];
    if totals.packets == 0 || skipped < totals.packets {
        return None;
    }
    let links = unknown_links(totals)?;
    Some(Failure::Unreadable(format!("{links}: all of {} skipped", plural(totals.packets, "packet"))))
}

/// `link type 189 (USB_LINUX) is not decoded`, or nothing where there was none.
fn unknown_links(totals: &Totals) -> Option<String> {
    let named = |link: crate::decode::LinkType| match (link_name(link), link.0.to_string()) {
        (name, number) if name == number => number,
        (name, number) => format!("{number} ({name})"),
    };
    let links: Vec<String> = totals.unknown_links.iter().map(|(link, _)| named(link)).collect();
    match &links[..] {
        [] => None,
        [link] => Some(format!("link type {link} is not decoded")),
        links => Some(format!("link types {} are not decoded", links.join(", "))),
    }
}

/// Why packets were no TCP segments: `: 3 not-ip, 1 not-tcp`.
fn reasons(totals: &Totals) -> String {
    list(SkipReason::ALL.iter().map(|reason| reason.name()).zip(totals.skipped))
}

/// That `--flow` named a flow that there was not.
pub(super) fn no_such_flow(number: u64, flows: u64) -> String {
    match flows {
        0 => format!("no flow {number}: the capture has no flows"),
        _ => format!("no flow {number}: flows are numbered from 1 to {flows}"),
    }
}

/// What `-v` adds: packets that were no TCP segments, by reason, and what else was counted.
pub(super) fn verbose_lines(totals: &Totals) -> String {
    let reasons = reasons(totals);
    let skipped = totals.skipped.iter().sum();
    format!(
        "{}, {} about TCP, {} skipped{reasons}",
        plural(totals.segments, "TCP segment"),
        plural(totals.icmp, "ICMP error"),
        plural(skipped, "packet")
    )
}

/// `: 3 refused, 1 unanswered`, or nothing where all counts are 0.
fn list(counts: impl Iterator<Item = (&'static str, u64)>) -> String {
    let words: Vec<String> = counts.filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}

fn count(n: u64, noun: &str, done: &str) -> String {
    format!("{} {done}", plural(n, noun))
}

fn plural(n: u64, noun: &str) -> String {
    plural_as(n, noun, &format!("{noun}s"))
}

fn plural_as(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_under_the_place() {
        let Failure::Usage(text) = usage_at("--events", "unknown event 'fo'", "a,fo", 2) else { unreachable!() };
        assert_eq!(text.lines().collect::<Vec<_>>()[1..], ["  a,fo", "    ^"]);
    }

    #[test]
    fn closing_lines_in_tcpdumps_words() {
        let mut totals = Totals { packets: 48, flows: 8, ..Totals::default() };
        totals.by_opening[0] = 4;
        totals.by_opening[Opening::Refused as usize] = 3;
        totals.anomalies = vec![("half-close", 1), ("never", 0)];
        let counts = Counts { received: 48, ..Counts::default() };
        let text = closing_lines(&totals, counts, true);
        assert_eq!(
            text,
            "48 packets captured\n48 packets received by filter\n0 packets dropped by kernel\n\
             8 flows: 4 established, 3 refused\n1 anomaly: 1 half-close"
        );
    }
}
