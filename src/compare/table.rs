//! The connections of both captures: pairs them, matches their segments, and lets go of those that are over.

use core::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::addresses::Addresses;
use super::clock::Clocks;
use super::judge::{self, Context, Judgement};
use super::pair::{Match, Pair};
use super::seen::{Seen, SegmentKind, Tap};
use super::summary::Summary;
use crate::flow::Side;
use crate::tcp::{Endpoint, Flags, Segment};
use crate::time::{SECOND, Timestamp};

/// How long a segment waits for its other sight, by the clock of the other tap.
const WAIT: i64 = 10 * SECOND;
/// How long a closed connection stays, and one that did not open.
const LINGER: i64 = 5 * SECOND;
const OPENING: i64 = 130 * SECOND;
/// A connection of which segments come is looked at each time so many were taken.
const SWEEP_EVERY: u64 = 4;
/// Connections with one four-tuple, or one key of a translated connection, that are kept apart.
const MAX_ALIKE: usize = 8;
/// How far apart in time the two sights of the SYN of a translated connection can be.
const TRANSLATION: i64 = 2 * SECOND;

/// The lower endpoint first.
type Key = (Endpoint, Endpoint);
/// The sink of judgements.
pub type Judged<'a> = dyn FnMut(&Judgement) + 'a;

fn key(a: Endpoint, b: Endpoint) -> Key {
    if a <= b { (a, b) } else { (b, a) }
}

/// Compares two captures, segment by segment as they are read.
#[derive(Debug)]
pub struct Comparison {
    max_flows: usize,
    /// Which tap is nearer all clients, where the user says so.
    near: Option<Tap>,
    pairs: Vec<Option<Box<Pair>>>,
    free: Vec<u32>,
    newest: HashMap<Key, u32, FixedState>,
    /// By both initial sequence numbers: connections that one tap saw so far.
    by_numbers: HashMap<(u32, u32), SmallVec<[u32; 2]>, FixedState>,
    /// By that of the client, and its time stamp.
    by_syn: HashMap<(u32, u32), SmallVec<[u32; 2]>, FixedState>,
    addresses: Addresses,
    clocks: Clocks,
    /// B minus A, roughly: to know what each tap must have seen by now.
    offset: Option<i64>,
    now: [Option<Timestamp>; 2],
    first: [Option<Timestamp>; 2],
    ended: [bool; 2],
    hand: usize,
    taken: u64,
    count: u64,
    summary: Summary,
}

impl Comparison {
    /// Keeps `max_flows` connections at most (at least 1); `near` is the tap nearer the clients, if that is known.
    pub fn new(max_flows: usize, near: Option<Tap>) -> Self {
        Self {
            max_flows: max_flows.max(1),
            near,
            pairs: Vec::new(),
            free: Vec::new(),
            newest: HashMap::default(),
            by_numbers: HashMap::default(),
            by_syn: HashMap::default(),
            addresses: Addresses::new(max_flows.max(1)),
            clocks: Clocks::default(),
            offset: None,
            now: [None; 2],
            first: [None; 2],
            ended: [false; 2],
            hand: 0,
            taken: 0,
            count: 0,
            summary: Summary::default(),
        }
    }

    /// B's clock minus A's, nanoseconds, as far as is known: who reads both captures keeps them in step by it.
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }

    /// What was found so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Takes the next segment of a capture.
    pub fn segment(&mut self, tap: Tap, segment: &Segment, judged: &mut Judged<'_>) {
        self.first[tap as usize].get_or_insert(segment.time);
        let now = self.now[tap as usize].get_or_insert(segment.time);
        *now = (*now).max(segment.time);
        self.taken += 1;
        let slot = self.find(tap, segment, judged);
        let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let ends = pair.part[tap as usize].ends.get_or_insert((segment.source, segment.destination));
        let sender = if ends.0 == segment.source { Side::Client } else { Side::Server };
        let mut seen = Seen::new(segment, sender);
        let fresh = pair.note(tap, &mut seen);
        self.summary.segment(tap, &seen, fresh);
        if !fresh {
            return;
        }
        if pair.part[tap as usize].of[sender as usize] == 1 {
            self.addresses.sends(tap, segment.source.ip);
        }
        let found = pair.take(tap, seen, self.offset);
        if let Some(found) = found {
            self.matched(slot, &found);
        } else if matches!(seen.kind, SegmentKind::Syn | SegmentKind::SynAck) || !self.is_at_both(slot) {
            self.look_elsewhere(slot, tap, &seen);
        } else {
            self.look_for_shift(slot);
        }
        if self.taken.is_multiple_of(SWEEP_EVERY) {
            self.sweep(judged);
        }
    }

    /// A capture has ended.
    pub fn end(&mut self, tap: Tap) {
        self.ended[tap as usize] = true;
    }

    /// Judges what is left.
    pub fn finish(&mut self, judged: &mut Judged<'_>) -> &Summary {
        self.ended = [true; 2];
        self.clocks.close();
        for slot in 0..self.pairs.len() as u32 {
            self.join_by_syn(slot);
        }
        let tail = self.tail();
        for slot in 0..self.pairs.len() as u32 {
            self.let_go(slot, false, tail, judged);
        }
        self.summary.close(&self.clocks, self.first, self.now);
        &self.summary
    }

    fn get(&self, slot: u32) -> Option<&Pair> {
        self.pairs.get(slot as usize)?.as_deref()
    }

    fn is_at_both(&self, slot: u32) -> bool {
        self.get(slot).is_some_and(Pair::is_at_both)
    }

    /// The pair that a segment belongs to, a new one where there is none.
    fn find(&mut self, tap: Tap, segment: &Segment, judged: &mut Judged<'_>) -> u32 {
        let key = key(segment.source, segment.destination);
        let is_syn = segment.flags.has(Flags::SYN);
        let opens = is_syn && !segment.flags.has(Flags::ACK);
        let mut next = self.newest.get(&key).copied();
        let mut fallback = None;
        for _ in 0..MAX_ALIKE {
            let Some(slot) = next else { break };
            let Some(pair) = self.get(slot) else { break };
            let part = &pair.part[tap as usize];
            let client = |tap: Tap| pair.part[tap as usize].isn[Side::Client as usize];
            let (mine, others) = (client(tap), client(tap.other()));
            let fits = if opens {
                mine.or(others) == Some(segment.seq) && pair.part.iter().all(|p| starts(p.ends, segment.source))
            } else if is_syn {
                mine.or(others).is_some_and(|isn| isn.plus(1) == segment.ack_field)
            } else {
                part.segments > 0
            };
            if fits {
                return slot;
            }
            let rewritten = opens
                && part.segments == 0
                && pair.part[tap.other() as usize].stamp.is_some()
                && pair.part[tap.other() as usize].stamp == segment.options.timestamps.map(|t| t.value);
            if rewritten {
                return slot;
            }
            if !opens {
                fallback.get_or_insert(slot);
            }
            next = pair.older[usize::from(pair.part[0].ends.is_none_or(|(a, b)| self::key(a, b) != key))];
        }
        let (client, server) = ends(segment);
        match fallback {
            Some(slot) => {
                if let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) {
                    let others = pair.part[tap.other() as usize].ends.filter(|(a, b)| self::key(*a, *b) == key);
                    pair.part[tap as usize].ends.get_or_insert(others.unwrap_or((client, server)));
                }
                slot
            }
            None => self.add(tap, key, (client, server), judged),
        }
    }

    fn add(&mut self, tap: Tap, key: Key, ends: (Endpoint, Endpoint), judged: &mut Judged<'_>) -> u32 {
        if self.pairs.len() - self.free.len() >= self.max_flows {
            self.evict(judged);
        }
        self.count += 1;
        let mut pair = Box::new(Pair::new(self.count));
        pair.part[tap as usize].ends = Some(ends);
        let slot = self.free.pop().unwrap_or(self.pairs.len() as u32);
        let older = self.newest.insert(key, slot);
        pair.older = [older; 2];
        match self.pairs.get_mut(slot as usize) {
            Some(place) => *place = Some(pair),
            None => self.pairs.push(Some(pair)),
        }
        slot
    }

    /// Both sights of a segment are there.
    fn matched(&mut self, slot: u32, found: &Match) {
        let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let before = pair.near;
        pair.matched(found);
        let near = self.near.or(pair.near);
        let difference = found.b.time - found.a.time;
        self.offset = Some(self.clocks.fit().map_or(difference, |fit| fit.offset_at(found.a.time)));
        if let Some(fit) = self.clocks.fit()
            && (difference - fit.offset_at(found.a.time)).abs() > WAIT
        {
            self.offset = Some(difference);
        }
        if let Some(near) = near {
            if before.is_none() && pair.near.is_some() {
                for (side, known) in [Side::Client, Side::Server].into_iter().zip(pair.differences) {
                    let Some(known) = known else { continue };
                    let a_first = (near == Tap::A) == (side == Side::Client);
                    let (a, b) = if a_first { known.least } else { known.greatest };
                    self.clocks.sample(a, b, a_first);
                }
                for (client, server) in pair.part.iter().filter_map(|part| part.ends) {
                    self.addresses.nearer(client.ip, near);
                    self.addresses.nearer(server.ip, near.other());
                }
                self.summary.near[near as usize] += 1;
            } else if !found.a.repeated && !found.b.repeated {
                let a_first = (near == Tap::A) == (found.a.sender == Side::Client);
                self.clocks.sample(found.a.time, found.b.time, a_first);
            }
        }
        if near.is_none() && pair.unplaced.len() < MAX_ALIKE {
            pair.unplaced.push(*found);
            return;
        }
        for early in core::mem::take(&mut pair.unplaced) {
            judge::record_match(pair, &early, near, self.clocks.fit(), &mut self.summary);
        }
        judge::record_match(pair, found, near, self.clocks.fit(), &mut self.summary);
    }

    /// A segment did not match: perhaps another pair has its connection, by other addresses.
    fn look_elsewhere(&mut self, slot: u32, tap: Tap, seen: &Seen) {
        let Some(pair) = self.get(slot) else { return };
        if pair.is_at_both() || pair.ambiguous {
            self.look_for_shift(slot);
            return;
        }
        let part = &pair.part[tap as usize];
        if seen.kind == SegmentKind::Syn {
            if part.of[Side::Client as usize] == 1 {
                let known = self.by_syn.entry((seen.seq.0, part.stamp.unwrap_or(0))).or_default();
                if known.len() <= MAX_ALIKE {
                    known.push(slot);
                }
            }
            return;
        }
        let [Some(client), Some(server)] = part.isn else { return };
        if seen.kind != SegmentKind::SynAck {
            return;
        }
        let known = self.by_numbers.entry((client.0, server.0)).or_default();
        if known.contains(&slot) {
            return;
        }
        known.push(slot);
        let known = known.clone();
        let others = |tap: Tap| known.iter().copied().filter(|s| self.is_only_at(*s, tap)).collect();
        let (mine, theirs): (SmallVec<[u32; 2]>, SmallVec<[u32; 2]>) = (others(tap), others(tap.other()));
        match (&mine[..], &theirs[..]) {
            ([_], [other]) => self.join(*other, slot),
            (_, []) => {}
            _ => self.mark_ambiguous(&known),
        }
    }

    fn is_only_at(&self, slot: u32, tap: Tap) -> bool {
        let part = |tap: Tap| self.get(slot).map(|pair| pair.part[tap as usize].segments);
        part(tap).is_some_and(|n| n > 0) && part(tap.other()) == Some(0)
    }

    fn mark_ambiguous(&mut self, slots: &[u32]) {
        for slot in slots {
            if let Some(pair) = self.pairs.get_mut(*slot as usize).and_then(Option::as_mut)
                && !pair.ambiguous
            {
                pair.ambiguous = true;
                self.summary.ambiguous += 1;
            }
        }
    }

    /// A connection that did not open, or whose numbers are rewritten: pairs it by its SYN, if one fits.
    fn join_by_syn(&mut self, slot: u32) {
        let Some(pair) = self.get(slot) else { return };
        let Some(tap) = Tap::BOTH.into_iter().find(|tap| self.is_only_at(slot, *tap)) else { return };
        let part = &pair.part[tap as usize];
        let (Some(isn), Some(ends), false) = (part.isn[0], part.ends, pair.ambiguous) else { return };
        let fits = |other: u32| {
            let Some(theirs) = self.get(other).map(|pair| &pair.part[tap.other() as usize]) else { return false };
            let Some(their_ends) = theirs.ends else { return false };
            let difference = if tap == Tap::A { theirs.first - part.first } else { part.first - theirs.first };
            let in_time = self.offset.is_some_and(|offset| (difference - offset).abs() <= TRANSLATION);
            let one_end = ends.0 == their_ends.0 || ends.1 == their_ends.1;
            let apart = theirs.isn[0] == Some(isn) && theirs.stamp == part.stamp;
            self.is_only_at(other, tap.other()) && in_time && apart && (one_end || part.stamp.is_some())
        };
        let known = self.by_syn.get(&(isn.0, part.stamp.unwrap_or(0)));
        if known.is_some_and(|known| known.len() > MAX_ALIKE) {
            return;
        }
        let mut found: SmallVec<[u32; 4]> = known.into_iter().flatten().copied().filter(|s| fits(*s)).collect();
        if found.is_empty() {
            found.extend(self.same_addresses(slot, tap));
        }
        match found[..] {
            [other] => self.join(other, slot),
            [] => {}
            _ => {
                found.push(slot);
                self.mark_ambiguous(&found);
            }
        }
    }

    /// Connections of the other tap with the same addresses, at the same time, with another number: rewritten.
    fn same_addresses(&self, slot: u32, tap: Tap) -> SmallVec<[u32; 4]> {
        let mut found = SmallVec::new();
        let Some(part) = self.get(slot).map(|pair| &pair.part[tap as usize]) else { return found };
        let Some((client, server)) = part.ends else { return found };
        let mut next = self.newest.get(&key(client, server)).copied();
        for _ in 0..MAX_ALIKE {
            let Some(pair) = next.and_then(|slot| self.get(slot)) else { break };
            let theirs = &pair.part[tap.other() as usize];
            let difference = if tap == Tap::A { theirs.first - part.first } else { part.first - theirs.first };
            let in_time = self.offset.is_some_and(|offset| (difference - offset).abs() <= TRANSLATION);
            let answered = theirs.isn[1].is_some() && part.isn[1].is_some();
            if let Some(slot) = next
                && in_time
                && answered
                && theirs.ends == part.ends
                && self.is_only_at(slot, tap.other())
            {
                found.push(slot);
            }
            next = pair.older[usize::from(pair.part[0].ends.is_none_or(|(a, b)| key(a, b) != key(client, server)))];
        }
        found
    }

    /// Two pairs are one connection: what the other tap saw of `slot` goes to `into`.
    fn join(&mut self, into: u32, slot: u32) {
        let Some(mut other) = self.pairs.get_mut(slot as usize).and_then(Option::take) else { return };
        let tap = if other.part[0].segments > 0 { Tap::A } else { Tap::B };
        let Some(pair) = self.pairs.get_mut(into as usize).and_then(Option::as_mut) else {
            self.pairs[slot as usize] = Some(other);
            return;
        };
        pair.part[tap as usize] = other.part[tap as usize];
        pair.older[tap as usize] = other.older[tap as usize];
        pair.id = pair.id.min(other.id);
        let differ = |side: usize| pair.part[0].isn[side].zip(pair.part[1].isn[side]).is_some_and(|(a, b)| a != b);
        pair.shifted |= differ(0) || differ(1);
        self.replace(tap, &other, slot, Some(into));
        self.free.push(slot);
        let waiting = core::mem::take(&mut other.waiting[tap as usize]);
        for seen in waiting {
            let offset = self.offset;
            let found = self.pairs.get_mut(into as usize).and_then(Option::as_mut);
            if let Some(found) = found.and_then(|pair| pair.take(tap, seen, offset)) {
                self.matched(into, &found);
            }
        }
    }

    /// Numbers may be rewritten: matches by what they are counted from.
    fn look_for_shift(&mut self, slot: u32) {
        let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        if pair.look_for_shift() {
            let waiting = core::mem::take(&mut pair.waiting[Tap::B as usize]);
            for seen in waiting {
                let offset = self.offset;
                let pair = self.pairs.get_mut(slot as usize).and_then(Option::as_mut);
                if let Some(found) = pair.and_then(|pair| pair.take(Tap::B, seen, offset)) {
                    self.matched(slot, &found);
                }
            }
        }
    }

    /// Puts `by` into the list of pairs in which `slot` is.
    fn replace(&mut self, tap: Tap, pair: &Pair, slot: u32, by: Option<u32>) {
        let Some((client, server)) = pair.part[tap as usize].ends else { return };
        let key = key(client, server);
        let next = by.or(pair.older[tap as usize]);
        let Some(newest) = self.newest.get(&key).copied() else { return };
        if newest == slot {
            match next {
                Some(next) => drop(self.newest.insert(key, next)),
                None => drop(self.newest.remove(&key)),
            }
            return;
        }
        let mut at = newest;
        for _ in 0..2 * MAX_ALIKE {
            let Some(newer) = self.pairs.get_mut(at as usize).and_then(Option::as_mut) else { return };
            for older in &mut newer.older {
                if *older == Some(slot) {
                    *older = next;
                    return;
                }
            }
            let Some(older) = newer.older[tap as usize] else { return };
            at = older;
        }
    }

    /// Looks at the next pair: what waited long enough is judged, and what is over.
    fn sweep(&mut self, judged: &mut Judged<'_>) {
        if self.pairs.is_empty() {
            return;
        }
        self.hand = (self.hand + 1) % self.pairs.len();
        let slot = self.hand as u32;
        let Some(offset) = self.offset else { return };
        let passed = |tap: Tap, at: Timestamp, by: i64| {
            self.ended[tap as usize] || self.now[tap as usize].is_some_and(|now| now - at > by)
        };
        let Some(pair) = self.get(slot) else { return };
        let by_a = pair.part[0].last.max(if pair.part[1].segments > 0 {
            pair.part[1].last.after(-offset)
        } else {
            pair.part[0].last
        });
        let by_a = if pair.part[0].segments > 0 { by_a } else { pair.part[1].last.after(-offset) };
        let half = pair.part.iter().all(|part| part.end[1].is_none());
        let linger = match () {
            () if pair.is_closed() => LINGER,
            () if half => OPENING,
            () => i64::MAX,
        };
        let both_ended = self.ended == [true; 2];
        if !both_ended && passed(Tap::A, by_a, linger) && passed(Tap::B, by_a.after(offset), linger) {
            self.join_by_syn(slot);
            self.let_go(slot, false, [false; 2], judged);
        } else if pair.is_at_both() {
            self.settle(slot, offset);
        }
    }

    /// Judges segments of an open connection that waited long enough.
    fn settle(&mut self, slot: u32, offset: i64) {
        for tap in Tap::BOTH {
            let to_other = if tap == Tap::A { offset } else { -offset };
            loop {
                let Some(pair) = self.get(slot) else { return };
                let Some(seen) = pair.waiting[tap as usize].front().copied() else { break };
                let due = self.now[tap.other() as usize].is_some_and(|now| now - seen.time.after(to_other) > WAIT);
                if !due || self.ended[tap.other() as usize] {
                    break;
                }
                let context = self.context(pair, false, [false; 2]);
                let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) else { return };
                if context.near.is_none() {
                    break;
                }
                pair.waiting[tap as usize].pop_front();
                if let Some(found) = pair.pick(tap, &seen, Some(offset), true) {
                    self.matched(slot, &found);
                } else {
                    judge::record_fate(pair, tap, &seen, &context, &mut self.summary);
                }
            }
        }
    }

    fn context(&self, pair: &Pair, evicted: bool, tail: [bool; 2]) -> Context {
        let ends = pair.part[0].ends.or(pair.part[1].ends);
        let ip = |side: Side| ends.map(|(client, server)| if side == Side::Client { client.ip } else { server.ip });
        let near = self.near.or(pair.near).or_else(|| self.near_of(ip(Side::Client), ip(Side::Server)));
        let reaches = |tap: Tap, side: Side| ip(side).is_some_and(|ip| self.addresses.is_sender(tap, ip));
        let only = Tap::BOTH.into_iter().find(|tap| pair.part[tap.other() as usize].segments == 0);
        // What one tap saw alone says something only if the far end's packets pass the other.
        let claims = only.is_none_or(|tap| {
            near.is_some_and(|near| {
                let far = if near == tap { Side::Server } else { Side::Client };
                reaches(tap.other(), far) || (self.near.is_some() && near == tap)
            })
        });
        let sure = only.is_none_or(|tap| {
            near.is_some_and(|near| reaches(tap.other(), if near == tap { Side::Server } else { Side::Client }))
        });
        Context {
            near,
            claims: claims && !evicted && !pair.ambiguous,
            sure,
            evicted,
            tail,
            offset: self.offset,
            first: self.first,
            now: self.now,
            kinds: self.summary.kinds_seen(),
            missed: self.summary.missed,
            fit: self.clocks.fit(),
        }
    }

    fn near_of(&self, client: Option<IpAddr>, server: Option<IpAddr>) -> Option<Tap> {
        let of_client = client.and_then(|ip| self.addresses.near(ip));
        of_client.or_else(|| server.and_then(|ip| self.addresses.near(ip)).map(Tap::other))
    }

    /// For each tap: whether what comes after the last packet of the other is one connection's control segments, so
    /// that the other capture may still have been running.
    fn tail(&self) -> [bool; 2] {
        let Some(offset) = self.offset else { return [false; 2] };
        Tap::BOTH.map(|tap| {
            let Some(end) = self.now[tap.other() as usize] else { return false };
            let end = end.after(if tap == Tap::A { -offset } else { offset });
            let mut flows = 0;
            for pair in self.pairs.iter().flatten() {
                let mut late = pair.waiting[tap as usize].iter().filter(|w| w.time > end).peekable();
                flows += usize::from(late.peek().is_some());
                if flows > 1 || late.any(|w| matches!(w.kind, SegmentKind::Data | SegmentKind::Ack)) {
                    return false;
                }
            }
            true
        })
    }

    /// The table is full: the connection that was silent longest of a few goes.
    fn evict(&mut self, judged: &mut Judged<'_>) {
        let length = self.pairs.len().max(1);
        let few = (0..MAX_ALIKE).map(|n| (self.hand + n) % length);
        let oldest = few.filter_map(|n| Some((self.get(n as u32)?.part.iter().map(|p| p.last).max()?, n))).min();
        self.hand = (self.hand + MAX_ALIKE) % length;
        let slot = oldest.map(|(_, n)| n).or_else(|| self.pairs.iter().position(Option::is_some));
        if let Some(slot) = slot {
            self.summary.evicted += 1;
            self.let_go(slot as u32, true, [false; 2], judged);
        }
    }

    /// Judges a connection and forgets it.
    fn let_go(&mut self, slot: u32, evicted: bool, tail: [bool; 2], judged: &mut Judged<'_>) {
        if self.get(slot).is_none() {
            return;
        }
        self.match_loosely(slot);
        let Some(mut pair) = self.pairs.get_mut(slot as usize).and_then(Option::take) else { return };
        let context = self.context(&pair, evicted, tail);
        for early in core::mem::take(&mut pair.unplaced) {
            judge::record_match(&mut pair, &early, context.near, context.fit, &mut self.summary);
        }
        for tap in Tap::BOTH {
            for seen in core::mem::take(&mut pair.waiting[tap as usize]) {
                judge::record_fate(&mut pair, tap, &seen, &context, &mut self.summary);
            }
        }
        let judgement = judge::judge(&mut pair, &context, &mut self.summary);
        judged(&judgement);
        for tap in Tap::BOTH {
            self.replace(tap, &pair, slot, None);
        }
        self.forget(slot, &pair);
        self.free.push(slot);
    }

    /// Segments whose identification was rewritten.
    fn match_loosely(&mut self, slot: u32) {
        let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        if pair.waiting.iter().any(std::collections::VecDeque::is_empty) {
            return;
        }
        let waiting = core::mem::take(&mut pair.waiting[Tap::A as usize]);
        for seen in waiting {
            let offset = self.offset;
            let Some(pair) = self.pairs.get_mut(slot as usize).and_then(Option::as_mut) else { return };
            match pair.pick(Tap::A, &seen, offset, true) {
                Some(found) => self.matched(slot, &found),
                None => pair.waiting[Tap::A as usize].push_back(seen),
            }
        }
    }

    fn forget(&mut self, slot: u32, pair: &Pair) {
        for part in &pair.part {
            let [client, server] = part.isn;
            if let Some(client) = client {
                remove(&mut self.by_syn, (client.0, part.stamp.unwrap_or(0)), slot);
                if let Some(server) = server {
                    remove(&mut self.by_numbers, (client.0, server.0), slot);
                }
            }
        }
    }
}

fn remove(map: &mut HashMap<(u32, u32), SmallVec<[u32; 2]>, FixedState>, key: (u32, u32), slot: u32) {
    if let Some(known) = map.get_mut(&key) {
        known.retain(|known| *known != slot);
        if known.is_empty() {
            map.remove(&key);
        }
    }
}

fn starts(ends: Option<(Endpoint, Endpoint)>, client: Endpoint) -> bool {
    ends.is_none_or(|(known, _)| known == client)
}

/// Client and server by one segment: a SYN's sender opens; in the middle of a connection the lower port serves.
fn ends(segment: &Segment) -> (Endpoint, Endpoint) {
    let (from, to) = (segment.source, segment.destination);
    let (syn, ack) = (segment.flags.has(Flags::SYN), segment.flags.has(Flags::ACK));
    match () {
        () if syn && !ack => (from, to),
        () if syn => (to, from),
        () if from.port < to.port => (to, from),
        () => (from, to),
    }
}
