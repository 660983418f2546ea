//! Openings of another shape than three steps, and flows that are seen only in part.

use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Opening, Side};

/// Segments of one end, and none of the other, that make a flow one-way.
const ONE_WAY: u64 = 3;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "simultaneous-open",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "both ends sent a SYN before receiving the other's",
        description: "Permitted and rare: two applications that connect to each other from fixed ports at the same \
                      moment, as NAT traversal and some routing daemons do. The choice of the client is then \
                      arbitrary.",
        reference: "RFC 9293 section 3.5, figure 7",
        when: When::Opened,
        check: simultaneous_open,
    },
    Rule {
        id: "split-handshake",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "the server answered the SYN with its own SYN, and only the client sent a SYN-ACK",
        description: "No ordinary stack does that. Firewalls and inspection systems mistake the server for the client, \
                      and miss its payload. Check what that server sent, and whether the firewall enforces the \
                      direction of connections.",
        reference: "Beardsley and Qian, The TCP Split Handshake: Practical Effects on Modern Network Equipment (2010)",
        when: When::Opened,
        check: split_handshake,
    },
    Rule {
        id: "syn-then-fin",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a FIN from the client before any SYN-ACK",
        description: "A kernel that gives up in SYN-SENT sends nothing. Such a FIN is a probe, or an attempt to \
                      convince a monitor that the connection has ended. If it carries an acknowledgment number, the \
                      capture may just lack the server's answer.",
        reference: "RFC 9293 section 3.10.4",
        when: When::Opened,
        check: syn_then_fin,
    },
    Rule {
        id: "midstream-pickup",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the first segment seen is neither SYN nor SYN-ACK",
        description: "The connection is older than the capture, or its handshake bypassed the capture. The roles are \
                      guessed from the ports, and severities are lower.",
        reference: "RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::MIDSTREAM),
        check: midstream_pickup,
    },
    Rule {
        id: "one-way-flow",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "three or more segments of an open connection from one end, none from the other",
        description: "The capture sees one direction only: a mirror port set to transmit or receive only, or \
                      asymmetric routing. Round trips and acknowledgments of such flows are unknown.",
        reference: "measured",
        when: When::Ended,
        check: one_way_flow,
    },
];

fn simultaneous_open(s: &RuleContext<'_>) -> Option<Finding> {
    (s.flow.opening == Some(Opening::SimultaneousOpen)).then(|| {
        let itself = s.flow.is_to_itself();
        let what = if itself {
            "a socket connected to itself: its own SYN crossed it"
        } else {
            "SYNs crossed, and both ends answered with SYN-ACK"
        };
        Finding::new(what.to_owned())
            .frames(s.flow.handshake.syns.iter().chain(&s.flow.handshake.synacks).map(|t| t.frame))
    })
}

fn split_handshake(s: &RuleContext<'_>) -> Option<Finding> {
    (s.flow.opening == Some(Opening::SplitHandshake)).then(|| {
        let steps = if s.flow.handshake.bare_ack_first { 5_i64 } else { 4 };
        Finding::new(format!("handshake in {steps} steps: the server answered the SYN with a SYN of its own"))
            .frames(s.flow.handshake.syns.iter().chain(&s.flow.handshake.synacks).map(|t| t.frame))
            .figure("steps", steps)
    })
}

fn syn_then_fin(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let fin = f.opening == Some(Opening::Aborted) && f.teardown.reset.is_none();
    // A SYN-ACK that does not fit is reported as such, and the client may have taken it all the same.
    (fin && f.server.synack_count == 0).then(|| {
        let answered = f.client.acked.is_some_and(|ack| ack.0 != 0);
        Finding::new(format!("FIN {} after the SYN, before any SYN-ACK", seconds(f.last_time - f.first_time)))
            .frames([f.first_frame, f.last_frame])
            .severity(if answered { Severity::Note } else { Severity::Warn })
    })
}

fn midstream_pickup(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    Some(Finding::new(format!("the first segment seen is {} from {}", segment.flags, segment.source)))
}

fn one_way_flow(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let by = match (f.client.packets, f.server.packets) {
        (ONE_WAY.., 0) => Side::Client,
        (0, ONE_WAY..) => Side::Server,
        _ => return None,
    };
    let peer = f.peer(by);
    let talked = peer.packets > u64::from(peer.syn_count) + u64::from(peer.synack_count) + u64::from(peer.rst_count);
    (f.was_open() && talked && !f.is_to_itself()).then(|| {
        Finding::new(format!("{} segments from the {by}, none from the other end", peer.packets))
            .frames([f.first_frame, f.last_frame])
            .figure("segments", i64::try_from(peer.packets).unwrap_or(i64::MAX))
    })
}
