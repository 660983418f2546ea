//! Where host detectors hand in what they found: which rules are on, how often each fired.

use core::net::IpAddr;

use super::RULES;
use crate::detect::Selection;
use crate::detect::anomaly::{Anomaly, IncidentReport, Phase, Severity};
use crate::detect::rule::{Finding, Rule};
use crate::time::Timestamp;

/// An address and, where it matters, a port.
pub(super) type Whom = (IpAddr, Option<u16>);

/// Takes anomalies as they are found.
pub type Report<'a> = &'a mut dyn FnMut(&Anomaly);

/// The rules about hosts: which are on, and what they counted.
#[derive(Debug)]
pub(super) struct Reporter {
    on: Vec<bool>,
    counts: Vec<u64>,
    /// By rule: the highest severity with which it fired.
    severities: Vec<Severity>,
    min_severity: Severity,
    /// Incidents reported so far.
    incidents: u64,
}

impl Reporter {
    /// The rules that `selection` leaves on.
    pub(super) fn new(selection: &Selection) -> Self {
        Self {
            on: RULES.iter().map(|rule| selection.has(rule.id)).collect(),
            counts: vec![0; RULES.len()],
            severities: RULES.iter().map(|rule| rule.severity).collect(),
            min_severity: selection.min_severity.unwrap_or(Severity::Info),
            incidents: 0,
        }
    }

    /// Whether any rule is on.
    pub(super) fn any_enabled(&self) -> bool {
        self.on.contains(&true)
    }

    /// How many incidents each rule found; those that found none are left out.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        RULES.iter().zip(&self.counts).filter(|(_, n)| **n > 0).map(|(rule, n)| (rule.id, *n))
    }

    /// With which severity each rule fired, the highest; those that did not are left out.
    pub(super) fn severities(&self) -> impl Iterator<Item = (&'static str, Severity)> {
        let fired = RULES.iter().zip(&self.severities).zip(&self.counts).filter(|(_, n)| **n > 0);
        fired.map(|((rule, severity), _)| (rule.id, *severity))
    }

    /// Reports `finding` of `rule`, if that is on. The number of the incident: a new one, unless it goes on with one.
    /// Cold: what makes findings lies apart from what looks at every connection, and stays out of the instruction
    /// cache.
    #[cold]
    #[inline(never)]
    pub(super) fn report(
        &mut self,
        rule: &'static Rule,
        at: Timestamp,
        ends: (Option<Whom>, Option<Whom>),
        finding: Finding,
        out: Report<'_>,
    ) -> u64 {
        let index = RULES.iter().position(|other| other.id == rule.id).unwrap_or(RULES.len());
        if self.on.get(index) != Some(&true) {
            return 0;
        }
        let severity = finding.severity.unwrap_or(rule.severity);
        if severity < self.min_severity {
            return 0;
        }
        let known = finding.incident.filter(|incident| incident.id > 0);
        let incident = known.unwrap_or_else(|| {
            self.incidents += 1;
            // What it goes on with may have been too light to be reported.
            let is_over = finding.incident.is_some_and(|incident| incident.phase == Phase::Final);
            IncidentReport { id: self.incidents, phase: if is_over { Phase::Final } else { Phase::New } }
        });
        if let (Some(count), Some(worst)) = (self.counts.get_mut(index), self.severities.get_mut(index)) {
            *worst = if *count == 0 { severity } else { severity.max(*worst) };
            *count += u64::from(known.is_none());
        }
        out(&Anomaly {
            incident: Some(incident),
            source: ends.0,
            destination: ends.1,
            ..finding.into_anomaly(rule, severity, at)
        });
        incident.id
    }
}
