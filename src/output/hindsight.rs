//! The states of both ends after a step, with what later steps tell of it.
//!
//! While a segment is on its way, the tracker presumes that it arrives and finds what it looks for. Where SYNs crossed, the end of the
//! story shows that the other end had not had it yet when it sent its own (RFC 9293 figure 7); where RST answered a SYN, that nothing
//! had been listening (section 3.10.7.1).

use crate::flow::{Flow, Label, Opening, Side, Step};
use crate::tcp::State;

/// The state of the server before the first step, as presumed.
pub(super) fn server_before(flow: &Flow) -> State {
    match flow.opening() {
        Opening::SimultaneousOpen | Opening::Refused => State::Closed,
        _ => State::Listen,
    }
}

/// The states of client and server after the step with this index.
pub(super) fn states_after(flow: &Flow, index: usize, step: &Step) -> (State, State) {
    if is_crossing(flow, step) {
        after_crossing(flow, index, step)
    } else if step.label == Label::Syn && step.from == Side::Client && flow.opening() == Opening::Refused {
        (step.client, State::Closed)
    } else {
        (step.client, step.server)
    }
}

/// Whether `step` crossed one of its kind on its way.
pub(super) fn is_crossing(flow: &Flow, step: &Step) -> bool {
    matches!(step.label, Label::Syn | Label::SynAck) && flow.opening() == Opening::SimultaneousOpen
}

fn after_crossing(flow: &Flow, index: usize, step: &Step) -> (State, State) {
    let is_answer = |other: &Step| other.label == step.label && other.from != step.from;
    let answered = flow.steps.iter().take(index).any(is_answer);
    let crossed = !answered && flow.steps.iter().skip(index + 1).any(is_answer);
    let (sender, receiver) = match (step.label, answered, crossed) {
        (Label::Syn, false, _) => (State::SynSent, State::Closed),
        (Label::Syn, true, _) => (State::SynSent, State::SynReceived),
        (_, _, true) => (State::SynReceived, State::SynReceived),
        _ => return (step.client, step.server),
    };
    match step.from {
        Side::Client => (sender, receiver),
        Side::Server => (receiver, sender),
    }
}
