//! Histories and states as Zeek writes them.

use super::side::is_later;
use super::*;
use crate::flow::script::{self, Sent};

fn words(script: &str) -> ZeekWords {
    let mut sent = script::read(script).into_iter();
    let Sent { segment, .. } = sent.next().expect("a script has a segment");
    let mut words = ZeekWords::new(&segment);
    for Sent { segment, from_first_sender } in sent {
        words.observe(&segment, from_first_sender);
    }
    words
}

/// Cases are (script, history, conn_state); see [`script::read`].
fn check(cases: &[(&str, &str, &str)]) {
    for (script, history, state) in cases {
        let words = words(script);
        let found = (words.history(), words.state().name());
        assert_eq!(found, (String::from(*history), *state), "{script}");
    }
}

#[test]
fn every_row_of_conn_state() {
    check(&[
        // 1
        ("> S, < RA", "Sr", "REJ"),
        ("> SA a1, < R", "Hr", "REJ"),
        ("> S, < SA, > R, < R", "ShRr", "REJ"),
        // 2
        ("443>50000: > R", "^r", "RSTRH"),
        ("> PA 5, < R", "Dr", "RSTRH"),
        // 3
        ("> S, < SA, > A, < R", "ShAr", "RSTR"),
        ("> S, < SA, > A, > PA 9, > R, < R", "ShADRr", "RSTR"),
        ("> S, < SA, > A, > FA, < R", "ShAFr", "RSTR"),
        // 4
        ("> S, > R", "SR", "RSTOS0"),
        ("> S, < A a1, > R", "SaR", "RSTOS0"),
        ("> S, > PA 9, > R", "SDR", "RSTOS0"),
        // 5
        ("> R", "R", "OTH"),
        ("> S, < A a1, > FA, > R", "SaFR", "OTH"),
        // 6
        ("> S, < SA, > R", "ShR", "RSTO"),
        ("> S, < SA, > A, < FA, > R", "ShAfR", "RSTO"),
        // 7
        ("> S, < SA, > A, > FA, < FA, > A", "ShAFf", "SF"),
        // 8
        ("> S, > FA", "SF", "SH"),
        ("> PA 4, > FA", "DF", "SH"),
        ("> S, < SA, > A, > FA, < A", "ShAFa", "S2"),
        // 9
        ("443>50000: > FA", "^f", "SHR"),
        ("> PA 4, < FA", "Df", "SHR"),
        ("> S, < SA, > A, < FA, > A", "ShAf", "S3"),
        ("> S, < FA", "Sf", "S3"),
        // 10
        ("> S", "S", "S0"),
        ("> S, > S @0, > S @0", "S", "S0"),
        ("> S, < A a1", "Sa", "S0"),
        // 11
        ("> S, < SA", "Sh", "S1"),
        ("> S, < SA, > A, > PA 9, < A", "ShADa", "S1"),
        // 12
        ("> A", "A", "OTH"),
        ("> SA a1", "H", "OTH"),
        ("> S, < PA 3", "Sd", "OTH"),
        ("> -", "", "OTH"),
    ]);
}

#[test]
fn what_follows_from_the_rules() {
    check(&[
        // Mid-stream, but closed by both.
        ("> FA, < A, < FA, > A", "FafA", "SF"),
        // A RST after both FINs changes nothing.
        ("> S, < SA, > A, > FA, < FA, < R", "ShAFfr", "SF"),
        ("> S, < SA, > A, > FA, < FA, > R", "ShAFfR", "SF"),
        // A RST by a side that sent FIN is undone by the other side's FIN.
        ("> S, < SA, > A, > FA, > R, < FA", "ShAFRf", "SF"),
        ("> S, < SA, > A, > R, < FA", "ShARf", "RSTO"),
        // Data before the SYN-ACK: partial for good.
        ("> S, < PA 3, < SA, > A", "SdhA", "OTH"),
        ("> S, < PA 3, < SA, > A, > FA, < FA", "SdhAFf", "SF"),
        // Simultaneous open, kept as one flow.
        ("> S, < S, > SA @0, < SA @0", "Ss", "S1"),
        // The SYN-ACK need not acknowledge the SYN.
        ("> S, < SA a77", "ShG", "S1"),
        ("> S, < SA a0", "Sh", "S1"),
        // FIN and RST in one segment is a RST.
        ("> S, < SA, > A, > FRA", "ShAI", "RSTO"),
        ("> S, < FRA", "Si", "REJ"),
        ("> FRA", "I", "OTH"),
        // Sizes by sequence numbers: one octet of data makes it RSTR.
        ("> S, < SA, < PA 1, > R, < R", "ShdRr", "RSTR"),
        ("> S, < SA, > FA, < R", "ShFr", "RSTR"),
        // Nothing moves a side that was reset.
        ("> S, < SA, > R, > FA, > S @0", "ShRF", "RSTO"),
        ("> A, > S", "AS", "S0"),
        ("> A, > S, < SA", "ASh", "S1"),
    ]);
}

#[test]
fn who_is_the_originator() {
    check(&[
        ("443>50000: > SA a1, < A", "^hA", "S1"),
        ("443>50000: > A, < A", "^aA", "OTH"),
        ("443>50000: > S", "S", "S0"),
        // Both are likely servers: the lower port is, unless it is a SYN-ACK.
        ("80>443: > A", "^a", "OTH"),
        ("443>80: > A", "A", "OTH"),
        ("80>443: > SA a1", "H", "OTH"),
        ("50000>443: > A", "A", "OTH"),
        // Began with a SYN-ACK: the next acknowledgment or data flips.
        ("> SA a1, < A", "^hA", "OTH"),
        ("> SA a1, > PA 5", "^hd", "OTH"),
        ("> SA a1, > SA @0, < A", "^hA", "OTH"),
        ("> SA a1, < A, < FA, > FA", "^hAFf", "SF"),
        // SYN captured after the SYN-ACK.
        ("> SA a1, < S @0, < A", "Hs^A", "S1"),
        ("> SA a1, < S @9", "Hs", "OTH"),
        ("443>50000: > SA a1, < S @0, < A", "^hSA", "OTH"),
        ("443>50000: > SA a1, < S @0, < A, < FA, > FA", "^hSAFf", "SF"),
    ]);
    for (script, first) in [
        ("> S, < SA", true),
        ("443>50000: > A", false),
        ("> SA a1", true),
        ("> SA a1, < A", false),
        ("> SA a1, < S @0", false),
    ] {
        assert_eq!(words(script).originator_is_first_sender(), first, "{script}");
    }
}

#[test]
fn segments_that_do_not_count() {
    check(&[
        ("> S bogus", "", "OTH"),
        ("> S cut, < SA cut", "", "OTH"),
        ("443>50000: > A bogus", "^", "OTH"),
        ("> S, < SA bogus", "S", "S0"),
        ("> S bad", "C", "OTH"),
        ("443>50000: > A bad", "^c", "OTH"),
        ("> S, < SA bad, < R bad", "Sc", "S0"),
        ("> S offload, < SA unverifiable, > A", "ShA", "S1"),
    ]);
}

#[test]
fn letters_that_come_once_and_those_that_come_again() {
    check(&[
        ("> S, < SA, > A, > PA 5, > A, < A, < PA 7, < A, > PA 5", "ShADad", "S1"),
        ("> S, < SA, > A, > SF, > SR, > SF @0", "ShAQ", "RSTO"),
        // The same SYN-ACK again, a SYN and a SYN-ACK with one number, another number before the end.
        ("> S, < SA, < SA @0, > A", "ShA", "S1"),
        ("> S, < S, < SA @0", "Ss", "S1"),
        ("> S, < SA, < SA @9", "Sh", "S1"),
        // After the end the number counts.
        ("> S, < SA, > R, > S @5, > S @5, > S @6", "ShRSS", "RSTO"),
        ("> S, < SA, > A, > FA, > FA @1, > A", "ShAF", "S2"),
        ("> S, < SA, > A, > FA, > FA @2", "ShAFF", "S2"),
        // The end of the data is what counts for a FIN.
        ("> S, < SA, > A, > PA 4, > FA, > FPA 4 @1", "ShADFT", "S2"),
        ("> S, < R @1, < R @1, < R @2, < R @1", "Srrr", "REJ"),
    ]);
}

#[test]
fn retransmissions() {
    check(&[
        ("> S, < SA, > A, > PA 5, > PA 5 @1", "ShADT", "S1"),
        // A keepalive with a garbage octet, and one without.
        ("> S, < SA, > A, > PA 5, < A, > A 1 @5", "ShADaT", "S1"),
        ("> S, < SA, > A, > PA 5, < A, > A @5", "ShADa", "S1"),
        // Partly new is new.
        ("> S, < SA, > A, > PA 5, > PA 9 @1", "ShAD", "S1"),
        // The first segment of a mid-stream side is never one.
        ("> PA 5, < PA 5, > PA 5 @1", "DdT", "OTH"),
        ("> S, < SA, > A, > FA, > FA @1", "ShAF", "S2"),
        // The data of a SYN counts as a repetition of itself: its numbering starts behind it.
        ("> S 7", "ST", "S0"),
        // A SYN-ACK starts numbering over again.
        ("> S, < SA, < PA 5, < SA @0, < PA 5 @1", "Shd", "S1"),
    ]);
}

#[test]
fn zero_windows() {
    check(&[
        ("> S, < SA, > A, < PA 5, > A w0", "ShAdW", "S1"),
        ("> S, < SA w0", "Shw", "S1"),
        ("> S, < SA, > A, > R w0", "ShAR", "RSTO"),
        ("> S, < SA, > A, > FA, < A w0", "ShAFa", "S2"),
        ("> S, < SA, > A, > FA w0", "ShAFW", "S2"),
        ("> S, < SA, > R, > A w0", "ShRA", "RSTO"),
        ("> S, < SA, > A, < PA 5, < PA 5 @1 w0", "ShAdwt", "S1"),
    ]);
}

#[test]
fn counts_are_logarithmic() {
    for (count, history) in [(1, "ShADT"), (9, "ShADT"), (10, "ShADTT"), (99, "ShADTT"), (100, "ShADTTT")] {
        let script = format!("> S, < SA, > A, > PA 5{}", ", > PA 5 @1".repeat(count));
        check(&[(&script, history, "S1")]);
    }
    for (count, history) in [(9, "SC"), (10, "SCC")] {
        check(&[(&format!("> S{}", ", > A bad".repeat(count)), history, "S0")]);
    }
}

#[test]
fn gaps() {
    check(&[
        // Acknowledged, never seen.
        ("> S, < SA, > A, < A a6", "ShAaG", "S1"),
        ("> S, < SA, > A, > PA 5, < A a20", "ShADaG", "S1"),
        // Not acknowledged: may still come.
        ("> S, < SA, > A, > PA 5 @11", "ShAD", "S1"),
        ("> S, < SA, > A, > PA 5 @11, > PA 10 @1, < A a16", "ShADTa", "S1"),
        ("> S, < SA, > A, > PA 5 @11, < A a16", "ShADaG", "S1"),
        // A hole below the acknowledgment, and one that it does not reach.
        ("> S, < SA, > A, > PA 5 @11, > PA 5 @21, < A a16, < A a26", "ShADaG", "S1"),
        // The tenth hole shows.
        (
            "> S, < SA, > A, < A a6, < A a16, < A a26, < A a36, < A a46, < A a56, < A a66, < A a76, < A a86",
            "ShAaG",
            "S1",
        ),
        (
            "> S, < SA, > A, < A a6, < A a16, < A a26, < A a36, < A a46, < A a56, < A a66, < A a76, < A a86, < A \
             a96",
            "ShAaGG",
            "S1",
        ),
        // Given up once, not reported twice.
        ("> S, < SA, > A, < A a6, < A a6, > PA 5 @1, < A a6", "ShAaGD", "S1"),
        // The acknowledgment of SYN, FIN, and data in the SYN.
        ("> S, < SA, > A, > FA, < A a2, < FA a2, > A a2", "ShAFaf", "SF"),
        ("> S 7, < SA a8, > A", "SThA", "S1"),
        ("> S, < SA a8, > A", "ShGA", "S1"),
        ("> S, < SA, > A, > FPA 5, < A a7, < FA, > A", "ShAFaf", "SF"),
        ("> S, < SA, > A, > FA @6, < A a7", "ShAFaG", "S2"),
        // Not where a RST or missing handshake makes it unreliable.
        ("> S, < SA, > A, < RA a50", "ShAr", "RSTR"),
        ("> PA 5, < A a50", "Da", "OTH"),
        ("443>50000: > SA a1, < A, > PA 5 @11, < A a16", "^hAdg", "S1"),
    ]);
}

#[test]
fn much_data_above_a_hole_without_acknowledgments_stops_the_search() {
    check(&[
        ("> S, < SA, > A, > PA 9000 @11, > PA 9000, < A a18011", "ShADa", "S1"),
        ("> S, < SA, > A, > PA 9000 @11, < A a9011", "ShADaG", "S1"),
    ]);
}

#[test]
fn too_many_islands_invent_no_gap() {
    let islands: String = (1..=40).map(|n| format!(", > PA 5 @{}", n * 10)).collect();
    let words = words(&format!("> S, < SA, > A{islands}"));
    let rare = words.rare.as_ref().expect("islands are kept");
    assert_eq!(rare.islands[ORIGINATOR].len(), MAX_ISLANDS);
    check(&[
        (&format!("> S, < SA, > A{islands}, < A a76"), "ShADa", "S1"),
        (&format!("> S, < SA, > A{islands}, < A a406"), "ShADaGG", "S1"),
    ]);
}

#[test]
fn islands_join() {
    for order in [[11, 21, 16], [16, 11, 21], [21, 16, 11], [11, 16, 21]] {
        let islands: String = order.iter().map(|at| format!(", > PA 5 @{at}")).collect();
        let words = words(&format!("> S, < SA, > A{islands}"));
        let rare = words.rare.as_ref().expect("islands are kept");
        let kept: Vec<_> = rare.islands[ORIGINATOR].iter().map(|i| (i.start, i.end)).collect();
        assert_eq!(kept, [(11, 26)], "{order:?}");
    }
}

#[test]
fn sequence_numbers_may_wrap() {
    for offset in [0, 1, 5, 6, 11, 1 << 31, u32::MAX - 1] {
        let mut words: Option<ZeekWords> = None;
        let text = "> S, < SA, > A, > PA 5, > PA 5 @1, > PA 5 @11, < A a16, > FA, < FA, > A";
        for Sent { mut segment, from_first_sender } in script::read(text) {
            segment.seq = segment.seq.minus(offset).minus(script::ISNS[0]);
            segment.ack_field = segment.ack_field.minus(offset).minus(script::ISNS[0]);
            match &mut words {
                Some(words) => words.observe(&segment, from_first_sender),
                None => words = Some(ZeekWords::new(&segment)),
            }
        }
        let words = words.expect("a script has a segment");
        assert_eq!((words.history().as_str(), words.state()), ("ShADTaGFf", ConnState::Sf), "offset {offset}");
    }
}

#[test]
fn the_history_is_bounded() {
    let resets: String = (1..=2000).map(|n| format!(", < R @{n}")).collect();
    let words = words(&format!("> S{resets}"));
    assert_eq!(words.history().len(), MAX_LETTERS);
    assert_eq!(words.lost_letters(), 2001 - MAX_LETTERS as u32);
}

#[test]
fn the_record_is_small() {
    assert!(size_of::<ZeekWords>() <= 80, "{}", size_of::<ZeekWords>());
}

#[test]
fn ports_are_sorted() {
    assert!(LIKELY_SERVER_PORTS.is_sorted());
}

/// Sender, flags, region of the sequence space, sequence and acknowledgment number in it, payload, oddity.
fn any_segment() -> impl proptest::strategy::Strategy<Value = (usize, u16, u32, i32, i32, u32, u8)> {
    (0..2usize, 0..64u16, 0..3u32, -40..40i32, -40..40i32, 0..30u32, 0..9u8)
}

proptest::proptest! {
    /// Any segments at all: no panic, a bounded history of known letters, islands in order.
    #[test]
    fn any_segments_will_do(
        sent in proptest::collection::vec(any_segment(), 1..60)
    ) {
        let template = script::read("> S, < S");
        let mut words: Option<ZeekWords> = None;
        for (from, flags, region, seq, ack, payload, oddity) in sent {
            let mut segment = template[from].segment;
            let near = [0, u32::MAX / 2, 77_777][region as usize];
            segment.flags = Flags(flags);
            segment.seq = SeqNumber(near.wrapping_add_signed(seq));
            segment.ack_field = SeqNumber(near.wrapping_add_signed(ack));
            segment.payload = if payload == 29 { u32::MAX - 60 } else { payload };
            segment.window = u16::from(oddity);
            segment.checksum = if oddity == 1 { Checksum::Bad } else { Checksum::Good };
            segment.headers = if oddity == 2 { Headers::BadOffset } else { Headers::Whole };
            match &mut words {
                Some(words) => words.observe(&segment, from == 0),
                None => words = Some(ZeekWords::new(&segment)),
            }
            let Some(words) = &words else { continue };
            proptest::prop_assert!(words.history().chars().all(|c| "^SHADFRCGTWIQ".contains(c.to_ascii_uppercase())));
            let Some(rare) = &words.rare else { continue };
            for (side, islands) in words.sides.iter().zip(&rare.islands) {
                proptest::prop_assert!(islands.len() <= MAX_ISLANDS);
                let mut below = side.edge;
                for island in islands {
                    proptest::prop_assert!(is_later(island.start, below) && is_later(island.end, island.start));
                    below = island.end;
                }
            }
        }
    }
}
