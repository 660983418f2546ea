//! Anomalies across connections: who scans, who floods, whose sequence numbers can be guessed.
//!
//! A [`HostObserver`] watches connections and writes [`HostEvent`]s of plain values; [`HostDetectors`] read them, then
//! and there or on another processor, in the order in which they were written. They know nothing of bytes, formats or
//! clocks. All state is bounded (see [`Settings`]): what is busiest is counted exactly, what is light is evicted for
//! it, and the number of evictions is kept. The same capture gives the same findings in the same order.

use core::net::IpAddr;

use super::Selection;
use super::anomaly::Severity;
use crate::flow::prefetch::prefetch;
use crate::flow::{HostMarks, Syn};
use crate::tcp::{Endpoint, Flags, SeqNumber};
use crate::time::{SECOND, Timestamp};

mod backscatter;
mod balanced;
mod burst;
mod clients;
mod connection_holding;
mod cookies;
mod correlator;
mod counters;
mod distributed;
mod event;
mod flood;
pub mod input;
mod isn;
mod limits;
#[cfg(test)]
mod near_misses;
mod observer;
mod outage;
mod probe;
mod reporter;
pub(super) mod rules;
mod scan;
mod seconds;
mod server_profile;
mod settings;
mod sketch;
mod stray_flood;
#[cfg(test)]
mod testing;
mod tools;

pub use counters::HostCounters;
pub use event::{Condition, HostEvent};
pub use flood::{Incident, Others, Spread};
pub use isn::{Grade, IsnReport, Role, Triplet};
pub use observer::HostObserver;
pub use probe::Technique;
pub use reporter::Report;
pub use rules::RULES;
pub use scan::{ScanReport, Shape};
pub use settings::{ScanThreshold, Settings};
pub use tools::Tool;

use connection_holding::{Connection, SEVERAL_HALF_OPEN, SEVERAL_SILENT};
use event::{Answer, FoundAtServer, HostEventKind, Retry, Sign, Unasked};
use input::{Attempt, EndHashes, Outcome, Places, Settled};
use isn::{SameTuple, Seen};
use outage::{Failure, How, Known};
use probe::{Probe, Proof, Reply, Stray};
use reporter::Reporter;

/// How often what evicted entries held is counted as free, nanoseconds of packet time.
const RECOUNT: i64 = 10 * SECOND;

/// Entries of tables that may be visited for each event taken, beyond so many each second of packet time.
const VISITED_FOR_EVENT: u64 = 16;
const FREE: u64 = 1024;

/// The detectors of anomalies across connections.
#[derive(Debug)]
pub struct HostDetectors {
    settings: Settings,
    reporter: Reporter,
    scans: scan::Scans,
    floods: flood::Floods,
    backscatter: backscatter::Backscatter,
    stray_floods: stray_flood::StrayFloods,
    holding: connection_holding::ConnectionHolding,
    isns: isn::Isns,
    correlator: correlator::Correlator,
    distributed: distributed::Distributed,
    outages: outage::Outages,
    networks: clients::Networks,
    /// By slot: the low half of the flow's number, and where it is in these tables.
    places: Vec<(u32, Places)>,
    /// Whether any rule is on.
    on: bool,
    /// When what evicted entries held is next counted as free.
    recount_at: Timestamp,
    /// Events taken, and how many there are before whole tables are gone through again.
    taken: u64,
    paid_at: u64,
}

impl HostDetectors {
    /// Detectors that have seen nothing.
    pub fn new(settings: Settings, selection: &Selection) -> Self {
        let reporter = Reporter::new(selection);
        Self {
            on: reporter.any_enabled(),
            reporter,
            scans: scan::Scans::new(&settings),
            floods: flood::Floods::new(settings.services),
            backscatter: backscatter::Backscatter::new(settings.strays),
            stray_floods: stray_flood::StrayFloods::new(settings.strays),
            holding: connection_holding::ConnectionHolding::new(settings.services),
            isns: isn::Isns::new(&settings),
            correlator: correlator::Correlator::new(settings.strays),
            distributed: distributed::Distributed::new(settings.strays / 4),
            outages: outage::Outages::new(settings.strays / 4),
            networks: clients::Networks::new(settings.strays),
            places: Vec::new(),
            recount_at: Timestamp(i64::MIN),
            taken: 0,
            paid_at: 0,
            settings,
        }
    }

    /// Takes an event; `report` takes what is found.
    pub fn take(&mut self, event: &HostEvent, report: Report<'_>) {
        self.taken += 1;
        let (slot, tag) = (event.slot as usize, event.tag);
        if event.slot == HostMarks::NO_SLOT {
            self.judge(&event.kind, &mut Places::default(), report);
            return;
        }
        if slot >= self.places.len() {
            self.places.resize_with(slot + 1, Default::default);
        }
        let (known, mut at) = self.places[slot];
        if known != tag {
            at = Places::default();
        }
        self.judge(&event.kind, &mut at, report);
        self.places[slot] = (tag, at);
    }

    /// Takes the SYN of a flow without a record; `report` takes the findings.
    pub fn take_syn(&mut self, syn: Syn<'_>, report: Report<'_>) {
        self.taken += 1;
        self.attempt(&Attempt::of(&syn.segment()), &mut Places::default(), report);
    }

    /// `syn` will be taken soon: what is looked up then is asked for. Changes nothing.
    #[inline]
    pub fn prefetch_syn(&self, syn: Syn<'_>) {
        self.scans.prefetch(syn.source().ip);
        self.floods.prefetch(syn.destination());
    }

    /// `event` will be taken soon: what is looked up then is asked for. Changes nothing.
    #[inline]
    pub fn prefetch(&self, event: &HostEvent) {
        if let Some(place) = self.places.get(event.slot as usize) {
            prefetch(place);
        }
        match &event.kind {
            HostEventKind::Attempt(a) => {
                self.scans.prefetch(a.client.ip);
                self.floods.prefetch(a.server);
            }
            HostEventKind::Answer(a) => {
                self.correlator.prefetch(a.sign.from.ip);
                self.isns.prefetch(a.sign.from, a.sign.to, Role::Server);
                self.scans.prefetch(a.sign.to.ip);
                self.floods.prefetch(a.sign.from);
            }
            _ => {}
        }
    }

    fn judge(&mut self, kind: &HostEventKind, at: &mut Places, report: Report<'_>) {
        let Self { reporter, backscatter, .. } = self;
        match kind {
            HostEventKind::Capture(condition) => self.capture(*condition),
            HostEventKind::Attempt(a) => self.attempt(a, at, report),
            HostEventKind::Reuse(reuse) => {
                let attempts = self.scans.attempts_of(reuse.1.client.ip);
                self.correlator.reuse(&reuse.0, &reuse.1, attempts, reporter, report);
            }
            HostEventKind::Retried(retry) => self.retried(retry, at, report),
            HostEventKind::Dropped { time: now, began, frame, client, server } => {
                let (now, began, frame, client, server) = (*now, *began, *frame, *client, *server);
                let dropped = Failure { now, began, frame, client, server, how: How::Reset, retried: false };
                self.dropped(&dropped, at, report);
            }
            HostEventKind::Again { time, server } => self.floods.again(*server, *time, at),
            HostEventKind::Answer(a) => self.answer(a, at, report),
            HostEventKind::UnaskedAnswer(s, is_probe) => self.unasked_answer(s, *is_probe, report),
            HostEventKind::Number(number) => {
                self.isns.see(number, reporter, report);
            }
            HostEventKind::Challenge(s) => self.correlator.challenge(s, reporter, report),
            HostEventKind::Probe(probe) => self.probe(probe, report),
            HostEventKind::Stray(stray) => self.stray_floods.stray(stray, reporter, report),
            HostEventKind::Echo(s, proof) => {
                backscatter.echo(s.time, s.frame, (s.from, s.to), *proof, reporter, report);
            }
            HostEventKind::Unasked(unasked) => self.unasked(unasked, report),
            HostEventKind::Declined(declined) => self.correlator.declined(declined, reporter, report),
            HostEventKind::Reset(s) => backscatter.reset(s.time, s.frame, s.from, s.to, reporter, report),
            HostEventKind::FirstData { client, server } => self.first_data(*client, *server, at),
            HostEventKind::Trickles { client, server, time, frame } => {
                let new = Connection { now: *time, frame: *frame, client: *client, server: *server, held: 0 };
                self.holding.trickles(&new, at);
            }
            HostEventKind::TricklesNoMore { client, server } => self.holding.trickles_no_more(*client, *server, at),
            HostEventKind::Settled { settled, used, number } => {
                self.came_out(settled, *used, *number, at, report);
            }
            HostEventKind::Opened { client, server, time, frame, used } => {
                let (client, server) = (*client, *server);
                self.opened(Connection { now: *time, frame: *frame, client, server, held: 0 }, *used, at);
            }
            HostEventKind::Unused(settled) => self.scans.unused(settled, &self.settings, reporter, report),
            HostEventKind::Closing { client, server } => self.closing(*client, *server, at),
            HostEventKind::Ended { server } if at.silent => self.floods.unsilent(*server, at),
            HostEventKind::Ended { .. } => {}
            HostEventKind::LooksLikeCookies { time, server, frames } => {
                self.floods.bypassed(*server, true, *time, reporter, report);
                self.correlator.cookies(*time, *server, frames, reporter, report);
            }
            HostEventKind::Cookies { time, server, change } => {
                let half_open = self.floods.bypassed(*server, change.begins, *time, reporter, report);
                self.correlator.stamped(*time, *server, change, half_open, reporter, report);
            }
            HostEventKind::Completed { client, server } => self.backscatter.completed(*server, *client),
            HostEventKind::Found(found) => self.found(found, report),
            HostEventKind::Passed(now) => self.advance(*now, report),
        }
    }

    /// What the capture lacks.
    const fn capture(&mut self, condition: Condition) {
        self.floods.capture(condition);
        self.holding.capture(condition);
        self.stray_floods.capture(condition);
        self.outages.capture(condition);
    }

    /// A server gave up a half-open connection.
    fn dropped(&mut self, dropped: &Failure, at: &mut Places, report: Report<'_>) {
        self.floods.dropped(dropped.server, at);
        self.failed(dropped, at, report);
    }

    /// A flow rule found something about a server.
    fn found(&mut self, found: &FoundAtServer, report: Report<'_>) {
        let FoundAtServer { rule, time, server, finding } = found;
        self.reporter.report(rule, *time, (None, Some((server.ip, Some(server.port)))), finding.clone(), report);
    }

    /// An attempt came out. If it opened: whether it is `used`, and the client's `number` where its third step opened
    /// it.
    fn came_out(
        &mut self,
        settled: &Settled,
        used: Option<bool>,
        number: Option<SeqNumber>,
        at: &mut Places,
        report: Report<'_>,
    ) {
        let Settled { time: now, began: time, frame, client, server, .. } = *settled;
        if let (Some(isn), Some(look)) = (number, settled.look) {
            let (by, peer, role) = (client, server, Role::Client);
            let number = Seen { time, frame, by, peer, role, isn, answers: None, look, probe: false };
            self.isns.see(&number, &mut self.reporter, report);
        }
        self.settled(settled, at, report);
        if let Some(used) = used {
            self.opened(Connection { now, frame, client: client.ip, server, held: 0 }, used, at);
        }
    }

    /// Packet time is `now`, a second or more after the last time.
    fn advance(&mut self, now: Timestamp, report: Report<'_>) {
        // Time may leap with each packet: what goes through whole tables waits until events have paid for that.
        let paid = self.taken >= self.paid_at;
        self.floods.tick(now, &mut self.reporter, report);
        self.outages.tick(now, &mut self.reporter, report);
        self.stray_floods.tick(now, &mut self.reporter, report);
        let visited =
            if paid { self.holding.tick(now, &mut self.reporter, report) + self.floods.recount(now) } else { 0 };
        self.scans.tick(now, &self.settings, &mut self.reporter, report);
        self.distributed.tick(now, &self.floods, &mut self.reporter, report);
        let recounted = if paid && now >= self.recount_at {
            self.recount_at = now.after(RECOUNT);
            self.scans.recount(&self.settings) + self.isns.recount(self.settings.isn_samples)
        } else {
            0
        };
        if paid {
            self.paid_at = self.taken + ((visited + recounted) as u64).saturating_sub(FREE) / VISITED_FOR_EVENT;
        }
    }

    /// Observation ends at `now`: what goes on is reported as it is.
    pub fn finish(&mut self, now: Timestamp, report: Report<'_>) {
        if !self.on {
            return;
        }
        self.floods.finish(now, &mut self.reporter, report);
        self.outages.finish(now, &mut self.reporter, report);
        self.stray_floods.finish(now, &mut self.reporter, report);
        self.holding.finish(now, &mut self.reporter, report);
        self.isns.finish(now, &mut self.reporter, report);
        self.correlator.finish(now, &mut self.reporter, report);
        self.scans.finish(now, &self.settings, &mut self.reporter, report);
        self.distributed.finish(now, &self.floods, &mut self.reporter, report);
    }

    /// A first SYN.
    fn attempt(&mut self, a: &Attempt, at: &mut Places, report: Report<'_>) {
        let local = |ip| self.settings.is_local(ip);
        let outward = local(a.client.ip) && !local(a.server.ip);
        let hashes = EndHashes::of(a);
        // The sources of a flood are not what they seem: they must not push out those that probe.
        let flooded = self.floods.attempt(a, hashes, outward, at, &mut self.reporter, report);
        self.scans.attempt(a, hashes, flooded, at, &mut self.reporter, report);
        self.networks.attempt(a, &mut self.reporter, report);
        if let Some(other) = self.correlator.attempt(a, hashes, &mut self.reporter, report).filter(|_| !flooded) {
            self.scans.sent_by_both(a.client.ip, other, a.server.ip);
        }
    }

    /// The SYN of an attempt was sent again, for the first time.
    fn retried(&mut self, retry: &Retry, at: &mut Places, report: Report<'_>) {
        let Retry { time: now, began, frame, client, server, silent } = *retry;
        self.floods.retried(server, began, at);
        self.floods.again(server, now, at);
        self.scans.retried(client, began, now - began, at);
        if silent {
            let f = Failure { now, began, frame, client, server, how: How::Silent, retried: true };
            self.failed(&f, at, report);
        }
    }

    /// An attempt failed, as those of an outage do.
    fn failed(&mut self, f: &Failure, at: &mut Places, report: Report<'_>) {
        let (ordinary, answered) = self.scans.known(f.client, at);
        let (worked, flooded) = self.floods.standing(f.server, f.now, at);
        // An outage that was reported goes on, however many ask.
        if !flooded || self.outages.has_reported(f.server) {
            self.outages.failed(f, &Known { worked, ordinary, answered }, &mut self.reporter, report);
            self.floods.is_out(f.server, self.outages.reports(f.server), at);
        }
    }

    /// What an attempt that came out means for its service.
    fn served(&mut self, s: &Settled, at: &mut Places, report: Report<'_>) {
        let how = match s.outcome {
            Outcome::Refused => How::Refused,
            Outcome::Unreachable => How::Unreachable(s.icmp_code.unwrap_or(1)),
            // What was sent again was reported then.
            Outcome::Unanswered if !s.retried => How::Silent,
            Outcome::Open(_) => return self.outages.opened(s, &mut self.reporter, report),
            _ => return,
        };
        let Settled { time: now, began, frame, client, server, retried, .. } = *s;
        self.failed(&Failure { now, began, frame, client: client.ip, server, how, retried }, at, report);
    }

    /// The first SYN-ACK to an attempt that began at `began`.
    fn answered(
        &mut self,
        now: Timestamp,
        began: Timestamp,
        client: Endpoint,
        server: Endpoint,
        at: &mut Places,
        report: Report<'_>,
    ) {
        let held = self.scans.answered(now, client.ip, now - began, at);
        self.floods.answered(server, began, now, at, &mut self.reporter, report);
        if held >= SEVERAL_HALF_OPEN {
            let new = Connection { now, frame: 0, client: client.ip, server, held };
            self.holding.half_opened(&new, at);
        }
    }

    /// A stray segment that may be a probe.
    fn probe(&mut self, probe: &Probe, report: Report<'_>) {
        self.scans.probe(probe, &self.settings, &mut self.reporter, report);
        if probe.reply == Reply::None
            && let Some(other) = self.correlator.probe(probe, &mut self.reporter, report)
        {
            self.scans.sent_by_both(probe.from.ip, other, probe.to.ip);
        }
    }

    /// An attempt came out.
    fn settled(&mut self, s: &Settled, at: &mut Places, report: Report<'_>) {
        self.served(s, at, report);
        let covered = !self.outages.is_idle() && self.outages.covers(s.server);
        let flooded = self.floods.settled(s, covered, at, &mut self.reporter, report);
        if covered && self.scans.meets_outage(s, at) {
            return;
        }
        if !(flooded && self.floods.is_part_of_spread(s)) {
            self.scans.settled(s, flooded, at, &self.settings, &mut self.reporter, report);
        }
        if !flooded {
            let hold = self.floods.is_swarmed(s.server.ip, s.began);
            self.distributed.settled(s, hold, &mut self.reporter, report);
        }
        if matches!(s.outcome, Outcome::Open(_) | Outcome::ResetAfterSynAck) {
            self.scans.half_closed(s.client.ip, at);
            if core::mem::take(&mut at.half_open_counted) {
                self.holding.half_closed(s.client.ip, s.server, at);
            }
        }
    }

    /// How often each rule fired, in order of the registry; those that did not are left out.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.reporter.counts()
    }

    /// With which severity each rule fired, the highest, in order of the registry; those that did not are left out.
    pub fn severities(&self) -> impl Iterator<Item = (&'static str, Severity)> {
        self.reporter.severities()
    }

    /// Scans that ended and scans that go on, in the order in which they were found.
    pub fn scans(&self) -> Vec<ScanReport> {
        self.scans.reports()
    }

    /// Floods that ended and floods that go on.
    pub fn incidents(&self) -> Vec<Incident> {
        self.floods.incidents()
    }

    /// Hosts by how predictable their initial sequence numbers are, worst first.
    pub fn isns(&self) -> Vec<IsnReport> {
        self.isns.reports()
    }

    /// What the state amounts to. Visits all of it: not for every packet.
    pub fn counters(&self) -> HostCounters {
        let octets = [
            self.scans.octets(),
            self.floods.octets(),
            self.backscatter.octets(),
            self.stray_floods.octets(),
            self.holding.octets(),
            self.isns.octets(),
            self.networks.octets(),
            self.distributed.octets(),
            self.outages.octets(),
        ];
        HostCounters {
            octets: octets.iter().sum::<usize>()
                + self.correlator.octets()
                + self.places.capacity() * size_of::<(u32, Places)>(),
            evicted: self.evictions().iter().map(|(_, n)| n).sum(),
        }
    }

    /// Tables by what they hold, and how much of that was given up for something else.
    pub fn evictions(&self) -> [(&'static str, u64); 10] {
        [
            ("sources", self.scans.evicted()),
            ("services", self.floods.evicted()),
            ("reflectors", self.backscatter.evicted()),
            ("stray_targets", self.stray_floods.evicted()),
            ("holders", self.holding.evicted()),
            ("initial_numbers", self.isns.evicted()),
            ("hosts", self.correlator.evicted()),
            ("client_networks", self.networks.evicted()),
            ("distributed_scans", self.distributed.evicted()),
            ("outages", self.outages.evicted()),
        ]
    }

    /// A SYN-ACK to an attempt that was not seen.
    fn unasked_answer(&mut self, s: &Sign, is_probe: bool, report: Report<'_>) {
        let Sign { time, frame, from, to, .. } = *s;
        if is_probe {
            let probe = Probe {
                time,
                frame,
                from,
                to,
                technique: Technique::SynAck,
                flags: Flags::SYN | Flags::ACK,
                number: SeqNumber(0),
                reply: Reply::None,
            };
            self.scans.probe(&probe, &self.settings, &mut self.reporter, report);
        } else {
            self.backscatter.echo(time, frame, (from, to), Proof::None, &mut self.reporter, report);
        }
        let stray = Stray { time, frame, from, to, proved: false, answer: false };
        self.stray_floods.stray(&stray, &mut self.reporter, report);
        self.backscatter.unasked(time, frame, from.ip, to, &mut self.reporter, report);
    }

    /// A host reset a SYN-ACK it had never asked for.
    fn unasked(&mut self, unasked: &Unasked, report: Report<'_>) {
        let Unasked { sign, server, probe } = unasked;
        match probe {
            Some(probe) => self.scans.probe(probe, &self.settings, &mut self.reporter, report),
            None => self.backscatter.echo_reset(sign, *server, &mut self.reporter, report),
        }
        let answer =
            Stray { time: sign.time, frame: sign.frame, from: *server, to: sign.from, proved: true, answer: true };
        self.stray_floods.stray(&answer, &mut self.reporter, report);
        self.backscatter.mirrored(sign, *server, &mut self.reporter, report);
    }

    fn answer(&mut self, a: &Answer, at: &mut Places, report: Report<'_>) {
        let s = &a.sign;
        self.answered(s.time, a.began, s.to, s.from, at, report);
        self.floods.answers(s.from, a.began, s.time, a.overflowing, at, &mut self.reporter, report);
        let seen = Seen {
            // nmap reckons from when it sent its probes.
            time: if a.probe { a.began } else { s.time },
            frame: s.frame,
            by: s.from,
            peer: s.to,
            role: Role::Server,
            isn: a.isn,
            answers: a.answers,
            look: a.look,
            probe: a.probe,
        };
        // Where all numbers are 0 they are no choice of the server's.
        let zeros = a.isn.0 == 0 && a.answers.is_some_and(|isn| isn.0 == 0);
        let same = if zeros { SameTuple::Nothing } else { self.isns.see(&seen, &mut self.reporter, report) };
        self.correlator.answer(a, same == SameTuple::Cookie, at, &mut self.reporter, report);
    }

    /// The first octet on an open connection.
    fn first_data(&mut self, client: IpAddr, server: Endpoint, at: &mut Places) {
        let silent = core::mem::take(&mut at.silent);
        if silent {
            self.floods.unsilent(server, at);
        }
        self.scans.used(client, silent, at);
        if core::mem::take(&mut at.network_counted) {
            self.holding.used_in_network(client, server);
        }
        if core::mem::take(&mut at.silent_counted) {
            self.holding.used(client, server, at);
        }
    }

    fn opened(&mut self, new: Connection, used: bool, at: &mut Places) {
        if used {
            self.scans.used(new.client, false, at);
            return;
        }
        at.silent = true;
        let held = self.floods.silent(new.server, at);
        if held >= SEVERAL_SILENT {
            at.network_counted = true;
            self.holding.opened_in_network(&Connection { held, ..new });
        }
        let held = self.scans.opened(new.client, at);
        if held >= SEVERAL_SILENT {
            self.holding.opened(&Connection { held, ..new }, at);
        }
    }

    fn closing(&mut self, client: IpAddr, server: Endpoint, at: &mut Places) {
        if core::mem::take(&mut at.silent) {
            self.floods.unsilent(server, at);
            self.scans.closed(client, at);
        }
        if core::mem::take(&mut at.network_counted) {
            self.holding.closed_in_network(client, server);
        }
        if core::mem::take(&mut at.silent_counted) {
            self.holding.closed(client, server, at);
        }
    }
}
