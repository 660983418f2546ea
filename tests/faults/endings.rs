//! How it ends where nobody can read, and what it prints about itself.

use std::fs::{self, OpenOptions};
use std::process::Stdio;

use super::{capture, folder, frames, program, run, stderr, text};

/// A full disk is an error for every kind of output, also of what the program says about itself.
#[test]
fn what_cannot_be_written_is_an_error() {
    let hello = capture("hs_hello_client.pcap");
    let kinds: [&[&str]; 8] = [
        &["--help"],
        &["-h"],
        &["--version"],
        &["--list-anomalies"],
        &["--print-keys"],
        &["--print-schema"],
        &["-q", "-r", &hello, "--json"],
        &["-q", "-r", &hello, "-T", "summary"],
    ];
    for kind in kinds {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = program().args(kind).stdout(full).stderr(Stdio::piped()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("No space left on device"), "{kind:?}: {}", stderr(&output));
    }
}

/// What `--print-keys` prints is a configuration, and of the same keys; actions on one line of the help may change places.
#[test]
fn printed_keys_read_back() {
    let folder = folder("keys");
    let config = folder.join("config.toml");
    let printed = |arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let mut lines: Vec<String> =
            String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
        let keys = lines.iter().position(|line| line == "[keys]").expect("a table");
        lines[keys + 1..].sort_unstable();
        lines
    };
    fs::write(&config, "[keys]\nquit = ['x', '^Q']\n").expect("a file");
    let first = printed(&["--config", text(&config), "--print-keys"]);
    assert_ne!(first, printed(&["--print-keys"]));
    fs::write(&config, first.join("\n")).expect("a file");
    assert_eq!(first, printed(&["--config", text(&config), "--print-keys"]));
}

/// Times before 1970, which a pcapng file can have, as Zeek writes numbers.
#[test]
fn zeek_times_before_1970() {
    let file = folder("zeek").join("a.pcapng");
    let mut ng = super::pcapng(&[]);
    // An interface whose stamps have an offset of -10 s (if_tsoffset), and a SYN 9.5 s after that.
    let option = [&[14, 0, 8, 0][..], &(-10_i64).to_le_bytes(), &[0; 4]].concat();
    block(&mut ng, 1, &[&[1, 0, 0, 0, 0, 0, 0, 0][..], &option].concat());
    let client = std::net::SocketAddr::from(([192, 0, 2, 1], 40_000));
    let server = std::net::SocketAddr::from(([198, 51, 100, 1], 80));
    let frame = frames::Frame::new(client, server).with(2, 100, 0).bytes();
    let (length, time) = (frame.len() as u32, 9_500_000_u32);
    let words = [0, 0, time, length, length].iter().flat_map(|word: &u32| word.to_le_bytes()).collect::<Vec<u8>>();
    block(&mut ng, 6, &[words, frame].concat());
    fs::write(&file, ng).expect("a file");
    let output = run(&["-q", "-r", text(&file), "-T", "zeek"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let row = said.lines().find(|line| !line.starts_with('#')).unwrap_or_else(|| panic!("{said}{}", stderr(&output)));
    assert_eq!(row.split('\t').next(), Some("-0.500000"), "{row}");
}

/// A block of pcapng.
fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let length = (padded as u32 + 12).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(length);
    file.extend(body);
    file.resize(file.len() + padded - body.len(), 0);
    file.extend(length);
}
