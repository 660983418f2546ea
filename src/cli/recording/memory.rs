//! The flight recorder of `--write-matching`: the newest packets in memory, of which those of flows that match are
//! written when their time in memory is over, in the order in which they came.
//!
//! A flow matches from the moment on at which an event says so, and for all of its packets: those before it are still
//! in memory. Packets of other flows are forgotten, and counted.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::super::checks;
use super::super::config::Matching;
use crate::decode::{Frame, LinkType};
use crate::detect::Severity;
use crate::engine::{Event, Interest};
use crate::flow::{Flow, FlowKey};
use crate::flow_filter::FlowFilter;
use crate::time::Timestamp;

/// What a packet costs besides its octets.
const OVERHEAD: usize = size_of::<Kept>();
/// Octets by which the memory grows.
const GROWTH: usize = 1 << 20;
/// Flows that match at a time; further ones are counted.
const MAX_FLOWS: usize = 65_536;

/// A packet in memory; its octets are in a ring of their own.
struct Kept {
    number: u64,
    time: Timestamp,
    link: LinkType,
    interface: u16,
    wire_len: u32,
    length: u32,
    flow: Option<FlowKey>,
}

/// From when to when packets of a four-tuple belong to flows that match.
#[derive(Clone, Copy)]
struct Span {
    from: Timestamp,
    until: Option<Timestamp>,
}

/// What went by, for the last line.
#[derive(Clone, Copy, Default)]
pub(super) struct Forgotten {
    /// Packets that were not written.
    pub(super) packets: u64,
    /// Flows that match, and whose first packets were gone by then.
    pub(super) begun_before: u64,
    /// Flows that match, and for which there was no room among those that do.
    pub(super) beyond: u64,
}

/// The newest packets.
pub(super) struct FlightRecorder {
    plan: Matching,
    filter: Option<FlowFilter>,
    kept: VecDeque<Kept>,
    octets: VecDeque<u8>,
    /// Flows that match.
    flows: HashMap<FlowKey, Span, foldhash::fast::RandomState>,
    /// Those that have ended, in order of their ends.
    ended: VecDeque<(Timestamp, FlowKey)>,
    /// The flow of the packet that is being taken.
    present: Option<FlowKey>,
    /// Time of the newest packet that was forgotten.
    forgotten_until: Option<Timestamp>,
    pub(super) forgotten: Forgotten,
    /// A packet on its way out.
    scratch: Vec<u8>,
}

impl FlightRecorder {
    pub(super) fn new(plan: Matching, filter: Option<FlowFilter>) -> Self {
        Self {
            plan,
            filter,
            kept: VecDeque::new(),
            octets: VecDeque::new(),
            flows: HashMap::default(),
            ended: VecDeque::new(),
            present: None,
            forgotten_until: None,
            forgotten: Forgotten::default(),
            scratch: Vec::new(),
        }
    }

    /// All about flows, and which flow each packet is of.
    pub(super) const WANTS: Interest = Interest::FLOWS.union(Interest::SEGMENTS).difference(Interest::INFOS);

    /// Takes note of an event; whether it is the end of a flow that matches.
    pub(super) fn event(&mut self, event: &Event<'_>) -> bool {
        let flow = match event {
            Event::Segment(segment) => {
                self.present.get_or_insert(FlowKey::of(segment).0);
                return false;
            }
            // An ICMP error is a step of the flow that it is about.
            Event::Step { flow, .. } => {
                self.present.get_or_insert(flow.key());
                flow
            }
            Event::FlowStart(flow)
            | Event::HandshakeEnd(flow)
            | Event::TeardownStart { flow, .. }
            | Event::FlowEnd { flow, .. }
            | Event::Anomaly { flow: Some(flow), .. } => flow,
            Event::Anomaly { anomaly, flow: None } if anomaly.severity >= Severity::Warn => {
                anomaly.frames.iter().for_each(|frame| self.mark_frame(*frame, anomaly.time));
                return false;
            }
            _ => return false,
        };
        let matches = match (event, &self.filter) {
            (Event::Anomaly { anomaly, .. }, _) if anomaly.severity >= Severity::Warn => true,
            (_, Some(filter)) => checks::passes(filter, event, Some(flow)),
            (_, None) => false,
        };
        if matches {
            self.mark(flow);
        }
        let Event::FlowEnd { time, .. } = event else { return false };
        let Some(span) = self.flows.get_mut(&flow.key()).filter(|span| span.until.is_none()) else { return false };
        span.until = Some(flow.last_time);
        self.ended.push_back((*time, flow.key()));
        true
    }

    /// This flow matches.
    fn mark(&mut self, flow: &Flow) {
        let full = self.flows.len() >= MAX_FLOWS;
        if let Some(span) = self.flows.get_mut(&flow.key()) {
            // Another connection of the same four-tuple may have matched before.
            if span.until.is_some_and(|until| until < flow.first_time) {
                span.until = None;
            }
            return;
        }
        if full {
            self.forgotten.beyond += 1;
            return;
        }
        if self.forgotten_until.is_some_and(|time| flow.first_time <= time) {
            self.forgotten.begun_before += 1;
        }
        self.flows.insert(flow.key(), Span { from: flow.first_time, until: None });
    }

    /// This frame proves something about hosts: its flow is written as far as it is known.
    fn mark_frame(&mut self, number: u64, now: Timestamp) {
        let found = self.kept.binary_search_by_key(&number, |kept| kept.number).ok();
        let Some(kept) = found.and_then(|at| self.kept.get(at)) else { return };
        let Some(key) = kept.flow.filter(|key| !self.flows.contains_key(key)) else { return };
        if self.flows.len() >= MAX_FLOWS {
            self.forgotten.beyond += 1;
            return;
        }
        self.flows.insert(key, Span { from: kept.time, until: Some(now) });
        self.ended.push_back((now, key));
    }

    /// Takes a packet, after what it caused.
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        let Frame { number, time, link, interface, wire_len, data } = *frame;
        let (length, flow) = (u32::try_from(data.len()).unwrap_or(u32::MAX), self.present.take());
        self.kept.push_back(Kept { number, time, link, interface, wire_len, length, flow });
        if self.octets.capacity() - self.octets.len() < data.len() {
            // Doubling could take twice what is allowed.
            self.octets.reserve_exact(data.len().max(GROWTH));
        }
        self.octets.extend(data);
    }

    /// The next packet to be written, when `now` is the packet time: one whose time in memory is over, or for which
    /// there is no room. `None` for `now` when the run is over.
    pub(super) fn next(&mut self, now: Option<Timestamp>) -> Option<Frame<'_>> {
        let kept = loop {
            let oldest = self.kept.front()?;
            let used = (self.octets.len() + self.kept.len() * OVERHEAD) as u64;
            if now.is_some_and(|now| now.since(oldest.time) < self.plan.time) && used <= self.plan.octets {
                return None;
            }
            let kept = self.kept.pop_front()?;
            let length = (kept.length as usize).min(self.octets.len());
            if self.is_wanted(&kept) {
                self.scratch.clear();
                let (first, second) = self.octets.as_slices();
                let split = length.min(first.len());
                self.scratch.extend_from_slice(first.get(..split).unwrap_or_default());
                self.scratch.extend_from_slice(second.get(..length - split).unwrap_or_default());
                self.octets.drain(..length);
                self.drop_ended(kept.time);
                break kept;
            }
            self.octets.drain(..length);
            self.forgotten.packets += 1;
            self.forgotten_until = self.forgotten_until.max(Some(kept.time));
            self.drop_ended(kept.time);
        };
        let Kept { number, time, link, interface, wire_len, .. } = kept;
        Some(Frame { number, time, link, interface, wire_len, data: &self.scratch })
    }

    fn is_wanted(&self, kept: &Kept) -> bool {
        let span = kept.flow.and_then(|flow| self.flows.get(&flow));
        span.is_some_and(|span| kept.time >= span.from && span.until.is_none_or(|until| kept.time <= until))
    }

    /// Flows that ended before everything in memory are forgotten.
    fn drop_ended(&mut self, oldest: Timestamp) {
        while let Some((time, key)) = self.ended.front().copied().filter(|(time, _)| *time < oldest) {
            self.ended.pop_front();
            if self.flows.get(&key).is_some_and(|span| span.until.is_some_and(|until| until <= time)) {
                self.flows.remove(&key);
            }
        }
    }
}
