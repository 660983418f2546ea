//! The opening of a flow: SYN, SYN-ACK, the third step, and everything that can come instead (RFC 9293 section 3.5).

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::handshake::{MAX_TRIES, Try};
use crate::flow::record::peer::{InFlight, Offer};
use crate::flow::record::tracking::{Phase, WrongAck};
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Event, Flags, Segment, SeqNumber, State};
use crate::time::{MILLISECOND, Timestamp};

/// A SYN-ACK whose SYN was not seen can stand behind so much of what follows it, octets: more would be another
/// connection's.
const OVERTAKEN_BY: i32 = 1 << 20;
/// No client is farther away than this where its round trip is not known, nanoseconds: the shortest time after which a
/// SYN is repeated (RFC 6298 section 2.1) is longer.
const ROUND_TRIP: i64 = 700 * MILLISECOND;

impl Try {
    pub(in crate::flow) fn of(s: &Segment) -> Self {
        Self {
            time: s.time,
            frame: s.frame,
            seq: s.seq,
            ack: s.ack_field,
            ts_value: s.options.timestamps.map(|t| t.value),
            ts_echo: s.options.timestamps.map(|t| t.echo),
            payload: s.payload,
        }
    }
}

impl Flow {
    /// A SYN without ACK that belongs to this flow.
    pub(in crate::flow) fn on_syn(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        self.peer_mut(from).syn_count += 1;
        let known = self.peer(from).isn;
        match (self.tracking.phase, from) {
            (Phase::Open, _) if self.is_overtaken_syn(s, from) => {
                self.take_overtaken_syn(s);
                Facts::SYN
            }
            (Phase::Open, _) => {
                let mut facts = Facts::SYN_ON_ESTABLISHED;
                if known == Some(s.seq) {
                    facts |= Facts::SYN_REPEATED;
                    self.keep_syn(s, from);
                }
                facts
            }
            (_, Side::Client) => {
                self.tracking.tried_at = now;
                let again = known == Some(s.seq);
                if again {
                    self.repeats_syn(s);
                }
                self.keep_syn(s, from);
                self.role_known = true;
                if !again {
                    self.take_offer(s, from);
                }
                if !again || self.opening == Some(Opening::Refused) {
                    self.client.has_received(Event::Rst);
                    self.client.sent(Event::Syn);
                }
                if matches!(self.tracking.phase, Phase::SynSent | Phase::Failed) {
                    self.server.receives(Event::Syn);
                }
                if again { Facts::SYN_REPEATED } else { Facts::SYN }
            }
            (_, Side::Server) if known == Some(s.seq) => Facts::SYN_REPEATED,
            (_, Side::Server) => {
                self.tracking.tried_at = now;
                self.tracking.phase = Phase::Crossed;
                self.handshake.crossed = true;
                self.take_offer(s, from);
                self.server.sent(Event::Syn);
                self.client.receives(Event::Syn);
                Facts::SYN_CROSSED
            }
        }
    }

    /// The client sends its SYN again: it is still in SYN-SENT, whatever it was sent before.
    fn repeats_syn(&mut self, s: &Segment) {
        if self.tracking.phase == Phase::SynReceived && self.synack_unheard(s.time) {
            self.client.in_flight.remove(Event::SynAck);
        }
        if self.opening == Some(Opening::Aborted) && self.teardown.reset.is_some_and(|reset| reset.by == Side::Client) {
            // That RST was no giving up. It answered something that the capture lacks.
            self.opening = None;
            (self.teardown.reset, self.teardown.complete) = (None, None);
            (self.tracking.phase, self.tracking.deadline_passed) = (Phase::SynSent, false);
            (self.client.confirmed, self.client.in_flight) = (State::SynSent, InFlight::default());
            self.server.in_flight = InFlight::default();
        }
    }

    /// Whether a SYN of the client at `time` came later than a round trip after the first SYN-ACK: the client has not
    /// got that.
    fn synack_unheard(&self, time: Timestamp) -> bool {
        let way = self.handshake.rtt_client().unwrap_or(ROUND_TRIP);
        self.handshake.synacks.first().is_some_and(|first| time - first.time > way)
    }

    /// The first SYN that shows that the SYN-ACKs before it had not reached the client, although they passed here: it
    /// was repeated later than a round trip after the first of them.
    pub fn synack_lost_before(&self) -> Option<&Try> {
        self.handshake.syns.iter().find(|syn| self.synack_unheard(syn.time))
    }

    /// A SYN-ACK that belongs to this flow.
    pub(in crate::flow) fn on_synack(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        self.peer_mut(from).synack_count += 1;
        match (self.tracking.phase, from) {
            (Phase::Open, _) => self.synack_on_open(s, from),
            (Phase::Crossed, _) => self.synack_while_crossed(s, from),
            (_, Side::Client) => Facts::INVALID_FLAGS,
            (_, Side::Server) => self.synack_from_server(s, now),
        }
    }

    fn synack_on_open(&mut self, s: &Segment, from: Side) -> Facts {
        let again = self.peer(from).isn == Some(s.seq);
        let overtaken = self.is_overtaken_synack(s, from);
        self.keep_synack(s);
        if overtaken {
            let peer = self.peer_mut(from);
            peer.isn = Some(s.seq);
            peer.offer = Some(Offer::of(s));
            if self.opening == Some(Opening::Midstream) {
                self.role_known = true;
                self.reach(Opening::SynAckOnly, s.time);
            }
            return Facts::SYN_ACK;
        }
        if again { Facts::SYNACK_ON_ESTABLISHED | Facts::SYNACK_REPEATED } else { Facts::SYNACK_ON_ESTABLISHED }
    }

    /// Whether the connection began with this SYN, although the capture has it behind what answers or follows it.
    pub(in crate::flow) fn is_overtaken_syn(&self, s: &Segment, from: Side) -> bool {
        let end = s.seq.plus(1).plus(s.payload);
        let answered = || self.handshake.synacks.iter().any(|t| t.ack.after(s.seq) && t.ack.at_or_before(end));
        let followed =
            || self.client.spoke() && self.client.first_seq.after(s.seq) && self.client.first_seq.at_or_before(end);
        from == Side::Client && self.client.isn.is_none() && (answered() || followed())
    }

    /// Takes the SYN of a connection that is open already.
    fn take_overtaken_syn(&mut self, s: &Segment) {
        self.keep_syn(s, Side::Client);
        self.role_known = true;
        self.client.isn = Some(s.seq);
        self.client.offer = Some(Offer::of(s));
        if matches!(self.opening, Some(Opening::SynAckOnly | Opening::Midstream)) {
            self.reach(Opening::Established, s.time);
        }
    }

    /// Whether this SYN-ACK opened the connection, although the capture has it behind what answers it: its number is
    /// the one that all else of the server follows, and the client's SYN, where seen, is what it acknowledges.
    pub(in crate::flow) fn is_overtaken_synack(&self, s: &Segment, from: Side) -> bool {
        let first = self.server.next.map(|_| self.server.first_seq);
        let follows = |number: Option<SeqNumber>| number.is_none_or(|number| number.after(s.seq));
        let answers = match self.client.isn {
            Some(_) => self.acks_some_syn(s),
            None => first.or(self.client.acked).is_some_and(|known| known.distance(s.seq) <= OVERTAKEN_BY),
        };
        from == Side::Server && self.server.isn.is_none() && answers && follows(self.client.acked) && follows(first)
    }

    /// Crossing SYNs are answered by SYN-ACKs: by both ends in a simultaneous open, by the client alone in a split
    /// handshake.
    fn synack_while_crossed(&mut self, s: &Segment, from: Side) -> Facts {
        let right = self.peer(from).isn == Some(s.seq) && self.acks_syn_of(s, from.other());
        if !right {
            self.handshake.wrong_synack = true;
            return Facts::SYNACK_WRONG_ACK;
        }
        self.keep_synack(s);
        if from == Side::Server {
            self.handshake.syn_payload_acked = self.client.isn.map_or(0, |isn| s.ack_field.offset_from(isn.plus(1)));
        }
        let peer = self.peer_mut(from);
        let repeated = peer.synack_count > 1;
        peer.has_received(Event::Syn);
        peer.sent(Event::SynAck);
        let other = self.peer_mut(from.other());
        other.receives(Event::AckOfSyn);
        let both = other.synack_count > 0;
        if repeated {
            return Facts::SYNACK_REPEATED;
        }
        if both {
            self.open(Opening::SimultaneousOpen, s, true);
            return Facts::SYN_ACK | Facts::FINAL_ACK;
        }
        Facts::SYN_ACK
    }

    fn synack_from_server(&mut self, s: &Segment, now: Timestamp) -> Facts {
        let late = match self.opening {
            Some(Opening::Unanswered | Opening::Refused | Opening::Aborted | Opening::Unreachable) => {
                Facts::SYNACK_LATE
            }
            _ => Facts::empty(),
        };
        let syn_seen = self.client.isn.is_some();
        if syn_seen && !self.acks_some_syn(s) {
            self.handshake.wrong_synack = true;
            self.tracking.wrong_ack = Some(WrongAck { ack: s.ack_field, with_syn: true });
            return Facts::SYNACK_WRONG_ACK | late;
        }
        if self.opening == Some(Opening::Refused) {
            // The refusal was of an earlier try; or one of the two answers is not the server's.
            let tried = self.handshake.syns.last().map(|syn| syn.time);
            let refusal = self.teardown.reset.take().filter(|reset| tried.is_none_or(|time| time <= reset.time));
            self.tracking.refusal = refusal.map(Box::new);
            self.teardown.complete = None;
        }
        self.tracking.tried_at = now;
        self.keep_synack(s);
        if self.server.isn == Some(s.seq) && self.tracking.phase == Phase::SynReceived {
            return Facts::SYNACK_REPEATED;
        }
        if self.server.isn.is_none() {
            self.disown_early_fin();
        }
        let other_isn = self.server.isn.is_some() && self.tracking.phase == Phase::SynReceived;
        let has_numbers = self.server.next.is_some();
        if has_numbers && self.server.data_count > u32::from(s.payload > 0) && s.seq.after(self.server.first_seq) {
            self.disown_early_data(s);
        }
        self.tracking.phase = Phase::SynReceived;
        self.tracking.deadline_passed = false;
        self.role_known = true;
        if !syn_seen && self.client.next.is_none() {
            // What it acknowledges tells where the client's numbers begin.
            self.client.first_seq = s.ack_field;
        }
        self.take_offer(s, Side::Server);
        self.handshake.syn_payload_acked = self.client.isn.map_or(0, |isn| s.ack_field.offset_from(isn.plus(1)));
        self.server.has_received(Event::Rst);
        self.server.has_received(Event::Syn);
        self.server.sent(Event::SynAck);
        self.client.receives(Event::SynAck);
        if other_isn { Facts::SYN_ACK | Facts::SYNACK_NEW_ISN | late } else { Facts::SYN_ACK | late }
    }

    /// What the server sent before its SYN-ACK, and not behind it in sequence, was of another connection: the client
    /// dropped it.
    fn disown_early_data(&mut self, synack: &Segment) {
        let own = u32::from(synack.payload > 0);
        let count = self.server.data_count.saturating_sub(own);
        (self.server.data_count, self.server.bytes) = (own, u64::from(synack.payload));
        self.note_unacceptable(Side::Server, count);
    }

    /// A segment without SYN or RST while the handshake is under way. `None` when it has nothing to do with the
    /// handshake.
    pub(in crate::flow) fn on_segment_in_handshake(&mut self, s: &Segment, from: Side) -> Facts {
        match (self.tracking.phase, from) {
            (Phase::Open, _) => Facts::empty(),
            (Phase::SynSent, Side::Client) => self.client_before_synack(s),
            (Phase::SynSent, Side::Server) => self.server_before_synack(s),
            (Phase::SynReceived | Phase::Failed, Side::Client) => self.third_step(s),
            (Phase::SynReceived, Side::Server) => self.server_before_third_step(s),
            (Phase::Failed, Side::Server) => self.defy_reset(s, Side::Server),
            (Phase::Crossed, _) => self.after_crossing(s, from),
        }
    }

    fn client_before_synack(&mut self, s: &Segment) -> Facts {
        if s.flags.has(Flags::FIN) {
            self.tracking.phase = Phase::Failed;
            self.reach(Opening::Aborted, s.time);
            return Facts::empty();
        }
        // It acknowledges something: the SYN-ACK had reached it, though not us.
        if s.flags.has(Flags::ACK) && self.client.isn.is_some_and(|isn| s.seq.after(isn)) {
            self.client.confirmed = State::Established;
            self.server.in_flight.remove(Event::Syn);
            self.server.confirmed = State::SynReceived;
            self.server.receives(Event::AckOfSyn);
            self.open(Opening::Established, s, false);
            return Facts::FINAL_ACK;
        }
        if s.payload > 0 { Facts::DATA_BEFORE_ESTABLISHED } else { Facts::empty() }
    }

    fn server_before_synack(&mut self, s: &Segment) -> Facts {
        let acks_syn = self.acks_some_syn(s);
        if acks_syn && (s.payload > 0 || s.flags.has(Flags::FIN)) {
            // In SYN-SENT nothing but a SYN opens. Where its SYN-ACK escaped the capture, the client's next segment
            // tells.
            return Facts::DATA_BEFORE_ESTABLISHED;
        }
        if acks_syn {
            self.handshake.bare_ack_first = true;
        } else if s.flags.has(Flags::ACK) {
            self.tracking.wrong_ack = Some(WrongAck { ack: s.ack_field, with_syn: false });
            // It is of an older connection, and the SYN began none.
            self.server.in_flight.remove(Event::Syn);
        }
        Facts::BARE_ACK_TO_SYN
    }

    fn third_step(&mut self, s: &Segment) -> Facts {
        let (Some(ack), Some(server_next)) = (s.ack(), self.server.next) else { return Facts::empty() };
        // After a reset there is nothing left that an acknowledgment could complete, unless the reset took no effect.
        if self.tracking.phase == Phase::Failed && self.teardown.reset.is_some() {
            return self.defy_reset(s, Side::Client);
        }
        let answered = self.handshake.synacks.iter().rev().find(|try_| ack.after(try_.seq)).map(|t| t.seq);
        let in_range = answered.is_some() && ack.at_or_before(server_next);
        let expected = self.client.isn.map(|isn| isn.plus(1).plus(self.handshake.syn_payload_acked));
        let after_syn = expected.is_none_or(|seq| s.seq.plus(s.payload).at_or_after(seq) || s.seq == seq);
        if !(in_range && after_syn) {
            let right_sequence = expected == Some(s.seq);
            if !right_sequence {
                return Facts::empty();
            }
            self.tracking.wrong_ack = Some(WrongAck { ack, with_syn: false });
            return Facts::FINAL_ACK_WRONG;
        }
        if let Some(isn) = answered {
            self.server.isn = Some(isn);
        }
        let syn_seen = self.client.isn.is_some();
        let validated = syn_seen && expected == Some(s.seq);
        if !self.client.confirmed.is_synchronized() {
            if self.client.confirmed == State::Closed {
                // It had not given up.
                self.client.confirmed = State::SynSent;
            }
            self.client.receives(Event::SynAck);
        }
        self.client.has_received(Event::SynAck);
        self.server.receives(Event::AckOfSyn);
        // A refusal that it took no notice of.
        self.client.in_flight.remove(Event::Rst);
        self.outlive_early_reset();
        let opening = if !syn_seen {
            Opening::SynAckOnly
        } else if self.used_fast_open() {
            Opening::FastOpen
        } else {
            Opening::Established
        };
        self.open(opening, s, validated);
        Facts::FINAL_ACK
    }

    /// Whether `s` could be the third step of the client, whose SYN was seen.
    pub(in crate::flow) fn fits_as_third_step(&self, s: &Segment) -> bool {
        let (Some(ack), Some(next), Some(isn)) = (s.ack(), self.server.next, self.client.isn) else { return false };
        let answered = self.handshake.synacks.iter().any(|synack| ack.after(synack.seq));
        let expected = isn.plus(1).plus(self.handshake.syn_payload_acked);
        answered && ack.at_or_before(next) && s.seq.at_or_after(expected)
    }

    fn server_before_third_step(&mut self, s: &Segment) -> Facts {
        let asked = self.client.isn.map(|isn| isn.plus(1).plus(self.handshake.syn_payload_acked));
        let expected = asked.or_else(|| self.handshake.synacks.last().map(|answer| answer.ack));
        // It acknowledges data of the client that we never saw: the third step escaped the capture.
        if let (Some(ack), Some(expected)) = (s.ack(), expected)
            && ack.after(expected)
        {
            self.server.receives(Event::AckOfSyn);
            self.server.has_received(Event::AckOfSyn);
            self.open(if asked.is_some() { Opening::Established } else { Opening::SynAckOnly }, s, false);
            return Facts::empty();
        }
        if s.payload == 0 {
            return Facts::empty();
        }
        self.handshake.early_server_data = true;
        if self.handshake.syn_payload_acked > 0 || self.used_fast_open() {
            Facts::empty()
        } else {
            Facts::DATA_BEFORE_ESTABLISHED
        }
    }

    /// Whether data flowed on a Fast Open cookie before the third step: that of the SYN, or the server's (RFC 7413
    /// section 4.2.2).
    fn used_fast_open(&self) -> bool {
        let Some(option) = self.client.offer.and_then(|offer| offer.fast_open) else { return false };
        self.handshake.syn_payload_acked > 0 || (option.cookie_len > 0 && self.handshake.early_server_data)
    }

    fn after_crossing(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(ack) = s.ack() else { return Facts::empty() };
        let other = self.peer(from.other());
        let acks_syn = other.isn.is_some_and(|isn| ack.after(isn));
        let other_answered = other.synack_count > 0;
        if !acks_syn || !(other_answered || from == Side::Client) {
            return Facts::empty();
        }
        self.peer_mut(from).has_received(Event::Syn);
        self.peer_mut(from).has_received(Event::AckOfSyn);
        self.peer_mut(from.other()).receives(Event::AckOfSyn);
        let simultaneous = self.server.synack_count > 0;
        let opening = if simultaneous { Opening::SimultaneousOpen } else { Opening::SplitHandshake };
        self.open(opening, s, other_answered);
        Facts::FINAL_ACK
    }

    /// The connection is open from this segment on.
    pub(in crate::flow) fn open(&mut self, opening: Opening, s: &Segment, validated: bool) {
        self.tracking.phase = Phase::Open;
        self.handshake.validated = validated && !self.quality.zero_numbers;
        // Where the third step was not seen, what the server says later tells nothing of it.
        let seen = opening != Opening::SynAckOnly || s.source == self.client.endpoint;
        if validated || (opening != Opening::Established && seen) {
            self.handshake.ack = Some(Try::of(s));
        }
        self.reach(opening, s.time);
    }

    /// Notes an opening verdict. A later one replaces an earlier: answers come late.
    pub(in crate::flow) fn reach(&mut self, opening: Opening, time: Timestamp) {
        if self.opening != Some(opening) {
            self.opening = Some(opening);
            self.opening_time = time;
        }
    }

    fn keep_syn(&mut self, s: &Segment, from: Side) {
        if from == Side::Client && self.handshake.syns.len() < MAX_TRIES {
            self.handshake.syns.push(Try::of(s));
        }
    }

    fn keep_synack(&mut self, s: &Segment) {
        if self.handshake.synacks.len() < MAX_TRIES {
            self.handshake.synacks.push(Try::of(s));
        }
    }

    /// Remembers what a SYN or SYN-ACK offers, and its sequence number as the ISN.
    fn take_offer(&mut self, s: &Segment, from: Side) {
        let peer = self.peer_mut(from);
        peer.isn = Some(s.seq);
        peer.offer = Some(Offer::of(s));
        peer.next = None;
        self.account_syn(s, from);
    }

    /// Whether the acknowledgment number is acceptable to some SYN of the client: ISN < SEG.ACK =< ISN + 1 + its data
    /// (RFC 9293 section 3.10.7.3).
    pub(in crate::flow) fn acks_some_syn(&self, s: &Segment) -> bool {
        self.acks_syn_of(s, Side::Client) || self.handshake.syns.iter().any(|t| acceptable(s, t.seq, t.payload))
    }

    /// The same for the SYN of `side`.
    fn acks_syn_of(&self, s: &Segment, side: Side) -> bool {
        let peer = self.peer(side);
        peer.isn.zip(peer.offer).is_some_and(|(isn, offer)| acceptable(s, isn, offer.payload))
    }
}

/// Whether `s` acknowledges a SYN with this number, and none, some or all of the octets that it carried.
fn acceptable(s: &Segment, isn: SeqNumber, payload: u32) -> bool {
    s.flags.has(Flags::ACK) && s.ack_field.after(isn) && s.ack_field.at_or_before(isn.plus(1).plus(payload))
}
