//! Nothing from outside reaches a terminal or a page as it is.

use std::fs;

use synscope::output::escape::is_unsafe;

use super::{capture, folder, run, stderr, text};

/// What terminals obey: a title, a colour by C1, a turned direction, a line separator, nothing to see.
const NASTY: &str = "\x1b]0;t\x07\u{9b}31m\u{202e}\u{2028}\u{200b}<b>\"';=|`";

fn assert_safe(what: &str, octets: &[u8]) {
    let text = core::str::from_utf8(octets).expect("UTF-8");
    let found = text.chars().find(|c| is_unsafe(*c) && !matches!(c, '\n' | '\t'));
    let line = found.and_then(|c| text.lines().find(|line| line.contains(c)));
    assert!(found.is_none(), "{what}: {found:?} in {line:?}");
}

#[test]
fn names_and_filters_are_harmless_in_every_format() {
    let folder = folder("escaping");
    let file = folder.join(format!("{NASTY}.pcap"));
    fs::copy(capture("hs_refused.pcap"), &file).expect("a copy");
    let filter = format!("tcp and not host 192.0.2.{}", 77);
    for format in
        ["ndjson", "text", "scapy", "ladder", "summary", "csv", "tsv", "zeek", "html", "svg", "markdown", "explain"]
    {
        let output = run(&["-v", "-r", text(&file), "-T", format, "-f", &filter]);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", stderr(&output));
        assert_safe(format, &output.stdout);
        assert_safe(format, &output.stderr);
        let page = String::from_utf8_lossy(&output.stdout);
        assert!(!matches!(format, "html" | "svg") || !page.contains("<b>\""), "{format}");
    }
}

#[test]
fn messages_are_harmless() {
    let folder = folder("messages");
    let (file, config, filter) = (
        folder.join(format!("{NASTY}.pcap")),
        folder.join(format!("{NASTY}.toml")),
        folder.join(format!("{NASTY}.bpf")),
    );
    fs::write(&file, "no capture \x1b[2J").expect("a file");
    fs::write(&config, format!("[keys]\nquit = '{}'\n\"{NASTY}\" = 1\n", "\u{202e}x")).expect("a file");
    fs::write(&filter, "tcp prot 80").expect("a file");
    let hello = capture("hs_refused.pcap");
    let missing = format!("{NASTY}-missing");
    let wrong: [&[&str]; 10] = [
        &["-r", text(&file)],
        &["-r", &missing],
        &["-i", &missing],
        &["-r", &hello, "-T", &missing],
        &["-r", &hello, "-f", &missing],
        &["-r", &hello, "-F", text(&filter)],
        &["-r", &hello, "-Y", &format!("nosuchfield == 1 or {NASTY}")],
        &["-r", &hello, "--json", "-o", &format!("/no/such/{NASTY}")],
        &["--config", text(&config), "--print-keys"],
        &["-r", &hello, "--expect", &format!("synscope.opening == \"{NASTY}\"")],
    ];
    for arguments in wrong {
        let output = run(arguments);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        assert_safe(&format!("{arguments:?}"), &output.stderr);
    }
}
