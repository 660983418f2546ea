//! Handshakes that were reset as soon as they were complete, and the attempt of the same client after each: a filter
//! against floods lets a client prove its address by a third step, resets it, and lets its next SYN through to the
//! server.
//!
//! A table of fixed size: what shares a place with another client and service forgets that one.

use core::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::flow::record::flow::Flow;
use crate::flow::record::notes::Probation;
use crate::flow::record::peer::Offer;
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::time::SECOND;

const PLACES: usize = 512;
/// The reset follows the third step within this, nanoseconds.
const AT_ONCE: i64 = SECOND;
/// A client that was reset tries again within this, nanoseconds.
const AGAIN: i64 = 30 * SECOND;

/// By client and service; nothing is held before the first.
#[derive(Debug)]
pub(in crate::flow) struct Probations {
    places: Vec<(u64, Option<Probation>)>,
    hasher: FixedState,
}

impl Default for Probations {
    fn default() -> Self {
        // Fixed seed: a collision only makes synscope forget a cause, and the same capture must give the same bytes.
        Self { places: Vec::new(), hasher: FixedState::with_seed(0x5eed) }
    }
}

impl Probations {
    fn tag(&self, flow: &Flow) -> u64 {
        self.hasher.hash_one((flow.client.endpoint.ip, flow.server.endpoint)) | 1
    }

    /// A reset came on `flow`: remembers it if that is all that its server did after the handshake.
    pub(in crate::flow) fn take(&mut self, flow: &Flow) {
        let Some(probation) = flow.as_probation() else { return };
        if self.places.is_empty() {
            self.places = vec![(0, None); PLACES];
        }
        let tag = self.tag(flow);
        if let Some(place) = self.places.get_mut((tag >> 1) as usize % PLACES) {
            *place = (tag, Some(probation));
        }
    }

    /// The attempt of the same client before, where `flow`, which has just got its SYN-ACK, is the one after it, and
    /// somebody else answers.
    pub(in crate::flow) fn before(&self, flow: &Flow) -> Option<Probation> {
        if self.places.is_empty() {
            return None;
        }
        let tag = self.tag(flow);
        let (_, before) = self.places.get((tag >> 1) as usize % PLACES).filter(|(other, _)| *other == tag)?;
        let before = (*before)?;
        let soon = (0..AGAIN).contains(&(flow.first_time - before.reset));
        let (client, server) = (flow.client.offer.as_ref()?, flow.server.offer.as_ref()?);
        (soon && flow.id != before.flow && before.is_of_another(client, server)).then_some(before)
    }
}

impl Probation {
    /// Whether a device answered that time that takes fewer options than the server does, at another distance or with
    /// another window.
    fn is_of_another(&self, client: &Offer, server: &Offer) -> bool {
        let lost = |offered: bool, then: bool, now: bool| offered && !then && now;
        let fewer =
            lost(client.window_scale.is_some(), self.offer.window_scale.is_some(), server.window_scale.is_some())
                || lost(client.sack_permitted, self.offer.sack_permitted, server.sack_permitted)
                || lost(client.timestamps.is_some(), self.offer.timestamps.is_some(), server.timestamps.is_some());
        let elsewhere = self.offer.ttl != server.ttl || (self.offer.window == 0 && server.window != 0);
        fewer && elsewhere
    }
}

impl Flow {
    fn as_probation(&self) -> Option<Probation> {
        let reset = self.teardown.reset.filter(|reset| reset.by == Side::Server && reset.exact)?;
        let acknowledged = self.handshake.ack.filter(|_| self.opening == Some(Opening::Established))?;
        let (offer, synack) = (self.server.offer?, self.handshake.synacks.last()?);
        let at_once = (0..AT_ONCE).contains(&(reset.time - acknowledged.time));
        let silent = self.server.data_count == 0 && self.teardown.first_fin.is_none();
        (at_once && silent).then_some(Probation {
            flow: self.id,
            began: self.first_time,
            reset: reset.time,
            frames: (synack.frame, reset.frame),
            offer,
        })
    }

    pub(in crate::flow) fn set_probation(&mut self, before: Probation) {
        self.notes.get_or_insert_default().probation = Some(Box::new(before));
    }

    /// The attempt before this one that a filter answered in the server's name, and reset.
    pub fn probation(&self) -> Option<&Probation> {
        self.notes.as_deref()?.probation.as_deref()
    }
}
