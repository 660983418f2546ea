//! Which segments become steps of a flow, and how repeats are folded.

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::{Flow, MAX_STEPS};
use crate::flow::record::steps::{Certainty, Label, Step};
use crate::flow::record::tuple::Side;
use crate::tcp::{Flags, IcmpQuote, Segment};

/// How many runs of payload are kept apart before further ones are folded into the last two.
const MAX_DATA_RUNS: u8 = 8;

/// What [`Flow::record`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The segment is no step.
    Nothing,
    /// It became a step of its own, with this index.
    Step(usize),
    /// It was folded into the step with this index.
    Folded(usize),
}

impl Flow {
    /// Adds the step that `s` is, if it is one.
    pub(in crate::flow) fn record(&mut self, s: &Segment, from: Side, facts: Facts) -> Recorded {
        match label(s, facts) {
            Some(label) => self.add(s, from, label),
            None => Recorded::Nothing,
        }
    }

    /// Adds a step with this label.
    pub(in crate::flow) fn add(&mut self, s: &Segment, from: Side, label: Label) -> Recorded {
        if let Some(index) = self.foldable(s, from, label) {
            self.fold(index, s);
            return Recorded::Folded(index);
        }
        if self.steps.len() >= MAX_STEPS - usize::from(self.tracking.steps_saved) {
            self.steps_dropped = self.steps_dropped.saturating_add(1);
            return Recorded::Nothing;
        }
        let step = self.step_of(s, from, label);
        self.tracking.data_runs += u8::from(label == Label::Data);
        self.steps.push(step);
        Recorded::Step(self.steps.len() - 1)
    }

    /// Adds the step that an ICMP error about a segment of the client is.
    pub(in crate::flow) fn add_quote(&mut self, q: &IcmpQuote) -> Recorded {
        if let Some(index) = self.steps.iter().rposition(|step| step.label == Label::Icmp) {
            self.steps[index].repeat = self.steps[index].repeat.saturating_add(1);
            self.steps[index].last_time = q.time;
            return Recorded::Folded(index);
        }
        if self.steps.len() >= MAX_STEPS - usize::from(self.tracking.steps_saved) {
            self.steps_dropped = self.steps_dropped.saturating_add(1);
            return Recorded::Nothing;
        }
        self.steps.push(Step {
            time: q.time,
            last_time: q.time,
            frame: q.frame,
            seq: q.seq,
            ack: None,
            payload: 0,
            flags: Flags::NONE,
            repeat: 1,
            from: Side::Server,
            label: Label::Icmp,
            client: self.client.presumed(),
            server: self.server.presumed(),
            proved: self.server.confirmed,
            certainty: Certainty::Observed,
            urgent: 0,
        });
        Recorded::Step(self.steps.len() - 1)
    }

    fn foldable(&self, s: &Segment, from: Side, label: Label) -> Option<usize> {
        let same = |step: &Step| step.label == label && step.from == from;
        let last = self.steps.last()?;
        match label {
            // Urgent data stands alone, as long as runs of data do.
            Label::Data if s.flags.has(Flags::URG) && !self.data_runs_exhausted() => None,
            Label::Data => self.data_step(from),
            Label::Rst | Label::Other => {
                // A storm of resets is one step.
                if same(last) { Some(self.steps.len() - 1) } else { None }
            }
            _ => {
                let again = same(last) && last.seq == s.seq && last.ack == s.ack();
                again.then_some(self.steps.len() - 1)
            }
        }
    }

    /// Whether no further runs of payload are kept apart.
    pub(in crate::flow) fn data_runs_exhausted(&self) -> bool {
        self.tracking.data_runs >= MAX_DATA_RUNS
    }

    fn fold(&mut self, index: usize, s: &Segment) {
        let (client, server) = (self.client.presumed(), self.server.presumed());
        let proved = self.peer(self.side_of(s.source)).confirmed;
        let is_last = index + 1 == self.steps.len();
        if let Some(step) = self.steps.get_mut(index) {
            step.repeat = step.repeat.saturating_add(1);
            step.payload = step.payload.saturating_add(s.payload);
            step.last_time = s.time;
            if is_last {
                (step.client, step.server, step.proved) = (client, server, proved);
            }
        }
    }

    fn step_of(&self, s: &Segment, from: Side, label: Label) -> Step {
        let certain = self.client.in_flight.is_empty() && self.server.in_flight.is_empty();
        Step {
            time: s.time,
            last_time: s.time,
            frame: s.frame,
            seq: s.seq,
            ack: s.ack(),
            payload: s.payload,
            flags: s.flags,
            repeat: 1,
            from,
            label,
            client: self.client.presumed(),
            server: self.server.presumed(),
            proved: self.peer(from).confirmed,
            certainty: if certain { Certainty::Observed } else { Certainty::Inferred },
            urgent: s.urgent,
        }
    }
}

fn label(s: &Segment, facts: Facts) -> Option<Label> {
    if facts.intersects(Facts::INVALID_FLAGS) || (facts.intersects(Facts::UNACCEPTABLE) && s.flags.has(Flags::FIN)) {
        return Some(Label::Other);
    }
    if s.flags.is_rst() {
        return Some(Label::Rst);
    }
    if s.flags.has(Flags::SYN) {
        return Some(if s.flags.has(Flags::ACK) { Label::SynAck } else { Label::Syn });
    }
    if s.flags.has(Flags::FIN) {
        return Some(Label::Fin);
    }
    let acknowledges =
        Facts::FINAL_ACK | Facts::ACK_OF_FIN | Facts::CHALLENGE_ACK | Facts::FINAL_ACK_WRONG | Facts::BARE_ACK_TO_SYN;
    if facts.intersects(acknowledges) {
        return Some(Label::Ack);
    }
    if facts.intersects(Facts::BARE_ACK_TO_SYN) && s.payload == 0 {
        return Some(Label::Ack);
    }
    if facts.intersects(Facts::PROBE) {
        return Some(Label::Probe);
    }
    if s.payload > 0 {
        return Some(Label::Data);
    }
    if facts.intersects(Facts::AFTER_CLOSE | Facts::AFTER_OWN_RESET | Facts::AFTER_PEER_RESET | Facts::MIDSTREAM) {
        return Some(Label::Ack);
    }
    None
}
