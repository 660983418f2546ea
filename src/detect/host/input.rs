//! Input of the host detectors: small plain values, not borrows of flows, so that an attempt without a flow record can
//! be reported as well.

use super::sketch::{fixed_hash_of, joined};
use crate::flow::{Flow, Offer, Opening};
use crate::tcp::options::{Layout, OptionFaults};
use crate::tcp::{Endpoint, IcmpKind, Segment, SeqNumber};
use crate::time::Timestamp;

/// What a SYN or SYN-ACK looks like, as far as it tells stacks and tools apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    /// Window field, raw.
    pub window: u16,
    /// TTL or hop limit at the capture point.
    pub ttl: u8,
    /// IPv4 identification, 0 for IPv6.
    pub ip_id: u16,
    /// IPv4 don't-fragment bit.
    pub dont_fragment: bool,
    /// Order of the options.
    pub layout: Layout,
    /// Octets of options.
    pub options_len: u8,
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// Window scale shift.
    pub window_scale: Option<u8>,
    /// `TSval` and `TSecr`.
    pub timestamps: Option<(u32, u32)>,
    /// Whether the options were cut by the snapshot length: nothing can be said of them.
    pub options_cut: bool,
}

impl Look {
    /// Of a segment.
    pub fn of(s: &Segment) -> Self {
        Self::from_offer(&Offer::of(s))
    }

    /// Of what an end of a flow offered.
    pub fn from_offer(o: &Offer) -> Self {
        Self {
            window: o.window,
            ttl: o.ttl,
            ip_id: o.ip_id,
            dont_fragment: o.dont_fragment,
            layout: o.layout,
            options_len: o.options_len,
            mss: o.mss,
            window_scale: o.window_scale,
            timestamps: o.timestamps.map(|t| (t.value, t.echo)),
            options_cut: o.faults.intersects(OptionFaults::NOT_CAPTURED),
        }
    }

    /// Whether it carries what operating systems send and raw tools do not: scaling, or timestamps.
    pub const fn is_of_a_stack(&self) -> bool {
        self.window_scale.is_some() || self.timestamps.is_some()
    }
}

/// Where a connection is in the detectors' tables: positions, which are checked at each use and save a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Its client as a source.
    pub client: u32,
    /// The service that was asked for.
    pub service: u32,
    /// Both together.
    pub pair: u32,
    /// Its server as a host.
    pub answering: u32,
    /// Whether it is counted as half-open of client and service together.
    pub half_open_counted: bool,
    /// Whether it is counted as open and silent of client and service together.
    pub silent_counted: bool,
    /// Whether it is counted as open and silent of its client, and of its service.
    pub silent: bool,
    /// Whether it is counted as one whose request trickles in.
    pub trickles: bool,
    /// Whether it is counted as open and silent of its client's network and service together.
    pub network_counted: bool,
}

/// The first SYN of an attempt to connect.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// Who asks.
    pub client: Endpoint,
    /// Who is asked.
    pub server: Endpoint,
    /// Its sequence number.
    pub isn: SeqNumber,
    /// What it looks like.
    pub look: Look,
}

/// Hashes of the addresses of an attempt's ends, the same in every run. Each is computed once.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndHashes {
    pub(super) client: u64,
    pub(super) server: u64,
}

impl EndHashes {
    pub(super) fn of(a: &Attempt) -> Self {
        Self { client: fixed_hash_of(&a.client.ip), server: fixed_hash_of(&a.server.ip) }
    }

    /// Of the service.
    pub(super) const fn service(self, port: u16) -> u64 {
        joined(self.server, port as u64)
    }
}

impl Attempt {
    /// Of a bare SYN.
    pub fn of(s: &Segment) -> Self {
        Self { time: s.time, frame: s.frame, client: s.source, server: s.destination, isn: s.seq, look: Look::of(s) }
    }
}

/// How an attempt came out, as far as hosts are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both ends got into a connection, so long after the first SYN (nanoseconds).
    Open(i64),
    /// RST answered the SYN.
    Refused,
    /// ICMP answered the SYN.
    Unreachable,
    /// Nothing did, until the deadline.
    Unanswered,
    /// The client answered the SYN-ACK with RST.
    ResetAfterSynAck,
    /// The client gave up before any answer.
    Aborted,
    /// The SYN-ACK was not acknowledged until the deadline.
    MissingAck,
    /// Observation ended too early to tell; nothing had answered.
    Silent,
    /// Observation ended too early to tell; a SYN-ACK had answered.
    HalfOpen,
}

/// An attempt with its outcome, or one still undecided when observation ended.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// When that was known.
    pub time: Timestamp,
    /// Frame of its first SYN.
    pub frame: u64,
    /// When its first SYN passed.
    pub began: Timestamp,
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub server: Endpoint,
    /// How it came out.
    pub outcome: Outcome,
    /// Whether its SYN had been repeated.
    pub retried: bool,
    /// Code of the ICMP error that says that its server is unreachable.
    pub icmp_code: Option<u8>,
    /// Whether another address answered it, which nothing translated back.
    pub elsewhere: bool,
    /// What its SYN looked like.
    pub look: Option<Look>,
}

impl Settled {
    /// Of `flow`, if its SYN was seen and its opening says anything about the attempt.
    pub fn of(flow: &Flow, time: Timestamp) -> Option<Self> {
        let began = flow.handshake.first_syn()?;
        let outcome = match flow.opening() {
            opening if opening.opened() => Outcome::Open(flow.handshake.connect_time().unwrap_or(0)),
            Opening::Refused => Outcome::Refused,
            Opening::Unreachable => Outcome::Unreachable,
            Opening::Unanswered => Outcome::Unanswered,
            Opening::ResetAfterSynAck => Outcome::ResetAfterSynAck,
            Opening::Aborted => Outcome::Aborted,
            Opening::MissingAck => Outcome::MissingAck,
            Opening::Undecided if flow.server.synack_count > 0 => Outcome::HalfOpen,
            Opening::Undecided => Outcome::Silent,
            _ => return None,
        };
        Some(Self {
            time,
            frame: flow.first_frame,
            began,
            client: flow.client.endpoint,
            server: flow.server.endpoint,
            outcome,
            retried: flow.client.syn_count > 1,
            icmp_code: flow.unreachable().and_then(|u| match u.kind {
                IcmpKind::Unreachable(code) => Some(code),
                _ => None,
            }),
            elsewhere: flow.answered_elsewhere().is_some(),
            look: flow.client.offer.as_ref().map(Look::from_offer),
        })
    }
}
