//! An analysis that has come as far as a mark, made on a thread of its own, so that going back there again need not
//! read everything from the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::super::config::Run;
use super::super::messages::Failure;
use super::super::setup::{OpenInput, engine};
use super::reading::Place;
use crate::capture::{Next, Source};
use crate::engine::{Engine, Event, Interest, Sink};

/// How many packets pass between looks at whether it is still wanted.
const LOOK_EVERY: u64 = 4096;

/// An analysis and its input, at a place. It reports nothing from before.
pub(super) struct Made {
    pub(super) engine: Engine,
    pub(super) source: Box<dyn Source>,
    pub(super) place: Place,
    /// Finished flows.
    pub(super) flows: u64,
}

impl Made {
    /// Before the first packet.
    ///
    /// # Errors
    ///
    /// What can not be opened.
    pub(super) fn at_start(run: &Run, input: &OpenInput, stop: &Arc<AtomicBool>) -> Result<Self, Failure> {
        let source = input.source(stop)?;
        Ok(Self { engine: engine(run)?, source, place: Place::START, flows: 0 })
    }

    /// Goes on to `place`; early where the input ends or `stop` is raised.
    ///
    /// # Errors
    ///
    /// What the source failed with.
    pub(super) fn go_on_to(&mut self, place: Place, stop: &AtomicBool) -> Result<(), Failure> {
        let mut sink = Silent(self.flows);
        for n in self.place.packets..place.packets {
            if n % LOOK_EVERY == 0 && stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let Next::Frame(frame) = self.source.next()? else { break };
            self.engine.frame(&frame, &mut sink);
        }
        (self.place, self.flows) = (place, sink.0);
        Ok(())
    }
}

/// Counts finished flows without reporting them.
struct Silent(u64);

impl Sink for Silent {
    fn event(&mut self, event: &Event<'_>) {
        self.0 += u64::from(matches!(event, Event::FlowEnd { .. }));
    }

    fn wants(&self) -> Interest {
        Interest::ENDS
    }
}

/// One that is being made. Dropping it ends that.
pub(super) struct Spare {
    pub(super) place: Place,
    made: Receiver<Made>,
    unwanted: Arc<AtomicBool>,
}

impl Spare {
    /// Begins to make one; `None` where there can be no more threads.
    pub(super) fn make(run: &Arc<Run>, input: &Arc<OpenInput>, place: Place) -> Option<Self> {
        let (sender, made) = sync_channel(1);
        let unwanted = Arc::new(AtomicBool::new(false));
        let (run, input, stop) = (Arc::clone(run), Arc::clone(input), Arc::clone(&unwanted));
        let work = move || {
            let spare =
                Made::at_start(&run, &input, &stop).and_then(|mut made| made.go_on_to(place, &stop).map(|()| made));
            // Without one, going back reads from the start, and reports the error.
            if let Ok(made) = spare {
                let _ = sender.send(made);
            }
        };
        thread::Builder::new().name("spare".to_owned()).spawn(work).ok()?;
        Some(Self { place, made, unwanted })
    }

    /// Waits for it; it began earlier than anything that could be begun now.
    pub(super) fn take(mut self) -> Option<Made> {
        let made = self.made.recv().ok();
        // Its input goes on.
        self.unwanted = Arc::default();
        made
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}
