//! Link layers: from the first octet of a frame to its IP header. One file a family, each registered in
//! [`LINK_LAYERS`].
//!
//! Knows nothing of what IP carries.

mod cooked;
mod ethernet;
mod fddi;
mod llc;
mod loopback;
mod mpls;
mod names;
mod nflog;
mod ppp;
mod raw;
mod tags;
mod walk;
mod wireless;

pub use names::{NAMES, from_file_field, from_snoop, link_description, link_name};

use super::octets::Octets;
use super::{LinkType, SkipReason};

pub(super) use ethernet::{by_ether_type, ethernet, nested_ethernet};
pub(super) use mpls::mpls;
pub(super) use ppp::ppp;
pub(super) use walk::{ToIp, Walk};
pub(super) use wireless::{ieee80211, ieee80211_of_either_order};

/// One link layer.
#[derive(Debug)]
pub struct LinkLayer {
    /// The name libpcap gives its first number.
    pub name: &'static str,
    /// The numbers it has in captures.
    pub types: &'static [LinkType],
    to_ip: ToIp,
}

/// Every link layer that is decoded. A new one is a file here and a line below.
pub static LINK_LAYERS: &[LinkLayer] = &[
    LinkLayer { name: "EN10MB", types: &[LinkType(1)], to_ip: ethernet::ethernet },
    LinkLayer { name: "LINUX_SLL", types: &[LinkType(113)], to_ip: cooked::v1 },
    LinkLayer { name: "LINUX_SLL2", types: &[LinkType(276)], to_ip: cooked::v2 },
    // 12 and 14 are what DLT_RAW is on the BSDs.
    LinkLayer { name: "RAW", types: &[LinkType(101), LinkType(12), LinkType(14)], to_ip: raw::raw },
    LinkLayer { name: "IPV4", types: &[LinkType(228)], to_ip: raw::raw },
    LinkLayer { name: "IPV6", types: &[LinkType(229)], to_ip: raw::raw },
    LinkLayer { name: "NULL", types: &[LinkType(0)], to_ip: loopback::loopback },
    LinkLayer { name: "LOOP", types: &[LinkType(108)], to_ip: loopback::loopback },
    LinkLayer { name: "ENC", types: &[LinkType(109)], to_ip: loopback::enc },
    LinkLayer { name: "PFLOG", types: &[LinkType(117)], to_ip: loopback::pflog },
    LinkLayer { name: "FDDI", types: &[LinkType(10)], to_ip: fddi::fddi },
    LinkLayer { name: "NFLOG", types: &[LinkType(239)], to_ip: nflog::nflog },
    LinkLayer { name: "PPP", types: &[LinkType(9)], to_ip: ppp::ppp },
    LinkLayer { name: "PPP_SERIAL", types: &[LinkType(50)], to_ip: ppp::ppp },
    LinkLayer { name: "PPP_ETHER", types: &[LinkType(51)], to_ip: ppp::pppoe },
    LinkLayer { name: "PPP_WITH_DIR", types: &[LinkType(204)], to_ip: ppp::ppp_with_direction },
    LinkLayer { name: "PPP_PPPD", types: &[LinkType(166)], to_ip: ppp::ppp_with_direction },
    LinkLayer { name: "C_HDLC", types: &[LinkType(104)], to_ip: ppp::cisco_hdlc },
    LinkLayer { name: "IEEE802_11", types: &[LinkType(105)], to_ip: wireless::ieee80211 },
    LinkLayer { name: "IEEE802_11_RADIO", types: &[LinkType(127)], to_ip: wireless::radiotap },
    LinkLayer { name: "IEEE802_11_RADIO_AVS", types: &[LinkType(163)], to_ip: wireless::avs },
    LinkLayer { name: "PRISM_HEADER", types: &[LinkType(119)], to_ip: wireless::prism },
    LinkLayer { name: "PPI", types: &[LinkType(192)], to_ip: wireless::ppi },
];

/// The link layer with this number.
pub fn find(link: LinkType) -> Option<&'static LinkLayer> {
    LINK_LAYERS.iter().find(|layer| layer.types.contains(&link))
}

impl LinkLayer {
    #[inline]
    pub(super) fn to_ip<'a>(&self, frame: Octets<'a>, walk: &mut Walk) -> Result<Octets<'a>, SkipReason> {
        (self.to_ip)(frame, walk)
    }
}
