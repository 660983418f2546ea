//! What the families share: how much a flow can be trusted, and words for figures.

use crate::detect::anomaly::Severity;
use crate::detect::rule::RuleContext;
use crate::flow::{Facts, Flow, Offer, Opening};
use crate::tcp::options::OptionFaults;
use crate::time::SECOND;

/// A duration for a sentence.
pub(super) fn seconds(ns: i64) -> String {
    if ns.saturating_abs() < SECOND {
        format!("{:.3} ms", ns as f64 / 1e6)
    } else {
        format!("{:.3} s", ns as f64 / 1e9)
    }
}

/// `severity`, or one below it where the capture shows only part of the flow.
///
/// An acknowledgment of what was never sent looks like a hole: the segment that is judged does not count as one.
pub(super) fn gated(s: &RuleContext<'_>, severity: Severity) -> Severity {
    let partial = matches!(s.flow.opening(), Opening::Midstream | Opening::SynAckOnly);
    let holes = s.flow.quality.holes > u32::from(s.facts.intersects(Facts::HOLE));
    if partial || holes { one_below(severity) } else { severity }
}

/// The next severity down.
pub(super) fn one_below(severity: Severity) -> Severity {
    match severity {
        Severity::Alert => Severity::Warn,
        Severity::Warn => Severity::Note,
        Severity::Note | Severity::Info => Severity::Info,
    }
}

/// What keeps a list of options from being read to its end.
pub(super) const UNREADABLE: OptionFaults = OptionFaults::NOT_CAPTURED
    .union(OptionFaults::LENGTH_TOO_SMALL)
    .union(OptionFaults::PAST_HEADER)
    .union(OptionFaults::WRONG_LENGTH);

/// Whether all options of a SYN or SYN-ACK were read: only then does it say something that one is missing.
pub(super) fn is_whole(offer: &Offer) -> bool {
    !offer.faults.intersects(UNREADABLE)
}

/// What both ends offered, where both lists of options are whole.
pub(in crate::detect) fn both_offers(flow: &Flow) -> Option<(&Offer, &Offer)> {
    let (client, server) = (flow.client.offer.as_ref()?, flow.server.offer.as_ref()?);
    (is_whole(client) && is_whole(server)).then_some((client, server))
}
