//! How attempts fail: unanswered, refused, rejected, reset, never acknowledged.

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Opening};

use super::support::seconds;
use crate::time::SECOND;

/// A server waits at least this long for the third step, nanoseconds.
const SOFT: i64 = 3 * SECOND;
/// A server that waits for the third step has given up by then (Cisco's TCP Intercept), nanoseconds.
const FINAL: i64 = 30 * SECOND;

/// Ids of rules that are named elsewhere.
pub(crate) const CONN_REFUSED: &str = "conn-refused";
pub(crate) const SYN_UNANSWERED: &str = "syn-unanswered";
pub(crate) const MISSING_ACK: &str = "missing-ack";
pub(crate) const SYN_ABORTED: &str = "syn-aborted";
pub(crate) const RESET_AFTER_SYNACK: &str = "reset-after-synack";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: SYN_UNANSWERED,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "no answer to a SYN before the deadline",
        description: "The client received no SYN-ACK, no RST and no ICMP error. A packet filter drops the SYN or the \
                      answer, the host is down, or the return path is not in this capture. Look for SYN-ACKs from the \
                      same server to other clients, and capture closer to the server.",
        reference: "RFC 9293 section 3.8.3",
        when: When::Opened,
        check: syn_unanswered,
    },
    Rule {
        id: "syn-retransmitted",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the same SYN more than once",
        description: "The client repeated its SYN because no SYN-ACK reached it in time: the SYN or the SYN-ACK was \
                      lost, or the server was slow. The application waits for the sum of the gaps: 1, 2, 4 s and so \
                      on, or several times 1 s first on newer Linux. Find where the first copies were lost.",
        reference: "RFC 6298 section 2.1",
        when: When::Facts(Facts::SYN_REPEATED),
        check: syn_retransmitted,
    },
    Rule {
        id: "synack-retransmitted",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the same SYN-ACK more than once before the final ACK",
        description: "The server repeated its SYN-ACK because no acknowledgment reached it: the SYN-ACK or the ACK was \
                      lost, or the client is gone.",
        reference: "RFC 6298 section 2.1",
        when: When::Facts(Facts::SYNACK_REPEATED),
        check: synack_retransmitted,
    },
    Rule {
        id: MISSING_ACK,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a SYN-ACK that the client neither acknowledged nor reset until the deadline",
        description: "The handshake stopped half-way: the server holds an embryonic connection (SYN_RECEIVED). Causes \
                      are a crashed client, a lost SYN-ACK or ACK, a SYN scan or a SYN flood; the number of such flows \
                      distinguishes them. After 30 s without an answer the event is final.",
        reference: "RFC 9293 section 3.5",
        when: When::Opened,
        check: missing_ack,
    },
    Rule {
        id: CONN_REFUSED,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "RST answered the SYN",
        description: "No application listens on that port, or a filter refuses in the server's name. Compare the TTL \
                      of the RST with that of other packets of the server.",
        reference: "RFC 9293 section 3.5.2",
        when: When::Opened,
        check: conn_refused,
    },
    Rule {
        id: "conn-refused-icmp",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "an ICMP error quoted the SYN",
        description: "A router, a firewall or the host itself reports that the connection is impossible. The code and \
                      the sender of the error identify the cause.",
        reference: "RFC 9293 section 3.9.2.2",
        when: When::Opened,
        check: conn_refused_icmp,
    },
    Rule {
        id: RESET_AFTER_SYNACK,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the client answered the SYN-ACK with RST",
        description: "The client found the port open and left. Causes are a SYN scan, a health check, an application \
                      that gave up, or a forged SYN that this client never sent.",
        reference: "RFC 9293 section 3.10.7.3",
        when: When::Opened,
        check: reset_after_synack,
    },
    Rule {
        id: SYN_ABORTED,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the client sent RST before any SYN-ACK",
        description: "A kernel that closes a socket in SYN-SENT sends nothing (RFC 9293 sections 3.10.4 and 3.10.5). \
                      So this RST comes from a scanner with raw sockets, from a device on the path, or it answers a \
                      stale segment that is not in the capture. Check the TTL of the RST, and the other traffic of \
                      that client.",
        reference: "RFC 9293 sections 3.10.4 and 3.10.5",
        when: When::Opened,
        check: syn_aborted,
    },
];

fn syn_unanswered(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    // At the end of the capture the deadline has not passed; but a client that asks again has had no answer either.
    let asked_again = f.opening.is_none() && f.client.syn_count > 1 && !f.server.spoke() && f.unreachable().is_none();
    // A SYN that was answered from elsewhere, or by the connection before, has that as its finding.
    ((f.opening == Some(Opening::Unanswered) || asked_again)
        && f.answered_elsewhere().is_none()
        && f.stale_stamp().is_none()
        && !super::reuse::is_refused(f))
    .then(|| {
        s.finding(|| {
            let (syns, waited) = (s.flow.client.syn_count, s.time - s.flow.first_time);
            let plural = if syns == 1 { "" } else { "s" };
            let what = if s.flow.server.spoke() { "no answer that fits" } else { "no answer" };
            Finding::new(format!("{syns} SYN{plural}, {what} within {}", seconds(waited)))
                .frames(s.flow.handshake.syns.iter().map(|t| t.frame))
                .figure("syn_count", syns)
                .figure("waited_ns", waited)
        })
    })
}

fn syn_retransmitted(s: &RuleContext<'_>) -> Option<Finding> {
    let h = &s.flow.handshake;
    let gap = h.last_syn_gap();
    Some(s.finding(|| {
        Finding::new(format!("SYN repeated after {}, {} in all", seconds(gap), s.flow.client.syn_count))
            .figure("syn_count", s.flow.client.syn_count)
            .figure("gap_ns", gap)
    }))
}

fn synack_retransmitted(s: &RuleContext<'_>) -> Option<Finding> {
    let count = s.flow.peer(s.from).synack_count;
    let gap = s.flow.handshake.last_synack_gap();
    Some(s.finding(|| {
        Finding::new(format!("SYN-ACK repeated after {}, {count} in all", seconds(gap)))
            .figure("synack_count", count)
            .figure("gap_ns", gap)
    }))
}

fn missing_ack(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let timer_ran = f.is_awaited();
    let repeated = f.opening.is_none() && f.client.isn.is_some() && timer_ran && !f.handshake.crossed;
    let given_up = f.opening == Some(Opening::MissingAck) || (repeated && f.handshake.ack.is_none());
    // It was the server that did not wait.
    let withdrawn = f.withdrawn().is_some_and(|reset| !timer_ran && reset.time - f.first_time < SOFT);
    (given_up && !withdrawn).then(|| {
        // Data of the server without a third step: the client's way is not in this capture.
        let one_way = f.handshake.early_server_data;
        let words = || {
            let last = s.flow.handshake.synacks.last().map_or(s.flow.last_time, |t| t.time);
            let waited = s.time - last;
            let since = s.time - s.flow.handshake.synacks.first().map_or(last, |t| t.time);
            let count = s.flow.server.synack_count;
            let lost = s.flow.synack_lost_before().map(|syn| syn.frame);
            let why = if lost.is_some() { "; the SYN-ACK is lost between here and the client" } else { "" };
            Finding::new(format!("{count} SYN-ACK not acknowledged in {}{why}", seconds(since)))
                .frames(s.flow.handshake.synacks.iter().map(|t| t.frame))
                .figure("synack_count", count)
                .figure("waited_ns", waited)
                .figure("final", i64::from(waited >= FINAL && count > 1))
                .figure("synack_lost", i64::from(lost.is_some()))
        };
        s.finding(words).severity(if one_way { Severity::Note } else { Severity::Warn })
    })
}

fn conn_refused(s: &RuleContext<'_>) -> Option<Finding> {
    (s.flow.opening == Some(Opening::Refused)).then(|| {
        s.finding(|| {
            let reset = s.flow.teardown.reset;
            let after = reset.map_or(0, |r| r.time - s.flow.first_time);
            Finding::new(format!("RST answered the SYN after {}", seconds(after)))
                .frames(reset.map(|r| r.frame))
                .figure("after_ns", after)
        })
    })
}

fn conn_refused_icmp(s: &RuleContext<'_>) -> Option<Finding> {
    let error = s.flow.unreachable().filter(|_| s.flow.opening == Some(Opening::Unreachable))?;
    let what = match error.kind {
        crate::tcp::IcmpKind::Unreachable(code) => i64::from(code),
        _ => return None,
    };
    Some(s.finding(|| {
        Finding::new(format!("ICMP destination unreachable, code {what}, from {}", error.reporter))
            .frames([error.frame])
            .figure("code", what)
            .figure("reporter", error.reporter.to_string())
    }))
}

fn reset_after_synack(s: &RuleContext<'_>) -> Option<Finding> {
    (s.flow.opening == Some(Opening::ResetAfterSynAck) && s.flow.answers_untranslated().is_none()).then(|| {
        s.finding(|| {
            let reset = s.flow.teardown.reset;
            Finding::new("the client reset the connection instead of acknowledging the SYN-ACK".to_owned())
                .frames(reset.map(|r| r.frame))
        })
    })
}

fn syn_aborted(s: &RuleContext<'_>) -> Option<Finding> {
    let by_reset = s.flow.opening == Some(Opening::Aborted) && s.flow.teardown.reset.is_some();
    by_reset.then(|| {
        s.finding(|| {
            let waited = s.flow.last_time - s.flow.first_time;
            Finding::new(format!("the client gave up {} after its SYN, before any SYN-ACK", seconds(waited)))
                .figure("waited_ns", waited)
        })
    })
}
