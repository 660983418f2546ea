//! `synscope compare` against a path that knows what it did: every act named, none invented, clocks within their error.

#[path = "../common/mod.rs"]
mod common;
mod path;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use common::frames::{ACK, FIN, RST, SYN, SYN_OPTIONS};
use path::{Act, Path, Sent};
use serde_json::Value;

fn scratch(name: &str, octets: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("compare-{name}"));
    fs::write(&path, octets).expect("scratch file");
    path
}

fn run(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_synscope"));
    program.arg("compare").args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

/// The events of a comparison of two captures.
fn compare(name: &str, captures: &[Vec<u8>; 2], more: &[&str]) -> Vec<Value> {
    let files = [scratch(&format!("{name}-a.pcap"), &captures[0]), scratch(&format!("{name}-b.pcap"), &captures[1])];
    let files = files.each_ref().map(|path| path.to_str().expect("path"));
    let output = run(&[&files[..], &["--json"], more].concat());
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn summary(events: &[Value]) -> &Value {
    let last = events.last().expect("a summary");
    assert_eq!(last["event"]["action"], "compare_summary");
    &last["synscope"]["compare"]
}

/// `verdict:sender` of the connection of a client's port.
fn verdicts(events: &[Value], port: u16) -> BTreeSet<String> {
    let of = |event: &&Value| ["a", "b"].iter().any(|tap| event["synscope"]["compare"][tap]["client"]["port"] == port);
    let flows: Vec<&Value> = events.iter().filter(of).collect();
    assert_eq!(flows.len(), 1, "{flows:?}");
    let verdicts = flows[0]["synscope"]["compare"]["verdicts"].as_array().expect("verdicts");
    let name = |v: &Value| format!("{}:{}", v["id"].as_str().expect("an id"), v["sender"].as_str().unwrap_or("-"));
    verdicts.iter().map(name).collect()
}

/// Opening, request, answer, close; segment `n` gets its act.
fn talk(acts: &[(usize, Act)]) -> Vec<Sent> {
    let (c, s) = (1000u32, 9000u32);
    let rows: [(bool, u8, u32, u32, usize); 10] = [
        (true, SYN, c, 0, 0),
        (false, SYN | ACK, s, c + 1, 0),
        (true, ACK, c + 1, s + 1, 0),
        (true, ACK, c + 1, s + 1, 100),
        (false, ACK, s + 1, c + 101, 0),
        (false, ACK, s + 1, c + 101, 200),
        (true, ACK, c + 101, s + 201, 0),
        (true, FIN | ACK, c + 101, s + 201, 0),
        (false, FIN | ACK, s + 201, c + 102, 0),
        (true, ACK, c + 102, s + 202, 0),
    ];
    let sent = |(n, (from_client, flags, seq, ack, length)): (usize, (bool, u8, u32, u32, usize))| Sent {
        from_client,
        flags,
        seq,
        ack,
        options: if flags & SYN != 0 { SYN_OPTIONS.to_vec() } else { Vec::new() },
        payload: vec![b'x'; length],
        act: acts.iter().find(|(at, _)| *at == n).map_or(Act::Pass, |(_, act)| *act),
        wait: 20,
        injected: false,
    };
    let again = |sent: Sent| {
        let lost = sent.act == Act::Drop && (!sent.payload.is_empty() || sent.flags & (SYN | FIN) != 0);
        let second = lost.then(|| Sent { act: Act::Pass, wait: 200, ..sent.clone() });
        [Some(sent), second].into_iter().flatten()
    };
    rows.into_iter().enumerate().map(sent).flat_map(again).collect()
}

/// Ordinary connections before and after, so that clocks and addresses are known.
fn around(path: &mut Path, middle: impl FnOnce(&mut Path)) {
    for n in 0..6u16 {
        path.ends(&format!("192.0.2.1:{}", 30000 + n), "198.51.100.2:443");
        talk(&[]).iter().for_each(|sent| path.send(sent));
        path.pause(700);
    }
    path.ends("192.0.2.1:40000", "198.51.100.2:443");
    middle(path);
    path.pause(1500);
    for n in 0..6u16 {
        path.ends(&format!("192.0.2.1:{}", 31000 + n), "198.51.100.2:443");
        talk(&[]).iter().for_each(|sent| path.send(sent));
        path.pause(700);
    }
}

/// A name, what the path does, and the verdicts that name it.
type Scenario = (&'static str, &'static [(usize, Act)], &'static [&'static str]);

const SCENARIOS: &[Scenario] = &[
    ("nothing", &[], &["arrived:-"]),
    ("strip-sack", &[(0, Act::Strip(4))], &["option_stripped:client"]),
    ("strip-timestamps", &[(0, Act::Strip(8))], &["option_stripped:client"]),
    ("strip-window-scale", &[(0, Act::Strip(3))], &["option_stripped:client"]),
    ("strip-answer", &[(1, Act::Strip(4))], &["option_stripped:server"]),
    ("clamp", &[(0, Act::Clamp(1360))], &["mss_changed:client"]),
    ("clamp-both", &[(0, Act::Clamp(1360)), (1, Act::Clamp(1360))], &["mss_changed:client", "mss_changed:server"]),
    ("drop-request", &[(3, Act::Drop)], &["segments_lost:client"]),
    ("drop-answer", &[(5, Act::Drop)], &["segments_lost:server"]),
    ("drop-fin", &[(7, Act::Drop)], &["segments_lost:client"]),
    ("drop-last-ack", &[(9, Act::Drop)], &["segments_lost:client"]),
    ("duplicate-syn", &[(0, Act::Duplicate)], &["duplicated:client"]),
    ("duplicate-data", &[(3, Act::Duplicate)], &["duplicated:client"]),
    ("duplicate-answer", &[(1, Act::Duplicate)], &["duplicated:server"]),
    ("dscp", &[(3, Act::Dscp(46))], &["dscp_changed:client"]),
    ("dscp-back", &[(5, Act::Dscp(10))], &["dscp_changed:server"]),
    ("corrupt", &[(3, Act::Corrupt)], &["corrupted:client"]),
    ("ttl", &[(3, Act::Ttl(30))], &["ttl_changed:client"]),
    ("reorder", &[(2, Act::Delay(27))], &["reordered:client"]),
    ("reorder-back", &[(4, Act::Delay(30))], &["reordered:server"]),
    ("slow-syn", &[(0, Act::Delay(12))], &["arrived:-"]),
    ("missed-at-b", &[(3, Act::Miss(path::B))], &["arrived:-"]),
    ("missed-at-a", &[(3, Act::Miss(path::A))], &["arrived:-"]),
];

fn judged(name: &str, offset: i64, ppm: i64, middle: impl FnOnce(&mut Path)) -> Vec<Value> {
    let mut path = Path::new(offset, ppm, name.bytes().map(u64::from).sum());
    around(&mut path, middle);
    let truth = path.clock(path.last()) as i64 - path.last() as i64;
    let end = path.last() as i64 * 1000;
    let events = compare(name, &path.captures(), &[]);
    for port in (30000..30006).chain(31000..31006) {
        assert_eq!(verdicts(&events, port), BTreeSet::from(["arrived:-".to_owned()]), "{name}: {port}");
    }
    let clock = &summary(&events)["clock"];
    let [said, error, drift, drift_error] =
        ["offset_ns", "error_ns", "drift_ppm", "drift_error_ppm"].map(|field| clock[field].as_f64().expect("a figure"));
    // The truth is that of the end; the offset is that of the last bound, at most seconds before.
    let slack = 2000.0 * ppm.abs() as f64;
    assert!((said - truth as f64 * 1000.0).abs() <= error + slack, "{name}: {said} ± {error}, is {truth} at {end}");
    assert!(error < 8e6, "{name}: {error}");
    assert!((drift - ppm as f64).abs() <= drift_error, "{name}: {drift} ± {drift_error}");
    events
}

#[test]
fn each_act_of_the_path_is_named_and_none_invented() {
    for (n, (name, acts, expected)) in SCENARIOS.iter().enumerate() {
        let (offset, ppm) = [(0, 0), (3_000_000, 100), (-7_500_000, -100)][n % 3];
        let events = judged(name, offset, ppm, |path| talk(acts).iter().for_each(|sent| path.send(sent)));
        let expected: BTreeSet<String> = expected.iter().map(|&v| v.to_owned()).collect();
        assert_eq!(verdicts(&events, 40000), expected, "{name}");
    }
}

fn retried(flags: u8, from_client: bool, seq: u32, ack: u32, times: u32, act: Act) -> Vec<Sent> {
    let one = |n: u32| Sent {
        from_client,
        flags,
        seq,
        ack,
        options: SYN_OPTIONS.to_vec(),
        payload: Vec::new(),
        act,
        wait: if n == 0 { 20 } else { 1000 },
        injected: false,
    };
    (0..times).map(one).collect()
}

fn expect(name: &str, sent: &[Sent], expected: &[&str]) {
    let events = judged(name, 2_000_000, 50, |path| sent.iter().for_each(|sent| path.send(sent)));
    let expected: BTreeSet<String> = expected.iter().map(|&v| v.to_owned()).collect();
    assert_eq!(verdicts(&events, 40000), expected, "{name}");
}

#[test]
fn openings_that_die_die_where_they_did() {
    expect("syn-dies", &retried(SYN, true, 1000, 0, 3, Act::Drop), &["syn_lost:client"]);
    let answered = [retried(SYN, true, 1000, 0, 1, Act::Pass), retried(SYN | ACK, false, 9000, 1001, 3, Act::Drop)];
    expect("answer-dies", &answered.concat(), &["answer_never_reached:server", "syn_ack_lost:server"]);
    expect("no-answer", &retried(SYN, true, 1000, 0, 2, Act::Pass), &["no_answer:server"]);
    let refusal = [retried(SYN, true, 1000, 0, 1, Act::Pass), retried(RST | ACK, false, 0, 1001, 1, Act::Drop)];
    expect("refusal-dies", &refusal.concat(), &["answer_never_reached:server", "segments_lost:server"]);
    let late = [retried(SYN, true, 1000, 0, 1, Act::Drop), talk(&[])];
    expect("first-syn-dies", &late.concat(), &["syn_lost:client"]);
}

#[test]
fn what_was_made_on_the_way_is_proved() {
    let mut forged = talk(&[]);
    let mut reset = forged[5].clone();
    (reset.flags, reset.payload, reset.injected, reset.wait) = (RST, Vec::new(), true, 1);
    forged.insert(6, reset);
    expect("forged-reset", &forged, &["rst_made:server"]);
    let mut to_server = talk(&[]);
    let mut reset = to_server[3].clone();
    (reset.flags, reset.payload, reset.injected, reset.wait) = (RST, Vec::new(), true, 1);
    to_server.insert(4, reset);
    expect("forged-reset-to-server", &to_server, &["rst_made:client"]);
    let answer = retried(SYN | ACK, false, 777, 1001, 1, Act::Pass);
    let answer: Vec<Sent> = answer.into_iter().map(|sent| Sent { injected: true, ..sent }).collect();
    let made = [retried(SYN, true, 1000, 0, 1, Act::Drop), answer].concat();
    expect("middle-answers", &made, &["segment_made:server", "syn_lost:client"]);
}

#[test]
fn translated_addresses_and_numbers_are_paired() {
    let events = judged("nat", 1_000_000, 20, |path| {
        path.client_at_b = "203.0.113.9:61000".parse().unwrap();
        talk(&[]).iter().for_each(|sent| path.send(sent));
    });
    let expected = ["address_changed:client", "address_changed:server"].map(str::to_owned);
    assert_eq!(verdicts(&events, 40000), BTreeSet::from(expected));
    let events = judged("shift", 1_000_000, 20, |path| {
        path.shift = (0, 123_456);
        talk(&[]).iter().for_each(|sent| path.send(sent));
        path.shift = (0, 0);
    });
    let expected = ["sequence_changed:client", "sequence_changed:server"].map(str::to_owned);
    assert_eq!(verdicts(&events, 40000), BTreeSet::from(expected));
}

#[test]
fn hostile_and_unrelated_pairs_get_a_clear_answer() {
    let whole = |offset, client: &str, server: &str| {
        let mut path = Path::new(offset, 0, client.len() as u64);
        for n in 0..4 {
            path.ends(&format!("{client}:{}", 5000 + n), server);
            talk(&[]).iter().for_each(|sent| path.send(sent));
        }
        path.captures()
    };
    let [a, b] = whole(0, "192.0.2.1", "198.51.100.2:443");
    let relation = |name: &str, a: &[u8], b: &[u8]| {
        let events = compare(name, &[a.to_vec(), b.to_vec()], &[]);
        let summary = summary(&events).clone();
        let ids: Vec<String> = summary["verdicts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["id"].as_str().expect("an id").to_owned())
            .collect();
        (summary["relation"].as_str().unwrap().to_owned(), ids)
    };
    assert_eq!(relation("same", &a, &a).0, "one_place");
    let [_, other] = whole(1, "203.0.113.7", "198.51.100.99:22");
    assert_eq!(relation("unrelated", &a, &other), ("unrelated".to_owned(), vec!["only_at_one".to_owned()]));
    let [_, year] = whole(365 * 86_400 * 1_000_000, "192.0.2.1", "198.51.100.2:443");
    assert_eq!(relation("a-year", &a, &year), ("related".to_owned(), vec!["arrived".to_owned()]));
    assert_eq!(relation("header-only", &a, &b[..24]), ("empty".to_owned(), vec!["only_at_one".to_owned()]));
    // B ends in the middle: what it does not cover is not lost.
    let ended = 24 + (b.len() - 24) / 2 + 7;
    let files = [scratch("cut-a.pcap", &a), scratch("cut-b.pcap", &b[..ended])];
    let output = run(&[files[0].to_str().unwrap(), files[1].to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(!text.contains("lost") && !text.contains("made on the way"), "{text}");
    for (arguments, words) in [(&["x"][..], "two captures are needed"), (&["-", "-"], "only once")] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words));
    }
}

#[test]
fn few_flows_at_a_time_invent_nothing_and_lines_are_valid() {
    let mut path = Path::new(0, 0, 3);
    for n in 0..200 {
        path.ends(&format!("192.0.2.1:{}", 5000 + n), "198.51.100.2:443");
        talk(&[]).iter().for_each(|sent| path.send(sent));
    }
    let captures = path.captures();
    let events = compare("few", &captures, &["--max-flows", "2"]);
    assert!(summary(&events)["evicted"].as_u64() > Some(100));
    let allowed = ["arrived", "table_full"];
    let ids = summary(&events)["verdicts"].as_array().unwrap();
    assert!(ids.iter().all(|v| allowed.contains(&v["id"].as_str().expect("an id"))), "{ids:?}");
    let schema = Command::new(env!("CARGO_BIN_EXE_synscope")).arg("--print-schema").output().expect("it runs");
    let document: Value = serde_json::from_slice(&schema.stdout).expect("JSON");
    let branch = |n: usize| {
        let mut branch = document["oneOf"].as_array().expect("branches")[n].clone();
        branch["$defs"] = document["$defs"].clone();
        jsonschema::validator_for(&branch).expect("a schema")
    };
    for (n, event) in [(9, &events[0]), (10, events.last().expect("a summary"))] {
        let errors: Vec<String> = branch(n)
            .iter_errors(event)
            .map(|error| {
                format!(
                    "{} at {}",
                    error.to_string().chars().rev().take(300).collect::<String>().chars().rev().collect::<String>(),
                    error.instance_path()
                )
            })
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn text_and_ladder_say_it_in_both_languages() {
    let mut path = Path::new(0, 0, 3);
    around(&mut path, |path| retried(SYN, true, 1000, 0, 3, Act::Drop).iter().for_each(|sent| path.send(sent)));
    let captures = path.captures();
    let files = [scratch("words-a.pcap", &captures[0]), scratch("words-b.pcap", &captures[1])];
    let [a, b] = files.each_ref().map(|path| path.to_str().expect("path"));
    let text = |more: &[&str]| String::from_utf8(run(&[&[a, b][..], more].concat()).stdout).expect("text");
    assert!(text(&[]).contains("SYN lost between A and B ×3"), "{}", text(&[]));
    assert!(text(&["--locale", "ko"]).contains("A와 B 사이에서 SYN 유실"));
    assert!(text(&["-T", "ladder"]).contains("│───────────▶│─────×      │            │ SYN lost"));
    let named = run(&["-r", a, "--at", "client", "-r", b, "--at", "server"]);
    assert_eq!(String::from_utf8_lossy(&named.stdout), text(&[]));
}
