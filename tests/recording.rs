//! `-w`: the packets that are read go to files that other programs read, whatever else is written.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use synscope::capture::{FileInput, FileOptions, Files, Next, Source};

fn capture(name: &str) -> String {
    common::testdata("labelled").join(name).to_str().expect("path").to_owned()
}

fn program(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_synscope"));
    command.args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn run(arguments: &[&str]) -> Output {
    let output = program(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recording-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    // Whoever root becomes writes here.
    #[cfg(unix)]
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("its mode");
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

/// What is in the folder, and how long each is.
fn files(folder: &Path) -> BTreeMap<String, u64> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries.map(|entry| (entry.file_name().into_string().expect("text"), entry.metadata().expect("it").len())).collect()
}

/// Time and octets of every packet.
fn packets(path: &Path) -> Vec<(i64, Vec<u8>)> {
    let mut files = Files::open(&[FileInput::Path(path.to_owned())], FileOptions::default()).expect("a capture");
    let mut packets = Vec::new();
    while let Next::Frame(frame) = files.next().expect("whole") {
        packets.push((frame.time.0, frame.data.to_vec()));
    }
    packets
}

/// What another program says of the file, where it is installed.
fn other(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program} {arguments:?}: {}", stderr(&output));
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(_) => {
            println!("skipped: {program} is not there");
            None
        }
    }
}

#[test]
fn every_packet_is_written_whatever_else_is() {
    let input = capture("bn_burst.pcap");
    let whole = packets(Path::new(&input));
    let folder = folder("formats");
    for format in ["ndjson", "text", "scapy", "ladder", "summary", "csv", "tsv", "zeek", "html"] {
        let plain = run(&["-q", "-r", &input, "-T", format]).stdout;
        let name = if format == "text" { "a.pcap" } else { "a.pcapng" };
        let file = folder.join(name);
        let recorded = run(&["-q", "-r", &input, "-T", format, "-w", text(&file)]).stdout;
        assert!(plain == recorded, "-T {format} is another with -w {name}");
        assert!(packets(&file) == whole, "{format} {name}");
    }
    assert_eq!(files(&folder).into_keys().collect::<Vec<_>>(), ["a.pcap", "a.pcapng"]);
}

#[test]
fn each_flow_has_its_verdict_as_a_comment() {
    let (input, file) = (capture("bn_burst.pcap"), folder("comments").join("a.pcapng"));
    let events = run(&["-q", "-r", &input, "--json", "-w", text(&file)]).stdout;
    let flows = String::from_utf8_lossy(&events).matches("\"action\":\"flow_end\"").count();
    let octets = fs::read(&file).expect("a file");
    let said = String::from_utf8_lossy(&octets);
    let comments = (1..=flows).filter(|flow| said.contains(&format!("synscope flow {flow}: "))).count();
    assert!(flows > 1 && comments == flows.min(1_000), "{comments} of {flows}");
    if let Some(lines) =
        other("tshark", &["-r", text(&file), "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment"])
    {
        assert!(lines.contains("synscope flow 1: "), "{lines}");
    }
    if let Some(about) = other("capinfos", &["-c", "-M", text(&file)]) {
        assert!(about.contains(&packets(Path::new(&input)).len().to_string()), "{about}");
    }
}

#[test]
fn a_limit_holds_for_what_is_written() {
    let (input, file) = (capture("bn_burst.pcap"), folder("limit").join("a.pcap"));
    let output = run(&["-r", &input, "-T", "text", "-c", "7", "-w", text(&file)]);
    assert_eq!(packets(&file), packets(Path::new(&input))[..7]);
    assert!(stderr(&output).contains("7 packets written to "), "{}", stderr(&output));
}

#[test]
fn files_change_by_size_and_come_round() {
    let input = capture("bn_burst.pcap");
    let whole = packets(Path::new(&input));
    let all = folder("size");
    run(&["-q", "-r", &input, "-T", "text", "-w", text(&all.join("a.pcap")), "-C", "64K"]);
    let made = files(&all);
    assert!(made.len() > 2, "{made:?}");
    let mut together = Vec::new();
    for number in 0..made.len() {
        let name = if number == 0 { "a.pcap".to_owned() } else { format!("a.pcap{number}") };
        let octets = made.get(&name).unwrap_or_else(|| panic!("no {name} in {made:?}"));
        assert!(*octets < (64 << 10) + 2_000 && (*octets > 64 << 10 || number + 1 == made.len()), "{made:?}");
        together.extend(packets(&all.join(name)));
    }
    assert_eq!(together, whole);
    // As with tcpdump, numbers are of one length where they come again.
    let two = folder("ring");
    run(&["-q", "-r", &input, "-T", "text", "-w", text(&two.join("a.pcap")), "-C", "64K", "-W", "2"]);
    assert_eq!(files(&two).into_keys().collect::<Vec<_>>(), ["a.pcap0", "a.pcap1"]);
    let mut newest = [packets(&two.join("a.pcap0")), packets(&two.join("a.pcap1"))];
    newest.sort_by_key(|packets| packets[0].0);
    assert!(whole.ends_with(&newest.concat()));
}

#[test]
fn files_change_by_time_and_are_named_by_it() {
    let input = capture("bn_burst.pcap");
    let whole = packets(Path::new(&input));
    let half = (whole[whole.len() - 1].0 - whole[0].0) as f64 / 2e9;
    let (seconds, dated) = (format!("{half:.3}"), folder("dated"));
    run(&["-q", "-r", &input, "-T", "text", "-w", text(&dated.join("%s-%%.pcapng")), "-G", &seconds]);
    let mut together = Vec::new();
    for name in files(&dated).keys() {
        let part = packets(&dated.join(name));
        let seconds = name.split('-').next().and_then(|seconds| seconds.parse::<i64>().ok());
        assert_eq!(seconds, Some(part[0].0.div_euclid(1_000_000_000)), "{name}");
        together.extend(part);
    }
    assert_eq!(together, whole);
    // Without time codes no file replaces another; with -W the capture ends.
    let one = folder("counted");
    let output = run(&["-r", &input, "-T", "text", "-w", text(&one.join("a")), "-G", &seconds, "-W", "1"]);
    assert_eq!(files(&one).into_keys().collect::<Vec<_>>(), ["a"], "{}", stderr(&output));
    let part = packets(&one.join("a"));
    assert!(part.len() < whole.len() && whole.starts_with(&part));
}

#[test]
fn nothing_is_destroyed_and_nonsense_is_refused() {
    let folder = folder("refused");
    let input = folder.join("in.pcap");
    fs::copy(capture("hs_hello_client.pcap"), &input).expect("a copy");
    let (before, input) = (fs::read(&input).expect("a file"), text(&input).to_owned());
    let other = text(&folder.join("x")).to_owned();
    let slash = text(&folder.join("%D")).to_owned();
    let cases: [(&[&str], &str); 9] = [
        (&["-w", &input], "is also the input"),
        (&["-w", &other, "-o", &other], "-w and -o name the same file"),
        (&["-w", "-"], "-w -: standard output has"),
        (&["-C", "1"], "-C has no effect without -w"),
        (&["-w", &other, "-W", "3"], "-W has no effect without -C or -G"),
        (&["-w", &slash, "-G", "1"], "makes a slash"),
        (&["-w", "%Q", "-G", "1"], "unknown time code"),
        (&["-w", &other, "-C", "0"], "expected a size above 0"),
        (&["-w", &other, "-G", "x"], "unknown unit of time"),
    ];
    for (arguments, words) in cases {
        let output = program(&[&["-q", "-T", "text", "-r", &input], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
    }
    // A file that a run changes to is no input either.
    let next = folder.join("in.pcap1");
    fs::copy(capture("bn_burst.pcap"), &next).expect("a copy");
    let target = text(&folder.join("in.pcap0")).to_owned();
    fs::rename(&next, &target).expect("a rename");
    let base = text(&folder.join("in.pcap")).to_owned();
    let output = program(&["-q", "-T", "text", "-r", &target, "-w", &base, "-C", "64K", "-W", "2"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(fs::read(&input).expect("a file"), before);
    assert_eq!(files(&folder).into_keys().collect::<Vec<_>>(), ["in.pcap", "in.pcap0"]);
}

#[test]
fn packets_go_to_standard_output_where_events_do_not() {
    let (input, events) = (capture("hs_hello_client.pcap"), folder("stdout").join("events"));
    let output = run(&["-q", "-r", &input, "--json", "-o", text(&events), "-w", "-"]);
    let copy = events.with_file_name("copy");
    fs::write(&copy, output.stdout).expect("a file");
    assert_eq!(packets(&copy), packets(Path::new(&input)));
    assert!(fs::read_to_string(&events).expect("a file").contains("flow_end"));
}

#[test]
fn a_reader_of_packets_that_goes_away_is_success() {
    use std::io::Read as _;

    let events = folder("left").join("events");
    let mut child = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .args(["-q", "-r", &capture("bn_burst.pcap"), "--json", "-o", text(&events), "-w", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut out = child.stdout.take().expect("stdout");
    out.read_exact(&mut [0; 16]).expect("a header");
    drop(out);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
    assert!(fs::read_to_string(&events).expect("a file").contains("session_end"));
}

/// The packets of a capture by four-tuple, as scapy's format would say: those of one flow number.
fn of_flow(input: &str, flow: &str) -> Vec<String> {
    let events = run(&["-q", "-r", input, "--json", "--steps", "all", "--flow", flow, "--events", "flow_end"]).stdout;
    String::from_utf8_lossy(&events).lines().map(str::to_owned).collect()
}

#[test]
fn only_flows_that_match_are_written_from_their_beginning() {
    let input = capture("bn_burst.pcap");
    let whole = packets(Path::new(&input));
    let file = folder("matching").join("a.pcapng");
    let flow = of_flow(&input, "7");
    let port = flow[0].split("\"source\":").nth(1).and_then(|rest| rest.split("\"port\":").nth(1)).expect("a port");
    let port = port.split(|c: char| !c.is_ascii_digit()).next().expect("digits");
    // A filter that holds only when the flow has ended: all that came before is written.
    let filter = format!("sport:{port} outcome:fin");
    let plain = run(&["-q", "-r", &input, "-T", "text", "-Y", &filter]).stdout;
    let arguments = ["-r", &input, "-T", "text", "-Y", &filter, "-w", text(&file), "--write-matching"];
    let output = run(&arguments);
    assert!(plain == output.stdout, "-T text is another with --write-matching");
    let number: u16 = port.parse().expect("a port");
    let is_of = |octets: &[u8]| octets[34..38].chunks(2).any(|port| port == number.to_be_bytes());
    let expected: Vec<_> = whole.iter().filter(|(_, octets)| is_of(octets)).cloned().collect();
    assert!(!expected.is_empty() && packets(&file) == expected, "{}", stderr(&output));
    let others =
        format!("{} packets written to {}; {} of other", expected.len(), text(&file), whole.len() - expected.len());
    assert!(stderr(&output).contains(&others), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&fs::read(&file).expect("a file")).contains("synscope flow 7: "));
    // Nothing matches: nothing is written.
    run(&["-q", "-r", &input, "-T", "text", "-w", text(&file), "--write-matching"]);
    assert_eq!(packets(&file), []);
}

#[test]
fn memory_is_bounded_and_what_it_lost_is_counted() {
    let input = capture("bn_burst.pcap");
    let file = folder("bounded").join("a.pcap");
    let filter = "outcome:fin";
    let all = ["-q", "-r", &input, "-T", "text", "-Y", filter, "-w", text(&file), "--write-matching"];
    run(&all);
    // All but ARP.
    let mut whole = packets(Path::new(&input));
    whole.retain(|(_, octets)| octets[12..14] == [8, 0]);
    assert!(whole.len() == 3_000 && packets(&file) == whole);
    let output = run(&[&all[1..], &["--keep-size", "8K"]].concat());
    let few = packets(&file);
    assert!(few.len() < whole.len() && few.iter().all(|packet| whole.contains(packet)));
    assert!(stderr(&output).contains("the first packets had left the memory"), "{}", stderr(&output));
    let output = program(&["-q", "-r", &input, "-T", "text", "-w", text(&file), "--keep-size", "8K"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// synscope that follows, and what it says on standard output.
struct Following {
    child: std::process::Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Following {
    fn start(path: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_synscope"));
        command.args(["-q", "--json", "--events", "flow_end,session_end", "--follow", text(path)]).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program runs");
        let (sender, lines) = std::sync::mpsc::channel();
        let stdout = std::io::BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            std::io::BufRead::lines(stdout).for_each(|line| drop(sender.send(line.expect("text"))));
        });
        Self { child, lines }
    }

    /// Waits for a file that has so many packets.
    fn wait_for(&self, file: &Path, count: usize) {
        let begun = std::time::Instant::now();
        while fs::metadata(file).map_or(0, |about| about.len()) == 0 || packets_so_far(file) < count {
            assert!(begun.elapsed().as_secs() < 60, "{} packets", packets_so_far(file));
            std::thread::yield_now();
        }
    }

    /// Ctrl-C; the last event.
    fn end(mut self) -> String {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        assert!(self.child.wait().expect("it ends").success());
        self.lines.iter().last().expect("an event")
    }
}

/// How many whole packets a file has that is being written.
fn packets_so_far(path: &Path) -> usize {
    let Ok(mut files) = Files::open(&[FileInput::Path(path.to_owned())], FileOptions::default()) else { return 0 };
    std::iter::from_fn(|| matches!(files.next(), Ok(Next::Frame(_))).then_some(())).count()
}

#[test]
fn a_file_that_grows_and_is_replaced_is_followed() {
    use std::io::Write as _;
    let folder = folder("follow-file");
    let (file, copy) = (folder.join("in.pcap"), self::folder("follow-copy").join("copy.pcap"));
    let octets = fs::read(capture("bn_burst.pcap")).expect("a capture");
    let whole = packets(Path::new(&capture("bn_burst.pcap")));
    // In the middle of a packet.
    fs::write(&file, &octets[..1_000]).expect("a file");
    let following = Following::start(&file, &["-w", text(&copy), "-l"]);
    following.wait_for(&copy, packets_so_far(&file));
    assert!(packets_so_far(&file) > 5);
    let mut growing = fs::OpenOptions::new().append(true).open(&file).expect("the file");
    growing.write_all(&octets[1_000..]).expect("written");
    following.wait_for(&copy, whole.len());
    // As logrotate does.
    fs::rename(&file, folder.join("old.pcap")).expect("a rename");
    fs::copy(capture("hs_hello_client.pcap"), folder.join("next")).expect("a copy");
    fs::rename(folder.join("next"), &file).expect("a rename");
    let hello = packets(&file);
    following.wait_for(&copy, whole.len() + hello.len());
    let last = following.end();
    assert!(last.contains(&format!("\"packets\":{}", whole.len() + hello.len())), "{last}");
    assert!(packets(&copy) == [whole, hello].concat());
}

#[test]
fn a_folder_is_followed_from_file_to_file() {
    let (folder, copy) = (folder("follow-folder"), folder("follow-folder-copy").join("copy.pcap"));
    let input = capture("bn_burst.pcap");
    let whole = packets(Path::new(&input));
    fs::write(folder.join("notes.txt"), "no capture").expect("a file");
    let following = Following::start(&folder, &["-w", text(&copy), "-l"]);
    // What tcpdump -C makes.
    run(&["-q", "-r", &input, "-T", "text", "-o", "/dev/null", "-w", text(&folder.join("x.pcap")), "-C", "64K"]);
    assert!(files(&folder).len() > 3);
    following.wait_for(&copy, whole.len());
    fs::copy(capture("hs_hello_client.pcap"), folder.join(".part")).expect("a copy");
    fs::rename(folder.join(".part"), folder.join("y.pcap")).expect("a rename");
    let hello = packets(&folder.join("y.pcap"));
    following.wait_for(&copy, whole.len() + hello.len());
    following.end();
    assert!(packets(&copy) == [whole, hello].concat());
    let into = text(&folder.join("z")).to_owned();
    let output = program(&["-q", "--json", "--follow", text(&folder), "-w", &into]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// A small tmpfs in a mount namespace of its own: whole packets stay, the analysis is written to its end.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_whole_packets_and_all_that_is_known() {
    if fs::metadata("/proc/self").map_or(1, |about| std::os::unix::fs::MetadataExt::uid(&about)) != 0 {
        println!("skipped: needs root, to mount");
        return;
    }
    let folder = folder("full");
    let (disk, kept) = (folder.join("disk"), folder.join("kept"));
    fs::create_dir_all(&disk).expect("a folder");
    fs::create_dir_all(&kept).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size=100k,mode=777 none {disk} && {program} -q -r {input} --json -w {disk}/a.pcap; \
         code=$?; cp -a {disk}/. {kept}; exit $code",
        disk = text(&disk),
        kept = text(&kept),
        program = env!("CARGO_BIN_EXE_synscope"),
        input = capture("bn_burst.pcap"),
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().expect("unshare");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let written = packets(&kept.join("a.pcap"));
    let words = format!("a.pcap: cannot write: No space left on device (os error 28); {} packets were", written.len());
    assert!(!written.is_empty() && said.contains(&words), "{said}: {}", written.len());
    assert!(packets(Path::new(&capture("bn_burst.pcap"))).starts_with(&written));
    assert!(String::from_utf8_lossy(&output.stdout).lines().last().is_some_and(|line| line.contains("session_end")));
}

/// Real traffic, with rights given up: files that did not exist when the program began.
#[cfg(all(feature = "live", target_os = "linux"))]
#[test]
fn live_packets_are_whole_and_files_change() {
    use std::io::{BufRead, BufReader, Write as _};
    let Some(lab) = common::lab::Lab::new() else { return };
    let folder = folder("live");
    let file = folder.join("a.pcapng");
    let mut command = common::lab::inside(
        &lab.a,
        &[env!("CARGO_BIN_EXE_synscope"), "-i", "veth0", "--json", "-C", "64K", "-w", text(&file), "tcp"],
    );
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("synscope runs");
    let mut errors = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(errors.next().expect("a line").expect("text").contains("snapshot length 262144"));
    let mut server = lab.serve();
    let send = "
import socket
s = socket.create_connection(('192.0.2.2', 8080), 10)
for _ in range(300): s.sendall(b'x' * 1000)
s.shutdown(socket.SHUT_WR)
while s.recv(4096): pass
";
    assert!(lab.python(&lab.a, send).status().expect("python3 runs").success());
    server.wait().expect("the server ends");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut lines = lines.map(|line| line.expect("text"));
    assert!(lines.any(|line| line.contains("\"action\":\"flow_end\"")), "no flow ended");
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
    assert!(child.wait().expect("it ends").success());
    let said: Vec<String> = errors.map(|line| line.expect("text")).collect();
    std::io::stdout().flush().expect("flushed");
    let names = files(&folder);
    assert!(names.len() > 3 && names.contains_key("a.pcapng3"), "{names:?}: {said:#?}");
    let written: Vec<_> = names.keys().flat_map(|name| packets(&folder.join(name))).collect();
    let words = format!("{} packets captured", written.len());
    assert!(said.contains(&words), "{words}: {said:#?}");
    let octets: usize = written.iter().map(|(_, octets)| octets.len()).sum();
    assert!(octets > 300_000, "{octets}: packets are cut");
    let comments = |name: &String| String::from_utf8_lossy(&fs::read(folder.join(name)).expect("a file")).into_owned();
    assert!(names.keys().any(|name| comments(name).contains("synscope flow 1: ")), "{names:?}");
}
