//! The tracking stage: decoded frames in, events of connections out.

use super::batch::{Batch, ordinary_syn};
use super::emit::Emit;
use super::event::{Event, Interest};
use super::settings::Settings;
use super::totals::Totals;
use crate::decode::{Outcome, SkipReason};
use crate::detect::host::{HostCounters, HostObserver};
use crate::detect::{Anomaly, Detectors, Severity, UnknownRule};
use crate::flow::prefetch::prefetch;
use crate::flow::{Descriptor, Flow, FlowKey, Keyer, Notice, Observer, Recorded, Syn, Tracker};
use crate::tcp::{IcmpQuote, Segment};
use crate::time::Timestamp;
use crate::tls::TlsOpening;

/// How many frames ahead of its turn a decoded frame is asked for: it comes from another processor's cache.
const FRAME_AHEAD: usize = 48;
/// Prefetch distance of a segment's index entry, in frames.
const INDEX_AHEAD: usize = 32;
/// How many frames ahead of its turn that place is.
const PLACE_AHEAD: usize = 24;
/// How many frames ahead of its turn a segment's flow record is asked for.
const RECORD_AHEAD: usize = 14;
/// How many frames ahead of its turn the flow's last step is asked for.
const STEPS_AHEAD: usize = 6;

/// Tracks connections, runs the rules about one connection, and emits the events of the host detectors.
#[derive(Debug)]
pub struct TrackStage {
    tracker: Tracker,
    keyer: Keyer,
    detectors: Detectors,
    host_observer: HostObserver,
    totals: Totals,
    /// TLS handshakes that were given up.
    handshakes_given_up: u64,
    /// What the receiver wanted when it was last asked.
    wants: Interest,
}

impl TrackStage {
    pub(super) fn new(settings: &Settings) -> Result<Self, UnknownRule> {
        let tracker = Tracker::new(settings.timeouts, settings.limits, !settings.long_way)
            .with_zeek_checksums(settings.zeek_checksums);
        Ok(Self {
            keyer: tracker.keyer(),
            tracker,
            detectors: Detectors::new(&settings.rules)?.with_mode(settings.long_way, settings.terse),
            host_observer: HostObserver::new(&settings.hosts, &settings.rules),
            totals: Totals::default(),
            handshakes_given_up: 0,
            wants: Interest::empty(),
        })
    }

    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.keyer.clone())
    }

    /// Takes frame `n` of a batch; to be called for each in order, from 0.
    #[inline]
    pub fn frame_of(&mut self, batch: &mut Batch, n: usize, emit: &mut impl Emit) {
        if n == 0 {
            self.wants = emit.wants();
        }
        self.look_ahead(batch, n);
        let (descriptors, outcomes) = (&batch.descriptors[..batch.used], &batch.outcomes[..batch.used]);
        let (Some(descriptor), Some(outcome)) = (descriptors.get(n), outcomes.get(n)) else { return };
        let taken = match batch.syn(n) {
            Some(syn) => self.take_syn(descriptor, syn, emit),
            None => self.take_ordinary(descriptor, outcome),
        };
        if !taken {
            self.take(outcome, descriptor, emit);
        }
        self.take_tls_of(batch, n);
        if batch.holds_more() {
            batch.more(n).for_each(|outcome| self.take_more(outcome, emit));
        }
    }

    /// Takes what became known of a TLS handshake with frame `n`, which was taken.
    #[inline(always)]
    fn take_tls_of(&mut self, batch: &mut Batch, n: usize) {
        let Some(opening) = batch.tls_of(n).copied() else { return };
        self.handshakes_given_up = batch.given_up;
        if let (Some(descriptor), Some(Outcome::Tcp(segment))) = (batch.descriptors.get(n), batch.outcomes.get(n)) {
            self.tracker.take_tls(segment, descriptor, &opening);
        }
    }

    /// Takes what became known of a TLS handshake with `segment`, which was taken last.
    pub(super) fn take_tls(&mut self, segment: &Segment, opening: &TlsOpening, given_up: u64) {
        self.handshakes_given_up = given_up;
        self.tracker.take_tls(segment, &self.keyer.descriptor(segment), opening);
    }

    /// What a TLS inspector must know of `segment`: the hash of its key, and whether its lower end sent it.
    pub(super) fn key(&self, segment: &Segment) -> (u64, bool) {
        let descriptor = self.keyer.descriptor(segment);
        (descriptor.key_hash(), descriptor.is_from_low())
    }

    /// Takes another packet of the frame that was taken last: it counts as a segment, and not as a frame.
    #[cold]
    pub(super) fn take_more(&mut self, outcome: &Outcome, emit: &mut dyn Emit) {
        match outcome {
            Outcome::Tcp(segment) => self.segment(segment, emit),
            Outcome::Icmp(quote) => self.quote(quote, emit),
            Outcome::Skip(_) | Outcome::UnknownLink(_) => {}
        }
    }

    /// Takes a frame that is not in a batch.
    pub(super) fn frame(&mut self, outcome: &Outcome, time: Timestamp, emit: &mut impl Emit) {
        let mut descriptor = Descriptor::of_nothing(time);
        if let Outcome::Tcp(segment) = outcome {
            self.keyer.write(segment, &mut descriptor);
            if let Some((syn_record, wide)) = ordinary_syn(segment) {
                self.wants = emit.wants();
                if self.take_syn(&descriptor, Syn { syn_record: &syn_record, wide: &wide }, emit) {
                    return;
                }
            }
        }
        self.take(outcome, &descriptor, emit);
    }

    /// Asks for the memory that the frames after frame `n` need.
    #[inline]
    fn look_ahead(&self, batch: &mut Batch, n: usize) {
        if n == 0 {
            (0..PLACE_AHEAD).for_each(|at| self.look_for_flow(batch, at));
        }
        let descriptors = &batch.descriptors[..batch.used];
        if let Some(descriptor) = descriptors.get(n + FRAME_AHEAD) {
            prefetch(descriptor);
        }
        if let Some(descriptor) = descriptors.get(n + INDEX_AHEAD) {
            self.tracker.prefetch(descriptor);
        }
        self.look_for_flow(batch, n + PLACE_AHEAD);
        self.look_for_record(batch, n + RECORD_AHEAD);
        if let Some(descriptor) = batch.descriptors[..batch.used].get(n + STEPS_AHEAD) {
            self.tracker.prefetch_steps(descriptor);
        }
    }

    /// Looks up where the flow of frame `at` is. Segments come in trains: often it is that of the one before.
    #[inline]
    fn look_for_flow(&self, batch: &mut Batch, at: usize) {
        let (before, rest) = batch.descriptors[..batch.used].split_at_mut(at.min(batch.used));
        let Some(descriptor) = rest.first_mut() else { return };
        self.tracker.prefetch_flow(descriptor, before.last());
        if descriptor.is_syn_only() {
            let v4 = descriptor.is_v4();
            if let Some(syn) = batch.syn(at) {
                prefetch(syn.syn_record);
                if !v4 {
                    prefetch(syn.wide);
                }
            }
        } else if !descriptor.is_plain() {
            batch.outcomes.get(at).into_iter().for_each(prefetch);
        }
    }

    /// Asks for what the long way needs of the flow of frame `at`, if that may have to go it.
    #[inline]
    fn look_for_record(&self, batch: &mut Batch, at: usize) {
        let Some(descriptor) = batch.descriptors[..batch.used].get_mut(at) else { return };
        self.tracker.prefetch_record(descriptor);
        if descriptor.is_syn_only() {
            return;
        }
        match batch.outcomes.get(at) {
            Some(Outcome::Tcp(segment)) if !descriptor.is_plain() => self.host_observer.prefetch(segment),
            Some(outcome) if descriptor.is_plain() && descriptor.wants_record() => prefetch(outcome),
            _ => {}
        }
    }

    /// Takes a segment without events. Returns whether the segment was one.
    #[inline]
    fn take_ordinary(&mut self, descriptor: &Descriptor, outcome: &Outcome) -> bool {
        // What the descriptor has not, its addresses if they are of IPv6, costs cache lines: it is left alone as long
        // as it can be.
        let key = || match outcome {
            Outcome::Tcp(segment) => Some(FlowKey::of(segment).0),
            _ => None,
        };
        let taken = !self.wants.intersects(Interest::SEGMENTS)
            && self.host_observer.sleep(descriptor.time)
            && self.tracker.take_ordinary(descriptor, key);
        if taken {
            self.count(descriptor.time);
        }
        taken
    }

    /// Takes an ordinary SYN with which a flow begins, if only the detectors of hosts want it;
    /// whether it did.
    #[inline]
    fn take_syn(&mut self, descriptor: &Descriptor, syn: Syn<'_>, emit: &mut impl Emit) -> bool {
        let taken = !self.wants.intersects(Interest::SEGMENTS.union(Interest::STARTS).union(Interest::STEPS))
            && self.host_observer.sleep(descriptor.time)
            && self.detectors.take_syn(descriptor.time)
            && self.tracker.take_syn(descriptor, syn);
        if taken {
            self.count(descriptor.time);
            if self.host_observer.is_on() {
                emit.syn(syn);
            }
        }
        taken
    }

    /// Counts a segment without events.
    #[inline]
    fn count(&mut self, time: Timestamp) {
        self.totals.packets += 1;
        self.totals.segments += 1;
        self.totals.last_time = self.totals.last_time.max(Some(time));
    }

    pub(super) fn take(&mut self, outcome: &Outcome, descriptor: &Descriptor, emit: &mut dyn Emit) {
        let time = descriptor.time;
        if self.totals.first_time.is_none() {
            self.totals.first_time = Some(time);
            emit.event(&Event::SessionStart { time });
        }
        self.totals.packets += 1;
        self.totals.last_time = self.totals.last_time.max(Some(time));
        let (tracker, mut relay) = self.relay(emit);
        match outcome {
            Outcome::Tcp(segment) => {
                relay.totals.segments += 1;
                if relay.wants.intersects(Interest::SEGMENTS) {
                    relay.emit.event(&Event::Segment(segment));
                }
                tracker.segment(segment, descriptor, &mut relay);
            }
            Outcome::Icmp(quote) => {
                relay.totals.icmp += 1;
                tracker.quote(quote, &mut relay);
            }
            Outcome::Skip(reason) => {
                relay.totals.skipped[*reason as usize] += 1;
                tracker.pass(time, &mut relay);
            }
            Outcome::UnknownLink(link) => {
                relay.totals.skipped[SkipReason::UnknownLinkType as usize] += 1;
                relay.totals.unknown_links.count(*link);
                tracker.advance(time, &mut relay);
            }
        }
        relay.passed(time);
    }

    pub(super) fn segment(&mut self, segment: &Segment, emit: &mut dyn Emit) {
        let descriptor = self.keyer.descriptor(segment);
        let (tracker, mut relay) = self.relay(emit);
        relay.totals.segments += 1;
        if relay.wants.intersects(Interest::SEGMENTS) {
            relay.emit.event(&Event::Segment(segment));
        }
        tracker.segment(segment, &descriptor, &mut relay);
        relay.passed(segment.time);
    }

    pub(super) fn quote(&mut self, quote: &IcmpQuote, emit: &mut dyn Emit) {
        let (tracker, mut relay) = self.relay(emit);
        relay.totals.icmp += 1;
        tracker.quote(quote, &mut relay);
    }

    pub(super) fn advance(&mut self, time: Timestamp, emit: &mut dyn Emit) {
        let (tracker, mut relay) = self.relay(emit);
        tracker.idle(time, &mut relay);
        relay.passed(time);
    }

    /// Observation ends; packet time at which it does.
    pub(super) fn finish(&mut self, emit: &mut dyn Emit) -> Timestamp {
        let (tracker, mut relay) = self.relay(emit);
        tracker.finish(&mut relay);
        tracker.now()
    }

    /// What there is to say of the capture itself.
    pub(super) fn finish_rules(&mut self, time: Timestamp, report: &mut dyn FnMut(&Anomaly)) {
        self.detectors.take_counters(&self.tracker.counters(), self.totals.segments);
        self.detectors.finish(time, report);
    }

    pub(super) const fn take_drops(&mut self, drops: u64) {
        self.detectors.take_drops(drops);
    }

    /// Totals as of now, anomalies of hosts not among them.
    pub fn totals(&self) -> Totals {
        let counters = self.tracker.counters();
        Totals {
            flows: counters.flows,
            evicted: counters.evicted,
            evicted_unwritten: counters.evicted_unwritten,
            tables_full: [
                ("flows", counters.evicted),
                ("servers", self.host_observer.evicted()),
                ("handshakes", self.handshakes_given_up),
            ]
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .collect(),
            late_segments: counters.late_segments,
            clock_backwards: counters.clock_backwards,
            anomalies: self.detectors.counts(),
            severities: self.detectors.severities(),
            health: *self.detectors.health(),
            ..self.totals.clone()
        }
    }

    pub(super) fn host_counters(&self) -> HostCounters {
        self.host_observer.counters()
    }

    pub(super) fn live_flows(&self) -> usize {
        self.tracker.live()
    }

    fn relay<'a>(&'a mut self, emit: &'a mut dyn Emit) -> (&'a mut Tracker, Relay<'a>) {
        self.wants = emit.wants();
        let least = if self.wants.intersects(Interest::INFOS) { Severity::Info } else { Severity::Note };
        self.detectors.set_reporting(self.wants.intersects(Interest::ANOMALIES).then_some(least));
        let Self { tracker, detectors, host_observer, totals, wants, .. } = self;
        (tracker, Relay { emit, detectors, host_observer, totals, wants: *wants })
    }
}

/// Between the tracker and the receiver: asks the detectors, counts, translates.
struct Relay<'a> {
    emit: &'a mut dyn Emit,
    detectors: &'a mut Detectors,
    host_observer: &'a mut HostObserver,
    totals: &'a mut Totals,
    wants: Interest,
}

impl Observer for Relay<'_> {
    fn notice(&mut self, flow: &mut Flow, time: Timestamp, notice: &Notice<'_>) {
        let Self { emit, wants, .. } = self;
        if *notice == Notice::Began && wants.intersects(Interest::STARTS) {
            emit.event(&Event::FlowStart(flow));
        }
        if let Notice::Segment { recorded, .. } | Notice::Quoted { recorded } = notice
            && wants.intersects(Interest::STEPS)
        {
            tell_step(flow, *recorded, &mut **emit);
        }
        self.detectors.notice(flow, time, notice, &mut |anomaly, flow| emit.anomaly(anomaly, flow));
        if self.host_observer.capture(self.detectors.condition(), emit.host_events()) {
            emit.host_events_written();
        }
        if self.host_observer.notice(flow, time, notice, emit.host_events()) {
            emit.host_events_written();
        }
        match notice {
            Notice::Opened if wants.intersects(Interest::OPENINGS) => emit.event(&Event::HandshakeEnd(flow)),
            Notice::Closing { by } if wants.intersects(Interest::CLOSINGS) => {
                emit.event(&Event::TeardownStart { flow, by: *by, time });
            }
            Notice::Ended => {
                self.totals.by_opening[flow.opening() as usize] += 1;
                self.totals.by_closing[flow.closing() as usize] += 1;
                emit.ended(flow, time);
            }
            _ => {}
        }
    }

    fn paused(&mut self, from: Timestamp, to: Timestamp) {
        self.detectors.paused(from, to);
    }
}

impl Relay<'_> {
    /// Packet time is `now`.
    fn passed(&mut self, now: Timestamp) {
        if !self.host_observer.sleep(now) {
            self.host_observer.advance(now, self.emit.host_events());
            self.emit.host_events_written();
        }
    }
}

fn tell_step(flow: &Flow, recorded: Recorded, emit: &mut dyn Emit) {
    let (index, folded) = match recorded {
        Recorded::Nothing => return,
        Recorded::Step(index) => (index, false),
        Recorded::Folded(index) => (index, true),
    };
    if let Some(step) = flow.steps.get(index) {
        emit.event(&Event::Step { flow, step, folded });
    }
}
