//! Copies made by the capture: a mirror port that sends each frame twice, a router seen on both of its interfaces.
//!
//! Findings A.10. A copy is recognised before anything is counted. The fastest real SYN retransmission measured came after
//! 34 ms; a copy comes within one, or within ten with a lower TTL.

use crate::tcp::Segment;
use crate::time::{MILLISECOND, Timestamp};

/// A copy at the same hop comes within this, nanoseconds.
const SAME_HOP: i64 = MILLISECOND;
/// A copy seen again behind one to three routers comes within this, nanoseconds.
const ROUTED: i64 = 10 * MILLISECOND;
/// How many hops may lie between two sightings.
const MAX_HOPS: u8 = 3;

#[derive(Clone, Copy, Debug, Default)]
struct Sighting {
    time: Timestamp,
    digest: u32,
    ttl: u8,
    seen: bool,
}

/// The last few segments one endpoint sent.
#[derive(Clone, Debug, Default)]
pub struct RecentCopies {
    ring: [Sighting; 4],
    at: u8,
}

impl RecentCopies {
    /// Whether `segment` is a copy of one of the last few; remembers it if it is not.
    pub fn is_copy(&mut self, segment: &Segment) -> bool {
        let digest = digest(segment);
        let copy = self.ring.iter().any(|old| old.seen && old.digest == digest && old.precedes(segment));
        if !copy {
            let at = usize::from(self.at) % self.ring.len();
            self.ring[at] = Sighting { time: segment.time, digest, ttl: segment.ttl, seen: true };
            self.at = self.at.wrapping_add(1);
        }
        copy
    }
}

impl Sighting {
    fn precedes(&self, segment: &Segment) -> bool {
        let gap = (segment.time - self.time).abs();
        let hops = self.ttl.abs_diff(segment.ttl);
        // Without an IP identification (IPv6, or 0) a routed copy cannot be told from a quick retransmission, so only a
        // changed TTL makes it one.
        match hops {
            0 => gap < SAME_HOP,
            1..=MAX_HOPS => gap < ROUTED,
            _ => false,
        }
    }
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
    (mixed ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)).wrapping_shr(32) as u32
}
