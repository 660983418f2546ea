//! Which rules are on.

use super::anomaly::Severity;
use super::registry::rules;
use super::rule::Rule;

/// Which rules are on.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these, where any are given.
    pub enable: Vec<String>,
    /// Not these.
    pub disable: Vec<String>,
    /// Rules of one's own about flows, besides those of the registry.
    pub more: Vec<&'static Rule>,
    /// Nothing below this.
    pub min_severity: Option<Severity>,
}

impl Selection {
    /// Every rule, as a list of those that are not wanted.
    pub fn none() -> Self {
        Self { disable: rules().map(|rule| rule.id.to_owned()).collect(), ..Self::default() }
    }

    /// Every rule: those of the registry, and those of one's own.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        rules().chain(self.more.iter().copied())
    }

    /// Whether the rule with this id is on.
    pub fn has(&self, id: &str) -> bool {
        (self.enable.is_empty() || self.enable.iter().any(|e| e == id)) && !self.disable.iter().any(|d| d == id)
    }
}

/// An id that no rule has, and the nearest that one has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown anomaly '{id}'; {}", self.advice())]
pub struct UnknownRule {
    /// What was asked for.
    pub id: String,
    /// What may have been meant.
    pub nearest: Option<&'static str>,
}

impl UnknownRule {
    /// What to do about it.
    fn advice(&self) -> String {
        match self.nearest {
            Some(nearest) => format!("did you mean '{nearest}'?"),
            None => "--list-anomalies lists them".to_owned(),
        }
    }
}
