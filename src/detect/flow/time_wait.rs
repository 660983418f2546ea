//! What comes after a complete close.

use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Side};

/// The rules of this family. A flow is kept 5 s after its close; what comes later is only counted as late.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "time-wait-assassination",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the acknowledgment of an old segment after the close was answered by a RST at its \
                  acknowledgment number",
        description: "The end in TIME-WAIT answered an old segment, and the RST that came back ended TIME-WAIT early, \
                      so that old segments can now reach the next connection on these ports. Rare and mostly harmless; \
                      if many, something on the path repeats packets. Hosts that follow RFC 1337 ignore such a RST.",
        reference: "RFC 1337 section 2",
        when: When::Facts(Facts::RST),
        check: assassination,
    },
    Rule {
        id: "rst-in-time-wait",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a RST at the exact number after the close was complete",
        description: "An end reset a connection that was already closed. Some load balancers and Windows hosts do so; \
                      it may also be a blind reset. It shortens TIME-WAIT and has no other effect.",
        reference: "RFC 1337 section 3, fix F1",
        when: When::Facts(Facts::RST),
        check: rst_in_time_wait,
    },
    Rule {
        id: "old-duplicate-tw",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a late copy of data or FIN was acknowledged in TIME-WAIT",
        description: "The last acknowledgment was lost or slow, so the other end repeated its FIN. TIME-WAIT exists \
                      for this case. No action is needed.",
        reference: "RFC 9293 section 3.10.7.4 (TIME-WAIT)",
        when: When::Facts(Facts::AFTER_CLOSE),
        check: old_duplicate,
    },
];

/// Whether both FINs were acknowledged before, and how long ago, nanoseconds.
fn closed_since(s: &RuleContext<'_>) -> Option<i64> {
    let f = s.flow;
    let complete = f.both_fins() && f.both_fins_acknowledged();
    f.teardown.complete.filter(|_| complete).map(|at| s.time - at)
}

fn is_assassin(s: &RuleContext<'_>) -> bool {
    let (f, Some(segment)) = (s.flow, s.segment) else { return false };
    let passive = f.teardown.first_fin.map(Side::other) == Some(s.from);
    let provoked = f.notes().is_some_and(|notes| notes.late_copy_acked);
    passive && provoked && f.peer(s.from.other()).acked == Some(segment.seq)
}

fn assassination(s: &RuleContext<'_>) -> Option<Finding> {
    let after = closed_since(s).filter(|_| is_assassin(s))?;
    Some(
        Finding::new(format!("RST in answer to TIME-WAIT {} after the close", seconds(after)))
            .figure("after_ns", after),
    )
}

fn rst_in_time_wait(s: &RuleContext<'_>) -> Option<Finding> {
    let after = closed_since(s).filter(|_| s.facts.intersects(Facts::RST_EXACT) && !is_assassin(s))?;
    Some(Finding::new(format!("RST of the {} {} after the close", s.from, seconds(after))).figure("after_ns", after))
}

fn old_duplicate(s: &RuleContext<'_>) -> Option<Finding> {
    let after = closed_since(s)?;
    let active = s.flow.teardown.first_fin == Some(s.from);
    (active && s.flow.notes().is_some_and(|notes| notes.late_copy_acked)).then(|| {
        Finding::new(format!("a late copy was acknowledged {} after the close", seconds(after)))
            .figure("after_ns", after)
    })
}
