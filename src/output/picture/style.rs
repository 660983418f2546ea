//! How to draw, what a drawing is, and the measures of every picture.

use super::super::explain::Locale;
use super::super::picture_options::{Part, Scale};
use crate::tcp::State;

/// How to draw.
#[derive(Clone, Copy)]
pub(in crate::output) struct Style {
    pub(in crate::output) locale: Locale,
    pub(in crate::output) part: Part,
    pub(in crate::output) scale: Scale,
    /// Whether data in a row becomes one.
    pub(in crate::output) fold: bool,
}

/// A drawing: what stands inside the `svg` element, and how large it is.
pub(in crate::output) struct Picture {
    pub(in crate::output) body: String,
    pub(in crate::output) height: u32,
    pub(in crate::output) title: String,
    pub(in crate::output) description: String,
}

/// Width of every picture, pixels.
pub(in crate::output) const WIDTH: u32 = 960;

pub(super) const CLIENT_X: i32 = 290;

pub(super) const SERVER_X: i32 = 690;

pub(super) const MIDDLE: i32 = (CLIENT_X + SERVER_X) / 2;

/// Half the width of a state bar.
pub(super) const BAR: i32 = 6;

/// How far an arrow falls where time is not to scale.
pub(super) const EVEN_SLOPE: i32 = 16;

/// What all waits together add to the height of a picture to scale.
pub(super) const SCALE_ROOM: f64 = 720.0;

/// The state of one end from a height on.
#[derive(Clone, Copy)]
pub(super) struct Bar {
    pub(super) y: i32,
    pub(super) state: State,
    /// Nanoseconds since the first segment.
    pub(super) since: Option<i64>,
    pub(super) inferred: bool,
}
