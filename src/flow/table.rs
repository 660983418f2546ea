//! The flow table: a seeded hash index over a slab of recycled flow records.
//!
//! Keys are chosen by attackers, so the hash is seeded; nothing ever iterates over the index, so its order shows nowhere.

use core::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::brief::Brief;
use super::embryo::{Embryo, Embryos};
use super::hot::Hot;
use super::model::Flow;
use super::prefetch::{prefetch, prefetch_start};
use super::slab::Slab;
use super::steps::Step;
use super::tuple::FlowKey;
use crate::time::Timestamp;

/// Emptied step lists kept for new flows.
const MAX_SPARE: usize = 4096;

/// Position of a flow in the table; valid until the flow is removed.
pub type Slot = u32;

/// Slots from here on are those of flows that are nothing but a SYN.
const EMBRYO: Slot = 1 << 31;

/// Flows by four-tuple.
#[derive(Debug)]
pub struct Table {
    index: HashTable<Slot>,
    /// What ordinary segments touch, by slot; the key among it.
    hot: Slab<Hot>,
    flows: Slab<Option<Flow>>,
    free: Vec<Slot>,
    embryos: Embryos,
    /// Emptied step lists, to be used again.
    spare: Vec<Vec<Step>>,
    hasher: RandomState,
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            index: HashTable::new(),
            hot: Slab::new(),
            flows: Slab::new(),
            embryos: Embryos::default(),
            free: Vec::new(),
            spare: Vec::new(),
            hasher: RandomState::default(),
        }
    }

    /// Flows with a record of their own.
    pub fn len(&self) -> usize {
        self.index.len() - self.embryos.len()
    }

    /// Flows that are nothing but a SYN.
    pub(super) const fn embryos(&self) -> usize {
        self.embryos.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What hashes keys.
    pub(super) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    /// The hash of a key.
    #[inline]
    pub(super) fn hash(&self, key: &FlowKey) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Where the flow with this key is; `hash` is its [`Self::hash`].
    #[inline]
    pub(super) fn find(&self, key: &FlowKey, hash: u64) -> Option<Slot> {
        let is = |slot: Slot| match self.hot.get(slot as usize) {
            Some(hot) => hot.key == *key,
            None => self.embryo(slot).is_some_and(|embryo| key.is_v4(embryo.key())),
        };
        self.index.find(hash, |slot| is(*slot)).copied()
    }

    /// What there is of the flow at `slot` while it is nothing but a SYN.
    #[inline]
    pub(super) fn embryo(&self, slot: Slot) -> Option<&Embryo> {
        self.embryos.get(slot.checked_sub(EMBRYO)?)
    }

    /// Adds flow `id`, which is nothing but `syn`; `hash` is that of its key, which is not in the table.
    #[inline]
    pub(super) fn insert_embryo(&mut self, syn: &Embryo, id: u64, hash: u64) -> Slot {
        let slot = EMBRYO + self.embryos.push(syn, id);
        self.enter(hash, slot);
        slot
    }

    /// Takes out the flow at `slot`, which is nothing but a SYN.
    pub(super) fn take_embryo(&mut self, slot: Slot) -> Option<Embryo> {
        let embryo = *self.embryo(slot)?;
        self.drop_embryo(slot);
        Some(embryo)
    }

    /// Drops the flow at `slot`, which is nothing but a SYN.
    pub(super) fn drop_embryo(&mut self, slot: Slot) {
        let Some(embryo) = self.embryo(slot) else { return };
        let hash = self.hasher.hash_one(embryo.key());
        if let Ok(entry) = self.index.find_entry(hash, |s| *s == slot) {
            entry.remove();
        }
        self.embryos.drop(slot - EMBRYO);
    }

    /// The oldest flow that is nothing but a SYN, if there is no room for one more within `limit`.
    pub(super) fn surplus_embryo(&self, limit: usize) -> Option<Slot> {
        self.embryos.surplus(limit).map(|place| EMBRYO + place)
    }

    /// Asks the processor for what the next calls of [`Self::take_embryo`] read, if room must be made soon. For several at
    /// once: their waits overlap.
    pub(super) fn foresee_surplus(&self, limit: usize) {
        const AT_ONCE: Slot = 16;
        let Some(oldest) = self.surplus_embryo(limit).filter(|slot| slot % AT_ONCE == 0) else { return };
        for slot in oldest..oldest.saturating_add(AT_ONCE) {
            if let Some(embryo) = self.embryo(slot) {
                core::hint::black_box(self.index.find(self.hasher.hash_one(embryo.key()), |_| true).copied());
            }
            self.embryos.foresee((slot - EMBRYO).wrapping_add(AT_ONCE));
        }
    }

    /// Asks the processor for what [`Self::find`] will read; where that is, for the next two stages. A guess by the hash
    /// alone: reading the key to make sure is what is to be avoided.
    #[inline]
    pub(super) fn prefetch_hot(&self, hash: u64) -> Option<Slot> {
        let slot = *self.index.find(hash, |_| true)?;
        match self.hot.get(slot as usize) {
            Some(hot) => prefetch(hot),
            None => prefetch(self.embryo(slot)?),
        }
        Some(slot)
    }

    /// Asks for the beginning of what there is of the flow at `slot`.
    pub(super) fn prefetch_start(&self, slot: Slot) {
        match self.flows.get(slot as usize) {
            Some(flow) => {
                prefetch_start(flow);
                self.hot.get(slot as usize).into_iter().for_each(prefetch);
            }
            None => self.embryos.foresee(slot.wrapping_sub(EMBRYO)),
        }
    }

    /// Asks for the record of the flow at `slot`.
    pub(super) fn prefetch_record(&self, slot: Slot) {
        if let Some(flow) = self.flows.get(slot as usize) {
            prefetch(flow);
        }
    }

    /// Asks for the last step of the flow at `slot`.
    pub(super) fn prefetch_steps(&self, slot: Slot) {
        if let Some(step) = self.get(slot).and_then(|flow| flow.steps.last()) {
            prefetch(step);
        }
    }

    /// Whether the hot part of the flow at `slot` is likely to take `s`.
    #[inline]
    pub(super) fn expects(&self, slot: Slot, s: &Brief) -> bool {
        self.hot.get(slot as usize).is_some_and(|hot| hot.expects(s))
    }

    /// The hot part of the flow at `slot`.
    pub(super) fn hot(&mut self, slot: Slot) -> Option<&mut Hot> {
        self.hot.get_mut(slot as usize)
    }

    /// When the flow at `slot` was last heard of, in the packet clock.
    pub(super) fn seen_at(&self, slot: Slot) -> Timestamp {
        self.hot.get(slot as usize).map_or(Timestamp(i64::MIN), |hot| hot.seen_at)
    }

    /// The flow at `slot`, complete: what its hot part has added up is handed over first.
    pub fn settled(&mut self, slot: Slot) -> Option<&mut Flow> {
        let flow = self.flows.get_mut(slot as usize)?.as_mut()?;
        self.hot.get_mut(slot as usize)?.settle(flow);
        Some(flow)
    }

    /// Both parts of the flow at `slot`.
    #[inline]
    pub(super) fn parts(&mut self, slot: Slot) -> Option<(&mut Hot, &mut Flow)> {
        Some((self.hot.get_mut(slot as usize)?, self.flows.get_mut(slot as usize)?.as_mut()?))
    }

    /// The flow at `slot`.
    pub fn get(&self, slot: Slot) -> Option<&Flow> {
        self.flows.get(slot as usize)?.as_ref()
    }

    /// Adds a flow whose key is not in the table.
    pub(super) fn insert(&mut self, hot: Hot, mut flow: Flow) -> Slot {
        flow.host_marks.slot = self.free.last().copied().unwrap_or(self.flows.len() as Slot);
        let hash = self.hasher.hash_one(hot.key);
        let slot = if let Some(slot) = self.free.pop()
            && let (Some(old), Some(place)) = (self.hot.get_mut(slot as usize), self.flows.get_mut(slot as usize))
        {
            *old = hot;
            *place = Some(flow);
            slot
        } else {
            self.hot.push(hot);
            self.flows.push(Some(flow));
            (self.flows.len() - 1) as Slot
        };
        self.enter(hash, slot);
        slot
    }

    /// Notes that the flow with this hash, which is new, is at `slot`.
    fn enter(&mut self, hash: u64, slot: Slot) {
        let (hasher, hot, embryos) = (&self.hasher, &self.hot, &self.embryos);
        let hash_of = |slot: &Slot| match hot.get(*slot as usize) {
            Some(hot) => hasher.hash_one(hot.key),
            None => slot.checked_sub(EMBRYO).and_then(|at| embryos.get(at)).map_or(0, |e| hasher.hash_one(e.key())),
        };
        self.index.insert_unique(hash, slot, hash_of);
    }

    /// The hash of the key of the flow at `slot`, if that has a record.
    pub(super) fn hash_at(&self, slot: Slot) -> Option<u64> {
        self.hot.get(slot as usize).map(|hot| self.hash(&hot.key))
    }

    /// Drops the flow at `slot`, whose key has this hash.
    pub(super) fn remove(&mut self, slot: Slot, hash: u64) {
        let Some(hot) = self.hot.get_mut(slot as usize) else { return };
        hot.disarm();
        if let Ok(entry) = self.index.find_entry(hash, |s| *s == slot) {
            entry.remove();
            self.free.push(slot);
        }
        let Some(place) = self.flows.get_mut(slot as usize) else { return };
        if let Some(flow) = place
            && self.spare.len() < MAX_SPARE
        {
            let mut steps = core::mem::take(&mut flow.steps);
            steps.clear();
            self.spare.push(steps);
        }
        *place = None;
    }

    /// Takes back a list of steps that [`Self::spare_steps`] gave.
    pub(super) fn keep_steps(&mut self, mut steps: Vec<Step>) {
        if self.spare.len() < MAX_SPARE {
            steps.clear();
            self.spare.push(steps);
        }
    }

    /// An empty list for the steps of a new flow.
    pub(super) fn spare_steps(&mut self) -> Vec<Step> {
        self.spare.pop().unwrap_or_default()
    }

    /// Number and slot of every flow.
    pub(super) fn flows(&self) -> impl Iterator<Item = (u64, Slot)> {
        let whole = self.flows.iter().enumerate().filter_map(|(slot, flow)| Some((flow.as_ref()?.id, slot as Slot)));
        whole.chain(self.embryos.iter().map(|(place, embryo)| (embryo.id(), EMBRYO + place)))
    }

    /// How many positions there are, free ones included.
    pub fn capacity(&self) -> usize {
        self.flows.len()
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}
