//! Sequence accounting of one flow: what each end has sent and acknowledged, and what that makes of a segment.

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::peer::Peer;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::Side;
use crate::tcp::{Flags, Segment, SeqNumber};
use crate::time::{MILLISECOND, Timestamp};

/// Window scale assumed where the handshake was not seen: the largest there is.
const UNKNOWN_SCALE: u8 = 14;
/// Reordering window where no round trip is known (Wireshark's rule), nanoseconds.
const REORDER_DEFAULT: i64 = 3 * MILLISECOND;
/// Upper bound of the reordering window, nanoseconds.
const REORDER_MAX: i64 = 100 * MILLISECOND;
/// An acknowledgment further ahead than this of what was sent is a forgery or another stream, not a hole in the
/// capture.
const PLAUSIBLE_HOLE: i32 = 1 << 30;

impl Flow {
    /// How late an octet may come and still be reordered rather than retransmitted, nanoseconds.
    pub fn reorder_window(&self) -> i64 {
        self.handshake.rtt().map_or(REORDER_DEFAULT, |rtt| rtt.clamp(0, REORDER_MAX))
    }

    /// Lower and upper bound of what `side` expects next (RCV.NXT), as far as a bystander can know.
    pub fn expected_by(&self, side: Side) -> Option<(SeqNumber, SeqNumber)> {
        let low = self.peer(side).acked?;
        let high = self.peer(side.other()).next.map_or(low, |next| next.later(low));
        Some((low, high))
    }

    /// Takes the sequence and acknowledgment numbers of a segment that is neither SYN nor RST.
    pub(in crate::flow) fn account(&mut self, s: &Segment, from: Side) -> Facts {
        let next = self.peer(from).next;
        // Only what may fill a hole is measured by it.
        let is_new = next.is_none_or(|next| s.end().after(next));
        let window = if is_new && self.notes.is_none() { 0 } else { self.reorder_window() };
        let skips = next.is_some_and(|next| s.seq.after(next));
        let mut facts = self.account_sequence(s, from, window);
        self.account_holes(s, from, skips, window);
        if !self.is_of_an_older_connection(s, from) {
            facts |= self.account_acknowledgment(s, from);
        }
        facts
    }

    /// Whether it is a bare ACK that answers a SYN and acknowledges more than that: of an older connection most likely.
    /// Where it is not, the next segments tell.
    fn is_of_an_older_connection(&self, s: &Segment, from: Side) -> bool {
        from == Side::Server
            && self.tracking.phase == Phase::SynSent
            && s.payload == 0
            && self.client.isn.is_some()
            && self.server.isn.is_none()
            && !self.acks_some_syn(s)
    }

    /// Takes the sequence space of a SYN or SYN-ACK.
    pub(in crate::flow) fn account_syn(&mut self, s: &Segment, from: Side) {
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
            return if s.payload > 0 { Facts::NEW_DATA } else { Facts::empty() };
        };
        // An octet that is still to be acknowledged is sent again, and asks for nothing else.
        let outstanding = s.payload == 1 && acked.is_some_and(|acked| acked.at_or_before(s.seq)) && peer.data_count > 1;
        if is_probe(s, next) && !outstanding {
            return Facts::PROBE;
        }
        if s.is_empty() {
            if s.seq.after(next) {
                gap(peer, next, s, s.time);
            }
            return Facts::empty();
        }
        let end = s.end();
        if s.seq.after(next) {
            gap(peer, next, s, s.time);
            peer.next = Some(end);
            return Facts::NEW_DATA;
        }
        if end.after(next) {
            peer.next = Some(end);
            return Facts::NEW_DATA;
        }
        fill(peer, s, end, reorder_window)
    }

    /// Remembers what `s` skipped, and what was skipped before and is there now.
    fn account_holes(&mut self, s: &Segment, from: Side, skips: bool, window: i64) {
        if skips {
            // Nothing but the newest gap is kept there.
            let gap = self.peer(from).hole.filter(|(_, stop)| *stop == s.seq);
            let acked = self.peer(from.other()).acked;
            if let Some((start, stop)) =
                gap.map(|(start, stop)| (acked.map_or(start, |acked| start.later(acked)), stop))
                && stop.after(start)
            {
                self.notes.get_or_insert_default().end_mut(from).holes.skipped(start, stop);
            }
        } else if !s.is_empty()
            && let Some(notes) = &mut self.notes
        {
            notes.end_mut(from).holes.seen(s.seq, s.end(), s.time, window);
            if self.missing().is_none() {
                self.quality.holes = 0;
            }
        }
    }

    /// Whether `ack`, the newest of `from`, acknowledges what was not seen; it is remembered.
    fn acknowledges_unseen(&mut self, ack: SeqNumber, from: Side, s: &Segment) -> bool {
        let Some(next) = self.peer(from.other()).next else { return false };
        let known = self.peer(from).acked.map_or(next, |acked| next.later(acked));
        let sender = self.peer(from.other());
        // A keep-alive lies one below what comes next: as the first segment seen, it is not recognised.
        let keep_alive = ack.distance(next) == 1 && sender.isn.is_none() && sender.bytes == 0;
        let beyond = ack.after(known) && ack.distance(next) < PLAUSIBLE_HOLE && !keep_alive;
        if self.notes.is_none() && !beyond {
            return false;
        }
        let known = if beyond { known } else { known.later(ack) };
        let holes = &mut self.notes.get_or_insert_default().end_mut(from.other()).holes;
        holes.acknowledged(ack, known, s.time, s.frame)
    }

    fn account_acknowledgment(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(ack) = s.ack() else { return Facts::empty() };
        let scale = self.scale_of(from);
        let data = s.payload > 0 || s.flags.has(Flags::FIN);
        let newer = self.peer(from).acked.is_none_or(|acked| ack.after(acked));
        let unseen = newer && self.acknowledges_unseen(ack, from, s);
        let mut facts = if unseen { Facts::HOLE } else { Facts::empty() };
        let peer = self.peer_mut(from);
        if newer {
            peer.acked = Some(ack);
        }
        let edge = ack.plus(u32::from(s.window) << scale);
        if peer.acked == Some(ack) {
            match peer.edge {
                Some(old) if old == edge && !newer && !data && !facts.intersects(Facts::PROBE) => {
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

/// Octets before `s` are missing so far.
fn gap(peer: &mut Peer, next: SeqNumber, s: &Segment, now: Timestamp) {
    if s.seq.distance(next) < PLAUSIBLE_HOLE {
        peer.hole = Some((next, s.seq));
        peer.hole_time = now;
    }
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
