//! What is remembered of ended flows, so that old duplicates and early re-use of a four-tuple can be told (findings B.6).

use std::collections::VecDeque;

use hashbrown::HashTable;

use super::model::{Flow, Previous};
use super::tracker::{is_final, previous_of};
use super::tuple::FlowKey;
use super::verdict::Opening;
use crate::tcp::{Segment, SeqNumber};
use crate::time::Timestamp;

/// An ended flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tomb {
    key: FlowKey,
    hash: u64,
    previous: Previous,
    client_is_low: bool,
    forgotten_at: Timestamp,
}

impl Tomb {
    /// Whether nothing of the connection can still be alive.
    pub(super) fn is_closed(&self) -> bool {
        is_final(self.previous.closing)
            || matches!(
                self.previous.opening,
                Opening::Refused | Opening::Aborted | Opening::ResetAfterSynAck | Opening::Unreachable
            )
    }

    /// Whether `s`, which is no bare SYN, is a late segment of it.
    pub(super) fn owns(&self, s: &Segment) -> bool {
        self.is_closed() && (!s.flags.is_syn_ack() || self.previous.server_isn == Some(s.seq))
    }

    /// What the next incarnation is to know, where `client_is_low` tells who its client is.
    pub(super) fn previous(&self, client_is_low: bool) -> Previous {
        Previous { same_client: client_is_low == self.client_is_low, ..self.previous }
    }
}

/// Ended flows by four-tuple: the newest of each, at most so many.
#[derive(Debug)]
pub(super) struct Tombs {
    index: HashTable<u64>,
    /// Ring of tombs; `base` is the serial number of the first.
    ring: VecDeque<Tomb>,
    base: u64,
    limit: usize,
}

impl Tombs {
    pub(super) fn new(limit: usize) -> Self {
        Self { index: HashTable::new(), ring: VecDeque::new(), base: 0, limit }
    }

    /// Asks the processor for what [`Self::recall`] reads first. Changes nothing.
    pub(super) fn foresee(&self, hash: u64) {
        core::hint::black_box(self.index.find(hash, |_| true));
    }

    /// The last flow with this key and its hash, if it ended not too long before `now`.
    pub(super) fn recall(&self, key: &FlowKey, hash: u64, now: Timestamp) -> Option<Tomb> {
        if self.index.is_empty() {
            return None;
        }
        let serial = self.index.find(hash, |serial| self.at(*serial).is_some_and(|t| t.key == *key))?;
        self.at(*serial).filter(|tomb| tomb.forgotten_at >= now).copied()
    }

    /// Remembers `flow`, whose key has this hash, until `keep` nanoseconds after `now`.
    pub(super) fn bury(&mut self, flow: &Flow, hash: u64, now: Timestamp, keep: i64) {
        if self.limit == 0 {
            return;
        }
        while self.ring.front().is_some_and(|t| self.ring.len() >= self.limit || t.forgotten_at < now) {
            self.forget_oldest();
        }
        let (key, client_is_low) = FlowKey::between(flow.client.endpoint, flow.server.endpoint);
        let tomb = Tomb { key, hash, previous: previous_of(flow), client_is_low, forgotten_at: now.after(keep) };
        let serial = self.base + self.ring.len() as u64;
        let (base, ring) = (self.base, &self.ring);
        let same = |s: &u64| ring.get((*s - base) as usize).is_some_and(|t| t.key == key);
        if let Some(older) = self.index.find_mut(hash, same) {
            *older = serial;
            self.ring.push_back(tomb);
            return;
        }
        self.ring.push_back(tomb);
        let (base, ring) = (self.base, &self.ring);
        self.index.insert_unique(hash, serial, |s| ring.get((*s - base) as usize).map_or(0, |t| t.hash));
    }

    fn at(&self, serial: u64) -> Option<&Tomb> {
        self.ring.get(serial.checked_sub(self.base)? as usize)
    }

    fn forget_oldest(&mut self) {
        let Some(tomb) = self.ring.front() else { return };
        let (hash, serial) = (tomb.hash, self.base);
        if let Ok(entry) = self.index.find_entry(hash, |s| *s == serial) {
            entry.remove();
        }
        self.ring.pop_front();
        self.base += 1;
    }
}

impl Previous {
    /// Whether `isn` lies above everything its client had sent.
    pub fn isn_rose(&self, isn: SeqNumber) -> Option<bool> {
        self.client_next.map(|next| isn.at_or_after(next))
    }
}
