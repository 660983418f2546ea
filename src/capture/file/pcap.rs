//! The classic pcap format: a header of 24 octets, then records, each with a header of 16.
//! (draft-ietf-opsawg-pcap.)
//!
//! The file header is parsed by the `pcap-parser` crate. Record headers, four words each, are read here: it saves a
//! third of the instructions that reading takes.

use pcap_parser::pcap::parse_pcap_header;

use super::input::{Input, MAX_RECORD};
use super::record::{Fault, Record};
use crate::decode::LinkType;
use crate::decode::link::from_file_field;
use crate::time::{MICROSECOND, SECOND, Timestamp};

/// Octets of a record header.
const RECORD_HEADER: usize = 16;
/// Octets of the file header.
const FILE_HEADER: usize = 24;
/// Some writers let the fraction run past the second; from here on it is nonsense, nanoseconds.
const CARRIED: i64 = 60 * SECOND;

/// What the file header said.
pub(super) struct Pcap {
    big_endian: bool,
    tick: i64,
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    interface: u16,
}

impl Pcap {
    /// Whether this is how a pcap file that is read here begins (micro- or nanoseconds, either byte order).
    pub(super) fn recognises(magic: [u8; 4]) -> bool {
        matches!(u32::from_le_bytes(magic), 0xa1b2_c3d4 | 0xa1b2_3c4d | 0xd4c3_b2a1 | 0x4d3c_b2a1)
    }

    /// Reads the file header. `None` when its version is one whose records have another layout.
    pub(super) fn open(input: &mut Input, interface: u16) -> Result<Option<Self>, Fault> {
        if !input.require(FILE_HEADER)? {
            return Err(Fault::cut(input, "the file header", FILE_HEADER));
        }
        let Ok((_, header)) = parse_pcap_header(input.data()) else {
            return Err(Fault::damaged(input, "the file header is not one of pcap".to_owned()));
        };
        // Before 2.4 the two lengths of a record were in the other order, sometimes.
        if header.version_major != 2 || header.version_minor < 4 {
            return Ok(None);
        }
        input.consume(FILE_HEADER);
        Ok(Some(Self {
            big_endian: header.is_bigendian(),
            tick: if header.is_nanosecond_precision() { 1 } else { MICROSECOND },
            link: from_file_field(header.network.0 as u32),
            snaplen: header.snaplen,
            interface,
        }))
    }

    /// Takes the next record if it is in the buffer whole, as all but every one is.
    #[inline(always)]
    pub(super) fn take_buffered(&self, input: &mut Input, record: &mut Record) -> bool {
        let Some((header, rest)) = input.front::<RECORD_HEADER>() else { return false };
        let [seconds, subsecond, captured, wire_len] = self.words(header);
        let len = captured as usize;
        if len > rest.len() {
            return false;
        }
        record.time = self.time(seconds, subsecond);
        record.link = self.link;
        record.interface = self.interface;
        record.wire_len = wire_len.max(captured);
        record.start = input.place() + RECORD_HEADER;
        record.len = len;
        input.consume(RECORD_HEADER + len);
        true
    }

    /// Takes the next record from the input; false at the end of the file.
    pub(super) fn next(&self, input: &mut Input, record: &mut Record) -> Result<bool, Fault> {
        while !self.take_buffered(input, record) {
            let missing = match input.front::<RECORD_HEADER>() {
                None => RECORD_HEADER - input.data().len(),
                Some((header, rest)) => {
                    let [_, _, captured, _] = self.words(header);
                    (captured as usize).saturating_sub(rest.len())
                }
            };
            if !self.read_on(input, missing)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The four words of a record header.
    #[inline]
    fn words(&self, header: &[u8; RECORD_HEADER]) -> [u32; 4] {
        let little = u128::from_le_bytes(*header);
        let words = [little as u32, (little >> 32) as u32, (little >> 64) as u32, (little >> 96) as u32];
        if self.big_endian { words.map(u32::swap_bytes) } else { words }
    }

    /// A tick is a microsecond at most, so that no 32-bit words can overflow this. A fraction of many seconds is
    /// nonsense: it must not lead out of the second.
    #[inline]
    fn time(&self, seconds: u32, subsecond: u32) -> Timestamp {
        let fraction = i64::from(subsecond) * self.tick;
        Timestamp(i64::from(seconds) * SECOND + if fraction < CARRIED { fraction } else { SECOND - 1 })
    }

    /// Gets `missing` more octets; false when the file ends properly, at the end of a record.
    #[cold]
    fn read_on(&self, input: &mut Input, missing: usize) -> Result<bool, Fault> {
        let there = input.data().len();
        let needed = there.saturating_add(missing);
        if needed > MAX_RECORD {
            let reason = format!("a record claims {needed} octets, more than the {MAX_RECORD} that are read");
            return Err(Fault::damaged(input, reason));
        }
        if input.require(needed)? {
            return Ok(true);
        }
        if input.data().is_empty() { Ok(false) } else { Err(Fault::cut(input, "a record", needed)) }
    }
}
