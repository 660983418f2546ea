//! Events to bytes: one file per format, registered in [`FORMATS`].
//!
//! A format is a [`Sink`] that appends to an [`Out`] and never sees an I/O error: [`Out`] keeps the first one, and the run
//! loop asks for it. Formats know nothing of captures or of the command line.

pub mod clock;
pub mod community;
pub mod event;
mod ndjson;
mod out;
pub mod schema;
mod text;
pub mod words;

use crate::engine::Sink;
pub use event::{Action, StepsShown};
pub use out::Out;
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
    /// The id of an anomaly rule by its index in the registry.
    pub rule_id: fn(u16) -> Option<&'static str>,
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
    /// Starts it.
    pub open: fn(Out, &Settings) -> Box<dyn Writer>,
}

/// Every format, in the order of `--help`.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        about: "one line a handshake or teardown step, and a verdict for every flow",
        options: &["-t", "--steps", "--flow"],
        open: |out, settings| Box::new(text::Text::new(out, settings)),
    },
    Format {
        name: "ndjson",
        about: "one JSON object a line: events in Elastic Common Schema names",
        options: &["--steps", "--events", "--flow"],
        open: |out, settings| Box::new(ndjson::Ndjson::new(out, settings)),
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
