//! What the view knows: flows, anomalies, hosts and statistics, each bounded.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::feed::{Batch, Change, Position};
use super::groups::{EventKey, Groups, RoleFinding, says_how};
use crate::detect::host::{Grade, IsnReport};
use crate::detect::{Anomaly, Scope, Severity};
use crate::engine::Totals;
use crate::flow::{Flow, Opening, Side};
use crate::flow_filter::Phase;
use crate::output::histogram::Histogram;
use crate::time::{SECOND, Timestamp};

/// Anomalies kept.
const MAX_FINDINGS: usize = 10_000;
/// Of those, of severity `info`: every connection that closes as it should makes one, and they must not push out the
/// others.
const MAX_INFOS: usize = 4_000;
/// Findings kept of one host.
const MAX_HOST_FINDINGS: usize = 12;
/// Hosts kept.
const MAX_HOSTS: usize = 16_384;
/// Distinct ports and hosts counted for one host.
const MAX_DISTINCT: usize = 4_096;
/// The same of all hosts together; each host may have [`FEW_DISTINCT`] of each nevertheless.
const MAX_DISTINCT_IN_ALL: usize = 1_000_000;
/// Distinct ports and hosts that are counted for every host.
const FEW_DISTINCT: usize = 16;
/// Servers with histograms of their own, and ports with counts of their own.
const MAX_SERVERS: usize = 256;
/// Seconds of history.
pub(super) const HISTORY: usize = 60;
/// How many of the oldest flows are looked at for one that has ended, when one must go.
const EVICTION_LOOK: usize = 256;

/// A flow in the table.
#[derive(Clone, Debug)]
pub(super) struct FlowRow {
    /// Number of the flow, here so that a search need not visit it.
    pub(super) id: u64,
    pub(super) flow: Arc<Flow>,
    pub(super) ended: Option<Timestamp>,
    /// Packets were lost while it was there: what it lacks may be the capture's fault.
    pub(super) gap: bool,
    counted: Counted,
}

impl FlowRow {
    /// Octets that it takes, its flow and what counts its readers included.
    fn octets(&self) -> usize {
        size_of::<Self>() + 2 * size_of::<usize>() + self.flow.octets()
    }
}

/// What a row has contributed to hosts and statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    opening: Option<Opening>,
    half_open: bool,
    timed: bool,
    closed: bool,
}

/// One source of connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) started: u64,
    pub(super) opened: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    pub(super) failed: u64,
    pub(super) half_open: u64,
    pub(super) ports: HashSet<u16>,
    pub(super) targets: HashSet<IpAddr>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// How guessable its initial sequence numbers are, and the bits an attacker has to guess: the worst of its
    /// services.
    pub(super) isn: Option<(Grade, f64)>,
    /// What was said about it, as who did it and to whom it was done: at most [`MAX_HOST_FINDINGS`].
    pub(super) findings: Vec<RoleFinding>,
}

/// Statistics.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub(super) rtt: Histogram,
    pub(super) connect: Histogram,
    pub(super) servers: BTreeMap<(IpAddr, u16), Histogram>,
    pub(super) ports: BTreeMap<u16, PortCounts>,
    /// mss, window scale, SACK, timestamps, Fast Open, ECN, MPTCP among SYNs seen.
    pub(super) options: [u64; 7],
    pub(super) syns: u64,
    pub(super) closings: [u64; 9],
}

/// Outcomes of the connections to one port.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PortCounts {
    pub(super) opened: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    pub(super) other: u64,
}

impl PortCounts {
    pub(super) fn all(&self) -> u64 {
        self.opened + self.refused + self.unanswered + self.other
    }
}

impl Host {
    /// The worst thing said about it; of equal ones the latest.
    pub(super) fn worst(&self) -> Option<&RoleFinding> {
        self.findings.iter().max_by_key(|finding| (finding.severity, !says_how(&finding.anomaly), finding.anomaly.time))
    }

    /// Takes in what was found about it.
    fn found(&mut self, anomaly: &Arc<Anomaly>, is_victim: bool) {
        let key = EventKey::of(anomaly);
        if let Some(known) = self.findings.iter_mut().find(|known| known.key == key && known.is_victim == is_victim) {
            known.severity = known.severity.max(anomaly.severity);
            known.anomaly = Arc::clone(anomaly);
            return;
        }
        if self.findings.len() >= MAX_HOST_FINDINGS {
            let lightest = (0..self.findings.len())
                .min_by_key(|at| self.findings.get(*at).map(|finding| (finding.severity, finding.anomaly.time)));
            lightest.map(|at| self.findings.swap_remove(at));
        }
        let (first, severity) = (anomaly.time, anomaly.severity);
        self.findings.push(RoleFinding { key, anomaly: Arc::clone(anomaly), severity, first, is_victim });
    }
}

/// One second of packet time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    pub(super) packets: u64,
    pub(super) begun: u64,
    /// Opening verdicts that were reached.
    pub(super) decided: u64,
    pub(super) failed: u64,
    pub(super) rtt: i64,
}

/// An anomaly in the list.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) anomaly: Arc<Anomaly>,
    /// Its number, from 1.
    pub(super) number: u64,
}

impl Finding {
    fn is_info(&self) -> bool {
        self.anomaly.severity == Severity::Info
    }
}

/// Everything the view knows. Copies share their flows and anomalies.
#[derive(Clone, Debug)]
pub(super) struct Store {
    rows: VecDeque<FlowRow>,
    limit: usize,
    /// Octets that rows and their flows take, and may take.
    pub(super) octets: usize,
    most_octets: usize,
    /// Whether a flow was forgotten for want of octets.
    pub(super) was_full: bool,
    /// Flows that have not ended.
    pub(super) open: usize,
    /// Of those, flows whose SYN-ACK nobody has acknowledged.
    pub(super) half_open: usize,
    /// Opening verdicts as they were reached, by [`Opening`] in its order.
    pub(super) verdicts: [u64; Opening::ALL.len()],
    pub(super) evicted: u64,
    pub(super) dropped: u64,
    pub(super) findings: VecDeque<Finding>,
    /// The same, repeats folded.
    pub(super) groups: Groups,
    /// Findings of severity `info`.
    infos: usize,
    /// Anomalies in all, those no longer kept included.
    pub(super) finding_count: u64,
    pub(super) hosts: BTreeMap<IpAddr, Host>,
    /// Distinct ports and hosts counted for all hosts.
    distinct: usize,
    pub(super) stats: Stats,
    pub(super) totals: Totals,
    pub(super) now: Timestamp,
    /// Packet time when all that had happened was known.
    complete: Timestamp,
    pub(super) position: Position,
    seconds: VecDeque<(i64, Second)>,
    last_packets: u64,
    /// Rises with every change.
    pub(super) generation: u64,
}

impl Store {
    /// For `limit` flows, in `most_octets`.
    pub(super) fn new(limit: usize, most_octets: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            limit: limit.max(1),
            octets: 0,
            most_octets,
            was_full: false,
            open: 0,
            half_open: 0,
            verdicts: [0; Opening::ALL.len()],
            evicted: 0,
            dropped: 0,
            findings: VecDeque::new(),
            groups: Groups::default(),
            infos: 0,
            finding_count: 0,
            hosts: BTreeMap::new(),
            distinct: 0,
            stats: Stats::default(),
            totals: Totals::default(),
            now: Timestamp(0),
            complete: Timestamp(0),
            position: Position::default(),
            seconds: VecDeque::new(),
            last_packets: 0,
            generation: 0,
        }
    }

    /// Takes in what happened.
    pub(super) fn apply(&mut self, batch: Batch) {
        self.generation += 1;
        self.dropped += batch.dropped;
        let (before, more) = (self.complete, batch.more);
        let lost = batch.totals.as_ref().is_some_and(|totals| dropped(totals) > dropped(&self.totals));
        if let Some(now) = batch.now {
            self.now = self.now.max(now);
        }
        if let Some(totals) = batch.totals {
            self.count_packets(&totals);
            self.totals = totals;
        }
        if let Some(position) = batch.position {
            self.position = position;
        }
        for change in batch.flows.into_values() {
            self.change(change);
        }
        for anomaly in batch.findings {
            self.finding(anomaly);
        }
        if let Some(isns) = batch.isns {
            self.isns(&isns);
        }
        if lost {
            for row in self.rows.iter_mut().filter(|row| row.ended.is_none_or(|ended| ended >= before)) {
                row.gap = true;
            }
        }
        if !more {
            self.complete = self.now;
        }
    }

    /// The worst grade of every host that has one.
    fn isns(&mut self, isns: &[IsnReport]) {
        for host in self.hosts.values_mut() {
            host.isn = None;
        }
        for isn in isns.iter().filter(|isn| isn.grade != Grade::NotEnough) {
            if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(&isn.host) {
                continue;
            }
            let host = self.hosts.entry(isn.host).or_default();
            let worst = host.isn.is_none_or(|(grade, _)| isn.grade < grade);
            if worst {
                host.isn = Some((isn.grade, isn.residual_bits));
            }
        }
    }

    fn count_packets(&mut self, totals: &Totals) {
        let more = totals.packets.saturating_sub(self.last_packets);
        self.last_packets = totals.packets;
        let now = self.now;
        if let Some(second) = self.second(now) {
            second.packets += more;
        }
    }

    /// The record of the second in which `time` lies, unless that is long ago.
    fn second(&mut self, time: Timestamp) -> Option<&mut Second> {
        let wanted = time.seconds();
        let newest = self.seconds.back().map_or(wanted - 1, |(second, _)| *second);
        if wanted - newest > HISTORY as i64 {
            self.seconds.clear();
            self.seconds.push_back((wanted, Second::default()));
        } else {
            for second in newest + 1..=wanted {
                self.seconds.push_back((second, Second::default()));
            }
        }
        while self.seconds.len() > HISTORY {
            self.seconds.pop_front();
        }
        let at = self.seconds.binary_search_by_key(&wanted, |(second, _)| *second).ok()?;
        self.seconds.get_mut(at).map(|(_, record)| record)
    }

    /// The last minute, oldest first.
    pub(super) fn seconds(&self) -> impl DoubleEndedIterator<Item = &Second> {
        self.seconds.iter().map(|(_, record)| record)
    }

    fn change(&mut self, change: Change) {
        let id = change.flow.id;
        self.now = self.now.max(change.flow.last_time);
        let place = self.rows.binary_search_by_key(&id, |row| row.id);
        let known = place.ok().and_then(|at| self.rows.get(at));
        let mut row = FlowRow { id, flow: change.flow, ended: change.ended, gap: false, counted: Counted::default() };
        if let Some(known) = known {
            row.ended = row.ended.or(known.ended);
            (row.gap, row.counted) = (known.gap, known.counted);
            self.octets -= known.octets();
        }
        self.octets += row.octets();
        self.count(&mut row, place.is_err());
        match place {
            Ok(at) => {
                if let Some(place) = self.rows.get_mut(at) {
                    *place = row;
                }
            }
            Err(at) => self.rows.insert(at, row),
        }
        if self.rows.len() > self.limit {
            self.evict();
        }
        // The last one stays, whatever it takes.
        while self.octets > self.most_octets && self.rows.len() > 1 {
            self.was_full = true;
            self.evict();
        }
    }

    /// Takes the oldest row that has ended away, or the oldest.
    fn evict(&mut self) {
        let ended = self.rows.iter().take(EVICTION_LOOK).position(|row| row.ended.is_some());
        let gone = self.rows.remove(ended.unwrap_or(0));
        self.evicted += 1;
        let Some(gone) = gone else { return };
        self.octets -= gone.octets();
        self.open -= usize::from(gone.ended.is_none());
        if gone.counted.half_open {
            self.half_open -= 1;
            if let Some(host) = self.hosts.get_mut(&gone.flow.client.endpoint.ip) {
                host.half_open = host.half_open.saturating_sub(1);
            }
        }
    }

    /// Brings hosts and statistics up to date with a row.
    fn count(&mut self, row: &mut FlowRow, new: bool) {
        let flow = &Arc::clone(&row.flow);
        let before = row.counted;
        self.open += usize::from(new);
        self.open -= usize::from(row.ended.is_some() && !before.closed);
        let after = Counted {
            opening: flow.opening.or(row.ended.map(|_| flow.opening())),
            half_open: row.ended.is_none() && Phase::of(flow) == Phase::SynReceived,
            timed: before.timed || flow.handshake.rtt().is_some(),
            closed: row.ended.is_some(),
        };
        self.count_host(flow, before, after, new);
        self.count_stats(flow, before, after);
        if new && let Some(second) = self.second(flow.first_time) {
            second.begun += 1;
        }
        self.half_open = (self.half_open + usize::from(after.half_open)) - usize::from(before.half_open);
        if before.opening != after.opening {
            self.count_verdict(flow, before, after);
        }
        row.counted = after;
    }

    fn count_verdict(&mut self, flow: &Flow, before: Counted, after: Counted) {
        let first = before.opening.is_none();
        for (opening, by) in [(before.opening, -1), (after.opening, 1)] {
            if let Some(count) = opening.and_then(|opening| self.verdicts.get_mut(opening as usize)) {
                *count = count.saturating_add_signed(by);
            }
        }
        let failed = after.opening.is_some_and(Opening::failed);
        if let Some(second) = self.second(flow.opening_time) {
            second.decided += u64::from(first);
            second.failed += u64::from(failed);
        }
    }

    fn count_host(&mut self, flow: &Flow, before: Counted, after: Counted, new: bool) {
        let ip = flow.client.endpoint.ip;
        if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(&ip) {
            return;
        }
        let host = self.hosts.entry(ip).or_default();
        if host.started == 0 {
            host.first = flow.first_time;
        }
        host.last = host.last.max(flow.last_time);
        if new {
            host.started += 1;
            let most = if self.distinct < MAX_DISTINCT_IN_ALL { MAX_DISTINCT } else { FEW_DISTINCT };
            if host.ports.len() < most {
                self.distinct += usize::from(host.ports.insert(flow.server.endpoint.port));
            }
            if host.targets.len() < most {
                self.distinct += usize::from(host.targets.insert(flow.server.endpoint.ip));
            }
        }
        host.half_open =
            host.half_open.saturating_add(u64::from(after.half_open)).saturating_sub(u64::from(before.half_open));
        for (opening, more) in [(before.opening, false), (after.opening, true)] {
            let Some(opening) = opening else { continue };
            let count = match opening {
                Opening::Refused => &mut host.refused,
                Opening::Unanswered => &mut host.unanswered,
                opening if opening.opened() => &mut host.opened,
                opening if opening.failed() => &mut host.failed,
                _ => continue,
            };
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    fn count_stats(&mut self, flow: &Flow, before: Counted, after: Counted) {
        let server = flow.server.endpoint;
        if after.timed && !before.timed {
            let rtt = flow.handshake.rtt().unwrap_or(0);
            self.stats.rtt.add(rtt);
            if self.stats.servers.len() < MAX_SERVERS || self.stats.servers.contains_key(&(server.ip, server.port)) {
                self.stats.servers.entry((server.ip, server.port)).or_default().add(rtt);
            }
            if let Some(second) = self.second(flow.opening_time) {
                second.rtt = second.rtt.max(rtt);
            }
            self.stats.connect.add(flow.handshake.connect_time().unwrap_or(rtt));
        }
        if after.opening != before.opening
            && (self.stats.ports.len() < MAX_SERVERS || self.stats.ports.contains_key(&server.port))
        {
            let counts = self.stats.ports.entry(server.port).or_default();
            for (opening, more) in [(before.opening, false), (after.opening, true)] {
                let Some(opening) = opening else { continue };
                let count = match opening {
                    Opening::Refused => &mut counts.refused,
                    Opening::Unanswered => &mut counts.unanswered,
                    opening if opening.opened() => &mut counts.opened,
                    _ => &mut counts.other,
                };
                *count = if more { *count + 1 } else { count.saturating_sub(1) };
            }
        }
        if after.closed && !before.closed {
            if let Some(count) = self.stats.closings.get_mut(flow.closing() as usize) {
                *count += 1;
            }
            self.stats.count_options(flow);
        }
    }

    fn finding(&mut self, anomaly: Arc<Anomaly>) {
        if anomaly.scope == Scope::Host {
            let victim = anomaly.destination.filter(|to| anomaly.source.is_none_or(|from| from.0 != to.0));
            for (end, is_victim) in [(anomaly.source, false), (victim, true)] {
                let Some((ip, _)) = end else { continue };
                if self.hosts.len() < MAX_HOSTS || self.hosts.contains_key(&ip) {
                    self.hosts.entry(ip).or_default().found(&anomaly, is_victim);
                }
            }
        }
        self.finding_count += 1;
        self.groups.add(&anomaly);
        let finding = Finding { anomaly, number: self.finding_count };
        self.infos += usize::from(finding.is_info());
        self.findings.push_back(finding);
        if self.infos > MAX_INFOS {
            // Half of them at once: looking for the oldest each time would take long.
            let mut excess = MAX_INFOS / 2;
            self.findings.retain(|finding| {
                let goes = excess > 0 && finding.is_info();
                excess -= usize::from(goes);
                !goes
            });
            self.infos -= MAX_INFOS / 2;
        }
        if self.findings.len() > MAX_FINDINGS
            && let Some(oldest) = self.findings.pop_front()
        {
            self.infos -= usize::from(oldest.is_info());
        }
    }

    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &FlowRow> + ExactSizeIterator {
        self.rows.iter()
    }

    /// Rows of flows with a higher number than `id`.
    pub(super) fn rows_after(&self, id: u64) -> impl Iterator<Item = &FlowRow> {
        self.rows.range(self.rows.partition_point(|row| row.id <= id)..)
    }

    pub(super) fn row(&self, id: u64) -> Option<&FlowRow> {
        let at = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        self.rows.get(at)
    }

    /// The row at this place, the oldest first.
    pub(super) fn row_at(&self, at: usize) -> Option<&FlowRow> {
        self.rows.get(at)
    }

    /// The place of a row.
    pub(super) fn place_of(&self, id: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&id, |row| row.id).ok()
    }

    /// How many rows have a higher number than `id`.
    pub(super) fn count_after(&self, id: u64) -> usize {
        self.rows.len() - self.rows.partition_point(|row| row.id <= id)
    }

    /// Forgets flows that have ended.
    pub(super) fn clear_ended(&mut self) {
        self.rows.retain(|row| row.ended.is_none());
        self.octets = self.rows.iter().map(FlowRow::octets).sum();
        self.generation += 1;
    }

    /// Flows that are no longer in the table: one that was pushed out, came back and was pushed out again counts once.
    pub(super) fn forgotten(&self) -> u64 {
        if self.evicted == 0 { 0 } else { self.totals.flows.saturating_sub(self.rows.len() as u64) }
    }

    /// Findings about a flow.
    pub(super) fn findings_of(&self, id: u64) -> impl Iterator<Item = &Anomaly> {
        self.findings.iter().map(|finding| &*finding.anomaly).filter(move |anomaly| anomaly.flow_id == Some(id))
    }

    /// Share of opening verdicts of the last minute that are failures, percent; absent where there were none.
    pub(super) fn fail_rate(&self) -> Option<f64> {
        let sum = |value: fn(&Second) -> u64| self.seconds().map(value).sum::<u64>();
        let (decided, failed) = (sum(|s| s.decided), sum(|s| s.failed));
        (decided > 0).then(|| (failed as f64 * 100.0 / decided as f64).min(100.0))
    }

    /// The place of a host among all.
    pub(super) fn rank_of(&self, ip: IpAddr) -> Option<usize> {
        let host = (ip, self.hosts.get(&ip)?);
        Some(self.hosts.iter().filter(|(ip, other)| in_rank(&(**ip, *other), &host).is_lt()).count())
    }

    /// The first `most` hosts, those with a finding first, then by failed handshakes.
    pub(super) fn ranked_hosts(&self, most: usize) -> Vec<(IpAddr, &Host)> {
        let mut hosts: Vec<_> = self.hosts.iter().map(|(ip, host)| (*ip, host)).collect();
        if (1..hosts.len()).contains(&most) {
            hosts.select_nth_unstable_by(most - 1, in_rank);
            hosts.truncate(most);
        }
        hosts.sort_unstable_by(in_rank);
        hosts
    }

    /// Flows begun per second, over the last ten seconds of packet time.
    pub(super) fn rate(&self, value: impl Fn(&Second) -> u64) -> f64 {
        let recent: Vec<u64> = self.seconds().rev().skip(1).take(10).map(value).collect();
        if recent.is_empty() { 0.0 } else { recent.iter().sum::<u64>() as f64 / recent.len() as f64 }
    }
}

impl Stats {
    fn count_options(&mut self, flow: &Flow) {
        let Some(offer) = flow.peer(Side::Client).offer else { return };
        self.syns += 1;
        let ecn = offer.flags.any(crate::tcp::Flags::ECE);
        let present = [
            offer.mss.is_some(),
            offer.window_scale.is_some(),
            offer.sack_permitted,
            offer.timestamps.is_some(),
            offer.fast_open.is_some(),
            ecn,
            offer.mptcp.is_some(),
        ];
        for (count, present) in self.options.iter_mut().zip(present) {
            *count += u64::from(present);
        }
    }
}

/// The order of hosts: those with the worst findings first, who did it before whom it was done to, then by failed
/// handshakes.
fn in_rank(a: &(IpAddr, &Host), b: &(IpAddr, &Host)) -> core::cmp::Ordering {
    let rank = |host: &Host| {
        let severity = host.worst().map_or(0, |finding| finding.severity as u8);
        let is_actor = host.findings.iter().any(|finding| !finding.is_victim && finding.severity as u8 == severity);
        (severity, is_actor, host.refused + host.unanswered + host.failed, host.half_open, host.started)
    };
    rank(b.1).cmp(&rank(a.1)).then(a.0.cmp(&b.0))
}

/// Packets lost on the way to the analysis, wherever.
pub(super) fn dropped(totals: &Totals) -> u64 {
    [totals.dropped_kernel, totals.dropped_interface, totals.dropped_queue].into_iter().flatten().sum()
}

/// FlowLetters by letter.
pub(super) type FlowLetters = HashMap<char, u64>;

/// How long ago, for the column of ages; capped so that a forged time makes no odd width.
pub(super) fn age(now: Timestamp, then: Timestamp) -> i64 {
    (now - then).clamp(0, 999 * 86_400 * SECOND)
}
