//! Sets up the engine, the input and the output of an analysis.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::SIGHUP;

use super::config::{FilterChoice, Input, Output, Run, header_lines};
use super::messages::Failure;
use super::sandbox;
use crate::capture::{CaptureError, FileInput, FileOptions, Filter, Followed, OpenFiles, Source};
use crate::decode;
use crate::engine::{self, Engine};
use crate::output::file::{self, Protected, Unplaced};
use crate::output::rotate::{Rotating, RotatingOptions};
use crate::output::{Out, Writer};

/// An engine for this run.
pub(super) fn engine(run: &Run) -> Result<Engine, Failure> {
    let analysis = &run.analysis;
    let settings = engine::Settings {
        hosts: analysis.hosts.clone(),
        decode: decode::Config { verify_checksums: !analysis.ignore_checksums, ..decode::Config::default() },
        timeouts: analysis.timeouts,
        limits: analysis.limits,
        rules: analysis.rules.clone(),
        long_way: false,
        terse: run.output.format.terse
            && run.recording.is_none()
            && run.checks.is_empty()
            && analysis.flows_where.is_none(),
        zeek_checksums: analysis.zeek_checksums,
    };
    Engine::new(&settings).map_err(|error| Failure::Usage(error.to_string()))
}

/// Whether frames arrive in real time, so that output must not wait for later ones: an interface, a pipe.
pub(super) fn comes_live(input: &Input) -> bool {
    match input {
        Input::Live(_) => true,
        Input::Files(files) => files.iter().any(|file| match file {
            FileInput::Stdin | FileInput::Followed(_) => true,
            FileInput::Path(path) => !path.is_file(),
        }),
    }
}

/// The input of an analysis, open. Nothing of it has been looked at, and no thread has been started.
pub(super) enum Opened {
    /// Files, fifos, standard input.
    Files(OpenInput),
    /// A file or folder that is followed, and the filter for its frames.
    Followed(Followed, Option<Filter>, Option<u64>),
    /// Interfaces.
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "this build refuses to capture"))]
    Live(Box<dyn Source>),
}

/// Frames, and what they can be read from once more.
pub(super) type Frames = (Box<dyn Source>, Option<Arc<OpenInput>>);

/// Open files, fifos or standard input, and the filter for their frames.
pub(super) struct OpenInput {
    files: OpenFiles,
    filter: Option<Filter>,
    max_decompressed: Option<u64>,
    decompress_in_place: bool,
}

/// Cores that reading, tracking and reporting keep busy by themselves.
const BUSY_CORES: usize = 2;

impl Opened {
    /// Opens the input.
    pub(super) fn open(run: &Run, stop: &Arc<AtomicBool>) -> Result<Self, CaptureError> {
        let mut filter = match &run.filter {
            None => None,
            Some(FilterChoice::Expression(expression)) => Some(Filter::expression(expression)?),
            Some(FilterChoice::File { name, text }) => Some(Filter::file(name, text)?),
            Some(FilterChoice::Preset(preset)) => Some(Filter::preset(preset)?),
        };
        match &run.input {
            Input::Files(files) => {
                if let [FileInput::Followed(path)] = &files[..] {
                    let followed = Followed::open(path)?;
                    filter.iter_mut().for_each(Filter::prepare);
                    return Ok(Self::Followed(followed, filter, run.max_decompressed));
                }
                let files = OpenFiles::open(files)?;
                filter.iter_mut().for_each(Filter::prepare);
                let cores = thread::available_parallelism().map_or(1, usize::from);
                let decompress_in_place = cores <= BUSY_CORES;
                Ok(Self::Files(OpenInput {
                    files,
                    filter,
                    max_decompressed: run.max_decompressed,
                    decompress_in_place,
                }))
            }
            #[cfg(feature = "live")]
            Input::Live(live) => Ok(Self::Live(live::open(live, filter, stop)?)),
            #[cfg(not(feature = "live"))]
            Input::Live(_) => {
                let _ = stop;
                Err(CaptureError::Usage("-i: this build does not support live capture (feature 'live')".to_owned()))
            }
        }
    }

    /// The frames, and what can be read once more.
    pub(super) fn source(self, stop: &Arc<AtomicBool>) -> Result<Frames, CaptureError> {
        match self {
            Self::Live(live) => Ok((live, None)),
            Self::Followed(followed, filter, max_decompressed) => {
                let stop = Some(Arc::clone(stop));
                let options = FileOptions { filter, stop, max_decompressed, ..FileOptions::default() };
                Ok((Box::new(followed.read(options)), None))
            }
            Self::Files(input) => Ok((input.source(stop)?, Some(Arc::new(input)))),
        }
    }
}

impl OpenInput {
    /// The frames. Those of regular files begin with the first one each time; no file is opened again.
    pub(super) fn source(&self, stop: &Arc<AtomicBool>) -> Result<Box<dyn Source>, CaptureError> {
        let options = FileOptions {
            filter: self.filter.clone(),
            stop: Some(Arc::clone(stop)),
            max_decompressed: self.max_decompressed,
            decompress_in_place: self.decompress_in_place,
        };
        Ok(Box::new(self.files.read(options)?))
    }
}

/// Where output goes, open. A file that exists keeps what it has until [`Stream::writer`].
pub(super) enum Stream {
    Stdout,
    File(File, Option<Unplaced>, PathBuf),
    /// Files that follow each other; the first is made when rights have been given up, like all later ones.
    Rotating(RotatingOptions),
}

/// Opens where output goes.
///
/// # Errors
///
/// [`Failure::Usage`] for a file that is also the input, [`Failure::Running`] for one that cannot be made.
pub(super) fn open_stream(run: &Run) -> Result<Stream, Failure> {
    let Some(path) = &run.output.path else { return Ok(Stream::Stdout) };
    if let Some(rotation) = run.output.rotation {
        let asked = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGHUP, Arc::clone(&asked))
            .map_err(|error| Failure::Running(format!("cannot handle signals: {error}")))?;
        let header_lines = header_lines(run.output.format).unwrap_or(0);
        return Ok(Stream::Rotating(RotatingOptions { pattern: path.clone(), rotation, header_lines, asked }));
    }
    match file::create(path, &protected(run), sandbox::next_user(&run.sandbox)?) {
        Ok((file, pending)) => Ok(Stream::File(file, pending, path.clone())),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(Failure::Usage(format!("-o: {} {error}", path.display())))
        }
        Err(error) => Err(Failure::Running(format!("{}: cannot create: {error}", path.display()))),
    }
}

impl Stream {
    /// What writes there from now on. A file has to be put in its place, if it is not there from the start.
    ///
    /// # Errors
    ///
    /// [`Failure::Running`] for a file that cannot be emptied.
    pub(super) fn writer(self, output: &Output) -> Result<(Box<dyn Writer>, Option<Unplaced>), Failure> {
        let (stream, pending): (Box<dyn Write>, _) = match self {
            Self::Stdout => (Box::new(io::stdout()), None),
            Self::Rotating(options) => {
                let name = options.pattern.display().to_string();
                let failed = |error| Failure::Running(format!("{name}: cannot create: {error}"));
                (Box::new(Rotating::new(options).map_err(failed)?), None)
            }
            Self::File(file, mut pending, path) => {
                let begun = pending.as_mut().map_or(Ok(()), Unplaced::begin);
                begun.map_err(|error| Failure::Running(format!("{}: cannot write: {error}", path.display())))?;
                (Box::new(file), pending)
            }
        };
        Ok(((output.format.open)(Out::new(stream, output.flush_lines), &output.settings), pending))
    }
}

/// The files that are read: to create them would destroy them.
pub(super) fn protected(run: &Run) -> Protected {
    let mut protected = Protected::default();
    if let Input::Files(files) = &run.input {
        for file in files {
            match file {
                FileInput::Path(path) | FileInput::Followed(path) => protected.add(path),
                FileInput::Stdin => protected.add_stdin(),
            }
        }
    }
    if let Some(FilterChoice::File { name, .. }) = &run.filter {
        protected.add(Path::new(name));
    }
    protected
}

#[cfg(feature = "live")]
mod live {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::super::args::DirectionArg;
    use super::super::config;
    use crate::capture::{CaptureError, Direction, Filter, Live, LiveOptions, Source};

    pub(super) fn open(
        live: &config::Live,
        filter: Option<Filter>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Box<dyn Source>, CaptureError> {
        let default = LiveOptions::default();
        let options = LiveOptions {
            interfaces: live.interfaces.clone(),
            filter,
            snaplen: live.snaplen.unwrap_or(default.snaplen),
            buffer_size: live.buffer_size,
            promiscuous: live.promiscuous,
            direction: match live.direction {
                Some(DirectionArg::In) => Direction::In,
                Some(DirectionArg::Out) => Direction::Out,
                Some(DirectionArg::Inout) | None => Direction::Both,
            },
            link_type: live.link_type.clone(),
            stop: Arc::clone(stop),
        };
        Ok(Box::new(Live::open(&options)?))
    }
}
