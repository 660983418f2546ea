//! One segment of a flow: its counters, its transition, and the arrivals that it proves.

use crate::flow::record::checksum_trust::{Sums, Worth};
use crate::flow::record::completeness::Completeness;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::{CaptureQuality, Flow, HostMarks};
use crate::flow::record::handshake::Handshake;
use crate::flow::record::peer::{Offer, Peer};
use crate::flow::record::steps::Step;
use crate::flow::record::teardown::{Reset, Teardown};
use crate::flow::record::tracking::{LastSegment, Phase, Tracking};
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::flow::record::zeek::ZeekWords;
use crate::tcp::{Checksum, Event, Flags, Segment, State};
use crate::time::{SECOND, Timestamp};
use smallvec::SmallVec;

/// What casts doubt on a segment.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Doubt {
    /// It is a copy made by the capture.
    pub(in crate::flow) copy: bool,
    /// What its checksum is worth.
    pub(in crate::flow) worth: Worth,
}

/// Flags that no first segment of a connection has, whole or cut from its middle.
pub(in crate::flow) fn is_invalid_first(flags: Flags) -> bool {
    let lone = !flags.any(Flags::ACK | Flags::SYN | Flags::RST);
    let twice = (flags.has(Flags::SYN) && flags.any(Flags::FIN | Flags::RST)) || flags.has(Flags::RST | Flags::FIN);
    lone || twice
}

impl Flow {
    /// The SYN it began with, whose checksum was wrong and its sender unknown, if nothing else came of it until `s`,
    /// the same SYN with a right one: the sender finishes its checksums.
    pub(in crate::flow) fn begins_wrong(&mut self, s: &Segment) -> Option<Box<Segment>> {
        let nothing = self.opening.is_none()
            && !self.server.spoke()
            && self.packets() == u64::from(self.quality.unverified)
            && s.flags.is_syn()
            && s.source == self.client.endpoint;
        self.notes.as_mut().filter(|_| nothing)?.doubted.take()
    }

    /// The flow that `wrong`, which tells nothing, begins in place of this one.
    pub(in crate::flow) fn begun_by_wrong(&mut self, wrong: &Segment) -> Self {
        let mut steps = core::mem::take(&mut self.steps);
        steps.clear();
        let mut flow = Self::new(self.id, wrong, true, self.previous.is_some(), self.tracking.seen_at, steps);
        flow.previous = self.previous.take();
        flow.marks = core::mem::take(&mut self.marks);
        flow.host_marks = self.host_marks;
        flow.quality.bad_checksum = self.quality.bad_checksum.saturating_sub(1);
        flow.tracking.tick = self.tracking.tick;
        flow
    }

    #[inline]
    pub(in crate::flow) fn new(
        id: u64,
        s: &Segment,
        sender_is_client: bool,
        reused: bool,
        now: Timestamp,
        steps: Vec<Step>,
    ) -> Self {
        let (sender, receiver) = (Peer::new(s.source), Peer::new(s.destination));
        let (client, server) = if sender_is_client { (sender, receiver) } else { (receiver, sender) };
        let tracking = Tracking { tried_at: now, seen_at: now, quiet_at: Tracking::NEVER, ..Tracking::default() };
        Self {
            id,
            client,
            server,
            role_known: s.flags.is_syn() || s.flags.is_syn_ack(),
            first_sender: if sender_is_client { Side::Client } else { Side::Server },
            first_time: s.time,
            last_time: s.time,
            first_frame: s.frame,
            last_frame: s.frame,
            vlan: s.vlan,
            interface: s.interface,
            opening: None,
            opening_time: s.time,
            handshake: Handshake::default(),
            teardown: Teardown::default(),
            unreachable: None,
            idle_expired: false,
            steps,
            steps_dropped: 0,
            marks: SmallVec::new(),
            host_marks: HostMarks::default(),
            quality: CaptureQuality::default(),
            completeness: Completeness::new(s, reused),
            zeek: ZeekWords::new(s),
            previous: None,
            notes: None,
            tls: None,
            tracking,
        }
    }

    /// Takes a segment: counts it, moves states, notices facts.
    pub(in crate::flow) fn observe(
        &mut self,
        s: &Segment,
        from: Side,
        now: Timestamp,
        first: bool,
        doubt: Doubt,
    ) -> Facts {
        let dropped = !first && self.must_be_dropped(s);
        if !first && !dropped {
            let read = doubt.worth.read_by_zeek(s);
            self.zeek.observe(read.as_ref().unwrap_or(s), from == self.first_sender);
            self.completeness.observe(s);
        }
        if s.truncated {
            self.quality.truncated += 1;
        }
        if doubt.copy {
            self.quality.duplicates += 1;
            return Facts::COPY;
        }
        match s.checksum {
            Checksum::Bad if doubt.worth.sums == Sums::Trusted => return self.leave_out(s),
            Checksum::Bad if doubt.worth.sums == Sums::Unproved => self.note_doubted(s, from, first),
            Checksum::Bad | Checksum::Offload => self.quality.offload += 1,
            Checksum::Good | Checksum::Unverifiable => {}
        }
        if s.flags.is_syn() && !first {
            **self.tracking.before_syn.get_or_insert_default() =
                LastSegment { time: self.last_time, frame: self.last_frame };
        }
        self.last_time = self.last_time.max(s.time);
        self.last_frame = s.frame;
        let silence = now - self.tracking.seen_at;
        self.tracking.seen_at = now;
        let numbered = self.numbered(s, from);
        let s = numbered.as_ref().unwrap_or(s);
        self.count(s, from);
        let mut facts = if first { self.first_facts(s) } else { Facts::empty() };
        facts |= if dropped { self.drop_segment(s, from) } else { self.dispatch(s, from, now) };
        if facts.intersects(Facts::DROPPED)
            || (facts.intersects(Facts::BARE_ACK_TO_SYN) && self.answers_another_connection(s))
        {
            self.note_unacceptable(from, 1);
        }
        facts |= self.header_checks(s, from);
        facts |= self.take_notes(s, from, facts, silence, now);
        if facts.intersects(Facts::HOLE) {
            self.quality.holes += 1;
        }
        if facts.intersects(Facts::OUT_OF_ORDER) {
            self.quality.reordered += 1;
        }
        facts
    }

    /// Its checksum is wrong, and its sender's checksums are not known to be unfinished: it counts until a right one
    /// shows otherwise.
    fn note_doubted(&mut self, s: &Segment, from: Side, first: bool) {
        self.quality.bad_checksum += 1;
        self.quality.unverified += 1;
        if first && s.flags.is_syn() {
            self.notes.get_or_insert_default().doubted = Some(Box::new(*s));
        } else if s.flags.is_syn_ack() && from == Side::Server && self.tracking.phase != Phase::Open {
            let doubted = &mut self.notes.get_or_insert_default().doubted_synack;
            doubted.get_or_insert_with(|| (Box::new(*s), 0)).1 += 1;
        }
    }

    /// Whether it is an ACK in answer to a SYN that does not acknowledge that. (Payload is disowned once there is a
    /// SYN-ACK.)
    pub(in crate::flow) fn answers_another_connection(&self, s: &Segment) -> bool {
        s.payload == 0 && self.tracking.wrong_ack.is_some_and(|wrong| wrong.ack == s.ack_field)
    }

    /// Whether its receiver drops it unread: on an open connection, and on one that is half open, nothing but SYN and
    /// RST may come without ACK (RFC 9293 section 3.10.7.4, fifth).
    pub(in crate::flow) fn must_be_dropped(&self, s: &Segment) -> bool {
        let open = matches!(self.tracking.phase, Phase::Open | Phase::SynReceived);
        open && !s.flags.any(Flags::ACK | Flags::SYN | Flags::RST) && self.opening != Some(Opening::Invalid)
    }

    /// It was counted, and is not.
    pub(in crate::flow) fn drop_segment(&mut self, s: &Segment, from: Side) -> Facts {
        let peer = self.peer_mut(from);
        peer.bytes -= u64::from(s.payload);
        peer.data_count -= u32::from(s.payload > 0);
        Facts::INVALID_FLAGS | Facts::UNACCEPTABLE
    }

    pub(in crate::flow) fn count(&mut self, s: &Segment, from: Side) {
        let peer = self.peer_mut(from);
        if peer.packets == 0 {
            peer.ttl = s.ttl;
            peer.window = s.window;
        }
        peer.packets += 1;
        peer.bytes += u64::from(s.payload);
        peer.data_count += u32::from(s.payload > 0);
        peer.last_time = s.time;
        peer.timestamps_seen = s.options.timestamps.is_some();
    }

    /// What the first segment tells by being first.
    pub(in crate::flow) fn first_facts(&mut self, s: &Segment) -> Facts {
        let mut facts = if self.previous().is_some() { Facts::REUSE } else { Facts::empty() };
        if is_invalid_first(s.flags) {
            // A SYN with FIN or RST is no way to open a connection, but it says which number it would begin with.
            if s.flags.has(Flags::SYN) {
                (self.client.isn, self.client.offer) = (Some(s.seq), Some(Offer::of(s)));
            }
            self.tracking.phase = Phase::Failed;
            self.reach(Opening::Invalid, s.time);
            return facts | Facts::INVALID_FLAGS;
        }
        if s.flags.is_syn() {
            let renewed = self.previous().is_some_and(|p| {
                p.same_client
                    && matches!(p.opening, Opening::Unanswered | Opening::Undecided | Opening::MissingAck)
                    && (0..60 * SECOND).contains(&(s.time - p.last_time))
            });
            return if renewed { facts | Facts::SYN_NEW_ISN } else { facts };
        }
        if s.flags.is_syn_ack() {
            // Its client sent a SYN that we did not see.
            self.client.confirmed = State::SynSent;
            return facts;
        }
        facts |= Facts::MIDSTREAM;
        self.tracking.phase = Phase::Open;
        self.client.confirmed = State::Established;
        self.server.confirmed = State::Established;
        self.reach(Opening::Midstream, s.time);
        facts
    }

    pub(in crate::flow) fn dispatch(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        if self.opening == Some(Opening::Invalid) {
            return self.dispatch_invalid(s, from);
        }
        if self.is_to_itself() && !s.flags.has(Flags::RST) {
            return self.dispatch_to_itself(s, now);
        }
        if s.flags.has(Flags::SYN) && s.flags.any(Flags::FIN | Flags::RST) {
            return if self.is_synack_with_fin(s, from) {
                self.on_synack_with_fin(s, from, now)
            } else {
                Facts::INVALID_FLAGS
            };
        }
        if s.flags.is_rst() {
            return self.on_rst(s, from);
        }
        if self.tracking.doubtful_reset.is_some()
            && (self.tracking.phase == Phase::Open || (from == Side::Client && s.flags.is_plain_ack()))
        {
            self.tracking.doubtful_reset = None;
        }
        if s.flags.is_syn() {
            return self.dispatch_syn(s, from, now);
        }
        if s.flags.is_syn_ack() {
            self.prove(s, from);
            let facts = self.on_synack(s, from, now);
            return facts;
        }
        if !s.flags.any(Flags::ACK | Flags::FIN) && s.payload == 0 {
            return Facts::INVALID_FLAGS;
        }
        let ruled = self.rule_on_doubtful_fin(s, from);
        self.prove(s, from);
        let accounted = if self.is_misplaced_fin(s, from) { Facts::empty() } else { self.account_with_doubt(s, from) };
        let mut facts = ruled | accounted;
        facts |= self.on_segment_in_handshake(s, from);
        if self.tracking.phase == Phase::Open || s.flags.has(Flags::FIN) {
            facts |= self.on_segment_in_connection(s, from);
        }
        facts
    }

    pub(in crate::flow) fn dispatch_syn(&mut self, s: &Segment, from: Side, now: Timestamp) -> Facts {
        let facts = self.on_syn(s, from, now);
        if facts.intersects(Facts::SYN_ON_ESTABLISHED) {
            self.provoke(from.other(), s.time);
            if !facts.intersects(Facts::SYN_REPEATED) {
                self.remember_pending(s);
            }
        }
        facts
    }

    /// A probe with impossible flags: only its answer matters.
    pub(in crate::flow) fn dispatch_invalid(&mut self, s: &Segment, from: Side) -> Facts {
        if s.flags.is_rst() {
            self.peer_mut(from).rst_count += 1;
            let reset = Reset { by: from, time: s.time, frame: s.frame, seq: s.seq, exact: true, ttl: s.ttl };
            self.teardown.reset.get_or_insert(reset);
            return Facts::RST;
        }
        if is_invalid_first(s.flags) { Facts::INVALID_FLAGS } else { self.account(s, from) }
    }

    /// What this segment proves to have reached its sender.
    pub(in crate::flow) fn prove(&mut self, s: &Segment, from: Side) {
        let other = self.peer(from.other());
        let (isn, fin, fin_acked_us) = (other.isn, other.fin, other.fin_acked_peer);
        let opened = !s.flags.has(Flags::SYN);
        let peer = self.peer_mut(from);
        if peer.in_flight.is_empty() {
            return;
        }
        if let Some(ack) = s.ack() {
            if isn.is_some_and(|isn| ack.after(isn)) && peer.isn.is_some() {
                peer.has_received(Event::Syn);
                peer.has_received(Event::SynAck);
            }
            if fin.is_some_and(|fin| ack.after(fin)) {
                if fin_acked_us {
                    peer.has_received(Event::AckOfFin);
                }
                peer.has_received(Event::Fin);
            }
        }
        if opened && peer.isn.is_none_or(|isn| s.seq.after(isn)) {
            peer.has_received(Event::AckOfSyn);
        }
    }
}

impl Facts {
    /// What a receiver drops (RFC 9293 section 3.10.7).
    const DROPPED: Self = Self::UNACCEPTABLE.union(Self::SYNACK_WRONG_ACK).union(Self::FINAL_ACK_WRONG);
}
