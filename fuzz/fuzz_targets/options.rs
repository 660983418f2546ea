//! TCP options of any kind, and of any length that their header claims: the first octet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use synscope::tcp::Options;

fuzz_target!(|data: &[u8]| {
    let [claimed, octets @ ..] = data else { return };
    let options = Options::parse(octets, usize::from(*claimed));
    assert!(options.len <= 40);
    assert!(options.layout.names().count() <= 16);
    // The list that nearly every data segment has skips the walk.
    if let Some(octets) = octets.get(..12) {
        let alone = Options::parse(octets, 12);
        let walked = Options::parse(octets, 13);
        assert_eq!(alone.timestamps, walked.timestamps);
    }
});
