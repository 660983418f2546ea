//! SYN-ACKs that are repeated to a client that has long acknowledged them: a full accept queue, or an accept that waits
//! for data.

use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::IN_FLIGHT;
use crate::flow::handshake::Try;
use crate::flow::{Facts, Flow, Label, Side, Step};
use crate::tcp::Segment;
use crate::time::{SECOND, Timestamp};

/// A server that speaks this soon after a repeated SYN-ACK had only missed the acknowledgment, nanoseconds.
const AT_ONCE: i64 = SECOND;
/// Copies of the client's data, or SYN-ACKs repeated after it, that one loss does not explain.
const IGNORED: u32 = 2;
/// SYN-ACKs repeated in vain where the server would have spoken first, each of whose answers was lost or dropped.
const SILENCES: usize = 3;

/// Ids of rules that are named elsewhere.
pub(crate) const ACCEPT_QUEUE_OVERFLOW: &str = "accept-queue-overflow";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: ACCEPT_QUEUE_OVERFLOW,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "the server repeats its SYN-ACK and ignores the data that the client sends",
        description: "A server whose queue of accepted connections is full drops the final ACK and repeats its \
                      SYN-ACK; the client believes it is connected and its data is ignored. Look at the listen queue \
                      of the server (ss -lnt: Recv-Q against Send-Q) and at what keeps its application from accepting. \
                      On a single connection the path to the server may also be cut behind this capture; the third \
                      connection to one port within a minute raises it to an alert. A client that has sent nothing is \
                      reported as deferred-accept, unless other connections to that port show a full queue.",
        reference: "measured on Linux; RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::SYNACK_ON_ESTABLISHED),
        check: accept_queue_overflow,
    },
    Rule {
        id: "deferred-accept",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the server repeated its SYN-ACK to a client that had acknowledged it and sent nothing yet",
        description: "Most likely the server defers the accept (TCP_DEFER_ACCEPT, AcceptFilter of Apache, deferred of \
                      nginx): it hands a connection to its application only when data has come, and repeats its \
                      SYN-ACK until then. Nothing was ignored. If the client sends data after the server gave up, the \
                      server resets it: let the client send first, or turn the deferral off. A single repetition may \
                      also mean that the third step was lost behind this capture; a full accept queue shows on other \
                      connections to the same port.",
        reference: "Linux tcp(7), TCP_DEFER_ACCEPT",
        when: When::Ended,
        check: deferred_accept,
    },
];

/// A SYN-ACK that was repeated although its acknowledgment had had time to arrive.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct InVain {
    /// How long after the acknowledgment, nanoseconds.
    after: i64,
    /// Frame of the acknowledgment.
    acknowledged: u64,
    /// Whether the client had sent data meanwhile, and more often than one loss explains.
    pub(in crate::detect) ignored: bool,
    /// How many such SYN-ACKs there were, this one included.
    pub(in crate::detect) count: usize,
}

impl InVain {
    /// Whether the server has kept silent for so long to a client that waits for it to speak.
    pub(in crate::detect) const fn is_long_silence(&self) -> bool {
        self.count >= SILENCES
    }
}

/// When a SYN-ACK cannot have been sent before the acknowledgment arrived; and the frame of that.
fn too_late(f: &Flow) -> Option<(Timestamp, i64)> {
    let acknowledged = f.handshake.ack?;
    // With several SYNs nobody knows which was answered: the longest round trip that is possible.
    let longest = || Some(f.handshake.synacks.first()?.time - f.handshake.first_syn()?);
    let in_flight = 2 * f.handshake.rtt_server().or_else(longest).unwrap_or(0).max(0) + IN_FLIGHT;
    Some((acknowledged.time, in_flight))
}

/// The SYN-ACKs of `f` that were repeated in vain.
fn repeated(f: &Flow) -> impl Iterator<Item = &Try> {
    let from = too_late(f).map(|(time, in_flight)| time.after(in_flight));
    let isn = f.server.isn;
    f.handshake.synacks.iter().filter(move |t| Some(t.seq) == isn && from.is_some_and(|from| t.time >= from))
}

/// The first step with payload of `side` behind the SYN.
fn first_data(f: &Flow, side: Side) -> Option<&Step> {
    f.steps
        .iter()
        .find(|step| step.from == side && step.payload > 0 && !matches!(step.label, Label::Syn | Label::SynAck))
}

/// Whether the server has shown that the third step did arrive, be it only by an acknowledgment, or by something that
/// the client acknowledges and this capture lacks.
fn server_went_on(f: &Flow) -> bool {
    let unseen = f.client.acked.zip(f.server.isn).is_some_and(|(acked, isn)| acked.after(isn.plus(1)));
    unseen || f.server.packets > u64::from(f.server.synack_count) || f.handshake.crossed
}

/// Whether the server asked again for a third step that it had had, and never showed that it took it: it had no
/// connection to forget.
pub(super) fn was_never_accepted(f: &Flow) -> bool {
    let asked = f.server.synack_count > 1 && repeated(f).next().is_some();
    asked && f.server.packets == u64::from(f.server.synack_count) + u64::from(f.server.rst_count)
}

/// The SYN-ACK `s` of an open connection, if it was repeated although its acknowledgment had had time to arrive.
pub(in crate::detect) fn repeated_in_vain(f: &Flow, s: &Segment, facts: Facts, from: Side) -> Option<InVain> {
    if !facts.contains(Facts::SYNACK_ON_ESTABLISHED | Facts::SYNACK_REPEATED)
        || from != Side::Server
        || server_went_on(f)
    {
        return None;
    }
    let acknowledged = f.handshake.ack?;
    let (time, in_flight) = too_late(f)?;
    let after = s.time - time;
    // Beyond the limit of kept repetitions, each is one more.
    let unkept = (f.server.synack_count as usize).saturating_sub(f.handshake.synacks.len());
    let count = repeated(f).count() + unkept;
    let ignored = first_data(f, Side::Client).is_some_and(|data| {
        let since = data.time.after(in_flight);
        let vainly = repeated(f).filter(|t| t.time >= since).count() as u32;
        s.time >= since && f.client.data_count.max(vainly) >= IGNORED
    });
    (after >= in_flight).then_some(InVain { after, acknowledged: acknowledged.frame, ignored, count })
}

fn accept_queue_overflow(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, segment) = (s.flow, s.segment?);
    let vain = repeated_in_vain(f, segment, s.facts, s.from)?;
    // A loss beyond the capture point would not strike several connections of one port.
    let overflowing = f.host_marks.overflowing;
    // Where answers with several numbers came, the client may have acknowledged one that this server did not give.
    let at_odds = f.handshake.synacks.iter().any(|t| Some(t.seq) != f.server.isn);
    let severity = if overflowing { Severity::Alert } else { Severity::Warn };
    let octets = f.client.bytes;
    let what = if octets > 0 { format!(", none of its {octets} octets taken") } else { String::new() };
    ((vain.ignored && !at_odds) || overflowing).then(|| {
        Finding::new(format!("SYN-ACK repeated {} after the client had acknowledged it{what}", seconds(vain.after)))
            .frames([vain.acknowledged, segment.frame])
            .figure("after_ns", vain.after)
            .figure("synack_count", f.server.synack_count)
            .severity(severity)
    })
}

fn deferred_accept(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    if f.server.synack_count < 2 || f.handshake.crossed || f.host_marks.overflowing || !f.was_open() {
        return None;
    }
    let (acknowledged, (time, in_flight)) = (f.handshake.ack?, too_late(f)?);
    let (first, last) = (repeated(f).next()?, repeated(f).last()?);
    let spoke = first_data(f, Side::Client).map(|data| data.time);
    // What the client said before a repetition was ignored, or on its way.
    let silent = spoke.is_none_or(|spoke| spoke.after(in_flight) > last.time && spoke > first.time);
    // Where the server speaks as soon as it is acknowledged again, it had only missed the third step.
    let by_server = first_data(f, Side::Server).map(|data| data.time);
    let closed = (f.server.fin.is_some()).then_some(f.server.fin_time);
    let went_on = by_server.into_iter().chain(closed).min();
    let missed =
        went_on.is_some_and(|at| at <= last.time.after(in_flight.max(AT_ONCE)) && spoke.is_none_or(|spoke| at < spoke));
    let (times, after) = (repeated(f).count(), last.time - time);
    (silent && !missed).then(|| {
        let plural = if times == 1 { "once" } else { "again and again" };
        let client = match spoke {
            Some(spoke) => format!("the client first spoke {} after it", seconds(spoke - time)),
            None => "the client never spoke".to_owned(),
        };
        Finding::new(format!("SYN-ACK repeated {plural}, up to {} after the third step; {client}", seconds(after)))
            .frames([acknowledged.frame, first.frame, last.frame])
            .figure("after_ns", after)
            .figure("synack_count", f.server.synack_count)
    })
}
