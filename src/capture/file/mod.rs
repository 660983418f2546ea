//! Files, fifos and standard input as a [`Source`]: one, or several merged by time.

pub(super) mod follow;
mod input;
mod interface_indices;
#[cfg(feature = "live")]
mod offline;
mod open;
mod options;
mod pcap;
mod pcapng;
mod reader;
mod record;
mod snoop;
mod thread;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;

use self::interface_indices::InterfaceIndices;
use self::open::OpenInput;
pub use self::options::{FileInput, FileOptions};
use self::reader::{Context, Reader};
use super::filter::Filtered;
use super::{CaptureError, Counts, Filter, Next, Progress, Source};
use crate::decode::LinkType;
use crate::decode::link::link_description;
use crate::time::Timestamp;

/// The link types of most captures; a message names the first: Ethernet, raw IP, Linux cooked, Wi-Fi.
const COMMON: [LinkType; 5] = [LinkType(1), LinkType(101), LinkType(113), LinkType(276), LinkType(127)];

/// One or several inputs, open. Nothing of them has been read.
#[derive(Debug)]
pub struct OpenFiles(Vec<OpenInput>);

impl OpenFiles {
    /// Opens all inputs.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NotFound`], [`CaptureError::Io`]; [`CaptureError::Usage`] for no input at all and for standard
    /// input twice.
    pub fn open(inputs: &[FileInput]) -> Result<Self, CaptureError> {
        if inputs.is_empty() {
            return Err(CaptureError::Usage("no file to read".to_owned()));
        }
        if inputs.iter().filter(|input| **input == FileInput::Stdin).count() > 1 {
            return Err(CaptureError::Usage("standard input can be given only once".to_owned()));
        }
        inputs.iter().map(OpenInput::open).collect::<Result<_, _>>().map(Self)
    }

    /// Reads the file headers. Regular files can be read any number of times, from the start each time and without
    /// opening them again.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Io`], [`CaptureError::UnknownFormat`]; [`CaptureError::Damaged`] for a file that ends within its
    /// header, an empty one among them.
    pub fn read(&self, options: FileOptions) -> Result<Files, CaptureError> {
        let context = Context {
            indices: InterfaceIndices::default(),
            stop: options.stop,
            max_decompressed: options.max_decompressed,
            decompress_in_place: options.decompress_in_place,
        };
        let readers: Result<Vec<_>, _> = self.0.iter().map(|input| Reader::open(input, context.clone())).collect();
        Files::new(readers?, options.filter)
    }
}

/// One or several inputs, their frames in order of time (equal times: in order of the inputs), numbered throughout.
pub struct Files {
    readers: Vec<Reader>,
    /// Of several readers: which has which time at its front.
    fronts: BinaryHeap<Reverse<(Timestamp, usize)>>,
    started: bool,
    current: usize,
    filter: Option<Filter>,
    number: u64,
    yielded: u64,
    /// Frames of a link type that the filter does not fit.
    unfit: u64,
    fault: Option<CaptureError>,
    /// Whether there is one reader, no filter, and more to come, so that frames only have to be handed on.
    plain: bool,
    ended: bool,
}

impl Files {
    /// Opens all inputs and reads their file headers.
    ///
    /// # Errors
    ///
    /// As [`OpenFiles::open`] and [`OpenFiles::read`].
    pub fn open(inputs: &[FileInput], options: FileOptions) -> Result<Self, CaptureError> {
        OpenFiles::open(inputs)?.read(options)
    }

    /// Reads streams of any kind, each with the name that messages give it.
    ///
    /// # Errors
    ///
    /// As [`Files::open`].
    pub fn from_streams<R: Read + Send + 'static>(
        streams: impl IntoIterator<Item = (String, R)>,
        options: FileOptions,
    ) -> Result<Self, CaptureError> {
        let context = Context {
            indices: InterfaceIndices::default(),
            stop: options.stop,
            max_decompressed: options.max_decompressed,
            decompress_in_place: options.decompress_in_place,
        };
        let readers: Result<Vec<_>, _> = streams
            .into_iter()
            .map(|(name, stream)| Reader::from_stream(&name, stream, None, None, context.clone()))
            .collect();
        Self::new(readers?, options.filter)
    }

    fn new(readers: Vec<Reader>, mut filter: Option<Filter>) -> Result<Self, CaptureError> {
        if readers.is_empty() {
            return Err(CaptureError::Usage("no file to read".to_owned()));
        }
        if let Some(filter) = &mut filter {
            let known: Vec<LinkType> = readers.iter().flat_map(Reader::links).map(|(link, _)| link).collect();
            let more = if readers.iter().any(Reader::may_have_more_links) { &COMMON[..] } else { &[] };
            filter.check(known.into_iter().chain(more.iter().copied()))?;
        }
        Ok(Self {
            fronts: BinaryHeap::with_capacity(readers.len()),
            plain: readers.len() == 1 && filter.is_none(),
            readers,
            started: false,
            current: 0,
            filter,
            number: 0,
            yielded: 0,
            unfit: 0,
            fault: None,
            ended: false,
        })
    }

    /// Makes the next frame in order the current one; false when there is none.
    #[inline]
    fn step(&mut self) -> Result<bool, CaptureError> {
        if let [only] = &mut self.readers[..] { only.advance() } else { self.step_merged() }
    }

    fn step_merged(&mut self) -> Result<bool, CaptureError> {
        if self.started {
            self.refill(self.current);
        } else {
            self.started = true;
            (0..self.readers.len()).for_each(|index| self.refill(index));
        }
        match (self.fronts.pop(), self.fault.take()) {
            (Some(Reverse((_, index))), fault) => {
                (self.current, self.fault) = (index, fault);
                Ok(true)
            }
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(false),
        }
    }

    /// Advances one reader. A failure waits until the others have been read to their ends; the first one counts.
    fn refill(&mut self, index: usize) {
        let Some(reader) = self.readers.get_mut(index) else { return };
        match reader.advance() {
            Ok(true) => self.fronts.push(Reverse((reader.time(), index))),
            Ok(false) => {}
            Err(error) => drop(self.fault.get_or_insert(error)),
        }
    }

    /// Goes to the next frame that the filter takes.
    #[inline]
    fn seek(&mut self) -> Result<bool, CaptureError> {
        while self.step()? {
            self.number += 1;
            let Some(filter) = &mut self.filter else { return Ok(true) };
            match self.readers.get(self.current).map(|reader| filter.judge(&reader.frame(self.number))) {
                Some(Filtered::Taken) => return Ok(true),
                Some(Filtered::Unfit) => self.unfit += 1,
                Some(Filtered::Refused) | None => {}
            }
        }
        // A filter that fits no frame at all is a mistake.
        let is_mistake = self.unfit > 0 && self.unfit == self.number;
        let failure = self.filter.as_mut().filter(|_| is_mistake).and_then(Filter::failure);
        failure.map_or(Ok(false), Err)
    }

    /// [`Source::next`] of several inputs, or with a filter, or at the end.
    #[inline(never)]
    fn next_sought(&mut self) -> Result<Next<'_>, CaptureError> {
        if self.ended {
            return Ok(Next::End);
        }
        let found = self.seek();
        self.ended = !matches!(found, Ok(true));
        match self.readers.get(self.current) {
            Some(reader) if found? => {
                self.yielded += 1;
                Ok(Next::Frame(reader.frame(self.number)))
            }
            _ => Ok(Next::End),
        }
    }
}

impl Source for Files {
    #[inline]
    fn next(&mut self) -> Result<Next<'_>, CaptureError> {
        if !self.plain {
            return self.next_sought();
        }
        let [only] = &mut self.readers[..] else { return Ok(Next::End) };
        if !only.take_buffered() {
            let found = only.advance();
            if !matches!(found, Ok(true)) {
                (self.plain, self.ended) = (false, true);
                return found.map(|_| Next::End);
            }
        }
        self.number += 1;
        self.yielded += 1;
        Ok(Next::Frame(only.frame(self.number)))
    }

    fn description(&self) -> String {
        let names: Vec<_> = self.readers.iter().map(Reader::name).collect();
        let mut links: Vec<LinkType> = Vec::new();
        let mut snaplen = 0;
        for (link, length) in self.readers.iter().flat_map(Reader::links) {
            snaplen = length.max(snaplen);
            if !links.contains(&link) {
                links.push(link);
            }
        }
        let mut text = match names[..] {
            [name] if name == FileInput::Stdin.to_string() => format!("reading from {name}"),
            [name] => format!("reading from file {name}"),
            _ => format!("reading from {} files, {}", names.len(), names.join(", ")),
        };
        if !links.is_empty() {
            let links: Vec<_> = links.into_iter().map(link_description).collect();
            text += &format!(", link-type {}", links.join(" and "));
        }
        if snaplen > 0 {
            text += &format!(", snapshot length {snaplen} bytes");
        }
        text
    }

    fn progress(&self) -> Progress {
        self.readers.iter().map(Reader::progress).fold(Progress { read: 0, total: Some(0) }, |sum, each| Progress {
            read: sum.read + each.read,
            total: sum.total.zip(each.total).map(|(a, b)| a + b),
        })
    }

    fn counts(&self) -> Counts {
        Counts { frames: self.yielded, unfit: self.unfit, ..Counts::default() }
    }
}
