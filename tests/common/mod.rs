//! What the integration tests share: a capture through the whole engine.
#![allow(dead_code, unreachable_pub)]

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use synscope::capture::{FileInput, FileOptions, Files, Next, Source};
use synscope::decode::Frame;
use synscope::detect::Anomaly;
use synscope::engine::{Batch, Engine, Event, Interest, Settings, Sink, Totals};
use synscope::flow::Flow;

pub mod frames;
#[cfg(target_os = "linux")]
pub mod lab;
pub mod script;
pub mod tls;

/// All that came of one capture.
#[derive(Default)]
pub struct Analysis {
    /// Flows in the order in which they were reported.
    pub flows: Vec<Flow>,
    /// Anomalies in order.
    pub anomalies: Vec<Anomaly>,
    /// Grades of initial sequence numbers.
    pub isns: Vec<synscope::detect::host::IsnReport>,
    /// Totals at the end.
    pub totals: Totals,
    /// Whether the input was damaged.
    pub damaged: bool,
    /// Handshake verdicts announced, with the flow number.
    pub openings: Vec<(u64, &'static str)>,
}

/// A file below `testdata/`.
pub fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path)
}

/// Runs the capture at `path` through an engine with these settings, frame by frame.
pub fn analyse_with(path: &Path, settings: &Settings) -> Analysis {
    let mut files = open(path);
    run(settings, |engine, sink| {
        loop {
            match files.next() {
                Ok(Next::Frame(frame)) => engine.frame(&frame, sink),
                Ok(Next::Idle(time)) => engine.advance(time, sink),
                Ok(Next::End) => return false,
                Err(_) => return true,
            }
        }
    })
}

/// The same with every frame `by` nanoseconds later.
pub fn analyse_moved(path: &Path, settings: &Settings, by: i64) -> Analysis {
    let mut files = open(path);
    run(settings, |engine, sink| {
        loop {
            match files.next() {
                Ok(Next::Frame(frame)) => engine.frame(&Frame { time: frame.time.after(by), ..frame }, sink),
                Ok(Next::Idle(time)) => engine.advance(time.after(by), sink),
                Ok(Next::End) => return false,
                Err(_) => return true,
            }
        }
    })
}

/// The same in batches, as files are read.
pub fn analyse_in_batches(path: &Path, settings: &Settings) -> Analysis {
    run(settings, |engine, sink| {
        let batch = engine.batch();
        each_batch(path, settings, batch, |batch| {
            (0..batch.len()).for_each(|n| engine.frame_of(batch, n, sink));
        })
    })
}

/// Shows the frames of the capture at `path` to `take` by way of `batch`; whether the capture is damaged.
pub fn each_batch(path: &Path, settings: &Settings, mut batch: Batch, mut take: impl FnMut(&mut Batch)) -> bool {
    let mut files = open(path);
    let mut decoder = synscope::decode::Decoder::new(settings.decode);
    loop {
        batch.clear();
        let end = loop {
            match files.next() {
                Ok(Next::Frame(frame)) => batch.push(&mut decoder, &frame),
                Ok(Next::Idle(_)) => {}
                Ok(Next::End) => break Some(false),
                Err(_) => break Some(true),
            }
            if batch.is_full() {
                break None;
            }
        };
        take(&mut batch);
        if let Some(damaged) = end {
            return damaged;
        }
    }
}

fn open(path: &Path) -> Files {
    Files::open(&[FileInput::Path(path.to_owned())], FileOptions::default()).expect("capture opens")
}

fn run(settings: &Settings, feed: impl FnOnce(&mut Engine, &mut dyn Sink) -> bool) -> Analysis {
    let mut engine = Engine::new(settings).expect("settings");
    let mut analysis = Analysis::default();
    let damaged = feed(&mut engine, &mut analysis);
    engine.finish(&mut analysis);
    analysis.isns = engine.hosts().isns();
    analysis.totals = engine.totals();
    analysis.damaged = damaged;
    analysis
}

/// As most formats it wants neither steps nor beginnings: that lets the engine take short cuts.
impl Sink for Analysis {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::FlowEnd { flow, .. } => self.flows.push((*flow).clone()),
            Event::HandshakeEnd(flow) => self.openings.push((flow.id, flow.opening().name())),
            Event::Anomaly { anomaly, .. } => self.anomalies.push((*anomaly).clone()),
            _ => {}
        }
    }

    fn wants(&self) -> Interest {
        Interest::ENDS.union(Interest::ANOMALIES).union(Interest::INFOS)
    }
}

/// Runs the capture at `path` with default settings.
pub fn analyse(path: &Path) -> Analysis {
    analyse_with(path, &Settings::default())
}

/// Memory that can still be read when a format has it.
#[derive(Clone, Default)]
pub struct Written(pub Rc<RefCell<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
