//! What only the tracker needs to know of a flow.

use super::completeness::Completeness;
use super::rewriting::Held;
use super::teardown::Reset;
use super::tuple::Side;
use super::zeek::ZeekWords;
use crate::tcp::{Segment, SeqNumber, State};
use crate::time::Timestamp;

/// The tick of the timer wheel that a timer is filed under; an entry of the wheel with another one is stale.
pub(in crate::flow) type Tick = i64;

/// Where a flow is on its way to being open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) enum Phase {
    /// SYN seen, nothing acceptable from the server.
    #[default]
    SynSent,
    /// SYN-ACK seen.
    SynReceived,
    /// Bare SYNs from both ends.
    Crossed,
    /// Open, or taken for open.
    Open,
    /// The attempt failed.
    Failed,
}

/// Something that asks for a challenge ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct Provocation {
    pub(in crate::flow) target: Side,
    pub(in crate::flow) time: Timestamp,
}

/// An acknowledgment that does not fit the client's SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct WrongAck {
    pub(in crate::flow) ack: SeqNumber,
    /// Whether it came with a SYN.
    pub(in crate::flow) with_syn: bool,
}

/// The states of both ends before a reset, and when the close had been complete.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct BeforeReset {
    pub(in crate::flow) client: State,
    pub(in crate::flow) server: State,
    pub(in crate::flow) complete: Option<Timestamp>,
}

/// When the last segment of a flow passed, and its frame.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct LastSegment {
    pub(in crate::flow) time: Timestamp,
    pub(in crate::flow) frame: u64,
}

/// The tracker's own notes on a flow. The first 64 octets are what each segment needs; what few flows have is boxed.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(in crate::flow) struct Tracking {
    pub(in crate::flow) phase: Phase,
    /// Whether the deadline of the current phase has been acted on.
    pub(in crate::flow) deadline_passed: bool,
    pub(in crate::flow) announced: bool,
    pub(in crate::flow) closing_announced: bool,
    pub(in crate::flow) first_fin_acked_alone: bool,
    /// Whether (the resetting end, the other end) sent anything but resets after a reset.
    pub(in crate::flow) spoke_after_reset: (bool, bool),
    /// Runs of payload among its steps.
    pub(in crate::flow) data_runs: u8,
    /// Silence before the newest segment, milliseconds; 0 where it was less than a second.
    pub(in crate::flow) silence: u32,
    /// How many steps fewer than usual it keeps, because there are many flows.
    pub(in crate::flow) steps_saved: u8,
    /// Packet clock at the last SYN or SYN-ACK.
    pub(in crate::flow) tried_at: Timestamp,
    /// Packet clock at the last segment.
    pub(in crate::flow) seen_at: Timestamp,
    /// Tick of its live timer entry.
    pub(in crate::flow) tick: Tick,
    /// When silence is next worth a look, in the packet clock; [`Self::NEVER`] where nothing is awaited.
    pub(in crate::flow) quiet_at: Timestamp,
    /// A SYN on the open connection, which may turn out to begin the next one.
    pub(in crate::flow) pending: Option<Box<Pending>>,
    /// An answer of the server that does not fit the client's SYN.
    pub(in crate::flow) wrong_ack: Option<WrongAck>,
    /// A reset that should not have taken effect; it did if nothing follows.
    pub(in crate::flow) doubtful_reset: Option<Box<Reset>>,
    pub(in crate::flow) provocation: Option<Box<Provocation>>,
    /// The refusal of the SYN to which a SYN-ACK came all the same.
    pub(in crate::flow) refusal: Option<Box<Reset>>,
    /// A SYN-ACK that the next segment may explain.
    pub(in crate::flow) held: Option<Box<Held>>,
    pub(in crate::flow) before_reset: Option<Box<BeforeReset>>,
    /// The last segment before a SYN on the open connection.
    pub(in crate::flow) before_syn: Option<Box<LastSegment>>,
}

impl Tracking {
    /// No wait.
    pub(in crate::flow) const NEVER: Timestamp = Timestamp(i64::MAX);
}

/// A SYN on an open connection, with what the flow was before it.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Pending {
    pub(in crate::flow) segment: Segment,
    pub(in crate::flow) repeats: Vec<Segment>,
    pub(in crate::flow) last_frame: u64,
    /// Packet clock when it came.
    pub(in crate::flow) at: Timestamp,
    pub(in crate::flow) before: Before,
}

#[derive(Clone, Debug)]
pub(in crate::flow) struct Before {
    pub(in crate::flow) last_time: Timestamp,
    pub(in crate::flow) last_frame: u64,
    pub(in crate::flow) steps: usize,
    pub(in crate::flow) zeek: ZeekWords,
    pub(in crate::flow) completeness: Completeness,
}
