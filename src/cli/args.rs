//! The options, as typed: what exists, what excludes what, and whether a value can be read. What they mean together is
//! [`super::config`]'s business.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{ArgAction, Parser, ValueEnum};

use super::units::{Duration, Size};
use crate::detect::Severity;
#[cfg(feature = "tui")]
use crate::output::tui::Arrangement;
use crate::output::{Action, FORMATS, Locale, Part, Scale, StepsShown, TimeStyle};

const EXAMPLES: &str = "\
Examples:
  synscope -i eth0                               every connection as it opens and closes, on the screen
  synscope -r FILE                               the same of a saved capture
  synscope -r FILE --json | jq .                 the same as events
  synscope -r FILE -T ladder --flow 3            one connection, step by step
  synscope -r FILE -T svg --flow 3 -o flow.svg   the same as a picture
  synscope -r FILE --explain --flow 3            the same in words
  synscope -i eth0 port 443                      live, with a capture filter
  ssh HOST tcpdump -U -w - tcp | synscope -r -   live from elsewhere

Exit codes:
  0  finished (Ctrl-C, -c, -a and a closed pipe included)
  1  failed while running
  2  usage
  3  --fail-on matched, or --expect did not
  4  input damaged or cut short; everything before that is analysed and written
  5  no permission to capture";

/// Who opened which TCP connection, did it open, why not, and who ended it.
#[derive(Debug, Parser)]
#[command(
    name = "synscope",
    version,
    about = "Says of every TCP connection whether it opened, how long that took, who ended it, and which frames prove it.",
    after_help = EXAMPLES,
    disable_help_flag = true,
    disable_version_flag = true,
    max_term_width = 120,
    args_override_self = false
)]
pub(super) struct Args {
    #[command(flatten, next_help_heading = "Input")]
    pub(super) input: InputArgs,
    #[command(flatten, next_help_heading = "Stop")]
    pub(super) stop: StopArgs,
    #[command(flatten, next_help_heading = "Analysis")]
    pub(super) analysis: AnalysisArgs,
    #[command(flatten, next_help_heading = "Output")]
    pub(super) output: OutputArgs,
    #[cfg(feature = "tui")]
    #[command(flatten, next_help_heading = "View")]
    pub(super) view: ViewArgs,
    #[command(flatten, next_help_heading = "Checks")]
    pub(super) checks: CheckArgs,
    #[command(flatten, next_help_heading = "Other")]
    pub(super) other: OtherArgs,
}

/// Where packets come from.
#[derive(Debug, clap::Args)]
pub(super) struct InputArgs {
    /// Capture on this interface (repeatable; `any` for all)
    #[arg(short, long = "interface", value_name = "IF", conflicts_with = "read")]
    pub(super) interface: Vec<String>,

    /// Read this file: pcap, pcapng or snoop, gzip and zstd too; `-` is standard input (repeatable, merged by time)
    #[arg(short, long, value_name = "FILE")]
    pub(super) read: Vec<OsString>,

    /// List the interfaces that can be captured on
    #[arg(short = 'D', long)]
    pub(super) list_interfaces: bool,

    /// Take only packets that match this BPF expression (as do words after the options)
    #[arg(short = 'f', long, value_name = "BPF", group = "filter")]
    pub(super) capture_filter: Option<String>,

    /// Read the BPF expression from this file
    #[arg(short = 'F', long, value_name = "FILE", group = "filter")]
    pub(super) filter_file: Option<PathBuf>,

    /// Use a filter that comes with the program
    #[arg(long, value_name = "NAME", group = "filter")]
    pub(super) preset: Option<String>,

    /// List the filters that come with the program
    #[arg(long)]
    pub(super) list_presets: bool,

    /// Capture this many octets of each packet [default: 256]
    #[arg(short, long, value_name = "OCTETS", conflicts_with = "read", value_parser = clap::value_parser!(u32).range(0..=262_144))]
    pub(super) snaplen: Option<u32>,

    /// Do not put the interface into promiscuous mode
    #[arg(short = 'p', long, conflicts_with = "read")]
    pub(super) no_promiscuous_mode: bool,

    /// Capture only packets in this direction
    #[arg(short = 'Q', long, value_name = "DIR", conflicts_with = "read")]
    pub(super) direction: Option<DirectionArg>,

    /// Size of the kernel's buffer, with its unit: 32M, 512K
    #[arg(short = 'B', long, value_name = "SIZE", conflicts_with = "read")]
    pub(super) buffer_size: Option<Size>,

    /// Capture with this link type
    #[arg(short = 'y', long, value_name = "TYPE", conflicts_with = "read")]
    pub(super) link_type: Option<String>,

    /// BPF expression
    #[arg(value_name = "BPF EXPRESSION", group = "filter")]
    pub(super) words: Vec<String>,
}

/// Direction of packets to capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionArg {
    /// Packets that arrive
    In,
    /// Packets that leave
    Out,
    /// Both
    Inout,
}

/// When to stop.
#[derive(Debug, clap::Args)]
pub(super) struct StopArgs {
    /// Stop after this many packets
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,

    /// Stop after duration:SECONDS of packet time, packets:N, or flows:N finished flows (repeatable)
    #[arg(short = 'a', long, value_name = "WHAT:N")]
    pub(super) autostop: Vec<String>,
}

/// How to judge.
#[derive(Debug, clap::Args)]
pub(super) struct AnalysisArgs {
    /// Tell only of flows that match this flow filter, like 'outcome:refused dport:443'
    #[arg(short = 'Y', long = "where", value_name = "FILTER")]
    pub(super) flows_where: Option<String>,

    /// A SYN is unanswered after this long [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub(super) syn_timeout: Option<Duration>,

    /// A silent connection is given up after this long [default: 4h]
    #[arg(long, value_name = "TIME")]
    pub(super) idle: Option<Duration>,

    /// A connection is embryonic (SYN-ACK not acknowledged) after this long [default: 3s]
    #[arg(long, value_name = "TIME")]
    pub(super) half_open_after: Option<Duration>,

    /// A closed connection's ports count as in TIME-WAIT for this long [default: 240s]
    #[arg(long, value_name = "TIME")]
    pub(super) time_wait: Option<Duration>,

    /// Report anomalies from this severity on [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(super) min_severity: Option<Severity>,

    /// Report only these anomalies (ids, comma-separated)
    #[arg(long, value_name = "IDS")]
    pub(super) enable: Vec<String>,

    /// Do not report these anomalies (ids, comma-separated, or `all`)
    #[arg(long, value_name = "IDS")]
    pub(super) disable: Vec<String>,

    /// List all anomalies, or explain one
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub(super) list_anomalies: Option<String>,

    /// Track this many connections, and as many lone SYNs, at once; the view keeps as many, a replay that went back five times more [default: 200000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_flows: Option<u32>,

    /// So many hosts on one port, or ports of one host, within this time are a scan [default: 25 hosts or 15 ports in 5m]
    #[arg(long, value_name = "N/TIME")]
    pub(super) scan: Option<String>,

    /// The networks that are ours (comma-separated): their hosts may fail ten times as often before they are scanners
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) local_net: Vec<String>,

    /// Take segments with a wrong checksum for good
    #[arg(long)]
    pub(super) ignore_checksums: bool,

    /// Leave segments with a wrong or unfinished checksum out of conn_state and history, as Zeek does without its option -C
    #[arg(long, conflicts_with = "ignore_checksums")]
    pub(super) zeek_checksums: bool,
}

/// What to write.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Format [default: the terminal view on a terminal, else ndjson]
    #[arg(short = 'T', long, value_name = "FORMAT", value_parser = FormatParser)]
    pub(super) format: Option<&'static str>,

    /// The same as -T ndjson
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,

    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Columns of csv and tsv: dotted names of flow_end's fields, comma-separated (repeatable)
    #[arg(short = 'e', long, value_name = "FIELDS")]
    pub(super) fields: Vec<String>,

    /// Times of text: r since the start, d since the line before, a local time, ad with date, u UTC, ud with date, e epoch
    #[arg(short, long, value_name = "STYLE", value_parser = TimeParser, hide_possible_values = true)]
    pub(super) time: Option<TimeStyle>,

    /// Only this flow
    #[arg(long, value_name = "ID")]
    pub(super) flow: Option<u64>,

    /// Events of ndjson, comma-separated
    #[arg(long, value_name = "KINDS")]
    pub(super) events: Vec<String>,

    /// Steps of text and ndjson: all, those of handshake and teardown, or none [default: handshake]
    #[arg(long, value_name = "WHICH")]
    pub(super) steps: Option<StepsShown>,

    /// Say in words what happened: short or full, or the answer about an anomaly, a state, a flag or a question (`topics` lists them), or
    /// the TCP header of a segment (header:FRAME)
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "full")]
    pub(super) explain: Option<String>,

    /// Draw only this part of a connection [default: all]
    #[arg(long, value_name = "PART")]
    pub(super) part: Option<Part>,

    /// Draw waits as long as they were, or every step alike [default: even]
    #[arg(long, value_name = "SCALE")]
    pub(super) scale: Option<Scale>,

    /// Colours of the view and of pictures; pictures have auto, light and dark [default: auto]
    #[arg(long, value_name = "THEME")]
    pub(super) theme: Option<ThemeArg>,

    /// Language of the view, of pictures and of explanations [default: the view's is that of the environment, else en]
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) locale: Option<Locale>,

    /// Flush after every line
    #[arg(short = 'l', long)]
    pub(super) line_buffered: bool,

    /// Say nothing on stderr but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Say more on stderr
    #[arg(short, long)]
    pub(super) verbose: bool,
}

/// Colours of the view and of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ThemeArg {
    /// As the terminal or the reader's system has it
    Auto,
    /// For light backgrounds
    Light,
    /// For dark backgrounds
    Dark,
    /// As much contrast as there can be
    HighContrast,
    /// For colour-blind eyes
    Cvd,
    /// No colour
    Mono,
}

/// The terminal view.
#[cfg(feature = "tui")]
#[derive(Debug, clap::Args)]
pub(super) struct ViewArgs {
    /// Replay a file at this speed: 1x, 10x, 0.5x, or max
    #[arg(long, value_name = "SPEED", conflicts_with = "interface")]
    pub(super) replay: Option<Speed>,

    /// Whether to use colours [default: auto]
    #[arg(long, value_name = "WHEN")]
    pub(super) color: Option<ColorArg>,

    /// Draw with ASCII characters only
    #[arg(long)]
    pub(super) ascii: bool,

    /// Take the mouse (never over ssh)
    #[arg(long)]
    pub(super) mouse: bool,

    /// One sentence an event instead of a screen: for screen readers and dumb terminals
    #[arg(long, conflicts_with_all = ["format", "json", "explain"])]
    pub(super) plain: bool,

    /// Draw at most this often a second [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(super) fps: Option<u16>,

    /// How much to show at once: auto, compact, split, full
    #[arg(long = "view", value_name = "HOW", value_parser = arrangement)]
    pub(super) arrangement: Option<Arrangement>,

    /// Show the view and write ndjson to standard output, too
    #[arg(long)]
    pub(super) tee: bool,

    /// Read this configuration [default: synscope/config.toml in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,

    /// Print the keys of the view, as a configuration has them
    #[arg(long)]
    pub(super) print_keys: bool,
}

/// When to use colours.
#[cfg(feature = "tui")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// On a terminal that can, unless `NO_COLOR` is set
    Auto,
    /// In any case
    Always,
    /// Never
    Never,
}

/// The speed of a replay: times packet time; `None` for as fast as possible.
#[cfg(feature = "tui")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed(pub(super) Option<f64>);

#[cfg(feature = "tui")]
impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self(None));
        }
        match text.trim_end_matches('x').parse::<f64>() {
            Ok(speed) if speed.is_finite() && (0.01..=65_536.0).contains(&speed) => Ok(Self(Some(speed))),
            _ => Err("1x, 10x, 0.5x or max is wanted".to_owned()),
        }
    }
}

#[cfg(feature = "tui")]
fn arrangement(text: &str) -> Result<Arrangement, String> {
    Arrangement::from_name(text).ok_or_else(|| "auto, compact, split or full is wanted".to_owned())
}

/// What a script wants to know.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// End with exit code 3 if a finished flow or an anomaly matches this flow filter
    #[arg(long, value_name = "FILTER")]
    pub(super) fail_on: Vec<String>,

    /// End with exit code 3 unless a finished flow or an anomaly matches this flow filter
    #[arg(long, value_name = "FILTER")]
    pub(super) expect: Vec<String>,
}

/// The rest.
#[derive(Debug, clap::Args)]
pub(super) struct OtherArgs {
    /// Print the JSON Schema of the events
    #[arg(long)]
    pub(super) print_schema: bool,

    /// Print help
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,

    /// Print version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

impl ValueEnum for Severity {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for StepsShown {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::All, Self::Handshake, Self::None]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::All => "all",
            Self::Handshake => "handshake",
            Self::None => "none",
        }))
    }
}

impl ValueEnum for Part {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Open, Self::Close, Self::All]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::All => "all",
        }))
    }
}

impl ValueEnum for Scale {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Time, Self::Even]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Time => "time",
            Self::Even => "even",
        }))
    }
}

impl ValueEnum for Locale {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// The format that is a screen.
pub(super) const TUI: &str = "tui";

/// Reads a name of [`FORMATS`], or [`TUI`].
#[derive(Clone)]
struct FormatParser;

impl clap::builder::TypedValueParser for FormatParser {
    type Value = &'static str;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let screen = cfg!(feature = "tui").then_some(TUI);
        let names = clap::builder::PossibleValuesParser::new(FORMATS.iter().map(|format| format.name).chain(screen));
        let name = names.parse_ref(command, arg, value)?;
        if name == TUI {
            return Ok(TUI);
        }
        Ok(crate::output::format(&name).map_or("text", |format| format.name))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let screen = cfg!(feature = "tui").then(|| PossibleValue::new(TUI).help("the terminal view"));
        let formats = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
        Some(Box::new(screen.into_iter().chain(formats)))
    }
}

/// Reads the letters of a [`TimeStyle`].
#[derive(Clone)]
struct TimeParser;

impl clap::builder::TypedValueParser for TimeParser {
    type Value = TimeStyle;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let letters = clap::builder::PossibleValuesParser::new(TimeStyle::ALL.iter().map(|(_, letters, _)| *letters));
        let name = letters.parse_ref(command, arg, value)?;
        let found = TimeStyle::ALL.iter().find(|(_, letters, _)| *letters == name);
        Ok(found.map(|(style, ..)| *style).unwrap_or_default())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(TimeStyle::ALL.iter().map(|(_, letters, about)| PossibleValue::new(*letters).help(*about))))
    }
}

/// Every word that `--events` takes.
pub(super) fn event_names() -> impl Iterator<Item = &'static str> {
    Action::ALL.into_iter().map(Action::name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_format_is_in_the_help() {
        let help = Args::command().render_long_help().to_string();
        for format in FORMATS {
            assert!(help.contains(format.name) && help.contains(format.about), "{}", format.name);
        }
    }

    #[test]
    fn trailing_words_are_a_filter_and_exclude_another() {
        let args = Args::try_parse_from(["synscope", "-r", "x", "tcp", "port", "80"]).unwrap();
        assert_eq!(args.input.words, ["tcp", "port", "80"]);
        assert!(Args::try_parse_from(["synscope", "-r", "x", "-f", "tcp", "udp"]).is_err());
        assert!(Args::try_parse_from(["synscope", "-r", "x", "-i", "lo"]).is_err());
    }
}
