//! The vocabulary of RFC 9293: sequence numbers, flags, options, segments, states.
//!
//! Depends on nothing but [`crate::time`]. Nothing here judges: every bit seen on the wire is kept, however odd.

pub mod flags;
pub mod options;
pub mod quote;
pub mod segment;
pub mod seq;
pub mod state;

pub use flags::Flags;
pub use options::Options;
pub use quote::{IcmpKind, IcmpQuote};
pub use segment::{Checksum, Endpoint, Headers, Segment};
pub use seq::SeqNumber;
pub use state::{Event, State};
