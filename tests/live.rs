//! Live capture between two network namespaces joined by a veth, made and removed by each test. Needs root, Linux, `ip`
//! and python3; elsewhere the tests say so and pass. In CI, as root, what is missing is a failure.
#![cfg(all(feature = "live", target_os = "linux"))]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::lab::{CLIENT, Lab, NOBODY, SERVER, inside, ip, there_is};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Connects, says hello, closes, and waits until the other end closed too.
const SAY_HELLO: &str = "
import socket
s = socket.create_connection(('192.0.2.2', 8080), 10)
s.sendall(b'Hello, server!')
s.shutdown(socket.SHUT_WR)
while s.recv(4096): pass
s.close()
";

impl Lab {
    /// Lets the server's end drop what comes to `port`, and says which address and port to connect to: where there is no
    /// packet filter, an address that nobody has.
    fn drop_port(&self, port: u16) -> &'static str {
        let rules = format!(
            "add table inet t; add chain inet t in {{ type filter hook input priority 0; }}; \
             add rule inet t in tcp dport {port} drop"
        );
        let filtered = there_is("nft") && inside(&self.b, &["nft", &rules]).status().is_ok_and(|s| s.success());
        if filtered { SERVER } else { NOBODY }
    }

    /// One connection to port 8080 that says hello, from beginning to end.
    fn hello(&self) {
        let mut server = self.serve();
        assert!(self.python(&self.a, SAY_HELLO).status().expect("python3 runs").success(), "the client failed");
        assert!(server.wait().expect("the server ends").success(), "the server failed");
    }

    /// A connection that will not open.
    fn try_to_connect(&self, address: &str, port: u16, seconds: f32) {
        let program = format!(
            "import socket\ntry: socket.create_connection(('{address}', {port}), {seconds})\nexcept OSError: pass\n"
        );
        assert!(self.python(&self.a, &program).status().expect("python3 runs").success());
    }

    /// synscope in the client's namespace, listening.
    fn synscope(&self, args: &[&str]) -> Running {
        self.start(&[env!("CARGO_BIN_EXE_synscope")], args)
    }

    fn start(&self, program: &[&str], args: &[&str]) -> Running {
        let command = [program, args].concat();
        let child = inside(&self.a, &command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut running = Running::new(child.expect("synscope runs"));
        let first = running.errors.recv_timeout(PATIENCE).expect("a start line");
        assert!(first.starts_with("listening on "), "{first}");
        running.said.push(first);
        running
    }
}

/// synscope at work.
struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    events: Vec<Value>,
    said: Vec<String>,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let lines = lines(child.stdout.take().expect("piped"));
        let errors = lines_of_errors(&mut child);
        Self { child, lines, errors, events: Vec::new(), said: Vec::new() }
    }

    /// Waits until an event says this of an opening.
    fn wait_for_opening(&mut self, opening: &str) {
        while !self
            .events
            .iter()
            .any(|e| e["event"]["action"] == "handshake_end" && e["synscope"]["opening"] == opening)
        {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|e| panic!("no {opening}: {e}; there was {:#?}", self.events));
            self.events.push(serde_json::from_str(&line).expect("JSON"));
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Sends the signal; how it ended, and how long that took.
    fn stop(&mut self, signal: &str) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal(signal);
        let status = self.child.wait().expect("it ends");
        let took = begun.elapsed();
        self.events.extend(self.lines.iter().map(|line| serde_json::from_str::<Value>(&line).expect("JSON")));
        self.said.extend(self.errors.iter());
        (status, took)
    }

    /// The events of this kind.
    fn of(&self, action: &str) -> Vec<&Value> {
        self.events.iter().filter(|e| e["event"]["action"] == action).collect()
    }

    /// The one flow to this port.
    fn flow_to(&self, port: u16) -> &Value {
        let flows: Vec<&Value> = self.of("flow_end").into_iter().filter(|e| e["destination"]["port"] == port).collect();
        assert_eq!(flows.len(), 1, "flows to port {port}: {flows:#?}");
        flows[0]
    }

    /// A figure of the closing counts: `12 packets captured`.
    fn count(&self, what: &str) -> u64 {
        let line = self.said.iter().find(|line| line.ends_with(what));
        let line = line.unwrap_or_else(|| panic!("no '{what}' in {:#?}", self.said));
        line.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    }

    /// Nothing was lost.
    fn assert_complete(&self) {
        let captured = self.count("captured");
        assert!(captured > 0, "{:#?}", self.said);
        assert_eq!(captured, self.count("received by filter"), "{:#?}", self.said);
        assert_eq!(self.count("dropped by kernel"), 0, "{:#?}", self.said);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of_errors(child: &mut Child) -> Receiver<String> {
    lines(child.stderr.take().expect("piped"))
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn assert_hello(flow: &Value) {
    let synscope = &flow["synscope"];
    assert_eq!(synscope["opening"], "established");
    assert_eq!(synscope["closing"], "fin");
    assert_eq!(synscope["teardown"]["closed_by"], "client");
    assert_eq!(synscope["handshake"]["validated"], true);
    assert_eq!((&flow["source"]["bytes"], &flow["destination"]["bytes"]), (&14.into(), &0.into()));
    assert_eq!((flow["source"]["ip"].as_str(), flow["destination"]["ip"].as_str()), (Some(CLIENT), Some(SERVER)));
}

/// Every packet that was received is somewhere.
fn assert_adds_up(session_end: &Value) {
    let totals = &session_end["synscope"]["totals"];
    let count = |name: &str| totals[name].as_u64().unwrap_or_else(|| panic!("no {name} in {totals}"));
    assert_eq!(count("received"), count("packets") + count("dropped_kernel") + count("unread"), "{totals}");
}

#[test]
fn opened_refused_and_unanswered() {
    let Some(lab) = Lab::new() else { return };
    let silent = lab.drop_port(9999);
    let mut synscope = lab.synscope(&["-i", "veth0", "--json", "--syn-timeout", "2s"]);
    lab.hello();
    lab.try_to_connect(SERVER, 8081, 5.0);
    lab.try_to_connect(silent, 9999, 1.5);
    synscope.wait_for_opening("established");
    synscope.wait_for_opening("refused");
    // Nothing else comes: an idle link's clock must tell.
    synscope.wait_for_opening("unanswered");
    let (status, _) = synscope.stop("-INT");
    assert_eq!(status.code(), Some(0), "{:#?}", synscope.said);

    assert_hello(synscope.flow_to(8080));
    let refused = &synscope.flow_to(8081)["synscope"];
    assert_eq!((&refused["opening"], &refused["closing"]), (&"refused".into(), &"none".into()));
    let unanswered = &synscope.flow_to(9999)["synscope"];
    assert_eq!(unanswered["opening"], "unanswered");
    assert!(unanswered["handshake"]["syn_count"].as_u64() >= Some(1));
    assert_eq!(synscope.of("flow_end").len(), 3);
    assert_eq!(synscope.of("session_end").len(), 1);
    assert_eq!(synscope.events.last().map(|e| e["event"]["action"].clone()), Some("session_end".into()));
    synscope.assert_complete();
    assert!(synscope.said.iter().any(|line| line.starts_with("3 flows")), "{:#?}", synscope.said);
}

#[test]
fn every_interface_at_once() {
    let Some(lab) = Lab::new() else { return };
    let mut synscope = lab.synscope(&["-i", "any", "--json"]);
    lab.hello();
    synscope.wait_for_opening("established");
    let (status, _) = synscope.stop("-TERM");
    assert_eq!(status.code(), Some(0), "{:#?}", synscope.said);
    assert_hello(synscope.flow_to(8080));
    synscope.assert_complete();
}

/// Each frame is seen twice, and each interface hands over many at a time: only by time do they make the connections that
/// there were.
#[test]
fn two_interfaces_are_merged_by_time() {
    const CONNECTIONS: usize = 8;
    let Some(lab) = Lab::new() else { return };
    lab.bridge();
    let mut synscope = lab.synscope(&["-i", "br0", "-i", "veth0", "--json"]);
    for _ in 0..CONNECTIONS {
        lab.hello();
    }
    while synscope.of("handshake_end").len() < CONNECTIONS {
        let line = synscope.lines.recv_timeout(PATIENCE).expect("an event");
        synscope.events.push(serde_json::from_str(&line).expect("JSON"));
    }
    let (status, _) = synscope.stop("-HUP");
    assert_eq!(status.code(), Some(0), "{:#?}", synscope.said);
    let flows = synscope.of("flow_end");
    let words: Vec<_> = flows.iter().map(|f| (&f["synscope"]["opening"], &f["synscope"]["closing"])).collect();
    assert_eq!(words, [(&Value::from("established"), &Value::from("fin")); CONNECTIONS], "{:#?}", synscope.events);
    assert_eq!(synscope.of("session_end").len(), 1);
    assert_eq!(synscope.count("dropped by kernel"), 0, "{:#?}", synscope.said);
    assert!(!synscope.said.iter().any(|line| line.contains("late")), "{:#?}", synscope.said);
}

/// Traffic on one of two interfaces is told of soon, although the other is silent.
#[test]
fn a_silent_interface_does_not_hold_up_the_other() {
    let Some(lab) = Lab::new() else { return };
    let mut synscope = lab.synscope(&["-i", "veth0", "-i", "lo", "--json"]);
    lab.hello();
    synscope.wait_for_opening("established");
    let (status, _) = synscope.stop("-INT");
    assert_eq!(status.code(), Some(0), "{:#?}", synscope.said);
    assert_hello(synscope.flow_to(8080));
    synscope.assert_complete();
}

#[test]
fn stops_at_once_on_an_idle_link() {
    let Some(lab) = Lab::new() else { return };
    let mut best = Duration::MAX;
    for signal in ["-INT", "-TERM", "-INT"] {
        let mut synscope = lab.synscope(&["-i", "veth0", "--json"]);
        let (status, took) = synscope.stop(signal);
        assert_eq!(status.code(), Some(0), "{:#?}", synscope.said);
        assert_eq!(synscope.count("captured"), 0);
        best = best.min(took);
    }
    // The best of three: others may be using the machine.
    assert!(best < Duration::from_millis(200), "{best:?}");
}

#[test]
fn stops_after_as_much_as_asked_for() {
    let Some(lab) = Lab::new() else { return };
    let mut synscope = lab.synscope(&["-i", "veth0", "--json", "-c", "3"]);
    lab.hello();
    let status = synscope.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    let (mut events, said): (Vec<Value>, Vec<String>) = (
        synscope.lines.iter().map(|l| serde_json::from_str(&l).expect("JSON")).collect(),
        synscope.errors.iter().collect(),
    );
    synscope.said.extend(said);
    assert_eq!(synscope.count("captured"), 3);
    let end = events.pop().expect("an event");
    assert_eq!(end["synscope"]["totals"]["packets"], 3);
    assert_adds_up(&end);

    // On an idle link, time alone.
    let begun = Instant::now();
    let mut synscope = lab.synscope(&["-i", "veth0", "--json", "-a", "duration:1"]);
    assert_eq!(synscope.child.wait().expect("it ends").code(), Some(0));
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn an_interface_that_goes_away() {
    let Some(lab) = Lab::new() else { return };
    let mut synscope = lab.synscope(&["-i", "veth0", "--json"]);
    lab.hello();
    synscope.wait_for_opening("established");
    ip(&["-n", &lab.a, "link", "delete", "veth0"]);
    let begun = Instant::now();
    while synscope.child.try_wait().expect("a status").is_none() {
        assert!(begun.elapsed() < PATIENCE, "it goes on without its interface");
        thread::sleep(Duration::from_millis(20));
    }
    let status = synscope.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "{:#?}", synscope.errors.iter().collect::<Vec<_>>());
    let flows: Vec<Value> = synscope.lines.iter().map(|line| serde_json::from_str(&line).expect("JSON")).collect();
    assert_eq!(flows.last().map(|e| e["event"]["action"].clone()), Some("session_end".into()));
}

/// The other interface does not go on as if nothing had happened.
#[test]
fn a_capture_thread_that_panics_ends_the_run() {
    let Some(lab) = Lab::new() else { return };
    let program = env!("CARGO_BIN_EXE_synscope");
    let command = ["env", "-u", "RUST_BACKTRACE", "SYNSCOPE_TEST_PANIC=capture veth0", program];
    let mut synscope = lab.start(&command, &["-i", "lo", "-i", "veth0", "--json"]);
    lab.hello();
    let status = synscope.child.wait().expect("it ends");
    synscope.said.extend(synscope.errors.iter());
    assert_eq!(status.code(), Some(1), "{:#?}", synscope.said);
    let wanted = "synscope: internal error: thread 'capture veth0' panicked at src/";
    assert_eq!(synscope.said.iter().filter(|line| line.starts_with(wanted)).count(), 1, "{:#?}", synscope.said);
    let last = synscope.lines.iter().last().expect("an event");
    assert!(last.contains("\"action\":\"session_end\""), "{last}");
}

/// Speaks every quarter of a second when it is told to, and says when it has.
const SPEAK: &str = "
import socket, sys, time
s = socket.create_connection(('192.0.2.2', 8080), 10)
sys.stdin.readline()
for _ in range(10):
    s.sendall(b'x')
    time.sleep(0.25)
print('sent', flush=True)
sys.stdin.readline()
s.shutdown(socket.SHUT_WR)
while s.recv(4096): pass
";

/// Packets that wait in the kernel while this process is stopped came before the time at which it goes on.
#[test]
fn a_stopped_process_does_not_run_ahead_of_what_waits() {
    let Some(lab) = Lab::new() else { return };
    let mut synscope = lab.synscope(&["-i", "veth0", "--json", "--idle", "1s"]);
    let mut server = lab.serve();
    let mut client = lab.python(&lab.a, SPEAK);
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut stdin = client.stdin.take().expect("stdin");
    synscope.wait_for_opening("established");
    synscope.signal("-STOP");
    stdin.write_all(b"\n").expect("it reads");
    let mut line = String::new();
    BufReader::new(client.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    synscope.signal("-CONT");
    stdin.write_all(b"\n").expect("it reads");
    assert!(client.wait().expect("it ends").success());
    let _ = server.wait();
    let (status, _) = synscope.stop("-INT");
    assert_eq!(status.code(), Some(0), "{:#?}", synscope.said);
    assert_eq!(synscope.flow_to(8080)["synscope"]["closing"], "fin");
    assert_adds_up(synscope.of("session_end")[0]);
}

/// Refused connections, whose events fill a pipe, and then many packets.
const TRAFFIC: &str = "
import socket
for _ in range(120):
    try: socket.create_connection(('192.0.2.2', 8081), 5)
    except OSError: pass
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(60000):
    try: s.sendto(b'x' * 1000, ('192.0.2.2', 9))
    except OSError: pass
";

/// A reader that stalls costs packets, which are counted, and no memory.
#[test]
fn a_reader_that_stalls() {
    let Some(lab) = Lab::new() else { return };
    let command = [env!("CARGO_BIN_EXE_synscope"), "-i", "veth0", "--json", "-f", "ip", "-B", "2M"];
    let child = inside(&lab.a, &command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("synscope runs");
    let errors = lines_of_errors(&mut child);
    errors.recv_timeout(PATIENCE).expect("a start line");
    assert!(lab.python(&lab.a, TRAFFIC).status().expect("python3 runs").success());
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("its status");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
    let kib: u64 = most.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(kib < 256 << 10, "{kib} KiB");
    let lines = lines(child.stdout.take().expect("piped"));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(&line).expect("JSON")).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let end = events.last().expect("an event");
    assert_adds_up(end);
    let totals = &end["synscope"]["totals"];
    assert!(totals["dropped_kernel"].as_u64() > Some(0), "{end}");
    // Nothing is lost of what was accepted: every flow has its end.
    let ended = events.iter().filter(|event| event["event"]["action"] == "flow_end").count();
    assert!(ended >= 100 && totals["flows"] == ended, "{ended}: {end}");
    assert_eq!(end["event"]["sequence"], events.len(), "{end}");
}
