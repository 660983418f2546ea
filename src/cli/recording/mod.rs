//! `-w`: the packets that are read go to files, with the verdicts of their flows as comments.
//!
//! The newest packet is held back until the next one comes: flows that end after it, at the latest at the end of the
//! run, have their verdicts on it. Nothing here exists without `-w`.

mod files;
mod memory;

use std::collections::BTreeMap;

use self::files::PacketFiles;
use self::memory::{FlightRecorder, Forgotten};
use super::config::{Recording, Run};
use super::messages::Failure;
use super::sandbox;
use super::setup::protected;
use crate::decode::{Frame, LinkType};
use crate::engine::{Event, Interest};
use crate::flow_filter::FlowFilter;
use crate::output::packet_file::PacketFormat;
use crate::output::pcapng;
use crate::time::Timestamp;

/// Comments on one packet; a block has room for these. What is beyond is counted.
const MAX_COMMENTS: usize = 1_000;
/// Verdicts that wait for packets in memory.
const MAX_VERDICTS: usize = 65_536;

/// Takes the packets of a run, and what becomes of their flows.
pub(super) struct Recorder {
    files: PacketFiles,
    /// Whether verdicts are written: classic pcap has no comments.
    comments_wanted: bool,
    /// Those of the packet that is held back.
    comments: Vec<String>,
    /// Those that came since.
    fresh: Vec<String>,
    comments_left_out: u64,
    held: NewestFrame,
    flush: bool,
    /// Packets in memory, where only those of some flows are written.
    memory: Option<FlightRecorder>,
    /// Verdicts of flows whose last packet, which is the key, is in memory.
    verdicts: BTreeMap<u64, String>,
    /// Packet time.
    now: Timestamp,
}

/// The newest packet, in a buffer that is used again.
#[derive(Default)]
struct NewestFrame {
    about: Option<About>,
    data: Vec<u8>,
}

/// A frame without its octets.
#[derive(Clone, Copy)]
struct About {
    number: u64,
    time: Timestamp,
    link: LinkType,
    interface: u16,
    wire_len: u32,
}

impl NewestFrame {
    fn frame(&self) -> Option<Frame<'_>> {
        let About { number, time, link, interface, wire_len } = self.about?;
        Some(Frame { number, time, link, interface, wire_len, data: &self.data })
    }

    fn take(&mut self, frame: &Frame<'_>) {
        let Frame { number, time, link, interface, wire_len, data } = *frame;
        self.about = Some(About { number, time, link, interface, wire_len });
        self.data.clear();
        self.data.extend_from_slice(data);
    }
}

impl Recorder {
    /// Opens the first file, where its name is known before the first packet. No octet of an old file is lost yet.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] for a file that is also the input, [`Failure::Running`] for one that cannot be made, now or
    /// when files change.
    pub(super) fn open(run: &Run) -> Result<Option<Self>, Failure> {
        let Some(recording) = &run.recording else { return Ok(None) };
        let later = sandbox::next_user(&run.sandbox)?;
        let files = PacketFiles::open(recording, protected(run), later)?;
        Ok(Some(Self::new(files, recording, run.analysis.flows_where.as_ref())))
    }

    fn new(files: PacketFiles, recording: &Recording, filter: Option<&FlowFilter>) -> Self {
        Self {
            files,
            comments_wanted: recording.format == PacketFormat::Pcapng,
            comments: Vec::new(),
            fresh: Vec::new(),
            comments_left_out: 0,
            held: NewestFrame::default(),
            flush: recording.flush,
            memory: recording.matching.map(|plan| FlightRecorder::new(plan, filter.cloned())),
            verdicts: BTreeMap::new(),
            now: Timestamp(i64::MIN),
        }
    }

    /// Rights have been given up and the inputs found good: from now on something is written. With `at_once` files are
    /// in their places while they grow.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] where that cannot be.
    pub(super) fn begin(&mut self, at_once: bool) -> Result<(), Failure> {
        self.files.begin(at_once)
    }

    /// The events that it needs.
    pub(super) fn wants(&self) -> Interest {
        match self.memory {
            Some(_) => FlightRecorder::WANTS,
            None => Interest::ENDS.when(self.comments_wanted),
        }
    }

    /// Takes note of an event: before the packet that caused it, if one did.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let matching = self.memory.as_mut().map(|memory| memory.event(event));
        let Event::FlowEnd { flow, .. } = event else { return };
        if let (Some(matches), true) = (matching, self.comments_wanted) {
            if matches && self.verdicts.len() < MAX_VERDICTS {
                self.verdicts.insert(flow.last_frame, pcapng::comment(flow));
            }
        } else if self.comments_wanted {
            if self.fresh.len() < MAX_COMMENTS {
                self.fresh.push(pcapng::comment(flow));
            } else {
                self.comments_left_out += 1;
            }
        }
    }

    /// Whether nothing more is to be written: files have failed, or there are as many as were asked for when a packet
    /// of `time` comes.
    pub(super) fn is_over(&self, time: Timestamp) -> bool {
        self.files.is_over(time)
    }

    /// Whether files have failed.
    pub(super) const fn failed(&self) -> bool {
        self.files.failed()
    }

    /// Takes a packet, after what it caused.
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        self.now = self.now.max(frame.time);
        if let Some(memory) = &mut self.memory {
            memory.take(frame);
            self.write_from_memory(Some(self.now));
            return;
        }
        self.write_held();
        // Flows that ended with this packet, or before it, have their verdicts on it: each says which flow it is of.
        std::mem::swap(&mut self.comments, &mut self.fresh);
        self.held.take(frame);
        if self.flush {
            self.write_held();
            self.files.flush();
        }
    }

    /// Writes what has been in memory for long enough; at the end, without a packet time, all of it.
    fn write_from_memory(&mut self, now: Option<Timestamp>) {
        let Self { memory: Some(memory), files, verdicts, comments, .. } = self else { return };
        while let Some(frame) = memory.next(now) {
            while let Some(verdict) = verdicts.first_entry().filter(|entry| *entry.key() <= frame.number) {
                comments.push(verdict.remove());
            }
            files.write(&frame, comments);
            comments.clear();
        }
        if self.flush {
            self.files.flush();
        }
    }

    fn write_held(&mut self) {
        if let Some(frame) = self.held.frame() {
            self.files.write(&frame, &self.comments);
            self.held.about = None;
        }
        self.comments.clear();
    }

    /// Nothing came for a while.
    pub(super) fn idle(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
        self.write_from_memory(Some(self.now));
        self.files.flush();
    }

    /// Writes the rest. What was done, in a line.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] with what could not be written.
    pub(super) fn finish(mut self) -> Result<String, Failure> {
        self.comments.append(&mut self.fresh);
        if self.held.about.is_none() {
            self.comments_left_out += self.comments.len() as u64;
        }
        self.write_held();
        self.write_from_memory(None);
        let forgotten = self.memory.map(|memory| memory.forgotten);
        let mut line = self.files.finish()?;
        if let Some(Forgotten { packets, begun_before, beyond }) = forgotten {
            line += &format!("; {packets} of other flows were not");
            if begun_before > 0 {
                line += &format!(
                    "; of {begun_before} flows the first packets had left the memory (--keep-time, --keep-size)"
                );
            }
            if beyond > 0 {
                line += &format!("; there was no room for {beyond} flows that match");
            }
        }
        if self.comments_left_out > 0 {
            line += &format!("; {} verdicts had no room as comments", self.comments_left_out);
        }
        Ok(line)
    }
}
