//! An anomaly as it is reported: its rule, what it is about, and the evidence.

use core::net::IpAddr;

use strum::IntoStaticStr;

pub use crate::flow::Severity;
use crate::time::Timestamp;

/// What an anomaly is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Scope {
    /// One flow.
    Flow,
    /// A host, or several.
    Host,
    /// The capture itself.
    Capture,
}

impl Scope {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A figure of an anomaly's evidence.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// An integer (durations in nanoseconds, named `…_ns`).
    Integer(i64),
    /// A ratio, a probability, an entropy.
    Number(f64),
    /// A word or an address.
    Text(String),
    /// Ports, counts and the like.
    List(Vec<i64>),
    /// Words or addresses.
    Texts(Vec<String>),
}

/// Where a report stands among those of its incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Phase {
    /// The first.
    #[default]
    New,
    /// The incident goes on, and more is known of it.
    Update,
    /// The incident is over.
    Final,
}

impl Phase {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Which incident a report about hosts belongs to. What happens at one moment has one report, which is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IncidentReport {
    /// The incident: numbered from 1 in the order of first reports.
    pub id: u64,
    /// Where the report stands.
    pub phase: Phase,
}

/// An anomaly as it is reported.
#[derive(Clone, Debug)]
pub struct Anomaly {
    /// Id of the rule: kebab-case, for ever.
    pub id: &'static str,
    /// RFC section, paper or "measured".
    pub reference: &'static str,
    /// Severity.
    pub severity: Severity,
    /// What it is about.
    pub scope: Scope,
    /// When it was decided (packet time).
    pub time: Timestamp,
    /// One sentence with the figures.
    pub reason: String,
    /// The incident, where it is about hosts.
    pub incident: Option<IncidentReport>,
    /// Flow number, where it is about one.
    pub flow_id: Option<u64>,
    /// The actor, where known: address and, for a flow, port.
    pub source: Option<(IpAddr, Option<u16>)>,
    /// The target.
    pub destination: Option<(IpAddr, Option<u16>)>,
    /// Frames that prove it.
    pub frames: Vec<u64>,
    /// Figures the rule used, in a fixed order.
    pub figures: Vec<(&'static str, Figure)>,
}
