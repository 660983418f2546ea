//! The TLS handshake of one connection, from both directions.

use super::hello::{ClientHello, ServerHello};
use super::opening::{EarlyData, Failure, LastMessage, Moment, Resumption, TlsEnd, TlsOpening, TlsVersion};
use super::stream::{
    APPLICATION_DATA, CHANGE_CIPHER_SPEC, CLIENT_HELLO, Found, HANDSHAKE, Octets, SERVER_HELLO, Stream, Then,
};
use crate::tcp::{Flags, Segment, SeqNumber};

/// More handshake messages in the clear (RFC 5246 section 7.4).
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Lengths of encrypted records of TLS 1.3 that tell what is in them (RFC 8446 section 5.2: one octet of type and
/// sixteen of the tag are added): an alert, EndOfEarlyData, and a Finished of 32 or 48 octets.
const SEALED_ALERT: u16 = 19;
const END_OF_EARLY_DATA: u16 = 21;
const FINISHED: [u16; 2] = [53, 69];

/// Whether the octets at the very beginning of a connection are those of a ClientHello, as far as they go.
pub(super) fn begins_hello(octets: &[u8]) -> bool {
    const LONGEST: u8 = 0x40;
    let is = |at: usize, fits: fn(u8) -> bool| octets.get(at).copied().is_none_or(fits);
    is(0, |kind| kind == HANDSHAKE)
        && is(1, |major| major == 3)
        && is(2, |minor| minor <= 4)
        && is(3, |high| high <= LONGEST)
        && is(5, |message| message == CLIENT_HELLO)
}

/// How many octets it takes to tell.
pub(super) const ENOUGH: u32 = 6;

/// A handshake under inspection.
#[derive(Clone, Debug)]
pub(super) struct Inspection {
    pub(super) reading: Reading,
    /// Which of all inspections it is, from 0.
    pub(super) number: u64,
    /// Whether the client is the lower endpoint of the key.
    pub(super) client_is_low: bool,
    client: Stream,
    server: Option<Stream>,
    /// Where each end's FIN is, once it came.
    fins: [Option<(SeqNumber, Moment)>; 2],
    is_over: bool,
}

/// What was read so far.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) opening: TlsOpening,
    hello_read: bool,
    last: LastMessage,
    /// The server sent messages of a full handshake of TLS 1.2.
    in_full: bool,
    client_ciphers: bool,
    server_ciphers: bool,
    psk: bool,
    /// Client records of TLS 1.3 since the ServerHello, and whether a Finished was among them.
    answers: u32,
    finished: bool,
    /// The server sent a record since the client's Finished.
    server_spoke: bool,
    /// The number behind the header of the first request.
    request_behind: Option<SeqNumber>,
    is_no_tls: bool,
}

impl Inspection {
    /// Of a connection whose client's first payload octet has the number `first`; `s` is the segment at hand.
    pub(super) fn new(first: SeqNumber, s: &Segment, client_is_low: bool, number: u64) -> Self {
        let opening = TlsOpening::new(first, Moment { time: s.time, frame: s.frame });
        let reading = Reading {
            opening,
            hello_read: false,
            last: LastMessage::ClientHello,
            in_full: false,
            client_ciphers: false,
            server_ciphers: false,
            psk: false,
            answers: 0,
            finished: false,
            server_spoke: false,
            request_behind: None,
            is_no_tls: false,
        };
        let server = s.ack().map(Stream::new);
        Self { reading, number, client_is_low, client: Stream::new(first), server, fins: [None; 2], is_over: false }
    }

    /// Whether enough was read to say that it is TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.client.next().offset_from(self.reading.opening.hello_seq) >= ENOUGH && !self.is_no_tls()
    }

    /// Whether it turned out to be something else.
    pub(super) fn is_no_tls(&self) -> bool {
        self.reading.is_no_tls || (self.client.is_lost() && !self.reading.hello_read && !self.client.missed)
    }

    /// Whether nothing more is to be read.
    pub(super) fn is_over(&self) -> bool {
        self.is_over || self.is_no_tls()
    }

    /// Octets that it keeps.
    pub(super) fn kept(&self) -> usize {
        self.client.kept() + self.server.as_ref().map_or(0, Stream::kept)
    }

    /// Takes a segment; `payload` is what was captured of its payload.
    pub(super) fn take(&mut self, s: &Segment, from_low: bool, payload: &[u8]) {
        let at = Moment { time: s.time, frame: s.frame };
        let octets = Octets::new(payload, s.payload);
        if from_low == self.client_is_low {
            self.take_client(s, octets, at);
        } else {
            self.take_server(s, octets, at);
        }
        self.look_for_end(s, from_low == self.client_is_low, at);
        let missed = self.client.missed || self.server.as_ref().is_some_and(|server| server.missed);
        self.reading.opening.partial |= missed;
    }

    fn take_client(&mut self, s: &Segment, octets: Octets<'_>, at: Moment) {
        let Self { reading, client, server, .. } = self;
        let ack = s.seq;
        if let (Some(server), Some(acked)) = (server.as_mut(), s.ack()) {
            server.acknowledged(before_fin(acked, self.fins[1]), &mut |found| reading.server(found, at, ack));
        }
        let start = s.payload_start();
        let is_old = s.payload > 0 && start.plus(s.payload).at_or_before(client.next());
        if is_old && reading.opening.answer.is_none() {
            (reading.opening.asked, reading.opening.repeated) = (s.time, true);
        }
        if s.payload > 0 {
            client.take(start, octets, &mut |found| reading.client(found, at));
        }
    }

    fn take_server(&mut self, s: &Segment, octets: Octets<'_>, at: Moment) {
        let Self { reading, client, server, .. } = self;
        let start = s.payload_start();
        let acked = s.ack().unwrap_or(reading.opening.hello_seq);
        client.acknowledged(before_fin(acked, self.fins[0]), &mut |found| reading.client(found, at));
        let server = server.get_or_insert_with(|| Stream::new(start));
        if s.payload > 0 {
            server.take(start, octets, &mut |found| reading.server(found, at, acked));
        }
    }

    /// FIN, RST, and the moments when there is nothing more to learn.
    fn look_for_end(&mut self, s: &Segment, from_client: bool, at: Moment) {
        if s.flags.has(Flags::FIN) && !s.flags.has(Flags::SYN) {
            let behind = s.payload_start().plus(s.payload);
            self.fins[usize::from(!from_client)].get_or_insert((behind, at));
        }
        let server_next = self.server.as_ref().map(Stream::next);
        let nexts = [Some(self.client.next()), server_next];
        for (end, (fin, next)) in [TlsEnd::Client, TlsEnd::Server].into_iter().zip(self.fins.iter().zip(nexts)) {
            if let (Some((behind, at)), Some(next)) = (fin, next)
                && next.at_or_after(*behind)
            {
                self.is_over |= self.reading.closes(end, *at, self.client.missed, end == TlsEnd::Server);
            }
        }
        let by = if from_client { TlsEnd::Client } else { TlsEnd::Server };
        if s.flags.has(Flags::RST) && self.is_in_line(s, from_client) {
            self.reading.closes(by, at, self.client.missed, true);
            self.is_over = true;
        }
        let lost = self.client.is_lost() || self.server.as_ref().is_some_and(Stream::is_lost);
        self.reading.opening.partial |= lost && self.reading.opening.established.is_none();
        self.is_over |= lost || self.reading.opening.response.is_some() || self.reading.opening.failure.is_some();
    }

    /// Whether a RST may be its sender's: its number is near what that sent.
    fn is_in_line(&self, s: &Segment, from_client: bool) -> bool {
        const NEAR: u32 = 1 << 16;
        let stream = if from_client { Some(&self.client) } else { self.server.as_ref() };
        stream.is_none_or(|stream| s.seq.distance(stream.next()).unsigned_abs() <= NEAR)
    }
}

/// `acked`, without the number that a FIN takes.
fn before_fin(acked: SeqNumber, fin: Option<(SeqNumber, Moment)>) -> SeqNumber {
    match fin {
        Some((behind, _)) if acked.after(behind) => behind,
        _ => acked,
    }
}

impl Reading {
    /// An end closes; whether nothing more can be learnt. What was not captured may have completed the handshake.
    fn closes(&mut self, by: TlsEnd, at: Moment, missed: bool, wholly: bool) -> bool {
        let opening = &mut self.opening;
        if opening.established.is_none() {
            if opening.failure.is_none() && !missed && !opening.partial {
                opening.failure = Some(Failure { by, at, alert: None, after: self.last });
            }
            return true;
        }
        wholly || opening.request.is_none()
    }

    fn is_13(&self) -> bool {
        match self.opening.version {
            Some(version) => version == TlsVersion::Tls13,
            None => !self.in_full,
        }
    }

    /// Something of the client.
    fn client(&mut self, found: Found<'_>, at: Moment) -> Then {
        match found {
            Found::Record { kind, .. } if !self.hello_read && kind != HANDSHAKE => self.is_no_tls = true,
            Found::Record { kind: APPLICATION_DATA, len, behind } => self.client_data(len, behind, at),
            Found::Record { kind: CHANGE_CIPHER_SPEC, .. } => return self.client_changes_ciphers(at),
            Found::Record { .. } => {}
            Found::Message { kind: CLIENT_HELLO, body, whole } => self.client_hello(body, whole, at),
            Found::Message { .. } if !self.hello_read => self.is_no_tls = true,
            Found::Message { kind: CLIENT_KEY_EXCHANGE, .. } => self.last = LastMessage::ClientKeyExchange,
            Found::Message { .. } => {}
            Found::Alert { level, description } => self.alert(TlsEnd::Client, level, description, at),
        }
        Then::GoOn
    }

    fn client_hello(&mut self, body: &[u8], whole: bool, at: Moment) {
        if self.opening.answer.is_none() {
            self.opening.asked = at.time;
        }
        self.last = LastMessage::ClientHello;
        if self.hello_read {
            return;
        }
        self.hello_read = true;
        let hello = ClientHello::read(body, whole);
        self.opening.offered = hello.version;
        self.opening.resumption_offered = hello.resumption;
        self.opening.early_data = hello.early_data.then_some(EarlyData::Offered);
        self.opening.partial |= hello.cut;
    }

    fn client_changes_ciphers(&mut self, at: Moment) -> Then {
        if self.opening.server_hello.is_none() || self.is_13() {
            return Then::GoOn;
        }
        self.client_ciphers = true;
        if self.server_ciphers {
            self.opening.established.get_or_insert(at);
        }
        Then::Sealed
    }

    /// The header of a record with application data, or of what TLS 1.3 disguises as that.
    fn client_data(&mut self, len: u16, behind: SeqNumber, at: Moment) {
        if self.opening.server_hello.is_none() {
            self.early(len, at);
        } else if !self.is_13() {
            self.opening.established.get_or_insert(at);
            self.request(behind, at);
        } else if self.opening.established.is_some() {
            // Two octets of data would look the same: a request has more.
            if len != SEALED_ALERT {
                self.after_finished(len, behind, at);
            }
        } else if self.opening.early_data == Some(EarlyData::Sent)
            && len != END_OF_EARLY_DATA
            && !FINISHED.contains(&len)
        {
            self.early(len, at);
        } else if len != SEALED_ALERT && !(len == END_OF_EARLY_DATA && self.psk) {
            self.opening.established = Some(at);
            (self.finished, self.answers) = (FINISHED.contains(&len), 1);
        }
    }

    fn early(&mut self, len: u16, at: Moment) {
        self.opening.early_octets = self.opening.early_octets.saturating_add(u64::from(len));
        self.opening.early.get_or_insert(at);
        if self.opening.early_data != Some(EarlyData::Rejected) {
            self.opening.early_data = Some(EarlyData::Sent);
        }
    }

    /// A record of the client behind the one with which its last flight began. A certificate of its own comes before
    /// its Finished.
    fn after_finished(&mut self, len: u16, behind: SeqNumber, at: Moment) {
        /// Certificate, CertificateVerify, Finished.
        const MOST_OF_FLIGHT: u32 = 3;
        if self.finished || self.server_spoke || self.answers >= MOST_OF_FLIGHT {
            self.request(behind, at);
            return;
        }
        self.answers += 1;
        if FINISHED.contains(&len) {
            self.finished = true;
            self.opening.established = Some(at);
        }
    }

    fn request(&mut self, behind: SeqNumber, at: Moment) {
        if self.opening.request.is_none() {
            self.opening.request = Some(at);
            self.request_behind = Some(behind);
        }
    }

    /// Something of the server, in a segment that acknowledges what comes before `acked`.
    fn server(&mut self, found: Found<'_>, at: Moment, acked: SeqNumber) -> Then {
        match found {
            Found::Record { kind: APPLICATION_DATA, len: SEALED_ALERT, .. } if self.is_13() => {}
            Found::Record { kind: APPLICATION_DATA, .. } => self.server_data(at, acked),
            Found::Record { kind: CHANGE_CIPHER_SPEC, .. } => return self.server_changes_ciphers(at),
            Found::Record { .. } => {}
            Found::Message { kind: SERVER_HELLO, body, whole } => return self.server_hello(body, whole, at),
            Found::Message { kind, .. } => self.server_message(kind),
            Found::Alert { level, description } => self.alert(TlsEnd::Server, level, description, at),
        }
        Then::GoOn
    }

    fn server_data(&mut self, at: Moment, acked: SeqNumber) {
        self.server_spoke |= self.opening.established.is_some();
        if self.request_behind.is_some_and(|behind| acked.at_or_after(behind)) {
            self.opening.response.get_or_insert(at);
        }
    }

    fn server_hello(&mut self, body: &[u8], whole: bool, at: Moment) -> Then {
        let hello = ServerHello::read(body, whole);
        self.opening.answer.get_or_insert(at);
        self.opening.version = hello.version;
        self.opening.partial |= hello.cut;
        if hello.retry {
            self.last = LastMessage::HelloRetryRequest;
            self.opening.retry.get_or_insert(at);
            self.reject_early_data();
            return Then::GoOn;
        }
        self.last = LastMessage::ServerHello;
        self.opening.server_hello.get_or_insert(at);
        let is_13 = hello.version == Some(TlsVersion::Tls13);
        if is_13 && (!hello.cut || hello.psk) {
            self.opening.kind = Some(if hello.psk { Resumption::Psk } else { Resumption::Full });
        }
        self.psk = hello.psk;
        if !hello.psk && !hello.cut {
            self.reject_early_data();
        }
        if is_13 { Then::Sealed } else { Then::GoOn }
    }

    fn reject_early_data(&mut self) {
        if self.opening.early_data.is_some() {
            self.opening.early_data = Some(EarlyData::Rejected);
        }
    }

    fn server_message(&mut self, kind: u8) {
        let last = match kind {
            CERTIFICATE => LastMessage::Certificate,
            SERVER_HELLO_DONE => LastMessage::ServerHelloDone,
            SERVER_KEY_EXCHANGE => self.last,
            _ => return,
        };
        if self.opening.server_hello.is_some() {
            self.last = last;
            self.in_full = true;
            self.opening.kind = Some(Resumption::Full);
        }
    }

    fn server_changes_ciphers(&mut self, at: Moment) -> Then {
        if self.opening.server_hello.is_none() || self.is_13() {
            return Then::GoOn;
        }
        self.server_ciphers = true;
        if self.in_full || self.client_ciphers {
            self.opening.established.get_or_insert(at);
        } else if !self.opening.partial {
            self.opening.kind = Some(Resumption::Resumed);
        }
        Then::Sealed
    }

    fn alert(&mut self, by: TlsEnd, level: u8, description: u8, at: Moment) {
        const FATAL: u8 = 2;
        const CLOSE_NOTIFY: u8 = 0;
        let ends = level == FATAL || description == CLOSE_NOTIFY;
        if ends && self.opening.established.is_none() && self.opening.failure.is_none() {
            let alert = Some((level, description));
            self.opening.failure = Some(Failure { by, at, alert, after: self.last });
        }
    }
}
