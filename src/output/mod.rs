//! Events to bytes: one file per format, registered in [`FORMATS`].
//!
//! A format is a [`Sink`](crate::engine::Sink) that appends to an [`Out`] and never sees an I/O error: [`Out`] keeps
//! the first one, and the run loop asks for it. Formats know nothing of captures or of the command line.

mod cause;
pub mod clock;
pub mod compare;
mod duration;
pub mod escape;
mod eve;
pub mod event;
pub mod explain;
pub mod file;
mod format;
mod histogram;
mod html;
mod json;
pub mod ladder;
mod markdown;
mod mermaid;
mod ndjson;
mod out;
pub mod packet_file;
pub mod pcapng;
mod picture;
mod picture_options;
#[cfg(feature = "tui")]
pub mod plain;
pub mod privacy;
mod report;
pub mod rotate;
mod scapy;
pub mod schema;
mod summary;
mod svg;
mod syslog;
mod table;
mod text;
#[cfg(feature = "tui")]
pub mod tui;
pub mod words;
mod zeek;

use self::report::AtEnd;
pub use clock::TimeStyle;
pub use event::{Action, Detail, StepsShown};
pub use explain::{Level, Locale, Topic};
pub use format::{Format, Pictures, Session, Settings, Writer};
pub use out::Out;
pub use picture_options::{Part, Scale, Theme};
pub use privacy::Mask;

/// Every format, in the order of `--help`.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        about: "one line per handshake or teardown step, and a verdict for each flow",
        options: &["-t", "--steps", "--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(text::Text::new(out, settings)),
    },
    Format {
        name: "scapy",
        about: "one line per SYN, SYN-ACK or ACK, like a Scapy callback",
        options: &[],
        of_segments: true,
        terse: true,
        open: |out, _| Box::new(scapy::Scapy::new(out)),
    },
    Format {
        name: "ladder",
        about: "a sequence diagram of each flow, with the states of both ends",
        options: &["--steps", "--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(ladder::Ladder::new(out, settings)),
    },
    Format {
        name: "summary",
        about: "one page of statistics about the whole capture",
        options: &[],
        of_segments: false,
        terse: true,
        open: |out, settings| Box::new(summary::Summary::new(out, settings)),
    },
    Format {
        name: "ndjson",
        about: "one JSON object per line, with Elastic Common Schema field names",
        options: &["--steps", "--events", "--detail", "--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(ndjson::Ndjson::new(out, settings)),
    },
    Format {
        name: "csv",
        about: "one row per flow; -e selects the columns",
        options: &["-e", "--steps", "--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(table::Table::new(out, settings, b',')),
    },
    Format {
        name: "tsv",
        about: "like csv, with tabs",
        options: &["-e", "--steps", "--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(table::Table::new(out, settings, b'\t')),
    },
    Format {
        name: "zeek",
        about: "Zeek's conn.log, for zeek-cut",
        options: &["--flow"],
        of_segments: false,
        terse: true,
        open: |out, settings| Box::new(zeek::Zeek::new(out, settings)),
    },
    Format {
        name: "eve",
        about: "Suricata's eve.json: a flow event per flow, an anomaly event per anomaly",
        options: &["--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(eve::Eve::new(out, settings)),
    },
    Format {
        name: "syslog",
        about: "syslog messages (RFC 5424), one for each flow and each anomaly",
        options: &["--flow"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(syslog::Syslog::new(out, settings)),
    },
    Format {
        name: "svg",
        about: "a sequence diagram of one flow",
        options: &["--steps", "--flow", "--part", "--scale", "--theme", "--locale"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, svg::Svg::new(settings), settings)),
    },
    Format {
        name: "html",
        about: "a web page with the picture, steps and explanation of each flow",
        options: &["--steps", "--flow", "--part", "--scale", "--theme", "--locale", "--explain"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, html::Html::new(settings), settings)),
    },
    Format {
        name: "markdown",
        about: "a report to paste into a ticket, with Mermaid sequence diagrams",
        options: &["--steps", "--flow", "--part", "--locale", "--explain"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, markdown::Markdown::new(settings), settings)),
    },
    Format {
        name: "explain",
        about: "an explanation of each flow in words (the same as --explain)",
        options: &["--flow", "--locale", "--explain", "topic"],
        of_segments: false,
        terse: false,
        open: |out, settings| Box::new(explain::Explain::new(out, settings)),
    },
];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (i, format) in FORMATS.iter().enumerate() {
            assert!(FORMATS[i + 1..].iter().all(|other| other.name != format.name), "{}", format.name);
            assert!(!format.about.is_empty());
        }
    }
}
