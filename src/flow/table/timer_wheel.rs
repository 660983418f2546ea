//! A timer wheel in packet time.
//!
//! Each flow has at most one live entry. An entry fires no earlier than asked; what fires is checked against the flow's
//! real deadline, so a deadline that moves later costs nothing until its old entry fires.

use crate::flow::record::tracking::Tick;
use crate::time::{MILLISECOND, Timestamp};

/// Length of one tick, nanoseconds.
const TICK: i64 = 250 * MILLISECOND;
/// Ticks in the wheel: its horizon is 256 s; what lies beyond is looked at again then.
const SLOTS: usize = 1024;
/// Emptied vectors kept, and entries they may have room for: one that a flood filled would lie in a slot of much later,
/// which needs little.
const MAX_SPARE: usize = 8;
const MAX_ROOM: usize = 1024;

/// A wheel of entries of type `T`.
#[derive(Debug)]
pub(in crate::flow) struct Wheel<T> {
    slots: Vec<Vec<T>>,
    /// A bit for each slot with something in it, so that time that leaps need not visit all.
    filled: [u64; SLOTS / 64],
    /// Where ticks are counted from: the first time seen, so that the same packets at another time of day fire alike.
    origin: i64,
    /// The first tick that has not been fired.
    next_tick: i64,
    started: bool,
    /// Emptied vectors, for slots that have none.
    spare: Vec<Vec<T>>,
}

impl<T> Wheel<T> {
    /// An empty wheel.
    pub(in crate::flow) fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            filled: [0; SLOTS / 64],
            origin: 0,
            next_tick: 0,
            started: false,
            spare: Vec::new(),
        }
    }

    /// Files `entry` to fire at `at` or soon after; returns its tick.
    pub(in crate::flow) fn file(&mut self, at: Timestamp, entry: T) -> Tick {
        let tick = self.tick_for(at);
        let place = place_of(tick);
        let slot = &mut self.slots[place];
        if slot.capacity() == 0 {
            *slot = self.spare.pop().unwrap_or_default();
        }
        slot.push(entry);
        self.filled[place / 64] |= 1 << (place % 64);
        tick
    }

    /// The tick that [`Self::file`] would use for `at`.
    pub(in crate::flow) fn tick_for(&self, at: Timestamp) -> Tick {
        let wanted = self.due_at(at);
        if self.started { wanted.clamp(self.next_tick, self.next_tick + SLOTS as i64 - 1) } else { wanted }
    }

    /// Starts the wheel at `now`, before anything is filed.
    pub(in crate::flow) fn start(&mut self, now: Timestamp) {
        if !self.started {
            self.origin = now.0;
            self.next_tick = 0;
            self.started = true;
        }
    }

    /// Whether [`Self::fire`] would look at any slot at `now`.
    pub(in crate::flow) fn is_due(&self, now: Timestamp) -> bool {
        self.started && now.0.saturating_sub(self.origin) >= self.next_tick.saturating_mul(TICK)
    }

    /// Takes out the entries of the next tick up to `current`, with that tick; `None` when all have been fired. Give
    /// the emptied vector back by [`Self::recycle`].
    pub(in crate::flow) fn fire(&mut self, current: Tick) -> Option<(Tick, Vec<T>)> {
        if !self.started {
            return None;
        }
        match self.ticks_to_next().map(|ticks| self.next_tick.saturating_add(ticks)).filter(|tick| *tick <= current) {
            Some(tick) => {
                self.next_tick = tick.saturating_add(1);
                let place = place_of(tick);
                self.filled[place / 64] &= !(1 << (place % 64));
                Some((tick, core::mem::take(&mut self.slots[place])))
            }
            None => {
                self.next_tick = self.next_tick.max(current.saturating_add(1));
                None
            }
        }
    }

    /// How many ticks after the next one the first is with something in its slot.
    fn ticks_to_next(&self) -> Option<i64> {
        let from = place_of(self.next_tick);
        let words = self.filled.len();
        // The first word is visited twice: for what is behind `from`, and in the end for what is before it.
        (0..=words).find_map(|n| {
            let word = (from / 64 + n) % words;
            let bits = match n {
                0 => self.filled[word] & (u64::MAX << (from % 64)),
                _ => self.filled[word],
            };
            let place = (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)?;
            Some((place as i64 - from as i64).rem_euclid(SLOTS as i64))
        })
    }

    /// Whether the wheel turns more than once from `tick` to `current`.
    pub(in crate::flow) const fn is_rounds_before(tick: Tick, current: Tick) -> bool {
        current - tick >= SLOTS as i64
    }

    /// Gives an emptied vector back.
    pub(in crate::flow) fn recycle(&mut self, mut entries: Vec<T>) {
        entries.clear();
        if self.spare.len() < MAX_SPARE && entries.capacity() <= MAX_ROOM {
            self.spare.push(entries);
        }
    }

    /// Entries filed, stale ones included.
    #[cfg(test)]
    pub(in crate::flow) fn len(&self) -> usize {
        self.slots.iter().map(Vec::len).sum()
    }

    /// The tick at which an entry due at `at` fires: when that whole tick has passed.
    pub(in crate::flow) fn due_at(&self, at: Timestamp) -> Tick {
        self.tick_of(at).saturating_add(1)
    }

    /// The tick that `at` is in.
    pub(in crate::flow) fn tick_of(&self, at: Timestamp) -> Tick {
        at.0.saturating_sub(self.origin).div_euclid(TICK)
    }
}

/// The slot of a tick.
const fn place_of(tick: Tick) -> usize {
    tick.rem_euclid(SLOTS as i64) as usize
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn drain(wheel: &mut Wheel<u32>, now: i64) -> Vec<u32> {
        let mut fired = Vec::new();
        while let Some((_, entries)) = wheel.fire(wheel.tick_of(Timestamp(now))) {
            fired.extend(entries.iter().copied());
            wheel.recycle(entries);
        }
        fired
    }

    #[test]
    fn fires_in_order_and_not_early() {
        let mut wheel = Wheel::new();
        wheel.start(Timestamp(0));
        wheel.file(Timestamp(5 * SECOND), 5);
        wheel.file(Timestamp(SECOND), 1);
        assert!(drain(&mut wheel, SECOND).is_empty());
        assert_eq!(drain(&mut wheel, 2 * SECOND), [1]);
        assert_eq!(drain(&mut wheel, 100 * SECOND), [5]);
    }

    #[test]
    fn beyond_the_horizon_comes_back_early_to_be_refiled() {
        let mut wheel = Wheel::new();
        wheel.start(Timestamp(0));
        wheel.file(Timestamp(4000 * SECOND), 9);
        assert_eq!(drain(&mut wheel, 300 * SECOND), [9]);
    }

    #[test]
    fn a_year_of_silence_is_cheap() {
        let mut wheel = Wheel::new();
        wheel.start(Timestamp(0));
        wheel.file(Timestamp(SECOND), 1);
        assert_eq!(drain(&mut wheel, 365 * 86_400 * SECOND), [1]);
        assert_eq!(wheel.len(), 0);
        assert!(drain(&mut wheel, 366 * 86_400 * SECOND).is_empty());
    }
}
