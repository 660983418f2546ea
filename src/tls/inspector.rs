//! The connections whose TLS handshake is under way.

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::inspection::{ENOUGH, Inspection, begins_hello};
use super::opening::TlsOpening;
use super::stream::{HANDSHAKE, MOST};
use crate::tcp::{Checksum, Flags, Segment, SeqNumber};

/// The most connections under inspection at a time.
pub(super) const MOST_CONNECTIONS: usize = 65_536;
/// The most octets that are kept of all of them together.
const MOST_KEPT: usize = 32 << 20;
/// Counters that tell cheaply that a connection is not under inspection.
const HINTS: usize = 4096;
/// How many connections that were just opened are remembered.
const OPENED: usize = 4096;

/// Where the client's payload of a connection that was just opened will begin.
#[derive(Clone, Copy, Debug, Default)]
struct JustOpened {
    /// Part of the hash of its key; 0 where there is none.
    tag: u32,
    first: SeqNumber,
}

/// The connections whose TLS handshake is under way, by the hash of their keys.
#[derive(Debug)]
pub struct Inspector {
    inspections: HashMap<u64, Inspection, RandomState>,
    /// Those under inspection in order of their beginning, with the number of that; some may be over.
    order: VecDeque<(u64, u64)>,
    /// How many began.
    began: u64,
    hints: Vec<u32>,
    opened: Vec<JustOpened>,
    kept: usize,
    given_up: u64,
}

impl Default for Inspector {
    fn default() -> Self {
        Self {
            inspections: HashMap::default(),
            order: VecDeque::new(),
            began: 0,
            hints: vec![0; HINTS],
            opened: vec![JustOpened::default(); OPENED],
            kept: 0,
            given_up: 0,
        }
    }
}

const fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

impl Inspector {
    /// How many handshakes were given up because there were too many at a time, or too long ones.
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Octets that are kept of all handshakes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// Entries of the queue by age.
    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.order.len()
    }

    /// Whether [`Self::take`] must see `s`, whose key has this hash. `first` is its first payload octet. Most segments
    /// are not worth more than this.
    #[inline]
    pub fn concerns(&self, hash: u64, s: &Segment, first: Option<u8>) -> bool {
        let at = hash as usize;
        self.hints.get(at % HINTS).is_some_and(|count| *count > 0)
            || s.flags.has(Flags::SYN | Flags::ACK)
            || (s.payload > 0 && (first == Some(HANDSHAKE) || self.is_awaited(hash)))
    }

    #[inline]
    fn is_awaited(&self, hash: u64) -> bool {
        self.opened.get(hash as usize % OPENED).is_some_and(|opened| opened.tag == tag_of(hash))
    }

    /// Takes a segment whose key has this hash; `payload` is what was captured of its payload. Returns what is known of
    /// the handshake if that changed.
    #[cold]
    #[inline(never)]
    pub fn take(&mut self, hash: u64, from_low: bool, s: &Segment, payload: &[u8]) -> Option<TlsOpening> {
        if s.checksum == Checksum::Bad {
            return None;
        }
        if s.flags.is_syn_ack() {
            let first = s.ack_field;
            self.opened[hash as usize % OPENED] = JustOpened { tag: tag_of(hash), first };
        }
        let is_new =
            |inspection: &Inspection| s.flags.is_syn() && s.payload_start() != inspection.reading.opening.hello_seq;
        if self.inspections.get(&hash).is_some_and(is_new) {
            self.forget(hash);
        }
        if !self.inspections.contains_key(&hash) && !self.begin(hash, from_low, s, payload) {
            return None;
        }
        self.inspect(hash, from_low, s, payload)
    }

    /// Begins an inspection if `s` is a reason for it; whether it did.
    fn begin(&mut self, hash: u64, from_low: bool, s: &Segment, payload: &[u8]) -> bool {
        if s.payload == 0 {
            return false;
        }
        let start = s.payload_start();
        let place = hash as usize % OPENED;
        let awaited = self.opened.get(place).filter(|opened| opened.tag == tag_of(hash)).map(|opened| opened.first);
        let is_hello = !payload.is_empty() && begins_hello(payload);
        let first = match awaited.map(|first| (first, start.distance(first))) {
            Some((first, 0)) => {
                self.opened[place].tag = 0;
                Some(first).filter(|_| is_hello)
            }
            Some((first, ahead)) if (1..MOST as i32).contains(&ahead) => Some(first),
            _ => Some(start).filter(|_| is_hello && payload.len() >= ENOUGH as usize),
        };
        let Some(first) = first else { return false };
        self.make_room();
        self.inspections.insert(hash, Inspection::new(first, s, from_low, self.began));
        self.order.push_back((hash, self.began));
        self.began += 1;
        self.hints[hash as usize % HINTS] += 1;
        true
    }

    fn inspect(&mut self, hash: u64, from_low: bool, s: &Segment, payload: &[u8]) -> Option<TlsOpening> {
        let inspection = self.inspections.get_mut(&hash)?;
        let before = inspection.is_tls().then_some(inspection.reading.opening);
        let kept = inspection.kept();
        inspection.take(s, from_low, payload);
        self.kept = self.kept + inspection.kept() - kept;
        let after = inspection.is_tls().then_some(inspection.reading.opening);
        if inspection.is_over() {
            self.forget(hash);
        }
        after.filter(|_| after != before)
    }

    /// Gives up the oldest until there is room for one more.
    fn make_room(&mut self) {
        while self.inspections.len() >= MOST_CONNECTIONS || self.kept >= MOST_KEPT {
            let Some((hash, number)) = self.order.pop_front() else { return };
            if self.inspections.get(&hash).is_some_and(|inspection| inspection.number == number) {
                self.given_up += 1;
                self.forget(hash);
            }
        }
        // Those that are over are dropped from the front here, and all of them once they are the most.
        if self.order.len() >= 2 * MOST_CONNECTIONS {
            let Self { order, inspections, .. } = self;
            order.retain(|(hash, number)| inspections.get(hash).is_some_and(|inspection| inspection.number == *number));
        }
    }

    fn forget(&mut self, hash: u64) {
        if let Some(inspection) = self.inspections.remove(&hash) {
            self.kept -= inspection.kept();
            let hint = &mut self.hints[hash as usize % HINTS];
            *hint = hint.saturating_sub(1);
        }
    }
}
