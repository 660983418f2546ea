//! GRE and its payloads: ERSPAN, PPTP, EoIP, WCCP, wireless frames.

use crate::decode::SkipReason;
use crate::decode::link::{self, Walk};
use crate::decode::octets::Octets;

/// GRE (RFC 1701, 2784, 2890), and its version 1 that carries PPP (RFC 2637).
pub(super) fn inside<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const PPP: u16 = 0x880b;
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
        (0 | 1, PPP) => link::ppp(payload, walk),
        // EoIP, of MikroTik: the upper half of the key is the length of the frame.
        (1, 0x6400) if flags & KEY != 0 => {
            let len = packet.be16(4).ok_or(SkipReason::TruncatedLink)?;
            link::nested_ethernet(payload.at_most(usize::from(len)), walk)
        }
        (0, 0x88be) => erspan(payload, flags & SEQUENCE != 0, walk),
        (0, 0x22eb) => erspan(payload, true, walk),
        // Web cache redirection: version 2 puts four octets before the packet.
        (0, 0x883e) if payload.u8(0).is_some_and(|octet| octet >> 4 != 4) => {
            payload.skip(4).ok_or(SkipReason::TruncatedLink)
        }
        (0, 0x883e) => Ok(payload),
        // Frames between a controller of Aruba's and its access points; the rest of the number is a queue.
        (0, 0x8200..=0x83ff) if kind & 0x0f == 0 => {
            walk.enter()?;
            link::ieee80211(payload, walk)
        }
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

/// GRE in UDP (RFC 8086 section 3.2): version 0, without source routes, the reserved bits clear.
pub(super) fn over_udp<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const CHECKSUM_KEY_SEQUENCE: u16 = 0xb000;
    match packet.be16(0).ok_or(SkipReason::TruncatedLink)? & !CHECKSUM_KEY_SEQUENCE {
        0 => inside(packet, walk),
        _ => Err(SkipReason::NotTcp),
    }
}
