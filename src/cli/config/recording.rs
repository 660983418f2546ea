//! The options of `-w`: which packets are written, into which files.

use std::path::{Path, PathBuf};

use chrono::format::{Item, StrftimeItems};

use super::super::args::{OutputArgs, RecordArgs};
use super::super::messages::Failure;
use super::run::{Matching, Recording};
use crate::output::packet_file::PacketFormat;

/// Packet time that is kept in memory for `--write-matching`, nanoseconds.
const KEEP_TIME: i64 = 60 * crate::time::SECOND;
/// Octets that are kept in memory for `--write-matching`.
const KEEP_SIZE: u64 = 64 << 20;

/// What `-w` and its companions ask for.
///
/// # Errors
///
/// [`Failure::Usage`] for what makes no sense.
pub(super) fn recording(
    args: &RecordArgs,
    output: &OutputArgs,
    followed: Option<&Path>,
    viewed: bool,
) -> Result<Option<Recording>, Failure> {
    let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
    let Some(path) = &args.write else {
        let given = [
            ("-C", args.write_size.is_some()),
            ("-G", args.write_time.is_some()),
            ("-W", args.write_count.is_some()),
            ("--write-matching", args.write_matching),
            ("--keep-time", args.keep_time.is_some()),
            ("--keep-size", args.keep_size.is_some()),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => usage(&format!("{option} has no effect without -w")),
            None => Ok(None),
        };
    };
    let rotates = args.write_size.is_some() || args.write_time.is_some();
    if args.write_count.is_some() && !rotates {
        return usage("-W has no effect without -C or -G");
    }
    if (args.keep_time.is_some() || args.keep_size.is_some()) && !args.write_matching {
        return usage("--keep-time and --keep-size have no effect without --write-matching");
    }
    let to_stdout = path.as_os_str() == "-";
    if to_stdout && (rotates || viewed || output.output.as_deref().is_none_or(|path| path == Path::new("-"))) {
        return usage("-w -: standard output has the events or the view; send the events to a file with -o");
    }
    if output.output.as_ref().is_some_and(|other| same(other, path)) {
        return usage("-w and -o name the same file");
    }
    if followed.is_some_and(|followed| same(followed, &folder_of(path))) {
        return usage("-w: the folder that is followed would be fed with what is written to it");
    }
    let by_time = args.write_time.map(|duration| duration.0);
    if by_time.is_some() {
        check_time_codes(path)?;
    }
    let classic = path.extension().is_some_and(|extension| extension == "pcap" || extension == "cap");
    Ok(Some(Recording {
        path: (!to_stdout).then(|| path.clone()),
        format: if classic { PacketFormat::Pcap } else { PacketFormat::Pcapng },
        size: args.write_size.map(|size| size.0),
        time: by_time,
        count: args.write_count,
        flush: output.line_buffered,
        matching: args.write_matching.then(|| Matching {
            time: args.keep_time.map_or(KEEP_TIME, |time| time.0),
            octets: args.keep_size.map_or(KEEP_SIZE, |size| size.0),
        }),
    }))
}

/// Whether two paths are one file, which need not be there.
fn same(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| -> Option<PathBuf> {
        path.canonicalize()
            .ok()
            .filter(|path| !path.starts_with("/dev"))
            .or_else(|| Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?)))
    };
    place(a).is_some_and(|a| Some(a) == place(b))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")).to_owned()
}

/// The codes of strftime(3) in a name must be known, and stay in the folder.
fn check_time_codes(path: &Path) -> Result<(), Failure> {
    let failed = |problem: &str| Err(Failure::Usage(format!("-w: {}: {problem}", path.display())));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    if path.parent().is_some_and(|folder| folder.to_string_lossy().contains('%')) {
        return failed("time codes (%) are for the name of the file, not for its folder");
    }
    if StrftimeItems::new(name).any(|item| matches!(item, Item::Error)) {
        return failed("unknown time code; strftime(3) lists them, and %% stands for a percent sign");
    }
    let example = chrono::DateTime::UNIX_EPOCH.format(name).to_string();
    if example.contains('/') { failed("a time code (%D) makes a slash; use %F or %Y-%m-%d") } else { Ok(()) }
}
