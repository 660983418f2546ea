//! The `[keys]` of a configuration: which key does what in the terminal view.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::output::tui::keys::Keys;

/// The keys that a table chooses: each action has one key or several, or none.
///
/// # Errors
///
/// An action or a key that does not exist.
pub(super) fn chosen(table: &DeTable<'_>) -> Result<Keys, String> {
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (action, value) in table {
        let keys = match value.get_ref() {
            DeValue::String(key) => Some(vec![key.to_string()]),
            DeValue::Array(keys) => keys.iter().map(|key| key.get_ref().as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        let action = action.get_ref().to_string();
        let keys = keys.ok_or_else(|| format!("{action}: expected a key like 'q', or a list of keys"))?;
        wanted.insert(action, keys);
    }
    Keys::chosen(&wanted).map_err(|problem| problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Locale;
    use crate::output::tui::keys::KeyAction;

    fn keys(text: &str) -> Result<Keys, String> {
        let file = super::super::file::ConfigFile::parse("", text, &[])?;
        Ok(file.keys.unwrap_or_default())
    }

    #[test]
    fn keys_are_read_and_mistakes_are_pointed_at() {
        let read = keys("[keys]\nquit = 'Q'\ndown = ['n', 'Down']\n").unwrap();
        assert_eq!(read.action("Q", false, false), Some(KeyAction::Quit));
        assert_eq!(read.action("q", false, false), None);
        assert_eq!(read.action("n", false, false), Some(KeyAction::Down));
        let printed = Keys::default().print(Locale::En);
        assert_eq!(keys(&printed).unwrap().print(Locale::En), printed);
        // What was taken from an action, and what has no key, reads back as well.
        let changed = keys("[keys]\nquit = []\nup = ['j', '\"']\nmark = ['\\']\n").unwrap();
        let printed = changed.print(Locale::En);
        let read = keys(&printed).unwrap();
        // In another order, perhaps.
        let sorted = |text: &str| {
            let mut lines: Vec<String> =
                text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&read.print(Locale::En)), sorted(&printed));
        assert_eq!(read.action("q", false, false), None);
        assert!(keys("").is_ok());
        assert!(keys("[keys]\nquit = 7\n").unwrap_err().contains("quit: expected a key"));
        assert!(keys("[colours]\n").unwrap_err().contains("colours"));
        assert_eq!(
            keys("[keys]\nquti = 'Q'\n").unwrap_err(),
            "line:1: [keys]: unknown action 'quti' (synscope --print-keys lists them)"
        );
    }
}
