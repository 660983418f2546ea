//! Files that grow, and folders in which new ones appear: reading goes on until it is stopped.
//!
//! A file is read to its end again and again. One that was replaced under its name, or emptied, is read on from the
//! start of the new one. In a folder the files are read in the order in which they were written to last, and the last
//! one until there is a newer one, as `tcpdump -C` and `-G` make them.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::thread;
use std::time::Duration;

use super::options::FileOptions;
use super::{Files, Source};
use crate::capture::{CaptureError, Counts, Next, Progress};

/// How often a file that says nothing, and its folder, are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Octets by which a file of the same inode is known to be another one: the header and the time of the first packet.
const FIRST: usize = 64;
/// Names of what another program made of a file that has been read.
const COMPRESSED: [&str; 5] = ["gz", "zst", "bz2", "xz", "lz4"];

/// A file as the system knows it: device and inode.
type Identity = (u64, u64);

/// A file or a folder to follow, open where it is a file. Nothing of it has been read.
#[derive(Debug)]
pub struct Followed {
    path: PathBuf,
    first: Option<File>,
}

impl Followed {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NotFound`], [`CaptureError::Io`].
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let failed = |cause| CaptureError::io("open", &path.display().to_string(), cause);
        let folder = fs::metadata(path).map_err(failed)?.is_dir();
        let first = if folder { None } else { Some(File::open(path).map_err(failed)?) };
        Ok(Self { path: path.to_owned(), first })
    }

    /// Its frames, numbered throughout.
    pub fn read(self, options: FileOptions) -> Follower {
        let place = match self.first {
            Some(first) => Place::File { path: self.path.clone(), first: Some(first) },
            None => Place::Folder { path: self.path.clone(), read: HashMap::new() },
        };
        let (number, yielded, unfit) = (0, 0, 0);
        Follower { path: self.path, place, options, current: None, number, yielded, unfit, fault: None }
    }
}

/// Reads a file or a folder until it is stopped.
pub struct Follower {
    path: PathBuf,
    place: Place,
    options: FileOptions,
    current: Option<Files>,
    /// Frames of all files, those that the filter refused as well.
    number: u64,
    yielded: u64,
    /// Frames that fit no filter, of files that have ended.
    unfit: u64,
    /// What went wrong first; reading went on.
    fault: Option<CaptureError>,
}

/// Where the next file comes from.
enum Place {
    File {
        path: PathBuf,
        first: Option<File>,
    },
    Folder {
        path: PathBuf,
        /// Files that were read: when they were last written to, and how they begin.
        read: HashMap<Identity, (i128, Vec<u8>)>,
    },
}

impl Follower {
    fn stopped(&self) -> bool {
        self.options.stop.as_ref().is_some_and(|stop| stop.load(Atomic::Relaxed))
    }

    /// Opens the next file, waiting for one if need be; false when reading is stopped.
    fn open_next(&mut self) -> Result<bool, CaptureError> {
        loop {
            if self.stopped() {
                return Ok(false);
            }
            let Some((path, file)) = self.place.next() else {
                thread::sleep(LOOK_EVERY);
                continue;
            };
            let file = match file {
                Ok(file) => file,
                Err(cause) => {
                    self.fault.get_or_insert_with(|| CaptureError::io("open", &path.display().to_string(), cause));
                    continue;
                }
            };
            let stream = Growing::new(file, self.place.successor(&path), self.options.stop.clone());
            let name = path.display().to_string();
            let options = FileOptions {
                filter: self.options.filter.clone(),
                stop: self.options.stop.clone(),
                max_decompressed: self.options.max_decompressed,
                decompress_in_place: self.options.decompress_in_place,
            };
            match Files::from_streams([(name, stream)], options) {
                Ok(files) => {
                    self.current = Some(files);
                    return Ok(true);
                }
                Err(_) if self.stopped() => return Ok(false),
                // In a folder there may be other files.
                Err(CaptureError::UnknownFormat { .. } | CaptureError::Damaged { .. }) if self.place.is_folder() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes to the next frame; false when reading is stopped.
    fn seek(&mut self) -> Result<bool, CaptureError> {
        loop {
            let stop = self.options.stop.clone();
            if let Some(files) = &mut self.current {
                let before = files.number;
                let found = files.seek();
                self.number += files.number - before;
                match found {
                    Ok(true) => return Ok(true),
                    Ok(false) => {}
                    // It was left in the middle of a packet.
                    Err(_) if stop.is_some_and(|stop| stop.load(Atomic::Relaxed)) => {}
                    // The rest of it is lost; the next file is read all the same.
                    Err(error) => drop(self.fault.get_or_insert(error)),
                }
                self.unfit += files.unfit;
                self.current = None;
            }
            if !self.open_next()? {
                return self.fault.take().map_or(Ok(false), Err);
            }
        }
    }
}

impl Source for Follower {
    fn next(&mut self) -> Result<Next<'_>, CaptureError> {
        if !self.seek()? {
            return Ok(Next::End);
        }
        self.yielded += 1;
        let reader = self.current.as_ref().and_then(|files| files.readers.first());
        Ok(reader.map_or(Next::End, |reader| Next::Frame(reader.frame(self.number))))
    }

    fn description(&self) -> String {
        let what = if self.place.is_folder() { "folder" } else { "file" };
        format!("following {what} {}", self.path.display())
    }

    fn progress(&self) -> Progress {
        let read = self.current.as_ref().map_or(0, |files| files.progress().read);
        Progress { read, total: None }
    }

    fn counts(&self) -> Counts {
        let unfit = self.unfit + self.current.as_ref().map_or(0, |files| files.unfit);
        Counts { frames: self.yielded, unfit, ..Counts::default() }
    }
}

impl Place {
    const fn is_folder(&self) -> bool {
        matches!(self, Self::Folder { .. })
    }

    /// The next file, if there is one.
    fn next(&mut self) -> Option<(PathBuf, io::Result<File>)> {
        match self {
            Self::File { path, first } => {
                let file = first.take().or_else(|| File::open(&*path).ok())?;
                Some((path.clone(), Ok(file)))
            }
            Self::Folder { path, read } => {
                let there = captures(path);
                let identities: HashSet<Identity> = there.iter().map(|(_, about)| identity(about)).collect();
                read.retain(|known, _| identities.contains(known));
                let (path, about) =
                    there.into_iter().find(|(path, about)| !matches!(is_new(read, path, about), Ok(false)))?;
                // One that cannot be opened is looked at once.
                let file = File::open(&path);
                let first = file.as_ref().map(beginning).unwrap_or_default();
                read.insert(identity(&about), (written(&about), first));
                Some((path, file))
            }
        }
    }

    /// What tells that `path` is over and another file is next.
    fn successor(&self, path: &Path) -> Successor {
        match self {
            Self::File { path, .. } => Successor::Name(path.clone()),
            Self::Folder { path: folder, read } => {
                Successor::Folder { folder: folder.clone(), current: path.to_owned(), read: read.clone() }
            }
        }
    }
}

/// The files of a folder that may be captures, in the order in which they were last written to.
fn captures(folder: &Path) -> Vec<(PathBuf, Metadata)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        !name.starts_with('.') && !COMPRESSED.contains(&extension)
    });
    let mut files: Vec<_> = paths
        .filter_map(|path| fs::metadata(&path).ok().filter(Metadata::is_file).map(|about| (path, about)))
        .collect();
    files.sort_by(|(a, about_a), (b, about_b)| {
        written(about_a).cmp(&written(about_b)).then_with(|| in_order(&a.to_string_lossy(), &b.to_string_lossy()))
    });
    files
}

/// The order of names in which `x9` is before `x10`.
fn in_order(a: &str, b: &str) -> Ordering {
    let number = |text: &str| {
        let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
        (stem.to_owned(), text.get(stem.len()..).and_then(|digits| digits.parse::<u64>().ok()))
    };
    number(a).cmp(&number(b)).then_with(|| a.cmp(b))
}

fn identity(about: &Metadata) -> Identity {
    (about.dev(), about.ino())
}

/// When a file was last written to, nanoseconds.
fn written(about: &Metadata) -> i128 {
    i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec())
}

/// How a file begins.
fn beginning(file: &File) -> Vec<u8> {
    let mut octets = [0; FIRST];
    let count = file.read_at(&mut octets, 0).unwrap_or(0);
    octets.get(..count).unwrap_or_default().to_vec()
}

/// Whether a file is a capture that has not been read: it is another one, or begins otherwise than it did.
///
/// # Errors
///
/// Why it cannot be looked at.
fn is_new(read: &HashMap<Identity, (i128, Vec<u8>)>, path: &Path, about: &Metadata) -> io::Result<bool> {
    match read.get(&identity(about)) {
        None => File::open(path).map(|file| is_capture(&beginning(&file))),
        Some((time, first)) if written(about) == *time || first.is_empty() => Ok(false),
        Some((_, first)) => File::open(path).map(|file| {
            let now = beginning(&file);
            is_capture(&now) && !now.starts_with(first)
        }),
    }
}

/// Whether these are the first octets of pcap, pcapng or snoop.
fn is_capture(first: &[u8]) -> bool {
    const MAGIC: [[u8; 4]; 6] = [
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0x0a, 0x0d, 0x0d, 0x0a],
        *b"snoo",
    ];
    first.first_chunk::<4>().is_some_and(|first| MAGIC.contains(first))
}

/// What tells that a file is over.
enum Successor {
    /// Another file has its name, or it is shorter than it was.
    Name(PathBuf),
    /// There is a file in the folder that has not been read.
    Folder { folder: PathBuf, current: PathBuf, read: HashMap<Identity, (i128, Vec<u8>)> },
}

impl Successor {
    fn is_there(&self, file: &File, at: u64) -> bool {
        let Ok(about) = file.metadata() else { return false };
        match self {
            Self::Name(path) => {
                about.len() < at || fs::metadata(path).is_ok_and(|there| identity(&there) != identity(&about))
            }
            Self::Folder { folder, current, read } => {
                about.len() < at
                    || captures(folder)
                        .iter()
                        .any(|(path, there)| path != current && is_new(read, path, there).unwrap_or(false))
            }
        }
    }
}

/// A file to whose end something is written.
struct Growing {
    file: File,
    at: u64,
    successor: Successor,
    /// Whether the end is final: there is another file.
    last: bool,
    stop: Option<Arc<AtomicBool>>,
}

impl Growing {
    const fn new(file: File, successor: Successor, stop: Option<Arc<AtomicBool>>) -> Self {
        Self { file, at: 0, successor, last: false, stop }
    }
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Files whose places others may change are read by place; a fifo has none.
            let count = self.file.read_at(buffer, self.at)?;
            self.at += count as u64;
            let stopped = self.stop.as_ref().is_some_and(|stop| stop.load(Atomic::Relaxed));
            if count > 0 || self.last || stopped || buffer.is_empty() {
                return Ok(count);
            }
            // Who made another file had written this one to its end before: one more look is enough.
            self.last = self.successor.is_there(&self.file, self.at);
            if !self.last {
                thread::sleep(LOOK_EVERY);
            }
        }
    }
}
