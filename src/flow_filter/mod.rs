//! The flow filter: one language for `-Y`, `--fail-on`, `--expect` and the terminal view.
//!
//! ```text
//! expr  := and {("or"|"||") and}
//! and   := not {["and"|"&&"] not}                      # side by side means and
//! not   := {"not"|"!"|"-"} ( "(" expr ")" | term )
//! term  := field op value | "tcp.flags." flag op ("1"|"0") | "tcp" | /regex/ | "quoted text" | word
//! op    := ":" | "=" | "==" | "!=" | ">" | ">=" | "<" | "<=" | "~" | "eq" | "ne" | "gt" | "ge" | "lt" | "le"
//!        | "contains" | "matches" | "in"
//! value := number | number+unit | address[/length] | a..b | {v1,v2} | {v1 v2} | word | "text" | /regex/
//! ```
//!
//! A field has a name, names in events, and names that people know from Wireshark; all mean the same. A word alone
//! matches as part of any field that is shown, unless it is nearly a verdict, a phase or an anomaly, or is a field:
//! then it is a slip, and refused. An address alone matches either end. A field that a flow does not have matches no
//! comparison. Knows flows and anomalies; nothing of formats, files or screens.

mod error;
mod expression;
mod field;
mod names;
mod parse;
mod phase;
mod subject;
mod test;

use self::expression::Expression;

pub use self::error::FilterError;
pub use self::field::retransmissions;
pub use self::phase::Phase;
pub use self::subject::Subject;

/// A filter, parsed.
#[derive(Clone, Debug)]
pub struct FlowFilter {
    expression: Expression,
    text: String,
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

/// Name and meaning of every field, for help and completion.
pub fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    field::FIELDS.iter().map(|field| (field.name, field.about))
}

/// A field as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: &'static str,
    /// Its other names, those of events first.
    pub others: Vec<&'static str>,
    /// What it is compared with: `number`, `time`, `size`, `severity`, `address`, `word`, `text` or `yes or no`.
    pub kind: &'static str,
    /// What it means.
    pub about: &'static str,
    /// The words that it can be, where those are few; empty otherwise.
    pub words: Vec<&'static str>,
}

/// Every field.
pub fn list() -> impl Iterator<Item = FieldInfo> {
    field::FIELDS.iter().map(|field| FieldInfo {
        name: field.name,
        others: names::others_of(field.name).collect(),
        kind: field.kind.name(),
        about: field.about,
        words: field.kind.words(),
    })
}

/// The name in events of the field that is called `name` here, where it has one: `dport` is `destination.port`.
pub fn name_in_events(name: &str) -> Option<&'static str> {
    names::name_in_events(name)
}
