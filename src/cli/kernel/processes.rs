//! Which process has a socket: the links in `/proc/PID/fd`.

use std::collections::{HashMap, HashSet};
use std::fs;

use procfs::process::{self, FDTarget};

use crate::kernel::Process;

/// Processes whose descriptions are kept.
const LIMIT: usize = 16_384;
/// Descriptors looked at in one process.
const DESCRIPTORS: usize = 65_536;
/// Processes that are looked at first, since they were found to have sockets.
const OWNERS: usize = 64;

/// Processes by the sockets that they have.
#[derive(Default)]
pub(super) struct Processes {
    /// Names of users, by their number.
    users: HashMap<u32, String>,
    /// Numbers given out, by process and its start.
    numbers: HashMap<(i32, u64), u32>,
    /// The next number.
    next: u32,
    /// Processes that had sockets, the latest last.
    owners: Vec<i32>,
    /// Processes that could not be looked at.
    pub(super) hidden: u64,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// The number of the process, by inode of its socket.
    pub(super) owners: HashMap<u32, u32>,
    /// Processes that have no number yet.
    pub(super) fresh: Vec<(u32, Process)>,
}

impl Processes {
    /// Reads the names of users; later that may not be possible.
    pub(super) fn new() -> Self {
        let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = |line: &str| {
            let mut words = line.split(':');
            let name = words.next()?;
            Some((words.nth(1)?.parse().ok()?, name.to_owned()))
        };
        Self { users: list.lines().filter_map(user).collect(), ..Self::default() }
    }

    /// Finds who has these sockets. Those that were found last time are looked at first: new sockets mostly have the
    /// same processes.
    pub(super) fn find(&mut self, inodes: &HashSet<u32>) -> Found {
        let mut wanted = inodes.clone();
        let mut found = Found::default();
        for pid in self.owners.clone().into_iter().rev() {
            if wanted.is_empty() {
                return found;
            }
            self.look(pid, &mut wanted, &mut found);
        }
        let known = self.owners.iter().copied().collect::<HashSet<_>>();
        self.hidden = 0;
        for process in process::all_processes().into_iter().flatten().flatten() {
            if wanted.is_empty() {
                break;
            }
            if !known.contains(&process.pid) {
                self.look(process.pid, &mut wanted, &mut found);
            }
        }
        found
    }

    /// Looks at the descriptors of one process.
    fn look(&mut self, pid: i32, wanted: &mut HashSet<u32>, found: &mut Found) {
        let Ok(process) = process::Process::new(pid) else {
            self.owners.retain(|owner| *owner != pid);
            return;
        };
        let Ok(descriptors) = process.fd() else {
            self.hidden += 1;
            return;
        };
        let mut number = None;
        for descriptor in descriptors.flatten().take(DESCRIPTORS) {
            let FDTarget::Socket(inode) = descriptor.target else { continue };
            let Ok(inode) = u32::try_from(inode) else { continue };
            // A socket that several processes share, as a server and its workers do, is that of the first one found.
            if wanted.remove(&inode) {
                let number = *number.get_or_insert_with(|| self.number(&process, found));
                found.owners.insert(inode, number);
            }
        }
        if number.is_some() {
            self.owners.retain(|owner| *owner != pid);
            self.owners.push(pid);
            let surplus = self.owners.len().saturating_sub(OWNERS);
            self.owners.drain(..surplus);
        }
    }

    /// The number of a process; a new one comes with its description.
    fn number(&mut self, process: &process::Process, found: &mut Found) -> u32 {
        let stat = process.stat().ok();
        let key = (process.pid, stat.as_ref().map_or(0, |stat| stat.starttime));
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        if self.numbers.len() >= LIMIT {
            // Those that still have sockets get new numbers.
            self.numbers.clear();
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.numbers.insert(key, number);
        let user = process.uid().ok();
        let user = user.map(|uid| self.users.get(&uid).cloned().unwrap_or_else(|| uid.to_string()));
        let executable = process.exe().ok().map(|path| path.to_string_lossy().into_owned());
        let name = stat.map(|stat| stat.comm).unwrap_or_default();
        let pid = process.pid.unsigned_abs();
        found.fresh.push((number, Process { pid, name, executable, user, container: container(process) }));
        number
    }
}

/// The container of a process: the last 64 hexadecimal digits in the path of its control group, as Docker, containerd,
/// CRI-O and Podman name them.
fn container(process: &process::Process) -> Option<String> {
    let groups = process.cgroups().ok()?;
    groups.into_iter().find_map(|group| container_id(&group.pathname).map(str::to_owned))
}

fn container_id(path: &str) -> Option<&str> {
    let is_id = |word: &&str| word.len() == 64 && word.bytes().all(|octet| octet.is_ascii_hexdigit());
    path.rsplit(['/', '-', '.', ':']).find(is_id)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn containers_are_known_by_their_control_group() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("/docker/{id}"),
            format!("/system.slice/docker-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("/kubepods/besteffort/pod1/{id}"),
            format!("/machine.slice/libpod-{id}.scope/container"),
        ] {
            assert_eq!(container_id(&path), Some(id.as_str()), "{path}");
        }
        for path in ["/", "/user.slice/user-1000.slice/session-1.scope", "/docker/0123"] {
            assert_eq!(container_id(path), None, "{path}");
        }
    }

    #[test]
    fn a_socket_of_this_process_is_found() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap();
        let link = link.to_string_lossy().into_owned();
        let inode = link.trim_start_matches("socket:[").trim_end_matches(']').parse().unwrap();
        let mut processes = Processes::new();
        let found = processes.find(&HashSet::from([inode]));
        let number = found.owners[&inode];
        let process = &found.fresh.iter().find(|(given, _)| *given == number).unwrap().1;
        assert_eq!(process.pid, std::process::id());
        assert!(process.user.is_some() && process.executable.is_some() && !process.name.is_empty());
        // The second time it has its number.
        let again = processes.find(&HashSet::from([inode]));
        assert!(again.fresh.is_empty() && again.owners[&inode] == number);
        assert!(processes.find(&HashSet::from([0])).owners.is_empty());
    }
}
