//! Sources of connections: what they tried, how it went, and what was found about them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::layout::View;
use super::super::locale::Word;
use super::super::model::Model;
use super::super::store::Host;
use super::super::text::{count, fit, host, right};
use super::super::theme::Class;
use super::{heading, put, scrolled};

/// Draws the list; with `own`, as the view's own pane, with a cursor.
pub(super) fn draw(model: &mut Model, area: Rect, own: bool, buffer: &mut Buffer) {
    let title = format!("{} {}", model.say(Word::Hosts), model.store.hosts.len());
    heading(model, &title, area, buffer);
    put(Line::styled(captions(model, area.width), model.theme.dim()), area, 1, buffer);
    let length = model.store.hosts.len();
    let height = usize::from(area.height.saturating_sub(2));
    let cursor = if own { model.cursors[View::Hosts as usize].min(length.saturating_sub(1)) } else { 0 };
    let top = if own { scrolled(model.tops[View::Hosts as usize], cursor, height, length) } else { 0 };
    if length == 0 {
        put(Line::styled(format!("   {}", model.say(Word::NoHosts)), model.theme.dim()), area, 2, buffer);
    }
    let hosts = model.store.ranked_hosts();
    for (n, (ip, record)) in hosts.into_iter().enumerate().skip(top).take(height) {
        let name = host(ip, model.masked);
        let line = line(model, &name, record, own && n == cursor, area.width);
        put(line, area, n - top + 2, buffer);
    }
    if own {
        model.tops[View::Hosts as usize] = top;
    }
}

/// Width of the address.
const fn name_width(width: u16) -> usize {
    if width >= 100 { 39 } else { 16 }
}

/// Width of a number.
const fn number_width(width: u16) -> usize {
    if width >= 100 { 9 } else { 6 }
}

fn captions(model: &Model, width: u16) -> String {
    let numbers = [
        Word::Started,
        Word::Succeeded,
        Word::Refused,
        Word::Unanswered,
        Word::Ports,
        Word::Targets,
        Word::HalfOpenNow,
    ];
    let mut text = format!(" {}", fit(model.say(Word::Host), name_width(width), false));
    for word in numbers {
        text.push(' ');
        text.push_str(&right(model.say(word), number_width(width)));
    }
    text.push(' ');
    text.push_str(model.say(Word::FindingColumn));
    text
}

fn line<'a>(model: &Model, name: &str, record: &Host, selected: bool, width: u16) -> Line<'a> {
    let base = if selected { model.theme.selected() } else { Style::new() };
    let decided = record.opened + record.refused + record.unanswered + record.failed;
    let percent = (record.opened * 100).checked_div(decided);
    let percent = percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"));
    let numbers = [
        count(record.started),
        percent,
        count(record.refused),
        count(record.unanswered),
        count(record.ports.len() as u64),
        count(record.targets.len() as u64),
        count(record.half_open),
    ];
    let sign = if selected { "▌" } else { " " };
    let mut text = format!("{sign}{}", fit(name, name_width(width), true));
    for number in numbers {
        text.push(' ');
        text.push_str(&right(&number, number_width(width)));
    }
    let (class, finding) = match &record.finding {
        Some((severity, id, reason)) => (Class::of(*severity), format!("{id}: {reason}")),
        None => (Class::Ok, String::new()),
    };
    let room = usize::from(width).saturating_sub(name_width(width) + 2 + 7 * (number_width(width) + 1));
    Line::from(vec![
        Span::styled(text, base),
        Span::styled(format!(" {}", fit(&finding, room, false)), model.theme.class(class)),
    ])
}
