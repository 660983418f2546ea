//! Connects the engine to a format.

use std::sync::Arc;

use super::checks::{self, Watch};
use super::config::{Output, Run};
use super::kernel::Asking;
use super::messages::Failure;
use super::metrics::Shared;
use super::recording::Recorder;
use crate::capture::Counts;
use crate::detect::Severity;
use crate::engine::{Ending, Engine, Event, Interest, Sink, Totals};
use crate::flow::Flow;
use crate::flow_filter::FlowFilter;
use crate::kernel::Known;
use crate::output::file::Unplaced;
use crate::output::{Mask, Writer};
use crate::panics::on_request;
use crate::tcp::Segment;

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
    /// What of it is not for the recorder alone.
    asked: Interest,
    pub(super) lines_are_flushed: bool,
    /// Finished flows.
    pub(super) flows: u64,
    /// What is written, before it is put in its place.
    pending: Option<Unplaced>,
    /// Whoever asks this host's kernel.
    asking: Option<Asking>,
    known: Option<Arc<Known>>,
    /// What is counted for metrics.
    metrics: Option<Arc<Shared>>,
    /// Who takes the packets, if they are written.
    pub(super) recorder: Option<Recorder>,
    /// What stands for addresses in what is written.
    mask: Option<Arc<Mask>>,
}

impl Tee {
    pub(super) fn new(
        (mut writer, pending): (Box<dyn Writer>, Option<Unplaced>),
        run: &Run,
        asking: Option<Asking>,
    ) -> Self {
        // Filters and checks are about flows: they must see those that the format has no use for.
        let chooses = run.output.flow.is_some() || run.analysis.flows_where.is_some() || !run.checks.is_empty();
        let wants = writer
            .wants()
            .union(Interest::FLOWS.difference(Interest::STEPS).difference(Interest::STARTS).when(chooses))
            .union(Interest::STARTS.union(Interest::OPENINGS).when(asking.is_some()));
        let known = asking.as_ref().map(Asking::known);
        let lines_are_flushed = writer.out().flushes_lines();
        let (only, flows_where) = (run.output.flow, run.analysis.flows_where.clone());
        let mask = run.output.settings.mask.clone();
        let watch = Watch::new(&run.checks);
        Self {
            writer,
            only,
            flows_where,
            watch,
            wants,
            asked: wants,
            lines_are_flushed,
            flows: 0,
            pending,
            asking,
            known,
            metrics: None,
            recorder: None,
            mask,
        }
    }

    /// Counts events for metrics, too.
    pub(super) fn count_for(mut self, metrics: Option<Arc<Shared>>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Also lets `recorder` take the packets.
    #[must_use]
    pub(super) fn recording(mut self, recorder: Option<Recorder>) -> Self {
        self.wants = self.wants.union(recorder.as_ref().map_or(Interest::empty(), Recorder::wants));
        Self { recorder, ..self }
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

    /// Reports the queues of this host that passed a level.
    pub(super) fn look_at_queues(&mut self) {
        if let Some(known) = &self.known {
            known.alarms().iter().for_each(|alarm| self.writer.listener(alarm));
        }
    }

    /// Asks this host's kernel for the last time, and reports what is left to report.
    pub(super) fn ask_last(&mut self) {
        self.asking.iter().for_each(Asking::ask_last);
        self.look_at_queues();
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
        if let Some(asking) = &self.asking {
            asking.see(event);
            self.look_at_queues();
        }
        if let Some(metrics) = &self.metrics {
            metrics.event(event);
        }
        self.watch.event(event);
        if let Some(recorder) = &mut self.recorder {
            recorder.event(event);
        }
        if self.recorder.is_some() && !is_asked_for(event, self.asked) {
            return;
        }
        if self.wants(event) {
            match &self.mask {
                None => self.writer.event(event),
                Some(mask) => masked(mask, event, &mut *self.writer),
            }
        }
    }

    fn wants(&self) -> Interest {
        self.wants
    }
}

/// Passes an event on with other addresses. Filters and checks have seen the true ones.
fn masked(mask: &Mask, event: &Event<'_>, to: &mut dyn Writer) {
    match *event {
        Event::Segment(segment) => {
            let (source, destination) = (mask.endpoint(segment.source), mask.endpoint(segment.destination));
            to.event(&Event::Segment(&Segment { source, destination, ..*segment }));
        }
        Event::FlowStart(flow) => to.event(&Event::FlowStart(&mask.flow(flow))),
        Event::Step { flow, step, folded } => to.event(&Event::Step { flow: &mask.flow(flow), step, folded }),
        Event::HandshakeEnd(flow) => to.event(&Event::HandshakeEnd(&mask.flow(flow))),
        Event::TeardownStart { flow, by, time } => {
            to.event(&Event::TeardownStart { flow: &mask.flow(flow), by, time });
        }
        Event::FlowEnd { flow, time } => to.event(&Event::FlowEnd { flow: &mask.flow(flow), time }),
        Event::Ending(ending) => {
            let (client, server) = (mask.ip(ending.client), mask.ip(ending.server));
            to.event(&Event::Ending(&Ending { client, server, ..*ending }));
        }
        Event::Anomaly { anomaly, flow } => {
            let flow = flow.map(|flow| mask.flow(flow));
            to.event(&Event::Anomaly { anomaly: &mask.anomaly(anomaly), flow: flow.as_ref() });
        }
        // Only the summary reads these, and masks them itself.
        Event::SessionStart { .. } | Event::Stats { .. } | Event::Hosts { .. } | Event::SessionEnd { .. } => {
            to.event(event);
        }
    }
}

/// Whether a format that asked for these events gets this one where nobody else asks for more.
fn is_asked_for(event: &Event<'_>, asked: Interest) -> bool {
    let kind = match event {
        Event::Segment(_) => Interest::SEGMENTS,
        Event::FlowStart(_) => Interest::STARTS,
        Event::Step { .. } => Interest::STEPS,
        Event::HandshakeEnd(_) => Interest::OPENINGS,
        Event::TeardownStart { .. } => Interest::CLOSINGS,
        Event::Anomaly { anomaly, flow: Some(_) } if anomaly.severity == Severity::Info => {
            Interest::ANOMALIES.union(Interest::INFOS)
        }
        Event::Anomaly { flow: Some(_), .. } => Interest::ANOMALIES,
        _ => Interest::empty(),
    };
    asked.contains(kind)
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
