//! A flow as a Mermaid sequence diagram in a fenced block of Markdown.

use core::fmt::Write as _;

use super::escape::for_mermaid;
use super::explain::Locale;
use super::ladder::StepRow;
use crate::flow::{Flow, Label, Side};

/// A diagram in the making.
pub(super) struct Diagram {
    text: String,
}

impl Diagram {
    /// A diagram of nothing but the two ends of `flow`.
    pub(super) fn new(flow: &Flow, locale: Locale) -> Self {
        let mut text = "```mermaid\nsequenceDiagram\n".to_owned();
        for (letter, name, peer) in [
            ('C', locale.pick("client", "클라이언트"), &flow.client),
            ('S', locale.pick("server", "서버"), &flow.server),
        ] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    participant {letter} as {name} {}", peer.endpoint);
        }
        Self { text }
    }

    /// A step, with `words` at its arrow; the arrow of a RST ends in a cross.
    pub(super) fn arrow(&mut self, row: &StepRow, words: &str) {
        let (from, to) = if row.from == Side::Client { ('C', 'S') } else { ('S', 'C') };
        let line = if row.step.label == Label::Rst { "-x" } else { "->>" };
        let _ = writeln!(self.text, "    {from}{line}{to}: {}", for_mermaid(words));
    }

    /// A note over both lifelines.
    pub(super) fn note(&mut self, words: &str) {
        let _ = writeln!(self.text, "    Note over C,S: {}", for_mermaid(words));
    }

    /// The block.
    pub(super) fn finish(self) -> String {
        self.text + "```\n"
    }
}
