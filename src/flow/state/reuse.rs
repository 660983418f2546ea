//! One flow per incarnation of a four-tuple: when does a segment begin the next one?
//!
//! A repeated SYN is not a new flow; a SYN with a new ISN is, unless the connection is open: then it may be forged, or
//! come from a host that lost its memory, and only the answer tells (RFC 5961 section 4; RFC 9293 section 3.5.1).

use crate::flow::config::Timeouts;
use crate::flow::record::flow::Flow;
use crate::flow::record::handshake::{Tries, Try};
use crate::flow::record::tracking::{Before, Pending, Phase};
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Flags, Segment, SeqNumber};
use crate::time::Timestamp;

/// How many repetitions of a pending SYN are kept.
const MAX_REPEATS: usize = 8;

/// What a segment means for the flow that its four-tuple names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Fate {
    /// It belongs to it.
    Belongs,
    /// It begins a new one.
    Begins,
    /// It answers the pending SYN, which thereby began a new one.
    BeginsWithPending,
}

impl Flow {
    /// What `s` means for this flow.
    pub(in crate::flow) fn fate_of(&self, s: &Segment) -> Fate {
        let from = self.side_of(s.source);
        if s.flags.is_syn() {
            return self.fate_of_syn(s, from);
        }
        if s.flags.is_syn_ack() {
            return self.fate_of_synack(s, from);
        }
        if s.flags.is_rst() && self.answers_pending(s) {
            return Fate::BeginsWithPending;
        }
        Fate::Belongs
    }

    fn fate_of_syn(&self, s: &Segment, from: Side) -> Fate {
        let same_isn = self.peer(from).isn == Some(s.seq);
        let begins = match self.tracking.phase {
            _ if self.opening == Some(Opening::Invalid) => true,
            _ if self.is_overtaken_syn(s, from) => false,
            Phase::Open if self.is_closed() => true,
            // Without numbers no SYN is known to be the same.
            Phase::Open if self.quality.zero_numbers => self.client.fin.or(self.server.fin).is_some(),
            // A connection taken up in its middle: a SYN that is not the one it began with is another one's.
            Phase::Open if self.opening == Some(Opening::Midstream) => {
                !(self.client.spoke() && self.server.spoke()) || self.packets() < 3
            }
            Phase::Open => false,
            Phase::Failed => !same_isn,
            Phase::SynSent => from == Side::Client && !same_isn && self.client.isn.is_some(),
            Phase::SynReceived if self.client.isn.is_none() => true,
            Phase::SynReceived => from == Side::Client && !same_isn,
            Phase::Crossed => !same_isn,
        };
        if begins { Fate::Begins } else { Fate::Belongs }
    }

    fn fate_of_synack(&self, s: &Segment, from: Side) -> Fate {
        if self.answers_pending(s) {
            return Fate::BeginsWithPending;
        }
        if self.is_overtaken_synack(s, from) {
            return Fate::Belongs;
        }
        let known = self.peer(from).isn == Some(s.seq);
        let begins = match self.tracking.phase {
            _ if self.opening == Some(Opening::Invalid) => true,
            Phase::Open if self.opening == Some(Opening::Midstream) => true,
            Phase::Open if self.is_closed() => !known,
            Phase::SynReceived if self.client.isn.is_none() => from == Side::Client,
            _ => false,
        };
        if begins { Fate::Begins } else { Fate::Belongs }
    }

    /// The tries before `s` of the connection that begins with it: the pending SYN, if `s` is that again, met this
    /// connection.
    pub(in crate::flow) fn earlier_tries(&self, s: &Segment) -> Tries {
        let is_it = |p: &&Pending| p.segment.seq == s.seq && p.segment.source == s.source && s.flags.is_syn();
        let pending = self.tracking.pending.as_deref().filter(is_it);
        pending.into_iter().flat_map(|p| core::iter::once(&p.segment).chain(&p.repeats)).map(Try::of).collect()
    }

    /// Whether the sender of the pending SYN resets the acknowledgment that answered it: it knows nothing of this
    /// connection.
    pub(in crate::flow) fn resets_answer_to_pending(&self, s: &Segment) -> bool {
        let answered = self.peer(self.side_of(s.source).other()).acked;
        self.tracking.pending.as_ref().is_some_and(|p| p.segment.source == s.source) && answered == Some(s.seq)
    }

    fn answers_pending(&self, s: &Segment) -> bool {
        self.tracking.pending.as_ref().is_some_and(|p| {
            let isn = p.segment.seq;
            s.source == p.segment.destination
                && s.flags.has(Flags::ACK)
                && acknowledges(s.ack_field, isn, p.segment.payload)
        })
    }

    /// Keeps a SYN on the open connection until its meaning is known.
    pub(in crate::flow) fn remember_pending(&mut self, s: &Segment) {
        if let Some(pending) = &mut self.tracking.pending
            && pending.segment.seq == s.seq
            && pending.segment.source == s.source
        {
            pending.last_frame = s.frame;
            if pending.repeats.len() < MAX_REPEATS {
                pending.repeats.push(*s);
            }
            return;
        }
        let last = self.tracking.before_syn.as_deref();
        let before = Before {
            last_time: last.map_or(self.first_time, |last| last.time),
            last_frame: last.map_or(self.first_frame, |last| last.frame),
            steps: self.steps.len(),
            zeek: self.zeek.clone(),
            completeness: self.completeness,
        };
        let at = self.tracking.seen_at;
        let pending = Pending { segment: *s, repeats: Vec::new(), last_frame: s.frame, at, before };
        self.tracking.pending = Some(Box::new(pending));
    }

    /// The pending SYN and its repetitions were not of this flow after all.
    pub(in crate::flow) fn forget_pending(&mut self, pending: &Pending) {
        let count = 1 + pending.repeats.len() as u32;
        let side = self.side_of(pending.segment.source);
        let peer = self.peer_mut(side);
        peer.syn_count = peer.syn_count.saturating_sub(count);
        peer.packets = peer.packets.saturating_sub(u64::from(count));
        self.last_time = pending.before.last_time;
        self.last_frame = pending.before.last_frame;
        self.steps.truncate(pending.before.steps);
        self.zeek = pending.before.zeek.clone();
        self.completeness = pending.before.completeness;
    }

    /// Whether nothing followed the pending SYN.
    pub(in crate::flow) fn pending_is_last(&self) -> bool {
        self.tracking.pending.as_ref().is_some_and(|p| p.last_frame == self.last_frame)
    }

    /// When the pending SYN counts as unanswered, in the packet clock.
    pub(in crate::flow) fn pending_deadline(&self, t: &Timeouts) -> Timestamp {
        self.tracking.pending.as_ref().map_or(Timestamp(i64::MAX), |p| p.at.after(t.syn))
    }
}

fn acknowledges(ack: SeqNumber, isn: SeqNumber, payload: u32) -> bool {
    ack.after(isn) && ack.at_or_before(isn.plus(1).plus(payload))
}
