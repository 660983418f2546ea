//! Conversations through tracker, rules and one of the formats, with overflow checks.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use synscope::engine::Event;
use synscope::output::{FORMATS, Level, Out, Settings};

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let Ok(format) = u.choose(FORMATS) else { return };
    let (Ok(flows), Ok(explains)) = (u.int_in_range(1..=8usize), u.arbitrary::<bool>()) else { return };
    let Ok(packets) = synscope_fuzz::conversation(&mut u) else { return };
    let settings = Settings { level: explains.then_some(Level::default()), ..Settings::default() };
    let mut writer = (format.open)(Out::new(Box::new(std::io::sink()), false), &settings);
    let mut engine = synscope_fuzz::engine(flows);
    synscope_fuzz::run(&mut engine, &packets, &mut *writer);
    writer.event(&Event::Hosts { hosts: engine.hosts() });
    writer.event(&Event::SessionEnd { totals: &engine.totals() });
    let _ = writer.out().finish();
});
