//! synscope analyzes TCP handshakes: who opened each connection, whether it opened, and who ended it.
//!
//! # Bird's eye view
//!
//! ```text
//! capture ─▶ decode ─▶ track ───────────▶ report ─▶ bytes
//!  Frame      Segment   Flow, Event,        text · NDJSON · ladder · …
//!                       Anomaly, HostEvent
//!             └────── engine ──────┘
//! ```
//!
//! * [`time`], [`tcp`]: the vocabulary. Packet time; sequence numbers, flags, options, segments and states of RFC 9293.
//! * [`capture`]: frames from interfaces, files and pipes. The only place that knows libpcap, file formats and
//!   compressors.
//! * [`tls`]: what opening TLS over a connection costs, from the first octets of its payload.
//! * [`decode`]: octets to a [`tcp::Segment`], or the reason why there is none.
//! * [`flow`]: segments to [`flow::Flow`]s, one per incarnation of a four-tuple, with both ends' states and a verdict.
//! * [`detect`]: anomalies of flows, hosts and the capture, each with its evidence. One registered rule each.
//! * [`engine`]: decodes, tracks and detects; sends [`engine::Event`]s to an [`engine::Sink`].
//! * [`output`]: events to bytes, one registered format each. The event types there are the contract with users.
//! * [`cli`]: options, streams, exit codes. Knows every other part; nothing knows it.
//!
//! `docs/architecture.md` follows a packet through these modules.
//!
//! # What always holds
//!
//! * Time and octets enter by argument. From [`tcp`] to [`engine`] nothing asks for a clock, a file or a terminal; a
//!   timeout fires because a later packet carries a later time. The same capture gives the same bytes.
//! * Nothing panics, whatever the octets: odd input becomes an anomaly or a counter, never an error.
//! * What grows has a limit, and a limit that is hit is counted.
//! * An endpoint has two states: a proved one, from its own segments, and a presumed one while a segment is in flight.
//! * A verdict keeps the frames that prove it. Unknown values are absent, not zero.

#[cfg(all(unix, feature = "tui"))]
pub mod aborts;
pub mod capture;
pub mod cli;
pub mod compare;
pub mod decode;
pub mod detect;
pub mod engine;
pub mod flow;
pub mod flow_filter;
pub mod kernel;
pub mod network;
pub mod output;
pub mod panics;
pub mod seed;
mod suggest;
pub mod tcp;
pub mod time;
pub mod tls;
