//! BSD loopback and other headers that hold an address family: NULL, LOOP, ENC, PFLOG.

use super::Walk;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// The address family of IPv4, the same everywhere.
const INET: u32 = 2;
/// Those of IPv6: Linux, Windows, BSD/OS with NetBSD and OpenBSD, FreeBSD and DragonFly, Darwin.
const INET6: [u32; 5] = [10, 23, 24, 28, 30];

/// Four octets of address family, in the byte order of the machine that captured (NULL) or of the network (LOOP).
pub(super) fn loopback<'a>(frame: Octets<'a>, _: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let family = frame.array::<4>(0).ok_or(SkipReason::TruncatedLink)?;
    let payload = frame.skip(4).ok_or(SkipReason::TruncatedLink)?;
    by_family(family, payload)
}

/// OpenBSD's IPsec interface: family, security parameter index, flags.
pub(super) fn enc<'a>(frame: Octets<'a>, _: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let family = frame.array::<4>(0).ok_or(SkipReason::TruncatedLink)?;
    let payload = frame.skip(12).ok_or(SkipReason::TruncatedLink)?;
    by_family(family, payload)
}

/// The log of the packet filter pf: a header that begins with its length and the family, padded to a multiple of 4.
pub(super) fn pflog<'a>(frame: Octets<'a>, _: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let [len, family] = frame.array::<2>(0).ok_or(SkipReason::TruncatedLink)?;
    let payload = frame.skip(usize::from(len).next_multiple_of(4)).ok_or(SkipReason::TruncatedLink)?;
    by_family([0, 0, 0, family], payload)
}

fn by_family(family: [u8; 4], payload: Octets<'_>) -> Result<Octets<'_>, SkipReason> {
    let is_ip = |family: u32| family == INET || INET6.contains(&family);
    if is_ip(u32::from_le_bytes(family)) || is_ip(u32::from_be_bytes(family)) {
        Ok(payload)
    } else {
        Err(SkipReason::NotIp)
    }
}
