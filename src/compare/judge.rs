//! The fate of a segment that one tap saw alone, and what is said of a connection.

use strum::IntoStaticStr;

use super::clock::ClockFit;
use super::pair::{Fate, Match, Pair, Step};
use super::seen::{Changes, Seen, SegmentKind, Tap};
use super::summary::{Summary, first_tap, one_way};
use super::verdict::VerdictKind;
use crate::flow::Side;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// How long after the last packet of a capture it may still have been running.
const TAIL: i64 = 30 * SECOND;

/// A verdict on a connection.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// What it says.
    pub kind: VerdictKind,
    /// Whose segments it is about.
    pub sender: Option<Side>,
    /// Whether it is proved; else other explanations are possible, as loss at a tap.
    pub certain: bool,
    /// Segments it is about.
    pub count: u32,
    /// A value before and after.
    pub values: Option<(u32, u32)>,
    /// What was changed.
    pub changes: Changes,
}

/// Times of an opening, nanoseconds: each where both ends of it are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpeningTimes {
    /// The SYN on its way between the taps.
    pub there: Option<i64>,
    /// From the SYN to the SYN-ACK at the tap near the server.
    pub server: Option<i64>,
    /// The SYN-ACK on its way between the taps.
    pub back: Option<i64>,
    /// From the SYN-ACK to the ACK at the tap near the client.
    pub client: Option<i64>,
    /// How far off the ways can be, nanoseconds.
    pub error: i64,
}

/// The parts of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum OpeningPart {
    /// The way to the server.
    PathThere,
    /// The server.
    Server,
    /// The way back.
    PathBack,
    /// The client.
    Client,
}

impl OpeningTimes {
    /// The part that took more than half of the whole, by more than the error.
    pub fn slowest(&self) -> Option<(OpeningPart, i64)> {
        let (there, server) = (self.there?, self.server?);
        let (back, client) = (self.back?, self.client.unwrap_or(0));
        let parts = [
            (OpeningPart::PathThere, there),
            (OpeningPart::Server, server),
            (OpeningPart::PathBack, back),
            (OpeningPart::Client, client),
        ];
        let whole: i64 = parts.iter().map(|(_, ns)| (*ns).max(0)).fold(0, i64::saturating_add);
        let slowest = parts.into_iter().max_by_key(|(_, ns)| *ns)?;
        let is_way = matches!(slowest.0, OpeningPart::PathThere | OpeningPart::PathBack);
        let least = slowest.1.saturating_sub(if is_way { self.error } else { 0 });
        (least > whole / 2).then_some(slowest)
    }
}

/// All that is said of one connection.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Its number, in the order in which connections began.
    pub id: u64,
    /// Client and server at each tap.
    pub ends: [Option<(Endpoint, Endpoint)>; 2],
    /// First segment at each tap.
    pub first: [Option<Timestamp>; 2],
    /// Segments at each tap.
    pub segments: [u64; 2],
    /// The tap nearer the client.
    pub near: Option<Tap>,
    /// Verdicts, the weightiest first.
    pub verdicts: Vec<Verdict>,
    /// Segments in order of time, those to which something happened among them.
    pub steps: Vec<Step>,
    /// Steps for which there was no room.
    pub steps_left_out: u32,
    /// Times of the opening.
    pub times: OpeningTimes,
    /// Segments of client and server, by fate.
    pub counts: [[u32; Fate::ALL.len()]; 2],
    /// Routers between the taps: what the TTL fell by, for segments of client and server.
    pub hops: [Option<i16>; 2],
    /// The clocks as they were known.
    pub clock: Option<ClockFit>,
}

/// What is known besides the connection.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) near: Option<Tap>,
    /// Whether what one tap saw alone can be claimed to have been lost or made.
    pub(super) claims: bool,
    /// Whether the way is known to pass both taps.
    pub(super) sure: bool,
    pub(super) evicted: bool,
    pub(super) tail: [bool; 2],
    pub(super) offset: Option<i64>,
    pub(super) first: [Option<Timestamp>; 2],
    pub(super) now: [Option<Timestamp>; 2],
    pub(super) kinds: [[bool; SegmentKind::ALL.len()]; 2],
    pub(super) missed: [u64; 2],
    pub(super) fit: Option<ClockFit>,
}

impl Context {
    fn in_other(&self, tap: Tap, time: Timestamp) -> Timestamp {
        let offset = self.offset.unwrap_or(0);
        time.after(if tap == Tap::A { offset } else { -offset })
    }

    /// Whether the other capture was running, and takes this kind.
    fn covers(&self, tap: Tap, seen: &Seen) -> bool {
        let other = tap.other();
        let (Some(first), Some(last)) = (self.first[other as usize], self.now[other as usize]) else { return false };
        let time = self.in_other(tap, seen.time);
        let after = if self.tail[tap as usize] { TAIL } else { 0 };
        let kinds = &self.kinds[other as usize];
        let taken = match seen.kind {
            SegmentKind::Ack | SegmentKind::Data => kinds[seen.kind as usize],
            SegmentKind::Rst | SegmentKind::Fin => {
                kinds[SegmentKind::Ack as usize]
                    || kinds[SegmentKind::Data as usize]
                    || kinds[seen.kind as usize]
                    || kinds[SegmentKind::Rst as usize]
            }
            SegmentKind::Syn => kinds[SegmentKind::Syn as usize] || kinds[SegmentKind::SynAck as usize],
            SegmentKind::SynAck => true,
        };
        let begun = self.offset.is_some() || time >= first.after(-SECOND);
        taken && begun && time >= first.after(-SECOND) && time <= last.after(after)
    }
}

/// A segment matched: what is different downstream.
pub(super) fn record_match(
    pair: &mut Pair,
    found: &Match,
    near: Option<Tap>,
    fit: Option<ClockFit>,
    summary: &mut Summary,
) {
    let Match { a, b } = found;
    let from = near.map(|near| first_tap(near, a.sender));
    // Without an order, from A to B.
    let (up, down) = if from == Some(Tap::B) { (b, a) } else { (a, b) };
    let shifted = a.seq != b.seq || a.ack != b.ack;
    let mut changes = up.changes(down, shifted, pair.is_translated());
    let usual = pair.hops[a.sender as usize].unwrap_or(0);
    if i16::from(a.ttl) - i16::from(b.ttl) != usual {
        changes |= Changes::TTL;
    }
    if from.is_none() {
        // Which came first is not known: that something is different is all that can be said.
        changes.remove(Changes::TTL);
    }
    pair.step([Some(a), Some(b)], Fate::Arrived, true, changes);
    let Some(from) = from else { return };
    summary.fate(from, a.kind, Fate::Arrived);
    summary.changes(from, changes);
    if !a.repeated && !b.repeated {
        summary.delay(from, a.time, b.time - a.time, fit.as_ref());
    }
}

/// A segment that one tap saw alone.
pub(super) fn record_fate(pair: &mut Pair, tap: Tap, seen: &Seen, context: &Context, summary: &mut Summary) {
    let (fate, certain) = fate(pair, tap, seen, context);
    let sights = if tap == Tap::A { [Some(seen), None] } else { [None, Some(seen)] };
    pair.step(sights, fate, certain, Changes::empty());
    if let Some(near) = context.near {
        summary.fate(first_tap(near, seen.sender), seen.kind, fate);
    }
    if fate == Fate::Missed {
        summary.missed[tap.other() as usize] += 1;
    }
}

fn fate(pair: &Pair, tap: Tap, seen: &Seen, context: &Context) -> (Fate, bool) {
    let Some(near) = context.near.filter(|_| !context.evicted) else { return (Fate::Unjudged, false) };
    if !context.covers(tap, seen) || !context.claims {
        return (Fate::Uncovered, false);
    }
    let other = &pair.part[tap.other() as usize];
    let sure = context.sure && context.missed[tap.other() as usize] == 0 && context.offset.is_some();
    if tap == first_tap(near, seen.sender) {
        let receiver = seen.sender.other();
        let acknowledged = seen.end() != seen.seq
            && other.ack[receiver as usize].is_some_and(|ack| {
                let end = pair.relative(tap, seen.sender, seen.end());
                pair.relative(tap.other(), seen.sender, ack).wrapping_sub(end) < 1 << 31
            });
        if acknowledged && !seen.repeated && !pair.is_extra_copy(tap, seen) {
            return (Fate::Missed, true);
        }
        return (Fate::Lost, sure);
    }
    if pair.is_extra_copy(tap, seen) {
        return (Fate::Duplicated, true);
    }
    if other.segments == 0 {
        return (Fate::Made, sure);
    }
    made(pair, tap, seen, context, sure)
}

/// A segment that the tap near its sender did not see: that tap missed it, if what it saw leaves room for it.
fn made(pair: &Pair, tap: Tap, seen: &Seen, context: &Context, sure: bool) -> (Fate, bool) {
    let side = seen.sender as usize;
    let up = &pair.part[tap.other() as usize];
    let end = pair.relative(tap, seen.sender, seen.end());
    let reached = up.end[side]
        .is_some_and(|reached| pair.relative(tap.other(), seen.sender, reached).wrapping_sub(end) < 1 << 31);
    match seen.kind {
        SegmentKind::Syn | SegmentKind::SynAck => match (up.isn[side], up.begin[side]) {
            (Some(isn), _) if isn == seen.seq => (Fate::Missed, true),
            (None, Some(begin)) if begin == seen.end() => (Fate::Missed, true),
            _ => (Fate::Made, sure),
        },
        SegmentKind::Rst => {
            let went_on =
                up.last_of[side].is_some_and(|last| last > context.in_other(tap, seen.time).after(SECOND / 2));
            (Fate::Made, sure || went_on)
        }
        SegmentKind::Data | SegmentKind::Fin if reached && up.holes[side] > 0 => (Fate::Missed, true),
        SegmentKind::Data | SegmentKind::Fin => (Fate::Made, sure),
        SegmentKind::Ack if context.missed[tap.other() as usize] > 0 => (Fate::Missed, false),
        SegmentKind::Ack => (Fate::Made, false),
    }
}

/// All that is said of a connection that is over.
pub(super) fn judge(pair: &mut Pair, context: &Context, summary: &mut Summary) -> Judgement {
    let offset = context.offset.unwrap_or(0);
    let time = |step: &Step| match step.at {
        [Some(a), _] => a.time,
        [None, Some(b)] => b.time.after(-offset),
        [None, None] => Timestamp(0),
    };
    pair.steps.sort_by_key(time);
    summary.overflow += u64::from(pair.overflow);
    let [a, b] = pair.part.each_ref().map(|part| part.segments > 0);
    summary.flows[usize::from(b) * (1 + usize::from(a))] += u64::from(a || b);
    summary.one_place += u64::from(pair.is_one_place());
    if let Some(near) = context.near {
        for side in [Side::Client, Side::Server] {
            summary.reordered[first_tap(near, side) as usize] += u64::from(pair.reordered[side as usize]);
        }
    }
    let mut verdicts = Vec::new();
    of_opening(pair, context, &mut verdicts);
    of_segments(pair, context, &mut verdicts);
    of_changes(pair, context, &mut verdicts);
    of_the_whole(pair, context, &mut verdicts);
    for verdict in &verdicts {
        summary.verdicts[verdict.kind as usize] += 1;
    }
    Judgement {
        id: pair.id,
        ends: pair.part.each_ref().map(|part| part.ends.filter(|_| part.segments > 0)),
        first: pair.part.each_ref().map(|part| (part.segments > 0).then_some(part.first)),
        segments: pair.part.each_ref().map(|part| part.segments),
        near: context.near,
        verdicts,
        times: times(pair, context),
        steps: core::mem::take(&mut pair.steps),
        steps_left_out: pair.steps_left_out,
        counts: pair.counts,
        hops: pair.hops,
        clock: context.fit,
    }
}

fn verdict(kind: VerdictKind, sender: Option<Side>, certain: bool, count: u32) -> Verdict {
    Verdict { kind, sender, certain, count, values: None, changes: Changes::empty() }
}

/// Number of steps of a kind and fate, and whether all of them are proved.
fn steps_of(pair: &Pair, sender: Side, kind: SegmentKind, fate: Fate) -> (u32, bool) {
    let steps = pair.steps.iter().filter(|s| s.sender == sender && s.kind == kind && s.fate == fate);
    steps.fold((0, true), |(n, certain), step| (n + 1, certain && step.certain))
}

fn of_opening(pair: &Pair, context: &Context, verdicts: &mut Vec<Verdict>) {
    let (syns, sure) = steps_of(pair, Side::Client, SegmentKind::Syn, Fate::Lost);
    if syns > 0 {
        verdicts.push(verdict(VerdictKind::SynLost, Some(Side::Client), sure, syns));
    }
    let (answers, sure) = steps_of(pair, Side::Server, SegmentKind::SynAck, Fate::Lost);
    let (resets, _) = steps_of(pair, Side::Server, SegmentKind::Rst, Fate::Lost);
    let arrived = [SegmentKind::SynAck, SegmentKind::Rst, SegmentKind::Ack, SegmentKind::Data]
        .into_iter()
        .any(|kind| steps_of(pair, Side::Server, kind, Fate::Arrived).0 > 0);
    if answers + resets > 0 && !arrived {
        verdicts.push(verdict(VerdictKind::AnswerNeverReached, Some(Side::Server), sure, answers + resets));
    }
    if answers > 0 {
        verdicts.push(verdict(VerdictKind::SynAckLost, Some(Side::Server), sure, answers));
    }
    let (asked, _) = steps_of(pair, Side::Client, SegmentKind::Syn, Fate::Arrived);
    if let Some(near) = context.near
        && asked > 0
        && pair.part[near.other() as usize].of[Side::Server as usize] == 0
    {
        verdicts.push(verdict(VerdictKind::NoAnswer, Some(Side::Server), true, asked));
    }
}

fn of_segments(pair: &Pair, context: &Context, verdicts: &mut Vec<Verdict>) {
    if context.near.is_none() {
        return;
    }
    for side in [Side::Client, Side::Server] {
        let count = |fate: Fate| pair.counts[side as usize][fate as usize];
        let (resets, sure) = steps_of(pair, side, SegmentKind::Rst, Fate::Made);
        if resets > 0 {
            verdicts.push(verdict(VerdictKind::RstMade, Some(side), sure, resets));
        }
        let made = count(Fate::Made).saturating_sub(resets);
        if made > 0 {
            let sure = pair.steps.iter().all(|s| s.sender != side || s.fate != Fate::Made || s.certain);
            verdicts.push(verdict(VerdictKind::SegmentMade, Some(side), sure, made));
        }
        let opening = [SegmentKind::Syn, SegmentKind::SynAck];
        let of_opening: u32 = opening.into_iter().map(|kind| steps_of(pair, side, kind, Fate::Lost).0).sum();
        let lost = count(Fate::Lost).saturating_sub(of_opening);
        if lost > 0 {
            verdicts.push(verdict(VerdictKind::SegmentsLost, Some(side), false, lost));
        }
        for (kind, n) in [
            (VerdictKind::Duplicated, count(Fate::Duplicated)),
            (VerdictKind::Reordered, pair.reordered[side as usize]),
        ] {
            if n > 0 {
                verdicts.push(verdict(kind, Some(side), true, n));
            }
        }
    }
}

/// Which changes each verdict is about.
const CHANGED: &[(VerdictKind, Changes)] = &[
    (VerdictKind::OptionStripped, Changes::STRIPPED),
    (VerdictKind::MssChanged, Changes::MSS),
    (VerdictKind::WindowScaleChanged, Changes::WINDOW_SCALE),
    (VerdictKind::OptionsChanged, Changes::OPTIONS.union(Changes::OPTION_ADDED).union(Changes::TIMESTAMPS)),
    (VerdictKind::EcnChanged, Changes::ECN.union(Changes::ECN_FLAGS)),
    (VerdictKind::DscpChanged, Changes::DSCP),
    (VerdictKind::SequenceChanged, Changes::SEQUENCE),
    (VerdictKind::AddressChanged, Changes::ADDRESS),
    (VerdictKind::Corrupted, Changes::CORRUPTED),
    (VerdictKind::PayloadChanged, Changes::PAYLOAD),
    (VerdictKind::TtlChanged, Changes::TTL),
    (VerdictKind::WindowChanged, Changes::WINDOW),
    (VerdictKind::UrgentChanged, Changes::URGENT),
];

fn of_changes(pair: &Pair, context: &Context, verdicts: &mut Vec<Verdict>) {
    for side in [Side::Client, Side::Server] {
        let all = pair.changes[side as usize];
        for (kind, bits) in CHANGED.iter().filter(|(_, bits)| all.intersects(*bits)) {
            let steps = || pair.steps.iter().filter(|s| s.sender == side && s.changes.intersects(*bits));
            let from = context.near.map_or(Tap::A, |near| first_tap(near, side));
            let sights = |step: &Step| step.at[from as usize].zip(step.at[from.other() as usize]);
            let values = steps().find_map(sights).and_then(|(up, down)| match kind {
                VerdictKind::MssChanged => up.mss.zip(down.mss).map(|(a, b)| (a.into(), b.into())),
                VerdictKind::WindowScaleChanged => {
                    up.window_scale.zip(down.window_scale).map(|(a, b)| (a.into(), b.into()))
                }
                VerdictKind::DscpChanged => Some(((up.traffic_class >> 2).into(), (down.traffic_class >> 2).into())),
                VerdictKind::TtlChanged => Some((up.ttl.into(), down.ttl.into())),
                _ => None,
            });
            let count = (steps().count() as u32).max(1);
            verdicts.push(Verdict {
                values,
                changes: all & *bits,
                ..verdict(*kind, Some(side), context.near.is_some(), count)
            });
        }
    }
}

/// What is left to say where nothing happened, or nothing can be said.
fn of_the_whole(pair: &Pair, context: &Context, verdicts: &mut Vec<Verdict>) {
    if pair.ambiguous && !pair.is_at_both() {
        verdicts.push(verdict(VerdictKind::Ambiguous, None, true, 1));
    } else if context.evicted {
        verdicts.push(verdict(VerdictKind::TableFull, None, true, 1));
    } else if !pair.is_at_both() && verdicts.is_empty() {
        verdicts.push(verdict(VerdictKind::OnlyAtOne, None, true, 1));
    } else if verdicts.is_empty() {
        verdicts.push(verdict(VerdictKind::Arrived, None, true, pair.matched.min(u64::from(u32::MAX)) as u32));
    }
}

/// Times of the opening, by the first SYN, SYN-ACK and ACK that arrived.
fn times(pair: &Pair, context: &Context) -> OpeningTimes {
    let Some(near) = context.near else { return OpeningTimes::default() };
    let far = near.other();
    let first = |sender: Side, kind: SegmentKind| {
        pair.steps.iter().find(|s| s.sender == sender && s.kind == kind && s.fate == Fate::Arrived)
    };
    let at = |step: Option<&Step>, tap: Tap| step.and_then(|step| step.at[tap as usize]).map(|sight| sight.time);
    let (syn, answer) = (first(Side::Client, SegmentKind::Syn), first(Side::Server, SegmentKind::SynAck));
    let ack = pair.steps.iter().find(|s| {
        s.sender == Side::Client
            && s.at[near as usize].map(|x| x.time) >= at(answer, near)
            && s.kind != SegmentKind::Syn
    });
    let gap = |from: Option<Timestamp>, to: Option<Timestamp>| from.zip(to).map(|(from, to)| to - from);
    let way = |step: Option<&Step>| {
        let (a, b) = (at(step, Tap::A)?, at(step, Tap::B)?);
        let from = first_tap(near, step?.sender);
        context.fit.map(|fit| one_way(from, a, b - a, &fit))
    };
    OpeningTimes {
        there: way(syn),
        server: gap(at(syn, far), at(answer, far)),
        back: way(answer),
        client: if answer.is_some() { gap(at(answer, near), at(ack, near)) } else { None },
        error: context.fit.map_or(0, |fit| fit.error_at(pair.part[0].first)),
    }
}
