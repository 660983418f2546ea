//! The maximum segment size: absent, tiny, exceeded.

use super::support::{UNREADABLE, gated, is_whole};
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Facts;

/// Below this a segment carries less than it costs; no link asks for it.
const TINY: u16 = 216;
/// What every IPv4 host must be able to take (RFC 9293 section 3.7.1).
const LEAST_V4: u16 = 536;
/// What every IPv6 link carries.
pub(in crate::detect) const LEAST_V6: u16 = 1220;
/// SYN or SYN-ACK, first time.
const OFFERS: When = When::Facts(Facts::SYN.union(Facts::SYN_ACK));

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "mss-absent",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN or SYN-ACK without a maximum segment size",
        description: "Kernels always send one. Scanners, floods and hand-made packets often do not; a real connection \
                      then falls back to 536 octets a segment (1220 on IPv6).",
        reference: "RFC 9293 section 3.7.1 (SHLD-5, MUST-15)",
        when: OFFERS,
        check: absent,
    },
    Rule {
        id: "mss-tiny",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a maximum segment size below 216 octets (below the least of the address family: note)",
        description: "No link needs it. It forces the other end to send many small segments, at a cost in memory and \
                      time: a probe for CVE-2019-11479, a tool, or a very small device.",
        reference: "CVE-2019-11479; RFC 9293 section 3.7.1",
        when: OFFERS,
        check: tiny,
    },
    Rule {
        id: "mss-exceeded",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a packet with more payload than the receiver's maximum segment size allows",
        description: "The MSS option was changed on the path for one end only, or the sender ignores it; such packets \
                      may be dropped or fragmented. Frames merged by the capturing host's offload are excluded where \
                      recognizable.",
        reference: "RFC 9293 section 3.7.1 (MUST-16)",
        when: When::Facts(Facts::OVER_MSS),
        check: exceeded,
    },
];

fn absent(s: &RuleContext<'_>) -> Option<Finding> {
    let o = &s.segment?.options;
    (o.mss.is_none() && !o.faults.intersects(UNREADABLE)).then(|| {
        let what = if s.segment.is_some_and(|segment| segment.flags.is_syn()) { "SYN" } else { "SYN-ACK" };
        Finding::new(format!("{what} without MSS"))
    })
}

fn tiny(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let least = if segment.source.ip.is_ipv6() { LEAST_V6 } else { LEAST_V4 };
    let mss = segment.options.mss.filter(|mss| *mss < least)?;
    Some(
        Finding::new(format!("the {} offers an MSS of {mss}", s.from))
            .figure("mss", i64::from(mss))
            .severity(if mss < TINY { Severity::Warn } else { Severity::Note }),
    )
}

fn exceeded(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let receiver = s.flow.peer(s.from.other()).offer.as_ref().filter(|o| is_whole(o))?;
    let mss = u32::from(receiver.mss?);
    let unit = mss.saturating_sub(u32::from(segment.options.len));
    // Joined by receive offload: whole segments in one frame.
    let joined = unit == 0 || segment.payload.is_multiple_of(unit) || segment.payload.is_multiple_of(mss);
    (!joined && s.flow.quality.offload == 0).then(|| {
        Finding::new(format!("{} octets of payload to an end that takes {mss}", segment.payload))
            .figure("octets", segment.payload)
            .figure("mss", mss)
            .severity(gated(s, Severity::Note))
    })
}
