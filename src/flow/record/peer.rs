//! One endpoint of a flow, as far as a bystander can know it.

use super::header_track::HeaderTrack;
use super::payload::FirstData;
use crate::tcp::options::{FastOpen, Layout, Mptcp, OptionFaults, Timestamps};
use crate::tcp::{Endpoint, Event, Flags, Segment, SeqNumber, State, state};
use crate::time::Timestamp;

/// What an endpoint's SYN or SYN-ACK said about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Maximum segment size, octets.
    pub mss: Option<u16>,
    /// Window scale shift, as sent.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// Fast Open.
    pub fast_open: Option<FastOpen>,
    /// Multipath TCP.
    pub mptcp: Option<Mptcp>,
    /// Order of the options.
    pub layout: Layout,
    /// What was wrong with the options.
    pub faults: OptionFaults,
    /// Octets of options.
    pub options_len: u8,
    /// Flags of the segment; ECE, CWR and AE tell the ECN offer.
    pub flags: Flags,
    /// Window field, raw.
    pub window: u16,
    /// TTL or hop limit at the capture point.
    pub ttl: u8,
    /// IPv4 identification.
    pub ip_id: u16,
    /// IPv4 don't-fragment bit.
    pub dont_fragment: bool,
    /// Octets of IP options or extension headers.
    pub ip_options_len: u8,
    /// ECN bits of the IP header.
    pub ip_ecn: u8,
    /// Whether the IPv6 flow label was set.
    pub flow_label: bool,
    /// Payload octets.
    pub payload: u32,
    /// The acknowledgment field, raw.
    pub ack_field: SeqNumber,
    /// The urgent pointer field, raw.
    pub urgent: u16,
}

impl Offer {
    /// What `segment`, a SYN or SYN-ACK, offers.
    #[inline]
    pub fn of(segment: &Segment) -> Self {
        let o = &segment.options;
        Self {
            mss: o.mss,
            window_scale: o.window_scale,
            sack_permitted: o.sack_permitted,
            timestamps: o.timestamps,
            fast_open: o.fast_open,
            mptcp: o.mptcp,
            layout: o.layout,
            faults: o.faults,
            options_len: o.len,
            flags: segment.flags,
            window: segment.window,
            ttl: segment.ttl,
            ip_id: segment.ip_id,
            dont_fragment: segment.dont_fragment,
            ip_options_len: segment.ip_options_len,
            ip_ecn: segment.traffic_class & 3,
            flow_label: segment.flow_label != 0,
            payload: segment.payload,
            ack_field: segment.ack_field,
            urgent: segment.urgent,
        }
    }
}

/// Events on their way to an endpoint, which nothing it sent has proved to have arrived yet. A set of [`Event`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InFlight(u8);

impl InFlight {
    /// In the order in which they take effect: what opens before what closes, and an acknowledgment before the FIN that
    /// carries it.
    const ORDER: [Event; 6] = [Event::Syn, Event::SynAck, Event::AckOfSyn, Event::AckOfFin, Event::Fin, Event::Rst];

    const fn bit(event: Event) -> u8 {
        1 << event as u8
    }

    /// Adds an event.
    pub const fn add(&mut self, event: Event) {
        self.0 |= Self::bit(event);
    }

    /// Removes an event; whether it was there.
    pub const fn remove(&mut self, event: Event) -> bool {
        let was = self.0 & Self::bit(event) != 0;
        self.0 &= !Self::bit(event);
        was
    }

    /// Whether an event is on its way.
    pub const fn has(self, event: Event) -> bool {
        self.0 & Self::bit(event) != 0
    }

    /// Whether nothing is on its way.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One endpoint of a flow. The first 64 octets are what moves on with each segment.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Peer {
    /// Highest SEQ + LEN it sent, once it sent anything.
    pub next: Option<SeqNumber>,
    /// Highest acknowledgment number it sent.
    pub acked: Option<SeqNumber>,
    /// Right edge of its receive window: highest ACK + scaled window it advertised.
    pub edge: Option<SeqNumber>,
    /// When it last sent anything.
    pub last_time: Timestamp,
    /// Segments it sent, copies made by the capture not counted.
    pub packets: u64,
    /// Payload octets it sent, repetitions included.
    pub bytes: u64,
    /// Segments with payload.
    pub data_count: u32,
    /// Lowest SEQ it sent: the base of relative numbers where its SYN is missing.
    pub first_seq: SeqNumber,
    /// How its IP headers go on.
    pub track: HeaderTrack,
    /// State proved by what it sent itself, its acknowledgment numbers above all.
    pub confirmed: State,
    /// What is on its way to it.
    pub in_flight: InFlight,
    /// Initial sequence number, where its SYN was seen.
    pub isn: Option<SeqNumber>,
    /// Sequence number of its FIN octet, once it sent one.
    pub fin: Option<SeqNumber>,
    /// SYNs without ACK.
    pub syn_count: u32,
    /// SYN-ACKs.
    pub synack_count: u32,
    /// FINs.
    pub fin_count: u32,
    /// RSTs.
    pub rst_count: u32,
    /// Window field of the first segment, raw.
    pub window: u16,
    /// TTL of the first segment.
    pub ttl: u8,
    /// Whether its last segment carried timestamps.
    pub timestamps_seen: bool,
    /// Its first payload, to be compared with what comes at the same number.
    pub(in crate::flow) first_data: FirstData,
    /// Whether that FIN's acknowledgment number covered the other end's FIN.
    pub fin_acked_peer: bool,
    /// Whether the other end acknowledged its FIN.
    pub fin_acknowledged: bool,
    /// When it first sent FIN.
    pub fin_time: Timestamp,
    /// When its FIN was first acknowledged.
    pub fin_acked_time: Timestamp,
    /// Address and port.
    pub endpoint: Endpoint,
    /// Start and end of the newest hole in its sequence space, where the capture lacks (or has not seen yet) octets.
    pub hole: Option<(SeqNumber, SeqNumber)>,
    /// When that hole opened.
    pub hole_time: Timestamp,
    /// What its (first accepted) SYN or SYN-ACK offered.
    pub offer: Option<Offer>,
}

impl Peer {
    /// An endpoint nothing has been seen of.
    pub(in crate::flow) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            confirmed: State::Closed,
            in_flight: InFlight::default(),
            isn: None,
            offer: None,
            next: None,
            first_seq: SeqNumber(0),
            acked: None,
            edge: None,
            fin: None,
            fin_acked_peer: false,
            fin_acknowledged: false,
            fin_time: Timestamp(0),
            fin_acked_time: Timestamp(0),
            last_time: Timestamp(0),
            packets: 0,
            bytes: 0,
            syn_count: 0,
            synack_count: 0,
            fin_count: 0,
            rst_count: 0,
            data_count: 0,
            hole: None,
            hole_time: Timestamp(0),
            ttl: 0,
            window: 0,
            timestamps_seen: false,
            first_data: FirstData::default(),
            track: HeaderTrack::default(),
        }
    }

    /// The state it is in if everything on its way to it arrives: confirmed plus in flight.
    pub fn presumed(&self) -> State {
        if self.in_flight.is_empty() {
            return self.confirmed;
        }
        InFlight::ORDER
            .into_iter()
            .filter(|event| self.in_flight.has(*event))
            .fold(self.confirmed, state::after_receiving)
    }

    /// Whether it ever sent anything.
    pub fn spoke(&self) -> bool {
        self.packets > 0
    }

    /// Base of its relative sequence numbers: the ISN, or one below the lowest number seen.
    pub fn base(&self) -> SeqNumber {
        self.isn.unwrap_or(self.first_seq.minus(1))
    }

    /// It sent `event`.
    pub(in crate::flow) fn sent(&mut self, event: Event) {
        self.confirmed = state::after_sending(self.confirmed, event);
    }

    /// `event` is on its way to it.
    pub(in crate::flow) fn receives(&mut self, event: Event) {
        self.in_flight.add(event);
    }

    /// Something it sent proves that `event` had reached it, if it was on its way.
    pub(in crate::flow) fn has_received(&mut self, event: Event) {
        if self.in_flight.remove(event) {
            self.confirmed = state::after_receiving(self.confirmed, event);
        }
    }
}
