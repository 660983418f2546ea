//! What the format readers find, and what stops them.

use std::io;

use super::input::Input;
use crate::decode::LinkType;
use crate::time::Timestamp;

/// One captured frame, consumed but still in the input's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    pub(super) interface: u16,
    /// Octets on the wire; at least `len`, whatever the file says.
    pub(super) wire_len: u32,
    /// The place in the buffer where the captured octets begin.
    pub(super) start: usize,
    /// How many there are.
    pub(super) len: usize,
}

impl Record {
    /// No record yet.
    pub(super) const NONE: Self =
        Self { time: Timestamp(0), link: LinkType(0), interface: 0, wire_len: 0, start: 0, len: 0 };
}

/// Why a reader cannot go on.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system could not read, or the decompressor gave up.
    Read(io::Error),
    /// The content is damaged or ends too early.
    Damaged {
        /// Where the record in question begins, where that is known.
        offset: Option<u64>,
        /// What is wrong with it.
        reason: String,
    },
}

impl Fault {
    pub(super) const fn damaged(input: &Input, reason: String) -> Self {
        Self::Damaged { offset: Some(input.offset()), reason }
    }

    /// The input ends inside `what`, which needs `needed` octets.
    #[cold]
    pub(super) fn cut(input: &Input, what: &str, needed: usize) -> Self {
        Self::damaged(input, format!("ends inside {what}: {} octets of {needed} are there", input.data().len()))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
