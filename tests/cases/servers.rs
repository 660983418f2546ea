//! Servers that answer otherwise than usual: SYN cookies, several behind one address, limits of rate.

use super::{check, says};

/// `net.ipv4.tcp_syncookies=1` and a flood of forged SYNs, of which one in six is kept here: cookies begin and end with it.
#[test]
fn cookies_on_overflow() {
    let wanted = ["anomaly server-cookie-mode warn", "anomaly syn-flood-cusum warn", "no option-drift"];
    check("cookies-on-overflow", 0, &wanted);
    says(
        "cookies-on-overflow",
        &[
            (&["--format", "ndjson"], "they bypass its queue, because it answers with SYN cookies"),
            (&["--format", "ndjson"], r#""mode":"overflow""#),
            (&["--format", "ndjson"], "sends no SYN cookies any more"),
        ],
    );
}

/// The same, of a client without timestamps: the options it offers come back no more, until the flood is over.
#[test]
fn cookies_without_timestamps() {
    check("cookies-without-timestamps", 0, &["anomaly server-cookie-mode warn"]);
    says("cookies-without-timestamps", &[(&["--format", "ndjson"], "sends no SYN cookies any more")]);
}

/// `net.ipv4.tcp_syncookies=2`, and nothing but ordinary clients.
#[test]
fn cookies_always() {
    for capture in ["cookies-always", "cookies-always-ipv6"] {
        check(capture, 0, &["anomaly server-cookie-mode info", "no half-open-accumulation"]);
        says(capture, &[(&["--format", "ndjson"], r#""mode":"always""#)]);
    }
}

/// `net.ipv4.tcp_syncookies=0` under the same flood.
#[test]
fn no_cookies_in_a_flood() {
    check("no-cookies-in-a-flood", 0, &["no server-cookie-mode"]);
}

/// Two hosts behind one address and port, in turn or drawn; what differs are TTL and segment size, window scale and order.
#[test]
fn several_hosts_behind_one_address() {
    for capture in ["two-servers-behind-one-address", "two-servers-drawn", "two-servers-ttl"] {
        let wanted = ["anomaly load-balanced info", "no option-drift ttl-shift isn-repeat server-cookie-mode"];
        check(capture, 0, &wanted);
        says(capture, &[(&["--format", "ndjson"], "is answered by 2 hosts in turn: TTL")]);
    }
}

/// A limit of 30 a second on what comes to 60 and more, and one that lets the first 50 of each second pass.
#[test]
fn a_limit_on_syns() {
    for (capture, words) in [
        ("syn-rate-limited", "answers 30 SYNs a second of"),
        ("syn-rate-limited", "first and repeated ones alike"),
        ("syn-rate-limited-by-second", "answers 50 SYNs a second of"),
    ] {
        check(capture, 0, &["anomaly syn-rate-limited note", "no syn-flood service-unreachable"]);
        says(capture, &[(&["--format", "ndjson"], words)]);
    }
}

/// Every second SYN is lost, by chance.
#[test]
fn no_limit_where_syns_are_lost() {
    check("syn-loss-at-random", 0, &["no syn-rate-limited load-balanced"]);
}

/// A program that calls accept 30 times a second, with a queue of 5: not always as many are answered. It sends cookies, too.
#[test]
fn no_limit_where_the_accept_queue_is_full() {
    let wanted =
        ["no syn-rate-limited load-balanced", "anomaly server-cookie-mode warn", "anomaly accept-queue-overflow alert"];
    check("accept-queue-full", 0, &wanted);
    check("syn-loss-at-random", 0, &["no accept-queue-overflow"]);
}
