//! The selected flow in a few lines: what passed, how it opened, the next step expected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::locale::Word;
use super::super::model::Model;
use super::super::text::{class, expectation, fit, handshake, reason, story};
use super::lines::{put, wrap};

/// Draws it.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let Some(row) = model.row() else { return };
    let width = usize::from(area.width).saturating_sub(4);
    let locale = model.options.locale;
    let style = model.theme.class(class(row));
    // The table may have no room for whole addresses.
    let ends = [&row.flow.client, &row.flow.server].map(|peer| model.name_of(peer.endpoint));
    let ends = format!("{}  {} → {}", row.flow.id, ends[0], ends[1]);
    let reported = wrap(&story(&row.flow), width);
    let handshake = handshake(&row.flow, locale);
    let expected = expectation(row, model.store.now, model.time_wait(), locale);
    let mut lines: Vec<Line<'_>> = Vec::new();
    lines.push(Line::from(vec![Span::styled("▎", model.theme.heading()), Span::raw(fit(&ends, width + 3, false))]));
    lines.extend(reported.into_iter().take(2).map(|text| Line::raw(format!("   {text}"))));
    lines.extend(wrap(&handshake, width).into_iter().map(|text| Line::styled(format!("   {text}"), style)));
    if expected != handshake {
        lines.extend(wrap(&expected, width).into_iter().map(|text| Line::raw(format!("   {text}"))));
    }
    if row.gap {
        lines.extend(wrap(locale.say(Word::Gap), width).into_iter().map(|text| Line::raw(format!("   {text}"))));
    }
    let newest =
        model.store.findings_of(row.flow.id).filter(|anomaly| anomaly.severity >= crate::detect::Severity::Note).last();
    if let Some(anomaly) = newest {
        let text = format!("{} {}: {}", anomaly.severity.name(), anomaly.id, model.hidden(reason(anomaly, locale)));
        lines.extend(wrap(&text, width).into_iter().map(|text| Line::raw(format!("   {text}"))));
    }
    for (n, line) in lines.into_iter().enumerate() {
        put(line, area, n, buffer);
    }
}
