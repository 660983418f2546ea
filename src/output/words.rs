//! Verdicts as sentences: what people read as the reason of an event.

use super::cause::Cause;
use super::explain::Locale;
use crate::flow::{Closing, Flow, Opening};
use crate::tcp::State;

/// The name of a state; `?` where nothing is known.
pub fn state_name(state: Option<State>) -> &'static str {
    state.map_or("?", State::name)
}

/// Why `flow` opened, or did not: the cause, where it is known from other flows.
pub fn opening_of(flow: &Flow) -> &'static str {
    if let Some(cause) = Cause::of(flow) {
        return cause.headline().get(Locale::En);
    }
    if flow.withdrawn().is_some() {
        return "the server reset its own attempt after its SYN-ACK";
    }
    if flow.lost_every_synack() {
        return "the SYN-ACK is lost between here and the client";
    }
    if flow.had_no_fitting_answer() {
        return if flow.server.rst_count > 0 && flow.server.synack_count == 0 {
            "answered by RST whose acknowledgment does not fit: the client must ignore it"
        } else {
            "answered, but no answer fits the SYN: the client must ignore it"
        };
    }
    match (flow.gave_up_with_fin(), flow.gave_up_on_wrong_synack()) {
        (true, true) => return "FIN from the client, and no SYN-ACK that fits its SYN",
        (false, true) => return "RST from the client, and no SYN-ACK that fits its SYN",
        (true, false) => return "FIN from the client before any SYN-ACK",
        (false, false) => {}
    }
    if flow.is_to_itself() && flow.opening().opened() {
        return "a socket connected to itself";
    }
    opening(flow.opening())
}

/// Why a connection opened, or did not.
pub const fn opening(opening: Opening) -> &'static str {
    match opening {
        Opening::Established => "three-way handshake completed",
        Opening::FastOpen => "opened with data in the SYN (TCP Fast Open)",
        Opening::SimultaneousOpen => "the SYNs of both ends crossed",
        Opening::SplitHandshake => "the server answered the SYN with a SYN",
        Opening::Refused => "RST answered the SYN",
        Opening::Unreachable => "an ICMP error answered the SYN",
        Opening::Unanswered => "nothing answered the SYN",
        Opening::Aborted => "RST from the client before any SYN-ACK",
        Opening::MissingAck => "the SYN-ACK was never acknowledged",
        Opening::ResetAfterSynAck => "the client answered the SYN-ACK with RST",
        Opening::SynAckOnly => "SYN-ACK without a SYN",
        Opening::Midstream => "it was open before it was first seen",
        Opening::Invalid => "began with flags that no handshake can have",
        Opening::Undecided => "observation ended before it was decided",
    }
}

/// How `flow` ended.
pub fn closing_of(flow: &Flow) -> &'static str {
    if flow.closing_unseen().is_some() {
        return "one end sent FIN; the other direction is not in the capture";
    }
    closing(flow.closing())
}

/// How a connection ended.
pub const fn closing(closing: Closing) -> &'static str {
    match closing {
        Closing::Fin => "both ends sent FIN",
        Closing::SimultaneousFin => "the FINs of both ends crossed",
        Closing::ResetByClient => "reset by the client",
        Closing::ResetByServer => "reset by the server",
        Closing::FinThenReset => "reset after one end had sent FIN",
        Closing::HalfClosed => "only one end had sent FIN in the end",
        Closing::Open => "still open when observation ended",
        Closing::IdleExpired => "nothing was seen of it for too long",
        Closing::None => "it never opened",
    }
}
