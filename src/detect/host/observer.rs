//! Makes the events for the detectors of hosts out of the notices of the tracker: the only part of them that sees
//! connections.
//!
//! It runs where connections are tracked and is quick; the judging is done elsewhere, if need be on another processor.
//! What rules about one connection ask about its server is kept here, because they ask at once.

use core::net::IpAddr;

use super::RULES;
use super::counters::HostCounters;
use super::event::{
    Answer, Condition, Declined, FoundAtServer, HostEvent, HostEventKind, HostEventWriter, Retry, Sign, Unasked,
};
use super::input::{Attempt, Look, Settled};
use super::isn::{Role, Seen};
use super::probe::{Probe, Proof, Reply, Stray, Technique};
use super::server_profile::ServerProfile;
use super::settings::Settings;
use super::sketch::Bounded;
use super::tools::is_sequence_probe;
use crate::detect::Selection;
use crate::detect::flow::accept::{self, InVain};
use crate::detect::rule::Finding;
use crate::flow::{Facts, Flow, HostMarks, Notice, Offer, Opening, Side};
use crate::tcp::{Endpoint, Flags, Segment, SeqNumber};
use crate::time::{SECOND, Timestamp};

/// Flags of a SYN that offers explicit congestion notification.
const ECN: Flags = Flags(Flags::ECE.0 | Flags::CWR.0);

/// What the detectors of hosts may have to know of, data apart.
const OF_INTEREST: Facts = Facts::SYN
    .union(Facts::SYN_REPEATED)
    .union(Facts::SYN_ACK)
    .union(Facts::SYNACK_REPEATED)
    .union(Facts::SYNACK_ON_ESTABLISHED)
    .union(Facts::FINAL_ACK)
    .union(Facts::RST)
    .union(Facts::MIDSTREAM)
    .union(Facts::INVALID_FLAGS)
    .union(Facts::CHALLENGE_ACK);

/// Watches connections for the detectors of hosts.
#[derive(Debug)]
pub struct HostObserver {
    servers: Bounded<IpAddr, ServerProfile>,
    next_second: Timestamp,
    /// Whether any rule is on. If none is, there are no events.
    on: bool,
    /// What the capture was last known to lack.
    condition: Condition,
}

impl HostObserver {
    /// A observer that has seen nothing, for detectors with these settings.
    pub fn new(settings: &Settings, selection: &Selection) -> Self {
        Self {
            servers: Bounded::new(settings.strays),
            next_second: Timestamp(i64::MIN),
            on: RULES.iter().any(|rule| selection.has(rule.id)),
            condition: Condition::default(),
        }
    }

    /// Shows a notice of the tracker; what detectors must know of it is added to `events`; whether there was anything.
    pub fn notice(
        &mut self,
        flow: &mut Flow,
        time: Timestamp,
        notice: &Notice<'_>,
        events: &mut Vec<HostEvent>,
    ) -> bool {
        if !self.on {
            return false;
        }
        let before = events.len();
        let writer = &mut HostEventWriter { slot: flow.host_marks.slot, tag: flow.id as u32, events };
        match notice {
            Notice::Segment { segment, from, facts, .. } => {
                let mut marks = flow.host_marks;
                self.segment(flow, segment.0, *from, *facts, &mut marks, writer);
                flow.host_marks = marks;
            }
            Notice::Opened => self.opened(flow, time, writer),
            Notice::Closing { by } => closing(flow, time, *by, writer),
            Notice::Ended => {
                if flow.bytes() == 0 {
                    writer.write(HostEventKind::Ended { server: flow.server.endpoint });
                }
                if flow.opening.is_none() {
                    settled(flow, time, None, false, writer);
                }
            }
            Notice::Began | Notice::Quoted { .. } | Notice::Quiet => {}
        }
        events.len() > before
    }

    /// The capture is known to be so; whether that is another.
    pub fn capture(&mut self, condition: Condition, events: &mut Vec<HostEvent>) -> bool {
        let changed = self.on && condition != self.condition;
        if changed {
            self.condition = condition;
            HostEventWriter::about_none(events).write(HostEventKind::Capture(condition));
        }
        changed
    }

    /// Whether there are events at all.
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// `s` will be noticed soon: what is looked up then is asked for. Changes nothing.
    #[inline]
    pub fn prefetch(&self, s: &Segment) {
        if self.on && s.flags.is_syn_ack() {
            self.servers.prefetch(&s.source.ip);
        }
    }

    /// Whether there is nothing to tell of packet time being `now`.
    #[inline]
    pub fn sleep(&self, now: Timestamp) -> bool {
        now < self.next_second || !self.on
    }

    /// Packet time is `now`, and there is something to tell of that.
    pub fn advance(&mut self, now: Timestamp, events: &mut Vec<HostEvent>) {
        self.next_second = now.after(SECOND);
        HostEventWriter::about_none(events).write(HostEventKind::Passed(now));
    }

    /// Servers that were given up for others.
    pub const fn evicted(&self) -> u64 {
        self.servers.evicted()
    }

    /// What its state amounts to.
    pub fn counters(&self) -> HostCounters {
        let owned = self.servers.iter().map(|(_, serving)| serving.octets()).sum::<usize>();
        HostCounters { octets: self.servers.octets() + owned, evicted: self.servers.evicted() }
    }

    fn segment(
        &mut self,
        flow: &Flow,
        s: &Segment,
        from: Side,
        facts: Facts,
        marks: &mut HostMarks,
        writer: &mut HostEventWriter<'_>,
    ) {
        if facts.intersects(Facts::COPY | Facts::BAD_CHECKSUM) {
            return;
        }
        past_handshake(flow, s, from, writer);
        if from == Side::Server {
            self.of_server(flow, s, marks, writer);
        }
        if s.flags.is_syn_ack() && flow.opening() == Opening::Invalid && from != flow.first_sender {
            if flow.packets() == 2 {
                stray_answered(flow, s, writer);
            }
            return;
        }
        if !facts.intersects(OF_INTEREST) {
            return;
        }
        syn(flow, s, from, facts, marks, writer);
        if s.flags.is_syn_ack() && flow.server.synack_count == 1 && from == Side::Server {
            self.first_synack(flow, s, marks, writer);
        }
        if facts.intersects(Facts::SYNACK_REPEATED) && from == Side::Server {
            let in_vain = accept::repeated_in_vain(flow, s, facts, from);
            self.repeated(flow, s, in_vain, marks);
        }
        if facts.intersects(Facts::FINAL_ACK) {
            // Nearly always this is what opens it: one event tells both.
            if flow.opening_is_new() {
                marks.number_due = true;
            } else {
                clients_number(flow, writer);
            }
        }
        if facts.intersects(Facts::CHALLENGE_ACK) {
            writer.write(HostEventKind::Challenge(Sign::of(s)));
        }
        if s.flags.is_rst() {
            reset(flow, s, from, writer);
        }
        if facts.intersects(Facts::MIDSTREAM | Facts::INVALID_FLAGS) && flow.packets() == 1 {
            stray(flow, s, writer);
        }
    }

    /// What an ordinary segment of a server shows of it.
    fn of_server(&mut self, flow: &Flow, s: &Segment, marks: &mut HostMarks, writer: &mut HostEventWriter<'_>) {
        if flow.server.packets == 2
            && s.options.timestamps.is_some()
            && let Some(change) = self.servers.get_at(&mut marks.server, &s.source.ip).and_then(|at| at.second(flow, s))
        {
            writer.write(HostEventKind::Cookies { time: s.time, server: s.source, change: Box::new(change) });
        }
        if is_first_data(flow, s)
            && let Some(serving) = self.servers.get_at(&mut marks.server, &s.source.ip)
        {
            serving.spoke_first(s.source.port);
        }
    }

    fn first_synack(&mut self, flow: &Flow, s: &Segment, marks: &mut HostMarks, writer: &mut HostEventWriter<'_>) {
        let Some(began) = flow.handshake.first_syn() else {
            if flow.twin().is_some() {
                // Somebody asked, by another address.
                return;
            }
            writer.write(HostEventKind::UnaskedAnswer(Sign::of(s), is_probe_of_service(s.source, s.destination)));
            return;
        };
        let offered_all =
            flow.client.offer.is_some_and(|o| o.window_scale.is_some() && o.sack_permitted && o.timestamps.is_some());
        let (sign, look) = (Sign::of(s), Look::of(s));
        let probe = flow.client.offer.is_some_and(|o| is_sequence_probe(&Look::from_offer(&o)));
        let answers = flow.client.isn;
        let overflowing = self.servers.get_at(&mut marks.server, &s.source.ip);
        let overflowing = overflowing.is_some_and(|serving| serving.is_overflowing(s.source.port, s.time));
        let kind = flow.client.offer.as_ref().filter(|_| flow.client.syn_count == 1).map_or(0, kind_of);
        writer.write(HostEventKind::Answer(Answer {
            sign,
            began,
            isn: s.seq,
            answers,
            look,
            offered_all,
            probe,
            kind,
            overflowing,
        }));
        let mut found = |rule, finding: Finding| {
            writer.write(HostEventKind::Found(Box::new(FoundAtServer {
                rule,
                time: s.time,
                server: s.source,
                finding,
            })));
        };
        let serving = self.servers.entry_at(&mut marks.server, s.source.ip, ServerProfile::default);
        serving.synack(flow, s, marks, &mut found);
        if let Some(change) = serving.takes_options_again(s.time) {
            writer.write(HostEventKind::Cookies { time: s.time, server: s.source, change: Box::new(change) });
        }
    }

    /// The server sent its SYN-ACK again; `in_vain`: to a client that had long acknowledged it.
    fn repeated(&mut self, flow: &Flow, s: &Segment, in_vain: Option<InVain>, marks: &mut HostMarks) {
        let Some(serving) = self.servers.get_at(&mut marks.server, &s.source.ip) else { return };
        let port = s.source.port;
        match in_vain {
            Some(vain) if vain.ignored || (vain.is_long_silence() && serving.speaks_first(port)) => {
                serving.overflowed(flow.id, port, s.time, marks);
            }
            Some(_) => marks.overflowing |= serving.is_overflowing(port, s.time),
            None if flow.handshake.ack.is_none() => serving.repeated(),
            None => {}
        }
    }

    fn opened(&mut self, flow: &mut Flow, time: Timestamp, writer: &mut HostEventWriter<'_>) {
        let used = flow.opening().opened().then(|| flow.bytes() > 0);
        let with_number = core::mem::take(&mut flow.host_marks.number_due);
        if !settled(flow, time, used, with_number, writer)
            && let Some(used) = used
        {
            writer.write(HostEventKind::Opened {
                client: flow.client.endpoint.ip,
                server: flow.server.endpoint,
                time,
                frame: flow.first_frame,
                used,
            });
        }
        if flow.opening() == Opening::MissingAck && flow.server.synack_count == 1 {
            let (server, began) = (flow.server.endpoint, flow.first_time);
            let serving = self.servers.get_at(&mut flow.host_marks.server, &server.ip);
            if serving.is_some_and(|serving| serving.unrepeated(began)) {
                let frames = flow.handshake.synacks.iter().map(|t| t.frame).collect();
                writer.write(HostEventKind::LooksLikeCookies { time, server, frames });
            }
        }
    }
}

/// The first SYN of an attempt, and the same sent again.
fn syn(flow: &Flow, s: &Segment, from: Side, facts: Facts, marks: &mut HostMarks, writer: &mut HostEventWriter<'_>) {
    if facts.intersects(Facts::SYN) && flow.client.syn_count == 1 && from == Side::Client && s.flags.is_syn() {
        let attempt = Attempt::of(s);
        writer.write(HostEventKind::Attempt(attempt));
        if let Some(previous) = flow.previous().filter(|p| p.same_client) {
            writer.write(HostEventKind::Reuse(Box::new((previous.clone(), attempt))));
        }
    }
    if facts.intersects(Facts::SYN_REPEATED) && s.flags.is_syn() && !s.flags.any(ECN) {
        marks.ecn_dropped |= flow.client.offer.is_some_and(|o| o.flags.has(ECN));
    }
    if facts.intersects(Facts::SYN_REPEATED)
        && flow.client.syn_count == 2
        && let Some(began) = flow.handshake.first_syn()
    {
        writer.write(HostEventKind::Retried(Retry {
            time: s.time,
            began,
            frame: flow.first_frame,
            client: flow.client.endpoint.ip,
            server: flow.server.endpoint,
            silent: !flow.server.spoke() && flow.unreachable().is_none(),
        }));
    } else if facts.intersects(Facts::SYN_REPEATED) && flow.client.syn_count > 2 && from == Side::Client {
        writer.write(HostEventKind::Again { time: s.time, server: flow.server.endpoint });
    }
}

/// What decides, of a SYN, what a stack answers: its options, their order, its segment size and window scale.
fn kind_of(syn: &Offer) -> u32 {
    let sizes = u64::from(syn.mss.unwrap_or(0)) << 8 | u64::from(syn.window_scale.unwrap_or(0xff));
    let mixed =
        (syn.layout.0 ^ sizes.rotate_left(40) ^ u64::from(syn.flags.0) << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as u32 | 1
}

/// The client completed a handshake: its number is a sample. (Tools that never complete one choose theirs as they
/// like.)
fn clients_number(flow: &Flow, writer: &mut HostEventWriter<'_>) {
    let Some((isn, offer)) = flow.client.isn.zip(flow.client.offer.as_ref()).filter(|_| !flow.quality.zero_numbers)
    else {
        return;
    };
    let Some(began) = flow.handshake.first_syn().filter(|_| offer.flags.is_syn()) else { return };
    writer.write(HostEventKind::Number(Seen {
        time: began,
        frame: flow.first_frame,
        by: flow.client.endpoint,
        peer: flow.server.endpoint,
        role: Role::Client,
        isn,
        answers: None,
        look: Look::from_offer(offer),
        probe: false,
    }));
}

/// How the attempt came out, if there is anything to say of that; whether there is. `used`: it got open, and data was
/// sent.
fn settled(
    flow: &Flow,
    time: Timestamp,
    used: Option<bool>,
    with_number: bool,
    writer: &mut HostEventWriter<'_>,
) -> bool {
    let Some(settled) = Settled::of(flow, time) else { return false };
    let chosen = with_number && !flow.quality.zero_numbers;
    let number = flow.client.isn.filter(|_| chosen && flow.client.offer.is_some_and(|o| o.flags.is_syn()));
    writer.write(HostEventKind::Settled { settled, used, number });
    true
}

fn closing(flow: &Flow, time: Timestamp, by: Side, writer: &mut HostEventWriter<'_>) {
    let open_for = flow.handshake.ack.map_or(i64::MAX, |ack| time - ack.time);
    // Whoever closes first: a server that has nothing to say to a silent client may be quicker.
    let unused = if by == Side::Client { flow.client.bytes == 0 } else { flow.bytes() == 0 };
    let at_once = unused && flow.opening().opened() && open_for <= SECOND;
    if at_once && let Some(settled) = Settled::of(flow, time) {
        writer.write(HostEventKind::Unused(settled));
    }
    if flow.client.bytes > 0 && flow.server.bytes == 0 && open_for >= LONG_OPEN {
        let (client, server) = (flow.client.endpoint.ip, flow.server.endpoint);
        writer.write(HostEventKind::TricklesNoMore { client, server });
    }
    // Where data was sent, its first octet said all that this would.
    if flow.bytes() == 0 {
        writer.write(HostEventKind::Closing { client: flow.client.endpoint.ip, server: flow.server.endpoint });
    }
}

/// A RST: the answer to a stray segment, or the end of a connection.
fn reset(flow: &Flow, s: &Segment, from: Side, writer: &mut HostEventWriter<'_>) {
    let by_first = from == flow.first_sender;
    match flow.opening() {
        Opening::Midstream | Opening::Invalid if !by_first && flow.packets() == 2 => stray_answered(flow, s, writer),
        Opening::Midstream | Opening::Invalid if flow.packets() <= 2 => {}
        _ if flow.client.isn.is_none() && flow.server.synack_count > 0 && from == Side::Client => {
            unasked_reset(flow, s, writer);
        }
        Opening::ResetAfterSynAck if flow.answers_untranslated().is_none() => {
            let Some(Offer { ttl, window, .. }) = flow.client.offer else { return };
            writer.write(HostEventKind::Declined(Declined { sign: Sign::of(s), ttl, window, frame: flow.first_frame }));
        }
        opening
            if (opening.opened() || opening == Opening::Midstream)
                && (from == Side::Server || flow.peer(from).rst_count > 1) =>
        {
            writer.write(HostEventKind::Reset(Sign::of(s)));
            dropped(flow, s, from, writer);
        }
        _ => {}
    }
}

/// A server that resets what it has just taken, before it has said anything and before its client closes, does not
/// serve.
fn dropped(flow: &Flow, s: &Segment, from: Side, writer: &mut HostEventWriter<'_>) {
    let (client, server) = (&flow.client, &flow.server);
    let Some(began) = flow.handshake.first_syn().filter(|_| from == Side::Server && server.rst_count == 1) else {
        return;
    };
    if server.bytes == 0 && client.fin.is_none() && flow.opening().opened() && s.time - began < DROPPED_WITHIN {
        let (client, server, frame) = (client.endpoint.ip, server.endpoint, flow.first_frame);
        writer.write(HostEventKind::Dropped { time: s.time, began, frame, client, server });
    }
}

/// A host reset a SYN-ACK it had never asked for.
fn unasked_reset(flow: &Flow, s: &Segment, writer: &mut HostEventWriter<'_>) {
    if flow.client.rst_count > 1 || flow.twin().is_some() {
        return;
    }
    let server = flow.server.endpoint;
    let is_probe = is_probe_of_service(server, s.source) || (server.port > s.source.port && is_ephemeral(server.port));
    let probe = flow.handshake.synacks.first().filter(|_| is_probe).map(|first| Probe {
        time: first.time,
        frame: first.frame,
        from: server,
        to: s.source,
        technique: Technique::SynAck,
        flags: Flags::SYN | Flags::ACK,
        number: SeqNumber(0),
        reply: Reply::Reset,
    });
    writer.write(HostEventKind::Unasked(Box::new(Unasked { sign: Sign::of(s), server, probe })));
}

/// The first segment of a four-tuple, and no handshake begins with it.
fn stray(flow: &Flow, s: &Segment, writer: &mut HostEventWriter<'_>) {
    // An answer to a SYN that was not seen: a refusal.
    let probe = is_probe_of_service(s.source, s.destination);
    let refusal = s.flags.is_rst() && s.flags.has(Flags::ACK) && s.seq.0 == 0 && !probe;
    if refusal || (s.flags.is_rst() && is_answer_of_service(s)) {
        let proof = if refusal { Proof::Refusal } else { Proof::None };
        writer.write(HostEventKind::Echo(Sign::of(s), proof));
        return;
    }
    let proved = s.flags.is_rst() || flow.opening() == Opening::Invalid;
    let stray = Stray { time: s.time, frame: s.frame, from: s.source, to: s.destination, proved, answer: false };
    probed(flow, &stray, (s.flags, s.payload, s.seq), Reply::None, writer);
    if s.payload == 0 {
        writer.write(HostEventKind::Stray(stray));
    }
}

/// The first segment of a four-tuple was stray, and its target answered.
fn stray_answered(flow: &Flow, s: &Segment, writer: &mut HostEventWriter<'_>) {
    let Some(step) = flow.steps.first() else { return };
    let (time, frame) = (step.time, step.frame);
    let stray = Stray { time, frame, from: s.destination, to: s.source, proved: true, answer: true };
    let reply = if s.flags.is_syn_ack() { Reply::SynAck } else { Reply::Reset };
    probed(flow, &stray, (step.flags, step.payload, step.seq), reply, writer);
    // What was proved stray by itself is not counted twice.
    if flow.opening() == Opening::Midstream && !step.flags.is_rst() {
        // Payload may be of a connection that the target has lost, but for that of a server nobody asked.
        if step.payload > 0 && !is_towards_service(stray.from, stray.to) {
            writer.write(HostEventKind::Stray(Stray { proved: false, answer: false, ..stray }));
        }
        writer.write(HostEventKind::Stray(stray));
    }
}

/// A stray segment with these flags, payload and sequence number is a probe, if it looks like one.
fn probed(
    flow: &Flow,
    stray: &Stray,
    (flags, payload, number): (Flags, u32, SeqNumber),
    reply: Reply,
    writer: &mut HostEventWriter<'_>,
) {
    let Stray { time, frame, from, to, .. } = *stray;
    if let Some(technique) = technique_of_flags(flags, payload)
        && (flow.opening() == Opening::Invalid || is_towards_service(from, to))
    {
        writer.write(HostEventKind::Probe(Probe { time, frame, from, to, technique, flags, number, reply }));
    }
}

/// Whether a stray segment goes the way a probe goes. A server whose clients are gone, or whose connections are older
/// than the capture, sends stray segments too, to ports above its own.
const fn is_towards_service(from: Endpoint, to: Endpoint) -> bool {
    from.port >= to.port
}

fn technique_of_flags(flags: Flags, payload: u32) -> Option<Technique> {
    const XMAS: u16 = Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0;
    const MAIMON: u16 = Flags::FIN.0 | Flags::ACK.0;
    if payload > 0 {
        return None;
    }
    Some(match flags.classic().0 {
        0 => Technique::Null,
        x if x == Flags::FIN.0 => Technique::Fin,
        XMAS => Technique::Xmas,
        MAIMON => Technique::Maimon,
        x if x == Flags::ACK.0 => Technique::Ack,
        x if x == Flags::RST.0 || x == Flags::RST.0 | Flags::ACK.0 => Technique::Rst,
        x if is_odd(Flags(x)) => Technique::Odd,
        x if Flags(x).has(Flags::ACK) && !Flags(x).any(Flags::SYN | Flags::RST) => Technique::OddAck,
        _ => return None,
    })
}

/// Whether no segment of any connection has these flags.
const fn is_odd(flags: Flags) -> bool {
    const ENDS: Flags = Flags(Flags::FIN.0 | Flags::RST.0);
    let alone = !flags.any(Flags(Flags::ACK.0 | Flags::SYN.0 | Flags::RST.0));
    alone || flags.has(ENDS) || (flags.has(Flags::SYN) && flags.any(ENDS))
}

/// A connection that a server resets so soon was never served.
const DROPPED_WITHIN: i64 = 5 * SECOND;

/// Ports below this are those of services, and of nothing else.
const RESERVED: u16 = 1024;

const fn is_ephemeral(port: u16) -> bool {
    port >= 32768
}

/// From a port as clients have to one as services have: a probe.
const fn is_probe_of_service(from: Endpoint, to: Endpoint) -> bool {
    (is_ephemeral(from.port) && !is_ephemeral(to.port)) || (from.port >= RESERVED && to.port < RESERVED)
}

/// Events about segments that are no step of a handshake.
#[inline]
fn past_handshake(flow: &Flow, s: &Segment, from: Side, writer: &mut HostEventWriter<'_>) {
    let (client, server) = (flow.client.endpoint.ip, flow.server.endpoint);
    if is_first_data(flow, s) {
        writer.write(HostEventKind::FirstData { client, server });
    } else if s.payload > 0 && has_long_been_open(flow, s.time) {
        let so_far = if from == Side::Client { 0 } else { u64::from(s.payload) };
        if flow.server.bytes == so_far {
            match from {
                Side::Client if s.payload <= A_FEW => {
                    writer.write(HostEventKind::Trickles { client, server, time: s.time, frame: s.frame });
                }
                Side::Client => {}
                Side::Server => writer.write(HostEventKind::TricklesNoMore { client, server }),
            }
        }
    }
    if flow.client.isn.is_none() && goes_on_alone(flow, s, from) {
        writer.write(HostEventKind::Completed { client, server: server.ip });
    }
}

/// Whether `s` has the first payload of an open connection.
fn is_first_data(flow: &Flow, s: &Segment) -> bool {
    s.payload > 0 && flow.bytes() == u64::from(s.payload) && flow.opening().opened()
}

/// A server that has said nothing for so long after the handshake lets its client wait, or waits for more.
const LONG_OPEN: i64 = 3 * SECOND;
/// Octets of a segment by which a request trickles in, at most.
const A_FEW: u32 = 512;

/// Whether the connection has been open for so long that a server should have answered.
fn has_long_been_open(flow: &Flow, now: Timestamp) -> bool {
    flow.handshake.ack.is_some_and(|ack| now - ack.time >= LONG_OPEN) && flow.opening().opened()
}

/// Whether `s` is the first segment of its server after a SYN-ACK, and nothing of the client was seen.
fn goes_on_alone(flow: &Flow, s: &Segment, from: Side) -> bool {
    from == Side::Server
        && flow.server.synack_count > 0
        && !s.flags.any(Flags::SYN | Flags::RST)
        && flow.client.packets == 0
        && flow.server.packets == u64::from(flow.server.synack_count) + 1
}

/// From a port as services have to one as clients have: an answer.
const fn is_answer_of_service(s: &Segment) -> bool {
    !is_ephemeral(s.source.port) && s.source.port < s.destination.port && is_ephemeral(s.destination.port)
}
