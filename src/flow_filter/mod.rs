//! The flow filter: one language for `-Y`, `--fail-on`, `--expect` and the terminal view.
//!
//! ```text
//! expr  := and {("or"|"||") and}
//! and   := not {["and"|"&&"] not}                      # side by side means and
//! not   := {"not"|"!"|"-"} ( "(" expr ")" | term )
//! term  := field op value | /regex/ | "quoted text" | word
//! op    := ":" | "=" | "!=" | ">" | ">=" | "<" | "<=" | "~"
//! value := number | number+unit | address[/length] | a..b | {v1,v2} | word | "text" | /regex/
//! ```
//!
//! A word alone matches as part of any field that is shown; an address alone matches either end. An unknown field
//! matches no comparison. Knows flows and anomalies; nothing of formats, files or screens.

mod field;
mod parse;
mod phase;
mod subject;

use core::fmt;

use regex::Regex;

use crate::network::IpNet;

pub use self::field::retransmissions;
pub use self::phase::Phase;
pub use self::subject::Subject;

/// A filter, parsed.
#[derive(Clone, Debug)]
pub struct FlowFilter {
    expression: Expression,
    text: String,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// What is wrong, with a suggestion where there is one.
    pub problem: String,
    /// Where, in octets of the text.
    pub place: usize,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for FilterError {}

/// What must hold.
#[derive(Clone, Debug)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    /// Lower-case text, part of anything shown.
    Text(String),
    /// A pattern over everything shown.
    Pattern(Regex),
    /// Either end is in this network.
    Network(IpNet),
    Field(&'static field::Field, Test),
}

/// What a field's value must be.
#[derive(Clone, Debug)]
enum Test {
    /// In one of these closed ranges.
    Ranges(Vec<(i64, i64)>),
    /// In one of these networks.
    Networks(Vec<IpNet>),
    /// One of these words.
    Words(Vec<String>),
    /// Contains one of these texts, lower case.
    Contains(Vec<String>),
    /// Is one of these texts.
    Texts(Vec<String>),
    /// Matches.
    Pattern(Regex),
    /// Is so.
    Flag(bool),
}

impl FlowFilter {
    /// Reads a filter; an empty text is one that everything matches.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { expression: parse::parse(text)?, text: text.to_owned() })
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `subject` matches.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.expression.holds(subject)
    }
}

impl Expression {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Any(some) => some.iter().any(|each| each.holds(subject)),
            Self::All(all) => all.iter().all(|each| each.holds(subject)),
            Self::Not(other) => !other.holds(subject),
            Self::Text(text) => lower(subject.shown()).contains(text),
            Self::Pattern(pattern) => pattern.is_match(&subject.shown()),
            Self::Network(network) => subject.ends().into_iter().flatten().any(|(ip, _)| network.contains(&ip)),
            Self::Field(field, test) => field.passes(subject, test),
        }
    }
}

/// In small letters; in place where that is possible, as a table of many flows is filtered while somebody types.
fn lower(mut shown: String) -> String {
    if shown.is_ascii() {
        shown.make_ascii_lowercase();
        return shown;
    }
    shown.to_lowercase()
}

/// Name and meaning of every field, for help and completion.
pub fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    field::FIELDS.iter().map(|field| (field.name, field.about))
}
