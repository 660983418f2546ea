//! Devices that open connections in a server's name: SYN proxies, and filters that ask a client to prove its address.

use super::support::seconds;
use crate::detect::anomaly::{Figure, Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::notes::WrongSynAck;
use crate::flow::{Facts, Flow, Offer, Probation, Side};
use crate::time::SECOND;

/// A device that has to open its own connection to the server first does so within this, nanoseconds.
const HANDED_OVER: i64 = 5 * SECOND;
/// TTLs of one host that differ by less may be two ways to it.
const OTHER_PATH: u8 = 2;
/// How many times longer than the handshake something takes that goes further.
const FURTHER: i64 = 4;

/// Ids of rules that are named elsewhere.
pub(crate) const SYN_PROXY: &str = "syn-proxy";
pub(crate) const SYN_AUTHENTICATION: &str = "syn-authentication";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: SYN_PROXY,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN-ACK with a window of 0 that opened only after the final ACK",
        description: "A SYN proxy, a load balancer or a firewall opened the connection in the server's name, and holds \
                      the client back until its own connection to the server is open. The round trip of the handshake \
                      is the one to that device; the delay until the window opened is the one behind it. Options that \
                      the device does not support are lost. Harmless if intended: check whether the protection is \
                      permanent or reacts to an attack.",
        reference: "Linux nftables, synproxy; RFC 4987 section 3.8",
        when: When::Facts(Facts::FIRST_DATA),
        check: syn_proxy,
    },
    Rule {
        id: SYN_AUTHENTICATION,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a filter that wants proof of an address answered a client's first attempt, the server the next",
        description: "A filter against floods answers the first SYN of an address. With a wrong acknowledgment number, \
                      a real client must reset its SYN-ACK (safe reset); with a right one, a real client completes the \
                      handshake, and the filter resets it. Then it admits the address. Client and server are not at \
                      fault. Each new address loses about one second, until its SYN is repeated, or one connection; a \
                      list of known addresses or SYN cookies on the filter avoid that.",
        reference: "RFC 9293 section 3.10.7.3; RFC 4987 section 3.8",
        when: When::Opened,
        check: syn_authentication,
    },
];

fn syn_proxy(s: &RuleContext<'_>) -> Option<Finding> {
    let (f, segment) = (s.flow, s.segment?);
    let (client, server) = (f.client.offer.as_ref()?, f.server.offer.as_ref()?);
    let acknowledged = f.handshake.ack.as_ref()?;
    if !holds_back(server) || f.handshake.crossed {
        return None;
    }
    let opened = match s.from {
        Side::Server if f.client.data_count == 0 && segment.window > 0 => s.time,
        // It acknowledged the third step before, and opened the window with that.
        Side::Client if f.server.data_count == 0 && f.server.packets > u64::from(f.server.synack_count) => {
            let open = f.server.edge.zip(f.server.acked).is_some_and(|(edge, acked)| edge.after(acked));
            open.then_some(f.server.last_time)?
        }
        _ => return None,
    };
    let update = opened - acknowledged.time;
    let handshake = f.handshake.rtt_server().unwrap_or(0).max(0);
    let lost = options_lost(client, server);
    (0..=HANDED_OVER).contains(&update).then(|| {
        let mut words = format!(
            "SYN-ACK after {} with a window of 0, which opened {} after the third step",
            seconds(handshake),
            seconds(update)
        );
        if update >= FURTHER * handshake {
            words.push_str(": the server is further away");
        }
        if !lost.is_empty() {
            words = format!("{words}; not taken: {}", lost.join(", "));
        }
        Finding::new(words)
            .frames([f.handshake.synacks.first().map_or(0, |t| t.frame), acknowledged.frame, segment.frame])
            .figure("handshake_ns", handshake)
            .figure("update_ns", update)
            .figure("options_lost", Figure::Texts(lost.into_iter().map(str::to_owned).collect()))
    })
}

/// Whether the SYN-ACK lets the client send nothing yet.
pub(in crate::detect) fn holds_back(synack: &Offer) -> bool {
    synack.flags.is_syn_ack() && synack.window == 0
}

/// Options that the client offered and the SYN-ACK does not take.
fn options_lost(client: &Offer, server: &Offer) -> Vec<&'static str> {
    [
        (client.window_scale.is_some() && server.window_scale.is_none(), "window scaling"),
        (client.sack_permitted && !server.sack_permitted, "selective acknowledgment"),
        (client.timestamps.is_some() && server.timestamps.is_none(), "timestamps"),
    ]
    .into_iter()
    .filter_map(|(lost, name)| lost.then_some(name))
    .collect()
}

/// The first SYN-ACK of `f` that acknowledged none of its SYNs, if a filter sent it to see whether the client resets
/// it: the connection opened once the SYN was repeated, and what answered that is somebody else.
pub(super) fn authenticated(f: &Flow) -> Option<&WrongSynAck> {
    let wrong = f.notes()?.wrong_synack.as_ref()?;
    let opened = f.opening.is_some_and(crate::flow::Opening::opened) && f.client.rst_count > 0;
    let asked_again = f.handshake.syns.last().is_some_and(|syn| syn.time > wrong.time);
    (opened && asked_again && is_of_another(wrong, f)).then_some(wrong)
}

/// Whether a SYN-ACK looks like the work of another machine than the one that opened the connection.
pub(super) fn is_of_another(wrong: &WrongSynAck, f: &Flow) -> bool {
    f.server.offer.as_ref().is_some_and(|real| {
        let by_path = wrong.ttl.abs_diff(real.ttl) >= OTHER_PATH;
        by_path || (wrong.window == 0 && real.window != 0)
    })
}

fn syn_authentication(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    if let Some(before) = f.probation() {
        return admitted(f, before);
    }
    let wrong = authenticated(f)?;
    let real = f.server.offer.as_ref()?;
    let waited = f.handshake.connect_time()?;
    Some(
        Finding::new(format!(
            "a filter had the client reset a SYN-ACK that acknowledges {} (TTL {}, window {}; the server's: {}, {}); \
             the connection opened {} after the first SYN",
            wrong.ack.0,
            wrong.ttl,
            wrong.window,
            real.ttl,
            real.window,
            seconds(waited)
        ))
        .frames([wrong.frame].into_iter().chain(f.handshake.synacks.last().map(|t| t.frame)))
        .figure("ack", wrong.ack.0)
        .figure("ttl", i64::from(wrong.ttl))
        .figure("server_ttl", i64::from(real.ttl))
        .figure("connect_ns", waited),
    )
}

/// The attempt before was reset once it was complete. That the server serves this one is the proof.
fn admitted(f: &Flow, before: &Probation) -> Option<Finding> {
    let real = f.server.offer.as_ref()?;
    let served = f.opening.is_some_and(crate::flow::Opening::opened) && f.server.data_count > 0;
    served.then(|| {
        let after = (f.opening_time - before.began).max(0);
        Finding::new(format!(
            "a filter answered the attempt before in the server's name (flow {}, TTL {}, window {}; the server's: {}, \
             {}) and reset it once it was complete; this one opened {} after the first SYN",
            before.flow,
            before.offer.ttl,
            before.offer.window,
            real.ttl,
            real.window,
            seconds(after)
        ))
        .frames([before.frames.0, before.frames.1].into_iter().chain(f.handshake.synacks.first().map(|t| t.frame)))
        .figure("flow_before", i64::try_from(before.flow).unwrap_or(i64::MAX))
        .figure("ttl", i64::from(before.offer.ttl))
        .figure("server_ttl", i64::from(real.ttl))
        .figure("connect_ns", after)
    })
}
