//! One page about the whole run: what opened and closed how, how long that took, what failed, who failed most.

use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::Arc;

use self::costs::Costs;
use self::matching::Matching;
use self::page::Page;
use super::clock::rfc3339;
use super::duration::human;
use super::histogram::Histogram;
use super::{Mask, Out, Settings, Writer, words};
use crate::decode::SkipReason;
use crate::decode::link::link_name;
use crate::detect::Health;
use crate::engine::{Ending, Event, Interest, Sink, Totals};
use crate::flow::{Closing, Opening};
use crate::kernel::Known;

mod costs;
mod hosts;
mod listeners;
mod matching;
mod page;

/// Clients that are counted at a time; when there are more, the half with the fewest failures makes room.
const MAX_TALKERS: usize = 1024;
/// Clients that are shown.
const SHOWN_TALKERS: usize = 10;

/// The summary format.
pub(super) struct Summary {
    out: Out,
    connect: Histogram,
    rtt: Histogram,
    retried: u64,
    retries: u64,
    talkers: Talkers,
    costs: Costs,
    /// What there is to say of hosts.
    hosts: String,
    /// What the kernel of this host knows, where it is asked.
    known: Option<Arc<Known>>,
    /// What a filter lets through, where there is one.
    matching: Option<Matching>,
    /// What stands for their addresses.
    mask: Option<Arc<Mask>>,
}

impl Summary {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self {
            out,
            connect: Histogram::default(),
            rtt: Histogram::default(),
            retried: 0,
            retries: 0,
            talkers: Talkers::default(),
            costs: Costs::default(),
            hosts: String::new(),
            known: settings.known.clone(),
            matching: settings.flows_where.as_deref().map(|filter| {
                Matching::new(settings.mask.as_ref().map_or_else(|| filter.to_owned(), |mask| mask.text(filter)))
            }),
            mask: settings.mask.clone(),
        }
    }

    fn ended(&mut self, flow: &Ending) {
        if let Some(time) = flow.connect_time {
            self.connect.add(time);
        }
        if let Some(time) = flow.rtt {
            self.rtt.add(time);
        }
        if flow.syns > 1 {
            self.retried += 1;
            self.retries += u64::from(flow.syns - 1);
        }
        if let Some(cost) = &flow.cost {
            self.costs.add(flow.server, cost);
        }
        if flow.opening.failed() {
            self.talkers.add(flow.client, flow.server);
        }
    }

    fn page(&self, totals: &Totals) -> String {
        let mut page = Page::default();
        capture(&mut page, totals);
        span(&mut page, totals);
        let matching = self.matching.as_ref().map(|matching| {
            matching.line(&mut page);
            matching.of(totals)
        });
        let counted = matching.as_ref().unwrap_or(totals);
        counts(&mut page, counted);
        self.times(&mut page);
        self.costs.write(&mut page);
        anomalies(&mut page, counted);
        if !self.hosts.is_empty() && matching.is_none() {
            page.line("");
            page.0.push_str(&self.hosts);
        }
        if let Some(known) = &self.known {
            listeners::listeners(&mut page, known);
        }
        self.failures(&mut page);
        page.0
    }

    fn times(&self, page: &mut Page) {
        let row = |name: &str, times: &Histogram| {
            let at = |percent| human(times.percentile(percent));
            let max = human(times.max());
            format!("  {name:<20}{:>9}{:>12}{:>12}{:>12}{max:>12}", times.count(), at(50), at(90), at(99))
        };
        if self.connect.count() > 0 {
            page.line(&format!("\n{:<22}{:>9}{:>12}{:>12}{:>12}{:>12}", "Times", "n", "p50", "p90", "p99", "max"));
            page.line(&row("connect (as waited)", &self.connect));
            if self.rtt.count() > 0 {
                page.line(&row("round trip", &self.rtt));
            }
        }
        if self.retried > 0 {
            let (flows, times) = (self.retried, self.retries);
            page.line(&format!("\nRetries\n{flows:>8}  flows repeated their SYN ({times} repetitions in all)"));
        }
    }

    fn failures(&self, page: &mut Page) {
        let most = self.talkers.most();
        if !most.is_empty() {
            page.title("Failed handshakes by client");
        }
        for (client, failures) in most {
            let target = failures.target.map_or_else(|| "several".to_owned(), |target| target.to_string());
            page.wrapped(&format!("{:>8}  {client}", failures.count), 10, &format!("to {target}"));
        }
        if self.talkers.pushed_out > 0 {
            page.line(&format!("  (more than {MAX_TALKERS} clients: small counts are lower bounds)"));
        }
    }
}

impl Sink for Summary {
    fn wants(&self) -> Interest {
        Interest::empty()
    }

    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Ending(ending) => self.ended(ending),
            Event::FlowEnd { flow, .. } => {
                self.ended(&Ending::of(flow));
                self.matching.iter_mut().for_each(|matching| matching.flow(flow));
            }
            Event::Anomaly { anomaly, .. } => self.matching.iter_mut().for_each(|matching| matching.anomaly(anomaly)),
            Event::Hosts { hosts } => {
                let hosts = hosts::hosts(hosts);
                self.hosts = self.mask.as_ref().map_or_else(|| hosts.clone(), |mask| mask.text(&hosts));
            }
            Event::SessionEnd { totals } => {
                let page = self.page(totals);
                self.out.buffer.extend_from_slice(page.as_bytes());
                self.out.end_line();
            }
            _ => {}
        }
    }
}

impl Writer for Summary {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

/// What is wrong with the capture, and what that means for the rest of the page; nothing where nothing is wrong.
fn capture(page: &mut Page, totals: &Totals) {
    let h: &Health = &totals.health;
    let one_way = h.asymmetric.map(|(flows, one_way)| {
        (u64::from(one_way), format!("of {flows} flows within a minute seen one way: verdicts from silence withheld"))
    });
    let flows = |n: u64| format!("(in {n} flow{})", if n == 1 { "" } else { "s" });
    let of = |n: u64, text: &str| (n, text.to_owned());
    let remarks = [
        of(totals.dropped_kernel.unwrap_or(0), "packets dropped by the kernel: verdicts may lack steps"),
        of(totals.dropped_interface.unwrap_or(0), "packets dropped by the interface: verdicts may lack steps"),
        of(totals.dropped_queue.unwrap_or(0), "packets dropped because the analysis could not follow"),
        of(totals.evicted, "flows given up because the table was full (--max-flows)"),
        one_way.unwrap_or_default(),
        (
            h.holes.count,
            format!("acknowledgments of data that the capture lacks, octets: {} {}", h.missing, flows(h.holes.flows)),
        ),
        (h.copies.count, format!("copies of packets made by the capture, counted once {}", flows(h.copies.flows))),
        (h.reordered.count, format!("segments out of order {}", flows(h.reordered.flows))),
        of(totals.clock_backwards, "time stamps that ran backwards: durations across them mean little"),
        (h.truncated.count, format!("packets cut by the snapshot length {}", flows(h.truncated.flows))),
        (
            h.offload.count,
            format!(
                "segments as before the network card (offload): sizes not those of the wire {}",
                flows(h.offload.flows)
            ),
        ),
        (
            h.unverified.count,
            format!(
                "segments with a wrong checksum, and no right one of the sender: taken {}",
                flows(h.unverified.flows)
            ),
        ),
        (h.zero_numbers.count, "connections whose sequence numbers are all 0: made or anonymised".to_owned()),
        (
            h.bad_checksum.count.saturating_sub(h.unverified.count),
            format!("segments with a wrong checksum, ignored {}", flows(h.bad_checksum.flows)),
        ),
    ];
    if remarks.iter().all(|(n, _)| *n == 0) {
        return;
    }
    page.title("Capture quality");
    remarks.iter().filter(|(n, _)| *n > 0).for_each(|(n, text)| page.wrapped(&format!("{n:>8}  "), 10, text));
    page.line("");
}

fn span(page: &mut Page, totals: &Totals) {
    let text = |time| String::from_utf8_lossy(&rfc3339(time)).into_owned();
    if let (Some(first), Some(last)) = (totals.first_time, totals.last_time) {
        page.line(&format!("{} to {}", text(first), text(last)));
        page.line(&format!("{:>8}  packets in {}", totals.packets, human(last - first)));
    } else {
        page.line("no packets");
    }
    page.line(&format!("{:>8}  TCP segments", totals.segments));
    if totals.icmp > 0 {
        page.line(&format!("{:>8}  ICMP errors about TCP", totals.icmp));
    }
    let skipped = SkipReason::ALL.iter().zip(totals.skipped).filter(|(_, n)| *n > 0);
    for (reason, n) in skipped {
        let links: Vec<_> = totals.unknown_links.iter().map(|(link, _)| link_name(link)).collect();
        let which = match reason {
            SkipReason::UnknownLinkType => format!(" ({})", links.join(", ")),
            _ => String::new(),
        };
        page.line(&format!("{n:>8}  skipped: {}{which}", reason.name()));
    }
    page.line(&format!("{:>8}  flows", totals.flows));
}

fn counts(page: &mut Page, totals: &Totals) {
    let share = |n: u64| match totals.by_opening.iter().sum::<u64>() {
        0 => String::new(),
        all => format!("{:.1} %", n as f64 * 100.0 / all as f64),
    };
    let row = |n: u64, name: &str, what: &str| format!("{n:>8} {:>7}  {name:<18} {what}", share(n));
    page.section(
        "Opening",
        Opening::ALL
            .iter()
            .zip(totals.by_opening)
            .filter(|(_, n)| *n > 0)
            .map(|(opening, n)| row(n, opening.name(), words::opening(*opening))),
    );
    page.section(
        "Closing",
        Closing::ALL
            .iter()
            .zip(totals.by_closing)
            .filter(|(_, n)| *n > 0)
            .map(|(closing, n)| row(n, closing.name(), words::closing(*closing))),
    );
}

fn anomalies(page: &mut Page, totals: &Totals) {
    let severity = |id: &str| {
        let reported = totals.severities.iter().find(|(other, _)| *other == id);
        reported.map_or("", |(_, severity)| severity.name())
    };
    page.section(
        "Anomalies",
        totals.anomalies.iter().filter(|(_, n)| *n > 0).map(|(id, n)| format!("{n:>8}  {:<6} {id}", severity(id))),
    );
}

/// Failures of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failures {
    pub(super) count: u64,
    /// The one server that all of them went to.
    pub(super) target: Option<IpAddr>,
}

/// Clients with the most failures, in bounded memory: when there are too many, the lighter half is forgotten.
#[derive(Debug, Default)]
pub(super) struct Talkers {
    failures: HashMap<IpAddr, Failures>,
    pushed_out: u64,
}

impl Talkers {
    pub(super) fn add(&mut self, client: IpAddr, server: IpAddr) {
        if let Some(failures) = self.failures.get_mut(&client) {
            failures.count += 1;
            failures.target = failures.target.filter(|target| *target == server);
            return;
        }
        if self.failures.len() >= MAX_TALKERS {
            self.push_out();
        }
        self.failures.insert(client, Failures { count: 1, target: Some(server) });
    }

    /// Drops the half with the fewest failures at once, so that a flood of clients does not search the table each time.
    fn push_out(&mut self) {
        let mut order: Vec<(u64, IpAddr)> = self.failures.iter().map(|(ip, f)| (f.count, *ip)).collect();
        order.sort_unstable();
        for (_, ip) in order.iter().take(MAX_TALKERS / 2) {
            self.failures.remove(ip);
        }
        self.pushed_out += MAX_TALKERS as u64 / 2;
    }

    pub(super) fn most(&self) -> Vec<(IpAddr, Failures)> {
        let mut all: Vec<(IpAddr, Failures)> = self.failures.iter().map(|(ip, f)| (*ip, *f)).collect();
        all.sort_unstable_by_key(|(ip, f)| (core::cmp::Reverse(f.count), *ip));
        all.truncate(SHOWN_TALKERS);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn a_heavy_client_survives_a_flood_of_light_ones() {
        let mut talkers = Talkers::default();
        for n in 0..100_000u32 {
            talkers.add(ip(1_000_000 + n), ip(1));
            if n % 100 == 0 {
                talkers.add(ip(7), ip(1));
                talkers.add(ip(7), ip(2));
            }
        }
        let most = talkers.most();
        assert!(talkers.failures.len() <= MAX_TALKERS);
        assert_eq!(most.first().map(|(client, f)| (*client, f.count, f.target)), Some((ip(7), 2000, None)));
    }
}
