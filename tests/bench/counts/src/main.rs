//! Instructions per packet of each stage, counted by callgrind, against `tests/bench/counts/committed.txt`: unlike times they are
//! nearly the same in every run, so that a change that makes a stage dearer is seen.
//!
//! `make counts` compares and fails above the limit, `make counts BLESS=1` writes the file anew. A change that needs more
//! says why in its commit.
//!
//! A package of its own, because it needs little of what tests need, and is to be built quickly.

#[allow(dead_code, unreachable_pub)]
#[path = "../../../common/frames.rs"]
mod frames;
#[allow(unreachable_pub)]
#[path = "../../stage.rs"]
mod stage;
#[allow(dead_code, unreachable_pub)]
#[path = "../../traffic.rs"]
mod traffic;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};

use stage::Stage;
use traffic::{Sort, Traffic};

/// How many per cent more than what is committed may be.
const LIMIT: f64 = 5.0;
/// How much reading may differ before the machine counts as another, percent.
const CALIBRATION: f64 = 1.0;
/// Frames of a capture; of the flood, SYNs.
const PACKETS: u64 = 20_000;
/// Connections under way at a time: so few that most of them begin and end within a capture.
const LIVE: usize = 128;
const CAPTURES: [(&str, Sort); 3] = [("web", Sort::Web), ("mix", Sort::Mix), ("flood", Sort::Flood)];
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/committed.txt");

/// Instructions per packet of a stage, with those of the stages before it.
struct Count {
    capture: &'static str,
    stage: Stage,
    instructions: f64,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [stage, file] = args.as_slice() {
        let stage = Stage::named(stage).expect("a stage");
        println!("{}", stage.run(Path::new(file)));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("counts: skipped, valgrind is missing");
        return ExitCode::SUCCESS;
    }
    let counts: Vec<Count> = CAPTURES.into_iter().flat_map(|(name, sort)| count(name, sort)).collect();
    if std::env::var_os("BLESS").is_some_and(|v| !v.is_empty()) {
        fs::write(COMMITTED, table(&counts)).expect("tests/bench/counts/committed.txt");
        print!("{}", table(&counts));
        return ExitCode::SUCCESS;
    }
    compare(&counts)
}

/// Runs every stage over one capture.
fn count(name: &'static str, sort: Sort) -> Vec<Count> {
    let file = std::env::temp_dir().join(format!("synscope-counts-{name}-{}.pcap", std::process::id()));
    let mut out = BufWriter::new(File::create(&file).expect("a file"));
    let frames = Traffic { live: LIVE, ..Traffic::new(sort, PACKETS) }.write(&mut out).expect("space for the file");
    out.flush().expect("space for the file");
    // At the same time: instructions do not mind.
    let totals = std::thread::scope(|scope| {
        let file = &file;
        let started = Stage::ALL.map(|stage| scope.spawn(move || callgrind(stage, file)));
        started.map(|thread| thread.join().expect("a count"))
    });
    let _ = fs::remove_file(&file);
    let [open, ..] = totals;
    let per_packet = |total: u64| total.saturating_sub(open) as f64 / frames as f64;
    Stage::ALL
        .into_iter()
        .zip(totals)
        .skip(1)
        .map(|(stage, total)| Count { capture: name, stage, instructions: per_packet(total) })
        .collect()
}

/// Instructions that this program takes for one stage of `file`, from start to end.
fn callgrind(stage: Stage, file: &Path) -> u64 {
    let program = std::env::current_exe().expect("a name");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg(stage.name())
        .arg(file)
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected.and_then(|(_, n)| n.trim().parse().ok()).unwrap_or_else(|| panic!("valgrind: {said}"))
}

/// The compiler and the machine, which the counts depend on.
fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.split(' ').take(2).collect::<Vec<_>>().join(" ");
    format!("{version}, {}", std::env::consts::ARCH)
}

fn table(counts: &[Count]) -> String {
    let mut text = format!(
        "# Instructions per packet up to and with a stage; `make counts BLESS=1` writes this.\n# {}\n",
        compiler()
    );
    for Count { capture, stage, instructions } in counts {
        let _ = writeln!(text, "{capture:<8}{:<8}{instructions:>8.1}", stage.name());
    }
    text
}

fn compare(counts: &[Count]) -> ExitCode {
    let committed = fs::read_to_string(COMMITTED).expect("tests/bench/counts/committed.txt");
    let same_compiler = committed.lines().any(|line| line.strip_prefix("# ") == Some(&compiler()));
    // Reading hardly ever changes: where it counts otherwise, the C library or the processor that valgrind shows are others.
    let mut same_machine = true;
    let mut over = 0;
    for Count { capture, stage, instructions } in counts {
        let known = committed.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let found = words.next() == Some(capture) && words.next() == Some(stage.name());
            found.then(|| words.next().and_then(|n| n.parse::<f64>().ok()))?
        });
        let more = known.map_or(f64::INFINITY, |known| 100.0 * (instructions / known - 1.0));
        let verdict = if more > LIMIT { "OVER" } else { "" };
        over += u32::from(more > LIMIT);
        same_machine &= *stage != Stage::Read || more.abs() < CALIBRATION;
        println!(
            "{capture:<8}{:<8}{instructions:>8.1}  {:>8.1}  {more:>+6.1} %  {verdict}",
            stage.name(),
            known.unwrap_or_default()
        );
    }
    if !(same_compiler && same_machine) {
        println!(
            "counts: not judged, tests/bench/counts/committed.txt is not of {} on a machine like this; make counts BLESS=1 \
             writes it",
            compiler()
        );
        return ExitCode::SUCCESS;
    }
    if over > 0 {
        println!(
            "counts: {over} of {} stages take over {LIMIT} % more instructions than tests/bench/counts/committed.txt says; \
             if that is worth it, make counts BLESS=1, and say why in the commit",
            counts.len()
        );
        return ExitCode::FAILURE;
    }
    println!("counts: within {LIMIT} % of tests/bench/counts/committed.txt");
    ExitCode::SUCCESS
}
