//! The table of flows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::layout::{Column, View, columns};
use super::super::locale::Word;
use super::super::model::Model;
use super::super::store::{FlowRow, age};
use super::super::text::{class, fit, outcome, phase, right};
use super::super::theme::Class;
use super::lines::{put, scrolled};
use crate::flow_filter::{Phase, retransmissions};
use crate::output::duration::compact;
use crate::output::ladder::octets;

/// Draws the table; keeps the selection visible.
pub(super) fn draw(model: &mut Model, area: Rect, buffer: &mut Buffer) {
    let columns = columns(area.width);
    put(Line::styled(heading(model, &columns), model.theme.dim()), area, 0, buffer);
    let height = usize::from(area.height.saturating_sub(1));
    let cursor = model.position().unwrap_or(0);
    let top = scrolled(model.tops[View::Flows as usize], cursor, height, model.shown_len());
    model.tops[View::Flows as usize] = top;
    if model.shown_len() == 0 {
        let word = if model.filter.is_some() && model.store.rows().len() > 0 { Word::NoMatch } else { Word::NoFlows };
        put(Line::styled(format!("   {}", model.say(word)), model.theme.dim()), area, 2, buffer);
    }
    for (n, row) in model.rows_from(top, height).into_iter().enumerate() {
        put(line(model, row, &columns), area, n + 1, buffer);
    }
}

fn heading(model: &Model, columns: &[(Column, u16)]) -> String {
    let mut text = " ".to_owned();
    for (column, width) in columns {
        let word = match column {
            Column::Id => "#",
            Column::Client => model.say(Word::Client),
            Column::Server => model.say(Word::Server),
            Column::Phase => model.say(Word::Phase),
            Column::Outcome => model.say(Word::Outcome),
            Column::Rtt => model.say(Word::Rtt),
            Column::Duration => model.say(Word::Duration),
            Column::Retx => model.say(Word::Retx),
            Column::Bytes => model.say(Word::Bytes),
            Column::Age => model.say(Word::Age),
        };
        let sign = match (model.sort == *column, model.reverse) {
            (true, true) => "▾",
            (true, false) if *column != Column::Id => "▴",
            _ => "",
        };
        let word = format!("{word}{sign}");
        let width = usize::from(*width);
        text.push_str(&if is_right(*column) { right(&word, width) } else { fit(&word, width, false) });
        text.push(' ');
    }
    text
}

const fn is_right(column: Column) -> bool {
    matches!(column, Column::Id | Column::Rtt | Column::Duration | Column::Retx | Column::Bytes | Column::Age)
}

fn line<'a>(model: &Model, row: &FlowRow, columns: &[(Column, u16)]) -> Line<'a> {
    let class = class(row);
    let selected = model.selected == Some(row.flow.id);
    let style = model.theme.class(class);
    let base = if selected { model.theme.selected() } else { Style::new() };
    let base = if model.is_match(row) { base.add_modifier(ratatui::style::Modifier::UNDERLINED) } else { base };
    let mut spans = vec![Span::styled(if selected { "▌" } else { " " }, model.theme.heading())];
    for (column, width) in columns {
        let width = usize::from(*width);
        let text = cell(model, row, *column);
        let text = match column {
            Column::Client | Column::Server => fit(&text, width, true),
            column if is_right(*column) => right(&text, width),
            _ => fit(&text, width, false),
        };
        let verdict = matches!(column, Column::Phase | Column::Outcome) && class != Class::Ok;
        spans.push(Span::styled(text, if verdict { style.patch(base) } else { base }));
        spans.push(Span::styled(" ", base));
    }
    spans.push(Span::styled(class.glyph(), style));
    Line::from(spans)
}

fn cell(model: &Model, row: &FlowRow, column: Column) -> String {
    let flow = &row.flow;
    match column {
        Column::Id => flow.id.to_string(),
        Column::Client => model.name_of(flow.client.endpoint),
        Column::Server => model.name_of(flow.server.endpoint),
        Column::Phase => model.say(phase(Phase::of(flow))).to_owned(),
        Column::Outcome => outcome(row, model.options.locale),
        Column::Rtt => flow.handshake.rtt().map_or_else(|| "-".to_owned(), compact),
        Column::Duration => compact(flow.duration()),
        Column::Retx => retransmissions(flow).to_string(),
        Column::Bytes => octets(flow.bytes()).replace(' ', ""),
        Column::Age => compact(age(model.store.now, flow.last_time)),
    }
}
