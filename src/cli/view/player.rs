//! Takes packets as the view wishes: as fast as they come, at a pace, one by one, from the start again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::super::checks::Watch;
use super::super::config::{Input, Run};
use super::super::messages::Failure;
use super::super::recording::Recorder;
use super::super::setup::{OpenInput, open_stream};
use super::super::sink::{Tee, finish};
use super::marks::{Marks, Target};
use super::memory::{SPARE_PART, mark_octets, table_octets};
use super::reading::{Place, Reading, ViewSink};
use super::ring::{Held, Ring};
use super::saving::save;
use super::spare::{Made, Spare};
use crate::capture::{CaptureError, Counts, FileInput, Next, Source};
use crate::engine::{Engine, Totals};
use crate::output::file::Protected;
use crate::output::tui::{Back, Command, Feed, Position, Tap, is_shown};
use crate::panics::is_asked_for;
use crate::time::Timestamp;

/// Interval between totals for the view.
const TELL_EVERY: Duration = Duration::from_millis(50);
/// Interval between grades of sequence numbers for the view.
const TELL_OF_HOSTS_EVERY: Duration = Duration::from_secs(1);
/// How long a held player waits for a command before it looks around.
const HOLD: Duration = Duration::from_millis(50);
/// How many packets pass between looks at the clock.
const LOOK_EVERY: u64 = 64;

/// How it all ended.
pub(super) struct Ended {
    pub(super) totals: Totals,
    pub(super) counts: Counts,
    pub(super) outcome: Result<(), CaptureError>,
    /// What was done with the packets, if they were written.
    pub(super) recorded: Result<Option<String>, Failure>,
    pub(super) verdict: Result<(), Failure>,
}

/// What a player shares with the rest of the program.
pub(super) struct Outside {
    pub(super) run: Arc<Run>,
    /// What must not be overwritten.
    pub(super) protected: Protected,
    /// What can be read again.
    pub(super) input: Option<Arc<OpenInput>>,
    /// Who takes the packets, if they are written.
    pub(super) recorder: Option<Recorder>,
    pub(super) feed: Feed,
    /// Ends it when raised.
    pub(super) stop: Arc<AtomicBool>,
}

/// An analysis under the view's control.
pub(super) struct Player {
    run: Arc<Run>,
    protected: Protected,
    input: Option<Arc<OpenInput>>,
    reading: Reading,
    source: Box<dyn Source>,
    feed: Feed,
    stop: Arc<AtomicBool>,
    live: bool,
    tee: bool,
    seekable: bool,
    marks: Marks,
    /// Analyses at marks where going back may lead: at most two.
    spares: Vec<Spare>,
    playing: bool,
    /// Times packet time; `None` for as fast as possible.
    speed: Option<f64>,
    target: Option<Target>,
    ended: bool,
    /// Whether the end was ever reached.
    ended_once: bool,
    /// Packet time and wall clock at which the present pace began.
    paced_from: Option<(Timestamp, Instant)>,
    /// A packet whose time has not come.
    held: Option<Held>,
    reported: Instant,
    /// Whether something came since.
    untold: bool,
    reported_of_hosts: Instant,
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
        let Outside { run, protected, input, recorder, feed, stop } = outside;
        let live = matches!(run.input, Input::Live(_));
        let seekable = !run.input.is_streaming()
            && matches!(&run.input, Input::Files(files) if !files.contains(&FileInput::Stdin));
        let sink = ViewSink::new(Tap(feed.clone()), Watch::new(&run.checks), recorder);
        Self {
            reading: Reading::new(engine, sink, live, (!seekable).then(Ring::default)),
            tee,
            speed: replay.flatten(),
            source,
            protected,
            input,
            feed,
            stop,
            live,
            seekable,
            marks: Marks::new(table_octets(&run), mark_octets(&run)),
            spares: Vec::new(),
            run,
            playing: true,
            target: None,
            ended: false,
            ended_once: false,
            paced_from: None,
            held: None,
            reported: Instant::now(),
            untold: true,
            reported_of_hosts: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Goes on until the view is left.
    pub(super) fn run(mut self, commands: &Receiver<Command>) -> Ended {
        if self.tee {
            // Opened here because it stays in this thread.
            match open_stream(&self.run).and_then(|stream| stream.writer(&self.run.output)) {
                Ok(writer) => self.reading.sink.tee = Some(Tee::new(writer, &self.run, None)),
                Err(failure) => self.feed.say(failure.to_string()),
            }
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
        self.source.close();
        let counts = self.source.counts();
        if !self.ended_once {
            self.reading.leave(counts);
        }
        let totals = self.reading.totals(counts);
        let written = self.reading.sink.tee.take().map_or(Ok(()), |tee| finish(tee, &self.run.output));
        let verdict = written.and_then(|()| self.reading.sink.watch.verdict());
        let recorded = self.reading.sink.recorder.take().map(Recorder::finish).transpose();
        Ended { totals, counts, outcome: self.outcome, recorded, verdict }
    }

    /// Some packets, at the pace asked for.
    fn advance(&mut self) -> Result<(), CaptureError> {
        if is_asked_for("analysis") {
            assert!(!is_shown(), "a panic was asked for");
            return Ok(());
        }
        if let Some(speed) = self.speed.filter(|_| self.target.is_none() && !self.live) {
            return self.paced(speed);
        }
        self.paced_from = None;
        for _ in 0..LOOK_EVERY {
            // What comes live is shown at once: after these packets there may be none for long.
            if !self.next()? || !self.seekable && self.reported.elapsed() >= TELL_EVERY {
                break;
            }
        }
        self.tell_in_time();
        Ok(())
    }

    /// The next packet; whether there may be another at once.
    fn next(&mut self) -> Result<bool, CaptureError> {
        let packets = self.reading.place.packets;
        let is_reached =
            |target: Option<Target>, next: Timestamp| target.is_some_and(|target| target.is_reached(packets, next));
        if let Some(held) = self.held.take() {
            if is_reached(self.target, held.time) {
                self.held = Some(held);
                self.hold();
                return Ok(false);
            }
            self.reading.take(&held.frame());
            self.untold = true;
            return Ok(!self.is_over());
        }
        match self.source.next()? {
            Next::Frame(frame) if self.run.stop.is_over(self.reading.elapsed(frame.time)) => self.end(),
            Next::Frame(frame) if is_reached(self.target, frame.time) => {
                self.held = Some(Held::of(&frame, Vec::new()));
                self.hold();
            }
            Next::Frame(frame) => {
                self.reading.take(&frame);
                self.untold = true;
                return Ok(!self.is_over());
            }
            Next::Idle(time) => {
                self.reading.wait(time);
                if self.live || self.untold {
                    self.tell();
                }
                if self.run.stop.is_over(self.reading.elapsed(time)) {
                    self.end();
                }
            }
            Next::End => self.end(),
        }
        Ok(false)
    }

    /// After a packet: whether it was the last one wanted.
    fn is_over(&mut self) -> bool {
        if self.seekable && self.marks.is_due(self.reading.place) {
            self.tell();
            self.marks.make(self.reading.place, self.reading.engine.live_flows(), &self.feed);
        }
        let over = self.run.stop.reached(self.reading.place.packets, self.reading.sink.flows);
        if over {
            self.end();
        }
        over
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
            self.reading.take(&held.frame());
            self.is_over();
        } else {
            std::thread::sleep(left.min(Duration::from_millis(20)));
            let passed = wall.elapsed().as_secs_f64() * speed * 1e9;
            let now = self.reading.place.now.max(from.after(passed as i64)).min(held.time);
            self.reading.wait(now);
            self.held = Some(held);
        }
        self.tell_in_time();
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
                let from =
                    if let Some(Target::Packets(wanted)) = self.target { wanted } else { self.reading.place.packets };
                self.target = Some(Target::Packets(from.saturating_add(by.unsigned_abs())));
            }
            Command::Step(by) => {
                let from =
                    if let Some(Target::Packets(wanted)) = self.target { wanted } else { self.reading.place.packets };
                let to = from.saturating_sub(by.unsigned_abs());
                self.playing = false;
                self.restart(Target::Packets(to));
            }
            Command::Seek(to) => {
                self.playing &= self.speed.is_some() && !self.ended;
                self.paced_from = None;
                if to <= self.reading.place.now || self.ended {
                    self.restart(Target::Time(to));
                } else {
                    self.target = Some(Target::Time(to));
                }
            }
            Command::End => self.target = Some(Target::Time(Timestamp(i64::MAX))),
            Command::Save(saving) => {
                let said =
                    match save(&saving, self.reading.ring.as_ref(), &self.protected, self.input.as_deref(), &self.stop)
                    {
                        Ok(frames) => format!("{}: {frames} packets", saving.path.display()),
                        Err(error) => format!("{}: {error}", saving.path.display()),
                    };
                self.feed.say(said);
            }
        }
        self.tell();
    }

    /// Back to the last mark before `target`, or to the start, and on from there.
    fn restart(&mut self, target: Target) {
        if !self.seekable {
            return;
        }
        if let Err(failure) = self.go_back(target) {
            self.feed.say(failure.to_string());
        }
    }

    fn go_back(&mut self, target: Target) -> Result<(), Failure> {
        let Some(input) = self.input.clone() else { return Ok(()) };
        self.marks.want();
        let mark = self.marks.before(target);
        let place = mark.unwrap_or(Place::START);
        let mut made = match self.spare_before(place).and_then(Spare::take) {
            Some(made) => made,
            None => Made::at_start(&self.run, &input, &self.stop)?,
        };
        made.go_on_to(place, &self.stop)?;
        self.feed.back(mark.map_or(Back::Start, |place| Back::Mark(place.packets)));
        self.reading.go_back(made.engine, made.place, made.flows, self.ended_once);
        self.source = made.source;
        (self.ended, self.held, self.target) = (false, None, Some(target));
        self.make_spares(mark);
        Ok(())
    }

    /// The spare that is nearest before `place`.
    fn spare_before(&mut self, place: Place) -> Option<Spare> {
        let before = self.spares.iter().enumerate().filter(|(_, spare)| spare.place.packets <= place.packets);
        let (at, _) = before.max_by_key(|(_, spare)| spare.place.packets)?;
        Some(self.spares.swap_remove(at))
    }

    /// Who went back goes back again, thereabouts: spares for this mark and the one before it.
    fn make_spares(&mut self, mark: Option<Place>) {
        let before = mark.and_then(|mark| self.marks.before(Target::Packets(mark.packets - 1)));
        let wanted: Vec<Place> = mark.into_iter().chain(before).collect();
        let is_wanted = |spare: &Spare| wanted.iter().any(|place| place.packets == spare.place.packets);
        self.spares.retain(is_wanted);
        // Each is a whole analysis: those with many connections are read anew when they are wanted.
        let most = self.run.analysis.limits.flows / SPARE_PART;
        for place in wanted {
            if self.marks.live_at(place).is_some_and(|live| live <= most)
                && !self.spares.iter().any(|spare| spare.place.packets == place.packets)
            {
                let made = self.input.as_ref().and_then(|input| Spare::make(&self.run, input, place));
                self.spares.extend(made);
            }
        }
    }

    /// The target is reached.
    fn hold(&mut self) {
        self.target = None;
        self.paced_from = None;
        self.tell();
        // After the first way back marks are there only now.
        let here = Target::Packets(self.reading.place.packets);
        if let Some(mark) = self.marks.before(here).filter(|_| self.spares.is_empty()) {
            self.make_spares(Some(mark));
        }
    }

    /// The input has ended: open flows are reported as they are.
    fn end(&mut self) {
        self.reading.end(self.source.counts());
        (self.ended, self.ended_once, self.target) = (true, true, None);
        self.tell();
    }

    fn tell_in_time(&mut self) {
        if self.reported.elapsed() >= TELL_EVERY {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.reported = Instant::now();
        self.untold = false;
        let place = self.reading.place;
        if place.packets > 0 {
            self.feed.totals(self.reading.totals(self.source.counts()), place.now);
        }
        if self.reported_of_hosts.elapsed() >= TELL_OF_HOSTS_EVERY {
            self.reported_of_hosts = Instant::now();
            self.feed.isns(self.reading.engine.hosts().isns());
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
}
