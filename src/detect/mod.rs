//! Observations to anomalies: one file per detector (or closely related family), registered in a slice.

pub mod anomaly;

pub use anomaly::{Anomaly, Figure, Scope, Severity};
