//! Who the process becomes.

use std::ffi::CString;

use nix::unistd::{self, Gid, Uid, User};

use super::super::messages::Failure;
use super::plan::{Mode, Sandbox};
use crate::output::file::Later;

/// Who root becomes, the first of them that exists.
const DEFAULTS: [&str; 2] = ["synscope", "nobody"];
/// The number that stands for nobody where there is no list of users, as in a container without files.
const NOBODY: u32 = 65_534;

/// What happens to the user.
pub(super) enum Change {
    /// The process is an ordinary user already, or nobody wants it to change.
    None,
    /// Root stays root, as asked for.
    Stay,
    /// Root becomes somebody else.
    To(Wanted),
}

/// Who to become.
pub(super) struct Wanted {
    pub(super) name: String,
    /// Whether it was asked for.
    pub(super) asked: bool,
    uid: Uid,
    gid: Gid,
}

/// Decides who to become; `asked` is what `-Z` names.
pub(super) fn choose(asked: Option<&str>, mode: Mode) -> Result<Change, Failure> {
    let root = unistd::geteuid().is_root();
    match asked {
        None if !root || mode == Mode::Off => Ok(Change::None),
        None => Ok(Change::To(default())),
        Some(name) => {
            let user = find(name)?.ok_or_else(|| Failure::Usage(format!("-Z: there is no user '{name}'")))?;
            if user.uid.is_root() && root {
                return Ok(Change::Stay);
            }
            if root {
                return Ok(Change::To(Wanted { name: user.name, asked: true, uid: user.uid, gid: user.gid }));
            }
            if user.uid == unistd::geteuid() {
                return Ok(Change::None);
            }
            Err(Failure::Usage(format!("-Z: only root can become {name}")))
        }
    }
}

/// Who the process will be. Root that stays root has no capability to pass by the permissions of files either.
pub(super) fn next(sandbox: &Sandbox) -> Result<Option<Later>, Failure> {
    Ok(match choose(sandbox.user.as_deref(), sandbox.mode)? {
        Change::To(user) => Some(Later { uid: user.uid.as_raw(), gid: user.gid.as_raw() }),
        Change::Stay if sandbox.mode != Mode::Off => Some(Later { uid: 0, gid: 0 }),
        Change::Stay | Change::None => None,
    })
}

fn find(name: &str) -> Result<Option<User>, Failure> {
    let name = name.trim();
    if name.is_empty() || name.contains('\0') {
        return Err(Failure::Usage("-Z: expected the name of a user".to_owned()));
    }
    User::from_name(name).map_err(|error| Failure::Running(format!("-Z: cannot look up {name}: {error}")))
}

fn default() -> Wanted {
    let found =
        DEFAULTS.iter().find_map(|name| User::from_name(name).ok().flatten()).filter(|user| !user.uid.is_root());
    match found {
        Some(user) => Wanted { name: user.name, asked: false, uid: user.uid, gid: user.gid },
        None => {
            Wanted { name: NOBODY.to_string(), asked: false, uid: Uid::from_raw(NOBODY), gid: Gid::from_raw(NOBODY) }
        }
    }
}

impl Wanted {
    /// Becomes this user, for ever.
    ///
    /// # Errors
    ///
    /// Why not: a container may withhold the right to.
    pub(super) fn take(&self) -> Result<(), String> {
        let failed = |what: &str, error: nix::Error| format!("cannot {what} {}: {error}", self.name);
        self.take_groups().map_err(|error| failed("take the groups of", error))?;
        unistd::setresgid(self.gid, self.gid, self.gid).map_err(|error| failed("take the group of", error))?;
        unistd::setresuid(self.uid, self.uid, self.uid).map_err(|error| failed("become", error))?;
        if unistd::setuid(Uid::from_raw(0)).is_ok() {
            return Err(format!("{} could become root again", self.name));
        }
        Ok(())
    }

    /// The groups of a user that was asked for; a default user has its own group only.
    fn take_groups(&self) -> nix::Result<()> {
        match CString::new(self.name.as_str()) {
            Ok(name) if self.asked => unistd::initgroups(&name, self.gid),
            _ => unistd::setgroups(&[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let failure = |name: &str| choose(Some(name), Mode::On).err().map(|failure| failure.to_string());
        assert_eq!(failure("no-such-user-here").as_deref(), Some("-Z: there is no user 'no-such-user-here'"));
        assert_eq!(failure(" ").as_deref(), Some("-Z: expected the name of a user"));
    }
}
