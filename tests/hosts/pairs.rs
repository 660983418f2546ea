//! For each rule about hosts: what triggers it, and what just does not.

use synscope::detect::Severity;
use synscope::tcp::options::{Layout, Options};
use synscope::tcp::{Endpoint, Flags};

use crate::outages::{Fate, out};
use crate::traffic::*;

/// Id, trigger, near miss.
type Pair = (&'static str, fn() -> Traffic, fn() -> Traffic);
/// Id, severity, trigger, near miss.
type Further = (&'static str, Severity, fn() -> Traffic, fn() -> Traffic);

pub(crate) const PAIRS: &[Pair] = &[
    ("syn-flood", || flood(2000, Half), || flood(2000, Open)),
    ("syn-flood-cusum", || excess(130, 65), || excess(85, 65)),
    ("syn-flood-spoofed", || flood(8000, Half), || few_sources(2000)),
    ("half-open-accumulation", || flood(1000, Half), || flood(1000, Open)),
    ("connection-flood", || held(300, false, false), || held(300, true, false)),
    ("stateless-flood", || strays(1_010), || strays(400)),
    ("synack-reflection", || reflection(100), || reflection(99)),
    ("backscatter", || backscatter(20), || backscatter(1)),
    ("scan-horizontal", || sweep(25, 1, Refused), || sweep(24, 1, Refused)),
    ("scan-vertical", || sweep(1, 15, Refused), || sweep(1, 14, Refused)),
    ("scan-block", || sweep(5, 5, Refused), || sweep(25, 1, Refused)),
    ("scan-distributed", || shared_scan(5, 4), || shared_scan(2, 8)),
    ("scan-decoy", || decoys(true), || decoys(false)),
    ("trw-scanner", || contacts("FFFF"), || contacts("FSFSF")),
    ("scan-slow", || failed_every(30.0 * 60.0), || failed_every(8.0)),
    ("tech-syn", || ports(10, Reset), || ports(10, Used)),
    ("tech-connect", || ports(8, Refused), || ports(7, Refused)),
    ("tech-fin", || probes(1, F, false), || closing(FA)),
    ("tech-null", || probes(1, Flags::NONE, false), || closing(A)),
    ("tech-xmas", || probes(1, XMAS, false), || closing(XMAS_OF_A_CONNECTION)),
    ("tech-maimon", || probes(3, FA, true), || probes(2, FA, true)),
    ("tech-ack-or-window", || probes(3, A, true), || probes(2, A, true)),
    ("tech-synack", || probes(5, SA, true), || probes(4, SA, true)),
    ("tech-odd-flags", || probes(3, Flags::PSH, false), || probes(2, SYN_FIN, false)),
    ("tech-inverse-rst", || probes(10, R, false), || probes(9, R, false)),
    ("idle-scan-zombie", || zombie(1), || zombie(7919)),
    ("idle-scan-target", || forged_syns(1), || forged_syns(7919)),
    ("ipid-global-counter", || counted(true), || counted(false)),
    ("fp-nmap", || nmap(3), || nmap(2)),
    ("fp-nmap-os", || nmap_os(&[1, 63, 16]), || nmap_os(&[1, 63, 63])),
    ("fp-zmap", || zmap(54321), || zmap(54320)),
    ("fp-masscan", || masscan(3), || masscan(2)),
    ("fp-mirai", || mirai(3), || mirai(2)),
    ("fp-hping", || hping(3), || hping(2)),
    ("fp-p0fsendsyn", || sendsyn(1331), || sendsyn(1460)),
    ("refused-burst", || sweep(1, 20, Refused), || sweep(1, 19, Refused)),
    ("unanswered-burst", || sweep(20, 1, Silent), || repeated_syns(20)),
    ("service-unreachable", outage, || flood(2000, Half)),
    ("service-outage", || out(4, Fate::Refused, 12), || out(2, Fate::Refused, 12)),
    ("rst-burst-server", || resets(2), || resets(40)),
    ("isn-constant", || server(3, |_| 77), || server(2, |_| 77)),
    ("isn-repeat", || server(6, |n| dice(n.min(4))), || server(12, |n| dice(n.min(4) + n / 5 * n))),
    ("isn-gcd", || server(6, |n| dice(n) / 64_000 * 64_000), || server(6, |n| dice(n) & !1)),
    ("isn-time-linear", || server(8, |n| (n * 25_000) as u32 + dice(n) % 999), || server(16, dice)),
    ("isn-stuck-bits", || server(33, |n| dice(n) & !0xff00), || server(20, |n| 1 << 31 | dice(n))),
    ("isn-mirrors-peer", || mirror(3), || mirror(2)),
    ("isn-from-address", || from_address(3), || from_address(2)),
    ("isn-low-sp", || server(6, |n| (n * 100 + n * n % 7) as u32), || server(6, dice)),
    ("isn-attractor", || server(16, lcg), || server(16, dice)),
    ("isn-regression", || again(1000), || again(3_000_000_000)),
    ("isn-scheme", || reused_after_ten_seconds(156_250_000), || reused_after_ten_seconds(65_537 + 11)),
    ("port-sequential", || from_ports(|n| 1025 + n as u16), || from_ports(|n| dice(n) as u16 | 1024)),
    ("port-exhaustion", || reuses(20, true), || reuses(20, false)),
    ("challenge-ack-flood", || challenged(50, 15.0), || challenged(9, 400.0)),
    ("server-cookie-mode", || cookies(3), || cookies(2)),
    ("option-drift", || drift(false), || drift(true)),
    ("syn-flood-outbound", || flood_of("10.0.0.0/8"), || flood_of("198.51.100.0/24")),
    ("load-balanced", || answered_by(|n| [LINUX, WINDOWS][n % 2]), || answered_by(|n| [LINUX, WINDOWS][n / 20 % 2])),
    ("syn-rate-limited", || asked(Door::tokens), || asked(Door::drawn)),
    ("server-refuses-options", || answers(20, windows), || answers(19, windows)),
    ("ecn-blackhole", || without_ecn(3), || without_ecn(2)),
    ("mss-clamped", || clamped(true), || clamped(false)),
    ("ts-clock-split", || clocks(true), || clocks(false)),
    ("nat-suspect", || in_turn(linux(0, 0), windows()), || in_turn(linux(0, 0), linux_without_stamps())),
    ("ts-uptime", || uptime(1000), || uptime(7_654_321)),
];

/// Further ways in which rules fire.
pub(crate) const MORE: &[Further] = &[
    ("connection-flood", Severity::Warn, || held(320, false, true), || held(320, true, true)),
    ("connection-flood", Severity::Warn, || held_together(150, 10, false), || held_together(150, 10, true)),
    ("connection-flood", Severity::Warn, || held_together(80, 4, false), || held_together(70, 4, false)),
    ("connection-flood", Severity::Warn, || slow_requests(320, 1, 30.0), || slow_requests(280, 1, 30.0)),
    ("connection-flood", Severity::Warn, || slow_requests(1, 320, 30.0), || slow_requests(1, 280, 30.0)),
    ("connection-flood", Severity::Warn, || slow_requests(1, 320, 30.0), || slow_requests(1, 320, 2.0)),
    ("challenge-ack-flood", Severity::Note, || challenged(10, 500.0), || challenged(10, 600.0)),
    ("server-cookie-mode", Severity::Warn, || collapse(true), || collapse(false)),
    ("server-cookie-mode", Severity::Info, || stand_back(8, on_the_grid), || stand_back(5, on_the_grid)),
    (
        "server-cookie-mode",
        Severity::Info,
        || stand_back(40, on_the_grid),
        || stand_back(40, |ms, _| 3 + dice(ms) % 60),
    ),
    ("server-cookie-mode", Severity::Info, || stand_back(40, on_the_grid), || stand_back(40, |_, _| 0)),
    (
        "server-cookie-mode",
        Severity::Info,
        || stand_back(40, on_the_grid),
        || stand_back(40, |_, n| if n % 2 == 0 { 20 } else { 21 }),
    ),
    ("accept-queue-overflow", Severity::Alert, || overflows(3), || overflows(2)),
    ("slow-handshake", Severity::Info, || late_answer(20), || late_answer(150)),
    ("ts-echo-bad", Severity::Note, || stamps(8), || stamps(9)),
    ("isn-regression", Severity::Note, || again(1000), || again_after(1000, 250.0)),
    ("server-cookie-mode", Severity::Info, || freebsd(8, 0b1111_1010), || freebsd(7, 0b1111_1010)),
    ("server-cookie-mode", Severity::Info, || freebsd(8, 0b1111_1010), || freebsd(40, 0b1011_1010)),
    ("load-balanced", Severity::Info, || answered_by(drawn), || answered_by(|n| [LINUX, LINUX_FURTHER][n % 2])),
    ("load-balanced", Severity::Info, || answered_by(drawn), || answered_by(|n| [LINUX, LINUX_TUNNEL][n % 2])),
    ("load-balanced", Severity::Info, || answered_by(drawn), || answered_by(|n| [LINUX, COOKIE][n % 2])),
    (
        "load-balanced",
        Severity::Info,
        || answered_by(drawn),
        || answered_by(|n| [LINUX, WINDOWS][usize::from(n % 14 == 0)]),
    ),
    ("load-balanced", Severity::Info, || answered_by(drawn), || kinds_of_clients(true)),
    ("syn-rate-limited", Severity::Note, || asked(Door::first_of_each_second), || asked(Door::one_of_four_is_dead)),
    ("syn-rate-limited", Severity::Note, || asked(Door::first_of_each_second), || asked(Door::some_are_kept_out)),
    ("syn-rate-limited", Severity::Note, || asked(Door::tokens), || asked(Door::closed_for_a_while)),
    ("syn-rate-limited", Severity::Note, || asked(Door::tokens), || asked_once(Door::tokens)),
];

use Outcome::*;
const XMAS: Flags = Flags(Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0);
const SYN_FIN: Flags = Flags(Flags::SYN.0 | Flags::FIN.0);
const XMAS_OF_A_CONNECTION: Flags = Flags(XMAS.0 | Flags::ACK.0);

#[derive(Clone, Copy)]
enum Outcome {
    Refused,
    Silent,
    Half,
    Open,
    /// The client resets the SYN-ACK.
    Reset,
    Used,
}

pub(crate) fn v4(net: u32, host: u32, port: u16) -> Endpoint {
    Endpoint { ip: std::net::Ipv4Addr::from(net << 8 | host).into(), port }
}

/// A host of ours, and one of theirs.
pub(crate) fn ours(host: u32, port: u16) -> Endpoint {
    v4(0xc6_3364, host, port)
}

pub(crate) fn theirs(host: u32, port: u16) -> Endpoint {
    v4(0xc0_0002, host, port)
}

fn attempt(t: &mut Traffic, ms: f64, from: Endpoint, to: Endpoint, outcome: Outcome) {
    match outcome {
        Refused => t.refused(ms, from, to),
        Silent => _ = t.syn(ms, from, to),
        Half => _ = t.half(ms, from, to),
        Open => _ = t.open(ms, from, to),
        Used => _ = t.used(ms, from, to),
        Reset => {
            let (c, _) = t.half(ms, from, to);
            t.send(ms + 9.0, from, to, R, c.wrapping_add(1), 0);
        }
    }
}

/// SYNs of as many sources within ten seconds.
fn flood(n: u32, outcome: Outcome) -> Traffic {
    let mut t = Traffic::new();
    // A third step that is seen, so that those of the others are missed.
    t.open(0.0, theirs(9, 40_000), ours(9, 80));
    for k in 0..n {
        let from = scattered(k, 1024 + (k % 60_000) as u16);
        attempt(&mut t, f64::from(k) * 10_000.0 / f64::from(n), from, ours(1, 443), outcome);
    }
    t
}

fn few_sources(n: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let from = scattered(k % 20, 1024 + k as u16);
        attempt(&mut t, f64::from(k) * 10_000.0 / f64::from(n), from, ours(1, 443), Half);
    }
    t
}

/// So many SYNs every ten seconds, of which so many complete.
fn excess(syns: u32, completed: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..8 * syns {
        let outcome = if k % syns < completed { Used } else { Half };
        let ms = f64::from(k / syns) * 10_000.0 + f64::from(k % syns) * 70.0;
        attempt(&mut t, ms, scattered(k, 2000), ours(1, 443), outcome);
    }
    t
}

/// Connections that stay open for twelve seconds, put to use or not, of one source or of many in one network.
fn held(n: u32, used: bool, network: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let from = theirs(if network { 1 + k % 250 } else { 1 }, 10_000 + k as u16);
        attempt(&mut t, f64::from(k) * 5.0, from, ours(1, 5222), if used { Used } else { Open });
    }
    t
}

/// So many sources hold so many connections each, on which nothing is said; `used`: one of two is.
fn held_together(sources: u32, each: u32, used: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..sources * each {
        let from = scattered(k % sources, 2000 + (k / sources) as u16 * 3);
        let is_used = used && k % 2 == 0;
        attempt(&mut t, f64::from(k) * 5.0, from, ours(1, 5222), if is_used { Used } else { Open });
    }
    t
}

/// Requests that trickle in, a few octets every 5 s, to a server that waits for their end; after so many seconds it
/// answers.
fn slow_requests(sources: u32, each: u32, answered: f64) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..sources * each {
        let (from, to, ms) =
            (scattered(k % sources, 2000 + (k / sources) as u16 * 3), ours(1, 80), f64::from(k) * 20.0);
        let (c, s) = t.open(ms, from, to);
        for n in 0..6 {
            let at = f64::from(n) * 5.0;
            if at < answered {
                let number = c.wrapping_add(1 + 8 * n);
                t.send(ms + 12.0 + at * 1000.0, from, to, PA, number, s.wrapping_add(1)).payload = 8;
            }
        }
        t.send(ms + answered * 1000.0, to, from, PA, s.wrapping_add(1), c.wrapping_add(9)).payload = 300;
    }
    t
}

/// The same of one source, and a few of its neighbours.
pub(crate) fn one_of_a_network() -> Traffic {
    let mut t = held(320, false, false);
    for k in 0..5_u16 {
        t.open(f64::from(k) * 300.0 + 1.0, theirs(7, 20_000 + k), ours(1, 5222));
    }
    t
}

/// ACKs of many sources that the target resets, within a second.
fn strays(n: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let (from, ms) = (scattered(k, 3000), f64::from(k) * 3.0);
        t.send(ms, from, ours(1, 80), A, dice(k.into()), 9);
        t.send(ms + 0.5, ours(1, 80), from, R, 9, 0);
    }
    t
}

fn reflection(servers: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..200 {
        let server = scattered(k % servers, 80);
        t.send(f64::from(k) * 100.0, server, ours(1, 40_000), SA, dice(k.into()), 1);
    }
    t
}

/// SYN-ACKs of one host to so many.
fn backscatter(targets: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..30 {
        let to = ours(1 + k % targets, 40_000 + k as u16);
        t.send(f64::from(k) * 2400.0, theirs(1, 80), to, SA, dice(k.into()), 1);
    }
    t
}

fn sweep(hosts: u32, ports: u32, outcome: Outcome) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..hosts * ports {
        let (from, to) = (theirs(1, 40_000 + 37 * k as u16), ours(1 + k % hosts, 22 + (k / hosts) as u16));
        attempt(&mut t, f64::from(k) * 50.0, from, to, outcome);
    }
    t
}

fn ports(n: u32, outcome: Outcome) -> Traffic {
    sweep(1, n, outcome)
}

fn shared_scan(sources: u32, ports: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..sources * ports {
        let from = theirs(1 + k % sources, 40_000 + k as u16);
        t.refused(f64::from(k) * 100.0, from, ours(1, 1000 + k as u16));
    }
    t
}

fn decoys(same: bool) -> Traffic {
    let mut t = Traffic::new();
    for port in 80..85_u16 {
        for source in 1..=4_u32 {
            let ms = f64::from(port) * 200.0 + f64::from(source);
            let seq = if same { 77 } else { dice(u64::from(source) << 16 | u64::from(port)) };
            t.send(ms, theirs(source, 50_000), ours(1, port), S, seq, 0);
            t.send(ms + 5.0, ours(1, port), theirs(source, 50_000), RA, 0, seq.wrapping_add(1));
        }
    }
    t
}

fn contacts(pattern: &str) -> Traffic {
    let mut t = Traffic::with_local("198.51.100.0/24");
    for (k, letter) in (0..).zip(pattern.chars()) {
        let outcome = if letter == 'F' { Refused } else { Used };
        attempt(&mut t, f64::from(k) * 100.0, theirs(1, 40_000), ours(1 + k, 80), outcome);
    }
    t
}

fn failed_every(seconds: f64) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..30_u16 {
        t.refused(f64::from(k) * 1000.0 * seconds, theirs(1, 40_000 + k), ours(1, 100 + k));
    }
    t
}

/// Segments without a connection from one port to as many.
fn probes(n: u16, flags: Flags, answered: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let (from, to, ms) = (theirs(1, 50_000), ours(1, 80 + k), f64::from(k) * 20.0);
        t.send(ms, from, to, flags, dice(k.into()), 9);
        if answered {
            t.send(ms + 1.0, to, from, R, 9, 0);
        }
    }
    t
}

/// Ten connections that end with such a segment.
fn closing(flags: Flags) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..10_u16 {
        let (from, to, ms) = (theirs(1, 50_000 + 11 * k), ours(1, 80), f64::from(k) * 100.0);
        let (c, s) = t.used(ms, from, to);
        t.send(ms + 20.0, to, from, A, s.wrapping_add(1), c.wrapping_add(11));
        t.send(ms + 50.0, from, to, flags, c.wrapping_add(11), s.wrapping_add(1));
    }
    t
}

/// A prober reads the identification of a zombie, which counts by `step`, while a target answers SYNs in its name.
fn zombie(step: u16) -> Traffic {
    let mut t = Traffic::new();
    let mut id = 500_u16;
    for k in 0..10_u16 {
        let (prober, target, zombie) = (theirs(1, 50_000 + k), theirs(2, 80), ours(1, 443));
        let from = if k % 2 == 0 { prober } else { Endpoint { port: 80 + k, ..target } };
        let (ms, seq) = (f64::from(k) * 30.0, dice(k.into()));
        t.send(ms, from, zombie, SA, seq, 9);
        id = id.wrapping_add(step);
        t.send(ms + 1.0, zombie, from, R, 9, 0).ip_id = id;
    }
    t
}

/// SYNs in the name of a host that is elsewhere, and counts its packets by `step`.
fn forged_syns(step: u16) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..8_u16 {
        let (zombie, target) = (theirs(1, 50_000), ours(1, 80 + k));
        let ms = f64::from(k) * 100.0;
        t.half_with(ms, zombie, target, 77, dice(k.into()));
        let syn = t.last(1);
        (syn.window, syn.ttl, syn.options) = (1024, 50, mss_only(1460));
        let reset = t.send(ms + 9.0, zombie, target, R, 78, 0);
        (reset.ttl, reset.ip_id) = (60, 300_u16.wrapping_add(k.wrapping_mul(step)));
    }
    t
}

/// A server that numbers its packets with one counter, or with one for each of its peers.
fn counted(globally: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..12_u16 {
        let peer = u32::from(k % 3);
        t.used(f64::from(k) * 100.0, theirs(1 + peer, 41_000 + k), ours(1, 80));
        let id = if globally { 300 + k } else { 300 + 7000 * peer as u16 + k / 3 };
        t.last(2).ip_id = id;
    }
    t
}

/// SYNs without DF, as raw tools send them, to as many hosts.
fn raw(n: u32, ms: f64, window: u16, options: Options) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        t.syn(f64::from(k) * ms, theirs(1, 40_000), ours(1 + k, 80));
        let syn = t.last(0);
        (syn.window, syn.options, syn.dont_fragment, syn.ttl) = (window, options, false, 50);
        syn.ip_id = dice(k.into()) as u16;
    }
    t
}

fn nmap(n: u32) -> Traffic {
    raw(n, 50.0, 1024, mss_only(1460))
}

fn nmap_os(windows: &[u16]) -> Traffic {
    let mut t = Traffic::new();
    for (k, window) in (0..).zip(windows) {
        t.syn(f64::from(k) * 100.0, theirs(1, 40_000 + k), ours(1, 80));
        let mss = match window {
            1 => 1460,
            63 => 1400,
            _ => 536,
        };
        let syn = t.last(0);
        (syn.window, syn.options) = (*window, Options { mss: Some(mss), ..linux(u32::MAX, 0) });
    }
    t
}

fn zmap(id: u16) -> Traffic {
    raw(3, 1.0, 65535, Options::default()).each(|s| s.ip_id = id)
}

fn masscan(n: u32) -> Traffic {
    raw(n, 1.0, 1024, Options::default()).each(|s| {
        let std::net::IpAddr::V4(to) = s.destination.ip else { return };
        s.ip_id = (u32::from(to) ^ u32::from(s.destination.port) ^ s.seq.0) as u16;
        s.ttl = 250;
    })
}

fn mirai(n: u32) -> Traffic {
    raw(n, 10.0, 5840, Options::default()).each(|s| {
        let std::net::IpAddr::V4(to) = s.destination.ip else { return };
        s.seq = synscope::tcp::SeqNumber(u32::from(to));
        s.destination.port = 23;
    })
}

fn hping(n: u32) -> Traffic {
    raw(n, 1000.0, 512, Options::default())
}

fn sendsyn(mss: u16) -> Traffic {
    raw(3, 1000.0, 1337, mss_only(mss))
}

/// One SYN again and again.
fn repeated_syns(n: u16) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        t.send(f64::from(k) * 400.0, theirs(1, 40_000), ours(1, 80), S, 77, 0);
    }
    t
}

/// Clients that try again, in vain.
fn outage() -> Traffic {
    let mut t = Traffic::new();
    for k in 0..40_u32 {
        let (from, to, ms) = (scattered(k, 40_000), ours(1, 443), f64::from(k) * 300.0);
        let c = t.syn(ms, from, to);
        t.send(ms + 1000.0, from, to, S, c, 0);
    }
    t
}

/// A server resets open connections: so many every ten seconds, then sixty.
fn resets(usually: u32) -> Traffic {
    let mut t = Traffic::new();
    for decade in 0..4_u32 {
        for k in 0..if decade < 3 { usually } else { 60 } {
            let ms = f64::from(decade) * 10_000.0 + f64::from(k) * 100.0;
            let (from, to) = (scattered(decade * 100 + k, 40_000), ours(1, 80));
            let (_, s) = t.used(ms, from, to);
            t.send(ms + 30.0, to, from, R, s.wrapping_add(1), 0);
        }
    }
    t
}

/// A server's SYN-ACKs on as many four-tuples, a tenth of a second apart, with these numbers (of 1, 2, ...).
fn server(n: u64, number: fn(u64) -> u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 1..=n {
        t.open_with(k as f64 * 100.0, scattered(k as u32, 40_000), ours(1, 80), dice(k << 32), number(k));
    }
    t
}

fn lcg(n: u64) -> u32 {
    (0..n).fold(12_345_u32, |x, _| x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
}

/// A server whose number is the client's plus seven.
fn mirror(n: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let c = dice(k.into());
        t.open_with(f64::from(k) * 500.0, scattered(k, 40_000), ours(1, 80), c, c.wrapping_add(7));
    }
    t
}

/// A client whose number is the address it asks, plus seven.
fn from_address(n: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let to = scattered(k, 80);
        let std::net::IpAddr::V4(ip) = to.ip else { continue };
        t.open_with(f64::from(k) * 500.0, theirs(1, 40_000), to, u32::from(ip).wrapping_add(7), dice(k.into()));
    }
    t
}

/// A four-tuple used twice, by a client without timestamps; the second time with this number.
fn again(isn: u32) -> Traffic {
    again_after(isn, 5.0)
}

fn again_after(isn: u32, seconds: f64) -> Traffic {
    let mut t = Traffic::new();
    t.whole_with(0.0, theirs(1, 40_000), ours(1, 80), 2_000_000_000, 5000);
    t.whole_with(seconds * 1000.0, theirs(1, 40_000), ours(1, 80), isn, 900_000);
    t
}

/// A four-tuple used three times; the server's number grows by so much.
fn reused_after_ten_seconds(growth: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..3_u32 {
        let (c, s) = (1000 + k * 7_000_001, 5000_u32.wrapping_add(k.wrapping_mul(growth)));
        t.whole_with(f64::from(k) * 10_000.0, theirs(1, 40_000), ours(1, 80), c, s);
    }
    t
}

fn from_ports(port: fn(u64) -> u16) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..9 {
        t.used(k as f64 * 100.0, theirs(1, port(k)), ours(1, 80));
    }
    t
}

/// As many connections, and again two seconds later: from the same ports, or from others.
fn reuses(n: u16, same: bool) -> Traffic {
    let mut t = Traffic::new();
    for round in 0..2_u16 {
        for k in 0..n {
            let port = 30_000 + 11 * k + if same { 0 } else { 5000 * round };
            let numbers = 1_000_000 * (u32::from(round) + 1);
            let ms = f64::from(round) * 2000.0 + f64::from(k) * 50.0;
            t.whole_with(ms, theirs(1, port), ours(1, 80), numbers + u32::from(k), dice(u64::from(port + round)));
        }
    }
    t
}

/// Resets inside the window but not exact, each answered by a challenge ACK.
pub(crate) fn challenged(n: u32, gap: f64) -> Traffic {
    let mut t = Traffic::new();
    let (from, to) = (theirs(1, 40_000), ours(1, 80));
    let (c, s) = t.used(0.0, from, to);
    let (c, s) = (c.wrapping_add(11), s.wrapping_add(1));
    t.send(15.0, to, from, A, s, c);
    for k in 0..n {
        let ms = 1000.0 + f64::from(k) * gap;
        t.send(ms, from, to, R, c.wrapping_add(100 + k), 0);
        t.send(ms + 2.0, to, from, A, s, c);
    }
    t
}

/// So many four-tuples, each used twice within ten seconds, on which the server's number moves as the client's does.
fn cookies(n: u16) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let (from, ms, c, s) =
            (theirs(1, 40_000 + 11 * k), f64::from(k) * 100.0, dice(k.into()), dice(u64::from(k) << 9));
        let moved = 0x1234_5678_u32.wrapping_add(u32::from(k) * 65_521);
        t.half_with(ms, from, ours(1, 80), c, s);
        t.send(ms + 9.0, from, ours(1, 80), R, c.wrapping_add(1), 0);
        t.half_with(ms + 5000.0, from, ours(1, 80), c.wrapping_add(moved), s.wrapping_add(moved));
    }
    t
}

/// A server whose SYN-ACKs change for good, or between two kinds.
fn drift(alternating: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..40_u32 {
        let ms = f64::from(k) * 100.0;
        t.used(ms, scattered(k, 40_000), ours(1, 80));
        let other = if alternating { k % 2 == 1 } else { k >= 20 };
        t.last(3).options = linux(9, 0);
        let synack = t.last(2);
        synack.options = linux(5, 9);
        if other {
            (synack.options.mss, synack.options.layout) = (Some(1380), Layout(0x3_4275));
        }
    }
    t
}

/// Hosts of 10/8 flood one outside; these are our networks.
fn flood_of(net: &str) -> Traffic {
    let mut t = Traffic::with_local(net);
    for k in 0..2000_u32 {
        let from = Endpoint { ip: std::net::Ipv4Addr::from(0x0a00_0000 | (k * 77)).into(), port: 2000 };
        t.half(f64::from(k) * 5.0, from, ours(1, 443));
    }
    t
}

/// Connections of two clients that offer everything, and get only this back.
fn answers(n: u32, options: fn() -> Options) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        t.used(f64::from(k) * 500.0, theirs(1 + k % 2, 41_000 + 7 * k as u16), ours(1, 80));
        t.last(3).options = linux(1, 0);
        t.last(2).options = options();
    }
    t
}

/// So many connections whose SYN is only answered when it comes without ECN, and one whose is answered at once.
fn without_ecn(n: u16) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..=n {
        let (from, to, ms) = (theirs(1, 41_000 + 7 * k), ours(1, 80), f64::from(k) * 10_000.0);
        let ecn = S | Flags::ECE | Flags::CWR;
        let (c, s) = (dice(k.into()), dice(u64::from(k) << 20));
        if k > 0 {
            t.send(ms, from, to, ecn, c, 0);
            t.send(ms + 1000.0, from, to, S, c, 0);
        } else {
            t.send(ms + 1000.0, from, to, ecn, c, 0);
        }
        t.send(ms + 1005.0, to, from, SA, s, c.wrapping_add(1));
        t.send(ms + 1010.0, from, to, A, c.wrapping_add(1), s.wrapping_add(1));
    }
    t
}

/// Twenty connections with an MSS of 1360 from one network, of one system or of two.
fn clamped(two_systems: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..20_u32 {
        t.used(f64::from(k) * 500.0, theirs(1 + k, 41_000 + 7 * k as u16), ours(1, 80));
        let options = if two_systems && k % 2 == 1 { windows() } else { linux(k * 100_003, 0) };
        t.last(3).options = Options { mss: Some(1360), ..options };
    }
    t
}

/// Connections of one address in turn by two clocks, to one host or each to its own.
fn clocks(one_host: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..10_u32 {
        let (second, to) = (k % 2, if one_host { 1 } else { 1 + k % 2 });
        let ms = k * 2000;
        t.syn(f64::from(ms), theirs(1, 41_000 + 7 * k as u16), ours(to, 80));
        t.last(0).options = linux(second * 900_000_000 + ms, 0);
    }
    t
}

fn linux_without_stamps() -> Options {
    Options { timestamps: None, layout: Layout(0x4_2253), ..linux(0, 0) }
}

/// SYNs of one address that look like this and like that in turn.
fn in_turn(one: Options, other: Options) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..10_u32 {
        t.used(f64::from(k) * 700.0, theirs(1, 41_000 + 7 * k as u16), ours(1, 80));
        let windows = k % 2 == 1 && other.layout == windows().layout;
        let syn = t.last(3);
        syn.options = if k % 2 == 0 { one } else { other };
        syn.ttl = if windows { 127 } else { 63 };
    }
    t
}

/// Connections by a clock of 1000 Hz; one of them is off by so many ticks.
fn uptime(off: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..8_u32 {
        let ms = k * 6000;
        t.used(f64::from(ms), theirs(1, 41_000 + 7 * k as u16), ours(1, 80));
        t.last(3).options = linux(50_000_000 + ms + if k == 2 && off > 1000 { off } else { 0 }, 0);
    }
    t
}

/// A server that stops taking options, and stops repeating its SYN-ACKs or does not.
fn collapse(no_repeats: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..10_u32 {
        let (from, to, ms) = (scattered(k, 41_000), ours(1, 80), 10_000.0 + f64::from(k) * 500.0);
        let (c, s) = t.half(ms, from, to);
        t.last(1).options = windows();
        t.last(0).options = if k < 4 { windows() } else { mss_only(1460) };
        if k < 4 || !no_repeats {
            t.send(ms + 1005.0, to, from, SA, s, c.wrapping_add(1));
        }
    }
    t
}

/// Connections whose server's number is a cookie as FreeBSD makes them, for MSS 1460, window scale 7 and SACK.
fn freebsd(n: u32, bits: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let hash = dice(u64::from(k) << 13);
        let number = (hash & !0xff) | (bits | ((k / 6) & 1)) ^ hash >> 24;
        let (from, ms) = (theirs(1 + k % 3, 41_000 + 7 * k as u16), f64::from(k) * 900.0);
        t.whole_with(ms, from, ours(1, 80), dice(k.into()), number);
        t.last(6).options = linux(9, 0);
        t.last(5).options = linux(dice(u64::from(k) << 3), 9);
    }
    t
}

/// What a SYN-ACK looks like: TTL, MSS, window, and options but the MSS (Linux's, those of Windows, none).
type Face = (u8, u16, u16, u8);
const LINUX: Face = (60, 1460, 65160, 1);
const LINUX_FURTHER: Face = (58, 1460, 65160, 1);
/// By a tunnel.
const LINUX_TUNNEL: Face = (59, 1400, 65160, 1);
const WINDOWS: Face = (120, 1380, 65535, 2);
const COOKIE: Face = (60, 1460, 64240, 0);

fn drawn(n: usize) -> Face {
    [LINUX, WINDOWS][dice(n as u64 + 3) as usize % 2]
}

fn show(s: &mut synscope::tcp::Segment, (ttl, mss, window, options): Face) {
    (s.ttl, s.window) = (ttl, window);
    s.options = [mss_only(mss), linux(5, 9), windows()][usize::from(options)];
    s.options.mss = Some(mss);
}

/// Forty connections that offer the same, and are answered so.
fn answered_by(face: fn(usize) -> Face) -> Traffic {
    let mut t = Traffic::new();
    for n in 0..40_u32 {
        t.used(f64::from(n) * 300.0, theirs(1 + n % 7, 41_000 + 7 * n as u16), ours(1, 80));
        t.last(3).options = linux(9, 0);
        show(t.last(2), face(n as usize));
    }
    t
}

/// Two kinds of clients in turn, each of which gets another answer: of less to who offers less.
fn kinds_of_clients(differ: bool) -> Traffic {
    let mut t = Traffic::new();
    for n in 0..40_u32 {
        t.used(f64::from(n) * 300.0, theirs(1 + n % 7, 41_000 + 7 * n as u16), ours(1, 80));
        let other = differ && n % 2 == 1;
        t.last(3).options = if other { windows() } else { linux(9, 0) };
        show(t.last(2), if other { (60, 1380, 64860, 2) } else { LINUX });
    }
    t
}

/// What decides which SYNs are answered: time in milliseconds, number of the attempt, which try of it.
struct Door {
    ms: u64,
    attempt: u32,
    tries: u32,
    /// Thousandths of answers that are left, and when that was.
    tokens: (u64, u64),
    in_second: (u64, u32),
}

impl Door {
    /// Thirty a second, five at once.
    fn tokens(&mut self) -> bool {
        let (left, at) = self.tokens;
        self.tokens = ((left + 30 * (self.ms - at)).min(5000), self.ms);
        let open = self.tokens.0 >= 1000;
        self.tokens.0 -= if open { 1000 } else { 0 };
        open
    }

    fn drawn(&mut self) -> bool {
        dice(u64::from(self.attempt) << 8 | u64::from(self.tries)).is_multiple_of(2)
    }

    fn first_of_each_second(&mut self) -> bool {
        if self.in_second.0 != self.ms / 1000 {
            self.in_second = (self.ms / 1000, 0);
        }
        self.in_second.1 += 1;
        self.in_second.1 <= 20
    }

    /// Whoever is sent to that host never gets an answer.
    fn one_of_four_is_dead(&mut self) -> bool {
        !self.attempt.is_multiple_of(4)
    }

    fn some_are_kept_out(&mut self) -> bool {
        self.attempt.is_multiple_of(3)
    }

    fn closed_for_a_while(&mut self) -> bool {
        !(4000..9000).contains(&self.ms)
    }
}

/// Sixty attempts a second for twelve seconds, each of which asks again every second until it is answered.
fn asked(open: fn(&mut Door) -> bool) -> Traffic {
    asked_up_to(6, open)
}

/// The same, of nobody who asks again.
fn asked_once(open: fn(&mut Door) -> bool) -> Traffic {
    asked_up_to(1, open)
}

fn asked_up_to(most: u32, open: fn(&mut Door) -> bool) -> Traffic {
    let mut t = Traffic::new();
    let mut door = Door { ms: 0, attempt: 0, tries: 0, tokens: (5000, 0), in_second: (0, 0) };
    let mut answered = [false; 720];
    for ms in 0..18_000_u64 {
        for tries in 0..most {
            let first = ms.checked_sub(u64::from(tries) * 1000).filter(|first| *first < 12_000);
            // One each 16 or 17 ms.
            let Some(n) = first.map(|first| (first * 60).div_ceil(1000)).filter(|n| first == Some(n * 1000 / 60))
            else {
                continue;
            };
            if answered.get(n as usize) != Some(&false) {
                continue;
            }
            let (from, to) = (theirs(1 + n as u32 % 50, 2000 + 50 * n as u16), ours(1, 80));
            let (c, s) = (dice(n), dice(n << 20));
            t.send(ms as f64, from, to, S, c, 0);
            (door.ms, door.attempt, door.tries) = (ms, n as u32, tries);
            if open(&mut door) {
                answered[n as usize] = true;
                t.send(ms as f64 + 0.3, to, from, SA, s, c.wrapping_add(1));
                t.send(ms as f64 + 0.6, from, to, A, c.wrapping_add(1), s.wrapping_add(1));
                t.send(ms as f64 + 0.7, from, to, PA, c.wrapping_add(1), s.wrapping_add(1)).payload = 10;
            }
        }
    }
    t
}

/// By how much a cookie stands back for a client with window scale 9 and SACK, at this time on the server's clock.
fn on_the_grid(ms: u64, _: u32) -> u32 {
    (ms.wrapping_sub(25) % 64) as u32
}

/// Connections of which the SYN-ACK's timestamp stands back by so much; each has an offset of its own.
fn stand_back(n: u32, back: fn(u64, u32) -> u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let ms = u64::from(k) * 1000 + u64::from(dice(k.into()) % 700);
        let (from, to, offset) = (theirs(1 + k % 2, 41_000 + 7 * k as u16), ours(1, 80), dice(u64::from(k) << 7));
        let (c, s) = t.used(ms as f64, from, to);
        t.last(3).options = linux(9, 0);
        t.last(3).options.window_scale = Some(9);
        let clock = ms as u32 + 5;
        t.last(2).options = linux(offset.wrapping_add(clock).wrapping_sub(back(clock.into(), k)), 9);
        t.send(ms as f64 + 15.0, to, from, A, s.wrapping_add(1), c.wrapping_add(11));
        t.last(0).options.timestamps = linux(offset.wrapping_add(ms as u32 + 15), 9).timestamps;
    }
    t
}

/// Connections whose SYN-ACK is repeated although it was acknowledged, and whose data is ignored.
fn overflows(n: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let (from, to, ms) = (scattered(k, 41_000), ours(1, 80), f64::from(k) * 300.0);
        let (c, s) = t.open(ms, from, to);
        for after in [100.0, 300.0, 700.0] {
            t.send(ms + after, from, to, PA, c.wrapping_add(1), s.wrapping_add(1));
            t.last(0).payload = 100;
        }
        for after in [1000.0, 3000.0] {
            t.send(ms + after, to, from, SA, s, c.wrapping_add(1));
            t.send(ms + after + 5.0, from, to, A, c.wrapping_add(101), s.wrapping_add(1));
        }
    }
    t
}

/// Twenty answers after so many milliseconds, then one after 0.6 s.
fn late_answer(usually: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..=20_u32 {
        let (from, to, ms) = (scattered(k, 41_000), ours(1, 80), f64::from(k) * 2000.0);
        let (c, s) = (dice(k.into()), dice(u64::from(k) << 20));
        let after = f64::from(if k < 20 { usually } else { 590 });
        t.send(ms, from, to, S, c, 0);
        t.send(ms + after, to, from, SA, s, c.wrapping_add(1));
        t.send(ms + after + 5.0, from, to, A, c.wrapping_add(1), s.wrapping_add(1));
        t.send(ms + after + 6.0, from, to, PA, c.wrapping_add(1), s.wrapping_add(1)).payload = 10;
    }
    t
}

/// A connection whose SYN carries the stamp 10 and whose FIN this one.
fn stamps(last: u32) -> Traffic {
    let mut t = Traffic::new();
    let (from, to) = (theirs(1, 41_000), ours(1, 80));
    let (c, s) = t.used(0.0, from, to);
    t.send(20.0, from, to, FA, c.wrapping_add(11), s.wrapping_add(1)).options = linux(last, 40);
    t.last(4).options = linux(10, 0);
    t.last(3).options = linux(40, 10);
    for back in [1, 2] {
        let s = t.last(back);
        s.options.timestamps = linux(11, 40).timestamps;
    }
    let fin = t.last(0);
    fin.options = Options { timestamps: fin.options.timestamps, ..Options::default() };
    t
}

/// Fifty connections and more that one client asks for at once over a long path, and gets.
pub(crate) fn many_at_once() -> Traffic {
    let mut t = Traffic::new();
    t.open(0.0, theirs(9, 40_000), ours(9, 80));
    let ends = |k: u16| (theirs(1, 10_000 + k), ours(1, 80));
    let syns: Vec<_> = (0..80).map(|k| (k, t.half(100.0 + f64::from(k), ends(k).0, ends(k).1))).collect();
    for (k, (c, s)) in syns {
        t.send(800.0 + f64::from(k), ends(k).0, ends(k).1, A, c.wrapping_add(1), s.wrapping_add(1));
    }
    t.open(6_000.0, theirs(9, 40_001), ours(9, 80));
    t
}

/// Servers of which some answers are seen and others are not, within a second.
pub(crate) fn ways_apart() -> Traffic {
    let mut t = Traffic::new();
    for k in 0..300_u32 {
        let (client, server) = (scattered(k, 40_000), ours(1 + k % 3, 443));
        let ms = f64::from(k) * 3.0;
        if k / 3 % 2 == 0 {
            t.syn(ms, client, server);
        } else {
            t.send(ms, server, client, SA, dice(u64::from(k)), dice(u64::from(k) + 1));
        }
    }
    t
}

/// A dark network: what it gets are SYNs of scanners, and SYN-ACKs of others.
pub(crate) fn dark() -> Traffic {
    let mut t = Traffic::new();
    for k in 0..300_u32 {
        let ms = f64::from(k) * 3.0;
        if k % 2 == 0 {
            t.syn(ms, scattered(k, 40_000), ours(k % 200, 23));
        } else {
            t.send(ms, scattered(7, 80), ours(k % 200, 1024 + k as u16), SA, dice(u64::from(k)), 1);
        }
    }
    t
}
