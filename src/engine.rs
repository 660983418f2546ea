//! Decode, track, detect: the whole of synscope between a frame and an event.
//!
//! Asks no clock, opens nothing, prints nothing. What happens goes to a [`Sink`].

use crate::decode::{self, Decoder, Frame, Outcome, SkipReason};
use crate::detect::host::{self, HostDetectors};
use crate::detect::{Anomaly, Detectors, Health, Selection, UnknownRule};
use crate::flow::prefetch::prefetch;
use crate::flow::{Brief, Flow, FlowKey, Keyer, Limits, Notice, Observer, Recorded, Side, Step, Timeouts, Tracker};
use crate::tcp::{IcmpQuote, Segment};
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

/// Where events go.
pub trait Sink {
    /// Takes an event.
    fn event(&mut self, event: &Event<'_>);

    /// Whether it wants [`Event::Segment`].
    fn wants_segments(&self) -> bool {
        false
    }
    /// Whether it wants [`Event::Step`].
    fn wants_steps(&self) -> bool {
        true
    }

    /// Whether it wants [`Event::FlowStart`].
    fn wants_starts(&self) -> bool {
        self.wants_steps()
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
}

/// Frames in a [`Batch`]. Measured, with 16 of them under way: half as many cost a few per cent, a quarter 13.
pub const BATCH: usize = 1024;
/// How many frames ahead of its turn a decoded frame is asked for: it comes from another processor's cache.
const FRAME_AHEAD: usize = 48;
/// How many frames ahead of its turn a segment's place in the flow table is asked for. Measured: 16 to 32 are alike.
const PLACE_AHEAD: usize = 24;
/// How many frames ahead of its turn a segment's flow record is asked for.
const RECORD_AHEAD: usize = 14;
/// How many frames ahead of its turn the flow's last step is asked for.
const STEPS_AHEAD: usize = 6;

/// Decoded frames in order, so that reading and decoding can go ahead of tracking, on another thread if need be. While a
/// frame waits, the memory that its flow is in is on its way. Reused: nothing is allocated once it has been full.
#[derive(Debug)]
pub struct Batch {
    /// Of each frame what most of them need alone, its time among it.
    briefs: Vec<Brief>,
    /// All of each frame.
    outcomes: Vec<Outcome>,
    used: usize,
    keyer: Keyer,
    latest: Timestamp,
}

impl Batch {
    /// How many frames it holds.
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Whether it holds as many as it should.
    pub const fn is_full(&self) -> bool {
        self.used >= BATCH
    }

    /// Forgets its frames.
    pub const fn clear(&mut self) {
        self.used = 0;
        self.latest = Timestamp(i64::MIN);
    }

    /// Time of frame `n`.
    pub fn time(&self, n: usize) -> Option<Timestamp> {
        self.briefs.get(..self.used)?.get(n).map(|brief| brief.time)
    }

    /// The latest time of its frames.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Decodes a frame and adds it.
    pub fn push(&mut self, decoder: &mut Decoder, frame: &Frame<'_>) {
        if self.used == self.briefs.len() {
            self.outcomes.push(Outcome::Skip(SkipReason::NotIp));
            self.briefs.push(Brief::of_nothing(frame.time));
        }
        let (outcome, brief) = (&mut self.outcomes[self.used], &mut self.briefs[self.used]);
        self.used += 1;
        decoder.decode_into(frame, outcome);
        match outcome {
            Outcome::Tcp(segment) => self.keyer.write(segment, brief),
            _ => *brief = Brief::of_nothing(frame.time),
        }
        self.latest = self.latest.max(frame.time);
    }
}

/// Frames in, events out.
#[derive(Debug)]
pub struct Engine {
    decoder: Decoder,
    tracker: Tracker,
    keyer: Keyer,
    detectors: Detectors,
    hosts: HostDetectors,
    totals: Totals,
    /// Whether the sink is told of each segment.
    shows_segments: bool,
}

impl Engine {
    /// An engine that has seen nothing.
    ///
    /// # Errors
    ///
    /// A rule id that does not exist.
    pub fn new(settings: &Settings) -> Result<Self, UnknownRule> {
        let tracker = Tracker::new(settings.timeouts, settings.limits, !settings.long_way);
        Ok(Self {
            decoder: Decoder::new(settings.decode),
            keyer: tracker.keyer(),
            tracker,
            detectors: Detectors::new(&settings.rules)?.asking(settings.long_way, settings.terse),
            hosts: HostDetectors::new(settings.hosts.clone(), &settings.rules),
            totals: Totals::default(),
            shows_segments: false,
        })
    }

    /// Takes a frame at once.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let mut outcome = Outcome::Skip(SkipReason::NotIp);
        self.decoder.decode_into(frame, &mut outcome);
        let brief = match &outcome {
            Outcome::Tcp(segment) => self.keyer.brief(segment),
            _ => Brief::of_nothing(frame.time),
        };
        self.take(&outcome, &brief, sink);
    }

    /// An empty batch for this engine.
    pub fn batch(&self) -> Batch {
        Batch {
            briefs: Vec::with_capacity(BATCH),
            outcomes: Vec::with_capacity(BATCH),
            used: 0,
            keyer: self.keyer.clone(),
            latest: Timestamp(i64::MIN),
        }
    }

    /// Takes frame `n` of a batch; to be called for each in order, from 0.
    pub fn frame_of(&mut self, batch: &mut Batch, n: usize, sink: &mut dyn Sink) {
        if n == 0 {
            self.shows_segments = sink.wants_segments();
        }
        self.look_ahead(batch, n);
        let (briefs, outcomes) = (&batch.briefs[..batch.used], &batch.outcomes[..batch.used]);
        let (Some(brief), Some(outcome)) = (briefs.get(n), outcomes.get(n)) else { return };
        if !self.take_ordinary(brief, outcome) {
            self.take(outcome, brief, sink);
        }
    }

    /// Asks for the memory that the frames after frame `n` need.
    #[inline]
    fn look_ahead(&self, batch: &mut Batch, n: usize) {
        let (briefs, outcomes) = (&mut batch.briefs[..batch.used], &batch.outcomes[..batch.used]);
        if let Some(brief) = briefs.get(n + FRAME_AHEAD) {
            prefetch(brief);
        }
        let first = if n == 0 { 0 } else { PLACE_AHEAD };
        for at in n + first..=n + PLACE_AHEAD {
            let Some(brief) = briefs.get_mut(at) else { break };
            self.tracker.foresee(brief);
            if !brief.is_plain()
                && let Some(outcome) = outcomes.get(at)
            {
                prefetch(outcome);
            }
        }
        if let Some(brief) = briefs.get_mut(n + RECORD_AHEAD) {
            self.tracker.foresee_record(brief);
            if (brief.wants_record() || !brief.is_plain())
                && let Some(outcome) = outcomes.get(n + RECORD_AHEAD)
            {
                if brief.is_plain() {
                    prefetch(outcome);
                } else if let Outcome::Tcp(segment) = outcome {
                    self.hosts.foresee(segment);
                }
            }
        }
        if let Some(brief) = briefs.get(n + STEPS_AHEAD) {
            self.tracker.foresee_steps(brief);
        }
    }

    /// Takes a segment of which there is nothing to tell anybody; whether it was one.
    #[inline]
    fn take_ordinary(&mut self, brief: &Brief, outcome: &Outcome) -> bool {
        // What the brief has not, its addresses if they are of IPv6, costs cache lines: it is left alone as long as it can be.
        let key = || match outcome {
            Outcome::Tcp(segment) => Some(FlowKey::of(segment).0),
            _ => None,
        };
        let taken = !self.shows_segments && self.hosts.sleep(brief.time) && self.tracker.take_ordinary(brief, key);
        if taken {
            self.totals.packets += 1;
            self.totals.segments += 1;
            self.totals.last_time = self.totals.last_time.max(Some(brief.time));
        }
        taken
    }

    fn take(&mut self, outcome: &Outcome, brief: &Brief, sink: &mut dyn Sink) {
        let time = brief.time;
        if self.totals.first_time.is_none() {
            self.totals.first_time = Some(time);
            sink.event(&Event::SessionStart { time });
        }
        self.totals.packets += 1;
        self.totals.last_time = self.totals.last_time.max(Some(time));
        let mut relay =
            Relay { sink, detectors: &mut self.detectors, hosts: &mut self.hosts, totals: &mut self.totals };
        match outcome {
            Outcome::Tcp(segment) => {
                relay.totals.segments += 1;
                if relay.sink.wants_segments() {
                    relay.sink.event(&Event::Segment(segment));
                }
                self.tracker.segment(segment, brief, &mut relay);
            }
            Outcome::Icmp(quote) => {
                relay.totals.icmp += 1;
                self.tracker.quote(quote, &mut relay);
            }
            Outcome::Skip(reason) => {
                relay.totals.skipped[*reason as usize] += 1;
                self.tracker.advance(time, &mut relay);
            }
        }
        relay.passed(time);
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment, sink: &mut dyn Sink) {
        self.totals.segments += 1;
        if sink.wants_segments() {
            sink.event(&Event::Segment(segment));
        }
        let mut relay =
            Relay { sink, detectors: &mut self.detectors, hosts: &mut self.hosts, totals: &mut self.totals };
        self.tracker.segment(segment, &self.keyer.brief(segment), &mut relay);
        relay.passed(segment.time);
    }

    /// Takes an ICMP error about a segment.
    pub fn quote(&mut self, quote: &IcmpQuote, sink: &mut dyn Sink) {
        self.totals.icmp += 1;
        let mut relay =
            Relay { sink, detectors: &mut self.detectors, hosts: &mut self.hosts, totals: &mut self.totals };
        self.tracker.quote(quote, &mut relay);
    }

    /// Nothing came, and it is `time` now: what times out by then is told.
    pub fn advance(&mut self, time: Timestamp, sink: &mut dyn Sink) {
        let mut relay =
            Relay { sink, detectors: &mut self.detectors, hosts: &mut self.hosts, totals: &mut self.totals };
        self.tracker.advance(time, &mut relay);
        relay.passed(time);
    }

    /// Observation ends: open flows are told of as they are. The totals follow by [`Self::totals`].
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        let mut relay =
            Relay { sink, detectors: &mut self.detectors, hosts: &mut self.hosts, totals: &mut self.totals };
        self.tracker.finish(&mut relay);
        let time = self.tracker.now();
        self.hosts.finish(time, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
        self.detectors.take_counters(&self.tracker.counters(), self.totals.segments);
        self.detectors.finish(time, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
    }

    /// Takes how many packets were dropped while capturing, as of now.
    pub const fn take_drops(&mut self, drops: u64) {
        self.detectors.take_drops(drops);
    }

    /// Totals as of now.
    pub fn totals(&self) -> Totals {
        let counters = self.tracker.counters();
        Totals {
            flows: counters.flows,
            evicted: counters.evicted,
            evicted_unwritten: counters.evicted_unwritten,
            late_segments: counters.late_segments,
            clock_backwards: counters.clock_backwards,
            anomalies: self.detectors.counts().into_iter().chain(self.hosts.counts()).collect(),
            health: *self.detectors.health(),
            ..self.totals.clone()
        }
    }

    /// What is known of hosts: scans, floods, initial sequence numbers.
    pub const fn hosts(&self) -> &HostDetectors {
        &self.hosts
    }

    /// Flows tracked now.
    pub fn live_flows(&self) -> usize {
        self.tracker.live()
    }
}

/// Between the tracker and the sink: asks the detectors, counts, translates.
struct Relay<'a> {
    sink: &'a mut dyn Sink,
    detectors: &'a mut Detectors,
    hosts: &'a mut HostDetectors,
    totals: &'a mut Totals,
}

impl Observer for Relay<'_> {
    fn take_syn(&mut self, syn: &Segment) -> bool {
        if self.sink.wants_starts() || self.sink.wants_steps() || !self.detectors.take_syn(syn) {
            return false;
        }
        let sink = &mut *self.sink;
        self.hosts.take_syn(syn, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
        true
    }

    fn notice(&mut self, flow: &mut Flow, time: Timestamp, notice: &Notice<'_>) {
        if *notice == Notice::Began {
            self.sink.event(&Event::FlowStart(flow));
        }
        if let Notice::Segment { recorded, .. } | Notice::Quoted { recorded } = notice
            && self.sink.wants_steps()
        {
            self.step(flow, *recorded);
        }
        let sink = &mut *self.sink;
        self.detectors.notice(flow, time, notice, &mut |anomaly, flow| {
            sink.event(&Event::Anomaly { anomaly, flow: Some(flow) });
        });
        self.hosts.notice(flow, time, notice, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
        match notice {
            Notice::Opened => self.sink.event(&Event::HandshakeEnd(flow)),
            Notice::Closing { by } => self.sink.event(&Event::TeardownStart { flow, by: *by, time }),
            Notice::Ended => {
                self.totals.by_opening[flow.opening() as usize] += 1;
                self.totals.by_closing[flow.closing() as usize] += 1;
                self.sink.event(&Event::FlowEnd { flow, time });
            }
            Notice::Began | Notice::Segment { .. } | Notice::Quoted { .. } | Notice::Quiet => {}
        }
    }
}

impl Relay<'_> {
    /// Packet time is `now`.
    fn passed(&mut self, now: Timestamp) {
        let sink = &mut *self.sink;
        self.hosts.advance(now, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
    }

    fn step(&mut self, flow: &Flow, recorded: Recorded) {
        let (index, folded) = match recorded {
            Recorded::Nothing => return,
            Recorded::Step(index) => (index, false),
            Recorded::Folded(index) => (index, true),
        };
        if let Some(step) = flow.steps.get(index) {
            self.sink.event(&Event::Step { flow, step, folded });
        }
    }
}
