//! nmap's figures from six probes a tenth of a second apart: GCD, ISR and SP (its `makeTSeqFP`), read passively.

use super::tests_of::{Sample, distances, gcd};
use crate::time::{MILLISECOND, SECOND};

/// Probes of a round, and how many of them must be answered.
const PROBES: usize = 6;
const ANSWERED: usize = 4;
/// Probes of one round follow each other within this, nanoseconds: they are a tenth of a second apart, and some get no
/// answer.
const ROUND: i64 = 450 * MILLISECOND;

/// nmap's triplet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triplet {
    /// Greatest common divisor of the differences.
    pub gcd: u32,
    /// Eight times the binary logarithm of the mean rate a second.
    pub isr: u32,
    /// Eight times the binary logarithm of the deviation: how hard the next number is to guess.
    pub sp: u32,
}

impl Triplet {
    /// What nmap prints of it: its sequence prediction difficulty, a number and a word.
    pub const fn difficulty(&self) -> (u32, &'static str) {
        let word = match self.sp {
            0..3 => "Trivial joke",
            3..6 => "Easy",
            6..11 => "Medium",
            11 => "Formidable",
            12..16 => "Worthy challenge",
            _ => "Good luck!",
        };
        (self.sp, word)
    }
}

/// The triplet of the newest of `samples`, if at least four (at most six) of them were 60 to 160 ms apart.
///
/// Of more than six the last six count; fewer than six must be all there are.
pub(super) fn triplet(samples: &[Sample]) -> Option<Triplet> {
    let tail = samples.get(samples.len().saturating_sub(6)..)?;
    let spaced = |w: &[Sample]| (60 * MILLISECOND..=160 * MILLISECOND).contains(&(w[1].time - w[0].time));
    if tail.len() < 4 || !tail.windows(2).all(spaced) {
        return None;
    }
    Some(of(tail))
}

/// The triplet of nmap's own probes, the newest of `samples`: those of its last round that were answered, if at least
/// four were.
pub(super) fn triplet_of_probes(samples: &[Sample]) -> Option<Triplet> {
    let follows = |w: &[Sample]| w[1].time - w[0].time < ROUND;
    let run = samples.windows(2).rev().take_while(|w| follows(w)).count() + 1;
    let round = samples.get(samples.len().saturating_sub(run.min(PROBES))..)?;
    (round.len() >= ANSWERED).then(|| of(round))
}

fn of(tail: &[Sample]) -> Triplet {
    let divisor = distances(tail.iter().map(|s| s.isn)).fold(0, gcd);
    let rates: Vec<f64> = distances(tail.iter().map(|s| s.isn))
        .zip(tail.windows(2))
        .map(|(d, w)| f64::from(d) * SECOND as f64 / (w[1].time - w[0].time) as f64)
        .collect();
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    let eighths = |x: f64| if x <= 1.0 { 0 } else { (8.0 * x.log2()).round() as u32 };
    let unit = if divisor > 9 { f64::from(divisor) } else { 1.0 };
    let squares: f64 = rates.iter().map(|r| ((r - mean) / unit).powi(2)).sum();
    let deviation = (squares / (tail.len() as f64 - 2.0)).sqrt();
    Triplet { gcd: divisor, isr: eighths(mean), sp: eighths(deviation) }
}
