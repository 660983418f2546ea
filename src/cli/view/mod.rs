//! The terminal view: an analysis in a thread of its own, and the view of it in this one.

mod ahead;
mod marks;
mod memory;
mod names;
mod player;
mod reading;
mod ring;
mod saving;
mod spare;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use self::ahead::Ahead;
use self::player::{Ended, Outside, Player};
use super::config::{Input, Run, View};
use super::messages::{self, Failure};
use super::recording::Recorder;
use super::run::{give_up_rights, stop_on_signals};
use super::setup::{Opened, comes_live, engine, protected};
use crate::capture::{FileInput, Source};
use crate::output::Mask;
use crate::output::tui::{self, Controls, Feed, Options};
use crate::panics::{guarded, is_asked_for};
use crate::seed;

/// How long a stream that has begun may say nothing more before the view opens without a packet.
const GRACE: Duration = Duration::from_secs(1);

/// Shows the view of an analysis until the user leaves it.
///
/// # Errors
///
/// What stopped the analysis; errors of opening are reported before the screen changes.
pub(super) fn run(mut run: Run, view: &View) -> Result<(), Failure> {
    let stop = stop_on_signals(false, true)?;
    if matches!(run.input, Input::Live(_)) {
        seed::keep_secret();
    }
    let waits = matches!(&run.input, Input::Files(files) if files.contains(&FileInput::Stdin));
    if waits && !run.quiet {
        messages::say("waiting for packets on standard input\u{2026} (Ctrl-C leaves)");
    }
    let mask = mask(&run)?;
    let mut protected = protected(&run);
    let opened = Opened::open(&run, &stop)?;
    let mut recorder = Recorder::open(&run)?;
    let names = names::read();
    protected.explain(give_up_rights(&mut run)?.limits());
    let run = Arc::new(run);
    let feed = Feed::new(run.analysis.limits.flows).within(memory::waiting_octets(&run));
    let (sender, commands) = channel();
    let (source, input) = match opened.source(&stop) {
        // Whoever leaves before anything came made no error.
        Err(_) if waits && stop.load(Ordering::SeqCst) => return Ok(()),
        opened => opened?,
    };
    recorder.as_mut().map_or(Ok(()), |recorder| recorder.begin(comes_live(&run.input)))?;
    let options = Options { names: Arc::new(names), ..options(&run, view, &source.description(), &mask) };
    let engine = engine(&run)?;
    let source = ahead_of_pipes(source, &run.input)?;
    let outside = Outside {
        run: Arc::clone(&run),
        protected: protected.clone(),
        input,
        recorder,
        feed: feed.clone(),
        stop: Arc::clone(&stop),
    };
    let (replay, tee) = (view.replay, view.tee);
    let alarm = Alarm(Arc::clone(&stop));
    let worker = thread::Builder::new()
        .name("analysis".to_owned())
        .spawn(move || {
            let _alarm = alarm;
            Player::new(outside, replay, tee, engine, source).run(&commands)
        })
        .map_err(no_thread)?;
    if waits {
        wait_for_packets(&feed, || worker.is_finished() || stop.load(Ordering::SeqCst));
    }
    let controls = Controls {
        feed: feed.clone(),
        commands: sender,
        stop: Arc::clone(&stop),
        protected,
        panic: is_asked_for("view"),
    };
    let is_over = feed.waiting().packets == 0 && (worker.is_finished() || stop.load(Ordering::SeqCst));
    let show = || guarded(|| tui::run(options, &controls)).unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
    let shown = if is_over { Ok(None) } else { show() };
    stop.store(true, Ordering::SeqCst);
    let ended = worker.join().map_err(|_| Failure::Running("the analysis thread panicked".to_owned()))?;
    shown.map_err(|error| Failure::Running(format!("the terminal: {error}")))?;
    finish(&run, ended)
}

/// The source; one that lets its reader wait is read on a thread of its own. An interface says when nothing comes.
fn ahead_of_pipes(source: Box<dyn Source>, input: &Input) -> Result<Box<dyn Source>, Failure> {
    let is_pipe = matches!(input, Input::Files(_)) && input.is_streaming();
    Ok(if is_pipe { Box::new(Ahead::new(source).map_err(no_thread)?) } else { source })
}

/// What `P` and `--privacy` put in the place of addresses.
fn mask(run: &Run) -> Result<Arc<Mask>, Failure> {
    if let Some(mask) = &run.output.settings.mask {
        return Ok(Arc::clone(mask));
    }
    Mask::random().map(Arc::new).map_err(|error| Failure::Running(format!("no random numbers: {error}")))
}

/// Leaves the terminal to whoever sends until there are packets, but not for long: it has asked for its password before
/// it began, and may say that it listens.
fn wait_for_packets(feed: &Feed, is_over: impl Fn() -> bool) {
    let begun = Instant::now();
    while feed.waiting().packets == 0 && begun.elapsed() < GRACE && !is_over() {
        thread::sleep(Duration::from_millis(5));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn no_thread(error: std::io::Error) -> Failure {
    Failure::Running(format!("cannot start a thread: {error}"))
}

/// Ends the view when the analysis panics.
struct Alarm(Arc<AtomicBool>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn finish(run: &Run, ended: Ended) -> Result<(), Failure> {
    if !run.quiet && matches!(run.input, Input::Live(_)) {
        messages::say(&messages::closing_lines(&ended.totals, ended.counts, true));
    }
    let unreadable = messages::unreadable(&ended.totals);
    if unreadable.is_none()
        && !run.quiet
        && let Some(warning) = messages::warning(&ended.totals)
    {
        messages::say(&warning);
    }
    if let Some(line) = ended.recorded?.filter(|_| !run.quiet) {
        messages::say(&line);
    }
    ended.outcome?;
    unreadable.map_or(ended.verdict, Err)
}

fn options(run: &Run, view: &View, description: &str, mask: &Arc<Mask>) -> Options {
    let live = matches!(run.input, Input::Live(_));
    let short = description.trim_start_matches("listening on ").trim_start_matches("reading from ");
    let source = if live { short.replace("link-type ", "") } else { short.to_owned() };
    let source =
        source.split(", snapshot").next().unwrap_or_default().split(" (").next().unwrap_or_default().to_owned();
    let source = if live { source } else { source.split(", link-type").next().unwrap_or_default().to_owned() };
    Options {
        source,
        live: run.input.is_streaming(),
        replay: view.replay.is_some(),
        theme: view.theme,
        ascii: view.ascii,
        locale: view.locale,
        force_color: view.force_color,
        true_color: view.true_color,
        mouse: view.mouse,
        fps: view.fps,
        max_flows: run.analysis.limits.flows,
        max_octets: memory::table_octets(run),
        filter: run.analysis.flows_where.clone(),
        arrangement: view.arrangement,
        time_wait: run.analysis.timeouts.time_wait,
        names: Arc::default(),
        keys: view.keys.clone(),
        mask: Arc::clone(mask),
        is_private: run.output.settings.mask.is_some(),
    }
}
