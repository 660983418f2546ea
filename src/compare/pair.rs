//! One connection at both taps: its segments matched as they come, and what became of each.

use std::collections::VecDeque;

use strum::{IntoStaticStr, VariantArray};

use super::seen::{Changes, Seen, SegmentKind, Tap};
use crate::flow::Side;
use crate::tcp::{Endpoint, SeqNumber};
use crate::time::{MICROSECOND, Timestamp};

/// Segments of a connection that wait for the other tap, a tap.
pub(super) const MAX_WAITING: usize = 1024;
/// Steps of a connection that are kept: the first ones, and those to which something happened.
const MAX_STEPS: usize = 40;
/// Steps to which nothing happened.
const MAX_ORDINARY_STEPS: usize = 12;
/// Segments matched last that copies are looked for among.
const RECENT: usize = 8;

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Fate {
    /// Both taps saw it.
    Arrived,
    /// It passed the tap near its sender, and never the other.
    Lost,
    /// The tap near its sender never saw it: it began on the way.
    Made,
    /// It arrived once more than it was sent.
    Duplicated,
    /// It arrived, as later segments prove, and one tap did not see it.
    Missed,
    /// The other capture does not cover its time, or its kind.
    Uncovered,
    /// Which tap is nearer its sender is not known, or there was no room to wait.
    Unjudged,
}

impl Fate {
    /// Every fate, in order.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A segment at one tap.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Packet time by the clock of the tap.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// SEG.SEQ there.
    pub seq: SeqNumber,
    /// MSS option there.
    pub mss: Option<u16>,
    /// Window scale there.
    pub window_scale: Option<u8>,
    /// TTL there.
    pub ttl: u8,
    /// TOS or traffic class there.
    pub traffic_class: u8,
}

impl Sight {
    const fn of(seen: &Seen) -> Self {
        Self {
            time: seen.time,
            frame: seen.frame,
            seq: seen.seq,
            mss: seen.mss,
            window_scale: seen.window_scale,
            ttl: seen.ttl,
            traffic_class: seen.traffic_class,
        }
    }
}

/// A segment, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Who sent it.
    pub sender: Side,
    /// What it is for.
    pub kind: SegmentKind,
    /// Payload octets.
    pub payload: u32,
    /// What became of it.
    pub fate: Fate,
    /// Whether later segments prove that.
    pub certain: bool,
    /// What is different downstream.
    pub changes: Changes,
    /// Where it was seen: A, B.
    pub at: [Option<Sight>; 2],
}

/// What one tap saw of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) ends: Option<(Endpoint, Endpoint)>,
    /// Initial sequence numbers, of client and server.
    pub(super) isn: [Option<SeqNumber>; 2],
    pub(super) stamp: Option<u32>,
    pub(super) segments: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Time of the last segment of each sender.
    pub(super) last_of: [Option<Timestamp>; 2],
    /// The highest sequence number each sender reached.
    pub(super) end: [Option<SeqNumber>; 2],
    /// The first sequence number of each sender.
    pub(super) begin: [Option<SeqNumber>; 2],
    /// Octets of each sender that were passed over.
    pub(super) holes: [u32; 2],
    /// The highest acknowledgment each sender sent.
    pub(super) ack: [Option<SeqNumber>; 2],
    /// Segments of each sender.
    pub(super) of: [u32; 2],
    pub(super) closed: bool,
    /// Copies of a frame.
    pub(super) copies: u32,
}

/// Times of one direction by both clocks: those with the least and the greatest difference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Differences {
    pub(super) least: (Timestamp, Timestamp),
    pub(super) greatest: (Timestamp, Timestamp),
}

impl Differences {
    pub(super) fn least(&self) -> i64 {
        self.least.1 - self.least.0
    }

    pub(super) fn greatest(&self) -> i64 {
        self.greatest.1 - self.greatest.0
    }
}

/// A connection at both taps.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) id: u64,
    pub(super) part: [Part; 2],
    pub(super) waiting: [VecDeque<Seen>; 2],
    pub(super) steps: Vec<Step>,
    ordinary: usize,
    pub(super) steps_left_out: u32,
    last: [[Option<Seen>; 2]; 2],
    recent: [[Option<Seen>; RECENT]; 2],
    recent_at: usize,
    last_order: [(u32, u32); 2],
    pub(super) reordered: [u32; 2],
    pub(super) differences: [Option<Differences>; 2],
    /// TTL at A minus TTL at B of the first match of each sender.
    pub(super) hops: [Option<i16>; 2],
    /// Which tap is nearer the client.
    pub(super) near: Option<Tap>,
    /// Whether numbers are rewritten on the way.
    pub(super) shifted: bool,
    pub(super) counts: [[u32; Fate::VARIANTS.len()]; 2],
    pub(super) made_certain: u32,
    pub(super) changes: [Changes; 2],
    pub(super) matched: u64,
    pub(super) overflow: u32,
    /// The pair before it with these addresses.
    pub(super) older: [Option<u32>; 2],
    pub(super) ambiguous: bool,
    /// Matches from before it was known which tap comes first.
    pub(super) unplaced: Vec<Match>,
}

/// A segment of which both sights are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) a: Seen,
    pub(super) b: Seen,
}

const SAME_PLACE: i64 = 2 * MICROSECOND;

impl Pair {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            part: [Part::default(); 2],
            waiting: [VecDeque::new(), VecDeque::new()],
            steps: Vec::new(),
            ordinary: 0,
            steps_left_out: 0,
            last: [[None; 2]; 2],
            recent: [[None; RECENT]; 2],
            recent_at: 0,
            last_order: [(0, 0); 2],
            reordered: [0; 2],
            differences: [None; 2],
            hops: [None; 2],
            near: None,
            shifted: false,
            counts: [[0; Fate::VARIANTS.len()]; 2],
            made_certain: 0,
            changes: [Changes::empty(); 2],
            matched: 0,
            overflow: 0,
            older: [None; 2],
            ambiguous: false,
            unplaced: Vec::new(),
        }
    }

    /// Whether both taps saw it.
    pub(super) fn is_at_both(&self) -> bool {
        self.part.iter().all(|part| part.segments > 0)
    }

    /// Whether the addresses differ between the taps.
    pub(super) fn is_translated(&self) -> bool {
        self.part[0].ends.zip(self.part[1].ends).is_some_and(|(a, b)| a != b)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.part.iter().any(|part| part.closed)
    }

    /// Notes what a tap saw; false for the same frame once more.
    pub(super) fn note(&mut self, tap: Tap, seen: &mut Seen) -> bool {
        let side = seen.sender as usize;
        let last = &mut self.last[tap as usize][side];
        let part = &mut self.part[tap as usize];
        if last.as_ref().is_some_and(|last| seen.is_copy_of(last)) {
            part.copies += 1;
            return false;
        }
        *last = Some(*seen);
        if part.segments == 0 {
            part.first = seen.time;
        }
        part.segments += 1;
        part.last = part.last.max(seen.time);
        part.last_of[side] = Some(seen.time);
        part.of[side] = part.of[side].wrapping_add(1);
        seen.order = part.of[side];
        match seen.kind {
            SegmentKind::Syn | SegmentKind::SynAck if part.isn[side].is_none() => {
                part.isn[side] = Some(seen.seq);
                if seen.kind == SegmentKind::Syn {
                    part.stamp = seen.stamps.map(|(value, _)| value);
                }
            }
            SegmentKind::Rst | SegmentKind::Fin => part.closed = true,
            _ => {}
        }
        if seen.kind != SegmentKind::Rst {
            if seen.kind != SegmentKind::Syn {
                let ack = part.ack[side].get_or_insert(seen.ack);
                *ack = ack.later(seen.ack);
            }
            part.begin[side].get_or_insert(seen.seq);
            let end = part.end[side].get_or_insert(seen.end());
            if seen.seq.after(*end) {
                part.holes[side] = part.holes[side].saturating_add(seen.seq.offset_from(*end));
            }
            let repeats = seen.end() != seen.seq && seen.seq.before(*end);
            *end = end.later(seen.end());
            if repeats {
                let waiting = self.waiting[tap as usize].iter_mut();
                waiting.filter(|w| overlap(w, seen)).for_each(|w| w.repeated = true);
            }
        }
        true
    }

    /// A number of a sender at a tap, counted from its initial one; that of the other tap if it saw none.
    pub(super) fn relative(&self, tap: Tap, side: Side, number: SeqNumber) -> u32 {
        if !self.shifted {
            return number.0;
        }
        let isn = |tap: Tap| self.part[tap as usize].isn[side as usize];
        number.offset_from(isn(tap).or_else(|| isn(tap.other())).unwrap_or(SeqNumber(0)))
    }

    fn numbers(&self, tap: Tap, seen: &Seen) -> (u32, u32) {
        let ack = if seen.ack.0 == 0 { 0 } else { self.relative(tap, seen.sender.other(), seen.ack) };
        (self.relative(tap, seen.sender, seen.seq), ack)
    }

    /// The segment at the other tap that this is: of several, the one with the same identification, or else the one
    /// nearest in time, if `offset` of B's clock is known.
    fn counterpart(&self, tap: Tap, seen: &Seen, offset: Option<i64>, loose: bool) -> Option<usize> {
        let mine = self.numbers(tap, seen);
        let distance = |other: &Seen| {
            let (a, b) = if tap == Tap::A { (seen, other) } else { (other, seen) };
            offset.map_or(0, |offset| (b.time - a.time).saturating_sub(offset).saturating_abs())
        };
        let mut best: Option<(usize, (bool, i64))> = None;
        for (n, other) in self.waiting[tap.other() as usize].iter().enumerate() {
            if !seen.is_like(other) || mine != self.numbers(tap.other(), other) {
                continue;
            }
            let same_id = seen.ip_id == other.ip_id;
            let same_stamps = seen.stamps == other.stamps;
            if same_id && same_stamps && seen.ip_id != 0 {
                return Some(n);
            }
            let ids_differ = !same_id && seen.ip_id != 0 && other.ip_id != 0;
            let stamped = seen.stamps.is_some() && same_stamps;
            if !loose && ids_differ && !stamped {
                continue;
            }
            if !loose && seen.stamps.is_some() && other.stamps.is_some() && !same_stamps {
                continue;
            }
            let score = (ids_differ, distance(other));
            if best.is_none_or(|(_, least)| score < least) {
                best = Some((n, score));
            }
        }
        best.map(|(n, _)| n)
    }

    /// Takes a segment that was noted: its match, if the other sight was waiting; else it waits.
    pub(super) fn take(&mut self, tap: Tap, seen: Seen, offset: Option<i64>) -> Option<Match> {
        if let Some(found) = self.pick(tap, &seen, offset, false) {
            return Some(found);
        }
        if seen.kind == SegmentKind::Data && self.is_part_of_another(tap, &seen) {
            return None;
        }
        let waiting = &mut self.waiting[tap as usize];
        if waiting.len() < MAX_WAITING {
            waiting.push_back(seen);
        } else {
            self.overflow += 1;
            self.counts[seen.sender as usize][Fate::Unjudged as usize] += 1;
        }
        None
    }

    /// Takes the counterpart of `seen` out of what waits.
    pub(super) fn pick(&mut self, tap: Tap, seen: &Seen, offset: Option<i64>, loose: bool) -> Option<Match> {
        let n = self.counterpart(tap, seen, offset, loose)?;
        let other = self.waiting[tap.other() as usize].remove(n)?;
        let (a, b) = if tap == Tap::A { (*seen, other) } else { (other, *seen) };
        Some(Match { a, b })
    }

    /// Large segments are cut, and small ones joined, by network cards: octets count there.
    fn is_part_of_another(&mut self, tap: Tap, seen: &Seen) -> bool {
        let (start, _) = self.numbers(tap, seen);
        let other = tap.other();
        let whole = self.waiting[other as usize].iter().position(|w| {
            let offset = start.wrapping_sub(self.numbers(other, w).0);
            w.sender == seen.sender
                && w.kind != SegmentKind::Rst
                && w.payload > seen.payload
                && offset.checked_add(seen.payload).is_some_and(|end| end <= w.payload)
        });
        if let Some(n) = whole {
            let Some(w) = self.waiting[other as usize].get_mut(n) else { return false };
            w.covered = w.covered.saturating_add(seen.payload);
            if w.covered >= w.payload {
                self.waiting[other as usize].remove(n);
                self.arrived_in_others(seen.sender);
            }
            return true;
        }
        let inside = |pair: &Self, w: &Seen| {
            let offset = pair.numbers(other, w).0.wrapping_sub(start);
            w.sender == seen.sender
                && w.kind == SegmentKind::Data
                && w.payload < seen.payload
                && offset.checked_add(w.payload).is_some_and(|end| end <= seen.payload)
        };
        let sum: u32 = self.waiting[other as usize].iter().filter(|w| inside(self, w)).map(|w| w.payload).sum();
        if sum < seen.payload {
            return false;
        }
        let mut waiting = core::mem::take(&mut self.waiting[other as usize]);
        waiting.retain(|w| !inside(self, w));
        self.waiting[other as usize] = waiting;
        self.arrived_in_others(seen.sender);
        true
    }

    fn arrived_in_others(&mut self, sender: Side) {
        self.counts[sender as usize][Fate::Arrived as usize] += 1;
        self.changes[sender as usize] |= Changes::SEGMENTATION;
    }

    /// Both sights are there: keeps what is to be compared later, and the order.
    pub(super) fn matched(&mut self, found: &Match) {
        let Match { a, b } = found;
        let side = a.sender as usize;
        self.matched += 1;
        let orders = (a.order, b.order);
        let last = self.last_order[side];
        if last != (0, 0) && (orders.0 < last.0) != (orders.1 < last.1) {
            self.reordered[side] += 1;
        }
        self.last_order[side] = (orders.0.max(last.0), orders.1.max(last.1));
        self.recent[side][self.recent_at % RECENT] = Some(*a);
        self.recent_at = self.recent_at.wrapping_add(1);
        if !a.repeated && !b.repeated {
            let times = (a.time, b.time);
            let known = self.differences[side].get_or_insert(Differences { least: times, greatest: times });
            if b.time - a.time < known.least() {
                known.least = times;
            }
            if b.time - a.time > known.greatest() {
                known.greatest = times;
            }
        }
        let hops = i16::from(a.ttl) - i16::from(b.ttl);
        self.hops[side].get_or_insert(hops);
        if self.near.is_none() {
            self.near = self.nearer();
        }
    }

    /// The tap nearer the client, by the times alone: what differs between the directions is twice the way, whatever
    /// the clocks say. TTLs where that is too little.
    fn nearer(&self) -> Option<Tap> {
        let [Some(client), Some(server)] = self.differences else { return None };
        let hops = |side: usize| self.hops[side].unwrap_or(0);
        match () {
            () if client.least() - server.greatest() > SAME_PLACE => Some(Tap::A),
            () if server.least() - client.greatest() > SAME_PLACE => Some(Tap::B),
            () if hops(0) > 0 && hops(1) < 0 => Some(Tap::A),
            () if hops(0) < 0 && hops(1) > 0 => Some(Tap::B),
            () => None,
        }
    }

    /// Whether every packet passed both taps at the same time and with the same TTL.
    pub(super) fn is_one_place(&self) -> bool {
        let [Some(client), Some(server)] = self.differences else { return false };
        let apart = client.least() - server.greatest();
        self.near.is_none() && apart.abs() <= SAME_PLACE && self.hops == [Some(0), Some(0)]
    }

    /// Whether a segment like this was matched before: then this is a copy.
    pub(super) fn is_extra_copy(&self, tap: Tap, seen: &Seen) -> bool {
        let mine = self.numbers(tap, seen);
        let recent = self.recent[seen.sender as usize].iter().flatten();
        recent.into_iter().any(|old| old.is_like(seen) && self.numbers(Tap::A, old) == mine && same_frame(old, seen))
    }

    /// Numbers of both sides differ between the taps, and the client acknowledges each tap's own: they are rewritten.
    pub(super) fn look_for_shift(&mut self) -> bool {
        if self.shifted || !self.is_at_both() {
            return false;
        }
        let [a, b] = &self.part;
        let differ = |side: usize| a.isn[side].zip(b.isn[side]).is_some_and(|(x, y)| x != y);
        if !differ(0) && !differ(1) {
            return false;
        }
        let confirmed = |tap: Tap| {
            let part = &self.part[tap as usize];
            let expected = |side: Side| part.isn[side as usize].map(|isn| isn.plus(1));
            let mut waiting = self.waiting[tap as usize].iter();
            waiting.any(|w| {
                w.kind != SegmentKind::Syn
                    && w.kind != SegmentKind::SynAck
                    && (Some(w.ack) == expected(w.sender.other()) || Some(w.seq) == expected(w.sender))
            })
        };
        let shifted = Tap::BOTH.into_iter().all(confirmed);
        self.shifted = shifted;
        shifted
    }

    /// Keeps a step, if there is room.
    pub(super) fn step(&mut self, seen: [Option<&Seen>; 2], fate: Fate, certain: bool, changes: Changes) {
        let [a, b] = seen;
        let Some(one) = a.or(b) else { return };
        let side = one.sender as usize;
        self.counts[side][fate as usize] = self.counts[side][fate as usize].saturating_add(1);
        if fate == Fate::Made && certain {
            self.made_certain += 1;
        }
        self.changes[side] |= changes;
        let notable = !changes.difference(Changes::WINDOW | Changes::URGENT).is_empty()
            && self.steps.len() < MAX_STEPS / 2
            || !matches!(fate, Fate::Arrived | Fate::Uncovered | Fate::Unjudged)
            || !matches!(one.kind, SegmentKind::Data | SegmentKind::Ack);
        if self.steps.len() >= MAX_STEPS || !notable && self.ordinary >= MAX_ORDINARY_STEPS {
            self.steps_left_out = self.steps_left_out.saturating_add(1);
            return;
        }
        self.ordinary += usize::from(!notable);
        let at = [a.map(Sight::of), b.map(Sight::of)];
        self.steps.push(Step { sender: one.sender, kind: one.kind, payload: one.payload, fate, certain, changes, at });
    }
}

fn overlap(a: &Seen, b: &Seen) -> bool {
    a.sender == b.sender && a.kind != SegmentKind::Rst && a.seq.before(b.end()) && b.seq.before(a.end())
}

/// Whether two sights may be of one frame: what each retransmission changes is the same.
fn same_frame(a: &Seen, b: &Seen) -> bool {
    (a.ip_id == b.ip_id || a.ip_id == 0 || b.ip_id == 0) && (a.stamps == b.stamps)
}
