//! What speaks against a reset or a segment: bits with weights and names.

/// Evidence that a reset was not sent by the end in whose name it came (Clayton et al. 2006; Weaver et al., NDSS 2009).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence(pub u8);

impl Evidence {
    /// That end went on beyond the number of its own "exact" reset.
    pub const OVERTAKEN: Self = Self(1);
    /// That end went on sending.
    pub const SPOKE_ON: Self = Self(2);
    /// The TTL differs by two or more from all its other packets.
    pub const TTL: Self = Self(4);
    /// The IP identification leaves the line of its counter.
    pub const IP_ID: Self = Self(8);
    /// The number is inexact, or the target answered with a challenge ACK.
    pub const INEXACT: Self = Self(16);
    /// It was one of a volley with the strides of a known injector.
    pub const VOLLEY: Self = Self(32);
    /// The target went on as if there had been none.
    pub const IGNORED: Self = Self(64);
    /// The time stamp is none that the clock of its sender can show, or the option is missing where it may not be.
    pub const STAMP: Self = Self(128);

    /// Each with its weight and its name.
    pub const ALL: [(Self, i32, &'static str); 8] = [
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
        Self::ALL.into_iter().filter(move |(bit, ..)| self.0 & bit.0 != 0).map(|(_, weight, name)| (weight, name))
    }

    /// Whether all of `other` is found.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(in crate::flow) fn add(&mut self, other: Self) -> bool {
        let new = self.0 | other.0;
        core::mem::replace(&mut self.0, new) != new
    }
}
