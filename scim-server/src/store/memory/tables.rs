//! The tables of one tenant.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::sync::Arc;

use scim_core::{Object, ResourceId, TypeDefinition, Version};
use scim_filter::{CaseRule, ResolvedFilter, comparison_key};

use super::super::change::{Creation, Mutation, RelationDiff, Removal, taken_id};
use super::super::encode::{Index, Keys};
use super::super::perform::{Transaction, blame};
use super::super::plan::IdKey;
use super::super::splice::Piece;
use super::super::view::{Link, Needs, Row, Span, Stored, View, add_related};
use super::super::{Record, StoreError};
use super::entry::{Entry, Key, Names};
use super::index::{Indexes, What};
use super::list::{Entries, List};
use super::relations::{Relations, key};
use super::shape::{Found, Shapes};
use super::shards::Shards;
use super::snapshot::{Seer, Snapshot};
use crate::context::RequestContext;

/// All resources of one tenant.
///
/// INVARIANT: `resources` and `types` hold the same resources in the same versions, and the indexes name each of them
/// under each of its keys and its id.
#[derive(Default)]
pub(super) struct Tables {
    resources: Shards<Arc<Entry>>,
    types: HashMap<Arc<str>, List>,
    shapes: HashMap<Arc<str>, Shapes>,
    indexes: Indexes,
    relations: Relations,
    names: Arc<Names>,
    last_row: Row,
}

/// A resource, and where the members of its document are.
pub(super) struct WithMembers {
    pub(super) stored: Stored,
    members: Option<Vec<Found>>,
    names: Arc<Names>,
}

impl WithMembers {
    /// The members of its document, if they are known.
    pub(super) fn pieces<'d>(&'d self, document: &'d [u8]) -> Option<Vec<Piece<'d>>> {
        let members = self.members.as_ref()?.iter();
        members.map(|(name, place)| Some((self.names.name(*name)?, document.get(place.clone())?))).collect()
    }
}

impl Transaction for Tables {
    fn check_new(&self, new: &[Creation]) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        for (nth, Creation { definition, mutation }) in new.iter().enumerate() {
            if self.by_id(mutation.record.id.as_str()).is_some() {
                return Err(blame(taken_id(definition, &mutation.record.id), nth, new.len()));
            }
            if let Some(keys) = &mutation.keys {
                let checked = self.check_unique(definition.shared_name(), None, keys, &mut seen);
                checked.map_err(|error| blame(error, nth, new.len()))?;
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
        let old = row.and_then(|row| self.resources.get(key(row)).cloned());
        let row = row.unwrap_or_else(|| {
            self.last_row = self.last_row.saturating_add(1);
            self.last_row
        });
        let stored = Stored { row, record, display };
        let entry = match (keys, &old) {
            (None, Some(old)) => {
                let mut entry = Entry::clone(old);
                (entry.version, entry.last_modified) = (stored.record.version, stored.record.last_modified);
                entry
            }
            (keys, old) => {
                let (keys, old) = (keys.unwrap_or_default(), old.as_deref());
                let shapes = self.shapes.entry(Arc::clone(type_name));
                let shapes = shapes.or_insert_with(|| Shapes::new(type_name));
                let entry = Entry::new(&stored, &keys, old, shapes, &mut self.names);
                if !keys.stay {
                    self.reindex(type_name, row, old, Some(&entry));
                }
                entry
            }
        };
        if old.is_some() {
            self.put(entry);
        } else {
            let entry = Arc::new(entry);
            self.indexes.insert(What::Id(entry.id()), row);
            if let Some(folded) = folded(entry.id()) {
                self.indexes.insert(What::FoldedId(&folded), row);
            }
            self.types.entry(Arc::clone(type_name)).or_default().push(Arc::clone(&entry));
            self.resources.insert(key(row), entry);
        }
        for diff in &relations {
            self.relations.change(row, diff);
        }
        Ok(stored)
    }

    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError> {
        self.relations.change(source, diff);
        Ok(())
    }

    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError> {
        let Some(entry) = self.resources.remove(key(removal.row)) else { return Ok(()) };
        self.reindex(entry.resource_type(), entry.row, Some(&entry), None);
        self.indexes.remove(What::Id(entry.id()), entry.row);
        if let Some(folded) = folded(entry.id()) {
            self.indexes.remove(What::FoldedId(&folded), entry.row);
        }
        if let Some(list) = self.types.get_mut(entry.resource_type()) {
            list.remove(entry.row);
        }
        self.relations.remove(entry.row);
        for (holder, last_modified) in &removal.holders {
            if let Some(holder) = self.resources.get(key(*holder)) {
                let mut holder = Entry::clone(holder);
                (holder.version, holder.last_modified) = (version, *last_modified);
                self.put(holder);
            }
        }
        Ok(())
    }
}

impl Tables {
    /// Whether a resource may have these keys, beside those that are stored and those that have been seen.
    fn check_unique<'k>(
        &self,
        type_name: &'k Arc<str>,
        row: Option<Row>,
        keys: &'k Keys,
        seen: &mut HashSet<(&'k str, &'k str, &'k str)>,
    ) -> Result<(), StoreError> {
        for unique in &keys.unique {
            let (attribute, value) = (&*unique.key.attribute, &*unique.key.value);
            let held = self.with_key(Index::Unique, type_name, attribute, value).any(|h| Some(h) != row);
            if held || !seen.insert((type_name, attribute, value)) {
                return Err(StoreError::Uniqueness {
                    resource_type: type_name.as_ref().to_owned(),
                    attribute: attribute.to_owned(),
                    value: unique.shown.clone(),
                });
            }
        }
        Ok(())
    }

    /// Puts another version of a resource in the place of the one that is there.
    fn put(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        if let Some(list) = self.types.get_mut(entry.resource_type()) {
            list.replace(Arc::clone(&entry));
        }
        self.resources.insert(key(entry.row), entry);
    }

    /// Brings the indexes from the keys of one version to those of another.
    fn reindex(&mut self, type_name: &str, row: Row, old: Option<&Entry>, new: Option<&Entry>) {
        for Key { index, attribute, value } in old.into_iter().flat_map(|old| old.keys_beside(new)) {
            self.indexes.remove(What::value(type_name, index, attribute, &value), row);
        }
        for Key { index, attribute, value } in new.into_iter().flat_map(|new| new.keys_beside(old)) {
            self.indexes.insert(What::value(type_name, index, attribute, &value), row);
        }
    }

    /// The resources of a type that have a value of an attribute.
    fn with_key<'a>(
        &'a self,
        index: Index,
        type_name: &'a str,
        attribute: &str,
        value: &'a str,
    ) -> impl Iterator<Item = Row> + 'a {
        let value = value.as_bytes();
        let found =
            self.names.number(attribute).map(|attribute| Key { index, attribute, value: value.into() });
        found.into_iter().flat_map(move |wanted| {
            let what = What::value(type_name, index, wanted.attribute, value);
            self.indexes.find(what).filter(move |row| {
                self.entry(*row).is_some_and(|e| **e.resource_type() == *type_name && e.has_key(&wanted))
            })
        })
    }

    fn entry(&self, row: Row) -> Option<&Arc<Entry>> {
        self.resources.get(key(row))
    }

    fn by_id(&self, id: &str) -> Option<&Arc<Entry>> {
        let mut rows = self.indexes.find(What::Id(id));
        rows.find_map(|row| self.entry(row).filter(|entry| entry.id() == id))
    }

    fn held_rows<'a>(
        &'a self,
        source: Row,
        relation: &str,
        target_type: &'a str,
        span: Span,
    ) -> impl Iterator<Item = Row> + 'a {
        let values = self.relations.values(source, relation).into_iter();
        let rows = values.flat_map(move |values| values.span(span));
        rows.filter(move |row| self.entry(*row).is_some_and(|entry| **entry.resource_type() == *target_type))
    }

    fn link_of(&self, row: Row) -> Result<Option<Link>, StoreError> {
        self.entry(row).map(|entry| entry.link()).transpose()
    }

    /// The resource with this id and type, as far as reading it takes.
    pub(super) fn record(&self, id: &ResourceId, type_name: &str) -> Option<(Row, Record)> {
        let entry = self.by_id(id.as_str()).filter(|entry| **entry.resource_type() == *type_name)?;
        Some((entry.row, entry.record(id.clone())))
    }

    /// The resource with this id and type, its names, and where in its document the values of its members are.
    pub(super) fn with_members(&self, id: &ResourceId, type_name: &str) -> Option<WithMembers> {
        let entry = self.by_id(id.as_str()).filter(|entry| **entry.resource_type() == *type_name)?;
        let (stored, members) = entry.stored_with_members(id.clone());
        Some(WithMembers { stored, members, names: Arc::clone(&self.names) })
    }

    /// A copy of what scans look at, which shares the resources.
    pub(super) fn snapshot(&self, types: impl Iterator<Item = Arc<str>>) -> Snapshot {
        let lists = types.map(|name| {
            let list = self.types.get(&name).cloned().unwrap_or_default();
            (name, list)
        });
        Snapshot::new(lists.collect(), Arc::clone(&self.names))
    }
}

impl View for Tables {
    fn is_current(&self, row: Row, version: Version) -> bool {
        self.entry(row).is_some_and(|entry| entry.version == version)
    }

    fn find(&self, id: &ResourceId) -> Result<Option<Stored>, StoreError> {
        self.by_id(id.as_str()).map(|entry| entry.stored()).transpose()
    }

    fn link(&self, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        self.by_id(id.as_str()).map(|entry| entry.link()).transpose()
    }

    fn links_by_key(&self, id: &IdKey) -> Result<Vec<Link>, StoreError> {
        let same = self.by_id(&id.key).map(|entry| entry.link());
        if id.exact {
            return same.into_iter().collect();
        }
        let rows = self.indexes.find(What::FoldedId(&id.key));
        let folded = rows.filter_map(|row| {
            self.entry(row).filter(|e| folded(e.id()).as_deref() == Some(&*id.key)).map(|e| e.link())
        });
        same.into_iter().chain(folded).collect()
    }

    fn row(&self, row: Row) -> Result<Option<Stored>, StoreError> {
        self.entry(row).map(|entry| entry.stored()).transpose()
    }

    fn rows(&self, rows: &[Row]) -> Result<Vec<Stored>, StoreError> {
        rows.iter().filter_map(|row| self.entry(*row)).map(|entry| entry.shown()).collect()
    }

    fn count(&self, type_name: &Arc<str>) -> Result<u64, StoreError> {
        Ok(self.types.get(type_name).map_or(0, |list| list.len().try_into().unwrap_or(u64::MAX)))
    }

    fn page(
        &self,
        types: &[Arc<str>],
        span: Span,
        skip: u64,
        take: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let lists: Vec<&List> = types.iter().filter_map(|name| self.types.get(name)).collect();
        if let [list] = lists.as_slice() {
            return list.span(span, skip).take(take).map(|entry| entry.shown()).collect();
        }
        // There are as many lists as there are types in the query: a handful.
        let mut parts: Vec<Peekable<Entries<'_>>> =
            lists.iter().map(|list| list.span(span, 0).peekable()).collect();
        let backwards = matches!(span, Span::Before(_));
        let in_order = std::iter::from_fn(move || {
            let heads = parts.iter_mut().filter_map(|part| Some((part.peek()?.row, part)));
            let first = heads.min_by_key(|(row, _)| if backwards { row.saturating_neg() } else { *row });
            first?.1.next()
        });
        in_order.skip(skip).take(take).map(|entry| entry.shown()).collect()
    }

    fn scan(
        &self,
        type_name: &Arc<str>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let Some(list) = self.types.get(type_name) else { return Ok(()) };
        for entry in list.span(span, 0) {
            if visit(entry.stored()?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn scan_seen(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        _: Option<&ResolvedFilter>,
        span: Span,
        needs: &Needs<'_>,
        visit: &mut dyn FnMut(Row, Object) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let Some(list) = self.types.get(definition.shared_name()) else { return Ok(()) };
        let mut seer = Seer::new(&self.names, context, definition, needs);
        for entry in list.span(span, 0) {
            let mut object = seer.see(entry)?;
            add_related(self, context, definition, entry.row, needs, &mut object)?;
            if visit(entry.row, object)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn rows_seen(
        &self,
        context: &RequestContext,
        definition: &TypeDefinition,
        rows: &[Row],
        needs: &Needs<'_>,
        visit: &mut dyn FnMut(Row, Object) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut seer = Seer::new(&self.names, context, definition, needs);
        for entry in rows.iter().filter_map(|row| self.entry(*row)) {
            let mut object = seer.see(entry)?;
            add_related(self, context, definition, entry.row, needs, &mut object)?;
            if visit(entry.row, object)?.is_break() {
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
        Ok(self.with_key(index, type_name, attribute, value).collect())
    }

    fn refers(&self, source: Row, relation: &str, target: Row) -> Result<bool, StoreError> {
        Ok(self.relations.values(source, relation).is_some_and(|values| values.has(target)))
    }

    fn targets(
        &self,
        source: Row,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        let Some(values) = self.relations.values(source, relation) else { return Ok(Some(Vec::new())) };
        if limit.is_some_and(|limit| values.len() > limit) {
            return Ok(None);
        }
        values.rows().filter_map(|row| self.link_of(row).transpose()).collect::<Result<_, _>>().map(Some)
    }

    fn sources(
        &self,
        target: Row,
        source_type: &str,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        let mut links = Vec::new();
        for (source, attribute) in self.relations.referring(target) {
            if &**attribute != relation {
                continue;
            }
            let link = self.link_of(source)?.filter(|link| &*link.reference.resource_type == source_type);
            links.extend(link);
            if limit.is_some_and(|limit| links.len() > limit) {
                return Ok(None);
            }
        }
        Ok(Some(links))
    }

    fn held(
        &self,
        source: Row,
        relation: &str,
        target_type: &str,
        span: Span,
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(self.held_rows(source, relation, target_type, span).take(most).collect())
    }

    fn count_held(&self, source: Row, relation: &str, target_type: &str) -> Result<u64, StoreError> {
        let count = self.held_rows(source, relation, target_type, Span::All).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn holders(&self, target: Row) -> Result<Vec<Stored>, StoreError> {
        let sources: BTreeSet<Row> = self.relations.referring(target).map(|(source, _)| source).collect();
        sources.into_iter().filter_map(|row| self.entry(row)).map(|entry| entry.stored()).collect()
    }
}

/// The comparison key of an id without case, unless that is the id itself.
fn folded(id: &str) -> Option<Box<str>> {
    let key = comparison_key(id, CaseRule::Fold);
    (key != id).then(|| key.into())
}
