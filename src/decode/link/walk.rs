//! What the layers of one frame share while it is decoded.

use crate::decode::frame::SkipReason;
use crate::decode::octets::Octets;

/// What was met between the first octet of a frame and the current one.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::decode) struct Walk {
    /// Outermost VLAN id, 0 where untagged.
    pub(in crate::decode) vlan: u16,
    /// Headers of one kind inside another: Ethernet in MPLS, IP in IP.
    pub(in crate::decode) depth: u8,
    /// Which frame of an aggregate is wanted, from 0.
    pub(in crate::decode) subframe: u8,
    /// Whether another one follows.
    pub(in crate::decode) more: bool,
}

impl Walk {
    /// Nested headers that are followed: eight tunnels of Ethernet in IP.
    const MAX_DEPTH: u8 = 16;

    /// Enters one more nested header.
    #[inline]
    pub(in crate::decode) fn enter(&mut self) -> Result<(), SkipReason> {
        self.depth += 1;
        if self.depth > Self::MAX_DEPTH { Err(SkipReason::TunnelDepth) } else { Ok(()) }
    }
}

/// Finds the IP header in a frame.
pub(in crate::decode) type ToIp = for<'a> fn(Octets<'a>, &mut Walk) -> Result<Octets<'a>, SkipReason>;
