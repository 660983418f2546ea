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

/// Three hosts of one network that are silent at once, while another network answers their clients.
#[test]
fn a_network_that_is_gone_is_a_path() {
    let mut t = Traffic::new();
    for host in 1..=3 {
        ask(&mut t, ours(host, 80), (host, 100, 180, 300), Fate::Silent, 12);
    }
    ask(&mut t, v4(0xcb_0071, 1, 80), (5, 300, 300, 300), Fate::Silent, 12);
    let reports = reported(&mut t, "service-outage");
    let last: Vec<_> = reports.iter().filter(|a| a.incident.is_some_and(|i| i.phase == Phase::Final)).collect();
    assert!(last.len() == 3 && last.iter().all(|a| is_text(a, "kind", "path-gone")), "{reports:#?}");
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
