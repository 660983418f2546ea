//! The SYNs that flows are nothing but, in the order in which they came.

use super::prefetch::{prefetch, prefetch_write};
use super::syn_record::{Syn, SynRecord, V6Addresses};

/// SYNs in the order in which they came. A place is a serial number modulo 2^31.
///
/// A ring of its own, because it is written to from end to end all through a flood: where the next ones go is asked for
/// ahead.
#[derive(Debug, Default)]
pub(in crate::flow) struct SynCache {
    /// The ring; as long as there was need for, at most `room`.
    ring: Vec<SynRecord>,
    /// At the same positions what they have more; as long as there is room, or empty where none has.
    v6_addresses: Vec<V6Addresses>,
    /// Positions of the ring: a power of two, or none.
    room: usize,
    /// Serial number of the record at position 0, or of the one there before the ring went round.
    origin: u64,
    /// Serial number of the oldest.
    base: u64,
    /// From the oldest to the newest, the empty ones between them counted.
    span: usize,
    alive: usize,
}

impl SynCache {
    const PLACES: u64 = 1 << 31;
    /// Positions of the smallest ring.
    const LEAST: usize = 64;
    /// How many places ahead one is asked for before it is written to.
    const AHEAD: u64 = 8;

    /// How many there are.
    pub(in crate::flow) const fn len(&self) -> usize {
        self.alive
    }

    /// Keeps `syn` as the first segment of flow `id`, which is below [`SynRecord::NUMBERS`]; its place.
    #[inline]
    pub(in crate::flow) fn push(&mut self, syn: Syn<'_>, id: u64) -> u32 {
        if self.span == self.room {
            self.grow();
        }
        let serial = self.base + self.span as u64;
        let at = self.position(serial);
        if at == self.ring.len() {
            self.ring.push(*syn.syn_record);
        }
        // Whole, and then the number: one that was put together before it is moved would make the processor wait.
        self.ring[at] = *syn.syn_record;
        if syn.syn_record.is_wide() {
            self.widen(at, syn.wide);
        }
        self.ring[at].set_id(id);
        self.ring.get(self.position(serial + Self::AHEAD)).into_iter().for_each(prefetch_write);
        self.span += 1;
        self.alive += 1;
        (serial % Self::PLACES) as u32
    }

    fn widen(&mut self, at: usize, wide: &V6Addresses) {
        if self.v6_addresses.is_empty() {
            self.v6_addresses.resize(self.room, V6Addresses::NONE);
        }
        self.v6_addresses[at] = *wide;
    }

    fn grow(&mut self) {
        // It is full: the oldest is at its position, or the ring is still empty.
        if !self.ring.is_empty() {
            let oldest = self.position(self.base);
            self.ring.rotate_left(oldest);
            if !self.v6_addresses.is_empty() {
                self.v6_addresses.rotate_left(oldest);
            }
        }
        self.room = (2 * self.room).max(Self::LEAST);
        self.ring.reserve_exact(self.room - self.ring.len());
        if !self.v6_addresses.is_empty() {
            self.v6_addresses.resize(self.room, V6Addresses::NONE);
        }
        self.origin = self.base;
    }

    /// The one at `place`.
    #[inline]
    pub(in crate::flow) fn get(&self, place: u32) -> Option<Syn<'_>> {
        let at = self.at(place)?;
        let syn_record = self.ring.get(at).filter(|syn_record| syn_record.is_alive())?;
        let wide = if syn_record.is_wide() { self.v6_addresses.get(at)? } else { &V6Addresses::NONE };
        Some(Syn { syn_record, wide })
    }

    /// Drops the one at `place`.
    #[inline]
    pub(in crate::flow) fn drop(&mut self, place: u32) {
        let Some(at) = self.at(place) else { return };
        let Some(syn_record) = self.ring.get_mut(at).filter(|syn_record| syn_record.is_alive()) else { return };
        syn_record.end();
        self.alive -= 1;
        while self.span > 0 && !self.ring[self.position(self.base)].is_alive() {
            self.base += 1;
            self.span -= 1;
        }
    }

    /// Place of the oldest, if there are places for no more than `limit`, the empty ones between them counted.
    pub(in crate::flow) fn surplus(&self, limit: usize) -> Option<u32> {
        (self.span >= limit.max(1)).then_some((self.base % Self::PLACES) as u32)
    }

    /// Asks the processor for the one at `place`, if there is any.
    pub(in crate::flow) fn prefetch(&self, place: u32) {
        let Some(at) = self.at(place) else { return };
        self.ring.get(at).into_iter().for_each(prefetch);
        self.v6_addresses.get(at).into_iter().for_each(prefetch);
    }

    /// Every one, with its place, oldest first.
    pub(in crate::flow) fn iter(&self) -> impl Iterator<Item = (u32, Syn<'_>)> {
        let places = (self.base..self.base + self.span as u64).map(|serial| (serial % Self::PLACES) as u32);
        places.filter_map(|place| Some((place, self.get(place)?)))
    }

    /// Position in the ring of what has this serial number.
    #[inline]
    const fn position(&self, serial: u64) -> usize {
        (serial - self.origin) as usize & self.room.wrapping_sub(1)
    }

    /// Position in the ring of `place`, if it is one between the oldest and the newest.
    #[inline]
    const fn at(&self, place: u32) -> Option<usize> {
        let from_oldest = (place as u64).wrapping_sub(self.base) % Self::PLACES;
        if from_oldest < self.span as u64 { Some(self.position(self.base + from_oldest)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::table::syn_record::tests::{syn, syn_v6};
    use crate::tcp::Segment;

    impl SynCache {
        fn keep(&mut self, s: &Segment, id: u64) -> u32 {
            let (syn_record, wide) = SynRecord::of(s).unwrap();
            self.push(Syn { syn_record: &syn_record, wide: &wide }, id)
        }

        fn take(&mut self, place: u32) -> Option<u64> {
            let id = self.get(place)?.syn_record.id();
            self.drop(place);
            Some(id)
        }
    }

    #[test]
    fn places_stay_while_others_come_and_go() {
        let mut syn_records = SynCache::default();
        let places: Vec<u32> = (0..4).map(|id| syn_records.keep(&syn(), id)).collect();
        assert_eq!(syn_records.take(places[1]), Some(1));
        assert!(syn_records.take(places[1]).is_none() && syn_records.get(places[1]).is_none());
        assert_eq!(syn_records.take(places[0]), Some(0));
        assert_eq!(syn_records.get(places[3]).map(|syn| syn.syn_record.id()), Some(3));
        assert_eq!(
            syn_records.iter().map(|(place, e)| (place, e.syn_record.id())).collect::<Vec<_>>(),
            [(places[2], 2), (places[3], 3)]
        );
        assert_eq!((syn_records.len(), syn_records.surplus(2), syn_records.surplus(3)), (2, Some(places[2]), None));
    }

    #[test]
    fn the_ring_grows_and_goes_round() {
        let mut syn_records = SynCache::default();
        let mut places = std::collections::VecDeque::new();
        for id in 0..1000 {
            // Both families; those over IPv6 only once the ring has grown for the first time.
            let s = if id > 200 && id % 3 == 0 { syn_v6() } else { syn() };
            let place = syn_records.keep(&s, id);
            assert_eq!(syn_records.get(place).map(|kept| kept.segment()), Some(s));
            places.push_back((place, id));
            // Held: 1, 1, 2, 2, 3, …, so that it goes round while it grows.
            if id % 2 == 1 {
                let (place, oldest) = places.pop_front().unwrap();
                assert_eq!(syn_records.surplus(1), Some(place));
                assert_eq!(syn_records.take(place), Some(oldest));
                assert!(syn_records.get(place).is_none());
            }
        }
        let kept: Vec<(u32, u64)> = syn_records.iter().map(|(place, e)| (place, e.syn_record.id())).collect();
        assert_eq!(kept, Vec::from(places));
        assert!(
            syn_records.iter().all(|(_, e)| (e.segment().source == syn_v6().source) == (e.syn_record.id() % 3 == 0))
        );
        assert_eq!((syn_records.len(), syn_records.ring.capacity()), (500, 512));
    }
}
