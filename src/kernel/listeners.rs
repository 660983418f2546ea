//! The table of listening sockets.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::sync::Arc;

use super::snapshot::{Listener, Process};

/// Listening sockets kept; no host has nearly as many.
const LIMIT: usize = 4096;
/// Shares of the accept queue that are reported when they are passed, percent.
const LEVELS: [u32; 3] = [50, 80, 100];

/// A listening socket, as it stands and as it was at its worst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerRow {
    /// Where it listens, and its queues now.
    pub now: Listener,
    /// Its process, where that is known.
    pub process: Option<Arc<Process>>,
    /// The most connections that were seen to wait.
    pub max_queue: u32,
    /// The most connections that were seen in SYN-RECEIVED.
    pub max_half_open: u32,
    /// How full the accept queue is: the highest of 50, 80 and 100 percent that it has passed and not fallen below by
    /// more than ten, or 0.
    pub level: u32,
}

/// An accept queue that passed 50, 80 or 100 percent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// When, nanoseconds since 1970.
    pub time: i64,
    /// The listening socket.
    pub row: ListenerRow,
}

/// Every listening socket.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    rows: HashMap<SocketAddr, ListenerRow>,
}

impl Listeners {
    /// Takes the list as it is now; the queues that passed a level.
    pub(super) fn take(
        &mut self,
        time: i64,
        now: &[Listener],
        process: impl Fn(Option<u32>) -> Option<Arc<Process>>,
    ) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        for listener in now {
            if self.rows.len() >= LIMIT && !self.rows.contains_key(&listener.address) {
                continue;
            }
            let row = self.rows.entry(listener.address).or_insert_with(|| ListenerRow {
                now: *listener,
                process: None,
                max_queue: 0,
                max_half_open: 0,
                level: 0,
            });
            row.now = *listener;
            row.process = process(listener.process).or(row.process.take());
            row.max_queue = row.max_queue.max(listener.queue);
            row.max_half_open = row.max_half_open.max(listener.half_open);
            if row.passes_a_level() {
                alarms.push(Alarm { time, row: row.clone() });
            }
        }
        alarms
    }

    /// The listening socket that connections to `address` arrive at, if one was seen.
    pub(super) fn of(&self, address: SocketAddr) -> Option<&ListenerRow> {
        let any = |ip| self.rows.get(&SocketAddr::new(ip, address.port()));
        // A socket at :: takes IPv4 as well, unless it is set not to.
        self.rows
            .get(&address)
            .or_else(|| any(core::net::Ipv4Addr::UNSPECIFIED.into()).filter(|_| address.is_ipv4()))
            .or_else(|| any(core::net::Ipv6Addr::UNSPECIFIED.into()))
    }

    /// All of them, in order of port and address.
    pub(super) fn rows(&self) -> Vec<ListenerRow> {
        let mut rows = self.rows.values().cloned().collect::<Vec<_>>();
        rows.sort_by_key(|row| (row.now.address.port(), row.now.address));
        rows
    }
}

impl ListenerRow {
    /// How full the accept queue is, percent of its limit.
    pub fn fill(&self) -> u32 {
        let (queue, limit) = (u64::from(self.now.queue), u64::from(self.now.limit.max(1)));
        u32::try_from(queue * 100 / limit).unwrap_or(u32::MAX)
    }

    /// Whether it has just passed a level upwards. A level is left when the queue has fallen ten percent below it, so
    /// that a queue at a level is reported once.
    fn passes_a_level(&mut self) -> bool {
        let fill = self.fill();
        let above = |slack: u32| LEVELS.into_iter().filter(|level| fill + slack >= *level).max().unwrap_or(0);
        let (reached, held) = (above(0), above(10));
        let passed = reached > self.level;
        self.level = if passed { reached } else { self.level.min(held) };
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(queue: u32, limit: u32) -> Listener {
        Listener { address: "0.0.0.0:80".parse().unwrap(), queue, limit, half_open: 0, process: None }
    }

    #[test]
    fn a_level_is_reported_once_until_the_queue_has_emptied() {
        let mut listeners = Listeners::default();
        let mut levels = |queue| {
            let alarms = listeners.take(0, &[at(queue, 100)], |_| None);
            alarms.first().map_or(0, |alarm| alarm.row.level)
        };
        assert_eq!([0, 49, 50, 49, 50, 81, 75, 81].map(&mut levels), [0, 0, 50, 0, 0, 80, 0, 0]);
        assert_eq!([101, 100, 0, 100].map(&mut levels), [100, 0, 0, 100]);
    }

    #[test]
    fn a_socket_at_any_address_takes_what_no_other_does() {
        let mut listeners = Listeners::default();
        let own = Listener { address: "192.0.2.1:80".parse().unwrap(), ..at(3, 5) };
        let both = Listener { address: "[::]:443".parse().unwrap(), ..at(1, 5) };
        listeners.take(0, &[at(1, 5), own, both], |_| None);
        let queue = |address: &str| listeners.of(address.parse().unwrap()).map(|row| row.now.queue);
        assert_eq!(queue("192.0.2.1:80"), Some(3));
        assert_eq!(queue("192.0.2.2:80"), Some(1));
        assert_eq!(queue("192.0.2.2:443"), Some(1), "an IPv6 socket at :: takes IPv4 too");
        assert_eq!(queue("[2001:db8::1]:80"), None, "an IPv4 socket takes no IPv6");
        assert_eq!(listeners.rows().len(), 3);
    }
}
