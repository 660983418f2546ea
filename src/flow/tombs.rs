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

/// Where a tomb is: the low half of its serial number, and of its hash the half that spares most visits to wrong ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    serial: u32,
    hash: u32,
}

impl Entry {
    const fn new(serial: u64, hash: u64) -> Self {
        Self { serial: serial as u32, hash: (hash >> 16) as u32 }
    }

    const fn may_have(self, hash: u64) -> bool {
        self.hash == (hash >> 16) as u32
    }
}

/// Ended flows by four-tuple: the newest of each, at most so many.
#[derive(Debug)]
pub(super) struct Tombs {
    index: HashTable<Entry>,
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
        let is = |entry: &Entry| entry.may_have(hash) && self.at(*entry).is_some_and(|t| t.key == *key);
        let found = self.index.find(hash, is)?;
        self.at(*found).filter(|tomb| tomb.forgotten_at >= now).copied()
    }

    /// Whether a flow with this key, which has this hash, is remembered at all.
    pub(super) fn has(&self, key: &FlowKey, hash: u64) -> bool {
        let is = |entry: &Entry| entry.may_have(hash) && self.at(*entry).is_some_and(|t| t.key == *key);
        !self.index.is_empty() && self.index.find(hash, is).is_some()
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
        let entry = Entry::new(serial, hash);
        let (base, ring) = (self.base as u32, &self.ring);
        let at = |entry: &Entry| ring.get(entry.serial.wrapping_sub(base) as usize);
        let is = |older: &Entry| older.may_have(hash) && at(older).is_some_and(|t| t.key == key);
        if let Some(older) = self.index.find_mut(hash, is) {
            *older = entry;
            self.ring.push_back(tomb);
            return;
        }
        self.ring.push_back(tomb);
        let (base, ring) = (self.base as u32, &self.ring);
        let at = |entry: &Entry| ring.get(entry.serial.wrapping_sub(base) as usize);
        self.index.insert_unique(hash, entry, |entry| at(entry).map_or(0, |t| t.hash));
    }

    fn at(&self, entry: Entry) -> Option<&Tomb> {
        self.ring.get(entry.serial.wrapping_sub(self.base as u32) as usize)
    }

    fn forget_oldest(&mut self) {
        let Some(tomb) = self.ring.front() else { return };
        let (hash, oldest) = (tomb.hash, Entry::new(self.base, tomb.hash));
        if let Ok(entry) = self.index.find_entry(hash, |entry| *entry == oldest) {
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
