//! Services under attack, and services that fail: attempts by cohorts of the second in which they began.
//!
//! One ratio separates a flood from an outage: clients of a dead service send their SYN again, spoofed and stateless
//! SYNs come once. One incident a service, with a begin, a peak and an end, and with what it did to the clients that
//! meant it.

mod spread;

use core::net::IpAddr;

use super::burst::{Burst, Clients, MANY};
use super::event::Condition;
use super::input::{Attempt, Outcome, Places, Settled};
use super::limits::{Limit, News};
use super::reporter::{Report, Reporter, Whom};
use super::rules;
use super::seconds::{Second, Seconds};
use super::sketch::{Bounded, Distinct, Reservoir, Weigh, fixed_hash_of};
use crate::detect::anomaly::{Phase, Severity};
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

use spread::Areas;
pub use spread::Spread;

/// A SYN is judged when it is so old: its client has had time to complete, or to send it again.
const RIPE: i64 = 3;
/// Seconds of a cohort.
const COHORT: i64 = 10;
/// SYNs a second from which on a service may be flooded.
const FLOOD_RATE: f64 = 100.0;
/// SYNs in a second, hardly any of them completed, at which sources that were not known before are no longer kept.
const CROWD: u32 = 1000;
/// SYNs of a cohort at least.
const FLOOD_SYNS: u32 = 500;
/// Attempts that neither completed nor were refused, at least (Cisco's default for one host).
const FLOOD_HANGING: u32 = 50;
/// Half-open connections of one service, whatever the rate (Cisco's default in total).
const HALF_OPEN: u32 = 500;
/// Half-open age counted.
const HALF_OPEN_SECONDS: i64 = 30;
/// Period of CUSUM, seconds (SYN-dog: 20; live 10).
const PERIOD: i64 = 10;
/// So few clients whose kernels ask are no flood that adds up.
const FEW_CLIENTS: usize = 3;
/// CUSUM's offset and threshold (Wang, Zhang, Shin, 2002).
const CUSUM: (f64, f64) = (0.35, 1.05);
/// Clients of a service that fails them, at least.
const OUTAGE_CLIENTS: usize = 20;
const MAX_FRAMES: usize = 8;
/// Sources sampled for entropy.
const SAMPLE: usize = 512;
/// Incidents kept for the summary.
const MAX_INCIDENTS: usize = 256;
/// SYNs a second below which no flood goes on, and from which on SYNs are sketched.
const CALM: u32 = 50;
const SKETCHED: u32 = 25;
/// Incidents at once.
const MAX_ACTIVE: usize = 64;
/// Services with a sketch of their SYNs at once.
const MAX_SKETCHES: usize = 128;
/// Services whose answers are looked at for a limit at once.
const MAX_LIMITS: usize = 512;
/// A sketch is given up after so many seconds without a SYN, or with few.
const SKETCHED_FOR: i64 = 20;

/// Clients that meant it: those that got in, and those that tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Attempts that completed.
    pub completed: u64,
    /// Attempts that failed although the SYN was sent again.
    pub failed: u64,
    /// Sum of their connect times, nanoseconds.
    pub connect_ns: i64,
}

impl Others {
    /// Share that got in; `None` where there was nobody.
    pub fn success(&self) -> Option<f64> {
        let all = self.completed + self.failed;
        (all > 0).then(|| self.completed as f64 / all as f64)
    }

    /// Mean time to connect, nanoseconds.
    pub fn connect_time(&self) -> Option<i64> {
        (self.completed > 0).then(|| self.connect_ns / self.completed as i64)
    }

    fn add(&mut self, s: &Settled) {
        match s.outcome {
            Outcome::Open(connect) => {
                self.completed += 1;
                self.connect_ns = self.connect_ns.saturating_add(connect);
            }
            Outcome::Unanswered | Outcome::MissingAck | Outcome::Aborted if s.retried => self.failed += 1,
            _ => {}
        }
    }
}

/// A flood, as a whole.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Rule that named it first.
    pub rule: &'static str,
    /// The service; of a flood that is spread, the host or the first address of the network, and port 0.
    pub victim: Endpoint,
    /// Over what it is spread, if it is no flood of one service.
    pub spread: Option<Spread>,
    /// First SYN of the flood's first cohort.
    pub begin: Timestamp,
    /// Last SYN.
    pub last: Timestamp,
    /// Whether it is over.
    pub ended: bool,
    /// SYNs.
    pub syns: u64,
    /// Of those, completed.
    pub completed: u64,
    /// SYN-ACKs to them.
    pub answered: u64,
    /// Reset by the client after the SYN-ACK: the source exists and never asked.
    pub reset: u64,
    /// Most SYNs in a second.
    pub peak: u32,
    /// When that second began.
    pub peak_time: Timestamp,
    /// Distinct source addresses, estimated.
    pub sources: u64,
    /// The source of nearly all of it, where there is one.
    pub source: Option<IpAddr>,
    /// Evidence that sources are forged, in words.
    pub spoofing: Vec<&'static str>,
    /// Whether the server answered with SYN cookies, or as if: every SYN is answered, whatever is half-open.
    pub all_answered: bool,
    /// Whether the marks of SYN cookies were seen in its answers.
    pub cookies: bool,
    /// The victim's other clients before it.
    pub before: Others,
    /// During it.
    pub during: Others,
    /// After it.
    pub after: Others,
    /// Frames of its first SYNs.
    pub frames: Vec<u64>,
}

impl Incident {
    /// The victim, in words: a service, a host, or a network.
    pub fn name(&self) -> String {
        match self.spread {
            None => self.victim.to_string(),
            Some(Spread { network: None, .. }) => self.victim.ip.to_string(),
            Some(Spread { network: Some(network), .. }) => network.to_string(),
        }
    }

    fn whom(&self) -> Option<Whom> {
        Some((self.victim.ip, self.spread.is_none().then_some(self.victim.port)))
    }
}

/// What is sketched of the SYNs of a flood, or of what may turn out to be one.
#[derive(Debug)]
struct Sketch {
    sources: Distinct,
    sample: Reservoir,
    martians: u64,
    ttls: Box<[u32; 256]>,
}

impl Sketch {
    fn new() -> Self {
        Self { sources: Distinct::new(), sample: Reservoir::new(SAMPLE), martians: 0, ttls: Box::new([0; 256]) }
    }

    /// SYNs seen.
    fn syns(&self) -> u64 {
        self.ttls.iter().map(|n| u64::from(*n)).sum()
    }

    /// Whether so many sources are all equally far away.
    fn is_of_one_distance(&self, sources: u64) -> bool {
        sources >= 1000 && ttl_entropy(&self.ttls) <= 1.0
    }

    fn add(&mut self, a: &Attempt) {
        let source = fixed_hash_of(&a.client.ip);
        self.sources.add(source);
        self.sample.add(source);
        self.martians += u64::from(is_martian(a.client.ip));
        self.ttls[usize::from(a.look.ttl)] += 1;
    }
}

/// A flood that goes on.
#[derive(Debug)]
struct Running {
    incident: Incident,
    /// Under which it is reported.
    number: u64,
    /// The second of its service with which it began.
    first_second: i64,
    spoofing_reported: bool,
    calm_seconds: u32,
}

/// One service: an address and a port. What each attempt touches comes first, in as few cache lines as there can be.
#[derive(Debug)]
#[repr(C)]
struct Service {
    last: Timestamp,
    /// The first SYN to it: its seconds and periods are counted from here.
    began: Timestamp,
    /// Recent SYNs: halved every ten seconds or more.
    busy: u32,
    /// Those of them that came out of our networks, where these are known.
    outward: u32,
    /// Evaluated up to this second.
    judged: i64,
    running: Option<Box<Running>>,
    /// While it is asked as often as a flood asks.
    sketch: Option<Box<Sketch>>,
    /// Second up to which SYNs belong to a flood that is over.
    cleared: i64,
    seconds: Seconds,
    cusum: Cusum,
    /// SYNs a second, over ten minutes.
    baseline: f64,
    /// The source of most SYNs, if any has more than half: a majority vote (Boyer and Moore), with the votes it leads
    /// by and all votes.
    majority: (Option<IpAddr>, u32, u32),
    /// Open connections to it on which nothing has been said.
    silent: u32,
    /// Where its host is among those whose ports are counted.
    area: u32,
    /// Under which its half-open connections were reported.
    half_open_incident: Option<u64>,
    /// Whether it answers with SYN cookies.
    cookies: bool,
    outage_reported: bool,
    frame_count: u8,
    clients: Clients,
    others: Others,
    /// Connections that opened and were not dropped at once.
    worked: u32,
    frames: [u64; 4],
    refused: Burst,
    /// While clients repeat their SYNs: whether answers are limited in number.
    limit: Option<Box<Limit>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cusum {
    period: i64,
    syns: u32,
    completed: u32,
    retried: u32,
    /// SYNs that a kernel may have sent.
    of_a_kernel: u32,
    mean: f64,
    sum: f64,
    reported: bool,
}

impl Weigh for Service {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.busy) + if self.running.is_some() { 1 << 32 } else { 0 }, self.last.0)
    }
}

impl Service {
    fn new(now: Timestamp) -> Self {
        Self {
            seconds: Seconds::default(),
            last: now,
            began: now,
            busy: 0,
            outward: 0,
            judged: 0,
            baseline: 0.0,
            others: Others::default(),
            worked: 0,
            running: None,
            sketch: None,
            cleared: i64::MIN,
            cusum: Cusum::default(),
            silent: 0,
            area: 0,
            half_open_incident: None,
            cookies: false,
            outage_reported: false,
            majority: (None, 0, 0),
            clients: Clients::default(),
            refused: Burst::default(),
            limit: None,
            frames: [0; 4],
            frame_count: 0,
        }
    }

    /// Which of its seconds `at` is in: 0 is the one that begins with its first SYN.
    const fn second_of(&self, at: Timestamp) -> i64 {
        at.0.saturating_sub(self.began.0).div_euclid(SECOND)
    }

    /// When that second begins.
    const fn time_of(&self, second: i64) -> Timestamp {
        self.began.after(second.saturating_mul(SECOND))
    }

    /// Octets held elsewhere.
    fn octets(&self) -> usize {
        let sketch = self.sketch.as_ref().map_or(0, |_| 4096 + SAMPLE * 8 + 2048);
        let limit = self.limit.as_ref().map_or(0, |_| size_of::<Limit>());
        limit + self.clients.octets() + self.refused.octets() + self.seconds.octets() + sketch
    }

    /// Whether so little was asked of it lately that fewer than `syns` SYNs can be within the last `seconds` (at most
    /// 40).
    const fn is_below(&self, syns: u32, seconds: i64) -> bool {
        // Each SYN was halved once a period, and each halving may have dropped half a one.
        let halvings = seconds / PERIOD + 1;
        (self.busy as u64 + 1) << halvings <= syns as u64
    }

    /// Whether it is under attack, or so many ask for it in `second` and come to nothing that it may be.
    fn is_crowded(&self, second: i64) -> bool {
        self.running.is_some()
            || (!self.is_below(CROWD, 1)
                && self.seconds.get(second).is_some_and(|s| s.syns >= CROWD && s.completed < s.syns / 4))
    }

    /// Whether it is under attack, or its SYNs of the last seconds look as those of a flood too young to be named.
    fn may_be_flooded(&self, second: i64) -> bool {
        if self.running.is_some() {
            return true;
        }
        if self.is_below(FLOOD_SYNS / 2, COHORT) {
            return false;
        }
        let (cohort, _) = self.seconds.cohort(second - COHORT, second - 1);
        cohort.syns >= FLOOD_SYNS / 2
            && cohort.completion() <= 0.2
            && cohort.hanging() >= FLOOD_HANGING
            && cohort.retry_share() <= 0.3
    }

    /// The source of at least three in four SYNs.
    fn main_source(&self) -> Option<IpAddr> {
        let (source, lead, all) = self.majority;
        source.filter(|_| 2 * lead >= all)
    }

    fn half_open(&self, now: i64) -> u32 {
        self.seconds
            .iter()
            .filter(|s| (RIPE + 1..=HALF_OPEN_SECONDS).contains(&(now - s.at)))
            .map(|s| s.answered.saturating_sub(s.completed + s.reset))
            .sum()
    }
}

/// Every service, and the floods found.
#[derive(Debug)]
pub(super) struct Floods {
    services: Bounded<Endpoint, Service>,
    ledger: Ledger,
    areas: Areas,
    /// When sketches are counted again.
    recount_at: Timestamp,
}

/// The floods that run, and those that ended.
#[derive(Debug, Default)]
struct Ledger {
    running: Vec<Endpoint>,
    finished: Vec<Incident>,
    /// Services that have a sketch.
    sketches: usize,
    /// Services whose answers are counted by parts of seconds.
    limits: usize,
    /// Whether any answer to a SYN was ever seen: without one the capture has one direction only, and tells nothing.
    saw_answers: bool,
    /// What the capture lacks.
    capture: Condition,
}

impl Ledger {
    /// Whether what is not seen to be answered is not.
    const fn shows_answers(&self) -> bool {
        self.saw_answers && !self.capture.filtered && !self.capture.asymmetric
    }
}

impl Floods {
    /// The capture is known to be so.
    pub(super) const fn capture(&mut self, condition: Condition) {
        self.ledger.capture = condition;
    }

    pub(super) fn new(limit: usize) -> Self {
        Self {
            services: Bounded::new(limit),
            ledger: Ledger::default(),
            areas: Areas::new(limit),
            recount_at: Timestamp(i64::MIN),
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        self.areas.octets()
            + self.services.octets()
            + self.services.iter().map(|(_, service)| service.octets()).sum::<usize>()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.services.evicted() + self.areas.evicted()
    }

    /// A SYN to `server` comes soon.
    pub(super) fn prefetch(&self, server: Endpoint) {
        self.services.prefetch(&server);
    }

    /// A first SYN; `outward`: of one of our networks to none of them. Whether its service is under attack.
    pub(super) fn attempt(
        &mut self,
        a: &Attempt,
        outward: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> bool {
        let service = self.services.entry_at(&mut at.service, a.server, || Service::new(a.time));
        let spread = self.areas.attempt(a, &mut service.area);
        let second = service.second_of(a.time);
        if second > service.judged {
            judge_service(service, a.server, second, &self.areas, &mut self.ledger, reporter, out);
        }
        service.last = service.last.max(a.time);
        let (mut busy, mut heavy) = (false, false);
        if let Some(held) = service.seconds.at(second) {
            held.syns += 1;
            (busy, heavy) = (held.syns >= SKETCHED, held.syns >= CALM);
        }
        if busy && service.sketch.is_none() && self.ledger.sketches < MAX_SKETCHES {
            self.ledger.sketches += 1;
            service.sketch = Some(Box::new(Sketch::new()));
        }
        if let Some(sketch) = &mut service.sketch {
            sketch.add(a);
        }
        if let Some(limit) = &mut service.limit {
            limit.asked(a.time);
        }
        service.cusum.syns += 1;
        service.cusum.of_a_kernel += u32::from(a.look.is_of_a_stack());
        service.busy = service.busy.saturating_add(1);
        service.outward = service.outward.saturating_add(u32::from(outward));
        if service.frame_count < 4 {
            service.frames[usize::from(service.frame_count)] = a.frame;
            service.frame_count += 1;
        }
        if let Some(running) = &mut service.running {
            running.incident.syns += 1;
            // It lasts as long as it is one: what comes to its victim afterwards is no part of it.
            if heavy {
                running.incident.last = a.time;
            }
        }
        vote(service, a.client.ip);
        service.clients.see(a.client.ip, second);
        spread || service.is_crowded(second)
    }

    /// The first SYN-ACK to an attempt that began at `began`.
    pub(super) fn answered(
        &mut self,
        server: Endpoint,
        began: Timestamp,
        now: Timestamp,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        self.ledger.saw_answers = true;
        let Some(service) = self.services.get_at(&mut at.service, &server) else { return };
        if let Some(held) = service.seconds.at(service.second_of(began)) {
            held.answered += 1;
        }
        if let Some(running) = &mut service.running {
            running.incident.answered += 1;
        }
        self.areas.answered(server.ip, began, &mut service.area);
        if service.half_open_incident.is_none()
            && !self.areas.is_running(server.ip)
            && !service.is_below(HALF_OPEN, HALF_OPEN_SECONDS)
            && self.ledger.capture.shows_completion()
            && service.half_open(service.second_of(now)) >= HALF_OPEN
        {
            let finding = half_open_finding(service, server, HALF_OPEN);
            let ends = (None, Some((server.ip, Some(server.port))));
            service.half_open_incident = Some(reporter.report(&rules::HALF_OPEN_ACCUMULATION, now, ends, finding, out));
        }
    }

    /// `server` answers with SYN cookies, or does not any more: half-open connections fill no queue meanwhile. How many
    /// there are.
    pub(super) fn bypassed(
        &mut self,
        server: Endpoint,
        cookies: bool,
        now: Timestamp,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> u32 {
        let Some(service) = self.services.get_mut(&server) else { return 0 };
        service.cookies = cookies;
        if let Some(running) = service.running.as_mut().filter(|_| cookies) {
            running.incident.cookies = true;
        }
        let half_open = service.half_open(service.second_of(now));
        if let Some(incident) = service.half_open_incident.filter(|incident| *incident > 0 && cookies) {
            let finding = half_open_finding(service, server, half_open).of(incident, Phase::Update);
            reporter.report(
                &rules::HALF_OPEN_ACCUMULATION,
                now,
                (None, Some((server.ip, Some(server.port)))),
                finding,
                out,
            );
        }
        half_open
    }

    /// A connection to `server` opened, and nothing has been said on it. On how many it is so now.
    pub(super) fn silent(&mut self, server: Endpoint, at: &mut Places) -> u32 {
        let Some(service) = self.services.get_at(&mut at.service, &server) else { return 0 };
        service.silent = service.silent.saturating_add(1);
        service.silent
    }

    /// On one of those something was said, or it ended.
    pub(super) fn unsilent(&mut self, server: Endpoint, at: &mut Places) {
        if let Some(service) = self.services.get_at(&mut at.service, &server) {
            service.silent = service.silent.saturating_sub(1);
        }
    }

    /// A SYN was sent again.
    pub(super) fn again(&mut self, server: Endpoint, now: Timestamp, at: &mut Places) {
        let Some(service) = self.services.get_at(&mut at.service, &server) else { return };
        if service.limit.is_none() && self.ledger.limits < MAX_LIMITS && !service.is_below(SKETCHED, COHORT) {
            self.ledger.limits += 1;
            service.limit = Some(Box::new(Limit::new(now)));
        }
        if let Some(limit) = &mut service.limit {
            limit.again(now);
        }
    }

    /// A first SYN-ACK, of a service whose answers may be limited in number.
    #[expect(clippy::too_many_arguments, reason = "an answer, and where to report")]
    pub(super) fn answers(
        &mut self,
        server: Endpoint,
        began: Timestamp,
        now: Timestamp,
        overflowing: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(service) = self.services.get_at(&mut at.service, &server) else { return };
        let Some(limit) = &mut service.limit else { return };
        limit.answered(now, began, overflowing);
        if service.running.is_none() {
            limited(limit, server, now, reporter, out);
        }
    }

    /// The SYN of an attempt that began at `began` was sent again, for the first time.
    pub(super) fn retried(&mut self, server: Endpoint, began: Timestamp, at: &mut Places) {
        let Some(service) = self.services.get_at(&mut at.service, &server) else { return };
        service.cusum.retried += 1;
        if let Some(held) = service.seconds.at(service.second_of(began)) {
            held.retried += 1;
        }
        self.areas.retried(server.ip, began, &mut service.area);
    }

    /// A connection that had opened was dropped at once.
    pub(super) fn dropped(&mut self, server: Endpoint, at: &mut Places) {
        if let Some(service) = self.services.get_at(&mut at.service, &server) {
            service.worked = service.worked.saturating_sub(1);
        }
    }

    /// Whether the service was seen to work, and whether it is flooded, or may be found to be.
    pub(super) fn standing(&mut self, server: Endpoint, now: Timestamp, at: &mut Places) -> (bool, bool) {
        let Some(service) = self.services.get_at(&mut at.service, &server) else { return (false, false) };
        let flooded = self.areas.is_running(server.ip) || service.may_be_flooded(service.second_of(now));
        (service.worked > 0, flooded)
    }

    /// An attempt came out; `covered`: its service fails its clients, which is reported by itself. Whether its service
    /// is under attack.
    pub(super) fn settled(
        &mut self,
        s: &Settled,
        covered: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> bool {
        self.ledger.saw_answers |= s.outcome == Outcome::Refused;
        let Some(service) = self.services.get_at(&mut at.service, &s.server) else { return false };
        let retried = s.retried;
        if let Some(held) = service.seconds.at(service.second_of(s.began)) {
            match s.outcome {
                Outcome::Open(_) => {
                    held.completed += 1;
                    held.retried = held.retried.saturating_sub(u32::from(retried));
                }
                Outcome::Refused | Outcome::Unreachable => held.refused += 1,
                Outcome::ResetAfterSynAck => held.reset += 1,
                _ => {}
            }
        }
        self.areas.settled(s, &mut service.area);
        let spread = self.areas.is_running(s.server.ip);
        match s.outcome {
            Outcome::Open(_) => {
                service.cusum.completed += 1;
                service.worked = service.worked.saturating_add(1);
            }
            Outcome::Refused if !covered && !spread => refused(service, s, &self.areas, reporter, out),
            _ => {}
        }
        match &mut service.running {
            Some(running) => {
                match s.outcome {
                    Outcome::Open(_) => running.incident.completed += 1,
                    Outcome::ResetAfterSynAck => running.incident.reset += 1,
                    _ => {}
                }
                running.incident.during.add(s);
            }
            None => service.others.add(s),
        }
        if let Some(incident) = self.ledger.finished.iter_mut().rev().find(|i| i.victim == s.server)
            && service.running.is_none()
        {
            incident.after.add(s);
        }
        spread || service.is_crowded(service.second_of(s.began))
    }

    /// Whether what is asked of `ip` may be part of a flood that is spread, and not a scan by many.
    pub(super) fn is_swarmed(&self, ip: IpAddr, now: Timestamp) -> bool {
        self.areas.is_swarmed(ip, now)
    }

    /// Whether the attempt is part of a flood that is spread and comes from its client alone.
    pub(super) fn is_part_of_spread(&self, s: &Settled) -> bool {
        self.areas.is_by(s.client.ip, s.server.ip)
    }

    /// Whether a flood that is spread reached `ip` after `since`.
    pub(super) fn was_swept(&self, ip: IpAddr, since: Timestamp) -> bool {
        let reached = |i: &Incident| match i.spread {
            Some(Spread { network: Some(network), .. }) => network.contains(&ip),
            Some(_) => i.victim.ip == ip,
            None => false,
        };
        self.areas.is_running(ip) || self.ledger.finished.iter().any(|i| i.last >= since && reached(i))
    }

    /// A second has passed: running floods are judged, and those that ended are closed.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.areas.tick(now, RIPE, &mut self.ledger, reporter, out);
        for victim in self.ledger.running.clone() {
            let Some(service) = self.services.get_mut(&victim) else { continue };
            judge_service(service, victim, service.second_of(now), &self.areas, &mut self.ledger, reporter, out);
        }
        if now >= self.recount_at {
            self.recount_at = now.after(SKETCHED_FOR * SECOND);
            self.recount(now);
        }
    }

    /// Gives up the sketches of services that nobody asks any more, and counts those that are left: what was evicted
    /// gave nothing back.
    fn recount(&mut self, now: Timestamp) {
        (self.ledger.sketches, self.ledger.limits) = (0, 0);
        for (_, service) in self.services.iter_mut() {
            if service.running.is_none() && service.sketch.is_some() && is_calm(service, service.second_of(now)) {
                service.sketch = None;
            }
            self.ledger.sketches += usize::from(service.sketch.is_some());
            service.limit.take_if(|limit| limit.is_over(now));
            self.ledger.limits += usize::from(service.limit.is_some());
        }
    }

    /// Observation ends: what is known by now must do.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.areas.tick(now, RIPE, &mut self.ledger, reporter, out);
        self.areas.tick(now, 0, &mut self.ledger, reporter, out);
        for (victim, service) in self.services.iter_mut() {
            if let Some(limit) = service.limit.as_mut().filter(|_| service.running.is_none()) {
                limited(limit, *victim, now, reporter, out);
            }
            let second = service.second_of(now);
            judge_service(service, *victim, second, &self.areas, &mut self.ledger, reporter, out);
            judge_cohort(service, *victim, second, 0, (&self.areas, &mut self.ledger), reporter, out);
            if !self.areas.is_running(victim.ip) {
                close_period(service, *victim, second, &self.ledger, reporter, out);
            }
            if let Some(running) = service.running.take() {
                end(*running, service.sketch.as_deref(), &[], &mut self.ledger.finished, now, reporter, out);
            }
        }
        self.ledger.running.clear();
        self.areas.finish(now, &mut self.ledger, reporter, out);
    }

    /// Floods that ended, then those that go on.
    pub(super) fn incidents(&self) -> Vec<Incident> {
        let running = self.services.iter().filter_map(|(_, s)| s.running.as_ref());
        self.ledger
            .finished
            .iter()
            .cloned()
            .chain(running.map(|r| r.incident.clone()))
            .chain(self.areas.incidents().cloned())
            .collect()
    }
}

/// What half-open connections do to the queue of `server`.
fn half_open_finding(service: &Service, server: Endpoint, half_open: u32) -> Finding {
    let reason = format!("{half_open} embryonic connections to {server} within 30 s");
    let finding = if service.cookies {
        let reason = format!("{reason}: they bypass its queue, because it answers with SYN cookies");
        Finding::new(reason).figure("queue", "bypassed").severity(Severity::Note)
    } else {
        Finding::new(reason)
    };
    finding.figure("half_open", half_open).frames(service.frames.iter().copied().filter(|f| *f > 0))
}

/// Judges whether the answers of `server` are limited in number.
fn limited(limit: &mut Limit, server: Endpoint, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
    let ends = (None, Some((server.ip, Some(server.port))));
    match limit.judge(now, server) {
        Some(News::Begins(finding)) => limit.number(reporter.report(&rules::SYN_RATE_LIMITED, now, ends, finding, out)),
        Some(News::Ends(finding)) => {
            reporter.report(&rules::SYN_RATE_LIMITED, now, ends, finding, out);
        }
        None => {}
    }
}

fn vote(service: &mut Service, source: IpAddr) {
    let (leader, lead, all) = &mut service.majority;
    *all = all.saturating_add(1);
    match leader {
        Some(ip) if *ip == source => *lead = lead.saturating_add(1),
        _ if *lead == 0 => (*leader, *lead) = (Some(source), 1),
        _ => *lead -= 1,
    }
}

/// Twenty refusals of one service in ten seconds: one report for as long as they go on like that.
fn refused(service: &mut Service, s: &Settled, areas: &Areas, reporter: &mut Reporter, out: Report<'_>) {
    let many = service.refused.add(s.began) && service.main_source().is_none();
    if !many || areas.network_is_swarmed(s.server.ip, s.began) || !service.refused.is_news(s.began) {
        return;
    }
    let finding = Finding::new(format!("{} refused {MANY} attempts within 10 s", s.server))
        .figure("refused", MANY as i64)
        .frames([s.frame]);
    reporter.report(&rules::REFUSED_BURST, s.time, (None, Some((s.server.ip, Some(s.server.port)))), finding, out);
}

/// Judges the seconds of a service that have become ripe by `second`.
fn judge_service(
    service: &mut Service,
    victim: Endpoint,
    second: i64,
    areas: &Areas,
    ledger: &mut Ledger,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    if second <= service.judged {
        return;
    }
    let elapsed = (second - service.judged).min(600);
    // Whatever came in a later second was judged then.
    let past = service.seconds.get(service.judged).copied().unwrap_or_default();
    let rate = f64::from(past.syns) / elapsed as f64;
    judge_cohort(service, victim, second, RIPE, (areas, ledger), reporter, out);
    if service.running.is_none() {
        service.baseline = rate + (service.baseline - rate) * (1.0_f64 - 1.0 / 600.0).powi(elapsed as i32);
    }
    if areas.is_running(victim.ip) {
        // They are part of a flood that has been reported.
        service.cusum = Cusum { period: service.cusum.period, mean: service.cusum.mean, ..Cusum::default() };
    }
    close_period(service, victim, second, ledger, reporter, out);
    service.judged = second;
    let over = service.running.as_mut().is_some_and(|r| {
        let (recent, span) = (past.syns, elapsed as f64);
        let calm = f64::from(recent) / span < f64::from(CALM) || past.completion() >= 0.6;
        r.calm_seconds = if calm { r.calm_seconds + elapsed as u32 } else { 0 };
        r.calm_seconds >= 10
    });
    if over && let Some(ended) = service.running.take() {
        ledger.running.retain(|v| *v != victim);
        let at = service.time_of(second);
        end(*ended, service.sketch.as_deref(), &[], &mut ledger.finished, at, reporter, out);
        service.others = Others::default();
        service.cleared = second;
    }
}

/// Judges the cohort that ends `ripe` seconds before `second`.
fn judge_cohort(
    service: &mut Service,
    victim: Endpoint,
    second: i64,
    ripe: i64,
    (areas, ledger): (&Areas, &mut Ledger),
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let may_fail = !service.outage_reported && service.clients.known() >= OUTAGE_CLIENTS;
    if service.running.is_none() && !may_fail && service.is_below(FLOOD_SYNS, COHORT + ripe + 1) {
        return;
    }
    let from = (second - ripe - COHORT).max(service.cleared.saturating_add(1));
    let (cohort, span) = service.seconds.cohort(from, second - ripe);
    if cohort.syns == 0 {
        return;
    }
    let now = service.time_of(second).max(service.last);
    if ripe > 0 {
        outage(service, victim, &cohort, now, (areas, ledger.shows_answers()), reporter, out);
    }
    let rate = f64::from(cohort.syns) / span as f64;
    let trigger = FLOOD_RATE.max(5.0 * service.baseline);
    let is_flood = (ledger.shows_answers() || looks_forged(service, victim))
        && cohort.syns >= FLOOD_SYNS
        && rate >= trigger
        && cohort.completion() <= 0.2
        && cohort.hanging() >= FLOOD_HANGING
        && cohort.retry_share() <= 0.3;
    let began = service.began;
    if let Some(r) = &mut service.running {
        if let Some(peak) = service.seconds.iter().max_by_key(|s| (s.syns, s.at))
            && peak.syns > r.incident.peak
            && peak.at >= r.first_second
        {
            (r.incident.peak, r.incident.peak_time) = (peak.syns, began.after(peak.at.saturating_mul(SECOND)));
        }
        spoofed(r, service.sketch.as_deref(), now, reporter, out);
        return;
    }
    if !is_flood || ledger.running.len() >= MAX_ACTIVE || areas.is_flooded(victim.ip, now, ledger.shows_answers()) {
        return;
    }
    let incident = begin(service, victim, &cohort, from);
    let source = incident.source.map(|ip| (ip, None));
    let finding = flood_finding(&incident, &cohort, rate);
    let number = reporter.report(&rules::SYN_FLOOD, now, (source, Some((victim.ip, Some(victim.port)))), finding, out);
    if let Some(finding) = outbound(service, victim, rate) {
        reporter.report(&rules::SYN_FLOOD_OUTBOUND, now, (source, Some((victim.ip, Some(victim.port)))), finding, out);
    }
    let first_second = service.second_of(incident.begin);
    let mut running = Running { incident, number, first_second, spoofing_reported: false, calm_seconds: 0 };
    spoofed(&mut running, service.sketch.as_deref(), now, reporter, out);
    service.running = Some(Box::new(running));
    ledger.running.push(victim);
}

/// Whether SYNs of which no answer can be seen are no ordinary clients': a capture of nothing but SYNs says no more of
/// these.
fn looks_forged(service: &Service, victim: Endpoint) -> bool {
    service.sketch.as_ref().is_some_and(|sketch| signs_of_forgery(sketch, sketch.sources.count(), victim).len() >= 2)
}

/// A flood of which four in five SYNs, and more, come out of our networks.
fn outbound(service: &Service, victim: Endpoint, rate: f64) -> Option<Finding> {
    let ours = service.outward > 0 && u64::from(service.outward) * 10 >= u64::from(service.busy) * 8;
    ours.then(|| {
        Finding::new(format!("our networks flood {victim} with {rate:.0} SYNs a second"))
            .figure("syns", service.outward)
            .figure("rate", rate)
            .frames(service.frames.iter().copied().filter(|f| *f > 0))
    })
}

/// Whether hardly anything was asked of it in the last seconds.
fn is_calm(service: &Service, second: i64) -> bool {
    let lately = service.seconds.iter().filter(|s| s.at > second - SKETCHED_FOR);
    lately.map(|s| s.syns).max().is_none_or(|most| most < SKETCHED)
}

/// The flood that the cohort from second `from` on is. It began with the first second of which it can be a part.
fn begin(service: &Service, victim: Endpoint, cohort: &Second, from: i64) -> Incident {
    let seconds = || service.seconds.iter().filter(|s| s.syns > 0 && s.at >= from);
    let heavy = seconds().filter(|s| s.syns >= CALM).map(|s| s.at).min();
    let first = heavy.or_else(|| seconds().map(|s| s.at).min()).unwrap_or(from);
    let mut all = Second { at: first, ..Second::default() };
    seconds().filter(|s| s.at >= first).for_each(|s| all.add(s));
    let peak = seconds().max_by_key(|s| (s.syns, s.at));
    Incident {
        rule: rules::SYN_FLOOD.id,
        victim,
        spread: None,
        begin: service.time_of(first),
        last: service.last,
        ended: false,
        syns: u64::from(all.syns),
        completed: u64::from(all.completed),
        answered: u64::from(all.answered),
        reset: u64::from(all.reset),
        peak: peak.map_or(0, |p| p.syns),
        peak_time: service.time_of(peak.map_or(first, |p| p.at)),
        sources: service.sketch.as_ref().map_or(service.clients.known() as u64, |sketch| sketch.sources.count()),
        source: service.main_source(),
        spoofing: Vec::new(),
        all_answered: f64::from(cohort.answered) >= 0.98 * f64::from(cohort.syns),
        cookies: service.cookies,
        before: service.others,
        during: Others::default(),
        after: Others::default(),
        frames: service.frames.iter().copied().filter(|f| *f > 0).take(MAX_FRAMES).collect(),
    }
}

fn flood_finding(i: &Incident, cohort: &Second, rate: f64) -> Finding {
    let mut finding = Finding::new(format!(
        "{rate:.0} SYNs a second to {}: {:.1} % completed, {:.1} % of the others sent again",
        over(i),
        100.0 * cohort.completion(),
        100.0 * cohort.retry_share(),
    ))
    .figure("syns", i.syns as i64)
    .figure("rate", rate)
    .figure("completed", i64::from(cohort.completed))
    .figure("answered", i64::from(cohort.answered))
    .figure("reset_by_client", i64::from(cohort.reset))
    .figure("retry_share", cohort.retry_share())
    .figure("peak", i.peak)
    .frames(i.frames.iter().copied());
    if i.sources > 0 {
        finding = finding.figure("sources", i.sources as i64);
    }
    others_figures(finding, "before", &i.before)
}

/// The victim, and over what it is flooded.
fn over(i: &Incident) -> String {
    match i.spread {
        None => i.name(),
        Some(Spread { network: None, ports, .. }) => format!("{} (some {ports} ports)", i.name()),
        Some(Spread { hosts, ports, .. }) => format!("{} (some {hosts} hosts, ports: {ports})", i.name()),
    }
}

fn others_figures(finding: Finding, when: &'static str, o: &Others) -> Finding {
    let (success, connect) = match when {
        "before" => ("others_success_before", "others_connect_before_ns"),
        "during" => ("others_success_during", "others_connect_during_ns"),
        _ => ("others_success_after", "others_connect_after_ns"),
    };
    let finding = match o.success() {
        Some(share) => finding.figure(success, share),
        None => finding,
    };
    match o.connect_time() {
        Some(time) => finding.figure(connect, time),
        None => finding,
    }
}

/// What the SYNs alone show of forged sources, of which there are `sources`.
fn signs_of_forgery(sketch: &Sketch, sources: u64, victim: Endpoint) -> Vec<&'static str> {
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

/// Evidence that the sources of a running flood are forged.
fn spoofed(r: &mut Running, sketch: Option<&Sketch>, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
    let Some(sketch) = sketch else { return };
    let i = &mut r.incident;
    let victim = i.victim;
    let n = sketch.syns();
    i.sources = sketch.sources.count();
    let mut evidence = signs_of_forgery(sketch, i.sources, victim);
    if i.answered > 100 && i.reset * 20 >= i.answered && i.sources >= 20 {
        evidence.push("sources that reset what they never asked for");
    }
    i.spoofing = evidence;
    if i.spoofing.len() < 2 || r.spoofing_reported {
        return;
    }
    r.spoofing_reported = true;
    let finding =
        Finding::new(format!("the flood on {} comes from forged addresses: {}", i.name(), i.spoofing.join(", ")))
            .figure("sources", i.sources as i64)
            .figure("syns", n as i64)
            .figure("martians", sketch.martians as i64)
            .frames(i.frames.iter().copied());
    reporter.report(&rules::SYN_FLOOD_SPOOFED, now, (None, i.whom()), finding, out);
}

fn end(
    mut r: Running,
    sketch: Option<&Sketch>,
    listed: &[IpAddr],
    finished: &mut Vec<Incident>,
    now: Timestamp,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    spoofed(&mut r, sketch, now, reporter, out);
    r.incident.ended = true;
    let i = &r.incident;
    let seconds = (i.last - i.begin).max(SECOND) as f64 / 1e9;
    let mut finding = Finding::new(format!(
        "flood on {} over: {} SYNs in {seconds:.0} s, at most {} a second",
        over(i),
        i.syns,
        i.peak
    ))
    .figure("syns", i.syns as i64)
    .figure("rate", i.syns as f64 / seconds)
    .figure("completed", i.completed as i64)
    .figure("answered", i.answered as i64)
    .figure("reset_by_client", i.reset as i64)
    .figure("peak", i.peak)
    .figure("duration_ns", i.last - i.begin)
    .frames(i.frames.iter().copied());
    if i.sources > 0 {
        finding = finding.figure("sources", i.sources as i64);
    }
    finding = others_figures(others_figures(finding, "before", &i.before), "during", &i.during);
    let source = i.source.map(|ip| (ip, None));
    let finding = spread::figures(finding, i, listed).of(r.number, Phase::Final);
    reporter.report(&rules::SYN_FLOOD, now, (source, i.whom()), finding, out);
    if finished.len() < MAX_INCIDENTS {
        finished.push(r.incident);
    }
}

/// A service that fails its clients: many of them, who try again or are all refused.
fn outage(
    service: &mut Service,
    victim: Endpoint,
    cohort: &Second,
    now: Timestamp,
    (areas, saw_answers): (&Areas, bool),
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let clients = service.clients.lately(service.second_of(now));
    if service.outage_reported || clients < OUTAGE_CLIENTS || cohort.syns < 20 || cohort.completion() > 0.05 {
        return;
    }
    let all_refused = cohort.refused >= cohort.syns - cohort.completed;
    if (cohort.retry_share() < 0.5 && !all_refused) || areas.is_flooded(victim.ip, now, saw_answers) {
        return;
    }
    service.outage_reported = true;
    let finding = Finding::new(format!(
        "{victim} fails its clients: {} attempts of at least {clients} clients, {} completed, {} refused, {} sent \
         again",
        cohort.syns, cohort.completed, cohort.refused, cohort.retried
    ))
    .figure("attempts", cohort.syns)
    .figure("clients", clients as i64)
    .figure("completed", cohort.completed)
    .figure("refused", cohort.refused)
    .figure("retry_share", cohort.retry_share())
    .frames(service.frames.iter().copied().filter(|f| *f > 0));
    reporter.report(&rules::SERVICE_UNREACHABLE, now, (None, Some((victim.ip, Some(victim.port)))), finding, out);
}

/// Ends the periods of CUSUM that have passed at `second`.
fn close_period(
    service: &mut Service,
    victim: Endpoint,
    second: i64,
    ledger: &Ledger,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let period = second.div_euclid(PERIOD);
    if period <= service.cusum.period {
        return;
    }
    service.busy /= 2;
    service.outward /= 2;
    let c = &mut service.cusum;
    let quiet_periods = (period - c.period - 1).min(100);
    let (syns, completed, retried, of_a_kernel) = (c.syns, c.completed, c.retried, c.of_a_kernel);
    (c.syns, c.completed, c.retried, c.of_a_kernel, c.period) = (0, 0, 0, 0, period);
    c.mean = if c.mean == 0.0 { f64::from(completed) } else { 0.9 * c.mean + 0.1 * f64::from(completed) };
    // Clients that try again, or are refused, meet an outage: that is no part of a flood, nor of what adds up to one.
    let failed = f64::from(syns - completed.min(syns));
    let refused: u32 = service.seconds.iter().map(|s| s.refused).sum();
    let is_outage = f64::from(retried) > 0.3 * failed || 2 * refused > syns;
    let c = &mut service.cusum;
    let x = if is_outage { 0.0 } else { (f64::from(syns) - f64::from(completed)) / c.mean.max(1.0) };
    c.sum = if is_outage { 0.0 } else { c.sum };
    c.sum = (c.sum + x - CUSUM.0).clamp(0.0, 10.0 * CUSUM.1);
    let (sum, reported) = (c.sum, c.reported);
    c.sum = (c.sum - CUSUM.0 * quiet_periods as f64).max(0.0);
    if sum <= CUSUM.1 {
        c.reported = false;
        return;
    }
    // Fewer than 50 SYNs prove nothing; where nearly all completed there is no flood now, whatever was before.
    let seen = ledger.saw_answers && ledger.capture.shows_completion() && second >= 2 * PERIOD;
    // A balancer, or a pool, that asks on for what is gone.
    let asks_on = service.clients.known() <= FEW_CLIENTS && 2 * of_a_kernel > syns;
    if reported || !seen || syns < 50 || is_outage || asks_on || failed < 0.2 * f64::from(syns) {
        return;
    }
    service.cusum.reported = true;
    let finding = Finding::new(format!("{syns} SYNs to {victim} in 10 s and {completed} completions: CUSUM {sum:.2}"))
        .figure("cusum", sum)
        .figure("syns", syns)
        .figure("completed", completed)
        .frames(service.frames.iter().copied().filter(|f| *f > 0));
    reporter.report(&rules::SYN_FLOOD_CUSUM, service.last, (None, Some((victim.ip, Some(victim.port)))), finding, out);
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
