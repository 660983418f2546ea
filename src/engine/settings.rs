//! The settings of the engine.

use crate::decode;
use crate::detect::{Selection, host};
use crate::flow::{Limits, Timeouts};

/// How the engine works.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Decoding.
    pub decode: decode::Config,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Bounds.
    pub limits: Limits,
    /// Which rules are on.
    pub rules: Selection,
    /// Anomalies across connections.
    pub hosts: host::Settings,
    /// Sends every segment the long way, and asks every rule at each: slower, and the same otherwise. For tests that
    /// compare.
    pub long_way: bool,
    /// Nobody reads the sentences and figures of anomalies: those that ordinary flows have are left out.
    pub terse: bool,
    /// Zeek's words leave out every segment with a wrong checksum, as Zeek does; otherwise only where the sender's
    /// checksums can be trusted.
    pub zeek_checksums: bool,
}
