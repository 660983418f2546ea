//! The snoop format (RFC 1761), of Solaris and illumos: a header of 16 octets, then records, each with a header of 24,
//! padded to its stated length. All numbers are big-endian.

use super::input::{Input, MAX_RECORD};
use super::record::{Fault, Record};
use crate::decode::LinkType;
use crate::decode::link::from_snoop;
use crate::time::{MICROSECOND, SECOND, Timestamp};

/// Octets of a record header.
const RECORD_HEADER: usize = 24;
/// Octets of the file header.
const FILE_HEADER: usize = 16;
/// The only version with this layout; others are of analysers that took the format over.
const VERSION: u32 = 2;

/// What the file header said.
pub(super) struct Snoop {
    pub(super) link: LinkType,
    interface: u16,
}

/// What a record header says.
struct Header {
    wire_len: u32,
    captured: usize,
    /// Octets up to the next record: header, frame, padding.
    length: usize,
    time: Timestamp,
}

impl Header {
    fn read(octets: &[u8; RECORD_HEADER]) -> Self {
        let (words, _) = octets.as_chunks::<4>();
        let word = |n: usize| words.get(n).map_or(0, |word| u32::from_be_bytes(*word));
        Self {
            wire_len: word(0),
            captured: word(1) as usize,
            length: word(2) as usize,
            // Seconds and microseconds of 32 bits cannot overflow.
            time: Timestamp(i64::from(word(4)) * SECOND + i64::from(word(5)) * MICROSECOND),
        }
    }

    /// Whether the frame fits into the record.
    const fn is_sound(&self) -> bool {
        self.length >= RECORD_HEADER && self.captured <= self.length - RECORD_HEADER
    }
}

impl Snoop {
    /// Whether this is how a snoop file begins.
    pub(super) fn recognises(magic: [u8; 4]) -> bool {
        magic == *b"snoo"
    }

    /// Reads the file header. `None` when its version is one whose records have another layout, or it is no snoop file.
    pub(super) fn open(input: &mut Input, interface: u16) -> Result<Option<Self>, Fault> {
        if !input.require(FILE_HEADER)? {
            return Err(Fault::cut(input, "the file header", FILE_HEADER));
        }
        let Some((header, _)) = input.front::<FILE_HEADER>() else { return Ok(None) };
        let (words, _) = header.as_chunks::<4>();
        let word = |n: usize| words.get(n).map_or(0, |word| u32::from_be_bytes(*word));
        if !header.starts_with(b"snoop\0\0\0") || word(2) != VERSION {
            return Ok(None);
        }
        let link = from_snoop(word(3));
        input.consume(FILE_HEADER);
        Ok(Some(Self { link, interface }))
    }

    fn take(&self, header: &Header, length: usize, input: &mut Input, record: &mut Record) {
        record.time = header.time;
        record.link = self.link;
        record.interface = self.interface;
        record.wire_len = header.wire_len.max(header.captured as u32);
        record.start = input.place() + RECORD_HEADER;
        record.len = header.captured;
        input.consume(length);
    }

    /// Takes the next record from the input; false at the end of the file.
    pub(super) fn next(&self, input: &mut Input, record: &mut Record) -> Result<bool, Fault> {
        if !input.require(RECORD_HEADER)? {
            return if input.data().is_empty() { Ok(false) } else { Err(Fault::cut(input, "a record", RECORD_HEADER)) };
        }
        let Some((octets, _)) = input.front::<RECORD_HEADER>() else { return Ok(false) };
        let header = Header::read(octets);
        if !header.is_sound() {
            let Header { captured, length, .. } = header;
            return Err(Fault::damaged(
                input,
                format!("a record of {length} octets cannot hold a frame of {captured}"),
            ));
        }
        if header.length > MAX_RECORD {
            let length = header.length;
            let reason = format!("a record claims {length} octets, more than the {MAX_RECORD} that are read");
            return Err(Fault::damaged(input, reason));
        }
        let whole = input.require(header.length)?;
        // The last record may lack its padding: nothing of the frame is missing.
        let there = RECORD_HEADER + header.captured;
        if !whole && input.data().len() < there {
            return Err(Fault::cut(input, "a record", there));
        }
        self.take(&header, header.length, input, record);
        Ok(true)
    }
}
