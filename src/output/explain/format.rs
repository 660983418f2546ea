//! The format that writes explanations as text.

use super::explain_flow;
use crate::engine::{Event, Sink};
use crate::output::{Out, Settings, Writer};

/// The explanation of every flow, one after the other.
pub(in crate::output) struct Explain {
    out: Out,
    settings: Settings,
    told: bool,
}

impl Explain {
    pub(in crate::output) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, settings: settings.clone(), told: false }
    }
}

impl Sink for Explain {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::FlowEnd { flow, .. } = event {
            let (locale, level) = (self.settings.locale, self.settings.level.unwrap_or_default());
            let document = match self.settings.topic {
                None => explain_flow(flow, locale, level, self.settings.rule_id),
                // The answer to a question is told once, with the first flow as its proof.
                Some(_) if self.told => return,
                Some(topic) => topic.explain(locale, level, Some(flow)),
            };
            let gap = if self.told { "\n" } else { "" };
            self.told = true;
            self.out.buffer.extend_from_slice(gap.as_bytes());
            self.out.buffer.extend_from_slice(document.text().as_bytes());
            self.out.end_line();
        } else if let (Event::SessionEnd { .. }, Some(topic), false) = (event, self.settings.topic, self.told) {
            let document = topic.explain(self.settings.locale, self.settings.level.unwrap_or_default(), None);
            self.out.buffer.extend_from_slice(document.text().as_bytes());
            self.out.end_line();
        }
    }
}

impl Writer for Explain {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }
}
