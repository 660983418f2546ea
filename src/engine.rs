//! Decode, track, detect: the whole of synscope between a frame and an event.
//!
//! Asks no clock, opens nothing, prints nothing. What happens goes to a [`Sink`].

use core::net::IpAddr;

use crate::decode::SkipReason;
use crate::flow::{Flow, Opening, Side, Step};
use crate::tcp::Segment;
use crate::time::Timestamp;

/// Severity of an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// A fact, or a feature in use.
    Info = 10,
    /// Odd, often benign.
    Note = 30,
    /// Probably a fault, or somebody probing.
    Warn = 50,
    /// An attack or a serious fault.
    Alert = 70,
}

impl Severity {
    /// From least to most severe.
    pub const ALL: [Self; 4] = [Self::Info, Self::Note, Self::Warn, Self::Alert];

    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Alert => "alert",
        }
    }
}

/// What an anomaly is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One flow.
    Flow,
    /// A host, or several.
    Host,
    /// The capture itself.
    Capture,
}

impl Scope {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Host => "host",
            Self::Capture => "capture",
        }
    }
}

/// A figure of an anomaly's evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// An integer (durations in nanoseconds, named `…_ns`).
    Integer(i64),
    /// A ratio, a probability, an entropy.
    Number(f64),
    /// A word or an address.
    Text(String),
    /// Ports, counts and the like.
    List(Vec<i64>),
    /// Words or addresses.
    Texts(Vec<String>),
}

/// An anomaly as it is reported.
#[derive(Clone, Debug)]
pub struct Anomaly {
    /// Id of the rule: kebab-case, for ever.
    pub id: &'static str,
    /// RFC section, paper or "measured".
    pub reference: &'static str,
    /// Severity.
    pub severity: Severity,
    /// What it is about.
    pub scope: Scope,
    /// When it was decided (packet time).
    pub time: Timestamp,
    /// One sentence with the figures.
    pub reason: String,
    /// Flow number, where it is about one.
    pub flow_id: Option<u64>,
    /// The actor, where known: address and, for a flow, port.
    pub source: Option<(IpAddr, Option<u16>)>,
    /// The target.
    pub destination: Option<(IpAddr, Option<u16>)>,
    /// Frames that prove it.
    pub frames: Vec<u64>,
    /// Figures the rule used, in a fixed order.
    pub figures: Vec<(&'static str, Figure)>,
}

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
