//! Decode, track, detect: the whole of synscope between a frame and an event.
//!
//! Asks no clock, opens nothing, prints nothing. What happens goes to a [`Sink`].

mod batch;
mod bulletin;
mod front;
mod outlet;

use core::net::IpAddr;

use crate::decode::{self, Decoder, Frame, LinkType, Outcome, SkipReason};
use crate::detect::host::{self, HostCounters, HostDetectors, Letter};
use crate::detect::{Anomaly, Health, Selection, Severity, UnknownRule};
use crate::flow::{Flow, Limits, Opening, Side, Step, Timeouts};
use crate::tcp::{IcmpQuote, Segment};
use crate::time::Timestamp;

pub use batch::{BATCH, Batch};
pub use bulletin::{Bulletin, Poster, serves};
pub use front::Front;

use outlet::Direct;

/// Totals of a run, as of now.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Frames read (those a capture filter refused are not among them).
    pub packets: u64,
    /// TCP segments among them.
    pub segments: u64,
    /// Frames that yielded no segment, by [`SkipReason`] in its order.
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Of those of an unknown link type, which it was.
    pub unknown_links: LinkCounts,
    /// ICMP errors that quoted a TCP segment.
    pub icmp: u64,
    /// Flows that began.
    pub flows: u64,
    /// Finished flows by [`crate::flow::Opening`], in its order.
    pub by_opening: [u64; 14],
    /// Finished flows by [`crate::flow::Closing`], in its order.
    pub by_closing: [u64; 9],
    /// Flows that were given up because a table was full.
    pub evicted: u64,
    /// Of those, SYN-only flows, which were counted and not written.
    pub evicted_unwritten: u64,
    /// Segments that came after their connection had been reported.
    pub late_segments: u64,
    /// Time stamps that ran backwards by more than a millisecond.
    pub clock_backwards: u64,
    /// Anomalies by id, in order of the registry.
    pub anomalies: Vec<(&'static str, u64)>,
    /// Severities of anomalies by id, the highest that each was reported with, in order of the registry.
    pub severities: Vec<(&'static str, Severity)>,
    /// Health of the capture: sums over the flows that have ended.
    pub health: Health,
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

/// Frames by link type, in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct LinkCounts(Vec<(LinkType, u64)>);

impl LinkCounts {
    /// Link types that are told apart; a file of more is a forged one, and the rest is in the sum alone.
    const MAX: usize = 16;

    /// Counts a frame.
    fn count(&mut self, link: LinkType) {
        if let Some((_, n)) = self.0.iter_mut().find(|(known, _)| *known == link) {
            *n += 1;
        } else if self.0.len() < Self::MAX {
            self.0.push((link, 1));
        }
    }

    /// Link types and how many frames they had.
    pub fn iter(&self) -> impl Iterator<Item = (LinkType, u64)> {
        self.0.iter().copied()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Totals {
    /// Adds the anomalies of hosts to those of flows and of the capture.
    fn add_hosts(&mut self, hosts: &HostDetectors) {
        self.anomalies.extend(hosts.counts());
        self.severities.extend(hosts.severities());
    }
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
    /// The same, for sinks that do not want all that is known of the flow.
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
    /// What is known of hosts at the end of the run, just before [`Event::SessionEnd`].
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

/// What little there is to know of a flow that ended.
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
        }
    }
}

/// Kinds of events that cost something to tell, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants(u8);

impl Wants {
    /// None of them.
    pub const NOTHING: Self = Self(0);
    /// [`Event::Segment`].
    pub const SEGMENTS: Self = Self(1);
    /// [`Event::FlowStart`].
    pub const STARTS: Self = Self(1 << 1);
    /// [`Event::Step`].
    pub const STEPS: Self = Self(1 << 2);
    /// [`Event::HandshakeEnd`].
    pub const OPENINGS: Self = Self(1 << 3);
    /// [`Event::TeardownStart`].
    pub const CLOSINGS: Self = Self(1 << 4);
    /// [`Event::Anomaly`] of flows; those of hosts and of the capture come in any case.
    pub const ANOMALIES: Self = Self(1 << 5);
    /// The flow of an [`Event::Anomaly`].
    pub const ANOMALOUS: Self = Self(1 << 6);
    /// [`Event::FlowEnd`]; without it there is [`Event::Ending`] instead.
    pub const ENDS: Self = Self(1 << 7);
    /// Whatever is told of flows.
    pub const FLOWS: Self = Self(!Self::SEGMENTS.0);

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These without those.
    #[must_use]
    pub const fn but(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// These if it is so, otherwise nothing.
    #[must_use]
    pub const fn if_so(self, so: bool) -> Self {
        if so { self } else { Self::NOTHING }
    }

    /// Whether any of `others` is among these.
    pub const fn any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// Where events go.
pub trait Sink {
    /// Takes an event.
    fn event(&mut self, event: &Event<'_>);

    /// Which of the events that cost something it wants; others may or may not come.
    fn wants(&self) -> Wants {
        Wants::FLOWS
    }
}

impl<F: FnMut(&Event<'_>)> Sink for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// How the engine works.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Decoding.
    pub decode: decode::Config,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Bounds.
    pub limits: Limits,
    /// Which rules are on.
    pub rules: Selection,
    /// Anomalies across connections.
    pub hosts: host::Settings,
    /// Sends every segment the long way, and asks every rule at each: slower, and the same otherwise. For tests that compare.
    pub long_way: bool,
    /// Nobody reads the sentences and figures of anomalies: those that ordinary flows have are left out.
    pub terse: bool,
    /// Zeek's words leave out every segment with a wrong checksum, as Zeek does; otherwise only where the sender's checksums can
    /// be trusted.
    pub zeek_checksums: bool,
}

/// Frames in, events out.
#[derive(Debug)]
pub struct Engine {
    decoder: Decoder,
    front: Front,
    hosts: HostDetectors,
    /// Room for the letters of a moment.
    letters: Vec<Letter>,
}

impl Engine {
    /// An engine that has seen nothing.
    ///
    /// # Errors
    ///
    /// A rule id that does not exist.
    pub fn new(settings: &Settings) -> Result<Self, UnknownRule> {
        Ok(Self {
            decoder: Decoder::new(settings.decode),
            front: Front::new(settings)?,
            hosts: HostDetectors::new(settings.hosts.clone(), &settings.rules),
            letters: Vec::new(),
        })
    }

    /// Takes a frame at once.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let mut outcome = Outcome::Skip(SkipReason::NotIp);
        self.decoder.decode_into(frame, &mut outcome);
        let outlet = &mut Direct { hosts: &mut self.hosts, letters: &mut self.letters, sink };
        self.front.frame(&outcome, frame.time, outlet);
        while self.decoder.holds_more() {
            self.decoder.decode_more(frame, &mut outcome);
            self.front.take_more(&outcome, outlet);
        }
    }

    /// An empty batch for this engine.
    pub fn batch(&self) -> Batch {
        self.front.batch()
    }

    /// Takes frame `n` of a batch; to be called for each in order, from 0.
    #[inline]
    pub fn frame_of(&mut self, batch: &mut Batch, n: usize, sink: &mut dyn Sink) {
        self.front.frame_of(batch, n, &mut Direct { hosts: &mut self.hosts, letters: &mut self.letters, sink });
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment, sink: &mut dyn Sink) {
        self.front.segment(segment, &mut Direct { hosts: &mut self.hosts, letters: &mut self.letters, sink });
    }

    /// Takes an ICMP error about a segment.
    pub fn quote(&mut self, quote: &IcmpQuote, sink: &mut dyn Sink) {
        self.front.quote(quote, &mut Direct { hosts: &mut self.hosts, letters: &mut self.letters, sink });
    }

    /// Nothing came, and it is `time` now: what times out by then is told.
    pub fn advance(&mut self, time: Timestamp, sink: &mut dyn Sink) {
        self.front.advance(time, &mut Direct { hosts: &mut self.hosts, letters: &mut self.letters, sink });
    }

    /// Observation ends: open flows are told of as they are. The totals follow by [`Self::totals`].
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        let time = self.front.finish(&mut Direct { hosts: &mut self.hosts, letters: &mut self.letters, sink });
        self.hosts.finish(time, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
        self.front.finish_rules(time, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
    }

    /// Its two halves, for two threads: the first tracks connections and posts [`Bulletin`]s by way of a [`Poster`], of which
    /// the second, with [`Bulletin::read`], makes events, the same in the same order as [`Self::frame_of`] would.
    pub const fn halves(&mut self) -> (&mut Front, &mut HostDetectors) {
        (&mut self.front, &mut self.hosts)
    }

    /// Takes how many packets were dropped while capturing, as of now.
    pub const fn take_drops(&mut self, drops: u64) {
        self.front.take_drops(drops);
    }

    /// Totals as of now.
    pub fn totals(&self) -> Totals {
        let mut totals = self.front.totals();
        totals.add_hosts(&self.hosts);
        totals
    }

    /// What is known of hosts: scans, floods, initial sequence numbers.
    pub const fn hosts(&self) -> &HostDetectors {
        &self.hosts
    }

    /// What the state of the detectors of hosts amounts to. Visits all of it: not for every packet.
    pub fn host_counters(&self) -> HostCounters {
        self.front.host_counters().and(self.hosts.counters())
    }

    /// Flows tracked now.
    pub fn live_flows(&self) -> usize {
        self.front.live_flows()
    }
}
