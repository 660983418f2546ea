//! Captures that were once judged wrong, each with what is right of it. What a script can say is in `testdata/scripts`.

#[path = "../common/mod.rs"]
mod common;
mod connections;
mod lacks;
mod servers;

use std::process::Command;

use common::script::Played;
use common::{Analysis, analyse, analyse_in_batches, testdata};
use synscope::engine::Settings;

/// `testdata/cases/CAPTURE.pcap`, or the same compressed.
fn path_of(capture: &str) -> std::path::PathBuf {
    let plain = testdata(&format!("cases/{capture}.pcap"));
    if plain.exists() { plain } else { testdata(&format!("cases/{capture}.pcap.gz")) }
}

/// Checks what comes of `testdata/cases/CAPTURE.pcap` by both ways through the engine. Expectations are those of scripts, about
/// this flow: `opening established`, `no capture-hole`; what concerns no flow as well: `flows 2`, `anomaly capture-hole note`.
fn check(capture: &str, flow: u64, expectations: &[&str]) {
    let path = path_of(capture);
    let one_by_one: Played = analyse(&path).into();
    let in_batches: Played = analyse_in_batches(&path, &Settings::default()).into();
    for played in [one_by_one, in_batches] {
        let wrong: Vec<String> = expectations
            .iter()
            .filter_map(|wanted| {
                let of_flow = played.flows.iter().any(|f| f.id == flow) && !wanted.contains("capture-");
                let wanted = if of_flow { format!("{flow} {wanted}") } else { format!(" {wanted}") };
                played.meets(&wanted).err().map(|why| format!("{wanted}: {why}"))
            })
            .collect();
        let reported: Vec<String> = played.anomalies.iter().map(|a| format!("{} {}", a.id, a.reason)).collect();
        assert!(wrong.is_empty(), "{capture}, flow {flow}:\n{}\ntold: {reported:#?}", wrong.join("\n"));
    }
}

impl From<Analysis> for Played {
    fn from(analysis: Analysis) -> Self {
        Self { flows: analysis.flows, anomalies: analysis.anomalies, rows: Vec::new(), log: String::new() }
    }
}

/// What the program writes of a case.
fn output(capture: &str, args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .args(["-q", "--no-config", "-r"])
        .arg(path_of(capture))
        .args(args)
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{capture}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("output is UTF-8")
}

/// Whether every format has its words, in this order.
fn says(capture: &str, wanted: &[(&[&str], &str)]) {
    for (args, words) in wanted {
        let text = output(capture, args);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{capture} {args:?} lacks {words:?}:\n{text}");
    }
}
