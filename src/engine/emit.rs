//! The receiver of events from the tracking stage.

use super::event::{Ending, Event, Interest, Sink};
use crate::detect::Anomaly;
use crate::detect::host::{HostDetectors, HostEvent};
use crate::flow::{Flow, Syn};
use crate::time::Timestamp;

/// Takes entries in order.
pub trait Emit {
    /// The requested kinds of costly events.
    fn wants(&self) -> Interest;

    /// Where host events to the detectors of hosts are written.
    fn host_events(&mut self) -> &mut Vec<HostEvent>;

    /// Takes a SYN with which a flow begins, to be shown to the detectors of hosts.
    fn syn(&mut self, syn: Syn<'_>);

    /// Takes the host events that were written since the last time.
    fn host_events_written(&mut self);

    /// Takes an event, neither an anomaly nor the end of a flow.
    fn event(&mut self, event: &Event<'_>);

    /// Takes an anomaly of `flow`.
    fn anomaly(&mut self, anomaly: Anomaly, flow: &Flow);

    /// Takes the end of `flow`; it may keep it and leave another in its place.
    fn ended(&mut self, flow: &mut Flow, time: Timestamp);
}

/// Runs the host detectors and the sink at once, on the same thread.
pub(super) struct Inline<'a> {
    pub(super) hosts: &'a mut HostDetectors,
    /// Empty, but for the host events of a moment.
    pub(super) host_events: &'a mut Vec<HostEvent>,
    pub(super) sink: &'a mut dyn Sink,
}

impl Emit for Inline<'_> {
    fn wants(&self) -> Interest {
        self.sink.wants()
    }

    fn host_events(&mut self) -> &mut Vec<HostEvent> {
        self.host_events
    }

    fn syn(&mut self, syn: Syn<'_>) {
        self.hosts.take_syn(syn, &mut |anomaly| self.sink.event(&Event::Anomaly { anomaly, flow: None }));
    }

    fn host_events_written(&mut self) {
        for event in self.host_events.drain(..) {
            self.hosts.take(&event, &mut |anomaly| self.sink.event(&Event::Anomaly { anomaly, flow: None }));
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.sink.event(event);
    }

    fn anomaly(&mut self, anomaly: Anomaly, flow: &Flow) {
        self.sink.event(&Event::Anomaly { anomaly: &anomaly, flow: Some(flow) });
    }

    fn ended(&mut self, flow: &mut Flow, time: Timestamp) {
        if self.sink.wants().intersects(Interest::ENDS) {
            self.sink.event(&Event::FlowEnd { flow, time });
        } else {
            self.sink.event(&Event::Ending(&Ending::of(flow)));
        }
    }
}
