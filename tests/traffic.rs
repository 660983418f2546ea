//! The traffic that speed is measured with is what it is said to be: the verdicts of each sort, small.

#[allow(dead_code, unreachable_pub)]
#[path = "common/frames.rs"]
mod frames;
#[allow(dead_code, unreachable_pub)]
#[path = "bench/traffic.rs"]
mod traffic;

use std::collections::BTreeMap;
use std::io::Cursor;

use synscope::capture::{FileOptions, Files, Next, Source};
use synscope::detect::Severity;
use synscope::engine::{Engine, Event, Settings, Totals};
use synscope::flow::{Closing, Opening};
use traffic::{SCANNER, Sort, Traffic, VICTIM};

#[derive(Default)]
struct Seen {
    verdicts: BTreeMap<(&'static str, &'static str), u64>,
    /// Complete connections of 10.1.0.0/16.
    legitimate: u64,
    /// Ids of anomalies of `warn` and above, with whom they are about.
    warnings: Vec<(&'static str, String)>,
    totals: Totals,
}

impl Seen {
    fn flows(&self, wanted: impl Fn(&str, &str) -> bool) -> u64 {
        self.verdicts.iter().filter(|((opening, closing), _)| wanted(opening, closing)).map(|(_, n)| n).sum()
    }
}

fn bytes(traffic: &Traffic) -> (Vec<u8>, u64) {
    let mut file = Vec::new();
    let frames = traffic.write(&mut file).expect("memory");
    (file, frames)
}

fn see(traffic: &Traffic) -> Seen {
    let (file, frames) = bytes(traffic);
    let mut files =
        Files::from_streams([("traffic".to_owned(), Cursor::new(file))], FileOptions::default()).expect("pcap");
    let mut engine = Engine::new(&Settings::default()).expect("an engine");
    let mut seen = Seen::default();
    let mut sink = |event: &Event<'_>| match event {
        Event::FlowEnd { flow, .. } => {
            *seen.verdicts.entry((flow.opening().name(), flow.closing().name())).or_default() += 1;
            let ours = flow.client.endpoint.ip.to_string().starts_with("10.1.");
            let complete = flow.opening() == Opening::Established && flow.closing() == Closing::Fin;
            seen.legitimate += u64::from(ours && complete);
        }
        Event::Anomaly { anomaly, .. } if anomaly.severity >= Severity::Warn => {
            seen.warnings.push((anomaly.id, format!("{:?} {:?}", anomaly.source, anomaly.destination)));
        }
        _ => {}
    };
    while let Next::Frame(frame) = files.next().expect("a whole file") {
        engine.frame(&frame, &mut sink);
    }
    engine.finish(&mut sink);
    seen.totals = engine.totals();
    assert_eq!(seen.totals.packets, frames);
    seen
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    for sort in [Sort::Web, Sort::Mix, Sort::Established, Sort::Flood, Sort::Scan] {
        let traffic = Traffic::new(sort, 2_000);
        assert_eq!(bytes(&traffic), bytes(&traffic), "{sort:?}");
        assert_ne!(bytes(&traffic).0, bytes(&Traffic { seed: 5, ..traffic }).0, "{sort:?}");
        assert!(bytes(&Traffic { snaplen: 50, ..traffic }).0.len() < bytes(&traffic).0.len(), "{sort:?}");
    }
}

#[test]
fn web_is_complete_connections() {
    let seen = see(&Traffic { live: 32, ..Traffic::new(Sort::Web, 20_000) });
    let (complete, all) = (seen.flows(|o, c| (o, c) == ("established", "fin")), seen.flows(|_, _| true));
    assert_eq!(seen.totals.packets, 20_000);
    // All but those under way at the end.
    assert!(all - complete <= 32 && complete > 400, "{:?}", seen.verdicts);
    assert!(seen.warnings.is_empty(), "{:?}", seen.warnings);
}

/// Connections begin one by one, and there are as many at a time as were asked for.
#[test]
fn mixed_arrivals_begin_between_segments_of_others() {
    let traffic = Traffic { live: 200, mixed: true, ..Traffic::new(Sort::Web, 20_000) };
    let begun = |packets: u64| see(&Traffic { packets, ..traffic }).totals.flows;
    // Three segments to a train, and every other train begins one.
    assert!((20..120).contains(&begun(300)), "{}", begun(300));
    let seen = see(&traffic);
    let under_way = seen.flows(|_, closing| closing != "fin");
    assert!((150..=200).contains(&under_way), "{under_way} of {:?}", seen.verdicts);
    assert!(seen.warnings.is_empty(), "{:?}", seen.warnings);
}

#[test]
fn mix_has_every_fate() {
    let seen = see(&Traffic { live: 64, ..Traffic::new(Sort::Mix, 40_000) });
    for opening in ["established", "refused", "undecided"] {
        assert!(seen.flows(|o, _| o == opening) > 20, "{opening}: {:?}", seen.verdicts);
    }
    assert!(seen.flows(|_, c| c == "reset-by-client") > 20, "{:?}", seen.verdicts);
    assert!(seen.totals.health.holes.count > 0 && seen.totals.health.reordered.count > 0, "{:?}", seen.totals.health);
}

#[test]
fn established_is_a_few_connections_that_stay_open() {
    let seen = see(&Traffic { live: 16, ..Traffic::new(Sort::Established, 10_000) });
    assert_eq!(seen.verdicts, BTreeMap::from([(("established", "open"), 16)]));
    assert!(seen.warnings.is_empty(), "{:?}", seen.warnings);
}

#[test]
fn a_flood_is_named_and_legitimate_connections_are_whole() {
    let traffic = Traffic { legitimate: 100, ..Traffic::new(Sort::Flood, 40_000) };
    let seen = see(&traffic);
    assert_eq!(seen.legitimate, 100);
    // It is over before anything times out.
    assert_eq!(seen.flows(|o, _| o == "undecided"), 40_000, "{:?}", seen.verdicts);
    let victim = VICTIM.ip().to_string();
    assert!(seen.warnings.iter().any(|(id, who)| *id == "syn-flood" && who.contains(&victim)), "{:?}", seen.warnings);
}

#[test]
fn a_scan_is_named_with_its_scanner() {
    let seen = see(&Traffic::new(Sort::Scan, 10_000));
    let scanner = SCANNER.to_string();
    let named = |(id, who): &(&str, String)| id.contains("scan") && who.contains(&scanner);
    assert!(seen.warnings.iter().any(named), "{:?}", seen.warnings);
    let silent = seen.flows(|o, _| matches!(o, "unanswered" | "undecided"));
    assert!(seen.flows(|o, _| o == "refused") > 1_000 && silent > 1_000, "{:?}", seen.verdicts);
}
