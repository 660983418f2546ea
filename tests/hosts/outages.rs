//! Services that fail: what is told of it, and what just is not.

use synscope::detect::{Anomaly, Figure, Phase, Severity};
use synscope::tcp::Endpoint;

use crate::pairs::{ours, theirs, v4};
use crate::traffic::*;

/// What becomes of attempts at a service that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Refused,
    Silent,
    /// It opens, and is reset.
    Dropped,
}

/// A SYN that fails so.
fn fails(t: &mut Traffic, ms: f64, client: Endpoint, server: Endpoint, fate: Fate) {
    match fate {
        Fate::Refused => t.refused(ms, client, server),
        Fate::Silent => {
            let c = t.syn(ms, client, server);
            t.send(ms + 1000.0, client, server, S, c, 0);
            t.send(ms + 3000.0, client, server, S, c, 0);
        }
        Fate::Dropped => {
            let (_, s) = t.open(ms, client, server);
            t.send(ms + 20.0, server, client, R, s.wrapping_add(1), 0);
        }
    }
}

/// So many clients use a service for 10 s, ten attempts a second; it fails for so many seconds, and works for 20 s again.
pub(crate) fn out(seconds: u32, fate: Fate, clients: u32) -> Traffic {
    out_at(ours(1, 80), seconds, fate, clients)
}

fn out_at(server: Endpoint, seconds: u32, fate: Fate, clients: u32) -> Traffic {
    let mut t = Traffic::new();
    ask(&mut t, server, (0, 100, 100 + seconds * 10, 300 + seconds * 10), fate, clients);
    t
}

/// Asks from tick to tick (tenths of a second), in between in vain.
fn ask(t: &mut Traffic, server: Endpoint, (from, down, up, to): (u32, u32, u32, u32), fate: Fate, clients: u32) {
    for k in from..to {
        // Nobody's clock is that even.
        let ms = f64::from(k) * 100.0 + f64::from(dice(u64::from(k)) % 90);
        let client = theirs(1 + dice(u64::from(k) + 7) % clients, 10_000 + k as u16);
        if (down..up).contains(&k) {
            fails(t, ms, client, server, fate);
        } else {
            t.used(ms, client, server);
        }
    }
}

fn reported(t: &mut Traffic, id: &str) -> Vec<Anomaly> {
    t.found().into_iter().filter(|a| a.id == id).collect()
}

fn figure(a: &Anomaly, name: &str) -> Figure {
    a.figures.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("{name} in {a:?}")).1.clone()
}

fn is_text(a: &Anomaly, name: &str, wanted: &str) -> bool {
    figure(a, name) == Figure::Text(wanted.to_owned())
}

fn integer(a: &Anomaly, name: &str) -> i64 {
    match figure(a, name) {
        Figure::Integer(n) => n,
        other => panic!("{name} is {other:?}"),
    }
}

/// From begin to end: one incident, with what became of attempts and what is probably gone, and nothing else of it.
#[test]
fn an_outage_is_one_incident() {
    for (fate, kind, count) in [
        (Fate::Refused, "process-gone", "refused"),
        (Fate::Silent, "host-gone", "silent"),
        (Fate::Dropped, "overload", "reset_once_open"),
    ] {
        let mut t = out(6, fate, 12);
        let reports = reported(&mut t, "service-outage");
        let phases: Vec<_> = reports.iter().filter_map(|a| a.incident).map(|i| i.phase).collect();
        assert_eq!((phases.first(), phases.last()), (Some(&Phase::New), Some(&Phase::Final)), "{fate:?}: {reports:#?}");
        let last = reports.last().unwrap();
        assert!(is_text(last, "kind", kind), "{fate:?}: {last:?}");
        assert_eq!(last.severity, Severity::Warn);
        assert_eq!(
            (integer(last, count), integer(last, "attempts"), integer(last, "clients")),
            (60, 60, 12),
            "{last:?}"
        );
        let lasted = integer(last, "duration_ns") as f64 / 1e9;
        assert!((5.8..6.3).contains(&lasted), "{fate:?}: {lasted}");
        let ids = t.ids();
        for id in ["refused-burst", "unanswered-burst", "syn-flood-cusum", "syn-flood", "trw-scanner", "scan-slow"] {
            assert!(!ids.contains(&id), "{fate:?}: {id}");
        }
    }
}

#[test]
fn few_clients_make_a_note() {
    let reports = reported(&mut out(6, Fate::Refused, 4), "service-outage");
    assert!(reports.iter().all(|a| a.severity == Severity::Note) && reports.len() >= 2, "{reports:#?}");
}

/// A restart in two seconds is a burst of refusals as before.
#[test]
fn a_restart_is_no_outage() {
    let ids = out(2, Fate::Refused, 12).ids();
    assert!(!ids.contains(&"service-outage") && ids.contains(&"refused-burst"), "{ids:?}");
}

/// A farm of so many hosts in so many networks, that each have so many ports, goes dark for 8 s, while another network
/// answers its clients.
fn farm(hosts: u32, networks: u32, ports: u16) -> Traffic {
    let mut t = Traffic::new();
    for host in 0..hosts {
        for port in 0..ports {
            let server = v4(0xc6_3364 + 256 * (host % networks), host + 1, 80 + port);
            ask(&mut t, server, (host + 3 * u32::from(port), 100, 180, 300), Fate::Silent, 12);
        }
    }
    for other in 0..4 {
        ask(&mut t, v4(0xcb_0071, 1 + other, 80), (5, 300, 300, 300), Fate::Silent, 12);
    }
    t
}

/// What is lost at once is one incident, whoever is asked first, with its services and its clients.
#[test]
fn a_farm_that_goes_dark_is_one_incident() {
    for (hosts, networks, ports, kind) in [
        (3, 1, 1, "path-gone"),
        (12, 1, 1, "path-gone"),
        (5, 1, 2, "path-gone"),
        (8, 4, 1, "path-gone"),
        (1, 1, 3, "host-gone"),
    ] {
        let name = format!("{hosts} hosts of {networks} networks, {ports} ports each");
        let mut t = farm(hosts, networks, ports);
        let reports = reported(&mut t, "service-outage");
        let mut ids: Vec<_> = reports.iter().filter_map(|a| a.incident).map(|i| i.id).collect();
        ids.dedup();
        let phases: Vec<_> = reports.iter().filter_map(|a| a.incident).map(|i| i.phase).collect();
        assert!(ids.len() == 1, "{name}: {reports:#?}");
        assert!(phases.first() == Some(&Phase::New) && phases.last() == Some(&Phase::Final), "{name}: {phases:?}");
        let last = reports.last().expect("a report");
        assert!(is_text(last, "kind", kind), "{name}: {last:?}");
        let all = i64::from(hosts) * i64::from(ports);
        assert_eq!((integer(last, "services"), integer(last, "hosts")), (all, hosts.into()), "{name}");
        assert_eq!((integer(last, "attempts"), integer(last, "clients")), (80 * all, 12), "{name}");
        let said = t.ids();
        assert!(!said.contains(&"service-unreachable"), "{name}: {said:?}");
    }
}

/// Two hosts that fail at once may do so by chance, and a deployment that refuses for a while loses no path.
#[test]
fn two_hosts_and_refusals_are_outages_each() {
    let incidents = |t: &mut Traffic| {
        let mut ids: Vec<_> = reported(t, "service-outage").iter().filter_map(|a| a.incident).map(|i| i.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    assert_eq!(incidents(&mut farm(2, 1, 1)), 2);
    let mut t = Traffic::new();
    for host in 1..=4 {
        ask(&mut t, ours(host, 80), (host, 100, 180, 300), Fate::Refused, 12);
    }
    assert_eq!(incidents(&mut t), 4);
}

/// Where an outage is reported, nothing else says that its service cannot be reached.
#[test]
fn an_outage_of_many_clients_is_said_once() {
    for fate in [Fate::Refused, Fate::Silent] {
        let said = out(15, fate, 60).ids();
        assert!(said.contains(&"service-outage") && !said.contains(&"service-unreachable"), "{fate:?}: {said:?}");
    }
}

/// One port is silent, and another of the host answers.
#[test]
fn a_port_that_is_silent_is_filtered() {
    let mut t = Traffic::new();
    ask(&mut t, ours(1, 80), (0, 100, 180, 300), Fate::Silent, 12);
    ask(&mut t, ours(1, 22), (3, 300, 300, 300), Fate::Silent, 12);
    let reports = reported(&mut t, "service-outage");
    assert!(reports.last().is_some_and(|a| is_text(a, "kind", "filtered")), "{reports:#?}");
}

/// Where nothing answers the clients any more, in whatever network, their own way out is gone.
#[test]
fn a_dead_uplink_is_no_outage_of_services() {
    let mut t = Traffic::new();
    for net in 0..4 {
        ask(&mut t, v4(0xcb_0071 - 256 * net, 1, 80), (net, 100, 180, 300), Fate::Silent, 12);
    }
    let reports = reported(&mut t, "service-outage");
    assert!(reports.is_empty(), "{reports:#?}");
}

/// A service that nobody saw working: one client, a scan, a flood of forged SYNs say nothing of it; clients of others do.
#[test]
fn a_port_that_never_worked_is_out_for_several_clients_that_get_on_with_others() {
    let dead = |clients: u32, known: bool| {
        let mut t = Traffic::new();
        if known {
            ask(&mut t, ours(2, 443), (0, 400, 400, 400), Fate::Refused, clients);
        }
        ask(&mut t, ours(1, 80), (100, 100, 200, 200), Fate::Refused, clients);
        reported(&mut t, "service-outage").len()
    };
    assert!(dead(8, true) > 0);
    assert_eq!((dead(8, false), dead(4, true), dead(1, true)), (0, 0, 0));
}

/// A checker asks by the clock, and finds that its back end is dead.
#[test]
fn a_checker_alone_makes_no_outage() {
    let mut t = Traffic::new();
    for k in 0..60_u32 {
        let (ms, client) = (f64::from(k) * 2000.0, theirs(1, 10_000 + k as u16));
        if k < 20 {
            t.used(ms, client, ours(1, 80));
        } else {
            t.refused(ms, client, ours(1, 80));
        }
    }
    let reports = reported(&mut t, "service-outage");
    assert!(reports.is_empty(), "{reports:#?}");
}

/// A flood is told of as one, though the victim's clients get no answer.
#[test]
fn a_flood_is_no_outage() {
    let mut t = Traffic::new();
    ask(&mut t, ours(1, 80), (0, 100, 200, 300), Fate::Silent, 12);
    for k in 0..4000_u32 {
        t.half(10_000.0 + f64::from(k) * 2.5, scattered(k, 1024 + (k % 60_000) as u16), ours(1, 80));
    }
    let ids = t.ids();
    assert!(ids.contains(&"syn-flood") && !ids.contains(&"service-outage"), "{ids:?}");
}

/// A capture that begins when the service has failed already shows that it works again.
#[test]
fn an_outage_older_than_the_capture_is_reported_when_it_is_over() {
    let mut t = Traffic::new();
    ask(&mut t, ours(1, 80), (0, 0, 80, 300), Fate::Refused, 12);
    let reports = reported(&mut t, "service-outage");
    let phases: Vec<_> = reports.iter().filter_map(|a| a.incident).map(|i| i.phase).collect();
    assert_eq!(phases, [Phase::New, Phase::Final], "{reports:#?}");
}

/// One packet in three is lost: no service is out.
#[test]
fn loss_is_no_outage() {
    let mut t = Traffic::new();
    for k in 0..400_u32 {
        let ms = f64::from(k) * 100.0;
        let (client, server) = (theirs(1 + k % 12, 10_000 + k as u16), ours(1, 80));
        if !dice(u64::from(k)).is_multiple_of(3) {
            t.used(ms, client, server);
            continue;
        }
        let c = t.syn(ms, client, server);
        t.send(ms + 1000.0, client, server, S, c, 0);
        t.send(ms + 1005.0, server, client, SA, k, c.wrapping_add(1));
        t.send(ms + 1010.0, client, server, A, c.wrapping_add(1), k + 1);
    }
    let ids = t.ids();
    assert!(!ids.contains(&"service-outage"), "{ids:?}");
}

/// Three hosts of a network stop to answer one after the other, some seconds apart: each is reported before it is known
/// that they belong together. Another network answers on.
pub(crate) fn staggered(seconds: u32) -> Traffic {
    let mut t = Traffic::new();
    for host in 0..3 {
        let down = 100 + host * seconds * 10;
        ask(&mut t, ours(1 + host, 80), (0, down, 500, 700), Fate::Silent, 12);
    }
    ask(&mut t, v4(77, 9, 443), (0, 0, 0, 700), Fate::Silent, 12);
    t
}
