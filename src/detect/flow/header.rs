//! Single header fields that no stack sends so: flags, reserved bits, unused fields, checksums, numbers.

use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::Facts;
use crate::tcp::{Flags, Segment};

/// Ids of rules that are named elsewhere.
pub(crate) const BAD_CHECKSUM: &str = "bad-checksum";
pub(crate) const CONTROL_BAD_CHECKSUM: &str = "control-bad-checksum";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "flags-invalid",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a combination of flags that no segment of a connection has",
        description: "Only tools send these: to find open ports behind a filter (null, FIN and Xmas scans), to \
                      identify operating systems, or to test a device. Investigate the sending address.",
        reference: "RFC 9293 section 3.10.7",
        when: When::Facts(
            Facts::INVALID_FLAGS
                .union(Facts::SYN)
                .union(Facts::SYN_REPEATED)
                .union(Facts::SYN_ON_ESTABLISHED)
                .union(Facts::FIN)
                .union(Facts::RST),
        ),
        check: flags_invalid,
    },
    Rule {
        id: "reserved-bits",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a reserved bit of the header is set, or AE on a flow without Accurate ECN",
        description: "Bits that must be zero: a covert channel, a tool, a device that damages headers, or a protocol \
                      newer than this program.",
        reference: "RFC 9293 section 3.1; RFC 9768 section 3.1",
        when: When::Facts(Facts::RESERVED_BITS),
        check: reserved_bits,
    },
    Rule {
        id: "ack-field-no-flag",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "an acknowledgment field without ACK, or ACK with number 0",
        description: "Receivers ignore fields whose flag is not set; kernels leave them zero. Tools and some load \
                      balancers do not.",
        reference: "RFC 9293 section 3.1",
        when: When::Facts(Facts::UNFLAGGED_FIELD),
        check: unflagged_field,
    },
    Rule {
        id: "urgent-odd",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "an urgent pointer without URG, or URG with pointer 0",
        description: "The pointer is valid only with URG, and marks the end of the urgent octets. Receivers ignore one \
                      without the other. A monitor that does not, or a device that clears one of the two, sees another \
                      stream than the receiver. Tools and traffic normalizers produce such segments.",
        reference: "RFC 9293 sections 3.1 and 3.8.5; RFC 6093 section 3",
        when: When::Facts(Facts::UNFLAGGED_FIELD),
        check: urgent_odd,
    },
    Rule {
        id: BAD_CHECKSUM,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a segment with a wrong checksum from a sender whose checksums are otherwise right",
        description: "The receiver drops it. The packet was damaged, or crafted for a monitor and not for the \
                      receiver. Checksums that the capturing host had not yet computed (offload) are excluded.",
        reference: "RFC 9293 section 3.1 (MUST-3)",
        when: When::Facts(Facts::BAD_CHECKSUM),
        check: bad_checksum,
    },
    Rule {
        id: CONTROL_BAD_CHECKSUM,
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a SYN, FIN or RST with a wrong checksum from a sender whose checksums are otherwise right",
        description: "The receiver drops it, but a monitor that does not check believes that the connection has opened \
                      or ended: the classic evasion of inspection. Data after it proves that intent.",
        reference: "Ptacek and Newsham, Insertion, Evasion and Denial of Service (1998)",
        when: When::Facts(Facts::BAD_CHECKSUM),
        check: control_bad_checksum,
    },
    Rule {
        id: "isn-zero",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the initial sequence number is 0",
        description: "The probability by chance is 1 in 2³². Causes are a test tool or a very simple stack.",
        reference: "RFC 9293 section 3.4.1",
        when: When::Facts(Facts::SYN.union(Facts::SYN_ACK)),
        check: isn_zero,
    },
];

fn flags_invalid(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    // A SYN-ACK that closes at once is what it was taken for.
    let combination = combination(segment)
        .filter(|_| !s.facts.intersects(Facts::SYN_ACK | Facts::SYNACK_REPEATED) || !segment.flags.has(Flags::FIN))?;
    Some(Finding::new(format!("flags {}: {combination}", segment.flags)).figure("combination", combination))
}

/// The name of an impossible combination.
fn combination(s: &Segment) -> Option<&'static str> {
    let flags = s.flags.classic();
    let all = Flags::FIN | Flags::SYN | Flags::RST | Flags::PSH | Flags::ACK | Flags::URG;
    let without_data = s.payload == 0 && s.options.fast_open.is_none();
    Some(match flags {
        f if f.has(all) => "all six",
        f if f.has(Flags::SYN | Flags::FIN) => "SYN and FIN",
        f if f.has(Flags::SYN | Flags::RST) => "SYN and RST",
        f if f.has(Flags::RST | Flags::FIN) => "RST and FIN",
        f if f == Flags::FIN | Flags::PSH | Flags::URG => "Xmas",
        f if f.has(Flags::FIN) && !f.has(Flags::ACK) => "FIN without ACK",
        f if f.has(Flags::SYN | Flags::URG) => "SYN and URG",
        f if f.has(Flags::SYN | Flags::PSH) && !f.has(Flags::ACK) && without_data => "SYN and PSH without data",
        f if f == Flags::NONE => "none",
        f if !f.any(Flags::ACK | Flags::SYN | Flags::RST) => "no ACK",
        _ => return None,
    })
}

fn reserved_bits(s: &RuleContext<'_>) -> Option<Finding> {
    let flags = s.segment?.flags;
    let reserved = u32::from((flags.0 & Flags::RESERVED.0) >> 9);
    let what =
        if reserved == 0 { "AE set without Accurate ECN".to_owned() } else { format!("reserved bits {reserved:03b}") };
    Some(Finding::new(format!("{what} in {flags} from the {}", s.from)).figure("reserved", reserved))
}

fn unflagged_field(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let what = match (segment.flags.has(Flags::ACK), segment.ack_field.0) {
        (false, n) if n != 0 => format!("acknowledgment field {n} without ACK"),
        (true, 0) => "ACK of number 0".to_owned(),
        _ => return None,
    };
    Some(Finding::new(what).figure("ack_field", segment.ack_field.0))
}

fn urgent_odd(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let what = match (segment.flags.has(Flags::URG), segment.urgent) {
        (false, pointer) if pointer != 0 => format!("urgent pointer {pointer} without URG"),
        (true, 0) => "URG with pointer 0".to_owned(),
        _ => return None,
    };
    Some(Finding::new(what).figure("urgent", i64::from(segment.urgent)))
}

fn is_control(s: &Segment) -> bool {
    s.flags.any(Flags::SYN | Flags::FIN | Flags::RST)
}

fn bad_checksum(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment.filter(|segment| !is_control(segment))?;
    Some(
        Finding::new(format!("wrong checksum in {} of {} octets from the {}", segment.flags, segment.payload, s.from))
            .figure("checksum", i64::from(segment.checksum_field)),
    )
}

fn control_bad_checksum(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment.filter(|segment| is_control(segment))?;
    // A capture that was rewritten afterwards has many wrong ones; a forged one stands among good ones.
    let exception = s.flow.peer(s.from).packets > u64::from(s.flow.quality.bad_checksum);
    Some(
        Finding::new(format!("wrong checksum in {} from the {}", segment.flags, s.from))
            .figure("checksum", i64::from(segment.checksum_field))
            .severity(if exception { Severity::Warn } else { Severity::Note }),
    )
}

fn isn_zero(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    (segment.seq.0 == 0 && !s.flow.quality.zero_numbers).then(|| {
        let what = if segment.flags.is_syn() { "SYN" } else { "SYN-ACK" };
        Finding::new(format!("the {what} has sequence number 0"))
    })
}
