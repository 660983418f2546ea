//! Where flows are, by the hash of their key.
//!
//! Buckets of one cache line each, whose address follows from the hash alone: what will be looked up, entered
//! or removed can be asked for ahead, without waiting. In a flood each SYN is entered and another one dropped for it,
//! and with `hashbrown`, which has octets and values in two places and no way to ask for them, half of its time was
//! spent waiting (`docs/performance.md`). A bucket that was once full passes what belongs to it on to the next and
//! counts that, so that nothing is left behind by what is removed.

use super::prefetch::prefetch;

/// Places in a bucket.
const PLACES: usize = 12;
/// Entries for each bucket, on average, from which on there are twice as many buckets.
const CROWDED: usize = 9;
/// Buckets to begin with.
const LEAST: usize = 64;

/// A line of the index.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Bucket {
    /// Of each place an octet of the hash, 0 where it is free.
    tags: [u8; PLACES],
    /// How many entries that belong here, or before, lie further on.
    passed: u32,
    slots: [u32; PLACES],
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    const EMPTY: Self = Self { tags: [0; PLACES], passed: 0, slots: [0; PLACES] };

    /// The places that have this tag, in order.
    #[inline]
    fn places(&self, tag: u8) -> impl Iterator<Item = usize> + use<> {
        const LOW: u128 = u128::MAX / 0xff;
        const REST: u128 = LOW * 0x7f;
        // From registers: an array put together in memory could not be read at once as a whole.
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.tags;
        let (first, rest) = (u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]));
        // The highest bit of each octet that is 0, as is one that had the tag.
        let other = (u128::from(rest) << 64 | u128::from(first)) ^ (LOW * u128::from(tag));
        let mut found = !(((other & REST) + REST) | other | REST);
        core::iter::from_fn(move || {
            let place = (found != 0).then(|| found.trailing_zeros() as usize / 8);
            found &= found.wrapping_sub(1);
            place.filter(|place| *place < PLACES)
        })
    }
}

/// Numbers by hash. The caller tells those of one hash apart.
#[derive(Debug, Default)]
pub(in crate::flow) struct Index {
    /// A power of two of them, or none.
    buckets: Vec<Bucket>,
    len: usize,
}

impl Index {
    /// Asks the processor for what anything with this hash reads and writes. Changes nothing.
    #[inline]
    pub(in crate::flow) fn prefetch(&self, hash: u64) {
        self.buckets.get(self.home(hash)).into_iter().for_each(prefetch);
    }

    /// The first entry with this hash that it is, as `is` says.
    #[inline]
    pub(in crate::flow) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let found = bucket.places(tag_of(hash)).map(|place| bucket.slots[place]).find(|slot| is(*slot));
            if found.is_some() || bucket.passed == 0 {
                return found;
            }
            at = self.after(at);
        }
        None
    }

    /// Enters `slot` under a hash; `hash_of` tells the hashes of those that are there.
    #[inline]
    pub(in crate::flow) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        if self.len >= CROWDED * self.buckets.len() {
            self.grow(hash_of);
        }
        self.enter(hash, slot);
        self.len += 1;
    }

    /// Removes `slot`, which was entered under this hash; whether it was there.
    pub(in crate::flow) fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let Some((found, place)) = self.locate(hash, slot) else { return false };
        self.buckets[found].tags[place] = 0;
        self.len -= 1;
        let mut at = self.home(hash);
        while at != found {
            self.buckets[at].passed -= 1;
            at = self.after(at);
        }
        true
    }

    /// Puts `new` in the place of `slot`, which was entered under this hash; whether that was there.
    pub(in crate::flow) fn replace(&mut self, hash: u64, slot: u32, new: u32) -> bool {
        let found = self.locate(hash, slot);
        if let Some((at, place)) = found {
            self.buckets[at].slots[place] = new;
        }
        found.is_some()
    }

    fn locate(&self, hash: u64, slot: u32) -> Option<(usize, usize)> {
        let mut at = self.home(hash);
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            if let Some(place) = bucket.places(tag_of(hash)).find(|place| bucket.slots[*place] == slot) {
                return Some((at, place));
            }
            if bucket.passed == 0 {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    fn enter(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        // There is a free place: there are fewer entries than places.
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(place) = bucket.places(0).next() {
                (bucket.tags[place], bucket.slots[place]) = (tag_of(hash), slot);
                return;
            }
            bucket.passed += 1;
            at = self.after(at);
        }
    }

    #[cold]
    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let size = (2 * self.buckets.len()).max(LEAST);
        let old = core::mem::replace(&mut self.buckets, vec![Bucket::EMPTY; size]);
        for bucket in old {
            for (tag, slot) in bucket.tags.into_iter().zip(bucket.slots) {
                if tag != 0 {
                    self.enter(hash_of(slot), slot);
                }
            }
        }
    }

    #[inline]
    const fn home(&self, hash: u64) -> usize {
        hash as usize & self.buckets.len().wrapping_sub(1)
    }

    #[inline]
    const fn after(&self, at: usize) -> usize {
        (at + 1) & (self.buckets.len() - 1)
    }
}

/// The octet of a hash that is kept with an entry; never 0.
#[inline]
const fn tag_of(hash: u64) -> u8 {
    let tag = (hash >> 56) as u8;
    if tag == 0 { 1 } else { tag }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Few hashes, so that buckets overflow; the tag among what differs.
    fn hash_of(slot: u32) -> u64 {
        u64::from(slot % 7) | u64::from(slot % 3) << 56
    }

    fn check(index: &Index, model: &HashMap<u32, u64>) {
        assert_eq!(index.len, model.len());
        let mut entries: Vec<u32> = Vec::new();
        for bucket in &index.buckets {
            entries.extend(bucket.places_used().map(|place| bucket.slots[place]));
        }
        entries.sort_unstable();
        let mut expected: Vec<u32> = model.keys().copied().collect();
        expected.sort_unstable();
        assert_eq!(entries, expected);
        for (slot, hash) in model {
            assert_eq!(index.find(*hash, |s| s == *slot), Some(*slot));
        }
    }

    impl Bucket {
        fn places_used(&self) -> impl Iterator<Item = usize> {
            (0..PLACES).filter(|place| self.tags[*place] != 0)
        }
    }

    #[test]
    fn a_tag_is_found_wherever_it_is_and_nowhere_else() {
        for tag in [0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff] {
            for other in [0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff].into_iter().filter(|other| *other != tag) {
                for places in 0..1_u16 << PLACES {
                    let mut bucket = Bucket::EMPTY;
                    for place in 0..PLACES {
                        bucket.tags[place] = if places >> place & 1 == 1 { tag } else { other };
                    }
                    let found = bucket.places(tag).fold(0, |found, place| found | 1 << place);
                    assert_eq!(found, places, "{tag:#x} among {other:#x}");
                }
            }
        }
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let mut index = Index::default();
        index.prefetch(u64::MAX);
        assert_eq!(index.find(1, |_| true), None);
        assert!(!index.remove(1, 1) && !index.replace(1, 1, 2));
    }

    #[test]
    fn what_overflowed_leaves_no_trace_when_it_is_gone() {
        let mut index = Index::default();
        (0..40).for_each(|slot| index.insert(5, slot, |_| 5));
        assert!(index.buckets[5].passed == 28 && index.buckets[6].passed == 16 && index.buckets[7].passed == 4);
        for slot in [3, 39, 0, 20].into_iter().chain(0..40) {
            index.remove(5, slot);
        }
        assert!(index.buckets.iter().all(|bucket| bucket.passed == 0 && bucket.tags == [0; PLACES]));
    }

    #[test]
    fn it_goes_round_at_the_end() {
        let mut index = Index::default();
        let last = LEAST as u64 - 1;
        (0..30).for_each(|slot| index.insert(last, slot, |_| last));
        assert_eq!(index.find(last, |slot| slot == 29), Some(29));
        assert!(index.buckets[0].passed == 6 && index.buckets[1].passed == 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_has_what_was_entered_and_not_removed(steps in prop::collection::vec((0_u32..1500, 0..4), 1..4000)) {
            let (mut index, mut model) = (Index::default(), HashMap::new());
            for (slot, step) in steps {
                let hash = hash_of(slot);
                match step {
                    0 => prop_assert_eq!(index.remove(hash, slot), model.remove(&slot).is_some()),
                    // Of the same hash.
                    1 if !model.contains_key(&(slot + 2100)) => {
                        prop_assert_eq!(index.replace(hash, slot, slot + 2100), model.contains_key(&slot));
                        if let Some(hash) = model.remove(&slot) {
                            model.insert(slot + 2100, hash);
                        }
                    }
                    _ if !model.contains_key(&slot) => {
                        index.insert(hash, slot, hash_of);
                        model.insert(slot, hash);
                    }
                    _ => {}
                }
            }
            check(&index, &model);
        }
    }
}
