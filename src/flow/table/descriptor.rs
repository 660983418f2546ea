//! What the short cut needs of a segment, in one cache line: most segments need no more, and on their way from the
//! thread that decoded them each line costs.

use core::hash::BuildHasher;
use core::net::IpAddr;

use foldhash::fast::RandomState;

use super::slot::Slot;
use super::syn_record::Syn;
use crate::flow::record::tuple::{FlowKey, V4Key};
use crate::flow::state::duplicates::{CopyFingerprint, Print, Seal};
use crate::tcp::{Checksum, Flags, Headers, Segment, SeqNumber};
use crate::time::Timestamp;

/// A segment in brief.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Descriptor {
    /// Packet time.
    pub time: Timestamp,
    /// Hash of its key; 0 where it has none, or it was not computed.
    pub(in crate::flow) hash: u64,
    /// Its print but for the TTL.
    print: u64,
    pub(in crate::flow) seq: SeqNumber,
    pub(in crate::flow) ack: SeqNumber,
    pub(in crate::flow) payload: u32,
    /// Frame number, in 48 bits.
    frame_low: u32,
    frame_high: u16,
    ttl: u8,
    marks: u8,
    /// Its key, if its addresses are of IPv4.
    key: V4Key,
    pub(in crate::flow) window: u16,
    pub(in crate::flow) ip_id: u16,
    /// Where its flow probably is; nothing depends on it but speed.
    slot: Slot,
}

const _: () = assert!(size_of::<Descriptor>() == 64);

/// No flow is there.
const NOWHERE: Slot = Slot::MAX;

/// Nothing but ACK and PSH, and nothing else that is worth a look.
const PLAIN: u8 = 1;
/// It carries timestamps.
const TIMESTAMPS: u8 = 2;
/// Its frame was cut by the snapshot length.
const TRUNCATED: u8 = 4;
/// Its sender is the lower endpoint of its key.
const FROM_LOW: u8 = 8;
/// Its key is in `key`.
const V4: u8 = 16;
/// The record of its flow was asked for.
const RECORD_WANTED: u8 = 32;
/// It is an ordinary SYN, and there is a SYN record of it.
const SYN_ONLY: u8 = 64;

impl Descriptor {
    /// Writes down `s`; `hasher` is that of the flow table, `seal` that of its tracker. In place: to move what was just
    /// put together from small pieces makes the processor wait.
    #[inline]
    pub(in crate::flow) fn set(&mut self, s: &Segment, hasher: &RandomState, seal: &Seal) {
        let mark = |is: bool, mark: u8| if is { mark } else { 0 };
        let from_low;
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (s.source.ip, s.destination.ip) {
            (self.key, from_low) = V4Key::between((source, s.source.port), (destination, s.destination.port));
            self.hash = hasher.hash_one(self.key);
            self.marks = V4;
        } else {
            let key;
            (key, from_low) = FlowKey::of(s);
            self.hash = hasher.hash_one(key);
            self.marks = 0;
        }
        self.time = s.time;
        (self.frame_low, self.frame_high) = (s.frame as u32, (s.frame >> 32) as u16);
        self.seq = s.seq;
        self.ack = s.ack_field;
        self.payload = s.payload;
        let print = seal.print(s);
        (self.print, self.ttl) = (print.hash, print.ttl);
        self.window = s.window;
        self.ip_id = s.ip_id;
        self.slot = NOWHERE;
        self.marks |= mark(is_plain(s), PLAIN)
            | mark(s.options.timestamps.is_some(), TIMESTAMPS)
            | mark(s.truncated, TRUNCATED)
            | mark(from_low, FROM_LOW);
    }

    /// Of a frame that is no TCP segment.
    pub const fn of_nothing(time: Timestamp) -> Self {
        Self {
            time,
            hash: 0,
            seq: SeqNumber(0),
            ack: SeqNumber(0),
            payload: 0,
            print: 0,
            frame_low: 0,
            frame_high: 0,
            ttl: 0,
            key: V4Key::NONE,
            window: 0,
            ip_id: 0,
            slot: NOWHERE,
            marks: 0,
        }
    }

    /// What tells its copies from others.
    #[inline]
    pub(in crate::flow) const fn print(&self) -> Print {
        Print { hash: self.print, ttl: self.ttl }
    }

    /// The same, and when it passed.
    #[inline]
    pub(in crate::flow) const fn fingerprint(&self) -> CopyFingerprint {
        CopyFingerprint::new(self.time, self.print())
    }

    /// Hash of its key.
    #[inline]
    pub(crate) const fn key_hash(&self) -> u64 {
        self.hash
    }

    /// Frame number.
    #[inline]
    pub(in crate::flow) const fn frame(&self) -> u64 {
        (self.frame_high as u64) << 32 | self.frame_low as u64
    }

    /// TTL or hop limit.
    #[inline]
    pub(in crate::flow) const fn ttl(&self) -> u8 {
        self.ttl
    }

    /// Whether the short cut may take it.
    #[inline]
    pub const fn is_plain(&self) -> bool {
        self.marks & PLAIN != 0
    }

    /// Whether it is an ordinary SYN with a SYN record.
    #[inline]
    pub const fn is_syn_only(&self) -> bool {
        self.marks & SYN_ONLY != 0
    }

    /// There is a SYN record of it.
    pub(crate) const fn set_syn_only(&mut self) {
        self.marks |= SYN_ONLY;
    }

    /// Whether its flow's record, and with it the whole segment, is likely to be needed.
    #[inline]
    pub const fn wants_record(&self) -> bool {
        self.marks & RECORD_WANTED != 0
    }

    pub(in crate::flow) const fn want_record(&mut self) {
        self.marks |= RECORD_WANTED;
    }

    #[inline]
    pub(in crate::flow) const fn has_timestamps(&self) -> bool {
        self.marks & TIMESTAMPS != 0
    }

    #[inline]
    pub(in crate::flow) const fn is_truncated(&self) -> bool {
        self.marks & TRUNCATED != 0
    }

    #[inline]
    pub(crate) const fn is_from_low(&self) -> bool {
        self.marks & FROM_LOW != 0
    }

    /// Where its flow probably is.
    #[inline]
    pub(in crate::flow) fn slot(&self) -> Option<Slot> {
        Some(self.slot).filter(|slot| *slot != NOWHERE)
    }

    pub(in crate::flow) fn prefetch(&mut self, slot: Option<Slot>) {
        self.slot = slot.unwrap_or(NOWHERE);
    }

    /// The key of `s`, which it is of, and whether the sender is the lower endpoint.
    #[inline]
    pub(in crate::flow) fn key_of(&self, s: &Segment) -> (FlowKey, bool) {
        if self.is_v4() { (FlowKey::of_v4(self.key), self.is_from_low()) } else { FlowKey::of(s) }
    }

    /// The key of `syn`, which it is of.
    #[inline]
    pub(in crate::flow) fn key_of_syn(&self, syn: Syn<'_>) -> FlowKey {
        if self.is_v4() { FlowKey::of_v4(self.key) } else { syn.key() }
    }

    /// Whether its addresses are of IPv4.
    #[inline]
    pub(crate) const fn is_v4(&self) -> bool {
        self.marks & V4 != 0
    }

    /// Whether `key` is its key; of IPv6 `own` gives that.
    #[inline]
    pub(in crate::flow) fn is_of(&self, key: &FlowKey, own: impl FnOnce() -> Option<FlowKey>) -> bool {
        if self.is_v4() { key.is_v4(self.key) } else { own().as_ref() == Some(key) }
    }
}

/// ACK, with or without PSH, and nothing else that is worth a look.
#[inline]
fn is_plain(s: &Segment) -> bool {
    s.flags.0 & !Flags::PSH.0 == Flags::ACK.0
        && s.headers == Headers::Whole
        && matches!(s.checksum, Checksum::Good | Checksum::Unverifiable)
        && s.window != 0
        && s.urgent == 0
        && s.payload < 1 << 17
        && !s.fragmented
        && s.traffic_class & 3 == 0
        && s.options.sack_blocks == 0
        && s.options.faults.is_empty()
        && s.options.mptcp.is_none()
}
