//! Topics by name, with their explanations.

use super::document::Document;
use super::level::Level;
use super::locale::Locale;
use super::questions::QUESTIONS;
use super::topic::Topic;
use super::{anomalies, flow, header, terms};
use crate::detect::registry::rules;
use crate::flow::Flow;
use crate::tcp::State;

impl Topic {
    /// The topic with this name: a question, `header` (or `header:FRAME`), an anomaly's id, a state (`TIME_WAIT`,
    /// `time-wait`) or a flag, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let upper = name.to_uppercase();
        if let Some(n) = QUESTIONS.iter().position(|q| q.id == name) {
            return Some(Self::Question(n));
        }
        if let Some(frame) = name.strip_prefix("header") {
            return match frame.strip_prefix(':') {
                Some(frame) => frame.parse().ok().map(|frame| Self::Header(Some(frame))),
                None => frame.is_empty().then_some(Self::Header(None)),
            };
        }
        if let Some(rule) = rules().find(|rule| rule.id == name) {
            return Some(Self::Anomaly(rule.id));
        }
        if let Some(state) = State::from_name(&upper) {
            return Some(Self::State(state));
        }
        terms::FLAGS.iter().position(|(flag, _)| *flag == upper).map(Self::Flag)
    }

    /// Every name that [`Self::from_name`] takes, questions first.
    pub fn names() -> Vec<String> {
        let questions = QUESTIONS.iter().map(|q| q.id.to_owned());
        let states = State::ALL.iter().map(|state| state.name().to_owned());
        let flags = terms::FLAGS.iter().map(|(flag, _)| (*flag).to_owned());
        questions
            .chain(["header".to_owned()])
            .chain(states)
            .chain(flags)
            .chain(rules().map(|rule| rule.id.to_owned()))
            .collect()
    }

    /// The topic in words; with a `flow`, also from its numbers.
    pub fn explain(self, locale: Locale, level: Level, flow: Option<&Flow>) -> Document {
        let mut document = Document::default();
        match self {
            Self::Anomaly(id) => anomalies::explain(&mut document, id, locale, level),
            Self::State(state) => {
                document.heading(state.name());
                document.paragraph(terms::state(state).get(locale));
                if let Some(flow) = flow {
                    flow::state_in(&mut document, flow, state, locale);
                }
            }
            Self::Flag(n) => {
                if let Some((flag, text)) = terms::FLAGS.get(n) {
                    document.heading(*flag);
                    document.paragraph(text.get(locale));
                }
            }
            Self::Header(_) => {
                let header = flow.and_then(header::Header::of_flow);
                header::explain(&mut document, header.as_ref(), locale, level);
            }
            Self::Question(n) => {
                if let Some(question) = QUESTIONS.get(n) {
                    question.answer(&mut document, locale, level, flow);
                }
            }
        }
        document
    }
}
