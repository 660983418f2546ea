//! What the TLS handshake at the beginning of a connection tells: round trips that need not be, versions that must
//! not be, and data that may be replayed.

use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::tls::{EarlyData, TlsEnd, TlsVersion};

/// How many round trips a server may take to answer a ClientHello.
const SLOW_ROUND_TRIPS: i64 = 5;
/// The least time that is called slow, nanoseconds: on a short path many round trips are no time.
const SLOW: i64 = 200_000_000;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "early-data-rejected",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the client sent early data (0-RTT), and the server cannot have taken it",
        description: "The server asked for another ClientHello, or took no pre-shared key, or chose an older \
                      version. The client has to send the data again, and nothing was saved. Usually the ticket \
                      came from another server of the same name, or the server has restarted: servers behind one \
                      name must share their ticket keys.",
        reference: "RFC 8446 section 4.2.10",
        when: When::Ended,
        check: rejected,
    },
    Rule {
        id: "early-data-sent",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the client sent early data (0-RTT) with its ClientHello",
        description: "The request travels before the handshake is complete: one round trip is saved. Who has \
                      recorded it can send it again, and the server cannot tell by itself: only requests that may \
                      safely be repeated (GET without effects) belong in early data. Whether the server took it is \
                      encrypted.",
        reference: "RFC 8446 section 8; RFC 8470",
        when: When::Ended,
        check: sent,
    },
    Rule {
        id: "tls-failed",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the TLS handshake failed: an alert, or a close before it was complete",
        description: "The alert says why, if it was sent in the clear: protocol_version and handshake_failure are \
                      settings of both ends that do not match; unknown_ca, bad_certificate and certificate_expired \
                      are the client's objection to the certificate; unrecognized_name is a name that the server \
                      does not have. Without an alert somebody closed: the client gave up (info), or the server, \
                      or a device in between, did not want this ClientHello. In TLS 1.3 the alerts of the client \
                      are encrypted and look like a close.",
        reference: "RFC 8446 section 6; RFC 5246 section 7.2",
        when: When::Ended,
        check: failed,
    },
    Rule {
        id: "tls-hello-retry",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the server asked for another ClientHello: one more round trip",
        description: "The client guessed a key exchange that the server does not support, and sent no key share of \
                      one that it does. It costs one round trip on each new connection: let the server support the \
                      group that its clients send first (X25519, or X25519MLKEM768), or the clients send that of \
                      the server.",
        reference: "RFC 8446 section 4.1.4",
        when: When::Ended,
        check: retried,
    },
    Rule {
        id: "tls-slow-server",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the server took five round trips or more, and at least 200 ms, to answer the ClientHello",
        description: "The network is not the reason: the TCP handshake was quick, and the ClientHello was sent \
                      once. The server was busy, waited for a key store, a name or another server behind it, or \
                      accepted the connection late.",
        reference: "measured",
        when: When::Ended,
        check: slow,
    },
    Rule {
        id: "tls-version-old",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the server chose SSL 3.0, TLS 1.0 or TLS 1.1",
        description: "These versions must not be used any more: their ciphers and signatures are weak, and each \
                      needs two round trips where TLS 1.3 needs one. If the client offers newer versions, the \
                      server is the one to update.",
        reference: "RFC 8996; RFC 7568",
        when: When::Ended,
        check: old,
    },
];

fn rejected(s: &RuleContext<'_>) -> Option<Finding> {
    let tls = s.flow.tls().filter(|tls| tls.early_data == Some(EarlyData::Rejected))?;
    let early = tls.early?;
    let octets = tls.early_octets;
    let retry = tls.retry.is_some();
    let why = if retry { "the server asked for another ClientHello" } else { "the server took no pre-shared key" };
    let answer = tls.answer.map(|at| at.frame);
    Some(
        Finding::new(format!("{octets} octets of early data in vain: {why}"))
            .figure("octets", octets as i64)
            .figure("hello_retry", i64::from(retry))
            .frames([Some(early.frame), answer].into_iter().flatten()),
    )
}

fn sent(s: &RuleContext<'_>) -> Option<Finding> {
    let tls = s.flow.tls().filter(|tls| tls.early_data == Some(EarlyData::Sent))?;
    let early = tls.early?;
    let octets = tls.early_octets;
    Some(
        Finding::new(format!("{octets} octets of early data: who has recorded them can send them again"))
            .figure("octets", octets as i64)
            .frames([early.frame]),
    )
}

fn failed(s: &RuleContext<'_>) -> Option<Finding> {
    let tls = s.flow.tls()?;
    let failure = tls.failure?;
    let by: &str = failure.by.into();
    let after = failure.after.name();
    let finding = match (failure.alert, failure.description()) {
        (Some((level, code)), Some(description)) => {
            Finding::new(format!("the {by} sent the alert {description} ({code}) after {after}"))
                .figure("alert", description)
                .figure("code", i64::from(code))
                .figure("level", i64::from(level))
        }
        _ => Finding::new(format!("the {by} closed after {after}, before the handshake was complete")),
    };
    // Whoever asks may change his mind.
    let gave_up = failure.alert.is_none_or(|(_, code)| code == 0) && failure.by == TlsEnd::Client;
    let severity = if gave_up { Severity::Info } else { Severity::Note };
    Some(finding.figure("by", by).figure("after", after).frames([tls.hello.frame, failure.at.frame]).severity(severity))
}

fn retried(s: &RuleContext<'_>) -> Option<Finding> {
    let tls = s.flow.tls()?;
    let retry = tls.retry?;
    let cost = tls.server_hello.map(|at| (at.time - retry.time).max(0));
    let words = cost.map_or_else(
        || "the server asked for another ClientHello".to_owned(),
        |cost| format!("the server asked for another ClientHello: {} more", seconds(cost)),
    );
    let finding = Finding::new(words).frames([tls.hello.frame, retry.frame]);
    Some(match cost {
        Some(cost) => finding.figure("cost_ns", cost),
        None => finding,
    })
}

fn slow(s: &RuleContext<'_>) -> Option<Finding> {
    let tls = s.flow.tls()?;
    let took = tls.server_time().filter(|took| *took >= SLOW)?;
    let rtt = s.flow.handshake.rtt().filter(|rtt| took / SLOW_ROUND_TRIPS >= *rtt)?;
    let answer = tls.answer?;
    // What is late because it was lost, or because nothing at all was captured for a while, is not the server's doing.
    if s.flow.quality.holes > 0 || s.watched_since(tls.asked) < s.time - tls.asked {
        return None;
    }
    Some(
        Finding::new(format!("{} to the answer to the ClientHello; the round trip is {}", seconds(took), seconds(rtt)))
            .figure("server_ns", took)
            .figure("rtt_ns", rtt)
            .frames([tls.hello.frame, answer.frame]),
    )
}

fn old(s: &RuleContext<'_>) -> Option<Finding> {
    let tls = s.flow.tls()?;
    let version = tls.version.filter(|version| *version < TlsVersion::Tls12)?;
    let answer = tls.answer?;
    let finding = match tls.offered.filter(|offered| *offered > version) {
        Some(offered) => Finding::new(format!("TLS {version}, although the client offers {offered}"))
            .figure("offered", offered.name()),
        None => Finding::new(format!("TLS {version}")),
    };
    Some(finding.figure("version", version.name()).frames([answer.frame]))
}
