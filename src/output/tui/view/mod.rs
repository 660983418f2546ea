//! The screen: one pane a file. Panes read the model and draw; they change nothing but where lists begin.

mod bar;
mod events;
mod flows;
mod hosts;
mod ladder;
mod overlay;
mod stats;
mod story;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::layout::{View, layout};
use super::locale::Word;
use super::model::Model;
use super::text::{count, fit};
use super::theme::ascii;

/// Draws everything.
pub fn draw(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    match layout(area.width, area.height, model.wish) {
        None => too_small(model, area, buffer),
        Some(at) => {
            model.page = usize::from(at.main.height.saturating_sub(1));
            bar::tabs(model, at.tabs, buffer);
            bar::strip(model, at.strip, buffer);
            match model.wish.view {
                View::Flows => flows::draw(model, at.main, buffer),
                View::Ladder => ladder::draw(model, at.main, true, buffer),
                View::Events => events::draw(model, at.main, true, buffer),
                View::Hosts => hosts::draw(model, at.main, true, buffer),
                View::Stats => stats::draw(model, at.main, buffer),
            }
            let side = |pane: Option<Rect>| pane.filter(|pane| pane.width > 0 && pane.height > 0);
            if let Some(pane) = side(at.story) {
                story::draw(model, pane, buffer);
            }
            if let Some(pane) = side(at.ladder) {
                ladder::draw(model, pane, false, buffer);
            }
            if let Some(pane) = side(at.events) {
                events::draw(model, pane, false, buffer);
            }
            if let Some(pane) = side(at.hosts) {
                hosts::draw(model, pane, false, buffer);
            }
            overlay::draw(model, area, buffer);
            bar::hints(model, at.hints, buffer);
        }
    }
    if model.options.ascii {
        to_ascii(buffer);
    }
}

fn too_small(model: &Model, area: Rect, buffer: &mut Buffer) {
    let (width, height) = super::layout::MIN;
    let text = format!(
        "{width}x{height} {}, {}x{} {} - {} ({} {}, {} {})",
        model.say(Word::TooSmall),
        area.width,
        area.height,
        model.say(Word::Now),
        model.say(Word::StillCapturing),
        count(model.store.totals.flows),
        model.say(Word::FlowsLower),
        count(model.store.finding_count),
        model.say(Word::Events).to_lowercase(),
    );
    let y = area.y + area.height / 2;
    if area.height > 0 {
        Line::from(fit(&text, usize::from(area.width), false)).render_in(Rect::new(area.x, y, area.width, 1), buffer);
    }
}

/// Replaces drawing characters by their stand-ins; what has none becomes a question mark.
fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if !symbol.is_ascii() {
            let plain = ascii(symbol).unwrap_or("?");
            cell.set_symbol(plain);
        }
    }
}

/// Draws a line where there is room for it.
trait RenderIn {
    fn render_in(self, area: Rect, buffer: &mut Buffer);
}

impl RenderIn for Line<'_> {
    fn render_in(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.width > 0 && area.height > 0 {
            ratatui::widgets::Widget::render(self, area, buffer);
        }
    }
}

/// Draws `line` as row `row` of `area`, if it has so many.
fn put(line: Line<'_>, area: Rect, row: usize, buffer: &mut Buffer) {
    if let Ok(row) = u16::try_from(row)
        && row < area.height
    {
        line.render_in(Rect::new(area.x, area.y + row, area.width, 1), buffer);
    }
}

/// The heading of a pane that is not the view's own: a mark, a title, dots to the end.
fn heading(model: &Model, title: &str, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let used = unicode_width::UnicodeWidthStr::width(title) + 3;
    let dots = "·".repeat(width.saturating_sub(used));
    let line = Line::from(vec![
        Span::styled("▎ ", model.theme.heading()),
        Span::styled(title.to_owned(), model.theme.heading()),
        Span::styled(format!(" {dots}"), model.theme.dim()),
    ]);
    put(line, area, 0, buffer);
}

/// The first row to show so that `cursor` is visible in `height` rows; keeps `top` where it can.
fn scrolled(top: usize, cursor: usize, height: usize, length: usize) -> usize {
    let height = height.max(1);
    let top = top.min(cursor).max((cursor + 1).saturating_sub(height));
    top.min(length.saturating_sub(height))
}

/// Words at the left and words at the right of one line. Where there is no room for all, those at the left are cut.
fn both_ends<'a>(left: Vec<Span<'a>>, right: Vec<Span<'a>>, width: u16) -> Line<'a> {
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
