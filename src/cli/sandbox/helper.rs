//! Rights of the helper that asks the kernel about processes.
//!
//! It has two capabilities, if it was started with them, since the descriptors of other users' processes can be looked
//! at with both only (`proc_fd_permission` and `ptrace_may_access` in the kernel). Landlock does not hold for it: a
//! process under Landlock may look at no other. It sees no packet.

use caps::{CapSet, Capability, CapsHashSet, securebits};
use nix::sys::prctl;
use nix::unistd::Uid;

use super::calls;
use super::plan::Mode;
use super::user::{self, Change};

/// What reading `/proc/PID/fd` of other users takes.
const KEPT: [Capability; 2] = [Capability::CAP_SYS_PTRACE, Capability::CAP_DAC_READ_SEARCH];

/// Gives up everything else. Call it when sockets are open and before anything is read.
///
/// # Errors
///
/// What could not be given up.
pub(in crate::cli) fn enter() -> Result<(), String> {
    prctl::set_no_new_privs().map_err(|error| format!("helper: no new privileges: {error}"))?;
    let failed = |error: caps::errors::CapsError| format!("helper: capabilities: {error}");
    let had = caps::read(None, CapSet::Permitted).map_err(failed)?;
    let kept = KEPT.into_iter().filter(|capability| had.contains(capability)).collect::<CapsHashSet>();
    if Uid::effective().is_root() {
        // Root's capabilities survive the change of user in the permitted set.
        securebits::set_keepcaps(true).map_err(failed)?;
        if let Ok(Change::To(user)) = user::choose(None, Mode::On) {
            user.take().map_err(|why| format!("helper: {why}"))?;
        }
    }
    let _ = caps::clear(None, CapSet::Ambient);
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new()).map_err(failed)?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed)?;
    calls::filter_of_helper().map_err(|why| format!("helper: seccomp: {why}"))
}
