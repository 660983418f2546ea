//! Sets up the engine, the input and the output of an analysis.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::config::{FilterChoice, Input, Run};
use super::messages::Failure;
use crate::capture::{CaptureError, FileInput, FileOptions, Files, Filter, Source};
use crate::decode;
use crate::engine::{self, Engine};
use crate::output::file::{self, Protected, Unplaced};
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
        terse: run.output.format.terse && run.checks.is_empty() && analysis.flows_where.is_none(),
        zeek_checksums: analysis.zeek_checksums,
    };
    Engine::new(&settings).map_err(|error| Failure::Usage(error.to_string()))
}

/// Whether frames arrive in real time, so that output must not wait for later ones: an interface, a pipe.
pub(super) fn comes_live(input: &Input) -> bool {
    match input {
        Input::Live(_) => true,
        Input::Files(files) => files.iter().any(|file| match file {
            FileInput::Stdin => true,
            FileInput::Path(path) => !path.is_file(),
        }),
    }
}

/// Opens the input.
pub(super) fn open(
    input: &Input,
    filter: Option<&FilterChoice>,
    stop: &Arc<AtomicBool>,
) -> Result<Box<dyn Source>, CaptureError> {
    let filter = match filter {
        None => None,
        Some(FilterChoice::Expression(expression)) => Some(Filter::expression(expression)?),
        Some(FilterChoice::File { name, text }) => Some(Filter::file(name, text)?),
        Some(FilterChoice::Preset(preset)) => Some(Filter::preset(preset)?),
    };
    match input {
        Input::Files(files) => {
            let options = FileOptions { filter, stop: Some(Arc::clone(stop)) };
            Ok(Box::new(Files::open(files, options)?))
        }
        #[cfg(feature = "live")]
        Input::Live(live) => live::open(live, filter, stop),
        #[cfg(not(feature = "live"))]
        Input::Live(_) => {
            Err(CaptureError::Usage("-i: this build does not support live capture (feature 'live')".to_owned()))
        }
    }
}

/// Opens the output. A file has to be put in its place, if it is not there from the start.
pub(super) fn open_output(run: &Run) -> Result<(Box<dyn Writer>, Option<Unplaced>), Failure> {
    let output = &run.output;
    let (stream, pending): (Box<dyn Write>, _) = match &output.path {
        None => (Box::new(io::stdout()), None),
        Some(path) => match file::create(path, &protected(run)) {
            Ok((file, pending)) => (Box::new(file), pending),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(Failure::Usage(format!("-o: {} {error}", path.display())));
            }
            Err(error) => return Err(Failure::Running(format!("{}: cannot create: {error}", path.display()))),
        },
    };
    Ok(((output.format.open)(Out::new(stream, output.flush_lines), &output.settings), pending))
}

/// The files that are read: to create them would destroy them.
pub(super) fn protected(run: &Run) -> Protected {
    let mut protected = Protected::default();
    if let Input::Files(files) = &run.input {
        for file in files {
            match file {
                FileInput::Path(path) => protected.add(path),
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
            buffer_size: live.buffer_size.unwrap_or(default.buffer_size),
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
