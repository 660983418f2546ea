//! Who holds connections of whom without using them: open and silent, half-open (Naptha, Sockstress), or with a request
//! that never ends (Slowloris).
//!
//! A source's pairs are not distinguished until it holds several connections at once: most never do.

use core::net::IpAddr;

use super::clients::network_of;
use super::event::Condition;
use super::input::Places;
use super::reporter::{Report, Reporter};
use super::rules;
use super::sketch::{Bounded, Weigh, fixed_hash_of};
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// So many half-open, and silent, connections a source must hold before they are counted by service.
pub(super) const SEVERAL_HALF_OPEN: u32 = 8;
pub(super) const SEVERAL_SILENT: u32 = 16;
/// Silent open connections of one source at one service.
const SILENT: u32 = 300;
/// They are a flood when they have been silent for so long, or at the end if hardly any was ever used.
const SILENCE: i64 = 10 * SECOND;
/// Sources that hold connections of a service together, at least.
const TOGETHER: u64 = 10;
/// Ports of services that answer each request in plain text as soon as they have it (HTTP).
const ANSWERS_REQUESTS: [u16; 8] = [80, 81, 3000, 3128, 8000, 8008, 8080, 8888];
/// Places by which they are counted.
const PLACES: u32 = 1024;
/// Half-open connections of one source at one service.
const HALF_OPEN: u32 = 50;
/// They are many when they have been for so long: until then their acknowledgments may be on their way.
const HALF_OPEN_FOR: i64 = 3 * SECOND;
const NEVER: Timestamp = Timestamp(i64::MAX);
/// Half-open connections older than this are no longer counted.
pub(super) const HALF_OPEN_AGE: i64 = 30 * SECOND;

/// A connection that is held from now on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub(super) now: Timestamp,
    pub(super) frame: u64,
    pub(super) client: IpAddr,
    pub(super) server: Endpoint,
    /// How many the client holds with it, of all services.
    pub(super) held: u32,
}

#[derive(Debug)]
struct Held {
    opened: u32,
    used: u32,
    silent: u32,
    /// Those on which the client sends a little now and then, and the server has said nothing.
    trickling: u32,
    trickling_since: Option<Timestamp>,
    /// Half-open ones of these thirty seconds, and those that opened in them.
    half_open: u32,
    completed: u32,
    since: Timestamp,
    last: Timestamp,
    /// When the silent ones last became many.
    many_since: Option<Timestamp>,
    reported: bool,
    half_open_reported: bool,
    /// When the half-open ones became many.
    half_open_since: Option<Timestamp>,
    frame: u64,
    /// Of a network: the address that holds most, if any holds more than half, and the votes it leads by (Boyer and
    /// Moore).
    source: Option<IpAddr>,
    lead: u32,
}

impl Weigh for Held {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.silent + self.half_open), self.last.0)
    }
}

impl Held {
    const fn new(now: Timestamp, (half_open, silent): (u32, u32)) -> Self {
        Self {
            opened: silent,
            used: 0,
            silent,
            trickling: 0,
            trickling_since: None,
            half_open,
            completed: 0,
            since: now,
            last: now,
            many_since: None,
            reported: false,
            half_open_reported: false,
            half_open_since: None,
            frame: 0,
            source: None,
            lead: 0,
        }
    }

    /// When it is judged next.
    fn waits_until(&self) -> Timestamp {
        let since = self.many_since.into_iter().chain(self.trickling_since).min().filter(|_| !self.reported);
        let silent = since.map_or(NEVER, |since| since.after(SILENCE));
        let half_open = self.half_open_since.filter(|_| !self.half_open_reported);
        half_open.map_or(silent, |since| silent.min(since.after(HALF_OPEN_FOR)))
    }

    fn vote(&mut self, client: IpAddr) {
        match self.source {
            Some(ip) if ip == client => self.lead += 1,
            _ if self.lead == 0 => (self.source, self.lead) = (Some(client), 1),
            _ => self.lead -= 1,
        }
    }

    /// One more that is open and silent; whether they are many from now on.
    const fn more(&mut self, now: Timestamp, frame: u64) -> bool {
        self.opened += 1;
        self.silent += 1;
        self.frame = if self.frame == 0 { frame } else { self.frame };
        let new = self.silent >= SILENT && self.many_since.is_none();
        if new {
            self.many_since = Some(now);
        }
        new
    }

    /// One more on which a request trickles in; whether they are many from now on.
    fn trickle(&mut self, new: &Connection) -> bool {
        self.last = new.now;
        self.trickling += 1;
        self.frame = if self.frame == 0 { new.frame } else { self.frame };
        let many = self.trickling >= SILENT && self.trickling_since.is_none();
        if many {
            self.trickling_since = Some(new.now);
        }
        many
    }

    const fn trickle_no_more(&mut self) {
        self.trickling = self.trickling.saturating_sub(1);
        if self.trickling < SILENT {
            self.trickling_since = None;
        }
    }

    /// Whether many have trickled for long enough.
    fn trickles(&self, now: Timestamp, last: bool) -> bool {
        !self.reported && self.trickling_since.is_some_and(|since| now - since >= SILENCE || last)
    }
}

/// All that is held of one service, by whomever.
#[derive(Debug)]
struct HeldByAll {
    held: Held,
    /// Places filled by the hashes of sources.
    sources: Box<[u64; (PLACES / 64) as usize]>,
}

impl Weigh for HeldByAll {
    fn weight(&self) -> (u64, i64) {
        self.held.weight()
    }
}

impl HeldByAll {
    fn new(now: Timestamp, before: u32) -> Self {
        Self { held: Held::new(now, (0, before)), sources: Box::new([0; (PLACES / 64) as usize]) }
    }

    fn see(&mut self, client: IpAddr) {
        let place = fixed_hash_of(&client) as u32 % PLACES;
        if let Some(places) = self.sources.get_mut((place / 64) as usize) {
            *places |= 1 << (place % 64);
        }
    }

    /// Distinct sources, estimated from the places that are free (linear counting, Whang et al., 1990).
    fn sources(&self) -> u64 {
        let filled: u32 = self.sources.iter().map(|places| places.count_ones()).sum();
        let (all, free) = (f64::from(PLACES), f64::from((PLACES - filled).max(1)));
        (all * (all / free).ln()).round() as u64
    }
}

/// Sources and the services they hold connections of.
#[derive(Debug)]
pub(super) struct ConnectionHolding {
    pairs: Bounded<(IpAddr, Endpoint), Held>,
    /// The same by network: several addresses that hold a few each.
    networks: Bounded<(IpAddr, Endpoint), Held>,
    /// And by service: many addresses that hold a few each.
    services: Bounded<Endpoint, HeldByAll>,
    /// When the next of them has been silent for long enough.
    due: Timestamp,
    /// What the capture lacks.
    capture: Condition,
}

impl ConnectionHolding {
    /// The capture is known to be so.
    pub(super) const fn capture(&mut self, condition: Condition) {
        self.capture = condition;
    }

    pub(super) fn new(limit: usize) -> Self {
        Self {
            pairs: Bounded::new(limit),
            networks: Bounded::new(limit),
            services: Bounded::new(limit / 4),
            due: NEVER,
            capture: Condition::default(),
        }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        let places = self.services.iter().count() * (PLACES / 8) as usize;
        self.pairs.octets() + self.networks.octets() + self.services.octets() + places
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.pairs.evicted() + self.networks.evicted() + self.services.evicted()
    }

    /// A SYN-ACK that waits for its acknowledgment, the latest of `held` of the client.
    pub(super) fn half_opened(&mut self, new: &Connection, at: &mut Places) {
        let now = new.now;
        at.half_open_counted = true;
        let held = self.held(new, (new.held.saturating_sub(1), 0), at);
        if now - held.since > HALF_OPEN_AGE {
            // Those that are many have been there since before.
            let half_open = if held.half_open_since.is_some() { held.half_open } else { 0 };
            (held.since, held.half_open, held.completed) = (now, half_open, 0);
        }
        held.half_open += 1;
        // Where some complete it is only a busy moment.
        let many = held.half_open >= HALF_OPEN && held.completed <= held.half_open / 4;
        if many && held.half_open_since.is_none() && !held.half_open_reported {
            held.half_open_since = Some(now);
            self.due = self.due.min(now.after(HALF_OPEN_FOR));
        }
    }

    /// A half-open connection was completed, reset or given up.
    pub(super) fn half_closed(&mut self, client: IpAddr, server: Endpoint, at: &mut Places) {
        if let Some(held) = self.pairs.get_at(&mut at.pair, &(client, server)) {
            held.half_open = held.half_open.saturating_sub(1);
            held.completed = held.completed.saturating_add(1);
            if held.half_open < HALF_OPEN || held.completed > held.half_open / 4 {
                held.half_open_since = None;
            }
        }
    }

    /// A connection opened, and nothing has been said on it, as on `held` of the client.
    pub(super) fn opened(&mut self, new: &Connection, at: &mut Places) {
        let Connection { now, frame, .. } = *new;
        at.silent_counted = true;
        let held = self.held(new, (0, new.held.saturating_sub(1)), at);
        if held.more(now, frame) {
            self.due = self.due.min(now.after(SILENCE));
        }
    }

    /// The client sends a little more, and its server has said nothing for long.
    pub(super) fn trickles(&mut self, new: &Connection, at: &mut Places) {
        if core::mem::replace(&mut at.trickles, true) {
            return;
        }
        let mut many = self.held(new, (0, 0), at).trickle(new);
        if ANSWERS_REQUESTS.contains(&new.server.port) {
            let all = self.services.entry(new.server, || HeldByAll::new(new.now, 0));
            all.see(new.client);
            many |= all.held.trickle(new);
        }
        if many {
            self.due = self.due.min(new.now.after(SILENCE));
        }
    }

    /// The server answered at last, or the connection ended.
    pub(super) fn trickles_no_more(&mut self, client: IpAddr, server: Endpoint, at: &mut Places) {
        if !core::mem::take(&mut at.trickles) {
            return;
        }
        if let Some(held) = self.pairs.get_at(&mut at.pair, &(client, server)) {
            held.trickle_no_more();
        }
        if let Some(all) = self.services.get_mut(&server) {
            all.held.trickle_no_more();
        }
    }

    /// Something was said on a silent connection for the first time.
    pub(super) fn used(&mut self, client: IpAddr, server: Endpoint, at: &mut Places) {
        if let Some(held) = self.pairs.get_at(&mut at.pair, &(client, server)) {
            held.used += 1;
            Self::less(held);
        }
    }

    /// A connection that had stayed silent ended.
    pub(super) fn closed(&mut self, client: IpAddr, server: Endpoint, at: &mut Places) {
        if let Some(held) = self.pairs.get_at(&mut at.pair, &(client, server)) {
            Self::less(held);
        }
    }

    /// A connection opened, and nothing has been said on it, as on `held` (here of the service).
    pub(super) fn opened_in_network(&mut self, new: &Connection) {
        let Connection { now, frame, client, server, held } = *new;
        let network = network_of(client);
        // Those of before are probably its own, if it is the first.
        let before = if held <= SEVERAL_SILENT { held.saturating_sub(1) } else { 0 };
        let held = self.networks.entry((network, server), || Held::new(now, (0, before)));
        held.last = now;
        held.vote(client);
        let many = held.more(now, frame);
        let all = self.services.entry(server, || HeldByAll::new(now, new.held.saturating_sub(1)));
        all.held.last = now;
        all.see(client);
        if all.held.more(now, frame) || many {
            self.due = self.due.min(now.after(SILENCE));
        }
    }

    /// Something was said for the first time on a connection that [`Self::opened_in_network`] counted.
    pub(super) fn used_in_network(&mut self, client: IpAddr, server: Endpoint) {
        if let Some(held) = self.networks.get_mut(&(network_of(client), server)) {
            held.used += 1;
            Self::less(held);
        }
        if let Some(all) = self.services.get_mut(&server) {
            all.held.used += 1;
            Self::less(&mut all.held);
        }
    }

    /// Such a connection ended.
    pub(super) fn closed_in_network(&mut self, client: IpAddr, server: Endpoint) {
        if let Some(held) = self.networks.get_mut(&(network_of(client), server)) {
            Self::less(held);
        }
        if let Some(all) = self.services.get_mut(&server) {
            Self::less(&mut all.held);
        }
    }

    /// Time passes: what has been silent for long enough by `now` is judged. How many entries were visited.
    pub(super) fn tick(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) -> usize {
        if now < self.due {
            return 0;
        }
        self.judge_all(now, false, reporter, out);
        self.pairs.len() + self.networks.len() + self.services.len()
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        self.judge_all(now, true, reporter, out);
    }

    fn judge_all(&mut self, now: Timestamp, last: bool, reporter: &mut Reporter, out: Report<'_>) {
        self.due = NEVER;
        let shown = self.capture.shows_completion();
        for ((client, server), held) in self.pairs.iter_mut() {
            if shown {
                Self::judge_half_open(held, now, *client, *server, reporter, out);
            }
            Self::judge(held, now, *client, *server, last, reporter, out);
            self.due = self.due.min(held.waits_until());
        }
        for ((network, server), held) in self.networks.iter_mut() {
            Self::judge(held, now, *network, *server, last, reporter, out);
            self.due = self.due.min(held.waits_until());
        }
        self.judge_services(now, last, reporter, out);
        // Those that are due and are not reported wait for something else to change.
        self.due = self.due.max(now.after(SECOND));
    }

    /// Services with many sources that hold a few connections each.
    fn judge_services(&mut self, now: Timestamp, last: bool, reporter: &mut Reporter, out: Report<'_>) {
        let named: Vec<(Endpoint, u32, u32)> = [&self.pairs, &self.networks]
            .into_iter()
            .flat_map(Bounded::iter)
            .filter(|(_, held)| held.reported)
            .map(|((_, server), held)| (*server, held.silent, held.trickling))
            .collect();
        for (server, all) in self.services.iter_mut() {
            self.due = self.due.min(all.held.waits_until());
            let trickles = all.held.trickles(now, last);
            let is_silent = !all.held.reported
                && all.held.many_since.is_some_and(|since| now - since >= SILENCE || last)
                && all.held.used * 20 <= all.held.opened;
            if !trickles && !is_silent {
                continue;
            }
            let sources = all.sources();
            let of_it = || named.iter().filter(|(of, ..)| of == server);
            let by_others: u32 = of_it().map(|(_, silent, _)| silent).sum();
            let trickling_by_others: u32 = of_it().map(|(.., trickling)| trickling).sum();
            let held = &mut all.held;
            let finding = if sources < TOGETHER {
                continue;
            } else if trickles && 2 * trickling_by_others < held.trickling {
                trickling_together(held, *server, sources)
            } else if is_silent && 2 * by_others < held.silent {
                silent_together(held, *server, sources)
            } else {
                continue;
            };
            held.reported = true;
            let finding = finding.frames(Some(held.frame).filter(|f| *f > 0));
            let target = Some((server.ip, Some(server.port)));
            reporter.report(&rules::CONNECTION_FLOOD, now, (None, target), finding, out);
        }
    }

    /// What the client holds there; at first as much as it is known to hold anywhere: (half-open, silent).
    fn held(
        &mut self,
        &Connection { now, client, server, .. }: &Connection,
        (half_open, silent): (u32, u32),
        at: &mut Places,
    ) -> &mut Held {
        let held = self.pairs.entry_at(&mut at.pair, (client, server), || Held::new(now, (half_open, silent)));
        held.last = now;
        held
    }

    const fn less(held: &mut Held) {
        held.silent = held.silent.saturating_sub(1);
        if held.silent < SILENT {
            held.many_since = None;
        }
    }

    fn judge_half_open(
        held: &mut Held,
        now: Timestamp,
        client: IpAddr,
        server: Endpoint,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        let since = held.half_open_since.filter(|since| now - *since >= HALF_OPEN_FOR && !held.half_open_reported);
        if since.is_none() {
            return;
        }
        held.half_open_reported = true;
        let finding = Finding::new(format!("{client} holds {} embryonic connections to {server}", held.half_open))
            .figure("half_open", held.half_open);
        reporter.report(&rules::HALF_OPEN_ACCUMULATION, now, ends(client, server), finding, out);
    }

    fn judge(
        held: &mut Held,
        now: Timestamp,
        client: IpAddr,
        server: Endpoint,
        last: bool,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) {
        if held.reported {
            return;
        }
        if held.trickles(now, last) {
            held.reported = true;
            let finding = Finding::new(format!(
                "{client} holds {} open connections to {server} on which requests trickle in and never end",
                held.trickling
            ))
            .figure("trickling", held.trickling)
            .frames(Some(held.frame).filter(|f| *f > 0));
            reporter.report(&rules::CONNECTION_FLOOD, now, ends(client, server), finding, out);
            return;
        }
        let Some(since) = held.many_since else { return };
        let hardly_used = held.used * 20 <= held.opened;
        if now - since < SILENCE && !(last && hardly_used) {
            return;
        }
        // An address that holds most of them is reported by itself.
        if held.source.is_some() && 2 * held.lead >= held.opened {
            return;
        }
        held.reported = true;
        let who = if held.source.is_some() { format!("the network of {client}") } else { client.to_string() };
        let finding = Finding::new(format!(
            "{who} holds {} open connections to {server} on which nothing was ever said; it used {} of {}",
            held.silent, held.used, held.opened
        ))
        .figure("silent", held.silent)
        .figure("opened", held.opened)
        .figure("used", held.used)
        .frames(Some(held.frame).filter(|f| *f > 0));
        reporter.report(&rules::CONNECTION_FLOOD, now, ends(client, server), finding, out);
    }
}

type Ends = (Option<super::reporter::Whom>, Option<super::reporter::Whom>);

const fn ends(client: IpAddr, server: Endpoint) -> Ends {
    (Some((client, None)), Some((server.ip, Some(server.port))))
}

/// Requests trickle in from many sources and never end.
fn trickling_together(held: &Held, server: Endpoint, sources: u64) -> Finding {
    Finding::new(format!(
        "some {sources} sources hold {} open connections to {server} on which requests trickle in and never end",
        held.trickling
    ))
    .figure("sources", sources as i64)
    .figure("trickling", held.trickling)
}

/// Connections of many sources are open, and nothing was ever said on them.
fn silent_together(held: &Held, server: Endpoint, sources: u64) -> Finding {
    Finding::new(format!(
        "some {sources} sources hold {} open connections to {server} on which nothing was ever said; they used {} of \
         {}",
        held.silent, held.used, held.opened
    ))
    .figure("sources", sources as i64)
    .figure("silent", held.silent)
    .figure("opened", held.opened)
    .figure("used", held.used)
}
