//! The layers, in order.

use caps::{CapSet, CapsHashSet};
use nix::sys::prctl;

use super::super::messages::{self, Failure};
use super::calls;
use super::files::{self, Prepared};
use super::plan::{Layers, Mode, Sandbox};
#[cfg(debug_assertions)]
use super::test_call;
use super::user::{self, Change};

/// Gives up rights; what cannot be given up is said in the result.
pub(super) fn enter(sandbox: &Sandbox) -> Result<Layers, Failure> {
    let change = user::choose(sandbox.user.as_deref(), sandbox.mode)?;
    let mut layers = Layers::default();
    if sandbox.mode == Mode::Off {
        layers.user = become_user(&change, &mut layers.missing)?;
        return Ok(layers);
    }
    // While folders that only root may enter can still be named.
    let prepared = files::prepare(sandbox);
    match prctl::set_no_new_privs() {
        Ok(()) => layers.no_new_privs = true,
        Err(error) => layers.missing.push(format!("no new privileges: {error}")),
    }
    // Takes a capability that the next step takes away.
    drop_bounding_set();
    layers.user = become_user(&change, &mut layers.missing)?;
    match empty_capabilities() {
        Ok(()) => layers.no_capabilities = true,
        Err(error) => layers.missing.push(format!("capabilities: {error}")),
    }
    match prepared.and_then(Prepared::enforce) {
        Ok(version) => layers.landlock = Some(version),
        Err(why) => layers.missing.push(format!("Landlock: {why}")),
    }
    match calls::filter(sandbox) {
        Ok(()) => layers.seccomp = true,
        Err(why) => layers.missing.push(format!("seccomp: {why}")),
    }
    #[cfg(debug_assertions)]
    test_call::make_one();
    Ok(layers)
}

/// Leaves root where that is wanted; who the process is then.
fn become_user(change: &Change, missing: &mut Vec<String>) -> Result<Option<String>, Failure> {
    match change {
        Change::None => Ok(None),
        Change::Stay => {
            messages::say("synscope: warning: stays root (-Z root)");
            Ok(Some("root".to_owned()))
        }
        Change::To(user) => match user.take() {
            Ok(()) => Ok(Some(user.name.clone())),
            Err(why) if user.asked => Err(Failure::Running(format!("-Z {}: {why}", user.name))),
            Err(why) => {
                messages::say(&format!("synscope: warning: stays root: {why}"));
                missing.push(format!("user: {why}"));
                Ok(Some("root".to_owned()))
            }
        },
    }
}

/// Empties the set that limits what programs run later could gain. Only root may; without new privileges it has no
/// meaning for others.
fn drop_bounding_set() {
    if caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP).unwrap_or(false) {
        let _ = caps::clear(None, CapSet::Bounding);
    }
}

/// Empties the other four sets, and looks whether they are.
fn empty_capabilities() -> Result<(), String> {
    let failed = |error: caps::errors::CapsError| error.to_string();
    // Kernels before 4.3 have no ambient set.
    let _ = caps::clear(None, CapSet::Ambient);
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).map_err(failed)?;
    }
    let sets = [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable];
    let left = sets.iter().filter_map(|set| caps::read(None, *set).ok()).flatten().collect::<CapsHashSet>();
    if left.is_empty() { Ok(()) } else { Err(format!("{left:?} stay")) }
}
