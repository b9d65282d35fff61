use std::fmt;

use scim_filter::ResolvedFilter;

use super::error::{PatchError, PatchErrorKind};
use super::relation::REFERENCE;
use crate::value::Value;

/// What must hold of a relation before a change of it: its filter selects something, and nothing but what the client
/// says that it selects. References are never changed in place, so there is nothing else that `add` and `replace`
/// with a filter can come to.
#[derive(Clone, PartialEq)]
pub struct Expected {
    pub(super) operation: usize,
    /// The path for messages.
    pub(super) path: String,
    pub(super) filter: ResolvedFilter,
    /// What every selected value must match as well.
    pub(super) same: Option<ResolvedFilter>,
    /// Whether the filter must select something.
    pub(super) must_match: bool,
}

impl Expected {
    /// The filter, which is about the sub-attributes of one value of the relation.
    #[must_use]
    pub fn filter(&self) -> &ResolvedFilter {
        &self.filter
    }

    /// Looks at the values of the relation, or at least at all that [`Expected::filter`] matches.
    ///
    /// # Errors
    /// [`PatchError`] with scimType noTarget when the filter matches none of them, mutability when it matches one that
    /// would have to become another.
    pub fn check<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Result<(), PatchError> {
        let mut any = false;
        for value in values.into_iter().filter(|value| self.filter.matches_value(*value)) {
            any = true;
            if self.same.as_ref().is_some_and(|same| !same.matches_value(value)) {
                let kind = PatchErrorKind::Mutability { path: self.path.clone(), why: REFERENCE };
                return Err(PatchError::at(self.operation, kind));
            }
        }
        if any || !self.must_match {
            Ok(())
        } else {
            Err(PatchError::at(self.operation, PatchErrorKind::no_match(&self.path)))
        }
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").field("path", &self.path).finish_non_exhaustive()
    }
}
