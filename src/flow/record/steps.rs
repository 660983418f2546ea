//! The steps of a flow: the segments that carry its story, each with its frame and both endpoints' states after it.

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use super::tuple::Side;
use crate::tcp::{Flags, SeqNumber, State};
use crate::time::Timestamp;

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum Label {
    /// SYN.
    Syn,
    /// SYN and ACK.
    #[strum(serialize = "SYN-ACK")]
    SynAck,
    /// The acknowledgment that completes a handshake, or that acknowledges a FIN.
    Ack,
    /// Payload (a run of segments in one direction is folded into one step).
    Data,
    /// FIN, with or without an acknowledgment or data.
    Fin,
    /// RST.
    Rst,
    /// An ICMP error that quotes the flow.
    Icmp,
    /// A keep-alive or window probe.
    Probe,
    /// Flags that no step can have.
    Other,
}

impl Label {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Whether the states of a step are proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Certainty {
    /// Both endpoints' states follow from what they sent themselves.
    Observed,
    /// The receiver's state presumes that the segment arrived.
    Inferred,
}

impl Certainty {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One step of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Packet time of the (first) segment.
    pub time: Timestamp,
    /// Packet time of the last segment folded into it.
    pub last_time: Timestamp,
    /// Frame number of the (first) segment, from 1.
    pub frame: u64,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// The acknowledgment field, where ACK is set.
    pub ack: Option<SeqNumber>,
    /// Payload octets, those of folded segments included.
    pub payload: u32,
    /// Flags.
    pub flags: Flags,
    /// How many segments are folded into this step: 1 for a single one.
    pub repeat: u32,
    /// Who sent it. For an ICMP error: the side whose segment is quoted is the receiver.
    pub from: Side,
    /// What it is.
    pub label: Label,
    /// The client's state after it.
    pub client: State,
    /// The server's state after it.
    pub server: State,
    /// The state of its sender, without what was on its way to that.
    pub proved: State,
    /// Whether those states are proved.
    pub certainty: Certainty,
    /// The urgent pointer field; it counts where URG is set.
    pub urgent: u16,
}

impl Step {
    /// Whether it belongs to the opening handshake or the teardown (data, probes and the like do not).
    pub const fn is_handshake_or_teardown(&self) -> bool {
        !matches!(self.label, Label::Data | Label::Probe)
    }

    /// Whether a part of its data is urgent: it is a step of its own, and always shown.
    pub fn is_urgent(&self) -> bool {
        self.label == Label::Data && self.flags.has(Flags::URG)
    }
}
