//! The same octets twice, with other contents: what somebody put into a stream, beside what the sender itself said.
//!
//! No payload is kept. Two segments with the same number and length are compared by the sum of their payload, which the
//! checksum gives away; of different lengths only what their headers tell counts.

use crate::flow::record::evidence::Evidence;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::header_track::{HeaderTrack, IdLine};
use crate::flow::record::notes::Notes;
use crate::flow::record::payload::{FirstData, Injection, Piece};
use crate::flow::record::steps::Label;
use crate::flow::record::tuple::Side;
use crate::tcp::Segment;
use crate::time::{MICROSECOND, MILLISECOND};

/// Two sightings of one packet, before and behind a router, lie within this, nanoseconds.
const ROUTED: i64 = 10 * MILLISECOND;
/// Identifications of one host a few packets apart differ by no more than this.
const NEAR: u16 = 64;
/// A clock of a microsecond a tick, the fastest there is, comes round after more than this, microseconds.
const COMES_ROUND: i64 = 1800 * 1_000_000;
/// Ticks by which the time stamp of a SYN-ACK may lie off its sender's clock: SYN cookies hide options in it.
const STAMP_SLACK: i64 = 2048;
/// TTLs of one host that differ by less may be two ways to it.
const OTHER_TTL: u8 = 2;
/// Fewer octets may be a probe, whose contents mean nothing.
const LEAST: u32 = 2;

impl Flow {
    /// Compares a segment that is none of SYN and RST with what came before it at the same number.
    pub(in crate::flow) fn note_payload(
        &mut self,
        s: &Segment,
        from: Side,
        facts: Facts,
        before: HeaderTrack,
    ) -> Facts {
        if s.payload < LEAST {
            return Facts::empty();
        }
        let first = facts.intersects(Facts::FIRST_DATA);
        let other_headers = s.ttl != self.peer(from).ttl || self.lacks_stamp(s);
        let stranger = other_headers && self.peer(from).packets > 1;
        if !(first || stranger || facts.intersects(Facts::RETRANSMITTED) || self.starts_as_first(s, from)) {
            return Facts::empty();
        }
        let piece = self.piece(s, from, before);
        let mut found = Facts::empty();
        if first {
            self.peer_mut(from).first_data = FirstData::of(s, piece.sum, piece.off.contains(Evidence::STAMP));
        } else if let Some(other) = self.piece_before(&piece, from)
            && self.is_replaced(&other, &piece)
        {
            let notes = self.notes.get_or_insert_default();
            notes.end_mut(from).injection.get_or_insert(Injection { first: other, second: piece });
            found = Facts::DATA_REPLACED;
        } else if stranger && self.is_foreign_copy(&piece, s, (from, facts, before)) {
            let end = self.notes.get_or_insert_default().end_mut(from);
            if end.injection.is_none() && end.foreign_copy.is_none() {
                end.foreign_copy = Some(piece);
                found = Facts::DATA_REPLACED;
            }
        }
        if stranger {
            let notes: &mut Notes = self.notes.get_or_insert_default();
            notes.end_mut(from).stranger = Some(piece);
        }
        found
    }

    fn starts_as_first(&self, s: &Segment, from: Side) -> bool {
        let peer = self.peer(from);
        peer.next.is_some_and(|next| next.after(s.seq)) && s.seq.distance(peer.base()) <= 1
    }

    /// Whether octets that were sent before come again in segments that are not their sender's: of another TTL, and
    /// with a time stamp that is none of its clock, or else off the line of its identifications and of octets that had
    /// been acknowledged.
    fn is_foreign_copy(&self, piece: &Piece, s: &Segment, (from, facts, before): (Side, Facts, HeaderTrack)) -> bool {
        let taken = self.peer(from.other()).acked.is_some_and(|acked| acked.after(s.seq));
        let again = taken || facts.intersects(Facts::RETRANSMITTED);
        let elsewhere = piece.off.contains(Evidence::TTL) && self.peer(from).ttl.abs_diff(piece.ttl) >= OTHER_TTL;
        again
            && elsewhere
            && before.ttl_changes == 0
            && (piece.off.contains(Evidence::STAMP) || (taken && before.line.is_left_by(s.ip_id)))
    }

    fn piece(&self, s: &Segment, from: Side, before: HeaderTrack) -> Piece {
        let peer = self.peer(from);
        let anchor = peer.offer.map_or(0, |o| o.ip_id);
        let mut off = Evidence::default();
        if s.ttl != peer.ttl {
            off.add(Evidence::TTL);
        }
        if before.line.is_left_by(s.ip_id) || (before.line.is_short() && !IdLine::is_near(anchor, s.ip_id, NEAR)) {
            off.add(Evidence::IP_ID);
        }
        if self.lacks_stamp(s) || self.stamp_is_off(s, from) {
            off.add(Evidence::STAMP);
        }
        let (time, frame, seq) = (s.time, s.frame, s.payload_start());
        Piece { time, frame, seq, payload: s.payload, ttl: s.ttl, ip_id: s.ip_id, sum: s.payload_sum(), off }
    }

    /// Whether it has no time stamp although both ends agreed on them: only a RST may lack it (RFC 7323 section 3.2).
    fn lacks_stamp(&self, s: &Segment) -> bool {
        let read = s.options.faults.is_empty() && !s.truncated;
        read && s.options.timestamps.is_none() && self.in_effect().is_some_and(|options| options.timestamps)
    }

    /// Whether the time stamp of `s` is one that no clock can show which stood where that of `from` did when it sent
    /// its SYN: it went back, or on faster than a microsecond a tick (RFC 7323 section 5.4 has it at a millisecond or
    /// more).
    pub(in crate::flow) fn stamp_is_off(&self, s: &Segment, from: Side) -> bool {
        let (Some(now), Some(first)) = (s.options.timestamps, self.peer(from).offer.and_then(|o| o.timestamps)) else {
            return false;
        };
        let elapsed = (s.time - self.first_time) / MICROSECOND;
        let moved = i64::from(now.value.wrapping_sub(first.value).cast_signed());
        (0..COMES_ROUND).contains(&elapsed) && !(-STAMP_SLACK..=elapsed + STAMP_SLACK).contains(&moved)
    }

    /// What came before at the number of `piece`: a segment that had looked strange, or the first payload of that end.
    fn piece_before(&self, piece: &Piece, from: Side) -> Option<Piece> {
        let stranger = self.notes().and_then(|notes| notes.end(from).stranger);
        stranger
            .filter(|other| other.seq == piece.seq)
            .or_else(|| self.first_piece(from))
            .filter(|o| o.seq == piece.seq)
    }

    fn first_piece(&self, from: Side) -> Option<Piece> {
        let peer = self.peer(from);
        let handshake = |label: Label| matches!(label, Label::Syn | Label::SynAck | Label::Rst);
        let step = self.steps.iter().find(|step| step.from == from && step.payload > 0 && !handshake(step.label))?;
        let FirstData { sum, octets, ip_id, ttl, stamp_is_off } = peer.first_data;
        let anchor = peer.offer.map_or(0, |o| o.ip_id);
        let mut off = Evidence::default();
        if ttl != peer.ttl {
            off.add(Evidence::TTL);
        }
        if !IdLine::is_near(anchor, ip_id, NEAR) {
            off.add(Evidence::IP_ID);
        }
        if stamp_is_off {
            off.add(Evidence::STAMP);
        }
        let (time, frame, seq) = (step.time, step.frame, step.seq);
        Some(Piece { time, frame, seq, payload: u32::from(octets), ttl, ip_id, sum, off })
    }

    /// Whether two segments at one number cannot be one and its repetition.
    fn is_replaced(&self, first: &Piece, second: &Piece) -> bool {
        let gap = second.time - first.time;
        let same_packet = first.ip_id == second.ip_id && first.ip_id != 0 && gap <= ROUTED;
        if same_packet || first.frame == second.frame {
            return false;
        }
        if first.payload == second.payload {
            return first.sum.zip(second.sum).is_some_and(|(a, b)| a != b);
        }
        // A sender may cut its data otherwise when it repeats it, but not before a round trip has shown that it must.
        let soon = self.handshake.rtt().is_some_and(|rtt| gap < rtt);
        let by_id = first.off.contains(Evidence::IP_ID) != second.off.contains(Evidence::IP_ID);
        let pair = Injection { first: *first, second: *second };
        pair.suspect().is_some_and(|p| {
            let by_stamp = p.off.contains(Evidence::STAMP);
            (p.off.contains(Evidence::TTL) && (soon || by_id || by_stamp)) || (by_stamp && (soon || by_id))
        })
    }
}
