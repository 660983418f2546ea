//! Interfaces as a [`Source`], through libpcap.
//!
//! Each interface is read in a thread of its own, which copies frames into batches that go to the analysis and come
//! back. Their number is fixed: when the analysis cannot follow, the thread waits, the kernel's ring buffer fills, and
//! the kernel counts what it drops. So there is one place where frames are lost and one counter for it.
//! Frames of several interfaces are put in order of time, for which they wait a little ([`merge`]).

mod batch;
mod clock;
mod merge;
mod open;
mod options;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use self::batch::Batch;
use self::clock::IdleClock;
use self::merge::Merge;
pub use self::open::{InterfaceInfo, list_interfaces};
use self::options::snaplen;
pub use self::options::{Direction, LiveOptions};
use self::worker::{Counters, Horizon, Message, Worker, WorkerContext};
use super::{CaptureError, Counts, Next, Progress, Source};
use crate::decode::link::link_description;
use crate::decode::{Frame, LinkType};
use crate::time::Timestamp;

/// How long nothing must come before [`Next::Idle`] is yielded.
const IDLE: Duration = Duration::from_millis(100);
/// How often frames that wait for another interface are looked after.
const LOOK: Duration = Duration::from_millis(10);
/// How long the threads may take to end.
const CLOSING: Duration = Duration::from_secs(1);
/// Batches per interface: 32 times 1,024 frames at most are under way.
const BATCHES: usize = 32;

/// A capture on one or several interfaces. Frames come in order of time; those of one interface in that of
/// their arrival.
pub struct Live {
    messages: Receiver<Message>,
    /// Until the first frame is asked for: the threads are not started before.
    waiting: Vec<Worker>,
    interfaces: Vec<Interface>,
    merge: Merge,
    number: u64,
    clock: IdleClock,
    snaplen: u32,
    stop: Arc<AtomicBool>,
    /// Set when this source goes away before its end.
    abandoned: Arc<AtomicBool>,
    /// Up to here all interfaces have handed over everything, as of the messages heard last.
    complete: Option<Timestamp>,
    closed: bool,
    /// Whether nothing more will come from the threads.
    over: bool,
    /// Why that is, if it is not because of a stop: reported after all earlier frames.
    failure: Option<CaptureError>,
}

struct Interface {
    name: String,
    link: LinkType,
    spent: Sender<Batch>,
    counters: Arc<Counters>,
    horizon: Arc<Horizon>,
    /// Frames handed out.
    frames: u64,
    /// Whether the kernel's counts are those of the frames that come here.
    counts_are_exact: bool,
}

impl Live {
    /// Opens all interfaces: the kernel captures from now on. Threads that read what it captured are started when the
    /// first frame is asked for, so that rights can be given up in between.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Permission`], [`CaptureError::NoSuchInterface`], [`CaptureError::Interface`] for what libpcap
    /// refuses, [`CaptureError::BadFilter`], and [`CaptureError::Usage`] for a link type that does not exist or no
    /// interface at all.
    pub fn open(options: &LiveOptions) -> Result<Self, CaptureError> {
        if options.interfaces.is_empty() {
            return Err(CaptureError::Usage("no interface to capture on".to_owned()));
        }
        let opened: Result<Vec<_>, _> = options.interfaces.iter().map(|name| open::open(name, options)).collect();
        let (sender, messages) = channel();
        let mut this = Self {
            messages,
            waiting: Vec::new(),
            interfaces: Vec::new(),
            merge: Merge::new(options.interfaces.len()),
            number: 0,
            clock: IdleClock::start(),
            snaplen: snaplen(options),
            stop: Arc::clone(&options.stop),
            abandoned: Arc::default(),
            complete: None,
            closed: false,
            over: false,
            failure: None,
        };
        for (index, opened) in opened?.into_iter().enumerate() {
            this.prepare(index, opened, &sender);
        }
        Ok(this)
    }

    /// Prepares the thread of one interface.
    fn prepare(&mut self, index: usize, opened: open::Opened, sender: &Sender<Message>) {
        let (spent, empty) = channel();
        for _ in 0..BATCHES {
            // The receiver is alive: it is in this function.
            let _ = spent.send(Batch::new(index));
        }
        let (counters, horizon) = (Arc::<Counters>::default(), Arc::<Horizon>::default());
        let shared = WorkerContext {
            stop: Arc::clone(&self.stop),
            abandoned: Arc::clone(&self.abandoned),
            counters: Arc::clone(&counters),
            horizon: Arc::clone(&horizon),
        };
        let interface = Interface {
            name: opened.name.clone(),
            link: opened.link,
            spent,
            counters,
            horizon,
            frames: 0,
            counts_are_exact: opened.counts_are_exact,
        };
        self.waiting.push(Worker::new(opened, self.snaplen, shared, empty, sender.clone()));
        self.interfaces.push(interface);
    }

    /// Starts the threads.
    #[cold]
    fn start(&mut self) -> Result<(), CaptureError> {
        for worker in std::mem::take(&mut self.waiting) {
            let name = worker.name().to_owned();
            let spawned = thread::Builder::new().name(format!("capture {name}")).spawn(move || worker.run());
            spawned.map_err(|cause| CaptureError::io("start a thread for", &name, cause))?;
        }
        Ok(())
    }

    /// Gives a batch back to its interface.
    fn give_back(&mut self, spent: Batch) {
        if let Some((time, arrival)) = spent.latest()
            && arrival >= self.clock.arrival
        {
            self.clock = IdleClock { time, arrival };
        }
        if let Some(interface) = self.interfaces.get(spent.interface) {
            // An interface whose thread has ended needs no more.
            let _ = interface.spent.send(spent);
        }
    }

    /// Takes messages of the threads: waits for the first of it this long, and for the rest not at all. Whether there
    /// was anything.
    fn listen(&mut self, timeout: Duration) -> bool {
        // Before the messages: what a thread handed over before it reported its horizon must be among them.
        let horizons: Vec<_> = self.interfaces.iter().map(|interface| interface.horizon.get()).collect();
        self.complete = horizons.iter().copied().min().filter(|time| *time > Timestamp(i64::MIN));
        let mut received = self.messages.recv_timeout(timeout);
        let mut heard = false;
        loop {
            match received {
                Ok(Message::Batch(batch)) => {
                    if let Some(spent) = self.merge.push(batch) {
                        self.give_back(spent);
                    }
                }
                Ok(Message::Failed(error)) => {
                    self.abandoned.store(true, Ordering::Relaxed);
                    self.failure.get_or_insert(error);
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    self.over = true;
                    self.merge.end();
                    return true;
                }
            }
            heard = true;
            received = self.messages.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            });
        }
        for (n, horizon) in horizons.into_iter().enumerate() {
            self.merge.is_complete(n, horizon);
        }
        heard
    }

    fn current_frame(&self) -> Option<Frame<'_>> {
        let (batch, packet) = self.merge.current()?;
        let interface = self.interfaces.get(batch.interface)?;
        Some(Frame {
            number: self.number,
            time: packet.time,
            link: interface.link,
            interface: batch.interface as u16,
            wire_len: packet.wire_len,
            data: batch.data(packet),
        })
    }
}

impl Source for Live {
    fn next(&mut self) -> Result<Next<'_>, CaptureError> {
        if let Some(spent) = self.merge.pass() {
            self.give_back(spent);
        }
        while !self.merge.advance() {
            if !self.waiting.is_empty() {
                self.start()?;
            }
            if self.over {
                return self.failure.take().map_or(Ok(Next::End), Err);
            }
            // First without waiting: perhaps there is more, or it is known by now that nothing else comes before.
            if self.listen(Duration::ZERO) {
                continue;
            }
            if self.merge.advance() {
                break;
            }
            match self.merge.advance_late(Instant::now()) {
                Ok(()) => break,
                Err(Some(left)) => drop(self.listen(left.min(LOOK))),
                Err(None) if self.listen(IDLE) => {}
                Err(None) => {
                    // Never ahead of frames that wait to be read, however long this process was stopped.
                    if let Some(complete) = self.complete {
                        return Ok(Next::Idle(self.clock.now().min(complete).max(self.clock.time)));
                    }
                }
            }
        }
        self.number += 1;
        if let Some(interface) = self.merge.current().map(|(batch, _)| batch.interface)
            && let Some(interface) = self.interfaces.get_mut(interface)
        {
            interface.frames += 1;
        }
        Ok(self.current_frame().map_or(Next::End, Next::Frame))
    }

    fn description(&self) -> String {
        let each = |i: &Interface| format!("{}, link-type {}", i.name, link_description(i.link));
        let interfaces: Vec<_> = self.interfaces.iter().map(each).collect();
        format!("listening on {}, snapshot length {} bytes", interfaces.join(" and "), self.snaplen)
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn counts(&self) -> Counts {
        let (given_up, late) = (self.merge.given_up(), self.merge.late());
        let start = Counts { frames: self.number, given_up, late, ..Counts::default() };
        self.interfaces.iter().fold(start, |sum, interface| {
            let of = interface.counters.add_to(Counts::default());
            let read = interface.frames.saturating_add(of.kernel_drops);
            // Until it is closed more may be on its way.
            let (received, unread) = match (interface.counts_are_exact, self.closed) {
                (true, true) => (of.received.max(read), of.received.saturating_sub(read)),
                (true, false) => (of.received, 0),
                (false, _) => (read, 0),
            };
            Counts {
                received: sum.received + received,
                unread: sum.unread + unread,
                kernel_drops: sum.kernel_drops + of.kernel_drops,
                interface_drops: sum.interface_drops + of.interface_drops,
                ..sum
            }
        })
    }

    fn close(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        while !self.over && begun.elapsed() < CLOSING {
            self.over = matches!(self.messages.recv_timeout(LOOK), Err(RecvTimeoutError::Disconnected));
        }
        self.closed = true;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}
