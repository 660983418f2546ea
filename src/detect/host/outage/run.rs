//! Failures of a service without a success between them, or hardly any, and what is probably gone.

use core::net::IpAddr;

use strum::IntoStaticStr;

use crate::tcp::Endpoint;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Failed attempts of an outage, and how long they go on, at least.
const ATTEMPTS: u32 = 20;
pub(super) const LASTS: i64 = 3 * SECOND;
/// Clients distinguished in one outage, and addresses that its report lists.
pub(super) const CLIENTS: usize = 256;
pub(super) const MAX_FRAMES: usize = 8;
/// Successes in a row that end it at once; fewer do when no failure followed for so long.
const WORKS: u32 = 8;
pub(super) const WORKS_FOR: i64 = 10 * SECOND;
/// Gaps of a client that asks by the clock: the shortest, the number of them that three in four must resemble, and the
/// length from which on success elsewhere does not matter.
const CHECKS: (i64, u16) = (200 * MILLISECOND, 6);
const CHECKS_SLOWLY: i64 = SECOND;

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect::host) enum How {
    /// Nothing answered.
    Silent,
    /// RST answered the SYN.
    Refused,
    /// ICMP did, with this code of a destination that is unreachable.
    Unreachable(u8),
    /// It opened, and the server reset it before it had said anything.
    Reset,
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect::host) struct Failure {
    /// When that was known.
    pub(in crate::detect::host) now: Timestamp,
    /// When its SYN was sent.
    pub(in crate::detect::host) began: Timestamp,
    pub(in crate::detect::host) frame: u64,
    pub(in crate::detect::host) client: IpAddr,
    pub(in crate::detect::host) server: Endpoint,
    pub(in crate::detect::host) how: How,
    /// Whether its client sent the SYN again.
    pub(in crate::detect::host) retried: bool,
}

/// What is known elsewhere of the ends of an attempt.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect::host) struct Known {
    /// The service was seen to work.
    pub(in crate::detect::host) worked: bool,
    /// The client has used connections.
    pub(in crate::detect::host) ordinary: bool,
    /// When anything last answered the client.
    pub(in crate::detect::host) answered: Timestamp,
}

/// What is probably gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Kind {
    #[strum(serialize = "process-gone")]
    Process,
    #[strum(serialize = "host-gone")]
    Host,
    #[strum(serialize = "path-gone")]
    Path,
    #[strum(serialize = "filtered")]
    Filter,
    Overload,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        self.into()
    }

    /// The same of several services.
    pub(super) const fn says_of_all(self) -> &'static str {
        match self {
            Self::Path => "the way to them is gone, or their whole network is",
            other => other.says(),
        }
    }

    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Process => "no process listens there, the host answers by RST",
            Self::Host => "the host is gone, nothing on it that is asked answers",
            Self::Path => "the way to it is gone, or its whole network is",
            Self::Filter => {
                "something drops what is sent to it, for its host still answers elsewhere or a filter says so"
            }
            Self::Overload => "it is overloaded, as some attempts still succeed or are reset once open",
        }
    }
}

/// A client that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) ip: IpAddr,
    pub(super) ordinary: bool,
    pub(super) answered: Timestamp,
    /// Last attempt, the gap before it, how many gaps there were and how many of them were like the one before.
    pub(super) last: Timestamp,
    gap: i64,
    gaps: u16,
    alike: u16,
}

impl Hit {
    const fn is_again(&mut self, began: Timestamp) {
        let gap = began.0.saturating_sub(self.last.0);
        if gap <= 0 {
            return;
        }
        if self.gap > 0 {
            self.gaps = self.gaps.saturating_add(1);
            let off = (gap - self.gap).abs();
            self.alike = self.alike.saturating_add((off.saturating_mul(4) <= self.gap) as u16);
        }
        (self.last, self.gap) = (began, gap);
    }

    /// Whether it asks by the clock, as what checks services does.
    pub(super) const fn checks(&self) -> bool {
        let by_clock = self.gaps >= CHECKS.1 && self.alike as u32 * 4 >= self.gaps as u32 * 3 && self.gap >= CHECKS.0;
        by_clock && (!self.ordinary || self.gap >= CHECKS_SLOWLY)
    }
}

/// Failures of a service without a success between them, or hardly any.
#[derive(Debug)]
pub(super) struct Run {
    /// SYNs of the first and of the last failure.
    pub(super) begin: Timestamp,
    pub(super) last: Timestamp,
    pub(super) silent: u32,
    pub(super) refused: u32,
    /// By ICMP: no host, no network, refused by a filter, no port.
    pub(super) unreachable: [u32; 4],
    pub(super) reset: u32,
    /// Successes in between; and the first success since the last failure.
    pub(super) between: u32,
    pub(super) good: u32,
    pub(super) good_since: Timestamp,
    /// Silent attempts that got in when it was over.
    pub(super) late: u32,
    pub(super) hits: Vec<Hit>,
    pub(super) more_hits: bool,
    pub(super) worked: bool,
    /// Another service of the host answered, and an attempt after that failed.
    pub(super) alive: bool,
    pub(super) frames: Vec<u64>,
    /// Number of its reports, clients and attempts at the last of them.
    pub(super) reported: Option<(u64, usize, u32)>,
    /// What is probably gone, and what was last reported of that.
    pub(super) kind: Kind,
    pub(super) kind_reported: Kind,
    /// Those that were lost with it.
    pub(super) group: Option<u64>,
    /// When it was last judged.
    pub(super) judged: Timestamp,
}

impl Run {
    pub(super) const fn new(f: &Failure) -> Self {
        Self {
            begin: f.began,
            last: f.began,
            silent: 0,
            refused: 0,
            unreachable: [0; 4],
            reset: 0,
            between: 0,
            good: 0,
            good_since: f.began,
            late: 0,
            hits: Vec::new(),
            more_hits: false,
            worked: false,
            alive: false,
            frames: Vec::new(),
            reported: None,
            kind: Kind::Host,
            kind_reported: Kind::Host,
            group: None,
            judged: Timestamp(i64::MIN),
        }
    }

    pub(super) const fn by_icmp(&self) -> u32 {
        let [host, network, filter, port] = self.unreachable;
        host + network + filter + port
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.silent + self.refused + self.by_icmp() + self.reset
    }

    pub(super) fn add(&mut self, f: &Failure, known: &Known, host_answered: Timestamp) {
        if f.how == How::Reset {
            // It opened, which seemed to be good.
            self.good = self.good.saturating_sub(1);
        }
        self.alive |= host_answered > self.begin.after(SECOND) && f.began > host_answered;
        if f.retried && f.how != How::Silent {
            // It was silent until now.
            self.silent = self.silent.saturating_sub(1);
        }
        match f.how {
            How::Silent => self.silent += 1,
            How::Refused => self.refused += 1,
            How::Reset => self.reset += 1,
            How::Unreachable(code) => self.unreachable[class_of(code, f.server.ip.is_ipv6())] += 1,
        }
        if f.began > self.good_since && self.good > 0 {
            self.between += core::mem::take(&mut self.good);
        }
        self.begin = self.begin.min(f.began);
        self.last = self.last.max(f.began);
        self.worked |= known.worked;
        if self.frames.len() < MAX_FRAMES && f.frame > 0 {
            self.frames.push(f.frame);
        }
        let new = Hit {
            ip: f.client,
            ordinary: known.ordinary,
            answered: known.answered,
            last: f.began,
            gap: 0,
            gaps: 0,
            alike: 0,
        };
        let room = self.hits.len() < CLIENTS;
        match self.hits.iter_mut().find(|hit| hit.ip == f.client) {
            Some(hit) => {
                (hit.ordinary, hit.answered) = (hit.ordinary || known.ordinary, known.answered);
                hit.is_again(f.began);
            }
            None if room => self.hits.push(new),
            None => self.more_hits = true,
        }
    }

    /// When it ended: with the first success, or with the last attempt that was seen.
    pub(super) const fn end(&self) -> Timestamp {
        if self.good > 0 { self.good_since } else { self.last }
    }

    /// Whether it is long, and pure, enough.
    pub(super) fn is_outage(&self) -> bool {
        self.attempts() >= ATTEMPTS && self.last - self.begin >= LASTS && self.between <= self.attempts() / 2
    }
}

/// What an ICMP error with this code says is missing: host, network, leave, port.
const fn class_of(code: u8, v6: bool) -> usize {
    match (v6, code) {
        (false, 1 | 7 | 8 | 12) | (true, 3) => 0,
        (false, 0 | 5 | 6 | 11) | (true, 0 | 6) => 1,
        (false, 2 | 3) | (true, 4) => 3,
        _ => 2,
    }
}

/// Whether successes have followed the last failure for long enough at `now`.
pub(super) const fn is_over(run: &Run, now: Timestamp) -> bool {
    let since = now.0.saturating_sub(run.good_since.0);
    run.good > 0 && (run.good >= WORKS && since >= SECOND || since >= WORKS_FOR)
}

pub(super) fn kind_of(run: &Run, neighbours: usize) -> Kind {
    let all = run.attempts();
    let [_, network, filter, port] = run.unreachable;
    let overloaded = run.between >= 2 && run.between * 20 >= all;
    if overloaded || 2 * run.reset >= all {
        return Kind::Overload;
    }
    if 2 * (run.refused + port) > all {
        return Kind::Process;
    }
    if 2 * filter > all {
        return Kind::Filter;
    }
    if network * 2 > all || neighbours >= 2 {
        return Kind::Path;
    }
    if run.alive && run.refused == 0 { Kind::Filter } else { Kind::Host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_as_long_as_times_can_be_apart_are_counted() {
        let ip = core::net::Ipv4Addr::LOCALHOST.into();
        let first = Timestamp(i64::MIN);
        let mut hit = Hit { ip, ordinary: false, answered: first, last: first, gap: 0, gaps: 0, alike: 0 };
        hit.is_again(Timestamp(i64::MAX));
        assert_eq!((hit.last, hit.gap, hit.gaps), (Timestamp(i64::MAX), i64::MAX, 0));
        let mut hit = Hit { last: first, gap: SECOND, ..hit };
        hit.is_again(Timestamp(i64::MAX));
        assert_eq!((hit.gaps, hit.alike), (1, 0));
    }
}
