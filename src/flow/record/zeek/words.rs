//! Zeek's two words for a connection, `conn_state` and `history`, from the segments of one flow.
//!
//! For people who join our output with Zeek's. The rules are Zeek 9's, restated: an endpoint is established as soon as
//! its SYN is answered, no sequence number is ever checked against a window, and a RST counts wherever it lands. They
//! say nothing about what really happened; [`crate::flow`] has its own verdicts for that, and this module must not know
//! them.
//!
//! All segments of one flow belong to one [`ZeekWords`]. When one four-tuple becomes several connections for Zeek, and
//! so several rows of its `conn.log`, is decided by [`super::Connections`].
//!
//! Where this differs from Zeek, on purpose:
//! * Payload that the snapshot length cut off counts as seen. Zeek calls it a gap.
//! * The out-of-order store behind the letter `G` is bounded: beyond [`MAX_ISLANDS`] islands in one direction the
//!   oldest hole counts as filled, so a gap may go unreported, but none is invented. Zeek's limit of 10 MiB of data
//!   that nobody acknowledges is not modelled.
//! * Whoever owns the flows decides whether a wrong checksum is believed: of a sender that has never shown a right one
//!   it is not, as with Zeek's option `-C`, unless `--zeek-checksums` asks for Zeek's own rule.
//! * `history` ends after [`MAX_LETTERS`] letters; [`ZeekWords::lost_letters`] counts what is missing.

use core::mem;

use smallvec::SmallVec;

use crate::flow::record::verdict::named;
use crate::tcp::{Checksum, Flags, Headers, Segment, SeqNumber};

/// Letters kept of a history. Ordinary connections have fewer than twenty; only a sender of ever new SYN, FIN or RST
/// sequence numbers gets here.
pub const MAX_LETTERS: usize = 1024;

/// Islands of data kept above the first hole, per direction.
pub const MAX_ISLANDS: usize = 32;

/// Islands kept in [`Overflow`] itself; few connections have more at a time.
const INLINE_ISLANDS: usize = 4;

/// Zeek's `likely_server_ports` with its default scripts, sorted: a first segment from one of them comes from a
/// responder.
pub const LIKELY_SERVER_PORTS: &[u16] = &[
    21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 389, 443, 445, 465, 502, 514, 563, 585, 587, 614, 631, 636, 989,
    990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 5432, 6379, 6666, 6667, 6668,
    6669, 8000, 8080, 8888, 20000,
];

/// A SYN or RST further than this from the highest sequence number does not move it (octets).
const TOO_FAR: i32 = 1 << 20;

/// Data above a hole, in a direction whose data nobody acknowledges, after which gaps are no longer looked for
/// (octets).
const MAX_ABOVE_HOLE_WITHOUT_ACKS: u32 = 16_384;

/// RFC 7323 section 2.3: no window is larger, so data further above what was seen is none of this connection's
/// (octets).
const LARGEST_WINDOW: i32 = 1 << 30;

/// Letters kept in the record itself; more go to [`Overflow`].
const INLINE_LETTERS: usize = 14;

/// Indices of the two sides.
pub(super) const ORIGINATOR: usize = 0;
pub(super) const RESPONDER: usize = 1;

named! {
    /// Zeek's `conn_state`.
    ConnState {
        /// SYN seen, nothing from the responder.
        S0 = "S0",
        /// Both sides established, not closed.
        S1 = "S1",
        /// Both sides sent FIN.
        Sf = "SF",
        /// The attempt was rejected by a RST.
        Rej = "REJ",
        /// Established, only the originator sent FIN.
        S2 = "S2",
        /// Established, only the responder sent FIN.
        S3 = "S3",
        /// Established, the originator sent RST.
        Rsto = "RSTO",
        /// Established, the responder sent RST.
        Rstr = "RSTR",
        /// SYN then RST from the originator, no SYN-ACK.
        Rstos0 = "RSTOS0",
        /// RST from the responder, nothing SYN-like from the originator.
        Rstrh = "RSTRH",
        /// SYN (or data) then FIN from the originator, no SYN-ACK.
        Sh = "SH",
        /// FIN from the responder, no SYN from the originator.
        Shr = "SHR",
        /// Anything else, mid-stream traffic above all.
        Oth = "OTH",
    }
}

/// `conn_state` and `history` in the making. 80 octets; what few flows need is boxed.
#[derive(Clone, Debug)]
pub struct ZeekWords {
    pub(super) sides: [ZeekSide; 2],
    rare: Option<Box<Overflow>>,
    letters: [u8; INLINE_LETTERS],
    letter_count: u8,
    originator_sent_first: bool,
}

impl ZeekWords {
    /// Starts with the first segment of a flow, which may turn out to be the responder's.
    pub fn new(first: &Segment) -> Self {
        let mut words = Self {
            sides: [ZeekSide::UNSEEN; 2],
            rare: None,
            letters: [0; INLINE_LETTERS],
            letter_count: 0,
            originator_sent_first: true,
        };
        if comes_from_a_server_port(first) {
            words.flip();
            words.push(b'^');
        }
        words.observe(first, true);
        words
    }

    /// Takes the next segment of the flow. `from_first_sender`: whether the sender of the first segment sent this one,
    /// too.
    pub fn observe(&mut self, segment: &Segment, from_first_sender: bool) {
        if segment.headers != Headers::Whole {
            return;
        }
        if segment.checksum == Checksum::Bad {
            self.count(self.role(from_first_sender), Counter::BadChecksum);
            return;
        }
        if self.only_a_syn_ack_so_far() && is_ack_or_data(segment) {
            self.flip();
            self.letter_count = 0;
            self.push(b'^');
            self.push(b'h');
        }
        self.take(segment, self.role(from_first_sender));
    }

    /// Whether the next ordinary segments (data or acknowledgments in order, of kinds logged before) change nothing but
    /// the numbers that [`Self::carry_on`] sets. Where a checksum was wrong these numbers may not be those of the flow.
    pub(in crate::flow) fn is_smooth(&self) -> bool {
        let in_step = self.rare.as_ref().is_none_or(|rare| {
            rare.islands.iter().all(SmallVec::is_empty)
                && rare.counts.iter().all(|counts| counts[Counter::BadChecksum as usize] == 0)
        });
        in_step && self.sides.iter().all(ZeekSide::is_smooth)
    }

    /// Whether one end has sent a segment with payload (or else: one that only acknowledges) before.
    pub(in crate::flow) fn has_logged(&self, from_first_sender: bool, payload: bool) -> bool {
        let side = &self.sides[self.role(from_first_sender)];
        side.has(if payload { ZeekSide::LOGGED_DATA } else { ZeekSide::LOGGED_ACK })
    }

    /// Takes ordinary segments of one end in bulk: it has sent all up to `next`, and the other end acknowledged all up
    /// to `acked`.
    pub(in crate::flow) fn carry_on(&mut self, from_first_sender: bool, next: SeqNumber, acked: SeqNumber) {
        let role = self.role(from_first_sender);
        let side = &mut self.sides[role];
        side.last = next;
        side.edge = next.offset_from(side.start);
        side.acked = side.acked.later(acked);
    }

    /// Zeek's `conn_state`, as of the segments so far.
    pub fn state(&self) -> ConnState {
        use EndpointState::{Closed, Established, Inactive, Reset, SynAckSent, SynSent};
        let [originator, responder] = &self.sides;
        match (originator.state, responder.state) {
            (SynSent | SynAckSent, Reset) => ConnState::Rej,
            (Reset, Reset) if originator.sent_nothing() && responder.sent_nothing() => ConnState::Rej,
            (os, Reset) if os.is_blank() => ConnState::Rstrh,
            (_, Reset) => ConnState::Rstr,
            (Reset, rs) if rs.is_blank() && self.is_syn_then_reset() => ConnState::Rstos0,
            (Reset, rs) if rs.is_blank() => ConnState::Oth,
            (Reset, _) => ConnState::Rsto,
            (Closed, Closed) => ConnState::Sf,
            (Closed, rs) if rs.is_blank() => ConnState::Sh,
            (Closed, _) => ConnState::S2,
            (os, Closed) if os.is_blank() => ConnState::Shr,
            (_, Closed) => ConnState::S3,
            (SynSent, Inactive) => ConnState::S0,
            (Established, Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }

    /// Zeek's `history`: upper case for the originator, lower case for the responder, at most [`MAX_LETTERS`] letters.
    pub fn history(&self) -> String {
        self.letters().map(char::from).collect()
    }

    /// Letters that no longer fitted into the history.
    pub fn lost_letters(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.lost_letters)
    }

    /// Whether Zeek takes the sender of the first segment for the originator.
    pub const fn originator_is_first_sender(&self) -> bool {
        self.originator_sent_first
    }
}

/// How one segment changes the words.
impl ZeekWords {
    /// The order of steps is the order of letters within one segment.
    fn take(&mut self, segment: &Segment, sender: usize) {
        let peer = 1 - sender;
        let overtaken = self.is_overtaken_syn(segment, sender);
        self.sides[sender].start_numbering(segment);
        let relative = segment.seq.offset_from(self.sides[sender].start);

        self.log_kind(segment, sender, relative);
        self.log_zero_window(segment, sender);
        if segment.flags.has(Flags::FIN) {
            self.sides[sender].marks |= ZeekSide::SENT_FIN;
        }
        let acked = self.note_ack(segment, peer);
        if self.sides[sender].advance(segment) == Advance::Nothing {
            self.count(sender, Counter::Retransmission);
        }
        let sender = self.change_state(segment, sender, overtaken);
        if let Some(acked) = acked {
            self.fill_up_to(1 - sender, acked);
        }
        self.store(segment, sender, relative);
    }

    /// A SYN that was captured after the SYN-ACK that answers it.
    fn is_overtaken_syn(&self, segment: &Segment, sender: usize) -> bool {
        sender == RESPONDER
            && segment.flags.any(Flags::SYN)
            && !segment.flags.any(Flags::ACK)
            && self.sides[RESPONDER].state == EndpointState::Inactive
            && self.sides[ORIGINATOR].state == EndpointState::SynAckSent
            && segment.seq == self.sides[RESPONDER].start
    }

    /// S, H, F, R, D, A, I or Q.
    fn log_kind(&mut self, segment: &Segment, sender: usize, relative: u32) {
        let flags = segment.flags;
        let control = [Flags::SYN, Flags::FIN, Flags::RST].into_iter().filter(|f| flags.has(*f)).count();
        if control > 1 {
            let letter = if flags.has(Flags::FIN | Flags::RST) { b'I' } else { b'Q' };
            self.log_once(sender, letter);
        } else if flags.has(Flags::SYN) {
            let letter = if flags.has(Flags::ACK) { b'H' } else { b'S' };
            let previous = self.rare.as_ref().map_or(0, |rare| rare.last_syn[sender]);
            if self.sides[sender].mark(ZeekSide::LOGGED_SYN) || relative != previous {
                self.log(sender, letter);
            }
            if relative != previous {
                self.rare_mut().last_syn[sender] = relative;
            }
        } else if flags.has(Flags::FIN) {
            let end = relative.wrapping_add(segment.payload);
            let side = &mut self.sides[sender];
            let previous = mem::replace(&mut side.last_fin, end);
            if side.mark(ZeekSide::LOGGED_FIN) || end != previous {
                self.log(sender, b'F');
            }
        } else if flags.has(Flags::RST) {
            let side = &mut self.sides[sender];
            let previous = mem::replace(&mut side.last_rst, relative);
            if side.mark(ZeekSide::LOGGED_RST) || relative != previous {
                self.log(sender, b'R');
            }
        } else if segment.payload > 0 {
            self.log_once(sender, b'D');
        } else if flags.has(Flags::ACK) {
            self.log_once(sender, b'A');
        }
    }

    fn log_zero_window(&mut self, segment: &Segment, sender: usize) {
        if segment.window == 0
            && !segment.flags.any(Flags::RST)
            && self.sides[1 - sender].state != EndpointState::Closed
            && self.sides[sender].state != EndpointState::Reset
        {
            self.count(sender, Counter::ZeroWindow);
        }
    }

    /// Notes what the segment acknowledges of `peer`, and returns it relative to the peer's start.
    fn note_ack(&mut self, segment: &Segment, peer: usize) -> Option<u32> {
        let ack = segment.ack()?;
        let peer = &mut self.sides[peer];
        if peer.state == EndpointState::Inactive {
            // As though its SYN had been seen, so that numbering is right from its first segment on.
            peer.number_from(ack.minus(1), ack.minus(1));
            return None;
        }
        let advance = ack.distance(peer.acked);
        let broken = ack == SeqNumber(0) && advance > TOO_FAR;
        if advance > 0 && !broken && !segment.flags.any(Flags::RST) {
            peer.acked = ack;
        }
        Some(ack.offset_from(peer.start))
    }

    /// Moves the state machine. Returns the index of the sender, which an overtaken SYN changes.
    fn change_state(&mut self, segment: &Segment, sender: usize, overtaken: bool) -> usize {
        use EndpointState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let flags = segment.flags;
        let (fin, rst) = (flags.any(Flags::FIN), flags.any(Flags::RST));
        let peer = 1 - sender;
        match self.sides[sender].state {
            Inactive => return self.wake(segment, sender, overtaken),
            SynSent | SynAckSent => {
                if fin {
                    self.sides[sender].set_state(Closed);
                }
                if rst {
                    self.sides[sender].set_state(Reset);
                }
            }
            Established | Partial => {
                let late_syn = flags.any(Flags::SYN) && !flags.any(Flags::ACK);
                if late_syn && self.sides[sender].state == Partial && self.sides[peer].state == Inactive {
                    self.sides[sender].set_state(SynSent);
                }
                if fin && !rst {
                    self.sides[sender].set_state(Closed);
                    // FIN, then RST, and now the other side's FIN: it was a normal end after all.
                    let peer = &mut self.sides[peer];
                    if peer.state == Reset && peer.before == Closed {
                        peer.set_state(Closed);
                    }
                }
                if rst {
                    self.sides[sender].set_state(Reset);
                }
            }
            Closed => {
                if rst && self.sides[peer].state != Closed {
                    self.sides[sender].set_state(Reset);
                }
            }
            Reset => {}
        }
        sender
    }

    /// The first segment of a side.
    fn wake(&mut self, segment: &Segment, mut sender: usize, overtaken: bool) -> usize {
        use EndpointState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let flags = segment.flags;
        let by_responder = sender == RESPONDER;
        if flags.any(Flags::SYN) {
            if by_responder {
                if overtaken {
                    self.flip();
                    self.push(b'^');
                    sender = 1 - sender;
                    self.sides[1 - sender].set_state(Established);
                }
                if self.sides[1 - sender].state == SynSent {
                    self.sides[1 - sender].set_state(Established);
                }
                self.sides[sender].set_state(Established);
            } else {
                self.sides[sender].set_state(if flags.any(Flags::ACK) { SynAckSent } else { SynSent });
            }
        }
        if flags.any(Flags::FIN) {
            self.sides[sender].set_state(Closed);
        }
        if flags.any(Flags::RST) {
            self.sides[sender].set_state(Reset);
        }
        if self.sides[sender].state == Inactive {
            let peer = self.sides[1 - sender].state;
            if by_responder && segment.payload == 0 && peer == SynSent {
                // Some hosts acknowledge a SYN before they answer it.
            } else if flags.any(Flags::ACK) && peer == Established {
                self.sides[sender].set_state(Established);
            } else {
                self.sides[sender].set_state(Partial);
            }
        }
        sender
    }

    pub(super) fn role(&self, from_first_sender: bool) -> usize {
        if from_first_sender == self.originator_sent_first { ORIGINATOR } else { RESPONDER }
    }

    /// Swaps the roles.
    fn flip(&mut self) {
        self.originator_sent_first = !self.originator_sent_first;
        self.sides.swap(ORIGINATOR, RESPONDER);
        if let Some(rare) = &mut self.rare {
            rare.flip();
        }
    }

    fn only_a_syn_ack_so_far(&self) -> bool {
        self.letter_count == 1 && self.letters[0] == b'H'
    }

    /// `^?S`, then none of the originator's H, A, F, G, I, Q, then `R`.
    fn is_syn_then_reset(&self) -> bool {
        let mut letters = self.letters().peekable();
        letters.next_if_eq(&b'^');
        letters.next() == Some(b'S') && letters.find(|l| b"HAFGIQR".contains(l)) == Some(b'R')
    }
}

/// Gaps: data that was acknowledged, but never seen.
impl ZeekWords {
    /// `side`'s data is acknowledged up to `end` (relative to its start): what was not seen by now is a gap.
    fn fill_up_to(&mut self, side: usize, end: u32) {
        let end = self.sides[side].without_fin(end);
        let ahead = end.wrapping_sub(self.sides[side].edge) as i32;
        if ahead <= 0 {
            return;
        }
        let counts = self.sides.iter().all(ZeekSide::is_clean) && !self.sides[side].has(ZeekSide::GAPS_OFF);
        while let Some(island_end) = self.next_island(side, end) {
            self.sides[side].edge = island_end;
            if counts {
                self.count(side, Counter::Gap);
            }
        }
        if is_later(end, self.sides[side].edge) {
            self.sides[side].edge = end;
            if counts {
                self.count(side, Counter::Gap);
            }
            self.absorb(side);
        }
    }

    /// Removes the first island that starts below `end` and returns where it ends.
    fn next_island(&mut self, side: usize, end: u32) -> Option<u32> {
        let islands = &mut self.rare.as_mut()?.islands[side];
        let first = islands.first()?;
        is_later(end, first.start).then(|| islands.remove(0).end)
    }

    /// Stores the payload of `segment`, the `sender`'s.
    fn store(&mut self, segment: &Segment, sender: usize, relative: u32) {
        if segment.payload == 0 || segment.flags.any(Flags::RST) || self.sides[sender].has(ZeekSide::GAPS_OFF) {
            return;
        }
        let start = relative.wrapping_add(u32::from(segment.flags.has(Flags::SYN)));
        let data = SequenceRange { start, end: start.wrapping_add(segment.payload) };
        let side = &mut self.sides[sender];
        let reach = data.end.wrapping_sub(side.edge) as i32;
        if reach <= 0 || reach > LARGEST_WINDOW || segment.payload > LARGEST_WINDOW as u32 {
            return;
        }
        // Without a handshake no gap will ever be reported, so none is looked for.
        if !is_later(data.start, side.edge) || side.state == EndpointState::Partial {
            side.edge = data.end;
            self.absorb(sender);
            return;
        }
        let unacknowledged = side.nothing_acked();
        let edge = side.edge;
        let islands = &mut self.rare_mut().islands[sender];
        insert(islands, data);
        let above = islands.last().map_or(0, |last| last.end.wrapping_sub(edge));
        if unacknowledged && above > MAX_ABOVE_HOLE_WITHOUT_ACKS {
            islands.clear();
            self.sides[sender].marks |= ZeekSide::GAPS_OFF;
        } else if islands.len() > MAX_ISLANDS {
            self.sides[sender].edge = islands.remove(0).end;
        }
    }

    /// Joins the islands that the edge has reached.
    fn absorb(&mut self, side: usize) {
        let Some(rare) = &mut self.rare else { return };
        let islands = &mut rare.islands[side];
        let edge = &mut self.sides[side].edge;
        while let Some(first) = islands.first().copied()
            && !is_later(first.start, *edge)
        {
            islands.remove(0);
            if is_later(first.end, *edge) {
                *edge = first.end;
            }
        }
    }
}

/// The letters.
impl ZeekWords {
    fn letters(&self) -> impl Iterator<Item = u8> + '_ {
        let more: &[u8] = self.rare.as_ref().map_or(&[], |rare| &rare.letters);
        self.letters.iter().take(self.letter_count as usize).chain(more).copied()
    }

    /// Letters that come at most once per direction.
    fn log_once(&mut self, sender: usize, letter: u8) {
        let mark = match letter {
            b'D' => ZeekSide::LOGGED_DATA,
            b'A' => ZeekSide::LOGGED_ACK,
            b'I' => ZeekSide::LOGGED_FIN_RST,
            _ => ZeekSide::LOGGED_MULTIPLE,
        };
        if self.sides[sender].mark(mark) {
            self.log(sender, letter);
        }
    }

    /// Letters that come at counts of 1, 10, 100, …
    fn count(&mut self, sender: usize, counter: Counter) {
        let count = &mut self.rare_mut().counts[sender][counter as usize];
        *count = count.saturating_add(1);
        if is_power_of_ten(*count) {
            self.log(sender, counter.letter());
        }
    }

    fn log(&mut self, sender: usize, letter: u8) {
        self.push(if sender == ORIGINATOR { letter } else { letter.to_ascii_lowercase() });
    }

    fn push(&mut self, letter: u8) {
        if let Some(free) = self.letters.get_mut(self.letter_count as usize) {
            *free = letter;
            self.letter_count += 1;
            return;
        }
        let rare = self.rare_mut();
        if rare.letters.len() + INLINE_LETTERS < MAX_LETTERS {
            rare.letters.push(letter);
        } else {
            rare.lost_letters = rare.lost_letters.saturating_add(1);
        }
    }

    fn rare_mut(&mut self) -> &mut Overflow {
        self.rare.get_or_insert_default()
    }
}

/// Zeek's state of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EndpointState {
    /// Nothing seen, or nothing that counts.
    #[default]
    Inactive,
    SynSent,
    /// A SYN-ACK without the SYN it answers.
    SynAckSent,
    /// Seen mid-stream.
    Partial,
    Established,
    /// FIN seen.
    Closed,
    /// RST seen.
    Reset,
}

impl EndpointState {
    const fn is_blank(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
    }
}

/// What one endpoint did. Relative numbers count from `start`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ZeekSide {
    /// Sequence number of its SYN, or of the one it would have had.
    pub(super) start: SeqNumber,
    /// One past the highest sequence number it used.
    pub(super) last: SeqNumber,
    /// The highest acknowledgment of its data.
    pub(super) acked: SeqNumber,
    /// All payload below is seen, or given up. Relative.
    pub(super) edge: u32,
    /// Where its last FIN stood, relative.
    last_fin: u32,
    /// Where its last RST stood, relative.
    last_rst: u32,
    marks: u16,
    pub(super) state: EndpointState,
    pub(super) before: EndpointState,
}

/// What a segment does to the highest sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advance {
    /// It moves it, or does not count.
    Fine,
    /// It carries data, and moves nothing.
    Nothing,
}

impl ZeekSide {
    const LOGGED_SYN: u16 = 1;
    const LOGGED_FIN: u16 = 1 << 1;
    const LOGGED_RST: u16 = 1 << 2;
    const LOGGED_FIN_RST: u16 = 1 << 3;
    const LOGGED_DATA: u16 = 1 << 4;
    const LOGGED_ACK: u16 = 1 << 5;
    const LOGGED_MULTIPLE: u16 = 1 << 6;
    pub(super) const SENT_FIN: u16 = 1 << 7;
    /// Too much data without acknowledgments: no gaps are looked for any more.
    pub(super) const GAPS_OFF: u16 = 1 << 8;

    const UNSEEN: Self = Self {
        start: SeqNumber(0),
        last: SeqNumber(0),
        acked: SeqNumber(0),
        edge: 1,
        last_fin: 0,
        last_rst: 0,
        marks: 0,
        state: EndpointState::Inactive,
        before: EndpointState::Inactive,
    };

    pub(super) const fn has(&self, mark: u16) -> bool {
        self.marks & mark != 0
    }

    /// Open, and without holes or doubts about its sequence space.
    fn is_smooth(&self) -> bool {
        matches!(self.state, EndpointState::Established | EndpointState::Partial)
            && !self.has(Self::GAPS_OFF)
            && self.edge == self.last.offset_from(self.start)
    }

    /// Sets a mark; whether it was new.
    const fn mark(&mut self, mark: u16) -> bool {
        let new = !self.has(mark);
        self.marks |= mark;
        new
    }

    fn set_state(&mut self, state: EndpointState) {
        if state != self.state {
            self.before = mem::replace(&mut self.state, state);
        }
    }

    /// Numbering starts with the first segment, and over again with a SYN (but not one after the end).
    fn start_numbering(&mut self, segment: &Segment) {
        use EndpointState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let syn = segment.flags.has(Flags::SYN);
        match self.state {
            Inactive if !syn => self.number_from(segment.seq.minus(1), segment.seq),
            Inactive | Established | Partial if syn => self.number_from(segment.seq, end_of(segment)),
            SynSent | SynAckSent if syn && segment.seq != self.start => self.number_from(segment.seq, end_of(segment)),
            Reset if syn && self.before == Inactive => self.number_from(segment.seq, end_of(segment)),
            Inactive | Established | Partial | SynSent | SynAckSent | Closed | Reset => {}
        }
    }

    const fn number_from(&mut self, start: SeqNumber, last: SeqNumber) {
        self.start = start;
        self.acked = start;
        self.last = last;
    }

    fn advance(&mut self, segment: &Segment) -> Advance {
        let end = end_of(segment);
        let by = end.distance(self.last);
        if segment.flags.any(Flags::SYN | Flags::RST) && !(-TOO_FAR..=TOO_FAR).contains(&by) {
            return Advance::Fine;
        }
        if segment.flags.has(Flags::FIN) && self.last == self.start.plus(1) {
            self.last = end;
            return Advance::Fine;
        }
        if self.state == EndpointState::Reset {
            return Advance::Fine;
        }
        if by > 0 {
            self.last = end;
            return Advance::Fine;
        }
        if segment.payload > 0 { Advance::Nothing } else { Advance::Fine }
    }

    /// Whether no payload octet was sent, by sequence numbers.
    fn sent_nothing(&self) -> bool {
        let used = self.last.offset_from(self.start).max(self.acked.offset_from(self.start));
        used <= 1 + u32::from(self.has(Self::SENT_FIN))
    }

    pub(super) fn nothing_acked(&self) -> bool {
        self.acked.offset_from(self.start) <= 1
    }

    /// Established, or closed by a FIN from there: only then do gaps mean something.
    fn is_clean(&self) -> bool {
        self.state == EndpointState::Established
            || (self.state == EndpointState::Closed && self.before == EndpointState::Established)
    }

    /// `end`, an acknowledgment, without the FIN and what may lie beyond it.
    fn without_fin(&self, end: u32) -> u32 {
        if self.has(Self::LOGGED_FIN) && is_later(end, self.last_fin) { self.last_fin } else { end }
    }
}

/// A range of data above a hole, relative to the start.
#[derive(Clone, Copy, Debug)]
struct SequenceRange {
    start: u32,
    end: u32,
}

/// What most flows do without.
#[derive(Clone, Debug, Default)]
struct Overflow {
    counts: [[u32; 4]; 2],
    /// Relative sequence number of the last SYN: not 0 only for one after the end.
    last_syn: [u32; 2],
    /// Sorted, neither touching each other nor the edge.
    islands: [SmallVec<[SequenceRange; INLINE_ISLANDS]>; 2],
    letters: Vec<u8>,
    lost_letters: u32,
}

impl Overflow {
    fn flip(&mut self) {
        self.counts.swap(ORIGINATOR, RESPONDER);
        self.last_syn.swap(ORIGINATOR, RESPONDER);
        self.islands.swap(ORIGINATOR, RESPONDER);
    }
}

/// What is counted on a logarithmic scale.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Counter {
    BadChecksum,
    Retransmission,
    ZeroWindow,
    Gap,
}

impl Counter {
    const fn letter(self) -> u8 {
        match self {
            Self::BadChecksum => b'C',
            Self::Retransmission => b'T',
            Self::ZeroWindow => b'W',
            Self::Gap => b'G',
        }
    }
}

/// Whether the first segment of a flow comes from the responder, judging by ports and flags.
fn comes_from_a_server_port(first: &Segment) -> bool {
    let (syn, ack) = (first.flags.has(Flags::SYN), first.flags.has(Flags::ACK));
    let (source, destination) = (first.source.port, first.destination.port);
    let likely = |port| LIKELY_SERVER_PORTS.binary_search(&port).is_ok();
    (!syn || ack) && likely(source) && (!likely(destination) || (!syn && source < destination))
}

/// No SYN, FIN or RST, but payload or an acknowledgment.
fn is_ack_or_data(segment: &Segment) -> bool {
    !segment.flags.any(Flags::SYN | Flags::FIN | Flags::RST) && (segment.payload > 0 || segment.flags.has(Flags::ACK))
}

/// One past the sequence space that a segment takes; the payload of a RST takes none.
fn end_of(segment: &Segment) -> SeqNumber {
    if segment.flags.has(Flags::RST) { segment.end().minus(segment.payload) } else { segment.end() }
}

/// Whether relative sequence number `a` lies behind `b`.
const fn is_later(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) as i32 > 0
}

/// Adds a range to sorted ranges that do not touch each other, and joins it with those that it touches.
fn insert(islands: &mut SmallVec<[SequenceRange; INLINE_ISLANDS]>, mut new: SequenceRange) {
    let mut at = 0;
    while let Some(old) = islands.get(at).copied() {
        if is_later(old.start, new.end) {
            break;
        }
        if is_later(new.start, old.end) {
            at += 1;
            continue;
        }
        islands.remove(at);
        if is_later(new.start, old.start) {
            new.start = old.start;
        }
        if is_later(old.end, new.end) {
            new.end = old.end;
        }
    }
    islands.insert(at, new);
}

const fn is_power_of_ten(mut n: u32) -> bool {
    while n > 1 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::script::{self, Sent};

    fn words(script: &str) -> ZeekWords {
        let mut sent = script::read(script).into_iter();
        let Sent { segment, .. } = sent.next().expect("a script has a segment");
        let mut words = ZeekWords::new(&segment);
        for Sent { segment, from_first_sender } in sent {
            words.observe(&segment, from_first_sender);
        }
        words
    }

    /// Cases are (script, history, conn_state); see [`script::read`].
    fn check(cases: &[(&str, &str, &str)]) {
        for (script, history, state) in cases {
            let words = words(script);
            let found = (words.history(), words.state().name());
            assert_eq!(found, (String::from(*history), *state), "{script}");
        }
    }

    #[test]
    fn every_row_of_conn_state() {
        check(&[
            // 1
            ("> S, < RA", "Sr", "REJ"),
            ("> SA a1, < R", "Hr", "REJ"),
            ("> S, < SA, > R, < R", "ShRr", "REJ"),
            // 2
            ("443>50000: > R", "^r", "RSTRH"),
            ("> PA 5, < R", "Dr", "RSTRH"),
            // 3
            ("> S, < SA, > A, < R", "ShAr", "RSTR"),
            ("> S, < SA, > A, > PA 9, > R, < R", "ShADRr", "RSTR"),
            ("> S, < SA, > A, > FA, < R", "ShAFr", "RSTR"),
            // 4
            ("> S, > R", "SR", "RSTOS0"),
            ("> S, < A a1, > R", "SaR", "RSTOS0"),
            ("> S, > PA 9, > R", "SDR", "RSTOS0"),
            // 5
            ("> R", "R", "OTH"),
            ("> S, < A a1, > FA, > R", "SaFR", "OTH"),
            // 6
            ("> S, < SA, > R", "ShR", "RSTO"),
            ("> S, < SA, > A, < FA, > R", "ShAfR", "RSTO"),
            // 7
            ("> S, < SA, > A, > FA, < FA, > A", "ShAFf", "SF"),
            // 8
            ("> S, > FA", "SF", "SH"),
            ("> PA 4, > FA", "DF", "SH"),
            ("> S, < SA, > A, > FA, < A", "ShAFa", "S2"),
            // 9
            ("443>50000: > FA", "^f", "SHR"),
            ("> PA 4, < FA", "Df", "SHR"),
            ("> S, < SA, > A, < FA, > A", "ShAf", "S3"),
            ("> S, < FA", "Sf", "S3"),
            // 10
            ("> S", "S", "S0"),
            ("> S, > S @0, > S @0", "S", "S0"),
            ("> S, < A a1", "Sa", "S0"),
            // 11
            ("> S, < SA", "Sh", "S1"),
            ("> S, < SA, > A, > PA 9, < A", "ShADa", "S1"),
            // 12
            ("> A", "A", "OTH"),
            ("> SA a1", "H", "OTH"),
            ("> S, < PA 3", "Sd", "OTH"),
            ("> -", "", "OTH"),
        ]);
    }

    #[test]
    fn what_follows_from_the_rules() {
        check(&[
            // Mid-stream, but closed by both.
            ("> FA, < A, < FA, > A", "FafA", "SF"),
            // A RST after both FINs changes nothing.
            ("> S, < SA, > A, > FA, < FA, < R", "ShAFfr", "SF"),
            ("> S, < SA, > A, > FA, < FA, > R", "ShAFfR", "SF"),
            // A RST by a side that sent FIN is undone by the other side's FIN.
            ("> S, < SA, > A, > FA, > R, < FA", "ShAFRf", "SF"),
            ("> S, < SA, > A, > R, < FA", "ShARf", "RSTO"),
            // Data before the SYN-ACK: partial for good.
            ("> S, < PA 3, < SA, > A", "SdhA", "OTH"),
            ("> S, < PA 3, < SA, > A, > FA, < FA", "SdhAFf", "SF"),
            // Simultaneous open, kept as one flow.
            ("> S, < S, > SA @0, < SA @0", "Ss", "S1"),
            // The SYN-ACK need not acknowledge the SYN.
            ("> S, < SA a77", "ShG", "S1"),
            ("> S, < SA a0", "Sh", "S1"),
            // FIN and RST in one segment is a RST.
            ("> S, < SA, > A, > FRA", "ShAI", "RSTO"),
            ("> S, < FRA", "Si", "REJ"),
            ("> FRA", "I", "OTH"),
            // Sizes by sequence numbers: one octet of data makes it RSTR.
            ("> S, < SA, < PA 1, > R, < R", "ShdRr", "RSTR"),
            ("> S, < SA, > FA, < R", "ShFr", "RSTR"),
            // Nothing moves a side that was reset.
            ("> S, < SA, > R, > FA, > S @0", "ShRF", "RSTO"),
            ("> A, > S", "AS", "S0"),
            ("> A, > S, < SA", "ASh", "S1"),
        ]);
    }

    #[test]
    fn who_is_the_originator() {
        check(&[
            ("443>50000: > SA a1, < A", "^hA", "S1"),
            ("443>50000: > A, < A", "^aA", "OTH"),
            ("443>50000: > S", "S", "S0"),
            // Both are likely servers: the lower port is, unless it is a SYN-ACK.
            ("80>443: > A", "^a", "OTH"),
            ("443>80: > A", "A", "OTH"),
            ("80>443: > SA a1", "H", "OTH"),
            ("50000>443: > A", "A", "OTH"),
            // Began with a SYN-ACK: the next acknowledgment or data flips.
            ("> SA a1, < A", "^hA", "OTH"),
            ("> SA a1, > PA 5", "^hd", "OTH"),
            ("> SA a1, > SA @0, < A", "^hA", "OTH"),
            ("> SA a1, < A, < FA, > FA", "^hAFf", "SF"),
            // SYN captured after the SYN-ACK.
            ("> SA a1, < S @0, < A", "Hs^A", "S1"),
            ("> SA a1, < S @9", "Hs", "OTH"),
            ("443>50000: > SA a1, < S @0, < A", "^hSA", "OTH"),
            ("443>50000: > SA a1, < S @0, < A, < FA, > FA", "^hSAFf", "SF"),
        ]);
        for (script, first) in [
            ("> S, < SA", true),
            ("443>50000: > A", false),
            ("> SA a1", true),
            ("> SA a1, < A", false),
            ("> SA a1, < S @0", false),
        ] {
            assert_eq!(words(script).originator_is_first_sender(), first, "{script}");
        }
    }

    #[test]
    fn segments_that_do_not_count() {
        check(&[
            ("> S bogus", "", "OTH"),
            ("> S cut, < SA cut", "", "OTH"),
            ("443>50000: > A bogus", "^", "OTH"),
            ("> S, < SA bogus", "S", "S0"),
            ("> S bad", "C", "OTH"),
            ("443>50000: > A bad", "^c", "OTH"),
            ("> S, < SA bad, < R bad", "Sc", "S0"),
            ("> S offload, < SA unverifiable, > A", "ShA", "S1"),
        ]);
    }

    #[test]
    fn letters_that_come_once_and_those_that_come_again() {
        check(&[
            ("> S, < SA, > A, > PA 5, > A, < A, < PA 7, < A, > PA 5", "ShADad", "S1"),
            ("> S, < SA, > A, > SF, > SR, > SF @0", "ShAQ", "RSTO"),
            // The same SYN-ACK again, a SYN and a SYN-ACK with one number, another number before the end.
            ("> S, < SA, < SA @0, > A", "ShA", "S1"),
            ("> S, < S, < SA @0", "Ss", "S1"),
            ("> S, < SA, < SA @9", "Sh", "S1"),
            // After the end the number counts.
            ("> S, < SA, > R, > S @5, > S @5, > S @6", "ShRSS", "RSTO"),
            ("> S, < SA, > A, > FA, > FA @1, > A", "ShAF", "S2"),
            ("> S, < SA, > A, > FA, > FA @2", "ShAFF", "S2"),
            // The end of the data is what counts for a FIN.
            ("> S, < SA, > A, > PA 4, > FA, > FPA 4 @1", "ShADFT", "S2"),
            ("> S, < R @1, < R @1, < R @2, < R @1", "Srrr", "REJ"),
        ]);
    }

    #[test]
    fn retransmissions() {
        check(&[
            ("> S, < SA, > A, > PA 5, > PA 5 @1", "ShADT", "S1"),
            // A keepalive with a garbage octet, and one without.
            ("> S, < SA, > A, > PA 5, < A, > A 1 @5", "ShADaT", "S1"),
            ("> S, < SA, > A, > PA 5, < A, > A @5", "ShADa", "S1"),
            // Partly new is new.
            ("> S, < SA, > A, > PA 5, > PA 9 @1", "ShAD", "S1"),
            // The first segment of a mid-stream side is never one.
            ("> PA 5, < PA 5, > PA 5 @1", "DdT", "OTH"),
            ("> S, < SA, > A, > FA, > FA @1", "ShAF", "S2"),
            // The data of a SYN counts as a repetition of itself: its numbering starts behind it.
            ("> S 7", "ST", "S0"),
            // A SYN-ACK starts numbering over again.
            ("> S, < SA, < PA 5, < SA @0, < PA 5 @1", "Shd", "S1"),
        ]);
    }

    #[test]
    fn zero_windows() {
        check(&[
            ("> S, < SA, > A, < PA 5, > A w0", "ShAdW", "S1"),
            ("> S, < SA w0", "Shw", "S1"),
            ("> S, < SA, > A, > R w0", "ShAR", "RSTO"),
            ("> S, < SA, > A, > FA, < A w0", "ShAFa", "S2"),
            ("> S, < SA, > A, > FA w0", "ShAFW", "S2"),
            ("> S, < SA, > R, > A w0", "ShRA", "RSTO"),
            ("> S, < SA, > A, < PA 5, < PA 5 @1 w0", "ShAdwt", "S1"),
        ]);
    }

    #[test]
    fn counts_are_logarithmic() {
        for (count, history) in [(1, "ShADT"), (9, "ShADT"), (10, "ShADTT"), (99, "ShADTT"), (100, "ShADTTT")] {
            let script = format!("> S, < SA, > A, > PA 5{}", ", > PA 5 @1".repeat(count));
            check(&[(&script, history, "S1")]);
        }
        for (count, history) in [(9, "SC"), (10, "SCC")] {
            check(&[(&format!("> S{}", ", > A bad".repeat(count)), history, "S0")]);
        }
    }

    #[test]
    fn gaps() {
        check(&[
            // Acknowledged, never seen.
            ("> S, < SA, > A, < A a6", "ShAaG", "S1"),
            ("> S, < SA, > A, > PA 5, < A a20", "ShADaG", "S1"),
            // Not acknowledged: may still come.
            ("> S, < SA, > A, > PA 5 @11", "ShAD", "S1"),
            ("> S, < SA, > A, > PA 5 @11, > PA 10 @1, < A a16", "ShADTa", "S1"),
            ("> S, < SA, > A, > PA 5 @11, < A a16", "ShADaG", "S1"),
            // A hole below the acknowledgment, and one that it does not reach.
            ("> S, < SA, > A, > PA 5 @11, > PA 5 @21, < A a16, < A a26", "ShADaG", "S1"),
            // The tenth hole shows.
            (
                "> S, < SA, > A, < A a6, < A a16, < A a26, < A a36, < A a46, < A a56, < A a66, < A a76, < A a86",
                "ShAaG",
                "S1",
            ),
            (
                "> S, < SA, > A, < A a6, < A a16, < A a26, < A a36, < A a46, < A a56, < A a66, < A a76, < A a86, < A \
                 a96",
                "ShAaGG",
                "S1",
            ),
            // Given up once, not reported twice.
            ("> S, < SA, > A, < A a6, < A a6, > PA 5 @1, < A a6", "ShAaGD", "S1"),
            // The acknowledgment of SYN, FIN, and data in the SYN.
            ("> S, < SA, > A, > FA, < A a2, < FA a2, > A a2", "ShAFaf", "SF"),
            ("> S 7, < SA a8, > A", "SThA", "S1"),
            ("> S, < SA a8, > A", "ShGA", "S1"),
            ("> S, < SA, > A, > FPA 5, < A a7, < FA, > A", "ShAFaf", "SF"),
            ("> S, < SA, > A, > FA @6, < A a7", "ShAFaG", "S2"),
            // Not where a RST or missing handshake makes it unreliable.
            ("> S, < SA, > A, < RA a50", "ShAr", "RSTR"),
            ("> PA 5, < A a50", "Da", "OTH"),
            ("443>50000: > SA a1, < A, > PA 5 @11, < A a16", "^hAdg", "S1"),
        ]);
    }

    #[test]
    fn much_data_above_a_hole_without_acknowledgments_stops_the_search() {
        check(&[
            ("> S, < SA, > A, > PA 9000 @11, > PA 9000, < A a18011", "ShADa", "S1"),
            ("> S, < SA, > A, > PA 9000 @11, < A a9011", "ShADaG", "S1"),
        ]);
    }

    #[test]
    fn too_many_islands_invent_no_gap() {
        let islands: String = (1..=40).map(|n| format!(", > PA 5 @{}", n * 10)).collect();
        let words = words(&format!("> S, < SA, > A{islands}"));
        let rare = words.rare.as_ref().expect("islands are kept");
        assert_eq!(rare.islands[ORIGINATOR].len(), MAX_ISLANDS);
        check(&[
            (&format!("> S, < SA, > A{islands}, < A a76"), "ShADa", "S1"),
            (&format!("> S, < SA, > A{islands}, < A a406"), "ShADaGG", "S1"),
        ]);
    }

    #[test]
    fn islands_join() {
        for order in [[11, 21, 16], [16, 11, 21], [21, 16, 11], [11, 16, 21]] {
            let islands: String = order.iter().map(|at| format!(", > PA 5 @{at}")).collect();
            let words = words(&format!("> S, < SA, > A{islands}"));
            let rare = words.rare.as_ref().expect("islands are kept");
            let kept: Vec<_> = rare.islands[ORIGINATOR].iter().map(|i| (i.start, i.end)).collect();
            assert_eq!(kept, [(11, 26)], "{order:?}");
        }
    }

    #[test]
    fn sequence_numbers_may_wrap() {
        for offset in [0, 1, 5, 6, 11, 1 << 31, u32::MAX - 1] {
            let mut words: Option<ZeekWords> = None;
            let text = "> S, < SA, > A, > PA 5, > PA 5 @1, > PA 5 @11, < A a16, > FA, < FA, > A";
            for Sent { mut segment, from_first_sender } in script::read(text) {
                segment.seq = segment.seq.minus(offset).minus(script::ISNS[0]);
                segment.ack_field = segment.ack_field.minus(offset).minus(script::ISNS[0]);
                match &mut words {
                    Some(words) => words.observe(&segment, from_first_sender),
                    None => words = Some(ZeekWords::new(&segment)),
                }
            }
            let words = words.expect("a script has a segment");
            assert_eq!((words.history().as_str(), words.state()), ("ShADTaGFf", ConnState::Sf), "offset {offset}");
        }
    }

    #[test]
    fn the_history_is_bounded() {
        let resets: String = (1..=2000).map(|n| format!(", < R @{n}")).collect();
        let words = words(&format!("> S{resets}"));
        assert_eq!(words.history().len(), MAX_LETTERS);
        assert_eq!(words.lost_letters(), 2001 - MAX_LETTERS as u32);
    }

    #[test]
    fn the_record_is_small() {
        assert!(size_of::<ZeekWords>() <= 80, "{}", size_of::<ZeekWords>());
    }

    #[test]
    fn ports_are_sorted() {
        assert!(LIKELY_SERVER_PORTS.is_sorted());
    }

    proptest::proptest! {
        /// Any segments at all: no panic, a bounded history of known letters, islands in order.
        #[test]
        fn any_segments_will_do(
            sent in proptest::collection::vec((0..2usize, 0..64u16, 0..3u32, -40..40i32, -40..40i32, 0..30u32, 0..9u8), 1..60)
        ) {
            let template = script::read("> S, < S");
            let mut words: Option<ZeekWords> = None;
            for (from, flags, region, seq, ack, payload, oddity) in sent {
                let mut segment = template[from].segment;
                let near = [0, u32::MAX / 2, 77_777][region as usize];
                segment.flags = Flags(flags);
                segment.seq = SeqNumber(near.wrapping_add_signed(seq));
                segment.ack_field = SeqNumber(near.wrapping_add_signed(ack));
                segment.payload = if payload == 29 { u32::MAX - 60 } else { payload };
                segment.window = u16::from(oddity);
                segment.checksum = if oddity == 1 { Checksum::Bad } else { Checksum::Good };
                segment.headers = if oddity == 2 { Headers::BadOffset } else { Headers::Whole };
                match &mut words {
                    Some(words) => words.observe(&segment, from == 0),
                    None => words = Some(ZeekWords::new(&segment)),
                }
                let Some(words) = &words else { continue };
                proptest::prop_assert!(words.history().chars().all(|c| "^SHADFRCGTWIQ".contains(c.to_ascii_uppercase())));
                let Some(rare) = &words.rare else { continue };
                for (side, islands) in words.sides.iter().zip(&rare.islands) {
                    proptest::prop_assert!(islands.len() <= MAX_ISLANDS);
                    let mut below = side.edge;
                    for island in islands {
                        proptest::prop_assert!(is_later(island.start, below) && is_later(island.end, island.start));
                        below = island.end;
                    }
                }
            }
        }
    }
}
