//! Events for the detectors of hosts: values that stand for themselves, so that they can be judged later, and
//! elsewhere, than where connections are tracked.

use core::net::IpAddr;

use super::cookies::CookieChange;
use super::input::{Attempt, Look, Settled};
use super::isn::Seen;
use super::probe::{Probe, Proof, Stray};
use crate::detect::rule::{Finding, Rule};
use crate::flow::{HostMarks, Previous};
use crate::tcp::{Endpoint, Segment, SeqNumber};
use crate::time::Timestamp;

/// A message, and which connection it is about.
#[derive(Clone, Debug)]
pub struct HostEvent {
    /// Slot of the connection's record, [`HostMarks::NO_SLOT`] where it has none.
    pub(super) slot: u32,
    /// The low half of its number: a slot is used again.
    pub(super) tag: u32,
    pub(super) kind: HostEventKind,
}

/// Writes events about one connection, or about none.
pub(super) struct HostEventWriter<'a> {
    pub(super) slot: u32,
    pub(super) tag: u32,
    pub(super) events: &'a mut Vec<HostEvent>,
}

impl<'a> HostEventWriter<'a> {
    /// About no connection that has a record.
    pub(super) const fn about_none(events: &'a mut Vec<HostEvent>) -> Self {
        Self { slot: HostMarks::NO_SLOT, tag: 0, events }
    }

    #[inline]
    pub(super) fn write(&mut self, kind: HostEventKind) {
        self.events.push(HostEvent { slot: self.slot, tag: self.tag, kind });
    }
}

/// A segment, as far as hosts are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) time: Timestamp,
    pub(super) frame: u64,
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    pub(super) ttl: u8,
    pub(super) ip_id: u16,
}

impl Sign {
    pub(super) const fn of(s: &Segment) -> Self {
        Self { time: s.time, frame: s.frame, from: s.source, to: s.destination, ttl: s.ttl, ip_id: s.ip_id }
    }
}

/// The first SYN-ACK to an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) sign: Sign,
    /// When the attempt began.
    pub(super) began: Timestamp,
    pub(super) isn: SeqNumber,
    /// The client's number.
    pub(super) answers: Option<SeqNumber>,
    pub(super) look: Look,
    /// Whether the client had offered scaling, SACK and timestamps.
    pub(super) offered_all: bool,
    /// Whether the client's SYN was one of nmap's sequence probes.
    pub(super) probe: bool,
    /// What kind of SYN was answered, 0 where it had been sent again: whoever offers the same gets the same.
    pub(super) kind: u32,
    /// Whether the accept queue of the server's port was full lately.
    pub(super) overflowing: bool,
}

/// The client reset a SYN-ACK.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declined {
    pub(super) sign: Sign,
    /// TTL and window of its SYN.
    pub(super) ttl: u8,
    pub(super) window: u16,
    /// Frame of its SYN.
    pub(super) frame: u64,
}

/// A host reset a SYN-ACK it had never asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unasked {
    pub(super) sign: Sign,
    /// Who had sent the SYN-ACK.
    pub(super) server: Endpoint,
    /// The SYN-ACK as a probe, where it looks like one.
    pub(super) probe: Option<Probe>,
}

/// What a rule found where connections are tracked.
#[derive(Clone, Debug)]
pub(super) struct FoundAtServer {
    pub(super) rule: &'static Rule,
    pub(super) time: Timestamp,
    pub(super) server: Endpoint,
    pub(super) finding: Finding,
}

/// What the capture lacks, as far as is known by now: what is not in it is no evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Third steps of handshakes would be seen: one was, or a server waits for one as if none was sent.
    pub third_steps: bool,
    /// A filter let SYN, FIN and RST through, and nothing else.
    pub filtered: bool,
    /// A good part of the flows is seen one way.
    pub asymmetric: bool,
}

impl Condition {
    /// Whether a handshake that is not seen to be completed is evidence that it was not.
    pub const fn shows_completion(self) -> bool {
        self.third_steps && !self.filtered && !self.asymmetric
    }
}

/// A SYN was sent again, for the first time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub(super) time: Timestamp,
    /// When the attempt began.
    pub(super) began: Timestamp,
    /// Its first frame.
    pub(super) frame: u64,
    pub(super) client: IpAddr,
    pub(super) server: Endpoint,
    /// Whether nothing had answered.
    pub(super) silent: bool,
}

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum HostEventKind {
    /// What the capture lacks has changed.
    Capture(Condition),
    /// A first SYN.
    Attempt(Attempt),
    /// The same, on a four-tuple that the same client had used before.
    Reuse(Box<(Previous, Attempt)>),
    /// The SYN of an attempt that began then was sent again, for the first time.
    Retried(Retry),
    /// The server reset a connection before it had said anything on it.
    Dropped { time: Timestamp, began: Timestamp, frame: u64, client: IpAddr, server: Endpoint },
    /// The SYN of an attempt was sent once more.
    Again { time: Timestamp, server: Endpoint },
    /// The first SYN-ACK to an attempt.
    Answer(Answer),
    /// A SYN-ACK to an attempt that was not seen; whether it looks like a probe.
    UnaskedAnswer(Sign, bool),
    /// A client's initial sequence number, where it comes alone.
    Number(Seen),
    /// A challenge ACK.
    Challenge(Sign),
    /// A probe without a connection.
    Probe(Probe),
    /// A segment that belongs to no connection.
    Stray(Stray),
    /// An answer to what was not seen.
    Echo(Sign, Proof),
    /// A reset of a SYN-ACK that its sender had not asked for.
    Unasked(Box<Unasked>),
    /// A reset of a SYN-ACK that its sender had asked for.
    Declined(Declined),
    /// A reset of an open connection.
    Reset(Sign),
    /// The first octet on an open connection.
    FirstData { client: IpAddr, server: Endpoint },
    /// Some more octets of a client, to a server that has said nothing for long.
    Trickles { client: IpAddr, server: Endpoint, time: Timestamp, frame: u64 },
    /// The first octet of a server that had said nothing for long, or the end of the connection.
    TricklesNoMore { client: IpAddr, server: Endpoint },
    /// An attempt came out, or observation of it ended. If it got open, whether data has been sent on it; if the
    /// client's own third step opened it, the client's initial sequence number.
    Settled { settled: Settled, used: Option<bool>, number: Option<SeqNumber> },
    /// A connection whose beginning was not seen got open. Its first frame.
    Opened { client: IpAddr, server: Endpoint, time: Timestamp, frame: u64, used: bool },
    /// The client began to close at once, without a word.
    Unused(Settled),
    /// An end of a connection without data began to close.
    Closing { client: IpAddr, server: Endpoint },
    /// A connection without data ended, or observation of it did.
    Ended { server: Endpoint },
    /// Half-open connections whose SYN-ACK is not repeated, and answers without options: SYN cookies. Frames that show
    /// it.
    LooksLikeCookies { time: Timestamp, server: Endpoint, frames: Vec<u64> },
    /// What the timestamps of SYN-ACKs tell of SYN cookies.
    Cookies { time: Timestamp, server: Endpoint, change: Box<CookieChange> },
    /// `server` goes on with a connection whose client is not in the capture: the client exists.
    Completed { client: IpAddr, server: IpAddr },
    /// Something was found already.
    Found(Box<FoundAtServer>),
    /// Packet time reached this, in a second of its own.
    Passed(Timestamp),
}

const _: () = assert!(size_of::<HostEvent>() <= 152);
