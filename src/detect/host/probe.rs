//! Segments out of any connection, as values: probes and how a source probes, strays, and what proves them so.

use strum::IntoStaticStr;

use super::rules;
use crate::detect::rule::Rule;
use crate::tcp::{Endpoint, Flags, SeqNumber};
use crate::time::Timestamp;

/// How a source probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Technique {
    /// SYN, and RST for whoever answers.
    Syn,
    /// Full connections, closed at once.
    Connect,
    /// FIN alone.
    Fin,
    /// No flags.
    Null,
    /// FIN, PSH, URG.
    Xmas,
    /// FIN, ACK.
    Maimon,
    /// ACK alone; the window scan looks the same.
    #[strum(serialize = "ack-or-window")]
    Ack,
    /// SYN, ACK.
    #[strum(serialize = "synack")]
    SynAck,
    /// RST alone.
    #[strum(serialize = "inverse-rst")]
    Rst,
    /// Other flags with which no connection begins, without ACK or with SYN, FIN and RST mixed.
    #[strum(serialize = "odd-flags")]
    Odd,
    /// ACK with flags that say nothing without data: PSH, URG.
    #[strum(serialize = "odd-flags")]
    OddAck,
}

impl Technique {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The rule about sources that probe so.
    pub(super) const fn rule(self) -> &'static Rule {
        match self {
            Self::Syn => &rules::TECH_SYN,
            Self::Connect => &rules::TECH_CONNECT,
            Self::Fin => &rules::TECH_FIN,
            Self::Null => &rules::TECH_NULL,
            Self::Xmas => &rules::TECH_XMAS,
            Self::Maimon => &rules::TECH_MAIMON,
            Self::Ack => &rules::TECH_ACK_OR_WINDOW,
            Self::SynAck => &rules::TECH_SYNACK,
            Self::Rst => &rules::TECH_INVERSE_RST,
            Self::Odd | Self::OddAck => &rules::TECH_ODD_FLAGS,
        }
    }

    /// What an answer (RST) and what silence say about the probed port, for people.
    pub const fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::Syn | Self::Connect => ("closed", "filtered"),
            Self::Fin | Self::Null | Self::Xmas | Self::Maimon | Self::Odd => ("closed", "open or filtered"),
            Self::Ack | Self::SynAck | Self::OddAck => ("unfiltered", "filtered"),
            Self::Rst => ("answered", "probed"),
        }
    }

    /// The same as names of figures.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Syn | Self::Connect => ("ports_closed", "ports_filtered"),
            Self::Fin | Self::Null | Self::Xmas | Self::Maimon | Self::Odd => {
                ("ports_closed", "ports_open_or_filtered")
            }
            Self::Ack | Self::SynAck | Self::OddAck => ("ports_unfiltered", "ports_filtered"),
            Self::Rst => ("ports_answered", "ports_probed"),
        }
    }
}

/// A probe without a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) time: Timestamp,
    pub(super) frame: u64,
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    pub(super) technique: Technique,
    pub(super) flags: Flags,
    pub(super) number: SeqNumber,
    /// What the target answered.
    pub(super) reply: Reply,
}

/// What answers a probe without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing, so far.
    None,
    /// RST.
    Reset,
    /// SYN-ACK, as of an open port.
    SynAck,
}

/// What proves that nobody asked for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing.
    None,
    /// It refuses a SYN that was not seen.
    Refusal,
    /// Its receiver reset it.
    Reset,
}

/// A stray segment, the first of its four-tuple.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stray {
    pub(super) time: Timestamp,
    pub(super) frame: u64,
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    /// Whether it is a RST or has flags that no connection has, so that it needs no answer to be stray.
    pub(super) proved: bool,
    /// Whether this is the target's answer to an earlier one, not another.
    pub(super) answer: bool,
}
