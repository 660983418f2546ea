//! SYN cookies by what Linux puts into them: whoever keeps nothing of a SYN must send its options along, and get them
//! back.
//!
//! With timestamps they go into the last six bits of the SYN-ACK's value (window scale, SACK, ECN), so that it stands
//! back behind the server's clock by up to 63 ms, to where its last bits are these. Newer kernels add an offset for
//! each connection, which hides the bits themselves; but the server's next segment shows its clock, offset and all. So
//! the distance between the two is known, and with it, by the capture's time, the place of each SYN-ACK between two
//! multiples of 64 ms: without cookies the distance is nothing, with cookies the place is the same for all connections
//! once the client's options are taken off.

use super::sketch::fixed_hash_of;
use crate::detect::anomaly::Severity;
use crate::detect::rule::Finding;
use crate::flow::{Flow, Offer};
use crate::tcp::{Endpoint, Flags, Segment};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// What the last six bits of milliseconds amount to, microseconds.
const GRID: i64 = 64_000;
/// A clock of milliseconds read twice is this much off at most, microseconds.
const PLAIN: i64 = 2_500;
/// Places that are no further apart than this are one, microseconds.
const NEAR: i64 = 3_000;
/// How soon after the SYN-ACK the server's next segment must come: clocks drift.
const SOON: i64 = 10 * SECOND;
/// Connections that must agree, and how many are kept.
const AGREE: (usize, usize) = (6, 12);
/// They must lie within this.
const WITHIN: i64 = 600 * SECOND;
/// By chance they would agree so seldom.
const CHANCE: f64 = 1e-7;
/// Distances must differ by this at least: equal ones may have another cause.
const SPREAD: i64 = 8_000;
/// Connections in a row without a cookie, and the time since the last, that end it: a queue that overflows does so now
/// and then.
pub(super) const PLAIN_AGAIN: u32 = 4;
pub(super) const LASTS: i64 = 3 * SECOND;
/// Ports of one server that are kept apart.
const PORTS: usize = 4;

/// What a server's timestamps show of SYN cookies, by port.
#[derive(Debug, Default)]
pub(super) struct Cookies {
    ports: Vec<Port>,
}

#[derive(Debug)]
struct Port {
    port: u16,
    last: Timestamp,
    /// Places, a bit for each millisecond, of connections that did not stand back.
    plain: u64,
    samples: Vec<StampSample>,
    on: Option<Box<CookiesOn>>,
}

/// A SYN-ACK that stood back.
#[derive(Clone, Copy, Debug)]
struct StampSample {
    time: Timestamp,
    frame: u64,
    /// By how much, microseconds.
    back: i64,
    /// Its place, microseconds below [`GRID`].
    place: i64,
    /// Of the client's address, to count these.
    client: u32,
}

/// Cookies that are being sent.
#[derive(Debug)]
struct CookiesOn {
    since: Timestamp,
    last: Timestamp,
    count: u32,
    place: i64,
    plain_again: u32,
}

/// What became known of a server's cookies.
#[derive(Clone, Debug)]
pub(super) struct CookieChange {
    pub(super) begins: bool,
    /// With the first and the last of them.
    pub(super) since: Timestamp,
    pub(super) last: Timestamp,
    /// Connections that show it.
    pub(super) count: u32,
    /// Whether no connection was without.
    pub(super) always: bool,
    pub(super) chance: f64,
    pub(super) clients: u32,
    pub(super) frames: Vec<u64>,
}

/// So many connections without a third step show that a queue overflows.
const OVERFLOW: u32 = 20;

impl CookieChange {
    /// No more cookies are sent than those between these times.
    pub(super) const fn end(since: Timestamp, last: Timestamp) -> Self {
        Self { begins: false, since, last, count: 0, always: false, chance: 0.0, clients: 0, frames: Vec::new() }
    }

    /// In words, where `half_open` connections of `server` wait for their third step.
    pub(super) fn finding(&self, server: Endpoint, half_open: u32) -> Finding {
        let lasted = self.last - self.since;
        if !self.begins {
            let reason =
                format!("{server} sends no SYN cookies any more, which it sent for {:.1} s", lasted as f64 / 1e9);
            let finding = Finding::new(reason).figure("duration_ns", lasted).frames(self.frames.iter().copied());
            return if self.count > 0 { finding.figure("flows", self.count) } else { finding };
        }
        let always = self.always && half_open < OVERFLOW;
        let when = match (always, self.always) {
            (true, _) => "to every connection",
            (false, true) => "while connections wait for their third step",
            (false, false) => "now, and did not before",
        };
        let finding = Finding::new(format!(
            "{server} answers with SYN cookies {when}: the timestamps of {} SYN-ACKs stand back by up to 63 ms, all to \
             where their last 6 bits hold the client's window scale, SACK and ECN (by chance: {:.0e})",
            self.count, self.chance
        ))
        .figure("mode", if always { "always" } else { "overflow" })
        .figure("flows", self.count)
        .figure("clients", self.clients)
        .figure("chance", self.chance)
        .figure("half_open", half_open)
        .frames(self.frames.iter().copied());
        if always { finding.severity(Severity::Info) } else { finding }
    }
}

impl Cookies {
    /// Octets held elsewhere.
    pub(super) fn octets(&self) -> usize {
        let of_port = |p: &Port| size_of::<Port>() + p.samples.capacity() * size_of::<StampSample>();
        self.ports.iter().map(of_port).sum()
    }

    /// The server's first segment after its SYN-ACK.
    pub(super) fn second(&mut self, flow: &Flow, s: &Segment) -> Option<CookieChange> {
        let sample = measure(flow, s)?;
        let port = self.port(s.source.port, s.time);
        if port.on.is_some() {
            return port.goes_on(&sample);
        }
        if sample.back.abs() <= PLAIN {
            port.plain |= 1 << (sample.place / 1000);
            return None;
        }
        port.add(sample);
        port.begins()
    }

    fn port(&mut self, port: u16, now: Timestamp) -> &mut Port {
        let at = self.ports.iter().position(|p| p.port == port).unwrap_or_else(|| {
            let new = Port { port, last: now, plain: 0, samples: Vec::new(), on: None };
            if self.ports.len() < PORTS {
                self.ports.push(new);
                return self.ports.len() - 1;
            }
            let oldest = (0..PORTS).min_by_key(|at| self.ports[*at].last).unwrap_or(0);
            self.ports[oldest] = new;
            oldest
        });
        let held = &mut self.ports[at];
        held.last = now;
        held
    }
}

impl Port {
    fn add(&mut self, sample: StampSample) {
        self.samples.retain(|s| sample.time - s.time <= WITHIN);
        if self.samples.len() >= AGREE.1 {
            self.samples.remove(0);
        }
        self.samples.push(sample);
    }

    /// Whether enough of the last ones agree.
    fn begins(&mut self) -> Option<CookieChange> {
        let all = &self.samples;
        let tail = |n: usize| &all[all.len() - n..];
        let (chance, n) = (AGREE.0..=all.len())
            .filter(|n| spread(tail(*n)) >= SPREAD)
            .map(|n| (chance(tail(n)), n))
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        let agreeing = tail(n);
        let (first, last) = (agreeing.first()?, agreeing.last()?);
        if chance > CHANCE {
            return None;
        }
        let mut clients: Vec<u32> = agreeing.iter().map(|s| s.client).collect();
        clients.sort_unstable();
        clients.dedup();
        let change = CookieChange {
            begins: true,
            since: first.time,
            last: last.time,
            count: n as u32,
            always: self.plain & !around(last.place) == 0,
            chance,
            clients: clients.len() as u32,
            frames: agreeing.iter().map(|s| s.frame).collect(),
        };
        let on = CookiesOn { since: first.time, last: last.time, count: n as u32, place: last.place, plain_again: 0 };
        self.on = Some(Box::new(on));
        self.samples = Vec::new();
        Some(change)
    }

    /// One more connection while cookies are sent; what is known when they are not any more.
    fn goes_on(&mut self, sample: &StampSample) -> Option<CookieChange> {
        let on = self.on.as_mut()?;
        let off = apart(sample.place, on.place);
        if off.abs() <= NEAR && sample.back.abs() <= PLAIN {
            // Where both fall together it may be either.
            return None;
        }
        if off.abs() <= NEAR {
            (on.last, on.count, on.plain_again) = (sample.time, on.count.saturating_add(1), 0);
            // Clocks drift.
            on.place = (on.place + off / 4).rem_euclid(GRID);
            return None;
        }
        if sample.back.abs() > PLAIN {
            return None;
        }
        on.plain_again += 1;
        if on.plain_again < PLAIN_AGAIN || sample.time - on.last < LASTS {
            return None;
        }
        let change =
            CookieChange { count: on.count, frames: vec![sample.frame], ..CookieChange::end(on.since, on.last) };
        self.plain |= 1 << (sample.place / 1000);
        self.on = None;
        Some(change)
    }
}

/// By how much the SYN-ACK's timestamp stood back behind that of `s`, and its place.
fn measure(flow: &Flow, s: &Segment) -> Option<StampSample> {
    let (client, server) = (flow.client.offer.as_ref()?, flow.server.offer.as_ref()?);
    let synack = flow.handshake.synacks.first().filter(|_| flow.server.synack_count == 1)?;
    let (before, now) = (server.timestamps?.value, s.options.timestamps?.value);
    let passed = s.time - synack.time;
    if !(0..=SOON).contains(&passed) || flow.client.isn.is_none() {
        return None;
    }
    let ticks = i64::from(now.wrapping_sub(before).cast_signed());
    let back = ticks * 1000 - passed / 1000;
    if !(-PLAIN..GRID + PLAIN).contains(&back) {
        return None;
    }
    let at = synack.time.0 / (MILLISECOND / 1000) - back - i64::from(options(client, server)) * 1000;
    let client = fixed_hash_of(&flow.client.endpoint.ip) as u32;
    Some(StampSample { time: synack.time, frame: synack.frame, back, place: at.rem_euclid(GRID), client })
}

/// What a cookie's timestamp holds: window scale (15 for none), SACK, ECN.
fn options(client: &Offer, server: &Offer) -> u8 {
    let scale = client.window_scale.filter(|_| server.window_scale.is_some()).map_or(15, |scale| scale.min(14));
    scale | u8::from(server.sack_permitted) << 4 | u8::from(server.flags.has(Flags::ECE)) << 5
}

/// FreeBSD makes every number of a server a cookie, which it needs once its cache is full: the last octet, exclusive-or
/// the first, holds a place in each of these tables, SACK, and which of two secrets it took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prepared {
    run: u8,
    reported: bool,
}

impl Prepared {
    const SIZES: [u16; 8] = [216, 536, 1200, 1360, 1400, 1440, 1452, 1460];
    const SCALES: [u8; 8] = [0, 0, 1, 2, 4, 6, 7, 8];
    /// SYN-ACKs in a row that must hold them; each does so by chance once in 128.
    const ENOUGH: u8 = 8;

    /// A SYN-ACK; what is known once enough of them hold what their client offered.
    pub(super) fn see(&mut self, s: &Segment, client: &Offer, server: &Offer) -> Option<Finding> {
        let place = |at: Option<usize>| at.unwrap_or(0) as u8;
        let mss = client.mss.unwrap_or(536);
        let size = place(Self::SIZES.iter().rposition(|held| *held <= mss));
        let scale = client.window_scale.filter(|_| server.window_scale.is_some());
        let scale = scale.map_or(0, |scale| place(Self::SCALES.iter().rposition(|held| *held <= scale)));
        let wanted = size << 5 | scale << 2 | u8::from(server.sack_permitted) << 1;
        let held = (s.seq.0 ^ s.seq.0 >> 24) as u8 & 0xfe;
        self.run = if held == wanted { self.run.saturating_add(1) } else { 0 };
        if self.run < Self::ENOUGH || core::mem::replace(&mut self.reported, true) {
            return None;
        }
        let finding = Finding::new(format!(
            "{} has a SYN cookie ready for every connection: {} of its initial sequence numbers in a row hold the \
             client's MSS, window scale and SACK, as FreeBSD's do (by chance: 1e-17)",
            s.source,
            Self::ENOUGH
        ))
        .figure("mode", "prepared")
        .figure("flows", i64::from(Self::ENOUGH))
        .figure("chance", 128.0_f64.powi(-i32::from(Self::ENOUGH)));
        Some(finding.severity(Severity::Info).frames([s.frame]))
    }
}

/// How far `a` is behind `b` on the grid, in the shorter direction.
const fn apart(a: i64, b: i64) -> i64 {
    (a - b + GRID / 2).rem_euclid(GRID) - GRID / 2
}

/// The places, a bit for each millisecond, that are near this one.
const fn around(place: i64) -> u64 {
    const NEARBY: u64 = (1 << (2 * NEAR / 1000 + 1)) - 1;
    NEARBY.rotate_left((place - NEAR).rem_euclid(GRID) as u32 / 1000)
}

/// The shortest arc of the grid that has all values of `what`.
fn arc(samples: &[StampSample], what: fn(&StampSample) -> i64) -> i64 {
    let mut values: Vec<i64> = samples.iter().map(what).collect();
    values.sort_unstable();
    let wrapped = values.first().zip(values.last()).map_or(0, |(first, last)| first + GRID - last);
    let gap = values.windows(2).map(|pair| pair[1] - pair[0]).chain([wrapped]).max().unwrap_or(0);
    GRID - gap
}

fn spread(samples: &[StampSample]) -> i64 {
    arc(samples, |s| s.back.rem_euclid(GRID))
}

/// The chance that the places lie within an arc as short as theirs.
fn chance(samples: &[StampSample]) -> f64 {
    let n = samples.len();
    let width = (arc(samples, |s| s.place) + 1000) as f64 / GRID as f64;
    (n as f64 * width.powi(n as i32 - 1) * AGREE.1 as f64).min(1.0)
}
