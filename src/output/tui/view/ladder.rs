//! The ladder of the selected flow: the rows of [`crate::output::ladder`], drawn to the width there is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::{Model, Times};
use super::super::store::FlowRow;
use super::super::text::{expectation, fit, outcome, phase, right};
use super::super::theme::Class;
use super::lines::{put, scrolled};
use crate::flow::{Flow, Label, Side, Step};
use crate::flow_filter::Phase;
use crate::output::clock::Civil;
use crate::output::duration::{human, short};
use crate::output::explain::terms;
use crate::output::ladder::{Row as Rung, StepRow, data, rows};
use crate::output::words::state_name;
use crate::tcp::Flags;
use crate::time::Timestamp;

/// Widths of the columns.
struct Shape {
    delta: bool,
    lane: usize,
    notes: usize,
}

impl Shape {
    /// Beside a table there is less room than for itself (`own`): there notes are worth more than the time since the
    /// last step.
    fn of(width: u16, own: bool) -> Self {
        let width = usize::from(width);
        let delta = width >= if own { 76 } else { 100 };
        let fixed = 1 + 3 + 1 + 10 + if delta { 10 } else { 0 } + 1 + 12 + 1 + 2 + 1 + 12;
        let room = width.saturating_sub(fixed);
        let lane = match room {
            45.. => 26,
            38..45 if !own => 24,
            _ => room.clamp(12, 26),
        };
        Self { delta, lane, notes: room.saturating_sub(lane + 1) }
    }

    /// Columns in front of the client's lifeline.
    fn indent(&self) -> usize {
        1 + 3 + 1 + 10 + if self.delta { 10 } else { 0 } + 1 + 12 + 1
    }
}

/// Draws the ladder; with `own`, as the view's own pane, with the selected step and its details.
pub(super) fn draw(model: &mut Model, area: Rect, own: bool, buffer: &mut Buffer) {
    let Some(row) = model.row() else {
        put(Line::styled(format!("   {}", model.say(Word::NoSelection)), model.theme.dim()), area, 1, buffer);
        return;
    };
    let shape = Shape::of(area.width, own);
    let flow = &row.flow;
    if own {
        put(title(model, row, area.width), area, 0, buffer);
    } else {
        let ends = [&flow.client, &flow.server].map(|peer| model.name_of(peer.endpoint));
        super::lines::heading(model, &format!("{}  {} → {}", flow.id, ends[0], ends[1]), area, buffer);
    }
    put(Line::styled(captions(model, &shape), model.theme.dim()), area, 1, buffer);
    let rungs = rows(flow, !model.unfolded);
    let detail = if own && area.height >= 12 { 3 } else { 0 };
    let height = usize::from(area.height).saturating_sub(2 + detail);
    let cursor = rungs
        .iter()
        .position(|rung| matches!(rung, Rung::Step(step) if step.n > model.step))
        .unwrap_or(rungs.len().saturating_sub(1));
    let top = if own { model.tops[View::Ladder as usize] } else { 0 };
    let newest = rungs.len().saturating_sub(1);
    let top = scrolled(top, if own { cursor } else { newest }, height.saturating_sub(1), rungs.len() + 1);
    let expected = expectation(row, model.store.now, model.time_wait(), model.options.locale);
    let indent = shape.indent().min(usize::from(area.width).saturating_sub(expected.width() + 3));
    let now = format!("{}▌ {expected}", " ".repeat(indent));
    let lines: Vec<Line<'_>> = rungs
        .iter()
        .enumerate()
        .map(|(n, rung)| rung_line(model, flow, rung, &shape, own && n == cursor))
        .chain([Line::styled(now, model.theme.heading())])
        .skip(top)
        .take(height)
        .collect();
    let details = details(model, flow);
    for (n, line) in lines.into_iter().enumerate() {
        put(line, area, n + 2, buffer);
    }
    if detail > 0 {
        let at = usize::from(area.height) - detail;
        put(Line::styled("─".repeat(area.width.into()), model.theme.dim()), area, at, buffer);
        for (n, line) in details.into_iter().enumerate().take(2) {
            put(Line::raw(line), area, at + 1 + n, buffer);
        }
    }
    if own {
        model.tops[View::Ladder as usize] = top;
    }
}

fn title<'a>(model: &Model, row: &FlowRow, width: u16) -> Line<'a> {
    let flow = &row.flow;
    let ends = [&flow.client, &flow.server].map(|peer| model.name_of(peer.endpoint));
    let left = format!(" #{} {} → {}", flow.id, ends[0], ends[1]);
    let verdict = format!("   {} · {}  ", model.say(phase(Phase::of(flow))), outcome(row, model.options.locale));
    let right = format!("{}/{} ◂ ▸ ", model.position().map_or(0, |at| at + 1), model.shown_len());
    // The verdict is never cut.
    let room = usize::from(width).saturating_sub(right.width() + verdict.width());
    let left = fit(&left, left.width().min(room), false);
    let rest = " ".repeat(room.saturating_sub(left.width()));
    Line::from(vec![
        Span::styled(format!("{left}{verdict}{rest}"), model.theme.heading()),
        Span::styled(right, model.theme.dim()),
    ])
}

fn captions(model: &Model, shape: &Shape) -> String {
    let delta = if shape.delta { format!("{:>10}", "Δ") } else { String::new() };
    let notes = if shape.notes > 4 { model.say(Word::Notes) } else { "" };
    let (client, server) = (model.say(Word::Client).to_uppercase(), model.say(Word::Server).to_uppercase());
    let (client, server, lane) = (right(&client, 12), fit(&server, 12, false), " ".repeat(shape.lane));
    format!(" {:>3} {:>10}{delta} {client} │{lane}│ {server} {notes}", "#", "t")
}

fn rung_line<'a>(model: &Model, flow: &Flow, rung: &Rung, shape: &Shape, selected: bool) -> Line<'a> {
    let mark = |text: &str| {
        let text = fit(text, text.width().min(shape.lane), false);
        let pad = shape.lane.saturating_sub(text.width());
        let line =
            format!("{}╎{}{text}{}╎", " ".repeat(shape.indent()), " ".repeat(pad / 2), " ".repeat(pad - pad / 2));
        Line::styled(line, model.theme.dim())
    };
    match rung {
        Rung::Before { client, server } => {
            let lead = " ".repeat(shape.indent() - 13);
            Line::styled(
                format!("{lead}{:>12} │{}│ ({})", state_name(*client), " ".repeat(shape.lane), state_name(*server)),
                model.theme.dim(),
            )
        }
        Rung::Step(step) => step_line(model, flow, step, shape, selected),
        Rung::Data { segments, client_bytes, server_bytes, .. } => mark(&data(*segments, *client_bytes, *server_bytes)),
        Rung::Established => mark(model.say(Word::PhaseEstablished)),
        Rung::HalfClosed(time) => mark(&format!("{} {}", model.say(Word::PhaseHalfClosed), human(*time))),
        Rung::Dropped(steps) => mark(&format!("+{steps} {}", model.say(Word::MoreSteps))),
    }
}

fn step_line<'a>(model: &Model, flow: &Flow, row: &StepRow, shape: &Shape, selected: bool) -> Line<'a> {
    let step = flow.steps.get(row.n.saturating_sub(1));
    let time = step.map_or_else(String::new, |step| time(model, flow, step));
    let delta = if shape.delta { right(&row.delta(), 10) } else { String::new() };
    let caption = fit(&row.caption, row.caption.width().min(shape.lane.saturating_sub(3)), false);
    let dashes = (shape.lane.saturating_sub(1)).saturating_sub(caption.width());
    let (before, after) = ("─".repeat(dashes / 2), "─".repeat(dashes - dashes / 2));
    let arrow = match row.from {
        Side::Client => format!("├{before}{caption}{after}▶│"),
        Side::Server => format!("│◀{before}{caption}{after}┤"),
    };
    let sign = if selected { "▌" } else { " " };
    let text = format!("{sign}{:>3} {}{delta} {:>12} ", row.n, right(&time, 10), state_name(row.client));
    let bad = step.is_some_and(|step| matches!(step.label, Label::Rst | Label::Icmp | Label::Other));
    let style = if selected { model.theme.selected() } else { ratatui::style::Style::new() };
    let arrow_style = if bad { model.theme.class(Class::Fail) } else { style };
    let mut notes = step.filter(|_| shape.notes > 4).map_or_else(String::new, |step| notes(flow, step));
    if row.since_last < 0 {
        let order = model.say(Word::CaptureOrder);
        notes = if notes.is_empty() { order.to_owned() } else { format!("{order} · {notes}") };
    }
    Line::from(vec![
        Span::styled(text, style),
        Span::styled(arrow, arrow_style),
        Span::styled(format!(" {:<12} ", state_name(row.server)), style),
        Span::styled(fit(&notes, shape.notes.saturating_sub(1), false), model.theme.dim()),
    ])
}

/// The time of a step in the style asked for.
fn time(model: &Model, flow: &Flow, step: &Step) -> String {
    let clock = |time: Timestamp| {
        let at = Civil::of(time);
        format!("{:02}:{:02}:{:02}.{}", at.hour, at.minute, at.second, time.subsecond_nanos() / 100_000_000)
    };
    let since = |start: Timestamp| if step.time == start { "0".to_owned() } else { short(step.time - start) };
    match model.times {
        Times::Flow => since(flow.first_time),
        Times::Capture => since(model.store.totals.first_time.unwrap_or(flow.first_time)),
        Times::Local => {
            use chrono::{Local, TimeZone};
            let local = Local.timestamp_nanos(step.time.0);
            local.format("%H:%M:%S%.3f").to_string().chars().take(10).collect()
        }
        Times::Utc => clock(step.time),
        Times::Epoch => step.time.seconds().to_string(),
    }
}

/// What is worth saying beside a step: the anomalies it proves, options of SYNs.
fn notes(flow: &Flow, step: &Step) -> String {
    let mut notes: Vec<String> = flow
        .marks
        .iter()
        .filter(|mark| mark.frames.contains(&step.frame))
        .map(|mark| format!("{} {}", Class::of(mark.severity).glyph(), mark.rule).trim_start().to_owned())
        .collect();
    let offer = match (step.label, step.from) {
        (Label::Syn | Label::SynAck, side) => flow.peer(side).offer,
        _ => None,
    };
    if let Some(offer) = offer.filter(|_| step.flags.any(Flags::SYN)) {
        let number = |n: Option<u16>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let sack = if offer.sack_permitted { " sack" } else { "" };
        let ts = if offer.timestamps.is_some() { " ts" } else { "" };
        notes.push(format!(
            "mss {} ws {}{sack}{ts} ttl {}",
            number(offer.mss),
            number(offer.window_scale.map(u16::from)),
            offer.ttl
        ));
    }
    notes.join(" · ")
}

/// Two lines on the selected step and on the next step expected.
fn details(model: &Model, flow: &Flow) -> Vec<String> {
    let Some((n, step)) = flow.steps.get(model.step).map(|step| (model.step + 1, step)) else { return Vec::new() };
    let side = model.say(if step.from == Side::Client { Word::SideClient } else { Word::SideServer });
    let base = flow.peer(step.from).base();
    let mut line = format!(
        " {} {n} · {side} {} · {} {} · seq={} ({})",
        model.say(Word::Step),
        step.flags,
        model.say(Word::Frame),
        step.frame,
        step.seq.0,
        step.seq.0.wrapping_sub(base.0)
    );
    if let Some(ack) = step.ack {
        let peer = flow.peer(step.from.other()).base();
        line.push_str(&format!(" ack={} ({})", ack.0, ack.0.wrapping_sub(peer.0)));
    }
    if step.payload > 0 {
        line.push_str(&format!(" {} B", step.payload));
    }
    if step.repeat > 1 {
        line.push_str(&format!(" ×{}", step.repeat));
    }
    let notes = notes(flow, step);
    let certainty = terms::certainty(step.certainty).get(model.options.locale);
    let second = if notes.is_empty() { format!(" {certainty}") } else { format!(" {certainty} · {notes}") };
    vec![line, second]
}
