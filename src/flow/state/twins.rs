//! Two four-tuples that are one attempt to connect: its SYN before and after an address was translated, or a SYN and
//! the SYN-ACK that acknowledges it from another address.
//!
//! A translator changes addresses, ports, the TTL and perhaps the MSS of a SYN, and neither its sequence number nor its
//! time stamps. SYNs are found again by their initial sequence number in a table of fixed size, and looked for only
//! when a SYN-ACK comes or none did: a SYN costs one line of it. A number alone joins nothing, for scanners and floods
//! use one for many SYNs.

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::handshake::Try;
use crate::flow::record::peer::Offer;
use crate::flow::record::twin::Twin;
use crate::flow::record::verdict::Opening;
use crate::seed::seed;
use crate::tcp::options::OptionFaults;
use crate::tcp::{Endpoint, Segment, SeqNumber};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Lines of the table, a power of two.
const LINES: usize = 1 << 13;
/// SYNs in a line: one more that share their number prove that it is nobody's own.
const PLACES: usize = 4;
/// How long a SYN may take past two capture points, nanoseconds.
const FORWARDED: i64 = 200 * MILLISECOND;
/// How long after a SYN an answer from elsewhere may come, nanoseconds.
const ANSWERED: i64 = 3 * SECOND;
/// How many routers may lie between two sightings of one SYN.
const MAX_HOPS: u8 = 8;

/// SYNs lately seen, by their initial sequence number.
#[derive(Debug)]
pub(in crate::flow) struct RecentSyns {
    lines: Box<[Line]>,
    /// Odd, and by the seed: nobody can choose numbers that share a line.
    factor: u32,
}

/// The newest SYNs whose numbers share a line, newest first: the hash of their flow's key, and their number.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([(u64, u32); PLACES]);

const _: () = assert!(size_of::<Line>() == 64);

impl Default for RecentSyns {
    fn default() -> Self {
        let factor = (seed().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> u32::BITS) as u32 | 1;
        Self { lines: vec![Line::default(); LINES].into_boxed_slice(), factor }
    }
}

impl RecentSyns {
    /// Where a number belongs.
    #[inline]
    const fn home(&self, isn: SeqNumber) -> usize {
        (isn.0.wrapping_mul(self.factor) >> (u32::BITS - LINES.trailing_zeros())) as usize
    }

    /// A SYN with this number begins a flow whose key has this hash.
    #[inline]
    pub(in crate::flow) fn note(&mut self, isn: SeqNumber, hash: u64) {
        let home = self.home(isn);
        let Some(Line(line)) = self.lines.get_mut(home) else { return };
        let [a, b, c, _] = *line;
        *line = [(hash, isn.0), a, b, c];
    }

    /// The same SYN came again.
    pub(in crate::flow) fn note_again(&mut self, isn: SeqNumber, hash: u64) {
        if !self.with(isn).contains(&hash) {
            self.note(isn, hash);
        }
    }

    /// Hashes of the keys of flows that began with this number, newest first; 0 where there is none.
    pub(in crate::flow) fn with(&self, isn: SeqNumber) -> [u64; PLACES] {
        let Some(Line(line)) = self.lines.get(self.home(isn)) else { return [0; PLACES] };
        line.map(|(hash, number)| if number == isn.0 { hash } else { 0 })
    }
}

impl Twin {
    /// What its twin must know of `flow`.
    pub(in crate::flow) fn of(flow: &Flow, hash: u64) -> Self {
        let h = &flow.handshake;
        let synack = h.synacks.first();
        Self {
            flow: flow.id,
            client: flow.client.endpoint,
            server: flow.server.endpoint,
            syn: h.syns.first().map(|t| t.frame),
            synack: synack.map(|t| (t.time, t.frame)),
            synack_isn: synack.map(|t| t.seq),
            reset: flow.teardown.reset.filter(|r| r.by == crate::flow::Side::Client).map(|r| r.frame),
            acknowledged: h.ack.is_some() || flow.was_open(),
            hash,
        }
    }
}

/// A SYN as far as it tells whether another one, or an answer, belongs to it.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Asked {
    client: Endpoint,
    server: Endpoint,
    isn: SeqNumber,
    payload: u32,
    offer: Offer,
    first: Timestamp,
    last: Timestamp,
    /// Whether the server it went to has answered.
    is_answered: bool,
}

impl Asked {
    /// What a SYN asked that is all there is of its flow.
    pub(in crate::flow) fn of_syn(s: &Segment) -> Self {
        Self {
            client: s.source,
            server: s.destination,
            isn: s.seq,
            payload: s.payload,
            offer: Offer::of(s),
            first: s.time,
            last: s.time,
            is_answered: false,
        }
    }

    /// What the SYN of `flow` asked, if it was seen.
    pub(in crate::flow) fn of(flow: &Flow) -> Option<Self> {
        let isn = flow.client.isn?;
        let mut tries = flow.handshake.syns.iter().filter(|t| t.seq == isn);
        let first = tries.next()?;
        let last = tries.next_back().unwrap_or(first);
        Some(Self {
            client: flow.client.endpoint,
            server: flow.server.endpoint,
            isn,
            payload: first.payload,
            offer: flow.client.offer?,
            first: first.time,
            last: last.time,
            is_answered: flow.server.spoke(),
        })
    }

    /// Whether `other` is the same SYN before or behind a translator.
    pub(in crate::flow) fn is_same_syn(&self, other: &Self) -> bool {
        let (a, b) = (&self.offer, &other.offer);
        let gap = other.first - self.first;
        let shares_an_end = self.client == other.client
            || self.server == other.server
            || (self.client.port == other.client.port && self.server.port == other.server.port);
        let alike = a.window == b.window
            && a.layout == b.layout
            && a.window_scale == b.window_scale
            && a.timestamps == b.timestamps
            && a.flags == b.flags
            && self.payload == other.payload;
        let (earlier, later) = if gap >= 0 { (a, b) } else { (b, a) };
        let routed = matches!(earlier.ttl.checked_sub(later.ttl), Some(1..=MAX_HOPS));
        let families = (self.client.ip.is_ipv4(), other.client.ip.is_ipv4());
        let same_id = families.0 == families.1 && a.ip_id == b.ip_id;
        let stamped = a.timestamps.is_some_and(|t| t.value != 0);
        // One host that begins all its connections with one number sends them with one TTL, and counts its packets.
        let proved = if stamped {
            routed || (same_id && (a.ip_id != 0 || self.client == other.client))
        } else {
            routed && same_id && a.ip_id != 0
        };
        self.isn == other.isn
            && (self.client, self.server) != (other.client, other.server)
            && gap.saturating_abs() <= FORWARDED
            && shares_an_end
            && alike
            && proved
    }

    /// Whether the SYN-ACK `s`, which is of another four-tuple, answers it. `tries` are the SYNs that were seen of it.
    pub(in crate::flow) fn is_answered_by(&self, s: &Segment, tries: &[Try]) -> bool {
        let acceptable = s.ack_field.after(self.isn) && s.ack_field.at_or_before(self.isn.plus(1).plus(self.payload));
        let waited = s.time - self.last;
        let echo = s.options.timestamps.map(|t| t.echo).zip(self.offer.timestamps.map(|t| t.value));
        let echoed = echo.map(|(echo, value)| echo == value || tries.iter().any(|t| t.ts_value == Some(echo)));
        let (client, server) = (s.destination, s.source);
        let to_client = client == self.client;
        let through_port = client.ip == self.client.ip || client.port == self.client.port || server == self.server;
        let proved = match echoed {
            Some(true) => to_client || (through_port && echo.is_some_and(|(echo, _)| echo != 0)),
            Some(false) => false,
            // A server echoes only what it was offered, and where that is cut off nobody knows.
            None => {
                let cut = s.options.faults.intersects(OptionFaults::NOT_CAPTURED) && self.offer.timestamps.is_some();
                to_client && s.options.timestamps.is_none() && !cut
            }
        };
        !self.is_answered && acceptable && proved && (0..=ANSWERED).contains(&waited)
    }
}

/// Whether `SYN-ACK` could be one of the four-tuple's own: to be asked of flows that have no twin yet.
pub(in crate::flow) fn is_worth_a_look(flow: &Flow, s: &Segment) -> bool {
    s.flags.is_syn_ack()
        && s.source == flow.server.endpoint
        && flow.server.synack_count == 0
        && flow.twin().is_none()
        && !flow.was_open()
}

/// Facts after which the twin is looked at again.
pub(in crate::flow) const CONCERN_TWIN: Facts =
    Facts::SYN_ACK.union(Facts::SYNACK_LATE).union(Facts::FINAL_ACK).union(Facts::RST).union(Facts::SYN_REPEATED);

impl Flow {
    /// The other four-tuple of the same attempt to connect, where one was found.
    pub fn twin(&self) -> Option<&Twin> {
        self.notes.as_deref()?.twin.as_deref()
    }

    pub(in crate::flow) fn set_twin(&mut self, twin: Twin) {
        self.notes.get_or_insert_default().twin = Some(Box::new(twin));
    }

    /// The twin that got the answer to this flow's SYN, which nothing translated back: its client reset it there, or
    /// has waited in vain here.
    pub fn answered_elsewhere(&self) -> Option<&Twin> {
        let waited = matches!(self.opening, Some(Opening::Unanswered)) || self.client.syn_count > 1;
        self.twin().filter(|twin| {
            let asked = self.client.isn.is_some() && !self.server.spoke() && !self.was_open();
            let answered = twin.synack.is_some() && !twin.acknowledged;
            asked && answered && (waited || twin.reset.is_some()) && self.unreachable().is_none()
        })
    }

    /// The twin whose SYN this flow's SYN-ACK answers, although it came from or went to another address: nothing
    /// answered there, and nothing acknowledged this one.
    pub fn answers_untranslated(&self) -> Option<&Twin> {
        self.twin().filter(|twin| {
            let unanswered = twin.syn.is_some() && twin.synack.is_none() && twin.reset.is_none() && !twin.acknowledged;
            unanswered && self.server.synack_count > 0 && self.handshake.ack.is_none() && !self.was_open()
        })
    }
}
