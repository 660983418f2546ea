//! Observations to anomalies: one file per detector (or closely related family), registered in a slice.
//!
//! A detector sees flows and facts, never bytes, formats or files. What it has to say about a flow it says once: later
//! occurrences are counted in the flow's [`Mark`](crate::flow::Mark).

pub mod anomaly;
pub mod capture;
mod causes;
mod detectors;
pub mod flow;
pub mod host;
pub(crate) mod ids;
pub mod ordinary;
pub mod registry;
pub mod rule;
mod selection;

pub use anomaly::{Anomaly, Figure, IncidentReport, Phase, Scope, Severity};
pub use capture::Health;
pub use detectors::Detectors;
pub use registry::REGISTRY;
pub use rule::{Finding, Rule, RuleContext, When};
pub use selection::{Selection, UnknownRule};
