//! FDDI (ANSI X3T9.5): what rings of the nineties were captured on, and old captures are still shared.

use super::Walk;
use super::llc::llc;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// Frame control, destination and source.
const HEADER: usize = 13;

/// An FDDI frame. Only LLC frames, asynchronous or synchronous and of any priority, carry packets; tokens and what
/// manages the ring do not.
pub(super) fn fddi<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let [control] = frame.array::<1>(0).ok_or(SkipReason::TruncatedLink)?;
    if control & 0x70 != 0x50 {
        return Err(SkipReason::NotIp);
    }
    llc(frame.skip(HEADER).ok_or(SkipReason::TruncatedLink)?, walk)
}
