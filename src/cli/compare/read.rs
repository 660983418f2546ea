//! Reads and decodes one capture on a thread of its own, in batches of segments.

use std::sync::mpsc::{Receiver, Sender, SyncSender};

use crate::capture::{CaptureError, Files, Next, Source};
use crate::decode::{Config, Decoder, Outcome};
use crate::panics::guarded;
use crate::tcp::Segment;
use crate::time::Timestamp;

/// Batches of one capture on their way.
pub(super) const BATCHES: usize = 8;
/// Segments of a batch.
const LENGTH: usize = 512;

/// Segments, and how reading ended, in the last one.
pub(super) struct Segments {
    segments: Vec<Segment>,
    fault: Option<CaptureError>,
}

/// Reads to the end, or until nobody wants more.
pub(super) fn read(mut source: Files, verify: bool, full: &SyncSender<Segments>, empty: &Receiver<Vec<Segment>>) {
    let mut decoder = Decoder::new(Config { verify_checksums: verify, ..Config::default() });
    loop {
        let mut segments = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(LENGTH));
        segments.clear();
        let filled = guarded(|| fill(&mut source, &mut decoder, &mut segments));
        let (more, fault) = filled.unwrap_or_else(|panic| (false, Some(CaptureError::Panicked(panic))));
        if full.send(Segments { segments, fault }).is_err() || !more {
            return;
        }
    }
}

fn fill(source: &mut Files, decoder: &mut Decoder, segments: &mut Vec<Segment>) -> (bool, Option<CaptureError>) {
    let mut outcome = Outcome::Skip(crate::decode::SkipReason::Fragment);
    while segments.len() < LENGTH {
        match source.next() {
            Ok(Next::Frame(frame)) => {
                decoder.decode_into(&frame, &mut outcome);
                loop {
                    if let Outcome::Tcp(segment) = &outcome {
                        segments.push(*segment);
                    }
                    if !decoder.holds_more() {
                        break;
                    }
                    decoder.decode_more(&frame, &mut outcome);
                }
            }
            Ok(Next::Idle(_)) => {}
            Ok(Next::End) => return (false, None),
            Err(error) => return (false, Some(error)),
        }
    }
    (true, None)
}

/// The other end: segments one by one.
pub(super) struct TapReading {
    full: Receiver<Segments>,
    emptied: Sender<Vec<Segment>>,
    segments: Vec<Segment>,
    at: usize,
    /// How reading ended.
    pub(super) fault: Option<CaptureError>,
    ended: bool,
}

impl TapReading {
    pub(super) fn new(full: Receiver<Segments>, emptied: Sender<Vec<Segment>>) -> Self {
        Self { full, emptied, segments: Vec::new(), at: 0, fault: None, ended: false }
    }

    /// Time of the next segment; none at the end.
    pub(super) fn front(&mut self) -> Option<Timestamp> {
        while self.at >= self.segments.len() {
            if self.ended {
                return None;
            }
            match self.full.recv() {
                Ok(batch) => {
                    let old = core::mem::replace(&mut self.segments, batch.segments);
                    // A thread that has ended needs none.
                    let _ = self.emptied.send(old);
                    self.at = 0;
                    self.fault = self.fault.take().or(batch.fault);
                }
                Err(_) => self.ended = true,
            }
        }
        self.segments.get(self.at).map(|segment| segment.time)
    }

    /// The next segment.
    pub(super) fn next(&mut self) -> Option<&Segment> {
        self.front()?;
        self.at += 1;
        self.segments.get(self.at - 1)
    }
}
