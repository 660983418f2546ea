//! Anomalies of one flow.

use super::registry::Rule;

mod closes;
mod forgery;
mod opening;
mod peers;
mod resets;
mod time_wait;

/// Rules about how a flow opens.
pub const RULES: &[Rule] = opening::RULES;
/// Rules about how it closes.
pub const CLOSES: &[Rule] = closes::RULES;
/// Rules about resets.
pub const RESETS: &[Rule] = resets::RULES;
/// Rules about forged resets.
pub const FORGERY: &[Rule] = forgery::RULES;
/// Rules about what comes after the close.
pub const TIME_WAIT: &[Rule] = time_wait::RULES;
/// Rules about ends that are gone or stuck.
pub const PEERS: &[Rule] = peers::RULES;
