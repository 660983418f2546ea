//! One frame of any link type: two octets for it, two for the length on the wire, then the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use synscope::decode::{Config, Decoder, Frame, LinkType, Outcome};
use synscope::time::Timestamp;

fuzz_target!(|data: &[u8]| {
    let [a, b, c, d, octets @ ..] = data else { return };
    let link = LinkType(u16::from_be_bytes([*a, *b]));
    let wire_len = u32::from(u16::from_be_bytes([*c, *d])).max(octets.len() as u32);
    let frame = Frame { number: 1, time: Timestamp(0), link, interface: 0, wire_len, data: octets };
    for verify_checksums in [false, true] {
        let mut decoder = Decoder::new(Config { verify_checksums, ..Config::default() });
        let mut outcome: Outcome = decoder.decode(&frame);
        while decoder.holds_more() {
            decoder.decode_more(&frame, &mut outcome);
        }
    }
});
