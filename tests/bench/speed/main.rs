//! How fast synscope is, and in how much memory: `make bench`.
//!
//! Every ratio is of medians of programs that ran in turn, in one run, over the same generated file. In the end it says
//! which goals were met; it fails where one is missed that was met before.
//!
//! `cargo bench --bench speed -- [PACKETS] [--runs N] [--peers] [--only PART,…] [--live N,…] [--keep]`; parts: web, live,
//! full, mix, established, flood, growth, compressed, hostile. A flood has ten times as many SYNs, growth goes up to sixteen
//! times; `live` has at least 40 packets for each connection that is under way at a time.
//! `cargo bench --bench speed -- generate SORT PACKETS [--snaplen N] [--live N] [--mixed N] [--seed N] > FILE` only writes
//! traffic; `--mixed` is `--live` with connections that begin one by one.

#[allow(dead_code, unreachable_pub)]
#[path = "../../common/frames.rs"]
mod frames;
#[allow(unreachable_pub)]
mod goals;
#[allow(unreachable_pub)]
mod hostile;
#[allow(unreachable_pub)]
mod measure;
#[allow(dead_code, unreachable_pub)]
#[path = "../traffic.rs"]
mod traffic;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use goals::Goals;
use measure::{Contender, Figures, in_turn, is_there, print};
use traffic::{Sort, Traffic, VICTIM};

const SYNSCOPE: &str = env!("CARGO_BIN_EXE_synscope");
const PARTS: [&str; 9] = ["web", "live", "full", "mix", "established", "flood", "growth", "compressed", "hostile"];

struct Options {
    packets: u64,
    runs: usize,
    peers: bool,
    only: Vec<String>,
    /// Connections under way at a time, of the part `live`.
    live: Vec<u64>,
    keep: bool,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    // This program is some of the programs it compares, and makes its traffic in a process of its own: what a process has
    // used counts as its child's, until that becomes another program.
    match words.as_slice() {
        ["generate", sort, rest @ ..] => generate(sort, rest),
        ["count", file] => println!("{}", count(file)),
        ["decompress", file] => println!("{}", decompress(Path::new(file))),
        ["compress", file] => compress(Path::new(file)),
        _ => return Bench { options: options(&words), goals: Goals::default() }.run(),
    }
    ExitCode::SUCCESS
}

fn options(words: &[&str]) -> Options {
    let live = vec![4_096, 50_000, 200_000];
    let mut options = Options { packets: 1_000_000, runs: 7, peers: false, only: Vec::new(), live, keep: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--runs" => options.runs = number(words.next()) as usize,
            "--only" => options.only = words.next().expect("parts").split(',').map(str::to_owned).collect(),
            "--live" => {
                let numbers = words.next().expect("numbers of connections").split(',');
                options.live = numbers.map(|n| number(Some(&n))).collect();
            }
            "--peers" => options.peers = true,
            "--keep" => options.keep = true,
            _ => options.packets = number(Some(word)),
        }
    }
    let unknown = options.only.iter().find(|part| !PARTS.contains(&part.as_str()));
    assert!(unknown.is_none(), "no part is called {unknown:?}: {PARTS:?}");
    options
}

fn number(text: Option<&&str>) -> u64 {
    text.and_then(|t| t.parse::<u64>().ok()).filter(|n| *n > 0).expect("a number")
}

/// Writes traffic to standard output, and how many frames it has to standard error.
fn generate(sort: &str, rest: &[&str]) {
    if sort.starts_with("hostile-") {
        let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
        let frames = hostile::write(sort, number(rest.first()), &mut out);
        let frames = frames.and_then(|frames| out.flush().map(|()| frames)).expect("space for the file");
        return eprintln!("{frames}");
    }
    let sort: Sort = sort.parse().unwrap_or_else(|e| panic!("{e}"));
    let mut words = rest.iter();
    let mut traffic = Traffic::new(sort, number(words.next()));
    while let Some(word) = words.next() {
        let value = number(words.next());
        match *word {
            "--seed" => traffic.seed = value,
            "--snaplen" => traffic.snaplen = value as usize,
            "--live" => traffic.live = value as usize,
            "--mixed" => (traffic.live, traffic.mixed) = (value as usize, true),
            "--legitimate" => traffic.legitimate = value,
            "--answered" => traffic.answered = value,
            _ => panic!("{word}: --seed, --snaplen, --live, --legitimate, --answered"),
        }
    }
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let frames = traffic.write(&mut out).and_then(|frames| out.flush().map(|()| frames)).expect("space for the file");
    eprintln!("{frames}");
}

/// libpcap's own offline loop, doing nothing but count.
fn count(file: &str) -> u64 {
    let mut capture = pcap::Capture::from_file(file).expect("a capture opens");
    let mut packets = 0;
    while let Ok(packet) = capture.next_packet() {
        black_box(packet.data.first());
        packets += 1;
    }
    packets
}

/// Reads a compressed file with the decompressor that synscope uses, and forgets it; how many octets there were.
fn decompress(file: &Path) -> u64 {
    let compressed = File::open(file).expect("the file");
    let mut plain: Box<dyn Read> = if file.extension().is_some_and(|e| e == "gz") {
        Box::new(flate2::read::MultiGzDecoder::new(compressed))
    } else {
        Box::new(zstd::Decoder::new(compressed).expect("a decompressor"))
    };
    let (mut octets, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        match plain.read(&mut buffer).expect("a whole file") {
            0 => return octets,
            n => octets += n as u64,
        }
    }
}

/// Writes FILE.gz and FILE.zst beside FILE.
fn compress(file: &Path) {
    let beside = |suffix: &str| File::create(format!("{}.{suffix}", file.display())).expect("a file");
    let mut gzip = flate2::write::GzEncoder::new(beside("gz"), flate2::Compression::new(6));
    io::copy(&mut File::open(file).expect("the file"), &mut gzip).expect("space for the file");
    gzip.finish().expect("space for the file");
    zstd::stream::copy_encode(File::open(file).expect("the file"), beside("zst"), 3).expect("space for the file");
}

/// A generated file, gone when it is dropped unless it is to be kept.
struct Trace {
    path: PathBuf,
    frames: u64,
    keep: bool,
}

impl Trace {
    fn text(&self) -> &str {
        self.path.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The programs of most tables: the first is what the others are measured by.
fn contenders(file: &Trace, peers: bool) -> Vec<Contender> {
    let f = file.text();
    let mut all = vec![
        libpcap(file),
        Contender::new("tcpdump -w /dev/null", ["tcpdump", "-r", f, "-w", "/dev/null"]),
        synscope("synscope -T summary", file, &["-T", "summary"]),
        synscope("synscope -T summary --disable all", file, &["-T", "summary", "--disable", "all"]),
        synscope("synscope --json", file, &["--json"]),
    ];
    if peers {
        let others: [(&str, &[&str]); 3] = [
            ("tshark -q -z conv,tcp", &["tshark", "-n", "-q", "-z", "conv,tcp", "-r", f]),
            ("tcptrace", &["tcptrace", "-n", f]),
            ("argus", &["argus", "-r", f, "-w", "/dev/null"]),
        ];
        all.extend(
            others
                .into_iter()
                .filter(|(_, words)| is_there(words[0]))
                .map(|(name, words)| Contender::new(name, words.iter().copied())),
        );
    }
    all
}

fn libpcap(file: &Trace) -> Contender {
    let this = std::env::current_exe().expect("a name");
    Contender::new("libpcap, counting only", [this.to_str().expect("UTF-8"), "count", file.text()])
}

fn synscope(name: &str, file: &Trace, options: &[&str]) -> Contender {
    let words = [SYNSCOPE, "-q", "-r", file.text()];
    Contender::new(name, words.into_iter().chain(options.iter().copied()))
}

struct Bench {
    options: Options,
    goals: Goals,
}

impl Bench {
    fn run(mut self) -> ExitCode {
        let wanted = |part: &str, only: &[String]| only.is_empty() || only.iter().any(|o| o == part);
        for part in PARTS {
            if !wanted(part, &self.options.only) {
                continue;
            }
            match part {
                "web" => self.web(),
                "live" => self.live(),
                "full" => self.full(),
                "mix" => self.mix(),
                "established" => self.established(),
                "flood" => self.flood(),
                "growth" => self.growth(),
                "hostile" => self.hostile(),
                _ => self.compressed(),
            }
        }
        if self.goals.print() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Generates a file, and says so.
    fn file(&self, sort: &str, packets: u64, snaplen: u64) -> Trace {
        self.file_with(sort, packets, snaplen, &[])
    }

    /// The same with further options of `generate`.
    fn file_with(&self, sort: &str, packets: u64, snaplen: u64, further: &[&str]) -> Trace {
        let name = format!("{sort}-{packets}-{snaplen}{}.pcap", further.concat());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let output = Command::new(std::env::current_exe().expect("a name"))
            .args(["generate", sort, &packets.to_string(), "--snaplen", &snaplen.to_string()])
            .args(further)
            .stdout(File::create(&path).expect("a file"))
            .stderr(Stdio::piped())
            .output()
            .expect("this program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let frames = said.trim().parse().unwrap_or_else(|_| panic!("{said}"));
        let size = fs::metadata(&path).expect("the file").len() / 1_000_000;
        println!("\n{sort}: {frames} packets cut at {snaplen} octets, {size} MB, {} runs in turn", self.options.runs);
        Trace { path, frames, keep: self.options.keep }
    }

    /// Runs and prints; figures in the order of the contenders.
    fn table(&self, file: &Trace, contenders: &[Contender]) -> Vec<Figures> {
        let figures = in_turn(contenders, self.options.runs);
        print(contenders, &figures, file.frames);
        figures
    }

    /// Peers take long: a part of the file is enough for them.
    fn peers(&mut self, sort: &str, packets: u64) {
        if !self.options.peers {
            return;
        }
        let file = self.file(sort, packets, 96);
        let contenders = contenders(&file, true);
        let figures = in_turn(&contenders, 3.min(self.options.runs));
        print(&contenders, &figures, file.frames);
        for (contender, theirs) in contenders.iter().zip(&figures).skip(5) {
            let what = format!("6.2 {sort}: peak memory, of that of {}", contender.name);
            self.goals.at_most(&what, figures[2].peak / theirs.peak, 1.0);
        }
    }

    fn web(&mut self) {
        let file = self.file("web", self.options.packets, 96);
        let f = self.table(&file, &contenders(&file, false));
        let (bare, summary, none, json) = (f[0], f[2], f[3], f[4]);
        let processor = summary.processor.as_secs_f64() / bare.wall.as_secs_f64();
        self.goals.at_most("6.1 web, -T summary, of libpcap counting", summary.over(&bare), 1.0);
        self.goals.at_most("6.1 web, -T summary, processor time", processor, 1.6);
        self.goals.at_most("6.1 web, --json, of libpcap counting", json.over(&bare), 1.5);
        self.goals.still_at_most("6.2 web, peak memory in MiB", summary.peak, 64.0);
        self.goals.at_most("4.4 web, all detectors, of none", summary.over(&none), 1.2);
        drop(file);
        self.peers("web", self.options.packets);
    }

    /// By how many connections are under way at a time.
    fn live(&mut self) {
        for live in self.options.live.clone() {
            let packets = self.options.packets.max(40 * live);
            println!("\n{live} connections at a time");
            let file = self.file_with("web", packets, 96, &["--mixed", &live.to_string()]);
            let all = contenders(&file, false);
            let ours = all.len();
            let all: Vec<Contender> = all.into_iter().chain(self.quick_peers(&file)).collect();
            let f = self.table(&file, &all);
            let (bare, summary, json) = (f[0], f[2], f[4]);
            let processor = summary.processor.as_secs_f64() / bare.wall.as_secs_f64();
            let (time, of_processor, of_json, peak) = match live {
                0..=4_096 => (1.5, 2.5, 3.0, 32.0),
                4_097..=50_000 => (2.0, 3.0, 3.5, 48.0),
                _ => (2.5, 3.5, 4.0, 120.0),
            };
            let goals = &mut self.goals;
            goals.at_most(&format!("{live} live, -T summary, of libpcap counting"), summary.over(&bare), time);
            goals.at_most(&format!("{live} live, -T summary, processor time"), processor, of_processor);
            goals.at_most(&format!("{live} live, --json, of libpcap counting"), json.over(&bare), of_json);
            goals.at_most(&format!("{live} live, peak memory in MiB"), summary.peak, peak);
            for (peer, theirs) in all.iter().zip(&f).skip(ours) {
                let text = format!("{live} live, -T summary, time of that of {}", peer.name);
                goals.at_most(&text, summary.over(theirs), 1.0);
            }
        }
    }

    /// Those of the other programs that are about as fast: they run in turn with synscope, over the same file.
    fn quick_peers(&self, file: &Trace) -> Vec<Contender> {
        // Each keeps as many flows as there are, and writes them nowhere that costs anything.
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let flows = scratch.join("flows");
        fs::create_dir_all(&flows).expect("a folder");
        let paths = [&flows, &scratch.join("softflowd.ctl"), &scratch.join("softflowd.pid")];
        let [flows, control, pid] = paths.map(|path| path.to_str().expect("a path in UTF-8").to_owned());
        let f = file.text();
        let others: [(&str, &[&str]); 3] = [
            ("softflowd", &["softflowd", "-d", "-6", "-m", "1000000", "-c", &control, "-p", &pid, "-r", f]),
            ("nfpcapd", &["nfpcapd", "-r", f, "-w", &flows]),
            ("argus", &["argus", "-r", f, "-w", "/dev/null"]),
        ];
        let wanted = others.into_iter().filter(|(_, words)| self.options.peers && is_there(words[0]));
        wanted.map(|(name, words)| Contender::new(name, words.iter().copied())).collect()
    }

    fn full(&mut self) {
        let file = self.file("web", self.options.packets, 65_535);
        let all = [libpcap(&file), synscope("synscope -T summary", &file, &["-T", "summary"])];
        let f = self.table(&file, &all);
        self.goals.at_most("6.1 web, full size, of libpcap counting", f[1].over(&f[0]), 0.6);
    }

    fn mix(&mut self) {
        for snaplen in [96, 65_535] {
            let file = self.file("mix", self.options.packets, snaplen);
            let f = self.table(&file, &contenders(&file, false));
            let text = format!("2.7 mix cut at {snaplen}, of tcpdump -w /dev/null");
            self.goals.at_most(&text, f[2].over(&f[1]), 1.5);
        }
        self.peers("mix", self.options.packets);
    }

    fn established(&mut self) {
        let file = self.file("established", self.options.packets, 96);
        let f = self.table(&file, &contenders(&file, false));
        self.goals.still_at_most("3.3 established, all detectors, of none", f[2].over(&f[3]), 1.15);
    }

    fn flood(&mut self) {
        let small = ["-T", "summary", "--max-flows", "100000"];
        let web = self.file("web", self.options.packets, 96);
        let ordinary = in_turn(&[synscope("", &web, &["-T", "summary"])], self.options.runs)[0].ns(web.frames);
        println!("  {:<42}{ordinary:>10.1}", "synscope -T summary");
        drop(web);
        let file = self.file("flood", 10 * self.options.packets, 96);
        let all = [
            libpcap(&file),
            synscope("synscope -T summary", &file, &["-T", "summary"]),
            synscope("synscope -T summary --max-flows 100000", &file, &small),
            synscope("synscope -T summary --disable all", &file, &["-T", "summary", "--disable", "all"]),
        ];
        let figures = in_turn(&all, self.options.runs.min(3));
        print(&all, &figures, file.frames);
        let goals = &mut self.goals;
        goals.at_most("6.3 flood, of libpcap counting", figures[1].over(&figures[0]), 4.0);
        goals.at_most("4.3 flood, time per packet, of web", figures[1].ns(file.frames) / ordinary, 2.0);
        goals.still_at_most("4.3 flood, peak memory in MiB", figures[1].peak, 512.0);
        goals.still_at_most("6.3 flood, --max-flows 100000, peak memory in MiB", figures[2].peak, 128.0);
        for limit in [None, Some("100000")] {
            let (name, right) = (limit.map_or("", |_| ", --max-flows 100000"), legitimate(&file, limit));
            let of = Traffic::new(Sort::Flood, 10 * self.options.packets).legitimate;
            println!("  legitimate connections with their right verdict{name}: {right} of {of}");
            let text = format!("4.3 flood, per cent of legitimate connections judged wrong{name}");
            goals.still_at_most(&text, 100.0 * (1.0 - right as f64 / of as f64), 1.0);
        }
        goals.holds("4.3 flood, it is named with its victim", names_the_victim(&file));
        drop(file);
        self.peers("flood", self.options.packets / 2);
        self.peers("scan", self.options.packets / 2);
    }

    fn growth(&mut self) {
        let mut grown: Vec<(f64, f64)> = Vec::new();
        for factor in [2, 4, 8, 16] {
            let file = self.file("web", factor * self.options.packets, 96);
            let f = self.table(&file, &[synscope("synscope -T summary", &file, &["-T", "summary"])]);
            grown.push((f[0].ns(file.frames), f[0].peak));
        }
        let spread = |values: Vec<f64>| {
            let (low, high) = values.iter().fold((f64::MAX, 0.0_f64), |(l, h), v| (l.min(*v), h.max(*v)));
            100.0 * (high - low) / (high + low)
        };
        let (times, peaks) = grown.into_iter().unzip();
        self.goals.at_most("6.4 growth to 16 times, spread of time per packet in ± per cent", spread(times), 10.0);
        self.goals.at_most("6.4 growth to 16 times, spread of peak memory in ± per cent", spread(peaks), 10.0);
    }

    /// What those send who mean harm, against ordinary traffic: in a summary and in NDJSON.
    fn hostile(&mut self) {
        let formats: [(&str, &[&str]); 2] = [("-T summary", &["-T", "summary"]), ("--json", &["--json"])];
        let ordinary = self.file("web", self.options.packets, 96);
        let all = formats.map(|(name, options)| synscope(name, &ordinary, options));
        let base: Vec<f64> = self.table(&ordinary, &all).iter().map(|f| f.ns(ordinary.frames)).collect();
        drop(ordinary);
        for (attack, with) in hostile::ATTACKS {
            let mut of_half = Vec::new();
            for packets in [self.options.packets / 2, self.options.packets] {
                let file = self.file(attack, packets, 65_535);
                let all = formats.map(|(name, options)| synscope(name, &file, &[options, with].concat()));
                let figures = self.table(&file, &all);
                let ns: Vec<f64> = figures.iter().map(|f| f.ns(file.frames)).collect();
                if packets < self.options.packets {
                    of_half = ns;
                    continue;
                }
                for (n, (name, _)) in formats.iter().enumerate() {
                    let goals = &mut self.goals;
                    goals.at_most(&format!("{attack} {name}, time per packet, of web"), ns[n] / base[n], 10.0);
                    goals.at_most(&format!("{attack} {name}, of that of half as many"), ns[n] / of_half[n], 1.5);
                    goals.at_most(&format!("{attack} {name}, peak memory in MiB"), figures[n].peak, 512.0);
                }
            }
        }
    }

    fn compressed(&mut self) {
        let plain = self.file("web", self.options.packets, 96);
        let this = std::env::current_exe().expect("a name");
        let this = this.to_str().expect("UTF-8");
        assert!(Command::new(this).args(["compress", plain.text()]).status().is_ok_and(|s| s.success()), "compress");
        for suffix in ["gz", "zst"] {
            let path = PathBuf::from(format!("{}.{suffix}", plain.text()));
            let file = Trace { path, frames: plain.frames, keep: plain.keep };
            let all = [
                Contender::new(&format!("{suffix}, decompressor alone"), [this, "decompress", file.text()]),
                synscope("plain, synscope -T summary", &plain, &["-T", "summary"]),
                synscope(&format!("{suffix}, synscope -T summary"), &file, &["-T", "summary"]),
            ];
            let f = self.table(&file, &all);
            let slower = if f[0].wall > f[1].wall { f[0] } else { f[1] };
            let text = format!("6.6 {suffix}, of the slower of decompressor and analysis");
            self.goals.at_most(&text, f[2].over(&slower), 1.3);
        }
    }
}

/// How many of the legitimate connections of a flood are told of as what they are: opened by a handshake, closed by FINs.
fn legitimate(file: &Trace, max_flows: Option<&str>) -> u64 {
    let mut words = vec!["-T", "csv", "-e", "synscope.opening,synscope.closing", "-Y", "client:10.1.0.0/16"];
    words.extend(max_flows.into_iter().flat_map(|limit| ["--max-flows", limit]));
    let mut child = synscope("", file, &words).command().stdout(Stdio::piped()).spawn().expect("synscope runs");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let right = lines.map_while(Result::ok).filter(|line| line == "established,fin").count();
    assert!(child.wait().is_ok_and(|status| status.success()), "synscope fails");
    right as u64
}

/// Whether the flood is reported, once, and for its victim.
fn names_the_victim(file: &Trace) -> bool {
    let output = synscope("", file, &["-T", "summary"]).command().output().expect("synscope runs");
    let said = String::from_utf8_lossy(&output.stdout);
    said.contains("syn-flood") && said.contains(&VICTIM.to_string())
}
