//! The stages of an analysis, each with those before it, on one thread: what a stage costs is the difference.

use std::hint::black_box;
use std::io;
use std::path::Path;

use synscope::capture::{FileInput, FileOptions, Files, Next, Source};
use synscope::decode::{Decoder, Frame};
use synscope::detect::Selection;
use synscope::engine::{Batch, Engine, Event, Settings, Sink};
use synscope::output::{self, Out};

/// How far a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nowhere: the program starts, opens the file and ends.
    Open,
    /// It is read from the file.
    Read,
    /// It is decoded.
    Decode,
    /// Its connection is tracked, and no rule is on.
    Track,
    /// Every rule is on, as for `-T summary`.
    Detect,
    /// Events are written as NDJSON, to nowhere.
    Write,
}

impl Stage {
    pub const ALL: [Self; 6] = [Self::Open, Self::Read, Self::Decode, Self::Track, Self::Detect, Self::Write];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Decode => "decode",
            Self::Track => "track",
            Self::Detect => "detect",
            Self::Write => "write",
        }
    }

    /// The stage with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Takes all of `file` so far; how many frames it has.
    pub fn run(self, file: &Path) -> u64 {
        let mut files =
            Files::open(&[FileInput::Path(file.to_owned())], FileOptions::default()).expect("a capture opens");
        let quiet = Settings { rules: Selection::none(), terse: true, ..Settings::default() };
        let terse = Settings { terse: true, ..Settings::default() };
        match self {
            Self::Open => 0,
            Self::Read => each(&mut files, |frame| {
                black_box(frame.data.first());
            }),
            Self::Decode => {
                let mut decoder = Decoder::new(quiet.decode);
                let mut batch = engine(&quiet).batch();
                each(&mut files, |frame| {
                    batch.push(&mut decoder, frame);
                    if batch.is_full() {
                        black_box(&batch);
                        batch.clear();
                    }
                })
            }
            Self::Track => analyse(&mut files, &quiet, &mut Nobody),
            Self::Detect => analyse(&mut files, &terse, &mut Nobody),
            Self::Write => {
                let format = output::format("ndjson").expect("a format");
                let settings = output::Settings::default();
                let mut writer = (format.open)(Out::new(Box::new(io::sink()), false), &settings);
                analyse(&mut files, &Settings::default(), &mut *writer)
            }
        }
    }
}

/// Who wants to know nothing.
struct Nobody;

impl Sink for Nobody {
    fn event(&mut self, event: &Event<'_>) {
        black_box(event);
    }

    fn wants(&self) -> synscope::engine::Interest {
        synscope::engine::Interest::ENDS
    }
}

fn engine(settings: &Settings) -> Engine {
    Engine::new(settings).expect("rules that exist")
}

/// Shows every frame to `take`; how many there were.
fn each(files: &mut Files, mut take: impl FnMut(&Frame<'_>)) -> u64 {
    let mut frames = 0;
    while let Next::Frame(frame) = files.next().expect("a whole capture") {
        frames += 1;
        take(&frame);
    }
    frames
}

/// All of it, in batches as the program reads files, but on this thread.
fn analyse(files: &mut Files, settings: &Settings, sink: &mut dyn Sink) -> u64 {
    let mut engine = engine(settings);
    let mut decoder = Decoder::new(settings.decode);
    let mut batch = engine.batch();
    let mut track = |batch: &mut Batch| {
        (0..batch.len()).for_each(|n| engine.frame_of(batch, n, sink));
        batch.clear();
    };
    let frames = each(files, |frame| {
        batch.push(&mut decoder, frame);
        if batch.is_full() {
            track(&mut batch);
        }
    });
    track(&mut batch);
    engine.finish(sink);
    sink.event(&Event::Hosts { hosts: engine.hosts() });
    sink.event(&Event::SessionEnd { totals: &engine.totals() });
    frames
}
