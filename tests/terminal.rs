//! The terminal view on a real pseudo-terminal, kept by tmux: live on a veth between two namespaces, and how it leaves the
//! terminal behind. Needs tmux, and for the live part root, `ip` and python3; elsewhere the tests say so and pass.
#![cfg(all(feature = "tui", target_os = "linux"))]

mod common;

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::frames::{ACK, Frame, SYN, SYN_OPTIONS, pcap, pcap_frame, pcap_header};
use common::lab::{Lab, there_is};

const PATIENCE: Duration = Duration::from_secs(20);

fn output(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output();
    run.map(|run| String::from_utf8_lossy(&run.stdout).into_owned()).unwrap_or_default()
}

/// A shell in a terminal of its own.
struct Shell {
    socket: String,
}

impl Shell {
    /// `None`, and a word on why, where there can be none. `inside` names a network namespace.
    fn new(name: &str, size: (u16, u16), inside: Option<&str>) -> Option<Self> {
        if !there_is("tmux") {
            assert!(std::env::var_os("CI").is_none(), "tmux is missing");
            println!("skipped: needs tmux");
            return None;
        }
        let shell = Self { socket: format!("synscope-{}-{name}", std::process::id()) };
        let path = std::env::var("PATH").unwrap_or_default();
        let clean = format!("env -i PATH={path} LANG=C.UTF-8 TERM=tmux-256color PS1='$ ' bash --norc");
        let command = inside.map_or(clean.clone(), |namespace| format!("ip netns exec {namespace} {clean}"));
        let (width, height) = (size.0.to_string(), size.1.to_string());
        shell.tmux(&["new-session", "-d", "-s", "t", "-x", &width, "-y", &height, &command]);
        shell.wait_for("$");
        Some(shell)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-f", "/dev/null", "-L", &self.socket];
        all.extend(arguments);
        output("tmux", &all)
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "t"])
    }

    fn keys(&self, keys: &str) {
        self.tmux(&["send-keys", "-t", "t", keys]);
    }

    fn run(&self, command: &str) {
        self.tmux(&["send-keys", "-t", "t", "-l", command]);
        self.keys("Enter");
    }

    /// Waits until `text` is on the screen.
    fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        self.wait_within(PATIENCE, what, holds)
    }

    fn wait_within(&self, patience: Duration, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(start.elapsed() < patience, "never came: {what}\n{screen}");
            sleep(Duration::from_millis(20));
        }
    }

    /// The terminal is as it was: lines are edited by it, the cursor shows, the alternate screen is left.
    fn is_restored(&self) {
        let flags =
            self.tmux(&["display-message", "-p", "-t", "t", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}"]);
        assert_eq!(flags.trim(), "0 1 0");
        self.run("clear; stty -a | grep -ow -e '-*icanon' -e '-*echo' | tr '\\n' ' '; echo done");
        let screen = self
            .wait_until("stty", |screen| screen.lines().any(|line| line.ends_with("done") && line.contains("icanon")));
        assert!(!screen.contains("-icanon") && !screen.contains("-echo"), "{screen}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn synscope(arguments: &str) -> String {
    format!("clear; {} {arguments}; echo CODE $?", env!("CARGO_BIN_EXE_synscope"))
}

fn capture(name: &str) -> String {
    format!("{}/testdata/labelled/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The process that runs in `shell`.
fn process(shell: &Shell) -> String {
    let pid = shell.tmux(&["display-message", "-p", "-t", "t", "#{pane_pid}"]);
    output("pgrep", &["-P", pid.trim(), "synscope"]).trim().to_owned()
}

/// The last thing that a program without memory does is to give the terminal back.
#[test]
fn leaves_the_terminal_as_it_was_where_memory_is_refused() {
    const ADDRESS_SPACE: usize = 200_000_000;
    let Some(shell) = Shell::new("memory", (80, 24), None) else { return };
    let name = |end: &str| format!("{}/terminal-{}.{end}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let (file, drawn) = (name("pcap"), name("drawn"));
    // More connections than there is room for, each half open.
    let frames: Vec<Vec<u8>> = (0..60_000_u32)
        .flat_map(|n| {
            let client = std::net::SocketAddr::from(((0x0a00_0000 + n).to_be_bytes(), 40_000));
            let server = std::net::SocketAddr::from(([198, 51, 100, 1], 80));
            let syn = Frame::new(client, server).with(SYN, 100, 0).bytes();
            [syn, Frame::new(server, client).with(SYN | ACK, 300, 101).bytes()]
        })
        .collect();
    std::fs::write(&file, pcap(&frames)).expect("a file");
    shell.tmux(&["pipe-pane", "-t", "t", &format!("cat > {drawn}")]);
    let view = format!("prlimit --as={ADDRESS_SPACE} {} -r {file}", env!("CARGO_BIN_EXE_synscope"));
    shell.run(&format!("clear; {view} --max-memory 4G; echo CODE $?"));
    let screen = shell.wait_within(3 * PATIENCE, "the end", |screen| screen.contains("CODE 1"));
    assert!(screen.contains("aborted; if memory was refused: --max-memory keeps less"), "{screen}");
    shell.is_restored();
    let drawn = std::fs::read_to_string(drawn).expect("what was drawn");
    assert!(drawn.contains("\x1b[?1049h") && drawn.contains("Client"), "the view was not shown: {drawn:?}");
    std::fs::remove_file(file).expect("the file");
}

#[test]
fn leaves_the_terminal_as_it_was() {
    let Some(shell) = Shell::new("leave", (80, 24), None) else { return };
    let view = synscope(&format!("-r {}", capture("hs_refused.pcap")));
    // q
    shell.run(&view);
    shell.wait_for("3 refused");
    shell.keys("q");
    shell.wait_for("CODE 0");
    shell.is_restored();
    // Ctrl-Z, fg
    shell.run(&view);
    shell.wait_for("3 refused");
    shell.keys("C-z");
    shell.wait_for("Stopped");
    shell.is_restored();
    shell.run("fg");
    shell.wait_for("3 refused");
    // SIGTERM
    let status = Command::new("kill").args(["-TERM", &process(&shell)]).status();
    assert!(status.is_ok_and(|status| status.success()));
    shell.wait_until("the prompt", |screen| !screen.contains("3 refused"));
    shell.is_restored();
}

/// The terminal is closed while the view is there: what is written at the same time has its end.
#[test]
fn a_terminal_that_goes_away_ends_the_events() {
    let Some(shell) = Shell::new("gone", (80, 24), None) else { return };
    let events = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gone-{}.ndjson", std::process::id()));
    let capture = capture("hs_refused.pcap");
    shell.run(&format!("{} -r {capture} --tee > {}", env!("CARGO_BIN_EXE_synscope"), events.display()));
    shell.wait_for("3 refused");
    drop(shell);
    let start = Instant::now();
    let reported = loop {
        let reported = std::fs::read_to_string(&events).unwrap_or_default();
        if reported.contains("\"session_end\"") {
            break reported;
        }
        assert!(start.elapsed() < PATIENCE, "no end:\n{reported}");
        sleep(Duration::from_millis(20));
    };
    assert_eq!(reported.matches("\"action\":\"flow_end\"").count(), 3, "{reported}");
    let _ = std::fs::remove_file(&events);
}

/// Whether this process runs still.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

#[test]
fn a_view_ends_with_its_terminal() {
    for (name, before) in [("gone", ""), ("gone-deaf", "trap '' HUP; ")] {
        let Some(shell) = Shell::new(name, (80, 24), None) else { return };
        shell.run(&format!("{before}{}", synscope(&format!("-r {}", capture("hs_refused.pcap")))));
        shell.wait_for("3 refused");
        let pid = process(&shell);
        assert!(is_alive(&pid), "process {pid:?}");
        shell.tmux(&["kill-server"]);
        let start = Instant::now();
        while is_alive(&pid) {
            assert!(start.elapsed() < Duration::from_secs(3), "still there, {name}");
            sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_panic_leaves_its_message_on_a_sane_terminal() {
    let Some(shell) = Shell::new("panic", (80, 24), None) else { return };
    for part in ["view", "analysis"] {
        let program = env!("CARGO_BIN_EXE_synscope");
        shell.run(&format!(
            "clear; SYNSCOPE_TEST_PANIC={part} {program} -r {}; echo CODE $?",
            capture("hs_refused.pcap")
        ));
        let screen = shell.wait_until("the exit code", |screen| screen.lines().any(|line| line.starts_with("CODE ")));
        assert!(screen.contains("a panic was asked for") && !screen.contains("CODE 0"), "{screen}");
        shell.is_restored();
    }
}

#[test]
fn what_cannot_be_opened_is_reported_on_the_normal_screen() {
    let Some(shell) = Shell::new("errors", (80, 24), None) else { return };
    shell.run(&synscope("-r no-such-file.pcap"));
    let screen = shell.wait_for("CODE 1");
    assert!(screen.contains("no-such-file.pcap: no such file"), "{screen}");
}

#[test]
fn standard_input_is_waited_for_and_keys_come_from_the_terminal() {
    let Some(shell) = Shell::new("stdin", (80, 24), None) else { return };
    let program = env!("CARGO_BIN_EXE_synscope");
    shell.run(&format!("clear; (sleep 1; cat {}) | {program} -r -; echo CODE $?", capture("hs_refused.pcap")));
    shell.wait_for("waiting for packets on standard input");
    shell.wait_for("refused");
    shell.keys("q");
    shell.wait_for("CODE 0");
    shell.is_restored();
}

/// A pipe with a name, held open by this end, for a view that reads it.
struct Pipe {
    path: PathBuf,
    end: File,
    frames: u16,
}

impl Pipe {
    /// Starts the view of it in `shell`.
    fn new(name: &str, shell: &Shell) -> Self {
        let path = std::env::temp_dir().join(format!("synscope-pipe-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().is_ok_and(|status| status.success()));
        shell.run(&synscope(&format!("-r - < {}", path.display())));
        let end = OpenOptions::new().write(true).open(&path).expect("the shell opens the other end");
        Self { path, end, frames: 0 }
    }

    fn header(&mut self) {
        pcap_header(1, &mut self.end).expect("written");
    }

    /// A SYN from one port higher than the last; its address and port as the view writes them.
    fn syn(&mut self) -> String {
        self.frames += 1;
        let client = format!("192.0.2.1:{}", 2000 + self.frames);
        let ends = (client.parse().expect("an address"), "192.0.2.2:80".parse().expect("an address"));
        let frame = Frame::new(ends.0, ends.1).with(SYN, 100, 0).options(SYN_OPTIONS).bytes();
        let time = 1_700_000_000_000_000 + 100_000 * u64::from(self.frames);
        pcap_frame(time, &frame, usize::MAX, &mut self.end).expect("written");
        client
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A stream that says nothing more opens the view, and is left by a key.
#[test]
fn a_pipe_that_is_held_open_and_says_nothing_does_not_hold_the_view() {
    let Some(shell) = Shell::new("silent", (80, 24), None) else { return };
    let mut pipe = Pipe::new("silent", &shell);
    shell.wait_for("waiting for packets on standard input");
    pipe.header();
    shell.wait_for("no flows yet");
    shell.keys("q");
    shell.wait_for("CODE 0");
    shell.is_restored();
    // Before it has even begun, Ctrl-C leaves.
    let pipe = Pipe::new("mute", &shell);
    shell.wait_for("waiting for packets on standard input");
    shell.keys("C-c");
    shell.wait_until("the prompt", |screen| screen.trim_end().ends_with('$'));
    assert!(!shell.screen().contains("damaged"), "{}", shell.screen());
    shell.is_restored();
    drop(pipe);
}

/// One packet, then silence: it is shown.
#[test]
fn one_packet_of_a_pipe_that_is_held_open_is_shown() {
    let Some(shell) = Shell::new("one", (80, 24), None) else { return };
    let mut pipe = Pipe::new("one", &shell);
    pipe.header();
    let client = pipe.syn();
    shell.wait_for(&client);
    shell.wait_for("syn-sent");
    // A burst, then silence.
    let last = (0..5).map(|_| pipe.syn()).last().expect("a packet");
    shell.wait_for(&last);
    shell.keys("q");
    shell.wait_for("CODE 0");
    shell.is_restored();
}

/// Ten packets a second: each is on the screen before the next comes, as a rule.
#[test]
fn each_packet_of_a_slow_pipe_is_shown_at_once() {
    let Some(shell) = Shell::new("slow", (80, 24), None) else { return };
    let mut pipe = Pipe::new("slow", &shell);
    pipe.header();
    let first = pipe.syn();
    shell.wait_for(&first);
    let mut took = Vec::new();
    for _ in 0..10 {
        let begun = Instant::now();
        let client = pipe.syn();
        shell.wait_for(&client);
        took.push(begun.elapsed());
        sleep(Duration::from_millis(100).saturating_sub(begun.elapsed()));
    }
    took.sort_unstable();
    // What tmux takes to hand out its screen is in it; the slowest ones are the machine's.
    println!("packet to screen: {took:?}");
    assert!(took[took.len() / 2] < Duration::from_millis(400), "{took:?}");
    shell.keys("q");
    shell.wait_for("CODE 0");
}

#[test]
fn a_tee_writes_what_no_view_would_write() {
    let Some(shell) = Shell::new("tee", (80, 24), None) else { return };
    let program = env!("CARGO_BIN_EXE_synscope");
    let folder = std::env::temp_dir().join(format!("synscope-tee-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let name = |file: &str| folder.join(file).display().to_string();
    // A scan, so that hosts have something to tell; and a look back, which is told to the view only.
    let input = capture("scan_connect.pcap");
    let plain = Command::new(program).args(["-q", "-r", &input, "--json", "-o", &name("plain")]).status();
    assert!(plain.is_ok_and(|status| status.success()));
    shell.run(&format!("clear; {program} -r {input} --tee > {}; echo CODE $?", name("tee")));
    shell.wait_for("1128 pkts");
    shell.run(":seek 0");
    shell.wait_for("no flows yet");
    shell.keys("q");
    shell.wait_for("CODE 0");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a file");
    assert!(read("plain").contains("scan") && read("plain") == read("tee"), "see {}", folder.display());
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// The view has no rights either: no thread of it, and what it saves goes below its folder only.
#[test]
#[cfg(feature = "sandbox")]
fn a_view_gives_up_its_rights_and_says_where_it_can_save() {
    let Some(shell) = Shell::new("rights", (100, 24), None) else { return };
    let folder = std::env::temp_dir().join(format!("synscope-view-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("in")).expect("a folder");
    for name in ["", "in"] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.join(name), open).expect("its mode");
    }
    shell.run(&format!("cd {}/in", folder.display()));
    shell.run(&synscope(&format!("-r {}", capture("hs_refused.pcap"))));
    shell.wait_for("3 refused");
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process(&shell))).expect("its threads");
    let threads: Vec<String> =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok()).collect();
    assert!(threads.len() >= 3, "{threads:#?}");
    for status in &threads {
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"] {
            assert!(status.contains(line), "no {line} in {status}");
        }
    }
    shell.run(":save this saved.pcapng");
    shell.wait_for("saved.pcapng: ");
    shell.run(&format!(":save this {}/other.pcapng", folder.display()));
    let landlock = output(env!("CARGO_BIN_EXE_synscope"), &["--sandbox", "status"]).contains("landlock-");
    shell.wait_for(if landlock { "permission denied; synscope writes" } else { "other.pcapng: " });
    shell.keys("q");
    shell.wait_for("CODE 0");
    assert!(folder.join("in/saved.pcapng").exists() && folder.join("other.pcapng").exists() != landlock);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_replay_steps_and_seeks() {
    let Some(shell) = Shell::new("replay", (80, 24), None) else { return };
    shell.run(&synscope(&format!("-r {} --replay 0.01x", capture("hs_http_client_closes_first.pcap"))));
    shell.wait_for("syn-sent");
    shell.keys("$");
    shell.wait_for("closed");
    shell.keys("0");
    shell.wait_until("nothing has happened yet", |screen| !screen.contains("closed"));
    // Two packets of ARP come before the SYN.
    shell.keys("...");
    shell.wait_for("syn-sent");
    shell.keys("..");
    shell.wait_for("established");
    shell.keys(",");
    shell.wait_until("a packet less", |screen| !screen.contains("established"));
    shell.keys("q");
    shell.wait_for("CODE 0");
}

/// Connects, waits for a line, says hello and closes.
const TALK: &str = "
import socket, sys
s = socket.create_connection(('192.0.2.2', 8080), 10)
sys.stdin.readline()
s.sendall(b'hello')
s.shutdown(socket.SHUT_WR)
while s.recv(4096): pass
";

#[test]
fn a_live_connection_goes_from_syn_sent_to_time_wait() {
    let Some(lab) = Lab::new() else { return };
    let Some(shell) = Shell::new("live", (120, 40), Some(&lab.a)) else { return };
    shell.run(&synscope("-i veth0 tcp"));
    shell.wait_for("LIVE");
    // Nobody answers here: its SYN stays unanswered, and the wait for it grows.
    let silent = "import socket\ntry: socket.create_connection(('192.0.2.9', 81), 4)\nexcept OSError: pass";
    let mut nobody = lab.python(&lab.a, silent).spawn().expect("python3 runs");
    let screen = shell.wait_for("SYN_SENT");
    assert!(screen.contains("waiting for SYN-ACK"), "{screen}");
    let server = &mut lab.serve();
    let mut client = lab.python(&lab.a, TALK).stdin(Stdio::piped()).spawn().expect("python3 runs");
    shell.wait_for("192.0.2.2:8080");
    shell.keys("g");
    shell.wait_until("established", |screen| screen.contains("3. ACK") && screen.contains("ESTABLISHED"));
    drop(client.stdin.take());
    let screen = shell.wait_for("TIME_WAIT");
    assert!(
        screen.contains("TIME_WAIT runs down") || shell.wait_for("TIME_WAIT runs down").contains("left"),
        "{screen}"
    );
    // Another size.
    shell.tmux(&["resize-window", "-t", "t", "-x", "80", "-y", "24"]);
    shell.wait_until("a smaller screen", |screen| {
        screen.lines().count() <= 24 && screen.contains("TIME_WAIT runs down")
    });
    shell.keys("q");
    shell.wait_for("CODE 0");
    let screen = shell.screen();
    assert!(screen.contains("packets captured"), "{screen}");
    shell.is_restored();
    for child in [&mut nobody, server, &mut client] {
        let _ = child.wait();
    }
}

/// What is pasted is no keys: only a prompt takes it.
#[test]
fn a_paste_presses_no_keys() {
    let Some(shell) = Shell::new("paste", (80, 24), None) else { return };
    shell.run(&synscope(&format!("-r {}", capture("hs_refused.pcap"))));
    shell.wait_for("3 refused");
    let paste = |text: &str| {
        shell.tmux(&["set-buffer", text]);
        shell.tmux(&["paste-buffer", "-p", "-t", "t"]);
    };
    paste("?q\n");
    shell.keys("/");
    paste("tcp.port");
    // Both came, in this order: the first did nothing.
    let screen = shell.wait_for("tcp.port");
    assert!(screen.contains("3 refused") && !screen.contains("CODE"), "{screen}");
}
