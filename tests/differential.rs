//! Against other programs, where they are installed: Wireshark's view of every stream, and the study note's Scapy callback.
//!
//! Where tshark or Scapy is missing these tests say so and pass; in CI that is a failure.

mod common;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use synscope::flow::{Flow, Peer};
use synscope::tcp::Endpoint;

use common::{analyse, testdata};

/// Differences from Wireshark that remain: the capture, how the difference begins, and why.
const EXPLAINED: &[(&str, &str, &str)] = &[];

/// What Wireshark is asked of every frame.
const FIELDS: [&str; 15] = [
    "frame.number",
    "tcp.stream",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.flags.syn",
    "tcp.seq_raw",
    "tcp.completeness",
    "tcp.options.mss_val",
    "tcp.options.wscale.shift",
    "tcp.options.sack_perm",
    "icmp.type",
];

/// A stream as Wireshark sees it.
#[derive(Debug, Default)]
struct Stream {
    completeness: u32,
    /// The first SYN or SYN-ACK that each end sent.
    syns: BTreeMap<Endpoint, Syn>,
}

/// What a SYN or SYN-ACK says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Syn {
    isn: u32,
    mss: Option<u16>,
    window_scale: Option<u8>,
    sack_permitted: bool,
}

/// Wireshark's streams of a capture, and the stream of each frame.
#[derive(Debug, Default)]
struct Wireshark {
    streams: BTreeMap<u32, Stream>,
    frames: BTreeMap<u64, u32>,
}

impl Wireshark {
    fn read(path: &Path) -> Self {
        let mut tshark = Command::new("tshark");
        // Two passes: the completeness of a stream is known at its end.
        tshark.args(["-n", "-2", "-T", "fields", "-E", "occurrence=l", "-E", "separator=|", "-r"]).arg(path);
        for field in FIELDS {
            tshark.args(["-e", field]);
        }
        let output = tshark.output().expect("tshark runs");
        let text = String::from_utf8_lossy(&output.stdout);
        // A capture that is cut makes it fail after the last whole frame.
        let mut read = Self::default();
        text.lines().for_each(|line| read.line(line));
        read
    }

    fn line(&mut self, line: &str) {
        let values: Vec<&str> = line.split('|').collect();
        let value = |field: &str| FIELDS.iter().position(|f| *f == field).and_then(|at| values.get(at)).copied();
        let number = |field: &str| value(field).and_then(|v| v.parse::<u32>().ok());
        let (Some(frame), Some(stream)) = (number("frame.number"), number("tcp.stream")) else { return };
        // A segment that an ICMP error quotes is not of the stream.
        if number("icmp.type").is_some() {
            return;
        }
        self.frames.insert(u64::from(frame), stream);
        let stream = self.streams.entry(stream).or_default();
        if let Some(completeness) = number("tcp.completeness") {
            stream.completeness = completeness;
        }
        let ip = value("ip.src").filter(|v| !v.is_empty()).or_else(|| value("ipv6.src"));
        let (Some(ip), Some(port)) = (ip.and_then(|v| v.parse::<IpAddr>().ok()), number("tcp.srcport")) else { return };
        if matches!(value("tcp.flags.syn"), Some("1" | "True")) {
            stream.syns.entry(Endpoint { ip, port: port as u16 }).or_insert(Syn {
                isn: number("tcp.seq_raw").unwrap_or_default(),
                mss: number("tcp.options.mss_val").map(|n| n as u16),
                window_scale: number("tcp.options.wscale.shift").map(|n| n as u8),
                sack_permitted: value("tcp.options.sack_perm").is_some_and(|v| !v.is_empty()),
            });
        }
    }
}

fn syn_of(peer: &Peer) -> Option<Syn> {
    let (isn, offer) = (peer.isn?, peer.offer?);
    Some(Syn {
        isn: isn.0,
        mss: offer.mss,
        window_scale: offer.window_scale,
        sack_permitted: offer.sack_permitted,
    })
}

/// How our flows differ from Wireshark's streams.
fn differences(path: &Path) -> Vec<String> {
    let wireshark = Wireshark::read(path);
    let flows = analyse(path).flows;
    let mut out = Vec::new();
    let mut of_stream: BTreeMap<u32, Vec<&Flow>> = BTreeMap::new();
    for flow in &flows {
        match wireshark.frames.get(&flow.first_frame) {
            Some(stream) => of_stream.entry(*stream).or_default().push(flow),
            None => out.push(format!("flow: frame {} is of no stream", flow.first_frame)),
        }
    }
    for (number, stream) in &wireshark.streams {
        match of_stream.get(number).map(Vec::as_slice) {
            Some([flow]) => compare(*number, stream, flow, &mut out),
            Some(flows) => out.push(format!("flows: {} in stream {number}", flows.len())),
            None => out.push(format!("flows: none begins in stream {number}")),
        }
    }
    out
}

fn compare(number: u32, stream: &Stream, flow: &Flow, out: &mut Vec<String>) {
    let ours = u32::from(flow.completeness.number());
    if ours != stream.completeness {
        out.push(format!("completeness: {ours}, Wireshark {} in stream {number}", stream.completeness));
    }
    for peer in [&flow.client, &flow.server] {
        let (ours, theirs) = (syn_of(peer), stream.syns.get(&peer.endpoint).copied());
        if ours != theirs {
            out.push(format!("syn: {ours:?}, Wireshark {theirs:?} in stream {number}"));
        }
    }
}

fn explained(name: &str, difference: &str) -> bool {
    EXPLAINED.iter().any(|(file, begins, _)| name.starts_with(file) && difference.starts_with(begins))
}

/// Whether `tool` is there; says so where it is not.
fn there_is(tool: &str, probe: &mut Command) -> bool {
    let found = probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    assert!(found || std::env::var_os("CI").is_none(), "{tool} is missing");
    if !found {
        println!("skipped: needs {tool}");
    }
    found
}

fn captures() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(testdata("labelled"))
        .expect("captures")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|e| e != "json"))
        .collect();
    found.sort();
    found
}

/// Runs `work` on every item, on as many threads as there are processors.
fn on_all_processors<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

#[test]
fn wireshark_sees_the_same_streams() {
    if !there_is("tshark", Command::new("tshark").arg("--version")) {
        return;
    }
    let captures = captures();
    assert!(captures.len() > 150, "only {} captures", captures.len());
    let unexplained = Mutex::new(Vec::new());
    on_all_processors(&captures, |path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let found: Vec<String> = differences(path).into_iter().filter(|d| !explained(&name, d)).collect();
        unexplained.lock().expect("no panic").extend(found.into_iter().map(|d| format!("{name}: {d}")));
    });
    let mut unexplained = unexplained.into_inner().expect("no panic");
    unexplained.sort();
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
}
