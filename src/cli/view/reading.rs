//! A running analysis, and its reports to the view, the checks and `--tee`.

use super::super::checks::Watch;
use super::super::driver::StatsClock;
use super::super::recording::Recorder;
use super::super::sink::{Tee, end, totals};
use super::ring::Ring;
use crate::capture::Counts;
use crate::decode::Frame;
use crate::engine::{Engine, Event, Interest, Sink, Totals};
use crate::output::tui::Tap;
use crate::time::Timestamp;

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Packets taken.
    pub(super) packets: u64,
    /// Packet time: that of the latest packet.
    pub(super) now: Timestamp,
}

impl Place {
    /// Before the first packet.
    pub(super) const START: Self = Self { packets: 0, now: Timestamp(i64::MIN) };
}

/// An analysis as far as it has come.
pub(super) struct Reading {
    pub(super) engine: Engine,
    pub(super) sink: ViewSink,
    pub(super) place: Place,
    /// Time of the first packet.
    start: Option<Timestamp>,
    /// The newest packets of an input that cannot be read again.
    pub(super) ring: Option<Ring>,
    live: bool,
    clock: StatsClock,
    /// What went on before reading went back, for receivers of every event: engine and place.
    ahead: Option<(Engine, Place, u64)>,
}

impl Reading {
    pub(super) fn new(engine: Engine, sink: ViewSink, live: bool, ring: Option<Ring>) -> Self {
        let place = Place { now: Timestamp(0), ..Place::START };
        Self { engine, sink, place, start: None, ring, live, clock: StatsClock::new(Interest::STATS), ahead: None }
    }

    /// Takes a packet.
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        self.start.get_or_insert(frame.time);
        self.place.now = self.place.now.max(frame.time);
        self.place.packets += 1;
        if let Some(ring) = &mut self.ring {
            ring.push(frame);
        }
        self.engine.frame(frame, &mut self.sink);
        if let Some(recorder) = self.sink.recorder.as_mut().filter(|_| !self.sink.reported) {
            recorder.take(frame);
        }
        if self.sink.tee.is_some() && self.clock.stats_are_due(self.place.now) {
            let totals = self.engine.totals();
            self.sink.event(&Event::Stats { totals: &totals, time: self.place.now });
        }
        if self.ahead.as_ref().is_some_and(|(_, place, _)| place.packets == self.place.packets) {
            self.catch_up();
        }
    }

    /// Nothing came, and it is `time` now.
    pub(super) fn wait(&mut self, time: Timestamp) {
        // On a stream from elsewhere time stands still while nothing comes.
        if time > self.place.now {
            self.place.now = time;
            self.engine.advance(time, &mut self.sink);
        }
        self.sink.flush();
        if let Some(recorder) = self.sink.recorder.as_mut().filter(|_| !self.sink.reported) {
            recorder.idle(self.place.now);
        }
    }

    /// Packet time since the first packet.
    pub(super) fn elapsed(&self, now: Timestamp) -> i64 {
        self.start.map_or(0, |start| now - start)
    }

    /// Goes back to where `engine` is; `flows` of them had ended there. From now on only the view receives events,
    /// until what the others know is passed; `over`: they know all.
    pub(super) fn go_back(&mut self, engine: Engine, place: Place, flows: u64, over: bool) {
        let before = std::mem::replace(&mut self.engine, engine);
        if !over && !self.sink.reported {
            self.ahead = Some((before, self.place, self.sink.flows));
        }
        self.sink.reported = true;
        (self.place, self.sink.flows) = (place, flows);
    }

    /// Is again where it was before it went back.
    fn catch_up(&mut self) {
        if let Some((engine, place, flows)) = self.ahead.take() {
            (self.engine, self.place, self.sink.flows) = (engine, place, flows);
            self.sink.reported = false;
        }
    }

    /// The input has ended: open flows are reported as they are.
    pub(super) fn end(&mut self, counts: Counts) {
        end(&mut self.engine, counts, self.live, &mut self.sink);
        self.sink.flush();
    }

    /// The view is left: receivers of every event get the end, even if the view had gone back.
    pub(super) fn leave(&mut self, counts: Counts) {
        self.catch_up();
        self.end(counts);
    }

    /// Totals as of now.
    pub(super) fn totals(&self, counts: Counts) -> Totals {
        totals(&self.engine, counts, self.live)
    }
}

const fn is_end(event: &Event<'_>) -> bool {
    matches!(event, Event::FlowEnd { .. })
}

/// Events to the view; the first time also to the checks and to `--tee`.
pub(super) struct ViewSink {
    pub(super) tap: Tap,
    pub(super) watch: Watch,
    pub(super) tee: Option<Tee>,
    /// Who takes the packets, if they are written.
    pub(super) recorder: Option<Recorder>,
    /// Finished flows.
    pub(super) flows: u64,
    /// Whether all receivers but the view have these events already.
    reported: bool,
}

impl ViewSink {
    pub(super) fn new(tap: Tap, watch: Watch, recorder: Option<Recorder>) -> Self {
        Self { tap, watch, tee: None, recorder, flows: 0, reported: false }
    }

    fn flush(&mut self) {
        if let Some(tee) = &mut self.tee {
            tee.writer.out().flush();
        }
    }
}

impl Sink for ViewSink {
    fn event(&mut self, event: &Event<'_>) {
        self.tap.event(event);
        self.flows += u64::from(is_end(event));
        if self.reported {
            return;
        }
        self.watch.event(event);
        if let Some(recorder) = &mut self.recorder {
            recorder.event(event);
        }
        if let Some(tee) = &mut self.tee {
            tee.event(event);
        }
    }
}
