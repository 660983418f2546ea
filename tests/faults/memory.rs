//! Little memory: tables shrink, and it is said.

use std::fs;
use std::process::Command;

use super::{folder, frames, lines, session_end, stderr, text};

/// Connections that are half open, each from another port or host, in a small address space.
#[test]
fn little_memory_means_small_tables() {
    const CONNECTIONS: u32 = 6_000;
    let file = folder("memory").join("a.pcap");
    let server = "198.51.100.1:80".parse().expect("an endpoint");
    let mut all = Vec::new();
    for n in 0..CONNECTIONS {
        let [_, _, high, low] = (n >> 8).to_be_bytes();
        let client = std::net::SocketAddr::from(([10, 0, high, low], 1024 + (n & 0xff) as u16));
        all.push(frames::Frame::new(client, server).with(2, 100, 0).bytes());
        all.push(frames::Frame::new(server, client).with(0x12, 300, 101).bytes());
    }
    fs::write(&file, frames::pcap(&all)).expect("a file");
    let mut command = Command::new("prlimit");
    command.args(["--as=134217728", env!("CARGO_BIN_EXE_synscope"), "-r", text(&file), "--json"]);
    let output = command.args(["--events", "session_end"]).output().expect("prlimit");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("memory: the process may use 128 MiB (ulimit), tables use 32 MiB (--max-memory)"), "{said}");
    let events = lines(&output.stdout);
    let totals = &session_end(&events)["totals"];
    assert_eq!(totals["flows"], CONNECTIONS);
}
