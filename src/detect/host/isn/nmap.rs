//! nmap's figures from six probes a tenth of a second apart: GCD, ISR and SP (its `makeTSeqFP`), read passively.

use super::tests_of::{Sample, distances, gcd};
use crate::time::{MILLISECOND, SECOND};

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

/// The triplet of the newest of `samples`, if at least four (at most six) of them were 60 to 160 ms apart.
///
/// Of more than six the last six count; fewer than six must be all there are.
pub(super) fn triplet(samples: &[Sample]) -> Option<Triplet> {
    let tail = samples.get(samples.len().saturating_sub(6)..)?;
    let spaced = |w: &[Sample]| (60 * MILLISECOND..=160 * MILLISECOND).contains(&(w[1].time - w[0].time));
    if tail.len() < 4 || !tail.windows(2).all(spaced) {
        return None;
    }
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
    Some(Triplet { gcd: divisor, isr: eighths(mean), sp: eighths(deviation) })
}
