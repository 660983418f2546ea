//! The part of a flow that ordinary segments touch: data and acknowledgments in order on an open connection.
//!
//! Nine in ten segments of ordinary traffic tell nothing new. They are taken here, in three cache lines, and what they
//! add is handed to the flow's record in one go ([`FastPath::flush`]) before anything else looks at it. A segment that
//! is out of the ordinary in any way is refused, and takes the long way. Both ways must give the same flow:
//! `tests/short_cut.rs` runs captures with and without this short cut.

use super::duplicates::{Print, RecentCopies};
use crate::flow::record::flow::Flow;
use crate::flow::record::header_track::IdLine;
use crate::flow::record::notes::Notes;
use crate::flow::record::steps::Label;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::{FlowKey, Side};
use crate::flow::record::verdict::Opening;
use crate::flow::table::descriptor::Descriptor;
use crate::tcp::{Segment, SeqNumber};
use crate::time::Timestamp;

/// No step takes the data of this end yet.
const NO_STEP: u8 = u8::MAX;
/// What is added up is handed over before it could overflow, octets.
const MAX_PENDING_BYTES: u32 = 1 << 30;

/// One end of a flow.
#[derive(Clone, Copy, Debug, Default)]
struct FastPathSide {
    /// What it sends next.
    next: SeqNumber,
    /// The highest it acknowledged.
    acked: SeqNumber,
    /// Right edge of its window.
    edge: SeqNumber,
    /// Segments taken since the last flush.
    packets: u32,
    /// Payload octets taken since.
    bytes: u32,
    /// Segments with payload taken since.
    data: u32,
    last_time: Timestamp,
    last_data_time: Timestamp,
    copies: RecentCopies,
    line: IdLine,
    scale: u8,
    ttl: u8,
    /// Index of the step that its data is folded into, if it has sent any before.
    step: u8,
    /// Whether it has sent a bare acknowledgment before.
    sent_ack: bool,
}

/// The hot part of one flow.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(in crate::flow) struct FastPath {
    /// Four-tuple.
    pub(in crate::flow) key: FlowKey,
    sides: [FastPathSide; 2],
    /// Packet clock at the last segment.
    pub(in crate::flow) seen_at: Timestamp,
    last_frame: u64,
    truncated: u32,
    /// Whether ordinary segments may be taken here.
    enabled: bool,
    /// Whether anything waits to be flushed.
    dirty: bool,
    client_is_low: bool,
    timestamps: bool,
}

const _: () = assert!(size_of::<FastPath>() == 256);

impl FastPath {
    /// The hot part of a flow that begins.
    pub(in crate::flow) fn new(key: FlowKey, client_is_low: bool, now: Timestamp) -> Self {
        Self {
            key,
            sides: [FastPathSide::default(); 2],
            seen_at: now,
            last_frame: 0,
            truncated: 0,
            enabled: false,
            dirty: false,
            client_is_low,
            timestamps: false,
        }
    }

    /// Which end the sender is, given whether it is the lower endpoint of the key.
    pub(in crate::flow) const fn side(&self, sender_is_low: bool) -> Side {
        if sender_is_low == self.client_is_low { Side::Client } else { Side::Server }
    }

    /// Its flow is gone: nothing is taken here any more.
    pub(in crate::flow) const fn disarm(&mut self) {
        self.enabled = false;
    }

    /// Whether `s`, of this print, is a copy made by the capture. `answers`: it answers what came after its original.
    pub(in crate::flow) fn is_copy(&mut self, s: &Segment, print: Print, from: Side, answers: bool) -> bool {
        self.sides[from as usize].copies.is_copy(s, print, answers)
    }

    /// Whether `s`, of this print, is a copy of one of the last segments of `from`. Remembers nothing.
    pub(in crate::flow) fn knows_original_of(&self, s: &Segment, print: Print, from: Side) -> bool {
        self.sides[from as usize].copies.knows_original_of(s, print)
    }

    /// Takes `s` if it is ordinary; whether it was. `idle`: silence after which the flow would have been given up.
    #[inline]
    pub(in crate::flow) fn take(&mut self, s: &Descriptor, now: Timestamp, idle: i64) -> bool {
        if !self.enabled || !s.is_plain() || now - self.seen_at >= idle || s.has_timestamps() != self.timestamps {
            return false;
        }
        let from = self.side(s.is_from_low());
        let [client, server] = &mut self.sides;
        let (own, other) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let Some(edge) = own.ordinary(s, other) else { return false };
        own.edge = edge;
        own.acked = s.ack;
        own.next = s.seq.plus(s.payload);
        own.packets += 1;
        own.bytes += s.payload;
        own.data += u32::from(s.payload > 0);
        own.last_time = s.time;
        if s.payload > 0 {
            own.last_data_time = s.time;
        }
        own.copies.push(s.fingerprint());
        own.line.follow(s.ip_id);
        self.seen_at = now;
        self.last_frame = s.frame();
        self.truncated += u32::from(s.is_truncated());
        self.dirty = true;
        true
    }

    /// Whether `s`, if it is plain, is of a kind that [`Self::take`] takes.
    #[inline]
    pub(in crate::flow) const fn expects(&self, s: &Descriptor) -> bool {
        let own = &self.sides[self.side(s.is_from_low()) as usize];
        self.enabled && (if s.payload > 0 { own.step != NO_STEP } else { own.sent_ack })
    }

    /// Hands what was added up to the flow's record.
    pub(in crate::flow) fn flush(&mut self, flow: &mut Flow) {
        if !self.dirty {
            return;
        }
        self.dirty = false;
        flow.tracking.seen_at = self.seen_at;
        flow.tracking.silence = 0;
        flow.last_frame = self.last_frame;
        flow.quality.truncated += core::mem::take(&mut self.truncated);
        for side in [Side::Client, Side::Server] {
            let fast_path = &mut self.sides[side as usize];
            let packets = core::mem::take(&mut fast_path.packets);
            if packets > 0 {
                fast_path.flush(flow, side, packets);
            }
        }
        for side in [Side::Client, Side::Server] {
            let (sent, got) = (&self.sides[side as usize], &self.sides[side.other() as usize]);
            flow.zeek.carry_on(side == flow.first_sender, sent.next, got.acked);
        }
    }

    /// Allows or forbids the short cut, by what the flow is now.
    pub(in crate::flow) fn enable(&mut self, flow: &Flow) {
        self.seen_at = flow.tracking.seen_at;
        self.enabled = flow.is_steady();
        if !self.enabled {
            return;
        }
        // A segment that lacks what both ends agreed on is an anomaly, also right after another one.
        let agreed = flow.in_effect().is_some_and(|in_effect| in_effect.timestamps);
        self.timestamps = agreed || (flow.client.timestamps_seen && flow.server.timestamps_seen);
        for side in [Side::Client, Side::Server] {
            let fast_path = &mut self.sides[side as usize];
            let peer = flow.peer(side);
            let (Some(next), Some(acked), Some(edge)) = (peer.next, peer.acked, peer.edge) else {
                self.enabled = false;
                return;
            };
            // Beyond what was seen of the other end, comparisons within half the sequence space tell nothing.
            if flow.peer(side.other()).next.is_some_and(|sent| acked.after(sent)) {
                self.enabled = false;
                return;
            }
            (fast_path.next, fast_path.acked, fast_path.edge) = (next, acked, edge);
            (fast_path.packets, fast_path.bytes, fast_path.data, fast_path.last_time) = (0, 0, 0, peer.last_time);
            (fast_path.scale, fast_path.ttl) = (flow.scale_of(side), peer.ttl);
            fast_path.line = peer.track.line;
            let first = side == flow.first_sender;
            let step = if flow.zeek.has_logged(first, true) { flow.data_step(side) } else { None };
            fast_path.step = step.map_or(NO_STEP, |index| index as u8);
            fast_path.sent_ack = flow.zeek.has_logged(first, false);
        }
    }
}

impl FastPathSide {
    /// The new right edge of its window if `s` is ordinary.
    #[inline]
    fn ordinary(&self, s: &Descriptor, other: &Self) -> Option<SeqNumber> {
        let newer = s.ack.after(self.acked);
        let known_kind =
            if s.payload > 0 { self.step != NO_STEP && (newer || s.ack == self.acked) } else { self.sent_ack && newer };
        let edge = s.ack.plus(u32::from(s.window) << self.scale);
        let ordinary = known_kind
            && s.seq == self.next
            && s.ack.at_or_before(other.next)
            && s.ttl() == self.ttl
            && edge.at_or_after(self.edge)
            && s.time >= self.last_time
            && self.bytes < MAX_PENDING_BYTES
            && self.packets < u32::MAX;
        ordinary.then_some(edge)
    }

    fn flush(&mut self, flow: &mut Flow, side: Side, packets: u32) {
        let (bytes, data) = (core::mem::take(&mut self.bytes), core::mem::take(&mut self.data));
        flow.last_time = flow.last_time.max(self.last_time);
        let peer = flow.peer_mut(side);
        peer.next = Some(self.next);
        peer.acked = Some(self.acked);
        peer.edge = Some(self.edge);
        peer.packets += u64::from(packets);
        peer.bytes += u64::from(bytes);
        peer.data_count += data;
        peer.last_time = self.last_time;
        peer.track.line = self.line;
        if data > 0
            && let Some(step) = flow.steps.get_mut(usize::from(self.step))
        {
            step.repeat = step.repeat.saturating_add(data);
            step.payload = step.payload.saturating_add(bytes);
            step.last_time = self.last_data_time;
        }
    }
}

impl Flow {
    /// Whether ordinary segments can only add up: open, nothing closing, nothing doubtful. (A hole in what was seen
    /// concerns those alone that fill it.)
    fn is_steady(&self) -> bool {
        let b = &self.tracking;
        let open = b.phase == Phase::Open
            && self
                .opening
                .is_some_and(|o| o.opened() || (o == Opening::Midstream && self.client.spoke() && self.server.spoke()));
        let quiet = self.client.fin.is_none()
            && self.server.fin.is_none()
            && self.teardown.reset.is_none()
            && self.teardown.complete.is_none()
            && b.pending.is_none()
            && b.doubtful_reset.is_none()
            && !self.quality.zero_numbers
            && b.provocation.is_none()
            && self.client.track.ttl == self.client.ttl
            && self.server.track.ttl == self.server.ttl
            && self.notes().is_none_or(Notes::are_idle)
            && self.rewriting().is_none();
        let settled = self.client.in_flight.is_empty() && self.server.in_flight.is_empty();
        open && quiet && settled && self.zeek.is_smooth() && !self.is_to_itself()
    }

    /// The step that further payload of `side` is folded into.
    pub(in crate::flow) fn data_step(&self, side: Side) -> Option<usize> {
        let data = |step: &crate::flow::record::steps::Step| step.label == Label::Data && step.from == side;
        let same = |step: &crate::flow::record::steps::Step| data(step) && !step.is_urgent();
        match self.steps.last() {
            Some(last) if same(last) => Some(self.steps.len() - 1),
            _ if self.data_runs_exhausted() => {
                self.steps.iter().rposition(same).or_else(|| self.steps.iter().rposition(data))
            }
            _ => None,
        }
    }
}
