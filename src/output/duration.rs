//! Durations in words and figures: every format in which one is written. All take nanoseconds.

use core::fmt::Write as _;

#[cfg(feature = "tui")]
use crate::time::{MICROSECOND, MILLISECOND, SECOND};

/// A duration for people, nanoseconds in, three digits or so out: `850 ns`, `15 µs`, `1.23 ms`, `2.50 s`, `3 min 20 s`.
pub(super) fn human(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let ns = nanoseconds.unsigned_abs();
    let (unit, name) = match ns {
        0..1_000 => return format!("{sign}{ns} ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        1_000_000_000..60_000_000_000 => (1_000_000_000, "s"),
        _ => return format!("{sign}{}", minutes(ns / 1_000_000_000)),
    };
    let value = ns as f64 / f64::from(unit);
    // 999.6 would round up to a fourth digit: one decimal less.
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{sign}{value:.decimals$} {name}")
}

/// Nanoseconds since the first segment, for people.
pub(super) fn since_first(nanoseconds: i64) -> String {
    if nanoseconds == 0 { "0".to_owned() } else { human(nanoseconds) }
}

/// A duration in at most eight columns: `15µs`, `32.49ms`, `25.0051s`, `12m05s`, `3h20m`.
pub(super) fn short(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let ns = nanoseconds.unsigned_abs();
    match ns {
        0..1_000 => format!("{sign}{ns}ns"),
        1_000..1_000_000 if ns.is_multiple_of(1_000) => format!("{sign}{}µs", ns / 1_000),
        1_000..1_000_000 => format!("{sign}{:.1}µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{sign}{:.2}ms", ns as f64 / 1e6),
        1_000_000_000..100_000_000_000 => format!("{sign}{:.4}s", ns as f64 / 1e9),
        100_000_000_000..3_600_000_000_000 => {
            let seconds = ns / 1_000_000_000;
            format!("{sign}{}m{:02}s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = ns / 60_000_000_000;
            format!("{sign}{}h{:02}m", minutes / 60, minutes % 60)
        }
    }
}

/// A duration in at most six columns: `33µs`, `12.6ms`, `25.0s`, `14m`, `3h20`.
#[cfg(feature = "tui")]
pub(super) fn compact(ns: i64) -> String {
    let value = ns.max(0) as f64;
    let (value, unit) = match ns {
        i64::MIN..=0 => return "0".to_owned(),
        1..MICROSECOND => return format!("{}ns", ns.max(0)),
        MICROSECOND..MILLISECOND => (value / 1e3, "µs"),
        MILLISECOND..SECOND => (value / 1e6, "ms"),
        SECOND..60_000_000_000 => (value / 1e9, "s"),
        60_000_000_000..3_600_000_000_000 => return format!("{}m{:02}", ns / 60 / SECOND, ns / SECOND % 60),
        3_600_000_000_000..360_000_000_000_000 => {
            return format!("{}h{:02}", ns / 3600 / SECOND, ns / 60 / SECOND % 60);
        }
        _ => return format!("{}d", ns / 86_400 / SECOND),
    };
    if value < 9.95 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

/// Seconds with nine decimals, right-aligned so that lines of a short capture stay in columns.
pub(super) fn write_seconds(line: &mut String, nanoseconds: i64) -> core::fmt::Result {
    let ns = nanoseconds.unsigned_abs();
    let seconds = (ns / 1_000_000_000).to_string();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let width = 5usize.saturating_sub(sign.len());
    write!(line, "{:pad$}{sign}{seconds}.{:09}", "", ns % 1_000_000_000, pad = width.saturating_sub(seconds.len()))
}

fn minutes(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_for_people() {
        let cases = [
            (850, "850 ns"),
            (15_000, "15.0 µs"),
            (1_234_567, "1.23 ms"),
            (999_999, "1000 µs"),
            (25_004_000_000, "25.0 s"),
            (-2_000_000, "-2.00 ms"),
            (200_000_000_000, "3 min 20 s"),
            (90_000_000_000_000, "1 d 1 h"),
        ];
        for (ns, text) in cases {
            assert_eq!(human(ns), text);
        }
    }

    #[test]
    fn shorter_for_columns() {
        let cases = [
            (0, "0ns", "0"),
            (15_000, "15µs", "15µs"),
            (12_600_000, "12.60ms", "13ms"),
            (25_005_100_000, "25.0051s", "25s"),
            (725_000_000_000, "12m05s", "12m05"),
            (12_000_000_000_000, "3h20m", "3h20"),
        ];
        for (ns, eight, six) in cases {
            assert_eq!((short(ns).as_str(), compact(ns).as_str()), (eight, six));
        }
    }
}
