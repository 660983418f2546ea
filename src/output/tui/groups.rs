//! Anomalies with their repeats folded: one entry an incident, or a rule and the two hosts it is about.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::detect::anomaly::Phase;
use crate::detect::{Anomaly, Scope, Severity};
use crate::time::Timestamp;

/// Entries kept of severity `note` and above, and as many of severity `info`.
const MAX_GROUPS: usize = 4_000;

/// What makes anomalies repeats of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EventKey {
    /// Reports of an incident: its rule and number.
    Incident(&'static str, u64),
    /// A rule about connections between two hosts, or about the capture.
    Between(&'static str, Option<IpAddr>, Option<IpAddr>),
    /// A rule about one connection whose ends are not known.
    Flow(&'static str, u64),
}

impl EventKey {
    /// That of an anomaly.
    pub(super) fn of(anomaly: &Anomaly) -> Self {
        let ip = |end: Option<(IpAddr, Option<u16>)>| end.map(|(ip, _)| ip);
        match (anomaly.incident, anomaly.flow_id) {
            (Some(incident), _) => Self::Incident(anomaly.id, incident.id),
            (None, Some(flow)) if anomaly.source.is_none() && anomaly.destination.is_none() => {
                Self::Flow(anomaly.id, flow)
            }
            _ => Self::Between(anomaly.id, ip(anomaly.source), ip(anomaly.destination)),
        }
    }
}

/// An entry of the list: what it folds, and where it is unfolded the number of the anomaly.
pub(super) type EventId = (EventKey, Option<u64>);

/// What was found about a host.
#[derive(Clone, Debug)]
pub(super) struct RoleFinding {
    pub(super) key: EventKey,
    /// The latest report.
    pub(super) anomaly: Arc<Anomaly>,
    /// The worst of all reports.
    pub(super) severity: Severity,
    /// Time of the first report.
    pub(super) first: Timestamp,
    /// Whether it was done to the host rather than by it.
    pub(super) is_victim: bool,
}

/// Whether an anomaly is the technique or tool of another one.
pub(super) fn says_how(anomaly: &Anomaly) -> bool {
    anomaly.id.starts_with("tech-") || anomaly.id.starts_with("fp-")
}

/// Anomalies that are repeats of each other.
#[derive(Clone, Debug)]
pub(super) struct EventGroup {
    pub(super) key: EventKey,
    /// The latest.
    pub(super) anomaly: Arc<Anomaly>,
    /// How many; reports of an incident are one.
    pub(super) count: u64,
    /// The worst.
    pub(super) severity: Severity,
    /// Time of the first.
    pub(super) first: Timestamp,
    pub(super) acknowledged: bool,
}

impl EventGroup {
    /// One anomaly.
    pub(super) fn of(anomaly: &Arc<Anomaly>) -> Self {
        let (first, severity) = (anomaly.time, anomaly.severity);
        let key = EventKey::of(anomaly);
        Self { key, anomaly: Arc::clone(anomaly), count: 1, severity, first, acknowledged: false }
    }

    /// Whether it is worth a look that nobody has taken.
    fn is_open(&self) -> bool {
        !self.acknowledged && self.severity >= Severity::Note
    }

    /// Whether it is to be seen in every view: a warning about hosts or the capture, an alert of any kind.
    fn is_pinned(&self) -> bool {
        let least = if self.anomaly.scope == Scope::Flow { Severity::Alert } else { Severity::Warn };
        !self.acknowledged && self.severity >= least
    }

    /// Whether it says no more than by which means something was done that has an entry of its own.
    pub(super) fn says_how(&self) -> bool {
        says_how(&self.anomaly)
    }

    /// Whether it is an incident that is not over.
    pub(super) fn goes_on(&self) -> bool {
        self.anomaly.incident.is_some_and(|incident| incident.phase != Phase::Final)
    }

    /// Takes in a repeat.
    pub(super) fn add(&mut self, anomaly: &Arc<Anomaly>) {
        self.count += u64::from(!matches!(self.key, EventKey::Incident(..)));
        if anomaly.severity > self.severity {
            // Who has seen the lighter one has not seen this.
            self.acknowledged = false;
            self.severity = anomaly.severity;
        }
        self.first = self.first.min(anomaly.time);
        self.anomaly = Arc::clone(anomaly);
    }
}

/// Entries in the order of their latest anomalies.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    turns: HashMap<EventKey, u64>,
    /// Of severity `info`, and above: many connections that close well must not push out one that does not open.
    infos: BTreeMap<u64, EventGroup>,
    others: BTreeMap<u64, EventGroup>,
    turn: u64,
    open: usize,
}

impl Groups {
    /// Takes in an anomaly.
    pub(super) fn add(&mut self, anomaly: &Arc<Anomaly>) {
        let key = EventKey::of(anomaly);
        self.turn += 1;
        let known = self.turns.insert(key, self.turn);
        let known = known.and_then(|turn| self.infos.remove(&turn).or_else(|| self.others.remove(&turn)));
        self.open -= usize::from(known.as_ref().is_some_and(EventGroup::is_open));
        let group = match known {
            Some(mut group) => {
                group.add(anomaly);
                group
            }
            None => EventGroup::of(anomaly),
        };
        self.open += usize::from(group.is_open());
        let list = if group.severity == Severity::Info { &mut self.infos } else { &mut self.others };
        list.insert(self.turn, group);
        if list.len() > MAX_GROUPS
            && let Some((_, oldest)) = list.pop_first()
        {
            self.open -= usize::from(oldest.is_open());
            self.turns.remove(&oldest.key);
        }
    }

    /// Those of at least this severity, newest first.
    pub(super) fn newest(&self, least: Severity) -> impl Iterator<Item = &EventGroup> {
        let mut infos = self.infos.iter().rev().peekable();
        let mut others = self.others.iter().rev().peekable();
        core::iter::from_fn(move || {
            let info_is_next = least == Severity::Info
                && infos.peek().is_some_and(|(turn, _)| others.peek().is_none_or(|(other, _)| turn > other));
            if info_is_next { infos.next() } else { others.next() }.map(|(_, group)| group)
        })
        .filter(move |group| group.severity >= least)
    }

    /// The entry with this key.
    pub(super) fn get(&self, key: EventKey) -> Option<&EventGroup> {
        let turn = self.turns.get(&key)?;
        self.others.get(turn).or_else(|| self.infos.get(turn))
    }

    /// How many of severity `note` and above nobody has acknowledged.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The worst one that is to be seen in every view, and how many more there are: those that go on first, then the
    /// latest.
    pub(super) fn pinned(&self) -> Option<(&EventGroup, usize)> {
        let pinned = || self.others.iter().filter(|(_, group)| group.is_pinned());
        let worst =
            pinned().max_by_key(|(turn, group)| (group.severity, !group.says_how(), group.goes_on(), **turn))?;
        Some((worst.1, pinned().count() - 1))
    }

    /// Acknowledges one, or takes that back.
    pub(super) fn acknowledge(&mut self, key: EventKey) {
        let Some(turn) = self.turns.get(&key) else { return };
        let group = self.others.get_mut(turn).or_else(|| self.infos.get_mut(turn));
        if let Some(group) = group {
            self.open -= usize::from(group.is_open());
            group.acknowledged = !group.acknowledged;
            self.open += usize::from(group.is_open());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anomaly(id: &'static str, severity: Severity, from: u8, time: i64) -> Arc<Anomaly> {
        Arc::new(Anomaly {
            id,
            reference: "RFC 9293",
            severity,
            scope: Scope::Flow,
            time: Timestamp(time),
            reason: String::new(),
            incident: None,
            flow_id: Some(time.unsigned_abs()),
            source: Some((IpAddr::from([192, 0, 2, from]), Some(1))),
            destination: Some((IpAddr::from([198, 51, 100, 1]), Some(2))),
            frames: Vec::new(),
            figures: Vec::new(),
        })
    }

    #[test]
    fn repeats_fold_come_to_the_front_and_stay_acknowledged_until_they_get_worse() {
        let mut groups = Groups::default();
        for n in 0..300 {
            groups.add(&anomaly("conn-refused", Severity::Note, 1, n));
        }
        groups.add(&anomaly("close-normal", Severity::Info, 1, 300));
        groups.add(&anomaly("conn-refused", Severity::Note, 2, 301));
        groups.add(&anomaly("conn-refused", Severity::Note, 1, 302));
        let seen: Vec<_> = groups.newest(Severity::Note).map(|g| (g.anomaly.time.0, g.count, g.first.0)).collect();
        assert_eq!((seen, groups.open()), (vec![(302, 301, 0), (301, 1, 301)], 2));
        assert_eq!(groups.newest(Severity::Info).count(), 3);
        let key = groups.newest(Severity::Note).next().map(|group| group.key).unwrap();
        groups.acknowledge(key);
        groups.add(&anomaly("conn-refused", Severity::Note, 1, 303));
        assert_eq!((groups.open(), groups.pinned().is_none()), (1, true));
        groups.add(&anomaly("conn-refused", Severity::Alert, 1, 304));
        assert_eq!((groups.open(), groups.pinned().map(|(group, more)| (group.count, more))), (2, Some((303, 0))));
    }

    #[test]
    fn infos_do_not_push_out_others_and_all_are_bounded() {
        let mut groups = Groups::default();
        groups.add(&anomaly("conn-refused", Severity::Note, 1, 0));
        for n in 0..MAX_GROUPS as i64 * 2 {
            let mut info = (*anomaly("close-normal", Severity::Info, 0, n)).clone();
            (info.source, info.destination) = (None, None);
            groups.add(&Arc::new(info));
        }
        assert_eq!((groups.open(), groups.newest(Severity::Info).count()), (1, MAX_GROUPS + 1));
        assert_eq!(groups.turns.len(), MAX_GROUPS + 1);
    }
}
