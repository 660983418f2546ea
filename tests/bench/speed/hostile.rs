//! Traffic of those who mean harm: each kind is the worst that is known for one part of the program.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::frames::{ACK, FIN, Frame, PSH, RST, SYN, pcap_frame, pcap_header};

/// The kinds, and options that go with them.
pub const ATTACKS: [(&str, &[&str]); 16] = [
    ("hostile-clock", &[]),
    ("hostile-synack", &[]),
    ("hostile-ack", &[]),
    ("hostile-syn", &[]),
    ("hostile-steps", &[]),
    ("hostile-rst", &[]),
    ("hostile-fin", &[]),
    ("hostile-options", &[]),
    ("hostile-icmp", &[]),
    ("hostile-fragments", &[]),
    ("hostile-sack", &[]),
    ("hostile-disorder", &[]),
    ("hostile-holding", &[]),
    ("hostile-incidents", &[]),
    ("hostile-interfaces", &[]),
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
    if attack == "hostile-interfaces" {
        return interfaces(packets, out);
    }
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
            "hostile-rst" => (START + n * 10, between(n, true, RST, n as u32, 0)),
            "hostile-fin" => (START + n * 10, between(n, true, FIN | ACK, n as u32, 1)),
            "hostile-options" => (START + n * 10, options(n)),
            "hostile-icmp" => (START + n * 10, unreachable(n)),
            "hostile-fragments" => (START + n * 10, fragment(n)),
            "hostile-sack" => (START + n * 10, sack(n)),
            "hostile-disorder" => (START + n * 10, disorder(n)),
            // A second passes with each step of connections that nobody uses, a hundred of each client.
            "hostile-holding" => (START + n / 3 * 1_000_000, holding(n)),
            // Each client asks 40 ports of a server: as many scans as clients.
            "hostile-incidents" => (START + n * 1_000, scan(n)),
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

/// A pcapng file in which each packet is of another one of 20,000 interfaces.
fn interfaces(packets: u64, out: &mut impl Write) -> io::Result<u64> {
    const INTERFACES: u64 = 20_000;
    let mut block = |kind: u32, body: &[u8]| -> io::Result<()> {
        let length = (body.len().next_multiple_of(4) as u32 + 12).to_le_bytes();
        out.write_all(&kind.to_le_bytes())?;
        out.write_all(&length)?;
        out.write_all(body)?;
        out.write_all(&[0; 3][..body.len().next_multiple_of(4) - body.len()])?;
        out.write_all(&length)
    };
    block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])?;
    for _ in 0..INTERFACES {
        block(1, &[1, 0, 0, 0, 0, 0, 1, 0])?;
    }
    for n in 0..packets {
        let (time, frame) = (START + n * 10, between(n, true, SYN, n as u32, 0));
        let words = [n % INTERFACES, time >> 32, time & 0xffff_ffff, frame.len() as u64, frame.len() as u64];
        let head = words.iter().flat_map(|word| (*word as u32).to_le_bytes());
        block(6, &head.chain(frame).collect::<Vec<u8>>())?;
    }
    Ok(packets)
}

/// A client of few, and the victim.
fn ends(client: u64) -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([10, 1, (client >> 8) as u8, client as u8], 40_000)), VICTIM)
}

/// A SYN whose options are like those of no other.
fn options(n: u64) -> Vec<u8> {
    const KINDS: [&[u8]; 8] = [
        &[2, 4, 5, 0xb4],
        &[1, 3, 3, 7],
        &[1, 1, 4, 2],
        &[1, 1, 1, 1],
        &[254, 4, 1, 2],
        &[34, 4, 1, 2],
        &[30, 4, 1, 2],
        &[19, 4, 1, 2],
    ];
    let words: Vec<u8> = (0..10).flat_map(|at| KINDS[(n >> (3 * at)) as usize % KINDS.len()]).copied().collect();
    let (from, to) = ends(n % 60_000);
    Frame::new(SocketAddr::new(from.ip(), 1024 + (n % 60_000) as u16), to)
        .with(SYN, n as u32, 0)
        .options(&words)
        .bytes()
}

/// An ICMP error about a connection that never was.
fn unreachable(n: u64) -> Vec<u8> {
    let quoted = between(n, true, SYN, n as u32, 0);
    let (router, client) = ends(n % 60_000);
    let mut frame = Frame::new(router, client).payload(&quoted[14..42]).bytes();
    // The header of TCP is left out; eight octets of ICMP are in front of what is quoted.
    frame.drain(34..46);
    frame[16..18].copy_from_slice(&56u16.to_be_bytes());
    frame[23] = 1;
    frame[34..42].copy_from_slice(&[3, (n % 16) as u8, 0, 0, 0, 0, 0, 0]);
    frame
}

/// A fragment of a datagram of which others never come.
fn fragment(n: u64) -> Vec<u8> {
    let (from, to) = ends(n % 60_000);
    let mut frame = Frame::new(from, to).with(SYN, n as u32, 0).bytes();
    frame[18..20].copy_from_slice(&(n as u16).to_be_bytes());
    frame[20..22].copy_from_slice(&(0x2000 | (n / 7 % 3) as u16).to_be_bytes());
    frame
}

/// Acknowledgments of one connection, each with four other blocks.
fn sack(n: u64) -> Vec<u8> {
    let mut words = vec![1, 1, 5, 34];
    for at in 0..8u32 {
        words.extend((n as u32).wrapping_mul(2_654_435_761).wrapping_add(at * 1_460).to_be_bytes());
    }
    let (from, to) = ends(0);
    match n {
        0 => Frame::new(from, to).with(SYN, 100, 0).options(&[1, 1, 4, 2]).bytes(),
        1 => Frame::new(to, from).with(SYN | ACK, 300, 101).options(&[1, 1, 4, 2]).bytes(),
        _ => Frame::new(from, to).with(ACK, 101, 301).options(&words).bytes(),
    }
}

/// One octet at a time, everywhere but where it is expected.
fn disorder(n: u64) -> Vec<u8> {
    let (from, to) = ends(n % 100);
    match n / 100 {
        0 => Frame::new(from, to).with(SYN, 100, 0).bytes(),
        1 => Frame::new(to, from).with(SYN | ACK, 300, 101).bytes(),
        2 => Frame::new(from, to).with(ACK, 101, 301).bytes(),
        round => {
            let scattered = (round as u32).wrapping_mul(2_654_435_761) % 60_000;
            Frame::new(from, to).with(PSH | ACK, 103 + scattered / 2 * 2, 301).payload(&[7]).bytes()
        }
    }
}

/// Handshakes of connections on which nothing is said.
fn holding(n: u64) -> Vec<u8> {
    let (client, server) = ends(n / 300);
    let client = SocketAddr::new(client.ip(), 1024 + (n / 3 % 60_000) as u16);
    match n % 3 {
        0 => Frame::new(client, server).with(SYN, 100, 0).bytes(),
        1 => Frame::new(server, client).with(SYN | ACK, 300, 101).bytes(),
        _ => Frame::new(client, server).with(ACK, 101, 301).bytes(),
    }
}

/// SYNs of scanners, and refusals.
fn scan(n: u64) -> Vec<u8> {
    let (client, _) = ends(n / 80);
    let server = SocketAddr::from(([198, 51, 100, (n / 80 % 200) as u8], 1 + (n / 2 % 40) as u16));
    match n % 2 {
        0 => Frame::new(client, server).with(SYN, n as u32, 0).bytes(),
        _ => Frame::new(server, client).with(RST | ACK, 0, n as u32).bytes(),
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
