//! Services that fail their clients: from when to when, what became of attempts, whom it hit, and what is probably
//! gone.
//!
//! An attempt fails when it is refused, is reset as soon as it is open, or stays silent although its client tries
//! again. A run of failures, hardly interrupted by successes, is an outage if the service was seen to work, or if
//! several clients that get on well with others fail there. Runs begin with the first failure and end with the first
//! success after the last: in packet time.

mod group;
mod report;
mod run;

use core::net::IpAddr;

use super::burst::MANY;
use super::clients::network_of;
use super::event::Condition;
use super::input::Settled;
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::{Bounded, Weigh};
use crate::detect::anomaly::{Phase, Severity};
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};
use group::LostTogether;
use report::{finding, joined};
use run::{Hit, Kind, LASTS, Run, WORKS_FOR, is_over, kind_of};

pub(super) use run::{Failure, How, Known};

/// Clients from which on it is a warning.
const SEVERAL: usize = 5;
/// A run is given up after so long without an attempt.
const FORGOTTEN: i64 = 120 * SECOND;
/// Silence is known after a deadline of some seconds: until then failures of before the last success may come to light.
const SETTLING: i64 = 6 * SECOND;
/// Unknown services followed at once.
const UNKNOWN: usize = 64;
/// An attempt that succeeds within this time after its SYN was sent again lost a packet, and did not fail.
const LOSS: i64 = 3 * SECOND;
/// Silent services, in several networks, from which on a client that nobody answers has lost its own way out.
const UPLINK: usize = 3;

/// A service that failed somebody.
#[derive(Debug)]
struct Suspect {
    last: Timestamp,
    run: Option<Box<Run>>,
    /// When the last run ended: what failed before is no part of the next.
    ended: Timestamp,
}

impl Weigh for Suspect {
    fn weight(&self) -> (u64, i64) {
        let run = self.run.as_ref();
        (run.map_or(0, |run| u64::from(run.attempts()) + if run.reported.is_some() { 1 << 32 } else { 0 }), self.last.0)
    }
}

/// Services of several networks that were lost within so much time were lost at once.
const AT_ONCE: i64 = 5 * SECOND;
/// So many other hosts of its network that are lost with a service, or of any, say that the way to them is.
const NEIGHBOURS: (usize, usize) = (2, 3);
/// Groups of services that were lost at once, at a time.
const MAX_GROUPS: usize = 64;

/// Services that failed somebody, and the outages among them.
#[derive(Debug)]
pub(super) struct Outages {
    suspects: Bounded<Endpoint, Suspect>,
    /// Hosts of services that fail, and when they last answered anything.
    hosts: Bounded<IpAddr, Alive>,
    /// Services that have a run.
    running: Vec<Endpoint>,
    groups: Vec<LostTogether>,
    /// Groups found so far, and those that found no place.
    groups_found: u64,
    unfollowed: u64,
    capture: Condition,
}

/// When a host answered lately, and some time before that: what fails comes to light later than what succeeds.
#[derive(Clone, Copy, Debug)]
struct Alive {
    before: Timestamp,
    last: Timestamp,
}

impl Alive {
    const NEVER: Self = Self { before: Timestamp(i64::MIN), last: Timestamp(i64::MIN) };
}

impl Weigh for Alive {
    fn weight(&self) -> (u64, i64) {
        (0, self.last.0)
    }
}

impl Outages {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            suspects: Bounded::new(limit),
            hosts: Bounded::new(limit),
            running: Vec::new(),
            groups: Vec::new(),
            groups_found: 0,
            unfollowed: 0,
            capture: Condition::default(),
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let runs = self.suspects.iter().filter_map(|(_, suspect)| suspect.run.as_ref());
        let runs: usize = runs.map(|run| size_of::<Run>() + run.hits.capacity() * size_of::<Hit>()).sum();
        self.suspects.octets() + self.hosts.octets() + runs + self.running.capacity() * size_of::<Endpoint>()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.suspects.evicted() + self.hosts.evicted() + self.unfollowed
    }

    /// The capture is known to be so.
    pub(super) const fn capture(&mut self, condition: Condition) {
        self.capture = condition;
    }

    /// Whether nothing fails.
    pub(super) const fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether what fails at `server` is, or may become, part of an outage of a service that worked.
    pub(super) fn covers(&self, server: Endpoint) -> bool {
        self.run(server).is_some_and(|run| run.worked)
    }

    /// The same, or whether an outage of it was reported.
    pub(super) fn reports(&self, server: Endpoint) -> bool {
        self.run(server).is_some_and(|run| run.worked || run.reported.is_some())
    }

    /// Whether an outage of it that goes on was reported.
    pub(super) fn has_reported(&self, server: Endpoint) -> bool {
        self.run(server).is_some_and(|run| run.reported.is_some())
    }

    fn run(&self, server: Endpoint) -> Option<&Run> {
        if self.running.is_empty() {
            return None;
        }
        self.suspects.get(&server)?.run.as_deref()
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, f: &Failure, known: &Known, reporter: &mut Reporter, out: Report<'_>) {
        let again = |run: &Run| run.hits.iter().any(|hit| hit.ip == f.client);
        let held = self.suspects.get(&f.server).and_then(|suspect| suspect.run.as_ref());
        // Who asks once, gets no answer and is known to nobody may be forged.
        let credible = f.how != How::Silent || f.retried || known.ordinary || held.is_some_and(|run| again(run));
        // A few unknown services are followed: they may turn out to work.
        let concerns = known.worked || known.ordinary || held.is_some() || self.running.len() < UNKNOWN;
        if !credible || !concerns {
            return;
        }
        if f.how == How::Refused {
            self.answers(f.server.ip, f.now);
        }
        let new = || Suspect { last: f.now, run: None, ended: Timestamp(i64::MIN) };
        let suspect = self.suspects.entry(f.server, new);
        suspect.last = f.now;
        if f.began <= suspect.ended {
            return;
        }
        let over = suspect.run.as_ref().is_some_and(|run| is_over(run, f.began));
        if over {
            self.end(f.server, f.now, reporter, out);
        }
        let suspect = self.suspects.entry(f.server, new);
        if suspect.run.is_none() {
            suspect.run = Some(Box::new(Run::new(f)));
            if !self.running.contains(&f.server) {
                self.running.push(f.server);
            }
            if self.hosts.get(&f.server.ip).is_none() {
                self.hosts.entry(f.server.ip, || Alive::NEVER);
            }
        }
        let Some(run) = &mut suspect.run else { return };
        run.add(f, known, self.hosts.get(&f.server.ip).map_or(Timestamp(i64::MIN), |alive| alive.before));
        if run.is_outage() && run.reported.is_none() && f.now - run.judged >= SECOND {
            self.judge(f.server, f.now, reporter, out);
        }
    }

    /// Something on the host `ip` answered at `now`.
    fn answers(&mut self, ip: IpAddr, now: Timestamp) {
        let due = |alive: &&mut Alive| now.0.saturating_sub(alive.last.0) >= 2 * SECOND;
        if let Some(alive) = self.hosts.get_mut(&ip).filter(due) {
            (alive.before, alive.last) = (alive.last, now);
        }
    }

    /// An attempt got open.
    pub(super) fn opened(&mut self, s: &Settled, reporter: &mut Reporter, out: Report<'_>) {
        if self.running.is_empty() {
            return;
        }
        let Settled { server, began, time: now, retried, .. } = *s;
        let Some(suspect) = self.suspects.get_mut(&server).filter(|suspect| suspect.run.is_some()) else {
            self.answers(server.ip, now);
            return;
        };
        let Some(run) = &mut suspect.run else { return };
        if retried && began >= run.begin {
            if now - began < LOSS {
                run.silent = run.silent.saturating_sub(1);
            } else {
                run.late += 1;
            }
        }
        if run.good == 0 {
            run.good_since = now;
        }
        run.good += 1;
        // A moment of trouble is none.
        if run.reported.is_none() && run.good >= 3 && run.good * 4 >= run.attempts() && !run.is_outage() {
            self.end(server, now, reporter, out);
            self.running.retain(|other| *other != server);
        }
    }

    /// Packet time is `now`: runs that are over are reported as such.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        for n in (0..self.running.len()).rev() {
            let Some(server) = self.running.get(n).copied() else { continue };
            self.judge(server, now, reporter, out);
            let over = self.run(server).is_none_or(|run| {
                is_over(run, now) && now - run.good_since >= SETTLING || now - run.last.max(run.good_since) >= FORGOTTEN
            });
            if over {
                self.end(server, now, reporter, out);
                self.running.swap_remove(n);
            }
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.running.sort_unstable();
        for server in self.running.clone() {
            self.judge(server, now, reporter, out);
        }
        for server in self.running.clone() {
            self.end(server, now, reporter, out);
        }
        self.running.clear();
    }

    /// Reports an outage that goes on, if it is one, and what has changed.
    fn judge(&mut self, server: Endpoint, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        let Some(run) = self.run(server) else { return };
        if !run.is_outage() || run.good > 0 {
            return;
        }
        let (clients, warns) = self.clients(server, run);
        let proved = run.worked || run.hits.iter().filter(|hit| hit.ordinary).count() >= SEVERAL;
        let lacks = self.capture.asymmetric && run.refused + run.by_icmp() + run.reset == 0;
        let mut lost = self.lost_with(server, run);
        let kind = kind_of(run, neighbours(server, &lost));
        lost.retain(|other| kind == Kind::Path || (kind == Kind::Host && other.ip == server.ip));
        let is_new = run.reported.is_none_or(|(_, known, attempts)| {
            kind != run.kind_reported
                || (known < SEVERAL && clients >= SEVERAL)
                || run.attempts() >= attempts.saturating_mul(10)
        });
        let (in_group, is_outage) = (run.group.is_some(), clients > 0 && proved && !lacks);
        let Some(run) = self.run_mut(server) else { return };
        (run.judged, run.kind) = (now, kind);
        if in_group || (is_outage && !lost.is_empty() && self.has_group(server, kind)) {
            self.judge_group(server, &lost, (clients, warns), now, reporter, out);
        } else if is_outage && is_new {
            self.report(server, (clients, warns), now, reporter, out);
        }
    }

    fn run_mut(&mut self, server: Endpoint) -> Option<&mut Run> {
        self.suspects.get_mut(&server)?.run.as_deref_mut()
    }

    /// Reports the outage of one service as it is now.
    fn report(
        &mut self,
        server: Endpoint,
        (clients, warns): (usize, Severity),
        now: Timestamp,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(run) = self.run_mut(server) else { return };
        let mut finding = finding(run, server, run.kind, false).severity(warns);
        if let Some((number, ..)) = run.reported {
            finding = finding.of(number, Phase::Update);
        }
        let number =
            reporter.report(&rules::SERVICE_OUTAGE, now, (None, Some((server.ip, Some(server.port)))), finding, out);
        (run.reported, run.kind_reported) = (Some((number, clients, run.attempts())), run.kind);
    }

    /// Whether there is a group for `server` and `kind`, or room for another.
    fn has_group(&mut self, server: Endpoint, kind: Kind) -> bool {
        let has = self.group_of(server, kind).is_some() || self.groups.len() < MAX_GROUPS;
        self.unfollowed += u64::from(!has);
        has
    }

    /// The group that was lost with `server`.
    fn group_of(&self, server: Endpoint, kind: Kind) -> Option<usize> {
        let run = self.run(server)?;
        if let Some(id) = run.group {
            return self.groups.iter().position(|group| group.id == id);
        }
        self.groups.iter().position(|group| {
            if kind == Kind::Path {
                group.is_near(server.ip) || (group.begin - run.begin).abs() <= AT_ONCE
            } else {
                group.failing.iter().any(|service| service.ip == server.ip)
            }
        })
    }

    /// `server` was lost with others: that is reported as one.
    fn judge_group(
        &mut self,
        server: Endpoint,
        lost: &[Endpoint],
        (clients, warns): (usize, Severity),
        now: Timestamp,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some((kind, begin)) = self.run(server).map(|run| (run.kind, run.begin)) else { return };
        let at = self.group_of(server, kind).unwrap_or_else(|| {
            self.groups_found += 1;
            // What was reported of one of them goes on as that of all.
            let numbers = lost.iter().chain([&server]).filter_map(|s| self.run(*s)?.reported).map(|known| known.0);
            self.groups.push(LostTogether::new(self.groups_found, numbers.min().unwrap_or(0), begin));
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(at) else { return };
        let id = group.id;
        group.add(server);
        lost.iter().for_each(|service| group.add(*service));
        for service in lost.iter().chain([&server]) {
            let Some(run) = self.suspects.get_mut(service).and_then(|suspect| suspect.run.as_deref_mut()) else {
                continue;
            };
            if run.group.is_some() || (service != &server && run.reported.is_none()) {
                continue;
            }
            group.failing.push(*service);
            run.group = Some(id);
            // What it was reported as ends here.
            if let Some((number, clients, attempts)) =
                run.reported.filter(|(number, ..)| ![0, group.incident].contains(number))
            {
                let severity = if clients >= SEVERAL { Severity::Warn } else { Severity::Note };
                let finding = joined(run, *service, group.incident).severity(severity).of(number, Phase::Final);
                let whom = (None, Some((service.ip, Some(service.port))));
                reporter.report(&rules::SERVICE_OUTAGE, now, whom, finding, out);
                run.reported = Some((group.incident, clients, attempts));
            }
        }
        if group.has_grown() {
            let group = &self.groups[at];
            let mut finding = group.finding(self.runs_of(group).into_iter(), false).severity(warns);
            if group.incident > 0 {
                finding = finding.of(group.incident, Phase::Update);
            }
            let number = reporter.report(&rules::SERVICE_OUTAGE, now, (None, group.whom()), finding, out);
            self.groups[at].incident = number;
        }
        let number = self.groups.get(at).map_or(0, |group| group.incident);
        if let Some(run) = self.run_mut(server) {
            (run.reported, run.kind_reported) = (Some((number, clients, run.attempts())), kind);
        }
    }

    /// The runs of a group that go on.
    fn runs_of(&self, group: &LostTogether) -> Vec<&Run> {
        group.failing.iter().filter_map(|service| self.run(*service)).collect()
    }

    /// The run of `server`, of the group with this number, is over; with the last of them the group is.
    fn leave(
        &mut self,
        server: Endpoint,
        id: u64,
        run: &Run,
        now: Timestamp,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(at) = self.groups.iter().position(|group| group.id == id) else { return };
        let group = &mut self.groups[at];
        group.is_over(server, run);
        if !group.failing.is_empty() {
            return;
        }
        let group = self.groups.remove(at);
        let severity = if group.clients(core::iter::empty()) >= SEVERAL { Severity::Warn } else { Severity::Note };
        let finding = group.finding(core::iter::empty(), true).severity(severity).of(group.incident, Phase::Final);
        reporter.report(&rules::SERVICE_OUTAGE, now, (None, group.whom()), finding, out);
    }

    /// How many clients it hit that were no checkers and not cut off themselves, and how severe that is.
    fn clients(&self, server: Endpoint, run: &Run) -> (usize, Severity) {
        let silent = run.refused + run.reset + run.by_icmp() == 0;
        let cut_off = |hit: &Hit| silent && self.is_cut_off(hit, server);
        let real = run.hits.iter().filter(|hit| !cut_off(hit)).count();
        let checkers = run.hits.iter().filter(|hit| hit.checks()).count();
        if real >= SEVERAL {
            return (real, Severity::Warn);
        }
        (if checkers >= real { 0 } else { real }, Severity::Note)
    }

    /// Whether nobody answers the client, whatever network it asks in.
    fn is_cut_off(&self, hit: &Hit, server: Endpoint) -> bool {
        let mut networks = Vec::new();
        let mut hosts = vec![server.ip];
        networks.push(network_of(server.ip));
        for other in &self.running {
            let Some(run) = self.suspects.get(other).and_then(|suspect| suspect.run.as_deref()) else { continue };
            let Some(there) = run.hits.iter().find(|there| there.ip == hit.ip) else { continue };
            if run.refused + run.reset > 0 || there.answered > run.begin.after(SECOND) {
                continue;
            }
            if !hosts.contains(&other.ip) {
                hosts.push(other.ip);
            }
            if !networks.contains(&network_of(other.ip)) {
                networks.push(network_of(other.ip));
            }
        }
        hosts.len() >= UPLINK && networks.len() >= 2
    }

    /// Services that are silent as well: of the same network, or lost at the same moment.
    fn lost_with(&self, server: Endpoint, run: &Run) -> Vec<Endpoint> {
        let network = network_of(server.ip);
        let lost = |other: &&Endpoint| {
            let Some(theirs) = self.run(**other).filter(|_| **other != server) else { return false };
            let at_once = if network_of(other.ip) == network {
                theirs.begin <= run.last && run.begin <= theirs.last.after(LASTS)
            } else {
                run.worked && theirs.worked && (theirs.begin - run.begin).abs() <= AT_ONCE
            };
            let alive = self.hosts.get(&other.ip).is_some_and(|alive| alive.last > theirs.begin.after(LASTS));
            let silent = theirs.silent + theirs.by_icmp();
            at_once && !alive && silent >= 3 && silent > theirs.refused + theirs.reset
        };
        self.running.iter().filter(lost).copied().collect()
    }

    /// The run of `server` is over.
    fn end(&mut self, server: Endpoint, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        let Some(suspect) = self.suspects.get_mut(&server) else { return };
        let Some(run) = suspect.run.take() else { return };
        suspect.ended = run.end();
        match run.group {
            Some(id) => self.leave(server, id, &run, now, reporter, out),
            None => conclude(run, server, now, self.capture, reporter, out),
        }
    }
}

/// How many other hosts are `lost` with a service, if these are enough for the way to them to be gone.
fn neighbours(server: Endpoint, lost: &[Endpoint]) -> usize {
    let mut hosts: Vec<IpAddr> = lost.iter().map(|other| other.ip).filter(|ip| *ip != server.ip).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let near = hosts.iter().filter(|ip| network_of(**ip) == network_of(server.ip)).count();
    if near >= NEIGHBOURS.0 || hosts.len() >= NEIGHBOURS.1 { hosts.len() } else { 0 }
}

/// The run of `server`, lost alone, is over.
fn conclude(
    mut run: Box<Run>,
    server: Endpoint,
    now: Timestamp,
    capture: Condition,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let whom = (None, Some((server.ip, Some(server.port))));
    let clients = run.hits.iter().filter(|hit| !hit.checks()).count();
    // It was not known to have worked before; now it does.
    let known_since = run.reported.is_none() && run.is_outage() && run.good > 0 && !run.worked && !capture.asymmetric;
    let kind = if run.reported.is_some() { run.kind } else { kind_of(&run, 0) };
    if known_since && clients >= 2 {
        let severity = if run.hits.len() >= SEVERAL { Severity::Warn } else { Severity::Note };
        let number = reporter.report(
            &rules::SERVICE_OUTAGE,
            now,
            whom,
            finding(&run, server, kind, false).severity(severity),
            out,
        );
        run.reported = Some((number, run.hits.len(), run.attempts()));
    }
    if let Some((number, clients, _)) = run.reported {
        let severity = if clients.max(run.hits.len()) >= SEVERAL { Severity::Warn } else { Severity::Note };
        let finding = finding(&run, server, kind, true).severity(severity).of(number, Phase::Final);
        reporter.report(&rules::SERVICE_OUTAGE, now, whom, finding, out);
    } else if run.worked && run.refused >= MANY as u32 && run.last - run.begin < WORKS_FOR {
        let finding = Finding::new(format!("{server} refused {MANY} attempts within 10 s"))
            .figure("refused", MANY as i64)
            .frames(run.frames.iter().copied().take(1));
        reporter.report(&rules::REFUSED_BURST, now, whom, finding, out);
    }
}
