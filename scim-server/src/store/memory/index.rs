//! From values to the resources that have them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, BuildHasherDefault, RandomState};

use super::super::encode::Index;
use super::super::view::Row;
use super::shards::{Mixed, SHARDS};

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
        value: &'a [u8],
    },
}

impl<'a> What<'a> {
    pub(super) fn value(resource_type: &'a str, index: Index, attribute: u32, value: &'a [u8]) -> Self {
        Self::Value { resource_type, is_shared: index == Index::Shared, attribute, value }
    }
}

/// All indexes of a tenant in one table, from the hash of [`What`] to rows. The values themselves are with the
/// resources: whoever finds a row there looks whether it has the value.
#[derive(Debug)]
pub(super) struct Indexes {
    hasher: RandomState,
    shards: Vec<Shard>,
}

/// A part of the table, as in [`Shards`](super::shards::Shards). NB: of a hash and of a row, each entry has a half: what
/// has the same half as something else is among `several`, as are rows that are longer.
#[derive(Debug, Default)]
struct Shard {
    /// The resources that are alone with their hash: most.
    one: HashMap<u32, u32, BuildHasherDefault<Mixed>>,
    /// The others.
    several: HashMap<u32, BTreeSet<Row>, BuildHasherDefault<Mixed>>,
}

/// Stands for a row that is among `several`.
const SEVERAL: u32 = u32::MAX;

impl Default for Indexes {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { hasher: RandomState::new(), shards }
    }
}

impl Indexes {
    /// The rows that may have a value, in order.
    pub(super) fn find(&self, what: What<'_>) -> impl Iterator<Item = Row> {
        let (number, half) = self.place(what);
        let shard = self.shards.get(number);
        let found = shard.and_then(|shard| shard.one.get(&half)).copied();
        let one = found.filter(|row| *row != SEVERAL).map(Row::from);
        let several = found.and_then(|row| if row == SEVERAL { shard?.several.get(&half) } else { None });
        one.into_iter().chain(several.into_iter().flatten().copied())
    }

    pub(super) fn insert(&mut self, what: What<'_>, row: Row) {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        let (number, half) = self.place(what);
        let Some(Shard { one, several }) = self.shards.get_mut(number) else { return };
        let short = u32::try_from(row).unwrap_or(SEVERAL);
        match one.entry(half) {
            Vacant(free) => {
                free.insert(short);
                if short == SEVERAL {
                    several.entry(half).or_default().insert(row);
                }
            }
            Occupied(known) if *known.get() == short && short != SEVERAL => {}
            Occupied(mut known) => {
                let rows = several.entry(half).or_default();
                let before = known.insert(SEVERAL);
                rows.extend((before != SEVERAL).then_some(Row::from(before)));
                rows.insert(row);
            }
        }
    }

    pub(super) fn remove(&mut self, what: What<'_>, row: Row) {
        let (number, half) = self.place(what);
        let Some(Shard { one, several }) = self.shards.get_mut(number) else { return };
        let Some(known) = one.get(&half).copied() else { return };
        if known != SEVERAL {
            if Row::from(known) == row {
                one.remove(&half);
            }
        } else if let Some(rows) = several.get_mut(&half) {
            rows.remove(&row);
            if rows.is_empty() {
                several.remove(&half);
                one.remove(&half);
            }
        }
    }

    /// The number of a shard, and the half of the hash that is the key there.
    fn place(&self, what: What<'_>) -> (usize, u32) {
        let hash = self.hasher.hash_one(what);
        let (high, low) = (hash >> 32, hash & u64::from(u32::MAX));
        (usize::try_from(high).unwrap_or(0) & (SHARDS - 1), u32::try_from(low).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows come and go under one hash, also those that take more than 32 bits.
    #[test]
    fn rows_are_found_in_order_until_they_go() {
        let mut indexes = Indexes::default();
        let rows = |indexes: &Indexes| indexes.find(What::Id("a")).collect::<Vec<_>>();
        let long = Row::from(u32::MAX);
        let mut expected = Vec::new();
        for row in [7, 3, long + 1, 7, long, 9] {
            indexes.insert(What::Id("a"), row);
            expected.push(row);
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(rows(&indexes), expected);
        }
        indexes.insert(What::FoldedId("a"), 1);
        indexes.remove(What::Id("a"), 1);
        for row in [long, 7, 8, 3, 9, long + 1] {
            indexes.remove(What::Id("a"), row);
            expected.retain(|known| *known != row);
            assert_eq!(rows(&indexes), expected);
        }
        indexes.insert(What::Id("a"), long + 2);
        assert_eq!(rows(&indexes), [long + 2]);
        assert_eq!(indexes.find(What::FoldedId("a")).collect::<Vec<_>>(), [1]);
    }
}
