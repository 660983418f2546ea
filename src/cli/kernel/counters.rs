//! What the kernel counts, and its settings.

use std::collections::BTreeMap;
use std::fs;

/// Counters of `/proc/net/netstat` (`TcpExt`) and `/proc/net/snmp` (`Tcp`) that say why connections fail
/// (`net/ipv4/proc.c`).
const COUNTERS: &[&str] = &[
    "ListenOverflows",
    "ListenDrops",
    "SyncookiesSent",
    "SyncookiesRecv",
    "SyncookiesFailed",
    "TCPReqQFullDoCookies",
    "TCPReqQFullDrop",
    "TCPSynRetrans",
    "TCPTimeouts",
    "TCPAbortOnData",
    "TCPAbortOnClose",
    "TCPAbortOnMemory",
    "TCPAbortOnTimeout",
    "TCPAbortOnLinger",
    "TCPAbortFailed",
    "TCPChallengeACK",
    "TCPSYNChallenge",
    "TCPTimeWaitOverflow",
    "TWRecycled",
    "PAWSActive",
    "PAWSEstab",
    "EmbryonicRsts",
    "ActiveOpens",
    "PassiveOpens",
    "AttemptFails",
    "EstabResets",
    "OutRsts",
];

/// Settings that limit how connections open, below `/proc/sys/net`.
const SETTINGS: &[&str] = &[
    "core.somaxconn",
    "ipv4.tcp_syncookies",
    "ipv4.tcp_max_syn_backlog",
    "ipv4.tcp_abort_on_overflow",
    "ipv4.tcp_synack_retries",
    "ipv4.tcp_syn_retries",
    "ipv4.tcp_fastopen",
    "ipv4.tcp_tw_reuse",
    "ipv4.ip_local_port_range",
];

/// The counters as they stand.
///
/// # Errors
///
/// Why they cannot be read.
pub(super) fn counters() -> Result<BTreeMap<String, u64>, String> {
    let mut counters = BTreeMap::new();
    for file in ["/proc/self/net/netstat", "/proc/self/net/snmp"] {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        counters.extend(chosen(&text));
    }
    Ok(counters)
}

/// The settings that there are.
pub(super) fn settings() -> BTreeMap<String, String> {
    let value = |name: &&str| {
        let text = fs::read_to_string(format!("/proc/sys/net/{}", name.replace('.', "/"))).ok()?;
        Some((format!("net.{name}"), text.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    SETTINGS.iter().filter_map(value).collect()
}

/// The chosen counters of a file of pairs of lines: names, then values, each after the same prefix.
fn chosen(text: &str) -> BTreeMap<String, u64> {
    let lines = text.lines().collect::<Vec<_>>();
    let pairs = lines.chunks_exact(2).filter_map(|pair| {
        let ((prefix, names), (again, values)) = (pair[0].split_once(':')?, pair[1].split_once(':')?);
        (prefix == again && ["Tcp", "TcpExt"].contains(&prefix)).then_some((names, values))
    });
    let each = pairs.flat_map(|(names, values)| names.split_whitespace().zip(values.split_whitespace()));
    let wanted = each.filter(|(name, _)| COUNTERS.contains(name));
    wanted.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_below_their_names() {
        let text = "TcpExt: SyncookiesSent ListenOverflows Other\nTcpExt: 1 22 3\nIpExt: ListenDrops\nIpExt: 4\n";
        let found = chosen(text);
        assert_eq!(found, BTreeMap::from([("ListenOverflows".to_owned(), 22), ("SyncookiesSent".to_owned(), 1)]));
        assert!(chosen("").is_empty());
        assert!(chosen("TcpExt: OutRsts\nTcpExt: -1\n").is_empty());
    }

    #[test]
    fn this_kernel_has_them() {
        assert!(counters().unwrap().len() > 10);
        assert!(settings().contains_key("net.core.somaxconn"));
    }
}
