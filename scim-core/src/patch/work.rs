//! What applying a PATCH costs, counted so that it can be bounded.

use scim_filter::ResolvedFilter;

use super::error::PatchErrorKind;
use crate::value::Value;

/// What is left of [`PatchLimits::work`](super::PatchLimits::work) and [`PatchLimits::copies`](super::PatchLimits::copies).
pub(super) struct Work {
    limit: u64,
    left: u64,
    copies_limit: u64,
    copies_left: u64,
}

impl Work {
    pub(super) fn new(limit: u64, copies: u64) -> Self {
        Self { limit, left: limit, copies_limit: copies, copies_left: copies }
    }

    /// Pays for looking at these values once, and once more for every comparison of a filter.
    pub(super) fn look(
        &mut self,
        values: &[Value],
        filter: Option<&ResolvedFilter>,
    ) -> Result<(), PatchErrorKind> {
        let times = filter.map_or(1, |filter| 1 + comparisons(filter));
        self.pay(values.iter().map(weight).sum::<u64>().saturating_mul(times))
    }

    /// Pays for a further copy of a value of this many bytes.
    pub(super) fn copy(&mut self, bytes: u64) -> Result<(), PatchErrorKind> {
        match self.copies_left.checked_sub(bytes) {
            Some(left) => {
                self.copies_left = left;
                Ok(())
            }
            None => Err(PatchErrorKind::TooManyCopies { limit: self.copies_limit }),
        }
    }

    pub(super) fn pay(&mut self, units: u64) -> Result<(), PatchErrorKind> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(PatchErrorKind::TooMuchWork { limit: self.limit }),
        }
    }
}

/// About as many bytes as the value has as JSON.
pub(super) fn bytes(value: &Value) -> u64 {
    const PUNCTUATION: u64 = 4;
    PUNCTUATION
        + match value {
            Value::Null | Value::Bool(_) => 0,
            Value::Number(number) => units(number.as_str().len()),
            Value::String(text) => units(text.len()),
            Value::Array(items) => items.iter().map(bytes).sum::<u64>(),
            Value::Object(object) => {
                object.iter().map(|(name, value)| units(name.as_str().len()) + bytes(value)).sum()
            }
        }
}

/// One unit for every value and for every 64 bytes of text.
pub(super) fn weight(value: &Value) -> u64 {
    const BYTES: usize = 64;
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => 1 + units(number.as_str().len() / BYTES),
        Value::String(text) => 1 + units(text.len() / BYTES),
        Value::Array(items) => 1 + items.iter().map(weight).sum::<u64>(),
        Value::Object(object) => 1 + object.values().map(weight).sum::<u64>(),
    }
}

fn comparisons(filter: &ResolvedFilter) -> u64 {
    match filter {
        ResolvedFilter::And(terms) | ResolvedFilter::Or(terms) => terms.iter().map(comparisons).sum(),
        ResolvedFilter::Not(filter) | ResolvedFilter::ValuePath { filter, .. } => comparisons(filter),
        _ => 1,
    }
}

fn units(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
