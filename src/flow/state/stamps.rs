//! Time stamps of SYNs that servers took, by address: a server that remembers the last one of an address, for all hosts
//! that share it behind a translator, drops the SYNs of those whose clocks are behind (PAWS between connections:
//! Linux's `tcp_tw_recycle`, some firewalls and load balancers).
//!
//! A table of fixed size: what shares a place with another pair of addresses forgets that one.

use core::hash::BuildHasher;
use core::net::IpAddr;

use foldhash::fast::FixedState;

use crate::flow::record::flow::Flow;
use crate::flow::record::notes::StaleStamp;
use crate::seed::seed;
use crate::time::{SECOND, Timestamp};

const PLACES: usize = 4096;
/// How long a server remembers the time stamp of an address (Linux: `TCP_PAWS_MSL`), nanoseconds.
const REMEMBERED: i64 = 60 * SECOND;
/// A clock that is behind by no more than this is not (Linux: `TCP_PAWS_WINDOW`), ticks.
const WINDOW: i32 = 1;
/// Ticks a second of clocks of time stamps: RFC 7323 has one a millisecond to one a second; some systems 10 ms.
const FASTEST: i64 = 1_100;
/// So many that each are later than the one before are no coincidence.
const RISING: u32 = 3;

/// What a server took from an address.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// Of the pair of addresses; 0 where there is none.
    tag: u64,
    first: (Timestamp, u32),
    last: (Timestamp, u32),
    flow: u64,
    frame: u64,
    count: u32,
    /// Whether it took an earlier one after a later one.
    disproved: bool,
}

/// By pair of addresses.
#[derive(Debug)]
pub(in crate::flow) struct Stamps {
    places: Box<[Taken]>,
    hasher: FixedState,
}

impl Default for Stamps {
    fn default() -> Self {
        // Not random: the same file must give the same bytes.
        Self { places: vec![Taken::default(); PLACES].into_boxed_slice(), hasher: FixedState::with_seed(seed()) }
    }
}

impl Stamps {
    fn tag(&self, client: IpAddr, server: IpAddr) -> u64 {
        self.hasher.hash_one((client, server)) | 1
    }

    /// The server of `flow` answered its SYN.
    pub(in crate::flow) fn take(&mut self, flow: &Flow) {
        let Some(syn) = flow.handshake.syns.last() else { return };
        let Some(value) = syn.ts_value else { return };
        let tag = self.tag(flow.client.endpoint.ip, flow.server.endpoint.ip);
        let Some(place) = self.places.get_mut((tag >> 1) as usize % PLACES) else { return };
        let now = (syn.time, value);
        if place.tag != tag || syn.time - place.last.0 > REMEMBERED {
            *place = Taken { tag, first: now, ..Taken::default() };
        } else {
            place.disproved |= is_behind(value, place.last.1);
        }
        (place.last, place.flow, place.frame) = (now, flow.id, syn.frame);
        place.count = place.count.saturating_add(1);
    }

    /// What explains that nothing answers the SYN of `flow`, if its time stamp does.
    pub(in crate::flow) fn explain(&self, flow: &Flow) -> Option<StaleStamp> {
        let (first, last) = (flow.handshake.syns.first()?, flow.handshake.syns.last()?);
        let value = last.ts_value?;
        let tag = self.tag(flow.client.endpoint.ip, flow.server.endpoint.ip);
        let taken =
            self.places.get((tag >> 1) as usize % PLACES).filter(|taken| taken.tag == tag && !taken.disproved)?;
        // Others were served before it came, and while it asked in vain.
        let meanwhile = taken.first.0 < first.time && taken.last.0 > first.time && first.time < last.time;
        let behind =
            is_behind(value, taken.last.1) && first.ts_value.is_some_and(|first| is_behind(first, taken.last.1));
        (meanwhile && behind && (taken.count >= RISING || taken.is_one_clock())).then_some(StaleStamp {
            value,
            taken: taken.last.1,
            flow: taken.flow,
            frame: taken.frame,
            count: taken.count,
        })
    }
}

impl Taken {
    /// Whether the first and the last are of one clock.
    fn is_one_clock(&self) -> bool {
        let (time, ticks) = (self.last.0 - self.first.0, self.last.1.wrapping_sub(self.first.1));
        self.count > 1 && time > 0 && i64::from(ticks) <= (time / 1_000_000).saturating_mul(FASTEST) / 1_000 + 1
    }
}

/// Whether `value` lies behind `other`, on a clock that wraps.
const fn is_behind(value: u32, other: u32) -> bool {
    other.wrapping_sub(value).cast_signed() > WINDOW
}

impl Flow {
    pub(in crate::flow) fn set_stale_stamp(&mut self, stale: StaleStamp) {
        self.notes.get_or_insert_default().stale_stamp = Some(stale);
    }

    /// Why nothing answers its SYN, where the time stamp tells.
    pub fn stale_stamp(&self) -> Option<&StaleStamp> {
        let stale = self.notes.as_deref()?.stale_stamp.as_ref()?;
        (!self.server.spoke()).then_some(stale)
    }
}
