//! How attempts are repeated: the back-off, how often, with which number and which options, and what it cost.

use smallvec::SmallVec;

use super::support::{gated, is_whole, seconds};
use crate::detect::anomaly::{Figure, Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Opening};
use crate::tcp::Flags;
use crate::time::{MILLISECOND, SECOND};

/// Repetitions without an answer that are too many.
const TOO_MANY: u32 = 5;
/// The same where the first ones come a second apart (Linux since 6.5).
const TOO_MANY_LINEAR: u32 = 8;
/// A handshake that takes this long without loss is slow, nanoseconds.
pub(in crate::detect) const SLOW: i64 = SECOND;

/// Ids of rules that are named elsewhere.
pub(crate) const SYN_RETRIES_EXCESSIVE: &str = "syn-retries-excessive";
pub(crate) const SLOW_HANDSHAKE: &str = "slow-handshake";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "syn-backoff-odd",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "SYN retransmissions on the schedule of no known stack",
        description: "Known stacks wait 1 s (or 3 s) and then double, or repeat a few times each second before they \
                      double; Apple's begin below 1 s. On another schedule, the capture lacks some SYNs, an \
                      application reconnects from the same port, or a tool sends the SYNs.",
        reference: "RFC 6298 sections 2.1 and 5.5; schedules of Linux and BSD, measured",
        when: When::Facts(Facts::SYN_REPEATED),
        check: syn_backoff_odd,
    },
    Rule {
        id: SYN_RETRIES_EXCESSIVE,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "5 or more repetitions of a SYN (8 on a linear schedule) without an answer",
        description: "A filter drops the SYNs silently, or the host is down. The application waits all that time: \
                      shorten its time-out, or let the filter refuse connections.",
        reference: "RFC 9293 section 3.8.3; Linux tcp_syn_retries",
        when: When::Facts(Facts::SYN_REPEATED),
        check: syn_retries_excessive,
    },
    Rule {
        id: "syn-isn-change",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN with another initial sequence number on a four-tuple whose last SYN is still unanswered",
        description: "A kernel repeats its SYN with the same number. Another number is another attempt from the same \
                      port: a NAT that reassigns ports early, a load generator, or a tool that crafts SYNs.",
        reference: "RFC 9293 section 3.8.1",
        when: When::Facts(Facts::SYN_NEW_ISN),
        check: syn_isn_change,
    },
    Rule {
        id: "syn-option-fallback",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "a repeated SYN leaves out a feature that the first one offered",
        description: "The client suspects that a device on the path drops SYNs with that feature, and retries without \
                      it. If only the retry succeeds, every time, find the device.",
        reference: "RFC 3168 section 6.1.1.1; RFC 7413 section 4.1.3; RFC 9768 section 3.1.4",
        when: When::Facts(Facts::SYN_REPEATED),
        check: syn_option_fallback,
    },
    Rule {
        id: "refused-retry",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "another SYN on the same four-tuple 0.2 to 1.5 seconds after it was refused",
        description: "Windows retries a refused connection twice, half a second apart. One refusal looks like three, \
                      and the error is delayed by 1 s.",
        reference: "measured",
        when: When::Facts(Facts::REUSE.union(Facts::SYN_REPEATED)),
        check: refused_retry,
    },
    Rule {
        id: SLOW_HANDSHAKE,
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the handshake took 1 s or more although no SYN was repeated, or 4 times as long as is usual",
        description: "The application waited that long before it could send. Compare the round trips on both sides of \
                      the capture: a server that is overloaded or far away, or a client that answers late. An answer \
                      after 0.5 s or more is reported as well if half of at least 20 answers of that server came 4 \
                      times as fast.",
        reference: "measured",
        when: When::Facts(Facts::FINAL_ACK),
        check: slow_handshake,
    },
];

fn syn_backoff_odd(s: &RuleContext<'_>) -> Option<Finding> {
    let gaps: SmallVec<[i64; 16]> = s.flow.handshake.syn_gaps().collect();
    if gaps.len() < 2 || is_known_schedule(&gaps) {
        return None;
    }
    let words: Vec<String> = gaps.iter().map(|gap| seconds(*gap)).collect();
    let figure = gaps.iter().copied().collect();
    Some(
        Finding::new(format!("SYNs repeated after {}", words.join(", ")))
            .frames(s.flow.handshake.syns.iter().map(|t| t.frame))
            .figure("gaps_ns", Figure::List(figure)),
    )
}

/// The exponential, linear-then-exponential and short schedules; one step may be missing from the capture.
fn is_known_schedule(gaps: &[i64]) -> bool {
    let about_a_second = |gap: i64| (800 * MILLISECOND..=1300 * MILLISECOND).contains(&gap);
    let about_three = |gap: i64| (2500 * MILLISECOND..=3500 * MILLISECOND).contains(&gap);
    let Some(&first) = gaps.first() else { return true };
    if first < 800 * MILLISECOND {
        return gaps.windows(2).all(|w| matches!(w, [a, b] if *b as f64 >= 0.8 * *a as f64));
    }
    let ratio_is_known = |w: &[i64]| match w {
        [a, b] if *a > 0 => {
            let ratio = *b as f64 / *a as f64;
            // Two minutes (Linux) or 64 s (BSD) are the longest wait, and not exceeded.
            let longest = *a >= 60 * SECOND && (0.9..=1.1).contains(&ratio);
            longest || (1.7..=2.4).contains(&ratio) || (3.4..=4.8).contains(&ratio)
        }
        _ => false,
    };
    let linear = gaps.iter().take_while(|gap| about_a_second(**gap)).count();
    // How many come a second apart can be set (Linux: tcp_syn_linear_timeouts): more than usual are known by what
    // follows.
    if (linear > 5 && linear == gaps.len()) || (linear == 0 && !about_three(first)) {
        return false;
    }
    gaps.get(linear.saturating_sub(1)..).is_none_or(|tail| tail.windows(2).all(ratio_is_known))
}

fn syn_retries_excessive(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    if f.server.spoke() || f.unreachable().is_some() {
        return None;
    }
    let mut first = f.handshake.syn_gaps().take(3);
    let linear = first.all(|gap| (800 * MILLISECOND..=1300 * MILLISECOND).contains(&gap));
    let repeated = f.client.syn_count.saturating_sub(1);
    (repeated >= if linear { TOO_MANY_LINEAR } else { TOO_MANY }).then(|| {
        let lasted = s.time - f.first_time;
        Finding::new(format!("{repeated} repetitions of the SYN within {} without an answer", seconds(lasted)))
            .frames(f.handshake.syns.iter().map(|t| t.frame))
            .figure("syn_count", f.client.syn_count)
            .figure("lasted_ns", lasted)
    })
}

fn syn_isn_change(s: &RuleContext<'_>) -> Option<Finding> {
    let previous = s.flow.previous().filter(|p| p.server_isn.is_none() && p.server_next.is_none())?;
    let (before, now) = (previous.client_isn?, s.segment?.seq);
    Some(
        Finding::new(format!(
            "SYN with ISN {} {} after one with ISN {} that nothing answered",
            now.0,
            seconds(s.time - previous.last_time),
            before.0
        ))
        .figure("previous_isn", before.0)
        .figure("isn", now.0)
        .severity(gated(s, Severity::Note)),
    )
}

fn syn_option_fallback(s: &RuleContext<'_>) -> Option<Finding> {
    let (first, again) = (s.flow.client.offer.as_ref().filter(|o| is_whole(o))?, s.segment?);
    if again.options.faults.intersects(crate::tcp::options::OptionFaults::NOT_CAPTURED) || !again.flags.is_syn() {
        return None;
    }
    let o = &again.options;
    let ecn = Flags::ECE | Flags::CWR;
    let dropped: Vec<&str> = [
        (first.fast_open.is_some() && o.fast_open.is_none(), "fast-open"),
        (first.flags.has(ecn) && !again.flags.any(ecn), "ecn"),
        (first.flags.has(ecn | Flags::AE) && again.flags.has(ecn) && !again.flags.has(Flags::AE), "accecn"),
        (first.mptcp.is_some() && o.mptcp.is_none(), "mptcp"),
        (first.window_scale.is_some() && o.window_scale.is_none(), "window-scale"),
        (first.timestamps.is_some() && o.timestamps.is_none(), "timestamps"),
    ]
    .into_iter()
    .filter_map(|(is, name)| is.then_some(name))
    .collect();
    (!dropped.is_empty()).then(|| {
        Finding::new(format!("the repeated SYN does without {}", dropped.join(", ")))
            .figure("dropped", Figure::Texts(dropped.iter().map(|d| (*d).to_owned()).collect()))
    })
}

fn refused_retry(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment.filter(|segment| segment.flags.is_syn())?;
    let refused_at = if s.facts.intersects(Facts::SYN_REPEATED) {
        s.flow.teardown.reset.filter(|_| s.flow.opening == Some(Opening::Refused))?.time
    } else {
        s.flow.previous().filter(|p| p.same_client && p.opening == Opening::Refused)?.last_time
    };
    let gap = segment.time - refused_at;
    (200 * MILLISECOND..=1500 * MILLISECOND)
        .contains(&gap)
        .then(|| Finding::new(format!("tried again {} after the refusal", seconds(gap))).figure("gap_ns", gap))
}

fn slow_handshake(s: &RuleContext<'_>) -> Option<Finding> {
    let took = s.flow.handshake.connect_time()?;
    ((took >= SLOW || s.flow.host_marks.slow_answer) && s.flow.tries() == 1).then(|| {
        let server = s.flow.handshake.rtt_server().unwrap_or(0);
        Finding::new(format!("the handshake took {}, {} of it until the SYN-ACK", seconds(took), seconds(server)))
            .figure("connect_ns", took)
            .figure("rtt_server_ns", server)
    })
}
