//! Every script below `testdata/scripts/`, at several sequence offsets.

mod common;

use std::collections::HashSet;

use common::script::Defect;
use common::{script, testdata};
use synscope::detect::registry::rules;
use synscope::detect::{Scope, Severity};
use synscope::engine::Settings;

#[test]
fn every_script_holds() {
    let mut paths: Vec<_> = walk(&testdata("scripts"));
    paths.sort();
    assert!(paths.len() >= 20, "only {} scripts", paths.len());
    let failures: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            std::panic::catch_unwind(|| script::check(path))
                .err()
                .map(|e| e.downcast_ref::<String>().cloned().unwrap_or_else(|| format!("{}: panicked", path.display())))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} scripts fail:\n\n{}", failures.len(), paths.len(), failures.join("\n\n"));
}

#[test]
fn every_rule_about_flows_has_a_trigger_and_a_near_miss() {
    let folder = testdata("scripts/anomalies");
    let mut lacking = Vec::new();
    for rule in rules().filter(|rule| rule.scope == Scope::Flow) {
        for (kind, wanted) in [("trigger", format!("anomaly {}", rule.id)), ("near_miss", format!("no {}", rule.id))] {
            let name = format!("{}.{kind}.script", rule.id);
            let text = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
            let expects = text.lines().any(|line| {
                let line = line.split('#').next().unwrap_or("").trim();
                line.strip_prefix('=').is_some_and(|rest| format!("{rest} ").contains(&format!("{wanted} ")))
            });
            if !expects {
                lacking.push(name);
            }
        }
    }
    assert!(lacking.is_empty(), "without what they should expect: {lacking:?}");
}

/// Neither a frame that is there twice, nor one that is cut, nor octets that the capture lacks make a fault of the network.
#[test]
fn defects_of_the_capture_alarm_nobody() {
    let mut played = 0;
    for path in walk(&testdata("scripts/anomalies")) {
        if !path.to_string_lossy().ends_with(".near_miss.script") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("script");
        if text.lines().any(|line| line.starts_with('x')) {
            // Hundreds of segments of one kind: behind a hole none of them fits.
            continue;
        }
        let alarms = |defect| {
            let (played, _) = script::play_with(&text, script::OFFSETS[0], &Settings::default(), defect);
            let ids = played.anomalies.iter().filter(|a| a.severity >= Severity::Warn && a.scope == Scope::Flow);
            (ids.map(|a| a.id).collect::<HashSet<_>>(), played.log)
        };
        let (before, _) = alarms(None);
        let frames = text.lines().map(|line| if line == "HS" { 3 } else { 1 }).sum::<u64>();
        for frame in 1..=frames {
            for defect in [Defect::Duplicated, Defect::Cut, Defect::Hole] {
                if defect == Defect::Hole && !is_plain_segment(&text, frame) {
                    continue;
                }
                let (after, log) = alarms(Some((frame, defect)));
                let new: Vec<_> = after.difference(&before).collect();
                assert!(new.is_empty(), "{} with frame {frame} {defect:?}: {new:?}\n{log}", path.display());
                played += 1;
            }
        }
    }
    assert!(played > 400, "only {played}");
}

/// Whether the frame is an acknowledgment, with or without data: only behind such a one, and not behind a FIN, can
/// octets be missing.
fn is_plain_segment(text: &str, frame: u64) -> bool {
    let mut frames = Vec::new();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        match line {
            "HS" => frames.extend(["S", "SA", "A"]),
            line if line.is_empty() || line.starts_with('=') || line.starts_with("clock") => {}
            line => {
                let flags = line.split_whitespace().skip_while(|w| *w != ">" && *w != "<").nth(1);
                frames.push(flags.unwrap_or(""));
            }
        }
    }
    let index = usize::try_from(frame).expect("few frames") - 1;
    let closing = frames.iter().take(index).any(|flags| flags.contains(['F', 'R']));
    !closing && frames.get(index).is_some_and(|flags| *flags == "A" || *flags == "PA")
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("scripts").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if path.extension().is_some_and(|e| e == "script") {
            found.push(path);
        }
    }
    found
}
