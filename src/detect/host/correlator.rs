//! What several hosts, or several connections of two hosts, show together: decoys, cookies, port habits.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::balanced::Pool;
use super::cookies::CookieChange;
use super::event::{Answer, Declined, Sign};
use super::input::{Attempt, EndHashes, Look, Places};
use super::probe::Probe;
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::{Bounded, Weigh, fixed_hash, fixed_hash_of, joined};
use crate::detect::anomaly::{Phase, Severity};
use crate::detect::rule::Finding;
use crate::flow::{Closing, Previous};
use crate::tcp::Endpoint;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Sources of one probe, and the time between them, that make it one with decoys.
const DECOYS: usize = 3;
const DECOY_GAP: i64 = 50 * MILLISECOND;
/// Probes that must have come so.
const DECOY_PROBES: u32 = 3;
/// Places for probes that may have decoys.
const PLACES: usize = 1024;

/// A host as a target, a server and a client.
#[derive(Debug)]
struct HostState {
    last: Timestamp,
    /// Probes that came from several sources at once.
    decoy_probes: u32,
    /// Ports among them.
    decoy_ports: SmallVec<[u16; 4]>,
    decoys: SmallVec<[IpAddr; 2]>,
    decoys_reported: bool,
    /// Flows with a SYN cookie, in ten seconds.
    cookies: (Timestamp, u32),
    /// Under which SYN cookies were reported, and whether they go on.
    cookie_incident: (u64, bool),
    /// Challenge ACKs it sent to one peer within a second: since when, peer, how many.
    challenges: (Timestamp, u32, u32),
    challenges_reported: bool,
    /// Re-uses of a four-tuple in its TIME-WAIT.
    reuses: Reuses,
    reuses_reported: bool,
    regression_reported: bool,
    /// Resets of its own that came from another distance than its SYNs.
    other_ttl: u32,
    same_ttl: u32,
    idle_reported: bool,
    /// Look of its SYN-ACKs to clients that offer everything: (look, run, known before).
    drift: (u64, u32, u64),
    /// Port these come from; what other services of the host send is another matter.
    drift_port: u16,
    drift_reported: bool,
    /// Who answers in its name.
    pool: Pool,
    /// Identification of its last handshake segment, and steps.
    ids: Ids,
    /// Challenge ACKs on one four-tuple: which, since when, how many.
    challenges_of_flow: (u32, Timestamp, u32),
    challenged_reported: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ids {
    last: Option<u16>,
    small: u32,
    other: u32,
    peers: [u32; 3],
    reported: bool,
}

impl Weigh for HostState {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.decoy_probes) + u64::from(self.cookies.1), self.last.0)
    }
}

impl HostState {
    fn new(now: Timestamp) -> Self {
        Self {
            last: now,
            decoy_probes: 0,
            decoy_ports: SmallVec::new(),
            decoys: SmallVec::new(),
            decoys_reported: false,
            cookies: (now, 0),
            cookie_incident: (0, false),
            challenges: (now, 0, 0),
            challenges_reported: false,
            reuses: Reuses { since: now, ..Reuses::default() },
            reuses_reported: false,
            regression_reported: false,
            other_ttl: 0,
            same_ttl: 0,
            idle_reported: false,
            drift: (0, 0, 0),
            drift_port: 0,
            drift_reported: false,
            pool: Pool::default(),
            ids: Ids::default(),
            challenges_of_flow: (0, now, 0),
            challenged_reported: false,
        }
    }
}

/// How soon after its close a port is taken again by who has no other, nanoseconds.
const REUSED_WITHIN: i64 = 60 * SECOND;
/// So many re-uses at least.
const REUSES: u32 = 20;

/// Ports that a client took again soon after their close, within a minute that begins with the first.
///
/// Who chooses among many ports meets one of those by chance, and the seldomer the more there are to choose from: the
/// share of such ports among all it takes is the share of its range that is in use.
#[derive(Clone, Copy, Debug, Default)]
struct Reuses {
    since: Timestamp,
    /// Attempts of the client before that.
    before: u64,
    count: u32,
    /// Port of the last of them: who always takes the same has another reason.
    port: u16,
}

impl Reuses {
    /// Counts one more. `attempts`: those of the client. Whether there are enough, and they are at least half of all.
    const fn add(&mut self, a: &Attempt, attempts: u64) -> bool {
        if self.count == 0 || a.time.0 - self.since.0 >= REUSED_WITHIN {
            *self = Self { since: a.time, before: attempts.saturating_sub(1), count: 0, port: 0 };
        }
        self.count += (self.port != a.client.port) as u32;
        self.port = a.client.port;
        self.count >= REUSES && 2 * self.count as u64 >= attempts - self.before
    }
}

/// A probe that other sources may repeat.
#[derive(Clone, Copy, Debug)]
struct Place {
    key: u64,
    time: Timestamp,
    sources: [Option<IpAddr>; DECOYS],
}

/// A probe, as far as decoys are concerned.
#[derive(Clone, Copy, Debug)]
struct Sent {
    time: Timestamp,
    frame: u64,
    from: IpAddr,
    to: Endpoint,
}

/// What hosts show together.
#[derive(Debug)]
pub(super) struct Correlator {
    hosts: Bounded<IpAddr, HostState>,
    places: Vec<Place>,
}

impl Correlator {
    pub(super) fn new(limit: usize) -> Self {
        let empty = Place { key: 0, time: Timestamp(i64::MIN), sources: [None; DECOYS] };
        Self { hosts: Bounded::new(limit), places: vec![empty; PLACES] }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let owned = self.hosts.iter().map(|(_, host)| host.pool.octets()).sum::<usize>();
        self.hosts.octets() + owned + self.places.capacity() * size_of::<Place>()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.hosts.evicted()
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        for (ip, host) in self.hosts.iter_mut() {
            host.pool.finish(*ip, now, reporter, out);
        }
    }

    /// A SYN-ACK of `server` comes soon.
    pub(super) fn prefetch(&self, server: IpAddr) {
        self.hosts.prefetch(&server);
    }

    /// A first SYN. Who else has just sent the same one, if anybody has.
    pub(super) fn attempt(
        &mut self,
        a: &Attempt,
        hashes: EndHashes,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> Option<IpAddr> {
        let probe = u64::from(a.isn.0) << 16 | u64::from(a.look.window);
        let key = joined(hashes.service(a.server.port), probe ^ a.look.layout.0.rotate_left(48));
        let sent = Sent { time: a.time, frame: a.frame, from: a.client.ip, to: a.server };
        self.sent(key, &sent, reporter, out)
    }

    /// The same of a probe without a connection.
    pub(super) fn probe(&mut self, p: &Probe, reporter: &mut Reporter, out: Report<'_>) -> Option<IpAddr> {
        let key = fixed_hash_of(&(p.to, u64::from(p.number.0) << 16 | u64::from(p.flags.0)));
        let sent = Sent { time: p.time, frame: p.frame, from: p.from.ip, to: p.to };
        self.sent(key, &sent, reporter, out)
    }

    fn sent(&mut self, key: u64, s: &Sent, reporter: &mut Reporter, out: Report<'_>) -> Option<IpAddr> {
        let place = &mut self.places[key as usize % PLACES];
        if place.key != key || s.time - place.time > DECOY_GAP {
            *place = Place { key, time: s.time, sources: [Some(s.from), None, None] };
            return None;
        }
        if place.sources.contains(&Some(s.from)) {
            return None;
        }
        let first = place.sources[0];
        let Some(free) = place.sources.iter_mut().find(|s| s.is_none()) else {
            self.decoy(s, &[], reporter, out);
            return first;
        };
        *free = Some(s.from);
        let sources = place.sources;
        if sources.iter().all(Option::is_some) {
            self.decoy(s, &sources, reporter, out);
        }
        first
    }

    /// The first SYN-ACK to an attempt.
    pub(super) fn answer(
        &mut self,
        a: &Answer,
        is_cookie: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let s = &a.sign;
        let host = self.hosts.entry_at(&mut at.answering, s.from.ip, || HostState::new(s.time));
        host.last = s.time;
        ids(host, s, reporter, out);
        if is_cookie {
            if s.time - host.cookies.0 > 10 * SECOND {
                host.cookies = (s.time, 0);
            }
            host.cookies.1 += 1;
            if host.cookies.1 >= 3 && !host.cookie_incident.1 {
                let finding = Finding::new(format!(
                    "{} answers with SYN cookies: on {} re-used four-tuples its number moved exactly as the client's",
                    s.from, host.cookies.1
                ))
                .figure("flows", host.cookies.1)
                .frames([s.frame]);
                let ends = (None, Some((s.from.ip, Some(s.from.port))));
                host.cookie_incident = (reporter.report(&rules::SERVER_COOKIE_MODE, s.time, ends, finding, out), true);
            }
        }
        host.pool.see(a.kind, s, &a.look, reporter, out);
        if a.offered_all && !host.pool.is_shared() {
            drift(host, s, &a.look, reporter, out);
        }
    }

    /// What nobody acknowledged and the server did not repeat tells SYN cookies.
    pub(super) fn cookies(
        &mut self,
        now: Timestamp,
        server: Endpoint,
        frames: &[u64],
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let host = self.hosts.entry(server.ip, || HostState::new(now));
        if host.cookie_incident.1 {
            return;
        }
        let finding = Finding::new(format!(
            "{server} answers with SYN cookies: it takes no options of clients without timestamps, as it did before, \
             and repeats no SYN-ACK"
        ))
        .figure("mode", "overflow")
        .frames(frames.iter().copied());
        let ends = (None, Some((server.ip, Some(server.port))));
        host.cookie_incident = (reporter.report(&rules::SERVER_COOKIE_MODE, now, ends, finding, out), true);
    }

    /// What timestamps tell of SYN cookies. `half_open`: connections of the server's port that wait for their third
    /// step.
    pub(super) fn stamped(
        &mut self,
        now: Timestamp,
        server: Endpoint,
        change: &CookieChange,
        half_open: u32,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let host = self.hosts.entry(server.ip, || HostState::new(now));
        let (incident, goes_on) = host.cookie_incident;
        let finding = change.finding(server, half_open);
        let finding = match (change.begins, goes_on) {
            (true, false) => finding,
            (true, true) => finding.of(incident, Phase::Update),
            (false, true) => finding.of(incident, Phase::Final),
            (false, false) => return,
        };
        let ends = (None, Some((server.ip, Some(server.port))));
        host.cookie_incident = (reporter.report(&rules::SERVER_COOKIE_MODE, now, ends, finding, out), change.begins);
    }

    /// A challenge ACK.
    pub(super) fn challenge(&mut self, s: &Sign, reporter: &mut Reporter, out: Report<'_>) {
        let host = self.hosts.entry(s.from.ip, || HostState::new(s.time));
        let peer = fixed_hash_of(&s.to.ip) as u32;
        if host.challenges.1 != peer || s.time - host.challenges.0 >= SECOND {
            host.challenges = (s.time, peer, 0);
        }
        host.challenges.2 += 1;
        challenged(host, s, reporter, out);
        if host.challenges.2 < 50 || host.challenges_reported {
            return;
        }
        host.challenges_reported = true;
        let finding = Finding::new(format!(
            "{} sent {} challenge ACKs to {} within one second",
            s.from.ip, host.challenges.2, s.to.ip
        ))
        .figure("challenges", host.challenges.2)
        .frames([s.frame]);
        let ends = (Some((s.to.ip, None)), Some((s.from.ip, Some(s.from.port))));
        reporter.report(&rules::CHALLENGE_ACK_FLOOD, s.time, ends, finding, out);
    }

    /// A first SYN, of a four-tuple that the same client had used before.
    /// `attempts`: how many the client has made so far.
    pub(super) fn reuse(
        &mut self,
        previous: &Previous,
        a: &Attempt,
        attempts: u64,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let host = self.hosts.entry(a.client.ip, || HostState::new(a.time));
        host.last = a.time;
        let ends = (Some((a.client.ip, None)), Some((a.server.ip, Some(a.server.port))));
        // Where the clock ran backwards the time between the two is unknown.
        let gap = a.time - previous.last_time;
        if a.isn.0 != 0
            && previous.isn_rose(a.isn) == Some(false)
            && previous.opening.opened()
            && (0..previous.time_wait).contains(&gap)
            && a.look.timestamps.is_none()
            && !host.regression_reported
        {
            host.regression_reported = true;
            let finding = Finding::new(format!(
                "{} used a four-tuple again with a sequence number below what it had sent on it",
                a.client
            ))
            .figure("gap_ns", gap)
            .frames([a.frame]);
            reporter.report(&rules::ISN_REGRESSION, a.time, ends, finding, out);
        }
        // After a reset there is no TIME-WAIT, and no shortage.
        let waiting = matches!(previous.closing, Closing::Fin | Closing::SimultaneousFin);
        if !waiting || !(0..previous.time_wait.min(REUSED_WITHIN)).contains(&gap) {
            return;
        }
        if !host.reuses.add(a, attempts) || core::mem::replace(&mut host.reuses_reported, true) {
            return;
        }
        let Reuses { count, before, .. } = host.reuses;
        let finding = Finding::new(format!(
            "{} of the last {} connections of {} took a port that had been closed less than a minute before: it runs \
             out of ports to {}",
            count,
            attempts - before,
            a.client.ip,
            a.server
        ))
        .figure("reuses", count)
        .figure("attempts", (attempts - before) as i64)
        .frames([a.frame]);
        reporter.report(&rules::PORT_EXHAUSTION, a.time, ends, finding, out);
    }

    /// The client reset a SYN-ACK: whether from as far away as it had sent the SYN.
    pub(super) fn declined(&mut self, d: &Declined, reporter: &mut Reporter, out: Report<'_>) {
        let s = &d.sign;
        let host = self.hosts.entry(s.from.ip, || HostState::new(s.time));
        host.last = s.time;
        ids(host, s, reporter, out);
        // A tool chooses the TTL of its SYNs; its kernel then resets. One SYN number for all ports tells nmap's idle
        // scan.
        let distant = d.ttl.abs_diff(s.ttl) >= 2;
        host.other_ttl += u32::from(distant && d.window == 1024);
        host.same_ttl += u32::from(!distant);
        if host.other_ttl < 3 || host.same_ttl > 0 || host.idle_reported || !host.ids.looks_global() {
            return;
        }
        host.idle_reported = true;
        let finding = Finding::new(format!(
            "SYNs in the name of {} come from another distance than its resets, whose IP identification counts up: it \
             may be the zombie of an idle scan of {}",
            s.from.ip, s.to.ip
        ))
        .figure("ttl_syn", i64::from(d.ttl))
        .figure("ttl_reset", i64::from(s.ttl))
        .frames([d.frame, s.frame]);
        let ends = (Some((s.from.ip, None)), Some((s.to.ip, None)));
        reporter.report(&rules::IDLE_SCAN_TARGET, s.time, ends, finding, out);
    }

    fn decoy(&mut self, a: &Sent, sources: &[Option<IpAddr>], reporter: &mut Reporter, out: Report<'_>) {
        let host = self.hosts.entry(a.to.ip, || HostState::new(a.time));
        host.last = a.time;
        for ip in sources.iter().flatten().chain([&a.from]) {
            if host.decoys.len() < 32 && !host.decoys.contains(ip) {
                host.decoys.push(*ip);
            }
        }
        host.decoy_probes += u32::from(!sources.is_empty());
        if host.decoy_ports.len() < 4 && !host.decoy_ports.contains(&a.to.port) {
            host.decoy_ports.push(a.to.port);
        }
        // Several sources at one port are a flood.
        if host.decoy_probes < DECOY_PROBES || host.decoy_ports.len() < 3 || host.decoys_reported {
            return;
        }
        host.decoys_reported = true;
        let mut names: Vec<IpAddr> = host.decoys.to_vec();
        names.sort_unstable();
        let mut finding = Finding::new(format!(
            "{} probes of {} came from {} sources at once, the same to the sequence number: all but one are decoys",
            host.decoy_probes,
            a.to.ip,
            names.len()
        ))
        .figure("probes", host.decoy_probes)
        .frames([a.frame]);
        let names = names.iter().map(ToString::to_string).collect();
        finding.figures.push(("sources", crate::detect::Figure::Texts(names)));
        reporter.report(&rules::SCAN_DECOY, a.time, (None, Some((a.to.ip, None))), finding, out);
    }
}

/// Ten challenge ACKs on one connection within five seconds: as many as RFC 5961 section 7 would let a host send to
/// all.
fn challenged(host: &mut HostState, s: &Sign, reporter: &mut Reporter, out: Report<'_>) {
    const MANY: (u32, i64) = (10, 5 * SECOND);
    let tuple = fixed_hash_of(&(s.from, s.to)) as u32;
    let (known, since, count) = &mut host.challenges_of_flow;
    if *known != tuple || s.time - *since > MANY.1 {
        (*known, *since, *count) = (tuple, s.time, 0);
    }
    *count += 1;
    if *count < MANY.0 || host.challenged_reported {
        return;
    }
    host.challenged_reported = true;
    let finding =
        Finding::new(format!("{} sent {count} challenge ACKs to {} within {} s", s.from, s.to, MANY.1 / SECOND))
            .figure("challenges", *count)
            .severity(Severity::Note)
            .frames([s.frame]);
    let ends = (Some((s.to.ip, Some(s.to.port))), Some((s.from.ip, Some(s.from.port))));
    reporter.report(&rules::CHALLENGE_ACK_FLOOD, s.time, ends, finding, out);
}

impl Ids {
    const fn looks_global(&self) -> bool {
        self.small >= 3 && self.other * 4 <= self.small
    }
}

/// Whether the identification of a host's handshake segments counts up over all its peers.
fn ids(host: &mut HostState, s: &Sign, reporter: &mut Reporter, out: Report<'_>) {
    // Linux sends 0 where nothing needs one.
    if s.ip_id == 0 {
        return;
    }
    let i = &mut host.ids;
    let peer = fixed_hash_of(&s.to.ip) as u32 | 1;
    if !i.peers.contains(&peer)
        && let Some(free) = i.peers.iter_mut().find(|p| **p == 0)
    {
        *free = peer;
    }
    if let Some(last) = i.last.replace(s.ip_id) {
        let step = s.ip_id.wrapping_sub(last);
        if (1..=9).contains(&step) || (step & 0xff == 0 && (1..=9).contains(&(step >> 8))) {
            i.small += 1;
        } else {
            i.other += 1;
        }
    }
    if i.reported || i.small < 8 || i.other > 0 || i.peers.contains(&0) {
        return;
    }
    i.reported = true;
    let finding = Finding::new(format!("{} numbers its packets with one counter for all peers", s.from.ip))
        .figure("steps", i.small)
        .frames([s.frame]);
    reporter.report(&rules::IPID_GLOBAL_COUNTER, s.time, (Some((s.from.ip, None)), None), finding, out);
}

/// Whether a server's SYN-ACKs to clients that offer everything have changed for good: sixteen alike, then sixteen
/// otherwise.
fn drift(host: &mut HostState, s: &Sign, look: &Look, reporter: &mut Reporter, out: Report<'_>) {
    const RUN: u32 = 16;
    if host.drift.1 == 0 {
        host.drift_port = s.from.port;
    } else if host.drift_port != s.from.port {
        return;
    }
    let look = fixed_hash((look.layout, look.mss, look.window_scale, s.ttl)) | 1;
    if host.drift.0 == look {
        host.drift.1 += 1;
    } else {
        if host.drift.1 >= RUN {
            host.drift.2 = host.drift.0;
        }
        host.drift.0 = look;
        host.drift.1 = 1;
    }
    if host.drift_reported || host.drift.1 != RUN || host.drift.2 == 0 || host.drift.2 == look {
        return;
    }
    host.drift_reported = true;
    let finding = Finding::new(format!(
        "SYN-ACKs of {} look otherwise since {RUN} connections: options, MSS or distance have changed",
        s.from
    ))
    .frames([s.frame]);
    reporter.report(&rules::OPTION_DRIFT, s.time, (None, Some((s.from.ip, Some(s.from.port)))), finding, out);
}
