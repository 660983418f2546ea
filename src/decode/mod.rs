//! Bytes to [`Segment`](crate::tcp::Segment)s: link layers, IP, fragments, tunnels, TCP headers.
//!
//! Knows nothing of flows. Lengths come from headers, never from what happened to be captured. Total: any bytes give an
//! [`Outcome`], never an error and never a panic.

mod checksum;
mod decoder;
mod fast_path;
mod fragment;
mod frame;
mod icmp;
mod ip;
pub mod link;
mod octets;
mod tcp;
mod tunnel;

pub use decoder::{Config, Decoder};
pub use fragment::FragmentCounters;
pub use frame::{Frame, LinkType, Outcome, SkipReason};

pub use crate::tcp::{IcmpKind, IcmpQuote};
