//! What a long scan looks at, while others go on writing.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scim_core::{Object, ResourceId, TypeDefinition, Version};
use scim_filter::ResolvedFilter;

use super::super::StoreError;
use super::super::encode::Index;
use super::super::plan::IdKey;
use super::super::view::{Link, Needs, Row, Span, Stored, View, seen};
use super::entry::{Entry, Member, Names};
use super::list::List;
use crate::context::RequestContext;

/// The resources of some types as they were at one moment, without their relations. Taking one shares them all.
pub(super) struct Snapshot {
    lists: HashMap<Arc<str>, List>,
    names: Arc<Names>,
}

impl Snapshot {
    pub(super) fn new(lists: HashMap<Arc<str>, List>, names: Arc<Names>) -> Self {
        Self { lists, names }
    }

    /// How many resources there are.
    pub(super) fn len(&self) -> usize {
        self.lists.values().map(List::len).sum()
    }

    /// The version that a resource had.
    pub(super) fn version(&self, row: Row) -> Option<Version> {
        self.lists.values().find_map(|list| list.get(row)).map(|entry| entry.version)
    }
}

/// Reads of resources what filters and sorting need to see of them.
pub(super) struct Seer<'a> {
    context: &'a RequestContext,
    definition: &'a TypeDefinition,
    needs: &'a Needs<'a>,
    /// The numbers of the members that are needed.
    numbers: Vec<Option<u32>>,
    /// For the JSON of one of them.
    text: Vec<u8>,
}

impl<'a> Seer<'a> {
    pub(super) fn new(
        names: &Names,
        context: &'a RequestContext,
        definition: &'a TypeDefinition,
        needs: &'a Needs<'a>,
    ) -> Self {
        let numbers = needs.members.iter().map(|need| names.number(need.name)).collect();
        Self { context, definition, needs, numbers, text: Vec::new() }
    }

    /// All but relations.
    pub(super) fn see(&mut self, entry: &Entry) -> Result<Object, StoreError> {
        let mut object = Object::new();
        for (need, number) in self.needs.members.iter().zip(&self.numbers) {
            match entry.member(*number, &mut self.text) {
                Member::Here(text) => drop(object.insert(need.name, need.read(text)?)),
                Member::Absent => {}
                Member::Unknown => {
                    let needs = Needs { related: Vec::new(), ..self.needs.clone() };
                    let nobody = Snapshot::new(HashMap::new(), Arc::default());
                    return seen(&nobody, self.context, self.definition, &entry.stored()?, &needs);
                }
            }
        }
        if self.needs.meta {
            object.insert("meta", entry.head(entry.resource_id()?).meta(self.context, self.definition));
        }
        Ok(object)
    }
}

/// NB: it is only asked for scans; whatever takes relations or indexes is answered from the tables.
impl View for Snapshot {
    fn find(&self, _: &ResourceId) -> Result<Option<Stored>, StoreError> {
        Err(unasked())
    }

    fn link(&self, _: &ResourceId) -> Result<Option<Link>, StoreError> {
        Err(unasked())
    }

    fn links_by_key(&self, _: &IdKey) -> Result<Vec<Link>, StoreError> {
        Err(unasked())
    }

    fn row(&self, row: Row) -> Result<Option<Stored>, StoreError> {
        self.lists.values().find_map(|list| list.get(row)).map(|entry| entry.stored()).transpose()
    }

    fn count(&self, type_name: &Arc<str>) -> Result<u64, StoreError> {
        Ok(self.lists.get(type_name).map_or(0, |list| list.len().try_into().unwrap_or(u64::MAX)))
    }

    fn page(
        &self,
        types: &[Arc<str>],
        span: Span,
        skip: u64,
        take: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        // Searches ask for one type at a time.
        let ([name], Ok(skip)) = (types, usize::try_from(skip)) else { return Err(unasked()) };
        let list = self.lists.get(name).into_iter();
        list.flat_map(|list| list.span(span, skip)).take(take).map(|entry| entry.stored()).collect()
    }

    fn scan(
        &self,
        type_name: &Arc<str>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        for entry in self.lists.get(type_name).into_iter().flat_map(|list| list.span(span, 0)) {
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
        let mut seer = Seer::new(&self.names, context, definition, needs);
        let list = self.lists.get(definition.shared_name());
        for entry in list.into_iter().flat_map(|list| list.span(span, 0)) {
            if visit(entry.row, seer.see(entry)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn indexed(&self, _: Index, _: &Arc<str>, _: &str, _: &str) -> Result<Vec<Row>, StoreError> {
        Err(unasked())
    }

    fn refers(&self, _: Row, _: &str, _: Row) -> Result<bool, StoreError> {
        Err(unasked())
    }

    fn targets(&self, _: Row, _: &str, _: Option<usize>) -> Result<Option<Vec<Link>>, StoreError> {
        Err(unasked())
    }

    fn sources(&self, _: Row, _: &str, _: &str, _: Option<usize>) -> Result<Option<Vec<Link>>, StoreError> {
        Err(unasked())
    }

    fn held(&self, _: Row, _: &str, _: &str, _: Span, _: usize) -> Result<Vec<Row>, StoreError> {
        Err(unasked())
    }

    fn count_held(&self, _: Row, _: &str, _: &str) -> Result<u64, StoreError> {
        Err(unasked())
    }

    fn holders(&self, _: Row) -> Result<Vec<Stored>, StoreError> {
        Err(unasked())
    }
}

fn unasked() -> StoreError {
    StoreError::internal("a snapshot has neither relations nor indexes")
}
