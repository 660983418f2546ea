//! Segments that acknowledge octets nobody has seen: either the capture lacks these, or they were never sent and the
//! receiver drops the segment (RFC 9293 section 3.10.7.4, fifth). Which of the two, only what follows tells.

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::notes::{Doubted, UnsentAck};
use crate::flow::record::steps::Label;
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Flags, Segment};
use crate::time::Timestamp;

/// What the newest segment tells of doubted payload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ruling {
    Open,
    /// The capture lacks what it acknowledges.
    Taken,
    /// It was dropped.
    Dropped,
}

impl Flow {
    /// The last segment known to have acknowledged what was never sent.
    pub fn unsent_ack(&self) -> Option<UnsentAck> {
        self.notes().and_then(|notes| notes.unsent)
    }

    /// Accounts for a segment that is neither SYN nor RST, and keeps in mind whether it acknowledges what was never
    /// seen.
    pub(in crate::flow) fn account_with_doubt(&mut self, s: &Segment, from: Side) -> Facts {
        let ruled = self.rule_on_doubted_ack(s, from);
        let peer = self.peer(from);
        let (acked, edge, next) = (peer.acked, peer.edge, peer.next);
        let facts = self.account(s, from);
        // One beyond: a FIN or a probe that the capture lacks, or an end that counts one too many.
        let beyond = s.ack().zip(self.peer(from.other()).next).is_some_and(|(ack, sent)| ack.after(sent.plus(1)));
        if beyond && self.is_worth_a_doubt(s, from) {
            let hole = facts.intersects(Facts::HOLE);
            let (ack, by) = (s.ack_field, from);
            let new = Doubted {
                time: s.time,
                frame: s.frame,
                seq: s.payload_start(),
                ack,
                by,
                count: 0,
                octets: 0,
                hole,
                acked,
                edge,
                next,
            };
            let notes = self.notes.get_or_insert_default();
            let kept = notes.doubted_ack.filter(|kept| kept.by == by && kept.ack == ack).unwrap_or(new);
            notes.doubted_ack = Some(Doubted {
                count: kept.count.saturating_add(1),
                octets: kept.octets.saturating_add(s.payload),
                ..kept
            });
        }
        ruled | facts
    }

    fn is_worth_a_doubt(&self, s: &Segment, from: Side) -> bool {
        s.payload > 0
            && !s.flags.any(Flags::FIN | Flags::SYN | Flags::RST)
            && self.peer(from.other()).fin.is_none()
            && self.teardown.reset.is_none()
            && self.was_open()
            && self.rewriting().is_none()
    }

    fn rule_on_doubted_ack(&mut self, s: &Segment, from: Side) -> Facts {
        let Some(held) = self.notes().and_then(|notes| notes.doubted_ack) else { return Facts::empty() };
        let ruling = if from == held.by { self.sender_rules(&held, s) } else { self.receiver_rules(&held, s) };
        if ruling == Ruling::Open {
            return Facts::empty();
        }
        if let Some(notes) = self.notes.as_mut() {
            notes.doubted_ack = None;
        }
        if ruling == Ruling::Dropped { self.drop_doubted(&held) } else { Facts::empty() }
    }

    /// Its sender, which goes on at its number with a lower acknowledgment, never had those octets.
    fn sender_rules(&self, held: &Doubted, s: &Segment) -> Ruling {
        let Some(ack) = s.ack() else { return Ruling::Open };
        if !ack.before(held.ack) {
            return if ack == held.ack { Ruling::Open } else { Ruling::Taken };
        }
        let late = s.time - held.time > self.reorder_window();
        let further = s.payload > 0 && s.payload_start().after(held.seq);
        let behind = s.payload_start().at_or_after(held.seq);
        if behind && (late || further) { Ruling::Dropped } else { Ruling::Open }
    }

    /// The other end, which stands below the acknowledgment and takes none of the payload, has not sent those octets.
    fn receiver_rules(&self, held: &Doubted, s: &Segment) -> Ruling {
        if s.end().at_or_after(held.ack) || s.ack().is_some_and(|ack| ack.after(held.seq)) {
            return Ruling::Taken;
        }
        let whole = self.opening.is_some_and(|opening| opening.opened() && opening != Opening::Midstream)
            && self.quality.reordered == 0
            && self.quality.holes <= u32::from(held.hole);
        // One below where it stands would be a keep-alive.
        let stands_below = s.is_empty() && s.seq.plus(1).before(held.ack) && !s.flags.any(Flags::SYN | Flags::RST);
        if whole && stands_below && s.ack() == Some(held.seq) { Ruling::Dropped } else { Ruling::Open }
    }

    fn drop_doubted(&mut self, held: &Doubted) -> Facts {
        let end = held.seq.plus(held.octets);
        let peer = self.peer_mut(held.by);
        peer.bytes = peer.bytes.saturating_sub(u64::from(held.octets));
        peer.data_count = peer.data_count.saturating_sub(held.count);
        (peer.acked, peer.edge) = (held.acked, held.edge);
        if peer.next == Some(end) {
            peer.next = held.next;
        }
        self.quality.holes = self.quality.holes.saturating_sub(u32::from(held.hole));
        self.withdraw_holes(held.by, held.time);
        let same = |step: &&mut crate::flow::record::steps::Step| step.label == Label::Data && step.from == held.by;
        if let Some(step) = self.steps.iter_mut().rev().filter(same).find(|step| step.frame <= held.frame) {
            if step.frame == held.frame && step.repeat <= held.count {
                step.label = Label::Other;
            } else {
                step.repeat = step.repeat.saturating_sub(held.count).max(1);
                step.payload = step.payload.saturating_sub(held.octets);
            }
        }
        let unsent = UnsentAck { by: held.by, frame: held.frame, ack: held.ack, octets: held.octets, fin: false };
        self.tell_unsent(unsent, held.count)
    }

    /// What `by` acknowledged at `time` was never sent: the capture does not lack it.
    pub(in crate::flow) fn withdraw_holes(&mut self, by: Side, time: Timestamp) {
        let sent = self.peer(by.other()).next;
        if let Some((notes, sent)) = self.notes.as_mut().zip(sent) {
            notes.end_mut(by.other()).holes.withdrawn(time, sent);
        }
    }

    /// `count` segments acknowledged what was never sent.
    pub(in crate::flow) fn tell_unsent(&mut self, unsent: UnsentAck, count: u32) -> Facts {
        self.note_unacceptable(unsent.by, count);
        self.notes.get_or_insert_default().unsent = Some(unsent);
        Facts::ACK_UNSENT
    }
}
