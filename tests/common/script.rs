//! Conversations as text: `testdata/scripts/*.script`, in the notation of the catalogue of anomalies.
//!
//! One line a segment, an expectation or an advance of the clock; `#` begins a comment.
//!
//! ```text
//! > S 100 <mss1460,ws7,sok,ts5:0>    | SYN_SENT SYN_RECEIVED    client to server; states of both after it
//! +.01 < SA 300,101                  | ESTABLISHED SYN_RECEIVED
//! +.01 > A 101,301
//! > PA 101,301 d5                     five octets of payload
//! 2: > S 900                          another connection: the client's port is 40002
//! < ICMP 3/13 > S 100                 an ICMP error (type/code) about the client's SYN 100
//! clock +5.1                          nothing comes for 5.1 s
//! arp +36000                          a frame that is no TCP, its stamp so many seconds later
//! x1000 +.001 < R 301                 the line a thousand times
//! flows 2                             (first line) no more than two flows are tracked at once
//! zeek-checksums                      (first line) Zeek's words go by every checksum
//! copy                                the last segment again, 0.1 ms later: a copy made by the capture
//! drops 5                             five packets were dropped while capturing
//! = opening established               about the last flow; `=1 opening refused`: about the first
//! = anomaly missing-ack warn          reported, with at least this severity; `= no conn-refused`: not reported
//! = kept dead-peer                    what the flow is left with in the end: note or above, mss-absent apart
//! = silent                            nothing of severity warn or above
//! = rows S0 S SF ShAFf                conn_state and history of each row that Zeek would write of the whole script
//! HS                                  three-way handshake: S 100, SA 300,101, A 101,301, 10 ms apart
//! ```
//!
//! Behind the numbers may stand `win=0 ttl=57 id=7 urg=1 bad zero offload cut vlan=5 res=1 src=10.1.1.1:80 dst=[2001:db8::2]:80`,
//! `tls:ch+app` (records of TLS, see [`super::tls`]), `body=7` (the payload adds up to that), and `fault4` among the options sets bits of `OptionFaults`. `raw0` is a number that no offset moves. Numbers are relative to the offsets at which
//! a script runs: each runs at several, the wrap of the sequence space among them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use synscope::decode::{Frame, LinkType};
use synscope::detect::{Anomaly, Severity};
use synscope::engine::{Engine, Event, Settings};
use synscope::flow::Flow;
use synscope::flow::zeek::{Connections, Row};
use synscope::tcp::options::{FastOpen, Mptcp, OptionFaults, Timestamps};
use synscope::tcp::{Checksum, Endpoint, Flags, Headers, IcmpKind, IcmpQuote, Options, Segment, SeqNumber, State};
use synscope::time::{SECOND, Timestamp};

/// Offsets added to the sequence numbers of client and server: none, both across the wrap at different points, and halves.
pub const OFFSETS: [(u32, u32); 4] =
    [(0, 0), (u32::MAX - 101, u32::MAX - 303), (1 << 31, u32::MAX - 200), (0x7fff_fff0, 77)];

/// What came of a script.
pub struct Played {
    pub flows: Vec<Flow>,
    pub anomalies: Vec<Anomaly>,
    pub rows: Vec<Row>,
    pub log: String,
}

/// What a capture can do to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It is there twice.
    Duplicated,
    /// Its options and payload are cut off.
    Cut,
    /// Behind it both ends go on, and what they sent in between is not there.
    Hole,
}

struct Player {
    engine: Engine,
    connections: Connections,
    /// The frame (counted from 1) that a defect touches.
    defect: Option<(u64, Defect)>,
    time: Timestamp,
    frame: u64,
    last: Option<Segment>,
    /// The octets of the payload, where a line gives them.
    payload: Vec<u8>,
    offsets: (u32, u32),
    out: Played,
    failures: Vec<String>,
    expectations: Vec<(usize, String)>,
}

/// Runs the script at `path` at every offset, and checks what it expects.
pub fn check(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    check_text(&path.display().to_string(), &text);
}

/// Runs a script at every offset, and checks what it expects.
pub fn check_text(name: &str, text: &str) {
    for offsets in OFFSETS {
        let (played, failures) = play(text, offsets, &Settings::default());
        assert!(failures.is_empty(), "{name} at offsets {offsets:?}:\n{}\n{}", failures.join("\n"), played.log);
    }
}

/// Plays a script; what came of it, and what was not as it expects.
pub fn play(text: &str, offsets: (u32, u32), settings: &Settings) -> (Played, Vec<String>) {
    play_with(text, offsets, settings, None)
}

/// Plays a script with a defect at a frame.
pub fn play_with(
    text: &str,
    offsets: (u32, u32),
    settings: &Settings,
    defect: Option<(u64, Defect)>,
) -> (Played, Vec<String>) {
    let mut settings = settings.clone();
    let mut text = text;
    if let Some((first, rest)) = text.split_once('\n')
        && let Some(flows) = first.strip_prefix("flows ")
    {
        settings.limits.flows = flows.trim().parse().expect("number of flows");
        text = rest;
    }
    if let Some(rest) = text.strip_prefix("zeek-checksums\n") {
        settings.zeek_checksums = true;
        text = rest;
    }
    let mut player = Player {
        defect,
        engine: Engine::new(&settings).expect("settings"),
        connections: Connections::new(settings.zeek_checksums),
        time: Timestamp::new(1_700_000_000, 0),
        frame: 0,
        last: None,
        payload: Vec::new(),
        offsets,
        out: Played { flows: Vec::new(), anomalies: Vec::new(), rows: Vec::new(), log: String::new() },
        failures: Vec::new(),
        expectations: Vec::new(),
    };
    for (n, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line == "HS" {
            for step in ["> S 100", "+.01 < SA 300,101", "+.01 > A 101,301"] {
                player.line(n + 1, step);
            }
        } else if !line.is_empty() {
            player.line(n + 1, line);
        }
    }
    player.finish()
}

impl Player {
    fn line(&mut self, n: usize, line: &str) {
        if let Some(expectation) = line.strip_prefix('=') {
            self.expectations.push((n, expectation.to_owned()));
            return;
        }
        if let Some((times, line)) = line.strip_prefix('x').and_then(|rest| rest.split_once(' '))
            && let Ok(times) = times.parse::<u32>()
        {
            (0..times).for_each(|_| self.line(n, line));
            return;
        }
        if line == "copy" {
            let Some(mut segment) = self.last else { return };
            self.frame += 1;
            self.time = self.time.after(SECOND / 10_000);
            (segment.frame, segment.time) = (self.frame, self.time);
            self.show(&segment);
            return;
        }
        if let Some(drops) = line.strip_prefix("drops ") {
            self.engine.take_drops(drops.parse().expect("number of packets"));
            return;
        }
        if let Some(pause) = line.strip_prefix("clock ") {
            self.time = self.time.after(duration(pause));
            let time = self.time;
            self.with_sink(|engine, sink| engine.advance(time, sink));
            return;
        }
        if let Some(pause) = line.strip_prefix("arp ") {
            self.time = self.time.after(duration(pause));
            self.feed_arp();
            return;
        }
        let (segment, states) = line.split_once('|').map_or((line, None), |(a, b)| (a, Some(b)));
        let segment = segment.trim();
        if segment.contains("ICMP") {
            let quote = self.read_quote(segment);
            self.feed_quote(&quote);
        } else {
            let segment = self.read(segment);
            self.last = Some(segment);
            self.feed(segment);
        }
        if let Some(wanted) = states {
            self.check_states(n, wanted);
        }
    }

    fn with_sink(&mut self, act: impl FnOnce(&mut Engine, &mut dyn synscope::engine::Sink)) {
        let out = &mut self.out;
        let mut sink = |event: &Event<'_>| match event {
            Event::Step { flow, step, folded } => {
                let _ = writeln!(
                    out.log,
                    "  flow {} {:>7} from {:<6} {:<12} {:<12} {}{}",
                    flow.id,
                    step.label,
                    step.from,
                    step.client,
                    step.server,
                    flow.opening(),
                    if *folded { " (again)" } else { "" }
                );
            }
            Event::FlowEnd { flow, .. } => {
                let _ =
                    writeln!(out.log, "  flow {} ends: {} {} {}", flow.id, flow.opening(), flow.closing(), words(flow));
                out.flows.push((*flow).clone());
            }
            Event::Anomaly { anomaly, .. } => {
                let _ = writeln!(out.log, "  {} {}: {}", anomaly.severity.name(), anomaly.id, anomaly.reason);
                out.anomalies.push((*anomaly).clone());
            }
            _ => {}
        };
        act(&mut self.engine, &mut sink);
    }

    fn show(&mut self, segment: &Segment) {
        self.connections.observe(segment);
        let payload = self.payload.clone();
        let known = if segment.truncated { &[] } else { payload.as_slice() };
        self.with_sink(|engine, sink| engine.segment_with(segment, known, sink));
    }

    fn feed(&mut self, mut segment: Segment) {
        let defect = self.defect.filter(|(frame, _)| *frame == segment.frame).map(|(_, defect)| defect);
        if defect == Some(Defect::Cut) {
            let options =
                Options { faults: OptionFaults::NOT_CAPTURED, len: segment.options.len, ..Options::default() };
            segment = Segment { options, truncated: true, checksum: Checksum::Unverifiable, ..segment };
        }
        self.show(&segment);
        let copy = Segment { time: segment.time.after(100_000), ..segment };
        match defect {
            Some(Defect::Duplicated) => self.show(&copy),
            Some(Defect::Hole) => {
                let (seq, ack_field) = (segment.end().plus(5000), segment.ack_field.plus(5000));
                let later = Segment { seq, ack_field, payload: 10, ip_id: 60_000, ..copy };
                self.show(&later);
            }
            Some(Defect::Cut) | None => {}
        }
    }

    fn feed_quote(&mut self, quote: &IcmpQuote) {
        let quote = *quote;
        self.with_sink(|engine, sink| engine.quote(&quote, sink));
    }

    fn feed_arp(&mut self) {
        self.frame += 1;
        let mut data = [0; 42];
        data[12..14].copy_from_slice(&[0x08, 0x06]);
        let (number, time) = (self.frame, self.time);
        let frame = Frame { number, time, link: LinkType(1), interface: 0, wire_len: 42, data: &data };
        self.with_sink(|engine, sink| engine.frame(&frame, sink));
    }

    fn read(&mut self, line: &str) -> Segment {
        let words = line.split_whitespace();
        let mut port = 40000;
        let mut from_client = true;
        let (mut flags, mut numbers) = (None, None);
        let (mut source, mut destination) = (None, None);
        self.frame += 1;
        self.payload.clear();
        let mut s = blank(self.frame);
        for word in words {
            if word.starts_with('+') {
                self.time = self.time.after(duration(word));
            } else if let Some(names) = word.strip_prefix("tls:") {
                self.payload = super::tls::records(names);
                s.payload = self.payload.len() as u32;
            } else if let Some(n) = word.strip_suffix(':') {
                port = 40000 + n.parse::<u16>().expect("number of the connection");
            } else if word == ">" || word == "<" {
                from_client = word == ">";
            } else if flags.is_none() {
                flags = Some(Flags::from_letters(word).unwrap_or_else(|| panic!("flags {word} in {line}")));
            } else if let Some(address) = word.strip_prefix("src=") {
                source = Some(other_endpoint(address));
            } else if let Some(address) = word.strip_prefix("dst=") {
                destination = Some(other_endpoint(address));
            } else if numbers.is_none() && (word.starts_with("raw") || word.starts_with(|c: char| c.is_ascii_digit())) {
                numbers = Some(word);
            } else {
                attribute(&mut s, word, line);
            }
        }
        let (client, server) = (endpoint(1, port), endpoint(2, 80));
        (s.source, s.destination) = if from_client { (client, server) } else { (server, client) };
        (s.source, s.destination) = (source.unwrap_or(s.source), destination.unwrap_or(s.destination));
        s.flags = s.flags | flags.expect("flags");
        let (seq, ack) =
            numbers.unwrap_or("0").split_once(',').map_or((numbers.unwrap_or("0"), None), |(a, b)| (a, Some(b)));
        let (own, other) = if from_client { self.offsets } else { (self.offsets.1, self.offsets.0) };
        let number = |text: &str, offset: u32| match text.strip_prefix("raw") {
            Some(raw) => SeqNumber(raw.parse().expect("number")),
            None => SeqNumber(text.parse::<u32>().unwrap_or_else(|_| panic!("number {text} in {line}"))).plus(offset),
        };
        s.seq = number(seq, own);
        if s.flags.is_rst() && seq == "0" {
            s.seq = SeqNumber(0);
        }
        s.options.sack = s.options.sack.map(|(left, right)| (left.plus(other), right.plus(other)));
        if let Some(ack) = ack {
            s.ack_field = number(ack, other);
        }
        s.time = self.time;
        if s.checksum_field != 0 {
            s.checksum_field = checksum_of_body(&s);
        }
        s
    }

    /// `< ICMP 3/13 > S 100`: about the segment that follows.
    fn read_quote(&mut self, line: &str) -> IcmpQuote {
        let (head, quoted) = line.split_once("ICMP").expect("ICMP");
        let (code, quoted) = quoted.trim().split_once(' ').expect("type/code and the quoted segment");
        for word in head.split_whitespace().filter(|w| w.starts_with('+')) {
            self.time = self.time.after(duration(word));
        }
        let s = self.read(quoted);
        let (kind, code) = code.split_once('/').expect("type/code");
        let kind = match kind {
            "3" => IcmpKind::Unreachable(code.parse().expect("code")),
            "11" => IcmpKind::TimeExceeded,
            "2" => IcmpKind::PacketTooBig,
            other => IcmpKind::Other(other.parse().expect("type")),
        };
        IcmpQuote {
            time: self.time,
            frame: self.frame,
            reporter: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
            kind,
            v6: false,
            source: s.source,
            destination: s.destination,
            seq: s.seq,
        }
    }

    fn check_states(&mut self, n: usize, wanted: &str) {
        let last =
            self.out.log.lines().rfind(|l| l.trim_start().starts_with("flow") && l.contains(" from ")).unwrap_or("");
        let mut words = last.split_whitespace().skip_while(|w| *w != "from").skip(2);
        let found: Vec<&str> = words.by_ref().take(2).collect();
        let wanted: Vec<String> = wanted
            .split_whitespace()
            .map(|w| State::from_name(w).unwrap_or_else(|| panic!("state {w}")).name().to_owned())
            .collect();
        if found != wanted {
            self.failures.push(format!("line {n}: states {found:?}, wanted {wanted:?}"));
        }
    }

    fn finish(mut self) -> (Played, Vec<String>) {
        self.with_sink(|engine, sink| engine.finish(sink));
        self.out.flows.sort_by_key(|flow| flow.id);
        self.out.rows = self.connections.finish();
        for (n, expectation) in std::mem::take(&mut self.expectations) {
            if let Err(why) = self.out.meets(&expectation) {
                self.failures.push(format!("line {n}: ={expectation}: {why}"));
            }
        }
        (self.out, self.failures)
    }
}

impl Played {
    /// Whether an expectation, without its `=`, is met.
    pub fn meets(&self, expectation: &str) -> Result<(), String> {
        let (which, rest) = match expectation.split_once(' ') {
            Some((n, rest)) if !n.is_empty() => (Some(n.parse::<u64>().expect("flow number")), rest),
            _ => (None, expectation),
        };
        let mut words = rest.split_whitespace();
        let (what, wanted) = (words.next().unwrap_or(""), words.collect::<Vec<_>>());
        match what {
            "rows" => {
                let rows = self.rows.iter().map(|row| format!("{} {}", row.state.name(), row.history));
                equal(&rows.collect::<Vec<_>>().join(" "), &wanted)
            }
            "flows" => equal(&self.flows.len().to_string(), &wanted),
            "anomaly" => self.reported(which, &wanted),
            "no" => match self.of_flow(which).find(|a| wanted.contains(&a.id)) {
                Some(a) => Err(format!("{} was reported: {}", a.id, a.reason)),
                None => Ok(()),
            },
            "silent" => match self.anomalies.iter().find(|a| a.severity >= Severity::Warn) {
                Some(a) => Err(format!("{} was reported: {}", a.id, a.reason)),
                None => Ok(()),
            },
            _ => {
                let flow = match which {
                    Some(id) => self.flows.iter().find(|f| f.id == id),
                    None => self.flows.last(),
                };
                equal(&field(flow.ok_or("no such flow")?, what)?, &wanted)
            }
        }
    }

    fn of_flow(&self, which: Option<u64>) -> impl Iterator<Item = &Anomaly> {
        self.anomalies.iter().filter(move |a| which.is_none() || a.flow_id == which)
    }

    fn reported(&self, which: Option<u64>, wanted: &[&str]) -> Result<(), String> {
        let id = wanted.first().ok_or("which?")?;
        let severity = wanted.get(1).map(|w| *Severity::ALL.iter().find(|s| s.name() == *w).expect("severity"));
        let found = self.of_flow(which).filter(|a| a.id == *id).map(|a| a.severity).max();
        match (found, severity) {
            (None, _) => Err("not reported".to_owned()),
            (Some(found), Some(least)) if found != least => Err(format!("with severity {}", found.name())),
            _ => Ok(()),
        }
    }
}

fn field(flow: &Flow, what: &str) -> Result<String, String> {
    let h = &flow.handshake;
    let opt = |n: Option<String>| n.unwrap_or_else(|| "-".to_owned());
    let ms = |n: Option<i64>| opt(n.map(|n| format!("{}", n as f64 / 1e6)));
    Ok(match what {
        "opening" => flow.opening().name().to_owned(),
        "closing" => flow.closing().name().to_owned(),
        "shape" => opt(flow.shape().map(|s| s.name().to_owned())),
        "closed_by" => opt(flow.closed_by().map(|s| s.name().to_owned())),
        "client" => opt(flow.final_state(synscope::flow::Side::Client).map(|s| s.name().to_owned())),
        "server" => opt(flow.final_state(synscope::flow::Side::Server).map(|s| s.name().to_owned())),
        "zeek" => format!("{} {}", flow.zeek.state().name(), flow.zeek.history()),
        "completeness" => flow.completeness.number().to_string(),
        "validated" => h.validated.to_string(),
        "role_known" => flow.role_known.to_string(),
        "syn_count" => flow.client.syn_count.to_string(),
        "synack_count" => flow.server.synack_count.to_string(),
        "backoff" => opt(h.backoff().map(|b| b.name().to_owned())),
        "connect_ms" => ms(h.connect_time()),
        "rtt_server_ms" => ms(h.rtt_server()),
        "rtt_client_ms" => ms(h.rtt_client()),
        "half_closed_ms" => ms(flow.half_closed_time()),
        "teardown_ms" => ms(flow.teardown_time()),
        "data_after_fin" => flow.teardown.data_after_fin.to_string(),
        "packets" => flow.packets().to_string(),
        "bytes" => format!("{} {}", flow.client.bytes, flow.server.bytes),
        "duplicates" => flow.quality.duplicates.to_string(),
        "unacceptable" => {
            let of = |side| flow.unacceptable(side).to_string();
            format!("{} {}", of(synscope::flow::Side::Client), of(synscope::flow::Side::Server))
        }
        "holes" => flow.quality.holes.to_string(),
        "missing" => flow.missing().map_or(0, |(octets, _)| octets).to_string(),
        "server_isn_seen" => flow.server.isn.is_some().to_string(),
        "client_mss" => opt(flow.client.offer.and_then(|o| o.mss).map(|mss| mss.to_string())),
        "server_mss" => opt(flow.server.offer.and_then(|o| o.mss).map(|mss| mss.to_string())),
        "steps" => flow.steps.iter().map(|s| s.label.name()).collect::<Vec<_>>().join(" "),
        "kept" => {
            let worth = flow.marks.iter().filter(|mark| mark.severity > Severity::Info).map(|mark| mark.rule);
            worth.filter(|id| *id != "mss-absent").collect::<Vec<_>>().join(" ")
        }
        "first_client" => flow.client.endpoint.port.to_string(),
        other => return Err(format!("no field is called {other}")),
    })
}

fn equal(found: &str, wanted: &[&str]) -> Result<(), String> {
    if found == wanted.join(" ") { Ok(()) } else { Err(format!("it is {found}")) }
}

fn words(flow: &Flow) -> String {
    format!("{} {} completeness {}", flow.zeek.state().name(), flow.zeek.history(), flow.completeness.number())
}

fn duration(text: &str) -> i64 {
    let n: f64 = text.trim_start_matches('+').parse().unwrap_or_else(|_| panic!("duration {text}"));
    (n * SECOND as f64).round() as i64
}

fn endpoint(host: u8, port: u16) -> Endpoint {
    Endpoint { ip: IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), port }
}

/// An address and port other than the usual ones: `10.1.1.1:80`.
fn other_endpoint(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().unwrap_or_else(|_| panic!("address {text}"));
    Endpoint { ip: address.ip(), port: address.port() }
}

/// A segment with nothing in it, as an ordinary host would send it.
pub fn blank(frame: u64) -> Segment {
    Segment {
        time: Timestamp(0),
        frame,
        source: endpoint(1, 40000),
        destination: endpoint(2, 80),
        seq: SeqNumber(0),
        ack_field: SeqNumber(0),
        flags: Flags::NONE,
        window: 1000,
        urgent: 0,
        payload: 0,
        options: Options::default(),
        checksum: Checksum::Good,
        checksum_field: 0,
        headers: Headers::Whole,
        truncated: false,
        interface: 0,
        vlan: 0,
        ip_id: frame as u16,
        flow_label: 0,
        ttl: 64,
        traffic_class: 0,
        ip_options_len: 0,
        dont_fragment: true,
        fragmented: false,
        payload_at: 0,
    }
}

/// The checksum of a segment whose payload adds up to what its checksum field says so far.
fn checksum_of_body(s: &Segment) -> u16 {
    let header = Segment { checksum_field: 1, ..*s }.payload_sum().map_or(0, |sum| u32::from(sum) + 0xfffe);
    match (u32::from(s.checksum_field) + 2 * 0xffff - header % 0xffff) % 0xffff {
        0 => 0xffff,
        sum => sum as u16,
    }
}

fn attribute(s: &mut Segment, word: &str, line: &str) {
    if let Some(list) = word.strip_prefix('<').and_then(|w| w.strip_suffix('>')) {
        for option in list.split(',').filter(|o| !o.is_empty()) {
            add_option(&mut s.options, option, line);
        }
        return;
    }
    let number = |text: &str| text.parse::<u32>().unwrap_or_else(|_| panic!("number in {word} of {line}"));
    match word.split_once('=') {
        Some(("win", n)) => s.window = number(n) as u16,
        Some(("ttl", n)) => s.ttl = number(n) as u8,
        Some(("id", n)) => s.ip_id = number(n) as u16,
        Some(("urg", n)) => s.urgent = number(n) as u16,
        Some(("ack", n)) => s.ack_field = SeqNumber(number(n)),
        Some(("vlan", n)) => s.vlan = number(n) as u16,
        Some(("res", n)) => s.flags = s.flags | Flags((number(n) as u16) << 9),
        Some(("df", n)) => s.dont_fragment = number(n) != 0,
        Some(("body", n)) => s.checksum_field = number(n) as u16,
        Some(("ecn", n)) => s.traffic_class = number(n) as u8,
        None if word == "bad" => (s.checksum, s.checksum_field) = (Checksum::Bad, 0xbad),
        None if word == "zero" => (s.checksum, s.checksum_field) = (Checksum::Bad, 0),
        None if word == "offload" => s.checksum = Checksum::Offload,
        None if word == "cut" => (s.truncated, s.checksum) = (true, Checksum::Unverifiable),
        None if word.starts_with('d') => s.payload = number(&word[1..]),
        _ => panic!("'{word}' in {line}"),
    }
}

fn add_option(o: &mut Options, text: &str, line: &str) {
    let at = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let (name, value) = text.split_at(at);
    let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("option {text} in {line}"));
    match name {
        "mss" => o.mss = Some(number() as u16),
        "ws" => o.window_scale = Some(number() as u8),
        "sok" => o.sack_permitted = true,
        "sack" => {
            let (left, right) = value.split_once(':').unwrap_or_else(|| panic!("sack LEFT:RIGHT in {line}"));
            let n = |t: &str| SeqNumber(t.parse::<u32>().unwrap_or_else(|_| panic!("{text} in {line}")));
            (o.sack_blocks, o.sack) = (1, Some((n(left), n(right))));
        }
        "ts" => {
            let (value, echo) = value.split_once(':').unwrap_or_else(|| panic!("ts VALUE:ECHO in {line}"));
            let n = |t: &str| t.parse::<u32>().unwrap_or_else(|_| panic!("{text} in {line}"));
            o.timestamps = Some(Timestamps { value: n(value), echo: n(echo) });
        }
        "fo" => {
            let cookie_len = if value.is_empty() { 0 } else { number() as u8 };
            o.fast_open = Some(FastOpen { cookie_len, experimental: false });
        }
        "mpc" => o.mptcp = Some(Mptcp { subtype: 0, version: 1, len: number() as u8 }),
        "mpj" => o.mptcp = Some(Mptcp { subtype: 1, version: 0, len: number() as u8 }),
        "fault" => o.faults |= OptionFaults::from_bits_retain(number() as u16),
        other => panic!("option {other} in {line}"),
    }
}
