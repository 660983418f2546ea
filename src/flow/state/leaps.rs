//! Whether a connection goes on over a leap of the time stamps as if no time had passed.

use crate::flow::record::flow::Flow;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::{FlowKey, Side};
use crate::tcp::Segment;
use crate::time::{SECOND, Timestamp};

/// Ticks a second of clocks of time stamps (RFC 7323 section 5.4; as measured on hosts).
const RATES: [i64; 9] = [1, 2, 10, 60, 100, 250, 500, 1000, 1024];
/// A clock runs at a rate if it is as near to it as this many hundredths.
const NEAR: i64 = 5;

/// What came behind a leap that nothing has explained.
#[derive(Debug)]
pub(in crate::flow) struct Beyond {
    /// Time stamp of the first segment.
    pub(in crate::flow) time: Timestamp,
    /// Its frame.
    pub(in crate::flow) frame: u64,
    /// The moment of the clock that its time stamp names.
    pub(in crate::flow) at: Timestamp,
    /// Time stamp of the last.
    pub(in crate::flow) last: Timestamp,
    /// How many segments.
    pub(in crate::flow) segments: usize,
    /// Connections that began there, with their hashes.
    pub(in crate::flow) begun: Vec<(FlowKey, u64)>,
}

impl Flow {
    /// Whether `s`, whose time stamp is `ahead` nanoseconds ahead of the clock, shows that no such time has passed: it
    /// takes up the connection where it stood, and its sender's clock did not go on, or it answers what no end would
    /// have waited so long for, or the connection has been silent for longer than `idle`.
    pub(crate) fn goes_on_over_leap(&self, s: &Segment, ahead: i64, idle: i64) -> bool {
        let from = self.side_of(s.source);
        if !self.is_taken_up_by(s, from) || self.is_closed() {
            return false;
        }
        let opening = matches!(self.tracking.phase, Phase::SynSent | Phase::SynReceived | Phase::Crossed);
        match self.clock_went_on(s, from) {
            Some(went_on) => !went_on,
            None => opening || self.is_answered_by(s, from) || (ahead >= idle && !self.is_probe(s, from)),
        }
    }

    /// Whether `s` has exactly the numbers that come next.
    fn is_taken_up_by(&self, s: &Segment, from: Side) -> bool {
        let (own, other) = (self.peer(from), self.peer(from.other()));
        if s.flags.is_rst() || s.flags.is_syn() {
            return false;
        }
        if s.flags.is_syn_ack() {
            return self.tracking.phase == Phase::SynSent && other.isn.map(|isn| isn.plus(1)) == s.ack();
        }
        let fits = own.next.is_some_and(|next| s.seq == next || s.seq == next.minus(1));
        let acked = other.next.zip(s.ack()).is_some_and(|(next, ack)| {
            ack == next || own.acked.is_some_and(|acked| ack.at_or_before(next) && ack.at_or_after(acked))
        });
        fits && acked
    }

    /// Whether `s` acknowledges for the first time what the other end had sent: that waits for seconds, and then is
    /// sent again.
    fn is_answered_by(&self, s: &Segment, from: Side) -> bool {
        let (own, other) = (self.peer(from), self.peer(from.other()));
        let waits = other.next.zip(own.acked).is_some_and(|(next, acked)| next.after(acked));
        waits && s.ack().zip(own.acked).is_some_and(|(ack, acked)| ack.after(acked))
    }

    fn is_probe(&self, s: &Segment, from: Side) -> bool {
        self.peer(from).next.is_some_and(|next| s.seq == next.minus(1))
    }

    /// Whether the clock of the sender's time stamps went on since its SYN as the capture's did; `None` where it has
    /// none.
    fn clock_went_on(&self, s: &Segment, from: Side) -> Option<bool> {
        let now = s.options.timestamps?.value;
        let (then, at) = self.stamp_of_opening(from)?;
        let (ticks, seconds) = (i64::from(now.wrapping_sub(then)), (s.time - at) / SECOND);
        Some(RATES.iter().any(|rate| (ticks - rate * seconds).abs() * 100 <= rate * seconds * NEAR))
    }

    /// The time stamp of its SYN or SYN-ACK, and when that passed.
    fn stamp_of_opening(&self, from: Side) -> Option<(u32, Timestamp)> {
        let tries = if from == Side::Client { &self.handshake.syns } else { &self.handshake.synacks };
        tries.iter().find_map(|t| Some((t.ts_value?, t.time)))
    }
}
