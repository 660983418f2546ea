//! What one endpoint did, for Zeek's two words, and what few flows need besides.

use core::mem;

use bitflags::bitflags;
use smallvec::SmallVec;

use crate::tcp::{Flags, Segment, SeqNumber};

/// Letters kept of a history. Ordinary connections have fewer than twenty; only a sender of ever new SYN, FIN or RST
/// sequence numbers gets here.
pub const MAX_LETTERS: usize = 1024;

/// Islands of data kept above the first hole, per direction.
pub const MAX_ISLANDS: usize = 32;

/// Letters kept in the record itself; more go to [`Overflow`].
pub(super) const INLINE_LETTERS: usize = 14;

/// A SYN or RST further than this from the highest sequence number does not move it (octets).
pub(super) const TOO_FAR: i32 = 1 << 20;

/// Indices of the two sides.
pub(in crate::flow::record::zeek) const ORIGINATOR: usize = 0;

pub(in crate::flow::record::zeek) const RESPONDER: usize = 1;

/// Zeek's state of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow::record::zeek) enum EndpointState {
    /// Nothing seen, or nothing that counts.
    #[default]
    Inactive,
    SynSent,
    /// A SYN-ACK without the SYN it answers.
    SynAckSent,
    /// Seen mid-stream.
    Partial,
    Established,
    /// FIN seen.
    Closed,
    /// RST seen.
    Reset,
}

impl EndpointState {
    pub(super) const fn is_blank(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
    }
}

bitflags! {
    /// What was logged or found of one endpoint.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::flow::record::zeek) struct Seen: u16 {
        const LOGGED_SYN = 1;
        const LOGGED_FIN = 1 << 1;
        const LOGGED_RST = 1 << 2;
        const LOGGED_FIN_RST = 1 << 3;
        const LOGGED_DATA = 1 << 4;
        const LOGGED_ACK = 1 << 5;
        const LOGGED_MULTIPLE = 1 << 6;
        const SENT_FIN = 1 << 7;
        /// Too much data without acknowledgments: no gaps are looked for any more.
        const GAPS_OFF = 1 << 8;
    }
}

/// What one endpoint did. Relative numbers count from `start`.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow::record::zeek) struct ZeekSide {
    /// Sequence number of its SYN, or of the one it would have had.
    pub(in crate::flow::record::zeek) start: SeqNumber,
    /// One past the highest sequence number it used.
    pub(in crate::flow::record::zeek) last: SeqNumber,
    /// The highest acknowledgment of its data.
    pub(in crate::flow::record::zeek) acked: SeqNumber,
    /// All payload below is seen, or given up. Relative.
    pub(in crate::flow::record::zeek) edge: u32,
    /// Where its last FIN stood, relative.
    pub(super) last_fin: u32,
    /// Where its last RST stood, relative.
    pub(super) last_rst: u32,
    pub(super) marks: Seen,
    pub(in crate::flow::record::zeek) state: EndpointState,
    pub(in crate::flow::record::zeek) before: EndpointState,
}

/// What a segment does to the highest sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// It moves it, or does not count.
    Fine,
    /// It carries data, and moves nothing.
    Nothing,
}

impl ZeekSide {
    pub(super) const UNSEEN: Self = Self {
        start: SeqNumber(0),
        last: SeqNumber(0),
        acked: SeqNumber(0),
        edge: 1,
        last_fin: 0,
        last_rst: 0,
        marks: Seen::empty(),
        state: EndpointState::Inactive,
        before: EndpointState::Inactive,
    };

    pub(in crate::flow::record::zeek) const fn has(&self, mark: Seen) -> bool {
        self.marks.contains(mark)
    }

    /// Open, and without holes or doubts about its sequence space.
    pub(super) fn is_smooth(&self) -> bool {
        matches!(self.state, EndpointState::Established | EndpointState::Partial)
            && !self.has(Seen::GAPS_OFF)
            && self.edge == self.last.offset_from(self.start)
    }

    /// Sets a mark; whether it was new.
    pub(super) const fn mark(&mut self, mark: Seen) -> bool {
        let new = !self.has(mark);
        self.marks = self.marks.union(mark);
        new
    }

    pub(super) fn set_state(&mut self, state: EndpointState) {
        if state != self.state {
            self.before = mem::replace(&mut self.state, state);
        }
    }

    /// Numbering starts with the first segment, and over again with a SYN (but not one after the end).
    pub(super) fn start_numbering(&mut self, segment: &Segment) {
        use EndpointState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let syn = segment.flags.has(Flags::SYN);
        match self.state {
            Inactive if !syn => self.number_from(segment.seq.minus(1), segment.seq),
            Inactive | Established | Partial if syn => self.number_from(segment.seq, end_of(segment)),
            SynSent | SynAckSent if syn && segment.seq != self.start => self.number_from(segment.seq, end_of(segment)),
            Reset if syn && self.before == Inactive => self.number_from(segment.seq, end_of(segment)),
            Inactive | Established | Partial | SynSent | SynAckSent | Closed | Reset => {}
        }
    }

    pub(super) const fn number_from(&mut self, start: SeqNumber, last: SeqNumber) {
        self.start = start;
        self.acked = start;
        self.last = last;
    }

    pub(super) fn advance(&mut self, segment: &Segment) -> Advance {
        let end = end_of(segment);
        let by = end.distance(self.last);
        if segment.flags.any(Flags::SYN | Flags::RST) && !(-TOO_FAR..=TOO_FAR).contains(&by) {
            return Advance::Fine;
        }
        if segment.flags.has(Flags::FIN) && self.last == self.start.plus(1) {
            self.last = end;
            return Advance::Fine;
        }
        if self.state == EndpointState::Reset {
            return Advance::Fine;
        }
        if by > 0 {
            self.last = end;
            return Advance::Fine;
        }
        if segment.payload > 0 { Advance::Nothing } else { Advance::Fine }
    }

    /// Whether no payload octet was sent, by sequence numbers.
    pub(super) fn sent_nothing(&self) -> bool {
        let used = self.last.offset_from(self.start).max(self.acked.offset_from(self.start));
        used <= 1 + u32::from(self.has(Seen::SENT_FIN))
    }

    pub(in crate::flow::record::zeek) fn nothing_acked(&self) -> bool {
        self.acked.offset_from(self.start) <= 1
    }

    /// Established, or closed by a FIN from there: only then do gaps mean something.
    pub(super) fn is_clean(&self) -> bool {
        self.state == EndpointState::Established
            || (self.state == EndpointState::Closed && self.before == EndpointState::Established)
    }

    /// `end`, an acknowledgment, without the FIN and what may lie beyond it.
    pub(super) fn without_fin(&self, end: u32) -> u32 {
        if self.has(Seen::LOGGED_FIN) && is_later(end, self.last_fin) { self.last_fin } else { end }
    }
}

/// A range of data above a hole, relative to the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct SequenceRange {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What most flows do without.
#[derive(Clone, Debug, Default)]
pub(super) struct Overflow {
    pub(super) counts: [[u32; 4]; 2],
    /// Relative sequence number of the last SYN: not 0 only for one after the end.
    pub(super) last_syn: [u32; 2],
    /// Sorted, neither touching each other nor the edge.
    pub(super) islands: [SmallVec<[SequenceRange; INLINE_ISLANDS]>; 2],
    pub(super) letters: Vec<u8>,
    pub(super) lost_letters: u32,
}

impl Overflow {
    pub(super) fn flip(&mut self) {
        self.counts.swap(ORIGINATOR, RESPONDER);
        self.last_syn.swap(ORIGINATOR, RESPONDER);
        self.islands.swap(ORIGINATOR, RESPONDER);
    }
}

/// What is counted on a logarithmic scale.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Counter {
    BadChecksum,
    Retransmission,
    ZeroWindow,
    Gap,
}

impl Counter {
    pub(super) const fn letter(self) -> u8 {
        match self {
            Self::BadChecksum => b'C',
            Self::Retransmission => b'T',
            Self::ZeroWindow => b'W',
            Self::Gap => b'G',
        }
    }
}

/// Islands kept in [`Overflow`] itself; few connections have more at a time.
pub(super) const INLINE_ISLANDS: usize = 4;

/// One past the sequence space that a segment takes; the payload of a RST takes none.
fn end_of(segment: &Segment) -> SeqNumber {
    if segment.flags.has(Flags::RST) { segment.end().minus(segment.payload) } else { segment.end() }
}

/// Whether relative sequence number `a` lies behind `b`.
pub(super) const fn is_later(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) as i32 > 0
}
