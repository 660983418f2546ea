//! The packet clock: never runs backwards, whatever the time stamps do.

use crate::time::{MILLISECOND, SECOND, Timestamp};

/// A step back by more than this means that the time stamps jumped (another file, a corrected clock), not that packets came
/// out of order. The clock then goes on from where it was, at the new stamps' pace. Nanoseconds.
const JUMP: i64 = SECOND;

/// A clock driven by time stamps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PacketClock {
    now: Timestamp,
    /// What is added to time stamps since the last jump back.
    skew: i64,
    started: bool,
    backwards: u64,
}

impl PacketClock {
    /// Moves on to the time stamp `time`, if it is later; the clock afterwards.
    pub(super) fn advance(&mut self, time: Timestamp) -> Timestamp {
        let wanted = time.after(self.skew);
        if !self.started {
            self.started = true;
            self.now = wanted;
            return wanted;
        }
        let back = self.now - wanted;
        if back > MILLISECOND {
            self.backwards += 1;
        }
        if back > JUMP {
            self.skew = self.skew.saturating_add(back);
        } else if back < 0 {
            self.now = wanted;
        }
        self.now
    }

    /// Moves on to `time` where nothing is the matter with it; whether it did. As [`Self::advance`], for most packets.
    #[inline]
    pub(super) fn moves_on(&mut self, time: Timestamp) -> bool {
        let ordinary = self.started && self.skew == 0 && time >= self.now;
        if ordinary {
            self.now = time;
        }
        ordinary
    }

    /// The clock.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// A moment of this clock as the time stamps of now would show it.
    pub(super) const fn to_packet_time(self, moment: Timestamp) -> Timestamp {
        moment.after(self.skew.wrapping_neg())
    }

    /// The clock as a time stamp.
    pub(super) const fn latest(&self) -> Timestamp {
        self.to_packet_time(self.now)
    }

    /// How often time stamps ran backwards by more than a millisecond.
    pub(super) const fn backwards(&self) -> u64 {
        self.backwards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_after_a_jump_back() {
        let mut clock = PacketClock::default();
        clock.advance(Timestamp(100 * SECOND));
        assert_eq!(clock.advance(Timestamp(40 * SECOND)), Timestamp(100 * SECOND));
        assert_eq!(clock.advance(Timestamp(45 * SECOND)), Timestamp(105 * SECOND));
        assert_eq!(clock.latest(), Timestamp(45 * SECOND));
        assert_eq!(clock.backwards(), 1);
    }

    #[test]
    fn jitter_holds_it() {
        let mut clock = PacketClock::default();
        clock.advance(Timestamp(SECOND));
        assert_eq!(clock.advance(Timestamp(SECOND - 5)), Timestamp(SECOND));
        assert_eq!(clock.backwards(), 0);
    }
}
