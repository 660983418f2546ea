//! A buffer over any reader, from which records are taken in place.

use std::io::{self, BufRead, Read};

/// The largest record that is read; libpcap writes at most 256 KiB, but a forged length may say 4 GiB.
pub(super) const MAX_RECORD: usize = 64 << 20;
/// What the buffer starts with: large enough that a read costs little, small enough to stay in the second-level cache.
const INITIAL: usize = 256 << 10;

/// Octets read but not yet consumed, and where they come from.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where in the stream the buffer begins.
    base: u64,
    exhausted: bool,
}

impl Input {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: vec![0; INITIAL], start: 0, end: 0, base: 0, exhausted: false }
    }

    /// What is there without reading.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The first `N` octets of what is there without reading, and those behind them.
    #[inline(always)]
    pub(super) fn front<const N: usize>(&self) -> Option<(&[u8; N], &[u8])> {
        self.buffer.get(self.start..self.end)?.split_first_chunk()
    }

    /// Where in the stream [`Self::data`] begins.
    pub(super) const fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// The front of the data is at this place in the buffer: see [`Self::at`].
    #[inline]
    pub(super) const fn place(&self) -> usize {
        self.start
    }

    /// `count` octets at a place in the buffer, consumed or not; valid until more is required.
    #[inline]
    pub(super) fn at(&self, place: usize, count: usize) -> &[u8] {
        self.buffer.get(place..).and_then(|rest| rest.get(..count)).unwrap_or_default()
    }

    /// Drops `count` octets from the front of the data, or all there are.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count.min(self.end - self.start);
    }

    /// Reads until `count` octets are there; false when the stream ends before. Never waits for more than `count`.
    ///
    /// `count` is at most [`MAX_RECORD`]; the buffer grows only as octets arrive, so a forged length costs nothing.
    #[inline]
    pub(super) fn require(&mut self, count: usize) -> io::Result<bool> {
        if self.end - self.start >= count { Ok(true) } else { self.fill(count) }
    }

    /// Drops the next `count` octets without keeping them; false when the stream ends before.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<bool> {
        let mut left = count;
        loop {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(step);
            left -= step as u64;
            if left == 0 {
                return Ok(true);
            }
            if !self.fill(1)? {
                return Ok(false);
            }
        }
    }

    #[cold]
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        while self.end - self.start < count {
            if self.exhausted {
                return Ok(false);
            }
            self.make_room(count);
            match self.reader.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => self.exhausted = true,
                Ok(read) => self.end = self.buffer.len().min(self.end + read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.exhausted = true;
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    fn make_room(&mut self, count: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let twice = self.buffer.len().saturating_mul(2);
            self.buffer.resize(twice.min(count.max(INITIAL).next_power_of_two()).max(self.end + 1), 0);
        }
    }
}

/// For a decompressor.
impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.require(1)?;
        Ok(self.data())
    }

    fn consume(&mut self, count: usize) {
        Self::consume(self, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `chunk` octets a read at most.
    struct Dribble(io::Cursor<Vec<u8>>, usize);

    impl Read for Dribble {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let chunk = self.1.min(buffer.len());
            self.0.read(&mut buffer[..chunk])
        }
    }

    fn input(len: usize, chunk: usize) -> Input {
        let bytes = (0..len).map(|i| i as u8).collect();
        Input::new(Box::new(Dribble(io::Cursor::new(bytes), chunk)))
    }

    #[test]
    fn yields_the_stream_in_order_whatever_the_reads() {
        for chunk in [1, 7, 4096, usize::MAX] {
            let mut input = input(20_000, chunk);
            let mut seen = Vec::new();
            while input.require(13).unwrap() {
                seen.extend_from_slice(&input.data()[..13]);
                input.consume(13);
            }
            seen.extend_from_slice(input.data());
            assert!(seen.iter().enumerate().all(|(i, octet)| *octet == i as u8));
            assert_eq!((seen.len(), input.offset()), (20_000, 20_000 / 13 * 13));
        }
    }

    #[test]
    fn grows_for_one_large_record_and_only_as_octets_arrive() {
        let mut large = input(INITIAL * 3, usize::MAX);
        assert!(large.require(INITIAL * 3).unwrap());
        assert_eq!(large.data().len(), INITIAL * 3);
        let mut small = input(100, usize::MAX);
        assert!(!small.require(MAX_RECORD).unwrap());
        assert_eq!((small.data().len(), small.buffer.len()), (100, INITIAL));
    }

    #[test]
    fn skips_more_than_the_buffer_holds() {
        let mut input = input(INITIAL * 2 + 5, 1000);
        assert!(input.skip(INITIAL as u64 * 2).unwrap());
        assert!(input.require(5).unwrap());
        assert_eq!(input.offset(), INITIAL as u64 * 2);
        assert!(!input.skip(6).unwrap());
    }
}
