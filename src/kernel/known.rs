//! What the snapshots said, within limits.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strum::{IntoStaticStr, VariantNames};

use super::listeners::{Alarm, ListenerRow, Listeners};
use super::snapshot::{Process, Snapshot, Socket};
use super::socket_names::state;
use crate::tcp::State;
use crate::time::{SECOND, Timestamp};

/// Sockets kept, those that are no more among them.
const SOCKETS: usize = 65_536;
/// Remote ends for which the processes are kept that had connections to them.
const REMOTES: usize = 16_384;
/// How long a socket is remembered that is no more, nanoseconds: flows end at most so much later in usual settings.
const REMEMBERED: i64 = 300 * SECOND;
/// How recently the only process known to talk to a server must have done so to be named for a socket that was gone
/// before it could be asked about, nanoseconds.
const RECENT: i64 = 60 * SECOND;
/// Alarms of queues that wait to be read.
const ALARMS: usize = 256;
/// How much later than a socket's end a connection with the same addresses may begin and still be the same one,
/// nanoseconds: packets and snapshots have different clocks.
const SLACK: i64 = SECOND;

/// How sure it is which process has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Match {
    /// The kernel named the process of this very socket.
    Exact,
    /// The socket was gone before it could be asked about: the process has the listening socket, or is the only one
    /// that was seen to talk to the same server within the last minute.
    Late,
    /// The end is here, and its process is unknown.
    None,
}

impl Match {
    /// The word in output.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the kernel knows of an end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelEnd {
    /// Its process.
    pub process: Option<Arc<Process>>,
    /// How sure that is.
    pub matched: Match,
    /// The state of the socket in the kernel, while there is one.
    pub state: Option<State>,
}

/// What the snapshots said so far. Shared between the thread that reads them and those that write events.
#[derive(Debug, Default)]
pub struct Known {
    tables: Mutex<Tables>,
    has_alarms: AtomicBool,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Tables {
    time: i64,
    processes: HashMap<u32, Arc<Process>>,
    sockets: HashMap<Key, Entry>,
    /// Sockets that are no more, in order of their end.
    gone: VecDeque<(i64, Key)>,
    listeners: Listeners,
    /// Processes that had a connection to a remote end, and when that was seen last.
    talkers: HashMap<SocketAddr, Talkers>,
    first_counters: BTreeMap<String, u64>,
    counters: BTreeMap<String, u64>,
    settings: BTreeMap<String, String>,
    addresses: HashSet<IpAddr>,
    missing: Vec<String>,
    alarms: VecDeque<Alarm>,
    unlisted: u64,
    unkept: u64,
}

/// Local and remote end.
type Key = (SocketAddr, SocketAddr);

#[derive(Debug)]
struct Entry {
    process: Option<Arc<Process>>,
    state: u8,
    gone: Option<i64>,
}

/// Who talks to a remote end: one process, or several.
#[derive(Debug)]
struct Talkers {
    process: Arc<Process>,
    last: i64,
    /// When another process was seen to talk to it.
    other: Option<i64>,
}

impl Known {
    /// Takes a snapshot.
    pub fn take(&self, snapshot: &Snapshot) {
        let mut tables = self.tables();
        tables.take(snapshot);
        self.has_alarms.store(!tables.alarms.is_empty(), Ordering::Relaxed);
    }

    /// No snapshot will come any more.
    pub fn end_of_snapshots(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether no snapshot will come any more.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// What the kernel knows of the end `local` of a connection with `remote` that began at `begin`; `None` where that
    /// end is not here. `listens`: whether it is the server's end.
    pub fn end(&self, local: SocketAddr, remote: SocketAddr, listens: bool, begin: Timestamp) -> Option<KernelEnd> {
        self.tables().end(local, remote, listens, begin.0)
    }

    /// Whether this address is one of this host.
    pub fn is_here(&self, address: IpAddr) -> bool {
        self.tables().addresses.contains(&address)
    }

    /// Every listening socket, in order of port and address.
    pub fn listeners(&self) -> Vec<ListenerRow> {
        self.tables().listeners.rows()
    }

    /// The listening socket that connections to `address` arrive at.
    pub fn listener(&self, address: SocketAddr) -> Option<ListenerRow> {
        self.tables().listeners.of(address).cloned()
    }

    /// The queues that passed a level since this was asked last.
    pub fn alarms(&self) -> Vec<Alarm> {
        // Asked with every event: nearly always there are none.
        if !self.has_alarms.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.has_alarms.store(false, Ordering::Relaxed);
        self.tables().alarms.drain(..).collect()
    }

    /// How far a counter has moved since the first snapshot; `None` for one that this kernel does not have.
    pub fn counted(&self, name: &str) -> Option<u64> {
        self.tables().counted(name)
    }

    /// Every counter that has moved since the first snapshot, with how far.
    pub fn moved(&self) -> BTreeMap<String, u64> {
        let tables = self.tables();
        let moved = tables.counters.keys().filter_map(|name| Some((name.clone(), tables.counted(name)?)));
        moved.filter(|(_, by)| *by > 0).collect()
    }

    /// The value of a setting below `/proc/sys/net`.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.tables().settings.get(name).cloned()
    }

    /// What could not be asked, and why.
    pub fn missing(&self) -> Vec<String> {
        self.tables().missing.clone()
    }

    /// Sockets that were not looked at or not kept, since there were too many.
    pub fn left_out(&self) -> u64 {
        let tables = self.tables();
        tables.unlisted.saturating_add(tables.unkept)
    }

    /// Time of the last snapshot, nanoseconds since 1970; 0 before the first.
    pub fn time(&self) -> i64 {
        self.tables().time
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A thread that panicked while it held them left at most a snapshot half taken.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn take(&mut self, snapshot: &Snapshot) {
        let time = snapshot.time;
        self.time = self.time.max(time);
        self.unlisted = self.unlisted.saturating_add(snapshot.unlisted);
        for (number, process) in &snapshot.processes {
            self.keep_process(*number, process);
        }
        snapshot.sockets.iter().for_each(|socket| self.socket(socket, time));
        for (local, remote) in &snapshot.gone {
            let key = (*local, *remote);
            if let Some(entry) = self.sockets.get_mut(&key).filter(|entry| entry.gone.is_none()) {
                entry.gone = Some(time);
                self.gone.push_back((time, key));
            }
        }
        let processes = &self.processes;
        let process = |number: Option<u32>| processes.get(&number?).cloned();
        let alarms = self.listeners.take(time, &snapshot.listeners, process);
        self.alarms.extend(alarms);
        let surplus = self.alarms.len().saturating_sub(ALARMS);
        self.alarms.drain(..surplus);
        if !snapshot.counters.is_empty() {
            if self.first_counters.is_empty() {
                self.first_counters.clone_from(&snapshot.counters);
            }
            self.counters.clone_from(&snapshot.counters);
        }
        self.settings.extend(snapshot.settings.clone());
        if !snapshot.addresses.is_empty() {
            self.addresses = snapshot.addresses.iter().copied().collect();
        }
        if !snapshot.missing.is_empty() {
            self.missing.clone_from(&snapshot.missing);
        }
        self.forget(time);
    }

    /// Processes are kept as long as sockets name them; their numbers are given out in order.
    fn keep_process(&mut self, number: u32, process: &Process) {
        if self.processes.len() >= SOCKETS {
            self.processes.retain(|_, process| Arc::strong_count(process) > 1);
        }
        self.processes.insert(number, Arc::new(process.clone()));
    }

    fn socket(&mut self, socket: &Socket, time: i64) {
        let key = (socket.local, socket.remote);
        let process = socket.process.and_then(|number| self.processes.get(&number).cloned());
        if let Some(process) = &process {
            self.talks(socket.remote, process, time);
        }
        // A socket whose process has closed it has none: it keeps the one that it had.
        match self.sockets.get_mut(&key) {
            Some(entry) if entry.gone.is_none() => {
                entry.state = socket.state;
                entry.process = process.or(entry.process.take());
            }
            _ => {
                if self.sockets.len() >= SOCKETS && !self.sockets.contains_key(&key) && !self.make_room() {
                    self.unkept = self.unkept.saturating_add(1);
                    return;
                }
                self.sockets.insert(key, Entry { process, state: socket.state, gone: None });
            }
        }
    }

    /// Notes who talks to a remote end.
    fn talks(&mut self, remote: SocketAddr, process: &Arc<Process>, time: i64) {
        if self.talkers.len() >= REMOTES && !self.talkers.contains_key(&remote) {
            self.talkers.retain(|_, talkers| time.saturating_sub(talkers.last) < RECENT);
            if self.talkers.len() >= REMOTES {
                return;
            }
        }
        let talkers = self.talkers.entry(remote).or_insert_with(|| Talkers {
            process: Arc::clone(process),
            last: time,
            other: None,
        });
        if talkers.process != *process {
            // The last one that talked before a minute of silence does not matter.
            talkers.other = Some(talkers.last).filter(|last| time.saturating_sub(*last) < RECENT);
            talkers.process = Arc::clone(process);
        }
        talkers.last = time;
    }

    /// Forgets sockets that have been gone for long.
    fn forget(&mut self, time: i64) {
        while self.gone.front().is_some_and(|(at, _)| time.saturating_sub(*at) > REMEMBERED) {
            self.make_room();
        }
    }

    /// Forgets the socket that has been gone for longest; whether there was one.
    fn make_room(&mut self) -> bool {
        while let Some((at, key)) = self.gone.pop_front() {
            // The same addresses may be in use again.
            if self.sockets.get(&key).is_some_and(|entry| entry.gone == Some(at)) {
                self.sockets.remove(&key);
                return true;
            }
        }
        false
    }

    fn end(&self, local: SocketAddr, remote: SocketAddr, listens: bool, begin: i64) -> Option<KernelEnd> {
        let entry = self.sockets.get(&(local, remote));
        // The socket of an earlier connection with the same addresses is none of this one.
        let entry = entry.filter(|entry| entry.gone.is_none_or(|gone| gone.saturating_add(SLACK) >= begin));
        if entry.is_none() && !self.addresses.contains(&local.ip()) {
            return None;
        }
        let in_kernel = entry.filter(|entry| entry.gone.is_none()).and_then(|entry| state(entry.state));
        if let Some(process) = entry.and_then(|entry| entry.process.clone()) {
            return Some(KernelEnd { process: Some(process), matched: Match::Exact, state: in_kernel });
        }
        let process = if listens { self.who_listens(local) } else { self.who_talks_to(remote, begin) };
        let matched = if process.is_some() { Match::Late } else { Match::None };
        Some(KernelEnd { process, matched, state: in_kernel })
    }

    fn who_listens(&self, local: SocketAddr) -> Option<Arc<Process>> {
        self.listeners.of(local).and_then(|row| row.process.clone())
    }

    /// The only process that was seen to talk to `remote` about then.
    fn who_talks_to(&self, remote: SocketAddr, begin: i64) -> Option<Arc<Process>> {
        let near = |time: i64| time.abs_diff(begin) < RECENT.unsigned_abs();
        let talkers = self.talkers.get(&remote).filter(|talkers| near(talkers.last))?;
        talkers.other.is_none_or(|other| !near(other)).then(|| Arc::clone(&talkers.process))
    }

    fn counted(&self, name: &str) -> Option<u64> {
        let (first, now) = (self.first_counters.get(name)?, self.counters.get(name)?);
        Some(now.saturating_sub(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: i64 = 1_000 * SECOND;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn process(pid: u32, name: &str) -> Process {
        Process { pid, name: name.to_owned(), ..Process::default() }
    }

    fn client(port: u16, process: Option<u32>) -> Socket {
        let local = SocketAddr::new("192.0.2.1".parse().unwrap(), port);
        Socket { local, remote: address("198.51.100.1:443"), state: 1, process }
    }

    fn snapshot(at: i64) -> Snapshot {
        Snapshot { time: BEGIN + at * SECOND, addresses: vec!["192.0.2.1".parse().unwrap()], ..Snapshot::default() }
    }

    fn end(known: &Known, port: u16, at: i64) -> (Match, Option<u32>, Option<State>) {
        let begin = Timestamp(BEGIN + at * SECOND);
        let socket = client(port, None);
        let end = known.end(socket.local, socket.remote, false, begin).unwrap();
        (end.matched, end.process.map(|process| process.pid), end.state)
    }

    #[test]
    fn a_socket_keeps_its_process_when_it_has_closed_it() {
        let known = Known::default();
        let first =
            Snapshot { processes: vec![(0, process(7, "curl"))], sockets: vec![client(1, Some(0))], ..snapshot(0) };
        known.take(&first);
        assert_eq!(end(&known, 1, 0), (Match::Exact, Some(7), Some(State::Established)));
        known.take(&Snapshot { sockets: vec![Socket { state: 9, ..client(1, None) }], ..snapshot(1) });
        assert_eq!(end(&known, 1, 0), (Match::Exact, Some(7), Some(State::LastAck)));
        let socket = client(1, None);
        known.take(&Snapshot { gone: vec![(socket.local, socket.remote)], ..snapshot(2) });
        assert_eq!(end(&known, 1, 0), (Match::Exact, Some(7), None));
        // Another connection with the same addresses; nothing but curl talks to that server.
        assert_eq!(end(&known, 1, 30), (Match::Late, Some(7), None));
        assert_eq!(end(&known, 1, 100), (Match::None, None, None));
    }

    #[test]
    fn a_process_is_guessed_only_where_one_alone_talks_to_the_server() {
        let known = Known::default();
        let processes = vec![(0, process(7, "curl")), (1, process(8, "wget"))];
        known.take(&Snapshot { processes, sockets: vec![client(1, Some(0))], ..snapshot(0) });
        assert_eq!(end(&known, 9, 1), (Match::Late, Some(7), None));
        known.take(&Snapshot { sockets: vec![client(2, Some(1))], ..snapshot(2) });
        assert_eq!(end(&known, 9, 3), (Match::None, None, None), "curl or wget");
        assert_eq!(end(&known, 2, 3), (Match::Exact, Some(8), Some(State::Established)));
        let elsewhere = known.end(address("203.0.113.9:1"), address("198.51.100.1:443"), false, Timestamp(0));
        assert_eq!(elsewhere, None, "not an end of this host");
    }

    #[test]
    fn tables_are_bounded() {
        let known = Known::default();
        for round in 0..3 {
            let sockets = (0..60_000).map(|port| Socket {
                local: SocketAddr::new(IpAddr::from([192, 0, 2, round]), port),
                ..client(0, None)
            });
            let sockets = sockets.collect::<Vec<_>>();
            let gone = sockets.iter().map(|socket| (socket.local, socket.remote)).collect();
            known.take(&Snapshot { sockets, ..snapshot(i64::from(round)) });
            assert!(known.tables().sockets.len() <= SOCKETS);
            known.take(&Snapshot { gone: if round == 0 { gone } else { Vec::new() }, ..snapshot(i64::from(round)) });
        }
        assert_eq!(known.left_out(), 3 * 60_000 - 60_000 - SOCKETS as u64);
    }

    #[test]
    fn counters_count_from_the_first_snapshot() {
        let known = Known::default();
        let counters = |n| BTreeMap::from([("ListenOverflows".to_owned(), n)]);
        known.take(&Snapshot { counters: counters(40), ..snapshot(0) });
        assert_eq!(known.counted("ListenOverflows"), Some(0));
        known.take(&Snapshot { counters: counters(42), ..snapshot(1) });
        assert_eq!((known.counted("ListenOverflows"), known.counted("Nothing")), (Some(2), None));
        assert_eq!(known.moved(), counters(2));
    }
}
