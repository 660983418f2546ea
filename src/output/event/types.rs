//! The types of events: serde and the JSON Schema see their fields.

use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::kernel::{ContainerBody, CountersBody, KernelBody, ProcessBody, UserBody, contradicts};
use super::opening_cost::OpeningCostBody;
use super::scalar::{Community, Count, EnumName, Id, Integer, Ip, Shown, Time};
use super::steps::{Detail, StepBody, Steps};
use crate::decode::LinkType;
use crate::decode::link::link_name;
use crate::detect::{Figure, Severity};
use crate::engine::Totals;
use crate::flow::features::{Ecn, FastOpenUse, Fingerprint, MptcpUse};
use crate::flow::{Backoff, ClosedBy, Closing, Flow, Mark, Opening, Shape, Side};
use crate::kernel::Known;
use crate::output::json::write_json;
use crate::tcp::State;

/// Version of the contract (`synscope.v`).
pub const CONTRACT: u8 = 1;
/// Version of the Elastic Common Schema whose names are used.
pub(super) const ECS: &str = "8.17.0";

/// The kind of an event (`event.action`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
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
    /// An accept queue of this host passed 50, 80 or 100 percent of its limit (live, Linux).
    Listener,
    /// Totals so far.
    Stats,
    /// The run ended.
    SessionEnd,
}

impl Action {
    /// Every action, in the order of the contract.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in output and for `--events`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(super) const fn dataset(self) -> &'static str {
        match self {
            Self::SessionStart => "synscope.session_start",
            Self::FlowStart => "synscope.flow_start",
            Self::HandshakeEnd => "synscope.handshake_end",
            Self::TeardownStart => "synscope.teardown_start",
            Self::FlowEnd => "synscope.flow_end",
            Self::Anomaly => "synscope.anomaly",
            Self::Listener => "synscope.listener",
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
    /// Unknown.
    Unknown,
}

/// ECS `ecs`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Ecs {
    /// Version of the Elastic Common Schema whose names are used.
    pub(super) version: &'static str,
}

/// ECS `event`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Meta<'a> {
    pub(super) kind: Kind,
    pub(super) category: &'static [Category],
    #[serde(rename = "type")]
    pub(super) types: &'static [Type],
    pub(super) action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    /// One sentence; lean events leave it out where the opening succeeded and where the closing is `fin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    /// info 10, note 30, warn 50, alert 70.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<u8>,
    /// `synscope.` and the action; not in lean events of flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dataset: Option<&'static str>,
    /// `synscope`; not in lean events of flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) module: Option<&'static str>,
    /// Counts up by one from 1.
    pub(super) sequence: Count,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<Time>,
    /// Not in lean events of flows: start and duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<Time>,
    /// Nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<Integer>,
}

/// ECS `source` (the client, or the actor) and `destination` (the server, or the target).
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct End {
    pub(super) ip: Ip,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packets: Option<Count>,
    /// Payload octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<Count>,
}

/// ECS `network`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Network {
    pub(super) transport: &'static str,
    /// `ipv4` or `ipv6`; not in lean events.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    /// Community ID version 1, seed 0.
    pub(super) community_id: Community,
    /// Of both ends; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packets: Option<Count>,
    /// Payload octets of both ends; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<Count>,
}

/// ECS `vlan`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Vlan {
    /// Outermost VLAN id.
    pub(super) id: Id,
}

/// `flow_start`, `handshake_end`, `teardown_start` and `flow_end`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FlowEvent<'a> {
    #[serde(rename = "@timestamp")]
    pub(super) timestamp: Time,
    pub(super) ecs: Ecs,
    pub(super) event: Meta<'a>,
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) network: Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vlan: Option<Vlan>,
    /// The process of the end that is on this host; the client's where both are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<ProcessBody>,
    /// Who runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<UserBody>,
    /// What it runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<ContainerBody>,
    pub(super) synscope: FlowBody<'a>,
}

/// What is known of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FlowBody<'a> {
    /// Version of the contract.
    pub(super) v: u8,
    /// Unique in the run.
    pub(super) flow_id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opening: Option<EnumName<Opening>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) closing: Option<EnumName<Closing>>,
    /// Zeek's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conn_state: Option<&'a str>,
    /// Zeek's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<String>,
    /// Wireshark's: 1 SYN, 2 SYN-ACK, 4 ACK, 8 DATA, 16 FIN, 32 RST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completeness: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<PeerBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<PeerBody<'a>>,
    /// False where no SYN or SYN-ACK shows who is the client; lean events leave true out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_known: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) handshake: Option<HandshakeBody<'a>>,
    /// Where the time of the opening went, where TLS follows TCP; in `flow_end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opening_cost: Option<OpeningCostBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) teardown: Option<TeardownBody>,
    /// The ICMP error that quoted its SYN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) icmp: Option<IcmpBody>,
    #[serde(skip_serializing_if = "Steps::is_absent")]
    #[schemars(with = "Option<Vec<StepBody>>")]
    pub(super) steps: Steps<'a>,
    /// Steps that were not kept, where there were too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) steps_dropped: Option<u32>,
    #[serde(skip_serializing_if = "Marks::is_absent")]
    #[schemars(with = "Option<Vec<MarkBody<'a>>>")]
    pub(super) anomalies: Marks<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capture: Option<CaptureBody>,
    /// Segments that the other end must drop; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unacceptable: Option<UnacceptableBody>,
}

/// Segments of each end that the other must drop (RFC 9293 section 3.10.7): they move no state, and their octets are
/// not counted.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct UnacceptableBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<u32>,
}

/// One endpoint.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PeerBody<'a> {
    /// Initial sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) isn: Option<u32>,
    /// State at the time of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<EnumName<State>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mss: Option<u16>,
    /// Shift count, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window_scale: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sack_permitted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamps: Option<bool>,
    /// Window field of its first segment, raw; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<u16>,
    /// TTL or hop limit of its first segment; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<u8>,
    /// Raw signature of its SYN or SYN-ACK, `ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass`;
    /// not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) syn_fingerprint: Option<Shown<Fingerprint<'a>>>,
    /// What the kernel of this host knows of it, where it is here (live, Linux).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kernel: Option<KernelBody>,
}

/// The opening.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct HandshakeBody<'a> {
    /// Whether all three steps were seen and agree by sequence arithmetic.
    pub(super) validated: bool,
    /// SYNs of the connection; a lean `handshake_end` leaves 1 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) syn_count: Option<u32>,
    /// SYN-ACKs; a lean `handshake_end` leaves 1 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) synack_count: Option<u32>,
    /// Gaps between successive SYNs, nanoseconds.
    #[serde(skip_serializing_if = "Gaps::is_absent")]
    #[schemars(with = "Option<Vec<Integer>>")]
    pub(super) syn_gaps_ns: Gaps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backoff: Option<EnumName<Backoff>>,
    /// First SYN to the ACK that completed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connect_ns: Option<Integer>,
    /// SYN to the SYN-ACK it provably answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_server_ns: Option<Integer>,
    /// SYN-ACK to ACK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_client_ns: Option<Integer>,
    /// Their sum; not in a lean `handshake_end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt_ns: Option<Integer>,
    /// Not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_established: Option<Time>,
    /// Not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_established: Option<Time>,
    /// Payload octets of the first SYN; lean events leave 0 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) syn_payload: Option<u32>,
    /// Payload octets of the first SYN-ACK; lean events leave 0 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) synack_payload: Option<u32>,
    /// Payload octets of the segment that completed it; lean events leave 0 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ack_payload: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fast_open: Option<EnumName<FastOpenUse>>,
    /// Lean events leave `none` out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ecn: Option<EnumName<Ecn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mptcp: Option<EnumName<MptcpUse>>,
    /// Options that both ends offered; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_effect: Option<InEffectBody>,
}

/// Options in force: offered by both ends.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct InEffectBody {
    pub(super) window_scale: bool,
    pub(super) sack: bool,
    pub(super) timestamps: bool,
}

/// The end.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct TeardownBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) closed_by: Option<EnumName<ClosedBy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shape: Option<EnumName<Shape>>,
    pub(super) fin_count_client: u32,
    pub(super) fin_count_server: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reset_by: Option<EnumName<Side>>,
    /// From the first FIN to the second, or to the reset; lean events leave 0 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) half_closed_ns: Option<Integer>,
    /// From the first FIN to the last step; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_ns: Option<Integer>,
    /// Payload octets that the other end sent after the first FIN; lean events leave 0 out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_after_fin: Option<Count>,
    /// The end that the capture lacks: whether it closed is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unseen: Option<EnumName<Side>>,
    /// When the end that is in TIME_WAIT will be in CLOSED, or was; not in lean events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time_wait_ends: Option<Time>,
}

/// An ICMP error about the flow.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct IcmpBody {
    /// `unreachable`, `packet-too-big`, `time-exceeded` or `other`.
    pub(super) message: &'static str,
    /// Code of an `unreachable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u8>,
    /// Who sent it.
    pub(super) reporter: Ip,
    pub(super) frame: Count,
}

/// An anomaly noted on a flow.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct MarkBody<'a> {
    pub(super) id: &'static str,
    /// info 10, note 30, warn 50, alert 70.
    pub(super) severity: u8,
    /// The first frames that prove it; lean events leave them out where the severity is info.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frames: Option<&'a [u64]>,
    /// How often; lean events leave it out where the severity is info.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u32>,
}

/// Artefacts of the capture; only those that happened.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct CaptureBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duplicates: Option<u32>,
    /// Acknowledgments of octets that were never seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holes: Option<u32>,
    /// How many octets those were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reordered: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) truncated: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offload: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bad_checksum: Option<u32>,
    /// Whether its sequence and acknowledgment numbers are 0 all along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zero_numbers: Option<bool>,
}

/// The anomalies of a flow.
#[derive(Clone, Copy)]
pub struct Marks<'a> {
    pub(super) flow: Option<&'a Flow>,
    pub(super) detail: Detail,
    pub(super) known: Option<&'a Known>,
}

impl core::fmt::Debug for Marks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Marks").finish_non_exhaustive()
    }
}

impl Marks<'_> {
    pub(super) fn is_absent(&self) -> bool {
        self.shown().next().is_none()
    }
}

impl<'a> Marks<'a> {
    /// Those that the kernel of this host does not contradict.
    fn shown(&self) -> impl Iterator<Item = &'a Mark> {
        let known = self.known;
        let marks = self.flow.into_iter().flat_map(|flow| flow.marks.iter().map(move |mark| (flow, mark)));
        let stands = move |flow, mark: &Mark| known.is_none_or(|known| !contradicts(mark.rule, flow, known));
        marks.filter(move |(flow, mark)| stands(flow, mark)).map(|(_, mark)| mark)
    }
}

impl Serialize for Marks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.shown().map(|mark| {
            let whole = self.detail == Detail::Full || mark.severity > Severity::Info;
            MarkBody {
                id: mark.rule,
                severity: mark.severity as u8,
                frames: whole.then_some(&mark.frames[..]),
                count: whole.then_some(mark.count),
            }
        }))
    }
}

/// Gaps between the SYNs of a handshake.
#[derive(Clone, Copy, Debug)]
pub struct Gaps<'a>(pub(super) &'a crate::flow::Handshake);

impl Gaps<'_> {
    pub(super) fn is_absent(&self) -> bool {
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
    pub(super) timestamp: Time,
    pub(super) ecs: Ecs,
    pub(super) event: Meta<'a>,
    pub(super) rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) network: Option<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vlan: Option<Vlan>,
    pub(super) synscope: AnomalyBody<'a>,
}

/// ECS `rule`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Rule {
    /// Id, for ever.
    pub(super) id: &'static str,
    /// RFC section, paper or "measured".
    pub(super) reference: &'static str,
}

/// What an anomaly is about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AnomalyBody<'a> {
    /// Version of the contract.
    pub(super) v: u8,
    /// `flow`, `host` or `capture`.
    pub(super) scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incident: Option<Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_id: Option<Id>,
    #[schemars(with = "EvidenceBody")]
    pub(super) evidence: Evidence<'a>,
    /// What the kernel of this host counted about it, since the capture began (live, Linux).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kernel: Option<CountersBody>,
}

/// The incident that a report about hosts belongs to.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Incident {
    /// Unique in the run, and the same in all reports of one incident.
    pub(super) id: Id,
    /// `new`, `update` or `final`.
    pub(super) phase: &'static str,
}

/// What proves an anomaly: the frames, and the figures that the rule used under their names.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "describes what Evidence writes")]
struct EvidenceBody {
    pub(super) frames: Vec<Count>,
    #[schemars(flatten)]
    pub(super) figures: std::collections::BTreeMap<String, FigureBody>,
}

/// A figure.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes what Evidence writes")]
enum FigureBody {
    Integer(Integer),
    Number(f64),
    Shown(String),
    List(Vec<Integer>),
    Texts(Vec<String>),
}

/// Frames and figures.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    pub(super) frames: &'a [u64],
    pub(super) figures: &'a [(&'static str, Figure)],
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

struct Integers<'a>(pub(super) &'a [i64]);

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
    pub(super) timestamp: Time,
    pub(super) ecs: Ecs,
    pub(super) event: Meta<'a>,
    pub(super) observer: Observer,
    pub(super) synscope: SessionBody<'a>,
}

/// ECS `observer`: this program.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Observer {
    pub(super) product: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) version: &'static str,
}

/// What is being analysed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionBody<'a> {
    /// Version of the contract.
    pub(super) v: u8,
    /// Files or interfaces, as given.
    pub(super) inputs: &'a [String],
    /// Capture filter, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<&'a str>,
    /// Rights that the process has given up, joined by `+`: `landlock-6+seccomp+nocaps`. Absent
    /// where it has kept them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sandbox: Option<&'a str>,
}

/// `stats` and `session_end`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TotalsEvent<'a> {
    /// Absent where nothing was read: there is no packet time then.
    #[serde(rename = "@timestamp", skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<Time>,
    pub(super) ecs: Ecs,
    pub(super) event: Meta<'a>,
    pub(super) synscope: TotalsBody<'a>,
}

/// Totals.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TotalsBody<'a> {
    /// Version of the contract.
    pub(super) v: u8,
    pub(super) totals: TotalsInner<'a>,
}

/// Totals of the run so far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TotalsInner<'a> {
    /// Frames read.
    pub(super) packets: Count,
    /// TCP segments among them.
    pub(super) segments: Count,
    /// ICMP errors that quoted a TCP segment.
    pub(super) icmp: Count,
    /// Frames that yielded no segment, by reason.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    pub(super) skipped: Tally<'a, Skipped>,
    /// Frames of a link type that is not decoded, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Count>>")]
    pub(super) unknown_link_types: Option<Tally<'a, LinkType>>,
    /// Flows that began.
    pub(super) flows: Count,
    /// Finished flows by opening verdict.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    pub(super) opening: Tally<'a, Opening>,
    /// Finished flows by closing verdict.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    pub(super) closing: Tally<'a, Closing>,
    /// Anomalies by id.
    #[schemars(with = "std::collections::BTreeMap<String, Count>")]
    pub(super) anomalies: Tally<'a, &'static str>,
    /// Flows given up because a table was full.
    pub(super) evicted: Count,
    /// Of those, SYN-only ones, which were counted and not written.
    pub(super) evicted_unwritten: Count,
    /// Tables that were full, by what they hold, and how much of that was given up for something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Count>>")]
    pub(super) tables_full: Option<Tally<'a, FullTables>>,
    /// Segments that came after their connection had been reported.
    pub(super) late_segments: Count,
    /// Time stamps that ran backwards by more than a millisecond.
    pub(super) clock_backwards: Count,
    /// Packets received by the filter (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) received: Option<Count>,
    /// Packets dropped by the kernel (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dropped_kernel: Option<Count>,
    /// Packets dropped by interfaces (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dropped_interface: Option<Count>,
    /// Packets dropped because the analysis could not follow (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dropped_queue: Option<Count>,
    /// Packets received and not read when the capture ended (live).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unread: Option<Count>,
    /// Frames skipped because the capture filter does not fit their link type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filter_unfit: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_packet: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_packet: Option<Time>,
}

/// Reasons for skipping a frame, as a kind of [`Tally`].
#[derive(Clone, Copy, Debug)]
pub struct Skipped;

/// Tables that were full, as a kind of [`Tally`].
#[derive(Clone, Copy, Debug)]
pub struct FullTables;

/// Counts by name, those above zero.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a, T> {
    pub(super) totals: &'a Totals,
    pub(super) _kind: core::marker::PhantomData<T>,
}

impl<'a, T> Tally<'a, T> {
    pub(super) const fn new(totals: &'a Totals) -> Self {
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

impl Serialize for Tally<'_, FullTables> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        tally(serializer, self.totals.tables_full.iter().copied())
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
    // None of these types refuses to be written; half a line must not stay if one did.
    if write_json(event, line).is_err() {
        line.truncate(before);
        return;
    }
    line.push(b'\n');
}
