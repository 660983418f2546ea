//! Addresses translated on the way: what two four-tuples of one attempt to connect tell together.

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Twin;

use super::support::seconds;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "answered-elsewhere",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "the SYN was answered, but from or to another address: the answer was not translated back",
        description: "A SYN-ACK acknowledges this SYN's number, in time and with its time stamp where there are any, \
                      and its addresses are not those of the SYN. The SYN passed a translator (a load balancer, a \
                      Kubernetes service, NAT) and the answer bypassed it, so the client does not recognize it: it \
                      resets or drops it, and repeats its SYN. The server is healthy and no filter dropped the SYN. \
                      Check the return path: the reply must pass the translator that the SYN passed (asymmetric \
                      routes, a client in the server's own subnet without source NAT, a conntrack entry that is gone). \
                      The event names the connection that has the answer.",
        reference: "RFC 3022 section 4.1; RFC 9293 section 3.10.7.3",
        when: When::Opened,
        check: answered_elsewhere,
    },
    Rule {
        id: "untranslated-answer",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN-ACK whose addresses differ from those of the SYN that it acknowledges",
        description: "The SYN used another address, and this answer was not translated back. A client that receives it \
                      resets it, as it has no such connection. It is not a scan, a health check or a forged address. \
                      The event names the connection that has the SYN.",
        reference: "RFC 3022 section 4.1; RFC 9293 section 3.5.2",
        when: When::Opened,
        check: untranslated_answer,
    },
    Rule {
        id: "syn-stale-timestamp",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "an unanswered SYN with a time stamp older than the last one that the server accepted from that \
                  address",
        description: "The server answers SYNs of this address, but ignores exactly those whose time stamp is below the \
                      last accepted one. Several hosts share the address behind NAT, and the server (or a firewall in \
                      front of it) compares time stamps between connections of one address: Linux with tcp_tw_recycle \
                      (until 4.11), some load balancers. Switch that off at the server, or switch off time stamps at \
                      the clients. The event names the connection whose SYN was accepted last.",
        reference: "RFC 7323 appendix B.2; RFC 6191 section 3",
        when: When::Opened,
        check: syn_stale_timestamp,
    },
    Rule {
        id: "nat-legs",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the same connection before and after address translation",
        description: "Two flows have one SYN: the same initial sequence number, options and time stamp. The capture \
                      sees a translator (NAT, a load balancer, a Kubernetes service) on both sides: one connection is \
                      counted twice. The event names the other half; capture on one side to count it once.",
        reference: "RFC 3022 section 4.1; RFC 5382 section 4",
        when: When::Opened,
        check: nat_legs,
    },
];

fn answered_elsewhere(s: &RuleContext<'_>) -> Option<Finding> {
    let twin = s.flow.answered_elsewhere()?;
    Some(s.finding(|| {
        let f = s.flow;
        let to_client = twin.client == f.client.endpoint;
        let way = if to_client { format!("from {}", twin.server) } else { format!("to {}", twin.client) };
        let reset = if twin.reset.is_some() { "; it was reset there" } else { "" };
        let after = twin.synack.map_or(0, |(time, _)| time - f.first_time);
        let reason = format!(
            "the SYN-ACK came {way} {} after the SYN (flow {}): not translated back{reset}",
            seconds(after),
            twin.flow
        );
        let frames = f.handshake.syns.first().map(|t| t.frame);
        with_other(Finding::new(reason), twin)
            .frames(frames.into_iter().chain(twin.synack.map(|(_, frame)| frame)).chain(twin.reset))
            .figure("answered_after_ns", after)
            .figure("reset", i64::from(twin.reset.is_some()))
            .figure("syn_count", f.client.syn_count)
    }))
}

fn untranslated_answer(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let twin = f.answers_untranslated()?;
    // While its deadline is ahead the answer may yet be seen where it belongs.
    let reset = f.teardown.reset.filter(|_| f.client.rst_count > 0);
    (f.opening.is_some() || reset.is_some()).then(|| {
        let way = if twin.client == f.client.endpoint {
            format!("{} was asked", twin.server)
        } else {
            format!("{} had asked", twin.client)
        };
        let end = if reset.is_some() { "the client reset the untranslated segment" } else { "nothing came back" };
        let answer = f.handshake.synacks.first().map(|t| t.frame);
        with_other(Finding::new(format!("SYN-ACK though {way} (flow {}); {end}", twin.flow)), twin)
            .frames(twin.syn.into_iter().chain(answer).chain(reset.map(|r| r.frame)))
            .figure("reset", i64::from(f.client.rst_count))
            .figure("synack_count", f.server.synack_count)
    })
}

fn syn_stale_timestamp(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let stale = f.stale_stamp()?;
    Some(s.finding(|| {
        Finding::new(format!(
            "{} SYNs unanswered, with a time stamp {} below that of flow {}, which the server took from the same \
             address",
            f.client.syn_count,
            stale.taken.wrapping_sub(stale.value),
            stale.flow
        ))
        .frames(f.handshake.syns.iter().take(3).map(|t| t.frame).chain([stale.frame]))
        .figure("ts_value", stale.value)
        .figure("ts_taken", stale.taken)
        .figure("other_flow", stale.flow as i64)
        .figure("taken_count", stale.count)
        .figure("syn_count", f.client.syn_count)
    }))
}

fn nat_legs(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let twin = f.twin()?;
    let same_answer = f.server.isn.is_some() && f.server.isn == twin.synack_isn;
    let same_syn = f.client.isn.is_some() && twin.syn.is_some();
    (same_answer || same_syn).then(|| {
        let what = match (twin.client == f.client.endpoint, twin.server == f.server.endpoint) {
            (true, _) => format!("the server is {} there", twin.server),
            (false, true) => format!("the client is {} there", twin.client),
            (false, false) => format!("it is {} → {} there", twin.client, twin.server),
        };
        let own = f.handshake.syns.first().or(f.handshake.synacks.first()).map(|t| t.frame);
        let other = twin.syn.or(twin.synack.map(|(_, frame)| frame));
        with_other(
            Finding::new(format!("flow {} is the same connection with addresses translated: {what}", twin.flow)),
            twin,
        )
        .frames(own.into_iter().chain(other))
    })
}

/// `finding` with what names the other flow.
fn with_other(finding: Finding, twin: &Twin) -> Finding {
    finding
        .figure("other_flow", twin.flow as i64)
        .figure("other_client", twin.client.to_string())
        .figure("other_server", twin.server.to_string())
}
