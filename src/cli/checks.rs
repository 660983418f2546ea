//! `-Y`, `--fail-on` and `--expect`: flow filters over events.

use super::config::Checks;
use super::messages::Failure;
use crate::engine::Event;
use crate::flow::Flow;
use crate::flow_filter::{FlowFilter, Subject};

/// Whether `event`, which is about `flow` where there is one, is reported. Events about neither flow nor anomaly are.
pub(super) fn passes(filter: &FlowFilter, event: &Event<'_>, flow: Option<&Flow>) -> bool {
    match (event, flow) {
        (Event::Anomaly { anomaly, flow }, _) => filter.matches(&Subject::anomaly(anomaly, *flow)),
        (Event::FlowEnd { flow, time } | Event::TeardownStart { flow, time, .. }, _) => {
            filter.matches(&Subject::flow(flow, *time))
        }
        (_, Some(flow)) => filter.matches(&Subject::flow(flow, flow.last_time)),
        (_, None) => true,
    }
}

/// Looks out for what the checks name.
pub(super) struct Watch {
    fail_on: Vec<Looked>,
    expect: Vec<Looked>,
}

/// A filter, and what first matched it.
struct Looked {
    filter: FlowFilter,
    found: Option<String>,
}

impl Watch {
    pub(super) fn new(checks: &Checks) -> Self {
        let looked = |filters: &[FlowFilter]| {
            filters.iter().map(|filter| Looked { filter: filter.clone(), found: None }).collect::<Vec<_>>()
        };
        Self { fail_on: looked(&checks.fail_on), expect: looked(&checks.expect) }
    }

    /// Takes note of a finished flow or an anomaly.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        if self.fail_on.is_empty() && self.expect.is_empty() {
            return;
        }
        let (subject, name): (_, fn(&Event<'_>) -> String) = match event {
            Event::FlowEnd { flow, time } => (Subject::flow(flow, *time), flow_name),
            Event::Anomaly { anomaly, flow } => (Subject::anomaly(anomaly, *flow), anomaly_name),
            _ => return,
        };
        for looked in self.fail_on.iter_mut().chain(&mut self.expect).filter(|looked| looked.found.is_none()) {
            if looked.filter.matches(&subject) {
                looked.found = Some(name(event));
            }
        }
    }

    /// What the checks say in the end.
    ///
    /// # Errors
    ///
    /// [`Failure::Check`], with everything that is not as it should be.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let failed = self.fail_on.iter().filter_map(|looked| {
            let found = looked.found.as_ref()?;
            Some(format!("--fail-on \"{}\" matched {found}", looked.filter.text()))
        });
        let missed = self.expect.iter().filter(|looked| looked.found.is_none());
        let missed = missed.map(|looked| format!("--expect \"{}\" matched nothing", looked.filter.text()));
        let problems: Vec<String> = failed.chain(missed).collect();
        if problems.is_empty() { Ok(()) } else { Err(Failure::Check(problems.join("\nsynscope: "))) }
    }
}

fn flow_name(event: &Event<'_>) -> String {
    match event {
        Event::FlowEnd { flow, .. } => {
            let (client, server) = (flow.client.endpoint, flow.server.endpoint);
            format!("flow {}, {client} → {server}: {}, {}", flow.id, flow.opening(), flow.closing())
        }
        _ => String::new(),
    }
}

fn anomaly_name(event: &Event<'_>) -> String {
    match event {
        Event::Anomaly { anomaly, .. } => format!("{} {}: {}", anomaly.severity.name(), anomaly.id, anomaly.reason),
        _ => String::new(),
    }
}
