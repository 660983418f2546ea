//! `-w`: the packets that are read go to files, with the verdicts of their flows as comments.
//!
//! The newest packet is held back until the next one comes: flows that end after it, at the latest at the end of the
//! run, have their verdicts on it. Nothing here exists without `-w`.

mod files;

use self::files::PacketFiles;
use super::config::{Recording, Run};
use super::messages::Failure;
use super::sandbox;
use super::setup::protected;
use crate::decode::{Frame, LinkType};
use crate::engine::{Event, Interest};
use crate::output::packet_file::PacketFormat;
use crate::output::pcapng;
use crate::time::Timestamp;

/// Comments on one packet; a block has room for these. What is beyond is counted.
const MAX_COMMENTS: usize = 1_000;

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
    held: Held,
    flush: bool,
}

/// The newest packet, in a buffer that is used again.
#[derive(Default)]
struct Held {
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

impl Held {
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
        Ok(Some(Self::new(files, recording)))
    }

    fn new(files: PacketFiles, recording: &Recording) -> Self {
        Self {
            files,
            comments_wanted: recording.format == PacketFormat::Pcapng,
            comments: Vec::new(),
            fresh: Vec::new(),
            comments_left_out: 0,
            held: Held::default(),
            flush: recording.flush,
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
        Interest::ENDS.when(self.comments_wanted)
    }

    /// Takes note of an event: before the packet that caused it, if one did.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        if let Event::FlowEnd { flow, .. } = event
            && self.comments_wanted
        {
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
        self.write_held();
        // Flows that ended with this packet, or before it, have their verdicts on it: each says which flow it is of.
        std::mem::swap(&mut self.comments, &mut self.fresh);
        self.held.take(frame);
        if self.flush {
            self.write_held();
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
    pub(super) fn idle(&mut self) {
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
        let mut line = self.files.finish()?;
        if self.comments_left_out > 0 {
            line += &format!("; {} verdicts had no room as comments", self.comments_left_out);
        }
        Ok(line)
    }
}
