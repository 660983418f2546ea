//! The feed from the analysis to the view: changes since the view last looked.
//!
//! The analysis never waits for drawing: it puts the newest state of each flow that changed into a map under a lock
//! that is held for a moment only, and the view takes the whole map when it is ready. What piles up meanwhile is
//! bounded by the number of flows; beyond that, the oldest changes are dropped and counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::detect::host::IsnReport;
use crate::detect::{Anomaly, Severity};
use crate::engine::{Event, Sink, Totals};
use crate::flow::Flow;
use crate::time::Timestamp;

/// Findings that may wait for the view.
const MAX_FINDINGS: usize = 10_000;

/// As many changed flows as a view takes in between two looks at the keyboard.
pub const MOST_AT_ONCE: usize = 1_000;

/// Octets that a changed flow takes while it waits: its place among others, and the flow.
const PLACE: usize = size_of::<(u64, Change)>() + 2 * size_of::<usize>();

/// A flow as it is now.
#[derive(Clone, Debug)]
pub struct Change {
    /// The flow.
    pub flow: Arc<Flow>,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
}

impl Change {
    /// Octets that it takes while it waits.
    fn octets(&self) -> usize {
        PLACE + self.flow.octets()
    }
}

/// Where a replay stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// Whether packets are being taken.
    pub playing: bool,
    /// Times packet time; `None` as fast as possible.
    pub speed: Option<f64>,
    /// How much of the input has been read, 0..=1, where that is known.
    pub read: Option<f64>,
    /// Whether the input can be read again from its start.
    pub seekable: bool,
    /// Whether all of it has been read.
    pub ended: bool,
}

/// Where reading goes on after it went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// At the first packet: everything from before is forgotten.
    Start,
    /// At this mark: things are as they were there.
    Mark(u64),
}

/// What happened since the view last looked.
#[derive(Debug, Default)]
pub struct Batch {
    /// What comes before the rest: reading went back.
    pub back: Option<Back>,
    /// Marks that will not be gone back to any more.
    pub dropped_marks: Vec<u64>,
    /// What comes after the rest: things as they are then may be gone back to. More batches follow such a one.
    pub mark: Option<u64>,
    /// Flows that changed, by their number.
    pub flows: BTreeMap<u64, Change>,
    /// Anomalies, in order.
    pub findings: Vec<Arc<Anomaly>>,
    /// Changes and anomalies that were dropped because too many were waiting.
    pub dropped: u64,
    /// How guessable initial sequence numbers are, where that was counted again; worst first.
    pub isns: Option<Vec<IsnReport>>,
    /// Totals so far, where there are newer ones.
    pub totals: Option<Totals>,
    /// Packet time now.
    pub now: Option<Timestamp>,
    /// Where the replay stands.
    pub position: Option<Position>,
    /// A message for the user.
    pub message: Option<String>,
    /// Why the analysis ended, if it failed.
    pub failure: Option<String>,
    /// Whether this is a part only, and the rest is still there to be taken.
    pub more: bool,
}

/// Flows and packets that the view has not taken yet, for its "paused" counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Packets so far.
    pub packets: u64,
    /// Flows so far.
    pub flows: u64,
}

#[derive(Debug, Default)]
struct Shared {
    /// Batches that end with a mark, oldest first.
    marked: VecDeque<Batch>,
    batch: Batch,
    generation: u64,
    waiting: Waiting,
    limit: usize,
    /// Octets that changed flows of `batch` take, and may take; none for as many as they are.
    octets: usize,
    most_octets: Option<usize>,
    /// Octets that the view's table takes.
    shown: usize,
}

/// The shared end of both.
#[derive(Clone, Debug, Default)]
pub struct Feed(Arc<Mutex<Shared>>);

impl Feed {
    /// A feed that holds at most `limit` changed flows.
    pub fn new(limit: usize) -> Self {
        let feed = Self::default();
        feed.lock().limit = limit.max(1);
        feed
    }

    /// The same, in which changed flows take at most so many octets.
    #[must_use]
    pub fn within(self, octets: usize) -> Self {
        self.lock().most_octets = Some(octets);
        self
    }

    /// The view's table takes so many octets now.
    pub fn shows(&self, octets: usize) {
        self.lock().shown = octets;
    }

    /// Octets that the view's table will take at most when it has taken all that waits.
    pub fn octets(&self) -> usize {
        let shared = self.lock();
        shared.shown + shared.octets
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic elsewhere leaves nothing half-done that matters here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes with every change.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Takes what has happened since the last time, up to the next mark if there is one: then there is more.
    pub fn take(&self) -> Batch {
        let mut shared = self.lock();
        shared.marked.pop_front().unwrap_or_else(|| {
            shared.octets = 0;
            std::mem::take(&mut shared.batch)
        })
    }

    /// The same, with at most this many changed flows: after a pause there are more than a key may wait for.
    pub fn take_at_most(&self, most: usize) -> Batch {
        let mut shared = self.lock();
        let Shared { marked, batch, octets, .. } = &mut *shared;
        let is_last = marked.is_empty();
        let whole = marked.front_mut().unwrap_or(batch);
        if whole.flows.len() <= most {
            drop(shared);
            return self.take();
        }
        let dropped_marks = std::mem::take(&mut whole.dropped_marks);
        let mut part = Batch { back: whole.back.take(), dropped_marks, more: true, ..Batch::default() };
        part.flows.extend(std::iter::from_fn(|| whole.flows.pop_first()).take(most));
        if is_last {
            *octets -= part.flows.values().map(Change::octets).sum::<usize>();
        }
        part
    }

    /// Marks this place to go back to. Refused while an earlier mark has not been taken: a view that stands still must
    /// not make them pile up.
    pub fn mark(&self, mark: u64) -> bool {
        let mut shared = self.lock();
        if !shared.marked.is_empty() {
            return false;
        }
        shared.batch.mark = Some(mark);
        let batch = std::mem::take(&mut shared.batch);
        shared.octets = 0;
        shared.marked.push_back(batch);
        shared.generation += 1;
        true
    }

    /// A mark that will not be gone back to.
    pub fn drop_mark(&self, mark: u64) {
        self.change(|batch| batch.dropped_marks.push(mark));
    }

    /// How much there is in all, taken or not.
    pub fn waiting(&self) -> Waiting {
        self.lock().waiting
    }

    fn change(&self, change: impl FnOnce(&mut Batch)) {
        let mut shared = self.lock();
        change(&mut shared.batch);
        shared.generation += 1;
    }

    /// Totals and packet time as of now.
    pub fn totals(&self, totals: Totals, now: Timestamp) {
        let mut shared = self.lock();
        shared.waiting = Waiting { packets: totals.packets, flows: totals.flows };
        shared.batch.totals = Some(totals);
        shared.batch.now = Some(now);
        shared.generation += 1;
    }

    /// Where the replay stands.
    pub fn position(&self, position: Position) {
        self.change(|batch| batch.position = Some(position));
    }

    /// Tells the user something.
    pub fn say(&self, message: String) {
        self.change(|batch| batch.message = Some(message));
    }

    /// How guessable initial sequence numbers are, as of now.
    pub fn isns(&self, isns: Vec<IsnReport>) {
        self.change(|batch| batch.isns = Some(isns));
    }

    /// The analysis failed.
    pub fn fail(&self, why: String) {
        self.change(|batch| batch.failure = Some(why));
    }

    /// Reading goes back.
    pub fn back(&self, back: Back) {
        self.change(|batch| {
            let dropped_marks = std::mem::take(&mut batch.dropped_marks);
            *batch = Batch { back: Some(back), dropped_marks, ..Batch::default() };
        });
        self.lock().octets = 0;
    }

    fn flow(&self, flow: &Flow, ended: Option<Timestamp>) {
        let copy = Arc::new(flow.clone());
        let mut shared = self.lock();
        shared.generation += 1;
        let Shared { batch, limit, octets, most_octets, .. } = &mut *shared;
        let change = Change { flow: copy, ended };
        *octets += change.octets();
        if let Some(before) = batch.flows.insert(flow.id, change) {
            *octets -= before.octets();
        }
        while batch.flows.len() > *limit || most_octets.is_some_and(|most| *octets > most && batch.flows.len() > 1) {
            let Some((_, oldest)) = batch.flows.pop_first() else { break };
            *octets -= oldest.octets();
            batch.dropped += 1;
        }
    }

    fn finding(&self, anomaly: &Anomaly) {
        self.change(|batch| {
            // Events of successful connections are dropped first.
            let most = if anomaly.severity == Severity::Info { MAX_FINDINGS / 2 } else { MAX_FINDINGS };
            if batch.findings.len() < most {
                batch.findings.push(Arc::new(anomaly.clone()));
            } else {
                batch.dropped += 1;
            }
        });
    }
}

/// Puts events into a [`Feed`].
#[derive(Clone, Debug)]
pub struct Tap(pub Feed);

impl Sink for Tap {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::FlowStart(flow)
            | Event::Step { flow, .. }
            | Event::HandshakeEnd(flow)
            | Event::TeardownStart { flow, .. } => self.0.flow(flow, None),
            Event::FlowEnd { flow, time } => self.0.flow(flow, Some(*time)),
            Event::Anomaly { anomaly, flow } => {
                self.0.finding(anomaly);
                if let Some(flow) = flow {
                    self.0.flow(flow, None);
                }
            }
            Event::Hosts { hosts } => self.0.isns(hosts.isns()),
            Event::Stats { .. }
            | Event::SessionStart { .. }
            | Event::Segment(_)
            | Event::Ending(_)
            | Event::SessionEnd { .. } => {}
        }
    }
}
