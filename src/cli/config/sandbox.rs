//! Which rights are given up.

use std::path::{Path, PathBuf};

use super::super::args::{OtherArgs, SandboxArg};
use super::super::sandbox::{Mode, Sandbox};
use super::run::{Input, Output, Recording};
use crate::capture::FileInput;

/// All rights but those for what this run does after opening.
pub(super) fn sandbox(
    args: &OtherArgs,
    input: &Input,
    output: &Output,
    recording: Option<&Recording>,
    view: bool,
) -> Sandbox {
    let mode = match args.sandbox {
        Some(SandboxArg::Strict) => Mode::Strict,
        Some(SandboxArg::Off) => Mode::Off,
        Some(SandboxArg::On | SandboxArg::Status) | None => Mode::On,
    };
    let (reads, interfaces) = match input {
        Input::Files(files) => (files.iter().filter_map(read).collect(), Vec::new()),
        Input::Live(live) => (Vec::new(), live.interfaces.clone()),
    };
    let written = output.path.as_deref().into_iter().chain(recording.and_then(|recording| recording.path.as_deref()));
    // What the view saves goes below the folder that it was started in.
    let of_metrics = args.metrics_file.as_deref().map(folder_of);
    let writes = written.map(folder_of).chain(of_metrics).chain(view.then(|| PathBuf::from("."))).collect();
    let lists = matches!(input, Input::Files(files) if files.iter().any(|file| matches!(file, FileInput::Followed(_))));
    let (serves, notifies) = (args.metrics.is_some(), std::env::var_os("NOTIFY_SOCKET").is_some());
    Sandbox { mode, user: args.user.clone(), reads, lists, writes, interfaces, view, serves, notifies }
}

/// What is opened for reading later: a file, or the folder in which others appear.
fn read(file: &FileInput) -> Option<PathBuf> {
    match file {
        FileInput::Stdin => None,
        FileInput::Path(path) => Some(path.clone()),
        FileInput::Followed(path) if path.is_dir() => Some(path.clone()),
        FileInput::Followed(path) => Some(folder_of(path)),
    }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
