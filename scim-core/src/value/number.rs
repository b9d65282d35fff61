use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;
use scim_filter::NumberRef;

/// A JSON number, exact: what was written is what is kept, compared and returned.
///
/// Integers of 64 bits are held as such; everything else as its text, so that no digit is lost to binary floating
/// point.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq)]
enum Repr {
    Integer(i64),
    /// INVARIANT: a JSON number (RFC 8259 section 6) that is not the canonical text of an `i64`.
    Text(CompactString),
}

/// A text that is no JSON number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON number")]
pub struct NumberError(());

impl Number {
    /// A number from its JSON text.
    ///
    /// # Errors
    /// [`NumberError`] if the text is not a number as RFC 8259 section 6 writes them.
    pub fn from_json(text: &str) -> Result<Self, NumberError> {
        if is_json_number(text.as_bytes()) { Ok(Self::from_valid(text)) } else { Err(NumberError(())) }
    }

    /// As [`Number::from_json`], for text that a JSON reader has already accepted.
    pub(crate) fn from_valid(text: &str) -> Self {
        match text.parse::<i64>() {
            // `-0` is an integer in JSON but not the same text.
            Ok(value) if text != "-0" => Self(Repr::Integer(value)),
            _ => Self(Repr::Text(CompactString::new(text))),
        }
    }

    /// The number as it was written.
    #[must_use]
    pub fn as_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Integer(value) => Cow::Owned(value.to_string()),
            Repr::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The value, if it was written as an integer that fits 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Integer(value) => Some(*value),
            Repr::Text(text) => text.parse().ok(),
        }
    }

    /// Whether it was written without fraction and exponent, as RFC 7643 section 2.3.4 asks of an integer.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Integer(_) => true,
            Repr::Text(text) => !text.contains(['.', 'e', 'E']),
        }
    }

    /// A text that is the same for all spellings of one number: `5`, `5.0` and `50e-1`.
    pub(crate) fn canonical(&self) -> Cow<'_, str> {
        let text = match &self.0 {
            Repr::Integer(value) => return Cow::Owned(value.to_string()),
            Repr::Text(text) => text.as_str(),
        };
        let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        let digits = digits.trim_start_matches('0');
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return Cow::Borrowed("0");
        }
        // An exponent beyond 64 bits has one spelling only that anybody would call the same.
        let Ok(exponent) = exponent.parse::<i64>() else { return Cow::Borrowed(text) };
        let zeros = i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX);
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        let exponent = exponent.saturating_sub(places).saturating_add(zeros);
        if (0..=19).contains(&exponent) && significant.len() <= 19 {
            let zeros = usize::try_from(exponent).unwrap_or_default();
            return Cow::Owned(format!("{sign}{significant}{}", "0".repeat(zeros)));
        }
        Cow::Owned(format!("{sign}{significant}e{exponent}"))
    }

    pub(crate) fn as_ref(&self) -> NumberRef<'_> {
        match &self.0 {
            Repr::Integer(value) => NumberRef::Int(*value),
            Repr::Text(text) => NumberRef::Text(text),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.0 {
            Repr::Integer(_) => None,
            Repr::Text(text) => Some(text),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Repr::Integer(value))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
    }
}

/// `[ minus ] int [ frac ] [ exp ]` of RFC 8259 section 6.
fn is_json_number(text: &[u8]) -> bool {
    let digits = |from: &[u8]| from.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
        return false;
    }
    rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        return !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit);
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_written() {
        for text in [
            "0",
            "-0",
            "5",
            "5.0",
            "5e0",
            "-12.50",
            "18446744073709551616",
            "0.1000000000000000055511151231",
            "1E+400",
        ] {
            assert_eq!(Number::from_json(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn texts_that_are_no_json_numbers_are_refused() {
        for text in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN", "1 ", "1.5.2", "--1"] {
            assert!(Number::from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spellings_of_one_number_have_one_canonical_text() {
        let same = |texts: &[&str]| {
            let all: Vec<_> =
                texts.iter().map(|text| Number::from_json(text).unwrap().canonical().into_owned()).collect();
            assert!(all.iter().all(|text| *text == all[0]), "{texts:?}: {all:?}");
        };
        same(&["5", "5.0", "5e0", "50e-1", "0.05E+2"]);
        same(&["0", "-0", "0.000", "0e999"]);
        same(&["-120", "-1.2e2", "-12E1"]);
        same(&["18446744073709551616", "18446744073709551616.0", "1844674407370955161600e-2"]);
        same(&["0.25", "25e-2", "0.2500"]);
        let text = |text: &str| Number::from_json(text).unwrap().canonical().into_owned();
        assert_ne!(text("5"), text("50"));
        assert_ne!(text("0.5"), text("5"));
        assert_ne!(text("1e99999999999999999999"), text("1e99999999999999999998"));
    }

    #[test]
    fn an_integer_has_no_fraction_and_no_exponent() {
        assert!(Number::from_json("5").unwrap().is_integer());
        assert!(Number::from_json("99999999999999999999").unwrap().is_integer());
        assert!(!Number::from_json("5.0").unwrap().is_integer());
        assert!(!Number::from_json("5e0").unwrap().is_integer());
    }
}
