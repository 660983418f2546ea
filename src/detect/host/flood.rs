//! Services under attack, and services that fail: attempts by cohorts of the second in which they began.
//!
//! One ratio separates a flood from an outage: clients of a dead service send their SYN again, spoofed and stateless
//! SYNs come once. One incident a service, with a begin, a peak and an end, and with what it did to the clients that
//! meant it.

mod cusum;
mod forgery;
mod incident;
mod judge;
mod report;
mod service;
mod spread;

use core::net::IpAddr;

use super::event::Condition;
use super::input::{Attempt, EndHashes, Outcome, Places, Settled};
use super::limits::Limit;
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::Bounded;
use crate::detect::anomaly::Phase;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};
use forgery::Sketch;
use incident::{Ledger, PAUSE};
use judge::{close_period, judge_cohort, judge_service, refused};
use report::{end_rested, half_open_finding, limited, rest};
use service::{CALM, COHORT, HALF_OPEN_SECONDS, RIPE, SKETCHED, SKETCHED_FOR, Service};
use spread::Areas;

pub use incident::{Incident, Others, Spread};

/// Half-open connections of one service, whatever the rate (Cisco's default in total).
const HALF_OPEN: u32 = 500;
/// Services with a sketch of their SYNs at once.
const MAX_SKETCHES: usize = 128;
/// Services whose answers are looked at for a limit at once.
const MAX_LIMITS: usize = 512;

/// Every service, and the floods found.
#[derive(Debug)]
pub(super) struct Floods {
    services: Bounded<Endpoint, Service>,
    ledger: Ledger,
    areas: Areas,
    /// When sketches are counted again.
    recount_at: Timestamp,
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
        self.services.evicted() + self.areas.evicted() + self.ledger.left_out
    }

    /// A SYN to `server` comes soon.
    pub(super) fn prefetch(&self, server: Endpoint) {
        self.services.prefetch(&server);
    }

    /// A first SYN; `outward`: of one of our networks to none of them. Whether its service is under attack.
    pub(super) fn attempt(
        &mut self,
        a: &Attempt,
        hashes: EndHashes,
        outward: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> bool {
        let service = self.services.entry_at(&mut at.service, a.server, || Service::new(a.time));
        let spread = self.areas.attempt(a, hashes, &mut service.area);
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
        if busy && service.sketch.is_none() {
            if self.ledger.sketches < MAX_SKETCHES {
                self.ledger.sketches += 1;
                service.sketch = Some(Box::new(Sketch::new()));
            } else {
                self.ledger.leave_out(&mut service.left_out);
            }
        }
        if let Some(sketch) = &mut service.sketch {
            sketch.add(a, hashes.client);
        }
        if let Some(limit) = &mut service.limit {
            limit.asked(a.time);
        }
        service.cusum.syns += 1;
        let of_a_kernel = a.look.is_of_a_stack();
        service.cusum.of_a_kernel += u32::from(of_a_kernel);
        service.cusum.raw += u32::from(!of_a_kernel && !a.look.options_cut);
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
        service.vote(a.client.ip);
        service.clients.see(hashes.client, second);
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
        if service.limit.is_none() && !service.is_below(SKETCHED, COHORT) {
            if self.ledger.limits < MAX_LIMITS {
                self.ledger.limits += 1;
                service.limit = Some(Box::new(Limit::new(now)));
            } else {
                self.ledger.leave_out(&mut service.left_out);
            }
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

    /// An attempt at `server` failed; `reported`: as part of an outage that is reported by itself.
    pub(super) fn is_out(&mut self, server: Endpoint, reported: bool, at: &mut Places) {
        if let Some(service) = self.services.get_at(&mut at.service, &server) {
            service.is_out = reported;
        }
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
        if service.running.is_none()
            && let Some(incident) = self.ledger.last_of(s.server)
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
        let rests = self.ledger.resting.iter().map(|resting| &resting.running.incident);
        self.areas.is_running(ip) || self.ledger.finished.iter().chain(rests).any(|i| i.last >= since && reached(i))
    }

    /// A second has passed: running floods are judged, and those that ended are closed.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.areas.tick(now, RIPE, &mut self.ledger, reporter, out);
        end_rested(&mut self.ledger, now, PAUSE, reporter, out);
        for victim in self.ledger.running.clone() {
            let Some(service) = self.services.get_mut(&victim) else { continue };
            judge_service(service, victim, service.second_of(now), &self.areas, &mut self.ledger, reporter, out);
        }
    }

    /// Now and then gives up the sketches of services that nobody asks any more, and counts those that are left: what
    /// was evicted gave nothing back. How many services were visited.
    pub(super) fn recount(&mut self, now: Timestamp) -> usize {
        if now < self.recount_at {
            return 0;
        }
        self.recount_at = now.after(SKETCHED_FOR * SECOND);
        (self.ledger.sketches, self.ledger.limits) = (0, 0);
        for (_, service) in self.services.iter_mut() {
            if service.running.is_none() && service.sketch.is_some() && service.is_calm(service.second_of(now)) {
                service.sketch = None;
            }
            self.ledger.sketches += usize::from(service.sketch.is_some());
            service.limit.take_if(|limit| limit.is_over(now));
            self.ledger.limits += usize::from(service.limit.is_some());
        }
        self.services.len()
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
                rest(*running, service.sketch.as_deref(), &[], &mut self.ledger, now, reporter, out);
            }
        }
        self.ledger.running.clear();
        self.areas.finish(now, &mut self.ledger, reporter, out);
        end_rested(&mut self.ledger, now, i64::MIN, reporter, out);
    }

    /// Floods that ended, then those that go on.
    pub(super) fn incidents(&self) -> Vec<Incident> {
        let running = self.services.iter().filter_map(|(_, s)| s.running.as_ref());
        self.ledger
            .finished
            .iter()
            .cloned()
            .chain(self.ledger.resting.iter().map(|resting| resting.running.incident.clone()))
            .chain(running.map(|r| r.incident.clone()))
            .chain(self.areas.incidents().cloned())
            .collect()
    }
}
