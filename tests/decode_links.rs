//! Every registered link layer: finds the IP packet, survives every truncation and any octets.

mod decode_frames;

use decode_frames::{SEQ, decode, decoder, ether_type, ethernet, frame, join, segment, skipped, syn4, syn6};
use proptest::prelude::*;
use synscope::decode::link::LINK_LAYERS;
use synscope::decode::{LinkType, Outcome, SkipReason};

const STATIONS: [u8; 18] = [2; 18];

fn ppp(packet: &[u8]) -> Vec<u8> {
    join(&[if packet[0] >> 4 == 4 { &[0x00, 0x21] } else { &[0x00, 0x57] }, packet])
}

fn pppoe(packet: &[u8]) -> Vec<u8> {
    let ppp = ppp(packet);
    join(&[&[0x11, 0, 0, 5], &(ppp.len() as u16).to_be_bytes(), &ppp])
}

fn snap(packet: &[u8]) -> Vec<u8> {
    join(&[&[0xaa, 0xaa, 0x03, 0, 0, 0], &ether_type(packet), packet])
}

fn wireless(packet: &[u8]) -> Vec<u8> {
    join(&[&[0x08, 0x01, 0, 0], &STATIONS, &[0x10, 0], &snap(packet)])
}

/// Frames of link type `link` around `packet`.
fn fixtures(link: u16, packet: &[u8]) -> Vec<Vec<u8>> {
    let kind = &ether_type(packet);
    let is_v4 = packet[0] >> 4 == 4;
    let families: &[u8] = if is_v4 { &[2] } else { &[10, 23, 24, 28, 30] };
    match link {
        1 => ethernet_fixtures(packet),
        113 => vec![
            join(&[&[0; 14], kind, packet]),
            join(&[&[0; 14], &[0x81, 0, 0, 9], kind, packet]),
            join(&[&[0; 14], &[0, 4], &snap(packet)]),
        ],
        276 => vec![join(&[kind, &[0; 18], packet])],
        12 | 14 | 101 | 228 | 229 => vec![packet.to_vec()],
        0 | 108 => {
            families.iter().flat_map(|f| [join(&[&[*f, 0, 0, 0], packet]), join(&[&[0, 0, 0, *f], packet])]).collect()
        }
        109 => families.iter().map(|f| join(&[&[*f, 0, 0, 0], &[0; 8], packet])).collect(),
        117 => families.iter().map(|f| join(&[&[61, *f], &[0; 62], packet])).collect(),
        9 | 50 => vec![
            join(&[&[0xff, 0x03], &ppp(packet)]),
            ppp(packet),
            ppp(packet)[1..].to_vec(),
            join(&[&[0x0f, 0], kind, packet]),
        ],
        51 => vec![pppoe(packet)],
        10 => [0x50, 0x57, 0xd0].map(|control| join(&[&[control], &STATIONS[..12], &snap(packet)])).to_vec(),
        239 => nflog_fixtures(packet),
        166 | 204 => vec![join(&[&[1, 0xff, 0x03], &ppp(packet)])],
        104 => vec![join(&[&[0x0f, 0], kind, packet])],
        105 => wireless_fixtures(packet),
        127 => vec![
            join(&[&[0, 0, 8, 0, 0, 0, 0, 0], &wireless(packet)]),
            // Two words of presence bits, then time and flags: header padded to 4 octets, checksum at the end.
            join(&[
                &[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],
                &[0; 8],
                &[0x30],
                &join(&[&[0x88, 0x02, 0, 0], &STATIONS, &[0, 0], &[0, 0], &[0, 0], &snap(packet)]),
                &[1, 2, 3, 4],
            ]),
        ],
        163 => vec![join(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56], &wireless(packet)])],
        119 => vec![
            join(&[&[0x44, 0, 0, 0, 144, 0, 0, 0], &[0; 136], &wireless(packet)]),
            join(&[&[0, 0, 0, 0x44, 0, 0, 0, 144], &[0; 136], &wireless(packet)]),
            join(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56], &wireless(packet)]),
        ],
        192 => vec![
            join(&[&[0, 0, 8, 0, 105, 0, 0, 0], &wireless(packet)]),
            join(&[&[0, 0, 8, 0, 1, 0, 0, 0], &ethernet(packet)]),
        ],
        _ => Vec::new(),
    }
}

fn ethernet_fixtures(packet: &[u8]) -> Vec<Vec<u8>> {
    let (plain, kind) = (ethernet(packet), &ether_type(packet));
    let with = |header: &[u8], rest: &[u8]| join(&[&plain[..12], header, rest]);
    let snap = snap(packet);
    vec![
        plain.clone(),
        join(&[&plain, &[0xee; 9]]),
        with(&[0x81, 0, 0, 5], &plain[12..]),
        with(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x91, 0, 0, 7, 0x92, 0, 0, 8], &plain[12..]),
        with(&[0x88, 0x47, 0, 1, 0x40, 63, 0, 1, 0xe1, 63], packet),
        with(&[0x88, 0x47, 0, 1, 0xe1, 63, 0, 0, 0, 0], &plain),
        with(&[0x88, 0x47, 0, 1, 0xe1, 63], &plain),
        with(&[0x88, 0x64], &pppoe(packet)),
        with(&(snap.len() as u16).to_be_bytes(), &snap),
        // Cisco Metadata with a security group, and with two options behind a VLAN tag.
        with(&[0x89, 0x09, 1, 1, 0, 1, 0, 2], &plain[12..]),
        with(&[0x81, 0, 0, 5, 0x89, 0x09, 1, 2, 0, 1, 0, 2, 0, 1, 0, 3], &plain[12..]),
        // E-TAG; VN-Tag between VLAN tags.
        with(&[0x89, 0x3f, 0x10, 0, 0, 0xd3, 0, 0], &plain[12..]),
        with(&[0x81, 0, 0, 5, 0x89, 0x26, 0, 0, 0, 7, 0x81, 0, 0, 6], &plain[12..]),
        join(&[&plain[..12], &[0x88, 0xe7, 0, 0, 1, 1], &plain[..12], kind, packet]),
    ]
}

/// A packet among other values, in the byte order of either machine; the last value padded or not.
fn nflog_fixtures(packet: &[u8]) -> Vec<Vec<u8>> {
    let family = if packet[0] >> 4 == 4 { 2 } else { 10 };
    let value = |kind: u16, data: &[u8], big: bool| {
        let len = 4 + data.len() as u16;
        let words = if big { [len.to_be_bytes(), kind.to_be_bytes()] } else { [len.to_le_bytes(), kind.to_le_bytes()] };
        let padding = &[0; 3][..(4 - data.len() % 4) % 4];
        join(&[&words.concat(), data, padding])
    };
    let frame = |big: bool, behind: &[u8]| {
        let before = [value(1, &[0, 0, 3, 0x16], big), value(10, b"in\0", big), value(16, &[8; 14], big)].concat();
        join(&[&[family, 0, 0, 40], &before, &value(9, packet, big), behind])
    };
    vec![frame(false, &[]), frame(true, &[]), frame(false, &value(3, &[0; 4], false))]
}

fn wireless_fixtures(packet: &[u8]) -> Vec<Vec<u8>> {
    let snap = &snap(packet);
    let subframe = join(&[&STATIONS[..12], &(snap.len() as u16).to_be_bytes(), snap]);
    vec![
        wireless(packet),
        join(&[&[0x08, 0x03, 0, 0], &STATIONS, &[0, 0], &[2; 6], snap]),
        join(&[&[0x88, 0x02, 0, 0], &STATIONS, &[0, 0], &[0, 0], snap]),
        join(&[&[0x88, 0x82, 0, 0], &STATIONS, &[0, 0], &[0, 0], &[0; 4], snap]),
        join(&[&[0x88, 0x03, 0, 0], &STATIONS, &[0, 0], &[2; 6], &[0, 0], snap]),
        join(&[&[0x88, 0x02, 0, 0], &STATIONS, &[0, 0], &[0x80, 0], &subframe]),
    ]
}

fn all_fixtures() -> impl Iterator<Item = (LinkType, Vec<u8>)> {
    LINK_LAYERS.iter().flat_map(|layer| layer.types).flat_map(|link| {
        [syn4(b"data"), syn6(b"data")]
            .into_iter()
            .filter(|packet| !matches!((link.0, packet[0] >> 4), (228, 6) | (229, 4)))
            .flat_map(|packet| fixtures(link.0, &packet))
            .map(|frame| (*link, frame))
    })
}

#[test]
fn no_two_link_layers_share_a_number() {
    let mut seen: Vec<LinkType> = LINK_LAYERS.iter().flat_map(|layer| layer.types.iter().copied()).collect();
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn every_link_layer_leads_to_its_segment() {
    for layer in LINK_LAYERS {
        for link in layer.types {
            assert!(!fixtures(link.0, &syn4(b"")).is_empty(), "{} has no fixture", layer.name);
        }
    }
    for (link, data) in all_fixtures() {
        let Outcome::Tcp(s) = decode(link, &data) else { panic!("{link:?} {data:02x?}: {:?}", decode(link, &data)) };
        assert_eq!((s.seq.0, s.payload, s.source.port, s.ttl), (SEQ, 4, 40_000, 61), "{link:?} {data:02x?}");
        assert_eq!((s.checksum, s.truncated), (synscope::tcp::Checksum::Good, false), "{link:?} {data:02x?}");
    }
}

#[test]
fn every_truncation_is_skipped_or_marked() {
    for (link, data) in all_fixtures() {
        for cut in 0..data.len() {
            match decoder().decode(&frame(link, &data[..cut], data.len(), 0)) {
                Outcome::Tcp(s) => assert!(s.truncated && s.payload == 4, "{link:?} cut at {cut}: {s:?}"),
                Outcome::Skip(_) => {}
                Outcome::Icmp(_) | Outcome::UnknownLink(_) => panic!("{link:?} cut at {cut} is no ICMP"),
            }
        }
    }
}

/// What stands before the packet may be damaged: then the packet is not found, or it is the same.
#[test]
fn no_flip_makes_another_segment_of_a_link_header() {
    for (link, data) in all_fixtures() {
        let packet = if data.ends_with(&syn4(b"data")) { 44 } else { 64 };
        // Where a trailer follows, the flips reach into the packet, where they may change what is there.
        let before = if data.ends_with(b"data") { data.len() - packet } else { 0 };
        for at in 0..data.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut flipped = data.clone();
                flipped[at] ^= flip;
                let outcome = decode(link, &flipped);
                if at < before
                    && let Outcome::Tcp(s) = outcome
                {
                    assert_eq!(
                        (s.seq.0, s.source.port, s.payload),
                        (SEQ, 40_000, 4),
                        "{link:?} {at} {flip:#x} {data:02x?}"
                    );
                }
            }
        }
    }
}

#[test]
fn values_that_cannot_be_are_no_packet() {
    let whole = nflog_fixtures(&syn4(b"data"))[0].clone();
    let damaged = |at: usize, octet: u8| {
        let mut data = whole.clone();
        data[at] = octet;
        skipped(decode(LinkType(239), &data))
    };
    // Another version, a length below that of its own header, one beyond the frame.
    assert_eq!([damaged(1, 1), damaged(4, 3), damaged(5, 9)], [SkipReason::NotIp; 3]);
    assert_eq!(skipped(decode(LinkType(239), &whole[..40])), SkipReason::NotIp);
    assert_eq!(skipped(decode(LinkType(239), &[])), SkipReason::TruncatedLink);
}

#[test]
fn the_outermost_tag_is_the_vlan() {
    let frames = ethernet_fixtures(&syn4(b""));
    let ids: Vec<u16> = frames[..4].iter().map(|data| segment(decode(LinkType(1), data)).vlan).collect();
    assert_eq!(ids, [0, 0, 5, 5]);
}

#[test]
fn what_is_not_ip_says_so() {
    let ether = |kind: &[u8]| skipped(decode(LinkType(1), &join(&[&[2; 12], kind, &[0; 60]])));
    assert_eq!(ether(&[0x08, 0x06]), SkipReason::NotIp);
    assert_eq!(ether(&[0x88, 0x63]), SkipReason::NotIp);
    assert_eq!(ether(&[0x00, 0x26]), SkipReason::NotIp);
    assert_eq!(skipped(decode(LinkType(101), &[0x10; 60])), SkipReason::NotIp);
    assert_eq!(skipped(decode(LinkType(0), &[9; 60])), SkipReason::NotIp);
    assert!(matches!(decode(LinkType(147), &[0; 60]), Outcome::UnknownLink(LinkType(147))));
    assert_eq!(skipped(decode(LinkType(1), &[0; 13])), SkipReason::TruncatedLink);
}

#[test]
fn beacons_null_frames_and_encrypted_frames_are_no_data() {
    let body = [0x11; 60];
    for bits in [[0x80, 0x00], [0xd4, 0x00], [0x48, 0x01], [0xc8, 0x01], [0x08, 0x41]] {
        let data = join(&[&bits, &[0, 0], &STATIONS, &[0, 0], &body]);
        assert_eq!(skipped(decode(LinkType(105), &data)), SkipReason::NotData, "{bits:02x?}");
    }
    let damaged = join(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x40], &wireless(&syn4(b""))]);
    assert_eq!(skipped(decode(LinkType(127), &damaged)), SkipReason::NotData);
}

#[test]
fn frames_in_frames_end() {
    let mpls = [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0x88, 0x47, 0, 1, 0xe1, 63, 0, 0, 0, 0];
    let deep = mpls.repeat(2000);
    assert!(matches!(decode(LinkType(1), &deep), Outcome::Skip(_)));
}

proptest! {
    #[test]
    fn any_octets_give_an_outcome(
        layer in 0..LINK_LAYERS.len(),
        data in proptest::collection::vec(any::<u8>(), 0..200),
        more in 0usize..2000,
    ) {
        for link in LINK_LAYERS[layer].types {
            decoder().decode(&frame(*link, &data, data.len() + more, 0));
        }
    }

    #[test]
    fn any_damage_gives_an_outcome(
        pick in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let fixtures: Vec<_> = all_fixtures().collect();
        let (link, mut data) = pick.get(&fixtures).clone();
        for (at, octet) in damage {
            let at = at.index(data.len());
            data[at] = octet;
        }
        decoder().decode(&frame(link, &data, data.len(), 0));
    }
}
