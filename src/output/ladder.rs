//! A flow as a sequence diagram, one row per step. [`rows`] is the picture without its drawing, for every view of it.

use core::fmt::Write as _;

use super::clock::rfc3339;
use super::duration::{human, short};
use super::explain::Locale;
use super::words;
use super::words::state_name;
use super::{Out, Settings, StepsShown, Writer};
use crate::engine::{Event, Sink};
use crate::flow::features::{ecn, fast_open, mptcp};
use crate::flow::{ClosedBy, Closing, Ends, Flow, Label, Opening, Shape, Side, Step, Story};
use crate::tcp::{Flags, State};
use crate::time::SECOND;

/// Between the lifelines, columns.
const LANE: usize = 23;
/// A half-close shorter than this is not marked, nanoseconds.
const HALF_CLOSE_SHOWN: i64 = SECOND;

/// A row of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Both endpoints before the first step.
    Before {
        /// The client.
        client: Option<State>,
        /// The server, as presumed.
        server: Option<State>,
    },
    /// A step.
    Step(StepRow),
    /// Data and probes, folded.
    Data {
        /// Frame of the first segment.
        frame: u64,
        /// Segments.
        segments: u64,
        /// Payload octets of the client.
        client_bytes: u64,
        /// Payload octets of the server.
        server_bytes: u64,
    },
    /// From here on the connection is open.
    Established,
    /// One end had closed for this long, nanoseconds, the other had not.
    HalfClosed(i64),
    /// Steps that were not kept.
    Dropped(u32),
}

/// A step, as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// Number of the step in its flow, from 1.
    pub n: usize,
    /// Since the first segment, nanoseconds.
    pub since_start: i64,
    /// Since the step before, nanoseconds.
    pub since_last: i64,
    /// Who sent it.
    pub from: Side,
    /// What it is, numbered within its handshake or teardown.
    pub caption: String,
    /// Whether it repeats an earlier step of the same number.
    pub again: bool,
    /// Whether it belongs to the close.
    pub closing: bool,
    /// The step itself.
    pub step: Step,
    /// The client's state after it, where anything is known of it.
    pub client: Option<State>,
    /// The server's state after it, where anything is known of it.
    pub server: Option<State>,
}

impl StepRow {
    /// The wait before it, with its sign; empty for the first step.
    pub(super) fn delta(&self) -> String {
        let sign = if self.since_last < 0 { "" } else { "+" };
        if self.n == 1 { String::new() } else { format!("{sign}{}", short(self.since_last)) }
    }
}

/// What there is to say where steps are not in the order of their times: rows are in that of the capture. (Data that
/// is folded into one step can last beyond the beginning of the next as well.)
pub(super) fn capture_order(rows: &[Row], locale: Locale) -> Option<String> {
    let mut early = rows.iter().filter_map(|row| match row {
        Row::Step(step) if step.since_last < 0 => Some(step),
        _ => None,
    });
    let (first, more) = (early.next()?, early.count());
    let (n, before) = (first.n, human(first.since_last.saturating_neg()));
    Some(match (locale, more) {
        (Locale::En, 0) => format!("capture order: step {n} begins {before} before the end of the step above it"),
        (Locale::En, _) => {
            format!(
                "capture order: step {n} begins {before} before the end of the step above it, and {more} more do so"
            )
        }
        (Locale::Ko, 0) => format!("캡처 순서: {n}단계는 바로 위 단계가 끝나기 {before} 전에 시작"),
        (Locale::Ko, _) => {
            format!("캡처 순서: {n}단계는 바로 위 단계가 끝나기 {before} 전에 시작, 그런 단계가 {more}개 더 있음")
        }
    })
}

/// The rows of `flow`; with `fold`, data and probes in a row become one.
pub fn rows(flow: &Flow, fold: bool) -> Vec<Row> {
    let story = flow.story();
    let mut builder =
        Builder { flow, story, fold, rows: Vec::new(), numbering: Numbering::default(), last: flow.first_time };
    builder.before();
    let mut open = false;
    for (n, step) in flow.steps.iter().enumerate() {
        builder.half_close(step);
        builder.step(n + 1, step);
        let ends = builder.story.after.get(n).copied().unwrap_or_default();
        // The capture has only one end: that end shows the state of the other.
        let both = ends != Ends::default()
            && [ends.client, ends.server].into_iter().flatten().all(crate::tcp::State::is_synchronized);
        if both && !open && flow.opening().opened() {
            builder.rows.push(Row::Established);
        }
        open |= both;
    }
    if flow.steps_dropped > 0 {
        builder.rows.push(Row::Dropped(flow.steps_dropped));
    }
    builder.rows
}

struct Builder<'a> {
    flow: &'a Flow,
    story: Story,
    fold: bool,
    rows: Vec<Row>,
    numbering: Numbering,
    last: crate::time::Timestamp,
}

impl Builder<'_> {
    fn before(&mut self) {
        if let Some(Ends { client, server }) = self.story.before {
            self.rows.push(Row::Before { client, server });
        }
    }

    /// A mark in front of the second FIN, if the first end had to wait for it.
    fn half_close(&mut self, step: &Step) {
        let second = self.numbering.first_fin.is_some_and(|first| first != step.from) && step.label == Label::Fin;
        if second
            && !self.numbering.second_fin
            && let Some(time) = self.flow.half_closed_time().filter(|time| *time >= HALF_CLOSE_SHOWN)
        {
            self.rows.push(Row::HalfClosed(time));
        }
    }

    fn step(&mut self, n: usize, step: &Step) {
        let caption = self.numbering.caption(step, self.flow);
        let (again, closing) = (self.numbering.again, self.numbering.first_fin.is_some() || step.label == Label::Rst);
        let since_last = step.time - self.last;
        self.last = step.last_time;
        if self.fold && matches!(step.label, Label::Data | Label::Probe) && !step.is_urgent() {
            self.fold_data(step);
            return;
        }
        let Ends { client, server } = self.story.after.get(n - 1).copied().unwrap_or_default();
        self.rows.push(Row::Step(StepRow {
            n,
            since_start: step.time - self.flow.first_time,
            since_last,
            from: step.from,
            caption,
            again,
            closing,
            step: *step,
            client,
            server,
        }));
    }

    fn fold_data(&mut self, step: &Step) {
        if !matches!(self.rows.last(), Some(Row::Data { .. })) {
            self.rows.push(Row::Data { frame: step.frame, segments: 0, client_bytes: 0, server_bytes: 0 });
        }
        if let Some(Row::Data { segments, client_bytes, server_bytes, .. }) = self.rows.last_mut() {
            *segments += u64::from(step.repeat);
            match step.from {
                Side::Client => *client_bytes += u64::from(step.payload),
                Side::Server => *server_bytes += u64::from(step.payload),
            }
        }
    }
}

/// Numbers the steps of a handshake and of a teardown as textbooks do: 1. SYN, 2. SYN+ACK, 3. ACK; 1. FIN, 2. ACK, 3.
/// FIN,
/// 4. ACK.
#[derive(Debug, Default)]
struct Numbering {
    /// What the opening has had so far, in order.
    opening: Vec<(Label, Side)>,
    first_fin: Option<Side>,
    second_fin: bool,
    /// Whether the newest step repeats an earlier one.
    again: bool,
}

/// What the flags of a step say of its data: to be handed over at once (PSH), or urgent up to a pointer (URG).
pub(super) fn pushed_or_urgent(step: &Step) -> String {
    let mut words = String::new();
    if step.label == Label::Data && step.flags.has(Flags::PSH) {
        words.push_str(" PSH");
    }
    if step.flags.has(Flags::URG) && step.label != Label::Other {
        let _ = write!(words, " URG {}", step.urgent);
    }
    words
}

impl Numbering {
    fn caption(&mut self, step: &Step, flow: &Flow) -> String {
        self.again = false;
        let mut caption = match step.label {
            Label::Fin => self.fin(step.from, flow.shape()),
            Label::Ack if self.first_fin.is_some() => self.ack_of_fin(step.from, flow.shape()),
            Label::Ack if !completes(flow, step) && flow.opening() != Opening::SplitHandshake => "ACK".to_owned(),
            Label::Syn if is_new(flow, step) => "SYN (new)".to_owned(),
            Label::Syn | Label::SynAck | Label::Ack => self.opening(step, flow),
            Label::Data => "data".to_owned(),
            Label::Probe => "probe".to_owned(),
            Label::Rst => "RST".to_owned(),
            Label::Icmp => "ICMP error".to_owned(),
            Label::Other => format!("flags {}", step.flags),
        };
        if step.payload > 0 {
            // Writing to a String cannot fail.
            let _ = write!(caption, " {}", octets(u64::from(step.payload)));
        }
        caption.push_str(&pushed_or_urgent(step));
        if step.repeat > 1 {
            let _ = write!(caption, " ×{}", step.repeat);
        }
        caption
    }

    fn opening(&mut self, step: &Step, flow: &Flow) -> String {
        let name = if step.label == Label::SynAck { "SYN+ACK" } else { step.label.name() };
        // What a server acknowledges before its own SYN is no step of this opening.
        let began =
            |(label, from): &(Label, Side)| *label == Label::SynAck || (*label == Label::Syn && *from == Side::Server);
        if step.label == Label::Ack && step.from == Side::Server && !self.opening.iter().any(began) {
            return name.to_owned();
        }
        if step.flags.has(Flags::FIN) && self.first_fin.is_none() {
            self.first_fin = Some(step.from);
            self.opening.push((step.label, step.from));
            return format!("2. {name}, 1. FIN");
        }
        let seen = self.opening.iter().position(|known| *known == (step.label, step.from));
        let seen = seen.filter(|_| !completes(flow, step));
        if seen.is_none() {
            self.opening.push((step.label, step.from));
        } else if step.label == Label::Ack {
            return name.to_owned();
        }
        let number = match step.label {
            _ if flow.opening() == Opening::SplitHandshake => seen.unwrap_or(self.opening.len() - 1) + 1,
            Label::Syn => 1,
            Label::SynAck => 2,
            _ => 3,
        };
        self.again = seen.is_some();
        format!("{number}. {name}{}", self.again_word())
    }

    fn fin(&mut self, from: Side, shape: Option<Shape>) -> String {
        let Some(first) = self.first_fin else {
            self.first_fin = Some(from);
            return "1. FIN".to_owned();
        };
        self.again = from == first || self.second_fin;
        let again = self.again_word();
        if from == first {
            return format!("1. FIN{again}");
        }
        self.second_fin = true;
        match shape {
            Some(Shape::Simultaneous) => format!("1. FIN{again}"),
            // The acknowledgment of the first FIN is in the second: steps 2 and 3 are one segment.
            Some(Shape::ThreeSegment) => format!("2.+3. FIN+ACK{again}"),
            _ => format!("3. FIN{again}"),
        }
    }

    const fn again_word(&self) -> &'static str {
        if self.again { " again" } else { "" }
    }

    fn ack_of_fin(&self, from: Side, shape: Option<Shape>) -> String {
        let number = if shape == Some(Shape::Simultaneous) || self.first_fin != Some(from) { 2 } else { 4 };
        format!("{number}. ACK")
    }
}

/// Whether `step` is the one that completed the handshake.
fn completes(flow: &Flow, step: &Step) -> bool {
    step.label == Label::Ack && flow.handshake.ack.is_some_and(|ack| ack.frame == step.frame)
}

/// Whether `step` is a SYN with another number than the connection began with: no try of this connection's.
pub(super) fn is_new(flow: &Flow, step: &Step) -> bool {
    step.label == Label::Syn && flow.peer(step.from).isn.is_some_and(|isn| isn != step.seq)
}

/// The ladder format.
pub(super) struct Ladder {
    out: Out,
    settings: Settings,
    drawn: bool,
}

impl Ladder {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, settings: settings.clone(), drawn: false }
    }
}

impl Sink for Ladder {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::FlowEnd { flow, .. } = event {
            let gap = if self.drawn { "\n" } else { "" };
            self.drawn = true;
            let picture = draw(flow, self.settings.steps != Some(StepsShown::All));
            self.out.buffer.extend_from_slice(gap.as_bytes());
            self.out.buffer.extend_from_slice(picture.as_bytes());
            self.out.end_line();
        }
    }
}

impl Writer for Ladder {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

/// The ladder of `flow` as text, 80 columns.
pub(super) fn draw(flow: &Flow, fold: bool) -> String {
    let mut text = heading(flow);
    let rows = rows(flow, fold);
    for row in &rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line(row).trim_end());
    }
    if let Some(words) = capture_order(&rows, Locale::En) {
        say(&mut text, "order", &words);
    }
    text.push_str(&verdict(flow));
    text
}

fn heading(flow: &Flow) -> String {
    let start = rfc3339(flow.first_time);
    let start = core::str::from_utf8(&start).unwrap_or_default();
    format!(
        "#{} {} → {}  {start}\n{:>3} {:>9} {:>9} {:>12} │{:LANE$}│ SERVER\n",
        flow.id, flow.client.endpoint, flow.server.endpoint, "#", "t", "Δ", "CLIENT", ""
    )
}

fn line(row: &Row) -> String {
    match row {
        Row::Before { client, server } => {
            format!("{:>23} {:>12} │{:LANE$}│ ({})", "", state_name(*client), "", state_name(*server))
        }
        Row::Step(step) => step_line(step),
        Row::Data { segments, client_bytes, server_bytes, .. } => mark(&data(*segments, *client_bytes, *server_bytes)),
        Row::Established => mark("established"),
        Row::HalfClosed(time) => mark(&format!("half-closed {}", human(*time))),
        Row::Dropped(steps) => mark(&format!("{steps} more steps")),
    }
}

fn step_line(step: &StepRow) -> String {
    let time = if step.n == 1 { "0".to_owned() } else { short(step.since_start) };
    let delta = step.delta();
    let arrow = match step.from {
        Side::Client => format!("├{:─^width$}▶│", step.caption, width = LANE - 1),
        Side::Server => format!("│◀{:─^width$}┤", step.caption, width = LANE - 1),
    };
    format!("{:>3} {time:>9} {delta:>9} {:>12} {arrow} {}", step.n, state_name(step.client), state_name(step.server))
}

/// Folded data: what each end sent, and in how many segments where there is room to say so.
pub(super) fn data(segments: u64, client_bytes: u64, server_bytes: u64) -> String {
    let mut text = String::new();
    if client_bytes > 0 {
        let _ = write!(text, "{} ▸", octets(client_bytes));
    }
    if server_bytes > 0 {
        let gap = if text.is_empty() { "" } else { "  " };
        let _ = write!(text, "{gap}◂ {}", octets(server_bytes));
    }
    let counted = format!("{segments} seg  {text}");
    if counted.chars().count() <= LANE { counted } else { text }
}

/// A remark between the lifelines.
fn mark(text: &str) -> String {
    format!("{:>36} ╎{text:^LANE$}╎", "")
}

/// Octets for people: `14 B`, `1.2 kB`.
pub(super) fn octets(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// Adds a remark below the picture.
fn say(text: &mut String, title: &str, what: &str) {
    for (n, line) in wrapped(what).iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<9} {line}", if n == 0 { title } else { "" });
    }
}

pub(super) fn verdict(flow: &Flow) -> String {
    let mut text = String::new();
    let mut say = |title: &str, what: &str| say(&mut text, title, what);
    say("opening", &opening_words(flow));
    if !flow.role_known {
        say("roles", "guessed: no SYN or SYN-ACK shows the client");
    }
    if let Some(retries) = retry_words(flow) {
        say("retries", &retries);
    }
    if let Some(times) = timing_words(flow) {
        say("time", &times);
    }
    if let Some(options) = option_words(flow) {
        say("options", &options);
    }
    if flow.closing() != Closing::None {
        say("closing", &closing_words(flow));
    }
    if let Some((octets, frame)) = flow.missing() {
        say("capture", &format!("lacks octets that were acknowledged: {octets} (frame {frame})"));
    }
    if let Some(dropped) = dropped_words(flow) {
        say("dropped", &dropped);
    }
    for mark in &flow.marks {
        let frames: Vec<String> = mark.frames.iter().map(ToString::to_string).collect();
        let more = if mark.count > 1 { format!(" ×{}", mark.count) } else { String::new() };
        say("anomaly", &format!("{} {}{more} (frame {})", mark.severity.name(), mark.rule, frames.join(", ")));
    }
    text
}

fn opening_words(flow: &Flow) -> String {
    let mut words = format!("{}: {}", flow.opening(), words::opening_of(flow));
    if flow.handshake.validated {
        words.push_str(", numbers checked");
    }
    words
}

/// What receivers had to drop.
fn dropped_words(flow: &Flow) -> Option<String> {
    let of = |side: Side| {
        let count = flow.unacceptable(side);
        let s = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} segment{s} of the {side}"))
    };
    let ends: Vec<String> = [Side::Client, Side::Server].into_iter().filter_map(of).collect();
    let them = if flow.unacceptable(Side::Client).saturating_add(flow.unacceptable(Side::Server)) == 1 {
        "it"
    } else {
        "them"
    };
    (!ends.is_empty()).then(|| format!("{}: the receiver must drop {them}", ends.join(", ")))
}

fn retry_words(flow: &Flow) -> Option<String> {
    if flow.tries() < 2 {
        return None;
    }
    let mut words = format!("{} SYNs in {}", flow.tries(), human(flow.handshake.syn_gaps().sum()));
    if let Some(backoff) = flow.handshake.backoff() {
        let _ = write!(words, ", gaps {backoff}");
    }
    Some(words)
}

/// The words of `text` in lines that leave room for the title in front.
fn wrapped(text: &str) -> Vec<String> {
    const ROOM: usize = 80 - 12;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= ROOM {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn timing_words(flow: &Flow) -> Option<String> {
    let connect = flow.handshake.connect_time()?;
    let mut words = format!("connect {}", human(connect));
    if let Some(server) = flow.handshake.rtt_server() {
        let _ = write!(words, ", round trip to the server {}", human(server));
    }
    if let Some(client) = flow.handshake.rtt_client() {
        let _ = write!(words, ", client {}", human(client));
    }
    Some(words)
}

/// What both ends offered, client/server, and what became of it.
fn option_words(flow: &Flow) -> Option<String> {
    let (client, server) = (flow.client.offer?, flow.server.offer?);
    let or_none = |value: Option<u16>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let mut words = format!("mss {}/{}", or_none(client.mss), or_none(server.mss));
    let scale = |shift: Option<u8>| or_none(shift.map(u16::from));
    let _ = write!(words, ", scale {}/{}", scale(client.window_scale), scale(server.window_scale));
    for (name, in_effect) in [("sack", flow.in_effect()?.sack), ("timestamps", flow.in_effect()?.timestamps)] {
        if in_effect {
            let _ = write!(words, ", {name}");
        }
    }
    if let Some(ecn) = ecn(flow).filter(|ecn| *ecn != crate::flow::features::Ecn::None) {
        let _ = write!(words, ", ecn {ecn}");
    }
    if let Some(fast_open) = fast_open(flow) {
        let _ = write!(words, ", fast open {fast_open}");
    }
    if let Some(mptcp) = mptcp(flow) {
        let _ = write!(words, ", mptcp {mptcp}");
    }
    Some(words)
}

fn closing_words(flow: &Flow) -> String {
    let mut words = format!("{}: {}", flow.closing(), words::closing_of(flow));
    if let Some(by) = flow.closed_by().filter(|_| flow.teardown.first_fin.is_some()) {
        let _ = write!(
            words,
            ", {}",
            match by {
                ClosedBy::Client => "the client first",
                ClosedBy::Server => "the server first",
                ClosedBy::Both => "neither first",
            }
        );
    }
    if let Some(time) = flow.half_closed_time().filter(|time| *time >= HALF_CLOSE_SHOWN) {
        let _ = write!(words, ", half-closed for {}", human(time));
    }
    words
}
