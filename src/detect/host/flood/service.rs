//! One service: an address and a port, with its attempts by the second in which they began.

use core::net::IpAddr;

use super::cusum::{Cusum, PERIOD};
use super::forgery::{SAMPLE, Sketch};
use super::incident::{Others, Running};
use crate::detect::host::burst::{Burst, Clients};
use crate::detect::host::limits::Limit;
use crate::detect::host::seconds::Seconds;
use crate::detect::host::sketch::Weigh;
use crate::time::{SECOND, Timestamp};

/// A SYN is judged when it is so old: its client has had time to complete, or to send it again.
pub(super) const RIPE: i64 = 3;
/// Seconds of a cohort.
pub(super) const COHORT: i64 = 10;
/// SYNs a second from which on a service may be flooded.
pub(super) const FLOOD_RATE: f64 = 100.0;
/// SYNs in a second, hardly any of them completed, at which sources that were not known before are no longer kept.
const CROWD: u32 = 1000;
/// SYNs of a cohort at least.
pub(super) const FLOOD_SYNS: u32 = 500;
/// Attempts that neither completed nor were refused, at least (Cisco's default for one host).
pub(super) const FLOOD_HANGING: u32 = 50;
/// Half-open age counted.
pub(super) const HALF_OPEN_SECONDS: i64 = 30;
/// SYNs a second below which no flood goes on, and from which on SYNs are sketched.
pub(super) const CALM: u32 = 50;
pub(super) const SKETCHED: u32 = 25;
/// Seconds without a SYN, or with few, after which a sketch is given up.
pub(super) const SKETCHED_FOR: i64 = 20;

/// One service: an address and a port. What each attempt touches comes first, in as few cache lines as there can be.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Service {
    pub(super) last: Timestamp,
    /// The first SYN to it: its seconds and periods are counted from here.
    pub(super) began: Timestamp,
    /// Recent SYNs: halved every ten seconds or more.
    pub(super) busy: u32,
    /// Those of them that came out of our networks, where these are known.
    pub(super) outward: u32,
    /// Evaluated up to this second.
    pub(super) judged: i64,
    pub(super) running: Option<Box<Running>>,
    /// While it is asked as often as a flood asks.
    pub(super) sketch: Option<Box<Sketch>>,
    /// Second up to which SYNs belong to a flood that is over.
    pub(super) cleared: i64,
    pub(super) seconds: Seconds,
    pub(super) cusum: Cusum,
    /// SYNs a second, over ten minutes.
    pub(super) baseline: f64,
    /// The source of most SYNs, if any has more than half: a majority vote (Boyer and Moore), with the votes it leads
    /// by and all votes.
    majority: (Option<IpAddr>, u32, u32),
    /// Open connections to it on which nothing has been said.
    pub(super) silent: u32,
    /// Where its host is among those whose ports are counted.
    pub(super) area: u32,
    /// Under which its half-open connections were reported.
    pub(super) half_open_incident: Option<u64>,
    /// Whether it answers with SYN cookies.
    pub(super) cookies: bool,
    pub(super) outage_reported: bool,
    /// Whether what fails at it is reported as an outage.
    pub(super) is_out: bool,
    /// Whether something of it found no place.
    pub(super) left_out: bool,
    pub(super) frame_count: u8,
    pub(super) clients: Clients,
    pub(super) others: Others,
    /// Connections that opened and were not dropped at once.
    pub(super) worked: u32,
    pub(super) frames: [u64; 4],
    pub(super) refused: Burst,
    /// While clients repeat their SYNs: whether answers are limited in number.
    pub(super) limit: Option<Box<Limit>>,
}

impl Weigh for Service {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.busy) + if self.running.is_some() { 1 << 32 } else { 0 }, self.last.0)
    }
}

impl Service {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            seconds: Seconds::default(),
            last: now,
            began: now,
            busy: 0,
            outward: 0,
            judged: 0,
            baseline: 0.0,
            others: Others::default(),
            worked: 0,
            running: None,
            sketch: None,
            cleared: i64::MIN,
            cusum: Cusum::default(),
            silent: 0,
            area: 0,
            half_open_incident: None,
            cookies: false,
            outage_reported: false,
            is_out: false,
            left_out: false,
            majority: (None, 0, 0),
            clients: Clients::default(),
            refused: Burst::default(),
            limit: None,
            frames: [0; 4],
            frame_count: 0,
        }
    }

    /// Which of its seconds `at` is in: 0 is the one that begins with its first SYN.
    pub(super) const fn second_of(&self, at: Timestamp) -> i64 {
        at.0.saturating_sub(self.began.0).div_euclid(SECOND)
    }

    /// When that second begins.
    pub(super) const fn time_of(&self, second: i64) -> Timestamp {
        self.began.after(second.saturating_mul(SECOND))
    }

    /// Octets held elsewhere.
    pub(super) fn octets(&self) -> usize {
        let sketch = self.sketch.as_ref().map_or(0, |_| 4096 + SAMPLE * 8 + 2048);
        let limit = self.limit.as_ref().map_or(0, |_| size_of::<Limit>());
        limit + self.clients.octets() + self.refused.octets() + self.seconds.octets() + sketch
    }

    /// Whether so little was asked of it lately that fewer than `syns` SYNs can be within the last `seconds` (at most
    /// 40).
    pub(super) const fn is_below(&self, syns: u32, seconds: i64) -> bool {
        // Each SYN was halved once a period, and each halving may have dropped half a one.
        let halvings = seconds / PERIOD + 1;
        (self.busy as u64 + 1) << halvings <= syns as u64
    }

    /// Whether it is under attack, or enough attempts of `second` fail that it may be.
    pub(super) fn is_crowded(&self, second: i64) -> bool {
        self.running.is_some()
            || (!self.is_below(CROWD, 1)
                && self.seconds.get(second).is_some_and(|s| s.syns >= CROWD && s.completed < s.syns / 4))
    }

    /// Whether it is under attack, or its SYNs of the last seconds look as those of a flood too young to be named.
    pub(super) fn may_be_flooded(&self, second: i64) -> bool {
        if self.running.is_some() {
            return true;
        }
        if self.is_below(FLOOD_SYNS / 2, COHORT) {
            return false;
        }
        let (cohort, _) = self.seconds.cohort(second - COHORT, second - 1);
        cohort.syns >= FLOOD_SYNS / 2
            && cohort.completion() <= 0.2
            && cohort.hanging() >= FLOOD_HANGING
            && cohort.retry_share() <= 0.3
    }

    /// The source of at least three in four SYNs.
    pub(super) fn main_source(&self) -> Option<IpAddr> {
        let (source, lead, all) = self.majority;
        source.filter(|_| 2 * lead >= all)
    }

    pub(super) fn half_open(&self, now: i64) -> u32 {
        self.seconds
            .iter()
            .filter(|s| (RIPE + 1..=HALF_OPEN_SECONDS).contains(&(now - s.at)))
            .map(|s| s.answered.saturating_sub(s.completed + s.reset))
            .sum()
    }

    /// One more SYN of `source`.
    pub(super) fn vote(&mut self, source: IpAddr) {
        let (leader, lead, all) = &mut self.majority;
        *all = all.saturating_add(1);
        match leader {
            Some(ip) if *ip == source => *lead = lead.saturating_add(1),
            _ if *lead == 0 => (*leader, *lead) = (Some(source), 1),
            _ => *lead -= 1,
        }
    }

    /// Whether hardly anything was asked of it in the seconds before `second`.
    pub(super) fn is_calm(&self, second: i64) -> bool {
        let lately = self.seconds.iter().filter(|s| s.at > second - SKETCHED_FOR);
        lately.map(|s| s.syns).max().is_none_or(|most| most < SKETCHED)
    }
}
