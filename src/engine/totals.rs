//! The totals of a run.

use crate::decode::{LinkType, SkipReason};
use crate::detect::host::HostDetectors;
use crate::detect::{Health, Severity};
use crate::time::Timestamp;

/// Totals of a run, as of now.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Frames read (those a capture filter refused are not among them).
    pub packets: u64,
    /// TCP segments among them.
    pub segments: u64,
    /// Frames that yielded no segment, by [`SkipReason`] in its order.
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Of those of an unknown link type, which it was.
    pub unknown_links: LinkCounts,
    /// ICMP errors that quoted a TCP segment.
    pub icmp: u64,
    /// Flows that began.
    pub flows: u64,
    /// Finished flows by [`crate::flow::Opening`], in its order.
    pub by_opening: [u64; 14],
    /// Finished flows by [`crate::flow::Closing`], in its order.
    pub by_closing: [u64; 9],
    /// Flows that were given up because a table was full.
    pub evicted: u64,
    /// Of those, SYN-only flows, which were counted and not written.
    pub evicted_unwritten: u64,
    /// Tables that were full, by what they hold, and how much of that was given up for something else.
    pub tables_full: Vec<(&'static str, u64)>,
    /// Segments that came after their connection had been reported.
    pub late_segments: u64,
    /// Time stamps that ran backwards by more than a millisecond.
    pub clock_backwards: u64,
    /// Anomalies by id, in order of the registry.
    pub anomalies: Vec<(&'static str, u64)>,
    /// Severities of anomalies by id, the highest that each was reported with, in order of the registry.
    pub severities: Vec<(&'static str, Severity)>,
    /// Health of the capture: sums over the flows that have ended.
    pub health: Health,
    /// Time of the first frame.
    pub first_time: Option<Timestamp>,
    /// Time of the last frame.
    pub last_time: Option<Timestamp>,
    /// Packets received by the filter (live).
    pub received: Option<u64>,
    /// Packets dropped by the kernel (live).
    pub dropped_kernel: Option<u64>,
    /// Packets dropped by interfaces (live).
    pub dropped_interface: Option<u64>,
    /// Packets dropped because the analysis could not follow (live).
    pub dropped_queue: Option<u64>,
    /// Packets received and not read when the capture ended (live).
    pub unread: Option<u64>,
    /// Frames skipped because the capture filter does not fit their link type.
    pub unfit: u64,
}

/// Frames by link type, in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct LinkCounts(Vec<(LinkType, u64)>);

impl LinkCounts {
    /// Limit of separately counted link types; only a forged file has more, which are counted in the sum only.
    const MAX: usize = 16;

    /// Counts a frame.
    pub(super) fn count(&mut self, link: LinkType) {
        if let Some((_, n)) = self.0.iter_mut().find(|(known, _)| *known == link) {
            *n += 1;
        } else if self.0.len() < Self::MAX {
            self.0.push((link, 1));
        }
    }

    /// Link types and how many frames they had.
    pub fn iter(&self) -> impl Iterator<Item = (LinkType, u64)> {
        self.0.iter().copied()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Totals {
    /// Adds the anomalies of hosts to those of flows and of the capture.
    pub(super) fn add_hosts(&mut self, hosts: &HostDetectors) {
        self.anomalies.extend(hosts.counts());
        self.severities.extend(hosts.severities());
        self.tables_full.extend(hosts.evictions().into_iter().filter(|(_, n)| *n > 0));
    }
}
