//! Captures of real programs whose truth was written down before they ran: `testdata/truths`. What must be found is found, with source
//! or target, technique, tool and open ports; nothing else at warn or above is said, but what the truth allows.

mod common;

use std::net::IpAddr;

use serde_json::Value;
use synscope::detect::host::IsnReport;
use synscope::detect::{Anomaly, Figure, Phase, Scope, Severity};
use synscope::flow::Flow;

use common::{Analysis, analyse, testdata};

fn truths() -> Vec<Value> {
    let mut paths: Vec<_> = std::fs::read_dir(testdata("truths"))
        .expect("truths")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).expect("truth is readable");
    paths.iter().map(|path| serde_json::from_str(&read(path)).expect("truth is JSON")).collect()
}

fn words<'a>(v: &'a Value, key: &str) -> Vec<&'a str> {
    v[key].as_array().map_or(Vec::new(), |list| list.iter().filter_map(Value::as_str).collect())
}

/// Whether an end of the report is one of those named, or the report lists one of them; all are where none is named.
fn names(anomaly: &Anomaly, end: Option<(IpAddr, Option<u16>)>, list: &str, named: &[&str]) -> bool {
    let addresses: Vec<IpAddr> = named.iter().filter_map(|s| s.parse().ok()).collect();
    let listed = || texts(anomaly, list).is_some_and(|texts| texts.iter().any(|text| named.contains(&text.as_str())));
    named.is_empty() || end.is_some_and(|(ip, _)| addresses.contains(&ip)) || listed()
}

fn texts<'a>(anomaly: &'a Anomaly, name: &str) -> Option<&'a [String]> {
    anomaly.figures.iter().find_map(|(n, figure)| match figure {
        Figure::Texts(texts) if *n == name => Some(texts.as_slice()),
        _ => None,
    })
}

fn text<'a>(anomaly: &'a Anomaly, name: &str) -> Option<&'a str> {
    anomaly.figures.iter().find_map(|(n, figure)| match figure {
        Figure::Text(text) if *n == name => Some(text.as_str()),
        _ => None,
    })
}

fn open_ports(anomaly: &Anomaly) -> Option<&[i64]> {
    anomaly.figures.iter().find_map(|(n, figure)| match figure {
        Figure::List(list) if *n == "ports_open" => Some(list.as_slice()),
        _ => None,
    })
}

/// Whether `anomaly` is what the truth says has to be found.
fn satisfies(anomaly: &Anomaly, wanted: &Value) -> bool {
    let open: Option<Vec<i64>> = wanted["open"].as_array().map(|l| l.iter().filter_map(Value::as_i64).collect());
    let same = |name: &str| {
        wanted[name]
            .as_str()
            .filter(|word| *word != "any")
            .is_none_or(|word| text(anomaly, name).is_some_and(|got| got == word))
    };
    let rule_of_technique = anomaly.id.starts_with("tech-") || anomaly.id.starts_with("fp-");
    words(wanted, "any").contains(&anomaly.id)
        && names(anomaly, anomaly.source, "sources", &words(wanted, "src"))
        && names(anomaly, anomaly.destination, "targets_listed", &words(wanted, "dst"))
        && open.is_none_or(|open| open_ports(anomaly).is_some_and(|got| got == open.as_slice()))
        && (rule_of_technique || (same("technique") && same("tool")))
}

fn opening_is_allowed(truth: &Value, flow: &Flow) -> bool {
    let rules = truth["flows"].as_array().map_or(&[][..], Vec::as_slice);
    let about = |rule: &&Value| {
        rule["sport"].as_u64().is_none_or(|port| u64::from(flow.client.endpoint.port) == port)
            && rule["dport"].as_u64().is_none_or(|port| u64::from(flow.server.endpoint.port) == port)
            && rule["c"].as_str().is_none_or(|ip| flow.client.endpoint.ip.to_string() == ip)
            && rule["s"].as_str().is_none_or(|ip| flow.server.endpoint.ip.to_string() == ip)
    };
    let mut about = rules.iter().filter(about).peekable();
    about.peek().is_none() || about.any(|rule| words(rule, "opening").contains(&flow.opening().name()))
}

fn bits_of(wanted: &Value) -> f64 {
    wanted["bits"].as_f64().unwrap_or(32.0)
}

/// What is wrong with the grade of the host that the truth names, or of any where it names none.
fn wrong_grade(truth: &Value, isns: &[IsnReport]) -> Option<String> {
    let wanted = truth.get("isn")?;
    let host = wanted["host"].as_str();
    let about = |r: &&IsnReport| {
        host.is_none_or(|ip| r.host.to_string() == ip) && r.role == synscope::detect::host::Role::Server
    };
    let Some(row) = isns.iter().find(about) else { return Some(format!("no row for {host:?} among {}", isns.len())) };
    if let Some(said) = truth["nmap_says"].as_str().filter(|_| row.nmap.is_some() && bits_of(wanted) >= 32.0) {
        let (number, word) = row.nmap.map_or((0, ""), |nmap| nmap.difficulty());
        let near = |said: u32| number.abs_diff(said) <= 1;
        let right = said
            .strip_prefix("Difficulty=")
            .and_then(|rest| rest.split_once(" ("))
            .is_some_and(|(n, w)| n.parse().is_ok_and(near) && w.strip_suffix(')') == Some(word));
        if !right {
            return Some(format!("difficulty {number} ({word}), nmap says {said}"));
        }
    }
    let bits = bits_of(wanted);
    let grade = row.grade.name();
    let got = row.residual_bits;
    let near = if bits >= 32.0 { got >= 24.0 } else { got <= bits };
    (!words(wanted, "grades").contains(&grade) || !near)
        .then(|| format!("ISNs {grade}, {got} bits to guess, for {wanted}"))
}

fn faults(truth: &Value, analysis: &Analysis) -> Vec<String> {
    let mut wrong = Vec::new();
    let findings = truth["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let hosts = || analysis.anomalies.iter().filter(|a| a.scope == Scope::Host);
    for wanted in findings {
        if !hosts().any(|a| satisfies(a, wanted)) {
            let got: Vec<String> = hosts().map(|a| format!("{} ({})", a.id, a.reason)).collect();
            wrong.push(format!("missed {wanted}; said {got:#?}"));
        }
    }
    let allowed: Vec<&str> = findings.iter().flat_map(|f| words(f, "any")).chain(words(truth, "allowed")).collect();
    let weak = truth["isn"]["bits"].as_f64().is_some_and(|bits| bits < 32.0);
    let excused = |a: &&Anomaly| allowed.contains(&a.id) || (weak && a.id.starts_with("isn-"));
    for a in hosts().filter(|a| a.severity >= Severity::Warn && !excused(a)) {
        wrong.push(format!("{} without reason: {}", a.id, a.reason));
    }
    let in_flows: Vec<&str> = words(truth, "flow_allowed");
    for a in analysis.anomalies.iter().filter(|a| a.scope == Scope::Flow && a.severity >= Severity::Warn) {
        if truth["no_alarm"] == true && !in_flows.contains(&a.id) && !allowed.contains(&a.id) {
            wrong.push(format!("{} of flow {:?} without reason: {}", a.id, a.flow_id, a.reason));
        }
    }
    for flow in analysis.flows.iter().filter(|flow| !opening_is_allowed(truth, flow)) {
        wrong.push(format!("flow {} is {}", flow.id, flow.opening().name()));
    }
    wrong.extend(wrong_grade(truth, &analysis.isns));
    wrong
}

/// Captures that are not judged right yet. One that is must leave the list.
const NOT_YET: [&str; 0] = [];

#[test]
fn truths_hold() {
    let mut failures = Vec::new();
    let truths = truths();
    assert!(truths.len() >= 20, "only {} truths", truths.len());
    for truth in &truths {
        let file = truth["file"].as_str().expect("file");
        let mut path = testdata("truths").join(file);
        if !path.exists() {
            path = testdata("truths").join(format!("{file}.gz"));
        }
        let faults = faults(truth, &analyse(&path));
        if NOT_YET.contains(&truth["name"].as_str().expect("name")) {
            if faults.is_empty() {
                failures.push(format!("{file} is right now: take it from the list"));
            }
        } else if !faults.is_empty() {
            failures.push(format!("{file}: {}", faults[..faults.len().min(4)].join("\n  ")));
        }
    }
    assert!(failures.is_empty(), "{} captures:\n{}", failures.len(), failures.join("\n"));
}

/// Hundreds of connections held in silence are found whenever the capture was made.
#[test]
fn held_connections_are_found_at_any_time() {
    for file in ["connhold.pcap.gz", "connhold_plus9s.pcap.gz"] {
        let found = analyse(&testdata("truths").join(file)).anomalies;
        assert!(found.iter().any(|a| a.id == "connection-flood"), "{file}: {found:#?}");
    }
}

/// Each incident begins with a report that is new, and what comes later of it has its number.
#[test]
fn incidents_can_be_folded() {
    let mut followed = 0;
    for truth in truths() {
        let path = testdata("truths").join(truth["file"].as_str().expect("file"));
        if !path.exists() {
            continue;
        }
        let mut open = std::collections::HashMap::new();
        for a in analyse(&path).anomalies {
            let Some(incident) = a.incident else {
                assert_ne!(a.scope, Scope::Host, "{a:?}");
                continue;
            };
            match incident.phase {
                Phase::New => assert!(open.insert(incident.id, a.id).is_none(), "{a:?}"),
                Phase::Update => assert_eq!(open.get(&incident.id), Some(&a.id)),
                Phase::Final => assert_eq!(open.remove(&incident.id), Some(a.id), "{a:?}"),
            }
            followed += u32::from(incident.phase == Phase::Final);
        }
    }
    assert!(followed > 5, "only {followed}");
}
