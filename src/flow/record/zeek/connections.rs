//! The rows of Zeek's `conn.log`: when one four-tuple becomes several connections, Zeek's timers included.
//!
//! A flow is an attempt or a connection as its two ends have it; Zeek's connection is what it saw between two of its
//! timers, or between two SYNs. A SYN that is repeated after five seconds, what follows five seconds after a close, or
//! a SYN after any FIN or RST each begin another row there. Whoever joins rows with Zeek's wants the same ones; who
//! wants to know what happened asks the flows.
//!
//! Where this differs from Zeek, on purpose:
//! * Timers run on the time of TCP segments alone, and all that are due run.
//! * What protocols of applications tell (SSH and FTP on other ports have an hour of silence with Zeek) is not known.
//! * The number of four-tuples is bounded: at [`MAX_TUPLES`] the rows of all connections that are over are written
//!   early, and if these are few, all are.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;

use super::words::{ConnState, EndpointState, ORIGINATOR, RESPONDER, Seen, ZeekSide, ZeekWords};
use crate::flow::record::checksum_trust::ChecksumTrust;
use crate::flow::record::checksum_trust::Worth;
use crate::flow::record::flow::Flow;
use crate::flow::record::tuple::FlowKey;
use crate::tcp::{Checksum, Endpoint, Flags, Headers, Segment, SeqNumber};
use crate::time::{SECOND, Timestamp};

/// Four-tuples kept at once.
pub const MAX_TUPLES: usize = 1 << 18;

/// Zeek's `tcp_attempt_delay`: a SYN that nothing answered by then is a row of its own.
const ATTEMPT: i64 = 5 * SECOND;
/// Zeek's `tcp_close_delay`: what comes later than this after the end is another connection's.
const CLOSE: i64 = 5 * SECOND;
/// Zeek's `tcp_SYN_timeout`: the first look at whether a connection is over.
const FIRST_LOOK: i64 = 5 * SECOND;
/// Zeek's `tcp_session_timer`: the time between two such looks.
const NEXT_LOOK: i64 = 6 * SECOND;
/// Zeek's `tcp_connection_linger`: the silence after which such a look counts.
const LINGER: i64 = 5 * SECOND;
/// Silence that ends a connection before either end is past its handshake.
const SILENT_HANDSHAKE: i64 = 60 * SECOND;
/// Zeek's `tcp_inactivity_timeout`.
const SILENT: i64 = 300 * SECOND;
/// Zeek's `port_inactivity_timeouts`.
const SILENT_INTERACTIVE: i64 = 3600 * SECOND;
const INTERACTIVE_PORTS: [u16; 4] = [21, 22, 23, 513];

/// One row of Zeek's `conn.log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Number of the flow it is of; 0: of none, because it is only what came late for one.
    pub flow: u64,
    /// Which row of that flow it is, from 1.
    pub part: u32,
    /// Time of its first segment.
    pub first_time: Timestamp,
    /// From there to the last segment that counts (nanoseconds). Nothing counts once both ends have closed.
    pub duration: i64,
    /// Whom Zeek takes for the originator.
    pub originator: Endpoint,
    /// The other end.
    pub responder: Endpoint,
    /// Octets that originator and responder sent, by sequence numbers.
    pub bytes: [u64; 2],
    /// Their segments; those with a wrong checksum do not count.
    pub packets: [u64; 2],
    /// Zeek's `conn_state`.
    pub state: ConnState,
    /// Zeek's `history`.
    pub history: String,
    /// Outermost VLAN id of the first segment, 0 where untagged.
    pub vlan: u16,
}

/// Zeek's connections.
#[derive(Debug)]
pub struct Connections {
    tuples: HashMap<FlowKey, Tuple, RandomState>,
    timers: Timers,
    sources: ChecksumTrust,
    zeek_checksums: bool,
    now: Timestamp,
    begun: u64,
    spilled: Vec<Row>,
}

impl Connections {
    /// None so far. `zeek_checksums`: every segment with a wrong or unfinished checksum is left out, as with Zeek;
    /// otherwise only those of senders that have shown right ones.
    pub fn new(zeek_checksums: bool) -> Self {
        Self {
            tuples: HashMap::default(),
            timers: Timers::default(),
            sources: ChecksumTrust::default(),
            zeek_checksums,
            now: Timestamp(i64::MIN),
            begun: 0,
            spilled: Vec::new(),
        }
    }

    /// Takes the next segment.
    pub fn observe(&mut self, s: &Segment) {
        self.now = self.now.max(s.time);
        self.run_timers();
        let sums = self.sources.judge(s);
        let read = Worth { sums, zeek_checksums: self.zeek_checksums }.read_by_zeek(s);
        let s = read.as_ref().unwrap_or(s);
        let (key, _) = FlowKey::of(s);
        if self.tuples.len() >= MAX_TUPLES && !self.tuples.contains_key(&key) {
            self.spill();
        }
        let tuple = self.tuples.entry(key).or_default();
        let mut alarm = |at, id, kind| self.timers.set(Timer { at, key, id, kind });
        if let Some(connection) = tuple.live()
            && !connection.is_reused_by(s)
        {
            let id = connection.id;
            connection.observe(s, &mut |at, kind| alarm(at, id, kind));
            return;
        }
        if let Some(connection) = tuple.live() {
            connection.over = true;
        }
        self.begun += 1;
        let id = self.begun;
        tuple.connections.push(Connection::new(id, s, &mut |at, kind| alarm(at, id, kind)));
    }

    /// Takes the rows out that belong to `flow`, which has ended.
    pub fn take(&mut self, flow: &Flow) -> Vec<Row> {
        let Some(tuple) = self.tuples.get_mut(&flow.key()) else { return Vec::new() };
        (tuple.flow, tuple.parts) = (flow.id, 0);
        let mut rows = Vec::new();
        let connections = std::mem::take(&mut tuple.connections);
        for connection in connections {
            let frame = if connection.over { connection.first_frame } else { connection.last_frame };
            if frame <= flow.last_frame {
                rows.push(tuple.row(&connection));
            } else {
                tuple.connections.push(connection);
            }
        }
        if tuple.connections.is_empty() {
            self.tuples.remove(&flow.key());
        }
        rows
    }

    /// Takes those rows out that had to be written early.
    pub fn spilled(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.spilled)
    }

    /// Takes all rows out, in the order in which they began.
    pub fn finish(&mut self) -> Vec<Row> {
        self.remove(|_| true)
    }

    fn spill(&mut self) {
        let over = self.remove(|tuple| tuple.connections.iter().all(|c| c.over));
        self.spilled.extend(over);
        if self.tuples.len() > MAX_TUPLES / 2 {
            let all = self.finish();
            self.spilled.extend(all);
        }
    }

    /// Removes tuples, and returns their rows in order.
    fn remove(&mut self, which: impl Fn(&Tuple) -> bool) -> Vec<Row> {
        let mut rows = Vec::new();
        self.tuples.retain(|_, tuple| {
            let gone = which(tuple);
            if gone {
                let connections = std::mem::take(&mut tuple.connections);
                rows.extend(connections.iter().map(|connection| (connection.id, tuple.row(connection))));
            }
            !gone
        });
        rows.sort_unstable_by_key(|(id, _)| *id);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn run_timers(&mut self) {
        while let Some(Timer { key, id, kind, .. }) = self.timers.next(self.now) {
            let Some(connection) = self.tuples.get_mut(&key).and_then(Tuple::live).filter(|c| c.id == id) else {
                continue;
            };
            match connection.on_timer(kind, self.now) {
                Outcome::Over => connection.over = true,
                Outcome::Again(at) if at > self.now => self.timers.set(Timer { at, key, id, kind }),
                // There is none behind the last moment that a timestamp can hold.
                Outcome::Done | Outcome::Again(_) => {}
            }
        }
    }
}

/// What is known of a four-tuple.
#[derive(Debug, Default)]
struct Tuple {
    /// In order; only the last one may not be over.
    connections: Vec<Connection>,
    /// The last flow of it that ended, and how many rows of it were written.
    flow: u64,
    parts: u32,
}

impl Tuple {
    fn live(&mut self) -> Option<&mut Connection> {
        self.connections.last_mut().filter(|connection| !connection.over)
    }

    fn row(&mut self, connection: &Connection) -> Row {
        self.parts += 1;
        connection.row(self.flow, self.parts)
    }
}

/// What a timer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whether a SYN was answered.
    Attempt,
    /// Whether it is over, and silent.
    Look,
    /// Whether it is silent.
    Silence,
    /// Nothing: it is over.
    Close,
}

/// What a timer did.
enum Outcome {
    Over,
    Done,
    Again(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timer {
    at: Timestamp,
    key: FlowKey,
    id: u64,
    kind: Kind,
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.id, self.kind as u8).cmp(&(other.at, other.id, other.kind as u8))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, Default)]
struct Timers(BinaryHeap<Reverse<Timer>>);

impl Timers {
    fn set(&mut self, timer: Timer) {
        self.0.push(Reverse(timer));
    }

    /// Takes the next one out that is due at `now`.
    fn next(&mut self, now: Timestamp) -> Option<Timer> {
        if self.0.peek()?.0.at > now {
            return None;
        }
        self.0.pop().map(|timer| timer.0)
    }
}

/// One of Zeek's connections. Pairs are of the sender of its first segment and of the other end.
#[derive(Debug)]
struct Connection {
    id: u64,
    over: bool,
    first: [Endpoint; 2],
    first_time: Timestamp,
    /// As Zeek has it: nothing counts once both ends have closed.
    last_time: Timestamp,
    first_frame: u64,
    last_frame: u64,
    vlan: u16,
    words: ZeekWords,
    packets: [u64; 2],
    extents: [Extent; 2],
    /// Whether the close of an end was reported to Zeek's scripts, and whether that waits for data.
    closed: [bool; 2],
    deferred: [bool; 2],
    /// Whether Zeek's looks still matter: not once its scripts know of the end.
    watched: bool,
    /// Whether its end is certain: only [`Kind::Close`] is left.
    ending: bool,
    silence: i64,
}

impl Connection {
    fn new(id: u64, s: &Segment, alarm: &mut impl FnMut(Timestamp, Kind)) -> Self {
        let mut new = Self {
            id,
            over: false,
            first: [s.source, s.destination],
            first_time: s.time,
            last_time: s.time,
            first_frame: s.frame,
            last_frame: s.frame,
            vlan: s.vlan,
            words: ZeekWords::new(s),
            packets: [0; 2],
            extents: [Extent::default(); 2],
            closed: [false; 2],
            deferred: [false; 2],
            watched: true,
            ending: false,
            silence: SILENT_HANDSHAKE,
        };
        alarm(s.time.after(FIRST_LOOK), Kind::Look);
        alarm(s.time.after(new.silence), Kind::Silence);
        new.follow(s, 0, [EndpointState::Inactive; 2], alarm);
        new
    }

    fn observe(&mut self, s: &Segment, alarm: &mut impl FnMut(Timestamp, Kind)) {
        self.last_frame = s.frame;
        let from_first = s.source == self.first[0];
        let before = [0, 1].map(|end| self.side(end).state);
        self.words.observe(s, from_first);
        self.follow(s, usize::from(!from_first), before, alarm);
    }

    /// Whether `s` begins another connection.
    fn is_reused_by(&self, s: &Segment) -> bool {
        if !s.flags.has(Flags::SYN) || s.headers == Headers::BadOffset {
            return false;
        }
        let [originator, responder] = &self.words.sides;
        let ack = s.flags.has(Flags::ACK);
        if ack && originator.state != EndpointState::Inactive {
            return false;
        }
        if self.closed.contains(&true) {
            return true;
        }
        let overtaken = !ack
            && originator.state == EndpointState::SynAckSent
            && responder.state == EndpointState::Inactive
            && s.seq == responder.start;
        let start = if ack { responder.start } else { originator.start };
        s.seq != start && !overtaken
    }

    fn side(&self, end: usize) -> &ZeekSide {
        &self.words.sides[self.words.role(end == 0)]
    }

    /// What follows from a segment that the words have taken.
    fn follow(
        &mut self,
        s: &Segment,
        sender: usize,
        before: [EndpointState; 2],
        alarm: &mut impl FnMut(Timestamp, Kind),
    ) {
        if s.headers != Headers::Whole || s.checksum == Checksum::Bad {
            return;
        }
        self.packets[sender] += 1;
        if self.closed != [true; 2] {
            self.last_time = s.time;
        }
        for end in [0, 1] {
            self.extents[end] = self.extents[end].after(&self.words.sides[self.words.role(end == 0)]);
        }
        let state = self.side(sender).state;
        if before[sender] == EndpointState::Inactive
            && matches!(state, EndpointState::SynSent | EndpointState::SynAckSent)
        {
            alarm(s.time.after(ATTEMPT), Kind::Attempt);
        }
        self.allow_for_silence(s, sender, before);
        if state != before[sender] && matches!(state, EndpointState::Closed | EndpointState::Reset) {
            if state == EndpointState::Reset
                && !matches!(before[sender], EndpointState::Inactive | EndpointState::Closed)
            {
                self.watched = false;
            }
            self.deferred[sender] = true;
        }
        for end in [0, 1] {
            if self.deferred[end] && !self.side(end).awaits_data() {
                self.deferred[end] = false;
                self.close(end, alarm);
            }
        }
    }

    /// How long it may be silent, once an end is past its handshake.
    fn allow_for_silence(&mut self, s: &Segment, sender: usize, before: [EndpointState; 2]) {
        let after = [0, 1].map(|end| self.side(end).state);
        if before.iter().all(|state| state.is_of_handshake()) && !after.iter().all(|state| state.is_of_handshake()) {
            self.silence = self.silence.max(SILENT);
        }
        let answers = before[sender] == EndpointState::Inactive && after[sender] == EndpointState::Established;
        if answers
            && s.flags.has(Flags::SYN)
            && after[1 - sender] != EndpointState::Partial
            && INTERACTIVE_PORTS.contains(&self.first[sender].port)
        {
            self.silence = SILENT_INTERACTIVE;
        }
    }

    /// One end has closed, and all of its data was seen.
    fn close(&mut self, end: usize, alarm: &mut impl FnMut(Timestamp, Kind)) {
        if self.closed[end] {
            return;
        }
        self.closed[end] = true;
        let (side, peer) = (self.side(end), self.side(1 - end));
        let complete =
            side.state == EndpointState::Reset || self.closed[1 - end] || peer.state == EndpointState::Inactive;
        if complete {
            self.ending = true;
            alarm(self.last_time.after(CLOSE), Kind::Close);
        } else if side.before != EndpointState::Inactive {
            alarm(self.last_time.after(NEXT_LOOK), Kind::Look);
        }
    }

    fn on_timer(&self, kind: Kind, now: Timestamp) -> Outcome {
        use EndpointState::{Inactive, Reset, SynAckSent, SynSent};
        let [originator, responder] = self.words.sides.each_ref().map(|side| side.state);
        match kind {
            Kind::Close => Outcome::Over,
            _ if self.ending => Outcome::Done,
            Kind::Silence => {
                let at = self.last_time.after(self.silence);
                if at <= now { Outcome::Over } else { Outcome::Again(at) }
            }
            _ if !self.watched => Outcome::Done,
            Kind::Attempt => {
                let unanswered = matches!(originator, SynSent | SynAckSent) && responder == Inactive;
                if unanswered { Outcome::Over } else { Outcome::Done }
            }
            Kind::Look => {
                let states = [originator, responder];
                let closed = self.closed.contains(&true)
                    && (self.closed == [true; 2] || states.iter().any(|state| matches!(state, Reset | Inactive)));
                let nothing = states == [Inactive; 2];
                if now > self.last_time.after(LINGER) && (closed || nothing) {
                    Outcome::Over
                } else {
                    Outcome::Again(now.after(NEXT_LOOK))
                }
            }
        }
    }

    fn row(&self, flow: u64, part: u32) -> Row {
        let originator = usize::from(!self.words.originator_is_first_sender());
        let ends = [originator, 1 - originator];
        Row {
            flow,
            part,
            first_time: self.first_time,
            duration: self.last_time - self.first_time,
            originator: self.first[ends[ORIGINATOR]],
            responder: self.first[ends[RESPONDER]],
            bytes: ends.map(|end| self.extents[end].size(self.side(end), self.side(1 - end))),
            packets: ends.map(|end| self.packets[end]),
            state: self.words.state(),
            history: self.words.history(),
            vlan: self.vlan,
        }
    }
}

/// How far one end's numbers have gone from its start, beyond 4 GiB, too.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    start: SeqNumber,
    last: u64,
    acked: u64,
}

impl Extent {
    /// This after a segment.
    fn after(self, side: &ZeekSide) -> Self {
        let known = if self.start == side.start { self } else { Self { start: side.start, ..Self::default() } };
        let follow = |long: u64, now: SeqNumber| {
            let by = now.offset_from(side.start).wrapping_sub(long as u32) as i32;
            long.saturating_add_signed(i64::from(by))
        };
        Self { last: follow(known.last, side.last), acked: follow(known.acked, side.acked), ..known }
    }

    /// Octets of data.
    fn size(self, side: &ZeekSide, peer: &ZeekSide) -> u64 {
        let given_up = side.before == EndpointState::SynSent && side.state == EndpointState::Reset;
        if given_up && peer.state == EndpointState::Inactive && !side.nothing_acked() {
            return 0;
        }
        let size = self.last.max(self.acked).saturating_sub(1);
        size.saturating_sub(u64::from(side.has(Seen::SENT_FIN)))
    }
}

impl EndpointState {
    const fn is_of_handshake(self) -> bool {
        matches!(self, Self::Inactive | Self::SynSent | Self::SynAckSent)
    }
}

impl ZeekSide {
    /// Whether data before its end was not seen, and may still come.
    fn awaits_data(&self) -> bool {
        let last = self.last.offset_from(self.start);
        !self.has(Seen::GAPS_OFF) && last.wrapping_sub(self.edge.wrapping_add(1)) as i32 > 0
    }
}
