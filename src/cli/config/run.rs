//! What is to be done, resolved: plain data.

use std::path::{Path, PathBuf};

use super::super::args::{DirectionArg, Generated};
use super::super::metrics::MetricsChoice;
use super::super::sandbox::Sandbox;
use crate::capture::FileInput;
use crate::capture::preset::Preset;
use crate::detect::host;
use crate::detect::{Rule, Selection};
use crate::flow::{Limits, Timeouts};
use crate::flow_filter::FlowFilter;
#[cfg(feature = "tui")]
use crate::output::Locale;
use crate::output::packet_file::PacketFormat;
use crate::output::rotate::Rotation;
#[cfg(feature = "tui")]
use crate::output::tui::{Arrangement, Keys, ThemeName};
use crate::output::{Format, Settings};

/// What to do.
pub(in crate::cli) enum Task {
    /// Analyse packets.
    Run(Box<Run>),
    /// Print a manual page or completions.
    Generate(Generated),
    /// Print a commented configuration.
    PrintConfigTemplate,
    /// Print the JSON Schema of the events.
    PrintSchema,
    /// List the capture filters that come with the program.
    ListPresets,
    /// List the interfaces.
    ListInterfaces,
    /// List the fields of flow filters.
    ListFields,
    /// List the anomalies.
    ListAnomalies,
    /// Explain one anomaly.
    ExplainAnomaly(&'static Rule),
    /// List the keys of the terminal view.
    #[cfg(feature = "tui")]
    PrintKeys(Keys, Locale),
    /// Give up rights, and print which.
    SandboxStatus(Sandbox),
    /// Print this text.
    Print(String),
}

/// The terminal view.
#[cfg(feature = "tui")]
#[derive(Clone, Debug)]
pub(in crate::cli) struct View {
    /// The speed of a replay, if one was asked for; `None` in it is as fast as possible.
    pub(in crate::cli) replay: Option<Option<f64>>,
    pub(in crate::cli) theme: ThemeName,
    pub(in crate::cli) force_color: bool,
    pub(in crate::cli) true_color: bool,
    pub(in crate::cli) ascii: bool,
    pub(in crate::cli) mouse: bool,
    pub(in crate::cli) fps: u16,
    pub(in crate::cli) arrangement: Arrangement,
    pub(in crate::cli) locale: Locale,
    /// Whether NDJSON goes to standard output at the same time.
    pub(in crate::cli) tee: bool,
    pub(in crate::cli) keys: Keys,
}

/// This build has no terminal view.
#[cfg(not(feature = "tui"))]
#[derive(Clone, Debug)]
pub(in crate::cli) enum View {}

/// Packets that are written.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Recording {
    /// Absent for standard output.
    pub(in crate::cli) path: Option<PathBuf>,
    pub(in crate::cli) format: PacketFormat,
    /// Octets after which another file begins.
    pub(in crate::cli) size: Option<u64>,
    /// Packet time after which another file begins, nanoseconds.
    pub(in crate::cli) time: Option<i64>,
    /// How many files.
    pub(in crate::cli) count: Option<u32>,
    /// Whether each packet is passed on at once.
    pub(in crate::cli) flush: bool,
    /// What is kept in memory, where only packets of some flows are written.
    pub(in crate::cli) matching: Option<Matching>,
}

/// Packets in memory until it is known whether they are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Matching {
    /// Packet time that is kept, nanoseconds.
    pub(in crate::cli) time: i64,
    /// Octets that are kept.
    pub(in crate::cli) octets: u64,
}

/// An analysis, resolved.
pub(in crate::cli) struct Run {
    pub(in crate::cli) input: Input,
    pub(in crate::cli) filter: Option<FilterChoice>,
    pub(in crate::cli) stop: Stop,
    /// How many octets a compressed file may decompress to.
    pub(in crate::cli) max_decompressed: Option<u64>,
    pub(in crate::cli) analysis: Analysis,
    pub(in crate::cli) output: Output,
    pub(in crate::cli) checks: Checks,
    /// Packets that are written, if any.
    pub(in crate::cli) recording: Option<Recording>,
    /// The terminal view, if requested.
    pub(in crate::cli) view: Option<View>,
    /// Which rights are given up.
    pub(in crate::cli) sandbox: Sandbox,
    /// Whether this host's kernel is asked about its own connections.
    pub(in crate::cli) kernel: AskKernel,
    pub(in crate::cli) metrics: MetricsChoice,
    pub(in crate::cli) quiet: bool,
    pub(in crate::cli) verbose: bool,
}

/// Whether this host's kernel is asked about its own connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum AskKernel {
    /// It is, or the program says why not.
    Yes,
    /// It is, where that is possible.
    WherePossible,
    No,
}

/// Where packets come from.
pub(in crate::cli) enum Input {
    /// Files, fifos, standard input.
    Files(Vec<FileInput>),
    /// Interfaces.
    Live(Live),
}

impl Input {
    /// Whether packets arrive as they are sent, so that output should not wait.
    pub(in crate::cli) fn is_streaming(&self) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Files(files) => files.iter().any(|file| match file {
                FileInput::Stdin | FileInput::Followed(_) => true,
                FileInput::Path(path) => is_fifo(path),
            }),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
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
pub(in crate::cli) struct Live {
    pub(in crate::cli) interfaces: Vec<String>,
    /// Octets of each packet; `None` for the default.
    pub(in crate::cli) snaplen: Option<u32>,
    pub(in crate::cli) promiscuous: bool,
    pub(in crate::cli) direction: Option<DirectionArg>,
    /// Octets; `None` for the default.
    pub(in crate::cli) buffer_size: Option<u32>,
    pub(in crate::cli) link_type: Option<String>,
}

/// A capture filter.
#[derive(Clone, Debug)]
pub(in crate::cli) enum FilterChoice {
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
    pub(in crate::cli) fn name(&self) -> String {
        match self {
            Self::Expression(expression) => expression.clone(),
            Self::File { name, .. } => format!("file {name}"),
            Self::Preset(preset) => format!("preset {}", preset.name),
        }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Stop {
    pub(in crate::cli) packets: Option<u64>,
    /// Finished flows.
    pub(in crate::cli) flows: Option<u64>,
    /// Nanoseconds of packet time.
    pub(in crate::cli) duration: Option<i64>,
}

/// How to judge.
pub(in crate::cli) struct Analysis {
    pub(in crate::cli) timeouts: Timeouts,
    pub(in crate::cli) limits: Limits,
    /// Octets that tables may take (`--max-memory`).
    #[cfg(feature = "tui")]
    pub(in crate::cli) memory: usize,
    /// What to say where memory is short.
    pub(in crate::cli) memory_word: Option<String>,
    /// Which rules are on.
    pub(in crate::cli) rules: Selection,
    /// Anomalies across connections.
    pub(in crate::cli) hosts: host::Settings,
    pub(in crate::cli) ignore_checksums: bool,
    pub(in crate::cli) zeek_checksums: bool,
    /// Report only flows that match.
    pub(in crate::cli) flows_where: Option<FlowFilter>,
}

/// What decides between exit codes 0 and 3.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Checks {
    /// Nothing may match any of these.
    pub(in crate::cli) fail_on: Vec<FlowFilter>,
    /// Something must match each of these.
    pub(in crate::cli) expect: Vec<FlowFilter>,
}

impl Checks {
    /// Whether there are none.
    pub(in crate::cli) const fn is_empty(&self) -> bool {
        self.fail_on.is_empty() && self.expect.is_empty()
    }
}

/// What to write, and where.
pub(in crate::cli) struct Output {
    pub(in crate::cli) format: &'static Format,
    pub(in crate::cli) path: Option<PathBuf>,
    pub(in crate::cli) settings: Settings,
    pub(in crate::cli) flow: Option<u64>,
    pub(in crate::cli) flush_lines: bool,
    /// When new files begin, if output goes on in such.
    pub(in crate::cli) rotation: Option<Rotation>,
}
