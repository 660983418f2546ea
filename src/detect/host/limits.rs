//! A limit on the rate of SYNs: as many answers each second, however many ask, and who asks again gets in later.
//!
//! Loss drops a share of what comes, so that answers scatter as drawn ones do, and follow the demand. A limit lets a
//! number pass: answers scatter far less than that. A part of the sources, or of the hosts behind an address, may get
//! no answer at all, and the others be as regular as their clients; but then no repeated SYN is answered. Nor does a
//! limit that counts by the second answer any after the first few of each.

use crate::detect::anomaly::Phase;
use crate::detect::rule::Finding;
use crate::tcp::Endpoint;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// Seconds kept, and how many a verdict needs at least and looks at.
const SECONDS: usize = 24;
const LOOKED_AT: (i64, i64) = (6, 20);
/// Parts of a second.
const PARTS: usize = 8;
/// Answers in these seconds at least.
const ANSWERS: u32 = 40;
/// Answers that came to SYNs this old came to repeated ones; their share at least.
const LATE: (i64, f64) = (900 * MILLISECOND, 0.05);
/// Share of the seconds in which nothing passes after the first answers.
const CUT_OFF: f64 = 0.6;
/// Chance that drawn answers scatter so little.
const CHANCE: f64 = 1e-6;
/// Seconds in which all were answered, or none asked, that end it.
const ENDS: i64 = 5;
/// A full accept queue seen so lately explains it.
const OVERFLOW: i64 = 60 * SECOND;

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    second: i64,
    /// First SYNs and answers, by part of the second.
    asked: [u16; PARTS],
    answered: [u16; PARTS],
    /// SYNs sent again for the first time, and answers to SYNs that had been sent before.
    again: u16,
    late: u16,
}

impl Bin {
    fn first(&self) -> u32 {
        self.asked.iter().map(|n| u32::from(*n)).sum()
    }

    fn demand(&self) -> u32 {
        self.first() + u32::from(self.again)
    }

    fn answers(&self) -> u32 {
        self.answered.iter().map(|n| u32::from(*n)).sum()
    }

    /// Whether clearly more ask than are answered.
    fn is_short(&self) -> bool {
        let answers = self.answers();
        answers >= 2 && 4 * self.demand() >= 5 * answers + 8
    }

    /// Whether all are answered at first, and none in other parts of the second.
    fn is_cut_off(&self) -> bool {
        let parts = || self.asked.iter().zip(&self.answered);
        let full = parts().any(|(asked, answered)| *asked >= 2 && 10 * u32::from(*answered) >= 9 * u32::from(*asked));
        full && parts().filter(|(asked, answered)| **asked >= 4 && **answered == 0).count() >= 2
    }
}

/// What one service answers, by seconds since its clients began to repeat themselves.
#[derive(Debug)]
pub(super) struct Limit {
    since: Timestamp,
    bins: [Bin; SECONDS],
    judged: i64,
    overflow: Option<Timestamp>,
    /// When it was last asked again.
    again: Timestamp,
    on: Option<KnownLimit>,
}

/// A limit that is known.
#[derive(Clone, Copy, Debug)]
struct KnownLimit {
    incident: u64,
    since: Timestamp,
    last: i64,
}

/// What was found of a limit, and what to tell of it.
pub(super) enum LimitChange {
    Begins(Finding),
    Ends(Finding),
}

impl Limit {
    /// Clients begin to repeat their SYNs at `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { since: now, bins: [Bin::default(); SECONDS], judged: 0, overflow: None, again: now, on: None }
    }

    /// Whether nobody has repeated a SYN for so long that nothing is left to be known.
    pub(super) const fn is_over(&self, now: Timestamp) -> bool {
        now.0 - self.again.0 > SECONDS as i64 * SECOND && self.on.is_none()
    }

    /// A first SYN.
    pub(super) fn asked(&mut self, now: Timestamp) {
        let part = self.part(now);
        if let Some(bin) = self.bin(now) {
            bin.asked[part] = bin.asked[part].saturating_add(1);
        }
    }

    /// A SYN was sent again.
    pub(super) fn again(&mut self, now: Timestamp) {
        self.again = now;
        if let Some(bin) = self.bin(now) {
            bin.again = bin.again.saturating_add(1);
        }
    }

    /// A SYN-ACK to an attempt that began at `began`; `overflowing`: of a server whose accept queue is full.
    pub(super) fn answered(&mut self, now: Timestamp, began: Timestamp, overflowing: bool) {
        if overflowing {
            self.overflow = Some(now);
        }
        let part = self.part(now);
        if let Some(bin) = self.bin(now) {
            bin.answered[part] = bin.answered[part].saturating_add(1);
            bin.late = bin.late.saturating_add(u16::from(now - began >= LATE.0));
        }
    }

    /// Judges the seconds that have passed at `now`; `number`: under which what was found is reported.
    pub(super) fn judge(&mut self, now: Timestamp, server: Endpoint) -> Option<LimitChange> {
        let second = self.second(now);
        if second <= self.judged {
            return None;
        }
        self.judged = second;
        if self.overflow.is_some_and(|at| now - at <= OVERFLOW) {
            return None;
        }
        let Some(on) = &mut self.on else { return self.begins(second, server) };
        let recent = |at: &i64| self.bins[at.rem_euclid(SECONDS as i64) as usize];
        let short = (on.last + 1..second).rev().take(SECONDS).find(|at| {
            let bin = recent(at);
            bin.second == *at && bin.is_short()
        });
        on.last = short.unwrap_or(on.last);
        if second - on.last <= ENDS {
            return None;
        }
        Some(self.ends(server))
    }

    /// Under which number it is reported from now on.
    pub(super) const fn number(&mut self, incident: u64) {
        if let Some(on) = &mut self.on {
            on.incident = incident;
        }
    }

    fn ends(&mut self, server: Endpoint) -> LimitChange {
        let Some(on) = self.on.take() else { return LimitChange::Ends(Finding::default()) };
        let lasted = self.since.after((on.last + 1) * SECOND) - on.since;
        let reason = format!("no limit on the SYNs to {server} shows any more; one did for {} s", lasted / SECOND);
        LimitChange::Ends(Finding::new(reason).figure("duration_ns", lasted).of(on.incident, Phase::Final))
    }

    fn begins(&mut self, second: i64, server: Endpoint) -> Option<LimitChange> {
        // The first second is not whole.
        let bins: Vec<Bin> = (1..second)
            .rev()
            .take(LOOKED_AT.1 as usize)
            .map(|at| (at, self.bins[at.rem_euclid(SECONDS as i64) as usize]))
            .take_while(|(at, bin)| bin.second == *at && bin.is_short())
            .map(|(_, bin)| bin)
            .collect();
        let answers: u32 = bins.iter().map(Bin::answers).sum();
        let demand: u32 = bins.iter().map(Bin::demand).sum();
        let late: u32 = bins.iter().map(|bin| u32::from(bin.late)).sum();
        let n = bins.len() as i64;
        if n < LOOKED_AT.0 || answers < ANSWERS {
            return None;
        }
        let cut_off = bins.iter().filter(|bin| bin.is_cut_off()).count();
        let by_window = cut_off as f64 >= CUT_OFF * n as f64;
        let chance = chance(&bins, answers, demand);
        if chance > CHANCE || !(by_window || f64::from(late) >= LATE.1 * f64::from(answers)) {
            return None;
        }
        let since = self.since.after((second - n) * SECOND);
        self.on = Some(KnownLimit { incident: 0, since, last: second - 1 });
        let (rate, asked) = (f64::from(answers) / n as f64, f64::from(demand) / n as f64);
        let how = if by_window { "the first of each second" } else { "first and repeated ones alike" };
        let reason = format!(
            "{server} answers {rate:.0} SYNs a second of {asked:.0}, {how}: for {n} s the number has not changed with \
             the demand"
        );
        let finding = Finding::new(reason)
            .figure("rate", rate)
            .figure("demand", asked)
            .figure("seconds", n)
            .figure("answered", answers)
            .figure("answered_late", late)
            .figure("chance", chance);
        Some(LimitChange::Begins(finding))
    }

    const fn second(&self, now: Timestamp) -> i64 {
        (now.0 - self.since.0).div_euclid(SECOND)
    }

    const fn part(&self, now: Timestamp) -> usize {
        ((now.0 - self.since.0).rem_euclid(SECOND) / (SECOND / PARTS as i64)) as usize % PARTS
    }

    /// Where `now` is counted, if nothing newer has its place.
    fn bin(&mut self, now: Timestamp) -> Option<&mut Bin> {
        let second = self.second(now);
        let bin = &mut self.bins[second.rem_euclid(SECONDS as i64) as usize];
        if second > bin.second {
            *bin = Bin { second, ..Bin::default() };
        }
        (bin.second == second).then_some(bin)
    }
}

/// The chance that answers drawn from the demand scatter as little as these, by the index of dispersion.
fn chance(bins: &[Bin], answers: u32, demand: u32) -> f64 {
    let (n, share) = (bins.len() as f64, f64::from(answers) / f64::from(demand.max(1)));
    let mean = f64::from(answers) / n;
    let squares: f64 = bins.iter().map(|bin| (f64::from(bin.answers()) - mean).powi(2)).sum();
    chi_squared(squares / (mean * (1.0 - share)).max(f64::MIN_POSITIVE), bins.len() as u32 - 1)
}

/// The chance of at most `x` in the chi-squared distribution with `freedom` degrees of freedom, by its series.
fn chi_squared(x: f64, freedom: u32) -> f64 {
    let (a, x) = (f64::from(freedom) / 2.0, x / 2.0);
    if x <= 0.0 {
        return 0.0;
    }
    // ln of the gamma function of a + 1, from that of 1 or of 1/2.
    let (mut at, mut ln_gamma) =
        if freedom.is_multiple_of(2) { (1.0, 0.0) } else { (0.5, core::f64::consts::PI.sqrt().ln()) };
    while at < a + 0.75 {
        ln_gamma += f64::ln(at);
        at += 1.0;
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..200 {
        term *= x / (a + f64::from(k));
        sum += term;
    }
    ((a * x.ln() - x - ln_gamma).exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chi_squared_is_that_of_the_tables() {
        for (x, freedom, wanted) in [(3.325, 9, 0.05), (2.088, 9, 0.01), (10.117, 19, 0.05), (0.0506, 2, 0.025)] {
            assert!((chi_squared(x, freedom) - wanted).abs() < 0.001, "{x} {freedom}: {}", chi_squared(x, freedom));
        }
    }
}
