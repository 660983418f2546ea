//! The helper process: asks the kernel whenever it is asked to, at least once a second, and never takes more than a
//! twentieth of a processor.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::ifaddrs::getifaddrs;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::counters;
use super::processes::Processes;
use super::sockets::{Seen, Sockets};
use crate::cli::sandbox;
use crate::kernel::{Listener, Snapshot, Socket, state};
use crate::tcp::State;

/// How often it asks by itself.
const INTERVAL: Duration = Duration::from_secs(1);
/// The shortest time between two snapshots.
const SHORTEST: Duration = Duration::from_millis(10);
/// After a snapshot it rests for as many times as long as that took.
const REST: u32 = 20;
/// Sockets looked at in a snapshot.
const SOCKETS: usize = 65_536;
/// How often the process of a socket is looked for.
const TRIES: u8 = 3;

/// The question that is answered without rest.
pub(super) const AT_ONCE: &[u8] = b"!\n";

/// Local and remote end.
type Pair = (SocketAddr, SocketAddr);

/// What the snapshot before said, and what it is made with.
struct Asker {
    sockets: Sockets,
    processes: Processes,
    before: HashMap<Pair, Before>,
    /// The process of a listening socket, by its inode, and how often it was looked for.
    listeners: HashMap<u32, (Option<u32>, u8)>,
    addresses: Vec<IpAddr>,
    missing: Vec<String>,
    settings_are_sent: bool,
    /// When counters and addresses were read last.
    slow: Option<Instant>,
}

/// A socket in the snapshot before.
#[derive(Clone, Copy)]
struct Before {
    state: u8,
    inode: u32,
    process: Option<u32>,
    tries: u8,
}

/// Works until standard input closes.
pub(super) fn run() {
    // Ctrl-C, the end of a terminal and of a service come to all processes there: this one when nobody reads it
    // any more, so that the last question is answered.
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
    let Ok(sockets) = Sockets::open() else { return };
    let processes = Processes::new();
    let mut missing = Vec::new();
    if let Err(why) = sandbox::enter_helper() {
        missing.push(why);
    }
    let mut asker = Asker {
        sockets,
        processes,
        before: HashMap::new(),
        listeners: HashMap::new(),
        addresses: Vec::new(),
        missing,
        settings_are_sent: false,
        slow: None,
    };
    let mut out = io::stdout().lock();
    loop {
        let begin = Instant::now();
        let snapshot = asker.snapshot();
        let Ok(mut line) = serde_json::to_vec(&snapshot) else { return };
        line.push(b'\n');
        if out.write_all(&line).and_then(|()| out.flush()).is_err() {
            return;
        }
        let rest = (begin.elapsed() * REST).max(SHORTEST);
        if !is_asked_until(begin + INTERVAL.max(rest), begin + rest) {
            return;
        }
    }
}

/// Waits until somebody asks, but no shorter than until `earliest` and no longer than until `latest`; false where
/// nobody will ask again.
fn is_asked_until(latest: Instant, earliest: Instant) -> bool {
    let stdin = io::stdin();
    loop {
        let now = Instant::now();
        if now >= latest {
            return true;
        }
        let wait = Timespec::try_from(latest - now).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return false,
        }
        // Many questions have one answer.
        let mut questions = [0; 64];
        let n = match stdin.lock().read(&mut questions) {
            Ok(n) if n > 0 => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            _ => return false,
        };
        if !questions.iter().take(n).any(|octet| AT_ONCE.starts_with(&[*octet])) {
            std::thread::sleep(earliest.saturating_duration_since(Instant::now()));
        }
        return true;
    }
}

impl Asker {
    fn snapshot(&mut self) -> Snapshot {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut snapshot = Snapshot { time: i64::try_from(time.as_nanos()).unwrap_or(i64::MAX), ..Snapshot::default() };
        let missing = self.missing.clone();
        self.sockets(&mut snapshot);
        if self.slow.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.slow = Some(Instant::now());
            self.slow(&mut snapshot);
        }
        if self.missing != missing || !self.settings_are_sent {
            snapshot.missing.clone_from(&self.missing);
        }
        if !self.settings_are_sent {
            snapshot.settings = counters::settings();
            self.settings_are_sent = true;
        }
        snapshot
    }

    /// Notes once that something cannot be had.
    fn lack(&mut self, why: String) {
        if !self.missing.contains(&why) && self.missing.len() < 16 {
            self.missing.push(why);
        }
    }

    /// What changes slowly.
    fn slow(&mut self, snapshot: &mut Snapshot) {
        match counters::counters() {
            Ok(counters) => snapshot.counters = counters,
            Err(why) => self.lack(why),
        }
        match getifaddrs() {
            Ok(list) => {
                let mut addresses = list.filter_map(|interface| ip(interface.address?)).collect::<Vec<_>>();
                addresses.sort_unstable();
                addresses.dedup();
                if addresses != self.addresses {
                    self.addresses.clone_from(&addresses);
                    snapshot.addresses = addresses;
                }
            }
            Err(why) => self.lack(format!("addresses of this host: {why}")),
        }
    }

    fn sockets(&mut self, snapshot: &mut Snapshot) {
        let mut list = Vec::new();
        let mut unlisted = 0;
        let answered = self.sockets.each(&mut |seen| {
            if list.len() < SOCKETS { list.push(*seen) } else { unlisted += 1 }
        });
        snapshot.unlisted = unlisted;
        if let Err(why) = answered {
            self.lack(format!("sockets: {why}"));
            return;
        }
        self.name(&list, snapshot);
        self.changes(&list, snapshot);
        snapshot.listeners = self.listeners_of(&list);
        if self.processes.hidden > 0 {
            self.lack("processes of other users (needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)".to_owned());
        }
    }

    /// Looks for the processes of sockets that have none yet.
    fn name(&mut self, list: &[Seen], snapshot: &mut Snapshot) {
        let mut wanted = HashSet::new();
        for seen in list.iter().filter(|seen| seen.inode != 0) {
            let is_known = if is_listening(seen) {
                let known = self.listeners.get(&seen.inode);
                known.is_some_and(|(process, tries)| process.is_some() || *tries >= TRIES)
            } else {
                let before = self.before.get(&(seen.local, seen.remote)).filter(|before| before.inode == seen.inode);
                before.is_some_and(|before| before.process.is_some() || before.tries >= TRIES)
            };
            if !is_known {
                wanted.insert(seen.inode);
            }
        }
        if wanted.is_empty() {
            return;
        }
        let found = self.processes.find(&wanted);
        snapshot.processes = found.fresh;
        for seen in list.iter().filter(|seen| wanted.contains(&seen.inode)) {
            let process = found.owners.get(&seen.inode).copied();
            if is_listening(seen) {
                let known = self.listeners.entry(seen.inode).or_default();
                *known = (process, known.1 + 1);
                continue;
            }
            let key = (seen.local, seen.remote);
            let tries = self.before.get(&key).filter(|b| b.inode == seen.inode).map_or(0, |b| b.tries) + 1;
            // A state that no socket has: it counts as changed.
            self.before.insert(key, Before { state: u8::MAX, inode: seen.inode, process, tries });
        }
    }

    /// What is new, what has changed, what is no more.
    fn changes(&mut self, list: &[Seen], snapshot: &mut Snapshot) {
        let mut now = HashMap::with_capacity(list.len());
        for seen in list.iter().filter(|seen| !is_listening(seen)) {
            let key = (seen.local, seen.remote);
            let before = self.before.remove(&key);
            if before.is_none_or(|before| before.state != seen.state) {
                let process = before.and_then(|before| before.process);
                snapshot.sockets.push(Socket { local: seen.local, remote: seen.remote, state: seen.state, process });
            }
            let kept = before.filter(|before| seen.inode == 0 || before.inode == seen.inode);
            let kept = kept.unwrap_or(Before { state: seen.state, inode: seen.inode, process: None, tries: 0 });
            now.insert(key, Before { state: seen.state, ..kept });
        }
        snapshot.gone = self.before.drain().map(|(key, _)| key).collect();
        self.before = now;
    }

    fn listeners_of(&mut self, list: &[Seen]) -> Vec<Listener> {
        let mut half_open = HashMap::<u16, u32>::new();
        for seen in list.iter().filter(|seen| state(seen.state) == Some(State::SynReceived)) {
            *half_open.entry(seen.local.port()).or_default() += 1;
        }
        let listening = list.iter().filter(|seen| is_listening(seen)).collect::<Vec<_>>();
        let present = listening.iter().map(|seen| seen.inode).collect::<HashSet<_>>();
        self.listeners.retain(|inode, _| present.contains(inode));
        let mut rows = HashMap::<SocketAddr, Listener>::new();
        for seen in listening {
            let (process, port) = (self.listeners.get(&seen.inode).and_then(|known| known.0), seen.local.port());
            let row = rows.entry(seen.local).or_insert(Listener {
                address: seen.local,
                queue: 0,
                limit: 0,
                half_open: half_open.get(&port).copied().unwrap_or(0),
                process,
            });
            // Several sockets share an address by SO_REUSEPORT, each with a queue of its own.
            row.queue = row.queue.saturating_add(seen.waiting);
            row.limit = row.limit.saturating_add(seen.limit);
            row.process = row.process.or(process);
        }
        rows.into_values().collect()
    }
}

fn is_listening(seen: &Seen) -> bool {
    state(seen.state) == Some(State::Listen)
}

fn ip(address: nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}
