use std::time::Duration;

use scim_core::{JsonLimits, PatchLimits};
use scim_filter::Limits as FilterLimits;

/// How much one request may ask for. What goes past a limit is refused with an error that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The greatest body, in bytes. Default 1 MiB. Past it: 413.
    pub body: usize,
    /// Nesting and size of JSON.
    pub json: JsonLimits,
    /// Length, depth and terms of a filter in a URL.
    pub filter: FilterLimits,
    /// Length, depth and terms of a filter in a `.search`.
    pub search_filter: FilterLimits,
    /// Operations and paths of a PATCH.
    pub patch: PatchLimits,
    /// How many values a relation such as `members` may name in one request. Default 100,000, within `body`.
    pub relation_values: usize,
    /// How many operations of one PATCH may look at all values of a relation: replace the list, or remove what a
    /// filter other than `value eq` selects. Default 10.
    pub relation_sweeps: usize,
    /// How many operations a bulk request has at most: `maxOperations`. Default 1,000. Past it: 413.
    pub bulk_operations: usize,
    /// The greatest body of a bulk request, in bytes: `maxPayloadSize`. Default 4 MiB. Past it: 413.
    pub bulk_payload: usize,
    /// How many bytes the attributes of one resource may have as JSON once they are kept, relations such as `members`
    /// not counted. Default 1 MiB. What would grow past it, by whatever operation: 413.
    pub resource: usize,
    /// How many bytes of resources all operations of a bulk request together may read and write: one that changes a
    /// resource of 10 KiB counts 20 KiB, one that looks at all values of a relation 64 bytes for each. Default 64 MiB,
    /// enough for 1,000 changes of resources of 32 KiB. The operation that would go past it, and all after it: 400
    /// `tooMany`.
    pub bulk_work: u64,
    /// What [`PatchLimits::work`] is for one PATCH, for all of a bulk request together: each of them has an even share,
    /// and no more than one alone. Default 20,000,000. The values of relations in a bulk request count together
    /// against `relation_values`.
    pub bulk_patch_work: u64,
    /// What `relation_sweeps` is for one PATCH, for all of a bulk request together. Default 1,000.
    pub bulk_sweeps: usize,
    /// How many values the filter and the sorting of one request may look at, all resources together: a filter of one
    /// term looks at about ten values of a user, and at all values of an attribute that has many. Indexes need none.
    /// Default 50,000,000, which is a few seconds of one processor. Past it: 400 `tooMany`. Databases that filter by
    /// themselves have limits of time beside it.
    pub query_work: u64,
    /// How many resources a page has when the request does not say. Default 1,000.
    pub default_count: usize,
    /// How many resources a page has at most. Default 1,000. Asking for more gets this many.
    pub max_count: usize,
    /// For how long a cursor can be used after the page that gave it (RFC 9865), in whole seconds. Default 1 hour.
    /// Later: 400 `expiredCursor`.
    pub cursor_timeout: Duration,
    /// A PATCH of a resource whose relations have more values than this is answered 204 with no body, so that no
    /// long list is loaded. Default 25.
    pub patch_answer_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            json: JsonLimits::default(),
            filter: FilterLimits::default(),
            search_filter: FilterLimits::search(),
            patch: PatchLimits::default(),
            relation_values: 100_000,
            relation_sweeps: 10,
            bulk_operations: 1000,
            bulk_payload: 4 * 1024 * 1024,
            resource: 1024 * 1024,
            bulk_work: 64 * 1024 * 1024,
            bulk_patch_work: 20_000_000,
            bulk_sweeps: 1000,
            query_work: 50_000_000,
            default_count: 1000,
            max_count: 1000,
            cursor_timeout: Duration::from_secs(3600),
            patch_answer_values: 25,
        }
    }
}

impl Limits {
    /// Sets the greatest body in bytes.
    #[must_use]
    pub fn with_body(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }

    /// Sets how many values a relation may name in one request.
    #[must_use]
    pub fn with_relation_values(mut self, values: usize) -> Self {
        self.relation_values = values;
        self
    }

    /// Sets how many values of relations the answer to a PATCH has at most.
    #[must_use]
    pub fn with_patch_answer_values(mut self, values: usize) -> Self {
        self.patch_answer_values = values;
        self
    }

    /// Sets how many operations a bulk request has at most.
    #[must_use]
    pub fn with_bulk_operations(mut self, operations: usize) -> Self {
        self.bulk_operations = operations;
        self
    }

    /// Sets the greatest body of a bulk request in bytes.
    #[must_use]
    pub fn with_bulk_payload(mut self, bytes: usize) -> Self {
        self.bulk_payload = bytes;
        self
    }

    /// Sets how large one resource may become, in bytes of its attributes as JSON.
    #[must_use]
    pub fn with_resource(mut self, bytes: usize) -> Self {
        self.resource = bytes;
        self
    }

    /// Sets how many bytes of resources all operations of a bulk request may read and write.
    #[must_use]
    pub fn with_bulk_work(mut self, bytes: u64) -> Self {
        self.bulk_work = bytes;
        self
    }

    /// Sets how many values the filter and the sorting of one request may look at.
    #[must_use]
    pub fn with_query_work(mut self, values: u64) -> Self {
        self.query_work = values;
        self
    }

    /// Sets the greatest page, which is also the page of a request that does not say.
    #[must_use]
    pub fn with_max_count(mut self, count: usize) -> Self {
        self.max_count = count;
        self.default_count = count;
        self
    }

    /// Sets for how long a cursor can be used.
    #[must_use]
    pub fn with_cursor_timeout(mut self, timeout: Duration) -> Self {
        self.cursor_timeout = timeout;
        self
    }
}
