//! Ethernet (IEEE 802.3) and what an Ethernet type can announce: VLAN tags, MPLS, PPPoE, LLC and SNAP.
//!
//! The same types follow a Linux cooked header, GRE, GENEVE and SNAP, so they all come back here.

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::Walk;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Ethernet in whatever announces it (RFC 1701, RFC 7637, RFC 8926).
const BRIDGED: u16 = 0x6558;
/// Below this an Ethernet type is a length (IEEE 802.3).
const FIRST_TYPE: u16 = 0x0600;

/// An Ethernet frame. What follows the IP packet (padding, trailers, checksum) is left to the IP length to cut off.
#[inline]
pub(in crate::decode) fn ethernet<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let header = Ethernet2HeaderSlice::from_slice(frame.data).map_err(|_| SkipReason::TruncatedLink)?;
    let payload = frame.skip(header.slice().len()).ok_or(SkipReason::TruncatedLink)?;
    by_ether_type(header.ether_type().0, payload, walk)
}

/// What Ethernet type `kind` announces.
#[inline]
pub(in crate::decode) fn by_ether_type<'a>(
    kind: u16,
    payload: Octets<'a>,
    walk: &mut Walk,
) -> Result<Octets<'a>, SkipReason> {
    if matches!(kind, IPV4 | IPV6) { Ok(payload) } else { by_rarer_type(kind, payload, walk) }
}

fn by_rarer_type<'a>(mut kind: u16, mut payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    loop {
        match kind {
            IPV4 | IPV6 => return Ok(payload),
            // 802.1Q, 802.1ad and the numbers used before there was 802.1ad.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
                let tag = SingleVlanHeaderSlice::from_slice(payload.data).map_err(|_| SkipReason::TruncatedLink)?;
                if walk.vlan == 0 {
                    walk.vlan = tag.vlan_identifier().value();
                }
                kind = tag.ether_type().0;
                payload = payload.skip(tag.slice().len()).ok_or(SkipReason::TruncatedLink)?;
            }
            0x8847 | 0x8848 => return mpls(payload, walk),
            0x8864 => return pppoe(payload, walk),
            BRIDGED => return nested_ethernet(payload, walk),
            // Provider backbone bridging (802.1ah): a service id, then the customer's frame.
            0x88e7 => return nested_ethernet(payload.skip(4).ok_or(SkipReason::TruncatedLink)?, walk),
            len if len < FIRST_TYPE => return llc(payload.at_most(usize::from(len)), walk),
            _ => return Err(SkipReason::NotIp),
        }
    }
}

/// An Ethernet frame inside another protocol.
fn nested_ethernet<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    walk.enter()?;
    ethernet(frame, walk)
}

/// A stack of MPLS labels (RFC 3032). Nothing says what follows: IP, or Ethernet with a control word (RFC 4448) or without.
pub(in crate::decode) fn mpls<'a>(mut payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    loop {
        let label = payload.be32(0).ok_or(SkipReason::TruncatedLink)?;
        payload = payload.skip(4).ok_or(SkipReason::TruncatedLink)?;
        if label & 0x100 != 0 {
            break;
        }
    }
    match payload.u8(0).ok_or(SkipReason::TruncatedLink)? >> 4 {
        4 | 6 => Ok(payload),
        0 => {
            let behind_control_word = payload.skip(4).ok_or(SkipReason::TruncatedLink)?;
            let mut tried = *walk;
            let found = nested_ethernet(behind_control_word, &mut tried);
            if found.is_ok() {
                *walk = tried;
                return found;
            }
            // A station address that begins with 0 looks like a control word.
            nested_ethernet(payload, walk).or(found)
        }
        _ => nested_ethernet(payload, walk),
    }
}

/// A PPPoE session packet (RFC 2516).
pub(super) fn pppoe<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let len = packet.be16(4).ok_or(SkipReason::TruncatedLink)?;
    if packet.u8(1) != Some(0) {
        return Err(SkipReason::NotIp);
    }
    let ppp = packet.skip(6).ok_or(SkipReason::TruncatedLink)?;
    by_ppp_protocol(ppp.at_most(usize::from(len)), walk)
}

/// A PPP protocol field (RFC 1661 section 2), one octet if compressed, and what it announces.
pub(in crate::decode) fn by_ppp_protocol<'a>(ppp: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let first = ppp.u8(0).ok_or(SkipReason::TruncatedLink)?;
    let (kind, len) =
        if first & 1 == 1 { (u16::from(first), 1) } else { (ppp.be16(0).ok_or(SkipReason::TruncatedLink)?, 2) };
    let payload = ppp.skip(len).ok_or(SkipReason::TruncatedLink)?;
    match kind {
        0x0021 | 0x0057 => Ok(payload),
        0x0281 | 0x0283 => mpls(payload, walk),
        _ => Err(SkipReason::NotIp),
    }
}

/// An 802.2 LLC header, with SNAP (RFC 1042) or with the rare service access point of IP itself.
pub(super) fn llc<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    match packet.array::<3>(0).ok_or(SkipReason::TruncatedLink)? {
        [0xaa, 0xaa, 0x03] => {}
        [0x06, 0x06, 0x03] => return packet.skip(3).ok_or(SkipReason::TruncatedLink),
        _ => return Err(SkipReason::NotIp),
    }
    let organisation = packet.array::<3>(3).ok_or(SkipReason::TruncatedLink)?;
    let kind = packet.be16(6).ok_or(SkipReason::TruncatedLink)?;
    let payload = packet.skip(8).ok_or(SkipReason::TruncatedLink)?;
    match organisation {
        // A length here would be LLC in LLC.
        [0, 0, 0 | 0xf8] if kind >= FIRST_TYPE => {
            walk.enter()?;
            by_ether_type(kind, payload, walk)
        }
        _ => Err(SkipReason::NotIp),
    }
}
