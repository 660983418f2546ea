//! One incident, one report: what somebody sends in the names of many.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::source::Source;
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::host::clients::network_of;
use crate::detect::host::probe::{Probe, Technique};
use crate::detect::host::reporter::{Report, Reporter, Whom};
use crate::detect::rule::{Finding, Rule};
use crate::time::{SECOND, Timestamp};

/// Targets of scans with decoys that are remembered.
const TARGETS: usize = 64;
/// Addresses that a list names.
const NAMED: usize = 32;
/// Incidents that go on at a time.
const CROWDS: usize = 64;
/// An incident is over after so much silence.
const QUIET: i64 = 60 * SECOND;
/// It is reported again whenever it has this many times as many sources as before.
const GROWTH: u64 = 10;

/// How a source stands to others that send the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It sends what it sends alone, or was seen to get what is sent to it.
    Real,
    /// It may be a name that somebody else uses.
    Forged,
    /// It may, or not: of another of them it has been reported already.
    Reported,
}

/// A host that somebody scans in several names.
#[derive(Debug)]
struct Decoyed {
    target: IpAddr,
    sources: SmallVec<[IpAddr; 4]>,
    /// Of whom the scan has been reported.
    reported: Option<IpAddr>,
    /// The incident, while it goes on, and who was named in it.
    scan: Option<(&'static Rule, u64)>,
    named: SmallVec<[IpAddr; 4]>,
}

/// Hosts that are scanned in several names at once, and how many were forgotten for others.
#[derive(Debug, Default)]
pub(super) struct Decoys(Vec<Decoyed>, u64);

impl Decoys {
    pub(super) const fn left_out(&self) -> u64 {
        self.1
    }

    /// These sent the same probe of `target` at once.
    pub(super) fn add(&mut self, target: IpAddr, sources: [IpAddr; 2]) {
        let at = self.0.iter().position(|d| d.target == target).unwrap_or_else(|| {
            if self.0.len() >= TARGETS {
                self.0.remove(0);
                self.1 += 1;
            }
            self.0.push(Decoyed {
                target,
                sources: SmallVec::new(),
                reported: None,
                scan: None,
                named: SmallVec::new(),
            });
            self.0.len() - 1
        });
        let Some(decoyed) = self.0.get_mut(at) else { return };
        for ip in sources {
            if decoyed.sources.len() < NAMED && !decoyed.sources.contains(&ip) {
                decoyed.sources.push(ip);
            }
        }
    }

    fn of(&self, target: IpAddr, ip: IpAddr) -> Option<&Decoyed> {
        self.0.iter().find(|d| d.target == target && d.sources.contains(&ip))
    }

    pub(super) fn stand(&self, source: &Source, ip: IpAddr, target: IpAddr) -> Stand {
        if !source.is_shadowed() {
            return Stand::Real;
        }
        match self.of(target, ip) {
            Some(Decoyed { reported: Some(reported), .. }) if *reported != ip => Stand::Reported,
            Some(_) if source.may_be_forged() => Stand::Forged,
            _ => Stand::Real,
        }
    }

    /// The scan of `target` is reported of `ip`.
    pub(super) fn tell(&mut self, source: &Source, ip: IpAddr, target: IpAddr) {
        if source.is_shadowed()
            && let Some(decoyed) = self.0.iter_mut().find(|d| d.target == target && d.sources.contains(&ip))
        {
            decoyed.reported.get_or_insert(ip);
        }
    }

    /// The scan of `target` that is reported of `ip` has this incident of this rule.
    pub(super) fn began(&mut self, target: IpAddr, ip: IpAddr, rule: &'static Rule, incident: u64) {
        if let Some(decoyed) = self.0.iter_mut().find(|d| d.target == target && d.reported == Some(ip)) {
            decoyed.scan.get_or_insert((rule, incident));
        }
    }

    /// The scan of `target` that was reported of `ip` is over.
    pub(super) fn over(&mut self, target: IpAddr, ip: IpAddr) {
        // Whom it was reported of is remembered: what is withheld of the others is decided later.
        for decoyed in self.0.iter_mut().filter(|d| d.target == target && d.reported == Some(ip)) {
            decoyed.scan = None;
            decoyed.named.clear();
        }
    }

    /// `ip` would be reported for the same scan of `target`: that it is one of the names is noted in it, once.
    pub(super) fn note(
        &mut self,
        target: IpAddr,
        ip: IpAddr,
        now: Timestamp,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let Some(decoyed) = self.0.iter_mut().find(|d| d.target == target && d.sources.contains(&ip)) else { return };
        let Some((rule, incident)) = decoyed.scan.filter(|_| !decoyed.named.contains(&ip)) else { return };
        decoyed.named.push(ip);
        let finding = Finding::new(format!("{ip} is one of the names in which {target} is scanned: it may be forged"))
            .severity(Severity::Note)
            .of(incident, Phase::Update);
        reporter.report(rule, now, (Some((ip, None)), Some((target, None))), finding, out);
    }

    /// Adds in whose names `target` is scanned, if it is reported of one of them.
    pub(super) fn name(&self, target: IpAddr, ip: IpAddr, mut finding: Finding) -> Finding {
        if let Some(decoyed) = self.of(target, ip).filter(|d| d.reported == Some(ip)) {
            let mut names = decoyed.sources.to_vec();
            names.sort_unstable();
            finding.figures.push(("sources", Figure::Texts(names.iter().map(ToString::to_string).collect())));
        }
        finding
    }
}

/// Sources that send the same to one network.
#[derive(Debug)]
struct Crowd {
    technique: Technique,
    network: IpAddr,
    /// Whom the first was reported of, and its target.
    ends: (Option<Whom>, Option<Whom>),
    incident: u64,
    sources: u64,
    reported: u64,
    sample: SmallVec<[IpAddr; 2]>,
    frame: u64,
    last: Timestamp,
}

impl Crowd {
    fn finding(&self) -> Finding {
        let target = self.ends.1.map_or(self.network, |(ip, _)| ip);
        let mut finding = Finding::new(format!(
            "{} sources probe {target} and its neighbours by {}: their addresses may be forged",
            self.sources,
            self.technique.name()
        ))
        .figure("technique", self.technique.name())
        .figure("source_count", self.sources as i64)
        .frames([self.frame]);
        let names = self.sample.iter().map(ToString::to_string).collect();
        finding.figures.push(("sources", Figure::Texts(names)));
        finding
    }

    fn conclude(&self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        if self.sources > 1 {
            reporter.report(self.technique.rule(), now, self.ends, self.finding().of(self.incident, Phase::Final), out);
        }
    }
}

/// Probes that no connection begins with, of whomever: of each technique and network that is probed one incident at a
/// time. How many found no place.
#[derive(Debug, Default)]
pub(super) struct Crowds(Vec<Crowd>, u64);

impl Crowds {
    pub(super) const fn left_out(&self) -> u64 {
        self.1
    }

    /// `finding` is the first of its technique about the source of `p`. The incident that it is part of.
    pub(super) fn tell(&mut self, p: &Probe, finding: Finding, reporter: &mut Reporter, out: Report<'_>) -> u64 {
        let network = network_of(p.to.ip);
        let rule = p.technique.rule();
        let same = |c: &&mut Crowd| c.technique == p.technique && c.network == network && p.time - c.last < QUIET;
        if let Some(crowd) = self.0.iter_mut().find(same) {
            crowd.last = crowd.last.max(p.time);
            crowd.sources += 1;
            if crowd.sample.len() < NAMED && !crowd.sample.contains(&p.from.ip) {
                crowd.sample.push(p.from.ip);
            }
            if crowd.sources >= GROWTH.saturating_mul(crowd.reported) {
                crowd.reported = crowd.sources;
                reporter.report(rule, p.time, crowd.ends, crowd.finding().of(crowd.incident, Phase::Update), out);
            }
            return crowd.incident;
        }
        let ends = (Some((p.from.ip, None)), Some((p.to.ip, None)));
        let incident = reporter.report(rule, p.time, ends, finding, out);
        if self.0.len() < CROWDS {
            let (technique, sample) = (p.technique, SmallVec::from_iter([p.from.ip]));
            let (frame, last) = (p.frame, p.time);
            self.0.push(Crowd { technique, network, ends, incident, sources: 1, reported: 1, sample, frame, last });
        } else {
            self.1 += 1;
        }
        incident
    }

    /// What has fallen silent is over.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        let mut at = 0;
        while let Some(crowd) = self.0.get(at) {
            if now - crowd.last < QUIET {
                at += 1;
            } else {
                self.0.remove(at).conclude(now, reporter, out);
            }
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        for crowd in core::mem::take(&mut self.0) {
            crowd.conclude(now, reporter, out);
        }
    }
}
