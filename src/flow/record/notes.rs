//! What is kept of a flow only once something out of the ordinary happened to it: resets and what speaks against them,
//! repetitions and probes that nothing answers, closed windows (findings B.2 to B.7).
//!
//! Boxed, and absent from ordinary flows. Knows nothing of rules: it collects evidence, detectors weigh it.

use super::facts::Facts;
use super::flow::Flow;
use super::tracking::Tracking;
use super::tuple::Side;
use crate::flow::state::holes::Holes;
use crate::flow::state::overlap::{Injection, Piece};
use crate::tcp::{Flags, Segment, SeqNumber};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Less silence than this is none, nanoseconds.
pub(in crate::flow) const SILENCE: i64 = SECOND;
/// A silence worth remembering, nanoseconds.
const LONG_SILENCE: i64 = 60 * SECOND;
/// A segment this much later than a reset was not merely captured out of order, nanoseconds.
const OUT_OF_ORDER: i64 = 3 * MILLISECOND;
/// A reset is ignored by the end that speaks on later than this (or its round trips), nanoseconds.
const IN_FLIGHT: i64 = 50 * MILLISECOND;
/// Resets of one volley lie within this, nanoseconds.
const VOLLEY: i64 = 100 * MILLISECOND;
/// Distances between the resets of known injectors (Clayton et al. 2006; Weaver et al., NDSS 2009).
const KNOWN_STRIDES: [u32; 4] = [1460, 2920, 4380, 12503];
/// FINs or resets in a row, no more than a second apart, that make a storm.
const STORM: u32 = 1000;
/// Resets at numbers that do not fit that make a sweep.
const SWEEP: u32 = 100;
/// Steps of the IP identification up to this are a counter at work.
const ID_STEP: u16 = 64;
/// A step beyond this leaves the line of a counter.
const ID_JUMP: u16 = 1000;
/// A window closed for so long is a stall, nanoseconds.
const STALL: i64 = 30 * SECOND;
/// How long an unfinished close or an unanswered probe may stay silent before it is judged, nanoseconds.
const QUIET: i64 = 3 * SECOND;
/// How long the other end may be silent in a half-closed connection, nanoseconds.
const HALF_CLOSED: i64 = 60 * SECOND;

/// Evidence that a reset was not sent by the end in whose name it came (findings B.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence(pub u8);

impl Evidence {
    /// That end went on beyond the number of its own "exact" reset.
    pub const OVERTAKEN: Self = Self(1);
    /// That end went on sending.
    pub const SPOKE_ON: Self = Self(2);
    /// The TTL differs by two or more from all its other packets.
    pub const TTL: Self = Self(4);
    /// The IP identification leaves the line of its counter.
    pub const IP_ID: Self = Self(8);
    /// The number is inexact, or the target answered with a challenge ACK.
    pub const INEXACT: Self = Self(16);
    /// It was one of a volley with the strides of a known injector.
    pub const VOLLEY: Self = Self(32);
    /// The target went on as if there had been none.
    pub const IGNORED: Self = Self(64);
    /// The time stamp is none that the clock of its sender can show, or the option is missing where it may not be.
    pub const STAMP: Self = Self(128);

    /// Each with its weight and its name.
    pub const ALL: [(Self, i32, &'static str); 8] = [
        (Self::OVERTAKEN, 3, "sender-went-beyond"),
        (Self::SPOKE_ON, 2, "sender-spoke-on"),
        (Self::TTL, 2, "ttl-differs"),
        (Self::IP_ID, 1, "ip-id-off-the-line"),
        (Self::INEXACT, 1, "inexact-or-challenged"),
        (Self::VOLLEY, 2, "known-volley"),
        (Self::IGNORED, 1, "target-went-on"),
        (Self::STAMP, 2, "timestamp-off-the-line"),
    ];

    /// What is found, with weights and names.
    pub fn found(self) -> impl Iterator<Item = (i32, &'static str)> {
        Self::ALL.into_iter().filter(move |(bit, ..)| self.0 & bit.0 != 0).map(|(_, weight, name)| (weight, name))
    }

    /// Whether all of `other` is found.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(in crate::flow) fn add(&mut self, other: Self) -> bool {
        let new = self.0 | other.0;
        core::mem::replace(&mut self.0, new) != new
    }
}

/// Resets in the name of one end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resets {
    /// Time and frame of the first, and its number.
    pub first: Option<(Timestamp, u64, SeqNumber)>,
    /// Whether the first was possibly exact.
    pub exact: bool,
    /// Whether any was inside the window, but not exact.
    pub inexact: bool,
    /// Time and number of the last.
    pub last: (Timestamp, SeqNumber),
    /// TTL of the first, or of a later one whose TTL speaks against it.
    pub ttl: u8,
    /// Silence before the segment that the first may answer, nanoseconds; 0 where it was less than a second.
    pub silence: i64,
    /// Payload octets of both ends that had been seen when the first came.
    pub bytes: u64,
    /// What speaks against them.
    pub evidence: Evidence,
    /// Whether the first had the TTL of the packets before it.
    own_ttl: bool,
    /// How the packets before the first went on; absent where it left their line itself.
    kept: Option<Kept>,
}

/// The line of an end's packets that its reset kept: what leaves it afterwards is not that end's.
#[derive(Clone, Copy, Debug)]
struct Kept {
    before: HeaderTrack,
    /// Whether the identification of the reset was the next of a counter.
    by_id: bool,
}

impl Kept {
    fn by(s: &Segment, before: HeaderTrack) -> Option<Self> {
        let by_id = before.line.is_followed_by(s.ip_id);
        let fits = s.ttl.abs_diff(before.ttl) < 2 && !before.line.is_left_by(s.ip_id);
        (fits && (by_id || s.ttl == before.ttl)).then_some(Self { before, by_id })
    }

    /// Whether `s` leaves the line.
    fn is_left_by(self, s: &Segment) -> bool {
        let other_path = self.before.ttl_changes == 0 && s.ttl.abs_diff(self.before.ttl) >= 2;
        other_path || (self.by_id && self.before.line.is_left_by(s.ip_id))
    }
}

/// The same again and again, with nothing back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repeats {
    /// Sequence number.
    pub seq: SeqNumber,
    /// How often since the other end last sent anything.
    pub count: u32,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// Payload octets of the last.
    pub payload: u32,
}

impl Repeats {
    fn again(&mut self, s: &Segment) {
        if self.count == 0 || self.seq != s.seq {
            *self = Self { seq: s.seq, count: 0, first: s.time, last: s.time, payload: 0 };
        }
        self.count = self.count.saturating_add(1);
        (self.last, self.payload) = (s.time, s.payload);
    }
}

/// How many of a kind came in a row, no more than a second apart.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    length: u32,
    last: Timestamp,
}

impl Run {
    /// One more; whether that makes it a storm.
    fn more(&mut self, now: Timestamp, before: u32) -> bool {
        let first = self.length == 0;
        let follows = first || now - self.last <= SECOND;
        self.length = if first {
            before.max(1)
        } else if follows {
            self.length.saturating_add(1)
        } else {
            1
        };
        self.last = now;
        self.length == STORM
    }
}

/// Notes on one end.
#[derive(Clone, Debug, Default)]
pub struct EndNotes {
    /// Resets in its name.
    pub resets: Resets,
    /// Sequence space it sent again, since the other end last sent anything.
    pub repeats: Repeats,
    /// The number that the other end last said it misses, and how many octets behind that it had then got (RFC 2018).
    pub sacked: Option<(SeqNumber, u32)>,
    /// The number that the other end, which uses no SACK, last asked for again, and how much had then been sent from there on.
    pub asked_again: Option<(SeqNumber, u32)>,
    /// Keep-alives it sent, since the other end last sent anything.
    pub probes: Repeats,
    /// Since when its window is closed.
    pub closed_window: Option<Timestamp>,
    /// How often the other end knocked at the closed window.
    pub knocks: u32,
    /// A segment with payload in its name whose TTL is not that of its first packet, or that lacks the time stamp, the newest.
    pub stranger: Option<Piece>,
    /// The first two segments in its name that cannot both be its own.
    pub injection: Option<Injection>,
    /// The first payload in its name after its reset that leaves the line which the reset kept.
    pub foreign: Option<(Timestamp, u64, u8)>,
    /// Resets in its name below or above what fits, or inside the window but not exact.
    pub misplaced: u32,
    /// Segments it sent that the other end must drop.
    pub unacceptable: u32,
    /// Octets it sent that the capture lacks.
    pub holes: Holes,
    fins: Run,
    rsts: Run,
}

/// A SYN-ACK that acknowledged none of the SYNs seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongSynAck {
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// Its sequence number.
    pub seq: SeqNumber,
    /// What it acknowledges.
    pub ack: SeqNumber,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Window field, raw.
    pub window: u16,
}

/// Notes on a flow.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    client: EndNotes,
    server: EndNotes,
    /// The first SYN-ACK that acknowledged none of the SYNs seen.
    pub wrong_synack: Option<WrongSynAck>,
    /// Length of the last silence of a minute or more, nanoseconds.
    pub silence: i64,
    /// When it ended.
    pub silence_end: Timestamp,
    /// Whether the end that closed last repeated something after the close was complete.
    pub late_copy: bool,
    /// The SYN with which it began, where its checksum was wrong and its sender unknown.
    pub(in crate::flow) doubted: Option<Box<Segment>>,
    /// Whether the other end acknowledged that.
    pub late_copy_acked: bool,
    /// How its numbers are rewritten between two capture points.
    pub(in crate::flow) rewriting: Option<Box<crate::flow::state::rewriting::Rewriting>>,
    /// Why nothing answers its SYN, where the time stamp tells.
    pub(in crate::flow) stale_stamp: Option<crate::flow::state::stamps::StaleStamp>,
    /// The other four-tuple of the same attempt to connect.
    pub(in crate::flow) twin: Option<Box<crate::flow::state::twins::Twin>>,
    /// A FIN whose acknowledgment number lies beyond all that was seen: it counts once something shows that it was taken.
    pub(in crate::flow) doubtful_fin: Option<Box<Segment>>,
    /// The same of payload, which was counted.
    pub(in crate::flow) doubted_ack: Option<crate::flow::state::unsent::Doubted>,
    /// The last segment known to have acknowledged what was never sent.
    pub(in crate::flow) unsent: Option<crate::flow::state::unsent::UnsentAck>,
}

impl Notes {
    /// Notes on `side`.
    pub const fn end(&self, side: Side) -> &EndNotes {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// Whether ordinary segments would change nothing in them.
    pub(in crate::flow) fn are_idle(&self) -> bool {
        self.doubtful_fin.is_none()
            && self.doubted_ack.is_none()
            && [&self.client, &self.server].into_iter().all(|end| {
                end.resets.first.is_none()
                    && end.repeats.count == 0
                    && end.probes.count == 0
                    && end.closed_window.is_none()
                    && end.knocks == 0
                    && !end.holes.are_open()
            })
    }

    pub(in crate::flow) const fn end_mut(&mut self, side: Side) -> &mut EndNotes {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

/// The line that the IP identifications of one end follow.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdLine {
    id: u16,
    /// Small steps in a row, at most 255.
    run: u8,
}

impl IdLine {
    /// Follows the next packet.
    #[inline]
    pub(in crate::flow) const fn follow(&mut self, id: u16) {
        let step = id.wrapping_sub(self.id);
        self.run = if step.wrapping_sub(1) < ID_STEP { self.run.saturating_add(1) } else { 0 };
        self.id = id;
    }

    /// Whether it is too short to be one.
    pub(in crate::flow) const fn is_short(self) -> bool {
        self.run < 3
    }

    /// Whether `id` is what a counter of packets that stood at `of` may have come to. Where either is 0 nothing speaks against it.
    pub(in crate::flow) const fn is_near(of: u16, id: u16, steps: u16) -> bool {
        of == 0 || id == 0 || id.wrapping_sub(of) <= steps || of.wrapping_sub(id) <= steps
    }

    /// Whether `id` is the next, or one of the next, of a counter that has been at work for some packets.
    const fn is_followed_by(self, id: u16) -> bool {
        self.run >= 3 && id.wrapping_sub(self.id).wrapping_sub(1) < ID_STEP
    }

    /// Whether `id` leaves the line. Linux sends resets without a socket with identification 0: that proves nothing.
    pub(in crate::flow) const fn is_left_by(self, id: u16) -> bool {
        let step = id.wrapping_sub(self.id);
        let far = step > ID_JUMP && step.wrapping_neg() > ID_JUMP;
        self.run >= 3 && id != 0 && far
    }
}

/// How the IP headers of one end go on: their TTL, and the line of their identification.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderTrack {
    /// The line of its identifications.
    pub line: IdLine,
    /// TTL or hop limit of its last packet that was no reset.
    pub ttl: u8,
    /// How often it changed by two or more, at most 255.
    pub ttl_changes: u8,
}

impl HeaderTrack {
    /// Follows a packet; whether its TTL differs by two or more from the one before.
    fn follow(&mut self, s: &Segment, first: bool) -> bool {
        let changed = !first && s.ttl.abs_diff(self.ttl) >= 2;
        self.ttl_changes = self.ttl_changes.saturating_add(u8::from(changed));
        if !s.flags.is_rst() || first {
            self.line.follow(s.ip_id);
            self.ttl = s.ttl;
        }
        changed
    }

    /// What the headers of a reset tell about its origin, compared with the packets before it.
    fn against(self, s: &Segment) -> Evidence {
        let mut evidence = Evidence::default();
        if self.ttl_changes == 0 && s.ttl.abs_diff(self.ttl) >= 2 {
            evidence.add(Evidence::TTL);
        }
        if self.line.is_left_by(s.ip_id) {
            evidence.add(Evidence::IP_ID);
        }
        evidence
    }
}

/// How many octets its sender got behind what it misses, as its first SACK block says; a block below that is of a duplicate
/// (RFC 2883).
fn sacked(s: &Segment) -> Option<u32> {
    let (left, right) = s.options.sack?;
    (left.after(s.ack()?) && right.after(left)).then(|| right.offset_from(left))
}

impl Facts {
    /// What makes a flow worth notes.
    const NOTEWORTHY: Self = Self(
        Self::FIN_REPEATED.0
            | Self::FIN_MOVED.0
            | Self::PROBE.0
            | Self::RETRANSMITTED.0
            | Self::ZERO_WINDOW.0
            | Self::SYNACK_WRONG_ACK.0
            | Self::AFTER_CLOSE.0,
    );
    /// What begins a wait for something that may not come.
    const AWAITS: Self = Self(Self::FIN.0 | Self::ACK_OF_FIN.0 | Self::UNANSWERED.0);
}

impl Tracking {
    /// No wait.
    pub(in crate::flow) const NEVER: Timestamp = Timestamp(i64::MAX);
}

impl Flow {
    /// Notes on it, where there is reason for any.
    pub fn notes(&self) -> Option<&Notes> {
        self.notes.as_deref()
    }

    /// Segments of `side` that the other end must drop (RFC 9293 section 3.10.7): they move no state, and their octets are not
    /// counted.
    pub fn unacceptable(&self, side: Side) -> u32 {
        self.notes().map_or(0, |notes| notes.end(side).unacceptable)
    }

    /// `count` more segments of `side` must have been dropped by the other end.
    pub(in crate::flow) fn note_unacceptable(&mut self, side: Side, count: u32) {
        let end = self.notes.get_or_insert_default().end_mut(side);
        end.unacceptable = end.unacceptable.saturating_add(count);
    }

    /// Octets that one end acknowledged and the capture lacks, and the frame that acknowledged the first of them.
    pub fn missing(&self) -> Option<(u64, u64)> {
        let ends = self.notes().map(|notes| [&notes.client.holes, &notes.server.holes])?;
        let frame = ends.iter().filter(|holes| holes.octets > 0).map(|holes| holes.frame).min()?;
        Some((ends.iter().map(|holes| holes.octets).sum(), frame))
    }

    /// Takes notes of a segment. `silence` is the time since the segment before it, nanoseconds; `now` the packet clock.
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
        let mut new = if peer.track.follow(s, first) { Facts::TTL_CHANGED } else { Facts::NONE };
        if !s.flags.any(Flags::SYN | Flags::RST) {
            new |= self.note_payload(s, from, facts, track);
        }
        let reset = facts.any(Facts::RST) && (self.was_open() || self.peer(from).rst_count > 1);
        if self.notes.is_some()
            || reset
            || s.options.sack_blocks > 0
            || (facts.any(Facts::DUPLICATE_ACK) && self.asks_again(s, from, facts).is_some())
            || silence >= LONG_SILENCE
            || facts.any(Facts::NOTEWORTHY)
        {
            new |= self.write_notes(s, from, facts, silence, track);
        }
        let counted = if silence >= SILENCE { silence / MILLISECOND } else { 0 };
        self.tracking.silence = u32::try_from(counted).unwrap_or(u32::MAX);
        if (facts | new).any(Facts::AWAITS) {
            self.tracking.quiet_at = now.after(QUIET);
        }
        new
    }

    fn write_notes(&mut self, s: &Segment, from: Side, facts: Facts, silence: i64, track: HeaderTrack) -> Facts {
        let mut notes = self.notes.take().unwrap_or_default();
        if silence >= LONG_SILENCE {
            (notes.silence, notes.silence_end) = (silence, s.time);
        }
        if facts.any(Facts::SYNACK_WRONG_ACK) && notes.wrong_synack.is_none() {
            let (time, frame, seq, ack) = (s.time, s.frame, s.seq, s.ack_field);
            notes.wrong_synack = Some(WrongSynAck { time, frame, seq, ack, ttl: s.ttl, window: s.window });
        }
        let mut new = self.note_answers(&mut notes, s, from, facts);
        new |= self.note_storms(&mut notes, s, from, facts);
        if facts.any(Facts::RST) {
            new |= self.note_reset(notes.end_mut(from), s, from, facts, track);
        } else if !s.flags.has(Flags::SYN) {
            new |= self.note_life_after_reset(&mut notes, s, from, facts);
        }
        if facts.any(Facts::AFTER_CLOSE) && self.both_fins() {
            let passive = self.teardown.first_fin != Some(from);
            if passive && facts.any(Facts::FIN_REPEATED | Facts::RETRANSMITTED) {
                notes.late_copy = true;
            }
            notes.late_copy_acked |= !passive && notes.late_copy;
        }
        self.notes = Some(notes);
        new
    }

    /// Repetitions and probes, until the other end says anything.
    fn note_answers(&self, notes: &mut Notes, s: &Segment, from: Side, facts: Facts) -> Facts {
        let mut new = Facts::NONE;
        let other_closed = notes.end(from.other()).closed_window;
        let other = notes.end_mut(from.other());
        (other.repeats.count, other.probes.count) = (0, 0);
        let knocks = facts.any(Facts::PROBE | Facts::RETRANSMITTED) || s.payload == 1;
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
        if facts.any(Facts::ZERO_WINDOW) && !s.flags.any(Flags::FIN) {
            let since = *own.closed_window.get_or_insert(s.time);
            if own.knocks > 0 && s.time - since >= STALL {
                new |= Facts::WINDOW_STALL;
            }
        } else if s.flags.has(Flags::ACK) {
            (own.closed_window, own.knocks) = (None, 0);
        }
        if other_closed.is_none() && facts.any(Facts::PROBE) {
            own.probes.again(s);
        } else if facts.any(Facts::RETRANSMITTED) {
            own.repeats.again(s);
        }
        if own.probes.count.max(own.repeats.count) >= 2 { new | Facts::UNANSWERED } else { new }
    }

    /// Where `s` acknowledges what its sender did before, without SACK: something behind that arrived. How much had been sent from
    /// there on, octets.
    fn asks_again(&self, s: &Segment, from: Side, facts: Facts) -> Option<u32> {
        let plain = self.in_effect().is_some_and(|options| !options.sack);
        let next = self.peer(from.other()).next.filter(|_| facts.any(Facts::DUPLICATE_ACK) && plain)?;
        next.after(s.ack_field).then(|| next.offset_from(s.ack_field))
    }

    fn note_storms(&self, notes: &mut Notes, s: &Segment, from: Side, facts: Facts) -> Facts {
        let (fin_count, rst_count) = (self.peer(from).fin_count, self.peer(from).rst_count);
        let own = notes.end_mut(from);
        let misplaced = facts.any(Facts::RST_OLD | Facts::RST_INEXACT | Facts::RST_BEYOND);
        own.misplaced = own.misplaced.saturating_add(u32::from(misplaced));
        let storm = (misplaced && own.misplaced == SWEEP)
            || (facts.any(Facts::FIN) && own.fins.more(s.time, fin_count))
            || (facts.any(Facts::RST) && own.rsts.more(s.time, rst_count));
        if storm { Facts::STORM } else { Facts::NONE }
    }

    fn note_reset(&self, own: &mut EndNotes, s: &Segment, from: Side, facts: Facts, track: HeaderTrack) -> Facts {
        if !self.was_open() {
            return Facts::NONE;
        }
        let mut new = Facts::NONE;
        let r = &mut own.resets;
        // What a host without the connection answers to a segment without ACK tells of no injector: SEQ=0, ACK=SEG.SEQ+SEG.LEN
        // (RFC 9293 section 3.10.7.1). Nor does what comes after both ends have closed.
        let answer = s.seq == SeqNumber(0) && s.flags.has(Flags::ACK);
        // Nor does what another device answers once the end itself has reset: that ended it.
        let over = r.exact && (r.own_ttl || r.kept.is_some_and(|kept| kept.by_id));
        let judged = !answer && !over && self.peer(from).packets > 3;
        let mut evidence = if judged { track.against(s) } else { Evidence::default() };
        // Stacks leave the option out of most resets (RFC 7323 section 3.2): only what it says is judged.
        if judged && self.stamp_is_off(s, from) {
            evidence.add(Evidence::STAMP);
        }
        if facts.any(Facts::RST_INEXACT) {
            evidence.add(Evidence::INEXACT);
            r.inexact = true;
        }
        // Above what its sender had sent: an answer to data in flight lies below.
        let above = facts.any(Facts::RST_INEXACT | Facts::RST_BEYOND) && !answer && !self.teardown.reset_after_both;
        if r.first.is_some() && above && r.last.1 != s.seq && s.time - r.last.0 <= VOLLEY {
            new |= Facts::RESET_VOLLEY;
            if KNOWN_STRIDES.contains(&s.seq.offset_from(r.last.1)) {
                evidence.add(Evidence::VOLLEY);
            }
        }
        if r.first.is_none() {
            r.first = Some((s.time, s.frame, s.seq));
            r.exact = facts.any(Facts::RST_EXACT);
            r.silence = i64::from(self.tracking.silence) * MILLISECOND;
            r.bytes = self.bytes().saturating_sub(u64::from(s.payload));
            r.kept = Kept::by(s, track);
            r.own_ttl = s.ttl == track.ttl;
        }
        if r.first.is_some_and(|(_, frame, _)| frame == s.frame) || evidence.has(Evidence::TTL) {
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
        let mut new = Facts::NONE;
        let end = notes.end_mut(from);
        let own = &mut end.resets;
        // Which of the two is forged: where the reset keeps the line of its sender's packets and this leaves it, not the reset.
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
            if facts.any(Facts::CHALLENGE_ACK) {
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
