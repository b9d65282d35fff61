//! Answering a query over one tenant's data.

use std::cmp::Ordering;
use std::sync::Arc;

use scim_core::message::SortOrder;
use scim_core::{TypeDefinition, Value};
use scim_filter::SortKey;

use super::plan::{Access, IdKey, Lookup, Plan};
use super::view::{Row, Stored, View, kept_apart, loaded, shown};
use super::{Page, Query, Scope, StoreError};
use crate::context::RequestContext;

/// One page of what matches, and how much does.
pub(super) fn select(view: &impl View, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
    let skip = query.start_index.saturating_sub(1);
    let plans: Vec<Plan> =
        query.scopes.iter().map(|scope| Plan::new(&scope.definition, scope.filter.as_ref())).collect();
    let sorted = query.count > 0 && query.scopes.iter().any(|scope| scope.sort_by.is_some());
    let everything = plans.iter().all(|plan| plan.exact && plan.access == Access::Everything);
    if everything && !sorted {
        let types: Vec<Arc<str>> =
            query.scopes.iter().map(|scope| Arc::clone(scope.definition.shared_name())).collect();
        let mut total = 0_u64;
        for name in &types {
            total = total.saturating_add(view.count(name)?);
        }
        let stored = if query.count == 0 || skip >= total {
            Vec::new()
        } else {
            view.page(&types, skip, query.count)?
        };
        return page(view, query, total, stored);
    }
    let mut found = Found::new(query, skip);
    for (scope, plan) in query.scopes.iter().zip(&plans) {
        Search { view, context, scope, sorted }.run(plan, &mut found)?;
    }
    let (total, rows) = found.finish(query.count);
    let mut stored = Vec::with_capacity(rows.len());
    for row in rows {
        stored.extend(view.row(row)?);
    }
    page(view, query, total, stored)
}

fn page(view: &impl View, query: &Query, total: u64, stored: Vec<Stored>) -> Result<Page, StoreError> {
    let mut records = Vec::with_capacity(stored.len());
    for stored in stored {
        let scope = query.scopes.iter().find(|s| s.definition.name() == &*stored.record.resource_type);
        if let Some(scope) = scope {
            records.push(loaded(view, &scope.definition, stored, query.load)?);
        }
    }
    Ok(Page::new(total, records))
}

/// The search for what one scope asks for.
struct Search<'a, V> {
    view: &'a V,
    context: &'a RequestContext,
    scope: &'a Scope,
    sorted: bool,
}

impl<V: View> Search<'_, V> {
    fn run(&self, plan: &Plan, found: &mut Found) -> Result<(), StoreError> {
        let definition = &*self.scope.definition;
        let sorts = self.sorted && self.scope.sort_by.is_some();
        let wanted = self.wanted(plan.exact);
        // What neither the filter nor the order needs to see is never parsed.
        let mut judge = |stored: Stored| -> Result<(), StoreError> {
            let row = stored.row;
            if plan.exact && !sorts {
                found.push(SortKey::Unassigned, row);
                return Ok(());
            }
            let object = Value::Object(shown(self.view, self.context, definition, stored, &wanted)?);
            let matches =
                plan.exact || self.scope.filter.as_ref().is_none_or(|filter| filter.matches(&object));
            if matches {
                let key = match &self.scope.sort_by {
                    Some(attribute) if sorts => attribute.sort_key(&object),
                    _ => SortKey::Unassigned,
                };
                found.push(key, row);
            }
            Ok(())
        };
        match &plan.access {
            Access::Everything if plan.exact && !sorts => {
                // Beside a scope that has a filter: of this one the first are enough, as all sort alike.
                let name = definition.shared_name();
                found.total = found.total.saturating_add(self.view.count(name)?);
                if found.keep > 0 {
                    let first = self.view.page(std::slice::from_ref(name), 0, found.keep)?;
                    first.iter().for_each(|stored| found.keep(SortKey::Unassigned, stored.row));
                }
                Ok(())
            }
            Access::Everything => self.view.scan(definition.shared_name(), &mut judge),
            Access::Lookups(lookups) => {
                let mut rows = Vec::new();
                for lookup in lookups {
                    rows.extend(self.look_up(lookup)?);
                }
                rows.sort_unstable();
                rows.dedup();
                if plan.exact && !sorts {
                    rows.into_iter().for_each(|row| found.push(SortKey::Unassigned, row));
                    return Ok(());
                }
                for row in rows {
                    if let Some(stored) = self.view.row(row)? {
                        judge(stored)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The relations that the filter or the order looks at.
    fn wanted(&self, exact: bool) -> Vec<&str> {
        let scope = self.scope;
        let mut used = Vec::new();
        let mut note = |extension: Option<&str>, name: &str| {
            let apart = kept_apart(&scope.definition).find(|known| known.eq_ignore_ascii_case(name));
            if let (None, Some(known)) = (extension, apart)
                && !used.contains(&known)
            {
                used.push(known);
            }
        };
        if let (Some(filter), false) = (&scope.filter, exact) {
            filter.for_each_attr(|attr, parent| {
                if parent.is_none() {
                    note(attr.extension(), attr.name());
                }
            });
        }
        if let (Some(attr), true) = (&scope.sort_by, self.sorted) {
            note(attr.extension(), attr.name());
        }
        used
    }

    fn look_up(&self, lookup: &Lookup) -> Result<Vec<Row>, StoreError> {
        let (view, definition): (_, &TypeDefinition) = (self.view, &self.scope.definition);
        let links = |id: &IdKey| view.links_by_key(id);
        let mut rows = Vec::new();
        match lookup {
            Lookup::Id(id) => {
                let ours = |resource_type: &str| resource_type == definition.name();
                rows.extend(links(id)?.iter().filter(|l| ours(&l.reference.resource_type)).map(|l| l.row));
            }
            Lookup::Key { index, attribute, value } => {
                rows = view.indexed(*index, definition.shared_name(), attribute, value)?;
            }
            Lookup::Holders { relation, target } => {
                for target in links(target)? {
                    let found = view.sources(target.row, definition.name(), relation, None)?;
                    rows.extend(found.into_iter().flatten().map(|link| link.row));
                }
            }
            Lookup::Held { source_type, relation, source } => {
                for source in links(source)?.iter().filter(|l| l.reference.resource_type == *source_type) {
                    let found = view.targets(source.row, relation, None)?.into_iter().flatten();
                    let ours = found.filter(|link| &*link.reference.resource_type == definition.name());
                    rows.extend(ours.map(|link| link.row));
                }
            }
        }
        Ok(rows)
    }
}

/// What has been found so far: how much, and as many of the first as the page may need.
struct Found {
    order: SortOrder,
    skip: usize,
    keep: usize,
    total: u64,
    first: Vec<(SortKey, Row)>,
}

impl Found {
    /// How much more than is needed is collected before the surplus is dropped.
    const SLACK: usize = 1_024;

    fn new(query: &Query, skip: u64) -> Self {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let keep = if query.count == 0 { 0 } else { skip.saturating_add(query.count) };
        Self { order: query.order, skip, keep, total: 0, first: Vec::new() }
    }

    fn push(&mut self, key: SortKey, row: Row) {
        self.total = self.total.saturating_add(1);
        self.keep(key, row);
    }

    fn keep(&mut self, key: SortKey, row: Row) {
        if self.keep == 0 {
            return;
        }
        self.first.push((key, row));
        if self.first.len() >= self.keep.saturating_mul(2).saturating_add(Self::SLACK) {
            let order = self.order;
            self.first.select_nth_unstable_by(self.keep, |a, b| compare(order, a, b));
            self.first.truncate(self.keep);
        }
    }

    fn finish(mut self, count: usize) -> (u64, Vec<Row>) {
        let order = self.order;
        self.first.sort_unstable_by(|a, b| compare(order, a, b));
        (self.total, self.first.into_iter().skip(self.skip).take(count).map(|(_, row)| row).collect())
    }
}

/// By the key in the order asked for; ties in the order of creation, whatever the direction.
fn compare(order: SortOrder, (a, first): &(SortKey, Row), (b, second): &(SortKey, Row)) -> Ordering {
    let keys = match order {
        SortOrder::Ascending => a.cmp(b),
        SortOrder::Descending => b.cmp(a),
    };
    keys.then(first.cmp(second))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Dropping the surplus on the way changes neither the page nor the total.
        #[test]
        fn a_page_is_the_one_of_the_whole_list(
            keys in prop::collection::vec(0..40_u8, 0..6_000),
            skip in 0..700_u64,
            count in 0..700_usize,
            descending: bool,
        ) {
            let order = if descending { SortOrder::Descending } else { SortOrder::Ascending };
            let query = Query::new(Vec::new(), count).with_order(order);
            let mut found = Found::new(&query, skip);
            let mut all: Vec<(SortKey, Row)> = Vec::new();
            for (row, key) in (0..).zip(keys) {
                let key = if key == 0 { SortKey::Unassigned } else { SortKey::Text(key.to_string()) };
                found.push(key.clone(), row);
                all.push((key, row));
            }
            all.sort_by(|a, b| compare(order, a, b));
            let total = u64::try_from(all.len()).unwrap();
            let skip = usize::try_from(skip).unwrap();
            let page: Vec<Row> = all.into_iter().skip(skip).take(count).map(|(_, row)| row).collect();
            prop_assert_eq!(found.finish(count), (total, page));
        }
    }
}
