//! What the integration tests share: a capture through the whole engine.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};

use synscope::capture::{FileInput, FileOptions, Files, Next, Source};
use synscope::detect::Anomaly;
use synscope::engine::{Engine, Event, Settings, Totals};
use synscope::flow::Flow;

pub mod frames;
pub mod script;

/// All that came of one capture.
#[derive(Default)]
pub struct Analysis {
    /// Flows in the order in which they were reported.
    pub flows: Vec<Flow>,
    /// Anomalies in order.
    pub anomalies: Vec<Anomaly>,
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

/// Runs the capture at `path` through an engine with these settings.
pub fn analyse_with(path: &Path, settings: &Settings) -> Analysis {
    let mut files = Files::open(&[FileInput::Path(path.to_owned())], FileOptions::default()).expect("capture opens");
    let mut engine = Engine::new(settings).expect("settings");
    let mut analysis = Analysis::default();
    let mut sink = |event: &Event<'_>| match event {
        Event::FlowEnd { flow, .. } => analysis.flows.push((*flow).clone()),
        Event::HandshakeEnd(flow) => analysis.openings.push((flow.id, flow.opening().name())),
        Event::Anomaly { anomaly, .. } => analysis.anomalies.push((*anomaly).clone()),
        _ => {}
    };
    let damaged = loop {
        match files.next() {
            Ok(Next::Frame(frame)) => engine.frame(&frame, &mut sink),
            Ok(Next::Idle(time)) => engine.advance(time, &mut sink),
            Ok(Next::End) => break false,
            Err(_) => break true,
        }
    };
    engine.finish(&mut sink);
    analysis.totals = engine.totals();
    analysis.damaged = damaged;
    analysis
}

/// Runs the capture at `path` with default settings.
pub fn analyse(path: &Path) -> Analysis {
    analyse_with(path, &Settings::default())
}
