//! seccomp: which system calls can be made from now on (seccomp(2)).
//!
//! The lists were written from what strace sees of every format and mode; `tests/sandbox.rs` runs all of them under the
//! filter. A call that is not listed ends the process (SIGSYS), with two exceptions that libraries know how to live
//! without: calls newer than the lists do not exist (ENOSYS), `clone3` among them, whose arguments a filter cannot see;
//! and there are no new sockets (EACCES).

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::plan::Sandbox;

/// Calls of every mode, whatever their arguments.
const ALWAYS: &[libc::c_long] = &[
    // What is open already.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_close,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fadvise64,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    // What files there are.
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads.
    libc::SYS_futex,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Who and where.
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrusage,
];

/// The same under their older names, which x86-64 kept and musl uses.
#[cfg(target_arch = "x86_64")]
const ALWAYS_OF_THE_MACHINE: &[libc::c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_readlink,
    libc::SYS_access,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_dup2,
    libc::SYS_time,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_OF_THE_MACHINE: &[libc::c_long] = &[];

/// Where files are made, replaced and renamed.
const WRITING: &[libc::c_long] = &[
    libc::SYS_openat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_fchmod,
    libc::SYS_linkat,
];
#[cfg(target_arch = "x86_64")]
const WRITING_OF_THE_MACHINE: &[libc::c_long] = &[libc::SYS_open, libc::SYS_rename, libc::SYS_unlink, libc::SYS_link];
#[cfg(not(target_arch = "x86_64"))]
const WRITING_OF_THE_MACHINE: &[libc::c_long] = &[];

/// Sockets that capture, and what became of their interface.
const CAPTURING: &[libc::c_long] =
    &[libc::SYS_getsockopt, libc::SYS_getsockname, libc::SYS_recvfrom, libc::SYS_recvmsg];

/// Requests for metrics, at a socket that listens already.
const SERVING: &[libc::c_long] = &[libc::SYS_accept4, libc::SYS_recvfrom, libc::SYS_shutdown];

/// Keys and signals of the terminal view.
const VIEWING: &[libc::c_long] = &[
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
    libc::SYS_recvfrom,
    libc::SYS_getpgid,
];
#[cfg(target_arch = "x86_64")]
const VIEWING_OF_THE_MACHINE: &[libc::c_long] = &[libc::SYS_epoll_wait, libc::SYS_getpgrp];
#[cfg(not(target_arch = "x86_64"))]
const VIEWING_OF_THE_MACHINE: &[libc::c_long] = &[];

/// What is asked of open files: whether they are terminals, how large those are and what keys do, what is there to
/// read, whether an interface is up.
const ASKED_OF_FILES: &[u64] = &[
    libc::TCGETS,
    libc::TCGETS2,
    libc::TIOCGWINSZ,
    libc::TIOCGPGRP,
    libc::FIONREAD,
    libc::FIONBIO,
    libc::FIOCLEX,
    libc::SIOCGIFFLAGS,
];
/// What the view sets.
const SET_ON_TERMINALS: &[u64] =
    &[libc::TCSETS, libc::TCSETSW, libc::TCSETSF, libc::TCSETS2, libc::TCSETSW2, libc::TCSETSF2];

/// The names of threads, and of memory for whoever looks at it.
const ABOUT_THE_PROCESS: &[u64] = &[libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, libc::PR_SET_VMA as u64];

/// Calls that came after the lists were written have these numbers, on every kind of machine.
const NEWER: std::ops::RangeInclusive<i64> = 434..=511;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Ends the process at any other call from now on.
///
/// # Errors
///
/// Why it cannot.
pub(super) fn filter(sandbox: &Sandbox) -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|_| "not for this kind of machine".to_owned())?;
    let failed = |error: BackendError| error.to_string();
    let install = |rules, otherwise, matching| {
        let filter = SeccompFilter::new(rules, otherwise, matching, arch).map_err(failed)?;
        let program = BpfProgram::try_from(filter).map_err(failed)?;
        apply_filter(&program).map_err(|error| error.to_string())
    };
    let refuse = |calls: Vec<i64>, error: i32| {
        let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
        install(rules, SeccompAction::Allow, SeccompAction::Errno(error.cast_unsigned()))
    };
    // The kernel takes the sternest answer of all filters, so what one refuses the last one must allow.
    let allowed = allowed(sandbox).map_err(failed)?;
    refuse(NEWER.collect(), libc::ENOSYS)?;
    refuse(vec![libc::SYS_socket], libc::EACCES)?;
    install(allowed, SeccompAction::KillProcess, SeccompAction::Allow)
}

/// The list for a mode.
fn allowed(sandbox: &Sandbox) -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    let mut lists = vec![ALWAYS, ALWAYS_OF_THE_MACHINE];
    let mut asked = ASKED_OF_FILES.to_vec();
    if sandbox.serves {
        lists.push(SERVING);
        let timeouts = [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO].map(|option| option as u64);
        let socket = |option| SeccompRule::new(vec![is(1, libc::SOL_SOCKET as u64)?, is(2, option)?]);
        add(&mut rules, libc::SYS_setsockopt, timeouts.map(socket).into_iter().collect::<Result<_, _>>()?);
    }
    if sandbox.serves || sandbox.notifies {
        // To the other end of a connection only.
        add(&mut rules, libc::SYS_sendto, vec![SeccompRule::new(vec![is_null(4)?])?]);
    }
    if sandbox.view {
        lists.extend([VIEWING, VIEWING_OF_THE_MACHINE]);
        asked.extend(SET_ON_TERMINALS);
        rules.insert(libc::SYS_socketpair, vec![SeccompRule::new(vec![is(0, libc::AF_UNIX as u64)?])?]);
        // To nobody else than the other end.
        add(&mut rules, libc::SYS_sendto, vec![SeccompRule::new(vec![is_null(4)?])?]);
    }
    if !sandbox.interfaces.is_empty() {
        lists.push(CAPTURING);
        add(&mut rules, libc::SYS_setsockopt, vec![SeccompRule::new(vec![is(1, libc::SOL_PACKET as u64)?])?]);
    }
    if sandbox.view || !sandbox.writes.is_empty() {
        lists.extend([WRITING, WRITING_OF_THE_MACHINE]);
    } else {
        rules.insert(libc::SYS_openat, vec![only_reads(2)?]);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, vec![only_reads(1)?]);
    }
    with_arguments(&mut rules, &asked)?;
    let calls = lists.into_iter().flatten().copied().chain(NEWER).chain([libc::SYS_socket]);
    rules.extend(calls.map(|call| (call, Vec::new())));
    Ok(rules)
}

/// Calls of every mode with some arguments only.
fn with_arguments(rules: &mut Rules, asked: &[u64]) -> Result<(), BackendError> {
    let this = u64::from(std::process::id());
    let not_executable = |index| SeccompRule::new(vec![masked(index, libc::PROT_EXEC as u64, 0)?]);
    rules.insert(libc::SYS_mmap, vec![not_executable(2)?]);
    rules.insert(libc::SYS_mprotect, vec![not_executable(2)?]);
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![masked(0, thread, thread)?])?]);
    // Signals to this process only. musl's raise names the thread alone.
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, this)?])?]);
    rules.insert(libc::SYS_kill, vec![SeccompRule::new(vec![is(0, this)?])?]);
    if cfg!(target_env = "musl") {
        rules.insert(libc::SYS_tkill, Vec::new());
    }
    // Limits are read, not set.
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![is_null(2)?])?]);
    let any_of = |index, values: &[u64]| {
        values.iter().map(|value| SeccompRule::new(vec![is(index, *value)?])).collect::<Result<Vec<_>, _>>()
    };
    rules.insert(libc::SYS_ioctl, any_of(1, asked)?);
    rules.insert(libc::SYS_prctl, any_of(0, ABOUT_THE_PROCESS)?);
    Ok(())
}

/// Allows a call with these arguments, too.
fn add(rules: &mut Rules, call: i64, more: Vec<SeccompRule>) {
    rules.entry(call).or_default().extend(more);
}

fn is(index: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn is_null(index: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

fn masked(index: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

/// Opening a file that exists, to read it.
fn only_reads(flags: u8) -> Result<SeccompRule, BackendError> {
    let other = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY);
    SeccompRule::new(vec![masked(flags, other as u64, 0)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_a_list_that_compiles() {
        let modes = [
            Sandbox::default(),
            Sandbox { view: true, ..Sandbox::default() },
            Sandbox { interfaces: vec!["lo".to_owned()], ..Sandbox::default() },
            Sandbox { writes: vec!["/tmp".into()], ..Sandbox::default() },
            Sandbox { serves: true, notifies: true, ..Sandbox::default() },
        ];
        for mode in modes {
            let rules = allowed(&mode).unwrap();
            assert!(!rules.contains_key(&libc::SYS_execve) && !rules.contains_key(&libc::SYS_connect));
            assert_eq!(rules[&libc::SYS_openat].is_empty(), mode.view || !mode.writes.is_empty());
            assert_eq!(rules.contains_key(&libc::SYS_getsockopt), !mode.interfaces.is_empty());
        }
    }
}
