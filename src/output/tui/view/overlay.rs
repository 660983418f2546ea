//! What lies over the panes: the keys, why a flow got its verdict, two steps side by side.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::{Model, Overlay};
use super::super::text::{explanation, figures, fit, reason, right};
use super::lines::{put, wrap};
use crate::detect::Anomaly;
use crate::flow::{Ends, Flow, Step};
use crate::output::duration::human;
use crate::output::explain::anomalies;
use crate::output::words::state_name;

/// Draws the overlay, if there is one.
pub(super) fn draw(model: &mut Model, screen: Rect, buffer: &mut Buffer) {
    let Some(overlay) = model.overlay else { return };
    let width = screen.width.saturating_sub(4).min(100);
    let inner = usize::from(width).saturating_sub(4);
    let (title, lines) = match overlay {
        Overlay::Help => (Word::Help, help(model, inner)),
        Overlay::Explain => (Word::Explain, explain(model, inner)),
        Overlay::Compare { from, to } => (Word::Compare, compare(model, from, to)),
    };
    // On a low screen there is no room to spare for tabs.
    let (top, bottom) = if screen.height < 16 { (0, 1) } else { (2, 2) };
    let most = screen.height.saturating_sub(top + bottom);
    let height = most.min(u16::try_from(lines.len() + 2).unwrap_or(most));
    let area = Rect::new((screen.width - width) / 2, top + (most - height) / 2, width, height).intersection(screen);
    Clear.render(area, buffer);
    let shown = usize::from(height.saturating_sub(2));
    model.overlay_top = model.overlay_top.min(lines.len().saturating_sub(shown));
    frame(model, title, lines.len() > shown, area, buffer);
    for (n, line) in lines.into_iter().skip(model.overlay_top).take(shown).enumerate() {
        let text = Rect::new(area.x + 2, area.y, area.width.saturating_sub(4), area.height);
        put(Line::raw(line), text, n + 1, buffer);
    }
}

fn frame(model: &Model, title: Word, more: bool, area: Rect, buffer: &mut Buffer) {
    let title = model.say(title);
    let foot = if more { " j/k  Esc " } else { " Esc " };
    let rule = |text: &str| {
        let rest = usize::from(area.width).saturating_sub(text.width() + 3);
        format!("┌─{text}{}┐", "─".repeat(rest))
    };
    put(Line::styled(rule(&format!(" {title} ")), model.theme.heading()), area, 0, buffer);
    let bottom = rule(foot).replace('┌', "└").replace('┐', "┘");
    put(Line::styled(bottom, model.theme.heading()), area, usize::from(area.height).saturating_sub(1), buffer);
    for row in 1..area.height.saturating_sub(1) {
        for x in [area.x, area.right().saturating_sub(1)] {
            if let Some(cell) = buffer.cell_mut((x, area.y + row)) {
                cell.set_symbol("│");
            }
        }
    }
}

fn help(model: &Model, width: usize) -> Vec<String> {
    let two = width >= 80;
    let half = if two { width / 2 } else { width };
    let entry =
        |(keys, about): (String, Word)| fit(&format!("{} {}", fit(&keys, 18, false), model.say(about)), half, false);
    let entries: Vec<String> = model.options.keys.groups().into_iter().map(entry).collect();
    if !two {
        return entries;
    }
    let rows = entries.len().div_ceil(2);
    (0..rows)
        .map(|n| {
            let cell = |at: usize| entries.get(at).map_or("", String::as_str);
            format!("{}{}", cell(n), cell(n + rows))
        })
        .collect()
}

/// Why the selected flow has its verdict; in the lists of events and hosts, what the selected one is.
fn explain(model: &Model, width: usize) -> Vec<String> {
    let lines = match model.wish.view {
        View::Events => model.selected_event().map_or_else(Vec::new, |row| findings(model, None, &[row.group.anomaly])),
        View::Hosts => model
            .selected_host()
            .map_or_else(Vec::new, |ip| findings(model, Some(&model.name_of_host(ip)), &model.findings_about(ip))),
        View::Flows | View::Ladder | View::Stats => model.row().map_or_else(Vec::new, |row| {
            let findings: Vec<&Anomaly> = model.store.findings_of(row.id).collect();
            explanation(row, &findings, model.options.locale)
        }),
    };
    if lines.is_empty() {
        return vec![model.say(Word::NoSelection).to_owned()];
    }
    lines.iter().flat_map(|line| wrapped(&model.hidden(line), width)).collect()
}

/// What was found, its reason, and what its rule says.
fn findings(model: &Model, whom: Option<&str>, findings: &[Arc<Anomaly>]) -> Vec<String> {
    let locale = model.options.locale;
    let mut lines: Vec<String> = whom.map(str::to_owned).into_iter().collect();
    for anomaly in findings {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("{} {} ({})", anomaly.severity.name(), anomaly.id, anomaly.reference));
        lines.push(format!("  {}", reason(anomaly, locale)));
        if reason(anomaly, locale) != anomaly.reason {
            lines.push(format!("  {}", anomaly.reason));
        }
        lines.extend(
            Some(figures(anomaly, locale, None).join(" · "))
                .filter(|text| !text.is_empty())
                .map(|text| format!("  {text}")),
        );
        lines.push(format!("  {}", anomalies::description(anomaly.id, locale)));
    }
    if findings.is_empty() {
        lines.push(format!("  {}", model.say(Word::NoEvents)));
    }
    lines
}

/// A line in as many as it takes, all indented like its first.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let indent = line.len() - line.trim_start().len();
    if line.width() <= width {
        return vec![line.to_owned()];
    }
    let lead = " ".repeat(indent);
    let parts = wrap(line.trim_start(), width.saturating_sub(indent));
    parts.into_iter().map(|part| format!("{lead}{part}")).collect()
}

fn compare(model: &Model, from: (u64, usize), to: (u64, usize)) -> Vec<String> {
    let find = |(id, step): (u64, usize)| {
        let flow = model.store.row(id).map(|row| &*row.flow)?;
        Some((flow, flow.steps.get(step)?, flow.story().after.get(step).copied()?))
    };
    let (Some(a), Some(b)) = (find(from), find(to)) else { return vec![model.say(Word::NoSelection).to_owned()] };
    let titles = [from, to].map(|(id, step)| format!("#{id} {} {}", model.say(Word::Step), step + 1));
    let line = |name: &str, left: &str, right_side: &str| {
        let sign = if left == right_side { " " } else { "≠" };
        format!("{} {sign} {}  {}", fit(name, 12, false), right(left, 26), fit(right_side, 26, false))
    };
    let mut lines = vec![line("", &titles[0], &titles[1])];
    for ((name, left), (_, right_side)) in facts(model, a.0, a.1, a.2).into_iter().zip(facts(model, b.0, b.1, b.2)) {
        lines.push(line(name, &left, &right_side));
    }
    lines.push(String::new());
    lines.push(format!("{} Δt", human(b.1.time - a.1.time)));
    lines
}

fn facts(model: &Model, flow: &Flow, step: &Step, ends: Ends) -> Vec<(&'static str, String)> {
    let offer = flow.peer(step.from).offer.filter(|_| step.flags.any(crate::tcp::Flags::SYN));
    let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    vec![
        (model.say(Word::From), step.from.name().to_owned()),
        (model.say(Word::Flags), step.flags.to_string()),
        (model.say(Word::Frame), step.frame.to_string()),
        ("seq", step.seq.0.to_string()),
        ("ack", number(step.ack.map(|ack| ack.0.into()))),
        (model.say(Word::Payload), step.payload.to_string()),
        (model.say(Word::Repeat), step.repeat.to_string()),
        (model.say(Word::SideClient), state_name(ends.client).to_owned()),
        (model.say(Word::SideServer), state_name(ends.server).to_owned()),
        ("mss", number(offer.and_then(|o| o.mss).map(Into::into))),
        ("ws", number(offer.and_then(|o| o.window_scale).map(Into::into))),
        (model.say(Word::Window), number(offer.map(|o| o.window.into()))),
        ("ttl", number(offer.map(|o| o.ttl.into()))),
    ]
}
