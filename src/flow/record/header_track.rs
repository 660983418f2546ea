//! How the IP headers of one end go on, and what leaves that line.

use super::evidence::Evidence;
use crate::tcp::Segment;

/// Steps of the IP identification up to this are a counter at work.
const ID_STEP: u16 = 64;

/// A step beyond this leaves the line of a counter.
const ID_JUMP: u16 = 1000;

/// The line that the IP identifications of one end follow.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdLine {
    id: u16,
    /// Small steps in a row, at most 255.
    run: u8,
}

impl IdLine {
    /// Follows the next packet.
    #[inline]
    pub(in crate::flow) const fn follow(&mut self, id: u16) {
        let step = id.wrapping_sub(self.id);
        self.run = if step.wrapping_sub(1) < ID_STEP { self.run.saturating_add(1) } else { 0 };
        self.id = id;
    }

    /// Whether it is too short to be one.
    pub(in crate::flow) const fn is_short(self) -> bool {
        self.run < 3
    }

    /// Whether `id` is what a counter of packets that stood at `of` may have come to. Where either is 0 nothing speaks
    /// against it.
    pub(in crate::flow) const fn is_near(of: u16, id: u16, steps: u16) -> bool {
        of == 0 || id == 0 || id.wrapping_sub(of) <= steps || of.wrapping_sub(id) <= steps
    }

    /// Whether `id` is the next, or one of the next, of a counter that has been at work for some packets.
    pub(in crate::flow) const fn is_followed_by(self, id: u16) -> bool {
        self.run >= 3 && id.wrapping_sub(self.id).wrapping_sub(1) < ID_STEP
    }

    /// Whether `id` leaves the line. Linux sends resets without a socket with identification 0: that proves nothing.
    pub(in crate::flow) const fn is_left_by(self, id: u16) -> bool {
        let step = id.wrapping_sub(self.id);
        let far = step > ID_JUMP && step.wrapping_neg() > ID_JUMP;
        self.run >= 3 && id != 0 && far
    }
}

/// How the IP headers of one end go on: their TTL, and the line of their identification.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderTrack {
    /// The line of its identifications.
    pub line: IdLine,
    /// TTL or hop limit of its last packet that was no reset.
    pub ttl: u8,
    /// How often it changed by two or more, at most 255.
    pub ttl_changes: u8,
}

impl HeaderTrack {
    /// Follows a packet; whether its TTL differs by two or more from the one before.
    pub(in crate::flow) fn follow(&mut self, s: &Segment, first: bool) -> bool {
        let changed = !first && s.ttl.abs_diff(self.ttl) >= 2;
        self.ttl_changes = self.ttl_changes.saturating_add(u8::from(changed));
        if !s.flags.is_rst() || first {
            self.line.follow(s.ip_id);
            self.ttl = s.ttl;
        }
        changed
    }

    /// What the headers of a reset tell about its origin, compared with the packets before it.
    pub(in crate::flow) fn against(self, s: &Segment) -> Evidence {
        let mut evidence = Evidence::default();
        if self.ttl_changes == 0 && s.ttl.abs_diff(self.ttl) >= 2 {
            evidence.add(Evidence::TTL);
        }
        if self.line.is_left_by(s.ip_id) {
            evidence.add(Evidence::IP_ID);
        }
        evidence
    }
}
