//! A socket connected to itself: a client whose kernel gave it the port that it connects to meets its own SYN, and a
//! simultaneous open with itself follows (RFC 9293 section 3.5, figure 7). One end says and hears everything.

use crate::flow::record::facts::Facts;
use crate::flow::record::flow::Flow;
use crate::flow::record::handshake::Try;
use crate::flow::record::tracking::Phase;
use crate::flow::record::tuple::Side;
use crate::flow::record::verdict::Opening;
use crate::tcp::{Flags, Segment, State};
use crate::time::Timestamp;

impl Flow {
    /// Takes a segment, no reset, that a socket sends to itself. All is noted of the client; the server is its image.
    pub(in crate::flow) fn dispatch_to_itself(&mut self, s: &Segment, now: Timestamp) -> Facts {
        let facts = if s.flags.is_syn() {
            self.on_syn(s, Side::Client, now)
        } else if s.flags.is_syn_ack() {
            self.synack_to_itself(s)
        } else {
            self.account(s, Side::Client) | self.close_to_itself(s)
        };
        self.mirror();
        facts
    }

    fn synack_to_itself(&mut self, s: &Segment) -> Facts {
        self.client.synack_count += 1;
        if self.tracking.phase == Phase::Open {
            return Facts::SYNACK_ON_ESTABLISHED | Facts::SYNACK_REPEATED;
        }
        if self.client.isn != Some(s.seq) || !self.acks_some_syn(s) {
            self.handshake.wrong_synack = true;
            return Facts::SYNACK_WRONG_ACK;
        }
        self.handshake.synacks.push(Try::of(s));
        self.handshake.crossed = true;
        self.client.acked = s.ack();
        self.client.confirmed = State::Established;
        self.open(Opening::SimultaneousOpen, s, true);
        Facts::SYN_ACK | Facts::FINAL_ACK
    }

    fn close_to_itself(&mut self, s: &Segment) -> Facts {
        if self.tracking.phase != Phase::Open {
            return Facts::empty();
        }
        let mut facts = if self.teardown.complete.is_some() { Facts::AFTER_CLOSE } else { Facts::empty() };
        if s.flags.has(Flags::FIN) {
            self.client.fin_count += 1;
            facts |= Facts::FIN;
            if self.client.fin.is_none() {
                (self.client.fin, self.client.fin_time) = (Some(s.payload_start().plus(s.payload)), s.time);
                self.client.confirmed = State::FinWait1;
                self.teardown.first_fin = Some(Side::Client);
                self.teardown.simultaneous = true;
            } else {
                facts |= Facts::FIN_REPEATED;
            }
        }
        let acknowledged = self.client.fin.zip(s.ack()).is_some_and(|(fin, ack)| ack.after(fin));
        if acknowledged && !self.client.fin_acknowledged {
            (self.client.fin_acknowledged, self.client.fin_acked_time) = (true, s.time);
            self.client.confirmed = State::TimeWait;
            self.teardown.complete = Some(s.time);
            facts |= Facts::ACK_OF_FIN;
        }
        facts
    }

    /// What is true of one end is true of the other; what was sent is counted once.
    fn mirror(&mut self) {
        let (own, image) = (&self.client, &mut self.server);
        (image.isn, image.offer) = (own.isn, own.offer);
        (image.next, image.acked, image.edge, image.first_seq) = (own.next, own.acked, own.edge, own.first_seq);
        (image.fin, image.fin_time) = (own.fin, own.fin_time);
        (image.fin_acknowledged, image.fin_acked_time) = (own.fin_acknowledged, own.fin_acked_time);
        (image.confirmed, image.in_flight) = (own.confirmed, own.in_flight);
    }
}
