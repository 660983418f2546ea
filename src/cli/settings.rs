//! The configuration: what users like, in a TOML file. So far what keys do.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::messages::Failure;
use crate::output::tui::keys::Keys;

/// What a configuration may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    keys: BTreeMap<String, Chosen>,
}

/// One key or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Chosen {
    /// One.
    One(String),
    /// Several, or none.
    Several(Vec<String>),
}

impl From<Chosen> for Vec<String> {
    fn from(chosen: Chosen) -> Self {
        match chosen {
            Chosen::One(key) => vec![key],
            Chosen::Several(keys) => keys,
        }
    }
}

/// The keys of the configuration: of the file `asked` for, else of the user's, where there is one.
///
/// # Errors
///
/// [`Failure::Running`] for a file that was asked for and cannot be read, [`Failure::Usage`] for what cannot be
/// understood.
pub(super) fn read(asked: Option<&Path>, none: bool) -> Result<Option<Keys>, Failure> {
    let path = match asked {
        Some(path) => path.to_owned(),
        None if none => return Ok(None),
        None => match usual() {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => keys(&text).map(Some).map_err(|problem| Failure::Usage(format!("{}: {problem}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound && asked.is_none() => Ok(None),
        Err(error) => Err(Failure::Running(format!("{}: cannot read: {error}", path.display()))),
    }
}

/// Where the user's configuration is by the XDG Base Directory Specification.
fn usual() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("synscope").join("config.toml"))
}

pub(super) fn keys(text: &str) -> Result<Keys, String> {
    let written: Written = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let wanted = written.keys.into_iter().map(|(action, chosen)| (action, chosen.into())).collect();
    Keys::chosen(&wanted).map_err(|problem| format!("[keys]: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Locale;
    use crate::output::tui::keys::KeyAction;

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
        assert!(keys("[keys]\nquit = 7\n").unwrap_err().contains("quit = 7"));
        assert!(keys("[colours]\n").unwrap_err().contains("colours"));
        assert_eq!(
            keys("[keys]\nquti = 'Q'\n").unwrap_err(),
            "[keys]: unknown action 'quti' (synscope --print-keys lists them)"
        );
    }
}
