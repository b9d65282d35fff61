//! Working out what a write comes to, before anything is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_core::patch::{Expected, RelationAction, RelationChange};
use scim_core::{ChangeSet, Relation, RelationValues, Resource, ResourceId, TypeDefinition, Value, Version};
use scim_filter::{ResolvedFilter, TypedValue};

use super::encode::{Encoded, Keys, normalize};
use super::perform::blame;
use super::plan::IdKey;
#[cfg(feature = "memory")]
use super::splice::{Piece, can_splice, splice, splice_read};
use super::view::{Link, Row, Stored, View, kept_apart, shown};
use super::{NewResource, Precondition, Record, Reference, Replacement, StoreError};
use crate::context::RequestContext;

/// What changing a resource comes to.
#[derive(Debug)]
pub(super) enum Effect {
    /// There is no such resource.
    Missing,
    /// The resource is already as it is to be.
    Unchanged(Stored),
    /// The resource changes.
    Changed(Mutation),
}

/// A change of one resource that is ready to be written.
#[derive(Debug)]
pub(super) struct Mutation {
    /// The resource that changes; none if it is new.
    pub row: Option<Row>,
    /// The resource as it is to be, without relations.
    pub record: Record,
    /// The name that references to it show.
    pub display: Option<Arc<str>>,
    /// The keys that take the place of those it has; none if its attributes stay.
    pub keys: Option<Keys>,
    /// The relations that change.
    pub relations: Vec<RelationDiff>,
}

/// A resource that is ready to be kept.
#[derive(Debug)]
pub(super) struct Creation {
    /// Its type.
    pub definition: Arc<TypeDefinition>,
    /// The change that makes it, with [placeholders](RelationDiff::place) for those that are made along with it.
    pub mutation: Mutation,
}

/// What changes in one relation.
#[derive(Debug)]
pub(super) struct RelationDiff {
    /// The attribute.
    pub attribute: Arc<str>,
    /// What comes in, in order. Nothing that is there already.
    pub added: Vec<Row>,
    /// What goes. Nothing that is not there.
    pub removed: Vec<Row>,
}

/// A deletion that is ready to be carried out.
#[derive(Debug)]
pub(super) struct Removal {
    /// The resource that goes.
    pub row: Row,
    /// The resources that lose a value of a relation by it, with what they are to have for `last_modified`.
    pub holders: Vec<(Row, DateTime<Utc>)>,
}

/// Who writes what kind of resource, and under which version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a, V> {
    /// The data.
    pub view: &'a V,
    /// The request.
    pub context: &'a RequestContext,
    /// The type of the resource.
    pub definition: &'a TypeDefinition,
    /// The version that the resource gets if it changes.
    pub version: Version,
    /// What the same write creates, under the placeholders of its rows.
    pub coming: Option<&'a HashMap<ResourceId, Link>>,
}

/// Works out what keeping new resources comes to, which may refer to each other. Their ids differ. Those that are encoded
/// already are ahead, in the same order.
pub(super) fn create<V: View>(
    view: &V,
    context: &RequestContext,
    version: Version,
    new: &mut [(Arc<TypeDefinition>, NewResource)],
    ahead: Vec<Encoded>,
) -> Result<Vec<Creation>, StoreError> {
    let count = new.len();
    let mut ahead = ahead.into_iter();
    // Most are alone and refer to nothing.
    if let [(definition, new)] = new
        && new.relations.is_empty()
    {
        let writer = Writer { view, context, definition, version, coming: None };
        let mutation = writer.create(new, ahead.next())?;
        return Ok(vec![Creation { definition: Arc::clone(definition), mutation }]);
    }
    let mut coming = HashMap::with_capacity(count);
    let mut placeholder: Row = 0;
    for (nth, (definition, new)) in new.iter().enumerate() {
        placeholder = placeholder.saturating_sub(1);
        let reference = Reference::new(new.id.clone(), Arc::clone(definition.shared_name()), None);
        if coming.insert(new.id.clone(), Link { row: placeholder, reference }).is_some() {
            return Err(blame(taken_id(definition, &new.id), nth, count));
        }
    }
    new.iter_mut()
        .enumerate()
        .map(|(nth, (definition, new))| {
            let writer = Writer { view, context, definition, version, coming: Some(&coming) };
            let mutation = writer.create(new, ahead.next()).map_err(|error| blame(error, nth, count))?;
            Ok(Creation { definition: Arc::clone(definition), mutation })
        })
        .collect()
}

/// What of a write was worked out before the data was locked.
#[derive(Debug, Default)]
pub(super) enum Ahead {
    /// Nothing.
    #[default]
    Nothing,
    /// New resources, in their order.
    #[cfg(any(feature = "memory", feature = "sqlite"))]
    New(Vec<Encoded>),
    /// A PATCH.
    #[cfg(feature = "memory")]
    Changes(Box<AheadChanges>),
}

/// What the changes of a PATCH come to for the attributes of a resource in one of its versions.
#[derive(Debug)]
pub(super) struct AheadChanges {
    /// The resource in that version.
    stored: Stored,
    /// None if they change nothing.
    encoded: Option<Encoded>,
}

impl Ahead {
    pub(super) fn into_new(self) -> Vec<Encoded> {
        match self {
            #[cfg(any(feature = "memory", feature = "sqlite"))]
            Self::New(encoded) => encoded,
            _ => Vec::new(),
        }
    }

    pub(super) fn into_changes(self) -> Option<AheadChanges> {
        match self {
            #[cfg(feature = "memory")]
            Self::Changes(changes) => Some(*changes),
            _ => None,
        }
    }
}

#[cfg(any(feature = "memory", feature = "sqlite"))]
impl Ahead {
    /// Encodes new resources, which takes no data of the store.
    pub(super) fn of_new(new: &mut [(Arc<TypeDefinition>, NewResource)], with_search: bool) -> Self {
        let encode = |(definition, new): &mut (Arc<TypeDefinition>, NewResource)| {
            normalize(definition, &mut new.resource);
            Encoded::new(definition, &new.id, &new.resource, with_search)
        };
        Self::New(new.iter_mut().map(encode).collect())
    }
}

#[cfg(feature = "memory")]
impl Ahead {
    /// Works out what a PATCH comes to, unless that takes more of the data than the resource, or fails.
    pub(super) fn of_changes(
        definition: &TypeDefinition,
        stored: Stored,
        pieces: Option<&[Piece<'_>]>,
        changes: &ChangeSet,
    ) -> Self {
        let record = &stored.record;
        let mut beside = ["id", "meta"].into_iter().chain(kept_apart(definition));
        if changes.changes.is_empty() || beside.any(|name| changes.expects(name)) {
            return Self::Nothing;
        }
        let encoded = match record.hidden {
            None if can_splice(changes) => match pieces {
                Some(pieces) => splice(definition, pieces, changes),
                None => splice_read(definition, &record.document, changes),
            },
            _ => match record.to_resource() {
                Ok(resource) => encode_changed(definition, &record.id, changes, resource, false),
                Err(_) => return Self::Nothing,
            },
        };
        encoded.map_or(Self::Nothing, |encoded| Self::Changes(Box::new(AheadChanges { stored, encoded })))
    }
}

/// The resource with the changes; none if they change nothing.
fn encode_changed(
    definition: &TypeDefinition,
    id: &ResourceId,
    changes: &ChangeSet,
    mut resource: Resource,
    with_search: bool,
) -> Result<Option<Encoded>, StoreError> {
    if !changes.apply(definition, &mut resource)? {
        return Ok(None);
    }
    normalize(definition, &mut resource);
    Ok(Some(Encoded::new(definition, id, &resource, with_search)))
}

/// The refusal of an id that another resource has.
pub(super) fn taken_id(definition: &TypeDefinition, id: &ResourceId) -> StoreError {
    StoreError::Uniqueness {
        resource_type: definition.name().to_owned(),
        attribute: "id".to_owned(),
        value: scim_core::excerpt(id.as_str()),
    }
}

impl<V: View> Writer<'_, V> {
    /// The time of the request, to the millisecond, as `meta` shows it.
    fn now(&self) -> DateTime<Utc> {
        millis(self.context.now)
    }

    /// The resource that an id refers to.
    fn link(&self, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        match self.coming.and_then(|coming| coming.get(id)) {
            Some(link) => Ok(Some(link.clone())),
            None => self.view.link(id),
        }
    }

    fn create(&self, new: &mut NewResource, ahead: Option<Encoded>) -> Result<Mutation, StoreError> {
        let NewResource { id, resource, relations } = new;
        let encoded = ahead.unwrap_or_else(|| {
            normalize(self.definition, resource);
            Encoded::new(self.definition, id, resource, V::SEARCHES)
        });
        self.pay(&encoded, 0)?;
        let relations = self.relations(None, relations.iter().map(replace_values))?;
        let now = self.now();
        let record = Record {
            id: id.clone(),
            resource_type: Arc::clone(self.definition.shared_name()),
            created: now,
            last_modified: now,
            version: self.version,
            document: encoded.document,
            hidden: encoded.hidden,
            related: Vec::new(),
        };
        Ok(Mutation { row: None, record, display: encoded.display, keys: Some(encoded.keys), relations })
    }

    /// Pays for writing a resource that has so many bytes now.
    fn pay(&self, encoded: &Encoded, before: usize) -> Result<(), StoreError> {
        let after = encoded.size();
        self.context.budget.check_size(before, after)?;
        self.context.budget.pay(after)
    }

    pub(super) fn replace(
        &self,
        id: &ResourceId,
        replacement: &mut Replacement,
        precondition: &Precondition,
    ) -> Result<Effect, StoreError> {
        let Some(stored) = self.current(id, precondition)? else { return Ok(Effect::Missing) };
        let Replacement { resource, relations, is_change } = replacement;
        normalize(self.definition, resource);
        let encoded = Encoded::new(self.definition, id, resource, V::SEARCHES);
        self.pay(&encoded, size(&stored.record))?;
        let same = !*is_change
            && ((encoded.document == stored.record.document && encoded.hidden == stored.record.hidden)
                || stored.record.to_resource().map_err(StoreError::internal)? == *resource);
        let relations = self.relations(Some(stored.row), relations.iter().map(replace_values))?;
        Ok(self.effect(stored, (!same).then_some(encoded), relations))
    }

    pub(super) fn apply(
        &self,
        id: &ResourceId,
        changes: &ChangeSet,
        precondition: &Precondition,
        ahead: Option<AheadChanges>,
    ) -> Result<Effect, StoreError> {
        let ahead = ahead.filter(|ahead| self.view.is_current(ahead.stored.row, ahead.stored.record.version));
        let (known, encoded) = ahead.map(|ahead| (ahead.stored, ahead.encoded)).unzip();
        let found = match known {
            Some(stored) => Some(stored),
            None => self.view.find(id)?,
        };
        let Some(stored) = self.writable(found, precondition)? else { return Ok(Effect::Missing) };
        let encoded = match encoded {
            Some(encoded) => encoded,
            _ if changes.changes.is_empty() => None,
            _ => {
                let mut resource = stored.record.to_resource().map_err(StoreError::internal)?;
                self.lay_over(&stored, changes, &mut resource)?;
                encode_changed(self.definition, id, changes, resource, V::SEARCHES)?
            }
        };
        if let Some(encoded) = &encoded {
            self.pay(encoded, size(&stored.record))?;
        }
        let relations = self.relations(Some(stored.row), changes.relations.iter().cloned())?;
        Ok(self.effect(stored, encoded, relations))
    }

    /// Puts what is kept apart from the attributes where a PATCH that sends it along looks for it.
    fn lay_over(
        &self,
        stored: &Stored,
        changes: &ChangeSet,
        resource: &mut Resource,
    ) -> Result<(), StoreError> {
        let asked = ["id", "meta"].into_iter().chain(kept_apart(self.definition));
        let asked: Vec<&str> = asked.filter(|name| changes.expects(name)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let related: Vec<&str> =
            asked.iter().copied().filter(|name| self.definition.is_kept_apart(name)).collect();
        let mut shown = shown(self.view, self.context, self.definition, stored.clone(), &related)?;
        for name in asked {
            if let Some(value) = shown.remove(name) {
                self.context.budget.pay_values(value.as_array().map_or(0, <[Value]>::len))?;
                resource.attributes_mut().insert(name, value);
            }
        }
        Ok(())
    }

    pub(super) fn delete(
        &self,
        id: &ResourceId,
        precondition: &Precondition,
    ) -> Result<Option<Removal>, StoreError> {
        let Some(stored) = self.current(id, precondition)? else { return Ok(None) };
        let now = self.now();
        let holders = self.view.holders(stored.row)?;
        self.context.budget.pay(holders.iter().map(|holder| size(&holder.record)).sum())?;
        let holders = holders.into_iter().filter(|holder| holder.row != stored.row);
        let holders = holders.map(|holder| (holder.row, now.max(holder.record.last_modified))).collect();
        Ok(Some(Removal { row: stored.row, holders }))
    }

    /// The resource that is to be written, if there is one and it may be.
    fn current(&self, id: &ResourceId, precondition: &Precondition) -> Result<Option<Stored>, StoreError> {
        self.writable(self.view.find(id)?, precondition)
    }

    fn writable(
        &self,
        found: Option<Stored>,
        precondition: &Precondition,
    ) -> Result<Option<Stored>, StoreError> {
        let Some(stored) = found.filter(|s| &*s.record.resource_type == self.definition.name()) else {
            return Ok(None);
        };
        precondition.check(stored.record.version)?;
        self.context.budget.pay(size(&stored.record))?;
        Ok(Some(stored))
    }

    fn effect(&self, stored: Stored, encoded: Option<Encoded>, relations: Vec<RelationDiff>) -> Effect {
        if encoded.is_none() && relations.is_empty() {
            return Effect::Unchanged(stored);
        }
        let Stored { row, mut record, mut display } = stored;
        record.version = self.version;
        record.last_modified = record.last_modified.max(self.now());
        let mut keys = None;
        if let Some(encoded) = encoded {
            record.document = encoded.document;
            record.hidden = encoded.hidden;
            if !encoded.keys.stay() {
                display = encoded.display;
            }
            keys = Some(encoded.keys);
        }
        Effect::Changed(Mutation { row: Some(row), record, display, keys, relations })
    }

    /// What actions on relations, one after the other, come to in the end.
    fn relations(
        &self,
        source: Option<Row>,
        changes: impl Iterator<Item = RelationChange>,
    ) -> Result<Vec<RelationDiff>, StoreError> {
        let mut overlays: Vec<Overlay<'_, V>> = Vec::new();
        for change in changes {
            let Some(relation) = self.definition.relation(&change.attribute) else { continue };
            let known = overlays.iter().position(|overlay| overlay.relation.attribute == relation.attribute);
            let at = known.unwrap_or_else(|| {
                overlays.push(Overlay {
                    writer: self,
                    relation,
                    source,
                    values: HashMap::new(),
                    order: Vec::new(),
                });
                overlays.len().saturating_sub(1)
            });
            if let Some(overlay) = overlays.get_mut(at) {
                if let Some(expected) = &change.expected {
                    overlay.expect(expected)?;
                }
                overlay.act(change.action)?;
            }
        }
        Ok(overlays.into_iter().map(Overlay::finish).filter(|diff| !diff.is_empty()).collect())
    }
}

fn replace_values(values: &RelationValues) -> RelationChange {
    RelationChange::new(&values.attribute, RelationAction::Replace(values.targets.clone()))
}

/// The bytes of a resource as it is kept.
fn size(record: &Record) -> usize {
    record.document.len().saturating_add(record.hidden.as_ref().map_or(0, |hidden| hidden.len()))
}

/// Times are kept as `meta` shows them.
fn millis(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

impl RelationDiff {
    /// Puts rows in the place of placeholders: -1 stands for the first new resource of the write, -2 for the second.
    pub(super) fn place(&mut self, rows: &[Row]) {
        for added in &mut self.added {
            let placeholder = added.checked_add(1).and_then(i64::checked_neg);
            let row = placeholder.and_then(|n| rows.get(usize::try_from(n).ok()?));
            *added = row.copied().unwrap_or(*added);
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// A relation of one resource, with the values that a write has touched laid over those that are stored: what is not
/// touched is not read.
struct Overlay<'a, V> {
    writer: &'a Writer<'a, V>,
    relation: &'a Relation,
    source: Option<Row>,
    values: HashMap<Row, Touched>,
    /// The values in the order in which they were first touched.
    order: Vec<Row>,
}

/// A value of a relation that a write is about.
struct Touched {
    was_there: bool,
    is_there: bool,
}

impl<V: View> Overlay<'_, V> {
    fn act(&mut self, action: RelationAction) -> Result<(), StoreError> {
        match action {
            RelationAction::Add(ids) => ids.iter().try_for_each(|id| self.add(id).map(drop)),
            RelationAction::Remove(ids) => {
                for id in &ids {
                    if let Some(link) = self.writer.view.link(id)? {
                        self.touch(link.row)?.is_there = false;
                    }
                }
                Ok(())
            }
            RelationAction::RemoveMatching(filter) => self.remove_matching(&filter),
            RelationAction::Replace(ids) => {
                // Those that are there need not be looked up again.
                let mut known = HashMap::new();
                for link in self.stored()? {
                    self.touch_known(link.row, true);
                    known.insert(link.reference.id, link.row);
                }
                let mut wanted: HashSet<Row> = HashSet::with_capacity(ids.len());
                for id in &ids {
                    wanted.insert(match known.get(id) {
                        Some(row) => *row,
                        None => self.add(id)?,
                    });
                }
                for (row, value) in &mut self.values {
                    value.is_there = wanted.contains(row);
                }
                Ok(())
            }
            _ => Err(StoreError::internal("this store does not know the change that was asked for")),
        }
    }

    /// Adds a value, which must be a resource that the relation may refer to.
    fn add(&mut self, id: &ResourceId) -> Result<Row, StoreError> {
        let link = self.writer.link(id)?;
        let link = link.filter(|link| self.relation.targets.contains(&link.reference.resource_type));
        let Some(link) = link else {
            return Err(StoreError::UnknownReference {
                attribute: self.relation.attribute.as_ref().to_owned(),
                id: id.clone(),
            });
        };
        self.touch(link.row)?.is_there = true;
        Ok(link.row)
    }

    fn expect(&mut self, expected: &Expected) -> Result<(), StoreError> {
        let links = self.candidates(expected.filter())?;
        let values: Vec<_> = links.iter().map(|link| self.shown(link)).collect();
        Ok(expected.check(&values)?)
    }

    /// A value as filters see it.
    fn shown(&self, link: &Link) -> Value {
        let Writer { context, definition, .. } = *self.writer;
        link.reference.to_value(context, definition, &self.relation.attribute)
    }

    fn remove_matching(&mut self, filter: &ResolvedFilter) -> Result<(), StoreError> {
        for link in self.candidates(filter)? {
            if filter.matches_value(&self.shown(&link)) {
                self.touch(link.row)?.is_there = false;
            }
        }
        Ok(())
    }

    /// The values that a filter may select: those with the id that it asks for, or else all.
    fn candidates(&mut self, filter: &ResolvedFilter) -> Result<Vec<Link>, StoreError> {
        let view = self.writer.view;
        let mut links = Vec::new();
        for equality in filter.equalities() {
            if let (TypedValue::String(value), "value", None) =
                (equality.value, equality.attr.name(), equality.sub)
                && let Some(id) = IdKey::new(equality.attr, value)
            {
                for link in view.links_by_key(&id)? {
                    if self.touch(link.row)?.is_there {
                        links.push(link);
                    }
                }
                return Ok(links);
            }
        }
        links = self.stored()?;
        links.retain(|link| self.values.get(&link.row).is_none_or(|value| value.is_there));
        for row in &self.order {
            if self.values.get(row).is_some_and(|value| value.is_there && !value.was_there)
                && let Some(stored) = view.row(*row)?
            {
                links.push(stored.into_link());
            }
        }
        Ok(links)
    }

    fn stored(&self) -> Result<Vec<Link>, StoreError> {
        let Some(source) = self.source else { return Ok(Vec::new()) };
        let links = self.writer.view.targets(source, &self.relation.attribute, None)?.unwrap_or_default();
        self.writer.context.budget.pay_values(links.len())?;
        Ok(links)
    }

    fn touch(&mut self, row: Row) -> Result<&mut Touched, StoreError> {
        let was_there = match (self.values.get(&row), self.source) {
            (Some(known), _) => known.was_there,
            (None, Some(source)) => self.writer.view.refers(source, &self.relation.attribute, row)?,
            (None, None) => false,
        };
        Ok(self.touch_known(row, was_there))
    }

    fn touch_known(&mut self, row: Row, was_there: bool) -> &mut Touched {
        self.values.entry(row).or_insert_with(|| {
            self.order.push(row);
            Touched { was_there, is_there: was_there }
        })
    }

    fn finish(self) -> RelationDiff {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for row in self.order {
            match self.values.get(&row) {
                Some(Touched { was_there: false, is_there: true }) => added.push(row),
                Some(Touched { was_there: true, is_there: false }) => removed.push(row),
                _ => {}
            }
        }
        RelationDiff { attribute: Arc::clone(&self.relation.attribute), added, removed }
    }
}
