//! A reset between SYN-ACK and third step that took no effect: the handshake is completed all the same, and the end in
//! whose name it came and its target go on.

use crate::flow::record::evidence::Evidence;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::peer::InFlight;
use crate::flow::record::resets::DefiedReset;
use crate::flow::record::steps::Label;
use crate::flow::record::teardown::Reset;
use crate::flow::record::tracking::{BeforeReset, Phase};
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Event, Flags, Segment, State};
use crate::time::MILLISECOND;

/// A segment this much later than a reset was not merely captured out of order, nanoseconds.
const OUT_OF_ORDER: i64 = 3 * MILLISECOND;
/// TTLs of one host that differ by less may be two ways to it.
const OTHER_TTL: u8 = 2;

impl Flow {
    /// A segment without SYN or RST on an attempt that a reset ended. The reset is undone once both ends have gone on.
    pub(in crate::flow) fn defy_reset(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(reset) = self.teardown.reset.filter(|_| self.reset_before_third_step_only()) else {
            return Facts::empty();
        };
        let seen = self.notes().is_some_and(|notes| notes.defied.is_some());
        let third = from == Side::Client && self.fits_as_third_step(s);
        if !(seen || third) {
            return Facts::empty();
        }
        let beyond = self.acknowledges_more_than_opening(s, from);
        let late = s.time - reset.time > self.reorder_window().max(OUT_OF_ORDER);
        let goes_on = beyond || s.payload > 0 || s.flags.has(Flags::FIN);
        let notes = self.notes.get_or_insert_default();
        let defied =
            notes.defied.get_or_insert_with(|| Box::new(DefiedReset { third: *s, sender: false, target: false }));
        if from == reset.by {
            // What was sent before a reset can be captured behind it.
            defied.sender |= beyond || (late && (from == Side::Client || goes_on));
        } else {
            defied.target |= from == Side::Client || goes_on;
        }
        if defied.sender && defied.target {
            return self.undo_handshake_reset(reset);
        }
        if from == reset.by { Facts::AFTER_OWN_RESET } else { Facts::AFTER_PEER_RESET }
    }

    /// Whether a reset ended the attempt after the SYN-ACK, and nothing else did.
    fn reset_before_third_step_only(&self) -> bool {
        self.tracking.phase == Phase::Failed
            && !self.handshake.synacks.is_empty()
            && matches!(self.opening, Some(Opening::MissingAck | Opening::ResetAfterSynAck))
    }

    /// Whether it acknowledges what the other end can only have sent behind the handshake.
    fn acknowledges_more_than_opening(&self, s: &Segment, from: Side) -> bool {
        let taken = if from == Side::Server { self.handshake.syn_payload_acked } else { 0 };
        let opening = self.peer(from.other()).isn.map(|isn| isn.plus(1).plus(taken));
        s.ack().zip(opening).is_some_and(|(ack, opening)| ack.after(opening))
    }

    /// The handshake was completed by the third step that came behind the reset.
    fn undo_handshake_reset(&mut self, reset: Reset) -> Facts {
        let Some(defied) = self.notes.as_mut().and_then(|notes| notes.defied.take()) else { return Facts::empty() };
        let before = (State::Established, State::SynReceived);
        (self.teardown.reset, self.teardown.complete) = (None, None);
        for side in [Side::Client, Side::Server] {
            let peer = self.peer_mut(side);
            (peer.confirmed, peer.in_flight) = (State::Established, InFlight::default());
        }
        let expected = self.client.isn.map(|isn| isn.plus(1).plus(self.handshake.syn_payload_acked));
        self.open(Opening::Established, &defied.third, expected == Some(defied.third.seq));
        self.opening_time = defied.third.time;
        for side in [Side::Client, Side::Server] {
            if self.peer(side).fin.is_some() {
                self.peer_mut(side).sent(Event::Fin);
                self.peer_mut(side.other()).receives(Event::Fin);
            }
        }
        let now = (self.client.presumed(), self.server.presumed());
        for step in self.steps.iter_mut().filter(|step| step.frame >= reset.frame) {
            (step.client, step.server) = if step.frame < defied.third.frame { before } else { now };
            step.proved = if step.from == Side::Client { step.client } else { step.server };
        }
        self.note_forged_reset(reset);
        Facts::RESET_EVIDENCE
    }

    /// The third step came although the client is said to have given up before the SYN-ACK: from here on that reset is
    /// judged as one of the open connection is, and stands if nothing follows.
    pub(in crate::flow) fn outlive_early_reset(&mut self) {
        let Some(reset) = self.teardown.reset.filter(|reset| reset.by == Side::Client) else { return };
        self.client.confirmed = State::Established;
        self.teardown.complete = None;
        if self.handshake.syns.last().is_some_and(|syn| syn.frame > reset.frame) {
            // It tried again.
            self.teardown.reset = None;
            return;
        }
        for step in self.steps.iter_mut().filter(|step| step.frame >= reset.frame) {
            let client = if step.label == Label::SynAck { State::Established } else { State::SynSent };
            (step.client, step.server) = (client, State::SynReceived);
            step.proved = if step.from == Side::Client { client } else { State::SynReceived };
        }
        if self.client.isn.is_some_and(|isn| reset.seq != isn.plus(1)) {
            // It answered something that the capture lacks (RFC 9293 section 3.10.7.3).
            self.teardown.reset = None;
            return;
        }
        let (client, server) = (State::Established, State::Established);
        self.tracking.before_reset = Some(Box::new(BeforeReset { client, server, complete: None }));
        self.tracking.spoke_after_reset = (false, false);
        self.keep_reset(reset, Evidence::default());
    }

    fn note_forged_reset(&mut self, reset: Reset) {
        let sender = self.peer(reset.by);
        let mut evidence = Evidence::SPOKE_ON;
        evidence.add(Evidence::IGNORED);
        if sender.next.is_some_and(|next| next.after(reset.seq)) {
            evidence.add(Evidence::OVERTAKEN);
        }
        if sender.track.ttl_changes == 0 && sender.ttl.abs_diff(reset.ttl) >= OTHER_TTL {
            evidence.add(Evidence::TTL);
        }
        self.keep_reset(reset, evidence);
    }

    fn keep_reset(&mut self, reset: Reset, evidence: Evidence) {
        let mut resets = self.notes().map(|notes| notes.end(reset.by).resets).unwrap_or_default();
        (resets.first, resets.exact, resets.ttl) = (Some((reset.time, reset.frame, reset.seq)), true, reset.ttl);
        resets.last = (reset.time, reset.seq);
        resets.evidence.add(evidence);
        self.notes.get_or_insert_default().end_mut(reset.by).resets = resets;
    }
}
