//! A stream that is read on a thread of its own: the view goes on while nothing comes.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::ring::Held;
use crate::capture::{CaptureError, Counts, Next, Progress, Source};
use crate::panics::guarded;
use crate::time::Timestamp;

/// Frames that may wait for the analysis.
const MOST: usize = 1024;
/// Octets that may wait; one frame may always.
const MOST_OCTETS: usize = 4 << 20;
/// How long the analysis waits for a frame before it looks around.
const WAIT: Duration = Duration::from_millis(25);

/// What both threads see.
#[derive(Default)]
struct ReadAhead {
    frames: VecDeque<Held>,
    octets: usize,
    /// Buffers of frames that have been taken.
    buffers: Vec<Vec<u8>>,
    counts: Counts,
    progress: Progress,
    end: Option<Result<(), CaptureError>>,
    /// Nobody takes frames any more.
    closed: bool,
}

/// The state, and what wakes whoever waits for a change of it.
#[derive(Default)]
struct Meeting {
    shared: Mutex<ReadAhead>,
    /// There is something to take.
    filled: Condvar,
    /// There is room again.
    emptied: Condvar,
}

impl Meeting {
    fn lock(&self) -> MutexGuard<'_, ReadAhead> {
        // Nothing is half done when a thread panics: each change is one push or one swap.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source that never lets its caller wait for long: while nothing comes it yields [`Next::Idle`] with the time of the
/// last frame, so that time stands still.
pub(super) struct Ahead {
    meeting: Arc<Meeting>,
    description: String,
    /// Taken from the other thread, to be handed out.
    taken: VecDeque<Held>,
    current: Option<Held>,
    /// Buffers to go back.
    spent: Vec<Vec<u8>>,
    last: Timestamp,
    ended: bool,
}

impl Ahead {
    /// Begins to read `source`.
    ///
    /// # Errors
    ///
    /// The system refuses a thread.
    pub(super) fn new(mut source: Box<dyn Source>) -> io::Result<Self> {
        let meeting = Arc::new(Meeting::default());
        let (description, shared) = (source.description(), Arc::clone(&meeting));
        thread::Builder::new().name("ahead".to_owned()).spawn(move || {
            let end = guarded(|| read(&mut *source, &shared));
            let mut state = shared.lock();
            state.end = Some(end.unwrap_or_else(|panic| Err(CaptureError::Panicked(panic))));
            drop(state);
            shared.filled.notify_all();
        })?;
        Ok(Self {
            meeting,
            description,
            taken: VecDeque::new(),
            current: None,
            spent: Vec::new(),
            last: Timestamp(i64::MIN),
            ended: false,
        })
    }

    /// Takes all that waits; waits a moment where nothing does. Whether the input has ended behind it, and how.
    fn take(&mut self) -> Option<Result<(), CaptureError>> {
        let mut shared = self.meeting.lock();
        if shared.frames.is_empty() && shared.end.is_none() {
            let waited = self.meeting.filled.wait_timeout(shared, WAIT);
            shared = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut self.taken, &mut shared.frames);
        shared.octets = 0;
        shared.buffers.append(&mut self.spent);
        let end = if self.taken.is_empty() { shared.end.take() } else { None };
        drop(shared);
        self.meeting.emptied.notify_all();
        end
    }
}

/// Hands over frames until the input ends or nobody takes them.
fn read(source: &mut dyn Source, meeting: &Meeting) -> Result<(), CaptureError> {
    let mut buffers: Vec<Vec<u8>> = Vec::new();
    loop {
        let held = match source.next()? {
            Next::Frame(frame) => Held::of(&frame, buffers.pop().unwrap_or_default()),
            Next::Idle(_) => continue,
            Next::End => return Ok(()),
        };
        let (counts, progress) = (source.counts(), source.progress());
        let mut shared = meeting.lock();
        while !shared.closed && !shared.frames.is_empty() && has_enough(&shared, &held) {
            shared = meeting.emptied.wait(shared).unwrap_or_else(PoisonError::into_inner);
        }
        if shared.closed {
            return Ok(());
        }
        (shared.counts, shared.progress) = (counts, progress);
        shared.octets += held.octets();
        shared.frames.push_back(held);
        if buffers.is_empty() {
            std::mem::swap(&mut buffers, &mut shared.buffers);
        }
        let first = shared.frames.len() == 1;
        drop(shared);
        if first {
            meeting.filled.notify_all();
        }
    }
}

fn has_enough(shared: &ReadAhead, more: &Held) -> bool {
    shared.frames.len() >= MOST || shared.octets + more.octets() > MOST_OCTETS
}

impl Source for Ahead {
    fn next(&mut self) -> Result<Next<'_>, CaptureError> {
        if self.ended {
            return Ok(Next::End);
        }
        self.spent.extend(self.current.take().map(Held::into_buffer));
        if self.taken.is_empty() {
            match self.take() {
                Some(end) => {
                    self.ended = true;
                    return end.map(|()| Next::End);
                }
                None if self.taken.is_empty() => return Ok(Next::Idle(self.last)),
                None => {}
            }
        }
        self.current = self.taken.pop_front();
        match &self.current {
            Some(held) => {
                self.last = held.time;
                Ok(Next::Frame(held.frame()))
            }
            None => Ok(Next::Idle(self.last)),
        }
    }

    fn description(&self) -> String {
        self.description.clone()
    }

    fn progress(&self) -> Progress {
        self.meeting.lock().progress
    }

    fn counts(&self) -> Counts {
        self.meeting.lock().counts
    }

    fn close(&mut self) {
        self.meeting.lock().closed = true;
        self.meeting.emptied.notify_all();
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::decode::{Frame, LinkType};

    /// Yields a frame for each message, and ends when there can be no more.
    struct Announced(Receiver<u64>);

    impl Source for Announced {
        fn next(&mut self) -> Result<Next<'_>, CaptureError> {
            let Ok(number) = self.0.recv() else { return Ok(Next::End) };
            let time = Timestamp(number as i64);
            let frame = Frame { number, time, link: LinkType(1), interface: 0, wire_len: 3, data: b"abc" };
            Ok(Next::Frame(frame))
        }

        fn description(&self) -> String {
            "announced".to_owned()
        }

        fn progress(&self) -> Progress {
            Progress::default()
        }

        fn counts(&self) -> Counts {
            Counts::default()
        }
    }

    #[test]
    fn a_silent_stream_is_idle_and_keeps_the_order_and_the_end() {
        let (say, announced) = channel();
        let mut ahead = Ahead::new(Box::new(Announced(announced))).unwrap();
        assert!(matches!(ahead.next(), Ok(Next::Idle(Timestamp(i64::MIN)))), "nothing came, and nobody waits");
        let most = 3 * MOST as u64;
        let speak = thread::spawn(move || (1..=most).for_each(|n| say.send(n).unwrap()));
        let mut seen = 0;
        loop {
            match ahead.next().unwrap() {
                Next::Frame(frame) => {
                    seen += 1;
                    assert_eq!((frame.number, frame.data), (seen, &b"abc"[..]));
                }
                Next::Idle(time) => assert!(time.0 == seen as i64 || seen == 0),
                Next::End => break,
            }
        }
        speak.join().unwrap();
        assert_eq!(seen, most);
        assert!(matches!(ahead.next(), Ok(Next::End)));
    }
}
