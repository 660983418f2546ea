//! Asks this host's kernel about its own connections (Linux), beside a live capture.
//!
//! Who looks at other users' processes needs rights, and the process that reads packets gives all of them up. So a
//! helper asks: the same program, started before rights are given up, which never sees a packet. It keeps the two
//! capabilities that reading `/proc/PID/fd` of others takes, if it has them, and nothing else ([`helper`]). Both talk
//! through two pipes: a line break asks for a snapshot soon, and each snapshot is a line of JSON
//! ([`crate::kernel::Snapshot`]).

mod asking;
#[cfg(all(target_os = "linux", feature = "kernel"))]
mod counters;
#[cfg(all(target_os = "linux", feature = "kernel"))]
mod helper;
#[cfg(all(target_os = "linux", feature = "kernel"))]
mod pipes;
#[cfg(all(target_os = "linux", feature = "kernel"))]
mod processes;
#[cfg(all(target_os = "linux", feature = "kernel"))]
mod sockets;

pub(super) use self::asking::Asking;
#[cfg(all(target_os = "linux", feature = "kernel"))]
pub(super) use self::pipes::{Helper, is_helper};
use super::config::AskKernel;
use super::messages::Failure;

/// There is nobody to ask in this build.
#[cfg(not(all(target_os = "linux", feature = "kernel")))]
pub(super) enum NoHelper {}
#[cfg(not(all(target_os = "linux", feature = "kernel")))]
pub(super) use NoHelper as Helper;

/// Starts the helper where it is wanted. Call it before rights are given up.
///
/// # Errors
///
/// Why it cannot be started, where the kernel has to be asked.
pub(super) fn start(wanted: AskKernel) -> Result<Option<Helper>, Failure> {
    if wanted == AskKernel::No {
        return Ok(None);
    }
    match try_start() {
        Ok(helper) => Ok(Some(helper)),
        Err(why) if wanted == AskKernel::Yes => Err(Failure::Usage(format!("--kernel: {why}"))),
        Err(_) => Ok(None),
    }
}

#[cfg(all(target_os = "linux", feature = "kernel"))]
fn try_start() -> Result<Helper, String> {
    Helper::start().map_err(|error| error.to_string())
}

#[cfg(not(all(target_os = "linux", feature = "kernel")))]
fn try_start() -> Result<Helper, String> {
    Err("this build cannot ask the kernel (it needs Linux and the feature 'kernel')".to_owned())
}

#[cfg(not(all(target_os = "linux", feature = "kernel")))]
impl NoHelper {
    /// There is none.
    pub(super) fn listen(self) -> Result<Asking, Failure> {
        match self {}
    }
}
