//! Attempts and outcomes for the tests of the host detectors.

use super::HostDetectors;
use super::event::{Condition, HostEventKind, Retry};
use super::input::{Attempt, Look, Outcome, Places, Settled};
use super::settings::Settings;
use crate::detect::Selection;
use crate::detect::anomaly::Anomaly;
use crate::tcp::options::Layout;
use crate::tcp::{Endpoint, SeqNumber};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// A SYN as Linux sends it, `ms` milliseconds after the epoch's first hour.
pub(super) fn attempt(ms: i64, from: &str, sport: u16, to: &str, dport: u16) -> Attempt {
    let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
    Attempt {
        time: Timestamp(3600 * SECOND + ms * MILLISECOND),
        frame: ms.unsigned_abs() + 1,
        client: end(from, sport),
        server: end(to, dport),
        isn: SeqNumber(super::sketch::fixed_hash((from, sport, to, dport, ms)) as u32),
        look: Look {
            window: 64240,
            ttl: 64,
            ip_id: 0x1234,
            dont_fragment: true,
            layout: Layout(0x4_2753),
            options_len: 20,
            mss: Some(1460),
            window_scale: Some(7),
            timestamps: Some((ms as u32, 0)),
            options_cut: false,
        },
    }
}

/// What a raw tool's SYN looks like: no options, no DF.
pub(super) fn tool_look(window: u16, ttl: u8, ip_id: u16) -> Look {
    Look {
        window,
        ttl,
        ip_id,
        dont_fragment: false,
        layout: Layout(0),
        options_len: 0,
        mss: None,
        window_scale: None,
        timestamps: None,
        options_cut: false,
    }
}

/// How `a` came out `ms` milliseconds after its SYN.
pub(super) fn settled(a: &Attempt, ms: i64, outcome: Outcome) -> Settled {
    Settled {
        time: a.time.after(ms * MILLISECOND),
        frame: a.frame,
        began: a.time,
        client: a.client,
        server: a.server,
        outcome,
        retried: false,
        icmp_code: None,
        elsewhere: false,
        look: Some(a.look),
    }
}

/// Host detectors and all they reported.
pub(super) struct Bench {
    pub(super) hosts: HostDetectors,
    pub(super) found: Vec<Anomaly>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let mut hosts = HostDetectors::new(settings, &Selection::default());
        let whole = Condition { third_steps: true, ..Condition::default() };
        hosts.judge(&HostEventKind::Capture(whole), &mut Places::default(), &mut |_| ());
        Self { hosts, found: Vec::new() }
    }

    /// An attempt that comes out so.
    pub(super) fn play(&mut self, a: &Attempt, after_ms: i64, outcome: Outcome) {
        let found = &mut self.found;
        let mut report = |anomaly: &Anomaly| found.push(anomaly.clone());
        let mut at = Places::default();
        self.hosts.attempt(a, &mut at, &mut report);
        if !matches!(outcome, Outcome::Refused | Outcome::Unreachable | Outcome::Unanswered | Outcome::Silent) {
            self.hosts.answered(a.time.after(after_ms * MILLISECOND), a.time, a.client, a.server, &mut at, &mut report);
        }
        self.hosts.settled(&settled(a, after_ms, outcome), &mut at, &mut report);
    }

    /// A SYN again.
    pub(super) fn retry(&mut self, a: &Attempt) {
        let retry = Retry {
            time: a.time.after(SECOND),
            began: a.time,
            frame: a.frame,
            client: a.client.ip,
            server: a.server,
            silent: true,
        };
        let found = &mut self.found;
        self.hosts.retried(&retry, &mut Places::default(), &mut |anomaly| found.push(anomaly.clone()));
    }

    /// Observation ends `ms` milliseconds in.
    pub(super) fn finish(mut self, ms: i64) -> Vec<Anomaly> {
        let found = &mut self.found;
        self.hosts.finish(Timestamp(3600 * SECOND + ms * MILLISECOND), &mut |anomaly| found.push(anomaly.clone()));
        self.found
    }
}

/// Ids of what was found, each once, in order.
pub(super) fn ids(found: &[Anomaly]) -> Vec<&'static str> {
    let mut ids: Vec<_> = found.iter().map(|a| a.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
