//! What is known of a flow: data, and the questions that it answers by itself.

pub(super) mod checksum_trust;
pub mod community_id;
pub mod completeness;
pub(super) mod evidence;
pub(super) mod facts;
pub mod features;
pub(super) mod flow;
pub mod handshake;
pub(super) mod header_track;
pub(super) mod holes;
pub mod notes;
pub(super) mod opening_cost;
pub(super) mod payload;
pub(super) mod peer;
pub(super) mod previous;
pub(super) mod resets;
pub(super) mod rewriting;
pub(super) mod severity;
pub(super) mod steps;
pub(super) mod teardown;
pub(super) mod tracking;
pub(super) mod tuple;
pub(super) mod twin;
pub(super) mod verdict;
pub mod zeek;
