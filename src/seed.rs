//! The seed of sketches and fixed tables, whose inputs attackers choose.
//!
//! A file is analysed with a stated seed, so that the same capture gives the same bytes. What is captured live is
//! analysed with a secret one: with a known seed, a sender could choose addresses that a sketch counts as one, or that
//! evict each other from a table.

use core::hash::{BuildHasher, Hasher};
use core::sync::atomic::{AtomicU64, Ordering};
use std::hash::RandomState;

/// The stated seed.
pub const STATED: u64 = 0x5ca1_ab1e;

static SEED: AtomicU64 = AtomicU64::new(STATED);

/// The seed of this process.
#[inline]
pub(crate) fn seed() -> u64 {
    SEED.load(Ordering::Relaxed)
}

/// Draws a secret seed from the system's random numbers. To be called before there is an engine.
pub fn keep_secret() {
    SEED.store(secret(), Ordering::Relaxed);
}

/// What std seeds its own tables with: random keys of the system, under SipHash.
fn secret() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_is_another() {
        assert_ne!(secret(), secret());
    }
}
