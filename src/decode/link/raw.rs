//! Frames that are IP packets from the first octet on.

use super::Walk;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// No link header at all; the IP version comes from its own field.
pub(super) fn raw<'a>(frame: Octets<'a>, _: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    match frame.u8(0).ok_or(SkipReason::TruncatedLink)? >> 4 {
        4 | 6 => Ok(frame),
        _ => Err(SkipReason::NotIp),
    }
}
