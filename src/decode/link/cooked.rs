//! Linux cooked captures: what `any` and interfaces without a link header of their own give.

use super::Walk;
use super::ethernet::by_ether_type;
use super::llc::llc;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// Stands in the protocol field for a frame that begins with 802.2 LLC (`ETH_P_802_2`).
const LLC: u16 = 4;

/// Version 1: 16 octets, the protocol last.
pub(super) fn v1<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    announced(frame.be16(14), frame.skip(16), walk)
}

/// Version 2: 20 octets, the protocol first.
pub(super) fn v2<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    announced(frame.be16(0), frame.skip(20), walk)
}

fn announced<'a>(
    protocol: Option<u16>,
    payload: Option<Octets<'a>>,
    walk: &mut Walk,
) -> Result<Octets<'a>, SkipReason> {
    let (Some(protocol), Some(payload)) = (protocol, payload) else {
        return Err(SkipReason::TruncatedLink);
    };
    match protocol {
        LLC => llc(payload, walk),
        // Other small numbers are Linux's own, not lengths.
        0..0x0600 => Err(SkipReason::NotIp),
        _ => by_ether_type(protocol, payload, walk),
    }
}
