//! The options of `synscope compare`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::output::Locale;

const EXAMPLES: &str = "\
Examples:
  synscope compare client.pcap server.pcap          where did the SYN die, who made the RST?
  synscope compare A.pcap B.pcap -T ladder          the same, segment by segment between four lines
  synscope compare A.pcap B.pcap --json | jq .      the same as events
  synscope compare -r A.pcap --at client -r B.pcap --at server

A file called 'compare' is read by -r compare.";

/// Compare two captures of the same traffic, taken at two places.
#[derive(Debug, Parser)]
#[command(name = "synscope compare", after_help = EXAMPLES, max_term_width = 120, disable_version_flag = true)]
pub(in crate::cli) struct CompareArgs {
    /// The two captures, A and B
    #[arg(value_name = "FILE", num_args = 0..=2, conflicts_with = "read")]
    pub(super) files: Vec<OsString>,

    /// A capture, in place of the arguments (twice)
    #[arg(short, long, value_name = "FILE")]
    pub(super) read: Vec<OsString>,

    /// Where the capture before it was taken (once or twice)
    #[arg(long, value_name = "PLACE", value_enum)]
    pub(super) at: Vec<TapPlace>,

    /// Format
    #[arg(short = 'T', long, value_name = "FORMAT", value_enum, default_value_t = CompareFormatArg::Text)]
    pub(super) format: CompareFormatArg,

    /// The same as -T ndjson
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,

    /// Write connections to which nothing happened, too
    #[arg(long)]
    pub(super) all: bool,

    /// Write one connection only
    #[arg(long, value_name = "N")]
    pub(super) flow: Option<u64>,

    /// Keep at most this many connections at a time; beyond, those silent longest are judged early
    #[arg(long, value_name = "N", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_flows: u32,

    /// Stop reading a compressed file that decompresses to more than this many octets
    #[arg(long, value_name = "OCTETS")]
    pub(super) max_decompressed: Option<u64>,

    /// Do not verify TCP checksums
    #[arg(long)]
    pub(super) ignore_checksums: bool,

    /// Language of text
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub(super) locale: Option<LocaleArg>,

    /// Write to a file
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Give up rights before reading
    #[arg(long, value_name = "MODE", value_enum, default_value_t = RightsArg::On)]
    pub(super) sandbox: RightsArg,
}

/// A place where a capture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TapPlace {
    /// At the client, or nearer to it.
    Client,
    /// At the server, or nearer to it.
    Server,
}

/// A format of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareFormatArg {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Ndjson,
    /// Four lines, and the segments between them.
    Ladder,
}

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LocaleArg {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl LocaleArg {
    pub(super) const fn locale(self) -> Locale {
        match self {
            Self::En => Locale::En,
            Self::Ko => Locale::Ko,
        }
    }
}

/// Whether rights are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RightsArg {
    /// All, or refuse to run.
    Strict,
    /// As many as the system allows.
    On,
    /// None.
    Off,
}
