//! Handshakes put together by hand, whole and hostile.

use super::{EarlyData, Inspector, LastMessage, Resumption, TlsEnd, TlsOpening, TlsVersion};
use crate::tcp::{Checksum, Endpoint, Flags, Headers, Options, Segment, SeqNumber};
use crate::time::{MILLISECOND, Timestamp};

const CLIENT: SeqNumber = SeqNumber(u32::MAX - 700);
const SERVER: SeqNumber = SeqNumber(77);
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len() as u32;
    record(22, &[&[kind][..], &len.to_be_bytes()[1..], body].concat())
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn vector(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes()[..], body].concat()
}

/// A ClientHello that offers TLS 1.3, with key shares of so many octets.
fn client_hello(shares: usize, more: &[u8]) -> Vec<u8> {
    let extensions = [extension(43, &[4, 3, 4, 3, 3]), extension(51, &vec![9; shares]), more.to_vec()].concat();
    let body = [&[3, 3][..], &[5; 32], &[0, 0, 2, 0x13, 1, 1, 0], &vector(&extensions)].concat();
    message(1, &body)
}

fn server_hello(random: [u8; 32], extensions: &[u8]) -> Vec<u8> {
    message(2, &[&[3, 3][..], &random, &[0, 0x13, 1, 0], &vector(extensions)].concat())
}

fn data(len: usize) -> Vec<u8> {
    record(23, &vec![0xee; len])
}

/// Both ends of one connection before an inspector.
struct Wire {
    inspector: Inspector,
    next: [SeqNumber; 2],
    time: i64,
    frame: u64,
    last: Option<TlsOpening>,
}

impl Wire {
    fn new() -> Self {
        let mut wire = Self { inspector: Inspector::default(), next: [CLIENT, SERVER], time: 0, frame: 0, last: None };
        wire.show(wire.segment(1, SERVER.minus(1), Flags::SYN | Flags::ACK, 0), &[]);
        wire
    }

    fn segment(&self, from: usize, seq: SeqNumber, flags: Flags, payload: usize) -> Segment {
        let end = |port| Endpoint { ip: [192, 0, 2, 1].into(), port };
        Segment {
            time: Timestamp(0),
            frame: 0,
            source: end(1 + from as u16),
            destination: end(2 - from as u16),
            seq,
            ack_field: self.next[1 - from],
            flags,
            window: 1000,
            urgent: 0,
            payload: payload as u32,
            options: Options::default(),
            checksum: Checksum::Good,
            checksum_field: 1,
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
            payload_at: 54,
        }
    }

    /// Shows a segment a millisecond later.
    fn show(&mut self, mut s: Segment, payload: &[u8]) {
        self.time += MILLISECOND;
        self.frame += 1;
        (s.time, s.frame) = (Timestamp(self.time), self.frame);
        let from_low = s.source.port == 1;
        if self.inspector.concerns(9, &s, payload.first().copied())
            && let Some(opening) = self.inspector.take(9, from_low, &s, payload)
        {
            self.last = Some(opening);
        }
    }

    /// Sends these octets in one segment.
    fn send(&mut self, from: usize, octets: &[u8]) {
        let seq = self.next[from];
        self.next[from] = seq.plus(octets.len() as u32);
        self.show(self.segment(from, seq, Flags::ACK, octets.len()), octets);
    }

    /// Sends these octets in segments of so many, in this order.
    fn send_in(&mut self, from: usize, octets: &[u8], size: usize, order: impl Fn(&mut Vec<usize>)) {
        let start = self.next[from];
        let mut pieces: Vec<usize> = (0..octets.len().div_ceil(size)).collect();
        order(&mut pieces);
        for piece in pieces {
            let part = &octets[piece * size..octets.len().min((piece + 1) * size)];
            let seq = start.plus((piece * size) as u32);
            self.show(self.segment(from, seq, Flags::ACK, part.len()), part);
        }
        self.next[from] = start.plus(octets.len() as u32);
    }

    fn close(&mut self, from: usize, flags: Flags) {
        self.show(self.segment(from, self.next[from], flags, 0), &[]);
        self.next[from] = self.next[from].plus(1);
    }

    fn opening(&self) -> TlsOpening {
        self.last.expect("TLS was seen")
    }
}

fn version_13() -> Vec<u8> {
    extension(43, &[3, 4])
}

/// A whole handshake of TLS 1.3, the ClientHello sent by `hello`.
fn whole_13(hello: impl FnOnce(&mut Wire)) -> TlsOpening {
    let mut wire = Wire::new();
    hello(&mut wire);
    wire.send(1, &[server_hello([1; 32], &version_13()), record(20, &[1]), data(900)].concat());
    wire.send(0, &[record(20, &[1]), data(53)].concat());
    wire.send(0, &data(200));
    wire.send(1, &data(300));
    wire.opening()
}

#[test]
fn a_handshake_of_tls_13_is_timed() {
    let opening = whole_13(|wire| wire.send(0, &client_hello(32, &[])));
    assert_eq!((opening.version, opening.kind), (Some(TlsVersion::Tls13), Some(Resumption::Full)));
    assert_eq!(opening.duration(), Some(2 * MILLISECOND));
    assert_eq!(opening.request.map(|at| at.frame), Some(5));
    assert_eq!(opening.response.map(|at| at.frame), Some(6));
    assert_eq!(opening.server_time(), Some(MILLISECOND));
    assert!(!opening.partial && opening.failure.is_none() && opening.retry.is_none());
}

#[test]
fn a_hello_in_pieces_in_any_order_says_the_same() {
    let hello = client_hello(1500, &[]);
    let whole = whole_13(|wire| wire.send(0, &hello));
    for size in [1, 5, 6, 9, 100, 536, 1460] {
        for reversed in [false, true] {
            if hello.len().div_ceil(size) > 16 && reversed {
                continue;
            }
            let opening = whole_13(|wire| {
                wire.send_in(0, &hello, size, |pieces| {
                    if reversed {
                        pieces.reverse();
                    }
                });
            });
            let said = (opening.version, opening.kind, opening.offered, opening.partial);
            assert_eq!(said, (whole.version, whole.kind, whole.offered, false), "{size} {reversed}");
            assert!(opening.established.is_some() && opening.response.is_some());
        }
    }
}

#[test]
fn a_hello_in_several_records_is_one() {
    let hello = client_hello(600, &[]);
    let records: Vec<u8> = hello[5..].chunks(100).flat_map(|part| record(22, part)).collect();
    let opening = whole_13(|wire| wire.send(0, &records));
    assert_eq!((opening.offered, opening.partial), (Some(TlsVersion::Tls13), false));
}

#[test]
fn early_data_is_sent_and_a_retry_rejects_it() {
    let offer = [extension(42, &[]), extension(41, &[0; 60])].concat();
    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &offer));
    assert_eq!(wire.opening().early_data, Some(EarlyData::Offered));
    wire.send(0, &[record(20, &[1]), data(117), data(40)].concat());
    let opening = wire.opening();
    assert_eq!((opening.early_data, opening.early_octets), (Some(EarlyData::Sent), 157));
    let mut taken = wire;
    taken.send(1, &[server_hello([1; 32], &[version_13(), extension(41, &[0, 0])].concat()), data(300)].concat());
    taken.send(0, &[data(21), data(53)].concat());
    let opening = taken.opening();
    assert_eq!((opening.early_data, opening.kind), (Some(EarlyData::Sent), Some(Resumption::Psk)));
    assert_eq!(opening.round_trips(), Some(0));
    assert!(opening.established.is_some() && opening.early_octets == 157);

    let mut wire = Wire::new();
    wire.send(0, &[client_hello(32, &offer), data(117)].concat());
    wire.send(1, &server_hello(RETRY, &version_13()));
    let opening = wire.opening();
    assert!(opening.retry.is_some() && opening.server_hello.is_none());
    assert_eq!(opening.early_data, Some(EarlyData::Rejected));
    wire.send(0, &client_hello(64, &[]));
    wire.send(1, &[server_hello([1; 32], &version_13()), data(300)].concat());
    wire.send(0, &data(53));
    let opening = wire.opening();
    assert!(opening.established.is_some() && opening.round_trips() == Some(2));
}

#[test]
fn tls_12_is_full_with_a_certificate_and_resumed_without() {
    let server_12 = || server_hello([1; 32], &[]);
    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &[]));
    wire.send(1, &[server_12(), message(11, &[7; 900]), message(14, &[])].concat());
    wire.send(0, &[message(16, &[1; 66]), record(20, &[1]), record(22, &[9; 40])].concat());
    assert!(wire.opening().established.is_none());
    wire.send(1, &[message(4, &[1; 100]), record(20, &[1]), record(22, &[9; 40])].concat());
    let full = wire.opening();
    assert_eq!((full.version, full.kind), (Some(TlsVersion::Tls12), Some(Resumption::Full)));
    assert_eq!((full.duration(), full.round_trips()), (Some(3 * MILLISECOND), Some(2)));

    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &[]));
    wire.send(1, &[server_12(), record(20, &[1]), record(22, &[9; 40])].concat());
    wire.send(0, &[record(20, &[1]), record(22, &[9; 40]), data(99)].concat());
    wire.send(1, &data(99));
    let resumed = wire.opening();
    assert_eq!((resumed.kind, resumed.duration()), (Some(Resumption::Resumed), Some(2 * MILLISECOND)));
    assert!(resumed.request.is_some() && resumed.response.is_some());
}

#[test]
fn an_alert_and_a_close_before_the_end_are_failures_and_a_close_behind_it_is_none() {
    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &[]));
    wire.send(1, &record(21, &[2, 40]));
    let failure = wire.opening().failure.expect("a failure");
    assert_eq!((failure.by, failure.alert, failure.after), (TlsEnd::Server, Some((2, 40)), LastMessage::ClientHello));

    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &[]));
    wire.send(1, &record(21, &[1, 112]));
    assert!(wire.opening().failure.is_none(), "a warning");
    wire.close(1, Flags::FIN | Flags::ACK);
    let failure = wire.opening().failure.expect("a failure");
    assert_eq!((failure.by, failure.alert), (TlsEnd::Server, None));

    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &[]));
    wire.send(1, &[server_hello([1; 32], &version_13()), data(900)].concat());
    wire.send(0, &data(53));
    wire.close(0, Flags::FIN | Flags::ACK);
    wire.close(1, Flags::RST | Flags::ACK);
    assert!(wire.opening().failure.is_none());
}

#[test]
fn a_sealed_alert_is_no_request() {
    let mut wire = Wire::new();
    wire.send(0, &client_hello(32, &[]));
    wire.send(1, &[server_hello([1; 32], &version_13()), data(900)].concat());
    wire.send(0, &data(53));
    wire.send(0, &data(19));
    wire.send(1, &data(19));
    assert!(wire.opening().request.is_none() && wire.opening().response.is_none());
    wire.close(0, Flags::FIN | Flags::ACK);
    wire.close(1, Flags::FIN | Flags::ACK);
    assert!(!wire.opening().partial);
}

#[test]
fn a_gap_makes_it_partial_and_never_wrong() {
    let hello = client_hello(1500, &[]);
    // The second half is missing, and the server goes on.
    let mut wire = Wire::new();
    wire.send(0, &hello[..700]);
    wire.next[0] = CLIENT.plus(hello.len() as u32);
    wire.send(1, &[server_hello([1; 32], &version_13()), data(900)].concat());
    wire.send(0, &data(53));
    let opening = wire.opening();
    assert!(opening.partial && opening.failure.is_none());
    assert_eq!((opening.offered, opening.version), (Some(TlsVersion::Tls13), Some(TlsVersion::Tls13)));
    assert!(opening.established.is_some());
    // A record's header is missing: nothing more is claimed, and no failure.
    let mut wire = Wire::new();
    wire.send(0, &hello);
    wire.next[1] = SERVER.plus(1000);
    wire.send(0, &data(53));
    wire.close(0, Flags::RST | Flags::ACK);
    let opening = wire.opening();
    assert!(opening.partial && opening.established.is_none() && opening.failure.is_none());
}

#[test]
fn what_is_no_hello_is_no_tls() {
    for octets in
        [&b"GET / HTTP/1.1\r\n"[..], &[22, 3, 1, 0, 50, 2, 0, 0, 0], &[23, 3, 3, 0, 5, 1], &[22, 3], &[22; 90]]
    {
        let mut wire = Wire::new();
        wire.send(0, octets);
        wire.send(0, &[0; 300]);
        assert!(wire.last.is_none(), "{octets:?}");
    }
}

/// Every truncation and every flipped bit, and lengths that lie: nothing panics, and little is kept.
#[test]
fn hostile_hellos_are_read_to_an_end() {
    let hello = client_hello(40, &[extension(42, &[]), extension(41, &[0; 20])].concat());
    let answer = [server_hello([1; 32], &version_13()), record(20, &[1]), data(40)].concat();
    let mut forged: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for len in 0..hello.len() {
        forged.push((hello[..len].to_vec(), answer.clone()));
    }
    for at in 0..hello.len().min(answer.len()) {
        for bit in 0..8 {
            let (mut one, mut other) = (hello.clone(), answer.clone());
            one[at] ^= 1 << bit;
            other[at] ^= 1 << bit;
            forged.push((one, answer.clone()));
            forged.push((hello.clone(), other));
        }
    }
    for (one, other) in forged {
        let mut wire = Wire::new();
        wire.send(0, &one);
        wire.send(1, &other);
        wire.send(0, &data(53));
        wire.close(0, Flags::RST | Flags::ACK);
    }
}

#[test]
fn sixty_four_kilobytes_of_fragments_are_given_up() {
    let hello = client_hello(60_000, &[]);
    for size in [1, 20, 1460] {
        let mut wire = Wire::new();
        let records: Vec<u8> = hello[5..].chunks(size).flat_map(|part| record(22, part)).collect();
        wire.send_in(0, &records, 1460, |_| {});
        assert!(wire.inspector.kept() <= 4096, "{}", wire.inspector.kept());
    }
    // All of it ahead of its turn.
    let mut wire = Wire::new();
    wire.send_in(0, &hello, 1000, |pieces| {
        pieces.remove(0);
    });
    assert!(wire.inspector.kept() <= 4096 && wire.last.is_none());
}

#[test]
fn a_flood_of_hellos_stays_within_its_bounds() {
    let mut inspector = Inspector::default();
    let wire = Wire::new();
    let hello = client_hello(32, &[]);
    let s = wire.segment(0, CLIENT, Flags::ACK, hello.len());
    let extra = 1000;
    for n in 0..(super::inspector::MOST_CONNECTIONS as u64 + extra) {
        inspector.take(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), true, &s, &hello);
    }
    assert_eq!(inspector.given_up(), extra);
    // The same connection again and again leaves no trail either.
    let mut inspector = Inspector::default();
    for n in 0..140_000u32 {
        let s = wire.segment(0, CLIENT.plus(n), Flags::SYN, hello.len());
        inspector.take(1, true, &s, &hello);
    }
    assert!(inspector.queued() <= 2 * super::inspector::MOST_CONNECTIONS, "{}", inspector.queued());
}
