//! Tabs, status strip, and hints or the command line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::super::keys::KeyAction;
use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::{Model, Typing};
use super::super::store::{Second, dropped};
use super::super::text::{count, fit};
use super::lines::{both_ends, put};
use crate::flow::Opening;
use crate::output::duration::compact;

/// What a graph shows of a second.
type Value = fn(&Second) -> u64;

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// What stands before the tabs where there is room.
const NAME: &str = " synscope ";

/// The tabs, and a rule that is thick below the current one.
pub(super) fn tabs(model: &Model, area: Rect, buffer: &mut Buffer) {
    let label = |n: usize, view: View| {
        let word = model.say([Word::Flows, Word::Ladder, Word::Events, Word::Hosts, Word::Stats][n]);
        let open = if view == View::Events { model.store.groups.open() } else { 0 };
        let number = if open > 0 { format!("·{}", count(open as u64)) } else { String::new() };
        format!(" {} {word}{number} ", n + 1)
    };
    let labels: Vec<(View, String)> =
        View::ALL.iter().copied().enumerate().map(|(n, view)| (view, label(n, view))).collect();
    let needed: usize = labels.iter().map(|(_, label)| label.width()).sum();
    // No tab is cut for the name of the program.
    let name = if needed + NAME.len() <= usize::from(area.width) { NAME } else { "" };
    let mut spans = vec![Span::styled(name, model.theme.heading())];
    let mut used = name.len();
    let mut mark = (0, 0);
    for (view, label) in labels {
        let current = view == model.wish.view;
        let style = if current { model.theme.heading() } else { Style::new() };
        let width = label.width() - 1;
        if current {
            mark = (used, width);
        }
        used += width + 1;
        spans.push(Span::styled(label.trim_end().to_owned(), style));
        spans.push(Span::raw(" "));
    }
    let room = usize::from(area.width).saturating_sub(used + 2);
    let live = if model.options.live { "● " } else { "" };
    let source = format!("{live}{}", model.hidden(&model.options.source));
    // Of a path, the name of the file says more than where it lies.
    let short = if source.width() > room.min(60) { source.rsplit('/').next().unwrap_or_default() } else { &source };
    let source = fit(short, room.min(60), true);
    // Of less than this, nobody would know what it is the rest of.
    let reported = room >= 12 || short.width() <= room;
    let source = if reported { format!("{} ", source.trim()) } else { String::new() };
    put(both_ends(spans, vec![Span::styled(source, model.theme.dim())], area.width), area, 0, buffer);
    let after = usize::from(area.width).saturating_sub(mark.0 + mark.1);
    let rule = Line::from(vec![
        Span::styled("─".repeat(mark.0), model.theme.dim()),
        Span::styled("━".repeat(mark.1), model.theme.heading()),
        Span::styled("─".repeat(after), model.theme.dim()),
    ]);
    put(rule, area, 1, buffer);
}

/// What is going on: packets, flows, drops, and where the replay is.
pub(super) fn strip(model: &Model, area: Rect, buffer: &mut Buffer) {
    let mut left = vec![Span::raw(" ")];
    let mut right = vec![Span::raw(" ")];
    right.extend(health(model, area.width));
    if let Some(then) = model.paused {
        let more = model.waiting;
        let text = format!(
            " {} +{} {} +{} {} ",
            model.say(Word::Paused),
            count(more.packets.saturating_sub(then.packets)),
            model.say(Word::Packets),
            count(more.flows.saturating_sub(then.flows)),
            model.say(Word::FlowsLower),
        );
        left.push(Span::styled(text, model.theme.loud()));
        left.push(Span::raw(" "));
    }
    if let Some(why) = model.failure.as_deref().map(|why| model.hidden(why)) {
        let room = usize::from(area.width).saturating_sub(20);
        left.push(Span::styled(fit(&format!(" {why} "), why.width().min(room) + 2, false), model.theme.loud()));
    } else if model.replaying {
        replay(model, &mut left, usize::from(area.width));
    } else {
        let taken: usize = left.iter().chain(&right).map(Span::width).sum();
        left.push(Span::raw(totals(model, area.width, usize::from(area.width).saturating_sub(taken))));
    }
    put(both_ends(left, right, area.width), area, 0, buffer);
    if area.height >= 4 {
        let graphs: [(&str, Value); 3] = [
            ("SYN/s", |s| s.begun),
            (model.say(Word::FailPerSecond), |s| s.failed),
            (model.say(Word::RttMost), |s| s.rtt.unsigned_abs()),
        ];
        for (n, (name, value)) in graphs.into_iter().enumerate() {
            // The second that runs still would always be less; where there is no other, it must do.
            let newest = model.store.seconds().rev().take(2).last().map_or(0, value);
            let shown = if n == 2 { compact(newest as i64) } else { count(newest) };
            let line = format!(" {} {shown:>7}  {}", fit(name, 9, false), sparkline(model, value, 60));
            put(Line::from(line), area, n + 1, buffer);
        }
    }
}

/// Totals in `room` columns, whole ones.
fn totals(model: &Model, width: u16, room: usize) -> String {
    let store = &model.store;
    let totals = &store.totals;
    if model.options.live {
        return live(model, width, room);
    }
    let mut text = format!(
        "{} {}  {} {}",
        count(totals.packets),
        model.say(Word::Packets),
        count(totals.flows.max(store.rows().len() as u64)),
        model.say(Word::FlowsLower)
    );
    // At the end they are those of all flows, also of any that the view has not seen.
    let verdicts = if store.position.ended { totals.by_opening } else { store.verdicts };
    let mut of = Opening::ALL.iter().zip(verdicts).filter(|(_, n)| *n > 0).map(|(o, n)| (*o, n)).collect::<Vec<_>>();
    of.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (n, (opening, of_it)) in of.into_iter().take(if width >= 100 { 5 } else { 3 }).enumerate() {
        let sign = if n == 0 { ": " } else { "  " };
        let part = format!("{sign}{} {}", count(of_it), opening_word(model, opening));
        if text.width() + part.width() > room {
            break;
        }
        text.push_str(&part);
    }
    text
}

/// What goes on now, in `room` columns: where they are too few, what says least of connections that fail goes first.
fn live(model: &Model, width: u16, room: usize) -> String {
    let store = &model.store;
    let totals = &store.totals;
    let elapsed = totals.first_time.map_or(0, |first| store.now - first).max(0) / crate::time::SECOND;
    let failing = store.fail_rate().map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}%"));
    let wide = width >= 100;
    let graph = if wide { format!(" {}", sparkline(model, |s| s.packets, 8)) } else { String::new() };
    let at = |percent| compact(store.stats.rtt.percentile(percent));
    let rtt = format!("{} p50 {} p95 {}", model.say(Word::Rtt), at(50), at(95));
    // With how soon each goes: the highest first.
    let mut parts = vec![
        (6, format!("{} {:02}:{:02}:{:02}", model.say(Word::Live), elapsed / 3600, elapsed / 60 % 60, elapsed % 60)),
        (3, format!("{} {}/s{graph}", count(store.rate(|s| s.packets) as u64), model.say(Word::Packets))),
        (5, format!("{} {:.0}/s", model.say(Word::New), store.rate(|s| s.begun))),
        (1, format!("{} {}", model.say(Word::OpenNow), count(store.open as u64))),
        (2, format!("{} {}", model.say(Word::EmbryonicNow), count(store.half_open as u64))),
        (0, format!("{} {failing}", model.say(Word::Fail))),
    ];
    if wide && store.stats.rtt.count() > 0 {
        parts.push((4, rtt));
    }
    for soon in [5, 4, 3, 6, 2, 1] {
        let needed: usize = parts.iter().map(|(_, part)| part.width() + 2).sum();
        if needed > room + 2 {
            parts.retain(|(rank, _)| *rank != soon);
        }
    }
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join("  ")
}

fn opening_word(model: &Model, opening: Opening) -> &'static str {
    match opening {
        Opening::Established => model.say(Word::Ok),
        Opening::Refused => model.say(Word::Refused),
        Opening::Unanswered => model.say(Word::NoAnswer),
        Opening::Unreachable => model.say(Word::Unreachable),
        Opening::Aborted => model.say(Word::GaveUp),
        Opening::MissingAck => model.say(Word::Embryonic),
        Opening::Midstream => model.say(Word::Midstream),
        Opening::SynAckOnly => model.say(Word::NoSyn),
        Opening::Invalid => model.say(Word::InvalidFlags),
        Opening::ResetAfterSynAck => model.say(Word::Rejected),
        Opening::Undecided => model.say(Word::Undecided),
        other => other.name(),
    }
}

/// The scrub bar: how far, with a tick where anomalies were.
fn replay(model: &Model, left: &mut Vec<Span<'_>>, width: usize) {
    let store = &model.store;
    let position = store.position;
    let sign = if position.ended {
        "■"
    } else if position.playing {
        "▸"
    } else {
        "‖"
    };
    let speed = position.speed.map_or_else(|| model.say(Word::MaxSpeed).to_owned(), |speed| format!("{speed}x"));
    let first = store.totals.first_time.unwrap_or_default();
    let text = format!("{sign} {speed} {} ", compact((store.now - first).max(0)));
    let bar_width = width.saturating_sub(text.width() + 34).clamp(8, 80);
    left.push(Span::raw(text));
    let done = (position.read.unwrap_or(0.0).clamp(0.0, 1.0) * bar_width as f64) as usize;
    let span = (store.now - first).max(1) as f64;
    let mut cells: Vec<&str> = (0..bar_width).map(|n| if n < done { "━" } else { "─" }).collect();
    for finding in store.findings.iter().filter(|f| f.anomaly.severity >= crate::detect::Severity::Note) {
        let share = ((finding.anomaly.time - first).max(0) as f64 / span).min(1.0);
        if let Some(cell) = cells.get_mut((share * done.saturating_sub(1) as f64) as usize) {
            *cell = "▲";
        }
    }
    left.push(Span::styled(cells.concat(), model.theme.heading()));
}

/// What was lost, loud if anything was, and how far reading has come.
fn health<'a>(model: &Model, width: u16) -> Vec<Span<'a>> {
    let store = &model.store;
    let totals = &store.totals;
    let mut spans = Vec::new();
    if store.evicted > 0 && width >= 80 {
        spans.push(Span::raw(format!("{} {}  ", count(store.forgotten()), model.say(Word::Evicted))));
    }
    let lost = dropped(totals);
    if model.options.live {
        let share = lost as f64 * 100.0 / (totals.received.unwrap_or(0).max(1)) as f64;
        let style = if lost > 0 { model.theme.loud() } else { Style::new() };
        spans.push(Span::styled(format!("{} {} ({share:.1}%)", model.say(Word::Drop), count(lost)), style));
    } else if let Some(read) = store.position.read.filter(|_| !model.replaying) {
        let first = totals.first_time.unwrap_or_default();
        spans.push(Span::raw(format!("{:.0}% {}", read * 100.0, compact((store.now - first).max(0)))));
    }
    spans.push(Span::raw(" "));
    spans
}

fn sparkline(model: &Model, value: fn(&Second) -> u64, width: usize) -> String {
    let values: Vec<u64> = model.store.seconds().rev().take(width).map(value).collect();
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let level = |n: &u64| LEVELS.get((n * 7).div_ceil(most) as usize).copied().unwrap_or("█");
    values.iter().rev().map(level).collect()
}

/// Keys that do something now; or the input line; or a message.
pub(super) fn hints(model: &Model, area: Rect, buffer: &mut Buffer) {
    let [help, quit] = [KeyAction::Help, KeyAction::Quit].map(|action| key_of(model, action).unwrap_or_default());
    let fixed = format!("{help} {}  {quit} {} ", model.say(Word::Help).to_lowercase(), model.say(Word::Quit));
    if let Some(typing) = &model.typing {
        typed(model, typing, area, buffer);
        return;
    }
    let right = vec![Span::styled(fixed.clone(), model.theme.dim())];
    let room = usize::from(area.width).saturating_sub(fixed.width() + 2);
    if let Some(message) = &model.message {
        let text = fit(&model.hidden(message), room, false);
        let left = vec![Span::styled(format!(" {text}"), model.theme.heading())];
        put(both_ends(left, right, area.width), area, 0, buffer);
        return;
    }
    let mut left = Vec::new();
    let mut used = 1;
    left.push(Span::raw(" "));
    if model.is_working() {
        used += 2;
        left.push(Span::styled("… ", model.theme.heading()));
    }
    if let Some(filter) = &model.filter {
        let text = model.hidden(filter.text());
        let chip = fit(&format!("[{text}]"), text.width().min(30) + 2, false);
        used += chip.width() + 2;
        left.push(Span::styled(chip, model.theme.loud()));
        left.push(Span::raw("  "));
    }
    let newcomers = model.newcomers();
    if newcomers > 0 {
        let text = format!("+{} {} ", count(newcomers as u64), model.say(Word::Newcomers));
        used += text.width();
        left.push(Span::styled(text, model.theme.loud()));
        left.push(Span::raw(" "));
    }
    for (key, word) in advertised(model) {
        let width = key.width() + 1 + model.say(word).width() + 2;
        if used + width > room {
            break;
        }
        used += width;
        left.push(Span::styled(key, model.theme.heading()));
        left.push(Span::raw(format!(" {}  ", model.say(word))));
    }
    put(both_ends(left, right, area.width), area, 0, buffer);
}

fn typed(model: &Model, typing: &Typing, area: Rect, buffer: &mut Buffer) {
    let (sign, input) = match typing {
        Typing::Filter(input, _) => ("/", input),
        Typing::Command(input) => (":", input),
    };
    let problem = model.filter_problem.as_deref().filter(|_| matches!(typing, Typing::Filter(..)));
    let style = if problem.is_some() { model.theme.class(super::super::theme::Class::Fail) } else { Style::new() };
    let value = input.value();
    let before: String = value.chars().take(input.cursor()).collect();
    let at: String = value.chars().skip(input.cursor()).take(1).collect();
    let after: String = value.chars().skip(input.cursor() + 1).collect();
    let at = if at.is_empty() { " ".to_owned() } else { at };
    let mut spans = vec![
        Span::styled(format!(" {sign}{before}"), style),
        Span::styled(at, Style::new().add_modifier(ratatui::style::Modifier::REVERSED)),
        Span::styled(after, style),
    ];
    if let Some(problem) = problem {
        spans.push(Span::styled(format!("  {problem}"), model.theme.dim()));
    }
    put(Line::from(spans), area, 0, buffer);
}

/// Keys worth naming, most useful first.
fn advertised(model: &Model) -> Vec<(String, Word)> {
    let mut actions = match model.wish.view {
        View::Flows => vec![
            (KeyAction::Open, Word::Ladder),
            (KeyAction::Explain, Word::Explain),
            (KeyAction::Filter, Word::Filter),
            (KeyAction::Sort, Word::Sort),
        ],
        View::Ladder => vec![
            (KeyAction::Back, Word::Back),
            (KeyAction::Explain, Word::Explain),
            (KeyAction::NextFlow, Word::FlowLower),
            (KeyAction::Time, Word::Time),
            (KeyAction::Mark, Word::Compare),
            (KeyAction::Yank, Word::Yank),
        ],
        View::Events => vec![
            (KeyAction::Open, Word::FlowLower),
            (KeyAction::Explain, Word::Explain),
            (KeyAction::Acknowledge, Word::Acknowledge),
            (KeyAction::Filter, Word::Filter),
            (KeyAction::LowerSeverity, Word::Severity),
        ],
        View::Hosts => vec![(KeyAction::Open, Word::FlowsLower), (KeyAction::Explain, Word::Explain)],
        View::Stats => vec![(KeyAction::Back, Word::Back)],
    };
    if model.options.live && !model.follow && matches!(model.wish.view, View::Flows | View::Ladder) {
        actions.insert(0, (KeyAction::Follow, Word::Following));
    }
    if model.replaying {
        actions.insert(0, (KeyAction::Play, Word::Play));
    } else {
        actions.push((KeyAction::Pause, Word::Pause));
    }
    actions.push((KeyAction::Save, Word::Save));
    actions.push((KeyAction::Command, Word::Command));
    actions.into_iter().filter_map(|(action, word)| Some((key_of(model, action)?, word))).collect()
}

/// The key for this, as hints write it; that for the other direction with it.
fn key_of(model: &Model, action: KeyAction) -> Option<String> {
    let key = |action| model.options.keys.of(action).map(|key| if key == "Enter" { "↵" } else { key });
    let back = match action {
        KeyAction::NextFlow => key(KeyAction::PreviousFlow),
        KeyAction::LowerSeverity => key(KeyAction::RaiseSeverity),
        _ => None,
    };
    Some(back.map_or(key(action)?.to_owned(), |back| format!("{}/{back}", key(action).unwrap_or_default())))
}
