//! Numbers by value: exact, and never expanded.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::ast::NumberText;

/// The number that a filter compares with: its text, and its value where that fits an `i64`.
///
/// Numbers compare by value, without binary rounding: `5`, `5.0` and `50e-1` are equal. An exponent past 10^18 in either
/// direction counts as 10^18.
#[derive(Clone, Debug)]
pub struct NumberValue {
    text: Arc<str>,
    integer: Option<i64>,
}

impl NumberValue {
    /// The number as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value, if it is written as an integer and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.integer
    }

    /// A number from the text of a JSON number; another text counts as zero.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into(), integer: text.parse().ok() }
    }

    /// How a number of a resource compares to this; `None` if it is no JSON number.
    pub(crate) fn compare(&self, number: NumberRef<'_>) -> Option<Ordering> {
        if let (Some(right), NumberRef::Int(left)) = (self.integer, number) {
            return Some(left.cmp(&right));
        }
        number.compare(NumberRef::Text(&self.text))
    }
}

impl From<&NumberText<'_>> for NumberValue {
    fn from(text: &NumberText<'_>) -> Self {
        Self::new(text.as_str())
    }
}

impl PartialEq for NumberValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for NumberValue {}

impl PartialOrd for NumberValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NumberValue {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_decimals(&self.text, &other.text)
    }
}

impl fmt::Display for NumberValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A number of a resource, in the form its JSON library has it.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug)]
pub enum NumberRef<'v> {
    /// The text of a JSON number, which is compared exactly.
    Text(&'v str),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A binary floating-point number, which counts as the shortest decimal that it stands for.
    Float(f64),
}

impl NumberRef<'_> {
    /// How two numbers compare by value; `None` if one is no JSON number (not finite).
    ///
    /// ```
    /// use scim_filter::NumberRef;
    ///
    /// assert!(NumberRef::Text("5").compare(NumberRef::Text("0.50e1")).is_some_and(|order| order.is_eq()));
    /// assert!(NumberRef::UInt(u64::MAX).compare(NumberRef::Text("1e999999999")).is_some_and(|order| order.is_lt()));
    /// ```
    pub fn compare(self, other: NumberRef<'_>) -> Option<Ordering> {
        match (self.integer(), other.integer()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => {
                let (mut left, mut right) = (Digits::default(), Digits::default());
                Some(compare_decimals(self.text(&mut left)?, other.text(&mut right)?))
            }
        }
    }

    /// The number as owned text.
    pub(crate) fn to_value(self) -> Option<NumberValue> {
        let mut digits = Digits::default();
        self.text(&mut digits).map(NumberValue::new)
    }

    fn integer(self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(value.into()),
            Self::UInt(value) => Some(value.into()),
            Self::Text(_) | Self::Float(_) => None,
        }
    }

    fn text<'b>(&'b self, digits: &'b mut Digits) -> Option<&'b str> {
        let written = match self {
            Self::Text(text) => return Some(text),
            Self::Int(value) => write!(digits, "{value}"),
            Self::UInt(value) => write!(digits, "{value}"),
            Self::Float(value) if value.is_finite() => write!(digits, "{value:e}"),
            Self::Float(_) => return None,
        };
        written.ok()?;
        digits.as_str()
    }
}

/// Room for the digits of one number, without a heap: `{:e}` of an `f64` takes at most 25 bytes.
#[derive(Default)]
struct Digits {
    bytes: [u8; 32],
    length: usize,
}

impl Digits {
    fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.length)?).ok()
    }
}

impl fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.saturating_add(text.len());
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Compares the texts of two JSON numbers by value.
pub(crate) fn compare_decimals(left: &str, right: &str) -> Ordering {
    let (left, right) = (Decimal::read(left), Decimal::read(right));
    match (left.sign(), right.sign()) {
        (0, 0) => Ordering::Equal,
        (1, 1) => left.compare_magnitude(&right),
        (-1, -1) => right.compare_magnitude(&left),
        (left, right) => left.cmp(&right),
    }
}

/// A decimal number: sign, digits, and the power of ten of the first of them.
struct Decimal<'a> {
    negative: bool,
    /// The digits and perhaps a dot, from the first digit that is not zero; empty for zero.
    digits: &'a str,
    /// The exponent of the first digit.
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Self {
        const FURTHEST: i64 = 1_000_000_000_000_000_000;

        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent = exponent.parse::<i64>().unwrap_or_else(|_| {
            // INVARIANT: the text is that of a JSON number, so its exponent is digits that do not fit, unless it is zero.
            if exponent.starts_with('-') { i64::MIN } else { i64::MAX }
        });
        let digits = mantissa.trim_start_matches(['0', '.']);
        let skipped = mantissa.len().saturating_sub(digits.len());
        let dot = mantissa.find('.').unwrap_or(mantissa.len());
        let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let shift = if skipped < dot {
            length(dot.saturating_sub(skipped)).saturating_sub(1)
        } else {
            // 0.05: the dot is at 1, the first digit at 3, its exponent -2.
            length(skipped.saturating_sub(dot)).saturating_neg()
        };
        Self { negative, digits, exponent: exponent.clamp(-FURTHEST, FURTHEST).saturating_add(shift) }
    }

    /// -1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        fn significant<'d>(digits: &'d str) -> impl Iterator<Item = u8> + 'd {
            let digits = if digits.contains('.') {
                digits.trim_end_matches(['0', '.'])
            } else {
                digits.trim_end_matches('0')
            };
            digits.bytes().filter(|byte| *byte != b'.')
        }

        self.exponent
            .cmp(&other.exponent)
            .then_with(|| significant(self.digits).cmp(significant(other.digits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_value() {
        let ascending: &[&[&str]] = &[
            &["-1e999999999999999999999999"],
            &["-1e999999999"],
            &["-12.5", "-1.25e1", "-125E-1", "-12.50"],
            &["-12", "-12.0"],
            &["-1e-999999999"],
            &["0", "-0", "0.0", "0e99", "-0.000e-5", "0e99999999999999999999"],
            &["1e-999999999"],
            &["0.05", "5e-2", "0.5e-1", "0.0500", "50e-3"],
            &["0.051"],
            &["1", "1.0", "1e0", "10e-1", "0.1e1", "1E+0", "1e+00"],
            &["9"],
            &["10", "1e1", "10.0", "1.0e1"],
            &["100", "1e2", "1e+02"],
            &["101"],
            &["9007199254740992"],
            &["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
            &["9223372036854775807"],
            &["18446744073709551615"],
            &["18446744073709551616", "18446744073709551616.000"],
            &["1e999999999"],
        ];
        for (rank, group) in ascending.iter().enumerate() {
            for (other_rank, other_group) in ascending.iter().enumerate() {
                for left in *group {
                    for right in *other_group {
                        assert_eq!(compare_decimals(left, right), rank.cmp(&other_rank), "{left} {right}");
                        let value = NumberValue::new(right);
                        assert_eq!(
                            value.compare(NumberRef::Text(left)),
                            Some(rank.cmp(&other_rank)),
                            "{left} {right}"
                        );
                        if let Ok(int) = left.parse() {
                            assert_eq!(value.compare(NumberRef::Int(int)), Some(rank.cmp(&other_rank)));
                        }
                        if let Ok(int) = left.parse() {
                            assert_eq!(value.compare(NumberRef::UInt(int)), Some(rank.cmp(&other_rank)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn compares_binary_floats_by_their_shortest_decimal() {
        for (float, text) in
            [(0.1, "0.1"), (-12.5, "-12.5"), (1e300, "1e300"), (f64::MIN_POSITIVE, "2.2250738585072014e-308")]
        {
            assert_eq!(
                NumberRef::Float(float).compare(NumberRef::Text(text)),
                Some(Ordering::Equal),
                "{text}"
            );
        }
        assert_eq!(NumberRef::Float(-0.0).compare(NumberRef::Int(0)), Some(Ordering::Equal));
        assert_eq!(NumberRef::Float(f64::NAN).compare(NumberRef::Int(0)), None);
        assert_eq!(NumberRef::Int(0).compare(NumberRef::Float(f64::INFINITY)), None);
    }
}
