//! Ends that are gone, asleep or stuck.

use super::accept::was_never_accepted;
use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::notes::Unanswered;
use crate::flow::{Facts, Flow, Side};
use crate::tcp::{Flags, SeqNumber};
use crate::time::SECOND;

/// Idle for this long, a connection's next packet says something new about its peer, nanoseconds.
const IDLE: i64 = SECOND;
/// Idle for this long, a device on the way may have forgotten it, nanoseconds.
const LONG_IDLE: i64 = 60 * SECOND;
/// Copies of one segment (the first included) that make a dead peer.
const DEAD_COPIES: u32 = 5;
/// And the time over which they came, nanoseconds.
const DEAD_AFTER: i64 = 15 * SECOND;
/// Copies over this long are no matter of chance where the other end is known to be alive, nanoseconds.
const VANISHED: i64 = 3 * SECOND;
/// Segments from this size on may be too large for a path: a path over IPv4 need not take more than 576 octets.
pub(crate) const LARGE: u32 = 500;
/// A peer is given up after this, nanoseconds (RFC 9293 SHLD-11: R2 at least 100 s).
const GIVEN_UP: i64 = 100 * SECOND;
/// Unanswered probes that count.
const PROBES: u32 = 3;
/// A reset this soon after the end of a silence belongs to it, nanoseconds.
const AFTER_SILENCE: i64 = 5 * SECOND;

/// Ids of rules that are named elsewhere.
pub(crate) const KEEPALIVE_ABORT: &str = "keepalive-abort";
pub(crate) const KEEPALIVE_UNANSWERED: &str = "keepalive-unanswered";
pub(crate) const DEAD_PEER: &str = "dead-peer";
pub(crate) const IDLE_EXPIRY: &str = "idle-expiry";
pub(crate) const LARGE_SEGMENTS_LOST: &str = "large-segments-lost";
pub(crate) const HALF_OPEN_CRASH: &str = "half-open-crash";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: HALF_OPEN_CRASH,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a RST at its acknowledgment number answered the first segment after a silence, or the ACK that a \
                  new SYN provoked",
        description: "One end no longer had the connection: its host restarted, its process ended, or a proxy or NAT \
                      expired the idle connection. One event per host is a crash; repeated events after the same \
                      silence are an idle time-out, and shorter keep-alive intervals help.",
        reference: "RFC 9293 section 3.5.1, figures 9 and 10",
        when: When::Facts(Facts::RST),
        check: half_open_crash,
    },
    Rule {
        id: DEAD_PEER,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "the same segment 5 times or more over 15 s without an answer",
        description: "Nothing comes back from the other end: it is down, the path is gone, or only these segments do \
                      not get through. If small segments were acknowledged shortly before and every copy is large, the \
                      path drops large ones (path MTU); lower the MSS to try. Otherwise check whether that host \
                      answers anything. TCP retransmits for minutes before it reports an error to the application. \
                      Flows captured in one direction only are excluded.",
        reference: "RFC 9293 section 3.8.3 (R1, R2)",
        when: When::Facts(Facts::UNANSWERED),
        check: dead_peer,
    },
    Rule {
        id: LARGE_SEGMENTS_LOST,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a large segment lost five times or more, while a smaller one sent later arrived",
        description: "The other end is alive: it has acknowledged (SACK) a smaller segment behind the one that is \
                      repeated, or, without SACK, repeated its acknowledgment when the smaller one arrived. Only large \
                      segments vanish: the path takes less than the MSS allows, and the ICMP errors that should say so \
                      (type 3 code 4, or Packet Too Big) are dropped. Compare the MSS of both SYNs with the MTU of \
                      tunnels and links on the way; let these ICMP errors through, clamp the MSS where the path \
                      narrows, or have the hosts probe (net.ipv4.tcp_mtu_probing).",
        reference: "RFC 2923 section 2.1; RFC 4821",
        when: When::Facts(Facts::UNANSWERED),
        check: large_segments_lost,
    },
    Rule {
        id: IDLE_EXPIRY,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "after 60 s or more of silence the next segment stayed unanswered, or a RST with a foreign TTL \
                  arrived",
        description: "A firewall or NAT on the path most likely expired the idle connection. RFC 5382 asks for 2 h 4 \
                      min; many devices allow far less. Shorten the keep-alive interval of the application or lengthen \
                      the device's time-out.",
        reference: "RFC 5382 REQ-5",
        when: When::Facts(Facts::UNANSWERED.union(Facts::RST)),
        check: idle_expiry,
    },
    Rule {
        id: "keepalive-probe",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a keep-alive probe after 1 s or more of silence",
        description: "An end checks whether its peer is alive. Harmless; the interval shows the setting of the \
                      application or host.",
        reference: "RFC 9293 section 3.8.4",
        when: When::Facts(Facts::PROBE),
        check: keepalive_probe,
    },
    Rule {
        id: KEEPALIVE_UNANSWERED,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "3 or more keep-alive probes in a row without an answer",
        description: "The other end is down or disconnected; the connection is aborted after the last probe. Check \
                      that host and the path to it.",
        reference: "RFC 9293 section 3.8.4; Linux sends 9 probes 75 s apart",
        when: When::Quiet,
        check: keepalive_unanswered,
    },
    Rule {
        id: KEEPALIVE_ABORT,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "RST from an end whose keep-alive probes went unanswered",
        description: "The prober aborted the connection. Find the time since which the other host has been silent on \
                      all connections.",
        reference: "RFC 9293 section 3.8.4",
        when: When::Facts(Facts::RST),
        check: keepalive_abort,
    },
    Rule {
        id: "zero-window-stall",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a zero window for 30 s or more while the other end probes",
        description: "The receiving application does not read: it is paused, overloaded or stuck, or it holds the \
                      sender's memory on purpose (sockstress). The network is not the cause. Check the process that \
                      owns the socket.",
        reference: "RFC 9293 section 3.8.6.1",
        when: When::Facts(Facts::WINDOW_STALL),
        check: zero_window_stall,
    },
    Rule {
        id: "window-shrink",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the right edge of a receive window moved back",
        description: "The receiver withdrew window that it had offered. This is discouraged, but some hosts do so when \
                      memory is short; data in flight may be dropped.",
        reference: "RFC 9293 section 3.8.6 (SHLD-14); RFC 7323 section 2.4",
        when: When::Facts(Facts::WINDOW_SHRANK),
        check: window_shrink,
    },
];

fn half_open_crash(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, segment) = (s.flow, s.segment?);
    let (own, other) = (f.peer(s.from), f.peer(s.from.other()));
    let (idle, probes) = (f.notes()?.end(s.from).resets.silence, f.notes()?.end(s.from.other()).probes);
    let fresh = own.fin.is_none() && other.fin.is_none() && f.was_open() && s.facts.intersects(Facts::RST_ACCEPTED);
    if fresh && s.facts.intersects(Facts::RST_OF_OLD_ACK) {
        return Some(Finding::new(format!(
            "the {} had forgotten the connection: it began another and reset this one",
            s.from
        )));
    }
    // What asks is octets, or a keep-alive.
    let asked = other.next != own.acked || probes.last == other.last_time;
    let answers = other.acked == Some(segment.seq) && asked;
    let forgot = s.from == Side::Client || !was_never_accepted(f);
    (fresh && answers && forgot && idle >= IDLE).then(|| {
        Finding::new(format!("the {} had forgotten the connection after {} of silence", s.from, seconds(idle)))
            .figure("silent_ns", idle)
    })
}

/// The large segment that `from` repeats in vain, and how much its other end got of what was sent behind it, octets.
fn vanishing(f: &Flow, from: Side) -> Option<(Unanswered, u32)> {
    let end = f.notes()?.end(from);
    // Without SACK: all that was behind it was smaller, and some of it arrived, or nothing would have been asked for
    // again.
    let behind = |(missed, octets): (SeqNumber, u32)| {
        Some((missed, octets.checked_sub(end.repeats.payload).filter(|n| *n > 0)?))
    };
    let (missed, octets) = end.sacked.or_else(|| end.asked_again.and_then(behind))?;
    let lost = missed == end.repeats.seq && octets < end.repeats.payload && end.repeats.payload >= LARGE;
    lost.then_some((end.repeats, octets))
}

/// What each end offered to take, for a sentence, where both did.
fn sizes(f: &Flow) -> String {
    let mss = |side| f.peer(side).offer.and_then(|o| o.mss);
    match (mss(Side::Client), mss(Side::Server)) {
        (Some(client), Some(server)) => format!("; MSS of the client {client}, of the server {server}"),
        _ => String::new(),
    }
}

fn large_segments_lost(s: &RuleContext<'_>) -> Option<Finding> {
    let (repeats, octets) = vanishing(s.flow, s.from)?;
    let (copies, span) = (repeats.count + 1, repeats.last - repeats.first);
    (copies >= DEAD_COPIES && span >= VANISHED && s.flow.was_open()).then(|| {
        let finding = Finding::new(format!(
            "{copies} copies of {} octets of the {} over {} in vain, while {octets} octets sent after them had \
             arrived{}",
            repeats.payload,
            s.from,
            seconds(span),
            sizes(s.flow)
        ));
        let mss = |side| s.flow.peer(side).offer.and_then(|o| o.mss);
        let known = [("mss_client", mss(Side::Client)), ("mss_server", mss(Side::Server))];
        let with = |finding: Finding, (name, mss): (&'static str, Option<u16>)| match mss {
            Some(mss) => finding.figure(name, i64::from(mss)),
            None => finding,
        };
        known
            .into_iter()
            .fold(finding, with)
            .figure("copies", copies)
            .figure("span_ns", span)
            .figure("payload", repeats.payload)
            .figure("arrived", octets)
    })
}

fn dead_peer(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    if vanishing(f, s.from).is_some() {
        return None;
    }
    let repeats = f.notes()?.end(s.from).repeats;
    // A FIN alone that nothing acknowledges has a name of its own.
    if repeats.payload == 0 && f.peer(s.from).fin == Some(repeats.seq) {
        return None;
    }
    let (copies, span) = (repeats.count + 1, repeats.last - repeats.first);
    (copies >= DEAD_COPIES && span >= DEAD_AFTER && f.peer(s.from.other()).spoke() && f.was_open()).then(|| {
        let end = if span >= GIVEN_UP { ", past the time to give up" } else { "" };
        Finding::new(format!("{copies} copies of one segment over {}, nothing back{end}", seconds(span)))
            .figure("copies", copies)
            .figure("span_ns", span)
    })
}

fn idle_expiry(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, notes) = (s.flow, s.flow.notes()?);
    let (own, other) = (f.peer(s.from), f.peer(s.from.other()));
    if notes.silence < LONG_IDLE || !f.was_open() || !other.spoke() {
        return None;
    }
    let repeats = notes.end(s.from).repeats;
    let how = if s.facts.intersects(Facts::RST) {
        let foreign = own.ttl.abs_diff(s.segment?.ttl) >= 2;
        (foreign && s.time - notes.silence_end <= AFTER_SILENCE).then_some("a RST with another TTL came")?
    } else {
        let unanswered = repeats.count >= 2 && other.last_time < notes.silence_end;
        (unanswered && repeats.first - notes.silence_end <= AFTER_SILENCE).then_some("nothing answers")?
    };
    Some(Finding::new(format!("after {} of silence {how}", seconds(notes.silence))).figure("silent_ns", notes.silence))
}

fn keepalive_probe(s: &RuleContext<'_>) -> Option<Finding> {
    let other = s.flow.peer(s.from.other());
    let idle = s.time - other.last_time;
    let knocks = s.flow.notes().is_some_and(|notes| notes.end(s.from.other()).closed_window.is_some());
    (idle >= IDLE && !knocks && other.spoke()).then(|| {
        Finding::new(format!("the {} probes after {} of silence", s.from, seconds(idle))).figure("idle_ns", idle)
    })
}

fn keepalive_unanswered(s: &RuleContext<'_>) -> Option<Finding> {
    let notes = s.flow.notes()?;
    let sides = [s.from, s.from.other()];
    let side = sides.into_iter().find(|side| {
        let probes = notes.end(*side).probes;
        let waited = probes.count > PROBES || s.time - probes.last >= IDLE;
        probes.count >= PROBES && waited && s.flow.peer(side.other()).spoke()
    })?;
    let probes = notes.end(side).probes;
    Some(
        Finding::new(format!("{} probes of the {side} unanswered", probes.count))
            .figure("probes", probes.count)
            .figure("span_ns", s.time - probes.first),
    )
}

fn keepalive_abort(s: &RuleContext<'_>) -> Option<Finding> {
    let probes = s.flow.notes()?.end(s.from).probes;
    (probes.count >= PROBES && s.flow.was_open() && s.flow.peer(s.from.other()).spoke()).then(|| {
        Finding::new(format!("the {} gave up after {} unanswered probes", s.from, probes.count))
            .figure("probes", probes.count)
            .figure("span_ns", s.time - probes.first)
    })
}

fn zero_window_stall(s: &RuleContext<'_>) -> Option<Finding> {
    let notes = s.flow.notes()?;
    let sides = [s.from, s.from.other()];
    let side = sides.into_iter().find(|side| notes.end(*side).closed_window.is_some())?;
    let end = notes.end(side);
    let closed = s.time - end.closed_window?;
    let unread = !s.segment?.flags.any(Flags::RST | Flags::FIN);
    unread.then(|| {
        Finding::new(format!("the window of the {side} is closed for {}, {} knocks", seconds(closed), end.knocks))
            .figure("closed_ns", closed)
            .figure("knocks", end.knocks)
    })
}

fn window_shrink(s: &RuleContext<'_>) -> Option<Finding> {
    let (segment, own) = (s.segment?, s.flow.peer(s.from));
    let edge = segment.ack()?.plus(u32::from(segment.window) << s.flow.scale_of(s.from));
    let back = own.edge?.distance(edge);
    // Where the handshake was not seen the scale is a guess; the edge before may stem from such a guess.
    let possible = 1..=i32::from(u16::MAX) << s.flow.scale_of(s.from);
    (possible.contains(&back) && s.flow.in_effect().is_some()).then(|| {
        Finding::new(format!("the window of the {} moved back by {back} octets", s.from))
            .figure("octets", i64::from(back))
    })
}
