//! Suggestions for misspelled names.

/// The name in `known` with the least Damerau-Levenshtein distance from `typed`, if that distance is at most one plus
/// a third of the name's length.
pub(crate) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, name) = known.map(|name| (strsim::damerau_levenshtein(typed, name), name)).min()?;
    (edits <= 1 + name.len() / 3).then_some(name)
}

/// The name in `known` that `typed` is a slip of: one or two edits from it, and less than a third of its length.
pub(crate) fn slip_of<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, name) = known.map(|name| (strsim::damerau_levenshtein(typed, name), name)).min()?;
    (edits <= 2 && edits * 3 < name.len()).then_some(name)
}

/// [`nearest`] as the end of a message: `; did you mean '…'?`, or nothing.
pub(crate) fn did_you_mean<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|name| format!("; did you mean '{name}'?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near() {
        let events = || ["flow_end", "stats"].into_iter();
        assert_eq!(did_you_mean("flow_and", events()), "; did you mean 'flow_end'?");
        assert_eq!(did_you_mean("zzzzzzzz", events()), "");
        assert_eq!(nearest("syn-unaswered", ["syn-unanswered", "rst"].into_iter()), Some("syn-unanswered"));
    }
}
