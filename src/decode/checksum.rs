//! The Internet checksum (RFC 1071) over a TCP segment and its pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1).
//!
//! Judges what a bystander can judge: a sum that a network card was still to finish is no error, and what was not captured in
//! full cannot be verified. Fragments have been put together before.

use super::ip::Address;
use super::octets::Octets;
use crate::tcp::Checksum;

const PROTOCOL_TCP: u64 = 6;

/// Judges the checksum `field` of a TCP segment.
///
/// `doubtful` says that the length or the final destination is a guess, so that a sum which does not verify proves nothing.
pub(super) fn judge<A: Address>(
    source: A,
    destination: A,
    segment: Octets<'_>,
    field: u16,
    doubtful: bool,
) -> Checksum {
    let addresses = source.sum() + destination.sum() + PROTOCOL_TCP;
    let pseudo = addresses + segment.len as u64;
    let cut = segment.is_cut();
    if !cut && fold(pseudo + u64::from(sum(segment.data))) == 0xffff {
        return Checksum::Good;
    }
    if field == fold(pseudo) || field == fold(addresses) {
        return Checksum::Offload;
    }
    if cut || doubtful { Checksum::Unverifiable } else { Checksum::Bad }
}

/// One's complement sum of 16-bit big-endian words, odd octet padded with zero, not complemented.
pub(super) fn sum(data: &[u8]) -> u16 {
    // The sum does not care about byte order but for a swap of the result (RFC 1071 section 2 B), nor about the width
    // of the words added: 32-bit words in 64-bit lanes cannot overflow below 16 GiB, and the loop vectorises.
    let (blocks, rest) = data.as_chunks::<64>();
    let mut lanes = [0u64; 16];
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<4>().0) {
            *lane += u64::from(u32::from_ne_bytes(*word));
        }
    }
    let (words, tail) = rest.as_chunks::<4>();
    let mut total: u64 = if blocks.is_empty() { 0 } else { lanes.iter().sum() };
    for word in words {
        total += u64::from(u32::from_ne_bytes(*word));
    }
    total += u64::from(u32::from_ne_bytes(match *tail {
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c] => [a, b, c, 0],
        _ => [0; 4],
    }));
    u16::from_be(fold(total))
}

/// Adds the carries back in until 16 bits are left.
const fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn slowly(data: &[u8]) -> u16 {
        let mut total = 0u32;
        for pair in data.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            total = (total >> 16) + (total & 0xffff);
        }
        total as u16
    }

    #[test]
    fn adds_what_the_definition_adds() {
        let data: Vec<u8> = (0..400u32).map(|i| (i * 167 + i / 3) as u8).collect();
        for len in 0..data.len() {
            assert_eq!(sum(&data[..len]), slowly(&data[..len]), "{len} octets");
        }
        assert_eq!(sum(&[0xff; 9000]), slowly(&[0xff; 9000]));
    }

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
    }

    #[test]
    fn tells_good_offloaded_bad_and_cut_apart() {
        let (source, destination) = (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST);
        let mut segment = [0u8; 32];
        segment[..4].copy_from_slice(&[0x9c, 0x40, 0, 80]);
        segment[12] = 0x80;
        let check = |bytes: &[u8; 32], captured: usize, doubtful| {
            let field = u16::from_be_bytes([bytes[16], bytes[17]]);
            judge(source, destination, Octets::new(&bytes[..captured], 32), field, doubtful)
        };
        assert_eq!(check(&segment, 32, false), Checksum::Bad);
        assert_eq!(check(&segment, 32, true), Checksum::Unverifiable);
        assert_eq!(check(&segment, 31, false), Checksum::Unverifiable);
        // What Linux leaves in the field on its loopback interface (findings A.9).
        segment[16..18].copy_from_slice(&[0xfe, 0x28]);
        assert_eq!(check(&segment, 32, false), Checksum::Offload);
        assert_eq!(check(&segment, 20, false), Checksum::Offload);
        segment[16..18].copy_from_slice(&[0xfe, 0x08]);
        assert_eq!(check(&segment, 32, false), Checksum::Offload, "length left out");
        segment[16..18].fill(0);
        let whole = 0xfe28u32 + u32::from(sum(&segment));
        let good = !(((whole >> 16) + (whole & 0xffff)) as u16);
        segment[16..18].copy_from_slice(&good.to_be_bytes());
        assert_eq!(check(&segment, 32, false), Checksum::Good);
    }
}
