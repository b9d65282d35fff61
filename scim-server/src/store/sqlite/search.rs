//! Search documents: asking what is in them, writing them, and making them anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Row as SqlRow, params, params_from_iter};
use scim_core::{TypeDefinition, Value};
use scim_filter::{ResolvedFilter, SortKey};

use super::super::sql::{
    Parameter, SearchDocument, Shape, SortColumn, Sqlite, Statement, Statements, Wanted,
};
use super::super::view::{Answer, Ask, Row, Span, Stored};
use super::super::{Position, Start, StoreError};
use super::error::failed;
use super::rows::Rows;

/// How many search documents are made anew in one go. Others who want to write wait for it.
const AT_ONCE: usize = 256;

type Visit<'v> = &'v mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>;

impl Rows<'_> {
    /// Keeps the search document of a resource in the place of the one it may have. The resource itself has its
    /// [mark](SearchDocument::mark).
    pub(super) fn write_search(
        &self,
        row: Row,
        search: &SearchDocument,
        is_new: bool,
    ) -> Result<(), StoreError> {
        const KEEP: &str = "INSERT INTO search (resource, shape, document) VALUES (?1, ?2, jsonb(?3)) \
            ON CONFLICT (resource) DO UPDATE SET shape = excluded.shape, document = excluded.document";
        match &search.json {
            Some(json) => self.prepare(KEEP)?.execute(params![row, search.shape.number(), json]),
            None if is_new => Ok(0),
            None => self.prepare("DELETE FROM search WHERE resource = ?1")?.execute([row]),
        }
        .map_err(failed)?;
        Ok(())
    }

    /// How many resources of a type have a search document by today's schemas, and whether there are others.
    fn searchable(&self, definition: &Arc<TypeDefinition>) -> Result<(u64, bool), StoreError> {
        const SQL: &str = "SELECT shape, count FROM counts WHERE tenant = ?1 AND type = ?2 AND count > 0";
        let shape = Shape::of(definition);
        let mut statement = self.prepare(SQL)?;
        let mut rows = statement.query([self.tenant(), definition.name()]).map_err(failed)?;
        let (mut searchable, mut others, mut outdated) = (0, false, false);
        while let Some(row) = rows.next().map_err(failed)? {
            match row.get::<_, i64>(0).map_err(failed)? {
                number if number == shape.number() => searchable = row.get(1).map_err(failed)?,
                number => {
                    others = true;
                    outdated |= number != shape.misfit();
                }
            }
        }
        if outdated {
            self.outdated.borrow_mut().push(Arc::clone(definition));
        }
        Ok((searchable, others))
    }

    fn statements<'s>(&'s self, definition: &'s TypeDefinition) -> Statements<'s, Sqlite> {
        Statements { dialect: Sqlite, tenant: self.tenant(), registry: &self.context.registry, definition }
    }

    pub(super) fn answer_by_search(&self, ask: &Ask<'_>) -> Result<Option<Answer>, StoreError> {
        let statements = self.statements(ask.definition);
        let count = match ask.filter.map(|filter| statements.count(filter)) {
            None => None,
            Some(Some(count)) => Some(count),
            Some(None) => return Ok(None),
        };
        let (searchable, others) = self.searchable(ask.definition)?;
        let skipped = if others { 0 } else { ask.skip };
        let take = ask.take.saturating_sub(usize::try_from(skipped).unwrap_or(usize::MAX));
        let is_counted = count.is_some() && matches!(ask.start, Start::Index(_));
        // What is not sorted comes as it is found, so that one look is enough to find and to count.
        let at_once = is_counted && ask.sort_by.is_none();
        let (mut entries, mut seen) = (Vec::new(), 0_u64);
        if take > 0 || at_once {
            let wanted = Wanted {
                filter: ask.filter,
                sort_by: ask.sort_by,
                order: ask.order,
                start: ask.start,
                skip: if at_once { 0 } else { skipped },
                take: if at_once { usize::MAX } else { take },
                counted: false,
            };
            let Some((page, column)) = statements.page(&wanted) else { return Ok(None) };
            let mut statement = self.connection.prepare(&page.text).map_err(failed)?;
            let mut rows = statement.query(values(page)).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                seen = seen.saturating_add(1);
                if entries.len() < take && !(at_once && seen <= skipped) {
                    entries.push(Position::new(key(column.as_ref(), row)?, row.get(0).map_err(failed)?));
                }
            }
        }
        let total = match count {
            None => Some(searchable),
            Some(_) if at_once => Some(seen),
            Some(_) if !is_counted => None,
            // A page that is not full ends the list.
            Some(_) if entries.len() < take && (seen > 0 || skipped == 0) => {
                Some(skipped.saturating_add(seen))
            }
            Some(count) => {
                let mut statement = self.connection.prepare(&count.text).map_err(failed)?;
                Some(statement.query_row(values(count), |row| row.get(0)).map_err(failed)?)
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
        let (seek, row, order) = match span {
            Span::All => (">", Row::MIN, ""),
            Span::After(row) => (">", row, ""),
            Span::Before(row) => ("<", row, " DESC"),
        };
        let text = format!(
            "SELECT {} FROM resources r WHERE r.tenant = ?1 AND r.type = ?2 AND r.shape <> ?3 AND r.seq {seek} ?4 \
             ORDER BY r.seq{order}",
            Self::STORED
        );
        let parameters = vec![
            Parameter::Text(self.tenant().to_owned()),
            Parameter::Text(definition.name().to_owned()),
            Parameter::Integer(Shape::of(definition).number()),
            Parameter::Integer(row),
        ];
        self.visit(Statement { text, parameters }, visit)
    }

    /// Visits the resources that a filter may match; false if that would be all.
    pub(super) fn scan_candidates(
        &self,
        definition: &Arc<TypeDefinition>,
        filter: &ResolvedFilter,
        span: Span,
        visit: Visit<'_>,
    ) -> Result<bool, StoreError> {
        let Some(statement) = self.statements(definition).candidates(Self::STORED, filter, span) else {
            return Ok(false);
        };
        self.searchable(definition)?;
        self.visit(statement, visit)?;
        Ok(true)
    }

    fn visit(&self, statement: Statement, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut prepared = self.connection.prepare(&statement.text).map_err(failed)?;
        let mut rows = prepared.query(values(statement)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if visit(self.stored(row).map_err(failed)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Makes search documents for resources of a type after this one that have none by today's schemas. Returns the
    /// last one that it has looked at, if there may be more.
    pub(super) fn make_anew(
        &self,
        definition: &TypeDefinition,
        after: Row,
    ) -> Result<Option<Row>, StoreError> {
        const SQL: &str = "SELECT seq, document FROM resources \
            WHERE tenant = ?1 AND type = ?2 AND seq > ?3 AND shape NOT IN (?4, ?5) ORDER BY seq LIMIT ?6";
        let shape = Shape::of(definition);
        let mut statement = self.prepare(SQL)?;
        let parameters = params![
            self.tenant(),
            definition.name(),
            after,
            shape.number(),
            shape.misfit(),
            i64::try_from(AT_ONCE).unwrap_or(i64::MAX)
        ];
        let found = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        let found: Vec<(Row, Vec<u8>)> = found.collect::<rusqlite::Result<_>>().map_err(failed)?;
        for (row, document) in &found {
            // A damaged document is an error when it is read.
            let search = match Value::from_slice(document) {
                Ok(Value::Object(document)) => SearchDocument::new(definition, &document),
                _ => SearchDocument { shape, json: None },
            };
            self.write_search(*row, &search, false)?;
            self.prepare("UPDATE resources SET shape = ?2 WHERE seq = ?1")?
                .execute(params![row, search.mark()])
                .map_err(failed)?;
        }
        Ok(found.last().map(|(row, _)| *row).filter(|_| found.len() == AT_ONCE))
    }
}

/// What the resource in a row is sorted by.
fn key(column: Option<&SortColumn>, row: &SqlRow<'_>) -> Result<SortKey, StoreError> {
    let Some(column) = column else { return Ok(SortKey::Unassigned) };
    if column.is_integer() {
        return Ok(column.key_of_integer(row.get(1).map_err(failed)?));
    }
    let text = row.get_ref(1).map_err(failed)?;
    Ok(column.key_of_text(text.as_str_or_null().map_err(|error| failed(error.into()))?))
}

fn values(statement: Statement) -> impl rusqlite::Params {
    params_from_iter(statement.parameters.into_iter().map(|parameter| match parameter {
        Parameter::Text(text) => SqlValue::Text(text),
        Parameter::Integer(number) => SqlValue::Integer(number),
    }))
}
