//! One direction of a TLS connection: octets in any order to records and handshake messages.
//!
//! Keeps the body of a hello while that is incomplete, and what came ahead of its turn, no more than [`MOST`] octets
//! of each; of everything else only lengths.

use smallvec::SmallVec;

use crate::tcp::SeqNumber;

/// The most octets that are kept of a message, and of what came ahead of its turn.
pub(super) const MOST: usize = 4096;
/// How many segments ahead of their turn are kept.
const MOST_PIECES: usize = 16;
/// How many records of one direction are read, and how many handshake messages: more than any handshake has.
const MOST_RECORDS: u32 = 64;
/// The longest record (RFC 5246 section 6.2.3; that of TLS 1.3 is shorter).
const LONGEST_RECORD: u16 = (1 << 14) + 2048;

/// Record types.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// Octets of an alert.
const ALERT_LEN: usize = 2;

/// Handshake message types.
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;

/// What a direction was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// The header of a record.
    Record { kind: u8, len: u16, behind: SeqNumber },
    /// A handshake message in the clear; of a hello, its body, at most [`MOST`] octets.
    Message { kind: u8, body: &'a [u8], whole: bool },
    /// An alert in the clear.
    Alert { level: u8, description: u8 },
}

/// What follows from it for what is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing.
    GoOn,
    /// From here on handshake messages and alerts are encrypted.
    Sealed,
}

/// Octets of one segment: those captured, and how many more there were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets<'a> {
    pub(super) known: &'a [u8],
    pub(super) len: usize,
}

impl<'a> Octets<'a> {
    pub(super) fn new(known: &'a [u8], len: u32) -> Self {
        let len = len as usize;
        Self { known: known.get(..len).unwrap_or(known), len }
    }

    /// None of which was captured.
    const fn unknown(len: usize) -> Self {
        Self { known: &[], len }
    }

    /// The first `n` of them, and the others.
    fn split(self, n: usize) -> (Self, Self) {
        let n = n.min(self.len);
        let (front, rest) = self.known.split_at(n.min(self.known.len()));
        (Self { known: front, len: n }, Self { known: rest, len: self.len - n })
    }
}

/// A segment ahead of its turn.
#[derive(Clone, Debug)]
struct Piece {
    seq: SeqNumber,
    len: usize,
    known: Vec<u8>,
}

/// A direction.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// Sequence number of the next octet to be read.
    next: SeqNumber,
    header: SmallVec<[u8; 5]>,
    kind: u8,
    /// Octets of the record that are to come.
    record_left: usize,
    records: u32,
    /// The front of a message's header, or of an alert.
    front: SmallVec<[u8; 4]>,
    message: u8,
    messages: u32,
    /// Octets of the message that are to come, once its header is whole.
    message_left: Option<usize>,
    body: Vec<u8>,
    /// Whether `body` is all there was so far.
    body_whole: bool,
    sealed: bool,
    lost: bool,
    /// Whether octets were missing that had to be read.
    pub(super) missed: bool,
    pieces: Vec<Piece>,
}

impl Stream {
    /// A direction whose next octet has this number.
    pub(super) fn new(next: SeqNumber) -> Self {
        Self {
            next,
            header: SmallVec::new(),
            kind: 0,
            record_left: 0,
            records: 0,
            front: SmallVec::new(),
            message: 0,
            messages: 0,
            message_left: None,
            body: Vec::new(),
            body_whole: true,
            sealed: false,
            lost: false,
            missed: false,
            pieces: Vec::new(),
        }
    }

    /// Sequence number of the next octet to be read.
    pub(super) const fn next(&self) -> SeqNumber {
        self.next
    }

    /// Whether it is out of step with the records: nothing more can be read.
    pub(super) const fn is_lost(&self) -> bool {
        self.lost
    }

    /// How many octets it keeps.
    pub(super) fn kept(&self) -> usize {
        self.body.len() + self.pieces.iter().map(|piece| piece.known.len()).sum::<usize>()
    }

    /// Takes the octets of a segment that begins with number `seq`.
    pub(super) fn take(&mut self, seq: SeqNumber, octets: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) {
        let ahead = seq.distance(self.next);
        if ahead > 0 {
            self.keep(seq, octets);
            return;
        }
        let old = ahead.unsigned_abs() as usize;
        if old < octets.len {
            self.read(octets.split(old).1, each);
            self.catch_up(each);
        }
    }

    /// The other end acknowledged what comes before `ack`: octets that did not come by then are missing.
    pub(super) fn acknowledged(&mut self, ack: SeqNumber, each: &mut dyn FnMut(Found<'_>) -> Then) {
        /// More than this is no gap but another connection's number.
        const MOST_MISSING: i32 = 1 << 24;
        while !self.lost && (1..MOST_MISSING).contains(&ack.distance(self.next)) {
            let nearest = self.pieces.iter().map(|piece| piece.seq.offset_from(self.next)).min();
            let missing = nearest.unwrap_or(u32::MAX).min(ack.offset_from(self.next));
            self.read(Octets::unknown(missing as usize), each);
            self.catch_up(each);
        }
    }

    /// Keeps what came ahead of its turn, if there is room.
    fn keep(&mut self, seq: SeqNumber, octets: Octets<'_>) {
        let kept: usize = self.pieces.iter().map(|piece| piece.known.len()).sum();
        let again = self.pieces.iter().any(|piece| piece.seq == seq && piece.len >= octets.len);
        if again || self.lost || self.pieces.len() >= MOST_PIECES || kept + octets.known.len() > MOST {
            return;
        }
        self.pieces.push(Piece { seq, len: octets.len, known: octets.known.to_vec() });
    }

    /// Reads what came ahead of its turn and is next now.
    fn catch_up(&mut self, each: &mut dyn FnMut(Found<'_>) -> Then) {
        while let Some(at) = self.pieces.iter().position(|piece| piece.seq.at_or_before(self.next)) {
            let piece = self.pieces.swap_remove(at);
            let old = self.next.offset_from(piece.seq) as usize;
            if old < piece.len {
                self.read(Octets { known: &piece.known, len: piece.len }.split(old).1, each);
            }
        }
    }

    /// Reads the next octets.
    fn read(&mut self, octets: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) {
        let end = self.next.plus(octets.len as u32);
        let mut left = octets;
        while left.len > 0 && !self.lost {
            let read = if self.record_left == 0 { self.read_header(left, each) } else { self.read_record(left, each) };
            left = left.split(read).1;
        }
        self.next = end;
    }

    /// Reads what there is of a record's header; how many octets.
    fn read_header(&mut self, octets: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) -> usize {
        const LEN: usize = 5;
        let wanted = (LEN - self.header.len()).min(octets.len);
        let Some(octets) = octets.known.get(..wanted) else {
            (self.lost, self.missed) = (true, true);
            return 0;
        };
        self.header.extend_from_slice(octets);
        self.next = self.next.plus(wanted as u32);
        if let Some([kind, 3, minor, high, low]) = self.header.first_chunk::<LEN>().copied() {
            self.header.clear();
            self.begin_record(kind, minor, u16::from_be_bytes([high, low]), each);
        } else if self.header.len() == LEN {
            self.lost = true;
        }
        wanted
    }

    fn begin_record(&mut self, kind: u8, minor: u8, len: u16, each: &mut dyn FnMut(Found<'_>) -> Then) {
        const HEARTBEAT: u8 = 24;
        self.records += 1;
        let empty = len == 0 && kind != APPLICATION_DATA;
        let known = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) && minor <= 4;
        if !known || empty || len > LONGEST_RECORD || self.records > MOST_RECORDS {
            self.lost = true;
            return;
        }
        (self.kind, self.record_left) = (kind, usize::from(len));
        self.tell(Found::Record { kind, len, behind: self.next }, each);
    }

    /// Reads what there is of a record's body; how many octets.
    fn read_record(&mut self, octets: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) -> usize {
        let (part, _) = octets.split(self.record_left);
        let is_alert = self.kind == ALERT && self.front.len() + self.record_left == ALERT_LEN;
        self.record_left -= part.len;
        self.next = self.next.plus(part.len as u32);
        match self.kind {
            HANDSHAKE if !self.sealed => self.read_messages(part, each),
            ALERT if !self.sealed && is_alert && self.message_left.is_none() => self.read_alert(part, each),
            _ => {}
        }
        part.len
    }

    fn read_alert(&mut self, part: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) {
        self.front.extend_from_slice(part.known);
        if part.known.len() < part.len {
            (self.missed, self.sealed) = (true, true);
        } else if let Some([level, description]) = self.front.first_chunk::<ALERT_LEN>().copied() {
            self.front.clear();
            self.tell(Found::Alert { level, description }, each);
        }
    }

    fn read_messages(&mut self, mut part: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) {
        while part.len > 0 && !self.sealed {
            let read = match self.message_left {
                None => self.read_front(part, each),
                Some(left) => self.read_message(part, left, each),
            };
            part = part.split(read).1;
        }
    }

    /// Reads what there is of a message's header; how many octets.
    fn read_front(&mut self, part: Octets<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) -> usize {
        const LEN: usize = 4;
        let wanted = LEN.saturating_sub(self.front.len()).min(part.len);
        let Some(octets) = part.known.get(..wanted) else {
            (self.missed, self.sealed) = (true, true);
            return part.len;
        };
        self.front.extend_from_slice(octets);
        if let Some([kind, high, middle, low]) = self.front.first_chunk::<LEN>().copied() {
            self.front.clear();
            self.messages += 1;
            self.sealed |= self.messages > MOST_RECORDS;
            (self.message, self.body_whole) = (kind, true);
            self.message_left = Some(u32::from_be_bytes([0, high, middle, low]) as usize);
            if self.message_left == Some(0) {
                self.end_message(each);
            }
        }
        wanted
    }

    /// Reads what there is of a message's body; how many octets.
    fn read_message(&mut self, part: Octets<'_>, left: usize, each: &mut dyn FnMut(Found<'_>) -> Then) -> usize {
        let (part, _) = part.split(left);
        if matches!(self.message, CLIENT_HELLO | SERVER_HELLO) && self.body_whole {
            let room = MOST.saturating_sub(self.body.len());
            self.body.extend_from_slice(part.known.get(..room).unwrap_or(part.known));
            self.body_whole = part.known.len() == part.len && part.len <= room;
        }
        self.message_left = Some(left - part.len);
        if left == part.len {
            self.end_message(each);
        }
        part.len
    }

    fn end_message(&mut self, each: &mut dyn FnMut(Found<'_>) -> Then) {
        self.message_left = None;
        let body = core::mem::take(&mut self.body);
        self.tell(Found::Message { kind: self.message, body: &body, whole: self.body_whole }, each);
    }

    fn tell(&mut self, found: Found<'_>, each: &mut dyn FnMut(Found<'_>) -> Then) {
        self.sealed |= each(found) == Then::Sealed;
    }
}
