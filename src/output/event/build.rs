//! Flows, anomalies and totals to event types.

use super::kernel::{Ends, counters};
use super::opening_cost::OpeningCostBody;
use super::scalar::{Community, Count, EnumName, Id, Integer, Ip, Shown, Time};
use super::steps::{Detail, Steps, StepsShown};
use super::types::{
    Action, AnomalyBody, AnomalyEvent, CONTRACT, CaptureBody, Category, ECS, Ecs, End, Evidence, FlowBody, FlowEvent,
    Gaps, HandshakeBody, IcmpBody, InEffectBody, Incident, Kind, Marks, Meta, Network, Observer, Outcome, PeerBody,
    Rule, SessionBody, SessionStartEvent, Tally, TeardownBody, TotalsBody, TotalsEvent, TotalsInner, Type,
    UnacceptableBody, Vlan,
};
use crate::detect::{Anomaly, Scope, Severity};
use crate::engine::Totals;
use crate::flow::community_id::CommunityId;
use crate::flow::features::{Ecn, Fingerprint, ecn, fast_open, mptcp};
use crate::flow::{Closing, Flow, Handshake, Opening, Peer, Side};
use crate::kernel::Known;
use crate::output::format::Session;
use crate::output::words;
use crate::tcp::IcmpKind;
use crate::time::Timestamp;

/// What building a flow's event needs besides the flow.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// `event.sequence`.
    pub sequence: u64,
    /// Which steps to carry.
    pub steps: StepsShown,
    /// How much to carry.
    pub detail: Detail,
    /// What the kernel of this host knows, where it is asked.
    pub known: Option<&'a Known>,
}

impl Context<'_> {
    /// `value` where every field is written.
    fn full<T>(&self, value: T) -> Option<T> {
        (self.detail == Detail::Full).then_some(value)
    }

    /// Whether only the numbers, states and times are written: `flow_end` will have the rest.
    fn is_brief(&self, action: Action) -> bool {
        self.detail == Detail::Lean && action != Action::FlowEnd
    }

    /// `value` unless it is the usual one, which lean events leave out.
    fn unusual<T: Copy + PartialEq>(&self, value: T, usual: T) -> Option<T> {
        (self.detail == Detail::Full || value != usual).then_some(value)
    }
}

/// `event.module`.
const MODULE: &str = "synscope";

/// The event `action` of `flow`, decided at `time`.
pub fn flow_event<'a>(flow: &'a Flow, action: Action, time: Timestamp, context: &Context<'a>) -> FlowEvent<'a> {
    let (source, destination) = ends(flow, !context.is_brief(action));
    let mut here = Ends::of(flow, action == Action::FlowEnd, context.known);
    FlowEvent {
        timestamp: Time(time),
        ecs: Ecs { version: ECS },
        event: flow_meta(flow, action, context),
        source,
        destination,
        network: network(flow, context.detail),
        vlan: vlan(flow),
        process: here.process.take(),
        user: here.user.take(),
        container: here.container.take(),
        synscope: flow_body(flow, action, context, here),
    }
}

fn flow_meta(flow: &Flow, action: Action, context: &Context<'_>) -> Meta<'static> {
    let opening = if action == Action::FlowEnd { Some(flow.opening()) } else { flow.opening };
    let (outcome, reason) = match action {
        Action::HandshakeEnd => (opening.map(outcome), opening.map(|_| words::opening_of(flow))),
        Action::FlowEnd => (opening.map(outcome), Some(end_reason(flow))),
        _ => (None, None),
    };
    let ended = action == Action::FlowEnd;
    // A connection that opened, and closed with two FINs, needs no other reason than its verdicts.
    let usual = match action {
        Action::FlowEnd => flow.closing() == Closing::Fin,
        _ => matches!(outcome, Some(Outcome::Success)),
    };
    let reason = reason.filter(|_| context.detail == Detail::Full || !usual);
    Meta {
        types: types(action, opening),
        outcome,
        reason,
        start: Some(Time(flow.first_time)).filter(|_| !context.is_brief(action)),
        end: context.full(Time(flow.last_time)).filter(|_| ended),
        duration: ended.then_some(Integer(flow.duration())),
        dataset: context.full(action.dataset()),
        module: context.full(MODULE),
        ..meta(action, context.sequence)
    }
}

pub(super) fn meta(action: Action, sequence: u64) -> Meta<'static> {
    let (kind, category): (Kind, &[Category]) = match action {
        Action::Anomaly => (Kind::Alert, &[Category::Network, Category::IntrusionDetection]),
        Action::Stats | Action::Listener => (Kind::Metric, &[Category::Network]),
        _ => (Kind::Event, &[Category::Network]),
    };
    Meta {
        kind,
        category,
        types: types(action, None),
        action,
        outcome: None,
        reason: None,
        severity: None,
        dataset: Some(action.dataset()),
        module: Some(MODULE),
        sequence: Count(sequence),
        start: None,
        end: None,
        duration: None,
    }
}

fn types(action: Action, opening: Option<Opening>) -> &'static [Type] {
    let denied = matches!(opening, Some(Opening::Refused | Opening::Unreachable));
    match action {
        Action::SessionStart => &[Type::Start],
        Action::SessionEnd => &[Type::End],
        Action::FlowStart => &[Type::Connection, Type::Start],
        Action::HandshakeEnd if denied => &[Type::Connection, Type::Info, Type::Denied],
        Action::HandshakeEnd | Action::TeardownStart => &[Type::Connection, Type::Info],
        Action::FlowEnd if denied => &[Type::Connection, Type::End, Type::Denied],
        Action::FlowEnd => &[Type::Connection, Type::End],
        Action::Anomaly | Action::Listener | Action::Stats => &[Type::Info],
    }
}

const fn outcome(opening: Opening) -> Outcome {
    if opening.opened() {
        Outcome::Success
    } else if opening.failed() {
        Outcome::Failure
    } else {
        Outcome::Unknown
    }
}

/// Why a flow is said to have ended: how it closed, or why it never opened.
fn end_reason(flow: &Flow) -> &'static str {
    match flow.closing() {
        Closing::None => words::opening_of(flow),
        _ => words::closing_of(flow),
    }
}

/// Client and server; with `counts`, their packets and octets so far.
fn ends(flow: &Flow, counts: bool) -> (End, End) {
    let end = |peer: &Peer| End {
        ip: Ip(peer.endpoint.ip),
        port: Some(peer.endpoint.port),
        packets: counts.then_some(Count(peer.packets)),
        bytes: counts.then_some(Count(peer.bytes)),
    };
    (end(&flow.client), end(&flow.server))
}

fn network(flow: &Flow, detail: Detail) -> Network {
    Network {
        transport: "tcp",
        kind: (detail == Detail::Full).then_some(if flow.key().is_v6() { "ipv6" } else { "ipv4" }),
        community_id: Community(CommunityId::of(&flow.key())),
        packets: (detail == Detail::Full).then(|| Count(flow.packets())),
        bytes: (detail == Detail::Full).then(|| Count(flow.bytes())),
    }
}

fn vlan(flow: &Flow) -> Option<Vlan> {
    (flow.vlan != 0).then_some(Vlan { id: Id(u64::from(flow.vlan)) })
}

fn flow_body<'a>(flow: &'a Flow, action: Action, context: &Context<'a>, mut here: Ends) -> FlowBody<'a> {
    let ended = action == Action::FlowEnd;
    let tells_all = ended || action == Action::HandshakeEnd;
    let full = context.detail == Detail::Full;
    FlowBody {
        v: CONTRACT,
        flow_id: Id(flow.id),
        opening: if ended { Some(flow.opening()) } else { flow.opening }.map(EnumName),
        closing: ended.then(|| EnumName(flow.closing())),
        conn_state: ended.then(|| flow.zeek.state().name()),
        history: ended.then(|| flow.zeek.history()).filter(|history| !history.is_empty()),
        completeness: ended.then_some(flow.completeness.number()),
        client: peer_body(flow, Side::Client, action, context, &mut here),
        server: peer_body(flow, Side::Server, action, context, &mut here),
        role_known: context.unusual(flow.role_known, true),
        handshake: handshake_body(flow, action, context),
        opening_cost: if ended { OpeningCostBody::of(flow) } else { None },
        teardown: teardown_body(flow, context),
        icmp: icmp_body(flow),
        steps: Steps { flow, shown: if tells_all { context.steps } else { StepsShown::None } },
        steps_dropped: (ended && flow.steps_dropped > 0).then_some(flow.steps_dropped),
        anomalies: Marks {
            flow: (ended || tells_all && full).then_some(flow),
            detail: context.detail,
            known: context.known,
        },
        capture: if ended { capture_body(flow) } else { None },
        unacceptable: if ended { unacceptable_body(flow) } else { None },
    }
}

fn peer_body<'a>(
    flow: &'a Flow,
    side: Side,
    action: Action,
    context: &Context<'_>,
    here: &mut Ends,
) -> Option<PeerBody<'a>> {
    let peer = flow.peer(side);
    let state = flow.final_state(side);
    if !peer.spoke() && state.is_none() {
        return None;
    }
    let offer = peer.offer.as_ref().filter(|_| !context.is_brief(action));
    Some(PeerBody {
        isn: peer.isn.map(|isn| isn.0),
        state: state.map(EnumName),
        mss: offer.and_then(|o| o.mss),
        window_scale: offer.and_then(|o| o.window_scale),
        sack_permitted: offer.map(|o| o.sack_permitted),
        timestamps: offer.map(|o| o.timestamps.is_some()),
        window: context.full(peer.window).filter(|_| peer.spoke()),
        ttl: context.full(peer.ttl).filter(|_| peer.spoke()),
        syn_fingerprint: context.full(peer).and_then(Fingerprint::of).map(Shown),
        kernel: here.take(side),
    })
}

fn handshake_body<'a>(flow: &'a Flow, action: Action, context: &Context<'_>) -> Option<HandshakeBody<'a>> {
    let h = &flow.handshake;
    if h.syns.is_empty() && h.synacks.is_empty() {
        return None;
    }
    Some(HandshakeBody {
        validated: h.validated,
        syn_count: Some(flow.tries()).filter(|tries| *tries != 1 || !context.is_brief(action)),
        synack_count: Some(flow.server.synack_count).filter(|count| *count != 1 || !context.is_brief(action)),
        syn_gaps_ns: Gaps(h),
        backoff: h.backoff().map(EnumName),
        connect_ns: h.connect_time().map(Integer),
        rtt_server_ns: h.rtt_server().map(Integer),
        rtt_client_ns: h.rtt_client().map(Integer),
        rtt_ns: h.rtt().filter(|_| !context.is_brief(action)).map(Integer),
        client_established: context.full(h).and_then(Handshake::client_established).map(Time),
        server_established: context.full(h).and_then(Handshake::server_established).map(Time),
        syn_payload: h.syns.first().and_then(|syn| context.unusual(syn.payload, 0)),
        synack_payload: h.synacks.first().and_then(|synack| context.unusual(synack.payload, 0)),
        ack_payload: h.ack.and_then(|ack| context.unusual(ack.payload, 0)),
        fast_open: fast_open(flow).map(EnumName),
        ecn: ecn(flow).and_then(|ecn| context.unusual(ecn, Ecn::None)).map(EnumName),
        mptcp: mptcp(flow).map(EnumName),
        in_effect: context.full(flow).and_then(Flow::in_effect).map(|in_effect| InEffectBody {
            window_scale: in_effect.window_scale,
            sack: in_effect.sack,
            timestamps: in_effect.timestamps,
        }),
    })
}

fn teardown_body(flow: &Flow, context: &Context<'_>) -> Option<TeardownBody> {
    let t = &flow.teardown;
    if t.first_fin.is_none() && t.reset.is_none() {
        return None;
    }
    Some(TeardownBody {
        closed_by: flow.closed_by().map(EnumName),
        shape: flow.shape().map(EnumName),
        fin_count_client: flow.client.fin_count,
        fin_count_server: flow.server.fin_count,
        reset_by: t.reset.map(|reset| EnumName(reset.by)),
        half_closed_ns: flow.half_closed_time().and_then(|time| context.unusual(time, 0)).map(Integer),
        duration_ns: context.full(flow).and_then(Flow::teardown_time).map(Integer),
        data_after_fin: context.unusual(t.data_after_fin, 0).map(Count),
        unseen: flow.closing_unseen().map(EnumName),
        time_wait_ends: context.full(t).and_then(|t| t.time_wait_ends).map(Time),
    })
}

fn icmp_body(flow: &Flow) -> Option<IcmpBody> {
    let icmp = flow.unreachable()?;
    let (message, code) = match icmp.kind {
        IcmpKind::Unreachable(code) => ("unreachable", Some(code)),
        IcmpKind::PacketTooBig => ("packet-too-big", None),
        IcmpKind::TimeExceeded => ("time-exceeded", None),
        IcmpKind::Other(_) => ("other", None),
    };
    Some(IcmpBody { message, code, reporter: Ip(icmp.reporter), frame: Count(icmp.frame) })
}

fn capture_body(flow: &Flow) -> Option<CaptureBody> {
    let q = &flow.quality;
    if *q == crate::flow::CaptureQuality::default() {
        return None;
    }
    let happened = |count: u32| (count > 0).then_some(count);
    Some(CaptureBody {
        duplicates: happened(q.duplicates),
        holes: happened(q.holes),
        missing_bytes: flow.missing().map(|(octets, _)| octets).filter(|_| q.holes > 0),
        reordered: happened(q.reordered),
        truncated: happened(q.truncated),
        offload: happened(q.offload),
        bad_checksum: happened(q.bad_checksum),
        zero_numbers: q.zero_numbers.then_some(true),
    })
}

fn unacceptable_body(flow: &Flow) -> Option<UnacceptableBody> {
    let of = |side: Side| Some(flow.unacceptable(side)).filter(|count| *count > 0);
    let (client, server) = (of(Side::Client), of(Side::Server));
    (client.is_some() || server.is_some()).then_some(UnacceptableBody { client, server })
}

/// The event of `anomaly`, which is about `flow` where there is one.
pub fn anomaly_event<'a>(
    anomaly: &'a Anomaly,
    flow: Option<&Flow>,
    sequence: u64,
    known: Option<&Known>,
) -> AnomalyEvent<'a> {
    let (source, destination) = match flow.filter(|_| anomaly.scope == Scope::Flow) {
        Some(flow) => {
            let (source, destination) = ends(flow, true);
            (Some(source), Some(destination))
        }
        None => (anomaly.source.map(observed), anomaly.destination.map(observed)),
    };
    let flow = flow.filter(|_| anomaly.scope == Scope::Flow);
    let ends = [&source, &destination].map(|end| end.map(|end| end.ip.0));
    AnomalyEvent {
        timestamp: Time(anomaly.time),
        ecs: Ecs { version: ECS },
        event: Meta {
            reason: Some(&anomaly.reason),
            severity: Some(anomaly.severity as u8),
            // What is only informative is no alert.
            kind: if anomaly.severity == Severity::Info { Kind::Event } else { Kind::Alert },
            ..meta(Action::Anomaly, sequence)
        },
        rule: Rule { id: anomaly.id, reference: anomaly.reference },
        source,
        destination,
        network: flow.map(|flow| network(flow, Detail::Full)),
        vlan: flow.and_then(vlan),
        synscope: AnomalyBody {
            v: CONTRACT,
            scope: anomaly.scope.name(),
            incident: anomaly.incident.map(|i| Incident { id: Id(i.id), phase: i.phase.name() }),
            flow_id: anomaly.flow_id.map(Id),
            evidence: Evidence { frames: &anomaly.frames, figures: &anomaly.figures },
            kernel: counters(anomaly.id, ends, known),
        },
    }
}

/// A host, and its port where that matters.
pub(super) fn observed((ip, port): (core::net::IpAddr, Option<u16>)) -> End {
    End { ip: Ip(ip), port, packets: None, bytes: None }
}

/// `session_start`: the first frame came at `time`.
pub fn session_start(session: &Session, time: Timestamp, sequence: u64) -> SessionStartEvent<'_> {
    SessionStartEvent {
        timestamp: Time(time),
        ecs: Ecs { version: ECS },
        event: meta(Action::SessionStart, sequence),
        observer: Observer { product: "synscope", kind: "sensor", version: env!("CARGO_PKG_VERSION") },
        synscope: SessionBody {
            v: CONTRACT,
            inputs: &session.inputs,
            filter: session.filter.as_deref(),
            sandbox: session.sandbox.as_deref(),
        },
    }
}

/// `stats` or `session_end`: the totals at `time`.
pub fn totals_event(totals: &Totals, action: Action, time: Option<Timestamp>, sequence: u64) -> TotalsEvent<'_> {
    TotalsEvent {
        timestamp: time.map(Time),
        ecs: Ecs { version: ECS },
        event: Meta {
            start: totals.first_time.map(Time),
            end: totals.last_time.filter(|_| action == Action::SessionEnd).map(Time),
            ..meta(action, sequence)
        },
        synscope: TotalsBody { v: CONTRACT, totals: totals_inner(totals) },
    }
}

fn totals_inner(totals: &Totals) -> TotalsInner<'_> {
    TotalsInner {
        packets: Count(totals.packets),
        segments: Count(totals.segments),
        icmp: Count(totals.icmp),
        skipped: Tally::new(totals),
        unknown_link_types: (!totals.unknown_links.is_empty()).then(|| Tally::new(totals)),
        flows: Count(totals.flows),
        opening: Tally::new(totals),
        closing: Tally::new(totals),
        anomalies: Tally::new(totals),
        evicted: Count(totals.evicted),
        evicted_unwritten: Count(totals.evicted_unwritten),
        tables_full: (!totals.tables_full.is_empty()).then(|| Tally::new(totals)),
        late_segments: Count(totals.late_segments),
        clock_backwards: Count(totals.clock_backwards),
        received: totals.received.map(Count),
        dropped_kernel: totals.dropped_kernel.map(Count),
        dropped_interface: totals.dropped_interface.map(Count),
        dropped_queue: totals.dropped_queue.map(Count),
        unread: totals.unread.map(Count),
        filter_unfit: (totals.unfit > 0).then_some(Count(totals.unfit)),
        first_packet: totals.first_time.map(Time),
        last_packet: totals.last_time.map(Time),
    }
}
