//! Rights given up, as the kernel sees it: `/proc/PID` of real processes, started by root and with file capabilities, and
//! every format and input under the filter of system calls. What needs root says so and passes elsewhere; in CI, as
//! root, what is missing is a failure.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use common::testdata;
use synscope::output::FORMATS;

const PROGRAM: &str = env!("CARGO_BIN_EXE_synscope");
/// The signal that ends a process at a call outside its list.
const SIGSYS: i32 = 31;
const HELLO: &str = "labelled/hs_hello_client.pcap";

fn path(name: &str) -> String {
    testdata(name).display().to_string()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program with this call planted after the sandbox is entered.
fn planted(call: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env("SYNSCOPE_TEST_CALL", call).args(["-r", &path(HELLO), "-T", "summary"]).args(arguments);
    command.output().expect("the program runs")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Whether a test for root can go on.
fn needs_root() -> bool {
    if !is_root() {
        println!("skipped: needs root");
    }
    is_root()
}

/// What holds on this machine.
fn status() -> String {
    String::from_utf8_lossy(&run(&["--sandbox", "status"]).stdout).into_owned()
}

fn has_landlock() -> bool {
    status().contains("landlock-")
}

/// A folder that goes away again.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, mode: u32) -> Self {
        let folder = std::env::temp_dir().join(format!("synscope-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("its mode");
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The lines of `status` of every thread of a process, without their tabs.
fn threads(pid: u32) -> Vec<(String, Vec<String>)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
    let read = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap_or_default();
    let lines = |text: String| text.lines().map(|line| line.replace('\t', " ")).collect::<Vec<_>>();
    let all = tasks.map(|task| lines(read(task.expect("a thread")))).filter(|lines| !lines.is_empty());
    all.map(|lines| (lines.first().cloned().unwrap_or_default(), lines)).collect()
}

/// Every thread has the filter and no capability in these sets; `uid` is who it is.
fn assert_harmless(pid: u32, sets: &[&str], uid: u32, at_least: usize) {
    let threads = threads(pid);
    assert!(threads.len() >= at_least, "{} threads only", threads.len());
    for (name, lines) in threads {
        let has = |line: &str| assert!(lines.iter().any(|l| l == line), "{name}: no '{line}' in {lines:#?}");
        has("NoNewPrivs: 1");
        has("Seccomp: 2");
        for set in sets {
            has(&format!("Cap{set}: 0000000000000000"));
        }
        has(&format!("Uid: {uid} {uid} {uid} {uid}"));
    }
}

const ALL_SETS: [&str; 5] = ["Inh", "Prm", "Eff", "Bnd", "Amb"];
/// Without root the bounding set stays; it says only what others could gain.
const OWN_SETS: [&str; 4] = ["Inh", "Prm", "Eff", "Amb"];

/// The user that root becomes.
fn default_user() -> u32 {
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let number = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        line.split(':').nth(2)?.parse().ok()
    };
    number("synscope").or_else(|| number("nobody")).unwrap_or(65_534)
}

/// The program with a pipe for its input, of which it has had a part: its first line has come.
struct Held {
    child: Child,
    _input: ChildStdin,
}

impl Held {
    /// `part` is in: enough for a first event.
    fn new(command: &mut Command, part: &[u8]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut input = child.stdin.take().expect("piped");
        input.write_all(part).expect("it reads");
        input.flush().expect("it reads");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        if line.is_empty() {
            let output = child.wait_with_output().expect("its end");
            panic!("{:?}: {}", output.status, errors(&output));
        }
        Self { child, _input: input }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_format_and_kind_of_input_runs_under_the_filter() {
    let inputs = [HELLO, "formats/fmt.us-gz.pcap.gz", "formats/fmt.ng-gz.pcapng.gz", "formats/fmt.ns-be.pcap"];
    for format in FORMATS.iter().map(|format| format.name) {
        for input in inputs {
            let output = run(&["--sandbox", "on", "-r", &path(input), "-T", format]);
            assert_eq!(output.status.code(), Some(0), "{format} of {input}: {:?} {}", output.status, errors(&output));
        }
    }
    let hello = path(HELLO);
    let others: [&[&str]; 9] = [
        &["-r", &hello, "--explain"],
        &["-r", &hello, "-T", "text", "-t", "ad"],
        &["-r", &hello, "-T", "svg", "--flow", "1"],
        &["-r", &hello, "-T", "text", "-v", "-l", "tcp"],
        &["-r", &hello, "-r", &hello, "-T", "csv", "host localhost or port http or tcp"],
        &["-r", &hello, "-c", "3", "-T", "summary"],
        &["-r", &hello, "-Y", "outcome:established", "--expect", "outcome:established", "--json"],
        &["--list-anomalies"],
        &["-D"],
    ];
    for arguments in others {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {:?} {}", output.status, errors(&output));
    }
}

#[test]
fn pipes_compressed_and_damaged_input_run_under_the_filter() {
    let plain = fs::read(testdata(HELLO)).expect("a capture");
    let mut gzip = flate(&plain);
    let cases = [
        (plain.clone(), 0),
        (gzip.clone(), 0),
        (zstd::encode_all(&plain[..], 1).expect("compressed"), 0),
        (plain[..plain.len() - 5].to_vec(), 4),
        (b"no capture".to_vec(), 1),
        (
            {
                gzip.truncate(gzip.len() / 2);
                gzip
            },
            4,
        ),
    ];
    for (input, code) in cases {
        let mut child = Command::new(PROGRAM);
        child.args(["-q", "-r", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("the program runs");
        child.stdin.take().expect("piped").write_all(&input).expect("it reads");
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(code), "{:?}: {}", output.status, errors(&output));
    }
}

fn flate(octets: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(octets).expect("compressed");
    encoder.finish().expect("compressed")
}

#[test]
fn local_times_are_those_of_the_zone() {
    let text = |zone: &str| {
        let output =
            Command::new(PROGRAM).env("TZ", zone).args(["-q", "-r", &path(HELLO), "-T", "text", "-t", "ad"]).output();
        String::from_utf8_lossy(&output.expect("the program runs").stdout).into_owned()
    };
    if Path::new("/usr/share/zoneinfo/Asia/Seoul").exists() {
        assert_ne!(text("Asia/Seoul"), text("UTC"));
    }
}

#[test]
fn a_call_outside_the_list_ends_the_process() {
    if !cfg!(debug_assertions) {
        return;
    }
    for call in ["run", "write:/tmp/synscope-not-made"] {
        let output = planted(call, &[]);
        assert_eq!(output.status.signal(), Some(SIGSYS), "{call}: {:?} {}", output.status, errors(&output));
    }
    assert!(!Path::new("/tmp/synscope-not-made").exists());
    let output = planted("connect", &[]);
    assert!(errors(&output).contains("connect: Permission denied"), "{}", errors(&output));
    // Without the sandbox nothing is planted and nothing is refused.
    assert_eq!(planted("run", &["--sandbox", "off"]).status.code(), Some(0));
}

#[test]
fn a_panic_says_where_it_happened() {
    if !cfg!(debug_assertions) {
        return;
    }
    let mut command = Command::new(PROGRAM);
    command.envs([("SYNSCOPE_TEST_CALL", "panic"), ("RUST_BACKTRACE", "1")]).args(["-r", &path(HELLO), "--json"]);
    let said = errors(&command.output().expect("the program runs"));
    assert!(said.contains("a panic was asked for") && said.contains("stack backtrace"), "{said}");
    assert!(said.contains("synscope::main"), "no names: {said}");
}

#[test]
fn files_outside_the_granted_folders_cannot_be_opened() {
    if !cfg!(debug_assertions) || !has_landlock() {
        println!("skipped: needs Landlock and a debug build");
        return;
    }
    let (granted, other) = (Folder::new("granted", 0o777), Folder::new("other", 0o777));
    fs::write(other.file("secret"), "secret").expect("a file");
    fs::set_permissions(other.file("secret"), fs::Permissions::from_mode(0o644)).expect("its mode");
    let out = granted.file("out.txt");
    for (call, said) in [
        (format!("read:{}", other.file("secret")), "read: Permission denied"),
        ("read:/etc/passwd".to_owned(), "read: Permission denied"),
        (format!("write:{}", other.file("new")), "write: Permission denied"),
        (format!("write:{}", granted.file("new")), "write: done"),
        (format!("read:{}", path(HELLO)), "read: done"),
    ] {
        let output = planted(&call, &["-o", &out]);
        assert_eq!(output.status.code(), Some(0), "{call}: {:?}", output.status);
        assert!(errors(&output).contains(said), "{call}: {}", errors(&output));
    }
}

#[test]
fn the_session_names_what_holds() {
    let word = status().lines().next().and_then(|line| line.split_whitespace().nth(1)).expect("a word").to_owned();
    assert!(word.contains("seccomp+nocaps"), "{word}");
    let events = |how: &str| run(&["-q", "-r", &path(HELLO), "--json", "--sandbox", how]).stdout;
    let first = |how: &str| String::from_utf8_lossy(&events(how)).lines().next().unwrap_or_default().to_owned();
    assert!(first("on").contains(&format!("\"sandbox\":\"{word}\"")), "{}", first("on"));
    assert!(!first("off").contains("\"sandbox\""), "{}", first("off"));
    let strict = run(&["-q", "-r", &path(HELLO), "--json", "--sandbox", "strict"]);
    let (complete, said) = (!status().contains("missing"), errors(&strict));
    assert_eq!(strict.status.code(), Some(i32::from(!complete)), "{said}");
    assert!(complete || said.contains("--sandbox strict: "), "{said}");
}

#[test]
fn files_are_for_their_owner_and_group() {
    let folder = Folder::new("modes", 0o700);
    for format in ["csv", "svg", "ndjson"] {
        let file = folder.file(format);
        let output = run(&["-q", "-r", &path(HELLO), "-T", format, "-o", &file]);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        assert_eq!(fs::metadata(&file).expect("made").mode() & 0o137, 0, "{format}");
    }
}

/// As root, a link in a folder that everybody may write is not followed: it would lead to any file.
#[test]
fn root_follows_no_link_that_others_may_have_made() {
    if !needs_root() {
        return;
    }
    let folder = Folder::new("links", 0o777);
    let (target, link) = (folder.file("target"), folder.file("link"));
    fs::write(&target, "precious").expect("a file");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    std::os::unix::fs::lchown(&link, Some(65_534), Some(65_534)).expect("its owner");
    let output = run(&["-q", "-r", &path(HELLO), "-T", "csv", "-o", &link]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert_eq!(fs::read_to_string(&target).expect("still there"), "precious");
    // In a folder of its own it may have links.
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).expect("its mode");
    assert_eq!(run(&["-q", "-r", &path(HELLO), "-T", "csv", "-o", &link]).status.code(), Some(0));
    assert_ne!(fs::read_to_string(&target).expect("still there"), "precious");
}

#[test]
fn users_are_checked() {
    let refused = |arguments: &[&str], code| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
        errors(&output)
    };
    let said = refused(&["-r", &path(HELLO), "-Z", "no-such-user", "--json"], 2);
    assert_eq!(said, "synscope: -Z: there is no user 'no-such-user'\n");
    if needs_root() {
        let said = errors(&run(&["-q", "-r", &path(HELLO), "-Z", "root", "--json"]));
        assert!(said.contains("warning: stays root (-Z root)"), "{said}");
    }
}

/// Whoever root becomes may not rename in its folder: what was there stays until the input has proved readable.
#[test]
fn a_mistake_of_root_leaves_what_was_there() {
    if !needs_root() {
        return;
    }
    let folder = Folder::new("mistakes", 0o755);
    let out = folder.file("out");
    for user in ["nobody", "root"] {
        for input in ["README.md", "labelled/none.pcap"] {
            fs::write(&out, "old").expect("a file");
            let output = run(&["-q", "-r", input, "--json", "-o", &out, "-Z", user]);
            assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
            assert_eq!(fs::read_to_string(&out).expect("a file"), "old", "{user} {input}");
        }
        let output = run(&["-q", "-r", &path(HELLO), "--json", "-o", &out, "-Z", user]);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        let written = fs::read_to_string(&out).expect("a file");
        assert!(written.starts_with("{\"@timestamp\"") && written.contains("session_end"), "{user}: {written}");
        assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1, "{user}");
    }
}

/// Root reads and writes where only root may: both are opened before it leaves.
#[test]
fn root_reads_and_writes_in_its_own_folder() {
    if !needs_root() {
        return;
    }
    let folder = Folder::new("own", 0o700);
    let (input, out) = (folder.file("in.pcap"), folder.file("out.csv"));
    fs::copy(testdata(HELLO), &input).expect("a copy");
    fs::set_permissions(&input, fs::Permissions::from_mode(0o600)).expect("its mode");
    let output = run(&["-q", "-r", &input, "-T", "csv", "-o", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(fs::read_to_string(&out).expect("made").lines().count() > 1);
}

/// Every thread of a process that root started: reading from a pipe, decompressing, as each user.
#[test]
fn no_thread_of_a_reader_has_rights() {
    let plain = fs::read(testdata("labelled/scan_connect.pcap")).expect("a capture");
    let gzip = flate(&plain);
    for (input, at_least) in [(&plain[..plain.len() - 9], 2), (&gzip[..gzip.len() - 9], 3)] {
        let held = Held::new(Command::new(PROGRAM).args(["-q", "-r", "-", "--json", "-l"]), input);
        let (sets, uid) = if is_root() { (&ALL_SETS[..], default_user()) } else { (&OWN_SETS[..], uid_of_tests()) };
        assert_harmless(held.child.id(), sets, uid, at_least);
    }
    if is_root() {
        for (user, uid) in [("daemon", 1), ("root", 0)] {
            let mut command = Command::new(PROGRAM);
            let held = Held::new(command.args(["-q", "-r", "-", "--json", "-l", "-Z", user]), &plain);
            assert_harmless(held.child.id(), &ALL_SETS, uid, 2);
        }
    }
}

fn uid_of_tests() -> u32 {
    fs::metadata("/proc/self").expect("this process").uid()
}

#[cfg(feature = "live")]
mod live {
    use super::*;
    use common::lab::{Lab, inside, there_is};

    const SAY_HELLO: &str = "
import socket
s = socket.create_connection(('192.0.2.2', 8080), 10)
s.sendall(b'Hello, server!')
s.shutdown(socket.SHUT_WR)
while s.recv(4096): pass
s.close()
";

    /// A live capture of a connection, by this command line in the client's namespace: what it has become when the
    /// first event is written, and that it ends as it should.
    fn captured(lab: &Lab, command: &[&str], check: impl FnOnce(u32)) {
        let mut child = inside(&lab.a, command);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        assert!(line.starts_with("listening on veth0"), "{line}");
        let mut server = lab.serve();
        assert!(lab.python(&lab.a, SAY_HELLO).status().expect("python3 runs").success());
        assert!(server.wait().expect("the server ends").success());
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let first = lines.next().expect("an event").expect("a line");
        assert!(first.contains("session_start"), "{first}");
        check(child.id());
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        let last = lines.map_while(Result::ok).last().unwrap_or_default();
        assert!(last.contains("session_end"), "{last}");
        let status = child.wait().expect("its end");
        assert_eq!(status.code(), Some(0), "{status:?}");
    }

    #[test]
    fn no_thread_of_a_capture_has_rights() {
        let Some(lab) = Lab::new() else { return };
        let command = [PROGRAM, "-i", "veth0", "--json"];
        captured(&lab, &command, |pid| assert_harmless(pid, &ALL_SETS, default_user(), 2));
    }

    /// `cap_net_raw` is enough, and none of it is left.
    #[test]
    fn a_program_with_file_capabilities_gives_them_up() {
        let Some(lab) = Lab::new() else { return };
        if let Some(tool) = ["setcap", "setpriv"].into_iter().find(|tool| !there_is(tool)) {
            assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
            println!("skipped: needs {tool}");
            return;
        }
        let folder = Folder::new("setcap", 0o755);
        let program = folder.file("synscope");
        fs::copy(PROGRAM, &program).expect("a copy");
        let given = Command::new("setcap").args(["cap_net_raw=ep", &program]).status();
        assert!(given.is_ok_and(|status| status.success()), "setcap failed");
        let ids = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
        let mut command = vec!["setpriv"];
        command.extend(ids);
        command.extend([program.as_str(), "-i", "veth0", "--json"]);
        captured(&lab, &command, |pid| assert_harmless(pid, &OWN_SETS, 65_534, 2));
    }
}
