//! Copies made by the capture: a mirror port that sends each frame twice, a router seen on both of its interfaces.
//!
//! A copy is recognised before anything is counted. The fastest real SYN retransmission measured came after 34 ms; a
//! copy comes within one, or within ten with a lower TTL. A FIN or RST that comes again within ten with the same IP
//! identification, which a host counts up (or leaves at 0) with every packet, is a copy as well.
//!
//! Who sends a segment chooses most of what is compared, and what is taken for a copy counts for nothing: what stands
//! for its fields must not be predictable. It is a hash under a key that each run draws anew, of 64 bits: by chance it
//! never deceives.

use core::hash::BuildHasher;

use crate::tcp::{Flags, Segment};
use crate::time::{MILLISECOND, Timestamp};

/// Times are kept in units of 1,024 ns: in 32 bits they tell moments apart for an hour.
const UNIT_BITS: u32 = 10;
/// A copy at the same hop comes within this, units.
const SAME_HOP: u32 = (MILLISECOND >> UNIT_BITS) as u32;
/// A copy seen again behind one to three routers, or known by its identification, comes within this, units.
const ROUTED: u32 = ((10 * MILLISECOND) >> UNIT_BITS) as u32;
/// How many hops may lie between two sightings.
const MAX_HOPS: u8 = 3;
/// Segments remembered of each end.
const REMEMBERED: usize = 3;

/// The key of a run.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Seal([u64; 2]);

impl Seal {
    /// From the seed of the flow table.
    pub(in crate::flow) fn new(seed: &impl BuildHasher) -> Self {
        Self([1u8, 2].map(|n| seed.hash_one(n)))
    }

    /// What stands for `s`.
    #[inline]
    pub(in crate::flow) fn print(&self, s: &Segment) -> Print {
        let [first, second] = self.0;
        let numbers = u64::from(s.seq.0) << 32 | u64::from(s.ack_field.0);
        let header = u64::from(s.ip_id) << 48 | u64::from(s.checksum_field) << 32 | u64::from(s.payload);
        let clock = s.options.timestamps.map_or(0, |t| t.value);
        let rest = u64::from(clock) << 32 | u64::from(s.window) << 16 | u64::from(s.flags.0);
        // The rest is kept whole: where all before it is the same, nothing else makes a difference.
        Print { hash: folded(numbers ^ first, header ^ second) ^ rest, ttl: s.ttl }
    }
}

/// Both halves of a product, added without carries.
const fn folded(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A segment's TTL, and a hash of all else that a copy shares with its original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Print {
    pub(in crate::flow) hash: u64,
    pub(in crate::flow) ttl: u8,
}

/// When a segment passed, and its print.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct CopyFingerprint {
    units: u32,
    print: Print,
}

/// The last few segments one endpoint sent, the newest first.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct RecentCopies {
    hashes: [u64; REMEMBERED],
    units: [u32; REMEMBERED],
    ttls: [u8; REMEMBERED],
}

impl RecentCopies {
    /// Whether `segment`, of this print, is a copy of one of the last few; remembers it if it is not. `answers`:
    /// something came in between that asks for it again.
    pub(in crate::flow) fn is_copy(&mut self, segment: &Segment, print: Print, answers: bool) -> bool {
        let fingerprint = CopyFingerprint::new(segment.time, print);
        // A network repeats packets that way, too; of these, the repetition would say that nobody answers.
        let known_by_id = segment.ip_id != 0 && segment.flags.any(Flags::FIN | Flags::RST);
        let same_hop = if known_by_id { ROUTED } else { SAME_HOP };
        let wanted = answers && segment.ip_id == 0;
        let copy = !wanted && self.has_original_of(fingerprint, same_hop);
        if !copy {
            self.push(fingerprint);
        }
        copy
    }

    /// Whether one of the last few is the original of `segment`, of this print.
    pub(in crate::flow) fn knows_original_of(&self, segment: &Segment, print: Print) -> bool {
        let fingerprint = CopyFingerprint::new(segment.time, print);
        self.has_original_of(fingerprint, SAME_HOP)
    }

    #[inline]
    fn has_original_of(&self, later: CopyFingerprint, same_hop: u32) -> bool {
        // Hardly any segment has the hash of one before.
        self.hashes.contains(&later.print.hash)
            && (0..REMEMBERED).any(|n| {
                let print = Print { hash: self.hashes[n], ttl: self.ttls[n] };
                CopyFingerprint { units: self.units[n], print }.is_original_of(later, same_hop)
            })
    }

    /// Remembers a segment, which is no copy.
    #[inline]
    pub(in crate::flow) fn push(&mut self, fingerprint: CopyFingerprint) {
        let CopyFingerprint { units, print } = fingerprint;
        self.hashes = [print.hash, self.hashes[0], self.hashes[1]];
        self.units = [units, self.units[0], self.units[1]];
        self.ttls = [print.ttl, self.ttls[0], self.ttls[1]];
    }
}

impl CopyFingerprint {
    /// Of a segment that passed at `time`.
    #[inline]
    pub(in crate::flow) const fn new(time: Timestamp, print: Print) -> Self {
        Self { units: units(time), print }
    }

    /// `same_hop`: how much later a copy at the same hop may be, units.
    fn is_original_of(self, later: Self, same_hop: u32) -> bool {
        if self.print.hash != later.print.hash || self.print == Print::default() {
            return false;
        }
        let gap = later.units.wrapping_sub(self.units).cast_signed().unsigned_abs();
        match self.print.ttl.abs_diff(later.print.ttl) {
            0 => gap <= same_hop,
            1..=MAX_HOPS => gap <= ROUTED,
            _ => false,
        }
    }
}

const fn units(time: Timestamp) -> u32 {
    (time.0 >> UNIT_BITS) as u32
}
