//! Tunnels over UDP, known by their ports.

use super::{capwap, gre, l2tp};
use crate::decode::SkipReason;
use crate::decode::ip::{fits, protocol};
use crate::decode::link::{self, Walk};
use crate::decode::octets::Octets;

/// Tunnels known by their UDP port.
pub(super) fn inside<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const TEREDO: u16 = 3544;
    const GTP_U: u16 = 2152;
    const L2TP: u16 = 1701;
    const CAPWAP: u16 = 5247;
    const AYIYA: u16 = 5072;
    let (Some(from), Some(to), Some(len)) = (packet.be16(0), packet.be16(2), packet.be16(4)) else {
        return Err(SkipReason::NotTcp);
    };
    let packet = if len < 8 { packet } else { packet.at_most(usize::from(len)) };
    let payload = packet.skip(8).ok_or(SkipReason::NotTcp)?;
    let found = match (to, from) {
        // 8472 is Linux's number from before there was an official one.
        (4789 | 8472, _) => vxlan(payload, walk),
        (4790, _) => vxlan_gpe(payload, walk),
        (6081, _) => geneve(payload, walk),
        (6635, _) => link::mpls(payload, walk),
        (GTP_U, _) | (_, GTP_U) => gtp_u(payload),
        (TEREDO, _) | (_, TEREDO) => fitting(teredo(payload)),
        (4754, _) => fitting(gre::over_udp(payload, walk)),
        (L2TP, _) | (_, L2TP) => fitting(l2tp::over_udp(payload, walk)),
        (CAPWAP, _) | (_, CAPWAP) => capwap::data(payload, walk),
        (AYIYA, _) | (_, AYIYA) => fitting(ayiya(payload)),
        _ if is_teredo_of_any_port(payload) => Ok(payload),
        _ => Err(SkipReason::NotTcp),
    }?;
    match found.u8(0) {
        Some(octet) if matches!(octet >> 4, 4 | 6) => Ok(found),
        Some(_) => Err(SkipReason::NotTcp),
        None => Err(SkipReason::TruncatedIp),
    }
}

/// Only what can be an IP packet of this length.
fn fitting(found: Result<Octets<'_>, SkipReason>) -> Result<Octets<'_>, SkipReason> {
    found.and_then(|packet| if fits(packet) { Ok(packet) } else { Err(SkipReason::NotTcp) })
}

/// VXLAN (RFC 7348): flags with the I bit, network identifier, Ethernet.
fn vxlan<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    match packet.u8(0) {
        Some(flags) if flags & 0x08 != 0 => {
            link::nested_ethernet(packet.skip(8).ok_or(SkipReason::TruncatedLink)?, walk)
        }
        _ => Err(SkipReason::NotTcp),
    }
}

/// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): with the P bit, the fourth octet says what follows.
fn vxlan_gpe<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let [flags, _, _, next] = packet.array::<4>(0).ok_or(SkipReason::TruncatedLink)?;
    let payload = packet.skip(8).ok_or(SkipReason::TruncatedLink)?;
    match (flags & 0x04 != 0, next) {
        (true, 1 | 2) => Ok(payload),
        (true, 3) | (false, _) => link::nested_ethernet(payload, walk),
        (true, 5) => link::mpls(payload, walk),
        _ => Err(SkipReason::NotTcp),
    }
}

/// GENEVE (RFC 8926): version 0, options counted in words, an Ethernet type.
fn geneve<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let first = packet.u8(0).ok_or(SkipReason::TruncatedLink)?;
    let kind = packet.be16(2).ok_or(SkipReason::TruncatedLink)?;
    if first >> 6 != 0 {
        return Err(SkipReason::NotTcp);
    }
    let payload = packet.skip(8 + usize::from(first & 0x3f) * 4).ok_or(SkipReason::TruncatedLink)?;
    walk.enter()?;
    link::by_ether_type(kind, payload, walk)
}

/// GTP-U (3GPP TS 29.281): version 1, message 255, perhaps a chain of extension headers.
fn gtp_u(packet: Octets<'_>) -> Result<Octets<'_>, SkipReason> {
    const VERSION_1_USER: u8 = 0x30;
    const USER_DATA: u8 = 255;
    let [flags, message] = packet.array::<2>(0).ok_or(SkipReason::TruncatedLink)?;
    let len = packet.be16(2).ok_or(SkipReason::TruncatedLink)?;
    if flags & 0xf0 != VERSION_1_USER || message != USER_DATA {
        return Err(SkipReason::NotTcp);
    }
    let mut payload = packet.at_most(8 + usize::from(len)).skip(8).ok_or(SkipReason::TruncatedLink)?;
    if flags & 0x07 == 0 {
        return Ok(payload);
    }
    let mut next = payload.u8(3).ok_or(SkipReason::TruncatedLink)?;
    payload = payload.skip(4).ok_or(SkipReason::TruncatedLink)?;
    // The extension flag decides whether the octet that names the first one means anything.
    let mut follow = flags & 0x04 != 0;
    while follow && next != 0 {
        let len = usize::from(payload.u8(0).ok_or(SkipReason::TruncatedLink)?) * 4;
        // A length of 0 would never end.
        next = match len {
            0 => return Err(SkipReason::NotTcp),
            _ => payload.u8(len - 1).ok_or(SkipReason::TruncatedLink)?,
        };
        payload = payload.skip(len).ok_or(SkipReason::TruncatedLink)?;
        follow = next != 0;
    }
    Ok(payload)
}

/// Teredo (RFC 4380): authentication and origin may stand before the IPv6 packet.
fn teredo(mut packet: Octets<'_>) -> Result<Octets<'_>, SkipReason> {
    const AUTHENTICATION: u16 = 0x0001;
    const ORIGIN: u16 = 0x0000;
    if packet.be16(0) == Some(AUTHENTICATION) {
        let [id, value] = packet.array::<2>(2).ok_or(SkipReason::TruncatedLink)?;
        // Identifier, authentication value, 8 octets of nonce, 1 of confirmation.
        let len = 4 + usize::from(id) + usize::from(value) + 9;
        packet = packet.skip(len).ok_or(SkipReason::TruncatedLink)?;
    }
    if packet.be16(0) == Some(ORIGIN) {
        packet = packet.skip(8).ok_or(SkipReason::TruncatedLink)?;
    }
    match packet.u8(0) {
        Some(octet) if octet >> 4 != 6 => Err(SkipReason::NotTcp),
        _ => Ok(packet),
    }
}

/// Whether this is Teredo between a client and a relay, whose ports are any: an IPv6 packet that fills the datagram,
/// and one of its addresses in 2001::/32, which belongs to Teredo (RFC 4380 section 2.6).
fn is_teredo_of_any_port(packet: Octets<'_>) -> bool {
    const PREFIX: u32 = 0x2001_0000;
    packet.u8(0).is_some_and(|octet| octet >> 4 == 6)
        && packet.be16(4).is_some_and(|len| usize::from(len) + 40 == packet.len)
        && (packet.be32(8) == Some(PREFIX) || packet.be32(24) == Some(PREFIX))
}

/// AYIYA (draft-massar-v6ops-ayiya): lengths of identity (a power of two) and signature (words), methods, what to do
/// with the packet, what follows, a time.
fn ayiya(packet: Octets<'_>) -> Result<Octets<'_>, SkipReason> {
    const FORWARD: u8 = 1;
    let [identity, signature, method, next] = packet.array::<4>(0).ok_or(SkipReason::TruncatedLink)?;
    if method & 0x0f != FORWARD || !matches!(next, protocol::IPV4 | protocol::IPV6) {
        return Err(SkipReason::NotTcp);
    }
    let len = 8 + (1 << (identity >> 4)) + usize::from(signature >> 4) * 4;
    let inside = packet.skip(len).ok_or(SkipReason::TruncatedLink)?;
    match inside.u8(0) {
        Some(octet) if octet >> 4 != if next == protocol::IPV4 { 4 } else { 6 } => Err(SkipReason::NotTcp),
        _ => Ok(inside),
    }
}
