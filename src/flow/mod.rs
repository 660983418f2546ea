//! Segments to flows: one [`Flow`] per incarnation of a four-tuple, with the states of both endpoints, a verdict on how it
//! opened and closed, and the steps that prove it.
//!
//! Knows nothing of bytes, link layers, detectors or output formats. Total: any sequence of segments is a legal input.
//! Time enters with the segments; a timer fires because a later segment (or an idle tick) carries a later time.

mod announced;
mod checksum_trust;
mod clock;
mod closed;
mod closing;
pub mod community_id;
pub mod completeness;
mod config;
mod descriptor;
mod duplicates;
mod eviction;
pub mod facts;
mod fast_path;
pub mod features;
#[expect(clippy::module_inception, reason = "a flow, beside what makes one")]
mod flow;
pub mod handshake;
mod header_checks;
pub mod hindsight;
pub mod holes;
mod index;
pub mod notes;
mod numberless;
mod observer;
mod opening;
pub mod overlap;
pub mod peer;
pub(crate) mod prefetch;
pub mod recording;
mod repeats;
mod reuse;
pub mod rewriting;
pub mod roles;
mod self_connect;
mod sequence;
mod slab;
pub mod stamps;
pub mod steps;
mod syn_cache;
mod syn_record;
pub mod table;
pub mod teardown;
pub mod timer_wheel;
pub mod tracker;
mod tracking;
pub mod tuple;
pub mod twins;
mod unsent;
pub mod verdict;
pub mod zeek;

pub use config::{Limits, Timeouts};
pub use descriptor::Descriptor;
pub use facts::Facts;
pub use flow::{CaptureQuality, Closed, Flow, HostMarks, MAX_STEPS, Mark, Previous, Unreachable};
pub use handshake::{Handshake, InEffect};
pub use hindsight::{Ends, Story};
pub use notes::{EndNotes, Evidence, Notes};
pub use observer::{Notice, Observer, SegmentRef};
pub use peer::{Offer, Peer};
pub use recording::Recorded;
pub use repeats::Repeated;
pub use rewriting::Rewriting;
pub use stamps::StaleStamp;
pub use steps::{Certainty, Label, Step};
pub use syn_record::{Syn, SynRecord, V6Addresses};
pub use teardown::Teardown;
pub use tracker::{Counters, Keyer, Tracker};
pub use tuple::{FlowKey, Side};
pub use twins::Twin;
pub use unsent::UnsentAck;
pub use verdict::{Backoff, ClosedBy, Closing, Opening, Shape};

#[cfg(test)]
mod script;
