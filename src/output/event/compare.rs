//! The events of a comparison of two captures.

use schemars::JsonSchema;
use serde::Serialize;

use super::scalar::{Count, Id, Integer, Ip, Time};
use super::types::{CONTRACT, ECS, Ecs};
use crate::compare::{ClockFit, Fate, Judgement, Sight, Step, Summary, Tap, Verdict, VerdictKind};
use crate::flow::Side;
use crate::tcp::Endpoint;

/// The kind of an event of a comparison (`event.action`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompareAction {
    /// What became of one connection between the captures.
    CompareFlow,
    /// What the captures are to each other, in all.
    CompareSummary,
}

/// ECS `event` of a comparison.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct CompareMeta {
    action: CompareAction,
    dataset: &'static str,
}

/// A line about one connection.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CompareFlowEvent {
    /// Its first segment, by the clock of the first capture that has it.
    #[serde(rename = "@timestamp", skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
    ecs: Ecs,
    event: CompareMeta,
    synscope: CompareFlowBody,
}

/// `synscope` of a connection.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct CompareFlowBody {
    /// Version of the contract.
    v: u8,
    /// Its number.
    flow: Id,
    compare: ComparedFlow,
}

/// One connection at both taps.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ComparedFlow {
    /// What capture A has of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<ComparedPart>,
    /// What capture B has of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<ComparedPart>,
    /// The capture taken nearer the client: `A` or `B`.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_side: Option<&'static str>,
    /// What is said of it, the weightiest first.
    verdicts: Vec<ComparedVerdict>,
    /// Way of the SYN between the taps, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_there_ns: Option<Integer>,
    /// From SYN to SYN-ACK near the server, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_ns: Option<Integer>,
    /// Way of the SYN-ACK between the taps, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_back_ns: Option<Integer>,
    /// From SYN-ACK to the client's next segment near the client, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ns: Option<Integer>,
    /// How far off the ways can be, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_error_ns: Option<Integer>,
    /// What took more than half of the opening: `path_there`, `server`, `path_back`, `client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest: Option<&'static str>,
    /// Its segments: the first ones, and those to which something happened.
    steps: Vec<ComparedStep>,
    /// Segments that are not among the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps_left_out: Option<Count>,
}

/// A connection in one capture.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ComparedPart {
    /// The client.
    client: ComparedEnd,
    /// The server.
    server: ComparedEnd,
    /// Segments.
    segments: Count,
}

/// An address and a port.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ComparedEnd {
    ip: Ip,
    port: u16,
}

/// A verdict.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ComparedVerdict {
    /// Its id.
    id: &'static str,
    /// Whose segments it is about: `client`, `server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'static str>,
    /// Whether it is proved.
    certain: bool,
    /// Segments it is about.
    count: Count,
    /// The value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u32>,
    /// The value behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u32>,
    /// What was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<&'static str>,
}

/// A segment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ComparedStep {
    /// `client` or `server`.
    sender: &'static str,
    /// What it is for.
    kind: &'static str,
    /// Payload octets.
    payload: Count,
    /// What became of it.
    fate: &'static str,
    /// Whether that is proved.
    certain: bool,
    /// What was changed on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<&'static str>,
    /// In capture A.
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<ComparedSight>,
    /// In capture B.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<ComparedSight>,
}

/// A segment in one capture.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ComparedSight {
    time: Time,
    frame: Count,
    seq: u32,
    ttl: u8,
}

/// The last line: the pair of captures.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CompareSummaryEvent {
    ecs: Ecs,
    event: CompareMeta,
    synscope: CompareSummaryBody,
}

/// `synscope` of the pair.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct CompareSummaryBody {
    /// Version of the contract.
    v: u8,
    compare: ComparedPair,
}

/// The pair of captures.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ComparedPair {
    /// What they are to each other: `related`, `one_place`, `unrelated`, `nothing_arrived`, `ambiguous`, `empty`.
    relation: &'static str,
    segments_a: Count,
    segments_b: Count,
    flows_both: Count,
    flows_only_a: Count,
    flows_only_b: Count,
    /// The clocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<ComparedClock>,
    /// From A's side to B's.
    a_to_b: ComparedWay,
    /// From B's side to A's.
    b_to_a: ComparedWay,
    /// Connections with each verdict.
    verdicts: Vec<ComparedCount>,
    ambiguous: Count,
    evicted: Count,
    overflow: Count,
}

/// B's clock against A's.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ComparedClock {
    /// A's time at which the offset holds.
    at: Time,
    /// B minus A, nanoseconds.
    offset_ns: Integer,
    /// How far off that can be.
    error_ns: Integer,
    /// Parts per million.
    drift_ppm: f64,
    /// How far off that can be.
    drift_error_ppm: f64,
    /// Times that a clock was set.
    steps: Count,
}

/// One way between the taps.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ComparedWay {
    /// Segments by fate.
    fates: Vec<ComparedCount>,
    /// Segments by what was changed.
    changes: Vec<ComparedCount>,
    reordered: Count,
    /// Half of the delays are not above, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_median_ns: Option<Integer>,
    /// 99 of 100 delays are not above, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_p99_ns: Option<Integer>,
    /// The least, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_min_ns: Option<Integer>,
    /// The greatest, nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_max_ns: Option<Integer>,
}

/// A name and a number.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ComparedCount {
    id: &'static str,
    count: Count,
}

const fn meta(action: CompareAction) -> CompareMeta {
    let dataset = match action {
        CompareAction::CompareFlow => "synscope.compare_flow",
        CompareAction::CompareSummary => "synscope.compare_summary",
    };
    CompareMeta { action, dataset }
}

fn end(endpoint: Endpoint) -> ComparedEnd {
    ComparedEnd { ip: Ip(endpoint.ip), port: endpoint.port }
}

fn verdict(verdict: &Verdict) -> ComparedVerdict {
    ComparedVerdict {
        id: verdict.kind.name(),
        sender: verdict.sender.map(Side::name),
        certain: verdict.certain,
        count: Count(verdict.count.into()),
        before: verdict.values.map(|(before, _)| before),
        after: verdict.values.map(|(_, after)| after),
        changes: verdict.changes.names().collect(),
    }
}

fn step(step: &Step) -> ComparedStep {
    let sight = |sight: Sight| ComparedSight {
        time: Time(sight.time),
        frame: Count(sight.frame),
        seq: sight.seq.0,
        ttl: sight.ttl,
    };
    let [a, b] = step.at;
    ComparedStep {
        sender: step.sender.name(),
        kind: step.kind.name(),
        payload: Count(step.payload.into()),
        fate: step.fate.name(),
        certain: step.certain,
        changes: step.changes.names().collect(),
        a: a.map(sight),
        b: b.map(sight),
    }
}

/// The line about one connection.
pub fn compare_flow(judgement: &Judgement) -> CompareFlowEvent {
    let part = |tap: Tap| {
        judgement.ends[tap as usize].map(|(client, server)| ComparedPart {
            client: end(client),
            server: end(server),
            segments: Count(judgement.segments[tap as usize]),
        })
    };
    let times = &judgement.times;
    let ways = times.there.or(times.back).is_some();
    let compare = ComparedFlow {
        a: part(Tap::A),
        b: part(Tap::B),
        client_side: judgement.near.map(Tap::name),
        verdicts: judgement.verdicts.iter().map(verdict).collect(),
        path_there_ns: times.there.map(Integer),
        server_ns: times.server.map(Integer),
        path_back_ns: times.back.map(Integer),
        client_ns: times.client.map(Integer),
        path_error_ns: ways.then_some(Integer(times.error)),
        slowest: times.slowest().map(|(part, _)| part.into()),
        steps: judgement.steps.iter().map(step).collect(),
        steps_left_out: Some(judgement.steps_left_out).filter(|n| *n > 0).map(|n| Count(n.into())),
    };
    CompareFlowEvent {
        timestamp: judgement.first[0].or(judgement.first[1]).map(Time),
        ecs: Ecs { version: ECS },
        event: meta(CompareAction::CompareFlow),
        synscope: CompareFlowBody { v: CONTRACT, flow: Id(judgement.id), compare },
    }
}

fn way(summary: &Summary, from: Tap) -> ComparedWay {
    let fates = Fate::ALL.iter().map(|fate| (fate.name(), summary.of_fate(from, *fate)));
    let bits = crate::compare::Changes::all().names();
    let changes = bits.zip(summary.changes[from as usize]);
    let delays = &summary.delays[from as usize];
    let known = delays.count > 0;
    ComparedWay {
        fates: counts(fates),
        changes: counts(changes),
        reordered: Count(summary.reordered[from as usize]),
        delay_median_ns: delays.quantile(0.5).map(Integer),
        delay_p99_ns: delays.quantile(0.99).map(Integer),
        delay_min_ns: known.then_some(Integer(delays.least)),
        delay_max_ns: known.then_some(Integer(delays.greatest)),
    }
}

fn counts(named: impl Iterator<Item = (&'static str, u64)>) -> Vec<ComparedCount> {
    named.filter(|(_, n)| *n > 0).map(|(id, n)| ComparedCount { id, count: Count(n) }).collect()
}

/// The line about the pair of captures; `relation` is its word.
pub fn compare_summary(summary: &Summary, relation: &'static str) -> CompareSummaryEvent {
    let clock = |fit: ClockFit| ComparedClock {
        at: Time(fit.at),
        offset_ns: Integer(fit.offset),
        error_ns: Integer(fit.error),
        drift_ppm: fit.drift / 1e3,
        drift_error_ppm: fit.drift_error / 1e3,
        steps: Count(summary.clock_steps.into()),
    };
    let verdicts = VerdictKind::ALL.iter().map(|kind| (kind.name(), summary.verdicts[*kind as usize]));
    let compare = ComparedPair {
        relation,
        segments_a: Count(summary.segments_at(Tap::A)),
        segments_b: Count(summary.segments_at(Tap::B)),
        flows_both: Count(summary.flows[2]),
        flows_only_a: Count(summary.flows[0]),
        flows_only_b: Count(summary.flows[1]),
        clock: summary.clock.map(clock),
        a_to_b: way(summary, Tap::A),
        b_to_a: way(summary, Tap::B),
        verdicts: counts(verdicts),
        ambiguous: Count(summary.ambiguous),
        evicted: Count(summary.evicted),
        overflow: Count(summary.overflow),
    };
    CompareSummaryEvent {
        ecs: Ecs { version: ECS },
        event: meta(CompareAction::CompareSummary),
        synscope: CompareSummaryBody { v: CONTRACT, compare },
    }
}
