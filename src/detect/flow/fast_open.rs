//! Payload in the SYN, and TCP Fast Open.

use super::support::is_whole;
use crate::detect::anomaly::{Scope, Severity};
use crate::detect::rule::{Finding, Rule, RuleContext, When};
use crate::flow::features::{FastOpenUse, fast_open};
use crate::flow::{Facts, Side};
use crate::tcp::options::OptionFaults;

/// The rules of this family.
pub(in crate::detect) const RULES: &[Rule] = &[
    Rule {
        id: "syn-with-data",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "a SYN with payload and without a Fast Open option",
        description: "Permitted, but hardly any stack does it; most servers ignore the payload. A kernel configured \
                      for Fast Open without cookies, an old T/TCP stack, a scanner, or a probe for devices that \
                      amplify such a SYN.",
        reference: "RFC 9293 section 3.10.7.2; RFC 7413",
        when: When::Facts(Facts::SYN),
        check: syn_with_data,
    },
    Rule {
        id: "tfo-cookie-request",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN asks for a Fast Open cookie",
        description: "The client wants to send data in its next SYN to this server. If the server granted the cookie, \
             tfo-cookie-granted reports it.",
        reference: "RFC 7413 section 4.1.2",
        when: When::Facts(Facts::SYN),
        check: cookie_request,
    },
    Rule {
        id: "tfo-cookie-granted",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN-ACK carries a Fast Open cookie",
        description: "The server gave the client the cookie with which its next SYN may carry data.",
        reference: "RFC 7413 section 4.1.2",
        when: When::Facts(Facts::SYN_ACK),
        check: cookie_granted,
    },
    Rule {
        id: "tfo-accepted",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the SYN-ACK acknowledges all data of a Fast Open SYN",
        description: "Fast Open worked: the request saved one round trip.",
        reference: "RFC 7413 section 4.2.2",
        when: When::Facts(Facts::SYN_ACK),
        check: accepted,
    },
    Rule {
        id: "tfo-ignored",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the SYN-ACK acknowledges none of the data of a Fast Open SYN",
        description: "The server refused the cookie (it was stale, or made for another address of the client or with \
                      another server's key), or it has as many Fast Open requests pending as it allows, or Fast Open \
                      is off. The client sends the data again after the handshake: nothing is lost, and no round trip \
                      is saved. If it happens every time, give all servers behind one address the same key.",
        reference: "RFC 7413 section 4.2.2",
        when: When::Facts(Facts::SYN_ACK),
        check: ignored,
    },
    Rule {
        id: "tfo-partial",
        severity: Severity::Note,
        scope: Scope::Flow,
        summary: "the SYN-ACK acknowledges a part of the data of a Fast Open SYN",
        description: "Permitted, but rare: the server accepted as much as it had room for. The client sends the rest \
                      after the handshake.",
        reference: "RFC 7413 section 4.2.2; RFC 9293 section 3.10.7.3",
        when: When::Facts(Facts::SYN_ACK),
        check: partial,
    },
    Rule {
        id: "tfo-syn-fallback",
        severity: Severity::Info,
        scope: Scope::Flow,
        summary: "the repeated SYN omits the Fast Open data or option of the first",
        description: "The first SYN was not answered in time, so the client tries an ordinary one. If it happens with \
                      every first SYN, a device on the path drops SYNs with data.",
        reference: "RFC 7413 sections 4.1.3 and 7.1",
        when: When::Facts(Facts::SYN_REPEATED),
        check: fallback,
    },
    Rule {
        id: "tfo-invalid",
        severity: Severity::Warn,
        scope: Scope::Flow,
        summary: "a Fast Open option with an invalid length, or an unrequested cookie",
        description: "Cookies have 4 to 16 octets, an even number. Causes are a broken stack, a device that rewrites \
                      options, or a tool that tests servers.",
        reference: "RFC 7413 sections 4.1.1 and 4.1.2",
        when: When::Facts(Facts::SYN.union(Facts::SYN_ACK)),
        check: invalid,
    },
];

fn syn_with_data(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    let o = &segment.options;
    let plain =
        o.fast_open.is_none() && !o.faults.intersects(OptionFaults::NOT_CAPTURED.union(OptionFaults::FAST_OPEN_LENGTH));
    (segment.payload > 0 && plain).then(|| {
        Finding::new(format!("SYN with {} octets of payload", segment.payload)).figure("octets", segment.payload)
    })
}

fn cookie_request(s: &RuleContext<'_>) -> Option<Finding> {
    let asks = s.segment?.options.fast_open.is_some_and(|f| f.cookie_len == 0);
    asks.then(|| Finding::new("the SYN asks for a Fast Open cookie".to_owned()))
}

fn cookie_granted(s: &RuleContext<'_>) -> Option<Finding> {
    let cookie = s.segment?.options.fast_open.filter(|f| f.cookie_len > 0)?;
    s.flow.client.offer.as_ref()?.fast_open?;
    let len = i64::from(cookie.cookie_len);
    Some(Finding::new(format!("the SYN-ACK carries a Fast Open cookie of {len} octets")).figure("cookie_octets", len))
}

/// A finding where Fast Open of the flow came to `wanted`.
fn outcome(s: &RuleContext<'_>, wanted: FastOpenUse) -> Option<Finding> {
    // Of crossing SYNs the client's SYN-ACK comes first.
    if s.from != Side::Server || fast_open(s.flow)? != wanted {
        return None;
    }
    let (sent, taken) = (s.flow.client.offer.as_ref()?.payload, s.flow.handshake.syn_payload_acked);
    Some(
        Finding::new(format!("{taken} of the SYN's {sent} octets were acknowledged"))
            .figure("sent", sent)
            .figure("acknowledged", taken),
    )
}

fn accepted(s: &RuleContext<'_>) -> Option<Finding> {
    outcome(s, FastOpenUse::Accepted)
}

fn ignored(s: &RuleContext<'_>) -> Option<Finding> {
    outcome(s, FastOpenUse::Ignored)
}

fn partial(s: &RuleContext<'_>) -> Option<Finding> {
    outcome(s, FastOpenUse::Partial)
}

fn fallback(s: &RuleContext<'_>) -> Option<Finding> {
    let (first, again) = (s.flow.client.offer.as_ref().filter(|o| is_whole(o))?, s.segment?);
    first.fast_open?;
    let without_data = first.payload > 0 && again.payload == 0;
    let without_option =
        again.options.fast_open.is_none() && !again.options.faults.intersects(OptionFaults::NOT_CAPTURED);
    (without_data || without_option).then(|| {
        let what = if without_option { "option" } else { "data" };
        Finding::new(format!("the repeated SYN does without the Fast Open {what}"))
    })
}

fn invalid(s: &RuleContext<'_>) -> Option<Finding> {
    let segment = s.segment?;
    if segment.options.faults.intersects(OptionFaults::FAST_OPEN_LENGTH) {
        return Some(Finding::new("Fast Open option with an impossible length".to_owned()));
    }
    let cookie = segment.options.fast_open.filter(|f| segment.flags.is_syn_ack() && f.cookie_len > 0)?;
    let client =
        s.flow.client.offer.as_ref().filter(|o| is_whole(o) && !o.faults.intersects(OptionFaults::FAST_OPEN_LENGTH))?;
    (client.fast_open.is_none()).then(|| {
        Finding::new(format!(
            "the SYN-ACK carries a cookie of {} octets that the SYN did not ask for",
            cookie.cookie_len
        ))
    })
}
