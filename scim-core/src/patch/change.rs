use std::fmt;
use std::sync::Arc;

use scim_filter::ResolvedFilter;

use super::expected::Expected;
use super::request::PatchLimits;
use crate::ids::ResourceId;
use crate::quirk::Quirks;
use crate::value::{Object, Value, excerpt};

/// What a PATCH comes to once the schemas have been asked: changes of attributes and of relations, in order.
///
/// The two lists do not depend on each other: no change of an attribute touches a relation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChangeSet {
    /// Changes of the resource's own attributes.
    pub changes: Vec<Change>,
    /// Changes of relations, such as `Group.members`.
    pub relations: Vec<RelationChange>,
    /// [`PatchLimits::work`](super::PatchLimits::work) of the request.
    pub(super) work_limit: u64,
    /// [`PatchLimits::copies`](super::PatchLimits::copies) of the request.
    pub(super) copies_limit: u64,
}

impl Default for ChangeSet {
    fn default() -> Self {
        let PatchLimits { work: work_limit, copies: copies_limit, .. } = PatchLimits::default();
        Self { changes: Vec::new(), relations: Vec::new(), work_limit, copies_limit }
    }
}

/// One change of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The operation of the PATCH that it comes from, counted from 0.
    pub operation: usize,
    /// What is changed.
    pub target: Target,
    /// How.
    pub action: Action,
}

/// The attribute, or the part of one, that a change is about. Names are in the registered spelling.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The extension that has the attribute; `None` for the base schema.
    pub extension: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Arc<str>,
    /// Which values of a multi-valued attribute; all when there is no filter.
    pub filter: Option<ResolvedFilter>,
    /// The sub-attribute.
    pub sub: Option<Arc<str>>,
    /// What a value made for a filter that matches nothing begins with; `None` where no match is an error. Of no
    /// meaning to a `remove`, which may match nothing.
    pub template: Option<Object>,
    /// The quirks of the request, as some are only needed by what a resource turns out to have.
    pub(super) quirks: Quirks,
}

/// What a change does with its target. Values are in the form that the schema asks for, and are not part of `Debug`,
/// as one of them may be a password.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Adds a value, or the elements of a list (RFC 7644 section 3.5.2.1).
    Add(Value),
    /// Replaces the value; `None` leaves the attribute without one (section 3.5.2.3).
    Replace(Option<Value>),
    /// Takes the value away (section 3.5.2.2).
    Remove,
    /// Takes the listed values of a multi-valued attribute away.
    RemoveListed(Vec<Value>),
    /// Changes nothing, but fails unless the attribute has this value: a readOnly one that was sent along.
    /// [`ChangeSet::expects`] says which of those that the store has to lay over the resource are asked about.
    Expect(Value),
}

impl Action {
    /// The value that is written, if it is one.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Add(value) | Self::Replace(Some(value)) => Some(value),
            Self::Replace(None) | Self::Remove | Self::RemoveListed(_) | Self::Expect(_) => None,
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add(_) => "Add(..)",
            Self::Replace(Some(_)) => "Replace(Some(..))",
            Self::Replace(None) => "Replace(None)",
            Self::Remove => "Remove",
            Self::RemoveListed(_) => "RemoveListed(..)",
            Self::Expect(_) => "Expect(..)",
        })
    }
}

/// One change of a relation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RelationChange {
    /// The attribute of the relation, such as `members`.
    pub attribute: Arc<str>,
    /// What must hold of the values that are there, or else the PATCH fails.
    pub expected: Option<Expected>,
    /// What is done.
    pub action: RelationAction,
}

/// What is done with the values of a relation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RelationAction {
    /// Adds these; those that are there already stay as they are.
    Add(Vec<ResourceId>),
    /// Takes these out; those that are not there are passed over.
    Remove(Vec<ResourceId>),
    /// Takes out those that the filter selects, which is about the sub-attributes of one value.
    RemoveMatching(ResolvedFilter),
    /// Makes these the only ones.
    Replace(Vec<ResourceId>),
}

impl RelationChange {
    /// A change of the relation that is kept under this attribute.
    #[must_use]
    pub fn new(attribute: &str, action: RelationAction) -> Self {
        Self { attribute: attribute.into(), expected: None, action }
    }

    /// Whether a store has to look at all values of the relation: to replace them, or because a filter does not say
    /// which `value` it is about.
    #[must_use]
    pub fn is_sweep(&self) -> bool {
        let names_none = |filter: &ResolvedFilter| {
            !filter.equalities().iter().any(|term| term.sub.is_none() && term.attr.name() == "value")
        };
        let acts_on_all = match &self.action {
            RelationAction::Add(_) | RelationAction::Remove(_) => false,
            RelationAction::RemoveMatching(filter) => names_none(filter),
            RelationAction::Replace(_) => true,
        };
        acts_on_all || self.expected.as_ref().is_some_and(|expected| names_none(expected.filter()))
    }
}

impl ChangeSet {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.relations.is_empty()
    }

    /// Whether an attribute of the base schema or a common one, such as `meta` or `groups`, was sent along and must be
    /// in the resource for [`ChangeSet::apply`] to compare it.
    #[must_use]
    pub fn expects(&self, attribute: &str) -> bool {
        self.changes.iter().any(|Change { target, action, .. }| {
            matches!(action, Action::Expect(_))
                && target.extension.is_none()
                && target.attribute.eq_ignore_ascii_case(attribute)
        })
    }
}

impl Target {
    /// The target in the notation of RFC 7644 section 3.10, for messages.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = self.path_of_value();
        if let Some(sub) = &self.sub {
            path.push('.');
            path.push_str(sub);
        }
        path
    }

    /// The target without the part of its value that is named.
    pub(super) fn path_of_value(&self) -> String {
        let mut path = String::new();
        if let Some(extension) = &self.extension {
            path.push_str(extension);
            path.push(':');
        }
        path.push_str(&self.attribute);
        if let Some(filter) = &self.filter {
            push_filter(&mut path, filter);
        }
        path
    }
}

/// Appends a filter in brackets, shortened, for messages.
pub(super) fn push_filter(path: &mut String, filter: &ResolvedFilter) {
    path.push('[');
    path.push_str(&excerpt(&filter.to_string()));
    path.push(']');
}
