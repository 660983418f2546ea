//! The layout of Suricata's `eve.json`, for what reads that: a `flow` event per connection, an `anomaly` event per
//! anomaly.

use serde_json::{Map, Value, json};

use super::clock::rfc3339;
use super::{Out, Settings, Writer};
use crate::detect::{Anomaly, Severity};
use crate::engine::{Event, Interest, Sink};
use crate::flow::community_id::CommunityId;
use crate::flow::{Closing, Flow, Opening};
use crate::time::Timestamp;

/// The eve format.
pub(super) struct Eve {
    out: Out,
    min_severity: Severity,
}

impl Eve {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, min_severity: settings.min_severity.unwrap_or(Severity::Note) }
    }

    fn line(&mut self, event: Map<String, Value>) {
        // Writing to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut self.out.buffer, &Value::Object(event));
        self.out.buffer.push(b'\n');
        self.out.end_line();
    }

    fn flow(&mut self, flow: &Flow, time: Timestamp) {
        let mut event = about(flow, time, "flow");
        let (client, server) = (&flow.client, &flow.server);
        let seconds = flow.duration() / 1_000_000_000;
        event.insert(
            "flow".to_owned(),
            json!({
                "pkts_toserver": client.packets,
                "pkts_toclient": server.packets,
                "bytes_toserver": client.bytes,
                "bytes_toclient": server.bytes,
                "start": stamp(flow.first_time),
                "end": stamp(flow.last_time),
                "age": seconds,
                "state": state(flow),
                "reason": reason(flow),
                "alerted": false,
            }),
        );
        event.insert(
            "synscope".to_owned(),
            json!({ "opening": flow.opening().name(), "closing": flow.closing().name() }),
        );
        self.line(event);
    }

    fn anomaly(&mut self, anomaly: &Anomaly, flow: Option<&Flow>) {
        let mut event = match flow {
            Some(flow) => about(flow, anomaly.time, "anomaly"),
            None => between(anomaly),
        };
        let severity = anomaly.severity.name();
        event.insert("anomaly".to_owned(), json!({ "type": "stream", "event": anomaly.id }));
        event.insert("synscope".to_owned(), json!({ "severity": severity, "reason": anomaly.reason }));
        self.line(event);
    }
}

/// What every event of a connection begins with.
fn about(flow: &Flow, time: Timestamp, kind: &str) -> Map<String, Value> {
    let mut event = first(time, kind);
    event.insert("flow_id".to_owned(), json!(flow.id));
    if flow.vlan != 0 {
        event.insert("vlan".to_owned(), json!([flow.vlan]));
    }
    for (name, endpoint) in [("src", flow.client.endpoint), ("dest", flow.server.endpoint)] {
        event.insert(format!("{name}_ip"), json!(endpoint.ip.to_string()));
        event.insert(format!("{name}_port"), json!(endpoint.port));
    }
    event.insert("proto".to_owned(), json!("TCP"));
    event.insert("community_id".to_owned(), json!(CommunityId::of(&flow.key).as_str()));
    event
}

/// What an anomaly of hosts or of the capture begins with.
fn between(anomaly: &Anomaly) -> Map<String, Value> {
    let mut event = first(anomaly.time, "anomaly");
    for (name, host) in [("src", anomaly.source), ("dest", anomaly.destination)] {
        let Some((ip, port)) = host else { continue };
        event.insert(format!("{name}_ip"), json!(ip.to_string()));
        if let Some(port) = port {
            event.insert(format!("{name}_port"), json!(port));
        }
    }
    event.insert("proto".to_owned(), json!("TCP"));
    event
}

fn first(time: Timestamp, kind: &str) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("timestamp".to_owned(), json!(stamp(time)));
    event.insert("event_type".to_owned(), json!(kind));
    event
}

/// `2026-11-20T19:21:35.496795+0000`.
fn stamp(time: Timestamp) -> String {
    let text = rfc3339(time);
    let micros = text.get(..26).unwrap_or_default();
    String::from_utf8_lossy(micros).into_owned() + "+0000"
}

/// Suricata's words: `new` did not open, `established` is open still.
fn state(flow: &Flow) -> &'static str {
    match flow.closing() {
        _ if !flow.opening().opened() && flow.opening() != Opening::Midstream => "new",
        Closing::Open | Closing::HalfClosed | Closing::IdleExpired => "established",
        _ => "closed",
    }
}

/// Why it is reported: it ended, nothing came of it for long, or the capture ended.
fn reason(flow: &Flow) -> &'static str {
    match flow.closing() {
        Closing::Open | Closing::HalfClosed => "shutdown",
        Closing::IdleExpired | Closing::None => "timeout",
        _ => "tcp_close",
    }
}

impl Sink for Eve {
    fn wants(&self) -> Interest {
        wanted(self.min_severity)
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::FlowEnd { flow, time } => self.flow(flow, time),
            Event::Anomaly { anomaly, flow } if anomaly.severity >= self.min_severity => self.anomaly(anomaly, flow),
            _ => {}
        }
    }
}

/// Ends of flows, and anomalies with their flows.
pub(super) fn wanted(min_severity: Severity) -> Interest {
    let all = Interest::ENDS.union(Interest::ANOMALIES).union(Interest::ANOMALOUS);
    all.union(Interest::INFOS.when(min_severity == Severity::Info))
}

impl Writer for Eve {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}
