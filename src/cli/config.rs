//! What the options mean together: every default filled in, every name looked up, every contradiction refused.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::{
    AnalysisArgs, Args, CheckArgs, DirectionArg, InputArgs, OutputArgs, StopArgs, TUI, ThemeArg, event_names,
};
#[cfg(feature = "tui")]
use super::args::{ColorArg, ViewArgs};
use super::messages::{Failure, usage_at};
#[cfg(feature = "tui")]
use super::settings;
use super::units::Duration;
use crate::capture::FileInput;
use crate::capture::preset::{PRESETS, Preset};
use crate::detect::host::{self, ScanThreshold};
use crate::detect::registry::{self, rules};
use crate::detect::{Rule, Selection};
use crate::flow::{Limits, Timeouts};
use crate::flow_filter::FlowFilter;
use crate::network::{self, IpNet, NetworkError};
#[cfg(feature = "tui")]
use crate::output::Locale;
#[cfg(feature = "tui")]
use crate::output::tui::{Arrangement, Keys, ThemeName};
use crate::output::{self, Action, DEFAULT_EVENTS, Format, Level, Pictures, Session, Settings, Theme, Topic};
use crate::suggest::did_you_mean;

/// What to do.
pub(super) enum Task {
    /// Analyse packets.
    Run(Box<Run>),
    /// Print the JSON Schema of the events.
    PrintSchema,
    /// List the capture filters that come with the program.
    ListPresets,
    /// List the interfaces.
    ListInterfaces,
    /// List the anomalies.
    ListAnomalies,
    /// Explain one anomaly.
    ExplainAnomaly(&'static Rule),
    /// List the keys of the terminal view.
    #[cfg(feature = "tui")]
    PrintKeys(Keys, Locale),
    /// Print this text.
    Print(String),
}

/// The terminal view.
#[cfg(feature = "tui")]
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The speed of a replay, if one was asked for; `None` in it is as fast as possible.
    pub(super) replay: Option<Option<f64>>,
    pub(super) theme: ThemeName,
    pub(super) force_color: bool,
    pub(super) true_color: bool,
    pub(super) ascii: bool,
    pub(super) mouse: bool,
    pub(super) fps: u16,
    pub(super) arrangement: Arrangement,
    pub(super) locale: Locale,
    /// Whether NDJSON goes to standard output at the same time.
    pub(super) tee: bool,
    pub(super) keys: Keys,
}

/// This build has no terminal view.
#[cfg(not(feature = "tui"))]
#[derive(Clone, Debug)]
pub(super) enum View {}

/// An analysis, resolved.
pub(super) struct Run {
    pub(super) input: Input,
    pub(super) filter: Option<FilterChoice>,
    pub(super) stop: Stop,
    pub(super) analysis: Analysis,
    pub(super) output: Output,
    pub(super) checks: Checks,
    /// The terminal view, if requested.
    pub(super) view: Option<View>,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
}

/// Where packets come from.
pub(super) enum Input {
    /// Files, fifos, standard input.
    Files(Vec<FileInput>),
    /// Interfaces.
    Live(Live),
}

impl Input {
    /// Whether packets arrive as they are sent, so that output should not wait.
    pub(super) fn is_streaming(&self) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Files(files) => files.iter().any(|file| match file {
                FileInput::Stdin => true,
                FileInput::Path(path) => is_fifo(path),
            }),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Files(files) => files.iter().map(ToString::to_string).collect(),
            Self::Live(live) => live.interfaces.clone(),
        }
    }
}

#[cfg(unix)]
fn is_fifo(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_fifo(_: &Path) -> bool {
    false
}

/// A live capture.
#[cfg_attr(not(feature = "live"), expect(dead_code, reason = "this build refuses to capture"))]
pub(super) struct Live {
    pub(super) interfaces: Vec<String>,
    /// Octets of each packet; `None` for the default.
    pub(super) snaplen: Option<u32>,
    pub(super) promiscuous: bool,
    pub(super) direction: Option<DirectionArg>,
    /// Octets; `None` for the default.
    pub(super) buffer_size: Option<u32>,
    pub(super) link_type: Option<String>,
}

/// A capture filter.
#[derive(Clone, Debug)]
pub(super) enum FilterChoice {
    /// As typed.
    Expression(String),
    /// The content of a file.
    File {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// One that comes with the program.
    Preset(&'static Preset),
}

impl FilterChoice {
    /// What to call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Expression(expression) => expression.clone(),
            Self::File { name, .. } => format!("file {name}"),
            Self::Preset(preset) => format!("preset {}", preset.name),
        }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) packets: Option<u64>,
    /// Finished flows.
    pub(super) flows: Option<u64>,
    /// Nanoseconds of packet time.
    pub(super) duration: Option<i64>,
}

/// How to judge.
pub(super) struct Analysis {
    pub(super) timeouts: Timeouts,
    pub(super) limits: Limits,
    /// Which rules are on.
    pub(super) rules: Selection,
    /// Anomalies across connections.
    pub(super) hosts: host::Settings,
    pub(super) ignore_checksums: bool,
    pub(super) zeek_checksums: bool,
    /// Report only flows that match.
    pub(super) flows_where: Option<FlowFilter>,
}

/// What decides between exit codes 0 and 3.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    /// Nothing may match any of these.
    pub(super) fail_on: Vec<FlowFilter>,
    /// Something must match each of these.
    pub(super) expect: Vec<FlowFilter>,
}

impl Checks {
    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.fail_on.is_empty() && self.expect.is_empty()
    }
}

/// What to write, and where.
pub(super) struct Output {
    pub(super) format: &'static Format,
    pub(super) path: Option<PathBuf>,
    pub(super) settings: Settings,
    pub(super) flow: Option<u64>,
    pub(super) flush_lines: bool,
}

/// Resolves what was typed.
///
/// # Errors
///
/// [`Failure::Usage`] where it makes no sense, [`Failure::Running`] where a filter file cannot be read.
pub(super) fn resolve(args: Args) -> Result<Task, Failure> {
    if args.other.print_schema {
        return Ok(Task::PrintSchema);
    }
    if args.input.list_presets {
        return Ok(Task::ListPresets);
    }
    if args.input.list_interfaces {
        return Ok(Task::ListInterfaces);
    }
    match args.analysis.list_anomalies.as_deref() {
        Some("") => return Ok(Task::ListAnomalies),
        Some(id) => return Ok(Task::ExplainAnomaly(rule("--list-anomalies", id, id, 0)?)),
        None => {}
    }
    #[cfg(feature = "tui")]
    if args.view.print_keys {
        return Ok(Task::PrintKeys(keys(&args.view)?, locale(args.output.locale)));
    }
    let explain = explain(args.output.explain.as_deref())?;
    if let Some(text) = explained_without_input(&args, explain) {
        return Ok(Task::Print(text));
    }
    let input = input(&args.input)?;
    let filter = filter(&args.input, &input)?;
    #[cfg(feature = "tui")]
    let (view, plain) = (view(&args.view, &args.output, &input)?, plain(&args.view, &args.output));
    #[cfg(not(feature = "tui"))]
    let (view, plain): (Option<View>, Option<&'static Format>) = (None, None);
    let screen = Screen { viewed: view.is_some(), plain: plain.filter(|_| view.is_none()) };
    let session = Session { inputs: input.names(), filter: filter.as_ref().map(FilterChoice::name) };
    let (quiet, verbose) = (args.output.quiet, args.output.verbose);
    let mut output = output(args.output, &args.analysis.local_net, &input, session, explain, screen)?;
    output.settings.flows_where = args.analysis.flows_where.clone();
    output.settings.zeek_checksums = args.analysis.zeek_checksums;
    Ok(Task::Run(Box::new(Run {
        stop: stop(&args.stop)?,
        analysis: analysis(&args.analysis)?,
        checks: checks(&args.checks)?,
        quiet,
        verbose,
        output,
        view,
        filter,
        input,
    })))
}

fn input(args: &InputArgs) -> Result<Input, Failure> {
    if !args.read.is_empty() {
        return Ok(Input::Files(args.read.iter().map(|file| FileInput::from_argument(file)).collect()));
    }
    if args.interface.is_empty() {
        return Err(Failure::Usage(
            "no input: use -r FILE or -i INTERFACE (synscope -D lists interfaces); see synscope -h".to_owned(),
        ));
    }
    Ok(Input::Live(Live {
        interfaces: args.interface.clone(),
        snaplen: args.snaplen,
        promiscuous: !args.no_promiscuous_mode,
        direction: args.direction,
        buffer_size: args.buffer_size.map(|size| size.0),
        link_type: args.link_type.clone(),
    }))
}

/// The capture filter; live, the default preset where none is asked for.
fn filter(args: &InputArgs, input: &Input) -> Result<Option<FilterChoice>, Failure> {
    if let Some(name) = &args.preset {
        let known = || PRESETS.iter().map(|preset| preset.name);
        let preset = PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let problem = format!("unknown preset '{name}'{}", did_you_mean(name, known()));
            Failure::Usage(format!("--preset: {problem} (synscope --list-presets lists them)"))
        })?;
        return Ok(Some(FilterChoice::Preset(preset)));
    }
    if let Some(path) = &args.filter_file {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::Running(format!("{name}: cannot read: {error}")))?;
        return Ok(Some(FilterChoice::File { name, text }));
    }
    let expression = args.capture_filter.clone().unwrap_or_else(|| args.words.join(" "));
    let default = || match input {
        Input::Live(_) => PRESETS.iter().find(|preset| preset.name == "default").map(FilterChoice::Preset),
        Input::Files(_) => None,
    };
    Ok(if expression.trim().is_empty() { default() } else { Some(FilterChoice::Expression(expression)) })
}

fn stop(args: &StopArgs) -> Result<Stop, Failure> {
    let mut stop = Stop { packets: args.count, ..Stop::default() };
    for typed in &args.autostop {
        let wrong = |problem: &str, place| usage_at("-a", problem, typed, place);
        let (what, value) =
            typed.split_once(':').ok_or_else(|| wrong("expected duration:SECONDS, packets:N or flows:N", 0))?;
        let place = what.len() + 1;
        let number = || match value.parse::<u64>() {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(wrong("expected a number of at least 1", place)),
        };
        match what {
            "packets" => {
                let n = number()?;
                stop.packets = Some(stop.packets.map_or(n, |other| other.min(n)));
            }
            "flows" => stop.flows = Some(number()?),
            "duration" => {
                let duration: Duration = value.parse().map_err(|problem: String| wrong(&problem, place))?;
                stop.duration = Some(duration.0);
            }
            _ => return Err(wrong("expected duration, packets or flows", 0)),
        }
    }
    Ok(stop)
}

fn analysis(args: &AnalysisArgs) -> Result<Analysis, Failure> {
    let default = Timeouts::default();
    let timeouts = Timeouts {
        syn: args.syn_timeout.map_or(default.syn, |t| t.0),
        half_open: args.half_open_after.map_or(default.half_open, |t| t.0),
        idle: args.idle.map_or(default.idle, |t| t.0),
        time_wait: args.time_wait.map_or(default.time_wait, |t| t.0),
        ..default
    };
    let mut limits = Limits::default();
    if let Some(flows) = args.max_flows {
        limits = limits.for_flows(flows as usize);
    }
    Ok(Analysis {
        timeouts,
        limits,
        rules: selection(args)?,
        hosts: hosts(args)?,
        ignore_checksums: args.ignore_checksums,
        zeek_checksums: args.zeek_checksums,
        flows_where: args.flows_where.as_deref().map(|typed| flow_filter("-Y", typed)).transpose()?,
    })
}

fn checks(args: &CheckArgs) -> Result<Checks, Failure> {
    let filters = |option: &str, lists: &[String]| -> Result<Vec<FlowFilter>, Failure> {
        lists.iter().map(|typed| flow_filter(option, typed)).collect()
    };
    Ok(Checks { fail_on: filters("--fail-on", &args.fail_on)?, expect: filters("--expect", &args.expect)? })
}

/// A flow filter given with `option`.
fn flow_filter(option: &str, typed: &str) -> Result<FlowFilter, Failure> {
    FlowFilter::parse(typed).map_err(|error| usage_at(option, &error.problem, typed, error.place))
}

/// Scan thresholds and local networks.
fn hosts(args: &AnalysisArgs) -> Result<host::Settings, Failure> {
    let default = host::Settings::default();
    Ok(host::Settings {
        scan: args.scan.as_deref().map_or(Ok(default.scan), scan)?,
        local_nets: args.local_net.iter().map(|typed| local_net(typed)).collect::<Result<_, _>>()?,
        ..default
    })
}

/// Parses `N/TIME`, a scan threshold.
fn scan(typed: &str) -> Result<ScanThreshold, Failure> {
    let wrong = |problem: &str, place| usage_at("--scan", problem, typed, place);
    let (number, time) =
        typed.split_once('/').ok_or_else(|| wrong("expected a number and a time, like 15/5m", typed.len()))?;
    let n = match number.trim().parse::<u32>() {
        Ok(n) if (1..=ScanThreshold::MOST).contains(&n) => n,
        _ => return Err(wrong(&format!("expected a number from 1 to {}", ScanThreshold::MOST), 0)),
    };
    let window: Duration = time.parse().map_err(|problem: String| wrong(&problem, number.len() + 1))?;
    Ok(ScanThreshold::of(n, window.0))
}

/// What `--disable` takes for every rule.
const ALL: &str = "all";

/// Which rules are on.
fn selection(args: &AnalysisArgs) -> Result<Selection, Failure> {
    let ids = |option: &str, lists: &[String]| -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for typed in lists {
            for (place, id) in pieces(typed) {
                if option == "--disable" && id == ALL {
                    ids.extend(Selection::none().disable);
                    continue;
                }
                ids.push(rule(option, id, typed, place)?.id.to_owned());
            }
        }
        Ok(ids)
    };
    Ok(Selection {
        enable: ids("--enable", &args.enable)?,
        disable: ids("--disable", &args.disable)?,
        min_severity: args.min_severity,
        ..Selection::default()
    })
}

fn rule(option: &str, id: &str, typed: &str, place: usize) -> Result<&'static Rule, Failure> {
    registry::rule(id).ok_or_else(|| {
        let resembling = did_you_mean(id, rules().map(|rule| rule.id));
        usage_at(option, &format!("unknown anomaly '{id}'{resembling}"), typed, place)
    })
}

/// A network of `--local-net`.
fn local_net(typed: &str) -> Result<IpNet, Failure> {
    network::parse(typed).map_err(|error| {
        let place = if let NetworkError::PrefixLength { place, .. } = error { place } else { 0 };
        usage_at("--local-net", &error.to_string(), typed, place)
    })
}

/// What `--explain` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ExplainChoice {
    level: Option<Level>,
    topic: Option<Topic>,
    topics: bool,
}

/// Reads the words of `--explain`: a level, a topic, or both.
fn explain(typed: Option<&str>) -> Result<ExplainChoice, Failure> {
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
fn explained_without_input(args: &Args, explain: ExplainChoice) -> Option<String> {
    if explain.topics {
        return Some(Topic::names().join("\n") + "\n");
    }
    if !args.input.read.is_empty() || !args.input.interface.is_empty() {
        return None;
    }
    let locale = args.output.locale.unwrap_or_default();
    Some(explain.topic?.explain(locale, explain.level.unwrap_or_default(), None).text())
}

/// What becomes of the terminal.
#[derive(Clone, Copy)]
struct Screen {
    /// The view has it.
    viewed: bool,
    /// Sentences go to it.
    plain: Option<&'static Format>,
}

fn output(
    args: OutputArgs,
    local_nets: &[String],
    input: &Input,
    session: Session,
    explain: ExplainChoice,
    screen: Screen,
) -> Result<Output, Failure> {
    let to_terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let name = match args.format {
        // What goes with it to standard output is NDJSON.
        Some(TUI) => "ndjson",
        Some(name) => name,
        None if args.explain.is_some() && !args.json => "explain",
        None if to_terminal && !args.json && !screen.viewed => "text",
        None => "ndjson",
    };
    let named = || output::format(name).ok_or_else(|| Failure::Usage(format!("-T: unknown format '{name}'")));
    let format = screen.plain.map_or_else(named, Ok)?;
    applies(&args, format, screen.viewed)?;
    let settings = Settings {
        session,
        time: args.time.unwrap_or_default(),
        steps: args.steps.unwrap_or_default(),
        events: events(&args.events)?,
        fields: fields(&args.fields)?,
        local_nets: local_nets.iter().map(|typed| local_net(typed)).collect::<Result<_, _>>()?,
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
    };
    if explain.topic.is_some() && !format.options.contains(&"topic") {
        return Err(Failure::Usage(format!("--explain: -T {} supports only short or full", format.name)));
    }
    Ok(Output {
        format,
        settings,
        flow: args.flow,
        flush_lines: args.line_buffered || to_terminal || input.is_streaming(),
        path: args.output.filter(|path| path.as_os_str() != "-"),
    })
}

/// The colours of a picture.
fn picture_theme(typed: Option<ThemeArg>) -> Result<Theme, Failure> {
    match typed {
        None | Some(ThemeArg::Auto) => Ok(Theme::Auto),
        Some(ThemeArg::Light) => Ok(Theme::Light),
        Some(ThemeArg::Dark) => Ok(Theme::Dark),
        Some(ThemeArg::HighContrast | ThemeArg::Cvd | ThemeArg::Mono) => {
            Err(Failure::Usage("--theme: pictures support only auto, light and dark".to_owned()))
        }
    }
}

/// The colours of the view.
#[cfg(feature = "tui")]
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

/// The terminal view, if it is asked for, or is the default and possible.
#[cfg(feature = "tui")]
fn view(args: &ViewArgs, output: &OutputArgs, input: &Input) -> Result<Option<View>, Failure> {
    let asked = output.format == Some(TUI);
    let default =
        output.format.is_none() && !output.json && !args.plain && output.output.is_none() && output.explain.is_none();
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let to_terminal = std::io::stdout().is_terminal() || args.tee;
    let keyboard = std::io::stdin().is_terminal() || std::fs::File::open("/dev/tty").is_ok();
    let possible = default && to_terminal && keyboard && !dumb;
    if !(asked || possible) {
        return match only_for_view(args) {
            Some(option) => Err(Failure::Usage(format!("{option} requires the terminal view"))),
            None => Ok(None),
        };
    }
    if !keyboard || !to_terminal {
        return Err(Failure::Usage("-T tui requires a terminal".to_owned()));
    }
    if args.tee && std::io::stdout().is_terminal() {
        return Err(Failure::Usage("--tee: standard output is a terminal; use a pipe: --tee | jq .".to_owned()));
    }
    if args.replay.is_some() && input.is_streaming() {
        return Err(Failure::Usage("--replay: a live input cannot be replayed".to_owned()));
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
        keys: keys(args)?,
    }))
}

/// The keys, as the configuration has them.
#[cfg(feature = "tui")]
fn keys(args: &ViewArgs) -> Result<Keys, Failure> {
    Ok(settings::read(args.config.as_deref(), args.no_config)?.unwrap_or_default())
}

/// Refuses options of the output that the view would ignore.
#[cfg(feature = "tui")]
fn tui_heeds(args: &OutputArgs) -> Result<(), Failure> {
    let given = [
        ("-o", args.output.is_some()),
        ("-e", !args.fields.is_empty()),
        ("-t", args.time.is_some()),
        ("--steps", args.steps.is_some()),
        ("--events", !args.events.is_empty()),
        ("--flow", args.flow.is_some()),
        ("-l", args.line_buffered),
        ("--explain", args.explain.is_some()),
        ("--part", args.part.is_some()),
        ("--scale", args.scale.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::Usage(format!("{option} has no effect in the terminal view; use -T"))),
        None => Ok(()),
    }
}

/// An option that only the view heeds.
#[cfg(feature = "tui")]
fn only_for_view(args: &ViewArgs) -> Option<&'static str> {
    let given = [
        ("--replay", args.replay.is_some()),
        ("--color", args.color.is_some()),
        ("--ascii", args.ascii),
        ("--mouse", args.mouse),
        ("--fps", args.fps.is_some()),
        ("--view", args.arrangement.is_some()),
        ("--tee", args.tee),
        ("--config", args.config.is_some()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}

/// The sentences of `--plain`, also for a terminal that can do nothing else.
#[cfg(feature = "tui")]
fn plain(args: &ViewArgs, output: &OutputArgs) -> Option<&'static Format> {
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
#[cfg(feature = "tui")]
fn locale(typed: Option<Locale>) -> Locale {
    let environment = || environment_locale().filter(|name| name.starts_with("ko")).map(|_| Locale::Ko);
    typed.or_else(environment).unwrap_or_default()
}

/// The first of the variables that name the locale.
#[cfg(feature = "tui")]
fn environment_locale() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set)
}

/// Whether the terminal says that it shows any colour.
#[cfg(feature = "tui")]
fn is_true_color() -> bool {
    let by_name = std::env::var("TERM").is_ok_and(|term| term.ends_with("-direct"));
    by_name || std::env::var("COLORTERM").is_ok_and(|value| value == "truecolor" || value == "24bit")
}

/// Whether the terminal can be expected to show more than ASCII.
#[cfg(feature = "tui")]
fn speaks_utf8() -> bool {
    let utf8 = environment_locale().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.ends_with("utf-8") || name.ends_with("utf8")
    });
    utf8 && std::env::var("TERM").is_ok_and(|term| term != "linux")
}

/// Refuses options that the format would ignore. The view heeds two of them itself.
fn applies(args: &OutputArgs, format: &Format, viewed: bool) -> Result<(), Failure> {
    let given = [
        ("-e", !args.fields.is_empty()),
        ("-t", args.time.is_some()),
        ("--steps", args.steps.is_some()),
        ("--events", !args.events.is_empty()),
        ("--flow", args.flow.is_some()),
        ("--explain", args.explain.is_some()),
        ("--part", args.part.is_some()),
        ("--scale", args.scale.is_some()),
        ("--theme", args.theme.is_some() && !viewed),
        ("--locale", args.locale.is_some() && !viewed),
    ];
    match given.into_iter().find(|(option, given)| *given && !format.options.contains(option)) {
        Some((option, _)) => Err(Failure::Usage(format!("{option} has no effect with -T {}", format.name))),
        None => Ok(()),
    }
}

fn events(lists: &[String]) -> Result<Vec<Action>, Failure> {
    if lists.is_empty() {
        return Ok(DEFAULT_EVENTS.to_vec());
    }
    let mut events = Vec::new();
    for typed in lists {
        for (place, name) in pieces(typed) {
            let action = Action::ALL.into_iter().find(|action| action.name() == name).ok_or_else(|| {
                let resembling = did_you_mean(name, event_names());
                usage_at("--events", &format!("unknown event '{name}'{resembling}"), typed, place)
            })?;
            events.push(action);
        }
    }
    Ok(events)
}

fn fields(lists: &[String]) -> Result<Vec<String>, Failure> {
    let mut fields = Vec::new();
    if lists.is_empty() {
        return Ok(fields);
    }
    let known = output::schema::flow_end_fields();
    for typed in lists {
        for (place, name) in pieces(typed) {
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

/// The pieces of a comma-separated list, each with where it begins; empty ones left out.
fn pieces(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    list.split(',').filter_map(move |piece| {
        let place = start + (piece.len() - piece.trim_start().len());
        start += piece.len() + 1;
        let piece = piece.trim();
        (!piece.is_empty()).then_some((place, piece))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::time::SECOND;

    fn resolved(typed: &[&str]) -> Result<Run, String> {
        let args = Args::try_parse_from(["synscope"].iter().chain(typed)).map_err(|error| error.to_string())?;
        match resolve(args) {
            Ok(Task::Run(run)) => Ok(*run),
            Ok(_) => Err("not a run".to_owned()),
            Err(Failure::Usage(text)) => Err(text),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    fn refusal(typed: &[&str]) -> String {
        resolved(typed).err().unwrap_or_else(|| panic!("accepted: {typed:?}"))
    }

    #[test]
    fn stops_are_read() {
        let run = resolved(&["-r", "x", "-a", "duration:1.5", "-a", "flows:3", "-c", "9"]).unwrap();
        assert_eq!(run.stop, Stop { packets: Some(9), flows: Some(3), duration: Some(3 * SECOND / 2) });
        assert!(refusal(&["-r", "x", "-a", "flows:0"]).ends_with("\n  flows:0\n        ^"));
        assert!(refusal(&["-r", "x", "-a", "bytes:1"]).ends_with("\n  bytes:1\n  ^"));
    }

    #[test]
    fn unknown_names_are_pointed_at() {
        let text = refusal(&["-r", "x", "-T", "ndjson", "--events", "flow_end,flow_begin"]);
        assert!(text.ends_with("\n  flow_end,flow_begin\n           ^"), "{text}");
        assert!(refusal(&["-r", "x", "--enable", "nonsense"]).contains("unknown anomaly 'nonsense'"));
        assert!(refusal(&["-r", "x", "--preset", "nonsense"]).contains("unknown preset 'nonsense'"));
        assert!(refusal(&["-r", "x", "-T", "zeek", "--local-net", "10.0.0.0/33"]).ends_with("\n           ^"));
    }

    #[test]
    fn options_that_a_format_ignores_are_refused() {
        assert_eq!(refusal(&["-r", "x", "-T", "ndjson", "-t", "u"]), "-t has no effect with -T ndjson");
        assert_eq!(refusal(&["-r", "x", "-T", "text", "--events", "stats"]), "--events has no effect with -T text");
    }

    #[test]
    fn pictures_and_the_view_share_the_name_of_their_colours() {
        for theme in ["auto", "light", "dark"] {
            assert!(resolved(&["-r", "x", "-T", "svg", "--theme", theme]).is_ok(), "{theme}");
        }
        for theme in ["high-contrast", "cvd", "mono"] {
            assert!(refusal(&["-r", "x", "-T", "svg", "--theme", theme]).starts_with("--theme: pictures support"));
        }
        assert_eq!(refusal(&["-r", "x", "-T", "ndjson", "--theme", "dark"]), "--theme has no effect with -T ndjson");
        assert!(refusal(&["-r", "x", "-T", "svg", "--theme", "pink"]).contains("high-contrast"));
    }

    #[test]
    fn thresholds_of_scans_are_read() {
        let run =
            resolved(&["-r", "x", "--scan", "40/90s", "--local-net", "10.0.0.0/8,fd00::/8", "-T", "text"]).unwrap();
        assert_eq!(run.analysis.hosts.scan, ScanThreshold { hosts: 40, ports: 40, pairs: 40, window: 90 * SECOND });
        assert!(run.analysis.hosts.is_local("10.9.8.7".parse().unwrap()));
        assert!(!run.analysis.hosts.is_local("11.9.8.7".parse().unwrap()));
        assert_eq!(resolved(&["-r", "x"]).unwrap().analysis.hosts.scan, ScanThreshold::default());
        assert!(refusal(&["-r", "x", "--scan", "15"]).ends_with("\n  15\n    ^"));
        assert!(refusal(&["-r", "x", "--scan", "0/5m"]).ends_with("\n  0/5m\n  ^"));
        assert!(refusal(&["-r", "x", "--scan", "1001/5m"]).contains("from 1 to 1000"));
        assert!(refusal(&["-r", "x", "--scan", "15/5weeks"]).ends_with("\n  15/5weeks\n     ^"));
    }

    #[test]
    fn nothing_to_do_is_said() {
        assert!(refusal(&[]).starts_with("no input"));
    }

    #[test]
    fn flow_filters_are_pointed_at() {
        assert!(refusal(&["-r", "x", "-Y", "dport:80 prot:6"]).ends_with("\n  dport:80 prot:6\n           ^"));
        assert!(refusal(&["-r", "x", "--fail-on", "sev>=wrn"]).starts_with("--fail-on: "));
        assert!(refusal(&["-r", "x", "--expect", "rtt>5"]).starts_with("--expect: "));
        let run = resolved(&["-r", "x", "--expect", "dport:80", "--expect", "dport:81"]).unwrap();
        assert_eq!(run.checks.expect.len(), 2);
    }

    #[test]
    fn timeouts_take_units() {
        let run = resolved(&["-r", "x", "--syn-timeout", "500ms", "--max-flows", "7"]).unwrap();
        assert_eq!((run.analysis.timeouts.syn, run.analysis.limits.flows), (SECOND / 2, 7));
        assert_eq!(run.analysis.timeouts.idle, Timeouts::default().idle);
    }
}
