//! Reassembly of IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5) within a bound.
//!
//! A datagram is complete when its fragments, by the lengths in their headers, cover it; octets that the snapshot
//! length cut are then missing in what comes out, but neither the datagram nor its length. A datagram that lacks
//! a fragment gives nothing: as far as can be seen, its receiver did not get it either. Where fragments
//! overlap the first one wins.

use core::net::IpAddr;

use super::ip::{Address, Fragment, IpHeader, Packet};
use super::octets::Octets;
use crate::time::{SECOND, Timestamp};

/// Nanoseconds of packet time a datagram may stay incomplete. Linux waits 30 s, RFC 8200 section 4.5 allows 60.
const PATIENCE: i64 = 30 * SECOND;
/// The longest payload an IP packet without jumbo option can have.
const MAX_LEN: usize = 65_535;
/// Fragment offsets count in blocks of this many octets.
const BLOCK: usize = 8;
const WORDS: usize = MAX_LEN.div_ceil(BLOCK * 64);

/// What became of fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentCounters {
    /// Fragments seen.
    pub fragments: u64,
    /// Datagrams put together.
    pub reassembled: u64,
    /// Datagrams given up because a fragment did not come within 30 s of packet time.
    pub expired: u64,
    /// Datagrams given up because too many were incomplete.
    pub evicted: u64,
    /// Fragments that repeat octets of another one; the first one won.
    pub overlapping: u64,
    /// Fragments beyond the longest datagram, or beyond the end that another one stated.
    pub impossible: u64,
}

/// What a fragment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is held until the others come.
    Held,
    /// It is held, and the oldest incomplete datagram had to give way.
    HeldForAnother,
    /// It cannot be part of a datagram.
    Impossible,
    /// It completes the datagram in this slot.
    Complete(usize),
}

/// A datagram put together.
#[derive(Debug)]
pub(super) struct Datagram {
    /// Header of its first fragment.
    pub(super) header: IpHeader<IpAddr>,
    /// What it carries.
    pub(super) protocol: u8,
    /// What was captured from the front without a gap.
    data: Vec<u8>,
    len: usize,
    slot: usize,
}

impl Datagram {
    /// Its payload.
    pub(super) fn payload(&self) -> Octets<'_> {
        Octets::new(&self.data, self.len)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// 0 for IPv6, where it is not part of the key.
    protocol: u8,
}

/// One incomplete datagram, or an empty place for one.
#[derive(Debug)]
struct Slot {
    /// `None` where the place is empty.
    key: Option<Key>,
    since: Timestamp,
    /// Header and protocol of the fragment at offset 0.
    first: Option<(IpHeader<IpAddr>, u8)>,
    data: Vec<u8>,
    /// A bit for each block that came.
    blocks: [u64; WORDS],
    /// Where the last fragment ends.
    end: Option<usize>,
    /// Where the first octet is that came but was not captured.
    cut_at: usize,
}

/// Incomplete datagrams.
#[derive(Debug)]
pub(super) struct Reassembler {
    slots: Vec<Slot>,
    limit: usize,
    pub(super) counters: FragmentCounters,
}

impl Reassembler {
    /// Holds at most `limit` datagrams (at least one) of at most 64 KiB.
    pub(super) fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), limit: limit.max(1), counters: FragmentCounters::default() }
    }

    /// Datagrams that are incomplete.
    pub(super) fn pending(&self) -> usize {
        self.slots.iter().filter(|slot| slot.key.is_some()).count()
    }

    /// Takes in one fragment.
    pub(super) fn add<A: Address>(&mut self, packet: Packet<'_, A>, fragment: Fragment, now: Timestamp) -> Added {
        self.counters.fragments += 1;
        // All but the last are whole blocks; receivers drop the rest of one that is not.
        let len = if fragment.more { packet.payload.len & !(BLOCK - 1) } else { packet.payload.len };
        let end = fragment.offset + len;
        if end > MAX_LEN || len == 0 {
            self.counters.impossible += 1;
            return Added::Impossible;
        }
        self.expire(now);
        let header = packet.header.of_any_version();
        let protocol = if header.source.is_ipv6() { 0 } else { packet.protocol };
        let key = Key { source: header.source, destination: header.destination, id: fragment.id, protocol };
        let (index, evicted) = self.place_for(key, now);
        let Some(slot) = self.slots.get_mut(index) else { return Added::Impossible };
        if fragment.offset == 0 && slot.first.is_none() {
            slot.first = Some((header, packet.protocol));
        }
        if !fragment.more && slot.end.is_none() {
            slot.end = Some(end);
        }
        self.counters.overlapping += u64::from(slot.copy(packet.payload, fragment.offset, end));
        self.counters.impossible += u64::from(slot.end.is_some_and(|stated| end > stated));
        match (slot.is_complete(), evicted) {
            (true, _) => Added::Complete(index),
            (false, true) => Added::HeldForAnother,
            (false, false) => Added::Held,
        }
    }

    /// Takes the datagram out of a slot that [`Self::add`] called complete.
    pub(super) fn take(&mut self, index: usize) -> Option<Datagram> {
        let slot = self.slots.get_mut(index)?;
        let (mut header, protocol) = slot.first?;
        let len = slot.end?;
        header.fragmented = true;
        slot.key = None;
        let mut data = core::mem::take(&mut slot.data);
        data.truncate(len.min(slot.cut_at));
        self.counters.reassembled += 1;
        Some(Datagram { header, protocol, data, len, slot: index })
    }

    /// Gives the buffer back, for the next datagram.
    pub(super) fn recycle(&mut self, datagram: Datagram) {
        // A datagram inside the datagram may have taken the slot meanwhile.
        if let Some(slot) = self.slots.get_mut(datagram.slot)
            && slot.data.capacity() == 0
        {
            slot.data = datagram.data;
        }
    }

    fn expire(&mut self, now: Timestamp) {
        for slot in &mut self.slots {
            if slot.key.is_some() && now.since(slot.since) > PATIENCE {
                slot.key = None;
                self.counters.expired += 1;
            }
        }
    }

    /// The slot of `key`: its own, an empty one, a new one, or the oldest one's. Tells whether it is the last.
    fn place_for(&mut self, key: Key, now: Timestamp) -> (usize, bool) {
        if let Some(index) = self.slots.iter().position(|slot| slot.key == Some(key)) {
            return (index, false);
        }
        let mut evicted = false;
        let index = match self.slots.iter().position(|slot| slot.key.is_none()) {
            Some(empty) => empty,
            None if self.slots.len() < self.limit => {
                self.slots.push(Slot::empty());
                self.slots.len() - 1
            }
            None => {
                evicted = true;
                self.counters.evicted += 1;
                self.slots.iter().enumerate().min_by_key(|(_, slot)| slot.since).map_or(0, |(index, _)| index)
            }
        };
        if let Some(slot) = self.slots.get_mut(index) {
            slot.begin(key, now);
        }
        (index, evicted)
    }
}

impl Slot {
    const fn empty() -> Self {
        Self {
            key: None,
            since: Timestamp(0),
            first: None,
            data: Vec::new(),
            blocks: [0; WORDS],
            end: None,
            cut_at: usize::MAX,
        }
    }

    fn begin(&mut self, key: Key, now: Timestamp) {
        let mut data = core::mem::take(&mut self.data);
        data.clear();
        *self = Self { key: Some(key), since: now, data, ..Self::empty() };
    }

    /// Copies the blocks of `offset..end` that are missing. Returns whether there were any.
    fn copy(&mut self, payload: Octets<'_>, offset: usize, end: usize) -> bool {
        let captured = payload.data.get(..end - offset).unwrap_or(payload.data);
        let needed = offset + captured.len();
        if self.data.len() < needed {
            self.data.resize(needed, 0);
        }
        let mut overlaps = false;
        for at in (offset..end).step_by(BLOCK) {
            let Some(word) = self.blocks.get_mut(at / BLOCK / 64) else { break };
            let bit = 1 << (at / BLOCK % 64);
            if *word & bit != 0 {
                overlaps = true;
                continue;
            }
            *word |= bit;
            let block = captured.get(at - offset..).unwrap_or_default();
            let block = block.get(..BLOCK).unwrap_or(block);
            if let Some(place) = self.data.get_mut(at..at + block.len()) {
                place.copy_from_slice(block);
            }
            if block.len() < BLOCK.min(end - at) {
                self.cut_at = self.cut_at.min(at + block.len());
            }
        }
        overlaps
    }

    fn is_complete(&self) -> bool {
        let (Some(end), Some(_)) = (self.end, self.first) else { return false };
        let blocks = end.div_ceil(BLOCK);
        let (full, rest) = (blocks / 64, blocks % 64);
        let mask = (1u64 << rest) - 1;
        self.blocks.iter().take(full).all(|word| *word == u64::MAX)
            && self.blocks.get(full).is_none_or(|word| word & mask == mask)
    }
}
