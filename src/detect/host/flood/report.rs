//! What is said of floods: their begin, their end, whether their sources are forged, and what is half-open.

use core::net::IpAddr;

use super::forgery::{Sketch, signs_of_forgery};
use super::incident::{Incident, Ledger, Others, PAUSE, Resting, Running, Spread};
use super::service::Service;
use crate::detect::anomaly::{Figure, Phase, Severity};
use crate::detect::host::limits::{Limit, LimitChange};
use crate::detect::host::reporter::{Report, Reporter};
use crate::detect::host::rules;
use crate::detect::host::seconds::Second;
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// What half-open connections do to the queue of `server`.
pub(super) fn half_open_finding(service: &Service, server: Endpoint, half_open: u32) -> Finding {
    let reason = format!("{half_open} embryonic connections to {server} within 30 s");
    let finding = if service.cookies {
        let reason = format!("{reason}: they bypass its queue, because it answers with SYN cookies");
        Finding::new(reason).figure("queue", "bypassed").severity(Severity::Note)
    } else {
        Finding::new(reason)
    };
    finding.figure("half_open", half_open).frames(service.frames.iter().copied().filter(|f| *f > 0))
}

/// Judges whether the answers of `server` are limited in number.
pub(super) fn limited(limit: &mut Limit, server: Endpoint, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
    let ends = (None, Some((server.ip, Some(server.port))));
    match limit.judge(now, server) {
        Some(LimitChange::Begins(finding)) => {
            limit.number(reporter.report(&rules::SYN_RATE_LIMITED, now, ends, finding, out));
        }
        Some(LimitChange::Ends(finding)) => {
            reporter.report(&rules::SYN_RATE_LIMITED, now, ends, finding, out);
        }
        None => {}
    }
}

pub(super) fn flood_finding(i: &Incident, cohort: &Second, rate: f64) -> Finding {
    let mut finding = Finding::new(format!(
        "{rate:.0} SYNs a second to {}: {:.1} % completed, {:.1} % of the others sent again",
        over(i),
        100.0 * cohort.completion(),
        100.0 * cohort.retry_share(),
    ))
    .figure("syns", i.syns as i64)
    .figure("rate", rate)
    .figure("completed", i64::from(cohort.completed))
    .figure("answered", i64::from(cohort.answered))
    .figure("reset_by_client", i64::from(cohort.reset))
    .figure("retry_share", cohort.retry_share())
    .figure("peak", i.peak)
    .frames(i.frames.iter().copied());
    if i.sources > 0 {
        finding = finding.figure("sources", i.sources as i64);
    }
    if i.pulses > 1 {
        finding = finding.figure("pulses", i.pulses);
    }
    others_figures(finding, "before", &i.before)
}

/// The victim, and over what it is flooded.
pub(super) fn over(i: &Incident) -> String {
    match i.spread {
        None => i.name(),
        Some(Spread { network: None, ports, .. }) => format!("{} (some {ports} ports)", i.name()),
        Some(Spread { hosts, ports, .. }) => format!("{} (some {hosts} hosts, ports: {ports})", i.name()),
    }
}

fn others_figures(finding: Finding, when: &'static str, o: &Others) -> Finding {
    let (success, connect) = match when {
        "before" => ("others_success_before", "others_connect_before_ns"),
        "during" => ("others_success_during", "others_connect_during_ns"),
        _ => ("others_success_after", "others_connect_after_ns"),
    };
    let finding = match o.success() {
        Some(share) => finding.figure(success, share),
        None => finding,
    };
    match o.connect_time() {
        Some(time) => finding.figure(connect, time),
        None => finding,
    }
}

/// Adds over what a flood is spread.
pub(super) fn figures(mut finding: Finding, incident: &Incident, listed: &[IpAddr]) -> Finding {
    let Some(spread) = incident.spread else { return finding };
    finding = finding.figure("hosts", spread.hosts as i64).figure("ports", spread.ports as i64);
    if let Some(network) = spread.network {
        finding.figures.push(("network", Figure::Text(network.to_string())));
        finding.figures.push(("targets_listed", Figure::Texts(listed.iter().map(ToString::to_string).collect())));
    }
    finding
}

/// A flood with at least four in five SYNs from our networks.
pub(super) fn outbound(service: &Service, victim: Endpoint, rate: f64) -> Option<Finding> {
    let ours = service.outward > 0 && u64::from(service.outward) * 10 >= u64::from(service.busy) * 8;
    ours.then(|| {
        Finding::new(format!("our networks flood {victim} with {rate:.0} SYNs a second"))
            .figure("syns", service.outward)
            .figure("rate", rate)
            .frames(service.frames.iter().copied().filter(|f| *f > 0))
    })
}

/// Evidence that the sources of a running flood are forged.
pub(super) fn spoofed(
    r: &mut Running,
    sketch: Option<&Sketch>,
    now: Timestamp,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let Some(sketch) = sketch else { return };
    let i = &mut r.incident;
    let victim = i.victim;
    let n = sketch.syns();
    i.sources = sketch.sources.count().max(if i.pulses > 1 { i.sources } else { 0 });
    let mut evidence = signs_of_forgery(sketch, i.sources, victim);
    if i.answered > 100 && i.reset * 20 >= i.answered && i.sources >= 20 {
        evidence.push("sources that reset what they never asked for");
    }
    i.spoofing = evidence;
    if i.spoofing.len() < 2 || r.spoofing_reported {
        return;
    }
    r.spoofing_reported = true;
    let finding =
        Finding::new(format!("the flood on {} comes from forged addresses: {}", i.name(), i.spoofing.join(", ")))
            .figure("sources", i.sources as i64)
            .figure("syns", n as i64)
            .figure("martians", sketch.martians as i64)
            .frames(i.frames.iter().copied());
    reporter.report(&rules::SYN_FLOOD_SPOOFED, now, (None, i.whom()), finding, out);
}

/// A flood came to rest. It has ended if no other pulse comes soon.
pub(super) fn rest(
    mut running: Running,
    sketch: Option<&Sketch>,
    listed: &[IpAddr],
    ledger: &mut Ledger,
    now: Timestamp,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    spoofed(&mut running, sketch, now, reporter, out);
    ledger.resting.push(Resting { running, listed: listed.to_vec() });
    end_rested(ledger, now, PAUSE, reporter, out);
}

/// Reports the floods that have rested for `pause` at `now`.
pub(super) fn end_rested(ledger: &mut Ledger, now: Timestamp, pause: i64, reporter: &mut Reporter, out: Report<'_>) {
    while let Some(Resting { running, listed }) = ledger.next_ended(now, pause) {
        end(running, &listed, ledger, now, reporter, out);
    }
}

fn end(
    mut r: Running,
    listed: &[IpAddr],
    ledger: &mut Ledger,
    now: Timestamp,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    r.incident.ended = true;
    let i = &r.incident;
    let seconds = (i.last - i.begin).max(SECOND) as f64 / 1e9;
    let mut finding = Finding::new(format!(
        "flood on {} over: {} SYNs in {seconds:.0} s{}, at most {} a second",
        over(i),
        i.syns,
        if i.pulses > 1 { format!(" and {} pulses", i.pulses) } else { String::new() },
        i.peak
    ))
    .figure("syns", i.syns as i64)
    .figure("rate", i.syns as f64 / seconds)
    .figure("completed", i.completed as i64)
    .figure("answered", i.answered as i64)
    .figure("reset_by_client", i.reset as i64)
    .figure("peak", i.peak)
    .figure("duration_ns", i.last - i.begin)
    .frames(i.frames.iter().copied());
    if i.sources > 0 {
        finding = finding.figure("sources", i.sources as i64);
    }
    if i.pulses > 1 {
        finding = finding.figure("pulses", i.pulses);
    }
    finding = others_figures(others_figures(finding, "before", &i.before), "during", &i.during);
    let source = i.source.map(|ip| (ip, None));
    let finding = figures(finding, i, listed).of(r.number, Phase::Final);
    reporter.report(&rules::SYN_FLOOD, now, (source, i.whom()), finding, out);
    ledger.keep(r.incident);
}
