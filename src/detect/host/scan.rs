//! Who probes: failed attempts and stray probes of each source, and what they add up to.
//!
//! A source's probes are kept as distinct pairs of host and port, at most `MAX_PAIRS` of them and at most
//! `Settings::pairs` of all sources together; beyond that they are counted by a sketch. Of those kept, what answered by
//! RST gives way to what was open or silent: that is what a scan is after.

mod crowd;
mod pair;
mod patience;
mod report;
mod shape;
mod source;
mod walk;

use core::net::IpAddr;

use hashbrown::HashTable;

use super::clients::Stacks;
use super::connection_holding::HALF_OPEN_AGE;
use super::input::{Attempt, EndHashes, Outcome, Places, Settled};
use super::probe::{Probe, Reply, Technique};
use super::reporter::{Report, Reporter};
use super::rules;
use super::settings::Settings;
use super::sketch::{Bounded, fixed_hash_of};
use crate::detect::anomaly::{Phase, Severity};
use crate::time::{MILLISECOND, SECOND, Timestamp};
use crowd::{Crowds, Decoys, Stand};
use pair::{Asked, Found, Pair};
use patience::{PATIENCE, Verdict};
use report::{
    burst, confirm, report, scan_finding, sequential, summarize, technique_finding, tell_technique, tool_finding,
};
use shape::{LOOKED_AT_EVERY, TECHNIQUE_FROM, as_grid, bounds, early_technique, is_likely, is_sure, proves, shapes};
use source::{NEVER, Reported, Source, Waiting, keep, silent_at_end};
use walk::{trw, walk};

pub use report::ScanReport;
pub use source::Shape;

/// SYNs from which on a source's clocks and systems are followed, and the share of the sources remembered, one in
/// `FOLLOWED`, that are followed at most.
const SEVERAL_SYNS: u32 = 3;
const FOLLOWED: usize = 4;
/// Time within which a client asks by the other family, and attempts remembered for it.
const TWIN: i64 = 2_500 * MILLISECOND;
const ASKED_BY_SIX: usize = 32;
/// The first repetition that is seen of an attempt comes so late after its SYN if that was a repetition itself;
/// attempts from before observation may be repeated for so long.
const REPEATED: i64 = 1_800 * MILLISECOND;
const OLDER: i64 = 16 * SECOND;
/// Who asks back does so within this time.
const ASKED_BACK: i64 = 60 * SECOND;
/// Final reports kept for the summary.
const MAX_FINISHED: usize = 1024;

/// Every source, and the scans found.
#[derive(Debug)]
pub(super) struct Scans {
    sources: Bounded<IpAddr, Source>,
    pairs_left: usize,
    /// Sources whose clocks and systems may still be followed.
    stacks_left: usize,
    /// Sources with an open report, in the order in which they were found.
    active: Vec<IpAddr>,
    finished: Vec<ScanReport>,
    /// The first attempt seen.
    first: Option<Timestamp>,
    /// What found no place: sources to follow, shapes to report, pairs to keep.
    left_out: u64,
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
            left_out: 0,
            first: None,
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
        self.sources.evicted() + self.decoys.left_out() + self.crowds.left_out() + self.left_out
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
        hashes: EndHashes,
        flooded: bool,
        at: &mut Places,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        self.first.get_or_insert(a.time);
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
        source.asked_last = hashes.server as u32;
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

    /// The first repetition of a SYN of `client`, `gap` after what is known as the attempt's begin: kernels wait a
    /// second for it, and twice as long for each further one.
    pub(super) fn retried(&mut self, client: IpAddr, began: Timestamp, gap: i64, at: &mut Places) {
        let Some(first) = self.first.filter(|first| gap >= REPEATED && began - *first <= OLDER) else { return };
        if let Some(source) = self.sources.get_at(&mut at.client, &client) {
            source.older = (source.older.0.saturating_add(1), first.after(OLDER));
        }
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
        // What is answered from elsewhere is there: its client looks for nothing.
        if s.elsewhere {
            return;
        }
        let ip = s.client.ip;
        let local_known = self.local_known;
        let back = !matches!(s.outcome, Outcome::Open(_)) && self.asks_back(s);
        let (Some(source), left) = self.source(ip, s.began, flooded, at) else { return };
        let Some(found) = found_by(source, s) else { return };
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
        let left_out = keep(source, pair, left, settings);
        self.left_out += left_out;
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
        self.left_out += keep(source, pair, &mut self.pairs_left, settings);
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
        self.left_out += keep(source, pair, &mut self.pairs_left, settings);
        if matches!(p.technique, Technique::Odd | Technique::OddAck) {
            source.odd_flags = p.flags;
        }
        if source.stray_port.0 == p.from.port {
            source.stray_port.1 += 1;
        } else {
            source.stray_port = (p.from.port, 1);
        }
        if !source.knows(p.technique) && proves(source, p) {
            let finding = technique_finding(source, p.from.ip, p.technique, p.to.ip).frames([p.frame]);
            let incident = self.crowds.tell(p, finding, reporter, out);
            source.reported(p.technique, incident);
        }
        if source.knows(p.technique) {
            self.judge(p.from.ip, &pair, p.time, settings, reporter, out);
        }
    }

    /// Sources that were evicted gave nothing back: what is held is counted anew.
    pub(super) fn recount(&mut self, settings: &Settings) -> usize {
        let kept: usize = self.sources.iter().map(|(_, s)| s.pairs.len()).sum();
        self.pairs_left = settings.pairs.saturating_sub(kept);
        let followed = self.sources.iter().filter(|(_, s)| s.stacks.is_some()).count();
        self.stacks_left = (settings.sources / FOLLOWED).saturating_sub(followed);
        self.sources.len()
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

    /// Whether the probes of `ip` are a scan of some shape by now; `pair` is the newest.
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
                    self.left_out += source.wait(Some(shape), pair, now);
                }
            } else if stand == Stand::Forged {
                self.left_out += source.wait(Some(shape), pair, now);
            } else if of_a_kernel && !is_sure(source, shape, now, settings, ip) {
                self.left_out += source.wait(Some(shape), pair, now);
                if is_likely(source, shape, now, settings, ip) {
                    self.left_out += report(source, (ip, pair), (shape, true), now, &mut self.decoys, reporter, out);
                }
            } else {
                self.left_out += report(source, (ip, pair), (shape, false), now, &mut self.decoys, reporter, out);
            }
        }
        if let Some(technique) = early_technique(source, pair).filter(|_| stand != Stand::Reported) {
            if of_a_kernel || stand == Stand::Forged {
                self.left_out += source.wait(None, pair, now);
            } else {
                tell_technique(source, (ip, pair.to), (technique, false), now, &mut self.decoys, reporter, out);
            }
        }
        let is_active = source.is_active();
        if is_active && !was_active {
            if self.active.len() < MAX_FINISHED {
                self.active.push(ip);
            } else {
                self.left_out += 1;
            }
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
                self.left_out += report(source, (ip, &pair), (known, doubtful), now, &mut self.decoys, reporter, out);
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
            } else {
                self.left_out += 1;
            }
        }
        source.reports.clear();
        source.more_ports.clear();
        self.pairs_left += source.pairs.len();
        source.pairs = Vec::new();
        source.index = HashTable::new();
        source.beyond = None;
        source.techniques.clear();
    }
}

/// What the source learned of the port; `None` where that is no failure.
fn found_by(source: &mut Source, s: &Settled) -> Option<Found> {
    Some(match s.outcome {
        Outcome::Open(_) => {
            walk(source, s, true);
            return None;
        }
        Outcome::Aborted => return None,
        Outcome::Refused => {
            source.slowest_answer = source.slowest_answer.max(s.time - s.began);
            source.answers += 1;
            source.is_answered(s.time);
            Found::Answered
        }
        Outcome::Unreachable | Outcome::Unanswered => Found::Silent,
        Outcome::ResetAfterSynAck => {
            source.reset_after_synack += 1;
            Found::Open
        }
        Outcome::MissingAck | Outcome::HalfOpen => Found::Open,
        Outcome::Silent => silent_at_end(source, s),
    })
}
