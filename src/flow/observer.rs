//! The observer of the tracker, and the notices it receives.

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::tuple::Side;
use crate::flow::state::recording::Recorded;
use crate::tcp::Segment;
use crate::time::Timestamp;

/// What the tracker reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A flow began.
    Began,
    /// A segment was taken.
    Segment {
        /// The segment.
        segment: &'a SegmentRef<'a>,
        /// Who sent it.
        from: Side,
        /// What was noticed about it.
        facts: Facts,
        /// What became of it as a step.
        recorded: Recorded,
    },
    /// An ICMP error quoted the flow.
    Quoted {
        /// Index of the step.
        recorded: Recorded,
    },
    /// An opening verdict was reached for the first time.
    Opened,
    /// The first FIN or a reset of an open connection.
    Closing {
        /// Who began.
        by: Side,
    },
    /// Nothing came that an unfinished close, or an unanswered probe, waits for: time for a look.
    Quiet,
    /// The flow ended, or observation of it did. The last notice of a flow: the observer may keep it, and leave another
    /// in its place.
    Ended,
}

/// A segment by reference that compares by identity of frame, so that notices can be compared in tests.
#[derive(Clone, Copy, Debug)]
pub struct SegmentRef<'a>(pub &'a Segment);

impl PartialEq for SegmentRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.frame == other.0.frame
    }
}

impl Eq for SegmentRef<'_> {}

/// Who listens to the tracker.
pub trait Observer {
    /// Takes a notice about `flow` at `time`. It may add marks to the flow, nothing else.
    fn notice(&mut self, flow: &mut Flow, time: Timestamp, notice: &Notice<'_>);

    /// Nothing at all came between two packets for so long that nobody may have been looking.
    fn paused(&mut self, _from: Timestamp, _to: Timestamp) {}
}
