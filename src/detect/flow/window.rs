//! What the windows and hop counts of a handshake betray: waiting servers, tarpits, proxies.

use super::fronts::holds_back;
use super::support::seconds;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::{Facts, Side};
use crate::time::SECOND;

/// A window that lets through next to nothing, octets.
pub(in crate::detect) const TARPIT_WINDOW: u32 = 10;
/// For how long, nanoseconds.
const TARPIT_TIME: i64 = 30 * SECOND;
/// How often the client tried meanwhile.
const TARPIT_TRIES: u32 = 3;
/// Hop counts of one sender that differ by less may be two ways to it.
const OTHER_PATH: u8 = 2;

/// Ids of rules that are named elsewhere.
pub(crate) const ZERO_WINDOW_HANDSHAKE: &str = "zero-window-handshake";
pub(crate) const SYN_PROXY_SUSPECT: &str = "syn-proxy-suspect";

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: ZERO_WINDOW_HANDSHAKE,
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN, SYN-ACK or third step with a window of zero",
        description: "The other end may send nothing yet. A SYN proxy holds clients back like this until its server is \
                      ready, a tarpit does so permanently, and some tools leave the field empty.",
        reference: "RFC 9293 section 3.8.6.1",
        when: When::Facts(Facts::SYN.union(Facts::SYN_ACK).union(Facts::FINAL_ACK)),
        check: zero_window,
    },
    Rule {
        id: "tarpit-suspect",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the server's window stays at 10 octets or fewer for 30 s while the client keeps trying",
        description: "The server holds connections open on purpose: a tarpit against scanners and worms, or a very \
                      small overloaded device. If the client is yours, find out why it contacts that address.",
        reference: "LaBrea; RFC 9293 section 3.8.6.2.2",
        when: When::Ended,
        check: tarpit,
    },
    Rule {
        id: SYN_PROXY_SUSPECT,
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN-ACK and all later segments of the server have different hop counts",
        description: "A SYN proxy, a load balancer or a firewall opened the connection in the server's name. Round \
                      trips of the handshake then measure that device, not the server.",
        reference: "measured",
        when: When::Ended,
        check: syn_proxy,
    },
];

fn zero_window(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment.filter(|segment| segment.window == 0)?;
    Some(Finding::new(format!("{} from the {} with a window of 0", segment.flags, s.from)))
}

fn tarpit(s: &RuleContext<'_>) -> Option<Finding> {
    let f = s.flow;
    let offer = f.server.offer.as_ref()?;
    let (edge, acked) = (f.server.edge?, f.server.acked?);
    let never_grew = u32::from(offer.window) <= TARPIT_WINDOW && edge.offset_from(acked) <= TARPIT_WINDOW;
    let lasted = f.last_time - f.first_time;
    let tried = f.client.packets >= u64::from(TARPIT_TRIES) && f.client.data_count >= TARPIT_TRIES;
    (never_grew && lasted >= TARPIT_TIME && tried && f.was_open()).then(|| {
        Finding::new(format!("a window of {} octets that never grew within {}", offer.window, seconds(lasted)))
            .figure("window", i64::from(offer.window))
            .figure("lasted_ns", lasted)
    })
}

fn syn_proxy(s: &RuleContext<'_>) -> Option<Finding> {
    let server = &s.flow.server;
    let offer = server.offer.as_ref()?;
    // What comes and goes is a third party or another path; a window of 0 is reported as syn-proxy.
    let handed_over = server.track.ttl_changes == 1 && server.data_count > 0 && !holds_back(offer);
    let data = s.flow.steps.iter().find(|step| step.from == Side::Server && step.payload > 0);
    (offer.flags.is_syn_ack() && offer.ttl.abs_diff(server.track.ttl) >= OTHER_PATH && handed_over).then(|| {
        Finding::new(format!("TTL {} in the SYN-ACK, {} in the server's data", offer.ttl, server.track.ttl))
            .frames(s.flow.handshake.synacks.first().map(|t| t.frame).into_iter().chain(data.map(|step| step.frame)))
            .figure("synack_ttl", i64::from(offer.ttl))
            .figure("data_ttl", i64::from(server.track.ttl))
    })
}
