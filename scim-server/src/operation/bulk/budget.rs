//! What all operations of one bulk request share, so that many operations cost no more than a few large requests.

use scim_core::{ChangeSet, PatchLimits, RelationValues};

use super::super::relation_values;
use super::error::BulkError;
use crate::limits::Limits;

/// What is left.
pub(super) struct Budget {
    values: usize,
    sweeps: usize,
    most_values: usize,
    most_sweeps: usize,
    /// The limits of each PATCH.
    pub(super) patch: PatchLimits,
}

impl Budget {
    /// The budget of a request with so many PATCH operations.
    pub(super) fn new(limits: &Limits, patches: usize) -> Self {
        let share = limits.bulk_patch_work / u64::try_from(patches.max(1)).unwrap_or(u64::MAX);
        let patch = limits.patch.clone();
        let work = share.min(patch.work);
        Self {
            values: limits.relation_values,
            sweeps: limits.bulk_sweeps,
            most_values: limits.relation_values,
            most_sweeps: limits.bulk_sweeps,
            patch: patch.with_work(work),
        }
    }

    /// Pays for the values of relations of a POST or a PUT.
    pub(super) fn pay_values(&mut self, relations: &[RelationValues]) -> Result<(), BulkError> {
        self.pay(relations.iter().map(|values| values.targets.len()).sum(), 0)
    }

    /// Pays for the relations that a PATCH changes.
    pub(super) fn pay_changes(&mut self, changes: &ChangeSet) -> Result<(), BulkError> {
        let values = changes.relations.iter().map(|change| relation_values(&change.action)).sum();
        let sweeps = changes.relations.iter().filter(|change| change.is_sweep()).count();
        self.pay(values, sweeps)
    }

    fn pay(&mut self, values: usize, sweeps: usize) -> Result<(), BulkError> {
        let limit = self.most_values;
        self.values = self.values.checked_sub(values).ok_or(BulkError::TooManyValues { limit })?;
        let limit = self.most_sweeps;
        self.sweeps = self.sweeps.checked_sub(sweeps).ok_or(BulkError::TooManySweeps { limit })?;
        Ok(())
    }
}
