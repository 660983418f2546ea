//! What is tracked on one thread, and judged and told on another, is told as if it all were done at once.

mod common;

use std::process::Command;

use common::{each_batch, testdata};
use synscope::engine::{Batcher, Engine, Event, EventBatch, Interest, Settings, Sink, serves};

/// All that event batches can have.
const ALL: Interest = Interest::FLOWS.difference(Interest::STARTS).difference(Interest::STEPS);

/// Writes down what it is told.
struct Diary {
    wants: Interest,
    entries: Vec<String>,
}

impl Diary {
    const fn wanting(wants: Interest) -> Self {
        Self { wants, entries: Vec::new() }
    }
}

impl Sink for Diary {
    fn event(&mut self, event: &Event<'_>) {
        self.entries.push(match event {
            Event::HandshakeEnd(flow) => format!("{} opened: {:?}, {:?}", flow.id, flow.opening, flow.steps),
            Event::TeardownStart { flow, by, time } => {
                format!("{} closes: {by} at {time:?}, {:?}", flow.id, flow.teardown)
            }
            Event::Anomaly { anomaly, flow } => format!("{anomaly:?} of {:?}", flow.map(|flow| flow.last_frame)),
            other => format!("{other:?}"),
        });
    }

    fn wants(&self) -> Interest {
        self.wants
    }
}

fn captures() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = std::fs::read_dir(testdata("labelled")).expect("captures").flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_none_or(|e| e != "json"))
}

#[test]
fn bulletins_read_late_tell_the_same_in_the_same_order() {
    assert!(serves(ALL) && !serves(Interest::FLOWS) && !serves(Interest::SEGMENTS));
    let settings = Settings::default();
    let mut reported = 0;
    for path in captures() {
        for wants in [ALL, Interest::empty()] {
            let (mut at_once, mut late) = (Diary::wanting(wants), Diary::wanting(wants));
            let mut engine = Engine::new(&settings).expect("settings");
            let batch = engine.batch();
            each_batch(&path, &settings, batch, |batch| {
                (0..batch.len()).for_each(|n| engine.frame_of(batch, n, &mut at_once));
            });

            let mut engine = Engine::new(&settings).expect("settings");
            let batch = engine.batch();
            let (front, hosts) = engine.split();
            let mut posted = Vec::new();
            let mut batcher = Batcher::new(wants, |full| {
                posted.push(full);
                Some(EventBatch::default())
            });
            each_batch(&path, &settings, batch, |batch| {
                (0..batch.len()).for_each(|n| front.frame_of(batch, n, &mut batcher));
            });
            batcher.flush();
            for batch in &mut posted {
                assert!(!batch.is_empty());
                batch.read(hosts, &mut late);
                assert!(batch.is_empty());
            }
            reported += late.entries.len();
            let difference = at_once.entries.iter().zip(&late.entries).find(|(a, b)| a != b);
            assert_eq!(difference, None, "{}", path.display());
            assert_eq!(at_once.entries.len(), late.entries.len(), "{}", path.display());
        }
    }
    assert!(reported > 50_000, "only {reported} events");
}

#[test]
fn a_poster_that_nobody_reads_keeps_nothing() {
    let settings = Settings::default();
    let mut engine = Engine::new(&settings).expect("settings");
    let batch = engine.batch();
    let (front, _) = engine.split();
    let mut delivered = 0;
    let mut batcher = Batcher::new(ALL, |_| {
        delivered += 1;
        None
    });
    each_batch(&testdata("labelled/fl_syn_one_source.pcap"), &settings, batch, |batch| {
        (0..batch.len()).for_each(|n| front.frame_of(batch, n, &mut batcher));
    });
    batcher.flush();
    assert!(!batcher.is_read());
    drop(batcher);
    assert_eq!(delivered, 1);
}

/// A limit makes the program do everything on one thread after reading: what it writes must not tell.
#[test]
fn the_program_writes_the_same_octets_either_way() {
    let write = |path: &std::path::Path, arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_synscope")).arg("-q").arg("-r").arg(path).args(arguments).output();
        output.expect("the program runs").stdout
    };
    let mut octets = 0;
    for path in captures() {
        for format in ["ndjson", "summary"] {
            let apart = write(&path, &["-T", format]);
            assert!(apart == write(&path, &["-T", format, "-c", "1000000000"]), "{} as {format}", path.display());
            octets += apart.len();
        }
    }
    assert!(octets > 10_000_000, "only {octets} octets");
}
