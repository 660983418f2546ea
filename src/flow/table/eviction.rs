//! Which flow goes when the table is full: SYN-only flows first, then closed ones, then idle ones; open connections
//! last.

use std::collections::VecDeque;

use super::slot::Slot;
use super::table::Table;
use crate::flow::record::verdict::Opening;
use crate::time::Timestamp;

/// How many records are compared to find an idle one.
const SAMPLE: usize = 64;

/// Candidates in order; an entry is stale when its flow is gone or has moved on.
#[derive(Debug, Default)]
pub(in crate::flow) struct Queues {
    unanswered: VecDeque<(Slot, u64)>,
    closed: VecDeque<(Slot, u64)>,
    given_up: VecDeque<(Slot, u64)>,
    hand: usize,
    next_trim: usize,
}

impl Queues {
    /// A flow began.
    pub(in crate::flow) fn began(&mut self, slot: Slot, id: u64) {
        self.unanswered.push_back((slot, id));
    }

    /// A flow closed.
    pub(in crate::flow) fn closed(&mut self, slot: Slot, id: u64) {
        self.closed.push_back((slot, id));
    }

    /// A flow was given up.
    pub(in crate::flow) fn given_up(&mut self, slot: Slot, id: u64) {
        self.given_up.push_back((slot, id));
    }

    /// The oldest closed flow, if more than `limit` linger.
    pub(in crate::flow) fn surplus(&mut self, table: &Table, limit: usize) -> Option<Slot> {
        beyond(limit, &mut self.closed, |entry| is_closed(table, entry))
    }

    /// The same of those that were given up.
    pub(in crate::flow) fn surplus_given_up(&mut self, table: &Table, limit: usize) -> Option<Slot> {
        beyond(limit, &mut self.given_up, |entry| is_given_up(table, entry))
    }

    /// The closed flow that will be reported for want of room after those before it.
    pub(in crate::flow) fn next_surplus(&self) -> Option<Slot> {
        self.closed.front().map(|(slot, _)| *slot)
    }

    /// The same of those that were given up.
    pub(in crate::flow) fn next_given_up(&self) -> Option<Slot> {
        self.given_up.front().map(|(slot, _)| *slot)
    }

    /// Drops stale entries once they outnumber the flows, so that the queues stay as small as the table.
    pub(in crate::flow) fn trim(&mut self, table: &Table) {
        if self.unanswered.len() + self.closed.len() < self.next_trim {
            return;
        }
        self.unanswered.retain(|entry| is_unanswered(table, *entry));
        self.closed.retain(|entry| is_closed(table, *entry));
        self.next_trim = (2 * (self.unanswered.len() + self.closed.len())).max(4096);
    }

    /// The flow to evict, and whether nothing but its SYN was ever seen.
    pub(in crate::flow) fn victim(&mut self, table: &Table) -> Option<(Slot, bool)> {
        while let Some(entry) = self.unanswered.pop_front() {
            if is_unanswered(table, entry) {
                return Some((entry.0, true));
            }
        }
        while let Some(entry) = self.closed.pop_front() {
            if is_closed(table, entry) {
                return Some((entry.0, false));
            }
        }
        self.longest_idle(table).map(|slot| (slot, false))
    }

    /// The least established, then longest idle of the next few records: one hand around the table, like a clock.
    fn longest_idle(&mut self, table: &Table) -> Option<Slot> {
        let mut best: Option<((bool, Timestamp), Slot)> = None;
        let (mut compared, positions) = (0, table.capacity());
        for _ in 0..positions {
            self.hand = if self.hand + 1 >= positions { 0 } else { self.hand + 1 };
            let Some(flow) = table.get(self.hand as Slot) else { continue };
            let rank =
                (flow.opening().opened() || flow.opening() == Opening::Midstream, table.seen_at(self.hand as Slot));
            if best.is_none_or(|(b, _)| rank < b) {
                best = Some((rank, self.hand as Slot));
            }
            compared += 1;
            if compared >= SAMPLE {
                break;
            }
        }
        best.map(|(_, slot)| slot)
    }
}

/// The first of more than `limit` entries that is not stale.
fn beyond(limit: usize, queue: &mut VecDeque<(Slot, u64)>, is_so: impl Fn((Slot, u64)) -> bool) -> Option<Slot> {
    while queue.len() > limit {
        let entry = queue.pop_front()?;
        if is_so(entry) {
            return Some(entry.0);
        }
    }
    None
}

fn is_unanswered(table: &Table, (slot, id): (Slot, u64)) -> bool {
    table.get(slot).is_some_and(|flow| flow.id == id && flow.is_unanswered())
}

fn is_given_up(table: &Table, (slot, id): (Slot, u64)) -> bool {
    table.get(slot).is_some_and(|flow| flow.id == id && flow.is_given_up())
}

fn is_closed(table: &Table, (slot, id): (Slot, u64)) -> bool {
    table.get(slot).is_some_and(|flow| flow.id == id && flow.is_closed())
}
