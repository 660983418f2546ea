//! Reading in a thread of its own: decompression beside the analysis, and pipes that may stay silent for long.
//!
//! A bounded number of chunks goes back and forth; whatever one read gives is handed over at once.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use crate::panics::{guarded, on_request};

/// Chunks under way.
const CHUNKS: usize = 8;
/// Octets of a chunk.
const CHUNK: usize = 256 << 10;
/// How often a silent reader looks at the stop flag.
const WAKE: Duration = Duration::from_millis(50);

/// A buffer and how much of it is filled; nothing at all means the end.
type Chunk = (Vec<u8>, usize);

/// The receiving end.
pub(super) struct Threaded {
    full: Receiver<io::Result<Chunk>>,
    empty: Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    filled: usize,
    ended: bool,
    stop: Option<Arc<AtomicBool>>,
}

impl Threaded {
    /// Starts a thread that reads from what `open` gives. When `stop` becomes true the stream ends, even if the thread
    /// is still waiting for its input; it ends with the program then.
    pub(super) fn spawn<R: Read>(
        name: &str,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        stop: Option<Arc<AtomicBool>>,
    ) -> io::Result<Self> {
        let (full_sender, full) = sync_channel(CHUNKS);
        let (empty, empty_receiver) = channel();
        for _ in 0..CHUNKS {
            // The receiver is alive: it is in this function.
            let _ = empty.send(vec![0; CHUNK]);
        }
        let part = name.to_owned();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let ended = guarded(|| match open() {
                Ok(reader) => pump(reader, &full_sender, &empty_receiver, &part),
                Err(error) => drop(full_sender.send(Err(error))),
            });
            if let Err(panic) = ended {
                // Whoever listened may be gone.
                let _ = full_sender.send(Err(io::Error::other(panic)));
            }
        })?;
        Ok(Self { full, empty, current: Vec::new(), at: 0, filled: 0, ended: false, stop })
    }

    fn receive(&self) -> io::Result<Option<Chunk>> {
        loop {
            match self.full.recv_timeout(WAKE) {
                Ok(chunk) => return chunk.map(Some),
                Err(RecvTimeoutError::Timeout) if self.stopped() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the reading thread failed"));
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl Read for Threaded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.filled && !self.ended && !buffer.is_empty() {
            let received = self.receive();
            let spent = std::mem::take(&mut self.current);
            if !spent.is_empty() {
                // A thread that has ended needs no more buffers.
                let _ = self.empty.send(spent);
            }
            (self.at, self.filled) = (0, 0);
            self.ended = !matches!(received, Ok(Some((_, 1..))));
            if let Some((chunk, filled)) = received? {
                (self.current, self.filled) = (chunk, filled);
            }
        }
        let left = self.current.get(self.at..self.filled).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

/// Reads to the end, a failure, or until nobody listens any more.
fn pump(mut reader: impl Read, full: &SyncSender<io::Result<Chunk>>, empty: &Receiver<Vec<u8>>, part: &str) {
    while let Ok(mut chunk) = empty.recv() {
        let result = read_some(&mut reader, &mut chunk);
        let last = !matches!(result, Ok(1..));
        if full.send(result.map(|count| (chunk, count))).is_err() || last {
            return;
        }
        on_request(part);
    }
}

fn read_some(reader: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Counts the octets read through it.
pub(super) struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, count: Arc<AtomicU64>) -> Self {
        Self { inner, count }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_over_everything_in_order() {
        let bytes: Vec<u8> = (0..CHUNK * 20 + 3).map(|i| (i / 7) as u8).collect();
        let source = bytes.clone();
        let mut reader = Threaded::spawn("test", move || Ok(io::Cursor::new(source)), None).unwrap();
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn a_stop_ends_a_silent_stream() {
        struct Silent(Receiver<()>);
        impl Read for Silent {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(0)
            }
        }
        let (_keep, silence) = channel();
        let stop = Arc::new(AtomicBool::new(true));
        let mut reader = Threaded::spawn("test", move || Ok(Silent(silence)), Some(stop)).unwrap();
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn a_failure_comes_after_what_was_read_before() {
        struct Fails(bool);
        impl Read for Fails {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("broken"));
                }
                buffer[0] = 7;
                Ok(1)
            }
        }
        let mut reader = Threaded::spawn("test", || Ok(Fails(false)), None).unwrap();
        let mut read = Vec::new();
        assert_eq!(reader.read_to_end(&mut read).unwrap_err().to_string(), "broken");
        assert_eq!(read, [7]);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }
}
