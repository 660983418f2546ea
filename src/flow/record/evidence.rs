//! What speaks against a reset or a segment: bits with weights and names.

use bitflags::bitflags;

bitflags! {
    /// Evidence that a reset was not sent by the end in whose name it came (Clayton et al. 2006; Weaver
    /// et al., NDSS 2009).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Evidence: u8 {
        /// That end went on beyond the number of its own "exact" reset.
        const OVERTAKEN = 1;
        /// That end went on sending.
        const SPOKE_ON = 1 << 1;
        /// The TTL differs by two or more from all its other packets.
        const TTL = 1 << 2;
        /// The IP identification leaves the line of its counter.
        const IP_ID = 1 << 3;
        /// The number is inexact, or the target answered with a challenge ACK.
        const INEXACT = 1 << 4;
        /// It was one of a volley with the strides of a known injector.
        const VOLLEY = 1 << 5;
        /// The target went on as if there had been none.
        const IGNORED = 1 << 6;
        /// The time stamp is none that the clock of its sender can show, or the option is missing where it may not be.
        const STAMP = 1 << 7;
    }
}

impl Evidence {
    /// Each with its weight and its name.
    const WEIGHTS: [(Self, i32, &'static str); 8] = [
        (Self::OVERTAKEN, 3, "sender-went-beyond"),
        (Self::SPOKE_ON, 2, "sender-spoke-on"),
        (Self::TTL, 2, "ttl-differs"),
        (Self::IP_ID, 1, "ip-id-off-the-line"),
        (Self::INEXACT, 1, "inexact-or-challenged"),
        (Self::VOLLEY, 2, "known-volley"),
        (Self::IGNORED, 1, "target-went-on"),
        (Self::STAMP, 2, "timestamp-off-the-line"),
    ];

    /// What is found, with weights and names.
    pub fn found(self) -> impl Iterator<Item = (i32, &'static str)> {
        Self::WEIGHTS.into_iter().filter(move |(bit, ..)| self.contains(*bit)).map(|(_, weight, name)| (weight, name))
    }

    /// Adds `other`; whether any of it is new.
    pub(in crate::flow) fn add(&mut self, other: Self) -> bool {
        let new = self.union(other);
        core::mem::replace(self, new) != new
    }
}
