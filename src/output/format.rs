//! A format and its settings.

use std::sync::Arc;

use super::clock::TimeStyle;
use super::event::{Action, Detail, StepsShown};
use super::explain::{Level, Locale, Topic};
use super::out::Out;
use super::picture_options::{Part, Scale, Theme};
use super::privacy::Mask;
use crate::detect::Severity;
use crate::engine::Sink;
use crate::kernel::{Alarm, Known};
use crate::network::IpNet;

/// The inputs and the filter, for formats that print them.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Files or interfaces, as given.
    pub inputs: Vec<String>,
    /// Capture filter, where there is one.
    pub filter: Option<String>,
    /// Which rights this process has given up, as one word; absent where nobody asked.
    pub sandbox: Option<String>,
}

/// What the user asked of the output.
#[derive(Clone)]
pub struct Settings {
    /// What is being analysed.
    pub session: Session,
    /// What stands for addresses (`--privacy`).
    pub mask: Option<Arc<Mask>>,
    /// How times are written (`-t`).
    pub time: TimeStyle,
    /// Which steps are written (`--steps`); `None` for what the format writes by itself.
    pub steps: Option<StepsShown>,
    /// Which events are written (`--events`); `None` for [`default_events`].
    pub events: Option<Vec<Action>>,
    /// How much of a flow its events carry (`--detail`).
    pub detail: Detail,
    /// The least severity of anomalies that are events of their own (`--min-severity`); `None` for note, or with all
    /// details info.
    pub min_severity: Option<Severity>,
    /// Columns of CSV and TSV (`-e`); empty for the default ones.
    pub fields: Vec<String>,
    /// Networks that are ours (`--local-net`).
    pub local_nets: Vec<IpNet>,
    /// Whether packets arrive as they are sent: nothing waits for what comes later.
    pub streams: bool,
    /// How flows are drawn.
    pub pictures: Pictures,
    /// The language of pictures and explanations (`--locale`).
    pub locale: Locale,
    /// How much is explained (`--explain`); `None` for what the format thinks best.
    pub level: Option<Level>,
    /// What is explained instead of flows (`--explain`).
    pub topic: Option<Topic>,
    /// The only reported flow (`--flow`).
    pub flow: Option<u64>,
    /// The filter that flows have to match (`-Y`), as typed: a picture is then of the first one, and a page begins
    /// with it.
    pub flows_where: Option<String>,
    /// Zeek's rows go by every checksum (`--zeek-checksums`).
    pub zeek_checksums: bool,
    /// What the kernel of this host knows of its own connections, where it is asked.
    pub known: Option<Arc<Known>>,
}

impl Default for Settings {
    /// What is written where nothing is asked for; anomalies have no names.
    fn default() -> Self {
        Self {
            session: Session::default(),
            mask: None,
            time: TimeStyle::default(),
            steps: None,
            events: None,
            detail: Detail::default(),
            min_severity: None,
            fields: Vec::new(),
            local_nets: Vec::new(),
            streams: false,
            pictures: Pictures::default(),
            locale: Locale::default(),
            level: None,
            topic: None,
            flow: None,
            flows_where: None,
            zeek_checksums: false,
            known: None,
        }
    }
}

/// How flows are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Which part (`--part`).
    pub part: Part,
    /// How time is drawn (`--scale`).
    pub scale: Scale,
    /// Colours (`--theme`).
    pub theme: Theme,
}

/// The events written where `--events` does not say otherwise: the end of an opening only while packets arrive, since
/// `flow_end` says the same of a file.
pub(super) fn default_events(streams: bool, detail: Detail) -> Vec<Action> {
    let opening = (streams || detail == Detail::Full).then_some(Action::HandshakeEnd);
    let opening = opening.into_iter().chain(streams.then_some(Action::Listener));
    let others = [Action::SessionStart, Action::FlowEnd, Action::Anomaly, Action::SessionEnd];
    others.into_iter().chain(opening).collect()
}

/// A running format.
pub trait Writer: Sink {
    /// Where it writes.
    fn out(&mut self) -> &mut Out;

    /// What was asked for and is not in the capture, when all was written.
    fn lacks(&self) -> Option<String> {
        None
    }

    /// An accept queue of this host passed a level.
    fn listener(&mut self, _alarm: &Alarm) {}
}

/// A format that `-T` takes.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// What it is, for `--help`.
    pub about: &'static str,
    /// The options of the output that it heeds.
    pub options: &'static [&'static str],
    /// Whether it writes segments, without a flow that a filter could be asked about.
    pub of_segments: bool,
    /// Whether it writes no sentences and figures of anomalies.
    pub terse: bool,
    /// Starts it.
    pub open: fn(Out, &Settings) -> Box<dyn Writer>,
}
