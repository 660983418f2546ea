//! The options of the output: format, fields, events, pictures, explanations.

use std::io::IsTerminal;
use std::sync::Arc;

use super::super::args::{Args, OutputArgs, TUI, ThemeArg, event_names};
use super::super::messages::{Failure, usage_at};
use super::analysis::{local_net, pieces};
use super::run::{Input, Output};
use crate::flow_filter::name_in_events;
use crate::network::IpNet;
use crate::output::rotate::{Rotation, check_pattern};
use crate::output::{self, Action, Format, Level, Mask, Pictures, Session, Settings, Theme, Topic};
use crate::suggest::did_you_mean;

/// What `--explain` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExplainChoice {
    level: Option<Level>,
    topic: Option<Topic>,
    topics: bool,
}

/// Reads the words of `--explain`: a level, a topic, or both.
pub(super) fn explain(typed: Option<&str>) -> Result<ExplainChoice, Failure> {
    let mut choice = ExplainChoice::default();
    let Some(typed) = typed else { return Ok(choice) };
    for (place, word) in pieces(typed) {
        match word {
            "short" => choice.level = Some(Level::Short),
            "full" => choice.level = Some(Level::Full),
            "topics" => choice.topics = true,
            _ => match Topic::from_name(word) {
                Some(topic) => choice.topic = Some(topic),
                None => {
                    let names = Topic::names();
                    let resembling = did_you_mean(word, names.iter().map(String::as_str));
                    let problem = format!("unknown topic '{word}'{resembling}");
                    return Err(usage_at("--explain", &problem, typed, place));
                }
            },
        }
    }
    Ok(choice)
}

/// The text of `--explain` that needs no capture: the list of topics, or one topic.
pub(super) fn explained_without_input(args: &Args, explain: ExplainChoice) -> Option<String> {
    if explain.topics {
        return Some(Topic::names().join("\n") + "\n");
    }
    if !args.input.read.is_empty() || !args.input.interface.is_empty() || args.input.follow.is_some() {
        return None;
    }
    let locale = args.output.locale.unwrap_or_default();
    Some(explain.topic?.explain(locale, explain.level.unwrap_or_default(), None).text())
}

/// What becomes of the terminal.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    /// The view has it.
    pub(super) viewed: bool,
    /// Sentences go to it.
    pub(super) plain: Option<&'static Format>,
}

pub(super) fn output(
    args: OutputArgs,
    local_nets: &[String],
    input: &Input,
    session: Session,
    explain: ExplainChoice,
    screen: Screen,
) -> Result<Output, Failure> {
    let to_terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let name = format_name(&args, to_terminal && !screen.viewed);
    let named = || output::format(name).ok_or_else(|| Failure::Usage(format!("-T: unknown format '{name}'")));
    let format = screen.plain.map_or_else(named, Ok)?;
    applies(&args, format, screen.viewed)?;
    let mask = mask(args.privacy.as_ref())?;
    let settings = Settings {
        session: hidden(session, mask.as_deref()),
        time: args.time.unwrap_or_default(),
        steps: args.steps,
        events: events(&args.events)?,
        detail: args.detail.unwrap_or_default(),
        min_severity: None,
        fields: fields(&args.fields)?,
        local_nets: local_nets
            .iter()
            .map(|typed| Ok(masked_net(local_net(typed)?, mask.as_deref())))
            .collect::<Result<_, Failure>>()?,
        mask,
        streams: input.is_streaming(),
        pictures: Pictures {
            part: args.part.unwrap_or_default(),
            scale: args.scale.unwrap_or_default(),
            theme: if screen.viewed { Theme::default() } else { picture_theme(args.theme)? },
        },
        locale: args.locale.unwrap_or_default(),
        level: explain.level,
        topic: explain.topic,
        flow: args.flow,
        flows_where: None,
        zeek_checksums: false,
        known: None,
    };
    if explain.topic.is_some() && !format.options.contains(&"topic") {
        let problem = format!("has no effect: -T {} supports only short or full", format.name);
        return Err(Failure::Ineffective("--explain", problem));
    }
    let rotation = rotation(&args, format, screen.viewed)?;
    Ok(Output {
        rotation,
        format,
        settings,
        flow: args.flow,
        flush_lines: args.line_buffered || to_terminal || input.is_streaming(),
        path: args.output.filter(|path| path.as_os_str() != "-"),
    })
}

/// The name of the format; `watched`: whether somebody reads it as it comes.
fn format_name(args: &OutputArgs, watched: bool) -> &'static str {
    match args.format {
        // What goes with it to standard output is NDJSON.
        Some(TUI) => "ndjson",
        Some(name) => name,
        None if args.explain.is_some() && !args.json => "explain",
        None if watched && !args.json => "text",
        None => "ndjson",
    }
}

/// Formats that can go on in a new file at the end of any line, and how many lines each file begins with.
const ROTATABLE: [(&str, usize); 6] = [("ndjson", 0), ("csv", 1), ("tsv", 1), ("text", 0), ("eve", 0), ("syslog", 0)];

/// How many lines of this format each new file begins with; nothing where it cannot go on in a new one.
pub(in crate::cli) fn header_lines(format: &Format) -> Option<usize> {
    ROTATABLE.iter().find(|(name, _)| *name == format.name).map(|(_, lines)| *lines)
}

/// When new files begin.
fn rotation(args: &OutputArgs, format: &Format, viewed: bool) -> Result<Option<Rotation>, Failure> {
    let Some(rotate) = args.rotate else { return Ok(None) };
    let Some(path) = args.output.as_deref().filter(|path| path.as_os_str() != "-") else {
        return Err(Failure::Ineffective("--rotate", "has no effect without -o FILE".to_owned()));
    };
    if viewed || header_lines(format).is_none() {
        let names = ROTATABLE.map(|(name, _)| name).join(", ");
        return Err(Failure::Ineffective("--rotate", format!("has no effect with -T {} (only {names})", format.name)));
    }
    check_pattern(path).map_err(|problem| Failure::Usage(format!("-o: {}: {problem}", path.display())))?;
    Ok(Some(rotate.0))
}

/// What stands for addresses, if that is asked for.
fn mask(typed: Option<&Option<String>>) -> Result<Option<Arc<Mask>>, Failure> {
    let Some(seed) = typed else { return Ok(None) };
    let mask = match seed {
        Some(seed) => Mask::of_seed(seed.as_bytes()),
        None => Mask::random().map_err(|error| Failure::Running(format!("--privacy: no random numbers: {error}")))?,
    };
    Ok(Some(Arc::new(mask)))
}

/// What is said of the input, without its addresses.
fn hidden(session: Session, mask: Option<&Mask>) -> Session {
    let Some(mask) = mask else { return session };
    let Session { inputs, filter, sandbox } = session;
    let inputs = inputs.iter().map(|input| mask.text(input)).collect();
    Session { inputs, filter: filter.map(|filter| mask.text(&filter)), sandbox }
}

/// The network that stands for another one.
fn masked_net(net: IpNet, mask: Option<&Mask>) -> IpNet {
    mask.and_then(|mask| IpNet::new(mask.ip(net.addr()), net.prefix_len()).ok()).map_or(net, |net| net.trunc())
}

/// The colours of a picture.
fn picture_theme(typed: Option<ThemeArg>) -> Result<Theme, Failure> {
    match typed {
        None | Some(ThemeArg::Auto) => Ok(Theme::Auto),
        Some(ThemeArg::Light) => Ok(Theme::Light),
        Some(ThemeArg::Dark) => Ok(Theme::Dark),
        Some(ThemeArg::HighContrast | ThemeArg::Cvd | ThemeArg::Mono) => {
            Err(Failure::Ineffective("--theme", "has no effect: pictures support only auto, light and dark".to_owned()))
        }
    }
}

/// Options that formats alone heed, and whether they are given.
pub(super) fn of_formats(args: &OutputArgs) -> [(&'static str, bool); 9] {
    [
        ("-e", !args.fields.is_empty()),
        ("-t", args.time.is_some()),
        ("--steps", args.steps.is_some()),
        ("--events", !args.events.is_empty()),
        ("--detail", args.detail.is_some()),
        ("--flow", args.flow.is_some()),
        ("--explain", args.explain.is_some()),
        ("--part", args.part.is_some()),
        ("--scale", args.scale.is_some()),
    ]
}

/// Refuses options that the format would ignore. The view heeds two of them itself.
fn applies(args: &OutputArgs, format: &Format, viewed: bool) -> Result<(), Failure> {
    let shared = [("--theme", args.theme.is_some() && !viewed), ("--locale", args.locale.is_some() && !viewed)];
    match of_formats(args).into_iter().chain(shared).find(|(option, given)| *given && !format.options.contains(option))
    {
        Some((option, _)) => Err(Failure::Ineffective(option, format!("has no effect with -T {}", format.name))),
        None => Ok(()),
    }
}

fn events(lists: &[String]) -> Result<Option<Vec<Action>>, Failure> {
    if lists.is_empty() {
        return Ok(None);
    }
    let mut events = Vec::new();
    for typed in lists {
        for (place, name) in pieces(typed) {
            let action = name.parse().map_err(|_| {
                let resembling = did_you_mean(name, event_names());
                usage_at("--events", &format!("unknown event '{name}'{resembling}"), typed, place)
            })?;
            events.push(action);
        }
    }
    Ok(Some(events))
}

fn fields(lists: &[String]) -> Result<Vec<String>, Failure> {
    let mut fields = Vec::new();
    if lists.is_empty() {
        return Ok(fields);
    }
    let known = output::schema::flow_end_fields();
    for typed in lists {
        for (place, name) in pieces(typed) {
            let name = name_in_events(name).unwrap_or(name);
            if !known.iter().any(|field| field == name) {
                let resembling = did_you_mean(name, known.iter().map(String::as_str));
                let problem = format!("unknown field '{name}'{resembling}");
                return Err(usage_at("-e", &problem, typed, place));
            }
            fields.push(name.to_owned());
        }
    }
    Ok(fields)
}
