//! The states that are shown of both ends: along the edges of RFC 9293 figure 5 alone, and the same in every format.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use synscope::capture::{FileInput, FileOptions, Files, Next, Source};
use synscope::engine::{Engine, Event, Settings, Sink, Totals};
use synscope::flow::{Closing, Flow, Label, Opening, Side, Step};
use synscope::output::{self, Locale, Out, StepsShown, Writer, format};
use synscope::tcp::{Checksum, Flags, Segment, SeqNumber, State};
use synscope::time::{MILLISECOND, SECOND, Timestamp};

use common::script::blank;
use common::{Written, testdata};

// --- Figure 5 ------------------------------------------------------------------------------------------------------

/// The edges of figure 5, and the one that its second note adds.
const EDGES: [(&str, &str); 20] = [
    ("CLOSED", "LISTEN"),
    ("CLOSED", "SYN_SENT"),
    ("LISTEN", "CLOSED"),
    ("LISTEN", "SYN_SENT"),
    ("LISTEN", "SYN_RECEIVED"),
    ("SYN_SENT", "CLOSED"),
    ("SYN_SENT", "SYN_RECEIVED"),
    ("SYN_SENT", "ESTABLISHED"),
    ("SYN_RECEIVED", "ESTABLISHED"),
    ("SYN_RECEIVED", "FIN_WAIT_1"),
    ("ESTABLISHED", "FIN_WAIT_1"),
    ("ESTABLISHED", "CLOSE_WAIT"),
    ("FIN_WAIT_1", "FIN_WAIT_2"),
    ("FIN_WAIT_1", "CLOSING"),
    ("FIN_WAIT_1", "TIME_WAIT"),
    ("FIN_WAIT_2", "TIME_WAIT"),
    ("CLOSING", "TIME_WAIT"),
    ("CLOSE_WAIT", "LAST_ACK"),
    ("LAST_ACK", "CLOSED"),
    ("TIME_WAIT", "CLOSED"),
];

/// Whether a step may take `side` from one state to another.
fn may_lead(step: &Step, side: Side, from: &str, to: &str) -> bool {
    let fin_arrives = step.from != side && step.flags.has(Flags::FIN);
    // A reset leads to CLOSED, or back to LISTEN (section 3.10.7.4).
    let reset = step.label == Label::Rst && (to == "CLOSED" || (from, to) == ("SYN_RECEIVED", "LISTEN"));
    // A FIN in the segment that opens the connection: the acknowledgment is looked at before it.
    let at_once = fin_arrives && matches!((from, to), ("SYN_SENT" | "SYN_RECEIVED", "CLOSE_WAIT"));
    // The second note on figure 5: a FIN that acknowledges its own leads past FIN_WAIT_2. Where the end repeated its own FIN meanwhile, it
    // is what it acknowledges later that shows the arrival.
    let noted = (from, to) != ("FIN_WAIT_1", "TIME_WAIT") || fin_arrives || step.from == side;
    from == to || reset || at_once || (EDGES.contains(&(from, to)) && noted)
}

fn name(state: Option<State>) -> &'static str {
    state.map_or("?", State::name)
}

/// What is wrong with the states shown of `flow`.
fn wrong_steps(flow: &Flow) -> Vec<String> {
    let (story, mut wrong) = (flow.story(), Vec::new());
    for side in [Side::Client, Side::Server] {
        let mut at = story.before.map(|ends| name(ends.of(side)));
        for (n, (step, ends)) in flow.steps.iter().zip(&story.after).enumerate() {
            let state = name(ends.of(side));
            // What a socket connected to itself sends arrives at once: the FIN is its own.
            let own_fin = flow.is_to_itself() && (at, state) == (Some("FIN_WAIT_1"), "TIME_WAIT");
            if let Some(from) = at.filter(|from| !own_fin && !may_lead(step, side, from, state)) {
                wrong.push(format!("{side} from {from} to {state} by step {}", n + 1));
            }
            at = Some(state);
        }
        if flow.steps_dropped == 0 && at.is_some_and(|last| last != name(flow.final_state(side))) {
            wrong.push(format!("{side} is {} in the end", name(flow.final_state(side))));
        }
    }
    wrong
}

// --- Formats -------------------------------------------------------------------------------------------------------

/// A format that writes all steps to memory.
fn open(name: &str, flow: Option<u64>) -> (Box<dyn Writer>, Written) {
    let written = Written::default();
    let settings =
        output::Settings { steps: Some(StepsShown::All), flow, locale: Locale::En, ..output::Settings::default() };
    let open = format(name).expect("a format").open;
    (open(Out::new(Box::new(written.clone()), false), &settings), written)
}

fn read(mut writer: Box<dyn Writer>, written: &Written) -> String {
    writer.out().finish().expect("memory takes everything");
    String::from_utf8(written.0.take()).expect("output is UTF-8")
}

/// What a format makes of one flow by itself.
fn by_itself(flow: &Flow, name: &str) -> String {
    let (mut writer, written) = open(name, Some(flow.id));
    writer.event(&Event::FlowEnd { flow, time: flow.last_time });
    writer.event(&Event::SessionEnd { totals: &Totals::default() });
    read(writer, &written)
}

type Pair = (String, String);

fn is_state(word: &str) -> bool {
    word == "?" || State::ALL.iter().any(|state| state.name() == word)
}

fn in_ndjson(flow: &Flow) -> Vec<Pair> {
    let event: serde_json::Value =
        serde_json::from_str(by_itself(flow, "ndjson").lines().next().expect("an event")).expect("JSON");
    let of = |step: &serde_json::Value, end: &str| step[end].as_str().unwrap_or("?").to_owned();
    let steps = event["synscope"]["steps"].as_array().cloned().unwrap_or_default();
    steps.iter().map(|step| (of(step, "client"), of(step, "server"))).collect()
}

fn in_ladder(flow: &Flow) -> Vec<Pair> {
    let picture = by_itself(flow, "ladder");
    let of = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|n| n.parse::<u32>().is_ok())?;
        let client = words.find(|word| is_state(word))?;
        let server = line.split_whitespace().next_back().filter(|word| is_state(word))?;
        Some((client.to_owned(), server.to_owned()))
    };
    picture.lines().filter_map(of).collect()
}

/// The states of one end in a picture, one after the other.
fn in_picture(svg: &str, side: Side) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).expect("an SVG");
    let anchor = if side == Side::Client { "end" } else { "start" };
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    let of_end =
        texts.filter(|node| node.attribute("text-anchor") == Some(anchor) && node.attribute("class") == Some(""));
    of_end.filter_map(|node| node.text()).filter(|text| is_state(text)).map(str::to_owned).collect()
}

/// The same of the story: what stays is told once.
fn one_by_one(flow: &Flow, side: Side) -> Vec<String> {
    let story = flow.story();
    let all = story.before.iter().chain(&story.after).map(|ends| name(ends.of(side)).to_owned());
    let mut states: Vec<String> = all.filter(|state| state != "?").collect();
    states.dedup();
    states
}

/// Lines of `-T text` by flow.
fn in_text(text: &str) -> HashMap<u64, Vec<Pair>> {
    let mut flows: HashMap<u64, Vec<Pair>> = HashMap::new();
    for line in text.lines() {
        let Some((head, states)) = line.rsplit_once("  [") else { continue };
        let Some((client, server)) = states.split_once(']').and_then(|(states, _)| states.split_once(" | ")) else {
            continue;
        };
        let id = head.split_whitespace().find_map(|word| word.strip_prefix('#')).and_then(|id| id.parse().ok());
        if let Some(id) = id {
            flows.entry(id).or_default().push((client.to_owned(), server.to_owned()));
        }
    }
    flows
}

/// What lines of text a flow has: every copy of what opens or closes it is one.
fn lines(flow: &Flow, pairs: &[Pair]) -> Vec<Pair> {
    let copies = |step: &Step| if step.is_handshake_or_teardown() { step.repeat as usize } else { 1 };
    flow.steps.iter().zip(pairs).flat_map(|(step, pair)| std::iter::repeat_n(pair.clone(), copies(step))).collect()
}

/// Takes the events of a run, and writes them as text.
struct Run {
    text: Box<dyn Writer>,
    written: Written,
    flows: Vec<Flow>,
    /// Flows looked at before, by what there is to see of them.
    seen: HashMap<(Opening, Closing), u32>,
}

/// Thousands of flows of one kind show no more than some.
const OF_A_KIND: u32 = 3;

impl Run {
    /// Whether this one is to be looked at: of each way to open and to close some.
    fn is_wanted(&mut self, flow: &Flow) -> bool {
        let seen = self.seen.entry((flow.opening(), flow.closing())).or_default();
        *seen += 1;
        *seen <= OF_A_KIND
    }
}

impl Run {
    fn new() -> Self {
        let (text, written) = open("text", None);
        Self { text, written, flows: Vec::new(), seen: HashMap::new() }
    }

    /// What is wrong with what was shown.
    fn wrong(self) -> (usize, Vec<String>) {
        let text = in_text(&read(self.text, &self.written));
        let mut wrong = Vec::new();
        for flow in &self.flows {
            let mut of_flow = wrong_steps(flow);
            let story = flow.story();
            let pairs: Vec<Pair> =
                story.after.iter().map(|ends| (name(ends.client).to_owned(), name(ends.server).to_owned())).collect();
            if in_ndjson(flow) != pairs {
                of_flow.push(format!("NDJSON {:?}", in_ndjson(flow)));
            }
            if in_ladder(flow) != pairs {
                of_flow.push(format!("ladder {:?}", in_ladder(flow)));
            }
            let svg = by_itself(flow, "svg");
            for side in [Side::Client, Side::Server] {
                if in_picture(&svg, side) != one_by_one(flow, side) {
                    of_flow.push(format!("SVG {side} {:?}", in_picture(&svg, side)));
                }
            }
            let quoted = flow.steps.iter().any(|step| step.label == Label::Icmp && step.repeat > 1);
            // A SYN on the open connection may have begun another one at last: its line stays where it was.
            let shown = text.get(&flow.id).cloned().unwrap_or_default();
            if !quoted && flow.steps_dropped == 0 && !shown.starts_with(&lines(flow, &pairs)) {
                of_flow.push(format!("text {shown:?}"));
            }
            if !of_flow.is_empty() {
                wrong.push(format!("{}\n{}", of_flow.join("\n"), by_itself(flow, "ladder")));
            }
        }
        (self.flows.len(), wrong)
    }
}

impl Sink for Run {
    fn event(&mut self, event: &Event<'_>) {
        self.text.event(event);
        if let Event::FlowEnd { flow, .. } = event
            && self.is_wanted(flow)
        {
            self.flows.push((*flow).clone());
        }
    }
}

// --- Captures ------------------------------------------------------------------------------------------------------

fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("captures").flatten() {
        let path = entry.path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            captures(&path, found);
        } else if file.contains(".pcap") {
            found.push(path);
        }
    }
}

#[test]
fn every_capture_is_shown_along_figure_5_and_alike() {
    let mut all = Vec::new();
    captures(&testdata(""), &mut all);
    all.sort();
    let (mut flows, mut failures) = (0, Vec::new());
    for path in &all {
        let input = FileInput::Path(path.clone());
        let Ok(mut files) = Files::open(&[input], FileOptions::default()) else { continue };
        let mut engine = Engine::new(&Settings::default()).expect("settings");
        let mut run = Run::new();
        while let Ok(Next::Frame(frame)) = files.next() {
            engine.frame(&frame, &mut run);
        }
        engine.finish(&mut run);
        run.event(&Event::SessionEnd { totals: &Totals::default() });
        let (count, wrong) = run.wrong();
        flows += count;
        failures.extend(wrong.into_iter().take(3).map(|why| format!("{}: {why}", path.display())));
    }
    assert!(flows > 750, "only {flows} flows of {} captures", all.len());
    assert!(
        failures.is_empty(),
        "{} flows:\n{}",
        failures.len(),
        failures.into_iter().take(20).collect::<Vec<_>>().join("\n")
    );
}

// --- Conversations -------------------------------------------------------------------------------------------------

/// What one of two talkers does next: what its TCP would do, a little off.
#[derive(Clone, Copy, Debug)]
struct Act {
    from_client: bool,
    flags: Flags,
    payload: u32,
    seq_off: i32,
    ack_off: i32,
    pause: i64,
}

fn act() -> impl Strategy<Value = Act> {
    let (s, a, f, r, p) = (Flags::SYN, Flags::ACK, Flags::FIN, Flags::RST, Flags::PSH);
    let flags = prop_oneof![
        3 => Just(s),
        3 => Just(s | a),
        8 => Just(a),
        4 => Just(a | p),
        6 => Just(f | a),
        1 => Just(f),
        1 => Just(s | f | a),
        2 => Just(r),
        2 => Just(r | a),
        1 => (0u16..0x1000).prop_map(Flags),
    ];
    let off = || prop_oneof![12 => Just(0), 3 => -3i32..4, 1 => -3000i32..3000, 1 => any::<i32>()];
    let pause = prop_oneof![
        10 => 0..200 * MILLISECOND,
        4 => 0..10 * SECOND,
        1 => 0..600 * SECOND,
        1 => -10 * MILLISECOND..0,
    ];
    let payload = prop_oneof![4 => Just(0u32), 1 => 1u32..1500];
    (any::<bool>(), flags, payload, off(), off(), pause).prop_map(
        |(from_client, flags, payload, seq_off, ack_off, pause)| Act {
            from_client,
            flags,
            payload,
            seq_off,
            ack_off,
            pause,
        },
    )
}

fn segments(opens: bool, acts: &[Act]) -> Vec<Segment> {
    let plain =
        |from_client, flags| Act { from_client, flags, payload: 0, seq_off: 0, ack_off: 0, pause: 10 * MILLISECOND };
    let opening = [plain(true, Flags::SYN), plain(false, Flags::SYN | Flags::ACK), plain(true, Flags::ACK)];
    let mut time = Timestamp(1_700_000_000 * SECOND);
    let mut next = [1_000_000_000_u32, 2_000_000_000];
    let all = opening.into_iter().filter(|_| opens).chain(acts.iter().copied());
    all.enumerate()
        .map(|(n, act)| {
            time = time.after(act.pause);
            let [mine, theirs] = if act.from_client { [0, 1] } else { [1, 0] };
            let mut segment = blank(n as u64 + 1);
            if !act.from_client {
                std::mem::swap(&mut segment.source, &mut segment.destination);
            }
            (segment.time, segment.flags, segment.payload) = (time, act.flags, act.payload);
            (segment.checksum, segment.checksum_field) = (Checksum::Good, n as u16);
            segment.seq = SeqNumber(next[mine].wrapping_add_signed(act.seq_off));
            if act.flags.has(Flags::ACK) {
                segment.ack_field = SeqNumber(next[theirs].wrapping_add_signed(act.ack_off));
            }
            if act.seq_off == 0 {
                next[mine] = segment.end().0;
            }
            segment
        })
        .collect()
}

fn config() -> ProptestConfig {
    let seed = std::env::var("SYNSCOPE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(9293);
    ProptestConfig {
        cases: if std::env::var_os("SYNSCOPE_THOROUGH").is_some() { 20_000 } else { 600 },
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_conversation_is_shown_along_figure_5_and_alike(opens in any::<bool>(), acts in prop::collection::vec(act(), 1..24)) {
        let mut engine = Engine::new(&Settings::default()).expect("settings");
        let mut run = Run::new();
        for segment in segments(opens, &acts) {
            engine.segment(&segment, &mut run);
        }
        engine.finish(&mut run);
        run.event(&Event::SessionEnd { totals: &Totals::default() });
        let (_, wrong) = run.wrong();
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
