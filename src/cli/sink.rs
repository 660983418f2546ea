//! Connects the engine to a format.

use std::sync::Arc;

use super::checks::{self, Watch};
use super::config::{Output, Run};
use super::messages::Failure;
use super::metrics::Shared;
use crate::capture::Counts;
use crate::engine::{Engine, Event, Interest, Sink, Totals};
use crate::flow::Flow;
use crate::flow_filter::FlowFilter;
use crate::output::Writer;
use crate::output::file::Unplaced;
use crate::panics::on_request;

/// Ends an analysis: reports open flows, then hosts, then totals.
pub(super) fn end(engine: &mut Engine, counts: Counts, live: bool, sink: &mut dyn Sink) -> Totals {
    engine.take_drops(counts.kernel_drops.saturating_add(counts.interface_drops));
    engine.finish(sink);
    on_request("writer");
    sink.event(&Event::Hosts { hosts: engine.hosts() });
    session_end(engine, counts, live, sink)
}

/// Reports the totals, and nothing else.
pub(super) fn session_end(engine: &Engine, counts: Counts, live: bool, sink: &mut dyn Sink) -> Totals {
    let totals = totals(engine, counts, live);
    sink.event(&Event::SessionEnd { totals: &totals });
    totals
}

/// Totals with what the capture counted.
pub(super) fn totals(engine: &Engine, counts: Counts, live: bool) -> Totals {
    let live_count = |n: u64| live.then_some(n);
    Totals {
        received: live_count(counts.received),
        dropped_kernel: live_count(counts.kernel_drops),
        dropped_interface: live_count(counts.interface_drops),
        unread: live_count(counts.unread),
        unfit: counts.unfit,
        ..engine.totals()
    }
}

/// Writes the rest.
///
/// # Errors
///
/// What could not be written.
pub(super) fn finish(mut sink: Tee, output: &Output) -> Result<(), Failure> {
    let name = output.path.as_ref().map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
    let out = sink.writer.out();
    let (finished, whole) = (out.finish(), out.whole_lines());
    // A file is cut to whole lines.
    let written = if sink.pending.is_some() { whole } else { out.written() };
    let failed = |error, rest: &str| {
        Err(Failure::Running(format!("{name}: cannot write: {error}; {written} octets were written{rest}")))
    };
    match (finished, sink.pending) {
        (Ok(_), None) => Ok(()),
        (Ok(_), Some(pending)) => pending.put().or_else(|error| failed(error, "")),
        (Err(error), None) => failed(error, ""),
        (Err(error), Some(pending)) => match pending.put_incomplete(whole) {
            place if output.path.as_ref() == Some(&place) => failed(error, ""),
            place => failed(error, &format!(" to {}, and the old file is as it was", place.display())),
        },
    }
}

/// Between the engine and a format: limits it to what was asked for, counts finished flows, and watches for what the
/// checks look for.
pub(super) struct Tee {
    pub(super) writer: Box<dyn Writer>,
    pub(super) only: Option<u64>,
    flows_where: Option<FlowFilter>,
    pub(super) watch: Watch,
    wants: Interest,
    pub(super) lines_are_flushed: bool,
    /// Finished flows.
    pub(super) flows: u64,
    /// What is written, before it is put in its place.
    pending: Option<Unplaced>,
    /// What is counted for metrics.
    metrics: Option<Arc<Shared>>,
}

impl Tee {
    pub(super) fn new((mut writer, pending): (Box<dyn Writer>, Option<Unplaced>), run: &Run) -> Self {
        // Filters and checks are about flows: they must see those that the format has no use for.
        let chooses = run.output.flow.is_some() || run.analysis.flows_where.is_some() || !run.checks.is_empty();
        let wants = writer
            .wants()
            .union(Interest::FLOWS.difference(Interest::STEPS).difference(Interest::STARTS).when(chooses));
        let lines_are_flushed = writer.out().flushes_lines();
        let (only, flows_where) = (run.output.flow, run.analysis.flows_where.clone());
        Self {
            writer,
            only,
            flows_where,
            watch: Watch::new(&run.checks),
            wants,
            lines_are_flushed,
            flows: 0,
            pending,
            metrics: None,
        }
    }

    /// Counts events for metrics, too.
    pub(super) fn count_for(mut self, metrics: Option<Arc<Shared>>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Puts a file in its place before it is whole, for those who read it as it grows.
    ///
    /// # Errors
    ///
    /// Where it cannot be put there.
    pub(super) fn put(&mut self, output: &Output) -> Result<(), Failure> {
        let name = output.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let put = self.pending.take().map_or(Ok(()), Unplaced::put);
        put.map_err(|error| Failure::Running(format!("{name}: cannot create: {error}")))
    }

    /// Whether this event was asked for. With a flow filter, one about a flow counts if the flow matches as it is then.
    fn wants(&self, event: &Event<'_>) -> bool {
        let flow = flow_of(event);
        let about_the_flow = match (self.only, flow) {
            (Some(only), Some(flow)) => flow.id == only,
            (Some(_), None) => !matches!(event, Event::Anomaly { .. }),
            (None, _) => true,
        };
        about_the_flow && self.flows_where.as_ref().is_none_or(|filter| checks::passes(filter, event, flow))
    }
}

impl Sink for Tee {
    fn event(&mut self, event: &Event<'_>) {
        if matches!(event, Event::FlowEnd { .. } | Event::Ending(_)) {
            self.flows += 1;
        }
        if let Some(metrics) = &self.metrics {
            metrics.event(event);
        }
        self.watch.event(event);
        if self.wants(event) {
            self.writer.event(event);
        }
    }

    fn wants(&self) -> Interest {
        self.wants
    }
}

const fn flow_of<'a>(event: &Event<'a>) -> Option<&'a Flow> {
    match event {
        Event::FlowStart(flow)
        | Event::Step { flow, .. }
        | Event::HandshakeEnd(flow)
        | Event::TeardownStart { flow, .. }
        | Event::FlowEnd { flow, .. } => Some(flow),
        Event::Anomaly { flow, .. } => *flow,
        Event::SessionStart { .. }
        | Event::Segment(_)
        | Event::Ending(_)
        | Event::Stats { .. }
        | Event::Hosts { .. }
        | Event::SessionEnd { .. } => None,
    }
}
