//! What a server's answers show over several connections: options it never takes, SYNs with ECN that it does not get, a
//! full accept queue, SYN cookies without timestamps, and answers far slower than its usual ones.

use smallvec::SmallVec;

use super::cookies::{CookieChange, Cookies, LASTS, PLAIN_AGAIN, Prepared};
use super::rules;
use super::sketch::{Weigh, fixed_hash_of};
use crate::detect::flow::support::both_offers;
use crate::detect::rule::{Finding, Rule};
use crate::flow::{Flow, HostMarks, Offer};
use crate::tcp::{Flags, Segment};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Offers of an option from which on refusals say something, and the tenths of them that must have been refused.
const REFUSALS: (u32, u32) = (20, 9);
/// What tells whether an option is offered, and its name.
type Named = (fn(&Offer) -> bool, &'static str);
/// Options that a server may refuse.
const OPTIONS: [Named; 3] = [
    (|o| o.window_scale.is_some(), "window scale"),
    (|o| o.sack_permitted, "SACK"),
    (|o| o.timestamps.is_some(), "timestamps"),
];
/// Flows that only get an answer without ECN, and how soon that must come.
const BLACKHOLED: (u8, i64) = (3, SECOND);
/// Flows to one port whose SYN-ACK is repeated in vain, and the time they must lie in.
const OVERFLOWS: (usize, i64) = (3, 60 * SECOND);
/// Answers without options, within this time, and half-open connections whose SYN-ACK was not repeated, that are
/// cookies.
const COLLAPSED: (u32, i64) = (3, 10 * SECOND);
/// After so long without them a server sends no cookies any more.
const COOKIES_LAST: i64 = 60 * SECOND;
/// Answers kept for the median, and how many there must be.
const ANSWERS: (usize, usize) = (32, 20);
/// An answer faster than this is never slow, nanoseconds.
const NEVER_SLOW: i64 = 500 * MILLISECOND;

/// Takes what is found, and the id of its rule.
type OnFinding<'a> = &'a mut dyn FnMut(&'static Rule, Finding);

/// A server that takes no options: since when, when last, and how many answers in a row took them since.
#[derive(Clone, Copy, Debug)]
struct Collapse {
    since: Timestamp,
    last: Timestamp,
    taken: u32,
}

/// What a server's answers show.
#[derive(Debug)]
pub(super) struct ServerProfile {
    /// Offers of each option and refusals of it.
    refused: [(u32, u32); OPTIONS.len()],
    refusals_reported: [bool; OPTIONS.len()],
    clients: [u32; 2],
    blackholed: u8,
    blackhole_reported: bool,
    /// Overflowing flows: number, port, time.
    overflows: SmallVec<[(u64, u16, Timestamp); 3]>,
    overflowing: Option<(u16, Timestamp)>,
    /// Port on which it last spoke before its client did.
    speaks_first: Option<u16>,
    /// Port on which it took options that it does not take now, since when, and how often it did not.
    echoed_on: Option<u16>,
    collapsed: (Timestamp, u32),
    /// Whether it repeats its SYN-ACKs, and half-open connections since on which it did not.
    repeats: bool,
    unrepeated: u32,
    /// While it sends cookies by that sign.
    sends_cookies: Option<Collapse>,
    cookies: Cookies,
    prepared: Prepared,
    /// Times from SYN to SYN-ACK, microseconds.
    answers: [u32; ANSWERS.0],
    answered: u32,
    /// When it last answered.
    last: Timestamp,
}

impl Default for ServerProfile {
    fn default() -> Self {
        Self {
            refused: [(0, 0); OPTIONS.len()],
            refusals_reported: [false; OPTIONS.len()],
            clients: [0; 2],
            blackholed: 0,
            blackhole_reported: false,
            overflows: SmallVec::new(),
            overflowing: None,
            speaks_first: None,
            echoed_on: None,
            collapsed: (Timestamp(0), 0),
            repeats: false,
            unrepeated: 0,
            sends_cookies: None,
            cookies: Cookies::default(),
            prepared: Prepared::default(),
            answers: [0; ANSWERS.0],
            answered: 0,
            last: Timestamp(0),
        }
    }
}

impl Weigh for ServerProfile {
    fn weight(&self) -> (u64, i64) {
        (u64::from(self.answered), self.last.0)
    }
}

impl ServerProfile {
    /// The first SYN-ACK of a flow.
    pub(super) fn synack(&mut self, flow: &Flow, s: &Segment, marks: &mut HostMarks, found: OnFinding<'_>) {
        self.last = s.time;
        marks.slow_answer = self.is_slow(flow);
        marks.overflowing = self.is_overflowing(s.source.port, s.time);
        let Some((client, server)) = both_offers(flow) else { return };
        self.take_offers(s, client, server, found);
        self.take_ecn(flow, s, client, marks.ecn_dropped, found);
        self.take_collapse(s, client, server);
        if let Some(finding) = self.prepared.see(s, client, server) {
            found(&rules::SERVER_COOKIE_MODE, finding);
        }
    }

    /// Whether the answer took four times as long as half of those before it.
    fn is_slow(&mut self, flow: &Flow) -> bool {
        let Some(took) = flow.handshake.rtt_server() else { return false };
        let slow = took >= NEVER_SLOW && self.median().is_some_and(|median| took / 1000 >= 4 * i64::from(median));
        self.answers[self.answered as usize % ANSWERS.0] = u32::try_from(took / 1000).unwrap_or(u32::MAX);
        self.answered = self.answered.wrapping_add(1).max(1);
        slow
    }

    fn median(&self) -> Option<u32> {
        let n = (self.answered as usize).min(ANSWERS.0);
        let mut kept = self.answers;
        let kept = kept.get_mut(..n).filter(|kept| kept.len() >= ANSWERS.1)?;
        Some(*kept.select_nth_unstable(n / 2).1)
    }

    fn take_offers(&mut self, s: &Segment, client: &Offer, server: &Offer, found: OnFinding<'_>) {
        if let Some(free) = self.clients.iter().position(|c| *c == 0) {
            let who = fixed_hash_of(&s.destination.ip) as u32 | 1;
            if !self.clients.contains(&who) {
                self.clients[free] = who;
            }
        }
        for (n, (has, name)) in OPTIONS.iter().enumerate() {
            if !has(client) {
                continue;
            }
            let (offered, refused) = &mut self.refused[n];
            (*offered, *refused) = (*offered + 1, *refused + u32::from(!has(server)));
            if *offered < REFUSALS.0 || 10 * *refused < REFUSALS.1 * *offered {
                continue;
            }
            if self.refusals_reported[n] || self.clients.contains(&0) {
                continue;
            }
            self.refusals_reported[n] = true;
            let finding = Finding::new(format!(
                "{} refused {name} on {refused} of {offered} connections that offered it",
                s.source.ip
            ))
            .figure("option", *name)
            .figure("offered", *offered)
            .figure("refused", *refused)
            .frames([s.frame]);
            found(&rules::SERVER_REFUSES_OPTIONS, finding);
        }
    }

    /// SYNs with ECN that get no answer, where the same SYN without gets one at once. One that is answered is proof
    /// enough that they pass.
    fn take_ecn(&mut self, flow: &Flow, s: &Segment, client: &Offer, dropped: bool, found: OnFinding<'_>) {
        if !client.flags.any(Flags::ECE | Flags::CWR) {
            return;
        }
        if !dropped {
            self.blackholed = 0;
            return;
        }
        let soon = flow.handshake.syns.last().is_some_and(|last| s.time - last.time < BLACKHOLED.1);
        self.blackholed = self.blackholed.saturating_add(u8::from(soon));
        if self.blackholed < BLACKHOLED.0 || self.blackhole_reported {
            return;
        }
        self.blackhole_reported = true;
        let finding = Finding::new(format!(
            "{} connections to {} in a row opened only when the SYN came without ECN",
            self.blackholed, s.source
        ))
        .figure("flows", i64::from(self.blackholed))
        .frames(flow.handshake.syns.iter().map(|t| t.frame).chain([s.frame]));
        found(&rules::ECN_BLACKHOLE, finding);
    }

    /// A client that offers scaling and SACK without timestamps gets all or, with a cookie, nothing.
    fn take_collapse(&mut self, s: &Segment, client: &Offer, server: &Offer) {
        if client.window_scale.is_none() || !client.sack_permitted || client.timestamps.is_some() {
            return;
        }
        if server.window_scale.is_some() && server.sack_permitted {
            self.echoed_on = Some(s.source.port);
            if let Some(collapse) = &mut self.sends_cookies {
                collapse.taken += 1;
            }
            (self.collapsed.1, self.unrepeated) = (0, 0);
        } else if server.window_scale.is_none() && !server.sack_permitted && self.echoed_on == Some(s.source.port) {
            let (since, answers) = self.collapsed;
            let passed = s.time - since;
            if answers == 0 || passed > COOKIES_LAST || (passed > COLLAPSED.1 && answers < COLLAPSED.0) {
                (self.collapsed, self.unrepeated) = ((s.time, 0), 0);
            }
            self.collapsed.1 += 1;
            if let Some(collapse) = &mut self.sends_cookies {
                (collapse.last, collapse.taken) = (s.time, 0);
            }
        }
    }

    /// Whether it takes options again that it did not take while it sent cookies.
    pub(super) fn takes_options_again(&mut self, now: Timestamp) -> Option<CookieChange> {
        let over = |collapse: &mut Collapse| collapse.taken >= PLAIN_AGAIN && now - collapse.last >= LASTS;
        let Collapse { since, last, .. } = self.sends_cookies.take_if(over)?;
        Some(CookieChange::end(since, last))
    }

    /// The server's first segment after the SYN-ACK of `flow`: what its timestamps tell of SYN cookies.
    pub(super) fn second(&mut self, flow: &Flow, s: &Segment) -> Option<CookieChange> {
        self.cookies.second(flow, s)
    }

    /// Octets held elsewhere.
    pub(super) fn octets(&self) -> usize {
        self.cookies.octets()
    }

    /// A SYN-ACK was sent again before the third step.
    pub(super) const fn repeated(&mut self) {
        self.repeats = true;
    }

    /// Nobody acknowledged a SYN-ACK that was sent once: whether that, with what was seen before, tells SYN
    /// cookies.
    pub(super) fn unrepeated(&mut self, began: Timestamp) -> bool {
        let (since, answers) = self.collapsed;
        if !self.repeats || answers < COLLAPSED.0 || began < since || began - since > COOKIES_LAST {
            return false;
        }
        self.unrepeated += 1;
        let shown = self.unrepeated >= COLLAPSED.0;
        if shown && self.sends_cookies.is_none() {
            self.sends_cookies = Some(Collapse { since, last: began, taken: 0 });
        }
        shown
    }

    /// It sent the first payload of a connection to `port`.
    pub(super) const fn spoke_first(&mut self, port: u16) {
        self.speaks_first = Some(port);
    }

    /// Whether it speaks first on `port`, so that a client waits for it.
    pub(super) fn speaks_first(&self, port: u16) -> bool {
        self.speaks_first == Some(port)
    }

    /// Whether several connections to `port` have just shown a full accept queue.
    pub(super) fn is_overflowing(&self, port: u16, now: Timestamp) -> bool {
        self.overflowing.is_some_and(|(full, since)| full == port && now - since <= OVERFLOWS.1)
    }

    /// The SYN-ACK of an open connection was repeated, and what its client had sent was ignored.
    pub(super) fn overflowed(&mut self, flow: u64, port: u16, now: Timestamp, marks: &mut HostMarks) {
        self.overflows.retain(|(id, _, time)| *id != flow && now - *time <= OVERFLOWS.1);
        if self.overflows.len() >= 16 {
            self.overflows.remove(0);
        }
        self.overflows.push((flow, port, now));
        if self.overflows.iter().filter(|(_, p, _)| *p == port).count() >= OVERFLOWS.0 {
            self.overflowing = Some((port, now));
            marks.overflowing = true;
        }
    }
}
