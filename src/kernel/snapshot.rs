//! What the helper process says: one JSON object a line.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What changed since the snapshot before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// When it was taken, nanoseconds since 1970.
    pub time: i64,
    /// Processes that were not mentioned before, by the number that sockets and listeners name them by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<(u32, Process)>,
    /// Sockets that are new or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<Socket>,
    /// Sockets that are no more: local and remote end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<(SocketAddr, SocketAddr)>,
    /// All listening sockets.
    pub listeners: Vec<Listener>,
    /// Counters of `/proc/net/netstat` and `/proc/net/snmp`, as they stand.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// Settings below `/proc/sys/net`, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Addresses of this host, where they changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// What could not be asked, and why, where that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Sockets that were not looked at: there were more than the limit.
    pub unlisted: u64,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name: at most 15 octets (`/proc/PID/comm`).
    pub name: String,
    /// The file that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// Its user, or the number where that has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The container that it runs in, from the name of its control group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// The end that is here.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The kernel's number of its state; see [`super::state`].
    pub state: u8,
    /// The number of its process, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Where it listens; the unspecified address for every one.
    pub address: SocketAddr,
    /// Connections that wait to be accepted.
    pub queue: u32,
    /// How many may wait (the smaller of the backlog and `net.core.somaxconn`); one more than that is let in.
    pub limit: u32,
    /// Connections of its port in SYN-RECEIVED.
    pub half_open: u32,
    /// The number of its process, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
}
