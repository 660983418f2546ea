//! The words of a verdict: how a connection opened, how it closed. Names are those of the contract and never change.

use strum::{Display, EnumString, IntoStaticStr, VariantArray, VariantNames};

/// How a connection opened, or why it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Opening {
    /// Three steps, checked by sequence arithmetic.
    Established,
    /// The SYN carried data that the SYN-ACK acknowledged, or data flowed on a Fast Open cookie (RFC 7413).
    FastOpen,
    /// Both sent SYN before either saw the other's (RFC 9293 figure 7).
    SimultaneousOpen,
    /// The server answered the SYN with a SYN of its own instead of a SYN-ACK.
    SplitHandshake,
    /// RST answered the SYN.
    Refused,
    /// An ICMP error quoted the SYN.
    Unreachable,
    /// Nothing answered the SYN until the deadline.
    Unanswered,
    /// RST or FIN from the client before any SYN-ACK.
    Aborted,
    /// SYN-ACK seen, never acknowledged until the deadline.
    MissingAck,
    /// The client sent RST instead of the third step.
    #[strum(serialize = "reset-after-synack")]
    ResetAfterSynAck,
    /// SYN-ACK without a SYN.
    #[strum(serialize = "synack-only")]
    SynAckOnly,
    /// The capture began, or tracking resumed, inside the connection.
    Midstream,
    /// It began with flags that no handshake can have.
    Invalid,
    /// The capture ended before the deadline.
    Undecided,
}

impl Opening {
    /// Every value, in the order of the contract.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Opening {
    /// Whether both ends got into a connection.
    pub const fn opened(self) -> bool {
        matches!(self, Self::Established | Self::FastOpen | Self::SimultaneousOpen | Self::SplitHandshake)
    }

    /// Whether this is a connection attempt that certainly failed.
    pub const fn failed(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::Unreachable
                | Self::Unanswered
                | Self::Aborted
                | Self::MissingAck
                | Self::ResetAfterSynAck
        )
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Closing {
    /// FIN from both ends.
    Fin,
    /// FIN from both ends before either saw the other's (RFC 9293 figure 13).
    SimultaneousFin,
    /// Reset by the client.
    ResetByClient,
    /// Reset by the server.
    ResetByServer,
    /// FIN from one end, then RST from either, and no FIN from the other.
    FinThenReset,
    /// FIN from one end only when observation ended.
    HalfClosed,
    /// Still open when observation ended.
    Open,
    /// Nothing was seen of it for so long that it was given up.
    IdleExpired,
    /// It never opened.
    None,
}

impl Closing {
    /// Every value, in the order of the contract.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Who sent the first FIN, or the reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum ClosedBy {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Both, before either saw the other's.
    Both,
}

impl ClosedBy {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the end looks like on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Shape {
    /// FIN, ACK, FIN, ACK.
    FourSegment,
    /// FIN, FIN with the acknowledgment, ACK.
    ThreeSegment,
    /// Crossing FINs.
    Simultaneous,
    /// One FIN only.
    OneFin,
    /// RST.
    Reset,
}

impl Shape {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The shape of a retry schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Backoff {
    /// Each gap about twice the one before (RFC 6298 section 5.5).
    Exponential,
    /// Gaps of about one length.
    Linear,
    /// Two gaps or more of about one length, then each about twice the one before (Linux since 6.5, BSD, Apple).
    LinearThenExponential,
    /// Anything else.
    Other,
}

impl Backoff {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Closing {
    /// Whether a flow that ended like this leaves nothing that could still speak.
    pub(in crate::flow) const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Fin | Self::SimultaneousFin | Self::ResetByClient | Self::ResetByServer | Self::FinThenReset
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_round_trip() {
        for o in Opening::ALL {
            assert_eq!(o.name().parse(), Ok(*o));
        }
        for c in Closing::ALL {
            assert_eq!(c.name().parse(), Ok(*c));
        }
        assert_eq!((Opening::ALL.len(), Closing::ALL.len()), (14, 9));
    }
}
