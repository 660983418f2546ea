//! One flow: an incarnation of a four-tuple, with all that is known of it.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::completeness::Completeness;
use super::handshake::{Handshake, InEffect, MAX_TRIES};
use super::notes::Notes;
use super::peer::Peer;
use super::previous::Previous;
use super::severity::Severity;
use super::steps::Step;
use super::teardown::{Reset, Teardown};
use super::tuple::{FlowKey, Side};
use super::verdict::{ClosedBy, Closing, Opening, Shape};
use super::zeek::ZeekWords;
use crate::tcp::{Endpoint, IcmpKind};
use crate::time::Timestamp;
use crate::tls::TlsOpening;

/// How many steps of one flow are kept; further ones are folded into the last of their kind, or counted.
pub const MAX_STEPS: usize = 64;

/// Artefacts of the capture that touched one flow, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureQuality {
    /// Copies made by the capture: they count for nothing else.
    pub duplicates: u32,
    /// Acknowledgments of octets that were never seen.
    pub holes: u32,
    /// Segments that came out of order.
    pub reordered: u32,
    /// Frames cut by the snapshot length.
    pub truncated: u32,
    /// Segments with an unfinished checksum, or larger than the link can carry.
    pub offload: u32,
    /// Segments with a wrong checksum.
    pub bad_checksum: u32,
    /// Of these, how many were taken as they came: no checksum of their sender was ever right.
    pub unverified: u32,
    /// Whether its sequence and acknowledgment numbers are 0 all along.
    pub zero_numbers: bool,
}

/// An ICMP error that quoted a SYN of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// What it says.
    pub kind: IcmpKind,
    /// Who sent it.
    pub reporter: IpAddr,
}

/// An anomaly noted on a flow: the detectors' business, kept here so that one event a flow and id can be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Id of the rule.
    pub rule: &'static str,
    /// The highest severity it was reported with.
    pub severity: Severity,
    /// How often.
    pub count: u32,
    /// The first frames that prove it.
    pub frames: SmallVec<[u64; 2]>,
}

/// What the rules about hosts noted on a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostMarks {
    /// Slot of its record: two flows that are tracked at the same time differ in it. [`Self::NO_SLOT`] while it has
    /// none.
    pub slot: u32,
    /// Its server's position in a table of servers, which is checked at each use and saves a search.
    pub server: u32,
    /// Whether its SYN was sent again without the ECN flags of the first.
    pub ecn_dropped: bool,
    /// Whether its SYN-ACK took several times as long as its server's usually take.
    pub slow_answer: bool,
    /// Whether several connections to its server's port show a full accept queue.
    pub overflowing: bool,
    /// Whether its client's number is to be reported with its opening.
    pub number_due: bool,
}

impl HostMarks {
    /// No record's slot.
    pub const NO_SLOT: u32 = u32::MAX;
}

impl Default for HostMarks {
    fn default() -> Self {
        Self {
            slot: Self::NO_SLOT,
            server: 0,
            ecn_dropped: false,
            slow_answer: false,
            overflowing: false,
            number_due: false,
        }
    }
}

/// A flow. The order of its fields keeps those read together in as few cache lines as possible.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Flow {
    /// Number, from 1 in the order in which flows began.
    pub id: u64,
    /// Time of the last segment.
    pub last_time: Timestamp,
    /// Frame of the last segment.
    pub last_frame: u64,
    /// What is kept once something out of the ordinary happened to it.
    pub(in crate::flow) notes: Option<Box<Notes>>,
    /// Steps, at most [`MAX_STEPS`].
    pub steps: Vec<Step>,
    /// Opening verdict, once reached (it may still be revised: an answer can come late).
    pub opening: Option<Opening>,
    /// Who sent the first segment seen.
    pub first_sender: Side,
    /// Whether a SYN or SYN-ACK showed who is who.
    pub role_known: bool,
    /// Whether it was given up for silence.
    pub idle_expired: bool,
    /// Wireshark's completeness.
    pub completeness: Completeness,
    /// Tracker's tracking state-keeping.
    pub(in crate::flow) tracking: super::tracking::Tracking,
    /// The end.
    pub teardown: Teardown,
    /// Zeek's conn_state and history.
    pub zeek: ZeekWords,
    /// What the rules about hosts noted.
    pub host_marks: HostMarks,
    /// Capture artefacts.
    pub quality: CaptureQuality,
    /// The end that opened it.
    pub client: Peer,
    /// Time of the first segment.
    pub first_time: Timestamp,
    /// Frame of the first segment.
    pub first_frame: u64,
    /// When the opening verdict was reached.
    pub opening_time: Timestamp,
    /// Outermost VLAN id of the first segment, 0 where untagged.
    pub vlan: u16,
    /// Interface of the first segment.
    pub interface: u16,
    /// Steps that were not kept.
    pub steps_dropped: u32,
    /// The end that was connected to.
    pub server: Peer,
    /// The incarnation of the same four-tuple before this one.
    pub(in crate::flow) previous: Option<Box<Previous>>,
    /// ICMP error about its SYN.
    pub(in crate::flow) unreachable: Option<Box<Unreachable>>,
    /// The opening.
    pub handshake: Handshake,
    /// Anomalies noted so far.
    pub marks: SmallVec<[Mark; 1]>,
    /// What is known of its TLS handshake, where its first payload begins one.
    pub(in crate::flow) tls: Option<Box<TlsOpening>>,
}

impl Flow {
    /// Four-tuple.
    pub fn key(&self) -> FlowKey {
        FlowKey::between(self.client.endpoint, self.server.endpoint).0
    }

    /// Octets of memory that it takes, with the steps, marks and notes that it owns.
    pub fn octets(&self) -> usize {
        const fn boxed<T>(there: &Option<Box<T>>) -> usize {
            if there.is_some() { size_of::<T>() } else { 0 }
        }
        let marks = if self.marks.spilled() { self.marks.capacity() * size_of::<Mark>() } else { 0 };
        let owned = boxed(&self.notes) + boxed(&self.previous) + boxed(&self.unreachable);
        size_of::<Self>() + self.steps.capacity() * size_of::<Step>() + marks + owned
    }

    /// The incarnation of the same four-tuple before this one.
    pub fn previous(&self) -> Option<&Previous> {
        self.previous.as_deref()
    }

    /// The ICMP error about its SYN.
    pub fn unreachable(&self) -> Option<&Unreachable> {
        self.unreachable.as_deref()
    }

    /// What is known of its TLS handshake, where its first payload begins one.
    pub fn tls(&self) -> Option<&TlsOpening> {
        self.tls.as_deref()
    }

    /// Takes what became known of its TLS handshake. Only that with which its payload begins counts, and the first one
    /// that was seen.
    pub(in crate::flow) fn take_tls(&mut self, opening: &TlsOpening) {
        match &mut self.tls {
            Some(known) if known.hello.frame == opening.hello.frame => **known = *opening,
            None if self.client.isn.is_none_or(|isn| isn.plus(1) == opening.hello_seq) => {
                self.tls = Some(Box::new(*opening));
            }
            _ => {}
        }
    }

    /// A copy whose addresses are what `map` makes of them: one of the same family for each.
    #[must_use]
    pub fn with_addresses(&self, map: impl Fn(IpAddr) -> IpAddr) -> Self {
        let mut copy = self.clone();
        for peer in [&mut copy.client, &mut copy.server] {
            peer.endpoint.ip = map(peer.endpoint.ip);
        }
        if let Some(unreachable) = copy.unreachable.as_mut() {
            unreachable.reporter = map(unreachable.reporter);
        }
        copy
    }

    /// Notes on it, where there is reason for any.
    pub fn notes(&self) -> Option<&Notes> {
        self.notes.as_deref()
    }

    /// Segments of `side` that the other end must drop (RFC 9293 section 3.10.7): they move no state, and their octets
    /// are not counted.
    pub fn unacceptable(&self, side: Side) -> u32 {
        self.notes().map_or(0, |notes| notes.end(side).unacceptable)
    }

    /// `count` more segments of `side` must have been dropped by the other end.
    pub(in crate::flow) fn note_unacceptable(&mut self, side: Side, count: u32) {
        let end = self.notes.get_or_insert_default().end_mut(side);
        end.unacceptable = end.unacceptable.saturating_add(count);
    }

    /// Octets that one end acknowledged and the capture lacks, and the frame that acknowledged the first of them.
    pub fn missing(&self) -> Option<(u64, u64)> {
        let ends = self.notes().map(|notes| [&notes.client.holes, &notes.server.holes])?;
        let frame = ends.iter().filter(|holes| holes.octets > 0).map(|holes| holes.frame).min()?;
        Some((ends.iter().map(|holes| holes.octets).sum(), frame))
    }

    /// The endpoint of `side`.
    pub const fn peer(&self, side: Side) -> &Peer {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// The endpoint of `side`, to change.
    pub(in crate::flow) const fn peer_mut(&mut self, side: Side) -> &mut Peer {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Which side `endpoint` is.
    pub fn side_of(&self, endpoint: Endpoint) -> Side {
        if endpoint == self.client.endpoint { Side::Client } else { Side::Server }
    }

    /// Opening verdict; [`Opening::Undecided`] until one is reached.
    pub fn opening(&self) -> Opening {
        self.opening.unwrap_or(Opening::Undecided)
    }

    /// Whether data could flow: it opened before our eyes, or before we looked.
    pub fn was_open(&self) -> bool {
        match self.opening() {
            opening if opening.opened() => true,
            // A lone reset proves no connection.
            Opening::Midstream => self.packets() > u64::from(self.client.rst_count + self.server.rst_count),
            Opening::SynAckOnly => self.tracking.phase == super::tracking::Phase::Open,
            _ => false,
        }
    }

    /// Whether both ends are one socket (RFC 9293 section 3.5: its own SYN crosses itself).
    pub fn is_to_itself(&self) -> bool {
        self.client.endpoint == self.server.endpoint
    }

    /// The end whose close is unknown, where the other one sent FIN: nothing of it is in the capture, and what the
    /// other says proves that it did not speak alone (it opened a connection, or sent more than FINs and resets).
    pub fn closing_unseen(&self) -> Option<Side> {
        let side = self.teardown.first_fin.filter(|_| self.closing() == Closing::HalfClosed)?;
        let peer = self.peer(side);
        let probes = u64::from(peer.syn_count) + u64::from(peer.fin_count) + u64::from(peer.rst_count);
        let alone = self.peer(side.other()).spoke() || !(self.opening().opened() || peer.packets > probes);
        (!alone).then(|| side.other())
    }

    /// The RST with which the server threw its own attempt away: after its SYN-ACK, before any third step.
    pub fn withdrawn(&self) -> Option<Reset> {
        self.teardown.reset.filter(|reset| reset.by == Side::Server && self.opening() == Opening::MissingAck)
    }

    /// Whether both ends sent FIN.
    pub fn both_fins(&self) -> bool {
        self.client.fin.is_some() && self.server.fin.is_some()
    }

    /// Whether both ends acknowledged the other's FIN.
    pub fn both_fins_acknowledged(&self) -> bool {
        self.client.fin_acknowledged && self.server.fin_acknowledged
    }

    /// Closing verdict as of now.
    pub fn closing(&self) -> Closing {
        if !self.was_open() {
            return Closing::None;
        }
        let t = &self.teardown;
        if self.both_fins() && !self.second_fin_met_reset() {
            return if t.simultaneous { Closing::SimultaneousFin } else { Closing::Fin };
        }
        match (t.first_fin, t.reset) {
            (Some(_), Some(_)) if !self.fin_crossed_reset() => Closing::FinThenReset,
            (_, Some(reset)) if reset.by == Side::Client => Closing::ResetByClient,
            (_, Some(_)) => Closing::ResetByServer,
            (Some(_), None) => Closing::HalfClosed,
            (None, None) if self.idle_expired => Closing::IdleExpired,
            (None, None) => Closing::Open,
        }
    }

    /// Whether the only FIN came behind the reset that had ended it: it was on its way.
    fn fin_crossed_reset(&self) -> bool {
        let (Some(first), Some(reset)) = (self.teardown.first_fin, self.teardown.reset) else { return false };
        !self.both_fins() && reset.by != first && self.peer(first).fin_time > reset.time
    }

    /// Whether who closed first reset it before the other end's FIN, which was on its way.
    fn second_fin_met_reset(&self) -> bool {
        let t = &self.teardown;
        let (Some(first), Some(reset)) = (t.first_fin, t.reset.filter(|_| !t.reset_after_both)) else { return false };
        reset.by == first && self.peer(first.other()).fin.is_some() && self.peer(first.other()).fin_time > reset.time
    }

    /// Who closed it; unknown where one direction is not in the capture.
    pub fn closed_by(&self) -> Option<ClosedBy> {
        if self.fin_crossed_reset() {
            return self.teardown.reset.map(|reset| reset.by.into());
        }
        self.teardown.closed_by().filter(|_| self.closing_unseen().is_none())
    }

    /// Shape of its close.
    pub fn shape(&self) -> Option<Shape> {
        self.teardown.shape(self.both_fins() && !self.second_fin_met_reset())
    }

    /// Time from the acknowledgment of the first FIN to the second FIN, nanoseconds; `None` without two FINs in turn.
    pub fn half_closed_time(&self) -> Option<i64> {
        if !self.both_fins() || self.teardown.simultaneous {
            return None;
        }
        let first = self.peer(self.teardown.first_fin?);
        let second = self.peer(self.teardown.first_fin?.other());
        first.fin_acknowledged.then(|| (second.fin_time - first.fin_acked_time).max(0))
    }

    /// Time from the first FIN to the acknowledgment of the second, nanoseconds; to the reset where one ended it.
    /// `None` where that came first, or the time stamps ran backwards.
    pub fn teardown_time(&self) -> Option<i64> {
        let first = self.peer(self.teardown.first_fin?);
        Some(self.teardown.complete? - first.fin_time).filter(|time| *time >= 0)
    }

    /// Which options are in force on the connection; `None` where a SYN or SYN-ACK is missing.
    pub fn in_effect(&self) -> Option<InEffect> {
        let (client, server) = (self.client.offer?, self.server.offer?);
        Some(InEffect {
            window_scale: client.window_scale.is_some() && server.window_scale.is_some(),
            sack: client.sack_permitted && server.sack_permitted,
            timestamps: client.timestamps.is_some() && server.timestamps.is_some(),
        })
    }

    /// Whether the SYN-ACKs that passed here never reached the client: it asked again later than a round trip, and
    /// acknowledged none.
    pub fn lost_every_synack(&self) -> bool {
        self.opening() == Opening::MissingAck && self.withdrawn().is_none() && self.synack_lost_before().is_some()
    }

    /// Whether the client was answered, and had to ignore each answer: none fits its SYN.
    pub fn had_no_fitting_answer(&self) -> bool {
        self.opening() == Opening::Unanswered && self.server.spoke()
    }

    /// Whether the client ended its attempt with FIN, not with RST.
    pub fn gave_up_with_fin(&self) -> bool {
        self.opening() == Opening::Aborted && self.teardown.reset.is_none() && self.client.fin.is_some()
    }

    /// Whether the client ended its attempt, and had been sent a SYN-ACK that does not fit its SYN.
    pub fn gave_up_on_wrong_synack(&self) -> bool {
        self.opening() == Opening::Aborted && self.notes().is_some_and(|notes| notes.wrong_synack.is_some())
    }

    /// How often its client tried, as far as is known: a SYN on the open connection before it is its first, one with
    /// another number on this one is none of its own.
    pub fn tries(&self) -> u32 {
        let kept = self.handshake.syns.len();
        if kept < MAX_TRIES { kept as u32 } else { self.client.syn_count.max(kept as u32) }
    }

    /// Segments of both ends.
    pub fn packets(&self) -> u64 {
        self.client.packets + self.server.packets
    }

    /// Payload octets of both ends.
    pub fn bytes(&self) -> u64 {
        self.client.bytes + self.server.bytes
    }

    /// First to last segment, nanoseconds.
    pub fn duration(&self) -> i64 {
        (self.last_time - self.first_time).max(0)
    }
}
