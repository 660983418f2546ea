//! Events to bytes: one file per format, registered in [`FORMATS`].
//!
//! A format is a [`Sink`] that appends to an [`Out`] and never sees an I/O error: [`Out`] keeps the first one, and the run
//! loop asks for it. Formats know nothing of captures or of the command line.

mod cause;
pub mod clock;
pub mod event;
pub mod explain;
mod histogram;
mod html;
pub mod ladder;
mod markdown;
mod ndjson;
mod out;
pub mod pcapng;
mod picture;
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
use crate::engine::Sink;
use crate::network::IpNet;
pub use event::{Action, StepsShown};
pub use explain::{Level, Locale, Topic};
pub use out::Out;
pub use picture::{Part, Scale, Theme};
pub use text::TimeStyle;

/// What is being analysed, for the formats that say so.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Files or interfaces, as given.
    pub inputs: Vec<String>,
    /// Capture filter, where there is one.
    pub filter: Option<String>,
}

/// What the user asked of the output.
#[derive(Clone)]
pub struct Settings {
    /// What is being analysed.
    pub session: Session,
    /// How times are written (`-t`).
    pub time: TimeStyle,
    /// Which steps are written (`--steps`).
    pub steps: StepsShown,
    /// Which events are written (`--events`).
    pub events: Vec<Action>,
    /// Columns of CSV and TSV (`-e`); empty for the default ones.
    pub fields: Vec<String>,
    /// Networks that are ours (`--local-net`).
    pub local_nets: Vec<IpNet>,
    /// The id of an anomaly rule by its index in the registry.
    pub rule_id: fn(u16) -> Option<&'static str>,
    /// Whether packets arrive as they are sent: nothing waits for what comes later.
    pub streams: bool,
    /// How flows are drawn.
    pub pictures: Pictures,
    /// The language of pictures and explanations (`--locale`).
    pub locale: Locale,
    /// How much is explained (`--explain`); `None` for what the format thinks best.
    pub level: Option<Level>,
    /// What is explained instead of flows (`--explain`).
    pub topic: Option<Topic>,
    /// The only flow that is told of (`--flow`).
    pub flow: Option<u64>,
    /// The filter that flows have to match (`-Y`), as typed: a picture is then of the first one, and a page begins with it.
    pub flows_where: Option<String>,
    /// Zeek's rows go by every checksum (`--zeek-checksums`).
    pub zeek_checksums: bool,
}

impl Default for Settings {
    /// What is written where nothing is asked for; anomalies have no names.
    fn default() -> Self {
        Self {
            session: Session::default(),
            time: TimeStyle::default(),
            steps: StepsShown::default(),
            events: DEFAULT_EVENTS.to_vec(),
            fields: Vec::new(),
            local_nets: Vec::new(),
            rule_id: |_| None,
            streams: false,
            pictures: Pictures::default(),
            locale: Locale::default(),
            level: None,
            topic: None,
            flow: None,
            flows_where: None,
            zeek_checksums: false,
        }
    }
}

/// How flows are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Which part (`--part`).
    pub part: Part,
    /// How time is drawn (`--scale`).
    pub scale: Scale,
    /// Colours (`--theme`).
    pub theme: Theme,
}

/// The events written where `--events` does not say otherwise.
pub const DEFAULT_EVENTS: [Action; 5] =
    [Action::SessionStart, Action::HandshakeEnd, Action::FlowEnd, Action::Anomaly, Action::SessionEnd];

/// A running format.
pub trait Writer: Sink {
    /// Where it writes.
    fn out(&mut self) -> &mut Out;
}

/// A format that `-T` takes.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// What it is, for `--help`.
    pub about: &'static str,
    /// The options of the output that it heeds.
    pub options: &'static [&'static str],
    /// Whether it writes no sentences and figures of anomalies.
    pub terse: bool,
    /// Starts it.
    pub open: fn(Out, &Settings) -> Box<dyn Writer>,
}

/// Every format, in the order of `--help`.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        about: "one line a handshake or teardown step, and a verdict for every flow",
        options: &["-t", "--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(text::Text::new(out, settings)),
    },
    Format {
        name: "scapy",
        about: "one line a SYN, SYN-ACK or ACK, as the study note's Scapy callback prints it",
        options: &[],
        terse: true,
        open: |out, _| Box::new(scapy::Scapy::new(out)),
    },
    Format {
        name: "ladder",
        about: "two lifelines for every flow, one row a step, with both ends' states",
        options: &["--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(ladder::Ladder::new(out, settings)),
    },
    Format {
        name: "summary",
        about: "one page about the whole run",
        options: &[],
        terse: true,
        open: |out, _| Box::new(summary::Summary::new(out)),
    },
    Format {
        name: "ndjson",
        about: "one JSON object a line: events in Elastic Common Schema names",
        options: &["--steps", "--events", "--flow"],
        terse: false,
        open: |out, settings| Box::new(ndjson::Ndjson::new(out, settings)),
    },
    Format {
        name: "csv",
        about: "one row a flow, columns by -e",
        options: &["-e", "--steps", "--flow"],
        terse: false,
        open: |out, settings| Box::new(table::Table::new(out, settings, b',')),
    },
    Format {
        name: "tsv",
        about: "the same, separated by tabs",
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
        about: "a picture: two lifelines, numbered arrows, coloured states",
        options: &["--steps", "--flow", "--part", "--scale", "--theme", "--locale"],
        terse: false,
        open: |out, settings| Box::new(AtEnd::new(out, svg::Svg::new(settings), settings)),
    },
    Format {
        name: "html",
        about: "a page with an overview, and for every flow its picture, steps and explanation",
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
        about: "every flow in words (the same as --explain)",
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
