//! The state machine of RFC 9293 figure 5, as two pure tables over what an endpoint sends and receives.
//!
//! A bystander applies [`after_sending`] for what it saw an endpoint send, and [`after_receiving`] for what it knows
//! (or presumes) to have reached it. Both are total: an event that a state does not expect leaves it as it is, and
//! saying so is somebody else's job.

use core::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

/// A connection state of RFC 9293 section 3.3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// No connection.
    #[default]
    Closed,
    /// Waiting for a connection request.
    Listen,
    /// Sent a SYN, waiting for a matching one.
    SynSent,
    /// Sent and received SYN, waiting for the acknowledgment of its own.
    SynReceived,
    /// Open.
    Established,
    /// Sent a FIN, not acknowledged yet.
    #[strum(serialize = "FIN_WAIT_1")]
    FinWait1,
    /// Its FIN is acknowledged; waiting for the peer's.
    #[strum(serialize = "FIN_WAIT_2")]
    FinWait2,
    /// Received a FIN; the local user has not closed yet.
    CloseWait,
    /// Both sent FIN before seeing the other's; waiting for the acknowledgment of its own.
    Closing,
    /// Sent its FIN after receiving the peer's; waiting for its acknowledgment.
    LastAck,
    /// Waiting 2 MSL for old duplicates to die.
    TimeWait,
}

impl State {
    /// Every state, in the order of the RFC.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The name in the output formats: the RFC's with underscores.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The state with this [`Self::name`] (`-` is accepted for `_`).
    pub fn from_name(name: &str) -> Option<Self> {
        name.replace('-', "_").parse().ok()
    }

    /// ESTABLISHED or any state behind it but CLOSED.
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, Self::Closed | Self::Listen | Self::SynSent | Self::SynReceived)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something in a segment that moves an endpoint from state to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A SYN (with or without ACK).
    Syn,
    /// A SYN together with the acknowledgment of one received.
    SynAck,
    /// The acknowledgment of the receiver's SYN.
    AckOfSyn,
    /// A FIN.
    Fin,
    /// The acknowledgment of the receiver's FIN.
    AckOfFin,
    /// An accepted reset.
    Rst,
}

/// The state of an endpoint after it sent `event` (RFC 9293 section 3.10: what it does on OPEN, CLOSE, ABORT and when
/// it answers).
#[must_use]
pub const fn after_sending(state: State, event: Event) -> State {
    use Event::{AckOfFin, AckOfSyn, Fin, Rst, Syn, SynAck};
    use State::{
        CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
    };
    match (event, state) {
        // OPEN: a SYN from CLOSED (active) or LISTEN (SEND) enters SYN-SENT.
        (Syn, Closed | Listen | SynSent) => SynSent,
        (Syn, SynReceived) => SynReceived,
        // A SYN-ACK proves that the peer's SYN arrived.
        (SynAck, Closed | Listen | SynSent | SynReceived) => SynReceived,
        // CLOSE in SYN-RECEIVED or ESTABLISHED: FIN-WAIT-1.
        (Fin, SynReceived | Established | FinWait1) => FinWait1,
        // CLOSE in CLOSE-WAIT: LAST-ACK.
        (Fin, CloseWait | LastAck) => LastAck,
        // A FIN again, or one from a state that should not send it.
        (Fin, Closed | Listen | SynSent | FinWait2 | Closing | TimeWait) => state,
        // ABORT, and the reset that answers a bad segment: no connection left.
        (Rst, _) => Closed,
        // Sending an acknowledgment moves nobody; sending a SYN in a synchronized state neither.
        (AckOfSyn | AckOfFin, _) => state,
        (Syn | SynAck, Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait) => state,
    }
}

/// The state of an endpoint after it received `event` (RFC 9293 section 3.10.7).
#[must_use]
pub const fn after_receiving(state: State, event: Event) -> State {
    use Event::{AckOfFin, AckOfSyn, Fin, Rst, Syn, SynAck};
    use State::{
        CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
    };
    match (event, state) {
        // A SYN reaches a listener, or crosses one's own (simultaneous open).
        (Syn, Closed | Listen | SynSent | SynReceived) => SynReceived,
        // SYN and the acknowledgment of one's own SYN together open the connection.
        (SynAck, SynSent | SynReceived) => Established,
        (AckOfSyn, SynReceived) => Established,
        // In SYN-SENT an acknowledgment without SYN is dropped.
        (AckOfSyn, SynSent) => SynSent,
        // The peer closes its half. In FIN-WAIT-1 our FIN is not acknowledged yet: CLOSING.
        (Fin, SynReceived | Established | CloseWait) => CloseWait,
        (Fin, FinWait1 | Closing) => Closing,
        (Fin, FinWait2 | TimeWait) => TimeWait,
        (Fin, LastAck) => LastAck,
        // Our FIN is acknowledged.
        (AckOfFin, FinWait1 | FinWait2) => FinWait2,
        (AckOfFin, Closing | TimeWait) => TimeWait,
        (AckOfFin, LastAck) => Closed,
        // A reset in SYN-RECEIVED after a passive OPEN returns to LISTEN; for an observer both mean: no connection.
        (Rst, Listen) => Listen,
        (Rst, _) => Closed,
        // What a state does not expect moves nothing.
        (SynAck, Closed | Listen) => state,
        (Syn | SynAck, Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait) => state,
        (AckOfSyn, Closed | Listen | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait) => {
            state
        }
        (Fin, Closed | Listen | SynSent) => state,
        (AckOfFin, Closed | Listen | SynSent | SynReceived | Established | CloseWait) => state,
    }
}

/// Whether figure 5 has an edge between two states, or its second note says that it leaves one out. (Resets are not in
/// the figure: from every state they lead to CLOSED, from SYN-RECEIVED after a passive OPEN to LISTEN.)
pub const fn is_edge(from: State, to: State) -> bool {
    use State::{
        CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
    };
    match from {
        Closed => matches!(to, Listen | SynSent),
        Listen => matches!(to, Closed | SynSent | SynReceived),
        SynSent => matches!(to, Closed | SynReceived | Established),
        SynReceived => matches!(to, Listen | Established | FinWait1),
        Established => matches!(to, FinWait1 | CloseWait),
        FinWait1 => matches!(to, FinWait2 | Closing | TimeWait),
        FinWait2 | Closing => matches!(to, TimeWait),
        CloseWait => matches!(to, LastAck),
        LastAck | TimeWait => matches!(to, Closed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for state in State::ALL.iter().copied() {
            assert_eq!(State::from_name(state.name()), Some(state));
        }
        assert_eq!(State::from_name("FIN-WAIT-1"), Some(State::FinWait1));
    }

    #[test]
    fn the_active_closer_ends_in_time_wait_whatever_the_order() {
        use Event::{AckOfFin, Fin};
        let closing = after_sending(State::Established, Fin);
        for order in [[Fin, AckOfFin], [AckOfFin, Fin]] {
            assert_eq!(order.into_iter().fold(closing, after_receiving), State::TimeWait);
        }
    }

    #[test]
    fn the_passive_closer_ends_closed() {
        let waiting = after_receiving(State::Established, Event::Fin);
        assert_eq!(waiting, State::CloseWait);
        let last = after_sending(waiting, Event::Fin);
        assert_eq!(after_receiving(last, Event::AckOfFin), State::Closed);
    }
}
