//! Where a flow is in its life, in one word.

use strum::{IntoStaticStr, VariantArray, VariantNames};

use crate::flow::{Closing, Flow, Opening, Side};
use crate::tcp::State;

/// Phase of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Phase {
    /// A SYN is out.
    SynSent,
    /// A SYN-ACK is out.
    #[strum(serialize = "syn-rcvd")]
    SynReceived,
    /// Open.
    Established,
    /// One end has closed.
    HalfClosed,
    /// Both ends are closing.
    Closing,
    /// Closed by both ends or by a reset.
    Closed,
    /// It never opened.
    Failed,
    /// Nobody knows.
    Unknown,
}

impl Phase {
    /// Every phase.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The word.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Phase of `flow` as of now.
    pub fn of(flow: &Flow) -> Self {
        if flow.opening().failed() {
            return Self::Failed;
        }
        match flow.closing() {
            Closing::None => Self::opening(flow),
            Closing::Fin | Closing::SimultaneousFin if flow.teardown.complete.is_some() => Self::Closed,
            Closing::Fin | Closing::SimultaneousFin => Self::Closing,
            Closing::ResetByClient | Closing::ResetByServer | Closing::FinThenReset => Self::Closed,
            Closing::HalfClosed => Self::HalfClosed,
            Closing::Open | Closing::IdleExpired => Self::Established,
        }
    }

    fn opening(flow: &Flow) -> Self {
        if flow.opening() == Opening::Invalid {
            return Self::Failed;
        }
        match (flow.peer(Side::Client).presumed(), flow.peer(Side::Server).presumed()) {
            (_, State::SynReceived) if flow.server.spoke() => Self::SynReceived,
            (State::SynSent, _) => Self::SynSent,
            (State::SynReceived, _) => Self::SynReceived,
            _ => Self::Unknown,
        }
    }
}
