//! Segments in, flows out: which flow a segment belongs to, what it changes, and which flows time out.

mod begin;
mod end;
mod icmp;
mod join;
mod keyer;
mod leap;
mod notify;
mod take;
mod timeouts;

use crate::flow::clock::{Leaps, PacketClock};
use crate::flow::config::{Limits, Timeouts};
use crate::flow::observer::Observer;
use crate::flow::record::handshake::Tries;
use crate::flow::record::rewriting::{Held, Rewriting};
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::FlowKey;
use crate::flow::record::verdict::Opening;
use crate::flow::state::announced::Announced;
use crate::flow::state::duplicates::{Print, Seal};
use crate::flow::state::evidence::SILENCE;
use crate::flow::state::leaps::Beyond;
use crate::flow::state::reuse::Fate;
use crate::flow::state::twins::{self};
use crate::flow::table::descriptor::Descriptor;
use crate::flow::table::slot::Slot;
use crate::flow::table::syn_record::{Syn, SynRecord};
use crate::flow::table::table::Table;
use crate::flow::table::timer_wheel::Wheel;
use crate::tcp::{Checksum, Segment};
use crate::time::Timestamp;
use crate::tls::TlsOpening;
pub use keyer::Keyer;
use notify::announce;

/// A segment's key, once computed.
#[derive(Clone, Copy, Debug)]
struct Keyed {
    key: FlowKey,
    hash: u64,
    sender_is_low: bool,
}

/// The lower half of a flow's number: with its slot, and the tick it is filed under, enough to tell a stale entry of
/// the wheel.
type Tag = u32;

const fn tag_of(id: u64) -> Tag {
    id as Tag
}

/// The tracker.
#[derive(Debug)]
pub struct Tracker {
    timeouts: Timeouts,
    limits: Limits,
    table: Table,
    wheel: Wheel<(Slot, Tag)>,
    sources: crate::flow::record::checksum_trust::ChecksumTrust,
    announced: Announced,
    recent: twins::RecentSyns,
    stamps: crate::flow::state::stamps::Stamps,
    probations: crate::flow::state::admission::Probations,
    eviction: crate::flow::table::eviction::Queues,
    clock: PacketClock,
    /// A time far ahead at which something passed that was no TCP, and the clock then.
    passed: Option<(Timestamp, Timestamp)>,
    /// What came behind a leap of the time stamps that nothing has explained.
    beyond: Option<Box<Beyond>>,
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
            sources: crate::flow::record::checksum_trust::ChecksumTrust::default(),
            announced: Announced::default(),
            recent: twins::RecentSyns::default(),
            stamps: crate::flow::state::stamps::Stamps::default(),
            probations: crate::flow::state::admission::Probations::default(),
            eviction: crate::flow::table::eviction::Queues::default(),
            clock: PacketClock::default(),
            passed: None,
            beyond: None,
            next_id: 1,
            counters: Counters::default(),
            short_cut,
            short_cut_now: false,
            repeats: crate::flow::state::repeats::Repeats::default(),
            zeek_checksums: false,
        }
    }

    /// Whether Zeek's words leave out every segment whose checksum is wrong or unfinished, as Zeek does without its
    /// option `-C`; otherwise only where the sender has shown that its checksums can be trusted.
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

    /// It will be taken sooner, just after `before`: where its flow probably is is looked up, and the beginning of that
    /// asked for.
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

    /// Takes a segment if it is ordinary, and was prefetched; whether it was. Nothing is reported of it. `key` gives
    /// its key, where the descriptor has none.
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

    /// Takes `syn` if it begins a flow without any history; whether it did. It is not reported.
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
        let beyond = match self.clock.leap_to(s.time) {
            Some(ahead) => self.look_at_leap(s, descriptor, ahead, observer),
            None => {
                if self.beyond.is_some() {
                    self.forget_beyond();
                }
                None
            }
        };
        if beyond.is_none() {
            self.advance(s.time, observer);
        }
        let now = beyond.unwrap_or(self.clock.now());
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

    /// `opening` became known of the TLS handshake of the connection of `s`, which was taken last.
    #[cold]
    pub fn take_tls(&mut self, s: &Segment, descriptor: &Descriptor, opening: &TlsOpening) {
        let (key, _) = descriptor.key_of(s);
        let flow = self.table.find(&key, descriptor.hash).and_then(|slot| self.table.flushed(slot));
        if let Some(flow) = flow {
            flow.take_tls(opening);
        }
    }

    /// A flow that began far ahead of the clock waits from then on: the next packet may confirm that time has come
    /// there.
    #[cold]
    fn set_forward(&mut self, keyed: &Keyed, frame: u64, ahead: Timestamp) {
        let Some(slot) = self.table.find(&keyed.key, keyed.hash) else { return };
        if let Some(flow) = self.table.flushed(slot)
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
            None => {
                let small = self.short_cut && tries.is_empty() && self.beyond.is_none();
                let Some(slot) = self.begin(s, keyed, now, small, observer) else { return };
                (slot, true)
            }
        };
        if !tries.is_empty()
            && let Some(flow) = self.table.flushed(slot)
        {
            flow.handshake.syns = tries;
        }
        self.take_printed(slot, s, print, now, first, observer);
        if first || !is_recorded {
            self.enlist(slot);
        }
    }

    /// Another attempt takes the place of the flow at `slot`: where its SYN had an answer that does not fit, no other
    /// will come.
    fn supersede(&mut self, slot: Slot, time: Timestamp, observer: &mut impl Observer) {
        if let Some(flow) = self.table.flushed(slot)
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
        fast_path.flush(flow);
        let unified = flow.unified(s);
        if unified.is_some() || flow.rewriting().is_some_and(Rewriting::is_known) {
            return unified;
        }
        if flow.learn_rewriting(s, fast_path, &self.seal) { flow.unified(s) } else { None }
    }

    /// `s` explains what was held back of the flow at `slot`, or does not.
    #[cold]
    fn explain_held(&mut self, slot: Slot, s: &Segment, observer: &mut impl Observer) {
        let Some(flow) = self.table.flushed(slot) else { return };
        let Some(held) = flow.tracking.held.take() else { return };
        let explained = flow.learn_from_held(&held.segment, s);
        self.take(slot, explained.as_ref().unwrap_or(&held.segment), held.at, false, observer);
    }

    /// Holds `s` back if the next segment of its flow, at `slot`, may show that its numbers were rewritten; whether it
    /// did.
    fn hold(&mut self, slot: Slot, s: &Segment, now: Timestamp) -> bool {
        if !s.flags.is_syn_ack() {
            return false;
        }
        let Some(flow) = self.table.flushed(slot).filter(|flow| flow.may_be_rewritten(s)) else { return false };
        flow.tracking.held = Some(Box::new(Held { segment: *s, at: now }));
        true
    }

    /// What was held back of the flow at `slot` is what it seemed to be; whether anything was.
    fn release(&mut self, slot: Slot, observer: &mut impl Observer) -> bool {
        let Some(held) = self.table.flushed(slot).and_then(|flow| flow.tracking.held.take()) else { return false };
        self.take(slot, &held.segment, held.at, false, observer);
        true
    }
}
