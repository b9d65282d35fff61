//! Search documents: asking what is in them, and making them anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use scim_core::{TypeDefinition, Value};
use scim_filter::{ResolvedFilter, SortKey};
use tokio_postgres::Row as SqlRow;

use super::super::sql::{
    Parameter, Postgres, SearchDocument, Shape, SortColumn, Statement, Statements, Wanted,
};
use super::super::view::{Answer, Ask, Row, Span, Stored};
use super::super::{Position, Start, StoreError};
use super::rows::{FEW, MANY, Rows, column};
use super::session::{Request, Session, params};
use super::write::{Counts, add, count};
use crate::context::RequestContext;

/// How many search documents are made anew in one transaction. Others who want to change these resources wait for it.
const AT_ONCE: usize = 256;

type Visit<'v> = &'v mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>;

/// How the resources of a type are kept.
struct Kept {
    /// How many have a search document by today's schemas.
    searchable: u64,
    /// Whether there are others.
    others: bool,
}

impl Rows<'_> {
    fn statements<'s>(&'s self, definition: &'s TypeDefinition) -> Statements<'s, Postgres> {
        Statements {
            dialect: Postgres,
            tenant: self.context.tenant.as_str(),
            registry: &self.context.registry,
            definition,
        }
    }

    fn kept_request(&self, definition: &TypeDefinition) -> Request {
        const SQL: &str = "SELECT shape, CAST(SUM(count) AS BIGINT) FROM scim_counts \
            WHERE tenant = $1 AND type = $2 GROUP BY shape";
        Request::new(SQL, params![self.tenant(), definition.name().to_owned()])
    }

    fn kept(&self, definition: &Arc<TypeDefinition>, answer: &[SqlRow]) -> Result<Kept, StoreError> {
        let shape = Shape::of(definition);
        let (mut kept, mut outdated) = (Kept { searchable: 0, others: false }, false);
        for row in answer {
            let count = u64::try_from(column::<i64>(row, 1)?).unwrap_or(0);
            match column::<i64>(row, 0)? {
                _ if count == 0 => {}
                number if number == shape.number() => kept.searchable = count,
                number => {
                    kept.others = true;
                    outdated |= number != shape.misfit();
                }
            }
        }
        if outdated {
            self.outdated.borrow_mut().push(Arc::clone(definition));
        }
        Ok(kept)
    }

    pub(super) fn answer_by_search(&self, ask: &Ask<'_>) -> Result<Option<Answer>, StoreError> {
        let statements = self.statements(ask.definition);
        let count = match ask.filter.map(|filter| statements.count(filter)) {
            None => None,
            Some(Some(count)) => Some(count),
            Some(None) => return Ok(None),
        };
        let is_counted = count.is_some() && matches!(ask.start, Start::Index(_));
        let count = count.filter(|_| is_counted);
        let take = |skip: u64| ask.take.saturating_sub(usize::try_from(skip).unwrap_or(usize::MAX));
        let page = |skip: u64| {
            statements.page(&Wanted {
                filter: ask.filter,
                sort_by: ask.sort_by,
                order: ask.order,
                start: ask.start,
                skip,
                take: take(skip),
                counted: is_counted,
            })
        };
        let Some((first, sort)) = page(ask.skip) else { return Ok(None) };
        if !(can_be_bound(&first) && count.iter().all(can_be_bound)) {
            return Ok(None);
        }
        let mut requests = vec![self.kept_request(ask.definition)];
        if take(ask.skip) > 0 {
            requests.push(Request::once(first));
        }
        let mut answers = self.session.exchange(requests)?.into_iter();
        let Kept { searchable, others } = self.kept(ask.definition, &answers.next().unwrap_or_default())?;
        let mut rows = answers.next().unwrap_or_default();
        let mut skipped = ask.skip;
        if others && skipped > 0 {
            // Some of the others may come before the page.
            skipped = 0;
            if let Some((all, _)) = page(0) {
                rows = self.once(all)?;
            }
        }
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            entries.push(Position::new(key(sort.as_ref(), row)?, column(row, 0)?));
        }
        let total = match (count, rows.first()) {
            _ if ask.filter.is_none() => Some(searchable),
            (None, _) => None,
            (Some(_), Some(row)) => Some(number(column(row, if sort.is_some() { 2 } else { 1 })?)),
            (Some(_), None) if skipped == 0 && take(0) > 0 => Some(0),
            // There is no page that could tell.
            (Some(count), None) => {
                let rows = self.once(count)?;
                Some(rows.first().map_or(Ok(0), |row| column(row, 0)).map(number)?)
            }
        };
        Ok(Some(Answer { total, entries, skipped, others }))
    }

    /// Visits the resources that have no search document by today's schemas.
    pub(super) fn scan_unsearchable(
        &self,
        definition: &TypeDefinition,
        span: Span,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let portion = |span: Span, most: i64| {
            let (seek, row, order) = match span {
                Span::All => (">", Row::MIN, ""),
                Span::After(row) => (">", row, ""),
                Span::Before(row) => ("<", row, " DESC"),
            };
            let text = format!(
                "SELECT {} FROM scim_resources r WHERE r.tenant = $1 AND r.type = $2 AND r.shape <> $3 \
                 AND r.seq {seek} $4 ORDER BY r.seq{order} LIMIT $5",
                Self::STORED
            );
            let parameters = vec![
                Parameter::Text(self.tenant()),
                Parameter::Text(definition.name().to_owned()),
                Parameter::Integer(Shape::of(definition).number()),
                Parameter::Integer(row),
                Parameter::Integer(most),
            ];
            Some(Statement { text, parameters })
        };
        self.in_portions(span, portion, visit).map(drop)
    }

    /// Visits the resources that a filter may match; false if that would be all.
    pub(super) fn scan_candidates(
        &self,
        definition: &Arc<TypeDefinition>,
        filter: &ResolvedFilter,
        span: Span,
        visit: Visit<'_>,
    ) -> Result<bool, StoreError> {
        let portion = |span: Span, most: i64| {
            let found = self.statements(definition).candidates(Self::STORED, filter, span);
            let mut statement = found.filter(can_be_bound)?;
            statement.parameters.push(Parameter::Integer(most));
            statement.text.push_str(&format!(" LIMIT ${}", statement.parameters.len()));
            Some(statement)
        };
        if portion(span, FEW).is_none() {
            return Ok(false);
        }
        let answers = self.session.exchange(vec![self.kept_request(definition)])?;
        self.kept(definition, answers.first().map_or(&[], Vec::as_slice))?;
        self.in_portions(span, portion, visit)
    }

    /// Visits what a statement finds, in portions: each begins where the last one ended, in the one state that the
    /// transaction sees. False if there is no statement.
    fn in_portions(
        &self,
        mut span: Span,
        statement: impl Fn(Span, i64) -> Option<Statement>,
        visit: Visit<'_>,
    ) -> Result<bool, StoreError> {
        let mut most = FEW;
        loop {
            let Some(statement) = statement(span, most) else { return Ok(false) };
            let rows = self.once(statement)?;
            let found: Vec<Stored> = rows.iter().map(|row| self.stored(row)).collect::<Result<_, _>>()?;
            let found = self.remember(found);
            let is_last = i64::try_from(found.len()).is_ok_and(|found| found < most);
            for stored in found {
                span = match span {
                    Span::Before(_) => Span::Before(stored.row),
                    Span::All | Span::After(_) => Span::After(stored.row),
                };
                if visit(stored)?.is_break() {
                    return Ok(true);
                }
            }
            if is_last {
                return Ok(true);
            }
            most = MANY;
        }
    }

    fn once(&self, statement: Statement) -> Result<Vec<SqlRow>, StoreError> {
        let answers = self.session.exchange(vec![Request::once(statement)])?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }
}

/// Makes search documents for resources of a type after this one that have none by today's schemas, and ends the
/// transaction that writes them. Returns the last one that it has looked at, if there may be more.
pub(super) fn make_anew(
    session: &Session,
    context: &RequestContext,
    definition: &TypeDefinition,
    after: Row,
    slot: i64,
) -> Result<Option<Row>, StoreError> {
    const FIND: &str = "SELECT seq, document, shape FROM scim_resources \
        WHERE tenant = $1 AND type = $2 AND seq > $3 AND shape <> $4 AND shape <> $5 \
        ORDER BY seq LIMIT $6 FOR NO KEY UPDATE";
    const KEEP: &str = "UPDATE scim_resources SET shape = $3, search = CAST($4::TEXT AS JSONB) \
        WHERE tenant = $1 AND seq = $2";
    let (tenant, shape) = (|| context.tenant.as_str().to_owned(), Shape::of(definition));
    let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let name = definition.name();
    let parameters = params![tenant(), name.to_owned(), after, shape.number(), shape.misfit(), most];
    let found = session.rows(FIND, parameters)?;
    let (mut counts, mut last) = (Counts::new(), None);
    for row in &found {
        let number: Row = column(row, 0)?;
        // A damaged document is an error when it is read.
        let search = match Value::from_slice(column(row, 1)?) {
            Ok(Value::Object(document)) => SearchDocument::new(definition, &document),
            _ => SearchDocument { shape, json: None },
        };
        add(&mut counts, name, column(row, 2)?, -1);
        add(&mut counts, name, search.mark(), 1);
        let parameters = params![tenant(), number, search.mark(), search.json];
        session.change(Request::new(KEEP, parameters));
        last = Some(number);
    }
    count(session, context, counts, slot);
    session.commit()?;
    Ok(last.filter(|_| found.len() == AT_ONCE))
}

/// Whether PostgreSQL takes what is bound to a statement: a position may be at a text with the one character that it does
/// not take.
fn can_be_bound(statement: &Statement) -> bool {
    statement.parameters.iter().all(|parameter| match parameter {
        Parameter::Text(text) => !text.contains('\0'),
        Parameter::Integer(_) => true,
    })
}

/// What the resource in a row is sorted by.
fn key(sort: Option<&SortColumn>, row: &SqlRow) -> Result<SortKey, StoreError> {
    let Some(sort) = sort else { return Ok(SortKey::Unassigned) };
    if sort.is_integer() {
        return Ok(sort.key_of_integer(column(row, 1)?));
    }
    Ok(sort.key_of_text(column(row, 1)?))
}

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
