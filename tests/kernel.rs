//! What the kernel of the capturing host adds, with real servers between two network namespaces. Needs root, Linux, `ip`
//! and python3; elsewhere the tests say so and pass. In CI, as root, what is missing is a failure.
#![cfg(all(feature = "kernel", target_os = "linux"))]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::lab::{Lab, inside, ip, there_is};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// A program in a namespace, which is ended with the test.
struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it and waits for its first line, which says that it is ready.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut program = Self { child, out };
        program.line();
        program
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "it ended");
        line
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// synscope on the server's end of the link.
struct Synscope {
    child: Child,
}

impl Synscope {
    fn start(lab: &Lab, args: &[&str]) -> Self {
        Self::within(lab, &[], args)
    }

    /// Runs it by another program.
    fn within(lab: &Lab, by: &[&str], args: &[&str]) -> Self {
        let command = [by, &[env!("CARGO_BIN_EXE_synscope"), "-i", "veth0"], args].concat();
        let mut child = inside(&lab.b, &command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("it runs");
        let mut errors = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        errors.read_line(&mut line).expect("a line");
        assert!(line.starts_with("listening on "), "{line}");
        thread::spawn(move || errors.read_to_string(&mut String::new()));
        Self { child }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it; what it wrote.
    fn stop(self) -> String {
        // The link is quiet by now: what it has not read yet, it reads.
        assert!(Command::new("kill").args(["-INT", &self.pid().to_string()]).status().expect("kill runs").success());
        self.text()
    }

    /// What it wrote, up to its end.
    fn text(mut self) -> String {
        let mut text = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut text).expect("text");
        assert!(self.child.wait().expect("it ends").success());
        text
    }

    /// Ends it; what it wrote, in one line.
    fn words(self) -> String {
        self.stop().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn events(self) -> Vec<Value> {
        parsed(&self.stop())
    }

    /// What it wrote, up to its end.
    fn rest(self) -> Vec<Value> {
        parsed(&self.text())
    }
}

impl Drop for Synscope {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of<'a>(events: &'a [Value], action: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"]["action"] == action).collect()
}

/// A server on port 8080 with this backlog. It says its number, and accepts as many connections as the second argument
/// says; what it accepts stays open.
const SERVER: &str = "
import os, socket, sys
s = socket.create_server(('192.0.2.2', 8080), backlog=int(sys.argv[1]))
print(os.getpid(), flush=True)
kept = []
while len(kept) < int(sys.argv[2]):
    kept.append(s.accept())
sys.stdin.read()
";

/// Clients, as many as asked for, each for so many seconds.
const CLIENTS: &str = "
import socket, sys, threading, time
def client():
    s = socket.socket()
    s.settimeout(float(sys.argv[2]))
    try:
        s.connect(('192.0.2.2', int(sys.argv[3])))
        s.send(b'x')
        time.sleep(float(sys.argv[2]))
    except OSError: pass
    s.close()
print('ready', flush=True)
threads = [threading.Thread(target=client) for _ in range(int(sys.argv[1]))]
[t.start() for t in threads]
[t.join() for t in threads]
print('done', flush=True)
";

fn server(lab: &Lab, backlog: u32, accepts: u32) -> (Program, u32) {
    let mut command = inside(&lab.b, &["python3", "-c", SERVER, &backlog.to_string(), &accepts.to_string()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
    let mut program = Program { out: BufReader::new(child.stdout.take().expect("piped")), child };
    let pid = program.line().trim().parse().expect("a number");
    (program, pid)
}

/// Clients of the other namespace, to their end.
fn clients(lab: &Lab, count: u32, seconds: f32, port: u16) {
    let args = [count.to_string(), seconds.to_string(), port.to_string()];
    let mut program = Program::start(inside(&lab.a, &["python3", "-c", CLIENTS, &args[0], &args[1], &args[2]]));
    assert_eq!(program.line(), "done\n");
    assert!(program.child.wait().expect("it ends").success());
}

/// The counters of the server's namespace, which began at 0.
fn counters(lab: &Lab) -> BTreeMap<String, u64> {
    let output = inside(&lab.b, &["cat", "/proc/net/netstat"]).output().expect("cat runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let pairs = names.split_whitespace().zip(values.split_whitespace()).skip(1);
    pairs.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect()
}

fn set(lab: &Lab, setting: &str) {
    assert!(inside(&lab.b, &["sysctl", "-qw", setting]).status().expect("sysctl runs").success());
}

#[test]
fn the_process_of_the_end_that_is_here() {
    let Some(lab) = Lab::new() else { return };
    let (_server, pid) = server(&lab, 5, 1);
    let json = Synscope::start(&lab, &["--json"]);
    let text = Synscope::start(&lab, &["-T", "text"]);
    let without = Synscope::start(&lab, &["--json", "--kernel", "off"]);
    clients(&lab, 1, 1.5, 8080);
    let events = json.events();
    let [flow] = of(&events, "flow_end")[..] else { panic!("{events:#?}") };
    assert_eq!(flow["process"]["pid"], pid, "{flow:#}");
    assert!(flow["process"]["name"].as_str().unwrap().starts_with("python3"), "{flow:#}");
    assert!(flow["process"]["executable"].as_str().unwrap().contains("python3"), "{flow:#}");
    assert_eq!(flow["user"]["name"], "root");
    assert_eq!(flow["synscope"]["server"]["kernel"]["match"], "exact", "{flow:#}");
    assert!(flow["synscope"]["client"].get("kernel").is_none(), "the client is elsewhere: {flow:#}");
    let text = text.stop();
    assert!(text.contains(", served by python3") && text.contains(&format!("({pid})")), "{text}");
    let events = without.events();
    assert!(events.iter().all(|event| event.get("process").is_none()), "{events:#?}");
}

#[test]
fn a_full_accept_queue_is_counted_and_explained() {
    let Some(lab) = Lab::new() else { return };
    let (_server, pid) = server(&lab, 1, 0);
    let json = Synscope::start(&lab, &["--json"]);
    let explain = Synscope::start(&lab, &["--explain"]);
    let korean = Synscope::start(&lab, &["--explain", "--locale", "ko"]);
    let summary = Synscope::start(&lab, &["-T", "summary"]);
    clients(&lab, 6, 6.5, 8080);
    let counted = counters(&lab)["ListenOverflows"];
    assert!(counted > 0);
    let events = json.events();
    let listeners = of(&events, "listener");
    let full = listeners.iter().find(|event| event["synscope"]["listener"]["level"] == 100);
    let full = full.unwrap_or_else(|| panic!("no full queue: {listeners:#?}"));
    assert_eq!((&full["process"]["pid"], &full["destination"]["port"]), (&pid.into(), &8080.into()));
    assert_eq!(full["synscope"]["listener"]["accept_queue_limit"], 1);
    assert_eq!(listeners.len(), 1, "one queue, filled once: {listeners:#?}");
    let anomalies = of(&events, "anomaly");
    let counts = |event: &Value| event["synscope"]["kernel"]["ListenOverflows"].as_u64().is_some_and(|n| n > 0);
    let unanswered = anomalies.iter().find(|event| event["rule"]["id"] == "syn-unanswered");
    assert!(unanswered.is_some_and(|event| counts(event)), "{anomalies:#?}");
    let text = explain.words();
    assert!(text.contains("The accept queue was full: 2 connections waited where 1 may"), "{text}");
    assert!(text.contains("does not call accept() often enough"), "{text}");
    assert!(korean.words().contains("accept 큐가 가득 찼습니다"), "Korean");
    let page = summary.stop();
    let row = page.lines().find(|line| line.contains("192.0.2.2:8080")).expect("a row");
    assert!(row.contains(&format!("({pid})")) && row.contains("2/1"), "{page}");
    let line = page.lines().find(|line| line.contains("(ListenOverflows)")).expect("a line");
    assert_eq!(line.split_whitespace().next().unwrap().parse::<u64>().unwrap(), counted, "{page}");
}

#[test]
fn a_queue_that_is_served_is_nothing() {
    let Some(lab) = Lab::new() else { return };
    let (_server, _) = server(&lab, 128, 40);
    let json = Synscope::start(&lab, &["--json"]);
    let explain = Synscope::start(&lab, &["--explain"]);
    clients(&lab, 40, 1.2, 8080);
    let events = json.events();
    assert_eq!(of(&events, "flow_end").len(), 40);
    assert!(of(&events, "listener").is_empty(), "{:#?}", of(&events, "listener"));
    let text = explain.words();
    assert!(text.contains("On this host") && !text.contains("queue was full"), "{text}");
}

#[test]
fn a_process_that_does_not_close_is_named() {
    let Some(lab) = Lab::new() else { return };
    let (_server, pid) = server(&lab, 5, 1);
    let json = Synscope::start(&lab, &["--json"]);
    let explain = Synscope::start(&lab, &["--explain"]);
    clients(&lab, 1, 0.2, 8080);
    let events = json.events();
    let [flow] = of(&events, "flow_end")[..] else { panic!("{events:#?}") };
    assert_eq!(flow["synscope"]["server"]["kernel"]["state"], "CLOSE_WAIT", "{flow:#}");
    assert_eq!(flow["synscope"]["server"]["state"], "CLOSE_WAIT", "{flow:#}");
    assert_eq!(flow["process"]["pid"], pid);
    assert!(flow["synscope"]["server"]["kernel"].get("state_disagrees").is_none(), "{flow:#}");
    assert!(explain.words().contains("has not called close() yet"), "explained");
}

/// Ctrl-C comes to every process of a terminal's foreground, the helper too.
#[test]
fn a_signal_to_all_processes_leaves_the_last_answer() {
    let Some(lab) = Lab::new() else { return };
    let (_server, pid) = server(&lab, 5, 1);
    let json = Synscope::start(&lab, &["--json"]);
    clients(&lab, 1, 0.2, 8080);
    let group = format!("-{}", json.pid());
    let begun = Instant::now();
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().expect("kill runs").success());
    let events = json.rest();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let [flow] = of(&events, "flow_end")[..] else { panic!("{events:#?}") };
    assert_eq!(flow["synscope"]["server"]["kernel"]["state"], "CLOSE_WAIT", "{flow:#}");
    assert_eq!(flow["process"]["pid"], pid);
}

#[test]
fn a_packet_filter_and_a_port_without_a_process() {
    let Some(lab) = Lab::new() else { return };
    if !there_is("nft") {
        assert!(std::env::var_os("CI").is_none(), "nft is missing");
        return println!("skipped: needs nft");
    }
    let (_server, _) = server(&lab, 5, 0);
    let rules = "add table inet t; add chain inet t in { type filter hook input priority 0; }; \
                 add rule inet t in tcp dport 8080 drop";
    assert!(inside(&lab.b, &["nft", rules]).status().expect("nft runs").success());
    let explain = Synscope::start(&lab, &["--explain"]);
    clients(&lab, 1, 1.5, 8080);
    clients(&lab, 1, 0.1, 8081);
    let text = explain.words();
    assert!(text.contains("a packet filter of this host"), "{text}");
    assert!(text.contains("No process listens on port 8081."), "{text}");
}

/// SYNs from addresses that nobody has.
const FLOOD: &str = "
import socket, struct
def total(octets):
    n = sum(struct.unpack('!%dH' % (len(octets) // 2), octets))
    while n >> 16: n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
print('ready', flush=True)
target = socket.inet_aton('192.0.2.2')
for n in range(40):
    source = socket.inet_aton('198.51.100.%d' % (n + 1))
    tcp = struct.pack('!HHIIBBHHH', 1024 + n, 8080, 1000 * n, 0, 5 << 4, 2, 65535, 0, 0)
    check = total(source + target + struct.pack('!BBH', 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack('!H', check) + tcp[18:]
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), n, 0, 64, 6, 0, source, target)
    s.sendto(ip + tcp, ('192.0.2.2', 0))
print('done', flush=True)
";

/// Lets 40 spoofed SYNs come, then a real client; what is said of it.
fn flooded(cookies: u8) -> Option<(BTreeMap<String, u64>, String, String)> {
    let lab = Lab::new()?;
    ip(&["-n", &lab.b, "route", "add", "198.51.100.0/24", "dev", "veth0"]);
    // Their addresses are resolved, so that the answers leave; nobody takes them.
    for n in 1..=40 {
        let address = format!("198.51.100.{n}");
        ip(&["-n", &lab.b, "neighbour", "add", &address, "lladdr", "02:00:00:00:00:99", "dev", "veth0"]);
    }
    set(&lab, &format!("net.ipv4.tcp_syncookies={cookies}"));
    let (_server, _) = server(&lab, 4, 0);
    let explain = Synscope::start(&lab, &["--explain"]);
    let summary = Synscope::start(&lab, &["-T", "summary"]);
    let mut flood = Program::start(inside(&lab.a, &["python3", "-c", FLOOD]));
    assert_eq!(flood.line(), "done\n");
    clients(&lab, 1, 1.2, 8080);
    Some((counters(&lab), explain.words(), summary.stop()))
}

#[test]
fn a_full_syn_queue_without_cookies() {
    let Some((counted, text, page)) = flooded(0) else { return };
    let dropped = counted["TCPReqQFullDrop"];
    assert!(dropped > 0 && counted["TCPReqQFullDoCookies"] == 0, "{counted:?}");
    assert!(text.contains("The SYN queue was full and the kernel dropped"), "{text}");
    assert!(text.contains("net.ipv4.tcp_syncookies = 0"), "{text}");
    let line = page.lines().find(|line| line.contains("(TCPReqQFullDrop)")).unwrap_or_else(|| panic!("{page}"));
    assert!(line.trim_start().starts_with(&dropped.to_string()), "{page}");
}

#[test]
fn a_full_syn_queue_with_cookies() {
    let Some((counted, text, page)) = flooded(1) else { return };
    assert!(counted["TCPReqQFullDoCookies"] > 0 && counted["TCPReqQFullDrop"] == 0, "{counted:?}");
    assert!(!text.contains("the kernel dropped"), "{text}");
    assert!(text.contains("with cookies"), "{text}");
    assert!(page.contains("(TCPReqQFullDoCookies)"), "{page}");
}

/// The helper's number.
fn helper_of(synscope: &Synscope) -> Option<u32> {
    let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", synscope.pid())).ok()?;
    list.split_whitespace().next()?.parse().ok()
}

#[test]
fn the_helper_has_two_capabilities_and_ends_with_the_run() {
    let Some(lab) = Lab::new() else { return };
    let synscope = Synscope::start(&lab, &["--json"]);
    let helper = helper_of(&synscope).expect("a helper");
    let status = fs::read_to_string(format!("/proc/{helper}/status")).expect("a status");
    let field = |name: &str| {
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {status}"));
        line.trim().to_owned()
    };
    // CAP_DAC_READ_SEARCH is 2, CAP_SYS_PTRACE is 19 (capabilities(7)).
    for set in ["CapPrm:", "CapEff:"] {
        assert_eq!(u64::from_str_radix(&field(set), 16).unwrap(), 1 << 2 | 1 << 19, "{status}");
    }
    assert_eq!((field("NoNewPrivs:").as_str(), field("Seccomp:").as_str()), ("1", "2"), "{status}");
    assert!(!field("Uid:").split_whitespace().any(|uid| uid == "0"), "{status}");
    synscope.stop();
    let begun = Instant::now();
    while fs::metadata(format!("/proc/{helper}")).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the helper stays");
        thread::park_timeout(Duration::from_millis(10));
    }
    let without = Synscope::start(&lab, &["--json", "--kernel", "off"]);
    assert_eq!(helper_of(&without), None);
}

#[test]
fn without_rights_it_says_what_is_missing() {
    let Some(lab) = Lab::new() else { return };
    if !there_is("setpriv") {
        return println!("skipped: needs setpriv");
    }
    let (_server, _) = server(&lab, 5, 1);
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=+net_raw",
        "--ambient-caps=+net_raw",
    ];
    let summary = Synscope::within(&lab, &nobody, &["-T", "summary"]);
    let json = Synscope::within(&lab, &nobody, &["--json"]);
    clients(&lab, 1, 1.2, 8080);
    let events = json.events();
    let [flow] = of(&events, "flow_end")[..] else { panic!("{events:#?}") };
    assert_eq!(flow["synscope"]["server"]["kernel"]["match"], "none", "{flow:#}");
    assert_eq!(flow["synscope"]["opening"], "established");
    let page = summary.stop();
    assert!(page.contains("not asked: processes of other users"), "{page}");
}

/// As many connections as asked for, one after another, as fast as they go.
const SHORT: &str = "
import socket, sys
print('ready', flush=True)
for _ in range(int(sys.argv[1])):
    s = socket.create_connection(('192.0.2.2', 8080))
    s.send(b'x')
    s.recv(1)
    s.close()
print('done', flush=True)
";

/// Answers each connection and closes it.
const ANSWERING: &str = "
import os, socket
s = socket.create_server(('192.0.2.2', 8080), backlog=128)
print(os.getpid(), flush=True)
while True:
    c, _ = s.accept()
    c.recv(1)
    c.send(b'y')
    c.close()
";

#[test]
fn thousands_of_short_connections_have_their_process() {
    const COUNT: usize = 3000;
    let Some(lab) = Lab::new() else { return };
    let _server = Program::start(inside(&lab.b, &["python3", "-c", ANSWERING]));
    let json = Synscope::start(&lab, &["--json", "--events", "flow_end,session_end"]);
    // It is read while it writes.
    let mut json = json;
    let mut out = json.child.stdout.take().expect("piped");
    let reading = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let mut clients = Program::start(inside(&lab.a, &["python3", "-c", SHORT, &COUNT.to_string()]));
    assert_eq!(clients.line(), "done\n");
    assert!(Command::new("kill").args(["-INT", &json.pid().to_string()]).status().expect("kill runs").success());
    let text = reading.join().expect("no panic").expect("text");
    let events = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
    let flows = of(&events, "flow_end");
    assert_eq!(flows.len(), COUNT);
    let named = flows.iter().filter(|flow| flow["process"]["name"].is_string()).count();
    assert!(named * 100 >= COUNT * 95, "{named} of {COUNT} have a process");
    let totals = &of(&events, "session_end")[0]["synscope"]["totals"];
    assert_eq!(totals["dropped_kernel"], 0, "{totals:#}");
    for flow in &flows {
        let matched = &flow["synscope"]["server"]["kernel"]["match"];
        assert!(["exact", "late", "none"].contains(&matched.as_str().expect("a word")), "{flow:#}");
    }
}
