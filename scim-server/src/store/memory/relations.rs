//! Which resources refer to which.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::super::change::RelationDiff;
use super::super::view::{Row, Span};
use super::shards::Shards;

/// The values of all relations of one tenant, from both sides.
///
/// INVARIANT: `forward` and `reverse` say the same.
#[derive(Default)]
pub(super) struct Relations {
    /// By what refers.
    forward: Shards<HashMap<Arc<str>, Values>>,
    /// By what is referred to.
    reverse: Shards<BTreeMap<Place, (Row, Arc<str>)>>,
    last_place: Place,
}

/// The order in which values came into relations.
type Place = u64;

/// The values of one relation of one resource.
#[derive(Default)]
pub(super) struct Values {
    in_order: BTreeMap<Place, Row>,
    places: BTreeMap<Row, Place>,
}

impl Values {
    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// In the order in which they were added.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.in_order.values().copied()
    }

    /// In the order in which they were created, as far as they are in a span.
    pub(super) fn span(&self, span: Span) -> impl Iterator<Item = Row> {
        let (forth, back) = match span {
            Span::All => (Some(self.places.range(..)), None),
            Span::After(row) => (Some(self.places.range((Bound::Excluded(row), Bound::Unbounded))), None),
            Span::Before(row) => (None, Some(self.places.range(..row).rev())),
        };
        forth.into_iter().flatten().chain(back.into_iter().flatten()).map(|(row, _)| *row)
    }

    pub(super) fn has(&self, target: Row) -> bool {
        self.places.contains_key(&target)
    }
}

impl Relations {
    pub(super) fn values(&self, source: Row, relation: &str) -> Option<&Values> {
        self.forward.get(key(source))?.get(relation)
    }

    /// What refers to a resource, and by which relation, in the order in which that came about.
    pub(super) fn referring(&self, target: Row) -> impl Iterator<Item = (Row, &Arc<str>)> {
        let all = self.reverse.get(key(target)).into_iter().flat_map(BTreeMap::values);
        all.map(|(source, attribute)| (*source, attribute))
    }

    pub(super) fn change(&mut self, source: Row, diff: &RelationDiff) {
        let RelationDiff { attribute, added, removed } = diff;
        for target in removed {
            let values = self.forward.get_mut(key(source)).and_then(|all| all.get_mut(attribute));
            let place = values.and_then(|values| {
                let place = values.places.remove(target)?;
                values.in_order.remove(&place);
                Some(place)
            });
            if let Some(place) = place {
                self.forget(*target, place);
            }
        }
        for target in added {
            self.last_place = self.last_place.saturating_add(1);
            let place = self.last_place;
            if let Some(all) = self.forward.entry(key(source)) {
                let values = all.or_default().entry(Arc::clone(attribute)).or_default();
                values.in_order.insert(place, *target);
                values.places.insert(*target, place);
            }
            if let Some(places) = self.reverse.entry(key(*target)) {
                places.or_default().insert(place, (source, Arc::clone(attribute)));
            }
        }
    }

    /// Takes a resource out on both sides.
    pub(super) fn remove(&mut self, row: Row) {
        for (place, (source, attribute)) in self.reverse.remove(key(row)).unwrap_or_default() {
            let values = self.forward.get_mut(key(source)).and_then(|all| all.get_mut(&attribute));
            if let Some(values) = values {
                values.in_order.remove(&place);
                values.places.remove(&row);
            }
        }
        for values in self.forward.remove(key(row)).unwrap_or_default().into_values() {
            for (place, target) in values.in_order {
                self.forget(target, place);
            }
        }
    }

    fn forget(&mut self, target: Row, place: Place) {
        if let Some(places) = self.reverse.get_mut(key(target)) {
            places.remove(&place);
            if places.is_empty() {
                self.reverse.remove(key(target));
            }
        }
    }
}

/// A row as the key of a table.
pub(super) fn key(row: Row) -> u64 {
    row.cast_unsigned()
}
