//! The fields of the filter language: a name, what kind of value it takes, and where that value is in a flow.

use core::net::IpAddr;

use smallvec::SmallVec;
use strum::VariantNames;

use super::phase::Phase;
use super::subject::Subject;
use super::test::Test;
use crate::detect::Severity;
use crate::detect::registry::rules;
use crate::flow::community_id::CommunityId;
use crate::flow::features::{Ecn, FastOpenUse, MptcpUse, ecn, fast_open, mptcp};
use crate::flow::{Closing, Flow, Label, Opening, OpeningCost, Peer, Side};
use crate::tcp::{Flags, State};
use crate::tls::{EarlyData, Resumption, TlsOpening, TlsVersion};

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
}

type Numbers = SmallVec<[i64; 2]>;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A number in this unit.
    Number(Unit, fn(&Subject<'_>) -> Numbers),
    /// Addresses.
    Address(fn(&Subject<'_>) -> SmallVec<[IpAddr; 2]>),
    /// Some of a list of words.
    Word(fn() -> Vec<&'static str>, fn(&Subject<'_>) -> Vec<&'static str>),
    /// Any text.
    Text(fn(&Subject<'_>) -> Option<String>),
    /// Yes or no.
    Flag(fn(&Subject<'_>) -> Option<bool>),
}

/// How a number is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Plain.
    Count,
    /// With a unit of time; nanoseconds.
    Time,
    /// With or without a unit of size; octets.
    Size,
    /// As a word.
    Severity,
}

impl Kind {
    /// What values are, in a word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Number(Unit::Count, _) => "number",
            Self::Number(Unit::Time, _) => "time",
            Self::Number(Unit::Size, _) => "size",
            Self::Number(Unit::Severity, _) => "severity",
            Self::Address(_) => "address",
            Self::Word(..) => "word",
            Self::Text(_) => "text",
            Self::Flag(_) => "yes or no",
        }
    }

    /// The words that it can be, where those are few.
    pub(super) fn words(self) -> Vec<&'static str> {
        match self {
            Self::Word(words, _) => Some(words()).filter(|words| words.len() < FEW).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// So many words are listed with their field.
const FEW: usize = 40;

impl Field {
    /// Whether what `subject` has of this passes `test`.
    pub(super) fn passes(&self, subject: &Subject<'_>, test: &Test) -> bool {
        match (self.kind, test) {
            (Kind::Number(_, value), Test::Ranges(ranges)) => {
                value(subject).iter().any(|n| ranges.iter().any(|(from, to)| (from..=to).contains(&n)))
            }
            (Kind::Address(value), Test::Networks(networks)) => {
                value(subject).iter().any(|ip| networks.iter().any(|network| network.contains(ip)))
            }
            (Kind::Flag(value), Test::Flag(wanted)) => value(subject) == Some(*wanted),
            (Kind::Word(_, value), Test::Words(words)) => {
                value(subject).iter().any(|word| words.iter().any(|wanted| wanted == word))
            }
            (Kind::Word(_, value), test) => value(subject).iter().any(|word| test.accepts(word)),
            (Kind::Text(value), test) => value(subject).is_some_and(|text| test.accepts(&text)),
            (Kind::Address(value), Test::Pattern(pattern)) => {
                value(subject).iter().any(|ip| pattern.is_match(&ip.to_string()))
            }
            _ => false,
        }
    }
}

impl Test {
    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Contains(parts) => {
                let text = text.to_lowercase();
                parts.iter().any(|part| text.contains(part.as_str()))
            }
            Self::Texts(texts) => texts.iter().any(|wanted| wanted == text),
            Self::Pattern(pattern) => pattern.is_match(text),
            _ => false,
        }
    }
}

const fn number(name: &'static str, about: &'static str, unit: Unit, value: fn(&Subject<'_>) -> Numbers) -> Field {
    Field { name, about, kind: Kind::Number(unit, value) }
}

const fn address(name: &'static str, about: &'static str, value: fn(&Subject<'_>) -> SmallVec<[IpAddr; 2]>) -> Field {
    Field { name, about, kind: Kind::Address(value) }
}

const fn word(
    name: &'static str,
    about: &'static str,
    words: fn() -> Vec<&'static str>,
    value: fn(&Subject<'_>) -> Vec<&'static str>,
) -> Field {
    Field { name, about, kind: Kind::Word(words, value) }
}

const fn text(name: &'static str, about: &'static str, value: fn(&Subject<'_>) -> Option<String>) -> Field {
    Field { name, about, kind: Kind::Text(value) }
}

/// Every field.
pub(super) const FIELDS: &[Field] = &[
    address("ip", "address of either end", |s| s.ends().into_iter().flatten().map(|(ip, _)| ip).collect()),
    address("host", "the same", |s| s.ends().into_iter().flatten().map(|(ip, _)| ip).collect()),
    address("net", "the same, as a network", |s| s.ends().into_iter().flatten().map(|(ip, _)| ip).collect()),
    address("client", "address of the client", |s| end(s, 0).map(|(ip, _)| ip).into_iter().collect()),
    address("server", "address of the server", |s| end(s, 1).map(|(ip, _)| ip).into_iter().collect()),
    number("port", "port of either end", Unit::Count, |s| {
        s.ends().into_iter().flatten().filter_map(|(_, port)| port).map(i64::from).collect()
    }),
    number("sport", "port of the client", Unit::Count, |s| one(end(s, 0).and_then(|(_, port)| port))),
    number("dport", "port of the server", Unit::Count, |s| one(end(s, 1).and_then(|(_, port)| port))),
    word(
        "phase",
        "where it is in its life",
        || Phase::VARIANTS.to_vec(),
        |s| s.flow.map(|flow| Phase::of(flow).name()).into_iter().collect(),
    ),
    word("outcome", "how it opened and closed, in any of its words", outcome_words, outcomes),
    word(
        "opening",
        "opening verdict",
        || Opening::VARIANTS.to_vec(),
        |s| s.flow.map(|flow| flow.opening().name()).into_iter().collect(),
    ),
    word(
        "closing",
        "closing verdict",
        || Closing::VARIANTS.to_vec(),
        |s| s.flow.map(|flow| flow.closing().name()).into_iter().collect(),
    ),
    word("state.c", "state of the client", state_words, |s| state(s, Side::Client)),
    word("state.s", "state of the server", state_words, |s| state(s, Side::Server)),
    number("rtt", "round trip of the handshake", Unit::Time, |s| of_flow(s, |flow| flow.handshake.rtt())),
    number("connect", "first SYN to the segment that completed the handshake", Unit::Time, |s| {
        of_flow(s, |flow| flow.handshake.connect_time())
    }),
    number("dur", "first to last segment", Unit::Time, |s| of_flow(s, |flow| Some(flow.duration()))),
    number("age", "since the last segment", Unit::Time, |s| of_flow(s, |flow| Some((s.now - flow.last_time).max(0)))),
    number("gap", "longest silence between two steps", Unit::Time, |s| of_flow(s, longest_gap)),
    number("syn.retries", "SYNs after the first", Unit::Count, |s| {
        of_flow(s, |flow| Some(i64::from(flow.client.syn_count.saturating_sub(1))))
    }),
    number("retx", "repeated SYNs, SYN-ACKs and FINs", Unit::Count, |s| of_flow(s, |flow| Some(retransmissions(flow)))),
    number("dup", "copies made by the capture", Unit::Count, |s| {
        of_flow(s, |flow| Some(i64::from(flow.quality.duplicates)))
    }),
    number("bytes", "payload octets of both ends", Unit::Size, |s| of_flow(s, |flow| Some(flow.bytes() as i64))),
    number("pkts", "segments of both ends", Unit::Count, |s| of_flow(s, |flow| Some(flow.packets() as i64))),
    word("flag", "a flag of one of its steps", || FLAGS.iter().map(|(name, _)| *name).collect(), flags),
    word("event", "id of an anomaly", || rules().map(|rule| rule.id).collect(), rule_ids),
    number("sev", "worst severity of its anomalies", Unit::Severity, |s| s.severity().into_iter().collect()),
    number("vlan", "outermost VLAN id", Unit::Count, |s| {
        of_flow(s, |flow| Some(i64::from(flow.vlan)).filter(|vlan| *vlan != 0))
    }),
    number("iface", "number of the interface, from 0", Unit::Count, |s| {
        of_flow(s, |flow| Some(i64::from(flow.interface)))
    }),
    number("ttl", "TTL of either end's first segment", Unit::Count, |s| {
        both(s, |peer| peer.spoke().then_some(i64::from(peer.ttl)))
    }),
    number("mss", "maximum segment size either end offered", Unit::Size, |s| {
        both(s, |peer| peer.offer?.mss.map(i64::from))
    }),
    number("ws", "window scale shift either end offered", Unit::Count, |s| {
        both(s, |peer| peer.offer?.window_scale.map(i64::from))
    }),
    Field {
        name: "sack",
        about: "SACK in effect",
        kind: Kind::Flag(|s| s.flow?.in_effect().map(|in_effect| in_effect.sack)),
    },
    Field {
        name: "ts",
        about: "timestamps in effect",
        kind: Kind::Flag(|s| s.flow?.in_effect().map(|in_effect| in_effect.timestamps)),
    },
    word(
        "tfo",
        "what became of Fast Open",
        || FastOpenUse::VARIANTS.to_vec(),
        |s| s.flow.and_then(fast_open).map(FastOpenUse::name).into_iter().collect(),
    ),
    word(
        "ecn",
        "what became of ECN",
        || Ecn::VARIANTS.to_vec(),
        |s| s.flow.and_then(ecn).map(Ecn::name).into_iter().collect(),
    ),
    word(
        "mptcp",
        "what became of Multipath TCP",
        || MptcpUse::VARIANTS.to_vec(),
        |s| s.flow.and_then(mptcp).map(MptcpUse::name).into_iter().collect(),
    ),
    word(
        "tls.version",
        "version of TLS that the server chose",
        || TlsVersion::VARIANTS.to_vec(),
        |s| of_tls(s, |tls| tls.version.map(TlsVersion::name)),
    ),
    word(
        "tls.kind",
        "whether the TLS handshake took up an earlier session",
        || Resumption::VARIANTS.to_vec(),
        |s| of_tls(s, |tls| tls.kind.map(Resumption::name)),
    ),
    word(
        "tls.early",
        "what became of early data (0-RTT)",
        || EarlyData::VARIANTS.to_vec(),
        |s| of_tls(s, |tls| tls.early_data.map(EarlyData::name)),
    ),
    Field {
        name: "tls.retry",
        about: "the server asked for another ClientHello",
        kind: Kind::Flag(|s| Some(s.flow?.tls()?.retry.is_some())),
    },
    Field {
        name: "tls.failed",
        about: "the TLS handshake failed",
        kind: Kind::Flag(|s| Some(s.flow?.tls()?.failure.is_some())),
    },
    number("tls", "ClientHello to the end of the TLS handshake", Unit::Time, |s| {
        of_flow(s, |flow| flow.tls()?.duration())
    }),
    number("request", "first SYN to the first request, where TLS follows TCP", Unit::Time, |s| {
        of_flow(s, |flow| OpeningCost::of(flow)?.to_first_request)
    }),
    number("response", "first SYN to the first answer to a request, where TLS follows TCP", Unit::Time, |s| {
        of_flow(s, |flow| OpeningCost::of(flow)?.to_first_response)
    }),
    text("zeek.state", "Zeek's conn_state", |s| s.flow.map(|flow| flow.zeek.state().name().to_owned())),
    text("zeek.history", "Zeek's history", |s| s.flow.map(|flow| flow.zeek.history())),
    text("cid", "community id", |s| s.flow.map(|flow| CommunityId::of(&flow.key()).as_str().to_owned())),
    number("id", "number of the flow", Unit::Count, |s| match (s.flow, s.anomaly) {
        (Some(flow), _) => one(i64::try_from(flow.id).ok()),
        (None, anomaly) => one(anomaly.and_then(|a| a.flow_id).and_then(|id| i64::try_from(id).ok())),
    }),
];

const FLAGS: &[(&str, Flags)] = &[
    ("fin", Flags::FIN),
    ("syn", Flags::SYN),
    ("rst", Flags::RST),
    ("psh", Flags::PSH),
    ("ack", Flags::ACK),
    ("urg", Flags::URG),
    ("ece", Flags::ECE),
    ("cwr", Flags::CWR),
    ("ae", Flags::AE),
];

fn rule_ids(subject: &Subject<'_>) -> Vec<&'static str> {
    subject.rule_ids()
}

fn end(subject: &Subject<'_>, index: usize) -> Option<(IpAddr, Option<u16>)> {
    subject.ends().get(index).copied().flatten()
}

fn one(value: Option<impl Into<i64>>) -> Numbers {
    value.map(Into::into).into_iter().collect()
}

fn of_flow(subject: &Subject<'_>, value: impl Fn(&Flow) -> Option<i64>) -> Numbers {
    subject.flow.and_then(value).into_iter().collect()
}

fn of_tls(subject: &Subject<'_>, value: impl Fn(&TlsOpening) -> Option<&'static str>) -> Vec<&'static str> {
    subject.flow.and_then(Flow::tls).and_then(value).into_iter().collect()
}

fn both(subject: &Subject<'_>, value: impl Fn(&Peer) -> Option<i64>) -> Numbers {
    subject.flow.map(|flow| [&flow.client, &flow.server]).into_iter().flatten().filter_map(value).collect()
}

fn state_words() -> Vec<&'static str> {
    State::VARIANTS.to_vec()
}

fn state(subject: &Subject<'_>, side: Side) -> Vec<&'static str> {
    subject.flow.and_then(|flow| flow.final_state(side)).map(State::name).into_iter().collect()
}

/// Words of an outcome that are no verdict's name.
const SHORT_OUTCOMES: [&str; 5] = ["ok", "failed", "no-answer", "half-open", "reset"];

fn outcome_words() -> Vec<&'static str> {
    let verdicts = Opening::VARIANTS.iter().chain(Closing::VARIANTS).copied();
    verdicts.chain(SHORT_OUTCOMES).collect()
}

fn outcomes(subject: &Subject<'_>) -> Vec<&'static str> {
    let Some(flow) = subject.flow else { return Vec::new() };
    let (opening, closing) = (flow.opening(), flow.closing());
    let reset = matches!(closing, Closing::ResetByClient | Closing::ResetByServer | Closing::FinThenReset);
    let holds = [
        opening.opened(),
        opening.failed(),
        opening == Opening::Unanswered,
        opening == Opening::MissingAck,
        reset || opening == Opening::ResetAfterSynAck,
    ];
    let short = SHORT_OUTCOMES.into_iter().zip(holds).filter(|(_, holds)| *holds).map(|(word, _)| word);
    short.chain([opening.name(), closing.name()]).collect()
}

fn longest_gap(flow: &Flow) -> Option<i64> {
    flow.steps.windows(2).map(|pair| if let [a, b] = pair { b.time - a.last_time } else { 0 }).max()
}

/// SYNs, SYN-ACKs and FINs beyond the first of each end.
pub fn retransmissions(flow: &Flow) -> i64 {
    let again = |count: u32| i64::from(count.saturating_sub(1));
    let peer = |peer: &Peer| again(peer.syn_count) + again(peer.synack_count) + again(peer.fin_count);
    peer(&flow.client) + peer(&flow.server)
}

fn flags(subject: &Subject<'_>) -> Vec<&'static str> {
    let Some(flow) = subject.flow else { return Vec::new() };
    let seen = flow.steps.iter().filter(|step| step.label != Label::Icmp).fold(0, |set, step| set | step.flags.0);
    FLAGS.iter().filter(|(_, flag)| seen & flag.0 != 0).map(|(name, _)| *name).collect()
}

/// The severity with this name, as a number.
pub(super) fn severity(name: &str) -> Option<i64> {
    name.parse().ok().map(|severity: Severity| severity as i64)
}
