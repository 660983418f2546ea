//! Flows that begin, as a record or as a SYN only, and SYN records that become flows.

use super::notify::{Nobody, doubt_about, show};
use super::{Keyed, Tracker};
use crate::flow::observer::{Notice, Observer};
use crate::flow::record::checksum_trust::{Sums, Worth};
use crate::flow::record::completeness::Completeness;
use crate::flow::record::flow::{Flow, MAX_STEPS};
use crate::flow::record::tuple::FlowKey;
use crate::flow::record::zeek::ZeekWords;
use crate::flow::state::dispatch::is_invalid_first;
use crate::flow::state::fast_path::FastPath;
use crate::flow::state::reuse::Fate;
use crate::flow::state::roles;
use crate::flow::table::slot::Slot;
use crate::flow::table::syn_record::{Syn, SynRecord, V6Addresses};
use crate::tcp::{Flags, Segment};
use crate::time::Timestamp;

impl Tracker {
    /// What an arriving segment means for the flow its four-tuple names.
    pub(super) fn fate(&self, slot: Slot, s: &Segment) -> Fate {
        self.table.get(slot).map_or(Fate::Begins, |flow| flow.fate_of(s))
    }

    /// Begins a flow with `s` as its first segment, which it does not have yet. `None` where nothing is left to do: it
    /// is only a late segment of a closed connection, or with `small` an ordinary SYN that needs no record yet.
    pub(super) fn begin(
        &mut self,
        s: &Segment,
        keyed: &Keyed,
        now: Timestamp,
        small: bool,
        observer: &mut impl Observer,
    ) -> Option<Slot> {
        let Keyed { key, hash, sender_is_low } = *keyed;
        let closed_flow = self.table.closed_flow(&key, hash).cloned();
        let is_new = closed_flow.is_none();
        let previous = closed_flow.filter(|closed_flow| closed_flow.is_remembered(now));
        if !s.flags.is_syn() && previous.as_ref().is_some_and(|closed_flow| closed_flow.owns(s)) {
            self.counters.late_segments += 1;
            return None;
        }
        if s.flags.is_syn() {
            self.recent.note(s.seq, hash);
        }
        if small
            && is_new
            && let Some((syn_record, wide)) = self.syn_record_of(s, now)
        {
            return self.begin_small(s, Syn { syn_record: &syn_record, wide: &wide }, keyed, now, observer);
        }
        self.make_room(observer);
        let sender_is_client = if s.flags.is_syn_ack() {
            false
        } else if s.flags.has(Flags::SYN) || is_invalid_first(s.flags) {
            true
        } else {
            roles::sender_is_client(s)
        };
        let client_is_low = sender_is_low == sender_is_client;
        let mut flow = Flow::new(self.next_id, s, sender_is_client, previous.is_some(), now, self.table.spare_steps());
        flow.tracking.steps_saved = self.steps_saved();
        if previous.is_none() && self.announced.begins(s) {
            flow.completeness = Completeness::announced();
        }
        let worth = Worth { sums: self.sources.verdict(s), zeek_checksums: self.zeek_checksums };
        if let Some(read) = worth.read_by_zeek(s) {
            flow.zeek = ZeekWords::new(&read);
        }
        flow.previous = previous.map(|closed_flow| Box::new(closed_flow.previous(client_is_low)));
        self.next_id += 1;
        self.counters.flows += 1;
        let slot = self.table.insert(FastPath::new(key, client_is_low, now), flow, hash);
        self.schedule(slot, true);
        if let Some(flow) = self.table.flushed(slot) {
            observer.notice(flow, s.time, &Notice::Began);
        }
        Some(slot)
    }

    /// What is kept of `s` as the first segment of a flow, where nothing more needs to be.
    pub(super) fn syn_record_of(&self, s: &Segment, now: Timestamp) -> Option<(SynRecord, V6Addresses)> {
        let usual = now == s.time && self.next_id < SynRecord::NUMBERS;
        if usual { SynRecord::of(s) } else { None }
    }

    /// Begins a flow with `s`, an ordinary SYN: its record is made and shown, and kept only if somebody marked it.
    /// `None`: nothing is left to do.
    pub(super) fn begin_small(
        &mut self,
        s: &Segment,
        small: Syn<'_>,
        keyed: &Keyed,
        now: Timestamp,
        observer: &mut impl Observer,
    ) -> Option<Slot> {
        let id = self.number_small();
        let worth = self.worth(s);
        let (mut fast_path, mut flow) = self.record_of(s, id, keyed);
        observer.notice(&mut flow, s.time, &Notice::Began);
        let doubt = doubt_about(s, &mut fast_path, &mut flow, self.seal.print(s), worth);
        show(&mut flow, s, now, true, doubt, observer);
        fast_path.enable(&flow);
        if flow.marks.is_empty() && flow.opening.is_none() {
            self.table.keep_steps(core::mem::take(&mut flow.steps));
            self.keep_small(small, id, keyed.hash);
        } else {
            self.make_room(observer);
            let slot = self.table.insert(fast_path, flow, keyed.hash);
            self.schedule(slot, true);
            self.eviction.began(slot, id);
        }
        None
    }

    /// The number of a flow that begins small; there is room for it.
    pub(super) fn number_small(&mut self) -> u64 {
        while let Some(oldest) = self.table.surplus_syn_record(self.limits.syn_only) {
            self.table.drop_syn_record(oldest, None);
            self.counters.evicted += 1;
            self.counters.evicted_unwritten += 1;
        }
        self.counters.flows += 1;
        self.next_id += 1;
        self.next_id - 1
    }

    #[inline]
    pub(super) fn keep_small(&mut self, syn: Syn<'_>, id: u64, hash: u64) {
        self.table.insert_syn_record(syn, id, hash);
        self.table.prefetch_surplus(self.limits.syn_only);
    }

    /// How many steps fewer than usual a new flow keeps.
    fn steps_saved(&self) -> u8 {
        (MAX_STEPS - self.limits.steps_of_each(self.table.len())) as u8
    }

    /// A new record for flow `id`, which begins with the SYN `s` and does not have it yet.
    #[inline]
    pub(super) fn record_of(&mut self, s: &Segment, id: u64, keyed: &Keyed) -> (FastPath, Flow) {
        let mut flow = Flow::new(id, s, true, false, s.time, self.table.spare_steps());
        flow.tracking.steps_saved = self.steps_saved();
        if self.announced.begins(s) {
            flow.completeness = Completeness::announced();
        }
        if self.zeek_checksums
            && let Some(read) = (Worth { sums: Sums::Trusted, zeek_checksums: true }).read_by_zeek(s)
        {
            flow.zeek = ZeekWords::new(&read);
        }
        (FastPath::new(keyed.key, keyed.sender_is_low, s.time), flow)
    }

    /// The slot of the flow at `slot` with a record of its own, which it gets now if it was nothing but a SYN; `hash`
    /// is that of its key, if known.
    pub(super) fn whole(&mut self, slot: Slot, hash: Option<u64>, observer: &mut impl Observer) -> Slot {
        if self.table.syn_record(slot).is_some() {
            self.make_room(observer);
        }
        self.expand(slot, hash)
    }

    /// The same, whether there is room or not.
    pub(super) fn expand(&mut self, slot: Slot, hash: Option<u64>) -> Slot {
        let Some(syn) = self.table.syn_record(slot) else { return slot };
        let (s, id) = (syn.segment(), syn.syn_record.id());
        let (key, sender_is_low) = FlowKey::of(&s);
        let keyed = Keyed { key, hash: hash.unwrap_or_else(|| self.table.hash(&key)), sender_is_low };
        self.table.drop_syn_record(slot, Some(keyed.hash));
        let (fast_path, flow) = self.record_of(&s, id, &keyed);
        let slot = self.table.insert(fast_path, flow, keyed.hash);
        if let Some((fast_path, flow)) = self.table.parts(slot) {
            let worth = Worth { sums: Sums::Unproved, zeek_checksums: self.zeek_checksums };
            let doubt = doubt_about(&s, fast_path, flow, self.seal.print(&s), worth);
            show(flow, &s, s.time, true, doubt, &mut Nobody);
            fast_path.enable(flow);
        }
        self.schedule(slot, true);
        slot
    }

    /// The flow at `slot` goes before others when the table is full, if nothing has answered it yet.
    pub(super) fn enlist(&mut self, slot: Slot) {
        if let Some(id) = self.table.get(slot).filter(|flow| flow.is_unanswered()).map(|flow| flow.id) {
            self.eviction.trim(&self.table);
            self.eviction.began(slot, id);
        }
    }

    /// The pending SYN of the flow at `slot` begins a new flow: the old one ends before it.
    pub(super) fn begin_from_pending(&mut self, slot: Slot, observer: &mut impl Observer) -> Slot {
        let Some(pending) = self.table.flushed(slot).and_then(|flow| flow.tracking.pending.take()) else { return slot };
        if let Some(flow) = self.table.flushed(slot) {
            flow.forget_pending(&pending);
        }
        self.end(slot, pending.segment.time, observer);
        let keyed = self.key_of(&pending.segment);
        let mut new_slot = slot;
        for (n, s) in core::iter::once(&pending.segment).chain(&pending.repeats).enumerate() {
            let now = pending.at.after(s.time - pending.segment.time);
            if n == 0 {
                match self.begin(s, &keyed, now, false, observer) {
                    Some(begun) => new_slot = begun,
                    None => return slot,
                }
            }
            self.take(new_slot, s, now, n == 0, observer);
        }
        self.enlist(new_slot);
        new_slot
    }
}
