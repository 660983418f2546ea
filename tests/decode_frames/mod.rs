//! Frames built octet by octet, for the decoder's tests.
// Each test binary uses its own part of this.
#![allow(dead_code, clippy::unwrap_used)]

use etherparse::{Ipv4Header, Ipv6FlowLabel, Ipv6Header, PacketBuilder};
use synscope::decode::{Config, Decoder, Frame, LinkType, Outcome, SkipReason};
use synscope::tcp::Segment;
use synscope::time::{SECOND, Timestamp};

pub(crate) const ETHERNET: LinkType = LinkType(1);
pub(crate) const RAW: LinkType = LinkType(101);
pub(crate) const SEQ: u32 = 0x1234_5678;

/// An IPv4 packet with a SYN: 40 octets and `payload`.
pub(crate) fn syn4(payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv4([10, 1, 2, 3], [10, 9, 8, 7], 61)
        .tcp(40_000, 80, SEQ, 1024)
        .syn()
        .write(&mut packet, payload)
        .unwrap();
    packet
}

/// An IPv6 packet with a SYN: 60 octets and `payload`.
pub(crate) fn syn6(payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let (source, destination) = ([0x20; 16], [0x21; 16]);
    let header = Ipv6Header {
        flow_label: Ipv6FlowLabel::try_new(0xabcde).unwrap(),
        hop_limit: 61,
        source,
        destination,
        ..Ipv6Header::default()
    };
    PacketBuilder::ip(etherparse::IpHeaders::Ipv6(header, etherparse::Ipv6Extensions::default()))
        .tcp(40_000, 80, SEQ, 1024)
        .syn()
        .write(&mut packet, payload)
        .unwrap();
    packet
}

pub(crate) fn ether_type(packet: &[u8]) -> [u8; 2] {
    if packet[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] }
}

pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &ether_type(packet), packet])
}

/// An IPv4 header of the given protocol before `payload`.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    fragment4(protocol, payload, 7, 0, false)
}

/// An IPv4 fragment; `offset` in octets.
pub(crate) fn fragment4(protocol: u8, payload: &[u8], id: u16, offset: u16, more: bool) -> Vec<u8> {
    let mut header =
        Ipv4Header::new(payload.len() as u16, 61, etherparse::IpNumber(protocol), [10, 1, 2, 3], [10, 9, 8, 7])
            .unwrap();
    header.identification = id;
    header.dont_fragment = false;
    header.more_fragments = more;
    header.fragment_offset = (offset / 8).try_into().unwrap();
    let mut packet = Vec::new();
    header.write(&mut packet).unwrap();
    packet.extend_from_slice(payload);
    packet
}

/// An IPv6 header with the given next header before `payload`.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    join(&[&[0x60, 0, 0, 0], &len, &[next, 61], &[0x20; 16], &[0x21; 16], payload])
}

pub(crate) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16 + 8).to_be_bytes();
    join(&[&[0xc0, 0], &port.to_be_bytes(), &len, &[0, 0], payload])
}

pub(crate) fn decoder() -> Decoder {
    Decoder::new(Config::default())
}

pub(crate) fn frame(link: LinkType, data: &[u8], wire_len: usize, seconds: i64) -> Frame<'_> {
    let time = Timestamp(seconds * SECOND);
    Frame { number: 1, time, link, interface: 3, wire_len: wire_len as u32, data }
}

pub(crate) fn decode(link: LinkType, data: &[u8]) -> Outcome {
    decoder().decode(&frame(link, data, data.len(), 0))
}

#[track_caller]
pub(crate) fn segment(outcome: Outcome) -> Segment {
    match outcome {
        Outcome::Tcp(segment) => segment,
        other => panic!("no segment: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn skipped(outcome: Outcome) -> SkipReason {
    match outcome {
        Outcome::Skip(reason) => reason,
        other => panic!("not skipped: {other:?}"),
    }
}
