//! What a rule is: when it is asked, what it is shown, what it answers.

use super::anomaly::{Anomaly, Figure, IncidentReport, Phase, Scope, Severity};
use crate::flow::{Facts, Flow, Side};
use crate::tcp::Segment;
use crate::time::Timestamp;

/// How many frames of evidence a flow keeps of one rule.
pub(super) const MAX_FRAMES: usize = 8;

/// A rule: what it looks for, how bad that is, and what it means for a person.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, for ever.
    pub id: &'static str,
    /// Severity it is reported with, unless the detector says otherwise.
    pub severity: Severity,
    /// What it is about.
    pub scope: Scope,
    /// The condition in a sentence.
    pub summary: &'static str,
    /// What it means and what to do next: a paragraph.
    pub description: &'static str,
    /// RFC section, paper, or "measured".
    pub reference: &'static str,
    /// When it is asked.
    pub when: When,
    /// Whether it fires.
    pub check: fn(&RuleContext<'_>) -> Option<Finding>,
}

/// When a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At each segment with one of these facts.
    Facts(Facts),
    /// When an opening verdict is reached (again, if it is revised), and at the end.
    Opened,
    /// When nothing came that was awaited, and at the end.
    Quiet,
    /// The same; at the end again, where it fired with less than its severity.
    QuietThenEnd,
    /// When the flow has ended in any way that is not wholly ordinary.
    Ended,
    /// When the flow has ended, however ordinary it was.
    EveryEnd,
    /// At the end of the run, of the capture's health; `check` is not asked.
    Captured,
    /// Never of one flow: [`crate::detect::host`] decides.
    Host,
}

/// What a rule is shown.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'a> {
    /// The flow, as it is now.
    pub flow: &'a Flow,
    /// The segment, where one is the occasion.
    pub segment: Option<&'a Segment>,
    /// Who sent it; the client where there is none.
    pub from: Side,
    /// What was noticed about it.
    pub facts: Facts,
    /// When.
    pub time: Timestamp,
    /// Whether the flow has ended, or observation of it has.
    pub ended: bool,
    /// Time since the first flow of the capture began, nanoseconds.
    pub age: i64,
    /// Whether nobody reads sentences, figures and frames: a rule that fires on ordinary flows may leave them out.
    pub terse: bool,
    /// When the capture had nothing at all for minutes, the last times: from when to when.
    pub pauses: &'a [(Timestamp, Timestamp)],
}

impl RuleContext<'_> {
    /// Whether the capture lacks parts of this flow: no SYN or SYN-ACK, or octets that were acknowledged and not seen
    ///. The segment at hand is not counted.
    pub fn is_doubtful(&self) -> bool {
        let flow = self.flow;
        let holes = flow.quality.holes.saturating_sub(u32::from(self.facts.intersects(Facts::HOLE)));
        holes > 0 || flow.client.isn.is_none() || flow.server.isn.is_none()
    }

    /// How long it has been since `earlier`, nanoseconds, without the time in which the capture stood still.
    pub fn watched_since(&self, earlier: Timestamp) -> i64 {
        let unseen = self.pauses.iter().map(|(from, to)| (*to.min(&self.time) - *from.max(&earlier)).max(0));
        (self.time - earlier).saturating_sub(unseen.sum())
    }

    /// What `words` say, or nothing but that there is something to say, where nobody reads more.
    pub fn finding(&self, words: impl FnOnce() -> Finding) -> Finding {
        if self.terse { Finding::default() } else { words() }
    }

    /// `severity`, lowered where the capture is to be doubted.
    pub fn lower_if_partial(&self, severity: Severity) -> Severity {
        if self.is_doubtful() { severity.lowered() } else { severity }
    }
}

/// What a rule found.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// One sentence with the figures.
    pub reason: String,
    /// The figures.
    pub figures: Vec<(&'static str, Figure)>,
    /// Frames that prove it; the segment's own where empty.
    pub frames: Vec<u64>,
    /// Another severity than the rule's.
    pub severity: Option<Severity>,
    /// The incident that it goes on with, where it begins none.
    pub incident: Option<IncidentReport>,
}

impl Finding {
    /// A finding with this sentence. Cold: most segments find nothing, and what they do is better kept together.
    #[cold]
    #[inline(never)]
    pub fn new(reason: String) -> Self {
        Self { reason, ..Self::default() }
    }

    /// With a figure.
    #[must_use]
    pub fn figure(mut self, name: &'static str, value: impl Into<Figure>) -> Self {
        self.figures.push((name, value.into()));
        self
    }

    /// With frames.
    #[must_use]
    pub fn frames(mut self, frames: impl IntoIterator<Item = u64>) -> Self {
        self.frames.extend(frames.into_iter().take(MAX_FRAMES));
        self
    }

    /// Of an incident that was reported before, which now is in this phase.
    #[must_use]
    pub const fn of(mut self, incident: u64, phase: Phase) -> Self {
        self.incident = Some(IncidentReport { id: incident, phase });
        self
    }

    /// The anomaly that `rule` reports with it, about nothing in particular yet.
    pub(in crate::detect) fn into_anomaly(self, rule: &Rule, severity: Severity, time: Timestamp) -> Anomaly {
        Anomaly {
            id: rule.id,
            reference: rule.reference,
            severity,
            scope: rule.scope,
            time,
            reason: self.reason,
            incident: self.incident,
            flow_id: None,
            source: None,
            destination: None,
            frames: self.frames,
            figures: self.figures,
        }
    }

    /// With another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

impl From<i64> for Figure {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}

impl From<u32> for Figure {
    fn from(n: u32) -> Self {
        Self::Integer(i64::from(n))
    }
}

impl From<f64> for Figure {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

impl From<String> for Figure {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Figure {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
