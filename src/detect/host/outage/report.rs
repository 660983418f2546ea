//! What is said of an outage.

use super::run::{Kind, Run};
use crate::detect::anomaly::Figure;
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;

pub(super) const LISTED: usize = 16;

pub(super) fn finding(run: &Run, server: Endpoint, kind: Kind, over: bool) -> Finding {
    let (all, clients) = (run.attempts(), run.hits.len());
    let at_least = if run.more_hits { "at least " } else { "" };
    let end = if over && run.good > 0 { run.good_since } else { run.last };
    let lasted = (end - run.begin).max(0);
    let seconds = lasted as f64 / 1e9;
    let what = format!(
        "{all} attempts (clients: {at_least}{clients}), answered by nothing: {}, by RST: {}, by ICMP: {}, reset once \
         open: {}",
        run.silent,
        run.refused,
        run.by_icmp(),
        run.reset
    );
    let reason = match (over, run.good > 0) {
        (false, _) => format!("{server} has failed for {seconds:.1} s: {what}; probably {}", kind.says()),
        (true, true) => format!("{server} works again after {seconds:.1} s: {what}; probably {}", kind.says()),
        (true, false) => {
            format!("{server} failed for {seconds:.1} s, until it was last asked: {what}; probably {}", kind.says())
        }
    };
    let listed = run.hits.iter().take(LISTED).map(|hit| hit.ip.to_string()).collect();
    Finding::new(reason)
        .figure("kind", Figure::Text(kind.name().to_owned()))
        .figure("attempts", all)
        .figure("silent", run.silent)
        .figure("refused", run.refused)
        .figure("unreachable", run.by_icmp())
        .figure("reset_once_open", run.reset)
        .figure("completed", run.between)
        .figure("completed_late", run.late)
        .figure("clients", clients as i64)
        .figure("clients_listed", Figure::Texts(listed))
        .figure("duration_ns", lasted)
        .frames(run.frames.iter().copied())
}

/// The outage of `server` turned out to be part of incident `whole`, of several services.
pub(super) fn joined(run: &Run, server: Endpoint, whole: u64) -> Finding {
    let mut finding = finding(run, server, run.kind, false);
    finding.reason.push_str(&format!("; it goes on as part of incident {whole}"));
    finding.figure("part_of", whole as i64)
}
