//! For each rule about hosts what triggers it, and what just does not.

use super::probe::{Proof, Stray};
use super::testing::{Bench, attempt, ids, settled, tool_look};
use super::*;
use crate::detect::anomaly::{Anomaly, Figure, IncidentReport, Phase};
use crate::detect::rule::Finding;
use crate::tcp::SeqNumber;
use crate::time::SECOND;

const MINUTE: i64 = 60_000;

/// Attempts one after the other, `gap` ms apart, each with this outcome after 10 ms.
fn attempts(list: impl IntoIterator<Item = (String, u16, String, u16, Outcome)>, gap: i64) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let mut at = 0;
    for (from, sport, to, dport, outcome) in list {
        bench.play(&attempt(at, &from, sport, &to, dport), 10, outcome);
        at += gap;
    }
    bench.finish(at)
}

fn ports(n: u16, outcome: Outcome) -> Vec<Anomaly> {
    attempts((0..n).map(|k| ("192.0.2.1".into(), 40_000 + 37 * k, "198.51.100.1".into(), 100 + k, outcome)), 50)
}

fn hosts(n: u16, outcome: Outcome) -> Vec<Anomaly> {
    attempts((0..n).map(|k| ("192.0.2.1".into(), 40_000 + 37 * k, format!("198.51.100.{k}"), 22, outcome)), 50)
}

#[track_caller]
fn has(found: &[Anomaly], id: &str) {
    assert!(ids(found).contains(&id), "{id} not in {:?}", ids(found));
}

#[track_caller]
fn lacks(found: &[Anomaly], id: &str) {
    assert!(!ids(found).contains(&id), "{id} in {:?}", ids(found));
}

#[test]
fn fifteen_ports_are_a_vertical_scan() {
    has(&ports(15, Outcome::Refused), "scan-vertical");
    lacks(&ports(14, Outcome::Refused), "scan-vertical");
    lacks(&ports(40, Outcome::Open(1)), "scan-vertical");
}

#[test]
fn twenty_five_hosts_are_a_horizontal_scan() {
    has(&hosts(25, Outcome::Refused), "scan-horizontal");
    lacks(&hosts(24, Outcome::Refused), "scan-horizontal");
    lacks(&hosts(25, Outcome::Open(1)), "scan-horizontal");
}

fn figure<'a>(a: &'a Anomaly, name: &str) -> &'a Figure {
    &a.figures.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("{name} in {:?}", a.figures)).1
}

/// What a scan is after is in its lists, wherever among its ports.
#[test]
fn lists_of_a_large_scan_have_what_is_open_and_what_is_silent() {
    let fate = |port: u16| match port {
        1_480 | 9_000 | 19_999 => Outcome::ResetAfterSynAck,
        1_490 | 12_345 => Outcome::Unanswered,
        _ => Outcome::Refused,
    };
    let found = attempts((1..=20_000).map(|p| ("192.0.2.1".into(), 40_000, "198.51.100.1".into(), p, fate(p))), 2);
    let last = found.iter().rfind(|a| a.id == "scan-vertical").unwrap();
    let first = found.iter().find(|a| a.id == "scan-vertical").and_then(|a| a.incident).unwrap();
    assert_eq!(first.phase, Phase::New);
    assert_eq!(last.incident, Some(IncidentReport { phase: Phase::Final, ..first }));
    assert_eq!(figure(last, "ports_open"), &Figure::List(vec![1_480, 9_000, 19_999]));
    assert_eq!(figure(last, "ports_filtered"), &Figure::List(vec![1_490, 12_345]));
    assert_eq!(figure(last, "duration_ns"), &Figure::Integer(19_999 * 2 * crate::time::MILLISECOND));
    assert!(last.reason.contains("3 open") && last.reason.contains("2 silent"), "{}", last.reason);
    let Figure::Integer(pairs) = figure(last, "pairs") else { panic!("{:?}", last.figures) };
    assert!((19_600..20_400).contains(pairs), "{pairs}");
}

/// Every host that has the port open counts.
#[test]
fn what_is_open_is_counted_by_hosts_where_they_are_many() {
    let found = hosts(40, Outcome::ResetAfterSynAck);
    let last = found.iter().rfind(|a| a.id == "scan-horizontal").unwrap();
    assert!(
        last.reason.contains("port 22 of 40 hosts") && last.reason.contains("40 open, 0 closed"),
        "{}",
        last.reason
    );
}

/// The probes that follow a scan, to tell the system, are not part of it.
#[test]
fn probes_of_other_techniques_are_not_in_the_lists_of_a_scan() {
    let mut bench = Bench::new();
    for k in 0..30_u16 {
        let a = attempt(i64::from(k) * 50, "192.0.2.1", 40_000, "198.51.100.1", 100 + k);
        bench.play(&a, 10, if k == 3 { Outcome::ResetAfterSynAck } else { Outcome::Refused });
    }
    let a = attempt(2_000, "192.0.2.1", 40_001, "198.51.100.1", 103);
    let (time, frame, from, to) = (a.time, a.frame, a.client, a.server);
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    let null = Probe {
        time,
        frame,
        from,
        to,
        technique: Technique::Null,
        flags: Flags::NONE,
        number: SeqNumber(0),
        reply: super::probe::Reply::None,
    };
    bench.hosts.scans.probe(&null, &bench.hosts.settings, &mut bench.hosts.reporter, &mut report);
    let found = bench.finish(3_000);
    let last = found.iter().rfind(|a| a.id == "scan-vertical").unwrap();
    assert_eq!(figure(last, "pairs"), &Figure::Integer(30));
    assert_eq!(figure(last, "ports_open"), &Figure::List(vec![103]));
    assert_eq!(figure(last, "ports_filtered"), &Figure::List(vec![]));
}

#[test]
fn five_ports_of_five_hosts_are_a_block() {
    let grid = |hosts: u16, ports: u16| {
        attempts(
            (0..hosts * ports).map(|k| {
                ("192.0.2.1".into(), 40_000 + k, format!("198.51.100.{}", k % hosts), 80 + k / hosts, Outcome::Refused)
            }),
            100,
        )
    };
    has(&grid(5, 5), "scan-block");
    lacks(&grid(25, 1), "scan-block");
    // Peers of a file-sharing network: each has a port of its own.
    let peers = attempts(
        (0..60).map(|k: u16| {
            ("192.0.2.1".into(), 40_000 + k, format!("198.51.100.{k}"), 20_000 + 31 * k, Outcome::Unanswered)
        }),
        1000,
    );
    lacks(&peers, "scan-block");
}

#[test]
fn a_scan_over_hours_is_slow() {
    let over = |n: u16, gap: i64| {
        let list = (0..n).map(|k| ("192.0.2.1".into(), 40_000 + k, "198.51.100.1".into(), 100 + k, Outcome::Refused));
        attempts(list, gap)
    };
    has(&over(30, 30 * MINUTE), "scan-slow");
    let fast = over(30, 8_000);
    lacks(&fast, "scan-slow");
    has(&fast, "scan-vertical");
}

#[test]
fn a_few_ports_from_each_of_five_sources_are_a_distributed_scan() {
    let shared = |sources: u16, ports: u16| {
        attempts(
            (0..sources * ports).map(|k| {
                (format!("192.0.2.{}", k % sources), 40_000 + k, "198.51.100.1".into(), 1000 + k, Outcome::Refused)
            }),
            100,
        )
    };
    has(&shared(5, 4), "scan-distributed");
    lacks(&shared(2, 8), "scan-distributed");
}

#[test]
fn one_probe_from_four_sources_has_decoys() {
    let decoys = |same: bool| {
        let mut bench = Bench::new();
        for k in 0..5_u16 {
            for source in 1..=4 {
                let mut a =
                    attempt(i64::from(k) * 200 + source, &format!("192.0.2.{source}"), 50_000, "198.51.100.1", 80 + k);
                if same {
                    a.isn = SeqNumber(77);
                }
                bench.play(&a, 10, Outcome::Refused);
            }
        }
        bench.finish(2000)
    };
    has(&decoys(true), "scan-decoy");
    lacks(&decoys(false), "scan-decoy");
}

#[test]
fn trw_needs_failures_in_excess() {
    let settings = Settings { local_nets: vec!["198.51.100.0/24".parse().unwrap()], ..Settings::default() };
    let walk = |pattern: &str| {
        let mut bench = Bench::with(settings.clone());
        for (k, event) in pattern.chars().enumerate() {
            let outcome = if event == 'F' { Outcome::Refused } else { Outcome::Open(1) };
            bench.play(&attempt(k as i64 * 100, "192.0.2.1", 40_000, &format!("198.51.100.{k}"), 80), 10, outcome);
        }
        bench.finish(10_000)
    };
    has(&walk("FFFF"), "trw-scanner");
    lacks(&walk("FSFSF"), "trw-scanner");
    // Made at the same time: what succeeds is known at once, what fails only after its deadline.
    let together = |failing: u16, others: u16| {
        let mut bench = Bench::with(settings.clone());
        let all: Vec<Attempt> = (0..failing + others)
            .map(|k| attempt(i64::from(k), "192.0.2.1", 40_000, &format!("198.51.100.{k}"), 80))
            .collect();
        for a in &all[usize::from(failing)..] {
            bench.play(a, 10, Outcome::Open(1));
        }
        for a in &all[..usize::from(failing)] {
            bench.play(a, 5_000, Outcome::Unanswered);
        }
        bench.finish(10_000)
    };
    lacks(&together(14, 200), "trw-scanner");
    has(&together(14, 10), "trw-scanner");
    // Without our networks four are not enough.
    lacks(&by_both_families(12, true), "trw-scanner");
    has(&by_both_families(12, false), "trw-scanner");
    lacks(&hosts(9, Outcome::Refused), "trw-scanner");
    has(&hosts(10, Outcome::Refused), "trw-scanner");
}

/// A client refused by IPv6 at `n` hosts; `twins`: that asks by IPv4 at once, and gets in.
fn by_both_families(n: u16, twins: bool) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    for k in 0..n {
        let ms = i64::from(k) * 300;
        bench.play(&attempt(ms, "2001:db8::1", 40_000 + k, &format!("2001:db8:1::{k}"), 443), 6, Outcome::Refused);
        if twins {
            let a = attempt(ms + 6, "192.0.2.1", 40_000 + k, &format!("198.51.100.{k}"), 443);
            bench.play(&a, 10, Outcome::Open(1));
        }
    }
    bench.finish(MINUTE)
}

/// Attempts that another address answers, untranslated, are no search.
#[test]
fn what_is_answered_from_elsewhere_is_no_failure() {
    let ask = |elsewhere| {
        let mut bench = Bench::new();
        for k in 0..40_u16 {
            let a = attempt(i64::from(k) * 100, "192.0.2.1", 40_000 + k, &format!("198.51.100.{k}"), 443);
            let found = &mut bench.found;
            let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
            bench.hosts.attempt(&a, &mut Places::default(), &mut report);
            let s = Settled { elsewhere, retried: true, ..settled(&a, 5_000, Outcome::Unanswered) };
            bench.hosts.settled(&s, &mut Places::default(), &mut report);
        }
        bench.finish(2 * MINUTE)
    };
    has(&ask(false), "trw-scanner");
    for id in ["trw-scanner", "scan-horizontal", "unanswered-burst"] {
        lacks(&ask(true), id);
    }
}

#[test]
fn local_scanners_may_fail_ten_times_as_often() {
    let settings = Settings { local_nets: vec!["192.0.2.0/24".parse().unwrap()], ..Settings::default() };
    let scan = |n: u16| {
        let mut bench = Bench::with(settings.clone());
        for k in 0..n {
            bench.play(&attempt(i64::from(k) * 50, "192.0.2.1", 40_000, "198.51.100.1", 100 + k), 10, Outcome::Refused);
        }
        bench.finish(MINUTE)
    };
    lacks(&scan(149), "scan-vertical");
    has(&scan(150), "scan-vertical");
}

#[test]
fn the_threshold_can_be_set() {
    let settings = Settings { scan: ScanThreshold::of(5, 10 * SECOND), ..Settings::default() };
    let mut bench = Bench::with(settings);
    for k in 0..5 {
        bench.play(&attempt(i64::from(k) * 50, "192.0.2.1", 40_000, "198.51.100.1", 100 + k), 10, Outcome::Refused);
    }
    has(&bench.finish(1000), "scan-vertical");
}

#[test]
fn bursts_begin_at_twenty() {
    has(&ports(20, Outcome::Refused), "refused-burst");
    lacks(&ports(19, Outcome::Refused), "refused-burst");
    has(&hosts(20, Outcome::Unanswered), "unanswered-burst");
    lacks(&hosts(19, Outcome::Unanswered), "unanswered-burst");
    lacks(&ports(20, Outcome::Unanswered), "unanswered-burst");
}

#[test]
fn health_checks_are_no_scan() {
    let list = (0..400)
        .map(|k: u16| ("192.0.2.1".into(), 40_000 + k, format!("198.51.100.{}", k % 4), 80, Outcome::ResetAfterSynAck));
    let found = attempts(list, 500);
    assert!(found.iter().all(|a| a.severity < crate::detect::Severity::Warn), "{:?}", ids(&found));
}

/// `n` SYNs within ten seconds from as many sources; each comes out so. Retried: clients try again.
fn flood(n: u32, outcome: Outcome, retried: bool) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    for k in 0..n {
        let at = i64::from(k) * 10_000 / i64::from(n);
        let from = std::net::Ipv4Addr::from(0x2d00_0000 + k.wrapping_mul(2_654_435_761) % 0x4000_0000).to_string();
        let mut a = attempt(at, &from, 1024 + (k % 60_000) as u16, "198.51.100.1", 443);
        a.look = tool_look(512, 60, k as u16);
        if retried {
            bench.play(&a, 10, outcome);
            bench.retry(&a);
        } else if outcome == Outcome::MissingAck {
            let found = &mut bench.found;
            let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
            let mut places = Places::default();
            bench.hosts.attempt(&a, &mut places, &mut report);
            bench.hosts.answered(a.time, a.time, a.client, a.server, &mut places, &mut report);
            if k % 100 == 99 {
                bench.hosts.advance(a.time, &mut report);
            }
        } else {
            bench.play(&a, 10, outcome);
        }
    }
    let found = &mut bench.found;
    for second in 10..40 {
        let now = Timestamp((3600 + second) * SECOND);
        bench.hosts.advance(now, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
    }
    bench.finish(40_000)
}

#[test]
fn a_flood_is_neither_a_crowd_nor_an_outage() {
    let found = flood(2000, Outcome::MissingAck, false);
    has(&found, "syn-flood");
    has(&found, "half-open-accumulation");
    lacks(&found, "service-unreachable");
    let crowd = flood(2000, Outcome::Open(20_000_000), false);
    lacks(&crowd, "syn-flood");
    lacks(&crowd, "syn-flood-cusum");
    let outage = flood(2000, Outcome::Unanswered, true);
    lacks(&outage, "syn-flood");
    lacks(&outage, "syn-flood-cusum");
    has(&outage, "service-unreachable");
    has(&flood(200, Outcome::Refused, false), "service-unreachable");
    lacks(&flood(100, Outcome::MissingAck, false), "syn-flood");
}

#[test]
fn forged_sources_are_reported_from_few() {
    let found = flood(20_000, Outcome::MissingAck, false);
    has(&found, "syn-flood-spoofed");
}

#[test]
fn a_flood_is_one_incident_with_an_end() {
    let found = flood(3000, Outcome::MissingAck, false);
    let floods: Vec<_> = found.iter().filter(|a| a.id == "syn-flood").collect();
    assert_eq!(floods.len(), 2, "begin and end");
    assert!(floods[1].reason.contains("over"), "{}", floods[1].reason);
    // All of it, also what came before it was found.
    assert_eq!(figure(floods[1], "syns"), &Figure::Integer(3000));
    assert_eq!(figure(floods[1], "answered"), &Figure::Integer(3000));
    let Figure::Integer(sources) = figure(floods[1], "sources") else { panic!("{:?}", floods[1].figures) };
    assert!((2_850..3_100).contains(sources), "{sources}");
}

#[test]
fn silent_connections_are_a_flood_from_three_hundred_on() {
    let hold = |n: u16, used: bool| {
        let mut bench = Bench::new();
        for k in 0..n {
            let a = attempt(i64::from(k), "192.0.2.1", 10_000 + k, "198.51.100.1", 5222);
            let server = a.server;
            let mut at = Places::default();
            let new = Connection { now: a.time, frame: a.frame, client: a.client.ip, server, held: 1 };
            bench.hosts.holding.opened(&new, &mut at);
            if used {
                bench.hosts.holding.used(a.client.ip, server, &mut at);
            }
        }
        bench.finish(20_000)
    };
    has(&hold(300, false), "connection-flood");
    lacks(&hold(299, false), "connection-flood");
    lacks(&hold(300, true), "connection-flood");
}

#[test]
fn memory_stays_bounded_under_a_flood() {
    let mut bench = Bench::new();
    let mut second = 0;
    for k in 0..300_000_u32 {
        let from = std::net::Ipv4Addr::from(k.wrapping_mul(2_654_435_761)).to_string();
        let to =
            if k % 3 == 0 { "198.51.100.1".to_owned() } else { std::net::Ipv4Addr::from(k ^ 0x5555_0000).to_string() };
        let a = attempt(i64::from(k / 50), &from, k as u16, &to, (k >> 3) as u16);
        let found = &mut bench.found;
        let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
        let mut places = Places::default();
        bench.hosts.attempt(&a, &mut places, &mut report);
        if a.time.seconds() != second {
            second = a.time.seconds();
            bench.hosts.advance(a.time, &mut report);
        }
        let outcome = if k % 2 == 0 { Outcome::Unanswered } else { Outcome::Refused };
        bench.hosts.settled(&settled(&a, 1, outcome), &mut places, &mut report);
        found.clear();
    }
    let counters = bench.hosts.counters();
    assert!(counters.octets < 64 << 20, "{} MiB", counters.octets >> 20);
    assert!(counters.evicted > 100_000, "{}", counters.evicted);
}

/// Stray segments of one technique: (source, port of source, target, port of target, answered).
fn probes(technique: Technique, list: impl IntoIterator<Item = (u16, String, u16, bool)>) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    for (k, (sport, to, dport, answered)) in list.into_iter().enumerate() {
        let a = attempt(k as i64 * 20, "192.0.2.1", sport, &to, dport);
        let probe = Probe {
            time: a.time,
            frame: a.frame,
            from: a.client,
            to: a.server,
            technique,
            flags: Flags::NONE,
            number: a.isn,
            reply: if answered { super::probe::Reply::Reset } else { super::probe::Reply::None },
        };
        let HostDetectors { scans, settings, reporter, .. } = &mut bench.hosts;
        scans.probe(&probe, settings, reporter, &mut report);
    }
    bench.finish(5000)
}

#[test]
fn flags_of_no_connection_are_reported_at_once() {
    for (technique, id) in
        [(Technique::Fin, "tech-fin"), (Technique::Null, "tech-null"), (Technique::Xmas, "tech-xmas")]
    {
        has(&probes(technique, [(40_000, "198.51.100.1".into(), 80, false)]), id);
    }
}

#[test]
fn a_tool_keeps_its_port_and_stale_connections_have_one_each() {
    for (technique, id) in [(Technique::Ack, "tech-ack-or-window"), (Technique::Maimon, "tech-maimon")] {
        let tool = |n: u16| probes(technique, (0..n).map(|k| (40_000, "198.51.100.1".into(), 80 + k, true)));
        has(&tool(3), id);
        lacks(&tool(2), id);
        // A computer that wakes up closes twenty stale connections, and everybody resets.
        let stale = probes(technique, (0..20).map(|k| (40_000 + k, format!("198.51.100.{k}"), 443, true)));
        lacks(&stale, id);
    }
}

#[test]
fn flags_of_no_connection_are_odd_and_make_a_scan() {
    let scan = |technique, n: u16, sport: fn(u16) -> u16, answered| {
        probes(technique, (0..n).map(|k| (sport(k), "198.51.100.1".into(), 80 + k, answered)))
    };
    type Ports = fn(u16) -> u16;
    let (tool, anybody): (Ports, Ports) = (|_| 50_000, |k| 50_000 + k);
    has(&scan(Technique::Odd, 3, anybody, false), "tech-odd-flags");
    lacks(&scan(Technique::Odd, 2, anybody, false), "tech-odd-flags");
    has(&scan(Technique::Odd, 15, anybody, true), "scan-vertical");
    lacks(&scan(Technique::Odd, 14, anybody, true), "scan-vertical");
    // With ACK they may be of a connection from before.
    has(&scan(Technique::OddAck, 3, tool, true), "tech-odd-flags");
    lacks(&scan(Technique::OddAck, 2, tool, true), "tech-odd-flags");
    let stale = probes(Technique::OddAck, (0..30).map(|k| (50_000 + k, format!("198.51.100.{k}"), 443, true)));
    assert_eq!(ids(&stale), Vec::<&str>::new());
}

/// Whatever the pace between one attempt in five minutes and fifteen.
#[test]
fn there_is_no_pace_at_which_a_scan_is_missed() {
    for gap in [10, 19, 21, 22, 30, 60, 75, 80, 120, 300, 1800] {
        let found = attempts(
            (0..40).map(|k| ("192.0.2.1".into(), 40_000 + k, "198.51.100.1".into(), 100 + k, Outcome::Refused)),
            gap * 1000,
        );
        let scans: Vec<_> = found.iter().filter(|a| matches!(a.id, "scan-vertical" | "scan-slow")).collect();
        let phases: Vec<_> = scans.iter().filter_map(|a| a.incident).map(|incident| incident.phase).collect();
        let [Phase::New, rest @ .., Phase::Final] = phases.as_slice() else { panic!("{gap} s: {scans:#?}") };
        // What may be ordinary life at first is confirmed.
        assert!(rest.iter().all(|phase| *phase == Phase::Update) && rest.len() <= 1, "{gap} s: {scans:#?}");
        assert_eq!(figure(scans[scans.len() - 1], "pairs"), &Figure::Integer(40), "{gap} s");
    }
}

#[test]
fn dead_peers_and_what_is_tried_again_are_no_slow_scan() {
    let every = |list: Vec<(String, u16)>| {
        attempts(
            (40_000..).zip(list).map(|(sport, (to, port))| ("192.0.2.1".into(), sport, to, port, Outcome::Unanswered)),
            40_000,
        )
    };
    lacks(&every((0..60).map(|k| (format!("198.51.100.{k}"), 20_000 + 31 * k)).collect()), "scan-slow");
    // Half of them have the usual port.
    let usual = |k: u16| if k.is_multiple_of(2) { 6881 } else { 20_000 + 31 * k };
    lacks(&every((0..48).map(|k| (format!("198.51.100.{k}"), usual(k))).collect()), "scan-slow");
    lacks(&every((0..200).map(|k| (format!("198.51.100.{}", k % 20), 443)).collect()), "scan-slow");
    has(&every((0..25).map(|k| (format!("198.51.100.{k}"), 443)).collect()), "scan-slow");
}

#[test]
fn resets_to_ten_ports_are_an_inverse_scan() {
    let scan = |n: u16| probes(Technique::Rst, (0..n).map(|k| (2000 + k, "198.51.100.1".into(), 80 + k, false)));
    has(&scan(10), "tech-inverse-rst");
    lacks(&scan(9), "tech-inverse-rst");
    lacks(
        &probes(Technique::Rst, (0..30).map(|k| (40_000 + k, format!("198.51.100.{k}"), 443, false))),
        "tech-inverse-rst",
    );
}

/// What finds no place among what is followed closely is counted.
#[test]
fn services_beyond_the_limit_are_counted() {
    let evicted = |services: u16| {
        let mut bench = Bench::new();
        for n in 0..services {
            for k in 0..30_u16 {
                let ms = i64::from(n) * 10 + i64::from(k) * 20;
                let a = attempt(ms, "192.0.2.1", 10_000 + k, &format!("198.51.{}.{}", n / 250, n % 250), 80);
                bench.play(&a, 1, Outcome::Open(1));
                if k == 29 {
                    bench.retry(&a);
                }
            }
        }
        bench.hosts.counters().evicted
    };
    // 128 services have a sketch of their SYNs at a time, and 512 are looked at for a limit on answers.
    assert_eq!(evicted(120), 0);
    assert_eq!(evicted(140), 12);
    assert!(evicted(600) >= 600 - 128, "{}", evicted(600));
}

/// `n` stray segments in half of each of `seconds` seconds, spread over `spread` ports.
fn strays(n: u32, seconds: u32, spread: u16, answered: bool) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    for k in 0..n * seconds {
        let ms = i64::from(k / n * 1000 + k % n / 4);
        let a = attempt(ms, "192.0.2.1", k as u16, "198.51.100.1", 80 + (k as u16 % spread));
        let stray = Stray { time: a.time, frame: a.frame, from: a.client, to: a.server, proved: false, answer: false };
        let HostDetectors { stray_floods: strays, reporter, .. } = &mut bench.hosts;
        strays.stray(&stray, reporter, &mut report);
        if answered {
            strays.stray(&Stray { proved: true, answer: true, ..stray }, reporter, &mut report);
        }
    }
    bench.finish(5000)
}

#[test]
fn stray_segments_are_a_flood_when_they_are_many_and_proved() {
    has(&strays(251, 3, 1, true), "stateless-flood");
    has(&strays(1_001, 1, 1, true), "stateless-flood");
    lacks(&strays(249, 3, 1, true), "stateless-flood");
    lacks(&strays(2000, 3, 1, false), "stateless-flood");
    lacks(&strays(400, 3, 400, true), "stateless-flood");
    // A server that was restarted resets what its clients still send, once each.
    lacks(&strays(400, 2, 1, true), "stateless-flood");
}

fn phase_of(a: &Anomaly) -> Phase {
    a.incident.map_or(Phase::New, |incident| incident.phase)
}

/// The end of a flood says what it was as a whole, under the number of its begin; after a minute of calm it is over.
#[test]
fn stray_floods_end_with_their_totals() {
    let found = strays(300, 4, 1, true);
    let [first, last] = found.iter().filter(|a| a.id == "stateless-flood").collect::<Vec<_>>()[..] else {
        panic!("{found:#?}")
    };
    assert_eq!((phase_of(first), phase_of(last)), (Phase::New, Phase::Final));
    assert_eq!(first.incident.map(|i| i.id), last.incident.map(|i| i.id));
    assert_eq!((first.source, first.destination), (last.source, last.destination));
    // It is one from the third second on: those before may be what clients of a restarted server send.
    assert_eq!(figure(last, "segments"), &Figure::Integer(600));
    assert_eq!((figure(last, "peak"), figure(last, "sources")), (&Figure::Integer(300), &Figure::Integer(1)));
}

/// `n` answers that nobody asked for, `gap` ms apart, to `spread` hosts.
fn echoes(n: u16, gap: i64, spread: u16, proved: Proof) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    for k in 0..n {
        let a = attempt(i64::from(k) * gap, "192.0.2.1", 80, &format!("198.51.100.{}", k % spread), 40_000 + k);
        let HostDetectors { backscatter, reporter, .. } = &mut bench.hosts;
        backscatter.echo(a.time, a.frame, (a.client, a.server), proved, reporter, &mut report);
    }
    bench.finish(5000)
}

#[test]
fn answers_nobody_asked_for_are_backscatter() {
    has(&echoes(30, 2400, 20, Proof::None), "backscatter");
    lacks(&echoes(30, 2400, 1, Proof::None), "backscatter");
    lacks(&echoes(30, 100, 20, Proof::None), "backscatter");
    has(&echoes(15, 10, 1, Proof::Reset), "backscatter");
    lacks(&echoes(14, 10, 1, Proof::Reset), "backscatter");
    has(&echoes(15, 10, 3, Proof::Refusal), "backscatter");
    // One host that is refused asked for it, unseen.
    lacks(&echoes(40, 10, 1, Proof::Refusal), "backscatter");
}

/// SYN-ACKs of `n` servers to one host; each goes on with its connection, or none does. The hosts they come from answer
/// others likewise.
fn one_direction(n: u16, goes_on: bool) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    for k in 0..n {
        for client in 1..40 {
            let ms = i64::from(k) * 600 + client;
            let server = format!("192.0.2.{}", k % 120);
            let a = attempt(ms, &server, 80, &format!("198.51.100.{client}"), 40_000 + k);
            let HostDetectors { backscatter, reporter, .. } = &mut bench.hosts;
            backscatter.echo(a.time, a.frame, (a.client, a.server), Proof::None, reporter, &mut report);
            backscatter.unasked(a.time, a.frame, a.client.ip, a.server, reporter, &mut report);
            if goes_on {
                backscatter.completed(a.client.ip, a.server.ip);
            }
        }
    }
    bench.finish(300_000)
}

#[test]
fn one_direction_of_ordinary_connections_is_neither_backscatter_nor_reflection() {
    let spoofed = one_direction(240, false);
    has(&spoofed, "backscatter");
    has(&spoofed, "synack-reflection");
    assert_eq!(ids(&one_direction(240, true)), Vec::<&str>::new());
}

#[test]
fn a_hundred_servers_make_a_reflection() {
    let reflect = |n: u16| {
        let mut bench = Bench::new();
        let found = &mut bench.found;
        let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
        for k in 0..200_u16 {
            let a = attempt(i64::from(k) * 10, &format!("192.0.2.{}", k % n), 80, "198.51.100.1", 40_000);
            let HostDetectors { backscatter, reporter, .. } = &mut bench.hosts;
            backscatter.unasked(a.time, a.frame, a.client.ip, a.server, reporter, &mut report);
        }
        bench.finish(5000)
    };
    has(&reflect(100), "synack-reflection");
    lacks(&reflect(99), "synack-reflection");
}

#[test]
fn resets_far_above_what_is_usual_are_a_burst() {
    let reset = |per_decade: &[u32]| {
        let mut bench = Bench::new();
        let found = &mut bench.found;
        let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
        for (decade, n) in per_decade.iter().enumerate() {
            for k in 0..*n {
                let a = attempt(decade as i64 * 10_000 + i64::from(k), "192.0.2.1", 80, "198.51.100.1", 40_000);
                let HostDetectors { backscatter, reporter, .. } = &mut bench.hosts;
                backscatter.reset(a.time, a.frame, a.client, a.server, reporter, &mut report);
            }
        }
        bench.finish(60_000)
    };
    has(&reset(&[2, 2, 2, 60]), "rst-burst-server");
    lacks(&reset(&[40, 40, 40, 60]), "rst-burst-server");
}

#[test]
fn fifty_half_open_connections_of_one_source_pile_up() {
    let hold = |n: u16, wait: u16, completes: bool| {
        let list = (0..n).map(|k| {
            let outcome = if completes { Outcome::Open(1) } else { Outcome::MissingAck };
            ("192.0.2.1".to_owned(), 10_000 + k, "198.51.100.1".to_owned(), 80, outcome)
        });
        let mut list: Vec<_> = list.collect();
        // Observation goes on for as long as acknowledgments may take.
        list.extend((0..wait).map(|_| ("192.0.2.9".into(), 80, "198.51.100.9".into(), 80, Outcome::Open(1))));
        attempts(list, 100)
    };
    has(&hold(50, 31, false), "half-open-accumulation");
    lacks(&hold(50, 29, false), "half-open-accumulation");
    lacks(&hold(49, 31, false), "half-open-accumulation");
    lacks(&hold(500, 31, true), "half-open-accumulation");
}

#[test]
fn a_rule_is_as_severe_as_it_was_at_its_worst() {
    let mut bench = Bench::new();
    for severity in [Severity::Note, Severity::Alert, Severity::Note] {
        let finding = Finding::new("a clock".into()).severity(severity);
        bench.hosts.reporter.report(&rules::ISN_TIME_LINEAR, Timestamp(0), (None, None), finding, &mut |_| ());
    }
    assert_eq!(bench.hosts.severities().collect::<Vec<_>>(), [("isn-time-linear", Severity::Alert)]);
}

/// Attempts of one client whose connections a kernel makes: (ms, from, to, port, outcome, ms until it is known). Packet
/// time is passed on every second.
fn of_a_kernel(list: impl IntoIterator<Item = (i64, String, String, u16, Outcome, i64)>) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let mut list: Vec<_> = list.into_iter().collect();
    list.sort_by_key(|(ms, ..)| *ms);
    let (mut second, mut end) = (0, 0);
    for (k, (ms, from, to, port, outcome, after)) in list.into_iter().enumerate() {
        while second * 1000 < ms {
            let found = &mut bench.found;
            let now = Timestamp((3600 + second) * SECOND);
            bench.hosts.advance(now, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
            second += 1;
        }
        bench.play(&attempt(ms, &from, 30_000 + (k % 30_000) as u16, &to, port), after, outcome);
        end = end.max(ms + after);
    }
    bench.finish(end)
}

/// `hosts` targets each `period` ms, for a number of rounds; `fate` of each.
fn checks(hosts: i64, rounds: i64, period: i64, fate: fn(i64) -> Outcome) -> Vec<Anomaly> {
    of_a_kernel((0..hosts * rounds).map(|k| {
        let (host, round) = (k % hosts, k / hosts);
        let at = round * period + host * period / hosts + k * 7919 % 13;
        (at, "192.0.2.1".into(), format!("198.51.100.{host}"), 80, fate(host), 3)
    }))
}

#[track_caller]
fn is_calm(found: &[Anomaly]) {
    let alarms: Vec<_> = found.iter().filter(|a| a.severity >= crate::detect::Severity::Warn).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
}

#[test]
fn who_asks_the_same_again_and_again_checks_it() {
    let fates: [fn(i64) -> Outcome; 4] = [
        |_| Outcome::ResetAfterSynAck,
        |_| Outcome::Refused,
        |_| Outcome::Unanswered,
        |host| if host % 3 == 0 { Outcome::Refused } else { Outcome::ResetAfterSynAck },
    ];
    for (n, fate) in fates.into_iter().enumerate() {
        for (hosts, rounds, period) in [(40, 12, 500), (30, 4, 10_000), (60, 5, 15_000), (40, 4, 60_000)] {
            is_calm(&checks(hosts, rounds, period, fate));
            // Once is no check.
            if n > 0 {
                has(&checks(hosts, 1, 500, fate), "scan-horizontal");
            }
        }
    }
}

/// Each target tried twice, one after the other, is not a set that repeats.
#[test]
fn who_tries_each_target_again_still_scans() {
    let found = of_a_kernel((0..60).flat_map(|k| {
        let at = k * 400;
        [at, at + 1000].map(|at| (at, "192.0.2.1".into(), format!("198.51.100.{k}"), 22, Outcome::Refused, 3))
    }));
    has(&found, "scan-horizontal");
}

#[test]
fn a_sweep_that_meets_only_open_ports_is_a_scan() {
    let sweep = |n: i64, gap: i64, rounds: i64| {
        let mut bench = Bench::new();
        for k in 0..n * rounds {
            let a = attempt(k * gap, "192.0.2.1", 40_000 + k as u16, &format!("198.51.100.{}", k % n), 22);
            bench.play(&a, 1, Outcome::Open(1_000_000));
            let found = &mut bench.found;
            let unused = settled(&a, 2, Outcome::Open(1_000_000));
            let HostDetectors { scans, settings, reporter, .. } = &mut bench.hosts;
            scans.unused(&unused, settings, reporter, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
        }
        bench.finish(n * rounds * gap + 10)
    };
    let found = sweep(40, 2, 1);
    let last = found.iter().rfind(|a| a.id == "scan-horizontal").expect("a sweep");
    assert_eq!(figure(last, "ports_open"), &Figure::List(vec![22]));
    assert_eq!(figure(last, "technique"), &Figure::Text("connect".into()));
    is_calm(&sweep(24, 2, 1));
    is_calm(&sweep(40, 10, 4));
    is_calm(&sweep(40, 1000, 1));
}

#[test]
fn what_the_other_family_won_has_not_failed() {
    let browse = |delay: i64, other: &str, outcome: Outcome| {
        of_a_kernel((0..40).flat_map(|k| {
            let at = k * 6_000;
            let six = (at, "2001:db8:1::a".into(), format!("2001:db8:2::{k}"), 443, outcome, 2_900);
            [six, (at + delay, other.into(), format!("198.51.100.{k}"), 443, Outcome::Open(1_000_000), 2)]
        }))
    };
    is_calm(&browse(200, "192.0.2.10", Outcome::Unanswered));
    is_calm(&browse(2_000, "192.0.2.10", Outcome::Unanswered));
    is_calm(&browse(300, "192.0.2.10", Outcome::Silent));
    has(&browse(4_000, "192.0.2.10", Outcome::Unanswered), "scan-horizontal");
    has(&browse(-100, "192.0.2.10", Outcome::Unanswered), "scan-horizontal");
}

#[test]
fn an_uplink_that_dies_is_no_scan() {
    let outage = |used: i64, comes_back: bool, until: i64| {
        let mut bench = Bench::new();
        let mut play = |at: i64, host: i64, outcome, after| {
            let a = attempt(at, "192.0.2.1", 30_000 + (at % 30_000) as u16, &format!("198.51.100.{host}"), 443);
            bench.play(&a, after, outcome);
            if outcome == Outcome::Open(1) {
                bench.hosts.scans.used(a.client.ip, false, &mut Places::default());
            }
        };
        for k in 0..used {
            play(k * 100, k, Outcome::Open(1), 5);
        }
        if comes_back {
            play(40_000, 7, Outcome::Open(1), 5);
        }
        for k in 0..60 {
            play(used * 100 + until + k * 50, 60 + k, Outcome::Unanswered, 63_000);
        }
        bench.finish(200_000)
    };
    is_calm(&outage(40, false, 0));
    is_calm(&outage(40, true, 0));
    has(&outage(0, false, 0), "scan-horizontal");
    // Something answered in the midst of it.
    has(&outage(40, true, 34_000), "scan-horizontal");
}

/// Observation begins with the uplink dead, or with a scan of dark addresses by a host that has work to do as well.
#[test]
fn who_asks_a_hundred_in_vain_before_the_first_answer_scans() {
    let begins = |asked: i64| {
        let mut bench = Bench::new();
        for k in 0..asked {
            let a = attempt(k * 240, "192.0.2.1", 30_000 + k as u16, &format!("198.51.100.{}", 60 + k), 443);
            bench.play(&a, 63_000, Outcome::Unanswered);
        }
        for k in 0..40 {
            let a = attempt(66_000 + k * 100, "192.0.2.1", 40_000 + k as u16, &format!("203.0.113.{k}"), 443);
            bench.play(&a, 5, Outcome::Open(1));
            bench.hosts.scans.used(a.client.ip, false, &mut Places::default());
        }
        bench.finish(200_000)
    };
    is_calm(&begins(60));
    has(&begins(100), "scan-horizontal");
}

/// Half of what somebody asks for is dead.
#[test]
fn who_has_work_to_do_may_fail() {
    let scrape = |dead: i64| {
        let mut bench = Bench::new();
        for k in 0..60 {
            let a = attempt(k * 250, "192.0.2.1", 30_000 + k as u16, &format!("198.51.100.{k}"), 9100);
            if k < dead {
                bench.play(&a, 1, Outcome::Refused);
            } else {
                bench.play(&a, 1, Outcome::Open(1));
                bench.hosts.scans.used(a.client.ip, false, &mut Places::default());
            }
        }
        bench.finish(16_000)
    };
    is_calm(&scrape(30));
    has(&scrape(40), "scan-horizontal");
}

#[test]
fn several_sources_scan_together() {
    let raw = |list: Vec<(u16, String, u16)>| {
        let mut bench = Bench::new();
        for (k, (source, to, port)) in list.into_iter().enumerate() {
            let mut a = attempt(k as i64 * 30, &format!("192.0.2.{source}"), 40_000, &to, port);
            a.look = tool_look(1024, 50, 7);
            bench.play(&a, 1, Outcome::Refused);
        }
        bench.finish(10_000)
    };
    let sweep = |sources: u16, each: u16, shared: u16| {
        raw((0..sources * each).map(|k| (k % sources, format!("198.51.100.{}", k / shared), 23)).collect())
    };
    let found = sweep(30, 2, 1);
    let [first, last] = &found.iter().filter(|a| a.id == "scan-distributed").collect::<Vec<_>>()[..] else {
        panic!("{:?}", ids(&found))
    };
    assert_eq!(last.incident.map(|i| (i.id, i.phase)), first.incident.map(|i| (i.id, Phase::Final)));
    assert_eq!(figure(last, "source_count"), &Figure::Integer(30));
    assert_eq!(figure(last, "targets"), &Figure::Integer(60));
    assert_eq!(figure(last, "ports_closed"), &Figure::List(vec![23]));
    lacks(&sweep(12, 2, 1), "scan-distributed");
    lacks(&sweep(4, 10, 1), "scan-distributed");
    // Each host is asked for by two of them.
    lacks(&sweep(30, 4, 2), "scan-distributed");
    let ports = |sources: u16, n: u16, shared: u16| {
        raw((0..n).map(|k| (k % sources, "198.51.100.1".into(), 1000 + k / shared)).collect())
    };
    has(&ports(5, 20, 1), "scan-distributed");
    lacks(&ports(4, 20, 1), "scan-distributed");
    // A host is down, and its clients try all its services.
    lacks(&ports(30, 60, 3), "scan-distributed");
}

/// Sources with SYNs of a kernel and the hosts of one network on one port; of `each` attempts one fails.
#[test]
fn what_fails_now_and_then_in_a_large_network_is_no_distributed_scan() {
    let clients = |each: u16, severity: bool| {
        let mut bench = Bench::new();
        for k in 0..60 * each {
            let a = attempt(
                i64::from(k) * 3,
                &format!("192.0.2.{}", k / each % 40),
                40_000 + k,
                &format!("198.51.100.{}", k / each),
                443,
            );
            bench.play(&a, 1, if k % each == each - 1 { Outcome::MissingAck } else { Outcome::Open(1) });
        }
        let found = bench.finish(100_000);
        assert!(!severity || found.iter().all(|a| a.severity == Severity::Note), "{:?}", ids(&found));
        found
    };
    has(&clients(1, true), "scan-distributed");
    lacks(&clients(3, false), "scan-distributed");
    lacks(&clients(50, false), "scan-distributed");
}

/// Attempts of several sources with the same sequence numbers; with `open` one of the sources resets the SYN-ACKs.
#[test]
fn what_is_sent_in_several_names_is_reported_of_one() {
    let scan = |open: bool| {
        let mut bench = Bench::new();
        for k in 0..60_u16 {
            for source in 1..=4 {
                let at = i64::from(k) * 100 + source;
                let mut a = attempt(at, &format!("192.0.2.{source}"), 50_000, "198.51.100.1", 80 + k);
                a.look = tool_look(1024, 50, 7);
                (a.look.layout, a.look.mss, a.look.options_len) = (crate::tcp::options::Layout(0x3), Some(1460), 4);
                a.isn = SeqNumber(77);
                let outcome = match (open && k % 10 == 0, source) {
                    (true, 3) => Outcome::ResetAfterSynAck,
                    (true, _) => Outcome::MissingAck,
                    _ => Outcome::Refused,
                };
                bench.play(&a, 1, outcome);
            }
        }
        for second in 7..100 {
            let found = &mut bench.found;
            let now = Timestamp((3600 + second) * SECOND);
            bench.hosts.advance(now, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
        }
        bench.finish(100_000)
    };
    for open in [true, false] {
        let found = scan(open);
        for id in ["scan-vertical", "tech-syn", "scan-decoy", "fp-nmap"] {
            let reported: Vec<_> =
                found.iter().filter(|a| a.id == id && a.incident.is_some_and(|i| i.phase == Phase::New)).collect();
            assert_eq!(reported.len(), 1, "{id}, {open}: {reported:#?}");
            if open && id == "scan-vertical" {
                assert_eq!(reported[0].source.map(|(ip, _)| ip), Some("192.0.2.3".parse().unwrap()));
            }
        }
        let named = found.iter().filter(|a| a.id == "scan-vertical" && a.severity == Severity::Note).count();
        // Of what is reported late, all at once, the list of names is enough.
        assert_eq!(named, if open { 3 } else { 0 });
        let last = found.iter().rfind(|a| a.incident.is_some_and(|i| i.phase == Phase::Final)).unwrap();
        let names = (1..=4).map(|n| format!("192.0.2.{n}")).collect();
        assert_eq!(figure(last, "sources"), &Figure::Texts(names), "{open}");
    }
}

/// Two sources that scan the same host, each in its own way, are two.
#[test]
fn two_scanners_of_one_host_are_reported_each() {
    let mut bench = Bench::new();
    for k in 0..20_u16 {
        for source in 1..=2 {
            let at = i64::from(k) * 100 + source;
            bench.play(&attempt(at, &format!("192.0.2.{source}"), 50_000, "198.51.100.1", 80 + k), 1, Outcome::Refused);
        }
    }
    let found = bench.finish(7_000);
    let fresh = |a: &&Anomaly| a.id == "scan-vertical" && a.incident.is_some_and(|i| i.phase == Phase::New);
    assert_eq!(found.iter().filter(fresh).count(), 2);
}

#[test]
fn probes_of_thousands_of_sources_are_one_incident() {
    let mut bench = Bench::new();
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    for k in 0..2_000_u32 {
        let from = std::net::Ipv4Addr::from(0x2d00_0000 + k.wrapping_mul(2_654_435_761) % 0x4000_0000).to_string();
        let a = attempt(i64::from(k), &from, 1024 + k as u16, "198.51.100.1", 80);
        let (time, frame, from, to, number) = (a.time, a.frame, a.client, a.server, a.isn);
        let probe = Probe {
            time,
            frame,
            from,
            to,
            technique: Technique::Null,
            flags: Flags::NONE,
            number,
            reply: super::probe::Reply::None,
        };
        bench.hosts.probe(&probe, &mut report);
    }
    let found = bench.finish(3_000);
    let reported: Vec<_> = found.iter().filter(|a| a.id == "tech-null").collect();
    let phases: Vec<_> = reported.iter().filter_map(|a| a.incident).map(|i| (i.id, i.phase)).collect();
    let id = phases[0].0;
    let [new, update, last] = [Phase::New, Phase::Update, Phase::Final].map(|phase| (id, phase));
    assert_eq!(phases, [new, update, update, update, last]);
    assert_eq!(figure(reported[4], "source_count"), &Figure::Integer(2_000));
    let Figure::Texts(sample) = figure(reported[4], "sources") else { panic!("{reported:#?}") };
    assert_eq!(sample.len(), 32);
}

#[test]
fn a_grid_is_one_report() {
    let scan = |hosts: u16, ports: u16| {
        attempts(
            (0..hosts * ports).map(|k| {
                let (host, port) = (k % hosts, 80 + k / hosts);
                ("192.0.2.1".into(), 40_000, format!("198.51.100.{host}"), port, Outcome::Refused)
            }),
            5,
        )
    };
    let fresh = |found: &[Anomaly]| {
        let new = found.iter().filter(|a| a.incident.is_some_and(|i| i.phase == Phase::New));
        new.map(|a| a.id).filter(|id| id.starts_with("scan-")).collect::<Vec<_>>()
    };
    assert_eq!(fresh(&scan(16, 50)), ["scan-block"]);
    assert_eq!(fresh(&scan(30, 10)), ["scan-horizontal"]);
    assert_eq!(fresh(&scan(1, 50)), ["scan-vertical"]);
    assert_eq!(fresh(&scan(30, 1)), ["scan-horizontal"]);
    assert_eq!(fresh(&scan(2, 50)), ["scan-vertical", "scan-vertical"]);
}

/// Who sends the SYNs of [`spread`]: a source for each SYN, a number of sources, one.
fn spread_source(k: u32, sources: u32) -> String {
    std::net::Ipv4Addr::from(0x2d00_0000 + (k % sources).wrapping_mul(2_654_435_761) % 0x4000_0000).to_string()
}

/// `n` SYNs in ten seconds, each to what `target` says, from `sources` sources; with the SYNs of a tool, or of kernels;
/// each comes out so, and is tried again where the last says so.
fn spread(
    n: u32,
    sources: u32,
    of_a_tool: bool,
    target: impl Fn(u32) -> (String, u16),
    fate: impl Fn(u32) -> (Outcome, bool),
) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let mut second = 0;
    for k in 0..n {
        let at = i64::from(k) * 10_000 / i64::from(n);
        let (to, port) = target(k);
        let mut a = attempt(at, &spread_source(k, sources), 1024 + (k % 60_000) as u16, &to, port);
        a.look.ttl = 40 + (k % 20) as u8;
        if of_a_tool {
            a.look = tool_look(1000, 60, k as u16);
        }
        let (outcome, retried) = fate(k);
        if outcome == Outcome::Silent {
            let found = &mut bench.found;
            let mut places = Places::default();
            bench.hosts.attempt(&a, &mut places, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
        } else {
            bench.play(&a, 10, outcome);
        }
        if retried {
            bench.retry(&a);
        }
        if a.time.seconds() != second {
            second = a.time.seconds();
            let found = &mut bench.found;
            bench.hosts.advance(a.time, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
        }
    }
    let found = &mut bench.found;
    for second in 10..40 {
        let now = Timestamp((3600 + second) * SECOND);
        bench.hosts.advance(now, &mut |anomaly: &Anomaly| found.push(anomaly.clone()));
    }
    bench.finish(40_000)
}

fn ports_of_one(k: u32) -> (String, u16) {
    ("198.51.100.1".into(), 1 + (k.wrapping_mul(40_503) % 65_000) as u16)
}

fn hosts_of_a_network(k: u32) -> (String, u16) {
    (format!("198.51.100.{}", k.wrapping_mul(2_654_435_761) >> 24), 443)
}

fn hosts_of_a_long_network(k: u32) -> (String, u16) {
    (format!("2001:db8:1::{:x}", k.wrapping_mul(2_654_435_761) >> 16), 443)
}

/// Both reports of the one flood, and nothing else at warn or above but its kin.
#[track_caller]
fn one_spread_flood(found: &[Anomaly], victim: &str) {
    let loud: Vec<_> = found.iter().filter(|a| a.severity >= crate::detect::Severity::Warn).collect();
    let floods: Vec<_> = loud.iter().filter(|a| a.id == "syn-flood").collect();
    let phases: Vec<_> = floods.iter().filter_map(|a| a.incident).map(|incident| incident.phase).collect();
    assert_eq!(phases, [Phase::New, Phase::Final], "{loud:#?}");
    assert!(floods.iter().all(|a| a.destination == Some((victim.parse().unwrap(), None))), "{loud:#?}");
    let kin = ["syn-flood", "syn-flood-spoofed", "fp-hping"];
    assert!(loud.iter().all(|a| kin.contains(&a.id)), "{:?}", ids(found));
}

#[test]
fn a_flood_of_many_ports_is_one_incident_of_its_host() {
    for fate in [Outcome::Refused, Outcome::MissingAck, Outcome::Unanswered] {
        let found = spread(8_000, u32::MAX, true, ports_of_one, |_| (fate, false));
        one_spread_flood(&found, "198.51.100.1");
        let last = found.iter().rfind(|a| a.id == "syn-flood").unwrap();
        assert_eq!(figure(last, "syns"), &Figure::Integer(8_000), "{fate:?}");
        let Figure::Integer(ports) = figure(last, "ports") else { panic!("{:?}", last.figures) };
        assert!((7_500..8_500).contains(ports), "{ports}");
        assert!(last.reason.contains("198.51.100.1 (some "), "{}", last.reason);
    }
    // SYNs as kernels send them, to ports that are open or silent.
    one_spread_flood(&spread(4_000, u32::MAX, false, ports_of_one, |_| (Outcome::MissingAck, false)), "198.51.100.1");
}

#[test]
fn a_flood_of_a_network_is_one_incident() {
    for fate in [Outcome::Refused, Outcome::MissingAck, Outcome::Silent] {
        let found = spread(8_000, u32::MAX, true, hosts_of_a_network, |_| (fate, false));
        one_spread_flood(&found, "198.51.100.0");
        let last = found.iter().rfind(|a| a.id == "syn-flood").unwrap();
        assert_eq!(figure(last, "network"), &Figure::Text("198.51.100.0/24".into()), "{fate:?}");
        let Figure::Integer(hosts) = figure(last, "hosts") else { panic!("{:?}", last.figures) };
        assert!((230..270).contains(hosts), "{hosts}");
    }
    one_spread_flood(
        &spread(8_000, u32::MAX, true, hosts_of_a_long_network, |_| (Outcome::Silent, false)),
        "2001:db8:1::",
    );
    // Each host at a port of its own.
    let everywhere = |k| (hosts_of_a_network(k).0, ports_of_one(k).1);
    one_spread_flood(&spread(8_000, u32::MAX, true, everywhere, |_| (Outcome::Refused, false)), "198.51.100.0");
}

/// One source that asks the same hosts again and again floods them; one that asks each once or twice scans them.
#[test]
fn a_flood_of_a_network_may_have_one_source() {
    let found = spread(8_000, 1, true, hosts_of_a_network, |_| (Outcome::Silent, false));
    has(&found, "syn-flood");
    let flood = found.iter().find(|a| a.id == "syn-flood").unwrap();
    assert_eq!(flood.source, Some((spread_source(0, 1).parse().unwrap(), None)));
    let twice = |k| (format!("198.51.{}.{}", 100 + k / 500, k % 250), 443);
    for found in [
        spread(8_000, 1, true, ports_of_one, |_| (Outcome::Refused, false)),
        spread(1_000, 1, true, twice, |_| (Outcome::Refused, false)),
        spread(8_000, 1, true, hosts_of_a_long_network, |_| (Outcome::Unanswered, false)),
        // Decoys.
        spread(8_000, 8, true, ports_of_one, |_| (Outcome::Refused, false)),
    ] {
        lacks(&found, "syn-flood");
    }
}

#[test]
fn many_clients_of_a_network_are_no_flood() {
    let served =
        |k: u32| (if k.is_multiple_of(20) { Outcome::Unanswered } else { Outcome::Open(1) }, k.is_multiple_of(20));
    for target in [hosts_of_a_network, ports_of_one, hosts_of_a_long_network] {
        for fate in [served, |_| (Outcome::Unanswered, true), |_| (Outcome::Refused, false)] {
            let found = spread(6_000, 3_000, false, target, fate);
            lacks(&found, "syn-flood");
            lacks(&found, "syn-flood-spoofed");
        }
    }
}

/// Many sources at once that are no flood: what they do together is reported a little later.
#[test]
fn a_quick_scan_by_many_is_reported_once_it_is_no_flood() {
    let found = spread(300, 60, true, ports_of_one, |_| (Outcome::Refused, false));
    has(&found, "scan-distributed");
    lacks(&found, "syn-flood");
}

/// `n` stray segments a second for five seconds, from `sources` sources, to hosts of a network.
fn strays_of_a_network(n: u32, sources: u32, proved: bool, target: fn(u32) -> (String, u16)) -> Vec<Anomaly> {
    let mut bench = Bench::new();
    let found = &mut bench.found;
    let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
    for k in 0..n * 5 {
        let ms = i64::from(k) * 1000 / i64::from(n);
        let (to, port) = target(k);
        let a = attempt(ms, &spread_source(k, sources), k as u16, &to, port);
        let stray = Stray { time: a.time, frame: a.frame, from: a.client, to: a.server, proved, answer: false };
        let HostDetectors { stray_floods: strays, reporter, .. } = &mut bench.hosts;
        strays.stray(&stray, reporter, &mut report);
    }
    bench.finish(6000)
}

#[test]
fn stray_segments_to_the_hosts_of_a_network_are_one_flood() {
    for (n, sources, proved) in [(400, u32::MAX, true), (1_500, u32::MAX, false), (1_500, 1, true)] {
        let found = strays_of_a_network(n, sources, proved, hosts_of_a_network);
        let phases: Vec<_> = found.iter().filter(|a| a.id == "stateless-flood").map(phase_of).collect();
        assert_eq!(phases, [Phase::New, Phase::Final], "{n} {sources} {proved}: {found:#?}");
        assert_eq!(found[0].destination, Some(("198.51.100.0".parse().unwrap(), None)));
    }
    has(&strays_of_a_network(400, u32::MAX, true, hosts_of_a_long_network), "stateless-flood");
    lacks(&strays_of_a_network(200, u32::MAX, true, hosts_of_a_network), "stateless-flood");
    lacks(&strays_of_a_network(800, u32::MAX, false, hosts_of_a_network), "stateless-flood");
    // Each once: a scan.
    lacks(&strays_of_a_network(400, 1, true, hosts_of_a_long_network), "stateless-flood");
}
