//! What the host detectors are told: small plain values, not borrows of flows, so that an attempt of which nothing but its
//! first SYN is kept can be told of as well. The frequent ones can be written where they are to be: to move what was just put
//! together from small pieces makes the processor wait.

use core::net::{IpAddr, Ipv4Addr};

use crate::flow::{Flow, Offer, Opening};
use crate::tcp::options::{Layout, OptionFaults};
use crate::tcp::{Endpoint, Segment, SeqNumber};
use crate::time::Timestamp;

/// No endpoint.
pub(super) const NOBODY: Endpoint = Endpoint { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 };

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
    /// Of nothing.
    pub(super) const BLANK: Self = Self {
        window: 0,
        ttl: 0,
        ip_id: 0,
        dont_fragment: false,
        layout: Layout(0),
        options_len: 0,
        mss: None,
        window_scale: None,
        timestamps: None,
        options_cut: false,
    };

    /// Of a segment.
    pub fn of(s: &Segment) -> Self {
        let mut look = Self::BLANK;
        look.set(s);
        look
    }

    /// The same, written where it is to be.
    #[inline]
    pub(super) fn set(&mut self, s: &Segment) {
        self.set_offer(&Offer::of(s));
    }

    /// Of what an end of a flow offered, written where it is to be.
    #[inline]
    pub(super) fn set_offer(&mut self, o: &Offer) {
        self.window = o.window;
        self.ttl = o.ttl;
        self.ip_id = o.ip_id;
        self.dont_fragment = o.dont_fragment;
        self.layout = o.layout;
        self.options_len = o.options_len;
        self.mss = o.mss;
        self.window_scale = o.window_scale;
        self.timestamps = o.timestamps.map(|t| (t.value, t.echo));
        self.options_cut = o.faults.any(OptionFaults::NOT_CAPTURED);
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

impl Attempt {
    /// Of nothing.
    pub(super) const BLANK: Self =
        Self { time: Timestamp(0), frame: 0, client: NOBODY, server: NOBODY, isn: SeqNumber(0), look: Look::BLANK };

    /// Of a bare SYN.
    pub fn of(s: &Segment) -> Self {
        let mut attempt = Self::BLANK;
        attempt.set(s);
        attempt
    }

    /// The same, written where it is to be.
    #[inline]
    pub(super) fn set(&mut self, s: &Segment) {
        self.time = s.time;
        self.frame = s.frame;
        self.client = s.source;
        self.server = s.destination;
        self.isn = s.seq;
        self.look.set(s);
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

/// An attempt that came out, or of which observation ended.
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
    /// What its SYN looked like.
    pub look: Option<Look>,
}

impl Settled {
    /// Of nothing.
    pub(super) const BLANK: Self = Self {
        time: Timestamp(0),
        frame: 0,
        began: Timestamp(0),
        client: NOBODY,
        server: NOBODY,
        outcome: Outcome::Silent,
        retried: false,
        look: Some(Look::BLANK),
    };

    /// Of `flow`, if its SYN was seen and its opening says anything about the attempt.
    pub fn of(flow: &Flow, time: Timestamp) -> Option<Self> {
        let (began, outcome) = Outcome::of(flow)?;
        let mut settled = Self::BLANK;
        settled.set(flow, time, began, outcome);
        Some(settled)
    }

    /// Of `flow`, whose attempt began and came out so; written where it is to be.
    #[inline]
    pub(super) fn set(&mut self, flow: &Flow, time: Timestamp, began: Timestamp, outcome: Outcome) {
        self.time = time;
        self.frame = flow.first_frame;
        self.began = began;
        self.client = flow.client.endpoint;
        self.server = flow.server.endpoint;
        self.outcome = outcome;
        self.retried = flow.client.syn_count > 1;
        match (&flow.client.offer, &mut self.look) {
            (Some(offer), Some(look)) => look.set_offer(offer),
            _ => self.look = None,
        }
    }
}

impl Outcome {
    /// When the attempt of `flow` began and how it came out, if its SYN was seen and its opening says anything about that.
    pub(super) fn of(flow: &Flow) -> Option<(Timestamp, Self)> {
        let began = flow.handshake.first_syn()?;
        let outcome = match flow.opening() {
            opening if opening.opened() => Self::Open(flow.handshake.connect_time().unwrap_or(0)),
            Opening::Refused => Self::Refused,
            Opening::Unreachable => Self::Unreachable,
            Opening::Unanswered => Self::Unanswered,
            Opening::ResetAfterSynAck => Self::ResetAfterSynAck,
            Opening::Aborted => Self::Aborted,
            Opening::MissingAck => Self::MissingAck,
            Opening::Undecided if flow.server.synack_count > 0 => Self::HalfOpen,
            Opening::Undecided => Self::Silent,
            _ => return None,
        };
        Some((began, outcome))
    }
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// An address in it.
    pub ip: IpAddr,
    /// Leading bits, at most 32 or 128.
    pub bits: u8,
}

impl Prefix {
    /// Whether `ip` is in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.bits));
                (u32::from(a) ^ u32::from(b)).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.bits));
                (u128::from(a) ^ u128::from(b)).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
