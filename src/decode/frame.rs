//! A captured frame, and what it holds.

use strum::{IntoStaticStr, VariantArray};

use crate::tcp::{IcmpQuote, Segment};
use crate::time::Timestamp;

/// A link type number of the pcap registry (LINKTYPE_…, as in files).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u16);

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Number in the input, from 1.
    pub number: u64,
    /// Packet time.
    pub time: Timestamp,
    /// What the link layer is.
    pub link: LinkType,
    /// Interface index, from 0.
    pub interface: u16,
    /// Octets on the wire.
    pub wire_len: u32,
    /// Octets captured.
    pub data: &'a [u8],
}

/// Why a frame yielded no segment. The names are those of `session_end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum SkipReason {
    /// A link type that is not decoded.
    UnknownLinkType,
    /// Cut inside the link-layer header.
    TruncatedLink,
    /// Neither IPv4 nor IPv6 (ARP, LLDP, …).
    NotIp,
    /// Cut inside an IP header.
    TruncatedIp,
    /// An IP header that cannot be (wrong version, header length, extension chain).
    MalformedIp,
    /// IP with another payload than TCP, or ICMP that quotes none.
    NotTcp,
    /// Fewer than the 20 fixed octets of a TCP header.
    TruncatedTcp,
    /// Part of a fragmented datagram that is not complete (yet).
    Fragment,
    /// Part of a datagram dropped because too many were being reassembled.
    FragmentLimit,
    /// Nested deeper than is followed.
    TunnelDepth,
    /// A management or control frame, or an encrypted one, of a wireless network.
    NotData,
}

impl SkipReason {
    /// Every reason, in order.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a frame holds.
// A Segment is large, but boxing it would allocate for every packet.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// A TCP segment.
    Tcp(Segment),
    /// An ICMP error about one.
    Icmp(IcmpQuote),
    /// Neither, and why.
    Skip(SkipReason),
    /// Neither, because link layers of this type are not decoded.
    UnknownLink(LinkType),
}
