//! The screens of the terminal view, held to the letter at four sizes, and drawn at every other one.
//! `BLESS=1 cargo test --test screens` writes the files anew; read the difference before committing it.
#![cfg(feature = "tui")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Style};
use synscope::capture::{FileInput, FileOptions, Files, Next, Source};
use synscope::detect::{Anomaly, Scope, Severity};
use synscope::engine::{Engine, Event, Settings, Sink, Totals};
use synscope::output::Locale;
use synscope::output::tui::layout::column_at;
use synscope::output::tui::model::Effect;
use synscope::output::tui::{Arrangement, Back, Command, Feed, Keys, Model, Options, Position, Tap, ThemeName, view};
use synscope::time::Timestamp;

const SIZES: [(u16, u16); 4] = [(60, 8), (80, 24), (120, 40), (200, 60)];
const COLOURS: [&str; 7] = ["red", "green", "yellow", "blue", "magenta", "cyan", "rgb"];
const VIEWS: [(&str, &str); 5] = [("1", "flows"), ("2", "ladder"), ("3", "events"), ("4", "hosts"), ("5", "stats")];

fn options() -> Options {
    Options { source: "file test.pcap".to_owned(), max_flows: 10_000, ..Options::default() }
}

/// What there is to be taken of `captures` at their ends.
fn fed(captures: &[&str]) -> Feed {
    fed_into(Feed::new(10_000), captures)
}

fn fed_into(feed: Feed, captures: &[&str]) -> Feed {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled");
    let inputs: Vec<FileInput> = captures.iter().map(|name| FileInput::Path(folder.join(name))).collect();
    let mut files = Files::open(&inputs, FileOptions::default()).expect("a capture");
    let mut tap = Tap(feed.clone());
    let mut engine = Engine::new(&Settings::default()).expect("an engine");
    let mut now = Timestamp(i64::MIN);
    while let Next::Frame(frame) = files.next().expect("a frame") {
        now = now.max(frame.time);
        engine.frame(&frame, &mut tap);
    }
    engine.finish(&mut tap);
    tap.event(&Event::Hosts { hosts: engine.hosts() });
    feed.totals(engine.totals(), now);
    feed.position(Position { read: Some(1.0), seekable: true, ended: true, ..Position::default() });
    feed
}

/// A model that has seen `captures` to their ends.
fn model(captures: &[&str], options: Options) -> Model {
    let mut model = Model::new(options);
    model.apply(fed(captures).take());
    model
}

fn story() -> Model {
    story_with(options())
}

/// Different ends: refused, unanswered, half-closed, reset, opened and closed.
fn story_with(options: Options) -> Model {
    model(
        &[
            "hs_refused.pcap",
            "hs_no_answer_exponential.pcap",
            "td_half_close.pcap",
            "td_rst_linger0.pcap",
            "hs_http_ipv6.pcap",
        ],
        options,
    )
}

fn press(model: &mut Model, keys: &str) -> Option<Effect> {
    let mut effect = None;
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            '\t' => KeyCode::Tab,
            c => KeyCode::Char(c),
        };
        effect = model.key(&KeyEvent::new(code, KeyModifiers::NONE));
    }
    effect
}

fn terminal(model: &mut Model, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal.draw(|frame| view::draw(model, frame)).expect("drawn");
    terminal
}

fn screen(model: &mut Model, size: (u16, u16)) -> String {
    let terminal = terminal(model, size);
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..size.1 {
        let mut line = String::new();
        let mut x = 0;
        while x < size.0 {
            let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
            line.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How the screen looks, line by line, in runs of columns: `05  39 plain, 11 red bold`. Equal lines are told once, and of a line
/// what is plain to its end is not told.
fn looks(model: &mut Model, size: (u16, u16)) -> String {
    let terminal = terminal(model, size);
    let buffer = terminal.backend().buffer();
    let line = |y: u16| {
        let mut runs: Vec<(u16, String)> = Vec::new();
        for x in 0..size.0 {
            let look = look(buffer.cell((x, y)).map(ratatui::buffer::Cell::style).unwrap_or_default());
            match runs.last_mut() {
                Some((columns, last)) if *last == look => *columns += 1,
                _ => runs.push((1, look)),
            }
        }
        runs.pop_if(|(_, look)| look == "plain");
        runs.into_iter().map(|(columns, look)| format!("{columns} {look}")).collect::<Vec<_>>().join(", ")
    };
    let lines: Vec<String> = (0..size.1).map(line).collect();
    let mut text = String::new();
    let mut from = 0;
    for equal in lines.chunk_by(|a, b| a == b) {
        let to = from + equal.len() - 1;
        if !equal[0].is_empty() {
            let place = if from == to { format!("{from:02}") } else { format!("{from:02}-{to:02}") };
            writeln!(text, "{place}  {}", equal[0]).expect("a string");
        }
        from = to + 1;
    }
    text
}

/// Colours and modifiers of a cell in words.
fn look(style: Style) -> String {
    let colour = |colour: Option<Color>, on| {
        colour
            .filter(|colour| *colour != Color::Reset)
            .map(|colour| format!("{on}{}", colour.to_string().to_lowercase()))
    };
    let modifiers = style.add_modifier.iter_names().map(|(name, _)| name.to_lowercase());
    let words: Vec<String> = colour(style.fg, "").into_iter().chain(colour(style.bg, "on ")).chain(modifiers).collect();
    if words.is_empty() { "plain".to_owned() } else { words.join(" ") }
}

fn check(name: &str, got: &str, wrong: &mut Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/screens").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(&path, got).expect("golden file is writable");
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    if got != want {
        let line = got.lines().zip(want.lines()).position(|(g, w)| g != w).unwrap_or(0);
        let at = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
        wrong.push(format!("{name}:{}\n  got  {}\n  want {}", line + 1, at(got), at(&want)));
    }
}

#[test]
fn every_view_at_four_sizes_in_both_languages() {
    let mut wrong = Vec::new();
    for (locale, language) in [(Locale::En, "en"), (Locale::Ko, "ko")] {
        let mut model = story_with(Options { locale, ..options() });
        for (key, view) in VIEWS {
            press(&mut model, key);
            for size in SIZES {
                let name = format!("{view}-{}x{}.{language}.txt", size.0, size.1);
                check(&name, &screen(&mut model, size), &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_view_at_four_sizes_with_and_without_colour() {
    let mut wrong = Vec::new();
    for (locale, language) in [(Locale::En, "en"), (Locale::Ko, "ko")] {
        let mut coloured = story_with(Options { locale, ..options() });
        let mut plain = story_with(Options { locale, theme: ThemeName::Mono, ..options() });
        for (key, view) in VIEWS {
            press(&mut coloured, key);
            press(&mut plain, key);
            for (model, name) in [(&mut coloured, "colour"), (&mut plain, "no-color")] {
                let reported = SIZES.map(|size| format!("{}x{}\n{}", size.0, size.1, looks(model, size)));
                check(&format!("{view}.{name}.{language}.looks"), &reported.join("\n"), &mut wrong);
            }
            for size in SIZES {
                // Words and signs carry the meaning: without colour they are the same.
                assert_eq!(screen(&mut plain, size), screen(&mut coloured, size), "{view} {size:?} {language}");
                let reported = looks(&mut plain, size);
                assert!(
                    !COLOURS.iter().any(|colour| reported.contains(colour)),
                    "colour where there should be none\n{reported}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hosts_that_scan_or_can_be_guessed() {
    let mut wrong = Vec::new();
    for (captures, name) in [(["scan_syn.pcap"], "scan"), (["isn_inc_64000.pcap"], "isn")] {
        for (locale, language) in [(Locale::En, "en"), (Locale::Ko, "ko")] {
            let mut model = model(&captures, Options { locale, ..options() });
            press(&mut model, "4");
            for size in [(80, 24), (120, 40)] {
                let name = format!("{name}-{}x{}.{language}.txt", size.0, size.1);
                check(&name, &screen(&mut model, size), &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Octets count, not only flows: in the table, and while changes wait for it.
#[test]
fn flows_take_no_more_octets_than_they_may() {
    const MOST: usize = 100_000;
    let feed = fed(&["scan_syn.pcap"]);
    let mut model = Model::new(Options { max_octets: MOST, ..options() });
    let mut said = false;
    loop {
        let batch = feed.take_at_most(20);
        let more = batch.more;
        model.apply(batch);
        assert!(model.octets() <= MOST, "{}", model.octets());
        said |= screen(&mut model, (200, 60)).contains("the table is full: --max-memory keeps more flows");
        if !more {
            break;
        }
    }
    assert!(said && model.octets() > MOST / 2, "{}", model.octets());
    press(&mut model, "5");
    let seen = screen(&mut model, (200, 60));
    assert!(seen.contains("flows it forgot (--max-memory)"), "{seen}");

    let feed = fed_into(Feed::new(10_000).within(MOST), &["scan_syn.pcap"]);
    assert!((MOST / 2..=MOST).contains(&feed.octets()), "{}", feed.octets());
    assert!(feed.take().dropped > 0 && feed.octets() == 0);
}

#[test]
fn what_piled_up_is_taken_in_parts_and_shown_the_same() {
    let captures = ["scan_syn.pcap", "td_half_close.pcap"];
    let mut at_once = model(&captures, options());
    let (feed, mut in_parts, mut parts) = (fed(&captures), Model::new(options()), 0);
    loop {
        let batch = feed.take_at_most(50);
        let more = batch.more;
        assert!(batch.flows.len() <= 50);
        in_parts.apply(batch);
        parts += 1;
        if !more {
            break;
        }
    }
    assert!(parts > 5);
    for (key, _) in VIEWS {
        press(&mut at_once, key);
        press(&mut in_parts, key);
        assert_eq!(screen(&mut in_parts, (120, 40)), screen(&mut at_once, (120, 40)));
    }
}

#[test]
fn what_was_found_about_a_host_is_named_in_whole() {
    for locale in Locale::ALL.iter().copied() {
        let mut model = model(&["scan_syn.pcap"], Options { locale, ..options() });
        press(&mut model, "4");
        for size in SIZES {
            let screen = screen(&mut model, size);
            let line = screen.lines().find(|line| line.starts_with('▌')).expect("a selected host");
            assert!(line.contains("scan-vertical"), "{size:?}\n{screen}");
        }
    }
}

#[test]
fn the_status_strip_leaves_words_out_and_cuts_none() {
    for (live, kept) in [(false, "100%"), (true, "fail")] {
        let mut model = story_with(Options { live, ..options() });
        for size in SIZES {
            let screen = screen(&mut model, size);
            let strip = screen.lines().nth(2).expect("a status strip");
            assert!(!strip.contains('…') && strip.contains(kept), "{size:?}\n{screen}");
        }
    }
}

#[test]
fn screens_of_the_readme_are_golden_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(root.join("testdata/screens")).expect("a folder");
    let golden: Vec<String> = files
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("text").trim_end().to_owned())
        .collect();
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    let shown: Vec<&str> = readme.split("```text\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(shown.len() >= 3);
    for screen in shown {
        assert!(golden.iter().any(|golden| golden == screen), "no golden screen is\n{screen}");
    }
}

#[test]
fn overlays() {
    let mut wrong = Vec::new();
    for (locale, language) in [(Locale::En, "en"), (Locale::Ko, "ko")] {
        for (keys, name) in [("?", "help"), ("jjjj", "why"), ("jjjje", "explain"), ("2xjjx", "compare")] {
            let mut model = story_with(Options { locale, ..options() });
            press(&mut model, keys);
            for size in [(80, 24), (120, 40)] {
                check(&format!("{name}-{}x{}.{language}.txt", size.0, size.1), &screen(&mut model, size), &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Draws every view at `size`.
fn draw_every_view(model: &mut Model, size: (u16, u16)) {
    for (key, _) in VIEWS {
        press(model, key);
        terminal(model, size);
    }
}

#[test]
fn every_small_size_is_drawn() {
    let mut model = story();
    // Too small for any pane, and the first sizes that are not.
    for (width, height) in (1..=61).flat_map(|width| (1..=9).map(move |height| (width, height))) {
        draw_every_view(&mut model, (width, height));
    }
}

#[test]
fn every_size_about_a_breakpoint_is_drawn() {
    let mut model = story();
    for width in [59, 60, 79, 80, 99, 100, 119, 120, 139, 140, 149, 150, 220] {
        for height in [7, 8, 15, 16, 29, 30, 39, 40, 70] {
            draw_every_view(&mut model, (width, height));
        }
    }
}

/// What a model has seen.
const STATES: [&[&str]; 6] = [
    &["fmt.empty.pcap"],
    &["hs_refused.pcap", "hs_no_answer_exponential.pcap"],
    &["td_half_close.pcap", "hs_http_ipv6.pcap", "td_rst_linger0.pcap"],
    &["hs_missing_ack.server.pcap", "hs_icmp_rejected.pcap"],
    &["hs_simultaneous_open.a.pcap", "td_midstream.pcap"],
    &["scan_syn_slow.pcap"],
];

const THEMES: [ThemeName; 6] =
    [ThemeName::Auto, ThemeName::Light, ThemeName::Dark, ThemeName::HighContrast, ThemeName::Cvd, ThemeName::Mono];

/// Keys that change what is shown, and some that do nothing there.
const KEYS: [&str; 42] = [
    "j",
    "k",
    "g",
    "G",
    "5j",
    "\n",
    "\x1b",
    "\t",
    "J",
    "K",
    "s",
    "S",
    "S",
    "p",
    "f",
    "t",
    "i",
    "P",
    "x",
    "xjx",
    "e",
    "d",
    "ma",
    "'a",
    "?",
    "z",
    "|",
    "+",
    "-",
    "++++++",
    "------",
    "V",
    "a",
    "c",
    "y",
    "/refused\n",
    "/outcome:",
    "/[",
    ":seek 1",
    ":nonsense\n",
    "w",
    ",",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_view_of_every_state_is_drawn_at_every_size(
        width in 1..=220u16,
        height in 1..=70u16,
        then in (1..=220u16, 1..=70u16),
        state in 0..STATES.len(),
        keys in proptest::collection::vec((0..VIEWS.len(), 0..KEYS.len()), 0..4),
        korean: bool,
        ascii: bool,
        live: bool,
        replay: bool,
        arrangement in 0..4usize,
        theme in 0..THEMES.len(),
    ) {
        let mut model = model(STATES[state], Options {
            locale: if korean { Locale::Ko } else { Locale::En },
            theme: THEMES[theme],
            arrangement: [Arrangement::Auto, Arrangement::Compact, Arrangement::Split, Arrangement::Full][arrangement],
            ascii,
            live,
            replay,
            ..options()
        });
        for (view, key) in keys {
            press(&mut model, VIEWS[view].0);
            press(&mut model, KEYS[key]);
            terminal(&mut model, (width, height));
        }
        // The window was resized.
        let seen = screen(&mut model, then);
        prop_assert!(!ascii || seen.is_ascii(), "{seen}");
        prop_assert!(seen.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= usize::from(then.0)), "{seen}");
        prop_assert!(then.0 < 60 || then.1 < 8 || seen.lines().count() == usize::from(then.1));
    }
}

#[test]
fn a_screen_in_ascii_holds_nothing_else() {
    for (key, _) in VIEWS {
        let mut model = story_with(Options { ascii: true, ..options() });
        press(&mut model, key);
        for size in SIZES {
            assert!(screen(&mut model, size).is_ascii());
        }
    }
}

#[test]
fn why_does_this_client_not_connect_takes_two_keys() {
    let mut model = model(&["bn_web_client.pcap", "hs_refused.pcap"], options());
    // S: the newest first. e: why.
    press(&mut model, "/refused\n");
    let seen = screen(&mut model, (80, 24));
    assert!(seen.contains("the server's RST answered the SYN"), "{seen}");
    press(&mut model, "e");
    let seen = screen(&mut model, (80, 24));
    assert!(seen.contains("nothing listens on that port") && seen.contains("RFC 9293"), "{seen}");
}

#[test]
fn every_reason_not_to_connect_takes_two_keys() {
    for (capture, english, korean) in [
        ("hs_refused.pcap", "the server's RST answered the SYN", "서버가 SYN에 RST로 답했습니다"),
        ("hs_no_answer_exponential.pcap", "nothing answered the SYN", "SYN에 아무 응답이 없습니다"),
        ("hs_no_answer.pcap", "nothing answered the SYN", "SYN에 아무 응답이 없습니다"),
        ("hs_icmp_rejected.pcap", "an ICMP error answered the SYN", "SYN에 ICMP 오류가 왔습니다"),
        (
            "hs_missing_ack.server.pcap",
            "the client never completed the handshake",
            "클라이언트가 handshake를 마치지 않았습니다",
        ),
        (
            "hs_client_gave_up.pcap",
            "the client answered the SYN-ACK with RST",
            "클라이언트가 SYN-ACK에 RST로 답했습니다",
        ),
    ] {
        for (locale, answer) in [(Locale::En, english), (Locale::Ko, korean)] {
            let mut model = model(&[capture], Options { locale, ..options() });
            // The last flow, and why.
            press(&mut model, "Ge");
            for size in SIZES {
                let seen = screen(&mut model, size);
                let box_lines = seen.lines().filter_map(|line| line.split('│').nth(1)).map(str::trim);
                let all = box_lines.collect::<Vec<_>>().join(" ");
                assert!(all.contains(answer), "{capture} {size:?}\n{seen}");
            }
        }
    }
}

#[test]
fn repetitions_do_not_begin_the_wait_anew() {
    // Live: at the end of the capture three repetitions are enough for a verdict.
    let feed = Feed::new(100);
    play(&frames("hs_missing_ack.server.pcap"), &feed, usize::MAX);
    let mut model = Model::new(options());
    model.apply(feed.take());
    let seen = screen(&mut model, (80, 24));
    assert!(seen.contains("no ACK ×3") && seen.contains("waiting for the final ACK for 3."), "{seen}");
}

#[test]
fn a_filter_that_is_wrong_leaves_the_last_good_one() {
    let mut model = story();
    press(&mut model, "/outcome:refused");
    let seen = screen(&mut model, (120, 40));
    assert!(seen.contains("▌     2 ") && !seen.contains("no answer ×"), "{seen}");
    press(&mut model, "d:");
    let seen = screen(&mut model, (120, 40));
    assert!(seen.contains("/outcome:refusedd:") && seen.contains("outcome 'refusedd"), "{seen}");
    press(&mut model, "\x1b\x1b");
    assert!(!screen(&mut model, (120, 40)).contains("[outcome"));
}

/// Frames of a capture, as a test can keep them.
fn frames(capture: &str) -> Vec<(u64, Timestamp, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/labelled").join(capture);
    let mut files = Files::open(&[FileInput::Path(path)], FileOptions::default()).expect("a capture");
    let mut frames = Vec::new();
    while let Next::Frame(frame) = files.next().expect("a frame") {
        frames.push((frame.number, frame.time, frame.data.to_vec()));
    }
    frames
}

/// Plays frames into a feed, which is marked as 1 before frame `mark`.
fn play(frames: &[(u64, Timestamp, Vec<u8>)], feed: &Feed, mark: usize) {
    let mut tap = Tap(feed.clone());
    let mut engine = Engine::new(&Settings::default()).expect("an engine");
    for (n, (number, time, data)) in frames.iter().enumerate() {
        if n == mark {
            feed.totals(engine.totals(), frames[n - 1].1);
            assert!(feed.mark(1) && !feed.mark(2), "one at a time");
        }
        let wire_len = data.len() as u32;
        let link = synscope::decode::LinkType(1);
        let frame = synscope::decode::Frame {
            number: *number,
            time: *time,
            link,
            interface: 0,
            wire_len,
            data: data.as_slice(),
        };
        engine.frame(&frame, &mut tap);
    }
    feed.totals(engine.totals(), frames.last().map_or(Timestamp(0), |(_, time, _)| *time));
}

#[test]
fn going_back_to_a_mark_shows_what_was_there() {
    let frames = frames("hs_http_client_closes_first.pcap");
    let half = frames.len() / 2;
    let alone = Feed::new(100);
    play(&frames[..half], &alone, usize::MAX);
    let mut want = Model::new(options());
    want.apply(alone.take());
    let feed = Feed::new(100);
    let mut model = Model::new(options());
    play(&frames, &feed, half);
    loop {
        let batch = feed.take();
        let more = batch.mark.is_some();
        model.apply(batch);
        if !more {
            break;
        }
    }
    let ended = screen(&mut model, (120, 40));
    feed.back(Back::Mark(1));
    model.apply(feed.take());
    let seen = screen(&mut model, (120, 40));
    assert_ne!(seen, ended);
    assert_eq!(seen, screen(&mut want, (120, 40)));
    feed.back(Back::Start);
    model.apply(feed.take());
    assert!(screen(&mut model, (120, 40)).contains("no flows yet"));
    feed.drop_mark(1);
    model.apply(feed.take());
    feed.back(Back::Mark(1));
    model.apply(feed.take());
    assert!(screen(&mut model, (120, 40)).contains("no flows yet"), "the mark is gone");
}

#[test]
fn a_flow_of_a_time_of_losses_has_a_doubtful_verdict() {
    let frames = frames("hs_no_answer_exponential.pcap");
    for (lost, doubtful) in [(0, false), (7, true)] {
        let feed = Feed::new(100);
        let mut model = Model::new(Options { live: true, ..options() });
        play(&frames, &feed, usize::MAX);
        model.apply(feed.take());
        let totals = Totals { dropped_kernel: Some(lost), received: Some(100), ..Totals::default() };
        feed.totals(totals, Timestamp(i64::MAX));
        model.apply(feed.take());
        let seen = screen(&mut model, (120, 40));
        assert_eq!(seen.contains("retry ×3?"), doubtful, "{seen}");
        assert_eq!(seen.contains("drop 7 (7.0%)"), doubtful, "{seen}");
        press(&mut model, "e");
        assert_eq!(screen(&mut model, (120, 40)).contains("packets were lost"), doubtful);
    }
}

#[test]
fn many_connections_that_close_well_do_not_hide_one_that_did_not_open() {
    let feed = Feed::new(100);
    let mut tap = Tap(feed.clone());
    let mut model = Model::new(options());
    let anomaly = |severity, n: u64| Anomaly {
        id: if severity == Severity::Info { "close-normal" } else { "conn-refused" },
        reference: "RFC 9293",
        severity,
        scope: Scope::Flow,
        time: Timestamp(n as i64),
        reason: String::new(),
        incident: None,
        flow_id: Some(n),
        source: None,
        destination: None,
        frames: Vec::new(),
        figures: Vec::new(),
    };
    for n in 0..100_000 {
        let severity = if n == 7 { Severity::Note } else { Severity::Info };
        tap.event(&Event::Anomaly { anomaly: &anomaly(severity, n), flow: None });
        if n % 1000 == 0 {
            model.apply(feed.take());
        }
    }
    press(&mut model, "3G");
    let seen = screen(&mut model, (80, 24));
    assert!(seen.contains("Events·1") && seen.contains("conn-refused          #7"), "{seen}");
}

#[test]
fn hosts_are_called_as_asked() {
    let names = Arc::new(std::iter::once(("192.0.2.200".parse().expect("an address"), "printer".to_owned())).collect());
    let mut model = model(&["hs_refused.pcap"], Options { names, ..options() });
    for (name, keys) in [("192.0.2.200:25449", ""), ("printer:25449", "i"), ("printer(192.0.2.200):25449", "i")] {
        press(&mut model, keys);
        assert!(screen(&mut model, (200, 60)).contains(name), "{name}");
    }
    press(&mut model, "P");
    let seen = screen(&mut model, (200, 60));
    assert!(!seen.contains("192.0.2.200") && !seen.contains("printer") && seen.contains(":25449"), "a mask is a mask");
}

#[test]
fn a_click_on_a_heading_sorts() {
    let mut model = story();
    let heading = |model: &mut Model| screen(model, (120, 40)).lines().nth(3).map(str::to_owned).unwrap_or_default();
    let at = |line: &str, word: &str| line.find(word).map_or(0, |at| line[..at].chars().count() as u16);
    let place = at(&heading(&mut model), "Outcome");
    let column = column_at(120, place).expect("a column");
    model.click_heading(column);
    assert!(heading(&mut model).contains("Outcome▴"));
    model.click_heading(column);
    assert!(heading(&mut model).contains("Outcome▾"));
    assert_eq!(column_at(120, 119), None);
}

#[test]
fn keys_of_the_configuration_are_used_and_shown() {
    let chosen = [("quit".to_owned(), vec!["Q".to_owned()]), ("down".to_owned(), vec!["n".to_owned()])];
    let keys = Keys::chosen(&chosen.into_iter().collect()).expect("keys");
    let mut model = story_with(Options { keys, ..options() });
    assert_eq!(press(&mut model, "q"), None);
    assert_eq!(press(&mut model, "Q"), Some(Effect::Quit));
    assert!(screen(&mut model, (80, 24)).contains("Q quit"));
    press(&mut model, "n?");
    let seen = screen(&mut model, (120, 40));
    assert!(seen.contains("n Down") || seen.contains("│ n "), "{seen}");
}

#[test]
fn keys_move_mark_sort_and_ask() {
    let mut model = story();
    let selected = |model: &mut Model| {
        let seen = screen(model, (80, 24));
        seen.lines()
            .find(|line| line.starts_with('▌'))
            .and_then(|line| line[3..].split_whitespace().next().map(str::to_owned))
    };
    assert_eq!(selected(&mut model).as_deref(), Some("1"));
    press(&mut model, "jj");
    assert_eq!(selected(&mut model).as_deref(), Some("3"));
    press(&mut model, "maG");
    assert_ne!(selected(&mut model).as_deref(), Some("3"));
    press(&mut model, "'a");
    assert_eq!(selected(&mut model).as_deref(), Some("3"));
    press(&mut model, "S");
    assert_eq!(selected(&mut model).as_deref(), Some("3"), "the selection stays with its flow");
    assert_eq!(press(&mut model, "q"), Some(Effect::Quit));
    assert!(matches!(press(&mut model, "yf"), Some(Effect::Copy(text)) if text.starts_with("tcp and host ")));
    assert!(
        matches!(press(&mut model, ":save this x.pcapng\n"), Some(Effect::Analysis(Command::Save(saving))) if saving.flows.len() == 1)
    );
    assert!(
        matches!(press(&mut model, ":export x.md\n"), Some(Effect::Write(_, text)) if text.contains("sequenceDiagram"))
    );
    assert_eq!(press(&mut model, ","), Some(Effect::Analysis(Command::Step(-1))));
    assert!(matches!(press(&mut model, ":seek 0.5\n"), Some(Effect::Analysis(Command::Seek(_)))));
}

/// A feed of `flows` SYNs, each of another port of 192.0.2.1 to `server`; they are 1 ms apart.
fn syns(feed: &Feed, engine: &mut Engine, numbers: std::ops::Range<u64>, server: [u8; 4], answered: bool) {
    let mut tap = Tap(feed.clone());
    for n in numbers.clone() {
        let time = Timestamp(1_700_000_000_000_000_000 + n as i64 * 1_000_000);
        let client = std::net::SocketAddr::from(([192, 0, 2, 1], 1024 + (n % 60_000) as u16));
        let server = std::net::SocketAddr::from((server, 1 + (n / 60_000) as u16));
        let syn = common::frames::Frame::new(client, server)
            .with(common::frames::SYN, 100, 0)
            .options(common::frames::SYN_OPTIONS)
            .bytes();
        let refusal =
            common::frames::Frame::new(server, client).with(common::frames::RST | common::frames::ACK, 0, 101).bytes();
        for (more, data) in [(0, syn), (1, refusal)].into_iter().take(1 + usize::from(answered)) {
            let frame = synscope::decode::Frame {
                number: 2 * n + 1 + more,
                time,
                link: synscope::decode::LinkType(1),
                interface: 0,
                wire_len: data.len() as u32,
                data: &data,
            };
            engine.frame(&frame, &mut tap);
        }
    }
    feed.totals(engine.totals(), Timestamp(1_700_000_000_000_000_000 + numbers.end as i64 * 1_000_000));
}

fn live() -> (Feed, Engine, Model) {
    let engine = Engine::new(&Settings::default()).expect("an engine");
    (Feed::new(10_000), engine, Model::new(Options { live: true, ..options() }))
}

#[test]
fn the_newest_flow_is_followed_until_the_selection_moves() {
    let (feed, mut engine, mut model) = live();
    let selected = |model: &mut Model| {
        let seen = screen(model, (80, 24));
        let line = seen.lines().find(|line| line.starts_with('▌')).unwrap_or_default().to_owned();
        line.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    for (from, to) in [(0, 3), (3, 5)] {
        syns(&feed, &mut engine, from..to, [192, 0, 2, 2], false);
        model.apply(feed.take());
        assert_eq!(selected(&mut model), to.to_string());
    }
    press(&mut model, "j");
    assert_eq!(selected(&mut model), "4", "moving stops following");
    syns(&feed, &mut engine, 5..17, [192, 0, 2, 2], false);
    model.apply(feed.take());
    assert_eq!(selected(&mut model), "4");
    let seen = screen(&mut model, (80, 24));
    assert!(seen.contains("+12 new") && seen.contains("f follow"), "{seen}");
    press(&mut model, "f");
    assert_eq!(selected(&mut model), "17");
    assert!(!screen(&mut model, (80, 24)).contains("12 new"));
    press(&mut model, "jj");
    model.key(&KeyEvent::new(KeyCode::End, KeyModifiers::NONE));
    syns(&feed, &mut engine, 17..18, [192, 0, 2, 2], false);
    model.apply(feed.take());
    assert_eq!(selected(&mut model), "18");
    // A file is read from its beginning.
    assert_eq!(selected(&mut story()), "1");
}

#[test]
fn a_scan_is_pinned_above_every_view_until_it_is_acknowledged() {
    for (locale, word) in [(Locale::En, "ports"), (Locale::Ko, "포트")] {
        let mut model = model(&["scan_connect.pcap"], Options { locale, ..options() });
        for (key, view) in VIEWS {
            press(&mut model, key);
            for size in SIZES {
                let seen = screen(&mut model, size);
                let alert = seen.lines().nth(if seen.contains("SYN/s") { 6 } else { 3 }).expect("a line");
                assert!(alert.starts_with("! scan") || alert.starts_with("‼ scan"), "{view} {size:?}\n{seen}");
                assert!(size.0 < 80 || alert.contains("/s"), "{view} {size:?}\n{seen}");
                assert!(size.0 < 120 || alert.contains(word), "{view} {size:?}\n{seen}");
            }
        }
        // As often as there is one.
        let mut pressed = 0;
        while screen(&mut model, (80, 24)).lines().nth(3).is_some_and(|line| line.starts_with(['!', '‼'])) {
            press(&mut model, "A");
            pressed += 1;
            assert!(pressed < 20, "{}", screen(&mut model, (80, 24)));
        }
        assert!(pressed > 0);
    }
}

#[test]
fn repeats_are_one_line_and_filters_and_severities_hold_for_events() {
    let (feed, mut engine, mut model) = live();
    syns(&feed, &mut engine, 0..300, [198, 51, 100, 9], true);
    syns(&feed, &mut engine, 300..302, [198, 51, 100, 10], true);
    model.apply(feed.take());
    press(&mut model, "3");
    let seen = screen(&mut model, (100, 30));
    let folded = |seen: &str| seen.lines().filter(|line| line.contains("conn-refused")).count();
    assert!(seen.contains("conn-refused ×300") && seen.contains("192.0.2.1 → 198.51.100.9 "), "{seen}");
    assert_eq!(folded(&seen), 2, "{seen}");
    assert!(!seen.contains(" info "), "{seen}");
    press(&mut model, "/server:198.51.100.10\n");
    let seen = screen(&mut model, (100, 30));
    assert!(seen.contains("conn-refused ×2 ") && !seen.contains("×300"), "{seen}");
    press(&mut model, "\x1b3/server:198.51.100.99\n");
    assert!(screen(&mut model, (100, 30)).contains("no anomaly of this"));
    // Severities: note, warn, and back; unfolded.
    press(&mut model, "\x1b3+");
    assert_eq!(folded(&screen(&mut model, (100, 30))), 0);
    press(&mut model, "-d");
    let seen = screen(&mut model, (100, 30));
    assert!(folded(&seen) > 10, "{seen}");
    // -Y from the command line holds as well.
    let filter = synscope::flow_filter::FlowFilter::parse("server:198.51.100.10").expect("a filter");
    let mut model = Model::new(Options { live: true, filter: Some(filter), ..options() });
    let (feed, mut engine, _) = live();
    syns(&feed, &mut engine, 0..3, [198, 51, 100, 9], true);
    syns(&feed, &mut engine, 3..5, [198, 51, 100, 10], true);
    model.apply(feed.take());
    press(&mut model, "3");
    let seen = screen(&mut model, (100, 30));
    assert!(seen.contains("conn-refused ×2 ") && folded(&seen) == 1, "{seen}");
}

#[test]
fn a_selected_event_or_host_stays_selected_when_others_come() {
    let (feed, mut engine, mut model) = live();
    syns(&feed, &mut engine, 0..2, [198, 51, 100, 9], true);
    syns(&feed, &mut engine, 2..4, [198, 51, 100, 10], true);
    model.apply(feed.take());
    press(&mut model, "3j");
    let selected = |model: &mut Model| {
        let seen = screen(model, (100, 30));
        seen.lines().find(|line| line.starts_with('▌')).unwrap_or_default().to_owned()
    };
    let seen = screen(&mut model, (100, 30));
    assert!(selected(&mut model).contains("198.51.100.9"), "{seen}");
    syns(&feed, &mut engine, 4..6, [198, 51, 100, 11], true);
    model.apply(feed.take());
    let seen = screen(&mut model, (100, 30));
    assert!(selected(&mut model).contains("198.51.100.9"), "{seen}");
    // The reason of the selected one, not of some flow.
    press(&mut model, "e");
    let seen = screen(&mut model, (100, 40));
    assert!(seen.contains("conn-refused (") && seen.contains("198.51.100.9"), "{seen}");
    press(&mut model, "\x1b\n");
    assert!(screen(&mut model, (100, 30)).contains("[ip:192.0.2.1 ip:198.51.100.9]"));
}

#[test]
fn figures_are_of_verdicts_as_they_are_reached() {
    let (feed, mut engine, mut model) = live();
    syns(&feed, &mut engine, 0..3, [198, 51, 100, 9], true);
    syns(&feed, &mut engine, 3..4, [198, 51, 100, 9], false);
    model.apply(feed.take());
    let seen = screen(&mut model, (80, 24));
    assert!(seen.contains("fail 100.0%"), "refused connections have not ended, but failed\n{seen}");
    assert!(seen.contains("embryonic 0") && seen.contains("open "), "{seen}");
    // A SYN-ACK that nobody acknowledges.
    let frames = frames("hs_missing_ack.server.pcap");
    let feed = Feed::new(100);
    play(&frames, &feed, usize::MAX);
    let mut model = Model::new(Options { live: true, ..options() });
    model.apply(feed.take());
    let seen = screen(&mut model, (120, 40));
    assert!(seen.contains("embryonic 1"), "{seen}");
}

#[test]
fn hosts_have_all_their_findings_and_are_actors_or_victims() {
    for (locale, open, since) in [(Locale::En, "open ", "since "), (Locale::Ko, "열림 ", "부터")] {
        let mut model = model(&["scan_connect.pcap"], Options { locale, ..options() });
        press(&mut model, "4");
        let seen = screen(&mut model, (120, 40));
        let details = seen.split("────────").last().unwrap_or_default();
        for part in ["scan-vertical →", "/s · ", open, since, "connect"] {
            assert!(details.contains(part), "{part}\n{seen}");
        }
        assert!(details.contains("tech-connect →"), "all findings\n{seen}");
        let victim = seen.lines().any(|line| line.contains(" ← scan-vertical"));
        assert!(victim, "{seen}");
        press(&mut model, "e");
        let seen = screen(&mut model, (120, 40));
        assert!(seen.contains("scan-vertical (") && !seen.contains(" · mss"), "{seen}");
    }
}

/// More flows come than there is room for, between two looks at the order.
#[test]
fn the_table_is_never_blank_in_a_flood() {
    let most = 21_000;
    for keys in ["", "sss/192\n"] {
        let mut model = Model::new(Options { live: true, max_flows: most, ..options() });
        press(&mut model, keys);
        let mut n = 0;
        let (feed, mut engine) = (Feed::new(most), Engine::new(&Settings::default()).expect("an engine"));
        for _ in 0..2 {
            // As many again within a moment of packet time; slices of work are left undone, as when keys come.
            syns(&feed, &mut engine, n..n + most as u64, [198, 51, 100, 9], false);
            n += most as u64;
            model.apply(feed.take());
            (0..20).for_each(|_| {
                model.work();
            });
            let seen = screen(&mut model, (80, 24));
            let rows =
                seen.lines().filter(|line| line.contains("198.51.100.9:") && line.contains("192.0.2.1:")).count();
            assert!(rows >= 10, "{rows} rows with {keys:?}\n{seen}");
        }
    }
}

#[test]
fn no_address_is_seen_where_they_are_masked() {
    let captures = ["scan_connect.pcap", "hs_refused.pcap", "hs_http_ipv6.pcap"];
    let leaks =
        |text: &str| ["192.0.2.", "198.51.100.", "203.0.113.", "10.", "2001:db8"].iter().any(|ip| text.contains(ip));
    for (is_private, keys) in [(true, ""), (false, "P")] {
        let source = "file from-192.0.2.7.pcap".to_owned();
        let mut model = model(&captures, Options { is_private, source, ..options() });
        press(&mut model, keys);
        for (key, view) in VIEWS {
            press(&mut model, key);
            for size in SIZES {
                for more in ["", "e", "\x1b", "j"] {
                    press(&mut model, more);
                    let seen = screen(&mut model, size);
                    let addresses =
                        seen.split_whitespace().filter(|word| word.matches('.').count() >= 3 || word.contains("::"));
                    let seen: String = addresses.filter(|word| !word.contains("9293")).collect::<Vec<_>>().join("\n");
                    assert!(!leaks(&seen), "{view} {size:?}\n{seen}");
                }
            }
        }
        press(&mut model, "\x1b1G&");
        assert!(screen(&mut model, (120, 40)).contains("[(server:"));
        for size in SIZES {
            assert!(!leaks(&screen(&mut model, size).replace("RFC", "")), "the chip");
        }
        for letter in ["y", "f", "p", "j"] {
            let effect = press(&mut model, &format!("y{letter}"));
            assert!(matches!(&effect, Some(Effect::Copy(text)) if !leaks(text)), "{effect:?}");
        }
        for name in ["x.md", "x.txt", "x.json"] {
            let effect = press(&mut model, &format!(":export {name}\n"));
            assert!(matches!(&effect, Some(Effect::Write(_, text)) if !leaks(text)), "{effect:?}");
        }
        assert_eq!(press(&mut model, ":save this x.pcapng\n"), None, "packets hold addresses");
        press(&mut model, "P");
        assert_eq!(leaks(&screen(&mut model, (120, 40))), !is_private, "--privacy holds to the end");
    }
}
