//! A capture that holds the same packets twice, the second copy behind the first: files put together, or read twice.
//!
//! The first segments are remembered. Where the time stamps run back to the first of them, and what follows is what
//! followed then, to the nanosecond, the second copy counts for nothing, up to the time that had been reached.

use core::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::tcp::Segment;
use crate::time::{MILLISECOND, Timestamp};

/// Segments remembered.
const REMEMBERED: usize = 64;
/// So many alike in a row, or all that there were, prove that the rest repeats what came before as well.
const PROVED: usize = 8;
/// Segments that there must be at least: one or two alike may be chance.
const FEWEST: usize = 3;

/// What was repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// Segments that were repeated.
    pub segments: u64,
    /// Frame of the first of them.
    pub from: u64,
    /// Frame of the first that it repeats.
    pub of: u64,
}

/// A repetition that goes on.
#[derive(Clone, Copy, Debug)]
struct Going {
    /// How many of those remembered have come again.
    matched: usize,
    /// What comes later than this repeats nothing.
    until: Timestamp,
}

/// Watches for a second copy.
#[derive(Debug, Default)]
pub(in crate::flow) struct Repeats {
    /// Time, digest and frame of the first segments.
    first: Vec<(Timestamp, u64, u64)>,
    complete: bool,
    going: Option<Going>,
    pub(in crate::flow) repeated: Repeated,
}

impl Repeats {
    /// Whether every segment has to be shown.
    #[inline]
    pub(in crate::flow) const fn is_watching(&self) -> bool {
        !self.complete || self.going.is_some()
    }

    /// Looks at `s`; whether it repeats an earlier one. `latest`: the latest time stamp before it.
    pub(in crate::flow) fn take(&mut self, s: &Segment, latest: Timestamp, hasher: &RandomState) -> bool {
        let digest = digest(s, hasher);
        let again = self.goes_on(s, digest) || self.begins(s, digest, latest);
        if again {
            self.repeated.segments += 1;
        } else if !self.complete {
            self.first.push((s.time, digest, s.frame));
            self.complete = self.first.len() == REMEMBERED;
        }
        again
    }

    fn goes_on(&mut self, s: &Segment, digest: u64) -> bool {
        let Some(going) = &mut self.going else { return false };
        let alike = self.first.get(going.matched).is_some_and(|(time, known, _)| (*time, *known) == (s.time, digest));
        going.matched += usize::from(alike);
        let proved = going.matched >= PROVED.min(self.first.len());
        let goes_on = s.time <= going.until && (alike || proved);
        if !goes_on {
            self.going = None;
        }
        goes_on
    }

    fn begins(&mut self, s: &Segment, digest: u64, latest: Timestamp) -> bool {
        let Some((time, known, of)) = self.first.first().copied() else { return false };
        let ran_back = latest - s.time > MILLISECOND;
        if !ran_back || self.first.len() < FEWEST || (time, known) != (s.time, digest) {
            return false;
        }
        self.complete = true;
        self.going = Some(Going { matched: 1, until: latest });
        if self.repeated.segments == 0 {
            (self.repeated.from, self.repeated.of) = (s.frame, of);
        }
        true
    }
}

/// What a copy has in common with its original.
fn digest(s: &Segment, hasher: &RandomState) -> u64 {
    let words =
        (s.source.port, s.destination.port, s.seq.0, s.ack_field.0, s.ip_id, s.window, s.payload, s.checksum_field);
    hasher.hash_one((s.source.ip, s.destination.ip, words, s.flags.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::table::syn_record::tests::syn;
    use crate::tcp::SeqNumber;

    /// Shows segments, each by (time in ms, sequence number); which were taken for repeated.
    fn shown(list: impl IntoIterator<Item = (i64, u32)>) -> (Vec<bool>, Repeated) {
        let (mut repeats, hasher) = (Repeats::default(), RandomState::default());
        let mut latest = Timestamp(i64::MIN);
        let taken = list.into_iter().enumerate().map(|(n, (time, seq))| {
            let (time, frame) = (Timestamp(time * MILLISECOND), n as u64 + 1);
            let s = Segment { time, frame, seq: SeqNumber(seq), ..syn() };
            let again = repeats.take(&s, latest, &hasher);
            latest = latest.max(s.time);
            again
        });
        (taken.collect(), repeats.repeated)
    }

    #[test]
    fn a_second_copy_counts_for_nothing() {
        for length in [3, 20, 64, 200] {
            let file = || (0..length).map(|n| (i64::from(n) * 10, n));
            let (taken, repeated) = shown(file().chain(file()).chain([(i64::from(length) * 10, length)]));
            let copies = length as usize;
            assert!(taken[..copies].iter().all(|again| !again) && taken[copies..2 * copies].iter().all(|again| *again));
            assert!(!taken[2 * copies], "what is new is new");
            assert_eq!(repeated, Repeated { segments: u64::from(length), from: u64::from(length) + 1, of: 1 });
        }
    }

    #[test]
    fn a_clock_set_back_repeats_nothing() {
        let file = || (0..100).map(|n| (i64::from(n) * 10, n));
        // The same times with other segments; the same segments at other times; a single one alike.
        for second in [0, 1, 2] {
            let other = file().map(move |(time, n)| match second {
                0 => (time, n + 1000),
                1 => (time + 1, n),
                _ => (time, if n == 0 { 0 } else { n + 1000 }),
            });
            let (taken, _) = shown(file().chain(other));
            assert!(taken.iter().filter(|again| **again).count() <= usize::from(second == 2), "{second}");
        }
    }
}
