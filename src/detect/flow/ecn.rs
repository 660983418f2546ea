//! Explicit congestion notification: what was agreed on, and answers that no SYN allows.

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Facts;
use crate::flow::features::{Ecn, ecn};
use crate::tcp::Flags;

const CLASSIC: u16 = Flags::ECE.0 | Flags::CWR.0;
const ACCURATE: u16 = CLASSIC | Flags::AE.0;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "ecn-mode",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the result of a SYN that requested explicit congestion notification",
        description: "classic or accecn: routers may mark packets instead of dropping them. refused: the server does \
                      not support it or has it disabled.",
        reference: "RFC 3168 section 6.1.1; RFC 9768 section 3.1",
        when: When::Facts(Facts::SYN_ACK),
        check: mode,
    },
    Rule {
        id: "ecn-broken-reflect",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the SYN-ACK sends the ECN flags of the SYN back unchanged",
        description: "The server (or a device before it) copies reserved bits without interpreting them. The client \
                      must treat this as no ECN.",
        reference: "RFC 9768 section 3.1.1, table 2",
        when: When::Facts(Facts::SYN_ACK),
        check: reflected,
    },
    Rule {
        id: "ecn-illegal-synack",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the ECN flags of the SYN-ACK do not match those of the SYN",
        description: "The SYN-ACK has ECN flags although the SYN requested nothing, or a reserved combination. The \
                      server is broken, or a device on the path cleared or set the flags of the SYN.",
        reference: "RFC 9768 section 3.1.1; RFC 3168 section 6.1.1",
        when: When::Facts(Facts::SYN_ACK),
        check: illegal,
    },
];

fn mode(s: &RuleContext<'_>) -> Option<Finding> {
    let mode = ecn(s.flow).filter(|mode| *mode != Ecn::None)?;
    Some(Finding::new(format!("ECN: {mode}")).figure("mode", mode.name()))
}

fn reflected(s: &RuleContext<'_>) -> Option<Finding> {
    (ecn(s.flow)? == Ecn::Reflected).then(|| Finding::new("the SYN-ACK reflects the ECN flags of the SYN".to_owned()))
}

fn illegal(s: &RuleContext<'_>) -> Option<Finding> {
    let asked = s.flow.client.offer.as_ref().filter(|offer| offer.flags.is_syn())?.flags.0 & ACCURATE;
    let answer = s.segment?.flags.0 & ACCURATE;
    let illegal = match asked {
        0 => answer != 0,
        CLASSIC => !matches!(answer, 0 | CLASSIC) && answer != Flags::ECE.0,
        ACCURATE => answer == Flags::AE.0 | Flags::ECE.0,
        _ => false,
    };
    let bits = |flags: u16| {
        let bit = |flag: Flags| u8::from(flags & flag.0 != 0);
        format!("{}{}{}", bit(Flags::AE), bit(Flags::CWR), bit(Flags::ECE))
    };
    illegal.then(|| {
        Finding::new(format!("AE, CWR, ECE are {} in the SYN and {} in the SYN-ACK", bits(asked), bits(answer)))
            .figure("syn", bits(asked))
            .figure("synack", bits(answer))
    })
}
