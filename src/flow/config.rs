//! Deadlines and bounds of tracking.

use super::record::flow::MAX_STEPS;
use crate::time::{MILLISECOND, SECOND};

/// Steps that every flow may keep: a connection that opens and closes has ten.
const LEAST_STEPS: usize = 16;

/// How long a segment may still be in flight where no round trip is known, nanoseconds.
pub const IN_FLIGHT: i64 = 50 * MILLISECOND;

/// Deadlines, in packet time. Nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// A SYN is unanswered this long after the last one (or 2.2 times the last gap, if that is more).
    pub syn: i64,
    /// A SYN-ACK is unacknowledged a tenth of a second after this long since the last one (or 2.2 times the last gap
    /// between SYN-ACKs or SYNs, if that is more).
    pub half_open: i64,
    /// An attempt that came to nothing is dropped after this much silence.
    pub flush: i64,
    /// A connection seen only in the middle of one direction is given up after this much
    /// silence (Zeek's `tcp_inactivity_timeout`).
    pub one_way: i64,
    /// An open connection is given up after this much silence. Twice the keep-alive interval of RFC 9293 (MUST-28: two
    /// hours), within which a peer that is still there must have spoken.
    pub idle: i64,
    /// A closed connection is reported after this much silence.
    pub linger: i64,
    /// How long a closed four-tuple is remembered, to tell old duplicates and early re-use (2 MSL, RFC 9293 section
    /// 3.4.2).
    pub time_wait: i64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            syn: 5 * SECOND,
            half_open: 3 * SECOND,
            flush: 75 * SECOND,
            one_way: 300 * SECOND,
            idle: 4 * 3600 * SECOND,
            linger: 5 * SECOND,
            time_wait: 240 * SECOND,
        }
    }
}

/// Limits of state.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Flows tracked at once that are more than a SYN.
    pub flows: usize,
    /// Flows tracked at once that are nothing but a SYN.
    pub syn_only: usize,
    /// Closed four-tuples remembered.
    pub closed: usize,
    /// Closed connections that linger at once for late segments; beyond, the oldest is reported before its time.
    pub lingering: usize,
    /// The same for attempts to which no answer, or no third step, came in time.
    pub given_up: usize,
    /// Steps that flows share: the more flows there are, the fewer steps each new one keeps.
    pub steps: usize,
}

/// Octets that the default limits are for.
pub const MEMORY: usize = 512 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self { flows: 200_000, syn_only: 200_000, closed: 65_536, lingering: 2_048, given_up: 8_192, steps: 750_000 }
    }
}

impl Limits {
    /// Limits for `octets` of memory in all: tables shrink in proportion below the default, and flows keep more steps
    /// above it.
    #[must_use]
    pub fn for_memory(self, octets: usize) -> Self {
        let share = |n: usize| (n as u128 * octets as u128 / MEMORY as u128) as usize;
        let most = |n: usize| share(n).min(n).max(1);
        let limits = if octets < MEMORY { self.for_flows(most(self.flows)) } else { self };
        Self { steps: share(self.steps), lingering: most(self.lingering), ..limits }
    }

    /// How many steps a new flow keeps when there are `flows` others: a power of two, as lists grow.
    pub(in crate::flow) fn steps_of_each(&self, flows: usize) -> usize {
        let share = (self.steps / (flows + 1)).clamp(LEAST_STEPS, MAX_STEPS);
        1 << share.ilog2()
    }

    /// These with another limit for flows, of each tier. Few flows leave less room for those that only wait to be
    /// forgotten.
    #[must_use]
    pub fn for_flows(self, flows: usize) -> Self {
        let (closed, given_up) = (self.closed.min(flows / 3), self.given_up.min(flows / 25));
        Self { flows, syn_only: flows, closed: closed.max(1), given_up: given_up.max(1), ..self }
    }
}
