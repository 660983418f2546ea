//! What the study notes ask to be drawn or told, row by row of the checklist: each test bears the numbers of its rows.

use std::process::Command;

fn run(file: &str, arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_synscope"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata"))
        .args(["-q", "-r", file])
        .args(arguments)
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{file} {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("output is UTF-8")
}

/// The texts of a picture, in the order in which they are drawn.
fn texts(file: &str, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["-T", "svg"];
    all.extend(arguments);
    let svg = run(file, &all);
    let document = roxmltree::Document::parse(&svg).expect("an SVG");
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    texts.filter_map(|node| node.text()).map(str::to_owned).collect()
}

/// What the arrows are called, in order.
fn arrows(file: &str, arguments: &[&str]) -> Vec<String> {
    let is_arrow = |text: &String| {
        let number = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '+');
        number.len() < text.len()
            && (number.starts_with(". ") || number.starts_with(".+"))
            && number.contains(|c: char| c.is_ascii_uppercase())
    };
    texts(file, arguments).into_iter().filter(is_arrow).collect()
}

/// The states of one end in order: the client's labels end at its bar, the server's begin at its own.
fn states(file: &str, anchor: &str, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["-T", "svg"];
    all.extend(arguments);
    let svg = run(file, &all);
    let document = roxmltree::Document::parse(&svg).expect("an SVG");
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    let of_end =
        texts.filter(|node| node.attribute("text-anchor") == Some(anchor) && node.attribute("class") == Some(""));
    let known = |text: &&str| text.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
    of_end.filter_map(|node| node.text()).filter(known).map(str::to_owned).collect()
}

fn explain(file: &str, arguments: &[&str]) -> String {
    let text = run(file, arguments);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has(text: &str, wanted: &[&str]) {
    for words in wanted {
        assert!(text.contains(words), "no {words:?} in: {text}");
    }
}

#[test]
fn rows_3_11_the_header_is_drawn_with_the_values_of_a_segment() {
    let map = run("lessons/three-way.pcap", &["--explain=header"]);
    has(
        &map,
        &[
            "Frame 1, from 198.51.100.1:40001 to 192.0.2.80:80",
            "|       Source Port 40001       |      Destination Port 80      |",
            "|                  Sequence Number 3141592653                   |",
            "|Offset |Rsrv |N|C|E|U|A|P|R|S|F|            Window             |",
            "|   8   | 000 |0|0|0|0|0|0|0|1|0|             65535             |",
            "MSS 1460, NOP, NOP, SACK permitted",
            "Control bits = SYN",
        ],
    );
    let chosen = run("lessons/three-way.pcap", &["--explain=header:4,short", "--locale", "ko"]);
    has(&chosen, &["프레임 4", "|   5   | 000 |0|0|0|0|1|1|0|0|0|", "Data, 14 octets"]);
    has(&run("lessons/fast-open.pcap", &["--explain=header", "--flow", "2"]), &["Frame 9", "Fast Open cookie of 8"]);
    has(&run("lessons/three-way.pcap", &["--explain=header"]), &["The TCP header"]);
}

#[test]
fn rows_20_21_22_130_steps_are_written_as_x_and_y() {
    let words = explain("lessons/three-way.pcap", &["--explain"]);
    has(&words, &["1. SYN (client → server", ": Seq=x.", ": Seq=y, Ack=x+1.", ": Seq=x+1, Ack=y+1.", "RFC 9293 3.5"]);
    let all = texts("lessons/three-way.pcap", &[]);
    for line in
        ["Seq=3141592653 (0)", "Seq=2718281828 (0)  Ack=3141592654 (1)", "Seq=3141592654 (1)  Ack=2718281829 (1)"]
    {
        assert!(all.iter().any(|text| text == line), "{line} in {all:?}");
    }
}

#[test]
fn row_22_an_ack_that_completes_nothing_is_no_step() {
    assert_eq!(arrows("lessons/fast-open.pcap", &["--part", "open", "--flow", "2"]).len(), 3);
}

#[test]
fn rows_23_32_33_established_is_explained_with_both_times() {
    let words = explain("lessons/three-way.pcap", &["--explain"]);
    has(
        &words,
        &[
            "both ends have sent their number and know that it arrived",
            "client got there at 30.5 ms",
            "half a round trip",
        ],
    );
    let all = texts("lessons/three-way.pcap", &[]);
    assert!(all.iter().any(|text| text == "connection established"));
    assert!(all.iter().any(|text| text == "at the ends: client 30.5 ms, server 46.0 ms (estimated)"), "{all:?}");
}

#[test]
fn row_28_data_in_a_syn_is_told() {
    let words = explain("lessons/fast-open.pcap", &["--explain", "--flow", "2"]);
    has(&words, &["this one carries 14 octets"]);
    assert_eq!(arrows("lessons/fast-open.pcap", &["--flow", "2", "--part", "open"])[0], "1. SYN + 14 B");
}

#[test]
fn row_25_what_was_agreed_is_told() {
    let words = explain("lessons/three-way.pcap", &["--explain"]);
    has(&words, &["the smaller is 1460", "Options that both offered: window scaling, selective acknowledgment"]);
    has(
        &explain("lessons/three-way.pcap", &["--explain", "--locale", "ko"]),
        &["초기 시퀀스 번호: x = 3141592653", "합의한 것"],
    );
}

#[test]
fn row_30_data_may_come_with_the_third_step() {
    let file = "labelled/hs_final_ack_lost_data_follows.server.pcap";
    assert!(
        arrows(file, &["--part", "open"]).iter().any(|arrow| arrow.starts_with("3. ACK + ")),
        "{:?}",
        arrows(file, &[])
    );
}

#[test]
fn rows_55_62_the_patience_of_a_server_is_told() {
    let words = explain("lessons/missing-ack.pcap", &["--explain"]);
    has(&words, &["until it gives up", "after waits of 1.00 s, 2.00 s", "patient for 3.00 s"]);
    let korean = explain("lessons/missing-ack.pcap", &["--explain", "--locale", "ko"]);
    has(&korean, &["SYN-ACK를 3번", "적어도 3.00 s 동안"]);
    assert!(!explain("lessons/simultaneous-open.pcap", &["--explain"]).contains("patient"));
}

#[test]
fn row_76_reuse_of_the_same_ports_names_the_connection_before() {
    let words = explain("lessons/time-wait-reuse.pcap", &["--explain=time-wait", "--flow", "2"]);
    has(&words, &["the same ports were used by #1"]);
    has(&explain("lessons/time-wait-reuse.pcap", &["--explain", "--flow", "2"]), &["port-reuse-timewait"]);
}

#[test]
fn row_34_one_and_a_half_round_trips_are_put_right() {
    has(&explain("lessons/three-way.pcap", &["--explain"]), &["1.5 round trips", "(46.5 ms here)", "(31.0 ms)"]);
    has(
        &explain("lessons/three-way.pcap", &["--explain=round-trips"]),
        &["Each end waits one: the client from its SYN", "one round trip is 31.0 ms"],
    );
}

#[test]
fn row_37_simultaneous_and_split_openings_are_drawn_with_their_states() {
    let path = ["CLOSED", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED"];
    for anchor in ["start", "end"] {
        assert_eq!(states("lessons/simultaneous-open.pcap", anchor, &[])[..], path, "{anchor}");
    }
    // The ladder and the events tell the same as the picture (RFC 9293 figure 7).
    let ladder = run("lessons/simultaneous-open.pcap", &["-T", "ladder"]);
    let reported = ["SYN_SENT", "SYN_RECEIVED", "SYN_RECEIVED", "ESTABLISHED"].into_iter().zip([
        "CLOSED",
        "SYN_SENT",
        "SYN_RECEIVED",
        "ESTABLISHED",
    ]);
    let rungs: Vec<&str> = ladder.lines().filter(|line| line.contains(". SYN")).collect();
    let events = run("lessons/simultaneous-open.pcap", &["--json", "--events", "flow_end", "--steps", "handshake"]);
    let event: serde_json::Value = serde_json::from_str(&events).expect("an event");
    for (n, (client, server)) in reported.enumerate() {
        assert!(rungs[n].contains(client) && rungs[n].ends_with(server), "{ladder}");
        let step = &event["synscope"]["steps"][n];
        assert_eq!((step["client"].as_str(), step["server"].as_str()), (Some(client), Some(server)), "{step}");
    }
    has(
        &explain("lessons/simultaneous-open.pcap", &["--explain=SYN_RECEIVED"]),
        &["the client got there at 1.00 ms", "the server got there at 30.0 ms"],
    );
    let split = arrows("labelled/hs_split_handshake.pcap", &["--part", "open"]);
    assert_eq!(split, ["1. SYN", "2. SYN", "3. SYN+ACK", "4. ACK"]);
}

#[test]
fn rows_38_132_135_why_three_steps_with_a_missing_third_as_proof() {
    let words = explain("lessons/missing-ack.pcap", &["--explain=why-three-way"]);
    has(&words, &["three steps", "the third step is missing", "3 SYN-ACK(s)"]);
    has(&explain("lessons/three-way.pcap", &["--explain=why-three-way"]), &["x = 3141592653", "y+1 = 2718281829"]);
    has(&explain("lessons/missing-ack.pcap", &["--explain=two-way"]), &["two steps"]);
}

#[test]
fn row_39_an_old_duplicate_syn_is_explained() {
    has(&explain("labelled/hs_bad_synack_ack.pcap", &["--explain"]), &["old duplicate SYN", "figure 8"]);
}

#[test]
fn rows_40_to_49_every_state_has_its_place_its_moment_and_how_long_it_lasted() {
    let client = states("lessons/four-way.pcap", "end", &[]);
    assert_eq!(client, ["CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]);
    let server = states("lessons/four-way.pcap", "start", &[]);
    assert_eq!(server, ["LISTEN", "SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]);
    let svg = run("lessons/four-way.pcap", &["-T", "svg"]);
    has(&svg, &["<title>(30.0 ms) FIN_WAIT_1", "<title>(100 ms) FIN_WAIT_2", "<title>(130 ms) CLOSE_WAIT"]);
    has(
        &explain("lessons/four-way.pcap", &["--explain=CLOSE_WAIT"]),
        &["the server got there at 40.0 ms (frame 4) and stayed for 130 ms"],
    );
}

#[test]
fn row_41_the_server_is_in_listen_and_that_is_inferred() {
    let all = texts("lessons/three-way.pcap", &[]);
    let listen = all.iter().position(|text| text == "LISTEN").expect("LISTEN");
    assert_eq!(all.get(listen + 1).map(String::as_str), Some("inferred"));
}

#[test]
fn rows_41_63_a_server_that_refuses_was_closed_and_of_a_silent_one_nothing_is_known() {
    assert_eq!(states("lessons/refused.pcap", "start", &[]), ["CLOSED"]);
    has(&run("lessons/refused.pcap", &["-T", "ladder"]), &["(CLOSED)"]);
    assert!(states("lessons/unanswered.pcap", "start", &[]).is_empty());
    assert!(texts("lessons/unanswered.pcap", &[]).contains(&"state unknown".to_owned()));
}

#[test]
fn row_50_a_simultaneous_close_passes_closing_on_both_sides() {
    for anchor in ["start", "end"] {
        let states = states("lessons/simultaneous-close.pcap", anchor, &[]);
        assert_eq!(states[states.len() - 2..], ["CLOSING", "TIME_WAIT"], "{anchor}: {states:?}");
    }
}

#[test]
fn rows_51_to_54_transitions_name_their_frame() {
    let words = explain("lessons/three-way.pcap", &["--explain"]);
    has(
        &words,
        &[
            "frame 1): Seq=3141592653",
            "The client is now in SYN_SENT",
            "frame 3): Seq=3141592654",
            "the server in ESTABLISHED",
        ],
    );
}

#[test]
fn rows_56_57_the_two_meanings_of_half_open_are_kept_apart() {
    let words = explain("lessons/missing-ack.pcap", &["--explain=half-open"]);
    has(&words, &["should not be mixed", "embryonic: 3 SYN-ACK(s)", "figures 9 and 10"]);
    let korean = explain("lessons/missing-ack.pcap", &["--explain=half-open", "--locale", "ko"]);
    has(&korean, &["반개방", "미완성(embryonic)"]);
}

#[test]
fn rows_58_59_60_retries_are_timed_and_classified() {
    let words = explain("lessons/unanswered.pcap", &["--explain"]);
    has(&words, &["4 times, after waits of 1.00 s, 2.00 s, 4.00 s", "twice the one before", "systems differ", "Linux"]);
    let svg = texts("lessons/unanswered.pcap", &[]);
    assert_eq!(svg.iter().filter(|text| *text == "no answer").count(), 4);
    assert_eq!(arrows("lessons/unanswered.pcap", &[]), ["1. SYN", "1. SYN again", "1. SYN again", "1. SYN again"]);
}

#[test]
fn row_71_a_fin_that_is_repeated_has_the_times_that_are_known() {
    let all = texts("labelled/td_fin_unanswered.pcap", &[]);
    let drawn: Vec<&str> =
        all.iter().map(String::as_str).filter(|text| text.contains("FIN") && text.starts_with('1')).collect();
    assert_eq!(drawn, ["1. FIN", "1. FIN again"]);
    assert_eq!(all.iter().filter(|text| *text == "frame 10").count(), 1, "{all:?}");
    assert!(all.contains(&"3 more copies".to_owned()) && all.contains(&"2.17 s".to_owned()), "{all:?}");
}

#[test]
fn row_61_repeated_syn_acks_are_drawn_one_by_one() {
    let drawn = arrows("lessons/missing-ack.pcap", &[]);
    assert_eq!(drawn, ["1. SYN", "2. SYN+ACK", "2. SYN+ACK again", "2. SYN+ACK again"]);
}

#[test]
fn row_63_refusal_silence_and_icmp_are_told_apart() {
    has(&explain("lessons/refused.pcap", &["--explain"]), &["ECONNREFUSED"]);
    has(&explain("lessons/unanswered.pcap", &["--explain"]), &["ETIMEDOUT"]);
    has(&explain("labelled/hs_icmp_rejected.pcap", &["--explain"]), &["EHOSTUNREACH", "The ICMP error came from"]);
}

#[test]
fn rows_64_75_time_wait_is_the_active_closers_and_240_s_is_explained() {
    has(
        &explain("lessons/four-way.pcap", &["--explain=time-wait"]),
        &["240 s is 2 × the MSL", "Linux waits 60 s", "the client got there"],
    );
    has(&explain("lessons/time-wait-reuse.pcap", &["--explain=time-wait", "--flow", "1"]), &["the server got there"]);
    assert!(states("lessons/time-wait-reuse.pcap", "start", &["--flow", "1"]).contains(&"TIME_WAIT".to_owned()));
}

#[test]
fn row_65_connect_time_stands_beside_the_round_trip() {
    let all = texts("labelled/hs_syn_lost_once.client.pcap", &[]);
    assert!(all.iter().any(|text| text == "connect time 1.00 s · round trip 25.0 ms"), "{all:?}");
}

#[test]
fn rows_67_to_72_128_129_four_and_three_segments_are_drawn_as_they_were() {
    assert_eq!(arrows("lessons/four-way.pcap", &["--part", "open"]), ["1. SYN", "2. SYN+ACK", "3. ACK"]);
    assert_eq!(arrows("lessons/four-way.pcap", &["--part", "close"]), ["1. FIN", "2. ACK", "3. FIN", "4. ACK"]);
    assert_eq!(
        arrows("lessons/three-segment-close.pcap", &["--part", "close"])[..2],
        ["1. FIN + 100 B", "2.+3. FIN+ACK"]
    );
    let all = texts("lessons/three-segment-close.pcap", &["--part", "close"]);
    assert!(all.iter().any(|text| text.starts_with("three segments: one carried both ACK and FIN")), "{all:?}");
}

#[test]
fn rows_68_69_a_server_that_closes_first_is_drawn_so() {
    let server = states("lessons/three-segment-close.pcap", "start", &[]);
    assert_eq!(server[server.len() - 2..], ["FIN_WAIT_1", "TIME_WAIT"]);
    let client = states("lessons/three-segment-close.pcap", "end", &[]);
    assert_eq!(client[client.len() - 3..], ["CLOSE_WAIT", "LAST_ACK", "CLOSED"]);
    has(&explain("lessons/three-segment-close.pcap", &["--explain"]), &["The client does not always close first"]);
}

#[test]
fn rows_67_69_the_close_alone_begins_in_established() {
    let close = ["--part", "close"];
    let client = ["ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"];
    assert_eq!(states("lessons/four-way.pcap", "end", &close), client);
    assert_eq!(states("lessons/four-way.pcap", "start", &close), ["ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]);
}

#[test]
fn rows_73_74_133_data_after_fin_is_drawn_and_explained() {
    let words = explain("lessons/half-close.pcap", &["--explain=data-after-fin"]);
    has(&words, &["the server still sent 1.0 kB after it, as it may"]);
    let all = texts("lessons/half-close.pcap", &["--part", "close"]);
    assert!(all.iter().any(|text| text == "half-closed for 2.04 s"), "{all:?}");
}

#[test]
fn row_77_a_reset_close_says_who_and_when() {
    has(
        &explain("lessons/connect-scan.pcap", &["--explain", "--flow", "2"]),
        &["The RST came from the client in frame 22"],
    );
    assert!(texts("lessons/connect-scan.pcap", &["--flow", "2"]).iter().any(|text| text == "RST"));
}

#[test]
fn rows_106_107_fast_open_is_told_from_the_numbers() {
    let words = explain("lessons/fast-open.pcap", &["--explain=fast-open", "--flow", "2"]);
    has(
        &words,
        &["RFC 7413", "Not every path lets it through", "14 octets in the SYN, 14 acknowledged by the SYN-ACK: taken"],
    );
    has(
        &explain("lessons/fast-open.pcap", &["--explain=zero-rtt", "--flow", "1"]),
        &["Fast Open: a cookie was asked for and granted"],
    );
}

#[test]
fn rows_114_115_127_the_steps_that_a_flag_filter_hides_are_there() {
    has(&explain("lessons/three-way.pcap", &["--explain"]), &["hides the third step and the last ACK"]);
    let drawn = arrows("lessons/three-way.pcap", &[]);
    assert_eq!(drawn, ["1. SYN", "2. SYN+ACK", "3. ACK", "1. FIN", "2. ACK", "3. FIN", "4. ACK"]);
}

#[test]
fn row_130_the_ladder_has_states_and_the_established_mark() {
    has(
        &run("lessons/three-way.pcap", &["-T", "ladder"]),
        &["1. SYN", "2. SYN+ACK", "3. ACK", "SYN_SENT", "established"],
    );
}

#[test]
fn row_131_pictures_come_light_dark_and_in_korean() {
    let picture = |arguments: &[&str]| {
        let mut all = vec!["-T", "svg"];
        all.extend(arguments);
        run("lessons/four-way.pcap", &all)
    };
    let (light, dark, auto) = (picture(&["--theme", "light"]), picture(&["--theme", "dark"]), picture(&[]));
    assert!(light.contains("--paper:#fff") && !light.contains("#0d1117"));
    assert!(dark.find("--paper:#0d1117") < dark.find("@media print") && dark.contains("@media print"));
    assert!(auto.contains("prefers-color-scheme:dark"));
    let korean = texts("lessons/four-way.pcap", &["--locale", "ko"]);
    for word in ["클라이언트", "서버", "연결 설정 완료"] {
        assert!(korean.iter().any(|text| text == word), "{word} in {korean:?}");
    }
    has(&run("lessons/four-way.pcap", &["-T", "html"]), &["<svg", "<table", "Step by step"]);
    assert_ne!(picture(&["--scale", "time"]), picture(&["--scale", "even"]));
}

#[test]
fn row_134_why_random_with_the_flows_numbers() {
    has(
        &explain("lessons/predictable-isn.pcap", &["--explain=why-random-isn"]),
        &["RFC 6528", "the server at 1064000"],
    );
}

#[test]
fn row_132_why_four_with_the_flows_own_fins() {
    has(
        &explain("lessons/four-way.pcap", &["--explain=why-four-way"]),
        &["four segments; FIN in frames 4, 6", "100 ms after"],
    );
    has(&explain("lessons/three-segment-close.pcap", &["--explain=why-four-way"]), &["three segments"]);
}

#[test]
fn row_136_what_the_handshake_guarantees() {
    has(&explain("lessons/three-way.pcap", &["--explain=reliability"]), &["in order, without loss or duplicates"]);
}

#[test]
fn row_137_numbers_grow_by_octets() {
    has(
        &explain("lessons/three-way.pcap", &["--explain=seq-ack"]),
        &["by 16: 1 for SYN, 1 for FIN, the rest for its data (14 octets"],
    );
    has(
        &explain("lessons/three-way.pcap", &["--explain"]),
        &["do not grow by 1 with each segment but by the octets sent (here 14"],
    );
}

#[test]
fn row_10_the_flags_are_no_longer_six() {
    has(&explain("labelled/hs_ecn.pcap", &["--explain=control-flags"]), &["nine with AE", "has SEC"]);
}

#[test]
fn every_topic_is_explained_in_both_languages_and_lengths() {
    let synscope = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_synscope")).args(arguments).output().expect("the program runs");
        assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).expect("output is UTF-8")
    };
    let topics = synscope(&["--explain=topics"]);
    assert!(topics.lines().count() > 40);
    for topic in topics.lines() {
        for locale in ["en", "ko"] {
            let [short, full] =
                ["short", "full"].map(|level| synscope(&[&format!("--explain={topic},{level}"), "--locale", locale]));
            assert!(short.lines().count() >= 2 && full.len() >= short.len(), "{topic} {locale}: {short}");
            let hangul = full.chars().any(|c| ('가'..='힣').contains(&c));
            assert_eq!(hangul, locale == "ko", "{topic}: {full}");
        }
    }
}

#[test]
fn an_unknown_topic_is_pointed_at() {
    let run =
        Command::new(env!("CARGO_BIN_EXE_synscope")).arg("--explain=why-three-wax").output().expect("the program runs");
    assert_eq!(run.status.code(), Some(2));
    has(&String::from_utf8_lossy(&run.stderr), &["why-three-wax", "why-three-way"]);
}
