//! What is remembered of ended flows, so that old duplicates and early re-use of a four-tuple are recognised (RFC 9293
//! section 3.4.2).

use std::collections::VecDeque;

use crate::flow::record::flow::Flow;
use crate::flow::record::previous::Previous;
use crate::flow::record::tuple::FlowKey;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Segment, SeqNumber};
use crate::time::Timestamp;

/// An ended flow.
#[derive(Clone, Debug)]
pub(in crate::flow) struct ClosedFlow {
    key: FlowKey,
    hash: u64,
    previous: Previous,
    client_is_low: bool,
    forgotten_at: Timestamp,
}

impl ClosedFlow {
    /// That of `flow`, whose key has this hash, until `keep` nanoseconds after `now`.
    pub(in crate::flow) fn of(flow: &Flow, hash: u64, now: Timestamp, keep: i64) -> Self {
        let (key, client_is_low) = FlowKey::between(flow.client.endpoint, flow.server.endpoint);
        Self { key, hash, previous: Previous::of(flow, keep), client_is_low, forgotten_at: now.after(keep) }
    }

    /// Whether it is that of a flow with this key.
    pub(in crate::flow) fn is_of(&self, key: &FlowKey) -> bool {
        self.key == *key
    }

    /// Whether it is still remembered at `now`.
    pub(in crate::flow) fn is_remembered(&self, now: Timestamp) -> bool {
        self.forgotten_at >= now
    }

    /// The hash of its key.
    pub(in crate::flow) const fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether nothing of the connection can still be alive.
    pub(in crate::flow) fn is_closed(&self) -> bool {
        self.previous.closing.is_final()
            || matches!(
                self.previous.opening,
                Opening::Refused | Opening::Aborted | Opening::ResetAfterSynAck | Opening::Unreachable
            )
    }

    /// Whether `s`, which is no bare SYN, is a late segment of it.
    pub(in crate::flow) fn owns(&self, s: &Segment) -> bool {
        self.is_closed() && (!s.flags.is_syn_ack() || self.previous.server_isn == Some(s.seq))
    }

    /// What the next incarnation is to know, where `client_is_low` tells who its client is.
    pub(in crate::flow) fn previous(&self, client_is_low: bool) -> Previous {
        let same = client_is_low == self.client_is_low;
        let mut previous = Previous { same_client: same, ..self.previous.clone() };
        if let Some(before) = &mut previous.before {
            before.same_client ^= !same;
        }
        previous
    }
}

/// A limited number of ended flows, in the order in which they ended. A place is a serial number modulo 2^30.
#[derive(Debug)]
pub(in crate::flow) struct ClosedFlows {
    ring: VecDeque<ClosedFlow>,
    /// Serial number of the oldest.
    base: u64,
    limit: usize,
}

impl ClosedFlows {
    const PLACES: u64 = 1 << 30;

    pub(in crate::flow) const fn new(limit: usize) -> Self {
        Self { ring: VecDeque::new(), base: 0, limit }
    }

    /// Whether any is kept.
    pub(in crate::flow) const fn are_kept(&self) -> bool {
        self.limit > 0
    }

    /// Keeps one; its place.
    pub(in crate::flow) fn push(&mut self, closed_flow: ClosedFlow) -> u32 {
        self.ring.push_back(closed_flow);
        ((self.base + self.ring.len() as u64 - 1) % Self::PLACES) as u32
    }

    /// The one at `place`.
    pub(in crate::flow) fn get(&self, place: u32) -> Option<&ClosedFlow> {
        self.ring.get((u64::from(place).wrapping_sub(self.base) % Self::PLACES) as usize)
    }

    /// Takes the oldest out, if there is no room for one more or it need not be remembered at `now`; its place and
    /// hash.
    pub(in crate::flow) fn forget(&mut self, now: Timestamp) -> Option<(u32, u64)> {
        let oldest =
            self.ring.front().filter(|closed_flow| self.ring.len() >= self.limit || closed_flow.forgotten_at < now)?;
        let (place, hash) = ((self.base % Self::PLACES) as u32, oldest.hash);
        self.ring.pop_front();
        self.base += 1;
        Some((place, hash))
    }

    /// The oldest's hash.
    pub(in crate::flow) fn next_hash(&self) -> Option<u64> {
        self.ring.front().map(|closed_flow| closed_flow.hash)
    }
}

impl Previous {
    /// What a closed connection leaves behind; it counts as in TIME-WAIT for `time_wait` nanoseconds.
    pub(in crate::flow) fn of(flow: &Flow, time_wait: i64) -> Self {
        Self {
            before: if flow.was_open() { None } else { flow.previous().and_then(Previous::closed).map(Box::new) },
            time_wait,
            id: flow.id,
            last_time: flow.last_time,
            opening: flow.opening(),
            closing: flow.closing(),
            client_next: flow.client.next,
            server_next: flow.server.next,
            client_isn: flow.client.isn,
            server_isn: flow.server.isn,
            closed_by: flow.closed_by(),
            same_client: true,
        }
    }

    /// Whether `isn` lies above everything its client had sent.
    pub fn isn_rose(&self, isn: SeqNumber) -> Option<bool> {
        self.client_next.map(|next| isn.at_or_after(next))
    }
}
