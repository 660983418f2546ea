//! Mixed traffic of any length, made one frame at a time from a seed: the same seed gives the same octets.
//!
//! Mostly what browsers and servers do (handshake, a request, a response of many segments with an ACK for every other
//! one, a close), some of it over IPv6 and in VLANs, with loss, reordering, refusals, silence, scans, DNS and ARP between.
//! Segments of a connection come in trains, as senders send them: after each, the next is of the same one two times in three.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::frames::{ACK, FIN, Frame, PSH, RST, SYN, SYN_OPTIONS, pcap_frame, pcap_header};

/// Connections under way at a time.
const CONCURRENT: usize = 4096;
/// Where the timestamps option lies in [`SYN_OPTIONS`], and behind two NOPs in other segments.
const TIMESTAMPS_IN_SYN: usize = 6;
const TIMESTAMPS: usize = 2;
const PAYLOAD: [u8; 1448] = [0x5a; 1448];

/// How to make it.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub packets: u64,
    pub seed: u64,
    /// Octets stored of each frame at most.
    pub snaplen: usize,
}

impl Traffic {
    /// Writes a pcap file.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        pcap_header(1, out)?;
        let mut random = Random(self.seed | 1);
        let mut talks: Vec<Talk> = (0..CONCURRENT).map(|_| Talk::new(&mut random)).collect();
        let (mut frame, mut time) = (Vec::new(), 1_700_000_000_000_000_u64);
        // A frame that another one overtakes.
        let mut held: Option<Vec<u8>> = None;
        let (mut written, mut n) = (0, 0);
        while written < self.packets {
            time += random.below(20);
            if random.below(3) == 0 {
                n = random.below(CONCURRENT as u64) as usize;
            }
            frame.clear();
            match random.below(100) {
                0..4 => background(&mut random, &mut frame),
                _ => {
                    let talk = &mut talks[n];
                    talk.clock = (time / 1000) as u32;
                    if !talk.next(&mut random, &mut frame) {
                        *talk = Talk::new(&mut random);
                        continue;
                    }
                }
            }
            // Not every frame that is sent passes here, and not all in order.
            match random.below(1000) {
                0..3 => continue,
                3..6 if held.is_none() => {
                    held = Some(frame.clone());
                    continue;
                }
                _ => {}
            }
            pcap_frame(time, &frame, self.snaplen, out)?;
            written += 1;
            if let Some(late) = held.take_if(|_| random.below(3) == 0)
                && written < self.packets
            {
                pcap_frame(time + 1, &late, self.snaplen, out)?;
                written += 1;
            }
        }
        Ok(())
    }
}

/// What kind of connection it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Opens, serves a page, closes.
    Web,
    /// Opens, serves a page, the client resets.
    Aborted,
    /// The port is closed.
    Refused,
    /// Nobody answers.
    Silent,
}

/// One connection, and where it stands.
struct Talk {
    kind: Kind,
    client: SocketAddr,
    server: SocketAddr,
    vlan: Option<u16>,
    seq: u32,
    ack: u32,
    step: u32,
    /// Data segments of the response.
    segments: u32,
    id: u16,
    /// Milliseconds: what both ends' timestamps count.
    clock: u32,
    /// The last timestamps that client and server sent.
    stamps: [u32; 2],
}

impl Talk {
    fn new(random: &mut Random) -> Self {
        let v6 = random.below(10) < 3;
        let (client, server) = (random.next(), random.next());
        let address = |net: u8, host: u64| -> IpAddr {
            if v6 {
                Ipv6Addr::new(0x2001, 0xdb8, u16::from(net), 0, 0, 0, (host >> 16) as u16, host as u16).into()
            } else {
                Ipv4Addr::new(10, net, (host >> 8) as u8, host as u8).into()
            }
        };
        let kind = match random.below(20) {
            0 => Kind::Refused,
            1 => Kind::Silent,
            2 => Kind::Aborted,
            _ => Kind::Web,
        };
        Self {
            kind,
            client: SocketAddr::new(address(1, client & 0xfff), 1024 + (client >> 32) as u16 % 60000),
            server: SocketAddr::new(address(2, server & 0xff), if server & 0x100 == 0 { 443 } else { 80 }),
            vlan: (random.below(10) == 0).then_some(100),
            seq: random.next() as u32,
            ack: random.next() as u32,
            step: 0,
            segments: 1 + random.below(40) as u32,
            id: client as u16,
            clock: 0,
            stamps: [0; 2],
        }
    }

    /// The next frame; whether there was one.
    fn next(&mut self, random: &mut Random, frame: &mut Vec<u8>) -> bool {
        let step = self.step;
        self.step += 1;
        self.id = self.id.wrapping_add(1);
        match (self.kind, step) {
            (_, 0) => self.client(SYN, 0, true, frame),
            (Kind::Refused, 1) => self.server(RST | ACK, 0, false, frame),
            (Kind::Silent, 1..4) => {
                self.seq = self.seq.wrapping_sub(1);
                self.client(SYN, 0, true, frame);
            }
            (Kind::Refused | Kind::Silent, _) => return false,
            (_, 1) => self.server(SYN | ACK, 0, true, frame),
            (_, 2) => self.client(ACK, 0, false, frame),
            (_, 3) => self.client(PSH | ACK, 200 + random.below(600) as usize, false, frame),
            (_, 4) => self.server(ACK, 0, false, frame),
            (kind, step) => return self.after_request(kind, step - 5, random, frame),
        }
        true
    }

    /// The response, two segments and an ACK at a time, and the end.
    fn after_request(&mut self, kind: Kind, step: u32, random: &mut Random, frame: &mut Vec<u8>) -> bool {
        let response = self.segments + self.segments / 2;
        if step < response {
            if step % 3 == 2 {
                self.client(ACK, 0, false, frame);
            } else if random.below(50) == 0 && step > 0 {
                // A segment again.
                self.ack = self.ack.wrapping_sub(PAYLOAD.len() as u32);
                self.server(ACK, PAYLOAD.len(), false, frame);
            } else {
                self.server(ACK, PAYLOAD.len(), false, frame);
            }
            return true;
        }
        match (kind, step - response) {
            (Kind::Aborted, 0) => self.client(RST | ACK, 0, false, frame),
            (Kind::Aborted, _) => return false,
            (_, 0) => self.client(FIN | ACK, 0, false, frame),
            (_, 1) => self.server(FIN | ACK, 0, false, frame),
            (_, 2) => self.client(ACK, 0, false, frame),
            _ => return false,
        }
        true
    }

    fn client(&mut self, flags: u8, payload: usize, syn: bool, frame: &mut Vec<u8>) {
        let segment = Frame::new(self.client, self.server).with(flags, self.seq, if syn { 0 } else { self.ack });
        self.seq = self.seq.wrapping_add(length(flags, payload));
        self.write(segment, 0, payload, syn, frame);
    }

    fn server(&mut self, flags: u8, payload: usize, syn: bool, frame: &mut Vec<u8>) {
        let segment = Frame::new(self.server, self.client).with(flags, self.ack, self.seq);
        self.ack = self.ack.wrapping_add(length(flags, payload));
        self.write(segment, 1, payload, syn, frame);
    }

    /// Writes a segment of client (0) or server (1).
    fn write(&mut self, segment: Frame<'_>, from: usize, payload: usize, syn: bool, frame: &mut Vec<u8>) {
        let mut options = [1; 20];
        options.copy_from_slice(SYN_OPTIONS);
        let (at, len) = if syn { (TIMESTAMPS_IN_SYN, 20) } else { (TIMESTAMPS, 12) };
        if !syn {
            options[..4].copy_from_slice(&[1, 1, 8, 10]);
        }
        self.stamps[from] = self.clock;
        let echo = if segment.flags & ACK == 0 { 0 } else { self.stamps[1 - from] };
        options[at + 2..at + 6].copy_from_slice(&self.clock.to_be_bytes());
        options[at + 6..at + 10].copy_from_slice(&echo.to_be_bytes());
        let options = &options[..len];
        let payload = &PAYLOAD[..payload.min(PAYLOAD.len())];
        Frame { options, payload, vlan: self.vlan, id: self.id, ..segment }.write(frame);
    }
}

fn length(flags: u8, payload: usize) -> u32 {
    payload as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0)
}

/// What else is on a wire: a question to a name server, an ARP request, a probe of a scan.
fn background(random: &mut Random, frame: &mut Vec<u8>) {
    match random.below(4) {
        0 => {
            let source = SocketAddr::from(([198, 51, 100, 7], 40000 + random.below(20000) as u16));
            let target = SocketAddr::from(([10, 2, random.below(256) as u8, random.below(256) as u8], 22));
            Frame::new(source, target).with(SYN, random.next() as u32, 0).options(&[2, 4, 5, 0xb4]).write(frame);
        }
        1 => {
            frame.extend_from_slice(&[0xff; 6]);
            frame.extend_from_slice(&[2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
            frame.extend_from_slice(&[0; 20]);
        }
        _ => {
            frame.extend_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
            frame.extend_from_slice(&[0x45, 0, 0, 68, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 9, 10, 2, 0, 53]);
            frame.extend_from_slice(&[0xc0, 1, 0, 53, 0, 48, 0, 0]);
            frame.extend_from_slice(&[0; 40]);
        }
    }
}

/// Vigna's splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` - 1.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
