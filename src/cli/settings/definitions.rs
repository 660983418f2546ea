//! The definitions of all options, as clap has them.

use clap::CommandFactory;

use super::super::args::Args;
use super::super::version;

/// The definitions of all options.
pub(in crate::cli) fn command() -> clap::Command {
    let mut command = Args::command().version(env!("CARGO_PKG_VERSION")).long_version(version::LONG.as_str());
    command.build();
    command
}
