//! Four-tuples of one attempt to connect, and causes of silence, that only several flows show.

use super::Tracker;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::twin::Twin;
use crate::flow::state::twins::{self, Asked};
use crate::flow::table::slot::Slot;
use crate::tcp::{Segment, SeqNumber};

impl Tracker {
    /// Looks for the other four-tuple of the attempt that `s`, the first SYN-ACK of the flow at `slot`, answers.
    pub(super) fn look_for_twin(&mut self, slot: Slot, s: &Segment) {
        let Some(flow) = self.table.get(slot).filter(|flow| twins::is_worth_a_look(flow, s)) else { return };
        let isn = flow.client.isn.unwrap_or(s.ack_field.minus(1));
        self.join(slot, isn, Some(s));
    }

    /// Looks for what explains that nothing answers the SYN of the flow at `slot`, if nothing does.
    pub(super) fn look_for_cause(&mut self, slot: Slot) {
        let Some(flow) = self.table.flushed(slot).filter(|flow| flow.is_unanswered() && flow.twin().is_none()) else {
            return;
        };
        if let Some(stale) = self.stamps.explain(flow) {
            flow.set_stale_stamp(stale);
        } else if let Some(isn) = flow.client.isn {
            self.join(slot, isn, None);
        }
    }

    /// Joins the flow at `slot` with the one other four-tuple whose SYN, with this number, is its own or is answered by
    /// `s`.
    pub(super) fn join(&mut self, slot: Slot, isn: SeqNumber, s: Option<&Segment>) {
        let hashes = self.recent.with(isn);
        // Its own SYN is one of them: mostly the only one.
        if hashes.iter().filter(|hash| **hash != 0).count() <= usize::from(s.is_none()) {
            return;
        }
        let Some(flow) = self.table.get(slot).filter(|_| hashes.contains(&0)) else { return };
        let own = Asked::of(flow);
        let mut found: Option<(Slot, u64, Asked)> = None;
        for hash in hashes.into_iter().filter(|hash| *hash != 0) {
            let Some(at) = self.table.with_isn(hash, isn).filter(|at| *at != slot) else { continue };
            let Some((other, tries)) = self.table.asked(at) else { continue };
            let belongs = match (&own, s) {
                (Some(own), _) => own.is_same_syn(&other),
                (None, Some(s)) => other.is_answered_by(s, tries),
                (None, None) => false,
            };
            match &found {
                _ if !belongs => {}
                None => found = Some((at, hash, other)),
                Some((.., newer)) if newer.is_same_syn(&other) => {}
                // Two that have nothing to do with each other: nobody knows which.
                Some(_) => return,
            }
        }
        let Some((other, hash, _)) = found else { return };
        let small = self.table.syn_record(other).is_some();
        let other = self.expand(other, Some(hash));
        if small {
            self.enlist(other);
        }
        let Some(own_hash) = self.table.hash_at(slot) else { return };
        self.introduce(slot, own_hash, other);
        self.introduce(other, hash, slot);
    }

    /// Tells the flow at `to` that the one at `slot`, whose key has this hash, is its twin.
    pub(super) fn introduce(&mut self, slot: Slot, hash: u64, to: Slot) {
        let Some(twin) = self.table.flushed(slot).map(|flow| Twin::of(flow, hash)) else { return };
        if let Some(flow) = self.table.flushed(to) {
            flow.set_twin(twin);
        }
    }

    /// Something happened to the flow at `slot` that its twin must know.
    pub(super) fn tell_twin(&mut self, slot: Slot, s: &Segment, facts: Facts) {
        let Some(hash) = self.table.hash_at(slot) else { return };
        if facts.intersects(Facts::SYN_REPEATED) && s.flags.is_syn() {
            self.recent.note_again(s.seq, hash);
        }
        let Some(flow) = self.table.get(slot) else { return };
        if facts.intersects(Facts::SYN_ACK) {
            self.stamps.take(flow);
        }
        if facts.intersects(Facts::RST_ACCEPTED) {
            self.probations.take(flow);
        }
        let before = if facts.intersects(Facts::SYN_ACK) { self.probations.before(flow) } else { None };
        if let Some(before) = before
            && let Some(flow) = self.table.flushed(slot)
        {
            flow.set_probation(before);
        }
        let Some(flow) = self.table.get(slot) else { return };
        let (id, Some(twin)) = (flow.id, flow.twin()) else { return };
        let Some(other) = self.table.with_id(twin.hash, twin.flow) else { return };
        if self.table.get(other).and_then(Flow::twin).is_some_and(|twin| twin.flow == id) {
            self.introduce(slot, hash, other);
        }
    }
}
