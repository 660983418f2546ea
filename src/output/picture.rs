//! A flow as a drawing: two lifelines, numbered arrows, coloured states. [`draw`] makes the body of an SVG; what
//! surrounds it is the business of `svg` and `html`.
//!
//! Nothing that came from the wire gets in but numbers and addresses, and those are escaped all the same.

mod canvas;
mod caption;
mod lifeline;
mod part;
mod step;
mod style;

use super::ladder::{Row, rows};
use super::picture_options::Theme;
use crate::flow::Flow;

use canvas::Canvas;
pub(super) use caption::{caption, is_presumed, relative};
pub(super) use part::part;
pub(super) use style::{Picture, Style, WIDTH};

/// Colours and fonts, for one `style` element.
pub(super) fn style_sheet(theme: Theme) -> String {
    let (light, dark) = (css(include_str!("assets/light.css")), css(include_str!("assets/dark.css")));
    let colours = match theme {
        Theme::Light => light,
        Theme::Dark => format!("{dark}@media print{{{light}}}"),
        Theme::Auto => format!("{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"),
    };
    colours + &css(include_str!("assets/picture.css"))
}

/// A style sheet without its line breaks and indentation.
pub(super) fn css(text: &str) -> String {
    text.lines().map(str::trim_start).collect()
}

/// Draws `flow`.
pub(super) fn draw(flow: &Flow, style: &Style) -> Picture {
    let mut canvas = Canvas::new(flow, style);
    canvas.heading();
    let rows = part(rows(flow, style.fold), style.part);
    if rows.iter().any(|row| matches!(row, Row::Step(_) | Row::Data { .. })) {
        canvas.rows(&rows);
    } else {
        canvas.nothing();
    }
    canvas.caption();
    canvas.finish(&rows)
}
