//! Disks that are full, and ends in the middle.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{capture, folder, is_root, json, lines, program, session_end, stderr, text};

/// A small tmpfs in a mount namespace of its own. What was there stays; what was written is whole lines.
#[test]
fn a_full_disk_keeps_whole_lines_and_the_old_file() {
    if !is_root() {
        println!("skipped: needs root, to mount");
        return;
    }
    let folder = folder("disk");
    let (disk, copy) = (folder.join("disk"), folder.join("copy"));
    fs::create_dir_all(&disk).expect("a folder");
    for old in [None, Some("old")] {
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir_all(&copy).expect("a folder");
        let write_old = old.map_or(String::new(), |old| format!("echo {old} > {}/a; ", text(&disk)));
        let script = format!(
            "mount -t tmpfs -o size=128k none {disk} && {write_old} {program} -Z root -q -r {input} --json -o {disk}/a; \
             code=$?; cp -a {disk}/. {copy}; exit $code",
            disk = text(&disk),
            copy = text(&copy),
            program = env!("CARGO_BIN_EXE_synscope"),
            input = capture("scan_connect.pcap"),
        );
        let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().expect("unshare");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.matches("cannot write").count() == 1, "{said}");
        let entries = fs::read_dir(&copy).expect("a folder");
        let files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        let (kept, part): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.ends_with("a"));
        let written = match old {
            Some(old) => {
                assert_eq!(fs::read_to_string(&kept[0]).expect("a file").trim(), old);
                &part[0]
            }
            None => &kept[0],
        };
        let octets = fs::read(written).expect("a file");
        assert!(!lines(&octets).is_empty());
        assert!(said.contains(&format!("{} octets were written", octets.len())), "{}: {said}", octets.len());
    }
}

/// Nothing can be done any more, and nothing need be: what is there is whole.
#[test]
fn a_kill_leaves_whole_lines() {
    let file = folder("kill").join("a.ndjson");
    let mut command = program();
    command.args(["-q", "-r", "-", "--json", "-o", text(&file)]).stdin(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(&fs::read(capture("bn_burst.pcap")).expect("a capture")).expect("it reads");
    while !fs::read_to_string(&file).is_ok_and(|written| written.contains("handshake_end")) {
        std::thread::yield_now();
    }
    child.kill().expect("kill");
    child.wait().expect("it ends");
    let octets = fs::read(&file).expect("a file");
    assert!(octets.ends_with(b"\n"), "the last line is cut");
    octets.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()).for_each(|line| drop(json(line)));
}

/// A small file may hold a large one.
#[test]
fn a_bound_on_what_is_decompressed() {
    let file = folder("bomb").join("a.pcap.gz");
    let mut packets = fs::read(capture("hs_hello_client.pcap")).expect("a capture");
    let header: Vec<u8> = [1_000_000_000_u32, 0, 60_000, 60_000].iter().flat_map(|word| word.to_le_bytes()).collect();
    for _ in 0..200 {
        packets.extend(&header);
        packets.resize(packets.len() + 60_000, 0);
    }
    let compressed = fs::File::create(&file).expect("a file");
    let mut gzip = Command::new("gzip").stdin(Stdio::piped()).stdout(compressed).spawn().expect("gzip");
    gzip.stdin.take().expect("stdin").write_all(&packets).expect("it reads");
    assert!(gzip.wait().expect("it ends").success());
    let run = |most: &str| {
        let mut command = program();
        command.args(["-q", "--json", "-r", text(&file), "--max-decompressed", most]).output().expect("it runs")
    };
    let output = run("1M");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).ends_with("cannot read: more than --max-decompressed allows\n"), "{}", stderr(&output));
    session_end(&lines(&output.stdout));
    assert_eq!(run("1G").status.code(), Some(0));
    assert_eq!(run("0M").status.code(), Some(2));
}
