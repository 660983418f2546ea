//! Tunnels: from an IP payload to the IP packet inside it.
//!
//! GRE and IP in IP say what they are. Those over UDP are recognized by port, so what follows must look like IP to be
//! believed: ordinary datagrams use those ports too.

mod capwap;
mod gre;
mod l2tp;
mod over_udp;

use super::SkipReason;
use super::ip::protocol;
use super::link::{self, Walk};
use super::octets::Octets;

/// The packet inside `payload` of IP protocol `kind`; `NotTcp` where it is no tunnel, or one that carries no IP.
pub(super) fn inside<'a>(kind: u8, payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    // Tags inside a tunnel are not the frame's.
    let vlan = walk.vlan;
    let found = match kind {
        protocol::IPV4 | protocol::IPV6 => Ok(payload),
        protocol::UDP => over_udp::inside(payload, walk),
        protocol::GRE => gre::inside(payload, walk),
        protocol::ETHER_IP => ether_ip(payload, walk),
        protocol::L2TP => l2tp::over_ip(payload, walk),
        protocol::MPLS => link::mpls(payload, walk),
        _ => Err(SkipReason::NotTcp),
    };
    walk.vlan = vlan;
    match found {
        Err(SkipReason::NotIp | SkipReason::NotData) => Err(SkipReason::NotTcp),
        // Nothing was cut off, so a frame too short for a tunnel has none.
        Err(SkipReason::TruncatedLink | SkipReason::TruncatedIp) if !payload.is_cut() => Err(SkipReason::NotTcp),
        other => other,
    }
}

/// Ethernet in IP (RFC 3378).
fn ether_ip<'a>(payload: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
    link::nested_ethernet(payload.skip(2).ok_or(SkipReason::TruncatedLink)?, walk)
}
