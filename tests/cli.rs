//! The command line from outside: streams, exit codes, and one clear line for each thing that can go wrong.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn capture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled").join(name).to_str().expect("path").to_owned()
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_synscope"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Exit code, and stderr, of which nothing may have gone to stdout.
fn refused(arguments: &[&str]) -> (i32, String) {
    let output = run(arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_went_wrong_is_one_clear_line_with_its_exit_code() {
    let hello = capture("hs_hello_client.pcap");
    let empty = scratch("empty.pcap");
    fs::write(&empty, b"").expect("scratch file");
    let empty = empty.to_str().expect("path");
    let cases: [(&[&str], i32, &str); 9] = [
        (&[], 2, "synscope: no input"),
        (&["-r", "no-such-file.pcap"], 1, "synscope: no-such-file.pcap: no such file"),
        (&["-r", empty], 4, "damaged or cut short"),
        (&["-r", "Cargo.toml"], 1, "not a capture file"),
        (&["-r", &hello, "-f", "tcp prot 80"], 2, "capture filter does not compile"),
        (&["-r", &hello, "--preset", "wbe"], 2, "did you mean 'web'?"),
        (&["-r", &hello, "-o", "/no/such/folder/x"], 1, "cannot create"),
        (&["-r", &hello, "-T", "pdf"], 2, "invalid value 'pdf'"),
        (&["-r", &hello, "-B", "4096"], 2, "missing unit"),
    ];
    for (arguments, code, words) in cases {
        let (got, message) = refused(arguments);
        assert_eq!(got, code, "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
        assert!(message.lines().count() <= 6, "{arguments:?}: {message}");
    }
}

#[test]
fn a_caret_stands_under_the_place() {
    let hello = capture("hs_hello_client.pcap");
    let (_, message) = refused(&["-r", &hello, "-T", "csv", "-e", "source.ip,source.prot"]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.first().copied(), Some("synscope: -e: unknown field 'source.prot'; did you mean 'source.port'?"));
    assert_eq!(lines.get(1..), Some(&["  source.ip,source.prot", "            ^"][..]));
    let (code, message) = refused(&["-r", &hello, "tcp", "prot", "80"]);
    assert_eq!(code, 2);
    assert!(message.ends_with("\n  tcp prot 80\n      ^\n"), "{message}");
}

#[test]
fn a_reader_that_goes_away_is_success() {
    for format in ["ndjson", "text", "scapy", "ladder", "summary", "csv", "tsv", "zeek"] {
        let mut child = program()
            .args(["-q", "-l", "-r", &capture("bn_burst.pcap"), "-T", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut first).expect("a line");
        assert!(!first.is_empty(), "{format}");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_with_what_was_written() {
    let (code, message) = refused(&["-q", "-r", &capture("hs_hello_client.pcap"), "--json", "-o", "/dev/full"]);
    assert_eq!(code, 1);
    assert!(message.contains("/dev/full: cannot write:") && message.contains("0 octets were written"), "{message}");
}

#[test]
fn a_file_that_ends_early_is_analysed_as_far_as_it_goes() {
    let whole = fs::read(capture("hs_hello_client.pcap")).expect("capture");
    let cut = scratch("cut.pcap");
    fs::write(&cut, &whole[..whole.len() - 5]).expect("scratch file");
    let output = run(&["-q", "-r", cut.to_str().expect("path"), "--json"]);
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\"opening\":\"established\"") && text.contains("session_end"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("damaged or cut short at octet"));
}

#[test]
fn standard_input_is_read_and_events_come_as_packets_do() {
    let mut child = program()
        .args(["-q", "-r", "-", "-T", "text"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let bytes = fs::read(capture("hs_hello_client.pcap")).expect("capture");
    let mut input = child.stdin.take().expect("stdin");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    // All but the last packet: the first steps must be told although the input goes on.
    input.write_all(&bytes[..bytes.len() - 40]).expect("it reads");
    input.flush().expect("it reads");
    let first = lines.next().expect("a line").expect("text");
    assert!(first.contains("SYN "), "{first}");
    input.write_all(&bytes[bytes.len() - 40..]).expect("it reads");
    drop(input);
    let rest: Vec<String> = lines.map(|line| line.expect("text")).collect();
    assert!(rest.last().is_some_and(|line| line.contains("END")), "{rest:?}");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn all_anomalies_can_be_switched_off() {
    let file = capture("scan_connect.pcap");
    let anomalies = |arguments: &[&str]| {
        let output = run(&[&["-q", "-r", &file, "--json"], arguments].concat());
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).matches("\"action\":\"anomaly\"").count()
    };
    assert!(anomalies(&[]) > 0);
    assert_eq!(anomalies(&["--disable", "all"]), 0);
}

#[test]
fn a_flow_that_is_not_there_is_reported() {
    let file = capture("hs_http_client_closes_first.pcap");
    let output = run(&["-r", &file, "--flow", "99"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("synscope: no flow 99: flows are numbered from 1 to 1"), "{stderr}");
    assert!(!String::from_utf8_lossy(&run(&["-r", &file, "--flow", "1"]).stderr).contains("no flow 1"));
}

#[test]
fn counts_and_flows_stop_it() {
    let hello = capture("hs_hello_client.pcap");
    let packets = |arguments: &[&str]| {
        let output = run(&[&["-r", hello.as_str(), "--json"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(packets(&[]), "9 packets captured");
    assert_eq!(packets(&["-c", "4"]), "4 packets captured");
    assert_eq!(packets(&["-a", "packets:5", "-c", "7"]), "5 packets captured");
    assert_eq!(packets(&["-a", "duration:66ms"]), "5 packets captured");
    let many = run(&["-r", &capture("bn_burst.pcap"), "--json", "-a", "flows:3", "-q", "--events", "session_end"]);
    assert_eq!(many.status.code(), Some(0));
}

#[test]
fn output_goes_to_a_file_and_nothing_to_stdout() {
    let path = scratch("events.ndjson");
    let (code, message) = refused(&["-r", &capture("hs_refused.pcap"), "-o", path.to_str().expect("path")]);
    assert_eq!(code, 0);
    assert_eq!(message, "8 packets captured\n3 flows: 3 refused\n3 anomalies: 3 conn-refused\n");
    let mut text = String::new();
    File::open(&path).and_then(|mut file| file.read_to_string(&mut text)).expect("output file");
    assert_eq!(text.lines().filter(|line| line.contains("\"action\":\"flow_end\"")).count(), 3);
}

#[test]
fn a_file_that_is_read_is_not_overwritten() {
    let file = scratch("same.pcap");
    fs::copy(capture("hs_hello_client.pcap"), &file).expect("a copy");
    let before = fs::read(&file).expect("the copy");
    let path = file.to_str().expect("a path");
    let (code, message) = refused(&["-r", path, "-o", path]);
    assert_eq!(code, 2, "{message}");
    assert!(message.contains("is also the input"), "{message}");
    assert_eq!(fs::read(&file).expect("the copy"), before);
}

#[test]
fn one_flow_can_be_asked_for() {
    let output = run(&["-q", "-r", &capture("hs_refused.pcap"), "-T", "ladder", "--flow", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("#2 ") && !text.contains("#1 ") && !text.contains("#3 "), "{text}");
}

#[test]
fn checksums_are_judged_as_zeek_does_where_asked() {
    let words = |more: &[&str]| {
        let capture = capture("hs_loopback.pcap");
        let columns = ["-q", "-r", &capture, "-T", "csv", "-e", "synscope.conn_state,synscope.opening"];
        let output = run(&[&columns, more].concat());
        String::from_utf8_lossy(&output.stdout).lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(words(&[]), "SF,established");
    assert_eq!(words(&["--ignore-checksums"]), "SF,established");
    // The verdict is ours in any case.
    assert_eq!(words(&["--zeek-checksums"]), "OTH,established");
    let (code, why) = refused(&["-r", "x", "--zeek-checksums", "--ignore-checksums"]);
    assert!(code == 2 && why.contains("--ignore-checksums"), "{why}");
}

#[test]
fn columns_are_chosen_and_quoted() {
    let output = run(&["-q", "-r", &capture("hs_refused.pcap"), "-T", "csv", "-e", "event.reason,source.port"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().next(), Some("event.reason,source.port"));
    assert_eq!(text.lines().nth(1), Some("RST answered the SYN,44104"));
}

#[test]
fn the_threshold_of_scans_can_be_set() {
    let scan = capture("scan_syn_in_traffic.pcap");
    let summary = |more: &[&str]| {
        let output = run(&[&["-q", "-r", scan.as_str(), "-T", "summary"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text
    };
    let text = summary(&[]);
    assert!(text.contains("\nScans\n  192.0.2.197  vertical syn scan of 198.51.100.84, by nmap\n"), "{text}");
    assert!(text.contains("\n      open: 22, 443\n"), "{text}");
    assert!(summary(&["--scan", "15/5m"]).contains("scan-vertical"));
    // Of 478 ports that did not open, never 479 are probed, and in a microsecond never fifteen.
    assert!(!summary(&["--scan", "479/5m"]).contains("scan-vertical"));
    assert!(!summary(&["--scan", "15/1us"]).contains("scan-vertical"));
    // A host of ours may fail ten times as often.
    assert!(!summary(&["--scan", "60/5m", "--local-net", "192.0.2.0/24"]).contains("scan-vertical"));
    assert!(summary(&["--scan", "60/5m", "--local-net", "10.0.0.0/8"]).contains("scan-vertical"));
    let none = summary(&["--enable", "conn-refused"]);
    assert!(!none.contains("\nScans\n") && !none.contains("\nInitial sequence numbers\n"), "{none}");
    let (code, message) = refused(&["-r", &scan, "--scan", "15/5x"]);
    assert_eq!(code, 2);
    assert!(message.ends_with("\n  15/5x\n     ^\n"), "{message}");
}

#[test]
fn a_summary_tells_of_floods_and_of_numbers_that_can_be_guessed() {
    let summary = |name: &str| {
        let output = run(&["-q", "-r", &capture(name), "-T", "summary"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text
    };
    let flood = summary("fl_syn_spoofed.pcap");
    assert!(flood.starts_with("Capture quality\n"), "{flood}");
    assert!(flood.contains("\nIncidents\n  198.51.100.114:8080  syn-flood\n"), "{flood}");
    assert!(flood.contains("its other clients"), "{flood}");
    let steps = summary("isn_inc_64000.pcap");
    assert!(steps.contains("fixed-step") && steps.contains("they grow by 64000 with each connection"), "{steps}");
    let benign = summary("bn_web_client.pcap");
    assert!(!benign.contains("\nScans\n") && !benign.contains("\nIncidents\n"), "{benign}");
}

#[test]
fn help_names_every_group_and_version_is_reported() {
    let help = String::from_utf8(run(&["-h"]).stdout).expect("UTF-8");
    for group in ["Input:", "Stop:", "Analysis:", "Output:", "Other:"] {
        assert!(help.contains(&format!("\n{group}\n")), "{group}");
    }
    let version = String::from_utf8(run(&["-V"]).stdout).expect("UTF-8");
    assert_eq!(version.trim(), concat!("synscope ", env!("CARGO_PKG_VERSION")));
}

/// synscope reading standard input, of which it has had a capture with a connection that stays open.
#[cfg(unix)]
struct Waiting {
    child: std::process::Child,
    input: std::process::ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
}

#[cfg(unix)]
impl Waiting {
    fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the program runs");
        let mut input = child.stdin.take().expect("stdin");
        input.write_all(&fs::read(capture("td_open_at_end.pcap")).expect("capture")).expect("it reads");
        input.flush().expect("it reads");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        while !line.contains("\"handshake_end\"") {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("a line") > 0, "it ended");
        }
        Self { child, input, stdout }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill").success());
    }

    /// What it writes up to its end, and how it ends; the input stays open until then.
    fn end(mut self) -> (String, Output) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("the rest");
        drop(self.input);
        (rest, self.child.wait_with_output().expect("it ends"))
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_everything_written() {
    for signals in [&["-INT"][..], &["-TERM"], &["-HUP"], &["-HUP", "-HUP", "-HUP"]] {
        let waiting = Waiting::start(program().args(["-r", "-", "--json"]));
        signals.iter().for_each(|signal| waiting.signal(signal));
        // The input is still open: it is the signal that ends it.
        let (rest, output) = waiting.end();
        let reported = rest.contains("\"action\":\"flow_end\"") && rest.contains("\"action\":\"session_end\"");
        assert!(reported, "{signals:?}: {rest}");
        assert_eq!(output.status.code(), Some(0), "{signals:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("packets captured"));
    }
}

/// A pipe that never says anything: the run has an end all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_a_silent_pipe_with_the_session() {
    for signal in ["-TERM", "-HUP"] {
        let mut command = program();
        let piped = command.args(["-r", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().expect("the program runs");
        let input = child.stdin.take().expect("stdin");
        let (id, start) = (child.id().to_string(), std::time::Instant::now());
        // Until it looks after the signals: SIGHUP, the last of them, is number 1.
        let catches_all = || {
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
            u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1)
        };
        while !catches_all() {
            assert!(start.elapsed().as_secs() < 20, "it never looks after signals");
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        let output = child.wait_with_output().expect("it ends");
        drop(input);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("\"action\":\"session_end\""), "{signal}: {text}");
        assert_eq!(output.status.code(), Some(0), "{signal}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_is_ignored_stays_so() {
    let program = env!("CARGO_BIN_EXE_synscope");
    let mut command = Command::new("sh");
    let mut waiting = Waiting::start(command.args(["-c", "trap '' HUP; exec \"$0\" -r - --json", program]));
    waiting.signal("-HUP");
    let more = fs::read(capture("hs_hello_client.pcap")).expect("capture");
    waiting.input.write_all(&more[24..]).expect("it reads on");
    let Waiting { child, input, mut stdout } = waiting;
    drop(input);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("the rest");
    assert!(rest.contains("\"packets\":") && rest.contains("\"action\":\"session_end\""), "{rest}");
    // The connection of the second capture, which came after the signal, is there from beginning to end.
    let whole = |line: &&str| line.contains("\"flow_end\"") && line.contains("\"fin\"");
    assert_eq!(rest.lines().filter(whole).count(), 1, "{rest}");
    assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(0));
}

/// A copy of a capture that claims another link type.
fn of_link_type(number: u8, name: &str) -> String {
    let mut bytes = fs::read(capture("hs_hello_client.pcap")).expect("capture");
    assert_eq!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    bytes[20..24].copy_from_slice(&[number, 0, 0, 0]);
    let path = scratch(name);
    fs::write(&path, bytes).expect("scratch file");
    path.to_str().expect("path").to_owned()
}

#[test]
fn what_cannot_be_decoded_is_named() {
    let (usb, hello) = (of_link_type(189, "usb.pcap"), capture("hs_hello_client.pcap"));
    let output = run(&["-r", &usb, "--json"]);
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("synscope: link type 189 (USB_LINUX) is not decoded: all of "), "{said}");
    assert!(!said.contains("warning"), "once is enough: {said}");
    assert!(text.contains("\"unknown_link_types\":{\"USB_LINUX\":"), "{text}");
    // Even when asked to be quiet: it is an error.
    assert!(!run(&["-q", "-r", &usb, "--json"]).stderr.is_empty());

    let mixed = run(&["-r", &usb, "-r", &hello, "--json"]);
    let (text, said) = (String::from_utf8_lossy(&mixed.stdout), String::from_utf8_lossy(&mixed.stderr));
    assert_eq!(mixed.status.code(), Some(0), "{said}");
    assert!(
        said.contains("warning: link type 189 (USB_LINUX) is not decoded: ") && said.contains(" skipped"),
        "{said}"
    );
    assert!(text.contains("\"opening\":\"established\""), "{text}");
    assert!(run(&["-q", "-r", &usb, "-r", &hello, "--json"]).stderr.is_empty());
    let summary = run(&["-r", &usb, "-r", &hello, "-T", "summary"]).stdout;
    let summary = String::from_utf8_lossy(&summary).into_owned();
    assert!(summary.contains("skipped: unknown-link-type (USB_LINUX)"), "{summary}");

    let plain = run(&["-r", &hello, "--json"]);
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("unknown_link_types"));
    assert!(!String::from_utf8_lossy(&plain.stderr).contains("warning"));
}

#[test]
fn a_capture_without_tcp_says_so() {
    // Linux cooked frames whose protocol cannot be.
    let cooked = of_link_type(113, "cooked.pcap");
    let output = run(&["-r", &cooked, "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("warning: no TCP in ") && said.contains(" not-ip"), "{said}");
    assert!(run(&["-q", "-r", &cooked, "--json"]).stderr.is_empty());
}

#[test]
fn checks_end_with_exit_code_3_and_say_what_matched() {
    let refused = capture("hs_refused.pcap");
    let code = |arguments: &[&str]| {
        let output = program().args(["-r", &refused, "-T", "summary"]).args(arguments).output().expect("runs");
        (output.status.code().expect("a code"), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(code(&["--fail-on", "outcome:established"]).0, 0);
    let (status, words) = code(&["--fail-on", "outcome:refused"]);
    assert!(status == 3 && words.contains("--fail-on \"outcome:refused\" matched "), "{status} {words}");
    assert_eq!(code(&["--expect", "outcome:refused"]).0, 0);
    let (status, words) = code(&["--expect", "outcome:ok", "--expect", "outcome:refused"]);
    assert!(status == 3 && words.contains("--expect \"outcome:ok\" matched nothing"), "{status} {words}");
    assert_eq!(code(&["--fail-on", "event:conn-refused"]).0, 3);
    assert_eq!(code(&["--fail-on", "outcom:x"]).0, 2);
}

#[test]
fn a_flow_filter_chooses_the_flows() {
    let web = capture("bn_web_client.pcap");
    let lines = |filter: &str| {
        let output = run(&["-r", &web, "-T", "csv", "-e", "synscope.flow_id", "-Y", filter]);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).lines().count() - 1
    };
    let all = lines("");
    let ok = lines("outcome:ok");
    assert!(all > 1 && ok > 0 && ok + lines("not outcome:ok") == all, "{all} {ok}");
    assert_eq!(lines("id:1"), 1);
}

#[test]
fn a_frame_that_is_not_there_is_reported() {
    let file = capture("hs_http_client_closes_first.pcap");
    let output = run(&["-r", &file, "--explain=header:9999"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.ends_with("synscope: frame 9999 is no TCP segment of this capture\n"), "{stderr}");
    let first = run(&["-r", &file, "-T", "csv", "-e", "synscope.flow_id"]);
    assert!(first.status.success());
    assert!(run(&["-r", &file, "--explain=header"]).status.success());
}

#[test]
fn a_summary_is_of_the_flows_that_match() {
    let web = capture("bn_web_client.pcap");
    let page = |arguments: &[&str]| {
        let output = run(&[&["-r", &web, "-T", "summary"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let count = |page: &str, what: &str| {
        let line = page.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what}: {page}"));
        line.split_whitespace().next().and_then(|n| n.parse::<usize>().ok()).expect("a count")
    };
    let (all, one) = (page(&[]), page(&["-Y", "id:1"]));
    assert!(!all.contains("match"), "{all}");
    assert_eq!(count(&one, "flow matches id:1"), 1, "{one}");
    assert_eq!(count(&one, "established"), 1, "{one}");
    let established = count(&all, "established");
    let not_one = page(&["-Y", "opening:established -id:1"]);
    assert_eq!(count(&not_one, "flows match"), established - 1, "{not_one}");
    assert_eq!(count(&not_one, "  established"), established - 1, "{not_one}");
    // Single segments have no flow: the format refuses.
    let (code, message) = refused(&["-r", &web, "-T", "scapy", "-Y", "id:1"]);
    assert!(code == 2 && message.contains("-T scapy is of single segments"), "{code} {message}");
    let (code, message) = refused(&["-r", &web, "--explain=header:1", "-Y", "id:1"]);
    assert!(code == 2 && message.contains("--explain=header is of single segments"), "{code} {message}");
}

#[test]
fn fingers_of_tcpdump_and_tshark_find_their_way() {
    let file = capture("hs_hello_client.pcap");
    let text = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let plain = text(&["-r", &file, "-T", "text"]);
    assert!(!plain.is_empty());
    for arguments in [
        &["-n", "-r", &file, "-T", "text"][..],
        &["-nn", "-r", &file, "-T", "text"],
        &["-nnr", &file, "-T", "text"],
        &["-vv", "-r", &file, "-T", "text"],
        &["-vvv", "-n", "-r", &file, "-T", "text"],
        &["-T", "text", &file],
        &["-T", "text", &file, "tcp", "or", "not", "tcp"],
        &["-n", &file, "-T", "text", "tcp or not tcp"],
    ] {
        assert_eq!(text(arguments), plain, "{arguments:?}");
    }
    for (arguments, words) in [
        (&["-X", "-r", &file][..], "-X: synscope shows no payload"),
        (&["-R", "tcp", "-r", &file], "write -Y FILTER"),
        (&["-z", "conv,tcp", "-r", &file], "write -T summary"),
        (&["-tttt", "-r", &file], "write -t ad"),
        (&["-tt", "-r", &file], "write -t e"),
    ] {
        let (code, message) = refused(arguments);
        assert!(
            code == 2 && message.contains(words) && message.lines().count() == 1,
            "{arguments:?}: {code} {message}"
        );
    }
    let (code, message) = refused(&["no-such-capture.pcap"]);
    assert!(code == 1 && message.contains("no-such-capture.pcap: cannot open: no such file"), "{code} {message}");
    // A filter without an input stays one.
    let (code, message) = refused(&["tcp", "port", "80"]);
    assert!(code == 2 && message.contains("no input"), "{code} {message}");
}

#[test]
fn fields_are_listed_and_have_two_names() {
    let list = String::from_utf8(run(&["--list-fields"]).stdout).expect("text");
    assert!(list.lines().any(|line| line.starts_with("dport ")), "{list}");
    assert!(list.contains("also destination.port"), "{list}");
    let file = capture("hs_hello_client.pcap");
    let column = |name: &str| run(&["-r", &file, "-T", "csv", "-e", name]).stdout;
    let (long, short) = (column("destination.port"), column("dport"));
    assert!(!long.is_empty() && long == short, "{}", String::from_utf8_lossy(&short));
}

#[test]
fn what_would_show_addresses_is_refused_with_privacy() {
    let file = capture("hs_hello_client.pcap");
    for arguments in [&["-w", "x.pcap"][..], &["--metrics", "127.0.0.1:0", "--metrics-label", "server"]] {
        let (code, message) = refused(&[&["-r", &file, "--json", "--privacy"], arguments].concat());
        assert!(code == 2 && message.contains("true addresses"), "{arguments:?}: {code} {message}");
    }
}

/// No address of the capture is in any format, the networks are, and a seed gives the same ones every time.
#[test]
fn privacy_replaces_addresses_in_every_format() {
    let leaks = |text: &str| ["192.0.2.", "198.51.100.", "203.0.113.", "2001:db8"].iter().any(|ip| text.contains(ip));
    let formats = [
        "text", "scapy", "ladder", "summary", "ndjson", "csv", "tsv", "zeek", "svg", "html", "markdown", "explain",
        "eve", "syslog",
    ];
    for name in ["scan_syn_slow.pcap", "hs_http_ipv6.pcap", "hs_icmp_rejected.pcap"] {
        let copy = scratch("from-192.0.2.77.pcap");
        fs::copy(capture(name), &copy).expect("a copy");
        let input = copy.to_str().expect("path");
        for format in formats {
            let flow: &[&str] = if format == "svg" { &["--flow", "1"] } else { &[] };
            let output = |privacy: &[&str]| {
                let output = run(&[&["-q", "-r", input, "-T", format], flow, privacy].concat());
                assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).expect("text")
            };
            let (plain, seen) = (output(&[]), output(&["--privacy=a seed"]));
            // Of the others a format may have nothing to say.
            assert!(leaks(&plain) || name != "scan_syn_slow.pcap", "{format} has no address to hide");
            let line = seen.lines().find(|line| leaks(line));
            assert!(line.is_none(), "{format} {name}: {line:?}");
            assert_eq!(seen, output(&["--privacy=a seed"]), "{format}");
            assert!(!leaks(&plain) || seen != output(&["--privacy"]), "{format}");
            // Pictures break long addresses.
            if !["svg", "html"].contains(&format) {
                assert_eq!(plain.lines().count(), seen.lines().count(), "{format} {name}");
            }
        }
    }
}
