//! Packet time: nanoseconds since the Unix epoch. Nothing here reads a clock.

use core::ops::{Add, Sub};

/// One second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// One millisecond in nanoseconds.
pub const MILLISECOND: i64 = 1_000_000;
/// One microsecond in nanoseconds.
pub const MICROSECOND: i64 = 1_000;

/// The longest time between two moments, nanoseconds: nine years. Time stamps can be forged; what is this much below
/// the limit of its type can be doubled, or compared with 24 times another, and does not overflow.
pub const LONGEST: i64 = i64::MAX / 32;

/// A moment of packet time: nanoseconds since 1970-01-01T00:00:00Z (negative before it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds and nanoseconds. Saturates: a forged time must not panic.
    pub const fn new(seconds: i64, nanoseconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND).saturating_add(nanoseconds))
    }

    /// This moment plus `nanoseconds`, saturating.
    #[must_use]
    pub const fn after(self, nanoseconds: i64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Nanoseconds from `earlier` to this moment; negative when time ran backwards. Never beyond [`LONGEST`] either
    /// way.
    pub const fn since(self, earlier: Self) -> i64 {
        let elapsed = self.0.saturating_sub(earlier.0);
        if elapsed > LONGEST {
            LONGEST
        } else if elapsed < -LONGEST {
            -LONGEST
        } else {
            elapsed
        }
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Nanoseconds within the second, 0..=999 999 999.
    pub const fn subsecond_nanos(self) -> u32 {
        self.0.rem_euclid(SECOND) as u32
    }
}

impl Add<i64> for Timestamp {
    type Output = Self;
    fn add(self, nanoseconds: i64) -> Self {
        self.after(nanoseconds)
    }
}

impl Sub for Timestamp {
    type Output = i64;
    fn sub(self, earlier: Self) -> i64 {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_negative_times_downwards() {
        let t = Timestamp(-1);
        assert_eq!((t.seconds(), t.subsecond_nanos()), (-1, 999_999_999));
    }

    #[test]
    fn saturates_instead_of_overflowing() {
        assert_eq!(Timestamp::new(i64::MAX, 5), Timestamp(i64::MAX));
        assert_eq!(Timestamp(i64::MIN) - Timestamp(i64::MAX), -LONGEST);
        assert_eq!(Timestamp(i64::MAX) - Timestamp(i64::MIN), LONGEST);
    }
}
