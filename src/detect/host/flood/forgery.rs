//! Whether sources are forged: what their SYNs alone show of it.

use core::net::IpAddr;

use crate::detect::host::input::Attempt;
use crate::detect::host::sketch::{Distinct, Reservoir};
use crate::tcp::Endpoint;

/// Sources sampled for entropy.
pub(super) const SAMPLE: usize = 512;

/// What is sketched of the SYNs of a flood, or of what may turn out to be one.
#[derive(Debug)]
pub(super) struct Sketch {
    pub(super) sources: Distinct,
    sample: Reservoir,
    pub(super) martians: u64,
    ttls: Box<[u32; 256]>,
}

impl Sketch {
    pub(super) fn new() -> Self {
        Self { sources: Distinct::new(), sample: Reservoir::new(SAMPLE), martians: 0, ttls: Box::new([0; 256]) }
    }

    /// SYNs seen.
    pub(super) fn syns(&self) -> u64 {
        self.ttls.iter().map(|n| u64::from(*n)).sum()
    }

    /// Whether all sources are equally far away, and too many for that to be chance.
    pub(super) fn is_of_one_distance(&self, sources: u64) -> bool {
        sources >= 1000 && ttl_entropy(&self.ttls) <= 1.0
    }

    /// One more, with the hash of its source.
    pub(super) fn add(&mut self, a: &Attempt, source: u64) {
        self.sources.add(source);
        self.sample.add(source);
        self.martians += u64::from(is_martian(a.client.ip));
        self.ttls[usize::from(a.look.ttl)] += 1;
    }
}

/// What the SYNs alone show of `sources` forged sources.
pub(super) fn signs_of_forgery(sketch: &Sketch, sources: u64, victim: Endpoint) -> Vec<&'static str> {
    let n = sketch.syns();
    let mut signs = Vec::new();
    if n >= 1000 && sources as f64 / n as f64 >= 0.8 {
        signs.push("as many sources as SYNs");
    }
    if n >= 100 && sketch.sample.normalised_entropy() >= 0.95 {
        signs.push("sources spread evenly");
    }
    if sketch.martians >= 20 && sketch.martians * 100 >= n && !is_martian(victim.ip) {
        signs.push("sources that cannot be on the internet");
    }
    if sketch.is_of_one_distance(sources) {
        signs.push("one distance for all sources");
    }
    signs
}

fn ttl_entropy(ttls: &[u32; 256]) -> f64 {
    let all: f64 = ttls.iter().map(|n| f64::from(*n)).sum();
    let share = |n: &u32| f64::from(*n) / all.max(1.0);
    ttls.iter().filter(|n| **n > 0).map(|n| -share(n) * share(n).log2()).sum()
}

/// Whether `ip` cannot be the source of a packet on the internet (RFC 6890).
fn is_martian(ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    let [a, b, c, _] = ip.octets();
    matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}
