//! Flows: segments and time in, connections and verdicts out.

pub mod completeness;
pub mod zeek;

#[cfg(test)]
mod script;
