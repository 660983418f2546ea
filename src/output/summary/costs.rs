//! What opening connections cost, by server and in all.

use core::cmp::Reverse;
use core::fmt::Write as _;
use core::net::IpAddr;
use std::collections::HashMap;

use super::page::Page;
use crate::flow::OpeningInBrief;
use crate::output::duration::human;
use crate::output::histogram::Histogram;
use crate::tcp::Endpoint;
use crate::tls::{Resumption, TlsVersion};

/// Servers that are counted at a time; when there are more, the half with the fewest connections makes room.
const MAX_SERVERS: usize = 128;
/// Servers that are shown.
const SHOWN: usize = 10;
/// One connection in so many makes something worth a line.
const ONE_IN: u64 = 10;

/// What the connections to one server, or to all, cost.
#[derive(Debug, Default)]
struct Cost {
    connections: u64,
    tcp: Histogram,
    tls: Histogram,
    /// Round trips of the TLS handshake, in hundredths.
    round_trips: Histogram,
    resumed: u64,
    early: u64,
    retried: u64,
    failed: u64,
    /// Full handshakes of TLS 1.2.
    full_12: u64,
    /// Versions below that.
    old: u64,
}

impl Cost {
    fn add(&mut self, opening: &OpeningInBrief) {
        self.connections += 1;
        let cost = &opening.cost;
        if let Some(time) = cost.tcp {
            self.tcp.add(time);
        }
        if let Some(time) = cost.tls {
            self.tls.add(time);
            if let Some(round_trips) = cost.in_round_trips(time) {
                self.round_trips.add((round_trips * 100.0).round() as i64);
            }
        }
        let full_12 = opening.version == Some(TlsVersion::Tls12) && opening.kind == Some(Resumption::Full);
        self.resumed += u64::from(matches!(opening.kind, Some(Resumption::Resumed | Resumption::Psk)));
        self.early += u64::from(opening.early_data);
        self.retried += u64::from(opening.hello_retry);
        self.failed += u64::from(opening.failed);
        self.full_12 += u64::from(full_12);
        self.old += u64::from(opening.version.is_some_and(|version| version < TlsVersion::Tls12));
    }

    fn row(&self, name: &str) -> String {
        let time = |times: &Histogram, percent| match times.count() {
            0 => "-".to_owned(),
            _ => human(times.percentile(percent)),
        };
        let trips = match self.round_trips.count() {
            0 => "-".to_owned(),
            _ => format!("{:.1}", self.round_trips.percentile(50) as f64 / 100.0),
        };
        let share = |n: u64| format!("{:.0}%", n as f64 * 100.0 / self.connections.max(1) as f64);
        let mut row = String::new();
        let (tcp, tls, tls_99) = (time(&self.tcp, 50), time(&self.tls, 50), time(&self.tls, 99));
        let (resumed, early, retried) = (share(self.resumed), share(self.early), share(self.retried));
        // Writing to a String cannot fail.
        let _ = write!(row, "{name:<23}{:>6}{tcp:>9}{tls:>9}{tls_99:>9}{trips:>6}", self.connections);
        let _ = write!(row, "{resumed:>6}{early:>6}{retried:>6}");
        row
    }

    /// What to do about it, if anything.
    fn advice(&self) -> Option<String> {
        let all = self.connections;
        let often = |n: u64| n > 0 && n >= all.div_ceil(ONE_IN);
        if often(self.old) {
            Some(format!("below TLS 1.2: {} of {all}, which RFC 8996 forbids", self.old))
        } else if often(self.failed) {
            Some(format!("failed TLS handshakes: {} of {all} (-Y tls.failed:yes)", self.failed))
        } else if often(self.retried) {
            Some(format!(
                "hello retries: {} of {all}, one round trip each; support the group that the clients send first",
                self.retried
            ))
        } else if often(self.full_12) {
            Some(format!("TLS 1.2 full handshakes: {} of {all}, 2 round trips where 1.3 takes 1", self.full_12))
        } else {
            None
        }
    }
}

/// What opening connections cost, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Costs {
    all: Cost,
    servers: HashMap<(IpAddr, u16), Cost>,
    pushed_out: bool,
}

impl Costs {
    /// Adds a connection to `server`.
    pub(super) fn add(&mut self, server: IpAddr, opening: &OpeningInBrief) {
        self.all.add(opening);
        let key = (server, opening.port);
        if !self.servers.contains_key(&key) && self.servers.len() >= MAX_SERVERS {
            self.push_out();
        }
        self.servers.entry(key).or_default().add(opening);
    }

    /// Drops the half with the fewest connections.
    fn push_out(&mut self) {
        let mut order: Vec<_> = self.servers.iter().map(|(key, cost)| (cost.connections, *key)).collect();
        order.sort_unstable();
        for (_, key) in order.iter().take(MAX_SERVERS / 2) {
            self.servers.remove(key);
        }
        self.pushed_out = true;
    }

    /// The table; nothing where no TLS was seen.
    pub(super) fn write(&self, page: &mut Page) {
        if self.all.connections == 0 {
            return;
        }
        let (resumed, early) = ("again", "0-RTT");
        page.title(&format!(
            "{:<23}{:>6}{:>9}{:>9}{:>9}{:>6}{resumed:>6}{early:>6}{:>6}",
            "Opening cost", "n", "TCP p50", "TLS p50", "p99", "RTTs", "retry"
        ));
        let mut servers: Vec<_> = self.servers.iter().collect();
        servers.sort_unstable_by_key(|(key, cost)| (Reverse(cost.connections), **key));
        for ((ip, port), cost) in servers.iter().take(SHOWN) {
            let name = format!("  {}", Endpoint { ip: *ip, port: *port });
            if name.len() > 23 {
                page.line(&name);
                page.line(&cost.row(""));
            } else {
                page.line(&cost.row(&name));
            }
            if let Some(advice) = cost.advice() {
                page.wrapped("    ", 4, &advice);
            }
        }
        if servers.len() > 1 {
            page.line(&self.all.row("  all"));
        }
        if self.pushed_out {
            page.line(&format!("  (more than {MAX_SERVERS} servers: small counts are lower bounds)"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::OpeningCost;

    fn opening(port: u16, version: TlsVersion) -> OpeningInBrief {
        let cost = OpeningCost {
            tcp: Some(10_000_000),
            tls: Some(20_000_000),
            to_first_request: None,
            to_first_response: None,
            rtt: Some(10_000_000),
        };
        OpeningInBrief {
            port,
            cost,
            version: Some(version),
            kind: Some(Resumption::Full),
            hello_retry: false,
            early_data: false,
            failed: false,
        }
    }

    #[test]
    fn servers_are_bounded_and_the_busy_ones_stay() {
        let mut costs = Costs::default();
        for n in 0..10_000u32 {
            costs.add(IpAddr::V4(n.into()), &opening(443, TlsVersion::Tls13));
            costs.add(IpAddr::V4(7.into()), &opening(8443, TlsVersion::Tls12));
        }
        assert!(costs.servers.len() <= MAX_SERVERS);
        let mut page = Page::default();
        costs.write(&mut page);
        assert!(page.0.lines().nth(1).is_some_and(|line| line.contains("0.0.0.7:8443")), "{}", page.0);
        assert!(page.0.contains("TLS 1.2 full handshakes: 10000 of 10000"), "{}", page.0);
        assert!(page.0.lines().all(|line| line.chars().count() <= 80), "{}", page.0);
        assert!(page.0.contains("small counts are lower bounds"));
    }
}
