//! One line per handshake or teardown step, and a verdict at the end of a flow.

use super::clock::TimeStyle;
use core::fmt::Write as _;
use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Local};

use super::clock::Civil;
use super::duration::{human, write_seconds};
use super::escape::for_terminal;
use super::event::kernel::known_end;
use super::words::state_name;
use super::{Out, Settings, Writer};
use crate::detect::Anomaly;
use crate::engine::{Event, Sink};
use crate::flow::{Closing, Ends, Flow, Label, Side, Step};
use crate::kernel::Known;
use crate::tcp::Flags;
use crate::time::Timestamp;
use crate::tls::TlsOpening;

/// Limit of lines that wait for states proved by later steps; beyond it, the first line is written as it is.
const MAX_HELD: usize = 16_384;

/// The text format.
pub(super) struct Text {
    out: Out,
    settings: Settings,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    line: String,
    held: VecDeque<Held>,
    /// How many lines went out before the first that is held.
    gone: usize,
    /// The lines that wait for the end of a flow.
    waiting: HashMap<u64, Vec<usize>>,
}

/// A line that waits, or stands behind one that does.
struct Held {
    text: String,
    /// Of a step: its frame, what is known of both ends, and what stands behind that.
    states: Option<(u64, Ends, String)>,
    settled: bool,
}

impl Text {
    pub(super) fn new(out: Out, settings: &Settings) -> Self {
        Self {
            out,
            settings: settings.clone(),
            first: None,
            last: None,
            line: String::with_capacity(256),
            held: VecDeque::new(),
            gone: 0,
            waiting: HashMap::new(),
        }
    }

    /// Begins a line with the time and the flow's number.
    fn begin(&mut self, time: Timestamp, flow: Option<u64>) {
        self.line.clear();
        let first = *self.first.get_or_insert(time);
        let last = self.last.replace(time).unwrap_or(time);
        // Writing to a String cannot fail.
        let _ = write_time(&mut self.line, self.settings.time, time, first, last);
        let _ = match flow {
            Some(id) => write!(self.line, " #{id:<5} "),
            None => write!(self.line, " {:<6} ", "-"),
        };
    }

    fn end(&mut self) {
        self.hold(Held { text: self.line.trim_end().to_owned(), states: None, settled: true });
    }

    fn step(&mut self, flow: &Flow, step: &Step) {
        self.look_again(flow, false);
        // A folded step shows its newest segment.
        self.begin(step.last_time, Some(flow.id));
        let _ = write_step(&mut self.line, flow, step);
        let mut rest = String::new();
        let _ = write_rest(&mut rest, flow, step);
        let index = flow.steps.iter().rposition(|other| other.frame == step.frame).unwrap_or_default();
        let ends = flow.story().after.get(index).copied().unwrap_or_default();
        let states = Some((step.frame, ends, rest));
        if !self.settings.streams {
            self.waiting.entry(flow.id).or_default().push(self.gone + self.held.len());
        }
        self.hold(Held { text: self.line.clone(), states, settled: self.settings.streams });
    }

    /// Takes what is known of the flow's states by now into the lines that wait for it; at its `end` they wait no
    /// longer.
    fn look_again(&mut self, flow: &Flow, end: bool) {
        let Some(lines) = self.waiting.get(&flow.id) else { return };
        let story = flow.story();
        for held in lines {
            let Some(held) = held.checked_sub(self.gone).and_then(|n| self.held.get_mut(n)) else { continue };
            held.settled = end;
            let Some((frame, ends, _)) = &mut held.states else { continue };
            match flow.steps.iter().rposition(|step| step.frame == *frame) {
                Some(index) => *ends = story.after.get(index).copied().unwrap_or(*ends),
                // A segment that turned out to have reached nobody.
                None if flow.steps_dropped == 0 => held.states = None,
                None => {}
            }
        }
        if end {
            self.waiting.remove(&flow.id);
        }
    }

    fn hold(&mut self, line: Held) {
        self.held.push_back(line);
        while self.held.len() > MAX_HELD || self.held.front().is_some_and(|line| line.settled) {
            self.write_first();
        }
    }

    fn write_first(&mut self) {
        let Some(line) = self.held.pop_front() else { return };
        self.gone += 1;
        self.out.buffer.extend_from_slice(line.text.as_bytes());
        if let Some((_, ends, rest)) = line.states {
            let states = format!("  [{} | {}]{rest}", state_name(ends.client), state_name(ends.server));
            self.out.buffer.extend_from_slice(states.as_bytes());
        }
        self.out.buffer.push(b'\n');
        self.out.end_line();
    }

    fn verdict(&mut self, flow: &Flow, time: Timestamp) {
        self.look_again(flow, true);
        self.begin(time, Some(flow.id));
        let _ = write_verdict(&mut self.line, flow);
        if let Some(known) = &self.settings.known {
            processes(&mut self.line, flow, known);
        }
        self.end();
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.begin(anomaly.time, anomaly.flow_id);
        let _ = write!(self.line, "{:<8} {}: {}", anomaly.severity.name().to_uppercase(), anomaly.id, anomaly.reason);
        self.end();
    }
}

impl Sink for Text {
    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::SessionStart { time } => self.first = Some(time),
            Event::Step { flow, step, folded } => {
                let repeats_data = folded && !step.is_handshake_or_teardown();
                if self.settings.steps.unwrap_or_default().shows(step) && !repeats_data {
                    self.step(flow, step);
                }
            }
            Event::FlowEnd { flow, time } => self.verdict(flow, time),
            Event::Anomaly { anomaly, .. } => self.anomaly(anomaly),
            Event::Segment(_)
            | Event::FlowStart(_)
            | Event::Ending(_)
            | Event::HandshakeEnd(_)
            | Event::TeardownStart { .. }
            | Event::Stats { .. }
            | Event::Hosts { .. } => {}
            Event::SessionEnd { .. } => (0..self.held.len()).for_each(|_| self.write_first()),
        }
    }
}

impl Writer for Text {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}

/// The processes of the ends that are on this host: `, curl (123) → nginx (99)`.
fn processes(line: &mut String, flow: &Flow, known: &Known) {
    let name = |side| {
        let process = known_end(flow, side, known)?.process?;
        Some(format!("{} ({})", for_terminal(&process.name), process.pid))
    };
    let _ = match (name(Side::Client), name(Side::Server)) {
        (None, None) => Ok(()),
        (Some(client), None) => write!(line, ", by {client}"),
        (None, Some(server)) => write!(line, ", served by {server}"),
        (Some(client), Some(server)) => write!(line, ", by {client}, served by {server}"),
    };
}

fn write_time(
    line: &mut String,
    style: TimeStyle,
    time: Timestamp,
    first: Timestamp,
    last: Timestamp,
) -> core::fmt::Result {
    match style {
        TimeStyle::Relative => write_seconds(line, time - first),
        TimeStyle::Delta => write_seconds(line, time - last),
        TimeStyle::Epoch => write_seconds(line, time.0),
        TimeStyle::Utc | TimeStyle::UtcDate => {
            let c = Civil::of(time);
            if style == TimeStyle::UtcDate {
                write!(line, "{:04}-{:02}-{:02} ", c.year, c.month, c.day)?;
            }
            write!(line, "{:02}:{:02}:{:02}.{:09}", c.hour, c.minute, c.second, time.subsecond_nanos())
        }
        TimeStyle::Absolute => write!(line, "{}", local(time).format("%H:%M:%S%.9f")),
        TimeStyle::AbsoluteDate => write!(line, "{}", local(time).format("%Y-%m-%d %H:%M:%S%.9f")),
    }
}

fn local(time: Timestamp) -> DateTime<Local> {
    DateTime::from_timestamp_nanos(time.0).with_timezone(&Local)
}

fn write_step(line: &mut String, flow: &Flow, step: &Step) -> core::fmt::Result {
    let (from, to) = (flow.peer(step.from), flow.peer(step.from.other()));
    write!(line, "{:<8} {} -> {}", step.label, from.endpoint, to.endpoint)?;
    if step.label == Label::Icmp {
        line.push_str("  (ICMP error)");
    } else {
        write!(line, "  seq={} ({})", step.seq.offset_from(from.base()), step.seq)?;
    }
    if let Some(ack) = step.ack {
        // Nothing of the other end was seen yet: there is nothing to count from.
        if to.spoke() {
            write!(line, " ack={} ({ack})", ack.offset_from(to.base()))?;
        } else {
            write!(line, " ack=? ({ack})")?;
        }
    }
    if step.payload > 0 {
        write!(line, " len={}", step.payload)?;
    }
    if step.flags.has(Flags::URG) {
        write!(line, " URG pointer={}", step.urgent)?;
    }
    if step.label == Label::Data && step.flags.has(Flags::PSH) {
        line.push_str(" PSH");
    }
    Ok(())
}

/// What stands behind the states.
fn write_rest(line: &mut String, flow: &Flow, step: &Step) -> core::fmt::Result {
    if step.repeat > 1 {
        write!(line, "  seen {} times", step.repeat)?;
    }
    let before =
        flow.steps.iter().rposition(|other| other.frame == step.frame).and_then(|n| flow.steps.get(n.checked_sub(1)?));
    if let Some(before) = before.filter(|before| step.time < before.last_time) {
        write!(line, "  capture order: {} before the end of the step above", human(before.last_time - step.time))?;
    }
    Ok(())
}

fn write_verdict(line: &mut String, flow: &Flow) -> core::fmt::Result {
    write!(line, "{:<8} {} -> {}  {}", "END", flow.client.endpoint, flow.server.endpoint, flow.opening())?;
    if flow.withdrawn().is_some() {
        line.push_str(" (withdrawn by the server)");
    } else if flow.had_no_fitting_answer() {
        line.push_str(" (no answer fits)");
    }
    write_close(line, flow)?;
    if let Some(connect) = flow.handshake.connect_time() {
        write!(line, ", connect {}", human(connect))?;
    }
    if let (Some(rtt), Some(server), Some(client)) =
        (flow.handshake.rtt(), flow.handshake.rtt_server(), flow.handshake.rtt_client())
    {
        write!(line, ", rtt {} (server {}, client {})", human(rtt), human(server), human(client))?;
    }
    if let Some(tls) = flow.tls() {
        write_tls(line, tls)?;
    }
    if flow.tries() > 1 {
        write!(line, ", {} SYNs", flow.tries())?;
        if let Some(backoff) = flow.handshake.backoff() {
            write!(line, " (gaps {backoff})")?;
        }
    }
    write!(line, ", {} packets, {}/{} bytes", flow.packets(), flow.client.bytes, flow.server.bytes)?;
    if let Some((octets, frame)) = flow.missing() {
        write!(line, ", octets missing: {octets} (capture-hole, frame {frame})")?;
    }
    let mut separator = ", anomalies: ";
    for mark in &flow.marks {
        write!(line, "{separator}{}", mark.rule)?;
        separator = " ";
        if mark.count > 1 {
            write!(line, "×{}", mark.count)?;
        }
    }
    Ok(())
}

fn write_tls(line: &mut String, tls: &TlsOpening) -> core::fmt::Result {
    line.push_str(", TLS");
    if let Some(version) = tls.version {
        write!(line, " {version}")?;
    }
    if let Some(kind) = tls.kind {
        write!(line, " {}", kind.name())?;
    }
    if tls.retry.is_some() {
        line.push_str(" with a hello retry");
    }
    if let Some(early) = tls.early_data {
        write!(line, " with early data {}", early.name())?;
    }
    match (tls.duration(), tls.failure) {
        (Some(took), _) => write!(line, " in {}", human(took))?,
        (None, Some(failure)) => {
            write!(line, " failed: {}", failure.description().unwrap_or("closed"))?;
            write!(line, " after {}", failure.after.name())?;
        }
        (None, None) => line.push_str(" not complete"),
    }
    Ok(())
}

fn write_close(line: &mut String, flow: &Flow) -> core::fmt::Result {
    let closing = flow.closing();
    if closing == Closing::None {
        return Ok(());
    }
    write!(line, ", {closing}")?;
    match (flow.shape(), flow.closed_by()) {
        (Some(shape), Some(by)) => write!(line, " ({shape}, by {by})")?,
        (Some(shape), None) => write!(line, " ({shape})")?,
        _ => {}
    }
    if let Some(unseen) = flow.closing_unseen() {
        write!(line, ", the {unseen} is not in the capture")?;
    }
    if let Some(half) = flow.half_closed_time().filter(|t| *t >= crate::time::SECOND) {
        write!(line, ", half-closed {}", human(half))?;
    }
    let state = |side| state_name(flow.final_state(side));
    write!(line, ", {}/{}", state(Side::Client), state(Side::Server))
}
