//! One source of attempts: what it probed, how its packets look, and which scans were reported of it.

use core::net::IpAddr;

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::pair::{Beyond, Found, Pair};
use crate::detect::host::burst::{Burst, HostBurst};
use crate::detect::host::clients::Stacks;
use crate::detect::host::input::Settled;
use crate::detect::host::probe::Technique;
use crate::detect::host::rules;
use crate::detect::host::settings::Settings;
use crate::detect::host::sketch::Weigh;
use crate::detect::host::tools::{Prints, Tool};
use crate::detect::rule::Rule;
use crate::tcp::Flags;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Pairs kept of one source.
pub(super) const MAX_PAIRS: usize = 1024;
/// Frames of evidence.
const MAX_FRAMES: usize = 8;
/// Reports that one source may have open.
pub(super) const MAX_REPORTS: usize = 8;
/// With more pairs than this, not all of them are looked at for each failure.
pub(super) const LOOKED_AT_ONCE: usize = 64;
/// A scan is over after this much silence, and a slow one after this much.
const QUIET: i64 = 60 * SECOND;
const QUIET_SLOW: i64 = 2 * 3600 * SECOND;
/// So long without any answer may be that of a dead uplink.
const SILENCE: i64 = 3 * SECOND;
/// Before any packet.
pub(super) const NEVER: Timestamp = Timestamp(i64::MIN);

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
    pub(super) const fn rule(self) -> &'static Rule {
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
pub(super) struct Reported {
    pub(super) shape: Shape,
    pub(super) technique: Technique,
    pub(super) incident: u64,
    /// It may be ordinary life, and is no more than a note.
    pub(super) doubtful: bool,
}

/// A scan that may be none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// `None`: its technique alone.
    pub(super) shape: Option<Shape>,
    /// The pair that made it one.
    pub(super) pair: Pair,
    pub(super) since: Timestamp,
}

/// One source of attempts. What ordinary connections touch comes first, in as few cache lines as there can be.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Source {
    pub(super) last: Timestamp,
    pub(super) attempts: u64,
    pub(super) prints: Prints,
    pub(super) stack_syns: u32,
    pub(super) raw_syns: u32,
    /// Last source port and how many before it were a small step apart.
    pub(super) ports: (u16, u8),
    pub(super) ports_reported: bool,
    pub(super) trw_reported: bool,
    /// Its clocks and systems, from its third SYN on.
    pub(super) stacks: Option<Box<Stacks>>,
    /// Half-open connections that began since a moment, and open ones on which nothing has been said.
    pub(super) half_open: (Timestamp, u32),
    pub(super) silent: u32,
    /// Longest time from a SYN to its answer.
    pub(super) slowest_answer: i64,
    pub(super) answers: u32,
    /// Logarithm to base 4 of TRW's likelihood ratio: +1 for a failed first contact, -1 for a successful one.
    pub(super) walk: i32,
    pub(super) contacts: SmallVec<[u32; 4]>,
    /// First contacts of the half minute that began then, and of the one before it: failed ones and others.
    pub(super) lately: [(Timestamp, u32, u32); 2],
    /// Connections that were put to use.
    pub(super) used: u64,
    pub(super) first: Timestamp,
    pub(super) reset_after_synack: u32,
    pub(super) empty_opens: u32,
    pub(super) pairs: Vec<Pair>,
    /// Where they are.
    pub(super) index: HashTable<u16>,
    /// Pairs beyond those kept.
    pub(super) beyond: Option<Box<Beyond>>,
    pub(super) reports: SmallVec<[Reported; 1]>,
    /// Scans that may be none.
    pub(super) waiting: Vec<Waiting>,
    /// When something last answered it, and the last time before that when nothing did for long.
    pub(super) last_answer: Timestamp,
    pub(super) silence: (Timestamp, Timestamp),
    /// Who asks for the same by the other family at once, and how often.
    pub(super) twins: (u32, u32),
    /// How many attempts of it are older than observation, and until when such may be repeated.
    pub(super) older: (u32, Timestamp),
    /// Probes that others sent as well, at once.
    pub(super) shadows: u32,
    /// What was not reported of it, because its address may be forged.
    pub(super) withheld: Option<Tool>,
    pub(super) techniques: SmallVec<[(Technique, u64); 1]>,
    /// Failures since the last look at all pairs.
    pub(super) unseen: u8,
    pub(super) frames: SmallVec<[u64; 2]>,
    /// Hash of whom it asked last.
    pub(super) asked_last: u32,
    /// Further ports of a scan of one port of many hosts.
    pub(super) more_ports: SmallVec<[u16; 4]>,
    pub(super) refused: Burst,
    pub(super) silent_hosts: HostBurst,
    pub(super) stray_port: (u16, u32),
    /// Flags of its last probe that had odd ones.
    pub(super) odd_flags: Flags,
}

impl Weigh for Source {
    fn weight(&self) -> (u64, i64) {
        (self.pairs.len() as u64 + 1000 * self.reports.len() as u64, self.last.0)
    }
}

impl Source {
    pub(super) fn new(now: Timestamp) -> Self {
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
            older: (0, NEVER),
            shadows: 0,
            withheld: None,
            techniques: SmallVec::new(),
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
    pub(super) fn held(&mut self, pair: &Pair) -> Option<&mut Pair> {
        let same = |p: &Pair| p.to == pair.to && p.port == pair.port && p.technique == pair.technique;
        let pairs = &self.pairs;
        let at = *self.index.find(pair.digest(), |at| pairs.get(usize::from(*at)).is_some_and(same))?;
        self.pairs.get_mut(usize::from(at))
    }

    /// Keeps `pair`, which is new.
    pub(super) fn add(&mut self, pair: Pair) {
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

    pub(super) fn has_reported(&self, shape: Shape) -> bool {
        let further = matches!(shape, Shape::Horizontal(port) if self.more_ports.contains(&port));
        further || self.reports.iter().any(|reported| reported.shape == shape)
    }

    /// Whether a scan of this shape was reported that may be ordinary life.
    pub(super) fn is_doubtful(&self, shape: Shape) -> bool {
        self.reports.iter().any(|reported| reported.shape == shape && reported.doubtful)
    }

    /// Whether a pair is part of what has this shape.
    pub(super) fn belongs(&self, shape: Shape, pair: &Pair) -> bool {
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
    pub(super) fn is_main(&self, port: u16) -> bool {
        let mut horizontal = self.reports.iter().filter(|r| matches!(r.shape, Shape::Horizontal(_)));
        horizontal.next().is_some_and(|first| first.shape == Shape::Horizontal(port))
    }

    /// The scan of another port of the same hosts that goes on.
    pub(super) fn of_other_port(&self, shape: Shape, technique: Technique) -> Option<Reported> {
        let Shape::Horizontal(new) = shape else { return None };
        let first = self.reports.iter().find(|r| matches!(r.shape, Shape::Horizontal(_)))?;
        let of_new = || self.pairs.iter().filter(|p| p.port == new && !p.back && self.technique_of(p) == technique);
        let mut known: Vec<IpAddr> = self.members(first.shape, first.technique).map(|p| p.to).collect();
        known.sort_unstable();
        let shared = of_new().filter(|p| known.binary_search(&p.to).is_ok()).count();
        (first.technique == technique && 2 * shared >= of_new().count()).then_some(*first)
    }

    pub(super) fn evidence(&mut self, frame: u64) {
        if self.frames.len() < MAX_FRAMES && !self.frames.contains(&frame) {
            self.frames.push(frame);
        }
    }

    /// The technique of its attempts to connect.
    pub(super) fn connecting(&self) -> Technique {
        let completes = self.empty_opens > 0 && self.reset_after_synack == 0;
        let like_a_stack = self.stack_syns > self.raw_syns && self.reset_after_synack == 0;
        if completes || like_a_stack { Technique::Connect } else { Technique::Syn }
    }

    /// What was taken for one technique may turn out to be another.
    pub(super) fn resolved(&self, technique: Technique) -> Technique {
        match technique {
            Technique::Syn | Technique::Connect => self.connecting(),
            other => other,
        }
    }

    pub(super) fn technique_of(&self, pair: &Pair) -> Technique {
        self.resolved(pair.technique)
    }

    /// The technique is reported of it, as this incident.
    pub(super) fn reported(&mut self, technique: Technique, incident: u64) {
        self.techniques.push((technique, incident));
    }

    /// Under which its technique was reported.
    pub(super) fn incident_of(&self, technique: Technique) -> Option<u64> {
        self.techniques.iter().find(|(known, _)| *known == technique).map(|(_, incident)| *incident)
    }

    pub(super) fn knows(&self, technique: Technique) -> bool {
        self.incident_of(technique).is_some()
    }

    /// Whether a pair counts towards a scan.
    pub(super) fn counts(&self, pair: &Pair) -> bool {
        match pair.technique {
            Technique::Syn | Technique::Connect => !matches!(pair.found, Found::OpenUnused | Found::Unknown),
            other => self.knows(other),
        }
    }

    /// Whether a pair counts towards a scan that may be none: ports that were left at once do.
    pub(super) fn may_count(&self, pair: &Pair) -> bool {
        self.counts(pair) || (self.is_of_a_kernel() && pair.may_be_ordinary())
    }

    /// Whether a kernel makes its connections: checks, browsers and simple scanners have them do it.
    pub(super) fn is_of_a_kernel(&self) -> bool {
        self.stack_syns > self.raw_syns && self.prints.tool().is_none()
    }

    /// Whether it behaves as no client does, so that successes do not excuse it.
    pub(super) fn is_peculiar(&self) -> bool {
        self.prints.tool().is_some() || (self.reset_after_synack >= 3 && !self.is_of_a_kernel())
    }

    /// Whether its address may be one of several in whose names somebody else sends: most of its probes came from
    /// others, too.
    pub(super) fn is_shadowed(&self) -> bool {
        self.shadows >= 2 && u64::from(self.shadows) * 2 >= self.attempts.max(self.pairs.len() as u64)
    }

    /// Whether it is shadowed, and has not been seen to get what is sent to it.
    pub(super) fn may_be_forged(&self) -> bool {
        self.is_shadowed() && self.reset_after_synack == 0
    }

    /// Something answered at `now`.
    pub(super) fn is_answered(&mut self, now: Timestamp) {
        // Observation may begin when the uplink is dead already.
        let since = if self.last_answer == NEVER { self.first } else { self.last_answer };
        if now - since >= SILENCE {
            self.silence = (since, now);
        }
        self.last_answer = self.last_answer.max(now);
    }

    /// `who` asked for the same by the other family: most such say who that is.
    pub(super) const fn has_twin(&mut self, who: u32) {
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
    pub(super) fn is_active(&self) -> bool {
        !self.reports.is_empty() || !self.waiting.is_empty()
    }

    /// Withholds a shape, or its technique alone. How many found no place.
    pub(super) fn wait(&mut self, shape: Option<Shape>, pair: &Pair, now: Timestamp) -> u64 {
        let known = self.waiting.iter().any(|w| w.shape == shape && (shape.is_some() || w.pair.to == pair.to));
        if known || self.waiting.len() >= MAX_REPORTS {
            return u64::from(!known);
        }
        self.waiting.push(Waiting { shape, pair: *pair, since: now });
        0
    }

    pub(super) fn is_quiet(&self, now: Timestamp) -> bool {
        let is_slow = self.reports.iter().any(|reported| reported.shape == Shape::Slow);
        now - self.last >= if is_slow { QUIET_SLOW } else { QUIET }
    }

    /// The pairs of a scan: those of other techniques, as of the detection of a system after it, are not among them.
    pub(super) fn members(&self, shape: Shape, technique: Technique) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(move |p| self.belongs(shape, p) && self.technique_of(p) == technique)
    }
}

/// What silence until the end of observation says: nothing, unless it is clear that an answer would have come.
pub(super) fn silent_at_end(source: &Source, s: &Settled) -> Found {
    let age = s.time - s.began;
    let answer_due = source.answers >= 3 && age >= (3 * source.slowest_answer).max(50 * MILLISECOND);
    let certain = s.retried || age >= 3 * SECOND || source.prints.tool().is_some() || answer_due;
    if certain { Found::Silent } else { Found::Unknown }
}

/// Keeps a pair, once; a better answer replaces a worse. How many found no place among those of all sources.
pub(super) fn keep(source: &mut Source, pair: Pair, left: &mut usize, settings: &Settings) -> u64 {
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
        return 0;
    }
    if source.pairs.len() >= MAX_PAIRS.min(settings.pairs) || *left == 0 {
        let mut beyond = source.beyond.take().unwrap_or_else(|| Box::new(Beyond::new(pair.time)));
        let gone = source.displace(pair, &mut beyond.next);
        beyond.add(&gone);
        source.beyond = Some(beyond);
        return u64::from(*left == 0);
    }
    *left -= 1;
    source.add(pair);
    0
}
