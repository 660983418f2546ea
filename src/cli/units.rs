//! Values with units, as typed.

use core::str::FromStr;

use crate::output::rotate::Rotation;
use crate::time::{MICROSECOND, MILLISECOND, SECOND};

/// A duration: a number with `us`, `ms`, `s`, `m`, `h`, `d`, or without for seconds. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duration(pub(super) i64);

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let nanoseconds = match unit {
            "us" | "µs" => MICROSECOND,
            "ms" => MILLISECOND,
            "" | "s" => SECOND,
            "m" | "min" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            "d" => 86_400 * SECOND,
            _ => return Err(format!("unknown unit of time '{unit}'; expected us, ms, s, m, h or d")),
        };
        let number: f64 = number.parse().map_err(|_| "expected a number with a unit, like 5s or 200ms".to_owned())?;
        let nanoseconds = number * nanoseconds as f64;
        // A hundred years: beyond that sums of times would saturate.
        if nanoseconds.is_finite() && (1.0..3.2e18).contains(&nanoseconds) {
            Ok(Self(nanoseconds as i64))
        } else {
            Err("expected a duration between 0 and 100 years".to_owned())
        }
    }
}

/// A size in octets: a whole number with `K`, `M` or `G` (powers of 1024), or `B`; never without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u32);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // libpcap takes an int.
        match octets(text)?.and_then(|octets| i32::try_from(octets).ok()) {
            Some(octets) if octets > 0 => Ok(Self(octets.unsigned_abs())),
            _ => Err("expected a size between 0 and 2G".to_owned()),
        }
    }
}

/// When a new file begins: a time, a size, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rotate(pub(super) Rotation);

impl FromStr for Rotate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rotation = Rotation::default();
        for part in text.split(',') {
            if let Ok(Some(octets)) = octets(part) {
                rotation.size = Some(octets.max(1));
                continue;
            }
            let wrong = || "expected a time, a size or both, like 1h, 100M or 1h,100M".to_owned();
            let time: Duration = part.parse().map_err(|_| wrong())?;
            if split(part).1.is_empty() || time.0 < SECOND {
                return Err(wrong());
            }
            rotation.every = Some(std::time::Duration::from_nanos(time.0.unsigned_abs()));
        }
        Ok(Self(rotation))
    }
}

/// A size in octets, where it is none too large.
fn octets(text: &str) -> Result<Option<u64>, String> {
    let (number, unit) = split(text);
    let shift = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" if unit == "B" => 0,
        "K" | "k" => 10,
        "M" | "m" => 20,
        "G" | "g" => 30,
        "" => return Err("missing unit, like 32M or 512K (tcpdump counts KiB)".to_owned()),
        other => return Err(format!("unknown unit of size '{other}'; expected B, K, M or G")),
    };
    let number: u64 = number.parse().map_err(|_| "expected a whole number with a unit, like 32M".to_owned())?;
    Ok(number.checked_shl(shift).filter(|octets| octets >> shift == number))
}

/// The same without an upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LargeSize(pub(super) u64);

impl FromStr for LargeSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match octets(text)? {
            Some(octets) if octets > 0 => Ok(Self(octets)),
            _ => Err("expected a size above 0".to_owned()),
        }
    }
}

/// The number in front, and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let ns = |text: &str| text.parse::<Duration>().map(|d| d.0);
        assert_eq!(ns("5"), Ok(5 * SECOND));
        assert_eq!(ns("1.5s"), Ok(1_500 * MILLISECOND));
        assert_eq!(ns("200ms"), Ok(200 * MILLISECOND));
        assert_eq!(ns("4h"), Ok(14_400 * SECOND));
        for bad in ["", "s", "0", "-1", "5 weeks", "1e9", "99999999999d"] {
            assert!(ns(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_need_a_unit() {
        let octets = |text: &str| text.parse::<Size>().map(|s| s.0);
        assert_eq!(octets("32M"), Ok(32 << 20));
        assert_eq!(octets("512KiB"), Ok(512 << 10));
        assert_eq!(octets("100B"), Ok(100));
        for bad in ["4096", "", "M", "3G", "0K", "5X", "99999999999999999999M"] {
            assert!(octets(bad).is_err(), "{bad}");
        }
    }
}
