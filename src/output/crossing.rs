//! The states of both ends after a step, with what later steps tell of it.
//!
//! While a segment is on its way, the tracker presumes that it arrives. Where SYNs crossed, the end of the story shows that the
//! other end had not had it yet when it sent its own (RFC 9293 figure 7).

use crate::flow::{Flow, Label, Opening, Side, Step};
use crate::tcp::State;

/// The states of client and server after the step with this index.
pub(super) fn states_after(flow: &Flow, index: usize, step: &Step) -> (State, State) {
    let as_seen = (step.client, step.server);
    if !is_crossing(flow, step) {
        return as_seen;
    }
    let is_answer = |other: &Step| other.label == step.label && other.from != step.from;
    let answered = flow.steps.iter().take(index).any(is_answer);
    let crossed = !answered && flow.steps.iter().skip(index + 1).any(is_answer);
    let (sender, receiver) = match (step.label, answered, crossed) {
        (Label::Syn, false, _) => (State::SynSent, State::Closed),
        (Label::Syn, true, _) => (State::SynSent, State::SynReceived),
        (_, _, true) => (State::SynReceived, State::SynReceived),
        _ => return as_seen,
    };
    match step.from {
        Side::Client => (sender, receiver),
        Side::Server => (receiver, sender),
    }
}

/// Whether `step` crossed one of its kind on its way.
pub(super) fn is_crossing(flow: &Flow, step: &Step) -> bool {
    matches!(step.label, Label::Syn | Label::SynAck) && flow.opening() == Opening::SimultaneousOpen
}
