//! The options of the terminal view, and what the terminal is capable of.

use std::io::IsTerminal;

use super::super::args::{ColorArg, OutputArgs, TUI, ThemeArg, ViewArgs};
use super::super::messages::Failure;
use super::output::of_formats;
use super::run::{Input, View};
use crate::output::tui::ThemeName;
use crate::output::{self, Format, Locale};

/// The terminal view, if it is asked for, or is the default and possible.
pub(super) fn view(args: &ViewArgs, output: &OutputArgs, input: &Input) -> Result<Option<View>, Failure> {
    let asked = output.format == Some(TUI);
    let default =
        output.format.is_none() && !output.json && !args.plain && output.output.is_none() && output.explain.is_none();
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let to_terminal = std::io::stdout().is_terminal() || args.tee;
    let keyboard = std::io::stdin().is_terminal() || std::fs::File::open("/dev/tty").is_ok();
    let possible = default && to_terminal && keyboard && !dumb;
    if !(asked || possible) {
        return match only_for_view(args) {
            Some(option) => Err(Failure::Ineffective(option, "requires the terminal view".to_owned())),
            None => Ok(None),
        };
    }
    if !keyboard || !to_terminal {
        return Err(Failure::Usage("-T tui requires a terminal".to_owned()));
    }
    if args.tee && std::io::stdout().is_terminal() {
        let problem = "has no effect: standard output is a terminal; use a pipe: --tee | jq .";
        return Err(Failure::Ineffective("--tee", problem.to_owned()));
    }
    if args.replay.is_some() && input.is_streaming() {
        return Err(Failure::Ineffective("--replay", "has no effect: a live input cannot be replayed".to_owned()));
    }
    if !args.tee {
        tui_heeds(output)?;
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let colourless = match args.color {
        Some(ColorArg::Always) => false,
        Some(ColorArg::Never) => true,
        Some(ColorArg::Auto) | None => set("NO_COLOR") && !set("CLICOLOR_FORCE"),
    };
    Ok(Some(View {
        replay: args.replay.map(|speed| speed.0),
        theme: if colourless { ThemeName::Mono } else { view_theme(output.theme) },
        force_color: args.color == Some(ColorArg::Always),
        true_color: is_true_color(),
        ascii: args.ascii || !speaks_utf8(),
        mouse: args.mouse && !set("SSH_CONNECTION"),
        fps: args.fps.unwrap_or(10),
        arrangement: args.arrangement.unwrap_or_default(),
        locale: locale(output.locale),
        tee: args.tee,
        keys: args.keys.clone(),
    }))
}

/// The sentences of `--plain`, also for a terminal that can do nothing else.
pub(super) fn plain(args: &ViewArgs, output: &OutputArgs) -> Option<&'static Format> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let default = output.format.is_none()
        && !output.json
        && output.output.is_none()
        && output.explain.is_none()
        && std::io::stdout().is_terminal();
    let format = match locale(output.locale) {
        Locale::En => &output::plain::ENGLISH,
        Locale::Ko => &output::plain::KOREAN,
    };
    (args.plain || default && dumb).then_some(format)
}

/// The language asked for, or that of the environment.
pub(super) fn locale(typed: Option<Locale>) -> Locale {
    let environment = || environment_locale().filter(|name| name.starts_with("ko")).map(|_| Locale::Ko);
    typed.or_else(environment).unwrap_or_default()
}

/// The colours of the view.
const fn view_theme(typed: Option<ThemeArg>) -> ThemeName {
    match typed {
        None | Some(ThemeArg::Auto) => ThemeName::Auto,
        Some(ThemeArg::Light) => ThemeName::Light,
        Some(ThemeArg::Dark) => ThemeName::Dark,
        Some(ThemeArg::HighContrast) => ThemeName::HighContrast,
        Some(ThemeArg::Cvd) => ThemeName::Cvd,
        Some(ThemeArg::Mono) => ThemeName::Mono,
    }
}

/// Refuses options of the output that the view would ignore.
fn tui_heeds(args: &OutputArgs) -> Result<(), Failure> {
    let of_streams = [("-o", args.output.is_some()), ("-l", args.line_buffered)];
    match of_streams.into_iter().chain(of_formats(args)).find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::Ineffective(option, "has no effect in the terminal view; use -T".to_owned())),
        None => Ok(()),
    }
}

/// An option that only the view heeds.
fn only_for_view(args: &ViewArgs) -> Option<&'static str> {
    let given = [
        ("--replay", args.replay.is_some()),
        ("--color", args.color.is_some()),
        ("--ascii", args.ascii),
        ("--mouse", args.mouse),
        ("--fps", args.fps.is_some()),
        ("--view", args.arrangement.is_some()),
        ("--tee", args.tee),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}

/// The first of the variables that name the locale.
fn environment_locale() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set)
}

/// Whether the terminal says that it shows any colour.
fn is_true_color() -> bool {
    let by_name = std::env::var("TERM").is_ok_and(|term| term.ends_with("-direct"));
    by_name || std::env::var("COLORTERM").is_ok_and(|value| value == "truecolor" || value == "24bit")
}

/// Whether the terminal can be expected to show more than ASCII.
fn speaks_utf8() -> bool {
    let utf8 = environment_locale().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.ends_with("utf-8") || name.ends_with("utf8")
    });
    utf8 && std::env::var("TERM").is_ok_and(|term| term != "linux")
}
