//! The words of a verdict: how a connection opened, how it closed. Names are those of the contract and never change.

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value with this [`Self::name`].
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.name() == name)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use named;

named! {
    /// How a connection opened, or why it did not.
    Opening {
        /// Three steps, checked by sequence arithmetic.
        Established = "established",
        /// The SYN carried data that the SYN-ACK acknowledged, or data flowed on a Fast Open cookie (RFC 7413).
        FastOpen = "fast-open",
        /// Both sent SYN before either saw the other's (RFC 9293 figure 7).
        SimultaneousOpen = "simultaneous-open",
        /// The server answered the SYN with a SYN of its own instead of a SYN-ACK.
        SplitHandshake = "split-handshake",
        /// RST answered the SYN.
        Refused = "refused",
        /// An ICMP error quoted the SYN.
        Unreachable = "unreachable",
        /// Nothing answered the SYN until the deadline.
        Unanswered = "unanswered",
        /// RST or FIN from the client before any SYN-ACK.
        Aborted = "aborted",
        /// SYN-ACK seen, never acknowledged until the deadline.
        MissingAck = "missing-ack",
        /// The client sent RST instead of the third step.
        ResetAfterSynAck = "reset-after-synack",
        /// SYN-ACK without a SYN.
        SynAckOnly = "synack-only",
        /// The capture began, or tracking resumed, inside the connection.
        Midstream = "midstream",
        /// It began with flags that no handshake can have.
        Invalid = "invalid",
        /// The capture ended before the deadline.
        Undecided = "undecided",
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

named! {
    /// How a connection ended.
    Closing {
        /// FIN from both ends.
        Fin = "fin",
        /// FIN from both ends before either saw the other's (RFC 9293 figure 13).
        SimultaneousFin = "simultaneous-fin",
        /// Reset by the client.
        ResetByClient = "reset-by-client",
        /// Reset by the server.
        ResetByServer = "reset-by-server",
        /// FIN from one end, then RST from either, and no FIN from the other.
        FinThenReset = "fin-then-reset",
        /// FIN from one end only when observation ended.
        HalfClosed = "half-closed",
        /// Still open when observation ended.
        Open = "open",
        /// Nothing was seen of it for so long that it was given up.
        IdleExpired = "idle-expired",
        /// It never opened.
        None = "none",
    }
}

named! {
    /// Who sent the first FIN, or the reset.
    ClosedBy {
        /// The client.
        Client = "client",
        /// The server.
        Server = "server",
        /// Both, before either saw the other's.
        Both = "both",
    }
}

named! {
    /// What the end looks like on the wire.
    Shape {
        /// FIN, ACK, FIN, ACK.
        FourSegment = "four-segment",
        /// FIN, FIN with the acknowledgment, ACK.
        ThreeSegment = "three-segment",
        /// Crossing FINs.
        Simultaneous = "simultaneous",
        /// One FIN only.
        OneFin = "one-fin",
        /// RST.
        Reset = "reset",
    }
}

named! {
    /// The shape of a retry schedule.
    Backoff {
        /// Each gap about twice the one before (RFC 6298 section 5.5).
        Exponential = "exponential",
        /// Gaps of about one length.
        Linear = "linear",
        /// Two gaps or more of about one length, then each about twice the one before (Linux since 6.5, BSD, Apple).
        LinearThenExponential = "linear-then-exponential",
        /// Anything else.
        Other = "other",
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
            assert_eq!(Opening::from_name(o.name()), Some(*o));
        }
        for c in Closing::ALL {
            assert_eq!(Closing::from_name(c.name()), Some(*c));
        }
        assert_eq!((Opening::ALL.len(), Closing::ALL.len()), (14, 9));
    }
}
