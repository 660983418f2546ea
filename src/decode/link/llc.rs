//! 802.2 LLC and SNAP, in 802.3 frames with a length, 802.11 and cooked captures.

use super::Walk;
use super::ethernet::{FIRST_TYPE, by_ether_type};
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

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
