//! Batches of decoded frames from the decoding stage to the tracking stage.

use crate::decode::{Decoder, Frame, Outcome, SkipReason};
use crate::detect::ordinary;
use crate::flow::{Descriptor, Keyer, Syn, SynRecord, V6Addresses};
use crate::tcp::{Flags, Segment};
use crate::time::Timestamp;
use crate::tls::TlsOpening;

/// Frames in a [`Batch`]. Measured, with 16 of them under way: half as many cost a few per cent, a quarter 13.
pub const BATCH: usize = 1024;

/// Decoded frames in order, so that reading and decoding can go ahead of tracking, on another thread if need be. While
/// a frame waits, the memory that its flow is in is on its way. Reused: nothing is allocated once it has been full.
#[derive(Debug)]
pub struct Batch {
    /// Of each frame what most of them need alone, its time among it.
    pub(super) descriptors: Vec<Descriptor>,
    /// All of each frame.
    pub(super) outcomes: Vec<Outcome>,
    /// The record of each ordinary SYN, at the index in its descriptor.
    syns: Vec<SynRecord>,
    v6_addresses: Vec<V6Addresses>,
    pub(super) used: usize,
    /// What else frames hold, with the number of each: aggregates of 802.11.
    more: Vec<(usize, Outcome)>,
    /// What became known of TLS handshakes, with the number of the frame each, in order; and how many were read.
    tls: Vec<(usize, TlsOpening)>,
    tls_read: usize,
    /// Handshakes that the decoder gave up so far.
    pub(super) given_up: u64,
    keyer: Keyer,
    latest: Timestamp,
}

impl Batch {
    /// An empty one.
    pub(super) fn new(keyer: Keyer) -> Self {
        Self {
            descriptors: Vec::with_capacity(BATCH),
            outcomes: Vec::with_capacity(BATCH),
            syns: Vec::with_capacity(BATCH),
            v6_addresses: Vec::with_capacity(BATCH),
            used: 0,
            more: Vec::new(),
            tls: Vec::new(),
            tls_read: 0,
            given_up: 0,
            keyer,
            latest: Timestamp(i64::MIN),
        }
    }

    /// How many frames it holds.
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Whether it holds as many as it should.
    pub const fn is_full(&self) -> bool {
        self.used >= BATCH
    }

    /// Forgets its frames.
    pub fn clear(&mut self) {
        self.used = 0;
        self.more.clear();
        self.tls.clear();
        self.tls_read = 0;
        self.latest = Timestamp(i64::MIN);
    }

    /// Time of frame `n`.
    pub fn time(&self, n: usize) -> Option<Timestamp> {
        self.descriptors.get(..self.used)?.get(n).map(|descriptor| descriptor.time)
    }

    /// The latest time of its frames.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Frame `n`, if its descriptor says that it is an ordinary SYN.
    #[inline]
    pub(super) fn syn(&self, n: usize) -> Option<Syn<'_>> {
        let syn_only = self.descriptors.get(n).is_some_and(Descriptor::is_syn_only);
        Some(Syn { syn_record: self.syns.get(n)?, wide: self.v6_addresses.get(n)? }).filter(|_| syn_only)
    }

    /// Decodes a frame and adds it.
    pub fn push(&mut self, decoder: &mut Decoder, frame: &Frame<'_>) {
        if self.used == self.descriptors.len() {
            self.outcomes.push(Outcome::Skip(SkipReason::NotIp));
            self.descriptors.push(Descriptor::of_nothing(frame.time));
            self.syns.push(SynRecord::of_nothing());
            self.v6_addresses.push(V6Addresses::NONE);
        }
        let n = self.used;
        let (outcome, descriptor) = (&mut self.outcomes[n], &mut self.descriptors[n]);
        self.used += 1;
        decoder.decode_into(frame, outcome);
        match outcome {
            Outcome::Tcp(segment) => {
                self.keyer.write(segment, descriptor);
                let (hash, from_low) = (descriptor.key_hash(), descriptor.is_from_low());
                if let Some(opening) = decoder.inspect(hash, from_low, segment, frame) {
                    self.tls.push((n, opening));
                    self.given_up = decoder.handshakes_given_up();
                }
                if let Some((syn, wide)) = ordinary_syn(segment) {
                    descriptor.set_syn_only();
                    self.syns[n] = syn;
                    if syn.is_wide() {
                        self.v6_addresses[n] = wide;
                    }
                }
            }
            _ => *descriptor = Descriptor::of_nothing(frame.time),
        }
        self.latest = self.latest.max(frame.time);
        if decoder.holds_more() {
            self.push_more(n, decoder, frame);
        }
    }

    #[cold]
    fn push_more(&mut self, n: usize, decoder: &mut Decoder, frame: &Frame<'_>) {
        while decoder.holds_more() {
            let mut outcome = Outcome::Skip(SkipReason::NotIp);
            decoder.decode_more(frame, &mut outcome);
            self.more.push((n, outcome));
        }
    }

    /// Whether any frame holds more than one packet.
    #[inline(always)]
    pub(super) const fn holds_more(&self) -> bool {
        !self.more.is_empty()
    }

    /// What became known of a TLS handshake with frame `n`. To be asked for each in order.
    #[inline(always)]
    pub(super) fn tls_of(&mut self, n: usize) -> Option<&TlsOpening> {
        let (of, opening) = self.tls.get(self.tls_read)?;
        if *of != n {
            return None;
        }
        self.tls_read += 1;
        Some(opening)
    }

    /// What frame `n` holds besides.
    pub(super) fn more(&self, n: usize) -> impl Iterator<Item = &Outcome> {
        self.more.iter().filter(move |(of, _)| *of == n).map(|(_, outcome)| outcome)
    }
}

/// The record of `s` if it may begin a flow without events.
pub(super) fn ordinary_syn(s: &Segment) -> Option<(SynRecord, V6Addresses)> {
    if s.flags == Flags::SYN && ordinary::first_syn(s) { SynRecord::of(s) } else { None }
}
