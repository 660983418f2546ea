//! L2TP, versions 2 (RFC 2661) and 3 (RFC 3931), over UDP and over IP. Control messages carry no packets.

use crate::decode::SkipReason;
use crate::decode::ip::fits;
use crate::decode::link::{self, Walk};
use crate::decode::octets::Octets;

/// Bits of the first two octets (RFC 2661 section 3.1).
mod flags {
    pub(super) const LENGTH: u16 = 0x4000;
    pub(super) const SEQUENCE: u16 = 0x0800;
    pub(super) const OFFSET: u16 = 0x0200;
    pub(super) const PRIORITY: u16 = 0x0100;
    pub(super) const VERSION: u16 = 0x000f;
}

/// A data message over UDP, of either version.
pub(super) fn over_udp<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let first = packet.be16(0).ok_or(SkipReason::TruncatedLink)?;
    let optional = flags::LENGTH | flags::SEQUENCE | flags::OFFSET | flags::PRIORITY;
    match (first & flags::VERSION, first & !flags::VERSION & !optional) {
        (2, 0) => version_2(first, packet, walk),
        // Without options, two octets reserved, then the same as over IP.
        (3, 0) if packet.be16(2).is_none_or(|reserved| first == 3 && reserved == 0) => {
            over_ip(packet.skip(4).ok_or(SkipReason::TruncatedLink)?, walk)
        }
        _ => Err(SkipReason::NotTcp),
    }
}

/// Version 2 carries PPP.
fn version_2<'a>(first: u16, packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let has = |flag: u16| first & flag != 0;
    // Tunnel and session behind the flags and, perhaps, the length.
    let ids = if has(flags::LENGTH) { 4 } else { 2 };
    let mut len = ids + 4 + if has(flags::SEQUENCE) { 4 } else { 0 };
    if has(flags::OFFSET) {
        len += 2 + usize::from(packet.be16(len).ok_or(SkipReason::TruncatedLink)?);
    }
    let stated = match has(flags::LENGTH) {
        true => usize::from(packet.be16(2).ok_or(SkipReason::TruncatedLink)?),
        false => packet.len,
    };
    // A tunnel or a session of number 0 carries no data.
    let nowhere = packet.be16(ids) == Some(0) || packet.be16(ids + 2) == Some(0);
    if stated < len || stated > packet.len || nowhere {
        return Err(SkipReason::NotTcp);
    }
    link::ppp(packet.of_len(stated).skip(len).ok_or(SkipReason::TruncatedLink)?, walk)
}

/// Version 3 behind its session: a cookie of 0, 4 or 8 octets, perhaps four octets of a sublayer, and what the peers
/// agreed upon. Nothing in the packet says which, so that is taken behind which a whole IP packet stands.
pub(super) fn over_ip<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const CONTROL: u32 = 0;
    if packet.be32(0).ok_or(SkipReason::TruncatedLink)? == CONTROL {
        return Err(SkipReason::NotTcp);
    }
    walk.enter()?;
    // Linux's own choice first: no cookie, the default sublayer.
    for at in [8, 4, 12, 16] {
        let Some(payload) = packet.skip(at) else { break };
        for read in [link::ethernet, link::ppp] {
            let mut tried = *walk;
            if let Ok(found) = read(payload, &mut tried)
                && !found.data.is_empty()
                && fits(found)
            {
                *walk = tried;
                return Ok(found);
            }
        }
    }
    Err(if packet.is_cut() { SkipReason::TruncatedLink } else { SkipReason::NotTcp })
}
