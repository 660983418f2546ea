//! Flows as words: outcomes, stories, explanations, copies and exports.

use core::cmp::Reverse;
use core::fmt::Write as _;
use std::path::Path;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::locale::Word;
use super::store::FlowRow;
use super::theme::Class;
use crate::detect::anomaly::Figure;
use crate::detect::registry;
use crate::detect::{Anomaly, Severity};
use crate::flow::community_id::CommunityId;
use crate::flow::{Closing, Flow, Label, Opening, Side, Step};
use crate::flow_filter::Phase;
use crate::output::cause::Cause;
use crate::output::duration::{compact, human};
use crate::output::event::build::{Context, flow_event};
use crate::output::event::{Action, Detail, StepsShown, write_line};
use crate::output::explain::{Block, Level, anomalies, explain_flow, terms};
use crate::output::ladder;
use crate::output::mermaid::Diagram;
use crate::output::pcapng::comment;
use crate::output::words::state_name;
use crate::output::{Locale, Mask};
use crate::tcp::State;
use crate::time::{SECOND, Timestamp};

/// A longer silence appears in a story, nanoseconds.
const GAP_REPORTED: i64 = SECOND;

/// A count in at most five columns: `999`, `8.4k`, `120M`.
pub(super) fn count(n: u64) -> String {
    let scaled = |n: f64, unit| if n < 9.95 { format!("{n:.1}{unit}") } else { format!("{n:.0}{unit}") };
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => scaled(n as f64 / 1e3, "k"),
        1_000_000..1_000_000_000 => scaled(n as f64 / 1e6, "M"),
        _ => scaled(n as f64 / 1e9, "G"),
    }
}

/// `text` in exactly `width` columns; a longer one is cut at its end, or at its start if `keep_end`.
pub(super) fn fit(text: &str, width: usize, keep_end: bool) -> String {
    let have = text.width();
    if have <= width {
        return format!("{text}{}", " ".repeat(width - have));
    }
    if width == 0 {
        return String::new();
    }
    let mut taken = String::new();
    let mut used = 0;
    let mut take = |c: char| {
        let room = c.width().unwrap_or(0);
        let fits = used + room < width;
        if fits {
            used += room;
            taken.push(c);
        }
        fits
    };
    if keep_end {
        let _ = text.chars().rev().all(&mut take);
        let rest: String = taken.chars().rev().collect();
        return format!("{}…{rest}", " ".repeat(width - 1 - used));
    }
    let _ = text.chars().all(&mut take);
    format!("{taken}…{}", " ".repeat(width - 1 - used))
}

/// `text` right-aligned in `width` columns.
pub(super) fn right(text: &str, width: usize) -> String {
    let have = text.width();
    if have > width { fit(text, width, false) } else { format!("{}{text}", " ".repeat(width - have)) }
}

pub(super) const fn phase(phase: Phase) -> Word {
    match phase {
        Phase::SynSent => Word::PhaseSynSent,
        Phase::SynReceived => Word::PhaseSynReceived,
        Phase::Established => Word::PhaseEstablished,
        Phase::HalfClosed => Word::PhaseHalfClosed,
        Phase::Closing => Word::PhaseClosing,
        Phase::Closed => Word::PhaseClosed,
        Phase::Failed => Word::PhaseFailed,
        Phase::Unknown => Word::PhaseUnknown,
    }
}

/// How a flow opened and closed, in a few words; with a question mark where lost packets may have made it so.
pub(super) fn outcome(row: &FlowRow, locale: Locale) -> String {
    let outcome = outcome_of(&row.flow, locale);
    if row.gap { format!("{outcome}?") } else { outcome }
}

fn outcome_of(flow: &Flow, locale: Locale) -> String {
    let word = |word| locale.say(word).to_owned();
    let tries = flow.tries();
    match flow.opening() {
        Opening::Refused => word(Word::Refused),
        Opening::Unreachable => word(Word::Unreachable),
        Opening::Unanswered if tries > 1 => format!("{} ×{tries}", locale.say(Word::NoAnswer)),
        Opening::Unanswered => word(Word::NoAnswer),
        Opening::Aborted => word(Word::GaveUp),
        Opening::MissingAck => word(Word::Embryonic),
        Opening::ResetAfterSynAck => word(Word::Rejected),
        Opening::Invalid => word(Word::InvalidFlags),
        _ => closing(flow, locale),
    }
}

fn closing(flow: &Flow, locale: Locale) -> String {
    let word = |word| locale.say(word).to_owned();
    let by_client = flow.teardown.first_fin == Some(Side::Client);
    match flow.closing() {
        Closing::Fin => match flow.half_closed_time() {
            Some(time) if time >= SECOND => format!("{} {}", locale.say(Word::HalfClosedFor), compact(time)),
            _ if by_client => word(Word::FinClient),
            _ => word(Word::FinServer),
        },
        Closing::SimultaneousFin => word(Word::FinBoth),
        Closing::ResetByClient => word(Word::RstClient),
        Closing::ResetByServer => word(Word::RstServer),
        Closing::FinThenReset if by_client => format!("{}+RST", locale.say(Word::OneFinClient)),
        Closing::FinThenReset => format!("{}+RST", locale.say(Word::OneFinServer)),
        Closing::HalfClosed if by_client => word(Word::OneFinClient),
        Closing::HalfClosed => word(Word::OneFinServer),
        Closing::IdleExpired => word(Word::Idle),
        Closing::Open if flow.opening() == Opening::Midstream => word(Word::Midstream),
        Closing::Open if flow.opening() == Opening::SynAckOnly => word(Word::NoSyn),
        Closing::Open => "-".to_owned(),
        Closing::None if is_missing_ack(flow) => format!("{} ×{}", locale.say(Word::NoAck), flow.server.synack_count),
        Closing::None => match flow.tries() {
            0 => word(Word::NoSyn),
            1 => "-".to_owned(),
            tries => format!("{} ×{}", locale.say(Word::Retry), tries - 1),
        },
    }
}

/// How bad a flow is.
pub(super) fn class(row: &FlowRow) -> Class {
    let flow = &row.flow;
    let marked = flow.marks.iter().map(|mark| mark.severity).max().unwrap_or(Severity::Info);
    if marked >= Severity::Alert {
        return Class::Alert;
    }
    if flow.opening().failed() || flow.opening() == Opening::Invalid {
        return Class::Fail;
    }
    let by_mark = match marked {
        Severity::Alert | Severity::Warn => Class::Warn,
        Severity::Note => Class::Note,
        Severity::Info => Class::Ok,
    };
    let by_phase = match (flow.closing(), Phase::of(flow)) {
        (Closing::ResetByClient | Closing::ResetByServer | Closing::FinThenReset, _) => Class::Warn,
        (Closing::HalfClosed, _) => Class::Note,
        (_, Phase::SynSent | Phase::SynReceived) if flow.tries() > 1 => Class::Warn,
        (_, Phase::SynSent | Phase::SynReceived | Phase::Closing) if row.ended.is_none() => Class::Progress,
        (Closing::Fin | Closing::SimultaneousFin, _) => Class::Historic,
        _ => Class::Ok,
    };
    by_mark.max(by_phase)
}

/// `SYN▸ ◂SYN·ACK ▸ACK ▸1B ◂2B ◂FIN ▸ack ‥25.0s‥ ▸FIN ◂ack`.
pub(super) fn story(flow: &Flow) -> String {
    let mut story = String::new();
    let mut last: Option<Timestamp> = None;
    let mut closing = false;
    for step in &flow.steps {
        if let Some(before) = last.filter(|before| step.time - *before >= GAP_REPORTED) {
            // Writing to a String cannot fail.
            let _ = write!(story, "‥{}‥ ", compact(step.time - before));
        }
        last = Some(step.last_time);
        let what = story_word(step, closing);
        closing |= step.label == Label::Fin;
        let times =
            if step.repeat > 1 && step.label != Label::Data { format!("×{}", step.repeat) } else { String::new() };
        let _ = match step.from {
            Side::Client => write!(story, "▸{what}{times} "),
            Side::Server => write!(story, "◂{what}{times} "),
        };
    }
    if flow.steps_dropped > 0 {
        let _ = write!(story, "… +{}", flow.steps_dropped);
    }
    story.trim_end().to_owned()
}

fn story_word(step: &Step, closing: bool) -> String {
    match step.label {
        Label::SynAck => "SYN·ACK".to_owned(),
        Label::Ack if closing => "ack".to_owned(),
        Label::Data => ladder::octets(step.payload.into()).replace(' ', ""),
        label => label.name().to_owned(),
    }
}

/// The reason of an anomaly: with its figures, or where that is not the language, what it is in a sentence.
pub(super) fn reason(anomaly: &Anomaly, locale: Locale) -> &str {
    match locale {
        Locale::En => &anomaly.reason,
        Locale::Ko => anomalies::summary(anomaly.id, locale),
    }
}

/// The figures of a finding that say how much it is, in words: rate, ports, hosts, what was found open, technique,
/// tool.
pub(super) fn figures(anomaly: &Anomaly, locale: Locale, mask: Option<&Mask>) -> Vec<String> {
    const COUNTS: [(&str, Word); 8] = [
        ("ports", Word::Ports),
        ("pairs", Word::Probed),
        ("targets", Word::Targets),
        ("sources", Word::Sources),
        ("source_count", Word::Sources),
        ("clients", Word::Clients),
        ("half_open", Word::EmbryonicNow),
        ("silent", Word::Silent),
    ];
    let named = |wanted: &str| anomaly.figures.iter().find(|(name, _)| *name == wanted).map(|(_, figure)| figure);
    let number = |figure: &Figure| match figure {
        Figure::Integer(n) => u64::try_from(*n).ok(),
        Figure::Number(n) if n.is_finite() => Some(*n as u64),
        _ => None,
    };
    let mut parts = Vec::new();
    if let Some(rate) = named("rate").and_then(number).filter(|rate| *rate > 0) {
        parts.push(format!("{}/s", count(rate)));
    }
    for (name, word) in COUNTS {
        // All the targets of a scan of one host are its ports.
        let word = if name == "pairs" && anomaly.id == "scan-vertical" { Word::Ports } else { word };
        // Of one alone there is the address.
        let least = if matches!(word, Word::Targets | Word::Sources) { 2 } else { 1 };
        if let Some(n) = named(name).and_then(number).filter(|n| *n >= least) {
            parts.push(format!("{} {}", count(n), locale.say(word)));
        }
    }
    match (named("ports_open"), named("hosts_open")) {
        (Some(Figure::List(ports)), _) if !ports.is_empty() => {
            let listed: Vec<String> = ports.iter().take(8).map(ToString::to_string).collect();
            parts.push(format!("{} {}", locale.say(Word::OpenPorts), listed.join(",")));
        }
        (_, Some(Figure::Texts(hosts))) if !hosts.is_empty() => {
            let shown = |host: &String| mask.map_or_else(|| host.clone(), |mask| mask.text(host));
            let listed: Vec<String> = hosts.iter().take(4).map(shown).collect();
            parts.push(format!("{} {}", locale.say(Word::OpenPorts), listed.join(",")));
        }
        _ => {}
    }
    for name in ["technique", "tool"] {
        if let Some(Figure::Text(text)) = named(name) {
            parts.push(text.clone());
        }
    }
    parts
}

/// What is expected next of a flow and for how long it has been, or why nothing is.
pub(super) fn expectation(row: &FlowRow, now: Timestamp, time_wait: i64, locale: Locale) -> String {
    let flow = &row.flow;
    if flow.lost_every_synack() || flow.had_no_fitting_answer() {
        return terms::opening_of(flow).get(locale).to_owned();
    }
    if let Some(why) = failure(flow.opening()) {
        return locale.say(why).to_owned();
    }
    let (phase, since) = (Phase::of(flow), flow.last_time);
    let waited = human((now - awaited_since(flow, phase)).max(0));
    let waiting = |word: Word| match locale {
        Locale::En => format!("{} {} {waited}", locale.say(word), locale.say(Word::For)),
        Locale::Ko => format!("{} {waited} {}", locale.say(word), locale.say(Word::For)),
    };
    match phase {
        Phase::SynSent => waiting(Word::AwaitSynAck),
        Phase::SynReceived => waiting(Word::AwaitAck),
        Phase::HalfClosed if flow.teardown.first_fin == Some(Side::Client) => waiting(Word::AwaitFinServer),
        Phase::HalfClosed => waiting(Word::AwaitFinClient),
        Phase::Closing => waiting(Word::AwaitLastAck),
        Phase::Established if row.ended.is_none() => locale.say(Word::IsOpen).to_owned(),
        Phase::Closed => match [Side::Client, Side::Server].map(|side| flow.final_state(side)) {
            [Some(State::TimeWait), _] | [_, Some(State::TimeWait)] if now - since < time_wait => {
                let left = human(time_wait - (now - since).max(0));
                format!("{}: {left} {}", locale.say(Word::TimeWaitLeft), locale.say(Word::Left))
            }
            _ => locale.say(Word::Nothing).to_owned(),
        },
        Phase::Established | Phase::Failed | Phase::Unknown => locale.say(Word::Nothing).to_owned(),
    }
}

/// Since when what comes next has been awaited: repetitions do not begin the wait anew.
fn awaited_since(flow: &Flow, phase: Phase) -> Timestamp {
    let since = match phase {
        Phase::SynSent => Some(flow.first_time),
        Phase::SynReceived => flow.handshake.synacks.first().map(|synack| synack.time),
        Phase::HalfClosed => flow.teardown.first_fin.map(|side| flow.peer(side).fin_time),
        Phase::Closing => Some(flow.client.fin_time.max(flow.server.fin_time)),
        _ => None,
    };
    since.unwrap_or(flow.last_time)
}

/// Whether the server has repeated its SYN-ACK and still waits.
fn is_missing_ack(flow: &Flow) -> bool {
    Phase::of(flow) == Phase::SynReceived && flow.server.synack_count > 1
}

/// Why an attempt failed, or has not succeeded so far, as a sentence.
fn obstacle(flow: &Flow) -> Option<Word> {
    failure(flow.opening()).or_else(|| match Phase::of(flow) {
        Phase::SynSent if flow.tries() > 1 => Some(Word::WhyUnanswered),
        Phase::SynReceived if is_missing_ack(flow) => Some(Word::WhyMissingAck),
        _ => None,
    })
}

/// Why an attempt failed, as a sentence.
const fn failure(opening: Opening) -> Option<Word> {
    Some(match opening {
        Opening::Refused => Word::WhyRefused,
        Opening::Unreachable => Word::WhyUnreachable,
        Opening::Unanswered => Word::WhyUnanswered,
        Opening::Aborted => Word::WhyAborted,
        Opening::MissingAck => Word::WhyMissingAck,
        Opening::ResetAfterSynAck => Word::WhyRejected,
        Opening::Invalid => Word::WhyInvalid,
        _ => return None,
    })
}

/// One line on the handshake: the story's second.
pub(super) fn handshake(flow: &Flow, locale: Locale) -> String {
    if let Some(cause) = Cause::of(flow) {
        return cause.headline().get(locale).to_owned();
    }
    if let Some(why) = obstacle(flow) {
        return locale.say(why).to_owned();
    }
    let mut words = match locale {
        Locale::En => format!("{} {}", locale.say(Word::Handshake), flow.opening()),
        Locale::Ko => terms::opening(flow.opening()).get(locale).to_owned(),
    };
    if flow.handshake.validated {
        let _ = write!(words, " · {}", locale.say(Word::Validated));
    }
    if let Some(connect) = flow.handshake.connect_time() {
        let _ = write!(words, " · {} {}", locale.say(Word::ConnectTime), human(connect));
    }
    if let (Some(client), Some(server)) = (flow.client.offer, flow.server.offer) {
        let number = |n: Option<u16>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let _ = write!(words, " · mss {}/{}", number(client.mss), number(server.mss));
        let _ = write!(
            words,
            " ws {}/{}",
            number(client.window_scale.map(u16::from)),
            number(server.window_scale.map(u16::from))
        );
    }
    words
}

/// The verdict of a flow with its rules, their frames and sections: what `e` shows.
pub(super) fn explanation(row: &FlowRow, findings: &[&Anomaly], locale: Locale) -> Vec<String> {
    let flow = &row.flow;
    let mut lines = vec![format!("#{} {} → {}", flow.id, flow.client.endpoint, flow.server.endpoint)];
    if let Some(why) = obstacle(flow) {
        lines.push(format!("  {}", locale.say(why)));
    } else if flow.opening() == Opening::Established {
        lines.push(format!("  {}", locale.say(Word::WhyOk)));
    }
    match locale {
        Locale::En => lines.extend(ladder::verdict(flow).lines().map(str::to_owned)),
        Locale::Ko => {
            // Its first heading names the flow, as is done above.
            for block in explain_flow(flow, locale, Level::Short).blocks.into_iter().skip(1) {
                match block {
                    Block::Heading(heading) => lines.extend([String::new(), format!("  {heading}")]),
                    Block::Paragraph(paragraph) => lines.push(format!("  {paragraph}")),
                    Block::Item(item) => lines.push(format!("  - {item}")),
                    Block::Figure(figure) => lines.extend(figure.lines().map(str::to_owned)),
                }
            }
        }
    }
    let frames: Vec<String> = flow.steps.iter().take(8).map(|step| format!("{} {}", step.frame, step.label)).collect();
    if !frames.is_empty() {
        lines.push(format!("  {}    {}", locale.say(Word::Frames), frames.join(", ")));
    }
    if row.gap {
        lines.push(format!("  {}", locale.say(Word::Gap)));
    }
    // The worst first: it is what one asks about.
    let mut findings = findings.to_vec();
    findings.sort_by_key(|anomaly| Reverse(anomaly.severity));
    for anomaly in findings {
        lines.push(format!("  · {} {}: {}", anomaly.severity.name(), anomaly.id, anomaly.reason));
    }
    let mut marks: Vec<_> = flow.marks.iter().collect();
    marks.sort_by_key(|mark| Reverse(mark.severity));
    for rule in marks.into_iter().filter_map(|mark| registry::rule(mark.rule)) {
        lines.push(String::new());
        lines.push(format!("  {} ({})", rule.id, rule.reference));
        lines.push(format!("  {}", anomalies::description(rule.id, locale)));
    }
    lines
}

/// What `y` and a letter copy.
pub(super) fn to_copy(letter: char, flow: &Flow) -> Option<String> {
    Some(match letter {
        'y' => comment(flow),
        'f' => bpf(flow),
        'c' => CommunityId::of(&flow.key()).as_str().to_owned(),
        'p' => format!("{} {}", flow.client.endpoint, flow.server.endpoint),
        'j' => json(flow).trim_end().to_owned(),
        _ => return None,
    })
}

/// The BPF expression for a flow.
pub(super) fn bpf(flow: &Flow) -> String {
    let (client, server) = (flow.client.endpoint, flow.server.endpoint);
    format!("tcp and host {} and port {} and host {} and port {}", client.ip, client.port, server.ip, server.port)
}

fn json(flow: &Flow) -> String {
    let mut line = Vec::new();
    let context = Context { sequence: 1, steps: StepsShown::All, detail: Detail::Full, known: None };
    write_line(&flow_event(flow, Action::FlowEnd, flow.last_time, &context), &mut line);
    String::from_utf8(line).unwrap_or_default()
}

/// The ladder for a file: Markdown with a Mermaid picture for `.md`, an event for `.ndjson` and `.json`, else text.
pub(super) fn export(path: &Path, flow: &Flow) -> String {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("md") => markdown(flow),
        Some("ndjson" | "json") => json(flow),
        _ => ladder::draw(flow, true),
    }
}

fn markdown(flow: &Flow) -> String {
    let (client, server) = (flow.client.endpoint, flow.server.endpoint);
    let mut diagram = Diagram::new(flow, Locale::En);
    for row in ladder::rows(flow, true) {
        match row {
            ladder::Row::Step(step) => {
                let (client, server) = (state_name(step.client), state_name(step.server));
                diagram.arrow(&step, &format!("{} ({client} / {server})", step.caption));
            }
            ladder::Row::Data { segments, client_bytes, server_bytes, .. } => {
                diagram.note(&ladder::data(segments, client_bytes, server_bytes));
            }
            ladder::Row::HalfClosed(time) => diagram.note(&format!("half-closed {}", human(time))),
            ladder::Row::Dropped(steps) => diagram.note(&format!("{steps} more steps")),
            ladder::Row::Before { .. } | ladder::Row::Established => {}
        }
    }
    let (id, diagram, verdict) = (flow.id, diagram.finish(), ladder::verdict(flow));
    format!("# Flow {id}: {client} → {server}\n\n{diagram}\n```text\n{verdict}```\n")
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Column, columns};
    use super::*;

    #[test]
    fn outcomes_fit_their_column_with_a_question_mark() {
        let room = columns(60).into_iter().find(|(column, _)| *column == Column::Outcome).map_or(0, |(_, room)| room);
        let alone = [
            Word::Refused,
            Word::Unreachable,
            Word::NoAnswer,
            Word::GaveUp,
            Word::Embryonic,
            Word::Rejected,
            Word::InvalidFlags,
            Word::FinBoth,
            Word::FinClient,
            Word::FinServer,
            Word::RstClient,
            Word::RstServer,
            Word::Idle,
            Word::Midstream,
            Word::NoSyn,
        ];
        let more = [
            (Word::NoAnswer, " ×6"),
            (Word::NoAck, " ×6"),
            (Word::Retry, " ×6"),
            (Word::HalfClosedFor, " 3h20"),
            (Word::OneFinClient, "+RST"),
            (Word::OneFinServer, "+RST"),
        ];
        for (word, rest) in alone.into_iter().map(|word| (word, "")).chain(more) {
            for locale in Locale::ALL.iter().copied() {
                let text = format!("{}{rest}?", locale.say(word));
                assert!(text.width() <= room.into(), "{text} is {} columns wide", text.width());
            }
        }
    }
}
