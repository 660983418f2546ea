//! Syslog messages (RFC 5424): one per connection and one per anomaly, with structured data.

use std::io::Write as _;

use super::clock::rfc3339;
use super::escape::for_terminal;
use super::eve::wanted;
use super::{Out, Settings, Writer};
use crate::detect::{Anomaly, Severity};
use crate::engine::{Event, Interest, Sink};
use crate::flow::Flow;
use crate::time::Timestamp;

/// Facility local0.
const FACILITY: u8 = 16;
/// The number that RFC 5612 reserves for documentation: nobody else's data is called so.
const DATA: &str = "synscope@32473";
/// Severities of RFC 5424.
const ALERT: u8 = 1;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;

/// The syslog format.
pub(super) struct Syslog {
    out: Out,
    min_severity: Severity,
}

impl Syslog {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, min_severity: settings.min_severity.unwrap_or(Severity::Note) }
    }

    /// `<134>1 TIME - synscope - ID [data] text`
    fn message(&mut self, severity: u8, time: Timestamp, id: &str, data: &[(&str, String)], text: &str) {
        let line = &mut self.out.buffer;
        let stamp = rfc3339(time);
        // At most six digits of a second.
        let stamp = String::from_utf8_lossy(stamp.get(..26).unwrap_or_default());
        // Writing to a Vec cannot fail.
        let _ = write!(line, "<{}>1 {stamp}Z - synscope - {id} [{DATA}", FACILITY * 8 + severity);
        for (name, value) in data.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(line, " {name}=\"{}\"", parameter(value));
        }
        let _ = writeln!(line, "] {}", for_terminal(text));
        self.out.end_line();
    }

    fn flow(&mut self, flow: &Flow, time: Timestamp) {
        let (client, server) = (flow.client.endpoint, flow.server.endpoint);
        let (opening, closing) = (flow.opening().name(), flow.closing().name());
        let connect = flow.handshake.connect_time();
        let mut data = ends(flow);
        data.extend([
            ("opening", opening.to_owned()),
            ("closing", closing.to_owned()),
            ("connState", flow.zeek.state().name().to_owned()),
            ("connectNs", connect.map(|time| time.to_string()).unwrap_or_default()),
            ("durationNs", flow.duration().to_string()),
            ("clientBytes", flow.client.bytes.to_string()),
            ("serverBytes", flow.server.bytes.to_string()),
        ]);
        let text = format!("{client} > {server} {opening}, {closing}");
        self.message(INFORMATIONAL, time, "flow_end", &data, &text);
    }

    fn anomaly(&mut self, anomaly: &Anomaly, flow: Option<&Flow>) {
        let severity = match anomaly.severity {
            Severity::Info => INFORMATIONAL,
            Severity::Note => NOTICE,
            Severity::Warn => WARNING,
            Severity::Alert => ALERT,
        };
        let host =
            |host: Option<(core::net::IpAddr, Option<u16>)>| host.map(|(ip, _)| ip.to_string()).unwrap_or_default();
        let mut data = flow
            .map(ends)
            .unwrap_or_else(|| vec![("clientIp", host(anomaly.source)), ("serverIp", host(anomaly.destination))]);
        data.extend([("rule", anomaly.id.to_owned()), ("severity", anomaly.severity.name().to_owned())]);
        self.message(severity, anomaly.time, "anomaly", &data, &format!("{}: {}", anomaly.id, anomaly.reason));
    }
}

fn ends(flow: &Flow) -> Vec<(&'static str, String)> {
    let (client, server) = (flow.client.endpoint, flow.server.endpoint);
    vec![
        ("flow", flow.id.to_string()),
        ("clientIp", client.ip.to_string()),
        ("clientPort", client.port.to_string()),
        ("serverIp", server.ip.to_string()),
        ("serverPort", server.port.to_string()),
    ]
}

/// A value with what RFC 5424 section 6.3.3 escapes.
fn parameter(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in for_terminal(value).chars() {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl Sink for Syslog {
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

impl Writer for Syslog {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(parameter("a\"b\\c]d"), "a\\\"b\\\\c\\]d");
        assert!(!parameter("a\nb\u{1b}").contains(['\n', '\u{1b}']));
    }
}
