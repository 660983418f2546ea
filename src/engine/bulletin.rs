//! News from the first half of the engine to the second, which may be on another thread.

use super::outlet::Outlet;
use super::{Ending, Event, Sink, Totals, Wants};
use crate::detect::Anomaly;
use crate::detect::host::{HostDetectors, Letter};
use crate::flow::prefetch::prefetch_write;
use crate::flow::{Embryo, Flow, Side, Syn, Wide};
use crate::time::Timestamp;

/// News in a [`Bulletin`]. Each one delivered may have to wake its reader, which costs as much as a thousand packets.
const NEWS: usize = 2048;
/// Flows in a [`Bulletin`].
const FLOWS: usize = 512;
/// How many letters ahead of its turn one is looked at, for what it needs to be on its way.
const AHEAD: usize = 6;

/// An entry of a bulletin; a flow or an anomaly is told by its place in the bulletin's list.
#[derive(Clone, Copy, Debug)]
enum News {
    /// The letters up to this one.
    Letters(usize),
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
pub struct Bulletin {
    news: Vec<News>,
    /// Flows, of which `used` are news; the others are there to be exchanged for them.
    flows: Vec<Flow>,
    used: usize,
    letters: Vec<Letter>,
    syns: Vec<Embryo>,
    /// Of those over IPv6, in the same order, what they have more.
    wides: Vec<Wide>,
    anomalies: Vec<Anomaly>,
    totals: Vec<Totals>,
}

impl Bulletin {
    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    /// Reads it to `hosts`, which judges, and to `sink`, and empties it.
    pub fn read(&mut self, hosts: &mut HostDetectors, sink: &mut dyn Sink) {
        let (mut letters, mut syns, mut wides) = (0, 0, 0);
        for n in 0..self.news.len() {
            match self.news[n] {
                News::Letters(end) => {
                    for at in core::mem::replace(&mut letters, end)..end {
                        self.letters.get(at + AHEAD).into_iter().for_each(|letter| hosts.foresee(letter));
                        let letter = &self.letters[at];
                        hosts.take(letter, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
                    }
                }
                News::Syns(end) => {
                    for at in core::mem::replace(&mut syns, end)..end {
                        if let Some(embryo) = self.syns.get(at + AHEAD) {
                            // A guess, that those before it are of the same family; nothing depends on it but speed.
                            hosts.foresee_syn(self.syn(embryo, wides + AHEAD));
                        }
                        let syn = self.syn(&self.syns[at], wides);
                        wides += usize::from(syn.embryo.is_wide());
                        hosts.take_syn(syn, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
                    }
                }
                _ => self.tell(n, hosts, sink),
            }
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.news.clear();
        self.letters.clear();
        self.syns.clear();
        self.wides.clear();
        self.anomalies.clear();
        self.totals.clear();
        self.used = 0;
    }

    /// A SYN, before which so many were over IPv6.
    fn syn<'a>(&'a self, embryo: &'a Embryo, wides: usize) -> Syn<'a> {
        let wide = if embryo.is_wide() { self.wides.get(wides) } else { None };
        Syn { embryo, wide: wide.unwrap_or(&Wide::NONE) }
    }

    fn is_full(&self) -> bool {
        self.letters.len() + self.syns.len() + self.news.len() >= NEWS || self.used >= FLOWS
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

    /// Tells entry `n`, if it is about no letters.
    fn tell(&self, n: usize, hosts: &HostDetectors, sink: &mut dyn Sink) {
        let of = |place: usize| self.flows.get(place);
        match self.news[n] {
            News::Letters(_) | News::Syns(_) => {}
            News::SessionStart(time) => sink.event(&Event::SessionStart { time }),
            News::HandshakeEnd(place) => {
                if let Some(flow) = of(place) {
                    sink.event(&Event::HandshakeEnd(flow));
                }
            }
            News::TeardownStart { flow, by, time } => {
                if let Some(flow) = of(flow) {
                    sink.event(&Event::TeardownStart { flow, by, time });
                }
            }
            News::FlowEnd { flow, time } => {
                if let Some(flow) = of(flow) {
                    sink.event(&Event::FlowEnd { flow, time });
                }
            }
            News::Anomaly { anomaly, flow } => {
                if let Some(anomaly) = self.anomalies.get(anomaly) {
                    sink.event(&Event::Anomaly { anomaly, flow: flow.and_then(of) });
                }
            }
            News::Ending(ending) => sink.event(&Event::Ending(&ending)),
            News::Stats { totals, time } => {
                let mut totals = self.totals[totals].clone();
                totals.add_hosts(hosts);
                sink.event(&Event::Stats { totals: &totals, time });
            }
        }
    }
}

/// Whether bulletins have all that is wanted. Starts, steps and segments of flows they have not: each would be a copy.
pub const fn serves(wants: Wants) -> bool {
    !wants.any(Wants::SEGMENTS.and(Wants::STARTS).and(Wants::STEPS))
}

/// Writes bulletins, and has them delivered when they are full. `deliver` gets a full one for an empty one; none if nobody
/// reads them any more.
#[derive(Debug)]
pub struct Poster<F> {
    wants: Wants,
    bulletin: Bulletin,
    deliver: F,
    is_read: bool,
}

impl<F: FnMut(Bulletin) -> Option<Bulletin>> Poster<F> {
    /// One whose readers want this, which bulletins must have.
    pub fn new(wants: Wants, deliver: F) -> Self {
        debug_assert!(serves(wants), "{wants:?}");
        Self { wants, bulletin: Bulletin::default(), deliver, is_read: true }
    }

    /// Whether anybody reads what it posts.
    pub const fn is_read(&self) -> bool {
        self.is_read
    }

    /// Tells `totals` at `time`; anomalies of hosts are added by who reads it.
    pub fn stats(&mut self, totals: Totals, time: Timestamp) {
        self.bulletin.totals.push(totals);
        self.add(News::Stats { totals: self.bulletin.totals.len() - 1, time });
    }

    /// Delivers what there is.
    pub fn flush(&mut self) {
        if self.bulletin.is_empty() {
            return;
        }
        if !self.is_read {
            self.bulletin.clear();
            return;
        }
        match (self.deliver)(core::mem::take(&mut self.bulletin)) {
            Some(empty) => self.bulletin = empty,
            None => self.is_read = false,
        }
    }

    fn add(&mut self, news: News) {
        self.bulletin.news.push(news);
        self.deliver_if_full();
    }

    fn deliver_if_full(&mut self) {
        if self.bulletin.is_full() {
            self.flush();
        }
    }
}

impl<F: FnMut(Bulletin) -> Option<Bulletin>> Outlet for Poster<F> {
    fn wants(&self) -> Wants {
        self.wants
    }

    fn letters(&mut self) -> &mut Vec<Letter> {
        &mut self.bulletin.letters
    }

    fn syn(&mut self, syn: Syn<'_>) {
        self.bulletin.syns.push(*syn.embryo);
        if syn.embryo.is_wide() {
            self.bulletin.wides.push(*syn.wide);
        }
        self.bulletin.syns.spare_capacity_mut().get(AHEAD).into_iter().for_each(prefetch_write);
        let end = self.bulletin.syns.len();
        if let Some(News::Syns(last)) = self.bulletin.news.last_mut() {
            *last = end;
        } else {
            self.bulletin.news.push(News::Syns(end));
        }
        self.deliver_if_full();
    }

    fn mail(&mut self) {
        let end = self.bulletin.letters.len();
        if let Some(News::Letters(last)) = self.bulletin.news.last_mut() {
            *last = end;
        } else {
            self.bulletin.news.push(News::Letters(end));
        }
        self.deliver_if_full();
    }

    fn event(&mut self, event: &Event<'_>) {
        let news = match *event {
            Event::SessionStart { time } => News::SessionStart(time),
            Event::HandshakeEnd(flow) => News::HandshakeEnd(self.bulletin.copy(flow)),
            Event::TeardownStart { flow, by, time } => News::TeardownStart { flow: self.bulletin.copy(flow), by, time },
            _ => return,
        };
        self.add(news);
    }

    fn anomaly(&mut self, anomaly: Anomaly, flow: &Flow) {
        let flow = self.wants.any(Wants::ANOMALOUS).then(|| self.bulletin.copy(flow));
        self.bulletin.anomalies.push(anomaly);
        self.add(News::Anomaly { anomaly: self.bulletin.anomalies.len() - 1, flow });
    }

    fn ended(&mut self, flow: &mut Flow, time: Timestamp) {
        let news = if self.wants.any(Wants::ENDS) {
            News::FlowEnd { flow: self.bulletin.keep(flow), time }
        } else {
            News::Ending(Ending::of(flow))
        };
        self.add(news);
    }
}
