//! Capture filters and presets, against frames they must take and refuse. No privilege needed.
#![cfg(feature = "live")]

use std::io::Cursor;

use synscope::capture::preset::{self, PRESETS};
use synscope::capture::{CaptureError, FileOptions, Files, Filter, Next, Source, link_name};
use synscope::decode::LinkType;

const SYN: u8 = 2;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
const PSH_ACK: u8 = 0x18;
const FIN_ACK: u8 = 0x11;
const RST: u8 = 4;

fn tcp(port: u16, flags: u8, payload: usize) -> Vec<u8> {
    let mut header = vec![0; 20];
    header[..2].copy_from_slice(&40000u16.to_be_bytes());
    header[2..4].copy_from_slice(&port.to_be_bytes());
    header[12..14].copy_from_slice(&[0x50, flags]);
    header.extend(vec![b'x'; payload]);
    header
}

fn udp(port: u16) -> Vec<u8> {
    let mut header = vec![0; 8];
    header[2..4].copy_from_slice(&port.to_be_bytes());
    header.extend([0; 12]);
    header
}

fn ipv4_fragment(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    header[6..8].copy_from_slice(&fragment.to_be_bytes());
    header[8..10].copy_from_slice(&[64, protocol]);
    [&header, payload].concat()
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 0, payload)
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 40];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    header[6..8].copy_from_slice(&[next, 64]);
    [&header, payload].concat()
}

/// An extension header of eight octets before the payload.
fn extension(next: u8, payload: &[u8]) -> Vec<u8> {
    [&[next, 0, 1, 4, 0, 0, 0, 0], payload].concat()
}

/// ICMP or ICMPv6 with what it quotes.
fn icmp(kind: u8, quoted: &[u8]) -> Vec<u8> {
    [&[kind, 1, 0, 0, 0, 0, 0, 0], quoted].concat()
}

fn is_v6(packet: &[u8]) -> bool {
    packet[0] >> 4 == 6
}

/// Puts an IP packet into a frame of a link type.
fn frame(link: &str, packet: &[u8]) -> Vec<u8> {
    let ether_type: [u8; 2] = if is_v6(packet) { [0x86, 0xdd] } else { [8, 0] };
    let header: Vec<u8> = match link {
        "EN10MB" => [&[2; 12][..], &ether_type].concat(),
        "LINUX_SLL" => [&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0][..], &ether_type].concat(),
        "LINUX_SLL2" => [&ether_type[..], &[0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0]].concat(),
        "NULL" => if is_v6(packet) { 10u32 } else { 2 }.to_ne_bytes().to_vec(),
        "LOOP" => vec![0, 0, 0, if is_v6(packet) { 10 } else { 2 }],
        "RAW" => vec![],
        "PPP" | "PPP_SERIAL" => vec![0xff, 3, 0, if is_v6(packet) { 0x57 } else { 0x21 }],
        "PPP_ETHER" => vec![0x11, 0, 0, 1, 0, 62, 0, if is_v6(packet) { 0x57 } else { 0x21 }],
        "C_HDLC" => [&[0x0f, 0][..], &ether_type].concat(),
        "IEEE802_11" | "IEEE802_11_RADIO" => {
            let radiotap: &[u8] = if link == "IEEE802_11" { &[] } else { &[0, 0, 8, 0, 0, 0, 0, 0] };
            let data = [&[8, 2, 0, 0][..], &[2; 18], &[0, 0], &[0xaa, 0xaa, 3, 0, 0, 0], &ether_type].concat();
            [radiotap, &data].concat()
        }
        other => panic!("no frame for {other}"),
    };
    [&header, packet].concat()
}

/// Puts an IP packet behind tags on Ethernet.
fn tagged(tags: &[u16], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for tag in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 7]);
    }
    frame.extend(if is_v6(packet) { [0x86, 0xdd] } else { [8, 0] });
    [&frame, packet].concat()
}

fn link_of(name: &str) -> LinkType {
    let known = (0..=300).map(LinkType).find(|link| link_name(*link) == name);
    known.unwrap_or_else(|| panic!("{name} is no link type"))
}

/// Whether the filter takes the frame, as a file reader sees it.
fn takes(filter: Filter, link: LinkType, frame: &[u8]) -> Result<bool, CaptureError> {
    let mut file = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 8], &[0, 0, 4, 0]].concat();
    file.extend(u32::from(link.0).to_le_bytes());
    for word in [1, 0, frame.len() as u32, frame.len() as u32] {
        file.extend(word.to_le_bytes());
    }
    file.extend(frame);
    let options = FileOptions { filter: Some(filter), ..FileOptions::default() };
    let mut files = Files::from_streams([("frame".to_owned(), Cursor::new(file))], options)?;
    files.next().map(|next| matches!(next, Next::Frame(_)))
}

#[track_caller]
fn check(preset: &str, link: &str, what: &str, frame: &[u8], expected: bool) {
    let filter = Filter::preset(preset::find(preset).expect("a name")).expect("libpcap");
    let taken = takes(filter, link_of(link), frame).unwrap_or_else(|error| panic!("{preset} on {link}: {error}"));
    assert_eq!(taken, expected, "{preset} on {link}: {what}");
}

/// IP packets by what they are, and which presets take them: default, handshake, teardown, resets, web.
fn packets() -> Vec<(&'static str, Vec<u8>, [bool; 5])> {
    let (yes, no) = (true, false);
    let syn = tcp(80, SYN, 0);
    vec![
        ("SYN", ipv4(6, &syn), [yes, yes, no, no, yes]),
        ("SYN to 8080", ipv4(6, &tcp(8080, SYN, 0)), [yes, yes, no, no, yes]),
        ("SYN to 443", ipv4(6, &tcp(443, SYN, 0)), [yes, yes, no, no, no]),
        ("SYN-ACK", ipv4(6, &tcp(80, SYN_ACK, 0)), [yes, yes, no, no, yes]),
        ("ACK", ipv4(6, &tcp(80, ACK, 0)), [yes, yes, yes, no, yes]),
        ("data", ipv4(6, &tcp(80, PSH_ACK, 14)), [yes, no, no, no, yes]),
        ("FIN", ipv4(6, &tcp(80, FIN_ACK, 0)), [yes, no, yes, no, yes]),
        ("FIN with data", ipv4(6, &tcp(80, FIN_ACK | 8, 9)), [yes, no, yes, no, yes]),
        ("RST", ipv4(6, &tcp(80, RST, 0)), [yes, yes, yes, yes, yes]),
        ("UDP", ipv4(17, &udp(53)), [no; 5]),
        ("echo", ipv4(1, &icmp(8, &[0; 20])), [no; 5]),
        ("unreachable", ipv4(1, &icmp(3, &ipv4(6, &syn))), [yes, yes, no, no, no]),
        ("time exceeded", ipv4(1, &icmp(11, &ipv4(6, &syn))), [yes, yes, no, no, no]),
        ("first fragment", ipv4_fragment(6, 0x2000, &syn), [yes, yes, no, no, yes]),
        ("later fragment", ipv4_fragment(6, 3, &[0; 24]), [yes, no, no, no, no]),
        ("IP in IP", ipv4(4, &ipv4(6, &syn)), [yes, no, no, no, no]),
        ("GRE", ipv4(47, &[&[0, 0, 8, 0][..], &ipv4(6, &syn)].concat()), [yes, no, no, no, no]),
        ("VXLAN", ipv4(17, &udp(4789)), [yes, no, no, no, no]),
        ("L2TP", ipv4(17, &udp(1701)), [yes, no, no, no, no]),
        ("CAPWAP data", ipv4(17, &udp(5247)), [yes, no, no, no, no]),
        ("CAPWAP control", ipv4(17, &udp(5246)), [no; 5]),
        ("Teredo", ipv4(17, &udp(3544)), [yes, no, no, no, no]),
        ("GRE over UDP", ipv6(17, &udp(4754)), [yes, no, no, no, no]),
        ("AYIYA", ipv4(17, &udp(5072)), [yes, no, no, no, no]),
        ("L2TPv3", ipv4(115, &[0, 0, 0, 1, 0, 0, 0, 0]), [yes, no, no, no, no]),
        ("SYN v6", ipv6(6, &syn), [yes, yes, no, no, yes]),
        ("ACK v6", ipv6(6, &tcp(80, ACK, 0)), [yes, yes, yes, no, yes]),
        ("data v6", ipv6(6, &tcp(80, PSH_ACK, 14)), [yes, no, no, no, yes]),
        ("FIN v6", ipv6(6, &tcp(80, FIN_ACK, 0)), [yes, no, yes, no, yes]),
        ("RST v6", ipv6(6, &tcp(80, RST, 0)), [yes, yes, yes, yes, yes]),
        ("SYN v6 hop by hop", ipv6(0, &extension(6, &syn)), [yes, yes, yes, yes, no]),
        ("SYN v6 destination options", ipv6(60, &extension(6, &syn)), [yes, yes, yes, yes, no]),
        ("SYN v6 two extensions", ipv6(0, &extension(60, &extension(6, &syn))), [yes, no, no, no, no]),
        ("listener report", ipv6(0, &extension(58, &icmp(131, &[0; 16]))), [no; 5]),
        ("neighbour solicitation", ipv6(58, &icmp(135, &[0; 16])), [no; 5]),
        ("UDP v6", ipv6(17, &udp(53)), [no; 5]),
        ("unreachable v6", ipv6(58, &icmp(1, &ipv6(6, &syn))), [yes, yes, no, no, no]),
        ("6in4", ipv4(41, &ipv6(6, &syn)), [yes, no, no, no, no]),
    ]
}

const COLUMNS: [&str; 5] = ["default", "handshake", "teardown", "resets", "web"];

#[test]
fn every_preset_on_every_link_type_it_claims() {
    assert_eq!(PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>(), COLUMNS);
    for preset in PRESETS {
        let column = COLUMNS.iter().position(|name| *name == preset.name).unwrap();
        for link in preset.links() {
            for (what, packet, expected) in packets() {
                check(preset.name, link, what, &frame(link, &packet), expected[column]);
            }
        }
    }
}

#[test]
fn tagged_frames_are_seen_as_the_untagged_are() {
    for tags in [&[0x8100][..], &[0x88a8, 0x8100], &[0x8100, 0x8100]] {
        for (what, packet, expected) in packets() {
            for (name, expected) in COLUMNS.iter().zip(expected).take(4) {
                check(name, "EN10MB", what, &tagged(tags, &packet), expected);
            }
        }
    }
    check("web", "EN10MB", "tagged", &tagged(&[0x8100], &ipv4(6, &tcp(80, SYN, 0))), false);
}

#[test]
fn other_ethernet_frames() {
    let arp = [&[0xff; 12][..], &[8, 6], &[0; 46]].concat();
    let mpls = [&[2; 12][..], &[0x88, 0x47, 0, 1, 1, 64], &ipv4(6, &tcp(80, SYN, 0))].concat();
    let pppoe = [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21], &ipv4(6, &tcp(80, SYN, 0))].concat();
    let behind = |header: &[u8]| [&[2; 12][..], header, &[8, 0], &ipv4(6, &tcp(80, SYN, 0))].concat();
    let bridged = [
        ("Cisco Metadata", behind(&[0x89, 0x09, 1, 1, 0, 1, 0, 2])),
        ("E-TAG", behind(&[0x89, 0x3f, 0, 0, 0, 7, 0, 0])),
        ("VN-Tag", behind(&[0x89, 0x26, 0, 0, 0, 7])),
    ];
    for preset in COLUMNS {
        check(preset, "EN10MB", "ARP", &arp, false);
        for (what, frame) in &bridged {
            check(preset, "EN10MB", what, frame, preset == "default");
        }
        check(preset, "EN10MB", "MPLS", &mpls, preset == "default");
        check(preset, "EN10MB", "PPPoE", &pppoe, preset == "default");
    }
}

#[test]
fn a_filter_that_does_not_fit_is_a_usage_error_when_the_link_type_turns_up() {
    let filter = Filter::expression("vlan and tcp").unwrap();
    let error = takes(filter, LinkType(101), &ipv4(6, &tcp(80, SYN, 0))).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("does not compile for link type RAW: no VLAN support"), "{error}");
}

/// libpcap compiles nothing for NFLOG.
#[test]
fn the_default_takes_all_of_what_cannot_be_filtered() {
    let frame = [&[2, 0, 0, 40, 44, 0, 9, 0][..], &ipv4(6, &tcp(80, SYN, 0))].concat();
    let preset = |name: &str| Filter::preset(preset::find(name).expect("a name")).expect("libpcap");
    assert!(takes(preset("default"), link_of("NFLOG"), &frame).expect("an empty filter"));
    assert_eq!(takes(preset("handshake"), link_of("NFLOG"), &frame).expect_err("no filter").exit_code(), 2);
}

#[test]
fn a_filter_file_may_have_comments_and_alternatives() {
    let text = "# tagged or not\ntcp or\n(vlan and tcp)\n%else\ntcp\n";
    let syn = ipv4(6, &tcp(80, SYN, 0));
    let filter = || Filter::file("x.bpf", text).unwrap();
    assert!(takes(filter(), LinkType(101), &syn).unwrap());
    assert!(takes(filter(), LinkType(1), &tagged(&[0x8100], &syn)).unwrap());
    assert_eq!(filter().to_string(), "x.bpf");
}

#[test]
fn refused_frames_keep_their_numbers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/formats/fmt.us.pcap");
    let numbers = |filter| {
        let options = FileOptions { filter, ..FileOptions::default() };
        let inputs = [synscope::capture::FileInput::Path(path.into())];
        let mut files = Files::open(&inputs, options).unwrap();
        let mut numbers = Vec::new();
        while let Next::Frame(frame) = files.next().unwrap() {
            numbers.push((frame.number, frame.time));
        }
        assert_eq!(files.counts().frames, numbers.len() as u64);
        numbers
    };
    let all = numbers(None);
    let some = numbers(Some(Filter::expression("tcp").unwrap()));
    // The label counts 33 segments of TCP in the cut copy of this file, which lacks the last frame.
    assert!(some.len() >= 33 && some.len() < all.len(), "{} of {}", some.len(), all.len());
    assert!(some.iter().all(|frame| all.contains(frame)));
}
