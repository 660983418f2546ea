//! Zeek's `conn.log`, as tab-separated text that `zeek-cut` reads.

use std::io::Write as _;

use super::clock::Civil;
use super::{Out, Settings, Writer};
use crate::engine::{Event, Sink, Wants};
use crate::flow::Flow;
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

/// The zeek format.
pub(super) struct Zeek {
    out: Out,
    settings: Settings,
    header_written: bool,
}

impl Zeek {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, settings: settings.clone(), header_written: false }
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

    fn row(&mut self, flow: &Flow) {
        // Zeek's idea of who began, which the letters of the history go by, need not be ours.
        let originator =
            if flow.zeek.originator_is_first_sender() { flow.first_sender } else { flow.first_sender.other() };
        let (first, c, s) = (flow.first_time, flow.peer(originator), flow.peer(originator.other()));
        let (origin, response) = (c.endpoint, s.endpoint);
        let duration = flow.duration();
        let local = |ip| match self.settings.local_nets.as_slice() {
            [] => "-",
            nets if nets.iter().any(|net| net.contains(ip)) => "T",
            _ => "F",
        };
        let line = &mut self.out.buffer;
        // Writing to a Vec cannot fail.
        let _ = write!(
            line,
            "{}.{:06}\t{}\t{}\t{}\t{}\t{}\ttcp\t",
            first.seconds(),
            first.subsecond_nanos() / 1_000,
            flow.id,
            origin.ip,
            origin.port,
            response.ip,
            response.port
        );
        // Zeek leaves these out for a single packet.
        let _ = if duration > 0 {
            let microseconds = duration / 1_000;
            write!(line, "{}.{:06}\t{}\t{}\t", microseconds / 1_000_000, microseconds % 1_000_000, c.bytes, s.bytes)
        } else {
            write!(line, "-\t-\t-\t")
        };
        let history = flow.zeek.history();
        let _ = write!(
            line,
            "{}\t{}\t{}\t{}\t{}\t{}\t",
            flow.zeek.state().name(),
            local(origin.ip),
            local(response.ip),
            if history.is_empty() { "-" } else { &history },
            c.packets,
            s.packets
        );
        let _ = if flow.vlan == 0 { writeln!(line, "-") } else { writeln!(line, "{}", flow.vlan) };
        self.out.end_line();
    }
}

impl Sink for Zeek {
    fn wants(&self) -> Wants {
        Wants::ENDS
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::SessionStart { time } => self.header(Some(time)),
            Event::FlowEnd { flow, .. } => {
                self.header(None);
                self.row(flow);
            }
            Event::SessionEnd { totals } => {
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
