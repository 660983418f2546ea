//! Anomalies across connections: who scans, who floods, whose sequence numbers can be guessed.
//!
//! Fed with plain values ([`Attempt`], [`Settled`], segments that belong to no connection) and with packet time; knows nothing
//! of bytes, formats or clocks. All state is bounded (see [`Settings`]): what is busiest is counted exactly, what is light
//! is evicted for it, and the number of evictions is kept. The same capture gives the same findings in the same order.

use super::flow::synack;
use super::registry::Selection;
use crate::flow::{Facts, Flow, Notice, Opening, Places, Side};
use crate::tcp::{Endpoint, Flags, Segment};
use crate::time::{SECOND, Timestamp};

mod clients;
mod desk;
mod flood;
mod holding;
pub mod input;
mod isn;
#[cfg(test)]
mod near_misses;
mod rules;
mod scan;
mod seconds;
mod serving;
mod settings;
mod sketch;
mod stray;
#[cfg(test)]
mod testing;
mod together;
mod tools;

pub use desk::Report;
pub use flood::{Incident, Others};
pub use input::{Attempt, Look, Outcome, Prefix, Settled};
pub use isn::{Grade, IsnReport, Role, Triplet};
pub use rules::RULES;
pub use scan::{ScanReport, Shape, Technique};
pub use settings::{ScanThreshold, Settings};
pub use tools::Tool;

use desk::Desk;
use holding::{Connection, SEVERAL_HALF_OPEN, SEVERAL_SILENT};
use scan::Probe;
use stray::Stray;

/// Flags of a SYN that offers explicit congestion notification.
const ECN: Flags = Flags(Flags::ECE.0 | Flags::CWR.0);

/// Bounded state of a run, for totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// Octets held.
    pub octets: usize,
    /// Sources, services, hosts and cohorts that were given up for others.
    pub evicted: u64,
}

/// The detectors of anomalies across connections.
#[derive(Debug)]
pub struct HostDetectors {
    settings: Settings,
    desk: Desk,
    scans: scan::Scans,
    floods: flood::Floods,
    strays: stray::Strays,
    holding: holding::Holding,
    isns: isn::Isns,
    together: together::Together,
    networks: clients::Networks,
    second: i64,
    next_second: Timestamp,
    /// Whether any rule is on. If none is, nothing is kept.
    on: bool,
}

impl HostDetectors {
    /// Detectors that have seen nothing.
    pub fn new(settings: Settings, selection: &Selection) -> Self {
        let desk = Desk::new(selection);
        Self {
            on: desk.is_open(),
            desk,
            scans: scan::Scans::new(&settings),
            floods: flood::Floods::new(settings.services),
            strays: stray::Strays::new(settings.strays),
            holding: holding::Holding::new(settings.services),
            isns: isn::Isns::new(settings.isn_cohorts, settings.isn_samples),
            together: together::Together::new(settings.strays),
            networks: clients::Networks::new(settings.strays),
            second: i64::MIN,
            next_second: Timestamp(i64::MIN),
            settings,
        }
    }

    /// Shows a notice of the tracker; `report` takes what is found.
    pub fn notice(&mut self, flow: &mut Flow, time: Timestamp, notice: &Notice<'_>, report: Report<'_>) {
        if !self.on {
            return;
        }
        let mut at = flow.places;
        match notice {
            Notice::Segment { segment, from, facts, .. } => {
                self.segment(flow, segment.0, *from, *facts, &mut at, report);
            }
            Notice::Opened => self.opened(flow, time, &mut at, report),
            Notice::Closing { by } => self.closing(flow, time, *by, &mut at, report),
            Notice::Ended => self.ended(flow, time, &mut at, report),
            Notice::Began | Notice::Quoted { .. } | Notice::Quiet => return,
        }
        flow.places = at;
    }

    /// Takes a SYN with which a flow begins that had no other before it.
    pub fn take_syn(&mut self, syn: &Segment, report: Report<'_>) {
        if self.on {
            self.attempt(&Attempt::of(syn), &mut Places::default(), report);
        }
    }

    /// `s` will be noticed soon: what is looked up then is asked for. Changes nothing.
    #[inline]
    pub fn foresee(&self, s: &Segment) {
        if !self.on || !s.flags.has(Flags::SYN) {
            return;
        }
        if s.flags.has(Flags::ACK) {
            self.together.foresee(s.source.ip);
            self.isns.foresee(s.source, s.destination, Role::Server);
            self.scans.foresee(s.destination.ip);
            self.floods.foresee(s.source);
        } else {
            self.scans.foresee(s.source.ip);
            self.floods.foresee(s.destination);
        }
    }

    /// Whether nothing is due at `now`.
    #[inline]
    pub fn sleep(&self, now: Timestamp) -> bool {
        now < self.next_second || !self.on
    }

    /// Packet time is `now`.
    pub fn advance(&mut self, now: Timestamp, report: Report<'_>) {
        if self.sleep(now) {
            return;
        }
        self.second = now.seconds();
        self.next_second = Timestamp(self.second.saturating_add(1).saturating_mul(SECOND));
        self.floods.tick(now, &mut self.desk, report);
        if self.second % 10 == 0 {
            self.scans.tick(now, &self.settings, &mut self.desk, report);
            self.holding.tick(now, false, &mut self.desk, report);
            self.isns.recount(self.settings.isn_samples);
        }
    }

    /// Observation ends at `now`: what goes on is reported as it is.
    pub fn finish(&mut self, now: Timestamp, report: Report<'_>) {
        if !self.on {
            return;
        }
        self.floods.finish(now, &mut self.desk, report);
        self.holding.tick(now, true, &mut self.desk, report);
        self.isns.finish(now, &mut self.desk, report);
        self.scans.finish(now, &mut self.desk, report);
    }

    /// A first SYN.
    pub fn attempt(&mut self, a: &Attempt, at: &mut Places, report: Report<'_>) {
        let local = |ip| self.settings.is_local(ip);
        let outward = local(a.client.ip) && !local(a.server.ip);
        // The sources of a flood are not what they seem: they must not push out those that probe.
        let flooded = self.floods.attempt(a, outward, at, &mut self.desk, report);
        self.scans.attempt(a, flooded, at, &mut self.desk, report);
        self.networks.attempt(a, &mut self.desk, report);
        self.together.attempt(a, &mut self.desk, report);
    }

    /// The SYN of an attempt that began at `began` was sent again, for the first time.
    pub fn retried(&mut self, began: Timestamp, server: Endpoint, at: &mut Places) {
        self.floods.retried(server, began, at);
    }

    /// The first SYN-ACK to an attempt that began at `began`.
    pub fn answered(
        &mut self,
        now: Timestamp,
        began: Timestamp,
        client: Endpoint,
        server: Endpoint,
        at: &mut Places,
        report: Report<'_>,
    ) {
        let held = self.scans.answered(now, client.ip, now - began, at);
        self.floods.answered(server, began, now, at, &mut self.desk, report);
        if held >= SEVERAL_HALF_OPEN {
            let new = Connection { now, frame: 0, client: client.ip, server, held };
            self.holding.half_opened(&new, at, &mut self.desk, report);
        }
    }

    /// An attempt came out.
    pub fn settled(&mut self, s: &Settled, at: &mut Places, report: Report<'_>) {
        let flooded = self.floods.settled(s, at, &mut self.desk, report);
        self.scans.settled(s, flooded, at, &self.settings, &mut self.desk, report);
        self.together.settled(s, &mut self.desk, report);
        if matches!(s.outcome, Outcome::Open(_) | Outcome::ResetAfterSynAck) {
            self.scans.half_closed(s.client.ip, at);
            if core::mem::take(&mut at.half_open_counted) {
                self.holding.half_closed(s.client.ip, s.server, at);
            }
        }
    }

    /// How often each rule fired, in order of the registry; those that did not are left out.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.desk.counts()
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
        let evicted = [
            self.scans.evicted(),
            self.floods.evicted(),
            self.strays.evicted(),
            self.holding.evicted(),
            self.isns.evicted(),
            self.networks.evicted(),
        ];
        let octets = [
            self.scans.octets(),
            self.floods.octets(),
            self.strays.octets(),
            self.holding.octets(),
            self.isns.octets(),
            self.networks.octets(),
        ];
        HostCounters {
            octets: octets.iter().sum::<usize>() + self.together.octets(),
            evicted: evicted.iter().sum::<u64>() + self.together.evicted(),
        }
    }

    fn segment(&mut self, flow: &Flow, s: &Segment, from: Side, facts: Facts, at: &mut Places, report: Report<'_>) {
        const HANDSHAKE: Facts = Facts(
            Facts::SYN.0
                | Facts::SYN_REPEATED.0
                | Facts::SYN_ACK.0
                | Facts::SYNACK_REPEATED.0
                | Facts::SYNACK_ON_ESTABLISHED.0
                | Facts::FINAL_ACK.0
                | Facts::RST.0
                | Facts::MIDSTREAM.0
                | Facts::INVALID_FLAGS.0
                | Facts::CHALLENGE_ACK.0,
        );
        if facts.any(Facts::COPY | Facts::BAD_CHECKSUM) {
            return;
        }
        if s.payload > 0 && flow.bytes() == u64::from(s.payload) && flow.opening().opened() {
            self.first_data(flow, at);
        }
        if !facts.any(HANDSHAKE) {
            return;
        }
        if facts.any(Facts::SYN) && flow.client.syn_count == 1 && from == Side::Client && s.flags.is_syn() {
            let attempt = Attempt::of(s);
            self.attempt(&attempt, at, report);
            self.together.reuse(flow, &attempt, &mut self.desk, report);
        }
        if facts.any(Facts::SYN_REPEATED) && s.flags.is_syn() && !s.flags.any(ECN) {
            at.ecn_dropped |= flow.client.offer.is_some_and(|o| o.flags.has(ECN));
        }
        if facts.any(Facts::SYN_REPEATED)
            && flow.client.syn_count == 2
            && let Some(began) = flow.handshake.first_syn()
        {
            self.retried(began, flow.server.endpoint, at);
        }
        if s.flags.is_syn_ack() && flow.server.synack_count == 1 && from == Side::Server {
            self.first_synack(flow, s, at, report);
        }
        if facts.any(Facts::SYNACK_REPEATED) && from == Side::Server {
            let overflows = synack::repeated_in_vain(flow, s, facts, from).is_some();
            self.together.repeated(flow, s, overflows, at);
        }
        if facts.any(Facts::FINAL_ACK) {
            self.client_number(flow, report);
        }
        if facts.any(Facts::CHALLENGE_ACK) {
            self.together.challenge(s, &mut self.desk, report);
        }
        if s.flags.is_rst() {
            self.reset(flow, s, from, report);
        }
        if facts.any(Facts::MIDSTREAM | Facts::INVALID_FLAGS) && flow.packets() == 1 {
            self.stray(flow, s, report);
        }
    }

    /// The first octet on an open connection.
    fn first_data(&mut self, flow: &Flow, at: &mut Places) {
        let (client, server) = (flow.client.endpoint.ip, flow.server.endpoint);
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

    fn first_synack(&mut self, flow: &Flow, s: &Segment, at: &mut Places, report: Report<'_>) {
        let (client, server) = (flow.client.endpoint, flow.server.endpoint);
        if let Some(began) = flow.handshake.first_syn() {
            self.answered(s.time, began, client, server, at, report);
            let seen = isn::Seen {
                time: s.time,
                frame: s.frame,
                by: server,
                peer: client,
                role: Role::Server,
                isn: s.seq,
                answers: flow.client.isn,
                look: Look::of(s),
            };
            let same = self.isns.see(&seen, &mut self.desk, report);
            self.together.synack(flow, s, same == isn::SameTuple::Cookie, at, &mut self.desk, report);
            return;
        }
        if is_probe_of_service(s) {
            self.probe(s, Technique::SynAck, false, report);
        } else {
            self.strays.echo(s.time, s.frame, (s.source, s.destination), false, &mut self.desk, report);
        }
        self.strays.unasked(s.time, s.frame, s.source.ip, s.destination, &mut self.desk, report);
    }

    /// The client completed a handshake: its number is a sample. (Tools that never complete one choose theirs as they like.)
    fn client_number(&mut self, flow: &Flow, report: Report<'_>) {
        let (Some(isn), Some(offer), Some(began)) = (flow.client.isn, &flow.client.offer, flow.handshake.first_syn())
        else {
            return;
        };
        if !offer.flags.is_syn() {
            return;
        }
        let seen = isn::Seen {
            time: began,
            frame: flow.first_frame,
            by: flow.client.endpoint,
            peer: flow.server.endpoint,
            role: Role::Client,
            isn,
            answers: None,
            look: Look::from_offer(offer),
        };
        self.isns.see(&seen, &mut self.desk, report);
    }

    /// A RST: the answer to a stray segment, or the end of a connection.
    fn reset(&mut self, flow: &Flow, s: &Segment, from: Side, report: Report<'_>) {
        let by_first = from == flow.first_sender;
        match flow.opening() {
            Opening::Midstream | Opening::Invalid if !by_first && flow.packets() == 2 => {
                self.stray_answered(flow, s, report);
            }
            Opening::Midstream | Opening::Invalid if flow.packets() <= 2 => {}
            _ if flow.client.isn.is_none() && flow.server.synack_count > 0 && from == Side::Client => {
                self.unasked_reset(flow, s, report);
            }
            Opening::ResetAfterSynAck => {
                self.together.reset_ttl(flow, s, &mut self.desk, report);
            }
            opening if opening.opened() || opening == Opening::Midstream => {
                let count = flow.peer(from).rst_count;
                if from == Side::Server || count > 1 {
                    let (by, to) = (s.source, s.destination);
                    self.strays.reset(s.time, s.frame, by, to, &mut self.desk, report);
                }
            }
            _ => {}
        }
    }

    /// A host reset a SYN-ACK it had never asked for.
    fn unasked_reset(&mut self, flow: &Flow, s: &Segment, report: Report<'_>) {
        if flow.client.rst_count > 1 {
            return;
        }
        let server = flow.server.endpoint;
        if flow.server.endpoint.port > s.source.port && is_ephemeral(server.port) {
            if let Some(first) = flow.handshake.synacks.first() {
                let probe = Probe {
                    time: first.time,
                    frame: first.frame,
                    from: server,
                    to: s.source,
                    technique: Technique::SynAck,
                    answered: true,
                };
                self.scans.probe(&probe, &self.settings, &mut self.desk, report);
            }
        } else {
            self.strays.echo(s.time, s.frame, (server, s.source), true, &mut self.desk, report);
        }
        self.strays.mirrored(s, server, &mut self.desk, report);
    }

    /// The first segment of a four-tuple, and no handshake begins with it.
    fn stray(&mut self, flow: &Flow, s: &Segment, report: Report<'_>) {
        // An answer to a SYN that was not seen: a refusal.
        let refusal = s.flags.is_rst() && s.flags.has(Flags::ACK) && s.seq.0 == 0;
        if refusal || (s.flags.is_rst() && is_answer_of_service(s)) {
            self.strays.echo(s.time, s.frame, (s.source, s.destination), refusal, &mut self.desk, report);
            return;
        }
        let proved = s.flags.is_rst() || flow.opening() == Opening::Invalid;
        if let Some(technique) = technique_of_flags(s.flags, s.payload)
            && (flow.opening() == Opening::Invalid || is_towards_service(s.source, s.destination))
        {
            self.probe(s, technique, false, report);
        }
        if s.payload == 0 {
            let stray =
                Stray { time: s.time, frame: s.frame, from: s.source, to: s.destination, proved, answer: false };
            self.strays.stray(&stray, &mut self.desk, report);
        }
    }

    fn stray_answered(&mut self, flow: &Flow, s: &Segment, report: Report<'_>) {
        let (asker, asked) = (s.destination, s.source);
        let Some(step) = flow.steps.first() else { return };
        if let Some(technique) = technique_of_flags(step.flags, step.payload)
            && (flow.opening() == Opening::Invalid || is_towards_service(asker, asked))
        {
            let probe = Probe { time: step.time, frame: step.frame, from: asker, to: asked, technique, answered: true };
            self.scans.probe(&probe, &self.settings, &mut self.desk, report);
        }
        // What was proved stray by itself is not counted twice.
        if flow.opening() == Opening::Midstream && !step.flags.is_rst() {
            let stray =
                Stray { time: step.time, frame: step.frame, from: asker, to: asked, proved: true, answer: true };
            self.strays.stray(&stray, &mut self.desk, report);
        }
    }

    fn probe(&mut self, s: &Segment, technique: Technique, answered: bool, report: Report<'_>) {
        let probe = Probe { time: s.time, frame: s.frame, from: s.source, to: s.destination, technique, answered };
        self.scans.probe(&probe, &self.settings, &mut self.desk, report);
    }

    fn opened(&mut self, flow: &Flow, time: Timestamp, at: &mut Places, report: Report<'_>) {
        if let Some(settled) = Settled::of(flow, time) {
            self.settled(&settled, at, report);
        }
        if flow.opening() == Opening::MissingAck && flow.server.synack_count == 1 {
            self.together.unrepeated(flow, time, at, &mut self.desk, report);
        }
        if flow.opening().opened() && flow.bytes() == 0 {
            let (client, server) = (flow.client.endpoint.ip, flow.server.endpoint);
            at.silent = true;
            let held = self.floods.silent(server, at);
            if held >= SEVERAL_SILENT {
                at.network_counted = true;
                let new = Connection { now: time, frame: flow.first_frame, client, server, held };
                self.holding.opened_in_network(&new, &mut self.desk, report);
            }
            let held = self.scans.opened(client, at);
            if held >= SEVERAL_SILENT {
                let new = Connection { now: time, frame: flow.first_frame, client, server, held };
                self.holding.opened(&new, at, &mut self.desk, report);
            }
        }
        if flow.opening().opened() && flow.bytes() > 0 {
            self.scans.used(flow.client.endpoint.ip, false, at);
        }
    }

    fn closing(&mut self, flow: &Flow, time: Timestamp, by: Side, at: &mut Places, report: Report<'_>) {
        let open_for = flow.handshake.ack.map_or(i64::MAX, |ack| time - ack.time);
        if by == Side::Client
            && flow.opening().opened()
            && flow.client.bytes == 0
            && open_for <= SECOND
            && let Some(settled) = Settled::of(flow, time)
        {
            self.scans.unused(&settled, &self.settings, &mut self.desk, report);
        }
        if core::mem::take(&mut at.silent) {
            self.floods.unsilent(flow.server.endpoint, at);
            self.scans.closed(flow.client.endpoint.ip, at);
        }
        if core::mem::take(&mut at.network_counted) {
            self.holding.closed_in_network(flow.client.endpoint.ip, flow.server.endpoint);
        }
        if core::mem::take(&mut at.silent_counted) {
            self.holding.closed(flow.client.endpoint.ip, flow.server.endpoint, at);
        }
    }

    fn ended(&mut self, flow: &Flow, time: Timestamp, at: &mut Places, report: Report<'_>) {
        if at.silent {
            self.floods.unsilent(flow.server.endpoint, at);
        }
        if flow.opening.is_none()
            && let Some(settled) = Settled::of(flow, time)
        {
            self.settled(&settled, at, report);
        }
    }
}

/// Whether a stray segment goes the way a probe goes. A server whose clients are gone, or whose connections are older than the
/// capture, sends stray segments too, to ports above its own.
const fn is_towards_service(from: Endpoint, to: Endpoint) -> bool {
    from.port >= to.port
}

fn technique_of_flags(flags: Flags, payload: u32) -> Option<Technique> {
    const XMAS: u16 = Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0;
    const MAIMON: u16 = Flags::FIN.0 | Flags::ACK.0;
    if payload > 0 {
        return None;
    }
    Some(match flags.classic().0 {
        0 => Technique::Null,
        x if x == Flags::FIN.0 => Technique::Fin,
        XMAS => Technique::Xmas,
        MAIMON => Technique::Maimon,
        x if x == Flags::ACK.0 => Technique::Ack,
        x if x == Flags::RST.0 => Technique::Rst,
        _ => return None,
    })
}

const fn is_ephemeral(port: u16) -> bool {
    port >= 32768
}

/// From a port as clients have to one as services have: a probe.
const fn is_probe_of_service(s: &Segment) -> bool {
    is_ephemeral(s.source.port) && !is_ephemeral(s.destination.port)
}

/// From a port as services have to one as clients have: an answer.
const fn is_answer_of_service(s: &Segment) -> bool {
    !is_ephemeral(s.source.port) && s.source.port < s.destination.port && is_ephemeral(s.destination.port)
}
