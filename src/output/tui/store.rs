//! What the view knows: flows, anomalies, hosts and statistics, each bounded.

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::feed::{Batch, Change, Position};
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
    /// The worst thing said about it.
    pub(super) finding: Option<(Severity, &'static str, String)>,
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

/// One second of packet time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    pub(super) packets: u64,
    pub(super) begun: u64,
    pub(super) failed: u64,
    pub(super) rtt: i64,
}

/// An anomaly in the list.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) anomaly: Arc<Anomaly>,
    pub(super) acknowledged: bool,
}

impl Finding {
    fn is_info(&self) -> bool {
        self.anomaly.severity == Severity::Info
    }

    /// Whether it is worth a look that nobody has taken.
    fn is_open(&self) -> bool {
        !self.acknowledged && self.anomaly.severity >= Severity::Note
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
    pub(super) evicted: u64,
    pub(super) dropped: u64,
    pub(super) findings: VecDeque<Finding>,
    /// Findings that nobody has acknowledged, of severity `note` and above.
    pub(super) unacknowledged: usize,
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
            evicted: 0,
            dropped: 0,
            findings: VecDeque::new(),
            unacknowledged: 0,
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
        self.octets -= gone.as_ref().map_or(0, FlowRow::octets);
        self.open -= usize::from(gone.is_some_and(|row| row.ended.is_none()));
        self.evicted += 1;
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
        if after.opening.is_some_and(Opening::failed) && before.opening != after.opening {
            let time = flow.opening_time;
            if let Some(second) = self.second(time) {
                second.failed += 1;
            }
        }
        row.counted = after;
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
        if anomaly.scope == Scope::Host
            && let Some((ip, _)) = anomaly.source.or(anomaly.destination)
            && (self.hosts.len() < MAX_HOSTS || self.hosts.contains_key(&ip))
        {
            let host = self.hosts.entry(ip).or_default();
            if host.finding.as_ref().is_none_or(|(severity, ..)| *severity <= anomaly.severity) {
                host.finding = Some((anomaly.severity, anomaly.id, anomaly.reason.clone()));
            }
        }
        self.finding_count += 1;
        let finding = Finding { anomaly, acknowledged: false };
        self.unacknowledged += usize::from(finding.is_open());
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
            self.unacknowledged -= usize::from(oldest.is_open());
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

    /// Acknowledges a finding, or takes that back.
    pub(super) fn acknowledge(&mut self, at: usize) {
        let Some(finding) = self.findings.get_mut(at) else { return };
        self.unacknowledged -= usize::from(finding.is_open());
        finding.acknowledged = !finding.acknowledged;
        self.unacknowledged += usize::from(finding.is_open());
    }

    /// The first `most` hosts, those with a finding first, then by failed handshakes.
    pub(super) fn ranked_hosts(&self, most: usize) -> Vec<(IpAddr, &Host)> {
        let mut hosts: Vec<_> = self.hosts.iter().map(|(ip, host)| (*ip, host)).collect();
        let rank = |host: &Host| {
            let severity = host.finding.as_ref().map_or(0, |(severity, ..)| *severity as u8);
            (severity, host.refused + host.unanswered + host.failed, host.half_open, host.started)
        };
        let order = |a: &(IpAddr, &Host), b: &(IpAddr, &Host)| rank(b.1).cmp(&rank(a.1)).then(a.0.cmp(&b.0));
        if (1..hosts.len()).contains(&most) {
            hosts.select_nth_unstable_by(most - 1, order);
            hosts.truncate(most);
        }
        hosts.sort_unstable_by(order);
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
