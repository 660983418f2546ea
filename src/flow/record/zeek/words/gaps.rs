//! Gaps: data that was acknowledged, but never seen.

use smallvec::SmallVec;

use super::ZeekWords;
use super::side::{Counter, EndpointState, INLINE_ISLANDS, MAX_ISLANDS, Seen, SequenceRange, ZeekSide, is_later};
use crate::tcp::{Flags, Segment};

/// Data above a hole, in a direction whose data nobody acknowledges, after which gaps are no longer looked for
/// (octets).
const MAX_ABOVE_HOLE_WITHOUT_ACKS: u32 = 16_384;

/// RFC 7323 section 2.3: no window is larger, so data further above what was seen is none of this connection's
/// (octets).
const LARGEST_WINDOW: i32 = 1 << 30;

impl ZeekWords {
    /// `side`'s data is acknowledged up to `end` (relative to its start): what was not seen by now is a gap.
    pub(super) fn fill_up_to(&mut self, side: usize, end: u32) {
        let end = self.sides[side].without_fin(end);
        let ahead = end.wrapping_sub(self.sides[side].edge) as i32;
        if ahead <= 0 {
            return;
        }
        let counts = self.sides.iter().all(ZeekSide::is_clean) && !self.sides[side].has(Seen::GAPS_OFF);
        while let Some(island_end) = self.next_island(side, end) {
            self.sides[side].edge = island_end;
            if counts {
                self.count(side, Counter::Gap);
            }
        }
        if is_later(end, self.sides[side].edge) {
            self.sides[side].edge = end;
            if counts {
                self.count(side, Counter::Gap);
            }
            self.absorb(side);
        }
    }

    /// Removes the first island that starts below `end` and returns where it ends.
    fn next_island(&mut self, side: usize, end: u32) -> Option<u32> {
        let islands = &mut self.rare.as_mut()?.islands[side];
        let first = islands.first()?;
        is_later(end, first.start).then(|| islands.remove(0).end)
    }

    /// Stores the payload of `segment`, the `sender`'s.
    pub(super) fn store(&mut self, segment: &Segment, sender: usize, relative: u32) {
        if segment.payload == 0 || segment.flags.any(Flags::RST) || self.sides[sender].has(Seen::GAPS_OFF) {
            return;
        }
        let start = relative.wrapping_add(u32::from(segment.flags.has(Flags::SYN)));
        let data = SequenceRange { start, end: start.wrapping_add(segment.payload) };
        let side = &mut self.sides[sender];
        let reach = data.end.wrapping_sub(side.edge) as i32;
        if reach <= 0 || reach > LARGEST_WINDOW || segment.payload > LARGEST_WINDOW as u32 {
            return;
        }
        // Without a handshake no gap will ever be reported, so none is looked for.
        if !is_later(data.start, side.edge) || side.state == EndpointState::Partial {
            side.edge = data.end;
            self.absorb(sender);
            return;
        }
        let unacknowledged = side.nothing_acked();
        let edge = side.edge;
        let islands = &mut self.rare_mut().islands[sender];
        insert(islands, data);
        let above = islands.last().map_or(0, |last| last.end.wrapping_sub(edge));
        if unacknowledged && above > MAX_ABOVE_HOLE_WITHOUT_ACKS {
            islands.clear();
            self.sides[sender].marks |= Seen::GAPS_OFF;
        } else if islands.len() > MAX_ISLANDS {
            self.sides[sender].edge = islands.remove(0).end;
        }
    }

    /// Joins the islands that the edge has reached.
    fn absorb(&mut self, side: usize) {
        let Some(rare) = &mut self.rare else { return };
        let islands = &mut rare.islands[side];
        let edge = &mut self.sides[side].edge;
        while let Some(first) = islands.first().copied()
            && !is_later(first.start, *edge)
        {
            islands.remove(0);
            if is_later(first.end, *edge) {
                *edge = first.end;
            }
        }
    }
}

/// Adds a range to sorted ranges that do not touch each other, and joins it with those that it touches.
fn insert(islands: &mut SmallVec<[SequenceRange; INLINE_ISLANDS]>, mut new: SequenceRange) {
    let mut at = 0;
    while let Some(old) = islands.get(at).copied() {
        if is_later(old.start, new.end) {
            break;
        }
        if is_later(new.start, old.end) {
            at += 1;
            continue;
        }
        islands.remove(at);
        if is_later(new.start, old.start) {
            new.start = old.start;
        }
        if is_later(old.end, new.end) {
            new.end = old.end;
        }
    }
    islands.insert(at, new);
}
