//! What a connection costs in memory, as the README says it: by the sizes of the types.

use synscope::flow::model::MAX_STEPS;
use synscope::flow::{Flow, Limits, Step};

const README: &str = include_str!("../README.md");

/// Asserts that the README has this sentence; line breaks are as good as spaces.
fn says(sentence: &str) {
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(sentence), "README.md does not say: {sentence}");
}

#[test]
fn bytes_per_flow_are_those_of_the_readme() {
    says(&format!("{} octets for its record and {} for each step", size_of::<Flow>(), size_of::<Step>()));
    says(&format!("at most {MAX_STEPS} steps"));
}

#[test]
fn limits_are_those_of_the_readme() {
    let limits = Limits::default();
    assert_eq!((limits.flows, limits.embryonic), (200_000, 200_000));
    says("200,000 connections and 200,000 flows that are nothing but a SYN");
}
