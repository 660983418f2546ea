//! What became known of a TLS handshake.

use strum::{IntoStaticStr, VariantNames};

use crate::tcp::SeqNumber;
use crate::time::Timestamp;

/// When something passed, and in which frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Packet time.
    pub time: Timestamp,
    /// Frame number.
    pub frame: u64,
}

/// One end of a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum TlsEnd {
    /// It sent the ClientHello.
    Client,
    /// It answers.
    Server,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantNames, strum::Display)]
pub enum TlsVersion {
    /// SSL 3.0 (RFC 6101).
    #[strum(serialize = "ssl3.0")]
    Ssl30,
    /// TLS 1.0 (RFC 2246).
    #[strum(serialize = "1.0")]
    Tls10,
    /// TLS 1.1 (RFC 4346).
    #[strum(serialize = "1.1")]
    Tls11,
    /// TLS 1.2 (RFC 5246).
    #[strum(serialize = "1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446), drafts of it among them.
    #[strum(serialize = "1.3")]
    Tls13,
}

impl TlsVersion {
    /// The version with this number on the wire; `None` for others, GREASE (RFC 8701) among them.
    pub const fn of(number: u16) -> Option<Self> {
        match number {
            0x0300 => Some(Self::Ssl30),
            0x0301 => Some(Self::Tls10),
            0x0302 => Some(Self::Tls11),
            0x0303 => Some(Self::Tls12),
            0x0304 | 0x7f00..=0x7fff => Some(Self::Tls13),
            _ => None,
        }
    }

    /// Its name in output: `1.3`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Whether the handshake began anew, or took up an earlier session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Resumption {
    /// A full handshake, with certificates or the like.
    Full,
    /// A session of TLS 1.2 or before, by its id or a ticket.
    Resumed,
    /// A pre-shared key of TLS 1.3 (RFC 8446 section 2.2): mostly that of a ticket.
    Psk,
}

impl Resumption {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What became of early data (0-RTT, RFC 8446 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum EarlyData {
    /// The ClientHello announced it, and nothing came.
    Offered,
    /// It was sent. Whether the server took it is encrypted.
    Sent,
    /// The server cannot have taken it: it asked for another ClientHello, took no pre-shared key, or chose an
    /// older version.
    Rejected,
}

impl EarlyData {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The last message in the clear before a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum LastMessage {
    /// ClientHello.
    ClientHello,
    /// HelloRetryRequest.
    HelloRetryRequest,
    /// ServerHello.
    ServerHello,
    /// Certificate of the server.
    Certificate,
    /// ServerHelloDone.
    ServerHelloDone,
    /// ClientKeyExchange.
    ClientKeyExchange,
}

impl LastMessage {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who ended it.
    pub by: TlsEnd,
    /// When: the alert, the FIN or the RST.
    pub at: Moment,
    /// Level and description of the alert (RFC 8446 section 6), if there was one in the clear.
    pub alert: Option<(u8, u8)>,
    /// The last message before.
    pub after: LastMessage,
}

impl Failure {
    /// Name of the alert's description.
    pub const fn description(&self) -> Option<&'static str> {
        let Some((_, description)) = self.alert else { return None };
        Some(match description {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            121 => "ech_required",
            _ => "unknown",
        })
    }
}

/// What is known of the TLS handshake of one connection. Times are those of the segments at the capture point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsOpening {
    /// Sequence number of the first octet of the ClientHello.
    pub hello_seq: SeqNumber,
    /// The first octet of the ClientHello.
    pub hello: Moment,
    /// When the last octets of the (last) ClientHello passed for the last time before the answer.
    pub asked: Timestamp,
    /// Whether octets of a ClientHello were sent again.
    pub repeated: bool,
    /// The highest version that the ClientHello offers; `None` where that was not captured.
    pub offered: Option<TlsVersion>,
    /// Whether it offers to resume a session: a pre-shared key, or a ticket (RFC 5077).
    pub resumption_offered: bool,
    /// A HelloRetryRequest: one more round trip.
    pub retry: Option<Moment>,
    /// The server's first answer, the retry or its ServerHello.
    pub answer: Option<Moment>,
    /// The ServerHello that was no retry.
    pub server_hello: Option<Moment>,
    /// The version that the server chose.
    pub version: Option<TlsVersion>,
    /// Whether it took up an earlier session; `None` until that is known.
    pub kind: Option<Resumption>,
    /// What became of early data, if it was offered.
    pub early_data: Option<EarlyData>,
    /// Octets of the records with early data.
    pub early_octets: u64,
    /// The first record with early data.
    pub early: Option<Moment>,
    /// When the handshake was complete at the client.
    pub established: Option<Moment>,
    /// The first request: the client's first record with application data that is neither early nor its Finished.
    pub request: Option<Moment>,
    /// The first answer to that: the server's first record of application data that acknowledges it.
    pub response: Option<Moment>,
    /// How it failed, if it did.
    pub failure: Option<Failure>,
    /// Whether octets were missing that had to be read: what is absent is unknown.
    pub partial: bool,
}

impl TlsOpening {
    pub(super) const fn new(hello_seq: SeqNumber, hello: Moment) -> Self {
        Self {
            hello_seq,
            hello,
            asked: hello.time,
            repeated: false,
            offered: None,
            resumption_offered: false,
            retry: None,
            answer: None,
            server_hello: None,
            version: None,
            kind: None,
            early_data: None,
            early_octets: 0,
            early: None,
            established: None,
            request: None,
            response: None,
            failure: None,
            partial: false,
        }
    }

    /// From the ClientHello to the moment when the handshake was complete at the client, nanoseconds; `None` where
    /// that was not seen.
    pub fn duration(&self) -> Option<i64> {
        self.established.map(|at| (at.time - self.hello.time).max(0))
    }

    /// From the last octet of the ClientHello to the server's first answer, nanoseconds. `None` where octets of the
    /// ClientHello were sent again: what was lost is not the server's time.
    pub fn server_time(&self) -> Option<i64> {
        self.answer.filter(|_| !self.repeated).map(|at| (at.time - self.asked).max(0))
    }

    /// Round trips that the handshake takes by its kind before the client may send a request; `None` where that is not
    /// known. With early data, none.
    pub fn round_trips(&self) -> Option<u32> {
        let retry = u32::from(self.retry.is_some());
        match (self.version?, self.kind?) {
            (TlsVersion::Tls13, _) if self.early_data == Some(EarlyData::Sent) => Some(0),
            (TlsVersion::Tls13, _) => Some(1 + retry),
            (_, Resumption::Full) => Some(2),
            _ => Some(1),
        }
    }

    /// Whether anything in it is out of the ordinary, so that rules have something to say.
    pub fn is_notable(&self) -> bool {
        /// Nanoseconds: the least that a rule calls slow.
        const SLOW: i64 = 100_000_000;
        self.retry.is_some()
            || self.early_data.is_some()
            || self.failure.is_some()
            || self.version.is_some_and(|version| version < TlsVersion::Tls12)
            || self.server_time().is_some_and(|took| took >= SLOW)
    }
}
