//! The worst incident that nobody has acknowledged, in one line above every view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::super::groups::EventGroup;
use super::super::keys::KeyAction;
use super::super::locale::Word;
use super::super::model::Model;
use super::super::text::{count, figures, fit};
use super::events::who;
use super::lines::{both_ends, put};
use crate::detect::Severity;
use crate::output::duration::compact;

/// Draws it, and how to acknowledge it.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let Some((group, more)) = model.store.groups.pinned() else { return };
    let mut right = String::new();
    if more > 0 {
        right.push_str(&format!("+{} ", count(more as u64)));
    }
    if let Some(key) = model.options.keys.of(KeyAction::AcknowledgeAlert) {
        right.push_str(&format!("{key} {} ", model.say(Word::Acknowledge)));
    }
    let room = usize::from(area.width).saturating_sub(right.width() + 1);
    let style = if group.severity == Severity::Alert {
        model.theme.loud()
    } else {
        model.theme.class(super::super::theme::Class::of(group.severity))
    };
    let left = vec![Span::styled(fit(&line(model, group, room), room, false), style)];
    put(both_ends(left, vec![Span::styled(right, model.theme.dim())], area.width), area, 0, buffer);
}

/// What it is, whom it is about, its figures, and for how long: what fits, and nothing in part.
fn line(model: &Model, group: &EventGroup, room: usize) -> String {
    let anomaly = &group.anomaly;
    let sign = if group.severity == Severity::Alert { "‼" } else { "!" };
    let until = if group.goes_on() { model.store.now } else { anomaly.time };
    let mut parts = vec![who(model, anomaly, group.count > 1, room.saturating_sub(anomaly.id.width() + 3))];
    if group.count > 1 {
        parts.insert(0, format!("×{}", count(group.count)));
    }
    parts.extend(figures(anomaly, model.options.locale, model.mask()));
    let lasted = until - group.first;
    if lasted > 0 {
        parts.insert(parts.len().min(2), compact(lasted));
    }
    let mut text = format!("{sign} {}", anomaly.id);
    for (n, part) in parts.into_iter().enumerate() {
        let gap = if n == 0 { " " } else { "  " };
        if text.width() + gap.len() + part.width() > room {
            break;
        }
        text.push_str(gap);
        text.push_str(&part);
    }
    text
}
