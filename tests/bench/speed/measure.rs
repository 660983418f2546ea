//! Programs run in turn: the medians of their times, and the peak of their memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// A program with its arguments, and what the table calls it.
pub struct Contender {
    pub name: String,
    words: Vec<String>,
}

impl Contender {
    pub fn new<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        Self { name: name.to_owned(), words: words.into_iter().map(str::to_owned).collect() }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

/// Medians of several runs; the memory is the largest of all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// From start to end.
    pub wall: Duration,
    /// User and system time of all threads.
    pub processor: Duration,
    /// Largest resident set, MiB.
    pub peak: f64,
}

impl Figures {
    /// Wall time as a multiple of `other`'s.
    pub fn over(&self, other: &Self) -> f64 {
        self.wall.as_secs_f64() / other.wall.as_secs_f64()
    }

    pub fn ns(&self, packets: u64) -> f64 {
        self.wall.as_secs_f64() * 1e9 / packets as f64
    }
}

/// Runs each once to bring its input into memory, then all in turn, `runs` times.
pub fn in_turn(contenders: &[Contender], runs: usize) -> Vec<Figures> {
    let mut all: Vec<Vec<Figures>> = vec![Vec::new(); contenders.len()];
    for run in 0..=runs {
        for (contender, figures) in contenders.iter().zip(&mut all) {
            let took = once(contender);
            if run > 0 {
                figures.push(took);
            }
        }
    }
    all.iter().map(|runs| medians(runs)).collect()
}

fn once(contender: &Contender) -> Figures {
    let mut command = contender.command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let used = child.wait4().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let wall = begun.elapsed();
    assert!(used.status.success(), "{command:?}: {}", used.status);
    let rusage = used.rusage;
    Figures { wall, processor: rusage.utime + rusage.stime, peak: rusage.maxrss as f64 / 1_048_576.0 }
}

fn medians(runs: &[Figures]) -> Figures {
    Figures {
        wall: median(runs.iter().map(|f| f.wall)),
        processor: median(runs.iter().map(|f| f.processor)),
        peak: runs.iter().map(|f| f.peak).fold(0.0, f64::max),
    }
}

pub fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Whether there is such a program.
pub fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok()
}

/// Prints the figures of contenders, as multiples of the first one's.
pub fn print(contenders: &[Contender], figures: &[Figures], packets: u64) {
    println!("  {:<42}{:>10}{:>9}{:>11}{:>9}", "", "ns/packet", "time ×", "processor ×", "MiB");
    let base = figures[0];
    for (contender, f) in contenders.iter().zip(figures) {
        let processor = f.processor.as_secs_f64() / base.processor.as_secs_f64();
        let (ns, times) = (f.ns(packets), f.over(&base));
        println!("  {:<42}{ns:>10.1}{times:>9.2}{processor:>11.2}{:>9.0}", contender.name, f.peak);
    }
}
