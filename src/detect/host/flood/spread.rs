//! SYN floods that are spread: over many ports of one host, or over the hosts of a network ("carpet bombing"), so that
//! no one service gets many.
//!
//! A scan asks for many ports of a host as well, and for many hosts, each once or twice. What differs from it are
//! sources without number that send hardly anything each (they are forged), and the same asked for again and
//! again.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::forgery::{Sketch, signs_of_forgery};
use super::incident::{Incident, Ledger, MAX_FRAMES, Others, Running, Spread};
use super::report::{figures, flood_finding, rest, spoofed};
use super::service::{CALM, COHORT, FLOOD_HANGING, FLOOD_RATE, FLOOD_SYNS, RIPE, SKETCHED};
use crate::detect::anomaly::Phase;
use crate::detect::host::clients::{network_of, prefix_of};
use crate::detect::host::input::{Attempt, EndHashes, Outcome, Settled};
use crate::detect::host::reporter::{Report, Reporter};
use crate::detect::host::rules;
use crate::detect::host::seconds::{Second, Seconds};
use crate::detect::host::sketch::{Bounded, Distinct, Weigh, fixed_hash_of, joined};
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Places of 64 that the targets of a second's SYNs fill at least, where they are spread.
const SPREAD: u32 = 12;
/// Ports of one host, and hosts of a network, at least.
const PORTS: u64 = 16;
const HOSTS: u64 = 8;
/// Sources that hardly send anything, at least, and how many SYNs each sends at most.
const FORGED: u64 = 50;
const EACH: u64 = 4;
/// How often the same is asked for by one source, and by several, in tenths: tools try what is silent up to four times.
const AGAIN: u64 = 42;
const AGAIN_BY_SEVERAL: u64 = 80;
/// SYNs of a second that are enough to tell many sources from few.
const SWARM: u32 = 12;
const SWARMED_FOR: i64 = 2 * SECOND;
/// Sketches of what is no flood begin anew after so long.
const STALE: i64 = 5 * SECOND;
/// Hosts and networks that are looked at closely at once.
const MAX_WIDE: usize = 48;
/// One is given up after so long with few SYNs.
const CALM_FOR: i64 = 20;
/// Hosts that a list names.
const LISTED: usize = 32;

/// A host, or a network: what was asked of it within a second.
#[derive(Debug)]
struct Area {
    last: Timestamp,
    second: Timestamp,
    /// SYNs of that second; for a network, those that were the first of their host in its second.
    count: u32,
    /// What they ask for, and who asks: a place each, by hashes.
    spread: u64,
    sources: u64,
    /// When hardly two of its SYNs in a second had a source in common.
    swarmed: Timestamp,
    wide: Option<Box<Watched>>,
    /// Whether it should be looked at closely, and there was no place.
    left_out: bool,
}

impl Weigh for Area {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.count) + if self.wide.is_some() { 1 << 32 } else { 0 }, self.last.0)
    }
}

impl Area {
    const fn new(now: Timestamp) -> Self {
        Self {
            last: now,
            second: now,
            count: 0,
            spread: 0,
            sources: 0,
            swarmed: Timestamp(i64::MIN),
            wide: None,
            left_out: false,
        }
    }

    /// One more at `a`; `of` is what it asks for. Whether it is the first of its second.
    fn count(&mut self, a: &Attempt, of: u64) -> bool {
        self.last = self.last.max(a.time);
        let begins = a.time - self.second >= SECOND || self.count == 0;
        if begins {
            (self.second, self.count, self.spread, self.sources) = (a.time, 0, 0, 0);
        }
        self.count += 1;
        self.spread |= 1 << place(of);
        self.sources |= 1 << place(low_half(a.client.ip));
        if self.count >= SWARM && self.sources.count_ones() >= 3 * self.count.min(40) / 5 {
            self.swarmed = a.time;
        }
        begins
    }

    /// It is looked at closely from `a` on.
    fn watch(&mut self, a: &Attempt, hashes: EndHashes) {
        let mut wide = Box::new(Watched::new(self.second, self.count - 1));
        wide.attempt(a, hashes);
        self.wide = Some(wide);
    }

    const fn is_spread(&self) -> bool {
        self.count >= SKETCHED && self.spread.count_ones() >= SPREAD
    }

    /// Whether hardly two of the SYNs before `now` have a source in common.
    fn is_swarmed(&self, now: Timestamp) -> bool {
        now.0.saturating_sub(self.swarmed.0) <= SWARMED_FOR
    }
}

const fn place(of: u64) -> u32 {
    (of.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as u32
}

fn low_half(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) as u64 ^ (u128::from(ip) >> 64) as u64,
    }
}

/// The most frequent value, if any has more than half (Boyer and Moore): the votes it leads by, and all votes.
#[derive(Clone, Copy, Debug)]
struct Vote<T> {
    leader: Option<T>,
    lead: u32,
    all: u32,
}

impl<T: Copy + PartialEq> Vote<T> {
    const NONE: Self = Self { leader: None, lead: 0, all: 0 };

    fn add(&mut self, value: T) {
        self.all = self.all.saturating_add(1);
        match self.leader {
            Some(leader) if leader == value => self.lead = self.lead.saturating_add(1),
            _ if self.lead == 0 => (self.leader, self.lead) = (Some(value), 1),
            _ => self.lead -= 1,
        }
    }

    /// What at least three in four are.
    fn most(&self) -> Option<T> {
        self.leader.filter(|_| 2 * u64::from(self.lead) >= u64::from(self.all))
    }
}

/// What SYNs to it are like, since a moment.
#[derive(Debug)]
struct Sketches {
    since: Timestamp,
    sketch: Sketch,
    /// Source, host and port; host and port; host; port.
    asked: Distinct,
    spots: Distinct,
    hosts: Distinct,
    ports: Distinct,
    source: Vote<IpAddr>,
    host: Vote<IpAddr>,
    port: Vote<u16>,
    /// Those that no kernel sends.
    raw: u64,
    listed: SmallVec<[IpAddr; LISTED]>,
    frames: SmallVec<[u64; MAX_FRAMES]>,
}

impl Sketches {
    fn new(since: Timestamp) -> Self {
        let distinct = Distinct::new;
        Self {
            since,
            sketch: Sketch::new(),
            asked: distinct(),
            spots: distinct(),
            hosts: distinct(),
            ports: distinct(),
            source: Vote::NONE,
            host: Vote::NONE,
            port: Vote::NONE,
            raw: 0,
            listed: SmallVec::new(),
            frames: SmallVec::new(),
        }
    }

    fn add(&mut self, a: &Attempt, hashes: EndHashes) {
        let spot = hashes.service(a.server.port);
        self.sketch.add(a, hashes.client);
        self.spots.add(spot);
        self.asked.add(joined(hashes.client, spot));
        self.hosts.add(hashes.server);
        self.ports.add(fixed_hash_of(&u64::from(a.server.port)));
        self.source.add(a.client.ip);
        self.host.add(a.server.ip);
        self.port.add(a.server.port);
        self.raw += u64::from(!a.look.is_of_a_stack() && !a.look.options_cut);
        if self.listed.len() < LISTED && !self.listed.contains(&a.server.ip) {
            self.listed.push(a.server.ip);
        }
        if self.frames.len() < MAX_FRAMES {
            self.frames.push(a.frame);
        }
    }

    /// Whether it is no scan.
    fn is_no_scan(&self, n: u64) -> bool {
        let sources = self.sketch.sources.count();
        (sources >= FORGED && n <= EACH * sources)
            || 10 * n >= AGAIN * self.asked.count()
            || (sources >= FORGED && 10 * n >= AGAIN_BY_SEVERAL * self.spots.count())
    }

    /// Whether most of it goes to more than one port of one host, or to more than one host.
    fn is_spread(&self, is_network: bool) -> bool {
        if is_network {
            self.host.most().is_none() && self.hosts.count() >= HOSTS
        } else {
            self.port.most().is_none() && self.ports.count() >= PORTS
        }
    }
}

/// What is looked at closely.
#[derive(Debug)]
struct Watched {
    /// Its seconds are counted from here.
    began: Timestamp,
    seconds: Seconds,
    sketches: Sketches,
    running: Option<Box<Running>>,
    judged: i64,
    cleared: i64,
    calm: i64,
}

impl Watched {
    /// For a host or network that had `syns` SYNs since `began`.
    fn new(began: Timestamp, syns: u32) -> Self {
        let mut seconds = Seconds::default();
        if let Some(first) = seconds.at(0) {
            first.syns = syns;
        }
        Self { began, seconds, sketches: Sketches::new(began), running: None, judged: 0, cleared: i64::MIN, calm: 0 }
    }

    const fn second_of(&self, at: Timestamp) -> i64 {
        at.0.saturating_sub(self.began.0).div_euclid(SECOND)
    }

    const fn time_of(&self, second: i64) -> Timestamp {
        self.began.after(second.saturating_mul(SECOND))
    }

    fn attempt(&mut self, a: &Attempt, hashes: EndHashes) {
        let second = self.second_of(a.time);
        let mut heavy = false;
        if let Some(held) = self.seconds.at(second) {
            held.syns += 1;
            heavy = held.syns >= CALM;
        }
        self.sketches.add(a, hashes);
        if let Some(running) = &mut self.running {
            running.incident.syns += 1;
            if heavy {
                running.incident.last = a.time;
            }
        }
    }

    fn count(&mut self, began: Timestamp, add: impl FnOnce(&mut Second)) {
        if began >= self.began {
            let second = self.second_of(began);
            if let Some(held) = self.seconds.at(second).filter(|held| held.syns > 0) {
                add(held);
            }
        }
    }

    /// The cohort that ends `ripe` seconds before `second`, and its rate, if it is one of a flood.
    fn flooded(
        &self,
        is_network: bool,
        ip: IpAddr,
        second: i64,
        ripe: i64,
        saw_answers: bool,
    ) -> Option<(Second, f64)> {
        let from = (second - ripe - COHORT).max(self.cleared.saturating_add(1));
        let (cohort, span) = self.seconds.cohort(from, second - ripe);
        let rate = f64::from(cohort.syns) / span as f64;
        let few = cohort.syns < FLOOD_SYNS || rate < FLOOD_RATE || cohort.completion() > 0.2;
        if few || cohort.retry_share() > 0.3 {
            return None;
        }
        let s = &self.sketches;
        let n = s.sketch.syns();
        let victim = Endpoint { ip, port: 0 };
        // What is refused may be what ordinary clients ask for in vain; so may what is too young to be repeated.
        let clear = ripe > 0 && saw_answers && cohort.hanging() >= FLOOD_HANGING && 2 * cohort.refused < cohort.syns;
        let made = 2 * s.raw >= n || s.sketch.is_of_one_distance(s.sketch.sources.count());
        let forged = || signs_of_forgery(&s.sketch, s.sketch.sources.count(), victim).len() >= 2;
        let sure = clear || made || (!saw_answers && forged());
        (sure && s.is_spread(is_network) && s.is_no_scan(n)).then_some((cohort, rate))
    }

    fn incident(&self, ip: IpAddr, is_network: bool, cohort: &Second) -> Incident {
        let s = &self.sketches;
        let seconds = || self.seconds.iter().filter(|second| second.syns > 0 && second.at > self.cleared);
        let heavy = seconds().filter(|s| s.syns >= CALM).map(|s| s.at).min();
        let first = heavy.unwrap_or(cohort.at);
        let mut all = Second { at: first, ..Second::default() };
        seconds().filter(|s| s.at >= first).for_each(|s| all.add(s));
        let peak = seconds().max_by_key(|s| (s.syns, s.at));
        let last = seconds().map(|s| s.at).max().unwrap_or(first);
        let network = is_network.then(|| prefix_of(ip));
        Incident {
            rule: rules::SYN_FLOOD.id,
            victim: Endpoint { ip, port: 0 },
            spread: Some(Spread { network, hosts: s.hosts.count(), ports: s.ports.count() }),
            begin: self.time_of(first).max(self.began),
            last: self.time_of(last),
            ended: false,
            pulses: 1,
            syns: u64::from(all.syns),
            completed: u64::from(all.completed),
            answered: u64::from(all.answered),
            reset: u64::from(all.reset),
            peak: peak.map_or(0, |p| p.syns),
            peak_time: self.time_of(peak.map_or(first, |p| p.at)),
            sources: s.sketch.sources.count(),
            source: s.source.most(),
            spoofing: Vec::new(),
            cookies: false,
            all_answered: f64::from(cohort.answered) >= 0.98 * f64::from(cohort.syns),
            before: Others::default(),
            during: Others::default(),
            after: Others::default(),
            frames: s.frames.to_vec(),
        }
    }

    /// What goes on is counted up to now.
    fn update(&mut self) {
        let Some(r) = &mut self.running else { return };
        let s = &self.sketches;
        if let Some(peak) = self.seconds.iter().filter(|s| s.at >= r.first_second).max_by_key(|s| (s.syns, s.at))
            && peak.syns > r.incident.peak
        {
            (r.incident.peak, r.incident.peak_time) = (peak.syns, self.began.after(peak.at.saturating_mul(SECOND)));
        }
        if let Some(spread) = &mut r.incident.spread {
            (spread.hosts, spread.ports) = (s.hosts.count(), s.ports.count());
        }
        r.incident.source = s.source.most();
    }
}

/// Hosts and networks, and those of them that are looked at closely.
#[derive(Debug)]
pub(super) struct Areas {
    hosts: Bounded<IpAddr, Area>,
    networks: Bounded<IpAddr, Area>,
    wide: Vec<(bool, IpAddr)>,
    /// How many of them are networks.
    wide_networks: usize,
    running: Vec<(bool, IpAddr)>,
    /// Hosts and networks for which there was no place.
    left_out: u64,
}

impl Areas {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            hosts: Bounded::new(limit),
            networks: Bounded::new(limit / 4),
            wide: Vec::new(),
            wide_networks: 0,
            running: Vec::new(),
            left_out: 0,
        }
    }

    pub(super) fn octets(&self) -> usize {
        self.hosts.octets() + self.networks.octets() + self.wide.len() * (size_of::<Watched>() + 7 * 4096 + 1024)
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.hosts.evicted() + self.networks.evicted() + self.left_out
    }

    /// A first SYN; `hint` is where its host probably is. Whether it is part of a flood that is spread.
    pub(super) fn attempt(&mut self, a: &Attempt, hashes: EndHashes, hint: &mut u32) -> bool {
        let host = self.hosts.entry_at(hint, a.server.ip, || Area::new(a.time));
        let begins = host.count(a, u64::from(a.server.port));
        if let Some(wide) = &mut host.wide {
            wide.attempt(a, hashes);
        } else if host.is_spread() {
            if self.wide.len() < MAX_WIDE {
                host.watch(a, hashes);
                self.wide.push((false, a.server.ip));
            } else {
                self.left_out += u64::from(!core::mem::replace(&mut host.left_out, true));
            }
        }
        if begins || self.wide_networks > 0 {
            self.of_network(a, hashes, begins);
        }
        !self.running.is_empty() && self.is_running(a.server.ip)
    }

    fn of_network(&mut self, a: &Attempt, hashes: EndHashes, begins: bool) {
        let ip = network_of(a.server.ip);
        let network = if begins {
            self.networks.entry(ip, || Area::new(a.time))
        } else {
            match self.networks.get_mut(&ip) {
                Some(network) => network,
                None => return,
            }
        };
        if begins {
            network.count(a, low_half(a.server.ip));
        }
        if let Some(wide) = &mut network.wide {
            wide.attempt(a, hashes);
        } else if begins && network.is_spread() {
            if self.wide.len() < MAX_WIDE {
                network.watch(a, hashes);
                self.wide.push((true, ip));
                self.wide_networks += 1;
            } else {
                self.left_out += u64::from(!core::mem::replace(&mut network.left_out, true));
            }
        }
    }

    fn each_wide(&mut self, ip: IpAddr, hint: &mut u32, mut reported: impl FnMut(&mut Watched)) {
        if let Some(wide) = self.hosts.get_at(hint, &ip).and_then(|host| host.wide.as_mut()) {
            reported(wide);
        }
        if self.wide_networks > 0
            && let Some(wide) = self.networks.get_mut(&network_of(ip)).and_then(|network| network.wide.as_mut())
        {
            reported(wide);
        }
    }

    /// The SYN of an attempt that began at `began` was sent again.
    pub(super) fn retried(&mut self, server: IpAddr, began: Timestamp, hint: &mut u32) {
        if !self.wide.is_empty() {
            self.each_wide(server, hint, |wide| wide.count(began, |held| held.retried += 1));
        }
    }

    /// The first SYN-ACK to it.
    pub(super) fn answered(&mut self, server: IpAddr, began: Timestamp, hint: &mut u32) {
        if !self.wide.is_empty() {
            self.each_wide(server, hint, |wide| {
                wide.count(began, |held| held.answered += 1);
                if let Some(r) = &mut wide.running {
                    r.incident.answered += 1;
                }
            });
        }
    }

    /// An attempt came out.
    pub(super) fn settled(&mut self, s: &Settled, hint: &mut u32) {
        if self.wide.is_empty() {
            return;
        }
        self.each_wide(s.server.ip, hint, |wide| {
            wide.count(s.began, |held| match s.outcome {
                Outcome::Open(_) => {
                    held.completed += 1;
                    held.retried = held.retried.saturating_sub(u32::from(s.retried));
                }
                Outcome::Refused | Outcome::Unreachable => held.refused += 1,
                Outcome::ResetAfterSynAck => held.reset += 1,
                _ => {}
            });
            if let Some(r) = &mut wide.running {
                match s.outcome {
                    Outcome::Open(_) => r.incident.completed += 1,
                    Outcome::ResetAfterSynAck => r.incident.reset += 1,
                    _ => {}
                }
                r.incident.during.add(s);
            }
        });
    }

    fn wide_of(&mut self, (is_network, ip): (bool, IpAddr)) -> Option<&mut Area> {
        let areas = if is_network { &mut self.networks } else { &mut self.hosts };
        areas.get_mut(&ip)
    }

    /// Whether a flood that is spread reaches `ip`.
    pub(super) fn is_running(&self, ip: IpAddr) -> bool {
        !self.running.is_empty()
            && (self.running.contains(&(false, ip)) || self.running.contains(&(true, network_of(ip))))
    }

    /// Whether `source` floods `ip` among others, alone.
    pub(super) fn is_by(&self, source: IpAddr, ip: IpAddr) -> bool {
        let by = |area: Option<&Area>| {
            let running = area.and_then(|area| area.wide.as_ref()).and_then(|wide| wide.running.as_ref());
            running.is_some_and(|r| r.incident.source == Some(source))
        };
        !self.running.is_empty() && (by(self.hosts.get(&ip)) || by(self.networks.get(&network_of(ip))))
    }

    /// Whether what is asked of `ip` may be part of a flood that is spread: too many sources ask, once each.
    pub(super) fn is_swarmed(&self, ip: IpAddr, now: Timestamp) -> bool {
        self.hosts.get(&ip).is_some_and(|host| host.is_swarmed(now)) || self.network_is_swarmed(ip, now)
    }

    /// The same of its network.
    pub(super) fn network_is_swarmed(&self, ip: IpAddr, now: Timestamp) -> bool {
        self.networks.get(&network_of(ip)).is_some_and(|network| network.is_swarmed(now))
    }

    /// Whether what floods one service of `ip` floods others as well.
    pub(super) fn is_flooded(&self, ip: IpAddr, now: Timestamp, saw_answers: bool) -> bool {
        let flooded = |is_network, ip, area: Option<&Area>| {
            area.and_then(|area| area.wide.as_ref())
                .is_some_and(|w| w.flooded(is_network, ip, w.second_of(now), RIPE, saw_answers).is_some())
        };
        let network = network_of(ip);
        !self.wide.is_empty()
            && (self.is_running(ip)
                || flooded(false, ip, self.hosts.get(&ip))
                || flooded(true, network, self.networks.get(&network)))
    }

    /// A second has passed.
    pub(super) fn tick(
        &mut self,
        now: Timestamp,
        ripe: i64,
        ledger: &mut Ledger,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        if self.wide.is_empty() {
            return;
        }
        let mut all = core::mem::take(&mut self.wide);
        // A flood of a network is one of its hosts as well.
        all.sort_by_key(|(is_network, _)| !is_network);
        all.retain(|key| self.judge(*key, now, ripe, ledger, reporter, out));
        self.wide_networks = all.iter().filter(|(is_network, _)| *is_network).count();
        self.wide = all;
    }

    /// Whether it is still looked at closely.
    fn judge(
        &mut self,
        key: (bool, IpAddr),
        now: Timestamp,
        ripe: i64,
        ledger: &mut Ledger,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> bool {
        let covered = !key.0 && self.running.contains(&(true, network_of(key.1)));
        let mut running = core::mem::take(&mut self.running);
        let goes_on = self.wide_of(key).is_some_and(|area| {
            let Some(wide) = &mut area.wide else { return false };
            let second = wide.second_of(now);
            let was = wide.running.is_some();
            if !was && !covered {
                begin(wide, key, now, ripe, ledger, reporter, out);
            } else if was {
                wide.update();
                go_on(wide, second, now, ledger, reporter, out);
            }
            match (was, wide.running.is_some()) {
                (false, true) => running.push(key),
                (true, false) => running.retain(|other| *other != key),
                _ => {}
            }
            let lately = wide.seconds.iter().filter(|s| s.at > second - CALM_FOR).map(|s| s.syns).max();
            let goes_on = wide.running.is_some() || lately.is_some_and(|most| most >= SKETCHED);
            if !goes_on {
                area.wide = None;
            }
            goes_on
        });
        self.running = running;
        goes_on
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, ledger: &mut Ledger, reporter: &mut Reporter, out: Report<'_>) {
        self.tick(now, RIPE, ledger, reporter, out);
        self.tick(now, 0, ledger, reporter, out);
        for key in core::mem::take(&mut self.running) {
            let Some(wide) = self.wide_of(key).and_then(|area| area.wide.as_mut()) else { continue };
            wide.update();
            if let Some(r) = wide.running.take() {
                let listed = wide.sketches.listed.clone();
                rest(*r, Some(&wide.sketches.sketch), &listed, ledger, now, reporter, out);
            }
        }
    }

    /// Those that go on.
    pub(super) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        let areas = self.hosts.iter().chain(self.networks.iter());
        areas.filter_map(|(_, area)| Some(&area.wide.as_ref()?.running.as_ref()?.incident))
    }
}

/// Whether a flood begins.
fn begin(
    wide: &mut Watched,
    (is_network, ip): (bool, IpAddr),
    now: Timestamp,
    ripe: i64,
    ledger: &mut Ledger,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let second = wide.second_of(now);
    let Some((cohort, rate)) = wide.flooded(is_network, ip, second, ripe, ledger.shows_answers()) else {
        // What is no flood, and what it is like, is forgotten.
        let (lately, _) = wide.seconds.cohort(second - COHORT, second);
        let calm = lately.syns < FLOOD_SYNS || lately.completion() > 0.2;
        if calm && now - wide.sketches.since >= STALE {
            wide.sketches = Sketches::new(now);
        }
        return;
    };
    let pulse = wide.incident(ip, is_network, &cohort);
    let first_second = wide.second_of(pulse.begin);
    let (incident, before) = ledger.resume(pulse);
    let mut finding = figures(flood_finding(&incident, &cohort, rate), &incident, &wide.sketches.listed);
    if let Some((number, _)) = before {
        finding = finding.of(number, Phase::Update);
    }
    let (source, target) = (incident.source.map(|ip| (ip, None)), Some((ip, None)));
    let number = reporter.report(&rules::SYN_FLOOD, now, (source, target), finding, out);
    let spoofing_reported = before.is_some_and(|(_, reported)| reported);
    let mut running = Running { incident, number, first_second, spoofing_reported, calm_seconds: 0 };
    spoofed(&mut running, Some(&wide.sketches.sketch), now, reporter, out);
    wide.running = Some(Box::new(running));
    wide.judged = second;
    wide.calm = 0;
}

/// Whether it ends.
fn go_on(
    wide: &mut Watched,
    second: i64,
    now: Timestamp,
    ledger: &mut Ledger,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    if second <= wide.judged {
        return;
    }
    let past = wide.seconds.get(wide.judged).copied().unwrap_or_default();
    let elapsed = second - wide.judged;
    wide.judged = second;
    let calm = f64::from(past.syns) / (elapsed as f64) < f64::from(CALM) || past.completion() >= 0.6;
    wide.calm = if calm { wide.calm + elapsed } else { 0 };
    let Some(r) = &mut wide.running else { return };
    spoofed(r, Some(&wide.sketches.sketch), now, reporter, out);
    if wide.calm >= 10 {
        if let Some(r) = wide.running.take() {
            let listed = wide.sketches.listed.clone();
            rest(*r, Some(&wide.sketches.sketch), &listed, ledger, now, reporter, out);
        }
        wide.cleared = second;
        wide.sketches = Sketches::new(now);
    }
}
