//! Observations to anomalies: one file per detector (or closely related family), registered in a slice.
//!
//! A detector sees flows and facts, never bytes, formats or files. What it has to say about a flow it says once: later
//! occurrences are counted in the flow's [`Mark`](crate::flow::Mark).

pub mod anomaly;
pub mod capture;
pub mod flow;
pub mod host;
pub mod ordinary;
pub mod registry;

pub use anomaly::{Anomaly, Figure, IncidentReport, Phase, Scope, Severity};
pub use capture::Health;
pub use registry::{Detectors, REGISTRY, Rule, Selection, UnknownRule};
