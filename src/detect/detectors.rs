//! The dispatch from facts to the rules that are on.

use super::anomaly::{Anomaly, Severity};
use super::capture::{self, Health, Routes};
use super::causes::{self, Effect};
use super::flow::opening::MISSING_ACK;
use super::host::Condition;
use super::ordinary;
use super::rule::{Finding, MAX_FRAMES, Rule, RuleContext, When};
use super::selection::{Selection, UnknownRule};
use crate::flow::{Counters, Facts, Flow, Mark, Notice, Side};
use crate::suggest;
use crate::tcp::Segment;
use crate::time::Timestamp;

/// How many pauses of the capture are remembered.
const MAX_PAUSES: usize = 16;

/// The rules that are on, filed by what they are interested in.
#[derive(Debug)]
pub struct Detectors {
    /// Every rule of the registry, with whether it is on.
    rules: Vec<&'static Rule>,
    by_fact: [Vec<u16>; 64],
    /// The facts that each rule is interested in, by its index.
    masks: Vec<u64>,
    opened: Vec<u16>,
    quiet: Vec<u16>,
    /// Those of them that are asked again at the end.
    growing: Vec<u16>,
    ended: Vec<u16>,
    every_end: Vec<u16>,
    /// Those of all the above that have something to say of a mere attempt.
    of_attempts: Vec<u16>,
    captured: Vec<u16>,
    /// Rules that mean nothing in an asymmetric capture.
    withheld: Vec<u16>,
    /// Rules that mean nothing in a capture of SYN, FIN and RST alone.
    withheld_if_filtered: Vec<u16>,
    health: Health,
    /// Servers whose connections were seen in one direction only.
    routes: Routes,
    began: Option<Timestamp>,
    interest: Facts,
    min_severity: Severity,
    counts: Vec<u64>,
    /// By rule: the severity with which it last fired.
    severities: Vec<Severity>,
    /// Whether anomalies are reported, not only counted.
    report_from: Option<Severity>,
    thorough: bool,
    terse: bool,
    pauses: Vec<(Timestamp, Timestamp)>,
}

impl Detectors {
    /// The selected rules.
    ///
    /// # Errors
    ///
    /// An id that no rule has.
    pub fn new(selection: &Selection) -> Result<Self, UnknownRule> {
        for id in selection.enable.iter().chain(&selection.disable) {
            if !selection.rules().any(|rule| rule.id == id) {
                let nearest = suggest::nearest(id, selection.rules().map(|rule| rule.id));
                return Err(UnknownRule { id: id.clone(), nearest });
            }
        }
        let rules: Vec<&'static Rule> = selection.rules().collect();
        let mut detectors = Self {
            by_fact: [const { Vec::new() }; 64],
            masks: vec![0; rules.len()],
            opened: Vec::new(),
            quiet: Vec::new(),
            growing: Vec::new(),
            ended: Vec::new(),
            every_end: Vec::new(),
            of_attempts: Vec::new(),
            captured: Vec::new(),
            withheld: Vec::new(),
            withheld_if_filtered: Vec::new(),
            health: Health::default(),
            routes: Routes::default(),
            began: None,
            interest: Facts::empty(),
            min_severity: selection.min_severity.unwrap_or(Severity::Info),
            counts: vec![0; rules.len()],
            severities: rules.iter().map(|rule| rule.severity).collect(),
            report_from: Some(Severity::Info),
            // What is ordinary to the rules of the registry may not be to others.
            thorough: !selection.more.is_empty(),
            pauses: Vec::new(),
            terse: false,
            rules,
        };
        for (index, rule) in detectors.rules.clone().into_iter().enumerate() {
            if capture::MEANINGLESS_IF_ASYMMETRIC.contains(&rule.id) {
                detectors.withheld.push(index as u16);
            }
            if capture::MEANINGLESS_IF_FILTERED.contains(&rule.id) {
                detectors.withheld_if_filtered.push(index as u16);
            }
            if selection.has(rule.id) {
                detectors.file(index as u16, rule.when);
                if ordinary::OF_ATTEMPTS.contains(&rule.id) {
                    detectors.of_attempts.push(index as u16);
                }
            }
        }
        Ok(detectors)
    }

    /// With `thorough`, rules are asked about ordinary moments too: slower, and the same otherwise. With `terse`,
    /// nobody reads sentences and figures.
    #[must_use]
    pub const fn with_mode(mut self, thorough: bool, terse: bool) -> Self {
        (self.thorough, self.terse) = (self.thorough || thorough, terse);
        self
    }

    /// How often each rule fired, in order of the registry; those that did not are left out.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.rules.iter().zip(&self.counts).filter(|(_, n)| **n > 0).map(|(rule, n)| (rule.id, *n)).collect()
    }

    /// With which severity each rule fired, the highest; those that did not are left out.
    pub fn severities(&self) -> Vec<(&'static str, Severity)> {
        let fired = self.rules.iter().zip(&self.severities).zip(&self.counts).filter(|(_, n)| **n > 0);
        fired.map(|((rule, severity), _)| (rule.id, *severity)).collect()
    }

    /// Reports anomalies of flows of at least this severity; others, and with `None` all, are only counted and noted on
    /// their flow.
    pub const fn set_reporting(&mut self, least: Option<Severity>) {
        self.report_from = least;
    }

    /// Id of the rule with this index.
    pub fn id(&self, index: u16) -> &'static str {
        self.rules.get(usize::from(index)).map_or("", |rule| rule.id)
    }

    /// Shows a notice about `flow` to the rules; `report` takes new findings.
    pub fn notice(
        &mut self,
        flow: &mut Flow,
        time: Timestamp,
        notice: &Notice<'_>,
        report: &mut dyn FnMut(Anomaly, &Flow),
    ) {
        match notice {
            Notice::Segment { segment, from, facts, .. } => {
                self.health.look_at(*facts);
                if facts.intersects(Facts::FIN) && *from == Side::Client {
                    self.health.look_for_acks(flow, flow.client.fin_count == 1);
                }
                if facts.intersects(self.interest) {
                    let about =
                        if self.thorough { *facts } else { ordinary::worth_asking(flow, segment.0, *from, *facts) };
                    let sighted = Occasion { segment: Some(segment.0), from: *from, facts: *facts, time, ended: false };
                    self.on_facts(flow, about, &sighted, report);
                }
            }
            Notice::Opened => {
                self.health.look_for_acks(flow, false);
                self.health.look_for_handshake(flow);
                self.health.look_at_third_step(flow);
                if !self.thorough && ordinary::attempt(flow) {
                    self.ask_each(|all| &all.of_attempts, flow, time, false, report);
                } else if self.thorough || !ordinary::opening(flow) {
                    self.ask_each(|all| &all.opened, flow, time, false, report);
                }
            }
            Notice::Quiet => self.ask_each(|all| &all.quiet, flow, time, false, report),
            Notice::Ended => {
                self.take_off_overtaken(flow);
                self.health.look_for_acks(flow, flow.teardown.reset.is_some() && flow.client.fin.is_none());
                self.health.flow_ended(flow, time);
                self.routes.flow_ended(flow, time, &mut self.health);
                if !self.thorough && ordinary::attempt(flow) {
                    self.ask_each(|all| &all.of_attempts, flow, time, true, report);
                    return;
                }
                if self.thorough || !ordinary::end(flow) {
                    self.ask_each(|all| &all.opened, flow, time, true, report);
                    self.ask_each(|all| &all.quiet, flow, time, true, report);
                    self.ask_growing(flow, time, report);
                    self.ask_each(|all| &all.ended, flow, time, true, report);
                }
                self.ask_each(|all| &all.every_end, flow, time, true, report);
            }
            Notice::Began => {
                self.began.get_or_insert(time);
            }
            Notice::Quoted { .. } | Notice::Closing { .. } => {}
        }
    }

    /// Takes a SYN at `time` with which a flow begins that is [ordinary](ordinary::first_syn), if rules need not be
    /// asked about what is; whether it did.
    #[inline]
    pub fn take_syn(&mut self, time: Timestamp) -> bool {
        if !self.thorough {
            self.began.get_or_insert(time);
        }
        !self.thorough
    }

    fn file(&mut self, index: u16, when: When) {
        match when {
            When::Facts(facts) => {
                self.interest |= facts;
                self.masks[usize::from(index)] = facts.bits();
                for (bit, rules) in self.by_fact.iter_mut().enumerate() {
                    if facts.bits() >> bit & 1 == 1 {
                        rules.push(index);
                    }
                }
            }
            When::Opened => self.opened.push(index),
            When::Quiet => self.quiet.push(index),
            When::QuietThenEnd => {
                self.quiet.push(index);
                self.growing.push(index);
            }
            When::Captured => self.captured.push(index),
            When::Ended => self.ended.push(index),
            When::EveryEnd => self.every_end.push(index),
            When::Host => {}
        }
    }

    fn on_facts(
        &mut self,
        flow: &mut Flow,
        about: Facts,
        occasion: &Occasion<'_>,
        report: &mut dyn FnMut(Anomaly, &Flow),
    ) {
        let mut left = about.bits() & self.interest.bits();
        while left != 0 {
            let bit = left.trailing_zeros();
            left &= left - 1;
            for n in 0..self.by_fact[bit as usize].len() {
                let index = self.by_fact[bit as usize][n];
                // A rule that is filed under several of the facts is asked at the first.
                let first = self
                    .masks
                    .get(usize::from(index))
                    .is_some_and(|mask| (mask & about.bits()).trailing_zeros() == bit);
                if first {
                    self.ask(index, flow, occasion, report);
                }
            }
        }
    }

    /// Asks each of some rules, but those that have fired.
    fn ask_each(
        &mut self,
        which: fn(&Self) -> &[u16],
        flow: &mut Flow,
        time: Timestamp,
        ended: bool,
        report: &mut dyn FnMut(Anomaly, &Flow),
    ) {
        let occasion = Occasion { segment: None, from: Side::Client, facts: Facts::empty(), time, ended };
        for n in 0.. {
            let Some(index) = which(self).get(n).copied() else { return };
            if !self.has_fired(index, flow) {
                self.ask(index, flow, &occasion, report);
            }
        }
    }

    fn has_fired(&self, index: u16, flow: &Flow) -> bool {
        let rule = self.rules.get(usize::from(index));
        rule.is_some_and(|rule| flow.marks.iter().any(|mark| mark.rule == rule.id))
    }

    /// Asks those rules again at the end that fired while it was still open whether it would end so.
    fn ask_growing(&mut self, flow: &mut Flow, time: Timestamp, report: &mut dyn FnMut(Anomaly, &Flow)) {
        let occasion = Occasion { segment: None, from: Side::Client, facts: Facts::empty(), time, ended: true };
        for n in 0..self.growing.len() {
            let index = self.growing[n];
            let Some(rule) = self.rules.get(usize::from(index)) else { continue };
            if flow.marks.iter().any(|mark| mark.rule == rule.id && mark.severity < rule.severity) {
                self.ask(index, flow, &occasion, report);
            }
        }
    }

    /// What the capture lacks, as far as is known by now.
    pub fn condition(&self) -> Condition {
        let h = &self.health;
        Condition {
            third_steps: h.has_acks || h.awaited,
            filtered: h.is_filtered(),
            asymmetric: h.asymmetric.is_some(),
        }
    }

    /// The capture had nothing at all between these times.
    pub fn paused(&mut self, from: Timestamp, to: Timestamp) {
        if self.pauses.len() == MAX_PAUSES {
            self.pauses.remove(0);
        }
        self.pauses.push((from, to));
    }

    /// Health of the capture so far.
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Takes what the run counted, before [`Self::finish`].
    pub fn take_counters(&mut self, counters: &Counters, segments: u64) {
        self.health.take_counters(counters, segments);
    }

    /// Takes how many packets were dropped while capturing, before [`Self::finish`].
    pub const fn take_drops(&mut self, drops: u64) {
        self.health.drops = drops;
    }

    /// The run ends: reports on the capture.
    pub fn finish(&mut self, time: Timestamp, report: &mut dyn FnMut(&Anomaly)) {
        let findings = capture::findings(&self.health);
        for (rule, finding) in capture::RULES.iter().zip(findings) {
            let Some(index) = self.captured.iter().copied().find(|index| self.id(*index) == rule.id) else { continue };
            let Some(finding) = finding else { continue };
            let severity = finding.severity.unwrap_or(rule.severity);
            if severity < self.min_severity {
                continue;
            }
            self.count(index, severity);
            report(&finding.into_anomaly(rule, severity, time));
        }
    }

    fn count(&mut self, index: u16, severity: Severity) {
        let index = usize::from(index);
        if let (Some(count), Some(worst)) = (self.counts.get_mut(index), self.severities.get_mut(index)) {
            *worst = if *count == 0 { severity } else { severity.max(*worst) };
            *count += 1;
        }
    }

    /// Whether a third step is to be missed only when the flow ends, or not at all: the server has not repeated its
    /// SYN-ACK as one that waits does, and the capture has shown no pure acknowledgment at all, or none of late, so
    /// that a filter may have left it out.
    fn waits(&self, index: u16, flow: &Flow, o: &Occasion<'_>) -> bool {
        let single = flow.server.synack_count == 1;
        let unsure = single && ((!self.health.has_acks && !o.ended) || self.health.lacks_bare_third_steps());
        unsure && self.rules.get(usize::from(index)).is_some_and(|rule| rule.id == MISSING_ACK)
    }

    fn ask(&mut self, index: u16, flow: &mut Flow, o: &Occasion<'_>, report: &mut dyn FnMut(Anomaly, &Flow)) {
        let Some(rule) = self.rules.get(usize::from(index)).copied() else { return };
        let withheld = (self.health.asymmetric.is_some() && self.withheld.contains(&index))
            || (self.health.withholds_silence() && self.withheld_if_filtered.contains(&index));
        if withheld || self.waits(index, flow, o) {
            return;
        }
        let age = self.began.map_or(0, |began| o.time - began);
        let context = RuleContext {
            flow,
            segment: o.segment,
            from: o.from,
            facts: o.facts,
            time: o.time,
            ended: o.ended,
            age,
            terse: self.terse,
            pauses: &self.pauses,
        };
        let Some(mut finding) = (rule.check)(&context) else { return };
        let severity = match causes::effect_on(rule.id, flow) {
            Some(Effect::Silence) => return,
            Some(Effect::Detail) => Severity::Info,
            None => finding.severity.unwrap_or(rule.severity),
        };
        if severity < self.min_severity {
            return;
        }
        let own = [o.segment.map_or(flow.last_frame, |s| s.frame)];
        if !note(flow, rule.id, severity, if finding.frames.is_empty() { &own } else { &finding.frames }) {
            return;
        }
        self.count(index, severity);
        self.explain(rule.id, flow);
        if self.report_from.is_none_or(|least| severity < least) {
            return;
        }
        if finding.frames.is_empty() && !self.terse {
            finding.frames.extend(own);
        }
        report(anomaly(rule, severity, finding, flow, o.time), flow);
    }
}

impl Detectors {
    /// The rule with this id fired on `flow`: what it explains is no longer an anomaly of its own.
    fn explain(&mut self, cause: &str, flow: &mut Flow) {
        for (symptom, effect) in causes::symptoms_of(cause) {
            match effect {
                Effect::Silence => self.take_off(flow, symptom),
                Effect::Detail => {
                    let marks = flow.marks.iter_mut().filter(|mark| mark.rule == *symptom);
                    marks.for_each(|mark| mark.severity = Severity::Info);
                }
            }
        }
    }

    /// Takes off `flow`, which has ended, what does not hold any longer.
    fn take_off_overtaken(&mut self, flow: &mut Flow) {
        for n in (0..flow.marks.len()).rev() {
            let Some(rule) = flow.marks.get(n).map(|mark| mark.rule) else { continue };
            if causes::is_overtaken(rule, flow) {
                self.take_off(flow, rule);
            }
        }
    }

    /// Takes the anomaly of the rule with this id off `flow`, and out of the counts.
    fn take_off(&mut self, flow: &mut Flow, id: &str) {
        let before = flow.marks.len();
        flow.marks.retain(|mark| mark.rule != id);
        if flow.marks.len() == before {
            return;
        }
        let mut counts = self.rules.iter().zip(&mut self.counts);
        if let Some((_, count)) = counts.find(|(rule, _)| rule.id == id) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The occasion of a [`RuleContext`], without the flow.
struct Occasion<'a> {
    segment: Option<&'a Segment>,
    from: Side,
    facts: Facts,
    time: Timestamp,
    ended: bool,
}

/// Marks the flow; whether the rule had not fired on it before, or now fires with a higher severity.
fn note(flow: &mut Flow, rule: &'static str, severity: Severity, frames: &[u64]) -> bool {
    let Some(mark) = flow.marks.iter_mut().find(|mark| mark.rule == rule) else {
        let frames = frames.iter().copied().take(MAX_FRAMES).collect();
        flow.marks.push(Mark { rule, severity, count: 1, frames });
        return true;
    };
    mark.count = mark.count.saturating_add(1);
    for frame in frames {
        if mark.frames.len() < MAX_FRAMES && !mark.frames.contains(frame) {
            mark.frames.push(*frame);
        }
    }
    let worse = severity > mark.severity;
    mark.severity = mark.severity.max(severity);
    worse
}

fn anomaly(rule: &'static Rule, severity: Severity, finding: Finding, flow: &Flow, time: Timestamp) -> Anomaly {
    let end = |side| {
        let endpoint = flow.peer(side).endpoint;
        Some((endpoint.ip, Some(endpoint.port)))
    };
    Anomaly {
        flow_id: Some(flow.id),
        source: end(Side::Client),
        destination: end(Side::Server),
        ..finding.into_anomaly(rule, severity, time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_names_the_nearest() {
        let selection = Selection { enable: vec!["syn-unaswered".into()], ..Selection::default() };
        let error = Detectors::new(&selection).unwrap_err();
        assert_eq!(error.nearest, Some("syn-unanswered"));
    }
}
