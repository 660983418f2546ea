//! Single connections.

use crate::*;

#[test]
fn a_four_tuple_in_time_wait_is_refused_again_and_again() {
    let capture = "port_reuse_refused_again_and_again";
    for flow in 2..=6 {
        let tries = ["opening unanswered", "anomaly port-reuse-refused warn", "steps SYN ACK RST", "holes 0"];
        check(capture, flow, &tries);
        check(capture, flow, &["no syn-unanswered syn-isn-change"]);
    }
    check(capture, 2, &["no capture-hole"]);
    let words = "answered, but no answer fits the SYN: the client must ignore it";
    says(capture, &[(&["--json"], words), (&["-T", "text"], "unanswered (no answer fits)")]);
    check(capture, 7, &["opening established", "anomaly port-reuse-timewait note", "no port-reuse-refused"]);
}

#[test]
fn time_wait_lasts_as_long_as_asked_in_every_rule_and_output() {
    let capture = "reuse_after_100_s";
    check(capture, 2, &["anomaly port-reuse-timewait note"]);
    for wait in ["60s", "99s"] {
        let text = output(capture, &["-T", "text", "--time-wait", wait]);
        assert!(!text.contains("port-reuse") && !text.contains("isn-regression"), "{wait}: {text}");
    }
    let longer = output("closed_and_600_s_of_other_traffic", &["--json", "--detail", "full", "--time-wait", "10min"]);
    assert!(longer.contains("\"time_wait_ends\":\"1970-01-01T00:26:40.132000000Z\""), "{longer}");
    says(
        "closed_and_600_s_of_other_traffic",
        &[
            (&["--json", "--detail", "full"], "\"time_wait_ends\":\"1970-01-01T00:20:40.132000000Z\""),
            (&["--json", "--time-wait", "2s"], "\"client\":{\"isn\":1000,\"state\":\"CLOSED\""),
            (&["-T", "text", "--time-wait", "2s"], "(four-segment, by client), CLOSED/CLOSED"),
            (&["--explain=time-wait"], "stays until 4 min 0 s after the last segment; then it is in CLOSED"),
            (&["--explain=time-wait", "--locale", "ko"], "그 뒤에는 CLOSED입니다"),
        ],
    );
}

#[test]
fn a_fin_with_an_old_acknowledgment_crosses_nothing() {
    check("fin_with_an_old_acknowledgment", 1, &["closing fin", "closed_by server", "shape four-segment"]);
}

#[test]
fn a_minute_of_half_close_is_not_stuck_where_it_ends() {
    check("half_closed_for_a_minute", 1, &["closing fin", "anomaly half-close-stuck note"]);
    assert!(!output("half_closed_for_a_minute", &["--explain"]).contains("never"));
}

#[test]
fn a_full_accept_queue_resets_before_any_data() {
    check("abort_on_overflow", 1, &["closing reset-by-server", "anomaly reset-no-data note", "no reset-close"]);
}

#[test]
fn a_server_resets_its_own_attempt() {
    let capture = "server_resets_repeated_syn";
    check(capture, 1, &["opening missing-ack", "anomaly synack-withdrawn note", "no missing-ack"]);
    let words = "the server reset its own attempt after its SYN-ACK";
    says(
        capture,
        &[
            (&["--json"], words),
            (&["-T", "text"], "missing-ack (withdrawn by the server)"),
            (&["-T", "ladder"], "the server reset its own attempt"),
            (&["-T", "svg"], words),
            (&["--explain"], words),
            (&["--explain", "--locale", "ko"], "서버가 SYN-ACK를 보낸 뒤 스스로 RST로 시도를 거둠"),
        ],
    );
}

#[test]
fn fast_open_in_its_odd_forms() {
    check("fast_open_cookie_without_data", 1, &["opening fast-open", "no data-before-established"]);
    check(
        "fast_open_crossing",
        2,
        &["opening simultaneous-open", "no synack-wrong-ack tfo-ignored", "anomaly tfo-accepted info"],
    );
    let closes = [
        "opening fast-open",
        "closing fin",
        "closed_by server",
        "client CLOSED",
        "server TIME_WAIT",
        "no flags-invalid",
    ];
    check("fast_open_synacks", 3, &closes);
    let opens =
        ["opening fast-open", "closing open", "client ESTABLISHED", "server ESTABLISHED", "no reset-after-synack"];
    check("fast_open_synacks", 6, &opens);
}

#[test]
fn a_socket_connected_to_itself() {
    let capture = "connected_to_itself";
    check(
        capture,
        1,
        &[
            "opening simultaneous-open",
            "closing simultaneous-fin",
            "client TIME_WAIT",
            "server TIME_WAIT",
            "steps SYN SYN-ACK DATA FIN ACK",
            "no one-way-flow flags-invalid capture-hole",
        ],
    );
    says(
        capture,
        &[
            (&["-T", "text"], "a socket connected to itself"),
            (&["-T", "ladder"], "a socket connected to itself"),
            (&["--explain"], "A client connected to an address of its own host"),
        ],
    );
}

#[test]
fn one_direction_says_nothing_of_the_other() {
    let capture = "client_side_only";
    check(
        capture,
        1,
        &["opening established", "closing half-closed", "closed_by -", "steps SYN ACK DATA FIN", "server -"],
    );
    let ladder = output(capture, &["-T", "ladder"]);
    let place = |word: &str| ladder.find(word).unwrap_or_else(|| panic!("no {word} in\n{ladder}"));
    assert!(place("ACK") < place("established ") && place("established ") < place("FIN"), "{ladder}");
    says(capture, &[(&["--json"], "one end sent FIN; the other direction is not in the capture")]);
}

#[test]
fn a_host_without_the_connection_shoots_no_volley() {
    let capture = "reset_of_a_host_without_the_connection";
    check(capture, 1, &["closing fin-then-reset", "no rst-volley rst-beyond rst-forged rst-bad-ack"]);
}

#[test]
fn urgent_data_is_shown_with_its_pointer() {
    let capture = "urgent";
    check(capture, 1, &["no urgent-odd ack-field-no-flag"]);
    check(capture, 3, &["anomaly urgent-odd info", "no ack-field-no-flag"]);
    for format in ["text", "ladder", "svg"] {
        let shown = output(capture, &["-T", format]);
        assert!(shown.contains("URG"), "{format}: {shown}");
    }
}

#[test]
fn an_octet_that_nobody_acknowledged_is_no_keepalive() {
    check("one_octet_again_and_again", 1, &["anomaly dead-peer warn", "no keepalive-unanswered keepalive-probe"]);
}

#[test]
fn both_ends_of_a_simultaneous_close_go_by_closing() {
    let wanted = ["opening simultaneous-open", "closing simultaneous-fin", "client TIME_WAIT", "server TIME_WAIT"];
    check("simultaneous_open_and_close", 1, &wanted);
}

#[test]
fn a_client_that_repeats_its_syn_has_not_got_the_synack() {
    let wanted = ["opening missing-ack", "client SYN_SENT", "server SYN_RECEIVED", "anomaly missing-ack"];
    check("synack_lost_towards_the_client", 1, &wanted);
}

#[test]
fn data_before_any_synack_opens_nothing() {
    let wanted = ["closing fin", "client TIME_WAIT", "server CLOSED", "connect_ms 1010.05", "no synack-on-established"];
    check("synack_with_data", 4, &wanted);
}

#[test]
fn a_synack_with_a_wrong_echo_is_reset_and_the_next_one_opens() {
    let wanted = ["closing open", "client ESTABLISHED", "server ESTABLISHED", "no reset-after-synack"];
    check("synack_with_data", 6, &wanted);
}

#[test]
fn a_client_that_resets_an_old_acknowledgment_goes_on() {
    let open = ["opening established", "closing fin", "no syn-aborted", "client CLOSED", "server TIME_WAIT"];
    check("rst_of_old_ack_then_open", 2, &open);
    check("rst_of_old_ack_then_refused", 2, &["opening refused", "no syn-aborted", "client CLOSED"]);
}

#[test]
fn a_reset_that_acknowledges_no_syn_is_an_answer_that_does_not_fit() {
    let wanted = ["opening unanswered", "anomaly rst-bad-ack", "client SYN_SENT", "server CLOSED"];
    check("rst_of_no_syn", 1, &wanted);
}

#[test]
fn a_verdict_agrees_with_its_own_ladder() {
    let lost = "the SYN-ACK is lost between here and the client";
    says("synack_lost_towards_the_client", &[(&["-T", "ladder"], lost), (&["--explain"], lost), (&["--json"], lost)]);
    let korean = "SYN-ACK가 이 지점과 클라이언트 사이에서 사라짐";
    says("synack_lost_towards_the_client", &[(&["--explain", "--locale", "ko"], korean)]);
    let ignored = "answered by RST whose acknowledgment does not fit: the client must ignore it";
    says("rst_of_no_syn", &[(&["-T", "ladder"], ignored), (&["--explain"], ignored), (&["--json"], ignored)]);
    for args in [["-T", "ladder"], ["-T", "explain"], ["-T", "text"]] {
        assert!(!output("rst_of_no_syn", &args).contains("nothing answered"));
    }
}

#[test]
fn a_client_that_was_reported_no_answers_the_synack_behind_it_with_rst() {
    let wanted = ["opening refused", "closing none", "no reset-after-synack", "client CLOSED", "anomaly conn-refused"];
    check("x_forged_refusal", 1, &wanted);
}

#[test]
fn a_client_that_came_back_resets_the_old_connection_and_opens_the_new_one() {
    check("client_reboot", 1, &["closing reset-by-client", "anomaly half-open-crash", "syn_count 2"]);
    check("client_reboot", 2, &["opening established", "connect_ms 1021.1", "closing open"]);
}

#[test]
fn waits_of_one_length_and_then_twice_as_long() {
    let capture = "syn_linear_then_doubling";
    check(capture, 1, &["backoff linear-then-exponential", "syn_count 11", "no syn-backoff-odd"]);
    says(
        capture,
        &[
            (&["--json"], "\"backoff\":\"linear-then-exponential\""),
            (&["-T", "text"], "11 SYNs (gaps linear-then-exponential)"),
            (&["-T", "ladder"], "gaps linear-then-exponential"),
            (&["-T", "svg"], "waits of about one length first, then each about twice the one before"),
            (&["--explain"], "waits of about one length first, then each about twice the one before"),
            (&["--explain", "--locale", "ko"], "처음에는 기다리는 시간이 거의 일정하고, 그 뒤에는 매번 약 두 배"),
            (&["--print-schema"], "linear-then-exponential"),
        ],
    );
}

#[test]
fn a_step_before_the_end_of_the_one_above_has_a_minus_and_a_name() {
    let capture = "steps_out_of_time_order";
    let order = "capture order: step 11 begins 540 ms before the end of the step above it";
    says(
        capture,
        &[
            (&["-T", "ladder", "--steps", "all"], " -540.00ms ESTABLISHED"),
            (&["-T", "ladder", "--steps", "all"], order),
            (&["-T", "svg", "--steps", "all"], order),
        ],
    );
    for args in [["-T", "ladder", "--steps", "all"], ["-T", "svg", "--steps", "all"]] {
        assert!(!output(capture, &args).contains("+-"));
    }
    // Data folded into one row hides what begins early.
    assert!(!output(capture, &["-T", "ladder"]).contains("capture order"));
}

#[test]
fn a_reset_is_no_copy_whatever_its_identification_and_window() {
    check("evade-rst-digest", 1, &["closing reset-by-client", "duplicates 0"]);
}

#[test]
fn what_is_acknowledged_and_not_there_is_a_hole() {
    let capture = "gap_acknowledged";
    check(capture, 1, &["holes 1", "missing 200", "anomaly capture-hole note", "closing fin"]);
    says(
        capture,
        &[
            (&["--json"], "\"capture\":{\"holes\":1,\"missing_bytes\":200}"),
            (&["-T", "text"], "octets missing: 200 (capture-hole, frame 9)"),
            (&["-T", "ladder"], "lacks octets that were acknowledged: 200 (frame 9)"),
            (&["-T", "summary"], "acknowledgments of data that the capture lacks, octets: 200 (in 1 flow)"),
        ],
    );
}

#[test]
fn a_checksum_of_zero_again_and_again_is_unfinished() {
    let expected = ["opening established", "closing fin", "holes 0", "no bad-checksum control-bad-checksum"];
    check("checksum_field_zero", 1, &expected);
    check("checksum_field_zero", 1, &["no capture-hole", "anomaly capture-offload"]);
}

#[test]
fn a_first_syn_with_a_wrong_checksum_is_reported_and_drives_nothing() {
    let expected = ["opening established", "syn_count 1", "connect_ms 20", "anomaly control-bad-checksum note"];
    check("first_syn_bad_checksum", 1, &expected);
    check("first_syn_bad_checksum", 1, &["no syn-retransmitted", "no capture-checksum-unverified"]);
}

/// Forty connections, by `tcp[tcpflags] & (syn|fin|rst) != 0`.
#[test]
fn a_capture_of_syn_fin_and_rst_misses_nothing() {
    let unsaid = "no missing-ack close-no-data fin-before-established reset-after-synack";
    check("filtered_by_flags", 1, &["opening established", "closing fin", unsaid]);
    check("filtered_by_flags", 0, &[unsaid, "anomaly capture-filtered note"]);
}

/// One stamp ten years ahead among those of a connection.
#[test]
fn one_damaged_time_stamp_ends_nothing() {
    check("clock_one_packet_10y_ahead", 1, &["opening established", "closing fin", "anomaly capture-clock-backwards"]);
}

#[test]
fn an_answer_soon_after_the_timer_is_no_copy() {
    check("synack_twice_is_no_copy", 1, &["duplicates 0", "synack_count 5", "syn_count 3"]);
}

/// One connection each in Cisco Metadata (one direction only), E-TAG, VN-Tag, L2TPv2 (two forms), L2TPv3 (over IP, with a
/// cookie, over UDP), L2TP in PPPoE, Teredo (by its port, by its addresses), AYIYA, GRE over UDP, EoIP, CAPWAP (802.11 and
/// 802.3) and in Aruba's GRE (a frame, an aggregate of one).
#[test]
fn connections_in_every_encapsulation() {
    for flow in 1..=18 {
        check("encapsulations", flow, &["flows 18", "opening established", "closing fin", "zeek SF ShADdFf"]);
    }
    check("nflog", 1, &["flows 2", "opening established", "closing fin"]);
    check("nflog", 2, &["opening established", "closing fin"]);
}

/// Each frame is an aggregate that holds a segment of either connection.
#[test]
fn two_connections_in_the_same_frames() {
    for flow in 1..=2 {
        check("aggregates", flow, &["flows 2", "opening established", "closing fin", "zeek SF ShADdFf"]);
    }
    says("aggregates", &[(&["-T", "ndjson"], "\"totals\":{\"packets\":8,\"segments\":16,")]);
    says("aggregates", &[(&["-T", "summary"], "16 TCP segments")]);
}

/// A connection over IPv4 and one over IPv6, in a snoop file.
#[test]
fn connections_in_a_snoop_file() {
    let analysis = analyse(&testdata("cases/conversation.snoop"));
    let words: Vec<_> = analysis.flows.iter().map(|flow| (flow.opening().name(), flow.closing().name())).collect();
    assert_eq!(words, [("established", "fin"); 2]);
}

#[test]
fn a_server_that_waits_for_data_has_no_full_queue() {
    let deferred = ["anomaly deferred-accept note", "no accept-queue-overflow", "no half-open-crash"];
    check("deferred_accept_given_up", 1, &deferred);
    check("defer_accept", 1, &deferred);
    check("deferred_accept_3_of_20", 0, &["anomaly deferred-accept note", "no accept-queue-overflow", "silent"]);
    let neither = ["opening established", "no accept-queue-overflow deferred-accept", "silent"];
    check("lost_third_ack_server_first", 1, &neither);
    check("synproxy_bad_tsecr", 1, &neither);
    check("lossy_path_server_first", 0, &["no accept-queue-overflow deferred-accept", "silent"]);
}

#[test]
fn devices_in_front_of_a_server_are_named() {
    check("syn_proxy", 1, &["anomaly syn-proxy note", "no syn-proxy-suspect", "silent"]);
    check(
        "syn_authentication",
        1,
        &["opening established", "anomaly syn-authentication note", "no synack-wrong-ack", "silent"],
    );
    says(
        "syn_authentication",
        &[(&["--explain"], "a filter in front of the server"), (&["--explain", "--locale", "ko"], "서버 앞의 장비가")],
    );
}

#[test]
fn of_two_that_differ_the_one_off_the_line_is_forged() {
    check("data_foreign_rst_genuine", 1, &["no rst-forged traffic-after-rst", "anomaly data-injected warn"]);
    check("injected_data", 1, &["anomaly data-injected alert", "no ttl-shift syn-proxy-suspect"]);
    check("forged_refusal", 1, &["anomaly rst-forged alert"]);
    check("rst_seq0_after_close", 1, &["no rst-volley rst-forged", "silent"]);
    says(
        "forged_refusal",
        &[
            (&["--explain"], "is most likely forged (rst-forged): the server had not refused the connection"),
            (&["--explain", "--locale", "ko"], "위조되었을 가능성이 큽니다 (rst-forged)"),
        ],
    );
}

#[test]
fn a_small_device_is_no_scanner() {
    check("router_whose_syns_look_like_nmap", 0, &["no fp-nmap"]);
}

#[test]
fn causes_that_closes_and_silence_have() {
    check("only_large_segments_vanish", 1, &["anomaly large-segments-lost warn", "no dead-peer"]);
    check("server_closes_silent_client", 1, &["closed_by server", "anomaly close-no-data info", "silent"]);
    says("server_closes_silent_client", &[(&["-T", "text"], "before the client had said anything")]);
}

#[test]
fn an_answer_of_the_pod_itself_is_not_translated_back() {
    let capture = "nat-synack-from-pod";
    check(capture, 1, &["anomaly answered-elsewhere warn", "anomaly nat-legs info"]);
    check(capture, 2, &["opening reset-after-synack", "anomaly untranslated-answer note", "no reset-after-synack"]);
    says(
        capture,
        &[
            (&["--explain", "--flow", "1"], "the SYN was answered from another address: not translated back"),
            (&["--explain", "--flow", "2", "--locale", "ko"], "주소가 되돌려지지 않음"),
            (
                &["--json"],
                "\"other_flow\":2,\"other_client\":\"192.0.2.192:38530\",\"other_server\":\"192.0.2.189:7800\"",
            ),
        ],
    );
    assert!(!output(capture, &["--explain"]).contains("SYN scan"));
}

#[test]
fn an_answer_without_the_address_of_the_service_is_reset() {
    let capture = "nat-synack-not-snated";
    check(capture, 1, &["opening unanswered", "anomaly answered-elsewhere warn", "no syn-unanswered"]);
    check(capture, 2, &["opening synack-only", "anomaly untranslated-answer note", "no synack-unsolicited"]);
    says(capture, &[(&["-T", "text"], "RST 192.0.2.10:40000 -> 198.51.100.44:443 seq=1 (1000001)")]);
    for words in ["nothing answered", "forged the SYN", "Somebody uses this address"] {
        assert!(!output(capture, &["--explain"]).contains(words), "{words}");
    }
}

#[test]
fn both_sides_of_a_rewriter_of_numbers_are_one_connection() {
    let capture = "sequence-rewriter-both-sides";
    check(
        capture,
        1,
        &[
            "opening established",
            "closing fin",
            "closed_by server",
            "bytes 778 387",
            "packets 13",
            "silent",
            "no synack-wrong-ack fin-seq-change",
            "anomaly capture-rewritten note",
        ],
    );
}

#[test]
fn syns_behind_the_clock_of_their_address_are_reported_as_such() {
    let capture = "paws-behind-nat";
    for flow in [2, 4] {
        check(capture, flow, &["opening unanswered", "anomaly syn-stale-timestamp note", "no syn-unanswered"]);
    }
    check(capture, 1, &["opening established", "no syn-stale-timestamp"]);
    says(capture, &[(&["--explain", "--flow", "2"], "PAWS behind NAT")]);
}

#[test]
fn a_file_that_holds_its_packets_twice_is_one_capture() {
    let capture = "file_twice";
    check(
        capture,
        0,
        &[
            "anomaly capture-repeated note",
            "no port-reuse-timewait isn-regression port-exhaustion capture-clock-backwards",
        ],
    );
    says(capture, &[(&["--json"], "packets 706 and following repeat packets 1 and following")]);
}
