//! What is found does not depend on the calendar: all captures moved in time, by whole seconds and by parts of one, are judged alike.

mod common;

use common::{analyse_moved, testdata};
use synscope::detect::Anomaly;
use synscope::engine::Settings;
use synscope::time::{MILLISECOND, SECOND};

const MOVES: [i64; 5] = [9 * SECOND, 3 * SECOND + 700 * MILLISECOND, 333_333_333, -17 * SECOND - 1, 86_399 * SECOND];

/// An anomaly, as it would be `by` nanoseconds earlier.
fn before(anomaly: &Anomaly, by: i64) -> String {
    format!("{:?}", Anomaly { time: anomaly.time.after(-by), ..anomaly.clone() })
}

#[test]
fn captures_moved_in_time_are_judged_alike() {
    let (settings, mut compared) = (Settings::default(), 0);
    let mut failures = Vec::new();
    let folders = ["labelled", "truths"].map(testdata);
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("captures").flatten());
    for path in entries.map(|entry| entry.path()).filter(|path| path.extension().is_none_or(|e| e != "json")) {
        let still = analyse_moved(&path, &settings, 0);
        let wanted: Vec<String> = still.anomalies.iter().map(|a| before(a, 0)).collect();
        // Two of them each: all would take long.
        let moves = MOVES.iter().cycle().skip(compared % MOVES.len()).take(if wanted.is_empty() { 1 } else { 2 });
        for by in moves {
            let moved = analyse_moved(&path, &settings, *by);
            let got: Vec<String> = moved.anomalies.iter().map(|a| before(a, *by)).collect();
            compared += wanted.len();
            if got != wanted {
                let odd = got.iter().zip(&wanted).find(|(a, b)| a != b);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                failures.push(format!(
                    "{name} moved by {by} ns: {} anomalies for {}; {odd:#?}",
                    got.len(),
                    wanted.len()
                ));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(compared > 2_000, "only {compared}");
}
