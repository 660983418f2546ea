//! The clock of B against that of A: offset, drift, and how far off both can be.
//!
//! A packet that passes A and then B shows, by both clocks, offset plus delay; one that passes B first shows offset
//! minus delay. No delay is negative: each packet is a bound on the offset, from above or from below, and the least
//! delays of both directions are the tightest (Cristian, "Probabilistic clock synchronization", 1989). The half of
//! what lies between the bounds cannot be known: it is the error. Drift is the slope of a line between all bounds.
//! Where no line fits, a clock was set: a new stretch begins.

use crate::time::{MICROSECOND, SECOND, Timestamp};

/// Bounds of this much time are one: the tightest of each direction stays.
const WINDOW: i64 = SECOND;
/// Bounds of one stretch that are kept; beyond, neighbours become one.
const MAX_BOUNDS: usize = 256;
/// Time stamps are cut to microseconds at either end.
const ROUNDING: i64 = MICROSECOND;
/// The largest drift that is believed, in 10^-9: two bad quartz clocks differ by less.
const MAX_DRIFT: f64 = 500_000.0;
/// Contradictions in a row after which a clock was set, and is not just one packet's time wrong.
const PATIENCE: usize = 2;

/// A bound on the offset: at this time of A, no more (or no less) than this, nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Bound {
    at: i64,
    offset: i64,
}

/// The tightest bounds of a window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    index: i64,
    upper: Option<Bound>,
    lower: Option<Bound>,
}

/// What is known of the clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockFit {
    /// Time of A at which `offset` holds.
    pub at: Timestamp,
    /// B minus A, nanoseconds.
    pub offset: i64,
    /// How far the offset can be off, nanoseconds: half of what lies between the bounds.
    pub error: i64,
    /// Drift of B against A, in 10^-9 (parts per billion).
    pub drift: f64,
    /// How far the drift can be off, in 10^-9.
    pub drift_error: f64,
}

impl ClockFit {
    /// The offset at a time of A.
    pub fn offset_at(&self, time: Timestamp) -> i64 {
        self.offset.saturating_add(((time - self.at) as f64 * self.drift / 1e9) as i64)
    }

    /// How far the offset at a time of A can be off.
    pub fn error_at(&self, time: Timestamp) -> i64 {
        let drift_error = self.drift_error.min(MAX_DRIFT);
        self.error.saturating_add(((time - self.at).abs() as f64 * drift_error / 1e9) as i64)
    }
}

/// Bounds collected, and the line through them.
#[derive(Debug, Default)]
pub struct Clocks {
    bounds: Vec<Window>,
    current: Window,
    started: bool,
    /// Windows that contradict the stretch.
    doubtful: Vec<Window>,
    fit: Option<ClockFit>,
    /// Times that a clock was set.
    pub steps: u32,
    /// Windows whose bounds were dropped as contradictions.
    pub dropped: u32,
    /// Packets that gave a bound.
    pub samples: u64,
}

impl Clocks {
    /// A packet that passed both taps, A first if `a_first`: its times by both clocks.
    pub fn sample(&mut self, a: Timestamp, b: Timestamp, a_first: bool) {
        let offset = b - a;
        let index = a.0.div_euclid(WINDOW);
        if self.started && index != self.current.index {
            self.close();
        }
        if !self.started {
            self.current = Window { index, upper: None, lower: None };
            self.started = true;
        }
        self.samples += 1;
        let bound = Bound { at: a.0, offset: offset + if a_first { ROUNDING } else { -ROUNDING } };
        if a_first {
            tighten(&mut self.current.upper, bound, true);
        } else {
            tighten(&mut self.current.lower, bound, false);
        }
    }

    /// Takes the window that is open into account.
    pub fn close(&mut self) {
        if !self.started {
            return;
        }
        self.started = false;
        let window = self.current;
        self.bounds.push(window);
        if let Some(fit) = fit(&self.bounds) {
            if fit.0 {
                self.fit = fit.1.or(self.fit);
                if window.upper.is_some() && window.lower.is_some() {
                    self.dropped += self.doubtful.drain(..).count() as u32;
                }
            } else {
                self.contradiction();
            }
        }
        if self.bounds.len() > MAX_BOUNDS {
            self.thin();
        }
    }

    /// What is known now.
    pub fn fit(&self) -> Option<ClockFit> {
        self.fit
    }

    /// The last window does not fit the others: one packet's time is wrong, or a clock was set.
    fn contradiction(&mut self) {
        let Some(window) = self.bounds.pop() else { return };
        let itself = window.upper.zip(window.lower).is_some_and(|(upper, lower)| upper.offset < lower.offset);
        if !itself {
            self.doubtful.push(window);
        } else {
            self.dropped += 1;
        }
        if self.doubtful.len() < PATIENCE {
            return;
        }
        match fit(&self.doubtful) {
            Some((true, new)) if new.is_some() => {
                self.steps += 1;
                self.bounds = core::mem::take(&mut self.doubtful);
                self.fit = new;
            }
            Some((true, None)) if self.doubtful.len() < 8 * PATIENCE => {}
            _ => {
                self.doubtful.remove(0);
                self.dropped += 1;
            }
        }
    }

    /// Makes one of two neighbours: the bound that is tighter against the line stays.
    fn thin(&mut self) {
        let drift = self.fit.map_or(0.0, |fit| fit.drift);
        let height =
            |bound: Bound, base: i64| bound.offset as f64 - (bound.at.saturating_sub(base)) as f64 * drift / 1e9;
        let merged = self.bounds.chunks(2).map(|pair| {
            let base = pair.first().map_or(0, |w| w.index.saturating_mul(WINDOW));
            let uppers = pair.iter().filter_map(|w| w.upper);
            let lowers = pair.iter().filter_map(|w| w.lower);
            Window {
                index: pair.first().map_or(0, |w| w.index),
                upper: uppers.min_by(|a, b| height(*a, base).total_cmp(&height(*b, base))),
                lower: lowers.max_by(|a, b| height(*a, base).total_cmp(&height(*b, base))),
            }
        });
        self.bounds = merged.collect();
    }
}

fn tighten(slot: &mut Option<Bound>, bound: Bound, upper: bool) {
    let tighter = |old: &Bound| if upper { bound.offset < old.offset } else { bound.offset > old.offset };
    if slot.as_ref().is_none_or(tighter) {
        *slot = Some(bound);
    }
}

/// Bounds as floating point, near the first one: 2^53 ns are 104 days, and precision is needed to a microsecond.
struct Corridor {
    upper: Vec<(f64, f64)>,
    lower: Vec<(f64, f64)>,
    at: i64,
    base: i64,
}

impl Corridor {
    fn new(windows: &[Window]) -> Option<Self> {
        let last = windows.last()?;
        let newest = last.upper.or(last.lower)?;
        let (at, base) = (newest.at, newest.offset);
        let near = |b: Bound| (b.at.saturating_sub(at) as f64, b.offset.saturating_sub(base) as f64);
        Some(Self {
            upper: windows.iter().filter_map(|w| w.upper).map(near).collect(),
            lower: windows.iter().filter_map(|w| w.lower).map(near).collect(),
            at,
            base,
        })
    }

    /// The least and the greatest offset at time 0 of a line with this slope.
    fn limits(&self, slope: f64) -> (f64, f64) {
        let high = self.upper.iter().map(|(t, o)| o - slope * t).fold(f64::INFINITY, f64::min);
        let low = self.lower.iter().map(|(t, o)| o - slope * t).fold(f64::NEG_INFINITY, f64::max);
        (low, high)
    }

    fn gap(&self, slope: f64) -> f64 {
        let (low, high) = self.limits(slope);
        high - low
    }

    /// The slope with the widest gap, by ternary search: the gap is concave.
    fn best(&self) -> f64 {
        let most = MAX_DRIFT / 1e9;
        let (mut left, mut right) = (-most, most);
        for _ in 0..48 {
            let third = (right - left) / 3.0;
            if self.gap(left + third) < self.gap(right - third) { left += third } else { right -= third }
        }
        f64::midpoint(left, right)
    }

    /// The slope furthest from `inside`, towards `outside`, at which a line still fits.
    fn edge(&self, inside: f64, outside: f64) -> f64 {
        if self.gap(outside) >= 0.0 {
            return outside;
        }
        let (mut fits, mut not) = (inside, outside);
        for _ in 0..40 {
            let middle = f64::midpoint(fits, not);
            if self.gap(middle) >= 0.0 { fits = middle } else { not = middle }
        }
        fits
    }

    /// The extreme of the offset at time 0 over the slopes that fit: the upper limit is concave, the lower convex.
    fn extreme(&self, from: f64, to: f64, upper: bool) -> f64 {
        let value = |slope| if upper { self.limits(slope).1 } else { -self.limits(slope).0 };
        let (mut left, mut right) = (from, to);
        for _ in 0..40 {
            let third = (right - left) / 3.0;
            if value(left + third) < value(right - third) { left += third } else { right -= third }
        }
        let best = value(left).max(value(right)).max(value(from)).max(value(to));
        if upper { best } else { -best }
    }
}

/// Whether a line fits, and which: none as long as one direction has no packet.
fn fit(windows: &[Window]) -> Option<(bool, Option<ClockFit>)> {
    let corridor = Corridor::new(windows)?;
    if corridor.upper.is_empty() || corridor.lower.is_empty() {
        return Some((true, None));
    }
    let slope = corridor.best();
    if corridor.gap(slope) < 0.0 {
        return Some((false, None));
    }
    let most = MAX_DRIFT / 1e9;
    let (least, greatest) = (corridor.edge(slope, -most), corridor.edge(slope, most));
    let high = corridor.extreme(least, greatest, true);
    let low = corridor.extreme(least, greatest, false);
    let (offset, error) = (f64::midpoint(low, high), (high - low) / 2.0);
    let drift = f64::midpoint(least, greatest);
    let fit = ClockFit {
        at: Timestamp(corridor.at),
        offset: corridor.base.saturating_add(offset as i64),
        error: error.ceil() as i64,
        drift: drift * 1e9,
        drift_error: (greatest - least) / 2.0 * 1e9,
    };
    Some((true, Some(fit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets both ways each 100 ms, with delays from 5 to 12 ms one way and 9 to 20 ms the other.
    fn run(clocks: &mut Clocks, seconds: core::ops::Range<i64>, offset: impl Fn(i64) -> i64) {
        let mut state = 7u64;
        let mut random = |below: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64 % below
        };
        for n in seconds.start * 10..seconds.end * 10 {
            let t = n * SECOND / 10;
            let there = t + 5_000_000 + random(7_000_000);
            clocks.sample(Timestamp(t), Timestamp(there + offset(there)), true);
            let back = t + 9_000_000 + random(11_000_000);
            clocks.sample(Timestamp(back), Timestamp(t + offset(t)), false);
        }
        clocks.close();
    }

    fn is_within(fit: ClockFit, time: i64, truth: i64) {
        let (said, error) = (fit.offset_at(Timestamp(time)), fit.error_at(Timestamp(time)));
        assert!((said - truth).abs() <= error, "{said} ± {error}, and it is {truth}");
        assert!(error < 12_000_000, "{error}");
    }

    #[test]
    fn offset_and_drift_are_within_their_errors() {
        for ppm in [-100, 0, 100] {
            let mut clocks = Clocks::default();
            let offset = |t: i64| -3 * SECOND + t / 1_000_000 * ppm;
            run(&mut clocks, 0..600, offset);
            let fit = clocks.fit().unwrap();
            is_within(fit, 600 * SECOND, offset(600 * SECOND));
            is_within(fit, 590 * SECOND, offset(590 * SECOND));
            assert!((fit.drift - ppm as f64 * 1000.0).abs() <= fit.drift_error, "{fit:?}");
            assert!(fit.drift_error < 30_000.0, "{fit:?}");
            assert_eq!((clocks.steps, clocks.dropped), (0, 0));
        }
    }

    #[test]
    fn a_clock_that_is_set_begins_a_new_stretch_and_one_wrong_time_does_not() {
        let mut clocks = Clocks::default();
        run(&mut clocks, 0..20, |_| SECOND);
        run(&mut clocks, 20..40, |_| 4 * SECOND);
        assert_eq!(clocks.steps, 1);
        is_within(clocks.fit().unwrap(), 40 * SECOND, 4 * SECOND);
        clocks.sample(Timestamp(41 * SECOND), Timestamp(0), true);
        run(&mut clocks, 42..50, |_| 4 * SECOND);
        assert_eq!((clocks.steps, clocks.dropped), (1, 1));
        is_within(clocks.fit().unwrap(), 50 * SECOND, 4 * SECOND);
    }

    #[test]
    fn long_captures_keep_few_bounds() {
        let mut clocks = Clocks::default();
        run(&mut clocks, 0..2000, |t| t / 20_000);
        assert!(clocks.bounds.len() <= MAX_BOUNDS);
        is_within(clocks.fit().unwrap(), 2000 * SECOND, 100_000_000);
    }

    #[test]
    fn one_direction_gives_no_offset_and_forged_times_no_panic() {
        let mut clocks = Clocks::default();
        for t in [i64::MIN, 0, i64::MAX, 5, -7] {
            clocks.sample(Timestamp(t), Timestamp(!t), true);
        }
        clocks.close();
        assert_eq!(clocks.fit(), None);
        for t in [i64::MAX, i64::MIN, 3] {
            clocks.sample(Timestamp(t), Timestamp(0), false);
            clocks.close();
        }
    }
}
