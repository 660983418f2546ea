//! One name for one fact: which anomaly of a flow explains which others, and which do not hold any longer.
//!
//! What follows from a cause that has a name of its own is not reported beside it. Where the cause comes to light
//! later, what was reported of it before is taken off the flow and out of the counts: the end of the flow names the
//! cause alone.

use super::flow::{closes, forgery, fronts, header, opening, peers, resets, retries, reuse, window};
use crate::flow::{Flow, Opening, Side};

/// What a cause does to one of its symptoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is not worth a word.
    Silence,
    /// It stays as a detail, severity info: it says how the cause showed itself.
    Detail,
}

use Effect::{Detail, Silence};

/// Causes, each with its symptoms.
const CAUSES: &[(&str, &[(&str, Effect)])] = &[
    (peers::KEEPALIVE_ABORT, &[(peers::KEEPALIVE_UNANSWERED, Silence)]),
    (
        peers::DEAD_PEER,
        &[(peers::IDLE_EXPIRY, Silence), (closes::FIN_UNACKED, Silence), (resets::ABORTED_IN_FLIGHT, Silence)],
    ),
    (
        peers::LARGE_SEGMENTS_LOST,
        &[(peers::IDLE_EXPIRY, Silence), (closes::FIN_UNACKED, Silence), (resets::ABORTED_IN_FLIGHT, Silence)],
    ),
    (peers::HALF_OPEN_CRASH, &[(reuse::SYN_ON_ESTABLISHED, Detail), (resets::ABORTED_IN_FLIGHT, Silence)]),
    (opening::SYN_UNANSWERED, &[(retries::SYN_RETRIES_EXCESSIVE, Silence)]),
    (fronts::SYN_PROXY, &[(window::ZERO_WINDOW_HANDSHAKE, Silence), (window::SYN_PROXY_SUSPECT, Silence)]),
    (
        forgery::RST_FORGED,
        &[
            (forgery::TRAFFIC_AFTER_RST, Silence),
            (forgery::RST_VOLLEY, Silence),
            (resets::RST_OLD, Silence),
            (resets::RST_INEXACT, Detail),
            (resets::RST_BEYOND, Detail),
            (resets::RST_BAD_ACK, Silence),
            (forgery::TTL_SHIFT, Silence),
            (opening::CONN_REFUSED, Silence),
            (opening::RESET_AFTER_SYNACK, Silence),
            (resets::SYNACK_WITHDRAWN, Silence),
            (resets::ABORTED_IN_FLIGHT, Silence),
            (resets::PEER_DATA_AFTER_RST, Silence),
            (peers::HALF_OPEN_CRASH, Silence),
        ],
    ),
    (
        resets::RST_STORM,
        &[
            (forgery::RST_VOLLEY, Silence),
            (resets::RST_OLD, Silence),
            (resets::RST_INEXACT, Detail),
            (resets::RST_BEYOND, Detail),
        ],
    ),
    (forgery::RST_VOLLEY, &[(resets::RST_INEXACT, Detail), (resets::RST_BEYOND, Detail)]),
];

/// What the causes that were found on `flow` do to the rule `symptom`.
pub(super) fn effect_on(symptom: &str, flow: &Flow) -> Option<Effect> {
    let effects = flow.marks.iter().flat_map(|mark| symptoms_of(mark.rule)).filter(|(id, _)| *id == symptom);
    effects.map(|(_, effect)| *effect).min_by_key(|effect| *effect as u8)
}

/// What the rule `cause` explains.
pub(super) fn symptoms_of(cause: &str) -> &'static [(&'static str, Effect)] {
    CAUSES.iter().find(|(id, _)| *id == cause).map_or(&[], |(_, symptoms)| *symptoms)
}

/// Whether the anomaly with this id, found on `flow` before, is overtaken by what came after it.
pub(super) fn is_overtaken(id: &str, flow: &Flow) -> bool {
    let closed = |side: Side| flow.peer(side).fin.is_some();
    match id {
        opening::SYN_UNANSWERED => flow.opening().opened(),
        opening::MISSING_ACK => flow.opening().opened() && flow.opening != Some(Opening::MissingAck),
        header::BAD_CHECKSUM | header::CONTROL_BAD_CHECKSUM => flow.quality.bad_checksum == 0,
        // A copy as large as those that were lost.
        peers::LARGE_SEGMENTS_LOST => {
            let reported = flow.marks.iter().find(|mark| mark.rule == id).and_then(|mark| mark.frames.first().copied());
            let arrived = |side| flow.notes().and_then(|notes| notes.end(side).arrived);
            [Side::Client, Side::Server]
                .into_iter()
                .filter_map(arrived)
                .any(|(frame, octets)| octets >= peers::LARGE && reported.is_some_and(|reported| reported < frame))
        }
        opening::RESET_AFTER_SYNACK | opening::SYN_ABORTED => flow.opening().opened(),
        resets::SYNACK_WITHDRAWN => flow.withdrawn().is_none(),
        closes::HALF_CLOSE_STUCK => (closed(Side::Client) && closed(Side::Server)) || flow.teardown.reset.is_some(),
        peers::IDLE_EXPIRY => {
            let answered = |end: Option<crate::time::Timestamp>| {
                end.is_some_and(|end| flow.client.last_time > end && flow.server.last_time > end)
            };
            flow.teardown.reset.is_none() && answered(flow.notes().map(|notes| notes.silence_end))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::registry::rule;

    #[test]
    fn every_name_is_of_a_rule() {
        for (cause, symptoms) in CAUSES {
            assert!(rule(cause).is_some(), "{cause}");
            assert!(symptoms.iter().all(|(id, _)| rule(id).is_some()), "{cause}");
        }
    }
}
