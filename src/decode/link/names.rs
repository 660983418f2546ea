//! Link type numbers and names. In files these are LINKTYPE_ values; in a running libpcap, DLT_ values, which differ
//! for a few types and from system to system. The program uses LINKTYPE_ values throughout.

use crate::decode::LinkType;

/// Number, libpcap's short name, and its description, of link types that are met, whether they are decoded or not.
pub const NAMES: &[(u16, &str, &str)] = &[
    (0, "NULL", "BSD loopback"),
    (1, "EN10MB", "Ethernet"),
    (6, "IEEE802", "Token ring"),
    (7, "ARCNET", "BSD ARCNET"),
    (8, "SLIP", "SLIP"),
    (9, "PPP", "PPP"),
    (10, "FDDI", "FDDI"),
    (50, "PPP_SERIAL", "PPP over serial"),
    (51, "PPP_ETHER", "PPPoE"),
    (100, "ATM_RFC1483", "RFC 1483 LLC-encapsulated ATM"),
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
    (114, "LTALK", "Localtalk"),
    (117, "PFLOG", "OpenBSD pflog file"),
    (119, "PRISM_HEADER", "802.11 plus Prism header"),
    (122, "IP_OVER_FC", "RFC 2625 IP-over-Fibre Channel"),
    (123, "SUNATM", "Sun raw ATM"),
    (127, "IEEE802_11_RADIO", "802.11 plus radiotap header"),
    (129, "ARCNET_LINUX", "Linux ARCNET"),
    (138, "APPLE_IP_OVER_IEEE1394", "Apple IP-over-IEEE 1394"),
    (139, "MTP2_WITH_PHDR", "SS7 MTP2 with Pseudo-header"),
    (140, "MTP2", "SS7 MTP2"),
    (141, "MTP3", "SS7 MTP3"),
    (142, "SCCP", "SS7 SCCP"),
    (143, "DOCSIS", "DOCSIS"),
    (144, "LINUX_IRDA", "Linux IrDA"),
    (163, "IEEE802_11_RADIO_AVS", "802.11 plus AVS radio information header"),
    (165, "BACNET_MS_TP", "BACnet MS/TP"),
    (166, "PPP_PPPD", "PPP for pppd, with direction flag"),
    (177, "LINUX_LAPD", "Linux vISDN LAPD"),
    (178, "JUNIPER_ETHER", "Juniper Ethernet"),
    (179, "JUNIPER_PPP", "Juniper PPP"),
    (186, "USB_FREEBSD", "USB with FreeBSD header"),
    (187, "BLUETOOTH_HCI_H4", "Bluetooth HCI UART transport layer"),
    (188, "IEEE802_16_MAC_CPS", "IEEE 802.16 MAC Common Part Sublayer"),
    (189, "USB_LINUX", "USB with Linux header"),
    (190, "CAN20B", "Controller Area Network (CAN) v. 2.0B"),
    (192, "PPI", "Per-Packet Information"),
    (195, "IEEE802_15_4", "IEEE 802.15.4 with FCS"),
    (199, "IPMB_KONTRON", "IPMB with Kontron pseudo-header"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR", "Bluetooth HCI UART transport layer plus pseudo-header"),
    (202, "AX25_KISS", "AX.25 with KISS header"),
    (215, "IEEE802_15_4_NONASK_PHY", "IEEE 802.15.4 with non-ASK PHY data"),
    (220, "USB_LINUX_MMAPPED", "USB with padded Linux header"),
    (224, "FC_2", "Fibre Channel FC-2"),
    (226, "IPNET", "Solaris ipnet"),
    (227, "CAN_SOCKETCAN", "CAN-bus with SocketCAN headers"),
    (228, "IPV4", "Raw IPv4"),
    (229, "IPV6", "Raw IPv6"),
    (230, "IEEE802_15_4_NOFCS", "IEEE 802.15.4 without FCS"),
    (231, "DBUS", "D-Bus"),
    (235, "DVB_CI", "DVB-CI"),
    (239, "NFLOG", "Linux netfilter log messages"),
    (240, "NETANALYZER", "Ethernet with Hilscher netANALYZER pseudo-header"),
    (242, "IPOIB", "RFC 4391 IP-over-Infiniband"),
    (243, "MPEG_2_TS", "MPEG-2 transport stream"),
    (247, "INFINIBAND", "InfiniBand"),
    (248, "SCTP", "SCTP"),
    (249, "USBPCAP", "USB with USBPcap header"),
    (251, "BLUETOOTH_LE_LL", "Bluetooth Low Energy air interface"),
    (253, "NETLINK", "Linux netlink"),
    (254, "BLUETOOTH_LINUX_MONITOR", "Bluetooth Linux Monitor"),
    (256, "BLUETOOTH_LE_LL_WITH_PHDR", "Bluetooth Low Energy air interface with pseudo-header"),
    (258, "PKTAP", "Apple DLT_PKTAP"),
    (266, "USB_DARWIN", "USB with Darwin header"),
    (271, "VSOCK", "Linux vsock"),
    (272, "NORDIC_BLE", "Nordic Semiconductor Bluetooth LE sniffer frames"),
    (274, "ETHERNET_MPACKET", "802.3br mPackets"),
    (276, "LINUX_SLL2", "Linux cooked v2"),
    (283, "IEEE802_15_4_TAP", "IEEE 802.15.4 with pseudo-header"),
    (288, "USB_2_0", "USB 2.0/1.1/1.0 as transmitted over the cable"),
];

/// The link type that the link-type field of a capture file means.
///
/// The upper half of the field of a pcap header holds the length of the frame check sequence and is not part of the
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
    entry(link).map_or_else(|| unnamed(link), |(_, name, _)| (*name).to_owned())
}

/// Of a link type that libpcap has no name for: those of private use, those of snoop files that pcap has no number for.
fn unnamed(link: LinkType) -> String {
    match link.0 {
        147..=162 => format!("USER{}", link.0 - 147),
        of_snoop if of_snoop & OF_SNOOP == OF_SNOOP => format!("snoop {}", of_snoop & !OF_SNOOP),
        other => other.to_string(),
    }
}

/// Marks a number of the snoop registry (RFC 1761) that no number of pcap's stands for.
const OF_SNOOP: u16 = 0xff00;

/// The link type that the datalink type of a snoop file means (RFC 1761; 18 and 26 are Solaris's).
pub const fn from_snoop(datalink: u32) -> LinkType {
    match datalink {
        // IEEE 802.3 and Ethernet: the type or length of each frame distinguishes them.
        0 | 4 => LinkType(1),
        2 => LinkType(6),
        8 => LinkType(10),
        18 => LinkType(123),
        26 => LinkType(242),
        other if other < 0xff => LinkType(OF_SNOOP | other as u16),
        _ => LinkType(OF_SNOOP | 0xff),
    }
}

/// Short name and description, as tcpdump prints them: `EN10MB (Ethernet)`.
pub fn link_description(link: LinkType) -> String {
    entry(link).map_or_else(|| unnamed(link), |(_, name, description)| format!("{name} ({description})"))
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

    #[test]
    fn names_what_libpcap_has_no_name_for() {
        assert_eq!([147, 162, 163].map(|n| link_name(LinkType(n))), ["USER0", "USER15", "IEEE802_11_RADIO_AVS"]);
        assert_eq!(
            [4, 8, 5, 0xffff_ffff].map(|n| link_name(from_snoop(n))),
            ["EN10MB", "FDDI", "snoop 5", "snoop 255"]
        );
    }
}
