//! One name for one fact: which anomaly of a flow explains which others, and which do not hold any longer.
//!
//! What follows from a cause that has a name of its own is not reported beside it. Where the cause comes to light later, what
//! was reported of it before is taken off the flow and out of the counts: the end of the flow names the cause alone.

use super::registry::rules;
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
    ("keepalive-abort", &[("keepalive-unanswered", Silence)]),
    ("dead-peer", &[("idle-expiry", Silence), ("fin-unacked", Silence), ("aborted-in-flight", Silence)]),
    ("large-segments-lost", &[("idle-expiry", Silence), ("fin-unacked", Silence), ("aborted-in-flight", Silence)]),
    ("half-open-crash", &[("syn-on-established", Detail), ("aborted-in-flight", Silence)]),
    ("syn-unanswered", &[("syn-retries-excessive", Silence)]),
    ("syn-proxy", &[("zero-window-handshake", Silence), ("syn-proxy-suspect", Silence)]),
    (
        "rst-forged",
        &[
            ("traffic-after-rst", Silence),
            ("rst-volley", Silence),
            ("rst-old", Silence),
            ("rst-inexact", Detail),
            ("rst-beyond", Detail),
            ("rst-bad-ack", Silence),
            ("ttl-shift", Silence),
            ("conn-refused", Silence),
            ("aborted-in-flight", Silence),
            ("peer-data-after-rst", Silence),
            ("half-open-crash", Silence),
        ],
    ),
    ("rst-storm", &[("rst-volley", Silence), ("rst-old", Silence), ("rst-inexact", Detail), ("rst-beyond", Detail)]),
    ("rst-volley", &[("rst-inexact", Detail), ("rst-beyond", Detail)]),
];

/// The causes, by the indices of their rules.
#[derive(Debug, Default)]
pub(super) struct Causes(Vec<(u16, u16, Effect)>);

impl Causes {
    pub(super) fn new() -> Self {
        let index = |id: &str| rules().position(|rule| rule.id == id).map(|n| n as u16);
        let pairs =
            CAUSES.iter().flat_map(|(cause, symptoms)| symptoms.iter().map(move |(id, effect)| (cause, id, effect)));
        Self(pairs.filter_map(|(cause, id, effect)| Some((index(cause)?, index(id)?, *effect))).collect())
    }

    /// What the causes that were found on `flow` do to `symptom`.
    pub(super) fn effect_on(&self, symptom: u16, flow: &Flow) -> Option<Effect> {
        let found = |cause: u16| flow.marks.iter().any(|mark| mark.rule == cause);
        let effects = self.0.iter().filter(|(cause, of, _)| *of == symptom && found(*cause));
        effects.map(|(.., effect)| *effect).min_by_key(|effect| *effect as u8)
    }

    /// What `cause` explains.
    pub(super) fn symptoms_of(&self, cause: u16) -> impl Iterator<Item = (u16, Effect)> {
        self.0.iter().filter(move |(of, ..)| *of == cause).map(|(_, symptom, effect)| (*symptom, *effect))
    }
}

/// Whether the anomaly with this id, found on `flow` before, is overtaken by what came after it.
pub(super) fn is_overtaken(id: &str, flow: &Flow) -> bool {
    let closed = |side: Side| flow.peer(side).fin.is_some();
    match id {
        "syn-unanswered" => flow.opening().opened(),
        "missing-ack" => flow.opening().opened() && flow.opening != Some(Opening::MissingAck),
        "half-close-stuck" => (closed(Side::Client) && closed(Side::Server)) || flow.teardown.reset.is_some(),
        "idle-expiry" => {
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

    #[test]
    fn every_name_is_of_a_rule() {
        let pairs: usize = CAUSES.iter().map(|(_, symptoms)| symptoms.len()).sum();
        assert_eq!(Causes::new().0.len(), pairs);
    }
}
