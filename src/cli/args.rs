//! The options, as typed: what exists, what excludes what, and whether a value can be read. What they mean together is
//! [`super::config`]'s business.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Parser, ValueEnum};
use strum::VariantNames;

use super::units::{Duration, FileSize, LargeSize, Rotate, Size};
use crate::detect::Severity;
#[cfg(feature = "tui")]
use crate::output::tui::{Arrangement, Keys};
use crate::output::{Action, Detail, FORMATS, Locale, Part, Scale, StepsShown, TimeStyle};

pub(super) const EXAMPLES: &str = "\
Examples:
  synscope -i eth0                               show every connection as it opens and closes
  synscope -r FILE                               browse a saved capture
  synscope -r FILE --json | jq .                 write events as NDJSON
  synscope -r FILE -T ladder --flow 3            show one connection, step by step
  synscope -r FILE -T svg --flow 3 -o flow.svg   draw one connection as a picture
  synscope -r FILE --explain --flow 3            explain one connection in words
  synscope -i eth0 port 443                      capture with a filter
  ssh HOST tcpdump -U -w - tcp | synscope -r -   capture on another host
  synscope compare A.pcap B.pcap                 compare two captures of the same traffic

Exit codes:
  0  success, including Ctrl-C, -c, -a and a closed pipe
  1  failure while running
  2  usage error
  3  --fail-on matched, or --expect did not
  4  input damaged or cut short; packets before the damage are analyzed
  5  no permission to capture";

/// Who opened which TCP connection, did it open, why not, and who ended it.
#[derive(Debug, Parser)]
#[command(
    name = "synscope",
    version,
    about = "Analyze TCP handshakes: which connections opened, how long that took, who ended them, and which frames \
             prove it.",
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
    #[command(flatten, next_help_heading = "Packets")]
    pub(super) record: RecordArgs,
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
    /// Capture on an interface; `any` captures on all (repeatable)
    #[arg(short, long = "interface", value_name = "IF", conflicts_with_all = ["read", "follow"])]
    pub(super) interface: Vec<String>,

    /// Read a pcap, pcapng or snoop file, optionally compressed (gzip, zstd); `-` reads standard input (repeatable,
    /// merged by time)
    #[arg(short, long, value_name = "FILE")]
    pub(super) read: Vec<OsString>,

    /// Read a capture file that grows, or a folder in which new ones appear, until Ctrl-C
    #[arg(long, value_name = "FILE|FOLDER", conflicts_with = "read")]
    pub(super) follow: Option<PathBuf>,

    /// Stop reading a compressed file that decompresses to more than this, with a unit: 20G
    #[arg(long, value_name = "SIZE", conflicts_with = "interface")]
    pub(super) max_decompressed: Option<LargeSize>,

    /// List capture interfaces
    #[arg(short = 'D', long)]
    pub(super) list_interfaces: bool,

    /// Analyze only packets that match a BPF expression, also given as trailing arguments
    #[arg(short = 'f', long, value_name = "BPF", group = "filter")]
    pub(super) capture_filter: Option<String>,

    /// Read the BPF expression from a file
    #[arg(short = 'F', long, value_name = "FILE", group = "filter")]
    pub(super) filter_file: Option<PathBuf>,

    /// Use a built-in capture filter
    #[arg(long, value_name = "NAME", group = "filter")]
    pub(super) preset: Option<String>,

    /// List the built-in capture filters
    #[arg(long)]
    pub(super) list_presets: bool,

    /// Capture at most this many octets of each packet [default: 256, with -w 262144]
    #[arg(
        short,
        long,
        value_name = "OCTETS",
        conflicts_with_all = ["read", "follow"],
        value_parser = clap::value_parser!(u32).range(0..=262_144)
    )]
    pub(super) snaplen: Option<u32>,

    /// Do not put the interface into promiscuous mode
    #[arg(short = 'p', long, conflicts_with_all = ["read", "follow"])]
    pub(super) no_promiscuous_mode: bool,

    /// Capture only packets of one direction
    #[arg(short = 'Q', long, value_name = "DIR", conflicts_with_all = ["read", "follow"])]
    pub(super) direction: Option<DirectionArg>,

    /// Set the size of the kernel's capture buffer, with a unit: 32M, 512K
    #[arg(short = 'B', long, value_name = "SIZE", conflicts_with_all = ["read", "follow"])]
    pub(super) buffer_size: Option<Size>,

    /// Set the link type of the capture
    #[arg(short = 'y', long, value_name = "TYPE", conflicts_with_all = ["read", "follow"])]
    pub(super) link_type: Option<String>,

    /// BPF expression; a file of that name is read
    #[arg(value_name = "BPF EXPRESSION", group = "filter")]
    pub(super) words: Vec<String>,
}

/// Whether rights are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SandboxArg {
    /// All, or refuse to run
    Strict,
    /// As many as possible
    On,
    /// None
    Off,
    /// Print what holds
    Status,
}

/// Whether this host's kernel is asked about its own connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KernelArg {
    /// Ask
    On,
    /// Do not ask
    Off,
}

/// Direction of packets to capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionArg {
    /// Incoming packets
    In,
    /// Outgoing packets
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
    /// Report only flows that match a flow filter, like 'outcome:refused dport:443'
    #[arg(short = 'Y', long = "where", value_name = "FILTER")]
    pub(super) flows_where: Option<String>,

    /// List the fields of flow filters, with their other names
    #[arg(long)]
    pub(super) list_fields: bool,

    /// Time until a SYN counts as unanswered [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub(super) syn_timeout: Option<Duration>,

    /// Time until an idle connection expires [default: 4h]
    #[arg(long, value_name = "TIME")]
    pub(super) idle: Option<Duration>,

    /// Time until a connection counts as embryonic (SYN-ACK not acknowledged) [default: 3s]
    #[arg(long, value_name = "TIME")]
    pub(super) half_open_after: Option<Duration>,

    /// Duration of TIME-WAIT after a close [default: 240s]
    #[arg(long, value_name = "TIME")]
    pub(super) time_wait: Option<Duration>,

    /// Report anomalies of at least this severity [default: info; as events of their own, note]
    #[arg(long, value_name = "LEVEL", value_parser = word_of::<Severity>())]
    pub(super) min_severity: Option<Severity>,

    /// Report only these anomalies (comma-separated ids)
    #[arg(long, value_name = "IDS")]
    pub(super) enable: Vec<String>,

    /// Do not report these anomalies (comma-separated ids, or `all`)
    #[arg(long, value_name = "IDS")]
    pub(super) disable: Vec<String>,

    /// List all anomalies, or describe one
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub(super) list_anomalies: Option<String>,

    /// Maximum number of concurrent connections, and of unanswered SYNs; the view keeps as many [default: 200000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_flows: Option<u32>,

    /// Memory for connections, their steps and hosts, with a unit: all tables share it [default: 512M]
    #[arg(long, value_name = "SIZE")]
    pub(super) max_memory: Option<LargeSize>,

    /// Scan threshold: N hosts or ports within TIME [default: 25 hosts or 15 ports in 5m]
    #[arg(long, value_name = "N/TIME")]
    pub(super) scan: Option<String>,

    /// Local networks (comma-separated CIDR); their scan thresholds are multiplied by 10
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) local_net: Vec<String>,

    /// Accept segments with bad checksums
    #[arg(long)]
    pub(super) ignore_checksums: bool,

    /// Ignore segments with bad or unfinished checksums in conn_state and history, like Zeek without -C
    #[arg(long, conflicts_with = "ignore_checksums")]
    pub(super) zeek_checksums: bool,
}

/// What to write.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Output format [default: tui on a terminal, else ndjson]
    #[arg(short = 'T', long, value_name = "FORMAT", value_parser = FormatParser)]
    pub(super) format: Option<&'static str>,

    /// Write NDJSON; the same as -T ndjson
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Begin a new file after a time, at a size, or both, like 1h, 100M or 1h,100M, and on SIGHUP; -o names them with
    /// strftime(3), and compresses them by their ending, .zst or .gz
    #[arg(long, value_name = "WHEN")]
    pub(super) rotate: Option<Rotate>,

    /// Columns of csv and tsv: comma-separated fields of flow_end, like source.ip (repeatable)
    #[arg(short = 'e', long, value_name = "FIELDS")]
    pub(super) fields: Vec<String>,

    /// Time format of text: r (since start), d (since previous line), a (local), ad (local with date), u (UTC), ud
    /// (UTC with date), e (epoch)
    #[arg(short, long, value_name = "STYLE", value_parser = TimeParser, hide_possible_values = true)]
    pub(super) time: Option<TimeStyle>,

    /// Write only the flow with this number
    #[arg(long, value_name = "ID")]
    pub(super) flow: Option<u64>,

    /// Write only these ndjson events (comma-separated)
    #[arg(long, value_name = "KINDS")]
    pub(super) events: Vec<String>,

    /// Steps to write: all, handshake (with teardown) or none [default: none for ndjson, handshake for other formats]
    #[arg(long, value_name = "WHICH", value_parser = word_of::<StepsShown>())]
    pub(super) steps: Option<StepsShown>,

    /// Fields of ndjson events: lean (what other fields do not imply) or full (every field, with steps) [default: lean]
    #[arg(long, value_name = "HOW", value_parser = word_of::<Detail>())]
    pub(super) detail: Option<Detail>,

    /// Explain each flow in words (short or full), a topic (`topics` lists them), or the TCP header of a frame
    /// (header:FRAME)
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "full")]
    pub(super) explain: Option<String>,

    /// Draw only one part of a connection [default: all]
    #[arg(long, value_name = "PART", value_parser = word_of::<Part>())]
    pub(super) part: Option<Part>,

    /// Vertical scale of pictures: time is proportional, even spaces steps equally [default: even]
    #[arg(long, value_name = "SCALE", value_parser = word_of::<Scale>())]
    pub(super) scale: Option<Scale>,

    /// Colour theme; pictures support auto, light and dark [default: auto]
    #[arg(long, value_name = "THEME")]
    pub(super) theme: Option<ThemeArg>,

    /// Language of the view, pictures and explanations [default: for the view from LANG, else en]
    #[arg(long, value_name = "LANGUAGE", value_parser = word_of::<Locale>())]
    pub(super) locale: Option<Locale>,

    /// Replace every address by another one of the same network, in every format; the same seed gives the same ones
    /// [default: other ones in each run]
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true)]
    pub(super) privacy: Option<Option<String>>,

    /// Flush after every line
    #[arg(short = 'l', long)]
    pub(super) line_buffered: bool,

    /// Print only errors on stderr
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Print more on stderr
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,

    /// Addresses and ports are always numbers: what tcpdump and tshark need this for
    #[arg(short = 'n', action = ArgAction::Count, hide = true)]
    pub(super) numeric: u8,
}

/// Which packets to write, and into which files.
#[derive(Debug, clap::Args)]
pub(super) struct RecordArgs {
    /// Write the packets to a file: pcapng with the verdict of each flow as a comment, or classic pcap if it is named
    /// `.pcap`; live at full size unless -s says otherwise
    #[arg(short, long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,

    /// Begin another file after this many millions of octets, or a size with a unit: FILE, FILE1, FILE2
    #[arg(short = 'C', long, value_name = "SIZE")]
    pub(super) write_size: Option<FileSize>,

    /// Begin another file after this many seconds; FILE may have time codes of strftime(3), else numbers are added
    #[arg(short = 'G', long, value_name = "SECONDS")]
    pub(super) write_time: Option<Duration>,

    /// With -C keep at most this many files; with -G alone stop after them
    #[arg(short = 'W', long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) write_count: Option<u32>,

    /// Write only packets of flows that match -Y or have an anomaly of severity warn or alert, with those before it
    #[arg(long)]
    pub(super) write_matching: bool,

    /// With --write-matching: how long a packet is kept in memory until its flow matches [default: 60s]
    #[arg(long, value_name = "TIME")]
    pub(super) keep_time: Option<Duration>,

    /// With --write-matching: how much is kept in memory at most, with a unit [default: 64M]
    #[arg(long, value_name = "SIZE")]
    pub(super) keep_size: Option<LargeSize>,
}

/// Colours of the view and of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ThemeArg {
    /// Follow the terminal or the system
    Auto,
    /// For light backgrounds
    Light,
    /// For dark backgrounds
    Dark,
    /// High contrast
    HighContrast,
    /// For colour vision deficiency
    Cvd,
    /// No colour
    Mono,
}

/// The terminal view.
#[cfg(feature = "tui")]
#[derive(Debug, clap::Args)]
pub(super) struct ViewArgs {
    /// Replay a file at a speed: 1x, 10x, 0.5x or max
    #[arg(long, value_name = "SPEED", conflicts_with_all = ["interface", "follow"])]
    pub(super) replay: Option<Speed>,

    /// When to use colours [default: auto]
    #[arg(long, value_name = "WHEN")]
    pub(super) color: Option<ColorArg>,

    /// Draw only with ASCII characters
    #[arg(long)]
    pub(super) ascii: bool,

    /// Enable mouse support (ignored over ssh)
    #[arg(long)]
    pub(super) mouse: bool,

    /// Write one sentence per event instead of a screen, for screen readers and dumb terminals
    #[arg(long, conflicts_with_all = ["format", "json", "explain"])]
    pub(super) plain: bool,

    /// Maximum frames per second [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(super) fps: Option<u16>,

    /// Layout of the view: auto, compact, split or full
    #[arg(long = "view", value_name = "HOW", value_parser = arrangement)]
    pub(super) arrangement: Option<Arrangement>,

    /// Also write ndjson to standard output
    #[arg(long)]
    pub(super) tee: bool,

    #[arg(long, help = "Print the key bindings as a [keys] section")]
    pub(super) print_keys: bool,

    /// What the configuration makes of the keys.
    #[arg(skip)]
    pub(super) keys: Keys,
}

/// When to use colours.
#[cfg(feature = "tui")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// If the terminal supports them and `NO_COLOR` is not set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The speed of a replay: times packet time; `None` for as fast as possible.
#[cfg(feature = "tui")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed(pub(super) Option<f64>);

#[cfg(feature = "tui")]
impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self(None));
        }
        match text.trim_end_matches('x').parse::<f64>() {
            Ok(speed) if speed.is_finite() && (0.01..=65_536.0).contains(&speed) => Ok(Self(Some(speed))),
            _ => Err("expected 1x, 10x, 0.5x or max".to_owned()),
        }
    }
}

#[cfg(feature = "tui")]
fn arrangement(text: &str) -> Result<Arrangement, String> {
    text.parse().map_err(|_| "expected auto, compact, split or full".to_owned())
}

/// What a script wants to know.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Exit with code 3 if a finished flow or an anomaly matches a flow filter (repeatable)
    #[arg(long, value_name = "FILTER")]
    pub(super) fail_on: Vec<String>,

    /// Exit with code 3 unless a finished flow or an anomaly matches a flow filter (repeatable)
    #[arg(long, value_name = "FILTER")]
    pub(super) expect: Vec<String>,
}

/// The rest.
#[derive(Debug, clap::Args)]
pub(super) struct OtherArgs {
    /// Answer metrics over HTTP for Prometheus at http://HOST:PORT/metrics; without HOST, on the loopback interface
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) metrics: Option<String>,

    /// Write metrics to a file for node_exporter's textfile collector
    #[arg(long, value_name = "FILE")]
    pub(super) metrics_file: Option<PathBuf>,

    /// Also count flows by server, for the first 64 servers and all others together
    #[arg(long, value_name = "LABEL")]
    pub(super) metrics_label: Option<MetricsLabel>,

    /// As root, become this user before the first packet; `root` stays root [default: synscope, else nobody]
    #[arg(short = 'Z', long, value_name = "USER")]
    pub(super) user: Option<String>,

    /// Give up rights before the first packet: strict (or refuse to run), on (as many as possible) or off; `status`
    /// prints what holds [default: on]
    #[arg(long, value_name = "HOW")]
    pub(super) sandbox: Option<SandboxArg>,

    /// Ask this host's kernel which processes have its connections, and how full its queues are (live, Linux): on or
    /// off [default: on]
    #[arg(long, value_name = "HOW", conflicts_with = "read")]
    pub(super) kernel: Option<KernelArg>,
    /// Configuration file, instead of the user's (~/.config/synscope/config.toml) and the system's
    /// (/etc/synscope/config.toml)
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Do not read a configuration file
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,

    /// Use the settings of [profile.NAME] of the configuration
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// Print every setting and where it comes from
    #[arg(long)]
    pub(super) print_config: bool,

    /// Print a commented configuration file with every setting
    #[arg(long)]
    pub(super) print_config_template: bool,

    /// Print a manual page (man, man-filter, man-events) or the completions of a shell
    #[arg(long, value_name = "WHAT")]
    pub(super) generate: Option<Generated>,

    /// Print the JSON Schema of events
    #[arg(long)]
    pub(super) print_schema: bool,

    /// Print help
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,

    /// Print version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Labels that make series of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum MetricsLabel {
    /// The address of the server
    Server,
}

/// What `--generate` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Generated {
    /// synscope(1)
    Man,
    /// synscope-filter(7)
    ManFilter,
    /// synscope-events(5)
    ManEvents,
    /// Completions of bash
    Bash,
    /// Completions of Elvish
    Elvish,
    /// Completions of fish
    Fish,
    /// Completions of Nushell
    Nushell,
    /// Completions of PowerShell
    Powershell,
    /// Completions of zsh
    Zsh,
}

impl Args {
    /// Whether they ask for something that no setting changes, so that none has to be read.
    pub(super) const fn asks_about_program(&self) -> bool {
        self.other.generate.is_some()
            || self.other.print_config_template
            || self.other.print_schema
            || self.input.list_presets
            || self.analysis.list_anomalies.is_some()
    }
}

/// Reads one of the words of `T`, a type of another module.
fn word_of<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = strum::ParseError> + VariantNames + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(T::VARIANTS).try_map(|word| word.parse())
}

/// The format that is a screen.
pub(super) const TUI: &str = "tui";

/// Reads a name of [`FORMATS`], or [`TUI`].
#[derive(Clone)]
struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = &'static str;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let screen = cfg!(feature = "tui").then_some(TUI);
        let names = PossibleValuesParser::new(FORMATS.iter().map(|format| format.name).chain(screen));
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

impl TypedValueParser for TimeParser {
    type Value = TimeStyle;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let letters = PossibleValuesParser::new(TimeStyle::ALL.iter().map(|(_, letters, _)| *letters));
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
    Action::ALL.iter().map(|action| action.name())
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
