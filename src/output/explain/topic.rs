//! What can be explained besides flows.

use crate::tcp::State;

/// What an explanation is about, other than a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// An anomaly, by the id of its rule.
    Anomaly(&'static str),
    /// A state.
    State(State),
    /// A flag, by its index in [`FLAGS`](super::terms::FLAGS).
    Flag(usize),
    /// A question, by its index in [`QUESTIONS`](super::QUESTIONS).
    Question(usize),
    /// The TCP header of the segment in this frame (from 1), or of the first one.
    Header(Option<u64>),
}
