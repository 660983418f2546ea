//! Frames and pcap files, octet by octet: independent of the decoder that will read them.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const ECE: u8 = 0x40;
pub const CWR: u8 = 0x80;

/// MSS 1460, SACK permitted, timestamps, window scale 7: what most SYNs carry.
pub const SYN_OPTIONS: &[u8] = &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

/// A TCP segment in an Ethernet frame. Both addresses are of the same family.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub window: u16,
    /// A multiple of four octets.
    pub options: &'a [u8],
    pub payload: &'a [u8],
    pub vlan: Option<u16>,
    pub id: u16,
    pub ttl: u8,
}

impl<'a> Frame<'a> {
    pub fn new(source: SocketAddr, destination: SocketAddr) -> Self {
        Self {
            source,
            destination,
            seq: 0,
            ack: 0,
            flags: 0,
            window: 64240,
            options: &[],
            payload: &[],
            vlan: None,
            id: 1,
            ttl: 64,
        }
    }

    pub fn with(self, flags: u8, seq: u32, ack: u32) -> Self {
        Self { flags, seq, ack, ..self }
    }

    pub fn options(self, options: &'a [u8]) -> Self {
        Self { options, ..self }
    }

    pub fn payload(self, payload: &'a [u8]) -> Self {
        Self { payload, ..self }
    }

    /// The frame, with every checksum right.
    pub fn bytes(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        self.write(&mut frame);
        frame
    }

    /// Appends the frame to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let v6 = self.source.is_ipv6();
        out.extend_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
        if let Some(id) = self.vlan {
            out.extend_from_slice(&[0x81, 0]);
            out.extend_from_slice(&id.to_be_bytes());
        }
        out.extend_from_slice(if v6 { &[0x86, 0xdd] } else { &[8, 0] });
        let header = 20 + self.options.len();
        self.ip(header + self.payload.len(), out);
        let tcp = out.len();
        out.extend_from_slice(&self.source.port().to_be_bytes());
        out.extend_from_slice(&self.destination.port().to_be_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.ack.to_be_bytes());
        out.extend_from_slice(&[(header as u8 / 4) << 4, self.flags]);
        out.extend_from_slice(&self.window.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(self.options);
        out.extend_from_slice(self.payload);
        let pseudo = sum(&address(self.source.ip())) + sum(&address(self.destination.ip()));
        let checksum = fold(pseudo + 6 + (out.len() - tcp) as u64 + sum(&out[tcp..]));
        out[tcp + 16..tcp + 18].copy_from_slice(&checksum.to_be_bytes());
    }

    fn ip(&self, payload: usize, out: &mut Vec<u8>) {
        let start = out.len();
        if self.source.is_ipv6() {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&(payload as u16).to_be_bytes());
            out.extend_from_slice(&[6, self.ttl]);
        } else {
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&(20 + payload as u16).to_be_bytes());
            out.extend_from_slice(&self.id.to_be_bytes());
            out.extend_from_slice(&[0x40, 0, self.ttl, 6, 0, 0]);
        }
        out.extend_from_slice(&address(self.source.ip()));
        out.extend_from_slice(&address(self.destination.ip()));
        if self.source.is_ipv4() {
            let checksum = fold(sum(&out[start..]));
            out[start + 10..start + 12].copy_from_slice(&checksum.to_be_bytes());
        }
    }
}

fn address(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// Sum of 16-bit words, the last one padded.
fn sum(octets: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    octets.chunks(2).map(word).sum()
}

/// The Internet checksum of a sum (RFC 1071).
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Begins a pcap file of this link type, with times in microseconds.
pub fn pcap_header(link: u16, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0])?;
    out.write_all(&u32::from(link).to_le_bytes())
}

/// A frame of a pcap file, of which `kept` octets at most are stored; the time is in microseconds since the epoch.
pub fn pcap_frame(time: u64, frame: &[u8], kept: usize, out: &mut impl Write) -> io::Result<()> {
    let stored = &frame[..frame.len().min(kept)];
    for n in [(time / 1_000_000) as u32, (time % 1_000_000) as u32, stored.len() as u32, frame.len() as u32] {
        out.write_all(&n.to_le_bytes())?;
    }
    out.write_all(stored)
}

/// A pcap file of Ethernet frames, a millisecond apart.
pub fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    pcap_header(1, &mut file).expect("memory");
    for (n, frame) in frames.iter().enumerate() {
        pcap_frame(1_700_000_000_000_000 + 1000 * n as u64, frame, usize::MAX, &mut file).expect("memory");
    }
    file
}
