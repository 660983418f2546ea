//! How the numbers of a connection are rewritten between two capture points.

use super::tuple::Side;
use crate::tcp::{Flags, Segment, SeqNumber};
use crate::time::{MILLISECOND, Timestamp};

/// A rewriter adds a random number; less than this may be what the sender itself went on by, octets.
const LEAST: u32 = 1 << 20;

/// The second fingerprint at the same hop comes within this, nanoseconds.
const SAME_HOP: i64 = MILLISECOND;

/// And within this behind up to [`MAX_HOPS`] routers, nanoseconds.
const ROUTED: i64 = 10 * MILLISECOND;

const MAX_HOPS: u8 = 3;

/// A number belongs to a line only if it is no further from where that is now, octets.
const NEAR: u32 = 1 << 28;

/// Segments remembered.
const REMEMBERED: usize = 16;

/// How the numbers of a connection are rewritten.
#[derive(Clone, Debug)]
pub struct Rewriting {
    /// What is added to the client's numbers, where it is known.
    pub(in crate::flow) client: Option<u32>,
    /// What is added to the server's.
    pub(in crate::flow) server: Option<u32>,
    /// Frames of the first pair.
    pub frames: (u64, u64),
    /// Segments that were seen a second time.
    pub copies: u32,
    pub(in crate::flow) recent: [Option<SegmentTraits>; REMEMBERED],
    pub(in crate::flow) at: u8,
}

/// What tells a segment's second fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct SegmentTraits {
    from: Side,
    time: Timestamp,
    seq: SeqNumber,
    ack: SeqNumber,
    payload: u32,
    flags: Flags,
    window: u16,
    ip_id: u16,
    ttl: u8,
    stamp: Option<u32>,
}

impl SegmentTraits {
    pub(in crate::flow) fn of(s: &Segment, from: Side) -> Self {
        Self {
            from,
            time: s.time,
            seq: s.seq,
            ack: s.ack_field,
            payload: s.payload,
            flags: s.flags,
            window: s.window,
            ip_id: s.ip_id,
            ttl: s.ttl,
            stamp: s.options.timestamps.map(|t| t.value),
        }
    }

    pub(in crate::flow) fn is_seen_again_in(&self, other: &Self) -> bool {
        let alike = Self { time: self.time, ttl: self.ttl, ..*other } == *self;
        alike && is_near((self.time, self.ttl), (other.time, other.ttl))
    }
}

/// Whether two sightings, times and TTLs, may be of one packet.
pub(in crate::flow) fn is_near((a, a_ttl): (Timestamp, u8), (b, b_ttl): (Timestamp, u8)) -> bool {
    let gap = (b - a).saturating_abs();
    match a_ttl.abs_diff(b_ttl) {
        0 => gap <= SAME_HOP,
        1..=MAX_HOPS => gap <= ROUTED,
        _ => false,
    }
}

/// Whether a rewriter may have added this.
pub(in crate::flow) const fn may_be_added(shift: u32) -> bool {
    shift == 0 || (shift >= LEAST && shift <= u32::MAX - LEAST)
}

/// A SYN or SYN-ACK that may turn out to be the second half of a pair whose first half is still to come.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Held {
    pub(in crate::flow) segment: Segment,
    /// Packet clock when it came.
    pub(in crate::flow) at: Timestamp,
}

impl Rewriting {
    pub(in crate::flow) fn new(client: Option<u32>, server: Option<u32>, frames: (u64, u64)) -> Self {
        Self { client, server, frames, copies: 0, recent: [None; REMEMBERED], at: 0 }
    }

    /// What is added to the numbers of `side`, where anything is.
    pub fn shift(&self, side: Side) -> Option<u32> {
        let shift = match side {
            Side::Client => self.client,
            Side::Server => self.server,
        };
        shift.filter(|shift| *shift != 0)
    }

    /// `number` of `side`, moved back if it lies nearer to the shifted line than to the line, which is at `now`.
    /// `exact`: only if it is then that very number.
    pub(in crate::flow) fn back(
        &self,
        side: Side,
        number: SeqNumber,
        now: Option<SeqNumber>,
        exact: bool,
    ) -> SeqNumber {
        let Some((shift, now)) = self.shift(side).zip(now) else { return number };
        let back = number.minus(shift);
        let off = |number: SeqNumber| number.distance(now).unsigned_abs();
        let belongs = if exact { back == now } else { off(back) < off(number) && off(back) < NEAR };
        if belongs { back } else { number }
    }

    /// Whether it is known of both ends.
    pub(in crate::flow) const fn is_known(&self) -> bool {
        self.client.is_some() && self.server.is_some()
    }

    pub(in crate::flow) fn keep(&mut self, kept: SegmentTraits) {
        if let Some(place) = self.recent.get_mut(usize::from(self.at)) {
            *place = Some(kept);
        }
        self.at = (self.at + 1) % REMEMBERED as u8;
    }
}
