//! Answering a query over one tenant's data.

use std::ops::ControlFlow;
use std::sync::Arc;

use scim_core::message::SortOrder;
use scim_core::{Object, TypeDefinition, Value};
use scim_filter::{ResolvedFilter, SortKey};

use super::meter::Meter;
use super::plan::{Access, IdKey, Lookup, Plan};
use super::view::{Answer, Ask, Needs, Row, Span, Stored, View, loaded, seen};
use super::{Page, Position, Query, Scope, Start, StoreError};
use crate::context::RequestContext;

/// One page of what matches, and how much does.
pub(super) fn select(
    view: &impl View,
    context: &RequestContext,
    query: &Query,
    meter: &Meter,
) -> Result<Page, StoreError> {
    let plans = plans(query);
    let mut found = Found::of(query);
    if is_of_everything(query, &plans) {
        let stored = found.first_of_all(view, query)?;
        return page(view, query, found, stored);
    }
    search(view, context, query, &plans, &mut found, meter)?;
    let rows: Vec<Row> = found.entries.iter().map(Position::row).collect();
    let stored = view.rows(&rows)?;
    page(view, query, found, stored)
}

/// Whether a query has to look at all resources of a type, at no relations of theirs.
#[cfg(feature = "memory")]
pub(super) fn is_plain_scan(query: &Query) -> bool {
    let plans = plans(query);
    let sorted = is_sorted(query);
    let mut any = false;
    for (scope, plan) in query.scopes.iter().zip(&plans) {
        let sorts = sorted && scope.sort_by.is_some();
        if !sorts && (plan.exact || plan.access != Access::Everything) {
            continue;
        }
        any |= plan.access == Access::Everything;
        if plan.access != Access::Everything || !needs(scope, sorts, plan.exact).related.is_empty() {
            return false;
        }
    }
    any
}

/// So many lookups take no longer than a switch between threads.
#[cfg(feature = "sqlite")]
const FEW: usize = 8;

/// Whether a few resources at most are looked at, each found by an index.
#[cfg(feature = "sqlite")]
pub(super) fn finds_one(query: &Query) -> bool {
    let plans = plans(query);
    let lookups = plans.iter().map(|plan| plan.lookups().len()).sum::<usize>();
    lookups <= FEW
        && plans
            .iter()
            .all(|plan| plan.access != Access::Everything && plan.lookups().iter().all(Lookup::finds_one))
}

/// Finds what matches, without loading it.
#[cfg(feature = "memory")]
pub(super) fn find(
    view: &impl View,
    context: &RequestContext,
    query: &Query,
    meter: &Meter,
) -> Result<Found, StoreError> {
    let mut found = Found::of(query);
    search(view, context, query, &plans(query), &mut found, meter)?;
    Ok(found)
}

fn plans(query: &Query) -> Vec<Plan> {
    query.scopes.iter().map(|scope| Plan::new(&scope.definition, scope.filter.as_ref())).collect()
}

fn is_sorted(query: &Query) -> bool {
    query.count > 0 && query.scopes.iter().any(|scope| scope.sort_by.is_some())
}

fn is_of_everything(query: &Query, plans: &[Plan]) -> bool {
    !is_sorted(query) && plans.iter().all(|plan| plan.exact && plan.access == Access::Everything)
}

fn search(
    view: &impl View,
    context: &RequestContext,
    query: &Query,
    plans: &[Plan],
    found: &mut Found,
    meter: &Meter,
) -> Result<(), StoreError> {
    let sorted = is_sorted(query);
    for (scope, plan) in query.scopes.iter().zip(plans) {
        Search { view, context, scope, sorted, alone: plans.len() == 1, meter }.run(plan, found)?;
    }
    found.finish();
    Ok(())
}

/// Makes a page of what has been found.
pub(super) fn page(
    view: &impl View,
    query: &Query,
    found: Found,
    stored: Vec<Stored>,
) -> Result<Page, StoreError> {
    let mut records = Vec::with_capacity(stored.len());
    for stored in stored {
        let scope = query.scopes.iter().find(|s| s.definition.name() == &*stored.record.resource_type);
        if let Some(scope) = scope {
            records.push(loaded(view, &scope.definition, stored, query.load)?);
        }
    }
    let (first, last) = (found.entries.first().cloned(), found.entries.last().cloned());
    let (previous, next) = match &found.start {
        Start::Index(index) => (first.filter(|_| *index > 1), last.filter(|_| found.more)),
        Start::After(position) => {
            (Some(first.unwrap_or_else(|| position.behind())), last.filter(|_| found.more))
        }
        Start::Before(position) => {
            (first.filter(|_| found.more), Some(last.unwrap_or_else(|| position.ahead())))
        }
    };
    let total = found.counted_all.then_some(found.total);
    Ok(Page::new(total, records).with_next(next).with_previous(previous))
}

/// What the filter and the order of a scope look at.
fn needs(scope: &Scope, sorts: bool, exact: bool) -> Needs<'_> {
    let mut needs = Needs::default();
    if let (Some(filter), false) = (&scope.filter, exact) {
        filter.for_each_attr(|attr, parent| {
            if parent.is_none() {
                needs.add(&scope.definition, attr.extension(), attr.name());
            }
        });
    }
    if let (Some(attr), true) = (&scope.sort_by, sorts) {
        needs.add(&scope.definition, attr.extension(), attr.name());
    }
    needs
}

/// The search for what one scope asks for.
struct Search<'a, V> {
    view: &'a V,
    context: &'a RequestContext,
    scope: &'a Scope,
    sorted: bool,
    /// Whether there is no other scope.
    alone: bool,
    meter: &'a Meter,
}

impl<V: View> Search<'_, V> {
    fn run(&self, plan: &Plan, found: &mut Found) -> Result<(), StoreError> {
        let definition = &*self.scope.definition;
        let sorts = self.sorted && self.scope.sort_by.is_some();
        let needs = needs(self.scope, sorts, plan.exact);
        // Without a sort what is found comes in the order of the page, which is full at some time.
        let span = if self.sorted { Span::All } else { found.span() };
        let mut room = if span == Span::All { usize::MAX } else { found.keep };
        // What neither the filter nor the order needs to see is never parsed.
        let mut judge =
            |found: &mut Found, row: Row, object: Object| -> Result<ControlFlow<()>, StoreError> {
                let (mut matches, mut key) = (true, SortKey::Unassigned);
                if !plan.exact || sorts {
                    let object = Value::Object(object);
                    let watched = self.meter.watch(&object);
                    self.meter.begin_resource()?;
                    matches =
                        plan.exact || self.scope.filter.as_ref().is_none_or(|filter| filter.matches(watched));
                    if let (Some(attribute), true) = (&self.scope.sort_by, sorts && matches) {
                        key = Position::cut(attribute.sort_key(watched));
                    }
                    self.meter.check()?;
                }
                if matches {
                    found.push(Position::new(key, row));
                    room = room.saturating_sub(1);
                }
                Ok(if room == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            };
        match &plan.access {
            Access::Everything if plan.exact && !sorts => {
                // Beside a scope that has a filter: of this one the first are enough, as all sort alike.
                let name = definition.shared_name();
                found.total = found.total.saturating_add(self.view.count(name)?);
                if found.keep > 0 {
                    // Where others are sorted by a value, a position among those without one is one of creation too;
                    // any other is before or after all of these, and then `keep` drops them or the first are enough.
                    let span = if self.sorted { found.span_without_key() } else { span };
                    for stored in self.view.page(std::slice::from_ref(name), span, 0, found.keep)? {
                        found.keep(Position::new(SortKey::Unassigned, stored.row));
                    }
                }
                Ok(())
            }
            Access::Everything => {
                let definition = &self.scope.definition;
                let filter = self.scope.filter.as_ref().filter(|_| !plan.exact);
                let Some(answer) = self.view.answer(&self.ask(filter, found))? else {
                    found.counted_all &= span == Span::All;
                    return self.view.scan_seen(
                        self.context,
                        definition,
                        filter,
                        span,
                        &needs,
                        &mut |row, object| judge(found, row, object),
                    );
                };
                let others = answer.others;
                found.take_in(answer);
                if others {
                    found.counted_all &= span == Span::All;
                    self.view.scan_unanswered(definition, span, &mut |stored| {
                        let object = seen(self.view, self.context, definition, &stored, &needs)?;
                        judge(found, stored.row, object)
                    })?;
                }
                Ok(())
            }
            Access::Lookups(lookups) => {
                if plan.exact
                    && !self.sorted
                    && let [Lookup::Held { source_type, relation, source }] = lookups.as_slice()
                    && let [source] = self.sources_of(source_type, source)?.as_slice()
                {
                    return self.page_of_held(*source, relation, found);
                }
                let mut rows = Vec::new();
                for lookup in lookups {
                    rows.extend(self.look_up(lookup)?);
                }
                rows.sort_unstable();
                rows.dedup();
                if plan.exact && !sorts {
                    rows.into_iter().for_each(|row| found.push(Position::new(SortKey::Unassigned, row)));
                    return Ok(());
                }
                match span {
                    Span::All => {}
                    Span::After(place) => rows.retain(|row| *row > place),
                    Span::Before(place) => {
                        rows.retain(|row| *row < place);
                        rows.reverse();
                    }
                }
                found.counted_all &= span == Span::All;
                self.view.rows_seen(self.context, definition, &rows, &needs, &mut |row, object| {
                    judge(found, row, object)
                })
            }
        }
    }

    fn ask<'q>(&'q self, filter: Option<&'q ResolvedFilter>, found: &'q Found) -> Ask<'q> {
        Ask {
            definition: &self.scope.definition,
            filter,
            sort_by: self.scope.sort_by.as_ref().filter(|_| self.sorted),
            order: found.order,
            start: &found.start,
            take: found.keep,
            skip: match found.start {
                Start::Index(index) if self.alone && found.keep > 0 => index.saturating_sub(1),
                _ => 0,
            },
        }
    }

    /// A page of what one resource refers to, such as the members of a group, costs what the page costs.
    fn page_of_held(&self, source: Row, relation: &str, found: &mut Found) -> Result<(), StoreError> {
        let (view, name) = (self.view, self.scope.definition.name());
        match &found.start {
            Start::Index(_) => {
                found.total = found.total.saturating_add(view.count_held(source, relation, name)?);
            }
            Start::After(_) | Start::Before(_) => found.counted_all = false,
        }
        if found.keep > 0 {
            for row in view.held(source, relation, name, found.span(), found.keep)? {
                found.keep(Position::new(SortKey::Unassigned, row));
            }
        }
        Ok(())
    }

    /// The resources of a type with this id.
    fn sources_of(&self, source_type: &str, id: &IdKey) -> Result<Vec<Row>, StoreError> {
        let links = self.view.links_by_key(id)?.into_iter();
        Ok(links.filter(|link| &*link.reference.resource_type == source_type).map(|link| link.row).collect())
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
                for source in self.sources_of(source_type, source)? {
                    rows.extend(view.held(source, relation, definition.name(), Span::All, usize::MAX)?);
                }
            }
        }
        Ok(rows)
    }
}

/// What has been found so far: how much, and as many as the page may need of those that come first, seen from where it
/// starts.
pub(super) struct Found {
    start: Start,
    order: SortOrder,
    count: usize,
    keep: usize,
    /// How many that come before the page were never put among `entries`.
    passed: u64,
    total: u64,
    /// Whether `total` is of all that match, not only of those that were looked at.
    counted_all: bool,
    /// Once finished, those of the page, in the order of the list.
    pub(super) entries: Vec<Position>,
    /// Once finished, whether there are more in the direction of the page.
    more: bool,
}

impl Found {
    /// How much more than is needed is collected before the surplus is dropped.
    const SLACK: usize = 1_024;

    fn of(query: &Query) -> Self {
        // A page of nothing is nowhere: it is asked for to learn the total.
        let start = if query.count == 0 { &Start::Index(1) } else { &query.start };
        Self::new(start, query.order, query.count)
    }

    fn new(start: &Start, order: SortOrder, count: usize) -> Self {
        let keep = match start {
            _ if count == 0 => 0,
            Start::Index(index) => skipped(*index).saturating_add(count),
            // One more than the page shows whether there is another.
            Start::After(_) | Start::Before(_) => count.saturating_add(1),
        };
        Self {
            start: start.clone(),
            order,
            count,
            keep,
            passed: 0,
            total: 0,
            counted_all: true,
            entries: Vec::new(),
            more: false,
        }
    }

    /// The part of a list without a sort that the page is at the beginning of.
    fn span(&self) -> Span {
        match &self.start {
            Start::Index(_) => Span::All,
            Start::After(position) => Span::After(position.row()),
            Start::Before(position) => Span::Before(position.row()),
        }
    }

    /// The same among those that have no value to be sorted by.
    fn span_without_key(&self) -> Span {
        let without = |position: &Position| *position.key() == SortKey::Unassigned;
        match &self.start {
            Start::After(position) | Start::Before(position) if without(position) => self.span(),
            Start::Index(_) | Start::After(_) => Span::All,
            Start::Before(_) => Span::Before(Row::MAX),
        }
    }

    /// Finds a page of all resources, in the order of creation.
    fn first_of_all(&mut self, view: &impl View, query: &Query) -> Result<Vec<Stored>, StoreError> {
        let types: Vec<Arc<str>> =
            query.scopes.iter().map(|scope| Arc::clone(scope.definition.shared_name())).collect();
        for name in &types {
            self.total = self.total.saturating_add(view.count(name)?);
        }
        let (skip, take) = match &self.start {
            Start::Index(index) => (index.saturating_sub(1), self.count),
            Start::After(_) | Start::Before(_) => (0, self.keep),
        };
        let mut stored = if take == 0 || skip >= self.total {
            Vec::new()
        } else {
            view.page(&types, self.span(), skip, take)?
        };
        let seen = skip.saturating_add(u64::try_from(stored.len()).unwrap_or(u64::MAX));
        self.more = match self.start {
            Start::Index(_) => seen < self.total,
            Start::After(_) | Start::Before(_) => stored.len() > self.count,
        };
        stored.truncate(self.count);
        if matches!(self.start, Start::Before(_)) {
            stored.reverse();
        }
        self.entries = stored.iter().map(|stored| Position::new(SortKey::Unassigned, stored.row)).collect();
        Ok(stored)
    }

    /// Takes in what a store has found and counted by itself.
    fn take_in(&mut self, answer: Answer) {
        match answer.total {
            Some(total) => self.total = self.total.saturating_add(total),
            None => self.counted_all = false,
        }
        self.passed = answer.skipped;
        answer.entries.into_iter().for_each(|entry| self.keep(entry));
    }

    fn push(&mut self, entry: Position) {
        self.total = self.total.saturating_add(1);
        self.keep(entry);
    }

    fn keep(&mut self, entry: Position) {
        let order = self.order;
        let within = match &self.start {
            Start::Index(_) => true,
            Start::After(position) => position.compare(&entry, order).is_lt(),
            Start::Before(position) => position.compare(&entry, order).is_gt(),
        };
        if self.keep == 0 || !within {
            return;
        }
        self.entries.push(entry);
        if self.entries.len() >= self.keep.saturating_mul(2).saturating_add(Self::SLACK) {
            let backwards = self.is_backwards();
            self.entries.select_nth_unstable_by(self.keep, |a, b| {
                let (a, b) = if backwards { (b, a) } else { (a, b) };
                a.compare(b, order)
            });
            self.entries.truncate(self.keep);
        }
    }

    fn is_backwards(&self) -> bool {
        matches!(self.start, Start::Before(_))
    }

    /// Leaves those of the page.
    fn finish(&mut self) {
        let order = self.order;
        self.entries.sort_unstable_by(|a, b| a.compare(b, order));
        let count = self.count;
        match &self.start {
            Start::Index(index) => {
                let skip = skipped(index.saturating_sub(self.passed)).min(self.entries.len());
                self.entries.drain(..skip);
                self.entries.truncate(count);
                let seen = u64::try_from(skip.saturating_add(self.entries.len())).unwrap_or(u64::MAX);
                self.more = self.passed.saturating_add(seen) < self.total;
            }
            Start::After(_) => {
                self.more = self.entries.len() > count;
                self.entries.truncate(count);
            }
            Start::Before(_) => {
                let surplus = self.entries.len().saturating_sub(count);
                self.more = surplus > 0;
                self.entries.drain(..surplus);
            }
        }
    }
}

/// How many resources come before the one of this index.
fn skipped(index: u64) -> usize {
    usize::try_from(index.saturating_sub(1)).unwrap_or(usize::MAX)
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
            (place, row, which) in (0..42_u8, 0..6_000_i64, 0..3_u8),
            skip in 0..700_u64,
            count in 0..700_usize,
            descending: bool,
        ) {
            let order = if descending { SortOrder::Descending } else { SortOrder::Ascending };
            let key = |key: u8| if key == 0 { SortKey::Unassigned } else { SortKey::Text(key.to_string()) };
            let place = Position::new(key(place), row);
            let start = match which {
                1 if count > 0 => Start::After(place.clone()),
                2 if count > 0 => Start::Before(place.clone()),
                _ => Start::Index(skip + 1),
            };
            let mut found = Found::new(&start, order, count);
            let mut all: Vec<Position> = Vec::new();
            for (row, byte) in (0..).zip(keys) {
                found.push(Position::new(key(byte), row));
                all.push(Position::new(key(byte), row));
            }
            all.sort_by(|a, b| a.compare(b, order));
            found.finish();
            prop_assert_eq!(found.total, u64::try_from(all.len()).unwrap());
            let (from, to) = match start {
                Start::Index(_) => {
                    let from = usize::try_from(skip).unwrap().min(all.len());
                    (from, all.len().min(from + count))
                }
                Start::After(_) => {
                    let from = all.iter().filter(|e| place.compare(e, order).is_ge()).count();
                    (from, all.len().min(from + count))
                }
                Start::Before(_) => {
                    let to = all.iter().filter(|e| place.compare(e, order).is_gt()).count();
                    (to.saturating_sub(count), to)
                }
            };
            prop_assert_eq!(found.more, if which == 2 && count > 0 { from > 0 } else { to < all.len() });
            prop_assert_eq!(&found.entries, &all[from..to]);
        }
    }
}
