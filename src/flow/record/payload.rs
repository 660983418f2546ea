//! Segments with payload, as far as their contents can be compared.

use super::evidence::Evidence;
use crate::tcp::{Segment, SeqNumber};
use crate::time::Timestamp;

/// What is kept of the first payload of an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct FirstData {
    pub(in crate::flow) sum: Option<u16>,
    pub(in crate::flow) octets: u16,
    pub(in crate::flow) ip_id: u16,
    pub(in crate::flow) ttl: u8,
    pub(in crate::flow) stamp_is_off: bool,
}

impl FirstData {
    pub(in crate::flow) const fn of(s: &Segment, sum: Option<u16>, stamp_is_off: bool) -> Self {
        let octets = if s.payload > 0xffff { 0xffff } else { s.payload as u16 };
        Self { sum, octets, ip_id: s.ip_id, ttl: s.ttl, stamp_is_off }
    }
}

/// A segment with payload, as far as its contents can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// Number of its first octet.
    pub seq: SeqNumber,
    /// Payload octets.
    pub payload: u32,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification.
    pub ip_id: u16,
    pub(in crate::flow) sum: Option<u16>,
    /// What about its headers differs from the other packets of its sender.
    pub off: Evidence,
}

/// Two segments in the name of one end that cannot both be its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The one that came first.
    pub first: Piece,
    /// The one that came second.
    pub second: Piece,
}

impl Injection {
    /// The one of the two whose headers leave the line of its sender, where only one does.
    pub fn suspect(&self) -> Option<&Piece> {
        let (first, second) = (self.first.off, self.second.off);
        match (first == Evidence::default(), second == Evidence::default()) {
            (false, true) => Some(&self.first),
            (true, false) => Some(&self.second),
            _ => None,
        }
    }
}
