//! Traffic of many hosts, segment by segment.

use synscope::engine::{Engine, Event, Settings};
use synscope::tcp::options::{Layout, Options, Timestamps};
use synscope::tcp::{Endpoint, Flags, Segment, SeqNumber};
use synscope::time::{SECOND, Timestamp};

use crate::common::script::blank;

pub(crate) const S: Flags = Flags::SYN;
pub(crate) const A: Flags = Flags::ACK;
pub(crate) const F: Flags = Flags::FIN;
pub(crate) const R: Flags = Flags::RST;
pub(crate) const SA: Flags = Flags(Flags::SYN.0 | Flags::ACK.0);
pub(crate) const FA: Flags = Flags(Flags::FIN.0 | Flags::ACK.0);
pub(crate) const RA: Flags = Flags(Flags::RST.0 | Flags::ACK.0);
pub(crate) const PA: Flags = Flags(Flags::PSH.0 | Flags::ACK.0);

/// The n-th of many hosts, scattered over the address space.
pub(crate) fn scattered(n: u32, port: u16) -> Endpoint {
    let ip = std::net::Ipv4Addr::from(0x0b00_0000 + n.wrapping_mul(2_654_435_761) % 0x7000_0000);
    Endpoint { ip: ip.into(), port }
}

/// A number that looks random and is the same in each run (splitmix64).
pub(crate) fn dice(seed: u64) -> u32 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5ca1_ab1e;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as u32
}

/// What Linux offers: MSS, SACK, timestamps, window scale.
pub(crate) fn linux(stamp: u32, echo: u32) -> Options {
    Options {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: stamp, echo }),
        layout: Layout(0x4_2753),
        len: 20,
        ..Options::default()
    }
}

/// What Windows offers: MSS, window scale, SACK.
pub(crate) fn windows() -> Options {
    Options {
        mss: Some(1460),
        window_scale: Some(8),
        sack_permitted: true,
        layout: Layout(0x52_2423),
        len: 12,
        ..Options::default()
    }
}

pub(crate) fn mss_only(mss: u16) -> Options {
    Options { mss: Some(mss), layout: Layout(0x3), len: 4, ..Options::default() }
}

/// Segments of many hosts. Times are milliseconds.
pub(crate) struct Traffic {
    segments: Vec<Segment>,
    settings: Settings,
    /// Silence behind the last segment, seconds.
    pub(crate) tail: i64,
    count: u64,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self { segments: Vec::new(), settings: Settings::default(), tail: 40, count: 0 }
    }

    /// With this network as ours.
    pub(crate) fn with_local(net: &str) -> Self {
        let mut traffic = Self::new();
        traffic.settings.hosts.local_nets = vec![net.parse().expect("a network")];
        traffic
    }

    pub(crate) fn send(
        &mut self,
        ms: f64,
        from: Endpoint,
        to: Endpoint,
        flags: Flags,
        seq: u32,
        ack: u32,
    ) -> &mut Segment {
        let mut s = blank(0);
        // The beginning of a minute, so that counts by minute are whole.
        s.time = Timestamp(1_700_000_040 * SECOND + (ms * 1e6) as i64);
        (s.source, s.destination, s.flags) = (from, to, flags);
        (s.seq, s.ack_field, s.window, s.ip_id) = (SeqNumber(seq), SeqNumber(ack), 64240, 0);
        if flags.has(S) {
            s.options = linux(0, 0);
            s.options.timestamps = None;
            s.options.layout = Layout(0x4_2253);
        }
        self.segments.push(s);
        self.segments.last_mut().expect("just pushed")
    }

    fn numbers(&mut self) -> (u32, u32) {
        self.count += 1;
        (dice(self.count), dice(self.count + (1 << 40)))
    }

    /// A SYN; its number.
    pub(crate) fn syn(&mut self, ms: f64, from: Endpoint, to: Endpoint) -> u32 {
        let (c, _) = self.numbers();
        self.send(ms, from, to, S, c, 0);
        c
    }

    pub(crate) fn refused(&mut self, ms: f64, from: Endpoint, to: Endpoint) {
        let c = self.syn(ms, from, to);
        self.send(ms + 5.0, to, from, RA, 0, c.wrapping_add(1));
    }

    /// A SYN and its SYN-ACK; their numbers.
    pub(crate) fn half(&mut self, ms: f64, from: Endpoint, to: Endpoint) -> (u32, u32) {
        let (c, s) = self.numbers();
        self.half_with(ms, from, to, c, s);
        (c, s)
    }

    pub(crate) fn half_with(&mut self, ms: f64, from: Endpoint, to: Endpoint, c: u32, s: u32) {
        self.send(ms, from, to, S, c, 0);
        self.send(ms + 5.0, to, from, SA, s, c.wrapping_add(1));
    }

    /// A handshake; its numbers.
    pub(crate) fn open(&mut self, ms: f64, from: Endpoint, to: Endpoint) -> (u32, u32) {
        let (c, s) = self.numbers();
        self.open_with(ms, from, to, c, s);
        (c, s)
    }

    pub(crate) fn open_with(&mut self, ms: f64, from: Endpoint, to: Endpoint, c: u32, s: u32) {
        self.half_with(ms, from, to, c, s);
        self.send(ms + 10.0, from, to, A, c.wrapping_add(1), s.wrapping_add(1));
    }

    /// A handshake and ten octets of the client.
    pub(crate) fn used(&mut self, ms: f64, from: Endpoint, to: Endpoint) -> (u32, u32) {
        let (c, s) = self.open(ms, from, to);
        self.send(ms + 11.0, from, to, PA, c.wrapping_add(1), s.wrapping_add(1)).payload = 10;
        (c, s)
    }

    /// A whole connection with these numbers, over after 40 ms; the client closes first.
    pub(crate) fn whole_with(&mut self, ms: f64, from: Endpoint, to: Endpoint, c: u32, s: u32) {
        self.open_with(ms, from, to, c, s);
        let (c, s) = (c.wrapping_add(1), s.wrapping_add(1));
        self.send(ms + 11.0, from, to, PA, c, s).payload = 10;
        self.send(ms + 16.0, to, from, PA, s, c.wrapping_add(10)).payload = 10;
        let (c, s) = (c.wrapping_add(10), s.wrapping_add(10));
        self.send(ms + 21.0, from, to, FA, c, s);
        self.send(ms + 26.0, to, from, FA, s, c.wrapping_add(1));
        self.send(ms + 31.0, from, to, A, c.wrapping_add(1), s.wrapping_add(1));
    }

    /// Only what passes from `from` to `to` milliseconds after the beginning.
    pub(crate) fn between(&mut self, from: f64, to: f64) {
        let at = |ms: f64| Timestamp(1_700_000_040 * SECOND + (ms * 1e6) as i64);
        self.segments.retain(|s| at(from) <= s.time && s.time <= at(to));
    }

    /// Only segments like this.
    pub(crate) fn only(&mut self, is: impl Fn(&Segment) -> bool) {
        self.segments.retain(is);
    }

    /// Only SYNs, only answers to them, or only what clients send.
    pub(crate) fn only_seen(&mut self, part: &str) {
        let asks = |s: &Segment| s.flags.is_syn();
        let clients: std::collections::HashSet<_> =
            self.segments.iter().filter(|s| asks(s)).map(|s| (s.source, s.destination)).collect();
        self.only(|s| match part {
            "SYNs" => asks(s),
            "answers" => s.flags.has(SA) || s.flags.has(RA),
            _ => clients.contains(&(s.source, s.destination)),
        });
    }

    /// Everything so many milliseconds later.
    pub(crate) fn moved(&mut self, ms: f64) {
        for s in &mut self.segments {
            s.time = s.time.after((ms * 1e6) as i64);
        }
    }

    /// When the last segment passes, milliseconds.
    pub(crate) fn last_at(&self) -> f64 {
        let last = self.segments.iter().map(|s| s.time).max().unwrap_or(Timestamp(0));
        (last - Timestamp(1_700_000_040 * SECOND)) as f64 / 1e6
    }

    /// The last segment sent, to change.
    pub(crate) fn last(&mut self, back: usize) -> &mut Segment {
        let n = self.segments.len();
        &mut self.segments[n - 1 - back]
    }

    /// Every SYN and SYN-ACK, to change.
    pub(crate) fn each(mut self, change: impl Fn(&mut Segment)) -> Self {
        self.segments.iter_mut().for_each(change);
        self
    }

    /// Plays it; the anomalies about hosts and flows, each id once.
    pub(crate) fn ids(mut self) -> Vec<&'static str> {
        let mut ids: Vec<&str> = self.anomalies().iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Plays it; ids and severities.
    pub(crate) fn anomalies(&mut self) -> Vec<(&'static str, synscope::detect::Severity)> {
        self.found().iter().map(|anomaly| (anomaly.id, anomaly.severity)).collect()
    }

    /// Plays it; all that is found.
    pub(crate) fn found(&mut self) -> Vec<synscope::detect::Anomaly> {
        self.segments.sort_by_key(|s| s.time);
        let mut engine = Engine::new(&self.settings).expect("settings");
        let mut found = Vec::new();
        let mut sink = |event: &Event<'_>| {
            if let Event::Anomaly { anomaly, .. } = event {
                found.push((*anomaly).clone());
            }
        };
        let mut last = Timestamp(0);
        for (n, segment) in self.segments.iter_mut().enumerate() {
            (segment.frame, last) = (n as u64 + 1, segment.time);
            engine.segment(segment, &mut sink);
        }
        for second in 1..=self.tail {
            engine.advance(last.after(second * SECOND), &mut sink);
        }
        engine.finish(&mut sink);
        found
    }
}
