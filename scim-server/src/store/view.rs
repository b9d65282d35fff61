//! What the operations that all stores share need to read of one tenant's data.

use std::ops::ControlFlow;
use std::sync::Arc;

use scim_core::message::SortOrder;
use scim_core::{Object, ResourceId, TypeDefinition, Value, Version, raw_members};
use scim_filter::{ResolvedAttr, ResolvedFilter};

use super::encode::Index;
use super::plan::IdKey;
use super::{Load, Position, Record, Reference, Related, Start, StoreError};
use crate::context::RequestContext;

/// The number of a resource within a store. Greater numbers were created later.
pub(super) type Row = i64;

/// A resource as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its number.
    pub row: Row,
    /// All but its relations.
    pub record: Record,
    /// The name that references to it show.
    pub display: Option<Arc<str>>,
}

/// A resource as far as others refer to it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Its number.
    pub row: Row,
    /// What is shown of it.
    pub reference: Reference,
}

/// How many resources of which the numbers are known are read at once.
const AT_ONCE: usize = 64;

/// Which part of the order of creation is looked at, and from which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// All of it, from the first.
    All,
    /// What comes after this number, from there on.
    After(Row),
    /// What comes before this number, from there back.
    Before(Row),
}

/// What a store is asked that has means of its own to filter, sort and count.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code, reason = "nobody is asked"))]
pub(super) struct Ask<'a> {
    /// The type.
    pub definition: &'a Arc<TypeDefinition>,
    /// Which of its resources; all without a filter.
    pub filter: Option<&'a ResolvedFilter>,
    /// What they are sorted by; the order of creation without it.
    pub sort_by: Option<&'a ResolvedAttr>,
    /// The direction of the sort.
    pub order: SortOrder,
    /// Where to begin, and in which direction.
    pub start: &'a Start,
    /// How many there are to be at most, from the start on.
    pub take: usize,
    /// How many of these need not be told, as nobody looks at them.
    pub skip: u64,
}

/// What a store answers.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// How many resources match; always there where the start is an index.
    pub total: Option<u64>,
    /// The places of the first of them, seen from the start, in that order.
    pub entries: Vec<Position>,
    /// How many at the beginning were left out: all that might be, or none.
    pub skipped: u64,
    /// Whether there are [others](View::scan_unanswered) of which the store has decided nothing.
    pub others: bool,
}

/// The data of one tenant at one moment.
pub(super) trait View {
    /// Whether resources are kept with a search document.
    const SEARCHES: bool = false;

    /// The resource with this id, of any type.
    fn find(&self, id: &ResourceId) -> Result<Option<Stored>, StoreError>;

    /// Whether a resource is there in this version; no if that is not known.
    fn is_current(&self, row: Row, version: Version) -> bool {
        let _ = (row, version);
        false
    }

    /// As [`View::find`], only as far as others refer to it.
    fn link(&self, id: &ResourceId) -> Result<Option<Link>, StoreError>;

    /// The resources, of any type, whose ids are this one as an attribute compares it.
    fn links_by_key(&self, id: &IdKey) -> Result<Vec<Link>, StoreError>;

    /// The resource with this number.
    fn row(&self, row: Row) -> Result<Option<Stored>, StoreError>;

    /// The resources with these numbers, in this order, without those that there are not. The names to show may be left
    /// out.
    fn rows(&self, rows: &[Row]) -> Result<Vec<Stored>, StoreError> {
        rows.iter().filter_map(|row| self.row(*row).transpose()).collect()
    }

    /// How many resources of a type there are.
    fn count(&self, type_name: &Arc<str>) -> Result<u64, StoreError>;

    /// The resources of the given types at the beginning of a span, past the first `skip`, in the order in which the
    /// span is looked at. The names to show may be left out.
    fn page(&self, types: &[Arc<str>], span: Span, skip: u64, take: usize)
    -> Result<Vec<Stored>, StoreError>;

    /// Visits the resources of a type in a span, until that asks for no more.
    fn scan(
        &self,
        type_name: &Arc<str>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError>;

    /// As [`View::scan`], with what filters and sorting need to see of each resource; those that cannot match the filter
    /// may be left out.
    fn scan_seen(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        filter: Option<&ResolvedFilter>,
        span: Span,
        needs: &Needs<'_>,
        visit: &mut dyn FnMut(Row, Object) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError>
    where
        Self: Sized,
    {
        let _ = filter;
        self.scan(definition.shared_name(), span, &mut |stored| {
            visit(stored.row, seen(self, context, definition, &stored, needs)?)
        })
    }

    /// As [`View::scan_seen`], for the resources with these numbers, in this order, without those that there are not.
    fn rows_seen(
        &self,
        context: &RequestContext,
        definition: &TypeDefinition,
        rows: &[Row],
        needs: &Needs<'_>,
        visit: &mut dyn FnMut(Row, Object) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError>
    where
        Self: Sized,
    {
        for some in rows.chunks(AT_ONCE) {
            for stored in self.rows(some)? {
                if visit(stored.row, seen(self, context, definition, &stored, needs)?)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Finds and counts what matches with the means of the store, where no index does; `None` if it cannot.
    fn answer(&self, ask: &Ask<'_>) -> Result<Option<Answer>, StoreError> {
        let _ = ask;
        Ok(None)
    }

    /// Visits the resources of a type in a span of which an [`Answer`] says nothing, until that asks for no more.
    fn scan_unanswered(
        &self,
        definition: &Arc<TypeDefinition>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.scan(definition.shared_name(), span, visit)
    }

    /// The resources of a type that an index finds, in any order.
    fn indexed(
        &self,
        index: Index,
        type_name: &Arc<str>,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<Row>, StoreError>;

    /// Whether a relation has a value.
    fn refers(&self, source: Row, relation: &str, target: Row) -> Result<bool, StoreError>;

    /// The values of a relation in the order in which they were added; `None` if there are more than `limit`.
    fn targets(
        &self,
        source: Row,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError>;

    /// The resources of a type that have this one as a value of a relation, in the order in which that came about;
    /// `None` if there are more than `limit`.
    fn sources(
        &self,
        target: Row,
        source_type: &str,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError>;

    /// The resources of a type among the values of a relation that are in a span, in the order in which the span is looked
    /// at, at most so many.
    fn held(
        &self,
        source: Row,
        relation: &str,
        target_type: &str,
        span: Span,
        most: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// How many resources of a type are among the values of a relation.
    fn count_held(&self, source: Row, relation: &str, target_type: &str) -> Result<u64, StoreError>;

    /// The resources that have this one as a value of any relation, each once.
    fn holders(&self, target: Row) -> Result<Vec<Stored>, StoreError>;
}

impl Stored {
    /// The resource as others refer to it.
    pub(super) fn into_link(self) -> Link {
        let Record { id, resource_type, .. } = self.record;
        Link { row: self.row, reference: Reference::new(id, resource_type, self.display) }
    }
}

/// The record of a resource with as much of its relations as was asked for.
pub(super) fn loaded(
    view: &impl View,
    definition: &TypeDefinition,
    stored: Stored,
    load: Load,
) -> Result<Record, StoreError> {
    let limit = match load {
        Load::None => return Ok(stored.record),
        Load::AtMost(limit) => Some(limit),
        Load::All => None,
    };
    let related = related(view, definition, stored.row, limit, |_| true)?;
    Ok(Record { related, ..stored.record })
}

/// The resource as filters and sorting see it, with those of its relations that are wanted.
pub(super) fn shown(
    view: &impl View,
    context: &RequestContext,
    definition: &TypeDefinition,
    stored: Stored,
    wanted: &[&str],
) -> Result<Object, StoreError> {
    let related = if wanted.is_empty() {
        Vec::new()
    } else {
        related(view, definition, stored.row, None, |attribute| wanted.contains(&attribute))?
    };
    Record { related, ..stored.record }.to_object(context, definition).map_err(StoreError::internal)
}

/// What filters and sorting need to see of a resource: the rest of it is passed over.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs<'a> {
    /// Members of its document.
    pub members: Vec<Need<'a>>,
    /// Relations and their inverses.
    pub related: Vec<&'a str>,
    /// Whether `meta` is among it.
    pub meta: bool,
}

/// A member of a document.
#[derive(Clone, Debug)]
pub(super) struct Need<'a> {
    /// Its name: an attribute, or the URI of an extension.
    pub name: &'a str,
    /// The attributes of an extension that are needed; all of the member if it is none.
    pub parts: Option<Vec<&'a str>>,
}

impl<'a> Needs<'a> {
    /// Adds an attribute.
    pub(super) fn add(&mut self, definition: &'a TypeDefinition, extension: Option<&'a str>, name: &'a str) {
        let Some(uri) = extension else {
            if let Some(known) = kept_apart(definition).find(|known| known.eq_ignore_ascii_case(name)) {
                if !self.related.contains(&known) {
                    self.related.push(known);
                }
            } else if name.eq_ignore_ascii_case("meta") {
                self.meta = true;
            } else if !self.members.iter().any(|known| known.name == name) {
                self.members.push(Need { name, parts: None });
            }
            return;
        };
        match self.members.iter_mut().find(|known| known.name == uri) {
            Some(Need { parts: Some(parts), .. }) if !parts.contains(&name) => parts.push(name),
            Some(_) => {}
            None => self.members.push(Need { name: uri, parts: Some(vec![name]) }),
        }
    }
}

impl Need<'_> {
    /// Reads the value that a text begins with, as far as it is needed.
    pub(super) fn read(&self, text: &[u8]) -> Result<Value, StoreError> {
        let Some(parts) = &self.parts else { return Value::from_front(text).map_err(StoreError::internal) };
        let mut object = Object::new();
        let wanted = |name: &str| parts.iter().find(|part| part.eq_ignore_ascii_case(name)).copied();
        let mut damage = None;
        let read = raw_members(text, wanted, |name, raw| match Value::from_slice(raw) {
            Ok(value) => drop(object.insert(name, value)),
            Err(error) => damage = Some(error),
        });
        read.and(damage.map_or(Ok(()), Err)).map_err(StoreError::internal)?;
        Ok(Value::Object(object))
    }
}

/// The resource as far as filters and sorting need to see it.
pub(super) fn seen(
    view: &impl View,
    context: &RequestContext,
    definition: &TypeDefinition,
    stored: &Stored,
    needs: &Needs<'_>,
) -> Result<Object, StoreError> {
    let mut object = Object::new();
    let wanted = |name: &str| needs.members.iter().find(|need| need.name.eq_ignore_ascii_case(name));
    let mut damage = None;
    if !needs.members.is_empty() {
        let read = raw_members(&stored.record.document, wanted, |need, raw| match need.read(raw) {
            Ok(value) => drop(object.insert(need.name, value)),
            Err(error) => damage = Some(error),
        });
        read.map_err(StoreError::internal).and(damage.map_or(Ok(()), Err))?;
    }
    add_related(view, context, definition, stored.row, needs, &mut object)?;
    if needs.meta {
        object.insert("meta", stored.record.meta(context, definition));
    }
    Ok(object)
}

/// Adds the relations that are needed.
pub(super) fn add_related(
    view: &impl View,
    context: &RequestContext,
    definition: &TypeDefinition,
    row: Row,
    needs: &Needs<'_>,
    object: &mut Object,
) -> Result<(), StoreError> {
    if needs.related.is_empty() {
        return Ok(());
    }
    for related in related(view, definition, row, None, |attribute| needs.related.contains(&attribute))? {
        let references = related.references.iter().flatten();
        let values: Vec<Value> =
            references.map(|r| r.to_value(context, definition, &related.attribute)).collect();
        if !values.is_empty() {
            object.insert(&*related.attribute, values);
        }
    }
    Ok(())
}

/// The names of the attributes of a type whose values are relations or their inverses.
pub(super) fn kept_apart(definition: &TypeDefinition) -> impl Iterator<Item = &str> {
    let relations = definition.relations().iter().map(|relation| &*relation.attribute);
    relations.chain(definition.derived().iter().map(|derived| &*derived.attribute))
}

fn related(
    view: &impl View,
    definition: &TypeDefinition,
    row: Row,
    limit: Option<usize>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Related>, StoreError> {
    let mut related: Vec<Related> = Vec::new();
    let references = |links: Option<Vec<Link>>| {
        links.map(|links| links.into_iter().map(|link| link.reference).collect::<Vec<_>>())
    };
    for relation in definition.relations().iter().filter(|relation| wanted(&relation.attribute)) {
        let found = references(view.targets(row, &relation.attribute, limit)?);
        related.push(Related::new(Arc::clone(&relation.attribute), found));
    }
    for derived in definition.derived().iter().filter(|derived| wanted(&derived.attribute)) {
        let found = references(view.sources(row, &derived.source, &derived.relation, limit)?);
        // Several relations may show in one attribute.
        match related.iter_mut().find(|known| known.attribute == derived.attribute) {
            None => related.push(Related::new(Arc::clone(&derived.attribute), found)),
            Some(known) => {
                let both = known.references.take().zip(found).map(|(mut known, more)| {
                    known.extend(more);
                    known
                });
                known.references = both.filter(|all| limit.is_none_or(|limit| all.len() <= limit));
            }
        }
    }
    Ok(related)
}
