//! One four-tuple, several connections: SYNs on open and on just closed ones, and what cookies betray.

use super::support::{gated, one_below, seconds};
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Closed, ClosedBy, Facts, Flow, Label, Opening, Side, Step};
use crate::tcp::SeqNumber;
use crate::time::SECOND;

/// A copy of the connection's own SYN may be this late, nanoseconds.
const LATE_COPY: i64 = 3 * SECOND;
/// An end that has been silent for this long may have gone without our seeing it, nanoseconds.
const LONG_SILENCE: i64 = 600 * SECOND;
/// Re-use sooner than this leaves no time for old segments to die, nanoseconds.
const AT_ONCE: i64 = SECOND;
/// A client that was answered with an old number, and reset it, has sent its SYN again by then (RFC 6298 section 2.1),
/// nanoseconds.
const ONE_TRY: i64 = SECOND;
/// Two SYNs within this share the minute counter of a cookie, nanoseconds.
const COOKIE_MINUTE: i64 = 60 * SECOND;
/// Cookies of one tuple differ by this much more if the MSS class differs.
const MSS_CLASSES: i32 = 3;
/// SYN-ACKs with the same low bits of TSval that no clock makes by chance.
const SAME_LOW_BITS: usize = 5;

/// Ids of rules that are named elsewhere.
pub(crate) const SYN_ON_ESTABLISHED: &str = "syn-on-established";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: SYN_ON_ESTABLISHED,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a bare SYN on a connection that is open",
        description: "The client lost the connection (a crash, or a NAT that reassigned the port), or somebody forges \
                      a SYN to reset the connection or to learn its numbers. The connected end answers with a \
                      challenge ACK; a RST from the client then proves that the SYN was its own.",
        reference: "RFC 5961 section 4; RFC 9293 section 3.5.1",
        when: When::Facts(Facts::SYN_ON_ESTABLISHED),
        check: syn_on_established,
    },
    Rule {
        id: "challenge-ack",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "an end answered a SYN on an open connection, or an inexact RST, with an ACK of its current numbers",
        description: "The receiver doubts the segment and asks its peer to confirm. The ACK proves that the connection \
             survived.",
        reference: "RFC 5961 sections 3 to 5",
        when: When::Facts(Facts::CHALLENGE_ACK),
        check: challenge_ack,
    },
    Rule {
        id: "port-reuse-timewait",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a new connection on a four-tuple that was closed less than 240 s before",
        description: "Within 2 MSL (240 s) old segments could still turn up in the new connection. A higher initial \
                      sequence number or newer timestamps make it safe (RFC 6191); the event reports both. Common \
                      where few ports serve many connections, as at proxies: nothing to do. It is a warning only if \
                      the end that waits in TIME-WAIT took the SYN less than 1 s after the close, without timestamps \
                      and with an initial sequence number below the old numbers: then use more ports or addresses.",
        reference: "RFC 9293 section 3.6.1 (MAY-2); RFC 6191",
        when: When::Facts(Facts::SYN_ACK),
        check: port_reuse_timewait,
    },
    Rule {
        id: "port-reuse-refused",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a SYN on a just closed four-tuple, answered with an acknowledgment of the old connection",
        description: "The server still holds the closed connection (TIME-WAIT) and does not take the new one: the SYN \
                      has neither a higher sequence number nor a newer timestamp. The client resets the old connection \
                      and sends its SYN again; where that is taken, or refused for another reason, it is a note: a NAT \
                      or a system with few ports in ordinary life, and a round trip or a second lost. It is a warning \
                      where the client is kept out: a NAT that gives ports away too early, a client that chooses its \
                      numbers badly, or a RST that does not reach the server.",
        reference: "RFC 6191 section 2; RFC 9293 sections 3.5.2 and 3.10.7.3",
        when: When::Opened,
        check: port_reuse_refused,
    },
    Rule {
        id: "syncookie-suspected",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the server's initial sequence numbers look like SYN cookies",
        description: "A server sends cookies when its queue of embryonic connections is full, that is, under a SYN \
                      flood, or always if so configured. Without timestamps window scaling and SACK are lost \
                      meanwhile. As evidence, its number moved exactly with the client's, or TSval always ends in the \
                      same 6 bits.",
        reference: "Linux SYN cookies, measured; RFC 4987 section 3.6",
        when: When::Facts(Facts::SYN_ACK.union(Facts::SYNACK_REPEATED)),
        check: syncookie_suspected,
    },
];

fn syn_on_established(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, segment) = (s.flow, s.segment?);
    let same_isn = s.facts.intersects(Facts::SYN_REPEATED);
    let age = s.time - f.first_time;
    if same_isn && age <= LATE_COPY {
        return None;
    }
    let other = f.peer(s.from.other());
    let perhaps_over = f.both_fins() || s.time - other.last_time >= LONG_SILENCE || f.teardown.reset.is_some();
    let severity = match gated(s, Severity::Warn) {
        severity if same_isn || perhaps_over => one_below(severity).min(Severity::Note),
        severity => severity,
    };
    let which = if same_isn { "the same ISN" } else { "another ISN" };
    Some(
        Finding::new(format!("SYN with {which} from {} on an open connection", segment.source))
            .figure("isn", segment.seq.0)
            .figure("same_isn", i64::from(same_isn))
            .severity(severity),
    )
}

fn challenge_ack(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    Some(Finding::new(format!(
        "the {} insists on its connection (seq {}, ack {})",
        s.from, segment.seq.0, segment.ack_field.0
    )))
}

/// What had the four-tuple before, if it was closed in order and may still be in TIME-WAIT.
fn closed_before(s: &RuleContext<'_>) -> Option<Closed> {
    s.flow.previous()?.in_time_wait(s.flow.first_time)
}

fn port_reuse_timewait(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, previous) = (s.flow, closed_before(s)?);
    let (isn, offer) = (f.client.isn?, f.client.offer.as_ref()?);
    let gap = f.first_time - previous.last_time;
    let old_next = if previous.same_client { previous.client_next } else { previous.server_next };
    let rose = old_next.is_none_or(|next| isn.at_or_after(next));
    // Who closed first holds TIME-WAIT: the end that now accepts, or the one that now asks.
    let holder_accepts = match previous.closed_by {
        Some(ClosedBy::Server) => previous.same_client,
        Some(ClosedBy::Client) => !previous.same_client,
        _ => true,
    };
    let risky = gap < AT_ONCE && offer.timestamps.is_none() && !rose && holder_accepts;
    let accepted_by = if rose { "isn" } else { "tsval" };
    Some(
        Finding::new(format!("the four-tuple was in use until {} before", seconds(gap)))
            .figure("gap_ns", gap)
            .figure("accepted_by", if rose || offer.timestamps.is_some() { accepted_by } else { "nothing" })
            .figure("previous_flow", i64::try_from(previous.id).unwrap_or(i64::MAX))
            .severity(if risky { Severity::Warn } else { Severity::Note }),
    )
}

/// The ACK of the connection that had the four-tuple before, where that answered the SYN, and what it acknowledges.
fn answer_of_the_old(f: &Flow) -> Option<(&Step, SeqNumber)> {
    let isn = f.client.isn?;
    let before_synack = f.steps.iter().take_while(|step| step.label != Label::SynAck);
    let answer =
        before_synack.filter(|step| step.from == Side::Server && step.label == Label::Ack && step.payload == 0);
    answer.filter_map(|step| Some((step, step.ack?))).find(|(_, ack)| *ack != isn.plus(1))
}

/// Whether the connection that had the four-tuple before, and may be in TIME-WAIT, answered the SYN.
pub(super) fn is_refused(f: &Flow) -> bool {
    f.server.spoke()
        && f.previous().and_then(|p| p.in_time_wait(f.first_time)).is_some()
        && answer_of_the_old(f).is_some()
}

fn port_reuse_refused(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, previous) = (s.flow, closed_before(s)?);
    let (answer, ack) = answer_of_the_old(f)?;
    let gap = f.first_time - previous.last_time;
    let next = if f.opening().opened() { "; another SYN opened the connection" } else { "" };
    Some(
        Finding::new(format!(
            "the SYN came {} after the close and was answered with an ACK of {}{next}",
            seconds(gap),
            ack.0
        ))
        .frames([f.first_frame, answer.frame])
        .figure("gap_ns", gap)
        .figure("ack", ack.0)
        .severity(if was_kept_out(s) { Severity::Warn } else { Severity::Note }),
    )
}

/// Whether the old connection kept the client out, as long as it could be seen to try. One whose next SYN is taken, or
/// refused for another reason, lost no more than a round trip.
fn was_kept_out(s: &RuleContext<'_>) -> bool {
    match s.flow.opening() {
        Opening::Unanswered | Opening::Undecided => s.time - s.flow.first_time >= ONE_TRY,
        _ => false,
    }
}

fn syncookie_suspected(s: &RuleContext<'_>) -> Option<Finding> {
    moved_with_the_client(s).or_else(|| same_low_bits(s))
}

/// Two attempts on one four-tuple: a cookie moves exactly as far as the client's number did.
fn moved_with_the_client(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, previous) = (s.flow, s.flow.previous()?);
    if !previous.same_client || !(0..=COOKIE_MINUTE).contains(&(f.first_time - previous.last_time)) {
        return None;
    }
    let client = f.client.isn?.distance(previous.client_isn?);
    let server = f.server.isn?.distance(previous.server_isn?);
    let remainder = server.wrapping_sub(client);
    if by_the_clock(client.cast_unsigned(), f.first_time - previous.last_time) {
        return None;
    }
    (client != 0 && server != 0 && (-MSS_CLASSES..=MSS_CLASSES).contains(&remainder)).then(|| {
        Finding::new(format!(
            "on this four-tuple the server's ISN moved by {server} when the client's moved by {client}"
        ))
        .figure("client_moved", i64::from(client))
        .figure("server_moved", i64::from(server))
    })
}

/// Whether a client's ISN may have moved so far because time passed: then a server's moves as far, and is no cookie
/// (RFC 9293 section 3.4.1; the clocks of Linux and of the RFC). `idle`: since the last segment before, nanoseconds.
fn by_the_clock(moved: u32, idle: i64) -> bool {
    const TICKS: [i64; 2] = [64, 4_000];
    const SLACK: i64 = SECOND / 100;
    TICKS.iter().any(|tick| (idle - SLACK..idle + COOKIE_MINUTE).contains(&(i64::from(moved) * tick)))
}

/// SYN-ACKs of one four-tuple whose clocks differ, but never in the low six bits.
fn same_low_bits(s: &RuleContext<'_>) -> Option<Finding> {
    let mut values: smallvec::SmallVec<[u32; 16]> = smallvec::SmallVec::new();
    for value in s.flow.handshake.synacks.iter().filter_map(|t| t.ts_value) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let low = values.first()? & 63;
    (values.len() >= SAME_LOW_BITS && values.iter().all(|v| v & 63 == low)).then(|| {
        Finding::new(format!("{} SYN-ACKs with different TSval, all {low} modulo 64", values.len()))
            .figure("low_bits", low)
            .figure("synack_count", s.flow.server.synack_count)
    })
}
