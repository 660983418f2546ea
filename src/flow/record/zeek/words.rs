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
//! * `history` ends after [`MAX_LETTERS`] letters; [`ZeekWords::lost_letters`] counts the rest.

mod gaps;
mod history;
mod side;
#[cfg(test)]
mod tests;

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use core::mem;

use smallvec::SmallVec;

use crate::tcp::{Checksum, Flags, Headers, Segment, SeqNumber};

use side::{Advance, Counter, INLINE_LETTERS, Overflow, TOO_FAR};
pub(super) use side::{EndpointState, ORIGINATOR, RESPONDER, Seen, ZeekSide};
pub use side::{MAX_ISLANDS, MAX_LETTERS};

/// Zeek's `likely_server_ports` with its default scripts, sorted: a first segment from one of them comes from a
/// responder.
pub const LIKELY_SERVER_PORTS: &[u16] = &[
    21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 389, 443, 445, 465, 502, 514, 563, 585, 587, 614, 631, 636, 989,
    990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 5432, 6379, 6666, 6667, 6668,
    6669, 8000, 8080, 8888, 20000,
];

/// Zeek's `conn_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum ConnState {
    /// SYN seen, nothing from the responder.
    S0,
    /// Both sides established, not closed.
    S1,
    /// Both sides sent FIN.
    Sf,
    /// The attempt was rejected by a RST.
    Rej,
    /// Established, only the originator sent FIN.
    S2,
    /// Established, only the responder sent FIN.
    S3,
    /// Established, the originator sent RST.
    Rsto,
    /// Established, the responder sent RST.
    Rstr,
    /// SYN then RST from the originator, no SYN-ACK.
    Rstos0,
    /// RST from the responder, nothing SYN-like from the originator.
    Rstrh,
    /// SYN (or data) then FIN from the originator, no SYN-ACK.
    Sh,
    /// FIN from the responder, no SYN from the originator.
    Shr,
    /// Anything else, mid-stream traffic above all.
    Oth,
}

impl ConnState {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
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
        side.has(if payload { Seen::LOGGED_DATA } else { Seen::LOGGED_ACK })
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
            self.sides[sender].marks |= Seen::SENT_FIN;
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
            if self.sides[sender].mark(Seen::LOGGED_SYN) || relative != previous {
                self.log(sender, letter);
            }
            if relative != previous {
                self.rare_mut().last_syn[sender] = relative;
            }
        } else if flags.has(Flags::FIN) {
            let end = relative.wrapping_add(segment.payload);
            let side = &mut self.sides[sender];
            let previous = mem::replace(&mut side.last_fin, end);
            if side.mark(Seen::LOGGED_FIN) || end != previous {
                self.log(sender, b'F');
            }
        } else if flags.has(Flags::RST) {
            let side = &mut self.sides[sender];
            let previous = mem::replace(&mut side.last_rst, relative);
            if side.mark(Seen::LOGGED_RST) || relative != previous {
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
