//! MPLS label stacks, on Ethernet, PPP, GRE or IP.

use super::Walk;
use super::ethernet::nested_ethernet;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// A stack of MPLS labels (RFC 3032). Nothing says what follows: IP, or Ethernet with a control word (RFC 4448) or
/// without.
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
