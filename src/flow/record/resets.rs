//! Resets in the name of one end, and the evidence of their sender.

use super::evidence::Evidence;
use super::header_track::HeaderTrack;
use crate::tcp::{Segment, SeqNumber};
use crate::time::Timestamp;

/// Resets in the name of one end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resets {
    /// Time and frame of the first, and its number.
    pub first: Option<(Timestamp, u64, SeqNumber)>,
    /// Whether the first was possibly exact.
    pub exact: bool,
    /// Whether any was inside the window, but not exact.
    pub inexact: bool,
    /// Time and number of the last.
    pub last: (Timestamp, SeqNumber),
    /// TTL of the first, or of a later one whose TTL speaks against it.
    pub ttl: u8,
    /// Silence before the segment that the first may answer, nanoseconds; 0 where it was less than a second.
    pub silence: i64,
    /// Payload octets of both ends that had been seen when the first came.
    pub bytes: u64,
    /// What speaks against them.
    pub evidence: Evidence,
    /// Whether the first had the TTL of the packets before it.
    pub(in crate::flow) own_ttl: bool,
    /// How the packets before the first went on; absent where it left their line itself.
    pub(in crate::flow) kept: Option<KeptLine>,
}

/// The line of an end's packets that its reset kept: what leaves it afterwards is not that end's.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct KeptLine {
    before: HeaderTrack,
    /// Whether the identification of the reset was the next of a counter.
    pub(in crate::flow) by_id: bool,
}

impl KeptLine {
    pub(in crate::flow) fn by(s: &Segment, before: HeaderTrack) -> Option<Self> {
        let by_id = before.line.is_followed_by(s.ip_id);
        let fits = s.ttl.abs_diff(before.ttl) < 2 && !before.line.is_left_by(s.ip_id);
        (fits && (by_id || s.ttl == before.ttl)).then_some(Self { before, by_id })
    }

    /// Whether `s` leaves the line.
    pub(in crate::flow) fn is_left_by(self, s: &Segment) -> bool {
        let other_path = self.before.ttl_changes == 0 && s.ttl.abs_diff(self.before.ttl) >= 2;
        other_path || (self.by_id && self.before.line.is_left_by(s.ip_id))
    }
}

/// A third step behind a reset that came before it, and who has gone on since.
#[derive(Clone, Debug)]
pub(in crate::flow) struct DefiedReset {
    /// The third step.
    pub(in crate::flow) third: Segment,
    /// Whether the end in whose name the reset came certainly went on.
    pub(in crate::flow) sender: bool,
    /// Whether its target went on.
    pub(in crate::flow) target: bool,
}
