//! Other names of fields: those of events (Elastic Common Schema) and those that people type from habit (Wireshark).

use super::field::{FIELDS, Field};
use crate::suggest::{nearest, slip_of};

/// Names of events, and the field of each.
const OF_EVENTS: &[(&str, &str)] = &[
    ("source.ip", "client"),
    ("destination.ip", "server"),
    ("source.port", "sport"),
    ("destination.port", "dport"),
    ("network.bytes", "bytes"),
    ("network.packets", "pkts"),
    ("network.community_id", "cid"),
    ("vlan.id", "vlan"),
    ("event.duration", "dur"),
    ("rule.id", "event"),
    ("synscope.flow_id", "id"),
    ("synscope.opening", "opening"),
    ("synscope.closing", "closing"),
    ("synscope.conn_state", "zeek.state"),
    ("synscope.history", "zeek.history"),
    ("synscope.client.state", "state.c"),
    ("synscope.server.state", "state.s"),
    ("synscope.handshake.connect_ns", "connect"),
    ("synscope.handshake.rtt_ns", "rtt"),
    ("synscope.capture.duplicates", "dup"),
];

/// Wireshark's names, and the field of each. A connection has segments of both directions, so that an address or a port
/// of either end fits.
const OF_WIRESHARK: &[(&str, &str)] = &[
    ("ip.addr", "ip"),
    ("ip.host", "ip"),
    ("ip.src", "ip"),
    ("ip.dst", "ip"),
    ("ipv6.addr", "ip"),
    ("ipv6.src", "ip"),
    ("ipv6.dst", "ip"),
    ("tcp.port", "port"),
    ("tcp.srcport", "port"),
    ("tcp.dstport", "port"),
    ("ip.ttl", "ttl"),
    ("tcp.options.mss_val", "mss"),
    ("tcp.options.wscale.shift", "ws"),
    ("tcp.analysis.initial_rtt", "rtt"),
    ("frame.interface_id", "iface"),
    ("communityid", "cid"),
];

/// Names of Wireshark that no field has, and what to write instead.
const INSTEAD: &[(&str, &str)] = &[
    ("tcp.stream", "id:N, where flows are numbered from 1"),
    ("tcp.analysis.retransmission", "retx>0"),
    ("tcp.analysis.flags", "sev>=note"),
    ("tcp.completeness", "outcome:WORD or zeek.history:WORD"),
    ("tcp.len", "bytes>0"),
    ("frame.time", "-Y has no times of day; use age or dur"),
];

/// Flags by the last part of Wireshark's `tcp.flags.NAME`.
const FLAGS: &[(&str, &str)] = &[
    ("syn", "syn"),
    ("ack", "ack"),
    ("fin", "fin"),
    ("reset", "rst"),
    ("rst", "rst"),
    ("push", "psh"),
    ("psh", "psh"),
    ("urg", "urg"),
    ("ece", "ece"),
    ("cwr", "cwr"),
    ("ae", "ae"),
    ("ns", "ae"),
];

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named {
    Field(&'static Field),
    /// A flag of a step, which is set or not.
    Flag(&'static str),
}

/// What `name` means, in any of its spellings.
pub(super) fn find(name: &str) -> Option<Named> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let direct = |name: &str| FIELDS.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    if let Some(field) = direct(name) {
        return Some(Named::Field(field));
    }
    let other = OF_EVENTS.iter().chain(OF_WIRESHARK).find(|(other, _)| is(other));
    if let Some(field) = other.and_then(|(_, field)| direct(field)) {
        return Some(Named::Field(field));
    }
    let flag = name.get(..10).filter(|start| start.eq_ignore_ascii_case("tcp.flags."))?;
    let rest = &name[flag.len()..];
    FLAGS.iter().find(|(other, _)| other.eq_ignore_ascii_case(rest)).map(|(_, flag)| Named::Flag(flag))
}

/// The name in events of the field that is called `name`, where it has one.
pub(super) fn name_in_events(name: &str) -> Option<&'static str> {
    let field = FIELDS.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
    OF_EVENTS.iter().find(|(_, short)| *short == field.name).map(|(long, _)| *long)
}

/// Every other name of a field.
pub(super) fn others_of(field: &'static str) -> impl Iterator<Item = &'static str> {
    OF_EVENTS.iter().chain(OF_WIRESHARK).filter(move |(_, short)| *short == field).map(|(long, _)| *long)
}

/// What to say of a name that nothing has.
pub(super) fn unknown(name: &str) -> String {
    if let Some((_, instead)) = INSTEAD.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
        return format!("unknown field '{name}'; write {instead}");
    }
    let names = || FIELDS.iter().map(|field| field.name).chain(OF_EVENTS.iter().chain(OF_WIRESHARK).map(|(n, _)| *n));
    // Names with dots are long: what is far from all of them is another program's.
    let typed = name.to_ascii_lowercase();
    let near = if typed.contains('.') { slip_of(&typed, names()) } else { nearest(&typed, names()) };
    let near = near.map_or_else(|| "; --list-fields lists them".to_owned(), |near| format!("; did you mean '{near}'?"));
    format!("unknown field '{name}'{near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_name_is_one_of_a_field() {
        for (other, name) in OF_EVENTS.iter().chain(OF_WIRESHARK) {
            assert!(matches!(find(other), Some(Named::Field(field)) if field.name == *name), "{other}");
            assert!(!FIELDS.iter().any(|field| field.name == *other), "{other} is a name of its own");
        }
        for (other, _) in INSTEAD {
            assert!(find(other).is_none(), "{other}");
        }
    }
}
