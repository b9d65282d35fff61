//! Reading one tenant's rows.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::{
    CachedStatement, Connection, OptionalExtension as _, Params, Row as SqlRow, params, params_from_iter,
};
use scim_core::{Object, ResourceId, TypeDefinition, Version};
use scim_filter::ResolvedFilter;

use super::super::encode::Index;
use super::super::plan::IdKey;
use super::super::view::{Answer, Ask, Link, Needs, Row, Span, Stored, View, seen};
use super::super::{Record, Reference, StoreError};
use super::error::failed;
use crate::context::RequestContext;

/// The rows of one tenant, as one connection sees them within a transaction.
pub(super) struct Rows<'c> {
    pub(super) connection: &'c Connection,
    pub(super) context: &'c RequestContext,
    /// The types of which resources were met whose search documents are to be made anew.
    pub(super) outdated: RefCell<Vec<Arc<TypeDefinition>>>,
}

/// The columns of [`Rows::stored`].
macro_rules! select_stored {
    ($rest:literal) => {
        concat!(
            "SELECT seq, type, id, created, last_modified, version, display, document, hidden FROM resources ",
            $rest
        )
    };
}

/// The columns of [`Rows::link_of`].
macro_rules! select_link {
    ($rest:literal) => {
        concat!("SELECT r.seq, r.type, r.id, r.display FROM ", $rest)
    };
}

/// The values of a relation that are of one type, by the index that has them in the order of creation.
macro_rules! held {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM relations v CROSS JOIN resources r INDEXED BY resources_by_type ON r.tenant = ?1 AND r.type = ?4 AND r.seq = v.target ",
            "WHERE v.source = ?2 AND v.attribute = ?3",
            $rest
        )
    };
}

impl<'c> Rows<'c> {
    /// The columns of [`Rows::stored`], of the table `r`.
    pub(super) const STORED: &'static str =
        "r.seq, r.type, r.id, r.created, r.last_modified, r.version, r.display, r.document, r.hidden";

    pub(super) fn new(connection: &'c Connection, context: &'c RequestContext) -> Self {
        Self { connection, context, outdated: RefCell::new(Vec::new()) }
    }

    pub(super) fn tenant(&self) -> &'c str {
        self.context.tenant.as_str()
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection.prepare_cached(sql).map_err(failed)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.prepare(sql)?.query_row(params, read).optional().map_err(failed)
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map(params, read).map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// The name of a type, shared with the registry where that knows it.
    fn type_name(&self, name: &str) -> Arc<str> {
        self.context
            .registry
            .by_name(name)
            .map_or_else(|| name.into(), |known| Arc::clone(known.shared_name()))
    }

    pub(super) fn stored(&self, row: &SqlRow<'_>) -> rusqlite::Result<Stored> {
        Ok(Stored {
            row: row.get(0)?,
            record: Record {
                resource_type: self.type_name(row.get_ref(1)?.as_str()?),
                id: id(row, 2)?,
                created: time(row, 3)?,
                last_modified: time(row, 4)?,
                version: Version::new(row.get(5)?),
                document: Bytes::from(row.get::<_, Vec<u8>>(7)?),
                hidden: row.get::<_, Option<Vec<u8>>>(8)?.map(Bytes::from),
                related: Vec::new(),
            },
            display: row.get(6)?,
        })
    }

    fn link_of(&self, row: &SqlRow<'_>) -> rusqlite::Result<Link> {
        let resource_type = self.type_name(row.get_ref(1)?.as_str()?);
        Ok(Link { row: row.get(0)?, reference: Reference::new(id(row, 2)?, resource_type, row.get(3)?) })
    }

    /// Whether a relation has more values than a limit, without a look at what they refer to.
    fn is_longer(&self, sql: &str, params: impl Params, limit: Option<usize>) -> Result<bool, StoreError> {
        let Some(limit) = limit else { return Ok(false) };
        let count: u64 = self.one(sql, params, |row| row.get(0))?.unwrap_or(0);
        Ok(usize::try_from(count).is_ok_and(|count| count > limit))
    }

    /// Links that come with a number to sort by in the column after theirs; `None` if there are more than `limit`.
    ///
    /// NB: sorting is left to us, so that no more rows than the limit are read to find that there are too many.
    fn links_in_order(
        &self,
        sql: &str,
        params: impl Params,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        let mut links = self.all(sql, params, |row| Ok((row.get::<_, i64>(4)?, self.link_of(row)?)))?;
        if limit.is_some_and(|limit| links.len() > limit) {
            return Ok(None);
        }
        links.sort_unstable_by_key(|(place, _)| *place);
        Ok(Some(links.into_iter().map(|(_, link)| link).collect()))
    }
}

impl View for Rows<'_> {
    const SEARCHES: bool = true;

    fn find(&self, id: &ResourceId) -> Result<Option<Stored>, StoreError> {
        const SQL: &str = select_stored!("WHERE tenant = ?1 AND id = ?2");
        self.one(SQL, [self.tenant(), id.as_str()], |row| self.stored(row))
    }

    fn link(&self, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        const SQL: &str = select_link!("resources r WHERE r.tenant = ?1 AND r.id = ?2");
        self.one(SQL, [self.tenant(), id.as_str()], |row| self.link_of(row))
    }

    fn links_by_key(&self, id: &IdKey) -> Result<Vec<Link>, StoreError> {
        const SAME: &str = select_link!("resources r WHERE r.tenant = ?1 AND r.id = ?2");
        const FOLDED: &str = select_link!("resources r WHERE r.tenant = ?1 AND r.folded_id = ?2");
        let mut links = self.all(SAME, [self.tenant(), &id.key], |row| self.link_of(row))?;
        if !id.exact {
            links.extend(self.all(FOLDED, [self.tenant(), &id.key], |row| self.link_of(row))?);
        }
        Ok(links)
    }

    fn row(&self, row: Row) -> Result<Option<Stored>, StoreError> {
        const SQL: &str = select_stored!("WHERE seq = ?1 AND tenant = ?2");
        self.one(SQL, params![row, self.tenant()], |row| self.stored(row))
    }

    fn count(&self, type_name: &Arc<str>) -> Result<u64, StoreError> {
        const SQL: &str = "SELECT coalesce(sum(count), 0) FROM counts WHERE tenant = ?1 AND type = ?2";
        Ok(self.one(SQL, [self.tenant(), type_name], |row| row.get(0))?.unwrap_or(0))
    }

    fn page(
        &self,
        types: &[Arc<str>],
        span: Span,
        skip: u64,
        take: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let (within, order, place) = match span {
            Span::All => ("", "", 0),
            Span::After(row) => (" AND seq > ?4", "", row),
            Span::Before(row) => (" AND seq < ?4", " DESC", row),
        };
        // One part for each type, so that the index by type yields each in order and SQLite merges them.
        let parts: Vec<String> = (0..types.len())
            .map(|n| {
                let name = n.saturating_add(5);
                format!("SELECT seq FROM resources WHERE tenant = ?1 AND type = ?{name}{within}")
            })
            .collect();
        let sql = format!("{} ORDER BY seq{order} LIMIT ?2 OFFSET ?3", parts.join(" UNION "));
        let number = |n: u64| rusqlite::types::Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let text = |text: &str| rusqlite::types::Value::Text(text.to_owned());
        let first = [
            text(self.tenant()),
            number(u64::try_from(take).unwrap_or(u64::MAX)),
            number(skip),
            rusqlite::types::Value::Integer(place),
        ];
        let values = first.into_iter().chain(types.iter().map(|name| text(name)));
        let rows: Vec<Row> = self.all(&sql, params_from_iter(values), |row| row.get(0))?;
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            page.extend(self.row(row)?);
        }
        Ok(page)
    }

    fn scan(
        &self,
        type_name: &Arc<str>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        const AFTER: &str = select_stored!("WHERE tenant = ?1 AND type = ?2 AND seq > ?3 ORDER BY seq");
        const BEFORE: &str = select_stored!("WHERE tenant = ?1 AND type = ?2 AND seq < ?3 ORDER BY seq DESC");
        let (sql, place) = match span {
            Span::All => (AFTER, Row::MIN),
            Span::After(row) => (AFTER, row),
            Span::Before(row) => (BEFORE, row),
        };
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params![self.tenant(), type_name, place]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if visit(self.stored(row).map_err(failed)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Option<Answer>, StoreError> {
        self.answer_by_search(ask)
    }

    fn scan_unanswered(
        &self,
        definition: &Arc<TypeDefinition>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.scan_unsearchable(definition, span, visit)
    }

    fn scan_seen(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        filter: Option<&ResolvedFilter>,
        span: Span,
        needs: &Needs<'_>,
        visit: &mut dyn FnMut(Row, Object) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut visit = |stored: Stored| visit(stored.row, seen(self, context, definition, &stored, needs)?);
        if let Some(filter) = filter
            && self.scan_candidates(definition, filter, span, &mut visit)?
        {
            return Ok(());
        }
        self.scan(definition.shared_name(), span, &mut visit)
    }

    fn indexed(
        &self,
        index: Index,
        type_name: &Arc<str>,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<Row>, StoreError> {
        const UNIQUE: &str = "SELECT resource FROM unique_values \
            WHERE tenant = ?1 AND type = ?2 AND attribute = ?3 AND value = ?4";
        const SHARED: &str = "SELECT resource FROM shared_values \
            WHERE tenant = ?1 AND type = ?2 AND attribute = ?3 AND value = ?4";
        let sql = match index {
            Index::Unique => UNIQUE,
            Index::Shared => SHARED,
        };
        self.all(sql, [self.tenant(), type_name, attribute, value], |row| row.get(0))
    }

    fn refers(&self, source: Row, relation: &str, target: Row) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT 1 FROM relations WHERE source = ?1 AND attribute = ?2 AND target = ?3";
        Ok(self.one(SQL, params![source, relation, target], |_| Ok(()))?.is_some())
    }

    fn targets(
        &self,
        source: Row,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        const SQL: &str = "SELECT r.seq, r.type, r.id, r.display, v.seq \
            FROM (SELECT seq, target FROM relations WHERE source = ?1 AND attribute = ?2 LIMIT ?3) v \
            CROSS JOIN resources r ON r.seq = v.target";
        const COUNT: &str = "SELECT count(*) FROM \
            (SELECT 1 FROM relations WHERE source = ?1 AND attribute = ?2 LIMIT ?3)";
        if self.is_longer(COUNT, params![source, relation, most(limit)], limit)? {
            return Ok(None);
        }
        self.links_in_order(SQL, params![source, relation, most(limit)], limit)
    }

    fn sources(
        &self,
        target: Row,
        source_type: &str,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        const SQL: &str = "SELECT r.seq, r.type, r.id, r.display, v.seq \
            FROM relations v CROSS JOIN resources r ON r.seq = v.source AND r.type = ?3 \
            WHERE v.target = ?1 AND v.attribute = ?2 LIMIT ?4";
        self.links_in_order(SQL, params![target, relation, source_type, most(limit)], limit)
    }

    fn held(
        &self,
        source: Row,
        relation: &str,
        target_type: &str,
        span: Span,
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        const AFTER: &str = held!("SELECT v.target", " AND v.target > ?5 ORDER BY v.target LIMIT ?6");
        const BEFORE: &str = held!("SELECT v.target", " AND v.target < ?5 ORDER BY v.target DESC LIMIT ?6");
        let (sql, place) = match span {
            Span::All => (AFTER, Row::MIN),
            Span::After(row) => (AFTER, row),
            Span::Before(row) => (BEFORE, row),
        };
        let most = i64::try_from(most).unwrap_or(-1);
        self.all(sql, params![self.tenant(), source, relation, target_type, place, most], |row| row.get(0))
    }

    fn count_held(&self, source: Row, relation: &str, target_type: &str) -> Result<u64, StoreError> {
        const SQL: &str = held!("SELECT count(*)", "");
        let count = self.one(SQL, params![self.tenant(), source, relation, target_type], |row| row.get(0))?;
        Ok(count.unwrap_or(0))
    }

    fn holders(&self, target: Row) -> Result<Vec<Stored>, StoreError> {
        const SQL: &str =
            select_stored!("WHERE seq IN (SELECT source FROM relations WHERE target = ?1) ORDER BY seq");
        self.all(SQL, [target], |row| self.stored(row))
    }
}

/// One row more than the limit shows that there are more; a negative number is no limit.
fn most(limit: Option<usize>) -> i64 {
    limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
}

fn id(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<ResourceId> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error| damaged(column, error))
}

fn time(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(row.get(column)?).ok_or_else(|| damaged(column, "a time past all bounds"))
}

fn damaged(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Null, error.into())
}
