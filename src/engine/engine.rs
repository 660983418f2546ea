//! The engine: decodes, tracks, detects.

use super::batch::Batch;
use super::emit::Inline;
use super::event::{Event, Sink};
use super::settings::Settings;
use super::totals::Totals;
use super::track::TrackStage;
use crate::decode::{Decoder, Frame, Outcome, SkipReason};
use crate::detect::UnknownRule;
use crate::detect::host::{self, HostCounters, HostDetectors, HostEvent};
use crate::tcp::{IcmpQuote, Segment};
use crate::time::Timestamp;

/// Frames in, events out.
#[derive(Debug)]
pub struct Engine {
    decoder: Decoder,
    front: TrackStage,
    hosts: HostDetectors,
    /// Room for the host events of a moment.
    host_events: Vec<HostEvent>,
}

impl Engine {
    /// An engine that has seen nothing.
    ///
    /// # Errors
    ///
    /// A rule id that does not exist.
    pub fn new(settings: &Settings) -> Result<Self, UnknownRule> {
        let hosts = host::Settings { time_wait: settings.timeouts.time_wait, ..settings.hosts.clone() };
        Ok(Self {
            decoder: Decoder::new(settings.decode),
            front: TrackStage::new(settings)?,
            hosts: HostDetectors::new(hosts, &settings.rules),
            host_events: Vec::new(),
        })
    }

    /// Takes a frame at once.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let mut outcome = Outcome::Skip(SkipReason::NotIp);
        self.decoder.decode_into(frame, &mut outcome);
        let emit = &mut Inline { hosts: &mut self.hosts, host_events: &mut self.host_events, sink };
        self.front.frame(&outcome, frame.time, emit);
        if let Outcome::Tcp(segment) = &outcome {
            let (hash, from_low) = self.front.key(segment);
            if let Some(opening) = self.decoder.inspect(hash, from_low, segment, frame) {
                self.front.take_tls(segment, &opening, self.decoder.handshakes_given_up());
            }
        }
        while self.decoder.holds_more() {
            self.decoder.decode_more(frame, &mut outcome);
            self.front.take_more(&outcome, emit);
        }
    }

    /// An empty batch for this engine.
    pub fn batch(&self) -> Batch {
        self.front.batch()
    }

    /// Takes frame `n` of a batch; to be called for each in order, from 0.
    #[inline]
    pub fn frame_of(&mut self, batch: &mut Batch, n: usize, sink: &mut dyn Sink) {
        self.front.frame_of(batch, n, &mut Inline { hosts: &mut self.hosts, host_events: &mut self.host_events, sink });
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment, sink: &mut dyn Sink) {
        self.front.segment(segment, &mut Inline { hosts: &mut self.hosts, host_events: &mut self.host_events, sink });
    }

    /// Takes a segment with the octets of its payload.
    pub fn segment_with(&mut self, segment: &Segment, payload: &[u8], sink: &mut dyn Sink) {
        self.segment(segment, sink);
        let (hash, from_low) = self.front.key(segment);
        if let Some(opening) = self.decoder.inspect_payload(hash, from_low, segment, payload) {
            self.front.take_tls(segment, &opening, self.decoder.handshakes_given_up());
        }
    }

    /// Takes an ICMP error about a segment.
    pub fn quote(&mut self, quote: &IcmpQuote, sink: &mut dyn Sink) {
        self.front.quote(quote, &mut Inline { hosts: &mut self.hosts, host_events: &mut self.host_events, sink });
    }

    /// Advances to `time` without a packet: timeouts until then fire.
    pub fn advance(&mut self, time: Timestamp, sink: &mut dyn Sink) {
        self.front.advance(time, &mut Inline { hosts: &mut self.hosts, host_events: &mut self.host_events, sink });
    }

    /// Ends observation: open flows are reported as they are. [`Self::totals`] has the totals.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        let time = self.front.finish(&mut Inline { hosts: &mut self.hosts, host_events: &mut self.host_events, sink });
        self.hosts.finish(time, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
        self.front.finish_rules(time, &mut |anomaly| sink.event(&Event::Anomaly { anomaly, flow: None }));
    }

    /// Its two halves, for two threads: the first tracks connections and writes [`EventBatch`](super::EventBatch)es
    /// through a [`Batcher`](super::Batcher); the second reads them and emits the same events in the same order as
    /// [`Self::frame_of`] would.
    pub const fn split(&mut self) -> (&mut TrackStage, &mut HostDetectors) {
        (&mut self.front, &mut self.hosts)
    }

    /// Takes how many packets were dropped while capturing, as of now.
    pub const fn take_drops(&mut self, drops: u64) {
        self.front.take_drops(drops);
    }

    /// Totals as of now.
    pub fn totals(&self) -> Totals {
        let mut totals = self.front.totals();
        totals.add_hosts(&self.hosts);
        totals
    }

    /// The host detectors: scans, floods, initial sequence numbers.
    pub const fn hosts(&self) -> &HostDetectors {
        &self.hosts
    }

    /// What the state of the detectors of hosts amounts to. Visits all of it: not for every packet.
    pub fn host_counters(&self) -> HostCounters {
        self.front.host_counters().and(self.hosts.counters())
    }

    /// Flows tracked now.
    pub fn live_flows(&self) -> usize {
        self.front.live_flows()
    }
}
