//! What several sources probe together, each too little to be told alone: ports of one host, or one port of many hosts
//! (findings C.5). Their SYNs are alike, and hardly any two of them probe the same: the clients of a service that is down, and
//! clients that have nothing to do with each other, do.

use core::net::{IpAddr, Ipv4Addr};

use smallvec::SmallVec;

use super::clients::network_of;
use super::desk::{Desk, Report, Whom};
use super::input::{Outcome, Settled};
use super::sketch::{Bounded, Weigh, fixed_hash};
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::registry::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Sources of a distributed scan.
const SOURCES: usize = 5;
/// Ports of one host; from so many of one source on it is a scan of its own.
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

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: IpAddr,
    to: Endpoint,
    look: u32,
    fate: Fate,
    time: Timestamp,
    frame: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Closed,
    Silent,
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
    /// The scan that was reported: its incident and the look of its SYNs.
    told: Option<(u64, u32)>,
}

impl Weigh for Group {
    fn weight(&self) -> (u64, i64) {
        (self.pieces.len() as u64 + if self.told.is_some() { KEPT as u64 } else { 0 }, self.last.0)
    }
}

impl Group {
    const fn new(now: Timestamp) -> Self {
        Self { pieces: Vec::new(), next: 0, gone: 0, last: now, told: None }
    }

    /// Whether `piece` is new: of nobody who failed at the same before.
    fn add(&mut self, piece: Piece) -> bool {
        self.last = self.last.max(piece.time);
        if let Some(known) = self.pieces.iter_mut().find(|p| p.to == piece.to && p.from == piece.from) {
            known.time = known.time.max(piece.time);
            if piece.fate != Fate::Silent {
                known.fate = piece.fate;
            }
            return false;
        }
        if self.pieces.len() < if self.told.is_some() { KEPT_OF_A_SCAN } else { KEPT } {
            self.pieces.push(piece);
            return true;
        }
        let all = self.pieces.len();
        self.pieces[self.next % all] = piece;
        self.next = (self.next + 1) % all;
        self.gone += u64::from(self.told.is_some());
        true
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
}

const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Distributed {
    pub(super) fn new(limit: usize) -> Self {
        Self { groups: Bounded::new(limit), open: Vec::new() }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let owned: usize = self.groups.iter().map(|(_, g)| g.pieces.capacity() * size_of::<Piece>()).sum();
        self.groups.octets() + owned
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.groups.evicted()
    }

    /// An attempt came out.
    pub(super) fn settled(&mut self, s: &Settled, desk: &mut Desk, out: Report<'_>) {
        let Some(look) = s.look else { return };
        let fate = match s.outcome {
            Outcome::Refused => Fate::Closed,
            Outcome::Unanswered => Fate::Silent,
            // Of a raw tool's SYN no more can be expected.
            Outcome::Silent if s.retried || !look.is_of_a_stack() => Fate::Silent,
            Outcome::ResetAfterSynAck | Outcome::MissingAck => Fate::Open,
            _ => return,
        };
        let of_a_kernel = look.is_of_a_stack();
        let look = fixed_hash((look.window, look.layout, look.mss)) as u32;
        let piece = Piece { from: s.client.ip, to: s.server, look, fate, time: s.began, frame: s.frame };
        for key in [Endpoint { port: 0, ..s.server }, Endpoint { ip: NOBODY, port: s.server.port }] {
            let group = self.groups.entry(key, || Group::new(s.time));
            if !group.add(piece) || group.told.is_some() || self.open.len() >= MAX_OPEN {
                continue;
            }
            let since = piece.time.after(-WINDOW);
            let one_host = key.port == 0;
            let together = if one_host { share_a_host(group, look, since) } else { share_a_port(group, look, since) };
            if !together || (!one_host && of_a_kernel && !are_neighbours(group, look, since)) {
                continue;
            }
            let (ends, mut finding) = finding(group, key, look);
            // Ordinary clients send such SYNs, too.
            if !one_host && of_a_kernel {
                finding = finding.severity(Severity::Note);
            }
            let incident = desk.file("scan-distributed", s.time, ends, finding, out);
            group.told = Some((incident, look));
            self.open.push(key);
        }
    }

    /// Those that have fallen silent are over.
    pub(super) fn tick(&mut self, now: Timestamp, desk: &mut Desk, out: Report<'_>) {
        let mut at = 0;
        while let Some(key) = self.open.get(at).copied() {
            if self.groups.get(&key).is_some_and(|group| now - group.last < QUIET) {
                at += 1;
            } else {
                self.open.remove(at);
                self.conclude(key, now, desk, out);
            }
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, desk: &mut Desk, out: Report<'_>) {
        for key in core::mem::take(&mut self.open) {
            self.conclude(key, now, desk, out);
        }
    }

    fn conclude(&mut self, key: Endpoint, now: Timestamp, desk: &mut Desk, out: Report<'_>) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let Some((incident, look)) = group.told else { return };
        let (ends, finding) = finding(group, key, look);
        desk.file("scan-distributed", now, ends, finding.of(incident, Phase::Final), out);
        *group = Group::new(now);
    }
}

/// Whether nobody probes so much that it is a scan of its own, and enough do.
fn are_several(group: &Group, look: u32, since: Timestamp, own: usize) -> bool {
    let mut sources: SmallVec<[IpAddr; 128]> = group.alike(look, since).map(|p| p.from).collect();
    sources.sort_unstable();
    let mut runs = 0;
    for run in sources.chunk_by(|a, b| a == b) {
        if run.len() >= own {
            return false;
        }
        runs += 1;
    }
    runs >= SOURCES
}

/// Enough ports of one host, hardly one of them probed by two.
fn share_a_host(group: &Group, look: u32, since: Timestamp) -> bool {
    let pieces = group.alike(look, since).count();
    if pieces < PORTS {
        return false;
    }
    let ports = distinct(group.alike(look, since).map(|p| p.to.port)).len();
    ports >= PORTS && 2 * pieces <= 3 * ports && are_several(group, look, since, PORTS)
}

/// Enough hosts on one port, hardly one of them probed by two.
fn share_a_port(group: &Group, look: u32, since: Timestamp) -> bool {
    let pieces = group.alike(look, since).count();
    if pieces < HOSTS {
        return false;
    }
    let hosts = distinct(group.alike(look, since).map(|p| p.to.ip)).len();
    hosts >= HOSTS && 4 * pieces <= 5 * hosts && are_several(group, look, since, HOSTS)
}

/// Whether nearly all targets are in one network.
fn are_neighbours(group: &Group, look: u32, since: Timestamp) -> bool {
    let mut nets: SmallVec<[IpAddr; 128]> = group.alike(look, since).map(|p| network_of(p.to.ip)).collect();
    nets.sort_unstable();
    let most = nets.chunk_by(|a, b| a == b).map(<[IpAddr]>::len).max().unwrap_or(0);
    5 * most >= 4 * nets.len()
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
