//! Whether the seconds of a service are those of a flood, or of an outage.

use super::cusum::{Cusum, PERIOD};
use super::forgery::signs_of_forgery;
use super::incident::{Incident, Ledger, MAX_FRAMES, Others, Running};
use super::report::{flood_finding, outbound, rest, spoofed};
use super::service::{CALM, COHORT, FLOOD_HANGING, FLOOD_RATE, FLOOD_SYNS, RIPE, Service};
use super::spread::Areas;
use crate::detect::anomaly::Phase;
use crate::detect::host::burst::MANY;
use crate::detect::host::input::Settled;
use crate::detect::host::reporter::{Report, Reporter};
use crate::detect::host::rules;
use crate::detect::host::seconds::Second;
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// So few clients whose kernels ask are no flood that adds up.
const FEW_CLIENTS: usize = 3;
/// Clients of a service that fails them, at least.
const OUTAGE_CLIENTS: usize = 20;
/// SYNs of one period, at least, whose look tells that they come from a tool.
const MADE: u32 = 100;
/// Incidents at once.
const MAX_ACTIVE: usize = 64;

/// Judges the seconds of a service that have become ripe by `second`.
pub(super) fn judge_service(
    service: &mut Service,
    victim: Endpoint,
    second: i64,
    areas: &Areas,
    ledger: &mut Ledger,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    if second <= service.judged {
        return;
    }
    let elapsed = (second - service.judged).min(600);
    // Whatever came in a later second was judged then.
    let past = service.seconds.get(service.judged).copied().unwrap_or_default();
    let rate = f64::from(past.syns) / elapsed as f64;
    judge_cohort(service, victim, second, RIPE, (areas, ledger), reporter, out);
    if service.running.is_none() {
        service.baseline = rate + (service.baseline - rate) * (1.0_f64 - 1.0 / 600.0).powi(elapsed as i32);
    }
    if areas.is_running(victim.ip) {
        // They are part of a flood that has been reported.
        service.cusum = Cusum { period: service.cusum.period, mean: service.cusum.mean, ..Cusum::default() };
    }
    close_period(service, victim, second, ledger, reporter, out);
    service.judged = second;
    let over = service.running.as_mut().is_some_and(|r| {
        let (recent, span) = (past.syns, elapsed as f64);
        let calm = f64::from(recent) / span < f64::from(CALM) || past.completion() >= 0.6;
        r.calm_seconds = if calm { r.calm_seconds + elapsed as u32 } else { 0 };
        r.calm_seconds >= 10
    });
    if over && let Some(ended) = service.running.take() {
        ledger.running.retain(|v| *v != victim);
        let at = service.time_of(second);
        rest(*ended, service.sketch.as_deref(), &[], ledger, at, reporter, out);
        service.others = Others::default();
        service.cleared = second;
    }
}

/// Whether a cohort of this rate is a flood at a service of this ordinary rate.
fn is_flood(cohort: &Second, rate: f64, baseline: f64) -> bool {
    cohort.syns >= FLOOD_SYNS
        && rate >= FLOOD_RATE.max(5.0 * baseline)
        && cohort.completion() <= 0.2
        && cohort.hanging() >= FLOOD_HANGING
        && cohort.retry_share() <= 0.3
}

/// The flood that is under way goes on: its peak, and whether its sources are forged.
fn go_on(service: &mut Service, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
    let began = service.began;
    let Some(r) = &mut service.running else { return };
    if let Some(peak) = service.seconds.iter().max_by_key(|s| (s.syns, s.at))
        && peak.syns > r.incident.peak
        && peak.at >= r.first_second
    {
        (r.incident.peak, r.incident.peak_time) = (peak.syns, began.after(peak.at.saturating_mul(SECOND)));
    }
    spoofed(r, service.sketch.as_deref(), now, reporter, out);
}

/// Judges the cohort that ends `ripe` seconds before `second`.
pub(super) fn judge_cohort(
    service: &mut Service,
    victim: Endpoint,
    second: i64,
    ripe: i64,
    (areas, ledger): (&Areas, &mut Ledger),
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let may_fail = !service.outage_reported && service.clients.known() >= OUTAGE_CLIENTS;
    if service.running.is_none() && !may_fail && service.is_below(FLOOD_SYNS, COHORT + ripe + 1) {
        return;
    }
    let from = (second - ripe - COHORT).max(service.cleared.saturating_add(1));
    let (cohort, span) = service.seconds.cohort(from, second - ripe);
    if cohort.syns == 0 {
        return;
    }
    let now = service.time_of(second).max(service.last);
    if ripe > 0 {
        outage(service, victim, &cohort, now, (areas, ledger.shows_answers()), reporter, out);
    }
    let rate = f64::from(cohort.syns) / span as f64;
    if service.running.is_some() {
        return go_on(service, now, reporter, out);
    }
    let believed = ledger.shows_answers() || looks_forged(service, victim) || is_made_by_one(service);
    if !believed
        || !is_flood(&cohort, rate, service.baseline)
        || areas.is_flooded(victim.ip, now, ledger.shows_answers())
    {
        return;
    }
    if ledger.running.len() >= MAX_ACTIVE {
        ledger.leave_out(&mut service.left_out);
        return;
    }
    let pulse = begin(service, victim, &cohort, from);
    let first_second = service.second_of(pulse.begin);
    let (incident, before) = ledger.resume(pulse);
    let source = incident.source.map(|ip| (ip, None));
    let mut finding = flood_finding(&incident, &cohort, rate);
    if let Some((number, _)) = before {
        finding = finding.of(number, Phase::Update);
    }
    let number = reporter.report(&rules::SYN_FLOOD, now, (source, Some((victim.ip, Some(victim.port)))), finding, out);
    if let Some(finding) = outbound(service, victim, rate) {
        reporter.report(&rules::SYN_FLOOD_OUTBOUND, now, (source, Some((victim.ip, Some(victim.port)))), finding, out);
    }
    let spoofing_reported = before.is_some_and(|(_, reported)| reported);
    let mut running = Running { incident, number, first_second, spoofing_reported, calm_seconds: 0 };
    spoofed(&mut running, service.sketch.as_deref(), now, reporter, out);
    service.running = Some(Box::new(running));
    ledger.running.push(victim);
}

/// The flood that the cohort from second `from` on is. It began with the first second that can belong to it.
pub(super) fn begin(service: &Service, victim: Endpoint, cohort: &Second, from: i64) -> Incident {
    let seconds = || service.seconds.iter().filter(|s| s.syns > 0 && s.at >= from);
    let heavy = seconds().filter(|s| s.syns >= CALM).map(|s| s.at).min();
    let first = heavy.or_else(|| seconds().map(|s| s.at).min()).unwrap_or(from);
    let mut all = Second { at: first, ..Second::default() };
    seconds().filter(|s| s.at >= first).for_each(|s| all.add(s));
    let peak = seconds().max_by_key(|s| (s.syns, s.at));
    Incident {
        rule: rules::SYN_FLOOD.id,
        victim,
        spread: None,
        begin: service.time_of(first),
        last: service.last,
        ended: false,
        pulses: 1,
        syns: u64::from(all.syns),
        completed: u64::from(all.completed),
        answered: u64::from(all.answered),
        reset: u64::from(all.reset),
        peak: peak.map_or(0, |p| p.syns),
        peak_time: service.time_of(peak.map_or(first, |p| p.at)),
        sources: service.sketch.as_ref().map_or(service.clients.known() as u64, |sketch| sketch.sources.count()),
        source: service.main_source(),
        spoofing: Vec::new(),
        all_answered: f64::from(cohort.answered) >= 0.98 * f64::from(cohort.syns),
        cookies: service.cookies,
        before: service.others,
        during: Others::default(),
        after: Others::default(),
        frames: service.frames.iter().copied().filter(|f| *f > 0).take(MAX_FRAMES).collect(),
    }
}

/// Whether SYNs without visible answers are not those of ordinary clients: a capture of nothing but SYNs shows no more.
fn looks_forged(service: &Service, victim: Endpoint) -> bool {
    service.sketch.as_ref().is_some_and(|sketch| signs_of_forgery(sketch, sketch.sources.count(), victim).len() >= 2)
}

/// Whether nearly all SYNs come from one source that is no kernel: a tool, which no answer would keep from sending.
fn is_made_by_one(service: &Service) -> bool {
    let cusum = &service.cusum;
    cusum.syns >= MADE && 10 * cusum.raw >= 9 * cusum.syns && service.main_source().is_some()
}

/// A service that fails its clients: many of them, who try again or are all refused.
pub(super) fn outage(
    service: &mut Service,
    victim: Endpoint,
    cohort: &Second,
    now: Timestamp,
    (areas, saw_answers): (&Areas, bool),
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let clients = service.clients.lately(service.second_of(now));
    if service.outage_reported
        || service.is_out
        || clients < OUTAGE_CLIENTS
        || cohort.syns < 20
        || cohort.completion() > 0.05
    {
        return;
    }
    let all_refused = cohort.refused >= cohort.syns - cohort.completed;
    if (cohort.retry_share() < 0.5 && !all_refused) || areas.is_flooded(victim.ip, now, saw_answers) {
        return;
    }
    service.outage_reported = true;
    let finding = Finding::new(format!(
        "{victim} fails its clients: {} attempts of at least {clients} clients, {} completed, {} refused, {} sent \
         again",
        cohort.syns, cohort.completed, cohort.refused, cohort.retried
    ))
    .figure("attempts", cohort.syns)
    .figure("clients", clients as i64)
    .figure("completed", cohort.completed)
    .figure("refused", cohort.refused)
    .figure("retry_share", cohort.retry_share())
    .frames(service.frames.iter().copied().filter(|f| *f > 0));
    reporter.report(&rules::SERVICE_UNREACHABLE, now, (None, Some((victim.ip, Some(victim.port)))), finding, out);
}

/// Twenty refusals of one service in ten seconds: one report for as long as they go on like that.
pub(super) fn refused(service: &mut Service, s: &Settled, areas: &Areas, reporter: &mut Reporter, out: Report<'_>) {
    let many = service.refused.add(s.began) && service.main_source().is_none();
    if !many || areas.network_is_swarmed(s.server.ip, s.began) || !service.refused.should_report(s.began) {
        return;
    }
    let finding = Finding::new(format!("{} refused {MANY} attempts within 10 s", s.server))
        .figure("refused", MANY as i64)
        .frames([s.frame]);
    reporter.report(&rules::REFUSED_BURST, s.time, (None, Some((s.server.ip, Some(s.server.port)))), finding, out);
}

/// Ends the periods of CUSUM that have passed at `second`.
pub(super) fn close_period(
    service: &mut Service,
    victim: Endpoint,
    second: i64,
    ledger: &Ledger,
    reporter: &mut Reporter,
    out: Report<'_>,
) {
    let period = Cusum::period_of(second);
    if period <= service.cusum.period {
        return;
    }
    service.busy /= 2;
    service.outward /= 2;
    let refused: u32 = service.seconds.iter().map(|s| s.refused).sum();
    let Some(p) = service.cusum.close(period, refused) else { return };
    // Fewer than 50 SYNs prove nothing; where nearly all completed there is no flood now, whatever was before.
    let seen = ledger.saw_answers && ledger.capture.shows_completion() && second >= 2 * PERIOD;
    // A balancer, or a pool, that asks on for what is gone; or the clients of an outage, which has its own report.
    let asks_on = (service.is_out || service.clients.known() <= FEW_CLIENTS) && 2 * p.of_a_kernel > p.syns;
    let proves_little = p.syns < 50 || p.is_outage || p.failed < 0.2 * f64::from(p.syns);
    if service.cusum.reported || !seen || asks_on || proves_little {
        return;
    }
    service.cusum.reported = true;
    let (syns, completed, sum) = (p.syns, p.completed, p.sum);
    let finding = Finding::new(format!("{syns} SYNs to {victim} in 10 s and {completed} completions: CUSUM {sum:.2}"))
        .figure("cusum", sum)
        .figure("syns", syns)
        .figure("completed", completed)
        .frames(service.frames.iter().copied().filter(|f| *f > 0));
    reporter.report(&rules::SYN_FLOOD_CUSUM, service.last, (None, Some((victim.ip, Some(victim.port)))), finding, out);
}
