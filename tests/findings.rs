//! Every labelled capture: what is said about hosts equals the label.

mod common;

use std::net::IpAddr;

use serde_json::Value;
use synscope::detect::{Anomaly, Figure, Scope, Severity};

use common::{analyse, testdata};

fn read(name: &str) -> Value {
    let path = testdata("labelled").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("label is readable")).expect("label is JSON")
}

fn labels() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(testdata("labelled"))
        .expect("labelled captures")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("name"))
        .filter(|name| name.ends_with(".json") && name != "mapping.json")
        .collect();
    names.sort();
    names
}

fn words<'a>(v: &'a Value, key: &str) -> Vec<&'a str> {
    v[key].as_array().map_or(Vec::new(), |list| list.iter().filter_map(Value::as_str).collect())
}

/// Ids that satisfy a kind of finding.
fn ids(mapping: &Value, kind: &str) -> Vec<String> {
    match mapping["findings"][kind].as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec![kind.replace('_', "-")],
    }
}

/// Whether the anomaly is about one of the hosts named (single addresses only; a network has no one actor).
fn is_about(anomaly: &Anomaly, named: &[&str]) -> bool {
    let named: Vec<IpAddr> = named.iter().filter_map(|s| s.parse().ok()).collect();
    let ends = [anomaly.source, anomaly.destination];
    named.is_empty() || ends.iter().flatten().any(|(ip, _)| named.contains(ip))
}

fn hosts(anomalies: &[Anomaly]) -> Vec<&Anomaly> {
    anomalies.iter().filter(|a| a.scope == Scope::Host).collect()
}

/// The ports that an event lists.
fn ports(anomaly: &Anomaly, name: &str) -> Vec<i64> {
    anomaly
        .figures
        .iter()
        .find_map(|(n, figure)| match figure {
            Figure::List(list) if *n == name => Some(list.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

#[test]
fn hosts_are_named_as_labelled() {
    let mapping = read("mapping.json");
    let (mut wrong, mut right) = (Vec::new(), 0);
    for name in labels() {
        let label = read(&name);
        let analysis = analyse(&testdata("labelled").join(label["file"].as_str().expect("file")));
        let found = hosts(&analysis.anomalies);
        let findings = label["findings"].as_array().cloned().unwrap_or_default();
        for finding in &findings {
            let kinds = [vec![finding["kind"].as_str().expect("kind")], words(finding, "also")].concat();
            let wanted: Vec<String> = kinds.iter().flat_map(|kind| ids(&mapping, kind)).collect();
            let actors = [words(finding, "actors"), finding["actor"].as_str().into_iter().collect()].concat();
            let targets = words(finding, "targets");
            let host = finding["host"].as_str().into_iter().collect::<Vec<_>>();
            let hit = found.iter().any(|a| {
                wanted.iter().any(|id| id == a.id)
                    && is_about(a, &actors)
                    && is_about(a, &host)
                    && (targets.len() != 1 || !actors.is_empty() || is_about(a, &targets))
            });
            if hit || finding["optional"] == Value::Bool(true) {
                right += 1;
            } else {
                let got: Vec<_> = found.iter().map(|a| a.id).collect();
                wrong.push(format!("{name}: missed {kinds:?} by {actors:?}; said {got:?}"));
            }
        }
        if findings.is_empty() || label["no_alarm"] == Value::Bool(true) {
            let alarms = found.iter().filter(|a| a.severity >= Severity::Warn);
            wrong.extend(alarms.map(|a| format!("{name}: false {} ({})", a.id, a.reason)));
        }
    }
    assert!(right >= 40, "only {right} findings");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn scans_list_what_they_found() {
    for name in
        ["scan_syn", "scan_connect", "scan_syn_ipv6", "scan_syn_in_traffic", "scan_syn_slow", "scan_masscan_like"]
    {
        let label = read(&format!("{name}.json"));
        let finding = &label["findings"][0];
        let analysis = analyse(&testdata("labelled").join(label["file"].as_str().expect("file")));
        let last = analysis.anomalies.iter().rfind(|a| a.id == "scan-vertical").expect("a report of the scan");
        let open: Vec<i64> = finding["open"].as_array().expect("open").iter().filter_map(Value::as_i64).collect();
        assert_eq!(ports(last, "ports_open"), open, "{name}");
        if let Some(closed) = finding["closed_count"].as_u64() {
            assert_eq!(ports(last, "ports_closed").len() as u64, closed, "{name}");
        }
        if let Some(filtered) = finding["filtered"].as_array() {
            let filtered: Vec<i64> = filtered.iter().filter_map(Value::as_i64).collect();
            assert_eq!(ports(last, "ports_filtered"), filtered, "{name}");
        }
    }
}

#[test]
fn techniques_are_reported() {
    let cases = [
        ("scan_syn", "tech-syn"),
        ("scan_connect", "tech-connect"),
        ("scan_connect_very_slow", "tech-connect"),
        ("scan_fin", "tech-fin"),
        ("scan_null", "tech-null"),
        ("scan_xmas", "tech-xmas"),
        ("scan_maimon", "tech-maimon"),
        ("scan_ack", "tech-ack-or-window"),
        ("scan_window", "tech-ack-or-window"),
        ("scan_rst", "tech-inverse-rst"),
        ("scan_zmap_like", "fp-zmap"),
        ("scan_sweep_outside", "fp-nmap"),
        ("scan_os_detection", "fp-nmap-os"),
        ("scan_decoys", "scan-decoy"),
        ("scan_idle.zombie", "idle-scan-zombie"),
        ("scan_idle.target", "idle-scan-target"),
    ];
    for (name, id) in cases {
        let analysis = analyse(&testdata("labelled").join(format!("{name}.pcap")));
        let found: Vec<_> = hosts(&analysis.anomalies).iter().map(|a| a.id).collect();
        assert!(found.contains(&id), "{name}: {id} not in {found:?}");
        let other = found.iter().find(|f| f.starts_with("tech-") && id.starts_with("tech-") && **f != id);
        assert_eq!(other, None, "{name}");
    }
}

#[test]
fn the_same_capture_gives_the_same_findings() {
    for name in ["scan_decoys", "fl_syn_spoofed", "fl_backscatter", "isn_lcg"] {
        let path = testdata("labelled").join(format!("{name}.pcap"));
        let said = || -> Vec<String> { analyse(&path).anomalies.iter().map(|a| format!("{a:?}")).collect() };
        assert_eq!(said(), said(), "{name}");
    }
}
