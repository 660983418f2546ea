//! The capture filters that come with the program: the files of `filters/`, embedded.

/// A capture filter with a name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What `--preset` takes: the file's name without its ending.
    pub name: &'static str,
    /// The file: comment lines that begin with `#`, then one or several expressions.
    pub text: &'static str,
}

/// Stands alone on a line between two expressions: the second is for link types for which the first does not compile.
const ELSE: &str = "%else";

/// Every preset.
pub const PRESETS: &[Preset] = &[];

impl Preset {
    /// The expressions, on one line each, in the order in which to try them.
    pub fn alternatives(&self) -> impl Iterator<Item = String> {
        let lines: Vec<_> = self.text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
        lines
            .split(|line| *line == ELSE)
            .map(|lines| lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .into_iter()
    }
}
