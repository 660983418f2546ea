//! synscope: who opened which TCP connection, did it open, why not, and who ended it.
//!
//! # Bird's eye view
//!
//! ```text
//! capture ─▶ decode ─▶ flow ─▶ detect ─▶ output
//!  bytes      Segment   Flow,     Anomaly   text · NDJSON · ladder · …
//!  + time               steps
//!             └────────── engine composes these four ──────────┘
//! ```
//!
//! * [`time`], [`tcp`]: the vocabulary. Packet time; sequence numbers, flags, options, segments and states of RFC 9293.
//! * [`capture`]: frames from interfaces, files and pipes. The only place that knows libpcap, file formats and compressors.
//! * [`decode`]: octets to a [`tcp::Segment`], or the reason why there is none.
//! * [`flow`]: segments to [`flow::Flow`]s, one for each incarnation of a four-tuple, with both ends' states and a verdict.
//! * [`detect`]: what is odd about flows, each with its evidence. One registered rule each.
//! * [`engine`]: decodes, tracks, detects; hands [`engine::Event`]s to an [`engine::Sink`].
//! * [`output`]: events to bytes, one registered format each. The event types there are the contract with users.
//! * [`cli`]: options, streams, exit codes. Knows every other part; nothing knows it.
//!
//! # What always holds
//!
//! * Time and octets enter by argument. From [`tcp`] to [`engine`] nothing asks for a clock, a file or a terminal; a timeout
//!   fires because a later packet carries a later time. The same capture gives the same bytes.
//! * Nothing panics, whatever the octets: odd input becomes an anomaly or a counter, never an error.
//! * What grows has a limit, and a limit that is hit is counted.
//! * An endpoint has two states: what its own segments prove, and what is presumed while something is on its way to it.
//! * A verdict keeps the frames that prove it. What is unknown is absent, not zero.

pub mod capture;
pub mod cli;
pub mod decode;
pub mod detect;
pub mod engine;
pub mod flow;
pub mod flow_filter;
pub mod network;
pub mod output;
mod suggest;
pub mod tcp;
pub mod time;
