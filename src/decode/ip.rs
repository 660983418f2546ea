//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers with everything between them and the transport header.
//!
//! Lengths are the header's; only where it states none (segmentation offload leaves 0) is the length that of the frame.
//! Knows nothing of what the packet carries.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, err};

use super::SkipReason;
use super::octets::Octets;

/// IP protocol numbers.
pub(super) mod protocol {
    pub(in super::super) const HOP_BY_HOP: u8 = 0;
    pub(in super::super) const ICMP: u8 = 1;
    pub(in super::super) const IPV4: u8 = 4;
    pub(in super::super) const TCP: u8 = 6;
    pub(in super::super) const UDP: u8 = 17;
    pub(in super::super) const IPV6: u8 = 41;
    pub(in super::super) const ROUTING: u8 = 43;
    pub(in super::super) const FRAGMENT: u8 = 44;
    pub(in super::super) const GRE: u8 = 47;
    pub(in super::super) const AUTHENTICATION: u8 = 51;
    pub(in super::super) const ICMPV6: u8 = 58;
    pub(in super::super) const DESTINATION_OPTIONS: u8 = 60;
    pub(in super::super) const ETHER_IP: u8 = 97;
    pub(in super::super) const L2TP: u8 = 115;
    pub(in super::super) const MOBILITY: u8 = 135;
    pub(in super::super) const MPLS: u8 = 137;
    pub(in super::super) const HIP: u8 = 139;
    pub(in super::super) const SHIM6: u8 = 140;
}

/// Extension headers followed in one packet; RFC 8200 section 4.1 knows seven.
const MAX_EXTENSIONS: usize = 16;

/// An address of one version, or (in what was put together from fragments) of either.
///
/// The version is a type up to the finished segment because moving an [`IpAddr`] that was just written stalls: with the
/// rest of the header kept in registers too, decoding a packet fell from 35 ns to 20.
pub(super) trait Address: Copy + Into<IpAddr> {
    /// This address as a type that also holds `address`, if it can be one.
    fn from_v6(address: Ipv6Addr) -> Option<Self>;
    /// Sum of its 32-bit words in the order of this machine, which folds to that of its 16-bit words.
    fn sum(self) -> u64;
}

impl Address for Ipv4Addr {
    fn from_v6(_: Ipv6Addr) -> Option<Self> {
        None
    }

    #[inline]
    fn sum(self) -> u64 {
        u64::from(u32::from_ne_bytes(self.octets()))
    }
}

impl Address for Ipv6Addr {
    fn from_v6(address: Ipv6Addr) -> Option<Self> {
        Some(address)
    }

    #[inline]
    fn sum(self) -> u64 {
        let bits = u128::from_ne_bytes(self.octets());
        let (high, low) = ((bits >> 64) as u64, bits as u64);
        (high >> 32) + (high & 0xffff_ffff) + (low >> 32) + (low & 0xffff_ffff)
    }
}

impl Address for IpAddr {
    fn from_v6(address: Ipv6Addr) -> Option<Self> {
        Some(Self::V6(address))
    }

    fn sum(self) -> u64 {
        match self {
            Self::V4(address) => address.sum(),
            Self::V6(address) => address.sum(),
        }
    }
}

/// What a segment keeps of the IP header.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpHeader<A> {
    /// Sender.
    pub(super) source: A,
    /// Final receiver, behind any routing header.
    pub(super) destination: A,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    /// TOS or traffic class.
    pub(super) traffic_class: u8,
    /// IPv4 identification, 0 for IPv6.
    pub(super) id: u16,
    /// IPv6 flow label, 0 for IPv4.
    pub(super) flow_label: u32,
    /// Octets of options or extension headers, saturating.
    pub(super) options_len: u8,
    /// IPv4 DF.
    pub(super) dont_fragment: bool,
    /// Whether the packet was put together from fragments.
    pub(super) fragmented: bool,
    /// Whether the length or the pseudo header's addresses are a guess.
    pub(super) doubtful: bool,
}

impl<A: Address> IpHeader<A> {
    /// The same for either version.
    pub(super) fn of_any_version(self) -> IpHeader<IpAddr> {
        IpHeader {
            source: self.source.into(),
            destination: self.destination.into(),
            ttl: self.ttl,
            traffic_class: self.traffic_class,
            id: self.id,
            flow_label: self.flow_label,
            options_len: self.options_len,
            dont_fragment: self.dont_fragment,
            fragmented: self.fragmented,
            doubtful: self.doubtful,
        }
    }
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    /// Identification: 16 bits in IPv4, 32 in IPv6.
    pub(super) id: u32,
    /// Offset of its first octet, a multiple of 8 below 65536.
    pub(super) offset: usize,
    /// Whether more follow.
    pub(super) more: bool,
}

/// An IP packet without its headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a, A> {
    /// The headers.
    pub(super) header: IpHeader<A>,
    /// Protocol of the payload; in a fragment, that of the datagram.
    pub(super) protocol: u8,
    /// The payload.
    pub(super) payload: Octets<'a>,
    /// Set where the payload is but a part of the datagram's.
    pub(super) fragment: Option<Fragment>,
}

/// Reads an IPv4 header with its options.
#[inline(always)]
pub(super) fn v4(octets: Octets<'_>) -> Result<Packet<'_, Ipv4Addr>, SkipReason> {
    let header = Ipv4HeaderSlice::from_slice(octets.data).map_err(|e| match e {
        err::ipv4::HeaderSliceError::Len(_) => SkipReason::TruncatedIp,
        err::ipv4::HeaderSliceError::Content(_) => SkipReason::MalformedIp,
    })?;
    let bytes = header.slice();
    let stated = usize::from(header.total_len());
    let total = if stated == 0 { octets.len } else { stated };
    if total < bytes.len() {
        return Err(SkipReason::MalformedIp);
    }
    let payload = octets.of_len(total).skip(bytes.len()).ok_or(SkipReason::TruncatedIp)?;
    let offset = usize::from(header.fragments_offset().value()) * 8;
    let more = header.more_fragments();
    let mut packet = Packet {
        header: IpHeader {
            source: header.source_addr(),
            destination: header.destination_addr(),
            ttl: header.ttl(),
            traffic_class: bytes[1],
            id: header.identification(),
            flow_label: 0,
            options_len: (bytes.len() - 20) as u8,
            dont_fragment: header.dont_fragment(),
            fragmented: false,
            doubtful: stated == 0,
        },
        protocol: header.protocol().0,
        payload,
        fragment: None,
    };
    if more || offset != 0 {
        packet.fragment = Some(Fragment { id: u32::from(header.identification()), offset, more });
    }
    if bytes.len() > 20 && has_source_route(&bytes[20..]) {
        packet.header.doubtful = true;
    }
    Ok(packet)
}

/// Whether IPv4 `options` route by the source (LSRR, SSRR): the pseudo header then has another destination.
#[cold]
fn has_source_route(options: &[u8]) -> bool {
    let mut rest = options;
    loop {
        match *rest {
            [] | [0, ..] => return false,
            [1, ref next @ ..] => rest = next,
            [131 | 137, ..] => return true,
            [_, len, ..] if len >= 2 => rest = rest.get(usize::from(len)..).unwrap_or_default(),
            _ => return false,
        }
    }
}

/// Reads an IPv6 header, not what [`walk_extensions`] is for.
#[inline(always)]
pub(super) fn v6(octets: Octets<'_>) -> Result<Packet<'_, Ipv6Addr>, SkipReason> {
    let header = Ipv6HeaderSlice::from_slice(octets.data).map_err(|e| match e {
        err::ipv6::HeaderSliceError::Len(_) => SkipReason::TruncatedIp,
        err::ipv6::HeaderSliceError::Content(_) => SkipReason::MalformedIp,
    })?;
    let behind = octets.skip(header.slice().len()).ok_or(SkipReason::TruncatedIp)?;
    let stated = usize::from(header.payload_length());
    Ok(Packet {
        header: IpHeader {
            source: header.source_addr(),
            destination: header.destination_addr(),
            ttl: header.hop_limit(),
            traffic_class: header.traffic_class(),
            id: 0,
            flow_label: header.flow_label().value(),
            options_len: 0,
            dont_fragment: false,
            fragmented: false,
            // A jumbo payload option lifts the doubt.
            doubtful: stated == 0,
        },
        protocol: header.next_header().0,
        payload: if stated == 0 { behind } else { behind.of_len(stated) },
        fragment: None,
    })
}

/// Follows extension headers up to a transport header, one that is not followed (ESP, none), or a fragment.
///
/// AH and mobility headers stand behind IPv4 too, so this is not only for IPv6.
pub(super) fn walk_extensions<A: Address>(mut packet: Packet<'_, A>) -> Result<Packet<'_, A>, SkipReason> {
    if packet.fragment.is_some() {
        return Ok(packet);
    }
    for _ in 0..MAX_EXTENSIONS {
        let here = packet.payload;
        let len_octet = || here.u8(1).map(usize::from).ok_or(SkipReason::TruncatedIp);
        let len = match packet.protocol {
            protocol::FRAGMENT => 8,
            protocol::AUTHENTICATION => (len_octet()? + 2) * 4,
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6 => (len_octet()? + 1) * 8,
            _ => return Ok(packet),
        };
        if len > here.len {
            return Err(SkipReason::MalformedIp);
        }
        let next = here.u8(0).ok_or(SkipReason::TruncatedIp)?;
        let behind = here.skip(len).ok_or(SkipReason::TruncatedIp)?;
        let kind = core::mem::replace(&mut packet.protocol, next);
        packet.payload = behind;
        packet.header.options_len = packet.header.options_len.saturating_add(len.min(255) as u8);
        match kind {
            protocol::HOP_BY_HOP => apply_jumbo(&mut packet, here.at_most(len), len),
            protocol::ROUTING => apply_routing(&mut packet.header, here.at_most(len)),
            protocol::DESTINATION_OPTIONS => apply_home_address(&mut packet.header, here.at_most(len)),
            protocol::FRAGMENT => {
                let field = here.be16(2).ok_or(SkipReason::TruncatedIp)?;
                let (offset, more) = (usize::from(field & 0xfff8), field & 1 != 0);
                // An atomic fragment (RFC 6946) is a whole datagram.
                if offset != 0 || more {
                    let id = here.be32(4).ok_or(SkipReason::TruncatedIp)?;
                    packet.fragment = Some(Fragment { id, offset, more });
                    return Ok(packet);
                }
            }
            _ => {}
        }
    }
    Err(SkipReason::MalformedIp)
}

/// The data of option `kind` in a hop-by-hop or destination options header.
fn option(header: Octets<'_>, kind: u8) -> Option<&[u8]> {
    let mut rest = header.data.get(2..)?;
    loop {
        match *rest {
            [0, ref next @ ..] => rest = next,
            [found, len, ref next @ ..] => {
                let data = next.get(..usize::from(len))?;
                if found == kind {
                    return Some(data);
                }
                rest = next.get(usize::from(len)..)?;
            }
            _ => return None,
        }
    }
}

/// Jumbo payload (RFC 2675): the length in place of the 0 in the IPv6 header.
fn apply_jumbo<A>(packet: &mut Packet<'_, A>, header: Octets<'_>, header_len: usize) {
    const JUMBO: u8 = 0xc2;
    if packet.header.doubtful
        && let Some(&[a, b, c, d]) = option(header, JUMBO)
    {
        let stated = u32::from_be_bytes([a, b, c, d]) as usize;
        // RFC 2675 section 2: must be above 65535. Anything else is forged, and the frame's length stands.
        if stated > usize::from(u16::MAX) {
            packet.payload = packet.payload.of_len(stated - header_len);
            packet.header.doubtful = false;
        }
    }
}

/// A routing header that still has segments left hides the final destination (RFC 8200 section 8.1).
fn apply_routing<A: Address>(ip: &mut IpHeader<A>, header: Octets<'_>) {
    let (Some(kind), Some(left)) = (header.u8(2), header.u8(3)) else { return };
    if left == 0 {
        return;
    }
    let at = match kind {
        // RFC 5095's deprecated type 0, and home addresses (RFC 6275 section 6.4): the last address.
        0 | 2 => header.data.len().saturating_sub(16),
        // Segment routing (RFC 8754 section 2): segments are listed backwards.
        4 => 8,
        _ => {
            ip.doubtful = true;
            return;
        }
    };
    match header.array::<16>(at).and_then(|address| A::from_v6(address.into())) {
        Some(address) if at >= 8 => ip.destination = address,
        _ => ip.doubtful = true,
    }
}

/// A home address option (RFC 6275 section 6.3) holds the sender's address as its peer knows it.
fn apply_home_address<A: Address>(ip: &mut IpHeader<A>, header: Octets<'_>) {
    const HOME_ADDRESS: u8 = 0xc9;
    if let Some(data) = option(header, HOME_ADDRESS)
        && let Some(address) = data.first_chunk::<16>()
        && let Some(address) = A::from_v6((*address).into())
    {
        ip.source = address;
    }
}

/// Whether this can be an IP packet that fits into what carries it, as far as it was captured.
///
/// The test for payload that is recognized only by port or position: the version, the header's length
/// and the packet's, which no more than padding may follow.
pub(in crate::decode) fn fits(packet: Octets<'_>) -> bool {
    let Some(first) = packet.u8(0) else { return true };
    let (least, stated) = match first >> 4 {
        4 => (usize::from(first & 0x0f) * 4, packet.be16(2).map(usize::from)),
        6 => (40, packet.be16(4).map(|len| usize::from(len) + 40)),
        _ => return false,
    };
    least >= 20 && stated.is_none_or(|stated| stated >= least && stated <= packet.len)
}
