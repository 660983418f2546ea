//! A parsed filter as an expression, and whether it holds.

use regex::Regex;

use super::field::Field;
use super::subject::Subject;
use super::test::Test;
use crate::network::IpNet;

/// What must hold.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    /// Lower-case text, part of anything shown.
    Text(String),
    /// A pattern over everything shown.
    Pattern(Regex),
    /// Either end is in this network.
    Network(IpNet),
    Field(&'static Field, Test),
}

impl Expression {
    /// Whether it holds of `subject`.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
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
