//! Ethernet (IEEE 802.3) and what an Ethernet type can announce.
//!
//! The same types follow a Linux cooked header, GRE, GENEVE and SNAP, so they all come back here.

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::Walk;
use super::llc::llc;
use super::mpls::mpls;
use super::ppp::pppoe;
use super::tags;
use crate::decode::SkipReason;
use crate::decode::octets::Octets;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Ethernet in whatever announces it (RFC 1701, RFC 7637, RFC 8926).
const BRIDGED: u16 = 0x6558;
/// Below this an Ethernet type is a length (IEEE 802.3).
pub(super) const FIRST_TYPE: u16 = 0x0600;

/// An Ethernet frame. What follows the IP packet (padding, trailers, checksum) is left to the IP length to cut off.
#[inline]
pub(in crate::decode) fn ethernet<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    let header = Ethernet2HeaderSlice::from_slice(frame.data).map_err(|_| SkipReason::TruncatedLink)?;
    let payload = frame.skip(header.slice().len()).ok_or(SkipReason::TruncatedLink)?;
    by_ether_type(header.ether_type().0, payload, walk)
}

/// What Ethernet type `kind` announces.
#[inline]
pub(in crate::decode) fn by_ether_type<'a>(
    kind: u16,
    payload: Octets<'a>,
    walk: &mut Walk,
) -> Result<Octets<'a>, SkipReason> {
    if matches!(kind, IPV4 | IPV6) { Ok(payload) } else { by_rarer_type(kind, payload, walk) }
}

fn by_rarer_type<'a>(mut kind: u16, mut payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    loop {
        match kind {
            IPV4 | IPV6 => return Ok(payload),
            // 802.1Q, 802.1ad and the numbers used before there was 802.1ad.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
                let tag = SingleVlanHeaderSlice::from_slice(payload.data).map_err(|_| SkipReason::TruncatedLink)?;
                if walk.vlan == 0 {
                    walk.vlan = tag.vlan_identifier().value();
                }
                kind = tag.ether_type().0;
                payload = payload.skip(tag.slice().len()).ok_or(SkipReason::TruncatedLink)?;
            }
            0x8847 | 0x8848 => return mpls(payload, walk),
            0x8864 => return pppoe(payload, walk),
            tags::METADATA | tags::E_TAG | tags::VN_TAG => (kind, payload) = tags::behind(kind, payload)?,
            BRIDGED => return nested_ethernet(payload, walk),
            // Provider backbone bridging (802.1ah): a service id, then the customer's frame.
            0x88e7 => return nested_ethernet(payload.skip(4).ok_or(SkipReason::TruncatedLink)?, walk),
            len if len < FIRST_TYPE => return llc(payload.at_most(usize::from(len)), walk),
            _ => return Err(SkipReason::NotIp),
        }
    }
}

/// An Ethernet frame inside another protocol.
pub(in crate::decode) fn nested_ethernet<'a>(frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    walk.enter()?;
    ethernet(frame, walk)
}
