//! The pcapng format. Reads section, interface and packet blocks, and skips all others.
//! (draft-ietf-opsawg-pcapng.)
//!
//! Sections and interfaces are parsed by the `pcap-parser` crate. Packet blocks, a few fixed words each, are read here:
//! the crate allocates for every packet with options, knows no obsolete packet block, and leaves the snapshot length
//! of simple packets to its caller.

use pcap_parser::nom::IResult;
use pcap_parser::pcapng::{
    InterfaceDescriptionBlock, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};
use pcap_parser::{OptionCode, PcapError};

use super::input::{Input, MAX_RECORD};
use super::interface_indices::InterfaceIndices;
use super::record::{Fault, Record};
use crate::decode::LinkType;
use crate::decode::link::from_file_field;
use crate::time::{SECOND, Timestamp};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The byte-order magic of a section header, as it reads in the section's own byte order.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Octets of type, length and length again that are around every block.
const FRAMING: usize = 12;
/// Where the data of an enhanced (and of an obsolete) packet block begins.
const PACKET_DATA: usize = 28;
/// Interfaces that one section may have; a packet names its interface by a number of 16 or 32 bits.
const MAX_INTERFACES: usize = 1 << 16;

/// The state of the current section.
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<InterfaceBlock>,
    indices: InterfaceIndices,
    last_time: Timestamp,
}

#[derive(Clone, Copy)]
struct InterfaceBlock {
    index: u16,
    link: LinkType,
    snaplen: u32,
    clock: TimeUnit,
}

impl PcapNg {
    /// Whether this is how a pcapng file begins.
    pub(super) fn recognises(magic: [u8; 4]) -> bool {
        u32::from_le_bytes(magic) == SECTION
    }

    /// Reads the first section header.
    pub(super) fn open(input: &mut Input, indices: InterfaceIndices) -> Result<Self, Fault> {
        let mut this = Self { big_endian: false, interfaces: Vec::new(), indices, last_time: Timestamp::default() };
        let Some((kind, length)) = this.block(input)? else {
            return Err(Fault::cut(input, "the first block", FRAMING));
        };
        this.other_block(input, kind, length)?;
        Ok(this)
    }

    /// Link type and snapshot length of the interfaces of the current section seen so far.
    pub(super) fn interfaces(&self) -> impl Iterator<Item = (LinkType, u32)> {
        self.interfaces.iter().map(|interface| (interface.link, interface.snaplen))
    }

    /// Handles blocks that are in the buffer already, up to the first packet; never reads. What is wrong is left for
    /// [`Self::next`] to find.
    pub(super) fn read_ahead(&mut self, input: &mut Input) {
        while let Some(kind) = word(input.data(), 0, self.big_endian)
            && let Some(length) = word(input.data(), 4, self.big_endian)
            && kind == INTERFACE
            && length as usize >= FRAMING
            && length as usize <= input.data().len()
            && self.other_block(input, kind, length as usize).is_ok()
        {}
    }

    /// Takes an enhanced packet block that is in the buffer whole and right, as all but every block is. What is not is
    /// left.
    #[inline(always)]
    pub(super) fn take_buffered(&mut self, input: &mut Input, record: &mut Record) -> bool {
        let Some((header, rest)) = input.front::<PACKET_DATA>() else { return false };
        let field = |at: usize| known_word(header, at, self.big_endian);
        let (length, captured) = (field(4), field(20));
        let whole = (length as usize).checked_sub(PACKET_DATA).and_then(|behind| rest.get(..behind));
        let end = whole.and_then(<[u8]>::last_chunk::<4>);
        if field(0) != ENHANCED_PACKET
            || !length.is_multiple_of(4)
            || u64::from(captured) + (PACKET_DATA + 4) as u64 > u64::from(length)
            || end.is_none_or(|end| known_word(end, 0, self.big_endian) != length)
        {
            return false;
        }
        let Some(interface) = self.interfaces.get(field(8) as usize) else { return false };
        record.time = interface.clock.time(u64::from(field(12)) << 32 | u64::from(field(16)));
        record.link = interface.link;
        record.interface = interface.index;
        record.wire_len = field(24).max(captured);
        record.start = input.place() + PACKET_DATA;
        record.len = captured as usize;
        self.last_time = record.time;
        input.consume(length as usize);
        true
    }

    /// Takes the next packet from the input, whatever stands before it; false at the end of the file.
    pub(super) fn next(&mut self, input: &mut Input, found: &mut Record) -> Result<bool, Fault> {
        loop {
            let Some((kind, length)) = self.block(input)? else { return Ok(false) };
            if matches!(kind, ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET) {
                self.whole(input, length)?;
                let place = input.place();
                let block = input.data().get(..length).unwrap_or_default();
                let record = match kind {
                    SIMPLE_PACKET => self.simple_packet(block),
                    _ => self.packet(block, kind),
                };
                let record = record.map_err(|reason| Fault::damaged(input, reason))?;
                self.last_time = record.time;
                *found = Record { start: place + record.start, ..record };
                input.consume(length);
                return Ok(true);
            }
            self.other_block(input, kind, length)?;
        }
    }

    /// Type and total length of the block at the front; `None` at the end of the file.
    #[inline]
    fn block(&mut self, input: &mut Input) -> Result<Option<(u32, usize)>, Fault> {
        if !input.require(FRAMING)? {
            return if input.data().is_empty() { Ok(None) } else { Err(Fault::cut(input, "a block", FRAMING)) };
        }
        let data = input.data();
        if word(data, 0, false) == Some(SECTION) {
            self.big_endian = match word(data, 8, false) {
                Some(BYTE_ORDER) => false,
                Some(other) if other.swap_bytes() == BYTE_ORDER => true,
                _ => return Err(Fault::damaged(input, "a section header without byte-order magic".to_owned())),
            };
        }
        let kind = word(data, 0, self.big_endian).unwrap_or_default();
        let length = word(data, 4, self.big_endian).unwrap_or_default();
        if (length as usize) < FRAMING || !length.is_multiple_of(4) {
            return Err(Fault::damaged(input, format!("a block says it is {length} octets long")));
        }
        Ok(Some((kind, length as usize)))
    }

    /// Makes sure the whole block is in the buffer and ends with its length again.
    #[inline]
    fn whole(&self, input: &mut Input, length: usize) -> Result<(), Fault> {
        if length > MAX_RECORD {
            let reason = format!("a block claims {length} octets, more than the {MAX_RECORD} that are read");
            return Err(Fault::damaged(input, reason));
        }
        if !input.require(length)? {
            return Err(Fault::cut(input, "a block", length));
        }
        if word(input.data(), length - 4, self.big_endian) != Some(length as u32) {
            return Err(Fault::damaged(input, format!("a block of {length} octets does not end with that length")));
        }
        Ok(())
    }

    /// Takes in and consumes a block that holds no packet.
    fn other_block(&mut self, input: &mut Input, kind: u32, length: usize) -> Result<(), Fault> {
        match kind {
            SECTION => {
                self.whole(input, length)?;
                self.section(input)?;
            }
            INTERFACE => {
                self.whole(input, length)?;
                self.interface(input)?;
            }
            _ => return self.skip(input, length),
        }
        input.consume(length);
        Ok(())
    }

    /// Passes over a block of any size.
    fn skip(&self, input: &mut Input, length: usize) -> Result<(), Fault> {
        let offset = Some(input.offset());
        let cut = || Fault::Damaged { offset, reason: format!("ends inside a block of {length} octets") };
        if !input.skip(length as u64 - 4)? || !input.require(4)? {
            return Err(cut());
        }
        if word(input.data(), 0, self.big_endian) != Some(length as u32) {
            let reason = format!("a block of {length} octets does not end with that length");
            return Err(Fault::Damaged { offset, reason });
        }
        input.consume(4);
        Ok(())
    }

    fn section(&mut self, input: &Input) -> Result<(), Fault> {
        let Ok((_, header)) = parse_sectionheaderblock(input.data()) else {
            return Err(Fault::damaged(input, "a section header that cannot be read".to_owned()));
        };
        if header.major_version != 1 {
            let reason = format!("pcapng version {}.{} is not known", header.major_version, header.minor_version);
            return Err(Fault::damaged(input, reason));
        }
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, input: &Input) -> Result<(), Fault> {
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(Fault::damaged(input, format!("more than {MAX_INTERFACES} interfaces in a section")));
        }
        let parsed: IResult<_, InterfaceDescriptionBlock<'_>, PcapError<_>> = if self.big_endian {
            parse_interfacedescriptionblock_be(input.data())
        } else {
            parse_interfacedescriptionblock_le(input.data())
        };
        let Ok((_, block)) = parsed else {
            return Err(Fault::damaged(input, "an interface description that cannot be read".to_owned()));
        };
        self.interfaces.push(InterfaceBlock {
            index: self.indices.take(),
            link: from_file_field(block.linktype.0 as u32),
            snaplen: block.snaplen,
            clock: TimeUnit::new(block.if_tsresol, time_offset(&block, self.big_endian)),
        });
        Ok(())
    }

    /// An enhanced packet block, or an obsolete one, whose interface number has 16 bits (the others count drops). The
    /// record's place counts from the front of the block.
    #[inline]
    fn packet(&self, block: &[u8], kind: u32) -> Result<Record, String> {
        let field = |at| word(block, at, self.big_endian).ok_or("a packet block that is too short");
        let number = if kind == ENHANCED_PACKET { field(8)? } else { u32::from(half(block, 8, self.big_endian)) };
        let (high, low) = (field(12)?, field(16)?);
        let (captured, wire_len) = (field(20)?, field(24)?);
        let Some(interface) = self.interfaces.get(number as usize) else {
            return Err(format!("a packet of interface {number}, which is not described"));
        };
        if captured as usize > block.len().saturating_sub(PACKET_DATA + 4) {
            return Err(format!("a packet of {captured} octets in a block of {}", block.len()));
        }
        Ok(Record {
            time: interface.clock.time(u64::from(high) << 32 | u64::from(low)),
            link: interface.link,
            interface: interface.index,
            wire_len: wire_len.max(captured),
            start: PACKET_DATA,
            len: captured as usize,
        })
    }

    /// A simple packet block: of the first interface, cut at its snapshot length, without a time of its own. It takes
    /// that of the packet before it.
    fn simple_packet(&self, block: &[u8]) -> Result<Record, String> {
        let Some(wire_len) = word(block, 8, self.big_endian).filter(|_| block.len() >= 16) else {
            return Err("a simple packet block that is too short".to_owned());
        };
        let Some(interface) = self.interfaces.first() else {
            return Err("a simple packet before any interface is described".to_owned());
        };
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        Ok(Record {
            time: self.last_time,
            link: interface.link,
            interface: interface.index,
            wire_len,
            start: 12,
            len: (wire_len.min(limit) as usize).min(block.len() - 16),
        })
    }
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimeUnit {
    unit: Unit,
    /// Seconds to add (if_tsoffset).
    offset: i64,
}

/// What a tick is (if_tsresol).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Nanoseconds per unit.
    Nanoseconds(u32),
    /// Units per nanosecond.
    Parts(u64),
    /// Two to the power of minus this, seconds.
    Binary(u8),
}

impl TimeUnit {
    /// From the options if_tsresol and if_tsoffset.
    fn new(resolution: u8, offset: i64) -> Self {
        let exponent = resolution & 0x7f;
        let unit = match exponent {
            _ if resolution & 0x80 != 0 => Unit::Binary(exponent),
            0..=9 => Unit::Nanoseconds(10u32.pow(9 - u32::from(exponent))),
            _ => Unit::Parts(10u64.checked_pow(u32::from(exponent) - 9).unwrap_or(u64::MAX)),
        };
        Self { unit, offset }
    }

    #[inline]
    fn time(self, ticks: u64) -> Timestamp {
        if let Unit::Nanoseconds(each) = self.unit
            && let Some(nanoseconds) = i64::try_from(ticks).ok().and_then(|ticks| ticks.checked_mul(i64::from(each)))
        {
            return Timestamp::new(self.offset, nanoseconds);
        }
        self.rarer_time(ticks)
    }

    fn rarer_time(self, ticks: u64) -> Timestamp {
        let nanoseconds = match self.unit {
            Unit::Nanoseconds(each) => i128::from(ticks) * i128::from(each),
            Unit::Parts(parts) => i128::from(ticks / parts),
            Unit::Binary(exponent) => (i128::from(ticks) * i128::from(SECOND)) >> exponent,
        };
        Timestamp::new(self.offset, i64::try_from(nanoseconds).unwrap_or(i64::MAX))
    }
}

/// The option if_tsoffset in seconds. (The crate reads it as little-endian always.)
fn time_offset(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> i64 {
    block
        .options
        .iter()
        .find(|option| option.code == OptionCode::IfTsoffset)
        .and_then(|option| option.value.get(..8)?.try_into().ok())
        .map_or(0, if big_endian { i64::from_be_bytes } else { i64::from_le_bytes })
}

/// The word at a place known to the compiler, so that nothing is left to check.
#[inline(always)]
fn known_word<const N: usize>(data: &[u8; N], at: usize, big_endian: bool) -> u32 {
    word(data, at, big_endian).unwrap_or_default()
}

#[inline]
fn word(data: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let octets = data.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(*octets) } else { u32::from_le_bytes(*octets) })
}

fn half(data: &[u8], at: usize, big_endian: bool) -> u16 {
    let octets = data.get(at..).and_then(|rest| rest.first_chunk::<2>()).copied().unwrap_or_default();
    if big_endian { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_decimal_and_binary_ticks() {
        let at = |resolution, offset, ticks| TimeUnit::new(resolution, offset).time(ticks).0;
        assert_eq!(at(6, 0, 1_500_000), 1_500_000_000);
        assert_eq!(at(9, 0, 1_500_000_007), 1_500_000_007);
        assert_eq!(at(0, 0, 2), 2_000_000_000);
        assert_eq!(at(12, 0, 1_500_000_000_999), 1_500_000_000);
        assert_eq!(at(0x80 | 10, 0, 1024 + 512), 1_500_000_000);
        assert_eq!(at(0x80 | 32, 0, 3 << 31), 1_500_000_000);
        assert_eq!(at(6, -1, 1_500_000), 500_000_000);
        assert_eq!(at(6, 100, 0), 100_000_000_000);
    }

    #[test]
    fn forged_clocks_do_not_overflow() {
        for resolution in 0..=u8::MAX {
            for offset in [0, i64::MIN, i64::MAX] {
                let _ = TimeUnit::new(resolution, offset).time(u64::MAX);
            }
        }
        assert_eq!(TimeUnit::new(0x7f, 0).time(u64::MAX).0, 1);
    }
}
