//! Places in lists.

use std::cmp::Ordering;

use scim_core::message::SortOrder;
use scim_filter::{NumberText, NumberValue, SortKey};

/// Where a page begins or ends: a place in the order of a list that stays where it is while resources come and go.
///
/// What it is made of says where a resource stands: what it is sorted by, [`SortKey::Unassigned`] in a list that is
/// not sorted, and then a number of the store's own that is greater for what was created later. There need not be a
/// resource at a position any more. Its key may be personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    key: SortKey,
    row: i64,
}

impl Position {
    /// How many characters of a text, or digits of a number, a key has at most.
    ///
    /// The stores of this crate sort by no more than these, so that a position, and with it a cursor, is never large.
    /// Texts that only differ behind them are ties.
    pub const KEY_LENGTH: usize = 256;

    /// The place of a resource with this key and this number.
    #[must_use]
    pub fn new(key: SortKey, row: i64) -> Self {
        Self { key, row }
    }

    /// What the resource was sorted by.
    #[must_use]
    pub fn key(&self) -> &SortKey {
        &self.key
    }

    /// The number of the resource in the order of creation.
    #[must_use]
    pub fn row(&self) -> i64 {
        self.row
    }

    /// On which side of this place another one lies, in a list of this direction: by the key, and among equal ones by
    /// the order of creation whatever the direction.
    #[must_use]
    pub fn compare(&self, other: &Self, order: SortOrder) -> Ordering {
        let keys = match order {
            SortOrder::Ascending => self.key.cmp(&other.key),
            SortOrder::Descending => other.key.cmp(&self.key),
        };
        keys.then(self.row.cmp(&other.row))
    }

    /// The place just behind this one: what comes before it includes what is here.
    #[must_use]
    pub fn behind(&self) -> Self {
        Self { key: self.key.clone(), row: self.row.saturating_add(1) }
    }

    /// The place just ahead of this one: what comes after it includes what is here.
    #[must_use]
    pub fn ahead(&self) -> Self {
        Self { key: self.key.clone(), row: self.row.saturating_sub(1) }
    }

    /// A key cut to [`Position::KEY_LENGTH`]. Whatever is greater than another is not less once both are cut.
    #[must_use]
    pub fn cut(key: SortKey) -> SortKey {
        match key {
            // By characters: cut at a byte, two texts could change places.
            SortKey::Text(mut text) => {
                if let Some((end, _)) = text.char_indices().nth(Self::KEY_LENGTH) {
                    text.truncate(end);
                }
                SortKey::Text(text)
            }
            SortKey::Number(number) if number.as_str().len() > Self::KEY_LENGTH => {
                SortKey::Number(cut_number(&number).unwrap_or(number))
            }
            other => other,
        }
    }
}

/// The first digits of a long number, in the notation that has no more than those.
fn cut_number(number: &NumberValue) -> Option<NumberValue> {
    /// Greater exponents than this all count as this.
    const FURTHEST: i64 = 1_000_000_000_000_000_000;
    let text = number.as_str();
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("-", text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent =
        exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    let zeros = all().take_while(|digit| *digit == b'0').count();
    let digits: String = all().skip(zeros).take(Position::KEY_LENGTH).map(char::from).collect();
    if digits.is_empty() {
        return NumberText::new("0").as_ref().map(NumberValue::from);
    }
    // 0.d1d2d3... times ten to the power of this
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let shift = length(whole.len()).saturating_sub(length(zeros));
    let exponent = exponent.clamp(-FURTHEST, FURTHEST).saturating_add(shift);
    NumberText::new(&format!("{sign}0.{digits}e{exponent}")).as_ref().map(NumberValue::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> SortKey {
        SortKey::Number(NumberValue::from(&NumberText::new(text).unwrap()))
    }

    #[test]
    fn long_numbers_keep_their_value_but_for_the_last_digits() {
        let nines = "9".repeat(300);
        for (long, same) in [
            (format!("1{}", "0".repeat(300)), "1e300"),
            (format!("-0.{}5", "0".repeat(300)), "-5e-301"),
            (format!("0.{}", "0".repeat(300)), "0"),
            (format!("12.5{}", "0".repeat(300)), "12.5"),
            (format!("1.0e{}7", "0".repeat(300)), "1e7"),
            (nines.clone(), &format!("0.{}e300", "9".repeat(256))),
        ] {
            assert_eq!(Position::cut(number(&long)), number(same), "{same}");
        }
        let SortKey::Number(cut) = Position::cut(number(&nines)) else { panic!() };
        assert!(cut.as_str().len() < 300);
    }

    proptest! {
        #[test]
        fn cutting_keeps_the_order(
            (a, b) in ("[ab\u{e9}\u{20000}]{0,3}", "[ab\u{e9}\u{20000}]{0,3}"),
            common in 250..258_usize,
        ) {
            let text = |end: &str| SortKey::Text(format!("{}{end}", "\u{e9}".repeat(common)));
            let (long_a, long_b) = (text(&a), text(&b));
            let (short_a, short_b) = (Position::cut(long_a.clone()), Position::cut(long_b.clone()));
            prop_assert!(short_a == short_b || short_a.cmp(&short_b) == long_a.cmp(&long_b));
            if let SortKey::Text(text) = short_a {
                prop_assert!(text.chars().count() <= Position::KEY_LENGTH);
            }
        }

        #[test]
        fn cutting_numbers_keeps_the_order(
            (a, b) in ("-?[1-9][0-9]{0,3}(\\.[0-9]{1,4})?", "-?[1-9][0-9]{0,3}(\\.[0-9]{1,4})?"),
            (zeros_a, zeros_b) in (0..300_usize, 0..300_usize),
        ) {
            let long = |text: &str, zeros: usize| {
                let dot = if text.contains('.') { "" } else { ".0" };
                number(&format!("{text}{dot}{}3", "0".repeat(zeros)))
            };
            let (a, b) = (long(&a, zeros_a), long(&b, zeros_b));
            let (short_a, short_b) = (Position::cut(a.clone()), Position::cut(b.clone()));
            prop_assert!(short_a == short_b || short_a.cmp(&short_b) == a.cmp(&b), "{:?} {:?}", a, b);
        }
    }
}
