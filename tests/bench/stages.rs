//! What the stages of an analysis take on one thread: `cargo bench --bench stages`.
//!
//! Each with those before it, over a million frames: a millisecond of a run is a nanosecond a packet (of a flood, which has more
//! frames, see the packets a second).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::ItemsCount;

#[path = "../common/frames.rs"]
#[allow(dead_code, unreachable_pub)]
mod frames;
#[path = "stage.rs"]
#[allow(dead_code, unreachable_pub)]
mod stage;
#[path = "traffic.rs"]
#[allow(dead_code, unreachable_pub)]
mod traffic;

use stage::Stage;
use traffic::{Sort, Traffic};

const PACKETS: u64 = 1_000_000;

fn main() {
    divan::main();
}

#[divan::bench(args = Stage::ALL.into_iter().skip(1), sample_count = 7, sample_size = 1)]
fn web(bencher: Bencher<'_, '_>, stage: Stage) {
    run(bencher, Sort::Web, stage);
}

#[divan::bench(args = Stage::ALL.into_iter().skip(1), sample_count = 7, sample_size = 1)]
fn mix(bencher: Bencher<'_, '_>, stage: Stage) {
    run(bencher, Sort::Mix, stage);
}

#[divan::bench(args = Stage::ALL.into_iter().skip(1), sample_count = 3, sample_size = 1)]
fn flood(bencher: Bencher<'_, '_>, stage: Stage) {
    run(bencher, Sort::Flood, stage);
}

fn run(bencher: Bencher<'_, '_>, sort: Sort, stage: Stage) {
    let (file, frames) = capture(sort);
    bencher.counter(ItemsCount::new(frames)).bench_local(|| stage.run(&file));
}

/// A capture of this sort, made anew, and how many frames it has.
fn capture(sort: Sort) -> (PathBuf, u64) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stages-{sort:?}.pcap"));
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    let frames = Traffic::new(sort, PACKETS).write(&mut out).expect("a capture");
    out.flush().expect("a capture");
    (path, frames)
}
