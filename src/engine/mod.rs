//! Decode, track, detect: the whole of synscope between a frame and an event.
//!
//! Asks no clock, opens nothing, prints nothing. Events go to a [`Sink`].

mod batch;
mod emit;
#[expect(clippy::module_inception, reason = "the engine itself, beside what it is made of")]
mod engine;
mod event;
mod event_batch;
mod settings;
mod totals;
mod track;

pub use batch::{BATCH, Batch};
pub use engine::Engine;
pub use event::{Ending, Event, Interest, Sink};
pub use event_batch::{Batcher, EventBatch, serves};
pub use settings::Settings;
pub use totals::{LinkCounts, Totals};
pub use track::TrackStage;
