//! What is given up, and what holds then.

use std::path::PathBuf;

/// Whether rights are given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) enum Mode {
    /// All of them, or the program refuses to run.
    Strict,
    /// As many as the system allows.
    #[default]
    On,
    /// None, unless a user is named.
    Off,
}

/// What is given up, and what has to stay possible.
#[derive(Debug, Default)]
pub(in crate::cli) struct Sandbox {
    pub(in crate::cli) mode: Mode,
    /// Who to become, if root; the default where none is named.
    pub(in crate::cli) user: Option<String>,
    /// Files that are opened for reading later.
    pub(in crate::cli) reads: Vec<PathBuf>,
    /// Folders below which files are made later.
    pub(in crate::cli) writes: Vec<PathBuf>,
    /// Interfaces that are captured on.
    pub(in crate::cli) interfaces: Vec<String>,
    /// Whether the terminal view runs.
    pub(in crate::cli) view: bool,
    /// Whether HTTP requests for metrics are answered.
    pub(in crate::cli) serves: bool,
    /// Whether a service manager hears how the run is.
    pub(in crate::cli) notifies: bool,
}

/// What holds after [`super::enter`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Layers {
    /// Who the process is, where it was root before.
    pub(in crate::cli) user: Option<String>,
    /// The version of Landlock's interface that is enforced.
    pub(in crate::cli) landlock: Option<u32>,
    pub(in crate::cli) seccomp: bool,
    /// Whether no capability is left that could be used.
    pub(in crate::cli) no_capabilities: bool,
    pub(in crate::cli) no_new_privs: bool,
    /// What does not hold, and why.
    pub(in crate::cli) missing: Vec<String>,
}

impl Layers {
    /// Whether anything was given up but root.
    pub(in crate::cli) const fn holds(&self) -> bool {
        self.landlock.is_some() || self.seccomp || self.no_capabilities
    }

    /// Where files can be made from now on, and by whom, if not by this user anywhere: in the view's folder.
    pub(in crate::cli) fn limits(&self) -> Option<String> {
        let user = self.user.as_deref().filter(|user| *user != "root").map(|user| format!(" as {user}"));
        let folder = std::env::current_dir().ok().filter(|_| self.landlock.is_some());
        let folder = folder.map(|folder| format!(" only below {}", folder.display()));
        let limits = [user, folder].into_iter().flatten().collect::<Vec<_>>().join(",");
        (!limits.is_empty()).then(|| format!("synscope writes{limits}"))
    }

    /// One word for all: `landlock-6+seccomp+nocaps`, `off` for none.
    pub(in crate::cli) fn word(&self) -> String {
        let mut layers = Vec::new();
        layers.extend(self.landlock.map(|version| format!("landlock-{version}")));
        layers.extend(self.seccomp.then(|| "seccomp".to_owned()));
        layers.extend(self.no_capabilities.then(|| "nocaps".to_owned()));
        if layers.is_empty() { "off".to_owned() } else { layers.join("+") }
    }

    /// One line a layer, for `--sandbox status`.
    pub(in crate::cli) fn status(&self) -> String {
        let yes = |held: bool| if held { "yes" } else { "no" };
        let landlock = self.landlock.map_or_else(|| "no".to_owned(), |version| format!("version {version}"));
        let lines = [
            ("sandbox", self.word()),
            ("user", self.user.clone().unwrap_or_else(|| "unchanged".to_owned())),
            ("no new privileges", yes(self.no_new_privs).to_owned()),
            ("no capabilities", yes(self.no_capabilities).to_owned()),
            ("landlock", landlock),
            ("seccomp", yes(self.seccomp).to_owned()),
        ];
        let missing = self.missing.iter().map(|why| ("missing", why.clone()));
        lines.into_iter().chain(missing).map(|(name, value)| format!("{name:<18} {value}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_for_all_layers() {
        assert_eq!(Layers::default().word(), "off");
        let all = Layers { landlock: Some(6), seccomp: true, no_capabilities: true, ..Layers::default() };
        assert_eq!(all.word(), "landlock-6+seccomp+nocaps");
        assert_eq!(Layers { seccomp: true, ..Layers::default() }.word(), "seccomp");
    }

    #[test]
    fn the_status_names_what_is_missing() {
        let layers = Layers { seccomp: true, missing: vec!["Landlock: not there".to_owned()], ..Layers::default() };
        let status = layers.status();
        assert!(status.starts_with("sandbox            seccomp\n"), "{status}");
        assert!(status.ends_with("missing            Landlock: not there\n"), "{status}");
    }
}
