//! Segments in, flows out: which flow a segment belongs to, what it changes, and which flows time out.

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::clock::{Leaps, PAUSE, PacketClock};
use super::config::{Limits, Timeouts};
use super::observer::{Notice, Observer, SegmentRef};
use crate::flow::record::completeness::Completeness;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::{CaptureQuality, Flow, HostMarks, Unreachable};
use crate::flow::record::handshake::{Handshake, Tries};
use crate::flow::record::peer::{Offer, Peer};
use crate::flow::record::rewriting::{Held, Rewriting};
use crate::flow::record::steps::Step;
use crate::flow::record::teardown::{Reset, Teardown};
use crate::flow::record::tracking::{Phase, Tracking};
use crate::flow::record::tuple::{FlowKey, Side};
use crate::flow::record::twin::Twin;
use crate::flow::record::verdict::Opening;
use crate::flow::record::zeek::ZeekWords;
use crate::flow::state::announced::Announced;
use crate::flow::state::checksum_trust::{Sums, Worth};
use crate::flow::state::duplicates::{Print, Seal};
use crate::flow::state::evidence::SILENCE;
use crate::flow::state::fast_path::FastPath;
use crate::flow::state::recording::Recorded;
use crate::flow::state::reuse::Fate;
use crate::flow::state::roles;
use crate::flow::state::twins::{self, Asked};
use crate::flow::table::descriptor::Descriptor;
use crate::flow::table::slot::Slot;
use crate::flow::table::syn_record::{Syn, SynRecord, V6Addresses};
use crate::flow::table::table::Table;
use crate::flow::table::timer_wheel::{Tick, Wheel};
use crate::tcp::{Checksum, Event, Flags, IcmpKind, IcmpQuote, Segment, SeqNumber, State};
use crate::time::{SECOND, Timestamp};

/// How late a client's timer may repeat the SYN beyond the deadline of the SYN-ACK: many ask again after just 3 s. Nanoseconds.
const LATE: i64 = SECOND / 10;

/// How many deadlines ahead of its own a flow is asked for.
const DEADLINES_AHEAD: usize = 4;

/// Makes descriptors of segments ahead of their turn, on any thread.
#[derive(Clone, Debug)]
pub struct Keyer {
    hasher: RandomState,
    seal: Seal,
}

impl Keyer {
    /// `s` in brief, for [`Tracker::segment`].
    #[inline]
    pub fn descriptor(&self, s: &Segment) -> Descriptor {
        let mut descriptor = Descriptor::of_nothing(s.time);
        self.write(s, &mut descriptor);
        descriptor
    }

    /// The same, written to `brief`.
    #[inline]
    pub fn write(&self, s: &Segment, descriptor: &mut Descriptor) {
        descriptor.set(s, &self.hasher, &self.seal);
    }
}

/// A segment's key, once computed.
#[derive(Clone, Copy, Debug)]
struct Keyed {
    key: FlowKey,
    hash: u64,
    sender_is_low: bool,
}

/// The lower half of a flow's number: with its slot, and the tick it is filed under, enough to tell a stale entry of the wheel.
type Tag = u32;

const fn tag_of(id: u64) -> Tag {
    id as Tag
}

/// What casts doubt on a segment.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// It is a copy made by the capture.
    copy: bool,
    /// What its checksum is worth.
    worth: Worth,
}

/// The tracker.
#[derive(Debug)]
pub struct Tracker {
    timeouts: Timeouts,
    limits: Limits,
    table: Table,
    wheel: Wheel<(Slot, Tag)>,
    sources: crate::flow::state::checksum_trust::ChecksumTrust,
    announced: Announced,
    recent: twins::RecentSyns,
    stamps: crate::flow::state::stamps::Stamps,
    eviction: crate::flow::table::eviction::Queues,
    clock: PacketClock,
    seal: Seal,
    next_id: u64,
    counters: Counters,
    short_cut: bool,
    /// Whether it may be taken now: not while every segment has to be looked at for a second copy of the capture.
    short_cut_now: bool,
    repeats: crate::flow::state::repeats::Repeats,
    zeek_checksums: bool,
}

/// What the tracker counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Flows that began.
    pub flows: u64,
    /// Flows given up because the table was full.
    pub evicted: u64,
    /// Of those, SYN-only flows, which are not reported.
    pub evicted_unwritten: u64,
    /// Segments that came after their connection had been reported, within its TIME-WAIT.
    pub late_segments: u64,
    /// Packet times that ran backwards by more than a millisecond.
    pub clock_backwards: u64,
    /// Leaps of the time stamps in the middle of connections.
    pub leaps: Leaps,
    /// Segments of a second copy of the capture behind the first.
    pub repeated: crate::flow::state::repeats::Repeated,
}

impl Tracker {
    /// A tracker without flows. Without the short cut every segment goes the long way: slower, and the same otherwise.
    pub fn new(timeouts: Timeouts, limits: Limits, short_cut: bool) -> Self {
        let table = Table::new(limits.closed);
        Self {
            timeouts,
            limits,
            seal: Seal::new(table.hasher()),
            table,
            wheel: Wheel::new(),
            sources: crate::flow::state::checksum_trust::ChecksumTrust::default(),
            announced: Announced::default(),
            recent: twins::RecentSyns::default(),
            stamps: crate::flow::state::stamps::Stamps::default(),
            eviction: crate::flow::table::eviction::Queues::default(),
            clock: PacketClock::default(),
            next_id: 1,
            counters: Counters::default(),
            short_cut,
            short_cut_now: false,
            repeats: crate::flow::state::repeats::Repeats::default(),
            zeek_checksums: false,
        }
    }

    /// Whether Zeek's words leave out every segment whose checksum is wrong or unfinished, as Zeek does without its option `-C`;
    /// otherwise only where the sender has shown that its checksums can be trusted.
    #[must_use]
    pub fn with_zeek_checksums(self, zeek_checksums: bool) -> Self {
        Self { zeek_checksums, ..self }
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        Counters {
            clock_backwards: self.clock.backwards(),
            leaps: self.clock.leaps(),
            repeated: self.repeats.repeated,
            ..self.counters
        }
    }

    /// Packet time now.
    pub const fn now(&self) -> Timestamp {
        self.clock.latest()
    }

    /// Flows tracked now.
    pub fn live(&self) -> usize {
        self.table.len() + self.table.syn_records()
    }

    /// Packet time moves on to `time`; what times out by then is told.
    #[inline]
    pub fn advance(&mut self, time: Timestamp, observer: &mut impl Observer) {
        if !self.clock.moves_on(time) || self.wheel.is_due(time) {
            self.advance_further(time, observer);
        }
    }

    fn advance_further(&mut self, time: Timestamp, observer: &mut impl Observer) {
        let (before, was) = (self.clock.now(), self.clock.latest());
        let now = self.clock.advance(time);
        if now - before >= PAUSE && before != Timestamp::default() {
            observer.paused(was, self.clock.latest());
        }
        self.look(now, observer);
    }

    /// As [`Self::advance`], where whoever captures says that nothing has come until then.
    pub fn idle(&mut self, time: Timestamp, observer: &mut impl Observer) {
        let now = self.clock.advance(time);
        self.look(now, observer);
    }

    fn look(&mut self, now: Timestamp, observer: &mut impl Observer) {
        self.wheel.start(now);
        if self.wheel.is_due(now) {
            self.fire(now, observer);
        }
    }

    /// What computes keys as this tracker wants them, on any thread.
    pub fn keyer(&self) -> Keyer {
        Keyer { hasher: self.table.hasher().clone(), seal: self.seal }
    }

    /// `s` will be taken soon: what that reads first is asked for.
    #[inline]
    pub fn prefetch(&self, s: &Descriptor) {
        if s.hash != 0 {
            self.table.prefetch(s.hash);
        }
    }

    /// It will be taken sooner, just after `before`: where its flow probably is is looked up, and the beginning of that asked
    /// for.
    #[inline]
    pub fn prefetch_flow(&self, s: &mut Descriptor, before: Option<&Descriptor>) {
        match before {
            Some(before) if before.hash == s.hash => s.prefetch(before.slot()),
            _ if s.hash != 0 => s.prefetch(self.table.prefetch_hot(s.hash)),
            _ => {}
        }
    }

    /// And sooner: what that reads next is asked for.
    #[inline]
    pub fn prefetch_record(&self, s: &mut Descriptor) {
        if let Some(slot) = s.slot()
            && !(s.is_plain() && self.table.expects(slot, s))
        {
            s.want_record();
            self.table.prefetch_record(slot);
        }
    }

    /// It is about to be taken: what that reads last is asked for.
    #[inline]
    pub fn prefetch_steps(&self, s: &Descriptor) {
        if let Some(slot) = s.slot().filter(|_| s.wants_record()) {
            self.table.prefetch_steps(slot);
        }
    }

    fn key_of(&self, s: &Segment) -> Keyed {
        let (key, sender_is_low) = FlowKey::of(s);
        Keyed { hash: self.table.hash(&key), key, sender_is_low }
    }

    /// Takes a segment if it is ordinary, and where it was prefetchn; whether it was. Nothing is to be told of it. `key` gives its
    /// key, where the descriptor does not tell.
    #[inline]
    pub fn take_ordinary(&mut self, descriptor: &Descriptor, key: impl FnOnce() -> Option<FlowKey>) -> bool {
        if !descriptor.is_plain() || !self.clock.moves_on(descriptor.time) || self.wheel.is_due(descriptor.time) {
            return false;
        }
        let (now, idle) = (self.clock.now(), self.timeouts.idle.min(SILENCE));
        let Some(fast_path) =
            descriptor.slot().filter(|_| self.short_cut_now).and_then(|slot| self.table.fast_path(slot))
        else {
            return false;
        };
        descriptor.is_of(&fast_path.key, key) && fast_path.take(descriptor, now, idle)
    }

    /// Takes `syn` if a flow begins with it of which nothing else is known; whether one did. Nothing is told of it.
    #[inline]
    pub fn take_syn(&mut self, descriptor: &Descriptor, syn: Syn<'_>) -> bool {
        let usual = self.short_cut_now && self.next_id < SynRecord::NUMBERS;
        if !usual || !self.clock.moves_on(descriptor.time) || self.wheel.is_due(descriptor.time) {
            return false;
        }
        let key = descriptor.key_of_syn(syn);
        if self.table.knows(&key, descriptor.hash) {
            return false;
        }
        let id = self.number_small();
        if syn.syn_record.checksum() != Checksum::Unverifiable {
            self.sources.good(syn.source().ip, true);
        }
        self.recent.note(syn.syn_record.isn(), descriptor.hash);
        self.keep_small(syn, id, descriptor.hash);
        true
    }

    /// Takes a segment.
    pub fn segment(&mut self, s: &Segment, descriptor: &Descriptor, observer: &mut impl Observer) {
        if (!self.short_cut_now || s.time < self.clock.latest()) && self.is_repeated(s) {
            return;
        }
        if let Some(ahead) = self.clock.leap_to(s.time) {
            self.look_at_leap(s, descriptor, ahead, observer);
        }
        self.advance(s.time, observer);
        let now = self.clock.now();
        let (key, sender_is_low) = descriptor.key_of(s);
        let keyed = Keyed { key, hash: descriptor.hash, sender_is_low };
        let found = self.table.find(&keyed.key, keyed.hash);
        if self.short_cut
            && let Some(fast_path) = found.and_then(|slot| self.table.fast_path(slot))
            && fast_path.take(descriptor, now, self.timeouts.idle.min(SILENCE))
        {
            return;
        }
        self.take_the_long_way(s, (&keyed, descriptor.print()), found, now, observer);
        if let Some(ahead) = self.clock.far_ahead(s.time) {
            self.set_forward(&keyed, s.frame, ahead);
        }
    }

    /// The time stamps are ahead of the clock by so much: where `s` goes on with a connection as if nothing had happened, nothing has.
    #[cold]
    fn look_at_leap(&mut self, s: &Segment, descriptor: &Descriptor, ahead: i64, observer: &mut impl Observer) {
        let (key, _) = descriptor.key_of(s);
        let Some(slot) = self.table.find(&key, descriptor.hash) else { return };
        let slot = self.whole(slot, Some(descriptor.hash), observer);
        let (now, idle) = (self.clock.now(), self.timeouts.idle);
        // One that began beyond the leap says nothing about it.
        let goes_on = |flow: &mut Flow| flow.tracking.seen_at <= now && flow.goes_on_over_leap(s, ahead, idle);
        if self.table.settled(slot).is_some_and(goes_on) {
            let before = self.clock.latest();
            self.clock.leap(s.time, s.frame);
            observer.paused(before, s.time);
        }
    }

    /// A flow that began far ahead of the clock waits from then on: the next packet may confirm that time has come there.
    #[cold]
    fn set_forward(&mut self, keyed: &Keyed, frame: u64, ahead: Timestamp) {
        let Some(slot) = self.table.find(&keyed.key, keyed.hash) else { return };
        if let Some(flow) = self.table.settled(slot)
            && flow.first_frame == frame
        {
            (flow.tracking.tried_at, flow.tracking.seen_at) = (ahead, ahead);
        }
    }

    /// Whether `s` is part of a second copy of the capture.
    #[cold]
    fn is_repeated(&mut self, s: &Segment) -> bool {
        let again = self.repeats.take(s, self.clock.latest(), self.table.hasher());
        self.short_cut_now = self.short_cut && !self.repeats.is_watching();
        again
    }

    fn take_the_long_way(
        &mut self,
        s: &Segment,
        (keyed, print): (&Keyed, Print),
        found: Option<Slot>,
        now: Timestamp,
        observer: &mut impl Observer,
    ) {
        let is_recorded = found.is_some_and(|slot| self.table.syn_record(slot).is_none());
        let found = found.map(|slot| self.whole(slot, Some(keyed.hash), observer));
        let mut tries = Tries::new();
        let current = found.and_then(|slot| self.current(slot, keyed, now, observer));
        let unified = current.and_then(|slot| self.unify(slot, s, observer));
        let print = unified.as_ref().map_or(print, |unified| self.seal.print(unified));
        let s = unified.as_ref().unwrap_or(s);
        if current.is_some_and(|slot| self.hold(slot, s, now)) {
            return;
        }
        let slot = match current {
            Some(slot) => match self.fate(slot, s) {
                Fate::Belongs => Some(slot),
                Fate::Begins => {
                    tries = self.table.get(slot).map_or(tries, |flow| flow.earlier_tries(s));
                    self.supersede(slot, s.time, observer);
                    self.end(slot, s.time, observer);
                    None
                }
                Fate::BeginsWithPending => Some(self.begin_from_pending(slot, observer)),
            },
            None => None,
        };
        let (slot, first) = match slot {
            Some(slot) => (slot, false),
            None => match self.begin(s, keyed, now, self.short_cut && tries.is_empty(), observer) {
                Some(slot) => (slot, true),
                None => return,
            },
        };
        if !tries.is_empty()
            && let Some(flow) = self.table.settled(slot)
        {
            flow.handshake.syns = tries;
        }
        self.take_printed(slot, s, print, now, first, observer);
        if first || !is_recorded {
            self.enlist(slot);
        }
    }

    /// Another attempt takes the place of the flow at `slot`: where its SYN had an answer that does not fit, no other will come.
    fn supersede(&mut self, slot: Slot, time: Timestamp, observer: &mut impl Observer) {
        if let Some(flow) = self.table.settled(slot)
            && flow.tracking.phase == Phase::SynSent
            && flow.tracking.wrong_ack.is_some()
        {
            flow.reach_if_undecided(Opening::Unanswered, time);
            announce(flow, time, observer);
        }
    }

    /// `s` with the numbers that its flow, at `slot`, has on this side of a rewriter of numbers, if it has others.
    #[inline]
    fn unify(&mut self, slot: Slot, s: &Segment, observer: &mut impl Observer) -> Option<Segment> {
        if self.table.get(slot)?.tracking.held.is_some() {
            self.explain_held(slot, s, observer);
        }
        let (fast_path, flow) = self.table.parts(slot)?;
        fast_path.settle(flow);
        let unified = flow.unified(s);
        if unified.is_some() || flow.rewriting().is_some_and(Rewriting::is_known) {
            return unified;
        }
        if flow.learn_rewriting(s, fast_path, &self.seal) { flow.unified(s) } else { None }
    }

    /// `s` explains what was held back of the flow at `slot`, or does not.
    #[cold]
    fn explain_held(&mut self, slot: Slot, s: &Segment, observer: &mut impl Observer) {
        let Some(flow) = self.table.settled(slot) else { return };
        let Some(held) = flow.tracking.held.take() else { return };
        let explained = flow.learn_from_held(&held.segment, s);
        self.take(slot, explained.as_ref().unwrap_or(&held.segment), held.at, false, observer);
    }

    /// Holds `s` back if the next segment of its flow, at `slot`, may show that its numbers were rewritten; whether it did.
    fn hold(&mut self, slot: Slot, s: &Segment, now: Timestamp) -> bool {
        if !s.flags.is_syn_ack() {
            return false;
        }
        let Some(flow) = self.table.settled(slot).filter(|flow| flow.may_be_rewritten(s)) else { return false };
        flow.tracking.held = Some(Box::new(Held { segment: *s, at: now }));
        true
    }

    /// What was held back of the flow at `slot` is what it seemed to be; whether anything was.
    fn release(&mut self, slot: Slot, observer: &mut impl Observer) -> bool {
        let Some(held) = self.table.settled(slot).and_then(|flow| flow.tracking.held.take()) else { return false };
        self.take(slot, &held.segment, held.at, false, observer);
        true
    }

    /// Takes an ICMP error about a segment of some flow.
    pub fn quote(&mut self, q: &IcmpQuote, observer: &mut impl Observer) {
        self.advance(q.time, observer);
        let (key, _) = FlowKey::between(q.source, q.destination);
        let hash = self.table.hash(&key);
        let Some(slot) = self.table.find(&key, hash) else { return };
        let slot = self.whole(slot, Some(hash), observer);
        self.release(slot, observer);
        let Some(flow) = self.table.settled(slot) else { return };
        let from_client = q.source == flow.client.endpoint;
        let quotes_syn = from_client && flow.handshake.syns.iter().any(|t| t.seq == q.seq);
        if !matches!(q.kind, IcmpKind::Unreachable(_)) || !quotes_syn || flow.tracking.phase != Phase::SynSent {
            return;
        }
        flow.unreachable.get_or_insert_with(|| {
            Box::new(Unreachable { time: q.time, frame: q.frame, kind: q.kind, reporter: q.reporter })
        });
        flow.reach(Opening::Unreachable, q.time);
        let recorded = flow.add_quote(q);
        observer.notice(flow, q.time, &Notice::Quoted { recorded });
        announce(flow, q.time, observer);
    }

    /// Observation ends: every flow is told of, in the order in which they began. The end of a capture is not a timeout.
    pub fn finish(&mut self, observer: &mut impl Observer) {
        let mut flows: Vec<(u64, Slot)> = self.table.flows().collect();
        flows.sort_unstable();
        let now = self.clock.now();
        for (_, slot) in flows {
            // A SYN gets a record only now, one beyond the limit at most, and gives it back at once: nobody need go for it.
            let slot = self.expand(slot, None);
            let Some(key) = self.table.get(slot).map(|flow| flow.key) else { continue };
            let keyed = Keyed { key, hash: self.table.hash(&key), sender_is_low: true };
            let Some(mut slot) = self.current(slot, &keyed, now, observer) else { continue };
            if self.table.get(slot).is_some_and(Flow::pending_is_last) {
                slot = self.begin_from_pending(slot, observer);
            }
            self.end(slot, self.clock.latest(), observer);
        }
    }

    /// The flow of the key at `slot`, after acting on the deadlines that have passed at `now`.
    fn current(&mut self, slot: Slot, keyed: &Keyed, now: Timestamp, observer: &mut impl Observer) -> Option<Slot> {
        let mut slot = slot;
        loop {
            let deadline = self.table.settled(slot)?.deadline(&self.timeouts);
            if now <= deadline {
                return Some(slot);
            }
            self.on_deadline(slot, deadline, observer);
            slot = self.table.find(&keyed.key, keyed.hash)?;
        }
    }

    /// Acts on the deadline of a flow; whether that ended it.
    fn on_deadline(&mut self, slot: Slot, deadline: Timestamp, observer: &mut impl Observer) -> bool {
        if self.release(slot, observer) {
            return false;
        }
        let linger_over = |flow: &Flow, t: &Timeouts| deadline >= flow.flush_at(t);
        let Some(flow) = self.table.settled(slot) else { return true };
        if flow.tracking.pending.is_some() && deadline >= flow.pending_deadline(&self.timeouts) {
            if flow.pending_is_last() {
                self.begin_from_pending(slot, observer);
            } else {
                flow.tracking.pending = None;
            }
            return false;
        }
        let time = self.clock.to_packet_time(deadline);
        if deadline >= flow.tracking.quiet_at {
            flow.plan_quiet(deadline, time);
            observer.notice(flow, time, &Notice::Quiet);
            return false;
        }
        if linger_over(flow, &self.timeouts) {
            flow.idle_expired = flow.teardown.complete.is_none() && flow.tracking.phase == Phase::Open;
            self.end(slot, time, observer);
            return true;
        }
        flow.tracking.deadline_passed = true;
        self.look_for_cause(slot);
        let Some(flow) = self.table.settled(slot) else { return true };
        match flow.tracking.phase {
            Phase::SynSent if flow.has_declined() => flow.reach_if_undecided(Opening::ResetAfterSynAck, time),
            Phase::SynSent | Phase::Crossed => flow.reach_if_undecided(Opening::Unanswered, time),
            Phase::SynReceived if flow.client.isn.is_none() => flow.reach_if_undecided(Opening::SynAckOnly, time),
            Phase::SynReceived => flow.reach(Opening::MissingAck, time),
            Phase::Open | Phase::Failed => {}
        }
        announce(flow, time, observer);
        if flow.is_given_up() {
            self.eviction.given_up(slot, flow.id);
            if let Some(oldest) = self.eviction.surplus_given_up(&self.table, self.limits.given_up) {
                self.end(oldest, time, observer);
                if let Some(next) = self.eviction.next_given_up() {
                    self.table.prefetch_record(next);
                }
            }
        }
        false
    }

    /// Acts on the deadlines that have passed at `now`, in order.
    fn fire(&mut self, now: Timestamp, observer: &mut impl Observer) {
        let current = self.wheel.tick_of(now);
        while let Some(tick) = self.next_small_deadline().filter(|tick| *tick <= current) {
            self.fire_wheel(tick, now, observer);
            self.fire_small(tick, observer);
        }
        self.fire_wheel(current, now, observer);
    }

    /// Acts on the deadlines in the wheel, up to those of `last`.
    fn fire_wheel(&mut self, last: Tick, now: Timestamp, observer: &mut impl Observer) {
        let current = self.wheel.tick_of(now);
        // What waits beyond a leap is filed behind it: not again in each round of the wheel on the way there.
        let mut beyond = Vec::new();
        while let Some((tick, entries)) = self.wheel.fire(last) {
            for n in 0..entries.len() {
                self.prefetch_deadline(entries.get(n + 2 * DEADLINES_AHEAD), tick, false);
                self.prefetch_deadline(entries.get(n + DEADLINES_AHEAD), tick, true);
                let (slot, tag) = entries[n];
                if self.table.get(slot).is_none_or(|flow| tag_of(flow.id) != tag || flow.tracking.tick != tick) {
                    continue;
                }
                let Some(flow) = self.table.settled(slot) else { continue };
                let deadline = flow.deadline(&self.timeouts);
                if now <= deadline && Wheel::<(Slot, Tag)>::is_rounds_before(tick, current) {
                    beyond.push(slot);
                    continue;
                }
                let ended = now > deadline && self.on_deadline(slot, deadline, observer);
                if !ended {
                    self.schedule(slot, true);
                }
            }
            self.wheel.recycle(entries);
        }
        for slot in beyond {
            self.schedule(slot, true);
        }
    }

    /// The tick of the next deadline of a flow that is nothing but a SYN. These came in order, and wait equally long: they need
    /// no place in the wheel.
    fn next_small_deadline(&self) -> Option<Tick> {
        let wait = self.timeouts.syn.min(self.timeouts.flush);
        self.table.oldest_embryo().map(|(_, began)| self.wheel.due_at(began.after(wait)))
    }

    /// Makes records for flows that are nothing but a SYN, and whose deadline is one of `tick`: the wheel has them from now on.
    fn fire_small(&mut self, tick: Tick, observer: &mut impl Observer) {
        while let Some((slot, _)) = self.table.oldest_embryo()
            && self.next_small_deadline().is_some_and(|next| next <= tick)
        {
            let slot = self.whole(slot, None, observer);
            self.enlist(slot);
        }
    }

    /// The deadline of `entry`, filed under `tick`, comes soon: what tells whether it is stale is asked for, and the second time,
    /// if it is not, the rest.
    fn prefetch_deadline(&self, entry: Option<&(Slot, Tag)>, tick: Tick, again: bool) {
        let Some((slot, tag)) = entry.copied() else { return };
        if !again {
            self.table.prefetch_start(slot);
        } else if self.table.get(slot).is_some_and(|flow| tag_of(flow.id) == tag && flow.tracking.tick == tick) {
            self.table.prefetch_record(slot);
        }
    }

    /// Files the flow's deadline, if it has no earlier entry.
    fn schedule(&mut self, slot: Slot, fired: bool) {
        let Some(flow) = self.table.get(slot) else { return };
        let (deadline, id) = (flow.deadline(&self.timeouts), flow.id);
        if !fired && flow.tracking.tick <= self.wheel.tick_for(deadline) {
            return;
        }
        let tick = self.wheel.file(deadline, (slot, tag_of(id)));
        if let Some(flow) = self.table.settled(slot) {
            flow.tracking.tick = tick;
        }
    }

    /// What an arriving segment means for the flow its four-tuple names.
    fn fate(&self, slot: Slot, s: &Segment) -> Fate {
        self.table.get(slot).map_or(Fate::Begins, |flow| flow.fate_of(s, &self.timeouts))
    }

    /// Begins a flow with `s` as its first segment, which is still to be told to it. `None` where nothing is left to do: it is
    /// only a late segment of a closed connection, or with `small` an ordinary SYN that needs no record yet.
    fn begin(
        &mut self,
        s: &Segment,
        keyed: &Keyed,
        now: Timestamp,
        small: bool,
        observer: &mut impl Observer,
    ) -> Option<Slot> {
        let Keyed { key, hash, sender_is_low } = *keyed;
        let closed_flow = self.table.closed_flow(&key, hash).cloned();
        let is_new = closed_flow.is_none();
        let previous = closed_flow.filter(|closed_flow| closed_flow.is_remembered(now));
        if !s.flags.is_syn() && previous.as_ref().is_some_and(|closed_flow| closed_flow.owns(s)) {
            self.counters.late_segments += 1;
            return None;
        }
        if s.flags.is_syn() {
            self.recent.note(s.seq, hash);
        }
        if small
            && is_new
            && let Some((syn_record, wide)) = self.embryo_of(s, now)
        {
            return self.begin_small(s, Syn { syn_record: &syn_record, wide: &wide }, keyed, now, observer);
        }
        self.make_room(observer);
        let sender_is_client = if s.flags.is_syn_ack() {
            false
        } else if s.flags.has(Flags::SYN) || is_invalid_first(s.flags) {
            true
        } else {
            roles::sender_is_client(s)
        };
        let client_is_low = sender_is_low == sender_is_client;
        let mut flow =
            Flow::new(self.next_id, s, key, sender_is_client, previous.is_some(), now, self.table.spare_steps());
        if previous.is_none() && self.announced.begins(s) {
            flow.completeness = Completeness::announced();
        }
        let worth = Worth { sums: self.sources.verdict(s), zeek_checksums: self.zeek_checksums };
        if let Some(read) = worth.read_by_zeek(s) {
            flow.zeek = ZeekWords::new(&read);
        }
        flow.previous = previous.map(|closed_flow| Box::new(closed_flow.previous(client_is_low)));
        self.next_id += 1;
        self.counters.flows += 1;
        let slot = self.table.insert(FastPath::new(key, client_is_low, now), flow, hash);
        self.schedule(slot, true);
        if let Some(flow) = self.table.settled(slot) {
            observer.notice(flow, s.time, &Notice::Began);
        }
        Some(slot)
    }

    /// What is kept of `s` as the first segment of a flow, where nothing more needs to be.
    fn embryo_of(&self, s: &Segment, now: Timestamp) -> Option<(SynRecord, V6Addresses)> {
        let usual = now == s.time && self.next_id < SynRecord::NUMBERS;
        if usual { SynRecord::of(s) } else { None }
    }

    /// Begins a flow with `s`, an ordinary SYN: its record is made and shown, and kept only if somebody marked it. `None`:
    /// nothing is left to do.
    fn begin_small(
        &mut self,
        s: &Segment,
        small: Syn<'_>,
        keyed: &Keyed,
        now: Timestamp,
        observer: &mut impl Observer,
    ) -> Option<Slot> {
        let id = self.number_small();
        let worth = self.worth(s);
        let (mut fast_path, mut flow) = self.record_of(s, id, keyed);
        observer.notice(&mut flow, s.time, &Notice::Began);
        let doubt = doubt_about(s, &mut fast_path, &mut flow, self.seal.print(s), worth);
        show(&mut flow, s, now, true, doubt, observer);
        fast_path.enable(&flow);
        if flow.marks.is_empty() && flow.opening.is_none() {
            self.table.keep_steps(core::mem::take(&mut flow.steps));
            self.keep_small(small, id, keyed.hash);
        } else {
            self.make_room(observer);
            let slot = self.table.insert(fast_path, flow, keyed.hash);
            self.schedule(slot, true);
            self.eviction.began(slot, id);
        }
        None
    }

    /// The number of a flow that begins small; there is room for it.
    fn number_small(&mut self) -> u64 {
        while let Some(oldest) = self.table.surplus_embryo(self.limits.syn_only) {
            self.table.drop_embryo(oldest, None);
            self.counters.evicted += 1;
            self.counters.evicted_unwritten += 1;
        }
        self.counters.flows += 1;
        self.next_id += 1;
        self.next_id - 1
    }

    #[inline]
    fn keep_small(&mut self, syn: Syn<'_>, id: u64, hash: u64) {
        self.table.insert_embryo(syn, id, hash);
        self.table.prefetch_surplus(self.limits.syn_only);
    }

    /// A new record for flow `id`, which begins with the SYN `s`, which it is still to be told.
    fn record_of(&mut self, s: &Segment, id: u64, keyed: &Keyed) -> (FastPath, Flow) {
        let mut flow = Flow::new(id, s, keyed.key, true, false, s.time, self.table.spare_steps());
        if self.announced.begins(s) {
            flow.completeness = Completeness::announced();
        }
        if self.zeek_checksums
            && let Some(read) = (Worth { sums: Sums::Trusted, zeek_checksums: true }).read_by_zeek(s)
        {
            flow.zeek = ZeekWords::new(&read);
        }
        (FastPath::new(keyed.key, keyed.sender_is_low, s.time), flow)
    }

    /// The slot of the flow at `slot` with a record of its own, which it gets now if it was nothing but a SYN; `hash` is that of
    /// its key, if known.
    fn whole(&mut self, slot: Slot, hash: Option<u64>, observer: &mut impl Observer) -> Slot {
        if self.table.syn_record(slot).is_some() {
            self.make_room(observer);
        }
        self.expand(slot, hash)
    }

    /// The same, whether there is room or not.
    fn expand(&mut self, slot: Slot, hash: Option<u64>) -> Slot {
        let Some(syn) = self.table.syn_record(slot) else { return slot };
        let (s, id) = (syn.segment(), syn.syn_record.id());
        let (key, sender_is_low) = FlowKey::of(&s);
        let keyed = Keyed { key, hash: hash.unwrap_or_else(|| self.table.hash(&key)), sender_is_low };
        self.table.drop_embryo(slot, Some(keyed.hash));
        let (fast_path, flow) = self.record_of(&s, id, &keyed);
        let slot = self.table.insert(fast_path, flow, keyed.hash);
        if let Some((fast_path, flow)) = self.table.parts(slot) {
            let worth = Worth { sums: Sums::Unproved, zeek_checksums: self.zeek_checksums };
            let doubt = doubt_about(&s, fast_path, flow, self.seal.print(&s), worth);
            show(flow, &s, s.time, true, doubt, &mut Nobody);
            fast_path.enable(flow);
        }
        self.schedule(slot, true);
        slot
    }

    /// The flow at `slot` goes before others when the table is full, if nothing has answered it yet.
    fn enlist(&mut self, slot: Slot) {
        if let Some(id) = self.table.get(slot).filter(|flow| flow.is_unanswered()).map(|flow| flow.id) {
            self.eviction.trim(&self.table);
            self.eviction.began(slot, id);
        }
    }

    /// The pending SYN of the flow at `slot` begins a new flow: the old one ends before it.
    fn begin_from_pending(&mut self, slot: Slot, observer: &mut impl Observer) -> Slot {
        let Some(pending) = self.table.settled(slot).and_then(|flow| flow.tracking.pending.take()) else { return slot };
        if let Some(flow) = self.table.settled(slot) {
            flow.forget_pending(&pending);
        }
        self.end(slot, pending.segment.time, observer);
        let keyed = self.key_of(&pending.segment);
        let mut new_slot = slot;
        for (n, s) in core::iter::once(&pending.segment).chain(&pending.repeats).enumerate() {
            let now = pending.at.after(s.time - pending.segment.time);
            if n == 0 {
                match self.begin(s, &keyed, now, false, observer) {
                    Some(begun) => new_slot = begun,
                    None => return slot,
                }
            }
            self.take(new_slot, s, now, n == 0, observer);
        }
        self.enlist(new_slot);
        new_slot
    }

    /// Gives a segment to its flow, and tells what came of it.
    fn take(&mut self, slot: Slot, s: &Segment, now: Timestamp, first: bool, observer: &mut impl Observer) {
        self.take_printed(slot, s, self.seal.print(s), now, first, observer);
    }

    /// The same of one whose print is known.
    #[inline]
    fn take_printed(
        &mut self,
        slot: Slot,
        s: &Segment,
        print: Print,
        now: Timestamp,
        first: bool,
        observer: &mut impl Observer,
    ) {
        let worth = self.worth(s);
        if Announced::concerns(s) {
            self.announced.note(s);
        }
        if s.flags.is_syn_ack() {
            self.look_for_twin(slot, s);
        }
        let Some((fast_path, flow)) = self.table.parts(slot) else { return };
        fast_path.settle(flow);
        if s.checksum == Checksum::Good
            && let Some(wrong) = flow.begins_wrong(s)
        {
            *flow = flow.begun_by_wrong(&wrong);
            let worth = Worth { sums: Sums::Trusted, ..worth };
            show(flow, &wrong, flow.tracking.seen_at, true, Doubt { copy: false, worth }, observer);
        }
        let was_closed = flow.is_closed();
        let doubt = doubt_about(s, fast_path, flow, print, worth);
        let facts = show(flow, s, now, first, doubt, observer);
        let closed = (flow.is_closed() && !was_closed).then_some(flow.id);
        fast_path.enable(flow);
        if facts.any(Facts::MAY_HASTEN) {
            self.schedule(slot, false);
        }
        if facts.any(twins::NEWS) {
            self.tell_twin(slot, s, facts);
        }
        if let Some(id) = closed {
            self.eviction.closed(slot, id);
            if let Some(oldest) = self.eviction.surplus(&self.table, self.limits.lingering) {
                self.end(oldest, self.clock.latest(), observer);
                if let Some(next) = self.eviction.next_surplus() {
                    self.table.prefetch_record(next);
                }
            }
        }
    }

    /// Looks for the other four-tuple of the attempt that `s`, the first SYN-ACK of the flow at `slot`, answers.
    fn look_for_twin(&mut self, slot: Slot, s: &Segment) {
        let Some(flow) = self.table.get(slot).filter(|flow| twins::is_worth_a_look(flow, s)) else { return };
        let isn = flow.client.isn.unwrap_or(s.ack_field.minus(1));
        self.join(slot, isn, Some(s));
    }

    /// Looks for what explains that nothing answers the SYN of the flow at `slot`, if nothing does.
    fn look_for_cause(&mut self, slot: Slot) {
        let Some(flow) = self.table.settled(slot).filter(|flow| flow.is_unanswered() && flow.twin().is_none()) else {
            return;
        };
        if let Some(stale) = self.stamps.explain(flow) {
            flow.set_stale_stamp(stale);
        } else if let Some(isn) = flow.client.isn {
            self.join(slot, isn, None);
        }
    }

    /// Joins the flow at `slot` with the one other four-tuple whose SYN, with this number, is its own or is answered by `s`.
    fn join(&mut self, slot: Slot, isn: SeqNumber, s: Option<&Segment>) {
        let hashes = self.recent.with(isn);
        let Some(flow) = self.table.get(slot).filter(|_| hashes.contains(&0)) else { return };
        let own = Asked::of(flow);
        let mut found: Option<(Slot, u64, Asked)> = None;
        for hash in hashes.into_iter().filter(|hash| *hash != 0) {
            let Some(at) = self.table.with_isn(hash, isn).filter(|at| *at != slot) else { continue };
            let Some((other, tries)) = self.table.asked(at) else { continue };
            let belongs = match (&own, s) {
                (Some(own), _) => own.is_same_syn(&other),
                (None, Some(s)) => other.is_answered_by(s, tries),
                (None, None) => false,
            };
            match &found {
                _ if !belongs => {}
                None => found = Some((at, hash, other)),
                Some((.., newer)) if newer.is_same_syn(&other) => {}
                // Two that have nothing to do with each other: nobody knows which.
                Some(_) => return,
            }
        }
        let Some((other, hash, _)) = found else { return };
        let small = self.table.syn_record(other).is_some();
        let other = self.expand(other, Some(hash));
        if small {
            self.enlist(other);
        }
        let Some(own_hash) = self.table.hash_at(slot) else { return };
        self.introduce(slot, own_hash, other);
        self.introduce(other, hash, slot);
    }

    /// Tells the flow at `to` that the one at `slot`, the key of which has this hash, is its twin.
    fn introduce(&mut self, slot: Slot, hash: u64, to: Slot) {
        let Some(twin) = self.table.settled(slot).map(|flow| Twin::of(flow, hash)) else { return };
        if let Some(flow) = self.table.settled(to) {
            flow.set_twin(twin);
        }
    }

    /// Something happened to the flow at `slot` that its twin must know.
    fn tell_twin(&mut self, slot: Slot, s: &Segment, facts: Facts) {
        let Some(hash) = self.table.hash_at(slot) else { return };
        if facts.any(Facts::SYN_REPEATED) && s.flags.is_syn() {
            self.recent.note_again(s.seq, hash);
        }
        let Some(flow) = self.table.get(slot) else { return };
        if facts.any(Facts::SYN_ACK) {
            self.stamps.take(flow);
        }
        let (id, Some(twin)) = (flow.id, flow.twin()) else { return };
        let Some(other) = self.table.with_id(twin.hash, twin.flow) else { return };
        if self.table.get(other).and_then(Flow::twin).is_some_and(|twin| twin.flow == id) {
            self.introduce(slot, hash, other);
        }
    }

    /// What the checksum of `s` is worth.
    fn worth(&mut self, s: &Segment) -> Worth {
        Worth { sums: self.sources.judge(s), zeek_checksums: self.zeek_checksums }
    }

    /// Ends the flow at `slot` and tells of it.
    fn end(&mut self, slot: Slot, time: Timestamp, observer: &mut impl Observer) {
        self.release(slot, observer);
        if self.table.get(slot).is_some_and(|flow| flow.opening.is_none()) {
            self.look_for_cause(slot);
        }
        let Some(hash) = self.table.hash_at(slot) else { return };
        let Some(flow) = self.table.settled(slot) else { return };
        flow.conclude(time, &self.timeouts);
        self.table.retire(slot, hash, self.clock.now(), self.timeouts.time_wait);
        if let Some(flow) = self.table.settled(slot) {
            observer.notice(flow, time, &Notice::Ended);
        }
        self.table.release(slot);
    }

    /// Evicts until there is room for one more flow.
    fn make_room(&mut self, observer: &mut impl Observer) {
        while self.table.len() >= self.limits.flows.max(1) {
            let Some((slot, unanswered)) = self.eviction.victim(&self.table) else { return };
            self.counters.evicted += 1;
            if unanswered {
                self.counters.evicted_unwritten += 1;
                self.table.hash_at(slot).into_iter().for_each(|hash| self.table.remove(slot, hash));
            } else {
                self.end(slot, self.clock.latest(), observer);
            }
        }
    }
}

/// What casts doubt on `s`, which is about to be shown to its flow. `worth`: what its checksum is worth.
fn doubt_about(s: &Segment, fast_path: &mut FastPath, flow: &mut Flow, print: Print, worth: Worth) -> Doubt {
    let answers = s.flags.is_syn_ack() && flow.handshake.is_asked_again();
    let rewritten = flow.is_rewritten_copy(s);
    Doubt { copy: rewritten || fast_path.is_copy(s, print, flow.side_of(s.source), answers), worth }
}

/// Shows `s` to its flow, and tells what came of it.
fn show(
    flow: &mut Flow,
    s: &Segment,
    now: Timestamp,
    first: bool,
    doubt: Doubt,
    observer: &mut impl Observer,
) -> Facts {
    let from = flow.side_of(s.source);
    let opening_before = flow.opening;
    let facts = flow.observe(s, from, now, first, doubt);
    let recorded =
        if facts.any(Facts::BAD_CHECKSUM | Facts::COPY) { Recorded::Nothing } else { flow.record(s, from, facts) };
    let segment = SegmentRef(s);
    observer.notice(flow, s.time, &Notice::Segment { segment: &segment, from, facts, recorded });
    if flow.opening != opening_before {
        announce(flow, s.time, observer);
    }
    if !flow.tracking.closing_announced
        && let Some(by) = flow.closing_began()
    {
        flow.tracking.closing_announced = true;
        observer.notice(flow, s.time, &Notice::Closing { by });
    }
    facts
}

/// Who listens to what has been told before.
struct Nobody;

impl Observer for Nobody {
    fn notice(&mut self, _: &mut Flow, _: Timestamp, _: &Notice<'_>) {}
}

/// Tells of an opening verdict once it is reached.
fn announce(flow: &mut Flow, time: Timestamp, observer: &mut impl Observer) {
    if flow.opening.is_some() && !flow.tracking.announced {
        flow.tracking.announced = true;
        observer.notice(flow, time, &Notice::Opened);
    }
}

/// Flags that no first segment of a connection has, whole or cut from its middle.
fn is_invalid_first(flags: Flags) -> bool {
    let lone = !flags.any(Flags::ACK | Flags::SYN | Flags::RST);
    let twice = (flags.has(Flags::SYN) && flags.any(Flags::FIN | Flags::RST)) || flags.has(Flags::RST | Flags::FIN);
    lone || twice
}

impl Flow {
    /// The SYN it began with, whose checksum was wrong and its sender unknown, if nothing else came of it until `s`, the same SYN
    /// with a right one: the sender finishes its checksums.
    fn begins_wrong(&mut self, s: &Segment) -> Option<Box<Segment>> {
        let nothing = self.opening.is_none()
            && !self.server.spoke()
            && self.packets() == u64::from(self.quality.unverified)
            && s.flags.is_syn()
            && s.source == self.client.endpoint;
        self.notes.as_mut().filter(|_| nothing)?.doubted.take()
    }

    /// The flow that `wrong`, which tells nothing, begins in place of this one.
    fn begun_by_wrong(&mut self, wrong: &Segment) -> Self {
        let mut steps = core::mem::take(&mut self.steps);
        steps.clear();
        let mut flow = Self::new(self.id, wrong, self.key, true, self.previous.is_some(), self.tracking.seen_at, steps);
        flow.previous = self.previous.take();
        flow.marks = core::mem::take(&mut self.marks);
        flow.host_marks = self.host_marks;
        flow.quality.bad_checksum = self.quality.bad_checksum.saturating_sub(1);
        flow.tracking.tick = self.tracking.tick;
        flow
    }

    pub(super) fn new(
        id: u64,
        s: &Segment,
        key: FlowKey,
        sender_is_client: bool,
        reused: bool,
        now: Timestamp,
        steps: Vec<Step>,
    ) -> Self {
        let (sender, receiver) = (Peer::new(s.source), Peer::new(s.destination));
        let (client, server) = if sender_is_client { (sender, receiver) } else { (receiver, sender) };
        let tracking = Tracking { tried_at: now, seen_at: now, quiet_at: Tracking::NEVER, ..Tracking::default() };
        Self {
            id,
            key,
            client,
            server,
            role_known: s.flags.is_syn() || s.flags.is_syn_ack(),
            first_sender: if sender_is_client { Side::Client } else { Side::Server },
            first_time: s.time,
            last_time: s.time,
            first_frame: s.frame,
            last_frame: s.frame,
            vlan: s.vlan,
            interface: s.interface,
            opening: None,
            opening_time: s.time,
            handshake: Handshake::default(),
            teardown: Teardown::default(),
            unreachable: None,
            idle_expired: false,
            steps,
            steps_dropped: 0,
            marks: SmallVec::new(),
            host_marks: HostMarks::default(),
            quality: CaptureQuality::default(),
            completeness: Completeness::new(s, reused),
            zeek: ZeekWords::new(s),
            previous: None,
            notes: None,
            tracking,
        }
    }

    /// Takes a segment: counts it, moves states, notices facts.
    fn observe(&mut self, s: &Segment, from: Side, now: Timestamp, first: bool, doubt: Doubt) -> Facts {
        let dropped = !first && self.must_be_dropped(s);
        if !first && !dropped {
            let read = doubt.worth.read_by_zeek(s);
            self.zeek.observe(read.as_ref().unwrap_or(s), from == self.first_sender);
            self.completeness.observe(s);
        }
        if s.truncated {
            self.quality.truncated += 1;
        }
        if doubt.copy {
            self.quality.duplicates += 1;
            return Facts::COPY;
        }
        match s.checksum {
            Checksum::Bad if doubt.worth.sums == Sums::Trusted => {
                self.quality.bad_checksum += 1;
                return Facts::BAD_CHECKSUM;
            }
            Checksum::Bad if doubt.worth.sums == Sums::Unproved => {
                self.quality.bad_checksum += 1;
                self.quality.unverified += 1;
                if first && s.flags.is_syn() {
                    self.notes.get_or_insert_default().doubted = Some(Box::new(*s));
                }
            }
            Checksum::Bad | Checksum::Offload => self.quality.offload += 1,
            Checksum::Good | Checksum::Unverifiable => {}
        }
        if s.flags.is_syn() && !first {
            self.tracking.before_syn = Some((self.last_time, self.last_frame));
        }
        self.last_time = self.last_time.max(s.time);
        self.last_frame = s.frame;
        let silence = now - self.tracking.seen_at;
        self.tracking.seen_at = now;
        let numbered = self.numbered(s, from);
        let s = numbered.as_ref().unwrap_or(s);
        self.count(s, from);
        let mut facts = if first { self.first_facts(s) } else { Facts::NONE };
        facts |= if dropped { self.drop_segment(s, from) } else { self.dispatch(s, from, now) };
        if facts.any(Facts::DROPPED) || (facts.any(Facts::BARE_ACK_TO_SYN) && self.answers_another_connection(s)) {
            self.note_unacceptable(from, 1);
        }
        facts |= self.oddities(s, from);
        facts |= self.take_notes(s, from, facts, silence, now);
        if facts.any(Facts::HOLE) {
            self.quality.holes += 1;
        }
        if facts.any(Facts::OUT_OF_ORDER) {
            self.quality.reordered += 1;
        }
        facts
    }

    /// Whether it is an ACK in answer to a SYN that does not acknowledge that. (Payload is disowned once there is a SYN-ACK.)
    fn answers_another_connection(&self, s: &Segment) -> bool {
        s.payload == 0 && self.tracking.wrong_ack.is_some_and(|wrong| wrong.ack == s.ack_field)
    }

    /// Whether its receiver drops it unread: on an open connection, and on one that is half open, nothing but SYN and RST may come
    /// without ACK (RFC 9293 section 3.10.7.4, fifth).
    fn must_be_dropped(&self, s: &Segment) -> bool {
        let open = matches!(self.tracking.phase, Phase::Open | Phase::SynReceived);
        open && !s.flags.any(Flags::ACK | Flags::SYN | Flags::RST) && self.opening != Some(Opening::Invalid)
    }

    /// It was counted, and is not.
    fn drop_segment(&mut self, s: &Segment, from: Side) -> Facts {
        let peer = self.peer_mut(from);
        peer.bytes -= u64::from(s.payload);
        peer.data_count -= u32::from(s.payload > 0);
        Facts::INVALID_FLAGS | Facts::UNACCEPTABLE
    }

    fn count(&mut self, s: &Segment, from: Side) {
        let peer = self.peer_mut(from);
        if peer.packets == 0 {
            peer.ttl = s.ttl;
            peer.window = s.window;
        }
        peer.packets += 1;
        peer.bytes += u64::from(s.payload);
        peer.data_count += u32::from(s.payload > 0);
        peer.last_time = s.time;
        peer.timestamps_seen = s.options.timestamps.is_some();
    }

    /// What the first segment tells by being first.
    fn first_facts(&mut self, s: &Segment) -> Facts {
        let mut facts = if self.previous().is_some() { Facts::REUSE } else { Facts::NONE };
        if is_invalid_first(s.flags) {
            // A SYN with FIN or RST is no way to open a connection, but it says which number it would begin with.
            if s.flags.has(Flags::SYN) {
                (self.client.isn, self.client.offer) = (Some(s.seq), Some(Offer::of(s)));
            }
            self.tracking.phase = Phase::Failed;
            self.reach(Opening::Invalid, s.time);
            return facts | Facts::INVALID_FLAGS;
        }
        if s.flags.is_syn() {
            let renewed = self.previous().is_some_and(|p| {
                p.same_client
                    && matches!(p.opening, Opening::Unanswered | Opening::Undecided | Opening::MissingAck)
                    && (0..60 * SECOND).contains(&(s.time - p.last_time))
            });
            return if renewed { facts | Facts::SYN_NEW_ISN } else { facts };
        }
        if s.flags.is_syn_ack() {
            // Its client sent a SYN that we did not see.
            self.client.confirmed = State::SynSent;
            return facts;
        }
        facts |= Facts::MIDSTREAM;
        self.tracking.phase = Phase::Open;
        self.client.confirmed = State::Established;
        self.server.confirmed = State::Established;
        self.reach(Opening::Midstream, s.time);
        facts
    }

    fn dispatch(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        if self.opening == Some(Opening::Invalid) {
            return self.dispatch_invalid(s, from);
        }
        if self.is_to_itself() && !s.flags.has(Flags::RST) {
            return self.dispatch_to_itself(s, now);
        }
        if s.flags.has(Flags::SYN) && s.flags.any(Flags::FIN | Flags::RST) {
            return if self.is_synack_with_fin(s, from) {
                self.on_synack_with_fin(s, from, now)
            } else {
                Facts::INVALID_FLAGS
            };
        }
        if s.flags.is_rst() {
            return self.on_rst(s, from);
        }
        if self.tracking.doubtful_reset.is_some() && self.tracking.phase == Phase::Open {
            self.tracking.doubtful_reset = None;
        }
        if s.flags.is_syn() {
            return self.dispatch_syn(s, from, now);
        }
        if s.flags.is_syn_ack() {
            self.prove(s, from);
            let facts = self.on_synack(s, from, now);
            return facts;
        }
        if !s.flags.any(Flags::ACK | Flags::FIN) && s.payload == 0 {
            return Facts::INVALID_FLAGS;
        }
        let settled = self.settle_doubtful_fin(s, from);
        self.prove(s, from);
        let mut facts = settled | self.account_with_doubt(s, from);
        facts |= self.on_segment_in_handshake(s, from);
        if self.tracking.phase == Phase::Open || s.flags.has(Flags::FIN) {
            facts |= self.on_segment_in_connection(s, from);
        }
        facts
    }

    fn dispatch_syn(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        let facts = self.on_syn(s, from, now);
        if facts.any(Facts::SYN_ON_ESTABLISHED) {
            self.provoke(from.other(), s.time);
            if !facts.any(Facts::SYN_REPEATED) {
                self.remember_pending(s);
            }
        }
        facts
    }

    /// A probe with impossible flags: only its answer matters.
    fn dispatch_invalid(&mut self, s: &Segment, from: Side) -> Facts {
        if s.flags.is_rst() {
            self.peer_mut(from).rst_count += 1;
            let reset = Reset { by: from, time: s.time, frame: s.frame, seq: s.seq, exact: true };
            self.teardown.reset.get_or_insert(reset);
            return Facts::RST;
        }
        if is_invalid_first(s.flags) { Facts::INVALID_FLAGS } else { self.account(s, from) }
    }

    /// What this segment proves to have reached its sender.
    pub(super) fn prove(&mut self, s: &Segment, from: Side) {
        let other = self.peer(from.other());
        let (isn, fin, fin_acked_us) = (other.isn, other.fin, other.fin_acked_peer);
        let opened = !s.flags.has(Flags::SYN);
        let peer = self.peer_mut(from);
        if peer.in_flight.is_empty() {
            return;
        }
        if let Some(ack) = s.ack() {
            if isn.is_some_and(|isn| ack.after(isn)) && peer.isn.is_some() {
                peer.has_received(Event::Syn);
                peer.has_received(Event::SynAck);
            }
            if fin.is_some_and(|fin| ack.after(fin)) {
                if fin_acked_us {
                    peer.has_received(Event::AckOfFin);
                }
                peer.has_received(Event::Fin);
            }
        }
        if opened && peer.isn.is_none_or(|isn| s.seq.after(isn)) {
            peer.has_received(Event::AckOfSyn);
        }
    }

    /// Whether an opening verdict has been reached, and is still to be told.
    pub(crate) const fn opening_is_news(&self) -> bool {
        self.opening.is_some() && !self.tracking.announced
    }

    /// Whether the close is complete, or the attempt failed.
    pub(super) fn is_closed(&self) -> bool {
        self.teardown.complete.is_some() || self.tracking.phase == Phase::Failed
    }

    /// Whether nothing but SYNs of the client has been seen.
    pub(super) fn is_unanswered(&self) -> bool {
        self.tracking.phase == Phase::SynSent && !self.server.spoke() && self.unreachable.is_none()
    }

    /// Whether what it waited for, an answer or the third step, did not come in time.
    pub(super) fn is_given_up(&self) -> bool {
        self.tracking.deadline_passed
            && matches!(self.tracking.phase, Phase::SynSent | Phase::SynReceived | Phase::Crossed)
    }

    fn closing_began(&self) -> Option<Side> {
        if !self.was_open() {
            return None;
        }
        self.teardown.first_fin.or(self.teardown.reset.map(|r| r.by))
    }

    /// When silence ends it.
    fn flush_at(&self, t: &Timeouts) -> Timestamp {
        let silence = match self.tracking.phase {
            _ if self.is_closed() => t.linger,
            Phase::SynSent | Phase::SynReceived | Phase::Crossed => t.flush,
            Phase::Open
                if self.opening == Some(Opening::Midstream) && !(self.client.spoke() && self.server.spoke()) =>
            {
                t.one_way.min(t.idle)
            }
            Phase::Open | Phase::Failed => t.idle,
        };
        self.tracking.seen_at.after(silence)
    }

    /// The next moment at which silence changes something or is worth a look, in the packet clock.
    pub(super) fn deadline(&self, t: &Timeouts) -> Timestamp {
        self.verdict_deadline(t).min(self.tracking.quiet_at)
    }

    fn verdict_deadline(&self, t: &Timeouts) -> Timestamp {
        let flush = self.flush_at(t);
        let verdict = match self.tracking.phase {
            _ if self.tracking.pending.is_some() => self.pending_deadline(t),
            _ if self.tracking.deadline_passed && self.opening.is_some() => return flush,
            Phase::SynSent | Phase::Crossed => {
                self.tracking.tried_at.after(t.syn.max(self.handshake.last_syn_gap().saturating_mul(11) / 5))
            }
            Phase::SynReceived => {
                // A client whose SYN-ACK was lost asks again, and the server with it.
                let gap = self.handshake.last_synack_gap().max(self.handshake.last_syn_gap());
                self.tracking.tried_at.after((t.half_open + LATE).max(gap.saturating_mul(11) / 5))
            }
            Phase::Open | Phase::Failed => return flush,
        };
        verdict.min(flush)
    }

    fn reach_if_undecided(&mut self, opening: Opening, time: Timestamp) {
        if self.opening.is_none() {
            self.reach(opening, time);
        }
    }

    /// Observation of it is over: settles what only the end can settle.
    fn conclude(&mut self, time: Timestamp, t: &Timeouts) {
        self.confirm_fin();
        if let Some(reset) = self.tracking.doubtful_reset.take()
            && self.teardown.reset.is_none()
            && !self.both_fins()
        {
            self.accept_reset(reset);
        }
        if self.opening.is_none() && self.tracking.phase == Phase::SynReceived && self.client.isn.is_none() {
            self.reach(Opening::SynAckOnly, time);
        }
        // The client declined a SYN-ACK that it cannot have asked for, and no other came.
        if self.opening.is_none() && self.has_declined() {
            self.reach(Opening::ResetAfterSynAck, time);
        }
        if self.client.presumed() == State::TimeWait || self.server.presumed() == State::TimeWait {
            let ends = self.last_time.after(t.time_wait);
            (self.teardown.time_wait_ends, self.teardown.time_wait_over) = (Some(ends), time >= ends);
        }
    }
}

impl Facts {
    /// What a receiver drops (RFC 9293 section 3.10.7).
    const DROPPED: Self = Self(Self::UNACCEPTABLE.0 | Self::SYNACK_WRONG_ACK.0 | Self::FINAL_ACK_WRONG.0);

    /// Facts after which a deadline may come earlier than before.
    const MAY_HASTEN: Self = Self(
        Self::SYN_ACK.0
            | Self::RST.0
            | Self::ACK_OF_FIN.0
            | Self::FIN.0
            | Self::SYN_ON_ESTABLISHED.0
            | Self::SYN_CROSSED.0
            | Self::INVALID_FLAGS.0
            | Self::AFTER_CLOSE.0
            | Self::UNANSWERED.0,
    );
}
