//! What happened and why, in words, in two languages and two lengths.
//!
//! Words come from here, figures from the flow: every explanation of a flow quotes its own numbers and frames. Text
//! that only one language has cannot be written down: see [`Words`].

pub mod anomalies;
mod document;
mod flow;
mod format;
mod header;
mod kernel;
mod level;
mod locale;
mod opening_cost;
mod questions;
pub mod terms;
mod topic;
mod topics;

pub use document::{Block, Document};
pub use flow::explain_flow;
pub(super) use format::Explain;
pub use level::Level;
pub use locale::{Locale, Words};
pub(super) use locale::{Particle, with_particle, words};
pub use questions::{QUESTIONS, Question};
pub use topic::Topic;
