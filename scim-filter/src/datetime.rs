//! `xsd:dateTime` as an instant.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Reads an `xsd:dateTime` (RFC 7643, 2.3.5) as an instant: `2011-05-13T04:42:34Z`, `2011-05-13T06:42:34.5+02:00`.
///
/// A text without a zone is in UTC. A fraction may have any length; digits past the ninth are dropped. The year is one of
/// 0001 to 9999, the zone at most 14 hours from UTC. A second of 60 and the time `24:00:00` are refused.
///
/// ```
/// use scim_filter::parse_date_time;
///
/// assert_eq!(parse_date_time("2011-05-13T06:42:34.50+02:00"), parse_date_time("2011-05-13T04:42:34.5"));
/// assert_eq!(parse_date_time("2011-05-13"), None);
/// ```
pub fn parse_date_time(text: &str) -> Option<DateTime<Utc>> {
    let mut fields = Fields(text);
    let year = fields.number(4)?;
    let month = fields.after("-")?.number(2)?;
    let day = fields.after("-")?.number(2)?;
    let hour = fields.after("T")?.number(2)?;
    let minute = fields.after(":")?.number(2)?;
    let second = fields.after(":")?.number(2)?;
    let nanos = fields.fraction()?;
    let zone = fields.zone()?;
    if year == 0 || second > 59 {
        return None;
    }
    let local = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?
        .and_hms_nano_opt(hour, minute, second, nanos)?;
    Some(local.checked_sub_signed(zone)?.and_utc())
}

/// What is left to read of a date and time.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    /// Skips a separator.
    fn after(&mut self, separator: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(separator)?;
        Some(self)
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.bytes().try_fold(0_u32, |value, byte| value.checked_mul(10)?.checked_add(digit(byte)?))
    }

    /// The nanoseconds of a fraction, if there is one.
    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.0.strip_prefix('.') else { return Some(0) };
        let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        let (fraction, rest) = rest.split_at_checked(end)?;
        if fraction.is_empty() {
            return None;
        }
        self.0 = rest;
        let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
        digits.into_iter().try_fold(0_u32, |value, byte| value.checked_mul(10)?.checked_add(digit(byte)?))
    }

    /// How far the zone is ahead of UTC, to the end of the text.
    fn zone(&mut self) -> Option<TimeDelta> {
        if matches!(self.0, "" | "Z") {
            return Some(TimeDelta::zero());
        }
        let behind = self.0.starts_with('-');
        self.0 = self.0.strip_prefix(['+', '-'])?;
        let hours = self.number(2)?;
        let minutes = self.after(":")?.number(2)?;
        if !self.0.is_empty() || minutes > 59 || hours > 14 || (hours == 14 && minutes > 0) {
            return None;
        }
        let ahead = TimeDelta::try_minutes(i64::from(hours.checked_mul(60)?.checked_add(minutes)?))?;
        Some(if behind { -ahead } else { ahead })
    }
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_an_instant() {
        let noon = parse_date_time("2020-02-29T12:00:00Z").unwrap();
        for same in [
            "2020-02-29T12:00:00",
            "2020-02-29T12:00:00.0Z",
            "2020-02-29T12:00:00.0000000000000000000000",
            "2020-02-29T12:00:00+00:00",
            "2020-02-29T12:00:00-00:00",
            "2020-02-29T14:30:00+02:30",
            "2020-02-28T22:00:00-14:00",
            "2020-03-01T02:00:00.000+14:00",
        ] {
            assert_eq!(parse_date_time(same), Some(noon), "{same}");
        }
        assert!(parse_date_time("2020-02-29T12:00:00.000000001Z").unwrap() > noon);
        assert_eq!(parse_date_time("2020-02-29T12:00:00.0000000009Z"), Some(noon), "past the ninth digit");
        assert!(
            parse_date_time("0001-01-01T00:00:00Z").unwrap()
                < parse_date_time("9999-12-31T23:59:59Z").unwrap()
        );
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for bad in [
            "",
            "2020",
            "2020-02-29",
            "12:00:00Z",
            "2020-02-30T12:00:00Z",
            "2019-02-29T12:00:00Z",
            "2020-13-01T12:00:00Z",
            "2020-02-29 12:00:00Z",
            "2020-02-29T12:00Z",
            "2020-02-29t12:00:00Z",
            "2020-02-29T12:00:00z",
            "2020-02-29T12:00:00.Z",
            "2020-02-29T12:00:00,5Z",
            "2020-02-29T24:00:00Z",
            "2020-02-29T12:60:00Z",
            "2020-02-29T12:00:60Z",
            "2020-02-29T12:00:00+0200",
            "2020-02-29T12:00:00+02",
            "2020-02-29T12:00:00+14:01",
            "2020-02-29T12:00:00+02:60",
            "2020-02-29T12:00:00ZZ",
            "2020-02-29T12:00:00Z ",
            "0000-01-01T00:00:00Z",
            "-2020-02-29T12:00:00Z",
            "+020-02-29T12:00:00Z",
            "12020-02-29T12:00:00Z",
            "２020-02-29T12:00:00Z",
        ] {
            assert_eq!(parse_date_time(bad), None, "{bad}");
        }
    }
}
