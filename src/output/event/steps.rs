//! The steps of a flow, as events carry them.

use schemars::JsonSchema;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use strum::{EnumString, VariantNames};

use super::scalar::{Count, EnumName, Integer, Shown};
use crate::flow::{Certainty, Ends, Flow, Label, Side, Step};
use crate::tcp::{Flags, State};

/// One step.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct StepBody {
    /// From 1; steps that are left out are counted.
    n: u32,
    /// Frame number in the input, from 1.
    frame: Count,
    /// Since the first segment of the flow.
    t_ns: Integer,
    from: EnumName<Side>,
    /// F fin, S syn, R rst, P psh, A ack, U urg, E ece, C cwr, N ae.
    flags: Shown<Flags>,
    seq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u32>,
    /// Octets.
    payload: u32,
    label: EnumName<Label>,
    /// State of the client after it, where anything is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<EnumName<State>>,
    /// State of the server after it, where anything is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<EnumName<State>>,
    certainty: EnumName<Certainty>,
    /// Segments folded into this step, where more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<u32>,
    /// The urgent pointer, where URG is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    urgent: Option<u16>,
}

/// Which steps a flow's events carry (`--steps`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum StepsShown {
    /// All of them, data and probes too.
    All,
    /// Those of the handshake and the teardown.
    #[default]
    Handshake,
    /// None.
    None,
}

/// How much of a flow its events carry (`--detail`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Detail {
    /// What cannot be derived from other fields, without counts of 0 and marks of what is usual.
    #[default]
    Lean,
    /// Every field.
    Full,
}

impl StepsShown {
    /// Whether `step` is one of them.
    pub fn shows(self, step: &Step) -> bool {
        match self {
            Self::All => true,
            Self::Handshake => step.is_handshake_or_teardown() || step.is_urgent(),
            Self::None => false,
        }
    }
}

/// The steps of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    pub(super) flow: &'a Flow,
    pub(super) shown: StepsShown,
}

impl Steps<'_> {
    pub(super) fn is_absent(&self) -> bool {
        self.shown == StepsShown::None
    }
}

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.flow.steps.iter().zip(1u32..).filter(|(step, _)| self.shown.shows(step));
        let mut seq = serializer.serialize_seq(None)?;
        let story = self.flow.story();
        for (step, n) in shown {
            let ends = story.after.get(n as usize - 1).copied().unwrap_or_default();
            seq.serialize_element(&step_body(self.flow, step, n, ends))?;
        }
        seq.end()
    }
}

/// Step `n` of `flow`.
fn step_body(flow: &Flow, step: &Step, n: u32, ends: Ends) -> StepBody {
    StepBody {
        n,
        frame: Count(step.frame),
        t_ns: Integer(step.time - flow.first_time),
        from: EnumName(step.from),
        flags: Shown(step.flags),
        seq: step.seq.0,
        ack: step.ack.map(|ack| ack.0),
        payload: step.payload,
        label: EnumName(step.label),
        client: ends.client.map(EnumName),
        server: ends.server.map(EnumName),
        certainty: EnumName(step.certainty),
        repeat: (step.repeat > 1).then_some(step.repeat),
        urgent: step.flags.has(Flags::URG).then_some(step.urgent),
    }
}
