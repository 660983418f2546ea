//! Where frames come from: files, pipes and interfaces, behind one trait.

use crate::decode::Frame;
use crate::time::Timestamp;

/// What a [`Source`] yields.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A frame, borrowed until the next call.
    Frame(Frame<'a>),
    /// Nothing came for a while; packet time has advanced to this moment all the same (live only).
    Idle(Timestamp),
    /// There is no more.
    End,
}
