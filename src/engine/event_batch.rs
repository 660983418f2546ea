//! Batches of events from the tracking stage to the reporting stage, which may run on another thread.

use super::emit::Emit;
use super::event::{Ending, Event, Interest, Sink};
use super::totals::Totals;
use crate::detect::Anomaly;
use crate::detect::host::{HostDetectors, HostEvent};
use crate::flow::prefetch::prefetch_write;
use crate::flow::{Flow, Side, Syn, SynRecord, V6Addresses};
use crate::time::Timestamp;

/// Entries in a [`EventBatch`]. Each one delivered may have to wake its reader, which costs as much as a thousand
/// packets.
const ENTRIES: usize = 2048;
/// Flows in a [`EventBatch`].
const FLOWS: usize = 512;
/// How many host events ahead of its turn one is looked at, for what it needs to be on its way.
const AHEAD: usize = 6;

/// An entry of an event batch. It refers to a flow or an anomaly by its index in the batch.
#[derive(Clone, Copy, Debug)]
enum BatchEntry {
    /// The host events up to this one.
    HostEvents(usize),
    /// The SYNs up to this one.
    Syns(usize),
    SessionStart(Timestamp),
    HandshakeEnd(usize),
    TeardownStart {
        flow: usize,
        by: Side,
        time: Timestamp,
    },
    FlowEnd {
        flow: usize,
        time: Timestamp,
    },
    Ending(Ending),
    Anomaly {
        anomaly: usize,
        flow: Option<usize>,
    },
    Stats {
        totals: usize,
        time: Timestamp,
    },
}

/// What happened, in order. Reused: in steady state nothing is allocated for a connection that ends.
#[derive(Debug, Default)]
pub struct EventBatch {
    entries: Vec<BatchEntry>,
    /// Flows: the first `used` belong to entries, the others are spare.
    flows: Vec<Flow>,
    used: usize,
    host_events: Vec<HostEvent>,
    syns: Vec<SynRecord>,
    /// Of those over IPv6, in the same order, what they have more.
    v6_addresses: Vec<V6Addresses>,
    anomalies: Vec<Anomaly>,
    totals: Vec<Totals>,
}

impl EventBatch {
    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads it to `hosts`, which judges, and to `sink`, and empties it.
    pub fn read(&mut self, hosts: &mut HostDetectors, sink: &mut dyn Sink) {
        let (mut host_events, mut syns, mut v6_addresses) = (0, 0, 0);
        for n in 0..self.entries.len() {
            match self.entries[n] {
                BatchEntry::HostEvents(end) => {
                    for at in core::mem::replace(&mut host_events, end)..end {
                        self.host_events.get(at + AHEAD).into_iter().for_each(|event| hosts.prefetch(event));
                        let event = &self.host_events[at];
                        hosts.take(event, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
                    }
                }
                BatchEntry::Syns(end) => {
                    for at in core::mem::replace(&mut syns, end)..end {
                        if let Some(syn_record) = self.syns.get(at + AHEAD) {
                            // A guess, that those before it are of the same family; nothing depends on it but speed.
                            hosts.prefetch_syn(self.syn(syn_record, v6_addresses + AHEAD));
                        }
                        let syn = self.syn(&self.syns[at], v6_addresses);
                        v6_addresses += usize::from(syn.syn_record.is_wide());
                        hosts.take_syn(syn, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
                    }
                }
                _ => self.read_entry(n, hosts, sink),
            }
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.host_events.clear();
        self.syns.clear();
        self.v6_addresses.clear();
        self.anomalies.clear();
        self.totals.clear();
        self.used = 0;
    }

    /// A SYN; `v6_addresses` counts the IPv6 SYNs before it.
    fn syn<'a>(&'a self, syn_record: &'a SynRecord, v6_addresses: usize) -> Syn<'a> {
        let wide = if syn_record.is_wide() { self.v6_addresses.get(v6_addresses) } else { None };
        Syn { syn_record, wide: wide.unwrap_or(&V6Addresses::NONE) }
    }

    fn is_full(&self) -> bool {
        self.host_events.len() + self.syns.len() + self.entries.len() >= ENTRIES || self.used >= FLOWS
    }

    /// Keeps a copy of `flow`.
    fn copy(&mut self, flow: &Flow) -> usize {
        if let Some(place) = self.flows.get_mut(self.used) {
            place.clone_from(flow);
        } else {
            self.flows.push(flow.clone());
        }
        self.used += 1;
        self.used - 1
    }

    /// Keeps `flow` itself, and leaves one in its place that has been read.
    fn keep(&mut self, flow: &mut Flow) -> usize {
        let Some(place) = self.flows.get_mut(self.used) else { return self.copy(flow) };
        core::mem::swap(place, flow);
        self.used += 1;
        self.used - 1
    }

    /// Tells entry `n`, if it is about no host events.
    fn read_entry(&self, n: usize, hosts: &HostDetectors, sink: &mut dyn Sink) {
        let of = |place: usize| self.flows.get(place);
        match self.entries[n] {
            BatchEntry::HostEvents(_) | BatchEntry::Syns(_) => {}
            BatchEntry::SessionStart(time) => sink.event(&Event::SessionStart { time }),
            BatchEntry::HandshakeEnd(place) => {
                if let Some(flow) = of(place) {
                    sink.event(&Event::HandshakeEnd(flow));
                }
            }
            BatchEntry::TeardownStart { flow, by, time } => {
                if let Some(flow) = of(flow) {
                    sink.event(&Event::TeardownStart { flow, by, time });
                }
            }
            BatchEntry::FlowEnd { flow, time } => {
                if let Some(flow) = of(flow) {
                    sink.event(&Event::FlowEnd { flow, time });
                }
            }
            BatchEntry::Anomaly { anomaly, flow } => {
                if let Some(anomaly) = self.anomalies.get(anomaly) {
                    sink.event(&Event::Anomaly { anomaly, flow: flow.and_then(of) });
                }
            }
            BatchEntry::Ending(ending) => sink.event(&Event::Ending(&ending)),
            BatchEntry::Stats { totals, time } => {
                let mut totals = self.totals[totals].clone();
                totals.add_hosts(hosts);
                sink.event(&Event::Stats { totals: &totals, time });
            }
        }
    }
}

/// Whether event batches can carry these events. Starts, steps and segments would each need a copy, so batches exclude
/// them.
pub const fn serves(wants: Interest) -> bool {
    !wants.intersects(Interest::SEGMENTS.union(Interest::STARTS).union(Interest::STEPS))
}

/// Fills event batches and delivers full ones. `deliver` exchanges a full batch for an empty one, or returns `None` if
/// the reader is gone.
#[derive(Debug)]
pub struct Batcher<F> {
    wants: Interest,
    batch: EventBatch,
    deliver: F,
    is_read: bool,
}

impl<F: FnMut(EventBatch) -> Option<EventBatch>> Batcher<F> {
    /// A batcher for readers with this interest, which event batches must serve.
    pub fn new(wants: Interest, deliver: F) -> Self {
        debug_assert!(serves(wants), "{wants:?}");
        Self { wants, batch: EventBatch::default(), deliver, is_read: true }
    }

    /// Whether the reader still exists.
    pub const fn is_read(&self) -> bool {
        self.is_read
    }

    /// Adds `totals` at `time`; the reader adds the anomalies of hosts.
    pub fn stats(&mut self, totals: Totals, time: Timestamp) {
        self.batch.totals.push(totals);
        self.add(BatchEntry::Stats { totals: self.batch.totals.len() - 1, time });
    }

    /// Delivers the current batch.
    pub fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if !self.is_read {
            self.batch.clear();
            return;
        }
        match (self.deliver)(core::mem::take(&mut self.batch)) {
            Some(empty) => self.batch = empty,
            None => self.is_read = false,
        }
    }

    fn add(&mut self, entries: BatchEntry) {
        self.batch.entries.push(entries);
        self.deliver_if_full();
    }

    fn deliver_if_full(&mut self) {
        if self.batch.is_full() {
            self.flush();
        }
    }
}

impl<F: FnMut(EventBatch) -> Option<EventBatch>> Emit for Batcher<F> {
    fn wants(&self) -> Interest {
        self.wants
    }

    fn host_events(&mut self) -> &mut Vec<HostEvent> {
        &mut self.batch.host_events
    }

    fn syn(&mut self, syn: Syn<'_>) {
        self.batch.syns.push(*syn.syn_record);
        if syn.syn_record.is_wide() {
            self.batch.v6_addresses.push(*syn.wide);
        }
        self.batch.syns.spare_capacity_mut().get(AHEAD).into_iter().for_each(prefetch_write);
        let end = self.batch.syns.len();
        if let Some(BatchEntry::Syns(last)) = self.batch.entries.last_mut() {
            *last = end;
        } else {
            self.batch.entries.push(BatchEntry::Syns(end));
        }
        self.deliver_if_full();
    }

    fn host_events_written(&mut self) {
        let end = self.batch.host_events.len();
        if let Some(BatchEntry::HostEvents(last)) = self.batch.entries.last_mut() {
            *last = end;
        } else {
            self.batch.entries.push(BatchEntry::HostEvents(end));
        }
        self.deliver_if_full();
    }

    fn event(&mut self, event: &Event<'_>) {
        let entries = match *event {
            Event::SessionStart { time } => BatchEntry::SessionStart(time),
            Event::HandshakeEnd(flow) => BatchEntry::HandshakeEnd(self.batch.copy(flow)),
            Event::TeardownStart { flow, by, time } => {
                BatchEntry::TeardownStart { flow: self.batch.copy(flow), by, time }
            }
            // Excluded by `serves`.
            Event::Segment(_) | Event::FlowStart(_) | Event::Step { .. } => return,
            // Written by `ended`, `anomaly` and `stats`.
            Event::FlowEnd { .. } | Event::Ending(_) | Event::Anomaly { .. } | Event::Stats { .. } => return,
            // Sent by the reader, which has the hosts and the final totals.
            Event::Hosts { .. } | Event::SessionEnd { .. } => return,
        };
        self.add(entries);
    }

    fn anomaly(&mut self, anomaly: Anomaly, flow: &Flow) {
        let flow = self.wants.intersects(Interest::ANOMALOUS).then(|| self.batch.copy(flow));
        self.batch.anomalies.push(anomaly);
        self.add(BatchEntry::Anomaly { anomaly: self.batch.anomalies.len() - 1, flow });
    }

    fn ended(&mut self, flow: &mut Flow, time: Timestamp) {
        let entries = if self.wants.intersects(Interest::ENDS) {
            BatchEntry::FlowEnd { flow: self.batch.keep(flow), time }
        } else {
            BatchEntry::Ending(Ending::of(flow))
        };
        self.add(entries);
    }
}
