//! From values to the resources that have them.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use super::super::encode::Index;
use super::super::view::Row;
use super::shards::Shards;

/// What resources are found by.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) enum What<'a> {
    /// The id.
    Id(&'a str),
    /// The id without case, where that is not the id itself.
    FoldedId(&'a str),
    /// A value of an attribute of a type.
    Value {
        /// The name of the type.
        resource_type: &'a str,
        /// Whether others may have it too.
        is_shared: bool,
        /// The number of the path of the attribute.
        attribute: u32,
        /// The value as it compares.
        value: &'a str,
    },
}

impl<'a> What<'a> {
    pub(super) fn value(resource_type: &'a str, index: Index, attribute: u32, value: &'a str) -> Self {
        Self::Value { resource_type, is_shared: index == Index::Shared, attribute, value }
    }
}

/// All indexes of a tenant in one table, from the hash of [`What`] to rows. The values themselves are with the
/// resources: whoever finds a row there looks whether it has the value.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    hasher: RandomState,
    rows: Shards<Rows>,
}

/// The resources with one hash; mostly one.
#[derive(Debug)]
enum Rows {
    One(Row),
    #[expect(clippy::box_collection, reason = "half the size for the many that are one")]
    Many(Box<BTreeSet<Row>>),
}

impl Indexes {
    /// The rows that may have a value, in order.
    pub(super) fn find(&self, what: What<'_>) -> impl Iterator<Item = Row> {
        let (one, many) = match self.rows.get(self.hasher.hash_one(what)) {
            None => (None, None),
            Some(Rows::One(row)) => (Some(*row), None),
            Some(Rows::Many(rows)) => (None, Some(rows)),
        };
        one.into_iter().chain(many.into_iter().flat_map(|rows| rows.iter().copied()))
    }

    pub(super) fn insert(&mut self, what: What<'_>, row: Row) {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        match self.rows.entry(self.hasher.hash_one(what)) {
            Some(Occupied(mut known)) => known.get_mut().insert(row),
            Some(Vacant(free)) => drop(free.insert(Rows::One(row))),
            None => {}
        }
    }

    pub(super) fn remove(&mut self, what: What<'_>, row: Row) {
        let hash = self.hasher.hash_one(what);
        if self.rows.get_mut(hash).is_some_and(|rows| rows.remove(row)) {
            self.rows.remove(hash);
        }
    }
}

impl Rows {
    fn insert(&mut self, row: Row) {
        match self {
            Self::One(known) if *known == row => {}
            Self::One(known) => *self = Self::Many(Box::new(BTreeSet::from([*known, row]))),
            Self::Many(rows) => drop(rows.insert(row)),
        }
    }

    /// Takes a resource out and says whether none is left.
    fn remove(&mut self, row: Row) -> bool {
        match self {
            Self::One(known) => *known == row,
            Self::Many(rows) => {
                rows.remove(&row);
                rows.is_empty()
            }
        }
    }
}
