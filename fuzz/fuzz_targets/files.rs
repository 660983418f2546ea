//! Files of every kind that is read, through the engine to NDJSON.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use synscope::capture::{FileOptions, Files, Next, Source};
use synscope::output::{self, Out};

fuzz_target!(|data: &[u8]| {
    let stream = ("fuzz".to_owned(), Cursor::new(data.to_vec()));
    let Ok(mut files) = Files::from_streams([stream], FileOptions::default()) else { return };
    let format = output::FORMATS.iter().find(|format| format.name == "ndjson").expect("a format");
    let mut writer = (format.open)(Out::new(Box::new(std::io::sink()), false), &output::Settings::default());
    let mut engine = synscope_fuzz::engine(64);
    while let Ok(Next::Frame(frame)) = files.next() {
        engine.frame(&frame, &mut *writer);
    }
    engine.finish(&mut *writer);
});
