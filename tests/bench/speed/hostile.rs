//! Traffic of those who mean harm: each kind is the worst that is known for one part of the program.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::frames::{ACK, FIN, Frame, PSH, SYN, pcap_frame, pcap_header};

/// The kinds, and options that go with them.
pub const ATTACKS: [(&str, &[&str]); 6] = [
    ("hostile-clock", &[]),
    ("hostile-synack", &[]),
    ("hostile-ack", &[]),
    ("hostile-syn", &[]),
    ("hostile-steps", &[]),
    ("hostile-protochain", &["-f", "ip6 protochain 6"]),
];

/// Microseconds since the epoch at which all begins.
const START: u64 = 1_700_000_000_000_000;
const HOUR: u64 = 3_600_000_000;
const VICTIM: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 80);
/// Connections that are open at once, each of many steps.
const OPEN: u64 = 200_000;

/// Writes `packets` frames of one kind; how many there are.
pub fn write(attack: &str, packets: u64, out: &mut impl Write) -> io::Result<u64> {
    pcap_header(1, out)?;
    if attack == "hostile-protochain" {
        // A chain of options headers as long as a packet: so many cost as much as all others.
        let packets = packets / 50;
        let frame = chain();
        for n in 0..packets {
            pcap_frame(START + n, &frame, usize::MAX, out)?;
        }
        return Ok(packets);
    }
    for n in 0..packets {
        let (time, frame) = match attack {
            // An hour passes with each packet: everything expires, over and over.
            "hostile-clock" => (START + n * HOUR, between(n, true, SYN, n as u32, 0)),
            "hostile-synack" => (START + n * 10, between(n, false, SYN | ACK, n as u32, 1)),
            "hostile-ack" => (START + n * 10, between(n, true, ACK, n as u32, 1)),
            "hostile-syn" => (START + n * 10, between(n, true, SYN, n as u32, 0)),
            "hostile-steps" => (START + n * 10, step(n)),
            other => panic!("no traffic is called {other}"),
        };
        pcap_frame(time, &frame, usize::MAX, out)?;
    }
    Ok(packets)
}

/// A frame between client `n` and the victim, from or to the client.
fn between(n: u64, from_client: bool, flags: u8, seq: u32, ack: u32) -> Vec<u8> {
    // Scattered, so that no two neighbours share a line of a cache.
    let scattered = (n as u32).wrapping_mul(0x9e37_79b1);
    let client = SocketAddr::from((Ipv4Addr::from(0x0a00_0000 | scattered >> 8), 1024 + (n % 60_000) as u16));
    let (from, to) = if from_client { (client, VICTIM) } else { (VICTIM, client) };
    Frame::new(from, to).with(flags, seq, ack).bytes()
}

/// Frame `n` of connections that open, and then do things worth a step by turns: data of either end, FINs that come
/// again, keep-alive probes.
fn step(n: u64) -> Vec<u8> {
    let (client, round) = (n % OPEN, n / OPEN);
    let odd = round % 2 == 1;
    match round {
        0 => between(client, true, SYN, 100, 0),
        1 => between(client, false, SYN | ACK, 300, 101),
        2 => between(client, true, ACK, 101, 301),
        _ => between(client, odd, if odd { PSH | ACK } else { FIN | ACK }, 101 + round as u32, 301),
    }
}

/// IPv6 with options headers and nothing else.
fn chain() -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0xf0, 0, 60, 64]);
    frame.extend([1; 32]);
    (0..0xf000 / 8).for_each(|_| frame.extend([60, 0, 1, 4, 0, 0, 0, 0]));
    frame
}
