//! A segment for a flow that is known.

use super::Tracker;
use super::notify::{doubt_about, show};
use crate::flow::Flow;
use crate::flow::observer::Observer;
use crate::flow::record::checksum_trust::{Sums, Worth};
use crate::flow::record::facts::Facts;
use crate::flow::state::announced::Announced;
use crate::flow::state::dispatch::Doubt;
use crate::flow::state::duplicates::Print;
use crate::flow::state::twins::{self};
use crate::flow::table::slot::Slot;
use crate::tcp::{Checksum, Segment};
use crate::time::Timestamp;

impl Tracker {
    /// Gives a segment to its flow and reports the result.
    pub(super) fn take(&mut self, slot: Slot, s: &Segment, now: Timestamp, first: bool, observer: &mut impl Observer) {
        self.take_printed(slot, s, self.seal.print(s), now, first, observer);
    }

    /// The same of one whose print is known.
    #[inline]
    pub(super) fn take_printed(
        &mut self,
        slot: Slot,
        s: &Segment,
        print: Print,
        now: Timestamp,
        first: bool,
        observer: &mut impl Observer,
    ) {
        let worth = self.worth(s);
        if Announced::concerns(s) {
            self.announced.note(s);
        }
        if s.flags.is_syn_ack() {
            self.look_for_twin(slot, s);
        }
        let Some((fast_path, flow)) = self.table.parts(slot) else { return };
        fast_path.flush(flow);
        if s.checksum == Checksum::Good {
            disown_wrong_sums(flow, s, worth, observer);
        }
        let mut found = false;
        while let Some(held) = flow.next_zeroed(s, worth.sums) {
            let worth = Worth { sums: Sums::Unfinished, ..worth };
            show(flow, &held, flow.tracking.seen_at, false, Doubt { copy: false, worth }, observer);
            self.sources.leaves_sums(held.source.ip);
            found = true;
        }
        if found {
            flow.order_steps();
        }
        let was_closed = flow.is_closed();
        let doubt = doubt_about(s, fast_path, flow, print, worth);
        let facts = show(flow, s, now, first, doubt, observer);
        let closed = (flow.is_closed() && !was_closed).then_some(flow.id);
        fast_path.enable(flow);
        if facts.intersects(Facts::MAY_HASTEN) {
            self.schedule(slot, false);
        }
        if facts.intersects(twins::CONCERN_TWIN) {
            self.tell_twin(slot, s, facts);
        }
        if let Some(id) = closed {
            self.eviction.closed(slot, id);
            if let Some(oldest) = self.eviction.surplus(&self.table, self.limits.lingering) {
                self.end(oldest, self.clock.latest(), observer);
                if let Some(next) = self.eviction.next_surplus() {
                    self.table.prefetch_record(next);
                }
            }
        }
    }

    /// What the checksum of `s` is worth.
    pub(super) fn worth(&mut self, s: &Segment) -> Worth {
        Worth { sums: self.sources.judge(s), zeek_checksums: self.zeek_checksums }
    }
}

impl Facts {
    /// Facts after which a deadline may come earlier than before.
    const MAY_HASTEN: Self = Self::SYN_ACK
        .union(Self::RST)
        .union(Self::ACK_OF_FIN)
        .union(Self::FIN)
        .union(Self::SYN_ON_ESTABLISHED)
        .union(Self::SYN_CROSSED)
        .union(Self::INVALID_FLAGS)
        .union(Self::AFTER_CLOSE)
        .union(Self::UNANSWERED);
}

/// A segment whose checksum is right shows that one before it, with a wrong checksum, was not taken by its receiver:
/// the first of the flow, or the first SYN-ACK.
fn disown_wrong_sums(flow: &mut Flow, s: &Segment, worth: Worth, observer: &mut impl Observer) {
    let doubt = Doubt { copy: false, worth: Worth { sums: Sums::Trusted, ..worth } };
    if let Some(wrong) = flow.begins_wrong(s) {
        *flow = flow.begun_by_wrong(&wrong);
        show(flow, &wrong, flow.tracking.seen_at, true, doubt, observer);
    }
    if let Some(wrong) = flow.disown_wrong_synack(s) {
        show(flow, &wrong, flow.tracking.seen_at, false, doubt, observer);
    }
}
