//! Anomalies, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::{EventRow, Model};
use super::super::text::{count, fit, reason};
use super::super::theme::Class;
use super::lines::{heading, put, scrolled, wrap};
use crate::detect::Anomaly;
use crate::output::clock::Civil;
use crate::tcp::Endpoint;

/// Draws the list; with `own`, as the view's own pane, with a cursor and all of the selected one below it.
pub(super) fn draw(model: &mut Model, area: Rect, own: bool, buffer: &mut Buffer) {
    let known = model.store.finding_count;
    let from = model.least.name();
    let title = format!("{} {} · ≥ {from} · {}", model.say(Word::Events), count(known), model.say(Word::NewestFirst));
    heading(model, &title, area, buffer);
    let detail = match area.height {
        20.. if own => 6,
        12.. if own => 4,
        _ => 0,
    };
    let height = usize::from(area.height.saturating_sub(1 + detail));
    let rows = model.events(if own { usize::MAX } else { height });
    let length = rows.len();
    let cursor = if own { model.cursors[View::Events as usize].min(length.saturating_sub(1)) } else { 0 };
    let top = if own { scrolled(model.tops[View::Events as usize], cursor, height, length) } else { 0 };
    if length == 0 {
        let word = if known == 0 { Word::NoEvents } else { Word::NoEventsFor };
        put(Line::styled(format!("   {}", model.say(word)), model.theme.dim()), area, 1, buffer);
    }
    for (n, row) in rows.iter().enumerate().skip(top).take(height) {
        put(line(model, row, own && n == cursor, area.width), area, n - top + 1, buffer);
    }
    if let Some(selected) = rows.get(cursor).filter(|_| detail > 0) {
        let at = usize::from(area.height - detail);
        put(Line::styled("─".repeat(area.width.into()), model.theme.dim()), area, at, buffer);
        let lines = details(model, &selected.group.anomaly, usize::from(area.width).saturating_sub(2));
        for (n, line) in lines.into_iter().enumerate() {
            put(Line::raw(format!(" {line}")), area, at + 1 + n, buffer);
        }
    }
    if own {
        model.tops[View::Events as usize] = top;
    }
}

/// Whom it is about, its frames, and its reason in full.
fn details(model: &Model, anomaly: &Anomaly, width: usize) -> Vec<String> {
    let mut head = who(model, anomaly, false, usize::MAX);
    if !anomaly.frames.is_empty() {
        let frames: Vec<String> = anomaly.frames.iter().map(ToString::to_string).collect();
        head = format!("{head} · {} {}", model.say(Word::Frames), frames.join(", "));
    }
    let mut lines = vec![head];
    let reported = reason(anomaly, model.options.locale);
    lines.extend(wrap(&model.hidden(reported), width));
    if reported != anomaly.reason {
        lines.extend(wrap(&model.hidden(&anomaly.reason), width));
    }
    lines
}

/// The flow with its ends where there is room for them, the host, or the scope; of what is folded, the hosts.
pub(super) fn who(model: &Model, anomaly: &Anomaly, folded: bool, room: usize) -> String {
    let end = |end: Option<(core::net::IpAddr, Option<u16>)>| {
        end.map(|(ip, port)| match port.filter(|_| !folded) {
            Some(port) => model.name_of(Endpoint { ip, port }),
            None => model.name_of_host(ip),
        })
    };
    let ends = match (end(anomaly.source), end(anomaly.destination)) {
        (Some(from), Some(to)) => Some(format!("{from} → {to}")),
        (from, to) => from.or(to),
    };
    let id = anomaly.flow_id.filter(|_| !folded).map(|id| format!("#{id}"));
    let both = match (&id, &ends) {
        (Some(id), Some(ends)) => Some(format!("{id} {ends}")),
        _ => None,
    };
    let scope = || anomaly.scope.name().to_owned();
    let shortest = id.clone().unwrap_or_else(scope);
    let one = end(anomaly.source).or_else(|| end(anomaly.destination));
    let one = one.filter(|_| id.is_none());
    [both, ends, one].into_iter().flatten().find(|text| text.width() <= room).unwrap_or(shortest)
}

fn line<'a>(model: &Model, row: &EventRow, selected: bool, width: u16) -> Line<'a> {
    let group = &row.group;
    let anomaly = &group.anomaly;
    let at = Civil::of(anomaly.time);
    let class = Class::of(group.severity);
    let base = if selected { model.theme.selected() } else { Style::new() };
    let base = if group.acknowledged { base.add_modifier(Modifier::DIM) } else { base };
    let mut time = format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
    if width >= 80 {
        time.push_str(&format!(".{:03}", anomaly.time.subsecond_nanos() / 1_000_000));
    }
    let folded = group.count > 1;
    // Hosts are worth more than the beginning of a sentence, which is below in whole.
    let room = match width {
        0..80 => 7,
        80..120 if folded || anomaly.flow_id.is_none() => 33,
        80..120 => 13,
        120..150 => 38,
        _ => 50,
    };
    let times = if folded { format!(" ×{}", count(group.count)) } else { String::new() };
    let name = fit(anomaly.id, anomaly.id.width().min(21 - times.width()), false);
    let sign = if selected { "▌" } else { " " };
    let used = 1 + time.len() + 1 + 5 + 23 + room + 1;
    let reason = model.hidden(reason(anomaly, model.options.locale));
    Line::from(vec![
        Span::styled(format!("{sign}{time} "), base),
        Span::styled(fit(group.severity.name(), 5, false), model.theme.class(class)),
        Span::styled(format!(" {} ", fit(&format!("{name}{times}"), 21, false)), base),
        Span::styled(fit(&who(model, anomaly, folded, room), room, false), base),
        Span::styled(format!(" {}", fit(&reason, usize::from(width).saturating_sub(used), false)), base),
    ])
}
