//! A run that goes on: readiness, watchdog, metrics, new files on SIGHUP, a summary on SIGUSR1; what is packaged with it.
//! Needs root for the capture, Prometheus for one of the tests; skipped without.
#![cfg(all(target_os = "linux", feature = "live"))]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_synscope"))
}

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout == b"0\n"
}

fn there_is(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A folder that anybody may write, as the user that root becomes.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("synscope-service-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("its mode");
    folder
}

/// A capture on the loopback interface of the connections to one port, and its service manager.
struct Sensor {
    child: Child,
    manager: UnixDatagram,
    stderr: Receiver<String>,
    folder: PathBuf,
    listener: TcpListener,
    address: String,
}

impl Sensor {
    fn start(name: &str, arguments: &[&str]) -> Option<Self> {
        if !is_root() {
            println!("skipped: needs root");
            return None;
        }
        let folder = folder(name);
        let socket = folder.join("notify");
        let manager = UnixDatagram::bind(&socket).expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port().to_string();
        let mut command = program();
        command.args(["--no-config", "-i", "lo", "--sandbox", "strict", "--metrics", "127.0.0.1:0"]).args(arguments);
        command.args(["port", &port]).env("NOTIFY_SOCKET", &socket).current_dir(&folder);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program runs");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let (sender, stderr) = channel();
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let mut sensor = Self { child, manager, stderr, folder, listener, address: String::new() };
        sensor.wait_for("READY=1");
        let line = sensor.line("metrics: http://");
        sensor.address = line.trim_start_matches("metrics: http://").trim_end_matches("/metrics").to_owned();
        Some(sensor)
    }

    /// Waits until the service manager hears this.
    fn wait_for(&self, word: &str) {
        let mut octets = [0; 4096];
        loop {
            let n = self.manager.recv(&mut octets).unwrap_or_else(|error| panic!("no {word}: {error}"));
            if String::from_utf8_lossy(&octets[..n]).contains(word) {
                return;
            }
        }
    }

    /// Waits for a line on stderr.
    fn line(&self, word: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no {word}: {error}"));
            if line.contains(word) {
                return line;
            }
        }
    }

    /// Looks once a second, when the watchdog hears of it, until something holds.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            self.wait_for("WATCHDOG=1");
        }
    }

    fn connect(&self) {
        let mut client = TcpStream::connect(self.listener.local_addr().expect("an address")).expect("a connection");
        let (mut server, _) = self.listener.accept().expect("a connection");
        client.write_all(b"hello").expect("it is taken");
        drop(client);
        server.read_to_end(&mut Vec::new()).expect("it is read");
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(done.success());
    }

    fn metrics(&self) -> String {
        let answer = ask(&self.address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a header");
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("application/openmetrics-text"), "{head}");
        body.to_owned()
    }

    /// Files in the folder that end so.
    fn files(&self, end: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries.filter(|path| path.to_str().is_some_and(|name| name.ends_with(end))).collect()
    }

    fn stop(mut self) -> PathBuf {
        self.signal("-TERM");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}: {:?}", self.stderr.try_iter().collect::<Vec<_>>());
        self.wait_for("STOPPING=1");
        self.folder.clone()
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to a request, whatever it is.
fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    // A server that closes before it has read everything resets.
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// The value of a series; labels as they are written.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn a_service_is_watched_scraped_and_rotated() {
    let arguments = [
        "--json",
        "-o",
        "flows-%Y.ndjson.zst",
        "--rotate",
        "1h",
        "--metrics-file",
        "synscope.prom",
        "--metrics-label",
        "server",
    ];
    let Some(sensor) = Sensor::start("run", &arguments) else { return };
    sensor.connect();
    sensor.until("the connection is counted", || value(&sensor.metrics(), "synscope_flows_total") == Some(1.0));
    let metrics = sensor.metrics();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(
        metrics.contains("synscope_build{version=\"") && metrics.contains("# TYPE synscope_connect_seconds histogram")
    );
    assert!(value(&metrics, "synscope_tracked_flows_limit").is_some_and(|limit| limit > 0.0));

    // The file that is written is not there yet; SIGHUP ends it.
    assert!(sensor.files(".zst").is_empty());
    sensor.signal("-HUP");
    sensor.until("a file is put in its place", || sensor.files(".zst").len() == 1);
    // SIGUSR1 prints a summary, and the capture goes on.
    sensor.signal("-USR1");
    sensor.line("packets captured");
    sensor.connect();
    sensor.until("the second is counted", || value(&sensor.metrics(), "synscope_flows_total") == Some(2.0));

    // Whatever is sent, the next one is answered.
    let address = sensor.address.clone();
    assert!(ask(&address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    assert!(ask(&address, "GET /etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    assert!(ask(&address, "\u{1}\u{2}\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(ask(&address, &format!("GET / HTTP/1.1\r\na: {}", "x".repeat(20_000))).starts_with("HTTP/1.1 400"));
    drop(TcpStream::connect(&address).expect("it listens"));
    assert!(ask(&address, "GET /-/healthy HTTP/1.0\r\n\r\n").ends_with("ok\n"));
    check_dashboard(&sensor.metrics());

    let folder = sensor.stop();
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("it").path()).collect();
    files.sort();
    let output: Vec<&PathBuf> = files.iter().filter(|path| path.extension().is_some_and(|end| end == "zst")).collect();
    assert_eq!(output.len(), 2, "{files:?}");
    let mut text = String::new();
    for path in output {
        assert_eq!(fs::metadata(path).expect("it").permissions().mode() & 0o777, 0o640);
        zstd::stream::read::Decoder::new(fs::File::open(path).expect("it"))
            .expect("zstd")
            .read_to_string(&mut text)
            .expect("whole");
    }
    let actions = |action: &str| text.matches(&format!("\"action\":\"{action}\"")).count();
    assert_eq!((actions("session_start"), actions("flow_end"), actions("session_end")), (1, 2, 1), "{text}");
    assert!(text.lines().all(|line| line.starts_with('{') && line.ends_with('}')));
    let written = fs::read_to_string(folder.join("synscope.prom")).expect("metrics");
    assert_eq!(value(&written, "synscope_finished_flows_total{opening=\"established\"}"), Some(2.0), "{written}");
    assert_eq!(value(&written, "synscope_server_flows_total{server=\"127.0.0.1\",opened=\"true\"}"), Some(2.0));
    assert_eq!(value(&written, "synscope_connect_seconds_count"), Some(2.0));
    check_metrics(&written);
    fs::remove_dir_all(&folder).expect("it goes");
}

#[test]
fn metrics_of_a_file_are_its_totals() {
    let folder = folder("file");
    let file = folder.join("m.prom");
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled/hs_refused.pcap");
    let output = program()
        .args(["--no-config", "-q", "-T", "summary", "--metrics-file"])
        .arg(&file)
        .arg("-r")
        .arg(&capture)
        .output();
    assert!(output.expect("it runs").status.success());
    let written = fs::read_to_string(&file).expect("metrics");
    assert_eq!(value(&written, "synscope_packets_total"), Some(8.0), "{written}");
    assert_eq!(value(&written, "synscope_finished_flows_total{opening=\"refused\"}"), Some(3.0));
    assert_eq!(value(&written, "synscope_anomalies_total{id=\"conn-refused\",severity=\"note\"}"), Some(3.0));
    assert!(!written.contains("198.51.100.76"), "no address without being asked");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    check_metrics(&written);
    fs::remove_dir_all(&folder).expect("it goes");
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |arguments: &[&str]| {
        let output = program().args(["--no-config", "-r", "x"]).args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["--json", "-o", "x", "--rotate", "often"]).contains("1h,100M"));
    assert!(refused(&["--json", "-o", "x", "--rotate", "5"]).contains("1h,100M"));
    assert!(refused(&["--json", "--rotate", "1h"]).contains("without -o FILE"));
    assert!(refused(&["-T", "html", "-o", "x", "--rotate", "1h"]).contains("--rotate has no effect with -T html"));
    assert!(refused(&["--json", "-o", "x-%Q", "--rotate", "1h"]).contains("unknown conversion"));
    assert!(refused(&["--json", "--metrics-label", "server"]).contains("without --metrics"));
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled/hs_refused.pcap");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output =
        program().args(["--no-config", "--json", "--metrics", &address, "-r"]).arg(&capture).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("--metrics {address}: ")));
}

#[test]
fn prometheus_scrapes_a_run() {
    if !there_is("prometheus") {
        println!("skipped: no prometheus");
        return;
    }
    let Some(sensor) = Sensor::start("prometheus", &["--json"]) else { return };
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n- job_name: synscope\n  \
         static_configs: [{{targets: ['{}']}}]\n",
        packaged("prometheus/synscope.rules.yml").display(),
        sensor.address
    );
    let path = sensor.folder.join("prometheus.yml");
    fs::write(&path, config).expect("a configuration");
    let mut prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", path.display()))
        .arg(format!("--storage.tsdb.path={}", sensor.folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus runs");
    let address = format!("127.0.0.1:{port}");
    let get = |path: &str| {
        let Ok(mut stream) = TcpStream::connect(&address) else { return String::new() };
        let mut answer = String::new();
        let _ = write!(stream, "GET {path} HTTP/1.0\r\n\r\n");
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    sensor.connect();
    sensor
        .until("Prometheus has the connection", || get("/api/v1/query?query=synscope_flows_total").contains(",\"1\"]"));
    sensor.until("Prometheus evaluates the rules", || get("/api/v1/rules").contains("SynscopeDropsPackets"));
    let up = get("/api/v1/query?query=up%7Bjob%3D%22synscope%22%7D");
    assert!(up.contains(",\"1\"]"), "{up}");
    let _ = prometheus.kill();
    let _ = prometheus.wait();
    let folder = sensor.stop();
    let _ = fs::remove_dir_all(&folder);
}

/// promtool has no complaint, where it is installed.
fn check_metrics(metrics: &str) {
    let Ok(mut promtool) =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()
    else {
        println!("skipped: no promtool");
        return;
    };
    promtool.stdin.take().expect("piped").write_all(metrics.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(!complaints.contains("error while linting"), "{complaints}\n{metrics}");
}

/// Every metric that the dashboard and the rules ask for is there.
fn check_dashboard(metrics: &str) {
    let pattern = regex::Regex::new(r"synscope_[a-z_]+").expect("a pattern");
    for file in ["grafana/synscope.json", "prometheus/synscope.rules.yml"] {
        let text = fs::read_to_string(packaged(file)).expect("a file");
        for name in pattern.find_iter(&text).map(|found| found.as_str()) {
            let name = name.trim_end_matches("_bucket");
            assert!(metrics.contains(name), "{file}: {name} is no metric");
        }
    }
    let dashboard = fs::read_to_string(packaged("grafana/synscope.json")).expect("a file");
    serde_json::from_str::<serde_json::Value>(&dashboard).expect("JSON");
}

#[test]
fn the_unit_is_hardened_and_its_profile_is_read() {
    let config = packaged("config.toml");
    let output = program()
        .arg("--config")
        .arg(&config)
        .args(["--profile", "service", "--print-config"])
        .output()
        .expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("rotate = \"1h\""), "{printed}");
    for name in ["systemd-analyze", "promtool"] {
        if !there_is(name) {
            println!("skipped: no {name}");
            continue;
        }
        let (unit, rules) = (packaged("systemd/synscope.service"), packaged("prometheus/synscope.rules.yml"));
        let mut command = Command::new(name);
        match name {
            "promtool" => command.args(["check", "rules"]).arg(&rules),
            // Hundredths: at most 2.0.
            _ => command.args(["security", "--offline=yes", "--threshold=20", "--no-pager"]).arg(&unit),
        };
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
