//! Which files to read, and how.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::capture::filter::Filter;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileInput {
    /// A file or a fifo.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A file that grows, or a folder in which new ones appear, read by [`super::follow::Followed`].
    Followed(PathBuf),
}

impl FileInput {
    /// As given to `-r`: `-` is standard input.
    pub fn from_argument(argument: &OsStr) -> Self {
        if argument == "-" { Self::Stdin } else { Self::Path(PathBuf::from(argument)) }
    }

    /// The file, if it has a name.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::Followed(path) => Some(path),
            Self::Stdin => None,
        }
    }
}

impl fmt::Display for FileInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) | Self::Followed(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

/// How to read files.
#[derive(Debug, Default)]
pub struct FileOptions {
    /// Which frames to yield; all when absent. Frames that it refuses are numbered all the same.
    pub filter: Option<Filter>,
    /// When it becomes true, a pipe that is silent ends within 100 ms. Reading of files is not stopped by it: whoever
    /// asks for frames can stop asking.
    pub stop: Option<Arc<AtomicBool>>,
    /// How many octets a compressed file may decompress to.
    pub max_decompressed: Option<u64>,
    /// Whether compressed regular files are decompressed where frames are asked for, not on a thread of their own:
    /// without a core of its own that would only move octets from one cache to another.
    pub decompress_in_place: bool,
}
