//! What two captures show of the way between them, in all.

use super::clock::{ClockFit, Clocks};
use super::pair::Fate;
use super::seen::{Changes, Seen, SegmentKind, Tap};
use super::verdict::VerdictKind;
use crate::flow::Side;
use crate::time::Timestamp;
use strum::VariantArray as _;

/// Parts of an octave that a histogram tells apart.
const PARTS: usize = 8;
const OCTAVES: usize = 48;
/// Delays that wait for the clocks to be known.
const MAX_EARLY: usize = 4096;

/// Delays, by size: each bucket is an eighth of an octave wide.
#[derive(Clone, Debug)]
pub struct Delays {
    buckets: Vec<u64>,
    /// Number of delays.
    pub count: u64,
    /// The least, nanoseconds.
    pub least: i64,
    /// The greatest, nanoseconds.
    pub greatest: i64,
}

impl Default for Delays {
    fn default() -> Self {
        Self { buckets: vec![0; PARTS * OCTAVES], count: 0, least: i64::MAX, greatest: i64::MIN }
    }
}

impl Delays {
    fn add(&mut self, delay: i64) {
        self.count += 1;
        self.least = self.least.min(delay);
        self.greatest = self.greatest.max(delay);
        let size = delay.max(1) as f64;
        let bucket = (size.log2() * PARTS as f64) as usize;
        if let Some(n) = self.buckets.get_mut(bucket.min(PARTS * OCTAVES - 1)) {
            *n += 1;
        }
    }

    /// The delay that this share of all is not above, nanoseconds, to within 5 %; none where there is no delay.
    pub fn quantile(&self, share: f64) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, n) in self.buckets.iter().enumerate() {
            seen += n;
            if seen >= wanted {
                let middle = ((bucket as f64 + 0.5) / PARTS as f64).exp2();
                return Some((middle as i64).clamp(self.least, self.greatest));
            }
        }
        Some(self.greatest)
    }
}

/// A packet's times, whose delay is not known yet.
type Early = (Tap, Timestamp, i64);

/// The pair of captures.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Segments each tap saw, by kind.
    pub segments: [[u64; SegmentKind::ALL.len()]; 2],
    /// Frames a tap saw twice.
    pub copies: [u64; 2],
    /// Connections: seen at A only, at B only, at both.
    pub flows: [u64; 3],
    /// Connections by which tap is nearer the client: A, B.
    pub near: [u64; 2],
    /// Segments from A's side to B's and from B's to A's, by kind and fate.
    pub fates: [[[u64; Fate::ALL.len()]; SegmentKind::ALL.len()]; 2],
    /// Segments that a tap proves to have missed.
    pub missed: [u64; 2],
    /// Changes of segments, from A to B and from B to A, by their bit.
    pub changes: [[u64; 23]; 2],
    /// Segments that overtook others, from A to B and back.
    pub reordered: [u64; 2],
    /// One-way delays, from A to B and back.
    pub delays: [Delays; 2],
    /// Connections by verdict.
    pub verdicts: [u64; VerdictKind::VARIANTS.len()],
    /// Connections with several counterparts: not paired.
    pub ambiguous: u64,
    /// Connections that both taps saw at one place: no way between.
    pub one_place: u64,
    /// Connections let go before their end: the table was full.
    pub evicted: u64,
    /// Segments for which there was no room to wait.
    pub overflow: u64,
    /// The clocks at the end.
    pub clock: Option<ClockFit>,
    /// Times that a clock was set.
    pub clock_steps: u32,
    /// Packets that bound the offset.
    pub clock_samples: u64,
    /// First segment of each capture.
    pub first: [Option<Timestamp>; 2],
    /// Last segment of each capture.
    pub last: [Option<Timestamp>; 2],
    early: Vec<Early>,
}

impl Summary {
    pub(super) fn segment(&mut self, tap: Tap, seen: &Seen, fresh: bool) {
        if fresh {
            self.segments[tap as usize][seen.kind as usize] += 1;
        } else {
            self.copies[tap as usize] += 1;
        }
    }

    /// Kinds that each tap saw at all.
    pub(super) fn kinds_seen(&self) -> [[bool; SegmentKind::ALL.len()]; 2] {
        self.segments.map(|kinds| kinds.map(|n| n > 0))
    }

    /// A segment's fate; `from` is the tap nearer its sender.
    pub(super) fn fate(&mut self, from: Tap, kind: SegmentKind, fate: Fate) {
        self.fates[from as usize][kind as usize][fate as usize] += 1;
    }

    pub(super) fn changes(&mut self, from: Tap, changes: Changes) {
        for bit in 0..self.changes[0].len() {
            if changes.bits() >> bit & 1 == 1 {
                self.changes[from as usize][bit] += 1;
            }
        }
    }

    /// Times of a packet by both clocks; `from` is the tap it passed first.
    pub(super) fn delay(&mut self, from: Tap, a: Timestamp, difference: i64, fit: Option<&ClockFit>) {
        let Some(fit) = fit else {
            if self.early.len() < MAX_EARLY {
                self.early.push((from, a, difference));
            }
            return;
        };
        if !self.early.is_empty() {
            self.take_early(fit);
        }
        self.delays[from as usize].add(one_way(from, a, difference, fit));
    }

    fn take_early(&mut self, fit: &ClockFit) {
        for (from, a, difference) in core::mem::take(&mut self.early) {
            self.delays[from as usize].add(one_way(from, a, difference, fit));
        }
    }

    pub(super) fn close(&mut self, clocks: &Clocks, first: [Option<Timestamp>; 2], last: [Option<Timestamp>; 2]) {
        (self.clock, self.clock_steps, self.clock_samples) = (clocks.fit(), clocks.steps, clocks.samples);
        if let Some(fit) = self.clock {
            self.take_early(&fit);
        }
        (self.first, self.last) = (first, last);
    }

    /// Segments of a fate and direction, of all kinds; `from` is the tap that they pass first.
    pub fn of_fate(&self, from: Tap, fate: Fate) -> u64 {
        self.fates[from as usize].iter().map(|fates| fates[fate as usize]).sum()
    }

    /// Segments a tap saw.
    pub fn segments_at(&self, tap: Tap) -> u64 {
        self.segments[tap as usize].iter().sum()
    }

    /// What the two captures are to each other.
    pub fn relation(&self) -> Relation {
        let empty = Tap::BOTH.into_iter().find(|tap| self.segments_at(*tap) == 0);
        match empty {
            Some(_) if self.segments_at(Tap::A) + self.segments_at(Tap::B) == 0 => Relation::BothEmpty,
            Some(tap) => Relation::Empty(tap),
            None if self.flows[2] == 0 && self.ambiguous > 0 => Relation::Ambiguous,
            None if self.flows[2] == 0 && self.claims() => Relation::NothingArrived,
            None if self.flows[2] == 0 => Relation::Unrelated,
            None if self.one_place > 0 && self.near == [0, 0] => Relation::OnePlace,
            None => Relation::Related,
        }
    }

    fn claims(&self) -> bool {
        Tap::BOTH.into_iter().any(|tap| self.of_fate(tap, Fate::Lost) > 0)
    }
}

/// What two captures are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Connections passed both.
    Related,
    /// They saw the same packets at the same times: two captures of one place, or one capture twice.
    OnePlace,
    /// No connection is in both.
    Unrelated,
    /// No connection is in both, because what passed one did not reach the other.
    NothingArrived,
    /// Connections are alike, but which is which cannot be known.
    Ambiguous,
    /// One has no TCP segments.
    Empty(Tap),
    /// Neither has any.
    BothEmpty,
}

pub(super) fn one_way(from: Tap, a: Timestamp, difference: i64, fit: &ClockFit) -> i64 {
    let delay = difference.saturating_sub(fit.offset_at(a));
    if from == Tap::A { delay } else { -delay }
}

/// The tap that a segment passes first.
pub(super) fn first_tap(near: Tap, sender: Side) -> Tap {
    if sender == Side::Client { near } else { near.other() }
}
