//! One segment as one tap saw it, in brief, and how two sights of one segment differ.

use bitflags::bitflags;
use strum::{IntoStaticStr, VariantArray};

use crate::flow::Side;
use crate::tcp::{Checksum, Flags, Headers, Segment, SeqNumber};
use crate::time::Timestamp;

/// One of the two captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
pub enum Tap {
    /// The first one.
    A,
    /// The second one.
    B,
}

impl Tap {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// `A` or `B`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SegmentKind {
    /// SYN without ACK.
    Syn,
    /// SYN and ACK.
    SynAck,
    /// RST.
    Rst,
    /// FIN.
    Fin,
    /// Payload.
    Data,
    /// None of these.
    Ack,
}

impl SegmentKind {
    /// Every kind, in order.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }

    fn of(segment: &Segment) -> Self {
        let has = |flag| segment.flags.has(flag);
        match () {
            () if has(Flags::RST) => Self::Rst,
            () if has(Flags::SYN) && has(Flags::ACK) => Self::SynAck,
            () if has(Flags::SYN) => Self::Syn,
            () if has(Flags::FIN) => Self::Fin,
            () if segment.payload > 0 => Self::Data,
            () => Self::Ack,
        }
    }
}

bitflags! {
    /// What is different downstream.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Changes: u32 {
        /// MSS option, in both, with another value.
        const MSS = 1;
        /// Window scale option, in both, with another value.
        const WINDOW_SCALE = 1 << 1;
        /// MSS option is gone.
        const MSS_STRIPPED = 1 << 2;
        /// Window scale option is gone.
        const WINDOW_SCALE_STRIPPED = 1 << 3;
        /// SACK-permitted option is gone.
        const SACK_STRIPPED = 1 << 4;
        /// Timestamps option is gone.
        const TIMESTAMPS_STRIPPED = 1 << 5;
        /// Fast Open option is gone.
        const FAST_OPEN_STRIPPED = 1 << 6;
        /// Multipath TCP option is gone.
        const MPTCP_STRIPPED = 1 << 7;
        /// An option that was not there.
        const OPTION_ADDED = 1 << 8;
        /// Any other change of the option list.
        const OPTIONS = 1 << 9;
        /// TSval or TSecr.
        const TIMESTAMPS = 1 << 10;
        /// DSCP.
        const DSCP = 1 << 11;
        /// ECN field: congestion experienced was marked, as it may be.
        const CE_MARKED = 1 << 12;
        /// ECN field otherwise.
        const ECN = 1 << 13;
        /// ECE or CWR of the flags.
        const ECN_FLAGS = 1 << 14;
        /// Sequence or acknowledgment numbers.
        const SEQUENCE = 1 << 15;
        /// Window field.
        const WINDOW = 1 << 16;
        /// The checksum was right and is wrong.
        const CORRUPTED = 1 << 17;
        /// Payload, by its sum.
        const PAYLOAD = 1 << 18;
        /// Addresses or ports.
        const ADDRESS = 1 << 19;
        /// PSH, URG or the urgent pointer.
        const URGENT = 1 << 20;
        /// TTL: it grew, or it is another number of hops than of other segments of this direction.
        const TTL = 1 << 21;
        /// Its data came in other segments.
        const SEGMENTATION = 1 << 22;
    }
}

impl Changes {
    /// The words in output, in order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 23] = [
            "mss",
            "window_scale",
            "mss_stripped",
            "window_scale_stripped",
            "sack_stripped",
            "timestamps_stripped",
            "fast_open_stripped",
            "mptcp_stripped",
            "option_added",
            "options",
            "timestamps",
            "dscp",
            "ce_marked",
            "ecn",
            "ecn_flags",
            "sequence",
            "window",
            "corrupted",
            "payload",
            "address",
            "urgent",
            "ttl",
            "segmentation",
        ];
        NAMES.into_iter().enumerate().filter(move |(bit, _)| self.bits() >> bit & 1 == 1).map(|(_, name)| name)
    }

    /// All options that are gone.
    pub const STRIPPED: Self = Self::MSS_STRIPPED
        .union(Self::WINDOW_SCALE_STRIPPED)
        .union(Self::SACK_STRIPPED)
        .union(Self::TIMESTAMPS_STRIPPED)
        .union(Self::FAST_OPEN_STRIPPED)
        .union(Self::MPTCP_STRIPPED);
}

/// One sight of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Packet time, by the clock of the tap.
    pub time: Timestamp,
    /// Frame number in the capture.
    pub frame: u64,
    /// Who sent it.
    pub sender: Side,
    /// What it is for.
    pub kind: SegmentKind,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// The acknowledgment field.
    pub ack: SeqNumber,
    /// All flags.
    pub flags: Flags,
    /// Payload octets.
    pub payload: u32,
    /// Window field.
    pub window: u16,
    /// IPv4 identification, 0 for IPv6.
    pub ip_id: u16,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub traffic_class: u8,
    /// MSS option.
    pub mss: Option<u16>,
    /// Window scale option.
    pub window_scale: Option<u8>,
    pub(super) stamps: Option<(u32, u32)>,
    pub(super) checksum: Checksum,
    pub(super) checksum_field: u16,
    pub(super) urgent: u16,
    pub(super) payload_sum: Option<u16>,
    /// SACK permitted, Fast Open, Multipath TCP: bits 0 to 2.
    pub(super) has: u8,
    pub(super) layout: u64,
    /// Whether the options are all there.
    pub(super) whole: bool,
    /// Octets of it that the other tap saw in other segments.
    pub(super) covered: u32,
    /// Whether its sender sent the same numbers again.
    pub(super) repeated: bool,
    /// The how-manieth of its sender at this tap.
    pub(super) order: u32,
}

const ADDRESSING: u16 = Flags::SYN.0 | Flags::FIN.0 | Flags::RST.0 | Flags::ACK.0;

impl Seen {
    /// A segment that `sender` sent.
    pub fn new(segment: &Segment, sender: Side) -> Self {
        let options = &segment.options;
        let has = u8::from(options.sack_permitted)
            | u8::from(options.fast_open.is_some()) << 1
            | u8::from(options.mptcp.is_some()) << 2;
        Self {
            time: segment.time,
            frame: segment.frame,
            sender,
            kind: SegmentKind::of(segment),
            seq: segment.seq,
            ack: if segment.flags.has(Flags::ACK) { segment.ack_field } else { SeqNumber(0) },
            flags: segment.flags,
            payload: segment.payload,
            window: segment.window,
            ip_id: segment.ip_id,
            ttl: segment.ttl,
            traffic_class: segment.traffic_class,
            mss: options.mss,
            window_scale: options.window_scale,
            stamps: options.timestamps.map(|t| (t.value, t.echo)),
            checksum: segment.checksum,
            checksum_field: segment.checksum_field,
            urgent: segment.urgent,
            payload_sum: if segment.payload > 0 { segment.payload_sum() } else { None },
            has,
            layout: options.layout.0,
            whole: segment.headers == Headers::Whole,
            covered: 0,
            repeated: false,
            order: 0,
        }
    }

    /// SEG.SEQ + SEG.LEN.
    pub fn end(&self) -> SeqNumber {
        let one = |flag| u32::from(self.flags.has(flag));
        self.seq.plus(self.payload.wrapping_add(one(Flags::SYN)).wrapping_add(one(Flags::FIN)))
    }

    /// Flags, payload length and sender: what a segment keeps whoever rewrites its numbers.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.sender == other.sender
            && self.payload == other.payload
            && self.flags.0 & ADDRESSING == other.flags.0 & ADDRESSING
    }

    /// Whether two sights at one tap are of the same frame twice.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        let same = self.is_like(other)
            && (self.seq, self.ack, self.ip_id, self.ttl) == (other.seq, other.ack, other.ip_id, other.ttl)
            && (self.checksum_field, self.window) == (other.checksum_field, other.window);
        same && (self.time - other.time).abs() <= if self.ip_id == 0 { 200_000 } else { 5_000_000 }
    }

    /// What is different in `down`, the sight of the same segment further from its sender.
    pub(super) fn changes(&self, down: &Self, shifted: bool, translated: bool) -> Changes {
        let mut found = self.option_changes(down);
        let mut note = |is: bool, change| found.set(change, is);
        note(self.traffic_class >> 2 != down.traffic_class >> 2, Changes::DSCP);
        let (before, after) = (self.traffic_class & 3, down.traffic_class & 3);
        note(before != after && after == 3 && before != 0, Changes::CE_MARKED);
        note(before != after && !(after == 3 && before != 0), Changes::ECN);
        let ecn = Flags::ECE.0 | Flags::CWR.0 | Flags::AE.0;
        note((self.flags.0 ^ down.flags.0) & ecn != 0, Changes::ECN_FLAGS);
        note(shifted, Changes::SEQUENCE);
        note(translated, Changes::ADDRESS);
        note(self.window != down.window, Changes::WINDOW);
        note(self.checksum != Checksum::Bad && down.checksum == Checksum::Bad, Changes::CORRUPTED);
        let urgent = Flags::PSH.0 | Flags::URG.0;
        note((self.flags.0 ^ down.flags.0) & urgent != 0 || self.urgent != down.urgent, Changes::URGENT);
        note(down.ttl > self.ttl, Changes::TTL);
        let comparable = !shifted && !translated;
        let differ = |(a, b)| comparable && a != b;
        note(self.payload_sum.zip(down.payload_sum).is_some_and(differ), Changes::PAYLOAD);
        found
    }

    fn option_changes(&self, down: &Self) -> Changes {
        let mut found = Changes::empty();
        if !self.whole || !down.whole {
            return found;
        }
        let mut pair = |before: bool, after: bool, stripped| {
            found.set(stripped, before && !after);
            if after && !before {
                found |= Changes::OPTION_ADDED;
            }
        };
        pair(self.mss.is_some(), down.mss.is_some(), Changes::MSS_STRIPPED);
        pair(self.window_scale.is_some(), down.window_scale.is_some(), Changes::WINDOW_SCALE_STRIPPED);
        pair(self.stamps.is_some(), down.stamps.is_some(), Changes::TIMESTAMPS_STRIPPED);
        pair(self.has & 1 != 0, down.has & 1 != 0, Changes::SACK_STRIPPED);
        pair(self.has & 2 != 0, down.has & 2 != 0, Changes::FAST_OPEN_STRIPPED);
        pair(self.has & 4 != 0, down.has & 4 != 0, Changes::MPTCP_STRIPPED);
        found.set(Changes::MSS, self.mss.zip(down.mss).is_some_and(|(a, b)| a != b));
        found.set(Changes::WINDOW_SCALE, self.window_scale.zip(down.window_scale).is_some_and(|(a, b)| a != b));
        found.set(Changes::TIMESTAMPS, self.stamps.zip(down.stamps).is_some_and(|(a, b)| a != b));
        found.set(Changes::OPTIONS, found.is_empty() && self.layout != down.layout);
        found
    }
}
