//! What a connection costs in memory, as the README says it: by the sizes of the types.

mod common;

use common::script::blank;
use synscope::engine::{Engine, Event, Settings};
use synscope::flow::model::MAX_STEPS;
use synscope::flow::{Flow, Limits, Opening, Step};
use synscope::tcp::{Endpoint, Flags, Segment};
use synscope::time::Timestamp;

const README: &str = include_str!("../README.md");

/// Asserts that the README has this sentence; line breaks are as good as spaces.
fn says(sentence: &str) {
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(sentence), "README.md does not say: {sentence}");
}

#[test]
fn bytes_per_flow_are_those_of_the_readme() {
    says(&format!("{} octets for its record and {} for each step", size_of::<Flow>(), size_of::<Step>()));
    says(&format!("at most {MAX_STEPS} steps"));
}

#[test]
fn limits_are_those_of_the_readme() {
    let limits = Limits::default();
    assert_eq!((limits.flows, limits.embryonic), (200_000, 200_000));
    says("200,000 connections and 200,000 flows that are nothing but a SYN");
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
