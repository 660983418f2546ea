//! What is known of a flow: data, and the questions that it answers by itself.

pub mod community_id;
pub mod completeness;
pub(super) mod facts;
pub(super) mod fast_path;
pub mod features;
pub(super) mod flow;
pub mod handshake;
pub mod notes;
pub(super) mod peer;
pub(super) mod steps;
pub(super) mod teardown;
pub(super) mod tracking;
pub(super) mod tuple;
pub(super) mod verdict;
pub mod zeek;
