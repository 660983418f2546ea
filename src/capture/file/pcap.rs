//! The classic pcap format: a header of 24 octets, then records, each with a header of 16.
//! (draft-ietf-opsawg-pcap; parsed by the `pcap-parser` crate.)

use pcap_parser::nom::{Err, Needed};
use pcap_parser::pcap::{LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

use super::input::{Input, MAX_RECORD};
use super::record::{Fault, Record};
use crate::capture::linktype::from_file_field;
use crate::decode::LinkType;
use crate::time::{MICROSECOND, Timestamp};

/// Octets of a record header.
const RECORD_HEADER: usize = 16;
/// Octets of the file header.
const FILE_HEADER: usize = 24;

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

    /// Finds the next record at the front of the input; `None` at the end of the file.
    #[inline]
    pub(super) fn next(&self, input: &mut Input) -> Result<Option<Record>, Fault> {
        loop {
            let parsed =
                if self.big_endian { parse_pcap_frame_be(input.data()) } else { parse_pcap_frame(input.data()) };
            let missing = match parsed {
                Ok((_, block)) => return Ok(Some(self.record(&block))),
                Err(Err::Incomplete(Needed::Size(missing))) => missing.get(),
                Err(_) => return Err(Fault::damaged(input, "the record cannot be read".to_owned())),
            };
            if !self.read_on(input, missing)? {
                return Ok(None);
            }
        }
    }

    #[inline]
    fn record(&self, block: &LegacyPcapBlock<'_>) -> Record {
        let subsecond = i64::from(block.ts_usec).saturating_mul(self.tick);
        Record {
            time: Timestamp::new(i64::from(block.ts_sec), subsecond),
            link: self.link,
            interface: self.interface,
            wire_len: block.origlen.max(block.caplen),
            start: RECORD_HEADER,
            len: block.data.len(),
            end: RECORD_HEADER + block.data.len(),
        }
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
