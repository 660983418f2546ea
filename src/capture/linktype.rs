//! Link type numbers and names. In files these are LINKTYPE_ values; in a running libpcap, DLT_ values, which differ for
//! a few types and from system to system. The program uses LINKTYPE_ values throughout.

use crate::decode::LinkType;

/// Number, libpcap's short name, and its description, of the link types that captures of IP traffic have.
pub(super) const NAMES: &[(u16, &str, &str)] = &[
    (0, "NULL", "BSD loopback"),
    (1, "EN10MB", "Ethernet"),
    (6, "IEEE802", "Token ring"),
    (8, "SLIP", "SLIP"),
    (9, "PPP", "PPP"),
    (10, "FDDI", "FDDI"),
    (50, "PPP_SERIAL", "PPP over serial"),
    (51, "PPP_ETHER", "PPPoE"),
    (100, "ATM_RFC1483", "RFC1483 LLC-encapsulated ATM"),
    (101, "RAW", "Raw IP"),
    (102, "SLIP_BSDOS", "BSD/OS SLIP"),
    (103, "PPP_BSDOS", "BSD/OS PPP"),
    (104, "C_HDLC", "Cisco HDLC"),
    (105, "IEEE802_11", "802.11"),
    (106, "ATM_CLIP", "Linux Classical IP over ATM"),
    (107, "FRELAY", "Frame Relay"),
    (108, "LOOP", "OpenBSD loopback"),
    (109, "ENC", "OpenBSD encapsulated IP"),
    (113, "LINUX_SLL", "Linux cooked v1"),
    (117, "PFLOG", "OpenBSD pflog file"),
    (119, "PRISM_HEADER", "802.11 plus Prism header"),
    (122, "IP_OVER_FC", "RFC 2625 IP-over-Fibre Channel"),
    (127, "IEEE802_11_RADIO", "802.11 plus radiotap header"),
    (163, "IEEE802_11_RADIO_AVS", "802.11 plus AVS radio information header"),
    (166, "PPP_PPPD", "PPP for pppd, with direction flag"),
    (192, "PPI", "Per-Packet Information"),
    (228, "IPV4", "Raw IPv4"),
    (229, "IPV6", "Raw IPv6"),
    (249, "USBPCAP", "USB with USBPcap header"),
    (253, "NETLINK", "Linux netlink"),
    (276, "LINUX_SLL2", "Linux cooked v2"),
];

/// The link type that the link-type field of a capture file means.
///
/// The upper half of the field of a pcap header tells the length of the frame check sequence and is not part of the
/// type. Some systems wrote their DLT_ value in place of the LINKTYPE_ value; those few are mapped.
pub const fn from_file_field(field: u32) -> LinkType {
    match field & 0xffff {
        11 => LinkType(100),
        12 | 14 => LinkType(101),
        13 => LinkType(102),
        16 => LinkType(103),
        19 => LinkType(106),
        other => LinkType(other as u16),
    }
}

/// libpcap's short name of a link type, such as `EN10MB`; its number where it has none here.
pub fn link_name(link: LinkType) -> String {
    entry(link).map_or_else(|| link.0.to_string(), |(_, name, _)| (*name).to_owned())
}

/// Short name and description, as tcpdump prints them: `EN10MB (Ethernet)`.
pub fn link_description(link: LinkType) -> String {
    entry(link).map_or_else(|| link.0.to_string(), |(_, name, description)| format!("{name} ({description})"))
}

fn entry(link: LinkType) -> Option<&'static (u16, &'static str, &'static str)> {
    NAMES.iter().find(|(number, ..)| *number == link.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_the_frame_check_sequence_bits() {
        assert_eq!(from_file_field(0x2400_0001), LinkType(1));
        assert_eq!(from_file_field(276), LinkType(276));
    }

    #[test]
    fn maps_raw_ip_of_every_system() {
        for field in [12, 14, 101] {
            assert_eq!(from_file_field(field), LinkType(101));
        }
    }

    #[test]
    fn describes_as_tcpdump_does() {
        assert_eq!(link_description(LinkType(1)), "EN10MB (Ethernet)");
        assert_eq!(link_description(LinkType(999)), "999");
    }
}
