//! Checksums in hindsight: what was taken with a wrong one, as nothing of its sender was known, and was wrong indeed;
//! and what was left out for one that its receiver found right.

use crate::flow::record::checksum_trust::Sums;
use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::peer::Peer;
use crate::flow::record::steps::Label;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::Side;
use crate::tcp::{Checksum, Event, Flags, Segment};

/// How many segments of a flow are kept that may turn out to be unfinished.
const KEPT: usize = 4;

impl Flow {
    /// Takes the wrong checksum of a segment that is to be left out.
    pub(in crate::flow) fn leave_out(&mut self, s: &Segment) -> Facts {
        self.quality.bad_checksum += 1;
        let says = (s.payload > 0 || s.flags.has(Flags::FIN)) && !s.flags.any(Flags::SYN | Flags::RST);
        if s.checksum_field == 0 && says && self.tracking.phase == Phase::Open {
            let zeroed = &mut self.notes.get_or_insert_default().zeroed;
            if zeroed.len() < KEPT {
                zeroed.push(Box::new(*s));
            }
        }
        Facts::BAD_CHECKSUM
    }

    /// The next of the segments left out that `s`, whose checksum is worth `sums`, shows to have been taken: its
    /// receiver acknowledges it, although nothing else has those octets; or its sender leaves 0 in the field again and
    /// again.
    pub(in crate::flow) fn next_zeroed(&mut self, s: &Segment, sums: Sums) -> Option<Box<Segment>> {
        let zeroed = &self.notes.as_ref()?.zeroed;
        let counts = s.checksum != Checksum::Bad || sums != Sums::Trusted;
        let is_taken = |held: &Segment| {
            let fits = self.peer(self.side_of(held.source)).next == Some(held.seq);
            let acknowledged = s.ack().is_some_and(|ack| ack.at_or_after(held.end()));
            let again = s.checksum == Checksum::Bad && sums == Sums::Unfinished;
            fits && if s.source == held.source { again } else { counts && acknowledged }
        };
        let at = zeroed.iter().position(|held| is_taken(held))?;
        let held = self.notes.as_mut()?.zeroed.remove(at);
        self.quality.bad_checksum = self.quality.bad_checksum.saturating_sub(1);
        Some(held)
    }

    /// Puts the steps in the order of their frames, where some came to light later.
    pub(in crate::flow) fn order_steps(&mut self) {
        self.steps.sort_by_key(|step| step.frame);
    }

    /// The SYN-ACK that the server of this flow is taken to have sent, if its checksum was wrong, the same holds of all
    /// that came from there, and `s` is another one, with a right checksum: the client never got the first.
    pub(in crate::flow) fn disown_wrong_synack(&mut self, s: &Segment) -> Option<Box<Segment>> {
        let (_, count) = self.notes.as_ref()?.doubted_synack.as_ref()?;
        let alone = self.server.packets == u64::from(*count) && self.client.packets == u64::from(self.client.syn_count);
        let another = s.flags.is_syn_ack() && self.side_of(s.source) == Side::Server;
        if !(alone && another && self.tracking.phase == Phase::SynReceived && self.client.isn.is_some()) {
            return None;
        }
        let (wrong, count) = self.notes.as_mut()?.doubted_synack.take()?;
        self.quality.unverified = self.quality.unverified.saturating_sub(count);
        self.quality.bad_checksum = self.quality.bad_checksum.saturating_sub(1);
        self.server = Peer::new(self.server.endpoint);
        self.server.receives(Event::Syn);
        self.client.in_flight.remove(Event::SynAck);
        self.handshake.synacks.clear();
        self.handshake.syn_payload_acked = 0;
        self.steps.retain(|step| step.label != Label::SynAck);
        self.tracking.phase = Phase::SynSent;
        Some(wrong)
    }
}
