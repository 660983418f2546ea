//! The packet clock: never runs backwards, whatever the time stamps do.

use crate::time::{MILLISECOND, SECOND, Timestamp};

/// A step back by more than this means that the time stamps jumped (another file, a corrected clock), not that packets
/// came out of order. The clock then goes on from where it was, at the new stamps' pace. Nanoseconds.
const JUMP: i64 = SECOND;
/// So long without any packet the capture may have stood still, or two were joined here, nanoseconds.
pub(super) const PAUSE: i64 = 600 * SECOND;
/// A step ahead by more than this is believed only when another packet confirms it: one damaged time stamp would end
/// every flow. Nanoseconds.
const FAR: i64 = 30 * 24 * 3600 * SECOND;
/// A step ahead by so much may be one of the clock that stamps, nanoseconds.
const LEAP: i64 = 3600 * SECOND;
/// How near to it that packet must be, nanoseconds.
const CONFIRMED: i64 = 3600 * SECOND;

/// A clock driven by time stamps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PacketClock {
    now: Timestamp,
    /// What is added to time stamps since the last jump back.
    skew: i64,
    /// A time far ahead that nothing has confirmed, and the clock then.
    ahead: Option<(Timestamp, Timestamp)>,
    started: bool,
    backwards: u64,
    leaps: Leaps,
}

/// Leaps of the time stamps that went on in the middle of connections: the clock was set, and no time passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaps {
    /// How many.
    pub count: u64,
    /// Length of the first, nanoseconds.
    pub length: i64,
    /// Frame of the first packet behind it.
    pub frame: u64,
    /// The time stamp before the last.
    before: Timestamp,
}

impl PacketClock {
    /// How far ahead of the clock the time stamp `time` is, nanoseconds, where that may be a leap.
    #[inline]
    pub(super) fn leap_to(&self, time: Timestamp) -> Option<i64> {
        let wanted = time.after(self.skew);
        let ahead = wanted - self.now;
        let near =
            |(far, then): (Timestamp, Timestamp)| then == self.now && (wanted - far).saturating_abs() <= CONFIRMED;
        let believed = ahead <= FAR || self.ahead.is_some_and(near);
        (ahead >= LEAP && self.started && believed).then_some(ahead)
    }

    /// Whether what is no TCP comes so far ahead that it tells nothing: the clock may have been set, or time passed.
    #[inline]
    pub(super) fn is_leap(&self, time: Timestamp) -> bool {
        self.leap_to(time).is_some_and(|ahead| ahead <= FAR)
    }

    /// The moment of this clock that the time stamp `time` names, if time has passed until then.
    pub(super) const fn at(&self, time: Timestamp) -> Timestamp {
        time.after(self.skew)
    }

    /// The time stamps leap to `time`, of this frame, and no time has passed.
    pub(super) fn leap(&mut self, time: Timestamp, frame: u64) {
        let Some(ahead) = self.leap_to(time) else { return };
        if self.ahead.take().is_some() {
            self.backwards = self.backwards.saturating_sub(1);
        }
        if self.leaps.count == 0 {
            (self.leaps.length, self.leaps.frame) = (ahead, frame);
        }
        self.leaps.count += 1;
        self.leaps.before = self.latest();
        self.skew = self.skew.saturating_sub(ahead);
    }

    /// Leaps so far.
    pub(super) const fn leaps(&self) -> Leaps {
        self.leaps
    }

    /// Moves on to the time stamp `time`, if it is later; the clock afterwards.
    pub(super) fn advance(&mut self, time: Timestamp) -> Timestamp {
        let wanted = time.after(self.skew);
        if !self.started {
            self.started = true;
            self.now = wanted;
            return wanted;
        }
        if wanted - self.now > FAR && !self.confirms(wanted) {
            return self.now;
        }
        let back = self.now - wanted;
        if back > MILLISECOND {
            self.backwards += 1;
        }
        if back > JUMP {
            // One damaged time stamp looks like a leap until the next packet.
            if self.leaps.count > 0 && (time - self.leaps.before).saturating_abs() <= CONFIRMED {
                self.leaps.count -= 1;
            }
            self.skew = self.skew.saturating_add(back);
        } else if back < 0 {
            self.now = wanted;
        }
        self.now
    }

    /// Whether `wanted`, which is far ahead, is near the one far ahead before it. If not, it counts as one that the
    /// next runs back from.
    fn confirms(&mut self, wanted: Timestamp) -> bool {
        let near = |ahead: Timestamp| (wanted - ahead).saturating_abs() <= CONFIRMED;
        let confirmed = self.ahead.is_some_and(|(ahead, then)| then == self.now && near(ahead));
        if confirmed {
            self.ahead = None;
            self.backwards = self.backwards.saturating_sub(1);
        } else {
            self.ahead = Some((wanted, self.now));
            self.backwards += 1;
        }
        confirmed
    }

    /// The moment that the time stamp `time` names, where it lies so far ahead that the clock has not gone there.
    #[inline]
    pub(super) fn far_ahead(&self, time: Timestamp) -> Option<Timestamp> {
        let (ahead, then) = self.ahead?;
        (then == self.now && ahead == time.after(self.skew)).then_some(ahead)
    }

    /// Moves on to `time` where nothing is the matter with it; whether it did. As [`Self::advance`], for most packets.
    #[inline]
    pub(super) fn moves_on(&mut self, time: Timestamp) -> bool {
        let ordinary = self.started && self.skew == 0 && time >= self.now && time - self.now < PAUSE;
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
    fn one_stamp_far_ahead_is_not_believed() {
        let mut clock = PacketClock::default();
        let (start, far) = (Timestamp(SECOND), Timestamp(10 * 365 * 24 * 3600 * SECOND));
        clock.advance(start);
        assert!(!clock.moves_on(far));
        assert_eq!((clock.advance(far), clock.backwards()), (start, 1));
        assert!(clock.moves_on(Timestamp(2 * SECOND)));
        assert_eq!((clock.advance(far), clock.backwards()), (Timestamp(2 * SECOND), 2), "others came between them");
    }

    #[test]
    fn a_step_ahead_that_the_next_confirms_is_one() {
        let mut clock = PacketClock::default();
        let far = Timestamp(400 * 24 * 3600 * SECOND);
        clock.advance(Timestamp(SECOND));
        clock.advance(far);
        assert_eq!((clock.far_ahead(far), clock.far_ahead(Timestamp(SECOND))), (Some(far), None));
        assert_eq!(clock.advance(far.after(SECOND)), far.after(SECOND));
        assert_eq!(clock.far_ahead(far.after(SECOND)), None);
        assert_eq!(clock.backwards(), 0);
    }

    #[test]
    fn a_leap_takes_no_time() {
        let mut clock = PacketClock::default();
        clock.advance(Timestamp(SECOND));
        let later = Timestamp(SECOND).after(5 * LEAP);
        assert_eq!((clock.leap_to(Timestamp(2 * SECOND)), clock.leap_to(later)), (None, Some(5 * LEAP)));
        clock.leap(later, 4);
        assert_eq!(clock.advance(later.after(SECOND)), Timestamp(2 * SECOND));
        assert_eq!((clock.leaps().count, clock.leaps().length, clock.leaps().frame), (1, 5 * LEAP, 4));
        clock.advance(Timestamp(3 * SECOND));
        assert_eq!((clock.leaps().count, clock.backwards()), (0, 1), "it was one damaged time stamp");
    }

    #[test]
    fn jitter_holds_it() {
        let mut clock = PacketClock::default();
        clock.advance(Timestamp(SECOND));
        assert_eq!(clock.advance(Timestamp(SECOND - 5)), Timestamp(SECOND));
        assert_eq!(clock.backwards(), 0);
    }
}
