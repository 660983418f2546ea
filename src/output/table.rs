//! One row per flow: CSV (RFC 4180) and TSV, with the fields of `flow_end` as columns.

use csv::{ByteRecord, Terminator, WriterBuilder};

use super::escape::for_spreadsheet;
use super::event::{Action, Detail, build, columns};
use super::{Out, Settings, Writer};
use crate::engine::{Event, Interest, Sink};

/// Columns where `-e` does not say otherwise.
const DEFAULT: [&str; 22] = [
    "synscope.flow_id",
    "event.start",
    "event.duration",
    "source.ip",
    "source.port",
    "destination.ip",
    "destination.port",
    "synscope.opening",
    "synscope.closing",
    "synscope.conn_state",
    "synscope.history",
    "synscope.handshake.connect_ns",
    "synscope.handshake.rtt_ns",
    "synscope.handshake.syn_count",
    "synscope.teardown.closed_by",
    "synscope.teardown.shape",
    "source.packets",
    "source.bytes",
    "destination.packets",
    "destination.bytes",
    "synscope.anomalies",
    "network.community_id",
];

/// The CSV and TSV formats.
pub(super) struct Table {
    out: Out,
    settings: Settings,
    columns: Vec<String>,
    delimiter: u8,
    header_written: bool,
    sequence: u64,
}

impl Table {
    /// Columns separated by `delimiter`.
    pub(super) fn new(out: Out, settings: &Settings, delimiter: u8) -> Self {
        let columns = if settings.fields.is_empty() {
            DEFAULT.iter().map(|name| (*name).to_owned()).collect()
        } else {
            settings.fields.clone()
        };
        Self { out, settings: settings.clone(), columns, delimiter, header_written: false, sequence: 0 }
    }

    fn header(&mut self) {
        if !self.header_written {
            self.header_written = true;
            let record = ByteRecord::from(self.columns.clone());
            self.row(&record);
        }
    }

    fn row(&mut self, record: &ByteRecord) {
        let mut writer = WriterBuilder::new()
            .delimiter(self.delimiter)
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(512)
            .from_writer(&mut self.out.buffer);
        // Writing to a Vec cannot fail.
        let _ = writer.write_byte_record(record).and_then(|()| Ok(writer.flush()?));
        drop(writer);
        self.out.end_line();
    }
}

/// The fields, marked so that a spreadsheet takes none for a formula.
fn for_spreadsheets(record: &ByteRecord) -> ByteRecord {
    let safe = |field: &[u8]| match core::str::from_utf8(field).ok().and_then(for_spreadsheet) {
        Some(safe) => safe.into_bytes(),
        None => field.to_vec(),
    };
    record.iter().map(safe).collect()
}

impl Sink for Table {
    fn wants(&self) -> Interest {
        Interest::ENDS
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::FlowEnd { flow, time } => {
                self.header();
                self.sequence += 1;
                let context = build::Context {
                    sequence: self.sequence,
                    steps: self.settings.steps.unwrap_or_default(),
                    detail: Detail::Full,
                    known: self.settings.known.as_deref(),
                };
                let event = build::flow_event(flow, Action::FlowEnd, time, &context);
                let record = columns::record(&event, &self.columns);
                self.row(&if self.delimiter == b',' { for_spreadsheets(&record) } else { record });
            }
            // A capture without flows still has columns.
            Event::SessionEnd { .. } => self.header(),
            _ => {}
        }
    }
}

impl Writer for Table {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn values_are_quoted_by_rfc_4180() {
        let shared = Shared::default();
        let settings = Settings { fields: vec!["a".to_owned(), "b".to_owned()], ..Settings::default() };
        let mut table = Table::new(Out::new(Box::new(shared.clone()), true), &settings, b',');
        table.header();
        table.row(&ByteRecord::from(vec!["plain", "with, comma"]));
        table.row(&ByteRecord::from(vec!["with \"quotes\"", "two\nlines"]));
        table.row(&ByteRecord::from(vec!["", ""]));
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "a,b\nplain,\"with, comma\"\n\"with \"\"quotes\"\"\",\"two\nlines\"\n,\n");
    }
}
