//! `-o` destroys nothing.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{capture, folder, lines, pcapng, program, run, session_end, stderr, syn, text};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn a_mistake_leaves_what_was_there() {
    let folder = folder("mistake");
    let (old, ng) = (folder.join("old"), folder.join("a.pcapng"));
    fs::write(&ng, pcapng(&[(1, syn(1000))])).expect("a file");
    let hello = capture("hs_hello_client.pcap");
    let mistakes: [&[&str]; 7] = [
        &["-r", &hello, "-f", "tcp prot 80"],
        &["-r", text(&ng), "-f", "tcp prot 80"],
        &["-r", &hello, "-F", "/no/such/filter"],
        &["-r", &hello, "-r", "no-such-file.pcap"],
        &["-r", "Cargo.toml"],
        &["-r", &hello, "-Y", "tcp.prot == 80"],
        &["-r", &hello, "--disable", "no-such-rule"],
    ];
    for mistake in mistakes {
        fs::write(&old, "old").expect("a file");
        let output = run(&[mistake, &["--json", "-o", text(&old)]].concat());
        assert_ne!(output.status.code(), Some(0), "{mistake:?}");
        assert_eq!(fs::read_to_string(&old).expect("a file"), "old", "{mistake:?}: {}", stderr(&output));
        assert_eq!(names(&folder), ["a.pcapng", "old"], "{mistake:?}");
    }
}

#[test]
fn an_input_is_never_an_output() {
    let folder = folder("input");
    let (input, hard, soft, filter) =
        (folder.join("a.pcap"), folder.join("hard"), folder.join("soft"), folder.join("filter"));
    fs::copy(capture("hs_hello_client.pcap"), &input).expect("a copy");
    fs::hard_link(&input, &hard).expect("a link");
    symlink("a.pcap", &soft).expect("a link");
    fs::write(&filter, "tcp").expect("a file");
    let before = fs::read(&input).expect("a file");
    let refused = |arguments: &[&str]| {
        let stdin = File::open(&input).expect("a file");
        let output = program().args(arguments).stdin(stdin).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("is also the input"), "{}", stderr(&output));
    };
    for name in [&input, &hard, &soft] {
        refused(&["-r", text(&input), "--json", "-o", text(name)]);
        refused(&["-r", "-", "--json", "-o", text(name)]);
        refused(&["-r", text(&hard), "--json", "-o", text(name)]);
    }
    refused(&["-r", text(&input), "-F", text(&filter), "--json", "-o", text(&filter)]);
    assert!(fs::read(&input).expect("a file") == before);
    assert_eq!(fs::read_to_string(&filter).expect("a file"), "tcp");
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let folder = folder("device");
    let (log, fifo) = (folder.join("log"), folder.join("fifo"));
    let hello = capture("hs_hello_client.pcap");
    fs::write(&log, "before\n").expect("a file");
    for name in ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"] {
        let stdout = OpenOptions::new().append(true).open(&log).expect("a file");
        let status =
            program().args(["-q", "-r", &hello, "--json", "-o", name]).stdout(stdout).status().expect("it runs");
        assert!(status.success());
    }
    let written = fs::read_to_string(&log).expect("a file");
    assert!(written.starts_with("before\n") && written.matches("\"action\":\"session_end\"").count() == 3);
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let mut child = program().args(["-q", "-r", &hello, "--json", "-o", text(&fifo)]).spawn().expect("it runs");
    let mut through = Vec::new();
    File::open(&fifo).expect("a fifo").read_to_end(&mut through).expect("octets");
    assert!(child.wait().expect("it ends").success());
    session_end(&lines(&through));
    assert!(fs::metadata(&fifo).expect("a fifo").file_type().is_fifo());
    assert_eq!(names(&folder), ["fifo", "log"]);
}

/// What comes live can be read as it grows, and is whole when a signal ends it.
#[test]
fn a_signal_keeps_what_was_written() {
    let folder = folder("signal");
    let file = folder.join("a.ndjson");
    let mut child =
        program().args(["-q", "-r", "-", "--json", "-o", text(&file)]).stdin(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("stdin");
    let packets = fs::read(capture("td_open_at_end.pcap")).expect("a capture");
    std::io::Write::write_all(&mut stdin, &packets).expect("it reads");
    while !fs::read_to_string(&file).is_ok_and(|written| written.contains("handshake_end")) {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    assert!(child.wait().expect("it ends").success());
    session_end(&lines(&fs::read(&file).expect("a file")));
    assert_eq!(names(&folder), ["a.ndjson"]);
}
