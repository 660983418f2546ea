//! Packets of some flows to a file, with their verdicts as comments.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::super::messages::Failure;
use super::super::setup::OpenInput;
use super::ring::Ring;
use crate::capture::Next;
use crate::decode::{self, Decoder, Frame, Outcome};
use crate::flow::FlowKey;
use crate::output::file::{self, Protected, Unplaced};
use crate::output::pcapng::Pcapng;
use crate::output::tui::Saving;

/// Writes the packets of some flows, from `ring` or from `input` read again; how many there were.
///
/// # Errors
///
/// What can not be read or written.
pub(super) fn save(
    saving: &Saving,
    ring: Option<&Ring>,
    protected: &Protected,
    input: Option<&OpenInput>,
    stop: &Arc<AtomicBool>,
) -> Result<u64, Failure> {
    let failed = |error: &io::Error| Failure::Running(error.to_string());
    let (file, pending) = file::create(&saving.path, protected, None).map_err(|error| failed(&error))?;
    let mut writer = Selected {
        out: Pcapng::new(BufWriter::new(file)).map_err(|error| failed(&error))?,
        decoder: Decoder::new(decode::Config::default()),
        saving,
        places: places(saving),
        commented: vec![false; saving.flows.len()],
        frames: 0,
    };
    match (ring, input) {
        (Some(ring), _) => ring.frames().try_for_each(|frame| writer.frame(&frame)).map_err(|error| failed(&error))?,
        (None, None) => {}
        (None, Some(input)) => {
            let mut source = input.source(stop)?;
            while let Next::Frame(frame) = source.next()? {
                writer.frame(&frame).map_err(|error| failed(&error))?;
            }
        }
    }
    writer.out.finish().and_then(|()| pending.map_or(Ok(()), Unplaced::put)).map_err(|error| failed(&error))?;
    Ok(writer.frames)
}

/// Where in the list the flows of each four-tuple are.
fn places(saving: &Saving) -> HashMap<FlowKey, Vec<usize>> {
    let mut places: HashMap<FlowKey, Vec<usize>> = HashMap::new();
    for (at, flow) in saving.flows.iter().enumerate() {
        places.entry(flow.key).or_default().push(at);
    }
    places
}

/// Writes the frames of some flows.
struct Selected<'a> {
    out: Pcapng<BufWriter<File>>,
    decoder: Decoder,
    saving: &'a Saving,
    /// Which of the flows have a four-tuple.
    places: HashMap<FlowKey, Vec<usize>>,
    commented: Vec<bool>,
    frames: u64,
}

impl Selected<'_> {
    fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let mut outcome = self.decoder.decode(frame);
        let mut found = self.flow_of(&outcome, frame.number);
        // A frame is written once, whatever it holds.
        while self.decoder.holds_more() {
            self.decoder.decode_more(frame, &mut outcome);
            found = found.or_else(|| self.flow_of(&outcome, frame.number));
        }
        let Some((at, flow)) = found.and_then(|at| Some((at, self.saving.flows.get(at)?))) else { return Ok(()) };
        let first = self.commented.get_mut(at).is_some_and(|done| !std::mem::replace(done, true));
        let comment = Some(flow.comment.as_str()).filter(|_| first);
        self.frames += 1;
        self.out.frame(frame, comment)
    }

    /// The place of the flow that is saved to which this belongs.
    fn flow_of(&self, outcome: &Outcome, number: u64) -> Option<usize> {
        let Outcome::Tcp(segment) = outcome else { return None };
        let (key, _) = FlowKey::of(segment);
        let is_in =
            |at: usize| self.saving.flows.get(at).is_some_and(|flow| (flow.frames.0..=flow.frames.1).contains(&number));
        self.places.get(&key)?.iter().copied().find(|at| is_in(*at))
    }
}
