//! What several sources probe together, each too little to be reported alone: ports of one host, or one port of many
//! hosts. Their SYNs are alike, and hardly any two of them probe the same: the clients of a service that is down, and
//! clients that have nothing to do with each other, do.

use core::net::{IpAddr, Ipv4Addr};

use smallvec::SmallVec;

use super::clients::network_of;
use super::flood::Floods;
use super::input::{Outcome, Settled};
use super::reporter::{Report, Reporter, Whom};
use super::rules;
use super::sketch::{Bounded, Weigh, fixed_hash};
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Sources of a distributed scan.
const SOURCES: usize = 5;
/// Ports of one host from which on one source is a scan of its own.
const PORTS: usize = 15;
/// Hosts on one port, and the same.
const HOSTS: usize = 25;
/// They probe within so much time.
const WINDOW: i64 = 300 * SECOND;
/// It is over after so much silence.
const QUIET: i64 = 60 * SECOND;
/// Failed attempts kept of a target, and of one that is scanned.
const KEPT: usize = 128;
const KEPT_OF_A_SCAN: usize = 1024;
/// Addresses that a list names.
const LISTED: usize = 256;
/// Distributed scans that go on at a time.
const MAX_OPEN: usize = 64;
/// A possible flood is reported after this much time as a scan, if it was none.
const PATIENCE: i64 = 15 * SECOND;
/// Groups not yet reported.
const MAX_HELD: usize = 256;

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: IpAddr,
    to: Endpoint,
    /// Of `from` and `to`: most others differ from it in this alone.
    mark: u32,
    look: u32,
    fate: Fate,
    time: Timestamp,
    frame: u64,
}

/// What an examination that found no scan says about those that follow.
#[derive(Clone, Copy, Debug)]
struct Examined {
    look: u32,
    of_a_kernel: bool,
    /// With a window that begins after the first and not after the second, the same pieces are in it.
    same: (Timestamp, Timestamp),
    /// So many more new pieces there are at least before one can be found.
    left: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Closed,
    Silent,
}

/// A scan that was reported.
#[derive(Clone, Copy, Debug)]
struct ReportedScan {
    incident: u64,
    /// The look of its SYNs.
    look: u32,
    severity: Severity,
}

/// Failed attempts at one host (its port is 0), or on one port (its address is none).
#[derive(Debug)]
struct Group {
    pieces: Vec<Piece>,
    /// Where the oldest is, once as many as may be are kept.
    next: usize,
    /// Those that gave way while it was scanned.
    gone: u64,
    last: Timestamp,
    /// The scan that was reported.
    reported: Option<ReportedScan>,
    seen: Option<Examined>,
    /// Connections with SYNs of a kernel that opened meanwhile, and since when they are counted.
    served: (u32, Timestamp),
}

impl Weigh for Group {
    fn weight(&self) -> (u64, i64) {
        (self.pieces.len() as u64 + if self.reported.is_some() { KEPT as u64 } else { 0 }, self.last.0)
    }
}

impl Group {
    const fn new(now: Timestamp) -> Self {
        Self { pieces: Vec::new(), next: 0, gone: 0, last: now, reported: None, seen: None, served: (0, now) }
    }

    /// A connection opened: what opened long ago counts ever less.
    fn serve(&mut self, now: Timestamp) {
        if now - self.served.1 >= WINDOW {
            self.served = (self.served.0 / 2, now);
        }
        self.served.0 = self.served.0.saturating_add(1);
    }

    /// Whether attempts with SYNs of a kernel fail less often than they succeed: then those that fail are what every
    /// large network has.
    fn mostly_serves(&self, look: u32, since: Timestamp) -> bool {
        self.served.0 as usize >= self.alike(look, since).count()
    }

    /// Whether `piece` is new: of nobody who failed at the same before.
    fn add(&mut self, piece: Piece) -> bool {
        self.last = self.last.max(piece.time);
        let same = |p: &&mut Piece| p.mark == piece.mark && p.to == piece.to && p.from == piece.from;
        if let Some(known) = self.pieces.iter_mut().find(same) {
            let time = known.time.max(piece.time);
            // It may be in the window again.
            self.seen = self.seen.filter(|seen| time == known.time || known.time > seen.same.0);
            known.time = time;
            if piece.fate != Fate::Silent {
                known.fate = piece.fate;
            }
            return false;
        }
        if let Some(seen) = self.seen.as_mut() {
            seen.left = seen.left.saturating_sub(1);
            if seen.look == piece.look {
                seen.same.1 = seen.same.1.min(piece.time);
            }
        }
        if self.pieces.len() < if self.reported.is_some() { KEPT_OF_A_SCAN } else { KEPT } {
            self.pieces.push(piece);
            return true;
        }
        let all = self.pieces.len();
        self.pieces[self.next % all] = piece;
        self.next = (self.next + 1) % all;
        self.gone += u64::from(self.reported.is_some());
        true
    }

    /// Whether what was seen last says that the piece just added makes no scan.
    fn needs_more(&self, look: u32, of_a_kernel: bool, since: Timestamp) -> bool {
        self.seen.is_some_and(|seen| {
            seen.left > 0
                && (seen.look, seen.of_a_kernel) == (look, of_a_kernel)
                && (seen.same.0 < since && since <= seen.same.1)
        })
    }

    /// So many new pieces there are at least before those that look like this, and began since then, can be a scan:
    /// none if they are.
    fn lacks(&mut self, key: Endpoint, look: u32, of_a_kernel: bool, since: Timestamp) -> usize {
        let left = if key.port == 0 {
            lacks_targets(self, look, since, &PORTS_WANTED, |p| p.to.port)
        } else {
            let near = if of_a_kernel { lacks_neighbours(self, look, since) } else { 0 };
            near.max(lacks_targets(self, look, since, &HOSTS_WANTED, |p| p.to.ip))
        };
        let times = || self.pieces.iter().filter(|p| p.look == look).map(|p| p.time);
        let before = times().filter(|time| *time < since).max().unwrap_or(Timestamp(i64::MIN));
        let after = times().filter(|time| *time >= since).min().unwrap_or(Timestamp(i64::MAX));
        self.seen = Some(Examined { look, of_a_kernel, same: (before, after), left });
        left
    }

    fn alike(&self, look: u32, since: Timestamp) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(move |p| p.look == look && p.time >= since)
    }
}

/// Sorted, each once.
fn distinct<T: Ord + Copy>(all: impl Iterator<Item = T>) -> SmallVec<[T; 32]> {
    let mut list: SmallVec<[T; 32]> = all.collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// Who scans together, by what they scan.
#[derive(Debug)]
pub(super) struct Distributed {
    groups: Bounded<Endpoint, Group>,
    open: Vec<Endpoint>,
    /// What may be part of a flood: its key, whom it was about first, since when, and the look of its SYNs.
    held: Vec<HeldBack>,
    /// Groups for which there was no place.
    left_out: u64,
}

#[derive(Clone, Copy, Debug)]
struct HeldBack {
    key: Endpoint,
    target: IpAddr,
    since: Timestamp,
    look: u32,
    of_a_kernel: bool,
}

const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Distributed {
    pub(super) fn new(limit: usize) -> Self {
        Self { groups: Bounded::new(limit), open: Vec::new(), held: Vec::new(), left_out: 0 }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let owned: usize = self.groups.iter().map(|(_, g)| g.pieces.capacity() * size_of::<Piece>()).sum();
        self.groups.octets() + owned
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.groups.evicted() + self.left_out
    }

    /// An attempt came out. `hold`: it may be part of a flood.
    pub(super) fn settled(&mut self, s: &Settled, hold: bool, reporter: &mut Reporter, out: Report<'_>) {
        let Some(look) = s.look else { return };
        let keys = [Endpoint { port: 0, ..s.server }, Endpoint { ip: NOBODY, port: s.server.port }];
        let fate = match s.outcome {
            Outcome::Open(_) if look.is_of_a_stack() => {
                for key in keys {
                    if let Some(group) = self.groups.get_mut(&key) {
                        group.serve(s.time);
                    }
                }
                return;
            }
            Outcome::Refused => Fate::Closed,
            Outcome::Unanswered => Fate::Silent,
            // Of a raw tool's SYN no more can be expected.
            Outcome::Silent if s.retried || !look.is_of_a_stack() => Fate::Silent,
            Outcome::ResetAfterSynAck | Outcome::MissingAck => Fate::Open,
            _ => return,
        };
        let of_a_kernel = look.is_of_a_stack();
        let look = fixed_hash((look.window, look.layout, look.mss)) as u32;
        let mark = fixed_hash((s.client.ip, s.server)) as u32;
        let piece = Piece { from: s.client.ip, to: s.server, mark, look, fate, time: s.began, frame: s.frame };
        for key in keys {
            let group = self.groups.entry(key, || Group::new(s.time));
            if !group.add(piece) || group.reported.is_some() {
                continue;
            }
            let held = self.held.iter().any(|h| h.key == key);
            if hold && !held {
                if self.held.len() < MAX_HELD {
                    self.held.push(HeldBack { key, target: s.server.ip, since: s.time, look, of_a_kernel });
                } else {
                    self.left_out += 1;
                }
            }
            if hold || held {
                continue;
            }
            self.judge(key, (look, of_a_kernel), s.time, reporter, out);
        }
    }

    /// Whether what is known of `key` is a scan by several.
    fn judge(
        &mut self,
        key: Endpoint,
        (look, of_a_kernel): (u32, bool),
        now: Timestamp,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(group) = self.groups.get_mut(&key).filter(|group| group.reported.is_none()) else { return };
        let since = group.last.after(-WINDOW);
        let one_host = key.port == 0;
        if group.needs_more(look, of_a_kernel, since)
            || of_a_kernel && group.mostly_serves(look, since)
            || group.lacks(key, look, of_a_kernel, since) > 0
        {
            return;
        }
        if self.open.len() >= MAX_OPEN {
            self.left_out += 1;
            return;
        }
        let (ends, mut finding) = finding(group, key, look);
        // Ordinary clients send such SYNs, too.
        let severity = if !one_host && of_a_kernel { Severity::Note } else { Severity::Warn };
        finding = finding.severity(severity);
        let incident = reporter.report(&rules::SCAN_DISTRIBUTED, now, ends, finding, out);
        group.reported = Some(ReportedScan { incident, look, severity });
        self.open.push(key);
    }

    /// What was part of a flood is forgotten; what is none is reported.
    fn decide(&mut self, now: Timestamp, patience: i64, floods: &Floods, reporter: &mut Reporter, out: Report<'_>) {
        for held in core::mem::take(&mut self.held) {
            if floods.was_swept(held.target, held.since) {
                if let Some(group) = self.groups.get_mut(&held.key) {
                    *group = Group::new(now);
                }
            } else if now - held.since < patience {
                self.held.push(held);
            } else {
                self.judge(held.key, (held.look, held.of_a_kernel), now, reporter, out);
            }
        }
    }

    /// Those that have fallen silent are over.
    pub(super) fn tick(&mut self, now: Timestamp, floods: &Floods, reporter: &mut Reporter, out: Report<'_>) {
        self.decide(now, PATIENCE, floods, reporter, out);
        let mut at = 0;
        while let Some(key) = self.open.get(at).copied() {
            if self.groups.get(&key).is_some_and(|group| now - group.last < QUIET) {
                at += 1;
            } else {
                self.open.remove(at);
                self.conclude(key, now, reporter, out);
            }
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, floods: &Floods, reporter: &mut Reporter, out: Report<'_>) {
        self.decide(now, 0, floods, reporter, out);
        for key in core::mem::take(&mut self.open) {
            self.conclude(key, now, reporter, out);
        }
    }

    fn conclude(&mut self, key: Endpoint, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let Some(ReportedScan { incident, look, severity }) = group.reported else { return };
        let (ends, finding) = finding(group, key, look);
        let finding = finding.severity(severity);
        reporter.report(&rules::SCAN_DISTRIBUTED, now, ends, finding.of(incident, Phase::Final), out);
        *group = Group::new(now);
    }
}

// What is lacking, in new pieces at least. Each brings one more, and may take the place of another: of `a` pieces too
// many for `b` targets, `b - a` are made up for by a new one with a target of its own, and `a` by the one that gives
// way.

/// Somebody who probes so much that it is a scan of its own, or too few who probe.
fn lacks_sources(group: &Group, look: u32, since: Timestamp, own: usize) -> usize {
    let mut sources: SmallVec<[IpAddr; 128]> = group.alike(look, since).map(|p| p.from).collect();
    sources.sort_unstable();
    let (mut runs, mut longest) = (0, 0);
    for run in sources.chunk_by(|a, b| a == b) {
        longest = longest.max(run.len());
        runs += 1;
    }
    (longest + 1).saturating_sub(own).max(SOURCES.saturating_sub(runs))
}

/// What makes a scan by several: the least number of targets, for `shared.0` parts of `shared.1` of all pieces.
struct Wanted {
    targets: usize,
    shared: (usize, usize),
}

/// Ports of one host, or hosts on one port.
const PORTS_WANTED: Wanted = Wanted { targets: PORTS, shared: (2, 3) };
const HOSTS_WANTED: Wanted = Wanted { targets: HOSTS, shared: (4, 5) };

/// Enough targets, hardly one of them probed by two.
fn lacks_targets<T: Ord + Copy>(
    group: &Group,
    look: u32,
    since: Timestamp,
    wanted: &Wanted,
    target: impl Fn(&Piece) -> T,
) -> usize {
    let pieces = group.alike(look, since).count();
    if pieces < wanted.targets {
        return wanted.targets - pieces;
    }
    let targets = distinct(group.alike(look, since).map(target)).len();
    let few = wanted.targets.saturating_sub(targets);
    let (part, of) = wanted.shared;
    let shared = (part * pieces).saturating_sub(of * targets).div_ceil(of);
    few.max(shared).max(lacks_sources(group, look, since, wanted.targets))
}

/// Nearly all targets in one network.
fn lacks_neighbours(group: &Group, look: u32, since: Timestamp) -> usize {
    let mut nets: SmallVec<[IpAddr; 128]> = group.alike(look, since).map(|p| network_of(p.to.ip)).collect();
    nets.sort_unstable();
    let most = nets.chunk_by(|a, b| a == b).map(<[IpAddr]>::len).max().unwrap_or(0);
    (4 * nets.len()).saturating_sub(5 * most).div_ceil(5)
}

fn finding(group: &Group, key: Endpoint, look: u32) -> ((Option<Whom>, Option<Whom>), Finding) {
    let pieces = || group.alike(look, Timestamp(i64::MIN));
    let sources = distinct(pieces().map(|p| p.from));
    let targets = distinct(pieces().map(|p| p.to.ip));
    let first = pieces().map(|p| p.time).min().unwrap_or(group.last);
    let duration = group.last - first;
    let probes = pieces().count() as u64 + group.gone;
    let ports = |fate: Option<Fate>| -> Vec<i64> {
        let of = pieces().filter(|p| fate.is_none_or(|fate| p.fate == fate));
        distinct(of.map(|p| i64::from(p.to.port))).into_vec()
    };
    let (what, target) = if key.port == 0 {
        (format!("{} ports of {}", ports(None).len(), key.ip), Some((key.ip, None)))
    } else {
        let target = targets.first().map(|ip| (*ip, Some(key.port)));
        (format!("port {} of {} hosts", key.port, targets.len()), target)
    };
    let texts = |list: &[IpAddr]| Figure::Texts(list.iter().take(LISTED).map(ToString::to_string).collect());
    let reason = format!(
        "{} sources probed {what} in {:.1} s, a few each, with the same SYN",
        sources.len(),
        duration as f64 / 1e9
    );
    let mut finding = Finding::new(reason)
        .figure("source_count", sources.len() as i64)
        .figure("targets", targets.len() as i64)
        .figure("ports", ports(None).len() as i64)
        .figure("pairs", probes as i64)
        .figure("duration_ns", duration)
        .figure("rate", probes as f64 / (duration as f64 / 1e9).max(0.001))
        .frames(pieces().map(|p| p.frame));
    finding.figures.push(("sources", texts(&sources)));
    finding.figures.push(("targets_listed", texts(&targets)));
    finding.figures.push(("ports_open", Figure::List(ports(Some(Fate::Open)))));
    finding.figures.push(("ports_closed", Figure::List(ports(Some(Fate::Closed)))));
    finding.figures.push(("ports_filtered", Figure::List(ports(Some(Fate::Silent)))));
    ((None, target), finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator with the same numbers in each run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }
    }

    /// Some sources probe some targets, now and then out of order or after a while; `targets` lie in `nets` networks.
    fn piece(random: &mut Random, now: &mut i64, (sources, targets, nets): (u64, u64, u64), one_host: bool) -> Piece {
        *now += random.below(SECOND as u64 / 2) as i64 + if random.below(100) == 0 { WINDOW / 2 } else { 0 };
        let time = Timestamp(*now - if random.below(10) == 0 { random.below(WINDOW as u64) as i64 } else { 0 });
        let from = Ipv4Addr::new(10, 1, 0, random.below(sources) as u8).into();
        let target = random.below(targets);
        let to = if one_host {
            Endpoint { ip: Ipv4Addr::new(10, 2, 0, 1).into(), port: 1 + target as u16 }
        } else {
            let net = if random.below(6) == 0 { random.below(nets) as u8 } else { 0 };
            Endpoint { ip: Ipv4Addr::new(10, 2, net, target as u8).into(), port: 22 }
        };
        let look = u32::from(random.below(20) == 0);
        Piece { from, to, mark: fixed_hash((from, to)) as u32, look, fate: Fate::Silent, time, frame: 1 }
    }

    #[test]
    fn what_is_not_examined_is_no_scan() {
        let (mut found, mut spared, mut examined) = (0, 0, 0);
        for seed in 0..60_u64 {
            let mut random = Random(seed);
            let one_host = seed % 2 == 0;
            let key = if one_host {
                Endpoint { ip: Ipv4Addr::new(10, 2, 0, 1).into(), port: 0 }
            } else {
                Endpoint { ip: NOBODY, port: 22 }
            };
            let manner = (1 + random.below(20), 10 + random.below(200), 1 + random.below(40));
            let (mut group, mut now) = (Group::new(Timestamp(0)), 1000 * SECOND);
            for _ in 0..400 {
                let piece = piece(&mut random, &mut now, manner, one_host);
                let since = piece.time.after(-WINDOW);
                // Sometimes nobody asks.
                if !group.add(piece) || random.below(8) == 0 {
                    continue;
                }
                let of_a_kernel = piece.look == 0;
                let spares = group.needs_more(piece.look, of_a_kernel, since);
                let seen = group.seen;
                let is_scan = group.lacks(key, piece.look, of_a_kernel, since) == 0;
                assert!(!(spares && is_scan), "{seed}: {seen:?}");
                if spares {
                    group.seen = seen;
                }
                (found, spared, examined) = (found + usize::from(is_scan), spared + usize::from(spares), examined + 1);
            }
        }
        assert!(found > 100 && 3 * spared > examined, "{found} {spared} {examined}");
    }
}
