//! What is odd about a segment by itself or against what its flow agreed on: options, reserved bits, fields without
//! flags.
//!
//! Asked for every segment, so it tests single fields and builds nothing. An ordinary segment of an open connection has
//! none of these facts but, once for each end, [`Facts::FIRST_DATA`].

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::tuple::Side;
use crate::tcp::options::OptionFaults;
use crate::tcp::{Flags, Headers, Segment, SeqNumber};

/// What is wrong with options wherever they stand.
const MALFORMED: OptionFaults = OptionFaults::LENGTH_TOO_SMALL
    .union(OptionFaults::PAST_HEADER)
    .union(OptionFaults::WRONG_LENGTH)
    .union(OptionFaults::DUPLICATE)
    .union(OptionFaults::JUNK_AFTER_END);
/// Headers and options together may exceed the MSS by this before it counts, octets.
const MSS_SLACK: u32 = 60;
/// More payload than this in one frame may be the work of the capturing host's receive offload, octets.
const ONE_PACKET: u32 = 1460;

impl Flow {
    /// The facts of `s` that need no sequence numbers.
    pub(in crate::flow) fn header_checks(&self, s: &Segment, from: Side) -> Facts {
        let mut facts = Facts::empty();
        if s.headers != Headers::Whole {
            return facts;
        }
        let syn = s.flags.has(Flags::SYN);
        let o = &s.options;
        if o.faults.intersects(MALFORMED) || (!syn && (o.mss.is_some() || o.window_scale.is_some() || o.sack_permitted))
        {
            facts |= Facts::OPTIONS_FAULTY;
        }
        if s.flags.any(Flags::RESERVED) || (s.flags.has(Flags::AE) && self.never_asked_for_accurate_ecn()) {
            facts |= Facts::RESERVED_BITS;
        }
        if self.has_unflagged_field(s, from) {
            facts |= Facts::UNFLAGGED_FIELD;
        }
        if s.payload > 0 && self.peer(from).data_count == 1 {
            facts |= Facts::FIRST_DATA;
        }
        if !syn && !s.flags.has(Flags::RST) {
            facts |= self.against_agreement(s, from);
        }
        facts
    }

    fn never_asked_for_accurate_ecn(&self) -> bool {
        let accurate = Flags::AE | Flags::CWR | Flags::ECE;
        self.client.offer.as_ref().is_some_and(|offer| !offer.flags.has(accurate))
    }

    fn has_unflagged_field(&self, s: &Segment, from: Side) -> bool {
        let zero = SeqNumber(0);
        let acknowledgment = if s.flags.has(Flags::ACK) {
            s.ack_field == zero && !s.flags.has(Flags::RST) && self.peer(from.other()).next != Some(zero)
        } else {
            s.ack_field != zero
        };
        // A probe with flags that no connection has is odd enough.
        let ordinary = s.flags.has(Flags::ACK) && !s.flags.has(Flags::SYN);
        acknowledgment || if s.flags.has(Flags::URG) { s.urgent == 0 && ordinary } else { s.urgent != 0 }
    }

    fn against_agreement(&self, s: &Segment, from: Side) -> Facts {
        let (Some(own), Some(other)) = (&self.peer(from).offer, &self.peer(from.other()).offer) else {
            return Facts::empty();
        };
        let mut facts = Facts::empty();
        if s.options.timestamps.is_none()
            && own.timestamps.is_some()
            && other.timestamps.is_some()
            && !s.options.faults.intersects(OptionFaults::NOT_CAPTURED)
        {
            facts |= Facts::TIMESTAMP_MISSING;
        }
        if let Some(mss) = other.mss
            && s.payload <= ONE_PACKET
            && s.payload + u32::from(s.options.len) > u32::from(mss) + MSS_SLACK
        {
            facts |= Facts::OVER_MSS;
        }
        facts
    }
}
