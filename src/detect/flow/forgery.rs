//! Resets that somebody else sent, and other signs of a third party.

use super::support::seconds;
use crate::detect::anomaly::{Figure, Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};

use crate::flow::{Evidence, Facts, Label, Piece, Side};
use crate::tcp::Flags;

/// Weight of evidence that makes a forgery.
const FORGED: i32 = 3;
/// What holes in the capture take away from it.
const HOLES: i32 = -2;
/// How many hops a segment must fall short of its target.
const MIN_DEFICIT: u8 = 3;

/// TTLs of one host that differ by less may be two ways to it.
const OTHER_TTL: u8 = 2;

/// Ids of rules that are named elsewhere.
pub(crate) const TRAFFIC_AFTER_RST: &str = "traffic-after-rst";
pub(crate) const RST_VOLLEY: &str = "rst-volley";
pub(crate) const TTL_SHIFT: &str = "ttl-shift";
pub(crate) const RST_FORGED: &str = "rst-forged";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: RST_FORGED,
        severity: Severity::Alert,
        scope: Scope::Flow,
        summary: "a RST that its apparent sender most likely did not send",
        description: "A third party, on the path or blind, resets this connection: a censor, an intrusion prevention \
                      system, an attacker, or a middlebox. The event lists the evidence: a host that resets a \
                      connection sends nothing more on it, and its packets share one TTL and one sequence of IP \
                      identifications. Find the device on the path with the TTL of the RST; encryption does not help \
                      against it, another path does. Refusals are judged as well: no server refuses a SYN and then \
                      accepts it, but two machines at one address may.",
        reference: "Weaver, Sommer, Paxson: Detecting Forged TCP Reset Packets, NDSS 2009",
        when: When::Facts(Facts::RESET_EVIDENCE.union(Facts::SYNACK_LATE)),
        check: rst_forged,
    },
    Rule {
        id: TRAFFIC_AFTER_RST,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "an end went on after a RST in its name, later than reordering explains",
        description: "A host drops a connection that it reset. If it continues, it did not send the RST, or a device \
                      on the path answered in its name. See rst-forged for all evidence.",
        reference: "RFC 9293 section 3.5.2",
        when: When::Facts(Facts::SPOKE_AFTER_RESET),
        check: traffic_after_rst,
    },
    Rule {
        id: RST_VOLLEY,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "2 or more RSTs of one direction within 100 ms, at different numbers above what was sent",
        description: "An injector cannot predict the sequence number at which its RST arrives, and sends several. \
                      Known censorship systems use distances of 1460, 2920, 4380 or 12503, which raise this to an \
                      alert.",
        reference: "Clayton, Murdoch, Watson 2006; Weaver et al., NDSS 2009",
        when: When::Facts(Facts::RESET_VOLLEY),
        check: rst_volley,
    },
    Rule {
        id: "data-injected",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "payload in the name of one end that cannot be its own: other contents at the same number, or data \
                  behind its RST",
        description: "Somebody on the path answers faster than the server can, or replays old segments: the receiver \
                      keeps the first copy. Contents are compared by checksum, and no payload is kept; octets sent \
                      before that come again with the TTL and the clock or identification of somebody else count \
                      whatever they hold. It is an alert \
                      if the TTL or the IP identification shows which of the two is foreign; the figures name that \
                      one. Otherwise an application may have changed a file while its system sent it again. Find the \
                      device at the distance of the foreign TTL; encryption makes such data useless.",
        reference: "Weaver, Kreibich, Paxson: Redirecting DNS and injecting packets (2011); RFC 9293 section 3.10.7.4",
        when: When::Facts(Facts::DATA_REPLACED),
        check: data_injected,
    },
    Rule {
        id: "insertion-low-ttl",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a SYN, FIN or RST whose TTL cannot reach its target",
        description: "The monitor sees the segment, the target does not: somebody evades inspection by making the two \
                      disagree about the connection. Distances are estimated from the target's own TTL, with a \
                      tolerance of a few hops for asymmetric routes.",
        reference: "Ptacek, Newsham 1998: Insertion, Evasion and Denial of Service",
        when: When::Facts(Facts::TTL_CHANGED),
        check: insertion_low_ttl,
    },
    Rule {
        id: TTL_SHIFT,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the TTL of one direction changed by 2 or more, twice or more often",
        description: "Packets of one end came by paths of different length, or from different hosts. Load balancing \
                      over unequal paths does it; so does a third party that forges segments of this end.",
        reference: "p0f 3 (TTL changes within one host)",
        when: When::Facts(Facts::TTL_CHANGED),
        check: ttl_shift,
    },
];

fn rst_forged(s: &RuleContext<'_>) -> Option<Finding> {
    if s.facts.intersects(Facts::SYNACK_LATE) {
        return forged_refusal(s);
    }
    let notes = s.flow.notes()?;
    let score = |evidence| weight(s, evidence);
    let sides = [s.from, s.from.other()];
    let side = sides.into_iter().find(|side| score(notes.end(*side).resets.evidence) >= FORGED)?;
    let resets = notes.end(side).resets;
    let (_, frame, _) = resets.first?;
    let names: Vec<String> = resets.evidence.found().map(|(_, name)| name.to_owned()).collect();
    let score = score(resets.evidence);
    Some(
        Finding::new(format!(
            "RST in the name of the {side} is most likely forged: {} (score {score})",
            names.join(", ")
        ))
        .frames([frame].into_iter().chain(s.segment.map(|segment| segment.frame).filter(|f| *f != frame)))
        .figure("score", i64::from(score))
        .figure("evidence", Figure::Texts(names))
        .figure("rst_ttl", i64::from(resets.ttl))
        .figure("flow_ttl", i64::from(s.flow.peer(side).track.ttl)),
    )
}

/// The weight of evidence, less what holes in the capture take away.
fn weight(s: &RuleContext<'_>, evidence: Evidence) -> i32 {
    let holes = if s.flow.quality.holes > 0 { HOLES } else { 0 };
    evidence.found().map(|(weight, _)| weight).sum::<i32>() + holes
}

/// A refusal of a SYN that its server then accepts, no other SYN between them.
fn forged_refusal(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, synack) = (s.flow, s.segment?);
    let at = f.steps.iter().rposition(|step| step.label == Label::Rst && step.from == Side::Server)?;
    let (refusal, later) = (f.steps.get(at)?, f.steps.get(at + 1..)?);
    let again = later.iter().any(|step| step.label == Label::Syn) || refusal.seq == synack.seq.plus(1);
    // Of several SYNs one may have been refused and another accepted.
    let single = f.client.syn_count == 1;
    let by_ttl = f.server.ttl.abs_diff(synack.ttl) >= OTHER_TTL
        && f.steps.iter().find(|step| step.from == Side::Server).is_some_and(|step| step.label == Label::Rst);
    if again || !(single || by_ttl) {
        return None;
    }
    let mut names = vec!["sender-accepted-that-syn".to_owned()];
    if by_ttl {
        names.push("ttl-differs".to_owned());
    }
    let score = 2 + i64::from(single) + 2 * i64::from(by_ttl);
    Some(
        Finding::new(format!(
            "RST that refused the SYN is most likely forged: the server accepted it {} later ({}, score {score})",
            seconds(synack.time - refusal.time),
            names.join(", ")
        ))
        .frames([refusal.frame, synack.frame])
        .figure("score", score)
        .figure("evidence", Figure::Texts(names))
        .figure("rst_ttl", i64::from(f.server.ttl))
        .figure("flow_ttl", i64::from(synack.ttl))
        .severity(if by_ttl { Severity::Alert } else { Severity::Warn }),
    )
}

fn data_injected(s: &RuleContext<'_>) -> Option<Finding> {
    let end = s.flow.notes()?.end(s.from);
    if let Some((time, frame, ttl)) = end.foreign.filter(|(_, frame, _)| s.segment.is_some_and(|s| s.frame == *frame)) {
        let (reset, frame_of_reset, _) = end.resets.first?;
        return Some(
            Finding::new(format!(
                "data in the name of the {} {} after its RST, whose line of packets the RST keeps and the data leaves",
                s.from,
                seconds(time - reset)
            ))
            .frames([frame_of_reset, frame])
            .figure("ttl", i64::from(ttl))
            .figure("rst_ttl", i64::from(end.resets.ttl)),
        );
    }
    if let Some(copy) = end.foreign_copy.filter(|copy| s.segment.is_some_and(|s| s.frame == copy.frame)) {
        return Some(foreign_copy(s, &copy));
    }
    let injection = end.injection?;
    let (first, second) = (injection.first, injection.second);
    let octets = match (first.payload, second.payload) {
        (a, b) if a == b => format!("{a} octets of the {} twice, with other contents", s.from),
        (a, b) => format!("{a} and {b} octets of the {} at one number", s.from),
    };
    let finding = Finding::new(match injection.suspect() {
        Some(p) => {
            let names: Vec<_> = p.off.found().map(|(_, name)| name).collect();
            format!("{octets}; frame {} is the foreign one ({})", p.frame, names.join(", "))
        }
        None => octets,
    });
    let finding = finding
        .frames([first.frame, second.frame])
        .figure("first_ttl", i64::from(first.ttl))
        .figure("ttl", i64::from(second.ttl))
        .figure("first_ip_id", i64::from(first.ip_id))
        .figure("ip_id", i64::from(second.ip_id));
    Some(match injection.suspect() {
        Some(p) => finding
            .figure("suspect_frame", i64::try_from(p.frame).unwrap_or(i64::MAX))
            .severity(s.lower_if_partial(Severity::Alert)),
        None => finding.severity(s.lower_if_partial(Severity::Warn)),
    })
}

/// Octets of an end once more, in a segment that is not its own.
fn foreign_copy(s: &RuleContext<'_>, copy: &Piece) -> Finding {
    let names: Vec<_> = copy.off.found().map(|(_, name)| name).collect();
    let own = s.flow.peer(s.from).ttl;
    Finding::new(format!(
        "{} octets at a number that the {} had sent before; frame {} is the foreign one ({})",
        copy.payload,
        s.from,
        copy.frame,
        names.join(", ")
    ))
    .frames([copy.frame])
    .figure("first_ttl", i64::from(own))
    .figure("ttl", i64::from(copy.ttl))
    .figure("ip_id", i64::from(copy.ip_id))
    .figure("suspect_frame", i64::try_from(copy.frame).unwrap_or(i64::MAX))
    .severity(s.lower_if_partial(Severity::Alert))
}

fn traffic_after_rst(s: &RuleContext<'_>) -> Option<Finding> {
    let resets = s.flow.notes()?.end(s.from).resets;
    let (time, frame, _) = resets.first?;
    if weight(s, resets.evidence) >= FORGED {
        return None;
    }
    let after = s.time - time;
    Some(
        Finding::new(format!("the {} sent more {} after a RST in its name", s.from, seconds(after)))
            .frames([frame, s.segment?.frame])
            .figure("after_ns", after),
    )
}

fn rst_volley(s: &RuleContext<'_>) -> Option<Finding> {
    let resets = s.flow.notes()?.end(s.from).resets;
    let known = resets.evidence.contains(Evidence::VOLLEY);
    let count = s.flow.peer(s.from).rst_count;
    let what = if known { "at distances of a known injector" } else { "at different numbers" };
    Some(Finding::new(format!("{count} RSTs of the {} {what}", s.from)).figure("rst_count", count).severity(if known {
        Severity::Alert
    } else {
        s.lower_if_partial(Severity::Warn)
    }))
}

/// The initial TTL that a packet most likely had.
const fn initial_ttl(ttl: u8) -> u8 {
    match ttl {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        _ => 255,
    }
}

fn insertion_low_ttl(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let (own, target) = (s.flow.peer(s.from), s.flow.peer(s.from.other()));
    if !segment.flags.any(Flags::SYN | Flags::FIN | Flags::RST) || !target.spoke() || segment.ttl >= own.ttl {
        return None;
    }
    let hops = initial_ttl(target.ttl) - target.ttl;
    let short = hops.checked_sub(segment.ttl).filter(|deficit| *deficit >= MIN_DEFICIT)?;
    Some(
        Finding::new(format!("TTL {} falls {short} hops short of its target, {hops} hops away", segment.ttl))
            .figure("ttl", i64::from(segment.ttl))
            .figure("hops", i64::from(hops)),
    )
}

fn ttl_shift(s: &RuleContext<'_>) -> Option<Finding> {
    let own = s.flow.peer(s.from);
    let (changes, first, now) = (own.track.ttl_changes, own.ttl, s.segment?.ttl);
    // Reported already, by its consequence.
    let injected = s.flow.notes().and_then(|notes| notes.end(s.from).injection);
    let known = injected.is_some_and(|i| i.suspect().is_some_and(|p| p.off.contains(Evidence::TTL)));
    (changes >= 2 && !known).then(|| {
        let side: Side = s.from;
        Finding::new(format!("TTL of the {side} changed {changes} times; it was {first} at first, now {now}"))
            .figure("changes", i64::from(changes))
            .figure("first_ttl", i64::from(first))
            .figure("ttl", i64::from(now))
    })
}
