//! Anomalies of one flow.

use super::registry::Rule;

mod opening;

/// Rules about one flow.
pub const RULES: &[Rule] = opening::RULES;
