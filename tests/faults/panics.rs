//! A panic in any thread: exit code 1, one line, and everything known so far.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::{capture, folder, is_root, lines, program, session_end, stderr, text};

/// Runs with a panic in this part of the program.
fn panicking(part: &str, command: &mut Command) -> Output {
    let command = command.env("SYNSCOPE_TEST_PANIC", part).env_remove("RUST_BACKTRACE");
    command.output().expect("it runs")
}

fn is_one_line(output: &Output, thread: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{thread}: {said}");
    let panics: Vec<&str> = said.lines().filter(|line| line.contains("panic")).collect();
    assert_eq!(panics.len(), 1, "{thread}: {said}");
    assert!(panics[0].starts_with(&format!("synscope: internal error: thread '{thread}' panicked at src/")), "{said}");
    assert!(panics[0].ends_with(": a panic was asked for"), "{said}");
}

fn gzipped(name: &str) -> PathBuf {
    let file = folder("gzip").join("a.pcap.gz");
    let compressed = Command::new("gzip").args(["-c", &capture(name)]).output().expect("gzip");
    fs::write(&file, compressed.stdout).expect("a file");
    file
}

#[test]
fn every_thread_that_reads_a_file_may_panic() {
    // Threads: all on one, tracking with writing, and each for itself.
    for format in ["ndjson", "text", "summary", "zeek", "csv", "ladder", "html", "explain"] {
        for part in ["reader", "tracker", "reporter", "writer"] {
            let mut command = program();
            let output = panicking(part, command.args(["-q", "-r", &capture("bn_burst.pcap"), "-T", format]));
            if part == "reporter" && output.status.success() {
                // There is no such thread for this format.
                continue;
            }
            let thread = match part {
                "reporter" | "writer" => "main",
                "tracker" if !stderr(&output).contains("'tracker'") => "main",
                part => part,
            };
            is_one_line(&output, thread);
            if format == "ndjson" {
                session_end(&lines(&output.stdout));
            }
        }
    }
}

#[test]
fn a_panic_of_a_decompressor_does_not_blame_the_data() {
    let file = gzipped("bn_burst.pcap");
    // What comes through a pipe is decompressed on a thread of its own, on any machine.
    let packets = File::open(&file).expect("a file");
    let mut cat = Command::new("cat").stdin(packets).stdout(Stdio::piped()).spawn().expect("cat");
    let mut command = program();
    command.args(["-q", "--json", "-r", "-"]).stdin(cat.stdout.take().expect("a pipe"));
    let output = panicking("gunzip", &mut command);
    cat.wait().expect("it ends");
    is_one_line(&output, "gunzip");
    assert!(!stderr(&output).contains("damaged"), "{}", stderr(&output));
}

#[test]
fn a_panic_of_the_thread_that_reads_a_pipe_ends_the_session() {
    let packets = File::open(capture("bn_burst.pcap")).expect("a capture");
    let mut cat = Command::new("cat").stdin(packets).stdout(Stdio::piped()).spawn().expect("cat");
    let mut command = program();
    command.args(["-q", "--json", "-r", "-"]).stdin(cat.stdout.take().expect("a pipe"));
    let output = panicking("read", &mut command);
    is_one_line(&output, "read");
    session_end(&lines(&output.stdout));
    drop(command);
    let _ = cat.wait();
}

#[test]
fn a_panic_replaces_no_file() {
    let folder = folder("panic");
    let file = folder.join("a");
    fs::write(&file, "old").expect("a file");
    let mut command = program();
    let output =
        panicking("tracker", command.args(["-q", "-r", &capture("bn_burst.pcap"), "--json", "-o", text(&file)]));
    is_one_line(&output, "tracker");
    // What is known so far was written, to its end.
    session_end(&lines(&fs::read(&file).expect("a file")));
}

/// A user without a right to more threads.
#[test]
fn no_thread_to_be_had_is_an_error() {
    if !is_root() {
        println!("skipped: needs root, to be somebody else");
        return;
    }
    // Nobody, who has processes already: one more thread is one too many.
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65533", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]);
    command.args(["prlimit", "--nproc=1", env!("CARGO_BIN_EXE_synscope"), "-q", "--json", "-r", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("setpriv");
    let packets = fs::read(capture("hs_hello_client.pcap")).expect("a capture");
    // It may end before it reads.
    let _ = child.stdin.take().expect("stdin").write_all(&packets);
    let output = child.wait_with_output().expect("it ends");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.lines().count() == 1 && said.starts_with("synscope: ") && !said.contains("panicked"), "{said}");
}
