//! Counts of the flows that a filter (`-Y`) lets through.

use std::collections::BTreeMap;

use super::super::escape::for_terminal;
use super::page::Page;
use crate::detect::{Anomaly, Scope, Severity};
use crate::engine::Totals;
use crate::flow::{Closing, Flow, Opening};

/// What was counted of flows that match.
pub(super) struct Matching {
    /// The filter, as typed.
    filter: String,
    flows: u64,
    by_opening: [u64; Opening::ALL.len()],
    by_closing: [u64; Closing::ALL.len()],
    anomalies: BTreeMap<&'static str, (Severity, u64)>,
}

impl Matching {
    /// Nothing yet of those that match `filter`.
    pub(super) fn new(filter: String) -> Self {
        let (by_opening, by_closing) = ([0; Opening::ALL.len()], [0; Closing::ALL.len()]);
        Self { filter, flows: 0, by_opening, by_closing, anomalies: BTreeMap::new() }
    }

    /// A flow that matches is over.
    pub(super) fn flow(&mut self, flow: &Flow) {
        self.flows += 1;
        self.by_opening[flow.opening() as usize] += 1;
        self.by_closing[flow.closing() as usize] += 1;
        flow.marks.iter().for_each(|mark| self.found(mark.rule, mark.severity, u64::from(mark.count)));
    }

    /// An anomaly that matches; those of flows come with their flow.
    pub(super) fn anomaly(&mut self, anomaly: &Anomaly) {
        if anomaly.scope != Scope::Flow {
            self.found(anomaly.id, anomaly.severity, 1);
        }
    }

    fn found(&mut self, id: &'static str, severity: Severity, count: u64) {
        let found = self.anomalies.entry(id).or_insert((severity, 0));
        *found = (found.0.max(severity), found.1.saturating_add(count));
    }

    /// `totals` with the counts of flows that match.
    pub(super) fn of(&self, totals: &Totals) -> Totals {
        Totals {
            by_opening: self.by_opening,
            by_closing: self.by_closing,
            anomalies: self.anomalies.iter().map(|(id, (_, count))| (*id, *count)).collect(),
            severities: self.anomalies.iter().map(|(id, (severity, _))| (*id, *severity)).collect(),
            ..totals.clone()
        }
    }

    /// How many they are, and that the rest of the page is about them.
    pub(super) fn line(&self, page: &mut Page) {
        let flows = if self.flows == 1 { "flow matches" } else { "flows match" };
        let filter = for_terminal(&self.filter);
        page.wrapped(&format!("{:>8}  ", self.flows), 10, &format!("{flows} {filter}: what follows is of these only"));
        page.line("          (what was found about hosts is left out)");
    }
}
