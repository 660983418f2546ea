//! Segments from a line of text, for the tests of this module.

use core::net::{IpAddr, Ipv4Addr};

use crate::tcp::{Checksum, Endpoint, Flags, Headers, Options, Segment, SeqNumber};
use crate::time::Timestamp;

/// Initial sequence numbers of the two ends: the one that `>` stands for, and the other.
pub(crate) const ISNS: [u32; 2] = [1000, 5000];

/// A segment, and whether the sender of the first one sent it.
pub(crate) struct Sent {
    pub(crate) segment: Segment,
    pub(crate) from_first_sender: bool,
}

/// Reads `> S, < SA, > PA 5 @1 a1 w0`: direction, flags (`-` for none), then in any order octets of payload, `@` the
/// relative sequence number (else what follows on the last segment of that end), `a` the relative acknowledgment (else
/// all that the other end sent), `w` the window, `bad`, `offload` or `unverifiable` checksum, `cut` or `bogus` header.
/// `443>50000:` in front sets the ports of `>` and `<`; neither is well known otherwise.
pub(crate) fn read(script: &str) -> Vec<Sent> {
    let (ports, lines) = match script.split_once(": ") {
        Some((ports, lines)) => {
            let (left, right) = ports.split_once('>').expect("two ports");
            ([left, right].map(|p| p.parse().expect("a port")), lines)
        }
        None => ([40000, 7777], script),
    };
    let mut next = [0, 0];
    let mut first = None;
    lines
        .split(", ")
        .map(|line| {
            let sender = usize::from(line.starts_with('<'));
            let segment = segment(line, ports, sender, &mut next);
            Sent { segment, from_first_sender: *first.get_or_insert(sender) == sender }
        })
        .collect()
}

fn segment(line: &str, ports: [u16; 2], sender: usize, next: &mut [u32; 2]) -> Segment {
    let mut words = line.split(' ').skip(1);
    let flags = Flags::from_letters(words.next().expect("flags")).expect("flag letters");
    let ends = [1, 2].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
    let end = |n: usize| Endpoint { ip: ends[n], port: ports[n] };
    if !flags.has(Flags::SYN) {
        next[sender] = next[sender].max(1);
    }
    let mut segment = Segment {
        time: Timestamp(0),
        frame: 1,
        source: end(sender),
        destination: end(1 - sender),
        seq: SeqNumber(next[sender]),
        ack_field: SeqNumber(if flags.has(Flags::ACK) { next[1 - sender].max(1) } else { 0 }),
        flags,
        window: 65535,
        urgent: 0,
        payload: 0,
        options: Options::default(),
        checksum: Checksum::Good,
        checksum_field: 0,
        headers: Headers::Whole,
        truncated: false,
        interface: 0,
        vlan: 0,
        ip_id: 0,
        flow_label: 0,
        ttl: 64,
        traffic_class: 0,
        ip_options_len: 0,
        dont_fragment: true,
        fragmented: false,
        payload_at: 0,
    };
    for word in words {
        set(&mut segment, word);
    }
    next[sender] = next[sender].max(segment.end().0);
    segment.seq = segment.seq.plus(ISNS[sender]);
    if flags.has(Flags::ACK) {
        segment.ack_field = segment.ack_field.plus(ISNS[1 - sender]);
    }
    segment
}

fn set(segment: &mut Segment, word: &str) {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("not understood: {word}"));
    match word.split_at(1) {
        _ if word == "bad" => (segment.checksum, segment.checksum_field) = (Checksum::Bad, 0xbad),
        _ if word == "offload" => segment.checksum = Checksum::Offload,
        _ if word == "unverifiable" => segment.checksum = Checksum::Unverifiable,
        _ if word == "cut" => segment.headers = Headers::OptionsCut,
        _ if word == "bogus" => segment.headers = Headers::BadOffset,
        ("@", n) => segment.seq = SeqNumber(number(n)),
        ("a", n) => segment.ack_field = SeqNumber(number(n)),
        ("w", n) => segment.window = number(n) as u16,
        _ => segment.payload = number(word),
    }
}
