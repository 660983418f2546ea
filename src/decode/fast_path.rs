//! The ordinary frame, which most of all frames are: Ethernet, perhaps with one VLAN tag, and TCP right behind an IP
//! header that has neither options nor extensions and is no fragment's, with a header of its own that was captured
//! whole.
//!
//! Says what the general way would say, with fewer instructions, and leaves everything else to it. Knows nothing that
//! [`super::link`] and [`super::ip`] do not know.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::ip::{IpHeader, protocol};
use super::octets::Octets;
use super::tcp::{self, Surroundings};
use super::{Frame, LinkType, Outcome};

/// The link type of the frames that are looked at here.
pub(super) const LINK: LinkType = LinkType(1);

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
/// Octets of an Ethernet header, and of one with a VLAN tag.
const ETHERNET: usize = 14;
const TAGGED: usize = 18;

/// Decodes `frame` if it is ordinary; if not, returns false and leaves `outcome` alone.
#[inline(always)]
pub(super) fn decode(frame: &Frame<'_>, verify: bool, outcome: &mut Outcome) -> bool {
    let octets = Octets::new(frame.data, frame.wire_len as usize);
    let Some(ethernet) = frame.data.first_chunk::<TAGGED>() else { return false };
    let kind = u16::from_be_bytes([ethernet[12], ethernet[13]]);
    let (kind, vlan, header_len) = if kind == VLAN {
        let id = u16::from_be_bytes([ethernet[14], ethernet[15]]) & 0x0fff;
        (u16::from_be_bytes([ethernet[16], ethernet[17]]), id, TAGGED)
    } else {
        (kind, 0, ETHERNET)
    };
    let Some(packet) = octets.skip(header_len) else { return false };
    let around = Surroundings { frame, vlan, verify };
    match kind {
        IPV4 => v4(packet, around, outcome),
        IPV6 => v6(packet, around, outcome),
        _ => false,
    }
}

#[inline(always)]
fn v4(packet: Octets<'_>, around: Surroundings<'_>, outcome: &mut Outcome) -> bool {
    const VERSION_AND_LEN: u8 = 0x45;
    const LEN: usize = 20;
    const DONT_FRAGMENT: u16 = 0x4000;
    const MORE_AND_OFFSET: u16 = 0x3fff;
    let Some(header) = packet.data.first_chunk::<LEN>() else { return false };
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    if header[0] != VERSION_AND_LEN || header[9] != protocol::TCP || fragment & MORE_AND_OFFSET != 0 || total < LEN {
        return false;
    }
    let Some(payload) = packet.of_len(total).skip(LEN) else { return false };
    let address = |at: usize| Ipv4Addr::from(part::<4, LEN>(header, at));
    let ip = IpHeader {
        source: address(12),
        destination: address(16),
        ttl: header[8],
        traffic_class: header[1],
        id: u16::from_be_bytes([header[4], header[5]]),
        flow_label: 0,
        options_len: 0,
        dont_fragment: fragment & DONT_FRAGMENT != 0,
        fragmented: false,
        doubtful: false,
    };
    tcp::whole_segment(ip, payload, around, outcome)
}

#[inline(always)]
fn v6(packet: Octets<'_>, around: Surroundings<'_>, outcome: &mut Outcome) -> bool {
    const VERSION: u32 = 6;
    const LEN: usize = 40;
    let Some(header) = packet.data.first_chunk::<LEN>() else { return false };
    let first = u32::from_be_bytes(part(header, 0));
    let stated = usize::from(u16::from_be_bytes([header[4], header[5]]));
    if first >> 28 != VERSION || header[6] != protocol::TCP || stated == 0 {
        return false;
    }
    let Some(behind) = packet.skip(LEN) else { return false };
    let address = |at: usize| Ipv6Addr::from(part::<16, LEN>(header, at));
    let ip = IpHeader {
        source: address(8),
        destination: address(24),
        ttl: header[7],
        traffic_class: (first >> 20) as u8,
        id: 0,
        flow_label: first & 0x000f_ffff,
        options_len: 0,
        dont_fragment: false,
        fragmented: false,
        doubtful: false,
    };
    tcp::whole_segment(ip, behind.of_len(stated), around, outcome)
}

/// The `N` octets at `at`, a place known to the compiler and inside the header.
#[inline(always)]
fn part<const N: usize, const LEN: usize>(header: &[u8; LEN], at: usize) -> [u8; N] {
    header.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Decoder, SkipReason};
    use super::*;
    use crate::time::Timestamp;

    /// Ethernet up to its type.
    const STATIONS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    const TIMES: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9];

    fn tcp_with(options: &[u8]) -> Vec<u8> {
        let offset = ((20 + options.len()) as u8 / 4) << 4;
        let mut segment = vec![0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, offset, 0x18, 0xff, 0, 0xab, 0xcd, 0, 3];
        segment.extend_from_slice(options);
        segment.extend_from_slice(b"GET /");
        segment
    }

    fn in_v4(segment: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0x02, 0, 20 + segment.len() as u8, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0];
        packet.extend_from_slice(&[192, 0, 2, 1, 198, 51, 100, 2]);
        packet.extend_from_slice(segment);
        packet
    }

    fn in_v6(segment: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x61, 0x2a, 0xbc, 0xde, 0, segment.len() as u8, 6, 57];
        packet.extend_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        packet.extend_from_slice(segment);
        packet
    }

    fn framed(tag_and_type: &[u8], packet: &[u8]) -> Vec<u8> {
        [&STATIONS[..], tag_and_type, packet, &[0; 6]].concat()
    }

    fn frames() -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for options in [&[][..], &TIMES, &[2, 4, 5, 0xb4, 1, 3, 3, 7]] {
            let segment = tcp_with(options);
            frames.push(framed(&[8, 0], &in_v4(&segment)));
            frames.push(framed(&[0x81, 0, 0x20, 5, 8, 0], &in_v4(&segment)));
            frames.push(framed(&[0x86, 0xdd], &in_v6(&segment)));
            frames.push(framed(&[0x81, 0, 0x20, 5, 0x86, 0xdd], &in_v6(&segment)));
        }
        frames
    }

    /// Decodes both ways; returns whether the frame was ordinary.
    fn check(data: &[u8], wire_len: usize, verify: bool) -> bool {
        let wire_len = wire_len as u32;
        let frame = Frame { number: 7, time: Timestamp(11), link: LINK, interface: 2, wire_len, data };
        let mut outcome = Outcome::Skip(SkipReason::NotIp);
        let ordinary = decode(&frame, verify, &mut outcome);
        if ordinary {
            let mut decoder = Decoder::new(Config { verify_checksums: verify, ..Config::default() });
            let mut general = Outcome::Skip(SkipReason::NotIp);
            decoder.decode_any(&frame, &mut general);
            assert_eq!(format!("{outcome:?}"), format!("{general:?}"), "{data:02x?} of {wire_len}");
        } else {
            assert!(matches!(outcome, Outcome::Skip(SkipReason::NotIp)), "touched, and left to the general way");
        }
        ordinary
    }

    #[test]
    fn takes_ordinary_frames() {
        for frame in frames() {
            assert!(check(&frame, frame.len(), true));
            assert!(check(&frame, frame.len(), false));
        }
    }

    #[test]
    fn says_what_the_general_way_says_of_cut_frames() {
        for frame in frames() {
            for captured in 0..frame.len() {
                check(&frame[..captured], frame.len(), true);
                check(&frame[..captured], captured, true);
            }
        }
    }

    #[test]
    fn says_what_the_general_way_says_of_forged_frames() {
        for mut frame in frames() {
            for at in 0..frame.len() {
                let octet = frame[at];
                for forged in 0..=u8::MAX {
                    frame[at] = forged;
                    check(&frame, frame.len(), true);
                }
                frame[at] = octet;
            }
        }
    }
}
