//! The newest frames of an input that cannot be read again, for saving.

use std::collections::VecDeque;

use crate::decode::{Frame, LinkType};
use crate::time::Timestamp;

/// Octets kept.
const LIMIT: usize = 32 << 20;
/// What a frame costs besides its octets.
const OVERHEAD: usize = size_of::<Held>();

/// A frame with octets of its own.
#[derive(Clone, Debug)]
pub(super) struct Held {
    number: u64,
    pub(super) time: Timestamp,
    link: LinkType,
    interface: u16,
    wire_len: u32,
    data: Vec<u8>,
}

impl Held {
    /// A copy of `frame`, in a buffer that may have been used before.
    pub(super) fn of(frame: &Frame<'_>, mut data: Vec<u8>) -> Self {
        data.clear();
        data.extend_from_slice(frame.data);
        let Frame { number, time, link, interface, wire_len, .. } = *frame;
        Self { number, time, link, interface, wire_len, data }
    }

    /// Octets it takes.
    pub(super) const fn octets(&self) -> usize {
        self.data.len() + OVERHEAD
    }

    /// Its buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.data
    }

    /// As it came.
    pub(super) fn frame(&self) -> Frame<'_> {
        let Self { number, time, link, interface, wire_len, .. } = *self;
        Frame { number, time, link, interface, wire_len, data: &self.data }
    }
}

/// The newest frames.
#[derive(Debug, Default)]
pub(super) struct Ring {
    frames: VecDeque<Held>,
    octets: usize,
}

impl Ring {
    /// Keeps a copy of `frame`; the oldest make room.
    pub(super) fn push(&mut self, frame: &Frame<'_>) {
        let mut buffer = Vec::new();
        while self.octets + frame.data.len() + OVERHEAD > LIMIT {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.octets -= oldest.data.len() + OVERHEAD;
            buffer = oldest.data;
        }
        self.octets += frame.data.len() + OVERHEAD;
        self.frames.push_back(Held::of(frame, buffer));
    }

    /// Oldest first.
    pub(super) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().map(Held::frame)
    }
}
