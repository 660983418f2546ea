//! What is remembered of connections of the same four-tuple before this one.

use super::verdict::{ClosedBy, Closing, Opening};
use crate::tcp::SeqNumber;
use crate::time::Timestamp;

/// What is remembered of the last connection of a four-tuple that was closed in order: one of its ends may be in
/// TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its flow number.
    pub id: u64,
    /// Time of its last segment.
    pub last_time: Timestamp,
    /// What its client would have sent next.
    pub client_next: Option<SeqNumber>,
    /// What its server would have sent next.
    pub server_next: Option<SeqNumber>,
    /// Who had closed it first.
    pub closed_by: Option<ClosedBy>,
    /// Whether it had been the same end that was the client.
    pub same_client: bool,
}

/// What is remembered of the incarnation before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its flow number.
    pub id: u64,
    /// Time of its last segment.
    pub last_time: Timestamp,
    /// How it had opened.
    pub opening: Opening,
    /// How it had closed.
    pub closing: Closing,
    /// What its client would have sent next.
    pub client_next: Option<SeqNumber>,
    /// What its server would have sent next.
    pub server_next: Option<SeqNumber>,
    /// Its client's ISN.
    pub client_isn: Option<SeqNumber>,
    /// Its server's ISN.
    pub server_isn: Option<SeqNumber>,
    /// Who had closed it first.
    pub closed_by: Option<ClosedBy>,
    /// Whether it had been the same end that was the client.
    pub same_client: bool,
    /// Where it was an attempt that came to nothing: the connection before it that was closed in order, if any was.
    pub before: Option<Box<Closed>>,
    /// How long a closed connection counts as in TIME-WAIT, nanoseconds.
    pub time_wait: i64,
}

impl Previous {
    /// The last connection of the four-tuple that was closed in order, attempts that came to nothing since left out.
    pub fn closed(&self) -> Option<Closed> {
        if !matches!(self.closing, Closing::Fin | Closing::SimultaneousFin) {
            return self.before.as_deref().copied();
        }
        Some(Closed {
            id: self.id,
            last_time: self.last_time,
            client_next: self.client_next,
            server_next: self.server_next,
            closed_by: self.closed_by,
            same_client: self.same_client,
        })
    }

    /// The same, where it may still be in TIME-WAIT at `time`.
    pub fn in_time_wait(&self, time: Timestamp) -> Option<Closed> {
        self.closed().filter(|closed| (0..self.time_wait).contains(&(time - closed.last_time)))
    }
}
