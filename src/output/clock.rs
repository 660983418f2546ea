//! Packet times as text. UTC by arithmetic, without a calendar library: this runs for every line of output.

use crate::time::Timestamp;

/// Length of [`rfc3339`]'s text.
pub const RFC3339_LEN: usize = 30;

/// A civil date and time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year; 1677 to 2262 for every possible [`Timestamp`].
    pub year: u16,
    /// Month, 1..=12.
    pub month: u8,
    /// Day of the month, 1..=31.
    pub day: u8,
    /// Hour, 0..=23.
    pub hour: u8,
    /// Minute, 0..=59.
    pub minute: u8,
    /// Second, 0..=59.
    pub second: u8,
}

impl Civil {
    /// Of `time` (proleptic Gregorian calendar; the algorithm counts days from 1 March of year 0 in eras of 400 years).
    pub const fn of(time: Timestamp) -> Self {
        let seconds = time.seconds();
        let in_day = seconds.rem_euclid(86_400);
        let days = seconds.div_euclid(86_400) + 719_468;
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + days.div_euclid(146_097) * 400 + (month <= 2) as i64;
        Self {
            year: year as u16,
            month: month as u8,
            day: (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u8,
            hour: (in_day / 3_600) as u8,
            minute: (in_day / 60 % 60) as u8,
            second: (in_day % 60) as u8,
        }
    }
}

/// RFC 3339, UTC, nine digits: `2026-11-21T12:00:00.000000001Z`.
pub fn rfc3339(time: Timestamp) -> [u8; RFC3339_LEN] {
    let civil = Civil::of(time);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    digits(&mut text[0..4], u32::from(civil.year));
    digits(&mut text[5..7], u32::from(civil.month));
    digits(&mut text[8..10], u32::from(civil.day));
    digits(&mut text[11..13], u32::from(civil.hour));
    digits(&mut text[14..16], u32::from(civil.minute));
    digits(&mut text[17..19], u32::from(civil.second));
    digits(&mut text[20..29], time.subsecond_nanos());
    text
}

/// Fills `place` with the decimal digits of `value`, zeros in front.
fn digits(place: &mut [u8], mut value: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// A duration for people, nanoseconds in, three digits or so out: `850 ns`, `15 µs`, `1.23 ms`, `2.50 s`, `3 min 20 s`.
pub fn human(nanoseconds: i64) -> String {
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

/// A duration in at most eight columns: `15µs`, `32.49ms`, `25.0051s`, `12m05s`, `3h20m`.
pub fn short(nanoseconds: i64) -> String {
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

    fn text(time: Timestamp) -> String {
        String::from_utf8(rfc3339(time).to_vec()).unwrap()
    }

    #[test]
    fn known_moments() {
        assert_eq!(text(Timestamp(0)), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(text(Timestamp(-1)), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(text(Timestamp::new(951_827_696, 5)), "2000-02-29T12:34:56.000000005Z");
        assert_eq!(text(Timestamp(i64::MAX)), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(text(Timestamp(i64::MIN)), "1677-09-21T00:12:43.145224192Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut last = Civil::of(Timestamp::new(-9_000_000_000, 0));
        for day in 1..146_097 {
            let seconds = -9_000_000_000 + day * 86_400;
            if seconds > 9_000_000_000 {
                break;
            }
            let now = Civil::of(Timestamp::new(seconds, 0));
            let same_month = now.month == last.month && now.day == last.day + 1;
            let next_month = now.day == 1 && (now.month == last.month % 12 + 1) && last.day >= 28;
            assert!(same_month || next_month, "{last:?} {now:?}");
            last = now;
        }
    }

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
}

/// How times are written (`-t`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// Seconds since the first frame.
    #[default]
    Relative,
    /// Seconds since the line before.
    Delta,
    /// Local time of day.
    Absolute,
    /// Local date and time of day.
    AbsoluteDate,
    /// UTC time of day.
    Utc,
    /// UTC date and time of day.
    UtcDate,
    /// Seconds since the epoch.
    Epoch,
}

impl TimeStyle {
    /// Every style with its letters and what it is, in the order of `--help`.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Relative, "r", "seconds since the first frame"),
        (Self::Delta, "d", "seconds since the line before"),
        (Self::Absolute, "a", "local time of day"),
        (Self::AbsoluteDate, "ad", "local date and time"),
        (Self::Utc, "u", "UTC time of day"),
        (Self::UtcDate, "ud", "UTC date and time"),
        (Self::Epoch, "e", "seconds since 1970"),
    ];
}
