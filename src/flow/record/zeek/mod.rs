//! Flows in Zeek's words: `conn_state` and `history`.

mod connections;
mod words;

pub use connections::{Connections, MAX_TUPLES, Row};
pub use words::{ConnState, LIKELY_SERVER_PORTS, MAX_ISLANDS, MAX_LETTERS, ZeekWords};
