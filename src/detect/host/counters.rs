//! What the state of the host detectors amounts to.

/// Bounded state of a run, for totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// Octets held.
    pub octets: usize,
    /// Sources, services, hosts and cohorts that were given up for others.
    pub evicted: u64,
}

impl HostCounters {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { octets: self.octets + other.octets, evicted: self.evicted + other.evicted }
    }
}
