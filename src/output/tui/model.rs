//! The state of the view, and what keys make of it. Draws nothing, reads no clock, opens no file.

mod command;
mod events;
mod keys;
mod order;
mod state;

pub use command::{Command, Effect, SavedFlow, Saving};
pub(super) use events::EventRow;
pub use state::{Model, Options};
pub(super) use state::{Overlay, Times, Typing};
