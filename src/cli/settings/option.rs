//! What can be set, by the definitions of the options, and what was.

use std::ffi::{OsStr, OsString};
use std::fmt;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::definitions::command;

/// Options that choose the configuration, which cannot stand in it.
const CHOOSING: [&str; 3] = ["config", "no_config", "profile"];
/// What the names of options begin with that print something about the program, instead of an analysis.
const PRINTING: [&str; 3] = ["print_", "list_", "generate"];

/// How many values an option has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    /// None: it is given, or not.
    Flag,
    /// One; true stands for the one that it has when it is given without.
    One {
        /// Whether it can be given without a value.
        optional: bool,
    },
    /// Any number.
    Many,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The command line.
    Typed,
    /// A variable of the environment.
    Variable(String),
    /// A file, a line of it, and the profile that the line belongs to.
    File(String, usize, Option<String>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed => f.write_str("command line"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::File(name, line, None) => write!(f, "{name}:{line}"),
            Self::File(name, line, Some(profile)) => write!(f, "{name}:{line} [profile.{profile}]"),
        }
    }
}

/// An option that can be set.
#[derive(Clone, Debug)]
pub(super) struct Settable {
    pub(super) id: String,
    /// Its key in a configuration: its long name.
    pub(super) key: String,
    short: Option<char>,
    pub(super) arity: Arity,
    /// Whether it can stand in a file.
    pub(super) in_files: bool,
}

/// A value that was set.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) id: String,
    pub(super) key: String,
    short: Option<char>,
    pub(super) origin: Origin,
    /// The value as a configuration would have it.
    pub(super) shown: String,
    /// The words of a command line; none for a flag that is off.
    pub(super) words: Vec<OsString>,
}

/// Whether an option prints something about the program.
pub(super) fn is_printing(id: &str) -> bool {
    PRINTING.iter().any(|prefix| id.starts_with(prefix))
}

/// Every option that can be set, in the order of the help.
pub(super) fn all(command: &Command) -> Vec<Settable> {
    let options = command.get_arguments().filter(|arg| !is_printing(arg.get_id().as_str()));
    options.filter_map(Settable::of).collect()
}

/// The long name of an option, with its dashes; what it is called, if it has none.
pub(super) fn long_of(command: &Command, id: &str) -> String {
    let arg = command.get_arguments().find(|arg| arg.get_id() == id);
    match arg.and_then(Arg::get_long) {
        Some(long) => format!("--{long}"),
        None => "the words of the command line".to_owned(),
    }
}

impl Settable {
    fn of(arg: &Arg) -> Option<Self> {
        let arity = match arg.get_action() {
            ArgAction::SetTrue => Arity::Flag,
            ArgAction::Set => Arity::One { optional: arg.get_num_args().is_some_and(|range| range.min_values() == 0) },
            ArgAction::Append => Arity::Many,
            _ => return None,
        };
        let (id, key) = (arg.get_id().to_string(), arg.get_long()?.to_owned());
        let in_files = !CHOOSING.contains(&id.as_str());
        Some(Self { id, key, short: arg.get_short(), arity, in_files })
    }

    /// The end of the name of its variable.
    pub(super) fn variable(&self) -> String {
        self.key.to_uppercase().replace('-', "_")
    }

    /// As it was typed.
    pub(super) fn typed(&self, matches: &ArgMatches) -> Setting {
        let raw = matches.try_get_raw(&self.id).ok().flatten();
        let values: Vec<OsString> = raw.map(|values| values.map(OsStr::to_owned).collect()).unwrap_or_default();
        self.setting(Origin::Typed, &values)
    }

    /// What a variable of the environment says: a value, or one a line where there can be several.
    ///
    /// # Errors
    ///
    /// For a flag that is neither true nor false.
    pub(super) fn by_variable(&self, name: &str, value: OsString) -> Result<Setting, String> {
        let origin = Origin::Variable(name.to_owned());
        let text = value.to_str().unwrap_or_default();
        let values = match self.arity {
            Arity::Flag => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => return Ok(self.flag(origin, true)),
                "false" | "no" | "off" | "0" => return Ok(self.flag(origin, false)),
                _ => return Err(format!("{name}: expected true or false")),
            },
            Arity::Many if text.contains('\n') => {
                text.lines().filter(|line| !line.is_empty()).map(OsString::from).collect()
            }
            Arity::One { .. } | Arity::Many => vec![value],
        };
        Ok(self.setting(origin, &values))
    }

    /// A flag that is on or off.
    pub(super) fn flag(&self, origin: Origin, on: bool) -> Setting {
        let words = if on { vec![OsString::from(format!("--{}", self.key))] } else { Vec::new() };
        Setting { shown: on.to_string(), words, ..self.setting(origin, &[]) }
    }

    /// With these values.
    pub(super) fn setting(&self, origin: Origin, values: &[OsString]) -> Setting {
        let word = |value: &OsString| {
            let mut word = OsString::from(format!("--{}=", self.key));
            word.push(value);
            word
        };
        let quoted: Vec<String> = values.iter().map(|value| quoted(&value.to_string_lossy())).collect();
        let shown = match (self.arity, &quoted[..]) {
            (Arity::Flag, _) => "true".to_owned(),
            (Arity::One { .. }, [one]) => one.clone(),
            _ => format!("[{}]", quoted.join(", ")),
        };
        let (id, key, short) = (self.id.clone(), self.key.clone(), self.short);
        Setting { id, key, short, origin, shown, words: values.iter().map(word).collect() }
    }
}

impl Setting {
    /// Whether messages call it so: `--key`, or `-k`.
    pub(super) fn is_called(&self, option: &str) -> bool {
        let is_short = || {
            option.strip_prefix('-').map(str::chars).is_some_and(|mut letters| {
                self.short.is_some() && letters.next() == self.short && letters.next().is_none()
            })
        };
        option.strip_prefix("--") == Some(self.key.as_str()) || is_short()
    }

    /// The text of its only value.
    pub(super) fn text(&self) -> Option<&str> {
        let [word] = &self.words[..] else { return None };
        word.to_str()?.strip_prefix("--")?.strip_prefix(self.key.as_str())?.strip_prefix('=')
    }

    /// Checks its values on their own.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and where they stand.
    pub(super) fn check(&self) -> Result<(), String> {
        let program = OsString::from("synscope");
        let words = std::iter::once(&program).chain(&self.words);
        match command().try_get_matches_from(words) {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = error.render().to_string();
                let reason: Vec<&str> = text.lines().take_while(|line| !line.starts_with("For more")).collect();
                let reason = reason.join("\n");
                Err(format!("{}: {}", self.origin, reason.trim().trim_start_matches("error: ")))
            }
        }
    }
}

/// Which options exclude each other.
pub(super) struct Exclusions(Vec<(String, String)>);

impl Exclusions {
    pub(super) fn of(command: &Command) -> Self {
        let mut pairs = Vec::new();
        for arg in command.get_arguments() {
            let id = arg.get_id().to_string();
            pairs.extend(
                command.get_arg_conflicts_with(arg).iter().map(|other| (id.clone(), other.get_id().to_string())),
            );
        }
        for group in command.get_groups().filter(|group| !(*group).clone().is_multiple()) {
            let members: Vec<String> = group.get_args().map(ToString::to_string).collect();
            for one in &members {
                pairs.extend(members.iter().filter(|other| *other != one).map(|other| (one.clone(), other.clone())));
            }
        }
        Self(pairs)
    }

    /// Whether these two do, whichever of them says so.
    pub(super) fn both(&self, one: &str, other: &str) -> bool {
        self.0.iter().any(|(a, b)| (a == one && b == other) || (a == other && b == one))
    }
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
