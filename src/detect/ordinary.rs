//! What no rule has anything to say about, recognized by a few comparisons: the SYN, SYN-ACK, third step, FIN, opening
//! and end of an ordinary connection.
//!
//! Some sixty rules are interested in such moments, and nine connections in ten give none of them cause. What is
//! ordinary here must imply that each rule filed under the moment would stay silent: a rule that is added there, and
//! could fire on what this module calls ordinary, must be allowed for here. `tests/short_cut.rs` runs every capture
//! with and without.

use super::flow::{closes, fronts, mss, opening, options, retries, window};
use crate::flow::{Facts, Flow, Offer, Opening, Peer, Side};
use crate::tcp::{Checksum, Flags, Headers, Segment};

/// Flags that offer or answer explicit congestion notification.
const ECN: Flags = Flags(Flags::ECE.0 | Flags::CWR.0 | Flags::AE.0);

/// Those of `facts` about `segment` that rules must be asked about.
pub(super) fn worth_asking(flow: &Flow, segment: &Segment, from: Side, facts: Facts) -> Facts {
    let is = |fact: Facts| facts.intersects(fact);
    let mut ordinary = Facts::empty();
    if is(Facts::SYN) && is_ordinary_syn(flow, segment, from) {
        ordinary |= Facts::SYN;
    }
    if is(Facts::SYN_ACK) && is_ordinary_synack(flow, segment, from) {
        ordinary |= Facts::SYN_ACK;
    }
    if is(Facts::FINAL_ACK) && is_ordinary_third_step(flow, segment, from) {
        ordinary |= Facts::FINAL_ACK;
    }
    if is(Facts::FIRST_DATA) && is_ordinary_data(flow, segment, from) {
        ordinary |= Facts::FIRST_DATA;
    }
    if is(Facts::FIN) && !is(Facts::FINAL_ACK) && is_ordinary_fin(flow, segment, from) {
        ordinary |= Facts::FIN;
    }
    if is(Facts::ACK_OF_FIN) && !flow.teardown.simultaneous {
        ordinary |= Facts::ACK_OF_FIN;
    }
    facts.difference(ordinary)
}

/// Whether no rule has anything to report about a flow that begins with `s` and has no history.
pub fn first_syn(s: &Segment) -> bool {
    is_plain_syn(s)
        && s.ack_field.0 == 0
        && s.urgent == 0
        && s.headers == Headers::Whole
        && !matches!(s.checksum, Checksum::Bad)
}

/// Whether the opening of `flow` is one that no rule of openings is about.
pub(super) fn opening(flow: &Flow) -> bool {
    flow.opening == Some(Opening::Established) && !flow.handshake.wrong_synack
}

/// Whether `flow` ended, or observation of it did, so that of all rules about openings, silence and ends only those for
/// every end have something to say.
pub(super) fn end(flow: &Flow) -> bool {
    let t = &flow.teardown;
    let done = |peer: &Peer| peer.fin.is_none() || peer.fin_acknowledged;
    opening(flow)
        && t.reset.is_none()
        && done(&flow.client)
        && done(&flow.server)
        && flow.notes().is_none()
        && flow.tls().is_none_or(|tls| !tls.is_notable())
        && flow.bytes() > 0
        && flow.server.synack_count < 2
        && flow.client.packets > 0
        && flow.server.packets > 0
        && flow
            .server
            .offer
            .is_some_and(|o| u32::from(o.window) > window::TARPIT_WINDOW && o.ttl == flow.server.track.ttl)
        && t.first_fin.is_none_or(|first| closed_promptly(flow, first))
}

/// The only rules of openings, silence and ends that have anything to say of what [`attempt`] tells.
pub(super) const OF_ATTEMPTS: [&str; 2] = [opening::SYN_UNANSWERED, opening::MISSING_ACK];

/// Whether `flow` is an attempt, and nothing but its SYNs and SYN-ACKs is known of it.
pub(super) fn attempt(flow: &Flow) -> bool {
    matches!(flow.opening, None | Some(Opening::Unanswered | Opening::MissingAck))
        && !flow.was_open()
        && flow.teardown.reset.is_none()
        && flow.teardown.first_fin.is_none()
        && flow.client.packets == u64::from(flow.client.syn_count)
        && flow.server.packets == u64::from(flow.server.synack_count)
        && flow.client.fin.is_none()
        && flow.server.fin.is_none()
        && flow.unreachable().is_none()
        && flow.notes().is_none()
}

/// Whether the second FIN came soon after the first was acknowledged.
fn closed_promptly(flow: &Flow, first: Side) -> bool {
    let (own, other) = (flow.peer(first), flow.peer(first.other()));
    flow.teardown.simultaneous || (other.fin.is_some() && other.fin_time - own.fin_acked_time < closes::HALF_CLOSED)
}

/// What a SYN and a SYN-ACK have in common where they are ordinary.
fn is_ordinary_offer(s: &Segment) -> bool {
    let o = &s.options;
    s.payload == 0
        && s.seq.0 != 0
        && s.window != 0
        && o.faults.is_empty()
        && o.fast_open.is_none()
        && o.mptcp.is_none()
        && o.mss.is_some_and(|size| size >= mss::LEAST_V6)
        && o.window_scale.is_none_or(|shift| shift <= options::MAX_SHIFT)
}

fn is_ordinary_syn(flow: &Flow, s: &Segment, from: Side) -> bool {
    is_plain_syn(s) && flow.peer(from).offer.is_none_or(|o| o.faults.is_empty())
}

fn is_plain_syn(s: &Segment) -> bool {
    s.flags == Flags::SYN
        && is_ordinary_offer(s)
        && s.options.timestamps.is_none_or(|t| t.echo == 0)
        && super::flow::addresses::are_ordinary(s)
}

fn is_ordinary_synack(flow: &Flow, s: &Segment, from: Side) -> bool {
    let (Some(client), Some(server)) = (&flow.client.offer, &flow.server.offer) else { return false };
    let [syn] = flow.handshake.syns.as_slice() else { return false };
    let alike = client.window_scale.is_some() == server.window_scale.is_some()
        && client.sack_permitted == server.sack_permitted
        && client.timestamps.is_some() == server.timestamps.is_some();
    let plain = |o: &Offer| {
        o.faults.is_empty() && !o.flags.any(ECN) && o.fast_open.is_none() && o.mptcp.is_none() && o.payload == 0
    };
    s.flags == Flags::SYN | Flags::ACK
        && from == Side::Server
        && is_ordinary_offer(s)
        && plain(client)
        && plain(server)
        && alike
        && flow.previous().is_none()
        && flow.client.syn_count == 1
        && flow.handshake.synacks.len() == 1
        && s.options.timestamps.is_none_or(|t| syn.ts_value == Some(t.echo))
}

fn is_ordinary_third_step(flow: &Flow, s: &Segment, from: Side) -> bool {
    s.window != 0
        && !flow.host_marks.slow_answer
        && flow.handshake.connect_time().is_some_and(|took| took < retries::SLOW)
        && !options::stamp_went_back(flow, s, from)
}

fn is_ordinary_data(flow: &Flow, s: &Segment, from: Side) -> bool {
    let held_back = flow.server.offer.as_ref().is_some_and(fronts::holds_back);
    !held_back && !options::stamp_went_back(flow, s, from)
}

fn is_ordinary_fin(flow: &Flow, s: &Segment, from: Side) -> bool {
    s.flags.0 & !Flags::PSH.0 == Flags::FIN.0 | Flags::ACK.0
        && flow.was_open()
        && !options::stamp_went_back(flow, s, from)
}
