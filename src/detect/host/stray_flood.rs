//! Floods of segments that belong to no connection: to one host, or spread over the hosts of a network.
//!
//! Segments are counted by the second. What is left of connections looks the same for a moment: after a server lost
//! them, or where they are older than the capture.

use core::net::IpAddr;

use smallvec::SmallVec;

use super::clients::{network_of, prefix_of};
use super::event::Condition;
use super::probe::Stray;
use super::reporter::{Report, Reporter, Whom};
use super::rules;
use super::sketch::{Bounded, Distinct, Weigh, fixed_hash_of};
use crate::detect::anomaly::{Figure, Phase};
use crate::detect::rule::Finding;
use crate::time::{SECOND, Timestamp};

/// Stray segments of one second, each with a four-tuple of its own, that are a flood where the target answers them by
/// RST (or cannot: they are RSTs).
const FLOOD: u32 = 250;
/// The same where nothing proves them stray.
const FLOOD_UNANSWERED: u32 = 1000;
/// Seconds of it that clients of a server that has lost its connections do not fill, and the clients of many servers
/// behind one router.
const LOST_FOR: u32 = 2;
const ALL_LOST_FOR: u32 = 3;
/// Least number of them to each port: fewer are a scan.
const PER_PORT: u32 = 4;
/// Filled places of 64, by the hashes of sources, from which there are some fifty sources or more.
const MANY_SOURCES: u32 = 36;
/// Filled places of 64: the ports of a host fill more in a scan, and the hosts of a network fill more when the flood is
/// spread.
const MANY_PORTS: u32 = 48;
const SPREAD: u32 = 12;
/// Seconds of a flood of a network's hosts that nothing proves.
const UNPROVED_FOR: u32 = 3;
/// Networks, and hosts of one that a list names.
const NETWORKS: usize = 1024;
const LISTED: usize = 32;
const MAX_FRAMES: usize = 8;
/// So long after the first stray segment those of connections that are older than the capture are still many.
const BEGINNING: i64 = 5 * SECOND;
/// Floods of that time that are held back, and floods that go on at a time, at most.
const MAX_EARLY: usize = 64;
const MAX_RUNNING: usize = 256;
/// A flood is over after so long with fewer segments a second than this.
const CALM: (i64, u32) = (60 * SECOND, 50);

/// A flood that goes on.
#[derive(Debug)]
struct StrayFlood {
    /// Under which it is reported. `None`: it is held back until it is known whether the capture shows both directions.
    incident: Option<u64>,
    early: Finding,
    source: Option<IpAddr>,
    /// Port of a host that got the segment with which it was found.
    port: Option<u16>,
    found: Timestamp,
    begin: Timestamp,
    last: Timestamp,
    segments: u64,
    proved: u64,
    peak: u32,
    sources: Distinct,
}

/// Stray segments to a host, or to the hosts of a network, of one second at a time.
#[derive(Debug)]
struct StrayCount {
    last: Timestamp,
    /// When the second counted here began.
    second: Timestamp,
    begun: u32,
    proved: u32,
    /// Of those, answers of the target's own.
    answered: u32,
    /// Seconds before this one, one after the other, with a flood's worth of segments.
    heavy: u32,
    /// Places filled by the ports of a host or the hosts of a network, and by sources: by their hashes.
    spread: u64,
    sources: u64,
    source: Option<IpAddr>,
    many_sources: bool,
    /// Of a network, once there are many within a second: sources with their targets, and how many segments.
    pairs: Option<Box<Distinct>>,
    seen: u32,
    listed: SmallVec<[IpAddr; 2]>,
    frames: SmallVec<[u64; 2]>,
    flood: Option<Box<StrayFlood>>,
    /// Whether its flood was counted as one that is not followed.
    unfollowed: bool,
}

impl Weigh for StrayCount {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.begun) + if self.flood.is_some() { 1 << 32 } else { 0 }, self.last.0)
    }
}

impl StrayCount {
    fn new(now: Timestamp) -> Self {
        Self {
            last: now,
            second: now,
            begun: 0,
            proved: 0,
            answered: 0,
            heavy: 0,
            spread: 0,
            sources: 0,
            source: None,
            many_sources: false,
            pairs: None,
            seen: 0,
            listed: SmallVec::new(),
            frames: SmallVec::new(),
            flood: None,
            unfollowed: false,
        }
    }

    fn begin_second(&mut self, now: Timestamp) {
        let goes_on = self.begun >= FLOOD && now - self.second < 2 * SECOND;
        self.unfollowed &= goes_on;
        self.heavy = if goes_on { self.heavy + 1 } else { 0 };
        if self.begun < FLOOD && self.flood.is_none() {
            (self.pairs, self.seen) = (None, 0);
            self.listed.clear();
            self.frames.clear();
        }
        self.second = now;
        (self.begun, self.proved, self.answered, self.spread, self.sources) = (0, 0, 0, 0, 0);
        (self.source, self.many_sources) = (None, false);
    }

    /// One more; hashes of what it is spread over and of its source.
    fn add(&mut self, s: &Stray, over: u64, source: u64) {
        self.last = s.time;
        if s.time - self.second >= SECOND {
            self.begin_second(s.time);
        }
        self.proved += u32::from(s.proved || s.answer);
        self.answered += u32::from(s.answer);
        if !s.answer {
            self.begun += 1;
            self.spread |= 1 << (over & 63);
            self.sources |= 1 << (source & 63);
            match self.source {
                None => self.source = Some(s.from.ip),
                Some(ip) if ip != s.from.ip => self.many_sources = true,
                Some(_) => {}
            }
            if self.frames.len() < MAX_FRAMES {
                self.frames.push(s.frame);
            }
        }
        let Some(flood) = &mut self.flood else { return };
        flood.proved += u64::from(s.proved || s.answer);
        if !s.answer {
            flood.segments += 1;
            flood.sources.add(source);
            flood.peak = flood.peak.max(self.begun);
            if self.begun >= CALM.1 {
                flood.last = s.time;
            }
            if flood.source != Some(s.from.ip) {
                flood.source = None;
            }
        }
    }

    /// The same segment, of a network: whom its sources ask.
    fn add_pair(&mut self, s: &Stray) {
        if s.answer || self.begun < FLOOD / 4 || self.spread.count_ones() < SPREAD {
            return;
        }
        self.pairs.get_or_insert_with(|| Box::new(Distinct::new())).add(fixed_hash_of(&(s.from.ip, s.to)));
        self.seen += 1;
        if self.listed.len() < LISTED && !self.listed.contains(&s.to.ip) {
            self.listed.push(s.to.ip);
        }
    }

    const fn has_many_sources(&self) -> bool {
        self.sources.count_ones() >= MANY_SOURCES
    }

    /// Whether a host is flooded, and not scanned: proved, or nothing answers the strays after the `beginning`.
    const fn is_of_host(&self, beginning: bool) -> bool {
        let ports = self.spread.count_ones();
        // Who scans many ports comes from few addresses.
        let no_scan = (self.begun >= PER_PORT * ports && ports < MANY_PORTS) || self.has_many_sources();
        // A server that lost its connections resets what their clients still send as well, for a moment.
        let lost = self.proved - self.answered < FLOOD && self.begun < FLOOD_UNANSWERED && self.heavy < LOST_FOR;
        let proved = self.proved >= FLOOD && self.begun >= FLOOD && !lost;
        let unanswered = self.begun >= FLOOD_UNANSWERED && self.proved == 0 && !beginning;
        no_scan && (proved || unanswered)
    }

    /// Whether a network is: of many sources, or the same again and again, and proved, or long enough.
    fn is_of_network(&self) -> bool {
        if self.begun < FLOOD || self.spread.count_ones() < SPREAD {
            return false;
        }
        // What its hosts have in common may be a router that was restarted: it resets what is left of connections.
        let lost = self.proved - self.answered < FLOOD && self.heavy < ALL_LOST_FOR;
        let proved = self.proved >= FLOOD && !lost;
        let unproved = self.begun >= FLOOD_UNANSWERED && self.heavy >= UNPROVED_FOR;
        let again = || {
            let pairs = self.pairs.as_ref().map_or(u64::MAX, |pairs| pairs.count());
            u64::from(self.seen) >= u64::from(PER_PORT).saturating_mul(pairs)
        };
        (proved || unproved) && (self.has_many_sources() || again())
    }

    /// A flood begins with the second that is counted.
    fn begin(&mut self, s: &Stray, is_network: bool) {
        let (begun, proved) = (self.begun, self.proved);
        let to = if is_network { format!("hosts of {}", prefix_of(network_of(s.to.ip))) } else { s.to.to_string() };
        let early = Finding::new(format!(
            "{begun} segments without a connection to {to} within one second, {proved} of them proved stray"
        ))
        .figure("segments", begun)
        .figure("proved", proved)
        .frames(self.frames.iter().copied());
        let mut sources = Distinct::new();
        sources.add(fixed_hash_of(&s.from.ip));
        self.flood = Some(Box::new(StrayFlood {
            incident: None,
            early: self.with_network(early, s.to.ip, is_network),
            source: self.source.filter(|_| !self.many_sources),
            port: (!is_network).then_some(s.to.port),
            found: s.time,
            begin: self.second,
            last: s.time,
            segments: u64::from(begun),
            proved: u64::from(proved),
            peak: begun,
            sources,
        }));
    }

    fn with_network(&self, mut finding: Finding, ip: IpAddr, is_network: bool) -> Finding {
        if is_network {
            let listed = self.listed.iter().map(ToString::to_string).collect();
            finding.figures.push(("network", Figure::Text(prefix_of(network_of(ip)).to_string())));
            finding.figures.push(("targets_listed", Figure::Texts(listed)));
        }
        finding
    }

    /// What the flood of `key` was as a whole.
    fn total(&self, flood: &StrayFlood, (is_network, ip): StrayTarget) -> Finding {
        let lasted = (flood.last - flood.begin).max(0);
        let seconds = lasted.max(SECOND) as f64 / 1e9;
        let to = if is_network { format!("hosts of {}", prefix_of(ip)) } else { ip.to_string() };
        let finding = Finding::new(format!(
            "flood of segments without a connection to {to} over: {} in {seconds:.0} s, at most {} a second, {} proved \
             stray",
            flood.segments, flood.peak, flood.proved
        ))
        .figure("segments", flood.segments as i64)
        .figure("proved", flood.proved as i64)
        .figure("rate", flood.segments as f64 / seconds)
        .figure("peak", flood.peak)
        .figure("sources", flood.sources.count() as i64)
        .figure("duration_ns", lasted)
        .frames(self.frames.iter().copied());
        self.with_network(finding, ip, is_network)
    }
}

/// Whether it is a network, and its (first) address.
type StrayTarget = (bool, IpAddr);

/// Hosts and networks that get stray segments.
#[derive(Debug)]
pub(super) struct StrayFloods {
    hosts: Bounded<IpAddr, StrayCount>,
    networks: Bounded<IpAddr, StrayCount>,
    running: Vec<StrayTarget>,
    /// How many of them are held back.
    early: usize,
    /// Floods that were not followed, because too many went on.
    unfollowed: u64,
    first: Option<Timestamp>,
    /// What the capture lacks.
    capture: Condition,
}

impl StrayFloods {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            hosts: Bounded::new(limit),
            networks: Bounded::new(NETWORKS.min(limit)),
            running: Vec::new(),
            early: 0,
            unfollowed: 0,
            first: None,
            capture: Condition::default(),
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let all = self.hosts.iter().chain(self.networks.iter());
        let sketches = all.map(|(_, count)| usize::from(count.pairs.is_some()) + usize::from(count.flood.is_some()));
        self.hosts.octets() + self.networks.octets() + 4096 * sketches.sum::<usize>()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.hosts.evicted() + self.networks.evicted() + self.unfollowed
    }

    /// The capture is known to be so.
    pub(super) const fn capture(&mut self, condition: Condition) {
        self.capture = condition;
    }

    /// A stray segment to a host.
    pub(super) fn stray(&mut self, s: &Stray, reporter: &mut Reporter, out: Report<'_>) {
        let first = *self.first.get_or_insert(s.time);
        let (ip, network_ip) = (s.to.ip, network_of(s.to.ip));
        let (source, target) = (fixed_hash_of(&s.from.ip), fixed_hash_of(&s.to.ip));
        let network = self.networks.entry(network_ip, || StrayCount::new(s.time));
        network.add(s, target, source);
        network.add_pair(s);
        let host = self.hosts.entry(ip, || StrayCount::new(s.time));
        host.add(s, fixed_hash_of(&u64::from(s.to.port)), source);
        let beginning = s.time - first <= BEGINNING;
        let full = self.running.len() >= MAX_RUNNING;
        if full && host.flood.is_none() && network.flood.is_none() {
            if (host.is_of_host(beginning) || network.is_of_network()) && !host.unfollowed {
                host.unfollowed = true;
                self.unfollowed += 1;
            }
            return;
        }
        if network.flood.is_none() && host.flood.is_none() && host.is_of_host(beginning) {
            let answered = host.answered >= FLOOD;
            host.begin(s, false);
            return self.found((false, ip), answered, beginning, reporter, out);
        }
        // Where one host gets it all, that is reported of the host.
        if host.flood.is_none() && network.flood.is_none() && network.is_of_network() {
            let answered = network.answered >= FLOOD;
            network.begin(s, true);
            self.found((true, network_ip), answered, beginning, reporter, out);
        }
    }

    /// A flood was found. Answers prove that a segment is stray; that it is a reset does not, where connections are
    /// older than the capture.
    fn found(&mut self, key: StrayTarget, answered: bool, beginning: bool, reporter: &mut Reporter, out: Report<'_>) {
        self.running.push(key);
        self.early += 1;
        if answered || self.early > MAX_EARLY || !beginning {
            self.report_early(reporter, out);
        }
    }

    fn count_of(&mut self, (is_network, ip): StrayTarget) -> Option<&mut StrayCount> {
        if is_network { self.networks.get_mut(&ip) } else { self.hosts.get_mut(&ip) }
    }

    /// What was held back is reported; in a capture of one direction it is nothing.
    fn report_early(&mut self, reporter: &mut Reporter, out: Report<'_>) {
        self.early = 0;
        let asymmetric = self.capture.asymmetric;
        for key in self.running.clone() {
            let Some(count) = self.count_of(key) else { continue };
            if asymmetric {
                count.flood.take_if(|flood| flood.incident.is_none());
            }
            let Some(flood) = count.flood.as_mut().filter(|flood| flood.incident.is_none()) else { continue };
            let finding = core::mem::take(&mut flood.early);
            let number = reporter.report(&rules::STATELESS_FLOOD, flood.found, ends(flood, key), finding, out);
            flood.incident = Some(number);
        }
    }

    /// Packet time is `now`: what was seen at the beginning is reported when enough has been seen, and what is over.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        if self.early > 0 && self.first.is_some_and(|first| now - first > BEGINNING) {
            self.report_early(reporter, out);
        }
        self.end(now, CALM.0, reporter, out);
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.report_early(reporter, out);
        self.end(now, i64::MIN, reporter, out);
    }

    /// Floods that have been calm for so long are over.
    fn end(&mut self, now: Timestamp, calm: i64, reporter: &mut Reporter, out: Report<'_>) {
        for key in core::mem::take(&mut self.running) {
            let Some(count) = self.count_of(key) else { continue };
            let over = |flood: &mut Box<StrayFlood>| now - flood.last >= calm;
            if let Some(flood) = count.flood.take_if(over) {
                let finding = count.total(&flood, key).of(flood.incident.unwrap_or(0), Phase::Final);
                reporter.report(&rules::STATELESS_FLOOD, now, ends(&flood, key), finding, out);
            } else if count.flood.is_some() {
                self.running.push(key);
            }
        }
    }
}

/// Whom a flood comes from, if from one alone, and whom it goes to.
fn ends(flood: &StrayFlood, (_, ip): StrayTarget) -> (Option<Whom>, Option<Whom>) {
    (flood.source.map(|ip| (ip, None)), Some((ip, flood.port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Selection;
    use crate::tcp::Endpoint;
    use core::net::Ipv4Addr;

    /// 300 hosts of as many networks get resets from everywhere, all at once, for some seconds.
    #[test]
    fn floods_beyond_the_limit_are_counted_once_each() {
        let mut floods = StrayFloods::new(1_000);
        let mut reporter = Reporter::new(&Selection::default());
        let mut reports = 0;
        let moments = (0..4).flat_map(|second| (0..400).map(move |n| (second, n)));
        let segments = moments.flat_map(|(second, n)| (0..300).map(move |host| (second, n, host)));
        for (frame, (second, n, host)) in (1..).zip(segments) {
            let stray = Stray {
                time: Timestamp(i64::from(second) * SECOND + i64::from(n) * 1_000_000 + i64::from(host)),
                frame,
                from: Endpoint { ip: Ipv4Addr::from(0x0a00_0000 + n * 7_919 + second).into(), port: 999 },
                to: Endpoint { ip: Ipv4Addr::from(0xc600_0000 + host * 0x0001_0000).into(), port: 80 },
                proved: true,
                answer: false,
            };
            floods.stray(&stray, &mut reporter, &mut |_| reports += 1);
        }
        assert_eq!((floods.running.len(), floods.evicted()), (MAX_RUNNING, 300 - MAX_RUNNING as u64));
        assert!(reports > 0 && reports <= MAX_RUNNING, "{reports}");
        let followed = floods.hosts.iter().filter(|(_, count)| count.flood.is_some()).count();
        assert_eq!(followed, MAX_RUNNING);
    }
}
