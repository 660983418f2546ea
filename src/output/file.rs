//! Files that are written: beside their place, and put there when they are whole.
//!
//! What is at the place stays untouched until then, whatever goes wrong. An input is never an output: files are
//! compared by device and inode, so that a link to an input is recognised. What is no file (a pipe, a terminal,
//! `/dev/null`) is written to, and never replaced.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Who may read a new file: its owner and group.
const MODE: u32 = 0o640;
/// Names tried for a file beside its place.
const TRIES: u32 = 100;
/// Symbolic links followed.
const LINKS: u32 = 16;
/// Bits of a folder's mode by which others than its owner may write.
const OTHERS_WRITE: u32 = 0o022;
/// In a folder with this bit only owners rename and remove files.
const STICKY: u32 = 0o1000;

/// Files that must not be overwritten: the inputs.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    inputs: Vec<(u64, u64)>,
    /// Where files can be made, and by whom: what a refusal adds.
    limits: Option<String>,
}

impl Protected {
    /// Protects the file at `path`, if there is one.
    pub fn add(&mut self, path: &Path) {
        self.inputs.extend(fs::metadata(path).ok().as_ref().and_then(identity));
    }

    /// Protects what standard input reads from, if that is a file.
    pub fn add_stdin(&mut self) {
        let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        self.inputs.extend(stdin.and_then(|file| file.metadata()).ok().as_ref().and_then(identity));
    }

    /// Says, when a file is refused, where files can be made and by whom.
    pub fn explain(&mut self, limits: Option<String>) {
        self.limits = limits;
    }

    fn explained(&self, error: io::Error) -> io::Error {
        match &self.limits {
            Some(limits) if error.kind() == io::ErrorKind::PermissionDenied => {
                io::Error::new(error.kind(), format!("permission denied; {limits}"))
            }
            _ => error,
        }
    }

    fn has(&self, metadata: &Metadata) -> bool {
        identity(metadata).is_some_and(|id| self.inputs.contains(&id))
    }
}

/// Device and inode of a file; nothing else is destroyed by writing to it.
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
}

/// Who a process is when a file is put in its place, if it will be somebody else by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// A file that is not in its place yet. Dropped before [`Unplaced::put`], it goes away.
///
/// Who will not be allowed to put it there has it in its place from the start; what was there stays until
/// [`Unplaced::begin`].
#[derive(Debug)]
pub struct Unplaced {
    /// Where it is; absent if in its place.
    temporary: Option<PathBuf>,
    place: PathBuf,
    /// What is emptied before anything is written.
    emptied: Option<File>,
    /// The file, opened when that was still allowed.
    file: File,
    put: bool,
}

impl Unplaced {
    /// From now on something is written: what is in its place already loses what it had.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn begin(&mut self) -> io::Result<()> {
        self.put |= self.temporary.is_none();
        self.emptied.take().map_or(Ok(()), |file| file.set_len(0))
    }

    /// Puts the file in its place, where it replaces what was there.
    ///
    /// # Errors
    ///
    /// Those of the system; the file stays where it is then.
    pub fn put(mut self) -> io::Result<()> {
        self.put = true;
        self.temporary.as_ref().map_or(Ok(()), |temporary| fs::rename(temporary, &self.place))
    }

    /// The file could not be written to its end: puts it in its place where there is nothing, and else leaves it where
    /// it is. Returns where it is.
    ///
    /// What follows octet `whole`, half a line, is cut off.
    pub fn put_incomplete(mut self, whole: u64) -> PathBuf {
        self.put = true;
        // Where that cannot be, half a line is left.
        let _ = self.file.set_len(whole);
        match &self.temporary {
            Some(temporary)
                if fs::symlink_metadata(&self.place).is_ok() || fs::rename(temporary, &self.place).is_err() =>
            {
                temporary.clone()
            }
            _ => self.place.clone(),
        }
    }
}

impl Drop for Unplaced {
    fn drop(&mut self) {
        if !self.put {
            // Whoever took it away was faster. What is in its place goes only if it was not there before.
            let made = self.temporary.as_ref().or_else(|| self.emptied.is_none().then_some(&self.place));
            let _ = made.map(fs::remove_file);
        }
    }
}

/// Opens a file for `path`. It has to be [put](Unplaced::put) in its place, if it is not there from the start; `later`
/// is who has to be allowed to.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a file of `protected`, and those of the system.
pub fn create(path: &Path, protected: &Protected, later: Option<Later>) -> io::Result<(File, Option<Unplaced>)> {
    open(path, protected, later).map_err(|error| protected.explained(error))
}

fn open(path: &Path, protected: &Protected, later: Option<Later>) -> io::Result<(File, Option<Unplaced>)> {
    let (place, is_descriptor) = follow(path)?;
    let found = fs::metadata(if is_descriptor { path } else { &place });
    if found.as_ref().is_ok_and(|there| protected.has(there)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is also the input"));
    }
    match found {
        Ok(there) if is_descriptor => OpenOptions::new().append(there.is_file()).write(true).open(path).map(in_place),
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => OpenOptions::new().write(true).open(path).map(in_place),
        Ok(there) if later.is_some_and(|later| !later.may_replace(&place, Some(&there))) => {
            let file = open_old(&place)?;
            let emptied = Some(file.try_clone()?);
            let copy = file.try_clone()?;
            Ok((file, Some(Unplaced { temporary: None, place, emptied, file: copy, put: false })))
        }
        Ok(there) => replace(place, &there),
        Err(_) if later.is_some_and(|later| !later.may_replace(&place, None)) => {
            let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&place)?;
            let copy = file.try_clone()?;
            Ok((file, Some(Unplaced { temporary: None, place, emptied: None, file: copy, put: false })))
        }
        Err(_) => beside(place, MODE),
    }
}

/// Gives a file to who the process will be, so that it can be replaced then.
///
/// # Errors
///
/// Those of the system.
pub fn give(file: &File, later: Later) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(later.uid), Some(later.gid))
}

/// Whether files can be made in the folder of `path` later, by `later` if the process will be somebody else by then.
pub fn may_make(path: &Path, later: Option<Later>) -> bool {
    let Ok(folder) = folder_of(path).canonicalize() else { return false };
    folder.is_dir() && later.is_none_or(|later| later.may_write(&folder))
}

impl Later {
    /// Whether this user may rename a file that somebody else made to `place`, where `there` is.
    fn may_replace(self, place: &Path, there: Option<&Metadata>) -> bool {
        let Ok(folder) = folder_of(place).canonicalize() else { return false };
        let Ok(about) = fs::metadata(&folder) else { return false };
        let maker = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == self.uid);
        let owns = maker && there.is_none_or(|there| there.uid() == self.uid);
        let sticky = about.mode() & STICKY != 0;
        self.may_write(&folder) && (!sticky || owns || about.uid() == self.uid)
    }

    /// Whether this user may make files in a folder, whose path is without links.
    fn may_write(self, folder: &Path) -> bool {
        let reached = folder.ancestors().all(|above| fs::metadata(above).is_ok_and(|above| self.bits(&above) & 1 == 1));
        reached && fs::metadata(folder).is_ok_and(|about| self.bits(&about) & 2 == 2)
    }

    /// What this user may do, as the three bits of a mode.
    fn bits(self, about: &Metadata) -> u32 {
        let shift = if about.uid() == self.uid {
            6
        } else if about.gid() == self.gid {
            3
        } else {
            0
        };
        about.mode() >> shift & 7
    }
}

/// The folder that a path is in.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

const fn in_place(file: File) -> (File, Option<Unplaced>) {
    (file, None)
}

/// Opens a file that is there: what links led to. A link that has come since is not followed.
fn open_old(place: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(all(target_os = "linux", feature = "sandbox"))]
    options.custom_flags(libc::O_NOFOLLOW);
    options.write(true).open(place)
}

/// A file that replaces another one, with its mode. In a folder where no file can be made, the old one is written to.
fn replace(place: PathBuf, there: &Metadata) -> io::Result<(File, Option<Unplaced>)> {
    // What must not be written must not be replaced either, which the folder alone would allow.
    let old = open_old(&place)?;
    let made = beside(place, MODE);
    match made {
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            old.set_len(0)?;
            Ok(in_place(old))
        }
        made => {
            let (file, pending) = made?;
            file.set_permissions(Permissions::from_mode(there.mode() & 0o777))?;
            Ok((file, pending))
        }
    }
}

/// A new file in the folder of `place`.
fn beside(place: PathBuf, mode: u32) -> io::Result<(File, Option<Unplaced>)> {
    if place.file_name().is_none() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut n = 0;
    loop {
        let temporary = place.with_file_name(format!(".synscope-{}-{n}.part", std::process::id()));
        // Never through a link, never into a file that somebody put there.
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary) {
            Ok(file) => {
                let temporary = Some(temporary);
                let copy = file.try_clone()?;
                return Ok((file, Some(Unplaced { temporary, place, emptied: None, file: copy, put: false })));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && n < TRIES => n += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The place that symbolic links lead to, and whether it is a descriptor of a process, as `/dev/stdout` is. A dangling
/// link is a place itself.
fn follow(path: &Path) -> io::Result<(PathBuf, bool)> {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        let folder = folder_of(&place);
        if folder.canonicalize().is_ok_and(|folder| folder.starts_with("/proc")) {
            return Ok((place, true));
        }
        match fs::symlink_metadata(&place) {
            Ok(link) if link.is_symlink() => {
                if !is_trusted(&link, &folder) {
                    let reason = "a symbolic link of somebody else in a folder that others may write";
                    return Err(io::Error::other(reason));
                }
                let target = folder.join(fs::read_link(&place)?);
                if fs::symlink_metadata(&target).is_err() && fs::metadata(path).is_err() {
                    return Ok((place, false));
                }
                place = target;
            }
            _ => return Ok((place, false)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Whether a link may be followed: it is ours or that of the folder's owner, or nobody else may write there.
fn is_trusted(link: &Metadata, folder: &Path) -> bool {
    let Ok(folder) = fs::metadata(folder) else { return true };
    let ours = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == link.uid());
    folder.mode() & OTHERS_WRITE == 0 || ours || folder.uid() == link.uid()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("synscope-file-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn what_was_there_stays_until_the_new_one_is_whole() {
        let folder = folder("whole");
        let place = folder.join("a");
        fs::write(&place, "old").unwrap();
        let (mut file, pending) = create(&place, &Protected::default(), None).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(read(&place), "old");
        pending.unwrap().put().unwrap();
        assert_eq!((read(&place).as_str(), names(&folder)), ("new", vec!["a".to_owned()]));
        // One that is not put goes away.
        drop(create(&place, &Protected::default(), None).unwrap());
        // One that failed stays beside.
        let beside = create(&place, &Protected::default(), None).unwrap().1.unwrap().put_incomplete(0);
        assert!(read(&place) == "new" && beside != place && beside.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn who_may_not_rename_writes_in_place() {
        let folder = folder("later");
        let (old, new) = (folder.join("old"), folder.join("new"));
        let me = fs::metadata(&folder).unwrap();
        let later = |uid| Some(Later { uid, gid: uid });
        let at = |place: &Path, uid| create(place, &Protected::default(), later(uid)).unwrap();
        fs::write(&old, "old").unwrap();
        // Its owner may, whoever else may not.
        assert!(at(&old, me.uid()).1.unwrap().temporary.is_some());
        let (mut file, pending) = at(&old, me.uid() + 1);
        let mut pending = pending.unwrap();
        assert!(pending.temporary.is_none() && read(&old) == "old");
        pending.begin().unwrap();
        file.write_all(b"n").unwrap();
        pending.put().unwrap();
        assert_eq!(read(&old), "n");
        // One that was begun stays; one that was not goes, if it is new.
        drop(at(&old, me.uid() + 1));
        drop(at(&new, me.uid() + 1));
        assert_eq!(names(&folder), ["old"]);
        // Everybody may in a folder that everybody may write, but only owners in a sticky one.
        for (mode, beside) in [(0o777, true), (0o1777, false)] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            let reached = folder.ancestors().all(|above| fs::metadata(above).unwrap().mode() & 1 == 1);
            let (_, pending) = at(&new, me.uid() + 1);
            assert_eq!(pending.unwrap().temporary.is_some(), beside && reached);
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_input_is_recognised_by_any_of_its_names() {
        let folder = folder("input");
        let (input, hard, soft) = (folder.join("a"), folder.join("hard"), folder.join("soft"));
        fs::write(&input, "packets").unwrap();
        fs::hard_link(&input, &hard).unwrap();
        symlink("a", &soft).unwrap();
        let mut protected = Protected::default();
        protected.add(&input);
        for name in [&input, &hard, &soft, &folder.join(".").join("a")] {
            assert_eq!(create(name, &protected, None).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        assert_eq!((read(&input).as_str(), names(&folder).len()), ("packets", 3));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_link_stays_a_link_and_a_dangling_one_does_not() {
        let folder = folder("links");
        let (link, target, dangling) = (folder.join("link"), folder.join("target"), folder.join("dangling"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o600)).unwrap();
        symlink("target", &link).unwrap();
        symlink("nowhere", &dangling).unwrap();
        for name in [&link, &dangling] {
            let (mut file, pending) = create(name, &Protected::default(), None).unwrap();
            file.write_all(b"new").unwrap();
            pending.unwrap().put().unwrap();
        }
        assert!(link.is_symlink() && !dangling.is_symlink());
        assert_eq!((read(&target).as_str(), read(&dangling).as_str()), ("new", "new"));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&target), mode(&dangling) & !MODE), (0o600, 0));
        assert_eq!(names(&folder), ["dangling", "link", "target"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_file_is_written_to() {
        for device in ["/dev/null", "/dev/full"] {
            let (_, pending) = create(Path::new(device), &Protected::default(), None).unwrap();
            assert!(pending.is_none());
            assert!(!fs::metadata(device).unwrap().is_file());
        }
        assert!(create(Path::new("/"), &Protected::default(), None).is_err());
        assert!(create(Path::new(""), &Protected::default(), None).is_err());
    }
}
