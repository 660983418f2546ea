//! Percentiles of durations in bounded memory.

/// Number of steps per power of two: percentiles are right within 3 %.
const STEPS: usize = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Buckets for all of 0..2^63.
const BUCKETS: usize = (64 - STEP_BITS as usize) * STEPS;

/// A histogram with logarithmic buckets, each of a thirty-second of a power of two. 15 KiB.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into_boxed_slice(), count: 0, max: 0 }
    }
}

impl Histogram {
    /// Adds a value; a negative one counts as 0.
    pub(super) fn add(&mut self, value: i64) {
        let value = value.max(0).unsigned_abs();
        if let Some(bucket) = self.buckets.get_mut(bucket_of(value)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exactly.
    pub(super) fn max(&self) -> i64 {
        self.max as i64
    }

    /// How many values are in `from..to`, within the width of a bucket.
    #[cfg(feature = "tui")]
    pub(super) fn between(&self, from: i64, to: i64) -> u64 {
        let within =
            |bucket: usize| (from.max(0).unsigned_abs()..to.max(0).unsigned_abs()).contains(&middle_of(bucket));
        self.buckets.iter().enumerate().filter(|(bucket, _)| within(*bucket)).map(|(_, count)| count).sum()
    }

    /// The value that `percent` of all values do not exceed, within 3 %; 0 where there are none.
    pub(super) fn percentile(&self, percent: u64) -> i64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle_of(index).min(self.max) as i64;
            }
        }
        self.max()
    }
}

fn bucket_of(value: u64) -> usize {
    let bits = 64 - value.leading_zeros();
    if bits <= STEP_BITS {
        return value as usize;
    }
    let shift = bits - STEP_BITS - 1;
    // The leading bit is always set: (value >> shift) is in STEPS..2*STEPS.
    shift as usize * STEPS + (value >> shift) as usize
}

fn middle_of(bucket: usize) -> u64 {
    if bucket < 2 * STEPS {
        return bucket as u64;
    }
    let shift = bucket / STEPS - 1;
    let lowest = ((bucket % STEPS + STEPS) as u64) << shift;
    lowest + (1u64 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_three_percent_of_its_bucket() {
        let mut value = 1u64;
        while value < 1 << 62 {
            let middle = middle_of(bucket_of(value));
            assert!(middle.abs_diff(value) * 100 <= value * 3, "{value} {middle}");
            value += value / 7 + 1;
        }
        assert!(bucket_of(i64::MAX as u64) < BUCKETS);
    }

    #[test]
    fn percentiles_of_a_thousand() {
        let mut histogram = Histogram::default();
        for value in 1..=1000 {
            histogram.add(value * 1000);
        }
        for (percent, expected) in [(50, 500_000i64), (90, 900_000), (99, 990_000)] {
            assert!((histogram.percentile(percent) - expected).abs() * 100 <= expected * 3);
        }
        assert_eq!((histogram.max(), histogram.count()), (1_000_000, 1000));
        assert_eq!(Histogram::default().percentile(50), 0);
    }
}
