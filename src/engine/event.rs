//! The events of a run, and their receiver.

use core::net::IpAddr;

use bitflags::bitflags;

use super::totals::Totals;
use crate::detect::Anomaly;
use crate::detect::host::HostDetectors;
use crate::flow::{Flow, Opening, OpeningInBrief, Side, Step};
use crate::tcp::Segment;
use crate::time::Timestamp;

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
    /// The end of a flow, for sinks that do not need the whole flow.
    Ending(&'a Ending),
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
    /// The host detectors at the end of the run, just before [`Event::SessionEnd`].
    Hosts {
        /// Scans, floods, initial sequence numbers.
        hosts: &'a HostDetectors,
    },
    /// The run ended.
    SessionEnd {
        /// Totals.
        totals: &'a Totals,
    },
}

/// A summary of a flow that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How it opened.
    pub opening: Opening,
    /// SYNs of its client.
    pub syns: u32,
    /// Its client.
    pub client: IpAddr,
    /// Its server.
    pub server: IpAddr,
    /// How long opening took, nanoseconds.
    pub connect_time: Option<i64>,
    /// The round trip, nanoseconds.
    pub rtt: Option<i64>,
    /// What the opening cost, where TLS follows TCP.
    pub cost: Option<OpeningInBrief>,
}

impl Ending {
    /// That of `flow`.
    pub fn of(flow: &Flow) -> Self {
        Self {
            opening: flow.opening(),
            syns: flow.client.syn_count,
            client: flow.client.endpoint.ip,
            server: flow.server.endpoint.ip,
            connect_time: flow.handshake.connect_time(),
            rtt: flow.handshake.rtt(),
            cost: OpeningInBrief::of(flow),
        }
    }
}

bitflags! {
    /// Kinds of events that cost something to write.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Interest: u16 {
        /// [`Event::Segment`].
        const SEGMENTS = 1;
        /// [`Event::FlowStart`].
        const STARTS = 1 << 1;
        /// [`Event::Step`].
        const STEPS = 1 << 2;
        /// [`Event::HandshakeEnd`].
        const OPENINGS = 1 << 3;
        /// [`Event::TeardownStart`].
        const CLOSINGS = 1 << 4;
        /// [`Event::Anomaly`] of flows of at least severity note; those of hosts and of the capture come in any case.
        const ANOMALIES = 1 << 5;
        /// The flow of an [`Event::Anomaly`].
        const ANOMALOUS = 1 << 6;
        /// [`Event::FlowEnd`]; without it there is [`Event::Ending`] instead.
        const ENDS = 1 << 7;
        /// [`Event::Anomaly`] of flows of severity info, with [`Self::ANOMALIES`].
        const INFOS = 1 << 8;
        /// [`Event::Stats`].
        const STATS = 1 << 9;
        /// Every event about flows.
        const FLOWS = !Self::SEGMENTS.bits();
    }
}

impl Interest {
    /// These if `condition` holds, otherwise none.
    #[must_use]
    pub const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::empty() }
    }
}

/// Where events go.
pub trait Sink {
    /// Takes an event.
    fn event(&mut self, event: &Event<'_>);

    /// The costly events that the sink needs; it may receive others.
    fn wants(&self) -> Interest {
        Interest::FLOWS
    }
}

impl<F: FnMut(&Event<'_>)> Sink for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}
