//! Zeek's `conn.log`, as tab-separated text that `zeek-cut` reads.

use std::io::Write as _;

use super::clock::Civil;
use super::{Out, Settings, Writer};
use crate::engine::{Event, Interest, Sink};
use crate::flow::zeek::{Connections, Row};
use crate::time::Timestamp;

/// Names and types of the columns. What synscope cannot know (service, octets of IP) is not among them.
const COLUMNS: [(&str, &str); 17] = [
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("duration", "interval"),
    ("orig_bytes", "count"),
    ("resp_bytes", "count"),
    ("conn_state", "string"),
    ("local_orig", "bool"),
    ("local_resp", "bool"),
    ("history", "string"),
    ("orig_pkts", "count"),
    ("resp_pkts", "count"),
    ("vlan", "int"),
];

/// The zeek format: the rows that Zeek would write for the reported flows.
pub(super) struct Zeek {
    out: Out,
    settings: Settings,
    connections: Connections,
    header_written: bool,
}

impl Zeek {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        let connections = Connections::new(settings.zeek_checksums);
        Self { out, settings: settings.clone(), connections, header_written: false }
    }

    /// The header; its date is that of the first packet, so that the same capture gives the same file.
    fn header(&mut self, opened: Option<Timestamp>) {
        if self.header_written {
            return;
        }
        self.header_written = true;
        let line = &mut self.out.buffer;
        line.extend_from_slice(
            b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n",
        );
        if let Some(time) = opened {
            write_date(line, "open", time);
        }
        for (title, names) in [("fields", COLUMNS.map(|(name, _)| name)), ("types", COLUMNS.map(|(_, kind)| kind))] {
            // Writing to a Vec cannot fail.
            let _ = writeln!(line, "#{title}\t{}", names.join("\t"));
        }
        self.out.end_line();
    }

    /// Rows of flows that may have ended before; rows without a flow are omitted if only some flows are reported.
    fn rows(&mut self, rows: &[Row]) {
        let all = self.settings.flow.is_none() && self.settings.flows_where.is_none();
        rows.iter().filter(|row| all || row.flow != 0).for_each(|row| self.row(row));
    }

    fn row(&mut self, row: &Row) {
        self.header(None);
        let (first, origin, response) = (row.first_time, row.originator, row.responder);
        let local = |ip| match self.settings.local_nets.as_slice() {
            [] => "-",
            nets if nets.iter().any(|net| net.contains(&ip)) => "T",
            _ => "F",
        };
        let line = &mut self.out.buffer;
        // Writing to a Vec cannot fail.
        // The sign stands before the whole: half a second before 1970 is -0.500000.
        let (sign, microseconds) = (if first.0 < 0 { "-" } else { "" }, first.0.unsigned_abs() / 1_000);
        let _ = write!(line, "{sign}{}.{:06}\t", microseconds / 1_000_000, microseconds % 1_000_000);
        let _ = match (row.flow, row.part) {
            (0, _) => write!(line, "-"),
            (flow, 1) => write!(line, "{flow}"),
            (flow, part) => write!(line, "{flow}.{part}"),
        };
        let _ = write!(line, "\t{}\t{}\t{}\t{}\ttcp\t", origin.ip, origin.port, response.ip, response.port);
        // Zeek leaves these out for a single packet.
        let _ = if row.duration > 0 {
            let microseconds = row.duration / 1_000;
            let [sent, got] = row.bytes;
            write!(line, "{}.{:06}\t{sent}\t{got}\t", microseconds / 1_000_000, microseconds % 1_000_000)
        } else {
            write!(line, "-\t-\t-\t")
        };
        let _ = write!(
            line,
            "{}\t{}\t{}\t{}\t{}\t{}\t",
            row.state.name(),
            local(origin.ip),
            local(response.ip),
            if row.history.is_empty() { "-" } else { &row.history },
            row.packets[0],
            row.packets[1]
        );
        let _ = if row.vlan == 0 { writeln!(line, "-") } else { writeln!(line, "{}", row.vlan) };
        self.out.end_line();
    }
}

impl Sink for Zeek {
    fn wants(&self) -> Interest {
        Interest::ENDS.union(Interest::SEGMENTS)
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::SessionStart { time } => self.header(Some(time)),
            Event::Segment(segment) => {
                self.connections.observe(segment);
                let spilled = self.connections.spilled();
                self.rows(&spilled);
            }
            Event::FlowEnd { flow, .. } => {
                let rows = self.connections.take(flow);
                self.rows(&rows);
            }
            Event::SessionEnd { totals } => {
                let rows = self.connections.finish();
                self.rows(&rows);
                self.header(None);
                if let Some(time) = totals.last_time {
                    write_date(&mut self.out.buffer, "close", time);
                    self.out.end_line();
                }
            }
            _ => {}
        }
    }
}

impl Writer for Zeek {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

fn write_date(line: &mut Vec<u8>, title: &str, time: Timestamp) {
    let Civil { year, month, day, hour, minute, second } = Civil::of(time);
    // Writing to a Vec cannot fail.
    let _ = writeln!(line, "#{title}\t{year:04}-{month:02}-{day:02}-{hour:02}-{minute:02}-{second:02}");
}
