//! From a key to the last octet of the frame it makes, with a full table: `cargo bench --bench key_to_paint`.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use synscope::decode::{Frame, LinkType};
use synscope::detect::registry::rules;
use synscope::engine::{Engine, Settings};
use synscope::output::Locale;
use synscope::output::tui::{Arrangement, Feed, Keys, Model, Options, Tap, ThemeName, view};
use synscope::time::{MICROSECOND, Timestamp};

const FLOWS: u32 = 200_000;
const BUDGET: Duration = Duration::from_millis(50);

fn main() {
    let mut model = full();
    let area = Rect::new(0, 0, 200, 60);
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(io::sink()), options).expect("a terminal");
    let mut times: Vec<(Duration, Duration, String)> = Vec::new();
    let (mut settled, mut slices) = (Duration::ZERO, Vec::new());
    let keys = "jjjjkGgjjsSjjjsjsjsjsjsjsSs12345123/dport:80\n\x1b/outcome:refused sport>30000\n\x1bfjpp\\/10.0.7\nnnN\\\x1bzz||e\x1b?\x1bJK";
    for _ in 0..4 {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            let (start, busy) = (Instant::now(), on_processor());
            black_box(model.key(&KeyEvent::new(code, KeyModifiers::NONE)));
            terminal.draw(|frame| view::draw(&mut model, frame)).expect("drawn");
            times.push((start.elapsed(), on_processor().saturating_sub(busy), c.escape_default().to_string()));
            // What the view does between keys; a key that comes then waits for one slice at most.
            let mut took = Duration::ZERO;
            while model.is_working() {
                let start = Instant::now();
                model.work();
                took += start.elapsed();
                slices.push(start.elapsed());
            }
            settled = settled.max(took);
        }
    }
    times.sort();
    slices.sort();
    let slice = slices.get(slices.len() * 99 / 100).copied().unwrap_or_default();
    println!("filtered and sorted in {settled:.3?} at most, in slices of {slice:.3?} (p99)");
    let at = |percent: usize| &times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("{FLOWS} flows, {} keys, 200x60", times.len());
    for percent in [50, 90, 99, 100] {
        let (time, busy, key) = at(percent);
        println!("p{percent:<4} {time:>12.3?}  {busy:>12.3?} of it on a processor  {key}");
    }
    assert!(at(99).0 + slice < BUDGET, "over budget");
}

/// Time of this thread on a processor, where Linux tells (`/proc/thread-self/schedstat`): on a busy machine the rest was waiting.
fn on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// A view of a full table.
fn full() -> Model {
    let feed = Feed::new(FLOWS as usize);
    let mut tap = Tap(feed.clone());
    let mut engine = Engine::new(&Settings::default()).expect("an engine");
    let mut model = Model::new(Options {
        source: "bench".to_owned(),
        live: true,
        replay: false,
        theme: ThemeName::Auto,
        ascii: false,
        locale: Locale::En,
        force_color: false,
        true_color: false,
        mouse: false,
        fps: 10,
        max_flows: FLOWS as usize,
        filter: None,
        arrangement: Arrangement::Auto,
        rule_id: |index| rules().nth(index.into()).map(|rule| rule.id),
        time_wait: 240_000_000_000,
        names: Arc::default(),
        keys: Keys::default(),
    });
    let start = Instant::now();
    let mut number = 0;
    for n in 0..FLOWS {
        for (up, flags) in [(true, 0x02), (false, if n % 5 == 0 { 0x14 } else { 0x12 }), (true, 0x10)] {
            if n % 5 == 0 && flags == 0x10 {
                continue;
            }
            number += 1;
            let data = packet(n, up, flags);
            engine.frame(&frame(number, &data), &mut tap);
        }
        if n % 10_000 == 0 {
            feed.totals(engine.totals(), Timestamp(i64::from(n) * 10 * MICROSECOND));
            model.apply(feed.take());
        }
    }
    feed.totals(engine.totals(), Timestamp(i64::from(FLOWS) * 10 * MICROSECOND));
    model.apply(feed.take());
    println!("filled in {:.2?}", start.elapsed());
    model
}

fn frame(number: u64, data: &[u8]) -> Frame<'_> {
    let time = Timestamp(number as i64 * 4 * MICROSECOND);
    Frame { number, time, link: LinkType(101), interface: 0, wire_len: data.len() as u32, data }
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
