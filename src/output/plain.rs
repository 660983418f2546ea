//! One sentence per event: what a screen reader can read and a dumb terminal can show. `--plain`.

use std::io::Write as _;

use super::clock::rfc3339;
use super::duration::human;
use super::tui::Word;
use super::{Format, Locale, Out, Writer, words};
use crate::engine::{Event, Sink};
use crate::flow::{Closing, Flow};
use crate::time::Timestamp;

/// In English.
pub static ENGLISH: Format = Format {
    name: "plain",
    about: "one sentence per event",
    options: &["--flow", "--locale"],
    of_segments: false,
    terse: false,
    open: |out, _| Box::new(Plain { out, locale: Locale::En }),
};

/// In Korean.
pub static KOREAN: Format = Format {
    name: "plain",
    about: "one sentence per event",
    options: &["--flow", "--locale"],
    of_segments: false,
    terse: false,
    open: |out, _| Box::new(Plain { out, locale: Locale::Ko }),
};

struct Plain {
    out: Out,
    locale: Locale,
}

impl Plain {
    fn line(&mut self, time: Timestamp, text: &str) {
        let stamp = rfc3339(time);
        let clock = core::str::from_utf8(&stamp).ok().and_then(|stamp| stamp.get(11..23)).unwrap_or_default();
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.out.buffer, "{clock} {text}");
        self.out.end_line();
    }

    fn opened(&self, flow: &Flow) -> String {
        let (client, server) = (flow.client.endpoint, flow.server.endpoint);
        let connect = flow.handshake.connect_time().map_or_else(String::new, |time| format!(", {}", human(time)));
        let word = if flow.opening().failed() { Word::PlainFailed } else { Word::PlainOpened };
        format!("#{} {client} {} {server}: {}{connect}", flow.id, self.locale.say(word), words::opening_of(flow))
    }

    fn ended(&self, flow: &Flow) -> Option<String> {
        let reason = match flow.closing() {
            // That it never opened was said when that was clear.
            Closing::None if flow.opening.is_some() => return None,
            Closing::None => words::opening_of(flow),
            _ => words::closing_of(flow),
        };
        let time = human(flow.duration());
        Some(format!("#{} {} {}: {reason}, {time}", flow.id, flow.server.endpoint, self.locale.say(Word::PlainEnded)))
    }
}

impl Sink for Plain {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::HandshakeEnd(flow) => self.line(flow.opening_time, &self.opened(flow)),
            Event::TeardownStart { flow, by, time } => {
                let text = format!("#{} {by} {}", flow.id, self.locale.say(Word::PlainClosing));
                self.line(*time, &text);
            }
            Event::FlowEnd { flow, time } => {
                if let Some(text) = self.ended(flow) {
                    self.line(*time, &text);
                }
            }
            Event::Anomaly { anomaly, flow } => {
                let of = flow.map_or_else(String::new, |flow| format!("#{} ", flow.id));
                self.line(anomaly.time, &format!("{of}{} {}: {}", anomaly.severity.name(), anomaly.id, anomaly.reason));
            }
            _ => {}
        }
    }
}

impl Writer for Plain {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}
