//! Which shapes the pairs of a source make: ports of one host, one port of many hosts, a grid, or few over hours.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::pair::{Found, Pair};
use super::patience::{self, NO_CHECK, Verdict};
use super::source::{LOOKED_AT_ONCE, MAX_PAIRS, Shape, Source};
use crate::detect::host::probe::{Probe, Technique};
use crate::detect::host::settings::Settings;
use crate::time::{SECOND, Timestamp};

/// A source with more pairs than [`LOOKED_AT_ONCE`] is examined for a grid, and for a slow scan, at every eighth
/// failure: that sorts all of them.
pub(super) const LOOKED_AT_EVERY: u8 = 8;
/// Failed or empty connections to one host that tell a technique before they are many enough for a scan.
pub(super) const TECHNIQUE_FROM: usize = 8;
/// Window of slow scans.
const SLOW_WINDOW: i64 = 24 * 3600 * SECOND;
/// Further ports from which on a scan of one port of many hosts is a grid by itself.
const GRID_OF_ROWS: usize = 2;
/// Ports that a list of an event names.
pub(super) const MAX_LISTED: usize = 1024;

/// The window of a shape, and how many pairs make it.
pub(super) fn bounds(shape: Shape, settings: &Settings, local: bool) -> (i64, usize) {
    let t = &settings.scan;
    let limit = |n: u32| (n.max(1) as usize).saturating_mul(if local { 10 } else { 1 }).min(MAX_PAIRS);
    match shape {
        Shape::Vertical(_) => (t.window, limit(t.ports)),
        Shape::Horizontal(_) => (t.window, limit(t.hosts)),
        Shape::Block => (t.window.saturating_mul(3), limit(t.pairs)),
        Shape::Slow => (SLOW_WINDOW, limit(t.pairs)),
    }
}

/// The shapes that the pairs around `pair` make.
pub(super) fn shapes(
    source: &Source,
    pair: &Pair,
    now: Timestamp,
    settings: &Settings,
    local: bool,
) -> SmallVec<[Shape; 4]> {
    let mut found = SmallVec::new();
    if !source.may_count(pair) || source.beyond.is_some() {
        return found;
    }
    let factor = if local { 10 } else { 1 };
    let limit = |n: u32| (n.max(1) as usize).saturating_mul(factor).min(MAX_PAIRS);
    let t = &settings.scan;
    if source.pairs.len() < limit(t.ports).min(limit(t.hosts)).min(limit(t.pairs)) {
        return found;
    }
    let recent = |p: &&Pair| p.technique == pair.technique && source.may_count(p) && now - p.time <= t.window;
    let pairs = || source.pairs.iter().filter(recent);
    // What has been reported need not be counted again.
    let vertical = Shape::Vertical(pair.to);
    if source.has_reported(vertical) || pairs().filter(|p| p.to == pair.to).count() >= limit(t.ports) {
        found.push(vertical);
    }
    let failures = source.pairs.iter().filter(|p| source.counts(p)).count() as u64;
    // What a kernel may have sent of itself is weighed later.
    let has_work = source.used > failures && !source.is_peculiar();
    if has_work && !source.is_of_a_kernel() {
        return found;
    }
    let horizontal = Shape::Horizontal(pair.port);
    if source.has_reported(horizontal) || pairs().filter(|p| source.belongs(horizontal, p)).count() >= limit(t.hosts) {
        found.push(horizontal);
    }
    let total = source.pairs.len();
    if has_work {
        return found;
    }
    if total > LOOKED_AT_ONCE && source.unseen < LOOKED_AT_EVERY {
        return found;
    }
    let rows = source.more_ports.len() < GRID_OF_ROWS;
    if rows && total >= limit(t.pairs) && found.is_empty() && is_block(source, now, settings, limit(t.pairs)) {
        found.push(Shape::Block);
    }
    if source.reports.is_empty() && found.is_empty() && is_slow(source, now, t.window, limit(t.pairs)) {
        found.push(Shape::Slow);
    }
    found
}

/// A grid: the same ports at several hosts. Peers of a file-sharing network have a port each, and make none.
fn is_block(source: &Source, now: Timestamp, settings: &Settings, enough: usize) -> bool {
    let window = settings.scan.window.saturating_mul(3);
    let mut hosts: SmallVec<[IpAddr; 32]> = SmallVec::new();
    let mut ports: SmallVec<[u16; 32]> = SmallVec::new();
    let mut pairs = 0;
    for p in source.pairs.iter().filter(|p| source.counts(p) && !p.back && now - p.time <= window) {
        pairs += 1;
        hosts.push(p.to);
        ports.push(p.port);
    }
    hosts.sort_unstable();
    hosts.dedup();
    ports.sort_unstable();
    ports.dedup();
    pairs >= enough && hosts.len() >= 5 && ports.len() >= 5 && 2 * pairs >= 3 * hosts.len().max(ports.len())
}

/// At least 25 failed pairs in a day, too few at a time for a scan of another shape: ports of one host, one port of
/// many hosts, or the same ports of several. A host that looks for its peers fails at one port of each.
pub(super) fn is_slow(source: &Source, now: Timestamp, window: i64, enough: usize) -> bool {
    let pairs = || source.pairs.iter().filter(|p| source.counts(p) && !p.back && now - p.time <= SLOW_WINDOW);
    let mut hosts: SmallVec<[IpAddr; 64]> = pairs().map(|p| p.to).collect();
    let mut ports: SmallVec<[u16; 64]> = pairs().map(|p| p.port).collect();
    let all = hosts.len();
    hosts.sort_unstable();
    hosts.dedup();
    ports.sort_unstable();
    ports.dedup();
    let times = || pairs().map(|p| p.time);
    if times().max().zip(times().min()).is_none_or(|(last, first)| last - first <= window) {
        return false;
    }
    let (fewer, more) = (hosts.len().min(ports.len()), hosts.len().max(ports.len()));
    all >= enough && (5 * fewer <= all || 2 * all >= 3 * more)
}

/// What is found of a source that scans a grid is part of that: a report for each of its rows and columns says nothing
/// more.
pub(super) fn as_grid(
    source: &Source,
    shape: Shape,
    now: Timestamp,
    settings: &Settings,
    local: bool,
) -> Option<Shape> {
    if !matches!(shape, Shape::Vertical(_) | Shape::Horizontal(_)) || source.has_reported(shape) {
        return Some(shape);
    }
    if source.has_reported(Shape::Block) {
        return None;
    }
    // A scan of one port of many hosts that goes on with others.
    let goes_on = source.reports.iter().any(|r| matches!(r.shape, Shape::Horizontal(_)));
    if goes_on && matches!(shape, Shape::Horizontal(_)) {
        return (source.more_ports.len() < MAX_LISTED).then_some(shape);
    }
    if goes_on && source.more_ports.len() >= GRID_OF_ROWS {
        return None;
    }
    let (_, enough) = bounds(Shape::Block, settings, local);
    Some(if is_block(source, now, settings, enough) { Shape::Block } else { shape })
}

/// Whether a shape made by kernel connections needs no patience: nobody checks that many ports of one host.
pub(super) fn is_sure(source: &Source, shape: Shape, now: Timestamp, settings: &Settings, ip: IpAddr) -> bool {
    let (window, enough) = bounds(shape, settings, settings.is_local(ip));
    let failed = |p: &&Pair| source.belongs(shape, p) && matches!(p.found, Found::Answered | Found::Silent);
    let one_host = matches!(shape, Shape::Vertical(_));
    let many = one_host && source.pairs.iter().filter(failed).count() >= NO_CHECK.max(enough);
    many && patience::judge(source, shape, now.after(-window), enough) == Verdict::Scan
}

/// Whether it is worth a note before patience has ended: hardly anything is open or put to use, and enough is refused,
/// each once.
pub(super) fn is_likely(source: &Source, shape: Shape, now: Timestamp, settings: &Settings, ip: IpAddr) -> bool {
    let (window, enough) = bounds(shape, settings, settings.is_local(ip));
    let since = now.after(-window);
    patience::are_refused(source, shape, since, enough)
        && patience::judge(source, shape, since, enough) == Verdict::Scan
}

/// Whether so few attempts already tell how the source probes: ports of one host that refused it or that it left at
/// once, none of which it used.
pub(super) fn early_technique(source: &Source, pair: &Pair) -> Option<Technique> {
    let connects = matches!(pair.technique, Technique::Syn | Technique::Connect);
    if !connects || source.pairs.len() < TECHNIQUE_FROM || source.used > 0 || source.knows(source.connecting()) {
        return None;
    }
    let to_host = || {
        source.pairs.iter().filter(|p| {
            p.to == pair.to
                && p.found != Found::Unknown
                && pair.time - p.time <= 300 * SECOND
                && matches!(p.technique, Technique::Syn | Technique::Connect)
        })
    };
    let mut ports: SmallVec<[u16; 32]> = to_host().take(64).map(|p| p.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let failed = to_host().filter(|p| p.found != Found::OpenUnused).count();
    (ports.len() >= TECHNIQUE_FROM && 2 * failed >= ports.len()).then(|| source.connecting())
}

/// Whether a stray segment, with those before it, is a probe. Flags that no connection has need no second one; what a
/// connection from before the capture might send must have been answered by RST from several ports.
pub(super) fn proves(source: &Source, p: &Probe) -> bool {
    let within = |window: i64, answered: bool, one_host: bool| {
        source
            .pairs
            .iter()
            .filter(|q| q.technique == p.technique && p.time - q.time <= window)
            .filter(|q| (!answered || q.found == Found::Answered) && (!one_host || q.to == p.to.ip))
            .count()
    };
    let alike = |answered, one_host| within(60 * SECOND, answered, one_host);
    // Connections of one host that have gone stale have a port each; a tool keeps its own.
    let one_port = source.stray_port.1 >= 3;
    let slowly =
        source.stray_port.1 >= 8 && (within(SLOW_WINDOW, true, false) >= 8 || within(SLOW_WINDOW, false, false) >= 20);
    match p.technique {
        Technique::Fin | Technique::Null | Technique::Xmas => true,
        Technique::Odd => within(SLOW_WINDOW, false, false) >= 3,
        Technique::Ack | Technique::Maimon | Technique::OddAck => {
            slowly || (one_port && (alike(true, false) >= 3 || alike(false, false) >= 10)) || alike(true, true) >= 10
        }
        Technique::SynAck => slowly || (one_port && alike(true, false) >= 5) || alike(false, true) >= 10,
        Technique::Rst => slowly || alike(false, true) >= 10,
        Technique::Syn | Technique::Connect => false,
    }
}
