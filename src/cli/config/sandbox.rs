//! Which rights are given up.

use std::path::{Path, PathBuf};

use super::super::args::{OtherArgs, SandboxArg};
use super::super::sandbox::{Mode, Sandbox};
use super::run::{Input, Output};
use crate::capture::FileInput;

/// All rights but those for what this run does after opening.
pub(super) fn sandbox(args: &OtherArgs, input: &Input, output: &Output, view: bool) -> Sandbox {
    let mode = match args.sandbox {
        Some(SandboxArg::Strict) => Mode::Strict,
        Some(SandboxArg::Off) => Mode::Off,
        Some(SandboxArg::On | SandboxArg::Status) | None => Mode::On,
    };
    let (reads, interfaces) = match input {
        Input::Files(files) => (files.iter().filter_map(FileInput::path).map(Path::to_owned).collect(), Vec::new()),
        Input::Live(live) => (Vec::new(), live.interfaces.clone()),
    };
    let folder = output.path.as_deref().map(folder_of);
    // What the view saves goes below the folder that it was started in.
    let of_metrics = args.metrics_file.as_deref().map(folder_of);
    let writes = folder.into_iter().chain(of_metrics).chain(view.then(|| PathBuf::from("."))).collect();
    let (serves, notifies) = (args.metrics.is_some(), std::env::var_os("NOTIFY_SOCKET").is_some());
    Sandbox { mode, user: args.user.clone(), reads, writes, interfaces, view, serves, notifies }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
