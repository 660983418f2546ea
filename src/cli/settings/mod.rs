//! The settings of a run, from all their places: the command line, the environment, the user's configuration and the
//! system's, in this order, and then the defaults.
//!
//! What can be set follows from the definitions of the options: each long option is a key of the configuration and a
//! variable `SYNSCOPE_…` of the environment. Values become words of a command line, which clap reads like typed ones.

mod definitions;
mod file;
#[cfg(feature = "tui")]
mod keys;
mod option;
mod print;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, FromArgMatches};

pub(super) use self::definitions::command;
use self::file::ConfigFile;
use self::option::{Settable, Setting};
use super::args::Args;
use super::messages::Failure;

/// The configuration of the system.
const SYSTEM: &str = "/etc/synscope/config.toml";
/// What the names of variables begin with.
const VARIABLE: &str = "SYNSCOPE_";

/// Why there are no settings.
pub(super) enum Refusal {
    /// The command line cannot be read, or asks for help.
    Typed(clap::Error),
    /// The configuration or the environment cannot be read.
    Configured(Failure),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Typed(error)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Configured(failure)
    }
}

/// The command line with what the environment and the configuration add to it.
pub(super) struct Resolved {
    words: Vec<OsString>,
    /// What was typed, by option.
    typed: Vec<Setting>,
    /// What takes effect besides; the highest first.
    configured: Vec<Setting>,
    /// What does not, and why.
    hidden: Vec<(Setting, String)>,
    files: Vec<ConfigFile>,
}

/// Reads a command line, and whatever else says what to do.
///
/// # Errors
///
/// What cannot be read, and where it stands.
pub(super) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Resolved, Refusal> {
    let words: Vec<OsString> = words.into_iter().collect();
    let command = command();
    let matches = command.clone().try_get_matches_from(&words)?;
    let args = Args::from_arg_matches(&matches)?;
    let settable = option::all(&command);
    let typed = typed(&settable, &matches);
    let mut resolved = Resolved { words, typed, configured: Vec::new(), hidden: Vec::new(), files: Vec::new() };
    if args.asks_about_program() {
        return Ok(resolved);
    }
    let environment = from_environment(&settable)?;
    let of_environment = |key: &str| environment.iter().find(|setting| setting.key == key).and_then(Setting::text);
    let config = args.other.config.clone().or_else(|| of_environment("config").map(PathBuf::from));
    resolved.files = files(config, args.other.no_config, &settable)?;
    let profile = args.other.profile.clone().or_else(|| of_environment("profile").map(str::to_owned));
    let mut layers = vec![environment];
    for file in &resolved.files {
        layers.extend(file.layers(profile.as_deref()));
    }
    if let Some(profile) = &profile {
        file::check_profile(profile, &resolved.files)?;
    }
    let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
    let given = ids.filter(|id| is_typed(&matches, id)).collect();
    resolved.merge(&command, given, layers)?;
    Ok(resolved)
}

/// Checks the text of a configuration; see [`super::check_configuration`].
pub(super) fn check(text: &str) -> Result<(), String> {
    let file = ConfigFile::parse("", text, &option::all(&command()))?;
    file.every_layer().try_for_each(|layer| layer.iter().try_for_each(Setting::check))
}

/// A commented file with every key.
pub(super) fn template() -> String {
    print::template(&command())
}

/// The options that were typed.
fn typed(settable: &[Settable], matches: &ArgMatches) -> Vec<Setting> {
    settable.iter().filter(|option| is_typed(matches, &option.id)).map(|option| option.typed(matches)).collect()
}

fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// What the environment sets.
fn from_environment(settable: &[Settable]) -> Result<Vec<Setting>, Failure> {
    let mut found = Vec::new();
    for option in settable {
        let name = format!("{VARIABLE}{}", option.variable());
        if let Some(value) = std::env::var_os(&name).filter(|value| !value.is_empty()) {
            let setting = option.by_variable(&name, value).map_err(Failure::Usage)?;
            setting.check().map_err(Failure::Usage)?;
            found.push(setting);
        }
    }
    Ok(found)
}

/// The configurations that there are, the user's first.
fn files(asked: Option<PathBuf>, none: bool, settable: &[Settable]) -> Result<Vec<ConfigFile>, Failure> {
    if let Some(path) = asked {
        return Ok(vec![ConfigFile::read(&path, settable)?]);
    }
    let usual = (!none).then(|| [usual(), Some(PathBuf::from(SYSTEM))]).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for path in usual {
        found.extend(ConfigFile::read_if_there(&path, settable)?);
    }
    Ok(found)
}

/// Where the user's configuration is by the XDG Base Directory Specification.
fn usual() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("synscope").join("config.toml"))
}

impl Resolved {
    /// Takes of each layer what no higher one has set or excludes.
    fn merge(&mut self, command: &clap::Command, given: Vec<String>, layers: Vec<Vec<Setting>>) -> Result<(), Failure> {
        let excludes = option::Exclusions::of(command);
        let mut above: HashSet<String> = given.into_iter().collect();
        let mut decided = above.clone();
        for layer in layers {
            let mut here: Vec<Setting> = Vec::new();
            for setting in layer {
                if decided.contains(&setting.id) {
                    self.hidden.push((setting, "set elsewhere".to_owned()));
                } else if let Some(other) = above.iter().find(|other| excludes.both(&setting.id, other)) {
                    let why = format!("excluded by {}", option::long_of(command, other));
                    self.hidden.push((setting, why));
                } else if let Some(other) = here.iter().find(|other| excludes.both(&setting.id, &other.id)) {
                    let (place, key) = (&setting.origin, &setting.key);
                    return Err(Failure::Usage(format!("{place}: '{key}' and '{}' exclude each other", other.key)));
                } else {
                    here.push(setting);
                }
            }
            decided.extend(here.iter().map(|setting| setting.id.clone()));
            above.extend(here.iter().filter(|setting| !setting.words.is_empty()).map(|setting| setting.id.clone()));
            self.configured.extend(here);
        }
        Ok(())
    }

    /// The options, as if all had been typed.
    ///
    /// # Errors
    ///
    /// What clap finds wrong with them.
    pub(super) fn args(&self) -> Result<Args, clap::Error> {
        let (program, typed) = self.words.split_at(self.words.len().min(1));
        let added = self.configured.iter().flat_map(|setting| &setting.words);
        let words = program.iter().chain(added).chain(typed);
        let matches = command().try_get_matches_from(words)?;
        #[cfg_attr(not(feature = "tui"), expect(unused_mut, reason = "only the view has keys"))]
        let mut args = Args::from_arg_matches(&matches)?;
        #[cfg(feature = "tui")]
        {
            args.view.keys = self.files.iter().find_map(|file| file.keys.clone()).unwrap_or_default();
        }
        Ok(args)
    }

    /// Leaves out `option`, written as in messages, because it has no effect together with others; false where it was
    /// typed.
    pub(super) fn leave_out(&mut self, option: &str, why: &str) -> bool {
        let Some(place) = self.configured.iter().position(|setting| setting.is_called(option)) else { return false };
        let setting = self.configured.remove(place);
        self.hidden.push((setting, why.to_owned()));
        true
    }

    /// Adds to a message about an option where its value comes from, if it was not typed.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        let Failure::Usage(text) = failure else { return failure };
        let option = text.split([':', ' ']).next().unwrap_or_default();
        match self.configured.iter().find(|setting| setting.is_called(option)) {
            Some(setting) => Failure::Usage(format!("{text}\n  {option} comes from {}", setting.origin)),
            None => Failure::Usage(text),
        }
    }

    /// What `--print-config` prints.
    pub(super) fn print(&self) -> String {
        let files: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let set: Vec<&Setting> = self.typed.iter().chain(&self.configured).collect();
        print::settings(&command(), &files, &set, &self.hidden)
    }
}
