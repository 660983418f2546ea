//! What is withheld until it is clear. Kernels make the connections of health checks, of browsers and of crawlers as
//! well as those of simple scanners: what tells them apart is what comes after.
//!
//! * Who checks others asks the same targets again and again, at a steady period.
//! * A browser that asks by both families at once forgets the one that is slow.
//! * When an uplink dies, all that its hosts ask for stays silent from one moment on, and nothing answers any more.
//! * Who uses as many connections as fail has work to do.

use smallvec::SmallVec;

use super::pair::{Found, Pair, UNIT};
use super::source::{Shape, Source};
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// For so long what a kernel may have sent of itself is withheld: as long as most checks' periods.
pub(super) const PATIENCE: i64 = 75 * SECOND;

/// So many attempts from before observation show that a source was asking then.
const SEVERAL_OLDER: u32 = 3;
/// Ports of one host that nobody checks.
pub(super) const NO_CHECK: usize = 60;

/// How much earlier than its last answer a source may ask for what an uplink no longer carries, and how much later than
/// that the first of it comes.
const UPLINK: (i64, i64) = (2 * SECOND, 300 * SECOND);
/// Connections that were put to use before an uplink is known.
const USED_BEFORE: u64 = 3;
/// Targets of a kind that a host may ask in vain before anything answers it for the first time; a scan asks more.
const MOST_FROM_THE_START: usize = 64;
/// Failures for each connection put to use up to which a source looks for peers.
const USED_OF_FAILED: u64 = 10;
/// A sweep meets targets so quickly, on average.
const SWEEP: i64 = 100 * MILLISECOND;
/// Who gets no answer tries once more within so much time.
const RETRY: i64 = 12 * SECOND;

/// What became of the pairs of a shape.
#[derive(Debug, Default)]
struct Members {
    pub(super) answered: usize,
    pub(super) silent: usize,
    pub(super) open: usize,
    /// Asked for again, as often as no retry explains.
    repeated: usize,
    pub(super) again: usize,
    periods: SmallVec<[u16; 64]>,
    pub(super) times: SmallVec<[Timestamp; 64]>,
}

impl Members {
    pub(super) fn of(source: &Source, shape: Shape, since: Timestamp) -> Self {
        let mut members = Self::default();
        // Who was asking already when observation began asked for that before, and what came of it is unknown.
        let older = |p: &Pair| source.older.0 >= SEVERAL_OLDER && p.found == Found::Silent && p.time <= source.older.1;
        let may = |p: &&Pair| p.may_be_ordinary() && source.belongs(shape, p) && p.time >= since && !older(p);
        for p in source.pairs.iter().filter(may) {
            match p.found {
                Found::Answered => members.answered += 1,
                Found::Silent => members.silent += 1,
                _ => members.open += 1,
            }
            members.times.push(p.time);
            let retries = if p.found == Found::Silent && i64::from(p.asked.period) * UNIT < RETRY { 2 } else { 1 };
            members.again += usize::from(p.asked.times > 1);
            if p.asked.times > retries {
                members.repeated += 1;
                members.periods.push(p.asked.period);
            }
        }
        members.times.sort_unstable();
        members.periods.sort_unstable();
        members
    }

    pub(super) fn all(&self) -> usize {
        self.times.len()
    }

    pub(super) const fn failed(&self) -> usize {
        self.answered + self.silent
    }

    /// The same targets again and again: most were asked for more than once, and nearly all within the last period.
    fn are_checked(&self) -> bool {
        let (Some(period), Some(last)) = (self.periods.get(self.periods.len() / 2), self.times.last()) else {
            return false;
        };
        let period = (i64::from(*period) + 1) * UNIT;
        let lately = self.times.iter().filter(|time| *last - **time <= 2 * period).count();
        2 * self.repeated >= self.all() && 5 * lately >= 4 * self.all()
    }

    /// Nothing answers since a moment after which all this was asked for.
    fn uplink_is_dead(&self, source: &Source) -> bool {
        let Some(first) = self.times.first() else { return false };
        let fell_silent = |from: Timestamp, to: Timestamp| {
            let after = *first - from;
            (-UPLINK.0..=UPLINK.1).contains(&after) && self.times.last().is_some_and(|last| *last <= to)
        };
        let (from, to) = source.silence;
        self.failed() == self.silent
            && self.open == 0
            && source.used >= USED_BEFORE
            && (from != source.first || self.failed() <= MOST_FROM_THE_START)
            && (fell_silent(source.last_answer, Timestamp(i64::MAX)) || fell_silent(from, to))
    }

    /// Nearly each was asked for by the other family at once.
    fn have_twins(&self, source: &Source) -> bool {
        self.open <= self.failed() && (self.all() as u32) <= source.twins.1.saturating_mul(2)
    }

    /// So many open targets, each once, one soon after the other.
    fn are_swept(&self, enough: usize) -> bool {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else { return false };
        self.all() >= enough && 10 * self.again <= self.all() && (*last - *first) / self.all() as i64 <= SWEEP
    }
}

/// What to make of what was withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ordinary,
    /// One round of checks looks like this, or a search for peers.
    Doubtful,
    Scan,
}

/// What to make of what is withheld, and had `enough` pairs within the time since `since`.
pub(super) fn judge(source: &Source, shape: Shape, since: Timestamp, enough: usize) -> Verdict {
    let members = Members::of(source, shape, since);
    if members.are_checked() || members.uplink_is_dead(source) || members.have_twins(source) {
        return Verdict::Ordinary;
    }
    let one_host = matches!(shape, Shape::Vertical(_));
    let (used, failed) = (source.used, members.failed() as u64);
    if members.failed() < enough {
        return if members.are_swept(enough) { Verdict::Doubtful } else { Verdict::Ordinary };
    }
    if !one_host && used >= failed {
        return Verdict::Ordinary;
    }
    // Who goes through a list of servers finds most of them; who searches does not.
    if !one_host && members.open > members.failed() {
        return Verdict::Doubtful;
    }
    if !one_host && USED_OF_FAILED * used >= failed { Verdict::Doubtful } else { Verdict::Scan }
}

/// Whether `enough` of a shape were refused, each asked once, and next to nothing was open or put to use.
pub(super) fn are_refused(source: &Source, shape: Shape, since: Timestamp, enough: usize) -> bool {
    let members = Members::of(source, shape, since);
    let failed = members.failed();
    2 * members.answered >= failed.max(2)
        && failed >= enough
        && 4 * failed >= 3 * members.all()
        && 10 * members.again <= members.all()
        && USED_OF_FAILED * source.used < failed as u64
}
