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
