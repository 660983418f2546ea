//! Answers to what was never asked, what hosts used as a mirror give away, and resets of what was open.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::event::Sign;
use super::probe::Proof;
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::{Bounded, Weigh, fixed_hash_of};
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Answers to what nobody asked, each with a four-tuple of its own, that prove backscatter.
const BACKSCATTER: u32 = 15;
/// Hosts that were refused what they had not asked for, for that to prove anything.
const REFUSED: usize = 3;
/// The same for one host, if one port of it was refused by this number of the other's ports in a row: a client takes
/// another port of its own for each attempt.
const SWEPT: u32 = 8;
/// Packets, hosts and time that prove it where nobody resets them (Moore et al. 2006, CAIDA).
const DARK: (u32, usize, i64) = (25, 10, 60 * SECOND);
/// Servers whose SYN-ACKs one host gets unasked in a minute.
const REFLECTORS: usize = 100;
const WINDOW: i64 = 60 * SECOND;

/// One host as a source of answers and resets.
#[derive(Debug)]
struct Mirror {
    last: Timestamp,
    /// Answers it sent that nobody asked for.
    echoes: Echoes,
    /// Servers that sent it SYN-ACKs unasked, in this minute.
    reflectors: Vec<u32>,
    reflectors_since: Timestamp,
    reflection_reported: bool,
    /// Its connections with segments of the server alone: the capture has one direction of them.
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

impl Weigh for Mirror {
    fn weight(&self) -> (u64, i64) {
        let held = u64::from(self.echoes.packets) + u64::from(self.resets.count);
        (held + u64::from(self.zombie.probes), self.last.0)
    }
}

impl Mirror {
    fn new(now: Timestamp) -> Self {
        Self {
            last: now,
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

/// Hosts that answer what was not asked.
#[derive(Debug)]
pub(super) struct Backscatter {
    hosts: Bounded<IpAddr, Mirror>,
}

impl Backscatter {
    pub(super) fn new(limit: usize) -> Self {
        Self { hosts: Bounded::new(limit) }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        self.hosts.octets() + self.hosts.iter().map(|(_, h)| h.reflectors.capacity() * 4).sum::<usize>()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.hosts.evicted()
    }

    /// `server` went on with a connection to `client` that shows its own segments alone: its first answer was not
    /// backscatter.
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
        let host = self.hosts.entry(from.ip, || Mirror::new(at));
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
        // A host that goes on with one-way connections answers requests that the capture lacks.
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
        let host = self.hosts.entry(to.ip, || Mirror::new(at));
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
        let host = self.hosts.entry(host_ip, || Mirror::new(at));
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
        let host = self.hosts.entry(by.ip, || Mirror::new(at));
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
