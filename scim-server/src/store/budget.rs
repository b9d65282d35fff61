use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::StoreError;

/// What the writes of one request may cost, in bytes of the resources that they are about. Clones share what is left.
///
/// It comes to a store in the [context](crate::RequestContext) of each call: with
/// [`Limits::resource`](crate::Limits::resource) for every request, and with
/// [`Limits::bulk_work`](crate::Limits::bulk_work) for a bulk request. The stores of this crate keep to it. A store that
/// rewrites documents should do so too: it [pays](WriteBudget::pay) for what a write has read before it goes on, and
/// for what it is about to write, and [checks](WriteBudget::check_size) how large that is.
///
/// ```
/// use scim_server::store::WriteBudget;
///
/// let budget = WriteBudget::unlimited().with_work(1_000).with_size(600);
/// assert!(budget.pay(700).is_ok() && budget.check_size(500, 600).is_ok());
/// assert!(budget.check_size(500, 601).is_err());
/// assert!(budget.check_size(900, 800).is_ok(), "what is too large already may shrink");
/// assert!(budget.pay(301).is_err() && budget.pay(1).is_err(), "nothing is left after the first refusal");
/// ```
#[derive(Clone, Debug)]
pub struct WriteBudget {
    size: usize,
    work: Option<Arc<Work>>,
}

#[derive(Debug)]
struct Work {
    limit: u64,
    left: AtomicU64,
}

/// What one value of a relation counts, in bytes.
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
const VALUE: usize = 64;

impl WriteBudget {
    /// A budget without limits.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self { size: usize::MAX, work: None }
    }

    /// Sets how large one resource may become, in bytes of its attributes as JSON.
    #[must_use]
    pub const fn with_size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Sets how many bytes of resources may be read and written by all writes together.
    #[must_use]
    pub fn with_work(mut self, bytes: u64) -> Self {
        self.work = Some(Arc::new(Work { limit: bytes, left: AtomicU64::new(bytes) }));
        self
    }

    /// Pays for so many bytes that a write has read or is about to write. Once they do not suffice, nothing is left.
    ///
    /// # Errors
    /// [`StoreError::WorkSpent`]: the write must not be carried out.
    pub fn pay(&self, bytes: usize) -> Result<(), StoreError> {
        let Some(work) = &self.work else { return Ok(()) };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let paid = work
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
        match paid {
            Ok(left) if left > 0 && left >= bytes => Ok(()),
            _ => Err(StoreError::WorkSpent { limit: work.limit }),
        }
    }

    /// Whether anything is left for a write that is about to begin.
    ///
    /// # Errors
    /// [`StoreError::WorkSpent`] if not.
    pub fn check_work(&self) -> Result<(), StoreError> {
        match &self.work {
            Some(work) if work.left.load(Ordering::Relaxed) == 0 => {
                Err(StoreError::WorkSpent { limit: work.limit })
            }
            _ => Ok(()),
        }
    }

    /// Whether a resource of so many bytes, none if it is new, may become one of so many.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] if it would be past the limit and larger than before.
    pub const fn check_size(&self, before: usize, after: usize) -> Result<(), StoreError> {
        if after > self.size && after > before {
            Err(StoreError::TooLarge { limit: self.size })
        } else {
            Ok(())
        }
    }

    /// Pays for so many values of a relation that a write has looked at.
    #[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
    pub(super) fn pay_values(&self, values: usize) -> Result<(), StoreError> {
        self.pay(values.saturating_mul(VALUE))
    }
}

impl Default for WriteBudget {
    /// Without limits.
    fn default() -> Self {
        Self::unlimited()
    }
}
