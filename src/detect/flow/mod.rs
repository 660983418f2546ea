//! Anomalies of one flow, a file for each family.

pub(super) mod accept;
pub(super) mod addresses;
pub(super) mod closes;
pub(super) mod ecn;
pub(super) mod fast_open;
pub(super) mod forgery;
pub(super) mod fronts;
pub(super) mod header;
pub(super) mod mptcp;
pub(super) mod mss;
pub(super) mod opening;
pub(super) mod options;
pub(super) mod peers;
pub(super) mod resets;
pub(super) mod retries;
pub(super) mod reuse;
pub(super) mod shape;
pub(super) mod support;
pub(super) mod synack;
pub(super) mod time_wait;
pub(super) mod tls;
pub(super) mod translation;
pub(super) mod unsent;
pub(super) mod window;
