//! PPP (RFC 1661) with and without HDLC framing, in PPPoE, and Cisco's HDLC.

use super::Walk;
use super::ethernet::by_ether_type;
use super::mpls::mpls;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// PPP as captured on a serial line or from a PPP interface: HDLC address and control may be there or not, and Cisco's
/// HDLC goes by the same number.
pub(in crate::decode) fn ppp<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    match frame.array::<2>(0).ok_or(SkipReason::TruncatedLink)? {
        [0xff, 0x03] => by_ppp_protocol(frame.skip(2).ok_or(SkipReason::TruncatedLink)?, walk),
        [0x0f | 0x8f, _] => cisco_hdlc(frame, walk),
        _ => by_ppp_protocol(frame, walk),
    }
}

/// PPP behind an octet with its direction.
pub(super) fn ppp_with_direction<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    ppp(frame.skip(1).ok_or(SkipReason::TruncatedLink)?, walk)
}

/// Cisco's HDLC: address, control, Ethernet type.
pub(super) fn cisco_hdlc<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let kind = frame.be16(2).ok_or(SkipReason::TruncatedLink)?;
    by_ether_type(kind, frame.skip(4).ok_or(SkipReason::TruncatedLink)?, walk)
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
fn by_ppp_protocol<'a>(ppp: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
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
