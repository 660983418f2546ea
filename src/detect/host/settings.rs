//! Thresholds and bounds of the host detectors.

use core::net::IpAddr;

use crate::flow::{MEMORY, Timeouts};
use crate::network::IpNet;
use crate::time::SECOND;

/// Entries that every table may have, however little memory there is.
const LEAST: usize = 64;

/// From when on failed attempts are a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanThreshold {
    /// Distinct hosts on one port.
    pub hosts: u32,
    /// Distinct ports of one host.
    pub ports: u32,
    /// Distinct pairs of host and port, for a block.
    pub pairs: u32,
    /// Window, nanoseconds.
    pub window: i64,
}

impl Default for ScanThreshold {
    /// Zeek's defaults: 25 hosts, or 15 ports, in five minutes.
    fn default() -> Self {
        Self { hosts: 25, ports: 15, pairs: 25, window: 300 * SECOND }
    }
}

impl ScanThreshold {
    /// The most that [`Self::of`] may ask for: of no source more pairs are kept apart.
    pub const MOST: u32 = 1000;

    /// `n` (at most [`Self::MOST`]) hosts, ports or pairs within `window` nanoseconds.
    pub const fn of(n: u32, window: i64) -> Self {
        Self { hosts: n, ports: n, pairs: n, window }
    }
}

/// How the host detectors work. With these defaults all their state together stays below 64 MiB.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From when on failed attempts are a scan.
    pub scan: ScanThreshold,
    /// Networks that are ours. Their hosts may fail ten times as often before they are scanners; with none, every host
    /// is treated as foreign.
    pub local_nets: Vec<IpNet>,
    /// Source addresses remembered (about 500 octets each).
    pub sources: usize,
    /// Failed pairs of host and port remembered, of all sources together (48 octets each).
    pub pairs: usize,
    /// Services (address and port) whose attempts are counted (about 1.2 KiB each).
    pub services: usize,
    /// Hosts whose stray segments are counted (about 600 octets each).
    pub strays: usize,
    /// Cohorts of initial sequence numbers (at most 8 KiB each).
    pub isn_cohorts: usize,
    /// Samples of initial sequence numbers, of all cohorts together (24 octets each).
    pub isn_samples: usize,
    /// 2 MSL, nanoseconds. The engine takes it from its [`Timeouts`].
    pub time_wait: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scan: ScanThreshold::default(),
            local_nets: Vec::new(),
            sources: 32_768,
            pairs: 200_000,
            services: 8_192,
            strays: 4_096,
            isn_cohorts: 16_384,
            isn_samples: 262_144,
            time_wait: Timeouts::default().time_wait,
        }
    }
}

impl Settings {
    /// Limits for `octets` of memory in all, flows among them: tables shrink in proportion below the default.
    #[must_use]
    pub fn for_memory(self, octets: usize) -> Self {
        let share = |n: usize| ((n as u128 * octets as u128 / MEMORY as u128) as usize).clamp(LEAST.min(n), n);
        Self {
            sources: share(self.sources),
            pairs: share(self.pairs),
            services: share(self.services),
            strays: share(self.strays),
            isn_cohorts: share(self.isn_cohorts),
            isn_samples: share(self.isn_samples),
            ..self
        }
    }

    /// Whether `ip` is in one of our networks.
    pub fn is_local(&self, ip: IpAddr) -> bool {
        self.local_nets.iter().any(|net| net.contains(&ip))
    }
}
