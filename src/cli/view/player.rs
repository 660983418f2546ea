//! Takes packets as the view wishes: as fast as they come, at a pace, one by one, from the start again.

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::super::checks::Watch;
use super::super::config::{Input, Run};
use super::super::messages::Failure;
use super::super::run::{engine, open, open_output, totals};
use super::panics_in;
use super::ring::{Held, Ring};
use crate::capture::{CaptureError, Counts, FileInput, Next, Source};
use crate::decode::{self, Decoder, Frame, Outcome};
use crate::engine::{Engine, Event, Sink, Totals};
use crate::flow::FlowKey;
use crate::output::Writer;
use crate::output::pcapng::Pcapng;
use crate::output::tui::{Command, Feed, Position, Saving, Tap};
use crate::time::Timestamp;

/// How often the view is told of totals.
const TELL_EVERY: Duration = Duration::from_millis(50);
/// How long a held player waits for a command before it looks around.
const HOLD: Duration = Duration::from_millis(50);
/// How many packets pass between looks at the clock.
const LOOK_EVERY: u64 = 64;

/// How it all ended.
pub(super) struct Ended {
    pub(super) totals: Totals,
    pub(super) counts: Counts,
    pub(super) outcome: Result<(), CaptureError>,
    pub(super) verdict: Result<(), Failure>,
}

/// What a player shares with the rest of the program.
pub(super) struct Outside {
    pub(super) run: Arc<Run>,
    pub(super) feed: Feed,
    /// Ends it when raised.
    pub(super) stop: Arc<AtomicBool>,
}

/// Where to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// When so many packets have passed in all.
    Packets(u64),
    /// Before the first packet of this time or later.
    Time(Timestamp),
}

/// An analysis under the view's control.
pub(super) struct Player {
    run: Arc<Run>,
    engine: Engine,
    source: Box<dyn Source>,
    sink: ViewSink,
    feed: Feed,
    stop: Arc<AtomicBool>,
    live: bool,
    tee: bool,
    seekable: bool,
    ring: Option<Ring>,
    playing: bool,
    /// Times packet time; `None` for as fast as possible.
    speed: Option<f64>,
    target: Option<Target>,
    ended: bool,
    packets: u64,
    now: Timestamp,
    start: Option<Timestamp>,
    /// Packet time and wall clock at which the present pace began.
    paced_from: Option<(Timestamp, Instant)>,
    /// A packet whose time has not come.
    held: Option<Held>,
    told: Instant,
    outcome: Result<(), CaptureError>,
}

impl Player {
    pub(super) fn new(
        outside: Outside,
        replay: Option<Option<f64>>,
        tee: bool,
        engine: Engine,
        source: Box<dyn Source>,
    ) -> Self {
        let Outside { run, feed, stop } = outside;
        let live = matches!(run.input, Input::Live(_));
        let seekable = !run.input.is_streaming()
            && matches!(&run.input, Input::Files(files) if !files.contains(&FileInput::Stdin));
        Self {
            sink: ViewSink {
                tap: Tap(feed.clone()),
                watch: Watch::new(&run.checks),
                tee: None,
                flows: 0,
                replayed: false,
            },
            tee,
            speed: replay.flatten(),
            ring: (!seekable).then(Ring::default),
            run,
            engine,
            source,
            feed,
            stop,
            live,
            seekable,
            playing: true,
            target: None,
            ended: false,
            packets: 0,
            now: Timestamp(0),
            start: None,
            paced_from: None,
            held: None,
            told: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Goes on until the view is left.
    pub(super) fn run(mut self, commands: &Receiver<Command>) -> Ended {
        if self.tee {
            // Opened here because it stays in this thread.
            self.sink.tee = open_output(&self.run.output).ok();
        }
        while !self.stop.load(Ordering::Relaxed) {
            while let Ok(command) = commands.try_recv() {
                self.command(command);
            }
            if self.ended || !self.playing && self.target.is_none() {
                match commands.recv_timeout(HOLD) {
                    Ok(command) => self.command(command),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else if let Err(error) = self.advance() {
                self.feed.fail(error.to_string());
                self.outcome = Err(error);
                self.end();
            }
        }
        if !self.ended {
            self.end();
        }
        let totals = totals(&self.engine, self.source.counts(), self.live);
        let counts = self.source.counts();
        Ended { totals, counts, outcome: self.outcome, verdict: self.sink.watch.verdict() }
    }

    /// Some packets, at the pace asked for.
    fn advance(&mut self) -> Result<(), CaptureError> {
        assert!(!panics_in("analysis"), "a panic was asked for");
        if let Some(speed) = self.speed.filter(|_| self.target.is_none() && !self.live) {
            return self.paced(speed);
        }
        self.paced_from = None;
        for _ in 0..LOOK_EVERY {
            if !self.next()? {
                break;
            }
        }
        if self.told.elapsed() >= TELL_EVERY {
            self.tell();
        }
        Ok(())
    }

    /// The next packet; whether there may be another at once.
    fn next(&mut self) -> Result<bool, CaptureError> {
        if let Some(held) = self.held.take() {
            if self.is_reached(held.time) {
                self.held = Some(held);
                self.hold();
                return Ok(false);
            }
            self.take(&held.frame());
            return Ok(!self.is_over());
        }
        let elapsed = |start: Option<Timestamp>, now: Timestamp| start.map_or(0, |start| now - start);
        match self.source.next()? {
            Next::Frame(frame) if self.run.stop.is_over(elapsed(self.start, frame.time)) => self.end(),
            Next::Frame(frame) if is_reached(self.target, self.packets, frame.time) => {
                self.held = Some(Held::of(&frame, Vec::new()));
                self.hold();
                return Ok(false);
            }
            Next::Frame(frame) => {
                // As in take(): the frame borrows the source.
                self.start.get_or_insert(frame.time);
                self.now = self.now.max(frame.time);
                self.packets += 1;
                if let Some(ring) = &mut self.ring {
                    ring.push(&frame);
                }
                self.engine.frame(&frame, &mut self.sink);
                return Ok(!self.is_over());
            }
            Next::Idle(time) => {
                self.now = self.now.max(time);
                self.engine.advance(time, &mut self.sink);
                self.sink.flush();
                let over = self.run.stop.is_over(elapsed(self.start, time));
                self.tell();
                if over {
                    self.end();
                }
            }
            Next::End => self.end(),
        }
        Ok(false)
    }

    fn take(&mut self, frame: &Frame<'_>) {
        self.start.get_or_insert(frame.time);
        self.now = self.now.max(frame.time);
        self.packets += 1;
        self.engine.frame(frame, &mut self.sink);
    }

    fn is_over(&mut self) -> bool {
        let over = self.run.stop.reached(self.packets, self.sink.flows);
        if over {
            self.end();
        }
        over
    }

    fn is_reached(&self, next: Timestamp) -> bool {
        is_reached(self.target, self.packets, next)
    }

    /// One packet, when its time has come.
    fn paced(&mut self, speed: f64) -> Result<(), CaptureError> {
        if self.held.is_none() {
            match self.source.next()? {
                Next::Frame(frame) => self.held = Some(Held::of(&frame, Vec::new())),
                Next::Idle(_) => return Ok(()),
                Next::End => {
                    self.end();
                    return Ok(());
                }
            }
        }
        let Some(held) = self.held.take() else { return Ok(()) };
        let (from, wall) = *self.paced_from.get_or_insert((held.time, Instant::now()));
        let due = Duration::from_secs_f64(((held.time - from).max(0) as f64 / 1e9 / speed).min(1e9));
        let left = due.saturating_sub(wall.elapsed());
        if left.is_zero() {
            self.take(&held.frame());
        } else {
            std::thread::sleep(left.min(Duration::from_millis(20)));
            let passed = wall.elapsed().as_secs_f64() * speed * 1e9;
            self.now = self.now.max(from.after(passed as i64)).min(held.time);
            self.engine.advance(self.now, &mut self.sink);
            self.held = Some(held);
        }
        if self.told.elapsed() >= TELL_EVERY {
            self.tell();
        }
        Ok(())
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Play(play) => {
                self.playing = play;
                self.paced_from = None;
                if play && self.speed.is_none() {
                    self.speed = Some(1.0);
                }
            }
            Command::Speed(speed) => {
                self.speed = speed;
                self.paced_from = None;
            }
            Command::Step(by) if by >= 0 => {
                self.playing = false;
                // Steps that have not been made yet count.
                let from = if let Some(Target::Packets(wanted)) = self.target { wanted } else { self.packets };
                self.target = Some(Target::Packets(from.saturating_add(by.unsigned_abs())));
            }
            Command::Step(by) => {
                let from = if let Some(Target::Packets(wanted)) = self.target { wanted } else { self.packets };
                let to = from.saturating_sub(by.unsigned_abs());
                self.playing = false;
                self.restart(Target::Packets(to));
            }
            Command::Seek(to) => {
                self.playing &= self.speed.is_some() && !self.ended;
                self.paced_from = None;
                if to < self.now || self.ended {
                    self.restart(Target::Time(to));
                } else {
                    self.target = Some(Target::Time(to));
                }
            }
            Command::End => self.target = Some(Target::Time(Timestamp(i64::MAX))),
            Command::Save(saving) => {
                let said = match self.save(&saving) {
                    Ok(frames) => format!("{}: {frames} packets", saving.path.display()),
                    Err(error) => format!("{}: {error}", saving.path.display()),
                };
                self.feed.say(said);
            }
        }
        self.tell();
    }

    /// From the first packet again, up to `target`.
    fn restart(&mut self, target: Target) {
        if !self.seekable {
            return;
        }
        let opened = open(&self.run.input, self.run.filter.as_ref(), &self.stop);
        match (opened, engine(&self.run)) {
            (Ok(source), Ok(engine)) => {
                self.feed.restart();
                (self.source, self.engine) = (source, engine);
                self.sink.replayed = true;
                (self.packets, self.ended, self.held, self.start) = (0, false, None, None);
                self.now = Timestamp(i64::MIN);
                self.target = Some(target);
            }
            (Err(error), _) => self.feed.say(error.to_string()),
            (_, Err(_)) => self.feed.say("cannot begin anew".to_owned()),
        }
    }

    /// The target is reached.
    fn hold(&mut self) {
        self.target = None;
        self.paced_from = None;
        self.tell();
    }

    /// There is no more: open flows are told of as they are.
    fn end(&mut self) {
        self.engine.finish(&mut self.sink);
        self.ended = true;
        self.target = None;
        let totals = totals(&self.engine, self.source.counts(), self.live);
        self.sink.event(&Event::SessionEnd { totals: &totals });
        self.sink.flush();
        self.tell();
    }

    fn tell(&mut self) {
        self.told = Instant::now();
        if self.packets > 0 {
            self.feed.totals(totals(&self.engine, self.source.counts(), self.live), self.now);
        }
        let progress = self.source.progress();
        let share = |total: u64| progress.read as f64 / total.max(1) as f64;
        self.feed.position(Position {
            playing: self.playing,
            speed: self.speed,
            read: if self.ended { Some(1.0) } else { progress.total.map(share) },
            seekable: self.seekable,
            ended: self.ended,
        });
    }

    /// Writes the packets of some flows; how many there were.
    fn save(&self, saving: &Saving) -> Result<u64, Failure> {
        let failed = |error: &io::Error| Failure::Running(error.to_string());
        let file = File::create(&saving.path).map_err(|error| failed(&error))?;
        let mut writer = Selected {
            out: Pcapng::new(BufWriter::new(file)).map_err(|error| failed(&error))?,
            decoder: Decoder::new(decode::Config::default()),
            saving,
            commented: vec![false; saving.flows.len()],
            frames: 0,
        };
        match &self.ring {
            Some(ring) => ring.frames().try_for_each(|frame| writer.frame(&frame)).map_err(|error| failed(&error))?,
            None => {
                let mut source = open(&self.run.input, self.run.filter.as_ref(), &self.stop)?;
                while let Next::Frame(frame) = source.next()? {
                    writer.frame(&frame).map_err(|error| failed(&error))?;
                }
            }
        }
        writer.out.finish().map_err(|error| failed(&error))?;
        Ok(writer.frames)
    }
}

fn is_reached(target: Option<Target>, packets: u64, next: Timestamp) -> bool {
    match target {
        Some(Target::Packets(wanted)) => packets >= wanted,
        Some(Target::Time(wanted)) => next >= wanted,
        None => false,
    }
}

/// Writes the frames of some flows.
struct Selected<'a> {
    out: Pcapng<BufWriter<File>>,
    decoder: Decoder,
    saving: &'a Saving,
    commented: Vec<bool>,
    frames: u64,
}

impl Selected<'_> {
    fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let Outcome::Tcp(segment) = self.decoder.decode(frame) else { return Ok(()) };
        let (key, _) = FlowKey::of(&segment);
        let found = self
            .saving
            .flows
            .iter()
            .position(|flow| flow.key == key && (flow.frames.0..=flow.frames.1).contains(&frame.number));
        let Some(at) = found else { return Ok(()) };
        let first = self.commented.get_mut(at).is_some_and(|done| !std::mem::replace(done, true));
        let comment = self.saving.flows.get(at).map(|flow| flow.comment.as_str()).filter(|_| first);
        self.frames += 1;
        self.out.frame(frame, comment)
    }
}

/// Events to the view; the first time also to the checks and to `--tee`.
struct ViewSink {
    tap: Tap,
    watch: Watch,
    tee: Option<Box<dyn Writer>>,
    /// Finished flows.
    flows: u64,
    replayed: bool,
}

impl ViewSink {
    fn flush(&mut self) {
        if let Some(tee) = &mut self.tee {
            tee.out().flush();
        }
    }
}

impl Sink for ViewSink {
    fn event(&mut self, event: &Event<'_>) {
        self.tap.event(event);
        if self.replayed {
            return;
        }
        self.flows += u64::from(matches!(event, Event::FlowEnd { .. }));
        self.watch.event(event);
        if let Some(tee) = &mut self.tee {
            tee.event(event);
        }
    }
}
