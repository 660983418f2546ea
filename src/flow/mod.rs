//! Segments to flows: one [`Flow`] per incarnation of a four-tuple, with the states of both endpoints, a verdict on how
//! it opened and closed, and the steps that prove it.
//!
//! Knows nothing of bytes, link layers, detectors or output formats. Total: any sequence of segments is a legal input.
//! Time enters with the segments; a timer fires because a later segment (or an idle tick) carries a later time.

mod clock;
mod config;
mod observer;
mod record;
mod state;
mod table;
mod tracker;

#[cfg(test)]
mod script;

pub use clock::Leaps;
pub use config::{IN_FLIGHT, Limits, MEMORY, Timeouts};
pub use observer::{Notice, Observer, SegmentRef};
pub use record::evidence::Evidence;
pub use record::facts::Facts;
pub use record::flow::{CaptureQuality, Flow, HostMarks, MAX_STEPS, Mark, Unreachable};
pub use record::handshake::{Handshake, InEffect};
pub use record::notes::{EndNotes, Notes, Probation, StaleStamp, UnsentAck};
pub use record::opening_cost::{OpeningCost, OpeningInBrief};
pub use record::payload::Piece;
pub use record::peer::{Offer, Peer};
pub use record::previous::{Closed, Previous};
pub use record::rewriting::Rewriting;
pub use record::severity::Severity;
pub use record::steps::{Certainty, Label, Step};
pub use record::teardown::Teardown;
pub use record::tuple::{FlowKey, Side};
pub use record::twin::Twin;
pub use record::verdict::{Backoff, ClosedBy, Closing, Opening, Shape};
pub use record::{community_id, completeness, features, handshake, notes, zeek};
pub use state::hindsight::{Ends, Story};
pub use state::recording::Recorded;
pub use state::repeats::Repeated;
pub use table::descriptor::Descriptor;
pub(crate) use table::prefetch;
pub use table::syn_record::{Syn, SynRecord, V6Addresses};
pub use tracker::{Counters, Keyer, Tracker};
