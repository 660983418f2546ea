//! ICMP and ICMPv6 errors that quote a TCP segment.

use core::net::IpAddr;

use super::{Endpoint, SeqNumber};
use crate::time::Timestamp;

/// What kind of ICMP or ICMPv6 error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// Destination unreachable, with its code.
    Unreachable(u8),
    /// Fragmentation needed, or packet too big.
    PacketTooBig,
    /// Time exceeded.
    TimeExceeded,
    /// Parameter problem, source quench and the like, with the ICMP type.
    Other(u8),
}

/// An ICMP or ICMPv6 error that quotes a TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct IcmpQuote {
    /// Packet time.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// Who sent the error.
    pub reporter: IpAddr,
    /// What it says.
    pub kind: IcmpKind,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Sender of the quoted segment.
    pub source: Endpoint,
    /// Destination of the quoted segment.
    pub destination: Endpoint,
    /// SEG.SEQ of the quoted segment, which 8 octets of TCP are enough for.
    pub seq: SeqNumber,
}
