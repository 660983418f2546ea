//! Multipath TCP: in use, or fallen back from.

use super::support::both_offers;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Facts;
use crate::flow::features::{MptcpUse, mptcp};
use crate::tcp::options::OptionFaults;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "mptcp-mode",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "Multipath TCP is in use: its version, or a further path of a connection",
        description: "The data of one connection may take several paths. This capture may contain only one path, so \
                      gaps in it are not losses.",
        reference: "RFC 8684 sections 3.1 and 3.2",
        when: When::Facts(Facts::SYN_ACK),
        check: mode,
    },
    Rule {
        id: "mptcp-fallback",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the SYN offers Multipath TCP, and the SYN-ACK or the repeated SYN omits it",
        description: "The server does not support it, or a device on the path removes the option. The connection works \
                      as ordinary TCP on one path.",
        reference: "RFC 8684 sections 3.1 and 3.7",
        when: When::Facts(Facts::SYN_ACK.union(Facts::SYN_REPEATED)),
        check: fallback,
    },
];

fn mode(s: &RuleContext<'_>) -> Option<Finding> {
    let mode = mptcp(s.flow).filter(|mode| matches!(mode, MptcpUse::V0 | MptcpUse::V1 | MptcpUse::Join))?;
    Some(Finding::new(format!("Multipath TCP: {mode}")).figure("mode", mode.name()))
}

fn fallback(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    if segment.flags.is_syn() {
        let offered = s.flow.client.offer.as_ref()?.mptcp.is_some();
        let captured = !segment.options.faults.intersects(OptionFaults::NOT_CAPTURED);
        return (offered && captured && segment.options.mptcp.is_none())
            .then(|| Finding::new("the repeated SYN does without Multipath TCP".to_owned()));
    }
    both_offers(s.flow)?;
    (mptcp(s.flow)? == MptcpUse::Fallback)
        .then(|| Finding::new("the SYN-ACK does not take the Multipath TCP that the SYN offers".to_owned()))
}
