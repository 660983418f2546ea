//! `-T scapy` against the study note's Scapy callback, where Python has Scapy (CI installs it).

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};

fn scapy_is_there() -> bool {
    let import = Command::new("python3").args(["-c", "import scapy.all"]).stderr(Stdio::null()).status();
    import.is_ok_and(|status| status.success())
}

#[test]
fn every_capture_gives_the_lines_of_the_callback() {
    if !scapy_is_there() {
        eprintln!("not compared: python3 has no scapy");
        return;
    }
    let folder = common::testdata("labelled");
    let mut captures: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("captures").map(|entry| entry.expect("entry").path()).collect();
    // Scapy reads neither a damaged file nor every compressed one.
    captures.retain(|path| path.extension().is_some_and(|ending| ending == "pcap"));
    captures.retain(|path| !path.ends_with("fmt.cut.pcap") && !path.ends_with("fmt.empty.pcap"));
    captures.sort();
    let note = Command::new("python3").arg("tests/scapy/note.py").args(&captures).output().expect("python3 runs");
    assert!(note.status.success(), "{}", String::from_utf8_lossy(&note.stderr));
    let note = String::from_utf8(note.stdout).expect("UTF-8");
    let mut compared = 0;
    for part in note.split("== ").skip(1) {
        let (path, want) = part.split_once('\n').expect("a name and lines");
        let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
            .args(["-q", "-r", path, "-T", "scapy"])
            .output()
            .expect("the program runs");
        assert_eq!(String::from_utf8_lossy(&run.stdout), want, "{path}");
        compared += want.lines().count();
    }
    assert!(compared > 1000, "{compared} lines compared");
}
