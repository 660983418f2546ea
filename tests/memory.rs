//! What a connection costs in memory, as the README says it: by the sizes of the types.

mod common;

use common::script::blank;
use synscope::detect::host;
use synscope::engine::{Engine, Event, Settings};
use synscope::flow::MAX_STEPS;
use synscope::flow::{Flow, Limits, MEMORY, Opening, Step, Timeouts};
use synscope::tcp::{Endpoint, Flags, Options, Segment, SeqNumber};
use synscope::time::{SECOND, Timestamp};

const README: &str = include_str!("../README.md");

/// Asserts that the README has this sentence; line breaks are as good as spaces.
fn says(sentence: &str) {
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(sentence), "README.md does not say: {sentence}");
}

#[test]
fn bytes_per_flow_are_those_of_the_readme() {
    says(&format!(
        "A connection takes {} octets, plus {} octets per recorded step",
        size_of::<Flow>(),
        size_of::<Step>()
    ));
    says(&format!("at most {MAX_STEPS} steps"));
}

#[test]
fn limits_are_those_of_the_readme() {
    let limits = Limits::default();
    assert_eq!((limits.flows, limits.syn_only), (200_000, 200_000));
    says("200,000 connections and 200,000 unanswered SYNs");
}

#[test]
fn attempts_that_came_to_nothing_linger_in_bounds() {
    let limits = Limits { given_up: 3, ..Limits::default() };
    says("at most 2,048 and 8,192 of them");
    assert_eq!((Limits::default().lingering, Limits::default().given_up), (2_048, 8_192));
    let mut engine = Engine::new(&Settings { limits, ..Settings::default() }).expect("settings");
    let mut ended = Vec::new();
    let mut sink = |event: &Event<'_>| {
        if let Event::FlowEnd { flow, .. } = event {
            ended.push((flow.id, flow.opening()));
        }
    };
    let syn = |n: u16, seconds: i64| Segment {
        time: Timestamp::new(1_700_000_000 + seconds, 0),
        flags: Flags::SYN,
        source: Endpoint { ip: [192, 0, 2, 1].into(), port: 40_000 + n },
        destination: Endpoint { ip: [198, 51, 100, 1].into(), port: 80 },
        ..blank(u64::from(n) + 1)
    };
    for n in 0..10 {
        engine.segment(&syn(n, 0), &mut sink);
    }
    // The deadline of all ten passes, the time of none to be reported.
    engine.segment(&syn(10, 20), &mut sink);
    assert_eq!((engine.live_flows(), engine.totals().evicted), (4, 0));
    engine.finish(&mut sink);
    assert_eq!(ended.len(), 11);
    assert!(ended[..10].iter().all(|(_, opening)| *opening == Opening::Unanswered), "{ended:?}");
}

/// SYNs wait as long as they are told to, whatever the horizon of the timer wheel, and are told of in the order in which they
/// came.
#[test]
fn syns_wait_for_a_deadline_of_any_length() {
    let timeouts = Timeouts { syn: 1_000 * SECOND, flush: 2_000 * SECOND, ..Timeouts::default() };
    let mut engine = Engine::new(&Settings { timeouts, ..Settings::default() }).expect("settings");
    let mut unanswered = Vec::new();
    let mut sink = |event: &Event<'_>| {
        if let Event::HandshakeEnd(flow) = event {
            unanswered.push((flow.id, flow.opening(), flow.opening_time));
        }
    };
    let at = |seconds: i64| Timestamp::new(1_700_000_000 + seconds, 0);
    let syn = |n: u16, seconds: i64| Segment {
        time: at(seconds),
        flags: Flags::SYN,
        source: Endpoint { ip: [10, 1, 0, 1].into(), port: 40_000 + n },
        destination: Endpoint { ip: [10, 2, 0, 80].into(), port: 80 },
        seq: SeqNumber(1000),
        options: Options { mss: Some(1460), ..Options::default() },
        ..blank(u64::from(n) + 1)
    };
    for n in 0..5 {
        engine.segment(&syn(n, i64::from(n) * 100), &mut sink);
    }
    engine.advance(at(1_150), &mut sink);
    engine.advance(at(1_151), &mut sink);
    assert_eq!(engine.live_flows(), 5);
    engine.finish(&mut sink);
    let expected = [(1, Opening::Unanswered, at(1_000)), (2, Opening::Unanswered, at(1_100))];
    assert_eq!(unanswered, expected);
}

/// A SYN of which two deadlines passed in the silence before the next packet.
#[test]
fn what_silence_ends_is_reported_before_what_comes_after_it() {
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    let mut reported = Vec::new();
    let mut sink = |event: &Event<'_>| match event {
        Event::FlowStart(flow) => reported.push((flow.id, "start")),
        Event::HandshakeEnd(flow) => reported.push((flow.id, "opening")),
        Event::FlowEnd { flow, .. } => reported.push((flow.id, "end")),
        _ => {}
    };
    let segment = |n: u16, seconds: i64, flags| Segment {
        time: Timestamp::new(1_700_000_000 + seconds, 0),
        flags,
        source: Endpoint { ip: [10, 1, 0, 1].into(), port: 40_000 + n },
        destination: Endpoint { ip: [10, 2, 0, 80].into(), port: 80 },
        seq: SeqNumber(1000),
        options: Options { mss: Some(1460), ..Options::default() },
        ..blank(u64::from(n) + 1)
    };
    engine.segment(&segment(0, 0, Flags::SYN), &mut sink);
    engine.segment(&segment(1, 3000, Flags::ACK), &mut sink);
    engine.finish(&mut sink);
    assert_eq!(reported, [(1, "start"), (1, "opening"), (1, "end"), (2, "start"), (2, "opening"), (2, "end")]);
}

/// Every table of the detectors of hosts at work: sources, services, servers, places of connections, sequence numbers.
#[test]
fn what_is_known_of_hosts_stays_within_its_limit() {
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    open_many(&mut engine);
    let counters = engine.host_counters();
    assert!(counters.evicted > 10_000, "{counters:?}");
    assert!(counters.octets < 64 << 20, "{} MiB", counters.octets >> 20);
    let octets = |memory: usize| {
        let mut engine = with_memory(memory);
        open_many(&mut engine);
        (engine.host_counters().octets, engine.totals().tables_full)
    };
    // A sixteenth of the memory, a sixteenth of what hosts take, and each full table by its name.
    let (little, full) = octets(MEMORY / 16);
    assert!(little < 5 << 20, "{} KiB", little >> 10);
    for table in ["servers", "sources", "services", "hosts", "distributed_scans"] {
        assert!(full.iter().any(|(name, n)| *name == table && *n > 0), "{table}: {full:?}");
    }
    // The least that works.
    let (least, _) = octets(1);
    assert!(least < 2 << 20, "{} KiB", least >> 10);
}

/// An engine whose tables take this many octets.
fn with_memory(octets: usize) -> Engine {
    let limits = Limits::default().for_memory(octets);
    let hosts = host::Settings::default().for_memory(octets);
    Engine::new(&Settings { limits, hosts, ..Settings::default() }).expect("settings")
}

/// Half-open connections of 60,000 clients to 20,000 servers.
fn open_many(engine: &mut Engine) {
    let mut ignore = |_: &Event<'_>| ();
    for n in 0..60_000u32 {
        let time = Timestamp::new(1_700_000_000 + i64::from(n / 500), 0);
        let client = Endpoint { ip: (0xc600_0000 + n).to_be_bytes().into(), port: 40_000 };
        let server = Endpoint { ip: (0xcb00_0000 + n % 20_000).to_be_bytes().into(), port: 80 };
        let frame = u64::from(n) * 2 + 1;
        let syn = Segment { time, flags: Flags::SYN, source: client, destination: server, ..blank(frame) };
        let ack_field = SeqNumber(syn.seq.0.wrapping_add(1));
        let flags = Flags::SYN | Flags::ACK;
        let answer = Segment { time, flags, ack_field, source: server, destination: client, ..blank(frame + 1) };
        engine.segment(&syn, &mut ignore);
        engine.segment(&answer, &mut ignore);
    }
}
