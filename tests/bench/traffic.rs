//! Traffic of any length and of several kinds, made one frame at a time from a seed: the same seed gives the same octets.
//!
//! Connections do what browsers and servers do: handshake, a request, a response of many segments with an ACK for every other
//! one, a close. Their segments come in trains, as senders send them: after each, the next is of the same one two times in
//! three.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::frames::{ACK, FIN, Frame, PSH, RST, SYN, SYN_OPTIONS, pcap_frame, pcap_header};

/// The service that is flooded: 10.2.0.80, port 443.
pub const VICTIM: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 2, 0, 80)), 443);
/// Who scans.
pub const SCANNER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// Microseconds from one SYN of a flood to the next: 100,000 a second.
const FLOOD_GAP: u64 = 10;
/// Microseconds from one segment of a legitimate connection to the next, while there is a flood.
const ROUND_TRIP: u64 = 2_000;
/// Microseconds from one probe of a scan to the next: 2,000 a second.
const SCAN_GAP: u64 = 500;
/// Which ports are scanned, one after the other on all hosts.
const SCANNED: [u16; 12] = [22, 80, 443, 3389, 445, 21, 23, 25, 3306, 8080, 5900, 6379];
/// Where the timestamps option lies in [`SYN_OPTIONS`], and behind two NOPs in other segments.
const TIMESTAMPS_IN_SYN: usize = 6;
const TIMESTAMPS: usize = 2;
const PAYLOAD: [u8; 1448] = [0x5a; 1448];

/// What there is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Ordinary: complete connections, a segment that comes late or twice now and then, some IPv6, some DNS.
    Web,
    /// With loss, reordering, retransmissions, refusals, silence, aborts, IPv6, a VLAN, ARP and a scan's probes.
    Mix,
    /// Few long connections: data and ACKs, and nothing else once they are open.
    Established,
    /// SYNs from forged sources to [`VICTIM`], some answered; among them legitimate connections, half of them to it.
    Flood,
    /// SYNs of [`SCANNER`] to every host of 10.2.0.0/16, port by port: refused, answered and reset, mostly silence.
    Scan,
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "web" => Self::Web,
            "mix" => Self::Mix,
            "established" => Self::Established,
            "flood" => Self::Flood,
            "scan" => Self::Scan,
            _ => return Err(format!("no traffic is called {name}: web, mix, established, flood, scan")),
        })
    }
}

/// How to make it.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub sort: Sort,
    /// Frames; of a flood, its SYNs.
    pub packets: u64,
    pub seed: u64,
    /// Octets stored of each frame at most.
    pub snaplen: usize,
    /// Connections under way at a time.
    pub live: usize,
    /// Whether they begin one by one, between segments of those that are under way, instead of all at the start.
    pub mixed: bool,
    /// Of a flood: complete connections among it.
    pub legitimate: u64,
    /// Of a flood: how many of a hundred SYNs are answered.
    pub answered: u64,
}

impl Traffic {
    pub fn new(sort: Sort, packets: u64) -> Self {
        let live = if sort == Sort::Established { 256 } else { 4096 };
        Self {
            sort,
            packets,
            seed: 20_231_114,
            snaplen: 96,
            live,
            mixed: false,
            legitimate: packets / 200,
            answered: 10,
        }
    }

    /// Writes a pcap file; how many frames it has.
    pub fn write(&self, out: &mut impl Write) -> io::Result<u64> {
        pcap_header(1, out)?;
        let mut wire = Wire { out, snaplen: self.snaplen, frame: Vec::new(), time: 1_700_000_000_000_000, written: 0 };
        let mut random = Random(self.seed | 1);
        match self.sort {
            Sort::Flood => self.flood(&mut random, &mut wire)?,
            Sort::Scan => self.scan(&mut random, &mut wire)?,
            Sort::Web => self.talks(&WEB, &mut random, &mut wire)?,
            Sort::Mix => self.talks(&MIX, &mut random, &mut wire)?,
            Sort::Established => self.talks(&ESTABLISHED, &mut random, &mut wire)?,
        }
        Ok(wire.written)
    }

    /// Connections side by side, one train of segments after the other.
    fn talks(&self, manner: &Manner, random: &mut Random, wire: &mut Wire<'_, impl Write>) -> io::Result<()> {
        let at_once = if self.mixed { 1 } else { self.live };
        let mut talks: Vec<Talk> = (0..at_once).map(|_| Talk::new(manner, random)).collect();
        // A frame that another one overtakes.
        let mut held: Option<Vec<u8>> = None;
        let mut n = 0;
        while wire.written < self.packets {
            wire.time += random.below(20);
            if random.below(3) == 0 {
                n = next_talk(&mut talks, self.live, manner, random);
            }
            wire.frame.clear();
            if random.below(100) < manner.background {
                background(manner, random, &mut wire.frame);
            } else {
                let talk = &mut talks[n];
                talk.clock = (wire.time / 1000) as u32;
                if !talk.next(random, &mut wire.frame) {
                    *talk = Talk::new(manner, random);
                    continue;
                }
            }
            // Not every frame that is sent passes here, and not all in order.
            let fate = random.below(10_000);
            if fate < manner.lost {
                continue;
            }
            if fate < manner.lost + manner.late && held.is_none() {
                held = Some(wire.frame.clone());
                continue;
            }
            wire.send()?;
            if let Some(late) = held.take_if(|_| random.below(3) == 0)
                && wire.written < self.packets
            {
                wire.frame = late;
                wire.send()?;
            }
        }
        Ok(())
    }

    fn flood(&self, random: &mut Random, wire: &mut Wire<'_, impl Write>) -> io::Result<()> {
        // Each with the time of its next segment: as the time between them is the same for all, the first is due first.
        let mut talks: VecDeque<(u64, Talk)> = VecDeque::new();
        let (mut begun, start) = (0, wire.time);
        for n in 0..self.packets {
            wire.time = start + n * FLOOD_GAP + random.below(FLOOD_GAP / 2);
            let source = SocketAddr::new(forged(random), 1024 + random.below(64_000) as u16);
            let seq = random.next() as u32;
            let syn = Frame::new(source, VICTIM).with(SYN, seq, 0).options(&[2, 4, 5, 0xb4]);
            wire.write(&Frame { id: random.next() as u16, ttl: 40 + (seq % 20) as u8, ..syn })?;
            if random.below(100) < self.answered {
                let answer = Frame::new(VICTIM, source).with(SYN | ACK, random.next() as u32, seq.wrapping_add(1));
                wire.write(&answer.options(&[2, 4, 5, 0xb4]))?;
            }
            if begun < self.legitimate && n * self.legitimate >= begun * self.packets {
                talks.push_back((wire.time, Talk::legitimate(begun, random)));
                begun += 1;
            }
            while talks.front().is_some_and(|(due, _)| *due <= wire.time) {
                step(&mut talks, random, wire)?;
            }
        }
        while let Some((due, _)) = talks.front() {
            wire.time = wire.time.max(*due);
            step(&mut talks, random, wire)?;
        }
        Ok(())
    }

    fn scan(&self, random: &mut Random, wire: &mut Wire<'_, impl Write>) -> io::Result<()> {
        for n in 0_u64.. {
            let host = n as u16;
            let port = SCANNED[(n >> 16) as usize % SCANNED.len()];
            // What a host does is the same each time it is asked.
            let fate = Random(u64::from(host) << 16 | u64::from(port)).next();
            let target = SocketAddr::new(Ipv4Addr::new(10, 2, (host >> 8) as u8, host as u8).into(), port);
            let source = SocketAddr::new(SCANNER.into(), 40_000 + random.below(20_000) as u16);
            let (seq, ack) = (random.next() as u32, random.next() as u32);
            let probe = Frame::new(source, target).with(SYN, seq, 0).options(&[2, 4, 5, 0xb4]);
            let mut frames = vec![Frame { window: 1024, ..probe }];
            match fate % 20 {
                0 => {
                    let answer = Frame::new(target, source).with(SYN | ACK, ack, seq.wrapping_add(1));
                    frames.push(answer.options(&[2, 4, 5, 0xb4]));
                    frames.push(Frame::new(source, target).with(RST, seq.wrapping_add(1), 0));
                }
                1..6 => frames.push(Frame::new(target, source).with(RST | ACK, 0, seq.wrapping_add(1))),
                _ => {}
            }
            for frame in frames {
                if wire.written == self.packets {
                    return Ok(());
                }
                wire.time += 30;
                wire.write(&frame)?;
            }
            wire.time += SCAN_GAP;
        }
        Ok(())
    }
}

/// Whose turn it is: any of those under way, or, while there are fewer than `live`, every other time a new one's.
fn next_talk(talks: &mut Vec<Talk>, live: usize, manner: &Manner, random: &mut Random) -> usize {
    if talks.len() < live && random.below(2) == 0 {
        talks.push(Talk::new(manner, random));
        return talks.len() - 1;
    }
    random.below(talks.len() as u64) as usize
}

/// The next segment of the connection whose turn it is.
fn step(talks: &mut VecDeque<(u64, Talk)>, random: &mut Random, wire: &mut Wire<'_, impl Write>) -> io::Result<()> {
    let Some((due, mut talk)) = talks.pop_front() else { return Ok(()) };
    wire.frame.clear();
    talk.clock = (wire.time / 1000) as u32;
    if talk.next(random, &mut wire.frame) {
        wire.send()?;
        talks.push_back((due + ROUND_TRIP, talk));
    }
    Ok(())
}

/// An address somewhere in the Internet, and not in 10.0.0.0/8.
fn forged(random: &mut Random) -> IpAddr {
    let [_, b, c, d] = (random.next() as u32).to_be_bytes();
    Ipv4Addr::new(11 + random.below(110) as u8, b, c, d).into()
}

/// The file, and when it is.
struct Wire<'a, W> {
    out: &'a mut W,
    snaplen: usize,
    /// The frame at hand.
    frame: Vec<u8>,
    /// Microseconds since the epoch.
    time: u64,
    written: u64,
}

impl<W: Write> Wire<'_, W> {
    fn write(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        self.frame.clear();
        frame.write(&mut self.frame);
        self.send()
    }

    /// Writes the frame at hand.
    fn send(&mut self) -> io::Result<()> {
        self.written += 1;
        pcap_frame(self.time, &self.frame, self.snaplen, self.out)
    }
}

/// How connections go.
struct Manner {
    /// Of a hundred frames, how many are none of a connection.
    background: u64,
    /// Whether a scan's probes and ARP are among them, not only DNS.
    probes: bool,
    /// Of 10,000 frames, how many are not captured.
    lost: u64,
    /// Of 10,000 frames, how many are overtaken.
    late: u64,
    /// Of 10,000 segments of a response, how many are sent again.
    again: u64,
    /// Of ten connections, how many use IPv6.
    v6: u64,
    /// Of ten connections, how many are in a VLAN.
    tagged: u64,
    /// Whether some are refused, unanswered or aborted.
    failures: bool,
    /// Whether they never close.
    endless: bool,
}

const WEB: Manner = Manner {
    background: 2,
    probes: false,
    lost: 0,
    late: 2,
    again: 10,
    v6: 1,
    tagged: 0,
    failures: false,
    endless: false,
};
const MIX: Manner = Manner {
    background: 4,
    probes: true,
    lost: 30,
    late: 30,
    again: 200,
    v6: 3,
    tagged: 1,
    failures: true,
    endless: false,
};
const ESTABLISHED: Manner = Manner { background: 0, late: 0, again: 0, v6: 0, endless: true, ..WEB };

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
    /// Of 10,000 of them, how many are sent again.
    again: u64,
    id: u16,
    /// Milliseconds: what both ends' timestamps count.
    clock: u32,
    /// The last timestamps that client and server sent.
    stamps: [u32; 2],
}

impl Talk {
    fn new(manner: &Manner, random: &mut Random) -> Self {
        let v6 = random.below(10) < manner.v6;
        let (client, server) = (random.next(), random.next());
        let address = |net: u8, host: u64| -> IpAddr {
            if v6 {
                Ipv6Addr::new(0x2001, 0xdb8, u16::from(net), 0, 0, 0, (host >> 16) as u16, host as u16).into()
            } else {
                Ipv4Addr::new(10, net, (host >> 8) as u8, host as u8).into()
            }
        };
        let kind = match random.below(20) {
            _ if !manner.failures => Kind::Web,
            0 => Kind::Refused,
            1 => Kind::Silent,
            2 => Kind::Aborted,
            _ => Kind::Web,
        };
        Self {
            kind,
            client: SocketAddr::new(address(1, client & 0xfff), 1024 + (client >> 32) as u16 % 60000),
            server: SocketAddr::new(address(2, server & 0xff), if server & 0x100 == 0 { 443 } else { 80 }),
            vlan: (random.below(10) < manner.tagged).then_some(100),
            seq: random.next() as u32,
            ack: random.next() as u32,
            step: 0,
            segments: if manner.endless { u32::MAX / 2 } else { 1 + random.below(40) as u32 },
            again: manner.again,
            id: client as u16,
            clock: 0,
            stamps: [0; 2],
        }
    }

    /// The `n`th complete connection during a flood: no two have the same client.
    fn legitimate(n: u64, random: &mut Random) -> Self {
        let client = Ipv4Addr::new(10, 1, (n >> 8 & 0xf) as u8, n as u8).into();
        let other = Ipv4Addr::new(10, 2, 1, n as u8).into();
        Self {
            client: SocketAddr::new(client, 1024 + (n >> 12) as u16),
            server: if n.is_multiple_of(2) { VICTIM } else { SocketAddr::new(other, 443) },
            segments: 1 + random.below(6) as u32,
            ..Self::new(&Manner { v6: 0, ..WEB }, random)
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
            } else if random.below(10_000) < self.again && step > 0 {
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
fn background(manner: &Manner, random: &mut Random, frame: &mut Vec<u8>) {
    match random.below(4) {
        _ if !manner.probes => question(frame),
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
        _ => question(frame),
    }
}

/// A question to a name server.
fn question(frame: &mut Vec<u8>) {
    frame.extend_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    frame.extend_from_slice(&[0x45, 0, 0, 68, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 9, 10, 2, 0, 53]);
    frame.extend_from_slice(&[0xc0, 1, 0, 53, 0, 48, 0, 0]);
    frame.extend_from_slice(&[0; 40]);
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
