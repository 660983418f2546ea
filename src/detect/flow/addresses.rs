//! Connections between addresses that cannot have one.

use core::net::IpAddr;

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Facts;
use crate::tcp::Segment;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "land",
        severity: Severity::Alert,
        scope: Scope::Flow,
        summary: "a SYN whose source address and port are those of its destination",
        description: "The LAND attack, which made old stacks answer themselves endlessly. Nothing else sends it over a \
             network: drop packets from outside with inside addresses. On a loopback address, an application connected \
             to itself.",
        reference: "CVE-1999-0016",
        when: When::Facts(Facts::SYN),
        check: land,
    },
    Rule {
        id: "bogon-endpoint",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a SYN from or to an address that TCP cannot use",
        description: "Multicast, broadcast and reserved addresses have no connections. Spoofed packets with random \
                      sources, a broken configuration, or a laboratory.",
        reference: "RFC 9293 section 3.9.2.3 (MUST-57, MUST-63); RFC 1122 section 3.2.1.3",
        when: When::Facts(Facts::SYN),
        check: bogon,
    },
];

/// Whether no rule of this family has anything to say about the addresses of a SYN.
pub(in crate::detect) fn are_ordinary(s: &Segment) -> bool {
    s.source != s.destination && source_bogon(s.source.ip).is_none() && destination_bogon(s.destination.ip).is_none()
}

fn land(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    (segment.source == segment.destination).then(|| {
        let at_home = segment.source.ip.is_loopback();
        Finding::new(format!("SYN from {} to itself", segment.source)).severity(if at_home {
            Severity::Info
        } else {
            Severity::Alert
        })
    })
}

fn bogon(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let (source, destination) = (segment.source.ip, segment.destination.ip);
    let kind = source_bogon(source)
        .map(|kind| ("source", kind))
        .or_else(|| destination_bogon(destination).map(|kind| ("destination", kind)));
    kind.map(|(end, kind)| {
        let address = if end == "source" { source } else { destination };
        Finding::new(format!("SYN whose {end} {address} is {kind}")).figure("end", end).figure("kind", kind)
    })
}

fn destination_bogon(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("the broadcast address"),
        ip if ip.is_multicast() => Some("a multicast address"),
        ip if ip.is_unspecified() => Some("the unspecified address"),
        _ => None,
    }
}

fn source_bogon(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("in 0.0.0.0/8"),
        IpAddr::V4(v4) if v4.octets()[0] >= 240 => Some("in 240.0.0.0/4"),
        ip => destination_bogon(ip),
    }
}
