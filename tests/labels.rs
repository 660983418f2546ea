//! Every labelled capture: flows, verdicts, ISNs, retry counts and roles equal the label.

mod common;

use std::collections::HashMap;

use serde_json::Value;
use synscope::flow::{Flow, Opening};
use synscope::tcp::Endpoint;

use common::{analyse, testdata};

struct Labels {
    mapping: Value,
    names: Vec<String>,
}

fn labels() -> Labels {
    let folder = testdata("labelled");
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(name)).expect("label is readable"))
            .expect("label is JSON")
    };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("labelled captures")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("name"))
        .filter(|name| name.ends_with(".json") && name != "mapping.json")
        .collect();
    names.sort();
    Labels { mapping: read("mapping.json"), names }
}

fn label(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(testdata("labelled").join(name)).expect("label")).expect("JSON")
}

fn endpoint(v: &Value) -> Endpoint {
    Endpoint {
        ip: v["ip"].as_str().expect("ip").parse().expect("address"),
        port: v["port"].as_u64().expect("port") as u16,
    }
}

fn seconds(flow: &Flow) -> f64 {
    flow.first_time.0 as f64 / 1e9
}

/// The flow that a label means: by endpoints and, where a tuple was used again, by time.
fn meant<'a>(flows: &'a [Flow], wanted: &Value, ends: (Endpoint, Endpoint)) -> Option<&'a Flow> {
    let same =
        |f: &Flow| (f.client.endpoint, f.server.endpoint) == ends || (f.server.endpoint, f.client.endpoint) == ends;
    let candidates: Vec<&Flow> = flows.iter().filter(|f| same(f)).collect();
    let first = wanted["first_time"].as_f64().unwrap_or(0.0);
    let nearest = |list: Vec<&'a Flow>| {
        list.into_iter().min_by(|a, b| (seconds(a) - first).abs().total_cmp(&(seconds(b) - first).abs()))
    };
    if let Some(window) = wanted["time_window"].as_array() {
        let (from, to) = (window[0].as_f64().unwrap_or(0.0), window[1].as_f64().unwrap_or(1e18));
        let inside: Vec<&Flow> =
            candidates.iter().copied().filter(|f| (from - 1e-6..to).contains(&seconds(f))).collect();
        if !inside.is_empty() {
            return inside.into_iter().next();
        }
    }
    nearest(candidates)
}

fn allowed(mapping: &Value, table: &str, word: &str, got: &str) -> bool {
    mapping[table][word].as_array().is_some_and(|list| list.iter().any(|w| w == got))
}

/// What is wrong with the flow, if anything.
fn wrong(mapping: &Value, wanted: &Value, flow: &Flow, client: Endpoint) -> Option<String> {
    let (outcome, end) = (wanted["handshake"]["outcome"].as_str()?, wanted["teardown"]["outcome"].as_str()?);
    let (opening, closing) = (flow.opening().name(), flow.closing().name());
    if !allowed(mapping, "opening", outcome, opening) {
        return Some(format!("opening {opening} for {outcome}"));
    }
    let rst_by = wanted["teardown"]["rst_by"].as_str();
    if rst_by != Some("third_party") && !allowed(mapping, "closing", end, closing) {
        return Some(format!("closing {closing} for {end}"));
    }
    if let (true, Some(by @ ("orig" | "resp"))) = (end == "rst", rst_by) {
        let role = mapping["role"][by].as_str()?;
        if closing != format!("reset-by-{role}") {
            return Some(format!("closing {closing} for a reset by {role}"));
        }
    }
    if let ("fin", Some(style)) = (end, wanted["teardown"]["style"].as_str()) {
        let shape = flow.shape().map(synscope::flow::Shape::name);
        if shape != mapping["teardown_style"][style].as_str() {
            return Some(format!("shape {shape:?} for {style}"));
        }
    }
    if !matches!(outcome, "simultaneous_open" | "not_seen" | "partial") && flow.client.endpoint != client {
        return Some("client and server swapped".into());
    }
    if outcome != "simultaneous_open" {
        for (key, isn) in [("isn_orig", flow.client.isn), ("isn_resp", flow.server.isn)] {
            if let Some(n) = wanted[key].as_u64()
                && isn.map(|i| u64::from(i.0)) != Some(n)
            {
                return Some(format!("{key} {isn:?} for {n}"));
            }
        }
    }
    let duplicated = wanted["features"].as_array()?.iter().any(|f| f == "duplicated_by_capture");
    if !duplicated {
        return wrong_counts(wanted, flow);
    }
    None
}

fn wrong_counts(wanted: &Value, flow: &Flow) -> Option<String> {
    let ends = [("orig", &flow.client), ("resp", &flow.server)];
    for (end, peer) in ends {
        let counts = &wanted["counts"][end];
        if counts["network_duplicates"].as_u64().is_some() || wanted["handshake"]["outcome"] == "simultaneous_open" {
            continue;
        }
        let found = [
            ("syn", peer.syn_count),
            ("synack", peer.synack_count),
            ("fin", peer.fin_count),
            ("rst", peer.rst_count),
            ("data_packets", peer.data_count),
        ];
        for (name, got) in found {
            let want = counts[name].as_u64().unwrap_or(0);
            if want != u64::from(got) && flow.role_known {
                return Some(format!("{end} {name} {got} for {want}"));
            }
        }
    }
    None
}

#[test]
fn verdicts_equal_the_labels() {
    let Labels { mapping, names } = labels();
    let (mut checked, mut failures) = (0, Vec::new());
    for name in &names {
        let label = label(name);
        let Some(file) = label["file"].as_str() else { continue };
        let analysis = analyse(&testdata("labelled").join(file));
        for wanted in label["flows"].as_array().into_iter().flatten() {
            let ends = (endpoint(&wanted["orig"]), endpoint(&wanted["resp"]));
            checked += 1;
            let why = match meant(&analysis.flows, wanted, ends) {
                None => Some("no flow".to_owned()),
                Some(flow) => wrong(&mapping, wanted, flow, ends.0),
            };
            if let Some(why) = why {
                failures.push(format!("{name}: {} > {}: {why}", ends.0, ends.1));
            }
        }
    }
    assert!(checked > 260, "only {checked} flows checked");
    assert!(failures.is_empty(), "{} of {checked}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn groups_of_flows_have_the_outcomes_of_their_label() {
    let Labels { mapping, names } = labels();
    let mut failures = Vec::new();
    for name in &names {
        let label = label(name);
        let (Some(file), Some(groups)) = (label["file"].as_str(), label["flow_groups"].as_array()) else { continue };
        if groups.is_empty() {
            continue;
        }
        let analysis = analyse(&testdata("labelled").join(file));
        let mut by_ends: HashMap<(Endpoint, Endpoint), Vec<&Flow>> = HashMap::new();
        for flow in &analysis.flows {
            by_ends.entry((flow.client.endpoint, flow.server.endpoint)).or_default().push(flow);
            by_ends.entry((flow.server.endpoint, flow.client.endpoint)).or_default().push(flow);
        }
        for group in groups {
            let (Some(columns), Some(rows)) =
                (group["connection_list"]["columns"].as_array(), group["connection_list"]["rows"].as_array())
            else {
                continue;
            };
            let at = |wanted: &str| columns.iter().position(|c| c == wanted);
            let mut wrong_rows = 0;
            let mut example = String::new();
            for row in rows {
                let (Some(oi), Some(op), Some(ri), Some(rp), Some(out)) =
                    (at("orig_ip"), at("orig_port"), at("resp_ip"), at("resp_port"), at("outcome"))
                else {
                    panic!("columns {columns:?}");
                };
                let orig =
                    Endpoint { ip: row[oi].as_str().unwrap().parse().unwrap(), port: row[op].as_u64().unwrap() as u16 };
                let resp =
                    Endpoint { ip: row[ri].as_str().unwrap().parse().unwrap(), port: row[rp].as_u64().unwrap() as u16 };
                let outcome = row[out].as_str().unwrap();
                let found = by_ends.get(&(orig, resp));
                let fits = |f: &&Flow| {
                    let opening = f.opening();
                    // Labels of groups are counted from TCP alone: a SYN rejected by ICMP, or one with FIN, counts as unanswered.
                    allowed(&mapping, "opening", outcome, opening.name())
                        || (outcome == "unanswered" && matches!(opening, Opening::Unreachable | Opening::Invalid))
                };
                if !found.is_some_and(|flows| flows.iter().any(fits)) {
                    wrong_rows += 1;
                    let got: Vec<_> = found.into_iter().flatten().map(|f| f.opening().name()).collect();
                    example = format!("{orig} > {resp} {outcome}: {got:?}");
                }
            }
            if wrong_rows > 0 {
                failures.push(format!("{name}: {wrong_rows} of {} rows, e.g. {example}", rows.len()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
