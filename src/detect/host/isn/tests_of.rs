//! Statistical tests on initial sequence numbers of distinct four-tuples. Pure functions; each gives the
//! probability that random numbers would look like that.

use smallvec::SmallVec;

use crate::time::SECOND;

/// A finding needs a probability at most this: with 13 looks and 8 tests, one false finding in ten million cohorts.
pub(super) const SIGNIFICANT: f64 = 1e-8;
/// The whole circle.
const CIRCLE: f64 = 4_294_967_296.0;
/// Rates of known clocks, ticks a second; the rest is derived from the data.
const RATES: [f64; 6] = [0.0, 1e3, 1.28e5, 2.5e5, 1e6, 1.5625e7];

/// Most repetitions of a step that connections out of sight explain.
pub(super) const FEW_STEPS: u32 = 64;
/// Bits by which one pattern must leave less to guess than another to be reported in its place.
const CLEARLY: f64 = 2.0;
/// Counters that may take turns, at most.
const MOST_COUNTERS: usize = 8;
/// Numbers that each of them must have given.
const OF_EACH: usize = 3;

/// One initial sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Nanoseconds of packet time.
    pub(super) time: i64,
    pub(super) isn: u32,
    /// The ISN it answers, for servers; the address asked (folded), for clients.
    pub(super) other: u32,
}

/// What a set of samples shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pattern {
    /// Always the same.
    Constant(u32),
    /// Equal pairs: they are drawn from about `values` values.
    Repeats { pairs: u64, values: f64, p: f64 },
    /// Differences share this divisor, and are at most `largest` times it.
    Step { divisor: u32, largest: u32, p: f64 },
    /// They lie on a line: ticks a second and bits left to guess.
    Line { rate: f64, bits: f64, p: f64 },
    /// Each lies a little above the one before.
    Increments { smallest: u32, largest: u32, p: f64 },
    /// The same of numbers read in the other byte order.
    Swapped { smallest: u32, largest: u32, p: f64 },
    /// Several counters that take turns; bits left to guess of the next number.
    Several { counters: u32, bits: f64, p: f64 },
    /// These bits never change.
    StuckBits { mask: u32, p: f64 },
    /// Constant distance to the ISN answered, or to the address asked.
    Relation { distance: u32, p: f64 },
    /// The ISN answered, or the address asked, with these bits inverted.
    Inverted { mask: u32, p: f64 },
    /// next = a * previous + c.
    Congruential { factor: u32, p: f64 },
}

/// Looks at `samples` (in order of time) for every pattern, the most telling first.
pub(super) fn examine(samples: &[Sample]) -> Option<Pattern> {
    if let Some(pattern) = constant(samples).or_else(|| relation(samples)) {
        return Some(pattern);
    }
    let repeated = repeats(samples);
    if samples.len() < 6 {
        return repeated;
    }
    // A pattern of values seldom met takes the place of one of their course only where it leaves clearly less to guess.
    // A counter does not come back to where it was.
    let comes_back =
        |found: &Pattern| repeated.is_some() && matches!(found, Pattern::Step { .. } | Pattern::Congruential { .. });
    let mut best = counters(samples).filter(|found| !comes_back(found));
    for other in [several(samples), repeated, swapped(samples)].into_iter().flatten() {
        if best.is_none_or(|known| other.bits() + CLEARLY < known.bits()) {
            best = Some(other);
        }
    }
    best
}

impl Pattern {
    /// Binary logarithm of the numbers that somebody has to try who knows the pattern and the numbers so far.
    pub(super) fn bits(&self) -> f64 {
        match *self {
            Self::Constant(_) | Self::Relation { .. } | Self::Inverted { .. } | Self::Congruential { .. } => 0.0,
            Self::Repeats { values, .. } => values.log2(),
            Self::Step { largest, .. } if largest <= FEW_STEPS => f64::from(largest.max(1)).log2(),
            Self::Step { divisor, .. } => 32.0 - f64::from(divisor).log2(),
            Self::Line { bits, .. } | Self::Several { bits, .. } => bits,
            Self::Increments { smallest, largest, .. } | Self::Swapped { smallest, largest, .. } => {
                f64::from(largest - smallest + 1).log2()
            }
            Self::StuckBits { mask, .. } => f64::from(32 - mask.count_ones()),
        }
    }
}

fn counters(samples: &[Sample]) -> Option<Pattern> {
    let step = step(samples);
    if let Some(Pattern::Step { divisor, largest, .. }) = step
        && largest <= FEW_STEPS
        && divisor > 1
    {
        return step;
    }
    let line = line(samples);
    let increments = increments(samples);
    match (line, increments) {
        // Whichever leaves less to guess.
        (Some(Pattern::Line { bits, .. }), Some(Pattern::Increments { smallest, largest, .. }))
            if f64::from(largest - smallest).max(1.0).log2() <= bits + 2.0 =>
        {
            increments
        }
        // Numbers that stay in one place: which bits never change says more than an arc.
        (Some(Pattern::Line { rate: 0.0, .. }), _) => stuck_bits(samples).or(line),
        (Some(_), _) => line,
        (None, Some(_)) => increments,
        (None, None) => step.or_else(|| stuck_bits(samples)).or_else(|| congruential(samples)),
    }
}

fn constant(samples: &[Sample]) -> Option<Pattern> {
    let first = samples.first()?.isn;
    (samples.len() >= 3 && samples.iter().all(|s| s.isn == first)).then_some(Pattern::Constant(first))
}

fn repeats(samples: &[Sample]) -> Option<Pattern> {
    if all_differ(samples) {
        return None;
    }
    let mut sorted: Vec<u32> = samples.iter().map(|s| s.isn).collect();
    sorted.sort_unstable();
    let pairs: u64 = sorted.chunk_by(|a, b| a == b).map(|run| run.len() as u64).map(|k| k * (k - 1) / 2).sum();
    let n = samples.len() as f64;
    let expected = n * (n - 1.0) / 2.0 / CIRCLE;
    // P[Poisson >= m] <= expected^m / m!
    let p = (1..=pairs.min(50)).fold(1.0, |p, k| p * expected / k as f64);
    // The number of values that gives as many equal pairs by chance (birthday problem), at least those seen twice.
    let twice = sorted.chunk_by(|a, b| a == b).filter(|run| run.len() > 1).count() as f64;
    let values = (n * (n - 1.0) / 2.0 / pairs.max(1) as f64).max(twice);
    (pairs > 0 && p <= SIGNIFICANT).then_some(Pattern::Repeats { pairs, values, p })
}

/// Whether the numbers are certainly distinct: few random ones fall into places of their own. Saves sorting them.
fn all_differ(samples: &[Sample]) -> bool {
    let mut taken = [0_u64; 64];
    samples.len() <= 64
        && samples.iter().all(|s| {
            let place = s.isn.wrapping_mul(0x9e37_79b1) >> 20;
            let (word, bit) = (&mut taken[(place >> 6) as usize], 1 << (place & 63));
            let free = *word & bit == 0;
            *word |= bit;
            free
        })
}

/// Constant distance from what it answers, by difference or bit by bit.
fn relation(samples: &[Sample]) -> Option<Pattern> {
    let first = samples.first()?;
    let (distance, mask) = (first.isn.wrapping_sub(first.other), first.isn ^ first.other);
    let by_difference = samples.iter().all(|s| s.isn.wrapping_sub(s.other) == distance);
    if !by_difference && samples.iter().any(|s| s.isn ^ s.other != mask) {
        return None;
    }
    let mut others: Vec<u32> = samples.iter().map(|s| s.other).collect();
    others.sort_unstable();
    others.dedup();
    let p = CIRCLE.powi(1 - others.len() as i32);
    let pattern = if by_difference { Pattern::Relation { distance, p } } else { Pattern::Inverted { mask, p } };
    (others.len() >= 3 && p <= SIGNIFICANT).then_some(pattern)
}

/// Distances between neighbours the short way round (nmap's `MOD_DIFF`).
pub(super) fn distances(isns: impl Iterator<Item = u32> + Clone) -> impl Iterator<Item = u32> + Clone {
    isns.clone().zip(isns.skip(1)).map(|(a, b)| b.wrapping_sub(a).min(a.wrapping_sub(b)))
}

pub(super) fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn step(samples: &[Sample]) -> Option<Pattern> {
    let distances = distances(samples.iter().map(|s| s.isn));
    let divisor = distances.clone().try_fold(0, |common, next| Some(gcd(common, next)).filter(|d| *d != 1))?;
    if divisor == 0 {
        return None;
    }
    let k = (samples.len() - 1) as f64;
    let g = f64::from(divisor);
    let p = (-k * g.ln()).exp() * (1.0 + g / (k - 1.0));
    let largest = distances.max().unwrap_or(0) / divisor;
    (p <= SIGNIFICANT).then_some(Pattern::Step { divisor, largest, p })
}

/// Shortest arc that holds every number once the advance at some rate is taken out.
fn line(samples: &[Sample]) -> Option<Pattern> {
    let n = samples.len() as f64;
    let points = from_first(samples)?;
    let mut best: Option<(f64, f64, f64)> = None;
    let try_rate = |best: &mut Option<(f64, f64, f64)>, rate: f64, choices: f64, free: f64| {
        let Some(arc) = shortest_arc(&points, rate) else { return };
        let f = (arc + 1.0) / CIRCLE;
        // A rate that is no better by a bit is none: the simplest one stays.
        if best.is_some_and(|(_, b, _)| (b + 1.0) / 2.0 <= arc + 1.0) {
            return;
        }
        *best = Some((rate, arc, choices * n * f.powf(free)));
    };
    for rate in RATES {
        try_rate(&mut best, rate, RATES.len() as f64, n - 1.0);
    }
    for pair in samples.windows(2) {
        if let Some(rate) = rate_of(&pair[0], &pair[1]) {
            try_rate(&mut best, rate, n - 1.0, n - 2.0);
        }
    }
    // The longest lever gives the finest slope, near the rates found so far.
    if let (Some((rate, ..)), Some(first), Some(last)) = (best, samples.first(), samples.last())
        && let Some(refined) = refine(rate, first, last)
    {
        try_rate(&mut best, refined, 2.0 * n, n - 2.0);
    }
    let (rate, arc, p) = best?;
    (p <= SIGNIFICANT).then(|| Pattern::Line { rate, bits: (arc + 1.0).log2(), p })
}

fn rate_of(a: &Sample, b: &Sample) -> Option<f64> {
    let seconds = (b.time - a.time) as f64 / SECOND as f64;
    (seconds > 0.0).then(|| f64::from(b.isn.wrapping_sub(a.isn)) / seconds)
}

/// The slope near `rate` that leads exactly from the first to the last sample.
fn refine(rate: f64, first: &Sample, last: &Sample) -> Option<f64> {
    let seconds = (last.time - first.time) as f64 / SECOND as f64;
    if seconds <= 0.0 {
        return None;
    }
    let observed = f64::from(last.isn.wrapping_sub(first.isn));
    let turns = ((rate * seconds - observed) / CIRCLE).round();
    Some((observed + turns * CIRCLE) / seconds)
}

/// Time and number of each sample, counted from the first: seconds, and the way around the circle.
fn from_first(samples: &[Sample]) -> Option<SmallVec<[(f64, u32); 32]>> {
    let first = samples.first()?;
    let seconds = |s: &Sample| (s.time - first.time) as f64 / SECOND as f64;
    Some(samples.iter().map(|s| (seconds(s), s.isn.wrapping_sub(first.isn))).collect())
}

/// Length of the shortest arc that holds every number once the advance at `rate` is taken out, if it is less than half
/// the circle. Random numbers leave the half circle after a few samples, so most rates cost next to nothing.
fn shortest_arc(points: &[(f64, u32)], rate: f64) -> Option<f64> {
    let (mut low, mut high) = (0_i64, 0_i64);
    for (seconds, way) in points {
        let from_start = i64::from(way.wrapping_sub(on_circle(rate * seconds)).cast_signed());
        (low, high) = (low.min(from_start), high.max(from_start));
        if high - low >= 1 << 31 {
            return None;
        }
    }
    Some((high - low) as f64)
}

/// `x` modulo 2^32, rounded down.
fn on_circle(x: f64) -> u32 {
    let towards_zero = x as i64;
    (towards_zero - i64::from(towards_zero as f64 > x)) as u32
}

/// Every number a little above the one before: none more than 2^24.
fn increments(samples: &[Sample]) -> Option<Pattern> {
    let rises = || samples.windows(2).map(|w| w[1].isn.wrapping_sub(w[0].isn));
    if rises().any(|rise| rise >= 1 << 24) {
        return None;
    }
    let (smallest, largest) = (rises().min()?, rises().max()?);
    let k = (samples.len() - 1) as f64;
    let p = (k * ((f64::from(largest) + 1.0) / CIRCLE).ln()).exp();
    (p <= SIGNIFICANT).then_some(Pattern::Increments { smallest, largest, p })
}

/// The same in the other byte order: a counter that is written as it lies in memory.
fn swapped(samples: &[Sample]) -> Option<Pattern> {
    let turned: SmallVec<[Sample; 32]> = samples.iter().map(|s| Sample { isn: s.isn.swap_bytes(), ..*s }).collect();
    let Some(Pattern::Increments { smallest, largest, p }) = increments(&turned) else { return None };
    let p = 2.0 * p;
    (p <= SIGNIFICANT).then_some(Pattern::Swapped { smallest, largest, p })
}

/// Counters that take turns, as processors or hosts behind one address have them: the numbers lie on a few arcs far
/// from each other, and on each they rise.
fn several(samples: &[Sample]) -> Option<Pattern> {
    let mut sorted: SmallVec<[u32; 64]> = samples.iter().map(|s| s.isn).collect();
    sorted.sort_unstable();
    let most = MOST_COUNTERS.min(samples.len() / OF_EACH);
    // The widest gaps of the circle part the arcs: (width, the number behind it).
    let around = sorted.iter().skip(1).chain(sorted.first());
    let mut gaps: SmallVec<[(u32, u32); 64]> =
        sorted.iter().zip(around).map(|(a, b)| (b.wrapping_sub(*a), *b)).collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    (2..=most).filter_map(|counters| on_arcs(samples, &gaps[..counters])).min_by(|a, b| a.bits().total_cmp(&b.bits()))
}

/// Whether the numbers of each arc, which begin behind `gaps`, rise.
fn on_arcs(samples: &[Sample], gaps: &[(u32, u32)]) -> Option<Pattern> {
    let mut starts: SmallVec<[u32; MOST_COUNTERS]> = gaps.iter().map(|(_, start)| *start).collect();
    starts.sort_unstable();
    let arc_of = |isn: u32| starts.iter().rposition(|start| *start <= isn).unwrap_or(starts.len() - 1);
    let (mut choices, mut log_p) = (0.0, samples.len() as f64 * (starts.len() as f64).ln());
    for arc in 0..starts.len() {
        let own: SmallVec<[Sample; 64]> = samples.iter().filter(|s| arc_of(s.isn) == arc).copied().collect();
        let rises = || own.windows(2).map(|w| w[1].isn.wrapping_sub(w[0].isn));
        if own.len() < OF_EACH || rises().any(|rise| rise >= 1 << 24) {
            return None;
        }
        let (smallest, largest) = (rises().min()?, rises().max()?);
        choices += f64::from(largest - smallest) + 1.0;
        log_p += (own.len() - 1) as f64 * ((f64::from(largest) + 1.0) / CIRCLE).ln();
    }
    let p = log_p.exp();
    (p <= SIGNIFICANT).then_some(Pattern::Several { counters: starts.len() as u32, bits: choices.log2(), p })
}

fn stuck_bits(samples: &[Sample]) -> Option<Pattern> {
    let ones = samples.iter().fold(u32::MAX, |m, s| m & s.isn);
    let zeros = samples.iter().fold(u32::MAX, |m, s| m & !s.isn);
    let mask = ones | zeros;
    let stuck = mask.count_ones();
    if stuck == 0 {
        return None;
    }
    // Some `stuck` of 32 bits, each at either value, in all of n samples; and any number of them would have done.
    let ways = (0..stuck).fold(32.0, |w, i| w * f64::from(32 - i) / f64::from(i + 1));
    let p = ways * (-f64::from(stuck) * (samples.len() as f64 - 1.0)).exp2();
    (p <= SIGNIFICANT).then_some(Pattern::StuckBits { mask, p })
}

/// A linear congruential generator modulo 2^32: each difference is the one before times a constant. Two differences
/// give the constant, the others bear it out. Numbers that went to somebody out of sight break some of the triples, not
/// all.
fn congruential(samples: &[Sample]) -> Option<Pattern> {
    let d: SmallVec<[u32; 64]> = samples.windows(2).map(|w| w[1].isn.wrapping_sub(w[0].isn)).collect();
    let mut tried = 0.0;
    let mut best: Option<(u32, f64)> = None;
    for pair in d.windows(2).take(64) {
        let Some(inverse) = inverse(pair[0]) else { continue };
        let factor = pair[1].wrapping_mul(inverse);
        tried += 1.0;
        let matching = d.windows(2).filter(|w| w[0].wrapping_mul(factor) == w[1]).count() as f64 - 1.0;
        let chances = (d.len() as f64).powf(matching);
        let p = tried * chances * CIRCLE.powf(-matching);
        if matching >= 2.0 && best.is_none_or(|(_, b)| p < b) {
            best = Some((factor, p));
        }
    }
    best.filter(|(_, p)| *p <= SIGNIFICANT).map(|(factor, p)| Pattern::Congruential { factor, p })
}

/// The inverse of an odd number modulo 2^32 (Newton's iteration).
fn inverse(odd: u32) -> Option<u32> {
    if odd & 1 == 0 {
        return None;
    }
    let mut x = odd;
    for _ in 0..5 {
        x = x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x)));
    }
    Some(x)
}
