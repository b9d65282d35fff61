use std::sync::Arc;

use scim_core::TypeDefinition;
use scim_core::message::SortOrder;
use scim_filter::{ResolvedAttr, ResolvedFilter};

use super::{Load, Position, Record};

/// What is asked for: resources of one type or of several, in one order, one page of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// The types, each with what is asked of its resources. Resources of all of them make one list.
    pub scopes: Vec<Scope>,
    /// The direction of sorting, where a scope says by what.
    pub order: SortOrder,
    /// Where the page is.
    pub start: Start,
    /// How many resources the page has at most; 0 asks for the total only.
    pub count: usize,
    /// How much of the relations comes with each resource.
    pub load: Load,
    /// How many values filters and sorting may look at, all resources together. Past it:
    /// [`QueryWorkSpent`](super::StoreError::QueryWorkSpent).
    pub work: u64,
}

/// Where in a list a page is.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It begins with the resource of this 1-based index; at least 1.
    Index(u64),
    /// It begins with the first resource after this position.
    After(Position),
    /// It ends with the last resource before this position.
    Before(Position),
}

/// One type in a query.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scope {
    /// The type.
    pub definition: Arc<TypeDefinition>,
    /// Which of its resources; all without a filter.
    pub filter: Option<ResolvedFilter>,
    /// The attribute to sort by; a type that does not have it comes as if unassigned.
    pub sort_by: Option<ResolvedAttr>,
}

impl Scope {
    /// All resources of a type.
    #[must_use]
    pub fn all(definition: Arc<TypeDefinition>) -> Self {
        Self { definition, filter: None, sort_by: None }
    }

    /// Those that match a filter.
    #[must_use]
    pub fn with_filter(mut self, filter: Option<ResolvedFilter>) -> Self {
        self.filter = filter;
        self
    }

    /// Sorted by an attribute.
    #[must_use]
    pub fn with_sort_by(mut self, attribute: Option<ResolvedAttr>) -> Self {
        self.sort_by = attribute;
        self
    }
}

impl Query {
    /// The first resources of the given scopes, ascending, at most `count`.
    #[must_use]
    pub fn new(scopes: Vec<Scope>, count: usize) -> Self {
        Self {
            scopes,
            order: SortOrder::Ascending,
            start: Start::Index(1),
            count,
            load: Load::All,
            work: u64::MAX,
        }
    }

    /// Sorts in this direction.
    #[must_use]
    pub fn with_order(mut self, order: SortOrder) -> Self {
        self.order = order;
        self
    }

    /// Begins at this 1-based index.
    #[must_use]
    pub fn with_start_index(mut self, start_index: u64) -> Self {
        self.start = Start::Index(start_index.max(1));
        self
    }

    /// Begins or ends there.
    #[must_use]
    pub fn with_start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Lets filters and sorting look at so many values.
    #[must_use]
    pub fn with_work(mut self, values: u64) -> Self {
        self.work = values;
        self
    }

    /// Loads this much of the relations.
    #[must_use]
    pub fn with_load(mut self, load: Load) -> Self {
        self.load = load;
        self
    }
}

/// One page of an answer.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Page {
    /// How many resources match in all. Always there where the page was asked for by its index or its `count` is 0.
    /// A page at a position leaves it out where counting would cost more than the page.
    pub total_results: Option<u64>,
    /// The resources of the page, in order.
    pub records: Vec<Record>,
    /// What comes [after](Start::After) this page; `None` if it is the last one. A page [before](Start::Before) a
    /// position is never the last one.
    pub next: Option<Position>,
    /// What comes [before](Start::Before) this page; `None` if it is the first one. A page [after](Start::After) a
    /// position is never the first one.
    pub previous: Option<Position>,
}

impl Page {
    /// A page of an answer, with nothing before or after it.
    #[must_use]
    pub fn new(total_results: Option<u64>, records: Vec<Record>) -> Self {
        Self { total_results, records, next: None, previous: None }
    }

    /// Says where the next page begins.
    #[must_use]
    pub fn with_next(mut self, next: Option<Position>) -> Self {
        self.next = next;
        self
    }

    /// Says where the page before this one ends.
    #[must_use]
    pub fn with_previous(mut self, previous: Option<Position>) -> Self {
        self.previous = previous;
        self
    }
}
