//! An analysis: packets in, events out, until the input ends or somebody says stop.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::checks;
use super::checks::Watch;
use super::config::{FilterChoice, Input, Output, Run};
use super::messages::{self, Failure};
use super::progress::Bar;
use super::pump::Pump;
use crate::capture::{CaptureError, Counts, FileInput, FileOptions, Files, Filter, Source};
use crate::decode::{self, Decoder};
use crate::engine::{self, Engine, Event, Sink, Totals, Wants};
use crate::flow::Flow;
use crate::flow_filter::FlowFilter;
use crate::output::{Out, Writer};

/// Runs an analysis to its end.
///
/// # Errors
///
/// What stopped it, after everything before that has been analysed and written.
pub(super) fn run(run: &Run) -> Result<(), Failure> {
    let stop = stop_on_signals()?;
    let live = matches!(run.input, Input::Live(_));
    let filter_name = run.filter.as_ref().map(FilterChoice::name);
    let mut engine = engine(run)?;
    let waits = comes_live(&run.input);
    let mut source = open(&run.input, run.filter.as_ref(), &stop)?;
    let mut sink = Tee::new(open_output(&run.output)?, run);
    if !run.quiet && (live || run.verbose) {
        messages::say(&messages::start_line(&source.description(), filter_name.as_deref(), live));
    }
    let bar_wanted = !run.quiet && !live && (run.output.path.is_some() || !io::stdout().is_terminal());
    let bar = Bar::new(bar_wanted, source.progress());

    let pump = Pump { limits: run.stop, stop: &stop, bar: &bar, live };
    let pumped = if waits {
        pump.one_by_one(&mut *source, &mut engine, &mut sink)
    } else {
        let decode = decode::Config { verify_checksums: !run.analysis.ignore_checksums, ..decode::Config::default() };
        pump.in_batches(&mut *source, Decoder::new(decode), &mut engine, &mut sink)
    };
    bar.finish();
    if let Err(error) = &pumped
        && error.exit_code() == 2
    {
        // Nothing was analysed: the filter does not fit.
        return pumped.map_err(Failure::from);
    }
    let totals = end(&mut engine, source.counts(), live, &mut sink);
    let verdict = sink.watch.verdict();
    let not_there = sink.only.filter(|only| *only == 0 || *only > totals.flows);
    finish(sink, &run.output)?;
    if let Some(number) = not_there
        && !run.quiet
    {
        messages::say(&messages::no_such_flow(number, totals.flows));
    }
    if !run.quiet {
        messages::say(&messages::closing_lines(&totals, source.counts(), live));
    }
    let unreadable = messages::unreadable(&totals);
    if unreadable.is_none()
        && !run.quiet
        && let Some(warning) = messages::warning(&totals)
    {
        messages::say(&warning);
    }
    if run.verbose {
        messages::say(&messages::verbose_lines(&totals));
    }
    pumped.map_err(Failure::from)?;
    unreadable.map_or(verdict, Err)
}

/// A flag that the first SIGINT, SIGTERM or SIGHUP raises. The second SIGINT or SIGTERM ends the program at once.
fn stop_on_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let failed = |error: io::Error| Failure::Running(format!("cannot handle signals: {error}"));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second handler raises the flag that the first one looks at next time.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(failed)?;
    }
    stop_on_hang_up(&stop).map_err(failed)?;
    Ok(stop)
}

/// Lets SIGHUP raise the flag, however often it comes: who closes a terminal sends it more than once. Where it was ignored when
/// the program began (`nohup`), that stays so.
pub(super) fn stop_on_hang_up(stop: &Arc<AtomicBool>) -> io::Result<()> {
    if is_ignored(SIGHUP) { Ok(()) } else { signal_hook::flag::register(SIGHUP, Arc::clone(stop)).map(drop) }
}

/// Whether whoever started the program wants it to ignore a signal; where the system does not tell, it is not.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// An engine for this run.
pub(super) fn engine(run: &Run) -> Result<Engine, Failure> {
    let analysis = &run.analysis;
    let settings = engine::Settings {
        hosts: analysis.hosts.clone(),
        decode: decode::Config { verify_checksums: !analysis.ignore_checksums, ..decode::Config::default() },
        timeouts: analysis.timeouts,
        limits: analysis.limits,
        rules: analysis.rules.clone(),
        long_way: false,
        terse: run.output.format.terse && run.checks.is_empty() && analysis.flows_where.is_none(),
        zeek_checksums: analysis.zeek_checksums,
    };
    Engine::new(&settings).map_err(|error| Failure::Usage(error.to_string()))
}

/// Whether frames come when they happen, so that what they tell must not wait for later ones: an interface, a pipe.
fn comes_live(input: &Input) -> bool {
    match input {
        Input::Live(_) => true,
        Input::Files(files) => files.iter().any(|file| match file {
            FileInput::Stdin => true,
            FileInput::Path(path) => !path.is_file(),
        }),
    }
}

/// Opens the input.
pub(super) fn open(
    input: &Input,
    filter: Option<&FilterChoice>,
    stop: &Arc<AtomicBool>,
) -> Result<Box<dyn Source>, CaptureError> {
    let filter = match filter {
        None => None,
        Some(FilterChoice::Expression(expression)) => Some(Filter::expression(expression)?),
        Some(FilterChoice::File { name, text }) => Some(Filter::file(name, text)?),
        Some(FilterChoice::Preset(preset)) => Some(Filter::preset(preset)?),
    };
    match input {
        Input::Files(files) => {
            let options = FileOptions { filter, stop: Some(Arc::clone(stop)) };
            Ok(Box::new(Files::open(files, options)?))
        }
        #[cfg(feature = "live")]
        Input::Live(live) => live::open(live, filter, stop),
        #[cfg(not(feature = "live"))]
        Input::Live(_) => Err(CaptureError::Usage("-i: this build has no live capture".to_owned())),
    }
}

#[cfg(feature = "live")]
mod live {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::super::args::DirectionArg;
    use super::super::config;
    use crate::capture::{CaptureError, Direction, Filter, Live, LiveOptions, Source};

    pub(super) fn open(
        live: &config::Live,
        filter: Option<Filter>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Box<dyn Source>, CaptureError> {
        let default = LiveOptions::default();
        let options = LiveOptions {
            interfaces: live.interfaces.clone(),
            filter,
            snaplen: live.snaplen.unwrap_or(default.snaplen),
            buffer_size: live.buffer_size.unwrap_or(default.buffer_size),
            promiscuous: live.promiscuous,
            direction: match live.direction {
                Some(DirectionArg::In) => Direction::In,
                Some(DirectionArg::Out) => Direction::Out,
                Some(DirectionArg::Inout) | None => Direction::Both,
            },
            link_type: live.link_type.clone(),
            stop: Arc::clone(stop),
        };
        Ok(Box::new(Live::open(&options)?))
    }
}

/// Opens the output.
pub(super) fn open_output(output: &Output) -> Result<Box<dyn Writer>, Failure> {
    let stream: Box<dyn Write> = match &output.path {
        None => Box::new(io::stdout()),
        Some(path) if is_input(path, &output.settings.session.inputs) => {
            return Err(Failure::Usage(format!("-o: {} is being read", path.display())));
        }
        Some(path) => match File::create(path) {
            Ok(file) => Box::new(file),
            Err(error) => return Err(Failure::Running(format!("{}: cannot create: {error}", path.display()))),
        },
    };
    Ok((output.format.open)(Out::new(stream, output.flush_lines), &output.settings))
}

/// Whether `path` is one of the files that are read: to create it would destroy them.
pub(super) fn is_input(path: &Path, inputs: &[String]) -> bool {
    let real = |path: &Path| path.is_file().then(|| path.canonicalize().ok()).flatten();
    real(path).is_some_and(|output| inputs.iter().any(|input| real(Path::new(input)).as_ref() == Some(&output)))
}

/// Ends an analysis: what is open is told of as it is, then hosts, then the totals.
pub(super) fn end(engine: &mut Engine, counts: Counts, live: bool, sink: &mut dyn Sink) -> Totals {
    engine.take_drops(counts.kernel_drops.saturating_add(counts.interface_drops));
    engine.finish(sink);
    let totals = totals(engine, counts, live);
    sink.event(&Event::Hosts { hosts: engine.hosts() });
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
        ..engine.totals()
    }
}

/// Writes what is left.
///
/// # Errors
///
/// What could not be written.
pub(super) fn finish(mut sink: Tee, output: &Output) -> Result<(), Failure> {
    let out = sink.writer.out();
    match out.finish() {
        Ok(_) => Ok(()),
        Err(error) => {
            let name = output.path.as_ref().map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
            Err(Failure::Running(format!("{name}: cannot write: {error}; {} octets were written", out.written())))
        }
    }
}

/// Between the engine and a format: limits it to what was asked for, counts finished flows, and watches for what the
/// checks look for.
pub(super) struct Tee {
    pub(super) writer: Box<dyn Writer>,
    only: Option<u64>,
    flows_where: Option<FlowFilter>,
    watch: Watch,
    wants: Wants,
    pub(super) lines_are_flushed: bool,
    /// Finished flows.
    pub(super) flows: u64,
}

impl Tee {
    pub(super) fn new(mut writer: Box<dyn Writer>, run: &Run) -> Self {
        // Filters and checks are about flows: they must see those that the format has no use for.
        let chooses = run.output.flow.is_some() || run.analysis.flows_where.is_some() || !run.checks.is_empty();
        let wants = writer.wants().and(Wants::FLOWS.but(Wants::STEPS).but(Wants::STARTS).if_so(chooses));
        let lines_are_flushed = writer.out().flushes_lines();
        let (only, flows_where) = (run.output.flow, run.analysis.flows_where.clone());
        Self { writer, only, flows_where, watch: Watch::new(&run.checks), wants, lines_are_flushed, flows: 0 }
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
        self.watch.event(event);
        if self.wants(event) {
            self.writer.event(event);
        }
    }

    fn wants(&self) -> Wants {
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
