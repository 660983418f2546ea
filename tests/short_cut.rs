//! The short cut for ordinary segments, and decoding in batches, give the same flows as the long way, frame by frame.

mod common;

use common::{analyse_in_batches, analyse_with, testdata};
use synscope::engine::Settings;
use synscope::flow::HostMarks;

#[test]
fn every_capture_gives_the_same_flows_both_ways() {
    let mut compared = 0;
    for entry in std::fs::read_dir(testdata("labelled")).expect("captures").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "json") {
            continue;
        }
        let mut short = analyse_in_batches(&path, &Settings::default());
        let mut long = analyse_with(&path, &Settings { long_way: true, ..Settings::default() });
        // What ends within the same quarter of a second may do so in another order.
        for analysis in [&mut short, &mut long] {
            analysis.flows.sort_by_key(|flow| flow.id);
            // Which record a flow is kept in says nothing of it.
            analysis.flows.iter_mut().for_each(|flow| flow.host_marks.slot = HostMarks::NO_SLOT);
            analysis.anomalies.sort_by_key(|anomaly| format!("{anomaly:?}"));
        }
        assert_eq!(short.flows.len(), long.flows.len(), "{}", path.display());
        for (a, b) in short.flows.iter().zip(&long.flows) {
            compared += 1;
            let (short, long) = (format!("{a:#?}"), format!("{b:#?}"));
            let difference = short.lines().zip(long.lines()).find(|(x, y)| x != y);
            assert_eq!(difference, None, "{} flow {}", path.display(), a.id);
        }
        assert_eq!(format!("{:?}", short.anomalies), format!("{:?}", long.anomalies), "{}", path.display());
    }
    assert!(compared > 20_000, "only {compared} flows");
}
