//! The files that packets go to, one after the other as `-C`, `-G` and `-W` say.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{Local, TimeZone};

use super::super::config::Recording;
use super::super::messages::Failure;
use crate::decode::Frame;
use crate::output::file::{self, Later, Protected, Unplaced};
use crate::output::packet_file::PacketBuffer;
use crate::time::Timestamp;

/// Octets that are collected before they are written.
const BUFFER: usize = 64 << 10;

/// The files of a run.
pub(super) struct PacketFiles {
    plan: Recording,
    protected: Protected,
    current: Option<PacketFile>,
    /// Whether files are in their places while they grow.
    at_once: bool,
    /// The name without a number that the last file had, and its number.
    base: Option<PathBuf>,
    number: u64,
    /// Files of this run that are there, oldest first, where only so many are kept.
    made: VecDeque<PathBuf>,
    files: u64,
    packets: u64,
    /// Packets whose link type is not that of a classic file.
    unfit: u64,
    failure: Option<String>,
    /// Whether the reader of standard output has left, which is no failure.
    closed: bool,
    /// Where the last file is.
    last: String,
}

impl PacketFiles {
    /// Opens the first file, if its name is known.
    pub(super) fn open(plan: &Recording, protected: Protected, later: Option<Later>) -> Result<Self, Failure> {
        let mut files = Self {
            plan: plan.clone(),
            protected,
            current: None,
            at_once: false,
            base: None,
            number: 0,
            made: VecDeque::new(),
            files: 0,
            packets: 0,
            unfit: 0,
            failure: None,
            closed: false,
            last: plan.path.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string()),
        };
        let rotates = plan.size.is_some() || plan.time.is_some();
        if let Some(path) = plan.path.as_ref().filter(|path| rotates && !file::may_make(path, later)) {
            let problem = "cannot make files in its folder once rights are given up";
            return Err(Failure::Running(format!(
                "-w: {}: {problem}; give the folder to that user, or see -Z and --sandbox",
                path.display()
            )));
        }
        if plan.time.is_none() {
            let opened = files.create(Timestamp(0), later);
            opened.map_err(|error| match (&plan.path, error.kind()) {
                (Some(path), io::ErrorKind::InvalidInput) => Failure::Usage(format!("-w: {} {error}", path.display())),
                _ => Failure::Running(format!("{}: cannot create: {error}", files.last)),
            })?;
        }
        Ok(files)
    }

    /// From now on something is written.
    pub(super) fn begin(&mut self, at_once: bool) -> Result<(), Failure> {
        self.at_once = at_once;
        let begun = self.current.as_mut().map_or(Ok(()), |current| current.begin(at_once));
        begun.map_err(|error| Failure::Running(format!("{}: cannot write: {error}", self.last)))
    }

    pub(super) const fn failed(&self) -> bool {
        self.failure.is_some() || self.closed
    }

    /// Whether there are as many files as were asked for when a packet of `time` comes.
    pub(super) fn is_over(&self, time: Timestamp) -> bool {
        let full = self.plan.size.is_none() && self.plan.count.is_some_and(|count| self.files >= u64::from(count));
        self.failed() || full && self.is_due(time)
    }

    fn is_due(&self, time: Timestamp) -> bool {
        let Some(current) = &self.current else { return true };
        self.plan.size.is_some_and(|size| current.octets() > size)
            || self.plan.time.zip(current.begun).is_some_and(|(long, begun)| time.since(begun) >= long)
    }

    /// Writes a packet, to another file if that is due.
    pub(super) fn write(&mut self, frame: &Frame<'_>, comments: &[String]) {
        if self.is_over(frame.time) {
            return;
        }
        if self.is_due(frame.time)
            && let Err((name, error)) = self.change(frame.time)
        {
            self.fail(&format!("{name}: cannot create: {error}"));
            return;
        }
        let Some(current) = &mut self.current else { return };
        match current.write(frame, comments) {
            Ok(true) => self.packets += 1,
            Ok(false) => self.unfit += 1,
            Err(error) => self.fail_writing(&error),
        }
    }

    /// Passes on what is collected.
    pub(super) fn flush(&mut self) {
        if let Some(Err(error)) = self.current.as_mut().map(PacketFile::flush) {
            self.fail_writing(&error);
        }
    }

    /// Ends the last file. What was done, in a line.
    pub(super) fn finish(mut self) -> Result<String, Failure> {
        if let Some(Err(error)) = self.current.as_mut().map(PacketFile::complete) {
            self.fail_writing(&error);
        }
        if let Some(Err(error)) = self.current.take().map(PacketFile::put) {
            self.failure.get_or_insert_with(|| format!("{}: cannot write: {error}", self.last));
        }
        if let Some(failure) = self.failure {
            return Err(Failure::Running(failure));
        }
        if self.closed {
            return Ok(format!("{} packets written before the reader left", self.packets));
        }
        let packets = if self.packets == 1 { "1 packet".to_owned() } else { format!("{} packets", self.packets) };
        let mut line = match self.files {
            0 => format!("{packets} written"),
            1 => format!("{packets} written to {}", self.last),
            files => format!("{packets} written to {files} files, the last is {}", self.last),
        };
        if self.unfit > 0 {
            // Writing to a String cannot fail.
            let _ = write!(line, "; {} of another link type do not fit a .pcap file (pcapng has room)", self.unfit);
        }
        Ok(line)
    }

    /// Ends the present file and begins another one.
    fn change(&mut self, time: Timestamp) -> Result<(), (String, io::Error)> {
        if let Some(mut current) = self.current.take() {
            let ended = current.complete();
            if let Err(error) = ended.and_then(|()| current.put()) {
                return Err((self.last.clone(), error));
            }
        }
        let at_once = self.at_once;
        let created = self.create(time, None);
        let begun = created.and_then(|()| self.current.as_mut().map_or(Ok(()), |current| current.begin(at_once)));
        begun.map_err(|error| (self.last.clone(), error))
    }

    fn create(&mut self, time: Timestamp, later: Option<Later>) -> io::Result<()> {
        let Some(path) = self.plan.path.clone() else {
            self.files = 1;
            self.current = Some(PacketFile::new(PacketStream::Stdout(io::stdout()), None, &self.plan)?);
            return Ok(());
        };
        let base = if self.plan.time.is_some() { dated(&path, time)? } else { path };
        self.number = if self.base.as_ref() == Some(&base) { self.number + 1 } else { 0 };
        let place = self.numbered(&base);
        self.base = Some(base);
        self.last = place.display().to_string();
        let (file, pending) = file::create(&place, &self.protected, later)?;
        if let Some(later) = later.filter(|_| self.plan.size.is_some()) {
            // Its turn may come again. Where it cannot be given away, a file that changes later says so.
            let _ = file::give(&file, later);
        }
        self.current = Some(PacketFile::new(PacketStream::File(file), pending, &self.plan)?);
        self.files += 1;
        self.keep(place);
        Ok(())
    }

    /// tcpdump's names: FILE, FILE1, FILE2; where only so many are kept, all numbers are of one length and come again.
    fn numbered(&self, base: &Path) -> PathBuf {
        let mut name = OsString::from(base);
        match (self.plan.size, self.plan.count.map(u64::from)) {
            (Some(_), Some(count)) => {
                let width = if count > 1 { (count - 1).to_string().len() } else { 0 };
                let number = if self.plan.time.is_none() { self.number % count } else { self.number };
                if count > 1 {
                    name.push(format!("{number:0width$}"));
                }
            }
            _ if self.number > 0 => name.push(self.number.to_string()),
            _ => {}
        }
        PathBuf::from(name)
    }

    /// Of files that change by size and by time only so many are kept: the oldest goes.
    fn keep(&mut self, place: PathBuf) {
        let (Some(count), Some(_)) = (self.plan.count, self.plan.size) else { return };
        self.made.retain(|made| *made != place);
        self.made.push_back(place);
        if self.made.len() > count as usize
            && let Some(oldest) = self.made.pop_front()
        {
            // Somebody else may have moved it.
            let _ = std::fs::remove_file(oldest);
        }
    }

    /// The present file cannot be written to: says where whole packets are.
    fn fail_writing(&mut self, error: &io::Error) {
        let Some(current) = self.current.take() else { return };
        if self.plan.path.is_none() && error.kind() == io::ErrorKind::BrokenPipe {
            self.closed = true;
            return;
        }
        let (packets, place) = current.give_up();
        let others = self.files.saturating_sub(1);
        let mut text = format!("{}: cannot write: {error}; {packets} packets were written", self.last);
        if let Some(place) = place.filter(|place| place.display().to_string() != self.last) {
            text += &format!(" to {}, and the old file is as it was", place.display());
        }
        if others > 0 {
            text += &format!("; {others} files before it are whole");
        }
        self.fail(&text);
    }

    fn fail(&mut self, text: &str) {
        self.current = None;
        self.failure.get_or_insert_with(|| text.to_owned());
    }
}

/// A name with the time codes of strftime(3) filled in, in local time as tcpdump does.
fn dated(path: &Path, time: Timestamp) -> io::Result<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(path.to_owned()) };
    let mut filled = String::new();
    write!(filled, "{}", Local.timestamp_nanos(time.0).format(name))
        .map_err(|_| io::Error::other("a time code cannot be filled in"))?;
    Ok(path.with_file_name(filled))
}

/// Where octets go.
enum PacketStream {
    Stdout(io::Stdout),
    File(File),
}

impl PacketStream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(octets),
            Self::File(file) => file.write(octets),
        }
    }
}

/// One file.
struct PacketFile {
    stream: PacketStream,
    pending: Option<Unplaced>,
    buffer: PacketBuffer,
    /// Where in the buffer packets end.
    ends: Vec<usize>,
    /// Octets written before those of the buffer, and of these the ones of whole packets.
    written: u64,
    whole: u64,
    /// Packets that are whole.
    packets: u64,
    /// Time of the first packet.
    begun: Option<Timestamp>,
}

impl PacketFile {
    fn new(stream: PacketStream, pending: Option<Unplaced>, plan: &Recording) -> io::Result<Self> {
        let buffer = PacketBuffer::new(plan.format)?;
        Ok(Self { stream, pending, buffer, ends: Vec::new(), written: 0, whole: 0, packets: 0, begun: None })
    }

    fn begin(&mut self, at_once: bool) -> io::Result<()> {
        self.pending.as_mut().map_or(Ok(()), Unplaced::begin)?;
        if at_once { self.pending.take().map_or(Ok(()), Unplaced::put) } else { Ok(()) }
    }

    fn octets(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn write(&mut self, frame: &Frame<'_>, comments: &[String]) -> io::Result<bool> {
        self.begun.get_or_insert(frame.time);
        let fits = self.buffer.frame(frame, comments)?;
        if fits {
            self.ends.push(self.buffer.len());
        }
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut done = 0;
        let octets = self.buffer.octets();
        let written = loop {
            match self.stream.write(octets.get(done..).unwrap_or_default()) {
                Ok(0) if done == octets.len() => break Ok(()),
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let whole = self.ends.partition_point(|end| *end <= done);
        self.packets += whole as u64;
        if let Some(end) = whole.checked_sub(1).and_then(|last| self.ends.get(last)) {
            self.whole = self.written + *end as u64;
        }
        self.written += done as u64;
        self.ends.clear();
        octets.clear();
        written
    }

    /// The rest of it.
    fn complete(&mut self) -> io::Result<()> {
        self.buffer.complete();
        self.flush()
    }

    /// Puts it in its place.
    fn put(self) -> io::Result<()> {
        self.pending.map_or(Ok(()), Unplaced::put)
    }

    /// It could not be written to its end: how many packets are whole, and where they are.
    fn give_up(self) -> (u64, Option<PathBuf>) {
        if let (PacketStream::File(file), None) = (&self.stream, &self.pending)
            && file.metadata().is_ok_and(|about| about.is_file())
        {
            // Half a packet is left where it cannot be cut off.
            let _ = file.set_len(self.whole);
        }
        let whole = self.whole;
        (self.packets, self.pending.map(|pending| pending.put_incomplete(whole)))
    }
}
