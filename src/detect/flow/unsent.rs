//! Segments that acknowledge octets which were never sent: their receiver drops them.

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Facts;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[Rule {
    id: "ack-unsent",
    severity: Severity::Note,
    scope: Scope::Flow,
    summary: "a segment that acknowledges octets never sent; the receiver drops it",
    description: "The receiver answers with an ACK of its current numbers and accepts neither payload nor FIN: they \
                  are not counted, and no state changes. That answer, or the sender's next segments, show that the \
                  capture is complete. Causes are test tools, a broken stack, or a forger who does not know the \
                  numbers.",
    reference: "RFC 9293 section 3.10.7.4; RFC 5961 section 5",
    when: When::Facts(Facts::ACK_UNSENT),
    check: ack_unsent,
}];

fn ack_unsent(s: &RuleContext<'_>) -> Option<Finding> {
    let unsent = s.flow.unsent_ack()?;
    let sent = s.flow.peer(unsent.by.other());
    let (ack, by) = (unsent.ack.offset_from(sent.base()), unsent.by);
    let what = match (unsent.fin, unsent.octets) {
        (true, _) => "FIN".to_owned(),
        (false, 1) => "1 octet".to_owned(),
        (false, octets) => format!("{octets} octets"),
    };
    Some(
        Finding::new(format!("{what} of the {by} with an acknowledgment of {ack} (relative), which was never sent"))
            .frames([unsent.frame, s.segment?.frame])
            .figure("ack", ack)
            .figure("payload", unsent.octets),
    )
}
