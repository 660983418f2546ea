//! The words of a picture: its title, the caption of a step, the sentences below.

use core::fmt::Write as _;

use super::super::cause;
use super::super::duration::human;
use super::super::explain::{Locale, terms};
use super::super::ladder::{StepRow, capture_order, rows};
use super::super::picture_options::Part;
use super::part::part;
use super::style::Style;
use crate::flow::{Certainty, Closing, Flow, Label, Shape};
use crate::tcp::Flags;

/// `client → server: verdicts`.
pub(in crate::output) fn title(flow: &Flow) -> String {
    let verdict = match flow.closing() {
        Closing::None => flow.opening().name().to_owned(),
        closing => format!("{}, {closing}", flow.opening()),
    };
    format!("{} → {}: {verdict}", flow.client.endpoint, flow.server.endpoint)
}

/// A step's caption in this language: its number and name, without sizes and counts.
pub(in crate::output) fn caption(row: &StepRow, locale: Locale) -> String {
    let number = row.caption.split(' ').next().filter(|word| word.ends_with('.'));
    let word = match row.step.label {
        Label::Fin if row.caption.starts_with("2.+3.") => "FIN+ACK",
        Label::Syn if row.caption.starts_with("SYN (new)") => locale.pick("SYN (new)", "SYN (새 번호)"),
        Label::SynAck if row.step.flags.has(Flags::FIN) => "SYN+ACK, 1. FIN",
        Label::Other => return format!("{} {}", terms::label_word(Label::Other).get(locale), row.step.flags),
        label => terms::label_word(label).get(locale),
    };
    let again = if row.again { locale.pick(" again", " 재전송") } else { "" };
    match number {
        Some(number) => format!("{number} {word}{again}"),
        None => format!("{word}{again}"),
    }
}

/// A number relative to `base`, with a sign where it lies before it.
pub(in crate::output) fn relative(number: crate::tcp::SeqNumber, base: crate::tcp::SeqNumber) -> i64 {
    let distance = number.offset_from(base);
    // A number shortly before the base is not four thousand million after it.
    if distance >= 0xff00_0000 { i64::from(distance) - (1 << 32) } else { i64::from(distance) }
}

/// What stands under a picture: verdicts, times, remarks. Each with its class.
pub(in crate::output) fn caption_lines(flow: &Flow, style: &Style) -> Vec<(&'static str, String)> {
    let locale = style.locale;
    let opening = flow.opening();
    let mut lines = vec![(
        "b",
        format!("{}: {opening} — {}", locale.pick("opening", "연결 설정"), cause::opening(flow).get(locale)),
    )];
    if let Some(connect) = flow.handshake.connect_time() {
        let mut words = format!("{} {}", locale.pick("connect time", "연결 시간"), human(connect));
        if let Some(rtt) = flow.handshake.rtt() {
            let _ = write!(words, " · {} {}", locale.pick("round trip", "왕복 시간 (RTT)"), human(rtt));
        }
        lines.push(("", words));
    }
    if flow.tries() > 1 {
        let waited = human(flow.handshake.syn_gaps().sum());
        let pattern = flow.handshake.backoff().map_or("", |b| terms::backoff(b).get(locale));
        let comma = if pattern.is_empty() { "" } else { ", " };
        lines.push((
            "",
            match locale {
                Locale::En => format!("the SYN was sent {} times in {waited}{comma}{pattern}", flow.tries()),
                Locale::Ko => format!("SYN을 {waited} 동안 {}번 보냄{comma}{pattern}", flow.tries()),
            },
        ));
    }
    if flow.closing() != Closing::None && style.part != Part::Open {
        let closing = flow.closing();
        let mut words =
            format!("{}: {closing} — {}", locale.pick("close", "연결 종료"), terms::closing_of(flow).get(locale));
        if let Some(by) = flow.closed_by().filter(|_| flow.teardown.first_fin.is_some()) {
            let _ = write!(words, ", {}", terms::closed_by(by).get(locale));
        }
        lines.push(("b", words));
        if let Some(shape) = flow.shape().filter(|shape| *shape != Shape::Reset) {
            lines.push(("", terms::shape(shape).get(locale).to_owned()));
        }
    }
    if let Some(words) = capture_order(&part(rows(flow, style.fold), style.part), locale) {
        lines.push(("f", words));
    }
    if !flow.role_known {
        let words = locale.pick(
            "roles are guessed: no SYN or SYN-ACK shows the client",
            "역할은 추정: 누가 클라이언트인지 알려 주는 SYN이나 SYN-ACK가 없음",
        );
        lines.push(("f", words.to_owned()));
    }
    lines
}

/// The words of `text` in lines of at most `room` pixels.
pub(super) fn wrap(text: &str, room: usize, size: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if width_of(line, size) + width_of(word, size) + size <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// About how wide `text` is at this font size, pixels; rather too much than too little.
pub(super) fn width_of(text: &str, size: usize) -> usize {
    text.chars().map(|c| if (c as u32) < 0x1100 { size * 6 } else { size * 10 }).sum::<usize>() / 10
}

/// Sequence and acknowledgment number, raw and relative, in one line or two.
pub(super) fn numbers(flow: &Flow, row: &StepRow) -> Vec<String> {
    if row.step.label == Label::Icmp {
        return Vec::new();
    }
    let (sender, receiver) = (flow.peer(row.from), flow.peer(row.from.other()));
    let seq = format!("Seq={} ({})", row.step.seq, relative(row.step.seq, sender.base()));
    let Some(ack) = row.step.ack else { return vec![seq] };
    let ack = format!("Ack={ack} ({})", relative(ack, receiver.base()));
    if seq.len() + ack.len() <= 54 { vec![format!("{seq}  {ack}")] } else { vec![seq, ack] }
}

/// Whether the state of the receiver of a step is only presumed: nothing it sent later shows that the step had arrived.
pub(in crate::output) fn is_presumed(flow: &Flow, row: &StepRow) -> bool {
    let later = flow.steps.iter().skip(row.n);
    let shown = later.filter(|step| step.from != row.from).any(|step| {
        step.ack.is_some_and(|ack| ack.after(row.step.seq))
            || (row.step.label == Label::Ack && step.label == Label::Data)
    });
    row.step.certainty == Certainty::Inferred && !shown && !flow.went_unanswered(row.n - 1)
}

#[cfg(test)]
mod tests {
    use super::super::super::escape::escape;
    use super::*;

    #[test]
    fn nothing_gets_through_the_escape() {
        assert_eq!(escape("<a href='x'>&\"\u{0}\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd} ");
    }

    #[test]
    fn long_captions_are_wrapped() {
        let text = "word ".repeat(60);
        let lines = wrap(&text, 400, 12);
        assert!(lines.len() > 2 && lines.iter().all(|line| width_of(line, 12) <= 400));
    }

    #[test]
    fn a_number_before_the_base_is_negative() {
        use crate::tcp::SeqNumber;
        assert_eq!(relative(SeqNumber(5), SeqNumber(6)), -1);
        assert_eq!(relative(SeqNumber(1), SeqNumber(u32::MAX)), 2);
    }
}
