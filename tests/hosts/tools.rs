//! What tools of attackers send, and what is said of it: floods of many kinds, reflections, quick scans, and captures that
//! end early.

use synscope::detect::{Anomaly, Figure, Phase, Scope, Severity};
use synscope::tcp::{Endpoint, Flags};

use crate::attacks::{FLOODS, SCANS, STRAYS, forged, raw, strays, web};
use crate::ordinary::Fate::{Refused, Silent, Unused};
use crate::ordinary::{Life, far, v4, v6};
use crate::traffic::{A, PA, R, RA, SA, Traffic, dice, scattered};

const XMAS: Flags = Flags(Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0);

/// Who scans.
fn scanner(port: u16) -> Endpoint {
    v4(66, 6, port)
}

/// One SYN for each target, from one port, of which one in so many answers.
fn stateless_scan(targets: impl Iterator<Item = Endpoint>, gap: f64, open: u32) -> Traffic {
    let mut t = Traffic::new();
    for (k, to) in targets.enumerate() {
        let (ms, k) = (k as f64 * gap, k as u32);
        let c = raw(&mut t, ms, scanner(61_000), to);
        match k % open {
            1 => {
                t.send(ms + 5.0, to, scanner(61_000), SA, dice(k.into()), c.wrapping_add(1));
                t.send(ms + 5.1, scanner(61_000), to, R, c.wrapping_add(1), 0);
            }
            2..5 => {
                t.send(ms + 5.0, to, scanner(61_000), RA, 0, c.wrapping_add(1));
            }
            _ => {}
        }
    }
    t
}

/// Connections as quick as a kernel makes them.
fn quick_connects(targets: impl Iterator<Item = Endpoint>, gap: f64) -> Traffic {
    let mut life = Life::new(3);
    for (k, to) in targets.enumerate() {
        let open = matches!(to.port, 22 | 80 | 443 | 3306);
        life.ask(k as f64 * gap, scanner(0).ip, to, if open { Unused } else { Refused });
    }
    life.t
}

/// SYNs from forged sources, on for so long at this rate, off for a minute, three times.
fn pulses(rate: f64, seconds: f64, answers: bool) -> Traffic {
    let mut t = Traffic::new();
    for pulse in 0..3 {
        let n = (rate * seconds) as u32;
        for k in 0..n {
            let ms = f64::from(pulse) * (seconds + 60.0) * 1000.0 + f64::from(k) * 1000.0 / rate;
            let from = forged(k + pulse * n);
            let c = raw(&mut t, ms, from, web(0));
            if answers {
                t.send(ms + 1.0, web(0), from, SA, dice(u64::from(k) << 9), c.wrapping_add(1));
            }
        }
    }
    t
}

/// SYNs in bursts of a tenth of each second, to a server that repeats its answers.
fn shrew(per_second: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..per_second * 90 {
        let ms = f64::from(k / per_second) * 1000.0 + f64::from(k % per_second) * 100.0 / f64::from(per_second);
        let c = raw(&mut t, ms, forged(k), web(0));
        for after in [1.0, 1_001.0, 3_001.0] {
            t.send(ms + after, web(0), forged(k), SA, dice(u64::from(k) << 9), c.wrapping_add(1));
        }
    }
    t
}

/// Servers that answer in the victim's name: by SYN-ACK, or as boxes that block a page.
fn reflected(boxes: u32, flags: Flags, payload: u32) -> Traffic {
    let mut t = Traffic::new();
    for k in 0..5000_u32 {
        let (from, to) = (scattered(k % boxes, 80), v4(1, 1, 1024 + (k.wrapping_mul(7919) % 60_000) as u16));
        let (ms, c, s) = (f64::from(k) * 1.2, dice(u64::from(k)), dice(u64::from(k) << 20));
        t.send(ms, from, to, flags, s, c).payload = payload;
        t.send(ms + 0.4, to, from, R, c, 0);
    }
    t
}

type Attack = (&'static str, fn() -> Traffic, &'static [&'static str], &'static [&'static str]);

const ATTACKS: &[Attack] = &[
    (
        "masscan",
        || stateless_scan((0..750).map(|k| v4(1, (k % 250) as u8, [22, 80, 443][k / 250])), 1.0, 50),
        SCANS,
        FLOODS,
    ),
    ("zmap", || stateless_scan((0..900).map(|k| far(k, 443)), 0.5, 40), &["scan-horizontal"], FLOODS),
    ("rustscan", || quick_connects((1..=3000).map(|p| v4(1, 1, p)), 0.3), &["scan-vertical"], FLOODS),
    ("a network of IPv6", || stateless_scan((0..300).map(|k| v6(7, k, 22)), 4.0, 60), &["scan-horizontal"], FLOODS),
    ("XMAS flood", || strays(4000, XMAS, forged, web, true), STRAYS, SCANS),
    ("NULL flood", || strays(4000, Flags::NONE, forged, web, true), STRAYS, SCANS),
    ("PSH, ACK flood", || strays(4000, PA, forged, web, true), STRAYS, SCANS),
    ("SYN-ACK reflection", || reflected(150, SA, 0), &["synack-reflection", "stateless-flood"], SCANS),
    ("reflection by blocking boxes", || reflected(600, PA, 700), STRAYS, SCANS),
    ("reflected resets", || reflected(600, RA, 0), &["stateless-flood", "backscatter"], SCANS),
    ("pulses", || pulses(300.0, 10.0, true), &["syn-flood"], SCANS),
    ("pulses, silent", || pulses(400.0, 10.0, false), &["syn-flood"], SCANS),
    ("bursts", || shrew(60), FLOODS, SCANS),
    ("ACK flood of a prefix", || strays(6000, A, forged, |k| v4(1, k as u8, 80), true), STRAYS, SCANS),
];

#[test]
fn what_tools_send_is_named() {
    let mut wrong = Vec::new();
    for (name, make, must, must_not) in ATTACKS {
        let found = make().found();
        let said: Vec<&Anomaly> = found.iter().filter(|a| a.scope == Scope::Host).collect();
        let ids: Vec<&str> = said.iter().map(|a| a.id).collect();
        if !said.iter().any(|a| must.contains(&a.id) && (a.source.is_some() || a.destination.is_some())) {
            wrong.push(format!("{name}: missed, said {ids:?}"));
        }
        if let Some(false_one) = said.iter().find(|a| must_not.contains(&a.id)) {
            wrong.push(format!("{name}: {} said: {}", false_one.id, false_one.reason));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), ATTACKS.len(), wrong.join("\n"));
}

/// One source that asks each port of a host once scans it, at whatever pace: a flood asks again and again, or in many
/// names. What it costs the host is the same.
#[test]
fn every_port_once_is_a_scan_at_the_pace_of_a_flood() {
    let ids = |t: Traffic| t.ids();
    let once = ids(stateless_scan((0..9000).map(|k| v4(1, 1, 1 + k)), 0.2, 900));
    assert!(once.contains(&"scan-vertical") && !once.contains(&"syn-flood"), "{once:?}");
    let again = ids(stateless_scan((0..12_000).map(|k| v4(1, 1, 1 + k % 800)), 0.2, 900));
    assert!(again.contains(&"syn-flood"), "{again:?}");
}

/// What waits for certainty is decided when the capture ends: a connect scan in silence is a warning then.
#[test]
fn a_capture_that_ends_early_has_its_final_report() {
    let connects = |hosts: bool, seconds: u32| {
        let mut life = Life::new(9);
        for k in 0..seconds * 20 {
            let to = if hosts { v4(1, k as u8, 445) } else { v4(1, 1, 1000 + k as u16) };
            life.ask(f64::from(k) * 50.0, scanner(0).ip, to, Silent(2_000));
        }
        life.t.tail = 0;
        life.t.found()
    };
    for hosts in [true, false] {
        let found = connects(hosts, 10);
        let id = if hosts { "scan-horizontal" } else { "scan-vertical" };
        let reports: Vec<&Anomaly> = found.iter().filter(|a| a.id == id).collect();
        let last = reports.last().unwrap_or_else(|| panic!("{id}: {found:#?}"));
        assert_eq!(last.incident.map(|i| i.phase), Some(Phase::Final), "{id}");
        assert_eq!(last.severity, Severity::Warn, "{id}");
        assert!(last.source == Some((scanner(0).ip, None)), "{id}");
        let technique = last.figures.iter().find(|(name, _)| *name == "technique");
        assert_eq!(technique.map(|(_, is)| is), Some(&Figure::Text("connect".into())), "{id}");
    }
}
