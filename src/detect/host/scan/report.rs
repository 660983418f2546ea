//! What is said of a source: its scans, its technique, its tool, and its habits.

use core::net::IpAddr;

use super::crowd::Decoys;
use super::pair::{Found, Pair};
use super::shape::MAX_LISTED;
use super::source::{MAX_REPORTS, Reported, Shape, Source};
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::host::burst::MANY;
use crate::detect::host::input::{Attempt, Outcome, Settled};
use crate::detect::host::probe::Technique;
use crate::detect::host::reporter::{Report, Reporter, Whom};
use crate::detect::host::rules;
use crate::detect::host::tools::Tool;
use crate::detect::rule::Finding;
use crate::time::Timestamp;

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

/// Reports a scan for the first time, and its technique if that has not been reported. How many found no place.
pub(super) fn report(
    source: &mut Source,
    (ip, pair): (IpAddr, &Pair),
    (shape, doubtful): (Shape, bool),
    now: Timestamp,
    decoys: &mut Decoys,
    reporter: &mut Reporter,
    out: Report<'_>,
) -> u64 {
    let technique = source.technique_of(pair);
    if let Some(scan) = source.of_other_port(shape, technique) {
        source.more_ports.push(pair.port);
        let (ends, mut finding) = scan_finding(source, ip, scan.shape, technique);
        finding.severity = scan.doubtful.then_some(Severity::Note);
        reporter.report(scan.shape.rule(), now, ends, finding.of(scan.incident, Phase::Update), out);
        return 0;
    }
    if source.reports.len() >= MAX_REPORTS {
        return 1;
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
    0
}

/// What was doubtful has become clear.
pub(super) fn confirm(
    source: &mut Source,
    ip: IpAddr,
    shape: Shape,
    now: Timestamp,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let Some(scan) = source.reports.iter_mut().find(|r| r.shape == shape && r.doubtful) else { return };
    scan.doubtful = false;
    let (technique, incident) = (scan.technique, scan.incident);
    let (ends, finding) = scan_finding(source, ip, shape, technique);
    reporter.report(shape.rule(), now, ends, finding.of(incident, Phase::Update), out);
    let to = ends.1.map_or(ip, |(to, _)| to);
    let finding = technique_finding(source, ip, technique, to);
    let finding = match source.incident_of(technique) {
        Some(incident) => finding.of(incident, Phase::Update),
        None => finding,
    };
    reporter.report(technique.rule(), now, (Some((ip, None)), Some((to, None))), finding, out);
}

pub(super) fn tell_technique(
    source: &mut Source,
    (ip, to): (IpAddr, IpAddr),
    (technique, doubtful): (Technique, bool),
    now: Timestamp,
    decoys: &mut Decoys,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    if source.knows(technique) {
        return;
    }
    decoys.tell(source, ip, to);
    let mut finding = decoys.name(to, ip, technique_finding(source, ip, technique, to));
    finding.severity = finding.severity.or(doubtful.then_some(Severity::Note));
    let incident = reporter.report(technique.rule(), now, (Some((ip, None)), Some((to, None))), finding, out);
    source.reported(technique, incident);
}

pub(super) fn tool_finding(source: &Source, ip: IpAddr, tool: Tool) -> Finding {
    Finding::new(format!("{ip} sends the packets of {}", tool.name()))
        .figure("tool", tool.name())
        .frames(source.frames.iter().copied())
}

pub(super) fn technique_finding(source: &Source, ip: IpAddr, technique: Technique, to: IpAddr) -> Finding {
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

pub(super) fn scan_finding(
    source: &Source,
    ip: IpAddr,
    shape: Shape,
    technique: Technique,
) -> ((Option<Whom>, Option<Whom>), Finding) {
    let report = summarize(source, ip, shape, technique);
    let technique = report.technique;
    let members = || source.members(shape, technique);
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

pub(super) fn summarize(source: &Source, ip: IpAddr, shape: Shape, technique: Technique) -> ScanReport {
    let technique = source.resolved(technique);
    let members = || source.members(shape, technique);
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
    let share = |n: u64| n / sharers(source, shape);
    // A host has no more ports than there are.
    let room = if matches!(shape, Shape::Vertical(_)) { PORTS.saturating_sub(kept) } else { u64::MAX };
    let more = beyond.map_or(0, |b| share(b.pairs.count()).min(room));
    let (more_open, more_silent) = beyond.map_or((0, 0), |b| (share(b.open).min(more), share(b.silent).min(more)));
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

/// Ports of a host.
const PORTS: u64 = 1 << 16;

/// How many scans share the pairs that were not kept: of those of single hosts, as many as there are.
fn sharers(source: &Source, shape: Shape) -> u64 {
    let is_vertical = |shape: Shape| matches!(shape, Shape::Vertical(_));
    let others = source.reports.iter().filter(|other| is_vertical(other.shape) && other.shape != shape).count() as u64;
    if is_vertical(shape) { 1 + others } else { 1 }
}

/// Whether the client takes its source ports in order.
pub(super) fn sequential(source: &mut Source, a: &Attempt, reporter: &mut Reporter, out: Report<'_>) {
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

/// A failed attempt in the count of refusals and of silent hosts in ten seconds.
pub(super) fn burst(source: &mut Source, s: &Settled, reporter: &mut Reporter, out: Report<'_>) {
    let ip = s.client.ip;
    let refused = s.outcome == Outcome::Refused
        && source.refused.add(s.began)
        && !source.may_be_forged()
        && source.refused.should_report(s.began);
    let is_silent = matches!(s.outcome, Outcome::Unanswered | Outcome::Silent);
    let silent =
        is_silent && source.silent_hosts.add(s.server.ip, s.began) && source.silent_hosts.should_report(s.began);
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
