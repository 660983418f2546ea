//! What an ordinary open connection holds in memory, all tables counted: what the resident set grows by with many of
//! them.
//!
//! In a process of its own, because it looks at the memory of the whole process.

mod common;

use common::script::blank;
use synscope::engine::{Engine, Event, Settings};
use synscope::tcp::options::{Layout, Timestamps};
use synscope::tcp::{Endpoint, Flags, Options, Segment, SeqNumber};
use synscope::time::Timestamp;

/// Connections before the first look, for what is there once.
const BEFORE: u32 = 1_000;
/// Connections between both looks: so many that pages, and the room that tables keep, hardly count.
const MEASURED: u32 = 12_000;
/// Octets of each at most: its record, its steps, what its ordinary segments touch, its place in the index, and its
/// share in what is known of hosts. `docs/performance.md` says what is where.
const LIMIT: u64 = 2_600;

/// Octets of the resident set; none where the system does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Handshake, a question, and its answer, all with the options of today's systems.
fn open(engine: &mut Engine, n: u32) {
    let client = Endpoint { ip: (0x0a00_0000 + n / 4).to_be_bytes().into(), port: 40_000 + (n % 4) as u16 };
    let server = Endpoint { ip: (0xc633_6400 + n % 200).to_be_bytes().into(), port: 443 };
    let time = |step: i64| Timestamp(1_700_000_000_000_000_000 + i64::from(n) * 1_000_000 + step * 100_000);
    let stamps =
        |step: u32| Some(Timestamps { value: 1_000 + n + step, echo: if step == 0 { 0 } else { 999 + n + step } });
    let offer = |step: u32| Options {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: stamps(step),
        layout: Layout(0x3_1842),
        len: 20,
        ..Options::default()
    };
    let (isn, answer) = (n.wrapping_mul(0x9e37_79b1), n.wrapping_mul(0x85eb_ca77));
    let segments = [
        (Flags::SYN, true, isn, 0, 0),
        (Flags::SYN | Flags::ACK, false, answer, isn.wrapping_add(1), 0),
        (Flags::ACK, true, isn.wrapping_add(1), answer.wrapping_add(1), 0),
        (Flags::ACK | Flags::PSH, true, isn.wrapping_add(1), answer.wrapping_add(1), 500),
        (Flags::ACK, false, answer.wrapping_add(1), isn.wrapping_add(501), 0),
        (Flags::ACK, false, answer.wrapping_add(1), isn.wrapping_add(501), 1_448),
        (Flags::ACK, true, isn.wrapping_add(501), answer.wrapping_add(1_449), 0),
    ];
    for (step, (flags, from_client, seq, ack, payload)) in (0..).zip(segments) {
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        let of_offer = Options { timestamps: stamps(step), len: 12, ..Options::default() };
        let segment = Segment {
            time: time(i64::from(step)),
            flags,
            source,
            destination,
            seq: SeqNumber(seq),
            ack_field: SeqNumber(ack),
            payload,
            window: 64_000,
            options: if flags.has(Flags::SYN) { offer(step) } else { of_offer },
            ..blank(u64::from(n) * 7 + u64::from(step) + 1)
        };
        engine.segment(&segment, &mut |_: &Event<'_>| ());
    }
}

#[test]
fn an_ordinary_connection_holds_no_more_than_it_did() {
    let mut engine = Engine::new(&Settings::default()).expect("settings");
    (0..BEFORE).for_each(|n| open(&mut engine, n));
    let Some(before) = resident() else { return println!("skipped: the system does not tell the resident set") };
    (BEFORE..BEFORE + MEASURED).for_each(|n| open(&mut engine, n));
    let after = resident().expect("as before");
    assert_eq!(engine.live_flows(), (BEFORE + MEASURED) as usize);
    assert_eq!(engine.totals().evicted, 0);
    let octets = (after - before) / u64::from(MEASURED);
    println!("{octets} octets a connection");
    assert!((200..=LIMIT).contains(&octets), "{octets} octets a connection, at most {LIMIT}");
}
