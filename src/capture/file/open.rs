//! Inputs that are open and not read yet.
//!
//! Opening may need rights that reading does not: whoever gives them up in between opens everything first.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::FileInput;
use crate::capture::CaptureError;

/// A file, a fifo or standard input, open.
#[derive(Debug)]
pub(super) struct OpenInput {
    pub(super) name: String,
    file: Arc<File>,
    /// Of a regular file that was opened by its name.
    path: Option<PathBuf>,
    regular: bool,
}

impl OpenInput {
    pub(super) fn open(input: &FileInput) -> Result<Self, CaptureError> {
        let name = input.to_string();
        let io = |cause| CaptureError::io("open", &name, cause);
        let opened = match input {
            FileInput::Path(path) | FileInput::Followed(path) => File::open(path),
            FileInput::Stdin => duplicate_stdin(),
        };
        let file = Arc::new(opened.map_err(io)?);
        let regular = file.metadata().map_err(io)?.is_file();
        let path = match input {
            FileInput::Path(path) if regular => Some(path.clone()),
            _ => None,
        };
        Ok(Self { name, file, path, regular })
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Octets there are in all; absent for what is no regular file.
    pub(super) fn total(&self) -> io::Result<Option<u64>> {
        if self.regular { self.file.metadata().map(|metadata| Some(metadata.len())) } else { Ok(None) }
    }

    /// Its octets. A file opened by its name is read from the start each time, without opening it again.
    pub(super) fn stream(&self) -> OpenStream {
        let at = self.path.as_ref().map(|_| 0);
        OpenStream { file: Arc::clone(&self.file), at }
    }
}

/// The octets of an open input.
pub(super) struct OpenStream {
    file: Arc<File>,
    /// The place in a file that others read as well, each at a place of its own.
    at: Option<u64>,
}

impl Read for OpenStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(at) = &mut self.at else { return (&*self.file).read(buffer) };
        let count = read_at(&self.file, buffer, *at)?;
        *at += count as u64;
        Ok(count)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// Standard input as a file of its own, so that its kind and size can be asked for.
fn duplicate_stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}
