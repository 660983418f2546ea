//! How connections end by FIN, and how that goes wrong.

use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{ClosedBy, Facts, Flow, Label, Opening, Side};
use crate::tcp::{Flags, Segment};
use crate::time::SECOND;

/// A FIN or its acknowledgment may take this long, nanoseconds (RFC 6298: least retransmission time-out 1 s, twice
/// doubled).
const SOFT: i64 = 3 * SECOND;
/// So many FINs without an answer need no further time to prove it.
const MANY_FINS: u32 = 4;
/// A connection is half closed, and not merely closing, after this, nanoseconds.
pub(in crate::detect) const HALF_CLOSED: i64 = SECOND;
/// Silence of the other end after which a half-closed connection is stuck, nanoseconds (Linux `tcp_fin_timeout`).
const STUCK: i64 = 60 * SECOND;
/// Silence of it after which it is none that a pool of idle connections makes, which closes within minutes,
/// nanoseconds.
const FORGOTTEN: i64 = 600 * SECOND;
/// The least length of an IP packet that needs no padding in an Ethernet frame, and how much shorter it may be behind a
/// VLAN tag, octets.
const LEAST: u32 = 46;
const VLAN_TAG: u32 = 4;
/// A reset this soon after the same end's FIN belongs to its close, nanoseconds.
const SAME_CLOSE: i64 = 5 * SECOND;

/// Ids of rules that are named elsewhere.
pub(crate) const CLOSE_NORMAL: &str = "close-normal";
pub(crate) const CLOSE_NO_DATA: &str = "close-no-data";
pub(crate) const LAST_ACK_MISSING: &str = "last-ack-missing";
pub(crate) const FIN_UNACKED: &str = "fin-unacked";
pub(crate) const FIN_BEFORE_ESTABLISHED: &str = "fin-before-established";
pub(crate) const HALF_CLOSE_STUCK: &str = "half-close-stuck";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: CLOSE_NORMAL,
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "both ends sent FIN and both FINs were acknowledged",
        description: "The connection closed normally. The figures give who closed first, the duration of the close and \
                      the time that the connection was half closed. No action is needed.",
        reference: "RFC 9293 section 3.6, figure 12",
        when: When::EveryEnd,
        check: close_normal,
    },
    Rule {
        id: "close-simultaneous",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "both ends sent a FIN before receiving the other's",
        description: "Both applications closed within one round trip. Both ends pass through CLOSING to TIME-WAIT. \
                      Permitted and harmless, but both hold the port pair for a while.",
        reference: "RFC 9293 section 3.6, figure 13",
        when: When::Facts(Facts::ACK_OF_FIN),
        check: close_simultaneous,
    },
    Rule {
        id: CLOSE_NO_DATA,
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a connection was opened and closed by FIN without a single octet of payload",
        description: "The end that closed first indicates the cause. Client: a health check, a port probe that \
                      completes the handshake, or spare connections of a pool; check their number and regularity. \
                      Server, at once: an access rule (tcpwrappers) or a connection limit. Server, after some seconds: \
                      its idle limit, or a lookup of the client's name or user (DNS, identd) that timed out. Check the \
                      log of the server.",
        reference: "RFC 9293 section 3.6",
        when: When::Ended,
        check: close_no_data,
    },
    Rule {
        id: LAST_ACK_MISSING,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "both ends sent FIN, but nothing acknowledged the second within 3 s, and it was not repeated",
        description: "The capture lacks the last acknowledgment, or the end that closed first is gone and the other \
                      waits in LAST-ACK. If many flows of one host show it, check the capture point and the TIME-WAIT \
                      handling of that host.",
        reference: "RFC 9293 section 3.6",
        when: When::Quiet,
        check: last_ack_missing,
    },
    Rule {
        id: FIN_UNACKED,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a FIN was repeated, and not acknowledged for longer than ordinary loss explains",
        description: "Sent 4 times in vain, or 3 times to an end that has fallen silent, or twice where the next was \
                      long due, and 3 s have passed. One end closes and the other does not acknowledge it: it is down \
                      or disconnected, or a filter on the path dropped the connection. The closing end stays in \
                      FIN-WAIT-1 or LAST-ACK for minutes. Check whether the other host answers anything at all, and \
                      the idle time-outs of firewalls between them.",
        reference: "RFC 9293 section 3.6; RFC 6298 section 2",
        when: When::Quiet,
        check: fin_unacked,
    },
    Rule {
        id: "fin-retransmitted",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the same FIN more than once",
        description: "The FIN or its acknowledgment was lost, or the acknowledgment was slow. Harmless by itself; with \
                      losses elsewhere it points to the path.",
        reference: "RFC 6298 section 5",
        when: When::Facts(Facts::FIN_REPEATED),
        check: fin_retransmitted,
    },
    Rule {
        id: "fin-seq-change",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a second FIN from the same end at another sequence number",
        description: "A stream ends once. Two FINs at different sequence numbers indicate a forged FIN, or a proxy \
                      that rewrites sequence numbers wrongly. Compare the TTLs and IP identifications of the two. An \
                      empty FIN exactly one above the first is a note: a stack counts its own FIN before it repeats \
                      it.",
        reference: "RFC 9293 section 3.6",
        when: When::Facts(Facts::FIN_MOVED),
        check: fin_seq_change,
    },
    Rule {
        id: "data-after-fin",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "payload beyond the sender's own FIN",
        description: "A FIN ends the data of its sender. Causes are a broken stack, or a segment injected for a \
                      monitor and dropped by the host. The receiver must ignore it; check that it did.",
        reference: "RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::DATA_AFTER_FIN),
        check: data_after_fin,
    },
    Rule {
        id: "ack-beyond-fin",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "an acknowledgment beyond the other end's FIN",
        description: "It acknowledges octets that cannot exist. A broken or forged segment, or two connections mixed \
                      up by a translator on the way.",
        reference: "RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::ACK_BEYOND_FIN),
        check: ack_beyond_fin,
    },
    Rule {
        id: FIN_BEFORE_ESTABLISHED,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a FIN from the server before the final ACK, or a FIN on the client's final ACK",
        description: "The application closed before the handshake was complete. RFC 9293 allows it. Servers that \
                      reject clients at once, and very short exchanges, do this.",
        reference: "RFC 9293 section 3.10.4",
        when: When::Facts(Facts::FIN),
        check: fin_before_established,
    },
    Rule {
        id: "half-close",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "one end closed, the other stayed open for 1 s or more",
        description: "One direction was finished while the other went on. Some protocols and proxies do this \
                      deliberately; otherwise an application notices late that its peer has closed.",
        reference: "RFC 9293 section 3.6.1",
        when: When::Quiet,
        check: half_close,
    },
    Rule {
        id: HALF_CLOSE_STUCK,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "one end closed, and the other sent nothing at all for 60 s",
        description: "The other application has not closed its socket: it stays in CLOSE-WAIT until the application \
                      closes it. Connection pools close such sockets minutes later, so this is a note at first and a \
                      warning if observation ended after 10 minutes or more; periods without any packet in the capture \
                      do not count. A leak of this kind ends in 'too many open files'. Look for sockets in CLOSE-WAIT \
                      on that host and the process that owns them.",
        reference: "RFC 9293 section 3.6; Linux tcp_fin_timeout",
        when: When::QuietThenEnd,
        check: half_close_stuck,
    },
    Rule {
        id: "half-close-reset",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "an end that had closed answered data with RST",
        description: "The end that sent FIN had closed the socket completely, so later data of the other end was lost. \
                      Normal when a browser leaves a page; with other protocols an answer was truncated. Compare the \
                      octets sent after the FIN with what the application expected to deliver.",
        reference: "RFC 1122 section 4.2.2.13; RFC 9293 section 3.6.1",
        when: When::Facts(Facts::RST),
        check: half_close_reset,
    },
    Rule {
        id: "fin-then-rst",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "RST from an end within 5 s of its own FIN",
        description: "The end closed, then discarded the connection: data arrived for a closed socket, or the \
                      application set SO_LINGER to zero. Usually harmless.",
        reference: "RFC 9293 section 3.6.1",
        when: When::Facts(Facts::RST),
        check: fin_then_rst,
    },
];

fn close_normal(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let complete = f.both_fins() && f.both_fins_acknowledged();
    if !complete || !f.was_open() {
        return None;
    }
    Some(s.finding(|| {
        let took = f.teardown_time().unwrap_or(0);
        let first = f.teardown.first_fin.unwrap_or(Side::Client);
        Finding::new(format!("closed by FIN from both ends in {}, {first} first", seconds(took)))
            .figure("teardown_ns", took)
            .figure("half_closed_ns", f.half_closed_time().unwrap_or(0))
            .figure("bytes", f.bytes() as i64)
    }))
}

fn close_simultaneous(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let between = (f.client.fin_time - f.server.fin_time).saturating_abs();
    let both = f.both_fins_acknowledged();
    (f.teardown.simultaneous && both)
        .then(|| Finding::new(format!("the FINs crossed, {} apart", seconds(between))).figure("apart_ns", between))
}

fn close_no_data(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    // What the capture lacks was sent all the same.
    let none = f.bytes() == 0 && f.missing().is_none() && !moved(f, Side::Client) && !moved(f, Side::Server);
    let silent = f.both_fins() && none && f.opening() == Opening::Established;
    silent.then(|| {
        let words = match (f.closed_by(), f.handshake.ack) {
            (Some(ClosedBy::Server), Some(ack)) => {
                let waited = seconds((f.server.fin_time - ack.time).max(0));
                format!("the server closed {waited} after it was open, before the client had said anything")
            }
            _ => format!("open for {} without payload, closed by FIN", seconds(f.duration())),
        };
        let by = f.closed_by().map_or("", ClosedBy::name);
        Finding::new(words).figure("duration_ns", f.duration()).figure("closed_by", by)
    })
}

/// Whether the FIN of `side` lies beyond the first number of its data.
fn moved(flow: &Flow, side: Side) -> bool {
    let peer = flow.peer(side);
    peer.fin.zip(peer.isn).is_some_and(|(fin, isn)| fin.after(isn.plus(1)))
}

/// The end whose FIN nothing acknowledged for [`SOFT`] or [`MANY_FINS`] times, where the other end was heard of and no
/// reset came.
fn unacknowledged_fin<'a>(s: &RuleContext<'a>) -> Option<(Side, &'a Flow)> {
    let f = s.flow;
    let waiting = |side: Side| {
        let (own, other) = (f.peer(side), f.peer(side.other()));
        let long = s.time - own.fin_time >= SOFT || own.fin_count >= MANY_FINS;
        own.fin.is_some() && !own.fin_acknowledged && !moved_and_acknowledged(f, side) && other.spoke() && long
    };
    let side = [Side::Client, Side::Server].into_iter().find(|side| waiting(*side))?;
    (f.teardown.reset.is_none() && f.was_open()).then_some((side, f))
}

/// Whether the other end acknowledged a FIN of `side` that stands elsewhere than the first.
fn moved_and_acknowledged(f: &Flow, side: Side) -> bool {
    let acked = f.peer(side.other()).acked;
    let mut fins = f.steps.iter().filter(|step| step.from == side && step.label == Label::Fin);
    fins.any(|step| Some(step.seq.plus(step.payload).plus(1)) == acked)
}

fn last_ack_missing(s: &RuleContext<'_>) -> Option<Finding> {
    let (side, f) = unacknowledged_fin(s)?;
    let last = f.both_fins() && f.teardown.first_fin != Some(side) && f.peer(side).fin_count == 1;
    last.then(|| {
        let waited = s.time - f.peer(side).fin_time;
        Finding::new(format!("the second FIN, of the {side}, was not acknowledged for {}", seconds(waited)))
            .figure("waited_ns", waited)
    })
}

fn fin_unacked(s: &RuleContext<'_>) -> Option<Finding> {
    let (side, f) = unacknowledged_fin(s)?;
    let own = f.peer(side);
    is_more_than_loss(s, side).then(|| {
        let waited = s.time - own.fin_time;
        Finding::new(format!("{} FINs of the {side}, none acknowledged for {}", own.fin_count, seconds(waited)))
            .figure("fin_count", own.fin_count)
            .figure("waited_ns", waited)
    })
}

/// Whether FINs of `side` stay without answer for longer than ordinary loss explains: a third from an end whose other
/// has fallen silent, a fourth from any, or none where the next was due.
fn is_more_than_loss(s: &RuleContext<'_>, side: Side) -> bool {
    let (own, other) = (s.flow.peer(side), s.flow.peer(side.other()));
    let fins = s.flow.steps.iter().filter(|step| step.from == side && step.label == Label::Fin);
    let last = fins.map(|step| step.last_time).max().map_or(own.fin_time, |last| last.max(own.fin_time));
    let overdue = (3 * (last - own.fin_time)).max(SOFT);
    let silent = other.last_time <= own.fin_time;
    own.fin_count >= MANY_FINS
        || (own.fin_count == MANY_FINS - 1 && silent)
        || (own.fin_count > 1 && s.time - last >= overdue)
}

fn fin_retransmitted(s: &RuleContext<'_>) -> Option<Finding> {
    let own = s.flow.peer(s.from);
    let after = s.time - own.fin_time;
    Some(
        Finding::new(format!("FIN of the {} repeated {} after the first", s.from, seconds(after)))
            .figure("fin_count", own.fin_count)
            .figure("after_ns", after),
    )
}

fn fin_seq_change(s: &RuleContext<'_>) -> Option<Finding> {
    let (own, segment) = (s.flow.peer(s.from), s.segment?);
    let (was, is) = (own.fin?, segment.seq.plus(segment.payload));
    // A stack that counts its own FIN before it repeats it.
    let counted = is == was.plus(1) && segment.payload == 0;
    let (was, is) = (was.offset_from(own.base()), is.offset_from(own.base()));
    let severity = if counted { Severity::Note } else { s.lower_if_partial(Severity::Warn) };
    Some(
        Finding::new(format!("the {} sent FIN at {was}, now at {is} (relative)", s.from))
            .figure("was", was)
            .figure("is", is)
            .severity(severity),
    )
}

/// Whether what looks like payload is most likely what fills a frame of the least size, with a VLAN tag or without,
/// which the tool that wrote the capture has counted in.
fn fills_the_frame(s: &Segment) -> bool {
    let length = 40 + u32::from(s.ip_options_len) + u32::from(s.options.len) + s.payload;
    !s.flags.any(Flags::PSH) && (length == LEAST || length == LEAST - VLAN_TAG)
}

fn data_after_fin(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let usual = if fills_the_frame(segment) { Severity::Note } else { Severity::Warn };
    Some(
        Finding::new(format!("{} octets from the {} beyond its own FIN", segment.payload, s.from))
            .figure("payload", segment.payload)
            .severity(s.lower_if_partial(usual)),
    )
}

fn ack_beyond_fin(s: &RuleContext<'_>) -> Option<Finding> {
    let beyond = s.segment?.ack()?.offset_from(s.flow.peer(s.from.other()).fin?.plus(1));
    Some(
        Finding::new(format!("the {} acknowledges {beyond} octets beyond the other end's FIN", s.from))
            .figure("beyond", beyond)
            .severity(s.lower_if_partial(Severity::Warn)),
    )
}

fn fin_before_established(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let seen = f.client.isn.is_some() && f.server.isn.is_some();
    let early = match s.from {
        Side::Server => !f.was_open() && f.handshake.ack.is_none(),
        Side::Client => s.facts.intersects(Facts::FINAL_ACK),
    };
    (seen && early).then(|| Finding::new(format!("FIN of the {} before the connection was open", s.from)))
}

/// The end that closed first and its peer's sending goes on, with how long it has been so.
fn half_closed_for(s: &RuleContext<'_>) -> Option<(Side, i64)> {
    let f = s.flow;
    let closer = f.teardown.first_fin.filter(|_| f.was_open() && !f.teardown.simultaneous)?;
    let (own, other) = (f.peer(closer), f.peer(closer.other()));
    if !own.fin_acknowledged {
        return None;
    }
    let until = match (other.fin, f.teardown.reset) {
        (Some(_), _) => other.fin_time,
        (None, Some(reset)) => reset.time,
        (None, None) => s.time,
    };
    Some((closer, until - own.fin_acked_time))
}

fn half_close(s: &RuleContext<'_>) -> Option<Finding> {
    let (closer, for_) = half_closed_for(s)?;
    let after = s.flow.teardown.data_after_fin;
    (for_ >= HALF_CLOSED).then(|| {
        s.finding(|| {
            Finding::new(format!("the {closer} closed, the other end stayed open for {}", seconds(for_)))
                .figure("half_closed_ns", for_)
                .figure("bytes_after_fin", after as i64)
        })
    })
}

fn half_close_stuck(s: &RuleContext<'_>) -> Option<Finding> {
    let (closer, _) = half_closed_for(s)?;
    let f = s.flow;
    let other = f.peer(closer.other());
    let silent = s.time - other.last_time;
    let open = other.fin.is_none() && f.teardown.reset.is_none();
    (open && silent >= STUCK).then(|| {
        let so_far = if s.ended { "" } else { " so far" };
        let words =
            format!("the {closer} closed, and the {} said nothing for {}{so_far}", closer.other(), seconds(silent));
        // Its FIN may be what the capture lacks; and what is still open may yet be closed.
        let forgotten = s.ended && s.watched_since(other.last_time) >= FORGOTTEN;
        let severity = if forgotten { s.lower_if_partial(Severity::Warn) } else { Severity::Note };
        Finding::new(words).figure("silent_ns", silent).severity(severity)
    })
}

fn half_close_reset(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let answered = f.teardown.first_fin == Some(s.from) && f.teardown.data_after_fin > 0 && f.was_open();
    answered.then(|| {
        let after = f.teardown.data_after_fin;
        Finding::new(format!("RST of the {} after {after} octets sent to it behind its FIN", s.from))
            .figure("bytes_after_fin", after as i64)
    })
}

fn fin_then_rst(s: &RuleContext<'_>) -> Option<Finding> {
    let own = s.flow.peer(s.from);
    let after = s.time - own.fin_time;
    let meant = !s.facts.intersects(Facts::RST_INEXACT | Facts::RST_BEYOND);
    (own.fin.is_some() && after <= SAME_CLOSE && meant && s.flow.was_open()).then(|| {
        Finding::new(format!("RST of the {} {} after its FIN", s.from, seconds(after))).figure("after_ns", after)
    })
}
