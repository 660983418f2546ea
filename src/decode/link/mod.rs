//! Link layers: from the first octet of a frame to its IP header. One file a family, each registered in [`LINK_LAYERS`].
//!
//! Knows nothing of what IP carries.

mod ethernet;
mod raw;

use super::octets::Octets;
use super::{LinkType, SkipReason};

pub(super) use ethernet::{by_ether_type, ethernet, mpls};

/// What was met between the first octet of a frame and the current one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walk {
    /// Outermost VLAN id, 0 where untagged.
    pub(super) vlan: u16,
    /// Headers of one kind inside another: Ethernet in MPLS, IP in IP.
    pub(super) depth: u8,
}

impl Walk {
    /// Nested headers that are followed.
    const MAX_DEPTH: u8 = 8;

    /// Enters one more nested header.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), SkipReason> {
        self.depth += 1;
        if self.depth > Self::MAX_DEPTH { Err(SkipReason::TunnelDepth) } else { Ok(()) }
    }
}

/// Finds the IP header in a frame.
pub(super) type ToIp = for<'a> fn(Octets<'a>, &mut Walk) -> Result<Octets<'a>, SkipReason>;

/// One link layer.
#[derive(Debug)]
pub struct LinkLayer {
    /// The name libpcap gives its first number.
    pub name: &'static str,
    /// The numbers it has in captures.
    pub types: &'static [LinkType],
    to_ip: ToIp,
}

/// Every link layer that is decoded. A new one is a file here and a line below.
pub static LINK_LAYERS: &[LinkLayer] = &[
    LinkLayer { name: "EN10MB", types: &[LinkType(1)], to_ip: ethernet },
    LinkLayer {
        name: "RAW",
        types: &[LinkType(101), LinkType(12), LinkType(14), LinkType(228), LinkType(229)],
        to_ip: raw::raw,
    },
];

/// The link layer with this number.
pub fn find(link: LinkType) -> Option<&'static LinkLayer> {
    LINK_LAYERS.iter().find(|layer| layer.types.contains(&link))
}

impl LinkLayer {
    #[inline]
    pub(super) fn to_ip<'a>(&self, frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
        (self.to_ip)(frame, walk)
    }
}
