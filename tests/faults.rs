//! What goes wrong around the program, each with the real fault: what is lost, what is kept, and what is said.
#![cfg(target_os = "linux")]

#[path = "common/frames.rs"]
#[allow(dead_code, unreachable_pub)]
mod frames;

#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/endings.rs"]
mod endings;
#[path = "faults/escaping.rs"]
mod escaping;
#[path = "faults/memory.rs"]
mod memory;
#[path = "faults/output.rs"]
mod output;
#[path = "faults/panics.rs"]
mod panics;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn capture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled").join(name).to_str().expect("path").to_owned()
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_synscope"));
    command.stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program runs")
}

/// An empty folder of this test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Whether this is root: others may neither mount nor be somebody else.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Lines of JSON; each of them is whole.
fn lines(octets: &[u8]) -> Vec<Value> {
    let whole = octets.is_empty() || octets.ends_with(b"\n");
    assert!(whole, "the last line is cut");
    octets.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()).map(json).collect()
}

fn json(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)))
}

/// The `synscope` part of the last event, which is the end of the session.
fn session_end(events: &[Value]) -> &Value {
    let last = events.last().expect("an event");
    assert_eq!(last["event"]["action"], "session_end");
    &last["synscope"]
}

/// A pcapng file of these frames, each with its link type: one interface for each.
fn pcapng(frames: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let length = (padded as u32 + 12).to_le_bytes();
        file.extend(kind.to_le_bytes());
        file.extend(length);
        file.extend(body);
        file.resize(file.len() + padded - body.len(), 0);
        file.extend(length);
    };
    block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    for (n, (link, frame)) in frames.iter().enumerate() {
        block(1, &[&link.to_le_bytes()[..], &[0; 6]].concat());
        let length = frame.len() as u32;
        let words = [n as u32, 0, 1_000_000 + n as u32, length, length];
        let head: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        block(6, &[&head[..], frame].concat());
    }
    file
}

/// A SYN to port 80 in Ethernet.
fn syn(port: u16) -> Vec<u8> {
    let client = format!("192.0.2.1:{port}").parse().expect("an endpoint");
    frames::Frame::new(client, "198.51.100.1:80".parse().expect("an endpoint")).with(2, 100, 0).bytes()
}

/// One frame that the filter cannot look at is counted, and the rest of the file is analysed.
#[test]
fn a_link_type_that_a_filter_does_not_fit_is_skipped() {
    let folder = folder("unfit");
    let file = folder.join("a.pcapng");
    // USER0 has no Ethernet addresses.
    let frames = [(1, syn(1000)), (147, syn(1001)), (1, syn(1002))];
    fs::write(&file, pcapng(&frames)).expect("a file");
    let output = run(&["-r", text(&file), "--json", "-f", "ether proto 0x0800"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let events = lines(&output.stdout);
    let end = session_end(&events);
    assert_eq!((&end["totals"]["packets"], &end["totals"]["filter_unfit"]), (&2.into(), &1.into()), "{end}");
    assert!(stderr(&output).contains("does not fit the link type of 1 packet, skipped"), "{}", stderr(&output));
    // Where it fits nothing, that is the user's mistake.
    for frames in [&frames[1..2], &[frames[1].clone(), frames[1].clone()]] {
        fs::write(&file, pcapng(frames)).expect("a file");
        let output = run(&["-r", text(&file), "--json", "-f", "ether proto 0x0800"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("does not compile for link type USER0"), "{}", stderr(&output));
    }
}
