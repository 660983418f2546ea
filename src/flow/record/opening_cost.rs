//! Where the time of an opening went.

use super::flow::Flow;
use crate::time::Timestamp;
use crate::tls::{EarlyData, Resumption, TlsOpening, TlsVersion};

/// What opening a connection cost, nanoseconds. What was not seen is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningCost {
    /// The TCP handshake: first SYN to the third step.
    pub tcp: Option<i64>,
    /// The TLS handshake: ClientHello to the moment when it was complete at the client.
    pub tls: Option<i64>,
    /// From the first SYN to the first request; to early data, where that was sent and can have been taken.
    pub to_first_request: Option<i64>,
    /// From the first SYN to the first answer to a request.
    pub to_first_response: Option<i64>,
    /// The round trip of the TCP handshake.
    pub rtt: Option<i64>,
}

impl OpeningCost {
    /// That of `flow`; `None` where no handshake follows that of TCP.
    pub fn of(flow: &Flow) -> Option<Self> {
        let tls = flow.tls()?;
        let began = flow.handshake.syns.first().map(|syn| syn.time);
        let since = |time: Timestamp| began.map(|began| time - began).filter(|took| *took >= 0);
        Some(Self {
            tcp: flow.handshake.connect_time(),
            tls: tls.duration(),
            to_first_request: first_request(tls).and_then(since),
            to_first_response: tls.response.and_then(|at| since(at.time)),
            rtt: flow.handshake.rtt().filter(|rtt| *rtt > 0),
        })
    }

    /// `time` in round trips.
    pub fn in_round_trips(&self, time: i64) -> Option<f64> {
        self.rtt.map(|rtt| time as f64 / rtt as f64)
    }
}

fn first_request(tls: &TlsOpening) -> Option<Timestamp> {
    let early = tls.early.filter(|_| tls.early_data == Some(EarlyData::Sent));
    early.or(tls.request).map(|at| at.time)
}

/// What a summary needs of the opening of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningInBrief {
    /// Port of the server.
    pub port: u16,
    /// What it cost.
    pub cost: OpeningCost,
    /// Version of TLS.
    pub version: Option<TlsVersion>,
    /// Whether it took up an earlier session.
    pub kind: Option<Resumption>,
    /// Whether the server asked for another ClientHello.
    pub hello_retry: bool,
    /// Whether early data was sent.
    pub early_data: bool,
    /// Whether it failed.
    pub failed: bool,
}

impl OpeningInBrief {
    /// That of `flow`.
    pub fn of(flow: &Flow) -> Option<Self> {
        let tls = flow.tls()?;
        Some(Self {
            port: flow.server.endpoint.port,
            cost: OpeningCost::of(flow)?,
            version: tls.version,
            kind: tls.kind,
            hello_retry: tls.retry.is_some(),
            early_data: tls.early.is_some(),
            failed: tls.failure.is_some(),
        })
    }
}
