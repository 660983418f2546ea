//! The terminal view: an analysis in a thread of its own, and the view of it in this one.

mod marks;
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
use std::time::Duration;

use self::player::{Ended, Outside, Player};
use super::config::{Input, Run, View};
use super::messages::{self, Failure};
use super::run::{give_up_rights, stop_on_signals};
use super::setup::{Opened, engine, protected};
use crate::capture::FileInput;
use crate::output::tui::{self, Controls, Feed, Options};
use crate::panics::{guarded, is_asked_for};
use crate::seed;

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
        messages::say("waiting for packets on standard input\u{2026}");
    }
    let mut protected = protected(&run);
    let opened = Opened::open(&run, &stop)?;
    let names = names::read();
    protected.explain(give_up_rights(&mut run)?.limits());
    let run = Arc::new(run);
    let feed = Feed::new(run.analysis.limits.flows);
    let (sender, commands) = channel();
    let (source, input) = opened.source(&stop)?;
    let options = Options { names: Arc::new(names), ..options(&run, view, &source.description()) };
    let engine = engine(&run)?;
    let outside = Outside {
        run: Arc::clone(&run),
        protected: protected.clone(),
        input,
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
        .map_err(|error| Failure::Running(format!("cannot start a thread: {error}")))?;
    if waits {
        // Until something comes the terminal belongs to whoever sends it: ssh may ask for a password.
        while feed.waiting().packets == 0 && !worker.is_finished() && !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    }
    let controls = Controls {
        feed: feed.clone(),
        commands: sender,
        stop: Arc::clone(&stop),
        protected,
        panic: is_asked_for("view"),
    };
    let shown = if feed.waiting().packets == 0 && worker.is_finished() {
        Ok(None)
    } else {
        guarded(|| tui::run(options, &controls)).unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
    };
    stop.store(true, Ordering::SeqCst);
    let ended = worker.join().map_err(|_| Failure::Running("the analysis thread panicked".to_owned()))?;
    shown.map_err(|error| Failure::Running(format!("the terminal: {error}")))?;
    finish(&run, ended)
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
    ended.outcome?;
    unreadable.map_or(ended.verdict, Err)
}

fn options(run: &Run, view: &View, description: &str) -> Options {
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
        filter: run.analysis.flows_where.clone(),
        arrangement: view.arrangement,
        time_wait: run.analysis.timeouts.time_wait,
        names: Arc::default(),
        keys: view.keys.clone(),
    }
}
