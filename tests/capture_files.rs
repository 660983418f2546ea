//! Capture files of every format, whole, damaged, cut short, compressed, through pipes and merged.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use synscope::capture::{CaptureError, FileInput, FileOptions, Files, Next, Source};
use synscope::time::Timestamp;

/// A frame, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    number: u64,
    time: i64,
    link: u16,
    interface: u16,
    wire_len: u32,
    data: Vec<u8>,
}

/// All frames, and the error that ended them if one did.
fn drain(files: Result<Files, CaptureError>) -> (Vec<Seen>, Option<CaptureError>) {
    let mut files = match files {
        Ok(files) => files,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut seen = Vec::new();
    loop {
        match files.next() {
            Ok(Next::Frame(f)) => seen.push(Seen {
                number: f.number,
                time: f.time.0,
                link: f.link.0,
                interface: f.interface,
                wire_len: f.wire_len,
                data: f.data.to_vec(),
            }),
            Ok(Next::Idle(_)) => unreachable!("files are never idle"),
            Ok(Next::End) => break,
            Err(error) => {
                assert!(matches!(files.next(), Ok(Next::End)), "an error is told once");
                return (seen, Some(error));
            }
        }
    }
    assert_eq!(files.counts().frames, seen.len() as u64);
    (seen, None)
}

fn read_bytes(bytes: &[u8]) -> (Vec<Seen>, Option<CaptureError>) {
    drain(Files::from_streams([("test".to_owned(), Cursor::new(bytes.to_vec()))], FileOptions::default()))
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/formats").join(name)
}

fn open(paths: &[PathBuf]) -> Result<Files, CaptureError> {
    let inputs: Vec<_> = paths.iter().cloned().map(FileInput::Path).collect();
    Files::open(&inputs, FileOptions::default())
}

/// Builds classic pcap files.
struct PcapWriter {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl PcapWriter {
    fn new(magic: u32, big_endian: bool, snaplen: u32, link: u32) -> Self {
        let mut this = Self { bytes: Vec::new(), big_endian };
        this.word(magic);
        let (major, minor) = if big_endian { ([0, 2], [0, 4]) } else { ([2, 0], [4, 0]) };
        this.bytes.extend([major, minor].concat());
        for word in [0, 0, snaplen, link] {
            this.word(word);
        }
        this
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend(if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() });
    }

    fn packet(&mut self, seconds: u32, fraction: u32, wire_len: u32, data: &[u8]) -> &mut Self {
        for word in [seconds, fraction, data.len() as u32, wire_len] {
            self.word(word);
        }
        self.bytes.extend(data);
        self
    }
}

/// A snoop file (RFC 1761) of this version, datalink type and frames; of each, this many octets more were on the wire.
fn snoop(version: u32, datalink: u32, frames: &[(u32, u32, &[u8])], more: u32) -> Vec<u8> {
    let mut bytes = b"snoop\0\0\0".to_vec();
    bytes.extend([version.to_be_bytes(), datalink.to_be_bytes()].concat());
    for (seconds, micros, data) in frames {
        let (len, padded) = (data.len() as u32, data.len().next_multiple_of(4));
        for word in [len + more, len, 24 + padded as u32, 0, *seconds, *micros] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len() + padded - data.len(), 0);
    }
    bytes
}

fn micro() -> PcapWriter {
    PcapWriter::new(0xa1b2_c3d4, false, 65535, 1)
}

/// Builds pcapng files block by block.
#[derive(Default)]
struct NgWriter {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl NgWriter {
    fn put32(&self, word: u32) -> [u8; 4] {
        if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() }
    }

    fn put16(&self, half: u16) -> [u8; 2] {
        if self.big_endian { half.to_be_bytes() } else { half.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.put32(padded as u32 + 12);
        self.bytes.extend(self.put32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(vec![0; padded - body.len()]);
        self.bytes.extend(length);
        self
    }

    fn section(&mut self, big_endian: bool) -> &mut Self {
        self.big_endian = big_endian;
        let body = [&self.put32(0x1a2b_3c4d)[..], &self.put16(1), &self.put16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(&mut self, link: u16, snaplen: u32, resolution: Option<u8>, offset: Option<i64>) -> &mut Self {
        let mut body = [&self.put16(link)[..], &[0, 0], &self.put32(snaplen)].concat();
        if let Some(resolution) = resolution {
            body.extend([&self.put16(9)[..], &self.put16(1), &[resolution, 0, 0, 0]].concat());
        }
        if let Some(offset) = offset {
            let value = if self.big_endian { offset.to_be_bytes() } else { offset.to_le_bytes() };
            body.extend([&self.put16(14)[..], &self.put16(8), &value].concat());
        }
        body.extend([0; 4]);
        self.block(1, &body)
    }

    fn enhanced(&mut self, interface: u32, ticks: u64, wire_len: u32, data: &[u8], options: &[u8]) -> &mut Self {
        let mut body = Vec::new();
        for word in [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_len] {
            body.extend(self.put32(word));
        }
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body)
    }

    fn obsolete(&mut self, interface: u16, ticks: u64, data: &[u8]) -> &mut Self {
        let mut body = [self.put16(interface), self.put16(3)].concat();
        for word in [(ticks >> 32) as u32, ticks as u32, data.len() as u32, data.len() as u32] {
            body.extend(self.put32(word));
        }
        body.extend(data);
        self.block(2, &body)
    }

    fn simple(&mut self, wire_len: u32, data: &[u8]) -> &mut Self {
        let body = [&self.put32(wire_len)[..], data].concat();
        self.block(3, &body)
    }
}

#[test]
fn every_format_gives_the_packets_of_its_label() {
    const START: i64 = 1_795_202_638_042_261_000;
    for (name, packets, link, first) in [
        ("fmt.empty.pcap", 0, 1, None),
        ("fmt.loop.pcap", 40, 108, Some(START)),
        ("fmt.ng-gz.pcapng.gz", 42, 1, Some(START)),
        ("fmt.ng-ns.pcapng", 42, 1, Some(START)),
        ("fmt.ng.pcapng", 42, 1, Some(START)),
        ("fmt.ng2if.pcapng", 40, 1, None),
        ("fmt.ns-be.pcap", 42, 1, Some(START)),
        ("fmt.ns.pcap", 42, 1, Some(START)),
        ("fmt.null.pcap", 40, 0, Some(START)),
        ("fmt.raw.pcap", 40, 101, Some(START)),
        ("fmt.sll.pcap", 39, 113, None),
        ("fmt.sll2.pcap", 39, 276, None),
        ("fmt.snap80.pcap", 39, 1, None),
        ("fmt.us-be.pcap", 42, 1, Some(START)),
        ("fmt.us-gz.pcap.gz", 42, 1, Some(START)),
        ("fmt.us.pcap", 42, 1, Some(START)),
    ] {
        let (seen, error) = drain(open(&[fixture(name)]));
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(seen.len(), packets, "{name}");
        assert!(seen.iter().all(|f| f.link == link && f.wire_len as usize >= f.data.len()), "{name}");
        assert!(seen.iter().zip(1..).all(|(f, n)| f.number == n), "{name}");
        if let Some(first) = first {
            assert_eq!(seen[0].time / 1000, first / 1000, "{name}");
        }
    }
}

#[test]
fn the_same_packets_in_every_container() {
    let (expected, _) = drain(open(&[fixture("fmt.us.pcap")]));
    for name in ["fmt.us-be.pcap", "fmt.us-gz.pcap.gz"] {
        assert_eq!(drain(open(&[fixture(name)])).0, expected, "{name}");
    }
    let (nanos, _) = drain(open(&[fixture("fmt.ns.pcap")]));
    for name in ["fmt.ns-be.pcap", "fmt.ng-ns.pcapng"] {
        assert_eq!(drain(open(&[fixture(name)])).0, nanos, "{name}");
    }
    assert!(nanos.iter().zip(&expected).all(|(n, u)| n.time / 1000 == u.time / 1000 && n.data == u.data));
    assert!(nanos.iter().any(|n| n.time % 1000 != 0), "nanoseconds are kept");
}

#[test]
fn packets_name_their_interface() {
    let (seen, _) = drain(open(&[fixture("fmt.ng2if.pcapng")]));
    assert!(seen.iter().all(|f| f.interface == 1), "all are of the second interface, as tshark says");
}

#[test]
fn frames_cut_by_the_snapshot_length_keep_their_length_on_the_wire() {
    let (seen, _) = drain(open(&[fixture("fmt.snap80.pcap")]));
    assert!(seen.iter().all(|f| f.data.len() <= 80));
    assert!(seen.iter().any(|f| f.wire_len > 80));
}

#[test]
fn a_file_cut_in_its_last_record_gives_all_before_and_says_where() {
    let (seen, error) = drain(open(&[fixture("fmt.cut.pcap")]));
    let (whole, _) = drain(open(&[fixture("fmt.us.pcap")]));
    assert_eq!(seen[..], whole[..41]);
    let error = error.expect("cut");
    assert_eq!(error.exit_code(), 4);
    let offset = 24 + seen.iter().map(|f| 16 + f.data.len() as u64).sum::<u64>();
    assert!(matches!(&error, CaptureError::Damaged { offset: Some(o), packets: 41, .. } if *o == offset), "{error}");
}

/// Every prefix of a file gives a prefix of its packets, and an error unless it ends between records.
fn check_every_truncation(bytes: &[u8]) {
    let (whole, error) = read_bytes(bytes);
    assert!(error.is_none(), "{error:?}");
    assert!(whole.len() > 2);
    for length in 0..bytes.len() {
        let (seen, error) = read_bytes(&bytes[..length]);
        assert!(whole.starts_with(&seen), "cut at {length}");
        match error {
            Some(error) => assert_eq!(error.exit_code(), 4, "cut at {length}: {error}"),
            None => assert!(length >= 24, "cut at {length}"),
        }
    }
}

#[test]
fn every_truncation_of_a_pcap() {
    let mut file = micro();
    file.packet(1, 2, 60, &[7; 60]).packet(1, 3, 0, &[]).packet(2, 0, 1500, &[9; 33]).packet(3, 0, 14, &[1; 14]);
    check_every_truncation(&file.bytes);
}

#[test]
fn every_truncation_of_a_pcapng() {
    for big_endian in [false, true] {
        let mut file = NgWriter::default();
        file.section(big_endian).interface(1, 0, Some(9), Some(3)).enhanced(0, 5, 60, &[7; 60], &[]);
        file.block(5, &[1; 20]).simple(5, &[1; 8]).obsolete(0, 9, &[1, 2, 3]);
        file.section(!big_endian).interface(101, 64, None, None).enhanced(0, 6, 1500, &[2; 41], &[0; 4]);
        check_every_truncation(&file.bytes);
    }
}

#[test]
fn every_truncation_of_compressed_files() {
    let mut file = micro();
    file.packet(1, 2, 60, &[7; 60])
        .packet(1, 3, 40, b"abcdefghijklmnopqrstuvwxyz0123456789!?,.")
        .packet(2, 0, 9, &[9; 9]);
    let (whole, _) = read_bytes(&file.bytes);
    for packed in [gzip(&file.bytes), zstd::bulk::compress(&file.bytes, 3).unwrap()] {
        assert_eq!(read_bytes(&packed).0, whole);
        for length in 0..packed.len() {
            let (seen, error) = read_bytes(&packed[..length]);
            assert!(whole.starts_with(&seen), "cut at {length}");
            // A trailer may be missing without harm to what it follows, but it is noticed.
            assert_eq!(error.expect("cut").exit_code(), 4, "cut at {length}");
        }
    }
}

/// Decompressed where frames are asked for or on a thread of its own: the same frames, the same errors, the same limits.
#[test]
fn in_place_and_on_a_thread_compressed_files_are_read_alike() {
    let whole = fs::read(fixture("fmt.us.pcap")).unwrap();
    let folder = own_folder();
    let read = |bytes: &[u8], decompress_in_place: bool, max_decompressed: Option<u64>, stopped: bool| {
        let path = folder.join("packed");
        fs::write(&path, bytes).unwrap();
        let stop = stopped.then(|| std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true)));
        let options = FileOptions { filter: None, stop, max_decompressed, decompress_in_place };
        let (seen, error) = drain(Files::open(&[FileInput::Path(path)], options));
        (seen, error.map(|error| (error.exit_code(), error.to_string())))
    };
    let parts = whole.split_at(1001);
    let skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [parts.0, parts.1].map(|part| zstd::bulk::compress(part, 1).unwrap());
    let (expected, _) = read_bytes(&whole);
    for packed in
        [[gzip(parts.0), gzip(parts.1)].concat(), [&skippable[..], &frames[0], &skippable, &frames[1]].concat()]
    {
        assert_eq!(read(&packed, true, None, false), (expected.clone(), None));
        for length in (0..packed.len()).step_by(37).chain([packed.len()]) {
            let cut = &packed[..length];
            assert_eq!(read(cut, true, None, false), read(cut, false, None, false), "cut at {length}");
            // A flag that is raised from the start ends it at once, without a complaint.
            assert_eq!(read(cut, true, None, true), (Vec::new(), None), "stopped, cut at {length}");
        }
        let limit = Some(whole.len() as u64 / 2);
        let (in_place, threaded) = (read(&packed, true, limit, false), read(&packed, false, limit, false));
        assert_eq!(in_place.1, threaded.1);
        assert!(in_place.1.is_some_and(|(_, text)| text.contains("--max-decompressed")));
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 0x10;
        assert_eq!(read(&damaged, true, None, false).1, read(&damaged, false, None, false).1);
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// A folder of this test's own.
fn own_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("synscope-packed-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn members_and_frames_in_a_row_are_one_stream() {
    let bytes = fs::read(fixture("fmt.us.pcap")).unwrap();
    let (whole, _) = read_bytes(&bytes);
    let (head, tail) = bytes.split_at(1001);
    let (seen, error) = read_bytes(&[gzip(head), gzip(tail)].concat());
    assert!(error.is_none() && seen == whole, "{error:?}");
    let frames = [head, tail].map(|part| zstd::bulk::compress(part, 1).unwrap());
    let skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let joined = [&skippable[..], &frames[0], &skippable, &frames[1]].concat();
    let (seen, error) = read_bytes(&joined);
    assert!(error.is_none() && seen == whole, "{error:?}");
}

#[test]
fn pcapng_clocks_sections_and_byte_orders() {
    for big_endian in [false, true] {
        let mut file = NgWriter::default();
        file.section(big_endian);
        file.interface(1, 0, None, None).interface(113, 0, Some(0x80 | 20), None).interface(276, 0, Some(9), Some(-7));
        file.enhanced(0, 1_000_001, 4, &[1; 4], &[]).enhanced(1, 3 << 19, 5, &[2; 5], &[]);
        file.block(0x0bad, &[0; 8]).enhanced(2, 8_000_000_005, 6, &[3; 6], &[]);
        file.section(!big_endian).interface(101, 3, Some(3), Some(1));
        file.enhanced(0, 2_500, 7, &[4; 7], &[]).simple(8, &[5; 4]).obsolete(0, 2_600, &[6; 4]);
        let (seen, error) = read_bytes(&file.bytes);
        assert!(error.is_none(), "{error:?}");
        let got: Vec<_> = seen.iter().map(|f| (f.interface, f.link, f.time, f.wire_len, f.data.len())).collect();
        assert_eq!(
            got,
            [
                (0, 1, 1_000_001_000, 4, 4),
                (1, 113, 1_500_000_000, 5, 5),
                (2, 276, 1_000_000_005, 6, 6),
                (3, 101, 3_500_000_000, 7, 7),
                (3, 101, 3_500_000_000, 8, 3),
                (3, 101, 3_600_000_000, 4, 4),
            ]
        );
    }
}

#[test]
fn pcapng_that_lies_is_damaged_not_fatal() {
    let damaged = |build: fn(&mut NgWriter), words: &str| {
        let mut file = NgWriter::default();
        file.section(false).interface(1, 0, None, None).enhanced(0, 1, 4, &[1; 4], &[]);
        build(&mut file);
        let (seen, error) = read_bytes(&file.bytes);
        let error = error.expect(words);
        assert_eq!((seen.len(), error.exit_code()), (1, 4), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    damaged(
        |f| {
            f.enhanced(7, 1, 4, &[1; 4], &[]);
        },
        "interface 7, which is not described",
    );
    damaged(
        |f| {
            f.block(6, &[0xff; 40]);
        },
        "not described",
    );
    damaged(
        |f| {
            f.block(6, &[0; 8]);
        },
        "too short",
    );
    damaged(|f| f.bytes.extend([6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]), "13 octets long");
    damaged(|f| f.bytes.extend([6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0]), "more than the");
    damaged(|f| f.bytes.extend([5, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0]), "ends inside a block");
}

#[test]
fn odd_records_of_a_pcap() {
    let large = vec![0x5a; 3_000_000];
    let mut file = micro();
    file.packet(1, 0, 0, &[]).packet(2, 1_999_999, 3_000_000, &large).packet(3, 0, 2, &[1; 4]);
    let (seen, error) = read_bytes(&file.bytes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen[1].time, 3_999_999_000, "a fraction of more than a second is carried");
    let mut nonsense = micro();
    nonsense.packet(7, 0x8000_0001, 4, &[1; 4]);
    assert_eq!(read_bytes(&nonsense.bytes).0[0].time, 7_999_999_999, "but none of minutes");
    assert_eq!(seen[1].data, large);
    assert_eq!((seen[0].wire_len, seen[0].data.len()), (0, 0));
    assert_eq!(seen[2].wire_len, 4, "no less than was captured");
    file.word(0);
    for word in [0, 0x7fff_ffff, 0] {
        file.word(word);
    }
    let (seen, error) = read_bytes(&file.bytes);
    assert_eq!(seen.len(), 3);
    assert!(error.expect("too large").to_string().contains("more than the 67108864 that are read"));
}

#[test]
fn link_types_are_taken_from_the_low_half_and_from_dlt_values() {
    for (field, link) in [(0x5800_0001, 1), (12, 101), (14, 101), (276, 276)] {
        let mut file = PcapWriter::new(0xa1b2_c3d4, false, 0, field);
        file.packet(1, 0, 1, &[0]);
        assert_eq!(read_bytes(&file.bytes).0[0].link, link);
    }
}

#[test]
fn what_is_no_capture_is_reported_in_one_line() {
    let check = |bytes: &[u8], code: u8, words: &str| {
        let (_, error) = read_bytes(bytes);
        let error = error.expect(words);
        assert_eq!(error.exit_code(), code, "{error}");
        let text = error.to_string();
        assert!(text.contains(words) && text.lines().count() == 1, "{text}");
    };
    check(b"", 4, "it is empty (0 octets)");
    check(&[0xd4, 0xc3], 4, "ends inside its first four octets");
    check(b"no", 1, "not a capture file");
    check(b"GET / HTTP/1.1\r\n", 1, "it begins with \"GET / HT\"");
    check(&[0xfd, b'7', b'z', b'X', b'Z', 0], 1, "compressed with xz");
    check(b"BZh91AY", 1, "compressed with bzip2");
    check(&gzip(b"hello, hello"), 1, "it begins with \"hello, h\"");
    check(&gzip(b""), 4, "nothing is compressed in it");
    check(&gzip(&gzip(b"x")), 1, "compressed twice");
    check(&gzip(&micro().bytes)[..15], 4, "gzip data ends too early");
    let missing = drain(open(&[PathBuf::from("/nonexistent/x.pcap")])).1.unwrap();
    assert_eq!((missing.to_string().as_str(), missing.exit_code()), ("/nonexistent/x.pcap: no such file", 1));
    let directory = drain(open(&[PathBuf::from("/")])).1.unwrap();
    assert_eq!(directory.exit_code(), 1);
    assert!(drain(Files::open(&[], FileOptions::default())).1.unwrap().exit_code() == 2);
    let twice = [FileInput::Stdin, FileInput::Stdin];
    assert_eq!(drain(Files::open(&twice, FileOptions::default())).1.unwrap().exit_code(), 2);
}

#[test]
fn packets_of_a_pipe_come_before_the_writer_has_closed_it() {
    for compressed in [false, true] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut parts = vec![micro().bytes];
        for second in 1..=3 {
            let mut part = PcapWriter { bytes: Vec::new(), big_endian: false };
            part.packet(second, 0, 60, &[second as u8; 60]);
            parts.push(part.bytes);
        }
        if compressed {
            // Each part is a member of its own, as a writer that flushes would make it.
            parts = parts.iter().map(|part| gzip(part)).collect();
        }
        writer.write_all(&parts[0]).unwrap();
        let mut files = Files::from_streams([("pipe".to_owned(), reader)], FileOptions::default()).unwrap();
        for (second, part) in (1..).zip(&parts[1..]) {
            writer.write_all(part).unwrap();
            let Ok(Next::Frame(frame)) = files.next() else { panic!("no frame") };
            assert_eq!((frame.number, frame.time), (second, Timestamp::new(second as i64, 0)));
        }
        drop(writer);
        assert!(matches!(files.next(), Ok(Next::End)));
    }
}

#[test]
fn a_stop_ends_a_silent_pipe_without_an_error() {
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut start = micro();
    start.packet(1, 0, 60, &[0; 60]);
    writer.write_all(&start.bytes).unwrap();
    writer.write_all(&[0; 7]).unwrap();
    let options = FileOptions { filter: None, stop: Some(stop.clone()), ..FileOptions::default() };
    let mut files = Files::from_streams([("pipe".to_owned(), reader)], options).unwrap();
    assert!(matches!(files.next(), Ok(Next::Frame(_))));
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(files.next(), Ok(Next::End)));
}

fn timed(seconds: &[u32], mark: u8) -> (String, Cursor<Vec<u8>>) {
    let mut file = micro();
    for second in seconds {
        file.packet(*second, 0, 2, &[mark, *second as u8]);
    }
    (format!("file {mark}"), Cursor::new(file.bytes))
}

#[test]
fn several_files_are_merged_by_time_and_stable() {
    let streams = [timed(&[1, 3, 3, 9], 0), timed(&[], 1), timed(&[2, 3, 8], 2), timed(&[0, 3], 3)];
    let (seen, error) = drain(Files::from_streams(streams, FileOptions::default()));
    assert!(error.is_none());
    let order: Vec<_> = seen.iter().map(|f| (f.data[1], f.data[0])).collect();
    assert_eq!(order, [(0, 3), (1, 0), (2, 2), (3, 0), (3, 0), (3, 2), (3, 3), (8, 2), (9, 0)]);
    assert!(seen.iter().zip(1..).all(|(f, n)| f.number == n));
    assert!(seen.iter().all(|f| f.interface == u16::from(f.data[0])));
}

#[test]
fn a_damaged_file_does_not_keep_the_others_from_being_read() {
    let (name, mut cut) = timed(&[1, 2], 0);
    cut.get_mut().pop();
    let (seen, error) = drain(Files::from_streams([(name, cut), timed(&[1, 5], 1)], FileOptions::default()));
    let order: Vec<_> = seen.iter().map(|f| (f.data[1], f.data[0])).collect();
    assert_eq!(order, [(1, 0), (1, 1), (5, 1)]);
    assert!(matches!(error, Some(CaptureError::Damaged { packets: 1, .. })), "{error:?}");
}

#[test]
fn the_start_line_and_the_progress() {
    let mut files = open(&[fixture("fmt.ng2if.pcapng")]).unwrap();
    let text = files.description();
    assert!(text.starts_with("reading from file ") && text.contains(", link-type EN10MB (Ethernet), snap"), "{text}");
    while !matches!(files.next(), Ok(Next::End)) {}
    let size = fs::metadata(fixture("fmt.ng2if.pcapng")).unwrap().len();
    assert_eq!((files.progress().read, files.progress().total), (size, Some(size)));

    let packed = open(&[fixture("fmt.us-gz.pcap.gz")]).unwrap().progress();
    assert_eq!(packed.total, Some(fs::metadata(fixture("fmt.us-gz.pcap.gz")).unwrap().len()));
}

#[test]
fn snoop_files_are_read() {
    let frames: [(u32, u32, &[u8]); 3] = [(5, 17, &[1; 7]), (6, 999_999, &[2; 8]), (7, 0, &[])];
    let (seen, error) = read_bytes(&snoop(2, 4, &frames, 3));
    assert!(error.is_none(), "{error:?}");
    let got: Vec<_> = seen.iter().map(|f| (f.number, f.time, f.link, f.wire_len, f.data.clone())).collect();
    assert_eq!(
        got,
        [
            (1, 5_000_017_000, 1, 10, vec![1; 7]),
            (2, 6_999_999_000, 1, 11, vec![2; 8]),
            (3, 7_000_000_000, 1, 3, vec![])
        ]
    );
    // IEEE 802.3 is told from Ethernet by each frame; FDDI has a number of pcap's; what has none is still read.
    let link = |datalink| read_bytes(&snoop(2, datalink, &frames, 0)).0[0].link;
    assert_eq!([link(0), link(8), link(5)], [1, 10, 0xff05]);
    // Versions of other makers have other records.
    let (_, error) = read_bytes(&snoop(3, 4, &frames, 0));
    assert!(matches!(error, Some(CaptureError::UnknownFormat { .. })), "{error:?}");
    // Packed, and in a pipe of small pieces, as any other.
    assert_eq!(read_bytes(&gzip(&snoop(2, 4, &frames, 3))).0, seen);
}

#[test]
fn every_cut_and_every_impossible_length_of_snoop_is_reported() {
    let frames: [(u32, u32, &[u8]); 2] = [(5, 17, &[1; 7]), (6, 1, &[2; 6])];
    let whole = snoop(2, 4, &frames, 0);
    let (first, second) = (16 + 24 + 8, 24 + 6);
    for cut in 0..whole.len() {
        let (seen, error) = read_bytes(&whole[..cut]);
        let frames = usize::from(cut >= 16 + 24 + 7) + usize::from(cut >= first + second);
        assert_eq!(seen.len(), frames, "cut at {cut}");
        // Without its padding the last frame is whole, and so is a file of one record.
        let proper = cut == 16 || (47..=48).contains(&cut) || cut >= first + second;
        match error {
            None => assert!(proper, "cut at {cut}"),
            Some(error) => assert!(!proper && error.exit_code() == 4, "cut at {cut}: {error}"),
        }
    }
    for (at, octet) in [(16 + 7, 9), (16 + 11, 20), (16 + 8, 0x7f)] {
        let mut damaged = whole.clone();
        damaged[at] = octet;
        let (seen, error) = read_bytes(&damaged);
        assert!(seen.is_empty() && error.is_some_and(|error| error.exit_code() == 4), "{octet} at {at}");
    }
}

#[cfg(feature = "live")]
#[test]
fn modified_pcap_is_read_by_libpcap() {
    // Kuznetzov's: eight more octets in each record header.
    let mut file = PcapWriter::new(0xa1b2_cd34, false, 65535, 1);
    for second in [5u32, 6] {
        for word in [second, 17, 4, 60, 0, 0] {
            file.word(word);
        }
        file.bytes.extend([1, 2, 3, 4]);
    }
    let directory = std::env::temp_dir().join(format!("synscope-modified-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("modified.pcap");
    fs::write(&path, &file.bytes).unwrap();
    let whole = drain(open(std::slice::from_ref(&path)));
    fs::write(&path, &file.bytes[..file.bytes.len() - 1]).unwrap();
    let cut = drain(open(std::slice::from_ref(&path)));
    fs::remove_dir_all(&directory).unwrap();
    assert!(whole.1.is_none(), "{:?}", whole.1);
    let got: Vec<_> = whole.0.iter().map(|f| (f.number, f.time, f.wire_len, f.data.clone())).collect();
    assert_eq!(got[0], (1, 5_000_017_000, 60, vec![1, 2, 3, 4]));
    assert_eq!(got.len(), 2);
    assert_eq!((cut.0.len(), cut.1.unwrap().exit_code()), (1, 4));
}

#[test]
fn every_flipped_octet_of_small_files() {
    let mut pcap = micro();
    pcap.packet(1, 2, 60, &[7; 60]).packet(1, 3, 10, &[8; 10]);
    let mut pcapng = NgWriter::default();
    pcapng.section(false).interface(1, 0, Some(9), Some(3)).enhanced(0, 5, 6, &[7; 6], &[0; 4]).simple(5, &[1; 8]);
    let snoop = snoop(2, 4, &[(1, 2, &[7; 60]), (1, 3, &[8; 10])], 0);
    for bytes in [pcap.bytes.clone(), pcapng.bytes.clone(), gzip(&pcap.bytes), snoop] {
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut flipped = bytes.clone();
                flipped[at] ^= flip;
                let (seen, _) = read_bytes(&flipped);
                assert!(seen.len() <= bytes.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn random_octets_never_panic_or_hang(kind in 0..6usize, tail in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut section = NgWriter::default();
        section.section(false).interface(1, 0, None, None);
        let start: &[u8] = match kind {
            0 => &[],
            1 => &micro().bytes,
            2 => &PcapWriter::new(0xa1b2_3c4d, true, 0, 1).bytes,
            3 => &section.bytes,
            4 => b"snoop\0\0\0\0\0\0\x02\0\0\0\x04",
            _ => &[0x1f, 0x8b, 8, 0],
        };
        let bytes = [start, &tail].concat();
        let (seen, _) = read_bytes(&bytes);
        prop_assert!(seen.iter().map(|f| f.data.len()).sum::<usize>() <= bytes.len() || kind == 5);
        prop_assert!(seen.iter().all(|f| f.wire_len as usize >= f.data.len()));
    }

    #[test]
    fn what_is_written_is_read(packets in prop::collection::vec((any::<u32>(), 0..1_000_000u32, prop::collection::vec(any::<u8>(), 0..200)), 0..40), big_endian: bool) {
        let mut file = PcapWriter::new(0xa1b2_c3d4, big_endian, 65535, 1);
        for (seconds, micros, data) in &packets {
            file.packet(*seconds, *micros, data.len() as u32 + 7, data);
        }
        let (seen, error) = read_bytes(&file.bytes);
        prop_assert!(error.is_none());
        prop_assert_eq!(seen.len(), packets.len());
        for (frame, (seconds, micros, data)) in seen.iter().zip(&packets) {
            prop_assert_eq!(frame.time, i64::from(*seconds) * 1_000_000_000 + i64::from(*micros) * 1000);
            prop_assert_eq!(&frame.data, data);
        }
    }
}
