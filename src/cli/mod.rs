//! The command line: what was typed ([`args`]), what it means ([`config`]), doing it ([`run`]), and messages
//! ([`messages`]). The only place that knows every other part; nothing depends on it.

mod args;
mod checks;
mod compare;
mod config;
mod driver;
mod list;
mod memory;
mod messages;
mod progress;
mod run;
mod sandbox;
#[cfg(feature = "tui")]
mod settings;
mod setup;
mod sink;
mod units;
#[cfg(feature = "tui")]
mod view;

use std::process::ExitCode;

use clap::Parser;

use self::args::Args;
use self::config::Task;
use self::messages::Failure;
use crate::panics;

/// What is wrong with a command line, or with its values. Nothing of the input is opened.
///
/// # Errors
///
/// The message that the program would give.
pub fn check_arguments<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let args = Args::try_parse_from(words).map_err(|message| message.to_string())?;
    config::resolve(args).map(drop).map_err(|failure| failure.to_string())
}

/// What is wrong with the text of a configuration.
///
/// # Errors
///
/// The message that the program would give, without the name of the file.
#[cfg(feature = "tui")]
pub fn check_configuration(text: &str) -> Result<(), String> {
    settings::keys(text).map(drop)
}

/// Runs the program and returns its exit code (0 finished, 1 failed, 2 usage, 3 a check, 4 input damaged, 5 no
/// permission).
pub fn main() -> ExitCode {
    panics::keep();
    // A word of a filter otherwise: no filter begins with this one.
    if std::env::args_os().nth(1).is_some_and(|word| word == compare::WORD) {
        let parsed = compare::parse(std::env::args_os().skip(1));
        return finish(parsed, |args| compare::run(&args));
    }
    finish(Args::try_parse(), |args| config::resolve(args).and_then(perform))
}

/// Does what was asked for, and says why that failed.
fn finish<T>(parsed: Result<T, clap::Error>, run: impl FnOnce(T) -> Result<(), Failure>) -> ExitCode {
    match parsed {
        Ok(args) => {
            let done = panics::guarded(|| run(args));
            let done = done.unwrap_or_else(|panic| Err(Failure::Running(panic.to_string())));
            // Whatever came of it: a panic in any thread is what matters.
            match panics::first().map(Failure::Running).or(done.err()) {
                None => ExitCode::SUCCESS,
                Some(failure) => {
                    messages::complain(&failure);
                    ExitCode::from(failure.exit_code())
                }
            }
        }
        Err(message) => {
            // Help and version are such messages, too. A closed pipe is no failure.
            if message.use_stderr() {
                messages::complain_of_usage(&message);
                return ExitCode::from(2);
            }
            match list::check(message.print()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    messages::complain(&failure);
                    ExitCode::from(failure.exit_code())
                }
            }
        }
    }
}

fn perform(task: Task) -> Result<(), Failure> {
    match task {
        Task::SandboxStatus(sandbox) => list::print(&sandbox::enter(&sandbox)?.status()),
        Task::Run(run) => match run.view.clone() {
            #[cfg(feature = "tui")]
            Some(view) => view::run(*run, &view),
            _ => run::run(*run),
        },
        #[cfg(feature = "tui")]
        Task::PrintKeys(keys, locale) => list::print(&keys.print(locale)),
        Task::PrintSchema => list::print(&crate::output::schema::json_schema()),
        Task::ListPresets => list::print(&list::presets()),
        Task::ListInterfaces => list::print(&list::interfaces()?),
        Task::ListAnomalies => list::print(&list::anomalies()),
        Task::ExplainAnomaly(rule) => list::print(&list::anomaly(rule)),
        Task::Print(text) => list::print(&text),
    }
}
