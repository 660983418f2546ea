//! Incidents from begin to end: each that is new is final once, and what belongs together has one number.

use std::collections::{BTreeMap, BTreeSet};

use synscope::detect::{Anomaly, Figure, Phase, Scope};

use crate::attacks::{ATTACKS, STRAYS, forged, one, ports, prefix, raw, web};
use crate::traffic::{A, PA, Traffic, dice, scattered};
use crate::{everyday, more_life, ordinary, outages};

/// Incidents of a rule that is ever final, which are new and not final, or final without having been new.
fn unfinished(found: &[Anomaly], ends: &mut BTreeSet<&'static str>) -> Vec<(&'static str, u64)> {
    let mut phases: BTreeMap<u64, (&'static str, Vec<Phase>)> = BTreeMap::new();
    for a in found.iter().filter(|a| a.scope == Scope::Host) {
        let Some(incident) = a.incident else { continue };
        phases.entry(incident.id).or_insert((a.id, Vec::new())).1.push(incident.phase);
        if incident.phase == Phase::Final {
            ends.insert(a.id);
        }
    }
    let ended = |phases: &[Phase]| {
        let finals = phases.iter().filter(|phase| **phase == Phase::Final).count();
        finals == 1 && phases.last() == Some(&Phase::Final)
    };
    phases.into_iter().filter(|(_, (_, phases))| !ended(phases)).map(|(id, (rule, _))| (rule, id)).collect()
}

#[test]
fn what_is_new_is_final_once() {
    let (mut ends, mut open) = (BTreeSet::new(), Vec::new());
    let mut look = |name: &str, t: &mut Traffic| {
        let missing = unfinished(&t.found(), &mut ends);
        open.extend(missing.into_iter().map(|(rule, id)| (rule, id, name.to_owned())));
    };
    for (name, make, ..) in ATTACKS {
        look(name, &mut make());
    }
    for (name, variants, make, _) in ordinary::KINDS.iter().chain(everyday::KINDS).chain(more_life::KINDS) {
        for v in (0..*variants).step_by(3) {
            look(name, &mut make(v).t);
        }
    }
    for n in 0..12 {
        look("an outage of several hosts", &mut outages::staggered(n));
    }
    open.retain(|(rule, ..)| ends.contains(rule));
    assert!(ends.len() >= 5, "{ends:?}");
    assert!(open.is_empty(), "{} are not final: {open:#?}", open.len());
}

/// Floods of `on` seconds with `off` seconds of rest between them.
fn pulses(
    n: u32,
    (on, off): (u32, u32),
    from: fn(u32) -> synscope::tcp::Endpoint,
    to: fn(u32) -> synscope::tcp::Endpoint,
    rate: u32,
) -> Traffic {
    let mut t = Traffic::new();
    // Somebody is served, so that answers are seen.
    for k in 0..n * (on + off) / 2 {
        t.open(f64::from(k) * 2000.0, scattered(90_000 + k, 5000), web(0));
    }
    for pulse in 0..n {
        for k in 0..on * rate {
            let ms = f64::from(pulse * (on + off)) * 1000.0 + f64::from(k) * 1000.0 / f64::from(rate);
            let id = pulse * 100_000 + k;
            raw(&mut t, ms, from(id), to(id));
        }
    }
    t
}

fn of(t: &mut Traffic, ids: &[&str]) -> Vec<Anomaly> {
    t.found().into_iter().filter(|a| ids.contains(&a.id)).collect()
}

fn numbers(reports: &[Anomaly]) -> BTreeSet<u64> {
    reports.iter().filter_map(|a| a.incident).map(|i| i.id).collect()
}

#[test]
fn a_flood_in_pulses_is_one_incident() {
    for (name, from, to, rate) in [
        ("forged", forged as fn(u32) -> _, web as fn(u32) -> _, 500),
        ("of one source", one, web, 500),
        ("of ports", forged, ports, 800),
        ("of a prefix", forged, prefix, 2000),
    ] {
        for (on, off) in [(15, 20), (8, 40), (20, 12)] {
            let reports = of(&mut pulses(4, (on, off), from, to, rate), &["syn-flood"]);
            assert_eq!(numbers(&reports).len(), 1, "{name} {on} {off}: {reports:#?}");
            let last = reports.last().expect("a report");
            assert_eq!(last.incident.map(|i| i.phase), Some(Phase::Final), "{name} {on} {off}");
            let count = last.figures.iter().find(|(figure, _)| *figure == "pulses").map(|(_, figure)| figure.clone());
            assert_eq!(count, Some(Figure::Integer(4)), "{name} {on} {off}: {}", last.reason);
            assert!(last.reason.contains("4 pulses"), "{}", last.reason);
        }
    }
}

/// After minutes of rest it is another one.
#[test]
fn floods_with_minutes_between_them_are_several() {
    let reports = of(&mut pulses(3, (15, 150), forged, web, 500), &["syn-flood"]);
    assert_eq!(numbers(&reports).len(), 3, "{reports:#?}");
    assert!(reports.iter().all(|a| !a.reason.contains("pulses")), "{reports:#?}");
}

#[test]
fn a_flood_of_strays_in_pulses_is_one_incident() {
    let mut t = Traffic::new();
    for pulse in 0..4_u32 {
        for k in 0..12_000_u32 {
            let (from, to) = (forged(pulse * 100_000 + k), web(0));
            let at = f64::from(pulse) * 30_000.0 + f64::from(k);
            t.send(at, from, to, A, dice(u64::from(k)), dice(u64::from(k) << 20));
            t.send(at + 0.5, to, from, crate::traffic::R, dice(u64::from(k) << 20), 0);
        }
    }
    let reports = of(&mut t, STRAYS);
    assert_eq!(numbers(&reports).len(), 1, "{reports:#?}");
}

/// Clients that open connections and send a line of a request every few seconds. `answered`: the server answers at last.
fn slowly(connections: u32, sources: u32, port: u16, answered: bool) -> Traffic {
    let mut t = Traffic::new();
    let server = synscope::tcp::Endpoint { port, ..web(0) };
    for k in 0..connections {
        let (from, at) = (scattered(k % sources, 20_000 + k as u16), f64::from(k) * 12.0);
        let (c, s) = t.open(at, from, server);
        let (mut c, s) = (c.wrapping_add(1), s.wrapping_add(1));
        for line in 0..9 {
            t.send(at + 10.0 + f64::from(line) * 4_000.0, from, server, PA, c, s).payload = 20;
            c = c.wrapping_add(20);
            if answered && line == 1 {
                t.send(at + 4_050.0, server, from, PA, s, c).payload = 400;
                break;
            }
        }
    }
    t
}

#[test]
fn slow_requests_of_many_sources_are_named() {
    let floods = |mut t: Traffic| of(&mut t, &["connection-flood"]);
    for sources in [1, 12, 60, 400] {
        let reports = floods(slowly(400, sources, 80, false));
        assert_eq!(reports.len(), 1, "{sources}: {reports:#?}");
        assert!(reports[0].reason.contains("trickle"), "{}", reports[0].reason);
        let target = reports[0].destination.map(|(_, port)| port);
        assert_eq!((reports[0].source.is_some(), target), (sources == 1, Some(Some(80))), "{sources}");
    }
    // A collector of logs never answers; an upload takes its time, and is answered; a few are none.
    for (what, t) in [
        ("logs", slowly(400, 60, 514, false)),
        ("uploads", slowly(400, 60, 80, true)),
        ("a few", slowly(200, 60, 80, false)),
    ] {
        assert!(floods(t).is_empty(), "{what}");
    }
}
