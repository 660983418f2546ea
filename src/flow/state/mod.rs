//! How a flow changes with each segment: openings, closings, sequence numbers, and the checks beside them.

pub(super) mod admission;
pub(super) mod announced;
mod checksum_hindsight;
mod closing;
mod deadlines;
pub(super) mod dispatch;
pub(super) mod duplicates;
pub(super) mod evidence;
pub(super) mod fast_path;
mod handshake_reset;
mod header_checks;
pub(super) mod hindsight;
pub(super) mod leaps;
mod numberless;
mod opening;
pub(super) mod overlap;
pub(super) mod recording;
pub(super) mod repeats;
pub(super) mod reuse;
pub(super) mod rewriting;
pub(super) mod roles;
mod self_connect;
mod sequence;
pub(super) mod stamps;
pub(super) mod twins;
pub(super) mod unsent;
