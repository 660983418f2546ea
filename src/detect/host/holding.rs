//! Who holds connections of whom without using them: open and silent, or half-open (Naptha, Sockstress).

use core::net::IpAddr;

use super::desk::{Desk, Report};
use super::sketch::{Bounded, Weigh};
use crate::detect::registry::Finding;
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// Silent open connections of one source at one service.
const SILENT: u32 = 300;
/// They are a flood when they have been silent for so long, or at the end if hardly any was ever used.
const SILENCE: i64 = 10 * SECOND;
/// Half-open connections of one source at one service.
const HALF_OPEN: u32 = 50;
/// Half-open connections older than this are no longer counted.
const HALF_OPEN_AGE: i64 = 30 * SECOND;

#[derive(Debug)]
struct Held {
    opened: u32,
    used: u32,
    silent: u32,
    /// Half-open ones of these thirty seconds, and those that opened in them.
    half_open: u32,
    completed: u32,
    since: Timestamp,
    last: Timestamp,
    /// When the silent ones last became many.
    many_since: Option<Timestamp>,
    told: bool,
    half_open_told: bool,
    frame: u64,
}

impl Weigh for Held {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.silent + self.half_open), self.last.0)
    }
}

/// Sources and the services they hold connections of.
#[derive(Debug)]
pub(super) struct Holding {
    pairs: Bounded<(IpAddr, Endpoint), Held>,
}

impl Holding {
    pub(super) fn new(limit: usize) -> Self {
        Self { pairs: Bounded::new(limit) }
    }

    /// Octets held.
    pub(super) fn octets(&self) -> usize {
        self.pairs.octets()
    }

    pub(super) const fn evicted(&self) -> u64 {
        self.pairs.evicted()
    }

    /// A SYN-ACK that waits for its acknowledgment.
    pub(super) fn half_opened(
        &mut self,
        at: Timestamp,
        client: IpAddr,
        server: Endpoint,
        desk: &mut Desk,
        out: Report<'_>,
    ) {
        let held = self.held(at, client, server);
        if at - held.since > HALF_OPEN_AGE {
            (held.since, held.half_open, held.completed) = (at, 0, 0);
        }
        held.half_open += 1;
        // Where some complete it is only a busy moment.
        if held.half_open < HALF_OPEN || held.half_open_told || held.completed > held.half_open / 4 {
            return;
        }
        held.half_open_told = true;
        let finding = Finding::new(format!("{client} holds {} half-open connections to {server}", held.half_open))
            .figure("half_open", held.half_open);
        desk.file("half-open-accumulation", at, ends(client, server), finding, out);
    }

    /// A half-open connection was completed, reset or given up.
    pub(super) fn half_closed(&mut self, client: IpAddr, server: Endpoint) {
        if let Some(held) = self.pairs.get_mut(&(client, server)) {
            held.half_open = held.half_open.saturating_sub(1);
            held.completed = held.completed.saturating_add(1);
        }
    }

    /// A connection opened, and nothing has been said on it.
    pub(super) fn opened(
        &mut self,
        at: Timestamp,
        frame: u64,
        client: IpAddr,
        server: Endpoint,
        desk: &mut Desk,
        out: Report<'_>,
    ) {
        let held = self.held(at, client, server);
        held.opened += 1;
        held.silent += 1;
        held.frame = if held.frame == 0 { frame } else { held.frame };
        if held.silent >= SILENT && held.many_since.is_none() {
            held.many_since = Some(at);
        }
        Self::judge(held, at, client, server, false, desk, out);
    }

    /// Something was said on a silent connection for the first time.
    pub(super) fn used(&mut self, client: IpAddr, server: Endpoint) {
        if let Some(held) = self.pairs.get_mut(&(client, server)) {
            held.used += 1;
            Self::less(held);
        }
    }

    /// A connection that had stayed silent ended.
    pub(super) fn closed(&mut self, client: IpAddr, server: Endpoint) {
        if let Some(held) = self.pairs.get_mut(&(client, server)) {
            Self::less(held);
        }
    }

    /// Time passes.
    pub(super) fn tick(&mut self, now: Timestamp, last: bool, desk: &mut Desk, out: Report<'_>) {
        for ((client, server), held) in self.pairs.iter_mut() {
            Self::judge(held, now, *client, *server, last, desk, out);
        }
    }

    fn held(&mut self, at: Timestamp, client: IpAddr, server: Endpoint) -> &mut Held {
        let held = self.pairs.entry((client, server), || Held {
            opened: 0,
            used: 0,
            silent: 0,
            half_open: 0,
            completed: 0,
            since: at,
            last: at,
            many_since: None,
            told: false,
            half_open_told: false,
            frame: 0,
        });
        held.last = at;
        held
    }

    const fn less(held: &mut Held) {
        held.silent = held.silent.saturating_sub(1);
        if held.silent < SILENT {
            held.many_since = None;
        }
    }

    fn judge(
        held: &mut Held,
        now: Timestamp,
        client: IpAddr,
        server: Endpoint,
        last: bool,
        desk: &mut Desk,
        out: Report<'_>,
    ) {
        let Some(since) = held.many_since.filter(|_| !held.told) else { return };
        let hardly_used = held.used * 20 <= held.opened;
        if now - since < SILENCE && !(last && hardly_used) {
            return;
        }
        held.told = true;
        let finding = Finding::new(format!(
            "{client} holds {} open connections to {server} on which nothing was ever said; it used {} of {}",
            held.silent, held.used, held.opened
        ))
        .figure("silent", held.silent)
        .figure("opened", held.opened)
        .figure("used", held.used)
        .frames(Some(held.frame).filter(|f| *f > 0));
        desk.file("connection-flood", now, ends(client, server), finding, out);
    }
}

type Ends = (Option<super::desk::Whom>, Option<super::desk::Whom>);

const fn ends(client: IpAddr, server: Endpoint) -> Ends {
    (Some((client, None)), Some((server.ip, Some(server.port))))
}
