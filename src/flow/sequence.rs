//! Sequence accounting of one flow: what each end has sent and acknowledged, and what that makes of a segment.

use super::facts::Facts;
use super::model::Flow;
use super::peer::Peer;
use super::tuple::Side;
use crate::tcp::{Flags, Segment, SeqNumber};
use crate::time::{MILLISECOND, Timestamp};

/// Window scale assumed where the handshake was not seen (findings section 0): the largest there is.
const UNKNOWN_SCALE: u8 = 14;
/// Reordering window where no round trip is known (Wireshark's rule), nanoseconds.
const REORDER_DEFAULT: i64 = 3 * MILLISECOND;
/// Upper bound of the reordering window, nanoseconds.
const REORDER_MAX: i64 = 100 * MILLISECOND;
/// An acknowledgment further ahead than this of what was sent is a forgery or another stream, not a hole in the capture.
const PLAUSIBLE_HOLE: i32 = 1 << 30;

impl Flow {
    /// How late an octet may come and still be reordered rather than retransmitted, nanoseconds (findings section 0, RW).
    pub fn reorder_window(&self) -> i64 {
        self.handshake.rtt().map_or(REORDER_DEFAULT, |rtt| rtt.clamp(0, REORDER_MAX))
    }

    /// Lower and upper bound of what `side` expects next (RCV.NXT), as far as a bystander can know (findings section 0).
    pub fn expected_by(&self, side: Side) -> Option<(SeqNumber, SeqNumber)> {
        let low = self.peer(side).acked?;
        let high = self.peer(side.other()).next.map_or(low, |next| next.later(low));
        Some((low, high))
    }

    /// Takes the sequence and acknowledgment numbers of a segment that is neither SYN nor RST.
    pub(super) fn account(&mut self, s: &Segment, from: Side) -> Facts {
        let window = self.reorder_window();
        let mut facts = self.account_sequence(s, from, window);
        facts |= self.account_acknowledgment(s, from);
        facts
    }

    /// Takes the sequence space of a SYN or SYN-ACK.
    pub(super) fn account_syn(&mut self, s: &Segment, from: Side) {
        let peer = self.peer_mut(from);
        let end = s.end();
        peer.next = Some(peer.next.map_or(end, |next| next.later(end)));
        if peer.packets <= 1 {
            peer.first_seq = s.seq;
        }
        if let Some(ack) = s.ack() {
            peer.acked = Some(ack);
            peer.edge = Some(ack.plus(u32::from(s.window)));
        }
    }

    fn account_sequence(&mut self, s: &Segment, from: Side, reorder_window: i64) -> Facts {
        let acked = self.peer(from.other()).acked;
        let peer = self.peer_mut(from);
        let Some(next) = peer.next else {
            peer.first_seq = s.seq;
            peer.next = Some(s.end());
            return if s.payload > 0 { Facts::NEW_DATA } else { Facts::NONE };
        };
        // An octet that is still to be acknowledged is sent again, and asks for nothing else.
        let outstanding = s.payload == 1 && acked.is_some_and(|acked| acked.at_or_before(s.seq)) && peer.data_count > 1;
        if is_probe(s, next) && !outstanding {
            return Facts::PROBE;
        }
        if s.is_empty() {
            return if s.seq.after(next) { gap(peer, next, s, s.time) } else { Facts::NONE };
        }
        let end = s.end();
        if s.seq.after(next) {
            let facts = gap(peer, next, s, s.time);
            peer.next = Some(end);
            return facts | Facts::NEW_DATA;
        }
        if end.after(next) {
            peer.next = Some(end);
            return Facts::NEW_DATA;
        }
        fill(peer, s, end, reorder_window)
    }

    fn account_acknowledgment(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(ack) = s.ack() else { return Facts::NONE };
        let scale = self.scale_of(from);
        let (sender_next, data) = (self.peer(from.other()).next, s.payload > 0 || s.flags.has(Flags::FIN));
        let mut facts = Facts::NONE;
        let peer = self.peer_mut(from);
        let newer = peer.acked.is_none_or(|acked| ack.after(acked));
        if newer {
            if let Some(next) = sender_next {
                let beyond = ack.distance(next);
                if beyond > 0 && beyond < PLAUSIBLE_HOLE {
                    facts |= Facts::HOLE;
                }
            }
            peer.acked = Some(ack);
        }
        let edge = ack.plus(u32::from(s.window) << scale);
        if peer.acked == Some(ack) {
            match peer.edge {
                Some(old) if old == edge && !newer && !data && !facts.any(Facts::PROBE) => {
                    facts |= Facts::DUPLICATE_ACK;
                }
                Some(old) if old.distance(edge) >= 1 << scale => facts |= Facts::WINDOW_SHRANK,
                _ => {}
            }
            peer.edge = Some(peer.edge.map_or(edge, |old| old.later(edge)));
        }
        if s.window == 0 {
            facts |= Facts::ZERO_WINDOW;
        }
        facts
    }

    /// Shift that applies to the window field of `side`'s segments behind the handshake.
    pub fn scale_of(&self, side: Side) -> u8 {
        match self.in_effect() {
            Some(options) if !options.window_scale => 0,
            Some(_) => self.peer(side).offer.and_then(|o| o.window_scale).unwrap_or(0).min(14),
            None => UNKNOWN_SCALE,
        }
    }
}

/// A keep-alive or window probe: at most one octet, one below what comes next.
fn is_probe(s: &Segment, next: SeqNumber) -> bool {
    s.payload <= 1
        && s.seq.plus(1) == next
        && !s.flags.any(Flags::SYN | Flags::FIN | Flags::RST)
        && s.flags.has(Flags::ACK)
}

fn gap(peer: &mut Peer, next: SeqNumber, s: &Segment, now: Timestamp) -> Facts {
    if s.seq.distance(next) < PLAUSIBLE_HOLE {
        peer.hole = Some((next, s.seq));
        peer.hole_time = now;
    }
    Facts::GAP
}

/// A segment that lies wholly below the highest number seen: it fills a hole, or repeats.
fn fill(peer: &mut Peer, s: &Segment, end: SeqNumber, reorder_window: i64) -> Facts {
    let Some((start, stop)) = peer.hole else { return Facts::RETRANSMITTED };
    if s.seq.before(start) || end.after(stop) {
        return Facts::RETRANSMITTED;
    }
    let late = s.time - peer.hole_time > reorder_window;
    peer.hole = match (s.seq == start, end == stop) {
        (true, true) => None,
        (true, false) => Some((end, stop)),
        (false, _) => Some((start, s.seq)),
    };
    if late { Facts::RETRANSMITTED | Facts::NEW_DATA } else { Facts::OUT_OF_ORDER | Facts::NEW_DATA }
}
