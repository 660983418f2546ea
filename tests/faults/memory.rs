//! Little memory: tables shrink, and it is said.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use wait4::Wait4;

use super::{folder, frames, lines, session_end, stderr, text};

/// Connections that are half open, each from and to another host, in a small address space.
#[test]
fn little_memory_means_small_tables() {
    const CONNECTIONS: u32 = 6_000;
    let file = folder("memory").join("a.pcap");
    let mut all = Vec::new();
    for n in 0..CONNECTIONS {
        let [_, _, high, low] = (n >> 8).to_be_bytes();
        let client = std::net::SocketAddr::from(([10, 0, high, low], 1024 + (n & 0xff) as u16));
        let server = std::net::SocketAddr::from(([198, 51, high, low], 80));
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

    // What is asked for counts, is kept to, and is told by table.
    let mut command = Command::new(env!("CARGO_BIN_EXE_synscope"));
    command.args(["-r", text(&file), "--json", "--events", "session_end", "--max-memory", "2M"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("synscope");
    let (mut events, mut said) = (Vec::new(), String::new());
    child.stdout.take().expect("a pipe").read_to_end(&mut events).expect("events");
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("messages");
    let used = child.wait4().expect("its end");
    assert!(used.status.success() && used.rusage.maxrss < 64 << 20, "{} KiB: {said}", used.rusage.maxrss >> 10);
    let events = lines(&events);
    let full = &session_end(&events)["totals"]["tables_full"];
    assert!(full["flows"].as_u64() > Some(1_000) && full["initial_numbers"].as_u64() > Some(1_000), "{full}");
    assert!(said.contains("evicted from full tables of hosts (--max-memory): "), "{said}");
}
