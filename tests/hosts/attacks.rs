//! Attacks in many forms, each of which is named: by source or target, technique and open ports.

use synscope::detect::{Anomaly, Figure, Scope};
use synscope::tcp::{Endpoint, Flags};

use crate::ordinary::{Fate, Life, v4};
use crate::traffic::{A, F, FA, R, RA, S, SA, Traffic, dice, mss_only, scattered};

/// A technique: its word, the flags of its probes, and what comes of it.
#[derive(Clone, Copy, Debug)]
struct Technique {
    word: &'static str,
    flags: Flags,
    /// Of a kernel.
    connects: bool,
    /// Whether RST answers, by whether the port is open.
    closed: bool,
    open: Reaction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    SynAck,
    Rst,
    Nothing,
}

const fn technique(word: &'static str, flags: u16, open: Reaction) -> Technique {
    Technique { word, flags: Flags(flags), connects: false, closed: true, open }
}

const XMAS: u16 = Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0;

const TECHNIQUES: [Technique; 11] = [
    technique("syn", Flags::SYN.0, Reaction::SynAck),
    Technique { connects: true, ..technique("connect", Flags::SYN.0, Reaction::SynAck) },
    technique("fin", Flags::FIN.0, Reaction::Nothing),
    technique("null", 0, Reaction::Nothing),
    technique("xmas", XMAS, Reaction::Nothing),
    technique("maimon", Flags::FIN.0 | Flags::ACK.0, Reaction::Rst),
    technique("ack-or-window", Flags::ACK.0, Reaction::Rst),
    technique("odd-flags", Flags::SYN.0 | Flags::FIN.0, Reaction::SynAck),
    technique("odd-flags", Flags::PSH.0, Reaction::Nothing),
    technique("synack", Flags::SYN.0 | Flags::ACK.0, Reaction::Rst),
    Technique { closed: false, ..technique("inverse-rst", Flags::RST.0, Reaction::Nothing) },
];

/// Milliseconds from probe to probe: from a thousand a second to one in five minutes.
const GAPS: [f64; 7] = [1.0, 20.0, 300.0, 1000.0, 9000.0, 60_000.0, 300_000.0];

const OPEN: [u16; 3] = [22, 80, 443];

/// Who scans.
fn scanner() -> Endpoint {
    v4(66, 6, 54_321)
}

/// One probe and what comes of it; `silent`: of a target that a filter protects.
fn probe(life: &mut Life, ms: f64, by: Technique, from: Endpoint, to: Endpoint, silent: bool) {
    let open = OPEN.contains(&to.port);
    if by.connects {
        let fate = match (open, silent) {
            (true, _) => Fate::Unused,
            (_, true) => Fate::Silent(3_000),
            _ => Fate::Refused,
        };
        return life.ask(ms, from.ip, to, fate);
    }
    let (c, s) = (life.random(u32::MAX), life.random(u32::MAX));
    let probe = life.t.send(ms, from, to, by.flags, c, if by.flags.has(A) { s } else { 0 });
    (probe.window, probe.options) = (8192, if by.flags.has(S) { mss_only(1460) } else { Default::default() });
    let reaction = match (open, by.closed && !silent) {
        (true, _) => by.open,
        (false, true) => Reaction::Rst,
        _ => Reaction::Nothing,
    };
    match reaction {
        Reaction::SynAck => {
            life.t.send(ms + 2.0, to, from, SA, s, c.wrapping_add(1));
            life.t.send(ms + 2.2, from, to, R, c.wrapping_add(1), 0);
        }
        Reaction::Rst if by.flags.has(A) => {
            life.t.send(ms + 2.0, to, from, R, s, 0);
        }
        Reaction::Rst => {
            life.t.send(ms + 2.0, to, from, RA, 0, c.wrapping_add(1));
        }
        Reaction::Nothing => {}
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Vertical,
    Horizontal,
    Grid,
    /// Three ports of many hosts.
    Few,
}

fn targets(form: Form, gap: f64) -> Vec<Endpoint> {
    let n: u16 = if gap > 5000.0 { 40 } else { 150 };
    match form {
        Form::Vertical => {
            (0..n).map(|k| v4(1, 1, if k % 13 == 7 { OPEN[usize::from(k / 13) % 3] } else { 1000 + k })).collect()
        }
        Form::Horizontal => (0..n).map(|k| v4(1, 1 + k as u8, 23)).collect(),
        Form::Grid => (0..n).map(|k| v4(1, 1 + (k / 10) as u8, 8000 + k % 10)).collect(),
        Form::Few => (0..n).map(|k| v4(1, 1 + (k / 3) as u8, [21, 23, 25][usize::from(k % 3)])).collect(),
    }
}

fn scan(by: Technique, form: Form, gap: f64, silent: bool) -> Traffic {
    let mut life = Life::new((gap as u64) << 8 | u64::from(by.flags.0));
    for (n, to) in targets(form, gap).into_iter().enumerate() {
        probe(&mut life, n as f64 * gap, by, scanner(), to, silent && n % 3 > 0);
    }
    life.t
}

fn text<'a>(a: &'a Anomaly, name: &str) -> Option<&'a str> {
    a.figures.iter().find_map(|(n, f)| match f {
        Figure::Text(text) if *n == name => Some(text.as_str()),
        _ => None,
    })
}

fn list(a: &Anomaly, name: &str) -> Option<Vec<i64>> {
    a.figures.iter().find_map(|(n, f)| match f {
        Figure::List(list) if *n == name => Some(list.clone()),
        _ => None,
    })
}

fn hosts(found: &[Anomaly]) -> Vec<&Anomaly> {
    found.iter().filter(|a| a.scope == Scope::Host).collect()
}

/// What is wrong with what is said of a scan.
fn wrong_with(found: &[Anomaly], by: Technique, form: Form) -> Option<String> {
    let of_it: Vec<&Anomaly> =
        hosts(found).into_iter().filter(|a| a.source.is_some_and(|(ip, _)| ip == scanner().ip)).collect();
    let ids = || of_it.iter().map(|a| a.id).collect::<Vec<_>>();
    let shapes: Vec<&&Anomaly> = of_it.iter().filter(|a| a.id.starts_with("scan-")).collect();
    if !shapes.iter().any(|a| text(a, "technique") == Some(by.word)) {
        return Some(format!("no shape with the technique: {:?}", ids()));
    }
    if form == Form::Vertical && matches!(by.open, Reaction::SynAck) {
        let last = shapes.last().and_then(|a| list(a, "ports_open"));
        if last != Some(OPEN.map(i64::from).to_vec()) {
            return Some(format!("open: {last:?}"));
        }
    }
    let mut incidents: Vec<_> = shapes.iter().filter_map(|a| a.incident).map(|i| i.id).collect();
    incidents.sort_unstable();
    incidents.dedup();
    (incidents.len() > 1).then(|| format!("{} incidents: {:?}", incidents.len(), ids()))
}

#[test]
fn scans_are_named_whatever_their_technique_shape_and_rate() {
    let (mut wrong, mut all) = (Vec::new(), 0);
    for by in TECHNIQUES {
        for gap in GAPS {
            for form in [Form::Vertical, Form::Horizontal, Form::Grid, Form::Few] {
                for silent in [false, true] {
                    all += 1;
                    let found = scan(by, form, gap, silent).found();
                    if let Some(what) = wrong_with(&found, by, form) {
                        wrong.push(format!("{} {:?} {form:?} gap {gap} silent {silent}: {what}", by.word, by.flags));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {all} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// How long after a scan's first probe it is named.
#[test]
fn a_kernels_scan_is_named_as_soon_as_others() {
    let mut wrong = Vec::new();
    let connect = TECHNIQUES[1];
    for (form, gap) in [(Form::Vertical, 20.0), (Form::Horizontal, 20.0), (Form::Few, 20.0), (Form::Grid, 20.0)] {
        for silent in [false, true] {
            let found = scan(connect, form, gap, silent).found();
            let first = hosts(&found).into_iter().find(|a| a.id.starts_with("scan-")).map(|a| a.time);
            let after = first.map(|t| (t - synscope::time::Timestamp(1_700_000_040_000_000_000)) as f64 / 1e9);
            let limit = if silent { 25.0 } else { 5.0 };
            if after.is_none_or(|after| after > limit) {
                wrong.push(format!("{form:?} silent {silent}: {after:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Floods of which one direction proves nothing: their segments may be those of connections, but for the answers.
const NEED_ANSWERS: &[&str] = &["ACK flood, forged", "ACK flood of one source", "FIN, ACK flood", "ACK flood of ports"];

/// Ways to see a part of an attack: its end, its begin, one direction of it.
const PARTS: [(&str, f64, f64, bool); 3] =
    [("from its middle on", 0.4, 1.0, true), ("up to its middle", 0.0, 0.6, true), ("one way", 0.0, 1.0, false)];

fn in_part(
    mut t: Traffic,
    (_, from, to, both): (&str, f64, f64, bool),
    attacker: impl Fn(Endpoint) -> bool,
) -> Traffic {
    let end = t.last_at();
    t.between(from * end, to * end);
    t.only(|s| both || attacker(s.source));
    t
}

#[test]
fn scans_are_named_where_a_part_is_seen() {
    let (mut wrong, mut all) = (Vec::new(), 0);
    for by in TECHNIQUES {
        for gap in [1.0, 300.0, 1000.0] {
            for form in [Form::Vertical, Form::Horizontal, Form::Few] {
                // Each in one way, and all ways of each technique.
                let part = PARTS[all % 3];
                all += if form == Form::Few { 2 } else { 1 };
                let mut t = in_part(scan(by, form, gap, false), part, |from| from.ip == scanner().ip);
                let found = t.found();
                let is_named = hosts(&found)
                    .into_iter()
                    .filter(|a| a.source.is_some_and(|(ip, _)| ip == scanner().ip))
                    .any(|a| a.id.starts_with("scan-") || a.id.starts_with("tech-"));
                if !is_named {
                    wrong.push(format!("{} {:?} {form:?} gap {gap} {}: missed", by.word, by.flags, part.0));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn floods_are_named_where_a_part_is_seen() {
    let mut wrong = Vec::new();
    let floods = ATTACKS.iter().filter(|attack| attack.0.contains("flood"));
    for (n, (name, make, must, must_not)) in floods.enumerate() {
        // Each in one way, and in one direction where that proves something.
        let one_way = PARTS[2..].iter().filter(|_| !NEED_ANSWERS.contains(name));
        for part in PARTS[n % 2..].iter().take(1).chain(one_way).copied() {
            let ours = |from: Endpoint| matches!(from.ip, std::net::IpAddr::V4(ip) if ip.octets()[..3] == [10, 7, 1]);
            let found = in_part(make(), part, |from| !ours(from)).found();
            let said = hosts(&found);
            let ids: Vec<&str> = said.iter().map(|a| a.id).collect();
            if !said.iter().any(|a| must.contains(&a.id)) {
                wrong.push(format!("{name}, {}: missed, said {ids:?}", part.0));
            }
            if let Some(false_one) = said.iter().find(|a| must_not.contains(&a.id)) {
                wrong.push(format!("{name}, {}: {} said: {}", part.0, false_one.id, false_one.reason));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// An attack: its name, how it is made, ids of which one must be said, and those that must not.
pub(crate) type Attack = (&'static str, fn() -> Traffic, &'static [&'static str], &'static [&'static str]);

/// A raw SYN.
pub(crate) fn raw(t: &mut Traffic, ms: f64, from: Endpoint, to: Endpoint) -> u32 {
    let c = t.syn(ms, from, to);
    let s = t.last(0);
    (s.window, s.options) = (8192, mss_only(1460));
    c
}

fn flood(rate: f64, n: u32, from: fn(u32) -> Endpoint, to: fn(u32) -> Endpoint, answers: bool) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let (ms, from, to) = (f64::from(k) * 1000.0 / rate, from(k), to(k));
        let c = raw(&mut t, ms, from, to);
        if answers {
            t.send(ms + 1.0, to, from, SA, dice(u64::from(k) << 9), c.wrapping_add(1));
        }
    }
    t
}

pub(crate) fn strays(
    n: u32,
    flags: Flags,
    from: fn(u32) -> Endpoint,
    to: fn(u32) -> Endpoint,
    answers: bool,
) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..n {
        let (ms, from, to) = (f64::from(k), from(k), to(k));
        let (c, s) = (dice(u64::from(k)), dice(u64::from(k) << 20));
        t.send(ms, from, to, flags, c, if flags.has(A) { s } else { 0 });
        if answers && !flags.has(R) {
            t.send(ms + 1.0, to, from, R, s, 0);
        }
    }
    t
}

pub(crate) fn forged(k: u32) -> Endpoint {
    scattered(k, 1024 + (k % 60_000) as u16)
}

pub(crate) fn one(k: u32) -> Endpoint {
    v4(66, 6, 1024 + (k % 60_000) as u16)
}

pub(crate) const fn web(_: u32) -> Endpoint {
    Endpoint { ip: std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 7, 1, 1)), port: 80 }
}

pub(crate) fn ports(k: u32) -> Endpoint {
    v4(1, 1, 1 + (k.wrapping_mul(7919) % 60_000) as u16)
}

pub(crate) fn prefix(k: u32) -> Endpoint {
    v4(1, k as u8, 80)
}

fn held(sources: u32, each: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..sources * each {
        t.open(f64::from(k) * 5.0, scattered(k % sources, 2000 + (k / sources) as u16 * 3), web(0));
    }
    t
}

fn decoys(by: Technique, names: u32) -> Traffic {
    let mut life = Life::new(77);
    for port in 0..100 {
        let ms = f64::from(port) * 10.0;
        let number = life.random(u32::MAX);
        for name in 0..names {
            let real = name == 2;
            let from = if real { scanner() } else { scattered(name, 54_321) };
            let at = ms + f64::from(name) * 0.2;
            let to = v4(1, 1, 1000 + port);
            let probe = life.t.send(at, from, to, by.flags, number, 0);
            (probe.window, probe.options) = (8192, if by.flags.has(S) { mss_only(1460) } else { Default::default() });
            life.t.send(at + 2.0, to, from, RA, 0, number.wrapping_add(1));
        }
    }
    life.t
}

/// So many sources probe a few each.
fn together(sources: u32, each: u32, horizontal: bool, gap: f64) -> Traffic {
    let mut life = Life::new(5);
    for k in 0..sources * each {
        let from = scattered(k % sources, 40_000 + k as u16);
        let to = if horizontal { v4(1, 1 + k as u8, 22) } else { v4(1, 1, 1000 + k as u16) };
        let c = raw(&mut life.t, f64::from(k) * gap, from, to);
        life.t.send(f64::from(k) * gap + 2.0, to, from, RA, 0, c.wrapping_add(1));
    }
    life.t
}

pub(crate) const FLOODS: &[&str] = &["syn-flood", "syn-flood-spoofed", "syn-flood-cusum", "half-open-accumulation"];
pub(crate) const STRAYS: &[&str] = &["stateless-flood"];
pub(crate) const SCANS: &[&str] = &["scan-horizontal", "scan-vertical", "scan-block", "scan-slow", "scan-distributed"];

pub(crate) const ATTACKS: &[Attack] = &[
    ("SYN flood, forged", || flood(500.0, 6000, forged, web, true), &["syn-flood"], SCANS),
    ("SYN flood, forged, silent", || flood(500.0, 6000, forged, web, false), &["syn-flood"], SCANS),
    ("SYN flood of one source", || flood(500.0, 6000, one, web, true), &["syn-flood"], SCANS),
    ("SYN flood, slow", || flood(120.0, 3000, forged, web, true), FLOODS, SCANS),
    ("SYN flood of ports", || flood(800.0, 9000, forged, ports, false), &["syn-flood"], SCANS),
    ("SYN flood of a prefix", || flood(2000.0, 12_000, forged, prefix, false), &["syn-flood"], SCANS),
    ("SYN flood of a prefix by one", || flood(2000.0, 12_000, one, prefix, false), &["syn-flood"], SCANS),
    ("SYN flood of a prefix by one, answered", || flood(2000.0, 12_000, one, prefix, true), &["syn-flood"], SCANS),
    ("ACK flood, forged", || strays(4000, A, forged, web, true), STRAYS, SCANS),
    ("ACK flood of one source", || strays(4000, A, one, web, true), STRAYS, SCANS),
    ("RST flood", || strays(4000, R, forged, web, false), STRAYS, SCANS),
    ("FIN flood", || strays(4000, F, forged, web, true), STRAYS, SCANS),
    ("FIN, ACK flood", || strays(4000, FA, forged, web, true), STRAYS, SCANS),
    ("RST flood of ports", || strays(4000, R, forged, ports, false), STRAYS, SCANS),
    ("ACK flood of ports", || strays(4000, A, forged, ports, true), STRAYS, SCANS),
    ("connections held by one", || held(1, 400), &["connection-flood"], SCANS),
    ("decoys", || decoys(TECHNIQUES[0], 5), &["scan-decoy"], &[]),
    ("decoys of FIN", || decoys(TECHNIQUES[2], 5), &["scan-decoy"], &[]),
    ("distributed, ports", || together(20, 4, false, 50.0), &["scan-distributed"], &[]),
    ("distributed, hosts", || together(30, 3, true, 50.0), &["scan-distributed"], &[]),
    ("distributed, slow", || together(25, 4, false, 2000.0), &["scan-distributed"], &[]),
];

#[test]
fn floods_and_joint_scans_are_named() {
    let mut wrong = Vec::new();
    for (name, make, must, must_not) in ATTACKS {
        let found = make().found();
        let said = hosts(&found);
        let ids: Vec<&str> = said.iter().map(|a| a.id).collect();
        if !said.iter().any(|a| must.contains(&a.id)) {
            wrong.push(format!("{name}: missed, said {ids:?}"));
        }
        if let Some(false_one) = said.iter().find(|a| must_not.contains(&a.id)) {
            wrong.push(format!("{name}: {} said: {}", false_one.id, false_one.reason));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), ATTACKS.len(), wrong.join("\n"));
}
