//! Which flows the table shows and in which order: sorting, filtering, searching. What takes long is done in slices.

use core::net::IpAddr;

use super::super::layout::Column;
use super::super::store::FlowRow;
use super::state::{MANY, Model, Work};
use crate::flow_filter::{FlowFilter, Phase, Subject, retransmissions};

/// Flows of a slice.
const SLICE: usize = 2_000;

/// What rows are sorted by; equal ones by their numbers.
fn sort_key(by: Column, row: &FlowRow) -> u128 {
    let flow = &row.flow;
    let time = |time: Option<i64>| time.map_or(u128::MAX, |ns| ns.max(0).unsigned_abs().into());
    let address = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    };
    match by {
        Column::Id => 0,
        Column::Client => address(flow.client.endpoint.ip),
        Column::Server => address(flow.server.endpoint.ip),
        Column::Phase => Phase::of(flow) as u128,
        Column::Outcome => (flow.opening() as u128) << 8 | flow.closing() as u128,
        Column::Rtt => time(flow.handshake.rtt()),
        Column::Duration => time(Some(flow.duration())),
        Column::Retx => time(Some(retransmissions(flow))),
        Column::Bytes => flow.bytes().into(),
        Column::Age => flow.last_time.0.max(0).unsigned_abs().into(),
    }
}

impl Model {
    /// Puts the flows that are shown in order; the selection stays with its flow. Many flows take a while: see
    /// [`Self::work`].
    pub(in crate::output::tui) fn reorder(&mut self) {
        self.ordered_at = Some((self.store.evicted, self.store.now));
        if self.is_plain() {
            (self.work, self.order) = (None, Vec::new());
            return self.keep_selection();
        }
        self.work = Some(Work::Order { up_to: 0, shown: Vec::new() });
        if self.store.rows().len() < MANY {
            while self.work() {}
        }
    }

    /// Whether rows are shown all and in the order in which they are kept.
    pub(super) fn is_plain(&self) -> bool {
        self.sort == Column::Id && (self.filter.is_none() || self.highlight)
    }

    /// Number of rows of the table.
    pub(in crate::output::tui) fn shown_len(&self) -> usize {
        if self.is_plain() { self.store.rows().len() } else { self.order.len() }
    }

    /// The flow in row `at` of the table.
    pub(in crate::output::tui) fn shown(&self, at: usize) -> Option<u64> {
        if !self.is_plain() {
            return self.order.get(at).copied();
        }
        let place = if self.reverse { self.store.rows().len().checked_sub(at + 1)? } else { at };
        self.store.row_at(place).map(|row| row.id)
    }

    /// All flows of the table, in order.
    pub(in crate::output::tui) fn all_shown(&self) -> Vec<u64> {
        (0..self.shown_len()).filter_map(|at| self.shown(at)).collect()
    }

    /// At most `height` rows of the table from row `top` on. Flows that were pushed out since the order was made are
    /// passed over: the table is full as long as there is anything to show.
    pub(in crate::output::tui) fn rows_from(&self, top: usize, height: usize) -> Vec<&FlowRow> {
        let rows = |from: usize, to: usize| (from..to).filter_map(|at| self.store.row(self.shown(at)?));
        let mut found: Vec<&FlowRow> = rows(top, self.shown_len()).take(height).collect();
        if found.len() < height && top > 0 {
            let missing = height - found.len();
            let mut before: Vec<&FlowRow> = rows(0, top).collect();
            before.drain(..before.len().saturating_sub(missing));
            before.append(&mut found);
            found = before;
        }
        found
    }

    /// Whether so many flows were pushed out since the order was made that it says little.
    pub(super) fn is_thin(&self) -> bool {
        let then = self.ordered_at.map_or(0, |(evicted, _)| evicted);
        (self.store.evicted - then) as usize > self.store.rows().len() / 8
    }

    /// How many flows have come since the newest was followed, where it is not any more.
    pub(in crate::output::tui) fn newcomers(&self) -> usize {
        let Some(then) = self.left_at.filter(|_| !self.follow && self.options.live) else { return 0 };
        if self.is_plain() {
            return self.store.count_after(then);
        }
        self.order.iter().filter(|id| **id > then).count()
    }

    /// Follows the newest flow, or stays with the selected one.
    pub(super) fn set_follow(&mut self, follow: bool) {
        if self.follow && !follow {
            self.left_at = self.store.rows().next_back().map(|row| row.id);
        }
        self.follow = follow;
    }

    /// Whether something is being done in slices.
    pub const fn is_working(&self) -> bool {
        self.work.is_some()
    }

    /// Does a slice of what takes long; whether more is left.
    pub fn work(&mut self) -> bool {
        match self.work.take() {
            Some(Work::Order { up_to, shown }) => self.order_some(up_to, shown),
            Some(Work::Find { at, left, forward }) => self.find_some(at, left, forward),
            None => {}
        }
        self.work.is_some()
    }

    fn order_some(&mut self, up_to: u64, mut shown: Vec<(u128, u64)>) {
        let now = self.store.now;
        let filter = self.filter.as_ref().filter(|_| !self.highlight);
        let mut last = None;
        for row in self.store.rows_after(up_to).take(SLICE) {
            last = Some(row.id);
            if filter.is_none_or(|filter| filter.matches(&Subject::flow(&row.flow, now))) {
                shown.push((sort_key(self.sort, row), row.id));
            }
        }
        match last {
            Some(last) => self.work = Some(Work::Order { up_to: last, shown }),
            None => self.put_in_order(shown),
        }
    }

    fn put_in_order(&mut self, mut shown: Vec<(u128, u64)>) {
        if self.sort != Column::Id {
            shown.sort_unstable();
        }
        self.order.clear();
        self.order.extend(shown.into_iter().map(|(_, id)| id));
        if self.reverse {
            self.order.reverse();
        }
        self.keep_selection();
    }

    fn keep_selection(&mut self) {
        let gone = self.selected.is_none_or(|id| self.store.row(id).is_none());
        if self.follow {
            let newest = if self.is_plain() {
                self.store.rows().next_back().map(|row| row.id)
            } else {
                self.order.iter().max().copied()
            };
            self.select(newest);
        } else if gone || self.position().is_none() {
            self.selected = self.shown(0);
            self.step = 0;
        }
    }

    /// Row of the selected flow in the table.
    pub(in crate::output::tui) fn position(&self) -> Option<usize> {
        let id = self.selected?;
        if self.is_plain() {
            let at = self.store.place_of(id)?;
            return if self.reverse { self.store.rows().len().checked_sub(at + 1) } else { Some(at) };
        }
        if self.sort == Column::Id {
            return if self.reverse {
                self.order.binary_search_by(|probe| id.cmp(probe)).ok()
            } else {
                self.order.binary_search(&id).ok()
            };
        }
        self.order.iter().position(|known| *known == id)
    }

    /// Whether the filter, which only highlights, means this row.
    pub(in crate::output::tui) fn is_match(&self, row: &FlowRow) -> bool {
        self.highlight && self.filter.as_ref().is_some_and(|f| f.matches(&Subject::flow(&row.flow, self.store.now)))
    }

    pub(in crate::output::tui) fn filter_text(&mut self, text: &str) {
        match FlowFilter::parse(text) {
            Ok(filter) => {
                self.filter = Some(filter).filter(|_| !text.trim().is_empty());
                self.filter_problem = None;
                self.reorder();
            }
            Err(error) => self.filter_problem = Some(error.problem),
        }
    }

    pub(super) fn filter_on_server(&mut self, exclude: bool) {
        let Some(server) = self.flow().map(|flow| flow.server.endpoint) else { return };
        let earlier = self.filter.as_ref().map_or("", |filter| filter.text()).to_owned();
        let not = if exclude { "not " } else { "" };
        self.filter_text(format!("{earlier} {not}(server:{} dport:{})", server.ip, server.port).trim());
    }

    pub(super) fn find(&mut self, forward: bool) {
        let left = self.shown_len();
        self.work = Some(Work::Find { at: self.position().unwrap_or(0), left, forward });
        if left < MANY {
            while self.work() {}
        } else {
            self.work();
        }
    }

    fn find_some(&mut self, mut at: usize, left: usize, forward: bool) {
        let length = self.shown_len();
        for left in (left.saturating_sub(SLICE)..left).rev() {
            if length == 0 {
                return;
            }
            at = if forward { (at + 1) % length } else { (at + length - 1) % length };
            let row = self.shown(at).and_then(|id| self.store.row(id));
            if row.is_some_and(|row| !self.highlight || self.is_match(row)) {
                self.set_follow(false);
                self.select(self.shown(at));
                return;
            }
            if left == 0 {
                return;
            }
        }
        self.work = left.checked_sub(SLICE).map(|left| Work::Find { at, left, forward });
    }

    /// A click on the heading of a column: sorts by it, and the other way round if that is so already.
    pub fn click_heading(&mut self, column: Column) {
        if self.sort == column {
            self.reverse = !self.reverse;
        } else {
            self.sort = column;
        }
        self.reorder();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tui::Options;

    #[test]
    fn nothing_is_found_in_an_empty_list() {
        let mut model = Model::new(Options::default());
        model.find(true);
        model.find(false);
        assert!(!model.is_working() && model.position().is_none());
    }
}
