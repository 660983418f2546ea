//! The clock of a live capture.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::{MILLISECOND, Timestamp};

/// How long a frame may be under way from the kernel to the analysis, in nanoseconds: the ring hands out a block after
/// 100 ms at the latest (20 with several interfaces, whose frames may wait another 100 for each other), the threads
/// wake within 40. Idle time stays behind by this, so that no frame comes after a time that has passed already.
const UNDER_WAY: i64 = 250 * MILLISECOND;

/// Packet time while nothing comes: that of the last frame, plus what has passed since it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleClock {
    pub(super) time: Timestamp,
    pub(super) arrival: Instant,
}

impl IdleClock {
    /// Before the first frame, the time of day.
    pub(super) fn start() -> Self {
        Self { time: now(), arrival: Instant::now() }
    }

    pub(super) fn now(self) -> Timestamp {
        self.time.after((nanoseconds(self.arrival.elapsed()) - UNDER_WAY).max(0))
    }
}

/// The time of day, as frames have it.
pub(super) fn now() -> Timestamp {
    Timestamp(nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}

/// The whole of it in nanoseconds, saturating.
pub(super) fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
