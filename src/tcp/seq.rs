//! Sequence numbers, modulo 2^32 (RFC 9293 section 3.4).

use core::fmt;

/// A TCP sequence or acknowledgment number.
///
/// Arithmetic wraps and comparison is relative, as RFC 9293 section 3.4 defines it, so it is deliberately not [`Ord`]:
/// the order of three numbers spread over the whole circle is not transitive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// This number moved forward by `n` octets.
    #[must_use]
    pub const fn plus(self, n: u32) -> Self {
        Self(self.0.wrapping_add(n))
    }

    /// This number moved back by `n` octets.
    #[must_use]
    pub const fn minus(self, n: u32) -> Self {
        Self(self.0.wrapping_sub(n))
    }

    /// Signed distance from `other` to this number: positive when this one is later. In -2^31..2^31.
    pub const fn distance(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }

    /// Octets from `base` forward to this number, 0..2^32 (relative sequence number).
    pub const fn offset_from(self, base: Self) -> u32 {
        self.0.wrapping_sub(base.0)
    }

    /// SEG.SEQ < other.
    pub const fn before(self, other: Self) -> bool {
        self.distance(other) < 0
    }

    /// SEG.SEQ =< other.
    pub const fn at_or_before(self, other: Self) -> bool {
        self.distance(other) <= 0
    }

    /// SEG.SEQ > other.
    pub const fn after(self, other: Self) -> bool {
        self.distance(other) > 0
    }

    /// SEG.SEQ >= other.
    pub const fn at_or_after(self, other: Self) -> bool {
        self.distance(other) >= 0
    }

    /// The later of two.
    #[must_use]
    pub const fn later(self, other: Self) -> Self {
        if self.after(other) { self } else { other }
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_across_the_wrap() {
        let (before, after) = (SeqNumber(u32::MAX), SeqNumber(3));
        assert!(before.before(after) && after.after(before));
        assert_eq!(after.distance(before), 4);
        assert_eq!(before.plus(4), after);
        assert_eq!(after.minus(4), before);
    }

    #[test]
    fn half_the_circle_away_is_total() {
        let a = SeqNumber(0);
        let b = SeqNumber(1 << 31);
        assert!(a.before(b) || b.before(a));
    }
}
