//! What holds for every input: shifts change nothing but what is shifted, and no input breaks anything.
//!
//! Deterministic, so that a failure is a change's own. `SYNSCOPE_SEED=n` tries other cases, `SYNSCOPE_THOROUGH=1` many more.

mod common;

use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use synscope::capture::{FileOptions, Files, Next, Source};
use synscope::decode::link::LINK_LAYERS;
use synscope::decode::{Frame, LinkType};
use synscope::engine::{Engine, Event, Settings, Sink};
use synscope::flow::MAX_STEPS;
use synscope::flow::{Flow, Limits, Peer};
use synscope::tcp::options::Timestamps;
use synscope::tcp::{Checksum, Endpoint, Flags, Options, Segment, SeqNumber, State, state};
use synscope::time::{MILLISECOND, SECOND, Timestamp};

use common::frames::{self, SYN_OPTIONS};
use common::script::blank;
use common::testdata;

const START: Timestamp = Timestamp(1_700_000_000 * SECOND);
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn thorough() -> bool {
    std::env::var_os("SYNSCOPE_THOROUGH").is_some()
}

fn config() -> ProptestConfig {
    let seed = std::env::var("SYNSCOPE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(9293);
    ProptestConfig {
        cases: if thorough() { 20_000 } else { 400 },
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

// --- Conversations -------------------------------------------------------------------------------------------------

/// What one of two talkers does next: what its TCP would do, a little off.
#[derive(Clone, Copy, Debug)]
struct Act {
    from_client: bool,
    connection: u16,
    flags: Flags,
    payload: u32,
    /// Off from what would be the next number to send.
    seq_off: i32,
    /// Off from what would be acknowledged.
    ack_off: i32,
    pause: i64,
    option: u8,
    checksum: Checksum,
}

fn flags() -> impl Strategy<Value = Flags> {
    let (s, a, f, r, p) = (Flags::SYN, Flags::ACK, Flags::FIN, Flags::RST, Flags::PSH);
    prop_oneof![
        4 => Just(s),
        4 => Just(s | a),
        8 => Just(a),
        6 => Just(a | p),
        4 => Just(f | a),
        1 => Just(f),
        2 => Just(r),
        2 => Just(r | a),
        1 => (0u16..0x1000).prop_map(Flags),
    ]
}

fn off() -> impl Strategy<Value = i32> {
    prop_oneof![10 => Just(0), 2 => -3i32..4, 1 => -3000i32..3000, 1 => any::<i32>()]
}

fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => 0..200 * MILLISECOND,
        3 => 0..10 * SECOND,
        1 => 0..600 * SECOND,
        1 => Just(5 * 3600 * SECOND),
        1 => -10 * MILLISECOND..0,
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let payload = prop_oneof![3 => Just(0u32), 1 => 1u32..1500, 1 => Just(1)];
    let checksum = prop_oneof![
        20 => Just(Checksum::Good), 1 => Just(Checksum::Bad), 1 => Just(Checksum::Offload), 1 => Just(Checksum::Unverifiable)
    ];
    (any::<bool>(), 0u16..2, flags(), payload, off(), off(), pause(), 0u8..4, checksum).prop_map(
        |(from_client, connection, flags, payload, seq_off, ack_off, pause, option, checksum)| Act {
            from_client,
            connection,
            flags,
            payload,
            seq_off,
            ack_off,
            pause,
            option,
            checksum,
        },
    )
}

/// Anything, half of the time behind a proper opening.
fn conversation() -> impl Strategy<Value = Vec<Segment>> {
    (any::<bool>(), prop::collection::vec(act(), 1..40)).prop_map(|(opens, acts)| {
        let plain = |from_client, flags| Act {
            from_client,
            connection: 0,
            flags,
            payload: 0,
            seq_off: 0,
            ack_off: 0,
            pause: 10 * MILLISECOND,
            option: 3,
            checksum: Checksum::Good,
        };
        let opening = [plain(true, Flags::SYN), plain(false, Flags::SYN | Flags::ACK), plain(true, Flags::ACK)];
        let opening = opening.into_iter().filter(|_| opens);
        segments(opening.chain(acts))
    })
}

fn segments(acts: impl Iterator<Item = Act>) -> Vec<Segment> {
    let mut time = START;
    // What client and server would send next, for each connection.
    let mut next = [[1_000_000_000_u32, 2_000_000_000]; 2];
    acts.enumerate()
        .map(|(n, act)| {
            time = time.after(act.pause);
            let [mine, theirs] = if act.from_client { [0, 1] } else { [1, 0] };
            let numbers = &mut next[usize::from(act.connection)];
            let mut segment = blank(n as u64 + 1);
            segment.time = time;
            segment.source.port = 40_000 + act.connection;
            if !act.from_client {
                std::mem::swap(&mut segment.source, &mut segment.destination);
            }
            segment.flags = act.flags;
            segment.payload = act.payload;
            segment.checksum = act.checksum;
            // Copies made by a capture have equal checksum fields; these are no copies.
            segment.checksum_field = n as u16;
            segment.options = options(act, n as u32);
            segment.seq = SeqNumber(numbers[mine].wrapping_add_signed(act.seq_off));
            if act.flags.has(Flags::ACK) {
                segment.ack_field = SeqNumber(numbers[theirs].wrapping_add_signed(act.ack_off));
            }
            if act.seq_off == 0 {
                numbers[mine] = segment.end().0;
            }
            segment
        })
        .collect()
}

fn options(act: Act, n: u32) -> Options {
    let mut options = Options::default();
    if act.flags.has(Flags::SYN) && act.option & 1 != 0 {
        options.mss = Some(1460);
        options.window_scale = Some(7);
        options.sack_permitted = true;
    }
    if act.option & 2 != 0 {
        options.timestamps = Some(Timestamps { value: 1000 + n, echo: if act.from_client { 0 } else { 1000 } });
    }
    options
}

/// What came of segments: flows in the order of their numbers.
fn play(segments: &[Segment]) -> Vec<Flow> {
    play_with(segments, &Settings::default())
}

fn play_with(segments: &[Segment], settings: &Settings) -> Vec<Flow> {
    let mut engine = Engine::new(settings).expect("settings");
    let mut flows = Vec::new();
    let mut sink = |event: &Event<'_>| {
        if let Event::FlowEnd { flow, .. } = event {
            flows.push((*flow).clone());
        }
    };
    for segment in segments {
        engine.segment(segment, &mut sink);
    }
    engine.finish(&mut sink);
    flows.sort_by_key(|flow: &Flow| flow.id);
    flows
}

/// All that is said of flows but addresses, sequence numbers and moments: durations are kept.
fn story(flows: &[Flow]) -> Vec<String> {
    flows.iter().map(reported).collect()
}

fn reported(flow: &Flow) -> String {
    let steps: Vec<String> = flow
        .steps
        .iter()
        .map(|s| {
            let at = s.time - flow.first_time;
            format!(
                "{} {} {} {} {} {} {at} x{} {}",
                s.frame, s.from, s.label, s.client, s.server, s.certainty, s.repeat, s.payload
            )
        })
        .collect();
    let peer = |p: &Peer| {
        let counts = (p.packets, p.bytes, p.syn_count, p.synack_count, p.fin_count, p.rst_count, p.data_count);
        format!("{} {:?} {} {counts:?}", p.endpoint.port, p.offer.map(|o| o.mss), p.confirmed)
    };
    let h = &flow.handshake;
    format!(
        "{} {} {} {} {:?} {:?}\n  {} | {}\n  {} {:?} {:?} {:?} {:?}\n  {:?} {:?} {:?} {}\n  {:?}\n  {:?}\n  {}",
        flow.opening(),
        flow.closing(),
        flow.zeek.state().name(),
        flow.zeek.history(),
        flow.completeness.number(),
        flow.role_known,
        peer(&flow.client),
        peer(&flow.server),
        h.validated,
        h.connect_time(),
        h.rtt_server(),
        h.rtt_client(),
        h.backoff(),
        flow.closed_by(),
        flow.shape(),
        (flow.half_closed_time(), flow.teardown_time()),
        flow.teardown.data_after_fin,
        flow.quality,
        flow.marks,
        steps.join("\n  "),
    )
}

fn isns(flows: &[Flow], ip: IpAddr, back: u32) -> Vec<Option<SeqNumber>> {
    let of = |flow: &Flow| if flow.client.endpoint.ip == ip { flow.client.isn } else { flow.server.isn };
    flows.iter().map(|flow| of(flow).map(|isn| isn.minus(back))).collect()
}

fn equal(before: &[Segment], after: &[Segment]) -> Result<(), TestCaseError> {
    prop_assert_eq!(story(&play(before)).join("\n"), story(&play(after)).join("\n"));
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    /// Where a sequence space begins means nothing.
    #[test]
    fn a_constant_added_to_a_sequence_space_changes_nothing(talk in conversation(), by in any::<u32>(), client in any::<bool>()) {
        let whose = if client { CLIENT } else { SERVER };
        let shifted: Vec<Segment> = talk.iter().map(|s| {
            let mut s = *s;
            if s.source.ip == whose {
                s.seq = s.seq.plus(by);
            } else if s.flags.has(Flags::ACK) {
                s.ack_field = s.ack_field.plus(by);
            }
            s
        }).collect();
        equal(&talk, &shifted)?;
        prop_assert_eq!(isns(&play(&talk), whose, 0), isns(&play(&shifted), whose, by));
    }

    /// When it happened means nothing.
    #[test]
    fn a_shift_of_time_shifts_times_alone(talk in conversation(), by in -1_600_000_000 * SECOND..7_000_000_000 * SECOND) {
        let shifted: Vec<Segment> = talk.iter().map(|s| Segment { time: s.time.after(by), ..*s }).collect();
        equal(&talk, &shifted)?;
        let starts = |flows: Vec<Flow>, back: i64| flows.iter().map(|f| f.first_time.after(-back)).collect::<Vec<_>>();
        prop_assert_eq!(starts(play(&talk), 0), starts(play(&shifted), by));
    }

    /// Which of two addresses is the greater one means nothing.
    #[test]
    fn swapped_addresses_swap_addresses_alone(talk in conversation()) {
        let swapped: Vec<Segment> = talk.iter().map(|s| {
            let mut s = *s;
            std::mem::swap(&mut s.source.ip, &mut s.destination.ip);
            s
        }).collect();
        equal(&talk, &swapped)?;
        let clients = |flows: &[Flow]| flows.iter().map(|f| f.client.endpoint.ip).collect::<Vec<_>>();
        let other = |ip: IpAddr| if ip == CLIENT { SERVER } else { CLIENT };
        let wanted: Vec<IpAddr> = clients(&play(&talk)).into_iter().map(other).collect();
        prop_assert_eq!(wanted, clients(&play(&swapped)));
    }

    /// The short cut for ordinary segments leads where the long way does.
    #[test]
    fn the_short_cut_changes_nothing(talk in conversation()) {
        let by_long_way = play_with(&talk, &Settings { long_way: true, ..Settings::default() });
        prop_assert_eq!(story(&play(&talk)).join("\n"), story(&by_long_way).join("\n"));
    }

    /// Any segments at all: every flow ends once, nothing grows without bound, and proved states follow figure 5.
    #[test]
    fn any_segments_are_taken(talk in prop::collection::vec(wild(), 1..200)) {
        let limits = Limits { flows: 8, syn_only: 8, closed: 8, lingering: 8, given_up: 2, steps: 64 };
        let mut watcher = Watcher::default();
        let mut engine = Engine::new(&Settings { limits, ..Settings::default() }).expect("settings");
        for segment in &talk {
            engine.segment(segment, &mut watcher);
            prop_assert!(engine.live_flows() <= limits.flows + limits.syn_only);
        }
        engine.finish(&mut watcher);
        prop_assert_eq!(engine.live_flows(), 0);
        let totals = engine.totals();
        let ids: BTreeSet<u64> = watcher.ended.iter().copied().collect();
        prop_assert_eq!(ids.len(), watcher.ended.len(), "a flow ended twice");
        prop_assert_eq!(ids.len() as u64 + totals.evicted_unwritten, totals.flows);
        prop_assert!(watcher.wrong.is_empty(), "{}", watcher.wrong.join("\n"));
    }

    /// What a conversation a little off proves of states is legal, too.
    #[test]
    fn proved_states_follow_figure_5(talk in conversation()) {
        let mut watcher = Watcher::default();
        let mut engine = Engine::new(&Settings::default()).expect("settings");
        for segment in &talk {
            engine.segment(segment, &mut watcher);
        }
        engine.finish(&mut watcher);
        prop_assert!(watcher.wrong.is_empty(), "{}", watcher.wrong.join("\n"));
    }

    /// Any octets, as every link layer.
    #[test]
    fn any_octets_are_taken(octets in prop::collection::vec(any::<u8>(), 0..300), more in 0u32..2000) {
        for layer in LINK_LAYERS {
            for link in layer.types {
                prop_assert_eq!(decode(*link, &[&octets], more), 1);
            }
        }
        decode(LinkType(u16::MAX), &[&octets], more);
    }

    /// Frames that were good once, with some octets changed and the end cut off.
    #[test]
    fn damaged_frames_are_taken(
        v6 in any::<bool>(),
        flags in any::<u8>(),
        options in prop_oneof![Just(SYN_OPTIONS.to_vec()), prop::collection::vec(any::<u8>(), 40)],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let [a, b] = if v6 { ["[2001:db8::1]:40000", "[2001:db8::2]:80"] } else { ["192.0.2.1:40000", "192.0.2.2:80"] };
        let [a, b] = [a, b].map(|address| address.parse().expect("an address"));
        let mut frame = frames::Frame::new(a, b).with(flags, 1, 2).options(&options).payload(b"payload").bytes();
        for (at, value) in changes {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        let kept = cut.index(frame.len() + 1);
        decode(LinkType(1), &[&frame, &frame[..kept]], 0);
    }
}

/// Everything of a segment may be anything; tuples and numbers are few, so that they meet.
fn wild() -> impl Strategy<Value = Segment> {
    let number = prop_oneof![0u32..4, 100u32..110, u32::MAX - 3..=u32::MAX, any::<u32>()];
    let flags = prop_oneof![3 => flags(), 1 => (0u16..0x1000).prop_map(Flags)];
    let time = prop_oneof![5 => START.0..START.0 + 100 * SECOND, 1 => any::<i64>()];
    let payload = prop_oneof![Just(0u32), 0u32..3000, any::<u32>().prop_map(|n| n & 0xff_ffff)];
    (number.clone(), number, flags, time, payload, 0u16..20, any::<bool>(), any::<u8>(), any::<(u64, u16, u16)>())
        .prop_map(|(seq, ack, flags, time, payload, port, swap, odd, (frame, window, checksum_field))| {
            let mut segment = blank(frame);
            segment.source.port = 40_000 + port;
            if swap {
                std::mem::swap(&mut segment.source, &mut segment.destination);
            }
            segment.seq = SeqNumber(seq);
            segment.ack_field = SeqNumber(ack);
            segment.flags = flags;
            segment.time = Timestamp(time);
            segment.payload = payload;
            segment.window = window;
            segment.checksum_field = checksum_field & 3;
            segment.truncated = odd & 0xf0 == 0;
            segment.options.window_scale = (odd & 1 != 0).then_some(odd);
            segment.options.timestamps =
                (odd & 2 != 0).then_some(Timestamps { value: u32::from(odd), echo: u32::from(odd) });
            segment
        })
}

/// Watches what is proved of endpoints' states, and which flows end. What is presumed may be taken back; what is proved goes
/// along the edges of RFC 9293 figure 5.
#[derive(Default)]
struct Watcher {
    proved: HashMap<(u64, Endpoint), State>,
    ended: Vec<u64>,
    wrong: Vec<String>,
}

impl Watcher {
    fn look(&mut self, flow: &Flow) {
        for peer in [&flow.client, &flow.server] {
            let before = self.proved.insert((flow.id, peer.endpoint), peer.confirmed).unwrap_or_default();
            if !reachable(before).contains(&peer.confirmed.name()) {
                self.wrong.push(format!("{}: {before} to {} in\n{}", peer.endpoint, peer.confirmed, reported(flow)));
            }
        }
        if flow.steps.len() > MAX_STEPS {
            self.wrong.push(format!("{} steps", flow.steps.len()));
        }
    }
}

impl Sink for Watcher {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Step { flow, .. } => self.look(flow),
            Event::FlowEnd { flow, .. } => {
                self.look(flow);
                self.ended.push(flow.id);
            }
            _ => {}
        }
    }
}

/// The states that lead on from `from`. None leads on from CLOSED but to where `from` itself is CLOSED: what opens anew is
/// another flow.
fn reachable(from: State) -> BTreeSet<&'static str> {
    use state::{after_receiving, after_sending};
    use synscope::tcp::Event::{AckOfFin, AckOfSyn, Fin, Rst, Syn, SynAck};
    let (mut seen, mut open) = (BTreeSet::from([from.name()]), vec![from]);
    while let Some(at) = open.pop() {
        if at == State::Closed && from != State::Closed {
            continue;
        }
        for event in [Syn, SynAck, AckOfSyn, Fin, AckOfFin, Rst] {
            for next in [after_sending(at, event), after_receiving(at, event)] {
                if seen.insert(next.name()) {
                    open.push(next);
                }
            }
        }
    }
    seen
}

/// Runs frames through an engine; how many it counted.
fn decode(link: LinkType, frames: &[&[u8]], more: u32) -> u64 {
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    for (n, data) in frames.iter().enumerate() {
        let wire_len = data.len() as u32 + more;
        let frame = Frame { number: n as u64 + 1, time: START, link, interface: 0, wire_len, data };
        engine.frame(&frame, &mut |_: &Event<'_>| {});
    }
    engine.finish(&mut |_: &Event<'_>| {});
    engine.totals().packets
}

// --- Damaged files -------------------------------------------------------------------------------------------------

/// Reads a capture that may be damaged; how many frames came before its end.
fn read(octets: Vec<u8>) -> u64 {
    let Ok(mut files) = Files::from_streams([("x".to_owned(), Cursor::new(octets))], FileOptions::default()) else {
        return 0;
    };
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    while let Ok(Next::Frame(frame)) = files.next() {
        engine.frame(&frame, &mut |_: &Event<'_>| {});
    }
    engine.finish(&mut |_: &Event<'_>| {});
    engine.totals().packets
}

fn captures(folder: &Path, largest: u64, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("captures").flatten() {
        let path = entry.path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            captures(&path, largest, found);
        } else if name.contains(".pcap") && entry.metadata().expect("its size").len() <= largest {
            found.push(path);
        }
    }
}

fn small_captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    captures(&testdata(""), if thorough() { 20_000 } else { 10_000 }, &mut found);
    found.sort();
    assert!(found.len() > 80, "only {} small captures", found.len());
    found
}

/// Every place of a file, or so many that all files together stay within bounds: always the first ones, where headers are.
fn places(len: usize, salt: usize) -> impl Iterator<Item = usize> {
    let stride = if thorough() { 1 } else { 37 };
    (0..len).filter(move |at| *at < 60 || (at + salt).is_multiple_of(stride))
}

#[test]
fn captures_cut_anywhere_are_read_up_to_there() {
    for (n, path) in small_captures().iter().enumerate() {
        let octets = std::fs::read(path).expect("a capture");
        let whole = read(octets.clone());
        let mut last = 0;
        for at in places(octets.len(), n) {
            let frames = read(octets[..at].to_vec());
            assert!(frames >= last && frames <= whole, "{} cut at {at}: {frames} of {whole}", path.display());
            last = frames;
        }
    }
}

#[test]
fn captures_with_any_octet_flipped_are_read() {
    for (n, path) in small_captures().iter().enumerate() {
        let mut octets = std::fs::read(path).expect("a capture");
        let whole = read(octets.clone());
        for at in places(octets.len(), n) {
            for flip in [0xff, 0x01, 0x80] {
                octets[at] ^= flip;
                // A length that is wrong can make several frames of one, or one of several.
                assert!(read(octets.clone()) <= whole + 200, "{} with octet {at} flipped", path.display());
                octets[at] ^= flip;
            }
        }
    }
}
