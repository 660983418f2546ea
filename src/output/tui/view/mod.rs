//! The screen: one pane a file. Panes read the model and draw; they change nothing but where lists begin.

mod alert;
mod bar;
mod events;
mod flows;
mod hosts;
mod ladder;
mod lines;
mod overlay;
mod stats;
mod story;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::lines::RenderIn;
use super::layout::{View, layout};
use crate::output::escape::is_unsafe;

use super::locale::Word;
use super::model::Model;
use super::text::{count, fit};
use super::theme::ascii;

/// Draws everything.
pub fn draw(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    model.wish.alert = model.store.groups.pinned().is_some();
    model.keep_cursors();
    match layout(area.width, area.height, model.wish) {
        None => too_small(model, area, buffer),
        Some(at) => {
            model.page = usize::from(at.main.height.saturating_sub(1));
            bar::tabs(model, at.tabs, buffer);
            bar::strip(model, at.strip, buffer);
            if let Some(pane) = at.alert {
                alert::draw(model, pane, buffer);
            }
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
    hide_unsafe(buffer);
    if model.options.ascii {
        to_ascii(buffer);
    }
}

/// Nothing that a terminal obeys, or that turns the direction of text, gets to the screen: names of files, interfaces
/// and hosts come from outside.
fn hide_unsafe(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        let safe: String = match symbol.as_bytes() {
            [b' '..=b'~'] | [] => continue,
            _ if !symbol.contains(is_unsafe) => continue,
            _ => symbol.chars().filter(|c| !is_unsafe(*c)).collect(),
        };
        cell.set_symbol(if safe.is_empty() { "?" } else { &safe });
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
