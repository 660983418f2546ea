//! What only the tracker needs to know of a flow.

use super::reuse::Pending;
use super::rewriting::Held;
use super::teardown::Reset;
use super::timer_wheel::Tick;
use super::tuple::Side;
use crate::tcp::{SeqNumber, State};
use crate::time::Timestamp;

/// Where a flow is on its way to being open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
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
pub(super) struct Provocation {
    pub(super) target: Side,
    pub(super) time: Timestamp,
}

/// An acknowledgment that does not fit the client's SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongAck {
    pub(super) ack: SeqNumber,
    /// Whether it came with a SYN.
    pub(super) with_syn: bool,
}

/// The tracker's own notes on a flow. The first 64 octets are what each segment needs.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(super) struct Tracking {
    pub(super) phase: Phase,
    /// Whether the deadline of the current phase has been acted on.
    pub(super) deadline_passed: bool,
    pub(super) announced: bool,
    pub(super) closing_announced: bool,
    pub(super) first_fin_acked_alone: bool,
    /// Whether (the resetting end, the other end) sent anything but resets after a reset.
    pub(super) spoke_after_reset: (bool, bool),
    /// Runs of payload among its steps.
    pub(super) data_runs: u8,
    /// Silence before the newest segment, milliseconds; 0 where it was less than a second.
    pub(super) silence: u32,
    /// Packet clock at the last SYN or SYN-ACK.
    pub(super) tried_at: Timestamp,
    /// Packet clock at the last segment.
    pub(super) seen_at: Timestamp,
    /// Tick of its live timer entry.
    pub(super) tick: Tick,
    /// When silence is next worth a look, in the packet clock; [`Self::NEVER`] where nothing is awaited.
    pub(super) quiet_at: Timestamp,
    /// A SYN on the open connection, which may turn out to begin the next one.
    pub(super) pending: Option<Box<Pending>>,
    /// An answer of the server that does not fit the client's SYN.
    pub(super) wrong_ack: Option<WrongAck>,
    /// A reset that should not have taken effect; it did if nothing follows.
    pub(super) doubtful_reset: Option<Reset>,
    pub(super) provocation: Option<Provocation>,
    /// The refusal of the SYN to which a SYN-ACK came all the same.
    pub(super) refusal: Option<Reset>,
    /// A SYN-ACK that the next segment may explain.
    pub(super) held: Option<Box<Held>>,
    pub(super) before_reset: Option<(State, State, Option<Timestamp>)>,
    /// Time and frame of the last segment before a SYN on the open connection.
    pub(super) before_syn: Option<(Timestamp, u64)>,
}
