//! Services that fail their clients: from when to when, what became of attempts, whom it hit, and what is probably
//! gone.
//!
//! An attempt fails when it is refused, is reset as soon as it is open, or stays silent although its client tries
//! again. A run of failures, hardly interrupted by successes, is an outage if the service was seen to work, or if
//! several clients that get on well with others fail there. Runs begin with the first failure and end with the first
//! success after the last: in packet time.

use core::net::IpAddr;

use super::burst::MANY;
use super::clients::network_of;
use super::event::Condition;
use super::input::Settled;
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::{Bounded, Weigh};
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Failed attempts of an outage, and how long they go on, at least.
const ATTEMPTS: u32 = 20;
const LASTS: i64 = 3 * SECOND;
/// Clients from which on it is a warning.
const SEVERAL: usize = 5;
/// Clients distinguished in one outage, and addresses that its report lists.
const CLIENTS: usize = 256;
const LISTED: usize = 16;
const MAX_FRAMES: usize = 8;
/// Successes in a row that end it at once; fewer do when no failure followed for so long.
const WORKS: u32 = 8;
const WORKS_FOR: i64 = 10 * SECOND;
/// A run is given up after so long without an attempt.
const FORGOTTEN: i64 = 120 * SECOND;
/// Silence is known after a deadline of some seconds: until then failures of before the last success may come to light.
const SETTLING: i64 = 6 * SECOND;
/// Services followed at once of which nothing is known.
const UNKNOWN: usize = 64;
/// An attempt that succeeds within this time after its SYN was sent again lost a packet, and did not fail.
const LOSS: i64 = 3 * SECOND;
/// Gaps of a client that asks by the clock: at least so long, so regular that of so many three in four are alike; and
/// longer than this even where it gets on with others.
const CHECKS: (i64, u16) = (200 * MILLISECOND, 6);
const CHECKS_SLOWLY: i64 = SECOND;
/// A client whose silent services are so many, in several networks, and that nobody answers, has lost its own way out.
const UPLINK: usize = 3;

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Nothing answered.
    Silent,
    /// RST answered the SYN.
    Refused,
    /// ICMP did, with this code of a destination that is unreachable.
    Unreachable(u8),
    /// It opened, and the server reset it before it had said anything.
    Reset,
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// When that was known.
    pub(super) now: Timestamp,
    /// When its SYN was sent.
    pub(super) began: Timestamp,
    pub(super) frame: u64,
    pub(super) client: IpAddr,
    pub(super) server: Endpoint,
    pub(super) how: How,
    /// Whether its client sent the SYN again.
    pub(super) retried: bool,
}

/// What is known elsewhere of the ends of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The service was seen to work.
    pub(super) worked: bool,
    /// The client has used connections.
    pub(super) ordinary: bool,
    /// When anything last answered the client.
    pub(super) answered: Timestamp,
}

/// What is probably gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Process,
    Host,
    Path,
    Filter,
    Overload,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Process => "process-gone",
            Self::Host => "host-gone",
            Self::Path => "path-gone",
            Self::Filter => "filtered",
            Self::Overload => "overload",
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Process => "no process listens there, the host answers by RST",
            Self::Host => "the host is gone, nothing on it that is asked answers",
            Self::Path => "the way to it is gone, or its whole network is",
            Self::Filter => {
                "something drops what is sent to it, for its host still answers elsewhere or a filter says so"
            }
            Self::Overload => "it is overloaded, as some attempts still succeed or are reset once open",
        }
    }
}

/// A client that failed.
#[derive(Clone, Copy, Debug)]
struct Hit {
    ip: IpAddr,
    ordinary: bool,
    answered: Timestamp,
    /// Last attempt, the gap before it, how many gaps there were and how many of them were like the one before.
    last: Timestamp,
    gap: i64,
    gaps: u16,
    alike: u16,
}

impl Hit {
    const fn is_again(&mut self, began: Timestamp) {
        let gap = began.0 - self.last.0;
        if gap <= 0 {
            return;
        }
        if self.gap > 0 {
            self.gaps = self.gaps.saturating_add(1);
            let off = (gap - self.gap).abs();
            self.alike = self.alike.saturating_add((off * 4 <= self.gap) as u16);
        }
        (self.last, self.gap) = (began, gap);
    }

    /// Whether it asks by the clock, as what checks services does.
    const fn checks(&self) -> bool {
        let by_clock = self.gaps >= CHECKS.1 && self.alike as u32 * 4 >= self.gaps as u32 * 3 && self.gap >= CHECKS.0;
        by_clock && (!self.ordinary || self.gap >= CHECKS_SLOWLY)
    }
}

/// Failures of a service without a success between them, or hardly any.
#[derive(Debug)]
struct Run {
    /// SYNs of the first and of the last failure.
    begin: Timestamp,
    last: Timestamp,
    silent: u32,
    refused: u32,
    /// By ICMP: no host, no network, refused by a filter, no port.
    unreachable: [u32; 4],
    reset: u32,
    /// Successes in between; and since the last failure, of which this is the first.
    between: u32,
    good: u32,
    good_since: Timestamp,
    /// Silent attempts that got in when it was over.
    late: u32,
    hits: Vec<Hit>,
    more_hits: bool,
    worked: bool,
    /// Another service of the host answered, and an attempt after that failed.
    alive: bool,
    frames: Vec<u64>,
    /// Number of its reports, clients and attempts at the last of them.
    reported: Option<(u64, usize, u32)>,
    /// What is probably gone, and what was last reported of that.
    kind: Kind,
    kind_reported: Kind,
    /// When it was last judged.
    judged: Timestamp,
}

impl Run {
    const fn new(f: &Failure) -> Self {
        Self {
            begin: f.began,
            last: f.began,
            silent: 0,
            refused: 0,
            unreachable: [0; 4],
            reset: 0,
            between: 0,
            good: 0,
            good_since: f.began,
            late: 0,
            hits: Vec::new(),
            more_hits: false,
            worked: false,
            alive: false,
            frames: Vec::new(),
            reported: None,
            kind: Kind::Host,
            kind_reported: Kind::Host,
            judged: Timestamp(i64::MIN),
        }
    }

    const fn by_icmp(&self) -> u32 {
        let [host, network, filter, port] = self.unreachable;
        host + network + filter + port
    }

    const fn attempts(&self) -> u32 {
        self.silent + self.refused + self.by_icmp() + self.reset
    }

    fn add(&mut self, f: &Failure, known: &Known, host_answered: Timestamp) {
        if f.how == How::Reset {
            // It opened, which seemed to be good.
            self.good = self.good.saturating_sub(1);
        }
        self.alive |= host_answered > self.begin.after(SECOND) && f.began > host_answered;
        if f.retried && f.how != How::Silent {
            // It was silent until now.
            self.silent = self.silent.saturating_sub(1);
        }
        match f.how {
            How::Silent => self.silent += 1,
            How::Refused => self.refused += 1,
            How::Reset => self.reset += 1,
            How::Unreachable(code) => self.unreachable[class_of(code, f.server.ip.is_ipv6())] += 1,
        }
        if f.began > self.good_since && self.good > 0 {
            self.between += core::mem::take(&mut self.good);
        }
        self.begin = self.begin.min(f.began);
        self.last = self.last.max(f.began);
        self.worked |= known.worked;
        if self.frames.len() < MAX_FRAMES && f.frame > 0 {
            self.frames.push(f.frame);
        }
        let new = Hit {
            ip: f.client,
            ordinary: known.ordinary,
            answered: known.answered,
            last: f.began,
            gap: 0,
            gaps: 0,
            alike: 0,
        };
        let room = self.hits.len() < CLIENTS;
        match self.hits.iter_mut().find(|hit| hit.ip == f.client) {
            Some(hit) => {
                (hit.ordinary, hit.answered) = (hit.ordinary || known.ordinary, known.answered);
                hit.is_again(f.began);
            }
            None if room => self.hits.push(new),
            None => self.more_hits = true,
        }
    }

    /// Whether it is long, and pure, enough.
    fn is_outage(&self) -> bool {
        self.attempts() >= ATTEMPTS && self.last - self.begin >= LASTS && self.between <= self.attempts() / 2
    }
}

/// What an ICMP error with this code says is missing: host, network, leave, port.
const fn class_of(code: u8, v6: bool) -> usize {
    match (v6, code) {
        (false, 1 | 7 | 8 | 12) | (true, 3) => 0,
        (false, 0 | 5 | 6 | 11) | (true, 0 | 6) => 1,
        (false, 2 | 3) | (true, 4) => 3,
        _ => 2,
    }
}

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

/// Services that failed somebody, and the outages among them.
#[derive(Debug)]
pub(super) struct Outages {
    suspects: Bounded<Endpoint, Suspect>,
    /// Hosts of services that fail, and when they last answered anything.
    hosts: Bounded<IpAddr, Alive>,
    /// Services that have a run.
    running: Vec<Endpoint>,
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
        self.suspects.evicted()
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
        !self.running.is_empty() && self.suspects.get(&server).is_some_and(|s| s.run.as_ref().is_some_and(|r| r.worked))
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, f: &Failure, known: &Known, reporter: &mut Reporter, out: Report<'_>) {
        let again = |run: &Run| run.hits.iter().any(|hit| hit.ip == f.client);
        let held = self.suspects.get(&f.server).and_then(|suspect| suspect.run.as_ref());
        // Who asks once, gets no answer and is known to nobody may be forged.
        let credible = f.how != How::Silent || f.retried || known.ordinary || held.is_some_and(|run| again(run));
        // Of services of which nothing is known some are followed: they may turn out to work.
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
            end(suspect, f.server, f.now, &self.capture, reporter, out);
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
            end(suspect, server, now, &self.capture, reporter, out);
            self.running.retain(|other| *other != server);
        }
    }

    /// Packet time is `now`: runs that are over are reported as such.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        for n in (0..self.running.len()).rev() {
            let Some(server) = self.running.get(n).copied() else { continue };
            self.judge(server, now, reporter, out);
            let Some(suspect) = self.suspects.get_mut(&server) else {
                self.running.swap_remove(n);
                continue;
            };
            let over = suspect.run.as_ref().is_none_or(|run| {
                is_over(run, now) && now - run.good_since >= SETTLING || now - run.last.max(run.good_since) >= FORGOTTEN
            });
            if over {
                end(suspect, server, now, &self.capture, reporter, out);
                self.running.swap_remove(n);
            }
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.running.sort_unstable();
        for server in core::mem::take(&mut self.running) {
            self.judge(server, now, reporter, out);
            if let Some(suspect) = self.suspects.get_mut(&server) {
                end(suspect, server, now, &self.capture, reporter, out);
            }
        }
    }

    /// Tells of an outage that goes on, if it is one, and of what has changed.
    fn judge(&mut self, server: Endpoint, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        let Some(run) = self.suspects.get(&server).and_then(|suspect| suspect.run.as_deref()) else { return };
        if !run.is_outage() || run.good > 0 {
            return;
        }
        let (clients, warns) = self.clients(server, run);
        let proved = run.worked || run.hits.iter().filter(|hit| hit.ordinary).count() >= SEVERAL;
        let lacks = self.capture.asymmetric && run.refused + run.by_icmp() + run.reset == 0;
        let kind = kind_of(run, self.neighbours(server, run));
        let news = run.reported.is_none_or(|(_, known, attempts)| {
            kind != run.kind_reported
                || (known < SEVERAL && clients >= SEVERAL)
                || run.attempts() >= attempts.saturating_mul(10)
        });
        let is_reported = clients > 0 && proved && !lacks && news;
        let Some(run) = self.suspects.get_mut(&server).and_then(|suspect| suspect.run.as_deref_mut()) else { return };
        (run.judged, run.kind) = (now, kind);
        if !is_reported {
            return;
        }
        let mut finding = finding(run, server, kind, false).severity(warns);
        if let Some((number, ..)) = run.reported {
            finding = finding.of(number, Phase::Update);
        }
        let number =
            reporter.report(&rules::SERVICE_OUTAGE, now, (None, Some((server.ip, Some(server.port)))), finding, out);
        (run.reported, run.kind_reported) = (Some((number, clients, run.attempts())), kind);
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

    /// How many other hosts of its network are silent as well.
    fn neighbours(&self, server: Endpoint, run: &Run) -> usize {
        let network = network_of(server.ip);
        let mut hosts: Vec<IpAddr> = Vec::new();
        for other in self.running.iter().filter(|o| o.ip != server.ip && network_of(o.ip) == network) {
            let Some(theirs) = self.suspects.get(other).and_then(|suspect| suspect.run.as_deref()) else { continue };
            let at_once = theirs.begin <= run.last && run.begin <= theirs.last.after(LASTS);
            let alive = self.hosts.get(&other.ip).is_some_and(|alive| alive.last > theirs.begin.after(LASTS));
            if at_once && !alive && theirs.silent + theirs.by_icmp() >= 3 && !hosts.contains(&other.ip) {
                hosts.push(other.ip);
            }
        }
        hosts.len()
    }
}

/// Whether successes have followed the last failure for long enough at `now`.
const fn is_over(run: &Run, now: Timestamp) -> bool {
    let since = now.0.saturating_sub(run.good_since.0);
    run.good > 0 && (run.good >= WORKS && since >= SECOND || since >= WORKS_FOR)
}

fn kind_of(run: &Run, neighbours: usize) -> Kind {
    let all = run.attempts();
    let [_, network, filter, port] = run.unreachable;
    let overloaded = run.between >= 2 && run.between * 20 >= all;
    if overloaded || 2 * run.reset >= all {
        return Kind::Overload;
    }
    if 2 * (run.refused + port) > all {
        return Kind::Process;
    }
    if 2 * filter > all {
        return Kind::Filter;
    }
    if network * 2 > all || neighbours >= 2 {
        return Kind::Path;
    }
    if run.alive && run.refused == 0 { Kind::Filter } else { Kind::Host }
}

fn finding(run: &Run, server: Endpoint, kind: Kind, over: bool) -> Finding {
    let (all, clients) = (run.attempts(), run.hits.len());
    let at_least = if run.more_hits { "at least " } else { "" };
    let end = if over && run.good > 0 { run.good_since } else { run.last };
    let lasted = (end - run.begin).max(0);
    let seconds = lasted as f64 / 1e9;
    let what = format!(
        "{all} attempts (clients: {at_least}{clients}), answered by nothing: {}, by RST: {}, by ICMP: {}, reset once \
         open: {}",
        run.silent,
        run.refused,
        run.by_icmp(),
        run.reset
    );
    let reason = match (over, run.good > 0) {
        (false, _) => format!("{server} has failed for {seconds:.1} s: {what}; probably {}", kind.says()),
        (true, true) => format!("{server} works again after {seconds:.1} s: {what}; probably {}", kind.says()),
        (true, false) => {
            format!("{server} failed for {seconds:.1} s, until it was last asked: {what}; probably {}", kind.says())
        }
    };
    let listed = run.hits.iter().take(LISTED).map(|hit| hit.ip.to_string()).collect();
    Finding::new(reason)
        .figure("kind", Figure::Text(kind.name().to_owned()))
        .figure("attempts", all)
        .figure("silent", run.silent)
        .figure("refused", run.refused)
        .figure("unreachable", run.by_icmp())
        .figure("reset_once_open", run.reset)
        .figure("completed", run.between)
        .figure("completed_late", run.late)
        .figure("clients", clients as i64)
        .figure("clients_listed", Figure::Texts(listed))
        .figure("duration_ns", lasted)
        .frames(run.frames.iter().copied())
}

/// The run of `suspect` is over.
fn end(
    suspect: &mut Suspect,
    server: Endpoint,
    now: Timestamp,
    capture: &Condition,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let Some(mut run) = suspect.run.take() else { return };
    suspect.ended = if run.good > 0 { run.good_since } else { run.last };
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
