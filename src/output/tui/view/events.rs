//! Anomalies, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::Model;
use super::super::store::Finding;
use super::super::text::{fit, host};
use super::super::theme::Class;
use super::{heading, put, scrolled};
use crate::output::clock::Civil;

/// Draws the list; with `own`, as the view's own pane, with a cursor.
pub(super) fn draw(model: &mut Model, area: Rect, own: bool, buffer: &mut Buffer) {
    let title = format!("{} {} · {}", model.say(Word::Events), model.store.finding_count, model.say(Word::NewestFirst));
    heading(model, &title, area, buffer);
    let length = model.store.findings.len();
    let height = usize::from(area.height.saturating_sub(1));
    let cursor = if own { model.cursors[View::Events as usize].min(length.saturating_sub(1)) } else { 0 };
    let top = if own { scrolled(model.tops[View::Events as usize], cursor, height, length) } else { 0 };
    if length == 0 {
        put(Line::styled(format!("   {}", model.say(Word::NoEvents)), model.theme.dim()), area, 1, buffer);
    }
    let newest = model.store.findings.iter().rev().enumerate().skip(top).take(height);
    let lines: Vec<Line<'_>> =
        newest.map(|(n, finding)| line(model, finding, own && n == cursor, area.width)).collect();
    for (n, line) in lines.into_iter().enumerate() {
        put(line, area, n + 1, buffer);
    }
    if own {
        model.tops[View::Events as usize] = top;
    }
}

fn line<'a>(model: &Model, finding: &Finding, selected: bool, width: u16) -> Line<'a> {
    let anomaly = &finding.anomaly;
    let at = Civil::of(anomaly.time);
    let class = Class::of(anomaly.severity);
    let base = if selected { model.theme.selected() } else { Style::new() };
    let base = if finding.acknowledged { base.add_modifier(Modifier::DIM) } else { base };
    let milliseconds = anomaly.time.subsecond_nanos() / 1_000_000;
    let time = format!("{:02}:{:02}:{:02}.{milliseconds:03}", at.hour, at.minute, at.second);
    let who = match (anomaly.flow_id, anomaly.source, anomaly.destination) {
        (Some(id), ..) => format!("#{id}"),
        (None, Some((from, _)), Some((to, _))) => format!("{} → {}", host(from, model.masked), host(to, model.masked)),
        (None, Some((ip, _)), None) | (None, None, Some((ip, _))) => host(ip, model.masked),
        (None, None, None) => anomaly.scope.name().to_owned(),
    };
    let roomy = width >= 100;
    let sign = if selected { "▌" } else { " " };
    let head = format!("{sign}{time} ");
    let used = 1 + 13 + 6 + 23 + if roomy { 34 } else { 14 };
    Line::from(vec![
        Span::styled(head, base),
        Span::styled(fit(anomaly.severity.name(), 5, false), model.theme.class(class)),
        Span::styled(format!(" {} ", fit(anomaly.id, 21, false)), base),
        Span::styled(fit(&who, if roomy { 33 } else { 13 }, false), base),
        Span::styled(format!(" {}", fit(&anomaly.reason, usize::from(width).saturating_sub(used), false)), base),
    ])
}
