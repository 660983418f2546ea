//! Lines of text on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::output::tui::model::Model;
use crate::output::tui::text::fit;

/// Draws a line where there is room for it.
pub(super) trait RenderIn {
    fn render_in(self, area: Rect, buffer: &mut Buffer);
}

/// Draws `line` as row `row` of `area`, if it has that many rows.
pub(super) fn put(line: Line<'_>, area: Rect, row: usize, buffer: &mut Buffer) {
    if let Ok(row) = u16::try_from(row)
        && row < area.height
    {
        line.render_in(Rect::new(area.x, area.y + row, area.width, 1), buffer);
    }
}

/// The heading of a pane that is not the view's own: a mark, a title, dots to the end.
pub(super) fn heading(model: &Model, title: &str, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let used = UnicodeWidthStr::width(title) + 3;
    let dots = "·".repeat(width.saturating_sub(used));
    let line = Line::from(vec![
        Span::styled("▎ ", model.theme.heading()),
        Span::styled(title.to_owned(), model.theme.heading()),
        Span::styled(format!(" {dots}"), model.theme.dim()),
    ]);
    put(line, area, 0, buffer);
}

/// The first row to show so that `cursor` is visible in `height` rows; keeps `top` where it can.
pub(super) fn scrolled(top: usize, cursor: usize, height: usize, length: usize) -> usize {
    let height = height.max(1);
    let top = top.min(cursor).max((cursor + 1).saturating_sub(height));
    top.min(length.saturating_sub(height))
}

/// Words at the left and words at the right of one line. Where there is no room for all, those at the left are cut.
pub(super) fn both_ends<'a>(left: Vec<Span<'a>>, right: Vec<Span<'a>>, width: u16) -> Line<'a> {
    let mut room = usize::from(width).saturating_sub(right.iter().map(Span::width).sum());
    let cut = |span: Span<'a>| {
        let have = span.width();
        let shown = if have <= room { span } else { Span::styled(fit(&span.content, room, false), span.style) };
        room -= shown.width();
        shown
    };
    let mut left: Vec<Span<'a>> = left.into_iter().map(cut).collect();
    let have: usize = left.iter().chain(&right).map(Span::width).sum();
    left.push(Span::styled(" ".repeat(usize::from(width).saturating_sub(have)), Style::new()));
    left.extend(right);
    Line::from(left)
}

impl RenderIn for Line<'_> {
    fn render_in(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.width > 0 && area.height > 0 {
            ratatui::widgets::Widget::render(self, area, buffer);
        }
    }
}

/// The words of `text` in lines of at most `width` columns.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
