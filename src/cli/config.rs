//! What the options mean together: every default filled in, every name looked up, every contradiction refused.

mod analysis;
mod output;
mod recording;
mod run;
mod sandbox;
#[cfg(feature = "tui")]
mod view;

use std::path::Path;

use super::args::{Args, InputArgs, KernelArg, MetricsLabel, OtherArgs, SandboxArg, StopArgs};
#[cfg(feature = "live")]
use super::list;
#[cfg(feature = "live")]
use super::messages::say;
use super::messages::{Failure, usage_at};
use super::metrics::MetricsChoice;
use super::sandbox::Sandbox;
use super::units::Duration;
use crate::capture::FileInput;
use crate::capture::preset::PRESETS;
#[cfg(not(feature = "tui"))]
use crate::output::Format;
use crate::output::{Session, Topic};
use crate::suggest::did_you_mean;
pub(super) use output::header_lines;
pub(super) use run::{
    AskKernel, Checks, FilterChoice, Input, Live, Matching, Output, Recording, Run, Stop, Task, View,
};

use self::analysis::{analysis, checks, rule};
use self::output::{Screen, explain, explained_without_input, output};
use self::recording::recording;
use self::sandbox::sandbox;
#[cfg(feature = "tui")]
use self::view::{locale, plain, view};

/// The snapshot length of packets that are written, octets: the largest that libpcap takes.
const WHOLE: u32 = 262_144;

/// Resolves what was typed.
///
/// # Errors
///
/// [`Failure::Usage`] where it makes no sense, [`Failure::Running`] where a filter file cannot be read.
pub(super) fn resolve(mut args: Args) -> Result<Task, Failure> {
    if let Some(task) = without_input(&args)? {
        return Ok(task);
    }
    let explain = explain(args.output.explain.as_deref())?;
    if let Some(text) = explained_without_input(&args, explain) {
        return Ok(Task::Print(text));
    }
    bare_file(&mut args.input)?;
    let input = input(&args.input, args.record.write.is_some())?;
    let filter = filter(&args.input, &input)?;
    #[cfg(feature = "tui")]
    let (view, plain) = (view(&args.view, &args.output, &input)?, plain(&args.view, &args.output));
    #[cfg(not(feature = "tui"))]
    let (view, plain): (Option<View>, Option<&'static Format>) = (None, None);
    let screen = Screen { viewed: view.is_some(), plain: plain.filter(|_| view.is_none()) };
    let session = Session { inputs: input.names(), filter: filter.as_ref().map(FilterChoice::name), sandbox: None };
    keeps_private(&args)?;
    let recording = recording(&args.record, &args.output, args.input.follow.as_deref(), view.is_some())?;
    let (quiet, verbose) = (args.output.quiet, args.output.verbose > 0);
    let mut output = output(args.output, &args.analysis.local_net, &input, session, explain, screen)?;
    output.settings.flows_where = args.analysis.flows_where.clone();
    of_flows(&output)?;
    output.settings.zeek_checksums = args.analysis.zeek_checksums;
    let metrics = metrics(&args.other, view.is_some())?;
    let sandbox = sandbox(&args.other, &input, &output, recording.as_ref(), view.is_some());
    output.settings.min_severity = args.analysis.min_severity;
    Ok(Task::Run(Box::new(Run {
        stop: stop(&args.stop)?,
        max_decompressed: args.input.max_decompressed.map(|size| size.0),
        analysis: analysis(&args.analysis)?,
        checks: checks(&args.checks)?,
        metrics,
        recording,
        quiet,
        verbose,
        output,
        view,
        sandbox,
        kernel: ask_kernel(args.other.kernel, &input),
        filter,
        input,
    })))
}

/// What takes no input: lists, help of all kinds.
fn without_input(args: &Args) -> Result<Option<Task>, Failure> {
    #[cfg(feature = "tui")]
    if args.view.print_keys {
        return Ok(Some(Task::PrintKeys(args.view.keys.clone(), locale(args.output.locale))));
    }
    let other = &args.other;
    let asked = [
        (other.print_config_template, Task::PrintConfigTemplate),
        (other.print_schema, Task::PrintSchema),
        (args.input.list_presets, Task::ListPresets),
        (args.analysis.list_fields, Task::ListFields),
        (args.input.list_interfaces, Task::ListInterfaces),
    ];
    if let Some(what) = other.generate {
        return Ok(Some(Task::Generate(what)));
    }
    if other.sandbox == Some(SandboxArg::Status) {
        return Ok(Some(Task::SandboxStatus(Sandbox { user: other.user.clone(), ..Sandbox::default() })));
    }
    if let Some((_, task)) = asked.into_iter().find(|(asked, _)| *asked) {
        return Ok(Some(task));
    }
    Ok(match args.analysis.list_anomalies.as_deref() {
        Some("") => Some(Task::ListAnomalies),
        Some(id) => Some(Task::ExplainAnomaly(rule("--list-anomalies", id, id, 0)?)),
        None => None,
    })
}

/// Refuses what would show addresses that `--privacy` hides.
fn keeps_private(args: &Args) -> Result<(), Failure> {
    let shows = [
        ("-w", "packets have", args.record.write.is_some()),
        ("--metrics-label", "servers are named by", args.other.metrics_label == Some(MetricsLabel::Server)),
    ];
    match shows.into_iter().find(|(.., given)| *given && args.output.privacy.is_some()) {
        Some((option, what, _)) => Err(Failure::Usage(format!(
            "{option}: {what} true addresses, which --privacy hides; write one without the other"
        ))),
        None => Ok(()),
    }
}

/// Refuses a filter of flows where single segments are written, which have none.
fn of_flows(output: &Output) -> Result<(), Failure> {
    let settings = &output.settings;
    let of_segments = output.format.of_segments || matches!(settings.topic, Some(Topic::Header(_)));
    if settings.flows_where.is_none() || !of_segments {
        return Ok(());
    }
    let what =
        if output.format.of_segments { format!("-T {}", output.format.name) } else { "--explain=header".to_owned() };
    Err(Failure::Usage(format!("-Y: {what} is of single segments, of every flow; filter packets with -f BPF")))
}

/// Whether this host's kernel is asked: for what is live, unless nobody wants it.
const fn ask_kernel(typed: Option<KernelArg>, input: &Input) -> AskKernel {
    match (typed, input) {
        (Some(KernelArg::Off), _) | (_, Input::Files(_)) => AskKernel::No,
        (Some(KernelArg::On), Input::Live(_)) => AskKernel::Yes,
        (None, Input::Live(_)) => AskKernel::WherePossible,
    }
}

/// Takes the first word as the file to read where it names one, and no input was asked for: `synscope x.pcap`.
fn bare_file(args: &mut InputArgs) -> Result<(), Failure> {
    if !args.read.is_empty() || !args.interface.is_empty() || args.follow.is_some() {
        return Ok(());
    }
    let Some(word) = args.words.first() else { return Ok(()) };
    let looks_like_one = CAPTURE_ENDINGS.iter().any(|ending| word.ends_with(ending));
    if !Path::new(word).exists() {
        let missing = || Failure::Running(format!("{word}: cannot open: no such file (to read one, write -r FILE)"));
        return if looks_like_one { Err(missing()) } else { Ok(()) };
    }
    args.read.push(args.words.remove(0).into());
    Ok(())
}

/// How names of captures end.
const CAPTURE_ENDINGS: [&str; 6] = [".pcap", ".pcapng", ".cap", ".snoop", ".pcap.gz", ".pcap.zst"];

/// The input; packets that are written are captured whole.
fn input(args: &InputArgs, written: bool) -> Result<Input, Failure> {
    if !args.read.is_empty() {
        return Ok(Input::Files(args.read.iter().map(|file| FileInput::from_argument(file)).collect()));
    }
    if let Some(path) = &args.follow {
        return Ok(Input::Files(vec![FileInput::Followed(path.clone())]));
    }
    if let Some(chosen) = chosen_interface(args)? {
        return Ok(Input::Live(live(args, vec![chosen], written)));
    }
    if args.interface.is_empty() {
        return Err(Failure::Usage(
            "no input: use -r FILE or -i INTERFACE (synscope -D lists interfaces); see synscope -h".to_owned(),
        ));
    }
    Ok(Input::Live(live(args, args.interface.clone(), written)))
}

fn live(args: &InputArgs, interfaces: Vec<String>, written: bool) -> Live {
    Live {
        interfaces,
        snaplen: args.snaplen.or_else(|| written.then_some(WHOLE)),
        promiscuous: !args.no_promiscuous_mode,
        direction: args.direction,
        buffer_size: args.buffer_size.map(|size| size.0),
        link_type: args.link_type.clone(),
    }
}

/// Asks who may capture, and named neither a file nor an interface on a terminal, for an interface.
#[cfg(feature = "live")]
fn chosen_interface(args: &InputArgs) -> Result<Option<String>, Failure> {
    use std::io::IsTerminal;

    let is_asked_for = args.interface.is_empty() && args.read.is_empty() && args.follow.is_none();
    if !is_asked_for || !may_capture() || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let interfaces = crate::capture::list_interfaces()?;
    say(&list::interfaces()?);
    say("Capture on which interface? Its number or name; Enter for none:");
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).map_err(|error| Failure::Running(format!("standard input: {error}")))?;
    let typed = typed.trim();
    let by_number = typed.parse::<usize>().ok().and_then(|n| interfaces.get(n.checked_sub(1)?));
    let chosen = by_number.or_else(|| interfaces.iter().find(|interface| interface.name == typed));
    match chosen {
        Some(interface) => Ok(Some(interface.name.clone())),
        None if typed.is_empty() => Ok(None),
        None => Err(Failure::Usage(format!("there is no interface '{typed}' (synscope -D lists them)"))),
    }
}

#[cfg(not(feature = "live"))]
fn chosen_interface(_: &InputArgs) -> Result<Option<String>, Failure> {
    Ok(None)
}

/// Whether this process may probably capture: as root.
#[cfg(all(feature = "live", unix))]
fn may_capture() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(all(feature = "live", not(unix)))]
fn may_capture() -> bool {
    true
}

/// The metrics; the view has none.
fn metrics(args: &OtherArgs, viewed: bool) -> Result<MetricsChoice, Failure> {
    let given = [
        ("--metrics", args.metrics.is_some()),
        ("--metrics-file", args.metrics_file.is_some()),
        ("--metrics-label", args.metrics_label.is_some() && args.metrics.is_none() && args.metrics_file.is_none()),
    ];
    let place = if viewed { "in the terminal view; use -T" } else { "without --metrics" };
    match given.into_iter().find(|(option, given)| *given && (viewed || *option == "--metrics-label")) {
        Some((option, _)) => Err(Failure::Ineffective(option, format!("has no effect {place}"))),
        None => Ok(MetricsChoice {
            listen: args.metrics.clone(),
            file: args.metrics_file.clone(),
            by_server: args.metrics_label == Some(MetricsLabel::Server),
        }),
    }
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::detect::host::ScanThreshold;
    use crate::flow::Timeouts;
    use crate::time::SECOND;

    fn resolved(typed: &[&str]) -> Result<Run, String> {
        let args = Args::try_parse_from(["synscope"].iter().chain(typed)).map_err(|error| error.to_string())?;
        match resolve(args) {
            Ok(Task::Run(run)) => Ok(*run),
            Ok(_) => Err("not a run".to_owned()),
            Err(failure @ (Failure::Usage(_) | Failure::Ineffective(..))) => Err(failure.to_string()),
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
            assert!(
                refusal(&["-r", "x", "-T", "svg", "--theme", theme]).starts_with("--theme has no effect: pictures")
            );
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
