//! What the kernel of this host knows, in events.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::scalar::{Count, EnumName};
use crate::flow::{Flow, Side};
use crate::kernel::{KernelEnd, Known, Match, Process, end_of};
use crate::tcp::State;
use crate::time::SECOND;

/// ECS `process`: the process of the end that is on this host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProcessBody {
    pub(super) pid: u32,
    /// At most 15 octets, as in `/proc/PID/comm`.
    #[serde(serialize_with = "name")]
    #[schemars(with = "String")]
    pub(super) name: Arc<Process>,
    /// The file that it runs; absent where that may not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) executable: Option<String>,
}

/// ECS `user`: who runs the process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserBody {
    /// The number, where it has no name.
    pub(super) name: String,
}

/// ECS `container`: the container that the process runs in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ContainerBody {
    pub(super) id: String,
}

/// What the kernel of this host knows of an end that is here (live, Linux).
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KernelBody {
    /// `exact`: the process of this very socket. `late`: the socket was gone before it could be asked about, and the
    /// process is the one that listens, or the only one seen to talk to that server. `none`: unknown.
    #[serde(rename = "match")]
    pub(super) matched: EnumName<Match>,
    /// The state of the socket in the kernel, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<EnumName<State>>,
    /// Present and true where the kernel has the socket in another state than its segments show, more than a second
    /// after the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_disagrees: Option<bool>,
    /// The process, where both ends are here and `process` is the client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<ProcessBody>,
}

/// The kernel's counters that belong to an anomaly, by name: how far each has moved since the capture began.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CountersBody(BTreeMap<String, Count>);

/// Both ends as the kernel knows them, and the process, user and container of the one that is here.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    pub(super) process: Option<ProcessBody>,
    pub(super) user: Option<UserBody>,
    pub(super) container: Option<ContainerBody>,
    client: Option<KernelBody>,
    server: Option<KernelBody>,
}

/// A process with its user and its container.
pub(super) type Whose = (Option<ProcessBody>, Option<UserBody>, Option<ContainerBody>);

/// The process with its user and its container.
pub(super) fn whose(process: Option<Arc<Process>>) -> Whose {
    let user = process.as_ref().and_then(|process| process.user.clone()).map(|name| UserBody { name });
    let container = process.as_ref().and_then(|process| process.container.clone()).map(|id| ContainerBody { id });
    (process.map(body), user, container)
}

impl Ends {
    /// Those of `flow`; while it lasts, an end whose process is unknown is left out: that may change.
    pub(super) fn of(flow: &Flow, ended: bool, known: Option<&Known>) -> Self {
        let Some(known) = known else { return Self::default() };
        let of = |side| known_end(flow, side, known).filter(|end| ended || end.matched != Match::None);
        let (client, server) = (of(Side::Client), of(Side::Server));
        let main = [&client, &server].into_iter().flatten().find_map(|end| end.process.clone());
        let end = |side, end: Option<KernelEnd>| {
            end.map(|end| KernelBody {
                state_disagrees: state_disagrees(flow, side, &end, known).then_some(true),
                matched: EnumName(end.matched),
                state: end.state.map(EnumName),
                process: end.process.filter(|process| Some(process) != main.as_ref()).map(body),
            })
        };
        let (client, server) = (end(Side::Client, client), end(Side::Server, server));
        let (process, user, container) = whose(main);
        Self { process, user, container, client, server }
    }

    /// The end of this side.
    pub(super) fn take(&mut self, side: Side) -> Option<KernelBody> {
        match side {
            Side::Client => self.client.take(),
            Side::Server => self.server.take(),
        }
    }
}

/// What is known of an end of `flow`; `None` where it is not here.
pub fn known_end(flow: &Flow, side: Side, known: &Known) -> Option<KernelEnd> {
    let end = |side| {
        let endpoint = flow.peer(side).endpoint;
        end_of(endpoint.ip, endpoint.port)
    };
    known.end(end(side), end(side.other()), side == Side::Server, flow.first_time)
}

/// Whether the kernel has an end in another state than its segments show, and that for long enough: packets and
/// snapshots reach synscope at different times.
pub fn state_disagrees(flow: &Flow, side: Side, end: &KernelEnd, known: &Known) -> bool {
    let settled = known.time().saturating_sub(flow.last_time.0) > flow.handshake.rtt().unwrap_or(0).max(SECOND);
    let shown = flow.final_state(side);
    let differs = |state: State| shown.is_some_and(|shown| shown != state);
    settled && end.state.is_some_and(differs)
}

fn body(process: Arc<Process>) -> ProcessBody {
    ProcessBody { pid: process.pid, executable: process.executable.clone(), name: process }
}

fn name<S: Serializer>(process: &Arc<Process>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&process.name)
}

/// The counters that say whether an anomaly is what it seems, the deciding one first (`net/ipv4/proc.c`).
const EVIDENCE: &[(&str, &[&str])] = &[
    ("accept-queue-overflow", &["ListenOverflows", "ListenDrops"]),
    ("half-open-accumulation", &["TCPReqQFullDrop", "TCPReqQFullDoCookies", "ListenDrops"]),
    ("server-cookie-mode", &["SyncookiesSent", "SyncookiesRecv", "SyncookiesFailed", "TCPReqQFullDoCookies"]),
    ("syn-flood", &["TCPReqQFullDoCookies", "TCPReqQFullDrop", "ListenDrops", "SyncookiesSent"]),
    ("syn-flood-cusum", &["TCPReqQFullDoCookies", "TCPReqQFullDrop", "ListenDrops", "SyncookiesSent"]),
    ("syn-flood-spoofed", &["TCPReqQFullDoCookies", "TCPReqQFullDrop", "ListenDrops", "SyncookiesSent"]),
    ("connection-flood", &["ListenOverflows", "ListenDrops"]),
    ("syn-unanswered", &["ListenOverflows", "ListenDrops", "TCPReqQFullDrop", "TCPSynRetrans"]),
    ("missing-ack", &["ListenOverflows", "EmbryonicRsts", "SyncookiesFailed"]),
    ("port-reuse-refused", &["TWRecycled", "TCPTimeWaitOverflow", "PAWSEstab"]),
    ("port-reuse-timewait", &["TWRecycled", "TCPTimeWaitOverflow"]),
    ("half-open-crash", &["TCPSYNChallenge", "TCPChallengeACK", "OutRsts"]),
    ("reset-no-data", &["ListenOverflows", "TCPAbortOnClose", "TCPAbortOnData", "EstabResets"]),
];

/// What the kernel counted about anomaly `id` of a server or client of this host.
pub(super) fn counters(id: &str, ends: [Option<IpAddr>; 2], known: Option<&Known>) -> Option<CountersBody> {
    let known = known?;
    let (_, names) = EVIDENCE.iter().find(|(rule, _)| *rule == id)?;
    if !ends.into_iter().flatten().any(|ip| known.is_here(ip.to_canonical())) {
        return None;
    }
    let counted = names.iter().filter_map(|name| Some(((*name).to_owned(), Count(known.counted(name)?))));
    let counted = counted.collect::<BTreeMap<_, _>>();
    (!counted.is_empty()).then_some(CountersBody(counted))
}

/// Whether the kernel of this host knows better: it counted no overflow since the capture began, and has counted since
/// the connection ended.
pub fn contradicts(id: &str, flow: &Flow, known: &Known) -> bool {
    let is_here = || known.is_here(flow.server.endpoint.ip.to_canonical());
    id == "accept-queue-overflow"
        && is_here()
        && known.time() > flow.last_time.0
        && known.counted("ListenOverflows") == Some(0)
}
