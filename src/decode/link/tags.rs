//! Tags that bridges put before an Ethernet type and that are no VLANs: Cisco Metadata, E-TAG, VN-Tag.

use crate::decode::SkipReason;
use crate::decode::octets::Octets;

/// Cisco Metadata, which carries the security group of TrustSec.
pub(super) const METADATA: u16 = 0x8909;
/// E-TAG (IEEE 802.1BR).
pub(super) const E_TAG: u16 = 0x893f;
/// VN-Tag, of Cisco's fabric extenders.
pub(super) const VN_TAG: u16 = 0x8926;

/// The Ethernet type behind the tag that `kind` announces, and what that type announces.
pub(super) fn behind(kind: u16, tag: Octets<'_>) -> Result<(u16, Octets<'_>), SkipReason> {
    let len = match kind {
        METADATA => {
            // Version and the number of options, each of four octets.
            let [version, options] = tag.array::<2>(0).ok_or(SkipReason::TruncatedLink)?;
            if version != 1 {
                return Err(SkipReason::NotIp);
            }
            2 + usize::from(options) * 4
        }
        E_TAG => 6,
        _ => 4,
    };
    let kind = tag.be16(len).ok_or(SkipReason::TruncatedLink)?;
    Ok((kind, tag.skip(len + 2).ok_or(SkipReason::TruncatedLink)?))
}
