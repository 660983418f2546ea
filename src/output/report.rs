//! What formats share that are written as a whole when the run is over: pictures, pages and reports.

use std::collections::BTreeMap;

use super::explain::{Words, terms};
use super::{Locale, Out, Settings, Writer};
use crate::detect::{Anomaly, Severity};
use crate::engine::{Event, Interest, Sink, Totals};
use crate::flow::{Closing, Flow, Opening};

/// What a format makes of a run.
pub(super) trait Report {
    /// A flow is over.
    fn flow(&mut self, flow: &Flow);

    /// Something was found.
    fn anomaly(&mut self, _anomaly: &Anomaly) {}

    /// Everything, now that the run is over.
    fn page(&mut self, totals: &Totals) -> String;
}

/// A format that writes its report at the end.
pub(super) struct AtEnd<R> {
    out: Out,
    report: R,
    /// The flows that a filter let through, where there is one.
    shown: Option<MatchCounts>,
}

/// Flows that a filter let through, by verdict.
#[derive(Default)]
struct MatchCounts {
    by_opening: [u64; Opening::ALL.len()],
    by_closing: [u64; Closing::ALL.len()],
}

impl MatchCounts {
    fn add(&mut self, flow: &Flow) {
        self.by_opening[flow.opening() as usize] += 1;
        self.by_closing[flow.closing() as usize] += 1;
    }
}

impl<R: Report> AtEnd<R> {
    pub(super) fn new(out: Out, report: R, settings: &Settings) -> Self {
        Self { out, report, shown: settings.flows_where.is_some().then(MatchCounts::default) }
    }

    /// The page, with verdicts counted over the flows shown.
    fn page(&mut self, totals: &Totals) -> String {
        match &self.shown {
            None => self.report.page(totals),
            Some(MatchCounts { by_opening, by_closing }) => {
                let shown = Totals { by_opening: *by_opening, by_closing: *by_closing, ..totals.clone() };
                self.report.page(&shown)
            }
        }
    }
}

impl<R: Report> Sink for AtEnd<R> {
    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::FlowEnd { flow, .. } => {
                self.report.flow(flow);
                if let Some(shown) = &mut self.shown {
                    shown.add(flow);
                }
            }
            Event::Anomaly { anomaly, .. } => self.report.anomaly(anomaly),
            Event::SessionEnd { totals } => {
                let page = self.page(totals);
                self.out.buffer.extend_from_slice(page.as_bytes());
                self.out.end_line();
            }
            _ => {}
        }
    }

    fn wants(&self) -> Interest {
        Interest::ENDS.union(Interest::ANOMALIES).union(Interest::INFOS)
    }
}

impl<R: Report> Writer for AtEnd<R> {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

/// How often an anomaly was found, and in which flow first.
pub(super) struct Found {
    pub(super) severity: Severity,
    pub(super) count: u64,
    pub(super) flow: Option<u64>,
}

/// Anomalies by id.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<&'static str, Found>);

impl Findings {
    pub(super) fn add(&mut self, anomaly: &Anomaly) {
        let found =
            self.0.entry(anomaly.id).or_insert(Found { severity: anomaly.severity, count: 0, flow: anomaly.flow_id });
        found.severity = found.severity.max(anomaly.severity);
        found.count += 1;
        found.flow = found.flow.or(anomaly.flow_id);
    }

    /// The worst first.
    pub(super) fn worst_first(&self) -> Vec<(&'static str, &Found)> {
        let mut order: Vec<_> = self.0.iter().map(|(id, found)| (*id, found)).collect();
        order.sort_by_key(|(id, found)| (core::cmp::Reverse(found.severity), *id));
        order
    }
}

/// A verdict, what it means in a few words, and how many flows had it.
pub(super) type NamedCount = (&'static str, Words, u64);

/// How many flows opened how; what did not happen is left out.
pub(super) fn openings(totals: &Totals) -> Vec<NamedCount> {
    let counts = Opening::ALL.iter().zip(totals.by_opening);
    counts.map(|(verdict, n)| (verdict.name(), terms::opening(*verdict), n)).filter(|(.., n)| *n > 0).collect()
}

/// How many flows closed how; what did not happen is left out.
pub(super) fn closings(totals: &Totals) -> Vec<NamedCount> {
    let counts = Closing::ALL.iter().zip(totals.by_closing);
    counts.map(|(verdict, n)| (verdict.name(), terms::closing(*verdict), n)).filter(|(.., n)| *n > 0).collect()
}

/// That only flows of a filter are shown, and how many they are; the filter follows.
pub(super) fn filtered(settings: &Settings, shown: u64) -> Option<(String, &str)> {
    let filter = settings.flows_where.as_deref()?;
    let words = match settings.locale {
        Locale::En => format!("Shown are the {shown} flows that match"),
        Locale::Ko => format!("다음 조건에 맞는 연결 {shown}개만 보입니다:"),
    };
    Some((words, filter))
}
