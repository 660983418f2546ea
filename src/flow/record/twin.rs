//! The other four-tuple of an attempt to connect.

use crate::tcp::{Endpoint, SeqNumber};
use crate::time::Timestamp;

/// The other four-tuple of an attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Number of its flow.
    pub flow: u64,
    /// Its client.
    pub client: Endpoint,
    /// Its server.
    pub server: Endpoint,
    /// Frame of its first SYN, if one was seen.
    pub syn: Option<u64>,
    /// Time and frame of its first SYN-ACK.
    pub synack: Option<(Timestamp, u64)>,
    /// The number that began.
    pub synack_isn: Option<SeqNumber>,
    /// Frame of the reset by its client.
    pub reset: Option<u64>,
    /// Whether its client acknowledged the SYN-ACK.
    pub acknowledged: bool,
    /// Hash of its key.
    pub(in crate::flow) hash: u64,
}
