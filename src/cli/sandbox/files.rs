//! Landlock: which files can be opened from now on (Linux 5.13 and later; landlock(7)).

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::plan::Sandbox;

/// The newest version whose restrictions are asked for. An older kernel enforces those that it has.
const VERSION: ABI = ABI::V6;
/// Where the rules of time zones are: the C library's places.
const ZONES: [&str; 4] = ["/etc/localtime", "/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];
/// The terminal, whichever it is.
const TERMINAL: &str = "/dev/tty";

/// Rules that are not enforced yet.
pub(super) struct Prepared(RulesetCreated);

/// Collects the rules. Folders are opened for it: that may need rights that are given up before the rules are enforced.
pub(super) fn prepare(sandbox: &Sandbox) -> Result<Prepared, String> {
    rules(sandbox).map(Prepared).map_err(|error| error.to_string())
}

fn rules(sandbox: &Sandbox) -> Result<RulesetCreated, RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(VERSION))?
        .handle_access(AccessNet::from_all(VERSION))?
        .scope(Scope::from_all(VERSION))?
        .create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    for path in readable(sandbox) {
        rules = allow(rules, &path, read)?;
    }
    if sandbox.view {
        rules = allow(rules, Path::new(TERMINAL), AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev)?;
    }
    let write = AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::Truncate;
    for folder in &sandbox.writes {
        rules = allow(rules, folder, write)?;
    }
    Ok(rules)
}

/// What is opened for reading later: inputs, time zones, what the kernel says of this process and of the interfaces,
/// and the program itself, for the names in a backtrace.
fn readable(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut paths = sandbox.reads.clone();
    paths.extend(ZONES.map(PathBuf::from));
    paths.push(PathBuf::from("/proc/self"));
    paths.extend(std::env::current_exe().ok());
    let counters = |name: &String| PathBuf::from(format!("/sys/class/net/{name}/statistics"));
    paths.extend(sandbox.interfaces.iter().map(counters));
    paths
}

/// Allows this below `path`; nothing where there is no such thing.
fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else { return Ok(rules) };
    // A file has no entries.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(VERSION) };
    rules.add_rule(PathBeneath::new(opened, access))
}

impl Prepared {
    /// Enforces the rules; the version that holds.
    ///
    /// # Errors
    ///
    /// Why none does.
    pub(super) fn enforce(self) -> Result<u32, String> {
        let status = self.0.restrict_self().map_err(|error| error.to_string())?;
        version(&status).ok_or_else(|| {
            match status.landlock {
                LandlockStatus::NotEnabled => "this kernel was started without it",
                LandlockStatus::NotImplemented => "this kernel was built without it",
                LandlockStatus::Available { .. } => "it does not take effect",
            }
            .to_owned()
        })
    }
}

fn version(status: &RestrictionStatus) -> Option<u32> {
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } if status.ruleset != RulesetStatus::NotEnforced => {
            Some((effective_abi as u32).min(VERSION as u32))
        }
        _ => None,
    }
}
