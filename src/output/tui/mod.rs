//! The terminal view: every flow as it opens and closes, on a screen.
//!
//! The analysis runs in its own thread and sends events to a [`Feed`] through a [`Tap`]; [`run`] shows that. The
//! state of the view and what keys make of it ([`model`]) know no terminal; where panes are ([`layout`]) is a pure
//! function of the size; [`view`] draws. Knows nothing of where packets come from: what it wants done about them it
//! says by [`Command`].

pub mod feed;
mod groups;
pub mod keys;
pub mod layout;
pub mod locale;
pub mod model;
mod store;
mod terminal;
mod text;
pub mod theme;
pub mod view;

pub use feed::{Back, Batch, Change, Feed, MOST_AT_ONCE, Position, Tap};
pub use keys::Keys;
pub use layout::Arrangement;
pub use locale::Word;
pub use model::{Command, Model, Options, SavedFlow, Saving};
pub use terminal::{Controls, is_shown, restore, run};
pub use theme::ThemeName;
