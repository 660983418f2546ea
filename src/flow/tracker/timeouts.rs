//! The clock: which deadlines have passed, and what follows from that.

use super::notify::announce;
use super::{Keyed, Tag, Tracker, tag_of};
use crate::flow::clock::PAUSE;
use crate::flow::config::Timeouts;
use crate::flow::observer::{Notice, Observer};
use crate::flow::record::flow::Flow;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tracking::Tick;
use crate::flow::record::verdict::Opening;
use crate::flow::table::slot::Slot;
use crate::flow::table::timer_wheel::Wheel;
use crate::time::Timestamp;

/// How many deadlines ahead of its own a flow is asked for.
const DEADLINES_AHEAD: usize = 4;

impl Tracker {
    /// Packet time moves on to `time`; timeouts up to then are reported.
    #[inline]
    pub fn advance(&mut self, time: Timestamp, observer: &mut impl Observer) {
        if !self.clock.moves_on(time) || self.wheel.is_due(time) {
            self.advance_further(time, observer);
        }
    }

    pub(super) fn advance_further(&mut self, time: Timestamp, observer: &mut impl Observer) {
        let (before, was) = (self.clock.now(), self.clock.latest());
        let now = self.clock.advance(time);
        if now - before >= PAUSE && before != Timestamp::default() {
            observer.paused(was, self.clock.latest());
        }
        self.look(now, observer);
    }

    /// Packet time moves on to `time` by what is no TCP. That does not set the clock back, for a second copy of the
    /// capture may begin with it; and where it leaps ahead, the next segment tells whether time has passed.
    pub fn pass(&mut self, time: Timestamp, observer: &mut impl Observer) {
        if self.clock.is_leap(time) {
            self.passed = Some((time, self.clock.now()));
        } else {
            self.advance(time.max(self.now()), observer);
        }
    }

    /// No segment is to come: a leap ahead by what is no TCP was time that passed, unless segments came behind it that
    /// know nothing of it.
    pub(super) fn believe_what_passed(&mut self, observer: &mut impl Observer) {
        if let Some((time, then)) = self.passed.take()
            && then == self.clock.now()
            && self.clock.is_leap(time)
        {
            self.advance(time, observer);
        }
    }

    /// As [`Self::advance`], where whoever captures says that nothing has come until then.
    pub fn idle(&mut self, time: Timestamp, observer: &mut impl Observer) {
        let now = self.clock.advance(time);
        self.look(now, observer);
    }

    pub(super) fn look(&mut self, now: Timestamp, observer: &mut impl Observer) {
        self.wheel.start(now);
        if self.wheel.is_due(now) {
            self.fire(now, observer);
        }
    }

    /// The flow of the key at `slot`, after acting on the deadlines that have passed at `now`.
    pub(super) fn current(
        &mut self,
        slot: Slot,
        keyed: &Keyed,
        now: Timestamp,
        observer: &mut impl Observer,
    ) -> Option<Slot> {
        let mut slot = slot;
        loop {
            let deadline = self.table.flushed(slot)?.deadline(&self.timeouts);
            if now <= deadline {
                return Some(slot);
            }
            self.on_deadline(slot, deadline, observer);
            slot = self.table.find(&keyed.key, keyed.hash)?;
        }
    }

    /// Acts on the deadline of a flow; whether that ended it.
    pub(super) fn on_deadline(&mut self, slot: Slot, deadline: Timestamp, observer: &mut impl Observer) -> bool {
        if self.release(slot, observer) {
            return false;
        }
        let linger_over = |flow: &Flow, t: &Timeouts| deadline >= flow.flush_at(t);
        let Some(flow) = self.table.flushed(slot) else { return true };
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
        let Some(flow) = self.table.flushed(slot) else { return true };
        match flow.tracking.phase {
            Phase::SynSent if flow.has_declined() => flow.reach_if_undecided(Opening::ResetAfterSynAck, time),
            Phase::SynSent | Phase::Crossed => flow.reach_if_undecided(Opening::Unanswered, time),
            Phase::SynReceived if flow.client.isn.is_none() => flow.reach_if_undecided(Opening::SynAckOnly, time),
            Phase::SynReceived => {
                flow.believe_doubtful_reset();
                flow.reach(Opening::MissingAck, time);
            }
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
    pub(super) fn fire(&mut self, now: Timestamp, observer: &mut impl Observer) {
        let current = self.wheel.tick_of(now);
        while let Some(tick) = self.next_small_deadline().filter(|tick| *tick <= current) {
            self.fire_wheel(tick, now, observer);
            self.fire_small(tick, observer);
        }
        self.fire_wheel(current, now, observer);
    }

    /// Acts on the deadlines in the wheel, up to those of `last`.
    pub(super) fn fire_wheel(&mut self, last: Tick, now: Timestamp, observer: &mut impl Observer) {
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
                let Some(flow) = self.table.flushed(slot) else { continue };
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

    /// The tick of the next deadline of a flow that is nothing but a SYN. These came in order, and wait equally long:
    /// they need no place in the wheel.
    pub(super) fn next_small_deadline(&self) -> Option<Tick> {
        let wait = self.timeouts.syn.min(self.timeouts.flush);
        self.table.oldest_syn_record().map(|(_, began)| self.wheel.due_at(began.after(wait)))
    }

    /// Makes records for flows that are nothing but a SYN, and whose deadline is one of `tick`: the wheel has them from
    /// now on.
    pub(super) fn fire_small(&mut self, tick: Tick, observer: &mut impl Observer) {
        while let Some((slot, _)) = self.table.oldest_syn_record()
            && self.next_small_deadline().is_some_and(|next| next <= tick)
        {
            let slot = self.whole(slot, None, observer);
            self.enlist(slot);
        }
    }

    /// The deadline of `entry`, filed under `tick`, comes soon: what tells whether it is stale is asked for, and the
    /// second time, if it is not, the rest.
    pub(super) fn prefetch_deadline(&self, entry: Option<&(Slot, Tag)>, tick: Tick, again: bool) {
        let Some((slot, tag)) = entry.copied() else { return };
        if !again {
            self.table.prefetch_start(slot);
        } else if self.table.get(slot).is_some_and(|flow| tag_of(flow.id) == tag && flow.tracking.tick == tick) {
            self.table.prefetch_record(slot);
        }
    }

    /// Files the flow's deadline, if it has no earlier entry.
    pub(super) fn schedule(&mut self, slot: Slot, fired: bool) {
        let Some(flow) = self.table.get(slot) else { return };
        let (deadline, id) = (flow.deadline(&self.timeouts), flow.id);
        if !fired && flow.tracking.tick <= self.wheel.tick_for(deadline) {
            return;
        }
        let tick = self.wheel.file(deadline, (slot, tag_of(id)));
        if let Some(flow) = self.table.flushed(slot) {
            flow.tracking.tick = tick;
        }
    }
}
