//! What happens often within a few seconds: counted in windows that end with each event, not in those of the calendar.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::sketch::fixed_hash_of;
use crate::time::{SECOND, Timestamp};

/// So many events within [`WINDOW`] are a burst.
pub(super) const MANY: usize = 20;
/// Nanoseconds.
const WINDOW: i64 = 10 * SECOND;
/// A burst is over after this much time without another one, nanoseconds.
const OVER: i64 = 60 * SECOND;
/// Clients remembered of a service.
const CLIENTS: usize = 32;
/// Seconds for which they are.
const CLIENTS_FOR: i64 = 60;

/// The last [`MANY`] events of a kind.
#[derive(Debug, Default)]
pub(super) struct Burst {
    /// Times, in the order of a ring. Empty until there is one.
    times: Vec<Timestamp>,
    next: usize,
    /// When there was last a burst.
    last: Option<Timestamp>,
}

impl Burst {
    /// One more at `time`; whether there were [`MANY`] within ten seconds.
    pub(super) fn add(&mut self, time: Timestamp) -> bool {
        if self.times.len() < MANY {
            self.times.push(time);
        } else {
            self.times[self.next] = time;
            self.next = (self.next + 1) % MANY;
        }
        let oldest = self.times.get(self.next).copied().unwrap_or(time);
        self.times.len() == MANY && time - oldest < WINDOW
    }

    /// There is a burst at `time`; whether it is another one than that of before.
    pub(super) fn should_report(&mut self, time: Timestamp) -> bool {
        self.last.replace(time).is_none_or(|last| time - last >= OVER)
    }

    /// Octets held elsewhere.
    pub(super) const fn octets(&self) -> usize {
        self.times.capacity() * size_of::<Timestamp>()
    }
}

/// The same of hosts: each counts once.
#[derive(Debug, Default)]
pub(super) struct HostBurst {
    /// Hash of the address, and its last event.
    seen: Vec<(u32, Timestamp)>,
    last: Option<Timestamp>,
}

impl HostBurst {
    /// Something of `ip` at `time`; whether it was so of [`MANY`] hosts within ten seconds.
    pub(super) fn add(&mut self, ip: IpAddr, time: Timestamp) -> bool {
        let host = fixed_hash_of(&ip) as u32;
        self.seen.retain(|(known, at)| *known != host && (time - *at).abs() < WINDOW);
        if self.seen.len() == MANY {
            self.seen.remove(0);
        }
        self.seen.push((host, time));
        self.seen.len() == MANY
    }

    /// There is a burst at `time`; whether it is another one than that of before.
    pub(super) fn should_report(&mut self, time: Timestamp) -> bool {
        self.last.replace(time).is_none_or(|last| time - last >= OVER)
    }

    /// Octets held elsewhere.
    pub(super) const fn octets(&self) -> usize {
        self.seen.capacity() * size_of::<(u32, Timestamp)>()
    }
}

/// Who tried a service within the last minute, up to a few dozen.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Hash of the address, second of the last attempt seen.
    seen: SmallVec<[(u32, i32); 2]>,
    /// With a full table nobody new is of interest before this second.
    full_until: i32,
}

impl Clients {
    /// The client with this hash tried in `second` of the service.
    pub(super) fn see(&mut self, client: u64, second: i64) {
        let second = i32::try_from(second).unwrap_or(i32::MAX);
        if self.seen.len() == CLIENTS && second < self.full_until {
            return;
        }
        let client = client as u32;
        if let Some((_, last)) = self.seen.iter_mut().find(|(known, _)| *known == client) {
            *last = second;
        } else if self.seen.len() < CLIENTS {
            self.seen.push((client, second));
        } else if let Some(place) = self.seen.iter_mut().min_by_key(|(_, last)| *last) {
            let over = place.1.saturating_add(CLIENTS_FOR as i32);
            if over <= second {
                *place = (client, second);
            } else {
                self.full_until = over;
            }
        }
    }

    /// How many are known, however old: as many as, or more than, there were lately.
    pub(super) fn known(&self) -> usize {
        self.seen.len()
    }

    /// How many tried within the minute before `second` of the service.
    pub(super) fn lately(&self, second: i64) -> usize {
        self.seen.iter().filter(|(_, last)| i64::from(*last) > second - CLIENTS_FOR).count()
    }

    /// Octets held elsewhere.
    pub(super) fn octets(&self) -> usize {
        if self.seen.spilled() { self.seen.capacity() * size_of::<(u32, i32)>() } else { 0 }
    }
}
