//! Segments to flows: one [`Flow`] per incarnation of a four-tuple, with the states of both endpoints, a verdict on how it
//! opened and closed, and the steps that prove it.
//!
//! Knows nothing of bytes, link layers, detectors or output formats. Total: any sequence of segments is a legal input.
//! Time enters with the segments; a timer fires because a later segment (or an idle tick) carries a later time.

mod announced;
mod brief;
mod clock;
mod closing;
pub mod community_id;
pub mod completeness;
mod copies;
mod embryo;
mod embryos;
mod eviction;
pub mod facts;
pub mod features;
pub mod handshake;
pub mod hindsight;
pub mod holes;
mod hot;
mod incarnation;
mod index;
mod itself;
pub mod model;
pub mod notes;
mod numberless;
mod oddities;
mod opening;
pub mod overlap;
pub mod peer;
pub(crate) mod prefetch;
pub mod recording;
mod repeats;
pub mod rewriting;
pub mod roles;
mod sequence;
mod slab;
mod sources;
pub mod stamps;
pub mod steps;
pub mod table;
pub mod teardown;
pub mod timers;
mod tombs;
pub mod tracker;
pub mod tuple;
pub mod twins;
mod unsent;
pub mod verdict;
pub mod zeek;

pub use brief::Brief;
pub use embryo::{Embryo, Syn, Wide};
pub use facts::Facts;
pub use handshake::{Handshake, InEffect};
pub use hindsight::{Ends, Story};
pub use model::{CaptureQuality, Closed, Flow, HostMarks, Mark, Previous, Unreachable};
pub use notes::{EndNotes, Evidence, Notes};
pub use peer::{Offer, Peer};
pub use recording::Recorded;
pub use repeats::Repeated;
pub use rewriting::Rewriting;
pub use stamps::StaleStamp;
pub use steps::{Certainty, Label, Step};
pub use teardown::Teardown;
pub use tracker::{Counters, Keyer, Limits, Notice, Observer, SegmentRef, Timeouts, Tracker};
pub use tuple::{FlowKey, Side};
pub use twins::Twin;
pub use unsent::UnsentAck;
pub use verdict::{Backoff, ClosedBy, Closing, Opening, Shape};

#[cfg(test)]
mod script;
