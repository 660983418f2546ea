//! Decode, track, detect: the whole of synscope between a frame and an event.
//!
//! Asks no clock, opens nothing, prints nothing. What happens goes to a [`Sink`].

use crate::decode::SkipReason;
use crate::detect::Anomaly;
use crate::flow::{Flow, Opening, Side, Step};
use crate::tcp::Segment;
use crate::time::Timestamp;

/// Totals of a run, as of now.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Frames read (those a capture filter refused are not among them).
    pub packets: u64,
    /// TCP segments among them.
    pub segments: u64,
    /// Frames that yielded no segment, by [`SkipReason`] in its order.
    pub skipped: [u64; SkipReason::ALL.len()],
    /// ICMP errors that quoted a TCP segment.
    pub icmp: u64,
    /// Flows that began.
    pub flows: u64,
    /// Finished flows by [`Opening`], in its order.
    pub by_opening: [u64; 14],
    /// Finished flows by [`crate::flow::Closing`], in its order.
    pub by_closing: [u64; 9],
    /// Flows that were given up because a table was full.
    pub evicted: u64,
    /// Of those, SYN-only flows, which were counted and not written.
    pub evicted_unwritten: u64,
    /// Anomalies by id, in order of the registry.
    pub anomalies: Vec<(&'static str, u64)>,
    /// Time of the first frame.
    pub first_time: Option<Timestamp>,
    /// Time of the last frame.
    pub last_time: Option<Timestamp>,
    /// Packets received by the filter (live).
    pub received: Option<u64>,
    /// Packets dropped by the kernel (live).
    pub dropped_kernel: Option<u64>,
    /// Packets dropped by interfaces (live).
    pub dropped_interface: Option<u64>,
    /// Packets dropped because the analysis could not follow (live).
    pub dropped_queue: Option<u64>,
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The run begins; the time is that of the first frame.
    SessionStart {
        /// Time of the first frame.
        time: Timestamp,
    },
    /// A TCP segment was seen. Only for sinks that ask for segments.
    Segment(&'a Segment),
    /// A flow began.
    FlowStart(&'a Flow),
    /// A step of a flow. `folded`: it repeats the step before and was folded into it.
    Step {
        /// The flow.
        flow: &'a Flow,
        /// The step, as it is now.
        step: &'a Step,
        /// Whether it was folded into an earlier one.
        folded: bool,
    },
    /// An opening verdict was reached.
    HandshakeEnd(&'a Flow),
    /// The first FIN, or a reset, of an open connection.
    TeardownStart {
        /// The flow.
        flow: &'a Flow,
        /// Who began.
        by: Side,
        /// When.
        time: Timestamp,
    },
    /// A flow ended, or observation of it did.
    FlowEnd {
        /// The flow, with everything known of it.
        flow: &'a Flow,
        /// When that was decided.
        time: Timestamp,
    },
    /// An anomaly.
    Anomaly {
        /// The anomaly.
        anomaly: &'a Anomaly,
        /// The flow it is about.
        flow: Option<&'a Flow>,
    },
    /// Totals, from time to time.
    Stats {
        /// Totals.
        totals: &'a Totals,
        /// When.
        time: Timestamp,
    },
    /// The run ended.
    SessionEnd {
        /// Totals.
        totals: &'a Totals,
    },
}

/// Where events go.
pub trait Sink {
    /// Takes an event.
    fn event(&mut self, event: &Event<'_>);

    /// Whether it wants [`Event::Segment`]. Asked once.
    fn wants_segments(&self) -> bool {
        false
    }
}

impl<F: FnMut(&Event<'_>)> Sink for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// Position of `opening` in [`Totals::by_opening`].
pub fn opening_index(opening: Opening) -> usize {
    opening as usize
}
