//! Live capture on the loopback interface, where the user may capture.
#![cfg(feature = "live")]

use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use synscope::capture::{CaptureError, Filter, Live, LiveOptions, Next, Source, list_interfaces};

/// Opens the loopback interface; `None`, and a word on why, where that is not allowed.
fn open(options: LiveOptions) -> Option<Live> {
    let loopback = list_interfaces().expect("a list").into_iter().find(|i| i.loopback)?.name;
    match Live::open(&LiveOptions { interfaces: vec![loopback], ..options }) {
        Ok(live) => Some(live),
        Err(error @ CaptureError::Permission { .. }) => {
            assert_eq!(error.exit_code(), 5);
            println!("skipped: needs root");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn frames_counts_idle_and_a_clean_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let filter = Filter::expression(&format!("udp port {port}")).unwrap();
    let options = LiveOptions { filter: Some(filter), ..LiveOptions::default() };
    let stop = options.stop.clone();
    let Some(mut live) = open(options) else { return };
    assert!(live.description().contains("link-type EN10MB (Ethernet), snapshot length 256 bytes"));

    // Nothing comes: time passes all the same.
    assert!(matches!(live.next(), Ok(Next::Idle(_))));

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..100 {
        socket.send_to(&[0x2a; 1000], ("127.0.0.1", port)).unwrap();
    }
    // The answers to a closed port are ICMP, which the filter refuses; sends may report them.
    let (mut frames, mut last) = (0u64, None);
    while frames < 100 {
        match live.next().unwrap() {
            Next::Frame(frame) => {
                frames += 1;
                assert_eq!((frame.number, frame.wire_len, frame.data.len()), (frames, 1042, 256));
                last = Some(frame.time);
            }
            Next::Idle(_) => {}
            Next::End => panic!("ended"),
        }
    }
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
    let last = last.unwrap();
    assert!((wall - last.0).abs() < 60_000_000_000, "{wall} {last:?}");

    // Idle time goes on from the last frame, never back.
    let mut idle = last;
    for _ in 0..5 {
        if let Next::Idle(time) = live.next().unwrap() {
            assert!(time >= idle);
            idle = time;
        }
    }
    assert!(idle > last, "time advances on an idle link");

    let before = Instant::now();
    stop.store(true, Ordering::Relaxed);
    while !matches!(live.next().unwrap(), Next::End) {}
    assert!(before.elapsed() < Duration::from_millis(400), "{:?}", before.elapsed());
    let counts = live.counts();
    assert_eq!((counts.frames, counts.kernel_drops), (100, 0));
    assert!(counts.received >= counts.frames);
}

#[test]
fn what_came_before_the_stop_is_yielded() {
    let filter = Filter::expression("udp port 5").unwrap();
    let options = LiveOptions { filter: Some(filter), snaplen: 0, ..LiveOptions::default() };
    let stop = options.stop.clone();
    let Some(mut live) = open(options) else { return };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..10 {
        // A refusal of the one before may be reported.
        while socket.send_to(&[1; 3000], ("127.0.0.1", 5)).is_err() {}
    }
    stop.store(true, Ordering::Relaxed);
    let mut frames = 0;
    loop {
        match live.next().unwrap() {
            Next::Frame(frame) => {
                frames += 1;
                assert_eq!(frame.data.len(), 3042);
            }
            Next::Idle(_) => {}
            Next::End => break,
        }
    }
    assert_eq!(frames, 10);
}

#[test]
fn errors_of_one_line() {
    let fails = |options: LiveOptions| Live::open(&options).err().expect("an error");
    let named = |name: &str| LiveOptions { interfaces: vec![name.to_owned()], ..LiveOptions::default() };
    assert_eq!(fails(LiveOptions::default()).exit_code(), 2);
    let error = fails(named("nosuch0"));
    if error.exit_code() == 5 {
        println!("skipped: needs root");
        return;
    }
    let text = error.to_string();
    assert_eq!(error.exit_code(), 1);
    assert!(text.starts_with("nosuch0: no such interface; available: ") && text.lines().count() == 1, "{text}");
    let link = LiveOptions { link_type: Some("NONSENSE".into()), ..named("any") };
    let error = fails(link);
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("any does not offer link type NONSENSE; it offers LINUX_SLL"), "{error}");
    let filter = LiveOptions { filter: Some(Filter::expression("tcp prot 80").unwrap()), ..named("any") };
    assert_eq!(fails(filter).exit_code(), 2);
}
