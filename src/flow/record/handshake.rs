//! The opening of a connection: its three steps, how often each was tried, and what that cost.

use smallvec::SmallVec;

use super::verdict::Backoff;
use crate::tcp::SeqNumber;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// How many SYNs (and SYN-ACKs) of one flow are kept with their times; further ones are only counted.
pub const MAX_TRIES: usize = 16;

/// No round trip takes that long, nanoseconds.
const DAY: i64 = 24 * 3600 * SECOND;
/// From here on a wait may be the longest that a stack waits, nanoseconds.
const LONGEST: i64 = 60 * SECOND;

/// One SYN or SYN-ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// When it passed.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// Acknowledgment field (0 for a SYN).
    pub ack: SeqNumber,
    /// `TSval`, where it carried timestamps.
    pub ts_value: Option<u32>,
    /// `TSecr`, where it carried timestamps.
    pub ts_echo: Option<u32>,
    /// Payload octets.
    pub payload: u32,
}

/// Tries, in order.
pub type Tries = SmallVec<[Try; 1]>;

/// Options in force on a connection: offered by both ends (RFC 9293 section 3.2, RFC 7323). Absent where a SYN or
/// SYN-ACK was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InEffect {
    /// Window scaling.
    pub window_scale: bool,
    /// Selective acknowledgment.
    pub sack: bool,
    /// Timestamps.
    pub timestamps: bool,
}

/// What the opening of one flow looked like.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// SYNs of the client, in order, at most [`MAX_TRIES`].
    pub syns: Tries,
    /// SYN-ACKs of the server (of both ends in a simultaneous open), at most [`MAX_TRIES`].
    pub synacks: Tries,
    /// The segment that completed it.
    pub ack: Option<Try>,
    /// Whether all three steps were seen and agree by sequence arithmetic.
    pub validated: bool,
    /// Whether a SYN-ACK acknowledged none of the SYNs seen.
    pub wrong_synack: bool,
    /// Whether the server answered the SYN with a SYN of its own.
    pub crossed: bool,
    /// Whether the server answered the SYN with a bare ACK before anything else (five-step split handshake).
    pub bare_ack_first: bool,
    /// How many octets of the SYN's payload the SYN-ACK acknowledged.
    pub syn_payload_acked: u32,
    /// Whether the server sent payload before the third step.
    pub early_server_data: bool,
}

impl Handshake {
    /// Time of the first SYN.
    pub fn first_syn(&self) -> Option<Timestamp> {
        self.syns.first().map(|s| s.time)
    }

    /// Whether the SYN was repeated after the last SYN-ACK: another one answers that, however soon it comes.
    pub(in crate::flow) fn is_asked_again(&self) -> bool {
        let [.., _, syn] = self.syns.as_slice() else { return false };
        self.synacks.last().is_some_and(|synack| synack.frame < syn.frame)
    }

    /// Gaps between successive SYNs, nanoseconds.
    pub fn syn_gaps(&self) -> impl Iterator<Item = i64> {
        self.syns.windows(2).map(|pair| match pair {
            [a, b] => b.time - a.time,
            _ => 0,
        })
    }

    /// The last gap between SYNs, nanoseconds; 0 where there was only one.
    pub fn last_syn_gap(&self) -> i64 {
        self.syn_gaps().last().unwrap_or(0)
    }

    /// The last gap between SYN-ACKs, nanoseconds; 0 where there was only one.
    pub fn last_synack_gap(&self) -> i64 {
        match self.synacks.as_slice() {
            [.., a, b] => b.time - a.time,
            _ => 0,
        }
    }

    /// Shape of the SYN retries; `None` with fewer than two gaps.
    pub fn backoff(&self) -> Option<Backoff> {
        let gaps: SmallVec<[i64; MAX_TRIES]> = self.syn_gaps().collect();
        classify_backoff(&gaps)
    }

    /// First SYN to the segment that completed the handshake, nanoseconds: what the application waited.
    pub fn connect_time(&self) -> Option<i64> {
        // The capture may have the SYN behind it.
        Some(self.ack?.time - self.first_syn()?).filter(|time| *time >= 0)
    }

    /// SYN to the SYN-ACK that provably answers it, nanoseconds (Karn's rule: with several candidates only a timestamp
    /// echo tells which).
    pub fn rtt_server(&self) -> Option<i64> {
        let answer = self.synacks.first()?;
        let asked = self.asked_by(answer)?;
        self.as_round_trip(answer.time - asked.time)
    }

    /// SYN-ACK to the acknowledgment that provably answers it, nanoseconds.
    pub fn rtt_client(&self) -> Option<i64> {
        let ack = self.ack?;
        let answered = match self.synacks.as_slice() {
            [only] => only,
            several => unique(several.iter().filter(|s| s.ts_value.is_some() && s.ts_value == ack.ts_echo))?,
        };
        self.as_round_trip(ack.time - answered.time)
    }

    /// `time`, if it can be one half of this handshake; damaged time stamps make others.
    fn as_round_trip(&self, time: i64) -> Option<i64> {
        let whole = self.connect_time().map_or(DAY, |whole| whole.saturating_add(SECOND));
        (0..=whole).contains(&time).then_some(time)
    }

    /// Both halves together, nanoseconds.
    pub fn rtt(&self) -> Option<i64> {
        Some(self.rtt_server()?.saturating_add(self.rtt_client()?))
    }

    /// Whether the last SYN-ACK echoes a timestamp that no SYN carried: its receiver resets it, and waits on (RFC 7323
    /// section 3.2).
    pub fn echo_is_wrong(&self) -> bool {
        let echo = self.synacks.last().and_then(|answer| answer.ts_echo);
        let carried = |echo: u32| self.syns.iter().any(|syn| syn.ts_value.is_none_or(|value| value == echo));
        let whole = (1..MAX_TRIES).contains(&self.syns.len());
        echo.is_some_and(|echo| echo != 0 && whole && !carried(echo))
    }

    /// When the client entered ESTABLISHED: half its round trip after the SYN-ACK passed, else when its ACK passed.
    pub fn client_established(&self) -> Option<Timestamp> {
        let ack = self.ack?;
        Some(match self.rtt_client() {
            Some(rtt) => ack.time.after(-(rtt / 2)),
            None => ack.time,
        })
    }

    /// When the server entered ESTABLISHED: half its round trip after the ACK passed.
    pub fn server_established(&self) -> Option<Timestamp> {
        let ack = self.ack?;
        Some(ack.time.after(self.rtt_server().unwrap_or(0) / 2))
    }

    fn asked_by(&self, answer: &Try) -> Option<&Try> {
        let before = || self.syns.iter().filter(|s| s.frame < answer.frame);
        match (before().count(), self.syns.len()) {
            (1, _) => before().next(),
            // The capture has the SYN-ACK before the SYN: no time is known.
            (0, _) => None,
            // An echo of an earlier one may be the answer to it sent again, after the first answer was lost.
            _ => {
                let last = before().next_back()?;
                let echoed = |s: &&Try| s.ts_value.is_some() && s.ts_value == answer.ts_echo;
                unique(before().filter(echoed)).filter(|asked| asked.frame == last.frame)
            }
        }
    }
}

fn unique<'a>(mut candidates: impl Iterator<Item = &'a Try>) -> Option<&'a Try> {
    let first = candidates.next()?;
    candidates.next().is_none().then_some(first)
}

/// The shape of a retry schedule from its gaps (nanoseconds). `None` with fewer than two.
pub fn classify_backoff(gaps: &[i64]) -> Option<Backoff> {
    if gaps.len() < 2 {
        return None;
    }
    let linear = gaps.iter().take_while(|gap| near(**gap, gaps[0])).count();
    if linear == gaps.len() {
        return Some(Backoff::Linear);
    }
    // From the last equal gap on, each doubles.
    let doubles = gaps.get(linear.saturating_sub(1)..).is_some_and(|tail| tail.windows(2).all(doubles));
    Some(match (doubles, linear) {
        (true, 1) => Backoff::Exponential,
        (true, _) => Backoff::LinearThenExponential,
        (false, _) => Backoff::Other,
    })
}

/// Whether two waits are as good as one: within a fifth, or what timers and paths add, which is less the shorter they
/// are.
fn near(gap: i64, of: i64) -> bool {
    let length = of.saturating_abs();
    gap.saturating_sub(of).saturating_abs() <= (length / 5).max((length / 2).min(50 * MILLISECOND))
}

/// Whether the second of two waits is about twice the first, or both are the longest that a stack waits (two minutes on
/// Linux, 64 s on BSD).
fn doubles(pair: &[i64]) -> bool {
    let &[a, b] = pair else { return false };
    let twice = b.saturating_mul(10) >= a.saturating_mul(17) && b.saturating_mul(10) <= a.saturating_mul(24);
    a > 0 && (twice || (a >= LONGEST && near(b, a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(times: &[f64]) -> Option<Backoff> {
        let gaps: Vec<i64> = times.windows(2).map(|w| ((w[1] - w[0]) * 1e9) as i64).collect();
        classify_backoff(&gaps)
    }

    #[test]
    fn known_schedules_are_named() {
        assert_eq!(gaps(&[0., 1., 3., 7., 15.]), Some(Backoff::Exponential));
        assert_eq!(gaps(&[0., 3., 9., 21.]), Some(Backoff::Exponential));
        assert_eq!(gaps(&[0., 1.02, 2.05, 3.07]), Some(Backoff::Linear));
        assert_eq!(gaps(&[0., 1.01, 2.03, 3.06, 4.08, 5.11, 7.12, 11.15, 19.35]), Some(Backoff::LinearThenExponential));
        assert_eq!(gaps(&[0., 1., 2., 4.]), Some(Backoff::LinearThenExponential));
        assert_eq!(gaps(&[0., 3., 6., 12., 24.]), Some(Backoff::LinearThenExponential));
        assert_eq!(gaps(&[0., 1., 3., 7., 15., 31., 63., 127., 247., 367.]), Some(Backoff::Exponential));
        assert_eq!(gaps(&[0., 2., 2.5, 2.6]), Some(Backoff::Other));
        assert_eq!(gaps(&[0., 1.]), None);
    }

    #[test]
    fn other_rhythms_are_not() {
        assert_eq!(gaps(&[0., 1., 2., 3., 3.5]), Some(Backoff::Other), "shorter after equal ones");
        assert_eq!(gaps(&[0., 1., 2., 4., 5.]), Some(Backoff::Other), "doubled once only");
        assert_eq!(gaps(&[0., 1., 2., 6.]), Some(Backoff::Other), "three times as long");
        assert_eq!(gaps(&[0., 0.02, 0.06, 0.14, 0.30]), Some(Backoff::Exponential), "short ones are no equal ones");
        assert_eq!(gaps(&[0., 1., 3., 7., 11., 15.]), Some(Backoff::Other), "a longest wait of 4 s");
        assert_eq!(gaps(&[5., 4., 3.]), Some(Backoff::Linear), "against the clock");
        assert_eq!(gaps(&[5., 4., 4.5]), Some(Backoff::Other));
    }
}
