//! A file of mixed traffic through synscope and through `tcpdump -r FILE -w /dev/null`, in turn, in one run: the medians and
//! their ratio. Fails where synscope takes more than 1.5 times as long.
//!
//! `cargo bench --bench against_tcpdump -- [PACKETS] [--runs N] [--snaplen OCTETS] [--keep]`

#[allow(dead_code, unreachable_pub)]
#[path = "../common/frames.rs"]
mod frames;
#[allow(unreachable_pub)]
mod traffic;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use traffic::Traffic;

/// How many times as long as tcpdump it may take.
const LIMIT: f64 = 1.5;

struct Options {
    packets: u64,
    runs: usize,
    snaplens: Vec<usize>,
    keep: bool,
}

fn options() -> Options {
    let mut options = Options { packets: 1_000_000, runs: 9, snaplens: vec![96, 65535], keep: false };
    let mut args = std::env::args().skip(1);
    let number = |text: Option<String>| text.and_then(|t| t.parse::<u64>().ok()).filter(|n| *n > 0).expect("a number");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // What cargo adds.
            "--bench" => {}
            "--runs" => options.runs = number(args.next()) as usize,
            "--snaplen" => options.snaplens = vec![number(args.next()) as usize],
            "--keep" => options.keep = true,
            _ => options.packets = number(Some(arg)),
        }
    }
    options
}

fn main() -> ExitCode {
    let options = options();
    let mut worst = 0.0_f64;
    for snaplen in &options.snaplens {
        let file =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("traffic-{}-{snaplen}.pcap", options.packets));
        generate(&file, options.packets, *snaplen);
        worst = worst.max(compare(&file, &options, *snaplen));
        if !options.keep {
            let _ = std::fs::remove_file(&file);
        }
    }
    println!("at most {LIMIT} times is wanted: {}", if worst <= LIMIT { "met" } else { "missed" });
    if worst <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn generate(file: &Path, packets: u64, snaplen: usize) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).expect("a file"));
    Traffic { packets, seed: 20_231_114, snaplen }.write(&mut out).expect("space for the file");
    out.flush().expect("space for the file");
}

/// Runs both in turn; synscope's time divided by tcpdump's.
fn compare(file: &Path, options: &Options, snaplen: usize) -> f64 {
    let size = std::fs::metadata(file).expect("the file").len();
    println!(
        "{} packets cut at {snaplen} octets, {} MB, {} runs in turn",
        options.packets,
        size / 1_000_000,
        options.runs
    );
    let mut tcpdump = Command::new("tcpdump");
    tcpdump.args(["-r"]).arg(file).args(["-w", "/dev/null"]);
    let mut synscope = Command::new(env!("CARGO_BIN_EXE_synscope"));
    synscope.args(["-q", "-T", "summary", "-r"]).arg(file);
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    // Once to bring the file into memory.
    time(&mut tcpdump);
    time(&mut synscope);
    for _ in 0..options.runs {
        theirs.push(time(&mut tcpdump));
        ours.push(time(&mut synscope));
    }
    let per_packet = |d: Duration| d.as_nanos() as f64 / options.packets as f64;
    let (theirs, ours) = (median(&mut theirs), median(&mut ours));
    println!("  tcpdump -w /dev/null  {:>7.1} ms  {:>6.1} ns a packet", theirs.as_secs_f64() * 1e3, per_packet(theirs));
    println!("  synscope -T summary   {:>7.1} ms  {:>6.1} ns a packet", ours.as_secs_f64() * 1e3, per_packet(ours));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("  ratio                 {ratio:>7.2}");
    ratio
}

fn time(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let took = begun.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
