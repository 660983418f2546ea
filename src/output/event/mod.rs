//! The public event types: what a line of NDJSON holds. Every serde type of the output lives here.
//!
//! Field names and types are the contract with users: add freely, change nothing. Absent means unknown. The JSON
//! Schema is generated from these types, so they also are its documentation. Knows nothing of how a flow is tracked;
//! [`build`] fills these from a flow.

pub mod build;
pub mod columns;
pub mod compare;
pub mod kernel;
pub mod listener;
mod opening_cost;
pub mod scalar;
mod steps;
mod types;

pub use steps::{Detail, StepBody, Steps, StepsShown};
pub use types::*;
