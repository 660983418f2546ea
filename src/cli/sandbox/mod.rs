//! Gives up rights between opening and the first packet.
//!
//! A capture program reads what attackers write. So everything is opened first; then, before any other thread starts
//! and before an octet from outside is looked at, [`enter`] gives up what reading and writing do not need:
//!
//! 1. `no_new_privs`: no program that is run later can gain rights.
//! 2. Root becomes an ordinary user.
//! 3. The capability sets are emptied.
//! 4. Landlock restricts which files can be opened later, and allows no TCP connection.
//! 5. A seccomp filter ends the process at any system call that its mode does not need.
//!
//! All of them hold for this thread and those that it starts.

#[cfg(all(target_os = "linux", feature = "sandbox"))]
mod calls;
#[cfg(all(target_os = "linux", feature = "sandbox"))]
mod files;
#[cfg(all(target_os = "linux", feature = "kernel"))]
mod helper;
#[cfg(all(target_os = "linux", feature = "sandbox"))]
mod linux;
#[cfg_attr(
    not(all(target_os = "linux", feature = "sandbox", feature = "tui")),
    allow(dead_code, reason = "builds without a sandbox or a view ask for less")
)]
mod plan;
#[cfg(all(target_os = "linux", feature = "sandbox", debug_assertions))]
mod test_call;
#[cfg(all(target_os = "linux", feature = "sandbox"))]
mod user;

#[cfg(all(target_os = "linux", feature = "kernel"))]
pub(super) use self::helper::enter as enter_helper;
pub(super) use self::plan::{Layers, Mode, Sandbox};
use super::messages::Failure;
use crate::output::file::Later;

/// Gives up rights. Call it once, before the first other thread starts.
///
/// # Errors
///
/// [`Failure::Usage`] for a user that does not exist or cannot be had; [`Failure::Running`] where a layer is missing in
/// mode [`Mode::Strict`], or where root could be left only in part.
pub(super) fn enter(sandbox: &Sandbox) -> Result<Layers, Failure> {
    #[cfg(all(target_os = "linux", feature = "sandbox"))]
    let layers = linux::enter(sandbox)?;
    #[cfg(not(all(target_os = "linux", feature = "sandbox")))]
    let layers = no_layers(sandbox)?;
    match layers.missing.first() {
        Some(why) if sandbox.mode == Mode::Strict => Err(Failure::Running(format!("--sandbox strict: {why}"))),
        _ => Ok(layers),
    }
}

/// Who the process will be after [`enter`], where it has more rights before.
///
/// # Errors
///
/// [`Failure::Usage`] for a user that does not exist or cannot be had.
pub(super) fn next_user(sandbox: &Sandbox) -> Result<Option<Later>, Failure> {
    #[cfg(all(target_os = "linux", feature = "sandbox"))]
    return user::next(sandbox);
    #[cfg(not(all(target_os = "linux", feature = "sandbox")))]
    Ok(sandbox.user.as_ref().and(None))
}

#[cfg(not(all(target_os = "linux", feature = "sandbox")))]
fn no_layers(sandbox: &Sandbox) -> Result<Layers, Failure> {
    if sandbox.user.is_some() {
        return Err(Failure::Usage("-Z: this build cannot change its user".to_owned()));
    }
    let missing = vec!["this build has no sandbox (it needs Linux and the feature 'sandbox')".to_owned()];
    Ok(Layers { missing, ..Layers::default() })
}
