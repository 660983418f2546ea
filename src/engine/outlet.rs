//! What the first half of the engine hands its news to.

use super::{Ending, Event, Sink, Wants};
use crate::detect::Anomaly;
use crate::detect::host::{HostDetectors, Letter};
use crate::flow::{Flow, Syn};
use crate::time::Timestamp;

/// Takes news in order.
pub trait Outlet {
    /// What is wanted of those events that cost something.
    fn wants(&self) -> Wants;

    /// Where letters to the detectors of hosts are written.
    fn letters(&mut self) -> &mut Vec<Letter>;

    /// Takes a SYN with which a flow begins, to be shown to the detectors of hosts.
    fn syn(&mut self, syn: Syn<'_>);

    /// Takes the letters that were written since the last time.
    fn mail(&mut self);

    /// Takes an event, neither an anomaly nor the end of a flow.
    fn event(&mut self, event: &Event<'_>);

    /// Takes an anomaly of `flow`.
    fn anomaly(&mut self, anomaly: Anomaly, flow: &Flow);

    /// Takes the end of `flow`; it may keep it and leave another in its place.
    fn ended(&mut self, flow: &mut Flow, time: Timestamp);
}

/// Judges and tells at once.
pub(super) struct Direct<'a> {
    pub(super) hosts: &'a mut HostDetectors,
    /// Empty, but for the letters of a moment.
    pub(super) letters: &'a mut Vec<Letter>,
    pub(super) sink: &'a mut dyn Sink,
}

impl Outlet for Direct<'_> {
    fn wants(&self) -> Wants {
        self.sink.wants()
    }

    fn letters(&mut self) -> &mut Vec<Letter> {
        self.letters
    }

    fn syn(&mut self, syn: Syn<'_>) {
        self.hosts.take_syn(syn, &mut |anomaly| self.sink.event(&Event::Anomaly { anomaly, flow: None }));
    }

    fn mail(&mut self) {
        for letter in self.letters.drain(..) {
            self.hosts.take(&letter, &mut |anomaly| self.sink.event(&Event::Anomaly { anomaly, flow: None }));
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.sink.event(event);
    }

    fn anomaly(&mut self, anomaly: Anomaly, flow: &Flow) {
        self.sink.event(&Event::Anomaly { anomaly: &anomaly, flow: Some(flow) });
    }

    fn ended(&mut self, flow: &mut Flow, time: Timestamp) {
        if self.sink.wants().any(Wants::ENDS) {
            self.sink.event(&Event::FlowEnd { flow, time });
        } else {
            self.sink.event(&Event::Ending(&Ending::of(flow)));
        }
    }
}
