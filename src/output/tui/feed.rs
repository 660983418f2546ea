//! Between the analysis and the view: what happened since the view last looked.
//!
//! The analysis never waits for drawing: it puts the newest state of each flow that changed into a map under a lock that is
//! held for a moment only, and the view takes the whole map when it is ready. What piles up meanwhile is bounded by the
//! number of flows; beyond that, the oldest changes are dropped and counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::detect::Anomaly;
use crate::engine::{Event, Sink, Totals};
use crate::flow::Flow;
use crate::time::Timestamp;

/// Findings that may wait for the view.
const MAX_FINDINGS: usize = 10_000;

/// A flow as it is now.
#[derive(Clone, Debug)]
pub struct Change {
    /// The flow.
    pub flow: Box<Flow>,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
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

/// What happened since the view last looked.
#[derive(Debug, Default)]
pub struct Batch {
    /// Forget everything from before: reading has begun anew.
    pub restarted: bool,
    /// Flows that changed, by their number.
    pub flows: BTreeMap<u64, Change>,
    /// Anomalies, in order.
    pub findings: Vec<Anomaly>,
    /// Changes and anomalies that were dropped because too many were waiting.
    pub dropped: u64,
    /// Totals so far, where there are newer ones.
    pub totals: Option<Totals>,
    /// Packet time now.
    pub now: Option<Timestamp>,
    /// Where the replay stands.
    pub position: Option<Position>,
    /// Something to tell the user.
    pub message: Option<String>,
    /// Why the analysis ended, if it failed.
    pub failure: Option<String>,
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
    batch: Batch,
    generation: u64,
    waiting: Waiting,
    limit: usize,
}

/// The shared end of both.
#[derive(Clone, Debug, Default)]
pub struct Feed(Arc<Mutex<Shared>>);

impl Feed {
    /// Of which at most `limit` changed flows may wait.
    pub fn new(limit: usize) -> Self {
        let feed = Self::default();
        feed.lock().limit = limit.max(1);
        feed
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic elsewhere leaves nothing half-done that matters here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes with every change.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Takes all that has happened since the last time.
    pub fn take(&self) -> Batch {
        std::mem::take(&mut self.lock().batch)
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

    /// The analysis failed.
    pub fn fail(&self, why: String) {
        self.change(|batch| batch.failure = Some(why));
    }

    /// Reading begins anew.
    pub fn restart(&self) {
        self.change(|batch| *batch = Batch { restarted: true, ..Batch::default() });
    }

    fn flow(&self, flow: &Flow, ended: Option<Timestamp>) {
        let change = Change { flow: Box::new(flow.clone()), ended };
        let mut shared = self.lock();
        shared.generation += 1;
        let limit = shared.limit;
        let batch = &mut shared.batch;
        batch.flows.insert(flow.id, change);
        if batch.flows.len() > limit {
            batch.flows.pop_first();
            batch.dropped += 1;
        }
    }

    fn finding(&self, anomaly: &Anomaly) {
        self.change(|batch| {
            if batch.findings.len() < MAX_FINDINGS {
                batch.findings.push(anomaly.clone());
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
            Event::Hosts { .. }
            | Event::Stats { .. }
            | Event::SessionStart { .. }
            | Event::Segment(_)
            | Event::SessionEnd { .. } => {}
        }
    }
}
