//! Where formats write: a buffer in front of a stream, which keeps the first error instead of returning it.

use std::io::{self, Write};

/// The buffer is passed on when it has grown to this size, octets.
const FLUSH_AT: usize = 64 * 1024;

/// A buffered stream that remembers its first error.
///
/// After an error nothing more is written; [`Self::failed`] tells the run loop to stop, [`Self::finish`] what went
/// wrong.
pub struct Out {
    stream: Box<dyn Write>,
    /// What is to be written next. Formats append to it and then call [`Self::end_line`].
    pub buffer: Vec<u8>,
    flush_lines: bool,
    written: u64,
    /// Octets up to the end of the last line that was written whole.
    whole: u64,
    error: Option<io::Error>,
}

impl Out {
    /// Writes to `stream`; after every line if `flush_lines`, else in large blocks.
    pub fn new(stream: Box<dyn Write>, flush_lines: bool) -> Self {
        Self { stream, buffer: Vec::with_capacity(FLUSH_AT + 4096), flush_lines, written: 0, whole: 0, error: None }
    }

    /// A line is complete in [`Self::buffer`].
    pub fn end_line(&mut self) {
        if self.flush_lines || self.buffer.len() >= FLUSH_AT {
            self.flush();
        }
    }

    /// Passes on the buffered octets.
    pub fn flush(&mut self) {
        if self.error.is_none()
            && !self.buffer.is_empty()
            && let Err(error) = self.pass_on()
        {
            self.error = Some(error);
        }
        self.buffer.clear();
    }

    /// Lets the stream do what is due though nothing is written: some go on in new files.
    pub fn settle(&mut self) {
        self.flush();
        if self.error.is_none()
            && let Err(error) = self.stream.flush()
        {
            self.error = Some(error);
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let mut rest = self.buffer.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    let (done, left) = rest.split_at(n.min(rest.len()));
                    if let Some(end) = done.iter().rposition(|octet| *octet == b'\n') {
                        self.whole = self.written + end as u64 + 1;
                    }
                    self.written += done.len() as u64;
                    rest = left;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.flush()
    }

    /// Octets up to the end of the last line that was written whole.
    pub fn whole_lines(&self) -> u64 {
        self.whole
    }

    /// Whether writing failed: there is no use in going on.
    pub fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// Whether every line is passed on at once.
    pub fn flushes_lines(&self) -> bool {
        self.flush_lines
    }

    /// Octets written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes the rest and returns the number of octets written in all.
    ///
    /// # Errors
    ///
    /// The first error of the stream. A reader that went away is not one.
    pub fn finish(&mut self) -> io::Result<u64> {
        self.flush();
        match self.error.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(self.written),
        }
    }
}

impl core::fmt::Debug for Out {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Out").field("written", &self.written).field("error", &self.error).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(io::ErrorKind, usize);

    impl Write for Fails {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 == 0 {
                return Err(self.0.into());
            }
            let n = bytes.len().min(self.1);
            self.1 -= n;
            Ok(n)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn write_two_lines(kind: io::ErrorKind) -> Out {
        let mut out = Out::new(Box::new(Fails(kind, 5)), true);
        for _ in 0..2 {
            out.buffer.extend_from_slice(b"four");
            out.end_line();
        }
        out
    }

    #[test]
    fn a_closed_pipe_is_success() {
        let mut out = write_two_lines(io::ErrorKind::BrokenPipe);
        assert!(out.failed());
        assert_eq!(out.finish().unwrap(), 5);
    }

    #[test]
    fn a_full_disk_is_an_error_that_leaves_the_count() {
        let mut out = write_two_lines(io::ErrorKind::StorageFull);
        assert_eq!(out.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(out.written(), 5);
    }
}
