//! What lies between the link layer and the segment: IP headers, fragments, tunnels, ICMP, damaged TCP headers, checksums.

mod decode_frames;

use core::net::IpAddr;

use decode_frames::{
    ETHERNET, RAW, SEQ, decode, decoder, ether_type, ethernet, fragment4, frame, ipv4, ipv6, join, segment, skipped,
    syn4, syn6, udp,
};
use proptest::prelude::*;
use synscope::decode::{Config, Decoder, IcmpKind, LinkType, Outcome, SkipReason};
use synscope::tcp::{Checksum, Flags, Headers};

/// The TCP segment of [`syn4`] or [`syn6`].
fn tcp_of(packet: &[u8]) -> &[u8] {
    if packet[0] >> 4 == 4 { &packet[20..] } else { &packet[40..] }
}

#[test]
fn a_segment_keeps_what_the_headers_say() {
    let mut packet = syn6(b"hello");
    packet[0] |= 0x0b;
    packet[1] |= 0x80;
    packet[40 + 12] |= 0x0b;
    let s = segment(decode(ETHERNET, &ethernet(&packet)));
    assert_eq!((s.interface, s.flow_label, s.ttl, s.traffic_class, s.window), (3, 0xabcde, 61, 0xb8, 1024));
    assert_eq!(s.flags, Flags::SYN | Flags::AE | Flags(0xa00));
    assert_eq!(s.source.ip, IpAddr::from([0x20; 16]));
    assert_eq!((s.payload, s.headers, s.checksum), (5, Headers::Whole, Checksum::Bad));
}

#[test]
fn impossible_ip_headers_are_malformed() {
    for (at, octet) in [(0, 0x44), (0, 0x55), (3, 19)] {
        let mut packet = syn4(b"");
        packet[at] = octet;
        assert_eq!(skipped(decode(ETHERNET, &ethernet(&packet))), SkipReason::MalformedIp, "{at} {octet:#x}");
    }
    let endless = [60, 0, 1, 4, 0, 0, 0, 0].repeat(40);
    assert_eq!(skipped(decode(RAW, &ipv6(60, &endless))), SkipReason::MalformedIp);
    assert_eq!(skipped(decode(RAW, &ipv6(60, &[6, 9, 0, 0, 0, 0, 0, 0]))), SkipReason::MalformedIp);
}

#[test]
fn a_length_of_zero_is_the_frames() {
    let mut packet = syn4(b"segmented later");
    packet[2..4].fill(0);
    let s = segment(decode(RAW, &packet));
    assert_eq!((s.payload, s.checksum), (15, Checksum::Good));
    packet[25] ^= 1;
    assert_eq!(segment(decode(RAW, &packet)).checksum, Checksum::Unverifiable);
}

#[test]
fn extension_headers_are_passed() {
    let packet = syn6(b"");
    let tcp = tcp_of(&packet);
    let option = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
    let chain = |first: u8, headers: &[&[u8]]| segment(decode(RAW, &ipv6(first, &join(&[&headers.concat(), tcp]))));
    assert_eq!(chain(0, &[&option(60), &option(135), &option(139), &option(140), &option(6)]).ip_options_len, 40);
    let authentication = join(&[&[6, 4, 0, 0], &[0; 20]]);
    assert_eq!(chain(51, &[&authentication]).ip_options_len, 24);
    let atomic = [6, 0, 0, 0, 1, 2, 3, 4];
    assert!(!chain(44, &[&atomic]).fragmented);
    assert_eq!(skipped(decode(RAW, &ipv6(50, tcp))), SkipReason::NotTcp);
    assert_eq!(skipped(decode(RAW, &ipv6(59, &[]))), SkipReason::NotTcp);
    let behind_ipv4 = ipv4(51, &join(&[&authentication, tcp]));
    assert_eq!(segment(decode(RAW, &behind_ipv4)).seq.0, SEQ);
}

#[test]
fn a_routing_header_holds_the_final_destination() {
    let tcp = syn6(b"")[40..].to_vec();
    // The checksum was made for 0x21…, so that is what the routing header must lead to.
    for (kind, segments) in [(0u8, [[0x77; 16], [0x21; 16]]), (4, [[0x21; 16], [0x77; 16]])] {
        let routing = join(&[&[6, 4, kind, 1, 0, 0, 0, 0], &segments[0], &segments[1]]);
        let mut packet = ipv6(43, &join(&[&routing, &tcp]));
        packet[24..40].fill(0x77);
        let s = segment(decode(RAW, &packet));
        assert_eq!((s.destination.ip, s.checksum), (IpAddr::from([0x21; 16]), Checksum::Good), "type {kind}");
        packet[42] = 3;
        assert_eq!(segment(decode(RAW, &packet)).checksum, Checksum::Unverifiable);
    }
}

#[test]
fn a_jumbo_payload_has_its_own_length() {
    let tcp = syn6(b"")[40..].to_vec();
    let mut packet = ipv6(0, &join(&[&[6, 0, 0xc2, 4], &70_028u32.to_be_bytes(), &tcp]));
    packet[4..6].fill(0);
    let s = segment(decoder().decode(&frame(RAW, &packet, 70_068, 0)));
    assert_eq!((s.payload, s.truncated, s.checksum), (70_000, true, Checksum::Unverifiable));
}

#[test]
fn damaged_tcp_headers_are_marked() {
    let with_offset = |words: u8, payload: &[u8]| {
        let mut packet = syn4(payload);
        packet[32] = words << 4;
        packet
    };
    for (words, headers, payload) in [(4, Headers::BadOffset, 8), (15, Headers::BadOffset, 8), (7, Headers::Whole, 0)] {
        let s = segment(decode(RAW, &with_offset(words, &[1; 8])));
        assert_eq!((s.headers, s.payload), (headers, payload), "{words} words");
    }
    let cut = &with_offset(15, &[1; 100])[..45];
    let s = segment(decoder().decode(&frame(RAW, cut, 140, 0)));
    assert_eq!((s.headers, s.payload, s.options.len), (Headers::OptionsCut, 60, 40));
    assert_eq!(skipped(decode(RAW, &ipv4(6, &[0; 19]))), SkipReason::TruncatedTcp);
    assert_eq!(skipped(decoder().decode(&frame(RAW, &cut[..39], 140, 0))), SkipReason::TruncatedTcp);
}

#[test]
fn checksums_need_not_be_verified() {
    let mut packet = syn4(b"");
    packet[36] ^= 0xff;
    assert_eq!(segment(decode(RAW, &packet)).checksum, Checksum::Bad);
    let mut trusting = Decoder::new(Config { verify_checksums: false, ..Config::default() });
    assert_eq!(segment(trusting.decode(&frame(RAW, &packet, packet.len(), 0))).checksum, Checksum::Good);
}

/// The segment of a SYN in IPv4 or IPv6 fragments of 16 octets.
fn fragments(v6: bool, id: u16, payload: &[u8]) -> Vec<Vec<u8>> {
    let packet = if v6 { syn6(payload) } else { syn4(payload) };
    let tcp = tcp_of(&packet);
    let last = (tcp.len() - 1) / 16;
    let part = |(i, chunk): (usize, &[u8])| {
        let (offset, more) = (i as u16 * 16, i < last);
        if v6 {
            let field = (offset | u16::from(more)).to_be_bytes();
            ipv6(44, &join(&[&[6, 0], &field, &[0, 0], &id.to_be_bytes(), chunk]))
        } else {
            fragment4(6, chunk, id, offset, more)
        }
    };
    tcp.chunks(16).enumerate().map(part).collect()
}

#[test]
fn a_syn_in_fragments_is_a_syn_in_any_order() {
    for v6 in [false, true] {
        let parts = fragments(v6, 9, &[5; 50]);
        for first in 0..parts.len() {
            let mut decoder = decoder();
            let order: Vec<_> = (0..parts.len()).map(|i| &parts[(first + i * 2) % parts.len()]).collect();
            let (last, before) = order.split_last().unwrap();
            for part in before {
                assert_eq!(skipped(decoder.decode(&frame(RAW, part, part.len(), 0))), SkipReason::Fragment);
            }
            let s = segment(decoder.decode(&frame(RAW, last, last.len(), 0)));
            assert_eq!((s.seq.0, s.payload, s.checksum, s.fragmented), (SEQ, 50, Checksum::Good, true));
            assert_eq!((decoder.fragment_counters().reassembled, decoder.fragments_pending()), (1, 0));
        }
    }
}

#[test]
fn fragments_cut_by_the_snapshot_length_still_complete() {
    let parts = fragments(false, 9, &[5; 50]);
    let mut decoder = decoder();
    for part in &parts[..parts.len() - 1] {
        assert!(matches!(decoder.decode(&frame(RAW, part, part.len(), 0)), Outcome::Skip(SkipReason::Fragment)));
    }
    let last = &parts[parts.len() - 1];
    let s = segment(decoder.decode(&frame(RAW, &last[..20], last.len(), 0)));
    assert_eq!((s.payload, s.checksum, s.truncated), (50, Checksum::Unverifiable, true));
}

#[test]
fn the_first_of_overlapping_fragments_wins() {
    let mut parts = fragments(false, 9, &[5; 50]);
    let mut forged = parts[1].clone();
    forged[20..].fill(0xff);
    parts.insert(2, forged);
    let mut decoder = decoder();
    let outcomes: Vec<_> = parts.iter().map(|part| decoder.decode(&frame(RAW, part, part.len(), 0))).collect();
    assert_eq!(segment(*outcomes.last().unwrap()).checksum, Checksum::Good);
    assert_eq!(decoder.fragment_counters().overlapping, 1);
}

#[test]
fn incomplete_datagrams_are_bounded_in_time_and_number() {
    let mut decoder = decoder();
    let mut reasons = Vec::new();
    for id in 0..66 {
        let part = &fragments(false, id, b"")[0];
        reasons.push(skipped(decoder.decode(&frame(RAW, part, part.len(), i64::from(id) / 60))));
    }
    assert_eq!(reasons.iter().filter(|reason| **reason == SkipReason::FragmentLimit).count(), 2);
    assert_eq!((decoder.fragment_counters().evicted, decoder.fragments_pending()), (2, 64));
    // Those of second 0 are too old, those of second 1 just are not.
    let late = &fragments(false, 65, b"")[1];
    let s = segment(decoder.decode(&frame(RAW, late, late.len(), 31)));
    assert_eq!((s.seq.0, decoder.fragment_counters().expired, decoder.fragments_pending()), (SEQ, 58, 5));
}

#[test]
fn fragments_beyond_the_longest_datagram_are_refused() {
    let beyond = fragment4(6, &[0; 40], 1, 65_512, false);
    assert_eq!(skipped(decode(RAW, &beyond)), SkipReason::MalformedIp);
}

/// An 802.11 data frame with this frame control field; the sequence control begins with `fragment`.
fn wireless(control: [u8; 2], fragment: u8, inner: &[u8]) -> Vec<u8> {
    join(&[&control, &[0x2c, 0], &[2; 18], &[fragment, 0x30], &[0xaa, 0xaa, 3, 0, 0, 0], &ether_type(inner), inner])
}

/// An 802.11 frame of one subframe.
fn aggregate(inner: &[u8]) -> Vec<u8> {
    let len = (inner.len() as u16 + 8).to_be_bytes();
    let subframe = join(&[&[2; 12], &len, &[0xaa, 0xaa, 3, 0, 0, 0], &ether_type(inner), inner]);
    join(&[&[0x88, 0x02, 0, 0], &[2; 18], &[0, 0], &[0x80, 0], &subframe])
}

/// An 802.11 frame of these packets, in the clear.
fn aggregate_of(packets: &[&[u8]]) -> Vec<u8> {
    let mut frame = join(&[&[0x88, 0x02, 0, 0], &[2; 18], &[0, 0], &[0x80, 0]]);
    for (n, packet) in packets.iter().enumerate() {
        let len = (packet.len() as u16 + 8).to_be_bytes();
        let subframe = join(&[&[2; 12], &len, &[0xaa, 0xaa, 3, 0, 0, 0], &ether_type(packet), packet]);
        let padding = if n + 1 < packets.len() { subframe.len().next_multiple_of(4) - subframe.len() } else { 0 };
        frame.extend(join(&[&subframe, &[0; 3][..padding]]));
    }
    frame
}

/// Everything in one frame.
fn decode_all(link: LinkType, data: &[u8]) -> Vec<Outcome> {
    let mut decoder = decoder();
    let frame = frame(link, data, data.len(), 0);
    let mut all = vec![decoder.decode(&frame)];
    while decoder.holds_more() {
        let mut outcome = Outcome::Skip(SkipReason::NotIp);
        decoder.decode_more(&frame, &mut outcome);
        all.push(outcome);
    }
    all
}

#[test]
fn every_frame_of_an_aggregate_is_decoded() {
    const IEEE_802_11: LinkType = LinkType(105);
    let (first, second, third) = (syn4(b"a"), syn6(b"bc"), syn4(b"def"));
    let aggregate = aggregate_of(&[&first, &second, &third]);
    let payloads = |link, data: &[u8]| -> Vec<_> {
        decode_all(link, data).into_iter().map(|outcome| segment(outcome).payload).collect()
    };
    assert_eq!(payloads(IEEE_802_11, &aggregate), [1, 2, 3]);
    let aruba = ipv4(47, &join(&[&[0, 0, 0x82, 0x40], &aggregate]));
    assert_eq!(payloads(RAW, &aruba), [1, 2, 3]);
    assert_eq!(payloads(RAW, &join(&[&aruba, &[0; 40]])), [1, 2, 3], "behind the packet nothing is looked for");
    assert_eq!(payloads(IEEE_802_11, &aggregate_of(&[&third])), [3]);
    // One that carries something else does not hide the others.
    let kinds: Vec<_> = decode_all(IEEE_802_11, &aggregate_of(&[&first, &ipv4(17, &udp(53, &[])), &third]))
        .into_iter()
        .map(|outcome| matches!(outcome, Outcome::Tcp(_)))
        .collect();
    assert_eq!(kinds, [true, false, true]);
    // In fragments there is but the first: the datagram is not kept.
    let mut decoder = decoder();
    for (i, chunk) in aruba[20..].chunks(64).enumerate() {
        let part = fragment4(47, chunk, 1, i as u16 * 64, (i + 1) * 64 < aruba.len() - 20);
        decoder.decode(&frame(RAW, &part, part.len(), 0));
    }
    assert_eq!((decoder.fragment_counters().reassembled, decoder.holds_more()), (1, false));
}

#[test]
fn cut_and_damaged_aggregates_end() {
    let aggregate = aggregate_of(&[&syn4(b"a"), &syn6(b"bc"), &syn4(b"def")]);
    for cut in 0..aggregate.len() {
        assert!(decode_all(LinkType(105), &aggregate[..cut]).len() <= 3, "cut at {cut}");
    }
    for at in 0..aggregate.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut flipped = aggregate.clone();
            flipped[at] ^= flip;
            assert!(decode_all(LinkType(105), &flipped).len() <= 8, "{at} {flip:#x}");
        }
    }
    // Subframes of nothing never end by themselves.
    let empty = join(&[&[0x88, 0x02, 0, 0], &[2; 18], &[0, 0], &[0x80, 0], &[0; 9000]]);
    assert_eq!(decode_all(LinkType(105), &empty).len(), 1);
    let tiny = [&[2; 12][..], &[0, 1], &[9, 0]].concat().repeat(600);
    let many = join(&[&[0x88, 0x02, 0, 0], &[2; 18], &[0, 0], &[0x80, 0], &tiny]);
    assert_eq!(decode_all(LinkType(105), &many).len(), 181);
}

/// L2TP of either version around `inner`, with and without what is optional.
fn l2tp(inner: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let ether = &ethernet(inner);
    let ppp = &join(&[if inner[0] >> 4 == 4 { &[0xff, 3, 0, 0x21] } else { &[0xff, 3, 0, 0x57] }, inner]);
    let stated = (ppp.len() as u16 + 8).to_be_bytes();
    let sublayer = [0x40, 0, 0, 1];
    vec![
        (17, udp(1701, &join(&[&[0, 2, 0x11, 0x11, 0, 1], ppp]))),
        (17, udp(1701, &join(&[&[0, 2, 0x11, 0x11, 0, 1], &ppp[2..]]))),
        (17, udp(1701, &join(&[&[0, 2, 0x11, 0x11, 0, 1], &ppp[3..]]))),
        (17, udp(1701, &join(&[&[0x40, 2], &stated, &[0x11, 0x11, 0, 1], ppp, &[0xee; 5]]))),
        (17, udp(1701, &join(&[&[0x0b, 2, 0x11, 0x11, 0, 1, 0, 7, 0, 0, 0, 3, 9, 9, 9], ppp]))),
        (17, udp(1701, &join(&[&[0, 3, 0, 0, 0, 0, 0, 5], ether]))),
        (17, udp(1701, &join(&[&[0, 3, 0, 0, 0, 0, 0, 5], &sublayer, ppp]))),
        (115, join(&[&[0, 0, 0, 5], &sublayer, ether])),
        (115, join(&[&[0, 0, 0, 5], ether])),
        (115, join(&[&[0, 0, 0, 5], ppp])),
        (115, join(&[&[0, 0, 0, 5], &[0xc0; 4], &sublayer, ether])),
        (115, join(&[&[0, 0, 0, 5], &[0xc0; 8], &sublayer, ppp])),
    ]
}

/// AYIYA, GRE and CAPWAP over UDP.
fn others_over_udp(inner: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let next = if inner[0] >> 4 == 4 { 4 } else { 41 };
    let capwap = |header: &[u8], frame: &[u8]| (17, udp(5247, &join(&[header, frame])));
    let bare = [0, 0x10, 0x03, 0, 0, 0, 0, 0];
    let with_radio = [0, 0x20, 0x03, 0x20, 0, 0, 0, 0, 4, 0xbf, 0x23, 0, 0, 0, 0, 0];
    vec![
        (17, udp(5072, &join(&[&[0x41, 0x52, 0x11, next, 0, 0, 0, 9], &[7; 16], &[8; 20], inner]))),
        (17, udp(5072, &join(&[&[0, 0, 1, next, 0, 0, 0, 9], &[7; 1], inner]))),
        (17, udp(4754, &join(&[&[0, 0], &ether_type(inner), inner]))),
        (17, udp(4754, &join(&[&[0x30, 0], &ether_type(inner), &[0; 8], inner]))),
        capwap(&bare, &wireless([0x08, 0x01], 0, inner)),
        // As access points send it: the octets of fields exchanged.
        capwap(&with_radio, &wireless([0x11, 0x08], 0x76, inner)),
        capwap(&bare, &aggregate(inner)),
        capwap(&[0, 0x10, 0, 0, 0, 0, 0, 0], &ethernet(inner)),
    ]
}

/// Tunnels around `inner`: IP protocol and payload of the outer packet.
fn tunnels(inner: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (kind, ether) = (&ether_type(inner), &ethernet(inner));
    let v4 = inner[0] >> 4 == 4;
    let len = (inner.len() as u16).to_be_bytes();
    let ppp = join(&[if v4 { &[0xff, 3, 0, 0x21] } else { &[0xff, 3, 0, 0x57] }, inner]);
    let vxlan = join(&[&[8, 0, 0, 0, 0, 0, 5, 0], ether]);
    let gtp = |flags: u8, extra: &[u8]| {
        let len = (inner.len() as u16 + extra.len() as u16).to_be_bytes();
        udp(2152, &join(&[&[flags, 255], &len, &[0, 0, 0, 7], extra, inner]))
    };
    let mut all = vec![
        (if v4 { 4 } else { 41 }, inner.to_vec()),
        (47, join(&[&[0, 0], kind, inner])),
        (47, join(&[&[0xb0, 0], kind, &[0; 12], inner])),
        (47, join(&[&[0x40, 0], kind, &[0; 4], &[8, 0, 0, 4, 1, 2, 3, 4], &[0; 4], inner])),
        (47, join(&[&[0x20, 0, 0x65, 0x58, 0, 0, 9, 0], ether])),
        (47, join(&[&[0x30, 0x81, 0x88, 0x0b], &len, &[0, 7], &[0; 8], &ppp])),
        (47, join(&[&[0, 0, 0x88, 0xbe], ether])),
        (47, join(&[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 5, 0, 1, 0, 0, 0, 0], ether])),
        (47, join(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], ether])),
        (47, join(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], &[4; 8], ether])),
        (97, join(&[&[0x30, 0], ether])),
        (137, join(&[&[0, 1, 0xe1, 63], inner])),
        (17, udp(4789, &vxlan)),
        (17, udp(8472, &vxlan)),
        (17, udp(4790, &join(&[&[0x0c, 0, 0, 3, 0, 0, 5, 0], ether]))),
        (17, udp(4790, &join(&[&[0x0c, 0, 0, if v4 { 1 } else { 2 }, 0, 0, 5, 0], inner]))),
        (17, udp(6081, &join(&[&[0, 0, 0x65, 0x58, 0, 0, 3, 0], ether]))),
        (17, udp(6081, &join(&[&[2, 0], kind, &[0, 0, 3, 0], &[1, 2, 0, 1, 9, 9, 9, 9], inner]))),
        (17, gtp(0x30, &[])),
        (17, gtp(0x32, &[0, 1, 0, 0])),
        (17, gtp(0x34, &[0, 1, 0, 0x85, 1, 0, 9, 0xc0, 1, 0, 0, 0])),
    ];
    all.extend(l2tp(inner));
    all.extend(others_over_udp(inner));
    all.push((47, join(&[&[0x20, 1, 0x64, 0], &(ether.len() as u16).to_be_bytes(), &[9, 0], ether])));
    all.push((47, join(&[&[0, 0, 0x82, 0], &wireless([0x08, 0x01], 0, inner)])));
    all.push((47, join(&[&[0, 0, 0x83, 0x40], &aggregate(inner)])));
    if !v4 {
        all.push((17, udp(3544, inner)));
        all.push((17, udp(3544, &join(&[&[0, 1, 0, 0], &[7; 9], &[0, 0, 1, 2, 3, 4, 5, 6], inner]))));
    }
    all
}

#[test]
fn tunnels_lead_to_the_innermost_segment() {
    for inner in [syn4(b"abc"), syn6(b"abc")] {
        for (protocol, payload) in tunnels(&inner) {
            for outer in [ipv4(protocol, &payload), ipv6(protocol, &payload)] {
                let tagged = join(&[&[2; 12], &[0x81, 0, 0, 44], &ether_type(&outer), &outer]);
                let s = segment(decode(ETHERNET, &tagged));
                assert_eq!((s.seq.0, s.payload, s.vlan, s.checksum), (SEQ, 3, 44, Checksum::Good), "{payload:02x?}");
                for cut in 0..tagged.len() {
                    match decoder().decode(&frame(ETHERNET, &tagged[..cut], tagged.len(), 0)) {
                        Outcome::Tcp(s) => assert!(s.truncated && s.payload == 3, "cut at {cut}"),
                        Outcome::Skip(reason) => assert_ne!(reason, SkipReason::MalformedIp, "cut at {cut}"),
                        Outcome::Icmp(_) | Outcome::UnknownLink(_) => panic!("no ICMP"),
                    }
                }
            }
        }
    }
}

/// What stands before the inner packet may be damaged: then that is not found, or it is the same.
#[test]
fn no_flip_makes_another_segment_of_a_tunnel() {
    /// The protocol of the outer header: one bit makes TCP of IP in IP.
    const PROTOCOL: usize = 9;
    let inner = syn6(b"abc");
    for (protocol, payload) in tunnels(&inner) {
        let outer = ipv4(protocol, &payload);
        let before = outer.windows(inner.len()).position(|part| part == inner).expect("it is inside");
        for at in 0..outer.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut flipped = outer.clone();
                flipped[at] ^= flip;
                let outcome = decode(RAW, &flipped);
                if let Outcome::Tcp(s) = outcome
                    && at < before
                    && at != PROTOCOL
                {
                    assert_eq!((s.seq.0, s.payload), (SEQ, 3), "{at} {flip:#x} of {outer:02x?}");
                }
            }
        }
    }
}

/// Ordinary datagrams that begin like something that is tunnelled.
fn ordinary_datagrams() -> Vec<Vec<u8>> {
    let quic = [&[0x40][..], &[0x5a; 300]].concat();
    let quic_like_v6 = [&[0x60][..], &[0x5a; 300]].concat();
    let dns = [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7][..], b"example", &[3], b"com", &[0, 0, 1, 0, 1]].concat();
    let zeros = vec![0; 64];
    let game = [&[0, 2][..], &[0; 100]].concat();
    // A header that could be L2TP's or AYIYA's, and text behind it.
    let l2tp = [&[0, 2, 0x11, 0x11, 0, 1][..], &[b'E'; 100]].concat();
    let ayiya = [&[0x41, 0x52, 0x11, 41, 0, 0, 0, 9][..], &[b'`'; 136]].concat();
    let too_long = [&[0, 0, 8, 0, 0x45, 0, 5, 0][..], &[6; 60]].concat();
    vec![quic, quic_like_v6, dns, zeros, game, l2tp, ayiya, too_long, b"OPTIONS sip:a@b SIP/2.0\r\n\r\n".to_vec()]
}

#[test]
fn what_only_looks_like_a_tunnel_is_not_tcp() {
    for port in [1701, 2152, 3544, 4754, 4789, 4790, 5072, 5247, 6081, 53] {
        assert_eq!(skipped(decode(RAW, &ipv4(17, &udp(port, &[0x18; 60])))), SkipReason::NotTcp, "port {port}");
        for datagram in ordinary_datagrams() {
            let outcome = decode(RAW, &ipv4(17, &udp(port, &datagram)));
            assert_eq!(skipped(outcome), SkipReason::NotTcp, "port {port} {datagram:02x?}");
        }
    }
    for payload in [vec![0; 60], vec![1; 60], [&[0, 0, 0, 5][..], &[0x45; 60]].concat()] {
        assert_eq!(skipped(decode(RAW, &ipv4(115, &payload))), SkipReason::NotTcp, "{payload:02x?}");
    }
    let arp = join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &[2; 12], &[8, 6], &[0; 28]]);
    assert_eq!(skipped(decode(RAW, &ipv4(17, &udp(4789, &arp)))), SkipReason::NotTcp);
}

/// Between a client and a relay the ports are any, so that the addresses must tell.
#[test]
fn teredo_is_known_by_its_addresses() {
    let teredo = |prefix: [u8; 4], extra: &[u8]| {
        let mut packet = syn6(b"abc");
        packet[8..12].copy_from_slice(&prefix);
        decode(RAW, &ipv4(17, &udp(51_413, &join(&[&packet, extra]))))
    };
    assert_eq!(segment(teredo([0x20, 1, 0, 0], &[])).seq.0, SEQ);
    assert_eq!(skipped(teredo([0x20, 1, 0, 1], &[])), SkipReason::NotTcp);
    assert_eq!(skipped(teredo([0x20, 1, 0, 0], &[0])), SkipReason::NotTcp, "something follows");
}

#[test]
fn control_messages_and_keep_alives_carry_nothing() {
    let inner = syn4(b"");
    let skip = |port: u16, header: &[u8]| skipped(decode(RAW, &ipv4(17, &udp(port, &join(&[header, &inner])))));
    assert_eq!(skip(1701, &[0xc8, 2, 0, 60, 0x11, 0x11, 0, 0, 0, 0, 0, 1]), SkipReason::NotTcp);
    assert_eq!(skip(1701, &[0, 3, 0, 0, 0, 0, 0, 0]), SkipReason::NotTcp);
    assert_eq!(skip(5247, &[0, 0x10, 0x03, 0x08, 0, 0, 0, 0]), SkipReason::NotTcp);
    assert_eq!(skip(5247, &[1, 0, 0, 0]), SkipReason::NotTcp, "DTLS");
    let later = join(&[&[0, 0x10, 0x03, 0x80, 0, 1, 0, 8], &[0; 60]]);
    assert_eq!(skipped(decode(RAW, &ipv4(17, &udp(5247, &later)))), SkipReason::Fragment);
    // The first of two fragments holds the headers.
    let whole = syn4(&[7; 100]);
    let first = join(&[&[0, 0x10, 0x03, 0x80, 0, 1, 0, 0], &wireless([8, 1], 0, &whole)[..90]]);
    let s = segment(decode(RAW, &ipv4(17, &udp(5247, &first))));
    assert_eq!((s.seq.0, s.payload, s.truncated), (SEQ, 100, true));
}

/// As providers of access do it: Ethernet, PPPoE, IP, L2TP, PPP, and the customer's packet in IPv6.
#[test]
fn ppp_in_l2tp_in_ppp() {
    let inner = syn6(b"abc");
    let ppp = join(&[&[0xff, 3, 0, 0x57], &inner]);
    let l2tp = join(&[&[0, 2, 0x11, 0x11, 0, 1], &ppp]);
    let outer = join(&[&[0, 0x21], &ipv4(17, &udp(1701, &l2tp))]);
    let pppoe = join(&[&[0x11, 0, 0, 5], &(outer.len() as u16).to_be_bytes(), &outer]);
    let frame = join(&[&[2; 12], &[0x88, 0x64], &pppoe]);
    assert_eq!(segment(decode(ETHERNET, &frame)).seq.0, SEQ);
    // And again and again: it ends.
    let nested = |levels: usize| {
        (0..levels).fold(syn4(b""), |inner, _| {
            let l2tp = join(&[&[0, 2, 0x11, 0x11, 0, 1, 0xff, 3, 0, 0x21], &inner]);
            ipv4(17, &udp(1701, &l2tp))
        })
    };
    assert_eq!(segment(decode(RAW, &nested(8))).seq.0, SEQ);
    assert_eq!(skipped(decode(RAW, &nested(40))), SkipReason::TunnelDepth);
}

/// Options that make no sense do not hide the segment behind them as long as the lengths hold.
#[test]
fn malformed_ip_options_are_passed() {
    let plain = syn4(b"abc");
    for options in [[7, 0, 0, 0], [0x44, 255, 5, 1], [1, 1, 1, 0x83], [0xff; 4], [0x88, 1, 0, 0]] {
        let mut packet = join(&[&plain[..20], &options, &plain[20..]]);
        packet[0] = 0x46;
        packet[3] += 4;
        let s = segment(decode(RAW, &packet));
        assert_eq!((s.seq.0, s.payload, s.ip_options_len, s.checksum), (SEQ, 3, 4, Checksum::Good), "{options:02x?}");
    }
    let plain = syn6(b"abc");
    for options in [[200, 9, 9, 9, 9, 9], [1, 255, 0, 0, 0, 0], [0xc2, 0, 0, 0, 0, 0], [0xff; 6]] {
        let extension = join(&[&[6, 0], &options]);
        for kind in [0, 60] {
            let s = segment(decode(RAW, &ipv6(kind, &join(&[&extension, &plain[40..]]))));
            assert_eq!((s.seq.0, s.payload, s.checksum), (SEQ, 3, Checksum::Good), "{kind} {options:02x?}");
        }
    }
}

#[test]
fn nesting_ends() {
    let nested = |levels: usize| (0..levels).fold(syn4(b""), |inner, _| ipv4(4, &inner));
    assert_eq!(segment(decode(RAW, &nested(8))).seq.0, SEQ);
    assert_eq!(skipped(decode(RAW, &nested(60))), SkipReason::TunnelDepth);
}

#[test]
fn a_tunnel_may_come_in_fragments() {
    let outer = udp(4789, &join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &ethernet(&syn4(&[1; 100]))]));
    let mut decoder = decoder();
    let mut last = None;
    for (i, chunk) in outer.chunks(48).enumerate() {
        let part = fragment4(17, chunk, 1, i as u16 * 48, (i + 1) * 48 < outer.len());
        last = Some(decoder.decode(&frame(RAW, &part, part.len(), 0)));
    }
    assert_eq!(segment(last.unwrap()).payload, 100);
}

#[test]
fn icmp_errors_quote_segments() {
    let quote = |packet: Vec<u8>| match decode(RAW, &packet) {
        Outcome::Icmp(quote) => Some((quote.kind, quote.source.port, quote.destination.port, quote.seq.0, quote.v6)),
        _ => None,
    };
    let v4 = |kind: u8, code: u8| quote(ipv4(1, &join(&[&[kind, code], &[0; 6], &syn4(b"")[..28]])));
    let v6 = |kind: u8, code: u8| quote(ipv6(58, &join(&[&[kind, code], &[0; 6], &syn6(b"")[..48]])));
    let expected = |kind, v6| Some((kind, 40_000, 80, SEQ, v6));
    assert_eq!(v4(3, 13), expected(IcmpKind::Unreachable(13), false));
    assert_eq!(v4(3, 4), expected(IcmpKind::PacketTooBig, false));
    assert_eq!(v4(11, 0), expected(IcmpKind::TimeExceeded, false));
    assert_eq!(v4(4, 0), expected(IcmpKind::Other(4), false));
    assert_eq!(v4(12, 0), expected(IcmpKind::Other(12), false));
    assert_eq!((v4(5, 1), v4(8, 0)), (None, None));
    assert_eq!(v6(1, 4), expected(IcmpKind::Unreachable(4), true));
    assert_eq!(v6(2, 0), expected(IcmpKind::PacketTooBig, true));
    assert_eq!(v6(3, 0), expected(IcmpKind::TimeExceeded, true));
    assert_eq!(v6(4, 1), expected(IcmpKind::Other(4), true));
    assert_eq!((v6(128, 0), v6(137, 0)), (None, None));
    let with_options = ipv6(60, &join(&[&[6, 0, 1, 4, 0, 0, 0, 0], &syn6(b"")[40..]]));
    assert!(quote(ipv6(58, &join(&[&[1, 0, 0, 0, 0, 0, 0, 0], &with_options]))).is_some());
    let short = ipv4(1, &join(&[&[3, 1, 0, 0, 0, 0, 0, 0], &syn4(b"")[..27]]));
    assert_eq!(skipped(decode(RAW, &short)), SkipReason::TruncatedTcp);
    let of_udp = ipv4(1, &join(&[&[3, 3, 0, 0, 0, 0, 0, 0], &ipv4(17, &udp(53, &[]))]));
    assert_eq!(skipped(decode(RAW, &of_udp)), SkipReason::NotTcp);
}

proptest! {
    #[test]
    fn any_payload_of_any_protocol_gives_an_outcome(
        protocol: u8,
        port: u16,
        payload in proptest::collection::vec(any::<u8>(), 0..120),
        cut in 0usize..180,
    ) {
        let ports = [4789, 8472, 4790, 6081, 2152, 3544, 6635, port];
        let mut packets = vec![ipv4(protocol, &payload), ipv6(protocol, &payload), ipv4(47, &payload), ipv6(58, &payload)];
        packets.extend(ports.map(|port| ipv4(17, &udp(port, &payload))));
        for packet in packets {
            let captured = &packet[..cut.min(packet.len())];
            decoder().decode(&frame(RAW, captured, packet.len(), 0));
        }
    }

    #[test]
    fn any_fragments_give_outcomes_within_the_bound(
        parts in proptest::collection::vec((0u16..100, 0u16..8190, 0usize..200, any::<bool>(), 0i64..100), 1..300),
    ) {
        let mut decoder = decoder();
        for (id, offset, len, more, time) in parts {
            let part = fragment4(6, &[0x50; 200][..len], id, offset * 8, more);
            decoder.decode(&frame(RAW, &part, part.len(), time));
            prop_assert!(decoder.fragments_pending() <= 64);
        }
    }
}
