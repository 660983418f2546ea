//! Copies made by the capture: a mirror port that sends each frame twice, a router seen on both of its interfaces.
//!
//! Findings A.10. A copy is recognised before anything is counted. The fastest real SYN retransmission measured came after
//! 34 ms; a copy comes within one, or within ten with a lower TTL. A FIN or RST that comes again within ten with the same IP
//! identification, which a host counts up (or leaves at 0) with every packet, is a copy as well.

use crate::tcp::{Flags, Segment};
use crate::time::{MILLISECOND, Timestamp};

/// Times are kept in units of 1,024 ns: in 32 bits they tell moments apart for an hour.
const UNIT_BITS: u32 = 10;
/// A copy at the same hop comes within this, units.
const SAME_HOP: u32 = (MILLISECOND >> UNIT_BITS) as u32;
/// A copy seen again behind one to three routers, or told by its identification, comes within this, units.
const ROUTED: u32 = ((10 * MILLISECOND) >> UNIT_BITS) as u32;
/// How many hops may lie between two sightings.
const MAX_HOPS: u8 = 3;
/// Segments remembered of each end.
const REMEMBERED: usize = 3;

/// A segment in eight octets: when it passed, its TTL, and a hash of all else that a copy shares with its original.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sighting {
    units: u32,
    ttl_and_digest: u32,
}

/// The last few segments one endpoint sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecentCopies {
    ring: [Sighting; REMEMBERED],
    at: u8,
}

impl RecentCopies {
    /// Whether `segment` is a copy of one of the last few; remembers it if it is not.
    pub(super) fn is_copy(&mut self, segment: &Segment) -> bool {
        let sighting = Sighting::new(segment.time, ttl_and_digest(segment));
        // A network repeats packets that way, too; of these, the repetition would say that nobody answers.
        let told_by_id = segment.ip_id != 0 && segment.flags.any(Flags::FIN | Flags::RST);
        let same_hop = if told_by_id { ROUTED } else { SAME_HOP };
        let copy = self.ring.iter().any(|old| old.is_original_of(sighting, same_hop));
        if !copy {
            self.push(sighting);
        }
        copy
    }

    /// Remembers a segment, which is no copy.
    #[inline]
    pub(super) fn push(&mut self, sighting: Sighting) {
        self.ring[usize::from(self.at)] = sighting;
        self.at = if usize::from(self.at) + 1 < REMEMBERED { self.at + 1 } else { 0 };
    }
}

impl Sighting {
    /// Of a segment that passed at `time`.
    #[inline]
    pub(super) const fn new(time: Timestamp, ttl_and_digest: u32) -> Self {
        Self { units: units(time), ttl_and_digest }
    }

    /// `same_hop`: how much later a copy at the same hop may be, units.
    fn is_original_of(self, later: Self, same_hop: u32) -> bool {
        if (self.ttl_and_digest ^ later.ttl_and_digest) & 0xff_ffff != 0 || self.ttl_and_digest == 0 {
            return false;
        }
        let gap = later.units.wrapping_sub(self.units).cast_signed().unsigned_abs();
        let hops = ((self.ttl_and_digest >> 24) as u8).abs_diff((later.ttl_and_digest >> 24) as u8);
        match hops {
            0 => gap <= same_hop,
            1..=MAX_HOPS => gap <= ROUTED,
            _ => false,
        }
    }
}

/// The TTL in the upper octet, and below a hash of all else that a copy shares with its original.
#[inline]
pub(super) fn ttl_and_digest(s: &Segment) -> u32 {
    u32::from(s.ttl) << 24 | digest(s) >> 8
}

const fn units(time: Timestamp) -> u32 {
    (time.0 >> UNIT_BITS) as u32
}

/// A hash of all that a copy shares with its original.
fn digest(s: &Segment) -> u32 {
    let ts = s.options.timestamps.map_or(0, |t| u64::from(t.value));
    let a = u64::from(s.seq.0) << 32 | u64::from(s.ack_field.0);
    let b = u64::from(s.ip_id) << 48
        | u64::from(s.checksum_field) << 32
        | u64::from(s.flags.0) << 20
        | u64::from(s.payload & 0xf_ffff);
    let mixed = (a ^ b.rotate_left(29) ^ ts.rotate_left(13)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)) >> 32) as u32
}
