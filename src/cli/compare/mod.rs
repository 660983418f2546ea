//! `synscope compare A B`: reads two captures in step with each other, and writes what differs.

mod args;
mod read;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use clap::Parser;

use self::args::{CompareArgs, CompareFormatArg, RightsArg, TapPlace};
use self::read::{TapReading, read};
use super::messages::{self, Failure};
use super::sandbox::{self, Mode, Sandbox};
use crate::capture::{CaptureError, FileInput, FileOptions, OpenFiles};
use crate::compare::{Comparison, Tap};
use crate::output::Out;
use crate::output::compare::{CompareFormat, CompareWriter};
use crate::output::file::{self, Protected, Unplaced};

/// The word that begins such a command line.
pub(super) const WORD: &str = "compare";

/// Parses what stands behind `compare`.
///
/// # Errors
///
/// What is wrong with it, or help.
pub(super) fn parse(words: impl Iterator<Item = std::ffi::OsString>) -> Result<CompareArgs, clap::Error> {
    CompareArgs::try_parse_from(words)
}

/// Where output goes, open.
type CompareStream = (Box<dyn Write>, Option<(Unplaced, PathBuf)>);

/// Compares two captures.
///
/// # Errors
///
/// What stopped it, after everything before that has been compared and written.
pub(super) fn run(args: &CompareArgs) -> Result<(), Failure> {
    let stop = super::run::stop_on_signals(true, true)?;
    let names = names(args)?;
    let near = near(&args.at)?;
    let inputs = names.map(|name| FileInput::from_argument(&name));
    if inputs.iter().all(|input| *input == FileInput::Stdin) {
        return Err(Failure::Usage("compare: standard input can be given only once".to_owned()));
    }
    let opened = [OpenFiles::open(&inputs[..1])?, OpenFiles::open(&inputs[1..])?];
    let sandbox = sandbox(args, &inputs);
    let (stream, pending) = open(args, &inputs, &sandbox)?;
    sandbox::enter(&sandbox)?;
    let format = match args.format {
        _ if args.json => CompareFormat::Ndjson,
        CompareFormatArg::Text => CompareFormat::Text,
        CompareFormatArg::Ndjson => CompareFormat::Ndjson,
        CompareFormatArg::Ladder => CompareFormat::Ladder,
    };
    let locale = args.locale.map(args::LocaleArg::locale).unwrap_or_default();
    let mut writer = CompareWriter::new(Out::new(stream, false), format, locale, args.all, args.flow);
    let mut comparison = Comparison::new(args.max_flows as usize, near);
    let read = compare(args, &opened, &mut comparison, &mut writer, &stop);
    let summary = comparison.finish(&mut |judgement| writer.flow(judgement));
    let written = writer.finish(summary);
    let failed = |error: io::Error| Failure::Running(format!("cannot write: {error}"));
    match (written, pending) {
        (Ok(_), Some((pending, _))) => pending.put().map_err(failed)?,
        (written, _) => drop(written.map_err(failed)?),
    }
    read
}

fn names(args: &CompareArgs) -> Result<[std::ffi::OsString; 2], Failure> {
    let names = if args.read.is_empty() { &args.files } else { &args.read };
    <[_; 2]>::try_from(names.clone()).map_err(|names| {
        Failure::Usage(format!(
            "compare: two captures are needed, and {} given",
            match names.len() {
                0 => "none was".to_owned(),
                1 => "one was".to_owned(),
                n => format!("{n} were"),
            }
        ))
    })
}

/// The tap nearer the clients, if the places say so.
fn near(at: &[TapPlace]) -> Result<Option<Tap>, Failure> {
    match at {
        [] => Ok(None),
        [TapPlace::Client] | [TapPlace::Client, TapPlace::Server] => Ok(Some(Tap::A)),
        [TapPlace::Server] | [TapPlace::Server, TapPlace::Client] => Ok(Some(Tap::B)),
        _ => Err(Failure::Usage("--at: one capture is at the client, the other at the server".to_owned())),
    }
}

fn sandbox(args: &CompareArgs, inputs: &[FileInput]) -> Sandbox {
    let folder = args.output.as_deref().map(|path| match path.parent() {
        Some(folder) if folder != std::path::Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    });
    Sandbox {
        mode: match args.sandbox {
            RightsArg::Strict => Mode::Strict,
            RightsArg::On => Mode::On,
            RightsArg::Off => Mode::Off,
        },
        reads: inputs.iter().filter_map(FileInput::path).map(std::path::Path::to_owned).collect(),
        writes: folder.into_iter().collect(),
        ..Sandbox::default()
    }
}

fn open(args: &CompareArgs, inputs: &[FileInput], sandbox: &Sandbox) -> Result<CompareStream, Failure> {
    let Some(path) = &args.output else { return Ok((Box::new(io::stdout()), None)) };
    let mut protected = Protected::default();
    inputs.iter().filter_map(FileInput::path).for_each(|path| protected.add(path));
    let created = file::create(path, &protected, sandbox::next_user(sandbox)?);
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::Usage(format!("-o: {} {error}", path.display())),
        _ => Failure::Running(format!("{}: cannot create: {error}", path.display())),
    };
    let (file, mut pending): (File, _) = created.map_err(cannot)?;
    pending.as_mut().map_or(Ok(()), Unplaced::begin).map_err(cannot)?;
    Ok((Box::new(file), pending.map(|pending| (pending, path.clone()))))
}

/// Reads both captures, each on a thread of its own, and compares them.
fn compare(
    args: &CompareArgs,
    opened: &[OpenFiles; 2],
    comparison: &mut Comparison,
    writer: &mut CompareWriter,
    stop: &Arc<AtomicBool>,
) -> Result<(), Failure> {
    let options = || FileOptions {
        stop: Some(Arc::clone(stop)),
        max_decompressed: args.max_decompressed,
        ..FileOptions::default()
    };
    // An empty file is damaged; the other may be whole.
    let sources = opened.each_ref().map(|files| files.read(options()));
    thread::scope(|scope| {
        let mut readings = Vec::new();
        let mut faults: Vec<CaptureError> = Vec::new();
        for source in sources {
            let (full_in, full) = mpsc::sync_channel(read::BATCHES);
            let (emptied, empty) = mpsc::channel();
            match source {
                Ok(source) => {
                    let verify = !args.ignore_checksums;
                    let work = move || read(source, verify, &full_in, &empty);
                    let spawned = thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, work);
                    spawned.map_err(|error| Failure::Running(format!("cannot start a thread: {error}")))?;
                }
                Err(error) => faults.push(error),
            }
            readings.push(TapReading::new(full, emptied));
        }
        let [a, b] = &mut readings[..] else { return Ok(()) };
        in_step(a, b, comparison, writer, stop);
        faults.extend([a.fault.take(), b.fault.take()].into_iter().flatten());
        for fault in faults.iter().skip(1) {
            messages::say(&format!("synscope: {fault}"));
        }
        faults.into_iter().next().map_or(Ok(()), |fault| Err(Failure::Capture(fault)))
    })
}

/// Takes segments of both in order of time, as far as the clocks are known.
fn in_step(
    a: &mut TapReading,
    b: &mut TapReading,
    comparison: &mut Comparison,
    writer: &mut CompareWriter,
    stop: &AtomicBool,
) {
    /// Clocks that are further apart than a day have nothing in common but their pace.
    const APART: i64 = 86_400 * crate::time::SECOND;
    let mut start = None;
    let mut ended = [false; 2];
    let mut taken = 0u32;
    loop {
        let (front_a, front_b) = (a.front(), b.front());
        let tap = match (front_a, front_b) {
            (None, None) => return,
            (Some(_), None) => Tap::A,
            (None, Some(_)) => Tap::B,
            (Some(a), Some(b)) => {
                let difference = b - a;
                let start = *start.get_or_insert(if difference.abs() > APART { difference } else { 0 });
                if difference < comparison.offset().unwrap_or(start) { Tap::B } else { Tap::A }
            }
        };
        for (tap, front) in [(Tap::A, front_a), (Tap::B, front_b)] {
            if front.is_none() && !ended[tap as usize] {
                ended[tap as usize] = true;
                comparison.end(tap);
            }
        }
        let reading = if tap == Tap::A { &mut *a } else { &mut *b };
        if let Some(segment) = reading.next() {
            comparison.segment(tap, segment, &mut |judgement| writer.flow(judgement));
        }
        taken = taken.wrapping_add(1);
        if taken.is_multiple_of(1024) && (stop.load(Ordering::Relaxed) || writer.failed()) {
            return;
        }
    }
}
