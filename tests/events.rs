//! Every line of NDJSON of every capture there is: valid by the schema that the program prints, and by the rules of the
//! contract that a schema cannot say.

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use jsonschema::Validator;
use serde_json::Value;

/// The largest integer that every JSON reader keeps exactly.
const LARGEST: u64 = (1 << 53) - 1;

fn synscope(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_synscope")).args(arguments).output().expect("the program runs");
    assert!(matches!(run.status.code(), Some(0 | 4)), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("output is UTF-8")
}

fn captures() -> Vec<PathBuf> {
    let mut captures: Vec<PathBuf> = std::fs::read_dir(common::testdata("labelled"))
        .expect("labelled captures")
        .map(|entry| entry.expect("entry").path())
        // The few large ones are floods of the same.
        .filter(|path| path.metadata().is_ok_and(|metadata| metadata.len() < 100_000))
        .filter(|path| path.extension().is_some_and(|ending| ending != "json" && ending != "md"))
        .collect();
    captures.sort();
    captures
}

/// The schema of one kind of event: one branch of the `oneOf`, so that a failure says what is wrong.
fn validator(schema: &Value, action: &str) -> Validator {
    let branches = schema["oneOf"].as_array().expect("branches");
    let mut branch = branches.iter().find(|b| b["title"] == action).expect("a branch for every action").clone();
    branch["$defs"] = schema["$defs"].clone();
    jsonschema::validator_for(&branch).expect("the schema is one")
}

#[test]
fn every_line_of_every_capture_is_valid() {
    let schema: Value = serde_json::from_str(&synscope(&["--print-schema"])).expect("the schema is JSON");
    let whole = jsonschema::validator_for(&schema).expect("the schema is one");
    let actions = [
        "session_start",
        "flow_start",
        "handshake_end",
        "teardown_start",
        "flow_end",
        "anomaly",
        "stats",
        "session_end",
    ];
    let by_action = actions.map(|action| (action, validator(&schema, action)));
    let mut seen = BTreeSet::new();
    for capture in captures() {
        let path = capture.to_str().expect("path");
        let every = ["-q", "-r", path, "--json", "--steps", "all", "--events", &actions.join(",")];
        for line in synscope(&every).lines() {
            let event: Value = serde_json::from_str(line).expect("a line is JSON");
            let action = event["event"]["action"].as_str().expect("an action");
            let (_, validator) = by_action.iter().find(|(known, _)| *known == action).expect("a known action");
            assert!(validator.is_valid(&event), "{path}: {line}");
        }
        let lines = synscope(&[&every[..], &["--detail", "full"]].concat());
        let mut flows = Flows::default();
        for (n, line) in lines.lines().enumerate() {
            let event: Value = serde_json::from_str(line).expect("a line is JSON");
            let action = event["event"]["action"].as_str().expect("an action").to_owned();
            obeys_the_rules(&event, n + 1, line);
            flows.take(&event, &action);
            // A flood of like events: the first ones will do.
            if seen.insert(action.clone()) || n < 60 {
                let (_, validator) = by_action.iter().find(|(known, _)| *known == action).expect("a known action");
                let errors: Vec<String> =
                    validator.iter_errors(&event).map(|e| format!("{e} at {}", e.instance_path())).collect();
                assert!(errors.is_empty(), "{path}:{}: {errors:?}\n{line}", n + 1);
                assert!(n > 20 || whole.is_valid(&event), "{path}:{}: not exactly one branch fits\n{line}", n + 1);
            }
        }
        flows.check(path);
    }
    assert_eq!(seen.len(), actions.len(), "actions seen: {seen:?}");
}

#[test]
fn an_ordinary_connection_is_one_short_line() {
    let capture = common::testdata("labelled/bn_web_client.pcap");
    let arguments = ["-q", "-r", capture.to_str().expect("path"), "--json"];
    let lines = synscope(&arguments);
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |action: &str| events.iter().filter(|event| event["event"]["action"] == action).count();
    assert_eq!((of("flow_end"), of("handshake_end"), of("anomaly"), events.len()), (200, 0, 1, 203));
    // Over IPv6 it is some 48 octets longer; without a snapshot length, which it mentions, 26 shorter.
    let longest = lines.lines().filter(|line| line.contains("flow_end")).map(str::len).max();
    assert!(longest.is_some_and(|octets| octets <= 1_178), "{longest:?}");
    let marks: Vec<&Value> = events.iter().flat_map(|e| e["synscope"]["anomalies"].as_array()).flatten().collect();
    assert!(marks.iter().all(|mark| *mark == &serde_json::json!({"id": "close-normal", "severity": 10})));

    let openings = synscope(&[&arguments[..], &["--events", "handshake_end"]].concat());
    let longest = openings.lines().map(str::len).max();
    assert!(longest.is_some_and(|octets| octets <= 650), "{longest:?}");
    let opening: Value = serde_json::from_str(openings.lines().next().expect("a line")).expect("JSON");
    assert_eq!(opening["synscope"]["opening"], "established");
    assert!(opening["synscope"]["handshake"]["connect_ns"].is_u64() && opening["synscope"]["client"]["isn"].is_u64());
}

#[test]
fn informative_marks_are_events_where_asked_for() {
    let capture = common::testdata("labelled/bn_web_client.pcap");
    let arguments = ["-q", "-r", capture.to_str().expect("path"), "--json", "--events", "anomaly"];
    let about_flows = |lines: &str| lines.lines().filter(|line| line.contains("\"scope\":\"flow\"")).count();
    assert_eq!(about_flows(&synscope(&arguments)), 0);
    for more in [&["--min-severity", "info"][..], &["--detail", "full"]] {
        let lines = synscope(&[&arguments[..], more].concat());
        assert_eq!(about_flows(&lines), 199, "{more:?}");
        assert!(lines.lines().all(|line| line.contains("\"kind\":\"event\"")), "what informs is no alert");
    }
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema: Value = serde_json::from_str(&synscope(&["--print-schema"])).expect("the schema is JSON");
    let whole = jsonschema::validator_for(&schema).expect("the schema is one");
    let capture = common::testdata("labelled/hs_hello_client.pcap");
    let lines = synscope(&["-q", "-r", capture.to_str().expect("path"), "--json"]);
    let good: Value = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|event| event["event"]["action"] == "flow_end")
        .expect("a flow_end");
    assert!(whole.is_valid(&good));
    let wrong: [fn(&mut Value); 6] = [
        |v| v["synscope"]["opening"] = "opened".into(),
        |v| v["synscope"]["flow_id"] = 1.into(),
        |v| v["event"]["sequence"] = (-1).into(),
        |v| v["@timestamp"] = "2026-11-20T19:21:35Z".into(),
        |v| v["source"]["port"] = 65_536.into(),
        |v| v["event"]["action"] = "anomaly".into(),
    ];
    for (n, spoil) in wrong.iter().enumerate() {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(!whole.is_valid(&bad), "case {n}");
    }
}

/// Rules 1 to 4 of the contract.
fn obeys_the_rules(event: &Value, sequence: usize, line: &str) {
    assert_eq!(event["event"]["sequence"], sequence, "{line}");
    assert_eq!(event["synscope"]["v"], 1, "{line}");
    walk(event, line);
}

fn walk(value: &Value, line: &str) {
    match value {
        Value::Null => panic!("null in {line}"),
        Value::String(text) => assert!(!text.is_empty() && text != "-" || line.contains("\"flags\":\"-\""), "{line}"),
        Value::Number(n) => assert!(n.as_i64().is_none_or(|n| n.unsigned_abs() <= LARGEST), "{line}"),
        Value::Array(list) => list.iter().for_each(|value| walk(value, line)),
        Value::Object(object) => object.values().for_each(|value| walk(value, line)),
        Value::Bool(_) => {}
    }
}

/// Rule 5: every flow has exactly one `flow_end`, and begins once.
#[derive(Default)]
struct Flows {
    begun: BTreeSet<String>,
    ended: BTreeSet<String>,
    totals: Option<u64>,
}

impl Flows {
    fn take(&mut self, event: &Value, action: &str) {
        let id = || event["synscope"]["flow_id"].as_str().expect("a flow has an id").to_owned();
        match action {
            "flow_start" => assert!(self.begun.insert(id()), "{event}"),
            "flow_end" => assert!(self.ended.insert(id()), "{event}"),
            "session_end" => self.totals = event["synscope"]["totals"]["flows"].as_u64(),
            _ => {}
        }
    }

    fn check(&self, path: &str) {
        assert_eq!(self.begun, self.ended, "{path}");
        assert_eq!(self.totals, Some(self.ended.len() as u64), "{path}");
    }
}
