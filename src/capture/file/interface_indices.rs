//! Numbers of interfaces over all inputs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Hands out interface numbers, each once over all inputs and sections; after the last, that again.
#[derive(Clone, Debug, Default)]
pub(super) struct InterfaceIndices(Arc<AtomicU32>);

impl InterfaceIndices {
    pub(super) fn take(&self) -> u16 {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| next.checked_add(1));
        u16::try_from(taken.unwrap_or(u32::MAX)).unwrap_or(u16::MAX)
    }
}
