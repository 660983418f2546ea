//! The part of the summary about hosts: who scanned, who was flooded, whose sequence numbers can be guessed.

use super::page::Page;
use crate::detect::host::{Grade, HostDetectors, Incident, IsnReport, Others, ScanReport, Shape};
use crate::output::clock::rfc3339;
use crate::output::duration::human;
use crate::time::Timestamp;

/// Scans, incidents and hosts that are shown of each.
const SHOWN: usize = 10;
/// Columns for open ports, over several lines.
const PORTS_WIDTH: usize = 150;
/// Columns for a host and its port.
const HOST_WIDTH: usize = 28;

/// Everything about hosts; empty where there is nothing to say.
pub(super) fn hosts(hosts: &HostDetectors) -> String {
    let mut page = Page::default();
    scans(&mut page, hosts.scans());
    incidents(&mut page, &hosts.incidents());
    numbers(&mut page, &hosts.isns());
    page.0
}

fn scans(page: &mut Page, mut scans: Vec<ScanReport>) {
    if scans.is_empty() {
        return;
    }
    page.title("Scans");
    // The sort is stable: of equals, the first found comes first.
    scans.sort_by_key(|scan| core::cmp::Reverse(scan.pairs));
    scans.iter().take(SHOWN).for_each(|scan| one_scan(page, scan));
    more(page, scans.len());
}

fn one_scan(page: &mut Page, scan: &ScanReport) {
    let what = match scan.shape {
        Shape::Vertical(host) => format!("vertical {} scan of {host}", scan.technique.name()),
        Shape::Horizontal(port) => format!("horizontal {} scan for port {port}", scan.technique.name()),
        Shape::Block => format!("block {} scan of hosts and ports", scan.technique.name()),
        Shape::Slow => format!("slow {} scan", scan.technique.name()),
    };
    let tool = scan.tool.map_or(String::new(), |tool| format!(", by {}", tool.name()));
    page.wrapped(&format!("  {}  ", scan.source), 6, &format!("{what}{tool}"));
    let (answered, silent) = scan.technique.meaning();
    let lasted = human(scan.last - scan.first);
    page.wrapped(
        "      ",
        6,
        &format!(
            "{} probed, on {}: {} open, {} {answered}, {} {silent}; {} a second for {lasted}",
            plural(scan.pairs, "port"),
            plural(scan.hosts, "host"),
            scan.found_open,
            scan.closed,
            scan.filtered,
            figure(scan.rate),
        ),
    );
    if !scan.open.is_empty() {
        page.wrapped("      open: ", 12, &ports(&scan.open));
    }
}

/// Port numbers, as many as there is room for, and how many more there are.
fn ports(ports: &[u16]) -> String {
    let mut text = String::new();
    for (shown, port) in ports.iter().enumerate() {
        if text.len() > PORTS_WIDTH {
            return format!("{text} and {} more", ports.len() - shown);
        }
        let comma = if text.is_empty() { "" } else { ", " };
        text = format!("{text}{comma}{port}");
    }
    text
}

fn incidents(page: &mut Page, incidents: &[Incident]) {
    if incidents.is_empty() {
        return;
    }
    page.title("Incidents");
    incidents.iter().take(SHOWN).for_each(|incident| one_incident(page, incident));
    more(page, incidents.len());
}

fn one_incident(page: &mut Page, i: &Incident) {
    page.line(&format!("  {}  {}", i.name(), i.rule));
    if let Some(spread) = i.spread {
        let hosts =
            if spread.network.is_some() { format!("some {}, ", plural(spread.hosts, "host")) } else { String::new() };
        page.wrapped("      ", 6, &format!("spread over {hosts}some {}", plural(spread.ports, "port")));
    }
    let end = if i.ended { "" } else { " and on" };
    page.wrapped(
        "      ",
        6,
        &format!("{} to {}{end} ({})", seconds(i.begin), seconds(i.last), human(i.last - i.begin)),
    );
    page.wrapped(
        "      ",
        6,
        &format!(
            "{}, {} answered, {} completed; peak {} a second at {}",
            plural(i.syns, "SYN"),
            i.answered,
            i.completed,
            i.peak,
            time_of_day(i.peak_time),
        ),
    );
    let from = i.source.map_or(String::new(), |source| format!(", nearly all from {source}"));
    page.wrapped("      ", 6, &format!("{}{from}", plural(i.sources, "distinct source")));
    if !i.spoofing.is_empty() {
        page.wrapped("      signs of forgery: ", 8, &i.spoofing.join(", "));
    }
    if i.cookies {
        page.wrapped("      ", 6, "the server answered with SYN cookies");
    } else if i.all_answered {
        page.wrapped("      ", 6, "the server answered every SYN, as with SYN cookies");
    }
    others(page, i);
}

/// What the incident did to those who meant it.
fn others(page: &mut Page, i: &Incident) {
    let all = [&i.before, &i.during, &i.after];
    if all.iter().all(|others| others.success().is_none()) {
        return;
    }
    let row = |name: &str, cell: &dyn Fn(&Others) -> Option<String>| {
        let cells = all.map(|others| format!("{:>13}", cell(others).unwrap_or_else(|| "-".to_owned())));
        format!("      {name:<20}{}", cells.concat())
    };
    page.line(&format!("      {:<20}{:>13}{:>13}{:>13}", "its other clients", "before", "during", "after"));
    page.line(&row("attempts", &|others| Some((others.completed + others.failed).to_string())));
    page.line(&row("got in", &|others| others.success().map(|share| format!("{:.1} %", share * 100.0))));
    page.line(&row("mean connect time", &|others| others.connect_time().map(human)));
}

fn numbers(page: &mut Page, isns: &[IsnReport]) {
    let graded: Vec<&IsnReport> = isns.iter().filter(|isn| isn.grade != Grade::NotEnough).collect();
    if graded.is_empty() {
        return;
    }
    page.title("Initial sequence numbers");
    let head = ("role", "samples", "grade", "bits to guess");
    page.line(&format!("  {:<HOST_WIDTH$}  {:<6}  {:>7}  {:<16}  {:>13}", "host", head.0, head.1, head.2, head.3));
    graded.iter().take(SHOWN).for_each(|isn| one_host(page, isn));
    more(page, graded.len());
    let few = isns.len() - graded.len();
    if few > 0 {
        page.line(&format!("  (and {} with too few connections to say)", plural(few as u64, "host")));
    }
}

fn one_host(page: &mut Page, isn: &IsnReport) {
    let mut host = match isn.port {
        Some(port) => crate::tcp::Endpoint { ip: isn.host, port }.to_string(),
        None => isn.host.to_string(),
    };
    if host.len() > HOST_WIDTH {
        page.line(&format!("  {host}"));
        host.clear();
    }
    page.line(&format!(
        "  {host:<HOST_WIDTH$}  {:<6}  {:>7}  {:<16}  {:>13.1}",
        isn.role.name(),
        isn.samples,
        isn.grade.name(),
        isn.residual_bits
    ));
    if !isn.what.is_empty() {
        page.wrapped("      ", 6, &isn.what);
    }
    if let Some(nmap) = isn.nmap {
        let (number, word) = nmap.difficulty();
        page.line(&format!("      as nmap prints: SP={:X}%GCD={:X}%ISR={:X}", nmap.sp, nmap.gcd, nmap.isr));
        page.line(&format!("      Difficulty={number} ({word})"));
    }
}

fn more(page: &mut Page, all: usize) {
    if all > SHOWN {
        page.line(&format!("  (and {} more)", all - SHOWN));
    }
}

fn plural(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A figure with three digits or so.
fn figure(x: f64) -> String {
    if x < 9.95 { format!("{x:.2}") } else { format!("{x:.0}") }
}

/// A time to the second.
fn seconds(time: Timestamp) -> String {
    let text = rfc3339(time);
    format!("{}Z", String::from_utf8_lossy(text.get(..19).unwrap_or_default()))
}

/// A time to the second, without its date.
fn time_of_day(time: Timestamp) -> String {
    seconds(time).get(11..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv6Addr};

    use super::*;
    use crate::detect::host::{Role, Technique, Tool};
    use crate::tcp::Endpoint;
    use crate::time::SECOND;

    const LONG: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666));

    fn fits(page: &Page) {
        for line in page.0.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    fn scan() -> ScanReport {
        ScanReport {
            source: LONG,
            shape: Shape::Vertical(LONG),
            technique: Technique::Maimon,
            tool: Some(Tool::P0fSendsyn),
            first: Timestamp(0),
            last: Timestamp(12 * SECOND),
            hosts: 1,
            pairs: 65_535,
            open: (60_000..61_000).collect(),
            found_open: 1_000,
            closed: 60_000,
            filtered: 4_535,
            rate: 5_461.25,
            frames: vec![1],
        }
    }

    #[test]
    fn a_scan_fits_and_its_ports_are_cut() {
        let mut page = Page::default();
        scans(&mut page, vec![scan()]);
        fits(&page);
        let words = page.0.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("1000 open, 60000 closed, 4535 open or filtered; 5461 a second for 12.0 s"), "{words}");
        assert!(words.contains("open: 60000, 60001,") && words.ends_with(" 60021 and 978 more"), "{words}");
    }

    #[test]
    fn the_biggest_scans_come_first_and_the_rest_is_counted() {
        let mut page = Page::default();
        let of = |pairs| ScanReport { pairs, open: vec![22], ..scan() };
        scans(&mut page, (1..=SHOWN as u64 + 3).map(of).collect());
        assert!(page.0.contains("(and 3 more)"), "{}", page.0);
        assert!(page.0.contains(" 13 ports probed") && !page.0.contains(" 3 ports probed"), "{}", page.0);
    }

    #[test]
    fn an_incident_fits_and_tells_of_the_others() {
        let incident = Incident {
            rule: "syn-flood",
            victim: Endpoint { ip: LONG, port: 65_535 },
            spread: None,
            begin: Timestamp(1_700_000_000 * SECOND),
            last: Timestamp(1_700_000_060 * SECOND),
            ended: true,
            pulses: 1,
            syns: 10_000_000,
            completed: 12,
            answered: 9_000_000,
            reset: 3,
            peak: 1_000_000,
            peak_time: Timestamp(1_700_000_030 * SECOND),
            sources: 9_876_543,
            source: Some(LONG),
            spoofing: vec!["as many sources as SYNs", "sources spread evenly", "one distance for all sources"],
            all_answered: true,
            cookies: false,
            before: Others { completed: 10, failed: 0, connect_ns: 10_000_000 },
            during: Others { completed: 1, failed: 3, connect_ns: 3 * SECOND },
            after: Others::default(),
            frames: vec![1],
        };
        let mut page = Page::default();
        incidents(&mut page, &[incident]);
        fits(&page);
        let words = page.0.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("peak 1000000 a second at 22:13:50Z"), "{words}");
        assert!(words.contains("got in 100.0 % 25.0 % -"), "{words}");
        assert!(words.contains("mean connect time 1.00 ms 3.00 s -"), "{words}");
    }

    #[test]
    fn hosts_with_few_samples_are_counted_only() {
        let of = |grade, what: &str| IsnReport {
            host: LONG,
            port: Some(65_535),
            role: Role::Server,
            samples: 256,
            grade,
            residual_bits: 32.0,
            what: what.to_owned(),
            nmap: None,
        };
        let mut page = Page::default();
        numbers(&mut page, &[of(Grade::NotEnough, "")]);
        assert!(page.0.is_empty());
        numbers(&mut page, &[of(Grade::SmallIncrements, &"a word ".repeat(20)), of(Grade::NotEnough, "")]);
        fits(&page);
        assert!(page.0.contains("small-increments") && page.0.contains("(and 1 host with too few"), "{}", page.0);
    }
}
