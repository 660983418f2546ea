//! A path between two taps, simulated: it takes what ends send, does what it is told, and keeps a log of it. Each tap
//! writes what passes it, by its own clock.

use std::net::SocketAddr;

use crate::common::frames::{Frame, pcap_frame, pcap_header};

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

/// What the path does with one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Pass,
    Drop,
    /// So many milliseconds more.
    Delay(u64),
    Duplicate,
    Clamp(u16),
    /// Replaces an option of this kind by NOPs.
    Strip(u8),
    Dscp(u8),
    Corrupt,
    /// TTL, written over.
    Ttl(u8),
    /// The tap behind misses it.
    Miss(usize),
}

/// A segment that an end sends.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) from_client: bool,
    pub(crate) flags: u8,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) act: Act,
    /// Milliseconds after the one before.
    pub(crate) wait: u64,
    /// Made on the way: passes only the tap at the end it goes to.
    pub(crate) injected: bool,
}

/// Both captures, microseconds.
pub(crate) struct Path {
    client: SocketAddr,
    server: SocketAddr,
    /// Addresses at B, where they are translated.
    pub(crate) client_at_b: SocketAddr,
    pub(crate) server_at_b: SocketAddr,
    /// Added to the server's and the client's numbers at B.
    pub(crate) shift: (u32, u32),
    /// Initial numbers of this connection.
    isn: (u32, u32),
    offset: i64,
    ppm: i64,
    now: u64,
    id: u16,
    seed: u64,
    frames: [Vec<(u64, Vec<u8>)>; 2],
}

const START: u64 = 1_700_000_000_000_000;

impl Path {
    pub(crate) fn new(offset: i64, ppm: i64, seed: u64) -> Self {
        let (client, server) =
            ("192.0.2.1:40000".parse().expect("an address"), "198.51.100.2:443".parse().expect("an address"));
        Self {
            client,
            server,
            client_at_b: client,
            server_at_b: server,
            shift: (0, 0),
            isn: (0, 0),
            offset,
            ppm,
            now: START,
            id: 1,
            seed,
            frames: [Vec::new(), Vec::new()],
        }
    }

    pub(crate) fn ends(&mut self, client: &str, server: &str) {
        (self.client, self.server) = (client.parse().expect("an address"), server.parse().expect("an address"));
        (self.client_at_b, self.server_at_b) = (self.client, self.server);
        self.isn = (self.random(1 << 31) as u32, self.random(1 << 31) as u32);
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    /// B's clock at a time of A.
    pub(crate) fn clock(&self, time: u64) -> u64 {
        let drift = (time - START) as i64 * self.ppm / 1_000_000;
        (time as i64 + self.offset + drift) as u64
    }

    pub(crate) fn pause(&mut self, milliseconds: u64) {
        self.now += milliseconds * 1000;
    }

    pub(crate) fn last(&self) -> u64 {
        self.now
    }

    pub(crate) fn send(&mut self, sent: &Sent) {
        self.now += sent.wait * 1000;
        self.id = self.id.wrapping_add(1).max(1);
        let (near, far) = if sent.from_client { (A, B) } else { (B, A) };
        let mut delay = 4000 + self.random(3000);
        if let Act::Delay(more) = sent.act {
            delay += more * 1000;
        }
        let miss = |tap| sent.act == Act::Miss(tap);
        if !sent.injected && !miss(near) {
            let frame = self.frame(sent, near, Act::Pass);
            self.write(near, self.now, frame);
        }
        if sent.act != Act::Drop && !miss(far) {
            let frame = self.frame(sent, far, sent.act);
            self.write(far, self.now + delay, frame.clone());
            if sent.act == Act::Duplicate {
                self.write(far, self.now + delay + 9000, frame);
            }
        }
    }

    fn write(&mut self, tap: usize, time: u64, frame: Vec<u8>) {
        let time = if tap == A { time } else { self.clock(time) };
        self.frames[tap].push((time, frame));
    }

    fn frame(&self, sent: &Sent, tap: usize, act: Act) -> Vec<u8> {
        let (client, server) = if tap == B { (self.client_at_b, self.server_at_b) } else { (self.client, self.server) };
        let (from, to) = if sent.from_client { (client, server) } else { (server, client) };
        let (of_client, of_server) = if tap == B { self.shift } else { (0, 0) };
        let (of_client, of_server) = (of_client.wrapping_add(self.isn.0), of_server.wrapping_add(self.isn.1));
        let (seq, ack) = if sent.from_client { (of_client, of_server) } else { (of_server, of_client) };
        let mut options = sent.options.clone();
        rewrite(&mut options, act);
        let far = sent.from_client == (tap == B);
        let ttl = match act {
            Act::Ttl(ttl) => ttl,
            _ if far => 61,
            _ => 64,
        };
        let ack = if sent.flags & 0x10 != 0 { sent.ack.wrapping_add(ack) } else { 0 };
        let frame = Frame { id: self.id, ttl, ..Frame::new(from, to) };
        let frame = frame.with(sent.flags, sent.seq.wrapping_add(seq), ack).options(&options).payload(&sent.payload);
        let mut octets = frame.bytes();
        match act {
            Act::Dscp(dscp) => octets[15] = dscp << 2,
            Act::Corrupt => *octets.last_mut().expect("an octet") ^= 0x55,
            _ => {}
        }
        octets
    }

    /// The captures, in order of their times.
    pub(crate) fn captures(mut self) -> [Vec<u8>; 2] {
        self.frames.iter_mut().for_each(|frames| frames.sort_by_key(|(time, _)| *time));
        self.frames.map(|frames| {
            let mut file = Vec::new();
            pcap_header(1, &mut file).expect("memory");
            frames.iter().for_each(|(time, frame)| {
                pcap_frame(*time, frame, usize::MAX, &mut file).expect("memory");
            });
            file
        })
    }
}

fn rewrite(options: &mut [u8], act: Act) {
    let mut at = 0;
    while at < options.len() {
        let length = if options[at] < 2 { 1 } else { usize::from(options[at + 1]) };
        match act {
            Act::Clamp(mss) if options[at] == 2 => options[at + 2..at + 4].copy_from_slice(&mss.to_be_bytes()),
            Act::Strip(kind) if options[at] == kind => options[at..at + length].fill(1),
            _ => {}
        }
        at += length;
    }
}
