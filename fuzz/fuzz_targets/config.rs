//! A configuration, and the words of a command line: a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = synscope::cli::check_configuration(text);
    // No word may name a file that is read.
    if !text.contains(['/', '.']) && !text.contains("filter-file") && !text.contains("config") {
        let words = ["synscope", "--no-config"].into_iter().chain(text.lines());
        let _ = synscope::cli::check_arguments(words);
    }
});
