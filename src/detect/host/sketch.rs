//! Bounded stores: a table that evicts its lightest entries, a distinct counter, and a sample.
//!
//! The table's hash is seeded at random, because its keys are chosen by attackers, and nothing ever iterates over its
//! index: entries are visited in order of their position, which depends on the input alone. The sketches hash with the
//! seed of [`crate::seed`]: a stated one for files, so that the same capture gives the same estimates; a secret one
//! otherwise.

use core::hash::{BuildHasher, Hash, Hasher};
use core::net::IpAddr;

use foldhash::fast::FixedState;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::flow::prefetch::prefetch_start;
use crate::seed::seed;
use crate::tcp::Endpoint;

/// How many entries are compared to find one that may go.
const SAMPLE: usize = 4;
/// Registers of a [`Distinct`]: 2^12, a standard error of 1.6 %.
const REGISTERS: usize = 1 << 12;

/// What decides who goes when a table is full: the smallest goes first.
pub(super) trait Weigh {
    /// Weight, then recency.
    fn weight(&self) -> (u64, i64);
}

/// A key by its few words: an address hashed by its parts costs several times as much.
pub(super) trait Key: Copy + Eq {
    /// Feeds it to a hasher.
    fn feed(&self, state: &mut impl Hasher);
}

impl Key for IpAddr {
    #[inline]
    fn feed(&self, state: &mut impl Hasher) {
        match self {
            Self::V4(ip) => state.write_u64(u64::from(u32::from(*ip))),
            Self::V6(ip) => state.write_u128(u128::from(*ip)),
        }
    }
}

impl Key for Endpoint {
    #[inline]
    fn feed(&self, state: &mut impl Hasher) {
        match self.ip {
            IpAddr::V4(ip) => state.write_u64(u64::from(u32::from(ip)) << 16 | u64::from(self.port)),
            IpAddr::V6(ip) => {
                state.write_u128(u128::from(ip));
                state.write_u16(self.port);
            }
        }
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    #[inline]
    fn feed(&self, state: &mut impl Hasher) {
        self.0.feed(state);
        self.1.feed(state);
    }
}

impl Key for u64 {
    #[inline]
    fn feed(&self, state: &mut impl Hasher) {
        state.write_u64(*self);
    }
}

#[inline]
fn hash_of(hasher: &RandomState, key: &impl Key) -> u64 {
    let mut state = hasher.build_hasher();
    key.feed(&mut state);
    state.finish()
}

/// A map with a limit of entries.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    index: HashTable<u32>,
    entries: Vec<(K, V)>,
    hasher: RandomState,
    hand: usize,
    limit: usize,
    evicted: u64,
}

impl<K: Key, V: Weigh> Bounded<K, V> {
    /// An empty table of at most `limit` entries (at least one).
    pub(super) fn new(limit: usize) -> Self {
        Self {
            index: HashTable::new(),
            entries: Vec::new(),
            hasher: RandomState::default(),
            hand: 0,
            limit: limit.clamp(1, u32::MAX as usize),
            evicted: 0,
        }
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(self.find(key)?).map(|(_, value)| value)
    }

    /// The value of `key`, to change.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let position = self.find(key)?;
        self.entries.get_mut(position).map(|(_, value)| value)
    }

    /// The value of `key`, made where there was none; with a full table something light is evicted for it.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let position = match self.find(&key) {
            Some(position) => position,
            None => self.add(key, make()),
        };
        &mut self.entries[position].1
    }

    /// Entries in order of position.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.entries.iter()
    }

    /// Entries in order of position, to change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (K, V)> {
        self.entries.iter_mut()
    }

    /// How many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries that were given up for others.
    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Octets held, without what the values own.
    pub(super) fn octets(&self) -> usize {
        self.entries.capacity() * size_of::<(K, V)>() + self.index.capacity() * (size_of::<u32>() + 1)
    }

    /// The value of `key`; `hint` is its probable position, and is corrected.
    pub(super) fn get_at(&mut self, hint: &mut u32, key: &K) -> Option<&mut V> {
        let at = self.find_at(*hint, key)?;
        *hint = at as u32;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// The value of `key`, made where there is none; `hint` as in [`Self::get_at`].
    pub(super) fn entry_at(&mut self, hint: &mut u32, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.find_at(*hint, &key) {
            Some(at) => at,
            None => self.add(key, make()),
        };
        *hint = at as u32;
        &mut self.entries[at].1
    }

    #[inline]
    fn find_at(&self, hint: u32, key: &K) -> Option<usize> {
        if self.entries.get(hint as usize).is_some_and(|(held, _)| held == key) {
            return Some(hint as usize);
        }
        self.find(key)
    }

    /// Asks the processor for what [`Self::get_at`] will read. A guess by the hash alone.
    pub(super) fn prefetch(&self, key: &K) {
        let found = self.index.find(hash_of(&self.hasher, key), |_| true);
        if let Some(entry) = found.and_then(|at| self.entries.get(*at as usize)) {
            prefetch_start(entry);
        }
    }

    fn find(&self, key: &K) -> Option<usize> {
        let hash = hash_of(&self.hasher, key);
        self.index.find(hash, |at| self.entries[*at as usize].0 == *key).map(|at| *at as usize)
    }

    fn add(&mut self, key: K, value: V) -> usize {
        let position = if self.entries.len() < self.limit {
            self.entries.push((key, value));
            self.entries.len() - 1
        } else {
            let position = self.lightest();
            let hash = hash_of(&self.hasher, &self.entries[position].0);
            if let Ok(found) = self.index.find_entry(hash, |at| *at as usize == position) {
                found.remove();
            }
            self.evicted += 1;
            self.entries[position] = (key, value);
            position
        };
        let (hasher, entries) = (&self.hasher, &self.entries);
        self.index
            .insert_unique(hash_of(hasher, &key), position as u32, |at| hash_of(hasher, &entries[*at as usize].0));
        position
    }

    /// The lightest of the next few entries.
    fn lightest(&mut self) -> usize {
        let count = self.entries.len();
        let start = self.hand;
        self.hand = (self.hand + SAMPLE) % count;
        (0..SAMPLE.min(count)).map(|n| (start + n) % count).min_by_key(|at| self.entries[*at].1.weight()).unwrap_or(0)
    }
}

/// A hash that is the same in every run over files.
pub(super) fn fixed_hash(value: impl Hash) -> u64 {
    mix(FixedState::with_seed(seed()).hash_one(value))
}

/// The same for a key.
#[inline]
pub(super) fn fixed_hash_of(key: &impl Key) -> u64 {
    seeded_hash_of(seed(), key)
}

#[inline]
fn seeded_hash_of(seed: u64, key: &impl Key) -> u64 {
    let mut state = FixedState::with_seed(seed).build_hasher();
    key.feed(&mut state);
    mix(state.finish())
}

/// The hash of a pair, by the hash of its first and a number or hash of its second.
pub(super) const fn joined(first: u64, second: u64) -> u64 {
    mix(first ^ second.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Spreads a fast hash over all bits (the last step of splitmix64): sketches read its ends.
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Counts distinct values in 4 KiB (HyperLogLog, Flajolet et al. 2007), with a standard error of 1.6 %.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    registers: Box<[u8; REGISTERS]>,
}

impl Distinct {
    /// Nothing counted.
    pub(super) fn new() -> Self {
        Self { registers: Box::new([0; REGISTERS]) }
    }

    /// Counts a value by its hash.
    pub(super) fn add(&mut self, hash: u64) {
        let register = (hash >> 52) as usize;
        let rank = (hash << 12).leading_zeros().min(52) as u8 + 1;
        let held = &mut self.registers[register];
        *held = (*held).max(rank);
    }

    /// The estimate.
    pub(super) fn count(&self) -> u64 {
        let m = REGISTERS as f64;
        let sum: f64 = self.registers.iter().map(|r| (-f64::from(*r)).exp2()).sum();
        let zeros = self.registers.iter().filter(|r| **r == 0).count();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let estimate = if raw <= 2.5 * m && zeros > 0 { m * (m / zeros as f64).ln() } else { raw };
        estimate.round() as u64
    }
}

/// A uniform sample of a stream of hashes, for entropy: a reservoir that reckons how many values it passes over (Li's
/// algorithm L, 1994).
#[derive(Clone, Debug)]
pub(super) struct Reservoir {
    kept: Vec<u64>,
    /// Values to pass over before the next that is kept, once it is full.
    skip: u64,
    /// Numbers drawn.
    drawn: u64,
    /// The largest of as many random numbers as are kept.
    weight: f64,
    limit: usize,
}

impl Reservoir {
    /// An empty sample of at most `limit` values.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::with_capacity(limit), skip: 0, drawn: 0, weight: 1.0, limit }
    }

    /// Shows it a value.
    pub(super) fn add(&mut self, value: u64) {
        if self.kept.len() < self.limit {
            self.kept.push(value);
            if self.kept.len() == self.limit {
                self.pass_over();
            }
        } else if self.skip > 0 {
            self.skip -= 1;
        } else {
            let at = self.draw() * self.limit as f64;
            if let Some(place) = self.kept.get_mut(at as usize) {
                *place = value;
            }
            self.pass_over();
        }
    }

    /// A number between 0 and 1, neither of them, the same in every run.
    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        ((fixed_hash(self.drawn) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    fn pass_over(&mut self) {
        self.weight *= (self.draw().ln() / self.limit as f64).exp();
        self.skip = (self.draw().ln() / (-self.weight).ln_1p()) as u64;
    }

    /// Entropy of the sample over the most it could have: 0 where all values are equal, 1 where all differ.
    pub(super) fn normalised_entropy(&self) -> f64 {
        let n = self.kept.len();
        if n < 2 {
            return 0.0;
        }
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        let entropy: f64 = sorted
            .chunk_by(|a, b| a == b)
            .map(|run| {
                let p = run.len() as f64 / n as f64;
                -p * p.log2()
            })
            .sum();
        entropy / (n as f64).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Heavy(u64, i64);

    impl Weigh for Heavy {
        fn weight(&self) -> (u64, i64) {
            (self.0, self.1)
        }
    }

    #[test]
    fn a_full_table_keeps_what_is_heavy() {
        let mut table = Bounded::new(64);
        table.entry(u64::MAX, || Heavy(1000, 0));
        for key in 0..10_000_u64 {
            table.entry(key, || Heavy(1, key as i64));
        }
        assert_eq!(table.get_mut(&u64::MAX).map(|h| h.0), Some(1000));
        assert_eq!((table.iter().count(), table.evicted()), (64, 10_001 - 64));
        assert_eq!(table.get_mut(&9_999).map(|h| h.0), Some(1));
        assert!(table.get_mut(&5).is_none());
    }

    #[test]
    fn distinct_counts_within_five_percent() {
        for n in [10_u64, 1_000, 5_000, 20_000, 1_000_000] {
            let mut distinct = Distinct::new();
            for value in (0..n).chain(0..n / 2) {
                distinct.add(fixed_hash(value));
            }
            let error = distinct.count() as f64 / n as f64 - 1.0;
            assert!(error.abs() < 0.05, "{n}: {}", distinct.count());
        }
    }

    /// Sources chosen to fall into a few registers under one seed are counted under another one.
    #[test]
    fn chosen_sources_hide_under_a_known_seed_only() {
        const CHOSEN: usize = 15_000;
        let (known, secret) = (crate::seed::STATED, 0x0dd_ba11);
        let addresses = (0u32..).map(|n| IpAddr::from(n.to_be_bytes()));
        let chosen = addresses.filter(|ip| seeded_hash_of(known, ip) >> 56 == 7).take(CHOSEN).collect::<Vec<_>>();
        let count = |seed| {
            let mut distinct = Distinct::new();
            chosen.iter().for_each(|ip| distinct.add(seeded_hash_of(seed, ip)));
            distinct.count() as f64 / CHOSEN as f64
        };
        assert!(count(known) < 0.002, "{}", count(known));
        assert!((count(secret) - 1.0).abs() < 0.05, "{}", count(secret));
    }

    #[test]
    fn entropy_tells_one_source_from_many() {
        let (mut one, mut many) = (Reservoir::new(512), Reservoir::new(512));
        for n in 0..5_000 {
            one.add(7);
            many.add(fixed_hash(n));
        }
        assert!(one.normalised_entropy() < 0.01 && many.normalised_entropy() > 0.99);
    }
}
