//! The end of a flow: FINs, their acknowledgments, resets and what comes after them (RFC 9293 section 3.6).

use smallvec::SmallVec;

use crate::flow::config::IN_FLIGHT;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::notes::UnsentAck;
use crate::flow::record::peer::{InFlight, Peer};
use crate::flow::record::steps::Label;
use crate::flow::record::teardown::Reset;
use crate::flow::record::tracking::{BeforeReset, Phase, Provocation};
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Event, Flags, Segment, SeqNumber, State};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// How soon a challenge ACK follows what provoked it where no round trip is known, nanoseconds.
const CHALLENGE_WITHIN: i64 = SECOND;
/// A FIN is no longer on its way after this where no round trip is known (RFC 6298 section 2.1), nanoseconds.
const UNKNOWN_ROUND_TRIP: i64 = SECOND;
/// The largest window that a header says without a scale, octets.
const LARGEST_UNSCALED: i32 = 65_535;

impl Flow {
    /// Takes FIN and acknowledgment of a segment without SYN or RST on an open flow.
    pub(in crate::flow) fn on_segment_in_connection(&mut self, s: &Segment, from: Side) -> Facts {
        let mut facts = self.challenge(s, from);
        if self.teardown.complete.is_some() {
            facts |= Facts::AFTER_CLOSE;
        }
        facts |= self.after_reset(s, from);
        facts |= self.acknowledgment_of_fin(s, from);
        facts |= self.beyond_fin(s, from);
        if s.flags.has(Flags::FIN) {
            facts |= if self.is_old_fin(s, from) {
                Facts::UNACCEPTABLE
            } else if self.is_doubtful_fin(s, from) {
                self.hold_fin(s)
            } else {
                self.on_fin(s, from)
            };
        }
        facts
    }

    /// Whether it acknowledges octets that nobody has seen: then its receiver drops it, unless it is the capture that
    /// lacks them.
    fn is_doubtful_fin(&self, s: &Segment, from: Side) -> bool {
        let sent = self.peer(from.other()).next;
        let unsent = s.ack().zip(sent).is_some_and(|(ack, sent)| ack.after(sent));
        self.peer(from).fin.is_none() && (unsent || self.is_beyond_window(s, from) || self.acks_too_old(s, from))
    }

    /// Whether its acknowledgment lies so far below what its sender had acknowledged that its receiver may drop it: by
    /// more than the largest window it was offered (RFC 5961 section 5.2).
    fn acks_too_old(&self, s: &Segment, from: Side) -> bool {
        let peer = self.peer(from);
        let (Some(ack), Some(acked), Some(edge)) = (s.ack(), peer.acked, peer.edge) else { return false };
        // The window is that of now: larger ones may have been offered.
        let window = edge.distance(acked).max(LARGEST_UNSCALED);
        self.in_effect().is_some() && ack.before(acked) && acked.distance(ack) / 2 > window
    }

    /// Whether it lies beyond the window of its receiver, and behind octets that nobody has seen, although the capture
    /// lacks nothing else: both ends have sent more than SYNs, and acknowledged only what was seen.
    fn is_beyond_window(&self, s: &Segment, from: Side) -> bool {
        let (own, other) = (self.peer(from), self.peer(from.other()));
        let plain = |peer: &Peer| peer.packets.saturating_sub(u64::from(peer.syn_count + peer.synack_count));
        let beyond = |edge: SeqNumber| s.seq.after(edge) && own.next.is_some_and(|next| next.at_or_before(edge));
        let whole = plain(own) > 1 && plain(other) > 0 && self.in_effect().is_some() && self.missing().is_none();
        whole && other.edge.is_some_and(beyond)
    }

    /// Whether it is a FIN at a number that its receiver does not take: what else it says is none of its sender's.
    pub(in crate::flow) fn is_misplaced_fin(&self, s: &Segment, from: Side) -> bool {
        s.flags.has(Flags::FIN)
            && self.tracking.phase == Phase::Open
            && self.peer(from).fin.is_none()
            && (self.is_beyond_window(s, from) || self.is_old_fin(s, from))
    }

    /// Whether it is a FIN in the midst of what its sender has sent, and its receiver acknowledged, long since: dropped
    /// as old.
    fn is_old_fin(&self, s: &Segment, from: Side) -> bool {
        let end = s.end();
        let (next, acked) = (self.peer(from).next, self.peer(from.other()).acked);
        let below = |number: Option<SeqNumber>| number.is_some_and(|number| end.before(number));
        self.peer(from).fin.is_none() && below(next) && below(acked)
    }

    fn hold_fin(&mut self, s: &Segment) -> Facts {
        self.notes.get_or_insert_default().doubtful_fin.get_or_insert_with(|| Box::new(*s));
        Facts::empty()
    }

    /// What `s` tells about a FIN of doubt. Its sender goes on sending behind it, or acknowledges less: the FIN was
    /// dropped. It is acknowledged, or what it acknowledged turns up: it was taken.
    pub(in crate::flow) fn rule_on_doubtful_fin(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(held) = self.notes().and_then(|notes| notes.doubtful_fin.as_deref()) else { return Facts::empty() };
        let octet = held.seq.plus(held.payload);
        let (by, late) = (self.side_of(held.source), s.time - held.time > self.reorder_window());
        let ack = |than: SeqNumber| s.ack().is_some_and(|ack| ack.before(than));
        // Otherwise it lay beyond the window, and only what its receiver says tells.
        let unsent = self.peer(by.other()).next.is_none_or(|next| held.ack_field.after(next));
        if from == by && !unsent {
            let goes_on = s.payload > 0 && s.payload_start() == octet && !s.flags.has(Flags::FIN);
            if goes_on && self.acks_too_old(held, by) {
                self.drop_held_fin();
            }
            return Facts::empty();
        }
        if from == by {
            if s.payload_start().plus(s.payload).after(octet) && !s.flags.has(Flags::FIN) && ack(held.ack_field) {
                return self.refute_fin(s, by);
            }
            return if s.flags.has(Flags::FIN) && late && !ack(held.ack_field) {
                self.confirm_fin()
            } else {
                Facts::empty()
            };
        }
        let taken = s.ack().is_some_and(|ack| ack.after(octet)) || (unsent && s.end().at_or_after(held.ack_field));
        if taken { self.confirm_fin() } else { Facts::empty() }
    }

    fn refute_fin(&mut self, s: &Segment, by: Side) -> Facts {
        let scale = self.scale_of(by);
        let peer = self.peer_mut(by);
        peer.acked = s.ack();
        peer.edge = s.ack().map(|ack| ack.plus(u32::from(s.window) << scale));
        self.quality.holes = self.quality.holes.saturating_sub(1);
        let Some(held) = self.notes.as_mut().and_then(|notes| notes.doubtful_fin.take()) else { return Facts::empty() };
        self.disown_fin_step(held.frame);
        self.withdraw_holes(by, held.time);
        let (frame, ack, octets) = (held.frame, held.ack_field, held.payload);
        self.tell_unsent(UnsentAck { by, frame, ack, octets, fin: true }, 1)
    }

    /// Nothing more is to come: the FIN of doubt counts, unless it still lies beyond the window.
    pub(in crate::flow) fn rule_on_last_fin(&mut self) {
        let Some(held) = self.notes().and_then(|notes| notes.doubtful_fin.as_deref()) else { return };
        let by = self.side_of(held.source);
        let unsent = self.peer(by.other()).next.is_some_and(|next| held.ack_field.after(next));
        if unsent || !self.peer(by.other()).edge.is_some_and(|edge| held.seq.after(edge)) {
            self.confirm_fin();
            return;
        }
        self.drop_held_fin();
    }

    /// The FIN of doubt was dropped by its receiver.
    fn drop_held_fin(&mut self) {
        let Some(held) = self.notes.as_mut().and_then(|notes| notes.doubtful_fin.take()) else { return };
        self.disown_fin_step(held.frame);
        self.note_unacceptable(self.side_of(held.source), 1);
    }

    /// The FIN in this frame closed nothing.
    fn disown_fin_step(&mut self, frame: u64) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.frame == frame) {
            step.label = Label::Other;
        }
    }

    /// A FIN of the server before its first SYN-ACK: the client, which had not got that, dropped it (RFC 9293 section
    /// 3.10.7.3, fifth).
    pub(in crate::flow) fn disown_early_fin(&mut self) {
        if self.server.fin.take().is_none() {
            return;
        }
        let steps = self.steps.iter().filter(|step| step.label == Label::Fin && step.from == Side::Server);
        let frames: SmallVec<[u64; 2]> = steps.map(|step| step.frame).collect();
        frames.into_iter().for_each(|frame| self.disown_fin_step(frame));
        self.note_unacceptable(Side::Server, self.server.fin_count);
        (self.server.fin_count, self.server.fin_acknowledged) = (0, false);
        self.client.in_flight.remove(Event::Fin);
        if self.server.confirmed != State::Closed {
            self.server.confirmed = State::Listen;
        }
        self.teardown.simultaneous = false;
        self.teardown.first_fin = self.client.fin.map(|_| Side::Client);
    }

    /// The FIN of doubt counts, from where it stood.
    pub(in crate::flow) fn confirm_fin(&mut self) -> Facts {
        let Some(held) = self.notes.as_mut().and_then(|notes| notes.doubtful_fin.take()) else { return Facts::empty() };
        let by = self.side_of(held.source);
        if self.peer(by).next.is_none_or(|next| held.end().after(next)) {
            self.account(&held, by);
        }
        let facts = self.on_fin(&held, by);
        let (client, server) = (self.client.presumed(), self.server.presumed());
        let proved = self.peer(by).confirmed;
        for step in self.steps.iter_mut().filter(|step| step.frame >= held.frame) {
            (step.client, step.server) = (client, server);
            if step.from == by {
                step.proved = proved;
            }
        }
        facts
    }

    /// Whether `s` is a SYN-ACK that closes at once: all there was to say is in it (RFC 9293 section 3.10.7.3 reads its
    /// FIN after its SYN). Its sender must have been asked.
    pub(in crate::flow) fn is_synack_with_fin(&self, s: &Segment, from: Side) -> bool {
        s.flags.has(Flags::SYN | Flags::ACK | Flags::FIN)
            && !s.flags.any(Flags::RST)
            && from == Side::Server
            && matches!(self.tracking.phase, Phase::SynSent | Phase::SynReceived)
            && self.client.isn.is_some()
            && self.acks_some_syn(s)
    }

    /// Takes such a SYN-ACK.
    pub(in crate::flow) fn on_synack_with_fin(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        self.prove(s, from);
        let facts = self.on_synack(s, from, now);
        facts | self.on_fin(s, from)
    }

    fn on_fin(&mut self, s: &Segment, from: Side) -> Facts {
        let octet = s.payload_start().plus(s.payload);
        self.peer_mut(from).fin_count += 1;
        match self.peer(from).fin {
            Some(fin) if fin == octet => return Facts::FIN | Facts::FIN_REPEATED,
            Some(_) => return Facts::FIN | Facts::FIN_MOVED,
            None => {}
        }
        let other = self.peer(from.other());
        let (other_fin, other_acknowledged) = (other.fin, self.tracking.first_fin_acked_alone);
        let covers = other_fin.is_some_and(|fin| s.ack().is_some_and(|ack| ack.after(fin)));
        // The capture may have a FIN behind its acknowledgment.
        let overtaken = other.acked == Some(octet.plus(1));
        if other_fin.is_none() {
            self.teardown.first_fin = Some(from);
        } else if covers || !self.was_under_way(from.other(), s.time) {
            self.teardown.acked_separately = other_acknowledged;
        } else {
            self.teardown.simultaneous = !overtaken;
        }
        let peer = self.peer_mut(from);
        peer.fin = Some(octet);
        peer.fin_time = s.time;
        peer.fin_acked_peer = covers;
        peer.sent(Event::Fin);
        self.peer_mut(from.other()).receives(Event::Fin);
        if overtaken { Facts::FIN | self.fin_is_acknowledged(from, s.time, false) } else { Facts::FIN }
    }

    /// Whether the FIN of `side` may still have been on its way at `time`: not acknowledged, and sent less than a round
    /// trip before.
    fn was_under_way(&self, side: Side, time: Timestamp) -> bool {
        let peer = self.peer(side);
        let round_trip = self.handshake.rtt().map_or(UNKNOWN_ROUND_TRIP, |rtt| rtt.max(MILLISECOND));
        !peer.fin_acknowledged && time - peer.fin_time < round_trip
    }

    fn acknowledgment_of_fin(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(ack) = s.ack() else { return Facts::empty() };
        let Some(fin) = self.peer(from.other()).fin else { return Facts::empty() };
        if !ack.after(fin) {
            return Facts::empty();
        }
        let mut facts = if ack.after(fin.plus(1)) { Facts::ACK_BEYOND_FIN } else { Facts::empty() };
        if !self.peer(from.other()).fin_acknowledged {
            facts |= self.fin_is_acknowledged(from.other(), s.time, !s.flags.has(Flags::FIN));
        }
        facts
    }

    /// The FIN of `side` is acknowledged, `alone` or together with the other end's.
    fn fin_is_acknowledged(&mut self, side: Side, time: Timestamp, alone: bool) -> Facts {
        let peer = self.peer_mut(side);
        peer.fin_acknowledged = true;
        peer.fin_acked_time = time;
        peer.receives(Event::AckOfFin);
        if alone && self.teardown.first_fin == Some(side) {
            self.tracking.first_fin_acked_alone = true;
        }
        if self.both_fins_acknowledged() {
            self.teardown.complete.get_or_insert(time);
        }
        Facts::ACK_OF_FIN
    }

    fn beyond_fin(&mut self, s: &Segment, from: Side) -> Facts {
        if s.payload == 0 {
            return Facts::empty();
        }
        let mut facts = Facts::empty();
        if self.peer(from).fin.is_some_and(|fin| s.payload_start().plus(s.payload).after(fin)) {
            facts |= Facts::DATA_AFTER_FIN;
        }
        if self.peer(from.other()).fin.is_some() && self.peer(from).fin.is_none() {
            if self.teardown.data_after_fin == 0 {
                facts |= Facts::DATA_IN_HALF_CLOSE;
            }
            self.teardown.data_after_fin += u64::from(s.payload);
        }
        facts
    }

    /// A reset, in whatever phase.
    pub(in crate::flow) fn on_rst(&mut self, s: &Segment, from: Side) -> Facts {
        self.peer_mut(from).rst_count += 1;
        let facts = Facts::RST;
        match (self.tracking.phase, from) {
            (Phase::SynSent, Side::Server) => facts | self.refusal(s),
            (Phase::SynSent, Side::Client) if self.resets_wrong_ack(s) => facts | self.reset_of_wrong_ack(),
            (Phase::SynSent | Phase::Crossed, _) => facts | self.fail(Opening::Aborted, s, from),
            (Phase::SynReceived, Side::Client) => facts | self.reset_before_third_step(s),
            // In SYN-RECEIVED it answers an acknowledgment that does not fit, and goes on waiting (RFC 9293 section
            // 3.10.7.4).
            (Phase::SynReceived, Side::Server) if self.resets_wrong_ack(s) => facts,
            (Phase::SynReceived, Side::Server) if self.client.isn.is_none() && !self.client.spoke() => {
                facts | self.fail(Opening::SynAckOnly, s, from)
            }
            // A client that asked again has not got the SYN-ACK: in SYN-SENT the acknowledgment alone counts.
            (Phase::SynReceived, Side::Server) if self.handshake.is_asked_again() && self.acks_some_syn(s) => {
                facts | self.fail(Opening::MissingAck, s, from)
            }
            (Phase::SynReceived, Side::Server) => match self.misses_the_client(s) {
                Some(misplaced) => facts | self.doubt_reset(s, from, misplaced),
                None => facts | self.fail(Opening::MissingAck, s, from),
            },
            (Phase::Failed, Side::Server) if self.opening == Some(Opening::Refused) => {
                // Another try was refused as well.
                self.gone(from);
                facts
            }
            (Phase::Failed, _) => facts,
            (Phase::Open, _) => facts | self.reset_in_connection(s, from),
        }
    }

    /// Whether it answers an acknowledgment that does not fit the SYN, as RFC 9293 section 3.10.7.3 asks: the number is
    /// that of the acknowledgment, and the client goes on waiting.
    fn resets_wrong_ack(&self, s: &Segment) -> bool {
        self.tracking.wrong_ack.is_some_and(|wrong| wrong.ack == s.seq)
    }

    fn reset_of_wrong_ack(&mut self) -> Facts {
        let with_syn = self.tracking.wrong_ack.is_some_and(|wrong| wrong.with_syn);
        if with_syn { Facts::RST_OF_WRONG_SYNACK } else { Facts::RST_OF_OLD_ACK }
    }

    /// Whether the client reset the last SYN-ACK, waits on, and no better one has come.
    pub(in crate::flow) fn has_declined(&self) -> bool {
        self.tracking.phase == Phase::SynSent && self.client.rst_count > 0 && self.handshake.echo_is_wrong()
    }

    /// The client took no notice of the SYN-ACK but for this reset, which the server believes.
    fn forget_synack(&mut self) -> Facts {
        self.tracking.phase = Phase::SynSent;
        self.client.in_flight.remove(Event::SynAck);
        self.server.in_flight = InFlight::default();
        self.server.receives(Event::Rst);
        Facts::RST_OF_WRONG_SYNACK
    }

    /// RST answers the SYN: acceptable when it acknowledges the SYN (RFC 9293 section 3.10.7.3), or has no ACK and
    /// number 0.
    fn refusal(&mut self, s: &Segment) -> Facts {
        let acceptable = self.acks_some_syn(s) || (!s.flags.has(Flags::ACK) && s.seq == SeqNumber(0));
        if acceptable {
            return self.fail(Opening::Refused, s, Side::Server);
        }
        // The client must drop it. But whoever sent it has no connection.
        self.server.in_flight = InFlight::default();
        self.server.sent(Event::Rst);
        Facts::RST_BAD_ACK | Facts::UNACCEPTABLE
    }

    fn reset_before_third_step(&mut self, s: &Segment) -> Facts {
        if self.resets_wrong_ack(s) {
            return self.reset_of_wrong_ack();
        }
        if let Some(misplaced) = self.misses_the_server(s) {
            return misplaced;
        }
        if self.handshake.echo_is_wrong() {
            return self.forget_synack();
        }
        let opening = if self.client.isn.is_some() { Opening::ResetAfterSynAck } else { Opening::SynAckOnly };
        if let Some(refusal) = self.tracking.refusal.take() {
            // The client had believed the refusal: it has nothing left that could be reset.
            let facts = self.fail(Opening::Refused, s, Side::Client);
            self.teardown.reset = Some(*refusal);
            return facts;
        }
        self.client.has_received(Event::SynAck);
        self.fail(opening, s, Side::Client)
    }

    /// What is wrong with the number of a client's reset before the third step; `None` where the server expects it.
    fn misses_the_server(&mut self, s: &Segment) -> Option<Facts> {
        self.client.isn?;
        let low =
            self.handshake.synacks.iter().map(|synack| synack.ack).reduce(|a, b| if b.before(a) { b } else { a })?;
        let high = self.client.next.map_or(low, |next| next.later(low));
        if s.seq.before(low) {
            return Some(Facts::RST_OLD | Facts::UNACCEPTABLE);
        }
        if s.seq.at_or_before(high) {
            return None;
        }
        if self.server.edge.is_none_or(|edge| s.seq.before(edge)) {
            self.provoke(Side::Server, s.time);
            return Some(Facts::RST_INEXACT | Facts::UNACCEPTABLE);
        }
        Some(Facts::RST_BEYOND | Facts::UNACCEPTABLE)
    }

    /// The same of a server's reset behind its SYN-ACK, which the client has got by then: only where it has not does
    /// the acknowledgment of its SYN suffice (RFC 9293 section 3.10.7.3).
    fn misses_the_client(&self, s: &Segment) -> Option<Facts> {
        let low = self.handshake.synacks.iter().map(|synack| synack.seq.plus(1));
        let low = low.reduce(|a, b| if b.before(a) { b } else { a })?;
        let high = self.server.next.map_or(low, |next| next.later(low));
        if s.seq.before(low) {
            Some(Facts::RST_OLD)
        } else if s.seq.at_or_before(high) {
            None
        } else if self.client.edge.is_none_or(|edge| s.seq.before(edge)) {
            Some(Facts::RST_INEXACT)
        } else {
            Some(Facts::RST_BEYOND)
        }
    }

    /// A reset that should take no effect. It did if nothing follows.
    fn doubt_reset(&mut self, s: &Segment, by: Side, misplaced: Facts) -> Facts {
        let reset = self.reset(s, by, false);
        self.tracking.doubtful_reset.get_or_insert_with(|| Box::new(reset));
        if misplaced.intersects(Facts::RST_INEXACT) {
            self.provoke(by.other(), s.time);
        }
        misplaced
    }

    /// Nothing followed a reset of doubt before the third step: it ended the attempt.
    pub(in crate::flow) fn believe_doubtful_reset(&mut self) {
        if let Some(reset) = self.tracking.doubtful_reset.take()
            && self.teardown.reset.is_none()
        {
            self.tracking.phase = Phase::Failed;
            self.gone(reset.by);
            self.teardown.reset = Some(*reset);
            let now = (self.client.presumed(), self.server.presumed());
            for step in self.steps.iter_mut().filter(|step| step.frame >= reset.frame) {
                (step.client, step.server) = now;
                step.proved = State::Closed;
            }
        }
    }

    fn fail(&mut self, opening: Opening, s: &Segment, by: Side) -> Facts {
        self.tracking.phase = Phase::Failed;
        self.gone(by);
        self.teardown.reset = Some(self.reset(s, by, true));
        self.reach(opening, s.time);
        Facts::RST_ACCEPTED
    }

    fn reset_in_connection(&mut self, s: &Segment, from: Side) -> Facts {
        let mut facts = self.classify_reset(s, from);
        facts |= self.check_reset_ack(s, from);
        if self.resets_answer_to_pending(s) {
            facts |= Facts::RST_OF_OLD_ACK;
        }
        if self.teardown.reset.is_some() {
            return if self.answers_without_connection(s, from) { Facts::empty() } else { facts };
        }
        let reset = self.reset(s, from, facts.intersects(Facts::RST_EXACT));
        if !reset.exact {
            self.tracking.doubtful_reset.get_or_insert_with(|| Box::new(reset));
            self.provoke(from.other(), s.time);
            return facts;
        }
        self.accept_reset(reset);
        facts | Facts::RST_ACCEPTED
    }

    /// Whether `s` is the RST of a host that knows nothing of the connection any more, in answer to a segment without
    /// ACK: number 0, and an acknowledgment of that segment (RFC 9293 section 3.10.7.1).
    fn answers_without_connection(&self, s: &Segment, from: Side) -> bool {
        let other = self.peer(from.other());
        let known = |ack: SeqNumber| other.next == Some(ack) || other.fin == Some(ack);
        s.seq == SeqNumber(0) && s.ack().is_some_and(known)
    }

    /// Ends the connection by `reset`.
    pub(in crate::flow) fn accept_reset(&mut self, reset: Reset) {
        let (client, server, complete) = (self.client.confirmed, self.server.confirmed, self.teardown.complete);
        self.tracking.before_reset = Some(Box::new(BeforeReset { client, server, complete }));
        self.teardown.reset_after_both = self.both_fins();
        self.teardown.reset = Some(reset);
        self.teardown.complete.get_or_insert(reset.time);
        self.gone(reset.by);
        self.tracking.spoke_after_reset = (false, false);
    }

    /// `by` sent an effective reset: it has no connection any more, whatever is still on its way to it.
    fn gone(&mut self, by: Side) {
        let peer = self.peer_mut(by);
        peer.sent(Event::Rst);
        peer.in_flight = InFlight::default();
        self.peer_mut(by.other()).receives(Event::Rst);
    }

    fn reset(&self, s: &Segment, by: Side, exact: bool) -> Reset {
        Reset { by, time: s.time, frame: s.frame, seq: s.seq, exact, ttl: s.ttl }
    }

    /// Old, exact-possible, inexact or beyond (RFC 5961 section 3.2). Where the receiver's expectation is unknown,
    /// exact-possible.
    fn classify_reset(&self, s: &Segment, from: Side) -> Facts {
        let Some((low, high)) = self.expected_by(from.other()) else { return Facts::RST_EXACT };
        // A stack in CLOSING or LAST-ACK may answer from before its FIN; Linux accepts one below.
        let low = if self.peer(from).fin.is_some() { low.minus(1) } else { low };
        if s.seq.before(low) {
            Facts::RST_OLD
        } else if s.seq.at_or_before(high) {
            Facts::RST_EXACT
        } else if self.in_effect().is_none() || self.peer(from.other()).edge.is_none_or(|edge| s.seq.before(edge)) {
            Facts::RST_INEXACT
        } else {
            Facts::RST_BEYOND
        }
    }

    /// RFC 5961 section 5: the acknowledgment of a RST must lie within what its receiver can have sent.
    fn check_reset_ack(&self, s: &Segment, from: Side) -> Facts {
        let Some(ack) = s.ack().filter(|ack| ack.0 != 0) else { return Facts::empty() };
        let receiver = self.peer(from.other());
        let Some(next) = receiver.next else { return Facts::empty() };
        let una = self.peer(from).acked.unwrap_or(receiver.base());
        let oldest = una.minus(1 << 17);
        if ack.after(next) || ack.before(oldest) { Facts::RST_BAD_ACK } else { Facts::empty() }
    }

    /// A segment that is no reset, after one. When both ends go on, the reset did not take effect: it is undone.
    fn after_reset(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(reset) = self.teardown.reset else { return Facts::empty() };
        if self.teardown.reset_after_both {
            return Facts::empty();
        }
        let slack = self.handshake.rtt().map_or(IN_FLIGHT, |rtt| rtt.saturating_mul(2).max(IN_FLIGHT));
        let late = s.time - reset.time > slack;
        if from == reset.by {
            self.tracking.spoke_after_reset.0 |= s.time - reset.time > self.reorder_window();
        } else {
            self.tracking.spoke_after_reset.1 |= late;
        }
        if self.tracking.spoke_after_reset == (true, true) {
            self.undo_reset();
        }
        if from == reset.by { Facts::AFTER_OWN_RESET } else { Facts::AFTER_PEER_RESET }
    }

    /// The reset did not take effect: the end in whose name it was sent is back where it was. Only its state had been
    /// touched; of the other end nothing was taken for proved.
    fn undo_reset(&mut self) {
        let (Some(reset), Some(before)) = (self.teardown.reset.take(), self.tracking.before_reset.take()) else {
            return;
        };
        let BeforeReset { client, server, complete } = *before;
        self.teardown.complete = complete;
        let before = if reset.by == Side::Client { client } else { server };
        let other = self.peer_mut(reset.by.other());
        other.in_flight.remove(Event::Rst);
        let other_closed = other.fin.is_some();
        let peer = self.peer_mut(reset.by);
        // What it has proved since stays proved.
        if peer.confirmed == State::Closed {
            peer.confirmed = before;
        }
        // Both may have closed in between.
        if peer.fin.is_some() {
            peer.sent(Event::Fin);
        }
        if other_closed {
            peer.receives(Event::Fin);
        }
    }

    /// Something was sent to `target` that RFC 5961 answers with a challenge ACK.
    pub(in crate::flow) fn provoke(&mut self, target: Side, time: Timestamp) {
        let provocation = Provocation { target, time };
        match &mut self.tracking.provocation {
            Some(before) => **before = provocation,
            none => *none = Some(Box::new(provocation)),
        }
    }

    fn challenge(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(provocation) = self.tracking.provocation.as_deref().copied() else { return Facts::empty() };
        let within = self.handshake.rtt().map_or(CHALLENGE_WITHIN, |rtt| rtt.saturating_mul(2).max(10 * MILLISECOND));
        let pure_ack = s.flags.is_plain_ack() && s.payload == 0;
        let peer = self.peer(from);
        let in_place = peer.next == Some(s.seq) && s.ack().is_some_and(|ack| peer.acked == Some(ack));
        if from != provocation.target || s.time - provocation.time > within || !pure_ack || !in_place {
            return Facts::empty();
        }
        self.tracking.provocation = None;
        Facts::CHALLENGE_ACK
    }
}
