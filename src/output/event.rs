//! The public event types: what a line of NDJSON holds. Every serde type of the output lives here.
//!
//! Field names and types are the contract with users: add freely, change nothing. Absent means unknown. The JSON Schema is
//! generated from these types, so they also are its documentation. Knows nothing of how a flow is tracked; [`build`] fills
//! these from a flow.

pub mod build;
pub mod columns;
pub mod scalar;

use schemars::JsonSchema;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use self::scalar::{Community, Count, Id, Integer, Ip, Text, Time, Word};
use crate::decode::LinkType;
use crate::decode::link::link_name;
use crate::detect::Figure;
use crate::engine::Totals;
use crate::flow::features::{Ecn, FastOpenUse, Fingerprint, MptcpUse};
use crate::flow::{Backoff, Certainty, ClosedBy, Closing, Flow, Label, Opening, Shape, Side};
use crate::tcp::{Flags, State};

/// Version of the contract (`synscope.v`).
pub const CONTRACT: u8 = 1;
/// Version of the Elastic Common Schema whose names are used.
const ECS: &str = "8.17.0";

/// What an event tells (`event.action`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The run began.
    SessionStart,
    /// A flow began.
    FlowStart,
    /// The opening verdict was reached.
    HandshakeEnd,
    /// The first FIN, or a reset, of an open connection.
    TeardownStart,
    /// The flow ended, or observation of it did.
    FlowEnd,
    /// An anomaly.
    Anomaly,
    /// Totals so far.
    Stats,
    /// The run ended.
    SessionEnd,
}

impl Action {
    /// Every action, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::SessionStart,
        Self::FlowStart,
        Self::HandshakeEnd,
        Self::TeardownStart,
        Self::FlowEnd,
        Self::Anomaly,
        Self::Stats,
        Self::SessionEnd,
    ];

    /// The word in output and for `--events`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionStart => "session_start",
            Self::FlowStart => "flow_start",
            Self::HandshakeEnd => "handshake_end",
            Self::TeardownStart => "teardown_start",
            Self::FlowEnd => "flow_end",
            Self::Anomaly => "anomaly",
            Self::Stats => "stats",
            Self::SessionEnd => "session_end",
        }
    }

    const fn dataset(self) -> &'static str {
        match self {
            Self::SessionStart => "synscope.session_start",
            Self::FlowStart => "synscope.flow_start",
            Self::HandshakeEnd => "synscope.handshake_end",
            Self::TeardownStart => "synscope.teardown_start",
            Self::FlowEnd => "synscope.flow_end",
            Self::Anomaly => "synscope.anomaly",
            Self::Stats => "synscope.stats",
            Self::SessionEnd => "synscope.session_end",
        }
    }
}

/// ECS `event.kind`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something happened.
    Event,
    /// Something is wrong.
    Alert,
    /// Figures.
    Metric,
}

/// ECS `event.category`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Network activity.
    Network,
    /// Detection of an intrusion.
    IntrusionDetection,
}

/// ECS `event.type`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// About a connection.
    Connection,
    /// It began.
    Start,
    /// It ended.
    End,
    /// A fact about it.
    Info,
    /// It was refused.
    Denied,
}

/// ECS `event.outcome`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The connection opened.
    Success,
    /// It did not.
    Failure,
    /// It cannot be told.
    Unknown,
}

/// ECS `ecs`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Ecs {
    /// Version of the Elastic Common Schema whose names are used.
    version: &'static str,
}

/// ECS `event`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Meta<'a> {
    kind: Kind,
    category: &'static [Category],
    #[serde(rename = "type")]
    types: &'static [Type],
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// info 10, note 30, warn 50, alert 70.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<u8>,
    dataset: &'static str,
    module: &'static str,
    /// Counts up by one from 1.
    sequence: Count,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Time>,
    /// Nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Integer>,
}

/// ECS `source` (the client, or the actor) and `destination` (the server, or the target).
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct End {
    ip: Ip,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packets: Option<Count>,
    /// Payload octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Count>,
}

/// ECS `network`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Network {
    transport: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Community ID version 1, seed 0.
    community_id: Community,
    packets: Count,
    /// Payload octets.
    bytes: Count,
}

/// ECS `vlan`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Vlan {
    /// Outermost VLAN id.
    id: Id,
}

/// `flow_start`, `handshake_end`, `teardown_start` and `flow_end`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FlowEvent<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: Time,
    ecs: Ecs,
    event: Meta<'a>,
    source: End,
    destination: End,
    network: Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<Vlan>,
    synscope: FlowBody<'a>,
}

/// What is known of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FlowBody<'a> {
    /// Version of the contract.
    v: u8,
    /// Unique in the run.
    flow_id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<Word<Opening>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closing: Option<Word<Closing>>,
    /// Zeek's.
    #[serde(skip_serializing_if = "Option::is_none")]
    conn_state: Option<&'a str>,
    /// Zeek's.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<String>,
    /// Wireshark's: 1 SYN, 2 SYN-ACK, 4 ACK, 8 DATA, 16 FIN, 32 RST.
    #[serde(skip_serializing_if = "Option::is_none")]
    completeness: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<PeerBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<PeerBody<'a>>,
    /// False where no SYN or SYN-ACK told who is the client.
    role_known: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    handshake: Option<HandshakeBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teardown: Option<TeardownBody>,
    /// The ICMP error that quoted its SYN.
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<IcmpBody>,
    #[serde(skip_serializing_if = "Steps::is_absent")]
    #[schemars(with = "Option<Vec<StepBody>>")]
    steps: Steps<'a>,
    /// Steps that were not kept, where there were too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps_dropped: Option<u32>,
    #[serde(skip_serializing_if = "Marks::is_absent")]
    #[schemars(with = "Option<Vec<MarkBody<'a>>>")]
    anomalies: Marks<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<CaptureBody>,
    /// Segments that the other end must drop; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unacceptable: Option<UnacceptableBody>,
}

/// Segments of each end that the other must drop (RFC 9293 section 3.10.7): they move no state, and their octets are not counted.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct UnacceptableBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<u32>,
}

/// One endpoint.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct PeerBody<'a> {
    /// Initial sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    isn: Option<u32>,
    /// State at the time of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Word<State>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mss: Option<u16>,
    /// Shift count, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    window_scale: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sack_permitted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamps: Option<bool>,
    /// Window field of its first segment, raw.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<u16>,
    /// TTL or hop limit of its first segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    /// Raw signature of its SYN or SYN-ACK, `ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_fingerprint: Option<Text<Fingerprint<'a>>>,
}

/// The opening.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct HandshakeBody<'a> {
    /// Whether all three steps were seen and agree by sequence arithmetic.
    validated: bool,
    syn_count: u32,
    synack_count: u32,
    /// Gaps between successive SYNs, nanoseconds.
    #[serde(skip_serializing_if = "Gaps::is_absent")]
    #[schemars(with = "Option<Vec<Integer>>")]
    syn_gaps_ns: Gaps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backoff: Option<Word<Backoff>>,
    /// First SYN to the ACK that completed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ns: Option<Integer>,
    /// SYN to the SYN-ACK it provably answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_server_ns: Option<Integer>,
    /// SYN-ACK to ACK.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_client_ns: Option<Integer>,
    /// Their sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_established: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_established: Option<Time>,
    /// Payload octets of the first SYN.
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_payload: Option<u32>,
    /// Payload octets of the first SYN-ACK.
    #[serde(skip_serializing_if = "Option::is_none")]
    synack_payload: Option<u32>,
    /// Payload octets of the segment that completed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_payload: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fast_open: Option<Word<FastOpenUse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecn: Option<Word<Ecn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mptcp: Option<Word<MptcpUse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_effect: Option<InEffectBody>,
}

/// Options in force: offered by both ends.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct InEffectBody {
    window_scale: bool,
    sack: bool,
    timestamps: bool,
}

/// The end.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct TeardownBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<Word<ClosedBy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Word<Shape>>,
    fin_count_client: u32,
    fin_count_server: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_by: Option<Word<Side>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_closed_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ns: Option<Integer>,
    /// Payload octets that the other end sent after the first FIN.
    data_after_fin: Count,
    /// The end of which nothing is in the capture: whether it closed cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<Word<Side>>,
    /// When the end that is in TIME_WAIT will be in CLOSED, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_wait_ends: Option<Time>,
}

/// An ICMP error about the flow.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct IcmpBody {
    /// `unreachable`, `packet-too-big`, `time-exceeded` or `other`.
    message: &'static str,
    /// Code of an `unreachable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    /// Who sent it.
    reporter: Ip,
    frame: Count,
}

/// One step.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct StepBody {
    /// From 1; steps that are left out are counted.
    n: u32,
    /// Frame number in the input, from 1.
    frame: Count,
    /// Since the first segment of the flow.
    t_ns: Integer,
    from: Word<Side>,
    /// F fin, S syn, R rst, P psh, A ack, U urg, E ece, C cwr, N ae.
    flags: Text<Flags>,
    seq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u32>,
    /// Octets.
    payload: u32,
    label: Word<Label>,
    /// State of the client after it, where anything is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Word<State>>,
    /// State of the server after it, where anything is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Word<State>>,
    certainty: Word<Certainty>,
    /// Segments folded into this step, where more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<u32>,
    /// The urgent pointer, where URG is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    urgent: Option<u16>,
}

/// An anomaly noted on a flow.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct MarkBody<'a> {
    id: &'static str,
    /// info 10, note 30, warn 50, alert 70.
    severity: u8,
    /// The first frames that prove it.
    frames: &'a [u64],
    count: u32,
}

/// Artefacts of the capture; only those that happened.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct CaptureBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicates: Option<u32>,
    /// Acknowledgments of octets that were never seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    holes: Option<u32>,
    /// How many octets those were.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reordered: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offload: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bad_checksum: Option<u32>,
    /// Whether its sequence and acknowledgment numbers are 0 all along.
    #[serde(skip_serializing_if = "Option::is_none")]
    zero_numbers: Option<bool>,
}

/// Which steps a flow's events carry (`--steps`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepsShown {
    /// All of them, data and probes too.
    All,
    /// Those of the handshake and the teardown.
    #[default]
    Handshake,
    /// None.
    None,
}

impl StepsShown {
    /// Whether `step` is one of them.
    pub fn shows(self, step: &crate::flow::Step) -> bool {
        match self {
            Self::All => true,
            Self::Handshake => step.is_handshake_or_teardown() || step.is_urgent(),
            Self::None => false,
        }
    }
}

/// The steps of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    flow: &'a Flow,
    shown: StepsShown,
}

impl Steps<'_> {
    fn is_absent(&self) -> bool {
        self.shown == StepsShown::None
    }
}

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.flow.steps.iter().zip(1u32..).filter(|(step, _)| self.shown.shows(step));
        let mut seq = serializer.serialize_seq(None)?;
        let story = self.flow.story();
        for (step, n) in shown {
            let ends = story.after.get(n as usize - 1).copied().unwrap_or_default();
            seq.serialize_element(&build::step(self.flow, step, n, ends))?;
        }
        seq.end()
    }
}

/// The anomalies of a flow.
#[derive(Clone, Copy)]
pub struct Marks<'a> {
    flow: Option<&'a Flow>,
    rule_id: fn(u16) -> Option<&'static str>,
}

impl core::fmt::Debug for Marks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Marks").finish_non_exhaustive()
    }
}

impl Marks<'_> {
    fn is_absent(&self) -> bool {
        self.flow.is_none_or(|flow| flow.marks.is_empty())
    }
}

impl Serialize for Marks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let marks = self.flow.map_or(&[][..], |flow| &flow.marks);
        serializer.collect_seq(marks.iter().filter_map(|mark| {
            Some(MarkBody {
                id: (self.rule_id)(mark.rule)?,
                severity: mark.severity,
                frames: &mark.frames,
                count: mark.count,
            })
        }))
    }
}

/// Gaps between the SYNs of a handshake.
#[derive(Clone, Copy, Debug)]
pub struct Gaps<'a>(&'a crate::flow::Handshake);

impl Gaps<'_> {
    fn is_absent(&self) -> bool {
        self.0.syns.len() < 2
    }
}

impl Serialize for Gaps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.syn_gaps().map(Integer))
    }
}

/// `anomaly`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AnomalyEvent<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: Time,
    ecs: Ecs,
    event: Meta<'a>,
    rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<Vlan>,
    synscope: AnomalyBody<'a>,
}

/// ECS `rule`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Rule {
    /// Id, for ever.
    id: &'static str,
    /// RFC section, paper or "measured".
    reference: &'static str,
}

/// What an anomaly is about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AnomalyBody<'a> {
    /// Version of the contract.
    v: u8,
    /// `flow`, `host` or `capture`.
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<Id>,
    #[schemars(with = "EvidenceBody")]
    evidence: Evidence<'a>,
}

/// The incident that a report about hosts belongs to.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Incident {
    /// Unique in the run, and the same in all reports of one incident.
    id: Id,
    /// `new`, `update` or `final`.
    phase: &'static str,
}

/// What proves an anomaly: the frames, and the figures that the rule used under their names.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "describes what Evidence writes")]
struct EvidenceBody {
    frames: Vec<Count>,
    #[schemars(flatten)]
    figures: std::collections::BTreeMap<String, FigureBody>,
}

/// A figure.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes what Evidence writes")]
enum FigureBody {
    Integer(Integer),
    Number(f64),
    Text(String),
    List(Vec<Integer>),
    Texts(Vec<String>),
}

/// Frames and figures.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    frames: &'a [u64],
    figures: &'a [(&'static str, Figure)],
}

impl Serialize for Evidence<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("frames", self.frames)?;
        for (name, figure) in self.figures.iter().filter(|(name, _)| *name != "frames") {
            match figure {
                Figure::Integer(n) => map.serialize_entry(name, &Integer(*n))?,
                // JSON has no word for these: absent.
                Figure::Number(x) if !x.is_finite() => {}
                Figure::Number(x) => map.serialize_entry(name, x)?,
                Figure::Text(text) => map.serialize_entry(name, text)?,
                Figure::List(list) => map.serialize_entry(name, &Integers(list))?,
                Figure::Texts(texts) => map.serialize_entry(name, texts)?,
            }
        }
        map.end()
    }
}

struct Integers<'a>(&'a [i64]);

impl Serialize for Integers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(Integer))
    }
}

/// `session_start`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionStartEvent<'a> {
    /// Time of the first frame.
    #[serde(rename = "@timestamp")]
    timestamp: Time,
    ecs: Ecs,
    event: Meta<'a>,
    observer: Observer,
    synscope: SessionBody<'a>,
}

/// ECS `observer`: this program.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Observer {
    product: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
}

/// What is being analysed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionBody<'a> {
    /// Version of the contract.
    v: u8,
    /// Files or interfaces, as given.
    inputs: &'a [String],
    /// Capture filter, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
}

/// `stats` and `session_end`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TotalsEvent<'a> {
    /// Absent where nothing was read: there is no packet time then.
    #[serde(rename = "@timestamp", skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
    ecs: Ecs,
    event: Meta<'a>,
    synscope: TotalsBody<'a>,
}

/// Totals.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TotalsBody<'a> {
    /// Version of the contract.
    v: u8,
    totals: TotalsInner<'a>,
}

/// Totals of the run so far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TotalsInner<'a> {
    /// Frames read.
    packets: Count,
    /// TCP segments among them.
    segments: Count,
    /// ICMP errors that quoted a TCP segment.
    icmp: Count,
    /// Frames that yielded no segment, by reason.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    skipped: Tally<'a, Skipped>,
    /// Frames of a link type that is not decoded, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Count>>")]
    unknown_link_types: Option<Tally<'a, LinkType>>,
    /// Flows that began.
    flows: Count,
    /// Finished flows by opening verdict.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    opening: Tally<'a, Opening>,
    /// Finished flows by closing verdict.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    closing: Tally<'a, Closing>,
    /// Anomalies by id.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    anomalies: Tally<'a, &'static str>,
    /// Flows given up because a table was full.
    evicted: Count,
    /// Of those, SYN-only ones, which were counted and not written.
    evicted_unwritten: Count,
    /// Segments that came after their connection had been reported.
    late_segments: Count,
    /// Time stamps that ran backwards by more than a millisecond.
    clock_backwards: Count,
    /// Packets received by the filter (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Count>,
    /// Packets dropped by the kernel (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_kernel: Option<Count>,
    /// Packets dropped by interfaces (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_interface: Option<Count>,
    /// Packets dropped because the analysis could not follow (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_queue: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_packet: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_packet: Option<Time>,
}

/// Reasons for skipping a frame, as a kind of [`Tally`].
#[derive(Clone, Copy, Debug)]
pub struct Skipped;

/// Counts by name, those above zero.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a, T> {
    totals: &'a Totals,
    _kind: core::marker::PhantomData<T>,
}

impl<'a, T> Tally<'a, T> {
    const fn new(totals: &'a Totals) -> Self {
        Self { totals, _kind: core::marker::PhantomData }
    }
}

fn tally<S: Serializer>(serializer: S, counts: impl Iterator<Item = (&'static str, u64)>) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.filter(|(_, n)| *n > 0).map(|(name, n)| (name, Count(n))))
}

impl Serialize for Tally<'_, Skipped> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = crate::decode::SkipReason::ALL.iter().map(|reason| reason.name());
        tally(serializer, names.zip(self.totals.skipped))
    }
}

impl Serialize for Tally<'_, LinkType> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.totals.unknown_links.iter().map(|(link, n)| (link_name(link), Count(n))))
    }
}

impl Serialize for Tally<'_, Opening> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        tally(serializer, Opening::ALL.iter().map(|o| o.name()).zip(self.totals.by_opening))
    }
}

impl Serialize for Tally<'_, Closing> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        tally(serializer, Closing::ALL.iter().map(|c| c.name()).zip(self.totals.by_closing))
    }
}

impl Serialize for Tally<'_, &'static str> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        tally(serializer, self.totals.anomalies.iter().copied())
    }
}

/// Appends `event` to `line` as one line of JSON.
pub fn write_line(event: &impl Serialize, line: &mut Vec<u8>) {
    let before = line.len();
    // Writing to a Vec cannot fail, and none of these types refuses to be written; half a line must not stay if one did.
    if serde_json::to_writer(&mut *line, event).is_err() {
        line.truncate(before);
        return;
    }
    line.push(b'\n');
}
