//! The capture filters that come with the program: the files of `filters/`, embedded.
//!
//! A file begins with comment lines (`#`): the first says in a sentence what the filter takes, one that begins with
//! `For:` lists the link types it is made for. Then comes an expression, over as many lines as it likes. `vlan` and
//! some other words do not compile for every link type; a line `%else` is followed by an expression for those for
//! which the one before it does not.

use super::CaptureError;

/// A capture filter with a name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What `--preset` takes: the file's name without its ending.
    pub name: &'static str,
    /// The whole file.
    pub text: &'static str,
}

/// Every preset, in the order in which they are listed.
pub const PRESETS: &[Preset] = &[
    Preset { name: "default", text: include_str!("../../filters/default.bpf") },
    Preset { name: "handshake", text: include_str!("../../filters/handshake.bpf") },
    Preset { name: "teardown", text: include_str!("../../filters/teardown.bpf") },
    Preset { name: "resets", text: include_str!("../../filters/resets.bpf") },
    Preset { name: "web", text: include_str!("../../filters/web.bpf") },
];

/// Stands alone on a line between two expressions.
const ELSE: &str = "%else";

/// The preset of this name.
///
/// # Errors
///
/// [`CaptureError::Usage`] with the names there are.
pub fn find(name: &str) -> Result<&'static Preset, CaptureError> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        CaptureError::Usage(format!("unknown preset '{name}'; expected one of {}", names.join(", ")))
    })
}

impl Preset {
    /// What it takes, in a sentence.
    pub fn description(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
    }

    /// libpcap's names of the link types it is made for.
    pub fn links(&self) -> impl Iterator<Item = &'static str> {
        self.text.lines().filter_map(|line| line.strip_prefix("# For:")).flat_map(str::split_whitespace)
    }

    /// The expressions, each on one line, in the order in which to try them.
    pub fn alternatives(&self) -> Vec<String> {
        parse(self.text)
    }
}

/// The expressions in a filter file, such as `-F` names or a preset is, without comments and line ends.
pub(super) fn parse(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    let one_line = |lines: &[&str]| lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    lines.split(|line| *line == ELSE).map(one_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_registered() {
        let mut files: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/filters"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut registered: Vec<_> = PRESETS.iter().map(|preset| format!("{}.bpf", preset.name)).collect();
        files.sort();
        registered.sort();
        assert_eq!(files, registered);
    }

    #[test]
    fn every_preset_says_what_it_is() {
        for preset in PRESETS {
            assert!(!preset.description().is_empty() && preset.description().len() < 100, "{}", preset.name);
            assert!(preset.links().count() > 0, "{}", preset.name);
            assert!(preset.alternatives().iter().all(|expression| !expression.is_empty()), "{}", preset.name);
            assert_eq!(find(preset.name).unwrap().text, preset.text);
        }
        assert_eq!(find("nope").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn the_study_notes_filter_is_word_for_word() {
        assert_eq!(find("web").unwrap().alternatives(), ["tcp and (port 80 or port 8080)"]);
    }

    #[test]
    fn comments_lines_and_alternatives() {
        let text = "# what\n# For: A B\n\ntcp\n  and port 80\n# or\n%else\nudp\n";
        assert_eq!(parse(text), ["tcp and port 80", "udp"]);
    }
}
