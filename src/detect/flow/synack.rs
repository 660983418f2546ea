//! The second and third step gone wrong: SYN-ACKs that repeat, disagree, come late or unasked, and answers to them.

use super::fronts::{authenticated, is_of_another};
use super::support::{gated, seconds};
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Opening, Side};

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "synack-wrong-ack",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a SYN-ACK that acknowledges none of the SYNs seen",
        description: "An old duplicate, a forged answer, a device that rewrites sequence numbers in one direction \
                      only, or a server that confuses connections. The client answers it with RST. If the connection \
                      then opens, the SYN-ACK was an old duplicate, which is a note. A filter that provokes that RST \
                      on purpose is reported as syn-authentication.",
        reference: "RFC 9293 section 3.10.7.3",
        when: When::Opened,
        check: synack_wrong_ack,
    },
    Rule {
        id: "synack-ack-rst",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the client resets a SYN-ACK with a wrong acknowledgment number or timestamp echo, as it should",
        description: "The recovery of RFC 9293 figure 8: the client stays in SYN-SENT, and the server drops the old \
                      attempt and can answer the real SYN. The same applies if the SYN-ACK echoes a timestamp that no \
                      SYN carried.",
        reference: "RFC 9293 section 3.5, figure 8; RFC 7323 section 3.2",
        when: When::Facts(Facts::RST_OF_WRONG_SYNACK),
        check: synack_ack_rst,
    },
    Rule {
        id: "synack-isn-change",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a second SYN-ACK for the same SYN with another initial sequence number",
        description: "Two machines answer at one address (anycast, a load balancer, a SYN proxy), the server's SYN \
                      cookie changed with its clock, or one of the answers is forged.",
        reference: "RFC 9293 section 3.4.1",
        when: When::Facts(Facts::SYNACK_NEW_ISN),
        check: synack_isn_change,
    },
    Rule {
        id: "synack-late",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a SYN-ACK after the client had given up",
        description: "The client had stopped waiting or had been refused; it usually resets the SYN-ACK. Causes are a \
                      very slow path, a tarpit, or a capture that lacks part of the attempt.",
        reference: "RFC 9293 section 3.10.7.3",
        when: When::Facts(Facts::SYNACK_LATE),
        check: synack_late,
    },
    Rule {
        id: "synack-on-established",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN-ACK with another number on a connection that is open",
        description: "The second SYN-ACK is forged to confuse a monitor, comes from a second machine at the server's \
                      address, or belongs to an earlier connection (then it is a note, as after several SYNs). The \
                      client drops it and answers with a challenge ACK (RFC 5961 section 4). Compare its TTL with that \
                      of the first SYN-ACK.",
        reference: "RFC 5961 section 4; RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::SYNACK_ON_ESTABLISHED),
        check: synack_on_established,
    },
    Rule {
        id: "synack-unsolicited",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN-ACK without a SYN and without an acknowledgment",
        description: "Somebody forges this address as the source of SYNs (a flood against that server, or an idle \
                      scan), somebody probes with SYN-ACKs, or the SYN bypassed this capture. A single one proves \
                      little; many from many servers are backscatter.",
        reference: "RFC 9293 section 3.5.2; Moore et al., Inferring Internet denial-of-service activity",
        when: When::Opened,
        check: synack_unsolicited,
    },
    Rule {
        id: "final-ack-wrong",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "the client's final ACK has a valid sequence number and an impossible acknowledgment number",
        description: "No stack does that. A device rewrites sequence numbers in one direction only, the acknowledged \
                      SYN-ACK is not in the capture, or somebody tries to evade a monitor.",
        reference: "RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::FINAL_ACK_WRONG),
        check: final_ack_wrong,
    },
    Rule {
        id: "data-before-established",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "payload before the handshake was complete, without Fast Open",
        description: "The final ACK is not in the capture, or somebody on the path injected the payload before the \
                      server could answer. Different payload at the same sequence number proves injection.",
        reference: "RFC 9293 section 3.10.7",
        when: When::Facts(Facts::DATA_BEFORE_ESTABLISHED),
        check: data_before_established,
    },
];

fn synack_wrong_ack(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, isn) = (s.flow, s.flow.client.isn?);
    let wrong = f.notes()?.wrong_synack.as_ref()?;
    if authenticated(f).is_some() {
        return None;
    }
    let leftover = f
        .previous()
        .is_some_and(|p| p.server_isn == Some(wrong.seq) || p.client_isn.is_some_and(|old| wrong.ack == old.plus(1)));
    let recovered = f.opening.is_some_and(Opening::opened) && !is_of_another(wrong, f);
    // Nobody has filled in any number: generated packets, none more wrong than the others.
    let blank = isn.0 == 0 && wrong.ack.0 == 0 && wrong.seq.0 == 0;
    let severity = if leftover || recovered || blank { Severity::Note } else { gated(s, Severity::Warn) };
    Some(
        Finding::new(format!("SYN-ACK acknowledges {}, the SYN's number is {}", wrong.ack.0, isn.0))
            .frames([wrong.frame])
            .figure("ack", wrong.ack.0)
            .figure("isn", isn.0)
            .severity(severity),
    )
}

fn synack_ack_rst(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let answer = s.flow.handshake.synacks.last().filter(|answer| answer.ack == segment.seq);
    let what = if answer.is_some() { "wrong timestamp echo" } else { "that wrong acknowledgment" };
    Some(Finding::new(format!("RST {} answers the SYN-ACK with {what}", segment.seq.0)))
}

fn synack_isn_change(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let first = s.flow.handshake.synacks.first().filter(|t| t.ack == segment.ack_field && t.seq != segment.seq)?;
    Some(
        Finding::new(format!("SYN-ACKs with ISN {} and {} for one SYN", first.seq.0, segment.seq.0))
            .frames([first.frame, segment.frame])
            .figure("first_isn", first.seq.0)
            .figure("isn", segment.seq.0)
            .severity(gated(s, Severity::Note)),
    )
}

fn synack_late(s: &RuleContext<'_>) -> Option<Finding> {
    let after = s.time - s.flow.first_time;
    Some(Finding::new(format!("SYN-ACK {} after the first SYN", seconds(after))).figure("after_ns", after))
}

fn synack_on_established(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    if s.facts.intersects(Facts::SYNACK_REPEATED) {
        return None;
    }
    let f = s.flow;
    // Answers to several SYNs may differ, and one may be left over from before.
    let explained = f.client.syn_count > 1
        || f.previous().is_some_and(|p| p.server_isn == Some(segment.seq))
        || s.from == Side::Client;
    let severity = if explained { Severity::Note } else { gated(s, Severity::Warn) };
    Some(
        Finding::new(format!("SYN-ACK with ISN {} on an open connection", segment.seq.0))
            .figure("isn", segment.seq.0)
            .figure("ack", segment.ack_field.0)
            .severity(severity),
    )
}

fn synack_unsolicited(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let unanswered = f.handshake.ack.is_none() && f.client.data_count == 0;
    (f.opening == Some(Opening::SynAckOnly) && unanswered && f.twin().is_none()).then(|| {
        let answer = if f.client.rst_count > 0 { "it was answered with RST" } else { "nothing answered it" };
        Finding::new(format!("SYN-ACK without a SYN; {answer}"))
            .frames(f.handshake.synacks.iter().map(|t| t.frame))
            .figure("synack_count", f.server.synack_count)
            .figure("reset", i64::from(f.client.rst_count))
    })
}

fn final_ack_wrong(s: &RuleContext<'_>) -> Option<Finding> {
    let (segment, isn) = (s.segment?, s.flow.server.isn?);
    let waiting = matches!(s.flow.opening, None | Some(Opening::MissingAck));
    waiting.then(|| {
        Finding::new(format!("the client acknowledges {}, the server's ISN is {}", segment.ack_field.0, isn.0))
            .figure("ack", segment.ack_field.0)
            .figure("server_isn", isn.0)
            .severity(gated(s, Severity::Warn))
    })
}

fn data_before_established(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    // Without a SYN only the server's direction is seen.
    s.flow.client.isn?;
    Some(
        Finding::new(format!("{} octets from the {} before the handshake was complete", segment.payload, s.from))
            .figure("octets", segment.payload),
    )
}
