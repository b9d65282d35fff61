//! The tables of one tenant and their indexes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use scim_core::{ResourceId, TypeDefinition, Version};
use scim_filter::{CaseRule, comparison_key};

use super::super::StoreError;
use super::super::change::{Creation, Mutation, RelationDiff, Removal};
use super::super::encode::{Index, Key, Keys};
use super::super::perform::Transaction;
use super::super::plan::IdKey;
use super::super::view::{Link, Row, Span, Stored, View};

/// All resources of one tenant.
///
/// INVARIANT: every index names only resources that `resources` has, and names each as often as its keys say.
#[derive(Default)]
pub(super) struct Tables {
    resources: HashMap<Row, Entry>,
    ids: HashMap<ResourceId, Row>,
    /// The ids that are not their own comparison key without case, under that key.
    folded_ids: HashMap<Box<str>, BTreeSet<Row>>,
    /// The resources of each type in the order of creation, so that a page begins at once however deep it is. New
    /// ones have the greatest number and come at the end; taking one out moves eight bytes for each after it.
    types: HashMap<Arc<str>, Vec<Row>>,
    unique: HashMap<(Arc<str>, Key), Row>,
    shared: HashMap<(Arc<str>, Key), Rows>,
    /// The values of relations, by what refers.
    forward: HashMap<Row, HashMap<Arc<str>, Values>>,
    /// The same, by what is referred to.
    reverse: HashMap<Row, BTreeMap<Place, (Row, Arc<str>)>>,
    last_row: Row,
    last_place: Place,
}

/// A resource with what is needed to take it out of the indexes.
struct Entry {
    stored: Stored,
    unique: Vec<Key>,
    shared: Vec<Key>,
}

/// The order in which values came into relations.
type Place = u64;

/// The values of one relation of one resource.
#[derive(Default)]
struct Values {
    in_order: BTreeMap<Place, Row>,
    places: HashMap<Row, Place>,
}

/// The resources with one value; mostly one.
enum Rows {
    One(Row),
    Many(BTreeSet<Row>),
}

impl Transaction for Tables {
    fn check_new(&self, new: &[Creation]) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        for Creation { definition, mutation } in new {
            if let Some(keys) = &mutation.keys {
                self.check_unique(definition.shared_name(), None, keys, &mut seen)?;
            }
        }
        Ok(())
    }

    /// Carries a change out, or fails and changes nothing.
    fn commit(&mut self, definition: &TypeDefinition, mutation: Mutation) -> Result<Stored, StoreError> {
        let Mutation { row, record, display, keys, relations } = mutation;
        let type_name = definition.shared_name();
        if let Some(keys) = &keys {
            self.check_unique(type_name, row, keys, &mut HashSet::new())?;
        }
        let row = row.unwrap_or_else(|| {
            self.last_row = self.last_row.saturating_add(1);
            self.add_id(self.last_row, &record.id);
            self.types.entry(Arc::clone(type_name)).or_default().push(self.last_row);
            self.last_row
        });
        let stored = Stored { row, record, display };
        let old = self.resources.remove(&row);
        let entry = match (keys, old) {
            (Some(Keys { unique, shared, .. }), old) => {
                if let Some(old) = &old {
                    self.unindex(type_name, old);
                }
                let unique = unique.into_iter().map(|unique| unique.key).collect();
                let entry = Entry { stored: stored.clone(), unique, shared };
                self.index(type_name, &entry);
                entry
            }
            (None, Some(old)) => Entry { stored: stored.clone(), ..old },
            (None, None) => Entry { stored: stored.clone(), unique: Vec::new(), shared: Vec::new() },
        };
        self.resources.insert(row, entry);
        for diff in &relations {
            self.relate(row, diff)?;
        }
        Ok(stored)
    }

    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError> {
        let RelationDiff { attribute, added, removed } = diff;
        for target in removed {
            let values = self.forward.get_mut(&source).and_then(|all| all.get_mut(attribute));
            let Some(values) = values else { continue };
            if let Some(place) = values.places.remove(target) {
                values.in_order.remove(&place);
                self.forget(*target, place);
            }
        }
        for target in added {
            self.last_place = self.last_place.saturating_add(1);
            let place = self.last_place;
            let values = self.forward.entry(source).or_default().entry(Arc::clone(attribute)).or_default();
            values.in_order.insert(place, *target);
            values.places.insert(*target, place);
            self.reverse.entry(*target).or_default().insert(place, (source, Arc::clone(attribute)));
        }
        Ok(())
    }

    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError> {
        let Some(entry) = self.resources.remove(&removal.row) else { return Ok(()) };
        let record = &entry.stored.record;
        self.unindex(&record.resource_type, &entry);
        self.ids.remove(&record.id);
        if let Some(folded) = folded(record.id.as_str())
            && let Some(rows) = self.folded_ids.get_mut(&*folded)
        {
            rows.remove(&removal.row);
            if rows.is_empty() {
                self.folded_ids.remove(&*folded);
            }
        }
        if let Some(rows) = self.types.get_mut(&record.resource_type)
            && let Ok(at) = rows.binary_search(&removal.row)
        {
            rows.remove(at);
        }
        for (place, (source, attribute)) in self.reverse.remove(&removal.row).unwrap_or_default() {
            if let Some(values) = self.forward.get_mut(&source).and_then(|all| all.get_mut(&attribute)) {
                values.in_order.remove(&place);
                values.places.remove(&removal.row);
            }
        }
        for values in self.forward.remove(&removal.row).unwrap_or_default().into_values() {
            for (place, target) in values.in_order {
                self.forget(target, place);
            }
        }
        for (holder, last_modified) in &removal.holders {
            if let Some(entry) = self.resources.get_mut(holder) {
                entry.stored.record.version = version;
                entry.stored.record.last_modified = *last_modified;
            }
        }
        Ok(())
    }
}

impl Tables {
    /// Whether a resource may have these keys, beside those that are stored and those that have been seen.
    fn check_unique(
        &self,
        type_name: &Arc<str>,
        row: Option<Row>,
        keys: &Keys,
        seen: &mut HashSet<(Arc<str>, Key)>,
    ) -> Result<(), StoreError> {
        for unique in &keys.unique {
            let key = (Arc::clone(type_name), unique.key.clone());
            let held = self.unique.get(&key).is_some_and(|holder| Some(*holder) != row);
            if held || !seen.insert(key) {
                return Err(StoreError::Uniqueness {
                    resource_type: type_name.as_ref().to_owned(),
                    attribute: unique.key.attribute.as_ref().to_owned(),
                    value: unique.shown.clone(),
                });
            }
        }
        Ok(())
    }

    fn add_id(&mut self, row: Row, id: &ResourceId) {
        self.ids.insert(id.clone(), row);
        if let Some(folded) = folded(id.as_str()) {
            self.folded_ids.entry(folded).or_default().insert(row);
        }
    }

    fn index(&mut self, type_name: &Arc<str>, entry: &Entry) {
        let row = entry.stored.row;
        for key in &entry.unique {
            self.unique.insert((Arc::clone(type_name), key.clone()), row);
        }
        for key in &entry.shared {
            let rows = self.shared.entry((Arc::clone(type_name), key.clone()));
            rows.and_modify(|rows| rows.insert(row)).or_insert(Rows::One(row));
        }
    }

    fn unindex(&mut self, type_name: &Arc<str>, entry: &Entry) {
        for key in &entry.unique {
            self.unique.remove(&(Arc::clone(type_name), key.clone()));
        }
        for key in &entry.shared {
            let key = (Arc::clone(type_name), key.clone());
            if self.shared.get_mut(&key).is_some_and(|rows| rows.remove(entry.stored.row)) {
                self.shared.remove(&key);
            }
        }
    }

    /// Takes one entry out of the index by what is referred to.
    fn forget(&mut self, target: Row, place: Place) {
        if let Some(places) = self.reverse.get_mut(&target) {
            places.remove(&place);
            if places.is_empty() {
                self.reverse.remove(&target);
            }
        }
    }

    fn values(&self, source: Row, relation: &str) -> Option<&Values> {
        self.forward.get(&source)?.get(relation)
    }

    fn stored(&self, row: Row) -> Option<&Stored> {
        self.resources.get(&row).map(|entry| &entry.stored)
    }

    /// The part of a type that lies in a span, in the order of creation.
    fn part(&self, type_name: &Arc<str>, span: Span) -> &[Row] {
        let rows = self.types.get(type_name).map(Vec::as_slice).unwrap_or_default();
        let part = match span {
            Span::All => Some(rows),
            Span::After(row) => rows.get(rows.partition_point(|known| *known <= row)..),
            Span::Before(row) => rows.get(..rows.partition_point(|known| *known < row)),
        };
        part.unwrap_or_default()
    }

    fn link_of(&self, row: Row) -> Option<Link> {
        self.stored(row).cloned().map(Stored::into_link)
    }
}

impl View for Tables {
    fn find(&self, id: &ResourceId) -> Result<Option<Stored>, StoreError> {
        Ok(self.ids.get(id).and_then(|row| self.stored(*row)).cloned())
    }

    fn link(&self, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        Ok(self.ids.get(id).and_then(|row| self.link_of(*row)))
    }

    fn links_by_key(&self, id: &IdKey) -> Result<Vec<Link>, StoreError> {
        let same = id.key.parse::<ResourceId>().ok().and_then(|id| self.ids.get(&id).copied());
        let folded = self.folded_ids.get(&*id.key).filter(|_| !id.exact).into_iter().flatten().copied();
        Ok(same.into_iter().chain(folded).filter_map(|row| self.link_of(row)).collect())
    }

    fn row(&self, row: Row) -> Result<Option<Stored>, StoreError> {
        Ok(self.stored(row).cloned())
    }

    fn count(&self, type_name: &Arc<str>) -> Result<u64, StoreError> {
        Ok(self.types.get(type_name).map_or(0, |rows| rows.len().try_into().unwrap_or(u64::MAX)))
    }

    fn page(
        &self,
        types: &[Arc<str>],
        span: Span,
        skip: u64,
        take: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let mut parts: Vec<&[Row]> = types.iter().map(|name| self.part(name, span)).collect();
        let stored = |row: Row| self.stored(row).cloned();
        if let ([part], Span::All | Span::After(_)) = (parts.as_slice(), span) {
            let rows = part.get(skip..).unwrap_or_default();
            return Ok(rows.iter().take(take).copied().filter_map(stored).collect());
        }
        // There are as many parts as there are types in the query: a handful.
        let in_order = std::iter::from_fn(move || {
            if matches!(span, Span::Before(_)) {
                let last = parts.iter().filter_map(|rows| rows.last().copied()).max()?;
                for rows in &mut parts {
                    *rows = rows.strip_suffix(&[last]).unwrap_or(rows);
                }
                return Some(last);
            }
            let first = parts.iter().filter_map(|rows| rows.first().copied()).min()?;
            for rows in &mut parts {
                *rows = rows.strip_prefix(&[first]).unwrap_or(rows);
            }
            Some(first)
        });
        Ok(in_order.skip(skip).take(take).filter_map(stored).collect())
    }

    fn scan(
        &self,
        type_name: &Arc<str>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let rows = self.part(type_name, span).iter();
        let mut visit = |row: &Row| match self.stored(*row) {
            Some(stored) => visit(stored.clone()),
            None => Ok(ControlFlow::Continue(())),
        };
        let backwards = matches!(span, Span::Before(_));
        let (mut forth, mut back) = (rows.clone(), rows.rev());
        while let Some(row) = if backwards { back.next() } else { forth.next() } {
            if visit(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn indexed(
        &self,
        index: Index,
        type_name: &Arc<str>,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<Row>, StoreError> {
        let key = (Arc::clone(type_name), Key { attribute: attribute.into(), value: value.into() });
        Ok(match index {
            Index::Unique => self.unique.get(&key).copied().into_iter().collect(),
            Index::Shared => match self.shared.get(&key) {
                None => Vec::new(),
                Some(Rows::One(row)) => vec![*row],
                Some(Rows::Many(rows)) => rows.iter().copied().collect(),
            },
        })
    }

    fn refers(&self, source: Row, relation: &str, target: Row) -> Result<bool, StoreError> {
        Ok(self.values(source, relation).is_some_and(|values| values.places.contains_key(&target)))
    }

    fn targets(
        &self,
        source: Row,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        let Some(values) = self.values(source, relation) else { return Ok(Some(Vec::new())) };
        if limit.is_some_and(|limit| values.in_order.len() > limit) {
            return Ok(None);
        }
        Ok(Some(values.in_order.values().filter_map(|row| self.link_of(*row)).collect()))
    }

    fn sources(
        &self,
        target: Row,
        source_type: &str,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        let mut links = Vec::new();
        for (source, attribute) in self.reverse.get(&target).into_iter().flat_map(BTreeMap::values) {
            if &**attribute != relation {
                continue;
            }
            let link = self.link_of(*source).filter(|link| &*link.reference.resource_type == source_type);
            links.extend(link);
            if limit.is_some_and(|limit| links.len() > limit) {
                return Ok(None);
            }
        }
        Ok(Some(links))
    }

    fn holders(&self, target: Row) -> Result<Vec<Stored>, StoreError> {
        let sources: BTreeSet<Row> = self
            .reverse
            .get(&target)
            .into_iter()
            .flat_map(BTreeMap::values)
            .map(|(source, _)| *source)
            .collect();
        Ok(sources.into_iter().filter_map(|row| self.stored(row)).cloned().collect())
    }
}

impl Rows {
    fn insert(&mut self, row: Row) {
        match self {
            Self::One(known) if *known == row => {}
            Self::One(known) => *self = Self::Many(BTreeSet::from([*known, row])),
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

/// The comparison key of an id without case, unless that is the id itself.
fn folded(id: &str) -> Option<Box<str>> {
    let key = comparison_key(id, CaseRule::Fold);
    (key != id).then(|| key.into())
}
