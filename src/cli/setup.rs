//! Sets up the engine, the input and the output of an analysis.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::config::{FilterChoice, Input, Output, Run};
use super::messages::Failure;
use crate::capture::{CaptureError, FileInput, FileOptions, Files, Filter, Source};
use crate::decode;
use crate::engine::{self, Engine};
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

/// Opens the output.
pub(super) fn open_output(output: &Output) -> Result<Box<dyn Writer>, Failure> {
    let stream: Box<dyn Write> = match &output.path {
        None => Box::new(io::stdout()),
        Some(path) if is_input(path, &output.settings.session.inputs) => {
            return Err(Failure::Usage(format!("-o: {} is also the input", path.display())));
        }
        Some(path) => match File::create(path) {
            Ok(file) => Box::new(file),
            Err(error) => return Err(Failure::Running(format!("{}: cannot create: {error}", path.display()))),
        },
    };
    Ok((output.format.open)(Out::new(stream, output.flush_lines), &output.settings))
}

/// Whether `path` is one of the files that are read: to create it would destroy them.
pub(super) fn is_input(path: &Path, inputs: &[String]) -> bool {
    let real = |path: &Path| path.is_file().then(|| path.canonicalize().ok()).flatten();
    real(path).is_some_and(|output| inputs.iter().any(|input| real(Path::new(input)).as_ref() == Some(&output)))
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
