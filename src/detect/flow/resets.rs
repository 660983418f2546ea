//! Resets: what they end, how they fit, and how many there are.

use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::IN_FLIGHT;
use crate::flow::{Closing, Facts, Flow, Opening, Side};
use crate::tcp::{Flags, SeqNumber};
use crate::time::{MILLISECOND, SECOND};

/// A reset this soon after the opening, with no payload, makes a connection that carried nothing, nanoseconds.
const SHORT: i64 = 5 * SECOND;
/// A lone FIN or RST earlier in a capture than this belongs to a connection that began before it, nanoseconds.
const CAPTURE_AGE: i64 = 75 * SECOND;

/// Ids of rules that are named elsewhere.
pub(crate) const ABORTED_IN_FLIGHT: &str = "aborted-in-flight";
pub(crate) const RST_OLD: &str = "rst-old";
pub(crate) const RST_INEXACT: &str = "rst-inexact";
pub(crate) const RST_BEYOND: &str = "rst-beyond";
pub(crate) const RST_BAD_ACK: &str = "rst-bad-ack";
pub(crate) const PEER_DATA_AFTER_RST: &str = "peer-data-after-rst";
pub(crate) const RST_STORM: &str = "rst-storm";
pub(crate) const SYNACK_WITHDRAWN: &str = "synack-withdrawn";
pub(crate) const RESET_NO_DATA: &str = "reset-no-data";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "reset-close",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "RST ended an established connection",
        description: "One end aborted the connection instead of closing it. Load balancers, browsers and applications \
                      with SO_LINGER zero do so on purpose; other causes are a crash, an unread receive buffer or a \
                      filter. Check who sent the RST and which data was outstanding.",
        reference: "RFC 9293 section 3.5.2",
        when: When::Ended,
        check: reset_close,
    },
    Rule {
        id: RESET_NO_DATA,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a connection was reset within 5 s of its opening, before any payload",
        description: "By the client: a connect scan, or a health check. By the server: a wrapper, an access rule, a \
                      full accept queue (tcp_abort_on_overflow), or a connection limit that rejects clients after the \
                      handshake. Payload in flight when the RST was sent does not count, as its receiver never got it. \
                      Regular resets from one address are most likely health checks.",
        reference: "RFC 9293 section 3.5.2; nmap connect scan, measured",
        when: When::Ended,
        check: reset_no_data,
    },
    Rule {
        id: SYNACK_WITHDRAWN,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the server reset its own embryonic connection: RST after its SYN-ACK, before any final ACK",
        description: "The server accepted the SYN and then dropped the attempt itself, so a later final ACK is \
                      refused. At a repeated SYN: a stack that treats the repetition as an error. At once: the \
                      listener was closed, or a device on the path refuses in the server's name. After its retries: \
                      the server gave up. Compare the TTL of the RST with that of the SYN-ACK, and look at the \
                      server's listener.",
        reference: "RFC 9293 sections 3.10.7.4 and 3.5.2",
        when: When::Opened,
        check: synack_withdrawn,
    },
    Rule {
        id: ABORTED_IN_FLIGHT,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "RST while payload was not yet acknowledged",
        description: "The end that sent the RST aborted the connection with octets in flight. Unacknowledged octets \
                      may or may not have arrived: TCP does not know, so the application must not rely on them. Causes \
                      are a cancelled transfer, or a server that closes with unread data (RFC 2525 section 2.17). If a \
                      transfer should have finished, look at the end that sent the RST.",
        reference: "RFC 2525 section 2.17",
        when: When::Facts(Facts::RST_ACCEPTED),
        check: aborted_in_flight,
    },
    Rule {
        id: RST_OLD,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a RST below what its receiver had already acknowledged",
        description: "Receivers drop it. A reset that was delayed on the way, an answer to an old segment, or a blind \
                      guess. A single one is harmless; many are guesses of an attacker.",
        reference: "RFC 5961 section 3.1",
        when: When::Facts(Facts::RST_OLD),
        check: rst_old,
    },
    Rule {
        id: RST_INEXACT,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a RST inside the window, but not at the expected number, and the connection went on",
        description: "A host that follows RFC 5961 answers with a challenge ACK and continues. The real peer knows the \
                      exact number, so this RST most likely came from a third party, or from a middlebox with stale \
                      state. It is a note as long as nothing contradicts it: losses before the capture point look the \
                      same.",
        reference: "RFC 5961 section 3.2",
        when: When::Facts(Facts::RST_INEXACT.union(Facts::CHALLENGE_ACK).union(Facts::SPOKE_AFTER_RESET)),
        check: rst_inexact,
    },
    Rule {
        id: RST_BEYOND,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a RST beyond the receive window",
        description: "Receivers drop it. No end of this connection would send it: a blind attacker guesses sequence \
                      numbers, or a middlebox has wrong state. Check its TTL, and whether more RSTs with rising \
                      numbers follow.",
        reference: "RFC 5961 section 3.1",
        when: When::Facts(Facts::RST_BEYOND),
        check: rst_beyond,
    },
    Rule {
        id: RST_BAD_ACK,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a RST that acknowledges what its receiver never sent",
        description: "The sequence number may fit but the acknowledgment does not: middleboxes often send such resets, \
                      as they know only one direction. A client that waits for a SYN-ACK must ignore it, repeats its \
                      SYN and gives up in the end: to refuse a SYN, a RST has to acknowledge it.",
        reference: "RFC 5961 section 5; RFC 9293 section 3.10.7.3",
        when: When::Facts(Facts::RST_BAD_ACK),
        check: rst_bad_ack,
    },
    Rule {
        id: "rst-with-data",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a RST with payload",
        description: "Permitted: the payload is a diagnostic text for people. Read it in a packet viewer; some \
                      firewalls and intrusion prevention systems sign their resets this way.",
        reference: "RFC 9293 section 3.5.3 (SHLD-2)",
        when: When::Facts(Facts::RST),
        check: rst_with_data,
    },
    Rule {
        id: PEER_DATA_AFTER_RST,
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "payload from the end that was reset, within a round trip",
        description: "It was in flight when the RST was sent, and is lost. This is normal.",
        reference: "RFC 9293 section 3.5.2",
        when: When::Facts(Facts::AFTER_PEER_RESET),
        check: peer_data_after_rst,
    },
    Rule {
        id: "fin-storm",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "1000 FINs from one end, no more than a second apart",
        description: "A loop in the network, two stacks that answer each other endlessly, or a flood. Check TTL and IP \
             identification: falling TTLs are a loop.",
        reference: "Zeek FIN_storm (1000 in a row within 1 s each)",
        when: When::Facts(Facts::STORM),
        check: fin_storm,
    },
    Rule {
        id: RST_STORM,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "1000 RSTs from one end, no more than a second apart, or 100 at numbers that do not fit",
        description: "A host that answers every packet of a flood, a loop, or an attacker who tries all sequence \
                      numbers to reset the connection.",
        reference: "Zeek RST_storm (1000 in a row within 1 s each)",
        when: When::Facts(Facts::STORM),
        check: rst_storm,
    },
    Rule {
        id: "orphan-fin",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a FIN of no known connection, more than 75 s into the capture",
        description: "The end of a connection that was idle since before the capture, or a FIN probe. Many from one \
                      address to many ports are a scan.",
        reference: "Zeek spontaneous_FIN",
        when: When::Facts(Facts::MIDSTREAM),
        check: orphan_fin,
    },
    Rule {
        id: "orphan-rst",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a RST of no known connection, more than 75 s into the capture",
        description: "The end of a connection that was idle since before the capture, or an answer to a packet with a \
                      forged address. Many to one of your hosts are backscatter of an attack elsewhere.",
        reference: "Zeek spontaneous_RST",
        when: When::Facts(Facts::MIDSTREAM),
        check: orphan_rst,
    },
];

/// The end that reset an open connection which no FIN had begun to close.
fn reset_by(f: &Flow) -> Option<Side> {
    match f.closing() {
        Closing::ResetByClient => Some(Side::Client),
        Closing::ResetByServer => Some(Side::Server),
        _ => None,
    }
}

/// Payload octets that had been seen when the connection was reset; what was on its way then came too late.
fn bytes_at_reset(f: &Flow) -> u64 {
    let noted =
        |by, frame| f.notes().map(|notes| notes.end(by).resets).filter(|r| r.first.is_some_and(|r| r.1 == frame));
    f.teardown.reset.and_then(|reset| noted(reset.by, reset.frame)).map_or_else(|| f.bytes(), |resets| resets.bytes)
}

/// Whether the reset came soon on a connection that had carried nothing so far.
fn carried_nothing(f: &Flow) -> bool {
    let opened = f.handshake.ack.map(|ack| ack.time);
    let soon = f.teardown.reset.zip(opened).is_some_and(|(reset, opened)| reset.time - opened <= SHORT);
    soon && f.opening() != Opening::Midstream && (bytes_at_reset(f) == 0 || met_the_reset(f))
}

/// Whether all payload before the reset was still on its way to the end that sent it: sent less than that end's round
/// trip before, and not acknowledged by it, the reset included.
fn met_the_reset(f: &Flow) -> bool {
    let Some(reset) = f.teardown.reset else { return false };
    let (own, other) = (f.peer(reset.by), f.peer(reset.by.other()));
    let round_trip = match reset.by {
        Side::Client => f.handshake.rtt_client(),
        Side::Server => f.handshake.rtt_server(),
    };
    let first = f.steps.iter().find(|step| step.payload > 0 && step.from == reset.by.other());
    let of_reset = f.steps.iter().find(|step| step.frame == reset.frame).and_then(|step| step.ack);
    let begin = other.base().plus(1);
    let unread = |ack: Option<SeqNumber>| ack.is_none_or(|ack| ack.0 == 0 || ack.at_or_before(begin));
    own.bytes == 0
        && first.zip(round_trip).is_some_and(|(step, rtt)| reset.time - step.time <= rtt + rtt / 4 + MILLISECOND)
        && unread(own.acked)
        && unread(of_reset)
}

fn reset_close(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let by = reset_by(f).filter(|_| !carried_nothing(f))?;
    Some(s.finding(|| {
        let (bytes, open) =
            (bytes_at_reset(f), f.teardown.reset.map_or_else(|| f.duration(), |r| r.time - f.first_time));
        Finding::new(format!("reset by the {by} after {bytes} octets in {}", seconds(open.max(0))))
            .frames(f.teardown.reset.map(|r| r.frame))
            .figure("bytes", bytes as i64)
            .figure("duration_ns", f.duration())
            .figure("by", by.to_string())
    }))
}

fn reset_no_data(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let by = reset_by(f).filter(|_| carried_nothing(f))?;
    Some(s.finding(|| {
        let after = f.teardown.reset.map_or_else(|| f.duration(), |reset| reset.time - f.first_time);
        let late = match f.bytes() {
            0 => String::new(),
            octets => format!(" so far; {octets} octets were on their way"),
        };
        Finding::new(format!("reset by the {by} {} after the first SYN, without payload{late}", seconds(after.max(0))))
            .frames(f.teardown.reset.map(|r| r.frame))
            .figure("by", by.to_string())
            .figure("bytes", f.bytes() as i64)
    }))
}

fn synack_withdrawn(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let reset = f.withdrawn()?;
    Some(s.finding(|| {
        let answered = f.handshake.synacks.first().map_or(f.first_time, |t| t.time);
        let occasion = match f.handshake.syns.last() {
            Some(syn) if syn.time > answered => ", after the SYN was repeated",
            _ => "",
        };
        let after = (reset.time - answered).max(0);
        Finding::new(format!("the server reset its own attempt {} after its SYN-ACK{occasion}", seconds(after)))
            .frames(f.handshake.synacks.iter().map(|t| t.frame).take(1).chain([reset.frame]))
            .figure("after_ns", after)
            .figure("syn_count", f.client.syn_count)
    }))
}

/// Payload octets of `side` that the other end has not acknowledged.
fn outstanding(f: &Flow, side: Side) -> u32 {
    let (own, other) = (f.peer(side), f.peer(side.other()));
    let Some((end, acked)) = own.fin.or(own.next).zip(other.acked) else { return 0 };
    let octets = end.distance(acked);
    octets.max(0).unsigned_abs()
}

fn aborted_in_flight(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let (client, server) = (outstanding(f, Side::Client), outstanding(f, Side::Server));
    (f.was_open() && client.max(server) > 0).then(|| {
        s.finding(|| {
            Finding::new(format!(
                "reset by the {} with {} octets not acknowledged",
                s.from,
                client.saturating_add(server)
            ))
            .figure("client_unacked", client)
            .figure("server_unacked", server)
        })
    })
}

/// How far the number of the RST lies above what its receiver acknowledged (below: negative).
fn offset(s: &RuleContext<'_>) -> Option<i64> {
    let (low, _) = s.flow.expected_by(s.from.other())?;
    Some(i64::from(s.segment?.seq.distance(low)))
}

fn rst_old(s: &RuleContext<'_>) -> Option<Finding> {
    let below = -offset(s)?;
    Some(
        Finding::new(format!("RST of the {}, {below} octets below what was acknowledged", s.from))
            .figure("below", below)
            .severity(s.lower_if_partial(Severity::Note)),
    )
}

fn rst_inexact(s: &RuleContext<'_>) -> Option<Finding> {
    if s.facts.intersects(Facts::RST_INEXACT) {
        let above = offset(s)?;
        return Some(
            Finding::new(format!("RST of the {}, inside the window but {above} octets off", s.from))
                .figure("offset", above)
                .severity(Severity::Note.min(s.lower_if_partial(Severity::Warn))),
        );
    }
    // The challenge comes from the target; going on, from the end in whose name the RST was sent.
    let sender = if s.facts.intersects(Facts::CHALLENGE_ACK) { s.from.other() } else { s.from };
    let resets = s.flow.notes()?.end(sender).resets;
    let (_, frame, _) = resets.first.filter(|_| resets.inexact)?;
    let how = if s.facts.intersects(Facts::CHALLENGE_ACK) { "its target challenged it" } else { "its sender went on" };
    Some(
        Finding::new(format!("RST of the {sender} inside the window but not exact, and {how}"))
            .frames([frame, s.segment?.frame])
            .severity(s.lower_if_partial(Severity::Warn)),
    )
}

fn rst_beyond(s: &RuleContext<'_>) -> Option<Finding> {
    let above = offset(s)?;
    // Stateless devices reject with number 0: careless, not malicious.
    let usual = if s.segment?.seq.0 == 0 { Severity::Note } else { Severity::Warn };
    Some(
        Finding::new(format!("RST of the {}, {above} octets above what was acknowledged, beyond the window", s.from))
            .figure("offset", above)
            .severity(s.lower_if_partial(usual)),
    )
}

fn rst_bad_ack(s: &RuleContext<'_>) -> Option<Finding> {
    let ack = s.segment?.ack()?;
    let receiver = s.flow.peer(s.from.other());
    let relative = i64::from(ack.offset_from(receiver.base()));
    let finding =
        |what: String| Finding::new(what).figure("ack", relative).severity(s.lower_if_partial(Severity::Note));
    if s.facts.intersects(Facts::UNACCEPTABLE) {
        return Some(finding(format!(
            "RST of the {} acknowledges {relative} (relative), not the SYN: it must be ignored",
            s.from
        )));
    }
    s.flow
        .was_open()
        .then(|| finding(format!("RST of the {} acknowledges {relative} (relative), which was never sent", s.from)))
}

fn rst_with_data(s: &RuleContext<'_>) -> Option<Finding> {
    let payload = s.segment?.payload;
    (payload > 0).then(|| Finding::new(format!("RST with {payload} octets of payload")).figure("payload", payload))
}

fn peer_data_after_rst(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, segment) = (s.flow, s.segment?);
    let after = s.time - f.teardown.reset?.time;
    let in_flight = f.handshake.rtt().unwrap_or(0).max(IN_FLIGHT);
    (segment.payload > 0 && after <= in_flight).then(|| {
        Finding::new(format!("{} octets of the {} {} after it was reset", segment.payload, s.from, seconds(after)))
            .figure("payload", segment.payload)
            .figure("after_ns", after)
    })
}

fn fin_storm(s: &RuleContext<'_>) -> Option<Finding> {
    let count = s.flow.peer(s.from).fin_count;
    s.facts
        .intersects(Facts::FIN)
        .then(|| Finding::new(format!("{count} FINs of the {}", s.from)).figure("fin_count", count))
}

fn rst_storm(s: &RuleContext<'_>) -> Option<Finding> {
    let count = s.flow.peer(s.from).rst_count;
    s.facts
        .intersects(Facts::RST)
        .then(|| Finding::new(format!("{count} RSTs of the {}", s.from)).figure("rst_count", count))
}

fn orphan_fin(s: &RuleContext<'_>) -> Option<Finding> {
    orphan(s, Flags::FIN, "FIN")
}

fn orphan_rst(s: &RuleContext<'_>) -> Option<Finding> {
    orphan(s, Flags::RST, "RST")
}

fn orphan(s: &RuleContext<'_>, flag: Flags, name: &str) -> Option<Finding> {
    let alone = s.segment?.flags.has(flag) && s.age > CAPTURE_AGE && s.flow.previous().is_none();
    alone.then(|| Finding::new(format!("{name} of no known connection, {} into the capture", seconds(s.age))))
}
