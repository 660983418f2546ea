//! The first half of the engine: decoded frames in, connections and what one connection tells out.

use super::batch::{Batch, ordinary_syn};
use super::outlet::Outlet;
use super::{Event, Settings, Totals, Wants};
use crate::decode::{Outcome, SkipReason};
use crate::detect::host::{HostCounters, Witness};
use crate::detect::{Anomaly, Detectors, UnknownRule};
use crate::flow::prefetch::prefetch;
use crate::flow::{Brief, Flow, FlowKey, Keyer, Notice, Observer, Recorded, Syn, Tracker};
use crate::tcp::{IcmpQuote, Segment};
use crate::time::Timestamp;

/// How many frames ahead of its turn a decoded frame is asked for: it comes from another processor's cache.
const FRAME_AHEAD: usize = 48;
/// How many frames ahead of its turn what tells a segment's place in the flow table is asked for.
const INDEX_AHEAD: usize = 32;
/// How many frames ahead of its turn that place is.
const PLACE_AHEAD: usize = 24;
/// How many frames ahead of its turn a segment's flow record is asked for.
const RECORD_AHEAD: usize = 14;
/// How many frames ahead of its turn the flow's last step is asked for.
const STEPS_AHEAD: usize = 6;

/// Tracks connections, asks the rules about one connection, and tells what the rules about hosts must know.
#[derive(Debug)]
pub struct Front {
    tracker: Tracker,
    keyer: Keyer,
    detectors: Detectors,
    witness: Witness,
    totals: Totals,
    /// What the outlet wanted when it was last asked.
    wants: Wants,
}

impl Front {
    pub(super) fn new(settings: &Settings) -> Result<Self, UnknownRule> {
        let tracker = Tracker::new(settings.timeouts, settings.limits, !settings.long_way)
            .with_zeek_checksums(settings.zeek_checksums);
        Ok(Self {
            keyer: tracker.keyer(),
            tracker,
            detectors: Detectors::new(&settings.rules)?.asking(settings.long_way, settings.terse),
            witness: Witness::new(&settings.hosts, &settings.rules),
            totals: Totals::default(),
            wants: Wants::NOTHING,
        })
    }

    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.keyer.clone())
    }

    /// Takes frame `n` of a batch; to be called for each in order, from 0.
    #[inline]
    pub fn frame_of(&mut self, batch: &mut Batch, n: usize, outlet: &mut impl Outlet) {
        if n == 0 {
            self.wants = outlet.wants();
        }
        self.look_ahead(batch, n);
        let (briefs, outcomes) = (&batch.briefs[..batch.used], &batch.outcomes[..batch.used]);
        let (Some(brief), Some(outcome)) = (briefs.get(n), outcomes.get(n)) else { return };
        let taken = match batch.syn(n) {
            Some(syn) => self.take_syn(brief, syn, outlet),
            None => self.take_ordinary(brief, outcome),
        };
        if !taken {
            self.take(outcome, brief, outlet);
        }
        if batch.holds_more() {
            batch.more(n).for_each(|outcome| self.take_more(outcome, outlet));
        }
    }

    /// Takes another packet of the frame that was taken last: it counts as a segment, and not as a frame.
    #[cold]
    pub(super) fn take_more(&mut self, outcome: &Outcome, outlet: &mut dyn Outlet) {
        match outcome {
            Outcome::Tcp(segment) => self.segment(segment, outlet),
            Outcome::Icmp(quote) => self.quote(quote, outlet),
            Outcome::Skip(_) | Outcome::UnknownLink(_) => {}
        }
    }

    /// Takes a frame that is not in a batch.
    pub(super) fn frame(&mut self, outcome: &Outcome, time: Timestamp, outlet: &mut impl Outlet) {
        let mut brief = Brief::of_nothing(time);
        if let Outcome::Tcp(segment) = outcome {
            self.keyer.write(segment, &mut brief);
            if let Some((embryo, wide)) = ordinary_syn(segment) {
                self.wants = outlet.wants();
                if self.take_syn(&brief, Syn { embryo: &embryo, wide: &wide }, outlet) {
                    return;
                }
            }
        }
        self.take(outcome, &brief, outlet);
    }

    /// Asks for the memory that the frames after frame `n` need.
    #[inline]
    fn look_ahead(&self, batch: &mut Batch, n: usize) {
        if n == 0 {
            (0..PLACE_AHEAD).for_each(|at| self.look_for_flow(batch, at));
        }
        let briefs = &batch.briefs[..batch.used];
        if let Some(brief) = briefs.get(n + FRAME_AHEAD) {
            prefetch(brief);
        }
        if let Some(brief) = briefs.get(n + INDEX_AHEAD) {
            self.tracker.foresee(brief);
        }
        self.look_for_flow(batch, n + PLACE_AHEAD);
        self.look_for_record(batch, n + RECORD_AHEAD);
        if let Some(brief) = batch.briefs[..batch.used].get(n + STEPS_AHEAD) {
            self.tracker.foresee_steps(brief);
        }
    }

    /// Looks up where the flow of frame `at` is. Segments come in trains: often it is that of the one before.
    #[inline]
    fn look_for_flow(&self, batch: &mut Batch, at: usize) {
        let (before, rest) = batch.briefs[..batch.used].split_at_mut(at.min(batch.used));
        let Some(brief) = rest.first_mut() else { return };
        self.tracker.foresee_flow(brief, before.last());
        if brief.is_embryonic() {
            let v4 = brief.is_v4();
            if let Some(syn) = batch.syn(at) {
                prefetch(syn.embryo);
                if !v4 {
                    prefetch(syn.wide);
                }
            }
        } else if !brief.is_plain() {
            batch.outcomes.get(at).into_iter().for_each(prefetch);
        }
    }

    /// Asks for what the long way needs of the flow of frame `at`, if that may have to go it.
    #[inline]
    fn look_for_record(&self, batch: &mut Batch, at: usize) {
        let Some(brief) = batch.briefs[..batch.used].get_mut(at) else { return };
        self.tracker.foresee_record(brief);
        if brief.is_embryonic() {
            return;
        }
        match batch.outcomes.get(at) {
            Some(Outcome::Tcp(segment)) if !brief.is_plain() => self.witness.foresee(segment),
            Some(outcome) if brief.is_plain() && brief.wants_record() => prefetch(outcome),
            _ => {}
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
        let taken = !self.wants.any(Wants::SEGMENTS)
            && self.witness.sleep(brief.time)
            && self.tracker.take_ordinary(brief, key);
        if taken {
            self.count(brief.time);
        }
        taken
    }

    /// Takes an ordinary SYN with which a flow begins, if nobody wants to be told of that but the detectors of hosts; whether it
    /// did.
    #[inline]
    fn take_syn(&mut self, brief: &Brief, syn: Syn<'_>, outlet: &mut impl Outlet) -> bool {
        let taken = !self.wants.any(Wants::SEGMENTS.and(Wants::STARTS).and(Wants::STEPS))
            && self.witness.sleep(brief.time)
            && self.detectors.take_syn(brief.time)
            && self.tracker.take_syn(brief, syn);
        if taken {
            self.count(brief.time);
            if self.witness.is_on() {
                outlet.syn(syn);
            }
        }
        taken
    }

    /// Counts a segment of which there is nothing else to tell.
    #[inline]
    fn count(&mut self, time: Timestamp) {
        self.totals.packets += 1;
        self.totals.segments += 1;
        self.totals.last_time = self.totals.last_time.max(Some(time));
    }

    pub(super) fn take(&mut self, outcome: &Outcome, brief: &Brief, outlet: &mut dyn Outlet) {
        let time = brief.time;
        if self.totals.first_time.is_none() {
            self.totals.first_time = Some(time);
            outlet.event(&Event::SessionStart { time });
        }
        self.totals.packets += 1;
        self.totals.last_time = self.totals.last_time.max(Some(time));
        let (tracker, mut relay) = self.relay(outlet);
        match outcome {
            Outcome::Tcp(segment) => {
                relay.totals.segments += 1;
                if relay.wants.any(Wants::SEGMENTS) {
                    relay.outlet.event(&Event::Segment(segment));
                }
                tracker.segment(segment, brief, &mut relay);
            }
            Outcome::Icmp(quote) => {
                relay.totals.icmp += 1;
                tracker.quote(quote, &mut relay);
            }
            Outcome::Skip(reason) => {
                relay.totals.skipped[*reason as usize] += 1;
                // What is no TCP does not set the clock back: a second copy of the capture may begin with it.
                tracker.advance(time.max(tracker.now()), &mut relay);
            }
            Outcome::UnknownLink(link) => {
                relay.totals.skipped[SkipReason::UnknownLinkType as usize] += 1;
                relay.totals.unknown_links.count(*link);
                tracker.advance(time, &mut relay);
            }
        }
        relay.passed(time);
    }

    pub(super) fn segment(&mut self, segment: &Segment, outlet: &mut dyn Outlet) {
        let brief = self.keyer.brief(segment);
        let (tracker, mut relay) = self.relay(outlet);
        relay.totals.segments += 1;
        if relay.wants.any(Wants::SEGMENTS) {
            relay.outlet.event(&Event::Segment(segment));
        }
        tracker.segment(segment, &brief, &mut relay);
        relay.passed(segment.time);
    }

    pub(super) fn quote(&mut self, quote: &IcmpQuote, outlet: &mut dyn Outlet) {
        let (tracker, mut relay) = self.relay(outlet);
        relay.totals.icmp += 1;
        tracker.quote(quote, &mut relay);
    }

    pub(super) fn advance(&mut self, time: Timestamp, outlet: &mut dyn Outlet) {
        let (tracker, mut relay) = self.relay(outlet);
        tracker.idle(time, &mut relay);
        relay.passed(time);
    }

    /// Observation ends; packet time at which it does.
    pub(super) fn finish(&mut self, outlet: &mut dyn Outlet) -> Timestamp {
        let (tracker, mut relay) = self.relay(outlet);
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
            late_segments: counters.late_segments,
            clock_backwards: counters.clock_backwards,
            anomalies: self.detectors.counts(),
            severities: self.detectors.severities(),
            health: *self.detectors.health(),
            ..self.totals.clone()
        }
    }

    pub(super) fn host_counters(&self) -> HostCounters {
        self.witness.counters()
    }

    pub(super) fn live_flows(&self) -> usize {
        self.tracker.live()
    }

    fn relay<'a>(&'a mut self, outlet: &'a mut dyn Outlet) -> (&'a mut Tracker, Relay<'a>) {
        self.wants = outlet.wants();
        self.detectors.tells(self.wants.any(Wants::ANOMALIES));
        let Self { tracker, detectors, witness, totals, wants, .. } = self;
        (tracker, Relay { outlet, detectors, witness, totals, wants: *wants })
    }
}

/// Between the tracker and the outlet: asks the detectors, counts, translates.
struct Relay<'a> {
    outlet: &'a mut dyn Outlet,
    detectors: &'a mut Detectors,
    witness: &'a mut Witness,
    totals: &'a mut Totals,
    wants: Wants,
}

impl Observer for Relay<'_> {
    fn notice(&mut self, flow: &mut Flow, time: Timestamp, notice: &Notice<'_>) {
        let Self { outlet, wants, .. } = self;
        if *notice == Notice::Began && wants.any(Wants::STARTS) {
            outlet.event(&Event::FlowStart(flow));
        }
        if let Notice::Segment { recorded, .. } | Notice::Quoted { recorded } = notice
            && wants.any(Wants::STEPS)
        {
            tell_step(flow, *recorded, &mut **outlet);
        }
        self.detectors.notice(flow, time, notice, &mut |anomaly, flow| outlet.anomaly(anomaly, flow));
        if self.witness.capture(self.detectors.condition(), outlet.letters()) {
            outlet.mail();
        }
        if self.witness.notice(flow, time, notice, outlet.letters()) {
            outlet.mail();
        }
        match notice {
            Notice::Opened if wants.any(Wants::OPENINGS) => outlet.event(&Event::HandshakeEnd(flow)),
            Notice::Closing { by } if wants.any(Wants::CLOSINGS) => {
                outlet.event(&Event::TeardownStart { flow, by: *by, time });
            }
            Notice::Ended => {
                self.totals.by_opening[flow.opening() as usize] += 1;
                self.totals.by_closing[flow.closing() as usize] += 1;
                outlet.ended(flow, time);
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
        if !self.witness.sleep(now) {
            self.witness.advance(now, self.outlet.letters());
            self.outlet.mail();
        }
    }
}

fn tell_step(flow: &Flow, recorded: Recorded, outlet: &mut dyn Outlet) {
    let (index, folded) = match recorded {
        Recorded::Nothing => return,
        Recorded::Step(index) => (index, false),
        Recorded::Folded(index) => (index, true),
    };
    if let Some(step) = flow.steps.get(index) {
        outlet.event(&Event::Step { flow, step, folded });
    }
}
