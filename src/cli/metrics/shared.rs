//! What metrics are made from, between the analysis and whoever asks.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::engine::{Ending, Event, Totals};

/// Buckets of times: from 100 µs to 52 s, each twice the one before.
const BUCKETS: (f64, f64, u16) = (0.0001, 2.0, 20);
/// Servers that have series of their own with `--metrics-label server`: the first ones; all later ones are `other`.
const SERVERS: usize = 64;

/// What is counted, shared by threads.
#[derive(Debug)]
pub(in crate::cli) struct Shared {
    snapshot: Mutex<Snapshot>,
    pub(super) connect: Histogram,
    pub(super) rtt: Histogram,
    servers: Option<Mutex<BTreeMap<Option<IpAddr>, [u64; 2]>>>,
}

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) totals: Totals,
    pub(super) gauges: Option<Gauges>,
}

/// What goes up and down in a capture.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Gauges {
    /// Flows tracked now.
    pub(in crate::cli) flows: usize,
    /// How many there can be.
    pub(in crate::cli) flows_limit: usize,
    /// Octets of the tables of hosts.
    pub(in crate::cli) host_octets: usize,
    /// Seconds between the capture of the newest packet and its analysis.
    pub(in crate::cli) lag: f64,
}

impl Shared {
    pub(super) fn new(by_server: bool) -> Self {
        let histogram = || Histogram::new(exponential_buckets(BUCKETS.0, BUCKETS.1, BUCKETS.2));
        Self {
            snapshot: Mutex::default(),
            connect: histogram(),
            rtt: histogram(),
            servers: by_server.then(Mutex::default),
        }
    }

    /// Takes what an event has for metrics.
    pub(in crate::cli) fn event(&self, event: &Event<'_>) {
        match event {
            Event::FlowEnd { flow, .. } => self.ending(&Ending::of(flow)),
            Event::Ending(ending) => self.ending(ending),
            Event::Stats { totals, .. } | Event::SessionEnd { totals } => {
                locked(&self.snapshot).totals = (*totals).clone();
            }
            _ => {}
        }
    }

    /// Renews the snapshot.
    pub(in crate::cli) fn publish(&self, totals: Totals, gauges: Gauges) {
        *locked(&self.snapshot) = Snapshot { totals, gauges: Some(gauges) };
    }

    fn ending(&self, ending: &Ending) {
        let seconds = |nanoseconds: i64| nanoseconds as f64 / 1e9;
        ending.connect_time.into_iter().for_each(|time| self.connect.observe(seconds(time)));
        ending.rtt.into_iter().for_each(|time| self.rtt.observe(seconds(time)));
        if let Some(servers) = &self.servers {
            let mut servers = locked(servers);
            let known = servers.contains_key(&Some(ending.server)) || servers.len() < SERVERS;
            let counts = servers.entry(Some(ending.server).filter(|_| known)).or_default();
            counts[usize::from(ending.opening.opened())] += 1;
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        locked(&self.snapshot).clone()
    }

    /// Servers, `None` for all others, with their flows that did not open and those that did.
    pub(super) fn servers(&self) -> Vec<(Option<IpAddr>, [u64; 2])> {
        let servers = self.servers.as_ref().map(locked);
        servers.into_iter().flat_map(|servers| servers.clone()).collect()
    }
}

/// What a thread that panicked left is as good as before: each change is one assignment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
