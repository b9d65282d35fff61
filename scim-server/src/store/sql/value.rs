//! Values as texts whose order by code points is theirs.

use chrono::{DateTime, Utc};
use scim_filter::{NumberText, NumberValue};

/// The text of `true`.
pub(super) const TRUE: &str = "t";
/// The text of `false`.
pub(super) const FALSE: &str = "f";

/// The key of a number from the text of a JSON number, and how many digits it has.
///
/// A zero is `1`. Any other number is what it is ten to the power of, and its digits: for 12.5 that is 1 and 125. Before
/// an exponent goes how long it is, so that longer ones come later; what is negative has each character in reverse, and
/// at its end one that is greater than all.
pub(super) fn number_key(text: &str) -> (String, usize) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent =
        exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    let zeros = all().take_while(|digit| *digit == b'0').count();
    let digits: String = all().skip(zeros).map(char::from).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return ("1".to_owned(), 0);
    }
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let shift = length(whole.len()).saturating_sub(length(zeros)).saturating_sub(1);
    let exponent = exponent.clamp(-FURTHEST, FURTHEST).saturating_add(shift);
    let places = exponent.unsigned_abs().to_string();
    let count = u8::try_from(places.len()).unwrap_or(u8::MAX);
    let magnitude = if exponent < 0 {
        let places: String = places.bytes().map(|digit| char::from(reverse_digit(digit))).collect();
        format!("{}{places}{digits}", char::from(b'Z'.saturating_sub(count)))
    } else {
        format!("{}{places}{digits}", char::from(b'a'.saturating_add(count)))
    };
    let key = if negative {
        let reversed: String = magnitude.bytes().map(|byte| char::from(reverse(byte))).collect();
        format!("0{reversed}~")
    } else {
        format!("2{magnitude}")
    };
    (key, digits.len())
}

/// The number that a key is of.
pub(super) fn number_of(key: &str) -> Option<NumberValue> {
    let number = |text: &str| NumberText::new(text).as_ref().map(NumberValue::from);
    let (sign, magnitude) = match key.strip_prefix('0') {
        Some(reversed) => {
            let reversed = reversed.strip_suffix('~')?;
            ("-", reversed.bytes().map(|byte| char::from(reverse(byte))).collect::<String>())
        }
        None if key == "1" => return number("0"),
        None => ("", key.strip_prefix('2')?.to_owned()),
    };
    let mark = magnitude.bytes().next()?;
    let rest = magnitude.get(1..)?;
    let (minus, count) = if mark.is_ascii_lowercase() {
        ("", mark.checked_sub(b'a')?)
    } else {
        ("-", b'Z'.checked_sub(mark)?)
    };
    let (places, digits) = rest.split_at_checked(usize::from(count))?;
    let places: String = if minus.is_empty() {
        places.to_owned()
    } else {
        places.bytes().map(|digit| char::from(reverse_digit(digit))).collect()
    };
    let (first, others) = digits.split_at_checked(1)?;
    let dot = if others.is_empty() { "" } else { "." };
    number(&format!("{sign}{first}{dot}{others}e{minus}{places}"))
}

/// The key of an instant: seconds, and behind a dot what is left.
pub(super) fn instant_key(instant: DateTime<Utc>) -> String {
    let seconds = instant.timestamp().saturating_add(EPOCH);
    match instant.timestamp_subsec_nanos() {
        0 => format!("{seconds:013}"),
        nanos => format!("{seconds:013}.{nanos:09}").trim_end_matches('0').to_owned(),
    }
}

/// The instant that a key is of.
pub(super) fn instant_of(key: &str) -> Option<DateTime<Utc>> {
    let (seconds, fraction) = key.split_once('.').unwrap_or((key, ""));
    let seconds = seconds.parse::<i64>().ok()?.checked_sub(EPOCH)?;
    DateTime::from_timestamp(seconds, format!("{fraction:0<9}").parse().ok()?)
}

/// Exponents further from zero than this count as this, as filters have it.
const FURTHEST: i64 = 1_000_000_000_000_000_000;

/// What is added to the seconds since 1970 of any year up to 9999 so that they are positive and have 13 digits at most.
const EPOCH: i64 = 1_000_000_000_000;

fn reverse(byte: u8) -> u8 {
    (b'0' + b'z').saturating_sub(byte)
}

fn reverse_digit(digit: u8) -> u8 {
    (b'0' + b'9').saturating_sub(digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scim_filter::parse_date_time;

    use super::*;

    fn value(text: &str) -> NumberValue {
        NumberValue::from(&NumberText::new(text).unwrap())
    }

    const NUMBERS: [&str; 22] = [
        "-1e999999999999999999999999",
        "-1e999999999",
        "-12.5",
        "-125e-1",
        "-12",
        "-1e-999999999",
        "0",
        "-0.0e5",
        "1e-999999999999999999999999",
        "1e-999999999",
        "0.05",
        "5e-2",
        "0.051",
        "1",
        "9",
        "10",
        "1.0e1",
        "100",
        "9007199254740993",
        "18446744073709551616",
        "1e999999999",
        "1e1000000000000000000",
    ];

    #[test]
    fn keys_of_numbers_sort_as_numbers_do() {
        for left in NUMBERS {
            assert_eq!(number_of(&number_key(left).0), Some(value(left)), "{left}");
            for right in NUMBERS {
                let keys = number_key(left).0.cmp(&number_key(right).0);
                assert_eq!(keys, value(left).cmp(&value(right)), "{left} {right}");
            }
        }
    }

    proptest! {
        #[test]
        fn keys_of_any_numbers_sort_as_they_do(
            left in "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,5})?(e[+-]?[0-9]{1,3})?",
            right in "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,5})?(e[+-]?[0-9]{1,3})?",
        ) {
            let keys = number_key(&left).0.cmp(&number_key(&right).0);
            prop_assert_eq!(keys, value(&left).cmp(&value(&right)));
            prop_assert_eq!(number_of(&number_key(&left).0), Some(value(&left)));
        }

        #[test]
        fn keys_of_instants_sort_as_they_do(
            (left, right) in (-62_135_650_000_i64..253_402_400_000, -62_135_650_000_i64..253_402_400_000),
            (nanos, more) in (0..1_000_000_000_u32, 0..1_000_000_000_u32),
        ) {
            for (left, nanos, right, more) in [(left, nanos, right, more), (left, nanos, left, more), (left, 0, left, more)] {
                let left = DateTime::from_timestamp(left, nanos).unwrap();
                let right = DateTime::from_timestamp(right, more).unwrap();
                prop_assert_eq!(instant_key(left).cmp(&instant_key(right)), left.cmp(&right));
                prop_assert_eq!(instant_of(&instant_key(left)), Some(left));
            }
        }
    }

    #[test]
    fn the_first_and_the_last_instant_have_keys() {
        for text in ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999-14:00"] {
            let instant = parse_date_time(text).unwrap();
            assert_eq!(instant_key(instant).split('.').next().unwrap().len(), 13);
            assert_eq!(instant_of(&instant_key(instant)), Some(instant));
        }
    }
}
