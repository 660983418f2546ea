//! The Internet checksum (RFC 1071) over a TCP segment and its pseudo header (RFC 9293 section 3.1, RFC 8200 section
//! 8.1).
//!
//! Judges what a bystander can judge: a sum that a network card was still to finish is no error, and what was not
//! captured in full cannot be verified. Fragments have been put together before.

use super::ip::Address;
use super::octets::Octets;
use crate::tcp::Checksum;

/// As the pseudo header has it, in the order of this machine like everything that is added here: that order does not
/// matter but for a swap of the result (RFC 1071 section 2 B).
const PROTOCOL_TCP: u32 = 6u32.to_be();

/// Judges the checksum `field` of a TCP segment.
///
/// `doubtful` says that the length or the final destination is a guess, so that a sum which does not verify proves
/// nothing.
#[inline(always)]
pub(super) fn judge<A: Address>(
    source: A,
    destination: A,
    segment: Octets<'_>,
    field: u16,
    doubtful: bool,
) -> Checksum {
    let addresses = source.sum() + destination.sum() + u64::from(PROTOCOL_TCP);
    let pseudo = addresses + u64::from((segment.len as u32).to_be());
    let cut = segment.is_cut();
    if !cut && fold(pseudo + add(segment.data)) == 0xffff {
        return Checksum::Good;
    }
    if field.to_be() == fold(pseudo) || field.to_be() == fold(addresses) {
        return Checksum::Offload;
    }
    if cut || doubtful { Checksum::Unverifiable } else { Checksum::Bad }
}

/// Sum of the 16-bit words, odd octet padded with zero, with its carries still to be added by [`fold`].
#[inline(always)]
fn add(data: &[u8]) -> u64 {
    let (mut total, data) = if data.len() < 64 { (0, data) } else { add_blocks(data) };
    let (words, tail) = data.as_chunks::<4>();
    let (pairs, last) = words.as_chunks::<2>();
    // So few that lanes do not pay: as 64-bit words, with the carries gathered in the upper half.
    let mut wide = 0u128;
    for [first, second] in pairs {
        let pair = u64::from(u32::from_ne_bytes(*first)) | u64::from(u32::from_ne_bytes(*second)) << 32;
        wide += u128::from(pair);
    }
    total += (wide >> 64) as u64 + u64::from((wide >> 32) as u32) + u64::from(wide as u32);
    if let [word] = last {
        total += u64::from(u32::from_ne_bytes(*word));
    }
    if tail.is_empty() {
        return total;
    }
    let word = match *tail {
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c] => [a, b, c, 0],
        _ => [0; 4],
    };
    total + u64::from(u32::from_ne_bytes(word))
}

/// The sum of all whole blocks of 64 octets, and the octets behind them.
#[inline(never)]
fn add_blocks(data: &[u8]) -> (u64, &[u8]) {
    // The width of the words added does not matter either: 32-bit words in 64-bit lanes cannot overflow below 16 GiB,
    // and the loop vectorises.
    let (blocks, rest) = data.as_chunks::<64>();
    let mut lanes = [0u64; 16];
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<4>().0) {
            *lane += u64::from(u32::from_ne_bytes(*word));
        }
    }
    (lanes.iter().sum(), rest)
}

/// Adds the carries back in until 16 bits are left.
#[inline(always)]
const fn fold(sum: u64) -> u16 {
    // Added to itself with its halves exchanged, a number has in its upper half the sum of both with the carry out of
    // it.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn sum(data: &[u8]) -> u16 {
        u16::from_be(fold(add(data)))
    }

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
        // What Linux leaves in the field on its loopback interface.
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
