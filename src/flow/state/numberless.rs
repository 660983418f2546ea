//! Captures in which every sequence and acknowledgment number is 0: made by hand, or anonymised. Such numbers
//! show nothing, so that a connection is followed by flags and payload alone, as if each segment had come in order.

use crate::flow::record::flow::Flow;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::Side;
use crate::tcp::{Flags, Segment, SeqNumber};

const ZERO: SeqNumber = SeqNumber(0);

impl Flow {
    /// `s` with the numbers that it would have in order, where it has none. No host answers the SYN 0 with SYN-ACK 0 of
    /// 0: it acknowledges 1.
    pub(in crate::flow) fn numbered(&mut self, s: &Segment, from: Side) -> Option<Segment> {
        let answer = s.flags.has(Flags::SYN | Flags::ACK) || s.flags.has(Flags::RST | Flags::ACK);
        let begins = answer
            && s.seq == ZERO
            && s.ack_field == ZERO
            && from == Side::Server
            && self.tracking.phase == Phase::SynSent
            && self.client.isn == Some(ZERO);
        if !(begins || self.quality.zero_numbers) {
            return None;
        }
        // A refusal proves too little to say so of the capture.
        self.quality.zero_numbers |= begins && s.flags.has(Flags::SYN);
        let (own, other) = (self.peer(from).next, self.peer(from.other()).next);
        let mut numbered = *s;
        if s.seq == ZERO && !s.flags.has(Flags::SYN) {
            numbered.seq = own.unwrap_or(ZERO);
        }
        if s.ack_field == ZERO && s.flags.has(Flags::ACK) {
            numbered.ack_field = other.unwrap_or(ZERO);
        }
        Some(numbered)
    }
}
