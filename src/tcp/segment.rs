//! One TCP segment as it passed the capture point, without its payload.

use core::fmt;
use core::net::IpAddr;

use super::{Flags, Options, SeqNumber};
use crate::time::Timestamp;

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// IP address.
    pub ip: IpAddr,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => write!(f, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

/// What the TCP checksum says (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It verifies.
    Good,
    /// It is the pseudo-header sum that a sender leaves for its network card to finish: good on the wire.
    Offload,
    /// Cut by the snapshot length, or the IP length is 0: cannot be verified.
    Unverifiable,
    /// Wrong.
    Bad,
}

/// How much of the TCP header was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// The header with all of its options.
    Whole,
    /// The fixed 20 octets; the options were cut by the snapshot length.
    OptionsCut,
    /// The data offset is below 5, or beyond the end of the segment: the options are meaningless.
    BadOffset,
}

/// One TCP segment: what its headers said, when and where it was seen. No payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Packet time.
    pub time: Timestamp,
    /// Frame number in the input, from 1.
    pub frame: u64,
    /// Sender.
    pub source: Endpoint,
    /// Receiver.
    pub destination: Endpoint,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// The acknowledgment field, raw: meaningful only with ACK set. See [`Self::ack`].
    pub ack_field: SeqNumber,
    /// All flag bits.
    pub flags: Flags,
    /// SEG.WND, raw (not scaled).
    pub window: u16,
    /// The urgent pointer field, raw.
    pub urgent: u16,
    /// Payload octets by the IP header's length, whether captured or not.
    pub payload: u32,
    /// TCP options.
    pub options: Options,
    /// What the checksum says.
    pub checksum: Checksum,
    /// The checksum field, raw; tells copies of one frame from retransmissions.
    pub checksum_field: u16,
    /// How much of the header was there.
    pub headers: Headers,
    /// Whether the frame was cut by the snapshot length anywhere.
    pub truncated: bool,
    /// Interface the frame came from, from 0.
    pub interface: u16,
    /// Outermost VLAN id, 0 where untagged.
    pub vlan: u16,
    /// IPv4 identification; 0 for IPv6.
    pub ip_id: u16,
    /// IPv6 flow label; 0 for IPv4.
    pub flow_label: u32,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class; its two low bits are ECN.
    pub traffic_class: u8,
    /// Octets of IPv4 options (0..=40), or of IPv6 extension headers (saturating).
    pub ip_options_len: u8,
    /// IPv4 don't-fragment bit; false for IPv6.
    pub dont_fragment: bool,
    /// Whether it came out of IP fragments.
    pub fragmented: bool,
    /// Where in its frame its payload begins; 0 where it is not there.
    pub payload_at: u16,
}

impl Segment {
    /// SEG.ACK, where the ACK bit makes it significant.
    pub fn ack(&self) -> Option<SeqNumber> {
        self.flags.has(Flags::ACK).then_some(self.ack_field)
    }

    /// SEG.LEN: payload, plus one each for SYN and FIN (RFC 9293 section 3.4).
    pub fn len(&self) -> u32 {
        self.payload + u32::from(self.flags.has(Flags::SYN)) + u32::from(self.flags.has(Flags::FIN))
    }

    /// Whether it takes no sequence space.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SEG.SEQ + SEG.LEN: the sequence number that follows this segment.
    pub fn end(&self) -> SeqNumber {
        self.seq.plus(self.len())
    }

    /// A sum over the payload, worked out from the checksum: the same for two segments of one sender with the same
    /// number and length if and (but for one chance in 65,535) only if their payload is the same. `None` where the
    /// checksum is wrong or unfinished, or stands for options that are not known to the bit.
    pub fn payload_sum(&self) -> Option<u16> {
        const NOP_NOP_STAMPS: (u32, u32) = (0x0101, 0x080a);
        let verifies = matches!(self.checksum, Checksum::Good | Checksum::Unverifiable) && self.checksum_field != 0;
        let o = &self.options;
        if !verifies || self.headers != Headers::Whole || !o.faults.is_empty() {
            return None;
        }
        let halves = |n: u32| (n >> 16) + (n & 0xffff);
        let stamps = match (o.len, o.timestamps) {
            (0, _) => 0,
            (12, Some(t)) => NOP_NOP_STAMPS.0 + NOP_NOP_STAMPS.1 + halves(t.value) + halves(t.echo),
            _ => return None,
        };
        let offset = (5 + u32::from(o.len) / 4) << 12;
        let header = halves(self.ack_field.0)
            + (offset | u32::from(self.flags.0))
            + u32::from(self.window)
            + u32::from(self.urgent)
            + stamps;
        // What is added up, the checksum with it, comes to 0xffff: the rest is the payload and what does not change.
        let sum = halves(halves(header + u32::from(self.checksum_field)));
        // 0 and 0xffff are the same number in this arithmetic.
        Some(if sum == 0xffff { 0 } else { sum as u16 })
    }

    /// Sequence number of the first payload octet.
    pub fn payload_start(&self) -> SeqNumber {
        self.seq.plus(u32::from(self.flags.has(Flags::SYN)))
    }
}
