//! One file, fifo or stream of any format that is read, recognised by its content.

use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use strum::IntoStaticStr;

use super::input::Input;
use super::interface_indices::InterfaceIndices;
#[cfg(feature = "live")]
use super::offline::Offline;
use super::open::OpenInput;
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::record::{Fault, Record};
use super::snoop::Snoop;
use super::thread::{Counted, Threaded};
use crate::capture::{CaptureError, Progress};
use crate::decode::{Frame, LinkType};
use crate::panics::Panicked;
use crate::time::Timestamp;

/// What readers of the same merged input share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) indices: InterfaceIndices,
    pub(super) stop: Option<Arc<AtomicBool>>,
    pub(super) max_decompressed: Option<u64>,
    pub(super) decompress_in_place: bool,
}

impl Context {
    fn stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// A file being read: the octets of its current record stay in the buffer until the next one is asked for.
pub(super) struct Reader {
    name: String,
    input: Input,
    format: Format,
    compression: Option<Compression>,
    packets: u64,
    current: Record,
    read: Arc<AtomicU64>,
    total: Option<u64>,
    context: Context,
}

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
    Snoop(Snoop),
    /// Stopped before it had said anything.
    Nothing,
    #[cfg(feature = "live")]
    Libpcap(Offline),
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
enum Compression {
    Gzip,
    Zstd,
}

impl Reader {
    /// Reads an open input up to where its first frame may begin.
    pub(super) fn open(input: &OpenInput, context: Context) -> Result<Self, CaptureError> {
        let total = input.total().map_err(|cause| CaptureError::io("read", &input.name, cause))?;
        Self::from_stream(&input.name, input.stream(), total, input.path(), context)
    }

    /// Reads from any stream. One of unknown length is read in a thread, so that a stop is heard while it is silent.
    pub(super) fn from_stream(
        name: &str,
        stream: impl Read + Send + 'static,
        total: Option<u64>,
        path: Option<&Path>,
        context: Context,
    ) -> Result<Self, CaptureError> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted::new(stream, Arc::clone(&read));
        let io = |cause| CaptureError::io("read", name, cause);
        let mut input = if total.is_some() {
            Input::new(Box::new(counted))
        } else {
            let threaded = Threaded::spawn("read", move || Ok(counted), context.stop.clone());
            Input::new(Box::new(threaded.map_err(io)?))
        };
        let first = magic(&mut input).map_err(io)?;
        let compression = Compression::recognise(&first);
        if let Some(compression) = compression {
            let in_place = context.decompress_in_place && total.is_some();
            input = compression.decompress(input, &context, in_place).map_err(io)?;
        }
        let format = match Format::open(name, &mut input, compression, path, &context) {
            Err(_) if context.stopped() => Format::Nothing,
            opened => opened?,
        };
        Ok(Self {
            name: name.to_owned(),
            input,
            format,
            compression,
            packets: 0,
            current: Record::NONE,
            read,
            total,
            context,
        })
    }

    /// Goes to the next record; false at the end.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<bool, CaptureError> {
        if self.take_buffered() { Ok(true) } else { self.read_on() }
    }

    /// Goes to the next record if it is in the buffer; otherwise [`Self::advance`] does.
    #[inline(always)]
    pub(super) fn take_buffered(&mut self) -> bool {
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.take_buffered(&mut self.input, &mut self.current),
            Format::PcapNg(pcapng) => pcapng.take_buffered(&mut self.input, &mut self.current),
            // Rare: they are read on.
            _ => false,
        };
        self.packets += u64::from(found);
        found
    }

    #[inline(never)]
    fn read_on(&mut self) -> Result<bool, CaptureError> {
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.input, &mut self.current),
            Format::PcapNg(pcapng) => pcapng.next(&mut self.input, &mut self.current),
            Format::Snoop(snoop) => snoop.next(&mut self.input, &mut self.current),
            Format::Nothing => Ok(false),
            #[cfg(feature = "live")]
            Format::Libpcap(offline) => offline.next(&mut self.current),
        };
        match found {
            Ok(found) => {
                self.packets += u64::from(found);
                Ok(found)
            }
            Err(fault) => self.fail(fault),
        }
    }

    #[cold]
    fn fail(&self, fault: Fault) -> Result<bool, CaptureError> {
        if self.context.stopped() {
            return Ok(false);
        }
        Err(fault.into_error(&self.name, self.compression, self.input.offset(), self.packets))
    }

    /// Time of the current record.
    #[inline]
    pub(super) const fn time(&self) -> Timestamp {
        self.current.time
    }

    /// The current record as a frame with this number.
    #[inline]
    pub(super) fn frame(&self, number: u64) -> Frame<'_> {
        let record = &self.current;
        let data = match &self.format {
            #[cfg(feature = "live")]
            Format::Libpcap(offline) => offline.data(),
            _ => self.input.at(record.start, record.len),
        };
        Frame {
            number,
            time: record.time,
            link: record.link,
            interface: record.interface,
            wire_len: record.wire_len,
            data,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Link types and snapshot lengths that are known so far.
    pub(super) fn links(&self) -> Vec<(LinkType, u32)> {
        match &self.format {
            Format::Pcap(pcap) => vec![(pcap.link, pcap.snaplen)],
            Format::PcapNg(pcapng) => pcapng.interfaces().collect(),
            Format::Snoop(snoop) => vec![(snoop.link, 0)],
            Format::Nothing => Vec::new(),
            #[cfg(feature = "live")]
            Format::Libpcap(offline) => vec![(offline.link, 0)],
        }
    }

    /// Whether link types may turn up later that are not known yet.
    pub(super) const fn may_have_more_links(&self) -> bool {
        matches!(self.format, Format::PcapNg(_) | Format::Nothing)
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { read: self.read.load(Ordering::Relaxed), total: self.total }
    }
}

impl Format {
    /// Recognises the content and reads its header.
    fn open(
        name: &str,
        input: &mut Input,
        compression: Option<Compression>,
        path: Option<&Path>,
        context: &Context,
    ) -> Result<Self, CaptureError> {
        let fail = |fault: Fault| fault.into_error(name, compression, 0, 0);
        let first = magic(input).map_err(|error| fail(error.into()))?;
        let opened = match first[..] {
            [a, b, c, d] if PcapNg::recognises([a, b, c, d]) => {
                let mut pcapng = PcapNg::open(input, context.indices.clone()).map_err(fail)?;
                pcapng.read_ahead(input);
                Some(Self::PcapNg(pcapng))
            }
            [a, b, c, d] if Pcap::recognises([a, b, c, d]) => {
                Pcap::open(input, context.indices.take()).map_err(fail)?.map(Self::Pcap)
            }
            [a, b, c, d] if Snoop::recognises([a, b, c, d]) => {
                let snoop = Snoop::open(input, context.indices.take()).map_err(fail)?;
                let other = || unknown(name, "a kind of snoop file whose layout is not known");
                Some(Self::Snoop(snoop.ok_or_else(other)?))
            }
            [a, b, c, d] if is_other_pcap([a, b, c, d]) => None,
            _ => return Err(not_a_capture(name, &first, input, compression)),
        };
        match opened {
            Some(format) => Ok(format),
            None => Self::other_pcap(name, path.filter(|_| compression.is_none()), context),
        }
    }

    /// A pcap file whose records have another layout: libpcap reads it, from a plain file.
    #[cfg(feature = "live")]
    fn other_pcap(name: &str, path: Option<&Path>, context: &Context) -> Result<Self, CaptureError> {
        match path {
            Some(path) => Ok(Self::Libpcap(Offline::open(name, path, context.indices.take())?)),
            None => Err(unknown(name, "an old or modified kind of pcap, which is read from plain files only")),
        }
    }

    #[cfg(not(feature = "live"))]
    fn other_pcap(name: &str, _: Option<&Path>, _: &Context) -> Result<Self, CaptureError> {
        Err(unknown(name, "an old or modified kind of pcap, which needs libpcap; this build is without it"))
    }
}

impl Compression {
    /// By the first octets of a file.
    fn recognise(first: &[u8]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            // A frame, or a skippable frame before it.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        self.into()
    }

    /// Decompresses, `in_place` or in a thread of its own. Several members or frames in a row are one stream.
    fn decompress(self, input: Input, context: &Context, in_place: bool) -> io::Result<Input> {
        let stop = context.stop.clone();
        let left = context.max_decompressed.unwrap_or(u64::MAX);
        if in_place {
            let input = UntilStop { input, stop };
            return Ok(match self {
                Self::Gzip => at_most(flate2::bufread::MultiGzDecoder::new(input), left),
                Self::Zstd => at_most(zstd::stream::read::Decoder::with_buffer(input)?, left),
            });
        }
        let threaded = match self {
            Self::Gzip => Threaded::spawn("gunzip", move || Ok(flate2::bufread::MultiGzDecoder::new(input)), stop),
            Self::Zstd => Threaded::spawn("unzstd", move || zstd::stream::read::Decoder::with_buffer(input), stop),
        };
        Ok(at_most(threaded?, left))
    }
}

impl Fault {
    /// The error to report. `offset` is how far the input had been consumed, `packets` how many frames came before.
    fn into_error(self, input: &str, compression: Option<Compression>, offset: u64, packets: u64) -> CaptureError {
        let input = input.to_owned();
        match self {
            Self::Read(cause) if let Some(panic) = panic_of(&cause).cloned() => CaptureError::Panicked(panic),
            // What has no number of the system's comes from a decompressor: the content is to blame.
            Self::Read(cause)
                if compression.is_some()
                    && cause.raw_os_error().is_none()
                    && cause.kind() != io::ErrorKind::FileTooLarge =>
            {
                let name = compression.map_or("", Compression::name);
                let reason = match cause.kind() {
                    io::ErrorKind::UnexpectedEof => format!("the {name} data ends too early"),
                    _ => format!("the {name} data is damaged: {cause}"),
                };
                CaptureError::Damaged { input, offset: Some(offset), packets, reason }
            }
            Self::Read(cause) => CaptureError::Io { operation: "read", input, cause },
            Self::Damaged { offset, reason } => CaptureError::Damaged { input, offset, packets, reason },
        }
    }
}

/// What the thread that reads panicked with, if it did.
fn panic_of(cause: &io::Error) -> Option<&Panicked> {
    cause.get_ref()?.downcast_ref()
}

/// What `reader` gives, at most `left` octets.
fn at_most(reader: impl Read + Send + 'static, left: u64) -> Input {
    Input::new(Box::new(AtMost { reader, left }))
}

/// An input that ends when a flag is raised: a decompressor may read for long before it gives anything.
struct UntilStop {
    input: Input,
    stop: Option<Arc<AtomicBool>>,
}

impl Read for UntilStop {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for UntilStop {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Ok(&[]);
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
    }
}

/// A stream that is an error beyond a number of octets.
struct AtMost<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for AtMost<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than --max-decompressed allows")),
        }
        Ok(read)
    }
}

/// The first four octets, or fewer where there are not more.
fn magic(input: &mut Input) -> io::Result<Vec<u8>> {
    input.require(4)?;
    Ok(input.data().get(..4).unwrap_or(input.data()).to_vec())
}

/// pcap as Kuznetzov, Francisco Mesquita and Navtel modified it, in either byte order.
fn is_other_pcap(magic: [u8; 4]) -> bool {
    let value = u32::from_le_bytes(magic);
    [0xa1b2_cd34, 0xa1b2_34cd, 0xa12b_3c4d].iter().any(|known| value == *known || value.swap_bytes() == *known)
}

/// What to say of content that is no capture: nothing at all, the beginning of one, or something else.
fn not_a_capture(name: &str, first: &[u8], input: &Input, compression: Option<Compression>) -> CaptureError {
    const BEGINNINGS: [&[u8]; 8] = [
        &[0xd4, 0xc3, 0xb2, 0xa1],
        &[0xa1, 0xb2, 0xc3, 0xd4],
        &[0x4d, 0x3c, 0xb2, 0xa1],
        &[0xa1, 0xb2, 0x3c, 0x4d],
        &[0x0a, 0x0d, 0x0d, 0x0a],
        b"snoo",
        &[0x1f, 0x8b, 0x08],
        &[0x28, 0xb5, 0x2f, 0xfd],
    ];
    let damaged = |reason: &str| CaptureError::Damaged {
        input: name.to_owned(),
        offset: Some(0),
        packets: 0,
        reason: reason.to_owned(),
    };
    match first {
        [] if compression.is_some() => damaged("nothing is compressed in it"),
        [] => damaged("it is empty (0 octets)"),
        [_] | [_, _] | [_, _, _] if BEGINNINGS.iter().any(|known| known.starts_with(first)) => {
            damaged("ends inside its first four octets")
        }
        [0xfd, b'7', b'z', b'X'] => unknown(name, "it is compressed with xz; decompress it first"),
        [b'B', b'Z', b'h', _] => unknown(name, "it is compressed with bzip2; decompress it first"),
        [0x04, 0x22, 0x4d, 0x18] => unknown(name, "it is compressed with lz4; decompress it first"),
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd] => unknown(name, "it is compressed twice"),
        _ => {
            let start = input.data().get(..8).unwrap_or(input.data());
            unknown(name, &format!("it begins with {:?}", start.escape_ascii().to_string()))
        }
    }
}

fn unknown(name: &str, found: &str) -> CaptureError {
    CaptureError::UnknownFormat { input: name.to_owned(), found: found.to_owned() }
}
