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

use common::frames::{ACK, CWR, ECE, FIN, Frame, PSH, RST, SYN, SYN_OPTIONS, pcap};
use common::{analyse, testdata};

/// Differences from Wireshark that remain: the capture, how the difference begins, and why.
const EXPLAINED: &[(&str, &str, &str)] = &[
    (
        "hs_split_handshake.pcap",
        "",
        "five-segment split handshake: at the other end's SYN Wireshark begins a stream, where one connection opens",
    ),
    (
        "hs_client_reboot.pcap",
        "completeness",
        "Wireshark counts the challenge ACK and its RST, which end the old connection, to the new one",
    ),
    (
        "hs_syn_on_established.pcap",
        "",
        "a SYN answered by a challenge ACK begins a stream, though the connection goes on (RFC 9293 3.10.7.4)",
    ),
    (
        "hs_bad_synack_ack.pcap",
        "syn",
        "the first SYN-ACK acknowledges what was never sent and is reset: the ISN is that of the one that opened",
    ),
    ("scan_idle.", "syn", "unasked-for SYN-ACKs, each with an ISN of its own: the last one counts, not the first"),
    ("fl_backscatter.pcap", "syn", "as in scan_idle: two SYN-ACKs to one tuple, the last one counts"),
    ("fl_stray_segments.pcap", "syn: None", "a SYN with FIN or RST opens nothing, so its number is no ISN"),
    ("fl_stray_segments.pcap", "flows: 2", "a SYN-ACK after a reset on the same tuple is another attempt"),
    ("scan_os_detection.pcap", "syn: None", "a SYN with FIN opens nothing, so its number is no ISN"),
];

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
    Some(Syn { isn: isn.0, mss: offer.mss, window_scale: offer.window_scale, sack_permitted: offer.sack_permitted })
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

/// A Python that has Scapy.
fn scapy() -> Option<&'static str> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv/bin/python3");
    let has_scapy = |python: &&str| {
        let probe = Command::new(python).args(["-c", "import scapy.all"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    };
    let found = ["python3", own].into_iter().find(has_scapy);
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "Scapy is missing");
    if found.is_none() {
        println!("skipped: needs Scapy");
    }
    found
}

/// What the callback of the study note prints for each of these captures.
fn callback(python: &str, captures: &[PathBuf]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/scapy_note.py");
    let output = Command::new(python).arg(script).args(captures).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut parts = text.split("== ").skip(1);
    let parts: Vec<String> =
        parts.by_ref().map(|part| part.split_once('\n').map_or("", |(_, lines)| lines).to_owned()).collect();
    assert_eq!(parts.len(), captures.len());
    parts
}

/// What synscope prints for a capture.
fn ours(capture: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_synscope"))
        .args(["-q", "-T", "scapy", "-f", "tcp and (port 80 or port 8080)", "-r"])
        .arg(capture)
        .output()
        .expect("synscope runs")
}

/// What a callback could trip over.
fn odd_segments() -> Vec<Vec<u8>> {
    let [client, server] = ["192.0.2.1:40000", "198.51.100.2:80"].map(|a| a.parse().expect("an address"));
    let [client6, server6] = ["[2001:db8::1]:40000", "[2001:db8::2]:80"].map(|a| a.parse().expect("an address"));
    let (to, from) = (Frame::new(client, server), Frame::new(server, client));
    let padded = |frame: Frame<'_>| {
        let mut bytes = frame.bytes();
        bytes.resize(60, 0);
        bytes
    };
    let timestamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1];
    let tagged = Frame { vlan: Some(5), ..to };
    let mut ip_options = to.with(SYN, 7000, 0).bytes();
    ip_options[14] = 0x46;
    ip_options[17] += 4;
    ip_options.splice(34..34, [1, 1, 1, 0]);
    let mut bad_checksum = to.with(SYN, 8000, 0).bytes();
    bad_checksum[50] ^= 0xff;
    vec![
        to.with(SYN, 100, 0).options(SYN_OPTIONS).bytes(),
        padded(from.with(SYN | ACK, 300, 101)),
        padded(to.with(ACK, 101, 301)),
        to.with(ACK, 101, 301).options(&timestamps).bytes(),
        to.with(ACK, 101, 301).payload(b"x").bytes(),
        to.with(ACK, 101, 301).options(&timestamps).payload(&[0; 6]).bytes(),
        to.with(ACK | PSH, 101, 301).bytes(),
        to.with(SYN | ECE | CWR, 200, 0).bytes(),
        from.with(SYN | ACK | ECE, 400, 201).bytes(),
        to.with(SYN, 500, 12345).payload(b"early").bytes(),
        to.with(SYN | FIN, 600, 0).bytes(),
        to.with(0, 600, 0).bytes(),
        from.with(RST | ACK, 0, 601).bytes(),
        to.with(FIN | ACK, 102, 301).bytes(),
        Frame::new(client6, server6).with(SYN, 1, 0).bytes(),
        tagged.with(SYN, 900, 0).bytes(),
        Frame { ttl: 1, window: 0, ..to }.with(ACK, u32::MAX, u32::MAX).bytes(),
        ip_options,
        bad_checksum,
        Frame::new(client, "198.51.100.2:8080".parse().expect("an address")).with(SYN, 1, 0).bytes(),
        Frame::new(client, "198.51.100.2:81".parse().expect("an address")).with(SYN, 1, 0).bytes(),
    ]
}

#[test]
fn the_scapy_format_is_the_note_callbacks() {
    let Some(python) = scapy() else { return };
    let odd = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("odd_segments.pcap");
    std::fs::write(&odd, pcap(&odd_segments())).expect("a file");
    // Those with most to say about ports 80 and 8080.
    let names = ["bn_burst", "bn_port_forwarder", "fl_ack", "hs_hello_client", "scan_idle.target", "scan_sweep"];
    let mut captures: Vec<PathBuf> = names.iter().map(|name| testdata(&format!("labelled/{name}.pcap"))).collect();
    captures.push(odd);
    let (mut lines, mut wrong) = (0, Vec::new());
    for (capture, theirs) in captures.iter().zip(callback(python, &captures)) {
        let output = ours(capture);
        let ours = String::from_utf8_lossy(&output.stdout).into_owned();
        lines += theirs.lines().count();
        if ours != theirs {
            wrong.push(format!("{}:\n--- callback\n{theirs}--- synscope\n{ours}", capture.display()));
        }
    }
    assert!(lines > 1000, "only {lines} lines to compare");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
