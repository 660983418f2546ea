//! What the SYNs of one address, or of one network, show together: the clock behind their timestamps, several hosts
//! behind one address, a segment size that somebody on the path sets.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::input::{Attempt, Look};
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::{Bounded, Weigh, fixed_hash, fixed_hash_of};
use crate::detect::rule::Finding;
use crate::flow::features::initial_ttl;
use crate::network::IpNet;
use crate::time::{SECOND, Timestamp};

/// Lines of time stamps kept of one source.
const LINES: usize = 6;
/// Connections that must lie on a line before it is a clock.
const ON_LINE: u8 = 3;
/// Two SYNs tell a rate when they are so far apart (p0f: 25 ms; a round trip's jitter must not matter).
const BETWEEN: (i64, i64) = (SECOND, 600 * SECOND);
/// Ticks between them at least, and ticks a second that clocks have (p0f).
const TICKS: u32 = 5;
const RATES: (f64, f64) = (0.7, 1500.0);
/// How far from its line a stamp may lie, seconds, and how much a clock may run wrong.
const GRACE: (f64, f64) = (0.1, 0.001);
/// A clock must have been watched for so long before its start is reported.
const WATCHED: i64 = 30 * SECOND;
/// SYNs over which differences are counted; how many must differ by more than this score (p0f).
const SCORES: usize = 32;
const SHARED: (usize, u8) = (3, 5);
/// Connections of one network, all with one MSS, and stacks among them, that prove a clamp.
const CLAMPED: (u32, usize) = (20, 2);
/// Segment sizes of ordinary links: Ethernet, loopback, jumbo frames, and the least there are.
const USUAL: [u16; 11] = [1460, 1440, 65495, 65475, 16344, 16324, 8960, 8940, 1220, 536, 1448];

/// Time stamps of connections of one source to one host that may be one clock's.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    to: u32,
    first: Timestamp,
    last: Timestamp,
    value: u32,
    last_value: u32,
    /// Ticks a second, 0 while unknown.
    rate: f64,
    count: u8,
}

impl Line {
    /// Whether the stamp lies on it; its rate then.
    fn fits(&self, now: Timestamp, value: u32) -> Option<f64> {
        let since = now - self.last;
        if self.rate > 0.0 {
            let due = (now - self.first) as f64 / 1e9;
            let off = f64::from(value.wrapping_sub(self.value.wrapping_add((due * self.rate) as i64 as u32)) as i32);
            return (off.abs() <= self.rate * (GRACE.0 + GRACE.1 * due) + 1.0).then_some(self.rate);
        }
        let ticks = value.wrapping_sub(self.last_value);
        if !(BETWEEN.0..=BETWEEN.1).contains(&since) || !(TICKS..=1 << 31).contains(&ticks) {
            return None;
        }
        let rate = f64::from(ticks) / (since as f64 / 1e9);
        (RATES.0..=RATES.1).contains(&rate).then(|| round(rate))
    }

    const fn is_clock(&self) -> bool {
        self.count >= ON_LINE
    }
}

/// As p0f rounds: no clock runs at 997 Hz.
fn round(rate: f64) -> f64 {
    let unit = match rate {
        ..=10.0 => 1.0,
        ..=50.0 => 5.0,
        ..=100.0 => 10.0,
        ..=500.0 => 50.0,
        _ => 100.0,
    };
    ((rate / unit).round() * unit).max(1.0)
}

/// What is known of one source's stacks and clocks.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    lines: [Line; LINES],
    before: Option<(Look, u16)>,
    scores: [u8; SCORES],
    next: u8,
    split_reported: bool,
    uptime_reported: bool,
    shared_reported: bool,
}

impl Stacks {
    /// A first SYN of the source.
    pub(super) fn see(&mut self, a: &Attempt, reporter: &mut Reporter, out: Report<'_>) {
        if !a.look.is_of_a_stack() || a.look.options_cut {
            return;
        }
        self.compare(a, reporter, out);
        if let Some((value, 0)) = a.look.timestamps {
            self.follow(a, value, reporter, out);
        }
    }

    fn follow(&mut self, a: &Attempt, value: u32, reporter: &mut Reporter, out: Report<'_>) {
        let to = fixed_hash_of(&a.server.ip) as u32;
        let mine = |line: &Line| line.count > 0 && line.to == to;
        let fitting = self.lines.iter_mut().filter(|line| mine(line)).find_map(|line| {
            let rate = line.fits(a.time, value)?;
            Some((line, rate))
        });
        let Some((line, rate)) = fitting else {
            // Too soon after the one before to tell a rate: it is no line of its own.
            let soon = |line: &Line| mine(line) && line.rate == 0.0 && a.time - line.last < BETWEEN.0;
            let near = |line: &Line| value.wrapping_sub(line.last_value) < 2 * RATES.1 as u32;
            if !self.lines.iter().any(|line| soon(line) && near(line))
                && let Some(worst) = self.lines.iter_mut().min_by_key(|line| (line.count, line.last))
            {
                *worst = Line { to, first: a.time, last: a.time, value, last_value: value, rate: 0.0, count: 1 };
            }
            return;
        };
        (line.rate, line.last, line.last_value) = (rate, a.time, value);
        line.count = line.count.saturating_add(1);
        let line = *line;
        if !line.is_clock() {
            return;
        }
        let others = || self.lines.iter().filter(|other| mine(other) && other.first != line.first);
        match others().find(|other| other.is_clock()).copied() {
            Some(other) => self.split(a, &line, &other, reporter, out),
            None if others().next().is_none() => self.uptime(a, &line, reporter, out),
            None => {}
        }
    }

    /// Two clocks; one that ends where the other begins is a host that was started again.
    fn split(&mut self, a: &Attempt, line: &Line, other: &Line, reporter: &mut Reporter, out: Report<'_>) {
        if self.split_reported || other.first >= line.last || line.first >= other.last {
            return;
        }
        self.split_reported = true;
        let finding = Finding::new(format!(
            "the timestamps of {} to {} follow two clocks, of {} and {} ticks a second",
            a.client.ip, a.server.ip, line.rate, other.rate
        ))
        .figure("connections", i64::from(line.count) + i64::from(other.count))
        .figure("rate", line.rate)
        .figure("other_rate", other.rate)
        .frames([a.frame]);
        let ends = (Some((a.client.ip, None)), Some((a.server.ip, None)));
        reporter.report(&rules::TS_CLOCK_SPLIT, a.time, ends, finding, out);
    }

    /// One clock, for all connections.
    fn uptime(&mut self, a: &Attempt, line: &Line, reporter: &mut Reporter, out: Report<'_>) {
        if self.uptime_reported || line.last - line.first < WATCHED {
            return;
        }
        self.uptime_reported = true;
        let seconds = (f64::from(line.last_value) / line.rate).round() as i64;
        let wraps = (4_294_967_296.0 / line.rate / 86_400.0).round() as i64;
        let finding = Finding::new(format!(
            "the clock of {} runs at {} ticks a second and began {seconds} s ago, or {wraps} days more",
            a.client.ip, line.rate
        ))
        .figure("rate", line.rate)
        .figure("uptime_s", seconds)
        .figure("wraps_after_days", wraps)
        .frames([a.frame]);
        reporter.report(&rules::TS_UPTIME, a.time, (Some((a.client.ip, None)), None), finding, out);
    }

    /// How unlike the SYN before it is, with p0f's weights.
    fn compare(&mut self, a: &Attempt, reporter: &mut Reporter, out: Report<'_>) {
        let Some((before, port)) = self.before.replace((a.look, a.client.port)) else { return };
        let score = unlike(&before, &a.look) + u8::from(port.saturating_sub(a.client.port) >= 64);
        self.scores[usize::from(self.next) % SCORES] = score;
        self.next = self.next.wrapping_add(1);
        if score <= SHARED.1 || self.shared_reported {
            return;
        }
        let changes = self.scores.iter().filter(|score| **score > SHARED.1).count();
        if changes < SHARED.0 {
            return;
        }
        self.shared_reported = true;
        let words = |look: &Look| look.layout.names().collect::<Vec<_>>().join(",");
        let finding = Finding::new(format!(
            "SYNs of {} come from different systems in turn: options {} with TTL {}, then {} with TTL {}",
            a.client.ip,
            words(&before),
            before.ttl,
            words(&a.look),
            a.look.ttl
        ))
        .figure("changes", changes as i64)
        .frames([a.frame]);
        reporter.report(&rules::NAT_SUSPECT, a.time, (Some((a.client.ip, None)), None), finding, out);
    }
}

/// p0f's score for two SYNs of one address: another system 8, another distance 4, another MSS 1.
fn unlike(a: &Look, b: &Look) -> u8 {
    let other_system = a.layout != b.layout && (initial_ttl(a.ttl) != initial_ttl(b.ttl) || order(a, b) != order(b, a));
    let distance = a.ttl.abs_diff(b.ttl);
    8 * u8::from(other_system) + 4 * u8::from(distance >= 2) + u8::from(a.mss != b.mss)
}

/// The options of `a` that `b` has as well, in order. A program may leave one out; no system changes their order.
fn order(a: &Look, b: &Look) -> u64 {
    let codes = |look: &Look| {
        let layout = look.layout.0;
        (0..16).map(move |n| layout >> (4 * n) & 0xf).filter(|code| matches!(code, 3 | 4 | 5 | 7))
    };
    codes(a).filter(|code| codes(b).any(|other| other == *code)).fold(0, |order, code| order << 4 | code)
}

/// A network whose clients have an odd segment size.
#[derive(Debug)]
struct Network {
    mss: u16,
    count: u32,
    stacks: [u32; CLAMPED.1],
    last: Timestamp,
    reported: bool,
}

impl Weigh for Network {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.count), self.last.0)
    }
}

/// Networks whose clients have an odd segment size.
#[derive(Debug)]
pub(super) struct Networks {
    clamped: Bounded<IpAddr, Network>,
    any: bool,
}

impl Networks {
    pub(super) fn new(limit: usize) -> Self {
        Self { clamped: Bounded::new(limit), any: false }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        self.clamped.octets()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.clamped.evicted()
    }

    /// A first SYN.
    pub(super) fn attempt(&mut self, a: &Attempt, reporter: &mut Reporter, out: Report<'_>) {
        let Some(mss) = a.look.mss else { return };
        let usual = USUAL.contains(&mss);
        if (usual && !self.any) || !a.look.is_of_a_stack() || a.look.options_cut {
            return;
        }
        let net = network_of(a.client.ip);
        if usual {
            // Not all have the same.
            if let Some(network) = self.clamped.get_mut(&net) {
                (network.count, network.stacks) = (0, [0; CLAMPED.1]);
            }
            return;
        }
        self.any = true;
        let network = self.clamped.entry(net, || Network {
            mss,
            count: 0,
            stacks: [0; CLAMPED.1],
            last: a.time,
            reported: false,
        });
        if network.mss != mss {
            (network.mss, network.count, network.stacks) = (mss, 0, [0; CLAMPED.1]);
        }
        network.count += 1;
        network.last = a.time;
        let stack = fixed_hash((a.look.layout, initial_ttl(a.look.ttl))) as u32 | 1;
        if !network.stacks.contains(&stack)
            && let Some(free) = network.stacks.iter_mut().find(|s| **s == 0)
        {
            *free = stack;
        }
        if network.reported || network.count < CLAMPED.0 || network.stacks.contains(&0) {
            return;
        }
        network.reported = true;
        let link = link_of(mss);
        let finding = Finding::new(format!(
            "{} connections of different systems in the network of {} all have an MSS of {mss}{link}",
            network.count, a.client.ip
        ))
        .figure("mss", i64::from(mss))
        .figure("connections", network.count)
        .frames([a.frame]);
        reporter.report(&rules::MSS_CLAMPED, a.time, (Some((net, None)), None), finding, out);
    }
}

/// What links have such a segment size.
const fn link_of(mss: u16) -> &'static str {
    match mss {
        1452 | 1432 => ", that of PPPoE",
        1412 | 1392 => ", that of PPPoE with a tunnel",
        1420 | 1400 => ", that of a tunnel in IP",
        1380 | 1360 | 1350 | 1340 | 1320 => ", as VPN gateways set it",
        _ => "",
    }
}

/// The network that begins with `ip`, of 24 bits or 64.
pub(super) fn prefix_of(ip: IpAddr) -> IpNet {
    IpNet::new(ip, if ip.is_ipv4() { 24 } else { 64 }).unwrap_or_else(|_| IpNet::from(ip))
}

/// The network of an address, of 24 bits or 64, by its first address.
pub(super) fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip) & !0xff).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) >> 64 << 64).into(),
    }
}
