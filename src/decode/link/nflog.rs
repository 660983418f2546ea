//! The log of Linux's packet filter: a header, then values of type and length.

use super::Walk;
use super::raw::raw;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// Values that are looked at in one frame; Linux knows two dozen types.
const MAX_VALUES: usize = 64;

/// Family, version, group; then the values, padded to four octets; one is the packet. Their lengths and types
/// are in the byte order of the machine that captured.
pub(super) fn nflog<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    const PAYLOAD: u16 = 9;
    const HEADER: u16 = 4;
    if frame.u8(1).ok_or(SkipReason::TruncatedLink)? != 0 {
        return Err(SkipReason::NotIp);
    }
    let mut values = frame.skip(4).ok_or(SkipReason::TruncatedLink)?;
    for _ in 0..MAX_VALUES {
        if values.len == 0 {
            break;
        }
        let (Some(len), Some(kind)) = (values.le16(0), values.le16(2)) else { return Err(SkipReason::TruncatedLink) };
        // No type is that large.
        let (len, kind) = if kind < 0x100 { (len, kind) } else { (len.swap_bytes(), kind.swap_bytes()) };
        if len < HEADER || usize::from(len) > values.len {
            return Err(SkipReason::NotIp);
        }
        if kind == PAYLOAD {
            return raw(values.of_len(len.into()).skip(HEADER.into()).ok_or(SkipReason::TruncatedLink)?, walk);
        }
        // The last one need not be padded.
        let padded = usize::from(len).next_multiple_of(4).min(values.len);
        values = values.skip(padded).ok_or(SkipReason::TruncatedLink)?;
    }
    Err(SkipReason::NotIp)
}
