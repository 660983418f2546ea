//! Octets that one end sent and the capture lacks. The acknowledgment of the other end shows that no segment was lost
//! on the network.
//!
//! Behind a gap in what one end sends the network may have lost a segment, which is sent again, or the capture did.
//! What the other end acknowledges without it ever having been seen was received: that is a hole in the capture,
//! wherever it lies.

use smallvec::SmallVec;

use crate::tcp::SeqNumber;
use crate::time::Timestamp;

/// How many runs of octets are remembered of each end. What lies beyond is not looked for.
const REMEMBERED: usize = 16;

/// A run of octets that were not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    start: SeqNumber,
    stop: SeqNumber,
    /// Since when they are known to have been received.
    received: Option<Timestamp>,
}

/// Runs of octets that one end sent and that were not seen.
#[derive(Clone, Debug, Default)]
pub struct Holes {
    runs: SmallVec<[Run; 2]>,
    /// How many octets were received and not seen.
    pub octets: u64,
    /// The frame that acknowledged the first of them; 0 where there is none.
    pub frame: u64,
}

impl Holes {
    /// Whether any run may still turn out either way.
    pub(in crate::flow) fn are_open(&self) -> bool {
        self.runs.iter().any(|run| run.received.is_none())
    }

    /// What lies between the two numbers was skipped.
    pub(in crate::flow) fn skipped(&mut self, start: SeqNumber, stop: SeqNumber) {
        if let Some(known) = self.runs.iter_mut().find(|run| run.start == start && run.received.is_none()) {
            known.stop = known.stop.later(stop);
        } else {
            self.push(Run { start, stop, received: None });
        }
    }

    fn push(&mut self, run: Run) {
        if self.runs.len() >= REMEMBERED {
            // Counted ones need not be kept.
            self.runs.retain(|run| run.received.is_none());
        }
        if self.runs.len() < REMEMBERED {
            self.runs.push(run);
        }
    }

    /// What lies between the two numbers is there after all, no later than `window` after it was received: the capture
    /// has it out of order.
    pub(in crate::flow) fn seen(&mut self, start: SeqNumber, stop: SeqNumber, now: Timestamp, window: i64) {
        for run in core::mem::take(&mut self.runs) {
            let (from, to) = (run.start.later(start), earlier(run.stop, stop));
            let late = run.received.is_some_and(|received| now - received > window);
            if late || !to.after(from) {
                self.push(run);
                continue;
            }
            if run.received.is_some() {
                self.octets = self.octets.saturating_sub(u64::from(to.offset_from(from)));
            }
            for (start, stop) in [(run.start, from), (to, run.stop)] {
                if stop.after(start) {
                    self.push(Run { start, stop, ..run });
                }
            }
        }
    }

    /// The other end acknowledged what lies below `ack`; nothing of it above `known` was seen or acknowledged
    /// before; whether anything was not seen.
    pub(in crate::flow) fn acknowledged(
        &mut self,
        ack: SeqNumber,
        known: SeqNumber,
        now: Timestamp,
        frame: u64,
    ) -> bool {
        let before = self.octets;
        let mut known = known;
        // Kept apart until all are looked at: to make room, `push` drops counted holes.
        let mut above: SmallVec<[Run; 2]> = SmallVec::new();
        for run in &mut self.runs {
            let stop = earlier(run.stop, ack);
            if run.received.is_some() || !stop.after(run.start) {
                continue;
            }
            self.octets += u64::from(stop.offset_from(run.start));
            known = known.later(stop);
            if run.stop.after(stop) {
                above.push(Run { start: stop, ..*run });
            }
            *run = Run { stop, received: Some(now), ..*run };
        }
        for run in above {
            self.push(run);
        }
        if ack.after(known) {
            self.push(Run { start: known, stop: ack, received: Some(now) });
            self.octets += u64::from(ack.offset_from(known));
        }
        let found = self.octets > before;
        if found && self.frame == 0 {
            self.frame = frame;
        }
        found
    }

    /// What was acknowledged at `time` was not: the acknowledgment was dropped. Nothing above `sent` exists.
    pub(in crate::flow) fn withdrawn(&mut self, time: Timestamp, sent: SeqNumber) {
        for run in core::mem::take(&mut self.runs) {
            if run.received != Some(time) {
                self.push(run);
                continue;
            }
            self.octets = self.octets.saturating_sub(u64::from(run.stop.offset_from(run.start)));
            if run.start.before(sent) {
                self.push(Run { received: None, ..run });
            }
        }
        if self.octets == 0 {
            self.frame = 0;
        }
    }
}

/// The earlier of two numbers.
const fn earlier(a: SeqNumber, b: SeqNumber) -> SeqNumber {
    if a.after(b) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    const N: fn(u32) -> SeqNumber = SeqNumber;

    #[test]
    fn what_is_acknowledged_unseen_is_counted_once() {
        let mut holes = Holes::default();
        holes.skipped(N(100), N(200));
        holes.skipped(N(300), N(400));
        assert!(holes.are_open() && !holes.acknowledged(N(100), N(500), Timestamp(0), 1));
        assert!(holes.acknowledged(N(150), N(500), Timestamp(0), 2));
        assert!(holes.acknowledged(N(500), N(500), Timestamp(0), 3));
        assert!(!holes.acknowledged(N(500), N(500), Timestamp(0), 4));
        assert_eq!((holes.octets, holes.frame, holes.are_open()), (200, 2, false));
    }

    #[test]
    fn a_run_acknowledged_in_part_finds_room_among_as_many_as_are_remembered() {
        let mut holes = Holes::default();
        for n in 0..REMEMBERED as u32 {
            holes.skipped(N(1000 * n + 100), N(1000 * n + 200));
        }
        assert!(holes.acknowledged(N(14_150), N(15_200), Timestamp(0), 1));
        assert_eq!((holes.octets, holes.are_open()), (1450, true));
        assert!(holes.acknowledged(N(15_200), N(15_200), Timestamp(0), 2));
        assert_eq!(holes.octets, 1600);
        holes = Holes::default();
        for n in (0..REMEMBERED as u32).rev() {
            holes.skipped(N(1000 * n + 100), N(1000 * n + 200));
        }
        assert!(holes.acknowledged(N(14_150), N(15_200), Timestamp(0), 1));
        assert_eq!((holes.octets, holes.are_open()), (1450, true));
    }

    #[test]
    fn what_is_sent_again_before_is_no_hole() {
        let mut holes = Holes::default();
        holes.skipped(N(100), N(200));
        holes.seen(N(120), N(150), Timestamp(0), 0);
        holes.seen(N(150), N(260), Timestamp(0), 0);
        assert!(holes.acknowledged(N(300), N(300), Timestamp(0), 1));
        assert_eq!(holes.octets, 20);
    }

    #[test]
    fn the_order_of_two_cards_is_no_hole() {
        let mut holes = Holes::default();
        assert!(holes.acknowledged(N(300), N(200), Timestamp(0), 1));
        holes.seen(N(200), N(300), Timestamp(1_000), SECOND);
        assert_eq!(holes.octets, 0);
        assert!(holes.acknowledged(N(400), N(300), Timestamp(0), 1));
        holes.seen(N(300), N(400), Timestamp(2 * SECOND), SECOND);
        assert_eq!(holes.octets, 100, "it came too late to be out of order");
    }

    #[test]
    fn they_are_bounded_and_wrap() {
        let mut holes = Holes::default();
        for n in 0..1000u32 {
            holes.skipped(N((u32::MAX - 500).wrapping_add(n * 10)), N((u32::MAX - 495).wrapping_add(n * 10)));
        }
        assert_eq!(holes.runs.len(), REMEMBERED);
        assert!(holes.acknowledged(N(9_500), N(9_500), Timestamp(0), 7));
        assert_eq!(holes.octets, 5 * REMEMBERED as u64);
    }
}
