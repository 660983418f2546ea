//! What is noted of a flow once something out of the ordinary happens to it: resets and what speaks against them,
//! repetitions and probes that nothing answers, closed windows.
//!
//! Knows nothing of rules: it collects evidence, detectors weigh it.

use crate::flow::config::IN_FLIGHT;
use crate::flow::record::evidence::Evidence;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::header_track::HeaderTrack;
use crate::flow::record::notes::{EndNotes, Notes, WrongSynAck};
use crate::flow::record::resets::KeptLine;
use crate::flow::record::tracking::Tracking;
use crate::flow::record::tuple::Side;
use crate::tcp::{Flags, Segment, SeqNumber};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Less silence than this is none, nanoseconds.
pub(in crate::flow) const SILENCE: i64 = SECOND;

/// A silence worth remembering, nanoseconds.
const LONG_SILENCE: i64 = 60 * SECOND;

/// A segment this much later than a reset was not merely captured out of order, nanoseconds.
const OUT_OF_ORDER: i64 = 3 * MILLISECOND;

/// Resets of one volley lie within this, nanoseconds.
const VOLLEY: i64 = 100 * MILLISECOND;

/// Distances between the resets of known injectors (Clayton et al. 2006; Weaver et al., NDSS 2009).
const KNOWN_STRIDES: [u32; 4] = [1460, 2920, 4380, 12503];

/// Resets at numbers that do not fit that make a sweep.
const SWEEP: u32 = 100;

/// A window closed for so long is a stall, nanoseconds.
const STALL: i64 = 30 * SECOND;

/// How long an unfinished close or an unanswered probe may stay silent before it is judged, nanoseconds.
const QUIET: i64 = 3 * SECOND;

/// How long the other end may be silent in a half-closed connection, nanoseconds.
const HALF_CLOSED: i64 = 60 * SECOND;

/// How many octets its sender got behind what it misses, as its first SACK block says; a block below that is of a
/// duplicate (RFC 2883).
fn sacked(s: &Segment) -> Option<u32> {
    let (left, right) = s.options.sack?;
    (left.after(s.ack()?) && right.after(left)).then(|| right.offset_from(left))
}

impl Facts {
    /// What makes a flow worth notes.
    const NOTEWORTHY: Self = Self::FIN_REPEATED
        .union(Self::FIN_MOVED)
        .union(Self::PROBE)
        .union(Self::RETRANSMITTED)
        .union(Self::ZERO_WINDOW)
        .union(Self::SYNACK_WRONG_ACK)
        .union(Self::AFTER_CLOSE);
    /// What begins a wait for something that may not come.
    const AWAITS: Self = Self::FIN.union(Self::ACK_OF_FIN).union(Self::UNANSWERED);
}

impl Flow {
    /// Takes notes of a segment. `silence` is the time since the segment before it, nanoseconds; `now` the packet
    /// clock.
    pub(in crate::flow) fn take_notes(
        &mut self,
        s: &Segment,
        from: Side,
        facts: Facts,
        silence: i64,
        now: Timestamp,
    ) -> Facts {
        let peer = self.peer_mut(from);
        let (first, track) = (peer.packets <= 1, peer.track);
        let mut new = if peer.track.follow(s, first) { Facts::TTL_CHANGED } else { Facts::empty() };
        if !s.flags.any(Flags::SYN | Flags::RST) {
            new |= self.note_payload(s, from, facts, track);
        }
        let reset = facts.intersects(Facts::RST) && (self.was_open() || self.peer(from).rst_count > 1);
        if self.notes.is_some()
            || reset
            || s.options.sack_blocks > 0
            || (facts.intersects(Facts::DUPLICATE_ACK) && self.asks_again(s, from, facts).is_some())
            || silence >= LONG_SILENCE
            || facts.intersects(Facts::NOTEWORTHY)
        {
            new |= self.write_notes(s, from, facts, silence, track);
        }
        let counted = if silence >= SILENCE { silence / MILLISECOND } else { 0 };
        self.tracking.silence = u32::try_from(counted).unwrap_or(u32::MAX);
        if (facts | new).intersects(Facts::AWAITS) {
            self.tracking.quiet_at = now.after(QUIET);
        }
        new
    }

    fn write_notes(&mut self, s: &Segment, from: Side, facts: Facts, silence: i64, track: HeaderTrack) -> Facts {
        let mut notes = self.notes.take().unwrap_or_default();
        if silence >= LONG_SILENCE {
            (notes.silence, notes.silence_end) = (silence, s.time);
        }
        if facts.intersects(Facts::SYNACK_WRONG_ACK) && notes.wrong_synack.is_none() {
            let (time, frame, seq, ack) = (s.time, s.frame, s.seq, s.ack_field);
            notes.wrong_synack = Some(WrongSynAck { time, frame, seq, ack, ttl: s.ttl, window: s.window });
        }
        let mut new = self.note_answers(&mut notes, s, from, facts);
        new |= self.note_storms(&mut notes, s, from, facts);
        if facts.intersects(Facts::RST) {
            new |= self.note_reset(notes.end_mut(from), s, from, facts, track);
        } else if !s.flags.has(Flags::SYN) {
            new |= self.note_life_after_reset(&mut notes, s, from, facts);
        }
        if facts.intersects(Facts::AFTER_CLOSE) && self.both_fins() {
            let passive = self.teardown.first_fin != Some(from);
            if passive && facts.intersects(Facts::FIN_REPEATED | Facts::RETRANSMITTED) {
                notes.late_copy = true;
            }
            notes.late_copy_acked |= !passive && notes.late_copy;
        }
        self.notes = Some(notes);
        new
    }

    /// Repetitions and probes, until the other end says anything.
    fn note_answers(&self, notes: &mut Notes, s: &Segment, from: Side, facts: Facts) -> Facts {
        let mut new = Facts::empty();
        let other_closed = notes.end(from.other()).closed_window;
        let other = notes.end_mut(from.other());
        let repeated = other.repeats;
        if repeated.count > 0 && s.ack().is_some_and(|ack| ack.at_or_after(repeated.seq.plus(repeated.payload))) {
            other.arrived = Some((s.frame, repeated.payload));
        }
        (other.repeats.count, other.probes.count) = (0, 0);
        let knocks = facts.intersects(Facts::PROBE | Facts::RETRANSMITTED) || s.payload == 1;
        if let Some(since) = other_closed
            && knocks
        {
            other.knocks = other.knocks.saturating_add(1);
            if s.time - since >= STALL {
                new |= Facts::WINDOW_STALL;
            }
        }
        if let Some(octets) = sacked(s) {
            notes.end_mut(from.other()).sacked = Some((s.ack_field, octets));
        }
        if let Some(octets) = self.asks_again(s, from, facts) {
            notes.end_mut(from.other()).asked_again = Some((s.ack_field, octets));
        }
        let own = notes.end_mut(from);
        if facts.intersects(Facts::ZERO_WINDOW) && !s.flags.any(Flags::FIN) {
            let since = *own.closed_window.get_or_insert(s.time);
            if own.knocks > 0 && s.time - since >= STALL {
                new |= Facts::WINDOW_STALL;
            }
        } else if s.flags.has(Flags::ACK) {
            (own.closed_window, own.knocks) = (None, 0);
        }
        if other_closed.is_none() && facts.intersects(Facts::PROBE) {
            own.probes.again(s);
        } else if facts.intersects(Facts::RETRANSMITTED) {
            own.repeats.again(s);
        }
        if own.probes.count.max(own.repeats.count) >= 2 { new | Facts::UNANSWERED } else { new }
    }

    /// Where `s` acknowledges what its sender did before, without SACK: something behind that arrived. How much had
    /// been sent from there on, octets.
    fn asks_again(&self, s: &Segment, from: Side, facts: Facts) -> Option<u32> {
        let plain = self.in_effect().is_some_and(|options| !options.sack);
        let next = self.peer(from.other()).next.filter(|_| facts.intersects(Facts::DUPLICATE_ACK) && plain)?;
        next.after(s.ack_field).then(|| next.offset_from(s.ack_field))
    }

    fn note_storms(&self, notes: &mut Notes, s: &Segment, from: Side, facts: Facts) -> Facts {
        let (fin_count, rst_count) = (self.peer(from).fin_count, self.peer(from).rst_count);
        let own = notes.end_mut(from);
        let misplaced = facts.intersects(Facts::RST_OLD | Facts::RST_INEXACT | Facts::RST_BEYOND);
        own.misplaced = own.misplaced.saturating_add(u32::from(misplaced));
        let storm = (misplaced && own.misplaced == SWEEP)
            || (facts.intersects(Facts::FIN) && own.fins.more(s.time, fin_count))
            || (facts.intersects(Facts::RST) && own.rsts.more(s.time, rst_count));
        if storm { Facts::STORM } else { Facts::empty() }
    }

    fn note_reset(&self, own: &mut EndNotes, s: &Segment, from: Side, facts: Facts, track: HeaderTrack) -> Facts {
        if !self.was_open() {
            return Facts::empty();
        }
        let mut new = Facts::empty();
        let r = &mut own.resets;
        // What a host without the connection answers to a segment without ACK tells of no injector: SEQ=0,
        // ACK=SEG.SEQ+SEG.LEN (RFC 9293 section 3.10.7.1). Nor does what comes after both ends have closed.
        let answer = s.seq == SeqNumber(0) && s.flags.has(Flags::ACK);
        // Nor does what another device answers once the end itself has reset: that ended it.
        let over = r.exact && (r.own_ttl || r.kept.is_some_and(|kept| kept.by_id));
        let judged = !answer && !over && self.peer(from).packets > 3;
        let mut evidence = if judged { track.against(s) } else { Evidence::default() };
        // Stacks leave the option out of most resets (RFC 7323 section 3.2): only what it says is judged.
        if judged && self.stamp_is_off(s, from) {
            evidence.add(Evidence::STAMP);
        }
        if facts.intersects(Facts::RST_INEXACT) {
            evidence.add(Evidence::INEXACT);
            r.inexact = true;
        }
        // Above what its sender had sent: an answer to data in flight lies below.
        let above =
            facts.intersects(Facts::RST_INEXACT | Facts::RST_BEYOND) && !answer && !self.teardown.reset_after_both;
        if r.first.is_some() && above && r.last.1 != s.seq && s.time - r.last.0 <= VOLLEY {
            new |= Facts::RESET_VOLLEY;
            if KNOWN_STRIDES.contains(&s.seq.offset_from(r.last.1)) {
                evidence.add(Evidence::VOLLEY);
            }
        }
        if r.first.is_none() {
            r.first = Some((s.time, s.frame, s.seq));
            r.exact = facts.intersects(Facts::RST_EXACT);
            r.silence = i64::from(self.tracking.silence) * MILLISECOND;
            r.bytes = self.bytes().saturating_sub(u64::from(s.payload));
            r.kept = KeptLine::by(s, track);
            r.own_ttl = s.ttl == track.ttl;
        }
        if r.first.is_some_and(|(_, frame, _)| frame == s.frame) || evidence.contains(Evidence::TTL) {
            r.ttl = s.ttl;
        }
        if !answer {
            r.last = (s.time, s.seq);
        }
        if r.evidence.add(evidence) { new | Facts::RESET_EVIDENCE } else { new }
    }

    /// What either end says after a reset tells whether it was meant.
    fn note_life_after_reset(&self, notes: &mut Notes, s: &Segment, from: Side, facts: Facts) -> Facts {
        let window = self.reorder_window();
        let rtt = self.handshake.rtt().unwrap_or(0);
        let mut new = Facts::empty();
        let end = notes.end_mut(from);
        let own = &mut end.resets;
        // Which of the two is forged: where the reset keeps the line of its sender's packets and this leaves it, not
        // the reset.
        let foreign = own.kept.is_some_and(|kept| kept.is_left_by(s));
        if foreign && s.payload > 0 && end.foreign.is_none() {
            end.foreign = Some((s.time, s.frame, s.ttl));
            new |= Facts::DATA_REPLACED;
        }
        if let Some((time, _, seq)) = own.first.filter(|_| !foreign) {
            let delay = s.time - time;
            let reordered = if self.quality.reordered > 0 { window.max(OUT_OF_ORDER) } else { OUT_OF_ORDER };
            if own.exact && delay >= reordered && s.end().after(seq) && own.evidence.add(Evidence::OVERTAKEN) {
                new |= Facts::RESET_EVIDENCE;
            }
            if delay > window.max(IN_FLIGHT) && own.evidence.add(Evidence::SPOKE_ON) {
                new |= Facts::RESET_EVIDENCE;
            }
            if delay > window {
                new |= Facts::SPOKE_AFTER_RESET;
            }
        }
        let target = &mut notes.end_mut(from.other()).resets;
        if let Some((time, ..)) = target.first {
            let mut evidence = Evidence::default();
            if facts.intersects(Facts::CHALLENGE_ACK) {
                evidence.add(Evidence::INEXACT);
            }
            if target.exact && s.time - time > (2 * rtt).max(IN_FLIGHT) {
                evidence.add(Evidence::IGNORED);
            }
            if target.evidence.add(evidence) {
                new |= Facts::RESET_EVIDENCE;
            }
        }
        new
    }

    /// When silence is next worth a look, after the look at `deadline` (packet clock), which was `time` by time stamps.
    pub(in crate::flow) fn plan_quiet(&mut self, deadline: Timestamp, time: Timestamp) {
        self.tracking.quiet_at = Tracking::NEVER;
        let Some(closer) = self.teardown.first_fin else { return };
        let other = self.peer(closer.other());
        let waits = self.peer(closer).fin_acknowledged && other.fin.is_none() && self.teardown.reset.is_none();
        let left = HALF_CLOSED.saturating_sub((time - other.last_time).max(0));
        if waits && left > 0 {
            self.tracking.quiet_at = deadline.after(left);
        }
    }
}
