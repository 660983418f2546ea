//! What the terminal view takes with a full table: `cargo bench --bench key_to_paint`.
//!
//! First, from a key to the last octet of the frame it makes, key by key. Then, the processor time of the view's thread (taking
//! in what happened, ordering, drawing ten times a second) while 10,000 packets a second arrive, each of them of a handshake:
//! ordinary data does not reach the view. Prints figures, and fails where one is over its limit.

use std::hint::black_box;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use synscope::decode::{Frame, LinkType};
use synscope::engine::{Engine, Settings};
use synscope::output::tui::{Feed, MOST_AT_ONCE, Model, Options, Tap, view};
use synscope::time::{MICROSECOND, Timestamp};

const FLOWS: u32 = 200_000;
/// The longest that a key may take to be painted, in 99 of 100 cases.
const BUDGET: Duration = Duration::from_millis(50);
/// The view looks for keys at least so often while it works (`WORK` of its terminal).
const WORK: Duration = Duration::from_millis(10);
/// How often each key is pressed.
const ROUNDS: usize = 2;

/// Packets a second, frames a second, and seconds that are watched.
const RATE: u32 = 10_000;
const FRAMES: u32 = 10;
const SECONDS: u32 = 5;
/// The most of a processor that showing them may take at that rate, percent.
const SHARE: f64 = 5.0;

/// What is pressed, by purpose. Each row leaves the view as it found it.
const KEYS: [(&str, &str); 7] = [
    ("scroll", "jjjjkkJK\x06\x02\x04\x15GgG9jg"),
    ("views", "1234554321]][[1"),
    ("sort", "ssSjjsGgsssSssss"),
    ("filter", "/dport:80\n\x1b/outcome:refused sport>30000\n\x1b/client:10.0.7.0/24\x1b"),
    ("find", "\\/10.0.7\nnnN\\\x1b"),
    ("panes", "zz||||++--"),
    ("overlays", "e\x1b?jj\x1btttttiiiPPdd"),
];

fn main() -> ExitCode {
    let mut bench = Bench::new();
    let start = Instant::now();
    for _ in 0..FLOWS {
        bench.connection(4 * MICROSECOND);
        if bench.flows.is_multiple_of(10_000) {
            bench.hand_over();
        }
    }
    bench.hand_over();
    println!("{FLOWS} flows in {:.1?}, screen 200x60", start.elapsed());
    let keys = bench.keys();
    let share = bench.drawing();
    if keys && share { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Time on the wall, and on a processor.
type Times = (Duration, Duration);

/// An analysis, and the view of it, by turns on one thread.
struct Bench {
    engine: Engine,
    tap: Tap,
    model: Model,
    terminal: Terminal<CrosstermBackend<io::Sink>>,
    flows: u32,
    packets: u64,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 200, 60)) };
        Self {
            engine: Engine::new(&Settings::default()).expect("an engine"),
            tap: Tap(Feed::new(FLOWS as usize)),
            model: Model::new(Options { live: true, max_flows: FLOWS as usize, ..Options::default() }),
            terminal: Terminal::with_options(CrosstermBackend::new(io::sink()), options).expect("a terminal"),
            flows: 0,
            packets: 0,
            now: Timestamp(0),
        }
    }

    /// One more connection, `gap` nanoseconds between its packets: every fifth is refused.
    fn connection(&mut self, gap: i64) {
        let n = self.flows;
        let refused = n.is_multiple_of(5);
        let handshake = [(true, 0x02), (false, if refused { 0x14 } else { 0x12 }), (true, 0x10)];
        for (up, flags) in handshake.into_iter().take(if refused { 2 } else { 3 }) {
            self.packets += 1;
            self.now = self.now.after(gap);
            let data = packet(n, up, flags);
            let (time, number, wire_len) = (self.now, self.packets, data.len() as u32);
            let frame = Frame { number, time, link: LinkType(101), interface: 0, wire_len, data: &data };
            self.engine.frame(&frame, &mut self.tap);
        }
        self.flows += 1;
    }

    /// The view takes what has happened.
    fn hand_over(&mut self) {
        self.tap.0.totals(self.engine.totals(), self.now);
        self.model.apply(self.tap.0.take());
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| view::draw(&mut self.model, frame)).expect("drawn");
    }

    /// Does what is left to be done, as the view does between keys; the longest time in which no key would be seen.
    fn settle(&mut self) -> Times {
        let mut longest = Times::default();
        while self.model.is_working() {
            let took = timed(|| {
                black_box(self.model.work());
            });
            longest = longest.max(took);
        }
        longest
    }

    /// Presses every key; whether each was painted in time, the slice of work included that it may have to wait for.
    fn keys(&mut self) -> bool {
        let (mut all, mut slices) = (Vec::new(), Vec::new());
        println!("key to paint, ms    keys     p50     p99     max   of that on a processor");
        for (purpose, keys) in KEYS {
            let mut times = Vec::new();
            for c in keys.repeat(ROUNDS).chars() {
                let key = event(c);
                times.push(timed(|| {
                    black_box(self.model.key(&key));
                    self.draw();
                }));
                slices.push(self.settle());
            }
            reported(purpose, &mut times);
            all.extend(times);
        }
        reported("all", &mut all);
        let longest = self.pause();
        println!("longest part of what came in a pause {:.1?} ({:.1?} on a processor)", longest.0, longest.1);
        slices.sort_unstable();
        let slice = percentile(&slices, 99);
        println!("longest slice of work after a key, p99 {slice:.1?}");
        let worst = percentile(&all, 99) + WORK + slice.max(longest.0);
        println!("key to paint while it works, p99: {worst:.1?} of {BUDGET:?}");
        worst < BUDGET
    }

    /// What piles up in a pause is taken in parts; the longest time that one takes.
    fn pause(&mut self) -> Times {
        self.model.key(&event('p'));
        (0..20_000).for_each(|_| self.connection(1_000_000_000 / i64::from(RATE)));
        self.model.key(&event('p'));
        let (mut longest, mut more) = (Times::default(), true);
        while more {
            longest = longest.max(timed(|| {
                let batch = self.tap.0.take_at_most(MOST_AT_ONCE);
                more = batch.more;
                self.model.apply(batch);
            }));
        }
        longest
    }

    /// What the view's thread takes of a processor while packets come; whether that is little enough for every view.
    fn drawing(&mut self) -> bool {
        println!("at {RATE} packets a second, percent of a processor");
        println!("{:<22}       all  taken in  in order     drawn", "");
        let mut good = true;
        for (what, keys) in [
            ("flows", "1"),
            ("ladder", "2"),
            ("events", "3"),
            ("hosts", "4"),
            ("stats", "5"),
            ("flows, filtered", "1/outcome:refused\n"),
            ("flows, sorted by RTT", "\x1bsssss"),
        ] {
            for c in keys.chars() {
                self.model.key(&event(c));
                self.settle();
            }
            let [taken, ordered, drawn] = self.second();
            let all = taken + ordered + drawn;
            println!("{what:<22} {all:>9.1} {taken:>9.1} {ordered:>9.1} {drawn:>9.1}");
            good &= ordered + drawn < SHARE;
        }
        good
    }

    /// Percent of a processor for taking in what happened, for ordering, and for drawing.
    fn second(&mut self) -> [f64; 3] {
        let mut busy = [Duration::ZERO; 3];
        for _ in 0..SECONDS * FRAMES {
            let until = self.packets + u64::from(RATE / FRAMES);
            while self.packets < until {
                self.connection(1_000_000_000 / i64::from(RATE));
            }
            busy[0] += timed(|| self.hand_over()).1;
            busy[1] += timed(|| {
                self.settle();
            })
            .1;
            busy[2] += timed(|| self.draw()).1;
        }
        busy.map(|busy| busy.as_secs_f64() * 100.0 / f64::from(SECONDS))
    }
}

/// The key that a character stands for.
fn event(c: char) -> KeyEvent {
    match c {
        '\n' => KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE),
        '\x1b' => KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE),
        '\0'..'\x1b' => KeyEvent::new(KeyCode::Char((c as u8 + b'a' - 1).into()), KeyModifiers::CONTROL),
        c => KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
    }
}

fn timed(what: impl FnOnce()) -> Times {
    let (busy, start) = (on_processor(), Instant::now());
    what();
    let wall = start.elapsed();
    (wall, on_processor().zip(busy).map_or(wall, |(now, then)| now.saturating_sub(then)))
}

/// Time of this thread on a processor, where Linux tells (`/proc/thread-self/schedstat`): on a busy machine the rest was waiting.
fn on_processor() -> Option<Duration> {
    // Else it is only counted at the ticks of the clock.
    std::thread::yield_now();
    let reported = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    reported.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Prints a row about these times, and sorts them.
fn reported(purpose: &str, times: &mut [Times]) {
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let [p50, p99, most] = [50, 99, 100].map(|percent| ms(percentile(times, percent)));
    let busy = times.iter().map(|(_, busy)| ms(*busy)).fold(0.0, f64::max);
    println!("{purpose:<18} {:>5} {p50:>7.2} {p99:>7.2} {most:>7.2} {busy:>7.2}", times.len());
}

/// Of sorted times, by the wall.
fn percentile(times: &[Times], percent: usize) -> Duration {
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).map_or(Duration::ZERO, |time| time.0)
}

fn packet(n: u32, up: bool, flags: u8) -> Vec<u8> {
    let client = (0x0a00_0000 + n / 200).to_be_bytes();
    let server = [192, 0, 2, (n % 7) as u8 + 1];
    let (cport, sport) = ((20_000 + n % 40_000) as u16, [80u16, 443, 22, 25][n as usize % 4]);
    let (from, to, source, destination) =
        if up { (client, server, cport, sport) } else { (server, client, sport, cport) };
    let mut data = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0];
    data.extend_from_slice(&from);
    data.extend_from_slice(&to);
    data.extend_from_slice(&source.to_be_bytes());
    data.extend_from_slice(&destination.to_be_bytes());
    let (seq, ack) = match (up, flags) {
        (true, 0x02) => (100u32, 0u32),
        (false, _) => (300, 101),
        _ => (101, 301),
    };
    data.extend_from_slice(&seq.to_be_bytes());
    data.extend_from_slice(&ack.to_be_bytes());
    data.extend_from_slice(&[0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    data
}
