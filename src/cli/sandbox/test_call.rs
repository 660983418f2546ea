//! Breaks out, where a test asks for it. No part of release builds.

use std::fs::File;
use std::net::TcpStream;
use std::process::Command;

use super::super::messages;

/// Names what to try: `run`, `connect`, `panic`, `read:FILE` or `write:FILE`.
const ASKED: &str = "SYNSCOPE_TEST_CALL";

/// Makes the call that is asked for, and says what became of it.
pub(super) fn make_one() {
    let asked = std::env::var(ASKED).unwrap_or_default();
    let (call, argument) = asked.split_once(':').unwrap_or((&asked, ""));
    let result = match call {
        "run" => Command::new("/bin/true").status().map(drop),
        "connect" => TcpStream::connect("127.0.0.1:9").map(drop),
        "read" => File::open(argument).map(drop),
        "write" => File::create(argument).map(drop),
        "panic" => panic!("a panic was asked for"),
        _ => return,
    };
    messages::say(&match result {
        Ok(()) => format!("{call}: done"),
        Err(error) => format!("{call}: {error}"),
    });
}
