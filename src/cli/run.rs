//! An analysis: packets in, events out, until the input ends or somebody says stop.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::config::{FilterChoice, Input, Run};
use super::driver::Driver;
use super::kernel::{self, Asking};
use super::messages::{self, Failure};
use super::metrics::Metrics;
use super::progress::Bar;
use super::recording::Recorder;
use super::sandbox::{self, Layers};
use super::service::Service;
use super::setup::{Opened, comes_live, engine, open_stream};
use super::sink::{Tee, end, finish, session_end};
use crate::capture::{CaptureError, Counts};
use crate::decode::{self, Decoder};
use crate::engine::Totals;
use crate::panics::guarded;
use crate::seed;

/// Runs an analysis to its end.
///
/// # Errors
///
/// What stopped it, after everything before that has been analysed and written.
pub(super) fn run(mut run: Run) -> Result<(), Failure> {
    let stop = stop_on_signals(true, run.output.rotation.is_none())?;
    let live = matches!(run.input, Input::Live(_));
    if live {
        seed::keep_secret();
    }
    let filter_name = run.filter.as_ref().map(FilterChoice::name);
    let mut engine = engine(&run)?;
    let waits = comes_live(&run.input);
    let opened = Opened::open(&run, &stop)?;
    let stream = open_stream(&run)?;
    let mut recorder = Recorder::open(&run)?;
    // It knows true addresses only.
    let helper = if run.output.settings.mask.is_some() { None } else { kernel::start(run.kernel)? };
    let metrics = Metrics::open(&run.metrics)?;
    let counted = metrics.as_ref().map(Metrics::shared);
    let mut service = Service::open(metrics, run.analysis.limits.flows)?;
    give_up_rights(&mut run)?;
    let asking = helper.map(kernel::Helper::listen).transpose()?;
    run.output.settings.known = asking.as_ref().map(Asking::known);
    let (mut source, _) = opened.source(&stop)?;
    recorder.as_mut().map_or(Ok(()), |recorder| recorder.begin(waits))?;
    let records = recorder.is_some();
    let mut sink = Tee::new(stream.writer(&run.output)?, &run, asking).count_for(counted).recording(recorder);
    if waits {
        sink.put(&run.output)?;
    }
    say_start(&run, &source.description(), filter_name.as_deref());
    service.start(run.quiet, &source.description())?;
    let bar_wanted = !run.quiet && !live && (run.output.path.is_some() || !io::stdout().is_terminal());
    let bar = Bar::new(bar_wanted, source.progress());

    let driver = Driver { limits: run.stop, stop: &stop, bar: &bar, live };
    let pumped = guarded(|| {
        // Packets are written in step with what becomes of their flows.
        if waits || records {
            return driver.one_by_one(&mut *source, &mut engine, &mut sink, &mut service);
        }
        let decode = decode::Config { verify_checksums: !run.analysis.ignore_checksums, ..decode::Config::default() };
        driver.in_batches(&mut *source, Decoder::new(decode), &mut engine, &mut sink)
    });
    let pumped = pumped.unwrap_or_else(|panic| Err(CaptureError::Panicked(panic)));
    bar.finish();
    if let Err(error) = &pumped
        && error.exit_code() == 2
    {
        // Nothing was analysed: the filter does not fit.
        return pumped.map_err(Failure::from);
    }
    source.close();
    sink.ask_last();
    let counts = source.counts();
    let ended = guarded(|| end(&mut engine, counts, live, &mut sink));
    // After a panic in there the last event is still to be written.
    let totals = ended.unwrap_or_else(|_| session_end(&engine, counts, live, &mut sink));
    service.end(&totals);
    conclude(&run, sink, &totals, source.counts(), pumped)
}

/// Writes what is left, says what there is to say, and judges: what failed, what could not be read, what the checks
/// found, what was asked for and is not there; the first of them counts.
fn conclude(
    run: &Run,
    mut sink: Tee,
    totals: &Totals,
    counts: Counts,
    pumped: Result<(), CaptureError>,
) -> Result<(), Failure> {
    let verdict = sink.watch.verdict();
    let not_there = sink.only.filter(|only| *only == 0 || *only > totals.flows);
    let lacking = not_there.map(|number| messages::no_such_flow(number, totals.flows)).or_else(|| sink.writer.lacks());
    let recorded = sink.recorder.take().map(Recorder::finish).transpose();
    finish(sink, &run.output)?;
    if let Some(line) = recorded?.filter(|_| !run.quiet) {
        messages::say(&line);
    }
    let unreadable = messages::unreadable(totals);
    say_end(run, totals, counts, unreadable.is_none());
    pumped.map_err(Failure::from)?;
    unreadable.map_or(verdict, Err)?;
    lacking.map_or(Ok(()), |what| Err(Failure::Running(what)))
}

/// What is said before the first packet.
fn say_start(run: &Run, description: &str, filter_name: Option<&str>) {
    let live = matches!(run.input, Input::Live(_));
    if !run.quiet && (live || run.verbose) {
        messages::say(&messages::start_line(description, filter_name, live));
    }
    if let Some(word) = run.analysis.memory_word.as_ref().filter(|_| !run.quiet) {
        messages::say(word);
    }
}

/// What is said after the last; the warning only where something could be read.
fn say_end(run: &Run, totals: &Totals, counts: Counts, readable: bool) {
    if !run.quiet {
        messages::say(&messages::closing_lines(totals, counts, matches!(run.input, Input::Live(_))));
        if let Some(warning) = messages::warning(totals).filter(|_| readable) {
            messages::say(&warning);
        }
    }
    if run.verbose {
        messages::say(&messages::verbose_lines(totals));
    }
}

/// Gives up rights: everything is open, nothing has been looked at, and there is no other thread.
pub(super) fn give_up_rights(run: &mut Run) -> Result<Layers, Failure> {
    let layers = sandbox::enter(&run.sandbox)?;
    if run.verbose {
        messages::say(&format!("sandbox: {}", layers.word()));
        layers.missing.iter().for_each(|why| messages::say(&format!("sandbox: missing: {why}")));
    }
    run.output.settings.session.sandbox = layers.holds().then(|| layers.word());
    Ok(layers)
}

/// A flag that the first SIGINT, SIGTERM or SIGHUP raises. With `second_ends`, the second SIGINT or SIGTERM ends the
/// program at once; a view has a terminal to restore first. Without `on_hang_up` SIGHUP is left for something else.
pub(super) fn stop_on_signals(second_ends: bool, on_hang_up: bool) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let failed = |error: io::Error| Failure::Running(format!("cannot handle signals: {error}"));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second handler raises the flag that the first one looks at next time.
        if second_ends {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop)).map_err(failed)?;
        }
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(failed)?;
    }
    if on_hang_up {
        stop_on_hang_up(&stop).map_err(failed)?;
    }
    Ok(stop)
}

/// Lets SIGHUP raise the flag, however often it comes: who closes a terminal sends it more than once. Where it was
/// ignored when the program began (`nohup`), that stays so.
fn stop_on_hang_up(stop: &Arc<AtomicBool>) -> io::Result<()> {
    if is_ignored(SIGHUP) { Ok(()) } else { signal_hook::flag::register(SIGHUP, Arc::clone(stop)).map(drop) }
}

/// Whether whoever started the program wants it to ignore a signal; if the system does not report it, it is not.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}
