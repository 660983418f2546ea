//! The command line: what was typed ([`args`]), what it means ([`config`]), doing it ([`run`]), and messages
//! ([`messages`]). The only place that knows every other part; nothing depends on it.

mod args;
mod checks;
mod compare;
mod config;
mod driver;
mod generate;
mod habits;
mod kernel;
mod list;
mod memory;
mod messages;
mod metrics;
mod progress;
mod recording;
mod run;
mod sandbox;
mod service;
mod settings;
mod setup;
mod sink;
mod units;
mod version;
#[cfg(feature = "tui")]
mod view;

use std::process::ExitCode;

use clap::Parser;

use self::args::Args;
use self::config::Task;
use self::messages::Failure;
use self::settings::{Refusal, Resolved};
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
pub fn check_configuration(text: &str) -> Result<(), String> {
    settings::check(text)
}

/// Runs the program and returns its exit code (0 finished, 1 failed, 2 usage, 3 a check, 4 input damaged, 5 no
/// permission).
pub fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", feature = "kernel"))]
    if kernel::is_helper() {
        return ExitCode::SUCCESS;
    }
    panics::keep();
    #[cfg(all(unix, feature = "tui"))]
    let _ = crate::aborts::explain();
    // A word of a filter otherwise: no filter begins with this one.
    if std::env::args_os().nth(1).is_some_and(|word| word == compare::WORD) {
        return match compare::parse(std::env::args_os().skip(1)) {
            Ok(args) => {
                let done = panics::guarded(|| compare::run(&args));
                let done = done.unwrap_or_else(|panic| Err(Failure::Running(panic.to_string())));
                exit(panics::first().map(Failure::Running).map_or(done, Err))
            }
            Err(message) => refuse(&message),
        };
    }
    match settings::read(std::env::args_os()) {
        Ok(resolved) => {
            let done = panics::guarded(|| run_resolved(resolved));
            let done = done.unwrap_or_else(|panic| Err(Failure::Running(panic.to_string())));
            // Whatever came of it: a panic in any thread is what matters.
            exit(panics::first().map(Failure::Running).map_or(done, Err))
        }
        Err(Refusal::Configured(failure)) => exit(Err(failure)),
        Err(Refusal::Typed(message)) => refuse(&message),
    }
}

/// The exit code of a message about what was typed. Help and version are such messages, too; a closed pipe is no
/// failure.
fn refuse(message: &clap::Error) -> ExitCode {
    if !message.use_stderr() {
        return exit(list::check(message.print()));
    }
    match habits::answer(message) {
        Some(answer) => messages::complain(&Failure::Usage(answer)),
        None => messages::complain_of_usage(message),
    }
    ExitCode::from(2)
}

/// The exit code of what was done; what failed is said.
fn exit(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            messages::complain(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Does what was typed and configured. What was configured and has no effect together with the rest is left out.
fn run_resolved(mut resolved: Resolved) -> Result<(), Failure> {
    loop {
        let args = resolved.args().map_err(|error| {
            let text = error.render().to_string();
            Failure::Usage(text.trim().trim_start_matches("error: ").to_owned())
        })?;
        let prints = args.other.print_config;
        match config::resolve(args) {
            Err(Failure::Ineffective(option, why)) if resolved.leave_out(option, &why) => {}
            _ if prints => return list::print(&resolved.print()),
            task => return task.map_err(|failure| resolved.explain(failure)).and_then(perform),
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
        Task::Generate(what) => list::print(&generate::generate(what)),
        Task::PrintConfigTemplate => list::print(&settings::template()),
        Task::PrintSchema => list::print(&crate::output::schema::json_schema()),
        Task::ListPresets => list::print(&list::presets()),
        Task::ListInterfaces => list::print(&list::interfaces()?),
        Task::ListFields => list::print(&list::fields()),
        Task::ListAnomalies => list::print(&list::anomalies()),
        Task::ExplainAnomaly(rule) => list::print(&list::anomaly(rule)),
        Task::Print(text) => list::print(&text),
    }
}
