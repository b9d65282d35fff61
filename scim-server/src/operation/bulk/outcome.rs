use std::sync::Arc;

use scim_core::ResourceId;

/// What each operation of a bulk request came to, as an extension of its answer, for layers such as
/// [`audit`](crate::layer::audit): the answer as a whole is 200 whatever its operations did.
///
/// It is there on every answer 200 to a POST on `/Bulk`, and cheap to clone. An answer that comes before the request has
/// ended, as that of a limit of time, has none, although operations may have been carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkOutcomes(Arc<[BulkOutcome]>);

/// What one operation of a bulk request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkOutcome {
    /// Which operation of the request it is, from 1.
    pub operation: usize,
    /// POST, PUT, PATCH or DELETE; none where the operation had no method that there is.
    pub method: Option<&'static str>,
    /// The name of the resource type, such as `User`; none where the operation was refused before that was known.
    pub resource_type: Option<Arc<str>>,
    /// The resource that was created, changed or deleted, or was to be; none for a POST that failed and where it is not
    /// known.
    pub resource_id: Option<ResourceId>,
    /// The status in the answer, such as 201 or 409.
    pub status: u16,
}

impl BulkOutcomes {
    pub(super) fn new(outcomes: impl IntoIterator<Item = BulkOutcome>) -> Self {
        Self(outcomes.into_iter().collect())
    }

    /// The operations in the order of the request; those that were not come to, after `failOnErrors`, are left out.
    #[must_use]
    pub fn as_slice(&self) -> &[BulkOutcome] {
        &self.0
    }

    /// As [`BulkOutcomes::as_slice`], one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, BulkOutcome> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a BulkOutcomes {
    type Item = &'a BulkOutcome;
    type IntoIter = std::slice::Iter<'a, BulkOutcome>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl BulkOutcome {
    /// Whether the operation was carried out.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
