//! Flow filters (`-Y`): what is accepted reads back, and what is refused names a place in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use synscope::flow_filter::FlowFilter;

fuzz_target!(|text: &str| {
    match FlowFilter::parse(text) {
        Ok(filter) => assert!(FlowFilter::parse(filter.text()).is_ok()),
        Err(error) => assert!(error.place <= text.len()),
    }
});
