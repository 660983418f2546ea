//! Output that goes on in new files: after a time, at a size, when asked. Each file is written beside its place, and is
//! put there when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Local, TimeDelta};
use flate2::write::GzEncoder;

/// Who may read a file: its owner and group.
const MODE: u32 = 0o640;
/// Names tried for a file whose name exists.
const TRIES: u32 = 10_000;
/// How long what was written may stay in a compressor, while nothing more comes.
const SETTLE: Duration = Duration::from_secs(1);

/// When a new file begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// At the next multiple of this since midnight.
    pub every: Option<Duration>,
    /// When a file has this size, octets before compression.
    pub size: Option<u64>,
}

/// What is asked of files that follow each other.
#[derive(Clone, Debug)]
pub struct RotatingOptions {
    /// The name, with conversions of strftime(3).
    pub pattern: PathBuf,
    /// When to begin a new one.
    pub rotation: Rotation,
    /// Lines that each file begins with: the first ones of the output.
    pub header_lines: usize,
    /// Raised by whoever wants a new file now.
    pub asked: Arc<AtomicBool>,
}

/// Checks the name of files that follow each other.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_pattern(pattern: &Path) -> Result<(), String> {
    let text = pattern.to_str().ok_or("the name is no text")?;
    let folder = pattern.parent().and_then(Path::to_str).unwrap_or_default();
    if folder.contains('%') {
        return Err("only the name of the file can have conversions like %H, not its folder".to_owned());
    }
    if StrftimeItems::new(text).any(|item| item == Item::Error) {
        return Err("unknown conversion after %; see strftime(3)".to_owned());
    }
    if pattern.file_name().is_none() {
        return Err("expected the name of a file".to_owned());
    }
    Ok(())
}

/// A stream that goes on in new files. Each write has to be of whole lines.
pub struct Rotating {
    options: RotatingOptions,
    current: Option<Current>,
    header: Vec<u8>,
    clock: fn() -> DateTime<Local>,
    /// Files that were put in their places.
    ended: u64,
}

/// A file that is written.
struct Current {
    encoder: Encoder,
    temporary: PathBuf,
    place: PathBuf,
    octets: u64,
    until: Option<DateTime<Local>>,
    unsettled: Option<Instant>,
}

/// Compression, by the end of the name.
enum Encoder {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<File>),
    Zstd(zstd::stream::write::Encoder<'static, File>),
}

impl Rotating {
    /// Begins the first file.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn new(options: RotatingOptions) -> io::Result<Self> {
        Self::with_clock(options, Local::now)
    }

    fn with_clock(options: RotatingOptions, clock: fn() -> DateTime<Local>) -> io::Result<Self> {
        let mut rotating = Self { options, current: None, header: Vec::new(), clock, ended: 0 };
        rotating.begin()?;
        Ok(rotating)
    }

    /// Whether the file that is written has to end.
    fn is_due(&self) -> bool {
        let Some(current) = &self.current else { return true };
        if self.options.asked.swap(false, Ordering::Relaxed) {
            return true;
        }
        let too_large = self.options.rotation.size.is_some_and(|size| current.octets >= size);
        // The clock may have been put back: a file lasts no longer than two of its times.
        too_large || current.until.is_some_and(|until| (self.clock)() >= until)
    }

    fn begin(&mut self) -> io::Result<()> {
        let now = (self.clock)();
        let text = self.options.pattern.to_str().unwrap_or_default();
        let place = PathBuf::from(now.format(text).to_string());
        let temporary = place.with_file_name(format!(".synscope-{}-rotating.part", std::process::id()));
        // What an earlier process with this number left is whole to its last line, but was never finished.
        let _ = fs::remove_file(&temporary);
        let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&temporary)?;
        let encoder = match place.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Encoder::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Some("zst") => Encoder::Zstd(zstd::stream::write::Encoder::new(file, 0)?),
            _ => Encoder::Plain(BufWriter::new(file)),
        };
        let until = self.options.rotation.every.map(|every| next_multiple(now, every));
        let mut current = Current { encoder, temporary, place, octets: 0, until, unsettled: None };
        current.write(&self.header)?;
        self.current = Some(current);
        Ok(())
    }

    /// Ends the file that is written, and puts it in its place.
    fn end(&mut self) -> io::Result<()> {
        let Some(current) = self.current.take() else { return Ok(()) };
        self.ended += 1;
        let file = current.encoder.finish()?;
        file.sync_all()?;
        for n in 0..TRIES {
            let place = numbered(&current.place, n);
            // A file that was there stays, whoever made it: a link fails where there is one.
            match fs::hard_link(&current.temporary, &place) {
                Ok(()) => return fs::remove_file(&current.temporary),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // Some file systems have no links.
                Err(_) if fs::symlink_metadata(&place).is_err() => return fs::rename(&current.temporary, &place),
                Err(_) => {}
            }
        }
        Err(io::Error::other(format!("{}: too many files of this name", current.place.display())))
    }

    fn rotate_if_due(&mut self) -> io::Result<()> {
        if !self.is_due() {
            return Ok(());
        }
        // A file with nothing but its header waits for something to write.
        let empty = self.current.as_ref().is_some_and(|current| current.octets <= self.header.len() as u64);
        if empty {
            if let Some(current) = self.current.take() {
                let _ = fs::remove_file(&current.temporary);
            }
        } else {
            self.end()?;
        }
        self.begin()
    }

    /// Keeps the lines that each file begins with.
    fn keep_header(&mut self, octets: &[u8]) {
        let have = self.header.iter().filter(|octet| **octet == b'\n').count();
        let lines = octets.split_inclusive(|octet| *octet == b'\n');
        lines.take(self.options.header_lines.saturating_sub(have)).for_each(|line| self.header.extend_from_slice(line));
    }
}

impl Write for Rotating {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.rotate_if_due()?;
        self.keep_header(octets);
        let current = self.current.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        current.write(octets)?;
        Ok(octets.len())
    }

    /// Whatever is due; a compressor is emptied now and then only, since that costs compression.
    fn flush(&mut self) -> io::Result<()> {
        self.rotate_if_due()?;
        self.current.as_mut().map_or(Ok(()), Current::settle)
    }
}

impl Drop for Rotating {
    fn drop(&mut self) {
        // Nobody is left to whom a failure could be reported: the file stays beside its place then.
        // One with nothing but a header says something only where there is no other.
        let header = if self.ended == 0 { 0 } else { self.header.len() as u64 };
        let empty = self.current.as_ref().is_some_and(|current| current.octets <= header);
        if empty {
            let _ = self.current.take().map(|current| fs::remove_file(&current.temporary));
        } else {
            let _ = self.end();
        }
    }
}

impl Current {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.octets += octets.len() as u64;
        self.unsettled.get_or_insert_with(Instant::now);
        match &mut self.encoder {
            Encoder::Plain(file) => file.write_all(octets),
            Encoder::Gzip(encoder) => encoder.write_all(octets),
            Encoder::Zstd(encoder) => encoder.write_all(octets),
        }
    }

    fn settle(&mut self) -> io::Result<()> {
        if self.unsettled.is_none_or(|since| since.elapsed() < SETTLE) {
            return Ok(());
        }
        self.unsettled = None;
        match &mut self.encoder {
            Encoder::Plain(file) => file.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
        }
    }
}

impl Encoder {
    fn finish(self) -> io::Result<File> {
        match self {
            Self::Plain(file) => file.into_inner().map_err(io::IntoInnerError::into_error),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// The first moment after `now` that is a multiple of `every` since midnight, local time.
fn next_multiple(now: DateTime<Local>, every: Duration) -> DateTime<Local> {
    let seconds = i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1);
    let of_day = i64::from(chrono::Timelike::num_seconds_from_midnight(&now));
    let left = seconds - of_day % seconds;
    let whole = now - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()));
    let next = TimeDelta::try_seconds(left).and_then(|left| whole.checked_add_signed(left));
    next.unwrap_or(DateTime::<Local>::MAX_UTC.into())
}

/// `flows-13.ndjson.zst`, then `flows-13.1.ndjson.zst`: before the first dot of the name.
fn numbered(place: &Path, n: u32) -> PathBuf {
    if n == 0 {
        return place.to_owned();
    }
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, ends) = match name.get(1..).and_then(|rest| rest.find('.')) {
        Some(dot) => name.split_at(dot + 1),
        None => (name.as_str(), ""),
    };
    place.with_file_name(format!("{stem}.{n}{ends}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use chrono::TimeZone as _;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("synscope-rotate-{name}-{}", std::process::id()));
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

    fn options(pattern: PathBuf, rotation: Rotation, header_lines: usize) -> RotatingOptions {
        RotatingOptions { pattern, rotation, header_lines, asked: Arc::default() }
    }

    #[test]
    fn each_file_is_whole_and_put_in_its_place_when_it_ends() {
        let folder = folder("size");
        let rotation = Rotation { size: Some(10), every: None };
        let mut out = Rotating::new(options(folder.join("a.ndjson.zst"), rotation, 1)).unwrap();
        for line in ["head\n", "first line\n", "second line\n", "third\n"] {
            out.write_all(line.as_bytes()).unwrap();
            out.flush().unwrap();
        }
        // The one that is written is not there yet.
        out.write_all(b"open\n").unwrap();
        assert_eq!(names(&folder).iter().filter(|name| name.starts_with("a.")).count(), 3);
        drop(out);
        assert_eq!(names(&folder), ["a.1.ndjson.zst", "a.2.ndjson.zst", "a.3.ndjson.zst", "a.ndjson.zst"]);
        let read = |name: &str| {
            let octets = zstd::stream::decode_all(File::open(folder.join(name)).unwrap()).unwrap();
            String::from_utf8(octets).unwrap()
        };
        assert_eq!(read("a.ndjson.zst"), "head\nfirst line\n");
        assert_eq!(read("a.1.ndjson.zst"), "head\nsecond line\n");
        assert_eq!(read("a.2.ndjson.zst"), "head\nthird\n");
        assert_eq!(read("a.3.ndjson.zst"), "head\nopen\n");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn whoever_asks_gets_a_new_file_and_an_empty_one_is_none() {
        let folder = folder("asked");
        let options = options(folder.join("x.gz"), Rotation::default(), 0);
        let asked = Arc::clone(&options.asked);
        let mut out = Rotating::new(options).unwrap();
        for _ in 0..3 {
            asked.store(true, Ordering::Relaxed);
            out.flush().unwrap();
        }
        assert!(names(&folder).iter().all(|name| name.ends_with(".part")));
        out.write_all(b"line\n").unwrap();
        asked.store(true, Ordering::Relaxed);
        out.flush().unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(folder.join("x.gz")).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "line\n");
        drop(out);
        assert_eq!(names(&folder), ["x.gz"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn times_are_multiples_since_midnight() {
        let at = |h, m, s| Local.with_ymd_and_hms(2026, 3, 4, h, m, s).unwrap();
        assert_eq!(next_multiple(at(13, 20, 5), Duration::from_secs(3600)), at(14, 0, 0));
        assert_eq!(next_multiple(at(14, 0, 0), Duration::from_secs(3600)), at(15, 0, 0));
        assert_eq!(next_multiple(at(14, 0, 0), Duration::from_secs(60)), at(14, 1, 0));
        let evening = at(23, 59, 59);
        assert_eq!(next_multiple(evening, Duration::from_secs(86_400)).timestamp(), evening.timestamp() + 1);
        assert_eq!(numbered(Path::new("/d/a.b.c"), 2), Path::new("/d/a.2.b.c"));
        assert_eq!(numbered(Path::new("/d/a"), 1), Path::new("/d/a.1"));
        assert!(check_pattern(Path::new("/d/a-%Y%m%d-%H.zst")).is_ok());
        assert!(check_pattern(Path::new("/d/a-%Q")).is_err() && check_pattern(Path::new("/%Y/a")).is_err());
    }

    #[test]
    fn a_file_of_another_name_begins_when_the_time_has_come() {
        use std::sync::atomic::AtomicI64;
        static NOW: AtomicI64 = AtomicI64::new(1_772_600_000);
        let folder = folder("time");
        let rotation = Rotation { every: Some(Duration::from_secs(60)), size: None };
        let clock = || Local.timestamp_opt(NOW.load(Ordering::Relaxed), 0).unwrap();
        let mut out = Rotating::with_clock(options(folder.join("t-%s"), rotation, 0), clock).unwrap();
        out.write_all(b"one\n").unwrap();
        NOW.fetch_add(60, Ordering::Relaxed);
        out.write_all(b"two\n").unwrap();
        drop(out);
        assert_eq!(names(&folder), ["t-1772600000", "t-1772600060"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
