//! What a filter is asked about: a flow, an anomaly, or an anomaly of a flow.

use core::fmt::Write as _;
use core::net::IpAddr;

use crate::detect::Anomaly;
use crate::flow::Flow;
use crate::time::Timestamp;

use super::phase::Phase;

/// A flow, an anomaly, or both.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The flow, where there is one.
    pub flow: Option<&'a Flow>,
    /// The anomaly, where there is one.
    pub anomaly: Option<&'a Anomaly>,
    /// Packet time now: what ages are counted from.
    pub now: Timestamp,
}

impl<'a> Subject<'a> {
    /// A flow at `now`.
    pub const fn flow(flow: &'a Flow, now: Timestamp) -> Self {
        Self { flow: Some(flow), anomaly: None, now }
    }

    /// An anomaly, with the flow it is about.
    pub const fn anomaly(anomaly: &'a Anomaly, flow: Option<&'a Flow>) -> Self {
        Self { flow, anomaly: Some(anomaly), now: anomaly.time }
    }

    /// Client and server, or who did it to whom.
    pub(super) fn ends(&self) -> [Option<(IpAddr, Option<u16>)>; 2] {
        match (self.flow, self.anomaly) {
            (Some(flow), _) => [&flow.client, &flow.server].map(|p| Some((p.endpoint.ip, Some(p.endpoint.port)))),
            (None, Some(anomaly)) => [anomaly.source, anomaly.destination],
            (None, None) => [None, None],
        }
    }

    /// Ids of the anomalies: the one asked about, else those of the flow.
    pub(super) fn rule_ids(&self) -> Vec<&'static str> {
        if let Some(anomaly) = self.anomaly {
            return vec![anomaly.id];
        }
        let marks = self.flow.map_or(&[][..], |flow| &flow.marks);
        marks.iter().map(|mark| mark.rule).collect()
    }

    /// The worst severity among them.
    pub(super) fn severity(&self) -> Option<i64> {
        match (self.anomaly, self.flow) {
            (Some(anomaly), _) => Some(anomaly.severity as i64),
            (None, Some(flow)) => flow.marks.iter().map(|mark| mark.severity as i64).max(),
            (None, None) => None,
        }
    }

    /// Everything that a table shows of it, in one line: what a bare word is looked for in.
    pub(super) fn shown(&self) -> String {
        // Longer than most: growing it costs more than the rest.
        let mut text = String::with_capacity(192);
        for (ip, port) in self.ends().into_iter().flatten() {
            // Writing to a String cannot fail.
            let _ = match port {
                Some(port) if ip.is_ipv6() => write!(text, "[{ip}]:{port} "),
                Some(port) => write!(text, "{ip}:{port} "),
                None => write!(text, "{ip} "),
            };
        }
        if let Some(flow) = self.flow {
            let _ = write!(text, "#{} {} {} {} ", flow.id, Phase::of(flow).name(), flow.opening(), flow.closing());
        }
        for id in self.rule_ids() {
            let _ = write!(text, "{id} ");
        }
        if let Some(anomaly) = self.anomaly {
            text.push_str(&anomaly.reason);
        }
        text
    }
}
