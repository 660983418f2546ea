//! Tunnels: from an IP payload to the IP packet inside it.
//!
//! GRE and IP in IP say what they are. Those over UDP are told by port, so what follows must look like IP to be believed.

use super::SkipReason;
use super::ip::protocol;
use super::link::{self, Walk};
use super::octets::Octets;

/// The packet inside `payload` of IP protocol `kind`; `NotTcp` where it is no tunnel, or one that carries no IP.
pub(super) fn inside<'a>(kind: u8, payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    // Tags inside a tunnel are not the frame's.
    let vlan = walk.vlan;
    let found = match kind {
        protocol::IPV4 | protocol::IPV6 => Ok(payload),
        protocol::UDP => over_udp(payload, walk),
        protocol::GRE => gre(payload, walk),
        protocol::ETHER_IP => ether_ip(payload, walk),
        protocol::MPLS => link::mpls(payload, walk),
        _ => Err(SkipReason::NotTcp),
    };
    walk.vlan = vlan;
    match found {
        Err(SkipReason::NotIp | SkipReason::NotData) => Err(SkipReason::NotTcp),
        // Nothing was cut off, so what is too short for a tunnel was none.
        Err(SkipReason::TruncatedLink | SkipReason::TruncatedIp) if !payload.is_cut() => Err(SkipReason::NotTcp),
        other => other,
    }
}

/// Ethernet in IP (RFC 3378).
fn ether_ip<'a>(payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    link::nested_ethernet(payload.skip(2).ok_or(SkipReason::TruncatedLink)?, walk)
}

/// GRE (RFC 1701, 2784, 2890), and its version 1 that carries PPP (RFC 2637).
fn gre<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    let flags = packet.be16(0).ok_or(SkipReason::TruncatedLink)?;
    let kind = packet.be16(2).ok_or(SkipReason::TruncatedLink)?;
    let four_if = |mask: u16| if flags & mask == 0 { 0 } else { 4 };
    let version = flags & 7;
    let len = 4
        + four_if(CHECKSUM | ROUTING)
        + four_if(KEY)
        + four_if(SEQUENCE)
        + if version == 1 { four_if(ACKNOWLEDGMENT) } else { 0 };
    let mut payload = packet.skip(len).ok_or(SkipReason::TruncatedLink)?;
    if flags & ROUTING != 0 {
        payload = behind_source_routes(payload)?;
    }
    match (version, kind) {
        (1, 0x880b) => link::ppp(payload, walk),
        (0, 0x88be) => erspan(payload, flags & SEQUENCE != 0, walk),
        (0, 0x22eb) => erspan(payload, true, walk),
        // Web cache redirection: version 2 puts four octets before the packet.
        (0, 0x883e) if payload.u8(0).is_some_and(|octet| octet >> 4 != 4) => {
            payload.skip(4).ok_or(SkipReason::TruncatedLink)
        }
        (0, 0x883e) => Ok(payload),
        (0, kind) => {
            walk.enter()?;
            link::by_ether_type(kind, payload, walk)
        }
        _ => Err(SkipReason::NotTcp),
    }
}

/// Skips the source route entries of RFC 1701, which end with one of family and length 0.
fn behind_source_routes(mut payload: Octets<'_>) -> Result<Octets<'_>, SkipReason> {
    loop {
        let [a, b, _, len] = payload.array::<4>(0).ok_or(SkipReason::TruncatedLink)?;
        payload = payload.skip(4 + usize::from(len)).ok_or(SkipReason::TruncatedLink)?;
        if [a, b, len] == [0, 0, 0] {
            return Ok(payload);
        }
    }
}

/// Mirrored Ethernet frames (draft-foschiano-erspan): type I has no header of its own, II has 8 octets, III 12 or 20.
fn erspan<'a>(packet: Octets<'a>, has_header: bool, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    if !has_header {
        return link::nested_ethernet(packet, walk);
    }
    let len = match packet.u8(0).ok_or(SkipReason::TruncatedLink)? >> 4 {
        1 => 8,
        // The last bit of type III announces a subheader.
        2 if packet.u8(11).ok_or(SkipReason::TruncatedLink)? & 1 != 0 => 20,
        2 => 12,
        _ => return Err(SkipReason::NotTcp),
    };
    link::nested_ethernet(packet.skip(len).ok_or(SkipReason::TruncatedLink)?, walk)
}

/// Tunnels known by their UDP port.
fn over_udp<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const TEREDO: u16 = 3544;
    const GTP_U: u16 = 2152;
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
        (TEREDO, _) | (_, TEREDO) => teredo(payload),
        _ => Err(SkipReason::NotTcp),
    }?;
    match found.u8(0) {
        Some(octet) if matches!(octet >> 4, 4 | 6) => Ok(found),
        Some(_) => Err(SkipReason::NotTcp),
        None => Err(SkipReason::TruncatedIp),
    }
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
    Ok(packet)
}
