//! The flow table: a seeded hash index over a slab of recycled flow records.
//!
//! Keys are chosen by attackers, so the hash is seeded; nothing ever iterates over the index, so its order shows nowhere.

use core::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::model::Flow;
use super::tuple::FlowKey;

/// Position of a flow in the table; valid until the flow is removed.
pub type Slot = u32;

/// Flows by four-tuple.
#[derive(Debug)]
pub struct Table {
    index: HashTable<Slot>,
    flows: Vec<Option<Flow>>,
    free: Vec<Slot>,
    hasher: RandomState,
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self { index: HashTable::new(), flows: Vec::new(), free: Vec::new(), hasher: RandomState::default() }
    }

    /// Flows in the table.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Where the flow with this key is.
    pub fn find(&self, key: &FlowKey) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |slot| self.get(*slot).is_some_and(|flow| flow.key == *key)).copied()
    }

    /// The flow at `slot`.
    pub fn get(&self, slot: Slot) -> Option<&Flow> {
        self.flows.get(slot as usize)?.as_ref()
    }

    /// The flow at `slot`, to change.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Flow> {
        self.flows.get_mut(slot as usize)?.as_mut()
    }

    /// Adds a flow whose key is not in the table.
    pub fn insert(&mut self, flow: Flow) -> Slot {
        let hash = self.hasher.hash_one(flow.key);
        let slot = if let Some(slot) = self.free.pop() {
            self.flows[slot as usize] = Some(flow);
            slot
        } else {
            self.flows.push(Some(flow));
            (self.flows.len() - 1) as Slot
        };
        let (hasher, flows) = (&self.hasher, &self.flows);
        self.index.insert_unique(hash, slot, |slot| {
            flows.get(*slot as usize).and_then(Option::as_ref).map_or(0, |flow| hasher.hash_one(flow.key))
        });
        slot
    }

    /// Takes the flow at `slot` out.
    pub fn remove(&mut self, slot: Slot) -> Option<Flow> {
        let key = self.get(slot)?.key;
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.index.find_entry(hash, |s| *s == slot) {
            entry.remove();
        }
        self.free.push(slot);
        self.flows.get_mut(slot as usize)?.take()
    }

    /// Slots in use, in order of position.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.flows.iter().enumerate().filter(|(_, flow)| flow.is_some()).map(|(slot, _)| slot as Slot)
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
