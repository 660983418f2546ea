//! What silence means for a flow: deadlines, and what only the end decides.

use crate::flow::config::Timeouts;
use crate::flow::record::flow::Flow;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::State;
use crate::time::{SECOND, Timestamp};

/// How late a client's timer may repeat the SYN beyond the deadline of the SYN-ACK: many ask again after just 3 s.
/// Nanoseconds.
const LATE: i64 = SECOND / 10;

/// A timer that repeats a SYN-ACK waits at least this long (RFC 6298: 1 s), nanoseconds. Closer ones are copies.
const SYNACK_REPEATED: i64 = 8 * SECOND / 10;

/// So many SYN-ACKs of a server that waits decide without a deadline.
const ASKED_IN_VAIN: usize = 3;

impl Flow {
    /// Whether an opening verdict has been reached, and is not reported yet.
    pub(crate) const fn opening_is_new(&self) -> bool {
        self.opening.is_some() && !self.tracking.announced
    }

    /// Whether the close is complete, or the attempt failed.
    pub(in crate::flow) fn is_closed(&self) -> bool {
        self.teardown.complete.is_some() || self.tracking.phase == Phase::Failed
    }

    /// Whether nothing but SYNs of the client has been seen.
    pub(in crate::flow) fn is_unanswered(&self) -> bool {
        self.tracking.phase == Phase::SynSent && !self.server.spoke() && self.unreachable.is_none()
    }

    /// Whether what it waited for, an answer or the third step, did not come in time.
    pub(in crate::flow) fn is_given_up(&self) -> bool {
        self.tracking.deadline_passed
            && matches!(self.tracking.phase, Phase::SynSent | Phase::SynReceived | Phase::Crossed)
    }

    pub(in crate::flow) fn closing_began(&self) -> Option<Side> {
        if !self.was_open() {
            return None;
        }
        self.teardown.first_fin.or(self.teardown.reset.map(|r| r.by))
    }

    /// When silence ends it.
    pub(in crate::flow) fn flush_at(&self, t: &Timeouts) -> Timestamp {
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
    pub(in crate::flow) fn deadline(&self, t: &Timeouts) -> Timestamp {
        self.verdict_deadline(t).min(self.tracking.quiet_at)
    }

    pub(in crate::flow) fn verdict_deadline(&self, t: &Timeouts) -> Timestamp {
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

    /// Whether the server repeated its SYN-ACK later than a copy comes (RFC 6298: after a second).
    pub(crate) fn is_awaited(&self) -> bool {
        match self.handshake.synacks.as_slice() {
            [first, .., last] => last.time - first.time >= SYNACK_REPEATED,
            _ => false,
        }
    }

    pub(in crate::flow) fn reach_if_undecided(&mut self, opening: Opening, time: Timestamp) {
        if self.opening.is_none() {
            self.reach(opening, time);
        }
    }

    /// Observation of it is over: decides what only the end can decide.
    pub(in crate::flow) fn conclude(&mut self, time: Timestamp, t: &Timeouts) {
        self.rule_on_last_fin();
        if self.tracking.phase == Phase::SynReceived && self.tracking.doubtful_reset.is_some() {
            self.believe_doubtful_reset();
            self.reach(Opening::MissingAck, time);
        }
        if let Some(reset) = self.tracking.doubtful_reset.take()
            && self.teardown.reset.is_none()
            && !self.both_fins()
        {
            self.accept_reset(*reset);
        }
        if self.opening.is_none() && self.tracking.phase == Phase::SynReceived && self.client.isn.is_none() {
            self.reach(Opening::SynAckOnly, time);
        }
        // The server asked again and again as one that waits does: the third step is missing, whenever the capture
        // ends.
        let awaited = self.is_awaited() && self.handshake.synacks.len() >= ASKED_IN_VAIN;
        if self.opening.is_none() && self.tracking.phase == Phase::SynReceived && awaited {
            self.reach(Opening::MissingAck, time);
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
