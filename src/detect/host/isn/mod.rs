//! Which hosts choose initial sequence numbers that others can guess.
//!
//! A cohort is an address in one role (for servers: with its port) whose segments all look alike, so that hosts behind
//! one address do not mix. A cohort's samples come from distinct four-tuples: numbers of one four-tuple must climb (RFC
//! 6528), and that is no weakness. Tests run at fixed numbers of samples and need a probability of 1e-8 or less.

use core::hash::Hasher;
use core::net::IpAddr;

use smallvec::SmallVec;

use super::input::Look;
use super::reporter::{Report, Reporter};
use super::rules;
use super::settings::Settings;
use super::sketch::{self, Bounded, Weigh, fixed_hash, fixed_hash_of};
use crate::detect::anomaly::Severity;
use crate::detect::rule::{Finding, Rule};
use crate::flow::features::initial_ttl;
use crate::flow::prefetch::prefetch;
use crate::tcp::{Endpoint, SeqNumber};
use crate::time::{SECOND, Timestamp};

mod nmap;
mod tests_of;

pub use nmap::Triplet;
use strum::IntoStaticStr;
use tests_of::{FEW_STEPS, Pattern, Sample};

/// Numbers of samples at which a cohort is examined.
const LOOKS: [usize; 13] = [3, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
/// Samples kept of one cohort.
const MAX_SAMPLES: usize = 256;
/// Samples below which a host is not graded.
const ENOUGH: usize = 6;
/// Look of the answers to nmap's sequence probes: each probe offers other options, and one system answers them all.
const PROBES: u64 = 1;
/// Rules reported of one cohort, at most.
const MOST_REPORTED: usize = 2;
/// nmap's SP of a random host: one in a thousand is below it with four numbers.
const HARD: u32 = 0xc0;
/// Four-tuples remembered for that.
const RECENT: usize = 16_384;

/// How predictable the initial sequence numbers of a host are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Grade {
    /// Always the same.
    Constant,
    /// The same step with each connection.
    FixedStep,
    /// A clock, and nothing else.
    TimeLinear,
    /// A little more with each connection.
    SmallIncrements,
    /// Some other pattern.
    Weak,
    /// No pattern found.
    Random,
    /// Too few samples to say.
    NotEnough,
}

impl Grade {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Whether a host's numbers are those of its SYNs or of its SYN-ACKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    /// SYNs of connections that opened.
    Client,
    /// SYN-ACKs.
    Server,
}

impl Role {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A row of the table of initial sequence numbers.
#[derive(Clone, Debug)]
pub struct IsnReport {
    /// Whose.
    pub host: IpAddr,
    /// Port, for servers.
    pub port: Option<u16>,
    /// In which role.
    pub role: Role,
    /// Connections it rests on.
    pub samples: usize,
    /// The grade.
    pub grade: Grade,
    /// Binary logarithm of the numbers an attacker has to try; 32 where nothing is known.
    pub residual_bits: f64,
    /// What is known, in words.
    pub what: String,
    /// nmap's GCD, ISR and SP, where connections came as its probes do.
    pub nmap: Option<Triplet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CohortKey {
    ip: IpAddr,
    port: u16,
    role: Role,
    look: u64,
}

impl sketch::Key for CohortKey {
    fn feed(&self, state: &mut impl Hasher) {
        self.ip.feed(state);
        state.write_u64(self.look ^ u64::from(self.port) << 8 ^ self.role as u64);
    }
}

#[derive(Debug)]
struct Cohort {
    samples: Vec<Sample>,
    frames: [u64; 4],
    last: Timestamp,
    pattern: Option<Pattern>,
    /// Rules that were reported: what few numbers seemed to be may turn out to be something else.
    reported: SmallVec<[&'static str; MOST_REPORTED]>,
    triplet: Option<Triplet>,
    low_sp_reported: bool,
    /// Pairs on one four-tuple: in step with 64 ns, with 4 us.
    scheme: (u8, u8),
    scheme_reported: bool,
    looked: usize,
}

impl Weigh for Cohort {
    fn weight(&self) -> (u64, i64) {
        (self.samples.len() as u64, self.last.0)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    tuple: u64,
    time: i64,
    isn: u32,
    /// The other end's number, for SYN-ACKs.
    other: u32,
}

/// Every cohort.
#[derive(Debug)]
pub(super) struct Isns {
    cohorts: Bounded<CohortKey, Cohort>,
    recent: Vec<Recent>,
    samples_left: usize,
    /// Samples for which there was no place.
    left_out: u64,
    /// A four-tuple's second number within this time is no sample, nanoseconds.
    same_tuple: i64,
}

/// One number as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) time: Timestamp,
    pub(super) frame: u64,
    /// Who chose it.
    pub(super) by: Endpoint,
    pub(super) peer: Endpoint,
    pub(super) role: Role,
    pub(super) isn: SeqNumber,
    /// The client's number, for servers.
    pub(super) answers: Option<SeqNumber>,
    pub(super) look: Look,
    /// For servers: whether it answers one of nmap's sequence probes. The time is then that of the probe.
    pub(super) probe: bool,
}

/// What a number on a known four-tuple shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SameTuple {
    /// The server's number follows the client's within a minute: a SYN cookie.
    Cookie,
    /// Nothing.
    Nothing,
}

impl Isns {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            cohorts: Bounded::new(settings.isn_cohorts),
            recent: vec![Recent::default(); RECENT],
            samples_left: settings.isn_samples,
            left_out: 0,
            same_tuple: settings.time_wait,
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let owned: usize = self.cohorts.iter().map(|(_, c)| c.samples.capacity() * size_of::<Sample>()).sum();
        self.cohorts.octets() + self.recent.capacity() * size_of::<Recent>() + owned
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.cohorts.evicted() + self.left_out
    }

    /// Takes a number.
    pub(super) fn see(&mut self, s: &Seen, reporter: &mut Reporter, out: Report<'_>) -> SameTuple {
        let other = match s.role {
            Role::Server => s.answers.map_or(0, |n| n.0),
            Role::Client => fold(s.peer.ip),
        };
        let earlier = self.remember(s, other);
        let key = key_of(s);
        if self.samples_left == 0 && self.cohorts.get(&key).is_none_or(|c| c.samples.is_empty()) {
            self.left_out += 1;
            return SameTuple::Nothing;
        }
        let cohort = self.cohorts.entry(key, || Cohort::new(s.time));
        cohort.last = s.time;
        if let Some(earlier) = earlier {
            cohort.same_tuple(&earlier, s, reporter, out);
            return is_cookie(&earlier, s);
        }
        if cohort.samples.len() >= MAX_SAMPLES || self.samples_left == 0 {
            self.left_out += u64::from(cohort.samples.len() < MAX_SAMPLES);
            return SameTuple::Nothing;
        }
        self.samples_left -= 1;
        if let Some(frame) = cohort.frames.get_mut(cohort.samples.len()) {
            *frame = s.frame;
        }
        cohort.samples.push(Sample { time: s.time.0, isn: s.isn.0, other });
        if LOOKS.contains(&cohort.samples.len()) {
            cohort.look(&key, s.time, reporter, out);
        }
        cohort.probe_like(&key, s.time, reporter, out);
        SameTuple::Nothing
    }

    /// Cohorts that were evicted gave nothing back.
    pub(super) fn recount(&mut self, limit: usize) -> usize {
        let kept: usize = self.cohorts.iter().map(|(_, c)| c.samples.len()).sum();
        self.samples_left = limit.saturating_sub(kept);
        self.cohorts.len()
    }

    /// Observation ends: a last look at every cohort.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        for (key, cohort) in self.cohorts.iter_mut() {
            if cohort.samples.len() >= LOOKS[0] && cohort.looked < cohort.samples.len() {
                cohort.look(key, now, reporter, out);
            }
        }
    }

    /// The table, worst first, then by address; of the cohorts of one host and role the largest.
    pub(super) fn reports(&self) -> Vec<IsnReport> {
        let mut rows: Vec<(bool, IsnReport)> = self
            .cohorts
            .iter()
            .filter(|(_, c)| !c.samples.is_empty())
            .map(|(key, cohort)| (key.look == PROBES, cohort.report(key)))
            .collect();
        rows.sort_by(|(_, a), (_, b)| {
            (a.host, a.role, a.port).cmp(&(b.host, b.role, b.port)).then(b.samples.cmp(&a.samples))
        });
        rows.dedup_by(|(of_probes, b), (_, a)| {
            let same = (a.host, a.role, a.port) == (b.host, b.role, b.port);
            if same {
                // What nmap finds it finds by its own probes.
                a.nmap = b.nmap.filter(|_| *of_probes).or(a.nmap);
            }
            same
        });
        let mut rows: Vec<IsnReport> = rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_by_key(|row| row.grade);
        rows
    }

    /// A number of `by` to `peer` comes soon: asks for what is remembered of the four-tuple.
    pub(super) fn prefetch(&self, by: Endpoint, peer: Endpoint, role: Role) {
        if let Some(place) = self.recent.get(tuple_of(by, peer, role) as usize % RECENT) {
            prefetch(place);
        }
    }

    /// The earlier number of the same four-tuple, if it is not too old.
    fn remember(&mut self, s: &Seen, other: u32) -> Option<Recent> {
        let tuple = tuple_of(s.by, s.peer, s.role);
        let place = &mut self.recent[tuple as usize % RECENT];
        let earlier = Some(*place).filter(|r| r.tuple == tuple && s.time.0.saturating_sub(r.time) < self.same_tuple);
        *place = Recent { tuple, time: s.time.0, isn: s.isn.0, other };
        earlier
    }
}

impl Cohort {
    fn new(now: Timestamp) -> Self {
        Self {
            samples: Vec::new(),
            frames: [0; 4],
            last: now,
            pattern: None,
            reported: SmallVec::new(),
            triplet: None,
            low_sp_reported: false,
            scheme: (0, 0),
            scheme_reported: false,
            looked: 0,
        }
    }

    fn look(&mut self, key: &CohortKey, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.looked = self.samples.len();
        let Some(pattern) = tests_of::examine(&self.samples) else { return };
        self.pattern = Some(pattern);
        let (rule, severity) = judged(&pattern, key.role);
        let Some(severity) = severity else { return };
        if self.reported.len() >= MOST_REPORTED || self.reported.contains(&rule.id) {
            return;
        }
        self.reported.push(rule.id);
        let what = describe(&pattern, &self.samples);
        let (grade, bits) = graded(&pattern);
        let whom = Some((key.ip, (key.role == Role::Server).then_some(key.port)));
        let mut finding = Finding::new(format!(
            "initial sequence numbers of {} as {} can be guessed: {what} ({} connections)",
            key.ip,
            key.role.name(),
            self.samples.len()
        ))
        .figure("grade", grade.name())
        .figure("role", key.role.name())
        .figure("samples", self.samples.len() as i64)
        .figure("residual_bits", bits)
        .figure("guesses", bits.exp2().round())
        .severity(severity)
        .frames(self.frames.iter().copied().filter(|f| *f > 0));
        if let Some(p) = probability(&pattern) {
            finding = finding.figure("p", p);
        }
        if let Some(rate) = connection_rate(&pattern, &self.samples) {
            finding = finding.figure("leaked_connections_per_second", rate);
        }
        let ends = if key.role == Role::Server { (None, whom) } else { (whom, None) };
        reporter.report(rule, now, ends, finding, out);
    }

    /// Four to six connections a tenth of a second apart are as good as nmap's probes.
    fn probe_like(&mut self, key: &CohortKey, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        if key.role != Role::Server {
            return;
        }
        let of_probes = key.look == PROBES;
        let triplet = if of_probes { nmap::triplet_of_probes(&self.samples) } else { nmap::triplet(&self.samples) };
        let Some(triplet) = triplet else { return };
        self.triplet = Some(triplet);
        let severity = match triplet.sp {
            0..0x10 => Severity::Alert,
            0x10..0x80 => Severity::Warn,
            // One random host in a million is below E0h with six numbers, one in a thousand with four.
            0x80..HARD if self.samples.len() >= 6 => Severity::Note,
            _ => return,
        };
        if self.low_sp_reported {
            return;
        }
        self.low_sp_reported = true;
        let finding = Finding::new(format!(
            "nmap would find the numbers of {} easy to guess: SP {:X}h, GCD {:X}h, ISR {:X}h",
            key.ip, triplet.sp, triplet.gcd, triplet.isr
        ))
        .figure("sp", triplet.sp)
        .figure("gcd", triplet.gcd)
        .figure("isr", triplet.isr)
        .severity(severity)
        .frames(self.frames.iter().copied().filter(|f| *f > 0));
        reporter.report(&rules::ISN_LOW_SP, now, (None, Some((key.ip, Some(key.port)))), finding, out);
    }

    /// A second number of one four-tuple: its slope tells the generator's clock (RFC 6528).
    fn same_tuple(&mut self, earlier: &Recent, s: &Seen, reporter: &mut Reporter, out: Report<'_>) {
        let passed = s.time.0.saturating_sub(earlier.time);
        let seconds = passed as f64 / SECOND as f64;
        let rise = s.isn.minus(earlier.isn).0;
        if seconds < 0.2 || self.scheme_reported {
            return;
        }
        let fits = |rate: f64| {
            let due = (rate * seconds).rem_euclid(4_294_967_296.0);
            (f64::from(rise) - due).abs() <= (due * 0.01).max(rate * 0.002)
        };
        self.scheme.0 += u8::from(fits(1.5625e7));
        self.scheme.1 += u8::from(fits(2.5e5));
        let (name, nanoseconds) = match self.scheme {
            (2.., _) => ("a clock of 64 ns (Linux)", 64),
            (_, 2..) => ("a clock of 4 us (RFC 9293)", 4000),
            _ => return,
        };
        self.scheme_reported = true;
        let finding = Finding::new(format!(
            "{} adds {name} to a number of its own for each four-tuple, as RFC 6528 recommends",
            s.by.ip
        ))
        .figure("tick_ns", i64::from(nanoseconds))
        .frames([s.frame]);
        reporter.report(&rules::ISN_SCHEME, s.time, (Some((s.by.ip, None)), None), finding, out);
    }

    fn report(&self, key: &CohortKey) -> IsnReport {
        let (grade, bits) = match &self.pattern {
            Some(pattern) => graded(pattern),
            None if self.samples.len() >= ENOUGH => (Grade::Random, 32.0),
            // nmap needs no more of its own probes.
            None if key.look == PROBES && self.triplet.is_some_and(|t| t.sp >= HARD) => (Grade::Random, 32.0),
            None => (Grade::NotEnough, 32.0),
        };
        IsnReport {
            host: key.ip,
            port: (key.role == Role::Server).then_some(key.port),
            role: key.role,
            samples: self.samples.len(),
            grade,
            residual_bits: bits,
            what: self.pattern.map_or(String::new(), |p| describe(&p, &self.samples)),
            nmap: self.triplet,
        }
    }
}

fn tuple_of(by: Endpoint, peer: Endpoint, role: Role) -> u64 {
    fixed_hash_of(&(by, peer)) ^ role as u64
}

fn key_of(s: &Seen) -> CohortKey {
    if s.probe {
        return CohortKey { ip: s.by.ip, port: s.by.port, role: s.role, look: PROBES };
    }
    let l = &s.look;
    let sizes = u64::from(l.mss.unwrap_or(0)) << 16 | u64::from(l.window_scale.map_or(255, |shift| shift)) << 8;
    let network = u64::from(initial_ttl(l.ttl)) << 1 | u64::from(l.dont_fragment);
    let port = if s.role == Role::Server { s.by.port } else { 0 };
    CohortKey { ip: s.by.ip, port, role: s.role, look: fixed_hash_of(&(l.layout.0, sizes << 9 | network)) }
}

fn fold(ip: IpAddr) -> u32 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip),
        IpAddr::V6(ip) => fixed_hash(ip) as u32,
    }
}

/// The server's number moved exactly as the client's did, within a minute (three more or less where the MSS class
/// differs).
fn is_cookie(earlier: &Recent, s: &Seen) -> SameTuple {
    let Some(answers) = s.answers else { return SameTuple::Nothing };
    let theirs = answers.minus(earlier.other).0;
    let ours = s.isn.minus(earlier.isn).0;
    let soon = s.time.0.saturating_sub(earlier.time) < 60 * SECOND;
    let near = ours.wrapping_sub(theirs).min(theirs.wrapping_sub(ours)) <= 3;
    if theirs != 0 && near && soon { SameTuple::Cookie } else { SameTuple::Nothing }
}

/// The rule that says so, and how bad it is; `None` where it is not worth a word.
fn judged(pattern: &Pattern, role: Role) -> (&'static Rule, Option<Severity>) {
    let by_bits = |bits: f64| match bits {
        ..=16.0 => Some(Severity::Alert),
        ..=22.0 => Some(Severity::Warn),
        ..=28.0 => Some(Severity::Note),
        _ => None,
    };
    match *pattern {
        Pattern::Constant(_) => (&rules::ISN_CONSTANT, Some(Severity::Alert)),
        Pattern::Repeats { .. } => (&rules::ISN_REPEAT, Some(Severity::Alert)),
        Pattern::Step { .. } => (&rules::ISN_GCD, Some(Severity::Warn)),
        Pattern::Line { bits, .. } => (&rules::ISN_TIME_LINEAR, by_bits(bits)),
        Pattern::Increments { .. } | Pattern::Swapped { .. } | Pattern::Several { .. } => {
            (&rules::ISN_TIME_LINEAR, by_bits(pattern.bits()))
        }
        Pattern::StuckBits { .. } => (&rules::ISN_STUCK_BITS, Some(Severity::Warn)),
        Pattern::Relation { .. } | Pattern::Inverted { .. } if role == Role::Server => {
            (&rules::ISN_MIRRORS_PEER, Some(Severity::Warn))
        }
        Pattern::Relation { .. } | Pattern::Inverted { .. } => (&rules::ISN_FROM_ADDRESS, Some(Severity::Warn)),
        Pattern::Congruential { .. } => (&rules::ISN_ATTRACTOR, Some(Severity::Warn)),
    }
}

/// The grade, and the bits an attacker has to guess.
fn graded(pattern: &Pattern) -> (Grade, f64) {
    let bits = pattern.bits();
    let grade = match *pattern {
        Pattern::Constant(_) => Grade::Constant,
        Pattern::Step { largest, .. } if largest <= FEW_STEPS => Grade::FixedStep,
        Pattern::Line { rate, .. } if rate != 0.0 && bits <= 28.0 => Grade::TimeLinear,
        Pattern::Increments { .. } | Pattern::Swapped { .. } => Grade::SmallIncrements,
        _ => Grade::Weak,
    };
    (grade, bits)
}

const fn probability(pattern: &Pattern) -> Option<f64> {
    match *pattern {
        Pattern::Constant(_) => None,
        Pattern::Repeats { p, .. }
        | Pattern::Step { p, .. }
        | Pattern::Line { p, .. }
        | Pattern::Increments { p, .. }
        | Pattern::StuckBits { p, .. }
        | Pattern::Swapped { p, .. }
        | Pattern::Several { p, .. }
        | Pattern::Relation { p, .. }
        | Pattern::Inverted { p, .. }
        | Pattern::Congruential { p, .. } => Some(p),
    }
}

fn describe(pattern: &Pattern, samples: &[Sample]) -> String {
    match *pattern {
        Pattern::Constant(n) => format!("always {n}"),
        Pattern::Repeats { pairs, values, .. } => {
            let (is, s) = if pairs == 1 { ("is", "") } else { ("are", "s") };
            format!("{pairs} pair{s} {is} equal: they are drawn from about {values:.0} values")
        }
        Pattern::Step { divisor, largest, .. } if largest <= FEW_STEPS => {
            let rate =
                connection_rate(pattern, samples).map_or(String::new(), |r| format!(", {r:.1} connections a second"));
            format!("they grow by {divisor} with each connection{rate}")
        }
        Pattern::Step { divisor, .. } => format!("all differences are multiples of {divisor}"),
        Pattern::Line { rate: 0.0, bits, .. } => format!("all within {:.0} numbers", bits.exp2()),
        Pattern::Line { rate, bits, .. } => {
            format!("a clock of {rate:.0} ticks a second, give or take {:.0}", bits.exp2())
        }
        Pattern::Increments { smallest, largest, .. } => {
            format!("each is {smallest} to {largest} above the one before")
        }
        Pattern::Swapped { smallest, largest, .. } => {
            format!("in the other byte order each is {smallest} to {largest} above the one before")
        }
        Pattern::Several { counters, bits, .. } => {
            format!("{counters} counters take turns; {:.0} numbers are likely next", bits.exp2())
        }
        Pattern::StuckBits { mask, .. } => format!("{} bits never change (mask {mask:08x})", mask.count_ones()),
        Pattern::Relation { distance, .. } => format!("always {} from what they answer", distance as i32),
        Pattern::Inverted { mask, .. } => format!("always what they answer with the bits {mask:08x} inverted"),
        Pattern::Congruential { factor, .. } => {
            format!("each difference is {factor} times the one before: a linear congruential generator")
        }
    }
}

/// Connections a second that a fixed step gives away, those out of sight included.
fn connection_rate(pattern: &Pattern, samples: &[Sample]) -> Option<f64> {
    let Pattern::Step { divisor, largest, .. } = *pattern else { return None };
    let (first, last) = (samples.first()?, samples.last()?);
    let seconds = (last.time - first.time) as f64 / SECOND as f64;
    if largest > FEW_STEPS || seconds <= 0.0 {
        return None;
    }
    let steps: u64 = tests_of::distances(samples.iter().map(|s| s.isn)).map(|d| u64::from(d / divisor)).sum();
    Some(steps as f64 / seconds)
}

#[cfg(test)]
mod simulation;
