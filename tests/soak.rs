//! A long live capture: `tests/bench/soak.py` for a minute in CI, else for a few seconds. Needs root, `ip` and python3; elsewhere
//! the test says so and passes.
#![cfg(all(feature = "live", target_os = "linux"))]

mod common;

use std::path::Path;
use std::process::Command;

use common::lab::Lab;

/// Connections a second: what a build for tests keeps up with beside other tests. `make soak` asks for 3,000.
const PACE: &str = "500";

/// What it captures adds up, and it takes no more memory, descriptors or threads for being there longer.
#[test]
fn a_long_capture_takes_no_more_and_more() {
    // Whether there can be one.
    let Some(_) = Lab::new() else { return };
    let seconds = if std::env::var_os("CI").is_some() { "60" } else { "6" };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/soak.py");
    let arguments = [env!("CARGO_BIN_EXE_synscope"), seconds, PACE, env!("CARGO_TARGET_TMPDIR")];
    let output = Command::new("python3").arg(script).args(arguments).output().expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let made = said.lines().find_map(|line| line.split_once(" connections, ")).map(|(made, _)| made.parse::<u64>());
    assert!(matches!(made, Some(Ok(100..))), "{said}");
}
