//! Wireshark's `tcp.completeness`: which steps of a conversation were seen, as a sum of bits.
//!
//! For people who join our output with Wireshark's. The rules are those of version 4.0, odd ones included: the first
//! segment of a conversation counts only if it is a SYN, a segment with payload is DATA but not ACK, and nothing is
//! checked against sequence numbers. This module must not know our own verdicts.
//!
//! # When Wireshark starts a new conversation on the same four-tuple
//!
//! Only for a SYN without ACK (whatever else is set) whose sequence number is not the base of its direction: see
//! [`starts_new_conversation`] and [`Bases`]. Neither time nor a FIN or RST ends a conversation; a SYN-ACK never starts
//! one. So a SYN that follows mid-stream traffic of its sender starts a new one, unless its number is one below that of
//! the first segment, and simultaneous opens stay in one piece.
//!
//! # Data connections of FTP
//!
//! Wireshark has the conversation from the moment at which it reads of it on the control connection. Its SYN is then
//! not the first it hears of it, and is not counted: 30 where another connection has 31. See
//! [`Completeness::announced`].
//!
//! # What Wireshark shows
//!
//! One pass of `tshark` prints for each frame the sum as of the frame before it. The final sum, which this module has,
//! is what `tshark -2` prints for the last frame of a stream: by then it has also counted the first segment, which it
//! leaves out of the sum that it prints for the first frame. A header with an offset beyond the end of the segment
//! counts its flags there, and nothing here.

use crate::tcp::{Flags, Headers, Segment, SeqNumber};

/// The sum, 0..=63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Completeness {
    sum: u8,
    /// What the first segment is worth, which Wireshark counts once there is a second one.
    first: u8,
    several: bool,
}

impl Completeness {
    /// A SYN opened the conversation.
    pub const SYN: u8 = 1;
    /// A SYN-ACK was seen.
    pub const SYN_ACK: u8 = 2;
    /// An ACK without payload was seen (one on a FIN or RST, too).
    pub const ACK: u8 = 4;
    /// An ACK with payload was seen, or payload in the opening SYN.
    pub const DATA: u8 = 8;
    /// A FIN with ACK was seen.
    pub const FIN: u8 = 16;
    /// A RST was seen.
    pub const RST: u8 = 32;

    /// Starts with the first segment of a conversation, which alone counts only if it is a SYN. `reused`: whether an
    /// earlier conversation had the same four-tuple; Wireshark then leaves out the payload of the SYN.
    pub fn new(first: &Segment, reused: bool) -> Self {
        let sum = if is_bogus(first) || !opens(first) {
            0
        } else if first.payload > 0 && !reused {
            Self::SYN | Self::DATA
        } else {
            Self::SYN
        };
        Self { sum, first: worth(first), several: false }
    }

    /// Starts with the SYN of a data connection that a protocol announced: Wireshark has its conversation by then, so
    /// the SYN is none that starts one.
    pub const fn announced() -> Self {
        Self { sum: 0, first: 0, several: false }
    }

    /// Takes the next segment of the conversation, from either end.
    pub fn observe(&mut self, segment: &Segment) {
        self.several = true;
        self.sum |= worth(segment);
    }

    /// The number that `tcp.completeness` holds.
    pub const fn number(self) -> u8 {
        if self.several { self.sum | self.first } else { self.sum }
    }
}

/// What one segment adds.
fn worth(segment: &Segment) -> u8 {
    if is_bogus(segment) {
        return 0;
    }
    let flags = segment.flags;
    let mut sum = match (flags.has(Flags::SYN), flags.has(Flags::ACK)) {
        (true, true) => Completeness::SYN_ACK,
        (false, true) if segment.payload > 0 => Completeness::DATA,
        (false, true) => Completeness::ACK,
        (_, false) => 0,
    };
    if flags.has(Flags::FIN | Flags::ACK) {
        sum |= Completeness::FIN;
    }
    if flags.has(Flags::RST) {
        sum |= Completeness::RST;
    }
    sum
}

/// Whether `segment` starts a new conversation for Wireshark, although its four-tuple has one. `base` is the base of
/// the sender's direction there (see [`Bases`]); `None`: neither end has said anything about it yet.
pub fn starts_new_conversation(segment: &Segment, base: Option<SeqNumber>) -> bool {
    opens(segment) && base.is_some_and(|base| base != segment.seq)
}

/// The sequence numbers from which Wireshark counts the two directions of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bases([Option<SeqNumber>; 2]);

impl Bases {
    /// The base of one direction: the sequence number of its SYN, or one below that of its first segment, or one below
    /// the first acknowledgment of its data, whichever came first; a later SYN-ACK moves it.
    pub fn of(&self, first_sender: bool) -> Option<SeqNumber> {
        self.0[usize::from(!first_sender)]
    }

    /// Takes the next segment of the conversation. `from_first_sender`: whether the sender of its first segment sent
    /// it.
    pub fn observe(&mut self, segment: &Segment, from_first_sender: bool) {
        let sender = usize::from(!from_first_sender);
        let syn = segment.flags.has(Flags::SYN);
        let ack = segment.ack();
        if self.0[sender].is_none() || (syn && ack.is_some()) {
            self.0[sender] = Some(if syn { segment.seq } else { segment.seq.minus(1) });
        }
        if let Some(ack) = ack {
            self.0[1 - sender].get_or_insert(ack.minus(1));
        }
    }
}

/// A SYN without ACK, whatever else is set.
fn opens(segment: &Segment) -> bool {
    segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK)
}

fn is_bogus(segment: &Segment) -> bool {
    segment.headers == Headers::BadOffset
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::script::{self, Sent};

    /// The sums of all conversations that a script makes.
    fn sums(script: &str) -> Vec<u8> {
        let mut sums: Vec<Completeness> = Vec::new();
        let mut bases = Bases::default();
        for Sent { segment, from_first_sender } in script::read(script) {
            let reused = starts_new_conversation(&segment, bases.of(from_first_sender));
            if reused {
                bases = Bases::default();
            }
            bases.observe(&segment, from_first_sender);
            match sums.last_mut() {
                Some(sum) if !reused => sum.observe(&segment),
                _ => sums.push(Completeness::new(&segment, reused)),
            }
        }
        sums.into_iter().map(Completeness::number).collect()
    }

    /// What `tshark -2` 4.0.17 says for the same segments, last frame of each stream.
    fn check(cases: &[(&str, &[u8])]) {
        for (script, expected) in cases {
            assert_eq!(sums(script), *expected, "{script}");
        }
    }

    #[test]
    fn ordinary_conversations() {
        check(&[
            ("> S", &[1]),
            ("> S, < SA", &[3]),
            ("> S, < SA, > A", &[7]),
            ("> S, < SA, > PA 5", &[11]),
            ("> S, < SA, > A, > PA 5, < A, > FA, < FA, > A", &[31]),
            ("> S, < SA, > R", &[35]),
            ("> S, < RA", &[37]),
            ("> S, < R", &[33]),
            ("> S, < S, > SA @0, < SA @0", &[3]),
            ("> S bad, < SA bad", &[3]),
            ("> S cut, < SA cut", &[3]),
        ]);
    }

    #[test]
    fn what_counts_when() {
        check(&[
            // Payload in a SYN: only in the first segment of all.
            ("> S 5, < SA", &[11]),
            ("> S, > S 5 @0", &[1]),
            ("> S, < SA 5", &[3]),
            ("> S, > P 5", &[1]),
            ("> S, > -", &[1]),
            // FIN counts with ACK only, which counts itself; payload hides it.
            ("> S, > F", &[1]),
            ("> S, > FA", &[21]),
            ("> S, > FA 5", &[25]),
            ("> S, > SF @0", &[1]),
            ("> S, > SFA @0", &[19]),
            ("> S, > SR @0", &[33]),
            // A keepalive with a garbage octet is data.
            ("> S, < SA, > A, > A 1 @0", &[15]),
            ("> SF", &[1]),
            ("> SR", &[1]),
            ("> SP 5", &[9]),
        ]);
    }

    #[test]
    fn the_first_segment_alone_counts_only_as_a_syn() {
        check(&[
            ("> A, < A", &[4]),
            ("> PA 5", &[0]),
            ("> PA 5, < A", &[12]),
            ("> A, < PA 5", &[12]),
            ("> R, > R", &[32]),
            ("> RA, < A", &[36]),
            ("> SA a1, < S @0, < A", &[6]),
            ("> S bogus, < SA", &[2]),
            ("> S, < SA bogus, > A", &[5]),
        ]);
    }

    #[test]
    fn a_syn_with_another_number_starts_a_new_conversation() {
        check(&[
            ("> S, > S @100", &[1, 1]),
            ("> S, > S 5 @100", &[1, 1]),
            ("> S, > S @100, < SA, > A", &[1, 7]),
            ("> SA a1, < S @9, < A", &[0, 5]),
            ("> A @1, > S @0", &[4]),
            ("> A @1, > S @1", &[0, 1]),
            ("> A, < S @50", &[0, 1]),
            ("> A a7, < S @6", &[4]),
            ("> S, < SA, > A, < SA @40", &[7]),
            ("> S, < SA, > A, < S @77", &[7, 1]),
            ("> S, < SA, > A, < S @0", &[7]),
            ("> S, < SA, > A, > FA, < FA, > A, > S @5000, < SA @9000", &[23, 3]),
            ("> S, < SA, > S @100, < SA @0", &[3, 3]),
            ("> S bogus, > S @1, < SA", &[0, 3]),
        ]);
    }
}
