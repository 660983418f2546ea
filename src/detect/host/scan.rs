//! Who probes: failed attempts and stray probes of each source, and what they add up to.
//!
//! A source's probes are kept as distinct pairs of host and port, at most [`MAX_PAIRS`] of them and at most so many of
//! all sources together; beyond that they are counted by a sketch. Of those kept, what answered by RST gives way to
//! what was open or silent: that is what a scan is after.

mod crowd;
mod patience;

use core::net::IpAddr;

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::burst::{Burst, HostBurst, MANY};
use super::clients::Stacks;
use super::connection_holding::HALF_OPEN_AGE;
use super::input::{Attempt, Outcome, Places, Settled};
use super::probe::{Probe, Reply, Technique};
use super::reporter::{Report, Reporter};
use super::rules;
use super::settings::Settings;
use super::sketch::{Bounded, Distinct, Weigh, fixed_hash, fixed_hash_of};
use super::tools::{Prints, Tool};
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::rule::{Finding, Rule};
use crate::tcp::{Endpoint, Flags};
use crate::time::{MILLISECOND, SECOND, Timestamp};
use crowd::{Crowds, Decoys, Stand};
use patience::{Asked, NO_CHECK, PATIENCE, Verdict, Waiting};

/// Pairs kept of one source.
const MAX_PAIRS: usize = 1024;
/// Ports that a list of an event names.
const MAX_LISTED: usize = 1024;
/// Frames of evidence.
const MAX_FRAMES: usize = 8;
/// Reports that one source may have open.
const MAX_REPORTS: usize = 8;
/// A source with more pairs than this is examined for a grid, and for a slow scan, only after every so many more
/// failures: that sorts all of them.
const LOOKED_AT_ONCE: usize = 64;
const LOOKED_AT_EVERY: u8 = 8;
/// A scan is over after this much silence, and a slow one after this much.
const QUIET: i64 = 60 * SECOND;
const QUIET_SLOW: i64 = 2 * 3600 * SECOND;
/// Failed or empty connections to one host that tell a technique before they are many enough for a scan.
const TECHNIQUE_FROM: usize = 8;
/// Window of slow scans.
const SLOW_WINDOW: i64 = 24 * 3600 * SECOND;
/// A source's clocks and systems are followed from so many SYNs on, of one source in so many of those remembered at
/// most.
const SEVERAL_SYNS: u32 = 3;
const FOLLOWED: usize = 4;
/// So long without any answer may be that of a dead uplink.
const SILENCE: i64 = 3 * SECOND;
/// Before any packet.
const NEVER: Timestamp = Timestamp(i64::MIN);
/// By the other family a client asks within so much time, of so many attempts remembered.
const TWIN: i64 = 2_500 * MILLISECOND;
const ASKED_BY_SIX: usize = 32;
/// A scan of one port of many hosts that went on with so many more ports is a grid by itself.
const GRID_OF_ROWS: usize = 2;
/// Who asks back does so within this time.
const ASKED_BACK: i64 = 60 * SECOND;
/// Final reports kept for the summary.
const MAX_FINISHED: usize = 1024;

/// What shape a scan has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Many ports of one host.
    Vertical(IpAddr),
    /// One port of many hosts.
    Horizontal(u16),
    /// Several ports of several hosts.
    Block,
    /// Few at a time, over hours.
    Slow,
}

impl Shape {
    const fn rule(self) -> &'static Rule {
        match self {
            Self::Vertical(_) => &rules::SCAN_VERTICAL,
            Self::Horizontal(_) => &rules::SCAN_HORIZONTAL,
            Self::Block => &rules::SCAN_BLOCK,
            Self::Slow => &rules::SCAN_SLOW,
        }
    }
}

/// A scan that was reported and goes on.
#[derive(Clone, Copy, Debug)]
struct Reported {
    shape: Shape,
    technique: Technique,
    incident: u64,
    /// It may be ordinary life, and is no more than a note.
    doubtful: bool,
}

/// What became of a probed pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Open,
    /// Open, and the prober closed at once without a word.
    OpenUnused,
    Answered,
    Silent,
    /// Observation ended before silence was known.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    to: IpAddr,
    port: u16,
    found: Found,
    technique: Technique,
    asked: Asked,
    time: Timestamp,
    /// The target had just asked something of the source.
    back: bool,
}

impl Pair {
    fn is_open(&self) -> bool {
        matches!(self.found, Found::Open | Found::OpenUnused)
    }

    fn is_silent(&self) -> bool {
        matches!(self.found, Found::Silent | Found::Unknown)
    }

    fn digest(&self) -> u64 {
        fixed_hash_of(&Endpoint { ip: self.to, port: self.port })
    }
}

/// Pairs that were not kept, by what became of them.
#[derive(Debug)]
struct Beyond {
    pairs: Distinct,
    open: u64,
    silent: u64,
    first: Timestamp,
    last: Timestamp,
    /// Where to look next for a pair that gives way.
    next: usize,
}

impl Beyond {
    fn new(first: Timestamp) -> Self {
        Self { pairs: Distinct::new(), open: 0, silent: 0, first, last: first, next: 0 }
    }

    fn add(&mut self, pair: &Pair) {
        self.pairs.add(fixed_hash((pair.to, pair.port)));
        self.open += u64::from(pair.is_open());
        self.silent += u64::from(pair.is_silent());
        self.first = self.first.min(pair.time);
        self.last = self.last.max(pair.time);
    }
}

/// A scan for the summary: who, what, how.
#[derive(Clone, Debug)]
pub struct ScanReport {
    /// Who scans.
    pub source: IpAddr,
    /// Its shape.
    pub shape: Shape,
    /// Its technique.
    pub technique: Technique,
    /// The tool, where it is known.
    pub tool: Option<Tool>,
    /// First probe.
    pub first: Timestamp,
    /// Last probe.
    pub last: Timestamp,
    /// Distinct hosts probed.
    pub hosts: u64,
    /// Distinct pairs of host and port probed.
    pub pairs: u64,
    /// Ports found open (of all hosts).
    pub open: Vec<u16>,
    /// Pairs found open.
    pub found_open: u64,
    /// Pairs answered by RST.
    pub closed: u64,
    /// Pairs that did not answer.
    pub filtered: u64,
    /// Probes a second.
    pub rate: f64,
    /// Frames of its first probes.
    pub frames: Vec<u64>,
}

/// One source of attempts. What ordinary connections touch comes first, in as few cache lines as there can be.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Source {
    last: Timestamp,
    attempts: u64,
    prints: Prints,
    stack_syns: u32,
    raw_syns: u32,
    /// Last source port and how many before it were a small step apart.
    ports: (u16, u8),
    ports_reported: bool,
    trw_reported: bool,
    /// Its clocks and systems, from its third SYN on.
    stacks: Option<Box<Stacks>>,
    /// Half-open connections that began since a moment, and open ones on which nothing has been said.
    half_open: (Timestamp, u32),
    silent: u32,
    /// Longest time from a SYN to its answer.
    slowest_answer: i64,
    answers: u32,
    /// Logarithm to base 4 of TRW's likelihood ratio: +1 for a failed first contact, -1 for a successful one.
    walk: i32,
    contacts: SmallVec<[u32; 4]>,
    /// First contacts of the half minute that began then, and of the one before it: failed ones and others.
    lately: [(Timestamp, u32, u32); 2],
    /// Connections that were put to use.
    used: u64,
    first: Timestamp,
    reset_after_synack: u32,
    empty_opens: u32,
    pairs: Vec<Pair>,
    /// Where they are.
    index: HashTable<u16>,
    /// Pairs beyond those kept.
    beyond: Option<Box<Beyond>>,
    reports: SmallVec<[Reported; 1]>,
    /// Scans that may be none.
    waiting: Vec<Waiting>,
    /// When something last answered it, and the last time before that when nothing did for long.
    last_answer: Timestamp,
    silence: (Timestamp, Timestamp),
    /// Who asks for the same by the other family at once, and how often.
    twins: (u32, u32),
    /// Probes that others sent as well, at once.
    shadows: u32,
    /// What was not reported of it, because its address may be forged.
    withheld: Option<Tool>,
    techniques: u16,
    /// Failures since the last look at all pairs.
    unseen: u8,
    frames: SmallVec<[u64; 2]>,
    /// Hash of whom it asked last.
    asked_last: u32,
    /// Further ports of a scan of one port of many hosts.
    more_ports: SmallVec<[u16; 4]>,
    refused: Burst,
    silent_hosts: HostBurst,
    stray_port: (u16, u32),
    /// Flags of its last probe that had odd ones.
    odd_flags: Flags,
}

impl Weigh for Source {
    fn weight(&self) -> (u64, i64) {
        (self.pairs.len() as u64 + 1000 * self.reports.len() as u64, self.last.0)
    }
}

impl Source {
    fn new(now: Timestamp) -> Self {
        Self {
            first: now,
            last: now,
            attempts: 0,
            used: 0,
            prints: Prints::default(),
            pairs: Vec::new(),
            index: HashTable::new(),
            beyond: None,
            reset_after_synack: 0,
            empty_opens: 0,
            stack_syns: 0,
            raw_syns: 0,
            slowest_answer: 0,
            answers: 0,
            walk: 0,
            contacts: SmallVec::new(),
            lately: [(now, 0, 0), (Timestamp(i64::MIN), 0, 0)],
            reports: SmallVec::new(),
            waiting: Vec::new(),
            last_answer: NEVER,
            silence: (NEVER, NEVER),
            twins: (0, 0),
            shadows: 0,
            withheld: None,
            techniques: 0,
            unseen: 0,
            frames: SmallVec::new(),
            asked_last: 0,
            more_ports: SmallVec::new(),
            refused: Burst::default(),
            silent_hosts: HostBurst::default(),
            stray_port: (0, 0),
            odd_flags: Flags::NONE,
            trw_reported: false,
            ports: (0, 0),
            ports_reported: false,
            half_open: (now, 0),
            silent: 0,
            stacks: None,
        }
    }

    /// The pair kept that is `pair`, if there is one.
    fn held(&mut self, pair: &Pair) -> Option<&mut Pair> {
        let same = |p: &Pair| p.to == pair.to && p.port == pair.port && p.technique == pair.technique;
        let pairs = &self.pairs;
        let at = *self.index.find(pair.digest(), |at| pairs.get(usize::from(*at)).is_some_and(same))?;
        self.pairs.get_mut(usize::from(at))
    }

    /// Keeps `pair`, which is new.
    fn add(&mut self, pair: Pair) {
        let at = self.pairs.len() as u16;
        self.pairs.push(pair);
        let pairs = &self.pairs;
        self.index.insert_unique(pair.digest(), at, |at| pairs.get(usize::from(*at)).map_or(0, Pair::digest));
    }

    /// Keeps `pair`, which is new, in the place of one that answered by RST; the pair that is not kept, which may be
    /// `pair`.
    fn displace(&mut self, pair: Pair, next: &mut usize) -> Pair {
        let (all, start) = (self.pairs.len(), *next);
        let gives_way = |p: &Pair| p.found == Found::Answered && p.technique == pair.technique;
        if pair.found == Found::Answered || all == 0 {
            return pair;
        }
        // A few are looked at for each: most of a scan's pairs answered, or few did.
        let mut places = (start..start + all.min(LOOKED_AT_ONCE)).map(|n| n % all);
        let Some(at) = places.find(|at| gives_way(&self.pairs[*at])) else {
            *next = (start + LOOKED_AT_ONCE) % all;
            return pair;
        };
        *next = at + 1;
        let gone = core::mem::replace(&mut self.pairs[at], pair);
        if let Ok(entry) = self.index.find_entry(gone.digest(), |held| usize::from(*held) == at) {
            entry.remove();
        }
        let pairs = &self.pairs;
        self.index.insert_unique(pair.digest(), at as u16, |at| pairs.get(usize::from(*at)).map_or(0, Pair::digest));
        gone
    }

    fn has_reported(&self, shape: Shape) -> bool {
        let further = matches!(shape, Shape::Horizontal(port) if self.more_ports.contains(&port));
        further || self.reports.iter().any(|reported| reported.shape == shape)
    }

    /// Whether a scan of this shape was reported that may be ordinary life.
    fn is_doubtful(&self, shape: Shape) -> bool {
        self.reports.iter().any(|reported| reported.shape == shape && reported.doubtful)
    }

    /// Whether a pair is part of what has this shape.
    fn belongs(&self, shape: Shape, pair: &Pair) -> bool {
        match shape {
            Shape::Vertical(to) => pair.to == to,
            Shape::Horizontal(port) => {
                let further = || self.is_main(port) && self.more_ports.contains(&pair.port);
                !pair.back && (pair.port == port || further())
            }
            Shape::Block | Shape::Slow => !pair.back,
        }
    }

    /// Whether the scan of this port of many hosts is the one that further ports were found to be part of.
    fn is_main(&self, port: u16) -> bool {
        let mut horizontal = self.reports.iter().filter(|r| matches!(r.shape, Shape::Horizontal(_)));
        horizontal.next().is_some_and(|first| first.shape == Shape::Horizontal(port))
    }

    /// The scan of another port of the same hosts that goes on.
    fn of_other_port(&self, shape: Shape, technique: Technique) -> Option<Reported> {
        let Shape::Horizontal(new) = shape else { return None };
        let first = self.reports.iter().find(|r| matches!(r.shape, Shape::Horizontal(_)))?;
        let of_new = || self.pairs.iter().filter(|p| p.port == new && !p.back && self.technique_of(p) == technique);
        let mut known: Vec<IpAddr> = members_of(self, first.shape, first.technique).map(|p| p.to).collect();
        known.sort_unstable();
        let shared = of_new().filter(|p| known.binary_search(&p.to).is_ok()).count();
        (first.technique == technique && 2 * shared >= of_new().count()).then_some(*first)
    }

    fn evidence(&mut self, frame: u64) {
        if self.frames.len() < MAX_FRAMES && !self.frames.contains(&frame) {
            self.frames.push(frame);
        }
    }

    /// The technique of its attempts to connect.
    fn connecting(&self) -> Technique {
        let completes = self.empty_opens > 0 && self.reset_after_synack == 0;
        let like_a_stack = self.stack_syns > self.raw_syns && self.reset_after_synack == 0;
        if completes || like_a_stack { Technique::Connect } else { Technique::Syn }
    }

    /// What was taken for one technique may turn out to be another.
    fn resolved(&self, technique: Technique) -> Technique {
        match technique {
            Technique::Syn | Technique::Connect => self.connecting(),
            other => other,
        }
    }

    fn technique_of(&self, pair: &Pair) -> Technique {
        self.resolved(pair.technique)
    }

    const fn reported(&mut self, technique: Technique) -> bool {
        let bit = 1 << technique as u16;
        let was = self.techniques & bit != 0;
        self.techniques |= bit;
        was
    }

    const fn knows(&self, technique: Technique) -> bool {
        self.techniques >> technique as u16 & 1 == 1
    }

    /// Whether a pair counts towards a scan.
    fn counts(&self, pair: &Pair) -> bool {
        match pair.technique {
            Technique::Syn | Technique::Connect => !matches!(pair.found, Found::OpenUnused | Found::Unknown),
            other => self.knows(other),
        }
    }

    /// Whether a pair counts towards a scan that may be none: ports that were left at once do.
    fn may_count(&self, pair: &Pair) -> bool {
        self.counts(pair) || (self.is_of_a_kernel() && pair.may_be_ordinary())
    }

    /// Whether a kernel makes its connections: checks, browsers and simple scanners have them do it.
    fn is_of_a_kernel(&self) -> bool {
        self.stack_syns > self.raw_syns && self.prints.tool().is_none()
    }

    /// Whether it behaves as no client does, so that successes do not excuse it.
    fn is_peculiar(&self) -> bool {
        self.prints.tool().is_some() || (self.reset_after_synack >= 3 && !self.is_of_a_kernel())
    }

    /// Whether its address may be one of several in whose names somebody else sends: most of its probes came from
    /// others, too.
    fn is_shadowed(&self) -> bool {
        self.shadows >= 2 && u64::from(self.shadows) * 2 >= self.attempts.max(self.pairs.len() as u64)
    }

    /// Whether it is shadowed, and has not been seen to get what is sent to it.
    fn may_be_forged(&self) -> bool {
        self.is_shadowed() && self.reset_after_synack == 0
    }

    /// Something answered at `now`.
    fn is_answered(&mut self, now: Timestamp) {
        // Observation may begin when the uplink is dead already.
        let since = if self.last_answer == NEVER { self.first } else { self.last_answer };
        if now - since >= SILENCE {
            self.silence = (since, now);
        }
        self.last_answer = self.last_answer.max(now);
    }

    /// `who` asked for the same by the other family: most such say who that is.
    const fn has_twin(&mut self, who: u32) {
        let (known, times) = self.twins;
        self.twins = if known == who {
            (who, times.saturating_add(1))
        } else if times == 0 {
            (who, 1)
        } else {
            (known, times - 1)
        };
    }

    /// Whether there is something to tell of it later.
    fn is_active(&self) -> bool {
        !self.reports.is_empty() || !self.waiting.is_empty()
    }

    /// Withholds a shape, or its technique alone.
    fn wait(&mut self, shape: Option<Shape>, pair: &Pair, now: Timestamp) {
        let known = self.waiting.iter().any(|w| w.shape == shape && (shape.is_some() || w.pair.to == pair.to));
        if !known && self.waiting.len() < MAX_REPORTS {
            self.waiting.push(Waiting { shape, pair: *pair, since: now });
        }
    }

    fn is_quiet(&self, now: Timestamp) -> bool {
        let is_slow = self.reports.iter().any(|reported| reported.shape == Shape::Slow);
        now - self.last >= if is_slow { QUIET_SLOW } else { QUIET }
    }
}

/// Every source, and the scans found.
#[derive(Debug)]
pub(super) struct Scans {
    sources: Bounded<IpAddr, Source>,
    pairs_left: usize,
    /// Sources of which clocks and systems may still be followed.
    stacks_left: usize,
    /// Sources with an open report, in the order in which they were found.
    active: Vec<IpAddr>,
    finished: Vec<ScanReport>,
    local_known: bool,
    /// The last attempts by IPv6, in the order of a ring, until one by IPv4 comes for the same port.
    decoys: Decoys,
    crowds: Crowds,
    by_six: Vec<(Timestamp, u16, IpAddr)>,
    next_by_six: usize,
    /// When the last of them was made.
    last_by_six: Timestamp,
}

impl Scans {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            sources: Bounded::new(settings.sources),
            pairs_left: settings.pairs,
            stacks_left: settings.sources / FOLLOWED,
            active: Vec::new(),
            finished: Vec::new(),
            local_known: !settings.local_nets.is_empty(),
            decoys: Decoys::default(),
            crowds: Crowds::default(),
            by_six: Vec::new(),
            next_by_six: 0,
            last_by_six: NEVER,
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let owned: usize = self
            .sources
            .iter()
            .map(|(_, s)| {
                s.pairs.capacity() * (size_of::<Pair>() + size_of::<u16>() + 1)
                    + s.beyond.as_ref().map_or(0, |_| 4096)
                    + if s.contacts.spilled() { s.contacts.capacity() * size_of::<u32>() } else { 0 }
                    + if s.frames.spilled() { s.frames.capacity() * size_of::<u64>() } else { 0 }
                    + s.refused.octets()
                    + s.silent_hosts.octets()
                    + s.waiting.capacity() * size_of::<Waiting>()
                    + s.stacks.as_ref().map_or(0, |_| size_of::<Stacks>())
            })
            .sum();
        self.sources.octets() + owned
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.sources.evicted()
    }

    /// A SYN of `source` comes soon.
    pub(super) fn prefetch(&self, source: IpAddr) {
        self.sources.prefetch(&source);
    }

    /// A first SYN. `flooded`: to a service that many sources attack, so that only a source known before is of
    /// interest.
    pub(super) fn attempt(
        &mut self,
        a: &Attempt,
        flooded: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        if a.client.ip.is_ipv6() {
            self.ask_by_six(a);
        } else if a.time.0 <= self.last_by_six.0.saturating_add(TWIN) {
            self.find_twin(a);
        }
        let may_follow = self.stacks_left > 0;
        let (Some(source), _) = self.source(a.client.ip, a.time, flooded, at) else { return };
        let mut follows = false;
        source.last = source.last.max(a.time);
        source.attempts += 1;
        source.asked_last = fixed_hash_of(&a.server.ip) as u32;
        if a.look.is_of_a_stack() {
            source.stack_syns += 1;
            if source.stacks.is_none() && source.stack_syns >= SEVERAL_SYNS && may_follow {
                source.stacks = Some(Box::default());
                follows = true;
            }
            // A scanner's packets are of no system.
            if let Some(stacks) = source.stacks.as_mut().filter(|_| source.prints.tool().is_none()) {
                stacks.see(a, reporter, out);
            }
        } else if !a.look.options_cut {
            source.raw_syns += 1;
        }
        sequential(source, a, reporter, out);
        let tool = source.prints.see(a);
        if tool.is_some() && source.may_be_forged() {
            source.withheld = tool;
        } else if let Some(tool) = tool {
            let finding = tool_finding(source, a.client.ip, tool).frames([a.frame]);
            reporter.report(tool.rule(), a.time, (Some((a.client.ip, None)), Some((a.server.ip, None))), finding, out);
        }
        self.stacks_left -= usize::from(follows);
    }

    /// Both sent the same probe of `target` at once.
    pub(super) fn sent_by_both(&mut self, ip: IpAddr, other: IpAddr, target: IpAddr) {
        for who in [ip, other] {
            if let Some(source) = self.sources.get_mut(&who) {
                source.shadows = source.shadows.saturating_add(1);
            }
        }
        self.decoys.add(target, [other, ip]);
    }

    fn ask_by_six(&mut self, a: &Attempt) {
        let asked = (a.time, a.server.port, a.client.ip);
        if self.by_six.len() < ASKED_BY_SIX {
            self.by_six.push(asked);
        } else {
            self.by_six[self.next_by_six] = asked;
            self.next_by_six = (self.next_by_six + 1) % ASKED_BY_SIX;
        }
        self.last_by_six = self.last_by_six.max(a.time);
    }

    /// Whether somebody has just asked for the same port by IPv6.
    fn find_twin(&mut self, a: &Attempt) {
        let alike = |(time, port, _): &&mut (Timestamp, u16, IpAddr)| {
            *port == a.server.port && (0..=TWIN).contains(&a.time.0.saturating_sub(time.0))
        };
        let Some(twin) = self.by_six.iter_mut().filter(alike).min_by_key(|(time, ..)| *time) else { return };
        let six = twin.2;
        // Each has one twin.
        twin.0 = NEVER;
        if let Some(source) = self.sources.get_mut(&six) {
            source.has_twin(fixed_hash_of(&a.client.ip) as u32);
        }
        if let Some(source) = self.sources.get_mut(&a.client.ip) {
            source.has_twin(fixed_hash_of(&six) as u32);
        }
    }

    /// What is known of `ip`, and how many more pairs may be kept. It is made known, unless only what is `known` is
    /// wanted.
    fn source(
        &mut self,
        ip: IpAddr,
        now: Timestamp,
        known: bool,
        at: &mut Places,
    ) -> (Option<&mut Source>, &mut usize) {
        let source = if known {
            self.sources.get_at(&mut at.client, &ip)
        } else {
            Some(self.sources.entry_at(&mut at.client, ip, || Source::new(now)))
        };
        (source, &mut self.pairs_left)
    }

    /// How many attempts of `client` are known.
    pub(super) fn attempts_of(&self, client: IpAddr) -> u64 {
        self.sources.get(&client).map_or(0, |source| source.attempts)
    }

    /// Whether the client has put connections to use, and when something last answered it.
    pub(super) fn known(&mut self, client: IpAddr, at: &mut Places) -> (bool, Timestamp) {
        self.sources.get_at(&mut at.client, &client).map_or((false, NEVER), |s| (s.used > 0, s.last_answer))
    }

    /// An attempt at a service that used to work and fails its clients: whether that says nothing of its client, who
    /// uses connections otherwise.
    pub(super) fn meets_outage(&mut self, s: &Settled, at: &mut Places) -> bool {
        let Some(source) = self.sources.get_at(&mut at.client, &s.client.ip).filter(|source| source.used > 0) else {
            return false;
        };
        if s.outcome == Outcome::Refused {
            source.is_answered(s.time);
        }
        matches!(s.outcome, Outcome::Refused | Outcome::Unreachable | Outcome::Unanswered | Outcome::Silent)
    }

    /// The first SYN-ACK to an attempt, which took `after`. How many connections of the client are half-open now.
    pub(super) fn answered(&mut self, now: Timestamp, client: IpAddr, after: i64, at: &mut Places) -> u32 {
        let Some(source) = self.sources.get_at(&mut at.client, &client) else { return 0 };
        source.slowest_answer = source.slowest_answer.max(after);
        source.answers += 1;
        source.is_answered(now);
        if now - source.half_open.0 > HALF_OPEN_AGE {
            source.half_open = (now, 0);
        }
        source.half_open.1 += 1;
        source.half_open.1
    }

    /// A half-open connection opened, or was reset.
    pub(super) fn half_closed(&mut self, client: IpAddr, at: &mut Places) {
        if let Some(source) = self.sources.get_at(&mut at.client, &client) {
            source.half_open.1 = source.half_open.1.saturating_sub(1);
        }
    }

    /// A connection opened, and nothing has been said on it. On how many of the client it is so now.
    pub(super) fn opened(&mut self, client: IpAddr, at: &mut Places) -> u32 {
        let Some(source) = self.sources.get_at(&mut at.client, &client) else { return 0 };
        source.silent += 1;
        source.silent
    }

    /// A connection on which nothing had been said ended.
    pub(super) fn closed(&mut self, client: IpAddr, at: &mut Places) {
        if let Some(source) = self.sources.get_at(&mut at.client, &client) {
            source.silent = source.silent.saturating_sub(1);
        }
    }

    /// Whether a client asks somebody who has just asked it, as mail and chat servers do, or peers that see whether
    /// they can be reached.
    fn asks_back(&self, s: &Settled) -> bool {
        self.sources.get(&s.server.ip).is_some_and(|source| {
            source.asked_last == fixed_hash_of(&s.client.ip) as u32 && (s.began - source.last).abs() <= ASKED_BACK
        })
    }

    /// An attempt came out.
    pub(super) fn settled(
        &mut self,
        s: &Settled,
        flooded: bool,
        at: &mut Places,
        settings: &Settings,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let ip = s.client.ip;
        let local_known = self.local_known;
        let back = !matches!(s.outcome, Outcome::Open(_)) && self.asks_back(s);
        let (Some(source), left) = self.source(ip, s.began, flooded, at) else { return };
        let found = match s.outcome {
            Outcome::Open(_) => {
                walk(source, s, true);
                return;
            }
            Outcome::Aborted => return,
            Outcome::Refused => Found::Answered,
            Outcome::Unreachable | Outcome::Unanswered => Found::Silent,
            Outcome::ResetAfterSynAck => {
                source.reset_after_synack += 1;
                Found::Open
            }
            Outcome::MissingAck | Outcome::HalfOpen => Found::Open,
            Outcome::Silent => silent_at_end(source, s),
        };
        if s.outcome == Outcome::Refused {
            source.slowest_answer = source.slowest_answer.max(s.time - s.began);
            source.answers += 1;
            source.is_answered(s.time);
        }
        source.evidence(s.frame);
        if found != Found::Unknown && !back {
            burst(source, s, reporter, out);
            // A kernel that resets what answers checks it.
            let checks = s.outcome == Outcome::ResetAfterSynAck && source.is_of_a_kernel();
            walk(source, s, checks);
        }
        let reported = trw(source, local_known && !settings.is_local(ip));
        let pair = Pair {
            to: s.server.ip,
            port: s.server.port,
            found,
            technique: Technique::Syn,
            asked: Asked::ONCE,
            time: s.began,
            back,
        };
        keep(source, pair, left, settings);
        if let Some(finding) = reported {
            reporter.report(&rules::TRW_SCANNER, s.time, (Some((ip, None)), Some((s.server.ip, None))), finding, out);
        }
        self.judge(ip, &pair, s.time, settings, reporter, out);
    }

    /// The client closed a connection it had not used.
    pub(super) fn unused(&mut self, s: &Settled, settings: &Settings, reporter: &mut Reporter, out: Report<'_>) {
        let back = self.asks_back(s);
        let source = self.sources.entry(s.client.ip, || Source::new(s.began));
        source.empty_opens += 1;
        source.evidence(s.frame);
        let pair = Pair {
            to: s.server.ip,
            port: s.server.port,
            found: Found::OpenUnused,
            technique: Technique::Syn,
            asked: Asked::ONCE,
            time: s.began,
            back,
        };
        keep(source, pair, &mut self.pairs_left, settings);
        self.judge(s.client.ip, &pair, s.time, settings, reporter, out);
    }

    /// Data was sent on a connection of the client for the first time; `silent`: after it had opened.
    pub(super) fn used(&mut self, client: IpAddr, silent: bool, at: &mut Places) {
        if let Some(source) = self.sources.get_at(&mut at.client, &client) {
            source.used += 1;
            source.prints.used();
            source.silent = source.silent.saturating_sub(u32::from(silent));
        }
    }

    /// A stray segment that may be a probe. Call it again when the target has answered.
    pub(super) fn probe(&mut self, p: &Probe, settings: &Settings, reporter: &mut Reporter, out: Report<'_>) {
        let source = self.sources.entry(p.from.ip, || Source::new(p.time));
        source.last = source.last.max(p.time);
        source.evidence(p.frame);
        let found = match p.reply {
            Reply::None => Found::Silent,
            Reply::Reset => Found::Answered,
            Reply::SynAck => Found::Open,
        };
        let (technique, asked, time) = (p.technique, Asked::ONCE, p.time);
        let pair = Pair { to: p.to.ip, port: p.to.port, found, technique, asked, time, back: false };
        keep(source, pair, &mut self.pairs_left, settings);
        if matches!(p.technique, Technique::Odd | Technique::OddAck) {
            source.odd_flags = p.flags;
        }
        if source.stray_port.0 == p.from.port {
            source.stray_port.1 += 1;
        } else {
            source.stray_port = (p.from.port, 1);
        }
        if !source.knows(p.technique) && proves(source, p) {
            source.reported(p.technique);
            let finding = technique_finding(source, p.from.ip, p.technique, p.to.ip).frames([p.frame]);
            self.crowds.tell(p, finding, reporter, out);
        }
        if source.knows(p.technique) {
            self.judge(p.from.ip, &pair, p.time, settings, reporter, out);
        }
    }

    /// Sources that were evicted gave nothing back: what is held is counted anew.
    pub(super) fn recount(&mut self, settings: &Settings) {
        let kept: usize = self.sources.iter().map(|(_, s)| s.pairs.len()).sum();
        self.pairs_left = settings.pairs.saturating_sub(kept);
        let followed = self.sources.iter().filter(|(_, s)| s.stacks.is_some()).count();
        self.stacks_left = (settings.sources / FOLLOWED).saturating_sub(followed);
    }

    /// Scans that have fallen silent are reported as they ended.
    pub(super) fn tick(&mut self, now: Timestamp, settings: &Settings, reporter: &mut Reporter, out: Report<'_>) {
        self.crowds.tick(now, reporter, out);
        let mut at = 0;
        while let Some(ip) = self.active.get(at).copied() {
            self.decide(ip, now, PATIENCE, settings, reporter, out);
            match self.sources.get_mut(&ip) {
                Some(source) if !source.waiting.is_empty() => at += 1,
                Some(source) if !source.reports.is_empty() && !source.is_quiet(now) => at += 1,
                _ => {
                    self.active.remove(at);
                    self.conclude(ip, now, reporter, out);
                }
            }
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, settings: &Settings, reporter: &mut Reporter, out: Report<'_>) {
        self.crowds.finish(now, reporter, out);
        let active = core::mem::take(&mut self.active);
        for ip in &active {
            self.decide(*ip, now, 0, settings, reporter, out);
        }
        for ip in active {
            self.conclude(ip, now, reporter, out);
        }
    }

    /// Scans that ended, then those that go on, in the order in which they were found.
    pub(super) fn reports(&self) -> Vec<ScanReport> {
        let running = self.active.iter().filter_map(|ip| Some((*ip, self.sources.get(ip)?)));
        let summaries = running
            .flat_map(|(ip, source)| source.reports.iter().map(move |r| summarize(source, ip, r.shape, r.technique)));
        self.finished.iter().cloned().chain(summaries).collect()
    }

    /// Whether what `ip` has probed by now is a scan of some shape, of which `pair` is the newest piece.
    fn judge(
        &mut self,
        ip: IpAddr,
        pair: &Pair,
        now: Timestamp,
        settings: &Settings,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(source) = self.sources.get_mut(&ip) else { return };
        source.unseen = if source.unseen < LOOKED_AT_EVERY { source.unseen + 1 } else { 1 };
        let was_active = source.is_active();
        let of_a_kernel = source.is_of_a_kernel() && pair.may_be_ordinary();
        let stand = self.decoys.stand(source, ip, pair.to);
        let local = settings.is_local(ip);
        for shape in shapes(source, pair, now, settings, local) {
            let Some(shape) = as_grid(source, shape, now, settings, local) else { continue };
            if stand == Stand::Reported {
                self.decoys.note(pair.to, ip, now, reporter, out);
                continue;
            }
            if source.has_reported(shape) {
                if source.is_doubtful(shape) {
                    source.wait(Some(shape), pair, now);
                }
            } else if stand == Stand::Forged {
                source.wait(Some(shape), pair, now);
            } else if of_a_kernel && !is_sure(source, shape, now, settings, ip) {
                source.wait(Some(shape), pair, now);
                if is_likely(source, shape, now, settings, ip) {
                    report(source, (ip, pair), (shape, true), now, &mut self.decoys, reporter, out);
                }
            } else {
                report(source, (ip, pair), (shape, false), now, &mut self.decoys, reporter, out);
            }
        }
        if let Some(technique) = early_technique(source, pair).filter(|_| stand != Stand::Reported) {
            if of_a_kernel || stand == Stand::Forged {
                source.wait(None, pair, now);
            } else {
                tell_technique(source, (ip, pair.to), (technique, false), now, &mut self.decoys, reporter, out);
            }
        }
        let is_active = source.is_active();
        if is_active && !was_active && self.active.len() < MAX_FINISHED {
            self.active.push(ip);
        }
    }

    /// What was withheld of `ip` for so long is reported, or forgotten.
    fn decide(
        &mut self,
        ip: IpAddr,
        now: Timestamp,
        patience: i64,
        settings: &Settings,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(source) = self.sources.get_mut(&ip) else { return };
        if source.waiting.iter().all(|w| now - w.since < patience) {
            return;
        }
        let waiting = core::mem::take(&mut source.waiting);
        let (due, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|w| now - w.since >= patience);
        source.waiting = rest;
        for Waiting { shape, pair, since } in due {
            let known = shape.unwrap_or(Shape::Vertical(pair.to));
            let (window, enough) = bounds(known, settings, settings.is_local(ip));
            let enough = if shape.is_some() { enough } else { TECHNIQUE_FROM };
            let known = if shape.is_some() {
                as_grid(source, known, now, settings, settings.is_local(ip))
            } else {
                Some(known)
            };
            let Some(known) = known else { continue };
            let verdict = if source.is_of_a_kernel() {
                patience::judge(source, known, since.after(-window), enough)
            } else {
                Verdict::Scan
            };
            let doubtful = verdict == Verdict::Doubtful;
            if self.decoys.stand(source, ip, pair.to) == Stand::Reported {
                self.decoys.note(pair.to, ip, now, reporter, out);
                continue;
            }
            if verdict == Verdict::Scan {
                confirm(source, ip, known, now, reporter, out);
            }
            if source.has_reported(known) || verdict == Verdict::Ordinary {
                continue;
            }
            if shape.is_some() {
                report(source, (ip, &pair), (known, doubtful), now, &mut self.decoys, reporter, out);
            } else if let Some(technique) = early_technique(source, &pair) {
                tell_technique(source, (ip, pair.to), (technique, doubtful), now, &mut self.decoys, reporter, out);
            }
        }
    }

    fn conclude(&mut self, ip: IpAddr, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        let Some(source) = self.sources.get_mut(&ip).filter(|source| !source.reports.is_empty()) else { return };
        let reports = source.reports.clone();
        for Reported { shape, technique, incident, doubtful } in reports {
            let (ends, mut finding) = scan_finding(source, ip, shape, technique);
            finding.severity = doubtful.then_some(Severity::Note);
            let finding = match shape {
                Shape::Vertical(to) => self.decoys.name(to, ip, finding),
                _ => finding,
            };
            reporter.report(shape.rule(), now, ends, finding.of(incident, Phase::Final), out);
            if let Shape::Vertical(to) = shape {
                self.decoys.over(to, ip);
            }
            if self.finished.len() < MAX_FINISHED {
                self.finished.push(summarize(source, ip, shape, technique));
            }
        }
        source.reports.clear();
        source.more_ports.clear();
        self.pairs_left += source.pairs.len();
        source.pairs = Vec::new();
        source.index = HashTable::new();
        source.beyond = None;
        source.techniques = 0;
    }
}

/// The window of a shape, and how many pairs make it.
fn bounds(shape: Shape, settings: &Settings, local: bool) -> (i64, usize) {
    let t = &settings.scan;
    let limit = |n: u32| (n.max(1) as usize).saturating_mul(if local { 10 } else { 1 }).min(MAX_PAIRS);
    match shape {
        Shape::Vertical(_) => (t.window, limit(t.ports)),
        Shape::Horizontal(_) => (t.window, limit(t.hosts)),
        Shape::Block => (t.window.saturating_mul(3), limit(t.pairs)),
        Shape::Slow => (SLOW_WINDOW, limit(t.pairs)),
    }
}

fn tool_finding(source: &Source, ip: IpAddr, tool: Tool) -> Finding {
    Finding::new(format!("{ip} sends the packets of {}", tool.name()))
        .figure("tool", tool.name())
        .frames(source.frames.iter().copied())
}

/// What is found of a source that scans a grid is part of that: a report for each of its rows and columns says nothing
/// more.
fn as_grid(source: &Source, shape: Shape, now: Timestamp, settings: &Settings, local: bool) -> Option<Shape> {
    if !matches!(shape, Shape::Vertical(_) | Shape::Horizontal(_)) || source.has_reported(shape) {
        return Some(shape);
    }
    if source.has_reported(Shape::Block) {
        return None;
    }
    // A scan of one port of many hosts that goes on with others.
    let goes_on = source.reports.iter().any(|r| matches!(r.shape, Shape::Horizontal(_)));
    if goes_on && matches!(shape, Shape::Horizontal(_)) {
        return (source.more_ports.len() < MAX_LISTED).then_some(shape);
    }
    if goes_on && source.more_ports.len() >= GRID_OF_ROWS {
        return None;
    }
    let (_, enough) = bounds(Shape::Block, settings, local);
    Some(if is_block(source, now, settings, enough) { Shape::Block } else { shape })
}

/// Whether a shape of which a kernel made the connections needs no patience: nobody checks so many ports of one host.
fn is_sure(source: &Source, shape: Shape, now: Timestamp, settings: &Settings, ip: IpAddr) -> bool {
    let (window, enough) = bounds(shape, settings, settings.is_local(ip));
    let failed = |p: &&Pair| source.belongs(shape, p) && matches!(p.found, Found::Answered | Found::Silent);
    let one_host = matches!(shape, Shape::Vertical(_));
    let many = one_host && source.pairs.iter().filter(failed).count() >= NO_CHECK.max(enough);
    many && patience::judge(source, shape, now.after(-window), enough) == Verdict::Scan
}

/// Whether it is worth a note before patience has ended: hardly anything is open or put to use, and enough is refused,
/// each once.
fn is_likely(source: &Source, shape: Shape, now: Timestamp, settings: &Settings, ip: IpAddr) -> bool {
    let (window, enough) = bounds(shape, settings, settings.is_local(ip));
    let since = now.after(-window);
    patience::are_refused(source, shape, since, enough)
        && patience::judge(source, shape, since, enough) == Verdict::Scan
}

/// What was doubtful has become clear.
fn confirm(source: &mut Source, ip: IpAddr, shape: Shape, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
    let Some(scan) = source.reports.iter_mut().find(|r| r.shape == shape && r.doubtful) else { return };
    scan.doubtful = false;
    let (technique, incident) = (scan.technique, scan.incident);
    let (ends, finding) = scan_finding(source, ip, shape, technique);
    reporter.report(shape.rule(), now, ends, finding.of(incident, Phase::Update), out);
    let to = ends.1.map_or(ip, |(to, _)| to);
    let finding = technique_finding(source, ip, technique, to);
    reporter.report(technique.rule(), now, (Some((ip, None)), Some((to, None))), finding, out);
}

/// Reports a scan for the first time, and its technique if that has not been reported.
fn report(
    source: &mut Source,
    (ip, pair): (IpAddr, &Pair),
    (shape, doubtful): (Shape, bool),
    now: Timestamp,
    decoys: &mut Decoys,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let technique = source.technique_of(pair);
    if let Some(scan) = source.of_other_port(shape, technique) {
        source.more_ports.push(pair.port);
        let (ends, mut finding) = scan_finding(source, ip, scan.shape, technique);
        finding.severity = scan.doubtful.then_some(Severity::Note);
        reporter.report(scan.shape.rule(), now, ends, finding.of(scan.incident, Phase::Update), out);
        return;
    }
    if source.reports.len() >= MAX_REPORTS {
        return;
    }
    let (ends, mut finding) = scan_finding(source, ip, shape, technique);
    finding.severity = doubtful.then_some(Severity::Note);
    decoys.tell(source, ip, pair.to);
    let incident = reporter.report(shape.rule(), now, ends, decoys.name(pair.to, ip, finding), out);
    decoys.began(pair.to, ip, shape.rule(), incident);
    source.reports.push(Reported { shape, technique, incident, doubtful });
    tell_technique(source, (ip, pair.to), (technique, doubtful), now, decoys, reporter, out);
    if let Some(tool) = source.withheld.take() {
        let finding = tool_finding(source, ip, tool);
        reporter.report(tool.rule(), now, (Some((ip, None)), Some((pair.to, None))), finding, out);
    }
}

fn tell_technique(
    source: &mut Source,
    (ip, to): (IpAddr, IpAddr),
    (technique, doubtful): (Technique, bool),
    now: Timestamp,
    decoys: &mut Decoys,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    if !source.reported(technique) {
        decoys.tell(source, ip, to);
        let mut finding = decoys.name(to, ip, technique_finding(source, ip, technique, to));
        finding.severity = finding.severity.or(doubtful.then_some(Severity::Note));
        reporter.report(technique.rule(), now, (Some((ip, None)), Some((to, None))), finding, out);
    }
}

/// Whether the client takes its source ports in order.
fn sequential(source: &mut Source, a: &Attempt, reporter: &mut Reporter, out: Report<'_>) {
    let step = a.client.port.wrapping_sub(source.ports.0);
    source.ports = (a.client.port, if (1..=8).contains(&step) { source.ports.1.saturating_add(1) } else { 0 });
    if source.ports.1 >= 8 && !source.ports_reported {
        source.ports_reported = true;
        let finding = Finding::new(format!("{} takes its source ports in order", a.client.ip))
            .figure("run", i64::from(source.ports.1))
            .frames([a.frame]);
        reporter.report(&rules::PORT_SEQUENTIAL, a.time, (Some((a.client.ip, None)), None), finding, out);
    }
}

/// What silence until the end of observation says: nothing, unless it is clear that an answer would have come.
fn silent_at_end(source: &Source, s: &Settled) -> Found {
    let age = s.time - s.began;
    let answer_due = source.answers >= 3 && age >= (3 * source.slowest_answer).max(50 * MILLISECOND);
    let certain = s.retried || age >= 3 * SECOND || source.prints.tool().is_some() || answer_due;
    if certain { Found::Silent } else { Found::Unknown }
}

/// Keeps a pair, once; a better answer replaces a worse.
fn keep(source: &mut Source, pair: Pair, left: &mut usize, settings: &Settings) {
    if let Some(held) = source.held(&pair) {
        let rank = |f: Found| match f {
            Found::Open | Found::OpenUnused => 3,
            Found::Answered => 2,
            Found::Silent => 1,
            Found::Unknown => 0,
        };
        if rank(pair.found) > rank(held.found) {
            held.found = pair.found;
        } else if held.found == Found::Unknown {
            // Probed again without an answer: it is silent.
            held.found = Found::Silent;
        }
        held.asked.again(pair.time - held.time);
        held.time = held.time.max(pair.time);
        return;
    }
    if source.pairs.len() >= MAX_PAIRS.min(settings.pairs) || *left == 0 {
        let mut beyond = source.beyond.take().unwrap_or_else(|| Box::new(Beyond::new(pair.time)));
        let gone = source.displace(pair, &mut beyond.next);
        beyond.add(&gone);
        source.beyond = Some(beyond);
        return;
    }
    *left -= 1;
    source.add(pair);
}

/// A failed attempt in the count of refusals and of silent hosts in ten seconds.
fn burst(source: &mut Source, s: &Settled, reporter: &mut Reporter, out: Report<'_>) {
    let ip = s.client.ip;
    let refused = s.outcome == Outcome::Refused
        && source.refused.add(s.began)
        && !source.may_be_forged()
        && source.refused.is_news(s.began);
    let is_silent = matches!(s.outcome, Outcome::Unanswered | Outcome::Silent);
    let silent = is_silent && source.silent_hosts.add(s.server.ip, s.began) && source.silent_hosts.is_news(s.began);
    if !refused && !silent {
        return;
    }
    let (rule, figure, reason) = if refused {
        (&rules::REFUSED_BURST, "refused", format!("{MANY} attempts of {ip} refused by RST within 10 s"))
    } else {
        (&rules::UNANSWERED_BURST, "hosts", format!("{MANY} hosts did not answer {ip} within 10 s of SYNs"))
    };
    let finding = Finding::new(reason).figure(figure, MANY as i64).frames(source.frames.iter().copied());
    reporter.report(rule, s.time, (Some((ip, None)), Some((s.server.ip, None))), finding, out);
}

/// TRW's walk: only the first contact with each host counts (Jung et al., 2004).
fn walk(source: &mut Source, s: &Settled, success: bool) {
    const REMEMBERED: usize = 256;
    /// `ln 99 / ln 4` and `ln 0.0101 / ln 4`, as in the paper; with a margin above for networks that are not known.
    const CLAMP: (i32, i32) = (-4, 10);
    const LATELY: i64 = 30 * SECOND;
    let to = fixed_hash_of(&s.server.ip) as u32;
    if source.contacts.contains(&to) {
        return;
    }
    if source.contacts.len() >= REMEMBERED {
        source.contacts.remove(0);
    }
    source.contacts.push(to);
    source.walk = (source.walk + if success { -1 } else { 1 }).clamp(CLAMP.0, CLAMP.1);
    let [newest, before] = &mut source.lately;
    if s.began - newest.0 >= LATELY {
        let follows = s.began - newest.0 < 2 * LATELY;
        *before = if follows { *newest } else { (newest.0, 0, 0) };
        *newest = (s.began, 0, 0);
    }
    let (_, failed, others) = if s.began < newest.0 { before } else { newest };
    (*failed, *others) = (*failed + u32::from(!success), *others + u32::from(success));
}

/// Whether TRW decides that the source is a scanner. Where nobody said which networks are ours, ten failures are asked
/// for instead of four, and it is no more than a note.
fn trw(source: &mut Source, remote: bool) -> Option<Finding> {
    let enough = if remote { 4 } else { 10 };
    if source.trw_reported || source.walk < enough {
        return None;
    }
    // What fails is known later than what succeeds: the walk is out of order for connections made at the same time, of
    // which more may have succeeded.
    let (failed, others) = source.lately.iter().fold((0, 0), |(f, o), lately| (f + lately.1, o + lately.2));
    if failed <= others {
        return None;
    }
    source.trw_reported = true;
    let finding = Finding::new(format!("{} first contacts failed in excess of those that succeeded", source.walk))
        .figure("likelihood_ratio", 4_f64.powi(source.walk))
        .figure("contacts", source.contacts.len() as i64)
        .frames(source.frames.iter().copied());
    Some(if remote { finding } else { finding.severity(Severity::Note) })
}

/// The shapes that the pairs around `pair` make.
fn shapes(source: &Source, pair: &Pair, now: Timestamp, settings: &Settings, local: bool) -> SmallVec<[Shape; 4]> {
    let mut found = SmallVec::new();
    if !source.may_count(pair) || source.beyond.is_some() {
        return found;
    }
    let factor = if local { 10 } else { 1 };
    let limit = |n: u32| (n.max(1) as usize).saturating_mul(factor).min(MAX_PAIRS);
    let t = &settings.scan;
    if source.pairs.len() < limit(t.ports).min(limit(t.hosts)).min(limit(t.pairs)) {
        return found;
    }
    let recent = |p: &&Pair| p.technique == pair.technique && source.may_count(p) && now - p.time <= t.window;
    let pairs = || source.pairs.iter().filter(recent);
    // What has been reported need not be counted again.
    let vertical = Shape::Vertical(pair.to);
    if source.has_reported(vertical) || pairs().filter(|p| p.to == pair.to).count() >= limit(t.ports) {
        found.push(vertical);
    }
    let failures = source.pairs.iter().filter(|p| source.counts(p)).count() as u64;
    // What a kernel may have sent of itself is weighed later.
    let has_work = source.used > failures && !source.is_peculiar();
    if has_work && !source.is_of_a_kernel() {
        return found;
    }
    let horizontal = Shape::Horizontal(pair.port);
    if source.has_reported(horizontal) || pairs().filter(|p| source.belongs(horizontal, p)).count() >= limit(t.hosts) {
        found.push(horizontal);
    }
    let total = source.pairs.len();
    if has_work {
        return found;
    }
    if total > LOOKED_AT_ONCE && source.unseen < LOOKED_AT_EVERY {
        return found;
    }
    let rows = source.more_ports.len() < GRID_OF_ROWS;
    if rows && total >= limit(t.pairs) && found.is_empty() && is_block(source, now, settings, limit(t.pairs)) {
        found.push(Shape::Block);
    }
    if source.reports.is_empty() && found.is_empty() && is_slow(source, now, t.window, limit(t.pairs)) {
        found.push(Shape::Slow);
    }
    found
}

/// A grid: the same ports at several hosts. Peers of a file-sharing network have a port each, and make none.
fn is_block(source: &Source, now: Timestamp, settings: &Settings, enough: usize) -> bool {
    let window = settings.scan.window.saturating_mul(3);
    let mut hosts: SmallVec<[IpAddr; 32]> = SmallVec::new();
    let mut ports: SmallVec<[u16; 32]> = SmallVec::new();
    let mut pairs = 0;
    for p in source.pairs.iter().filter(|p| source.counts(p) && !p.back && now - p.time <= window) {
        pairs += 1;
        hosts.push(p.to);
        ports.push(p.port);
    }
    hosts.sort_unstable();
    hosts.dedup();
    ports.sort_unstable();
    ports.dedup();
    pairs >= enough && hosts.len() >= 5 && ports.len() >= 5 && 2 * pairs >= 3 * hosts.len().max(ports.len())
}

/// At least 25 failed pairs in a day, too few at a time for a scan of another shape: ports of one host, one port of
/// many hosts, or the same ports of several. A host that looks for its peers fails at one port of each.
fn is_slow(source: &Source, now: Timestamp, window: i64, enough: usize) -> bool {
    let pairs = || source.pairs.iter().filter(|p| source.counts(p) && !p.back && now - p.time <= SLOW_WINDOW);
    let mut hosts: SmallVec<[IpAddr; 64]> = pairs().map(|p| p.to).collect();
    let mut ports: SmallVec<[u16; 64]> = pairs().map(|p| p.port).collect();
    let all = hosts.len();
    hosts.sort_unstable();
    hosts.dedup();
    ports.sort_unstable();
    ports.dedup();
    let times = || pairs().map(|p| p.time);
    if times().max().zip(times().min()).is_none_or(|(last, first)| last - first <= window) {
        return false;
    }
    let (fewer, more) = (hosts.len().min(ports.len()), hosts.len().max(ports.len()));
    all >= enough && (5 * fewer <= all || 2 * all >= 3 * more)
}

/// Whether so few attempts already tell how the source probes: ports of one host that refused it or that it left at
/// once, none of which it used.
fn early_technique(source: &Source, pair: &Pair) -> Option<Technique> {
    let connects = matches!(pair.technique, Technique::Syn | Technique::Connect);
    if !connects || source.pairs.len() < TECHNIQUE_FROM || source.used > 0 || source.knows(source.connecting()) {
        return None;
    }
    let to_host = || {
        source.pairs.iter().filter(|p| {
            p.to == pair.to
                && p.found != Found::Unknown
                && pair.time - p.time <= 300 * SECOND
                && matches!(p.technique, Technique::Syn | Technique::Connect)
        })
    };
    let mut ports: SmallVec<[u16; 32]> = to_host().take(64).map(|p| p.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let failed = to_host().filter(|p| p.found != Found::OpenUnused).count();
    (ports.len() >= TECHNIQUE_FROM && 2 * failed >= ports.len()).then(|| source.connecting())
}

/// Whether a stray segment, with those before it, is a probe. Flags that no connection has need no second one; what a
/// connection from before the capture might send must have been answered by RST from several ports.
fn proves(source: &Source, p: &Probe) -> bool {
    let within = |window: i64, answered: bool, one_host: bool| {
        source
            .pairs
            .iter()
            .filter(|q| q.technique == p.technique && p.time - q.time <= window)
            .filter(|q| (!answered || q.found == Found::Answered) && (!one_host || q.to == p.to.ip))
            .count()
    };
    let alike = |answered, one_host| within(60 * SECOND, answered, one_host);
    // Connections of one host that have gone stale have a port each; a tool keeps its own.
    let one_port = source.stray_port.1 >= 3;
    let slowly =
        source.stray_port.1 >= 8 && (within(SLOW_WINDOW, true, false) >= 8 || within(SLOW_WINDOW, false, false) >= 20);
    match p.technique {
        Technique::Fin | Technique::Null | Technique::Xmas => true,
        Technique::Odd => within(SLOW_WINDOW, false, false) >= 3,
        Technique::Ack | Technique::Maimon | Technique::OddAck => {
            slowly || (one_port && (alike(true, false) >= 3 || alike(false, false) >= 10)) || alike(true, true) >= 10
        }
        Technique::SynAck => slowly || (one_port && alike(true, false) >= 5) || alike(false, true) >= 10,
        Technique::Rst => slowly || alike(false, true) >= 10,
        Technique::Syn | Technique::Connect => false,
    }
}

fn technique_finding(source: &Source, ip: IpAddr, technique: Technique, to: IpAddr) -> Finding {
    let n = source.pairs.iter().filter(|p| source.technique_of(p) == technique).count();
    let mut finding = Finding::new(format!("{ip} probes {to} by {}: {n} distinct targets so far", technique.name()))
        .figure("technique", technique.name())
        .figure("targets", n as i64)
        .frames(source.frames.iter().copied());
    finding = with_flags(finding, source, technique);
    if let Some(tool) = source.prints.tool() {
        finding = finding.figure("tool", tool.name());
    }
    finding
}

/// Names the flags where the technique does not.
fn with_flags(finding: Finding, source: &Source, technique: Technique) -> Finding {
    if technique.name() == Technique::Odd.name() {
        finding.figure("flags", Figure::Text(source.odd_flags.to_string()))
    } else {
        finding
    }
}

/// The pairs of a scan: those of other techniques, as of the detection of a system after it, are not among them.
fn members_of(source: &Source, shape: Shape, technique: Technique) -> impl Iterator<Item = &Pair> {
    source.pairs.iter().filter(move |p| source.belongs(shape, p) && source.technique_of(p) == technique)
}

/// The targets of a scan, in words.
fn described(source: &Source, shape: Shape, report: &ScanReport) -> String {
    match shape {
        Shape::Vertical(to) => format!("{} ports of {to}", report.pairs),
        Shape::Horizontal(port) if source.more_ports.is_empty() || !source.is_main(port) => {
            format!("port {port} of {} hosts", report.hosts)
        }
        Shape::Horizontal(_) => format!("{} ports of {} hosts", 1 + source.more_ports.len(), report.hosts),
        Shape::Block | Shape::Slow => format!("{} pairs of host and port, of {} hosts", report.pairs, report.hosts),
    }
}

fn scan_finding(
    source: &Source,
    ip: IpAddr,
    shape: Shape,
    technique: Technique,
) -> ((Option<super::reporter::Whom>, Option<super::reporter::Whom>), Finding) {
    let report = summarize(source, ip, shape, technique);
    let technique = report.technique;
    let members = || members_of(source, shape, technique);
    let target = match shape {
        Shape::Vertical(to) => Some((to, None)),
        Shape::Horizontal(port) => members().next().map(|p| (p.to, Some(port))),
        Shape::Block | Shape::Slow => members().next().map(|p| (p.to, None)),
    };
    let what = described(source, shape, &report);
    let tool = report.tool.map_or(String::new(), |tool| format!(" with {}", tool.name()));
    let seconds = (report.last - report.first) as f64 / 1e9;
    let reason = format!(
        "{ip} probed {what} by {}{tool} in {seconds:.1} s: {} open, {} closed, {} silent",
        technique.name(),
        report.found_open,
        report.closed,
        report.filtered
    );
    let (answered, silent) = technique.words();
    let list = |found: &dyn Fn(&Pair) -> bool| {
        let mut ports: Vec<i64> = members().filter(|p| found(p)).map(|p| i64::from(p.port)).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.truncate(MAX_LISTED);
        Figure::List(ports)
    };
    let mut finding = Finding::new(reason)
        .figure("technique", technique.name())
        .figure("targets", report.hosts as i64)
        .figure("pairs", report.pairs as i64)
        .figure("duration_ns", report.last - report.first)
        .figure("rate", report.rate)
        .frames(source.frames.iter().copied());
    finding = with_flags(finding, source, technique);
    if matches!(shape, Shape::Horizontal(_)) {
        finding.figures.push(("ports_probed", list(&|_| true)));
    }
    finding.figures.push(("ports_open", list(&Pair::is_open)));
    finding.figures.push((answered, list(&|p| p.found == Found::Answered)));
    finding.figures.push((silent, list(&Pair::is_silent)));
    if matches!(shape, Shape::Horizontal(_) | Shape::Block | Shape::Slow) {
        let mut hosts: Vec<IpAddr> = members().filter(|p| p.is_open()).map(|p| p.to).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.truncate(MAX_LISTED);
        finding.figures.push(("hosts_open", Figure::Texts(hosts.iter().map(ToString::to_string).collect())));
    }
    if let Some(tool) = report.tool {
        finding = finding.figure("tool", tool.name());
    }
    ((Some((ip, None)), target), finding)
}

fn summarize(source: &Source, ip: IpAddr, shape: Shape, technique: Technique) -> ScanReport {
    let technique = source.resolved(technique);
    let members = || members_of(source, shape, technique);
    let mut hosts: Vec<IpAddr> = members().map(|p| p.to).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut open: Vec<u16> = members().filter(|p| p.is_open()).map(|p| p.port).collect();
    open.sort_unstable();
    open.dedup();
    let first = members().map(|p| p.time).min().unwrap_or(source.first);
    let last = members().map(|p| p.time).max().unwrap_or(source.last);
    // Beyond the pairs kept it is not known which shape a pair belongs to.
    let kept = members().count() as u64;
    let count = |is: fn(&Pair) -> bool| members().filter(|p| is(p)).count() as u64;
    let (found_open, silent, beyond) = (count(Pair::is_open), count(Pair::is_silent), source.beyond.as_deref());
    let more = beyond.map_or(0, |b| b.pairs.count());
    let (more_open, more_silent) = beyond.map_or((0, 0), |b| (b.open.min(more), b.silent.min(more)));
    let (first, last) = beyond.map_or((first, last), |b| (first.min(b.first), last.max(b.last)));
    ScanReport {
        source: ip,
        shape,
        technique,
        tool: source.prints.tool(),
        first,
        last,
        hosts: hosts.len() as u64 + if matches!(shape, Shape::Horizontal(_)) { more } else { 0 },
        pairs: kept + more,
        open,
        found_open: found_open + more_open,
        closed: (kept - found_open - silent) + more.saturating_sub(more_open + more_silent),
        filtered: silent + more_silent,
        rate: (kept + more) as f64 / ((last - first) as f64 / 1e9).max(0.001),
        frames: source.frames.to_vec(),
    }
}
