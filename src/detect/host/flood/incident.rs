//! Floods, as a whole: what is known of those that run, and of those that ended.

use core::net::IpAddr;

use crate::detect::host::event::Condition;
use crate::detect::host::input::{Outcome, Settled};
use crate::detect::host::reporter::Whom;
use crate::network::IpNet;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

pub(super) const MAX_FRAMES: usize = 8;
/// A flood comes in pulses where the pauses between them are shorter than this, nanoseconds: one incident.
pub(super) const PAUSE: i64 = 60 * SECOND;
/// Floods at rest at a time.
const MAX_RESTING: usize = 64;
/// Incidents kept for the summary.
const MAX_INCIDENTS: usize = 256;

/// Over what a flood is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The network whose hosts it is spread over; `None`: the ports of one host.
    pub network: Option<IpNet>,
    /// Distinct hosts, estimated.
    pub hosts: u64,
    /// Distinct ports, estimated.
    pub ports: u64,
}

/// Clients that meant it: those that got in, and those that tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Attempts that completed.
    pub completed: u64,
    /// Attempts that failed although the SYN was sent again.
    pub failed: u64,
    /// Sum of their connect times, nanoseconds.
    pub connect_ns: i64,
}

impl Others {
    /// Share that got in; `None` where there was nobody.
    pub fn success(&self) -> Option<f64> {
        let all = self.completed + self.failed;
        (all > 0).then(|| self.completed as f64 / all as f64)
    }

    /// Mean time to connect, nanoseconds.
    pub fn connect_time(&self) -> Option<i64> {
        (self.completed > 0).then(|| self.connect_ns / self.completed as i64)
    }

    pub(super) fn add(&mut self, s: &Settled) {
        match s.outcome {
            Outcome::Open(connect) => {
                self.completed += 1;
                self.connect_ns = self.connect_ns.saturating_add(connect);
            }
            Outcome::Unanswered | Outcome::MissingAck | Outcome::Aborted if s.retried => self.failed += 1,
            _ => {}
        }
    }
}

/// A flood, as a whole.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Rule that named it first.
    pub rule: &'static str,
    /// The service; of a flood that is spread, the host or the first address of the network, and port 0.
    pub victim: Endpoint,
    /// Over what it is spread, if it is no flood of one service.
    pub spread: Option<Spread>,
    /// First SYN of the flood's first cohort.
    pub begin: Timestamp,
    /// Last SYN.
    pub last: Timestamp,
    /// Whether it is over.
    pub ended: bool,
    /// How often it came: 1 where it never rested.
    pub pulses: u32,
    /// SYNs.
    pub syns: u64,
    /// Of those, completed.
    pub completed: u64,
    /// SYN-ACKs to them.
    pub answered: u64,
    /// Reset by the client after the SYN-ACK: the source exists and never asked.
    pub reset: u64,
    /// Most SYNs in a second.
    pub peak: u32,
    /// When that second began.
    pub peak_time: Timestamp,
    /// Distinct source addresses, estimated.
    pub sources: u64,
    /// The source of nearly all of it, where there is one.
    pub source: Option<IpAddr>,
    /// Evidence that sources are forged, in words.
    pub spoofing: Vec<&'static str>,
    /// Whether the server answered with SYN cookies, or as if: every SYN is answered, whatever is half-open.
    pub all_answered: bool,
    /// Whether the marks of SYN cookies were seen in its answers.
    pub cookies: bool,
    /// The victim's other clients before it.
    pub before: Others,
    /// During it.
    pub during: Others,
    /// After it.
    pub after: Others,
    /// Frames of its first SYNs.
    pub frames: Vec<u64>,
}

impl Incident {
    /// The victim, in words: a service, a host, or a network.
    pub fn name(&self) -> String {
        match self.spread {
            None => self.victim.to_string(),
            Some(Spread { network: None, .. }) => self.victim.ip.to_string(),
            Some(Spread { network: Some(network), .. }) => network.to_string(),
        }
    }

    /// Whether `other` is at the same victim, and spread over the same.
    fn is_where(&self, other: &Self) -> bool {
        let network = |i: &Self| i.spread.map(|spread| spread.network);
        self.victim == other.victim && network(self) == network(other)
    }

    /// Goes on with another pulse.
    fn with_pulse(self, pulse: &Self) -> Self {
        let (peak, peak_time) =
            if pulse.peak > self.peak { (pulse.peak, pulse.peak_time) } else { (self.peak, self.peak_time) };
        Self {
            pulses: self.pulses + 1,
            last: pulse.last,
            ended: false,
            syns: self.syns + pulse.syns,
            completed: self.completed + pulse.completed,
            answered: self.answered + pulse.answered,
            reset: self.reset + pulse.reset,
            sources: self.sources.max(pulse.sources),
            source: self.source.filter(|ip| pulse.source == Some(*ip)),
            all_answered: self.all_answered && pulse.all_answered,
            cookies: self.cookies || pulse.cookies,
            peak,
            peak_time,
            ..self
        }
    }

    pub(super) fn whom(&self) -> Option<Whom> {
        Some((self.victim.ip, self.spread.is_none().then_some(self.victim.port)))
    }
}

/// A flood that goes on.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) incident: Incident,
    /// Under which it is reported.
    pub(super) number: u64,
    /// The second of its service with which it began.
    pub(super) first_second: i64,
    pub(super) spoofing_reported: bool,
    pub(super) calm_seconds: u32,
}

/// A flood that came to rest: another pulse of it may come.
#[derive(Debug)]
pub(super) struct Resting {
    pub(super) running: Running,
    /// Hosts that its reports list.
    pub(super) listed: Vec<IpAddr>,
}

/// The floods that run, and those that ended.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) running: Vec<Endpoint>,
    pub(super) resting: Vec<Resting>,
    pub(super) finished: Vec<Incident>,
    /// What found no place among what is followed closely, or kept for the summary.
    pub(super) left_out: u64,
    /// Services that have a sketch.
    pub(super) sketches: usize,
    /// Services whose answers are counted by parts of seconds.
    pub(super) limits: usize,
    /// Whether any answer to a SYN was ever seen: without one the capture has one direction only, and tells nothing.
    pub(super) saw_answers: bool,
    /// What the capture lacks.
    pub(super) capture: Condition,
}

impl Ledger {
    /// The incident that `pulse` goes on with, if there was one lately: its number, whether its sources were reported
    /// to be forged, and it as a whole.
    pub(super) fn resume(&mut self, pulse: Incident) -> (Incident, Option<(u64, bool)>) {
        let Some(at) = self.resting.iter().position(|resting| resting.running.incident.is_where(&pulse)) else {
            return (pulse, None);
        };
        let Running { incident, number, spoofing_reported, .. } = self.resting.swap_remove(at).running;
        (incident.with_pulse(&pulse), Some((number, spoofing_reported)))
    }

    /// The next flood that has rested for `pause` at `now`, or for which there is no room.
    pub(super) fn next_ended(&mut self, now: Timestamp, pause: i64) -> Option<Resting> {
        let over = |resting: &Resting| now - resting.running.incident.last >= pause;
        let at = match self.resting.iter().position(over) {
            None if self.resting.len() > MAX_RESTING => 0,
            found => found?,
        };
        Some(self.resting.remove(at))
    }

    /// The last flood at this victim that ended, or rests.
    pub(super) fn last_of(&mut self, victim: Endpoint) -> Option<&mut Incident> {
        let resting = self.resting.iter_mut().map(|resting| &mut resting.running.incident);
        resting.chain(self.finished.iter_mut().rev()).find(|incident| incident.victim == victim)
    }

    /// A flood ended.
    pub(super) fn keep(&mut self, incident: Incident) {
        if self.finished.len() < MAX_INCIDENTS {
            self.finished.push(incident);
        } else {
            self.left_out += 1;
        }
    }

    /// There was no place for what belongs to a service; `known`: whether that was counted before.
    pub(super) fn leave_out(&mut self, known: &mut bool) {
        self.left_out += u64::from(!core::mem::replace(known, true));
    }

    /// Whether what is not seen to be answered is not.
    pub(super) const fn shows_answers(&self) -> bool {
        self.saw_answers && !self.capture.filtered && !self.capture.asymmetric
    }
}
