//! The thread that reads one interface.
//!
//! The handle is non-blocking and polled, because a read of a silent link need not return in spite of its timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use pcap::{Active, Capture};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::batch::Batch;
use super::clock::{nanoseconds, now};
use super::open::Opened;

use crate::capture::libpcap::{Tick, message, packet_time};
use crate::capture::{CaptureError, Counts};
use crate::panics::{guarded, on_request};
use crate::time::Timestamp;

/// How long to wait for frames before looking at the stop flag.
const WAKE: Duration = Duration::from_millis(40);
/// By how much the kernel may be late with a block.
const SLACK: Duration = Duration::from_millis(10);
/// How long after a stop to go on: the kernel keeps the last frames back until a block is full or 100 ms have passed.
const GRACE: Duration = Duration::from_millis(110);
/// How often to ask for the kernel's counts.
const COUNT: Duration = Duration::from_millis(100);
/// How many times in a row a handle may be in error without libpcap saying so, before the interface is given up.
const MAX_ERRORS: u32 = 25;

/// A message from a worker to the analysis.
pub(super) enum Message {
    Batch(Batch),
    Failed(CaptureError),
}

/// The kernel's counts for one interface, as of late.
#[derive(Debug, Default)]
pub(super) struct Counters {
    received: AtomicU64,
    kernel_drops: AtomicU64,
    interface_drops: AtomicU64,
}

impl Counters {
    pub(super) fn add_to(&self, sum: Counts) -> Counts {
        Counts {
            received: sum.received + self.received.load(Ordering::Relaxed),
            kernel_drops: sum.kernel_drops + self.kernel_drops.load(Ordering::Relaxed),
            interface_drops: sum.interface_drops + self.interface_drops.load(Ordering::Relaxed),
            ..sum
        }
    }
}

/// Up to which time everything of one interface has been handed over.
#[derive(Debug)]
pub(super) struct Horizon(AtomicI64);

impl Default for Horizon {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Horizon {
    pub(super) fn get(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Acquire))
    }

    fn set(&self, time: Timestamp) {
        self.0.store(time.0, Ordering::Release);
    }
}

/// What a worker and the analysis look at both.
pub(super) struct WorkerContext {
    pub(super) stop: Arc<AtomicBool>,
    pub(super) abandoned: Arc<AtomicBool>,
    pub(super) counters: Arc<Counters>,
    pub(super) horizon: Arc<Horizon>,
}

pub(super) struct Worker {
    name: String,
    capture: Capture<Active>,
    tick: Tick,
    snaplen: u32,
    /// How long the kernel may keep a frame back.
    block: Duration,
    shared: WorkerContext,
    empty: Receiver<Batch>,
    out: Sender<Message>,
    last: pcap::Stat,
    counted: Instant,
    errors: u32,
    /// After a stop: when to end.
    end: Option<Instant>,
}

/// Why filling a batch ended.
#[derive(PartialEq, Eq)]
enum Filled {
    /// There is something to hand over.
    Ready,
    /// The capture has been stopped; what there was is in the batch.
    Stopped,
}

impl Worker {
    pub(super) fn new(
        opened: Opened,
        snaplen: u32,
        shared: WorkerContext,
        empty: Receiver<Batch>,
        out: Sender<Message>,
    ) -> Self {
        Self {
            name: opened.name,
            capture: opened.capture,
            tick: opened.tick,
            snaplen,
            block: opened.block,
            shared,
            empty,
            out,
            last: pcap::Stat { received: 0, dropped: 0, if_dropped: 0 },
            counted: Instant::now(),
            errors: 0,
            end: None,
        }
    }

    /// The interface.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads until stopped, until the interface is lost, or until nobody listens any more. A panic is reported, too.
    pub(super) fn run(self) {
        let out = self.out.clone();
        if let Err(panic) = guarded(|| self.read()) {
            // Whoever listened may be gone.
            let _ = out.send(Message::Failed(CaptureError::Panicked(panic)));
        }
    }

    fn read(mut self) {
        while let Some(mut batch) = self.empty_batch() {
            let filled = self.fill(&mut batch);
            if batch.len() > 0 {
                on_request(&format!("capture {}", self.name));
            }
            let ended = !matches!(filled, Ok(Filled::Ready));
            self.count(ended);
            batch.close();
            if batch.len() > 0 && self.out.send(Message::Batch(batch)).is_err() {
                return;
            }
            if let Err(reason) = filled {
                let error = CaptureError::InterfaceLost { interface: self.name, reason };
                // Whoever listened may be gone.
                let _ = self.out.send(Message::Failed(error));
                return;
            }
            if ended {
                return;
            }
        }
    }

    /// Waits for the analysis to give a batch back. Meanwhile the kernel's buffer takes what comes.
    fn empty_batch(&mut self) -> Option<Batch> {
        loop {
            match self.empty.recv_timeout(WAKE) {
                Ok(mut batch) => {
                    batch.clear();
                    return Some(batch);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let is_over = self.shared.abandoned.load(Ordering::Relaxed);
                    self.count(is_over);
                    if is_over {
                        return None;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Reads frames until the batch is full or no more are there; waits while there are none at all.
    fn fill(&mut self, batch: &mut Batch) -> Result<Filled, String> {
        loop {
            let room = batch.room(self.snaplen);
            if room == 0 {
                return Ok(if self.over() { Filled::Stopped } else { Filled::Ready });
            }
            let tick = self.tick;
            let push = |packet: pcap::Packet<'_>| {
                batch.push(packet_time(packet.header, tick), packet.header.len, packet.data);
            };
            let before = now();
            let read = self.capture.dispatch(Some(room), push).map_err(message)?;
            if self.over() {
                return Ok(Filled::Stopped);
            }
            if read == 0 {
                if batch.len() > 0 {
                    return Ok(Filled::Ready);
                }
                // Everything has been handed over but what the kernel still keeps back.
                self.shared.horizon.set(before.after(-nanoseconds(self.block + SLACK)));
                self.wait()?;
                self.count(false);
            } else {
                self.errors = 0;
            }
        }
    }

    /// Whether to end now: some time after the stop flag has been seen.
    fn over(&mut self) -> bool {
        if self.shared.abandoned.load(Ordering::Relaxed) {
            return true;
        }
        if self.end.is_none() && self.shared.stop.load(Ordering::Relaxed) {
            self.end = Some(Instant::now() + GRACE);
        }
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Waits until there is something to read, but not for long.
    fn wait(&mut self) -> Result<(), String> {
        let mut handles = [PollFd::new(&self.capture, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: WAKE.min(self.block).subsec_nanos().into() };
        match poll(&mut handles, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) | Ok(0) => return Ok(()),
            Err(error) => return Err(format!("cannot wait for frames: {error}")),
            Ok(_) => {}
        }
        let [handle] = handles;
        if handle.revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
            // libpcap finds out what happened when it reads; should it not, this must neither spin nor last.
            self.errors += 1;
            if self.errors > MAX_ERRORS {
                return Err("the capture handle reports an error".to_owned());
            }
            std::thread::sleep(WAKE / 4);
        }
        Ok(())
    }

    /// Asks for the kernel's counts if it is time, or now.
    fn count(&mut self, now: bool) {
        if !now && self.counted.elapsed() < COUNT {
            return;
        }
        self.counted = Instant::now();
        // Not every interface counts.
        let Ok(stat) = self.capture.stats() else { return };
        // libpcap's counters have 32 bits and wrap.
        let add = |to: &AtomicU64, new: u32, old: u32| {
            to.fetch_add(u64::from(new.wrapping_sub(old)), Ordering::Relaxed);
        };
        add(&self.shared.counters.received, stat.received, self.last.received);
        add(&self.shared.counters.kernel_drops, stat.dropped, self.last.dropped);
        add(&self.shared.counters.interface_drops, stat.if_dropped, self.last.if_dropped);
        self.last = stat;
    }
}
