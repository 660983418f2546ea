//! CAPWAP data channel (RFC 5415 section 4, RFC 5416): frames between wireless access points and their controller.

use crate::decode::SkipReason;
use crate::decode::ip::fits;
use crate::decode::link::{self, Walk};
use crate::decode::octets::Octets;

/// Octets of the header without optional parts.
const HEADER: usize = 8;
/// Bits of the header's fourth octet.
mod bits {
    pub(super) const FRAGMENT: u8 = 0x80;
    pub(super) const KEEP_ALIVE: u8 = 0x08;
    pub(super) const RESERVED: u8 = 0x07;
}

/// A frame in the clear (preamble 0: neither DTLS nor another version). Of one in fragments the first is read.
pub(super) fn data<'a>(packet: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const IEEE_802_11: u8 = 1;
    let [preamble, lengths, binding, flags] = packet.array::<4>(0).ok_or(SkipReason::TruncatedLink)?;
    let len = usize::from(lengths >> 3) * 4;
    if preamble != 0 || len < HEADER || flags & (bits::KEEP_ALIVE | bits::RESERVED) != 0 {
        return Err(SkipReason::NotTcp);
    }
    let offset = packet.be16(6).ok_or(SkipReason::TruncatedLink)?;
    let fragment = flags & bits::FRAGMENT != 0;
    if fragment && offset >> 3 != 0 {
        return Err(SkipReason::Fragment);
    }
    let frame = packet.skip(len).ok_or(SkipReason::TruncatedLink)?;
    walk.enter()?;
    let native = binding & 1 != 0;
    let found = match (native, binding >> 1 & 0x1f) {
        (false, _) => link::ethernet(frame, walk)?,
        (true, IEEE_802_11) => link::ieee80211_of_either_order(frame, walk)?,
        _ => return Err(SkipReason::NotTcp),
    };
    if fragment || fits(found) { Ok(found) } else { Err(SkipReason::NotTcp) }
}
