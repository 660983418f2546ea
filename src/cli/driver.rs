//! From a source through the engine to a sink, until there is a reason to stop.
//!
//! What comes live is passed on frame by frame. Files are read and decoded in batches on a thread of their own, ahead
//! of the tracking, which is itself ahead of judging hosts and of writing: that uses two cores well, and the output is
//! the same to the byte.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::config::Stop;
use super::progress::Bar;
use super::recording::Recorder;
use super::service::Service;
use super::sink::{Tee, totals};
use crate::capture::{CaptureError, Next, Progress, Source};
use crate::decode::Decoder;
use crate::engine::{Batch, Batcher, Engine, Event, EventBatch, Interest, Sink, TrackStage, serves};
use crate::panics::{guarded, on_request};
use crate::time::Timestamp;

/// How often the bar and the output are looked at, frames.
const LOOK_EVERY: u64 = 4096;
/// How often what operators ask is looked at, frames; besides at each idle tick.
const SERVE_EVERY: u64 = 256;
/// Batches on their way between the two threads.
const BATCHES: usize = 16;
/// Number of empty batches that go back together: each time the reading thread must be woken, which costs as much as a
/// hundred packets.
const RETURNED: usize = 8;
/// Event batches on their way between tracking and writing.
const EVENT_BATCHES: usize = 4;
/// Interval between reports of totals, nanoseconds of packet time.
const STATS_EVERY: i64 = 60 * crate::time::SECOND;

/// Conditions checked between packets.
pub(super) struct Driver<'a> {
    pub(super) limits: Stop,
    pub(super) stop: &'a AtomicBool,
    pub(super) bar: &'a Bar,
    pub(super) live: bool,
}

/// A batch as the reading thread hands it over.
struct Filled {
    batch: Batch,
    progress: Progress,
    /// Set on the last one: how reading ended.
    end: Option<Result<(), CaptureError>>,
}

impl Driver<'_> {
    /// Passes frames on as they come.
    ///
    /// # Errors
    ///
    /// What the source failed with; what came before it counts.
    pub(super) fn one_by_one(
        &self,
        source: &mut dyn Source,
        engine: &mut Engine,
        sink: &mut Tee,
        service: &mut Service,
    ) -> Result<(), CaptureError> {
        let mut packets = 0u64;
        let mut clock = StatsClock::new(Sink::wants(sink));
        // A live source ends by itself soon after the stop, when it has handed out what there was.
        while (self.live || !self.stop.load(Ordering::Relaxed)) && !self.limits.reached(packets, sink.flows) {
            let now = match source.next()? {
                Next::Frame(frame) => {
                    on_request("tracker");
                    if self.limits.is_over(clock.since_start(frame.time)) {
                        break;
                    }
                    if sink.recorder.as_ref().is_some_and(|recorder| recorder.is_over(frame.time)) {
                        break;
                    }
                    engine.frame(&frame, sink);
                    if let Some(recorder) = &mut sink.recorder {
                        recorder.take(&frame);
                    }
                    packets += 1;
                    frame.time
                }
                Next::Idle(time) => {
                    engine.advance(time, sink);
                    sink.look_at_queues();
                    sink.writer.out().settle();
                    service.tick(engine, source.counts(), self.live);
                    sink.recorder.iter_mut().for_each(|recorder| recorder.idle(time));
                    let failed = sink.recorder.as_ref().is_some_and(Recorder::failed);
                    if failed || self.limits.is_over(clock.since_start(time)) {
                        break;
                    }
                    time
                }
                Next::End => break,
            };
            if clock.stats_are_due(now) {
                let totals = totals(engine, source.counts(), self.live);
                sink.event(&Event::Stats { totals: &totals, time: now });
            }
            // Where many packets come there is no idle tick; a quarter of a thousand takes a fraction of a millisecond.
            if packets.is_multiple_of(SERVE_EVERY) {
                service.tick(engine, source.counts(), self.live);
            }
            if packets.is_multiple_of(LOOK_EVERY) || sink.lines_are_flushed {
                self.bar.update(source.progress());
                if sink.writer.out().failed() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads and decodes on another thread, ahead of the tracking. If the sink wants no more of each connection than
    /// its verdicts, tracking is on a third one, ahead of the judging of hosts and of the writing.
    ///
    /// # Errors
    ///
    /// What the source failed with; what came before it counts.
    pub(super) fn in_batches(
        &self,
        source: &mut dyn Source,
        decoder: Decoder,
        engine: &mut Engine,
        sink: &mut Tee,
    ) -> Result<(), CaptureError> {
        let (filled_in, filled) = sync_channel(BATCHES);
        let (emptied, empty) = sync_channel(BATCHES);
        for _ in 0..BATCHES {
            // The channel is as long as there are batches: this cannot block, nor fail while `empty` lives.
            let _ = emptied.send(engine.batch());
        }
        let batches = Batches { filled, emptied };
        thread::scope(|scope| {
            let reading = thread::Builder::new().name("reader".to_owned());
            reading.spawn_scoped(scope, move || read(source, decoder, &empty, &filled_in)).map_err(no_thread)?;
            if self.limits.are_none() && serves(sink.wants()) {
                self.track_apart(scope, batches, engine, sink)
            } else {
                self.track(batches, &mut SingleThread { engine, sink })
            }
        })
    }

    /// Tracks on a thread of its own, and judges and writes on this one.
    fn track_apart<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        batches: Batches,
        engine: &'scope mut Engine,
        sink: &mut Tee,
    ) -> Result<(), CaptureError> {
        let (full_in, full) = sync_channel::<EventBatch>(EVENT_BATCHES);
        let (read, empty) = sync_channel(EVENT_BATCHES);
        for _ in 0..EVENT_BATCHES {
            let _ = read.send(EventBatch::default());
        }
        let (front, hosts) = engine.split();
        let deliver = move |batch| full_in.send(batch).ok().and_then(|()| empty.recv().ok());
        let wants = sink.wants();
        let mut apart = Threaded { front, batcher: Batcher::new(wants, deliver), wants };
        let work = move || {
            let end = guarded(|| self.track(batches, &mut apart));
            // What was known before a panic is reported.
            let flushed = guarded(|| apart.batcher.flush());
            end.and_then(|end| flushed.map(|()| end)).unwrap_or_else(|panic| Err(CaptureError::Panicked(panic)))
        };
        let tracking = thread::Builder::new().name("tracker".to_owned());
        let tracking = tracking.spawn_scoped(scope, work).map_err(no_thread)?;
        for mut batch in full {
            on_request("reporter");
            batch.read(hosts, sink);
            // A send that fails means that tracking has ended: what it posted last is still to be read.
            let _ = read.send(batch);
            if sink.writer.out().failed() {
                break;
            }
        }
        drop(read);
        // It cannot panic.
        tracking.join().unwrap_or(Ok(()))
    }

    /// Owns its ends of the channels: when it leaves early they close, at which the reading thread ends too.
    #[allow(clippy::needless_pass_by_value)]
    fn track(&self, batches: Batches, tracking: &mut impl Tracking) -> Result<(), CaptureError> {
        let mut packets = 0u64;
        let mut clock = StatsClock::new(tracking.wants());
        let mut done = Vec::with_capacity(RETURNED);
        while let Ok(Filled { mut batch, progress, end }) = batches.filled.recv() {
            let frames = batch.len();
            on_request("tracker");
            if self.limits.are_none() && clock.is_before_stats(batch.latest()) {
                (0..frames).for_each(|n| tracking.frame_of(&mut batch, n));
                packets += frames as u64;
            } else if !self.track_closely(&mut batch, &mut packets, &mut clock, tracking) {
                return Ok(());
            }
            self.bar.update(progress);
            if self.stop.load(Ordering::Relaxed) || tracking.is_in_vain() {
                return Ok(());
            }
            if let Some(end) = end {
                return end;
            }
            done.push(batch);
            if done.len() == RETURNED {
                done.drain(..).for_each(|batch| drop(batches.emptied.send(batch)));
            }
        }
        Ok(())
    }

    /// Tracks a batch in which there may be a reason to stop, or totals may be due; whether to go on.
    fn track_closely(
        &self,
        batch: &mut Batch,
        packets: &mut u64,
        clock: &mut StatsClock,
        tracking: &mut impl Tracking,
    ) -> bool {
        for n in 0..batch.len() {
            let Some(now) = batch.time(n) else { break };
            if self.limits.reached(*packets, tracking.finished()) || self.limits.is_over(clock.since_start(now)) {
                return false;
            }
            tracking.frame_of(batch, n);
            *packets += 1;
            if clock.stats_are_due(now) {
                tracking.stats(now);
            }
        }
        true
    }
}

/// The tracking thread's ends of the channels that batches go round by.
struct Batches {
    filled: Receiver<Filled>,
    emptied: SyncSender<Batch>,
}

/// What tracks the frames of a batch.
trait Tracking {
    /// Takes frame `n`.
    fn frame_of(&mut self, batch: &mut Batch, n: usize);

    /// What the format needs.
    fn wants(&self) -> Interest;

    /// Tells the totals.
    fn stats(&mut self, now: Timestamp);

    /// Flows that have ended, where that is a reason to stop.
    fn finished(&self) -> u64;

    /// Whether the output has failed.
    fn is_in_vain(&mut self) -> bool;
}

/// Tracks, judges and writes frame by frame.
struct SingleThread<'a> {
    engine: &'a mut Engine,
    sink: &'a mut Tee,
}

impl Tracking for SingleThread<'_> {
    fn frame_of(&mut self, batch: &mut Batch, n: usize) {
        self.engine.frame_of(batch, n, self.sink);
    }

    fn wants(&self) -> Interest {
        Sink::wants(self.sink)
    }

    fn stats(&mut self, now: Timestamp) {
        let totals = self.engine.totals();
        self.sink.event(&Event::Stats { totals: &totals, time: now });
    }

    fn finished(&self) -> u64 {
        self.sink.flows
    }

    fn is_in_vain(&mut self) -> bool {
        self.sink.writer.out().failed()
    }
}

/// Tracks, and sends event batches to the reporting stage.
struct Threaded<'a, F> {
    front: &'a mut TrackStage,
    batcher: Batcher<F>,
    wants: Interest,
}

impl<F: FnMut(EventBatch) -> Option<EventBatch>> Tracking for Threaded<'_, F> {
    fn frame_of(&mut self, batch: &mut Batch, n: usize) {
        self.front.frame_of(batch, n, &mut self.batcher);
    }

    fn wants(&self) -> Interest {
        self.wants
    }

    fn stats(&mut self, now: Timestamp) {
        self.batcher.stats(self.front.totals(), now);
    }

    fn finished(&self) -> u64 {
        0
    }

    fn is_in_vain(&mut self) -> bool {
        !self.batcher.is_read()
    }
}

/// Fills batches until the source ends or nobody wants more.
fn read(source: &mut dyn Source, mut decoder: Decoder, empty: &Receiver<Batch>, filled: &SyncSender<Filled>) {
    while let Ok(mut batch) = empty.recv() {
        batch.clear();
        let filled_up = guarded(|| fill(source, &mut decoder, &mut batch));
        let end = filled_up.unwrap_or_else(|panic| Some(Err(CaptureError::Panicked(panic))));
        let last = end.is_some();
        if filled.send(Filled { batch, progress: source.progress(), end }).is_err() || last {
            return;
        }
    }
}

/// Fills a batch; how reading ended, if it did.
fn fill(source: &mut dyn Source, decoder: &mut Decoder, batch: &mut Batch) -> Option<Result<(), CaptureError>> {
    loop {
        match source.next() {
            Ok(Next::Frame(frame)) => batch.push(decoder, &frame),
            Ok(Next::Idle(_)) => {}
            Ok(Next::End) => return Some(Ok(())),
            Err(error) => return Some(Err(error)),
        }
        on_request("reader");
        if batch.is_full() {
            return None;
        }
    }
}

/// The system has no thread for us.
fn no_thread(cause: io::Error) -> CaptureError {
    CaptureError::Io { operation: "start a thread", input: "synscope".to_owned(), cause }
}

/// Packet time since the start, and since the last report of totals.
#[derive(Debug, Default)]
pub(super) struct StatsClock {
    start: Option<Timestamp>,
    next_stats: Option<Timestamp>,
}

impl StatsClock {
    /// A clock for who wants this: totals are never due if they are not among it.
    pub(super) fn new(wants: Interest) -> Self {
        let never = (!wants.intersects(Interest::STATS)).then_some(Timestamp(i64::MAX));
        Self { start: None, next_stats: never }
    }

    /// Nanoseconds from the first call to `now`.
    fn since_start(&mut self, now: Timestamp) -> i64 {
        now - *self.start.get_or_insert(now)
    }

    /// Whether totals cannot be due until `latest`.
    fn is_before_stats(&self, latest: Timestamp) -> bool {
        self.next_stats.is_some_and(|next| latest < next)
    }

    /// Whether a report of totals is due; if so, the next time is a while later.
    pub(super) fn stats_are_due(&mut self, now: Timestamp) -> bool {
        let due = now >= *self.next_stats.get_or_insert(now.after(STATS_EVERY));
        if due {
            self.next_stats = Some(now.after(STATS_EVERY));
        }
        due
    }
}

impl Stop {
    /// Whether nothing but the end of the input ends it.
    const fn are_none(&self) -> bool {
        self.packets.is_none() && self.flows.is_none() && self.duration.is_none()
    }

    /// Whether the limit of packets or finished flows is reached.
    pub(super) fn reached(&self, packets: u64, flows: u64) -> bool {
        self.packets.is_some_and(|n| packets >= n) || self.flows.is_some_and(|n| flows >= n)
    }

    /// Whether this much packet time is enough, nanoseconds.
    pub(super) fn is_over(&self, elapsed: i64) -> bool {
        self.duration.is_some_and(|duration| elapsed >= duration)
    }
}
