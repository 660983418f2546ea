//! What `--print-config` and `--print-config-template` print.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::option::{self, Arity, Settable, Setting, quoted};

/// Where the origin of a value begins, columns.
const ORIGIN: usize = 40;

/// Every setting, its value and where that comes from; what has none with its default.
pub(super) fn settings(command: &Command, files: &[&str], set: &[&Setting], hidden: &[(Setting, String)]) -> String {
    let mut text = String::new();
    for file in files {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# read: {file}");
    }
    for option in option::all(command) {
        let line = match set.iter().find(|setting| setting.id == option.id) {
            Some(setting) if option.in_files => {
                line(&format!("{} = {}", option.key, setting.shown), &setting.origin.to_string())
            }
            Some(setting) => line(&format!("# {} = {}", option.key, setting.shown), &setting.origin.to_string()),
            None if option.in_files => line(&format!("# {}{}", option.key, default(command, &option)), "default"),
            None => continue,
        };
        text.push_str(&line);
        for (hidden, why) in hidden.iter().filter(|(hidden, _)| hidden.id == option.id) {
            text.push_str(&line_of_hidden(&hidden.shown, &hidden.origin.to_string(), why));
        }
    }
    text
}

fn line(value: &str, origin: &str) -> String {
    format!("{value:ORIGIN$} # {origin}\n")
}

fn line_of_hidden(value: &str, origin: &str, why: &str) -> String {
    format!("#   not {value} of {origin}: {why}\n")
}

/// ` = "5s"`, where the help says a default.
fn default(command: &Command, option: &Settable) -> String {
    let arg = command.get_arguments().find(|arg| *arg.get_id() == option.id);
    let help = arg.map(help).unwrap_or_default();
    let default = help.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
    match default {
        Some((default, _)) => format!(" = {default}"),
        None if option.arity == Arity::Flag => " = false".to_owned(),
        None => String::new(),
    }
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// A file with every key and what it means, all of it commented out.
pub(super) fn template(command: &Command) -> String {
    let mut text = "\
# synscope: settings. Read from ~/.config/synscope/config.toml, then /etc/synscope/config.toml.
# Order: command line, environment (SYNSCOPE_SYN_TIMEOUT=5s), user, system, default.
# `synscope --print-config` prints each value and where it comes from.
"
    .to_owned();
    let mut heading = None;
    for option in option::all(command).iter().filter(|option| option.in_files) {
        let Some(arg) = command.get_arguments().find(|arg| *arg.get_id() == option.id) else { continue };
        if heading != arg.get_help_heading() {
            heading = arg.get_help_heading();
            let _ = write!(text, "\n## {}\n", heading.unwrap_or_default());
        }
        let _ = write!(text, "\n# {}\n", help(arg).replace('\n', "\n# "));
        let words: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if option.arity != Arity::Flag && !words.is_empty() {
            let _ = writeln!(text, "# One of: {}", words.join(", "));
        }
        let _ = writeln!(text, "#{} = {}", option.key, example(arg, option, &words));
    }
    text.push_str(
        "\n## Sections\n\n# Settings of their own, for `--profile edge`:\n#[profile.edge]\n#syn-timeout = \"2s\"\n\n\
         # Keys of the terminal view (`synscope --print-keys` lists them):\n#[keys]\n#quit = \"q\"\n",
    );
    text
}

/// A value of this form: one of the words, else the name of the value.
fn example(arg: &Arg, option: &Settable, words: &[String]) -> String {
    let named = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let value = quoted(words.first().map_or_else(|| named.as_deref().unwrap_or_default(), String::as_str));
    match option.arity {
        Arity::Flag => "true".to_owned(),
        Arity::One { .. } => value,
        Arity::Many => format!("[{value}]"),
    }
}
