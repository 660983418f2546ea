//! `synscope.opening_cost`: where the time of an opening went.

use schemars::JsonSchema;
use serde::Serialize;

use super::scalar::{Count, Integer};
use crate::flow::{Flow, OpeningCost};
use crate::tls::{EarlyData, Resumption, TlsEnd, TlsOpening, TlsVersion};

/// What opening the connection cost, where TLS follows TCP. Round trips are those of the TCP handshake.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct OpeningCostBody {
    /// First SYN to the third step of TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_rtts: Option<f64>,
    /// ClientHello to the end of the TLS handshake at the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_rtts: Option<f64>,
    /// First SYN to the first request; early data is one, unless it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_first_request_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_first_request_rtts: Option<f64>,
    /// First SYN to the first record of the server that acknowledges the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_first_response_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_first_response_rtts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsBody>,
}

/// The TLS handshake.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct TlsBody {
    /// The version that the server chose: `1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    /// The highest version that the ClientHello offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    offered: Option<&'static str>,
    /// `full`, `resumed` (a session of TLS 1.2 or before) or `psk` (a pre-shared key of TLS 1.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// The server asked for another ClientHello: one more round trip.
    #[serde(skip_serializing_if = "Option::is_none")]
    hello_retry: Option<bool>,
    /// `offered`, `sent` (whether it was taken is encrypted) or `rejected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    early_data: Option<&'static str>,
    /// Octets of the records with early data.
    #[serde(skip_serializing_if = "Option::is_none")]
    early_data_octets: Option<Count>,
    /// Last octet of the ClientHello to the server's first answer; absent where the ClientHello was repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_ns: Option<Integer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<TlsFailureBody>,
    /// Octets were missing that had to be read: what is absent is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<bool>,
}

/// A TLS handshake that failed.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct TlsFailureBody {
    /// `client` or `server`.
    by: &'static str,
    /// The last handshake message in the clear before it.
    after: &'static str,
    /// Description of the alert; absent where the connection closed without one in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_code: Option<u8>,
    /// 1 warning, 2 fatal.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_level: Option<u8>,
    frame: Count,
}

impl OpeningCostBody {
    /// That of `flow`.
    pub(super) fn of(flow: &Flow) -> Option<Self> {
        let cost = OpeningCost::of(flow)?;
        // Two decimals: a round trip is not measured better than that.
        let rtts = |time: Option<i64>| Some((cost.in_round_trips(time?)? * 100.0).round() / 100.0);
        Some(Self {
            tcp_ns: cost.tcp.map(Integer),
            tcp_rtts: rtts(cost.tcp),
            tls_ns: cost.tls.map(Integer),
            tls_rtts: rtts(cost.tls),
            to_first_request_ns: cost.to_first_request.map(Integer),
            to_first_request_rtts: rtts(cost.to_first_request),
            to_first_response_ns: cost.to_first_response.map(Integer),
            to_first_response_rtts: rtts(cost.to_first_response),
            tls: flow.tls().map(TlsBody::of),
        })
    }
}

impl TlsBody {
    fn of(tls: &TlsOpening) -> Self {
        Self {
            version: tls.version.map(TlsVersion::name),
            offered: tls.offered.map(TlsVersion::name),
            kind: tls.kind.map(Resumption::name),
            hello_retry: tls.answer.map(|_| tls.retry.is_some()),
            early_data: tls.early_data.map(EarlyData::name),
            early_data_octets: tls.early.map(|_| Count(tls.early_octets)),
            server_ns: tls.server_time().map(Integer),
            failed: tls.failure.map(|failure| TlsFailureBody {
                by: match failure.by {
                    TlsEnd::Client => "client",
                    TlsEnd::Server => "server",
                },
                after: failure.after.name(),
                alert: failure.description(),
                alert_code: failure.alert.map(|(_, description)| description),
                alert_level: failure.alert.map(|(level, _)| level),
                frame: Count(failure.at.frame),
            }),
            partial: tls.partial.then_some(true),
        }
    }
}
