//! Services that were lost at once: one incident, of what they have in common.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::report::LISTED;
use super::run::{CLIENTS, Kind, MAX_FRAMES, Run};
use crate::detect::anomaly::Figure;
use crate::detect::host::clients::{network_of, prefix_of};
use crate::detect::host::reporter::Whom;
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::Timestamp;

/// Services that one group names; further ones are counted.
const SERVICES: usize = 256;
/// Least number of hosts for which the way to them is gone, not the hosts.
const HOSTS_OF_A_PATH: usize = 3;

/// What became of the attempts at all of them.
#[derive(Clone, Debug, Default)]
struct AttemptTally {
    silent: u32,
    refused: u32,
    unreachable: u32,
    reset: u32,
    completed: u32,
    late: u32,
    clients: Vec<IpAddr>,
    more_clients: bool,
    frames: SmallVec<[u64; MAX_FRAMES]>,
}

impl AttemptTally {
    fn add(&mut self, run: &Run) {
        self.silent += run.silent;
        self.refused += run.refused;
        self.unreachable += run.by_icmp();
        self.reset += run.reset;
        self.completed += run.between;
        self.late += run.late;
        for hit in &run.hits {
            if self.clients.contains(&hit.ip) {
                continue;
            }
            if self.clients.len() < CLIENTS {
                self.clients.push(hit.ip);
            } else {
                self.more_clients = true;
            }
        }
        self.more_clients |= run.more_hits;
        let room = MAX_FRAMES.saturating_sub(self.frames.len());
        self.frames.extend(run.frames.iter().copied().take(room));
    }

    const fn attempts(&self) -> u32 {
        self.silent + self.refused + self.unreachable + self.reset
    }
}

/// Services that began to fail at about the same time.
#[derive(Debug)]
pub(super) struct LostTogether {
    pub(super) id: u64,
    pub(super) incident: u64,
    pub(super) begin: Timestamp,
    /// The last failure, or the first success after it, of those that are over.
    last: Timestamp,
    /// Those that fail on.
    pub(super) failing: Vec<Endpoint>,
    services: Vec<Endpoint>,
    more_services: u64,
    over: AttemptTally,
    /// Services of it when it was last reported.
    reported: usize,
}

impl LostTogether {
    pub(super) fn new(id: u64, incident: u64, begin: Timestamp) -> Self {
        Self {
            id,
            incident,
            begin,
            last: begin,
            failing: Vec::new(),
            services: Vec::new(),
            more_services: 0,
            over: AttemptTally::default(),
            reported: 0,
        }
    }

    /// Whether a service of it has this address, or one in the same network.
    pub(super) fn is_near(&self, ip: IpAddr) -> bool {
        self.services.iter().any(|service| network_of(service.ip) == network_of(ip))
    }

    /// `service` was lost with the others.
    pub(super) fn add(&mut self, service: Endpoint) {
        if self.services.contains(&service) {
            return;
        }
        if self.services.len() < SERVICES {
            self.services.push(service);
        } else {
            self.more_services += 1;
        }
    }

    /// The run of one of its services is over.
    pub(super) fn is_over(&mut self, service: Endpoint, run: &Run) {
        self.failing.retain(|other| *other != service);
        self.begin = self.begin.min(run.begin);
        self.last = self.last.max(run.end());
        self.over.add(run);
    }

    /// Whether enough services were added for another report; they count as reported then.
    pub(super) const fn has_grown(&mut self) -> bool {
        let grown = self.services.len() >= 2 * self.reported;
        if grown {
            self.reported = self.services.len();
        }
        grown
    }

    fn hosts(&self) -> usize {
        let mut hosts: Vec<IpAddr> = self.services.iter().map(|service| service.ip).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len()
    }

    /// The network that all of it is in.
    fn network(&self) -> Option<IpAddr> {
        let first = network_of(self.services.first()?.ip);
        self.services.iter().all(|service| network_of(service.ip) == first).then_some(first)
    }

    /// What is probably gone.
    pub(super) fn kind(&self) -> Kind {
        if self.hosts() >= HOSTS_OF_A_PATH { Kind::Path } else { Kind::Host }
    }

    /// The host, the network, or the first host of several networks.
    pub(super) fn whom(&self) -> Option<Whom> {
        let first = self.services.first()?.ip;
        let ip = if self.hosts() > 1 { self.network().unwrap_or(first) } else { first };
        Some((ip, None))
    }

    /// Clients that it hit, with those of the `runs` that go on.
    pub(super) fn clients<'a>(&self, runs: impl Iterator<Item = &'a Run>) -> usize {
        self.tally(runs).clients.len()
    }

    fn tally<'a>(&self, runs: impl Iterator<Item = &'a Run>) -> AttemptTally {
        let mut all = self.over.clone();
        runs.for_each(|run| all.add(run));
        all
    }

    fn place(&self) -> String {
        match (self.hosts(), self.network(), self.services.first()) {
            (1, _, Some(first)) => first.ip.to_string(),
            (_, Some(network), _) => prefix_of(network).to_string(),
            _ => "several networks".to_owned(),
        }
    }

    /// What is known of it by now; `runs` are those that go on, none if it is `over`.
    pub(super) fn finding<'a>(&self, runs: impl Iterator<Item = &'a Run> + Clone, over: bool) -> Finding {
        let all = self.tally(runs.clone());
        let last = runs.clone().map(|run| run.last).max().unwrap_or(self.last).max(self.last);
        let begin = runs.map(|run| run.begin).min().unwrap_or(self.begin).min(self.begin);
        let (lasted, kind, hosts) = ((last - begin).max(0), self.kind(), self.hosts());
        let services = self.services.len() as u64 + self.more_services;
        let at_least = if all.more_clients { "at least " } else { "" };
        let reason = format!(
            "{services} services of {} ({hosts} hosts) {} together for {:.1} s: {} attempts (clients: \
             {at_least}{}), answered by nothing: {}, by RST: {}, by ICMP: {}, reset once open: {}; probably {}",
            self.place(),
            if over { "failed" } else { "have failed" },
            lasted as f64 / 1e9,
            all.attempts(),
            all.clients.len(),
            all.silent,
            all.refused,
            all.unreachable,
            all.reset,
            kind.says_of_all()
        );
        let mut finding = Finding::new(reason)
            .figure("kind", Figure::Text(kind.name().to_owned()))
            .figure("services", services as i64)
            .figure("hosts", hosts as i64)
            .figure("attempts", all.attempts())
            .figure("silent", all.silent)
            .figure("refused", all.refused)
            .figure("unreachable", all.unreachable)
            .figure("reset_once_open", all.reset)
            .figure("completed", all.completed)
            .figure("completed_late", all.late)
            .figure("clients", all.clients.len() as i64)
            .figure("duration_ns", lasted)
            .frames(all.frames.iter().copied());
        if let Some(network) = self.network() {
            finding.figures.push(("network", Figure::Text(prefix_of(network).to_string())));
        }
        let mut listed: Vec<Endpoint> = self.services.clone();
        listed.sort_unstable();
        let services = listed.iter().map(ToString::to_string).collect();
        let clients = all.clients.iter().take(LISTED).map(ToString::to_string).collect();
        finding.figures.push(("services_listed", Figure::Texts(services)));
        finding.figures.push(("clients_listed", Figure::Texts(clients)));
        finding
    }
}
