//! The event of an accept queue of this host.

use schemars::JsonSchema;
use serde::Serialize;

use super::build::{meta, observed};
use super::kernel::{ContainerBody, ProcessBody, UserBody, whose};
use super::scalar::{Integer, Time};
use super::types::{Action, CONTRACT, ECS, Ecs, End, Meta};
use crate::kernel::{Alarm, Known};
use crate::time::Timestamp;

/// `listener`: an accept queue passed 50, 80 or 100 percent of its limit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ListenerEvent {
    #[serde(rename = "@timestamp")]
    timestamp: Time,
    ecs: Ecs,
    event: Meta<'static>,
    /// Where it listens.
    destination: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<ContainerBody>,
    synscope: ListenerBody,
}

/// `synscope` of a `listener` event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ListenerBody {
    /// Version of the contract.
    v: u8,
    listener: QueueBody,
}

/// The queues of a listening socket.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct QueueBody {
    /// The level that was passed, percent: 50, 80 or 100.
    level: u32,
    /// Connections that wait to be accepted.
    accept_queue: u32,
    /// How many may wait; the kernel lets one more in.
    accept_queue_limit: u32,
    /// The most that were seen to wait.
    accept_queue_max: u32,
    /// Connections of the port in SYN-RECEIVED.
    half_open: u32,
    /// The most that were seen in SYN-RECEIVED.
    half_open_max: u32,
    /// Connections that the kernel of this host dropped since the capture began because an accept queue was full
    /// (`ListenOverflows`, of all its listening sockets).
    #[serde(skip_serializing_if = "Option::is_none")]
    overflows: Option<Integer>,
}

/// The event of `alarm`.
pub fn listener_event(alarm: &Alarm, known: &Known, sequence: u64) -> ListenerEvent {
    let row = &alarm.row;
    let (process, user, container) = whose(row.process.clone());
    ListenerEvent {
        timestamp: Time(Timestamp(alarm.time)),
        ecs: Ecs { version: ECS },
        event: meta(Action::Listener, sequence),
        destination: observed((row.now.address.ip(), Some(row.now.address.port()))),
        process,
        user,
        container,
        synscope: ListenerBody {
            v: CONTRACT,
            listener: QueueBody {
                level: row.level,
                accept_queue: row.now.queue,
                accept_queue_limit: row.now.limit,
                accept_queue_max: row.max_queue,
                half_open: row.now.half_open,
                half_open_max: row.max_half_open,
                overflows: known.counted("ListenOverflows").and_then(|n| i64::try_from(n).ok()).map(Integer),
            },
        },
    }
}
