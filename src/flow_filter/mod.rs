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

mod error;
mod expression;
mod field;
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
