//! The list of events, the list of hosts, and what is selected in them: a selection stays with what it is of.

use core::cmp::Reverse;
use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::Arc;

use super::super::groups::{EventGroup, EventId, EventKey, says_how};
use super::super::layout::View;
use super::super::store::Finding;
use super::state::Model;
use crate::detect::{Anomaly, Severity};
use crate::flow_filter::Subject;

/// An entry of the list of events.
#[derive(Clone, Debug)]
pub(in crate::output::tui) struct EventRow {
    /// What it is of.
    pub(in crate::output::tui) group: EventGroup,
    /// Number of the anomaly, where repeats are not folded.
    number: Option<u64>,
}

impl EventRow {
    fn id(&self) -> EventId {
        (self.group.key, self.number)
    }
}

impl Model {
    /// The first `most` entries of the list of events, newest first: of the least severity, and of the filter unless
    /// that only highlights.
    pub(in crate::output::tui) fn events(&self, most: usize) -> Vec<EventRow> {
        let filtered = self.filter.is_some() && !self.highlight;
        if !filtered && !self.unfolded {
            let newest = self.store.groups.newest(self.least).take(most);
            return newest.map(|group| EventRow { group: group.clone(), number: None }).collect();
        }
        let newest = self.store.findings.iter().rev();
        let heeded = newest.filter(|finding| finding.anomaly.severity >= self.least && self.is_asked_for(finding));
        let acknowledged = |key| self.store.groups.get(key).is_some_and(|group| group.acknowledged);
        let mut rows: Vec<EventRow> = Vec::new();
        let mut places: HashMap<EventKey, usize> = HashMap::new();
        for finding in heeded {
            let key = EventKey::of(&finding.anomaly);
            if let Some(row) = places.get(&key).and_then(|at| rows.get_mut(*at)).filter(|_| !self.unfolded) {
                // Newest first: the entry keeps the anomaly that it has.
                let newest = Arc::clone(&row.group.anomaly);
                row.group.add(&finding.anomaly);
                row.group.anomaly = newest;
                row.group.acknowledged = acknowledged(key);
                continue;
            }
            if self.unfolded && rows.len() >= most {
                break;
            }
            places.insert(key, rows.len());
            let group = EventGroup { acknowledged: acknowledged(key), ..EventGroup::of(&finding.anomaly) };
            rows.push(EventRow { group, number: self.unfolded.then_some(finding.number) });
        }
        rows.truncate(most);
        rows
    }

    fn is_asked_for(&self, finding: &Finding) -> bool {
        let Some(filter) = self.filter.as_ref().filter(|_| !self.highlight) else { return true };
        let flow = finding.anomaly.flow_id.and_then(|id| self.store.row(id)).map(|row| &*row.flow);
        filter.matches(&Subject::anomaly(&finding.anomaly, flow))
    }

    /// Brings the cursors of the lists to what they are of, wherever that is by now.
    pub(in crate::output::tui) fn keep_cursors(&mut self) {
        if let Some(id) = self.event {
            let at = self.events(usize::MAX).iter().position(|row| row.id() == id);
            match at {
                Some(at) => self.cursors[View::Events as usize] = at,
                None => self.event = None,
            }
        }
        if let Some(at) = self.host.and_then(|ip| self.store.rank_of(ip)) {
            self.cursors[View::Hosts as usize] = at;
        }
    }

    /// The cursor of a list was moved: from now on it stays with what is there. At the top of the events it stays with
    /// the newest.
    pub(super) fn hold_cursors(&mut self) {
        match self.wish.view {
            View::Events => {
                let at = self.cursors[View::Events as usize];
                self.event = if at == 0 { None } else { self.event_at(at).map(|row| row.id()) };
            }
            View::Hosts => self.host = self.host_at(self.cursors[View::Hosts as usize]),
            View::Flows | View::Ladder | View::Stats => {}
        }
    }

    fn event_at(&self, at: usize) -> Option<EventRow> {
        self.events(at.saturating_add(1)).into_iter().nth(at)
    }

    fn host_at(&self, at: usize) -> Option<IpAddr> {
        self.store.ranked_hosts(at + 1).get(at).map(|(ip, _)| *ip)
    }

    /// The selected event.
    pub(in crate::output::tui) fn selected_event(&self) -> Option<EventRow> {
        self.event_at(self.cursors[View::Events as usize])
    }

    /// The selected host.
    pub(in crate::output::tui) fn selected_host(&self) -> Option<IpAddr> {
        self.host_at(self.cursors[View::Hosts as usize])
    }

    /// What was found about a host, the worst first.
    pub(in crate::output::tui) fn findings_about(&self, ip: IpAddr) -> Vec<Arc<Anomaly>> {
        let mut findings = self.store.hosts.get(&ip).map_or_else(Vec::new, |host| host.findings.clone());
        findings.sort_by_key(|finding| Reverse((finding.severity, !says_how(&finding.anomaly), finding.anomaly.time)));
        findings.into_iter().map(|finding| finding.anomaly).collect()
    }

    /// Acknowledges the selected event.
    pub(super) fn acknowledge_selected(&mut self) {
        if let Some(row) = self.selected_event() {
            self.store.groups.acknowledge(row.group.key);
        }
    }

    /// Acknowledges what is pinned above the table.
    pub(super) fn acknowledge_pinned(&mut self) {
        if let Some(key) = self.store.groups.pinned().map(|(group, _)| group.key) {
            self.store.groups.acknowledge(key);
        }
    }

    /// The list of events begins at a severity higher by `by`.
    pub(super) fn change_least(&mut self, by: i8) {
        const ALL: [Severity; 4] = [Severity::Info, Severity::Note, Severity::Warn, Severity::Alert];
        let at = ALL.iter().position(|severity| *severity == self.least).unwrap_or(1);
        self.least = ALL.get(at.saturating_add_signed(by.into())).copied().unwrap_or(self.least);
        (self.event, self.cursors[View::Events as usize]) = (None, 0);
    }
}
