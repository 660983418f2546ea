//! The flow filter language: what its fields mean, how terms combine, and where refusals point.

use core::net::IpAddr;

use synscope::decode::{Frame, LinkType};
use synscope::detect::{Anomaly, Scope, Severity};
use synscope::engine::{Engine, Event, Settings};
use synscope::flow::Flow;
use synscope::flow_filter::{FlowFilter, Subject};
use synscope::time::{MILLISECOND, Timestamp};

/// Three flows: 1 established (client 10.0.0.1 port 40001, server 10.0.0.2 port 80, 2 ms + 1 ms), 2 refused (port 81),
/// 3 unanswered with two SYNs (port 443).
fn flows() -> Vec<Flow> {
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    let mut flows = Vec::new();
    let mut sink = |event: &Event<'_>| {
        if let Event::FlowEnd { flow, .. } = event {
            flows.push((*flow).clone());
        }
    };
    let script = [
        (0, true, 40_001, 80, 0x02, 100, 0),
        (2, false, 40_001, 80, 0x12, 300, 101),
        (3, true, 40_001, 80, 0x10, 101, 301),
        (10, true, 40_002, 81, 0x02, 100, 0),
        (11, false, 40_002, 81, 0x14, 0, 101),
        (20, true, 40_003, 443, 0x02, 100, 0),
        (1_020, true, 40_003, 443, 0x02, 100, 0),
        (9_000, true, 40_001, 80, 0x10, 101, 301),
    ];
    for (n, (ms, up, client, server, flags, seq, ack)) in (1..).zip(script) {
        let data = packet(up, client, server, flags, seq, ack);
        let frame = Frame {
            number: n,
            time: Timestamp(ms * MILLISECOND),
            link: LinkType(101),
            interface: 0,
            wire_len: data.len() as u32,
            data: &data,
        };
        engine.frame(&frame, &mut sink);
    }
    engine.finish(&mut sink);
    flows.sort_by_key(|flow| flow.id);
    assert_eq!(flows.len(), 3);
    flows
}

fn packet(up: bool, client: u16, server: u16, flags: u8, seq: u32, ack: u32) -> Vec<u8> {
    let (from, to, source, destination) = if up { (1, 2, client, server) } else { (2, 1, server, client) };
    let mut data = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to];
    data.extend_from_slice(&source.to_be_bytes());
    data.extend_from_slice(&destination.to_be_bytes());
    data.extend_from_slice(&seq.to_be_bytes());
    data.extend_from_slice(&ack.to_be_bytes());
    data.extend_from_slice(&[0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    data
}

/// Ids of the flows that match, checksums being off in these packets notwithstanding.
fn matching(filter: &str) -> Vec<u64> {
    let filter = FlowFilter::parse(filter).unwrap_or_else(|e| panic!("{filter}: {e} at {}", e.place));
    let now = Timestamp(9_000 * MILLISECOND);
    flows().iter().filter(|flow| filter.matches(&Subject::flow(flow, now))).map(|flow| flow.id).collect()
}

fn refusal(filter: &str) -> (String, usize) {
    match FlowFilter::parse(filter) {
        Ok(_) => panic!("accepted: {filter}"),
        Err(error) => (error.problem, error.place),
    }
}

#[test]
fn fields_are_compared() {
    for (filter, expected) in [
        ("", &[1, 2, 3][..]),
        ("dport:80", &[1]),
        ("dport = 80", &[1]),
        ("dport:80..81", &[1, 2]),
        ("dport:{81,443}", &[2, 3]),
        ("port!=80", &[2, 3]),
        ("dport>80", &[2, 3]),
        ("dport>=81", &[2, 3]),
        ("dport<81", &[1]),
        ("outcome:{refused,no_answer}", &[2, 3]),
        ("outcome:ok", &[1]),
        ("outcome=failed", &[2, 3]),
        ("opening:established", &[1]),
        ("rtt>2.5ms", &[1]),
        ("rtt>3ms", &[]),
        ("rtt<1s", &[1]),
        ("connect:3ms", &[1]),
        ("syn.retries:1", &[3]),
        ("client:10.0.0.1", &[1, 2, 3]),
        ("client:10.0.0.2", &[]),
        ("server:10.0.0.0/8", &[1, 2, 3]),
        ("phase:failed", &[2, 3]),
        ("flag:rst", &[2]),
        ("age>5s", &[2, 3]),
        ("id:2", &[2]),
        ("state.c:ESTABLISHED", &[1]),
    ] {
        assert_eq!(matching(filter), expected, "{filter}");
    }
}

#[test]
fn terms_are_combined() {
    for (filter, expected) in [
        ("dport:80 or dport:443", &[1, 3][..]),
        ("dport:80 || dport:443 && outcome:ok", &[1]),
        ("(dport:80 or dport:443) outcome:failed", &[3]),
        ("not dport:80", &[2, 3]),
        ("!dport:80 -dport:81", &[3]),
        ("not (dport:80 or dport:81)", &[3]),
        ("not not dport:80", &[1]),
        ("dport:80 and dport:81", &[]),
    ] {
        assert_eq!(matching(filter), expected, "{filter}");
    }
}

#[test]
fn bare_words_addresses_and_patterns_look_at_what_is_shown() {
    for (filter, expected) in [
        ("refused", &[2][..]),
        ("REFUSED", &[2]),
        ("10.0.0.1", &[1, 2, 3]),
        ("10.0.0.9", &[]),
        ("10.0.0.0/30 refused", &[2]),
        ("\":443\"", &[3]),
        ("/:(80|81) /", &[1, 2]),
    ] {
        assert_eq!(matching(filter), expected, "{filter}");
    }
}

#[test]
fn names_of_events_and_of_wireshark_are_the_same_fields() {
    for (filter, expected) in [
        ("destination.port:80", &[1][..]),
        ("source.ip:10.0.0.1 destination.port>=81", &[2, 3]),
        ("synscope.opening:refused", &[2]),
        ("synscope.handshake.connect_ns:3ms", &[1]),
        ("rule.id:conn-refused", &[2]),
        ("tcp.port==80", &[1]),
        ("tcp.port == 80 || tcp.port == 81", &[1, 2]),
        ("tcp.dstport eq 443", &[3]),
        ("tcp.port in {80 443}", &[1, 3]),
        ("tcp.port in {80, 443}", &[1, 3]),
        ("destination.port gt 80 and destination.port lt 443", &[2]),
        ("tcp.port ne 80", &[2, 3]),
        ("ip.addr==10.0.0.1", &[1, 2, 3]),
        ("ip.addr==10.0.0.0/30 && !(tcp.port==80)", &[2, 3]),
        ("ip.src==10.0.0.2", &[1, 2, 3]),
        ("ipv6.addr==2001:db8::1", &[]),
        ("tcp.flags.reset==1", &[2]),
        ("tcp.flags.syn==1 && tcp.flags.ack==0", &[3]),
        ("tcp.flags.syn==1 || tcp.flags.fin==1", &[1, 2, 3]),
        ("tcp.flags.rst != 1", &[1, 3]),
        ("tcp.flags.fin == true", &[]),
        ("zeek.state contains rej", &[2]),
        ("zeek.state matches \"^REJ$\"", &[2]),
        ("tcp", &[1, 2, 3]),
        ("tcp && dport:80", &[1]),
    ] {
        assert_eq!(matching(filter), expected, "{filter}");
    }
}

#[test]
fn a_slip_is_no_search_for_text() {
    for (filter, problem) in [
        ("refusd", "no 'refusd'; did you mean 'refused'? To search for it as text, write \"refusd\""),
        ("estabished", "no 'estabished'; did you mean 'established'? To search for it as text, write \"estabished\""),
        ("dport", "field 'dport' requires a value: dport:VALUE"),
        ("tcp.port", "field 'tcp.port' requires a value: port:VALUE"),
        ("tcp.flags.syn", "'tcp.flags.syn' requires a value: tcp.flags.syn==1"),
        ("tcp.flags.syn==2", "expected 1 or 0"),
        ("tcp.flags.syn>0", "a flag is 1 or 0; > does not apply"),
        ("tcp.stream==3", "unknown field 'tcp.stream'; write id:N, where flows are numbered from 1"),
        ("http.host==x", "unknown field 'http.host'; --list-fields lists them"),
        ("destination.prot:80", "unknown field 'destination.prot'; did you mean 'destination.port'?"),
    ] {
        assert_eq!(refusal(filter).0, problem, "{filter}");
    }
    // What is looked for in names, reasons and addresses stays a search.
    for filter in ["nginx", "web", "ports", "443", "refus", "syn-flood", "scan", "example.org", "\"refusd\"", "10.0.0"]
    {
        assert!(FlowFilter::parse(filter).is_ok(), "{filter}");
    }
}

#[test]
fn every_field_is_listed_with_its_other_names() {
    let fields = synscope::flow_filter::list().collect::<Vec<_>>();
    let dport = fields.iter().find(|field| field.name == "dport").expect("dport");
    assert_eq!((dport.kind, &dport.others[..]), ("number", &["destination.port"][..]));
    for field in &fields {
        assert!(!field.about.is_empty() && !field.kind.is_empty(), "{field:?}");
        for other in &field.others {
            assert!(fields.iter().all(|field| field.name != *other), "{other}");
        }
    }
    assert_eq!(synscope::flow_filter::name_in_events("dport"), Some("destination.port"));
}

#[test]
fn anomalies_are_subjects_too() {
    let anomaly = Anomaly {
        id: "conn-refused",
        reference: "",
        severity: Severity::Warn,
        scope: Scope::Host,
        time: Timestamp(0),
        reason: "213 ports in 1.2 s".to_owned(),
        incident: None,
        flow_id: None,
        source: Some((IpAddr::from([10, 0, 0, 9]), None)),
        destination: None,
        frames: Vec::new(),
        figures: Vec::new(),
    };
    let matches = |filter: &str| FlowFilter::parse(filter).unwrap().matches(&Subject::anomaly(&anomaly, None));
    assert!(matches("sev>=warn") && matches("event:conn_refused") && matches("client:10.0.0.9") && matches("ports"));
    assert!(!matches("sev:alert") && !matches("rtt>0s") && !matches("outcome:ok"));
}

#[test]
fn refusals_point_at_the_place() {
    for (filter, problem, place) in [
        ("dport:80 prot:6", "unknown field 'prot'; did you mean 'port'?", 9),
        ("outcome:refusd", "unknown outcome 'refusd'; did you mean 'refused'?", 8),
        ("rtt>200", "field 'rtt' requires a unit: us, ms, s, m or h", 7),
        ("rtt>200sec", "unknown unit of time 'sec'; expected us, ms, s, m or h", 7),
        ("(dport:80", "missing ')'", 9),
        ("dport:80)", "unmatched ')'", 8),
        ("dport:80 or", "missing expression at the end", 11),
        ("or dport:80", "missing expression before 'or'", 0),
        ("client:10.0.0.0/33", "expected an address, like 10.0.0.0/8 or fd00::1", 7),
        ("client>10.0.0.1", "field 'client' is not a number; > does not apply", 6),
        ("dport:{80;81}", "field 'dport' is a number", 9),
        ("dport:90..80", "empty range", 10),
        ("sev>wrn", "expected info, note, warn or alert; did you mean 'warn'?", 4),
        ("/ab", "missing closing '/'", 0),
        ("\"ab", "missing closing quotation mark", 0),
        ("sack:maybe", "expected yes or no", 5),
        ("port~80", "field 'port' is not text; ~ does not apply", 4),
    ] {
        assert_eq!(refusal(filter), (problem.to_owned(), place), "{filter}");
    }
    assert!(refusal("zeek.history~/(/").0.starts_with("invalid regular expression"));
    assert!(refusal(&"(".repeat(1_000)).0.starts_with("nesting exceeds"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        drop(FlowFilter::parse(&text));
    }

    #[test]
    fn no_mixture_of_its_own_words_panics(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "dport", ":", "80", "(", ")", "{", "}", ",", "..", "/", "\"", "not", "or", "and", "!", "-", " ", "=", "é",
            "client", "10.0.0.1", "~", ">", "sev", "rtt", "5ms",
        ]), 0..12)
    ) {
        drop(FlowFilter::parse(&words.concat()));
    }
}
