//! What a source probed: pairs of host and port, and what became of each.

use core::net::IpAddr;

use crate::detect::host::probe::Technique;
use crate::detect::host::sketch::{Distinct, fixed_hash, fixed_hash_of};
use crate::tcp::Endpoint;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Units of a pair's period.
pub(super) const UNIT: i64 = SECOND / 16;
/// Attempts at one pair that are further apart than this are no repetition by its kernel, or of the same moment.
const AGAIN: i64 = 100 * MILLISECOND;

/// What became of a probed pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Open,
    /// Open, and the prober closed at once without a word.
    OpenUnused,
    Answered,
    Silent,
    /// Observation ended before silence was known.
    Unknown,
}

/// When a pair was last asked for, and the time between the last two attempts at it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub(super) times: u8,
    pub(super) period: u16,
}

impl Asked {
    pub(super) const ONCE: Self = Self { times: 1, period: 0 };

    /// Once more, `after` the time before.
    pub(super) fn again(&mut self, after: i64) {
        if after >= AGAIN {
            self.times = self.times.saturating_add(1);
            self.period = u16::try_from(after / UNIT).unwrap_or(u16::MAX);
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) to: IpAddr,
    pub(super) port: u16,
    pub(super) found: Found,
    pub(super) technique: Technique,
    pub(super) asked: Asked,
    pub(super) time: Timestamp,
    /// The target had just asked something of the source.
    pub(super) back: bool,
}

impl Pair {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.found, Found::Open | Found::OpenUnused)
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.found, Found::Silent | Found::Unknown)
    }

    pub(super) fn digest(&self) -> u64 {
        fixed_hash_of(&Endpoint { ip: self.to, port: self.port })
    }

    /// Whether the attempts of a kernel look like this.
    pub(super) fn may_be_ordinary(&self) -> bool {
        self.found != Found::Unknown && matches!(self.technique, Technique::Syn | Technique::Connect)
    }
}

/// Pairs that were not kept, by what became of them.
#[derive(Debug)]
pub(super) struct Beyond {
    pub(super) pairs: Distinct,
    pub(super) open: u64,
    pub(super) silent: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Where to look next for a pair that gives way.
    pub(super) next: usize,
}

impl Beyond {
    pub(super) fn new(first: Timestamp) -> Self {
        Self { pairs: Distinct::new(), open: 0, silent: 0, first, last: first, next: 0 }
    }

    pub(super) fn add(&mut self, pair: &Pair) {
        self.pairs.add(fixed_hash((pair.to, pair.port)));
        self.open += u64::from(pair.is_open());
        self.silent += u64::from(pair.is_silent());
        self.first = self.first.min(pair.time);
        self.last = self.last.max(pair.time);
    }
}
