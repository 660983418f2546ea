//! Captures from a few lines of text: classic pcap, Ethernet, IPv4, right checksums, the same bytes every time.
//!
//! One line a segment: `TIME WHO FLAGS SEQ [aACK] [dOCTETS] [attribute…]`. TIME in seconds; WHO is `>` for the client and `<` for
//! the server, with the number of the client behind it where there are several (`>2`). SEQ and ACK are relative to the initial
//! sequence numbers. Attributes: `syn` (the usual options), `mss` (only that one), `tfo` (asks for a cookie), `cookie` (has one),
//! `isn=N` (the sender begins there), `port=N` (the server's port from here on), `ttl=N`. `TIME tick` is a datagram of no
//! consequence: time goes on.

use std::collections::HashMap;

/// The first frame's time: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600;
const SERVER: [u8; 4] = [192, 0, 2, 80];
const COOKIE: [u8; 8] = [0x75, 0xfc, 0xbf, 0xea, 0x34, 0xd8, 0x71, 0x3e];

/// A capture of these lines.
pub(crate) fn capture(lines: &str) -> Vec<u8> {
    let mut pcap = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        pcap.extend(word.to_le_bytes());
    }
    let mut state = State { isns: HashMap::new(), port: 80, ip_ids: HashMap::new() };
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, rest) = line.split_once(' ').expect("a time and what happens");
        let frame = state.frame(rest.trim());
        let micros = (time.parse::<f64>().expect("seconds") * 1e6).round() as u64;
        let total = START * 1_000_000 + micros;
        for word in [(total / 1_000_000) as u32, (total % 1_000_000) as u32, frame.len() as u32, frame.len() as u32] {
            pcap.extend(word.to_le_bytes());
        }
        pcap.extend(frame);
    }
    pcap
}

struct State {
    /// By sender: the client's number, and whether it is the client.
    isns: HashMap<(u8, bool), u32>,
    port: u16,
    /// One counter for each sender and client, as hosts have it.
    ip_ids: HashMap<(u8, bool), u16>,
}

/// What one line says of its segment.
#[derive(Default)]
struct Line {
    client: u8,
    from_client: bool,
    flags: u8,
    seq: u32,
    ack: Option<u32>,
    octets: usize,
    options: Vec<u8>,
    ttl: u8,
}

impl State {
    fn frame(&mut self, text: &str) -> Vec<u8> {
        let (who, source, destination, protocol, ttl, payload) = if text == "tick" {
            let datagram = [0, 9, 0, 9, 0, 8, 0, 0].to_vec();
            ((1, true), [198, 51, 100, 1], SERVER, 17, 64, datagram)
        } else {
            let line = self.read(text);
            let client = [198, 51, 100, line.client];
            let (source, destination) = if line.from_client { (client, SERVER) } else { (SERVER, client) };
            let who = (line.client, line.from_client);
            (who, source, destination, 6, line.ttl, self.segment(&line, source, destination))
        };
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        let mut header = vec![0x45, 0];
        header.extend((20 + payload.len() as u16).to_be_bytes());
        let (client, from_client) = who;
        let first = u16::from(client).wrapping_mul(0x9e37).wrapping_add(u16::from(from_client) << 14);
        let ip_id = self.ip_ids.entry(who).or_insert(first);
        header.extend(ip_id.to_be_bytes());
        *ip_id = ip_id.wrapping_add(1);
        header.extend([0x40, 0, ttl, protocol, 0, 0]);
        header.extend(source);
        header.extend(destination);
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend(header);
        frame.extend(payload);
        frame
    }

    fn read(&mut self, text: &str) -> Line {
        let mut words = text.split_whitespace();
        let who = words.next().expect("who");
        let client = who[1..].parse().unwrap_or(1);
        let mut line = Line { client, from_client: who.starts_with('>'), ttl: 64, ..Line::default() };
        let flags = words.next().expect("flags");
        line.flags = flags.chars().map(|c| 1 << "FSRPAU".find(c).expect("a flag")).sum();
        line.seq = words.next().expect("a number").parse().expect("a number");
        for word in words {
            match word.split_at(1) {
                _ if word == "syn" => line.options = vec![2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7],
                _ if word == "mss" => line.options = vec![2, 4, 5, 0xb4],
                _ if word == "tfo" => line.options = vec![2, 4, 5, 0xb4, 34, 2, 4, 2],
                _ if word == "cookie" => {
                    line.options = vec![2, 4, 5, 0xb4, 34, 10];
                    line.options.extend(COOKIE);
                    line.options.extend([1, 1]);
                }
                _ if word.starts_with("isn=") => {
                    self.isns.insert((client, line.from_client), word[4..].parse().expect("a number"));
                }
                _ if word.starts_with("port=") => self.port = word[5..].parse().expect("a port"),
                _ if word.starts_with("ttl=") => line.ttl = word[4..].parse().expect("a TTL"),
                ("a", n) => line.ack = Some(n.parse().expect("a number")),
                ("d", n) => line.octets = n.parse().expect("a number"),
                _ => panic!("not understood: {word} in {text}"),
            }
        }
        line
    }

    fn isn(&self, client: u8, of_client: bool) -> u32 {
        let default = if of_client { 3_141_592_653 } else { 2_718_281_828 };
        // Different for every client, and of no pattern.
        let spread = u32::from(client - 1).wrapping_mul(0x9e37_79b9).rotate_left(7);
        self.isns.get(&(client, of_client)).copied().unwrap_or(spread.wrapping_add(default))
    }

    fn segment(&self, line: &Line, source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let port = 40_000 + u16::from(line.client);
        let (from, to) = if line.from_client { (port, self.port) } else { (self.port, port) };
        let mut segment = Vec::new();
        segment.extend(from.to_be_bytes());
        segment.extend(to.to_be_bytes());
        segment.extend(self.isn(line.client, line.from_client).wrapping_add(line.seq).to_be_bytes());
        let ack = line.ack.map_or(0, |ack| self.isn(line.client, !line.from_client).wrapping_add(ack));
        segment.extend(ack.to_be_bytes());
        segment.push((5 + line.options.len() as u8 / 4) << 4);
        segment.extend([line.flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(&line.options);
        segment.extend((0..line.octets).map(|n| b"Hello, server!"[n % 14]));
        let mut covered = Vec::new();
        covered.extend(source);
        covered.extend(destination);
        covered.extend([0, 6]);
        covered.extend((segment.len() as u16).to_be_bytes());
        covered.extend(&segment);
        let sum = checksum(&covered);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = octets.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
