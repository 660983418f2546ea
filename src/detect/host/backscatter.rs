//! Segments that belong to no connection: floods of them, answers to what was never asked, and what hosts used as a
//! mirror give away.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::clients::{network_of, prefix_of};
use super::event::{Condition, Sign};
use super::probe::{Proof, Stray};
use super::reporter::{Report, Reporter, Whom};
use super::rules;
use super::sketch::{Bounded, Distinct, Weigh, fixed_hash, fixed_hash_of};
use crate::detect::anomaly::Figure;
use crate::detect::rule::Finding;
use crate::network::IpNet;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Stray segments of one second, each with a four-tuple of its own, that are a flood where the target answers them by
/// RST (or cannot: they are RSTs).
const FLOOD: u32 = 250;
/// The same where nothing proves them stray.
const FLOOD_UNANSWERED: u32 = 1000;
/// Seconds of it that clients of a server that has lost its connections do not fill.
const LOST_FOR: u32 = 2;
/// At least so many of them to each port: fewer are a scan.
const PER_PORT: u32 = 4;
/// Of 64 places, so many filled by the hashes of sources show some fifty of them and more.
const MANY_SOURCES: u32 = 36;
/// Answers to what nobody asked, each with a four-tuple of its own, that prove backscatter.
const BACKSCATTER: u32 = 15;
/// Hosts that were refused what they had not asked for, for that to prove anything.
const REFUSED: usize = 3;
/// The same of one host, if one port of it was refused by so many of the other's one after the other: who asks for
/// services takes ever another port of his own.
const SWEPT: u32 = 8;
/// Packets, hosts and time that prove it where nobody resets them (Moore et al. 2006, CAIDA).
const DARK: (u32, usize, i64) = (25, 10, 60 * SECOND);
/// Servers whose SYN-ACKs one host gets unasked in a minute.
const REFLECTORS: usize = 100;
/// Of 64 places, so many filled by the hosts of a network that get stray segments: they are spread over it.
const SPREAD: u32 = 12;
/// Seconds of a flood of a network's hosts that nothing proves.
const UNPROVED_FOR: u32 = 3;
/// Networks, and hosts of one that a list names.
const NETWORKS: usize = 1024;
const LISTED: usize = 32;
const WINDOW: i64 = 60 * SECOND;
const MAX_FRAMES: usize = 8;
/// So long after the first stray segment those of connections that are older than the capture are still many.
const BEGINNING: i64 = 5 * SECOND;
/// Floods of that time that are held back, at most.
const MAX_EARLY: usize = 64;

/// One host as a target of stray segments, or as a source of answers.
#[derive(Debug)]
struct StrayHost {
    last: Timestamp,
    /// When the second counted here began.
    second: Timestamp,
    begun: u32,
    proved: u32,
    /// Of those, answers of its own.
    answered: u32,
    /// Seconds before this one, one after the other, with a flood's worth of segments.
    heavy: u32,
    ports: u64,
    /// Sources of this second, a bit each by their hash.
    sources: u64,
    source: Option<IpAddr>,
    many_sources: bool,
    flood_reported: bool,
    frames: SmallVec<[u64; MAX_FRAMES]>,
    /// Answers it sent that nobody asked for.
    echoes: Echoes,
    /// Servers that sent it SYN-ACKs unasked, in this minute.
    reflectors: Vec<u32>,
    reflectors_since: Timestamp,
    reflection_reported: bool,
    /// Its connections of which only the server's segments were seen: the capture has one direction of them.
    one_way: u32,
    zombie: Zombie,
    resets: Resets,
}

#[derive(Debug, Default)]
struct Echoes {
    since: Timestamp,
    packets: u32,
    proved: u32,
    refused: u32,
    /// Refusals by ever another port of it of what one port had not asked for: that port, the last of its own, how
    /// many.
    swept: (u16, u16, u32),
    targets: SmallVec<[u32; 8]>,
    reported: bool,
    frames: SmallVec<[u64; 4]>,
}

/// What a host's resets of unasked SYN-ACKs give away.
#[derive(Debug, Default)]
struct Zombie {
    prober: Option<IpAddr>,
    probes: u32,
    last_id: Option<u16>,
    /// Steps of the identification between resets, whoever got them.
    small_steps: u32,
    other_steps: u32,
    others: u32,
    reported: bool,
}

/// Resets by a host of connections that were open.
#[derive(Debug, Default)]
struct Resets {
    /// When the ten seconds counted here began.
    since: Timestamp,
    count: u32,
    mean: f64,
    reported: bool,
}

impl Weigh for StrayHost {
    fn weight(&self) -> (u64, i64) {
        let held = u64::from(self.begun) + u64::from(self.echoes.packets) + u64::from(self.resets.count);
        (held + u64::from(self.zombie.probes), self.last.0)
    }
}

impl StrayHost {
    fn new(now: Timestamp) -> Self {
        Self {
            last: now,
            second: now,
            begun: 0,
            proved: 0,
            answered: 0,
            heavy: 0,
            ports: 0,
            sources: 0,
            source: None,
            many_sources: false,
            flood_reported: false,
            frames: SmallVec::new(),
            echoes: Echoes { since: now, ..Echoes::default() },
            reflectors: Vec::new(),
            reflectors_since: now,
            reflection_reported: false,
            one_way: 0,
            zombie: Zombie::default(),
            resets: Resets { since: now, ..Resets::default() },
        }
    }
}

/// A network of which many hosts get stray segments.
#[derive(Debug)]
struct StrayNetwork {
    last: Timestamp,
    /// When the second counted here began.
    second: Timestamp,
    begun: u32,
    proved: u32,
    answered: u32,
    heavy: u32,
    hosts: u64,
    sources: u64,
    source: Option<IpAddr>,
    many_sources: bool,
    reported: bool,
    /// Source and target, once there are many within a second.
    pairs: Option<Box<Distinct>>,
    seen: u32,
    listed: SmallVec<[IpAddr; 2]>,
    frames: SmallVec<[u64; 2]>,
}

impl Weigh for StrayNetwork {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.begun), self.last.0)
    }
}

impl StrayNetwork {
    fn new(now: Timestamp) -> Self {
        Self {
            last: now,
            second: now,
            begun: 0,
            proved: 0,
            answered: 0,
            heavy: 0,
            hosts: 0,
            sources: 0,
            source: None,
            many_sources: false,
            reported: false,
            pairs: None,
            seen: 0,
            listed: SmallVec::new(),
            frames: SmallVec::new(),
        }
    }

    fn begin_second(&mut self, now: Timestamp) {
        let passed = now - self.second;
        let goes_on = self.begun >= FLOOD && passed < 2 * SECOND;
        self.heavy = if goes_on { self.heavy + 1 } else { 0 };
        if self.begun < FLOOD {
            (self.pairs, self.seen) = (None, 0);
            self.listed.clear();
            self.frames.clear();
        }
        self.second = now;
        (self.begun, self.proved, self.answered, self.hosts, self.sources) = (0, 0, 0, 0, 0);
        (self.source, self.many_sources) = (None, false);
    }

    fn add(&mut self, s: &Stray) {
        self.last = s.time;
        if s.time - self.second >= SECOND {
            self.begin_second(s.time);
        }
        self.proved += u32::from(s.proved || s.answer);
        self.answered += u32::from(s.answer);
        if s.answer {
            return;
        }
        self.begun += 1;
        self.hosts |= 1 << (fixed_hash_of(&s.to.ip) & 63);
        self.sources |= 1 << (fixed_hash_of(&s.from.ip) & 63);
        match self.source {
            None => self.source = Some(s.from.ip),
            Some(ip) if ip != s.from.ip => self.many_sources = true,
            Some(_) => {}
        }
        if self.begun >= FLOOD / 4 && self.hosts.count_ones() >= SPREAD {
            self.pairs.get_or_insert_with(|| Box::new(Distinct::new())).add(fixed_hash_of(&(s.from.ip, s.to)));
            self.seen += 1;
            if self.listed.len() < LISTED && !self.listed.contains(&s.to.ip) {
                self.listed.push(s.to.ip);
            }
            if self.frames.len() < MAX_FRAMES {
                self.frames.push(s.frame);
            }
        }
    }

    /// Whether it is a flood: of many sources, or the same again and again, and proved, or long enough.
    fn is_flooded(&self) -> bool {
        if self.reported || self.begun < FLOOD || self.hosts.count_ones() < SPREAD {
            return false;
        }
        // What its hosts have in common may be a router that was restarted: it resets what is left of connections.
        let lost = self.proved - self.answered < FLOOD && self.heavy <= LOST_FOR;
        let proved = self.proved >= FLOOD && !lost;
        let unproved = self.begun >= FLOOD_UNANSWERED && self.heavy >= UNPROVED_FOR;
        let many = self.sources.count_ones() >= MANY_SOURCES;
        (proved || unproved)
            && (many
                || self.pairs.as_ref().is_some_and(|pairs| u64::from(self.seen) >= u64::from(PER_PORT) * pairs.count()))
    }

    fn finding(&self, name: &IpNet) -> Finding {
        let mut finding = Finding::new(format!(
            "{} segments without a connection to hosts of {name} within one second, {} of them proved stray",
            self.begun, self.proved
        ))
        .figure("segments", self.begun)
        .figure("proved", self.proved)
        .frames(self.frames.iter().copied());
        finding.figures.push(("network", Figure::Text(name.to_string())));
        finding.figures.push(("targets_listed", Figure::Texts(self.listed.iter().map(ToString::to_string).collect())));
        finding
    }
}

/// Hosts that get or send stray segments.
#[derive(Debug)]
pub(super) struct Backscatter {
    hosts: Bounded<IpAddr, StrayHost>,
    networks: Bounded<IpAddr, StrayNetwork>,
    first: Option<Timestamp>,
    /// What looks like floods at the beginning of the capture, until it is known whether that shows both directions.
    early: Vec<Early>,
    /// What the capture lacks.
    capture: Condition,
}

/// A flood to report: when, from whom, to whom.
#[derive(Debug)]
struct Early {
    time: Timestamp,
    source: Option<Whom>,
    target: Whom,
    finding: Finding,
}

impl Backscatter {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            hosts: Bounded::new(limit),
            networks: Bounded::new(NETWORKS.min(limit)),
            first: None,
            early: Vec::new(),
            capture: Condition::default(),
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let networks = self.networks.octets() + self.networks.iter().filter(|(_, n)| n.pairs.is_some()).count() * 4096;
        networks + self.hosts.octets() + self.hosts.iter().map(|(_, h)| h.reflectors.capacity() * 4).sum::<usize>()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.hosts.evicted() + self.networks.evicted()
    }

    /// The capture is known to be so.
    pub(super) const fn capture(&mut self, condition: Condition) {
        self.capture = condition;
    }

    /// Packet time is `now`: what was seen at the beginning is reported when enough has been seen.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        if !self.early.is_empty() && self.first.is_some_and(|first| now - first > BEGINNING) {
            self.tell_early(reporter, out);
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, reporter: &mut Reporter, out: Report<'_>) {
        self.tell_early(reporter, out);
    }

    fn tell_early(&mut self, reporter: &mut Reporter, out: Report<'_>) {
        for Early { time, source, target, finding } in core::mem::take(&mut self.early) {
            if !self.capture.asymmetric {
                reporter.report(&rules::STATELESS_FLOOD, time, (source, Some(target)), finding, out);
            }
        }
    }

    /// `server` went on with a connection to `client` of which only its own segments were seen: what seemed to be an
    /// answer that nobody asked for was none.
    pub(super) fn completed(&mut self, server: IpAddr, client: IpAddr) {
        if let Some(host) = self.hosts.get_mut(&server) {
            host.one_way = host.one_way.saturating_add(1);
            host.echoes.packets = host.echoes.packets.saturating_sub(1);
        }
        let server = fixed_hash_of(&server) as u32;
        if let Some(host) = self.hosts.get_mut(&client) {
            host.one_way = host.one_way.saturating_add(1);
            host.reflectors.retain(|reflector| *reflector != server);
        }
    }

    /// A stray segment to a host.
    pub(super) fn stray(&mut self, s: &Stray, reporter: &mut Reporter, out: Report<'_>) {
        self.of_host(s, reporter, out);
        let ip = network_of(s.to.ip);
        let network = self.networks.entry(ip, || StrayNetwork::new(s.time));
        network.add(s);
        // Where one host gets it all, that is reported of the host.
        let host_reported = self.hosts.get(&s.to.ip).is_some_and(|host| host.flood_reported);
        if host_reported || !network.is_flooded() {
            return;
        }
        network.reported = true;
        let source = network.source.filter(|_| !network.many_sources).map(|ip| (ip, None));
        let name = prefix_of(ip);
        let answered = network.answered >= FLOOD;
        self.early.push(Early { time: s.time, source, target: (ip, None), finding: network.finding(&name) });
        if answered || self.early.len() > MAX_EARLY || self.first.is_none_or(|first| s.time - first > BEGINNING) {
            self.tell_early(reporter, out);
        }
    }

    fn of_host(&mut self, s: &Stray, reporter: &mut Reporter, out: Report<'_>) {
        let first = *self.first.get_or_insert(s.time);
        let host = self.hosts.entry(s.to.ip, || StrayHost::new(s.time));
        host.last = s.time;
        let passed = s.time - host.second;
        if passed >= SECOND {
            let goes_on = host.begun >= FLOOD && passed < 2 * SECOND;
            host.heavy = if goes_on { host.heavy + 1 } else { 0 };
            host.second = s.time;
            (host.begun, host.proved, host.answered, host.ports) = (0, 0, 0, 0);
            (host.source, host.many_sources, host.sources) = (None, false, 0);
        }
        if !s.answer {
            host.begun += 1;
            host.ports |= 1 << (fixed_hash(s.to.port) & 63);
            host.sources |= 1 << (fixed_hash_of(&s.from.ip) & 63);
            if host.frames.len() < MAX_FRAMES {
                host.frames.push(s.frame);
            }
            match host.source {
                None => host.source = Some(s.from.ip),
                Some(ip) if ip != s.from.ip => host.many_sources = true,
                Some(_) => {}
            }
        }
        host.proved += u32::from(s.proved || s.answer);
        host.answered += u32::from(s.answer);
        let unanswered = host.begun >= FLOOD_UNANSWERED && host.proved == 0 && s.time - first > BEGINNING;
        // Who scans many ports comes from few addresses.
        let few_ports = host.begun >= PER_PORT * host.ports.count_ones() && host.ports.count_ones() < 48;
        let no_scan = few_ports || host.sources.count_ones() >= MANY_SOURCES;
        // A server that lost its connections resets what their clients still send as well, for a moment.
        let lost = host.proved - host.answered < FLOOD && host.begun < FLOOD_UNANSWERED && host.heavy < LOST_FOR;
        let proved = host.proved >= FLOOD && host.begun >= FLOOD && !lost;
        if host.flood_reported || !no_scan || !(proved || unanswered) {
            return;
        }
        host.flood_reported = true;
        let source = host.source.filter(|_| !host.many_sources).map(|ip| (ip, None));
        let finding = Finding::new(format!(
            "{} segments without a connection to {} within one second, {} of them proved stray",
            host.begun, s.to, host.proved
        ))
        .figure("segments", host.begun)
        .figure("proved", host.proved)
        .frames(host.frames.iter().copied());
        let answered = host.answered >= FLOOD;
        self.early.push(Early { time: s.time, source, target: (s.to.ip, Some(s.to.port)), finding });
        // Answers prove that a segment is stray; that it is a reset does not, where connections are older than the
        // capture.
        if answered || self.early.len() > MAX_EARLY || s.time - first > BEGINNING {
            self.tell_early(reporter, out);
        }
    }

    /// `from` answered what, as far as was seen, `to` had never asked.
    pub(super) fn echo(
        &mut self,
        at: Timestamp,
        frame: u64,
        (from, to): (Endpoint, Endpoint),
        proved: Proof,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let host = self.hosts.entry(from.ip, || StrayHost::new(at));
        host.last = at;
        let e = &mut host.echoes;
        if e.packets == 0 || (at - e.since > 5 * WINDOW && !e.reported) {
            *e = Echoes { since: at, ..Echoes::default() };
        }
        e.packets += 1;
        if e.frames.len() < 4 {
            e.frames.push(frame);
        }
        self.echoed(at, (from, to), proved, reporter, out);
    }

    /// The host that sent `s` reset a SYN-ACK of `server` that it had not asked for, and which [`Self::echo`] has.
    pub(super) fn echo_reset(&mut self, s: &Sign, server: Endpoint, reporter: &mut Reporter, out: Report<'_>) {
        self.echoed(s.time, (server, s.from), Proof::Reset, reporter, out);
    }

    fn echoed(
        &mut self,
        at: Timestamp,
        (from, to): (Endpoint, Endpoint),
        proved: Proof,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(host) = self.hosts.get_mut(&from.ip) else { return };
        let e = &mut host.echoes;
        // One host may have been refused what it asked for unseen; several hardly were.
        e.proved += u32::from(proved == Proof::Reset);
        if proved == Proof::Refusal {
            e.refused += 1;
            let again = e.swept.0 == to.port && e.swept.1 != from.port;
            e.swept = (to.port, from.port, if again { e.swept.2 + 1 } else { 0 });
        }
        let target = fixed_hash_of(&to.ip) as u32;
        if e.targets.len() < 64 && !e.targets.contains(&target) {
            e.targets.push(target);
        }
        let dark = e.packets >= DARK.0 && e.targets.len() >= DARK.1 && at - e.since >= DARK.2;
        // Who goes on with connections of which only one direction is seen answers what was asked, unseen.
        let one_way = 4 * host.one_way >= e.packets.max(1);
        let refused = if e.targets.len() >= REFUSED || e.swept.2 >= SWEPT { e.refused } else { 0 };
        if e.reported || one_way || !(dark || e.proved + refused >= BACKSCATTER) {
            return;
        }
        e.reported = true;
        let finding = Finding::new(format!(
            "{} sends answers that nobody here asked for: {} to {} hosts; somebody floods it in their names",
            from.ip,
            e.packets,
            e.targets.len()
        ))
        .figure("packets", e.packets)
        .figure("proved", e.proved + refused)
        .figure("targets", e.targets.len() as i64)
        .frames(e.frames.iter().copied());
        reporter.report(&rules::BACKSCATTER, at, (Some((from.ip, None)), Some((to.ip, None))), finding, out);
    }

    /// `server` sent `host` a SYN-ACK that it had not asked for.
    pub(super) fn unasked(
        &mut self,
        at: Timestamp,
        frame: u64,
        server: IpAddr,
        to: Endpoint,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let host = self.hosts.entry(to.ip, || StrayHost::new(at));
        if at - host.reflectors_since > WINDOW {
            host.reflectors_since = at;
            host.reflectors.clear();
        }
        let server = fixed_hash_of(&server) as u32;
        if host.reflectors.len() < REFLECTORS && !host.reflectors.contains(&server) {
            host.reflectors.push(server);
        }
        if host.reflectors.len() >= REFLECTORS && !host.reflection_reported {
            host.reflection_reported = true;
            let finding = Finding::new(format!("{} gets SYN-ACKs of {REFLECTORS} servers it never asked", to.ip))
                .figure("servers", REFLECTORS as i64)
                .frames([frame]);
            reporter.report(&rules::SYNACK_REFLECTION, at, (None, Some((to.ip, None))), finding, out);
        }
    }

    /// The reset `s` answers a SYN-ACK of `peer` that its sender had not asked for.
    pub(super) fn mirrored(&mut self, s: &Sign, peer: Endpoint, reporter: &mut Reporter, out: Report<'_>) {
        let (at, frame, host_ip, id) = (s.time, s.frame, s.from.ip, s.ip_id);
        let host = self.hosts.entry(host_ip, || StrayHost::new(at));
        let z = &mut host.zombie;
        if let Some(last) = z.last_id.replace(id) {
            let step = id.wrapping_sub(last);
            // Windows of old counts in network order of the other kind.
            if (1..=9).contains(&step) || (step & 0xff == 0 && (1..=9).contains(&(step >> 8))) {
                z.small_steps += 1;
            } else {
                z.other_steps += 1;
            }
        }
        // A prober's port is a client's; the target of the scan answers from ports of services.
        if peer.port >= 32768 {
            z.prober = z.prober.or(Some(peer.ip));
        }
        if z.prober == Some(peer.ip) {
            z.probes += 1;
        } else {
            z.others += 1;
        }
        if z.reported || z.probes < 4 || z.others == 0 || z.small_steps < 4 || z.other_steps * 4 > z.small_steps {
            return;
        }
        z.reported = true;
        let source = z.prober.map(|ip| (ip, None));
        let finding = Finding::new(format!(
            "{host_ip} is used as the zombie of an idle scan: {} unasked SYN-ACKs read its IP identification, which \
             counts up, while another host sends it SYN-ACKs too",
            z.probes
        ))
        .figure("probes", z.probes)
        .figure("steps", z.small_steps)
        .frames([frame]);
        reporter.report(&rules::IDLE_SCAN_ZOMBIE, at, (source, Some((host_ip, None))), finding, out);
    }

    /// `by` reset a connection that was open, or tried to.
    pub(super) fn reset(
        &mut self,
        at: Timestamp,
        frame: u64,
        by: Endpoint,
        to: Endpoint,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let host = self.hosts.entry(by.ip, || StrayHost::new(at));
        host.last = at;
        let r = &mut host.resets;
        if at - r.since >= 10 * SECOND {
            let passed = ((at - r.since) / (10 * SECOND)).min(60);
            let share = f64::from(r.count) / passed as f64;
            r.mean = if r.mean == 0.0 { share } else { 0.8 * r.mean + 0.2 * share };
            (r.since, r.count, r.reported) = (at, 0, false);
        }
        r.count += 1;
        if r.reported || r.count < 50 || f64::from(r.count) < 5.0 * r.mean {
            return;
        }
        r.reported = true;
        let finding = Finding::new(format!("{} resets by {} within 10 s, {:.1} usually", r.count, by.ip, r.mean))
            .figure("resets", r.count)
            .figure("usual", r.mean)
            .frames([frame]);
        reporter.report(
            &rules::RST_BURST_SERVER,
            at,
            (Some((by.ip, Some(by.port))), Some((to.ip, Some(to.port)))),
            finding,
            out,
        );
    }
}
