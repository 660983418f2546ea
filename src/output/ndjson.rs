//! One JSON object per line.

use std::sync::Arc;

use super::event::build::{self, Context};
use super::event::listener::listener_event;
use super::event::{Action, Detail, StepsShown, write_line};
use super::format::{Session, default_events};
use super::{Out, Settings, Writer};
use crate::detect::{Anomaly, Scope, Severity};
use crate::engine::{Event, Interest, Sink};
use crate::kernel::{Alarm, Known};

/// The NDJSON format.
pub(super) struct Ndjson {
    out: Out,
    session: Session,
    steps: StepsShown,
    detail: Detail,
    /// One bit for each action that is written.
    wanted: u16,
    min_severity: Severity,
    sequence: u64,
    known: Option<Arc<Known>>,
}

impl Ndjson {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        let events = settings.events.clone().unwrap_or_else(|| default_events(settings.streams, settings.detail));
        let wanted = events.iter().fold(0, |set, action| set | 1 << *action as u16);
        let (steps, severity) = match settings.detail {
            Detail::Lean => (StepsShown::None, Severity::Note),
            Detail::Full => (StepsShown::Handshake, Severity::Info),
        };
        let steps = settings.steps.unwrap_or(steps);
        let min_severity = settings.min_severity.unwrap_or(severity);
        let (session, detail) = (settings.session.clone(), settings.detail);
        let known = settings.known.clone();
        Self { out, session, steps, detail, wanted, min_severity, sequence: 0, known }
    }

    fn write(&mut self, action: Action, event: &Event<'_>) {
        self.sequence += 1;
        let sequence = self.sequence;
        let known = self.known.as_deref();
        let context = Context { sequence, steps: self.steps, detail: self.detail, known };
        let line = &mut self.out.buffer;
        match *event {
            Event::SessionStart { time } => {
                write_line(&build::session_start(&self.session, time, sequence), line);
            }
            Event::FlowStart(flow) => write_line(&build::flow_event(flow, action, flow.first_time, &context), line),
            Event::HandshakeEnd(flow) => {
                write_line(&build::flow_event(flow, action, flow.opening_time, &context), line);
            }
            Event::TeardownStart { flow, time, .. } | Event::FlowEnd { flow, time } => {
                write_line(&build::flow_event(flow, action, time, &context), line);
            }
            Event::Anomaly { anomaly, flow } => write_line(&build::anomaly_event(anomaly, flow, sequence, known), line),
            Event::Stats { totals, time } => {
                write_line(&build::totals_event(totals, action, Some(time), sequence), line);
            }
            Event::SessionEnd { totals } => {
                write_line(&build::totals_event(totals, action, totals.last_time, sequence), line);
            }
            Event::Segment(_) | Event::Step { .. } | Event::Ending(_) | Event::Hosts { .. } => {}
        }
        self.out.end_line();
    }
}

impl Sink for Ndjson {
    fn wants(&self) -> Interest {
        let wanted = |action, wants: Interest| wants.when(self.wanted & 1 << action as u16 != 0);
        wanted(Action::FlowStart, Interest::STARTS)
            .union(wanted(Action::HandshakeEnd, Interest::OPENINGS))
            .union(wanted(Action::TeardownStart, Interest::CLOSINGS))
            .union(wanted(Action::Anomaly, Interest::ANOMALIES.union(Interest::ANOMALOUS)))
            .union(wanted(Action::Anomaly, Interest::INFOS.when(self.min_severity == Severity::Info)))
            .union(wanted(Action::FlowEnd, Interest::ENDS))
            .union(wanted(Action::Stats, Interest::STATS))
    }

    fn event(&mut self, event: &Event<'_>) {
        let Some(action) = action_of(event).filter(|action| self.wanted & 1 << *action as u16 != 0) else { return };
        // What is left out here is in the `flow_end` of its flow.
        let is_mark = |anomaly: &Anomaly| anomaly.scope == Scope::Flow && anomaly.severity < self.min_severity;
        if matches!(event, Event::Anomaly { anomaly, .. } if is_mark(anomaly)) {
            return;
        }
        self.write(action, event);
    }
}

impl Writer for Ndjson {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    fn listener(&mut self, alarm: &Alarm) {
        if let Some(known) = self.known.as_deref().filter(|_| self.wanted & 1 << Action::Listener as u16 != 0) {
            self.sequence += 1;
            write_line(&listener_event(alarm, known, self.sequence), &mut self.out.buffer);
            self.out.end_line();
        }
    }
}

const fn action_of(event: &Event<'_>) -> Option<Action> {
    Some(match event {
        Event::SessionStart { .. } => Action::SessionStart,
        Event::FlowStart(_) => Action::FlowStart,
        Event::HandshakeEnd(_) => Action::HandshakeEnd,
        Event::TeardownStart { .. } => Action::TeardownStart,
        Event::FlowEnd { .. } => Action::FlowEnd,
        Event::Anomaly { .. } => Action::Anomaly,
        Event::Stats { .. } => Action::Stats,
        Event::SessionEnd { .. } => Action::SessionEnd,
        Event::Segment(_) | Event::Step { .. } | Event::Ending(_) | Event::Hosts { .. } => return None,
    })
}
