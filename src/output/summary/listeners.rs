//! The listening sockets of this host, and what its kernel counted.

use super::page::Page;
use crate::kernel::{Known, ListenerRow};
use crate::output::escape::for_terminal;

/// Rows shown: the fullest first.
const SHOWN: usize = 20;
/// Counters that say why connections fail.
const COUNTERS: &[(&str, &str)] = &[
    ("ListenOverflows", "connections dropped: accept queue full"),
    ("ListenDrops", "SYNs and ACKs dropped by listening sockets"),
    ("TCPReqQFullDrop", "SYNs dropped: SYN queue full"),
    ("TCPReqQFullDoCookies", "SYNs answered with cookies: SYN queue full"),
    ("SyncookiesFailed", "cookies that did not check"),
    ("TCPSynRetrans", "SYNs and SYN-ACKs sent again"),
    ("TCPAbortOnTimeout", "connections given up: no answer"),
    ("TCPAbortOnData", "connections reset: closed with data unread or to come"),
    ("TWRecycled", "ports in TIME_WAIT used again"),
    ("AttemptFails", "attempts that failed"),
];

/// Adds both sections, where there is something to say.
pub(super) fn listeners(page: &mut Page, known: &Known) {
    let mut rows = known.listeners();
    rows.retain(|row| row.max_queue > 0 || row.max_half_open > 0 || row.process.is_some());
    rows.sort_by_key(|row| core::cmp::Reverse((share(row), row.max_half_open)));
    let more = rows.len().saturating_sub(SHOWN);
    let title =
        format!("{:<40}{:<18}{:>12}{:>10}", "Listening sockets of this host", "process", "accept queue", "half-open");
    page.section(&title, rows.iter().take(SHOWN).map(row));
    if more > 0 {
        page.line(&format!("  (and {more} more)"));
    }
    let counted = COUNTERS.iter().filter_map(|(name, words)| {
        let count = known.counted(name).filter(|count| *count > 0)?;
        Some(format!("{count:>8}  {words} ({name})"))
    });
    page.section("Counted by this host's kernel", counted);
    for why in known.missing() {
        page.line(&format!("  (not asked: {})", for_terminal(&why)));
    }
    if known.left_out() > 0 {
        page.line(&format!("  (more sockets than are kept: {} left out)", known.left_out()));
    }
}

/// The most that waited, percent of the limit.
fn share(row: &ListenerRow) -> u64 {
    u64::from(row.max_queue) * 100 / u64::from(row.now.limit.max(1))
}

fn row(row: &ListenerRow) -> String {
    let process = row.process.as_ref();
    let process =
        process.map_or_else(|| "?".to_owned(), |process| format!("{} ({})", for_terminal(&process.name), process.pid));
    let queue = format!("{}/{}", row.max_queue, row.now.limit);
    format!("  {:<38}{process:<18}{queue:>12}{:>10}", row.now.address, row.max_half_open)
}
