//! Sequence numbers that a firewall rewrites between two capture points: every segment of one end is there twice, at a
//! constant distance.
//!
//! Firewalls replace initial sequence numbers by random ones, and a capture on both of their sides has both. The
//! second fingerprint comes within a millisecond with the identification, window, flags, length and time stamps of
//! the first, and numbers that differ from it by as much as those of all other pairs. Once that is known each number
//! that lies near the shifted line is moved back, whichever side is seen first, and the second fingerprint is a copy
//! like others.

use super::duplicates::Seal;
use super::fast_path::FastPath;
use crate::flow::record::flow::Flow;
use crate::flow::record::peer::Offer;
use crate::flow::record::rewriting::{Rewriting, SegmentTraits, is_near, may_be_added};
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::Side;
use crate::tcp::{Checksum, Flags, Segment};
use crate::time::Timestamp;

impl Flow {
    /// How its numbers are rewritten between two capture points, if they are.
    pub fn rewriting(&self) -> Option<&Rewriting> {
        self.notes.as_deref()?.rewriting.as_deref()
    }

    /// `s` with its numbers moved back from the shifted line, if any is on it.
    #[inline]
    pub(in crate::flow) fn unified(&self, s: &Segment) -> Option<Segment> {
        self.moved_back(s, self.rewriting()?)
    }

    fn moved_back(&self, s: &Segment, rewriting: &Rewriting) -> Option<Segment> {
        let from = self.side_of(s.source);
        let (own, other) = (self.peer(from), self.peer(from.other()));
        let begins = s.flags.has(Flags::SYN);
        let now = if begins { own.isn } else { own.next.or(other.acked) };
        let seq = rewriting.back(from, s.seq, now, begins);
        let acknowledges = s.flags.has(Flags::ACK) && s.ack_field.0 != 0;
        let ack = if acknowledges {
            rewriting.back(from.other(), s.ack_field, other.next.or(own.acked), false)
        } else {
            s.ack_field
        };
        ((seq, ack) != (s.seq, s.ack_field)).then_some(Segment { seq, ack_field: ack, ..*s })
    }

    /// Whether `s`, with its numbers moved back, was seen before; remembers it if it was not.
    #[inline]
    pub(in crate::flow) fn is_rewritten_copy(&mut self, s: &Segment) -> bool {
        self.rewriting().is_some() && self.was_moved_back(s)
    }

    fn was_moved_back(&mut self, s: &Segment) -> bool {
        let from = self.side_of(s.source);
        let Some(rewriting) = self.notes.as_deref_mut().and_then(|notes| notes.rewriting.as_deref_mut()) else {
            return false;
        };
        let kept = SegmentTraits::of(s, from);
        let again = rewriting.recent.iter().flatten().any(|old| old.is_seen_again_in(&kept));
        if again {
            rewriting.copies = rewriting.copies.saturating_add(1);
        } else {
            rewriting.keep(kept);
        }
        again
    }

    /// Whether `s` is the second fingerprint of a segment just seen, with other numbers; from now on these are known.
    #[inline]
    pub(in crate::flow) fn learn_rewriting(&mut self, s: &Segment, fast_path: &FastPath, seal: &Seal) -> bool {
        // Most segments end a little behind the one before of their sender.
        let own = self.peer(self.side_of(s.source)).next.map(|next| s.end().offset_from(next));
        let goes_on = !s.flags.has(Flags::SYN) && own.is_none_or(|own| !may_be_added(own));
        !goes_on && self.learn_from_numbers(s, fast_path, seal)
    }

    fn learn_from_numbers(&mut self, s: &Segment, fast_path: &FastPath, seal: &Seal) -> bool {
        let from = self.side_of(s.source);
        let shifts = if s.flags.is_syn() {
            self.shift_of_syn(s, from)
        } else if s.flags.is_syn_ack() {
            self.shifts_of_synack(s, from)
        } else {
            self.shifts_of_segment(s, from, fast_path, seal)
        };
        let Some((own, other, frame)) = shifts else { return false };
        let (client, server) = match from {
            Side::Client => (own, other),
            Side::Server => (other, own),
        };
        self.set_rewriting(client, server, (frame, s.frame));
        let original = self.unified(s).unwrap_or(*s);
        if let Some(rewriting) = self.notes.as_deref_mut().and_then(|notes| notes.rewriting.as_deref_mut()) {
            rewriting.keep(SegmentTraits::of(&original, from));
        }
        true
    }

    fn set_rewriting(&mut self, client: Option<u32>, server: Option<u32>, frames: (u64, u64)) {
        let known = self.rewriting();
        let (old_client, old_server) = known.map_or((None, None), |r| (r.client, r.server));
        let frames = known.map_or(frames, |r| r.frames);
        let copies = known.map_or(0, |r| r.copies);
        let new = Rewriting { copies, ..Rewriting::new(old_client.or(client), old_server.or(server), frames) };
        self.notes.get_or_insert_default().rewriting = Some(Box::new(new));
    }

    fn shift_of_syn(&self, s: &Segment, from: Side) -> Option<(Option<u32>, Option<u32>, u64)> {
        let (isn, first) = (self.client.isn?, self.handshake.syns.last()?);
        let shift = s.seq.offset_from(isn);
        let fits = from == Side::Client && self.tracking.phase == Phase::SynSent && shift != 0 && may_be_added(shift);
        let same = is_same_offer(&self.client.offer?, first.time, s);
        (fits && same).then_some((Some(shift), None, first.frame))
    }

    fn shifts_of_synack(&self, s: &Segment, from: Side) -> Option<(Option<u32>, Option<u32>, u64)> {
        let (isn, first) = (self.server.isn?, self.handshake.synacks.last()?);
        let (own, other) = (s.seq.offset_from(isn), s.ack_field.offset_from(first.ack));
        let fits = from == Side::Server && (own, other) != (0, 0) && may_be_added(own) && may_be_added(other);
        let same = first.seq == isn && is_same_offer(&self.server.offer?, first.time, s);
        (fits && same).then_some((Some(own), Some(other), first.frame))
    }

    /// The same of a segment of an open connection: the numbers of its sender's last one are known, and of the rest a
    /// print.
    fn shifts_of_segment(
        &self,
        s: &Segment,
        from: Side,
        fast_path: &FastPath,
        seal: &Seal,
    ) -> Option<(Option<u32>, Option<u32>, u64)> {
        let peer = self.peer(from);
        let (next, acked) = (peer.next?, peer.acked?);
        let (own, other) = (s.end().offset_from(next), s.ack()?.offset_from(acked));
        let fits = (own, other) != (0, 0) && may_be_added(own) && may_be_added(other);
        let telling = s.ip_id != 0 || s.payload > 0 || s.options.timestamps.is_some();
        if !fits || !telling || s.flags.is_rst() || self.tracking.phase != Phase::Open {
            return None;
        }
        let mut original = Segment { seq: s.seq.minus(own), ack_field: s.ack_field.minus(other), ..*s };
        original.checksum_field = checksum_of(s, &original);
        fast_path.knows_original_of(&original, seal.print(&original), from).then_some((
            Some(own),
            Some(other),
            self.last_frame,
        ))
    }

    /// Whether `s`, a SYN-ACK that acknowledges nothing the client sent, may be that of the other side of a rewriter.
    pub(in crate::flow) fn may_be_rewritten(&self, s: &Segment) -> bool {
        let unanswered =
            self.tracking.phase == Phase::SynSent && self.client.isn.is_some() && self.server.isn.is_none();
        let stamped = s.options.timestamps.is_some_and(|t| t.value != 0);
        let from_server = s.source == self.server.endpoint && self.tracking.held.is_none();
        s.flags.is_syn_ack() && from_server && unanswered && !self.acks_some_syn(s) && (s.ip_id != 0 || stamped)
    }

    /// What `held` was at this side of a rewriter, if `s` shows that; from now on it is known.
    pub(in crate::flow) fn learn_from_held(&mut self, held: &Segment, s: &Segment) -> Option<Segment> {
        let (own, other) = (held.seq.offset_from(s.seq), held.ack_field.offset_from(s.ack_field));
        let fits = s.flags.is_syn_ack()
            && s.source == held.source
            && self.acks_some_syn(s)
            && other != 0
            && may_be_added(own)
            && may_be_added(other);
        if !fits || !is_same_offer(&Offer::of(held), held.time, s) {
            return None;
        }
        self.set_rewriting(Some(other), Some(own), (held.frame, s.frame));
        Some(Segment { seq: s.seq, ack_field: s.ack_field, ..*held })
    }
}

/// Whether `s` has all that a rewriter of numbers leaves as it was of a SYN or SYN-ACK that passed at `time`.
fn is_same_offer(offer: &Offer, time: Timestamp, s: &Segment) -> bool {
    let stamped = s.options.timestamps.is_some_and(|t| t.value != 0);
    is_near((time, offer.ttl), (s.time, s.ttl))
        && (s.ip_id != 0 || stamped)
        && offer.ip_id == s.ip_id
        && offer.flags == s.flags
        && offer.window == s.window
        && offer.payload == s.payload
        && offer.timestamps == s.options.timestamps
}

/// What the checksum of `s` becomes where its numbers become those of `other` (RFC 1624).
fn checksum_of(s: &Segment, other: &Segment) -> u16 {
    if s.checksum_field == 0 || s.checksum == Checksum::Offload {
        return s.checksum_field;
    }
    let mut sum = u32::from(!s.checksum_field);
    for (old, new) in [(s.seq, other.seq), (s.ack_field, other.ack_field)] {
        for shift in [0, 16] {
            sum += (!(old.0 >> shift) & 0xffff) + (new.0 >> shift & 0xffff);
        }
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}
