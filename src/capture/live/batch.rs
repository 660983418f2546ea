//! Frames on their way from a capture thread to the analysis.

use std::time::Instant;

use crate::time::Timestamp;

/// Frames that a batch holds at most.
const MAX_PACKETS: usize = 1024;
/// Octets at which a batch is full.
const MAX_OCTETS: usize = 512 << 10;
/// Frames to ask libpcap for at least, so that large snapshot lengths do not mean one call for each frame.
const MIN_PACKETS: usize = 8;

/// Copies of frames of one interface, in order. Emptied and used again.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) interface: usize,
    packets: Vec<Packet>,
    octets: Vec<u8>,
    arrival: Option<Instant>,
}

/// One frame in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) time: Timestamp,
    pub(super) wire_len: u32,
    start: u32,
    len: u32,
}

impl Batch {
    pub(super) fn new(interface: usize) -> Self {
        Self { interface, ..Self::default() }
    }

    pub(super) fn clear(&mut self) {
        self.packets.clear();
        self.octets.clear();
        self.arrival = None;
    }

    pub(super) const fn len(&self) -> usize {
        self.packets.len()
    }

    /// How many frames of up to `snaplen` octets may still be put in; 0 when it is full.
    pub(super) fn room(&self, snaplen: u32) -> usize {
        if self.octets.len() >= MAX_OCTETS {
            return 0;
        }
        let by_octets = (MAX_OCTETS - self.octets.len()) / (snaplen as usize).max(1);
        by_octets.max(MIN_PACKETS).min(MAX_PACKETS.saturating_sub(self.packets.len()))
    }

    #[inline]
    pub(super) fn push(&mut self, time: Timestamp, wire_len: u32, data: &[u8]) {
        // Far below 4 GiB: at most MAX_PACKETS frames of a snapshot length each.
        let (start, len) = (self.octets.len() as u32, data.len() as u32);
        self.octets.extend_from_slice(data);
        self.packets.push(Packet { time, wire_len: wire_len.max(len), start, len });
    }

    /// Notes when its last frame was seen.
    pub(super) fn close(&mut self) {
        self.arrival = Some(Instant::now());
    }

    /// When it was closed.
    pub(super) const fn arrival(&self) -> Option<Instant> {
        self.arrival
    }

    /// Time of the last frame, and when it was seen.
    pub(super) fn latest(&self) -> Option<(Timestamp, Instant)> {
        self.packets.last().map(|packet| packet.time).zip(self.arrival)
    }

    #[inline]
    pub(super) fn packet(&self, index: usize) -> Option<&Packet> {
        self.packets.get(index)
    }

    #[inline]
    pub(super) fn data(&self, packet: &Packet) -> &[u8] {
        self.octets.get(packet.start as usize..).and_then(|rest| rest.get(..packet.len as usize)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_put_in() {
        let mut batch = Batch::new(3);
        batch.push(Timestamp(1), 60, &[1; 60]);
        batch.push(Timestamp(2), 1500, &[2; 96]);
        batch.push(Timestamp(3), 0, &[]);
        let seen: Vec<_> = (0..batch.len())
            .filter_map(|i| batch.packet(i))
            .map(|p| (p.time.0, p.wire_len, batch.data(p).to_vec()))
            .collect();
        assert_eq!(seen, [(1, 60, vec![1; 60]), (2, 1500, vec![2; 96]), (3, 0, vec![])]);
        batch.clear();
        assert!(batch.len() == 0 && batch.latest().is_none());
    }

    #[test]
    fn is_full_by_number_and_by_octets() {
        let mut batch = Batch::new(0);
        assert_eq!(batch.room(256), MAX_PACKETS);
        assert_eq!(batch.room(262_144), MIN_PACKETS);
        (0..MAX_PACKETS).for_each(|_| batch.push(Timestamp(0), 1, &[0]));
        assert_eq!(batch.room(256), 0);
        batch.clear();
        (0..8).for_each(|_| batch.push(Timestamp(0), 1, &[0; 65536]));
        assert_eq!(batch.room(256), 0);
    }
}
