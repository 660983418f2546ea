//! What people and programs see, held to the letter: the output of every format for a handful of captures, each with another
//! story. `BLESS=1 cargo test --test golden` writes the files anew; read the difference before committing it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A capture and the story it tells.
const CAPTURES: [&str; 10] = [
    "hs_hello_client.pcap", // the study note's client: three steps, 14 octets, three-segment close
    "hs_refused.pcap",      // RST answers the SYN
    "hs_no_answer_exponential.pcap", // nothing answers, the SYN is repeated
    "hs_syn_lost_once.client.pcap", // the second SYN is answered
    "hs_split_handshake.pcap", // a SYN answers the SYN
    "hs_tfo.pcap",          // TCP Fast Open: request, then data in the SYN
    "hs_vlan.pcap",         // tagged frames, IPv6 refused
    "td_half_close.pcap",   // four segments, data after the first FIN
    "td_simultaneous_close.client.pcap",
    "td_midstream.pcap",
];

fn output(capture: &str, format: &str) -> String {
    // Relative paths, so that the files do not depend on where the repository is.
    let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled"))
        .args(["-q", "-r", capture, "--sandbox", "off", "-T"])
        .args(format.split('.').flat_map(|word| if word == "full" { vec!["--detail", word] } else { vec![word] }))
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{capture} {format}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("output is UTF-8")
}

fn check(format: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for capture in CAPTURES {
        let path = folder.join(format!("{}.{format}", capture.trim_end_matches(".pcap")));
        let got = output(capture, format);
        assert_eq!(got, output(capture, format), "the same capture gives the same bytes");
        if bless {
            fs::write(&path, &got).expect("golden file is writable");
        }
        let want = fs::read_to_string(&path).unwrap_or_default();
        if got != want {
            let line = got.lines().zip(want.lines()).position(|(g, w)| g != w);
            let line = line.unwrap_or_else(|| got.lines().count().min(want.lines().count()));
            let at = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
            wrong.push(format!("{}:{}\n  got  {}\n  want {}", path.display(), line + 1, at(&got), at(&want)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn eve() {
    check("eve");
}

#[test]
fn syslog() {
    check("syslog");
    // The grammar of RFC 5424, section 6, as far as these messages use it.
    let message = r#"^<\d{1,3}>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z - synscope - [!-~]{1,32} \[[!-~]+( [!-~]+="([^"\\\]]|\\["\\\]])*")*\] [^\n]+$"#;
    let message = regex::Regex::new(message).expect("a pattern");
    for line in output("td_half_close.pcap", "syslog").lines() {
        assert!(message.is_match(line), "{line}");
    }
}

#[test]
fn text() {
    check("text");
}

#[test]
fn ladder() {
    check("ladder");
}

#[test]
fn ndjson() {
    check("ndjson");
}

#[test]
fn ndjson_with_every_field() {
    check("ndjson.full");
}

#[test]
fn zeek() {
    check("zeek");
}

#[test]
fn csv() {
    check("csv");
}

#[test]
fn summary() {
    check("summary");
}

#[test]
fn a_ladder_and_a_summary_fit_eighty_columns() {
    for capture in CAPTURES {
        for format in ["ladder", "summary"] {
            for line in output(capture, format).lines().filter(|line| !line.starts_with('#')) {
                assert!(line.chars().count() <= 80, "{capture} {format}: {line}");
            }
        }
    }
}
