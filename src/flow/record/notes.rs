//! What is kept of a flow only once something out of the ordinary happened to it: resets and what speaks against them,
//! repetitions and probes that nothing answers, closed windows.
//!
//! Boxed, and absent from ordinary flows.

use smallvec::SmallVec;

use super::holes::Holes;
use super::payload::{Injection, Piece};
use super::peer::Offer;
use super::resets::{DefiedReset, Resets};
use super::rewriting::Rewriting;
use super::tuple::Side;
use super::twin::Twin;
use crate::tcp::{Segment, SeqNumber};
use crate::time::{SECOND, Timestamp};

/// FINs or resets in a row, no more than a second apart, that make a storm.
const STORM: u32 = 1000;

/// The same again and again, with nothing back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unanswered {
    /// Sequence number.
    pub seq: SeqNumber,
    /// How often since the other end last sent anything.
    pub count: u32,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// Payload octets of the last.
    pub payload: u32,
}

impl Unanswered {
    pub(in crate::flow) fn again(&mut self, s: &Segment) {
        if self.count == 0 || self.seq != s.seq {
            *self = Self { seq: s.seq, count: 0, first: s.time, last: s.time, payload: 0 };
        }
        self.count = self.count.saturating_add(1);
        (self.last, self.payload) = (s.time, s.payload);
    }
}

/// How many of a kind came in a row, no more than a second apart.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct Streak {
    length: u32,
    last: Timestamp,
}

impl Streak {
    /// One more; whether that makes it a storm.
    pub(in crate::flow) fn more(&mut self, now: Timestamp, before: u32) -> bool {
        let first = self.length == 0;
        let follows = first || now - self.last <= SECOND;
        self.length = if first {
            before.max(1)
        } else if follows {
            self.length.saturating_add(1)
        } else {
            1
        };
        self.last = now;
        self.length == STORM
    }
}

/// Notes on one end.
#[derive(Clone, Debug, Default)]
pub struct EndNotes {
    /// Resets in its name.
    pub resets: Resets,
    /// Sequence space it sent again, since the other end last sent anything.
    pub repeats: Unanswered,
    /// The number that the other end last said it misses, and how many octets behind that it had then got (RFC 2018).
    pub sacked: Option<(SeqNumber, u32)>,
    /// The number that the other end, which uses no SACK, last asked for again, and how much had then been sent from
    /// there on.
    pub asked_again: Option<(SeqNumber, u32)>,
    /// The frame that acknowledged the last segment which it had repeated, all of it, and how many octets that had.
    pub arrived: Option<(u64, u32)>,
    /// Keep-alives it sent, since the other end last sent anything.
    pub probes: Unanswered,
    /// Since when its window is closed.
    pub closed_window: Option<Timestamp>,
    /// How often the other end knocked at the closed window.
    pub knocks: u32,
    /// A segment with payload in its name whose TTL is not that of its first packet, or that lacks the time stamp, the
    /// newest.
    pub stranger: Option<Piece>,
    /// The first two segments in its name that cannot both be its own.
    pub injection: Option<Injection>,
    /// The first payload in its name that repeats what it had sent, and is not its own.
    pub foreign_copy: Option<Piece>,
    /// The first payload in its name after its reset that leaves the line which the reset kept.
    pub foreign: Option<(Timestamp, u64, u8)>,
    /// Resets in its name below or above what fits, or inside the window but not exact.
    pub misplaced: u32,
    /// Segments it sent that the other end must drop.
    pub unacceptable: u32,
    /// Octets it sent that the capture lacks.
    pub holes: Holes,
    pub(in crate::flow) fins: Streak,
    pub(in crate::flow) rsts: Streak,
}

/// A SYN-ACK that acknowledged none of the SYNs seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongSynAck {
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// Its sequence number.
    pub seq: SeqNumber,
    /// What it acknowledges.
    pub ack: SeqNumber,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Window field, raw.
    pub window: u16,
}

/// Notes on a flow.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    pub(in crate::flow) client: EndNotes,
    pub(in crate::flow) server: EndNotes,
    /// The first SYN-ACK that acknowledged none of the SYNs seen.
    pub wrong_synack: Option<WrongSynAck>,
    /// Length of the last silence of a minute or more, nanoseconds.
    pub silence: i64,
    /// When it ended.
    pub silence_end: Timestamp,
    /// Whether the end that closed last repeated something after the close was complete.
    pub late_copy: bool,
    /// Whether the other end acknowledged that.
    pub late_copy_acked: bool,
    /// The SYN with which it began, where its checksum was wrong and its sender unknown.
    pub(in crate::flow) doubted: Option<Box<Segment>>,
    /// The first SYN-ACK in the same doubt, and the number of them.
    pub(in crate::flow) doubted_synack: Option<(Box<Segment>, u32)>,
    /// The first segments with 0 for a checksum that were taken for wrong: their sender may leave it to its card.
    pub(in crate::flow) zeroed: SmallVec<[Box<Segment>; 2]>,
    /// How its numbers are rewritten between two capture points.
    pub(in crate::flow) rewriting: Option<Box<Rewriting>>,
    /// Why nothing answers its SYN, where the time stamp tells.
    pub(in crate::flow) stale_stamp: Option<StaleStamp>,
    /// The other four-tuple of the same attempt to connect.
    pub(in crate::flow) twin: Option<Box<Twin>>,
    /// A FIN whose acknowledgment number lies beyond all that was seen: it counts once something shows that it was
    /// taken.
    pub(in crate::flow) doubtful_fin: Option<Box<Segment>>,
    /// The same of payload, which was counted.
    pub(in crate::flow) doubted_ack: Option<Doubted>,
    /// The attempt before, of the same client, that somebody answered in the server's name and reset.
    pub(in crate::flow) probation: Option<Box<Probation>>,
    /// A third step behind a reset that had ended the attempt.
    pub(in crate::flow) defied: Option<Box<DefiedReset>>,
    /// The last segment known to have acknowledged what was never sent.
    pub(in crate::flow) unsent: Option<UnsentAck>,
}

impl Notes {
    /// Notes on `side`.
    pub const fn end(&self, side: Side) -> &EndNotes {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// Whether ordinary segments would change nothing in them.
    pub(in crate::flow) fn are_idle(&self) -> bool {
        self.doubtful_fin.is_none()
            && self.zeroed.is_empty()
            && self.doubted_ack.is_none()
            && [&self.client, &self.server].into_iter().all(|end| {
                end.resets.first.is_none()
                    && end.repeats.count == 0
                    && end.probes.count == 0
                    && end.closed_window.is_none()
                    && end.knocks == 0
                    && !end.holes.are_open()
            })
    }

    pub(in crate::flow) const fn end_mut(&mut self, side: Side) -> &mut EndNotes {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

/// A SYN whose time stamp is below the last that its server had taken from its client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleStamp {
    /// Its time stamp.
    pub value: u32,
    /// The last that was taken.
    pub taken: u32,
    /// Number of the flow it was taken from.
    pub flow: u64,
    /// Frame of that SYN.
    pub frame: u64,
    /// How many SYNs of the address were taken, each later than the one before.
    pub count: u32,
}

/// A handshake that was reset as soon as it was complete, as far as the next attempt of its client must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probation {
    /// Number of its flow.
    pub flow: u64,
    /// When it began.
    pub began: Timestamp,
    /// When it was reset.
    pub reset: Timestamp,
    /// Frames of its SYN-ACK and of the reset.
    pub frames: (u64, u64),
    /// What that SYN-ACK offered.
    pub offer: Offer,
}

/// Payload of doubt: how things stood before it.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Doubted {
    pub(in crate::flow) time: Timestamp,
    pub(in crate::flow) frame: u64,
    pub(in crate::flow) seq: SeqNumber,
    pub(in crate::flow) ack: SeqNumber,
    pub(in crate::flow) by: Side,
    /// Segments with this acknowledgment so far, and their octets.
    pub(in crate::flow) count: u32,
    pub(in crate::flow) octets: u32,
    pub(in crate::flow) hole: bool,
    pub(in crate::flow) acked: Option<SeqNumber>,
    pub(in crate::flow) edge: Option<SeqNumber>,
    pub(in crate::flow) next: Option<SeqNumber>,
}

/// A segment that acknowledged octets which were never sent: its receiver dropped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsentAck {
    /// Who sent it.
    pub by: Side,
    /// Its frame number.
    pub frame: u64,
    /// What it acknowledged.
    pub ack: SeqNumber,
    /// Payload octets of all that acknowledged this number.
    pub octets: u32,
    /// Whether it was a FIN.
    pub fin: bool,
}
