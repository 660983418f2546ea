//! News from the first half of the engine to the second, which may be on another thread.

use super::outlet::Outlet;
use super::{Ending, Event, Sink, Totals, Wants};
use crate::detect::Anomaly;
use crate::detect::host::{HostDetectors, Letter};
use crate::flow::{Flow, Side};
use crate::time::Timestamp;

/// News in a [`Bulletin`]. Each one delivered may have to wake its reader, which costs as much as a thousand packets.
const NEWS: usize = 8192;
/// Flows in a [`Bulletin`].
const FLOWS: usize = 512;
/// How many letters ahead of its turn one is looked at, for what it needs to be on its way.
const AHEAD: usize = 6;

/// An entry of a bulletin; a flow or an anomaly is told by its place in the bulletin's list.
#[derive(Debug)]
enum News {
    Letter(Letter),
    SessionStart(Timestamp),
    HandshakeEnd(usize),
    TeardownStart { flow: usize, by: Side, time: Timestamp },
    FlowEnd { flow: usize, time: Timestamp },
    Ending(Ending),
    Anomaly { anomaly: usize, flow: Option<usize> },
    Stats { totals: Box<Totals>, time: Timestamp },
    Used,
}

/// What happened, in order. Reused: in steady state nothing is allocated for a connection that ends.
#[derive(Debug, Default)]
pub struct Bulletin {
    news: Vec<News>,
    /// Flows, of which `used` are news; the others are there to be exchanged for them.
    flows: Vec<Flow>,
    used: usize,
    anomalies: Vec<Anomaly>,
}

impl Bulletin {
    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    /// Reads it to `hosts`, which judges, and to `sink`, and empties it.
    pub fn read(&mut self, hosts: &mut HostDetectors, sink: &mut dyn Sink) {
        for n in 0..self.news.len() {
            if let Some(News::Letter(letter)) = self.news.get(n + AHEAD) {
                hosts.foresee(letter);
            }
            let Some(news) = self.news.get_mut(n) else { break };
            let news = core::mem::replace(news, News::Used);
            self.tell(news, hosts, sink);
        }
        self.news.clear();
        self.anomalies.clear();
        self.used = 0;
    }

    fn is_full(&self) -> bool {
        self.news.len() >= NEWS || self.used >= FLOWS
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

    fn tell(&self, news: News, hosts: &mut HostDetectors, sink: &mut dyn Sink) {
        let of = |place: usize| self.flows.get(place);
        match news {
            News::Letter(letter) => {
                hosts.take(letter, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
            }
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
            News::Stats { mut totals, time } => {
                totals.anomalies.extend(hosts.counts());
                sink.event(&Event::Stats { totals: &totals, time });
            }
            News::Used => {}
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
        self.add(News::Stats { totals: Box::new(totals), time });
    }

    /// Delivers what there is.
    pub fn flush(&mut self) {
        if self.bulletin.is_empty() || !self.is_read {
            return;
        }
        match (self.deliver)(core::mem::take(&mut self.bulletin)) {
            Some(empty) => self.bulletin = empty,
            None => self.is_read = false,
        }
    }

    fn add(&mut self, news: News) {
        if !self.is_read {
            return;
        }
        self.bulletin.news.push(news);
        if self.bulletin.is_full() {
            self.flush();
        }
    }
}

impl<F: FnMut(Bulletin) -> Option<Bulletin>> Outlet for Poster<F> {
    fn wants(&self) -> Wants {
        self.wants
    }

    fn letter(&mut self, letter: Letter) {
        self.add(News::Letter(letter));
    }

    fn event(&mut self, event: &Event<'_>) {
        let news = match *event {
            Event::SessionStart { time } => News::SessionStart(time),
            Event::HandshakeEnd(flow) => News::HandshakeEnd(self.bulletin.copy(flow)),
            Event::TeardownStart { flow, by, time } => {
                News::TeardownStart { flow: self.bulletin.copy(flow), by, time }
            }
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
