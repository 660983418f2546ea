//! One address and port, several hosts: SYN-ACKs to SYNs of one kind that differ in turn, as those of one host do not.
//!
//! Only answers to SYNs alike are compared: what a client offers changes what it gets. Distances alone are paths, not
//! hosts.

use super::event::Sign;
use super::input::Look;
use super::reporter::{Report, Reporter};
use super::rules;
use crate::detect::Figure;
use crate::detect::anomaly::Phase;
use crate::detect::rule::Finding;
use crate::flow::features::initial_ttl;
use crate::tcp::Endpoint;
use crate::tcp::options::Layout;
use crate::time::Timestamp;

/// Kinds of SYNs to a host whose answers are compared at a time.
const KINDS: usize = 2;
/// Hosts distinguished behind one address and port.
const HOSTS: usize = 4;
/// Answers of one kind of SYN that must be known, those of the second host among them, and how often they must change.
const KNOWN: (u32, u32, u32) = (12, 4, 6);

/// What the SYN-ACK of a stack looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    initial_ttl: u8,
    scale: Option<u8>,
    mss: Option<u16>,
    window: u16,
    layout: Layout,
}

impl Print {
    const fn of(look: &Look) -> Self {
        Self {
            initial_ttl: initial_ttl(look.ttl),
            scale: look.window_scale,
            mss: look.mss,
            window: look.window,
            layout: look.layout,
        }
    }

    /// Whether it has no option but its segment size: so does a cookie.
    fn is_bare(&self) -> bool {
        self.layout.names().all(|name| matches!(name, "mss" | "nop" | "eol"))
    }

    /// Whether one host does not send both: two things differ, and one of them is neither what a path changes (segment
    /// size) nor what a host that runs out of memory or sends SYN cookies leaves out.
    fn is_of_another(&self, other: &Self) -> bool {
        let ttl = self.initial_ttl != other.initial_ttl;
        let scale = self.scale != other.scale;
        let layout = self.layout != other.layout;
        let differ = [ttl, scale, layout, self.mss != other.mss, self.window != other.window];
        let cookie = self.is_bare() != other.is_bare();
        (ttl || ((scale || layout) && !cookie)) && differ.iter().filter(|differs| **differs).count() >= 2
    }
}

/// One of the hosts, as it seems.
#[derive(Clone, Copy, Debug)]
struct Responder {
    print: Print,
    ttls: (u8, u8),
    count: u32,
    frame: u64,
}

impl Responder {
    const fn new(print: Print, ttl: u8, count: u32, frame: u64) -> Self {
        Self { print, ttls: (ttl, ttl), count, frame }
    }

    fn words(&self, all: u32) -> String {
        let Print { scale, mss, window, layout, .. } = self.print;
        let ttl = if self.ttls.0 == self.ttls.1 {
            self.ttls.0.to_string()
        } else {
            format!("{} to {}", self.ttls.0, self.ttls.1)
        };
        let mss = mss.map_or(String::new(), |mss| format!(", MSS {mss}"));
        let scale = scale.map_or(String::new(), |scale| format!(", scale {scale}"));
        let names: Vec<&str> = layout.names().collect();
        format!(
            "TTL {ttl}{mss}, window {window}{scale}, options {} ({:.0} %)",
            names.join(","),
            100.0 * f64::from(self.count) / f64::from(all.max(1))
        )
    }
}

/// Answers to SYNs of one kind to one port.
#[derive(Debug, Default)]
struct Answers {
    /// Of port and kind; 0 where there is none.
    key: u64,
    port: u16,
    first: Option<Responder>,
    /// Once there are others.
    others: Option<Box<OtherSyns>>,
}

#[derive(Debug)]
struct OtherSyns {
    responders: Vec<Responder>,
    last: usize,
    changes: u32,
    /// Answers that look like none of them.
    further: u32,
    incident: Option<u64>,
    reported_of: u32,
}

/// Who answers in the name of one host.
#[derive(Debug, Default)]
pub(super) struct Pool {
    answers: [Answers; KINDS],
}

impl Pool {
    /// Octets held elsewhere.
    pub(super) fn octets(&self) -> usize {
        let each = size_of::<OtherSyns>() + HOSTS * size_of::<Responder>();
        self.answers.iter().filter(|answers| answers.others.is_some()).count() * each
    }

    /// Whether several hosts are known to answer.
    pub(super) fn is_shared(&self) -> bool {
        self.answers.iter().any(|a| a.others.as_ref().is_some_and(|others| others.incident.is_some()))
    }

    /// A SYN-ACK to a SYN of this kind (0: of none that can be compared).
    pub(super) fn see(&mut self, kind: u32, s: &Sign, look: &Look, reporter: &mut Reporter, out: Report<'_>) {
        if kind == 0 || look.options_cut {
            return;
        }
        let key = u64::from(kind) << 16 | u64::from(s.from.port);
        let Some(answers) = self.place(key, s.from.port) else { return };
        let print = Print::of(look);
        let Some(first) = &mut answers.first else {
            answers.first = Some(Responder::new(print, s.ttl, 1, s.frame));
            return;
        };
        let Some(others) = &mut answers.others else {
            if first.print == print {
                first.add(s.ttl);
            } else {
                let responders = vec![*first, Responder::new(print, s.ttl, 1, s.frame)];
                let others = OtherSyns { responders, last: 1, changes: 1, further: 0, incident: None, reported_of: 0 };
                answers.others = Some(Box::new(others));
            }
            return;
        };
        if others.add(print, s) && others.incident.is_none() && others.are_in_turn() {
            others.incident = Some(0);
            others.incident = Some(others.file(s.time, s.from, None, reporter, out));
        }
    }

    /// Observation ends.
    pub(super) fn finish(&mut self, ip: core::net::IpAddr, now: Timestamp, reporter: &mut Reporter, out: Report<'_>) {
        for answers in &mut self.answers {
            let server = Endpoint { ip, port: answers.port };
            let Some(others) = &mut answers.others else { continue };
            if let Some(incident) = others.incident.filter(|incident| *incident > 0)
                && others.count() > others.reported_of
            {
                others.file(now, server, Some(incident), reporter, out);
            }
        }
    }

    /// Where answers of this key are counted; one that is seldom asked for gives way.
    fn place(&mut self, key: u64, port: u16) -> Option<&mut Answers> {
        if let Some(at) = self.answers.iter().position(|answers| answers.key == key) {
            return self.answers.get_mut(at);
        }
        let free = self.answers.iter_mut().filter(|answers| answers.others.is_none());
        let seldom = free.min_by_key(|answers| answers.first.map_or(0, |first| first.count))?;
        match &mut seldom.first {
            Some(first) if first.count > 1 => {
                first.count -= 1;
                None
            }
            _ => {
                *seldom = Answers { key, port, first: None, others: None };
                Some(seldom)
            }
        }
    }
}

impl Responder {
    fn add(&mut self, ttl: u8) {
        self.count = self.count.saturating_add(1);
        self.ttls = (self.ttls.0.min(ttl), self.ttls.1.max(ttl));
    }
}

impl OtherSyns {
    /// Counts an answer; whether it is another's than the one before.
    fn add(&mut self, print: Print, s: &Sign) -> bool {
        let known = self.responders.iter().position(|r| r.print == print);
        let Some(at) = known else {
            if self.responders.len() >= HOSTS {
                self.further = self.further.saturating_add(1);
                return false;
            }
            self.responders.push(Responder::new(print, s.ttl, 1, s.frame));
            (self.last, self.changes) = (self.responders.len() - 1, self.changes.saturating_add(1));
            return true;
        };
        self.responders[at].add(s.ttl);
        let changes = at != self.last;
        self.changes = self.changes.saturating_add(u32::from(changes));
        self.last = at;
        changes
    }

    fn count(&self) -> u32 {
        self.responders.iter().map(|r| r.count).fold(0, u32::saturating_add)
    }

    /// Whether at least two hosts answer, and neither took the other's place: the answers change as often as they would
    /// where each is drawn, or half so (the same client may be sent to the same host).
    fn are_in_turn(&self) -> bool {
        let all = self.count();
        let mut by_share: Vec<&Responder> = self.responders.iter().collect();
        by_share.sort_by_key(|r| core::cmp::Reverse(r.count));
        let (Some(most), further) = (by_share.first(), by_share.get(1..).unwrap_or_default()) else { return false };
        let Some(second) = further.iter().find(|r| r.print.is_of_another(&most.print)) else { return false };
        let drawn = 2.0 * f64::from(most.count) * f64::from(second.count) / f64::from(all);
        all >= KNOWN.0
            && second.count >= KNOWN.1
            && 10 * second.count >= all
            && 10 * self.further <= all
            && self.changes >= KNOWN.2
            && f64::from(self.changes) >= drawn / 2.0
    }

    fn file(
        &mut self,
        now: Timestamp,
        server: Endpoint,
        ends: Option<u64>,
        reporter: &mut Reporter,
        out: Report<'_>,
    ) -> u64 {
        let all = self.count();
        self.reported_of = all;
        let mut hosts = self.responders.clone();
        hosts.retain(|r| 20 * r.count >= all);
        hosts.sort_by_key(|r| core::cmp::Reverse(r.count));
        let words: Vec<String> = hosts.iter().map(|r| r.words(all)).collect();
        let mut finding =
            Finding::new(format!("{server} is answered by {} hosts in turn: {}", hosts.len(), words.join("; ")))
                .figure("answers", all)
                .figure("changes", self.changes)
                .frames(hosts.iter().map(|r| r.frame));
        let shares = hosts.iter().map(|r| i64::from(r.count)).collect();
        finding.figures.push(("shares", Figure::List(shares)));
        finding.figures.push(("hosts", Figure::Texts(words)));
        let finding = match ends {
            Some(incident) => finding.of(incident, Phase::Final),
            None => finding,
        };
        reporter.report(&rules::LOAD_BALANCED, now, (None, Some((server.ip, Some(server.port)))), finding, out)
    }
}
