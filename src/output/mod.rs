//! Events to bytes: one file per format, registered in [`FORMATS`].
//!
//! A format is a [`Sink`](crate::engine::Sink) that appends to an [`Out`] and never sees an I/O error: [`Out`] keeps
//! the first one, and the run loop asks for it. Formats know nothing of captures or of the command line.

mod cause;
pub mod clock;
pub mod compare;
mod duration;
pub mod escape;
pub mod event;
pub mod explain;
pub mod file;
mod format;
mod histogram;
mod html;
pub mod ladder;
mod markdown;
mod mermaid;
mod ndjson;
mod out;
pub mod pcapng;
mod picture;
mod picture_options;
#[cfg(feature = "tui")]
pub mod plain;
mod report;
mod scapy;
pub mod schema;
mod summary;
mod svg;
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

/// Every format, in the order of `--help`.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        about: "one line per handshake or teardown step, and a verdict for each flow",
        options: &["-t", "--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(text::Text::new(out, settings)),
    },
    Format {
        name: "scapy",
        about: "one line per SYN, SYN-ACK or ACK, like a Scapy callback",
        options: &[],
        terse: true,
        open: |out, _| Box::new(scapy::Scapy::new(out)),
    },
    Format {
        name: "ladder",
        about: "a sequence diagram of each flow, with the states of both ends",
        options: &["--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(ladder::Ladder::new(out, settings)),
    },
    Format {
        name: "summary",
        about: "one page of statistics about the whole capture",
        options: &[],
        terse: true,
        open: |out, _| Box::new(summary::Summary::new(out)),
    },
    Format {
        name: "ndjson",
        about: "one JSON object per line, with Elastic Common Schema field names",
        options: &["--steps", "--events", "--detail", "--flow"],
        terse: false,
        open: |out, settings| Box::new(ndjson::Ndjson::new(out, settings)),
    },
    Format {
        name: "csv",
        about: "one row per flow; -e selects the columns",
        options: &["-e", "--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(table::Table::new(out, settings, b',')),
    },
    Format {
        name: "tsv",
        about: "like csv, with tabs",
        options: &["-e", "--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(table::Table::new(out, settings, b'\t')),
    },
    Format {
        name: "zeek",
        about: "Zeek's conn.log, for zeek-cut",
        options: &["--flow"],
        terse: true,
        open: |out, settings| Box::new(zeek::Zeek::new(out, settings)),
    },
    Format {
        name: "svg",
        about: "a sequence diagram of one flow",
        options: &["--steps", "--flow", "--part", "--scale", "--theme", "--locale"],
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, svg::Svg::new(settings), settings)),
    },
    Format {
        name: "html",
        about: "a web page with the picture, steps and explanation of each flow",
        options: &["--steps", "--flow", "--part", "--scale", "--theme", "--locale", "--explain"],
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, html::Html::new(settings), settings)),
    },
    Format {
        name: "markdown",
        about: "a report to paste into a ticket, with Mermaid sequence diagrams",
        options: &["--steps", "--flow", "--part", "--locale", "--explain"],
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, markdown::Markdown::new(settings), settings)),
    },
    Format {
        name: "explain",
        about: "an explanation of each flow in words (the same as --explain)",
        options: &["--flow", "--locale", "--explain", "topic"],
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
