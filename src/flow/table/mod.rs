//! Where the flows are kept: the index, the slots, the SYN records, the timers, and what was closed or evicted.

pub(super) mod closed;
pub(super) mod descriptor;
pub(super) mod eviction;
mod index;
pub(crate) mod prefetch;
mod slab;
pub(super) mod slot;
mod syn_cache;
pub(super) mod syn_record;
#[expect(clippy::module_inception, reason = "the table, beside what it is made of")]
pub(super) mod table;
pub(super) mod timer_wheel;
