//! The flow table: a seeded hash index over a slab of recycled flow records, and the memory of those that
//! ended.
//!
//! Keys are chosen by attackers, so the hash is seeded; nothing ever iterates over the index, so its order shows
//! nowhere.

use core::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::closed::{ClosedFlow, ClosedFlows};
use super::descriptor::Descriptor;
use super::index::Index;
use super::prefetch::{prefetch, prefetch_start, prefetch_write};
use super::slab::Slab;
use super::slot::{CLOSED_FLOW, SYN_ONLY, Slot, is_closed_flow};
use super::syn_cache::SynCache;
use super::syn_record::Syn;
use crate::flow::record::flow::Flow;
use crate::flow::record::handshake::Try;
use crate::flow::record::steps::Step;
use crate::flow::record::tuple::FlowKey;
use crate::flow::state::fast_path::FastPath;
use crate::flow::state::twins::Asked;
use crate::tcp::SeqNumber;
use crate::time::Timestamp;

/// Steps of an ordinary connection: handshake, a question and its answer, both FINs and the last acknowledgment.
const ORDINARY_STEPS: usize = 8;
/// Emptied step lists kept for new flows.
const MAX_SPARE: usize = 4096;

/// Flows by four-tuple.
#[derive(Debug)]
pub(in crate::flow) struct Table {
    /// Of each key no more than one: the flow, or what it left behind.
    index: Index,
    /// What ordinary segments touch, by slot; the key among it.
    fast_path: Slab<FastPath>,
    flows: Slab<Option<Flow>>,
    free: Vec<Slot>,
    syn_records: SynCache,
    closed_flows: ClosedFlows,
    /// Flows with a record of their own.
    len: usize,
    /// Emptied step lists, to be used again.
    spare: Vec<Vec<Step>>,
    hasher: RandomState,
}

impl Table {
    /// How many of those that must go next are asked for ahead.
    const AHEAD: Slot = 12;

    /// An empty table, which remembers at most `ended` flows that ended.
    pub(in crate::flow) fn new(closed: usize) -> Self {
        Self {
            index: Index::default(),
            closed_flows: ClosedFlows::new(closed),
            len: 0,
            fast_path: Slab::new(),
            flows: Slab::new(),
            syn_records: SynCache::default(),
            free: Vec::new(),
            spare: Vec::new(),
            hasher: RandomState::default(),
        }
    }

    /// Flows with a record of their own.
    pub(in crate::flow) const fn len(&self) -> usize {
        self.len
    }

    /// Flows that are nothing but a SYN.
    pub(in crate::flow) const fn syn_records(&self) -> usize {
        self.syn_records.len()
    }

    /// What hashes keys.
    pub(in crate::flow) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    /// The hash of a key.
    #[inline]
    pub(in crate::flow) fn hash(&self, key: &FlowKey) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Where the flow with this key is; `hash` is its [`Self::hash`].
    #[inline]
    pub(in crate::flow) fn find(&self, key: &FlowKey, hash: u64) -> Option<Slot> {
        self.index.find(hash, |slot| !is_closed_flow(slot) && self.is_of(slot, key))
    }

    /// What the last flow with this key left behind, if there is none now; `hash` is its [`Self::hash`].
    pub(in crate::flow) fn closed_flow(&self, key: &FlowKey, hash: u64) -> Option<&ClosedFlow> {
        let slot = self.index.find(hash, |slot| is_closed_flow(slot) && self.is_of(slot, key))?;
        self.closed_flows.get(slot - CLOSED_FLOW)
    }

    /// Whether there is a flow with this key, or was one; `hash` is its [`Self::hash`].
    #[inline]
    pub(in crate::flow) fn knows(&self, key: &FlowKey, hash: u64) -> bool {
        self.index.find(hash, |slot| self.is_of(slot, key)).is_some()
    }

    /// The flow whose key has this hash and that began with a SYN of this number.
    pub(in crate::flow) fn with_isn(&self, hash: u64, isn: SeqNumber) -> Option<Slot> {
        self.index.find(hash, |slot| match self.syn_record(slot) {
            Some(syn) => syn.syn_record.isn() == isn,
            None => self.get(slot).is_some_and(|flow| flow.client.isn == Some(isn)),
        })
    }

    /// The flow with this number, whose key has this hash, if it has a record.
    pub(in crate::flow) fn with_id(&self, hash: u64, id: u64) -> Option<Slot> {
        self.index.find(hash, |slot| self.get(slot).is_some_and(|flow| flow.id == id))
    }

    /// What the flow at `slot` asked with its SYN, and its SYNs if it has a record.
    pub(in crate::flow) fn asked(&self, slot: Slot) -> Option<(Asked, &[Try])> {
        if let Some(syn) = self.syn_record(slot) {
            return Some((Asked::of_syn(&syn.segment()), &[]));
        }
        let flow = self.get(slot)?;
        Some((Asked::of(flow)?, flow.handshake.syns.as_slice()))
    }

    fn is_of(&self, slot: Slot, key: &FlowKey) -> bool {
        if slot >= SYN_ONLY {
            self.syn_record(slot).is_some_and(|syn| syn.is_of(key))
        } else if slot >= CLOSED_FLOW {
            self.closed_flows.get(slot - CLOSED_FLOW).is_some_and(|closed_flow| closed_flow.is_of(key))
        } else {
            self.fast_path.get(slot as usize).is_some_and(|fast_path| fast_path.key == *key)
        }
    }

    /// What there is of the flow at `slot` while it is nothing but a SYN.
    #[inline]
    pub(in crate::flow) fn syn_record(&self, slot: Slot) -> Option<Syn<'_>> {
        self.syn_records.get(slot.checked_sub(SYN_ONLY)?)
    }

    /// Adds flow `id`, which is nothing but `syn`; `hash` is that of its key, which is not in the table.
    #[inline]
    pub(in crate::flow) fn insert_syn_record(&mut self, syn: Syn<'_>, id: u64, hash: u64) {
        let slot = SYN_ONLY + self.syn_records.push(syn, id);
        self.enter(hash, slot);
    }

    /// The oldest flow that is nothing but a SYN, and when that came.
    pub(in crate::flow) fn oldest_syn_record(&self) -> Option<(Slot, Timestamp)> {
        let place = self.syn_records.surplus(1)?;
        self.syn_records.get(place).map(|syn| (SYN_ONLY + place, syn.syn_record.time()))
    }

    /// Drops the flow at `slot`, which is nothing but a SYN; `hash` is that of its key, if known.
    pub(in crate::flow) fn drop_syn_record(&mut self, slot: Slot, hash: Option<u64>) {
        let Some(syn) = self.syn_record(slot) else { return };
        let hash = hash.unwrap_or_else(|| syn.hash(&self.hasher));
        self.index.remove(hash, slot);
        self.syn_records.drop(slot - SYN_ONLY);
    }

    /// The oldest flow that is nothing but a SYN, if there is no room for one more within `limit`.
    pub(in crate::flow) fn surplus_syn_record(&self, limit: usize) -> Option<Slot> {
        self.syn_records.surplus(limit).map(|place| SYN_ONLY + place)
    }

    /// Asks the processor for what a later call of [`Self::drop_syn_record`] reads, if room must be made soon.
    #[inline]
    pub(in crate::flow) fn prefetch_surplus(&self, limit: usize) {
        let Some(oldest) = self.syn_records.surplus(limit) else { return };
        self.syn_records.prefetch(oldest.wrapping_add(2 * Self::AHEAD));
        if let Some(syn) = self.syn_records.get(oldest.wrapping_add(Self::AHEAD)) {
            self.index.prefetch(syn.hash(&self.hasher));
        }
    }

    /// Asks the processor for what tells where the flow is whose key has this hash.
    #[inline]
    pub(in crate::flow) fn prefetch(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Asks the processor for what [`Self::find`] will read; where that is, for the next stages. A guess by the hash
    /// alone: reading the key to make sure would defeat the purpose.
    #[inline]
    pub(in crate::flow) fn prefetch_hot(&self, hash: u64) -> Option<Slot> {
        let slot = self.index.find(hash, |_| true)?;
        match self.fast_path.get(slot as usize) {
            Some(fast_path) => prefetch(fast_path),
            None => self.prefetch_small(slot),
        }
        Some(slot)
    }

    /// The same of a flow without a record.
    fn prefetch_small(&self, slot: Slot) {
        if slot >= SYN_ONLY {
            self.syn_records.prefetch(slot - SYN_ONLY);
        } else if let Some(closed_flow) = slot.checked_sub(CLOSED_FLOW).and_then(|place| self.closed_flows.get(place)) {
            prefetch(closed_flow);
        }
    }

    /// Asks for the beginning of what there is of the flow at `slot`.
    pub(in crate::flow) fn prefetch_start(&self, slot: Slot) {
        if let (Some(flow), Some(fast_path)) = (self.flows.get(slot as usize), self.fast_path.get(slot as usize)) {
            prefetch_start(flow);
            prefetch(fast_path);
        }
    }

    /// Asks for the record of the flow at `slot`.
    pub(in crate::flow) fn prefetch_record(&self, slot: Slot) {
        if let Some(flow) = self.flows.get(slot as usize) {
            prefetch(flow);
        }
    }

    /// Asks for the last step of the flow at `slot`.
    pub(in crate::flow) fn prefetch_steps(&self, slot: Slot) {
        if let Some(step) = self.get(slot).and_then(|flow| flow.steps.last()) {
            prefetch(step);
        }
    }

    /// Whether the hot part of the flow at `slot` is likely to take `s`.
    #[inline]
    pub(in crate::flow) fn expects(&self, slot: Slot, s: &Descriptor) -> bool {
        self.fast_path.get(slot as usize).is_some_and(|fast_path| fast_path.expects(s))
    }

    /// The hot part of the flow at `slot`.
    pub(in crate::flow) fn fast_path(&mut self, slot: Slot) -> Option<&mut FastPath> {
        self.fast_path.get_mut(slot as usize)
    }

    /// When the flow at `slot` was last heard of, in the packet clock.
    pub(in crate::flow) fn seen_at(&self, slot: Slot) -> Timestamp {
        self.fast_path.get(slot as usize).map_or(Timestamp(i64::MIN), |fast_path| fast_path.seen_at)
    }

    /// The flow at `slot`, complete: what its hot part has added up is handed over first.
    #[inline]
    pub(in crate::flow) fn flushed(&mut self, slot: Slot) -> Option<&mut Flow> {
        let flow = self.flows.get_mut(slot as usize)?.as_mut()?;
        self.fast_path.get_mut(slot as usize)?.flush(flow);
        Some(flow)
    }

    /// Both parts of the flow at `slot`.
    #[inline]
    pub(in crate::flow) fn parts(&mut self, slot: Slot) -> Option<(&mut FastPath, &mut Flow)> {
        Some((self.fast_path.get_mut(slot as usize)?, self.flows.get_mut(slot as usize)?.as_mut()?))
    }

    /// The flow at `slot`.
    #[inline]
    pub(in crate::flow) fn get(&self, slot: Slot) -> Option<&Flow> {
        self.flows.get(slot as usize)?.as_ref()
    }

    /// Adds a flow whose key no other flow in the table has, and its hash.
    #[inline]
    pub(in crate::flow) fn insert(&mut self, fast_path: FastPath, mut flow: Flow, hash: u64) -> Slot {
        flow.host_marks.slot = self.free.last().copied().unwrap_or(self.flows.len() as Slot);
        let key = fast_path.key;
        let slot = if let Some(slot) = self.free.pop()
            && let (Some(old), Some(place)) = (self.fast_path.get_mut(slot as usize), self.flows.get_mut(slot as usize))
        {
            *old = fast_path;
            *place = Some(flow);
            self.prefetch_free();
            slot
        } else {
            self.fast_path.push(fast_path);
            self.flows.push(Some(flow));
            (self.flows.len() - 1) as Slot
        };
        self.len += 1;
        let last = self.index.find(hash, |at| is_closed_flow(at) && self.is_of(at, &key));
        if last.is_none_or(|closed_flow| !self.index.replace(hash, closed_flow, slot)) {
            self.enter(hash, slot);
        }
        slot
    }

    /// Asks the processor for the record that the next new flow will get.
    fn prefetch_free(&self) {
        let Some(next) = self.free.last() else { return };
        self.fast_path.get(*next as usize).into_iter().for_each(prefetch_write);
        self.flows.get(*next as usize).into_iter().for_each(prefetch_write);
    }

    /// Notes that the flow with this hash, which is new, is at `slot`.
    fn enter(&mut self, hash: u64, slot: Slot) {
        let Self { hasher, fast_path, syn_records, closed_flows, .. } = self;
        let hash_of = |slot: Slot| {
            if slot >= SYN_ONLY {
                syn_records.get(slot - SYN_ONLY).map(|syn| syn.hash(hasher))
            } else if slot >= CLOSED_FLOW {
                closed_flows.get(slot - CLOSED_FLOW).map(ClosedFlow::hash)
            } else {
                fast_path.get(slot as usize).map(|fast_path| hasher.hash_one(fast_path.key))
            }
        };
        self.index.insert(hash, slot, |slot| hash_of(slot).unwrap_or_default());
    }

    /// The hash of the key of the flow at `slot`, if that has a record.
    pub(in crate::flow) fn hash_at(&self, slot: Slot) -> Option<u64> {
        self.fast_path.get(slot as usize).map(|fast_path| self.hash(&fast_path.key))
    }

    /// The flow at `slot`, whose key has this hash, cannot be found from now on; what it leaves behind can, until
    /// `keep` nanoseconds after `now`.
    pub(in crate::flow) fn retire(&mut self, slot: Slot, hash: u64, now: Timestamp, keep: i64) {
        let Some(flow) = self.get(slot).filter(|_| self.closed_flows.are_kept()) else {
            self.index.remove(hash, slot);
            return;
        };
        let closed_flow = ClosedFlow::of(flow, hash, now, keep);
        while let Some((place, hash)) = self.closed_flows.forget(now) {
            self.index.remove(hash, CLOSED_FLOW + place);
        }
        if let Some(next) = self.closed_flows.next_hash() {
            self.index.prefetch(next);
        }
        let place = self.closed_flows.push(closed_flow);
        self.index.replace(hash, slot, CLOSED_FLOW + place);
    }

    /// Drops the flow at `slot`, whose key has this hash.
    pub(in crate::flow) fn remove(&mut self, slot: Slot, hash: u64) {
        self.index.remove(hash, slot);
        self.release(slot);
    }

    /// Gives up the record at `slot` of a flow that cannot be found any more.
    pub(in crate::flow) fn release(&mut self, slot: Slot) {
        let Some(fast_path) = self.fast_path.get_mut(slot as usize) else { return };
        fast_path.disarm();
        let Some(place) = self.flows.get_mut(slot as usize) else { return };
        let Some(flow) = place else { return };
        let steps = core::mem::take(&mut flow.steps);
        *place = None;
        self.keep_steps(steps);
        self.free.push(slot);
        self.len -= 1;
    }

    /// Takes back a list of steps that [`Self::spare_steps`] gave.
    pub(in crate::flow) fn keep_steps(&mut self, mut steps: Vec<Step>) {
        if self.spare.len() < MAX_SPARE {
            steps.clear();
            self.spare.push(steps);
        }
    }

    /// An empty list for the steps of a new flow.
    pub(in crate::flow) fn spare_steps(&mut self) -> Vec<Step> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(ORDINARY_STEPS))
    }

    /// Number and slot of every flow.
    pub(in crate::flow) fn flows(&self) -> impl Iterator<Item = (u64, Slot)> {
        let whole = self.flows.iter().enumerate().filter_map(|(slot, flow)| Some((flow.as_ref()?.id, slot as Slot)));
        whole.chain(self.syn_records.iter().map(|(place, syn)| (syn.syn_record.id(), SYN_ONLY + place)))
    }

    /// How many positions there are, free ones included.
    pub(in crate::flow) fn capacity(&self) -> usize {
        self.flows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{SynRecord, script};
    use crate::tcp::Segment;

    fn syn() -> Segment {
        script::read("> S").remove(0).segment
    }

    fn flow(id: u64, s: &Segment) -> (FastPath, Flow) {
        let (key, _) = FlowKey::of(s);
        (FastPath::new(key, true, Timestamp(0)), Flow::new(id, s, true, false, Timestamp(0), Vec::new()))
    }

    #[test]
    fn a_key_is_of_a_syn_or_a_flow_or_a_closed_flow() {
        let mut table = Table::new(2);
        let (key, _) = FlowKey::of(&syn());
        let hash = table.hash(&key);
        let (syn_record, wide) = SynRecord::of(&syn()).unwrap();
        table.insert_syn_record(Syn { syn_record: &syn_record, wide: &wide }, 7, hash);
        let slot = table.find(&key, hash).unwrap();
        assert_eq!(
            (table.syn_record(slot).map(|syn| syn.syn_record.id()), table.len(), table.syn_records()),
            (Some(7), 0, 1)
        );
        table.drop_syn_record(slot, None);
        assert!(!table.knows(&key, hash));

        let (fast_path, first) = flow(7, &syn());
        let slot = table.insert(fast_path, first, hash);
        assert_eq!((table.find(&key, hash), table.len()), (Some(slot), 1));
        table.retire(slot, hash, Timestamp(0), 100);
        table.release(slot);
        assert_eq!((table.find(&key, hash), table.len()), (None, 0));
        assert!(table.knows(&key, hash));
        let previous = table.closed_flow(&key, hash).map(|closed_flow| closed_flow.previous(true)).unwrap();
        assert_eq!(previous.id, 7);

        // The next one of the same key takes its place in the index.
        let (fast_path, next) = flow(8, &syn());
        assert_eq!(table.insert(fast_path, next, hash), slot);
        assert!(table.closed_flow(&key, hash).is_none());
        table.remove(slot, hash);
        assert!(!table.knows(&key, hash));
    }

    #[test]
    fn no_more_closed_flows_are_kept_than_there_may_be() {
        let mut table = Table::new(2);
        let mut keys = Vec::new();
        for id in 1..6 {
            let mut s = syn();
            s.source.port = id;
            let (fast_path, flow) = flow(u64::from(id), &s);
            let (key, hash) = (fast_path.key, table.hash(&fast_path.key));
            keys.push(key);
            let slot = table.insert(fast_path, flow, hash);
            table.retire(slot, hash, Timestamp(0), 100);
            table.release(slot);
        }
        let known = |table: &Table| keys.iter().map(|key| table.knows(key, table.hash(key))).collect::<Vec<_>>();
        assert_eq!(known(&table), [false, false, false, true, true]);
        let none = Table::new(0);
        assert!(!known(&none).contains(&true));
    }
}
