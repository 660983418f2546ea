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
