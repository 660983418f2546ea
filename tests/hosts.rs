//! The rules about hosts: each has traffic that triggers it and traffic that just does not, through the whole engine.
//!
//! `testdata/scripts/` does the same for single flows; here hundreds of connections are needed, so they are made in code.

#[path = "hosts/attacks.rs"]
mod attacks;
mod common;
#[path = "hosts/everyday.rs"]
mod everyday;
#[path = "hosts/incidents.rs"]
mod incidents;
#[path = "hosts/more_life.rs"]
mod more_life;
#[path = "hosts/ordinary.rs"]
mod ordinary;
#[path = "hosts/outages.rs"]
mod outages;
#[path = "hosts/pairs.rs"]
mod pairs;
#[path = "hosts/tools.rs"]
mod tools;
#[path = "hosts/traffic.rs"]
mod traffic;

use std::collections::BTreeSet;

use pairs::{MORE, PAIRS};
use synscope::detect::Scope;
use synscope::detect::registry::rules;

#[test]
fn every_rule_about_hosts_has_a_trigger_and_a_near_miss() {
    let have: BTreeSet<&str> = PAIRS.iter().map(|(id, ..)| *id).collect();
    assert_eq!(have.len(), PAIRS.len(), "an id is there twice");
    let wanted: BTreeSet<&str> = rules().filter(|rule| rule.scope == Scope::Host).map(|rule| rule.id).collect();
    let missing: Vec<_> = wanted.difference(&have).collect();
    assert!(missing.is_empty(), "no pair in tests/hosts/pairs.rs for {missing:?}");
    let strangers: Vec<_> = have.difference(&wanted).collect();
    assert!(strangers.is_empty(), "pairs of no rule: {strangers:?}");
}

#[test]
fn triggers_trigger_and_near_misses_do_not() {
    let mut wrong = Vec::new();
    for (id, trigger, near_miss) in PAIRS {
        let said = trigger().ids();
        if !said.contains(id) {
            wrong.push(format!("{id} not triggered; said {said:?}"));
        }
        if near_miss().ids().contains(id) {
            wrong.push(format!("{id} triggered by its near miss"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One address of a network that holds nearly all is told of once, by its own name.
#[test]
fn a_flood_of_one_address_is_none_of_its_network() {
    let reported = pairs::one_of_a_network().anomalies();
    assert_eq!(reported.iter().filter(|(id, _)| *id == "connection-flood").count(), 1, "{reported:?}");
}

#[test]
fn what_several_connections_show_is_reported_of_each() {
    let mut wrong = Vec::new();
    for (id, severity, trigger, near_miss) in MORE {
        let has = |found: &[(&str, _)]| found.contains(&(*id, *severity));
        let said = trigger().anomalies();
        if !has(&said) {
            wrong.push(format!("{id} not triggered; said {said:?}"));
        }
        if has(&near_miss().anomalies()) {
            wrong.push(format!("{id} triggered by its near miss"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is on its way is not missing yet.
#[test]
fn connections_asked_for_at_once_are_not_half_open() {
    let said = pairs::many_at_once().ids();
    assert!(!said.contains(&"half-open-accumulation"), "{said:?}");
}

/// A moment is enough to see that the ways differ, and a network that nobody answers in shows nothing of that.
#[test]
fn ways_apart_are_seen_in_a_moment() {
    let said = pairs::ways_apart().ids();
    assert_eq!(said.iter().filter(|id| **id == "capture-asymmetric").count(), 1, "{said:?}");
    let said = pairs::dark().ids();
    assert!(!said.contains(&"capture-asymmetric"), "{said:?}");
}
