//! Anomalies in words: English from the rule itself, Korean from a catalogue for each scope, by id.

mod capture;
mod flow;
mod host;

use super::locale::Locale;
use super::{Document, Level};
use crate::detect::registry::rule;

const KOREAN: [&[(&str, &str)]; 3] = [capture::KOREAN, flow::KOREAN, host::KOREAN];

/// The condition in a sentence.
pub fn summary(id: &str, locale: Locale) -> &'static str {
    match locale {
        Locale::En => rule(id).map_or("", |rule| rule.summary),
        Locale::Ko => korean(id).map_or("", first_sentence),
    }
}

/// What it means and what to do next.
pub fn description(id: &str, locale: Locale) -> &'static str {
    match locale {
        Locale::En => rule(id).map_or("", |rule| rule.description),
        Locale::Ko => korean(id).unwrap_or_default(),
    }
}

/// The Korean text of the anomaly with this id.
pub fn korean(id: &str) -> Option<&'static str> {
    KOREAN.iter().find_map(|texts| {
        let at = texts.binary_search_by_key(&id, |(known, _)| known).ok()?;
        texts.get(at).map(|(_, text)| *text)
    })
}

/// Every id that has a Korean text.
pub fn korean_ids() -> impl Iterator<Item = &'static str> {
    KOREAN.iter().flat_map(|texts| texts.iter()).map(|(id, _)| *id)
}

/// Adds the explanation of the rule `id` to `document`.
pub(super) fn explain(document: &mut Document, id: &'static str, locale: Locale, level: Level) {
    let Some(rule) = rule(id) else { return };
    document.heading(format!("{id} ({})", rule.severity.name()));
    match (locale, level) {
        (Locale::En, _) => document.paragraph(sentence(rule.summary)),
        (Locale::Ko, Level::Short) => document.paragraph(summary(id, locale)),
        (Locale::Ko, Level::Full) => {}
    }
    if level == Level::Full {
        document.paragraph(description(id, locale));
        document.item(format!("{}: {}", locale.pick("See", "근거"), rule.reference));
    }
}

/// `text` with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn first_sentence(text: &'static str) -> &'static str {
    text.find(". ").and_then(|end| text.get(..=end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::registry::rules;

    #[test]
    fn korean_is_in_order_of_the_ids() {
        assert!(KOREAN.iter().all(|texts| texts.is_sorted_by(|a, b| a.0 < b.0)));
    }

    #[test]
    fn no_rule_is_without_text_in_either_language() {
        let without = |locale: Locale| -> Vec<&str> {
            let empty = |id: &str| description(id, locale).is_empty() || summary(id, locale).is_empty();
            rules().map(|rule| rule.id).filter(|id| empty(id)).collect()
        };
        assert_eq!([Locale::En, Locale::Ko].map(without), [Vec::<&str>::new(), Vec::new()], "write them in anomalies/");
        let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        let texts = || KOREAN.iter().flat_map(|texts| texts.iter());
        assert!(texts().all(|(_, text)| hangul(text) && text.ends_with('.')));
    }
}
