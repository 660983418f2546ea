//! Two captures of one traffic, compared: which connections are in both, how the clocks differ, what became of each
//! segment on the way between the taps, and what that says of each connection.
//!
//! Segments and their times enter by argument; nothing here reads a clock, a file or a terminal. Memory is bounded: so
//! many connections, each with so many segments that wait for their other sight, and each limit that is hit is counted.
//!
//! * [`seen`]: a segment at one tap, and how two sights of one differ.
//! * [`clock`]: the offset and drift of one clock against the other, with their errors.
//! * [`pair`]: a connection at both taps. [`table`] has all of them.
//! * [`judge`]: fates and verdicts. [`summary`] counts them.

mod addresses;
pub mod clock;
pub mod judge;
pub mod pair;
pub mod seen;
pub mod summary;
pub mod table;
pub mod verdict;

pub use clock::{ClockFit, Clocks};
pub use judge::{Judgement, OpeningPart, OpeningTimes, Verdict};
pub use pair::{Fate, Sight, Step};
pub use seen::{Changes, SegmentKind, Tap};
pub use summary::{Delays, Relation, Summary};
pub use table::{Comparison, Judged};
pub use verdict::VerdictKind;
