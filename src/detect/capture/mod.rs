//! Quality of the capture: artefacts of capturing, as opposed to faults of the network.
//!
//! Recognised before any rule runs: the tracker keeps copies from counting and marks holes, and flows carry the counts.
//! Here they are summed as flows end, and each condition that was met is reported once, at the end of the run, with
//! final counts. A live run shows the same counts with its statistics meanwhile.

use core::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::anomaly::{Scope, Severity};
use super::flow::{accept, closes, opening, resets, retries};
use super::host::rules;
use super::rule::{Finding, Rule, When};
use crate::flow::{Counters, Facts, Flow, Leaps, Opening, Peer, Repeated, Side};
use crate::tcp::Endpoint;
use crate::time::{SECOND, Timestamp};

/// A share of copies, in percent, at which the capture is misconfigured rather than unlucky.
const MANY_COPIES: u64 = 5;
/// Length of the window in which one-way flows are counted, nanoseconds.
const WINDOW: i64 = 60 * SECOND;
/// Flows that a window must have to be judged.
const MIN_FLOWS: u32 = 100;
/// Share of one-way flows, in percent, that makes an asymmetric capture.
const ONE_WAY: u32 = 30;
/// Servers whose directions are compared, and the least number of connections in each.
const SERVERS: usize = 1024;
const SEVERAL: u32 = 5;
/// Handshakes without anything else that make a filtered capture; how many of them may come at once, and how many more
/// each second, before they may be a flood, and before they are one.
const HANDSHAKES: u64 = 3;
const BURST: u64 = 20;
const PACE: u64 = 5;
const FLOOD_PACE: u64 = 200;
/// So many third steps in a row that carry data are a filter's doing: most stacks acknowledge first.
const LADEN: u32 = 3;
/// Clients of such handshakes that are kept.
const CLIENTS: usize = 8;
/// A segment of more than this many MSS was joined by the card or the kernel.
const JOINED: u64 = 3;
/// MSS assumed where none was offered.
const DEFAULT_MSS: u64 = 1460;
/// Rules that an asymmetric capture makes meaningless.
pub(super) const MEANINGLESS_IF_ASYMMETRIC: &[&str] = &[
    opening::MISSING_ACK,
    opening::SYN_UNANSWERED,
    rules::SYN_FLOOD.id,
    rules::SYN_FLOOD_CUSUM.id,
    rules::HALF_OPEN_ACCUMULATION.id,
];

/// Rules that rest on segments which a capture of SYN, FIN and RST alone has not.
pub(super) const MEANINGLESS_IF_FILTERED: &[&str] = &[
    opening::MISSING_ACK,
    closes::CLOSE_NO_DATA,
    resets::RESET_NO_DATA,
    opening::RESET_AFTER_SYNACK,
    closes::FIN_BEFORE_ESTABLISHED,
    closes::FIN_UNACKED,
    closes::LAST_ACK_MISSING,
    closes::HALF_CLOSE_STUCK,
    accept::ACCEPT_QUEUE_OVERFLOW,
    retries::SLOW_HANDSHAKE,
];

/// The rules about the capture, in the order of [`findings`].
pub(super) const RULES: &[Rule] = &[
    rule(
        "capture-duplicate",
        Severity::Info,
        "duplicate frames in the capture",
        "A mirror port that copies both directions, or a tap that sees a packet before and behind a router. \
         Duplicates are otherwise ignored. A share of 5 % or more is a note: fix the mirror, as duplicates cost \
         bandwidth and mislead other tools.",
        "measured on mirror ports and taps",
    ),
    rule(
        "capture-rewritten",
        Severity::Note,
        "sequence numbers rewritten between two capture points",
        "A firewall replaces sequence numbers, and the capture has both of its sides: each segment is there twice, \
         with one identification and a constant distance between its numbers. The second copy is otherwise ignored, \
         and steps have the numbers of one side. Capture on one side of the firewall.",
        "RFC 6528 section 3; measured",
    ),
    rule(
        "capture-hole",
        Severity::Note,
        "acknowledgments of octets that are not in the capture",
        "The capture lost packets that the hosts received. A missing packet proves little in such a capture, so rules \
         that rely on absence have a lower severity for the affected flows. Capture with larger buffers, or closer to \
         the hosts.",
        "measured; Wireshark: ACKed unseen segment",
    ),
    rule(
        "capture-asymmetric",
        Severity::Warn,
        "many flows are seen in one direction only",
        "30 % or more of at least 100 flows within a minute show one end that acknowledges what the other is never \
         seen to send, or are of servers whose answers to some clients are seen, and whose answers to others are not. \
         Routing is asymmetric, or the mirror copies one direction. Verdicts that rely on silence are withheld from \
         then on. Capture both directions.",
        "measured",
    ),
    rule(
        "capture-filtered",
        Severity::Note,
        "a capture of only SYN, FIN and RST segments",
        "Connections closed in it, and not one pure acknowledgment or segment of data is there: a filter such as \
         tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0 left them out. Verdicts that rely on them are withheld. \
         Capture with the filter `tcp`, and with a short snapshot length to save space.",
        "pcap-filter(7)",
    ),
    rule(
        "capture-offload",
        Severity::Info,
        "segments captured before the sender's network card completed them",
        "Unfinished checksums, or segments larger than any link carries: the capture was made on one of the hosts, \
         above its network card. Such checksums are taken as good. Sizes and counts of segments are not those of the \
         wire.",
        "measured",
    ),
    rule(
        "capture-checksum-unverified",
        Severity::Info,
        "senders without a single correct checksum",
        "Their bad checksums prove nothing: addresses were rewritten after the capture, or a network card completes \
         the checksums. The segments are accepted. Damaged and forged segments cannot be recognized.",
        "RFC 9293 section 3.1, measured",
    ),
    rule(
        "capture-zero-numbers",
        Severity::Note,
        "connections whose sequence and acknowledgment numbers are all 0",
        "No host sends such connections: a script made the capture, or removed the numbers. These connections are \
         tracked only by flags and payload, as if all segments were in order. Loss, retransmission and forgery cannot \
         be detected in them.",
        "RFC 9293 section 3.4; measured on made captures",
    ),
    rule(
        "capture-truncated",
        Severity::Info,
        "frames cut by the snapshot length",
        "Payload was not stored in full. Harmless for handshakes as long as the headers are whole; checksums of cut \
         segments cannot be verified.",
        "pcap file format",
    ),
    rule(
        "capture-drops",
        Severity::Note,
        "packets dropped while capturing",
        "The kernel, the interface or the analysis could not keep up. Counts are too low, and missing packets prove \
         nothing. Use a filter, larger buffers, or a faster machine.",
        "libpcap statistics",
    ),
    rule(
        "capture-clock-backwards",
        Severity::Note,
        "time stamps that run backwards by more than 1 ms",
        "Files were merged in the wrong order, the clock was set, or several queues were read. Durations across the \
         step are unreliable. Sort the file by time.",
        "measured",
    ),
    rule(
        "capture-clock-step",
        Severity::Note,
        "time stamps that leap ahead by an hour or more in the middle of a connection, as if no time had passed",
        "The next packet takes a connection up where it stood: its sender's own clock (TCP timestamps) did not go on, \
         or it answers what no end waits so long for, or the connection would have been silent for more than four \
         hours. The clock of the capturing host was set, or the capture stood still. Connections go on over the leap; \
         durations across it mean little. Keep that host's clock with NTP.",
        "RFC 9293 section 3.8.4; RFC 7323 section 5.4",
    ),
    rule(
        "capture-repeated",
        Severity::Note,
        "a capture that holds the same packets twice",
        "The time stamps return to the first packet, and the packets from there have the same time stamps, \
         identifications and checksums: a file was appended to itself, or read twice. The second copy is ignored. \
         Remove it, or name each file once.",
        "measured",
    ),
    rule(
        "flow-table-evicted",
        Severity::Note,
        "flows evicted from a full table",
        "There were more concurrent connections than the table holds; the oldest embryonic ones were evicted first. \
         Raise --max-flows if memory allows; in a flood, evictions bound the memory.",
        "measured",
    ),
];

const fn rule(
    id: &'static str,
    severity: Severity,
    summary: &'static str,
    description: &'static str,
    reference: &'static str,
) -> Rule {
    Rule { id, severity, scope: Scope::Capture, summary, description, reference, when: When::Captured, check: |_| None }
}

/// How many, and in which frames or flows it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How many flows had any.
    pub flows: u64,
    /// First frame of the first flow that had any.
    pub frame: u64,
}

impl Tally {
    fn add(&mut self, count: u64, flow: &Flow) {
        self.add_from(count, flow.first_frame);
    }

    /// `frame`: where it began in the flow.
    fn add_from(&mut self, count: u64, frame: u64) {
        if count > 0 {
            if self.flows == 0 {
                self.frame = frame;
            }
            self.count += count;
            self.flows += 1;
        }
    }
}

/// State of the capture's health: sums over the flows that have ended, and what the run itself counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    /// Copies made by the capture.
    pub copies: Tally,
    /// Segments seen again with other numbers.
    pub rewritten: Tally,
    /// What is added to the numbers of client and server of the first flow that has such, and the frames of its first
    /// pair.
    pub shifts: Option<(u32, u32, (u64, u64))>,
    /// Acknowledgments of octets that were never seen.
    pub holes: Tally,
    /// How many octets these acknowledged.
    pub missing: u64,
    /// Connections that must have had segments other than SYN, FIN and RST, and show none.
    pub bare_of_acks: Tally,
    /// Whether any segment but SYN, FIN and RST was seen.
    pub has_acks: bool,
    /// Whether a server sent a SYN-ACK again, as it does when its client's acknowledgment is missing.
    pub awaited: bool,
    /// Handshakes of a SYN and a SYN-ACK whose server, missing the third step, would have sent another.
    pub bare_handshakes: Tally,
    /// When the first and the last of them began.
    bare_between: Option<(Timestamp, Timestamp)>,
    /// Clients of the first of them.
    bare_clients: [Option<IpAddr>; CLIENTS],
    /// Handshakes whose SYN-ACK was repeated.
    repeated_handshakes: u64,
    /// How many third steps in a row carried data: a filter may have left those out that carry none.
    laden_third_steps: u32,
    /// Whether any FIN or RST was seen.
    has_closes: bool,
    /// Segments out of order.
    pub reordered: Tally,
    /// Segments with an unfinished checksum, or joined beyond what a link carries.
    pub offload: Tally,
    /// Frames cut by the snapshot length.
    pub truncated: Tally,
    /// Segments with a wrong checksum.
    pub bad_checksum: Tally,
    /// The first window with too many one-way flows: flows in it, and how many of them were seen one way.
    pub asymmetric: Option<(u32, u32)>,
    /// Of these, segments that were taken as they came: no checksum of their sender was ever right.
    pub unverified: Tally,
    /// Flows whose numbers are all 0.
    pub zero_numbers: Tally,
    /// TCP segments seen.
    pub segments: u64,
    /// Packets dropped by kernel, interface and analysis.
    pub drops: u64,
    /// Time stamps that ran backwards.
    pub clock_backwards: u64,
    /// Time stamps that leapt ahead.
    pub leaps: Leaps,
    /// Segments of a second copy of the capture.
    pub repeated: Repeated,
    /// Flows given up because the table was full.
    pub evicted: u64,
    window_start: Option<Timestamp>,
    window_flows: u32,
    window_one_way: u32,
}

impl Health {
    /// Takes the counts of a flow that has ended.
    pub fn flow_ended(&mut self, flow: &Flow, time: Timestamp) {
        let q = &flow.quality;
        let rewritten = flow.rewriting().map_or(0, |rewriting| rewriting.copies);
        self.copies.add(u64::from(q.duplicates.saturating_sub(rewritten)), flow);
        self.rewritten.add(u64::from(rewritten), flow);
        if let Some(r) = flow.rewriting().filter(|_| self.shifts.is_none()) {
            let shift = |side| r.shift(side).unwrap_or(0);
            self.shifts = Some((shift(Side::Client), shift(Side::Server), r.frames));
        }
        if let Some((octets, frame)) = flow.missing() {
            self.holes.add_from(u64::from(q.holes), frame);
            self.missing += octets;
        }
        self.reordered.add(u64::from(q.reordered), flow);
        self.offload.add(u64::from(q.offload) + joined(flow), flow);
        self.truncated.add(u64::from(q.truncated), flow);
        self.bad_checksum.add(u64::from(q.bad_checksum), flow);
        self.unverified.add(u64::from(q.unverified), flow);
        self.zero_numbers.add(u64::from(q.zero_numbers), flow);
        self.count_direction(flow, time);
    }

    /// Looks whether `flow`, which opened, begins to close or has ended, has more than SYN, FIN and RST.
    #[inline]
    pub fn look_for_acks(&mut self, flow: &Flow, closing: bool) {
        if self.has_acks {
            return;
        }
        self.has_acks = has_acks(flow);
        if closing && !self.has_acks && lacks_acks(flow) {
            self.bare_of_acks.add(1, flow);
        }
    }

    /// Whether a filter let SYN, FIN and RST through, and nothing else.
    pub fn is_filtered(&self) -> bool {
        !self.has_acks && (self.bare_of_acks.count > 0 || self.has_handshakes_alone(BURST, PACE))
    }

    /// Whether what such a filter leaves out is missed by nobody. A flood is reported as a flood, so that its pace
    /// matters less.
    pub(super) fn withholds_silence(&self) -> bool {
        self.is_filtered() || (!self.has_acks && self.has_handshakes_alone(FLOOD_PACE, FLOOD_PACE))
    }

    /// Looks whether the third step of `flow`, which opened, was a mere acknowledgment.
    #[inline]
    pub(super) fn look_at_third_step(&mut self, flow: &Flow) {
        let Some(ack) = flow.handshake.ack.as_ref() else { return };
        self.laden_third_steps = if ack.payload > 0 { self.laden_third_steps.saturating_add(1) } else { 0 };
    }

    /// Whether handshakes of late are completed by data alone: then nobody misses a third step without any, unless its
    /// server asks for it again.
    pub(super) const fn lacks_bare_third_steps(&self) -> bool {
        self.laden_third_steps >= LADEN
    }

    /// Takes facts about a segment.
    #[inline]
    pub(super) const fn look_at(&mut self, facts: Facts) {
        self.awaited |= facts.intersects(Facts::SYNACK_REPEATED);
        self.has_closes |= facts.intersects(Facts::FIN.union(Facts::RST));
    }

    /// Takes a handshake whose third step did not come in time.
    pub(super) fn look_for_handshake(&mut self, flow: &Flow) {
        if self.has_acks || self.has_closes || flow.opening != Some(Opening::MissingAck) {
            return;
        }
        if flow.server.synack_count > 1 {
            self.repeated_handshakes += 1;
            return;
        }
        let (began, client) = (flow.first_time, flow.client.endpoint.ip);
        let first = self.bare_between.map_or(began, |(first, _)| first.min(began));
        let last = self.bare_between.map_or(began, |(_, last)| last.max(began));
        self.bare_between = Some((first, last));
        if let Some(place) = self.bare_clients.get_mut(self.bare_handshakes.count as usize) {
            *place = Some(client);
        }
        self.bare_handshakes.add(1, flow);
    }

    /// Whether SYNs and SYN-ACKs are all there is, of clients that come again and at the pace of ordinary ones: a flood
    /// that is met with SYN cookies, which are not repeated, looks alike but for that.
    fn has_handshakes_alone(&self, burst: u64, pace: u64) -> bool {
        let (count, seconds) =
            (self.bare_handshakes.count, self.bare_between.map_or(0, |(first, last)| (last - first).max(0) / SECOND));
        let clients = &self.bare_clients;
        let again = || clients.iter().flatten().enumerate().any(|(n, client)| clients[..n].contains(&Some(*client)));
        let seconds = seconds.unsigned_abs();
        !self.has_closes
            && count >= HANDSHAKES
            && self.repeated_handshakes * 10 <= count
            && count <= burst + pace * seconds
            && (count <= seconds || again())
    }

    /// Takes what the run counted.
    pub fn take_counters(&mut self, counters: &Counters, segments: u64) {
        self.clock_backwards = counters.clock_backwards;
        self.leaps = counters.leaps;
        self.repeated = counters.repeated;
        self.evicted = counters.evicted;
        self.segments = segments;
    }

    /// Whether there is anything to say.
    pub fn is_good(&self) -> bool {
        findings(self).iter().all(Option::is_none)
    }

    fn count_direction(&mut self, flow: &Flow, time: Timestamp) {
        let one_way = is_one_way(flow);
        let both = flow.client.spoke() && flow.server.spoke();
        if !(one_way || both) {
            // Nobody answered: no evidence of the other direction.
            return;
        }
        let start = *self.window_start.get_or_insert(time);
        if time - start >= WINDOW {
            (self.window_start, self.window_flows, self.window_one_way) = (Some(time), 0, 0);
        }
        self.window_flows = self.window_flows.saturating_add(1);
        self.window_one_way = self.window_one_way.saturating_add(u32::from(one_way));
        let many = self.window_flows >= MIN_FLOWS
            && u64::from(self.window_one_way) * 100 >= u64::from(self.window_flows) * u64::from(ONE_WAY);
        if many && self.asymmetric.is_none() {
            self.asymmetric = Some((self.window_flows, self.window_one_way));
        }
    }
}

/// Servers asked for in a capture which they are not seen to answer, although they answer others there, who are not
/// seen to ask.
///
/// Their requests pass the capture point, and their answers do, each of other connections: packets of one connection
/// take two ways. It needs no connection to last, so that a capture of a moment tells.
#[derive(Debug, Default)]
pub(super) struct Routes {
    servers: HashMap<Endpoint, Ways, RandomState>,
    /// When the window began.
    start: Option<Timestamp>,
    /// Flows that ended in it.
    flows: u32,
    /// Those of one direction, at servers that have both kinds.
    one_way: u32,
}

/// Flows of a server seen by its SYN-ACK alone, and flows seen by SYNs of a client alone.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    answers: u32,
    requests: u32,
}

impl Ways {
    const fn is_split(self) -> bool {
        self.answers >= SEVERAL && self.requests >= SEVERAL
    }

    /// How many count.
    const fn one_way(self) -> u32 {
        if self.is_split() { self.answers + self.requests } else { 0 }
    }
}

impl Routes {
    /// Takes a flow that has ended.
    pub(super) fn flow_ended(&mut self, flow: &Flow, time: Timestamp, health: &mut Health) {
        if health.asymmetric.is_some() {
            return;
        }
        let start = *self.start.get_or_insert(time);
        if time - start >= WINDOW {
            self.servers.clear();
            (self.start, self.flows, self.one_way) = (Some(time), 0, 0);
        }
        self.flows = self.flows.saturating_add(1);
        let answer = flow.server.synack_count > 0 && !flow.client.spoke() && flow.twin().is_none();
        let request = flow.client.syn_count == 1 && flow.client.packets == 1 && !flow.server.spoke();
        if !(answer || request && !self.servers.is_empty()) {
            return;
        }
        let (all, server) = (self.servers.len(), flow.server.endpoint);
        let ways = match self.servers.get_mut(&server) {
            Some(ways) => ways,
            None if answer && all < SERVERS => self.servers.entry(server).or_default(),
            None => return,
        };
        let before = ways.one_way();
        ways.answers = ways.answers.saturating_add(u32::from(answer));
        ways.requests = ways.requests.saturating_add(u32::from(request));
        self.one_way = self.one_way.saturating_add(ways.one_way() - before);
        if self.flows >= MIN_FLOWS && u64::from(self.one_way) * 100 >= u64::from(self.flows) * u64::from(ONE_WAY) {
            health.asymmetric = Some((self.flows, self.one_way));
        }
    }
}

/// Whether one end alone was seen, though what it sent proves that the other spoke too.
fn is_one_way(flow: &Flow) -> bool {
    let side = match (flow.client.spoke(), flow.server.spoke()) {
        (true, false) => Side::Client,
        (false, true) => Side::Server,
        _ => return false,
    };
    let seen = flow.peer(side);
    // Its own number moved on: only an acknowledgment of the other end lets that happen. A probe never gets so far.
    let moved = seen.bytes > 0 || seen.fin.is_some();
    seen.packets >= 3 && moved && !matches!(flow.opening(), Opening::Invalid | Opening::Unanswered)
}

/// Whether `flow` has any segment but SYN, FIN and RST.
fn has_acks(flow: &Flow) -> bool {
    let control =
        |p: &Peer| u64::from(p.syn_count) + u64::from(p.synack_count) + u64::from(p.fin_count) + u64::from(p.rst_count);
    flow.packets() > control(&flow.client) + control(&flow.server)
}

/// Whether the client of `flow`, which has none of them, must have sent some: it closes a connection that it knows to
/// be open, or what it sent has left its first number behind.
fn lacks_acks(flow: &Flow) -> bool {
    let (client, server) = (&flow.client, &flow.server);
    let knows = client.acked.zip(server.isn).is_some_and(|(acked, isn)| acked.after(isn));
    let moved = client.fin.zip(client.isn).is_some_and(|(fin, isn)| fin.after(isn.plus(1)));
    let reset = flow.teardown.reset.filter(|_| server.isn.is_some());
    let reset = reset.zip(reset.and_then(|reset| flow.peer(reset.by).isn));
    let reset_behind_data = reset.is_some_and(|(reset, isn)| reset.seq.after(isn.plus(1)));
    client.isn.is_some() && ((client.fin.is_some() && (knows || moved)) || reset_behind_data)
}

/// Segments that were joined, as far as their mean size shows.
fn joined(flow: &Flow) -> u64 {
    [Side::Client, Side::Server]
        .into_iter()
        .filter(|side| {
            let (own, other) = (flow.peer(*side), flow.peer(side.other()));
            let mss = other.offer.and_then(|o| o.mss).map_or(DEFAULT_MSS, u64::from).max(536);
            own.data_count > 0 && own.bytes / u64::from(own.data_count) > JOINED * mss
        })
        .map(|side| u64::from(flow.peer(side).data_count))
        .sum()
}

/// What there is to say, in the order of [`RULES`].
pub(super) fn findings(h: &Health) -> [Option<Finding>; 14] {
    [
        copies(h),
        rewritten(h),
        holes(h),
        h.asymmetric.map(|(flows, one_way)| {
            Finding::new(format!("{one_way} of {flows} flows within a minute were seen in one direction only"))
                .figure("flows", flows)
                .figure("one_way", one_way)
        }),
        filtered(h),
        tally(&h.offload, "segments with unfinished checksums or larger than a link carries"),
        tally(
            &h.unverified,
            "segments with a wrong checksum of senders that never showed a right one, taken as they came",
        ),
        tally(&h.zero_numbers, "connections whose sequence and acknowledgment numbers are all 0"),
        tally(&h.truncated, "frames cut by the snapshot length"),
        total(h.drops, "packets dropped while capturing"),
        total(h.clock_backwards, "time stamps ran backwards"),
        leaps(h),
        repeated(h),
        total(h.evicted, "flows evicted from a full table (embryonic first, oldest first)"),
    ]
}

fn filtered(h: &Health) -> Option<Finding> {
    if !h.withholds_silence() {
        return None;
    }
    tally(&h.bare_of_acks, "connections closed without a segment that is not SYN, FIN or RST")
        .or_else(|| tally(&h.bare_handshakes, "handshakes of a SYN and a SYN-ACK, and no other segment"))
}

fn leaps(h: &Health) -> Option<Finding> {
    let Leaps { count, length, frame, .. } = h.leaps;
    (count > 0).then(|| {
        let hours = length as f64 / (3600.0 * SECOND as f64);
        let more = if count > 1 { format!("; {count} such leaps in all") } else { String::new() };
        Finding::new(format!("time stamps leap ahead by {hours:.2} hours in the middle of a connection{more}"))
            .frames([frame])
            .figure("leap_ns", length)
            .figure("leaps", count as i64)
    })
}

fn repeated(h: &Health) -> Option<Finding> {
    let Repeated { segments, from, of } = h.repeated;
    (segments > 0).then(|| {
        let reason = format!(
            "packets {from} and following repeat packets {of} and following: {segments} TCP segments, not counted"
        );
        Finding::new(reason).frames([of, from]).figure("segments", segments as i64)
    })
}

fn copies(h: &Health) -> Option<Finding> {
    let finding = tally(&h.copies, "copies made by the capture")?;
    let many = h.copies.count * 100 >= h.segments.max(1) * MANY_COPIES;
    Some(finding.figure("segments", h.segments as i64).severity(if many { Severity::Note } else { Severity::Info }))
}

fn rewritten(h: &Health) -> Option<Finding> {
    let (client, server, (first, second)) = h.shifts?;
    let (count, flows) = (h.rewritten.count, h.rewritten.flows);
    let reason = format!(
        "sequence numbers rewritten between two capture points: {count} segments seen twice (flows: {flows}), in the \
         first flow {client} added to the client's numbers and {server} to the server's"
    );
    (count > 0).then(|| {
        Finding::new(reason)
            .frames([first, second])
            .figure("count", count as i64)
            .figure("flows", flows as i64)
            .figure("client_shift", client)
            .figure("server_shift", server)
    })
}

fn holes(h: &Health) -> Option<Finding> {
    let Tally { count, flows, frame } = h.holes;
    (count > 0).then(|| {
        Finding::new(format!(
            "octets that were acknowledged and are not in the capture: {} (acknowledgments: {count}, flows: {flows})",
            h.missing
        ))
        .frames([frame])
        .figure("count", count as i64)
        .figure("flows", flows as i64)
        .figure("missing_bytes", h.missing as i64)
    })
}

fn tally(tally: &Tally, what: &str) -> Option<Finding> {
    (tally.count > 0).then(|| {
        Finding::new(format!("{what}: {} (flows: {})", tally.count, tally.flows))
            .frames([tally.frame])
            .figure("count", tally.count as i64)
            .figure("flows", tally.flows as i64)
    })
}

fn total(count: u64, what: &str) -> Option<Finding> {
    (count > 0).then(|| Finding::new(format!("{what}: {count}")).figure("count", count as i64))
}
