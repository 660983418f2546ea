//! Flows that end: in time, for want of room, or with the capture.

use super::{Keyed, Tracker};
use crate::flow::observer::{Notice, Observer};
use crate::flow::record::flow::Flow;
use crate::flow::table::slot::Slot;
use crate::time::Timestamp;

impl Tracker {
    /// Observation ends: every flow is reported, in the order in which they began. The end of a capture is not a
    /// timeout.
    pub fn finish(&mut self, observer: &mut impl Observer) {
        self.believe_beyond(observer);
        self.believe_what_passed(observer);
        let mut flows: Vec<(u64, Slot)> = self.table.flows().collect();
        flows.sort_unstable();
        let now = self.clock.now();
        for (_, slot) in flows {
            // A SYN gets a record only now, one beyond the limit at most, and gives it back at once: nobody need go for
            // it.
            let slot = self.expand(slot, None);
            let Some(key) = self.table.get(slot).map(Flow::key) else { continue };
            let keyed = Keyed { key, hash: self.table.hash(&key), sender_is_low: true };
            let Some(mut slot) = self.current(slot, &keyed, now, observer) else { continue };
            if self.table.get(slot).is_some_and(Flow::pending_is_last) {
                slot = self.begin_from_pending(slot, observer);
            }
            self.end(slot, self.clock.latest(), observer);
        }
    }

    /// Ends and reports the flow at `slot`.
    pub(super) fn end(&mut self, slot: Slot, time: Timestamp, observer: &mut impl Observer) {
        self.release(slot, observer);
        if self.table.get(slot).is_some_and(|flow| flow.opening.is_none()) {
            self.look_for_cause(slot);
        }
        let Some(hash) = self.table.hash_at(slot) else { return };
        let Some(flow) = self.table.flushed(slot) else { return };
        flow.conclude(time, &self.timeouts);
        self.table.retire(slot, hash, self.clock.now(), self.timeouts.time_wait);
        if let Some(flow) = self.table.flushed(slot) {
            observer.notice(flow, time, &Notice::Ended);
        }
        self.table.release(slot);
    }

    /// Evicts until there is room for one more flow.
    pub(super) fn make_room(&mut self, observer: &mut impl Observer) {
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
