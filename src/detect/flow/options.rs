//! Options: refused, sent without being offered, missing although agreed on, malformed.

use super::support::{both_offers, gated, is_whole};
use crate::detect::anomaly::{Figure, Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Flow, Offer, Side};
use crate::tcp::options::OptionFaults;
use crate::tcp::{Flags, Segment};
use crate::time::SECOND;

/// Largest window scale shift; larger ones count as this.
pub(in crate::detect) const MAX_SHIFT: u8 = 14;
/// Faults of options, with their words.
const FAULTS: [(OptionFaults, &str); 5] = [
    (OptionFaults::LENGTH_TOO_SMALL, "length below 2"),
    (OptionFaults::PAST_HEADER, "past the end of the header"),
    (OptionFaults::WRONG_LENGTH, "wrong length"),
    (OptionFaults::DUPLICATE, "twice"),
    (OptionFaults::JUNK_AFTER_END, "octets behind the end of the list"),
];
/// SYN or SYN-ACK, first time.
const OFFERS: When = When::Facts(Facts::SYN.union(Facts::SYN_ACK));

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "opt-ws-refused",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN offers window scaling, the SYN-ACK does not",
        description: "Windows stay below 64 KiB, which limits throughput on long paths. Causes are an old server, SYN \
                      cookies, or a device that strips options.",
        reference: "RFC 7323 section 2.2",
        when: When::Facts(Facts::SYN_ACK),
        check: scale_refused,
    },
    Rule {
        id: "opt-sack-refused",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN offers selective acknowledgment, the SYN-ACK does not",
        description: "Several losses in one round trip will take several round trips to repair. Causes are an old \
                      server, SYN cookies, or a device that strips options.",
        reference: "RFC 2018 section 2",
        when: When::Facts(Facts::SYN_ACK),
        check: sack_refused,
    },
    Rule {
        id: "opt-ts-refused",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN offers timestamps, the SYN-ACK does not",
        description: "Round trips are measured less often, and nothing protects against wrapped sequence numbers.",
        reference: "RFC 7323 section 3.2",
        when: When::Facts(Facts::SYN_ACK),
        check: timestamps_refused,
    },
    Rule {
        id: "opt-unoffered",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "the SYN-ACK carries window scale or timestamps that the SYN did not offer",
        description: "A SYN-ACK must not. The SYN was changed on its way to the server, so the ends disagree about the \
             connection: wrongly scaled windows look like stalls. Compare captures on both sides of firewalls.",
        reference: "RFC 7323 sections 2.2 and 3.2; RFC 2018 section 2",
        when: When::Facts(Facts::SYN_ACK),
        check: unoffered,
    },
    Rule {
        id: "opt-ts-missing",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a segment without timestamps on a connection that agreed on them",
        description: "Both ends agreed to send timestamps in every segment but RST. A segment without them comes from \
                      a third party (a device that keeps connections alive, a proxy, a forger) or from a broken stack; \
                      receivers may drop it.",
        reference: "RFC 7323 section 3.2",
        when: When::Facts(Facts::TIMESTAMP_MISSING),
        check: timestamps_missing,
    },
    Rule {
        id: "ts-echo-bad",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN that echoes a timestamp, a SYN-ACK that echoes none of the SYNs', or a clock that runs \
                  backwards",
        description: "Timestamps are rewritten on the path in one direction, the stack is broken, or a tool made the \
                      segment. Round trips measured by the ends are wrong. Clocks are compared at the steps of the \
                      handshake, the first data and the FIN with the clock of the SYN.",
        reference: "RFC 7323 sections 3.2 and 4.3",
        when: When::Facts(
            Facts::SYN
                .union(Facts::SYN_ACK)
                .union(Facts::SYN_REPEATED)
                .union(Facts::SYNACK_REPEATED)
                .union(Facts::FINAL_ACK)
                .union(Facts::FIRST_DATA)
                .union(Facts::FIN),
        ),
        check: echo_bad,
    },
    Rule {
        id: "opt-stripped-suspect",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "four or more NOP options in a row in a SYN or SYN-ACK",
        description: "Stacks pad with up to three. A longer run remains where a firewall overwrites an option. Compare \
                      the other side of the device.",
        reference: "measured",
        when: OFFERS,
        check: stripped,
    },
    Rule {
        id: "opt-malformed",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "an option with an invalid length, a duplicate, beyond the header, or in the wrong segment",
        description: "A broken stack or device, a fuzzer, or an attempt to make a monitor and the receiver read \
                      different options. Only octets after the end of the list are leaked memory, and a note. An \
                      option of SYNs in an ordinary segment is a note too: its receiver ignores it.",
        reference: "RFC 9293 sections 3.1 and 3.2 (MUST-7, MUST-68); RFC 7323; RFC 2018",
        when: When::Facts(Facts::OPTIONS_FAULTY),
        check: malformed,
    },
    Rule {
        id: "ws-too-large",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a window scale shift above 14",
        description: "The receiver uses 14 instead. Only tools send this, among them those that probe for operating \
                      systems.",
        reference: "RFC 7323 section 2.3",
        when: OFFERS,
        check: scale_too_large,
    },
];

fn refused(s: &RuleContext<'_>, what: &str, has: fn(&Offer) -> bool) -> Option<Finding> {
    let (client, server) = both_offers(s.flow)?;
    (has(client) && !has(server))
        .then(|| Finding::new(format!("the SYN-ACK does not take the {what} that the SYN offers")))
}

fn scale_refused(s: &RuleContext<'_>) -> Option<Finding> {
    refused(s, "window scaling", |offer| offer.window_scale.is_some())
}

fn sack_refused(s: &RuleContext<'_>) -> Option<Finding> {
    refused(s, "selective acknowledgment", |offer| offer.sack_permitted)
}

fn timestamps_refused(s: &RuleContext<'_>) -> Option<Finding> {
    refused(s, "timestamps", |offer| offer.timestamps.is_some())
}

fn unoffered(s: &RuleContext<'_>) -> Option<Finding> {
    let (client, server) = both_offers(s.flow)?;
    let scale = client.window_scale.is_none() && server.window_scale.is_some();
    let timestamps = client.timestamps.is_none() && server.timestamps.is_some();
    let sack = !client.sack_permitted && server.sack_permitted;
    // SACK permitted without being offered changes nothing: the other end does not send what it did not offer.
    let severity = if scale || timestamps { gated(s, Severity::Warn) } else { Severity::Note };
    let words: Vec<&str> = [(scale, "window scale"), (timestamps, "timestamps"), (sack, "SACK permitted")]
        .into_iter()
        .filter_map(|(is, word)| is.then_some(word))
        .collect();
    (!words.is_empty()).then(|| {
        Finding::new(format!("the SYN-ACK carries {}, the SYN does not", words.join(", ")))
            .figure("options", Figure::Texts(words.iter().map(|w| (*w).to_owned()).collect()))
            .severity(severity)
    })
}

fn timestamps_missing(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    // What keeps a connection alive in a host's place, or answers for one that is closed, does not know the host's
    // clock.
    if s.facts.intersects(Facts::PROBE | Facts::AFTER_CLOSE) {
        return None;
    }
    Some(
        Finding::new(format!("{} of {} octets from the {} without timestamps", segment.flags, segment.payload, s.from))
            .severity(gated(s, Severity::Warn)),
    )
}

fn echo_bad(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let ts = segment.options.timestamps?;
    if stamp_went_back(s.flow, segment, s.from) {
        let first = s.flow.peer(s.from).offer?.timestamps?.value;
        return Some(
            Finding::new(format!("the {}'s clock went from {first} back to {}", s.from, ts.value))
                .figure("first", first)
                .figure("value", ts.value)
                .severity(gated(s, Severity::Note)),
        );
    }
    if !s.facts.intersects(Facts::SYN | Facts::SYN_ACK) {
        return None;
    }
    if segment.flags.is_syn() {
        // A kernel that re-uses a four-tuple out of TIME-WAIT echoes what it remembers of the connection before.
        return (ts.echo != 0 && s.flow.previous().is_none()).then(|| {
            Finding::new(format!("the SYN echoes {}, though nothing was heard yet", ts.echo)).figure("echo", ts.echo)
        });
    }
    // Where SYNs cross, each end echoes the other's.
    if s.from == Side::Client || s.flow.handshake.crossed {
        return None;
    }
    let syns = &s.flow.handshake.syns;
    // More SYNs than are kept: the echoed one may be among those that are not.
    if syns.is_empty() || syns.len() < s.flow.client.syn_count as usize || syns.iter().any(|t| t.ts_value.is_none()) {
        return None;
    }
    (!syns.iter().any(|t| t.ts_value == Some(ts.echo))).then(|| {
        Finding::new(format!("the SYN-ACK echoes {}, which no SYN carried", ts.echo))
            .figure("echo", ts.echo)
            .severity(gated(s, Severity::Note))
    })
}

/// Whether the time stamp of `s` lies more than a tick before that of its sender's SYN. (A clock of a microsecond, the
/// fastest there is, comes round after half an hour.)
pub(in crate::detect) fn stamp_went_back(flow: &Flow, s: &Segment, from: Side) -> bool {
    const SOON: i64 = 1800 * SECOND;
    let (Some(now), Some(offer)) = (s.options.timestamps, &flow.peer(from).offer) else { return false };
    let Some(first) = offer.timestamps else { return false };
    now.value.wrapping_sub(first.value).wrapping_add(1) > 1 << 31
        && flow.peer(from).isn.is_some_and(|isn| s.seq.at_or_after(isn))
        && s.time - flow.first_time < SOON
}

fn stripped(s: &RuleContext<'_>) -> Option<Finding> {
    let offer = s.flow.peer(s.from).offer.as_ref().filter(|o| is_whole(o))?;
    offer.faults.intersects(OptionFaults::NOP_RUN).then(|| {
        let layout = offer.layout.names().collect::<Vec<_>>().join(",");
        Finding::new(format!("options {layout}")).figure("layout", layout)
    })
}

fn malformed(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let faults = segment.options.faults;
    let mut words: Vec<&str> =
        FAULTS.iter().filter(|(fault, _)| faults.intersects(*fault)).map(|(_, word)| *word).collect();
    let only_junk = words.len() == 1 && faults.intersects(OptionFaults::JUNK_AFTER_END);
    // Its receiver must ignore it there; among flags that no stack sends it is part of a probe.
    let only_misplaced = words.is_empty() && segment.flags.any(Flags::ACK);
    if words.is_empty() {
        words.push("an option of a SYN in another segment");
    }
    Some(
        Finding::new(format!("option fault in {} from the {}: {}", segment.flags, s.from, words.join(", ")))
            .figure("faults", Figure::Texts(words.iter().map(|w| (*w).to_owned()).collect()))
            .severity(if only_junk || only_misplaced { Severity::Note } else { Severity::Warn }),
    )
}

fn scale_too_large(s: &RuleContext<'_>) -> Option<Finding> {
    let shift = s.segment?.options.window_scale.filter(|shift| *shift > MAX_SHIFT)?;
    let shift = i64::from(shift);
    Some(Finding::new(format!("window scale shift {shift}")).figure("shift", shift))
}
