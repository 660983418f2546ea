//! The list of rules. A new family of rules is a file and a line here.

use super::rule::Rule;
use super::{capture, flow, host};

/// Every rule, families in the order of the catalogue.
pub static REGISTRY: &[&[Rule]] = &[
    flow::opening::RULES,
    flow::retries::RULES,
    flow::accept::RULES,
    flow::translation::RULES,
    flow::synack::RULES,
    flow::fronts::RULES,
    flow::shape::RULES,
    flow::fast_open::RULES,
    flow::reuse::RULES,
    flow::options::RULES,
    flow::mss::RULES,
    flow::header::RULES,
    flow::unsent::RULES,
    flow::window::RULES,
    flow::ecn::RULES,
    flow::mptcp::RULES,
    flow::addresses::RULES,
    flow::closes::RULES,
    flow::resets::RULES,
    flow::forgery::RULES,
    flow::time_wait::RULES,
    flow::peers::RULES,
    flow::tls::RULES,
    capture::RULES,
    host::RULES,
];

/// Every rule in order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    REGISTRY.iter().flat_map(|family| family.iter())
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut seen = HashSet::new();
        for rule in rules() {
            assert!(seen.insert(rule.id), "{} twice", rule.id);
            assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
            assert!(
                !rule.reference.is_empty() && rule.summary.len() > 10 && rule.description.len() > 40,
                "{}",
                rule.id
            );
        }
    }
}
